"""The renderer against physics: arrival, amplitude, direction, image sources, decay, seam and symmetries."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import acn_orders, angle_between, spherical_harmonics
from spatial_lalm.audio.scene import Room
from spatial_lalm.simulation.acoustics import direct_to_reverberant_db, measure
from spatial_lalm.simulation.render import (
    MIXING_S,
    SPEED_OF_SOUND,
    Response,
    decay_times,
    diffuse_tail,
    image_sources,
    mixing_time,
    render_response,
)
from spatial_lalm.simulation.room import sample_receiver, sample_room, sample_source

Floats = NDArray[np.floating[Any]]
RATE = 16_000
HALL = Room((12.0, 11.0, 10.0), (0.3,) * 6)
CENTRE = np.array([6.0, 5.5, 5.0])
ROOM = Room((6.0, 5.0, 3.0), (0.2, 0.35, 0.25, 0.3, 0.15, 0.4))
SOURCE = np.array([4.3, 3.6, 1.9])
RECEIVER = np.array([2.1, 1.7, 1.2])
VECTORS = [(2.0, 0.3, 0.4), (-1.2, 1.1, -0.6), (0.4, -2.5, 0.9), (0.0, 0.0, 1.5), (-0.7, 0.0, 0.0)]


def rendered(room: Room, source: Floats, receiver: Floats, order: int = 1, seed: int = 0) -> Response:
    return render_response(room, source, receiver, order, RATE, np.random.default_rng(seed))


def direct_sound(vector: tuple[float, float, float], order: int = 1) -> Floats:
    """What arrives in the middle of a hall before its first reflection, ``(channels, 320)``."""
    return rendered(HALL, CENTRE + vector, CENTRE, order).taps[:, :320]


def random_places(count: int) -> list[tuple[Room, Floats, Floats]]:
    """Random rooms of T60 0.2 to 1.2 s, with a source and a receiver each."""
    places = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        room = sample_room(rng, (0.2, 1.2))
        receiver = sample_receiver(rng, room)
        places.append((room, sample_source(rng, room, receiver), receiver))
    return places


def seam_sample(room: Room, source: Floats, receiver: Floats) -> int:
    """Where the images end: at the mixing time, and not sooner than 30 ms after the direct sound."""
    direct_s = float(np.linalg.norm(source - receiver)) / SPEED_OF_SOUND
    return int(max(mixing_time(room), direct_s + MIXING_S[0]) * RATE)


# ---------------------------------------------------------------- direct sound


@pytest.mark.parametrize("vector", VECTORS)
def test_direct_sound_arrives_at_distance_over_c(vector: tuple[float, float, float]) -> None:
    """By the phase slope from 1 to 5 kHz, where the high-pass no longer turns the phase."""
    frequency = np.fft.rfftfreq(4096, 1 / RATE)
    inside = (frequency > 1000) & (frequency < 5000)
    phase = np.unwrap(np.angle(np.fft.rfft(direct_sound(vector)[0], 4096)[inside]))
    delay = -np.polyfit(2 * np.pi * frequency[inside], phase, 1)[0] * RATE
    expected = float(np.linalg.norm(vector)) / SPEED_OF_SOUND * RATE
    assert delay == pytest.approx(expected, abs=0.5)
    assert rendered(HALL, CENTRE + vector, CENTRE).direct_sample == pytest.approx(expected)


@pytest.mark.parametrize("vector", VECTORS)
def test_amplitude_is_one_over_distance(vector: tuple[float, float, float]) -> None:
    frequency = np.fft.rfftfreq(4096, 1 / RATE)
    inside = (frequency > 100) & (frequency < 5000)
    spectrum = np.abs(np.fft.rfft(direct_sound(vector)[0], 4096)[inside])
    assert np.sqrt(np.mean(spectrum**2)) == pytest.approx(1 / float(np.linalg.norm(vector)), rel=0.02)


@pytest.mark.parametrize("vector", VECTORS)
def test_intensity_of_the_direct_sound_points_at_the_source(vector: tuple[float, float, float]) -> None:
    taps = direct_sound(vector)
    assert angle_between(taps[[3, 1, 2]] @ taps[0], vector) < 0.5


@pytest.mark.parametrize("vector", VECTORS)
def test_direct_sound_has_the_gains_of_second_order(vector: tuple[float, float, float]) -> None:
    taps = direct_sound(vector, order=2)
    unit = np.array(vector) / np.linalg.norm(vector)
    np.testing.assert_allclose(taps @ taps[0] / (taps[0] @ taps[0]), spherical_harmonics(2, unit[None])[0], atol=1e-4)


def test_nothing_arrives_before_the_direct_sound() -> None:
    response = rendered(ROOM, SOURCE, RECEIVER)
    early = response.taps[:, : int(response.direct_sample) - 16]
    assert np.abs(early).max() == 0


def test_there_is_no_sound_at_zero_hertz() -> None:
    taps = rendered(ROOM, SOURCE, RECEIVER).taps.astype(float)
    level = np.abs(np.fft.rfft(taps[0]))
    frequency = np.fft.rfftfreq(taps.shape[1], 1 / RATE)
    assert level[frequency < 10].max() < 0.05 * level[(frequency > 200) & (frequency < 1000)].max()


# ---------------------------------------------------------------- images


def slow_images(room: Room, source: Floats, receiver: Floats, reach_m: float) -> list[tuple[float, ...]]:
    """Distance, amplitude and vector of every image, one mirror room at a time: room i along an axis is the i-th copy.

    Odd copies are mirrored. On the way to copy i > 0 sound crosses the far wall ceil(i / 2) times and the near wall
    floor(i / 2) times; for i < 0 the other way round.
    """
    found = []
    for copies in product(range(-8, 9), repeat=3):
        vector, gain = np.zeros(3), 1.0
        for axis, copy in enumerate(copies):
            size = room.dimensions_m[axis]
            inside = size - source[axis] if copy % 2 else source[axis]
            vector[axis] = copy * size + inside - receiver[axis]
            near, far = (np.sqrt(1 - room.absorption[2 * axis + side]) for side in (0, 1))
            first, last = (far, near) if copy > 0 else (near, far)
            gain *= first ** ((abs(copy) + 1) // 2) * last ** (abs(copy) // 2)
        distance = float(np.linalg.norm(vector))
        if distance < reach_m:
            found.append((distance, gain / distance, *vector))
    return found


def by_place(images: Floats) -> Floats:
    """Rows sorted by the places of the images: many lie at one distance."""
    return np.asarray(images[np.lexsort(np.round(images[:, 2:], 6).T)])


def test_images_are_those_of_a_slow_loop_over_mirror_rooms() -> None:
    vectors, amplitude = image_sources(ROOM, SOURCE, RECEIVER, 18.0)
    expected = np.array(slow_images(ROOM, SOURCE, RECEIVER, 18.0))
    assert len(amplitude) == len(expected) > 200
    found = np.column_stack([np.linalg.norm(vectors, axis=1), amplitude, vectors])
    assert (np.diff(found[:, 0]) >= 0).all()
    np.testing.assert_allclose(by_place(found), by_place(expected), rtol=1e-9, atol=1e-9)


def test_first_image_is_the_direct_sound() -> None:
    vectors, amplitude = image_sources(ROOM, SOURCE, RECEIVER, 10.0)
    np.testing.assert_allclose(vectors[0], SOURCE - RECEIVER)
    assert amplitude[0] == pytest.approx(1 / np.linalg.norm(SOURCE - RECEIVER))


def test_number_of_images_is_the_volume_of_their_ball_over_the_room() -> None:
    _, amplitude = image_sources(ROOM, SOURCE, RECEIVER, 40.0)
    assert len(amplitude) == pytest.approx(4 / 3 * np.pi * 40**3 / ROOM.volume_m3, rel=0.02)


def test_images_are_reciprocal() -> None:
    there, there_amplitude = image_sources(ROOM, SOURCE, RECEIVER, 25.0)
    back, back_amplitude = image_sources(ROOM, RECEIVER, SOURCE, 25.0)
    np.testing.assert_allclose(np.linalg.norm(there, axis=1), np.linalg.norm(back, axis=1), rtol=1e-9)
    np.testing.assert_allclose(np.sort(there_amplitude), np.sort(back_amplitude), rtol=1e-9)


@pytest.mark.parametrize("absorption", [0.97, 0.99])
def test_walls_that_swallow_everything_leave_the_direct_sound(absorption: float) -> None:
    room = Room(ROOM.dimensions_m, (absorption,) * 6)
    source = RECEIVER + np.array([1.0, 0.5, 0.2])
    response, hard = rendered(room, source, RECEIVER), rendered(ROOM, source, RECEIVER)
    drr_db = direct_to_reverberant_db(response.taps[0], response.direct_sample, RATE)
    assert drr_db > 10 * np.log10(1 / (1 - absorption))
    assert drr_db > direct_to_reverberant_db(hard.taps[0], hard.direct_sample, RATE) + 10


def test_mirrored_room_mirrors_left_and_right() -> None:
    """Up to the seam; the tail is the same noise on both sides of the mirror."""
    width = ROOM.dimensions_m[1]
    x0, x1, y0, y1, z0, z1 = ROOM.absorption
    room = Room(ROOM.dimensions_m, (x0, x1, y1, y0, z0, z1))
    source, receiver = (np.array([p[0], width - p[1], p[2]]) for p in (SOURCE, RECEIVER))
    seam = seam_sample(ROOM, SOURCE, RECEIVER)
    mirrored = rendered(room, source, receiver, 2).taps[:, :seam]
    signs = np.array([1, -1, 1, 1, -1, -1, 1, 1, 1])[:, None]  # harmonics that are odd in y
    original = rendered(ROOM, SOURCE, RECEIVER, 2).taps[:, :seam]
    np.testing.assert_allclose(mirrored, signs * original, atol=1e-5)


# ---------------------------------------------------------------- tail


@pytest.mark.parametrize("order", [1, 2])
def test_tail_is_a_diffuse_field(order: int) -> None:
    """SN3D channels of order n have 1 / (2 n + 1) of W's power, and no two channels are coherent."""
    tail = diffuse_tail(np.full(6, 1e4), order, RATE, 8 * RATE, np.random.default_rng(0)).astype(float)
    covariance = tail @ tail.T
    power = np.diag(covariance)
    np.testing.assert_allclose(power / power[0], 1 / (2 * acn_orders(order) + 1), rtol=0.03)
    level = np.sqrt(power)
    coherence = covariance / np.outer(level, level) - np.eye(len(level))
    assert np.abs(coherence).max() < 0.03


def test_tail_starts_with_unit_energy_a_second() -> None:
    tail = diffuse_tail(np.full(6, 1e4), 1, RATE, 8 * RATE, np.random.default_rng(0)).astype(float)
    assert np.sum(tail[0] ** 2) / 8 == pytest.approx(1.0, rel=0.03)


@pytest.mark.parametrize("t60_s", [0.3, 1.0])
def test_tail_decays_as_asked(t60_s: float) -> None:
    tail = diffuse_tail(np.full(6, t60_s), 1, RATE, int(1.2 * t60_s * RATE), np.random.default_rng(1))
    assert measure(tail[0], 0.0, RATE).t60_s == pytest.approx(t60_s, rel=0.05)


def test_measured_decay_is_near_eyring() -> None:
    """Median over random rooms, of the octaves from 500 Hz, where a room has many modes."""
    ratios = []
    for room, source, receiver in random_places(20):
        response = rendered(room, source, receiver)
        bands = measure(response.taps[0], response.direct_sample, RATE).t60_bands_s
        ratios.append(np.array(bands[2:]) / decay_times(room)[2:])
    assert np.nanmedian(np.abs(np.array(ratios) - 1)) < 0.15
    assert np.nanmedian(ratios) == pytest.approx(1.0, abs=0.15)


def test_energy_is_continuous_at_the_seam() -> None:
    """Energy of the 10 ms after the seam against the 10 ms before, for the decay that lies between them."""
    steps = []
    for room, source, receiver in random_places(24):
        taps = rendered(room, source, receiver).taps[0].astype(float)
        seam = seam_sample(room, source, receiver)
        before, after = taps[seam - 160 : seam], taps[seam : seam + 160]
        decay_db = 60 * 0.01 / decay_times(room)[3]
        steps.append(10 * np.log10(np.sum(after**2) / np.sum(before**2)) + decay_db)
    assert abs(np.median(steps)) < 3.0
    assert np.median(np.abs(steps)) < 3.0


def test_decay_times_follow_eyring_and_the_air() -> None:
    """Sabine's 24 ln 10 / c (0.161 s/m) times V over -S ln(1 - a); air shortens the treble of a hall."""
    room = Room((6.0, 5.0, 3.0), (0.2,) * 6)
    eyring = 0.1611 * 90 / (-126 * np.log(1 - 0.2))
    assert decay_times(room)[3] == pytest.approx(eyring, rel=0.02)
    hall = decay_times(Room((40.0, 30.0, 15.0), (0.05,) * 6))
    assert (np.diff(hall) < 0).all()
    tilted = decay_times(Room((6.0, 5.0, 3.0), (0.2,) * 6, tilt=0.3))
    assert tilted[0] > 1.5 * tilted[4]


def test_mixing_time_grows_with_volume_within_its_limits() -> None:
    closet, living, hall = (mixing_time(Room(size, (0.2,) * 6)) for size in ((1, 1, 2), (6, 5, 3), (60, 40, 20)))
    assert closet == MIXING_S[0] < living < hall == MIXING_S[1]


# ---------------------------------------------------------------- repetition


def test_response_is_fixed_by_its_seed() -> None:
    first, again, other = (rendered(ROOM, SOURCE, RECEIVER, seed=seed).taps for seed in (3, 3, 4))
    seam = seam_sample(ROOM, SOURCE, RECEIVER)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first[:, :seam], other[:, :seam])
    assert np.abs(first[:, seam:] - other[:, seam:]).max() > 0.01 * np.abs(first[:, seam:]).max()


@pytest.mark.parametrize("order", [1, 2])
def test_response_is_float32_with_all_channels_and_finite(order: int) -> None:
    taps = rendered(ROOM, SOURCE, RECEIVER, order).taps
    assert taps.dtype == np.float32
    assert taps.shape[0] == (order + 1) ** 2
    assert np.isfinite(taps).all()
