"""Ray tracing of pyroomacoustics 0.10, made into sparse pulses that any receiver can be given.

The library collects energy by time, octave band and direction of arrival at a sphere around the receiver. It would make
its own noise of that for every microphone apart, so that a sound field's channels lose what they have in common. Here
the energy becomes one Poisson process of plane waves (Schroeder, "Physically based real-time auralization of
interactive virtual environments", 2011, section 5.3.4), and channels follow from it.

Two of its ways are undone here. In a hybrid with images of order N, rays are heard from order N on, so order N would be
heard twice: it is told N + 1. And at every reflection a share s (the scattering) of the energy is sent straight to the
receiver but not taken from the ray, so that every order has 1 + s times its energy: all of it is divided by 1 + s.

Legend: D directions, B octave bands (one where nothing depends on them), T time bins, N pulses.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.arrays import SPEED_OF_SOUND
from spatial_lalm.simulation.engine.paths import Path
from spatial_lalm.simulation.pyroom.rooms import build, wall_distance

Floats = NDArray[np.floating[Any]]

BOX_RATE = 8000
"""Rate at which the library's octave bands are exactly ours; no signal is made at it."""
DIRECTIONS = 240
"""Directions told apart, some 13 degrees from each other."""
BIN_S = (0.004, 0.016)
"""Time bins of rooms up to 100 cubic metres, and at most; they grow with the volume."""
HITS_PER_BIN = 20.0
"""Rays that meet the receiver in a time bin, in the mean (Vorlaender, "Auralization", 2008, eq. 11.12)."""
RAYS = (500, 10_000)
RADIUS_M = (0.1, 0.5)
"""The receiver's sphere ends at the nearest wall, beyond which no ray comes, and is at least so large."""
ENERGY_LEFT = 1e-7
LONGEST_S = 8.0
PULSES_PER_S = 10_000.0
"""Reflections are no denser than this: the ear tells no denser process from noise."""


@dataclass(frozen=True)
class Histogram:
    """Energy that arrives, ``energy (D, B, T)``, at the receiver from ``directions (D, 3)`` in bins of ``bin_s``."""

    energy: Floats
    directions: Floats
    bin_s: float


@dataclass(frozen=True)
class Pulses:
    """Plane waves: ``times (N,)`` in seconds, unit ``directions (N, 3)`` they come from, ``amplitude (N, B)``."""

    times: Floats
    directions: Floats
    amplitude: Floats


class _Radiation:
    """A source's directivity as the library asks for it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def sample_rays(self, n_rays: int) -> tuple[Floats, Floats]:
        """Directions ``(n, 3)`` and the energy ``(n, B)`` that goes there, of which 1 is an omni source's."""
        rays = _spread(n_rays)
        return rays, radiated(self.path, rays) ** 2


def radiated(path: Path, directions: Floats) -> Floats:
    """Amplitude ``(N, B)`` of a source towards directions ``(N, 3)``, re an omni source of the same level on axis."""
    if path.aim is None:
        return np.ones((len(directions), 1))
    aim = np.asarray(path.aim, float)
    alpha = np.array(path.pattern.alpha)
    amplitude: Floats = alpha + (1 - alpha) * (directions @ aim / np.linalg.norm(aim))[:, None]
    return amplitude


def _spread(count: int) -> Floats:
    from pyroomacoustics.doa import fibonacci_spherical_sampling

    directions: Floats = fibonacci_spherical_sampling(count).T
    return directions


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """The library's random numbers follow a seed for a while.

    Its numpy generator is put back; that of its compiled part cannot be read, so it stays where the seed led it.
    """
    from pyroomacoustics import libroom
    from pyroomacoustics import random as library_random

    generator = library_random.get_rng().bit_generator
    before = generator.state
    libroom.set_rng_seed(int(np.random.SeedSequence((seed, 4)).generate_state(1, np.uint64)[0]))
    try:
        yield
    finally:
        generator.state = before


def trace(path: Path, first_order: int) -> Histogram:
    """What reflections of ``first_order`` and above bring, and what is scattered at any order."""
    from pyroomacoustics.directivities import RealSphericalHarmonicsDirectivity
    from pyroomacoustics.soundsource import SoundSource

    room = path.room
    radius = float(np.clip(wall_distance(room, np.asarray(path.receiver, float)), *RADIUS_M))
    bin_s = float(np.clip(BIN_S[0] * (room.enclosed_m3 / 100) ** 0.5, *BIN_S))
    crossed = np.pi * radius**2 * SPEED_OF_SOUND * bin_s / room.enclosed_m3
    rays = int(np.clip(HITS_PER_BIN / crossed, *RAYS))
    box = build(room, BOX_RATE, first_order, room.scattering, in_bands=path.aim is not None)
    box.set_ray_tracing(
        n_rays=rays,
        receiver_radius=radius,
        energy_thres=ENERGY_LEFT,
        time_thres=LONGEST_S,
        hist_bin_size=bin_s,
        receiver_n_directions=DIRECTIONS,
    )
    source = SoundSource(np.asarray(path.source, float))
    source.directivity = _Radiation(path)
    box.add_soundsource(source)
    # Any directivity but none makes it keep directions apart.
    box.add_microphone(np.asarray(path.receiver, float), directivity=RealSphericalHarmonicsDirectivity(0, 0))
    box.ray_tracing()
    energy = _stacked(box.rt_histograms[0][0]) / (1 + room.scattering)
    return Histogram(energy, _spread(DIRECTIONS), box.rt_args["hist_bin_size"])


def _stacked(histograms: list[Floats]) -> Floats:
    """Histograms ``(B, T)`` of all directions, which end at different times, as one ``(D, B, T)``."""
    longest = max(histogram.shape[1] for histogram in histograms)
    energy = np.zeros((len(histograms), len(histograms[0]), longest))
    for row, histogram in zip(energy, histograms, strict=True):
        row[:, : histogram.shape[1]] = histogram
    heard = np.flatnonzero(energy.any(axis=(0, 1)))
    return energy[:, :, : heard[-1] + 1] if len(heard) else energy[:, :, :0]


def pulses_of(histogram: Histogram, path: Path) -> Pulses:
    """A Poisson process of plane waves that has a histogram's energy in every bin, band and direction.

    Its times, signs and lots depend on the seed and the room alone, so that those of neighbouring places are alike and
    can be cross-faded.
    """
    directions, _, bins = histogram.energy.shape
    most = max(1, round(PULSES_PER_S * histogram.bin_s))
    lots = np.random.default_rng((path.seed, 5)).random((bins, most, 3))
    density = 4 * np.pi * SPEED_OF_SOUND**3 / path.room.enclosed_m3 * (np.arange(bins) + 0.5) ** 2 * histogram.bin_s**3
    count = np.clip(np.round(density), 1, most)
    by_direction = histogram.energy.sum(axis=1)  # (D, T)
    total = by_direction.sum(axis=0)
    bin_, rank = np.nonzero((np.arange(most) < count[:, None]) & (total > 0)[:, None])
    moment, lot, sign = lots[bin_, rank].T
    # One search for all bins: the share of the directions up to each, a unit apart from bin to bin.
    shares = np.cumsum(by_direction, axis=0) / np.maximum(total, 1e-300) + np.arange(bins)
    chosen = np.searchsorted(shares.T.ravel(), lot + bin_, side="right") - bin_ * directions
    chosen = np.clip(chosen, 0, directions - 1)
    start = np.maximum(bin_ * histogram.bin_s, path.direct_s)  # nothing comes before the direct sound
    end = np.maximum((bin_ + 1) * histogram.bin_s, start)
    share = histogram.energy[chosen, :, bin_] / np.maximum(by_direction[chosen, bin_], 1e-300)[:, None]
    amplitude = np.sqrt(share * (total / count)[bin_][:, None]) * np.where(sign < 0.5, -1.0, 1.0)[:, None]
    return Pulses(start + moment * (end - start), histogram.directions[chosen], amplitude)
