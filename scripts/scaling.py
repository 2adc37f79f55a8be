#!/usr/bin/env python3
"""Measures what docs/scaling.md sets beside its model, and writes its tables: shards, memory, and devices behind a network.

    scripts/scaling.py              measures all and writes
    scripts/scaling.py --print      prints instead
"""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
BATCHES = [32, 256, 2048]
ROUNDS = 3
MNIST = 60_000


def say(text):
    print(text, file=sys.stderr, flush=True)


def bench(binary, **options):
    command = [binary, "bench", "--backend", "flex", "--json", "--quiet", "--epochs", "2"]
    for name, value in options.items():
        command += [f"--{name.replace('_', '-')}", str(value)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    [answer] = json.loads(done.stdout)
    seconds = statistics.median(answer["epoch_seconds"])
    say(f"{options}: {seconds:.3f} s")
    return seconds


def spread(values):
    return f"{statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f})"


def table(lines):
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def shards(binary):
    """One and two shards in turn, so that a busy minute hits both; and half a batch on one thread, which each of two workers has."""
    cases = [(batch, options) for batch in BATCHES for options in (
        {"batch_size": batch, "shards": 1}, {"batch_size": batch, "shards": 2},
        {"batch_size": batch // 2, "shards": 1, "threads": 1})]
    found = {json.dumps(options): [] for _, options in cases}
    for _ in range(ROUNDS):
        for _, options in cases:
            found[json.dumps(options)].append(bench(binary, **options))
    lines = [["batch", "1 shard, seconds an epoch", "2 shards, seconds an epoch", "2 over 1", "half a batch on one thread, a step", "2 shards, a step"]]
    for batch in BATCHES:
        one, two, half = (found[json.dumps(options)] for of, options in cases if of == batch)
        ratio = statistics.median(after / before for before, after in zip(one, two))
        step = lambda values, size: f"{1e6 * statistics.median(values) / -(-MNIST // size):,.0f} µs"
        lines.append([batch, spread(one), spread(two), f"{ratio:.2f}", step(half, batch // 2), step(two, batch)])
    return table(lines)


def peak_bytes(command):
    """Of the resident memory of a process."""
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return 1024 * usage.ru_maxrss


def memory(binary):
    """What training adds to the memory of the smallest network, as weights and as examples of a batch grow."""
    lines = [["network", "parameters", "batch", "model, MB", "measured, MB"]]
    with tempfile.TemporaryDirectory() as directory:
        def peak(sizes, batch):
            encoder = f"--set=model.encoder={sizes}"
            return peak_bytes([
                binary, "train", "--quiet", "--backend=flex", encoder, f"--set=train.batch_size={batch}", f"--out={directory}/run",
                "--force", "--set=train.epochs=1", "--set=data.limit=8192", "--set=data.test_limit=500"])

        least = peak([784, 8, 2], 8)
        for sizes, batch in [([784, 128, 32], 256), ([784, 512, 128], 256), ([784, 2048, 512], 256), ([784, 4096, 1024], 256),
                             ([784, 128, 32], 8192), ([784, 512, 128], 8192)]:
            layers = sizes + sizes[-2::-1]
            parameters = sum(m * n + n for m, n in zip(layers, layers[1:]))
            # The formula of docs/scaling.md.
            model = 48 * parameters + 4 * batch * (2 * sum(layers[1:]) + layers[0])
            measured = peak(sizes, batch) - least
            lines.append(["-".join(map(str, layers)), f"{parameters:,}", batch, f"{model / 1e6:.0f}", f"{measured / 1e6:.0f}"])
            say(lines[-1])
    return table(lines)


def loopback_bytes():
    """Sent over the loopback interface since the machine started, by everything on it."""
    text = pathlib.Path("/proc/net/dev").read_text()
    return int(re.search(r"^\s*lo:\s*(\d+)", text, re.MULTILINE)[1])


def remote(binary):
    """Bytes and seconds of training on a server on the loopback interface. Four more epochs tell an epoch from what comes once, four
    times as many images a step from what comes once an epoch."""
    lines = [["batch", "bytes a step", "bytes an epoch besides", "ms a step", "here, ms a step"]]
    with tempfile.TemporaryDirectory() as directory:
        key = f"--key={directory}/key"
        serve = [binary, "serve", "--backend=flex", "--listen=127.0.0.1:0", key]
        server = subprocess.Popen(serve, stderr=subprocess.PIPE, text=True)
        try:
            address = re.search(r" at (\S+);", server.stderr.readline())[1]
            device = f"--devices=remote:{address}"

            def run(batch, images, epochs, *where):
                before, begun = loopback_bytes(), time.perf_counter()
                subprocess.run([
                    binary, "train", "--quiet", *where, f"--out={directory}/run", "--force", f"--set=train.epochs={epochs}",
                    f"--set=train.batch_size={batch}", f"--set=data.limit={images}", "--set=data.test_limit=1000",
                    "--set=train.checkpoints={ every_epochs = 0, every_seconds = 0 }"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
                return loopback_bytes() - before, time.perf_counter() - begun

            def epoch(batch, images, *where):
                few, more = (run(batch, images, epochs, *where) for epochs in (2, 6))
                return [(after - before) / 4 for before, after in zip(few, more)]

            def step(batch, *where):
                images = [5_000, 20_000]
                steps = [-(-count // batch) for count in images]
                short, long = (epoch(batch, count, *where) for count in images)
                each = [(after - before) / (steps[1] - steps[0]) for before, after in zip(short, long)]
                return each, short[0] - steps[0] * each[0]

            idle = loopback_bytes()
            time.sleep(2)
            assert loopback_bytes() - idle < 2_000, "others use the loopback interface"
            for batch in BATCHES:
                (sent, seconds), besides = step(batch, device, key)
                (_, here), _ = step(batch)
                lines.append([batch, f"{sent:,.0f}", f"{besides:,.0f}", f"{1e3 * seconds:.2f}", f"{1e3 * here:.2f}"])
                say(lines[-1])
        finally:
            server.terminate()
            server.wait()
    return table(lines)


def processor():
    names = re.findall(r"^model name\s*:\s*(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return f"{names[0] if names else 'unknown processor'}, {len(os.sched_getaffinity(0))} threads"


arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("--print", action="store_true", help="print the tables, write nothing")
arguments = arguments.parse_args()
subprocess.run(["cargo", "build", "--release", "--quiet", "--features", "remote"], cwd=ROOT, check=True)
binary = str(TARGET / "release/hourglass")
document = ROOT / "docs/scaling.md"
text = document.read_text()
for name, measure in [("shards", shards), ("memory", memory), ("remote", remote)]:
    found = f"{processor()}.\n\n{measure(binary)}"
    if arguments.print:
        print(found)
    pattern = rf"(<!-- scaling: {name} -->\n).*?(<!-- end of {name} -->)"
    text, count = re.subn(pattern, lambda match: match[1] + found + "\n" + match[2], text, count=1, flags=re.DOTALL)
    assert count == 1, name
if not arguments.print:
    document.write_text(text)
