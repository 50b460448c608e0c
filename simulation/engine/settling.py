"""Walls that give the very sounds of a scene the reverberation time that was asked for, by trial.

What a room is expected to have (``reverberation.expected_t60``) is an average over places and noise, of energies alone.
Where walls swallow little, labels lie within a few per cent of it. Dry rooms are heard through some dozen reflections:
which ones a place gets, and whether they add up or cancel, moves a label by 10 to 50 %. So responses of the scene's own
paths are rendered at order 0 and measured, and walls stretched until the mean of their labels fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from spatial_lalm.audio.scene import OCTAVES_HZ, Room
from spatial_lalm.simulation.acoustics import behind_direct, decay_time
from spatial_lalm.simulation.engine.paths import Path
from spatial_lalm.simulation.engine.render import render_responses
from spatial_lalm.simulation.engine.reverberation import expected_t60, stretched
from spatial_lalm.simulation.receivers import Receiver, ambisonic_receiver

DRY = 0.2
"""Mean absorption from which on expectations are doubted: below, 97 % of labels are within 10 % of them."""
DOUBT = 1.5
"""By such a factor, so a room that is to be so far within the range is not tried."""
TOLERANCE = 0.05
STEPS = 4
"""Times that a scene's responses are rendered, at most."""
SLOPES = (-0.7, -2.0, -0.3)
"""A dry room's measured decay hangs less on its walls than its energy does (``reverberation.stretched``)."""


def settled(paths: Sequence[Path], asked_s: tuple[float, float], rate: int) -> Room:
    """The paths' room, with walls for which the mean of their measured T60 is within ``asked_s``.

    A room that already has it, or can be expected to, comes back as it is. One that misses it gets what was drawn for
    it, its expected T60; the nearest that can be reached where walls cannot do it.
    """
    room = paths[0].room
    wanted_s = float(np.clip(expected_t60(room), *asked_s))
    if np.mean(room.absorption) < DRY or asked_s[0] * DOUBT < wanted_s < asked_s[1] / DOUBT:
        return room

    def off(tried: Room) -> float:
        measured_s = _measured_t60([replace(path, room=tried) for path in paths], rate)
        within = asked_s[0] / (1 + TOLERANCE) < measured_s < asked_s[1] * (1 + TOLERANCE)
        return 0.0 if within or not np.isfinite(measured_s) else float(np.log(measured_s / wanted_s))

    return stretched(room, off, TOLERANCE, STEPS, SLOPES)[0]


def _measured_t60(paths: Sequence[Path], rate: int) -> float:
    """Mean broadband T60 in seconds of responses; NaN where none decays."""
    found = render_responses(paths, _listener(), rate)
    times = [decay_time(behind_direct(r.omni - r.direct, r.direct_sample, rate), rate) for r in found]
    known = [time for time in times if np.isfinite(time)]
    return float(np.mean(known)) if known else float("nan")


@lru_cache(maxsize=1)
def _listener() -> Receiver:
    """What stands in for any receiver, so that all hear the same room: of FOA the W, with its own late noise."""
    return replace(ambisonic_receiver(1), degrees=(0,) * len(OCTAVES_HZ))
