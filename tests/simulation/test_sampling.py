"""Scenes from seeds: repeatable to the byte, and what their labels say is what the audio holds."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import angle_between, spherical_harmonics, unit_vector
from spatial_lalm.audio.scene import CLASSES, FRAME_S, Scene
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.recipe import (
    SceneRecipe,
    still_scenes,
)
from spatial_lalm.simulation.room import critical_distance
from spatial_lalm.simulation.sampling import FULL_SCALE, render_scene

Samples = NDArray[np.float32]
ONE_CLEAN = still_scenes(3.0, t60_s=(0.1, 0.2), snr_db=(120.0, 120.0), counts=(0.0, 1.0))
Rendered = Callable[..., tuple[Samples, Scene]]
Change = Callable[..., SceneRecipe]
Plain = Callable[[Scene], str]


def energy_db(omni: Samples, frames: int, rate: int) -> NDArray[np.float64]:
    """Level of W in its first whole 100 ms frames, relative to its loudest."""
    step = round(FRAME_S * rate)
    frames = min(frames, len(omni) // step)
    power = np.mean(omni[: frames * step].astype(float).reshape(frames, step) ** 2, axis=1)
    return np.asarray(10 * np.log10(power / power.max() + 1e-12))


# ---------------------------------------------------------------- repetition


@pytest.mark.parametrize(
    ("seed", "recipe"), [(0, "still"), (7, "still"), (3, "everything"), (1, "outdoors")], indirect=["recipe"]
)
def test_a_seed_gives_the_same_bytes(seed: int, recipe: SceneRecipe, scene: Rendered, plain: Plain) -> None:
    samples, labels = scene(seed, recipe)
    again, labels_again = render_scene(recipe, SourceLibrary.builtin(espeak=False), seed)
    assert again.tobytes() == samples.tobytes()
    assert plain(labels_again) == plain(labels)
    assert labels.seed == seed


def test_other_seeds_give_other_scenes(scene: Rendered) -> None:
    rooms = {scene(seed)[1].room for seed in range(6)}
    audio = {scene(seed)[0].tobytes() for seed in range(6)}
    assert len(rooms) == len(audio) == 6


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("recipe", ["still", "everything", "outdoors"], indirect=True)
def test_scene_survives_json(seed: int, recipe: SceneRecipe, scene: Rendered, plain: Plain) -> None:
    labels = scene(seed, recipe)[1]
    assert plain(Scene.from_json(labels.to_json())) == plain(labels)
    assert plain(Scene.from_json(json.loads(plain(labels)))) == plain(labels)


def test_json_tells_the_volume_and_from_json_ignores_what_it_does_not_know(scene: Rendered) -> None:
    labels = scene(1)[1]
    content = labels.to_json()
    assert content["volume_m3"] == pytest.approx(math.prod(labels.room.dimensions_m))
    assert Scene.from_json(content | {"remark": "added by hand"}) == labels


# ---------------------------------------------------------------- labels


@pytest.mark.parametrize("seed", range(12))
def test_events_lie_in_the_scene_and_in_the_room(seed: int, scene: Rendered) -> None:
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


def test_number_of_sources_follows_the_recipe(scene: Rendered, changed: Change, still: SceneRecipe) -> None:
    for sources in (1, 2, 3):
        recipe = changed(still, "sources", counts=(0.0,) * sources + (1.0,))
        found = [len(scene(seed, recipe)[1].events) for seed in range(6)]
        assert max(found) == sources  # a sound of which nothing falls into the scene is not labelled
        assert np.mean(found) > 0.8 * sources


@pytest.mark.parametrize("receiver", ["foa", "hoa2"])
def test_sound_comes_from_the_labelled_direction(receiver: str, scene: Rendered) -> None:
    """Intensity of the first four channels of nearly dry scenes; at order 2 the sharpest beam agrees."""
    order = 1 if receiver == "foa" else 2
    errors, beams = [], []
    for seed in range(12):
        samples, labels = scene(seed, replace(ONE_CLEAN, receiver=receiver))
        assert samples.shape[0] == (order + 1) ** 2
        assert labels.order == order
        for event in labels.events:
            truth = unit_vector(event.azimuth_deg, event.elevation_deg)
            signals = samples.astype(float)
            errors.append(float(angle_between(signals[[3, 1, 2]] @ signals[0], truth)))
            gains = spherical_harmonics(order, np.stack([truth, -truth])) @ signals
            beams.append(np.sum(gains[0] ** 2) / np.sum(gains[1] ** 2))
    assert len(errors) >= 10
    assert np.median(errors) < 6
    assert np.median(10 * np.log10(beams)) > (6 if order == 1 else 8)


def test_order_changes_neither_the_room_nor_the_places(scene: Rendered) -> None:
    for seed in range(4):
        first, second = (scene(seed, replace(ONE_CLEAN, receiver=name))[1] for name in ("foa", "hoa2"))
        assert first.room == second.room
        assert first.receiver_m == second.receiver_m
        assert [event.trajectory for event in first.events] == [event.trajectory for event in second.events]


def test_nothing_sounds_before_the_onset_and_something_while_active(scene: Rendered) -> None:
    checked = 0
    for seed in range(24):
        samples, labels = scene(seed, ONE_CLEAN)
        if len(labels.events) != 1 or labels.events[0].onset_s < 0.6:
            continue
        event = labels.events[0]
        onset = round(event.onset_s * labels.rate)
        # What began before the scene may go on for a part of a frame, and ring.
        early, sounding = samples[0, 4800 : onset - 160], samples[0, onset:]
        assert np.mean(early**2) < 1e-3 * np.mean(sounding**2)
        level = energy_db(sounding, len(event.active), labels.rate)
        assert level[np.array(event.active[: len(level)])].min() > -45
        checked += 1
    assert checked >= 4


def test_nearer_sources_have_a_higher_direct_share(scene: Rendered) -> None:
    """Labels of room acoustics belong to the responses of the scene: 0 dB at the critical distance, 6 dB a doubling."""
    pairs = []
    for number in range(24):
        labels = scene(number, ONE_CLEAN)[1]
        for event in labels.events:
            assert event.acoustics is not None
            critical = critical_distance(labels.room, float(np.nanmedian(event.acoustics.t60_bands_s[2:])))
            pairs.append((20 * np.log10(critical / event.distance_m), event.acoustics.drr_db))
    expected, measured = np.array(pairs).T
    assert np.corrcoef(expected, measured)[0, 1] > 0.7


def test_acoustics_are_the_mean_over_the_events(scene: Rendered) -> None:
    for seed in range(12):
        labels = scene(seed)[1]
        own = [event.acoustics for event in labels.events if event.acoustics is not None]
        assert len(own) == len(labels.events)
        if own:
            assert labels.acoustics is not None
            assert labels.acoustics.drr_db == pytest.approx(np.mean([one.drr_db for one in own]))
            assert labels.acoustics.t60_bands_s[3] == pytest.approx(np.nanmean([one.t60_bands_s[3] for one in own]))


@pytest.mark.parametrize("drr_db", [(-12.0, -9.0), (0.0, 3.0)])
def test_ratio_aimed_at_moves_the_ratio_measured(drr_db: tuple[float, float], scene: Rendered, changed: Change) -> None:
    """The median over rooms lies within 4 dB of the aim: a room's far corners and first reflections limit low ones."""
    recipe = changed(still_scenes(1.0, t60_s=(0.5, 0.8), counts=(0, 1.0)), "sources", drr_db=drr_db, nearest_m=0.3)
    recipe = changed(recipe, "rooms", volume_m3=(80.0, 400.0), dwelling_share=0.0)
    found = []
    for seed in range(14):
        acoustics = scene(seed, recipe, steady=True)[1].acoustics
        if acoustics is not None:
            found.append(acoustics.drr_db)
    assert np.median(found) == pytest.approx(np.mean(drr_db), abs=4.0)


# ---------------------------------------------------------------- levels


@pytest.mark.parametrize("snr_db", [0.0, 10.0, 25.0])
@pytest.mark.parametrize("seed", [3, 4])
def test_noise_is_as_far_below_the_sources_as_the_label_says(
    snr_db: float, seed: int, scene: Rendered, changed: Change
) -> None:
    """The same seed without noise is the same mixture up to a gain: what is left after fitting it is the noise.

    Over the sound while it sounds, whose own level spread is taken off, in the direct sound's share.
    """
    recipe = changed(replace(ONE_CLEAN, duration_s=6.0), "sources", event_s=(3.0, 4.0))
    clean, labels = scene(seed, recipe, steady=True)
    noisy, noisy_labels = scene(seed, changed(recipe, "background", snr_db=(snr_db, snr_db)), steady=True)
    assert noisy_labels.snr_db == snr_db
    first, second = labels.events[0], noisy_labels.events[0]
    assert (first.onset_s, first.trajectory, first.active) == (second.onset_s, second.trajectory, second.active)
    assert first.direct_snr_db is not None
    assert second.direct_snr_db is not None
    assert first.direct_snr_db - second.direct_snr_db == pytest.approx(120.0 - snr_db)
    a, b = clean[0].astype(float), noisy[0].astype(float)
    sources = a * (a @ b) / (a @ a)
    start, stop = (round(edge * labels.rate) for edge in (first.onset_s, first.offset_s))
    wet = np.mean(sources[start:stop] ** 2)
    found = 10 * np.log10(wet / np.mean((b - sources) ** 2))
    acoustics = first.acoustics
    assert acoustics is not None
    direct_share_db = -10 * np.log10(1 + 10 ** (-acoustics.drr_db / 10))
    assert second.direct_snr_db == pytest.approx(found + direct_share_db, abs=1.0)


def test_unsteady_noise_is_told_as_loud_as_it_is_then(scene: Rendered, changed: Change, outdoors: SceneRecipe) -> None:
    """The label follows the swell over the sound: measured between two renderings of one seed."""
    recipe = changed(outdoors, "background", unsteady_share=1.0, swing_db=(20.0, 20.0), snr_db=(10.0, 10.0))
    recipe = replace(recipe, duration_s=12.0)
    silent = changed(recipe, "background", snr_db=(150.0, 150.0))
    for seed in range(4):
        (noisy, labels), (clean, _) = scene(seed, recipe, steady=True), scene(seed, silent, steady=True)
        event = labels.events[0]
        start, stop = (round(edge * labels.rate) for edge in (event.onset_s, event.offset_s))
        a, b = clean[0].astype(float), noisy[0].astype(float)
        sources = a * (a @ b) / (a @ a)
        found = 10 * np.log10(np.mean(sources[start:stop] ** 2) / np.mean((b - sources)[start:stop] ** 2))
        assert event.direct_snr_db is not None
        assert event.acoustics is not None
        drr_db = event.acoustics.drr_db if math.isfinite(event.acoustics.drr_db) else math.inf  # no echo to be told
        share_db = -10 * np.log10(1 + 10 ** (-drr_db / 10))
        assert event.direct_snr_db == pytest.approx(found + share_db, abs=1.5)


@pytest.mark.parametrize("seed", range(6))
def test_level_is_within_the_recipe(seed: int, scene: Rendered, still: SceneRecipe) -> None:
    samples, _ = scene(seed)
    level = 10 * np.log10(np.mean(samples[0].astype(float) ** 2))
    assert still.level_db[0] - 0.1 <= level <= still.level_db[1] + 0.1


def test_levels_never_clip(scene: Rendered, still: SceneRecipe) -> None:
    """Asked for full scale, the peak of every channel stops below it."""
    for seed in range(6):
        samples, _ = scene(seed, replace(still, level_db=(-1.0, 0.0), duration_s=2.0))
        assert np.abs(samples).max() == pytest.approx(FULL_SCALE, abs=1e-3)


@pytest.mark.parametrize("receiver", ["foa", "hoa2"])
def test_scene_without_sources_is_diffuse_noise(
    receiver: str, scene: Rendered, changed: Change, still: SceneRecipe
) -> None:
    recipe = replace(changed(still, "sources", counts=(1.0,)), receiver=receiver)
    samples, labels = scene(0, recipe)
    assert labels.events == ()
    assert labels.acoustics is None
    assert np.isfinite(samples).all()
    assert -38.1 <= 10 * np.log10(np.mean(samples[0].astype(float) ** 2)) <= -13.9
    signals = samples.astype(float)
    assert np.linalg.norm(signals[[3, 1, 2]] @ signals[0]) < 0.2 * np.sum(signals[0] ** 2)


def test_steady_noise_from_one_place_has_a_direction(scene: Rendered, changed: Change, still: SceneRecipe) -> None:
    directional = changed(changed(still, "sources", counts=(1.0,)), "rooms", t60_s=(0.1, 0.2))
    directional = changed(directional, "background", directional_share=1.0, directional_db=(20.0, 20.0))
    samples, labels = scene(2, directional)
    told = labels.background
    assert (told.kind, told.steady, told.directional_db) == ("directional", True, 20.0)
    assert None not in (told.azimuth_deg, told.elevation_deg, told.distance_m)
    signals = samples.astype(float)
    intensity = signals[[3, 1, 2]] @ signals[0]
    assert np.linalg.norm(intensity) > 0.4 * np.sum(signals[0] ** 2)
    assert angle_between(intensity, unit_vector(told.azimuth_deg, told.elevation_deg)) < 15.0


def test_augmentation_changes_the_sound_and_not_the_place(scene: Rendered, changed: Change) -> None:
    plain_samples, labels = scene(5, ONE_CLEAN)
    augmented, augmented_labels = scene(5, changed(ONE_CLEAN, "sources", varispeed=0.15, colour_db=3.0))
    assert augmented_labels.room == labels.room
    assert [e.trajectory for e in augmented_labels.events] == [e.trajectory for e in labels.events]
    assert np.isfinite(augmented).all()
    assert augmented.tobytes() != plain_samples.tobytes()


@pytest.mark.parametrize("receiver", ["tetrahedral", "random"])
def test_every_receiver_hears_the_same_scene(receiver: str) -> None:
    """One seed is one room with the same sounds at the same places, whatever listens."""
    recipe = SceneRecipe(duration_s=2.0)
    _, ideal = render_scene(recipe, SourceLibrary.builtin(espeak=False), 5)
    _, heard = render_scene(replace(recipe, receiver=receiver), SourceLibrary.builtin(espeak=False), 5)
    assert heard.array is not None
    assert heard.room == ideal.room
    assert [(e.label, e.onset_s, e.trajectory, e.active) for e in heard.events] == [
        (e.label, e.onset_s, e.trajectory, e.active) for e in ideal.events
    ]
