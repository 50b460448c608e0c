"""``spatial-lalm score``: score a folder of predictions against a folder of references."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spatial_lalm.evaluate.folder_report import FolderReport

BENCHMARKS = (
    "dcase2022",
    "dcase2023",
    "dcase2024",
    "dcase2025",
    "dcase2026",
    "l3das22",
    "l3das23",
    "tracking",
    "rttm",
    "events",
    "rooms",
    "transcripts",
    "choices",
)
EXIT_PROBLEMS = 2
SHOWN = 20
"""Problems told one by one; the rest are counted."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to its parser."""
    add = parser.add_argument
    add("benchmark", choices=BENCHMARKS, metavar="BENCHMARK", help=f"what the files are: {', '.join(BENCHMARKS)}")
    add("--reference", required=True, metavar="DIR", help="folder of the truth, searched to any depth")
    add("--predictions", required=True, metavar="DIR", help="folder of predictions, whose files have the same names")
    add("--official", action="store_true", help="score as the benchmark's own code does, with its quirks")
    add("--allow-missing", action="store_true", help="count missing and malformed files in the report and go on")
    add("--reference-unit", choices=("cm", "m"), help="unit of the references' distances (default: the benchmark's)")
    add("--prediction-unit", choices=("cm", "m"), help="unit of the predictions' distances (default: the benchmark's)")
    add(
        "--coordinates",
        choices=("polar", "cartesian"),
        default="polar",
        help="what six columns of a prediction hold: angles and distance, or x, y, z (default: polar)",
    )
    add("--collar", type=float, metavar="S", help="seconds of tolerance (default: rttm 0, events 0.2)")
    add("--intervals", action="store_true", help="add bootstrap intervals over recordings (dcase, rooms, choices)")
    add("--json", action="store_true", help="print the whole report as JSON")


def run(args: argparse.Namespace) -> int:
    """Score and print; 2 where files have problems that were not allowed."""
    from spatial_lalm.evaluate.folder_report import FolderOptions
    from spatial_lalm.evaluate.folders import score_folders

    options = FolderOptions(
        args.official, args.reference_unit, args.prediction_unit, args.coordinates, args.collar, args.intervals
    )
    report = score_folders(args.benchmark, Path(args.reference), Path(args.predictions), options)
    if report.problems and not args.allow_missing:
        _tell(report)
        return EXIT_PROBLEMS
    print(json.dumps(report.document(), indent=2, ensure_ascii=False) if args.json else text(report))
    return 0


def _tell(report: FolderReport) -> None:
    """One line on stderr for each problem."""
    for problem in report.problems[:SHOWN]:
        print(f"spatial-lalm: error: {problem}", file=sys.stderr)
    left = len(report.problems) - SHOWN
    more = f"and {left} more; " if left > 0 else ""
    print(f"spatial-lalm: error: {more}--allow-missing scores the rest and counts these", file=sys.stderr)


def text(report: FolderReport) -> str:
    """The scores as an aligned table, then intervals and problems."""
    keys = list(dict.fromkeys(key for row in report.scores.values() for key in row))
    rows = [["", *keys]]
    rows += [[name, *(_cell(row, key) for key in keys)] for name, row in report.scores.items()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [f"{report.benchmark}, {'official' if report.official else 'default'} variant, {report.recordings} scored"]
    for row in rows:
        cells = [
            f"{row[0]:<{widths[0]}}",
            *(f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        lines.append("  ".join(cells).rstrip())
    for key, found in report.intervals.items():
        lines.append(f"{key} {found.value:.3f} [{found.low:.3f}, {found.high:.3f}], 95 % by bootstrap")
    lines += [f"{problem.kind}: {problem}" for problem in report.problems]
    return "\n".join(lines)


def _cell(row: dict[str, float], key: str) -> str:
    return f"{row[key]:.3f}" if key in row else ""
