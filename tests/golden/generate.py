"""Golden values for `tests/it/golden/`, from PyTorch in float64.

A 7-5-3-5-7 autoencoder (ReLU, ReLU, ReLU, sigmoid), fixed weights and a fixed batch of four grey
images, pixels 0 and 1 among them: loss and every gradient for each objective; the weights after ten
steps of each optimizer (epsilon is large in most, so that its place in the formula shows; 1e-7 is
what hourglass trains with); the gradients clipped by their global norm; each activation with its
derivative at a few points. The objective with the Kullback-Leibler penalty has a sigmoid after its
code. Then loss and gradients of other networks: with dropout, tied, variational, classifying.

    pip install torch==2.15.0 && python tests/golden/generate.py

Weights are written as PyTorch has them, [out, in]; the test transposes.
"""

import json
import pathlib

import torch

torch.set_default_dtype(torch.float64)
SIZES = [7, 5, 3, 5, 7]
NAMES = ["encoder.0", "encoder.2", "decoder.0", "decoder.2"]


def rounded(shape, generator, low=-0.8, high=0.8):
    """Uniform numbers, rounded to float32 so that both programs start from the very same."""
    values = torch.rand(shape, generator=generator) * (high - low) + low
    return values.to(torch.float32).to(torch.float64)


def fill(model, generator):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(rounded(parameter.shape, generator))
    return model


def network():
    encoder = torch.nn.Sequential(
        torch.nn.Linear(7, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3), torch.nn.ReLU()
    )
    decoder = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.ReLU(), torch.nn.Linear(5, 7))
    model = torch.nn.ModuleDict({"encoder": encoder, "decoder": decoder})
    return fill(model, torch.Generator().manual_seed(20))


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

def with_gradients(model, loss, **more):
    """A case of its own: the network's weights, what else it was given, loss and gradients."""
    weights = tensors(model, lambda p: p.detach())
    loss.backward()
    gradients = tensors(model, lambda p: p.grad)
    return {"weights": weights, **more, "loss": loss.item(), "gradients": gradients}


def with_dropout(x):
    """Hidden units scaled by given masks, 0 or 2: a dropout of one half."""
    generator = torch.Generator().manual_seed(22)
    masks = 2.0 * torch.randint(0, 2, (4, 10), generator=generator).to(torch.float64)
    model = network()
    encoder, decoder = model["encoder"], model["decoder"]
    h = encoder[1](encoder[0](x)) * masks[:, :5]
    code = encoder[3](encoder[2](h))
    h = decoder[1](decoder[0](code)) * masks[:, 5:]
    loss = torch.nn.functional.binary_cross_entropy_with_logits(decoder[2](h), x)
    return with_gradients(model, loss, masks=masks.tolist())


def tied(x):
    """The decoder's weights are the encoder's, transposed; its biases are its own."""
    full = network()
    encoder = full["encoder"]
    biases = torch.nn.ParameterList([full["decoder"][0].bias, full["decoder"][2].bias])
    model = torch.nn.ModuleDict({"encoder": encoder})
    model.biases = biases
    h = torch.relu(encoder(x) @ encoder[2].weight + biases[0])
    logits = h @ encoder[0].weight + biases[1]
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, x)
    return with_gradients(model, loss)


def variational(x, kl_weight):
    """The negative evidence lower bound in nats per image, as PyTorch's own example has it."""
    generator = torch.Generator().manual_seed(23)
    encoder = torch.nn.Sequential(torch.nn.Linear(7, 5), torch.nn.ReLU(), torch.nn.Linear(5, 6))
    decoder = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.ReLU(), torch.nn.Linear(5, 7))
    model = fill(torch.nn.ModuleDict({"encoder": encoder, "decoder": decoder}), generator)
    epsilon = rounded((4, 3), generator, -2.0, 2.0)
    mu, log_var = encoder(x).chunk(2, dim=1)
    z = mu + torch.exp(0.5 * log_var) * epsilon
    bce = torch.nn.functional.binary_cross_entropy_with_logits(decoder(z), x, reduction="sum")
    kl = -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp())
    loss = (bce + kl_weight * kl) / x.shape[0]
    terms = {"expected_bce": (bce / 4).item(), "kl": (kl / 4).item()}
    return with_gradients(model, loss, epsilon=epsilon.tolist(), kl_weight=kl_weight, **terms)


def classifier():
    """A softmax network on points of the plane."""
    generator = torch.Generator().manual_seed(24)
    stack = [torch.nn.Linear(2, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3)]
    model = fill(torch.nn.Sequential(*stack), generator)
    points = rounded((6, 2), generator, -1.0, 1.0)
    classes = torch.tensor([0, 1, 2, 2, 1, 0])
    loss = torch.nn.functional.cross_entropy(model(points), classes)
    return with_gradients(model, loss, points=points.tolist(), classes=classes.tolist())


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
    "gelu": torch.nn.functional.gelu,  # the values that are here are from gelu.py
    "gelu_tanh": lambda h: torch.nn.functional.gelu(h, approximate="tanh"),
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
    golden["networks"] = {
        "dropout": with_dropout(x),
        "tied": tied(x),
        "variational": variational(x, 1.0),
        "variational_weighted": variational(x, 4.0),
        "classifier": classifier(),
    }
    path = pathlib.Path(__file__).with_name("golden.json")
    path.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
