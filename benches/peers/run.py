#!/usr/bin/env python3
"""Times hourglass and its peers in turn, one process at a time, round after round, and prints a table
for each batch size: seconds an epoch, their ratio to hourglass, the first epoch, the test error.

    benches/peers/run.py --write                  five rounds, for docs/performance.md
    benches/peers/run.py --fast --write           from start to end instead: what error in what time
    benches/peers/run.py --rounds 1 --only hourglass,numpy --python python3

A ratio is taken within a round, so that a machine that slows down slows both. The packages of
requirements.txt go to target/peers, unless --python names a Python that has them.
"""

import argparse
import importlib.metadata
import json
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
DOCUMENT = ROOT / "docs/performance.md"
MARKS = "<!-- table: just peers -->\n", "<!-- end of table -->"
FAST_MARKS = "<!-- table: just peers --fast -->\n", "<!-- end of fast -->"
NAMES = {
    "hourglass": "**hourglass**, flex",
    "stock-burn": "Burn, stock operations",
    "jax-scan": "JAX, scan",
    "jax-step": "JAX, step",
    "pytorch-fused": "PyTorch, fused",
    "pytorch-eager": "PyTorch, eager",
    "pytorch-compile": "PyTorch, compile",
    "keras": "Keras, fit",
    "numpy": "NumPy",
}
FAST_NAMES = {"hourglass": "**hourglass**, `fast.toml`", "keras": "Keras, fit, five epochs"}
PACKAGES = ["torch", "jax", "keras", "tensorflow-cpu", "numpy"]


def build_hourglass():
    """The release binary, up to date."""
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
    return TARGET / "release/hourglass"


def build_stock_burn():
    """The program of the bench target, up to date."""
    command = ["cargo", "bench", "--profile", "release", "--no-run", "--quiet", "--bench", "stock_burn"]
    command += ["--message-format=json"]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    for line in done.stdout.splitlines():
        message = json.loads(line)
        if message["reason"] == "compiler-artifact" and message["target"]["name"] == "stock_burn":
            return message["executable"]
    sys.exit("error: cargo names no program of the bench target stock_burn")


def environment():
    """The Python of a virtual environment that has what requirements.txt says."""
    directory, wanted = TARGET / "peers", HERE / "requirements.txt"
    python, installed = directory / "bin/python", directory / "requirements.txt"
    if not installed.is_file() or installed.read_text() != wanted.read_text():
        subprocess.run([sys.executable, "-m", "venv", "--clear", directory], check=True)
        install = [python, "-m", "pip", "install", "--quiet", "--requirement", wanted]
        subprocess.run(install, check=True, stdout=sys.stderr)
        shutil.copy(wanted, installed)
    return python


def processor():
    information = pathlib.Path("/proc/cpuinfo")
    for line in information.read_text().splitlines() if information.is_file() else []:
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def versions(programs):
    """What is compared, each with its version."""
    texts = []
    if "stock-burn" in programs:
        cargo = tomllib.loads((ROOT / "Cargo.toml").read_text())
        texts.append(f"Burn {cargo['dependencies']['burn']['version'].lstrip('=')}")
    if "python" in programs:
        # This very file, asked by the Python that the peers run on.
        ask = [programs["python"], __file__, "--versions"]
        texts.append(subprocess.run(ask, check=True, stdout=subprocess.PIPE, text=True).stdout.strip())
    return ", ".join(texts)


def own_versions():
    texts = [f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            texts.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            pass  # its contestants say so
    return ", ".join(texts)


def command(contestant, programs, batch_size, epochs, seed, threads):
    options = ["--batch-size", batch_size, "--epochs", epochs]
    if contestant == "hourglass":
        options += ["--threads", threads, "--set", f"seed={seed}", "--json"]
        return [programs["hourglass"], "bench", "--backend", "flex", "--quiet", *options]
    if contestant == "stock-burn":
        return [programs["stock-burn"], *options]
    peer, *mode = contestant.split("-")
    return [programs["python"], HERE / f"with_{peer}.py", *mode, *options, "--seed", seed]


def run(command, threads):
    """Runs a process; gives its answer, or the line that says why there is none."""
    with tempfile.TemporaryDirectory() as cache:
        variables = {
            "PEER_THREADS": str(threads),
            "RAYON_NUM_THREADS": str(threads),
            "KERAS_BACKEND": "tensorflow",
            # Compiled anew each time, as the others do.
            "TORCHINDUCTOR_CACHE_DIR": cache,
        }
        done = subprocess.run(
            [str(part) for part in command],
            cwd=ROOT,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
    if done.returncode != 0:
        return {"error": reason(done)}
    # hourglass answers on several lines, the others on one, before which libraries may chat.
    for text in [done.stdout, done.stdout.strip().rpartition("\n")[2]]:
        try:
            answer = json.loads(text)
        except ValueError:
            continue
        return answer[0] if isinstance(answer, list) else answer
    return {"error": "no answer"}


def reason(done):
    """The last line of standard error that names an error, or else the last one."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    named = [line for line in lines if re.match(r"[\w.]*(error|exception)\b.*:", line, re.I)]
    last = (named or lines or [f"exit status {done.returncode}"])[-1]
    return last if len(last) <= 120 else last[:119] + "…"


def use_processors(threads):
    """Leaves each process as many processors as threads: XLA cannot be told how many to make."""
    if hasattr(os, "sched_getaffinity"):
        mine = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, mine[:threads])


def seconds(value):
    return f"{value:.3f}" if value < 10 else f"{value:.2f}" if value < 100 else f"{value:.0f}"


def spread(values, text):
    """Median, least and greatest."""
    return f"{text(statistics.median(values))} ({text(min(values))} to {text(max(values))})"


def table(runs, names, columns, duration, cells):
    """A row for each contestant: `cells(answers, ratio)`, the ratio being that of `duration(answer)`."""
    answers = {}
    for each in runs:
        answers.setdefault(each["contestant"], {})[each["round"]] = each["answer"]
    good = {
        contestant: {number: answer for number, answer in rounds.items() if "error" not in answer}
        for contestant, rounds in answers.items()
    }
    ours = good.get("hourglass", {})
    rows = []
    for contestant, rounds in answers.items():
        mine, name = good[contestant], names[contestant]
        if not mine:
            error = rounds[max(rounds)]["error"].replace("|", "\\|")
            rows.append([name, f"fails: {error}", *[""] * (len(columns) - 2)])
            continue
        if len(mine) < len(rounds):
            name += f", failed in {len(rounds) - len(mine)} of {len(rounds)} rounds"
        ratios = [duration(mine[each]) / duration(ours[each]) for each in mine if each in ours]
        ratio = spread(ratios, "{:.2f}".format) if ratios else ""
        if contestant == "hourglass":
            ratio = "1"
        rows.append([name, *cells(list(mine.values()), ratio)])
    lines = [f"| {' | '.join(row)} |" for row in [columns, *rows]]
    return [lines[0], "|---" * len(columns) + "|", *lines[1:]]


def measure(arguments, contestants, programs):
    """All answers: round, contestant and batch size with each."""
    runs = []
    for number in range(1, arguments.rounds + 1):
        for batch_size in arguments.batch_sizes:
            for contestant in contestants:
                options = (batch_size, arguments.epochs, number, arguments.threads)
                answer = run(command(contestant, programs, *options), arguments.threads)
                of = {"round": number, "contestant": contestant, "batch_size": batch_size}
                runs.append({**of, "answer": answer})
                figure = answer.get("error")
                if figure is None:
                    figure = f"{seconds(statistics.median(answer['epoch_seconds']))} s an epoch"
                say(f"round {number} of {arguments.rounds}, batch {batch_size}, {contestant}: {figure}")
                save(arguments.save, runs)
    return runs


def epochs_table(runs, batch_size):
    def cells(answers, ratio):
        every = [each for answer in answers for each in answer["epoch_seconds"]]
        first = statistics.median(answer["first_epoch_seconds"] for answer in answers)
        error = statistics.fmean(answer["test_bce_nats_per_pixel"] for answer in answers)
        fractions = [answer.get("fraction_of_peak") for answer in answers]
        peak = "" if None in fractions else f"{100 * statistics.median(fractions):.0f} %"
        return [spread(every, seconds), ratio, peak, seconds(first), f"{error:.4f}"]

    columns = ["", "seconds an epoch", "times hourglass", "of peak", "first epoch, seconds"]
    columns += ["test error, nats a pixel"]
    of = [each for each in runs if each["batch_size"] == batch_size]
    return table(of, NAMES, columns, lambda answer: statistics.median(answer["epoch_seconds"]), cells)


def measure_fast(arguments, contestants, programs):
    """All answers, each with the seconds from the start of its process to the end."""
    runs = []
    for seed in range(1, arguments.rounds + 1):
        for contestant in contestants:
            with tempfile.TemporaryDirectory() as directory:
                out = pathlib.Path(directory) / str(seed)
                if contestant == "hourglass":
                    words = [programs["hourglass"], "train", "--config", "configs/fast.toml"]
                    words += ["--set", f"seed={seed}", "--threads", arguments.threads]
                    words += ["--out", out, "--quiet", "--json"]
                else:
                    # Four epochs after the first, which counts here.
                    words = command(contestant, programs, 32, 4, seed, arguments.threads)
                begun = time.perf_counter()
                answer = run(words, arguments.threads)
                wall = time.perf_counter() - begun
            if "error" not in answer:
                # The whole summary of the run, or what a peer prints.
                answer = answer.get("metrics", answer)
                answer = {
                    "wall_seconds": wall,
                    "test_bce_nats_per_pixel": answer["test_bce_nats_per_pixel"],
                }
            runs.append({"round": seed, "contestant": contestant, "answer": answer})
            figure = answer.get("error") or f"{seconds(wall)} s"
            say(f"seed {seed} of {arguments.rounds}, {contestant}: {figure}")
            save(arguments.save, runs)
    return runs


def fast_table(runs):
    def cells(answers, ratio):
        errors = [answer["test_bce_nats_per_pixel"] for answer in answers]
        deviation = f" ± {statistics.stdev(errors):.5f}" if len(errors) > 1 else ""
        walls = spread([answer["wall_seconds"] for answer in answers], seconds)
        return [f"{statistics.fmean(errors):.5f}{deviation}", walls, ratio]

    columns = ["", "test error, nats a pixel", "seconds from start to end", "times hourglass"]
    return table(runs, FAST_NAMES, columns, lambda answer: answer["wall_seconds"], cells)


def say(line):
    print(line, file=sys.stderr, flush=True)


def save(path, runs):
    if path:
        path.write_text(json.dumps(runs, indent=1) + "\n")


def split(marks):
    """What is before and after a table in the document."""
    before, rest = DOCUMENT.read_text().split(marks[0])
    _, after = rest.split(marks[1])
    return before, after


def write(marks, lines):
    """Puts a table between its two marks in the document."""
    before, after = split(marks)
    DOCUMENT.write_text(before + marks[0] + "\n".join(lines) + "\n" + marks[1] + after)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="with --fast, seeds 1 to N [default: 5]")
    parser.add_argument("--epochs", type=int, default=3, help="counted epochs of a round [default: 3]")
    parser.add_argument("--batch-sizes", default="32,256", metavar="N,...", help="[default: 32,256]")
    parser.add_argument("--threads", type=int, default=2, help="[default: 2]")
    parser.add_argument("--only", metavar="NAME,...", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--fast", action="store_true", help="whole processes, hourglass with configs/fast.toml")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/performance.md")
    parser.add_argument("--python", help="a Python that has the packages")
    parser.add_argument("--save", type=pathlib.Path, metavar="FILE", help="keep every answer, as JSON")
    parser.add_argument("--versions", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.versions:
        print(own_versions())
        return
    try:
        arguments.batch_sizes = [int(size) for size in arguments.batch_sizes.split(",")]
    except ValueError:
        parser.error("--batch-sizes takes numbers with commas between them")
    if min(arguments.rounds, arguments.epochs, arguments.threads, *arguments.batch_sizes) < 1:
        parser.error("a number of rounds, epochs, threads or images in a batch is at least 1")
    names = FAST_NAMES if arguments.fast else NAMES
    contestants = arguments.only.split(",") if arguments.only else list(names)
    unknown = set(contestants) - set(names)
    if unknown:
        parser.error(f"no contestant is named {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    if arguments.python and not shutil.which(arguments.python):
        parser.error(f"there is no program {arguments.python}")
    marks = FAST_MARKS if arguments.fast else MARKS
    if arguments.write:
        if arguments.only:
            parser.error("--write is for whole tables: leave --only out")
        split(marks)

    programs = {}
    if "hourglass" in contestants:
        programs["hourglass"] = build_hourglass()
    if "stock-burn" in contestants:
        programs["stock-burn"] = build_stock_burn()
    if set(contestants) - {"hourglass", "stock-burn"}:
        # Not resolved: a virtual environment's Python is a link to another.
        given = arguments.python and os.path.abspath(shutil.which(arguments.python))
        programs["python"] = given or environment()
    use_processors(arguments.threads)

    setting = [processor(), f"{arguments.threads} thread{'s' * (arguments.threads > 1)}"]
    if arguments.fast:
        runs = measure_fast(arguments, contestants, programs)
        setting += [f"seeds 1 to {arguments.rounds}, median and range"]
        tables = [["", *fast_table(runs)]]
    else:
        runs = measure(arguments, contestants, programs)
        setting += [f"{arguments.rounds} rounds of {arguments.epochs} counted epochs, median and range"]
        tables = [
            ["", f"Batches of {size}:", "", *epochs_table(runs, size)]
            for size in arguments.batch_sizes
        ]
    text = "; ".join(part for part in (", ".join(setting), versions(programs)) if part)
    lines = [f"{text}.", *(line for each in tables for line in each)]
    print("\n".join(lines))
    if arguments.write:
        write(marks, lines)


if __name__ == "__main__":
    main()
