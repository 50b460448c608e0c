"""The reverberation time that a room's responses will have on average, and walls for one that is asked for.

A label's T60 is the slope of a measured decay (``acoustics.measure``), of all octave bands together. Eyring's formula
at 1 kHz misses it by a factor of two either way: most of an impulse's energy lies in the top bands, where walls and air
take more or less, and what has met few walls decays unlike the mean. The energy of the image lattice and of the late
field is known in closed form (``decay``), and so is its Schroeder integral.

Legend: B octave bands, Q directions, H moments.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.scene import Room
from spatial_lalm.simulation.acoustics import DIRECT_WINDOW_S, octave_masks
from spatial_lalm.simulation.engine.decay import SEAM_S, high_pass_response, lattice_rates, mixing_time, octant
from spatial_lalm.simulation.engine.paths import Path, scattered_rates

Floats = NDArray[np.floating[Any]]

TYPICAL_DISTANCE = 0.4
"""Of a source, over the edge of the cube of the room's volume: it moves the start of the decay by milliseconds."""
FIT_DB = (-5.0, -25.0)
"""Levels between which the slope is taken, those of the labels' T60."""
TOLERANCE = 0.005
"""Relative error at which walls are good enough ..."""
STEPS = 6
"""... and how often they are tried; three are typical."""
WALLS = (0.01, 0.97)
"""Absorptions that walls have."""
Slopes = tuple[float, float, float]
SLOPES = (-1.0, -3.0, -0.1)
"""Reverberation times go with one over absorption, but for the air and walls at their limits."""
_MOMENTS = np.linspace(0, 1, 64) ** 1.5
_ENDED = 6.0
"""Nepers of the slowest rate after which any mixture of rates has fallen below ``FIT_DB``."""
_RATE = 16_000


@lru_cache(maxsize=512)
def expected_t60(room: Room) -> float:
    """T60 in seconds, of all bands together, that a typical response of a room has; infinite in open air.

    Of the image lattice that becomes a late field at the mixing time; of a room over a floor with corners by Eyring's
    decay in every band.
    """
    if room.outdoors:
        return float("inf")
    edge_m = room.enclosed_m3 ** (1 / 3)
    path = Path(room, np.array([TYPICAL_DISTANCE * edge_m, 0.0, 0.0]), np.zeros(3))
    scattered = scattered_rates(room)[:, None]
    early = scattered if room.corners_m else lattice_rates(room)
    late = (1 - room.scattering) * early + room.scattering * scattered
    seconds = path.direct_s + DIRECT_WINDOW_S[1] + _MOMENTS * _ENDED / late.min()
    weights = _band_energy()[:, None] * (1.0 if room.corners_m else octant()[1])
    energy = _left(early, late, weights, mixing_time(path) - SEAM_S / 2, seconds)
    return _slope_time(seconds, 10 * np.log10(energy / energy[0]))


def _left(early: Floats, late: Floats, weights: Floats, seam_s: float, seconds: Floats) -> Floats:
    """Energy ``(H,)`` still to come at moments: of rates ``(B, Q)`` up to the seam and of others behind it."""
    before = np.minimum(seconds, seam_s)
    behind = np.exp(-early * seam_s) / late
    energy: Floats = np.einsum("bq,bqh->h", weights / early, np.exp(-early[..., None] * before))
    energy -= np.sum(weights / early * np.exp(-early * seam_s))
    energy += np.einsum("bq,bqh->h", weights * behind, np.exp(-late[..., None] * (seconds - before)))
    return energy


def _slope_time(seconds: Floats, curve_db: Floats) -> float:
    """Seconds for 60 dB at the slope between ``FIT_DB`` (least squares, evenly over time, as ``acoustics`` does)."""
    start, end = (np.interp(-level, -curve_db, seconds) for level in FIT_DB)
    moments = np.linspace(start, end, 64)
    centred = moments - moments.mean()
    return float(-60 * (centred @ centred) / (centred @ np.interp(moments, seconds, curve_db)))


@lru_cache(maxsize=1)
def _band_energy() -> Floats:
    """Share ``(B,)`` of an impulse's energy in every octave band behind the engine's high-pass."""
    bins = 2049
    passed = np.abs(high_pass_response(np.linspace(0, _RATE / 2, bins))) ** 2
    shares: Floats = (octave_masks(bins, _RATE) ** 2 @ passed) / passed.sum()
    return shares


def clad(room: Room, t60_s: float) -> Room | None:
    """The room with walls of its own proportions that give it an expected T60; None where no walls can."""
    found, off = stretched(room, lambda tried: float(np.log(expected_t60(tried) / t60_s)), TOLERANCE, STEPS)
    return found if off < TOLERANCE else None


def stretched(
    room: Room, log_ratio: Callable[[Room], float], tolerance: float, steps: int, slopes: Slopes = SLOPES
) -> tuple[Room, float]:
    """The room with walls for which ``log_ratio``, ln of its T60 over the one wanted, is within a tolerance of zero.

    All walls' -ln(1 - absorption) are stretched by one factor, which a secant finds from walls that are about right:
    ``slopes`` are what it begins with and the limits of what it believes, of ln T60 over ln factor. Returns the best of
    at most ``steps`` rooms, the given one first, and how far off it is.
    """
    nepers = -np.log1p(-np.array(room.absorption))
    start, steepest, flattest = slopes
    x, slope = 0.0, start
    tried: list[tuple[float, float, float, Room]] = []
    for _ in range(steps):
        walls = np.clip(-np.expm1(-np.exp(x) * nepers), *WALLS)
        found = replace(room, absorption=tuple(walls.tolist())) if tried else room
        off = log_ratio(found)
        tried.append((abs(off), x, off, found))
        if abs(off) < tolerance:
            break
        if len(tried) > 1 and tried[-2][1] != x:
            slope = float(np.clip((off - tried[-2][2]) / (x - tried[-2][1]), steepest, flattest))
        x -= off / slope
    least, _, _, best = min(tried, key=lambda one: one[0])
    return best, least
