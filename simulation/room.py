"""Random rooms and places in them, from closets to concert halls, by stated distributions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import unit_vector
from spatial_lalm.audio.scene import Room
from spatial_lalm.errors import InputError

Floats = NDArray[np.floating[Any]]

VOLUMES_M3 = (5.0, 20_000.0)
DWELLINGS_M3 = (12.0, 400.0)
DWELLING_SHARE = 0.65
ABSORPTION = (0.02, 0.85)
_TRIES = 1000


def sample_room(rng: np.random.Generator, t60_s: tuple[float, float]) -> Room:
    """A room whose Eyring T60 is log-uniform over ``t60_s`` (seconds) and whose mean absorption is a physical one.

    Volume is log-uniform over 12 to 400 m3 (65 %) or over 5 to 20,000 m3; ceilings are 0.5 to 0.9 of the cube's edge,
    floors have an aspect of 0.4 to 1; the walls' absorption scatters by a factor of about 1.5 around the mean.
    """
    for _ in range(_TRIES):
        volume = _log_uniform(rng, DWELLINGS_M3 if rng.random() < DWELLING_SHARE else VOLUMES_M3)
        dimensions = _dimensions(rng, volume)
        room = Room(dimensions, (0.1,) * 6)
        t60 = _log_uniform(rng, t60_s)
        mean = 1 - np.exp(-0.1611 * volume / (room.surface_m2 * t60))
        if ABSORPTION[0] <= mean <= ABSORPTION[1]:
            walls = np.clip(mean * np.exp(rng.normal(0, 0.4, 6)), 0.01, 0.97)
            return Room(dimensions, tuple(walls.tolist()), float(rng.uniform(-0.25, 0.35)))
    raise InputError(f"no room of 5 to 20,000 m3 has a T60 of {t60_s[0]} to {t60_s[1]} s: choose within 0.1 to 4 s")


def _log_uniform(rng: np.random.Generator, limits: tuple[float, float]) -> float:
    return float(np.exp(rng.uniform(*np.log(limits))))


def _dimensions(rng: np.random.Generator, volume: float) -> tuple[float, float, float]:
    """Width, depth and height in metres of a room of a volume, the longer side of the floor along x or y."""
    height = float(np.clip(volume ** (1 / 3) * rng.uniform(0.5, 0.9), 2.0, 20.0))
    area, aspect = volume / height, rng.uniform(0.4, 1.0)
    sides = float(np.sqrt(area / aspect)), float(np.sqrt(area * aspect))
    return (*(sides if rng.random() < 0.5 else sides[::-1]), height)


def sample_receiver(rng: np.random.Generator, room: Room) -> Floats:
    """A receiver position ``(3,)`` in metres: half a metre off the walls where there is room, 0.6 to 2 m high."""
    size = np.array(room.dimensions_m)
    margin = np.minimum(0.5, 0.3 * size)
    position = rng.uniform(margin, size - margin)
    position[2] = rng.uniform(0.6, min(2.0, size[2] - margin[2]))
    return position


def sample_source(rng: np.random.Generator, room: Room, receiver: Floats, nearest_m: float = 0.5) -> Floats:
    """A source position ``(3,)``: uniform azimuth, log-uniform distance, mostly near ear height, inside the walls.

    Elevation is uniform over the sphere for every fourth source (birds, loudspeakers, things on the floor) and within
    +-20 degrees of the horizon otherwise.
    """
    size = np.array(room.dimensions_m)
    margin = np.minimum(0.2, 0.1 * size)
    reach = float(np.linalg.norm(np.maximum(receiver, size - receiver)))
    for _ in range(_TRIES):
        high = rng.random() < 0.25
        elevation = np.degrees(np.arcsin(rng.uniform(-1, 1))) if high else rng.uniform(-20, 20)
        distance = _log_uniform(rng, (nearest_m, max(reach, nearest_m + 0.1)))
        position = receiver + distance * unit_vector(rng.uniform(-180, 180), elevation)
        if np.all(position > margin) and np.all(position < size - margin):
            return position
    raise InputError(f"no place for a source {nearest_m} m from the receiver in a room of {room.dimensions_m} m")
