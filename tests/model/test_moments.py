"""Moments named in numbers, in seconds of the recording and of a part of it."""

from __future__ import annotations

import math

import pytest

from spatial_lalm.model.moments import Span, named_span


@pytest.mark.parametrize(
    ("question", "span"),
    [
        ("What sounds at 2 s?", Span(2, 2)),
        ("What sounds at 0:07?", Span(7, 7)),
        ("What sounds at 1:02:03?", Span(3723, 3723)),
        ("What is heard around 2.5 seconds", Span(2.5, 2.5)),
        ("What happens at second 7?", Span(7, 7)),
        ("What do you hear between 0 and 5 seconds?", Span(0, 5)),
        ("From 0:05 to 0:10, who speaks?", Span(5, 10)),
        ("Is there speech between second 3 and second 6?", Span(3, 6)),
        ("What sounds between 1 and 2 minutes?", Span(60, 120)),
        ("What sounds between five and two seconds?", Span(2, 5)),
        ("What is there in the first two seconds?", Span(0, 2, "start")),
        ("Who talks during the last 3 s?", Span(-3, 0, "end")),
        ("What comes after 5 seconds?", Span(5, math.inf)),
        ("What do you hear before 0:04?", Span(0, 4)),
    ],
)
def test_times_are_read(question: str, span: Span) -> None:
    assert named_span(question)[0] == span


@pytest.mark.parametrize(
    "question",
    [
        "How many seconds does it last?", "Is the T60 above 0.5 s?", "Is it at 2 m?", "Where is the second sound?",
        "At the same time?", "What is the distance between 2 people?", "How far is it from 1 to the other?",
    ],
)  # fmt: skip
def test_other_numbers_are_no_times(question: str) -> None:
    assert named_span(question) == (None, question.lower())


def test_the_rest_of_the_question_is_left() -> None:
    assert named_span("Where is the dog at 2 s, please?")[1].split() == ["where", "is", "the", "dog", ",", "please?"]


def test_a_span_is_cut_to_what_was_heard() -> None:
    assert Span(2, 8).within(4, 6) == Span(4, 6)
    assert Span(0, 2, "start").within(20, 30) == Span(20, 22)
    assert Span(-3, 0, "end").within(20, 30) == Span(27, 30)
    assert Span(5, math.inf).within(0, 10) == Span(5, 10)
    assert Span(40, 50).within(0, 10) is None
    assert Span(2, 2).within(4, 6) is None


@pytest.mark.parametrize(
    ("span", "holds"), [(Span(2, 2), True), (Span(3, 3), True), (Span(3.2, 3.2), False), (Span(0, 1), False),
                        (Span(0, 2), True), (Span(3, 9), False)]
)  # fmt: skip
def test_an_event_is_in_a_span_that_it_overlaps(span: Span, holds: bool) -> None:
    assert span.holds(1.0, 3.0) == holds


@pytest.mark.parametrize(
    ("question", "span"),
    [
        ("What is there at the 4.5-second mark?", Span(4.5, 4.5)),
        ("Four seconds in, what sounds?", Span(4.0, 4.0)),
        ("What do you hear 3 s into the recording?", Span(3.0, 3.0)),
        ("What sounds half a minute in?", Span(30.0, 30.0)),
        ("What sounds at two and a half seconds?", Span(2.5, 2.5)),
        ("What is heard in the first half?", Span(0.0, 0.5, "share")),
        ("What is heard in the last quarter of the recording?", Span(0.75, 1.0, "share")),
        ("How many seconds in total?", None),
        ("Is the second half louder?", None),
        ("How long is it, 3 seconds in total?", None),
    ],
)
def test_marks_and_shares(question: str, span: Span | None) -> None:
    assert named_span(question)[0] == span


def test_a_share_is_of_what_was_heard() -> None:
    assert Span(0.5, 1.0, "share").within(10.0, 30.0) == Span(20.0, 30.0)
    assert Span(0.5, 1.0, "share").within(0.0, math.inf) is None
