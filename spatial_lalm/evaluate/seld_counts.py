"""Counts of sound event localisation and detection: what one recording adds to the scores of DCASE Task 3.

Two ways to count, both of classes apart: whole seconds with the mean angle of a track (Mesaros et al., "Joint
measurement of localization and detection of sound events", WASPAA 2019; Politis et al., "Overview and evaluation of
sound event localization and detection in DCASE 2019", TASLP 29, 2021) as in 2020 to 2023, and single frames as since
2024 (Krause et al., "Sound event detection and localization with distance estimation", EUSIPCO 2024).

Legend: R references, P predictions, M matches, C classes, U units of time (frames or seconds).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import angles
from spatial_lalm.evaluate.matching import angles_between_all, match
from spatial_lalm.evaluate.seld_tables import SeldTable

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]
Cells = dict[tuple[int, int], Ints]
"""Rows of a table by unit of time and class."""

ANGLE_LIMIT_DEG = 20.0
SEGMENT_FRAMES = 10
LENGTHENED = 1e-10
"""The code of 2024 adds this to the square of every vector's length: equal directions are 0.0008 degrees apart."""

TIE_DIGITS = 9
"""Angles that differ less are ties, which are common on the horizon: rounding errors must not break them."""

HIT, MISPLACED, SPURIOUS, MISSED, REFERENCES, MATCHED, ANGLE, DISTANCE, RELATIVE, ONSCREEN = range(10)
"""Rows of ``Counts.table``; the last four are sums over the matches."""


@dataclass(frozen=True)
class Protocol:
    """What counts as right.

    ``frames`` of 100 ms are one unit of time; ``distance_limit`` bounds the relative distance error of a hit where
    ``distance`` is scored; ``onscreen`` asks for that flag too. Of the official code ``lengthened`` tells that it does
    so, and ``horizontal`` that it takes differences of azimuths, whose rounding errors break ties.
    """

    frames: int = 1
    distance: bool = False
    distance_limit: float = np.inf
    onscreen: bool = False
    lengthened: bool = False
    horizontal: bool = False


@dataclass(frozen=True)
class Counts:
    """Counts of a recording, ``table (10, C)``, and the substitutions, deletions and insertions of its units in all."""

    table: Floats
    errors: float


@dataclass(frozen=True)
class Cell:
    """A class in a unit of time: matches as ``(M, 4)`` angle, distance error (m), relative one and flag right (0/1)."""

    matched: Floats
    references: int
    missed: int
    spurious: int


def count(reference: SeldTable, prediction: SeldTable, protocol: Protocol, classes: int, official: bool) -> Counts:
    """Counts of one recording, of classes 0 to ``classes`` - 1.

    Default: every frame counts up to the last that reference or prediction speak of. Official: the last frame of the
    reference ends the recording and does not itself count (save where its second is counted for other frames).
    """
    units = _units(reference, prediction, protocol.frames, official)
    ours, theirs = (_cells(table, protocol.frames, units, classes) for table in (reference, prediction))
    table = np.zeros((10, classes))
    wrong, absent = np.zeros(units), np.zeros(units)
    nothing = np.zeros(0, dtype=np.int64)
    score = _frame_cell if protocol.frames == 1 else _segment_cell
    for key in ours.keys() | theirs.keys():
        unit, label = key
        cell = score(reference, prediction, ours.get(key, nothing), theirs.get(key, nothing), protocol, official)
        hits = int(_hits(cell.matched, protocol).sum())
        misplaced = len(cell.matched) - hits
        outcome = [hits, misplaced, cell.spurious, cell.missed, cell.references, len(cell.matched)]
        table[:, label] += [*outcome, *cell.matched.sum(axis=0)]
        wrong[unit] += misplaced + cell.spurious
        absent[unit] += cell.missed
    # min(wrong, absent) substitutions, and what is left of the larger are insertions or deletions.
    return Counts(table, float(np.maximum(wrong, absent).sum()))


def _units(reference: SeldTable, prediction: SeldTable, frames: int, official: bool) -> int:
    if official:
        return -(-int(reference.frames.max(initial=0)) // frames)
    return max(int(table.frames.max(initial=-1)) for table in (reference, prediction)) // frames + 1


def _cells(table: SeldTable, frames: int, units: int, classes: int) -> Cells:
    unit = table.frames // frames
    rows = np.flatnonzero((unit < units) & (table.classes < classes))
    order = rows[np.lexsort((table.classes[rows], unit[rows]))]
    keys = np.stack([unit[order], table.classes[order]])
    edges = np.flatnonzero(np.diff(keys, axis=1).any(axis=0)) + 1
    parts = np.split(order, edges) if len(order) else []
    return {(int(unit[part[0]]), int(table.classes[part[0]])): part for part in parts}


def _hits(matched: Floats, protocol: Protocol) -> NDArray[np.bool_]:
    near = matched[:, 0] <= ANGLE_LIMIT_DEG
    if protocol.distance:
        near &= matched[:, 2] <= protocol.distance_limit
    return near & (matched[:, 3] == 1) if protocol.onscreen else near


# ---------------------------------------------------------------- frames


def _frame_cell(
    reference: SeldTable, prediction: SeldTable, r: Ints, p: Ints, protocol: Protocol, official: bool
) -> Cell:
    """Sources of a class in a frame, matched by angle."""
    matched = np.zeros((0, 4))
    if len(r) and len(p):
        found = match(_angles(reference, prediction, r, p, protocol, official))
        ours, theirs = r[found.references], p[found.predictions]
        off = np.abs(prediction.distances[theirs] - reference.distances[ours])
        relative = off / reference.distances[ours]
        flag = (prediction.onscreen[theirs] == reference.onscreen[ours]).astype(float)
        matched = np.stack([found.costs, off, relative, flag], axis=1)
    return Cell(matched, len(r), max(0, len(r) - len(p)), max(0, len(p) - len(r)))


def _angles(
    reference: SeldTable, prediction: SeldTable, r: Ints, p: Ints, protocol: Protocol, official: bool
) -> Floats:
    """Angles in degrees ``(R, P)``."""
    if official and protocol.lengthened:
        cosine = reference.directions[r] @ prediction.directions[p].T / (1 + LENGTHENED)
        return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    if official and protocol.horizontal:
        ours, theirs = (
            np.round(angles(side)[0], TIE_DIGITS) for side in (reference.directions[r], prediction.directions[p])
        )
        return np.abs(ours[:, None] - theirs[None])
    return np.round(angles_between_all(reference.directions[r], prediction.directions[p]), TIE_DIGITS)


# ---------------------------------------------------------------- seconds


def _segment_cell(
    reference: SeldTable, prediction: SeldTable, r: Ints, p: Ints, protocol: Protocol, official: bool
) -> Cell:
    """Tracks of a class in a second: matched frame by frame, a track's angles averaged.

    Default: a track is a source of the reference, each that is never matched is missed, and predictions beyond the
    matches are spurious. Official: a track is a place in the order of a frame's rows, both sides count as many tracks
    as they have at once at most, only the difference of the two is missed or spurious, and where both sides never meet
    in a frame as many are missed as were predicted.
    """
    angles: dict[int, list[float]] = {}
    for rows, columns in _common_frames(reference, prediction, r, p):
        found = match(_angles(reference, prediction, rows, columns, protocol, official))
        tracks = found.references if official else reference.sources[rows[found.references]]
        for track, angle in zip(tracks.tolist(), found.costs.tolist(), strict=True):
            angles.setdefault(track, []).append(angle)
    matched = np.zeros((len(angles), 4))
    matched[:, 0] = [float(np.mean(of_track)) for of_track in angles.values()]
    predicted = _most_at_once(prediction, p)
    references = _most_at_once(reference, r) if official else len(np.unique(reference.sources[r]))
    if not official:
        return Cell(matched, references, references - len(matched), max(0, predicted - len(matched)))
    if len(r) and len(p) and not angles:
        return Cell(matched, references, predicted, 0)
    return Cell(matched, references, max(0, references - predicted), max(0, predicted - references))


def _common_frames(reference: SeldTable, prediction: SeldTable, r: Ints, p: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Rows of both sides in every frame in which both have some."""
    for frame in np.intersect1d(reference.frames[r], prediction.frames[p]):
        yield r[reference.frames[r] == frame], p[prediction.frames[p] == frame]


def _most_at_once(table: SeldTable, rows: Ints) -> int:
    return int(np.unique(table.frames[rows], return_counts=True)[1].max(initial=0))
