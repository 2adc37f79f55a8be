"""ONNX Runtime gives what the network gave when it was trained, and the format's own checker finds nothing."""

import base64
import json
import re

import numpy
import onnx
import onnxruntime
import pytest

from conftest import hourglass

SMALL = ("data.limit=2000", "data.test_limit=1000", "train.epochs=1")
ACTIVATIONS = ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "maxout", "gelu", "gelu_tanh", "silu"]
CODECS = [
    *[("activations", f"model.activation={activation}", *SMALL) for activation in ACTIVATIONS],
    ("deep", "model.code_activation=maxout", *SMALL),
    ("deep",),
    ("shallow", "model.tied=true", *SMALL),
    ("variational", *SMALL),
    ("pca", *SMALL[:2]),
    ("probabilistic-pca", *SMALL[:2]),
    ("topic-model", *SMALL[:2]),
]


def vectors(page):
    """What the network answered to some inputs, from the page of its run."""
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text(), re.S)
    play = json.loads(text[1])["play"]
    floats = lambda text: numpy.frombuffer(base64.b64decode(text), "<f4")
    if play["kind"] == "points":
        points = floats(play["check"]["points"]).reshape(-1, 2)
        return points, floats(play["check"]["probabilities"]).reshape(len(points), -1)
    pixels = numpy.frombuffer(base64.b64decode(play["digits"]["pixels"]), "u1")
    images = pixels.reshape(-1, play["height"] * play["width"]) / numpy.float32(255)
    outputs = floats(play["check"]["outputs"]).reshape(-1, images.shape[1])
    return images[: len(outputs)], floats(play["check"]["codes"]).reshape(len(outputs), -1), outputs


def session(file):
    model = onnx.load(file)
    onnx.checker.check_model(model, full_check=True)
    assert model.opset_import[0].version == 17
    return onnxruntime.InferenceSession(file)


def assert_close(found, expected):
    assert found.shape == expected.shape
    difference = numpy.abs(found - expected) / numpy.maximum(1, numpy.abs(expected))
    assert difference.max() <= 1e-5, difference.max()


@pytest.mark.parametrize("kind", CODECS, ids=lambda kind: " ".join(kind[:2]))
def test_codecs_answer_alike(runs, page_of, tmp_path, kind):
    images, codes, outputs = vectors(page_of(*kind, weights="f32"))
    told = json.loads(hourglass("export", runs(*kind), f"--out={tmp_path}", "--json"))
    assert [file.split("/")[-1] for file in told["files"]] == ["encoder.onnx", "decoder.onnx", "model.onnx"]
    encoder, decoder, whole = map(session, told["files"])
    for count in [1, 5, len(images)]:
        [found] = encoder.run(["code"], {"image": images[:count]})
        assert_close(found, codes[:count])
        [drawn] = decoder.run(["reconstruction"], {"code": codes[:count]})
        assert_close(drawn, outputs[:count])
        both = whole.run(["code", "reconstruction"], {"image": images[:count]})
        assert_close(both[0], codes[:count])
        assert_close(both[1], outputs[:count])


def test_classifiers_answer_alike(runs, page_of):
    points, probabilities = vectors(page_of("spirals", weights="f32"))
    run = runs("spirals")
    hourglass("export", run)
    model = session(str(run / "model.onnx"))
    logits, found = model.run(["logits", "probabilities"], {"point": points})
    assert_close(found, probabilities)
    assert (logits.argmax(1) == probabilities.argmax(1)).all()


def test_the_lines_that_are_printed_run(runs, tmp_path):
    for config in [("deep",), ("spirals",)]:
        told = json.loads(hourglass("export", runs(*config), f"--out={tmp_path}", "--json"))
        names = {}
        exec(told["code"], names)
        last = names["probabilities"] if config == ("spirals",) else names["reconstruction"]
        assert last.shape[0] == 5
