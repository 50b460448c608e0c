"""What answers in free words say, and what that is worth."""

from __future__ import annotations

from pathlib import Path

import pytest

from spatial_lalm.evaluate.benchmark import Choice, Decline, Direction, Number, Span, Tracks, Truth, Words, YesNo
from spatial_lalm.evaluate.run.blind import value_of
from spatial_lalm.evaluate.run.parsing import read_text
from spatial_lalm.evaluate.run.responses import Reading
from spatial_lalm.evaluate.run.scoring import score

SIDES = Choice(("left", "right", "front"), 0)


@pytest.mark.parametrize(
    ("truth", "text", "outcome"),
    [
        (SIDES, "(A)", "right"),
        (SIDES, "It is on the right.", "wrong"),
        (SIDES, "left, or the right", "wrong"),
        (SIDES, "I cannot tell that.", "declined"),
        (YesNo(True), "Yes, it is.", "right"),
        (YesNo(True), "No.", "wrong"),
        (YesNo(True), "No, I cannot hear it.", "wrong"),
        (Direction(30.0, 0.0), "azimuth 45, elevation 5", "right"),
        (Direction(30.0, 0.0), "azimuth 60", "wrong"),
        (Direction(30.0), "front left", "right"),
        (Number("distance", 2.0), "2.4 m", "right"),
        (Number("distance", 2.0), "2.6 m", "wrong"),
        (Number("t60", 1.0), "1.15 s", "right"),
        (Number("volume", 100.0), "140 m3", "right"),
        (Number("volume", 100.0), "150 m3", "wrong"),
        (Number("count", 3.0), "three", "right"),
        (Number("count", 3.0), "I don't know.", "declined"),
        (Span(((1.0, 3.0),)), "from 1 s to 2.5 s", "right"),
        (Span(((1.0, 3.0),)), "from 2 s to 9 s", "wrong"),
        (Words(("dog", "a dog bark")), "The answer is: A dog.", "right"),
        (Words(("dog",)), "cat", "wrong"),
        (Decline(), "There is not enough information.", "right"),
        (Decline(), "azimuth 30", "wrong"),
        (Decline(), "", "wrong"),
    ],
)
def test_outcomes(truth: Truth, text: str, outcome: str) -> None:
    assert score(truth, read_text(text, truth), text)[0] == outcome


TRUTHS: tuple[Truth, ...] = (
    SIDES, YesNo(False), Direction(170.0, 80.0), Direction(-5.0), Number("drr", -3.0), Number("volume", 40.0),
    Number("dimension", 4.0), Number("time", 2.0), Span(((0.0, 1.0), (2.0, 3.0))), Words(("rain",)),
    Words(("so it is",), True),
)  # fmt: skip


@pytest.mark.parametrize("truth", TRUTHS)
def test_the_truth_itself_is_right_without_error(truth: Truth) -> None:
    outcome, errors = score(truth, Reading(value_of(truth)), "")
    assert outcome == "right"
    assert all(value == (1.0 if name == "iou" else 0.0) for name, value in errors.items())


@pytest.mark.parametrize("truth", TRUTHS)
def test_what_cannot_be_read_is_wrong_and_has_no_error(truth: Truth) -> None:
    assert score(truth, Reading(), "") == ("wrong", {})
    assert read_text("", truth) == Reading()


def test_official_choices_match_words() -> None:
    assert score(SIDES, Reading(1), "left", official=True)[0] == "right"
    assert score(SIDES, Reading(0), "A", official=True)[0] == "wrong"


def test_height_that_is_not_told_is_level() -> None:
    _, errors = score(Direction(0.0, 30.0), Reading([0.0, None]), "")
    assert errors == {"angle_error_deg": pytest.approx(30.0), "azimuth_error_deg": 0.0}


def test_errors_of_numbers() -> None:
    assert score(Number("distance", 2.0), Reading(3.0), "")[1] == {"abs_error": 1.0, "ratio_error": 0.5}
    assert score(Number("volume", 50.0), Reading(100.0), "")[1] == {"abs_error": 50.0, "log2_error": 1.0}


def test_rows_of_tables_stay_text() -> None:
    truth = Tracks(Path("a.csv"), "dcase2023")
    assert read_text("0,1,0,30,0\n", truth).value == "0,1,0,30,0\n"
    assert read_text("I hear a dog.", truth).value is None


HERE = Direction(0.0, 0.0)


@pytest.mark.parametrize(
    ("truth", "text", "due"),
    [
        (HERE, "azimuth 56\u00b0; height cannot be told from these channels", ([56, None], False)),
        (HERE, "Azimuth is 30 degrees, but the elevation cannot be determined.", ([30, None], False)),
        (HERE, "30° to the left (elevation unknown)", ([30, None], False)),
        (HERE, "azimuth 30 and elevation cannot be told", ([30, None], False)),
        (HERE, "I cannot determine the direction from a mono recording.", (None, True)),
        (HERE, "I did not hear a dog.", (None, True)),
        (HERE, "There is no dog in the recording.", (None, True)),
        (HERE, "The direction cannot be determined.", (None, True)),
        (HERE, "Not enough information.", (None, True)),
        (
            HERE,
            "As an AI language model, I can't listen to audio, so I cannot tell if it is left or right.",
            (None, True),
        ),
        (HERE, "It's hard to say, but I would guess front left.", ([45, None], False)),
        (HERE, "<think>maybe azimuth 20? or 40?</think>azimuth 40, elevation 0", ([40, 0], False)),
        (HERE, "The left channel leads at first. Then 20°? Final answer: azimuth 40, elevation 5", ([40, 5], False)),
        (HERE, "**Azimuth:** 45°\n**Elevation:** 10°", ([45, 10], False)),
        (HERE, '```json\n{"azimuth": 45, "elevation": 10}\n```', ([45, 10], False)),
        (Number("distance", 1.0), "I can't be sure of the exact distance; about 2 m.", (2, False)),
        (Number("distance", 1.0), "It is more than 3 m away.", (None, False)),
        (Number("distance", 1.0), "Just over 3 m away.", (3, False)),
        (Number("distance", 1.0), "The dog is inaudible.", (None, True)),
        (Number("count", 1.0), "There are no sounds.", (0, False)),
        (Number("count", 1.0), "At most 3 sounds are heard together.", (3, False)),
        (Number("count", 1.0), "More than 3 sounds.", (None, False)),
        (Number("count", 1.0), "I hear three sounds, but I cannot tell the second from the third.", (3, False)),
        (Number("count", 1.0), "The number of sounds is unknown.", (None, True)),
        (Number("count", 1.0), "I don't know.", (None, True)),
        (Number("t60", 1.0), "The T60 is 0.5 s at 1 kHz.", (0.5, False)),
        (
            Number("t60", 1.0),
            "To estimate T60 we look at the decay: it falls 20 dB in 0.2 s, thus 0.6 s for 60 dB. Answer: 0.6 s",
            (0.6, False),
        ),
        (SIDES, "I cannot tell that.", (None, True)),
        (SIDES, "It is on the right.", (1, False)),
        (SIDES, "There is no rain.", (None, True)),
        (YesNo(True), "No, I cannot hear it.", (False, False)),
        (YesNo(True), "There is no way to tell.", (None, True)),
        (YesNo(True), "There is no dog.", (False, False)),
        (YesNo(True), "Unclear.", (None, True)),
        (Span(((1.0, 2.0),)), "The sound is heard from 1 s to 2 s; I cannot tell more.", ([[1, 2]], False)),
        (Span(((1.0, 2.0),)), "I don't hear it.", (None, True)),
        (Words(("dog",)), "I don't know", (None, True)),
        (Words(("dog",)), "**A dog.**", ("dog", False)),
        (Words(("nothing",)), "Nothing", ("nothing", False)),
        (Words(("dog",)), "Final answer: a dog", ("dog", False)),
        (Words(("i do not know",), True), "I do not know", ("I do not know", False)),
        (Decline(), "There is not enough information.", (None, True)),
        (Decline(), "azimuth 30. The height cannot be told", ("azimuth 30. The height cannot be told", False)),
        (
            Decline(),
            "azimuth 30, the elevation cannot be determined",
            ("azimuth 30, the elevation cannot be determined", False),
        ),
        (Decline(), "I cannot tell the colour; the dog is at azimuth 30.", (None, True)),
        (Decline(), "The recording holds a dog. Its colour cannot be determined from sound.", (None, True)),
        (Decline(), "There is no elephant in this recording.", (None, True)),
        (Decline(), "The elephant is on the left.", ("The elephant is on the left.", False)),
        (Decline(), "", (None, False)),
        (Decline(), "No elephant can be heard.", (None, True)),
        (Decline(), "It is red.", ("It is red.", False)),
        (Decline(), "I hear no elephant.", (None, True)),
        (Decline(), "The audio does not contain any elephant.", (None, True)),
        (Decline(), "The elephant isn't audible.", (None, True)),
        (Decline(), "I couldn't hear any elephant", (None, True)),
        (Decline(), "This cannot be answered from audio.", (None, True)),
        (Decline(), "Loudness in dB SPL is not something that can be told.", (None, True)),
        (Tracks(Path("a"), "dcase2023"), "```csv\n0,1,0,30,0\n```", ("0,1,0,30,0", False)),
    ],
)
def test_what_is_told_beside_what_is_declined(truth: Truth, text: str, due: tuple[object, bool]) -> None:
    read = read_text(text, truth)
    assert (read.value, read.declined) == due
