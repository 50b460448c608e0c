"""Random rooms and places: within their stated ranges, spread as stated, inside the walls."""

from __future__ import annotations

import numpy as np
import pytest

from spatial_lalm.audio.conventions import angles
from spatial_lalm.audio.scene import FIELD_M, Room
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.engine.reverberation import expected_t60
from spatial_lalm.simulation.recipe import RoomRecipe, SourceRecipe
from spatial_lalm.simulation.room import (
    ABSORPTION,
    FURTHEST_OUTDOORS_M,
    GROUND,
    critical_distance,
    inside,
    sample_receiver,
    sample_room,
    sample_source,
)

ROOM = Room((6.0, 5.0, 3.0), (0.3,) * 6)
CENTRE = np.array([3.0, 2.5, 1.5])
ANYWHERE = SourceRecipe()


def indoors(t60_s: tuple[float, float] = (0.15, 1.5)) -> RoomRecipe:
    return RoomRecipe(t60_s=t60_s, outdoors_share=0.0)


def rooms(count: int, t60_s: tuple[float, float] = (0.15, 1.5)) -> list[Room]:
    rng = np.random.default_rng(0)
    return [sample_room(rng, indoors(t60_s)) for _ in range(count)]


def test_rooms_are_within_their_ranges() -> None:
    for room in rooms(300):
        assert 5.0 * 0.999 <= room.volume_m3 <= 20_000.0 * 1.001
        assert 2.0 <= room.dimensions_m[2] <= 20.0
        sides = sorted(room.dimensions_m[:2])
        assert 0.4 <= sides[0] / sides[1] <= 1.0
        assert all(0.01 <= wall <= 0.97 for wall in room.absorption)
        assert -0.25 <= room.tilt <= 0.35
        assert 0.5 <= room.scattering <= 1.0
        assert not room.outdoors


def test_most_rooms_are_dwellings_and_the_rest_span_closets_to_halls() -> None:
    volumes = np.array([room.volume_m3 for room in rooms(600)])
    dwellings = (volumes >= 12.0) & (volumes <= 400.0)
    assert 0.65 < dwellings.mean() < 0.95
    assert volumes.max() > 2000


def test_halls_and_churches_are_there_when_asked_for() -> None:
    rng = np.random.default_rng(0)
    recipe = RoomRecipe(t60_s=(2.0, 4.0), dwelling_share=0.0, outdoors_share=0.0)
    volumes = np.array([sample_room(rng, recipe).volume_m3 for _ in range(100)])
    assert np.median(volumes) > 200
    assert volumes.max() > 10_000


@pytest.mark.parametrize("t60_s", [0.2, 0.5, 1.2])
def test_decay_time_is_the_one_asked_for(t60_s: float) -> None:
    found = np.array([expected_t60(room) for room in rooms(60, (t60_s, t60_s * 1.001))])
    np.testing.assert_allclose(found, t60_s, rtol=0.01)


def test_walls_differ_within_a_room() -> None:
    ratios = [max(room.absorption) / min(room.absorption) for room in rooms(100)]
    assert 1.5 < np.median(ratios) < 6.0
    assert ABSORPTION[0] < np.median([np.mean(room.absorption) for room in rooms(100)]) < ABSORPTION[1]


def test_longer_side_lies_either_way() -> None:
    along_x = np.mean([room.dimensions_m[0] > room.dimensions_m[1] for room in rooms(200)])
    assert 0.35 < along_x < 0.65


@pytest.mark.parametrize("t60_s", [(50.0, 60.0), (1e-4, 2e-4)])
def test_impossible_decay_time_is_refused(t60_s: tuple[float, float]) -> None:
    told = r"rooms.t60_s .*: no room of 5 to 20000 m3 has it; cubes of .* 0\.024 to 36 s: choose"
    with pytest.raises(InputError, match=told):
        sample_room(np.random.default_rng(0), indoors(t60_s))


def test_receivers_keep_off_the_walls_at_a_human_height() -> None:
    rng = np.random.default_rng(1)
    for room in rooms(200):
        size = np.array(room.dimensions_m)
        margin = np.minimum(0.5, 0.3 * size)[:2]
        receiver = sample_receiver(rng, room)
        assert (receiver[:2] >= margin).all()
        assert (receiver[:2] <= size[:2] - margin).all()
        assert 0.6 <= receiver[2] <= 2.0
        assert receiver[2] < size[2]


@pytest.mark.parametrize("nearest_m", [0.3, 0.5, 1.0])
def test_sources_are_inside_the_walls_and_not_too_near(nearest_m: float) -> None:
    rng = np.random.default_rng(2)
    for room in rooms(100, (0.3, 1.0)):
        size = np.array(room.dimensions_m)
        margin = np.minimum(0.2, 0.1 * size)
        receiver = sample_receiver(rng, room)
        source = sample_source(rng, room, receiver, SourceRecipe(nearest_m=nearest_m))
        assert (source > margin).all()
        assert (source < size - margin).all()
        assert np.linalg.norm(source - receiver) >= nearest_m - 1e-9


def test_sources_surround_the_receiver_mostly_near_ear_height() -> None:
    rng = np.random.default_rng(3)
    vectors = np.array([sample_source(rng, ROOM, CENTRE, ANYWHERE) - CENTRE for _ in range(600)])
    azimuth, elevation = angles(vectors)
    quarters = np.histogram(azimuth, bins=[-180, -90, 0, 90, 180])[0] / 600
    np.testing.assert_allclose(quarters, 0.25, atol=0.08)
    assert 0.7 < np.mean(np.abs(elevation) <= 20) < 0.95
    assert np.abs(elevation).max() > 45


def test_no_place_far_from_the_receiver_in_a_closet() -> None:
    closet = Room((1.5, 1.5, 2.2), (0.3,) * 6)
    message = (
        r"no place at least 9\.0 and at most 1\.6 m from the receiver in a room of 1\.5 x 1\.5 x 2\.2 m: "
        r"widen sources\.drr_db or lower"
    )
    with pytest.raises(InputError, match=message):
        sample_source(np.random.default_rng(0), closet, np.array([0.7, 0.7, 1.0]), SourceRecipe(nearest_m=9.0))


def test_distances_follow_the_ratio_aimed_at() -> None:
    """A ratio of r dB lies 10^(-r / 20) critical distances away; that of 90 m3 at 0.5 s is 0.76 m."""
    assert critical_distance(ROOM, 0.5) == pytest.approx(0.765, abs=0.001)
    rng = np.random.default_rng(4)
    recipe = SourceRecipe(nearest_m=0.2, drr_db=(-9.0, -6.0))
    away = [np.linalg.norm(sample_source(rng, ROOM, CENTRE, recipe, 0.5) - CENTRE) for _ in range(200)]
    assert min(away) >= 0.765 * 10 ** (6 / 20) - 1e-3
    assert max(away) <= 0.765 * 10 ** (9 / 20) + 1e-3


def test_inside_keeps_off_every_wall() -> None:
    for axis in range(3):
        for place in (0.15, ROOM.dimensions_m[axis] - 0.15, -1.0):
            position = CENTRE.copy()
            position[axis] = place
            assert not inside(ROOM, position)
            assert not inside(ROOM, np.stack([CENTRE, position]))
    assert inside(ROOM, np.stack([CENTRE, CENTRE + 0.5]))


# ---------------------------------------------------------------- open air


def open_air(count: int) -> list[Room]:
    rng = np.random.default_rng(0)
    return [sample_room(rng, RoomRecipe(outdoors_share=1.0)) for _ in range(count)]


def test_open_air_has_at_most_a_ground() -> None:
    found = open_air(200)
    assert all(room.outdoors and room.volume_m3 == np.inf and room.dimensions_m == FIELD_M for room in found)
    grounds = np.array([room.absorption[4] for room in found])
    hard = grounds < 1.0
    assert 0.4 < hard.mean() < 0.6
    assert grounds[hard].min() >= GROUND[0]
    assert grounds[hard].max() <= GROUND[1]


def test_places_in_open_air_are_far_from_its_box() -> None:
    rng = np.random.default_rng(1)
    room = open_air(1)[0]
    for _ in range(100):
        receiver = sample_receiver(rng, room)
        source = sample_source(rng, room, receiver, ANYWHERE)
        assert 0.6 <= receiver[2] <= 2.0
        assert 0.5 - 1e-9 <= np.linalg.norm(source - receiver) <= FURTHEST_OUTDOORS_M
        assert (source > 0).all()


def test_share_of_open_air_is_as_asked() -> None:
    rng = np.random.default_rng(2)
    share = np.mean([sample_room(rng, RoomRecipe(outdoors_share=0.3)).outdoors for _ in range(400)])
    assert share == pytest.approx(0.3, abs=0.07)


def test_a_seed_gives_the_same_room_and_places() -> None:
    def draw(seed: int) -> tuple[Room, list[float], list[float]]:
        rng = np.random.default_rng(seed)
        room = sample_room(rng, indoors((0.2, 1.0)))
        receiver = sample_receiver(rng, room)
        return room, receiver.tolist(), sample_source(rng, room, receiver, ANYWHERE).tolist()

    assert draw(5) == draw(5)
    assert draw(5) != draw(6)
