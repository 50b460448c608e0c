"""Image sources against closed forms and a slow loop: where they are, how loud, from which side, and how many."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import ambisonic_rotation, rotation_matrix, spherical_harmonics
from spatial_lalm.audio.scene import Room
from spatial_lalm.simulation.engine.images import NEAREST_M, Images, image_sources
from spatial_lalm.simulation.engine.paths import AIR_DB_PER_KM, CARDIOID, TALKER, Path, SourcePattern
from spatial_lalm.simulation.recipe import RoomRecipe, SourceRecipe
from spatial_lalm.simulation.room import sample_receiver, sample_room, sample_source

Floats = NDArray[np.floating[Any]]
BANDED = tuple(tuple(np.linspace(low, low + 0.3, 6).tolist()) for low in (0.1, 0.3, 0.2, 0.25, 0.05, 0.4))
ROOM = Room((6.0, 5.0, 3.0), BANDED)
SOURCE, RECEIVER = np.array([4.3, 3.6, 1.9]), np.array([2.1, 1.7, 1.2])
PATH = Path(ROOM, SOURCE, RECEIVER)


def images(path: Path, reach_m: float) -> Images:
    return image_sources([path], np.array([reach_m]), torch.device("cpu"))


def air(distance: Floats) -> Floats:
    """Amplitude that is left in every band after a way through the air, ``(N, B)``."""
    return np.asarray(10 ** (-AIR_DB_PER_KM * np.asarray(distance)[..., None] / 1000 / 20))


def places(count: int) -> list[Path]:
    """Random rooms, closets and halls among them, with a source and a receiver each."""
    found = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        room = sample_room(rng, RoomRecipe(outdoors_share=0.0, dwelling_share=0.4))
        receiver = sample_receiver(rng, room)
        found.append(Path(room, sample_source(rng, room, receiver, SourceRecipe()), receiver))
    return found


# ---------------------------------------------------------------- places and losses


def test_free_field_has_one_image() -> None:
    """Walls that take everything leave 1 / distance and the air's loss; the rest is rounding."""
    found = images(replace(PATH, room=Room((6.0, 5.0, 3.0), (1.0,) * 6)), 30.0)
    distance = float(np.linalg.norm(SOURCE - RECEIVER))
    assert found.distance[found.direct].item() == pytest.approx(distance, rel=1e-6)
    np.testing.assert_allclose(found.amplitude[found.direct][0], air(np.array(distance)) / distance, rtol=1e-5)
    assert found.amplitude[~found.direct].abs().max() < 1e-6


def test_ground_reflection_is_the_mirrored_source() -> None:
    ground = Room((60.0, 60.0, 60.0), (1.0, 1.0, 1.0, 1.0, 0.36, 1.0))
    source, receiver = np.array([33.0, 30.0, 2.0]), np.array([30.0, 34.0, 1.5])
    found = images(Path(ground, source, receiver), 40.0)
    way = np.hypot(5.0, 3.5)
    loud = ~found.direct & (found.amplitude[:, 0] > 1e-4)
    assert found.distance[loud].tolist() == pytest.approx([way])
    np.testing.assert_allclose(found.amplitude[loud][0], 0.8 / way * air(np.array(way)), rtol=1e-4)
    np.testing.assert_allclose(found.direction[loud][0], np.array([3.0, -4.0, -3.5]) / way, rtol=1e-5)


def test_two_walls_are_a_row_of_images() -> None:
    """Between walls that leave a (at 0) and b (at L): at 2 n L + s by (a b)^|n|, at 2 n L - s by a^|n - 1| b^|n|."""
    room = Room((4.0, 50.0, 50.0), (0.19, 0.51, 1.0, 1.0, 1.0, 1.0))
    a, b = 0.9, 0.7
    source, receiver = np.array([1.0, 25.0, 25.0]), np.array([2.5, 25.0, 25.0])
    expected = {2 * 4.0 * n + 1.0: (a * b) ** abs(n) for n in range(-2, 3)}
    expected |= {2 * 4.0 * n - 1.0: a ** abs(n - 1) * b ** abs(n) for n in range(-2, 3)}
    found = images(Path(room, source, receiver), 15.0)
    loud = found.amplitude[:, 0] > 1e-4
    amplitude = (found.amplitude[loud, 0] * found.distance[loud]).numpy() / air(found.distance[loud].numpy())[:, 0]
    x = (found.direction[loud, 0] * found.distance[loud] + 2.5).tolist()
    heard = {place: gain for place, gain in expected.items() if abs(place - 2.5) < 15}
    assert dict(zip(np.round(x, 3).tolist(), amplitude, strict=True)) == pytest.approx(heard, rel=1e-4)


def slow_images(room: Room, reach_m: float) -> Floats:
    """Vector and amplitudes by band of every image, one mirror room at a time: room i along an axis is the i-th copy.

    Odd copies are mirrored. On the way to copy i > 0 sound crosses the far wall ceil(i / 2) times and the near wall
    floor(i / 2) times; for i < 0 the other way round.
    """
    found = []
    for copies in product(range(-6, 7), repeat=3):
        vector, gain = np.zeros(3), np.ones(6)
        for axis, copy in enumerate(copies):
            size = room.dimensions_m[axis]
            inside = size - SOURCE[axis] if copy % 2 else SOURCE[axis]
            vector[axis] = copy * size + inside - RECEIVER[axis]
            near, far = (np.sqrt(1 - np.array(room.wall_bands[2 * axis + side])) for side in (0, 1))
            first, last = (far, near) if copy > 0 else (near, far)
            gain *= first ** ((abs(copy) + 1) // 2) * last ** (abs(copy) // 2)
        distance = np.linalg.norm(vector)
        if distance < reach_m:
            found.append(np.concatenate([vector, gain / distance * air(distance)]))
    return by_place(np.array(found))


def by_place(rows: Floats) -> Floats:
    """Rows sorted by the places of the images: many lie at one distance."""
    return np.asarray(rows[np.lexsort(np.round(rows[:, :3], 3).T)])


def test_images_are_those_of_a_slow_loop_over_mirror_rooms() -> None:
    found = images(PATH, 15.0)
    rows = by_place(torch.cat([found.direction * found.distance[:, None], found.amplitude], dim=1).numpy())
    expected = slow_images(ROOM, 15.0)
    assert len(rows) == len(expected) > 100
    np.testing.assert_allclose(rows, expected, rtol=1e-4, atol=1e-5)


def test_number_of_images_is_the_volume_of_their_ball_over_the_room() -> None:
    assert len(images(PATH, 40.0).owner) == pytest.approx(4 / 3 * np.pi * 40**3 / ROOM.volume_m3, rel=0.02)


def test_images_are_reciprocal() -> None:
    there, back = images(PATH, 25.0), images(Path(ROOM, RECEIVER, SOURCE), 25.0)
    first, second = (
        torch.cat([one.distance[:, None], one.amplitude], dim=1)[one.amplitude[:, 0].argsort()] for one in (there, back)
    )
    torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-6)


def test_reach_cuts_but_never_the_direct_sound() -> None:
    far, near = images(PATH, 20.0), images(PATH, 12.0)
    assert far.distance.max() < 20.0
    assert sorted(near.distance.tolist()) == sorted(far.distance[far.distance < 12.0].tolist())
    short = images(PATH, 0.1)
    assert short.direct.tolist() == [True]
    assert short.distance.item() == pytest.approx(np.linalg.norm(SOURCE - RECEIVER))


def test_nearest_image_is_the_direct_sound() -> None:
    paths = places(40)
    found = image_sources(paths, np.full(40, 20.0), torch.device("cpu"))
    assert found.owner[found.direct].tolist() == list(range(40))
    for row, path in enumerate(paths):
        own = found.only(found.owner == row)
        assert own.distance.min() == own.distance[own.direct]
        np.testing.assert_allclose(own.direction[own.direct][0], path.direct / np.linalg.norm(path.direct), atol=1e-5)


def test_a_batch_is_its_paths_one_by_one() -> None:
    paths = places(6)
    reach = np.array([5.0, 9.0, 4.0, 12.0, 7.0, 10.0])
    batch = image_sources(paths, reach, torch.device("cpu"))
    for row, (path, own) in enumerate(zip(paths, reach.tolist(), strict=True)):
        alone, mine = images(path, own), batch.only(batch.owner == row)
        torch.testing.assert_close(mine.amplitude, alone.amplitude)
        torch.testing.assert_close(mine.direction, alone.direction)


def test_a_source_at_the_receiver_stays_finite() -> None:
    found = images(Path(ROOM, RECEIVER, RECEIVER), 10.0)
    assert found.amplitude.isfinite().all()
    assert found.amplitude.max() <= 1 / NEAREST_M


# ---------------------------------------------------------------- directivity


@pytest.mark.parametrize("degrees", [0, 60, 90, 140, 180])
def test_direct_sound_has_the_pattern_of_its_angle(degrees: float) -> None:
    aim = rotation_matrix(degrees) @ (RECEIVER - SOURCE) * [1, 1, 0]
    towards = (RECEIVER - SOURCE) / np.linalg.norm(RECEIVER - SOURCE)
    cosine = float(aim @ towards / np.linalg.norm(aim))
    for pattern in (CARDIOID, TALKER):
        plain, directed = (images(replace(PATH, pattern=pattern, aim=a), 0.1).amplitude[0] for a in (None, aim))
        alpha = np.array(pattern.alpha)
        np.testing.assert_allclose(directed / plain, alpha + (1 - alpha) * cosine, rtol=1e-4, atol=1e-6)


def test_image_of_a_directed_source_is_directed_too() -> None:
    """A cardioid that turns its back to the receiver is heard by the wall before it alone."""
    room = Room((6.0, 50.0, 50.0), (1.0, 0.36, 1.0, 1.0, 1.0, 1.0))
    source, receiver = np.array([4.0, 25.0, 25.0]), np.array([1.0, 25.0, 25.0])
    away = images(Path(room, source, receiver, CARDIOID, np.array([1.0, 0.0, 0.0])), 10.0)
    towards = images(Path(room, source, receiver, CARDIOID, np.array([-1.0, 0.0, 0.0])), 10.0)
    behind = (away.distance - 7.0).abs() < 1e-4
    assert away.amplitude[away.direct].abs().max() < 1e-6
    np.testing.assert_allclose(away.amplitude[behind][0], 0.8 / 7 * air(np.array(7.0)), rtol=1e-4)
    np.testing.assert_allclose(towards.amplitude[towards.direct][0], 1 / 3 * air(np.array(3.0)), rtol=1e-4)
    assert towards.amplitude[behind].abs().max() < 1e-6


def test_mirrored_aims_follow_every_wall() -> None:
    """The gain of an image is the pattern's for the ray that leaves the true source: found by unfolding the room."""
    aim = np.array([0.3, -0.8, 0.5])
    figure = SourcePattern((0.0,) * 6)
    plain, directed = images(PATH, 9.0), images(replace(PATH, pattern=figure, aim=aim), 9.0)
    gain = (directed.amplitude / plain.amplitude)[:, 0].numpy()
    place = plain.direction.numpy() * plain.distance.numpy()[:, None] + RECEIVER
    copy = np.floor(place / np.array(ROOM.dimensions_m)).astype(int)
    leaving = -plain.direction.numpy() * np.where(copy % 2, -1, 1)
    np.testing.assert_allclose(gain, leaving @ aim / np.linalg.norm(aim), atol=1e-4)


@pytest.mark.parametrize("pattern", [CARDIOID, TALKER])
def test_diffuse_power_is_the_mean_square_over_the_sphere(pattern: SourcePattern) -> None:
    cosine = np.linspace(-1, 1, 20_001)[:, None]
    alpha = np.array(pattern.alpha)
    np.testing.assert_allclose(pattern.diffuse_power, np.mean((alpha + (1 - alpha) * cosine) ** 2, axis=0), rtol=1e-3)


def test_a_talker_is_softer_to_the_back_and_most_so_in_the_treble() -> None:
    alpha = np.array(TALKER.alpha)
    back_db = 20 * np.log10(2 * alpha - 1)
    np.testing.assert_allclose(back_db, [-1, -3, -4, -6, -10, -16], atol=0.6)


# ---------------------------------------------------------------- facing


@pytest.mark.parametrize("order", [1, 3])
def test_turning_the_receiver_turns_the_field_the_other_way(order: int) -> None:
    facing = rotation_matrix(70.0, 20.0, -35.0)
    still, turned = images(PATH, 10.0), images(replace(PATH, facing=facing), 10.0)
    rotated = spherical_harmonics(order, still.direction) @ ambisonic_rotation(order, facing.T).T
    np.testing.assert_allclose(spherical_harmonics(order, turned.direction), rotated, atol=1e-5)
    torch.testing.assert_close(turned.amplitude, still.amplitude)


def test_what_the_receiver_looks_at_is_in_front() -> None:
    towards = SOURCE - RECEIVER
    yaw = float(np.degrees(np.arctan2(towards[1], towards[0])))
    found = images(replace(PATH, facing=rotation_matrix(yaw)), 0.1)
    assert found.direction[0, 1].abs() < 1e-6
    assert found.direction[0, 0] > 0
