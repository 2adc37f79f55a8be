#!/usr/bin/env python3
"""Measures how the time of an epoch grows with the batch size, the width and the number of images,
fits a model of it, and draws both.

    target/peers/bin/python benches/peers/growth.py --write        for docs/growth.json and docs/growth.png
    target/peers/bin/python benches/peers/growth.py --from docs/growth.json       draws and fits again
    benches/peers/growth.py --no-picture                          measures and fits, needs no package

A step takes a + b · batch + c · parameters + operations / peak seconds: a is its fixed cost, b the
element-wise work on an image, c the optimizer's on a parameter, and the rest matrix products at the
speed that large ones reach on the same threads.
"""

import argparse
import importlib.util
import json
import math
import pathlib
import statistics
import subprocess

from run import ROOT, build_hourglass, processor, say

MNIST = 60_000
BATCH_SIZES = [2**power for power in range(3, 13)]
WIDTHS = [1, 2, 4, 8, 16]
IMAGES = [1_000, 10_000, 100_000, 1_000_000]
BATCH_SIZE = 256
MEASURED, MODEL, PRODUCTS = "#222222", "#2a6fb0", "#999999"


def weights(width):
    """Of 784-128k-32k-128k-784: all, and those of the first layer."""
    first = 784 * 128 * width
    return 2 * (first + 128 * 32 * width**2), first


def parameters(width):
    return weights(width)[0] + 288 * width + 784


def operations(width):
    """Floating-point operations of an image's matrix products: the input needs no gradient."""
    every, first = weights(width)
    return 6 * every - 2 * first


def measure(binary, epochs=2, batch_size=BATCH_SIZE, width=1, images=None):
    command = [binary, "bench", "--backend", "flex", "--json", "--quiet"]
    command += ["--batch-size", batch_size, "--width", width, "--epochs", epochs]
    described = f"batch {batch_size}, width {width}, {images or MNIST} images"
    if images:
        command += ["--images", images]
    command = [str(part) for part in command]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    [answer] = json.loads(done.stdout)
    say(f"{described}: {seconds(answer):.3f} s an epoch")
    return answer


def measure_all(binary, path):
    """All measurements; those that are done are kept as they come."""
    sweeps = [{"batch_size": size} for size in BATCH_SIZES]
    sweeps += [{"width": width, "epochs": 1 if width >= 8 else 2} for width in WIDTHS if width > 1]
    sweeps += [{"images": images, "epochs": 1 if images > 100_000 else 2} for images in IMAGES]
    # Not drawn. In small steps of wide networks the optimizer shows, which tells c from a.
    sweeps += [{"batch_size": 8, "width": width, "images": 10_000} for width in (4, 16)]
    measurements = []
    for sweep in sweeps:
        measurements.append(measure(binary, **sweep))
        lines = ",\n  ".join(json.dumps(each) for each in measurements)
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'{{"processor": {json.dumps(processor())}, "measurements": [\n  {lines}\n]}}\n')
    return measurements


def seconds(measurement):
    return statistics.median(measurement["epoch_seconds"])


def dot(one, other):
    return sum(x * y for x, y in zip(one, other))


def fit(measurements, peak):
    """The a, b and c, none negative, whose model has the least squared relative deviations."""
    rows, targets = [], []
    for each in measurements:
        steps = math.ceil(each["images"] / each["batch_size"])
        time, batch = seconds(each) / steps, each["images"] / steps
        rows.append([1 / time, batch / time, parameters(each["width"]) / time])
        targets.append(1 - batch * operations(each["width"]) / peak / time)
    columns = list(zip(*rows))
    scales = [math.hypot(*column) for column in columns]
    columns = [[value / scale for value in column] for column, scale in zip(columns, scales)]
    products = [[dot(one, other) for other in columns] for one in columns]
    aims = [dot(column, targets) for column in columns]
    solution = [0.0] * len(columns)
    # One coordinate after the other, each to its best value that is not negative.
    for _ in range(20_000):
        for index, row in enumerate(products):
            better = solution[index] + aims[index] - dot(row, solution)
            solution[index] = max(0.0, better)
    return [value / scale for value, scale in zip(solution, scales)]


def model(fitted, peak, batch_size, width, images, steps=None):
    """Seconds an epoch, and those of its matrix products alone."""
    a, b, c = fitted
    products = images * operations(width) / peak
    steps = steps or images / batch_size
    return steps * (a + c * parameters(width)) + images * b + products, products


def report(measurements, fitted, peak):
    a, b, c = fitted
    deviations = []
    for each in measurements:
        batch_size, width, images = each["batch_size"], each["width"], each["images"]
        steps = math.ceil(images / batch_size)
        said, _ = model(fitted, peak, batch_size, width, images, steps)
        of = f"batch {batch_size}, width {width}, {images:,} images"
        deviations.append((said / seconds(each) - 1, of))
    largest, of = max(deviations, key=lambda deviation: abs(deviation[0]))
    print(f"a    {1e6 * a:.3g} µs a step")
    print(f"b    {1e6 * b:.3g} µs an image")
    print(f"c    {1e9 * c:.3g} ns a parameter and step")
    print(f"peak {peak / 1e9:.4g} GFLOP/s, the median of all measurements")
    print(f"largest deviation of the model: {100 * largest:+.1f} % ({of})")


def draw(measurements, fitted, peak, path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot, ticker

    size = {"font.size": 13, "axes.titlesize": 13, "axes.spines.top": False, "axes.spines.right": False}
    pyplot.rcParams.update(size)
    figure, panels = pyplot.subplots(1, 3, figsize=(15, 5), sharey=True, layout="constrained")
    fixed = {"batch_size": BATCH_SIZE, "width": 1, "images": MNIST}
    words = {"batch_size": "batches of {}", "width": "width {}", "images": "{:,} images"}
    labels = {
        "batch_size": "images in a batch",
        "width": "factor on the units of hidden layers",
        "images": "training images",
    }
    for panel, (key, label) in zip(panels, labels.items()):
        others = [other for other in fixed if other != key]
        points = sorted(
            (each[key], seconds(each))
            for each in measurements
            if all(each[other] == fixed[other] for other in others)
        )
        panel.set_title(", ".join(words[other].format(fixed[other]) for other in others))
        panel.set_xlabel(label)
        panel.set(xscale="log", yscale="log")
        panel.grid(color="#e4e4e4", linewidth=0.8)
        panel.set_axisbelow(True)
        if not points:
            continue
        least, greatest = points[0][0], points[-1][0]
        line = [least * (greatest / least) ** (part / 100) for part in range(101)]
        values = [model(fitted, peak, **{**fixed, key: x}) for x in line]
        panel.plot(line, [each[1] for each in values], "--", color=PRODUCTS, label="matrix products alone, at peak")
        panel.plot(line, [each[0] for each in values], color=MODEL, linewidth=2, label="model")
        panel.plot(*zip(*points), "o", color=MEASURED, markersize=6, label="measured")
        if key != "images":
            ticks = [x for x, _ in points]
            ticks = ticks if len(ticks) < 8 else ticks[::2]
            panel.xaxis.set_major_locator(ticker.FixedLocator(ticks))
        panel.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
        panel.xaxis.set_minor_locator(ticker.NullLocator())
    panels[0].set_ylabel("seconds an epoch")
    panels[0].yaxis.set_major_formatter(lambda y, _: f"{y:g}")
    panels[0].legend(loc="upper right", reverse=True, frameon=False)
    figure.savefig(path, dpi=100)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--write", action="store_true", help="for docs/ instead of artifacts/")
    where.add_argument("--from", dest="saved", type=pathlib.Path, metavar="FILE", help="measure nothing: fit what was saved and draw it, beside it")
    parser.add_argument("--no-picture", action="store_true", help="draw nothing")
    arguments = parser.parse_args()
    # Before the minutes of measuring.
    if not arguments.no_picture and not importlib.util.find_spec("matplotlib"):
        parser.error("this Python has no matplotlib; use one with the packages of requirements.txt, or --no-picture")
    if arguments.saved:
        path = arguments.saved
        measurements = json.loads(path.read_text())["measurements"]
    else:
        path = ROOT / ("docs" if arguments.write else "artifacts") / "growth.json"
        measurements = measure_all(build_hourglass(), path)
    peak = 1e9 * statistics.median(each["peak_gflops"] for each in measurements)
    fitted = fit(measurements, peak)
    report(measurements, fitted, peak)
    if not arguments.no_picture:
        draw(measurements, fitted, peak, path.with_suffix(".png"))


if __name__ == "__main__":
    main()
