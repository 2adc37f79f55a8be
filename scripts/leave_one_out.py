#!/usr/bin/env python3
"""Writes the table of `just leave-one-out` into README: how well each digit is found by methods that have not seen it."""

import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[1]
NAMES = {"pca": "PCA, K = 32", "deep": "`deep`", "variational": "`variational`"}
FIGURE = "test_anomaly_roc_auc"


def cell(point):
    mean, spread = point["metrics"][FIGURE], point["standard_deviations"].get(FIGURE)
    return f"{mean:.3f}" + (f" ± {spread:.3f}" if spread else "")


def table(document):
    methods = document["methods"]
    lines = [["left out", *(NAMES.get(method["method"], method["method"]) for method in methods)]]
    lines.append(["---"] * len(lines[0]))
    for row in zip(*(method["points"] for method in methods), strict=True):
        [digit] = row[0]["values"]["data.exclude_classes"]
        lines.append([str(digit), *map(cell, row)])
    means = [sum(point["metrics"][FIGURE] for point in method["points"]) / len(method["points"]) for method in methods]
    lines.append(["mean", *(f"{mean:.3f}" for mean in means)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


document = json.loads((ROOT / "artifacts/leave-one-out/sweep.json").read_text())
readme = ROOT / "README.md"
pattern = r"(<!-- leave-one-out: [^>]*-->\n).*?(<!-- end of table -->)"
text, count = re.subn(pattern, lambda match: match[1] + table(document) + "\n" + match[2], readme.read_text(), count=1, flags=re.S)
assert count == 1
readme.write_text(text)
