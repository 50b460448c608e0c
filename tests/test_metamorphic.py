"""The shipped model through microphones: what must not matter does not, and what must follow follows.

Rotation, mirror and gain of ambisonics are in ``test_shipped_model``; here it is about arrays and about blocks.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from spatial_lalm.audio.arrays import MicrophoneArray
from spatial_lalm.audio.conventions import angle_between, rotation_matrix, unit_vector
from spatial_lalm.audio.formats import ChannelFormat
from spatial_lalm.audio.presets import preset
from spatial_lalm.audio.recording import Recording
from spatial_lalm.audio.scene import Scene
from spatial_lalm.model.analysis import analyse, plan_analysis
from spatial_lalm.model.answers import Evidence
from spatial_lalm.model.hearing import Heard
from spatial_lalm.model.loading import SpatialLalm, load_model
from spatial_lalm.model.recorded import Recorded
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.recipe import still_scenes
from spatial_lalm.simulation.sampling import render_scene

RATE = 16_000
SEEDS = range(880_000, 880_004)
ARRAYS = ("tetrahedral", "em32")
WHERE = "Where is the sound?"
Samples = NDArray[np.float32]


@cache
def model() -> SpatialLalm:
    return load_model()


@cache
def scenes(receiver: str) -> tuple[tuple[Samples, Scene], ...]:
    """The same four scenes of one source, through any receiver."""
    recipe = still_scenes(4.0, (0.2, 0.5), receiver=receiver, snr_db=(25, 40), counts=(0, 1.0), event_s=(2.5, 4.0))
    library = SourceLibrary.builtin(espeak=False)
    return tuple(render_scene(recipe, library, seed) for seed in SEEDS)


def heard_by(array: MicrophoneArray, samples: Samples) -> Heard:
    recording = Recording.from_array(samples, RATE, ChannelFormat("array", array=array))
    return model().hear(*recording.ambisonics(order=model().order_read(recording)))


def changed(
    array: MicrophoneArray, positions: NDArray[np.float64], order: NDArray[np.int64], turn: Samples
) -> MicrophoneArray:
    """The array with its capsules elsewhere, in another order, looking where they are turned to."""
    look = None if array.look is None else array.look[order] @ turn.T
    return replace(array, positions=positions, directivity=np.asarray(array.directivity)[order], look=look)


def first(heard: Heard) -> Evidence:
    assert heard.events, "nothing was heard"
    return heard.events[0]


def way(event: Evidence) -> NDArray[np.float64]:
    assert event.azimuth_deg is not None
    return unit_vector(event.azimuth_deg, event.elevation_deg or 0.0)


@pytest.mark.parametrize("name", ARRAYS)
def test_channels_in_another_order_with_their_geometry_are_the_same(name: str) -> None:
    array = preset(name)
    order = np.random.default_rng(0).permutation(array.microphones)
    other = changed(array, array.positions[order], order, np.eye(3))
    for samples, _ in scenes(name)[:2]:
        one, two = first(heard_by(array, samples)), first(heard_by(other, samples[order]))
        assert (one.label, one.start_s, one.end_s) == (two.label, two.start_s, two.end_s)
        assert float(angle_between(way(one), way(two))) < 0.1
        assert two.distance_m == pytest.approx(one.distance_m, rel=0.01)


@pytest.mark.parametrize("name", ARRAYS)
def test_directions_turn_against_an_array_that_is_said_to_be_turned(name: str) -> None:
    """Where the same channels come from capsules a quarter turn further left, so does the sound."""
    array, turn = preset(name), rotation_matrix(yaw_deg=90)
    other = changed(array, array.positions @ turn.T, np.arange(array.microphones), turn)
    for samples, _ in scenes(name)[:2]:
        one, two = first(heard_by(array, samples)), first(heard_by(other, samples))
        assert float(angle_between(turn @ way(one), way(two))) < 1.0


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_hear_what_ideal_ambisonics_hear(name: str) -> None:
    apart = []
    for (samples, _), (ideal, _) in zip(scenes(name), scenes("foa"), strict=True):
        apart.append(float(angle_between(way(first(heard_by(preset(name), samples))), way(first(model().hear(ideal))))))
    assert np.median(apart) < 8.0, apart  # of four scenes


def test_a_file_of_encoded_sound_is_heard_as_the_raw_one(tmp_path: Path) -> None:
    from spatial_lalm.app.cli import main

    apart = []
    for number, (samples, _) in enumerate(scenes("em32")[:2]):
        raw, encoded = tmp_path / f"{number}.wav", tmp_path / f"{number}_ambix.wav"
        soundfile.write(raw, samples.T / np.abs(samples).max(), RATE, "FLOAT")
        assert main(["encode", str(raw), str(encoded), "--array", "em32", "--order", "2"]) == 0
        told = [
            model().ask(Recording.open(path, **how), WHERE) for path, how in ((raw, {"array": "em32"}), (encoded, {}))
        ]
        apart.append(float(angle_between(*(way(answer.evidence[0]) for answer in told))))
    assert max(apart) < 8.0, apart


def test_blocks_of_any_size_are_heard_alike(tmp_path: Path) -> None:
    """The file of an analysis does not tell in how many parts or by how many workers it was made."""
    signals = np.concatenate([samples for samples, _ in scenes("foa")[:3]], axis=1)
    plan = plan_analysis(model(), Recording.from_array(signals, RATE, "ambix"), views=1)
    kept = []
    for number, workers in enumerate((1, 2)):
        analyse(plan, tmp_path / f"{number}.h5", workers)
        kept.append(Recorded.open(tmp_path / f"{number}.h5").events)
    heard = [event.evidence for event in kept[0]]
    assert heard
    assert heard == [event.evidence for event in kept[1]]
