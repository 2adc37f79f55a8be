"""PyTorch, run on the weights that `export` writes and by the lines that it prints, gives what hourglass gives."""

import json

import numpy
import pytest
import torch

from conftest import hourglass

SMALL = ("data.limit=2000", "data.test_limit=1000", "train.epochs=1")
KINDS = [
    ("deep",),
    ("variational", *SMALL),
    ("shallow", "model.tied=true", *SMALL),
    *[("activations", f"model.activation={name}", *SMALL) for name in ["relu", "tanh", "elu", "maxout", "gelu", "gelu_tanh", "silu"]],
]


def assert_close(found, expected):
    assert found.shape == expected.shape
    difference = numpy.abs(found - expected) / numpy.maximum(1, numpy.abs(expected))
    assert difference.max() <= 1e-5, difference.max()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: " ".join(kind[:2]))
def test_codes_and_reconstructions_agree(runs, tmp_path, kind):
    run = runs(*kind)
    told = json.loads(hourglass("export", run, "--format=safetensors", f"--out={tmp_path}", "--json"))
    names = {}
    exec(told["code"], names)
    images = numpy.random.default_rng(0).random((64, 784), numpy.float32) ** 4
    numpy.save(tmp_path / "images.npy", images)
    hourglass("encode", run, f"--input={tmp_path}/images.npy", f"--out={tmp_path}/codes.npy")
    hourglass("decode", run, f"--input={tmp_path}/codes.npy", f"--out={tmp_path}/drawn.npy")
    hourglass("reconstruct", run, f"--input={tmp_path}/images.npy", f"--out={tmp_path}/through.npy")
    with torch.no_grad():
        codes = names["encoder"](torch.from_numpy(images))
        if kind[0] == "variational":
            codes, _ = codes.chunk(2, dim=1)
        drawn = names["decoder"](codes).numpy()
    assert_close(numpy.load(tmp_path / "codes.npy"), codes.numpy())
    assert_close(numpy.load(tmp_path / "drawn.npy").reshape(drawn.shape), drawn)
    assert_close(numpy.load(tmp_path / "through.npy").reshape(drawn.shape), drawn)
