"""Blind T60 without any training: the slopes of free decays between sounds, a yardstick for the model's estimate."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.evaluate.baselines import RATE

Floats = NDArray[np.floating[Any]]

WINDOW, HOP = 800, 200
"""Samples: 50 ms, every 12.5 ms."""
BANDS_HZ = tuple((low, 1.414 * low) for low in np.geomspace(300, 3_400, 8))
SHORTEST_FRAMES = (28, 20, 12, 8)
"""Free decays are at least this long, or, where there is none in a band, as long as the next number says."""


def blind_t60(signal: Floats) -> float:
    """T60 in seconds of reverberant sound ``(samples,)`` at 16 kHz; NaN where nothing decays freely.

    In every band, runs of frames whose energy falls all the way are free decays; the straight line through each in dB
    gives a T60, the median over a band's decays and then over the bands is the estimate (Prego et al., "Blind
    estimators for reverberation time and direct-to-reverberant energy ratio using subband speech decomposition",
    WASPAA 2015, without its mapping fitted to data).
    """
    from scipy.signal import ShortTimeFFT, get_window

    if len(signal) < 2 * WINDOW:
        return float("nan")
    transform = ShortTimeFFT(get_window("hann", WINDOW), HOP, RATE)
    power = np.abs(transform.stft(np.asarray(signal, np.float64))) ** 2
    times = [_band_t60(power[(transform.f >= low) & (transform.f < high)].sum(0)) for low, high in BANDS_HZ]
    known = [time for time in times if np.isfinite(time)]
    return float(np.median(known)) if known else float("nan")


def _band_t60(energy: Floats) -> float:
    """Median T60 of the free decays of a band's energy ``(frames,)``, the longest kind that it has."""
    level = 10 * np.log10(np.maximum(energy, 1e-20))
    falling = np.concatenate([[0], (np.diff(level) < 0).astype(int), [0]])
    edges = np.flatnonzero(np.diff(falling))
    runs = list(zip(edges[::2].tolist(), (edges[1::2] + 1).tolist(), strict=True))
    for shortest in SHORTEST_FRAMES:
        times = [_slope_t60(level[first:last]) for first, last in runs if last - first >= shortest]
        if times:
            return float(np.median(times))
    return float("nan")


def _slope_t60(level: Floats) -> float:
    """Seconds for 60 dB at the slope of the straight line through a falling level in dB ``(frames,)``."""
    slope = np.polyfit(np.arange(len(level)) * HOP / RATE, level, 1)[0]
    return float(-60 / min(slope, -1e-6))
