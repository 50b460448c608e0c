"""Tracks of talkers: the OSPA distance, and what the LOCATA challenge measures.

A track set is a sequence of moments, equally spaced in time; each moment maps the identity of a track to its direction,
a vector ``(3,)`` of any length but zero (x front, y left, z up). Who is silent is not in the moment.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spatial_lalm.audio.conventions import angles, wrap_degrees
from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.matching import angles_between_all, match
from spatial_lalm.evaluate.seld_tables import SeldTable

Floats = NDArray[np.floating[Any]]
Moment = Mapping[Hashable, Floats | Sequence[float]]
CUTOFF_DEG = 30.0
ORDERS = (1.0, 1.5, 2.0, 5.0)
"""Orders of OSPA for which LOCATA reports it."""


def ospa(references: ArrayLike, predictions: ArrayLike, cutoff_deg: float = CUTOFF_DEG, order: float = 1.0) -> float:
    """Optimal subpattern assignment distance in degrees of directions ``(R, 3)`` and ``(P, 3)``, 0 to ``cutoff_deg``.

    ``((min sum of d^p + c^p |R - P|) / max(R, P))^(1/p)`` with ``d`` the great-circle angle cut off at ``c`` and ``p``
    the order (Schuhmacher, Vo & Vo, TSP 56(8), 2008); 0 where both are empty. ``InputError``: a cutoff outside (0,
    180], an order below 1.
    """
    if not 0 < cutoff_deg <= 180 or order < 1:
        raise InputError(f"cutoff {cutoff_deg}, order {order}: give a cutoff above 0 and up to 180, an order from 1 on")
    distances = angles_between_all(references, predictions)
    most, least = max(distances.shape), min(distances.shape)
    if most == 0:
        return 0.0
    powers = np.minimum(distances, cutoff_deg) ** order
    total = match(powers).costs.sum() + cutoff_deg**order * (most - least)
    return float((total / most) ** (1 / order))


@dataclass(frozen=True)
class TrackScores:
    """What LOCATA reports; NaN where undefined.

    ``azimuth_deg`` and ``elevation_deg`` are mean absolute errors of what is matched. ``detected`` is the share of
    moments of active tracks that are matched. Per second of the recording: ``false_alarms`` estimates that match
    nothing, ``swaps`` changes of the estimate that follows a track, ``breaks`` ends of a match while its track goes on.
    ``latency_s`` is the mean time from a track's onset to its first match, tracks never matched left out and counted
    in ``lost``. ``ospa_deg`` is by order.
    """

    azimuth_deg: float
    elevation_deg: float
    detected: float
    false_alarms: float
    swaps: float
    breaks: float
    latency_s: float
    lost: int
    ospa_deg: dict[float, float]


def track_scores(
    references: Sequence[Moment],
    predictions: Sequence[Moment],
    step_s: float,
    gate_deg: float = CUTOFF_DEG,
    official: bool = False,
) -> TrackScores:
    """Score a recording's tracks, matched moment by moment within a gate.

    Measures of Evers et al., "The LOCATA challenge: acoustic source localization and tracking", TASLP 28, 2020.

    ``step_s`` is the time between moments. The gate and the matching are of great-circle angles; ``official`` takes the
    azimuth alone, as LOCATA does. ``InputError``: no moments, other lengths, a step or gate that is not above zero.
    """
    if len(references) != len(predictions) or not references:
        raise InputError(
            f"{len(predictions)} moments for {len(references)} of the reference: give as many, one at least"
        )
    if step_s <= 0 or not 0 < gate_deg <= 180:
        raise InputError(f"step {step_s} s, gate {gate_deg}: give a step above 0, a gate above 0 and up to 180")
    found = [_matched(a, b, gate_deg, official) for a, b in zip(references, predictions, strict=True)]
    seconds = len(references) * step_s
    errors = np.array([error for moment in found for _, *error in moment.values()]).reshape(-1, 2)
    active, told = (sum(len(moment) for moment in side) for side in (references, predictions))
    swaps, breaks = _changes(references, found)
    waits = [_wait(references, found, track) for track in dict.fromkeys(t for moment in references for t in moment)]
    heard = [wait for wait in waits if wait is not None]
    azimuth, elevation = errors.mean(axis=0).tolist() if len(errors) else (math.nan, math.nan)
    return TrackScores(
        azimuth,
        elevation,
        len(errors) / active if active else math.nan,
        (told - len(errors)) / seconds,
        swaps / seconds,
        breaks / seconds,
        float(np.mean(heard)) * step_s if heard else math.nan,
        len(waits) - len(heard),
        {order: _mean_ospa(references, predictions, gate_deg, order) for order in ORDERS},
    )


Found = dict[Hashable, tuple[Hashable, float, float]]
"""The estimate that follows a track in a moment, and its errors of azimuth and elevation in degrees."""


def _matched(reference: Moment, predicted: Moment, gate_deg: float, official: bool) -> Found:
    ours, theirs = (_directions(moment) for moment in (reference, predicted))
    (azimuth, elevation), (said_azimuth, said_elevation) = angles(ours), angles(theirs)
    off = np.abs(wrap_degrees(azimuth[:, None] - said_azimuth[None]))
    found = match(off if official else angles_between_all(ours, theirs), gate_deg)
    names, estimates = list(reference), list(predicted)
    return {
        names[i]: (estimates[j], float(off[i, j]), float(abs(elevation[i] - said_elevation[j])))
        for i, j in zip(found.references, found.predictions, strict=True)
    }


def _directions(moment: Moment) -> Floats:
    return np.array(list(moment.values()), dtype=float).reshape(-1, 3)


def _changes(references: Sequence[Moment], found: Sequence[Found]) -> tuple[int, int]:
    """Swaps, against the last estimate that followed the same track, and breaks from one moment to the next."""
    swaps = breaks = 0
    last: dict[Hashable, Hashable] = {}
    for index, moment in enumerate(found):
        for track, (estimate, *_) in moment.items():
            swaps += track in last and last[track] != estimate
            last[track] = estimate
        if index:
            breaks += sum(track in references[index] and track not in moment for track in found[index - 1])
    return swaps, breaks


def _wait(references: Sequence[Moment], found: Sequence[Found], track: Hashable) -> int | None:
    """Moments from a track's first to its first match, None where it has none."""
    onset = next(index for index, moment in enumerate(references) if track in moment)
    return next((index - onset for index, moment in enumerate(found) if track in moment), None)


def _mean_ospa(references: Sequence[Moment], predictions: Sequence[Moment], cutoff_deg: float, order: float) -> float:
    sides = zip(references, predictions, strict=True)
    return float(np.mean([ospa(_directions(a), _directions(b), cutoff_deg, order) for a, b in sides]))


# ---------------------------------------------------------------- files


def moments_of(table: SeldTable, frames: int) -> list[dict[Hashable, Floats]]:
    """The first ``frames`` frames of a label file as moments; a track is a class and a source."""
    moments: list[dict[Hashable, Floats]] = [{} for _ in range(frames)]
    keys = zip(table.frames.tolist(), table.classes.tolist(), table.sources.tolist(), strict=True)
    for (frame, *track), direction in zip(keys, table.directions, strict=True):
        if frame < frames:
            moments[frame][tuple(track)] = direction
    return moments


def mean_scores(scores: Sequence[TrackScores]) -> dict[str, float]:
    """Means over recordings of what is defined there, NaN where it is nowhere; ``lost`` is a sum."""
    rows = []
    for one in scores:
        flat = asdict(one)
        ospa_deg = flat.pop("ospa_deg")
        rows.append(flat | {f"ospa{order:g}_deg": value for order, value in ospa_deg.items()})
    means = {}
    for key in rows[0]:
        defined = [row[key] for row in rows if math.isfinite(row[key])]
        means[key] = float(np.mean(defined)) if defined else math.nan
    return means | {"lost": float(sum(one.lost for one in scores))}
