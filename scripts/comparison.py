#!/usr/bin/env python3
"""Writes the tables and sentences of a comparison and a sweep that are under artifacts/ into README and
docs/comparison.md, and copies their pictures; `just comparison` makes both first.
"""

import json
import pathlib
import re
import shutil

ROOT = pathlib.Path(__file__).resolve().parents[1]
COMPARISON, SWEEP = ROOT / "artifacts/comparison", ROOT / "artifacts/code-size"
NAMES = {
    "pixels": "pixels themselves",
    "pca": "PCA",
    "probabilistic-pca": "probabilistic PCA",
    "topic-model": "topic model",
}
COLUMNS = [
    ("squared error per pixel", "test_mse_per_pixel", 1, 5),
    ("PSNR, dB", "test_psnr_db", 1, 2),
    ("SSIM", "test_ssim", 1, 3),
    ("excess BCE per pixel", "test_excess_bce_nats_per_pixel", 1, 5),
    ("5 neighbours, %", "test_five_neighbours_accuracy", 100, 2),
    ("linear probe, %", "test_linear_probe_accuracy", 100, 2),
    ("fitted in s", "train_seconds", 1, 1),
    ("images encoded a second", "encode_images_per_second", 1, 0),
    ("parameters", "parameters", 1, 0),
    ("unused units", "test_code_unused_units", 1, 1),
]
SHORT = [0, 4, 5, 6]


def cell(method, figure, scale, digits):
    if figure not in method:
        return ""
    text = f"{scale * method[figure]:,.{digits}f}"
    spread = method["standard_deviations"].get(figure)
    if spread is None or figure in ("encode_images_per_second", "parameters"):
        return text
    return f"{text} ± {scale * spread:.{digits}f}"


def comparison_table(document, columns):
    pca = {m["code_size"]: m["test_mse_per_pixel"] for m in document["methods"] if m["method"] == "pca"}
    head = ["method", "K", columns[0][0], "of PCA's", *(column[0] for column in columns[1:])]
    lines = [head, ["---"] * len(head)]
    for method in document["methods"]:
        cells = [cell(method, *column[1:]) for column in columns]
        error = method.get("test_mse_per_pixel")
        share = f"{error / pca[method['code_size']]:.2f}" if error else ""
        name = NAMES.get(method["method"], method["method"])
        lines.append([name, str(method["code_size"]), cells[0], share, *cells[1:]])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def sweep_table(document):
    sizes = [str(point["values"]["model.code_size"]) for point in document["methods"][0]["points"]]
    lines = [["K", *sizes, "suggested"], ["---"] * (len(sizes) + 2)]
    for method in document["methods"]:
        errors = [f"{point['metrics']['test_mse_per_pixel']:.5f}" for point in method["points"]]
        suggested = method["suggested"]
        last = " (the greatest tried)" if suggested["is_greatest_tried"] else ""
        name = NAMES.get(method["method"], method["method"])
        lines.append([name, *errors, f"{suggested['value']}{last}"])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def put(path, mark, text):
    """Replaces what stands between the marks of a table."""
    begin, end = f"<!-- {mark}: just comparison -->\n", "<!-- end of table -->"
    pattern = re.escape(begin) + ".*?" + re.escape(end)
    whole = path.read_text()
    if not re.search(pattern, whole, flags=re.S):
        raise SystemExit(f"{path} has no place for `{mark}`")
    path.write_text(re.sub(pattern, lambda _: f"{begin}{text}\n{end}", whole, flags=re.S))


def main():
    comparison = json.loads((COMPARISON / "compare.json").read_text())
    sweep = json.loads((SWEEP / "sweep.json").read_text())
    document = ROOT / "docs/comparison.md"
    put(ROOT / "README.md", "comparison", comparison_table(comparison, [COLUMNS[i] for i in SHORT]))
    put(document, "comparison", comparison_table(comparison, COLUMNS))
    sentences = [f"- {sentence}" for sentence in comparison["verdict"]]
    put(document, "verdict", "\n".join([*sentences, "", *comparison["rules"]]))
    put(document, "sweep", "\n\n".join([sweep_table(sweep), sweep["rule"]]))
    for source, name in [
        (COMPARISON / "compare.png", "comparison.png"),
        (COMPARISON / "units.png", "comparison-units.png"),
        (SWEEP / "sweep.png", "code-size.png"),
        (COMPARISON / "deep-seed-42/map.png", "map.png"),
        (COMPARISON / "deep-seed-42/neighbours.png", "neighbours.png"),
    ]:
        shutil.copy(source, ROOT / "docs" / name)


if __name__ == "__main__":
    main()
