#!/usr/bin/env python3
"""The shallow autoencoders in PyTorch with several seeds: how far the references themselves spread.

The same network, objective, optimizer and epochs as configs/shallow.toml: x̂ = ReLU(W̃ ReLU(Wx+b)+b̃),
squared error per image, Adam 1e-3 with ε 1e-7, Glorot-uniform weights, zero biases, batch 32, five
epochs.

    pip install torch==2.15.0 && scripts/pytorch_reference.py [SEEDS]
"""

import gzip
import pathlib
import statistics
import sys

import torch

ROOT = pathlib.Path(__file__).resolve().parents[1]


def images(name):
    raw = gzip.decompress((ROOT / f"data/mnist/{name}-images-idx3-ubyte.gz").read_bytes())
    pixels = torch.frombuffer(bytearray(raw[16:]), dtype=torch.uint8)
    return pixels.reshape(-1, 784).to(torch.float32) / 255


def figures(train, test, width, seed):
    torch.manual_seed(seed)
    encoder = torch.nn.Sequential(torch.nn.Linear(784, width), torch.nn.ReLU())
    decoder = torch.nn.Sequential(torch.nn.Linear(width, 784), torch.nn.ReLU())
    for layer in (encoder[0], decoder[0]):
        torch.nn.init.xavier_uniform_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    model = torch.nn.Sequential(encoder, decoder)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7)
    for _ in range(5):
        total = 0.0
        for indices in torch.randperm(len(train)).split(32):
            x = train[indices]
            loss = (model(x) - x).square().sum() / len(x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
    with torch.no_grad():
        code = encoder(test)
        mse = (decoder(code) - test).square().mean().item()
    zeros = (code == 0).float().mean().item()
    return total / len(train), mse, code.mean().item(), zeros


def main():
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    train, test = images("train"), images("t10k")
    names = ["train squared error per image", "test MSE per pixel", "code mean", "zeros in code"]
    for width in (32, 128):
        runs = [figures(train, test, width, seed) for seed in range(1, seeds + 1)]
        for name, values in zip(names, zip(*runs)):
            each = " ".join(f"{value:.5g}" for value in values)
            mean, spread = statistics.fmean(values), statistics.stdev(values)
            print(f"784-{width}-784  {name}: {mean:.4g} ± {spread:.2g}  ({each})", flush=True)


if __name__ == "__main__":
    main()
