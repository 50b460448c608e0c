"""What classical signal processing hears without any training: the yardstick for the model on the same clips.

Legend: F frequency bins, T frames.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import angles
from spatial_lalm.errors import InputError

Floats = NDArray[np.floating[Any]]

RATE = 16_000
WINDOW = 512
HOP = 256
BAND_HZ = (200.0, 4000.0)
"""Below, microphones' own noise drowns the first order; above, arrays alias."""
AVERAGE_FRAMES = 5
"""Frames (16 ms apart) over which diffuseness is averaged."""


def intensity_direction(signals: NDArray[np.floating[Any]]) -> tuple[float, float]:
    """Azimuth and elevation in degrees of the loudest direct sound in first-order AmbiX ``(4, samples)`` at 16 kHz.

    Active intensity ``Re{W* [X, Y, Z]}`` points at the source of a plane wave; it is summed over all bins of 200 to
    4000 Hz, which weights them by their energy, times one minus the diffuseness of the bin's surroundings, so that
    reverberation counts less (Merimaa & Pulkki, "Spatial Impulse Response Rendering I", JAES 53(12), 2005; Pulkki,
    "Spatial Sound Reproduction with Directional Audio Coding", JAES 55(6), 2007). ``InputError``: another number of
    channels, fewer samples than a window, silence.
    """
    if signals.ndim != 2 or signals.shape[0] != 4:
        raise InputError(f"signals of shape {signals.shape}: the intensity vector needs first order, (4, samples)")
    if signals.shape[1] < WINDOW:
        raise InputError(f"{signals.shape[1]} samples are too short: the intensity vector needs {WINDOW}")
    intensity, energy = intensity_and_energy(signals)
    vector = np.sum(intensity * (1 - diffuseness(intensity, energy)), axis=(1, 2))
    if not np.linalg.norm(vector) > 0:
        raise InputError("the signals are silent between 200 and 4000 Hz: there is no direction to find")
    azimuth, elevation = angles(vector)
    return float(azimuth), float(elevation)


def intensity_and_energy(signals: Floats) -> tuple[Floats, Floats]:
    """Intensity ``(3, F, T)`` (x, y, z) and energy ``(F, T)`` of AmbiX ``(4, samples)``; equal for a plane wave."""
    from scipy.signal import ShortTimeFFT, get_window

    transform = ShortTimeFFT(get_window("hann", WINDOW), HOP, RATE)
    spectrum = transform.stft(np.asarray(signals, dtype=np.float64), p0=0, p1=1 + (signals.shape[1] - 1) // HOP)
    inside = (transform.f >= BAND_HZ[0]) & (transform.f <= BAND_HZ[1])
    w, y, z, x = spectrum[:, inside]
    velocity = np.stack([x, y, z])
    power = np.abs(velocity) ** 2
    return np.real(np.conj(w) * velocity), (np.abs(w) ** 2 + power.sum(0)) / 2


def diffuseness(intensity: Floats, energy: Floats) -> Floats:
    """Share of diffuse energy ``(F, T)`` in [0, 1]: ``1 - |<I>| / <E>`` over a running mean of five frames.

    ``intensity`` is ``(3, F, T)`` and ``energy`` ``(F, T)`` as ``intensity_and_energy`` gives them. A plane wave has 0,
    silence 1.
    """
    from scipy.ndimage import uniform_filter1d

    mean_intensity = uniform_filter1d(intensity, AVERAGE_FRAMES, axis=-1, mode="nearest")
    mean_energy = uniform_filter1d(energy, AVERAGE_FRAMES, axis=-1, mode="nearest")
    directed = np.linalg.norm(mean_intensity, axis=0) / np.maximum(mean_energy, np.finfo(float).tiny)
    return np.asarray(1 - np.clip(directed, 0, 1))
