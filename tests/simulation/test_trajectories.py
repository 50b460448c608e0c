"""Ways of sources and receivers: inside the room, off the receiver, at the speed asked for, and crossing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import angles, rotation_matrix, wrap_degrees
from spatial_lalm.audio.scene import Room
from spatial_lalm.simulation.recipe import ReceiverRecipe, RoomRecipe, SourceRecipe
from spatial_lalm.simulation.room import inside, sample_receiver, sample_room, sample_source
from spatial_lalm.simulation.trajectories import (
    WALKING_M_S,
    ReceiverMotion,
    Trajectory,
    arc,
    sample_crossing,
    sample_movement,
    sample_receiver_motion,
)

Floats = NDArray[np.floating[Any]]
ROOM = Room((8.0, 7.0, 3.0), (0.3,) * 6)
CENTRE = np.array([4.0, 3.5, 1.4])
RECIPE = SourceRecipe(nearest_m=0.6, speed_m_s=(0.3, 1.8))


def movements(count: int) -> list[tuple[Room, Floats, Trajectory]]:
    """Movers of eight seconds in random rooms, with their receivers."""
    found = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        room = sample_room(rng, RoomRecipe(outdoors_share=0.1))
        receiver = sample_receiver(rng, room)
        start = sample_source(rng, room, receiver, RECIPE)
        found.append((room, receiver, sample_movement(rng, room, receiver, start, RECIPE, 8.0, 2.0)))
    return found


def dense(way: Trajectory) -> Floats:
    return way.at(np.linspace(way.times[0] - 1, way.times[-1] + 1, 400))


# ---------------------------------------------------------------- one way


def test_rest_is_everywhere_the_same() -> None:
    way = Trajectory.rest(CENTRE)
    assert not way.moves
    np.testing.assert_array_equal(way.at(np.array([-5.0, 0.0, 100.0])), np.tile(CENTRE, (3, 1)))


def test_way_is_straight_between_its_points_and_rests_outside() -> None:
    way = Trajectory(np.array([1.0, 3.0]), np.array([[0.0, 0.0, 0.0], [2.0, -4.0, 6.0]]))
    np.testing.assert_allclose(way.at(np.array([0.0, 1.0, 1.5, 3.0, 9.0]))[:, 1], [0.0, 0.0, -1.0, -4.0, -4.0])


def test_arc_turns_about_the_receiver_and_keeps_its_height() -> None:
    start = CENTRE + np.array([1.5, 0.0, 0.4])
    points = arc(CENTRE, start, 90.0)
    azimuth, _ = angles(points - CENTRE)
    np.testing.assert_allclose(azimuth, np.linspace(0, 90, len(points)), atol=1e-9)
    np.testing.assert_allclose(points[:, 2], start[2])
    np.testing.assert_allclose(np.linalg.norm(arc(CENTRE, start, -60.0, 0.5)[-1] - CENTRE), np.hypot(1.5, 0.4) / 2)


def test_movers_stay_inside_and_off_the_receiver() -> None:
    moving = 0
    for room, receiver, way in movements(80):
        places = dense(way)
        assert inside(room, places)
        assert np.linalg.norm(places - receiver, axis=1).min() >= RECIPE.nearest_m * 0.97
        moving += way.moves
    assert moving > 60


def test_movers_start_when_told_and_keep_their_speed() -> None:
    for _, _, way in movements(60):
        if not way.moves:
            continue
        assert way.times[0] == 2.0
        speeds = np.linalg.norm(np.diff(way.points, axis=0), axis=1) / np.diff(way.times)
        np.testing.assert_allclose(speeds, speeds[0], rtol=1e-6)
        assert 0.3 - 1e-9 <= speeds[0] <= 1.8 + 1e-9


def test_movements_are_of_several_kinds() -> None:
    """Straight, around, and nearer or farther along one direction."""
    kinds = set()
    for _, receiver, way in movements(60):
        if way.moves:
            azimuth, _ = angles(way.points - receiver)
            radial = len(way.points) == 2 and abs(wrap_degrees(azimuth[1] - azimuth[0])) < 0.5
            kinds.add("around" if len(way.points) > 2 else "radial" if radial else "straight")
    assert kinds == {"around", "radial", "straight"}


def test_where_there_is_no_way_a_source_stays() -> None:
    closet = Room((1.6, 1.6, 2.1), (0.3,) * 6)
    start = np.array([1.4, 1.4, 1.1])
    recipe = SourceRecipe(nearest_m=0.82)
    ways = [
        sample_movement(np.random.default_rng(s), closet, np.array([0.8, 0.8, 1.0]), start, recipe, 5.0, 0.0)
        for s in range(10)
    ]
    assert any(not way.moves for way in ways)
    assert all(inside(closet, dense(way)) for way in ways)


# ---------------------------------------------------------------- two that cross


def test_crossing_movers_swap_sides() -> None:
    """Their azimuths start apart and end apart the other way round; half-way they meet."""
    found = 0
    for seed in range(20):
        pair = sample_crossing(np.random.default_rng(seed), ROOM, CENTRE, RECIPE, 4.0, 1.0, 0.5)
        if pair is None:
            continue
        found += 1
        start, middle, end = (
            [float(angles(way.at(np.array([t]))[0] - CENTRE)[0]) for way in pair] for t in (1.0, 3.0, 5.0)
        )
        apart = [float(wrap_degrees(first - second)) for first, second in (start, middle, end)]
        assert abs(apart[0]) >= 50 - 1e-6
        assert abs(apart[1]) < 1.0
        assert np.sign(apart[2]) == -np.sign(apart[0])
        for way in pair:
            assert inside(ROOM, dense(way))
            assert np.linalg.norm(dense(way) - CENTRE, axis=1).min() >= RECIPE.nearest_m
            assert (way.times[0], way.times[-1]) == pytest.approx((1.0, 5.0))
    assert found >= 15


def test_no_crossing_where_there_is_no_room() -> None:
    closet = Room((1.2, 1.2, 2.1), (0.3,) * 6)
    assert sample_crossing(np.random.default_rng(0), closet, np.array([0.6, 0.6, 1.0]), RECIPE, 4.0, 0.0, 0.5) is None


# ---------------------------------------------------------------- the receiver


def test_receivers_rest_turn_or_are_carried_as_often_as_asked() -> None:
    rng = np.random.default_rng(0)
    recipe = ReceiverRecipe(turning_share=0.3, carried_share=0.2, turn_deg_s=(10.0, 60.0))
    motions = [sample_receiver_motion(rng, ROOM, recipe, 10.0) for _ in range(400)]
    turning = np.array([abs(motion.turn_deg_s) for motion in motions])
    assert np.mean(turning > 0) == pytest.approx(0.3, abs=0.07)
    assert turning[turning > 0].min() >= 10 - 1e-9
    assert turning.max() <= 60 + 1e-9
    assert np.mean([motion.way.moves for motion in motions]) == pytest.approx(0.2, abs=0.06)


def test_carried_receivers_walk_inside_at_one_height() -> None:
    rng = np.random.default_rng(1)
    recipe = ReceiverRecipe(carried_share=1.0, turning_share=0.0)
    for _ in range(60):
        motion = sample_receiver_motion(rng, ROOM, recipe, 6.0)
        places = dense(motion.way)
        assert inside(ROOM, places)
        np.testing.assert_allclose(places[:, 2], places[0, 2])
        speed = np.linalg.norm(np.diff(motion.way.points, axis=0)) / np.diff(motion.way.times)[0]
        assert WALKING_M_S[0] - 1e-9 <= speed <= WALKING_M_S[1] + 1e-9


def test_poses_are_those_of_the_way_and_the_turning() -> None:
    way = Trajectory(np.array([0.0, 2.0]), np.array([[1.0, 1.0, 1.5], [3.0, 1.0, 1.5]]))
    motion = ReceiverMotion(way, -50.0)
    poses = np.array(motion.poses(10.0, 0.1))
    assert poses.shape == (100, 6)
    assert poses[10, :3] == pytest.approx([2.0, 1.0, 1.5])
    np.testing.assert_allclose(poses[:, 3], wrap_degrees(-5.0 * np.arange(100)), atol=1e-9)
    np.testing.assert_allclose(motion.facing(np.array([1.0]))[0], rotation_matrix(-50.0))
    assert ReceiverMotion(Trajectory.rest(CENTRE)).poses(10.0, 0.1) == ()
