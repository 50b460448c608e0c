"""Random rooms and places: within their stated ranges, spread as stated, inside the walls."""

from __future__ import annotations

import numpy as np
import pytest

from spatial_lalm.audio.conventions import angles
from spatial_lalm.audio.scene import Room
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.render import decay_times
from spatial_lalm.simulation.room import (
    ABSORPTION,
    DWELLINGS_M3,
    VOLUMES_M3,
    sample_receiver,
    sample_room,
    sample_source,
)

ROOM = Room((6.0, 5.0, 3.0), (0.3,) * 6)
CENTRE = np.array([3.0, 2.5, 1.5])


def rooms(count: int, t60_s: tuple[float, float] = (0.15, 1.5)) -> list[Room]:
    rng = np.random.default_rng(0)
    return [sample_room(rng, t60_s) for _ in range(count)]


def test_rooms_are_within_their_ranges() -> None:
    for room in rooms(300):
        assert VOLUMES_M3[0] * 0.999 <= room.volume_m3 <= VOLUMES_M3[1] * 1.001
        assert 2.0 <= room.dimensions_m[2] <= 20.0
        sides = sorted(room.dimensions_m[:2])
        assert 0.4 <= sides[0] / sides[1] <= 1.0
        assert all(0.01 <= wall <= 0.97 for wall in room.absorption)
        assert -0.25 <= room.tilt <= 0.35


def test_most_rooms_are_dwellings_and_the_rest_span_closets_to_halls() -> None:
    volumes = np.array([room.volume_m3 for room in rooms(600)])
    dwellings = (volumes >= DWELLINGS_M3[0]) & (volumes <= DWELLINGS_M3[1])
    assert 0.65 < dwellings.mean() < 0.95
    assert volumes.max() > 2000


@pytest.mark.parametrize("t60_s", [0.2, 0.5, 1.2])
def test_decay_time_is_around_the_one_asked_for(t60_s: float) -> None:
    """At 1 kHz; the scatter of the walls and the air move single rooms, not their median."""
    found = np.array([decay_times(room)[3] for room in rooms(200, (t60_s, t60_s * 1.001))])
    assert np.median(found) == pytest.approx(t60_s, rel=0.1)
    assert np.quantile(np.abs(np.log(found / t60_s)), 0.9) < np.log(1.6)


def test_walls_differ_within_a_room() -> None:
    ratios = [max(room.absorption) / min(room.absorption) for room in rooms(100)]
    assert 1.5 < np.median(ratios) < 6.0
    assert ABSORPTION[0] < np.median([np.mean(room.absorption) for room in rooms(100)]) < ABSORPTION[1]


def test_longer_side_lies_either_way() -> None:
    along_x = np.mean([room.dimensions_m[0] > room.dimensions_m[1] for room in rooms(200)])
    assert 0.35 < along_x < 0.65


@pytest.mark.parametrize("t60_s", [(50.0, 60.0), (1e-4, 2e-4)])
def test_impossible_decay_time_is_refused(t60_s: tuple[float, float]) -> None:
    with pytest.raises(InputError, match=r"no room of 5 to 20,000 m3 has a T60 .* choose within 0\.1 to 4 s"):
        sample_room(np.random.default_rng(0), t60_s)


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
        source = sample_source(rng, room, receiver, nearest_m)
        assert (source > margin).all()
        assert (source < size - margin).all()
        assert np.linalg.norm(source - receiver) >= nearest_m - 1e-9


def test_sources_surround_the_receiver_mostly_near_ear_height() -> None:
    rng = np.random.default_rng(3)
    vectors = np.array([sample_source(rng, ROOM, CENTRE) - CENTRE for _ in range(600)])
    azimuth, elevation = angles(vectors)
    quarters = np.histogram(azimuth, bins=[-180, -90, 0, 90, 180])[0] / 600
    np.testing.assert_allclose(quarters, 0.25, atol=0.08)
    assert 0.7 < np.mean(np.abs(elevation) <= 20) < 0.95
    assert np.abs(elevation).max() > 45


def test_no_place_far_from_the_receiver_in_a_closet() -> None:
    closet = Room((1.5, 1.5, 2.2), (0.3,) * 6)
    with pytest.raises(InputError, match=r"no place for a source 9\.0 m from the receiver"):
        sample_source(np.random.default_rng(0), closet, np.array([0.7, 0.7, 1.0]), 9.0)


def test_a_seed_gives_the_same_room_and_places() -> None:
    def draw(seed: int) -> tuple[Room, list[float], list[float]]:
        rng = np.random.default_rng(seed)
        room = sample_room(rng, (0.2, 1.0))
        receiver = sample_receiver(rng, room)
        return room, receiver.tolist(), sample_source(rng, room, receiver).tolist()

    assert draw(5) == draw(5)
    assert draw(5) != draw(6)
