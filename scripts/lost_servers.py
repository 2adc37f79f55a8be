#!/usr/bin/env python3
"""Ends servers of remote devices at random moments of runs, and counts what becomes of the runs: the sentence in docs/faults.md.

    scripts/lost_servers.py [COUNT]         builds with the feature `remote`; every sixth server is killed without a word
"""

import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
SEED = 1
# Nearly as long as a run takes from its start to its end.
LATEST_SECONDS = 2.6


def start(*arguments):
    environment = {key: value for key, value in os.environ.items() if key != "RUST_BACKTRACE"}
    return subprocess.Popen([BINARY, *arguments], cwd=ROOT, env=environment, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def lose(directory, after, how):
    """What became of a run whose server was ended so many seconds after the run began."""
    key, run = f"--key={directory}/key", pathlib.Path(directory) / "run"
    server = start("serve", "--backend=flex", "--listen=127.0.0.1:0", key)
    address = re.search(r" at (\S+);", server.stderr.readline())[1]
    client = start("train", "--config=configs/smoke.toml", "--quiet", f"--remote={address}", key, f"--out={run}",
                   "--set=train.epochs=12", "--set=train.checkpoints.every_steps=7")
    time.sleep(after)
    server.send_signal(how)
    said = client.communicate()[1]
    server.wait()
    if client.returncode == 0:
        return "finished before"
    if client.returncode != 5 or not said.startswith("device error: ") or len(said.splitlines()) > 2:
        return f"not told: exit {client.returncode}, {said}"
    if not run.exists():
        return "told, before there was a run"
    resumed = start("train", "--quiet", f"--resume={run}")
    said = resumed.communicate()[1]
    return "told, and went on here" if resumed.returncode == 0 else f"lost: {said}"


count = int(sys.argv[1]) if len(sys.argv) > 1 else 48
subprocess.run(["cargo", "build", "--release", "--quiet", "--features", "remote"], cwd=ROOT, check=True)
BINARY = str(TARGET / "release/hourglass")
random.seed(SEED)
found = {}
for number in range(count):
    how = signal.SIGKILL if number % 6 == 5 else signal.SIGTERM
    with tempfile.TemporaryDirectory() as directory:
        became = lose(directory, random.uniform(0, LATEST_SECONDS), how)
    found[became] = found.get(became, 0) + 1
    print(f"{number + 1}/{count} {how.name}: {became}", file=sys.stderr, flush=True)
for became, times in sorted(found.items()):
    print(f"{times:4} {became}")
