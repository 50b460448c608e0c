"""Any microphone array to ambisonics, with a mask that says how far each channel can be trusted in each band.

Per frequency, the filters e of an ambisonic channel minimise mean_d |e V(d) - Y(d)|^2 + lambda |e|^2 over a dense grid
of directions d, where V is the array's manifold and Y the spherical harmonic ("ambisonics signal matching",
Politis & Gamper, WASPAA 2017; Zotter & Frank, *Ambisonics*, 2019, chapter 6). With lambda the power of the sensor noise
this is the Wiener solution, and its residual is the error that the quality mask reports.

Legend: C ambisonic channels, M microphones, D directions, F frequencies, B bands, T samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.arrays import MicrophoneArray
from spatial_lalm.audio.conventions import Floats, channel_count, spherical_harmonics
from spatial_lalm.errors import InputError

INTERNAL_RATE = 16_000
"""Sample rate inside the program in Hz."""
BANDS = 64
GRID_POINTS = 480
TAPS = 1024
"""Filter length in samples; the design has twice as many points, so that nothing wraps around."""
SENSOR_SNR_DB = 25.0
"""Level of an incoming plane wave over the noise of a microphone, which sets the regularisation."""
MAX_OMNI_GAIN = 10.0
"""Most by which the omni channel is raised to its level in a diffuse field."""
FREQUENCIES_AT_ONCE = 64
CONVOLUTION_SIZE = 8192


@dataclass(frozen=True)
class EncodingFilters:
    """Filters ``fir (C, M, taps)``, trust ``quality (C, bands)`` in [0, 1], and the filters' ``delay`` in samples."""

    fir: NDArray[np.float32]
    quality: NDArray[np.float32]
    delay: int


def mel_centres(bands: int = BANDS, rate: int = INTERNAL_RATE) -> NDArray[np.float64]:
    """Centre frequencies in Hz, ``(bands,)``, of triangular mel bands between 0 and half the rate.

    Equally spaced on the HTK scale, mel = 2595 log10(1 + f / 700).
    """
    top = 2595 * np.log10(1 + rate / 2 / 700)
    mel = np.linspace(0, top, bands + 2)[1:-1]
    centres: NDArray[np.float64] = 700 * (10 ** (mel / 2595) - 1)
    return centres


@cache
def fibonacci_grid(points: int = GRID_POINTS) -> Floats:
    """Unit vectors ``(points, 3)`` spread evenly over the sphere (golden-angle spiral)."""
    z = 1 - (2 * np.arange(points) + 1) / points
    azimuth = np.pi * (1 + np.sqrt(5)) * np.arange(points)
    level = np.sqrt(1 - z**2)
    return np.stack([level * np.cos(azimuth), level * np.sin(azimuth), z], axis=1)


@lru_cache(maxsize=32)
def encoder_filters(array: MicrophoneArray, order: int = 1, rate: int = INTERNAL_RATE) -> EncodingFilters:
    """Design the encoder of an array; kept for arrays of equal acoustics. ``InputError`` for orders beyond 0 to 3.

    At 0 Hz no array of finite size hears a direction, so only the omni channel is kept there; the bin at half the rate
    is made real, as a real filter demands. The omni channel is brought back to full level in a diffuse field (the
    Wiener solution fades where it is unsure, which would swallow the treble of spaced microphones, and words with it).
    """
    frequencies = np.fft.rfftfreq(2 * TAPS, 1 / rate)
    response, error = _match(array, order, frequencies)
    response[:, 0] /= np.sqrt(np.clip(1 - error[:, 0], MAX_OMNI_GAIN**-2, 1))[:, None]
    response[0, 1:] = 0.0
    response[[0, -1]] = response[[0, -1]].real
    impulse = np.roll(np.fft.irfft(response, axis=0), TAPS // 2, axis=0)[:TAPS]
    fir = np.ascontiguousarray(np.moveaxis(impulse * _fade(TAPS)[:, None, None], 0, -1), dtype=np.float32)
    _, error = _match(array, order, mel_centres(rate=rate))
    quality = np.clip(1 - error.T, 0, 1).astype(np.float32)
    fir.setflags(write=False)
    quality.setflags(write=False)
    return EncodingFilters(fir, quality, TAPS // 2)


def _fade(taps: int) -> Floats:
    """Window ``(taps,)``: flat, with raised-cosine ends of an eighth each, so that cut tails leave no step."""
    edge = taps // 8
    rise = np.sin(np.pi / 2 * (np.arange(edge) + 0.5) / edge) ** 2
    return np.concatenate([rise, np.ones(taps - 2 * edge), rise[::-1]])


def _match(array: MicrophoneArray, order: int, frequencies: Floats) -> tuple[NDArray[np.complex128], Floats]:
    """Least-squares encoders ``(F, C, M)`` and their relative errors ``(F, C)``, noise gain included."""
    directions = fibonacci_grid()
    target = spherical_harmonics(order, directions).T  # (C, D)
    encoders, errors = [], []
    for start in range(0, len(frequencies), FREQUENCIES_AT_ONCE):
        manifold = array.manifold(frequencies[start : start + FREQUENCIES_AT_ONCE], directions)  # (F, M, D)
        encoder, error = _solve(manifold, target)
        encoders.append(encoder)
        errors.append(error)
    return np.concatenate(encoders), np.concatenate(errors)


def _solve(manifold: NDArray[np.complex128], target: Floats) -> tuple[NDArray[np.complex128], Floats]:
    """One batch of frequencies: ``(F, M, D)`` against ``(C, D)``."""
    hermitian = manifold.conj().swapaxes(1, 2) / manifold.shape[2]
    gram = manifold @ hermitian  # (F, M, M)
    level = np.trace(gram, axis1=1, axis2=2).real / manifold.shape[1]
    noise = (level * 10 ** (-SENSOR_SNR_DB / 10))[:, None]
    cross = target @ hermitian  # (F, C, M)
    loaded = gram + noise[:, :, None] * np.eye(manifold.shape[1])
    encoder = np.linalg.solve(loaded, cross.conj().swapaxes(1, 2)).conj().swapaxes(1, 2)
    residual = np.mean(np.abs(encoder @ manifold - target) ** 2, axis=2)
    residual += noise * np.sum(np.abs(encoder) ** 2, axis=2)
    return encoder, residual / np.mean(target**2, axis=1)


def encode(
    signals: NDArray[np.float32], array: MicrophoneArray, order: int = 1
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Encode microphone signals ``(M, T)`` at 16 kHz into AmbiX ``(C, T)`` and the quality ``(C, bands)``.

    The output is aligned with the input: the filters' delay is taken off, and the convolution is linear, as if there
    were silence before and after. Raises ``InputError`` when the signals do not have one row per microphone.
    """
    if signals.ndim != 2 or signals.shape[0] != array.microphones:
        raise InputError(
            f"signals of shape {signals.shape} do not fit array {array.name}: it has {array.microphones} microphones"
        )
    filters = encoder_filters(array, order)
    out = np.empty((channel_count(order), signals.shape[1]), dtype=np.float32)
    for start, block in _filtered_blocks(signals, filters):
        out[:, start : start + block.shape[1]] = block
    return out, filters.quality


def _filtered_blocks(
    signals: NDArray[np.float32], filters: EncodingFilters
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Overlap-save: pieces ``(C, step)`` of the convolution with their places, the delay taken off."""
    from scipy import fft

    taps = filters.fir.shape[2]
    step = CONVOLUTION_SIZE - taps + 1
    response = np.moveaxis(fft.rfft(filters.fir, CONVOLUTION_SIZE), -1, 0)  # (F, C, M)
    samples = signals.shape[1]
    for start in range(0, samples, step):
        first = start + filters.delay - (taps - 1)  # output n needs inputs n + delay - taps + 1 to n + delay
        low, high = max(first, 0), min(first + CONVOLUTION_SIZE, samples)
        segment = np.zeros((signals.shape[0], CONVOLUTION_SIZE), dtype=np.float32)
        segment[:, low - first : high - first] = signals[:, low:high]
        spectrum = fft.rfft(segment).T[:, :, None]  # (F, M, 1)
        filtered = fft.irfft((response @ spectrum)[:, :, 0].T, CONVOLUTION_SIZE)[:, taps - 1 :]
        yield start, filtered[:, : min(step, samples - start)]
