"""Whole responses against physics, against all images to the end, and against themselves turned, mirrored, batched."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import ambisonic_rotation, angle_between, rotation_matrix, spherical_harmonics
from spatial_lalm.audio.scene import Room
from spatial_lalm.simulation.acoustics import direct_to_reverberant_db, measure
from spatial_lalm.simulation.engine.decay import LONGEST_S, MIXING_S, SEAM_S, mixing_time
from spatial_lalm.simulation.engine.images import image_sources
from spatial_lalm.simulation.engine.paths import CARDIOID, SPEED_OF_SOUND, TALKER, Path, decay_times
from spatial_lalm.simulation.engine.render import (
    RINGING_S,
    Response,
    render_responses,
)
from spatial_lalm.simulation.receivers import ambisonic_receiver
from spatial_lalm.simulation.recipe import RoomRecipe, SourceRecipe
from spatial_lalm.simulation.room import sample_receiver, sample_room, sample_source

Floats = NDArray[np.floating[Any]]
RATE = 16_000
HALL = Room((12.0, 11.0, 10.0), (0.3,) * 6)
CENTRE = np.array([6.0, 5.5, 5.0])
ROOM = Room((6.0, 5.0, 3.0), (0.2, 0.35, 0.25, 0.3, 0.15, 0.4))
SOURCE, RECEIVER = np.array([4.3, 3.6, 1.9]), np.array([2.1, 1.7, 1.2])
PATH = Path(ROOM, SOURCE, RECEIVER)
VECTORS = [(2.0, 0.3, 0.4), (-1.2, 1.1, -0.6), (0.4, -2.5, 0.9), (0.0, 0.0, 1.5), (-0.7, 0.0, 0.0)]


def rendered(path: Path, order: int = 1, full: bool = False) -> Response:
    return render_responses([path], ambisonic_receiver(order), RATE, full)[0]


def direct_sound(vector: tuple[float, float, float], order: int = 1) -> Floats:
    """What arrives in the middle of a hall before its first reflection, ``(channels, 320)``."""
    return rendered(Path(HALL, CENTRE + vector, CENTRE), order).taps[:, :320].astype(float)


def random_paths(count: int, t60_s: tuple[float, float], first: int = 0) -> list[Path]:
    """Random rooms with even absorption over frequency and mirror-like walls, as image sources have them."""
    recipe = RoomRecipe(t60_s, (40.0, 200.0), tilt=(0, 0), scattering=(0, 0), outdoors_share=0.0, dwelling_share=1.0)
    found = []
    for seed in range(first, first + count):
        rng = np.random.default_rng(seed)
        room = sample_room(rng, recipe)
        receiver = sample_receiver(rng, room)
        found.append(Path(room, sample_source(rng, room, receiver, SourceRecipe()), receiver, seed=seed))
    return found


def seam_sample(path: Path) -> int:
    """Where images begin to give way to the late field."""
    return int((mixing_time(path) - SEAM_S) * RATE)


# ---------------------------------------------------------------- direct sound


@pytest.mark.parametrize("vector", VECTORS)
def test_direct_sound_arrives_at_distance_over_c(vector: tuple[float, float, float]) -> None:
    """By the phase slope from 1 to 5 kHz, where the high-pass no longer turns the phase."""
    frequency = np.fft.rfftfreq(4096, 1 / RATE)
    inside = (frequency > 1000) & (frequency < 5000)
    phase = np.unwrap(np.angle(np.fft.rfft(direct_sound(vector)[0], 4096)[inside]))
    delay = -np.polyfit(2 * np.pi * frequency[inside], phase, 1)[0] * RATE
    expected = float(np.linalg.norm(vector)) / SPEED_OF_SOUND * RATE
    assert delay == pytest.approx(expected, abs=0.1)
    assert rendered(Path(HALL, CENTRE + vector, CENTRE)).direct_sample == pytest.approx(expected)


@pytest.mark.parametrize("vector", VECTORS)
def test_amplitude_is_one_over_distance(vector: tuple[float, float, float]) -> None:
    frequency = np.fft.rfftfreq(4096, 1 / RATE)
    inside = (frequency > 100) & (frequency < 5000)
    spectrum = np.abs(np.fft.rfft(direct_sound(vector)[0], 4096)[inside])
    assert np.sqrt(np.mean(spectrum**2)) == pytest.approx(1 / float(np.linalg.norm(vector)), rel=0.02)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("vector", VECTORS)
def test_direct_sound_has_the_gains_of_its_direction(vector: tuple[float, float, float], order: int) -> None:
    taps = direct_sound(vector, order)
    unit = np.array(vector) / np.linalg.norm(vector)
    np.testing.assert_allclose(
        taps @ taps[0] / (taps[0] @ taps[0]), spherical_harmonics(order, unit[None])[0], atol=1e-4
    )


def test_nothing_arrives_before_the_direct_sound() -> None:
    """But for the ringing of the upper band edge, 40 dB down a millisecond before."""
    response = rendered(PATH)
    early = response.taps[:, : int(response.direct_sample) - 16]
    assert np.abs(early).max() < 1.2e-2 * np.abs(response.omni).max()


def test_there_is_no_sound_at_zero_hertz() -> None:
    taps = rendered(PATH).taps.astype(float)
    level = np.abs(np.fft.rfft(taps[0]))
    frequency = np.fft.rfftfreq(taps.shape[1], 1 / RATE)
    assert level[frequency < 10].max() < 0.05 * level[(frequency > 200) & (frequency < 1000)].max()


@pytest.mark.parametrize("absorption", [0.97, 0.99])
def test_walls_that_swallow_everything_leave_the_direct_sound(absorption: float) -> None:
    source = RECEIVER + np.array([1.0, 0.5, 0.2])
    response = rendered(Path(Room(ROOM.dimensions_m, (absorption,) * 6), source, RECEIVER))
    hard = rendered(Path(ROOM, source, RECEIVER))
    drr_db = direct_to_reverberant_db(response.omni, response.direct_sample, RATE)
    assert drr_db > 10 * np.log10(1 / (1 - absorption))
    assert drr_db > direct_to_reverberant_db(hard.omni, hard.direct_sample, RATE) + 10


# ---------------------------------------------------------------- against all images


@cache
def both_ways() -> list[tuple[Path, Response, Response]]:
    """Twelve rooms, each with the late field and with images to the end."""
    paths = random_paths(12, (0.15, 0.35), 100)
    hybrid = render_responses(paths, ambisonic_receiver(1), RATE)
    return [(p, own, rendered(p, full=True)) for p, own in zip(paths, hybrid, strict=True)]


def test_decay_is_that_of_all_images() -> None:
    """T20, broadband and from 500 Hz to 4 kHz.

    Lower down, and where walls keep the bass, single modes ring on that a diffuse field does not have.
    """
    ratios = []
    for _, own, full in both_ways():
        a, b = (measure(one.omni, one.direct_sample, RATE) for one in (own, full))
        ratios.append([a.t60_s / b.t60_s, *np.array(a.t60_bands_s[2:]) / np.array(b.t60_bands_s[2:])])
    errors = np.abs(np.array(ratios) - 1)
    assert np.median(errors[:, 0]) < 0.05
    assert np.median(errors[:, 1:]) < 0.08
    assert abs(np.median(ratios) - 1) < 0.05


def test_energy_ratios_are_those_of_all_images() -> None:
    """DRR and C50; a single place may differ by what one noise differs from another."""
    pairs = []
    for _, own, full in both_ways():
        a, b = (measure(one.omni, one.direct_sample, RATE) for one in (own, full))
        pairs.append([a.drr_db - b.drr_db, a.c50_db - b.c50_db, a.edt_s / b.edt_s - 1])
    differences = np.abs(pairs)
    assert differences[:, 0].max() < 0.5
    assert np.median(differences[:, 1]) < 0.7
    assert np.median(differences[:, 2]) < 0.05


def test_direct_sound_is_that_of_all_images_and_points_at_the_source() -> None:
    for path, own, full in both_ways():
        arrival = round(own.direct_sample)
        np.testing.assert_allclose(own.taps[:, : arrival + 40], full.taps[:, : arrival + 40], atol=1e-5)
        images = image_sources([path], np.array([30.0]), torch.device("cpu"))
        gap = (images.distance[~images.direct].min().item() / SPEED_OF_SOUND - path.direct_s) * RATE
        if gap > 24:
            direct = own.taps[:, max(0, arrival - 16) : arrival + 16].astype(float)
            assert angle_between(direct[[3, 1, 2]] @ direct[0], path.direct) < 0.5


def test_full_images_are_the_same_up_to_the_seam() -> None:
    for path, own, full in both_ways():
        seam = seam_sample(path) - 8
        np.testing.assert_allclose(own.taps[:, :seam], full.taps[:, :seam], atol=2e-4 * np.abs(full.taps).max())


@pytest.mark.parametrize(("scattering", "least", "most"), [(1.0, 0.9, 1.1), (0.0, 1.1, 1.5)])
def test_measured_decay_is_near_eyring(scattering: float, least: float, most: float) -> None:
    """Median over random rooms, of the octaves from 500 Hz; mirror-like walls keep sound between the hardest two."""
    paths = [replace(p, room=replace(p.room, scattering=scattering)) for p in random_paths(20, (0.2, 1.0))]
    ratios = []
    for path, response in zip(paths, render_responses(paths, ambisonic_receiver(0), RATE), strict=True):
        bands = measure(response.omni, response.direct_sample, RATE).t60_bands_s
        ratios.append(np.array(bands[2:]) / decay_times(path.room)[2:])
    assert least < np.median(ratios) < most


# ---------------------------------------------------------------- symmetries


def test_mirrored_room_mirrors_left_and_right() -> None:
    """Up to the seam; the late field is the same noise on both sides of the mirror."""
    width = ROOM.dimensions_m[1]
    x0, x1, y0, y1, z0, z1 = ROOM.absorption
    source, receiver = (np.array([p[0], width - p[1], p[2]]) for p in (SOURCE, RECEIVER))
    seam = seam_sample(PATH)
    mirrored = rendered(Path(Room(ROOM.dimensions_m, (x0, x1, y1, y0, z0, z1)), source, receiver), 2).taps[:, :seam]
    signs = np.array([1, -1, 1, 1, -1, -1, 1, 1, 1])[:, None]  # harmonics that are odd in y
    np.testing.assert_allclose(mirrored, signs * rendered(PATH, 2).taps[:, :seam], atol=2e-5)


@pytest.mark.parametrize("order", [1, 3])
def test_turned_receiver_hears_the_field_turned(order: int) -> None:
    facing = rotation_matrix(50.0, 10.0, 20.0)
    seam = seam_sample(PATH)
    turned = rendered(replace(PATH, facing=facing), order).taps[:, :seam]
    expected = ambisonic_rotation(order, facing.T) @ rendered(PATH, order).taps[:, :seam]
    np.testing.assert_allclose(turned, expected, atol=2e-5)


def test_orders_agree_on_the_channels_that_they_share() -> None:
    first, third = rendered(PATH, 1), rendered(PATH, 3)
    seam = seam_sample(PATH)
    np.testing.assert_allclose(third.taps[:4, :seam], first.taps[:, :seam], atol=1e-6)
    assert third.taps.shape == (16, first.taps.shape[1])


def test_directivity_raises_the_drr_on_axis() -> None:
    """By the inverse of the diffuse power: 4.8 dB for a cardioid, on average over places."""
    gains: dict[str, list[float]] = {"cardioid": [], "talker": []}
    for path in random_paths(32, (0.4, 0.8)):
        aimed = -path.direct
        omni, *directed = (
            direct_to_reverberant_db(one.omni, one.direct_sample, RATE)
            for one in render_responses(
                [path, replace(path, pattern=CARDIOID, aim=aimed), replace(path, pattern=TALKER, aim=aimed)],
                ambisonic_receiver(0),
                RATE,
            )
        )
        for name, drr_db in zip(gains, directed, strict=True):
            gains[name].append(drr_db - omni)
    assert np.mean(gains["cardioid"]) == pytest.approx(10 * np.log10(3), abs=0.8)
    widest, narrowest = (-10 * np.log10(TALKER.diffuse_power[band]) for band in (0, 5))
    assert widest < np.mean(gains["talker"]) < narrowest


# ---------------------------------------------------------------- batches, seeds, lengths


def test_a_batch_is_its_paths_one_by_one() -> None:
    """Short and long responses together, near and far sources, with and without a facing and an aim."""
    paths = random_paths(4, (0.15, 1.2))
    paths[1] = replace(paths[1], facing=rotation_matrix(30.0))
    paths[2] = replace(paths[2], pattern=CARDIOID, aim=np.array([0.0, 1.0, 0.0]))
    paths.append(Path(HALL, CENTRE + np.array([3.0, 3.0, 1.0]), CENTRE, seed=5))
    batch = render_responses(paths, ambisonic_receiver(2), RATE)
    for path, one in zip(paths, batch, strict=True):
        alone = rendered(path, 2)
        assert one.taps.shape == alone.taps.shape
        # Periods differ in length, so that the high-pass's last ringing wraps around to other samples.
        np.testing.assert_allclose(one.taps, alone.taps, atol=2e-4 * np.abs(alone.taps).max())
        assert one.direct_sample == alone.direct_sample


def test_response_is_fixed_by_its_seed() -> None:
    first, again, other = (rendered(replace(PATH, seed=seed)).taps for seed in (3, 3, 4))
    seam = seam_sample(PATH)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first[:, :seam], other[:, :seam])
    after = round(mixing_time(PATH) * RATE)
    assert np.abs(first[:, after:] - other[:, after:]).max() > 0.5 * np.abs(first[:, after:]).max()


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_response_is_float32_with_all_channels_and_finite(order: int) -> None:
    response = rendered(PATH, order)
    assert response.taps.dtype == np.float32
    assert response.taps.shape[0] == (order + 1) ** 2
    assert np.isfinite(response.taps).all()
    np.testing.assert_array_equal(response.omni, response.taps[0])


def test_length_holds_the_decay_and_its_ringing() -> None:
    paths = random_paths(8, (0.2, 1.2))
    for path, response in zip(paths, render_responses(paths, ambisonic_receiver(0), RATE), strict=True):
        energy = np.cumsum(response.omni[::-1].astype(float) ** 2)[::-1]
        assert energy[-round(RINGING_S * RATE)] < 1e-5 * energy[0]
        assert energy[-round((RINGING_S + 0.15) * RATE)] > 1e-8 * energy[0]
        assert RINGING_S < len(response.omni) / RATE - mixing_time(path) < LONGEST_S


def test_mixing_time_grows_with_volume_within_its_limits() -> None:
    closet, living, hall = (
        mixing_time(Path(Room(size, (0.2,) * 6), np.array([0.4, 0.5, 1]), np.array([0.6, 0.5, 1])))
        for size in ((1.0, 1.0, 2.0), (6.0, 5.0, 3.0), (60.0, 40.0, 20.0))
    )
    assert closet < living < hall == MIXING_S[1]
    assert closet >= MIXING_S[0]


def test_far_sources_keep_their_first_reflections() -> None:
    hall = Room((70.0, 30.0, 15.0), (0.3,) * 6)
    far = Path(hall, np.array([61.0, 17, 4]), np.array([3.0, 9, 5]))
    assert mixing_time(far) > far.direct_s + 0.029
    own, full = (rendered(far, full=full).omni for full in (False, True))
    first, seam = round((far.direct_s + 0.001) * RATE), seam_sample(far) - 8
    assert np.sum(full[first:seam] ** 2) > np.sum(full[:first] ** 2)
    np.testing.assert_allclose(own[:seam], full[:seam], atol=1e-4 * np.abs(full).max())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_gpu_renders_the_same() -> None:
    paths = random_paths(4, (0.2, 0.6))
    cpu, gpu = (render_responses(paths, ambisonic_receiver(1), RATE, device=device) for device in ("cpu", "cuda"))
    for one, other in zip(cpu, gpu, strict=True):
        np.testing.assert_allclose(one.taps, other.taps, atol=1e-4)
