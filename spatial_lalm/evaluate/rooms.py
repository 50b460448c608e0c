"""Errors of room estimates: T60, DRR, C50 and volume, as the ACE challenge reports them, and how well they follow."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.files import FileProblem, number, read_rows, refuse_duplicates
from spatial_lalm.evaluate.metrics import Interval, absolute_errors, bootstrap_interval, mean, median

Floats = NDArray[np.floating[Any]]

UNITS = {"t60_s": "s", "drr_db": "dB", "c50_db": "dB", "volume_m3": "octaves"}
"""Unit of the errors; volumes are compared as logarithms to base 2, where 1 is a factor of two."""
LIMITS = {"t60_s": (0.0, 30.0), "volume_m3": (0.0, math.inf)}
"""Above the lower and up to the upper limit: a T60 of 450 is one in milliseconds."""


@dataclass(frozen=True)
class Agreement:
    """How ``count`` estimates agree with the truth.

    ``bias`` is the mean of estimate minus truth, ``mae`` and ``median`` are of absolute errors, ``mse`` of squares;
    ``rho`` is Pearson's correlation with its interval, NaN where either side is constant.
    """

    count: int
    bias: float
    mae: Interval
    median: float
    mse: float
    rho: Interval


def pearson(predicted: ArrayLike, reference: ArrayLike) -> float:
    """Pearson's correlation of two columns ``(N,)``; NaN where either is constant.

    ``InputError``: no values, NaN, columns of different lengths.
    """
    absolute_errors(predicted, reference)
    a, b = (np.asarray(side, dtype=float) for side in (predicted, reference))
    # Asked of the values as they are: rounding errors of a constant's mean would correlate with anything.
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    a, b = a - a.mean(), b - b.mean()
    return float(np.clip(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)), -1, 1))


def agreement(
    predicted: ArrayLike, reference: ArrayLike, clusters: Sequence[Any] | None = None, resamples: int = 1000
) -> Agreement:
    """Compare estimates ``(N,)`` with the truth ``(N,)``, both in one unit.

    Measures of the ACE challenge (Eaton et al., "Estimation of room acoustic parameters: the ACE challenge", TASLP 24,
    2016). ``clusters`` as in ``bootstrap_interval``. ``InputError``: no values, NaN, columns of different lengths.
    """
    errors = absolute_errors(predicted, reference)
    said, truth = np.asarray(predicted, dtype=float), np.asarray(reference, dtype=float)

    def correlation(drawn: Floats) -> float:
        rows = drawn.astype(np.int64)
        return pearson(said[rows], truth[rows])

    off = said - truth
    indices = np.arange(float(len(off)))
    whole = correlation(indices)
    rho = Interval(whole, whole, whole, len(off))
    if np.isfinite(whole):
        # Draws of one repeated item have no correlation; they say nothing, which is what 0 says.
        rho = bootstrap_interval(indices, lambda d: float(np.nan_to_num(correlation(d))), clusters, resamples=resamples)
    mae = bootstrap_interval(errors, mean, clusters, resamples=resamples)
    return Agreement(len(off), float(off.mean()), mae, median(errors), float(np.mean(off**2)), rho)


def room_agreement(
    predicted: Mapping[str, ArrayLike],
    reference: Mapping[str, ArrayLike],
    clusters: Sequence[Any] | None = None,
    resamples: int = 1000,
) -> dict[str, Agreement]:
    """Agreement of every quantity of ``UNITS`` that the reference holds, volumes as logarithms to base 2.

    ``InputError``: a quantity that is not predicted, an unknown one, a volume or T60 that is not above zero.
    """
    found = {}
    for name, truth in reference.items():
        if name not in UNITS:
            raise InputError(f"{name} is no property of a room that is scored; known are {', '.join(UNITS)}")
        if name not in predicted:
            raise InputError(f"{name} is not predicted: give an estimate for each room, a constant where none is made")
        sides = [np.asarray(side, dtype=float) for side in (predicted[name], truth)]
        if name in LIMITS and any((side <= 0).any() for side in sides):
            raise InputError(f"{name} holds a value of zero or less: it must be above")
        if name == "volume_m3":
            sides = [np.log2(side) for side in sides]
        found[name] = agreement(sides[0], sides[1], clusters, resamples)
    return found


def read_rooms(path: Path) -> dict[str, dict[str, float]]:
    """Room properties by recording, from a CSV whose header is ``recording`` and names of ``UNITS``.

    Raises:
        FileProblem: another header, a row of another length, what is no number or outside ``LIMITS``, a name twice.
    """
    header, *rows = read_rows(path) or [[]]
    names = [name.strip() for name in header[1:]]
    if header[:1] != ["recording"] or not names or set(names) - UNITS.keys() or len(set(names)) < len(names):
        raise FileProblem(path, f"the header must be recording and some of {', '.join(UNITS)}", 1)
    rooms = {}
    for row, cells in enumerate(rows, 2):
        if len(cells) != len(header):
            raise FileProblem(path, f"{len(cells)} columns where {len(header)} are due ({','.join(header)})", row)
        values = {name: number(path, row, name, text) for name, text in zip(names, cells[1:], strict=True)}
        for name, value in values.items():
            low, high = LIMITS.get(name, (-math.inf, math.inf))
            if not low < value <= high:
                raise FileProblem(path, f"{name} {value:g} lies outside {low:g} (excluded) to {high:g}", row)
        rooms[cells[0]] = values
    refuse_duplicates(path, "recording", (cells[0] for cells in rows), 2)
    return rooms
