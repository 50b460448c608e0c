"""Any microphone array to ambisonics, with a mask that says how far each channel can be trusted in each band.

Per frequency, the filters e of an ambisonic channel minimise mean_d |e V(d) - Y(d)|^2 + lambda |e|^2 over all
directions d, where V is the array's manifold and Y the spherical harmonic ("ambisonics signal matching",
Politis & Gamper, WASPAA 2017; Zotter & Frank, *Ambisonics*, 2019, chapter 6). With lambda the power of the sensor noise
this is the Wiener solution, and its residual is the error that the quality mask reports.

Legend: C ambisonic channels, M microphones, D directions, F frequencies, B bands, T samples.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio import encoding_cache
from spatial_lalm.audio.arrays import MicrophoneArray
from spatial_lalm.audio.conventions import MAX_ORDER, Floats, acn_orders, channel_count
from spatial_lalm.audio.encoding_stream import EncodingStream, filter_spectrum
from spatial_lalm.audio.isotropic import Complex, isotropic_moments
from spatial_lalm.errors import InputError

INTERNAL_RATE = 16_000
"""Sample rate inside the program in Hz."""
RATES = (8_000, 192_000)
"""Lowest and highest sample rate that encoders are designed for."""
BANDS = 64
GRID_POINTS = 480
TAPS = 1024
"""Filter length in samples at 16 kHz, 64 ms; the design has twice as many points, so that nothing wraps around."""
SENSOR_SNR_DB = 25.0
"""Level of an incoming plane wave over the noise of a microphone, which sets the regularisation."""
MAX_OMNI_GAIN = 10.0
"""Most by which the omni channel is raised to its level in a diffuse field."""
LEAST_LEVEL = 0.3
"""Trust below which a directional channel is not raised further to its level, see ``levelled_filters``."""
FREQUENCIES_AT_ONCE = 64
"""Of manifolds over a grid of directions; closed forms take ``MANY_AT_ONCE``."""
MANY_AT_ONCE = 512
SLOW_DESIGN = 10**8
"""Frequencies times microphones cubed beyond which a design is kept on disk: about a second."""
_DESIGN = 1
"""Counts up whenever designs change, so that old ones on disk are not used."""


@dataclass(frozen=True)
class EncodingFilters:
    """Filters ``fir (C, M, taps)``, trust ``quality (C, bands)`` in [0, 1], and the filters' ``delay`` in samples."""

    fir: NDArray[np.float32]
    quality: NDArray[np.float32]
    delay: int

    @cached_property
    def spectrum(self) -> NDArray[np.complex64]:
        """The filters over frequency, as ``EncodingStream`` needs them; kept with them."""
        return filter_spectrum(self.fir)


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


def taps_at(rate: int) -> int:
    """Length in samples of the filters at a sample rate: 64 ms, an even number."""
    return 2 * round(TAPS * rate / INTERNAL_RATE / 2)


def encoder_filters(array: MicrophoneArray, order: int = 1, rate: int = INTERNAL_RATE) -> EncodingFilters:
    """Design the encoder of an array at a rate in Hz; kept for arrays of equal acoustics, slow ones also on disk.

    At 0 Hz no array of finite size hears a direction, so only the omni channel is kept there; the bin at half the rate
    is made real, as a real filter demands. The omni channel is brought back to full level in a diffuse field (the
    Wiener solution fades where it is unsure, which would swallow the treble of spaced microphones, and words with it).
    Raises ``InputError`` for orders beyond 0 to 3 and rates beyond 8 to 192 kHz.
    """
    if not 0 <= order <= MAX_ORDER:
        raise InputError(f"ambisonic order {order} is not supported: choose 0 to {MAX_ORDER}")
    if not RATES[0] <= rate <= RATES[1]:
        raise InputError(f"sample rate {rate} Hz is not supported: encode at {RATES[0]} to {RATES[1]} Hz")
    return kept_filters(array, order, rate)


@lru_cache(maxsize=32)
def kept_filters(array: MicrophoneArray, order: int, rate: int) -> EncodingFilters:
    """The filters from memory, from the disk or designed; apart from ``encoder_filters`` so that defaults meet."""
    slow = array.measured is not None or taps_at(rate) * array.microphones**3 > SLOW_DESIGN
    if not slow:
        return _designed(array, order, rate)
    channels, key = channel_count(order), _design_key(array, order, rate)
    kept = encoding_cache.load(key, (channels, array.microphones, taps_at(rate)), (channels, BANDS))
    if kept is not None:
        return _frozen(*kept)
    filters = _designed(array, order, rate)
    encoding_cache.store(key, filters.fir, filters.quality)
    return filters


@lru_cache(maxsize=32)
def levelled_filters(array: MicrophoneArray, order: int = 1, rate: int = INTERNAL_RATE) -> EncodingFilters:
    """The filters of ``encoder_filters``, directional channels raised to their level: what the network listens through.

    The Wiener solution hears a plane wave, on average over directions, with the share of its level that the quality
    says: an array that is surer of left and right than of front and back pulls every direction to the side. Divided by
    the quality, where that is at least ``LEAST_LEVEL``, directions stay where they are, for more noise.
    """
    filters = encoder_filters(array, order, rate)
    taps = filters.fir.shape[2]
    hertz = np.fft.rfftfreq(2 * taps, 1 / rate)
    gains = [np.interp(hertz, mel_centres(rate=rate), 1 / np.clip(row, LEAST_LEVEL, 1)) for row in filters.quality]
    gains[0] = np.ones_like(hertz)
    spectrum = np.fft.rfft(filters.fir, 2 * taps) * np.array(gains)[:, None]
    # The gains are real and even, so their impulse responses reach as far before zero as after it.
    return _frozen(np.fft.irfft(spectrum)[..., :taps].astype(np.float32), filters.quality)


def _design_key(array: MicrophoneArray, order: int, rate: int) -> str:
    """Hexadecimal digest of all that a design follows from."""
    content = (_DESIGN, array.digest, order, rate, BANDS, GRID_POINTS, taps_at(rate), SENSOR_SNR_DB, MAX_OMNI_GAIN)
    return hashlib.sha256(repr(content).encode()).hexdigest()


def _designed(array: MicrophoneArray, order: int, rate: int) -> EncodingFilters:
    taps = taps_at(rate)
    response, error = _match(array, order, np.fft.rfftfreq(2 * taps, 1 / rate))
    response[:, 0] /= np.sqrt(np.clip(1 - error[:, 0], MAX_OMNI_GAIN**-2, 1))[:, None]
    response[0, 1:] = 0.0
    response[[0, -1]] = response[[0, -1]].real
    impulse = np.roll(np.fft.irfft(response, axis=0), taps // 2, axis=0)[:taps]
    fir = np.ascontiguousarray(np.moveaxis(impulse * _fade(taps)[:, None, None], 0, -1), dtype=np.float32)
    return _frozen(fir, encoding_quality(array, order, rate))


def encoding_quality(array: MicrophoneArray, order: int = 1, rate: int = INTERNAL_RATE) -> NDArray[np.float32]:
    """The quality ``(C, bands)`` of ``encoder_filters`` alone, without the filters, which take long."""
    _, error = _match(array, order, mel_centres(rate=rate))
    return np.clip(1 - error.T, 0, 1).astype(np.float32)


def _frozen(fir: NDArray[np.float32], quality: NDArray[np.float32]) -> EncodingFilters:
    fir.setflags(write=False)
    quality.setflags(write=False)
    return EncodingFilters(fir, quality, fir.shape[2] // 2)


def _fade(taps: int) -> Floats:
    """Window ``(taps,)``: flat, with raised-cosine ends of an eighth each, so that cut tails leave no step."""
    edge = taps // 8
    rise = np.sin(np.pi / 2 * (np.arange(edge) + 0.5) / edge) ** 2
    return np.concatenate([rise, np.ones(taps - 2 * edge), rise[::-1]])


def _match(array: MicrophoneArray, order: int, frequencies: Floats) -> tuple[Complex, Floats]:
    """Least-squares encoders ``(F, C, M)`` and their relative errors ``(F, C)``, noise gain included."""
    encoders, errors = [], []
    power = 1 / (2.0 * acn_orders(order) + 1)
    step = MANY_AT_ONCE if array.measured is None else FREQUENCIES_AT_ONCE
    for start in range(0, len(frequencies), step):
        part = frequencies[start : start + step]
        gram, cross = isotropic_moments(array, order, part, fibonacci_grid())
        encoder = _solve(gram, cross)
        # At the minimum the residual and the noise are together what the solution does not explain.
        errors.append(1 - np.einsum("fcm,fcm->fc", encoder, cross.conj()).real / power)
        encoders.append(encoder)
    return np.concatenate(encoders), np.concatenate(errors)


def _solve(gram: Complex, cross: Complex) -> Complex:
    """Encoders ``(F, C, M)`` of one batch of frequencies; zero where the array hears nothing at all."""
    level = np.trace(gram, axis1=1, axis2=2).real / gram.shape[1]
    noise = np.maximum(level * 10 ** (-SENSOR_SNR_DB / 10), 1e-12)
    loaded = gram + noise[:, None, None] * np.eye(gram.shape[1])
    encoder = np.linalg.solve(loaded, cross.conj().swapaxes(1, 2)).conj().swapaxes(1, 2)
    return np.asarray(encoder, dtype=np.complex128)


def encode(
    signals: NDArray[np.float32],
    array: MicrophoneArray,
    order: int = 1,
    rate: int = INTERNAL_RATE,
    levelled: bool = False,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Encode microphone signals ``(M, T)`` into AmbiX ``(C, T)`` and the quality ``(C, bands)``.

    ``levelled`` chooses ``levelled_filters``. The output is aligned with the input: the filters' delay is taken off,
    and the convolution is linear, as if there were silence before and after. Raises ``InputError`` when the signals do
    not have one row per microphone.
    """
    if signals.ndim != 2 or signals.shape[0] != array.microphones:
        raise InputError(
            f"signals of shape {signals.shape} do not fit array {array.name}: it has {array.microphones} microphones"
        )
    filters = levelled_filters(array, order, rate) if levelled else encoder_filters(array, order, rate)
    stream = EncodingStream(filters)
    return np.concatenate([stream.push(signals), stream.flush()], axis=1), filters.quality
