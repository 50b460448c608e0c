"""Floors that are no rectangles: where they are, what is inside them, and how random ones are drawn.

Outlines are corners ``(N, 2)`` in metres, counter-clockwise, their bounding box at the origin.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.scene import Corners

Floats = NDArray[np.floating[Any]]

SHORTEST_SIDE_M = 1.0
SHARPEST_DEG = 40.0
"""Least angle between neighbouring walls."""
CUT = (0.25, 0.6)
"""Share of each side of the bounding box that the missing corner of an L takes."""
SLANT = (0.1, 0.45)
"""Share by which one of the parallel sides of a trapezoid is shorter."""
RADIUS = (0.6, 1.0)
"""Distance of an irregular floor's corners from its middle, as a share of the largest; small ones make it concave."""


def area(corners: Floats) -> float:
    """Area inside an outline in square metres by the shoelace formula, negative if it runs clockwise."""
    x, y = corners.T
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2


def distance_inside(corners: Floats, points: Floats) -> Floats:
    """Distance ``(...)`` of points ``(..., 2)`` from the nearest wall in metres, negative outside."""
    start, way = corners, np.roll(corners, -1, axis=0) - corners
    offset = points[..., None, :] - start  # (..., N, 2)
    along = np.clip(np.sum(offset * way, axis=-1) / np.sum(way**2, axis=-1), 0.0, 1.0)
    distance: Floats = np.linalg.norm(offset - along[..., None] * way, axis=-1).min(axis=-1)
    # Even-odd rule: how many sides a ray along x passes.
    rising = (offset[..., 1] < 0) != (offset[..., 1] < way[:, 1])
    with np.errstate(divide="ignore", invalid="ignore"):
        right = offset[..., 0] < way[:, 0] * offset[..., 1] / way[:, 1]
    odd = np.sum(rising & right, axis=-1) % 2 == 1
    return np.where(odd, distance, -distance)


def in_sight(corners: Floats, points: Floats, others: Floats) -> NDArray[np.bool_]:
    """Whether no wall stands between points ``(..., 2)`` and others of the same or a broadcast shape."""
    start, end = corners, np.roll(corners, -1, axis=0)
    a, b = np.broadcast_arrays(points, others)
    a, b = a[..., None, :], b[..., None, :]
    parted = _side(start, end, a) * _side(start, end, b) < 0
    crossed = parted & (_side(a, b, start) * _side(a, b, end) < 0)
    return np.asarray(~crossed.any(axis=-1))


def _side(start: Floats, end: Floats, point: Floats) -> Floats:
    """Positive where a point is to the left of a line."""
    way, offset = end - start, point - start
    side: Floats = way[..., 0] * offset[..., 1] - way[..., 1] * offset[..., 0]
    return side


def is_simple(corners: Floats) -> bool:
    """Whether an outline runs counter-clockwise and its sides do not cross."""
    return area(corners) > 0 and bool(np.all(in_sight(corners, corners, np.roll(corners, -1, axis=0))))


def plausible(corners: Floats) -> bool:
    """Whether sides do not cross, none is shorter than ``SHORTEST_SIDE_M`` and no corner sharper than the sharpest."""
    ways = np.roll(corners, -1, axis=0) - corners
    lengths = np.linalg.norm(ways, axis=1)
    cosines = -np.sum(ways * np.roll(ways, 1, axis=0), axis=1) / (lengths * np.roll(lengths, 1))
    sharp = float(cosines.max()) > np.cos(np.radians(SHARPEST_DEG))
    return is_simple(corners) and not sharp and float(lengths.min()) >= SHORTEST_SIDE_M


def sample_polygon(rng: np.random.Generator, floor_m2: float) -> Corners | None:
    """A floor of an area: an L, a trapezoid, or an irregular pentagon or hexagon, each a third; None if implausible.

    Ls are rectangles of an aspect of 0.4 to 1 that miss a corner, trapezoids are such with two corners moved inwards;
    both stand along the axes, turned by quarters. Irregular floors have corners at angles that deviate by up to a
    quarter of their spacing, at distances uniform over ``RADIUS``, are stretched by 0.5 to 1 and turned at will.
    """
    kind = int(rng.integers(3))
    corners = (_l_shape, _trapezoid, _irregular)[kind](rng)
    corners *= np.sqrt(floor_m2 / area(corners))
    corners -= corners.min(axis=0)
    return tuple((float(x), float(y)) for x, y in corners) if plausible(corners) else None


def _turned(corners: Floats, radians: float) -> Floats:
    cosine, sine = np.cos(radians), np.sin(radians)
    return np.asarray(corners @ np.array([[cosine, sine], [-sine, cosine]]))


def _quarter(rng: np.random.Generator) -> float:
    return float(rng.integers(4)) * np.pi / 2


def _l_shape(rng: np.random.Generator) -> Floats:
    width, depth = 1.0, rng.uniform(0.4, 1.0)
    x, y = width * (1 - rng.uniform(*CUT)), depth * (1 - rng.uniform(*CUT))
    outline = np.array([[0, 0], [width, 0], [width, y], [x, y], [x, depth], [0, depth]], float)
    return _turned(outline, _quarter(rng))


def _trapezoid(rng: np.random.Generator) -> Floats:
    width, depth = 1.0, rng.uniform(0.4, 1.0)
    missing, share = rng.uniform(*SLANT), rng.uniform()
    left, right = missing * share, 1 - missing * (1 - share)
    outline = np.array([[0, 0], [width, 0], [right, depth], [left, depth]], float)
    return _turned(outline, _quarter(rng))


def _irregular(rng: np.random.Generator) -> Floats:
    count = int(rng.integers(5, 7))
    angles = 2 * np.pi / count * (np.arange(count) + rng.uniform(-0.25, 0.25, count))
    corners = rng.uniform(*RADIUS, count)[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    corners[:, 1] *= rng.uniform(0.5, 1.0)
    return _turned(corners, rng.uniform(0, 2 * np.pi))
