"""What answers in free words say, and what that is worth."""

from __future__ import annotations

from pathlib import Path

import pytest

from spatial_lalm.evaluate.benchmark import Choice, Decline, Direction, Number, Span, Tracks, Truth, Words, YesNo
from spatial_lalm.evaluate.run.blind import value_of
from spatial_lalm.evaluate.run.parsing import declines, read_text
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


@pytest.mark.parametrize("text", ["I can hear it well.", "There is a sound.", "I know that it is a dog."])
def test_answers_do_not_decline(text: str) -> None:
    assert not declines(text)
