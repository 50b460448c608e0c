"""Errors of single answers, and intervals for what is said about many of them.

Every function checks its input and refuses NaN: what could not be estimated must be counted by the caller as the miss
it is, never dropped in silence. Errors come back one per item; a perfect estimate has error 0 and correctness 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spatial_lalm.audio.conventions import angle_between, wrap_degrees
from spatial_lalm.errors import InputError

Floats = NDArray[np.floating[Any]]
Statistic = Callable[[Floats], float]


@dataclass(frozen=True)
class Interval:
    """A statistic of ``count`` values with its confidence interval."""

    value: float
    low: float
    high: float
    count: int


# ---------------------------------------------------------------- errors, one per item


def angular_errors(predicted: ArrayLike, reference: ArrayLike) -> Floats:
    """Great-circle angles in degrees, ``(N,)``, between direction vectors ``(N, 3)`` of any length but zero."""
    a, b = _pair("directions", predicted, reference)
    if a.ndim != 2 or a.shape[1] != 3:
        raise InputError(f"directions of shape {a.shape}: give (items, 3) vectors x, y, z")
    for name, vectors in (("predicted", a), ("reference", b)):
        if not np.linalg.norm(vectors, axis=1).all():
            raise InputError(f"{name} directions hold a zero vector, which points nowhere: leave no item without one")
    return angle_between(a, b)


def azimuth_errors(predicted_deg: ArrayLike, reference_deg: ArrayLike) -> Floats:
    """Absolute differences of azimuths in degrees, ``(N,)``, the short way round: 0 to 180."""
    a, b = _column("azimuths", predicted_deg, reference_deg)
    return np.abs(wrap_degrees(a - b))


def absolute_errors(predicted: ArrayLike, reference: ArrayLike) -> Floats:
    """Absolute differences ``(N,)`` in the unit given."""
    a, b = _column("values", predicted, reference)
    return np.abs(a - b)


def ratio_errors(predicted: ArrayLike, reference: ArrayLike) -> Floats:
    """Relative errors ``|predicted / reference - 1|``, ``(N,)``, of positive quantities such as distances."""
    a, b = _positive(predicted, reference)
    return np.abs(a / b - 1)


def log2_errors(predicted: ArrayLike, reference: ArrayLike) -> Floats:
    """``|log2(predicted / reference)|``, ``(N,)``: 1 means off by a factor of two, up or down."""
    a, b = _positive(predicted, reference)
    return np.abs(np.log2(a / b))


def correctness(predicted: Sequence[str | None], reference: Sequence[str]) -> Floats:
    """1 where the label is right and 0 elsewhere, ``(N,)``; a missing prediction (None) is wrong."""
    if len(predicted) != len(reference):
        raise InputError(f"{len(predicted)} predicted labels for {len(reference)} reference labels: give one for each")
    if not reference:
        raise InputError("no labels to compare: give at least one")
    return np.array([float(a == b) for a, b in zip(predicted, reference, strict=True)])


# ---------------------------------------------------------------- intervals


def mean(values: Floats) -> float:
    """Arithmetic mean, as a statistic for ``bootstrap_interval``."""
    return float(np.mean(values))


def median(values: Floats) -> float:
    """Median, as a statistic for ``bootstrap_interval``."""
    return float(np.median(values))


def bootstrap_interval(
    values: ArrayLike,
    statistic: Statistic = mean,
    clusters: Sequence[Any] | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Percentile bootstrap interval of a statistic of ``values (N,)`` (Efron & Tibshirani, 1993, chapter 13).

    ``clusters`` names what each value comes from (a recording, a talker): whole clusters are drawn, so that many values
    from one recording do not pass for independent ones (Davison & Hinkley, 1997, section 3.8). ``InputError``: no
    values, NaN, clusters of another length, a confidence outside 0 to 1, fewer than 100 resamples.
    """
    data = _finite("values", values)
    if data.ndim != 1:
        raise InputError(f"values of shape {data.shape} have no interval: give one number per item")
    if not 0 < confidence < 1:
        raise InputError(f"confidence {confidence}: must lie between 0 and 1")
    if resamples < 100:
        raise InputError(f"{resamples} resamples are too few for an interval: give at least 100")
    groups = _groups(len(data), clusters)
    items, sizes = np.concatenate(groups), np.array([len(group) for group in groups])
    rng = np.random.default_rng(seed)
    drawn = [statistic(data[items[_places(sizes, rng)]]) for _ in range(resamples)]
    tail = 50 * (1 - confidence)
    low, high = np.percentile(drawn, [tail, 100 - tail])
    return Interval(statistic(data), float(low), float(high), len(data))


def _groups(count: int, clusters: Sequence[Any] | None) -> list[NDArray[np.int64]]:
    """Indices of the items of every cluster, clusters in order of first appearance."""
    if clusters is None:
        return [np.array([index]) for index in range(count)]
    if len(clusters) != count:
        raise InputError(f"{len(clusters)} clusters for {count} values: give one for each")
    members: dict[Any, list[int]] = {}
    for index, name in enumerate(clusters):
        members.setdefault(name, []).append(index)
    return [np.array(indices) for indices in members.values()]


def _places(sizes: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Places of the items of as many clusters as there are, drawn with replacement; clusters lie one after another."""
    drawn = rng.integers(len(sizes), size=len(sizes))
    lengths, starts = sizes[drawn], (np.cumsum(sizes) - sizes)[drawn]
    first = np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
    places: NDArray[np.int64] = first + np.arange(lengths.sum())
    return places


# ---------------------------------------------------------------- checks


def _finite(name: str, values: ArrayLike) -> Floats:
    data = np.asarray(values, dtype=float)
    if data.size == 0:
        raise InputError(f"no {name} given: at least one is needed")
    if not np.isfinite(data).all():
        raise InputError(f"{name} hold {int((~np.isfinite(data)).sum())} NaN or infinite entries: count them as misses")
    return data


def _pair(name: str, predicted: ArrayLike, reference: ArrayLike) -> tuple[Floats, Floats]:
    a, b = _finite(f"predicted {name}", predicted), _finite(f"reference {name}", reference)
    if a.shape != b.shape:
        raise InputError(f"predicted {name} of shape {a.shape} against {b.shape}: give one for each reference")
    return a, b


def _column(name: str, predicted: ArrayLike, reference: ArrayLike) -> tuple[Floats, Floats]:
    a, b = _pair(name, predicted, reference)
    if a.ndim != 1:
        raise InputError(f"{name} of shape {a.shape}: give one number per item")
    return a, b


def _positive(predicted: ArrayLike, reference: ArrayLike) -> tuple[Floats, Floats]:
    a, b = _column("values", predicted, reference)
    if (a <= 0).any() or (b <= 0).any():
        raise InputError("ratios need positive values: a zero or negative one was given")
    return a, b
