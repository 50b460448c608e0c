"""Reliability, hallucinations and order in closed cases."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.honesty import (
    hallucination_rate,
    listed_hallucinations,
    order_confusion,
    order_scores,
    reliability,
    reliability_gain,
)


def test_reliability_by_hand() -> None:
    found = reliability(["right"] * 5 + ["wrong"] * 2 + ["declined"] * 3)
    assert (found.accuracy, found.answered, found.truthfulness) == (0.5, pytest.approx(0.7), pytest.approx(0.8))
    assert found.reliability == pytest.approx(0.7 * 0.8 + 0.3 * 0.5)


def test_who_knows_all_is_reliable_and_who_declines_all_is_not() -> None:
    assert reliability(["right"] * 4).reliability == 1
    silent = reliability(["declined"] * 4)
    assert (silent.truthfulness, silent.reliability) == (1, 0)
    guessing = reliability(["wrong", "right"])
    assert guessing.reliability == guessing.accuracy


def outcomes(text: str) -> list:
    return [{"r": "right", "w": "wrong", "d": "declined"}[letter] for letter in text]


def test_gain_by_hand() -> None:
    found = reliability_gain(outcomes("rrrrrwwwwd"), outcomes("rrrrdddrwd"))
    assert (found.conservative, found.humbler) == (0.2, 0.75)
    assert found.index == pytest.approx(math.log10(0.75 / 0.2))


def test_gain_against_counting_pairs() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        before, after = (outcomes("".join(rng.choice([*"rwd"], 60))) for _ in range(2))
        both = list(zip(before, after, strict=True))
        lost = sum(a == "right" and b in ("wrong", "declined") for a, b in both) / before.count("right")
        mended = sum(a == "wrong" and b in ("right", "declined") for a, b in both) / before.count("wrong")
        assert reliability_gain(before, after).index == pytest.approx(math.log10(mended) - math.log10(lost))


def test_gain_is_guarded_where_a_share_is_zero() -> None:
    best, worst = (reliability_gain(outcomes("rrrwww"), outcomes(text)) for text in ("rrrddd", "dddwww"))
    assert (best.humbler, best.conservative, best.index) == (1, 0, pytest.approx(math.log10(7)))
    assert worst.index == pytest.approx(-math.log10(7))
    assert reliability_gain(outcomes("rw"), outcomes("rw")).index == 0
    assert math.isnan(reliability_gain(outcomes("rr"), outcomes("rd")).index)
    assert math.isnan(reliability_gain(outcomes("wd"), outcomes("dd")).index)


def test_hallucinations_by_hand() -> None:
    found = hallucination_rate([True, False, None, True, False, True], [False, False, False, False, True, True])
    assert (found.hallucinated, found.missed, found.unparsed) == (0.5, 0.5, 1)
    assert (found.absent, found.present) == (4, 2)
    perfect = hallucination_rate([True, False], [True, False])
    assert (perfect.hallucinated, perfect.missed) == (0, 0)
    assert math.isnan(hallucination_rate([True], [True]).hallucinated)


def test_listed_hallucinations() -> None:
    assert listed_hallucinations([["dog", "rain"], ["car"]], [["dog"], ["car", "bell"]]) == pytest.approx(1 / 3)
    assert listed_hallucinations([["dog"]], [["dog"]]) == 0
    assert math.isnan(listed_hallucinations([[]], [["dog"]]))


def test_order_against_every_pair() -> None:
    rng = np.random.default_rng(3)
    truths = [[*rng.permutation([*"abcdef"])[:5]] for _ in range(20)]
    said = [[*rng.permutation([*"abcdef"])[:4]] for _ in range(20)]
    kinds = []
    for truth, told in zip(truths, said, strict=True):
        for a, b in combinations(truth, 2):
            if a not in told or b not in told:
                kinds.append("untold")
            else:
                kinds.append("right" if told.index(a) < told.index(b) else "reversed")
    found = order_scores(truths, said)
    for kind in ("right", "reversed", "untold"):
        assert getattr(found, kind) == pytest.approx(kinds.count(kind) / len(kinds)) != 0
    assert found.pairs == len(kinds)


def test_the_right_order_and_the_reverse() -> None:
    truth = [["a", "b", "c"]]
    assert order_scores(truth, truth).right == 1
    assert order_scores(truth, [["c", "b", "a"]]).reversed == 1
    assert math.isnan(order_scores([["a"]], [["a"]]).right)


def test_confusions_of_order() -> None:
    table = order_confusion(["before", "before", "after", "overlapping"], ["before", "after", None, "overlapping"])
    assert table.tolist() == [[1, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: reliability([]), "outcomes none"),
        (lambda: reliability(["maybe"]), "maybe"),
        (lambda: reliability_gain(["right"], ["right", "wrong"]), "1 outcomes before and 2"),
        (lambda: hallucination_rate([], []), "0 answers"),
        (lambda: listed_hallucinations([], [[]]), "0 lists for 1"),
        (lambda: order_scores([["a", "a"]], [["a"]]), "give each but once"),
        (lambda: order_confusion(["during"], ["before"]), "during"),
        (lambda: order_confusion([], ["before"]), "1 answers for 0"),
    ],
)
def test_mistakes_are_told(call, words) -> None:
    with pytest.raises(InputError, match=words):
        call()
