"""Scenes of every kind: conversations, movers, turning receivers, open air, hours, and arrays of capsules."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import angle_between, rotation_matrix, unit_vector
from spatial_lalm.audio.scene import FRAME_S, Scene
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.questions import ask_many
from spatial_lalm.simulation.recipe import (
    ReceiverRecipe,
    SceneRecipe,
    SourceRecipe,
)
from spatial_lalm.simulation.sampling import FULL_SCALE, render_blocks, render_scene
from spatial_lalm.simulation.writer import json_bytes
from spatial_lalm.train.data import room_targets

Samples = NDArray[np.float32]
LONG = SceneRecipe(
    duration_s=150.0,
    sources=SourceRecipe(counts=(0, 0, 0, 1.0), window_s=50.0, moving_share=0.2, conversation_share=0.0),
    receivers=ReceiverRecipe(turning_share=0.0, carried_share=0.0),
)
ABOUT_REVERBERATION = {"drr", "clarity", "drr_of", "c50_of", "which_drr", "d50", "d50_of", "edt", "edt_of", "t60"}

Rendered = Callable[..., tuple[Samples, Scene]]
Change = Callable[..., SceneRecipe]
Plain = Callable[[Scene], str]
Long = tuple[tuple[Samples, ...], Scene]


@pytest.fixture(scope="module")
def long_scene(hiss: SourceLibrary) -> Long:
    labels, blocks = render_blocks(LONG, hiss, 3)
    return tuple(blocks), labels()


# ---------------------------------------------------------------- conversations and overlap


@pytest.mark.parametrize("seed", range(3))
def test_conversations_take_turns_in_one_voice_a_place(
    seed: int, changed: Change, still: SceneRecipe, voices: SourceLibrary
) -> None:
    spoken = {"conversation_share": 1.0, "gap_s": 0.4, "gap_spread_s": 0.1}
    _, labels = render_scene(changed(replace(still, duration_s=30.0), "sources", **spoken), voices, seed)
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
def test_no_more_sounds_at_once_than_allowed(most: int, scene: Rendered, changed: Change, still: SceneRecipe) -> None:
    recipe = changed(replace(still, duration_s=20.0), "sources", counts=(0, 0, 0, 0, 1.0), most_at_once=most)
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


def test_movers_in_open_air_are_where_their_labels_say(scene: Rendered, changed: Change, outdoors: SceneRecipe) -> None:
    """Frame by frame, of one steady sound over ground that swallows all: intensity against trajectory."""
    recipe = changed(outdoors, "sources", moving_share=1.0, speed_m_s=(1.0, 3.0))
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


def test_movers_keep_off_the_receiver_and_inside(scene: Rendered, changed: Change, still: SceneRecipe) -> None:
    recipe = changed(replace(still, duration_s=4.0), "sources", moving_share=1.0, counts=(0, 0, 1.0), nearest_m=0.8)
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


def test_turning_receivers_are_tracked(scene: Rendered, changed: Change, outdoors: SceneRecipe) -> None:
    """What stands still in the room turns in the labels as the poses say, and the audio agrees."""
    recipe = changed(outdoors, "receivers", turning_share=1.0)
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


def test_scenes_of_every_kind_are_finite_and_within_full_scale(scene: Rendered, everything: SceneRecipe) -> None:
    for seed in range(6):
        samples, labels = scene(seed, everything, steady=True)
        assert samples.shape == (4, 48_000)
        assert np.isfinite(samples).all()
        assert np.abs(samples).max() <= FULL_SCALE + 1e-6
        assert bool(labels.receiver_track) == (len(labels.receiver_track) == 30)


# ---------------------------------------------------------------- open air


def test_open_air_has_no_reverberation_and_no_volume(scene: Rendered, plain: Plain, outdoors: SceneRecipe) -> None:
    for seed in range(6):
        _, labels = scene(seed, outdoors, steady=True)
        assert labels.room.outdoors
        content = json.loads(json_bytes(labels.to_json()))
        assert labels.room.volume_m3 == math.inf
        assert content["volume_m3"] is None
        assert plain(Scene.from_json(content)) == plain(labels)
        for event in labels.events:
            assert event.acoustics is not None
            assert np.isnan([event.acoustics.t60_s, event.acoustics.c50_db, event.acoustics.d50]).all()
            assert labels.room.absorption[4] < 1 or np.isnan(event.acoustics.drr_db)
        told = [event["acoustics"]["c50_db"] for event in content["events"]]
        assert told == [None] * len(labels.events)
        assert np.isnan(room_targets(labels)[[0, 8, 9]]).all()
        asked = ask_many(labels, np.random.default_rng(seed), 200).kept
        assert not ABOUT_REVERBERATION & {qa.kind for qa in asked}


# ---------------------------------------------------------------- long scenes


def test_long_scene_comes_in_windows_and_is_what_render_scene_gives(
    long_scene: Long, plain: Plain, hiss: SourceLibrary
) -> None:
    blocks, labels = long_scene
    assert [block.shape for block in blocks] == [(4, 800_000)] * 3
    whole, again = render_scene(LONG, hiss, 3)
    assert whole.tobytes() == np.concatenate(blocks, axis=1).tobytes()
    assert plain(again) == plain(labels)
    assert whole.shape[1] == round(150.0 * labels.rate)


def test_labels_of_a_long_scene_come_last(changed: Change, hiss: SourceLibrary) -> None:
    recipe = changed(replace(LONG, duration_s=61.0), "sources", counts=(0, 1.0), window_s=31.0)
    labels, blocks = render_blocks(recipe, hiss, 1)
    next(blocks)
    with pytest.raises(RuntimeError, match="after its last block"):
        labels()
    assert len(list(blocks)) == 1
    assert labels().duration_s == 61.0


def test_long_scenes_have_sounds_in_every_window_and_never_clip(long_scene: Long) -> None:
    blocks, labels = long_scene
    onsets = np.array([event.onset_s for event in labels.events])
    assert len(onsets) == 9
    assert np.histogram(onsets, bins=[0, 50, 100, 150])[0].tolist() == [3, 3, 3]
    assert max(event.offset_s for event in labels.events) <= 150.0
    assert max(np.abs(block).max() for block in blocks) < 1.0


def test_sounds_run_on_over_the_edge_of_a_window(changed: Change, hiss: SourceLibrary) -> None:
    """A sound that ends in the next block: no gap, and its labels are those of one sound."""
    recipe = changed(replace(LONG, duration_s=64.0), "sources", window_s=8.0, event_s=(6.0, 7.0), counts=(0, 1.0))
    recipe = changed(changed(recipe, "background", snr_db=(80.0, 80.0)), "sources", moving_share=0.0)
    labels, blocks = render_blocks(recipe, hiss, 4)
    whole = np.concatenate(list(blocks), axis=1)
    over = [event for event in labels().events if event.onset_s // 8 != (event.offset_s - 0.3) // 8]
    assert over
    for event in over:
        edge = round(event.offset_s // 8 * 8 * 16_000)
        before, after = whole[0, edge - 1600 : edge], whole[0, edge : edge + 1600]
        assert 10 * np.log10(np.mean(after**2) / np.mean(before**2)) == pytest.approx(0.0, abs=1.0)


# ---------------------------------------------------------------- arrays


@pytest.mark.parametrize("name", ["linear4", "tetrahedral"])
def test_arrays_hear_the_scene_with_their_capsules(
    name: str, scene: Rendered, plain: Plain, outdoors: SceneRecipe
) -> None:
    recipe = replace(outdoors, receiver=name, duration_s=2.0)
    samples, labels = scene(1, recipe, steady=True)
    assert labels.order == 0
    assert labels.convention == "array"
    assert labels.array is not None
    assert labels.array["name"] == name
    assert samples.shape == (4, 32_000)
    assert samples.dtype == np.float32
    assert len(labels.array["positions_m" if "positions_m" in labels.array else "positions"]) == 4
    assert plain(Scene.from_json(json.loads(plain(labels)))) == plain(labels)


def test_capsules_are_delayed_by_the_direction_of_the_sound(
    scene: Rendered, changed: Change, outdoors: SceneRecipe
) -> None:
    """The arrival between the outer two of a line of 12 cm, by cross-correlation, of sounds in open air."""
    recipe = replace(outdoors, receiver="linear4")
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


def test_random_arrays_differ_from_scene_to_scene(scene: Rendered, outdoors: SceneRecipe) -> None:
    recipe = replace(outdoors, receiver="random", duration_s=1.0)
    arrays = [scene(seed, recipe, steady=True)[1].array for seed in range(3)]
    assert len({json.dumps(array) for array in arrays}) == 3
