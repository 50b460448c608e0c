"""Scenes from seeds: repeatable to the byte, and what their labels say is what the audio holds."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import angle_between, spherical_harmonics, unit_vector
from spatial_lalm.audio.scene import CLASSES, FRAME_S, Scene
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.sampling import MIN_SEPARATION_DEG, SceneRecipe, render_scene

RECIPE = SceneRecipe(duration_s=3.0, counts=(0.1, 0.3, 0.3, 0.3), t60_s=(0.15, 0.6))
ONE_CLEAN = replace(RECIPE, counts=(0.0, 1.0), snr_db=(120.0, 120.0), t60_s=(0.1, 0.2))


@cache
def library() -> SourceLibrary:
    return SourceLibrary.builtin(espeak=False)


@cache
def scene(seed: int, recipe: SceneRecipe = RECIPE) -> tuple[NDArray[np.float32], Scene]:
    samples, labels = render_scene(recipe, library(), seed)
    samples.setflags(write=False)
    return samples, labels


def energy_db(omni: NDArray[np.float32], frames: int, rate: int) -> NDArray[np.float64]:
    """Level of W in its first whole 100 ms frames, relative to its loudest."""
    step = round(FRAME_S * rate)
    frames = min(frames, len(omni) // step)
    power = np.mean(omni[: frames * step].astype(float).reshape(frames, step) ** 2, axis=1)
    return np.asarray(10 * np.log10(power / power.max() + 1e-12))


# ---------------------------------------------------------------- repetition


@pytest.mark.parametrize("seed", [0, 7])
def test_a_seed_gives_the_same_bytes(seed: int) -> None:
    samples, labels = scene(seed)
    again, labels_again = render_scene(RECIPE, SourceLibrary.builtin(espeak=False), seed)
    assert again.tobytes() == samples.tobytes()
    assert labels_again == labels
    assert labels.seed == seed


def test_other_seeds_give_other_scenes() -> None:
    rooms = {scene(seed)[1].room for seed in range(6)}
    audio = {scene(seed)[0].tobytes() for seed in range(6)}
    assert len(rooms) == len(audio) == 6


@pytest.mark.parametrize("seed", range(6))
def test_scene_survives_json(seed: int) -> None:
    labels = scene(seed)[1]
    assert Scene.from_json(labels.to_json()) == labels
    assert Scene.from_json(json.loads(json.dumps(labels.to_json()))) == labels


def test_json_tells_the_volume_and_from_json_ignores_what_it_does_not_know() -> None:
    labels = scene(1)[1]
    content = labels.to_json()
    assert content["volume_m3"] == pytest.approx(math.prod(labels.room.dimensions_m))
    assert Scene.from_json(content | {"remark": "added by hand"}) == labels


# ---------------------------------------------------------------- labels


@pytest.mark.parametrize("seed", range(12))
def test_events_lie_in_the_scene_and_in_the_room(seed: int) -> None:
    samples, labels = scene(seed)
    assert samples.shape == (4, 48_000)
    assert samples.dtype == np.float32
    assert [event.onset_s for event in labels.events] == sorted(event.onset_s for event in labels.events)
    for event in labels.events:
        assert event.label in CLASSES
        assert 0 <= event.onset_s < event.offset_s <= labels.duration_s
        assert event.active[0]
        assert event.active[-1]
        assert len(event.active) == pytest.approx((event.offset_s - event.onset_s) / FRAME_S, abs=1)
        azimuth, elevation, distance = event.trajectory[0]
        place = np.array(labels.receiver_m) + distance * unit_vector(azimuth, elevation)
        assert distance >= 0.5 - 1e-9
        assert (place > 0).all()
        assert (place < labels.room.dimensions_m).all()


def test_number_of_sources_follows_the_recipe() -> None:
    for sources in (1, 2, 3):
        recipe = replace(RECIPE, counts=(0.0,) * sources + (1.0,))
        found = [len(scene(seed, recipe)[1].events) for seed in range(6)]
        assert max(found) == sources  # a sound of which nothing falls into the scene is not labelled
        assert np.mean(found) > 0.8 * sources


def test_sources_are_kept_apart_in_direction() -> None:
    recipe = replace(RECIPE, counts=(0.0, 0.0, 1.0))
    apart = []
    for seed in range(8):
        events = scene(seed, recipe)[1].events
        if len(events) == 2:
            first, second = (unit_vector(event.azimuth_deg, event.elevation_deg) for event in events)
            apart.append(float(angle_between(first, second)))
    assert len(apart) >= 5
    assert min(apart) > MIN_SEPARATION_DEG


@pytest.mark.parametrize("order", [1, 2])
def test_sound_comes_from_the_labelled_direction(order: int) -> None:
    """Intensity of the first four channels of nearly dry scenes; at order 2 the sharpest beam agrees."""
    errors, beams = [], []
    for seed in range(12):
        samples, labels = scene(seed, replace(ONE_CLEAN, order=order))
        assert samples.shape[0] == (order + 1) ** 2
        for event in labels.events:
            truth = unit_vector(event.azimuth_deg, event.elevation_deg)
            signals = samples.astype(float)
            errors.append(float(angle_between(signals[[3, 1, 2]] @ signals[0], truth)))
            gains = spherical_harmonics(order, np.stack([truth, -truth])) @ signals
            beams.append(np.sum(gains[0] ** 2) / np.sum(gains[1] ** 2))
    assert len(errors) >= 10
    assert np.median(errors) < 6
    assert np.median(10 * np.log10(beams)) > (6 if order == 1 else 8)


def test_order_changes_neither_the_room_nor_the_places() -> None:
    for seed in range(4):
        first, second = (scene(seed, replace(ONE_CLEAN, order=order))[1] for order in (1, 2))
        assert first.room == second.room
        assert first.receiver_m == second.receiver_m
        assert [event.trajectory for event in first.events] == [event.trajectory for event in second.events]


def test_nothing_sounds_before_the_onset_and_something_while_active() -> None:
    checked = 0
    for seed in range(24):
        samples, labels = scene(seed, ONE_CLEAN)
        if len(labels.events) != 1 or labels.events[0].onset_s < 0.3:
            continue
        event = labels.events[0]
        onset = round(event.onset_s * labels.rate)
        early, sounding = samples[0, : onset - 160], samples[0, onset:]
        assert np.mean(early**2) < 1e-3 * np.mean(sounding**2)
        level = energy_db(sounding, len(event.active), labels.rate)
        assert level[np.array(event.active[: len(level)])].min() > -45
        checked += 1
    assert checked >= 4


def test_nearer_sources_have_a_higher_direct_share() -> None:
    """Labels of room acoustics belong to the responses of the scene."""
    pairs = [(e.distance_m, a.drr_db) for _, s in (scene(n, ONE_CLEAN) for n in range(24)) for e in s.events
             if (a := s.acoustics) is not None]  # fmt: skip
    distance, drr_db = np.array(pairs).T
    assert np.corrcoef(np.log(distance), drr_db)[0, 1] < -0.5


# ---------------------------------------------------------------- levels


@pytest.mark.parametrize("snr_db", [0.0, 10.0, 25.0])
@pytest.mark.parametrize("seed", [3, 4])
def test_noise_is_as_far_below_the_sources_as_the_label_says(snr_db: float, seed: int) -> None:
    """The same seed without noise is the same mixture up to a gain: what is left after fitting it is the noise."""
    clean, labels = scene(seed, replace(ONE_CLEAN, duration_s=6.0))
    noisy, noisy_labels = scene(seed, replace(ONE_CLEAN, duration_s=6.0, snr_db=(snr_db, snr_db)))
    assert labels.events == noisy_labels.events
    assert noisy_labels.snr_db == snr_db
    a, b = clean[0].astype(float), noisy[0].astype(float)
    sources = a * (a @ b) / (a @ a)
    found = 10 * np.log10(np.sum(sources**2) / np.sum((b - sources) ** 2))
    assert found == pytest.approx(snr_db, abs=0.5)


@pytest.mark.parametrize("seed", range(6))
def test_level_is_within_the_recipe(seed: int) -> None:
    samples, _ = scene(seed)
    level = 10 * np.log10(np.mean(samples[0].astype(float) ** 2))
    assert RECIPE.level_db[0] - 0.1 <= level <= RECIPE.level_db[1] + 0.1


def test_levels_never_clip() -> None:
    """Asked for full scale, the peak of every channel stops below it."""
    for seed in range(6):
        samples, _ = scene(seed, replace(RECIPE, level_db=(-1.0, 0.0), duration_s=2.0))
        assert np.abs(samples).max() == pytest.approx(0.98, abs=1e-3)


@pytest.mark.parametrize("order", [1, 2])
def test_scene_without_sources_is_diffuse_noise(order: int) -> None:
    samples, labels = scene(0, replace(RECIPE, counts=(1.0,), order=order))
    assert labels.events == ()
    assert labels.acoustics is None
    assert np.isfinite(samples).all()
    assert -38.1 <= 10 * np.log10(np.mean(samples[0].astype(float) ** 2)) <= -13.9
    signals = samples.astype(float)
    assert np.linalg.norm(signals[[3, 1, 2]] @ signals[0]) < 0.2 * np.sum(signals[0] ** 2)


def test_augmentation_changes_the_sound_and_not_the_place() -> None:
    plain, labels = scene(5, ONE_CLEAN)
    changed, changed_labels = scene(5, replace(ONE_CLEAN, varispeed=0.15, colour_db=3.0))
    assert changed_labels.room == labels.room
    assert [e.trajectory for e in changed_labels.events] == [e.trajectory for e in labels.events]
    assert np.isfinite(changed).all()
    assert changed.tobytes() != plain.tobytes()
