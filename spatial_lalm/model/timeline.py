"""From what single windows heard to a timeline: events that go on across windows, and the sources that they belong to.

An event goes on in the next stretch of its class when that touches it (within 0.4 s, or 0.5 s on either side of a
window's end) and comes from within 25 degrees of where the event was in its last two seconds; so a source may walk. An
event belongs to the source of its class, in the same room, that was last heard nearest to where it begins, if that is
within 25 degrees, and else to a new one. A source is a place; who speaks from there is told by ``talkers``.

Trajectories stand every 100 ms (``motion``), with the distance of listening again as their mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.wording import Spatial
from spatial_lalm.model.answers import Evidence
from spatial_lalm.model.hearing import SAME_DEG, Stretch, apart_deg, continues, evidence_of, joined, towards
from spatial_lalm.model.motion import trajectory_of

Floats = NDArray[np.floating[Any]]

RECENT_FRAMES = 20
"""Frames of an event that tell where it was last."""
FIRST_FRAMES = 10
"""Frames that tell where it begins."""
LONGEST_GAP_S = 1.0
"""Longer pauses are never bridged (twice what ``continues`` allows around a window's end)."""


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
        lately = [replace(s, direction=towards(s.path[-RECENT_FRAMES:])) for s in self._open]
        fits = [i for i, s in enumerate(lately) if continues(s, stretch, self._spatial, (border_s,))]
        if fits:
            best = min(fits, key=lambda i: apart_deg(lately[i].direction, stretch.direction, self._spatial))
            self._open[best] = joined(self._open[best], stretch)
        else:
            self._open.append(stretch)


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
        begins = towards(event.path[np.argsort(event.path[:, 0], kind="stable")][:FIRST_FRAMES])
        known = [i for i, (label, where, _) in enumerate(last) if (label, where) == (evidence.label, room)]
        source = min(known, key=lambda i: apart_deg(last[i][2], begins, spatial), default=len(last))
        if source < len(last) and apart_deg(last[source][2], begins, spatial) >= SAME_DEG:
            source = len(last)
        ended = (evidence.label, room, towards(event.path[-RECENT_FRAMES:]))
        last[source : source + 1] = [ended]
        trajectory, active = trajectory_of(event, spatial)
        tracks.append(Track(evidence, source, trajectory, active))
    return tracks
