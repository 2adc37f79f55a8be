#!/usr/bin/env python3
"""Trains every experiment of `references.toml` with several seeds and prints the table of results:
mean and standard deviation of each figure, its reference, and how many seeds are in the band.

    scripts/results.py --write                            five seeds, for README and docs/results.md
    scripts/results.py --seeds 3 --backend wgpu --only deep variational
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[1]
README, RESULTS = DOCUMENTS = ROOT / "README.md", ROOT / "docs/results.md"
BEGIN, END = "<!-- table: just results -->\n", "<!-- end of table -->"
MARKS = {"a": "ᵃ", "b": "ᵇ", "c": "ᶜ", "d": "ᵈ"}


def run_directory(experiment, seed, directory):
    return directory / f"{experiment['name'].replace(': ', '-')}-{seed}"


def train(binary, experiment, seed, backend, directory):
    """Trains one run and gives its metrics."""
    out = run_directory(experiment, seed, directory)
    command = [binary, "train", "--quiet", "--json", "--force", "--backend", backend]
    command += ["--config", f"configs/{experiment['config']}.toml", "--out", out]
    for setting in [*experiment.get("set", []), f"seed={seed}"]:
        command += ["--set", setting]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)["metrics"]


def finished(experiment, seed, directory):
    """The metrics of a run that is already there and no older than its config, if there is one."""
    summary = run_directory(experiment, seed, directory) / "summary.json"
    config = ROOT / "configs" / f"{experiment['config']}.toml"
    if not summary.is_file() or summary.stat().st_mtime < config.stat().st_mtime:
        return None
    return json.loads(summary.read_text())["metrics"]


def number(value, like):
    """`value` with as many digits as suit a figure of the size of `like`."""
    digits = 5 if abs(like) < 0.1 else 4 if abs(like) < 1 else 3 if abs(like) < 10 else 2
    return f"{value:.{digits}f}"


def reference(figure):
    """The reference as text, and the least and greatest value in the band."""
    mark = MARKS.get(figure.get("source"), "")
    if "least" in figure:
        return f"at least {figure['least']} {mark}", figure["least"], float("inf")
    if "reference" not in figure:
        return "", None, None
    values = figure["reference"]
    share = figure["tolerance"]
    low, high = min(values) * (1 - share), max(values) * (1 + share)
    return f"{' to '.join(map(str, values))} {mark}", low, high


def band(values, figure, low, high):
    """How many seeds are in the band, and where the others are."""
    if low is None:
        return ""
    below = sum(value < low for value in values)
    above = sum(value > high for value in values)
    text = f"{len(values) - below - above} of {len(values)}"
    # An error below its band is better than the reference; a statistic is just elsewhere.
    is_error = "code" not in figure["metric"] and "least" not in figure
    if below:
        text += f", {below} {'better' if is_error else 'below'}"
    if above:
        text += f", {above} {'worse' if is_error else 'above'}"
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seeds", type=int, default=5, help="seeds 1 to N [default: 5]")
    parser.add_argument("--backend", default="flex")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these experiments")
    parser.add_argument("--binary", help="an hourglass that is built already")
    parser.add_argument("--keep", action="store_true", help="take finished runs that are newer than their config")
    parser.add_argument("--write", action="store_true", help="put the tables into the documents; all of them, five seeds, flex")
    parser.add_argument("--directory", type=pathlib.Path, help="where runs are kept")
    arguments = parser.parse_args()
    experiments = tomllib.loads((ROOT / "src/report/references.toml").read_text())["experiment"]
    unknown = set(arguments.only or []) - {experiment["name"] for experiment in experiments}
    if unknown:
        parser.error(f"no experiment in references.toml is named {', '.join(sorted(unknown))}")
    if arguments.write:
        if arguments.only or (arguments.seeds, arguments.backend) != (5, "flex"):
            parser.error("--write is for the whole table: leave --only, --seeds and --backend out")
        for document in DOCUMENTS:
            split(document)
    directory = arguments.directory or ROOT / "artifacts" / "results" / arguments.backend
    directory = directory.resolve()
    binary = arguments.binary
    if binary is None:
        subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
        binary = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/hourglass"

    rows = []
    for experiment in experiments:
        if arguments.only and experiment["name"] not in arguments.only:
            continue
        runs = []
        for seed in range(1, arguments.seeds + 1):
            done = finished(experiment, seed, directory) if arguments.keep else None
            runs.append(done or train(binary, experiment, seed, arguments.backend, directory))
        for figure in experiment["figures"]:
            row = table_row(experiment, figure, [run[figure["metric"]] for run in runs])
            rows.append((row, figure.get("headline", False)))
            print(row, flush=True)
    if arguments.write:
        head = table_head(arguments.seeds)
        write(README, [*head, *(row for row, is_headline in rows if is_headline)])
        write(RESULTS, [*head, *(row for row, _ in rows)])


def table_head(seeds):
    columns = ["experiment", "figure", f"mean ± sd of {seeds} seeds", "reference", "seeds in its band"]
    return [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]


def table_row(experiment, figure, values):
    mean = statistics.fmean(values)
    spread = f" ± {number(statistics.stdev(values), mean)}" if len(values) > 1 else ""
    text, low, high = reference(figure)
    cells = [
        f"`{experiment['name']}`",
        f"`{figure['metric']}`",
        f"{number(mean, mean)}{spread}",
        text,
        band(values, figure, low, high),
    ]
    return f"| {' | '.join(cells)} |"


def split(path):
    """What is before and after the two marks of a table in a document."""
    before, rest = path.read_text().split(BEGIN)
    _, after = rest.split(END)
    return before, after


def write(path, lines):
    """Puts a table between the two marks in a document."""
    before, after = split(path)
    path.write_text(before + BEGIN + "\n".join(lines) + "\n" + END + after)


if __name__ == "__main__":
    main()
