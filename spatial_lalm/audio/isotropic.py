"""What the microphones of an array have in common in a field that comes evenly from all directions.

The least-squares encoder needs two means over the sphere: of V V^H (microphones with each other) and of Y V^H
(harmonics with microphones). For capsules in the free field and around a rigid sphere both are known in closed form, so
no grid of directions has to resolve the highest frequency; measured responses are averaged over a grid.

With u = k (r_i - r_j) and the unit vector d running over the sphere, the mean of e^{ju.d} is j_0(u), that of d e^{ju.d}
is j j_1(u) u/|u|, and that of d d^T e^{ju.d} is j_1(u)/u I - j_2(u) u u^T / u^2 (gradients of the first; Cook et al.,
"Measurement of correlation coefficients in reverberant sound fields", JASA 1955, has the first).

Legend: F frequencies, M microphones, C ambisonic channels, N degrees, D directions.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.arrays import SPEED_OF_SOUND, MicrophoneArray
from spatial_lalm.audio.conventions import Floats, acn_orders, channel_count, harmonic_terms, spherical_harmonics
from spatial_lalm.audio.radial import EXTRA_ORDERS, radial_terms

Complex = NDArray[np.complex128]


def isotropic_moments(
    array: MicrophoneArray, order: int, frequencies: Floats, directions: Floats
) -> tuple[Complex, Complex]:
    """Means over the sphere of V V^H ``(F, M, M)`` and of Y V^H ``(F, C, M)``; V is ``array.manifold``, Y is SN3D.

    ``frequencies (F,)`` in Hz; ``directions (D, 3)`` are used for measured responses alone.
    """
    if array.measured is not None:
        manifold = array.manifold(frequencies, directions)  # (F, M, D)
        hermitian = manifold.conj().swapaxes(1, 2) / len(directions)
        return manifold @ hermitian, spherical_harmonics(order, directions).T @ hermitian
    wavenumber = 2 * np.pi * np.asarray(frequencies, dtype=np.float64) / SPEED_OF_SOUND
    if array.rigid_radius_m is not None:
        return _around_sphere(array, order, wavenumber)
    return _free_gram(array, wavenumber), _free_cross(array, order, wavenumber)


# ---------------------------------------------------------------- around a rigid sphere


def _around_sphere(array: MicrophoneArray, order: int, wavenumber: NDArray[np.float64]) -> tuple[Complex, Complex]:
    """Sums over degrees n of radial terms T_n: T_n(r_i) T_n(r_j)* P_n(cos) / (2n+1), and T_n(r_i)* Y_nm / (2n+1)."""
    assert array.rigid_radius_m is not None
    distances = np.linalg.norm(array.positions, axis=1)
    places = array.positions / distances[:, None]
    at, which = np.unique(np.maximum(distances, array.rigid_radius_m), return_inverse=True)
    highest = max(math.ceil(float(wavenumber.max() * at[-1])), order) + EXTRA_ORDERS
    terms = np.stack([radial_terms(wavenumber, array.rigid_radius_m, float(r), highest) for r in at])  # (R, F, N)
    share = 1 / (2.0 * np.arange(highest + 1) + 1)
    legendre = np.polynomial.legendre.legvander(np.clip(places @ places.T, -1, 1), highest) * share  # (M, M, N)
    gram = np.empty((len(wavenumber), len(places), len(places)), dtype=np.complex128)
    for one in range(len(at)):
        for other in range(len(at)):
            rows, columns = np.flatnonzero(which == one), np.flatnonzero(which == other)
            product = terms[one] * terms[other].conj()
            gram[:, rows[:, None], columns] = np.einsum("fn,ijn->fij", product, legendre[np.ix_(rows, columns)])
    degree = acn_orders(order)
    radial = (terms * share)[which][:, :, degree].transpose(1, 2, 0)  # (F, C, M)
    return gram, radial.conj() * spherical_harmonics(order, places).T


# ---------------------------------------------------------------- in the free field


def _patterns(array: MicrophoneArray) -> tuple[Floats, Floats]:
    """Capsules as alpha + beta.d: ``alpha (M,)`` and ``beta (M, 3)``."""
    alpha = np.asarray(array.directivity)
    beta = np.zeros((len(alpha), 3)) if array.look is None else (1 - alpha[:, None]) * array.look
    return alpha, beta


def _free_gram(array: MicrophoneArray, wavenumber: NDArray[np.float64]) -> Complex:
    """Mean of (alpha_i + beta_i.d)(alpha_j + beta_j.d) e^{ju.d} for all pairs."""
    from scipy.special import spherical_jn

    apart = array.positions[:, None] - array.positions  # (M, M, 3)
    length = np.linalg.norm(apart, axis=2)
    u = wavenumber[:, None, None] * length
    alpha, beta = _patterns(array)
    gram: Complex = (np.outer(alpha, alpha) * spherical_jn(0, u)).astype(np.complex128)
    if array.look is None:
        return gram
    along = np.einsum("ik,ijk->ij", beta, apart / np.maximum(length, 1e-12)[:, :, None])  # beta_i . u/|u|
    first = spherical_jn(1, u)
    gram += 1j * first * (alpha * along - alpha[:, None] * along.T)
    slope = np.where(u > 1e-6, first / np.maximum(u, 1e-6), 1 / 3)
    gram += (beta @ beta.T) * slope + along * along.T * spherical_jn(2, u)
    return gram


def _free_cross(array: MicrophoneArray, order: int, wavenumber: NDArray[np.float64]) -> Complex:
    """Mean of Y (alpha + beta.d) e^{-jk r.d}: the pattern times Y is a sum of harmonics, each met by its own j_n."""
    from scipy.special import spherical_jn

    distances = np.linalg.norm(array.positions, axis=1)
    places = np.where(distances[:, None] > 0, array.positions / np.maximum(distances, 1e-12)[:, None], [0.0, 0.0, 1.0])
    wide = order if array.look is None else order + 1
    degree = acn_orders(wide)
    bessel = spherical_jn(np.arange(wide + 1), (wavenumber[:, None] * distances)[..., None])  # (F, M, N)
    met = (bessel * (-1j) ** np.arange(wide + 1))[..., degree] * _harmonics(wide, places)  # (F, M, K)
    coefficients = _pattern_products(array, order, wide)  # (M, C, K)
    return np.asarray(np.einsum("fmk,mck->fcm", met, coefficients), dtype=np.complex128)


def _pattern_products(array: MicrophoneArray, order: int, wide: int) -> Floats:
    """Harmonics ``(M, C, K)`` of every pattern times every Y, by Gauss-Legendre quadrature that is exact for them."""
    nodes, weights = np.polynomial.legendre.leggauss(wide + order + 2)
    turns = 2 * np.pi * np.arange(2 * (wide + order) + 3) / (2 * (wide + order) + 3)
    z, turn = (grid.ravel() for grid in np.meshgrid(nodes, turns, indexing="ij"))
    level = np.sqrt(1 - z**2)
    points = np.stack([level * np.cos(turn), level * np.sin(turn), z], axis=1)
    share = np.repeat(weights / 2, len(turns)) / len(turns)
    harmonics = _harmonics(wide, points)
    alpha, beta = _patterns(array)
    pattern = (alpha[:, None] + beta @ points.T) * share  # (M, Q)
    products = np.einsum("mq,qc,qk->mck", pattern, harmonics[:, : channel_count(order)], harmonics, optimize=True)
    return np.asarray(products * (2 * acn_orders(wide) + 1))


def _harmonics(order: int, directions: Floats) -> Floats:
    """SN3D harmonics ``(D, K)`` of any order."""
    return np.stack(harmonic_terms(order, *np.asarray(directions, dtype=float).T), axis=-1)
