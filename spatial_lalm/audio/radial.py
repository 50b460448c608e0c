"""How plane waves sound at a distance from the origin, in the free field and around a rigid sphere.

Both are sums over degrees n of a radial term times the Legendre polynomial P_n of the angle between position and wave.

Legend: F frequencies, M microphones, D directions.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

EXTRA_ORDERS = 10
"""Orders beyond kr in the expansion around a sphere: the terms fall faster than exponentially, below 1e-9 here."""


def rigid_sphere_response(
    wavenumber: NDArray[np.float64], radius: float, positions: NDArray[np.float64], directions: NDArray[np.float64]
) -> NDArray[np.complex128]:
    """Pressure ``(F, M, D)`` at positions on or outside a rigid sphere for plane waves from unit ``directions``.

    p = sum_n (2n+1) j^n [j_n(kr) - j_n'(ka) / h_n'(ka) h_n(kr)] P_n(cos gamma) with h_n of the second kind, which runs
    outwards under e^{+jwt} (Williams, *Fourier Acoustics*, 1999, section 6.10). ``wavenumber`` ``(F,)`` in 1/m.
    """
    distances = np.maximum(np.linalg.norm(positions, axis=1), radius)
    cosines = positions @ directions.T / np.linalg.norm(positions, axis=1, keepdims=True)
    highest = math.ceil(float(wavenumber.max(initial=0.0) * distances.max())) + EXTRA_ORDERS
    out = np.empty((len(wavenumber), len(positions), len(directions)), dtype=np.complex128)
    for distance in np.unique(distances):
        at_distance = np.flatnonzero(distances == distance)
        radial = radial_terms(wavenumber, radius, float(distance), highest)
        for microphone in at_distance:
            legendre = np.polynomial.legendre.legvander(np.clip(cosines[microphone], -1, 1), highest)  # (D, orders)
            out[:, microphone] = radial @ legendre.T
    return out


def radial_terms(
    wavenumber: NDArray[np.float64], radius: float | None, distance: float, highest: int
) -> NDArray[np.complex128]:
    """The factors of P_n, ``(F, highest + 1)``, at ``distance`` metres from the origin.

    ``radius`` is that of a rigid sphere, or ``None`` in the free field: e^{jk r.d} = sum_n (2n+1) j^n j_n(kr) P_n.
    Around a sphere, orders that cannot matter at a frequency are zero.
    """
    from scipy.special import spherical_jn, spherical_yn

    orders = np.arange(highest + 1)
    k = np.maximum(wavenumber, 1e-3)[:, None]  # h_n has a pole at 0, where the sum tends to 1 smoothly
    weight = (2 * orders + 1) * 1j**orders
    if radius is None:
        return np.asarray(weight * spherical_jn(orders, k * distance), dtype=np.complex128)
    with np.errstate(all="ignore"):  # orders far above kr overflow; they are dropped below
        outgoing = spherical_jn(orders, k * distance) - 1j * spherical_yn(orders, k * distance)
        slope = spherical_jn(orders, k * radius, derivative=True)
        outgoing_slope = slope - 1j * spherical_yn(orders, k * radius, derivative=True)
        terms = weight * (spherical_jn(orders, k * distance) - slope / outgoing_slope * outgoing)
    return np.where(orders <= np.ceil(k * distance) + EXTRA_ORDERS, terms, 0.0)
