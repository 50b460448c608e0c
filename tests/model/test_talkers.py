"""Who is who: sittings by place, talkers by voice, in any number and order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from spatial_lalm.model import talkers
from spatial_lalm.model.talkers import Talkers, log_ratio, tell_apart
from spatial_lalm.model.voices import Voice

WIDTH = 6
BETWEEN = np.linspace(6.0, 1.0, WIDTH)
RNG = np.random.default_rng(0)
PEOPLE = RNG.normal(size=(40, WIDTH)) * np.sqrt(20 * BETWEEN)
"""Voices that are further apart than most, so that every one can be told."""


OFF = 1.2
"""Deviations of a voice by which two are alike, and no more."""


class Heard:
    """Stands in for the network: the sums of a stretch are its seconds and seconds times its embedding."""

    variances = BETWEEN

    def voice(self, sums: Any) -> Voice:
        return Voice(sums[1:] / sums[0], 0.1 + 0.5 / sums[0])


def said(person: int, seconds: float = 3.0) -> Any:
    off = np.random.default_rng(person).normal(size=WIDTH) * np.sqrt(0.5 / seconds)
    return np.concatenate([[seconds], seconds * (PEOPLE[person] + off)])


def told(*turns: tuple[int, int]) -> list[int]:
    """The talkers of turns of (place, person)."""
    return tell_apart([place for place, _ in turns], Heard(), np.array([said(p) for _, p in turns]))  # type: ignore[arg-type]


# ---------------------------------------------------------------- likelihoods


def test_the_ratio_is_that_of_the_joint_density() -> None:
    one, other, variances = RNG.normal(size=WIDTH), RNG.normal(size=WIDTH), (0.3, 1.7)
    joint = 0.0
    for b, x, y in zip(BETWEEN, one, other, strict=True):
        together = [[b + variances[0], b], [b, b + variances[1]]]
        apart = np.diag(np.diag(together))
        joint += multivariate_normal.logpdf([x, y], cov=together) - multivariate_normal.logpdf([x, y], cov=apart)
    ratio = log_ratio(one[None], np.array(variances[:1]), Voice(other, variances[1]), BETWEEN)
    assert ratio == pytest.approx([joint])


def test_what_is_hardly_heard_tells_nothing() -> None:
    ratio = log_ratio(PEOPLE[:2], np.array([0.1, 0.1]), Voice(PEOPLE[0], 1e6), BETWEEN)
    assert np.abs(ratio).max() < 0.01


# ---------------------------------------------------------------- talkers


def test_without_voices_every_place_is_a_talker() -> None:
    assert tell_apart([7, 3, 7, 5]) == [0, 1, 0, 2]


def test_who_changes_seats_stays_who_it_is() -> None:
    assert told((0, 1), (1, 2), (0, 1), (0, 2), (1, 1), (0, 2)) == [0, 1, 0, 1, 0, 1]


def test_who_comes_later_is_new() -> None:
    assert told((0, 1), (1, 2), (2, 3), (3, 1)) == [0, 1, 2, 0]


def test_two_who_take_turns_from_one_place_are_two() -> None:
    assert told((0, 1), (0, 2), (0, 1), (0, 2)) == [0, 1, 0, 1]


def test_likeness_is_weighed_against_moves() -> None:
    """Two alike who talk to each other for long from two places are two; heard after each other they are one."""
    alike = Heard()
    sums = np.array([said(1), said(1)])
    sums[1, 1:] += 3.0 * OFF * np.sqrt(BETWEEN)
    odds = talkers._same(alike.voice(4 * sums[0]), alike.voice(4 * sums[1]), BETWEEN)
    assert -talkers.MOVES < odds < -talkers.MOST_MOVES * talkers.MOVES
    assert tell_apart([0, 1] * 4, alike, sums[[0, 1] * 4]) == [0, 1] * 4  # type: ignore[arg-type]
    assert tell_apart([0] * 4 + [1] * 4, alike, sums[[0] * 4 + [1] * 4]) == [0] * 8  # type: ignore[arg-type]


def test_a_short_word_is_by_who_sits_there() -> None:
    sums = np.array([said(1), said(2), said(2, seconds=0.001)])
    assert tell_apart([0, 1, 0], Heard(), sums) == [0, 1, 0]  # type: ignore[arg-type]


def test_nobody_speaks() -> None:
    assert tell_apart([], Heard(), np.zeros((0, WIDTH + 1))) == []  # type: ignore[arg-type]


def test_more_talkers_than_are_compared_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talkers, "MOST", 5)
    gathered = Talkers(BETWEEN)
    heard = Heard()
    turns = [person for _ in range(3) for person in range(4)]
    for person in turns:
        gathered.add(heard.voice(said(person)))
        assert len(gathered) <= 5
    assert gathered.numbers(range(12)) == turns


def test_hundreds_of_turns_in_bounded_time() -> None:
    people = RNG.integers(8, size=600)
    numbers = told(*((turn, int(person)) for turn, person in enumerate(people)))  # every turn from elsewhere
    assert len(set(zip(people.tolist(), numbers, strict=True))) == 8
    assert len(set(numbers)) == 8
