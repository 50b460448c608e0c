"""Steered-response estimators of pyroomacoustics on any array of ours: SRP-PHAT and MUSIC, as yardsticks.

They get what they are made for, the array's own manifold (rigid spheres, directional capsules, ambisonics), in place of
free-field delays between omnidirectional microphones.

Legend: M channels, F frequency bins, T frames, D directions.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.arrays import MicrophoneArray
from spatial_lalm.audio.conventions import angles, order_of, spherical_harmonics
from spatial_lalm.audio.encoding import fibonacci_grid
from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.baselines import BAND_HZ, HOP, RATE, WINDOW

Floats = NDArray[np.floating[Any]]
Method = Literal["srp-phat", "music"]

COARSE, FINE = 700, 20_000
"""Directions of the first search (8 degrees apart) and of the second (1.5 degrees), around the first one's best."""
AROUND_DEG = 10.0


def steered_direction(signals: Floats, method: Method, array: MicrophoneArray | None = None) -> tuple[float, float]:
    """Azimuth and elevation in degrees of the loudest source in ``signals (M, samples)`` at 16 kHz.

    ``array`` says what the channels are; without one they are AmbiX of order 1 to 3. SRP-PHAT after DiBiase (2000),
    for spaced microphones only: phases say nothing where channels coincide. MUSIC after Schmidt (1986), its spectra
    normalised in every bin before they are summed (Salvati et al., 2014). 200 to 4000 Hz. Height is a guess of sign for
    arrays in a plane. ``InputError``: SRP-PHAT of ambisonics, channels that do not fit, too few samples.
    """
    if array is None and method == "srp-phat":
        raise InputError("SRP-PHAT compares arrival times between microphones: ambisonics have none; use music")
    if array is not None and array.microphones != len(signals):
        raise InputError(f"signals of shape {signals.shape} do not fit array {array.name}: {array.microphones} rows")
    if signals.shape[1] < 2 * WINDOW:
        raise InputError(f"{signals.shape[1]} samples are too short: {method} needs {2 * WINDOW}")
    spectrum = _spectrum(signals)
    best = fibonacci_grid(COARSE)[np.argmax(_response(spectrum, method, array, None))]
    near = _cap(tuple(best.tolist()))
    azimuth, elevation = angles(near[np.argmax(_response(spectrum, method, array, near))])
    return float(azimuth), float(elevation)


def _spectrum(signals: Floats) -> NDArray[np.complex128]:
    """Short-time spectrum ``(M, F, T)``, whole frames only."""
    from scipy.signal import ShortTimeFFT, get_window

    transform = ShortTimeFFT(get_window("hann", WINDOW), HOP, RATE)
    last = (signals.shape[1] - WINDOW) // HOP + 1
    spectrum: NDArray[np.complex128] = transform.stft(np.asarray(signals, np.float64), p0=1, p1=max(2, last))
    return spectrum


def _cap(centre: tuple[float, ...]) -> Floats:
    """Directions ``(D, 3)`` of the fine grid around a unit vector."""
    grid = fibonacci_grid(FINE)
    near: Floats = grid[grid @ np.array(centre) > np.cos(np.radians(AROUND_DEG))]
    return near


def _response(
    spectrum: NDArray[np.complex128], method: Method, array: MicrophoneArray | None, directions: Floats | None
) -> Floats:
    """How strongly a source is heard in each of ``directions`` (default: the coarse grid), ``(D,)``."""
    from pyroomacoustics.doa import MUSIC, SRP
    from pyroomacoustics.doa.grid import GridSphere

    grid = fibonacci_grid(COARSE) if directions is None else directions
    steering = _coarse_steering(array, len(spectrum)) if directions is None else _steering(array, len(spectrum), grid)
    azimuth, elevation = np.radians(angles(grid))
    places = np.zeros((3, len(spectrum)))  # stands in: the steering vectors below replace what would follow from it
    kind, options = (MUSIC, {"frequency_normalization": True}) if method == "music" else (SRP, {})
    search = kind(places, RATE, WINDOW, num_src=1, dim=3, n_grid=8, **options)
    search.grid = GridSphere(spherical_points=np.stack([azimuth, np.pi / 2 - elevation]))
    search.mode_vec = steering
    search.locate_sources(spectrum, freq_range=list(BAND_HZ))
    return np.asarray(search.grid.values, dtype=np.float64)


@lru_cache(maxsize=8)
def _coarse_steering(array: MicrophoneArray | None, channels: int) -> NDArray[np.complex128]:
    return _steering(array, channels, fibonacci_grid(COARSE))


def _steering(array: MicrophoneArray | None, channels: int, directions: Floats) -> NDArray[np.complex128]:
    """Unit steering vectors ``(F, M, D)`` of every bin."""
    frequencies = np.fft.rfftfreq(WINDOW, 1 / RATE)
    if array is None:
        harmonics = spherical_harmonics(order_of(channels), directions).T
        vectors = np.repeat(harmonics[None].astype(np.complex128), len(frequencies), axis=0)
    else:
        vectors = array.manifold(frequencies, directions)
    unit: NDArray[np.complex128] = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return unit
