"""The late field: band-wise decaying diffuse noise that continues the energy of the image lattice.

How its energy decays is told in ``decay``; here it becomes sound.

Legend: P paths, B octave bands, Q directions, K channels, T samples, H knots of the envelopes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spatial_lalm.audio.conventions import harmonic_terms
from spatial_lalm.simulation.acoustics import octave_masks
from spatial_lalm.simulation.engine.decay import LONGEST_S, Decay, high_pass_response, octant
from spatial_lalm.simulation.engine.paths import Path

if TYPE_CHECKING:
    from spatial_lalm.simulation.receivers import Receiver

Floats = NDArray[np.floating[Any]]

KNOT = 64
"""Samples between the knots of an envelope: 4 ms, 2.4 dB where T60 is 0.1 s."""
BANK_S = 16.4
"""Period of the noise, to the nearest power of two in samples."""


def direction_weights(paths: Sequence[Path], order: int) -> Floats:
    """Mean square of every SN3D harmonic over the mirrored directions of an octant, ``(P, Q, K)``."""
    signs = np.array(np.meshgrid(*[[-1, 1]] * 3)).reshape(3, 8).T
    mirrored = (octant()[0][:, None] * signs).reshape(-1, 3)
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
