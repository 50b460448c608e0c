"""Scores of sound event localisation and detection, as DCASE Task 3 gives them for 2022 to 2025.

===== ======= ==============================================================================================
year  counted scores
===== ======= ==============================================================================================
2022  seconds ``ER``, ``F`` (within 20 degrees), ``LE`` (degrees), ``LR``, ``SELD``
2023  seconds likewise
2024  frames  ``F`` (20 degrees, relative distance error 1), ``AngE``, ``DistE``, ``RelDistE``, ``LR``, ``SELD``
2025  frames  ``F`` (likewise; or the on-screen flag too), ``AngE``, ``DistE``, ``RelDistE``, ``OnscreenAcc``
===== ======= ==============================================================================================

Never quote ``LE`` or ``AngE`` without ``LR``: a system that answers only when it is sure has small errors.

The default variant averages over the classes for which a score is defined (``F``: the class is in
the reference or was predicted; ``LR``, ``LE``: it is in the reference), so that a perfect prediction scores 1. The
official variant does as the challenges' code: absent classes count as ``F`` = ``LR`` = 0 and as ``LE`` = 180, only 13
classes are looked at, and the last frame never counts; see ``seld_counts`` for its other habits. ``DistE`` is in
metres; official 2025 in centimetres, as written in the files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.files import Pair
from spatial_lalm.evaluate.metrics import Interval, Statistic, bootstrap_interval
from spatial_lalm.evaluate.seld_counts import (
    ANGLE,
    DISTANCE,
    HIT,
    MATCHED,
    MISPLACED,
    MISSED,
    ONSCREEN,
    REFERENCES,
    RELATIVE,
    SEGMENT_FRAMES,
    SPURIOUS,
    Counts,
    Protocol,
    count,
)
from spatial_lalm.evaluate.seld_tables import SeldTable

Floats = NDArray[np.floating[Any]]
Average = Literal["macro", "micro"]
AVERAGES: tuple[Average, ...] = ("macro", "micro")
STARSS_CLASSES = 13
SECONDS = Protocol(SEGMENT_FRAMES)
PROTOCOLS: dict[str, dict[str, Protocol]] = {
    "dcase2022": {"segment20": SECONDS},
    "dcase2023": {"segment20": SECONDS},
    "dcase2024": {
        "frame_dist": Protocol(distance=True, distance_limit=1.0, lengthened=True),
        "frame_nodist": Protocol(lengthened=True),
        "segment20": Protocol(SEGMENT_FRAMES, lengthened=True),
    },
    "dcase2025": {
        "audio": Protocol(distance=True, distance_limit=1.0, horizontal=True),
        "onscreen_req": Protocol(distance=True, distance_limit=1.0, onscreen=True, horizontal=True),
    },
}
"""Ways of counting by benchmark and name; the first is the challenge's own headline."""
KEYS_2024 = ("ER", "F", "AngE", "DistE", "RelDistE", "LR", "SELD")
KEYS_2025 = ("F", "AngE", "DistE", "RelDistE", "OnscreenAcc")
KEYS = ("ER", "F", "LE", "LR", "SELD")


@dataclass(frozen=True)
class SeldScores:
    """Scores by key, NaN where undefined, and of every class ``(C,)`` (empty for micro averages)."""

    values: dict[str, float]
    by_class: dict[str, Floats]


def seld_keys(benchmark: str, name: str) -> tuple[str, ...]:
    """The scores of a way of counting, in the order of the challenge."""
    if benchmark == "dcase2025":
        return KEYS_2025
    return KEYS_2024 if PROTOCOLS[benchmark][name].distance else KEYS


class SeldScorer:
    """Counts all recordings once; every average and interval is then made of the counts."""

    def __init__(
        self, pairs: Sequence[Pair[SeldTable]], benchmark: str, name: str = "", official: bool = False
    ) -> None:
        """``name`` is a key of ``PROTOCOLS[benchmark]``, by default its first.

        Raises:
            InputError: an unknown benchmark or name, no recordings, no reference, or (official) a class above 12.
        """
        ways = PROTOCOLS.get(benchmark, {})
        self.name = name or next(iter(ways), "")
        if self.name not in ways:
            known = ", ".join(f"{one}/{way}" for one, ways in PROTOCOLS.items() for way in ways)
            raise InputError(f"{benchmark}/{self.name} is no way of scoring; known are {known}")
        self.benchmark, self.protocol, self.official = benchmark, ways[self.name], official
        classes = _class_count(pairs, official)
        counted = [count(pair.reference, pair.prediction, self.protocol, classes, official) for pair in pairs]
        self.tables = np.stack([one.table for one in counted])
        self.errors = np.array([one.errors for one in counted])

    def scores(self, average: Average = "macro") -> SeldScores:
        """Scores over all recordings."""
        return self._scores(self._total(np.ones(len(self.tables))), average)

    def intervals(self, average: Average = "macro", resamples: int = 1000, seed: int = 0) -> dict[str, Interval]:
        """Bootstrap intervals of all scores that are defined, recordings drawn with replacement.

        A draw for which a score is undefined (nothing was found in it) repeats the score of all recordings.
        """
        whole = self.scores(average).values
        drawn: dict[bytes, dict[str, float]] = {}

        def values(draw: Floats) -> dict[str, float]:
            # Every score is asked for the same draws, one score after the other.
            key = draw.tobytes()
            if key not in drawn:
                weights = np.bincount(draw.astype(np.int64), minlength=len(self.tables)).astype(float)
                drawn[key] = self._scores(self._total(weights), average).values
            return drawn[key]

        def statistic(key: str) -> Statistic:
            return lambda draw: values(draw)[key] if np.isfinite(values(draw)[key]) else whole[key]

        recordings = np.arange(float(len(self.tables)))
        return {
            key: bootstrap_interval(recordings, statistic(key), resamples=resamples, seed=seed)
            for key, value in whole.items()
            if np.isfinite(value)
        }

    def _total(self, weights: Floats) -> Counts:
        return Counts(np.tensordot(weights, self.tables, axes=1), float(weights @ self.errors))

    def _scores(self, total: Counts, average: Average) -> SeldScores:
        table = total.table if average == "macro" else total.table.sum(axis=1, keepdims=True)
        rows = _rows(table, total, self.protocol, self.official)
        if self.official and self.benchmark == "dcase2025":
            rows["DistE"] *= 100
        keys = seld_keys(self.benchmark, self.name)
        values = {key: _mean(rows[key]) for key in keys if key != "SELD"}
        if "SELD" in keys:
            values["SELD"] = self._seld(rows, values)
        return SeldScores(values, {key: rows[key] for key in keys} if average == "macro" else {})

    def _seld(self, rows: dict[str, Floats], values: dict[str, float]) -> float:
        """Official: the mean of the classes' own scores; default: of the averages that are quoted with it."""
        if self.official:
            return _mean(rows["SELD"])
        averaged = {key: np.array([value]) for key, value in values.items()}
        return float(_seld_of(averaged, self.protocol)[0])


def _class_count(pairs: Sequence[Pair[SeldTable]], official: bool) -> int:
    if not pairs:
        raise InputError("no recording is left to be scored: give at least one reference")
    if not any(len(pair.reference) for pair in pairs):
        raise InputError("no reference names a single sound: there is nothing to be found")
    highest = 0
    for pair in pairs:
        for side, table in (("reference", pair.reference), ("prediction", pair.prediction)):
            highest = max(highest, int(table.classes.max(initial=0)))
            if official and highest >= STARSS_CLASSES:
                raise InputError(
                    f"{side} {pair.name} has class {highest}: the official scorers know 0 to 12; leave out --official"
                )
    return STARSS_CLASSES if official else highest + 1


def _rows(table: Floats, total: Counts, protocol: Protocol, official: bool) -> dict[str, Floats]:
    """Every score of every column of ``table``."""
    wrong = table[MISPLACED] + 0.5 * (table[SPURIOUS] + table[MISSED])
    references = total.table[REFERENCES].sum()
    rows = {
        "ER": np.full(table.shape[1], total.errors / references if references else np.nan),
        "F": _ratio(table[HIT], table[HIT] + wrong),
        "LR": _ratio(table[MATCHED], table[MATCHED] + table[MISSED]),
        "LE": _ratio(table[ANGLE], table[MATCHED]),
        "DistE": _ratio(table[DISTANCE], table[MATCHED]),
        "RelDistE": _ratio(table[RELATIVE], table[MATCHED]),
        "OnscreenAcc": _ratio(table[ONSCREEN], table[MATCHED]),
    }
    if official:
        rows |= {key: np.nan_to_num(rows[key], nan=0.0) for key in ("F", "LR")}
    if protocol.frames > 1:
        never = (table[MATCHED] == 0) & (official | (table[REFERENCES] > 0))
        rows["LE"] = np.where(never, 180.0, rows["LE"])
    rows["AngE"] = rows["LE"]
    return rows | {"SELD": _seld_of(rows, protocol)}


def _seld_of(rows: dict[str, Floats], protocol: Protocol) -> Floats:
    """The mean of the errors, each on a scale of 0 to 1, that are defined."""
    if protocol.distance:
        terms = [1 - rows["F"], rows["AngE"] / 180, rows["RelDistE"]]
    else:
        terms = [rows["ER"], 1 - rows["F"], rows["LE"] / 180, 1 - rows["LR"]]
    return np.array([_mean(column) for column in np.stack(terms).T])


def _ratio(part: Floats, whole: Floats) -> Floats:
    """``part / whole``, NaN where both are zero."""
    return np.asarray(np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0))


def _mean(values: Floats) -> float:
    """The mean of what is defined, NaN where nothing is."""
    defined = values[np.isfinite(values)]
    return float(defined.mean()) if len(defined) else float("nan")
