"""Encoders of other programs and ours, each as filters at given frequencies, in our convention (ACN, SN3D, real).

Legend: F frequencies, C ambisonic channels, M microphones, D directions, N degrees.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.arrays import SPEED_OF_SOUND, MicrophoneArray
from spatial_lalm.audio.conventions import acn_orders, angles, spherical_harmonics
from spatial_lalm.audio.encoding import encoder_filters, fibonacci_grid, kept_filters

RATE = 16_000
DESIGN_POINTS = 480
"""Directions that pyshroom designs on: as many as our measured arrays."""
CONVENTION_POINTS = 200
MOST_GAINS_DB = (10.0, 20.0, 30.0, 40.0)
"""Limits of the radial filters for spaudiopy's transform; what is best for the array counts."""

Filters = NDArray[np.complex128]
Design = Callable[[MicrophoneArray, int, NDArray[np.float64]], Filters]


@dataclass(frozen=True)
class Encoder:
    """A program: ``variants`` of its design, the best of which counts, and which arrays it can do."""

    name: str
    variants: tuple[Design, ...]
    fits: Callable[[MicrophoneArray, int], bool] = lambda array, order: True


def encoders() -> list[Encoder]:
    """Ours first, then those that are installed."""
    found = [Encoder("ours", (_ours,))]
    if find_spec("shroom"):
        found += [Encoder("pyshroom ASM", (_asm,)), Encoder("pyshroom SE-ASM", (_se_asm,))]
    if find_spec("spaudiopy"):
        variants = tuple(_radial(gain_db) for gain_db in MOST_GAINS_DB)
        found.append(Encoder("spaudiopy SHT", variants, _on_sphere))
    return found


# ---------------------------------------------------------------- ours


def _ours(array: MicrophoneArray, order: int, hertz: NDArray[np.float64]) -> Filters:
    """The finite filters as they are used, tapering and rounding included."""
    filters = encoder_filters(array, order, RATE)
    time_s = (np.arange(filters.fir.shape[2]) - filters.delay) / RATE
    return np.einsum("cmt,tf->fcm", filters.fir, np.exp(-2j * np.pi * time_s[:, None] * hertz))


# ---------------------------------------------------------------- pyshroom


def _asm(array: MicrophoneArray, order: int, hertz: NDArray[np.float64]) -> Filters:
    """Its "ambisonics signal matching" on the same manifold, regularised as it does by itself."""
    from shroom.encoders.asm import calculate_asm_coefficients

    return _shroom(calculate_asm_coefficients, array, order, hertz)


def _se_asm(array: MicrophoneArray, order: int, hertz: NDArray[np.float64]) -> Filters:
    """The same, brought to full level in every channel."""
    from shroom.encoders.asm import calculate_se_asm_coefficients

    return _shroom(calculate_se_asm_coefficients, array, order, hertz)


def _shroom(
    calculate: Callable[..., NDArray[np.complex128]],
    array: MicrophoneArray,
    order: int,
    hertz: NDArray[np.float64],
) -> Filters:
    """Coefficients c of c^H V = Y^*, in its complex harmonics, taken to ours."""
    from shroom.geometry.sampling import sphereicalGrid

    grid = fibonacci_grid(DESIGN_POINTS)
    manifold = array.manifold(hertz, grid).transpose(1, 2, 0)  # (M, D, F)
    # It takes the first frequency for 0 Hz, and the middle one of an even number for half the rate.
    padding = [np.zeros_like(manifold[..., :1])] * (1 + len(hertz) % 2)
    harmonics = sphereicalGrid.from_cartesian(grid).Y(order)  # (D, C)
    coefficients = calculate(np.concatenate([padding[0], manifold, *padding[1:]], axis=2), harmonics)  # (M, C, F)
    own = coefficients[:, :, 1 : 1 + len(hertz)].conj().transpose(2, 1, 0)
    check = fibonacci_grid(CONVENTION_POINTS)
    theirs = sphereicalGrid.from_cartesian(check).Y(order).conj()
    return _converted(own, theirs, order, check)


def _converted(filters: Filters, theirs: NDArray[np.complexfloating], order: int, directions: NDArray) -> Filters:
    """Filters for other harmonics ``theirs (D, C)`` as filters for ours: the bases differ by a matrix only."""
    matrix, left, *_ = np.linalg.lstsq(theirs, spherical_harmonics(order, directions).astype(complex), rcond=None)
    assert np.all(left < 1e-12), "these harmonics span another space"
    return matrix.T @ filters


# ---------------------------------------------------------------- spaudiopy


def _on_sphere(array: MicrophoneArray, order: int) -> bool:
    """Whether all capsules sit on a rigid sphere, enough of them for the transform."""
    distances = np.linalg.norm(array.positions, axis=1)
    on = array.rigid_radius_m is not None and np.allclose(distances, array.rigid_radius_m, rtol=1e-3)
    return on and (order + 1) ** 2 <= array.microphones


def _spaudiopy_harmonics() -> Any:
    """Its module of harmonics; it asks scipy for a function that scipy 1.17 has under another name only."""
    import scipy.special

    from spatial_lalm.audio.quiet import import_spaudiopy

    if not hasattr(scipy.special, "sph_harm"):
        scipy.special.sph_harm = lambda m, n, azimuth, zenith: scipy.special.sph_harm_y(n, m, zenith, azimuth)
    return import_spaudiopy().sph


def _radial(gain_db: float) -> Design:
    """Spherical harmonics of the capsules by least squares, then 1 / b_n softly limited to a gain."""

    def design(array: MicrophoneArray, order: int, hertz: NDArray[np.float64]) -> Filters:
        sph = _spaudiopy_harmonics()
        azimuth, elevation = angles(array.positions)
        highest = max(n for n in range(order, 7) if (n + 1) ** 2 <= array.microphones)
        transform = np.linalg.pinv(sph.sh_matrix(highest, np.radians(azimuth), np.radians(90 - elevation), "real"))
        radius = float(np.linalg.norm(array.positions, axis=1).mean())
        kr = 2 * np.pi * np.maximum(hertz, 1.0) / SPEED_OF_SOUND * radius
        mode = np.stack([sph.mode_strength(n, kr, "rigid") for n in range(order + 1)], axis=1)  # (F, N)
        limit = 4 * np.pi / (2 * 10 ** (gain_db / 20))  # the gain over b_0 at 0 Hz, which is 4 pi
        inverse = mode.conj() / (np.abs(mode) ** 2 + limit**2)
        count = (order + 1) ** 2
        own = inverse[:, acn_orders(order), None] * transform[:count]
        check = fibonacci_grid(CONVENTION_POINTS)
        azimuth, elevation = angles(check)
        theirs = sph.sh_matrix(order, np.radians(azimuth), np.radians(90 - elevation), "real")
        return _converted(own, theirs, order, check)

    return design


# ---------------------------------------------------------------- speed


def design_seconds(encoder: Encoder, array: MicrophoneArray, order: int) -> float:
    """Processor seconds to design the filters: ours whole, others by what a frequency costs, as many as ours."""
    if encoder.name == "ours":
        return _processor_seconds(lambda: (kept_filters.cache_clear(), kept_filters(array, order, RATE)))
    spent = []
    for count in (4, 16):
        hertz = np.linspace(100, 7000, count)
        spent.append(_processor_seconds(partial(encoder.variants[0], array, order, hertz)))
    return (spent[1] - spent[0]) / 12 * encoder_filters(array, order, RATE).fir.shape[2]


def encoding_seconds(array: MicrophoneArray, order: int, rate: int, seconds: float) -> dict[str, float]:
    """Processor seconds to encode a recording: by our stream, by pyshroom, and by one convolution after another."""
    from scipy.signal import oaconvolve

    from spatial_lalm.audio.encoding import encode

    signals = np.random.default_rng(0).normal(size=(array.microphones, round(rate * seconds))).astype(np.float32)
    fir = encoder_filters(array, order, rate).fir
    encode(signals[:, :rate], array, order, rate)
    ways: dict[str, Callable[[], object]] = {
        "ours": lambda: encode(signals, array, order, rate),
        "scipy, a convolution a pair": lambda: [oaconvolve(signals, filters, axes=1).sum(axis=0) for filters in fir],
    }
    if find_spec("shroom"):
        from shroom.utils.dsp_utils import convolve_and_sum

        ways["pyshroom"] = lambda: convolve_and_sum(signals[None], fir, "time", "time")
    return {name: _processor_seconds(way) for name, way in ways.items()}


def _processor_seconds(work: Callable[[], object]) -> float:
    """The best of two runs, in seconds of this process: other work on the machine does not count."""
    best = float("inf")
    for _ in range(2):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best
