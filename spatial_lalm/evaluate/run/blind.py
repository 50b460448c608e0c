"""Answers without listening: chance, the majority, and what the words of questions and options give away.

All of them know the truths of the other items of the split, so they are the most that can be had without the sound;
``text-only`` leaves every item's own recording out of what it learns from.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from spatial_lalm.audio.conventions import angles, unit_vector
from spatial_lalm.evaluate.benchmark import Choice, Decline, Direction, Item, Number, Span, Tracks, Truth, Words, YesNo
from spatial_lalm.evaluate.run.responses import Reading
from spatial_lalm.evaluate.run.scoring import group_of
from spatial_lalm.evaluate.transcripts import plain_words

FEWEST = 20
"""Items of a kind that words are learned from; with fewer the majority answers."""
NEIGHBOURS = 10
MOST_ASKED = 2000
"""Items that neighbours are looked for among, evenly taken: every pair of a large split would take minutes."""
Readings = dict[str, Reading]


def chance(items: Sequence[Item], seed: int = 0) -> Readings:
    """Options, yes or no, and directions drawn evenly; numbers, times and words drawn from the truths of the split."""
    pools = _pools(items)
    return {item.name: Reading(_drawn(item, pools[group_of(item.truth)], seed)) for item in items}


def _drawn(item: Item, pool: Sequence[Item], seed: int) -> Any:
    digest = hashlib.sha256(f"{seed}/{item.name}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "little"))
    match item.truth:
        case Choice(options=options):
            return int(rng.integers(len(options)))
        case YesNo():
            return bool(rng.integers(2))
        case Direction(elevation_deg=elevation):
            azimuth = float(rng.uniform(-180.0, 180.0))
            return [azimuth, None if elevation is None else math.degrees(math.asin(rng.uniform(-1.0, 1.0)))]
        case Decline() | Tracks():
            return None
    return value_of(pool[int(rng.integers(len(pool)))].truth)


def majority(items: Sequence[Item]) -> Readings:
    """One answer for every kind of question: the most frequent, or the constant with the least error."""
    constants = {group: _constant(pool) for group, pool in _pools(items).items()}
    return {item.name: Reading(constants[group_of(item.truth)](item)) for item in items}


def text_only(items: Sequence[Item]) -> Readings:
    """Bags of words: naive Bayes for choices, yes or no and declining, the nearest questions for all else.

    Where a split has questions to be declined, it first decides by the words of the question whether this is one.
    """
    readings: Readings = {}
    for pool in _pools(items).values():
        readings |= _learned(pool) if len(pool) >= FEWEST else majority(pool)
    declined = _declined(items)
    return {name: Reading(None, declined=True) if name in declined else one for name, one in readings.items()}


BLIND: dict[str, Callable[[Sequence[Item]], Readings]] = {
    "chance": chance, "majority": majority, "text-only": text_only,
}  # fmt: skip


def value_of(truth: Truth) -> Any:
    """What a perfect reading of a truth is; None for tracks and for what is to be declined."""
    match truth:
        case Choice(right=right):
            return right
        case YesNo(yes=yes):
            return yes
        case Direction(azimuth_deg=azimuth, elevation_deg=elevation):
            return [azimuth, elevation]
        case Number(value=value):
            return value
        case Span(parts_s=parts):
            return [list(part) for part in parts]
        case Words(accepted=accepted):
            return accepted[0]
    return None


def _pools(items: Sequence[Item]) -> dict[str, list[Item]]:
    """Items by the kind of their truth."""
    pools: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        pools[group_of(item.truth)].append(item)
    return pools


# ---------------------------------------------------------------- the majority


def _constant(pool: Sequence[Item]) -> Callable[[Item], Any]:
    truths = [value_of(item.truth) for item in pool]
    match pool[0].truth:
        case Choice():
            return _frequent_option(pool)
        case Direction():
            return lambda item: _mean_direction([item.truth for item in pool])
        case Number(quantity=quantity):
            middle = float(np.median(truths))
            value = float(Counter(truths).most_common(1)[0][0]) if quantity == "count" else middle
            return lambda item: value
        case Span():
            edges = np.median([parts[0] for parts in truths], axis=0).tolist()
            return lambda item: [edges]
        case YesNo() | Words():
            most = Counter(truths).most_common(1)[0][0]
            return lambda item: most
    return lambda item: None


def _frequent_option(pool: Sequence[Item]) -> Callable[[Item], int]:
    """Of an item's options the one whose words are right most often, of equal ones that in the commonest place."""
    words: Counter[str] = Counter()
    places: Counter[int] = Counter()
    for item in pool:
        assert isinstance(item.truth, Choice)
        words[plain_words(item.truth.options[item.truth.right])] += 1
        places[item.truth.right] += 1

    def pick(item: Item) -> int:
        assert isinstance(item.truth, Choice)
        ranks = [(words[plain_words(text)], places[index], -index) for index, text in enumerate(item.truth.options)]
        return max(range(len(ranks)), key=ranks.__getitem__)

    return pick


def _mean_direction(truths: Sequence[Truth]) -> list[float | None]:
    told = [truth for truth in truths if isinstance(truth, Direction)]
    vectors = unit_vector([one.azimuth_deg for one in told], [one.elevation_deg or 0.0 for one in told])
    total = vectors.sum(0)
    if not np.linalg.norm(total) > 1e-9:
        return [told[0].azimuth_deg, told[0].elevation_deg]
    azimuth, elevation = angles(total)
    return [float(azimuth), None if told[0].elevation_deg is None else float(elevation)]


# ---------------------------------------------------------------- words


class _Bayes:
    """Naive Bayes of two classes over bags of words, from which a recording's own examples can be taken out."""

    def __init__(self, examples: Sequence[tuple[str, Sequence[str], bool]]) -> None:
        """``examples``: recording, words, class."""
        self._all = self._counts((words, label) for _, words, label in examples)
        self._own: dict[str, list[tuple[Sequence[str], bool]]] = defaultdict(list)
        for recording, words, label in examples:
            self._own[recording].append((words, label))
        self._vocabulary = max(1, len(self._all[0].keys() | self._all[1].keys()))

    @staticmethod
    def _counts(examples: Any) -> tuple[Counter[str], Counter[str], Counter[bool]]:
        words: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        labels: Counter[bool] = Counter()
        for said, label in examples:
            words[label].update(set(said))
            labels[label] += 1
        return *words, labels

    def odds(self, recording: str, words: Sequence[str]) -> float:
        """Log odds of the class True for a bag of words, by the examples of all other recordings."""
        no, yes, labels = self._all
        own_no, own_yes, own_labels = self._counts(self._own[recording])
        positives, negatives = labels[True] - own_labels[True], labels[False] - own_labels[False]
        total = math.log((positives + 1) / (negatives + 1))
        for word in sorted(set(words)):
            has, lacks = yes[word] - own_yes[word] + 0.5, no[word] - own_no[word] + 0.5
            total += math.log(has / (positives + 1)) - math.log(lacks / (negatives + 1))
        return total


def _learned(pool: Sequence[Item]) -> Readings:
    match pool[0].truth:
        case Choice():
            return _choices(pool)
        case YesNo():
            bayes = _Bayes([(one.recording, _bag(one.question), _yes(one.truth)) for one in pool])
            return {one.name: Reading(bayes.odds(one.recording, _bag(one.question)) > 0) for one in pool}
        case Decline() | Tracks():
            return majority(pool)
    return _nearest(pool)


def _choices(pool: Sequence[Item]) -> Readings:
    """The option whose words, alone and with those of the question, are most like those of right ones."""
    examples = [
        (item.recording, _pair_bag(item.question, text), index == item.truth.right)
        for item in pool
        if isinstance(item.truth, Choice)
        for index, text in enumerate(item.truth.options)
    ]
    bayes = _Bayes(examples)
    readings: Readings = {}
    for item in pool:
        assert isinstance(item.truth, Choice)
        odds = [bayes.odds(item.recording, _pair_bag(item.question, text)) for text in item.truth.options]
        readings[item.name] = Reading(int(np.argmax(odds)))
    return readings


def _nearest(pool: Sequence[Item]) -> Readings:
    """The constant of the items of other recordings whose questions share most words."""
    asked = pool[:: 1 + len(pool) // MOST_ASKED]
    bags = [set(_bag(item.question)) for item in asked]
    readings: Readings = {}
    for item in pool:
        bag = set(_bag(item.question))
        ranked = sorted(
            (-len(bag & other) / max(1, len(bag | other)), index)
            for index, other in enumerate(bags)
            if asked[index].recording != item.recording
        )
        near = [asked[index] for _, index in ranked[:NEIGHBOURS]]
        readings[item.name] = Reading(_constant(near)(item) if near else None)
    return readings


def _declined(items: Sequence[Item]) -> set[str]:
    """Names of the items whose questions sound like those to be declined."""
    count = sum(isinstance(item.truth, Decline) for item in items)
    if count < FEWEST or count == len(items):
        return set()
    bayes = _Bayes([(one.recording, _bag(one.question), isinstance(one.truth, Decline)) for one in items])
    return {item.name for item in items if bayes.odds(item.recording, _bag(item.question)) > 0}


def _yes(truth: Truth) -> bool:
    return isinstance(truth, YesNo) and truth.yes


def _bag(text: str) -> list[str]:
    words = plain_words(text).split()
    return [*words, *map(" ".join, pairwise(words))]


def _pair_bag(question: str, option: str) -> list[str]:
    words = _bag(option)
    return [
        *words,
        f"= {plain_words(option)}",
        *(f"{asked}|{said}" for asked in plain_words(question).split() for said in words),
    ]
