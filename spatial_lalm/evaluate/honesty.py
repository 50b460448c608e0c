"""Whether a model knows what it does not know: reliability, hallucinated events, and confusions of order in time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.errors import InputError

Outcome = Literal["right", "wrong", "declined"]
Relation = Literal["before", "after", "overlapping"]
RELATIONS: tuple[Relation, ...] = get_args(Relation)

# ---------------------------------------------------------------- reliability


@dataclass(frozen=True)
class Reliability:
    """Shares of ``count`` questions.

    ``truthfulness`` is the share that is right or declined; ``reliability`` weighs it with ``accuracy`` by the share
    that was answered, ``answered * truthfulness + (1 - answered) * accuracy``, so that declining everything scores 0
    and not 1 (Xu et al., "Rejection improves reliability", COLM 2024).
    """

    accuracy: float
    answered: float
    truthfulness: float
    reliability: float
    count: int


def reliability(outcomes: Sequence[Outcome]) -> Reliability:
    """Reliability of the outcomes of questions that have an answer. ``InputError``: none, an unknown outcome."""
    _check(outcomes)
    count = len(outcomes)
    accuracy, declined = outcomes.count("right") / count, outcomes.count("declined") / count
    truthfulness = accuracy + declined
    weighed = (1 - declined) * truthfulness + declined * accuracy
    return Reliability(accuracy, 1 - declined, truthfulness, weighed, count)


@dataclass(frozen=True)
class ReliabilityGain:
    """What teaching a model to decline brought: ``humbler``, ``conservative`` and the gain index, NaN if undefined."""

    humbler: float
    conservative: float
    index: float


def reliability_gain(before: Sequence[Outcome], after: Sequence[Outcome]) -> ReliabilityGain:
    """Reliability gain index ``log10(humbler / conservative)`` of the same questions asked before and after.

    ``humbler`` is the share of formerly wrong answers that are now declined or right, ``conservative`` the share of
    formerly right ones that are lost (Ma et al., "Towards reliable large audio language model", 2025). Where either is
    zero, half an item is added to both counts so that the index stays finite, ``(n + 1/2) / (N + 1)``; it is NaN where
    nothing was right, or nothing wrong, before. ``InputError``: other lengths, none, an unknown outcome.
    """
    _check(before)
    _check(after)
    if len(before) != len(after):
        raise InputError(f"{len(before)} outcomes before and {len(after)} after: give both for each question")
    wrong = [now for then, now in zip(before, after, strict=True) if then == "wrong"]
    right = [now for then, now in zip(before, after, strict=True) if then == "right"]
    mended, lost = sum(now != "wrong" for now in wrong), sum(now != "right" for now in right)
    humbler = mended / len(wrong) if wrong else math.nan
    conservative = lost / len(right) if right else math.nan
    if not wrong or not right:
        return ReliabilityGain(humbler, conservative, math.nan)
    ratio = (mended + 0.5) / (len(wrong) + 1) * (len(right) + 1) / (lost + 0.5)
    if mended and lost:
        ratio = humbler / conservative
    return ReliabilityGain(humbler, conservative, math.log10(ratio))


def _check(outcomes: Sequence[Outcome]) -> None:
    unknown = sorted(set(outcomes) - set(get_args(Outcome)))
    if unknown or not outcomes:
        raise InputError(f"outcomes {unknown or 'none'}: give one or more of {', '.join(get_args(Outcome))}")


# ---------------------------------------------------------------- events that are not there


@dataclass(frozen=True)
class Hallucinations:
    """Answers about events that may be absent: NaN where there is no such question.

    ``hallucinated`` is the share of absent events of which something is told, ``missed`` the share of present ones that
    are denied, ``unparsed`` the number of answers that say neither (they count as wrong in neither).
    """

    hallucinated: float
    missed: float
    unparsed: int
    absent: int
    present: int


def hallucination_rate(claimed: Sequence[bool | None], present: Sequence[bool]) -> Hallucinations:
    """Rates of answers that claim an event (None: unread), by whether it is there.

    ``InputError``: other lengths, none.
    """
    if len(claimed) != len(present) or not present:
        raise InputError(f"{len(claimed)} answers for {len(present)} events: give one for each, one at least")
    about = {
        there: [said for said, is_there in zip(claimed, present, strict=True) if is_there is there]
        for there in (True, False)
    }

    def share(wrong: bool, there: bool) -> float:
        return about[there].count(wrong) / len(about[there]) if about[there] else math.nan

    return Hallucinations(
        share(True, False), share(False, True), list(claimed).count(None), len(about[False]), len(about[True])
    )


def listed_hallucinations(listed: Sequence[Iterable[str]], present: Sequence[Iterable[str]]) -> float:
    """Share of the classes listed for recordings that are not there (Rohrbach et al., EMNLP 2018, for pictures).

    NaN where nothing is listed. ``InputError``: other lengths.
    """
    if len(listed) != len(present):
        raise InputError(f"{len(listed)} lists for {len(present)} recordings: give one for each")
    said = [set(labels) for labels in listed]
    count = sum(map(len, said))
    invented = sum(len(labels - set(truth)) for labels, truth in zip(said, present, strict=True))
    return invented / count if count else math.nan


# ---------------------------------------------------------------- order in time


@dataclass(frozen=True)
class OrderScores:
    """Shares of all pairs of events: in the right order, the wrong one, not both told; NaN without any pair."""

    right: float
    reversed: float
    untold: float
    pairs: int


def order_scores(reference: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> OrderScores:
    """Compare the order in which each recording's events are listed, pair by pair (Kendall's tau counts them so).

    ``InputError``: other lengths, an event that is listed twice for a recording.
    """
    if len(reference) != len(predicted):
        raise InputError(f"{len(predicted)} lists for {len(reference)} recordings: give one for each")
    told = {"right": 0, "reversed": 0, "untold": 0}
    for truth, said in zip(reference, predicted, strict=True):
        if len(set(truth)) < len(truth) or len(set(said)) < len(said):
            raise InputError(f"events {list(truth)} against {list(said)}: give each but once, numbered if need be")
        place = {label: index for index, label in enumerate(said)}
        for first, second in combinations(truth, 2):
            known = first in place and second in place
            told["untold" if not known else "right" if place[first] < place[second] else "reversed"] += 1
    count = sum(told.values())
    right, turned, untold = (told[name] / count if count else math.nan for name in ("right", "reversed", "untold"))
    return OrderScores(right, turned, untold, count)


def order_confusion(reference: Sequence[Relation], predicted: Sequence[Relation | None]) -> NDArray[np.int64]:
    """Counts ``(3, 4)`` of answers to "is A before B?": rows truth and columns answer in the order of ``RELATIONS``.

    The last column holds answers that could not be read. ``InputError``: other lengths, an unknown relation.
    """
    if len(reference) != len(predicted):
        raise InputError(f"{len(predicted)} answers for {len(reference)} questions: give one for each")
    unknown = ({*reference} | {*predicted}) - {*RELATIONS, None}
    if unknown or None in reference:
        raise InputError(f"relations {sorted(map(str, unknown or {None}))}: known are {', '.join(RELATIONS)}")
    table = np.zeros((len(RELATIONS), len(RELATIONS) + 1), dtype=np.int64)
    for truth, said in zip(reference, predicted, strict=True):
        table[RELATIONS.index(truth), len(RELATIONS) if said is None else RELATIONS.index(said)] += 1
    return table
