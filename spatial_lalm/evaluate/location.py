"""Location-sensitive detection of L3DAS22 and L3DAS23 (Task 2): what sounds in a frame, and within so many metres.

A prediction hits a source of its class in its frame that lies nearer than 1.75 m, the challenge's threshold; its code
has other defaults (2.0 and 0.3), which are not those that results were ranked by.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spatial_lalm.evaluate.matching import match

RIGHT_M = 1.75
Place = tuple[float, float, float]
Sounding = tuple[int, int, Place]
"""Frame, class and place in metres."""


@dataclass(frozen=True)
class Detections:
    """Counts over frames; ``scores`` has ``F``, ``precision`` and ``recall``, 0 where nothing was hit."""

    hits: int = 0
    invented: int = 0
    missed: int = 0

    def __add__(self, other: Detections) -> Detections:
        """Counts of both."""
        return Detections(self.hits + other.hits, self.invented + other.invented, self.missed + other.missed)

    def scores(self) -> dict[str, float]:
        """Ratios of the counts."""
        said, true = self.hits + self.invented, self.hits + self.missed
        return {
            "F": 2 * self.hits / (said + true) if said + true else float("nan"),
            "precision": self.hits / said if said else float("nan"),
            "recall": self.hits / true if true else float("nan"),
        }


def detections(reference: Sequence[Sounding], prediction: Sequence[Sounding], official: bool = False) -> Detections:
    """Count the frames of one recording.

    One prediction hits one source, so that as many as possible hit. ``official`` takes the number of predictions that
    are near any source, or of sources that are near any prediction, whichever is less, over all classes of a frame.
    """
    sides: dict[int, tuple[list[Sounding], list[Sounding]]] = defaultdict(lambda: ([], []))
    for side, rows in enumerate((reference, prediction)):
        for row in rows:
            sides[row[0]][side].append(row)
    return sum((_in_frame(*both, official) for both in sides.values()), Detections())


def _in_frame(true: Sequence[Sounding], said: Sequence[Sounding], official: bool) -> Detections:
    near = np.zeros((len(true), len(said)), dtype=bool)
    for row, (_, label, place) in enumerate(true):
        for column, (_, other, told) in enumerate(said):
            near[row, column] = label == other and float(np.linalg.norm(np.subtract(place, told))) < RIGHT_M
    if official:
        hits = int(min(near.any(1).sum(), near.any(0).sum()))
    else:
        hits = len(match(np.where(near, 0.0, 1.0), gate=0.5).costs)
    return Detections(hits, len(said) - hits, len(true) - hits)
