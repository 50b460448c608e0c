"""How the energy of image sources decays in a shoebox, in closed form, and how many of them are rendered one by one.

The images that lie in direction u and arrive after t seconds have met the walls c t |u_x| / L_x times along x, half of
them each wall, and so on. So 4 pi c / V exp(-g(u) t) of energy arrives a second and direction, with g(u) = c sum_a
|u_a| / L_a (q_a0 + q_a1) + c times the air's loss. A wall's q is its -ln(1 - alpha) / 2 where that is small;
alpha / (2 - alpha) = tanh of it makes the integral over directions equal to the sum over the layers of images also
where walls swallow nearly all, up to alpha = 1. Averaged over directions it is the decay of the image-source model
(Lehmann & Johansson, JASA 2008); averaged with the squared harmonics, the energy of every ambisonic channel. Scattering
draws g towards Eyring's.

Legend: P paths, B octave bands, Q directions, K channels, H moments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.arrays import SPEED_OF_SOUND
from spatial_lalm.audio.scene import OCTAVES_HZ, Room
from spatial_lalm.simulation.engine.paths import Path, air_rates, require_shoeboxes, scattered_rates

Floats = NDArray[np.floating[Any]]

IMAGE_COUNT = 3000
"""Images rendered exactly: more than can be told from a diffuse field, as the slow modes of the bass hang on them."""
MIXING_S = (0.03, 0.2)
AFTER_DIRECT_S = 0.03
"""Images are exact for at least so long after the direct sound."""
SEAM_S = 0.008
"""Images fade out and the late field fades in over this time, with constant power."""
DIRECTIONS = (6, 8)
"""Nodes over height and azimuth of an octant."""
FLOOR_DB = 66.0
"""The late field ends where its energy has fallen by this much since the sound left."""
LONGEST_S = 8.0
HIGH_PASS_HZ = 50.0


def mixing_time(path: Path) -> float:
    """Seconds up to which images are exact: until ``IMAGE_COUNT`` of them have arrived, within ``MIXING_S``."""
    radius = (3 * np.prod(path.room.dimensions_m) * IMAGE_COUNT / (4 * np.pi)) ** (1 / 3)
    return max(float(np.clip(radius / SPEED_OF_SOUND, *MIXING_S)), path.direct_s + AFTER_DIRECT_S)


def high_pass_response(hertz: Floats) -> NDArray[np.complex128]:
    """Fourth-order Butterworth at 50 Hz: images of one sign pile up at 0 Hz, where no room or loudspeaker sounds."""
    s = 1j * np.asarray(hertz, float) / HIGH_PASS_HZ
    poles = np.exp(1j * np.pi * (np.arange(4) * 2 + 5) / 8)
    response: NDArray[np.complex128] = s**4 / np.prod(s[..., None] - poles, axis=-1)
    return response


@lru_cache
def octant() -> tuple[Floats, Floats]:
    """Directions ``(Q, 3)`` over the octant of positive x, y, z and their weights ``(Q,)``, which add up to one.

    Gauss-Legendre nodes, drawn towards the planes through two axes: there the field lives longest.
    """
    (height, heights), (turn, turns) = (
        ((nodes + 1) / 2, weights / 2) for nodes, weights in map(np.polynomial.legendre.leggauss, DIRECTIONS)
    )
    z, azimuth = np.meshgrid(height**2, np.pi / 2 * turn**2 * (3 - 2 * turn), indexing="ij")
    level = np.sqrt(1 - z**2)
    directions = np.stack([level * np.cos(azimuth), level * np.sin(azimuth), z], axis=-1)
    weights = np.outer(heights * 2 * height, turns * 6 * turn * (1 - turn))
    return directions.reshape(-1, 3), weights.ravel()


@dataclass(frozen=True)
class Decay:
    """Energy decay of the late field of every path.

    ``rates (P, B, Q)`` in 1/s from the seam on, ``seam_s (P,)``, ``level (P, B, Q)`` each direction's share of the
    energy a second at the seam, and ``end_s (P,)`` where it has faded. Open air has no late field.
    """

    rates: Floats
    level: Floats
    seam_s: Floats
    end_s: Floats

    def energy(self, seconds: Floats, weights: Floats) -> Floats:
        """Energy a second ``(P, B, K, H)`` at times after the seam ``(H,)``, by ``direction_weights (P, Q, K)``."""
        fading = np.exp(-self.rates[..., None] * seconds)  # (P, B, Q, H)
        energy: Floats = np.einsum("pbqh,pbq,pqk->pbkh", fading, self.level, weights, optimize=True)
        return energy


def lattice_rates(room: Room) -> Floats:
    """Energy decay rates ``(B, Q)`` in 1/s of the image lattice towards the directions of an octant."""
    absorption = np.array(room.wall_bands)
    losses = (absorption / (2 - absorption)).reshape(3, 2, -1).sum(axis=1)
    walls = (octant()[0] / np.array(room.dimensions_m)) @ losses  # (Q, B) nepers a metre
    rates: Floats = SPEED_OF_SOUND * (walls + air_rates()).T
    return rates


def decay_of(paths: Sequence[Path], seam_s: Floats) -> Decay:
    """The late field's decay of paths whose images are rendered up to ``seam_s (P,)``; ``InputError``: no shoebox."""
    require_shoeboxes(paths)
    lattice = np.stack([lattice_rates(path.room) for path in paths])
    scattered = np.stack([scattered_rates(path.room) for path in paths])[..., None]
    blend = np.array([path.room.scattering for path in paths])[:, None, None]
    rates = (1 - blend) * lattice + blend * scattered
    volume = np.array([np.prod(path.room.dimensions_m) for path in paths])
    power = np.stack(
        [path.pattern.diffuse_power if path.aim is not None else np.ones(len(OCTAVES_HZ)) for path in paths]
    )
    power[[path.room.outdoors for path in paths]] = 0.0
    start = 4 * np.pi * SPEED_OF_SOUND / volume[:, None] * power  # (P, B)
    level = start[..., None] * octant()[1] * np.exp(-lattice * seam_s[:, None, None])
    return Decay(rates, level, seam_s, _end(rates, level, seam_s))


def _end(rates: Floats, level: Floats, seam_s: Floats) -> Floats:
    """Seconds ``(P,)`` after which a late field is ``FLOOR_DB`` below what it was when the sound left."""
    after = np.linspace(0, LONGEST_S, 129)
    left = (np.exp(-rates[..., None] * after) * level[..., None]).sum(axis=(1, 2))  # (P, H)
    first = (np.exp(rates * seam_s[:, None, None]) * level).sum(axis=(1, 2))
    faded = left <= first[:, None] * 10 ** (-FLOOR_DB / 10)
    return seam_s + after[np.where(faded.any(axis=1), faded.argmax(axis=1), -1)]
