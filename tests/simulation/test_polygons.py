"""Floors that are no rectangles: areas by hand, what is inside, what is hidden, and what is drawn."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from spatial_lalm.audio.scene import Room
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.polygons import (
    SHORTEST_SIDE_M,
    area,
    distance_inside,
    in_sight,
    is_simple,
    plausible,
    sample_polygon,
)
from spatial_lalm.simulation.recipe import RoomRecipe, SourceRecipe
from spatial_lalm.simulation.room import inside, polygon_room, sample_receiver, sample_room, sample_source, sees

Floats = NDArray[np.floating[Any]]
L_SHAPE = ((0.0, 0.0), (7.0, 0.0), (7.0, 3.0), (4.0, 3.0), (4.0, 6.0), (0.0, 6.0))
L = np.array(L_SHAPE)


def rotated(corners: Floats, degrees: float) -> Floats:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.asarray(corners @ np.array([[c, s], [-s, c]]))


def test_l_shaped_room_has_the_measures_that_one_counts_by_hand() -> None:
    room = polygon_room(L_SHAPE, 2.5, (0.1,) * 8)
    assert room.dimensions_m == (7.0, 6.0, 2.5)
    assert room.floor_m2 == pytest.approx(7 * 3 + 4 * 3)
    assert room.volume_m3 == pytest.approx(33 * 2.5)
    assert room.wall_areas_m2 == pytest.approx((17.5, 7.5, 7.5, 7.5, 10.0, 15.0, 33.0, 33.0))
    assert room.surface_m2 == pytest.approx((7 + 3 + 3 + 3 + 4 + 6) * 2.5 + 66)


def test_rectangle_has_the_measures_of_the_shoebox() -> None:
    box = Room((6.0, 5.0, 3.0), (0.1, 0.2, 0.3, 0.4, 0.5, 0.6))
    outline = polygon_room(((0, 0), (6, 0), (6, 5), (0, 5)), 3.0, (0.3, 0.2, 0.4, 0.1, 0.5, 0.6))
    assert outline.volume_m3 == pytest.approx(box.volume_m3)
    assert outline.surface_m2 == pytest.approx(box.surface_m2)
    lost = [float(np.dot(room.wall_areas_m2, np.array(room.wall_bands)[:, 3])) for room in (box, outline)]
    assert lost[0] == pytest.approx(lost[1])


def test_room_survives_json_with_its_corners() -> None:
    room = polygon_room(L_SHAPE, 2.5, (0.1, 0.2, (0.1,) * 6, 0.3, 0.1, 0.1, 0.2, 0.6), 0.1, 0.4)
    assert Room.from_json(asdict(room)) == room
    content = asdict(Room((6.0, 5.0, 3.0), (0.1,) * 6))
    del content["corners_m"]  # as written before there were corners
    assert Room.from_json(content).corners_m == ()


def test_room_over_an_outline_is_outdoors_where_only_the_ground_reflects() -> None:
    assert polygon_room(L_SHAPE, 2.5, (1.0,) * 6 + (0.1, 1.0)).outdoors
    assert not polygon_room(L_SHAPE, 2.5, (1.0,) * 6 + (1.0, 0.1)).outdoors


def test_room_is_moved_to_the_origin() -> None:
    moved = tuple((x - 3.0, y + 11.0) for x, y in L_SHAPE)
    assert polygon_room(moved, 2.5, (0.1,) * 8) == polygon_room(L_SHAPE, 2.5, (0.1,) * 8)


@pytest.mark.parametrize(
    ("corners", "walls", "message"),
    [
        (L_SHAPE[::-1], 8, "counter-clockwise"),
        (((0.0, 0.0), (4.0, 4.0), (4.0, 0.0), (0.0, 3.0)), 6, "do not cross"),
        (L_SHAPE[:2], 4, "three or more"),
        (L_SHAPE, 6, "6 entries: 6 sides"),
    ],
)
def test_what_is_no_room_is_refused(corners: tuple[tuple[float, float], ...], walls: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        polygon_room(corners, 2.5, (0.1,) * walls)


def test_distance_inside_is_that_of_the_nearest_wall_and_negative_outside() -> None:
    points = np.array([[1.0, 1.0], [3.5, 2.9], [5.0, 4.0], [-1.0, 2.0], [3.9, 5.0], [6.9, 1.5]])
    corner = np.hypot(0.5, 0.1)
    np.testing.assert_allclose(distance_inside(L, points), [1.0, corner, -1.0, -1.0, 0.1, 0.1], atol=1e-12)


@pytest.mark.parametrize("degrees", [0.0, 33.0, 90.0, 201.0])
def test_inside_and_sight_turn_with_the_floor(degrees: float) -> None:
    """And inside is what a count of small squares says it is."""
    x, y = np.meshgrid(np.arange(0.05, 7, 0.1), np.arange(0.05, 6, 0.1))
    grid = np.stack([x, y], axis=-1).reshape(-1, 2)
    within = distance_inside(rotated(L, degrees), rotated(grid, degrees)) > 0
    assert within.sum() * 0.01 == pytest.approx(area(L), rel=1e-9)
    a, b = np.array([6.5, 1.0]), grid[within]
    seen = in_sight(rotated(L, degrees), rotated(a[None], degrees), rotated(b, degrees))
    # Hidden is what lies above the line from there through the corner that stands out, (4, 3).
    hidden = (b[:, 0] < 4) & (b[:, 1] - 1 > (6.5 - b[:, 0]) * 2 / 2.5)
    np.testing.assert_array_equal(seen, ~hidden)


def test_sight_is_mutual_and_convex_floors_hide_nothing() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 6, (200, 2))
    points = points[distance_inside(L, points) > 0]
    a, b = points[:40], points[40:80]
    np.testing.assert_array_equal(in_sight(L, a, b), in_sight(L, b, a))
    assert not in_sight(L, a, b).all()
    square = np.array([[0.0, 0.0], [6.0, 0.0], [6.0, 6.0], [0.0, 6.0]])
    assert in_sight(square, rng.uniform(0, 6, (200, 2)), rng.uniform(0, 6, (200, 2))).all()


def test_plausible_floors_have_long_walls_and_no_sharp_corners() -> None:
    assert plausible(L)
    assert not plausible(L * 0.3)  # a side of 0.9 m
    assert not plausible(np.array([[0.0, 0.0], [9.0, 0.0], [9.0, 2.0]]))  # 12.5 degrees


def test_drawn_floors_are_plausible_have_their_area_and_come_in_all_kinds() -> None:
    rng = np.random.default_rng(0)
    floors = [sample_polygon(rng, 25.0) for _ in range(300)]
    kept = [np.array(corners) for corners in floors if corners is not None]
    assert len(kept) > 0.9 * len(floors)
    assert {len(corners) for corners in kept} == {4, 5, 6}
    convex = 0
    for corners in kept:
        ways = np.roll(corners, -1, axis=0) - corners
        turns = ways[:, 0] * np.roll(ways, -1, axis=0)[:, 1] - ways[:, 1] * np.roll(ways, -1, axis=0)[:, 0]
        convex += bool((turns > 0).all())
        assert area(corners) == pytest.approx(25.0)
        assert is_simple(corners)
        assert np.linalg.norm(ways, axis=1).min() >= SHORTEST_SIDE_M
        np.testing.assert_allclose(corners.min(axis=0), 0, atol=1e-12)
    assert 0.2 < convex / len(kept) < 0.8


def test_places_in_drawn_rooms_are_inside_and_see_each_other() -> None:
    corners = set()
    for seed in range(40):
        rng = np.random.default_rng(seed)
        room = sample_room(rng, RoomRecipe(polygon_share=1.0, outdoors_share=0.0))
        receiver = sample_receiver(rng, room)
        source = sample_source(rng, room, receiver, SourceRecipe())
        assert inside(room, np.stack([receiver, source]))
        assert sees(room, source, receiver)
        assert len(room.absorption) == len(room.corners_m) + 2
        corners.add(len(room.corners_m))
    assert corners == {4, 5, 6}


def test_no_share_of_polygons_leaves_the_drawn_rooms_as_they_were() -> None:
    """Shoeboxes draw no number for it, so that scenes made before stay the same."""
    rooms = [sample_room(np.random.default_rng(seed), RoomRecipe(outdoors_share=0.0)) for seed in range(20)]
    assert not any(room.corners_m for room in rooms)
    half = [sample_room(np.random.default_rng(s), RoomRecipe(outdoors_share=0.0, polygon_share=0.5)) for s in range(40)]
    assert 8 < sum(bool(room.corners_m) for room in half) < 32
