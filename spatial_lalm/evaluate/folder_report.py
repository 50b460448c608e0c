"""What scoring a folder needs to be told, and what comes of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from spatial_lalm.evaluate.files import FileProblem, Paired
from spatial_lalm.evaluate.metrics import Interval
from spatial_lalm.evaluate.seld_tables import Coordinates, Unit

Scores = dict[str, dict[str, float]]


@dataclass(frozen=True)
class FolderOptions:
    """How folders are scored; None is the benchmark's own."""

    official: bool = False
    reference_unit: Unit | None = None
    prediction_unit: Unit | None = None
    coordinates: Coordinates = "polar"
    collar_s: float | None = None
    intervals: bool = False


@dataclass(frozen=True)
class FolderReport:
    """Scores by way of counting and key, of every class likewise, intervals of the first way, and every problem."""

    benchmark: str
    official: bool
    recordings: int
    scores: Scores
    problems: tuple[FileProblem, ...] = ()
    classes: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    intervals: dict[str, Interval] = field(default_factory=dict)
    parser: str = ""

    def document(self) -> dict[str, Any]:
        """The report as JSON values: what is undefined is null."""
        problems = [{"file": p.path, "row": p.row, "rule": p.rule, "kind": p.kind} for p in self.problems]
        counts = Paired[Any]((), self.problems).counts
        told = {
            "benchmark": self.benchmark,
            "official": self.official,
            "recordings": self.recordings,
            "scores": self.scores,
            "intervals": {key: asdict(interval) for key, interval in self.intervals.items()},
            "classes": self.classes,
            "problems": counts,
            "problem_list": problems,
        }
        plain: dict[str, Any] = _plain(told | ({"parser": self.parser} if self.parser else {}))
        return plain


def _plain(value: Any) -> Any:
    """NaN and infinity as None, numpy's numbers as Python's."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(one) for one in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return value
