"""What each capsule of an array hears of every spherical harmonic of the sound field.

A plane wave from d is the vector of SN3D harmonics Y_nm(d). In the free field and around a rigid sphere a capsule at
position r hears sum_n R_n(f, |r|) sum_m Y_nm(r) Y_nm(d) (addition theorem: P_n(cos gamma) = sum_m Y_nm(d) Y_nm(r)). A
first-order pattern alpha + (1 - alpha) look.d multiplies that by d, which couples neighbouring degrees by fixed real
matrices: so capsules need no fit, only radial terms times a coupling table. Measured responses are fitted by least
squares.

Legend: M microphones, K harmonics, N degrees, F frequencies, Q directions, L taps.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.arrays import SPEED_OF_SOUND, MicrophoneArray
from spatial_lalm.audio.conventions import Floats, acn_orders, channel_count, harmonic_terms
from spatial_lalm.audio.encoding import FREQUENCIES_AT_ONCE, fibonacci_grid
from spatial_lalm.audio.radial import radial_terms

KNOTS = 257
"""Frequencies at which radial terms are computed; between them they are interpolated, at 12 cm to -64 dB."""
FIT_POINTS = 1800
"""Directions of the fit of measured responses: four for every harmonic of degree 20."""
FIT_DEGREE = 20
FIT_TAPS = 512
"""Length in samples of a fitted response, which runs around: what comes before time zero stands at its end."""


class Expansion(Protocol):
    """Responses of an array to harmonics of the sound field."""

    def spectra(self, bins: int, rate: int, factors: NDArray[np.complex64] | None = None) -> NDArray[np.complex64]:
        """Responses ``(M, K, bins)`` at ``bins`` frequencies from 0 to half the rate, in memory by frequency.

        ``factors (M, bins)`` multiply the capsules.
        """
        ...


def expansion_of(array: MicrophoneArray, order: int) -> Expansion:
    """The expansion of an array up to degree ``order``."""
    if array.measured is None:
        return GeometricExpansion(array, order)
    fit = measured_expansion(array)
    return MeasuredExpansion(fit.taps[:, : channel_count(order)], fit.rate, fit.residual)


def harmonics_at(order: int, directions: Floats) -> NDArray[np.float64]:
    """SN3D harmonics ``(Q, K)`` of any order."""
    return np.stack(harmonic_terms(order, *np.asarray(directions, dtype=np.float64).T), axis=-1)


# ---------------------------------------------------------------- closed forms


class GeometricExpansion:
    """Closed form for open arrays of first-order capsules and for omni capsules around a rigid sphere."""

    def __init__(self, array: MicrophoneArray, order: int) -> None:
        """Tabulate in which harmonics each capsule hears the radial terms of the same and of neighbouring degrees."""
        distances = np.linalg.norm(array.positions, axis=1)
        self._radius = array.rigid_radius_m
        if self._radius is None:  # the terms are functions of kr, so one table serves all distances
            self._distances = np.array([max(float(distances.max()), 1e-6)])
            self._which, self._scale = np.zeros(len(distances), dtype=np.int64), distances / self._distances[0]
        else:  # micrometres: capsules of one sphere share their radial terms
            rounded = np.round(np.maximum(distances, self._radius), 6)
            self._distances, self._which = np.unique(rounded, return_inverse=True)
            self._scale = np.ones(len(distances))
        self._order = order
        self._coupling = _coupling(array, order)

    def spectra(self, bins: int, rate: int, factors: NDArray[np.complex64] | None = None) -> NDArray[np.complex64]:
        """See ``Expansion.spectra``."""
        wavenumber = np.linspace(0, np.pi * rate / SPEED_OF_SOUND, KNOTS)
        tables = [radial_terms(wavenumber, self._radius, float(d), self._order + 1) for d in self._distances]
        place = np.linspace(0, KNOTS - 1, bins)
        out = np.empty((bins, len(self._which), channel_count(self._order)), dtype=np.complex64)
        for microphone, which in enumerate(self._which):
            radial = _between(tables[which].astype(np.complex64), place * self._scale[microphone])
            if factors is not None:
                radial *= factors[microphone, :, None]
            (degrees, weights), *patterns = ((d, w[microphone]) for d, w in self._coupling)
            np.multiply(radial[:, degrees], weights, out=out[:, microphone])
            for degrees, weights in patterns:
                out[:, microphone] += radial[:, degrees] * weights
        return out.transpose(1, 2, 0)


def _between(table: NDArray[np.complex64], place: NDArray[np.float64]) -> NDArray[np.complex64]:
    """Rows of a table at fractional places, by linear interpolation."""
    below = np.minimum(place.astype(np.int64), len(table) - 2)
    share = (place - below).astype(np.float32)[:, None]
    return np.asarray(table[below] * (1 - share) + table[below + 1] * share)


def _coupling(array: MicrophoneArray, order: int) -> list[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Which radial term each harmonic takes, ``(K,)``, and with what weight, ``(M, K)``: once, or thrice for patterns.

    The product of look.d with degree n lies in degrees n - 1 and n + 1.
    """
    # At the origin there is no direction, and no term above degree 0.
    places = np.where(np.abs(array.positions).max(axis=1, keepdims=True) > 0, array.positions, [0.0, 0.0, 1.0])
    harmonics = harmonics_at(order + 1, places / np.linalg.norm(places, axis=1, keepdims=True))
    count, degree = channel_count(order), acn_orders(order + 1)
    own = harmonics[:, :count].astype(np.float32)
    if array.look is None:
        return [(degree[:count], own)]
    alpha = np.asarray(array.directivity)[:, None]
    found = [(degree[:count], (alpha * own).astype(np.float32))]
    for step in (-1, 1):
        fitting = degree[:, None] == degree + step
        turned = sum(
            array.look[:, axis, None] * (harmonics @ (matrix * fitting))
            for axis, matrix in enumerate(_multiplications(order + 1))
        )
        weights = ((1 - alpha) * turned)[:, :count].astype(np.float32)
        found.append((np.maximum(degree[:count] + step, 0), weights))
    return found


@lru_cache(maxsize=8)
def _multiplications(order: int) -> NDArray[np.float64]:
    """Matrices ``(3, K, K)``: what x, y or z times harmonic k (row) holds of every harmonic (column).

    By Gauss-Legendre quadrature, exact for these polynomials; degree ``order + 1`` is cut off.
    """
    nodes, weights = np.polynomial.legendre.leggauss(order + 2)
    turns = 2 * np.pi * np.arange(2 * order + 3) / (2 * order + 3)
    z, turn = (grid.ravel() for grid in np.meshgrid(nodes, turns, indexing="ij"))
    level = np.sqrt(1 - z**2)
    points = np.stack([level * np.cos(turn), level * np.sin(turn), z], axis=1)
    share = np.repeat(weights / 2, len(turns)) / len(turns)
    harmonics = harmonics_at(order, points)
    norm = 2 * acn_orders(order) + 1
    return np.stack([(harmonics.T * (share * axis)) @ harmonics * norm for axis in points.T])


# ---------------------------------------------------------------- measured responses


@dataclass(frozen=True)
class MeasuredExpansion:
    """Fitted responses ``taps (M, K, L)`` at ``rate`` Hz; ``residual (F,)`` is the share of power that is not fitted.

    ``residual`` belongs to the frequencies from 0 to half the rate of an FFT of L points.
    """

    taps: NDArray[np.float32]
    rate: int
    residual: NDArray[np.float64]

    def spectra(self, bins: int, rate: int, factors: NDArray[np.complex64] | None = None) -> NDArray[np.complex64]:
        """See ``Expansion.spectra``."""
        import scipy.fft

        fine = scipy.fft.rfft(self._stretched(2 * (bins - 1)), axis=2)
        hertz, own = np.linspace(0, rate / 2, bins), np.linspace(0, self.rate / 2, fine.shape[2])
        if rate == self.rate and len(own) == bins:
            chosen = fine
        else:
            below = np.minimum((hertz / own[1]).astype(np.int64), len(own) - 2)
            share = np.minimum(hertz / own[1] - below, 1.0).astype(np.float32)
            heard = (hertz <= self.rate / 2).astype(np.float32)
            chosen = (fine[..., below] * (1 - share) + fine[..., below + 1] * share) * heard
        if factors is not None:
            chosen = chosen * factors[:, None]
        return np.ascontiguousarray(chosen.transpose(2, 0, 1), dtype=np.complex64).transpose(1, 2, 0)

    def _stretched(self, size: int) -> NDArray[np.float32]:
        """Taps on a period of ``size`` samples where that is longer, silence put before what runs around."""
        taps = self.taps.shape[2]
        if size <= taps:
            return self.taps
        out = np.zeros((*self.taps.shape[:2], size), dtype=np.float32)
        ahead = taps // 4
        out[..., : taps - ahead] = self.taps[..., : taps - ahead]
        out[..., size - ahead :] = self.taps[..., taps - ahead :]
        return out


@lru_cache(maxsize=4)
def measured_expansion(array: MicrophoneArray) -> MeasuredExpansion:
    """Least-squares fit up to ``FIT_DEGREE`` of measured responses, on directions spread evenly over the sphere."""
    assert array.measured is not None
    rate = array.measured.rate
    directions = fibonacci_grid(FIT_POINTS)
    harmonics = harmonics_at(FIT_DEGREE, directions)
    inverse = np.linalg.pinv(harmonics).T
    hertz = np.fft.rfftfreq(FIT_TAPS, 1 / rate)
    fitted = np.empty((len(hertz), array.microphones, harmonics.shape[1]), dtype=np.complex128)
    residual = np.empty(len(hertz))
    for start in range(0, len(hertz), FREQUENCIES_AT_ONCE):
        part = slice(start, start + FREQUENCIES_AT_ONCE)
        manifold = array.manifold(hertz[part], directions)  # (F, M, Q)
        fitted[part] = manifold @ inverse
        missed = np.abs(manifold - fitted[part] @ harmonics.T) ** 2
        residual[part] = missed.mean(axis=(1, 2)) / np.mean(np.abs(manifold) ** 2, axis=(1, 2))
    taps = np.fft.irfft(fitted.transpose(1, 2, 0), FIT_TAPS, axis=2)
    return MeasuredExpansion(taps.astype(np.float32), rate, residual)
