"""Golden values for `tests/it/golden.rs`, from PyTorch in float64.

A 7-5-3-5-7 autoencoder (ReLU, ReLU, ReLU, sigmoid), fixed weights and a fixed batch of four grey
images, pixels 0 and 1 among them: loss and every gradient for each objective; the weights after ten
steps of each optimizer (epsilon is large in most, so that its place in the formula shows; 1e-7 is
what hourglass trains with); the gradients clipped by their global norm; each activation with its
derivative at a few points. The objective with the Kullback-Leibler penalty has a sigmoid after its
code.

    pip install torch==2.15.0 && python tests/golden/generate.py

Weights are written as PyTorch has them, [out, in]; the test transposes.
"""

import json
import pathlib

import torch

torch.set_default_dtype(torch.float64)
SIZES = [7, 5, 3, 5, 7]
NAMES = ["encoder.0", "encoder.2", "decoder.0", "decoder.2"]


def network():
    generator = torch.Generator().manual_seed(20)
    encoder = torch.nn.Sequential(
        torch.nn.Linear(7, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3), torch.nn.ReLU()
    )
    decoder = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.ReLU(), torch.nn.Linear(5, 7))
    model = torch.nn.ModuleDict({"encoder": encoder, "decoder": decoder})
    with torch.no_grad():
        for parameter in model.parameters():
            # Rounded to float32, so that both programs start from the very same numbers.
            values = torch.rand(parameter.shape, generator=generator) * 1.6 - 0.8
            parameter.copy_(values.to(torch.float32).to(torch.float64))
    return model


def batch():
    generator = torch.Generator().manual_seed(21)
    pixels = torch.randint(0, 256, (4, 7), generator=generator)
    pixels[0, :3] = 0
    pixels[1, 2:5] = 255
    return pixels, pixels.to(torch.float64) / 255


def loss_of(model, x, objective):
    if objective == "bce_and_kl":
        code = torch.sigmoid(model["encoder"][:3](x))
    else:
        code = model["encoder"](x)
    logits = model["decoder"](code)
    bce = torch.nn.functional.binary_cross_entropy_with_logits(logits, x)
    squared = (torch.sigmoid(logits) - x).square()
    mean = code.mean(dim=0)
    return {
        "bce": lambda: bce,
        "mse": lambda: squared.mean(),
        "squared_error": lambda: squared.sum() / x.shape[0],
        "bce_and_l1_batch_sum": lambda: bce + 0.01 * code.abs().sum(),
        "bce_and_l1_batch_mean": lambda: bce + 0.01 * code.abs().sum(dim=1).mean(),
        "bce_and_kl": lambda: bce
        + 0.1
        * (0.05 * (0.05 / mean).log() + 0.95 * (0.95 / (1 - mean)).log()).sum(),
    }[objective]()


OBJECTIVES = [
    "bce",
    "mse",
    "squared_error",
    "bce_and_l1_batch_sum",
    "bce_and_l1_batch_mean",
    "bce_and_kl",
]

OPTIMIZERS = {
    "sgd": (torch.optim.SGD, {"lr": 0.5}),
    "momentum": (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}),
    "adam": (torch.optim.Adam, {"lr": 1e-2, "eps": 1e-7}),
    "adam_with_large_epsilon": (torch.optim.Adam, {"lr": 1e-2, "eps": 1e-2}),
    "adamw": (torch.optim.AdamW, {"lr": 1e-2, "eps": 1e-2, "weight_decay": 0.1}),
    "rmsprop": (torch.optim.RMSprop, {"lr": 1e-2, "alpha": 0.9, "eps": 1e-2}),
}

ACTIVATIONS = {
    "linear": lambda h: h,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": lambda h: torch.nn.functional.leaky_relu(h, 0.1),
    "elu": torch.nn.functional.elu,
    "maxout": lambda h: h.reshape(h.shape[0], -1, 2).amax(dim=2),
    "gelu": lambda h: torch.nn.functional.gelu(h, approximate="tanh"),
    "silu": torch.nn.functional.silu,
}
POINTS = [[-6.0, -2.5, -1.0, -0.1], [0.3, 0.1, 1.7, 8.0]]


def tensors(model, pick):
    return {name: pick(parameter).tolist() for name, parameter in model.named_parameters()}


def main():
    pixels, x = batch()
    golden = {
        "made_by": f"tests/golden/generate.py, PyTorch {torch.__version__.split('+')[0]}, float64",
        "sizes": SIZES,
        "pixels": pixels.flatten().tolist(),
        "weights": tensors(network(), lambda p: p.detach()),
        "objectives": {},
        "optimizers": {},
        "points": POINTS,
        "activations": {},
    }
    for kind in OBJECTIVES:
        model = network()
        loss = loss_of(model, x, kind)
        loss.backward()
        golden["objectives"][kind] = {
            "loss": loss.item(),
            "gradients": tensors(model, lambda p: p.grad),
        }
    for name, (kind, options) in OPTIMIZERS.items():
        model = network()
        optimizer = kind(model.parameters(), **options)
        trace = []
        for _ in range(10):
            optimizer.zero_grad()
            loss = loss_of(model, x, "bce")
            loss.backward()
            optimizer.step()
            trace.append(loss.item())
        golden["optimizers"][name] = {
            "losses": trace,
            "weights": tensors(model, lambda p: p.detach()),
        }
    model = network()
    loss_of(model, x, "bce").backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 0.05)
    golden["clipped"] = {"norm": norm.item(), "gradients": tensors(model, lambda p: p.grad)}
    for name, function in ACTIVATIONS.items():
        h = torch.tensor(POINTS, requires_grad=True)
        values = function(h)
        values.square().sum().backward()  # so that each derivative meets another factor
        golden["activations"][name] = {"values": values.tolist(), "gradients": h.grad.tolist()}
    path = pathlib.Path(__file__).with_name("autoencoder.json")
    path.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
