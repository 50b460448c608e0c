"""Shoebox responses: exact image sources up to a mixing time, then a band-wise decaying diffuse field.

Image sources: Allen & Berkley (1979), encoded to ambisonics by the direction each image arrives from. The diffuse tail
has mutually incoherent channels of equal N3D power and continues the image sources' energy: their mean energy density
is 4 pi c / V per second for images of amplitude 1/d (Kuttruff, "Room acoustics", ch. 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import acn_orders, channel_count, spherical_harmonics
from spatial_lalm.audio.scene import Room
from spatial_lalm.simulation.acoustics import OCTAVES_HZ, octave_masks

Floats = NDArray[np.floating[Any]]

SPEED_OF_SOUND = 343.0
IMAGE_COUNT = 1500
"""Images rendered exactly: about as many as the ear and a microphone can still tell apart from a diffuse field."""
MIXING_S = (0.03, 0.15)
TAPS = 32
HIGH_PASS_HZ = 50.0
_PHASES = 256
AIR_DB_PER_KM = np.array([0.4, 1.1, 2.4, 4.7, 9.9, 29.0])
"""Air absorption at the octave bands, 20 degrees C and 50 % humidity (ISO 9613-1)."""


@dataclass(frozen=True)
class Response:
    """An ambisonic response ``(channels, taps)`` in ACN/SN3D; ``direct_sample`` is the arrival of the direct sound."""

    taps: NDArray[np.float32]
    direct_sample: float


def decay_times(room: Room) -> Floats:
    """Eyring's T60 with air absorption in seconds, per octave band ``(bands,)``."""
    mean = np.dot(room.absorption, _wall_areas(room)) / room.surface_m2
    absorption = np.clip(mean * (np.array(OCTAVES_HZ) / 1000.0) ** room.tilt, 0.005, 0.99)
    walls = -room.surface_m2 * np.log1p(-absorption)
    air = 4 * room.volume_m3 * AIR_DB_PER_KM / 4343.0
    times: Floats = 24 * np.log(10) / SPEED_OF_SOUND * room.volume_m3 / (walls + air)
    return times


def _wall_areas(room: Room) -> Floats:
    """Areas of the six walls in square metres, in the order of ``Room.absorption``."""
    width, depth, height = room.dimensions_m
    return np.repeat([depth * height, width * height, width * depth], 2)


def mixing_time(room: Room) -> float:
    """Seconds until ``IMAGE_COUNT`` images have arrived, within ``MIXING_S``."""
    radius = (3 * room.volume_m3 * IMAGE_COUNT / (4 * np.pi)) ** (1 / 3)
    return float(np.clip(radius / SPEED_OF_SOUND, *MIXING_S))


def image_sources(room: Room, source: Floats, receiver: Floats, reach_m: float) -> tuple[Floats, Floats]:
    """Images within ``reach_m`` of the receiver: vectors from it ``(images, 3)`` in metres, amplitudes ``(images,)``.

    The first image is the direct sound. An amplitude is the product of the walls' reflection factors over the distance.
    """
    reflection = np.sqrt(1.0 - np.asarray(room.absorption)).reshape(3, 2)
    offsets, gains = zip(
        *(
            _axis_images(size, s, r, beta, reach_m)
            for size, s, r, beta in zip(room.dimensions_m, source, receiver, reflection, strict=True)
        ),
        strict=True,
    )
    x, y, z = np.ix_(*offsets)
    squared = x**2 + y**2 + z**2
    near = np.nonzero(squared < reach_m**2)
    distance = np.sqrt(squared[near])
    amplitude = gains[0][near[0]] * gains[1][near[1]] * gains[2][near[2]] / distance
    vectors = np.stack([offset[index] for offset, index in zip(offsets, near, strict=True)], axis=-1)
    order = np.argsort(distance)
    return vectors[order], amplitude[order]


def _axis_images(size: float, source: float, receiver: float, beta: Floats, reach_m: float) -> tuple[Floats, Floats]:
    """Image offsets from the receiver and reflection gains along one axis, each ``(count,)``."""
    rooms = np.arange(-int(reach_m / (2 * size)) - 1, int(reach_m / (2 * size)) + 2)
    mirrored = np.array([0, 1])[:, None]
    offset = (1 - 2 * mirrored) * source + 2 * rooms * size - receiver
    gain = beta[0] ** np.abs(rooms - mirrored) * beta[1] ** np.abs(rooms)
    near = np.abs(offset) < reach_m
    return offset[near], np.broadcast_to(gain, offset.shape)[near]


@lru_cache
def _fractional_kernels() -> Floats:
    """Hann-windowed sincs ``(phases, TAPS)`` that delay by TAPS / 2 - 1 samples plus phase / phases."""
    time = np.arange(TAPS) - (TAPS // 2 - 1) - np.arange(_PHASES)[:, None] / _PHASES
    kernels: Floats = np.sinc(time) * np.cos(np.pi * time / TAPS) ** 2
    return kernels


def _scatter(delays: Floats, weights: Floats, length: int) -> Floats:
    """Sum fractional-delay impulses: ``delays (images,)`` in samples, ``weights (images, C)`` to ``(C, length)``."""
    steps = np.round(delays * _PHASES).astype(np.int64)
    first = steps // _PHASES - (TAPS // 2 - 1)
    index = first[:, None] + np.arange(TAPS)
    kernel = np.where((index >= 0) & (index < length), _fractional_kernels()[steps % _PHASES], 0.0)
    index = np.clip(index, 0, length - 1).ravel()
    return np.stack([np.bincount(index, (w[:, None] * kernel).ravel(), length) for w in weights.T])


def render_response(
    room: Room, source: Floats, receiver: Floats, order: int, rate: int, rng: np.random.Generator
) -> Response:
    """The response ``(channels, taps)`` of a shoebox from an omnidirectional source to an ideal ambisonic receiver.

    ``source`` and ``receiver`` are positions ``(3,)`` in metres inside the room. Amplitude is 1 / distance; the direct
    sound arrives at distance / c (no extra latency).
    """
    source, receiver = np.asarray(source, float), np.asarray(receiver, float)
    direct_s = float(np.linalg.norm(source - receiver)) / SPEED_OF_SOUND
    mixing_s = max(mixing_time(room), direct_s + MIXING_S[0])
    vectors, amplitude = image_sources(room, source, receiver, mixing_s * SPEED_OF_SOUND)
    distance = np.linalg.norm(vectors, axis=1)
    decay_s = decay_times(room)
    length = int((mixing_s + 1.1 * decay_s.max()) * rate)
    harmonics = spherical_harmonics(order, vectors / distance[:, None])
    taps = _scatter(distance / SPEED_OF_SOUND * rate, amplitude[:, None] * harmonics, length)
    start = int(mixing_s * rate)
    gain = _seam_gain(room, distance, amplitude, mixing_s, decay_s)
    level = gain * _energy_density(room, mixing_s, decay_s) ** 0.5
    taps[:, start:] += level * diffuse_tail(decay_s, order, rate, length - start, rng)
    return Response(_high_pass(rate, taps.astype(np.float32)), direct_s * rate)


def _high_pass(rate: int, taps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fourth-order Butterworth at 50 Hz: images of one sign pile up at 0 Hz, where no room or loudspeaker sounds."""
    from scipy.signal import sosfilt

    return np.asarray(sosfilt(_high_pass_sections(rate), taps, axis=1), dtype=np.float32)


@lru_cache
def _high_pass_sections(rate: int) -> Floats:
    from scipy.signal import butter

    return np.asarray(butter(4, HIGH_PASS_HZ, "highpass", fs=rate, output="sos"))


def _energy_density(room: Room, time_s: float, decay_s: Floats) -> float:
    """Energy of W that images bring in a second, ``time_s`` after the sound left, at the 1 kHz absorption."""
    return float(4 * np.pi * SPEED_OF_SOUND / room.volume_m3 * np.exp(-6 * np.log(10) * time_s / decay_s[3]))


def _seam_gain(room: Room, distance: Floats, amplitude: Floats, mixing_s: float, decay_s: Floats) -> float:
    """Amplitude that makes the tail continue the images: their energy before the seam over that of theory.

    Few images say little, so the ratio is trusted from 50 images in the window on, and kept within 6 dB.
    """
    window = distance > 0.7 * mixing_s * SPEED_OF_SOUND
    if np.count_nonzero(window) < 50:
        return 1.0
    rate_of_decay = 6 * np.log(10) / decay_s[3]
    early, late = (_energy_density(room, time_s, decay_s) for time_s in (0.7 * mixing_s, mixing_s))
    theory = (early - late) / rate_of_decay
    return float(np.clip(np.sqrt(np.sum(amplitude[window] ** 2) / theory), 0.5, 2.0))


def diffuse_tail(decay_s: Floats, order: int, rate: int, length: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """A decaying diffuse field ``(channels, length)`` whose W starts with unit energy a second.

    ``decay_s (bands,)`` is the T60 of each octave band. SN3D channels of order n have 1 / (2 n + 1) of W's power.
    """
    import scipy.fft

    size = scipy.fft.next_fast_len(length, real=True)
    noise = rng.standard_normal((channel_count(order), size), dtype=np.float32)
    noise *= (1 / np.sqrt((2.0 * acn_orders(order) + 1) * rate)).astype(np.float32)[:, None]
    spectrum = scipy.fft.rfft(noise)
    time = np.arange(length, dtype=np.float32) / rate
    tail = np.zeros((channel_count(order), length), dtype=np.float32)
    for mask, t60 in zip(_masks(spectrum.shape[1], rate), decay_s, strict=True):
        envelope = np.exp(np.float32(-3 * np.log(10) / t60) * time)
        tail += scipy.fft.irfft(spectrum * mask**2, size)[:, :length] * envelope
    return tail


@lru_cache(maxsize=64)
def _masks(bins: int, rate: int) -> NDArray[np.float32]:
    """Octave masks for an FFT of any size, by interpolation of a fixed grid."""
    grid = octave_masks(2049, rate)
    position = np.linspace(0, 2048, bins)
    return np.stack([np.interp(position, np.arange(2049), mask) for mask in grid]).astype(np.float32)
