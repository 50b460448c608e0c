"""The shipped model on rooms that it has never met: it hears directions, follows rotations and knows its limits.

Every clip is six seconds with one source, two metres away in an ordinary room (T60 of 0.3 to 0.5 s), 25 dB above a
diffuse noise. Bounds are on medians or on most of the clips: a single clip may fail, the model may not.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import angle_between, rotate, rotation_matrix, unit_vector, wrap_degrees
from spatial_lalm.audio.recording import Recording
from spatial_lalm.audio.scene import Room
from spatial_lalm.model.answers import Answer
from spatial_lalm.model.loading import SHIPPED, SpatialLalm, load_model
from spatial_lalm.simulation.engine.paths import Path, decay_times
from spatial_lalm.simulation.engine.render import render_responses
from spatial_lalm.simulation.generators import GENERATORS
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.receivers import ambisonic_receiver
from spatial_lalm.simulation.recipe import still_scenes
from spatial_lalm.simulation.sampling import render_scene

RATE = 16_000
DURATION_S, ONSET_S, SOUND_S = 6.0, 1.0, 4.0
DISTANCE_M = 2.0
SNR_DB = 25.0
WHERE = "Where is the sound?"
DOG = "Where is the dog?"
OFF_TOPIC = "What is the capital of France?"
NAMES = {"text", "evidence", "room", "abstained", "assumed", "model"}
# Room in metres, mean absorption, azimuth and elevation of the source, its generator.
PLACES = (
    ((7.0, 6.0, 3.0), 0.25, 50.0, 0.0, "noise"),
    ((8.0, 6.5, 2.8), 0.28, -110.0, 5.0, "modulated_noise"),
    ((6.5, 7.0, 3.2), 0.30, 135.0, -10.0, "noise"),
    ((7.5, 7.0, 3.0), 0.27, -35.0, 15.0, "modulated_noise"),
    ((6.0, 7.5, 2.7), 0.24, 85.0, -5.0, "noise"),
    ((7.0, 7.0, 2.9), 0.26, -75.0, 0.0, "modulated_noise"),
)
Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Clip:
    """First-order ambisonics ``(4, T)`` of one source and where it is."""

    samples: Samples
    azimuth_deg: float
    elevation_deg: float
    room: Room


@cache
def clips() -> tuple[Clip, ...]:
    return tuple(make_clip(number) for number in range(len(PLACES)))


def make_clip(number: int) -> Clip:
    dimensions, absorption, azimuth, elevation, label = PLACES[number]
    rng = np.random.default_rng(1_000 + number)
    room = Room(dimensions, (absorption,) * 6)
    receiver = 0.5 * np.array(dimensions) + [0.2, -0.3, -0.1]
    source = receiver + DISTANCE_M * unit_vector(azimuth, elevation)
    (response,) = render_responses([Path(room, source, receiver, seed=1_000 + number)], ambisonic_receiver(1), RATE)
    dry = GENERATORS[label](rng, round(SOUND_S * RATE), RATE)
    wet = np.stack([np.convolve(dry, taps) for taps in response.taps[:, : RATE // 2]])
    samples = np.zeros((4, round(DURATION_S * RATE)))
    onset = round(ONSET_S * RATE)
    samples[:, onset : onset + wet.shape[1]] = wet[:, : samples.shape[1] - onset]
    noise = rng.normal(size=samples.shape) / np.sqrt([[1.0], [3.0], [3.0], [3.0]])
    samples += noise * np.sqrt(np.mean(samples[0] ** 2)) * 10 ** (-SNR_DB / 20)
    samples *= 0.05 / np.sqrt(np.mean(samples[0] ** 2))
    return Clip(samples.astype(np.float32), azimuth, elevation, room)


@cache
def model() -> SpatialLalm:
    return load_model()


def ask(samples: Samples, question: str = WHERE, format: str = "ambix") -> Answer:
    return model().ask(Recording.from_array(samples, RATE, format), question)


@cache
def answers() -> tuple[Answer, ...]:
    """What is said to every clip as it is."""
    return tuple(ask(clip.samples) for clip in clips())


def told_azimuth(answer: Answer) -> float:
    """The first azimuth that an answer writes, in degrees; NaN where it writes none."""
    found = re.search(r"azimuth (-?\d+)°", answer.text)
    return float(found[1]) if found else math.nan


def heard_azimuth(answer: Answer) -> float:
    """The azimuth of the most relevant event, in degrees; NaN where there is none."""
    azimuth = answer.evidence[0].azimuth_deg if answer.evidence else None
    return math.nan if azimuth is None else azimuth


def heard_error(answer: Answer, clip: Clip) -> float:
    """Angle between the most relevant event and the truth in degrees; a right angle where nothing is heard."""
    if not answer.evidence or answer.evidence[0].azimuth_deg is None or answer.evidence[0].elevation_deg is None:
        return 90.0
    heard = unit_vector(answer.evidence[0].azimuth_deg, answer.evidence[0].elevation_deg)
    return float(angle_between(heard, unit_vector(clip.azimuth_deg, clip.elevation_deg)))


def differences(first: list[float], second: list[float]) -> NDArray[np.float64]:
    """Absolute differences of azimuths in degrees; a half turn where one is missing."""
    apart = np.abs(wrap_degrees(np.array(first) - np.array(second)))
    return np.where(np.isfinite(apart), apart, 180.0)


# ---------------------------------------------------------------- files


def test_weights_are_safetensors_of_the_promised_size() -> None:
    shards = list(SHIPPED.glob("*.safetensors"))
    assert shards
    assert sum(path.stat().st_size for path in shards) <= 60e6
    assert max(path.stat().st_size for path in SHIPPED.iterdir()) < 16e6
    assert {path.suffix for path in SHIPPED.iterdir()} <= {".safetensors", ".json", ".jinja", ".md", ".txt"}


def test_rooms_are_ordinary() -> None:
    assert all(0.3 <= decay_times(clip.room)[3] <= 0.5 for clip in clips())


# ---------------------------------------------------------------- where


def test_directions_are_heard() -> None:
    errors = [heard_error(answer, clip) for answer, clip in zip(answers(), clips(), strict=True)]
    assert np.median(errors) < 12, errors
    assert sum(error < 20 for error in errors) >= len(errors) - 1, errors


def test_directions_are_written() -> None:
    written = [told_azimuth(answer) for answer in answers()]
    errors = differences(written, [clip.azimuth_deg for clip in clips()])
    assert np.median(errors) < 15, written
    assert not any(answer.abstained for answer in answers())


def test_evidence_tells_when_it_sounds() -> None:
    for answer in answers():
        assert answer.evidence
        for event in answer.evidence:
            assert 0 <= event.start_s < event.end_s <= DURATION_S + 1e-6
    starts = [min(event.start_s for event in answer.evidence) for answer in answers()]
    assert np.median(np.abs(np.array(starts) - ONSET_S)) < 0.4, starts


def test_answers_turn_with_the_recording() -> None:
    turn = rotation_matrix(yaw_deg=90)
    turned = [ask(rotate(clip.samples, turn)) for clip in clips()[:4]]
    for azimuth in (heard_azimuth, told_azimuth):
        expected = [azimuth(answer) + 90 for answer in answers()[:4]]
        errors = differences([azimuth(answer) for answer in turned], expected)
        assert np.count_nonzero(errors <= 15) >= 3, (azimuth.__name__, errors)


def test_left_and_right_change_sides_in_a_mirror() -> None:
    mirrored = [ask(rotate(clip.samples, np.diag([1.0, -1.0, 1.0]))) for clip in clips()[:4]]
    for azimuth in (heard_azimuth, told_azimuth):
        expected = [-azimuth(answer) for answer in answers()[:4]]
        errors = differences([azimuth(answer) for answer in mirrored], expected)
        assert np.count_nonzero(errors <= 15) >= 3, (azimuth.__name__, errors)
    sides = [
        (np.sign(heard_azimuth(answer)), np.sign(clip.azimuth_deg))
        for answer, clip in zip(mirrored, clips()[:4], strict=True)
    ]
    assert sum(heard == -true for heard, true in sides) >= 3, sides


def test_level_does_not_count() -> None:
    soft = [ask(0.1 * clip.samples) for clip in clips()[:3]]
    for azimuth in (heard_azimuth, told_azimuth):
        errors = differences([azimuth(answer) for answer in soft], [azimuth(answer) for answer in answers()[:3]])
        assert max(errors) <= 3, (azimuth.__name__, errors)


# ---------------------------------------------------------------- limits


def test_mono_declines_to_tell_a_direction() -> None:
    for clip in clips()[:3]:
        answer = ask(clip.samples[:1], format="mono")
        assert answer.abstained, answer.text
        assert math.isnan(told_azimuth(answer)), answer.text
        assert answer.evidence
        assert {(event.azimuth_deg, event.elevation_deg) for event in answer.evidence} == {(None, None)}


def test_direction_comes_from_the_spatial_channels() -> None:
    """With Y, Z and X silent but trusted, what is heard is no better than chance."""
    errors = []
    for clip in clips():
        silenced = clip.samples.copy()
        silenced[1:] = 0
        errors.append(heard_error(ask(silenced), clip))
    assert np.mean(errors) > 45, errors


def test_what_does_not_sound_is_denied() -> None:
    denied = [ask(clip.samples, DOG) for clip in clips()]
    assert sum(answer.abstained for answer in denied) >= 4, [answer.text for answer in denied]
    assert not any(math.isfinite(told_azimuth(answer)) for answer in denied if answer.abstained)


def test_off_topic_questions_are_declined() -> None:
    answer = ask(clips()[0].samples, OFF_TOPIC)
    assert answer.abstained, answer.text


def test_longer_than_it_hears_at_once_is_analysed() -> None:
    longest = model().model.config.max_seconds
    recording = Recording.from_array(np.zeros((1, round((longest + 1) * 8_000)), np.float32), 8_000, "mono")
    answer = model().ask(recording, WHERE)
    assert answer.abstained
    assert "\n" not in answer.text


# ---------------------------------------------------------------- the answer


def test_json_has_the_names_of_the_contract() -> None:
    content = json.loads(json.dumps(answers()[0].to_dict(), allow_nan=False))
    assert set(content) == NAMES
    assert set(content["evidence"][0]) == {
        *("start_s", "end_s", "label", "azimuth_deg", "elevation_deg", "distance_m", "confidence", "side"),
    }
    assert set(content["room"]) == {"t60_s", "t60_bands_s", "drr_db", "c50_db", "volume_m3"}
    assert content["model"] == "spatial-lalm mini"


def test_ambisonics_by_its_name_assumes_nothing() -> None:
    assert answers()[0].assumed == ()


def test_distance_and_volume_follow_the_truth() -> None:
    """Rooms of every size: distances in them and their volumes go with the truth, and beat the best constant."""
    recipe = still_scenes(3.0, counts=(0, 1.0), t60_s=(0.2, 1.0), snr_db=(20, 40), event_s=(1.0, 3.0))
    library = SourceLibrary.builtin(espeak=False)
    rows = []
    for seed in range(990_000, 990_060):
        samples, scene = render_scene(recipe, library, seed)
        heard = model().hear(samples)
        if scene.events and heard.events:
            told = heard.events[0].distance_m, heard.room.volume_m3.value
            rows.append((scene.events[0].distance_m, scene.room.volume_m3, *told))
    assert len(rows) > 50
    distance, volume, said_distance, said_volume = np.log(rows).T
    assert np.corrcoef(volume, said_volume)[0, 1] > 0.65
    assert np.corrcoef(distance, said_distance)[0, 1] > 0.45
    best_constant = min(np.mean(np.abs(np.exp(constant - distance) - 1)) for constant in distance)
    assert np.mean(np.abs(np.exp(said_distance - distance) - 1)) < 0.9 * best_constant
