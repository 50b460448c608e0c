"""From what single windows heard to a timeline: events that go on across windows, and the sources that they belong to.

An event goes on in the next stretch of its class when that touches it (within 0.4 s, or 0.5 s on either side of a
window's end) and comes from within 25 degrees of where the event was in its last two seconds; so a source may walk. An
event belongs to the source of its class, in the same room, that was last heard nearest to where it begins, if that is
within 25 degrees, and else to a new one. A talker is a source of speech: known by direction alone, for the model has no
notion of a voice; two people who change seats are changed for one another.

Trajectories stand every 100 ms: weighted means over a second around (Hann), by activity, of the directions and of ln
distance that the encoder told for single frames, with the distance of listening again as their mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import angles
from spatial_lalm.audio.wording import Spatial
from spatial_lalm.model.answers import Evidence
from spatial_lalm.model.hearing import FRAME_S, SAME_DEG, Stretch, apart_deg, continues, evidence_of, joined

Floats = NDArray[np.floating[Any]]

RECENT_FRAMES = 20
"""Frames of an event that tell where it was last."""
FIRST_FRAMES = 10
"""Frames that tell where it begins."""
LONGEST_GAP_S = 1.0
"""Longer pauses are never bridged (twice what ``continues`` allows around a window's end)."""
SMOOTH_FRAMES = 11
"""Length of the window that trajectories are smoothed with, 1.1 s."""


@dataclass(frozen=True)
class Track:
    """One event of the timeline: where and how sure, its source's number, and its trajectory every 100 ms.

    ``trajectory (frames, 3)`` holds azimuth, elevation (degrees; NaN where the channels cannot tell) and distance (m)
    from ``evidence.start_s`` on; ``active (frames,)`` says whether it sounds in each.
    """

    evidence: Evidence
    source: int
    trajectory: Floats
    active: NDArray[np.bool_]


class Joining:
    """Joins stretches as windows bring them: ``push`` those of a window, ``close`` at the end."""

    def __init__(self, spatial: Spatial) -> None:
        """``spatial`` says how far directions can be compared."""
        self._spatial: Spatial = spatial
        self._open: list[Stretch] = []

    def push(self, stretches: Iterable[Stretch], border_s: float) -> list[Stretch]:
        """Take the stretches of the window that begins at ``border_s``; gives the events that are over."""
        done: list[Stretch] = []
        for stretch in sorted(stretches, key=lambda s: s.start_s):
            over = [s for s in self._open if s.end_s < stretch.start_s - LONGEST_GAP_S]
            done += over
            self._open = [s for s in self._open if s.end_s >= stretch.start_s - LONGEST_GAP_S]
            self._place(stretch, border_s)
        return done

    def close(self) -> list[Stretch]:
        """The events that are still open."""
        done, self._open = self._open, []
        return done

    def _place(self, stretch: Stretch, border_s: float) -> None:
        lately = [replace(s, direction=_towards(s.path[-RECENT_FRAMES:])) for s in self._open]
        fits = [i for i, s in enumerate(lately) if continues(s, stretch, self._spatial, (border_s,))]
        if fits:
            best = min(fits, key=lambda i: apart_deg(lately[i].direction, stretch.direction, self._spatial))
            self._open[best] = joined(self._open[best], stretch)
        else:
            self._open.append(stretch)


def _towards(path: Floats) -> Floats:
    """The weighted direction ``(3,)`` of frames ``(n, 6)``."""
    direction: Floats = path[:, 5] ** 2 @ path[:, 1:4]
    return direction


def join_all(windows: Iterable[tuple[float, Sequence[Stretch]]], spatial: Spatial) -> list[Stretch]:
    """Events of all windows (their starts and stretches, in order), by their start."""
    joining = Joining(spatial)
    events = [event for start_s, stretches in windows for event in joining.push(stretches, start_s)]
    return sorted(events + joining.close(), key=lambda event: (event.start_s, event.end_s))


def track_sources(
    events: Sequence[Stretch], spatial: Spatial, classes: tuple[str, ...], rooms_from_s: Sequence[float] = (0.0,)
) -> list[Track]:
    """The timeline of events in order: each with its source, numbered from 0 by first appearance.

    A room that begins (``rooms_from_s``) ends all sources: directions there have nothing to do with those before.
    """
    last: list[tuple[str, int, Floats]] = []  # class, room and latest direction of every source
    tracks = []
    for event in events:
        evidence = evidence_of(event, spatial, classes)
        room = int(np.searchsorted(rooms_from_s, event.start_s + 1e-6, side="right"))
        begins = _towards(event.path[np.argsort(event.path[:, 0], kind="stable")][:FIRST_FRAMES])
        known = [i for i, (label, where, _) in enumerate(last) if (label, where) == (evidence.label, room)]
        source = min(known, key=lambda i: apart_deg(last[i][2], begins, spatial), default=len(last))
        if source < len(last) and apart_deg(last[source][2], begins, spatial) >= SAME_DEG:
            source = len(last)
        ended = (evidence.label, room, _towards(event.path[-RECENT_FRAMES:]))
        last[source : source + 1] = [ended]
        trajectory, active = trajectory_of(event, spatial)
        tracks.append(Track(evidence, source, trajectory, active))
    return tracks


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
