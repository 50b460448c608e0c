"""Random rooms, and places in them, from closets to churches and open air, by the distributions of a recipe.

Sources stand where they see the receiver, also in rooms with corners that stand out, so that the direct sound which
labels describe is there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import unit_vector
from spatial_lalm.audio.scene import Corners, Room, Wall
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.engine.reverberation import WALLS, clad
from spatial_lalm.simulation.polygons import distance_inside, in_sight, is_simple, sample_polygon
from spatial_lalm.simulation.recipe import RoomRecipe, SourceRecipe

Floats = NDArray[np.floating[Any]]

ABSORPTION = (0.02, 0.85)
"""Mean absorptions that rooms have."""
FURTHEST_OUTDOORS_M = 40.0
GROUND = (0.02, 0.5)
CRITICAL = 0.057
"""Critical distance in metres of an omni source in a room of 1 m3 and a T60 of 1 s (Kuttruff, ch. 5)."""
CEILINGS = (0.5, 0.9)
"""Height of a room over the edge of the cube of its volume, within ..."""
CEILINGS_M = (2.0, 20.0)
"""... these heights."""
ASPECT = (0.4, 1.0)
"""Shorter over longer side of a floor."""
OFF_WALLS = (0.5, 0.3)
"""A receiver is so many metres off the walls, in small rooms such a share of the room's size."""
_TRIES = 1000


def log_uniform(rng: np.random.Generator, limits: tuple[float, float]) -> float:
    """A draw whose logarithm is uniform."""
    return float(np.exp(rng.uniform(*np.log(limits))))


def sample_room(rng: np.random.Generator, recipe: RoomRecipe) -> Room:
    """A room whose expected T60 is log-uniform over ``recipe.t60_s`` and whose mean absorption is a physical one.

    Ceilings are 0.5 to 0.9 of the cube's edge (2 to 20 m), floors have an aspect of 0.4 to 1, or are polygons
    (``polygons.sample_polygon``) of the same area. Walls begin at Eyring's absorption, each a little off it, and are
    stretched until responses of the room have the T60 (``reverberation.clad``). ``InputError`` where no room has it.
    """
    if rng.random() < recipe.outdoors_share:
        return _open_air(rng)
    for _ in range(_TRIES):
        dwelling = rng.random() < recipe.dwelling_share
        volume = log_uniform(rng, recipe.dwellings_m3 if dwelling else recipe.volume_m3)
        shape = _shape(rng, volume, recipe.polygon_share)
        if shape is None:
            continue
        t60_s = log_uniform(rng, recipe.t60_s)
        mean = 1 - np.exp(-0.1611 * volume / (shape.surface_m2 * t60_s))
        if not ABSORPTION[0] <= mean <= ABSORPTION[1]:
            continue
        walls = np.clip(mean * np.exp(rng.normal(0, recipe.wall_spread, len(shape.absorption))), *WALLS)
        tilt, scattering = float(rng.uniform(*recipe.tilt)), float(rng.uniform(*recipe.scattering))
        room = clad(replace(shape, absorption=tuple(walls.tolist()), tilt=tilt, scattering=scattering), t60_s)
        if room is not None and ABSORPTION[0] <= np.mean(room.absorption) <= ABSORPTION[1]:
            return room
    least, most = recipe.volume_m3
    raise InputError(
        f"rooms.t60_s {list(recipe.t60_s)}: no room of {least:g} to {most:g} m3 has it; cubes of these sizes have "
        f"{_cube_t60(least, ABSORPTION[1]):.2g} to {_cube_t60(most, ABSORPTION[0]):.2g} s: choose well within them, "
        "or other sizes"
    )


def _cube_t60(volume_m3: float, absorption: float) -> float:
    """Eyring's reverberation time in seconds of a cube whose walls all absorb alike."""
    return float(0.1611 * volume_m3 / (-6 * volume_m3 ** (2 / 3) * np.log1p(-absorption)))


def _open_air(rng: np.random.Generator) -> Room:
    """No walls, and under every second sky no ground either (a mast, a rooftop, deep snow)."""
    ground = log_uniform(rng, GROUND) if rng.random() < 0.5 else 1.0
    return Room.open_air(ground)


def _shape(rng: np.random.Generator, volume: float, polygon_share: float) -> Room | None:
    """A room of a volume with walls yet to be clad; None where the drawn floor is no plausible one."""
    dimensions = _dimensions(rng, volume)
    if not polygon_share or rng.random() >= polygon_share:
        return Room(dimensions, (0.1,) * 6)
    corners = sample_polygon(rng, volume / dimensions[2])
    return None if corners is None else polygon_room(corners, dimensions[2], (0.1,) * (len(corners) + 2))


def polygon_room(
    corners_m: Corners, height_m: float, absorption: tuple[Wall, ...], tilt: float = 0.0, scattering: float = 0.0
) -> Room:
    """An upright room over a floor of corners (x, y) in metres, counter-clockwise.

    ``absorption`` is that of the sides from each corner to the next, the floor and the ceiling. The room is moved so
    that its bounding box begins at the origin. ``InputError``: crossing or clockwise sides, or a wrong count of walls.
    """
    corners = np.array(corners_m, float).reshape(-1, 2)
    if len(corners) < 3 or not is_simple(corners):
        raise InputError(
            f"corners_m {corners_m}: give three or more corners counter-clockwise, whose sides do not cross"
        )
    if len(absorption) != len(corners) + 2:
        raise InputError(
            f"absorption has {len(absorption)} entries: {len(corners)} sides, the floor and the ceiling need one each"
        )
    corners -= corners.min(axis=0)
    width, depth = (float(size) for size in corners.max(axis=0))
    outline = tuple((float(x), float(y)) for x, y in corners)
    return Room((width, depth, height_m), absorption, tilt, scattering, outline)


def _dimensions(rng: np.random.Generator, volume: float) -> tuple[float, float, float]:
    """Width, depth and height in metres of a room of a volume, the longer side of the floor along x or y."""
    height = float(np.clip(volume ** (1 / 3) * rng.uniform(*CEILINGS), *CEILINGS_M))
    area, aspect = volume / height, rng.uniform(*ASPECT)
    sides = float(np.sqrt(area / aspect)), float(np.sqrt(area * aspect))
    return (*(sides if rng.random() < 0.5 else sides[::-1]), height)


def sample_receiver(rng: np.random.Generator, room: Room, height_m: tuple[float, float] = (0.6, 2.0)) -> Floats:
    """A receiver position ``(3,)`` in metres: half a metre off the walls where there is room; mid-field outdoors.

    Where the ceiling is too low for ``height_m`` it is as high as it can be.
    """
    size = np.array(room.dimensions_m)
    margin = 0.45 * size if room.outdoors else np.minimum(OFF_WALLS[0], OFF_WALLS[1] * size)
    position = rng.uniform(margin, size - margin)
    for _ in range(_TRIES):
        if not room.corners_m or distance_inside(np.array(room.corners_m), position[:2]) > margin[:2].min() / 2:
            break
        position = rng.uniform(margin, size - margin)
    top = size[2] if room.outdoors else size[2] - margin[2]
    position[2] = rng.uniform(height_m[0] if height_m[0] <= top else 0.9 * top, min(height_m[1], top))
    return position


def inside(room: Room, positions: Floats) -> bool:
    """Whether positions ``(..., 3)`` are 0.2 m off every wall, or a tenth of a small room's size."""
    size = np.array(room.dimensions_m)
    margin = np.minimum(0.2, 0.1 * size)
    within = np.all(positions > margin) and np.all(positions < size - margin)
    if within and room.corners_m:
        within = np.all(distance_inside(np.array(room.corners_m), positions[..., :2]) > margin[:2].min())
    return bool(within)


def sees(room: Room, positions: Floats, others: Floats) -> bool:
    """Whether no wall stands between positions ``(..., 3)`` and others, all of them inside the room."""
    if not room.corners_m:
        return True
    return bool(np.all(in_sight(np.array(room.corners_m), positions[..., :2], others[..., :2])))


def critical_distance(room: Room, t60_s: float) -> float:
    """Distance in metres at which an omni source's direct and reverberant sound are equal (Kuttruff, ch. 5)."""
    return float(CRITICAL * np.sqrt(room.volume_m3 / t60_s))


def ratio_distances(room: Room, drr_db: tuple[float, float], t60_s: float) -> tuple[float, float]:
    """Distances in metres between which an omni source has a direct-to-reverberant ratio; all of them outdoors."""
    if room.outdoors:
        return 0.0, np.inf
    critical = critical_distance(room, t60_s)
    return critical * 10 ** (-drr_db[1] / 20), critical * 10 ** (-drr_db[0] / 20)


def source_distances(
    room: Room, receiver: Floats, recipe: SourceRecipe, t60_s: float | None = None
) -> tuple[float, float]:
    """Least and largest distance in metres of a source; the first is the larger where the room has none.

    With ``t60_s`` it has the recipe's ratio of direct to reverberant sound, else any.
    """
    size = np.array(room.dimensions_m)
    reach = FURTHEST_OUTDOORS_M if room.outdoors else float(np.linalg.norm(np.maximum(receiver, size - receiver)))
    least, most = (0.0, np.inf) if t60_s is None else ratio_distances(room, recipe.drr_db, t60_s)
    return max(recipe.nearest_m, least), min(reach, most)


def sample_source(
    rng: np.random.Generator,
    room: Room,
    receiver: Floats,
    recipe: SourceRecipe,
    t60_s: float | None = None,
    tries: int = _TRIES,
) -> Floats:
    """A source position ``(3,)``: uniform azimuth, log-uniform distance, mostly near ear height, in sight.

    Elevation is uniform over the sphere for every fourth source (birds, loudspeakers, things on the floor) and within
    +-20 degrees of the horizon otherwise. With ``t60_s``, the room's, distances aim at the recipe's ratio of direct to
    reverberant sound. ``InputError`` where ``tries`` do not find such a place.
    """
    distances = source_distances(room, receiver, recipe, t60_s)
    for _ in range(tries if distances[0] < distances[1] else 0):
        high = rng.random() < 0.25
        elevation = np.degrees(np.arcsin(rng.uniform(-1, 1))) if high else rng.uniform(-20, 20)
        direction = unit_vector(rng.uniform(-180, 180), elevation)
        position = np.asarray(receiver + log_uniform(rng, distances) * direction)
        if inside(room, position) and sees(room, position, receiver):
            return position
    raise InputError(
        f"no place at least {distances[0]:.1f} and at most {distances[1]:.1f} m from the receiver in a room of "
        f"{' x '.join(f'{side:.1f}' for side in room.dimensions_m)} m: widen sources.drr_db or lower sources.nearest_m"
    )
