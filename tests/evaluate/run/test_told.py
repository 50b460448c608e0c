"""What answers of our own model come down to."""

from __future__ import annotations

from pathlib import Path

import pytest

from spatial_lalm.evaluate.benchmark import Choice, Decline, Direction, Item, Number, Span, Truth, Words, YesNo
from spatial_lalm.evaluate.run.told import confidence, read_answer
from spatial_lalm.model.answers import Answer, Estimate, Evidence, RoomEstimate
from spatial_lalm.model.question import read_question

SPEECH = Evidence(0.8, 4.0, "speech", 56.4, 14.0, 1.12, 0.9, "left")
TONE = Evidence(6.2, 8.4, "tone", -127.0, -12.0, 2.0, 0.6, "right")
ONE = Estimate(1.0, 0.1)
ROOM = RoomEstimate(Estimate(0.552, 0.05), (ONE,) * 6, Estimate(3.4, 1.0), Estimate(9.0, 1.0), Estimate(49.3, 20.0))


def answer(text: str, abstained: bool = False) -> Answer:
    return Answer(text, (SPEECH, TONE), ROOM, abstained, (), "ours")


def value(question: str, text: str, truth: Truth, abstained: bool = False) -> object:
    return read_answer(answer(text, abstained), Item("i", (Path("a.wav"),), question, truth, "r")).value


WHERE = "The speech comes from the front left, slightly above: azimuth 56\u00b0, elevation 14\u00b0."
TIMES = "I hear speech from 0.8 s to 4.0 s; a tone from 6.2 s to 8.4 s."
MOVES = "The speech moves from the left: azimuth 90\u00b0, elevation 0\u00b0, to the right: azimuth -90\u00b0."
HOW_FAR = "The tone is 2.0 m away."


@pytest.mark.parametrize(
    ("question", "text", "truth", "due"),
    [
        ("Where is the talker?", WHERE, Direction(0.0, 0.0), [56.4, 14.0]),
        ("How far is the tone?", HOW_FAR, Number("distance", 1.0), 2.0),
        ("How far is the talker?", "The speech is 1.1 m away.", Number("distance", 1.0), 1.12),
        ("What is the T60?", "The reverberation time T60 is 0.55 s.", Number("t60", 1.0), 0.552),
        ("When does the tone start?", "I hear the tone from 6.2 s to 8.4 s.", Number("time", 1.0), 6.2),
        ("When does the tone end?", "I hear the tone from 6.2 s to 8.4 s.", Number("time", 1.0), 8.4),
        ("How long does the tone last?", "I hear the tone from 6.0 s to 8.0 s.", Number("time", 1.0), 2.0),
        ("When is the tone?", "I hear the tone from 6.2 s to 8.4 s.", Span(((0.0, 1.0),)), [[6.2, 8.4]]),
        ("How many sounds are there?", "There are 2 sound sources in all.", Number("count", 1.0), 2.0),
        ("What do you hear?", "I hear speech and a tone.", Words(("x",)), "speech and tone"),
        ("Where is the talker?", WHERE, Words(("x",)), "front left, slightly above"),
        ("Where is the talker?", "The room is dry.", Number("distance", 1.0), None),
    ],
)
def test_values(question: str, text: str, truth: Truth, due: object) -> None:
    assert value(question, text, truth) == due


@pytest.mark.parametrize(
    ("question", "text", "options", "due"),
    [
        ("Where is the talker?", WHERE, ("left", "front left", "right", "back"), 1),
        ("Where is the talker?", WHERE, ("behind", "left", "right"), 1),
        ("Where is the talker?", WHERE, ("azimuth -90", "azimuth 60", "azimuth 0"), 1),
        ("Where is the tone?", WHERE, ("to your left", "to your right"), 1),
        (
            "How near is the talker?",
            "The speech is 1.1 m away.",
            ("less than 1 m", "from 1 m to 2 m", "more than 2 m"),
            1,
        ),
        ("How large is the room?", "The room is medium-sized.", ("small", "medium-sized", "very large"), 1),
        ("Which sound comes first?", "The first sound is speech, from 0.8 s to 4.0 s.", ("a dog", "a voice"), 1),
        ("How many sounds are there?", "There are 2 sound sources in all.", ("1", "2", "3"), 1),
        ("Which is louder?", "The speech is.", ("red", "blue"), None),
        (
            "In which quarter does the tone start?",
            TIMES,
            ("the last quarter", "the second quarter", "the third quarter"),
            2,
        ),
        ("In which half does the talker start?", TIMES, ("the second half", "the first half"), 1),
        (
            "In which order do they start?",
            TIMES,
            ("first the tone, then the speech", "first the speech, then the tone"),
            1,
        ),
        ("In which order do they start?", TIMES, ("first the tone, then a dog", "first a dog, then the tone"), None),
        ("Does the talker move or stay?", WHERE, ("moves", "stays in place"), 1),
        ("Does the talker move or stay?", MOVES, ("stays in place", "moves"), 1),
        ("Does the talker move or stay?", HOW_FAR, ("stays in place", "moves"), None),
        ("What range is the talker at?", WHERE, ("less than 1 m", "from 1 m to 2 m", "more than 2 m"), 1),
        ("Where is the talker on a clock?", WHERE, ("at 10 o'clock", "at 2 o'clock", "at 6 o'clock"), 0),
        ("Is the talker before me or at my back?", HOW_FAR, ("in front of you", "behind you"), 0),
        ("Where is the talker?", WHERE, ("upwards", "downwards"), None),
    ],
)
def test_choices(question: str, text: str, options: tuple[str, ...], due: int | None) -> None:
    item = Item("i", (Path("a.wav"),), question, Choice(options, 0), "r")
    assert read_answer(answer(text), item, (0.0, 10.0)).value == due


def test_parts_of_a_recording_need_its_length() -> None:
    options = ("the first quarter", "the third quarter")
    assert value("In which quarter does the tone start?", TIMES, Choice(options, 0)) is None


@pytest.mark.parametrize(
    ("question", "text", "due"),
    [
        ("Is there a voice?", TIMES, True),
        ("Do you hear a dog?", "I hear no dog bark in this recording.", False),
        ("Is the talker on the left?", WHERE, True),
        ("Is the talker behind me?", WHERE, False),
        ("Is the tone farther than 3 metres?", HOW_FAR, False),
        ("Is the tone nearer than 3 metres?", HOW_FAR, True),
        ("Is the T60 longer than 0.5 seconds?", "The reverberation time T60 is 0.55 s.", True),
        ("Is the room larger than 60 cubic metres?", "The room is medium-sized.", False),
        ("Is the tone nearer than the talker?", HOW_FAR, False),
        ("Is the talker to the left of the tone?", WHERE, True),
        ("Does the tone start before the talker?", TIMES, False),
        ("Is the tone longer in duration than the talker?", TIMES, False),
        ("Do the talker and the tone overlap?", TIMES, False),
        ("Are the talker and the tone on the same side?", WHERE, False),
        ("Are there more than two sounds?", "There are 2 sound sources in all.", False),
        ("Is anything on the left?", "I hear speech from the left.", True),
        ("Is anything on the left?", "I hear nothing from the left.", False),
        ("Was this recorded outdoors?", "The room is dry.", None),
        ("Does the talker move?", WHERE, False),
        ("Am I right that the talker moves?", WHERE, False),
        ("Does the talker move?", MOVES, True),
        ("Is the dog nearer than the talker?", "I hear no dog bark in this recording.", None),
    ],
)
def test_yes_and_no(question: str, text: str, due: bool | None) -> None:
    assert value(question, text, YesNo(True), abstained=text.startswith("I hear no ")) is due


def test_declining() -> None:
    item = Item("i", (Path("a.wav"),), "What colour is it?", Decline(), "r")
    assert read_answer(answer("I cannot tell.", abstained=True), item).declined
    assert not read_answer(answer(WHERE), item).declined


def test_confidence_is_that_of_the_sound_asked_about() -> None:
    assert confidence(answer(HOW_FAR), read_question("How far is the tone?")) == 0.6
    assert confidence(Answer("", (), None, True, (), "ours"), read_question("Where is it?")) is None
