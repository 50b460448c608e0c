"""Sounds that move: their ways from frames, what questions ask of them, and the answers."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

from spatial_lalm.audio.conventions import unit_vector
from spatial_lalm.evaluate.run.bearings import direction
from spatial_lalm.evaluate.run.told_choices import choose, moves
from spatial_lalm.evaluate.run.told_yes_no import verdict
from spatial_lalm.model.answers import Answer, Estimate, Evidence, RoomEstimate
from spatial_lalm.model.grounding import as_scene, ground
from spatial_lalm.model.hearing import Heard, Stretch, continues, evidence_of, joined
from spatial_lalm.model.motion_question import read_motion
from spatial_lalm.model.question import read_question
from spatial_lalm.simulation.questions.phrasings.reading import sentences

CLASSES = ("speech", "dog_bark")


def stretch(start: float, end: float, azimuth: float, to: float | None = None, jitter: float = 0.0) -> Stretch:
    """Speech two metres away, on its way from an azimuth to another, its frames off by some degrees."""
    frames = round((end - start) * 10)
    ways = np.linspace(azimuth, azimuth if to is None else to, frames)
    off = np.random.default_rng(3).normal(0, jitter, (2, frames))
    directions = unit_vector(ways + off[0], 5.0 + off[1])
    path = np.column_stack([start + np.arange(frames) / 10, directions, np.full(frames, np.log(2.0)), np.ones(frames)])
    return Stretch(start, end, np.eye(2)[0], directions.sum(0), float(np.log(2.0)), 0.9, path)


def room() -> RoomEstimate:
    some = Estimate(0.45, 0.04)
    return RoomEstimate(some, (some,) * 6, Estimate(-3.0, 1.0), Estimate(6.0, 1.0), Estimate(55.0, 20.0))


# ---------------------------------------------------------------- from frames to ways


def test_a_sound_that_moves_has_its_way_in_the_evidence() -> None:
    evidence = evidence_of(stretch(1, 4, 60, -40), "full", CLASSES)
    assert evidence.trajectory is not None
    times, azimuths, elevations = zip(*evidence.trajectory, strict=True)
    assert (times[0], times[-1]) == pytest.approx((1.0, 3.9))
    assert np.diff(times) == pytest.approx(np.full(len(times) - 1, 0.5), abs=0.11)
    assert (azimuths[0], azimuths[-1]) == pytest.approx((60, -40), abs=8)
    assert (np.diff(azimuths) < 0).all()
    assert elevations == pytest.approx([5.0] * len(times), abs=1)


@pytest.mark.parametrize(
    "at_rest",
    [stretch(0, 4, 30), stretch(0, 4, 30, jitter=15.0), stretch(0, 4, 30, 40), stretch(0, 0.7, 30, 80)],
    ids=["still", "jitter", "hardly moved", "too short to tell"],
)
def test_what_stays_or_is_too_short_has_no_way(at_rest: Stretch) -> None:
    assert evidence_of(at_rest, "full", CLASSES).trajectory is None


@pytest.mark.parametrize(("spatial", "told"), [("planar", True), ("lateral", True), ("none", False)])
def test_a_way_is_told_as_far_as_the_channels_tell_it(spatial: Any, told: bool) -> None:
    evidence = evidence_of(stretch(0, 4, 60, -40), spatial, CLASSES)
    assert (evidence.trajectory is not None) == told
    assert all(elevation is None for _, _, elevation in evidence.trajectory or ())


def test_a_way_from_front_to_back_at_one_side_is_none_to_two_ears() -> None:
    behind = stretch(0, 4, 40, 140)
    assert evidence_of(behind, "planar", CLASSES).trajectory is not None
    assert evidence_of(behind, "lateral", CLASSES).trajectory is None


def test_a_fast_mover_is_one_event_across_windows() -> None:
    first, second = stretch(0, 4, 0, 100), stretch(4, 8, 102, 200)  # their means lie 101 degrees apart
    assert continues(first, second, "full", (4.0,))
    way = evidence_of(joined(first, second), "full", CLASSES).trajectory
    assert way is not None
    assert np.degrees(np.ptp(np.unwrap(np.radians([azimuth for _, azimuth, _ in way])))) == pytest.approx(200, abs=15)


@pytest.mark.parametrize("other", [stretch(4, 8, -20), stretch(4, 8, 200, 110), stretch(5, 8, 102, 200)])
def test_what_begins_elsewhere_or_later_is_no_continuation(other: Stretch) -> None:
    assert not continues(stretch(0, 4, 0, 100), other, "full", (4.0,))


def test_two_tracks_that_follow_one_mover_are_one_event() -> None:
    assert continues(stretch(0, 4, 0, 120), stretch(2.5, 4, 76, 120), "full", ())


# ---------------------------------------------------------------- questions


@pytest.mark.parametrize(
    ("question", "aspect", "way"),
    [
        ("Does the talker move?", "whether", None),
        ("Is the dog walking around?", "whether", None),
        ("Is the speaker stationary?", "whether", None),
        ("Does the rain stay in place?", "whether", None),
        ("Does the voice move or is it standing still?", "whether", None),
        ("Is the talker approaching?", "whether", "towards you"),
        ("Does the dog go away from me?", "whether", "away from you"),
        ("Does the helicopter fly over to the left?", "whether", "from right to left"),
        ("Is the voice moving counterclockwise?", "whether", "counter-clockwise"),
        ("Does the tone travel upwards?", "whether", "upwards"),
        ("Which sound moves?", "who", None),
        ("Is anything moving?", "who", None),
        ("Is there a moving source?", "who", None),
        ("Which sounds move to the right?", "who", "from left to right"),
        ("Which way does the dog go?", "way", None),
        ("Where is the talker heading?", "way", None),
        ("Describe the path of the helicopter.", "way", None),
        ("Where does the talker end up?", "end", None),
        ("Where does the talker start moving?", "start", None),
        ("How fast is the dog moving?", "speed", None),
        ("How far does the talker walk?", "far", None),
        ("When does the dog move?", "when", None),
    ],
)
def test_questions_about_motion(question: str, aspect: str, way: str | None) -> None:
    asked = read_question(question).motion
    assert asked is not None
    assert (asked.aspect, asked.way) == (aspect, way)


@pytest.mark.parametrize(
    "question",
    [
        "Is it a moving song?",
        "Where is the moving car?",
        "Is the rain still going on?",
        "Does the rain fall?",
        "Should I move the microphone?",
        "How fast does the sound die away?",
        "When does the noise go away?",
        "Where does the speech start?",
        "When does the speech end?",
        "Which sound is farther away?",
        "What is going on?",
        "Am I moving?",
        "In which direction is the dog?",
    ],
)
def test_questions_about_something_else(question: str) -> None:
    assert read_question(question).motion is None


BOOKS = {"moves_or_still": "whether", "which_way": "way", "who_moves": "who", "move_start": "start", "move_end": "end",
         "is_moving": "whether", "moves_way": "whether"}  # fmt: skip


@pytest.mark.parametrize("book", BOOKS)
def test_every_phrasing_of_training_is_read(book: str) -> None:
    for phrasing in sentences(book, "train"):
        text = phrasing.replace("{x}", "the dog").replace("{way}", "from left to right").lower()
        asked = read_motion(" ".join(re.findall(r"[\w'-]+", text)))
        assert asked is not None, text
        assert asked.aspect == BOOKS[book], text


def test_a_mover_of_no_class_of_ours_is_declined() -> None:
    text, declined = ground("x", "Does the elephant move?", Heard((WALKER,), room(), "full"))
    assert text.startswith('I cannot recognise "elephant"')
    assert declined


# ---------------------------------------------------------------- answers

WAY = ((0.8, 80.0, 4.0), (2.0, 45.0, 4.5), (3.1, 0.0, 5.0), (4.1, -30.0, 5.0))
WALKER = Evidence(0.8, 4.2, "speech", 30.0, 5.0, 1.6, 0.9, "left", WAY)
BARK = Evidence(6.2, 8.5, "dog_bark", -141.0, -6.0, 1.7, 0.8, "right")
BOTH = Heard((WALKER, BARK), room(), "full")
START, END = "the left: azimuth 80°, elevation 4°", "the front right: azimuth -30°, elevation 5°"


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("Does the talker move?", f"Yes: the speech moves from {START}, to {END}, clockwise, from 0.8 s to 4.2 s."),
        ("Does the speech stay in place?", f"No: the speech moves from {START}, to {END}, clockwise, from 0.8 s"),
        ("Does the dog move?", "No: the dog bark stays in place and comes from the back right: azimuth -141°, elev"),
        ("Does the dog stay in place?", "Yes: the dog bark stays in place and comes from the back right: azimuth"),
        ("Which sound moves?", f"The speech moves from {START}, to {END}, clockwise"),
        ("Which way does the dog go?", "The dog bark stays in place and comes from the back right"),
        ("Which way does the talker go?", f"The speech moves from left to right and clockwise, starting at {START}"),
        ("Where does the talker end up?", f"The speech ends at {END}."),
        ("Where does the talker start moving?", f"The speech starts at {START}."),
        ("How fast does the talker move?", "The speech moves by at least about 32° a second, from 0.8 s to 4.2 s."),
        ("How far does the talker move?", "The speech moves through at least about 110°, from 0.8 s to 4.2 s."),
        ("When does the talker move?", "The speech moves from 0.8 s to 4.2 s."),
        ("Does the talker move to the right?", "Yes: the speech moves from left to right and clockwise, starting at"),
        ("Does the talker move to the left?", "No: the speech moves from left to right and clockwise, starting at"),
        ("Which sound moves upwards?", "None of them: the speech moves from left to right and clockwise"),
        ("Where is the talker?", f"The speech moves from {START}, to {END}."),
    ],
)
def test_answers(question: str, told: str) -> None:
    text, declined = ground("The room is large.", question, BOTH)
    assert text.startswith(told)
    assert not declined


@pytest.mark.parametrize(
    ("question", "spatial", "told"),
    [
        ("Does the talker come closer?", "full", "I cannot tell whether a sound comes nearer or goes away"),
        ("Does the talker move upwards?", "planar", "Height cannot be told from these channels. The speech moves"),
        ("Does the talker move clockwise?", "lateral", "Front or back and height cannot be told from these channels."),
        ("Does the talker move?", "none", "A mono recording carries no direction"),
        ("Does the baby move?", "full", "I hear no baby crying in this recording."),
    ],
)
def test_what_cannot_be_told_is_declined(question: str, spatial: Any, told: str) -> None:
    text, declined = ground("x", question, Heard((WALKER, BARK), room(), spatial))
    assert text.startswith(told)
    assert declined


def test_a_short_way_is_told_only_where_motion_is_asked_about() -> None:
    short = ((0.8, 40.0, 5.0), (4.1, 20.0, 5.0))
    heard = Heard((Evidence(0.8, 4.2, "speech", 30.0, 5.0, 1.6, 0.9, "left", short),), room(), "full")
    assert ground("x", "Where is the talker?", heard)[0].startswith("The speech comes from the front left: azimuth 30°")
    assert ground("x", "Does the talker move?", heard)[0].startswith("Yes: the speech moves from the front left: azi")


def test_two_ears_tell_sides() -> None:
    text, _ = ground("x", "How fast does the talker move?", Heard((WALKER, BARK), room(), "lateral"))
    assert text.startswith("The speech moves from the left to the right, from 0.8 s to 4.2 s;")
    assert "°" not in text


def test_two_ears_do_not_deny_what_they_cannot_hear() -> None:
    text, _ = ground("x", "Does the dog move?", Heard((BARK,), room(), "lateral"))
    assert text.startswith("No: the dog bark does not change sides and comes from the right; front or back")
    assert moves(text) is False


def test_nothing_moves_of_several_at_rest() -> None:
    still = Evidence(0.8, 4.2, "speech", 30.0, 5.0, 1.6, 0.9, "left")
    text, _ = ground("x", "Is anything moving?", Heard((still, BARK), room(), "full"))
    assert text.startswith("No sound moves that I could follow. I hear speech from the front left")


def test_a_mover_that_pauses_is_one_source() -> None:
    onwards = tuple((time + 4, azimuth - 115.0, elevation) for time, azimuth, elevation in WAY)
    later = Evidence(4.8, 8.2, "speech", -85.0, 5.0, 1.6, 0.9, "right", onwards)
    heard = Heard((WALKER, later), room(), "full")
    assert len({event.speaker for event in as_scene(heard).events}) == 1
    assert ground("x", "How many sounds are there?", heard)[0] == "There is 1 sound source in all."


def test_json_shows_a_way_only_where_there_is_one() -> None:
    shown = json.loads(json.dumps(answer("Does the talker move?").to_dict()))["evidence"]
    assert [event.get("trajectory") for event in shown] == [[list(place) for place in WAY], None]
    assert "trajectory" not in shown[1]


# ---------------------------------------------------------------- the readout of evaluations


def answer(question: str) -> Answer:
    text, declined = ground("x", question, BOTH)
    return Answer(text, (WALKER, BARK), room(), declined, (), "test")


def test_evaluations_read_whether_it_moves() -> None:
    assert verdict(answer("Does the talker move?"), "Does the talker move?") is True
    assert verdict(answer("Is the dog moving?"), "Is the dog moving?") is False
    assert [moves(answer(f"Does the {who} move?").text) for who in ("talker", "dog")] == [True, False]
    for who, right in (("talker", 0), ("dog", 1)):
        question = f"Is the {who} moving or still?"
        assert choose(answer(question), ("moves", "stays in place"), read_question(question)) == right


@pytest.mark.parametrize(("verb", "place"), [("end up", (-30.0, 5.0)), ("start to move", (80.0, 4.0))])
def test_evaluations_read_where_it_starts_and_ends(verb: str, place: tuple[float, float]) -> None:
    assert direction(answer(f"Where does the talker {verb}?").text) == place


def test_evaluations_read_which_sound_moves() -> None:
    question = "Which sound moves?"
    assert choose(answer(question), ("the dog bark", "the speech"), read_question(question)) == 1
