"""Small vectors for `tests/it/parity.rs`: weights, examples, and what PyTorch makes of them.

    pip install torch safetensors && python tests/golden/parity.py
"""

import pathlib

import safetensors.torch
import torch

torch.manual_seed(7)
OUT = pathlib.Path(__file__).parent / "parity"
OUT.mkdir(exist_ok=True)
ACTIVATIONS = {
    "relu": torch.nn.ReLU(),
    "leaky_relu": torch.nn.LeakyReLU(0.1),
    "elu": torch.nn.ELU(),
    "tanh": torch.nn.Tanh(),
    "sigmoid": torch.nn.Sigmoid(),
    "silu": torch.nn.SiLU(),
    "gelu_tanh": torch.nn.GELU(approximate="tanh"),
    # Last, so that the others keep their random numbers. The file that is here is from gelu.py.
    "gelu": torch.nn.GELU(),
}

for name, activation in ACTIVATIONS.items():
    encoder = torch.nn.Sequential(torch.nn.Linear(12, 8), activation, torch.nn.Linear(8, 3), activation)
    decoder = torch.nn.Sequential(torch.nn.Linear(3, 8), activation, torch.nn.Linear(8, 12), torch.nn.Sigmoid())
    model = torch.nn.ModuleDict({"encoder": encoder, "decoder": decoder})
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.8)
    examples = torch.rand(9, 12)
    with torch.no_grad():
        codes = encoder(examples)
        reconstructions = decoder(codes)
    weights = {f"weights.{key}": value for key, value in model.state_dict().items()}
    vectors = {"examples": examples, "codes": codes, "reconstructions": reconstructions}
    metadata = {"torch": torch.__version__}
    safetensors.torch.save_file(weights | vectors, OUT / f"{name}.safetensors", metadata)
