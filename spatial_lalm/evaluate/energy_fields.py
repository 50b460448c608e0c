"""Scores of DCASE 2026 Task 3 (acoustic imaging): how well maps of energy agree, source by source and frame by frame.

Points of both sides become fields on the sphere through a Gaussian of 6 degrees, so dense outlines and a few peaks are
scored alike. The part of a field above a tenth of its peak is its mask. Masks give COCO's average precision (mean over
IoU 0.50 to 0.95 and over classes); pairs of one class whose peaks lie within 20 degrees give the correlation of the
fields and the relative error of the distance.

Defaults are as the baseline's README describes them; where its ``evaluate.py`` does otherwise, so does ``official``: it
takes means over pairs where the README says over classes, ends the neighbourhood of masks at the seam, and misses
recalls that are reached exactly where rounding makes them larger.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import unit_vector
from spatial_lalm.evaluate.matching import angles_between_all, match
from spatial_lalm.evaluate.readers.energy_maps import HEIGHT, WIDTH, EnergyMap

Floats = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]

SIGMA_RAD = np.radians(6.0)
REACH_RAD = 4 * SIGMA_RAD
"""Where a point's Gaussian ends."""
MASK_SHARE = 0.1
GATE_DEG = 20.0
IOUS = np.arange(50, 100, 5) / 100
RECALLS = np.linspace(0, 1, 101)
MOST_PREDICTIONS = 100
"""Of one class in one frame; the least sure of more do not count (COCO)."""
NEIGHBOURHOOD = 2
"""Pixels around both masks within which fields are correlated."""
_AZIMUTHS = 180.0 - np.arange(WIDTH) * 360.0 / WIDTH
_ELEVATIONS = 90.0 - np.arange(HEIGHT) * 180.0 / (HEIGHT - 1)
_GRID = unit_vector(_AZIMUTHS[None], _ELEVATIONS[:, None])
"""Unit vectors of the pixels ``(180, 360, 3)``; the first and the last row are the poles."""


def directions(points: Floats) -> Floats:
    """Unit vectors ``(N, 3)`` of points ``(N, 3)`` of pixels x, y and an energy."""
    return unit_vector(180.0 - points[:, 0] * 360.0 / WIDTH, 90.0 - points[:, 1] * 180.0 / (HEIGHT - 1))


def energy_field(points: Floats) -> Floats:
    """The field ``(180, 360)`` of points ``(N, 3)``: each spreads its energy by a Gaussian of the chord to a pixel."""
    found = np.zeros((HEIGHT, WIDTH))
    for place, energy in zip(directions(points), points[:, 2], strict=True):
        elevation = np.degrees(np.arcsin(np.clip(place[2], -1, 1)))
        rows = np.abs(_ELEVATIONS - elevation) <= np.degrees(REACH_RAD)
        found[rows] += energy * np.exp((_GRID[rows] @ place - 1) / SIGMA_RAD**2)
    return found


@dataclass(frozen=True)
class Field:
    """A source in a frame: field and mask ``(180, 360)``, the direction of its loudest point, distance and score."""

    field: Floats
    mask: Mask
    peak: Floats
    distance: float
    score: float

    @classmethod
    def of(cls, one: EnergyMap) -> Field | None:
        """None for a map without energy."""
        spread = energy_field(one.points)
        if spread.max() < 1e-9:
            return None
        loudest = directions(one.points)[np.argmax(one.points[:, 2])]
        return cls(spread, spread >= MASK_SHARE * spread.max(), loudest, one.distance_cm, one.score)


@dataclass
class _Class:
    """What is known of one class so far: detections as score and hit at every IoU, and values of matched pairs."""

    references: int = 0
    detections: list[tuple[float, Mask]] = field(default_factory=list)
    correlations: list[float] = field(default_factory=list)
    distance_errors: list[float] = field(default_factory=list)


class EnergyScorer:
    """Collects recordings; ``scores`` gives ``mAP``, ``AP50``, ``r`` and ``RDE`` (a share), NaN where undefined."""

    def __init__(self, official: bool = False) -> None:
        """Nothing is scored yet."""
        self._official = official
        self._classes: dict[int, _Class] = defaultdict(_Class)

    def add(self, reference: Sequence[EnergyMap], prediction: Sequence[EnergyMap]) -> None:
        """Score the maps of one recording."""
        sides: dict[tuple[int, int], tuple[list[EnergyMap], list[EnergyMap]]] = defaultdict(lambda: ([], []))
        for side, maps in enumerate((reference, prediction)):
            for one in maps:
                sides[one.frame, one.category][side].append(one)
        for (_, category), both in sorted(sides.items()):
            true, said = ([made for one in maps if (made := Field.of(one)) is not None] for maps in both)
            self._add_frame(self._classes[category], true, said)

    def _add_frame(self, found: _Class, references: list[Field], predictions: list[Field]) -> None:
        found.references += len(references)
        found.detections += _detections(references, predictions)
        if not references or not predictions:
            return
        peaks = [np.stack([one.peak for one in side]) for side in (references, predictions)]
        pairs = match(angles_between_all(*peaks), GATE_DEG)
        for mine, theirs in zip(pairs.references, pairs.predictions, strict=True):
            truth, said = references[mine], predictions[theirs]
            found.distance_errors.append(abs(said.distance - truth.distance) / truth.distance)
            correlation = _correlation(truth, said, wraps=not self._official)
            if np.isfinite(correlation):
                found.correlations.append(correlation)

    def scores(self) -> dict[str, float]:
        """Over all that was added; classes that the references lack count in nothing but pairs."""
        known = [one for one in self._classes.values() if one.references]
        precisions = np.array([average_precisions(one.detections, one.references, self._official) for one in known])
        if not known:
            return dict.fromkeys(("mAP", "AP50", "r", "RDE"), float("nan"))
        return {
            "mAP": float(precisions.mean()),
            "AP50": float(precisions[:, 0].mean()),
            "r": self._mean(known, lambda one: one.correlations),
            "RDE": self._mean(known, lambda one: one.distance_errors),
        }

    def by_class(self) -> dict[int, float]:
        """``mAP`` of every class that the references have."""
        return {
            name: float(average_precisions(one.detections, one.references, self._official).mean())
            for name, one in sorted(self._classes.items())
            if one.references
        }

    def _mean(self, known: Sequence[_Class], values: Callable[[_Class], list[float]]) -> float:
        told = [values(one) for one in known if values(one)]
        if not told:
            return float("nan")
        return float(np.mean(np.concatenate(told) if self._official else [np.mean(one) for one in told]))


def _detections(references: Sequence[Field], predictions: Sequence[Field]) -> list[tuple[float, Mask]]:
    """Score of every prediction of one class in one frame and whether it hits at each of ``IOUS``, the surest first.

    At each IoU a prediction takes the free reference that it overlaps most (COCO's greedy matching).
    """
    taken = np.zeros((len(IOUS), len(references)), dtype=bool)
    found = []
    for said in sorted(predictions, key=lambda one: -one.score)[:MOST_PREDICTIONS]:
        overlaps = np.array([_iou(said.mask, truth.mask) for truth in references])
        hits = np.zeros(len(IOUS), dtype=bool)
        for level, least in enumerate(IOUS):
            free = np.where(taken[level], -1.0, overlaps)
            if free.size and free.max() >= least:
                taken[level, free.argmax()] = hits[level] = True
        found.append((said.score, hits))
    return found


def _iou(first: Mask, second: Mask) -> float:
    return float((first & second).sum() / (first | second).sum())


def average_precisions(detections: Sequence[tuple[float, Mask]], references: int, official: bool = False) -> Floats:
    """Average precision at each of ``IOUS``: the best precision at or beyond each of 101 recalls."""
    if not detections:
        return np.zeros(len(IOUS))
    order = np.argsort([-score for score, _ in detections], kind="stable")
    hits = np.cumsum(np.stack([detections[place][1] for place in order]), axis=0)
    recall, precision = hits / references, hits / np.arange(1, len(hits) + 1)[:, None]
    best = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    found = np.zeros(len(IOUS))
    for level in range(len(IOUS)):
        places = np.searchsorted(recall[:, level], RECALLS - (0.0 if official else 1e-9), side="left")
        found[level] = best[places[places < len(hits)], level].sum() / len(RECALLS)
    return found


def _correlation(truth: Field, said: Field, wraps: bool) -> float:
    """Pearson's, within the two masks and a few pixels around; NaN where a field is flat."""
    near = truth.mask | said.mask
    for _ in range(NEIGHBOURHOOD):
        near = _dilated(near, wraps)
    first, second = truth.field[near], said.field[near]
    if np.ptp(first) <= 1e-7 or np.ptp(second) <= 1e-7:
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])


def _dilated(mask: Mask, wraps: bool) -> Mask:
    """The mask and its four neighbours; across the seam where it ``wraps``."""
    grown = mask.copy()
    grown[1:] |= mask[:-1]
    grown[:-1] |= mask[1:]
    grown[:, 1:] |= mask[:, :-1]
    grown[:, :-1] |= mask[:, 1:]
    if wraps:
        grown[:, 0] |= mask[:, -1]
        grown[:, -1] |= mask[:, 0]
    return grown
