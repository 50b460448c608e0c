"""Our rooms as pyroomacoustics builds them, and what is refused in them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spatial_lalm.audio.scene import OCTAVES_HZ, Room
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.polygons import distance_inside

Floats = NDArray[np.floating[Any]]

_WALLS = ("west", "east", "south", "north", "floor", "ceiling")  # x0 x1 y0 y1 z0 z1


def build(room: Room, rate: int, max_order: int, scattering: float = 0.0, in_bands: bool = False) -> Any:
    """A room of the library: a shoebox, or an outline pulled up.

    One band serves where all walls are alike in theirs, unless ``in_bands``, which is faster; else ``rate`` decides how
    many there are (8 kHz: exactly ours).
    """
    import pyroomacoustics

    flat = not in_bands and all(len(set(bands)) == 1 for bands in room.wall_bands)
    materials = [_material(bands, scattering, flat) for bands in room.wall_bands]
    if not room.corners_m:
        walls = dict(zip(_WALLS, materials, strict=True))
        return pyroomacoustics.ShoeBox(list(room.dimensions_m), fs=rate, materials=walls, max_order=max_order)
    outline = pyroomacoustics.Room.from_corners(
        np.array(room.corners_m).T, fs=rate, materials=materials[:-2], max_order=max_order
    )
    outline.extrude(room.dimensions_m[2], materials={"floor": materials[-2], "ceiling": materials[-1]})
    return outline


def _material(bands: tuple[float, ...], scattering: float, flat: bool) -> Any:
    import pyroomacoustics

    if flat:
        return pyroomacoustics.Material(float(bands[0]), float(scattering))
    # Beyond our bands the library would go on in a straight line, down to no absorption at all: hold the last one.
    centres = [*OCTAVES_HZ, 2 * OCTAVES_HZ[-1], 4 * OCTAVES_HZ[-1]]
    absorption = {"coeffs": [*bands, bands[-1], bands[-1]], "center_freqs": centres}
    scattered = {"coeffs": [float(scattering)] * len(centres), "center_freqs": centres}
    return pyroomacoustics.Material(absorption, scattered)


def place(name: str, position_m: ArrayLike, room: Room) -> Floats:
    """A position ``(3,)`` in metres; ``InputError`` where it is not inside the room."""
    position = np.asarray(position_m, float).reshape(3)
    if wall_distance(room, position) <= 0:
        shown = [round(value, 3) for value in position.tolist()]
        over = f" over the corners {room.corners_m}" if room.corners_m else ""
        raise InputError(f"{name} at {shown} m: must be inside the room of {room.dimensions_m} m{over}")
    return position


def wall_distance(room: Room, position: Floats) -> float:
    """Distance of a position ``(3,)`` from the nearest wall in metres, negative outside."""
    size = np.array(room.dimensions_m)
    distances = np.minimum(position, size - position)
    if not room.corners_m:
        return float(distances.min())
    return float(min(distances[2], distance_inside(np.array(room.corners_m), position[:2])))
