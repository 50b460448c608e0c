"""Ways that sources and receivers go: points in time, straight between them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import angle_between, rotation_matrix, unit_vector, wrap_degrees
from spatial_lalm.audio.scene import Pose, Room
from spatial_lalm.simulation.recipe import ReceiverRecipe, SourceRecipe
from spatial_lalm.simulation.room import inside, log_uniform, ratio_distances, sample_receiver, sample_source, sees

Floats = NDArray[np.floating[Any]]

WALKING_M_S = (0.4, 1.5)
TURN_DEG = (25.0, 70.0)
"""Half the angle that two sources which cross go through."""
_TRIES = 30
_ARC_POINTS = 17


@dataclass(frozen=True)
class Trajectory:
    """Positions ``(P, 3)`` in metres at ``times (P,)`` in seconds, straight in between, at rest before and after."""

    times: Floats
    points: Floats

    @classmethod
    def rest(cls, position: Floats) -> Trajectory:
        """Something that stays where it is."""
        return cls(np.zeros(1), np.asarray(position, float)[None])

    @property
    def moves(self) -> bool:
        """Whether there is more than one place."""
        return len(self.points) > 1

    def at(self, times: Floats) -> Floats:
        """Positions ``(T, 3)`` at times ``(T,)`` in seconds."""
        return np.stack([np.interp(times, self.times, axis) for axis in self.points.T], axis=-1)


def _timed(points: Floats, speed_m_s: float, start_s: float) -> Trajectory:
    """A way gone at constant speed from a moment on."""
    lengths = np.linalg.norm(np.diff(points, axis=0), axis=1)
    times = start_s + np.concatenate([[0.0], np.cumsum(np.maximum(lengths, 1e-6))]) / speed_m_s
    return Trajectory(times, points)


def _clear(room: Room, receiver: Floats, points: Floats, nearest_m: float) -> bool:
    """Whether a way stays inside the room, in sight of the receiver and off it, also between its points."""
    dense = np.concatenate([np.linspace(a, b, 9) for a, b in pairwise(points)])
    return (
        inside(room, dense)
        and sees(room, dense, receiver)
        and bool(np.linalg.norm(dense - receiver, axis=1).min() >= nearest_m)
    )


def arc(receiver: Floats, start: Floats, turn_deg: float, nearer: float = 1.0) -> Floats:
    """Points ``(P, 3)`` on a level bow around the receiver from ``start``, ending ``nearer`` times as far away."""
    vector = start - receiver
    steps = np.linspace(0, 1, _ARC_POINTS)
    points = [rotation_matrix(turn_deg * step) @ vector * nearer**step for step in steps]
    bow: Floats = receiver + np.array(points)
    return bow


def sample_movement(
    rng: np.random.Generator,
    room: Room,
    receiver: Floats,
    start: Floats,
    recipe: SourceRecipe,
    seconds: float,
    start_s: float,
) -> Trajectory:
    """A way from ``start`` for some seconds: straight to another place, in a bow around, towards or away.

    A source that finds no clear way in the room stays at rest.
    """
    for _ in range(_TRIES):
        speed = log_uniform(rng, recipe.speed_m_s)
        way = speed * seconds
        kind = int(rng.integers(3))
        if kind == 0:
            goal = sample_source(rng, room, receiver, recipe)
            points = np.stack([start, start + (goal - start) * min(1.0, way / float(np.linalg.norm(goal - start)))])
        elif kind == 1:
            distance = max(float(np.linalg.norm((start - receiver)[:2])), 0.3)
            turn = float(np.clip(np.degrees(way / distance), 10, 180)) * int(rng.choice([-1, 1]))
            points = arc(receiver, start, turn, float(rng.uniform(0.7, 1.4)))
        else:
            points = np.stack([start, receiver + (start - receiver) * rng.uniform(0.3, 2.5)])
            points[1] = start + (points[1] - start) * min(1.0, way / float(np.linalg.norm(points[1] - start)))
        if _clear(room, receiver, points, recipe.nearest_m):
            return _timed(points, speed, start_s)
    return Trajectory.rest(start)


def sample_crossing(
    rng: np.random.Generator,
    room: Room,
    receiver: Floats,
    recipe: SourceRecipe,
    seconds: float,
    start_s: float,
    t60_s: float,
) -> tuple[Trajectory, Trajectory] | None:
    """Two bows around the receiver that meet in direction half-way through; None where the room has no way for them.

    They begin as far apart as the recipe separates sources, at distances of the ratio that it aims at.
    """
    least, most = ratio_distances(room, recipe.drr_db, t60_s)
    distances = max(0.7, recipe.nearest_m, least), min(4.0, most)
    turns = max(TURN_DEG[0], recipe.separation_deg / 2), TURN_DEG[1]
    for _ in range(_TRIES if distances[0] < distances[1] and turns[0] < turns[1] else 0):
        turn = float(rng.uniform(*turns))
        middle = rng.uniform(-180, 180)
        ways = []
        for sign in (1, -1):
            distance = log_uniform(rng, distances)
            start = receiver + distance * unit_vector(middle - sign * turn, rng.uniform(-10, 10))
            points = arc(receiver, start, 2 * sign * turn)
            if not _clear(room, receiver, points, recipe.nearest_m):
                break
            length = float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
            ways.append(_timed(points, length / seconds, start_s))
        if len(ways) == 2 and angle_between(*(way.points[0] - receiver for way in ways)) > recipe.separation_deg:
            return ways[0], ways[1]
    return None


# ---------------------------------------------------------------- the receiver


@dataclass(frozen=True)
class ReceiverMotion:
    """Where the receiver is and looks: a way, and a yaw that grows by ``turn_deg_s`` from 0 on.

    ``held`` says that it was to be carried and is not.
    """

    way: Trajectory
    turn_deg_s: float = 0.0
    held: bool = False

    @property
    def moves(self) -> bool:
        """Whether anything changes in time."""
        return self.way.moves or self.turn_deg_s != 0.0

    def yaw(self, times: Floats) -> Floats:
        """Yaw in degrees at times ``(T,)``; it looks along x at time 0."""
        return self.turn_deg_s * np.asarray(times, float)

    def facing(self, times: Floats) -> Floats:
        """Rotations ``(T, 3, 3)`` at times ``(T,)``."""
        return np.stack([rotation_matrix(float(yaw)) for yaw in self.yaw(times)])

    def poses(self, duration_s: float, step_s: float) -> tuple[Pose, ...]:
        """Poses every ``step_s`` seconds; none where nothing changes."""
        if not self.moves:
            return ()
        times = np.arange(round(duration_s / step_s)) * step_s
        rows = np.column_stack([self.way.at(times), wrap_degrees(self.yaw(times))])
        return tuple((float(x), float(y), float(z), float(yaw), 0.0, 0.0) for x, y, z, yaw in rows)


def sample_receiver_motion(
    rng: np.random.Generator, room: Room, recipe: ReceiverRecipe, duration_s: float
) -> ReceiverMotion:
    """A receiver at rest, one that turns, or one that is carried along a straight way.

    Over a floor with corners it is not carried, as it would lose sight of its sources.
    """
    position = sample_receiver(rng, room, recipe.height_m)
    turn = rng.choice([-1, 1]) * log_uniform(rng, recipe.turn_deg_s) if rng.random() < recipe.turning_share else 0.0
    carried = rng.random() < recipe.carried_share
    if not carried or room.corners_m:
        return ReceiverMotion(Trajectory.rest(position), float(turn), held=carried)
    goal = sample_receiver(rng, room, recipe.height_m)
    goal[2] = position[2]
    speed = log_uniform(rng, WALKING_M_S)
    reach = min(1.0, speed * duration_s / max(float(np.linalg.norm(goal - position)), 1e-6))
    return ReceiverMotion(_timed(np.stack([position, position + reach * (goal - position)]), speed, 0.0), float(turn))
