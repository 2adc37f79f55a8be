"""NumPy's own files in and out, and memory that does not grow with them."""

import gzip
import itertools
import json
import pathlib
import re
import subprocess
import time

import numpy
import pytest

from conftest import BINARY, WORKPLACE, hourglass

SMALL = ("data.limit=2000", "data.test_limit=1000", "train.epochs=1")


@pytest.mark.parametrize("kind", ["uint8", "float16", "float32", "float64", ">f4", "int16"])
def test_an_array_of_any_kind_goes_through_the_code_and_back(tmp_path, kind):
    # Eight bits of freedom, so that a few units can say all of it.
    generator = numpy.random.default_rng(1)
    basis = generator.random((8, 30)) > 0.6
    bits = generator.random((800, 8)) > 0.5
    images = (bits @ basis).clip(0, 1).reshape(800, 5, 6).astype(float)
    scale = 255 if kind in ("uint8", "int16") else 1
    numpy.save(tmp_path / "x.npy", (scale * images).astype(kind))
    run = tmp_path / "run"
    settings = {"data.path": tmp_path / "x.npy", "model.encoder": "[30, 64, 16]", "train.epochs": 60}
    settings = [f"--set={key}={value}" for key, value in settings.items()]
    hourglass("train", "--quiet", "--config=configs/own/array.toml", *settings, f"--out={run}")
    hourglass("encode", run, f"--input={tmp_path}/x.npy", f"--out={tmp_path}/codes.npy")
    hourglass("decode", run, f"--input={tmp_path}/codes.npy", f"--out={tmp_path}/back.npy")
    codes, back = numpy.load(tmp_path / "codes.npy"), numpy.load(tmp_path / "back.npy")
    assert codes.shape == (800, 16) and codes.dtype == numpy.float32
    # In the units of the training data, but for bytes, which go from 0 to 1.
    unit = 255 if kind == "int16" else 1
    assert back.shape == images.shape
    assert abs(back / unit - images).mean() < 0.05


def test_npz_archives_of_keras_bring_their_splits_and_classes(tmp_path):
    generator = numpy.random.default_rng(2)
    arrays = {
        "x_train": generator.integers(0, 256, (300, 28, 28), "u1"),
        "y_train": generator.integers(0, 4, 300, "u1"),
        "x_test": generator.integers(0, 256, (50, 28, 28), "u1"),
        "y_test": generator.integers(0, 4, 50, "u1"),
    }
    for save, name in [(numpy.savez, "plain.npz"), (numpy.savez_compressed, "small.npz")]:
        save(tmp_path / name, **arrays)
        path = f"--set=data.path={tmp_path / name}"
        found = json.loads(hourglass("data", "check", "--config=configs/own/array.toml", path, "--json"))
        assert [split["images"] for split in found["splits"]] == [300, 50]
        counts = numpy.bincount(arrays["y_train"], minlength=4).tolist()
        assert found["splits"][0]["classes"] == counts
        assert abs(found["splits"][1]["mean_pixel"] - arrays["x_test"].mean() / 255) < 1e-6


def check(path, **settings):
    settings = [f"--set=data.{key}={value}" for key, value in {"path": path, **settings}.items()]
    return json.loads(hourglass("data", "check", "--config=configs/own/array.toml", *settings, "--json"))


@pytest.mark.parametrize("kind", ["uint8", "float64", ">i4"])
@pytest.mark.parametrize("shape", [(60, 20), (60, 4, 5), (60, 2, 5, 3)])
def test_transposed_and_gzipped_arrays_are_the_same_examples(tmp_path, kind, shape):
    array = numpy.random.default_rng(5).integers(0, 256, shape).astype(kind)
    numpy.save(tmp_path / "c.npy", array)
    numpy.save(tmp_path / "f.npy", numpy.asfortranarray(array))
    numpy.savez_compressed(tmp_path / "f.npz", x=numpy.asfortranarray(array))
    (tmp_path / "f.npy.gz").write_bytes(gzip.compress((tmp_path / "f.npy").read_bytes()))
    expected = check(tmp_path / "c.npy", range="[0, 255]")["splits"]
    for name in ["f.npy", "f.npz", "f.npy.gz"]:
        assert check(tmp_path / name, range="[0, 255]")["splits"] == expected, name


@pytest.mark.parametrize("kind", ["<U7", ">U7", "S7", "int64", ">u8", "float64", "bool"])
def test_labels_of_any_kind_are_classes(tmp_path, kind):
    classes = numpy.arange(90) % (2 if kind == "bool" else 9)
    if kind in ("int64", ">u8", "float64"):
        classes = classes + 2**52
    examples = numpy.random.default_rng(6).integers(0, 256, (90, 4, 4), "u1")
    labels = classes.astype(str).astype(kind) if kind[-1] == "7" else classes.astype(kind)
    numpy.savez(tmp_path / "a.npz", X=examples, kinds=labels.reshape(-1, 1))
    found = check(tmp_path / "a.npz", labels="kinds")
    of_splits = (split["classes"] for split in found["splits"])
    counts = [sum(of_class) for of_class in itertools.zip_longest(*of_splits, fillvalue=0)]
    assert counts == numpy.bincount(classes - classes.min()).tolist()
    if kind in ("int64", ">u8", "float64"):
        assert found["preparation"]["classes"] == [str(2**52 + i) for i in range(9)]


def test_channels_first_is_the_same_image(runs, tmp_path):
    generator = numpy.random.default_rng(3)
    images = generator.integers(0, 256, (40, 6, 5, 3), "u1")
    numpy.save(tmp_path / "last.npy", images)
    numpy.save(tmp_path / "first.npy", images.transpose(0, 3, 1, 2).copy())
    run = tmp_path / "run"
    settings = [f"--set=data.path={tmp_path}/last.npy", "--set=model.encoder=[90, 8]", "--set=train.epochs=1"]
    hourglass("train", "--quiet", "--config=configs/own/array.toml", *settings, f"--out={run}")
    for layout in ["last", "first"]:
        hourglass("encode", run, f"--input={tmp_path}/{layout}.npy", f"--out={tmp_path}/{layout}-codes.npy")
    last, first = (numpy.load(tmp_path / f"{layout}-codes.npy") for layout in ["last", "first"])
    assert (last == first).all()
    hourglass("reconstruct", run, f"--input={tmp_path}/first.npy", f"--out={tmp_path}/back.npy")
    assert numpy.load(tmp_path / "back.npy").shape == images.shape


def test_pipes_carry_arrays(runs, tmp_path):
    run = runs("deep", *SMALL)
    images = numpy.random.default_rng(4).integers(0, 256, (20, 28, 28), "u1")
    numpy.save(tmp_path / "x.npy", images)
    hourglass("encode", run, f"--input={tmp_path}/x.npy", f"--out={tmp_path}/codes.npy")
    piped = subprocess.run(
        [BINARY, "encode", run, "--input=-", "--out=-", "--format=npy", "--quiet"],
        cwd=WORKPLACE, input=(tmp_path / "x.npy").read_bytes(), capture_output=True, check=True,
    )
    assert piped.stderr == b""
    (tmp_path / "piped.npy").write_bytes(piped.stdout)
    assert (numpy.load(tmp_path / "piped.npy") == numpy.load(tmp_path / "codes.npy")).all()


def test_memory_does_not_grow_with_the_input(runs, tmp_path):
    run = runs("deep", *SMALL)
    images = 2_000_000_000 // 784 + 1
    with open(tmp_path / "large.npy", "wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (images, 28, 28)}
        numpy.lib.format.write_array_header_1_0(file, header)
        # What was never written reads as zeros and takes no room on the disk.
        file.truncate(file.tell() + images * 784)
    command = [BINARY, "encode", run, f"--input={tmp_path}/large.npy", f"--out={tmp_path}/codes.npy", "--json"]
    peak_kb = 0
    with subprocess.Popen(command, cwd=WORKPLACE, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            # What a process is charged with when it ends includes what its parent had in memory.
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            found = re.search(r"VmHWM:\s*(\d+) kB", status)
            peak_kb = max(peak_kb, int(found[1]) if found else 0)
            time.sleep(0.01)
        told = json.loads(process.stdout.read())
    assert process.returncode == 0 and told["examples"] == images
    peak_mb = peak_kb * 1024 / 1e6
    print(f"{images} images at {told['examples_per_second']:,.0f} a second, peak {peak_mb:.0f} MB")
    assert 10 < peak_mb < 500
    codes = numpy.load(tmp_path / "codes.npy", mmap_mode="r")
    assert codes.shape == (images, 32) and (codes[0] == codes[-1]).all()
    (tmp_path / "large.npy").unlink()
    (tmp_path / "codes.npy").unlink()
