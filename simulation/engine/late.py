"""The late field: band-wise decaying diffuse noise that continues the energy of the image lattice.

The images of a shoebox that lie in direction u and arrive after t seconds have met the walls c t |u_x| / L_x times
along x, half of them each wall, and so on. So 4 pi c / V exp(-g(u) t) of energy arrives a second and direction, with
g(u) = c sum_a |u_a| / L_a (q_a0 + q_a1) + c times the air's loss. A wall's q is its -ln(1 - alpha) / 2 where that is
small; alpha / (2 - alpha) = tanh of it makes the integral over directions equal to the sum over the layers of images
also where walls swallow nearly all, up to alpha = 1. Averaged over directions it is the decay of the image-source model
(Lehmann & Johansson, JASA 2008); averaged with the squared harmonics, the energy of every ambisonic channel. Scattering
draws g towards Eyring's.

Legend: P paths, B octave bands, Q directions, K channels, T samples, H knots of the envelopes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spatial_lalm.audio.arrays import SPEED_OF_SOUND
from spatial_lalm.audio.conventions import harmonic_terms
from spatial_lalm.audio.scene import OCTAVES_HZ
from spatial_lalm.simulation.acoustics import octave_masks
from spatial_lalm.simulation.engine.paths import Path, air_rates, require_shoeboxes, scattered_rates

if TYPE_CHECKING:
    from spatial_lalm.simulation.receivers import Receiver

Floats = NDArray[np.floating[Any]]

KNOT = 64
"""Samples between the knots of an envelope: 4 ms, 2.4 dB where T60 is 0.1 s."""
DIRECTIONS = (6, 8)
"""Nodes over height and azimuth of an octant."""
FLOOR_DB = 66.0
"""The late field ends where its energy has fallen by this much since the sound left."""
LONGEST_S = 8.0
BANK_S = 16.4
"""Period of the noise, to the nearest power of two in samples."""
HIGH_PASS_HZ = 50.0


@lru_cache
def _octant() -> tuple[Floats, Floats]:
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


def lattice_rates(path: Path) -> Floats:
    """Energy decay rates ``(B, Q)`` in 1/s of the image lattice towards the directions of an octant."""
    absorption = np.array(path.room.wall_bands)
    losses = (absorption / (2 - absorption)).reshape(3, 2, -1).sum(axis=1)
    walls = (_octant()[0] / np.array(path.room.dimensions_m)) @ losses  # (Q, B) nepers a metre
    rates: Floats = SPEED_OF_SOUND * (walls + air_rates()).T
    return rates


def decay_of(paths: Sequence[Path], seam_s: Floats) -> Decay:
    """The late field's decay of paths whose images are rendered up to ``seam_s (P,)``; ``InputError``: no shoebox."""
    require_shoeboxes(paths)
    lattice = np.stack([lattice_rates(path) for path in paths])
    scattered = np.stack([scattered_rates(path.room) for path in paths])[..., None]
    blend = np.array([path.room.scattering for path in paths])[:, None, None]
    rates = (1 - blend) * lattice + blend * scattered
    volume = np.array([np.prod(path.room.dimensions_m) for path in paths])
    power = np.stack(
        [path.pattern.diffuse_power if path.aim is not None else np.ones(len(OCTAVES_HZ)) for path in paths]
    )
    power[[path.room.outdoors for path in paths]] = 0.0
    start = 4 * np.pi * SPEED_OF_SOUND / volume[:, None] * power  # (P, B)
    level = start[..., None] * _octant()[1] * np.exp(-lattice * seam_s[:, None, None])
    return Decay(rates, level, seam_s, _end(rates, level, seam_s))


def _end(rates: Floats, level: Floats, seam_s: Floats) -> Floats:
    """Seconds ``(P,)`` after which a late field is ``FLOOR_DB`` below what it was when the sound left."""
    after = np.linspace(0, LONGEST_S, 129)
    left = (np.exp(-rates[..., None] * after) * level[..., None]).sum(axis=(1, 2))  # (P, H)
    first = (np.exp(rates * seam_s[:, None, None]) * level).sum(axis=(1, 2))
    faded = left <= first[:, None] * 10 ** (-FLOOR_DB / 10)
    return seam_s + after[np.where(faded.any(axis=1), faded.argmax(axis=1), -1)]


def direction_weights(paths: Sequence[Path], order: int) -> Floats:
    """Mean square of every SN3D harmonic over the mirrored directions of an octant, ``(P, Q, K)``."""
    signs = np.array(np.meshgrid(*[[-1, 1]] * 3)).reshape(3, 8).T
    mirrored = (_octant()[0][:, None] * signs).reshape(-1, 3)
    still = _mean_squares(order, mirrored)
    rows = [still if path.facing is None else _mean_squares(order, mirrored @ path.facing) for path in paths]
    return np.stack(rows)


def _mean_squares(order: int, directions: Floats) -> Floats:
    squares = np.stack(harmonic_terms(order, *directions.T), axis=-1) ** 2
    means: Floats = squares.reshape(-1, 8, squares.shape[-1]).mean(axis=1)
    return means


def envelopes(decay: Decay, weights: Floats, rate: int, device: torch.device) -> Tensor:
    """Amplitudes ``(P, B, K, T)`` by which noise of unit variance becomes the late field from the seam on."""
    knots = int(np.ceil((decay.end_s - decay.seam_s).max() * rate / KNOT)) + 1
    energy = decay.energy(np.arange(knots + 1) * KNOT / rate, weights)
    amplitude = torch.as_tensor(np.sqrt(energy / rate), dtype=torch.float32, device=device)
    ramp = torch.arange(KNOT, device=device, dtype=torch.float32) / KNOT
    step = amplitude[..., :-1, None] + (amplitude[..., 1:] - amplitude[..., :-1])[..., None] * ramp
    return step.flatten(-2)


# ---------------------------------------------------------------- noise


def band_noise(spectrum: NDArray[np.complex64], rate: int) -> NDArray[np.float32]:
    """Periodic noise ``(B, ..., S)`` by octave bands from the one-sided spectrum ``(..., S / 2 + 1)`` of white noise.

    Bands add up to the noise itself; below ``HIGH_PASS_HZ`` there is none, as in the early part.
    """
    import scipy.fft

    bins = spectrum.shape[-1]
    hertz = np.linspace(0, rate / 2, bins)
    shares = octave_masks(4097, rate) ** 2
    position = np.linspace(0, 4096, bins)
    passed = np.abs(high_pass_response(hertz))
    rows = [np.interp(position, np.arange(4097), share) * passed for share in shares]
    return np.stack([scipy.fft.irfft(spectrum * row.astype(np.float32), 2 * (bins - 1)) for row in rows])


def high_pass_response(hertz: Floats) -> NDArray[np.complex128]:
    """Fourth-order Butterworth at 50 Hz: images of one sign pile up at 0 Hz, where no room or loudspeaker sounds."""
    s = 1j * np.asarray(hertz, float) / HIGH_PASS_HZ
    poles = np.exp(1j * np.pi * (np.arange(4) * 2 + 5) / 8)
    response: NDArray[np.complex128] = s**4 / np.prod(s[..., None] - poles, axis=-1)
    return response


@lru_cache(maxsize=4)
def noise_bank(rate: int, device: torch.device) -> Tensor:
    """A stretch of noise ``(B, S + longest)`` that all ambisonic late fields are cut from; its period is S.

    White noise split into octave bands with unit variance in all. Drawing a new one for each response costs ten times
    the rest of the engine, and no ear or network tells two stretches of noise apart.
    """
    rng = np.random.default_rng(20_261_124)
    white = rng.standard_normal((1, 2 ** round(np.log2(BANK_S * rate))), dtype=np.float32)
    bands = torch.as_tensor(band_noise(np.fft.rfft(white).astype(np.complex64), rate)[:, 0], device=device)
    return torch.cat([bands, bands[:, : round(LONGEST_S * rate) + 2 * KNOT]], dim=1)


def ambisonic_late(paths: Sequence[Path], decay: Decay, order: int, rate: int, device: torch.device) -> Tensor:
    """Late fields ``(P, K, T)`` of ideal ambisonic receivers from the seam on: mutually incoherent channels."""
    bank = noise_bank(rate, device)
    shape = envelopes(decay, direction_weights(paths, order), rate, device)
    channels, samples = shape.shape[2:]
    late = shape.new_empty(len(paths), channels, samples)
    period = bank.shape[1] - round(LONGEST_S * rate) - 2 * KNOT
    for row, path in enumerate(paths):
        rng = np.random.default_rng((path.seed, 1))
        # A share of the period apart: two channels near each other would be one, delayed.
        places = (rng.integers(period) + period // channels * rng.permutation(channels)) % period
        for channel, place in enumerate(places.tolist()):
            torch.sum(bank[:, place : place + samples] * shape[row, :, channel], dim=0, out=late[row, channel])
    return late


def array_late(receiver: Receiver, paths: Sequence[Path], decay: Decay, rate: int, device: torch.device) -> Tensor:
    """Late fields ``(P, R, T)`` cut from a receiver's own diffuse noise, shaped alike in all its rows."""
    shape = envelopes(decay, direction_weights(paths, 0), rate, device)[:, :, 0]  # (P, B, T)
    samples = shape.shape[-1]
    late = shape.new_empty(len(paths), len(receiver.row_gains), samples)
    for row, path in enumerate(paths):
        place = int(np.random.default_rng((path.seed, 1)).integers(2**30))
        noise = torch.from_numpy(receiver.diffuse_noise(rate, place, samples))
        torch.sum(shape[row, :, None] * noise.to(device), dim=0, out=late[row])
    return late
