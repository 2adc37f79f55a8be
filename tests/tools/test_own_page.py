"""Pages of networks of one's own images: in colour, and of floats."""

import io

import numpy
from PIL import Image

from conftest import hourglass


def page_of_array(tmp_path, images, encoder, *settings):
    numpy.save(tmp_path / "x.npy", images)
    run = tmp_path / "run"
    settings = [f"data.path={tmp_path}/x.npy", f"model.encoder={encoder}", *settings]
    settings = [f"--set={setting}" for setting in settings]
    hourglass("train", "--quiet", "--config=configs/own/array.toml", *settings, f"--out={run}")
    hourglass("report", run)
    return run / "report.html"


def colours(page, canvas):
    """Red, green and blue of a canvas, pixel by pixel."""
    page.settle()
    script = """(canvas) => Array.from(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data)"""
    return numpy.reshape(page.page.locator(canvas).evaluate(script), (-1, 4))[:, :3]


def test_colours_are_shown_and_opened_in_colour(opened, tmp_path):
    # Red to the left, blue to the right, the border anywhere.
    at = numpy.arange(120) % 9 + 2
    left = numpy.arange(14)[None, None, :] < at[:, None, None]
    left = numpy.broadcast_to(left, (120, 12, 14))
    images = numpy.stack([255 * left, 40 * numpy.ones_like(left), 255 * ~left], -1).astype("uint8")
    file = page_of_array(tmp_path, images, [504, 32, 4], "train.epochs=40")
    page = opened(file)
    assert page.check()[0] == "passed" and page.complaints == []
    first = images.reshape(120, -1, 3)
    seen = colours(page, "#seen")
    assert any((seen == image).all() for image in first), "an image of the test split, in its colours"
    drawn = colours(page, "#reconstruction")
    assert drawn[:, 0].max() > 150 and drawn[:, 2].max() > 150 and drawn[:, 1].max() < 120

    picture = io.BytesIO()
    Image.fromarray(images[0]).resize((140, 120), Image.NEAREST).save(picture, "PNG")
    upload = {"name": "mine.png", "mimeType": "image/png", "buffer": picture.getvalue()}
    page.page.set_input_files("#file", upload)
    page.page.wait_for_function("document.getElementById('input-note').textContent.includes('mine.png')")
    assert numpy.abs(colours(page, "#seen") - first[0]).max() <= 2, "as it is, at the network's size"

    # A drawing is grey to it.
    page.page.click("#clear")
    page.page.locator("#pad").scroll_into_view_if_needed()
    page.stroke([(0.3, 0.3), (0.6, 0.6)])
    seen = colours(page, "#seen")
    assert seen.max() > 100 and (seen[:, 0] == seen[:, 2]).all()
    page.screenshot("coloured")
    assert page.complaints == []


def test_floats_keep_their_precision(opened, tmp_path):
    images = numpy.random.default_rng(5).random((60, 8, 9), numpy.float32)
    page = opened(page_of_array(tmp_path, images, [72, 16, 3]))
    result, difference = page.check()
    assert result == "passed" and difference < 1e-5
    assert page.complaints == []
