"""Scenes from seeds: repeatable to the byte, and what their labels say is what the audio holds."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import angle_between, rotation_matrix, spherical_harmonics, unit_vector
from spatial_lalm.audio.scene import CLASSES, FRAME_S, Scene
from spatial_lalm.simulation.library import DrySource, SourceLibrary
from spatial_lalm.simulation.recipe import (
    BackgroundRecipe,
    ReceiverRecipe,
    RoomRecipe,
    SceneRecipe,
    SourceRecipe,
    still_scenes,
)
from spatial_lalm.simulation.room import critical_distance
from spatial_lalm.simulation.sampling import FULL_SCALE, render_blocks, render_scene
from spatial_lalm.simulation.source_files import AudioCache

Samples = NDArray[np.float32]
RECIPE = still_scenes(3.0, t60_s=(0.15, 0.6), counts=(0.1, 0.3, 0.3, 0.3))
ONE_CLEAN = still_scenes(3.0, t60_s=(0.1, 0.2), snr_db=(120.0, 120.0), counts=(0.0, 1.0))
OUTDOORS = SceneRecipe(
    duration_s=4.0,
    rooms=RoomRecipe(outdoors_share=1.0),
    sources=SourceRecipe(counts=(0, 1.0), conversation_share=0.0, moving_share=0.0, event_s=(2.0, 3.0)),
    background=BackgroundRecipe(snr_db=(60.0, 60.0), directional_share=0.0, unsteady_share=0.0),
    receivers=ReceiverRecipe(turning_share=0.0, carried_share=0.0),
)
EVERYTHING = SceneRecipe(
    duration_s=3.0,
    rooms=RoomRecipe(outdoors_share=0.3),
    sources=SourceRecipe(counts=(0, 0, 1.0), moving_share=0.5),
    receivers=ReceiverRecipe(turning_share=0.5, carried_share=0.5),
)
LONG = SceneRecipe(
    duration_s=150.0,
    sources=SourceRecipe(counts=(0, 0, 0, 1.0), window_s=50.0, moving_share=0.2, conversation_share=0.0),
    receivers=ReceiverRecipe(turning_share=0.0, carried_share=0.0),
)


@dataclass(frozen=True)
class Hiss:
    """Steady noise of a voice or of nobody."""

    label: str = "noise"
    speaker: str | None = None

    @property
    def identity(self) -> tuple[str, ...]:
        return (self.label, self.speaker or "")

    def draw(
        self, rng: np.random.Generator, samples: int, rate: int, cache: AudioCache, speaker: str | None = None
    ) -> DrySource:
        return DrySource(self.label, rng.normal(0, 0.05, samples).astype(np.float32), self.speaker, "…")


HISS = SourceLibrary.of([Hiss()])
VOICES = SourceLibrary.of([Hiss("speech", name) for name in ("ann", "ben", "cay", "dan", "eve", "fay")])


@cache
def library() -> SourceLibrary:
    return SourceLibrary.builtin(espeak=False)


@cache
def scene(seed: int, recipe: SceneRecipe = RECIPE, steady: bool = False) -> tuple[Samples, Scene]:
    samples, labels = render_scene(recipe, HISS if steady else library(), seed)
    samples.setflags(write=False)
    return samples, labels


@cache
def long_scene() -> tuple[tuple[Samples, ...], Scene]:
    labels, blocks = render_blocks(LONG, HISS, 3)
    return tuple(blocks), labels()


def changed(recipe: SceneRecipe, part: str, **values: Any) -> SceneRecipe:
    """A recipe with other values in one of its tables."""
    tables: dict[str, Any] = {part: replace(getattr(recipe, part), **values)}
    return replace(recipe, **tables)


def plain(labels: Scene) -> str:
    """Labels as text: NaN is not equal to itself."""
    return json.dumps(labels.to_json())


def energy_db(omni: Samples, frames: int, rate: int) -> NDArray[np.float64]:
    """Level of W in its first whole 100 ms frames, relative to its loudest."""
    step = round(FRAME_S * rate)
    frames = min(frames, len(omni) // step)
    power = np.mean(omni[: frames * step].astype(float).reshape(frames, step) ** 2, axis=1)
    return np.asarray(10 * np.log10(power / power.max() + 1e-12))


# ---------------------------------------------------------------- repetition


@pytest.mark.parametrize(
    ("seed", "recipe"), [(0, RECIPE), (7, RECIPE), (3, EVERYTHING), (1, OUTDOORS)], ids=["0", "7", "all", "outdoors"]
)
def test_a_seed_gives_the_same_bytes(seed: int, recipe: SceneRecipe) -> None:
    samples, labels = scene(seed, recipe)
    again, labels_again = render_scene(recipe, SourceLibrary.builtin(espeak=False), seed)
    assert again.tobytes() == samples.tobytes()
    assert plain(labels_again) == plain(labels)
    assert labels.seed == seed


def test_other_seeds_give_other_scenes() -> None:
    rooms = {scene(seed)[1].room for seed in range(6)}
    audio = {scene(seed)[0].tobytes() for seed in range(6)}
    assert len(rooms) == len(audio) == 6


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("recipe", [RECIPE, EVERYTHING, OUTDOORS], ids=["still", "all", "outdoors"])
def test_scene_survives_json(seed: int, recipe: SceneRecipe) -> None:
    labels = scene(seed, recipe)[1]
    assert plain(Scene.from_json(labels.to_json())) == plain(labels)
    assert plain(Scene.from_json(json.loads(plain(labels)))) == plain(labels)


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
        recipe = changed(RECIPE, "sources", counts=(0.0,) * sources + (1.0,))
        found = [len(scene(seed, recipe)[1].events) for seed in range(6)]
        assert max(found) == sources  # a sound of which nothing falls into the scene is not labelled
        assert np.mean(found) > 0.8 * sources


@pytest.mark.parametrize("receiver", ["foa", "hoa2"])
def test_sound_comes_from_the_labelled_direction(receiver: str) -> None:
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


def test_movers_in_open_air_are_where_their_labels_say() -> None:
    """Frame by frame, of one steady sound over ground that swallows all: intensity against trajectory."""
    recipe = changed(OUTDOORS, "sources", moving_share=1.0, speed_m_s=(1.0, 3.0))
    checked = 0
    for seed in range(10):
        samples, labels = scene(seed, recipe, steady=True)
        for event in labels.events if min(labels.room.wall_bands[4]) == 1.0 else ():
            if len(event.trajectory) < 5:
                continue
            for number, (azimuth, elevation, _) in list(enumerate(event.trajectory))[1:-1]:
                start = round((event.onset_s + number * FRAME_S) * labels.rate)
                part = samples[:, start : start + 1600].astype(float)
                assert angle_between(part[[3, 1, 2]] @ part[0], unit_vector(azimuth, elevation)) < 3.0
                checked += 1
    assert checked > 50


def test_order_changes_neither_the_room_nor_the_places() -> None:
    for seed in range(4):
        first, second = (scene(seed, replace(ONE_CLEAN, receiver=name))[1] for name in ("foa", "hoa2"))
        assert first.room == second.room
        assert first.receiver_m == second.receiver_m
        assert [event.trajectory for event in first.events] == [event.trajectory for event in second.events]


def test_nothing_sounds_before_the_onset_and_something_while_active() -> None:
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


def test_nearer_sources_have_a_higher_direct_share() -> None:
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


def test_acoustics_are_the_mean_over_the_events() -> None:
    for seed in range(12):
        labels = scene(seed)[1]
        own = [event.acoustics for event in labels.events if event.acoustics is not None]
        assert len(own) == len(labels.events)
        if own:
            assert labels.acoustics is not None
            assert labels.acoustics.drr_db == pytest.approx(np.mean([one.drr_db for one in own]))
            assert labels.acoustics.t60_bands_s[3] == pytest.approx(np.nanmean([one.t60_bands_s[3] for one in own]))


@pytest.mark.parametrize("drr_db", [(-12.0, -9.0), (0.0, 3.0)])
def test_ratio_aimed_at_moves_the_ratio_measured(drr_db: tuple[float, float]) -> None:
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
def test_noise_is_as_far_below_the_sources_as_the_label_says(snr_db: float, seed: int) -> None:
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


def test_unsteady_noise_is_told_as_loud_as_it_is_then() -> None:
    """The label follows the swell over the sound: measured between two renderings of one seed."""
    recipe = changed(OUTDOORS, "background", unsteady_share=1.0, swing_db=(20.0, 20.0), snr_db=(10.0, 10.0))
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
        share_db = -10 * np.log10(1 + 10 ** (-event.acoustics.drr_db / 10))
        assert event.direct_snr_db == pytest.approx(found + share_db, abs=1.5)


@pytest.mark.parametrize("seed", range(6))
def test_level_is_within_the_recipe(seed: int) -> None:
    samples, _ = scene(seed)
    level = 10 * np.log10(np.mean(samples[0].astype(float) ** 2))
    assert RECIPE.level_db[0] - 0.1 <= level <= RECIPE.level_db[1] + 0.1


def test_levels_never_clip() -> None:
    """Asked for full scale, the peak of every channel stops below it."""
    for seed in range(6):
        samples, _ = scene(seed, replace(RECIPE, level_db=(-1.0, 0.0), duration_s=2.0))
        assert np.abs(samples).max() == pytest.approx(FULL_SCALE, abs=1e-3)


@pytest.mark.parametrize("receiver", ["foa", "hoa2"])
def test_scene_without_sources_is_diffuse_noise(receiver: str) -> None:
    recipe = replace(changed(RECIPE, "sources", counts=(1.0,)), receiver=receiver)
    samples, labels = scene(0, recipe)
    assert labels.events == ()
    assert labels.acoustics is None
    assert np.isfinite(samples).all()
    assert -38.1 <= 10 * np.log10(np.mean(samples[0].astype(float) ** 2)) <= -13.9
    signals = samples.astype(float)
    assert np.linalg.norm(signals[[3, 1, 2]] @ signals[0]) < 0.2 * np.sum(signals[0] ** 2)


def test_steady_noise_from_one_place_has_a_direction() -> None:
    directional = changed(changed(RECIPE, "sources", counts=(1.0,)), "rooms", t60_s=(0.1, 0.2))
    directional = changed(directional, "background", directional_share=1.0, directional_db=(20.0, 20.0))
    samples, labels = scene(2, directional)
    assert "directional" in labels.background
    signals = samples.astype(float)
    assert np.linalg.norm(signals[[3, 1, 2]] @ signals[0]) > 0.4 * np.sum(signals[0] ** 2)


def test_augmentation_changes_the_sound_and_not_the_place() -> None:
    plain_samples, labels = scene(5, ONE_CLEAN)
    augmented, augmented_labels = scene(5, changed(ONE_CLEAN, "sources", varispeed=0.15, colour_db=3.0))
    assert augmented_labels.room == labels.room
    assert [e.trajectory for e in augmented_labels.events] == [e.trajectory for e in labels.events]
    assert np.isfinite(augmented).all()
    assert augmented.tobytes() != plain_samples.tobytes()


# ---------------------------------------------------------------- conversations and overlap


CONVERSATION = changed(replace(RECIPE, duration_s=30.0), "sources", conversation_share=1.0, gap_s=0.4, gap_spread_s=0.1)


@pytest.mark.parametrize("seed", range(3))
def test_conversations_take_turns_in_one_voice_a_place(seed: int) -> None:
    _, labels = render_scene(CONVERSATION, VOICES, seed)
    events = labels.events
    assert len(events) >= 5
    assert all(event.label == "speech" for event in events)
    places = {
        event.speaker: {other.trajectory for other in events if other.speaker == event.speaker} for event in events
    }
    assert 2 <= len(places) <= 4
    assert all(len(own) == 1 for own in places.values())
    assert len({place for own in places.values() for place in own}) == len(places)
    assert all(first.speaker != second.speaker for first, second in pairwise(events))
    gaps = [second.onset_s - first.offset_s for first, second in pairwise(events)]
    assert np.mean(gaps) == pytest.approx(0.4, abs=0.15)  # frames of activity are 100 ms long
    assert min(gaps) > -0.1


@pytest.mark.parametrize("most", [1, 2])
def test_no_more_sounds_at_once_than_allowed(most: int) -> None:
    recipe = changed(replace(RECIPE, duration_s=20.0), "sources", counts=(0, 0, 0, 0, 1.0), most_at_once=most)
    recipe = changed(recipe, "sources", event_s=(2.0, 4.0))
    together = []
    for seed in range(5):
        labels = scene(seed, recipe, steady=True)[1]
        moments = np.linspace(0, 20, 2001)
        sounding = [(moments >= event.onset_s) & (moments < event.offset_s) for event in labels.events]
        together.append(int(np.sum(sounding, axis=0).max()))
    # The ways of two sounds differ in length by some milliseconds; a moment of both is not counted on this grid.
    assert max(together) == most


# ---------------------------------------------------------------- movement


def test_movers_keep_off_the_receiver_and_inside() -> None:
    recipe = changed(replace(RECIPE, duration_s=4.0), "sources", moving_share=1.0, counts=(0, 0, 1.0), nearest_m=0.8)
    moved = 0
    for seed in range(5):
        labels = scene(seed, recipe, steady=True)[1]
        for event in labels.events:
            for azimuth, elevation, distance in event.trajectory:
                place = np.array(labels.receiver_m) + distance * unit_vector(azimuth, elevation)
                assert distance >= 0.8 * 0.97
                assert (place > 0).all()
                assert (place < labels.room.dimensions_m).all()
            moved += len({azimuth for azimuth, _, _ in event.trajectory}) > 1
    assert moved >= 5


def test_turning_receivers_are_tracked() -> None:
    """What stands still in the room turns in the labels as the poses say, and the audio agrees."""
    recipe = changed(OUTDOORS, "receivers", turning_share=1.0)
    checked = 0
    for seed in range(8):
        samples, labels = scene(seed, recipe, steady=True)
        assert len(labels.receiver_track) == 40
        for event in labels.events:
            first = unit_vector(*event.trajectory[0][:2])
            for number, (azimuth, elevation, _) in enumerate(event.trajectory):
                ahead = labels.receiver_track[1][3] * number  # degrees from the first frame on
                turned = rotation_matrix(ahead).T @ first
                assert angle_between(turned, unit_vector(azimuth, elevation)) < 0.5
                if labels.room.absorption[4] == 1.0 and 0 < number < len(event.trajectory) - 1:
                    start = round((event.onset_s + number * FRAME_S) * labels.rate)
                    part = samples[:, start : start + 1600].astype(float)
                    assert angle_between(part[[3, 1, 2]] @ part[0], unit_vector(azimuth, elevation)) < 4.0
                    checked += 1
    assert checked > 20


def test_scenes_of_every_kind_are_finite_and_within_full_scale() -> None:
    for seed in range(6):
        samples, labels = scene(seed, EVERYTHING)
        assert samples.shape == (4, 48_000)
        assert np.isfinite(samples).all()
        assert np.abs(samples).max() <= FULL_SCALE + 1e-6
        assert bool(labels.receiver_track) == (len(labels.receiver_track) == 30)


# ---------------------------------------------------------------- open air


def test_open_air_has_no_reverberation_and_no_volume() -> None:
    for seed in range(6):
        _, labels = scene(seed, OUTDOORS)
        assert labels.room.outdoors
        content = json.loads(plain(labels))
        assert labels.room.volume_m3 == math.inf
        assert content["volume_m3"] in (math.inf, None)
        for event in labels.events:
            assert event.acoustics is not None
            assert np.isnan(event.acoustics.t60_s)
            assert event.acoustics.c50_db > 20


# ---------------------------------------------------------------- long scenes


def test_long_scene_comes_in_windows_and_is_what_render_scene_gives() -> None:
    blocks, labels = long_scene()
    assert [block.shape for block in blocks] == [(4, 800_000)] * 3
    whole, again = render_scene(LONG, HISS, 3)
    assert whole.tobytes() == np.concatenate(blocks, axis=1).tobytes()
    assert plain(again) == plain(labels)
    assert whole.shape[1] == round(150.0 * labels.rate)


def test_labels_of_a_long_scene_come_last() -> None:
    recipe = changed(replace(LONG, duration_s=61.0), "sources", counts=(0, 1.0), window_s=31.0)
    labels, blocks = render_blocks(recipe, HISS, 1)
    next(blocks)
    with pytest.raises(RuntimeError, match="after its last block"):
        labels()
    assert len(list(blocks)) == 1
    assert labels().duration_s == 61.0


def test_long_scenes_have_sounds_in_every_window_and_never_clip() -> None:
    blocks, labels = long_scene()
    onsets = np.array([event.onset_s for event in labels.events])
    assert len(onsets) == 9
    assert np.histogram(onsets, bins=[0, 50, 100, 150])[0].tolist() == [3, 3, 3]
    assert max(event.offset_s for event in labels.events) <= 150.0
    assert max(np.abs(block).max() for block in blocks) < 1.0


def test_sounds_run_on_over_the_edge_of_a_window() -> None:
    """A sound that ends in the next block: no gap, and its labels are those of one sound."""
    recipe = changed(replace(LONG, duration_s=64.0), "sources", window_s=8.0, event_s=(6.0, 7.0), counts=(0, 1.0))
    recipe = changed(changed(recipe, "background", snr_db=(80.0, 80.0)), "sources", moving_share=0.0)
    labels, blocks = render_blocks(recipe, HISS, 4)
    whole = np.concatenate(list(blocks), axis=1)
    over = [event for event in labels().events if event.onset_s // 8 != (event.offset_s - 0.3) // 8]
    assert over
    for event in over:
        edge = round(event.offset_s // 8 * 8 * 16_000)
        before, after = whole[0, edge - 1600 : edge], whole[0, edge : edge + 1600]
        assert 10 * np.log10(np.mean(after**2) / np.mean(before**2)) == pytest.approx(0.0, abs=1.0)


# ---------------------------------------------------------------- arrays


@pytest.mark.parametrize("name", ["linear4", "tetrahedral"])
def test_arrays_hear_the_scene_with_their_capsules(name: str) -> None:
    recipe = replace(OUTDOORS, receiver=name, duration_s=2.0)
    samples, labels = scene(1, recipe, steady=True)
    assert labels.order == 0
    assert labels.convention == "array"
    assert labels.array is not None
    assert labels.array["name"] == name
    assert samples.shape == (4, 32_000)
    assert samples.dtype == np.float32
    assert len(labels.array["positions_m" if "positions_m" in labels.array else "positions"]) == 4
    assert plain(Scene.from_json(json.loads(plain(labels)))) == plain(labels)


def test_capsules_are_delayed_by_the_direction_of_the_sound() -> None:
    """The arrival between the outer two of a line of 12 cm, by cross-correlation, of sounds in open air."""
    recipe = replace(OUTDOORS, receiver="linear4")
    recipe = changed(recipe, "receivers", gain_db=0.0, delay_us=0.0, position_m=0.0)
    checked = 0
    for seed in range(8):
        samples, labels = scene(seed, recipe, steady=True)
        if labels.room.absorption[4] != 1.0 or not labels.events:
            continue
        event = labels.events[0]
        start, stop = (round(edge * labels.rate) for edge in (event.onset_s, event.offset_s))
        spectra = np.fft.rfft(samples[[0, 3], start:stop].astype(float), 1 << 17)
        frequency = np.fft.rfftfreq(1 << 17, 1 / labels.rate)
        band = (frequency > 300) & (frequency < 1200)
        cross = spectra[0][band] * spectra[1][band].conj()
        delays = np.linspace(-0.12 / 343, 0.12 / 343, 481)
        match = np.real(np.exp(-2j * np.pi * delays[:, None] * frequency[band]) @ cross)
        # The first capsule lies at y = 6 cm: a source at the left reaches it first.
        expected = 0.12 / 343 * unit_vector(event.azimuth_deg, event.elevation_deg)[1]
        assert delays[np.argmax(match)] == pytest.approx(expected, abs=5e-6)
        checked += 1
    assert checked >= 2


def test_random_arrays_differ_from_scene_to_scene() -> None:
    recipe = replace(OUTDOORS, receiver="random", duration_s=1.0)
    arrays = [scene(seed, recipe, steady=True)[1].array for seed in range(3)]
    assert len({json.dumps(array) for array in arrays}) == 3
