"""Answers without listening."""

from __future__ import annotations

from pathlib import Path

import pytest

from spatial_lalm.evaluate.benchmark import Choice, Decline, Direction, Item, Number, Span, Words, YesNo
from spatial_lalm.evaluate.run.blind import BLIND, chance, majority, text_only
from spatial_lalm.evaluate.run.scoring import score


def item(name: str, question: str, truth: object, recording: str | None = None) -> Item:
    return Item(name, (Path("a.wav"),), question, truth, recording or name)  # type: ignore[arg-type]


def share(items: list[Item], name: str) -> float:
    readings = BLIND[name](items)
    return sum(score(one.truth, readings[one.name], "")[0] == "right" for one in items) / len(items)


def given_away(count: int = 40) -> list[Item]:
    """The right option is the one that says 'dog' where the question says 'bark', else the one that says 'cat'."""
    return [
        item(f"c{n}", f"Which animal {'barks' if n % 2 else 'purrs'}?", Choice(("a dog", "a cat"), 0 if n % 2 else 1))
        for n in range(count)
    ]


def test_words_that_give_the_answer_away_are_found() -> None:
    items = given_away()
    assert share(items, "text-only") == 1.0
    assert share(items, "majority") == pytest.approx(0.5)
    assert 0.2 < share(items, "chance") < 0.8


def test_an_answer_is_never_learned_from_its_own_recording() -> None:
    items = [item(f"y{n}", f"Is it word{n}?", YesNo(bool(n % 2)), "all" if n < 30 else f"r{n}") for n in range(60)]
    readings = text_only(items)
    flipped = [
        item(one.name, one.question, YesNo(not one.truth.yes) if one.recording == "all" else one.truth, one.recording)
        for one in items
    ]  # type: ignore[union-attr]
    again = text_only(flipped)
    assert [readings[one.name] for one in items[:30]] == [again[one.name] for one in items[:30]]


def test_questions_that_betray_that_they_must_be_declined() -> None:
    items = given_away(30) + [item(f"d{n}", "What colour is it?", Decline()) for n in range(30)]
    assert share(items, "text-only") == 1.0
    assert share(items, "chance") < 0.5


def test_the_majority_by_kind() -> None:
    items = [
        *(item(f"n{n}", "How far?", Number("distance", value)) for n, value in enumerate((1.0, 2.0, 9.0))),
        *(item(f"d{n}", "Where?", Direction(azimuth, 0.0)) for n, azimuth in enumerate((80.0, 100.0))),
        *(item(f"w{n}", "What?", Words((word,))) for n, word in enumerate(("dog", "dog", "cat"))),
        item("s", "When?", Span(((1.0, 2.0),))),
    ]
    readings = majority(items)
    assert readings["n2"].value == 2.0
    assert readings["d0"].value == [pytest.approx(90.0), pytest.approx(0.0)]
    assert readings["w2"].value == "dog"
    assert readings["s"].value == [[1.0, 2.0]]


def test_near_questions_answer_for_numbers() -> None:
    items = [
        item(f"n{n}", f"How far is the {'dog' if n % 2 else 'cat'}?", Number("distance", 1.0 if n % 2 else 8.0))
        for n in range(40)
    ]
    assert share(items, "text-only") == 1.0


def test_chance_is_the_same_every_time_and_depends_on_the_seed() -> None:
    items = given_away()
    assert chance(items) == chance(items)
    assert chance(items) != chance(items, seed=1)
