"""Excerpts of dry sounds that sound: activity frame by frame, trimming, level."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
ACTIVE_RMS = 0.05
"""RMS over the sounding part that every drawn source is brought to (-26 dB re full scale)."""
ACTIVE_RANGE_DB = 40.0
"""A 20 ms frame sounds when its energy is within this range of the loudest frame."""
SILENT = 1e-9
"""Energy (-90 dB re full scale) below which a frame does not sound, whatever the others have."""
FADE_S = 0.005


def _frame_length(rate: int) -> int:
    return max(1, rate // 50)


def frame_energies(audio: Samples, rate: int) -> Samples:
    """Mean energy of the 20 ms frames of ``(n,)``, ``(ceil(n / frame),)``."""
    frame = _frame_length(rate)
    padded = np.pad(audio, (0, -audio.size % frame)).reshape(-1, frame)
    return np.asarray(np.einsum("ft,ft->f", padded, padded) / frame)


def active_frames(audio: Samples, rate: int) -> NDArray[np.bool_]:
    """Which 20 ms frames of ``(n,)`` sound, ``(ceil(n / frame),)``: within 40 dB of the loudest, above -90 dBFS."""
    energy = frame_energies(audio, rate)
    floor = max(float(energy.max(initial=0.0)) * 10 ** (-ACTIVE_RANGE_DB / 10), SILENT)
    return np.asarray(energy >= floor)


def trimmed(audio: Samples, rate: int) -> Samples:
    """The span from the first to the last sounding frame; silence is returned whole."""
    sounding = np.flatnonzero(active_frames(audio, rate))
    frame = _frame_length(rate)
    return audio[sounding[0] * frame : (sounding[-1] + 1) * frame] if sounding.size else audio


def excerpt(audio: Samples, active: NDArray[np.bool_], rng: np.random.Generator, samples: int, rate: int) -> Samples:
    """A random stretch of at most ``samples`` samples that holds about its share of the sounding frames."""
    if audio.size <= samples:
        return audio
    frame = _frame_length(rate)
    window = max(1, samples // frame)
    counts = np.concatenate([[0], np.cumsum(active)])
    for _ in range(8):
        start = int(rng.integers(0, audio.size - samples + 1))
        first = start // frame
        if counts[min(first + window, active.size)] - counts[first] >= 0.5 * window * active.mean() + 1:
            return audio[start : start + samples]
    centre = int(rng.choice(np.flatnonzero(active))) * frame
    start = int(np.clip(centre - samples // 2, 0, audio.size - samples))
    return audio[start : start + samples]


def levelled(audio: Samples, rate: int) -> Samples:
    """A copy with short fades at both ends and an RMS of ``ACTIVE_RMS`` over the sounding frames."""
    audio = audio.astype(np.float32, copy=True)
    fade = min(int(FADE_S * rate), audio.size // 2)
    ramp = np.sin(0.5 * np.pi * (np.arange(fade, dtype=np.float32) + 0.5) / max(fade, 1)) ** 2
    audio[:fade] *= ramp
    audio[audio.size - fade :] *= ramp[::-1]
    sounding = np.repeat(active_frames(audio, rate), _frame_length(rate))[: audio.size]
    power = float(np.square(audio[sounding], dtype=np.float64).sum()) / max(int(sounding.sum()), 1)
    gain = ACTIVE_RMS / np.sqrt(power) if power else 0.0
    return np.asarray(audio * np.float32(gain), dtype=np.float32)
