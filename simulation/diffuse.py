"""Diffuse isotropic noise as a receiver hears it: channels as coherent with each other as its geometry demands.

In an isotropic field the harmonics are incoherent, with 1 / (2 n + 1) of W's power. So capsules that hear them by
responses c have the coherence matrix sum_nm c c^H / (2 n + 1) (for two omni capsules sinc(kd); Cook et al., JASA 1955).
White noise times its Hermitian root, frequency by frequency, is such a field (Habets, Cohen & Gannot, "Generating
nonstationary multisensor signals under a spatial coherence constraint", JASA 2008).

Legend: R rows (W and the capsules), M microphones, K harmonics, F knots, B octave bands, S samples.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.arrays import MicrophoneArray
from spatial_lalm.audio.conventions import acn_orders, channel_count
from spatial_lalm.simulation.expansion import KNOTS, Expansion, expansion_of

BANK_SAMPLES = 2**17
_SEED = 20_261_125


def coherence(expansion: Expansion, rate: int) -> NDArray[np.complex128]:
    """Cross spectra ``(KNOTS, R, R)`` in an isotropic field of unit pressure, from 0 Hz to half the rate.

    The first row is the pressure W in the free field at the centre, which hears harmonic 0 alone.
    """
    heard = expansion.spectra(KNOTS, rate).transpose(2, 0, 1).astype(np.complex128)  # (F, M, K)
    centre = np.zeros((KNOTS, 1, heard.shape[2]))
    centre[:, 0, 0] = 1.0
    rows = np.concatenate([centre, heard], axis=1)
    power = 1 / (2.0 * acn_orders(round(heard.shape[2] ** 0.5) - 1) + 1)
    spectra: NDArray[np.complex128] = (rows * power) @ rows.conj().swapaxes(1, 2)
    return spectra


@lru_cache(maxsize=2)
def array_bank(array: MicrophoneArray, order: int, rate: int) -> NDArray[np.float32]:
    """Periodic diffuse noise ``(B, 1 + M, S)`` of W and an array's capsules, by octave bands that add up to the whole.

    W, the first row, has unit variance over all bands together. The noise is the same at every call.
    """
    root = _hermitian_root(coherence(expansion_of(array, order), rate)).astype(np.complex64)
    white = _white(len(root[0]))
    step = (white.shape[1] - 1) // (KNOTS - 1)
    pieces = white[:, :-1].reshape(len(white), KNOTS - 1, step).transpose(1, 0, 2)  # (F - 1, R, step)
    rising = np.arange(step, dtype=np.float32) / step
    mixed = (root[:-1] @ pieces) * (1 - rising) + (root[1:] @ pieces) * rising
    spectrum = np.concatenate([mixed.transpose(1, 0, 2).reshape(len(white), -1), root[-1] @ white[:, -1:]], axis=1)
    return _split(spectrum, rate)


@lru_cache(maxsize=2)
def ambisonic_bank(order: int, rate: int) -> NDArray[np.float32]:
    """Periodic diffuse noise ``(B, channels, S)`` of ideal ambisonics: incoherent rows of power 1 / (2 n + 1)."""
    level = (2.0 * acn_orders(order) + 1) ** -0.5
    return _split(_white(channel_count(order)) * level.astype(np.float32)[:, None], rate)


def _white(rows: int) -> NDArray[np.complex64]:
    """One-sided spectra ``(rows, S / 2 + 1)`` of white noise of unit variance."""
    import scipy.fft

    noise = np.random.default_rng(_SEED).standard_normal((rows, BANK_SAMPLES), dtype=np.float32)
    return np.asarray(scipy.fft.rfft(noise), dtype=np.complex64)


def _split(spectrum: NDArray[np.complex64], rate: int) -> NDArray[np.float32]:
    """Read-only noise by octave bands."""
    from spatial_lalm.simulation.engine.late import band_noise  # imports torch, which few callers of this module need

    bank = band_noise(spectrum, rate)
    bank.setflags(write=False)
    return bank


def _hermitian_root(spectra: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Hermitian matrices whose squares are ``spectra``; rounding below zero is taken for zero."""
    values, vectors = np.linalg.eigh(spectra)
    root: NDArray[np.complex128] = (vectors * np.sqrt(np.maximum(values, 0))[:, None]) @ vectors.conj().swapaxes(1, 2)
    return root
