#!/usr/bin/env python3
"""Runs every command of a document: each block of ```sh, in order, from the repository's root. Stops
at the first that fails.

    scripts/walk.py docs/lecture.md
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]


def main():
    text = (ROOT / sys.argv[1]).read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, flags=re.M | re.S)
    if not blocks:
        sys.exit(f"{sys.argv[1]} has no command")
    for block in blocks:
        print(f"\n$ {block.rstrip()}", flush=True)
        subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
