"""TensorBoard's own reader finds in event files what the run's other files say."""

import io
import json

from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from conftest import hourglass

RUN = ["train", "--quiet", "--tensorboard", "--config=configs/smoke.toml"]


def read(run):
    events = EventAccumulator(str(run / "tensorboard"), {"scalars": 0, "images": 0})
    events.Reload()
    return events


def test_scalars_are_those_of_the_metrics_file(tmp_path):
    run = tmp_path / "run"
    hourglass(*RUN, "--set=train.epochs=3", "--set=data.validation=100", f"--out={run}")
    events = read(run)
    epochs = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert len(epochs) == 3
    checked = 0
    for name in epochs[0]:
        for split in ["train", "validation", "test"]:
            metric = name.removeprefix(f"{split}_")
            if metric == name or metric == "seconds":
                continue
            scalars = events.Scalars(f"{metric}/{split}")
            assert [scalar.step for scalar in scalars] == [epoch["step"] for epoch in epochs]
            for scalar, epoch in zip(scalars, epochs):
                assert abs(scalar.value - epoch[name]) <= 1e-6 * max(1, abs(epoch[name])), name
            checked += 1
    assert checked > 10
    assert [scalar.value > 0 for scalar in events.Scalars("course/samples_per_second")] == [True] * 3


def test_pictures_are_those_of_the_run(tmp_path):
    run = tmp_path / "run"
    hourglass(*RUN, "--set=train.epochs=2", f"--out={run}")
    events = read(run)
    assert set(events.Tags()["images"]) == {"reconstructions", "code", "curves"}
    # One after each epoch.
    assert len(events.Images("reconstructions")) == 2
    for tag in events.Tags()["images"]:
        last = events.Images(tag)[-1]
        assert last.encoded_image_string == (run / f"{tag}.png").read_bytes()
        assert Image.open(io.BytesIO(last.encoded_image_string)).size == (last.width, last.height)


def test_a_resumed_run_goes_on_and_a_new_one_begins_anew(tmp_path):
    run = tmp_path / "run"
    hourglass(*RUN, "--set=train.epochs=2", f"--out={run}")
    hourglass("train", "--quiet", "--tensorboard", "--resume", run, "--set=train.epochs=4")
    epochs = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    steps = [scalar.step for scalar in read(run).Scalars("bce_nats_per_pixel/test")]
    assert steps == [epoch["step"] for epoch in epochs] and len(steps) == 4
    assert len(list((run / "tensorboard").iterdir())) == 2
    hourglass(*RUN, "--set=train.epochs=1", "--force", f"--out={run}")
    assert len(read(run).Scalars("bce_nats_per_pixel/test")) == 1


def test_baselines_have_events_too(tmp_path):
    run = tmp_path / "run"
    settings = ["--set=data.limit=1000", "--set=data.test_limit=500"]
    hourglass("train", "--quiet", "--tensorboard", "--config=configs/pca.toml", *settings, f"--out={run}")
    events = read(run)
    assert len(events.Scalars("mse_per_pixel/test")) == 1
    assert "reconstructions" in events.Tags()["images"]
