"""The room over time: windows' estimates smoothed, and where the recorder seems to have come into another room.

A change is told where ten sounding windows (40 s of windows in which at least a second sounds; at least five) before
and after differ in ln T60 or in ln volume by more than a step (T60 by a factor of 1.35, volume by 2.5) and by more than
``SURE_T`` standard errors; of several such places near one another the clearest. Two parts whose pooled estimates
differ by less than the step are one again. A shorter visit is not told apart, nor are rooms alike in both.

Legend: W windows; the ten numbers of a room are those of ``EncoderOutput.room``.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.model.answers import RoomEstimate
from spatial_lalm.model.hearing import room_of

Floats = NDArray[np.floating[Any]]

T60, VOLUME = 0, 9
STEPS = {T60: float(np.log(1.35)), VOLUME: float(np.log(2.5))}
"""Least change by number, in natural logarithms."""
SIDE, LEAST = 10, 5
"""Sounding windows looked at on each side of a place, and the fewest."""
SURE_T = 5.0
SOUNDS_S = 1.0
"""Seconds of sound from which a window tells of its room."""
SMOOTH = 4
"""Sounding windows on each side that a window's smoothed estimate is a mean over."""


@dataclass(frozen=True)
class RoomPart:
    """A part of the recording that was made in one room, and what that room is like."""

    start_s: float
    end_s: float
    room: RoomEstimate


def room_parts(starts_s: Floats, end_s: float, values: Floats, scales: Floats, sounding_s: Floats) -> list[RoomPart]:
    """Rooms one after the other, from the windows' starts ``(W,)``, numbers and scales ``(W, 10)``, seconds of sound.

    Empty where nothing sounds for ``SOUNDS_S`` in any window.
    """
    (told,) = np.nonzero(sounding_s >= SOUNDS_S)
    if not len(told):
        return []
    edges = [0, *_changes(values[told], scales[told]), len(told)]
    parts = []
    for low, high in pairwise(edges):
        begins = float(starts_s[0]) if low == 0 else float(starts_s[told[low]])
        ends = end_s if high == len(told) else float(starts_s[told[high]])
        parts.append(RoomPart(begins, ends, room_of(values[told[low:high]], scales[told[low:high]])))
    return parts


def _changes(values: Floats, scales: Floats) -> list[int]:
    """Windows with which another room begins, of sounding windows."""
    scores = [_contrast(values, place) for place in range(len(values))]
    edges: list[int] = []
    for place in sorted(range(len(values)), key=lambda p: -scores[p]):
        if scores[place] > 1 and all(abs(place - edge) >= LEAST for edge in edges):
            edges.append(place)
    edges.sort()
    while edges:
        bounds = [0, *edges, len(values)]
        means = [_pooled(values[a:b], scales[a:b]) for a, b in pairwise(bounds)]
        steps = [_steps(one, other) for one, other in pairwise(means)]
        weakest = int(np.argmin(steps))
        if steps[weakest] >= 1:
            break
        edges.pop(weakest)
    return edges


def _contrast(values: Floats, place: int) -> float:
    """By how many steps the windows after a place differ from those before; 0 where that is not sure."""
    before, after = values[max(0, place - SIDE) : place], values[place : place + SIDE]
    if min(len(before), len(after)) < LEAST:
        return 0.0
    best = 0.0
    for number, step in STEPS.items():
        # Medians: a window with a sound from another room, or from a loudspeaker, should not make a change.
        apart = abs(float(np.median(after[:, number]) - np.median(before[:, number])))
        variance = before[:, number].var(ddof=1) / len(before) + after[:, number].var(ddof=1) / len(after)
        if apart > SURE_T * float(np.sqrt(variance)):
            best = max(best, apart / step)
    return best


def _pooled(values: Floats, scales: Floats) -> Floats:
    weight = 1 / scales**2
    mean: Floats = (weight * values).sum(0) / weight.sum(0)
    return mean


def _steps(one: Floats, other: Floats) -> float:
    return max(abs(float(one[number] - other[number])) / step for number, step in STEPS.items())


def smoothed(
    values: Floats, scales: Floats, sounding_s: Floats, starts_s: Floats, parts: list[RoomPart]
) -> tuple[Floats, Floats]:
    """Numbers and scales ``(W, 10)`` over time: means over the sounding windows around, within a room, by precision.

    NaN where no sounding window is near.
    """
    mean, spread = np.full_like(values, np.nan), np.full_like(scales, np.nan)
    room = np.searchsorted([part.start_s for part in parts], starts_s + 1e-6, side="right")
    for window in range(len(values)):
        near = np.arange(max(0, window - SMOOTH), min(len(values), window + SMOOTH + 1))
        near = near[(sounding_s[near] >= SOUNDS_S) & (room[near] == room[window])]
        if len(near):
            weight = 1 / scales[near] ** 2
            mean[window] = (weight * values[near]).sum(0) / weight.sum(0)
            spread[window] = (weight * scales[near]).sum(0) / weight.sum(0)
    return mean, spread
