#!/usr/bin/env python3
"""PyTorch: eager with its default Adam, eager with fused Adam, or the whole step compiled."""

import sys

import common
import torch
from torch.nn import functional

MODES = ("eager", "fused", "compile")
mode = sys.argv.pop(1)
assert mode in MODES, f"one of {MODES}"
torch.set_num_threads(common.THREADS)


def prepare(train, test, batch_size, seed):
    layers = []
    for weights, biases in common.initial_weights(seed):
        layer = torch.nn.Linear(*weights.shape)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(weights.T.copy()))
            layer.bias.copy_(torch.from_numpy(biases))
        layers += [layer, torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(
        model.parameters(),
        lr=common.LEARNING_RATE,
        betas=(common.BETA_1, common.BETA_2),
        eps=common.EPSILON,
        fused=mode != "eager",
    )
    train, test = torch.from_numpy(train), torch.from_numpy(test)
    generator = torch.Generator().manual_seed(seed)

    def gradients(x):
        loss = functional.binary_cross_entropy_with_logits(model(x), x)
        loss.backward()
        return loss.detach()

    if mode == "compile":
        gradients = torch.compile(gradients)

    def epoch(_):
        total = torch.zeros(())
        for indices in torch.randperm(len(train), generator=generator).split(batch_size):
            optimizer.zero_grad()
            total += gradients(train[indices])
            optimizer.step()
        return total.item()

    def test_error():
        with torch.no_grad():
            return functional.binary_cross_entropy_with_logits(model(test), test).item()

    return epoch, test_error


common.main(f"PyTorch, {mode}", prepare)
