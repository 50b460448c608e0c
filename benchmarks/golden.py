"""Parity with official scorers: how many of their values we compute too, and the largest difference of each family.

Usage: python benchmarks/golden.py --shared DIR [--json]

DIR/audio/golden_metrics holds inputs and what the official code answers on them (DCASE Task 3 of 2023 to 2025, string
match of MMAU and MMAR, jiwer). Everything is computed in the official variants. Exit code 1 where a value is off by
more than 1e-6 or is undefined on one side only.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.choices import official_match
from spatial_lalm.evaluate.folder_report import FolderOptions, FolderReport
from spatial_lalm.evaluate.folders import score_folders
from spatial_lalm.evaluate.transcripts import word_errors

TOLERANCE = 1e-6
INPUTS = {"dcase2023": "full_sphere", "dcase2024": "full_sphere", "dcase2025": "stereo2025"}
WORDS = {"wer": "wer", "mer": "mer", "wil": "wil", "cer": "cer"} | {
    "hits": "hits",
    "sub": "substitutions",
    "dele": "deletions",
    "ins": "insertions",
}
"""Our names by those of the file."""
Values = Iterator[tuple[str, float, float]]
"""Name, official value, ours; NaN where undefined."""


@dataclass(frozen=True)
class Family:
    """How many values were compared, the largest difference, and where it is."""

    name: str
    values: int
    largest: float
    where: str


def seld_values(folder: Path, benchmark: str) -> Values:
    """Every score of every case, those of classes included."""
    expected = json.loads((folder / "seld" / f"expected_{benchmark}.json").read_text())
    reports: dict[str, FolderReport] = {}
    for name, scores in expected.items():
        case, _, way = name.partition("/")
        if case not in reports:
            inputs = folder / "seld" / INPUTS[benchmark] / case
            reports[case] = score_folders(benchmark, inputs / "ref", inputs / "pred", FolderOptions(official=True))
        for key, value in scores.items():
            if not key.startswith("classwise_"):
                yield f"{name}/{key}", number(value), reports[case].scores[way][key]
                continue
            for metric, row in zip(key.split("_")[1:], value, strict=True):
                for label, (due, ours) in enumerate(zip(row, reports[case].classes[way][metric], strict=True)):
                    yield f"{name}/{metric}/{label}", number(due), ours


def match_values(folder: Path) -> Values:
    """Every verdict of the official string match."""
    with (folder / "mcq" / "mmau_string_match.jsonl").open(encoding="utf-8") as lines:
        for row, one in enumerate(map(json.loads, lines), 1):
            ours = official_match(one["answer"], one["prediction"], one["choices"])
            yield f"row {row}", float(one["official"]), float(ours)


def word_values(folder: Path) -> Values:
    """Every rate and count of jiwer, pair by pair and over all."""
    told = json.loads((folder / "wer" / "jiwer_cases.json").read_text(encoding="utf-8"))
    cases = [("corpus", told["corpus"], [c["ref"] for c in told["cases"]], [c["hyp"] for c in told["cases"]])]
    cases += [(f"case {index}", case, [case["ref"]], [case["hyp"]]) for index, case in enumerate(told["cases"])]
    for name, expected, references, predictions in cases:
        ours = asdict(word_errors(references, predictions, official=True))
        for key in WORDS.keys() & expected.keys():
            yield f"{name}/{key}", float(expected[key]), float(ours[WORDS[key]])


def number(value: Any) -> float:
    """A value of the file; null is NaN."""
    return math.nan if value is None else float(value)


def difference(expected: float, ours: float) -> float:
    """Absolute difference; two undefined values are equal, one is infinitely far."""
    if math.isnan(expected) or math.isnan(ours):
        return 0.0 if math.isnan(expected) and math.isnan(ours) else math.inf
    return abs(expected - ours)


def compare(name: str, values: Values) -> Family:
    """The largest difference of a family."""
    found = [(difference(expected, ours), where) for where, expected, ours in values]
    if not found:
        raise InputError(f"{name}: the folder holds no values to compare with")
    largest, where = max(found)
    return Family(name, len(found), largest, where if largest else "")


def families(folder: Path) -> list[Family]:
    """All that the folder holds."""
    seld = [compare(benchmark, seld_values(folder, benchmark)) for benchmark in INPUTS]
    return [*seld, compare("string match", match_values(folder)), compare("jiwer", word_values(folder))]


def main() -> int:
    """Compare and print."""
    parser = argparse.ArgumentParser(description="Parity of our metrics with official scorers.")
    parser.add_argument("--shared", type=Path, required=True, metavar="DIR", help="holds audio/golden_metrics")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    found = families(args.shared / "audio" / "golden_metrics")
    if args.json:
        print(json.dumps([asdict(family) for family in found], indent=2))
    else:
        print("| family | values | largest difference | where |\n|---|---|---|---|")
        for family in found:
            print(f"| {family.name} | {family.values} | {family.largest:.1e} | {family.where} |")
        print(f"\n{sum(family.values for family in found)} values")
    return int(max(family.largest for family in found) > TOLERANCE)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (InputError, OSError) as error:
        sys.exit(f"golden.py: error: {error}")
