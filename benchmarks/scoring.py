"""What each estimator says about each clip, and the table of errors that follows.

Rules, the same for all: the most salient event counts. A clip without an event, or without a direction, counts as
90 degrees off; without a distance, as a distance of zero (a ratio error of 1); without a label, as wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from clips import ESC10, Clip, Floats

from spatial_lalm.audio.conventions import angle_between, angles, unit_vector
from spatial_lalm.audio.encoding import fibonacci_grid
from spatial_lalm.audio.wording import lateral_words
from spatial_lalm.evaluate.baselines import intensity_direction
from spatial_lalm.evaluate.metrics import (
    Interval,
    absolute_errors,
    angular_errors,
    azimuth_errors,
    bootstrap_interval,
    correctness,
    log2_errors,
    mean,
    median,
    ratio_errors,
)

MISS_DEG = 90.0
LONG_T60_S = 1.0
FEWEST = 5
"""Columns with fewer clips than this stay empty."""


@dataclass(frozen=True)
class Guess:
    """What an estimator says about one clip; None: it says nothing, NaN in ``room``: it cannot say such a thing."""

    azimuth_deg: float | None = None
    elevation_deg: float | None = None
    distance_m: float | None = None
    label: str | None = None
    t60_s: float = math.nan
    drr_db: float = math.nan
    c50_db: float = math.nan
    volume_m3: float = math.nan


@dataclass(frozen=True)
class Row:
    """An estimator's guesses for every clip; ``tells`` names what it is able to tell at all."""

    name: str
    guesses: Sequence[Guess]
    tells: frozenset[str]


EVERYTHING = frozenset({"direction", "distance", "label", "t60", "room"})
LATERAL = EVERYTHING - {"direction"} | {"side"}
"""What is scored where left and right are all that the channels tell of a direction."""
Estimator = Callable[[Clip], Guess]


# ---------------------------------------------------------------- estimators


def model_estimators(model: Any) -> dict[str, tuple[Estimator, frozenset[str]]]:
    """The model, the same model without spatial channels, and the classical estimate; ``model`` may be None."""
    estimators: dict[str, tuple[Estimator, frozenset[str]]] = {}
    if model is not None:
        estimators["model"] = (lambda clip: heard(model, clip.signals, clip.quality), EVERYTHING)
        estimators["model, spatial channels zeroed"] = (lambda clip: heard_zeroed(model, clip, 0.0), EVERYTHING)
        estimators["the same, not told so"] = (lambda clip: heard_zeroed(model, clip, 1.0), EVERYTHING)
    estimators["intensity vector (classical)"] = (classical, frozenset({"direction"}))
    return estimators


def heard(model: Any, signals: Floats, quality: Floats) -> Guess:
    """The model's most salient event and its room."""
    scene = model.hear(signals, quality)
    room = {name: float(getattr(scene.room, name).value) for name in ("t60_s", "drr_db", "c50_db", "volume_m3")}
    if not scene.events:
        return Guess(**room)
    event = scene.events[0]
    return Guess(event.azimuth_deg, event.elevation_deg, event.distance_m, event.label, **room)


def heard_zeroed(model: Any, clip: Clip, trust: float) -> Guess:
    """What the model says when Y, Z and X are silent; ``trust`` is their quality (0: it is told that they are void)."""
    signals, quality = clip.signals.copy(), clip.quality.copy()
    signals[1:] = 0.0
    quality[1:] = trust
    return heard(model, signals, quality)


def classical(clip: Clip) -> Guess:
    """The intensity vector."""
    return Guess(*intensity_direction(clip.signals))


def best_constant(clips: Sequence[Clip]) -> Guess:
    """The one answer that fits these clips best, for each quantity: what knowing their distribution is worth."""
    directions = np.stack([clip.direction for clip in clips])
    grid = fibonacci_grid()
    azimuth, elevation = angles(grid[np.argmin(angle_between(grid[:, None], directions[None]).mean(axis=1))])
    labels = [clip.label for clip in clips]
    return Guess(
        float(azimuth),
        float(elevation),
        _ratio_centre(_known(clips, "distance_m")),
        max(sorted(set(labels)), key=labels.count),
        t60_s=_median(_known(clips, "t60_s")),
        drr_db=_median(_known(clips, "drr_db")),
        c50_db=_median(_known(clips, "c50_db")),
        volume_m3=_median(_known(clips, "volume_m3")),
    )


def _known(clips: Sequence[Clip], name: str) -> Floats:
    values = np.array([getattr(clip, name) for clip in clips])
    return values[np.isfinite(values)]


def _median(values: Floats) -> float:
    return median(values) if len(values) else math.nan


def _ratio_centre(values: Floats) -> float | None:
    """The constant of least mean ``|constant / value - 1|``: one of the values, as the sum is linear between them."""
    if not len(values):
        return None
    return float(min(values, key=lambda constant: np.mean(np.abs(constant / values - 1))))


# ---------------------------------------------------------------- columns


@dataclass(frozen=True)
class Column:
    """A column of the table: ``errors(clips, guesses)`` of the clips that ``keep`` lets through."""

    key: str
    title: str
    needs: str
    keep: Callable[[Clip], bool]
    errors: Callable[[Sequence[Clip], Sequence[Guess]], Floats]
    statistic: Callable[[Floats], float] = mean
    digits: int = 2
    percent: bool = False


def _angles(clips: Sequence[Clip], guesses: Sequence[Guess]) -> Floats:
    found = np.array([g.azimuth_deg is not None for g in guesses])
    said = np.stack([unit_vector(g.azimuth_deg or 0.0, g.elevation_deg or 0.0) for g in guesses])
    return np.where(found, angular_errors(said, np.stack([clip.direction for clip in clips])), MISS_DEG)


def _sides(clips: Sequence[Clip], guesses: Sequence[Guess]) -> Floats:
    """1 where left, middle or right (within 22.5 degrees of the median plane) is told as it is."""
    places = (angles(clip.direction) for clip in clips)
    truth = [lateral_words(float(azimuth), float(elevation)) for azimuth, elevation in places]
    said = [None if g.azimuth_deg is None else lateral_words(g.azimuth_deg, g.elevation_deg or 0.0) for g in guesses]
    return np.array([float(one == other) for one, other in zip(said, truth, strict=True)])


def _azimuths(clips: Sequence[Clip], guesses: Sequence[Guess]) -> Floats:
    found = np.array([g.azimuth_deg is not None for g in guesses])
    truth = angles(np.stack([clip.direction for clip in clips]))[0]
    return np.where(found, azimuth_errors([g.azimuth_deg or 0.0 for g in guesses], truth), MISS_DEG)


def _distances(clips: Sequence[Clip], guesses: Sequence[Guess]) -> Floats:
    found = np.array([g.distance_m is not None for g in guesses])
    said = [1.0 if g.distance_m is None else g.distance_m for g in guesses]
    return np.where(found, ratio_errors(said, [clip.distance_m for clip in clips]), 1.0)


def _labels(clips: Sequence[Clip], guesses: Sequence[Guess]) -> Floats:
    return correctness([g.label for g in guesses], [clip.label for clip in clips])


def _of(
    name: str, error: Callable[[list[float], list[float]], Floats]
) -> Callable[[Sequence[Clip], Sequence[Guess]], Floats]:
    return lambda clips, guesses: error([getattr(g, name) for g in guesses], [getattr(c, name) for c in clips])


def _has(name: str) -> Callable[[Clip], bool]:
    return lambda clip: math.isfinite(getattr(clip, name))


COLUMNS = (
    Column("angle_median_deg", "angle, median °", "direction", lambda clip: True, _angles, median, 1),
    Column("angle_mean_deg", "angle, mean °", "direction", lambda clip: True, _angles, mean, 1),
    Column("azimuth_mean_deg", "azimuth, mean °", "direction", lambda clip: True, _azimuths, mean, 1),
    Column("side", "side, %", "side", lambda clip: True, _sides, mean, 1, percent=True),
    Column("distance_ratio", "distance, ratio error", "distance", _has("distance_m"), _distances),
    Column("t60_s", "T60, s", "t60", _has("t60_s"), _of("t60_s", absolute_errors), mean, 3),
    Column(
        "t60_long_ratio",
        "T60 over 1 s, relative",
        "t60",
        lambda clip: clip.t60_s > LONG_T60_S,
        _of("t60_s", ratio_errors),
    ),
    Column("drr_db", "DRR, dB", "room", _has("drr_db"), _of("drr_db", absolute_errors)),
    Column("c50_db", "C50, dB", "room", _has("c50_db"), _of("c50_db", absolute_errors)),
    Column("volume_log2", "volume, octaves", "room", _has("volume_m3"), _of("volume_m3", log2_errors)),
    Column("class", "class, %", "label", lambda clip: True, _labels, mean, 1, percent=True),
    Column("class_esc10", "ESC-10 class, %", "label", lambda c: c.label in ESC10, _labels, mean, 1, percent=True),
)


# ---------------------------------------------------------------- tables


@dataclass(frozen=True)
class Scores:
    """Intervals by row name and column key, misses (no event) by row name, and how many clips there were."""

    intervals: dict[str, dict[str, Interval]]
    misses: dict[str, int]
    clips: int


def score(clips: Sequence[Clip], rows: Iterable[Row], columns: Sequence[Column] = COLUMNS) -> Scores:
    """Every column that a row can tell and that enough clips know."""
    rows = list(rows)
    intervals: dict[str, dict[str, Interval]] = {}
    for row in rows:
        found = {column.key: _interval(column, clips, row) for column in columns if column.needs in row.tells}
        intervals[row.name] = {key: interval for key, interval in found.items() if interval is not None}
    misses = {row.name: sum(g.label is None for g in row.guesses) for row in rows if "label" in row.tells}
    return Scores(intervals, misses, len(clips))


def _interval(column: Column, clips: Sequence[Clip], row: Row) -> Interval | None:
    kept = [(clip, guess) for clip, guess in zip(clips, row.guesses, strict=True) if column.keep(clip)]
    if len(kept) < FEWEST:
        return None
    errors = column.errors([clip for clip, _ in kept], [guess for _, guess in kept])
    return bootstrap_interval(errors, column.statistic, [clip.source for clip, _ in kept])


def table(scores: Scores, columns: Sequence[Column] = COLUMNS) -> str:
    """A Markdown table; columns that no row fills are left out."""
    used = [column for column in columns if any(column.key in row for row in scores.intervals.values())]
    lines = ["| | " + " | ".join(column.title for column in used) + " |", "|---" * (1 + len(used)) + "|"]
    for name, row in scores.intervals.items():
        cells = [_cell(column, row.get(column.key)) for column in used]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(column: Column, interval: Interval | None) -> str:
    if interval is None:
        return "-"
    scale = 100 if column.percent else 1
    value, low, high = (f"{scale * x:.{column.digits}f}" for x in (interval.value, interval.low, interval.high))
    return f"{value} [{low}, {high}]"
