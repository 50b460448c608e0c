"""The way of a sound: its trajectory from single frames, and whether that is motion or the jitter of a sound at rest.

Trajectories stand every 100 ms: weighted means over a second around (Hann), by activity, of the directions and of ln
distance that the encoder told for single frames.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import angle_between, angles, unit_vector
from spatial_lalm.audio.scene import FRAME_S
from spatial_lalm.audio.wording import Spatial
from spatial_lalm.model.answers import Place

if TYPE_CHECKING:
    from spatial_lalm.model.hearing import Stretch

Floats = NDArray[np.floating[Any]]

MOVES_DEG = 15.0
"""Angle from end to end from which a sound moves, as in ``audio.telling``: nine in ten of movers do, and of sounds at
rest one in eight (one in twelve where at most two sound)."""
UNASKED_DEG = 25.0
"""The same for answers that are not about motion: two in three of movers, and of sounds at rest one in twenty-five."""
SMOOTH_FRAMES = 11
"""Length of the window that trajectories are smoothed with, 1.1 s."""
SHORTEST_S = 0.8
"""Shorter sounds are never said to move: their two ends are smoothed over the same frames."""
TOLD_EVERY = 5
"""Frames between the places of a way that is told, half a second."""


def way_of(event: Stretch, spatial: Spatial) -> tuple[Place, ...] | None:
    """The places of a sound that moves, from its first to its last frame about every half second; None of one at rest.

    They are directions alone: the distance of single frames does not tell whether a sound comes nearer.
    """
    if spatial == "none" or event.end_s - event.start_s < SHORTEST_S:
        return None
    trajectory, _ = trajectory_of(event, spatial)
    frames = np.linspace(0, len(trajectory) - 1, max(2, round(len(trajectory) / TOLD_EVERY) + 1)).round().astype(int)
    way = tuple(
        (round(event.start_s + frame * FRAME_S, 3), float(azimuth), float(elevation) if spatial == "full" else None)
        for frame, (azimuth, elevation, _) in zip(frames.tolist(), trajectory[frames], strict=True)
    )
    return way if arc_deg(way) >= MOVES_DEG else None


def arc_deg(way: tuple[Place, ...]) -> float:
    """The angle in degrees from the first to the last place of a way."""
    first, last = (unit_vector(azimuth, elevation or 0.0) for _, azimuth, elevation in (way[0], way[-1]))
    return float(angle_between(first, last))


def trajectory_of(event: Stretch, spatial: Spatial) -> tuple[Floats, NDArray[np.bool_]]:
    """Azimuth, elevation and distance ``(frames, 3)`` every 100 ms, smoothed, and whether it sounds ``(frames,)``."""
    frames = max(1, round((event.end_s - event.start_s) / FRAME_S))
    index = np.clip(np.round((event.path[:, 0] - event.start_s) / FRAME_S).astype(int), 0, frames - 1)
    weight = event.path[:, 5] ** 2
    columns = np.column_stack([event.path[:, 1:5] * weight[:, None], weight])
    sums = np.zeros((frames, 5))
    np.add.at(sums, index, columns)
    active = sums[:, 4] > 0.25  # some track sounds more likely than not
    smooth = _smoothed(sums)
    azimuth, elevation = angles(smooth[:, :3])
    if spatial == "lateral":
        azimuth = np.degrees(np.arcsin(np.clip(_unit(smooth[:, :3])[:, 1], -1, 1)))
    azimuth = np.full(frames, np.nan) if spatial == "none" else azimuth
    elevation = elevation if spatial == "full" else np.full(frames, np.nan)
    distance = np.exp(smooth[:, 3] / np.maximum(smooth[:, 4], 1e-9))
    return np.column_stack([azimuth, elevation, distance]), active


def _smoothed(values: Floats) -> Floats:
    """Columns ``(frames, n)`` convolved with a Hann window, what lies beyond the ends counting nothing."""
    hann = np.hanning(SMOOTH_FRAMES + 2)[1:-1]
    half = SMOOTH_FRAMES // 2
    padded = np.pad(values, ((half, half), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, SMOOTH_FRAMES, axis=0)
    smooth: Floats = windows @ hann
    return smooth


def _unit(vectors: Floats) -> Floats:
    unit: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return unit
