"""Where the microphones of a compact open array are, from noise that comes evenly from all directions.

In such noise two omni microphones at a distance d are coherent by sinc(2 f d / c) (Cook et al., JASA 1955), so the
coherence of every pair tells its distance (McCowan, Lincoln & Himawan, "Microphone array shape calibration in diffuse
noise fields", IEEE TASLP 2008), and the distances tell the shape: classical multidimensional scaling, then least
squares weighted by how sure each distance is. Distances know no rotation and no mirror image: both remain open.

How sure a distance is comes from leaving out one eighth at a time (the jackknife): of the recording, which tells
chance, and of the frequencies, which tells a field that is not diffuse or capsules that are not open omnis.

Legend: M microphones, P pairs, F frequencies, G parts of the recording, T samples.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.arrays import SPEED_OF_SOUND, MicrophoneArray
from spatial_lalm.errors import InputError

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]
Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]

PARTS = 8
FRAME_S = 0.128
"""Length of the analysis frames: long against the time that sound takes across the array."""
BAND_HZ = (80.0, 8000.0)
DISTANCES_M = np.arange(0.002, 0.8, 0.0005)
LEAST_S = 4.0
LEAST_COHERENCE = 0.3
"""A pair of which no distance explains more than this was in no common field."""
MOST_IMAGINARY = 0.25
"""RMS of the coherence's imaginary part, which diffuse noise has not; a single direction has 0.5 and more."""
CHANCE_IMAGINARY = 0.16
"""The same by chance alone, after one second; it falls with the root of the time."""
GOOD, FAIR = (0.003, 0.06), (0.01, 0.12)
"""Largest error in metres and imaginary part, less chance, of a confidence that is called so."""
FLAT_MISFIT = 1.6
"""Misfit (RMS over the degrees of freedom) in standard errors, up to which fewer dimensions are believed."""
SUREST_M, SUREST_SHARE = 1e-4, 0.001
"""No distance is surer than this, in metres and as a share of it (temperature, tolerances)."""


@dataclass(frozen=True)
class Calibration:
    """An estimated array and how far to trust it.

    ``errors_m (M,)`` are standard errors of the positions, the misfit included; ``misfit_m`` is the RMS by which the
    shape misses the distances, ``residual`` the RMS by which the coherence misses the model (0 to 1), ``imaginary``
    the RMS of its imaginary part; ``dimensions`` 1 to 3 are those that the shape has, and ``hidden_m`` is the largest
    RMS extent in those left out that the distances would bear.
    """

    array: MicrophoneArray
    errors_m: Floats
    misfit_m: float
    residual: float
    imaginary: float
    dimensions: int
    hidden_m: float
    seconds: float

    @property
    def error_m(self) -> float:
        """Median standard error of a position in metres."""
        return float(np.median(self.errors_m))

    @property
    def confidence(self) -> str:
        """``good``, ``fair`` or ``poor``, by ``error_m`` and by how diffuse the field was."""
        uneven = math.sqrt(max(self.imaginary**2 - CHANCE_IMAGINARY**2 / self.seconds, 0.0))
        for name, (error_m, most) in {"good": GOOD, "fair": FAIR}.items():
            if self.error_m <= error_m and uneven <= most:
                return name
        return "poor"


def calibrate(blocks: Iterable[NDArray[np.float32]], rate: int, name: str = "calibrated") -> Calibration:
    """Estimate the geometry of an open array of omni microphones from diffuse noise.

    ``blocks`` are pieces ``(M, T)`` of a recording at ``rate`` Hz; half a minute of noise (traffic, rain, a crowd all
    around) is enough. The centre is the mean of the capsules; a flat array is laid level. Raises ``InputError`` for
    fewer than three microphones, less than 4 s, and noise that is not diffuse.
    """
    spectra, hertz, seconds = _cross_spectra(blocks, rate)
    if seconds < LEAST_S:
        raise InputError(f"{seconds:.1f} s of noise are too little to calibrate by: record {LEAST_S:g} s or more")
    microphones = spectra.shape[2]
    pairs = np.triu_indices(microphones, 1)
    coherence = _coherence(spectra.sum(axis=0), pairs)  # (P, F)
    imaginary = float(np.sqrt(np.mean(coherence.imag**2)))
    if imaginary > MOST_IMAGINARY:
        raise InputError(
            f"the noise is not diffuse (imaginary part of the coherence {imaginary:.2f}, at most {MOST_IMAGINARY:g}): "
            "record noise that comes from all around, or give the geometry with --array"
        )
    distances, residual = _distances(coherence.real, hertz, pairs)
    in_time = np.stack(
        [_refined(_coherence(spectra.sum(axis=0) - part, pairs).real, hertz, distances) for part in spectra]
    )
    bands = np.arange(len(hertz)) * PARTS // len(hertz)
    in_band = np.stack([_refined(coherence.real[:, bands != b], hertz[bands != b], distances) for b in range(PARTS)])
    errors = _distance_errors([in_time, in_band], distances)
    positions, dimensions = _shape(distances, errors, pairs)
    positions = _oriented(positions, dimensions)
    misfit = float(np.sqrt(np.mean((_lengths(positions, pairs) - distances) ** 2)))
    spread = [
        _jackknife(np.stack([_aligned(_fitted(one, errors, pairs, positions, dimensions), positions) for one in parts]))
        for parts in (in_time, in_band)
    ]
    total = np.sqrt(sum((one**2).sum(axis=1) for one in spread) + misfit**2)
    whole = _fitted(distances, errors, pairs, _scaled(distances, pairs, microphones, 3), 3)
    extents = np.append(np.linalg.svd(whole, compute_uv=False), 0.0) / math.sqrt(microphones)
    array = MicrophoneArray(name, np.round(positions, 6))
    return Calibration(array, total, misfit, residual, imaginary, dimensions, float(extents[dimensions]), seconds)


def _distance_errors(estimates: list[Floats], distances: Floats) -> Floats:
    """Standard errors of the distances ``(P,)`` from all jackknives ``(G, P)``; each is evened out over the pairs."""
    squared = sum(_jackknife(parts) ** 2 for parts in estimates)
    evened = (squared + np.median(squared)) / 2
    return np.asarray(np.sqrt(evened + SUREST_M**2 + (SUREST_SHARE * distances) ** 2))


# ---------------------------------------------------------------- coherence and distances


def _cross_spectra(blocks: Iterable[NDArray[np.float32]], rate: int) -> tuple[Complex, Floats, float]:
    """Sums of cross spectra ``(G, F, M, M)`` of Hann frames, their frequencies, and the seconds that were heard."""
    size = 2 * round(FRAME_S * rate / 2)
    hertz = np.asarray(np.fft.rfftfreq(size, 1 / rate), dtype=np.float64)
    used = (hertz >= BAND_HZ[0]) & (hertz <= min(BAND_HZ[1], 0.45 * rate))
    window = np.hanning(size).astype(np.float32)
    total: Complex | None = None
    rest, samples, number = None, 0, 0
    for block in blocks:
        if total is None:
            _check_microphones(len(block))
            total = np.zeros((PARTS, np.count_nonzero(used), len(block), len(block)), dtype=np.complex128)
        samples += block.shape[1]
        rest = block if rest is None else np.concatenate([rest, block], axis=1)
        frames = (rest.shape[1] - size) // (size // 2) + 1
        for frame in range(max(frames, 0)):
            start = frame * (size // 2)
            spectrum = np.fft.rfft(rest[:, start : start + size] * window)[:, used].T  # (F, M)
            total[(number // 16) % PARTS] += spectrum[:, :, None] * spectrum[:, None].conj()
            number += 1
        rest = rest[:, max(frames, 0) * (size // 2) :]
    if total is None:
        raise InputError("there is no noise to calibrate by")
    return total, hertz[used], samples / rate


def _check_microphones(count: int) -> None:
    if count < 3:
        raise InputError(f"{count} channels tell no shape: calibrate arrays of 3 microphones or more")


def _coherence(spectra: Complex, pairs: Pairs) -> Complex:
    """Complex coherence ``(P, F)``."""
    power = np.maximum(np.einsum("fmm->mf", spectra).real, 1e-30)
    return np.asarray(spectra[:, pairs[0], pairs[1]].T / np.sqrt(power[pairs[0]] * power[pairs[1]]))


def _models(distances: Floats, hertz: Floats) -> Floats:
    """sinc(2 f d / c) for ``distances (...)``: ``(..., F)``."""
    return np.sinc(2 * np.asarray(distances)[..., None] * hertz / SPEED_OF_SOUND)


def _unexplained(coherence: Floats, models: Floats) -> Floats:
    """Squared error of coherences ``(..., F)`` after the best scale between 0 and 1 of models ``(..., F)``.

    The scale is what the microphones' own noise takes from the coherence.
    """
    along, norm = (coherence * models).sum(axis=-1), (models**2).sum(axis=-1)
    scale = np.clip(along / norm, 0, 1)
    return np.asarray((coherence**2).sum(axis=-1) - 2 * scale * along + scale**2 * norm)


def _distances(coherence: Floats, hertz: Floats, pairs: Pairs) -> tuple[Floats, float]:
    """Distance of every pair in metres ``(P,)``, and the RMS misfit of the coherence."""
    models = _models(DISTANCES_M, hertz)
    errors = np.stack([_unexplained(row, models) for row in coherence])  # (P, distances)
    lost = errors.min(axis=1) > (1 - LEAST_COHERENCE**2) * (coherence**2).sum(axis=1)
    if lost.any():
        one, other = (int(index[np.argmax(lost)]) + 1 for index in pairs)
        raise InputError(
            f"channels {one} and {other} are not coherent as in diffuse noise at any distance up to "
            f"{DISTANCES_M[-1]:.1f} m: record louder noise from all around, closer microphones, or give --array"
        )
    distances = _refined(coherence, hertz, DISTANCES_M[errors.argmin(axis=1)])
    left = _unexplained(coherence, _models(distances, hertz))
    return distances, float(np.sqrt(left.mean() / len(hertz)))


def _refined(coherence: Floats, hertz: Floats, distances: Floats) -> Floats:
    """Distances ``(P,)`` at the minimum near given ones: a parabola through ever closer neighbours."""
    step = float(DISTANCES_M[1] - DISTANCES_M[0])
    for _ in range(4):
        around = np.maximum(distances[:, None] + step * np.array([-1.0, 0.0, 1.0]), 1e-4)
        low, mid, high = _unexplained(coherence[:, None], _models(around, hertz)).T
        bend = np.maximum(low - 2 * mid + high, 1e-30)
        distances = np.maximum(distances + step * np.clip((low - high) / (2 * bend), -2, 2), 1e-3)
        step /= 2
    return distances


def _jackknife(parts: Floats) -> Floats:
    """Standard errors of what was estimated with each of the parts ``(G, ...)`` left out."""
    spread = ((parts - parts.mean(axis=0)) ** 2).sum(axis=0)
    return np.asarray(np.sqrt(spread * (len(parts) - 1) / len(parts)))


# ---------------------------------------------------------------- shapes


def _lengths(positions: Floats, pairs: Pairs) -> Floats:
    return np.asarray(np.linalg.norm(positions[pairs[0]] - positions[pairs[1]], axis=1))


def _shape(distances: Floats, errors: Floats, pairs: Pairs) -> tuple[Floats, int]:
    """Positions ``(M, 3)`` of the fewest dimensions that explain the distances within their errors."""
    count = int(pairs[1].max()) + 1
    for dimensions in (1, 2, 3):
        positions = _fitted(distances, errors, pairs, _scaled(distances, pairs, count, dimensions), dimensions)
        astray = (_lengths(positions, pairs) - distances) / errors
        free = len(distances) - dimensions * count + dimensions * (dimensions + 1) // 2
        if math.sqrt(float(np.sum(astray**2)) / max(free, 1)) <= FLAT_MISFIT:
            break
    return positions, dimensions


def _scaled(distances: Floats, pairs: Pairs, count: int, dimensions: int) -> Floats:
    """Classical scaling: the largest eigenvectors of the centred squared distances (Torgerson, 1952)."""
    squared = np.zeros((count, count))
    squared[pairs] = distances**2
    squared += squared.T
    centre = np.eye(count) - 1 / count
    values, vectors = np.linalg.eigh(-0.5 * centre @ squared @ centre)
    largest = np.argsort(values)[::-1][:dimensions]
    positions = np.zeros((count, 3))
    positions[:, : len(largest)] = vectors[:, largest] * np.sqrt(np.maximum(values[largest], 1e-8))
    return positions


def _fitted(
    distances: Floats,
    errors: Floats,
    pairs: Pairs,
    start: Floats,
    dimensions: int,
) -> Floats:
    """Positions ``(M, 3)`` of least squared misfit to the distances, weighted by their errors, near given ones."""
    from scipy.optimize import least_squares

    flat = start[:, :dimensions]

    def misfit(values: Floats) -> Floats:
        return (_lengths(values.reshape(flat.shape), pairs) - distances) / errors

    found = least_squares(misfit, flat.ravel(), x_scale=0.01, max_nfev=200).x.reshape(flat.shape)
    return np.asarray(np.pad(found - found.mean(axis=0), ((0, 0), (0, 3 - dimensions))))


def _oriented(positions: Floats, dimensions: int) -> Floats:
    """A definite one of all turned and mirrored shapes.

    The widest directions lie level, a line lies along y, microphone 1 is in front (or left, on a line) and the next one
    that is off the middle is on the left.
    """
    axes = np.linalg.svd(positions)[2]
    turned = positions @ axes.T
    if dimensions == 1:
        turned = turned[:, [1, 0, 2]]
        return np.asarray(turned * (1.0 if turned[0, 1] >= 0 else -1.0))
    azimuth = math.atan2(turned[0, 1], turned[0, 0])
    cos, sin = math.cos(azimuth), math.sin(azimuth)
    turned = turned @ np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    off = turned[np.argmax(np.abs(turned[:, 1]) > 0.2 * np.abs(turned[:, 1]).max()), 1]
    return np.asarray(turned * [1.0, 1.0 if off >= 0 else -1.0, 1.0])


def _aligned(positions: Floats, reference: Floats) -> Floats:
    """Positions ``(M, 3)`` turned or mirrored on to a reference (orthogonal Procrustes), both around their means."""
    left, _, right = np.linalg.svd((positions - positions.mean(axis=0)).T @ (reference - reference.mean(axis=0)))
    return np.asarray((positions - positions.mean(axis=0)) @ left @ right)
