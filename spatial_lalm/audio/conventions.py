"""Axes, angles and ambisonic conventions: the only module that knows them.

Axes: x front, y left, z up. Azimuth runs counter-clockwise from the front in degrees, (-180, 180]; elevation upwards,
[-90, 90]. Inside the program ambisonics is real, ACN order, SN3D weights, no Condon-Shortley phase (AmbiX; Nachbar et
al., "AmbiX - a suggested ambisonics format", 2011). N3D, FuMa and A-format are converted at the door, nowhere else.

Legend: D directions, C ambisonic channels, M microphones, T samples.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spatial_lalm.errors import InputError

Floats = NDArray[np.floating[Any]]
Convention = Literal["ambix", "n3d", "fuma"]
CONVENTIONS: tuple[str, ...] = get_args(Convention)
MAX_ORDER = 3


# ---------------------------------------------------------------- angles


def wrap_degrees(angle_deg: ArrayLike) -> Floats:
    """Map angles in degrees of any shape into (-180, 180]."""
    wrapped: Floats = -((-np.asarray(angle_deg, dtype=float) + 180.0) % 360.0 - 180.0)
    return wrapped


def unit_vector(azimuth_deg: ArrayLike, elevation_deg: ArrayLike) -> Floats:
    """Unit vectors ``(..., 3)`` in x front, y left, z up from angles in degrees (broadcast against each other)."""
    azimuth, elevation = np.broadcast_arrays(np.radians(azimuth_deg), np.radians(elevation_deg))
    level = np.cos(elevation)
    return np.stack([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)], axis=-1)


def angles(vectors: ArrayLike) -> tuple[Floats, Floats]:
    """Azimuth and elevation in degrees, each ``(...)``, of vectors ``(..., 3)`` of any length but zero."""
    x, y, z = np.moveaxis(np.asarray(vectors, dtype=float), -1, 0)
    return wrap_degrees(np.degrees(np.arctan2(y, x))), np.degrees(np.arctan2(z, np.hypot(x, y)))


def angle_between(first: ArrayLike, second: ArrayLike) -> Floats:
    """Great-circle angle in degrees, ``(...)``, between vectors ``(..., 3)``; exact for tiny and for opposite angles.

    Uses 2 atan2(|a - b|, |a + b|) (Kahan, 2006): the arc cosine of a dot product is blind below 1e-3 degrees.
    """
    a, b = (np.asarray(v, dtype=float) for v in (first, second))
    a = a / np.linalg.norm(a, axis=-1, keepdims=True)
    b = b / np.linalg.norm(b, axis=-1, keepdims=True)
    angle: Floats = np.degrees(2 * np.arctan2(np.linalg.norm(a - b, axis=-1), np.linalg.norm(a + b, axis=-1)))
    return angle


# ---------------------------------------------------------------- spherical harmonics


def channel_count(order: int) -> int:
    """Channels of full-sphere ambisonics of an order: (order + 1) squared."""
    return (order + 1) ** 2


def order_of(channels: int) -> int:
    """The ambisonic order of a channel count; ``InputError`` unless it is 4, 9 or 16 (orders 1 to 3)."""
    for order in range(1, MAX_ORDER + 1):
        if channel_count(order) == channels:
            return order
    raise InputError(f"{channels} channels are no full ambisonic set: orders 1 to {MAX_ORDER} have 4, 9 or 16")


@cache
def acn_orders(order: int) -> NDArray[np.int64]:
    """The order n of each ACN channel, ``(channels,)``: 0, 1, 1, 1, 2, ..."""
    return np.repeat(np.arange(order + 1), 2 * np.arange(order + 1) + 1)


def harmonic_terms(order: int, x: Any, y: Any, z: Any) -> list[Any]:
    """Real SN3D harmonics of any order in ACN order, a list of ``(order + 1)^2`` arrays shaped as ``x``, ``y``, ``z``.

    The coordinates of unit vectors may be arrays of numpy or tensors of torch: only their arithmetic is used. Y_n^m is
    sqrt((2 - d_m0) (n - m)! / (n + m)!) P_n^m(z) times the real (m >= 0) or imaginary part of (x + j y)^m, with the
    Legendre recurrences over n at fixed m; no angle is computed, so the poles are ordinary points.
    """
    terms: list[Any] = [None] * channel_count(order)
    real, imaginary = x * 0 + 1, x * 0  # (x + j y)^m
    start = x * 0 + 1  # P_m^m over sin^m
    for m in range(order + 1):
        before, legendre = start * 0, start
        for n in range(m, order + 1):
            weight = math.sqrt((1 if m == 0 else 2) * math.factorial(n - m) / math.factorial(n + m))
            terms[n * n + n + m] = weight * legendre * real
            if m:
                terms[n * n + n - m] = weight * legendre * imaginary
            before, legendre = legendre, ((2 * n + 1) * z * legendre - (n + m) * before) * (1 / (n - m + 1))
        start = (2 * m + 1) * start
        real, imaginary = x * real - y * imaginary, x * imaginary + y * real
    return terms


def spherical_harmonics(order: int, directions: ArrayLike) -> Floats:
    """Real SN3D harmonics in ACN order, ``(D, C)``, of unit vectors ``(D, 3)``, orders 0 to 3.

    A plane wave from direction d with signal s is ``spherical_harmonics(N, d).T * s`` (AmbiX paper, table 1).
    """
    if not 0 <= order <= MAX_ORDER:
        raise InputError(f"ambisonic order {order} is not supported: choose 0 to {MAX_ORDER}")
    x, y, z = np.moveaxis(np.asarray(directions, dtype=float), -1, 0)
    return np.stack(harmonic_terms(order, x, y, z), axis=-1)


# ---------------------------------------------------------------- conversions


def _fuma_first_order() -> Floats:
    """Matrix ``(4, 4)`` from FuMa W X Y Z (W at -3 dB) to ACN/SN3D W Y Z X."""
    matrix = np.zeros((4, 4))
    matrix[0, 0] = np.sqrt(2.0)
    matrix[1, 2] = matrix[2, 3] = matrix[3, 1] = 1.0
    return matrix


def conversion_matrix(source: Convention, target: Convention, order: int) -> Floats:
    """Matrix ``(C, C)`` that takes ambisonics of one convention to another: ``target = matrix @ source``.

    FuMa is first order only (its higher-order weights differ between programs); ``InputError`` above.
    """
    if "fuma" in (source, target) and order != 1:
        raise InputError(f"fuma of order {order} is not supported: FuMa is read at order 1 only; use ambix or n3d")
    n3d = np.diag(np.sqrt(2.0 * acn_orders(order) + 1))
    into_ambix: dict[str, Floats] = {"ambix": np.eye(channel_count(order)), "n3d": np.linalg.inv(n3d)}
    if order == 1:
        into_ambix["fuma"] = _fuma_first_order()
    matrix: Floats = np.linalg.inv(into_ambix[target]) @ into_ambix[source]
    return matrix


def convert(signals: Floats, source: Convention, target: Convention) -> Floats:
    """Convert ambisonic signals ``(C, T)`` from one convention to another, keeping their dtype."""
    if source == target:
        return signals
    matrix = conversion_matrix(source, target, order_of(signals.shape[0]))
    return matrix.astype(signals.dtype) @ signals


# ---------------------------------------------------------------- rotations


def rotation_matrix(yaw_deg: float = 0.0, pitch_deg: float = 0.0, roll_deg: float = 0.0) -> Floats:
    """Rotation ``(3, 3)`` of directions: roll about x, pitch about -y (front goes up), then yaw about z (to left)."""
    yaw, pitch, roll = np.radians([yaw_deg, pitch_deg, roll_deg])
    about_z = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
    about_y = np.array([[np.cos(pitch), 0, -np.sin(pitch)], [0, 1, 0], [np.sin(pitch), 0, np.cos(pitch)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(roll), -np.sin(roll)], [0, np.sin(roll), np.cos(roll)]])
    rotation: Floats = about_z @ about_y @ about_x
    return rotation


@cache
def _design(order: int) -> tuple[Floats, Floats]:
    """Directions ``(D, 3)`` and the pseudo-inverse ``(C, D)`` of their harmonics, for fits that are exact."""
    directions = np.random.default_rng(0).normal(size=(8 * channel_count(order), 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return directions, np.linalg.pinv(spherical_harmonics(order, directions))


def ambisonic_rotation(order: int, rotation: Floats) -> Floats:
    """Matrix ``(C, C)`` that turns an ambisonic sound field by a rotation or reflection ``(3, 3)`` of directions.

    A source at direction d is heard at ``rotation @ d`` afterwards. Each order is a closed space under rotation, so the
    least-squares fit over more directions than channels is exact to rounding.
    """
    directions, inverse = _design(order)
    return (inverse @ spherical_harmonics(order, directions @ rotation.T)).T


def rotate(signals: Floats, rotation: Floats) -> Floats:
    """Turn ambisonic signals ``(C, T)`` by a rotation or reflection ``(3, 3)``, keeping their dtype."""
    matrix = ambisonic_rotation(order_of(signals.shape[0]), rotation)
    return matrix.astype(signals.dtype) @ signals
