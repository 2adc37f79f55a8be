"""Golden values for `tests/it/golden.rs`, from PyTorch in float64.

A 7-5-3-5-7 autoencoder (ReLU, ReLU, ReLU, sigmoid), fixed weights and a fixed batch of four grey
images, pixels 0 and 1 among them: loss and every gradient for both reconstruction errors, and the
weights after ten Adam steps with two values of epsilon (1e-7, which is what hourglass trains with,
and 1e-2, where the place of epsilon in the formula shows).

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


def losses(model, x):
    logits = model["decoder"](model["encoder"](x))
    return {
        "bce": torch.nn.functional.binary_cross_entropy_with_logits(logits, x),
        "mse": torch.nn.functional.mse_loss(torch.sigmoid(logits), x),
    }


def tensors(model, pick):
    return {name: pick(parameter).tolist() for name, parameter in model.named_parameters()}


def main():
    pixels, x = batch()
    golden = {
        "made_by": f"tests/golden/generate.py, PyTorch {torch.__version__}, float64",
        "sizes": SIZES,
        "pixels": pixels.flatten().tolist(),
        "weights": tensors(network(), lambda p: p.detach()),
        "objectives": {},
        "adam": [],
    }
    for kind in ["bce", "mse"]:
        model = network()
        loss = losses(model, x)[kind]
        loss.backward()
        golden["objectives"][kind] = {
            "loss": loss.item(),
            "gradients": tensors(model, lambda p: p.grad),
        }
    for epsilon in [1e-7, 1e-2]:
        model = network()
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, betas=(0.9, 0.999), eps=epsilon)
        trace = []
        for _ in range(10):
            optimizer.zero_grad()
            loss = losses(model, x)["bce"]
            loss.backward()
            optimizer.step()
            trace.append(loss.item())
        golden["adam"].append(
            {
                "learning_rate": 1e-2,
                "epsilon": epsilon,
                "losses": trace,
                "weights": tensors(model, lambda p: p.detach()),
            }
        )
    path = pathlib.Path(__file__).with_name("autoencoder.json")
    path.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
