"""Multiple choice and yes or no: what an answer says, by fixed rules, and what many answers are worth.

An answer that cannot be read is counted as ``unparsed`` and wrong, never guessed at. ``PARSER`` goes into every report:
two reports are comparable only if it is the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.metrics import Interval, bootstrap_interval

PARSER = "choices-1"
"""Version of the rules of ``parse_choice`` and ``parse_yes_no``."""
END = r"(?=[.,;:!?)*]*(?:\s|$))"
"""What follows a letter that stands for a choice: at most punctuation, so that ``E:7`` and ``J.D.`` are words."""
BRACKETED = r"[(\[<{]\s*([A-Z])\s*[)\]>}]"
ALONE = re.compile(rf"\**(?:{BRACKETED}|([A-Z])[).]?)\**[.:]?")
"""A letter and nothing else: ``B``, ``(B)``, ``<B>``, ``B.``, ``**B**``."""
LEADING = re.compile(rf"\A\s*\**(?:{BRACKETED}|([A-Z])\s*[).:]{END})\**[\s.:]*(?=\S)")
"""A marked letter before words: ``(B) rain``, ``B. rain``, ``B: rain``, ``<B>: rain``."""
TOLD = re.compile(
    r"(?i:\b(?:answer|option|choice)\b(?:\s+(?:is|would be|must be|should be))?\s*:?\s*(?:(?:option|choice)\s+)?)"
    rf"\**(?:{BRACKETED}|([A-Z])(?!\s+[a-z]){END})"
)
"""A letter that is said to be it: ``the answer is (B)``, ``Answer: B``, ``option B``; not ``the answer is A dog``."""
WORD = re.compile(r"(?<!\w)[+-]?\d+(?:[.,]\d+)*(?!\w)|\w+#?")
"""Numbers with their sign and decimals, words, notes with their sharp."""

NEGATIONS = frozenset({"not", "no", "never", "neither", "nor", "isn", "wasn", "aren", "doesn", "without", "except"})
NEGATED_WORDS = 3
"""A choice is denied where one of these is among as many words before it."""


def parse_choice(text: str, choices: Sequence[str]) -> int | None:
    """Index of the choice that an answer names, None where it names none, several, or contradicts itself.

    An answer names a choice by its letter (alone, marked at the beginning, or said to be the answer; a capital), by its
    words, or by both. A choice within a longer one that is named does not count (``left`` in ``front left``). Of
    choices that read alike the first is meant. ``InputError``: see ``choice_index``.
    """
    alike = _alike(choices)
    if _words(text) in (words := [_words(choice) for choice in choices]):
        letters, named = _letters(text, alike, whole=True), {words.index(_words(text))}
    else:
        letters, named = _letters(text, alike), _named(_words(LEADING.sub("", text, count=1)), words)
    found = letters | {alike[index] for index in named}
    return found.pop() if len(found) == 1 else None


def choice_index(answer: str, choices: Sequence[str]) -> int:
    """Index of the right answer as ``parse_choice`` gives it: of choices that read alike the first.

    ``InputError``: an answer that is none of the choices, fewer than two choices or more than 26, one without words.
    """
    alike, words = _alike(choices), [_words(choice) for choice in choices]
    if _words(answer) not in words:
        raise InputError(f"answer {answer!r} is none of the choices {list(choices)}")
    return alike[words.index(_words(answer))]


def _alike(choices: Sequence[str]) -> list[int]:
    """For every choice the first that reads as it does."""
    words = [_words(choice) for choice in choices]
    if not 2 <= len(choices) <= 26 or not all(words):
        raise InputError(f"choices {list(choices)}: give 2 to 26, each with words")
    return [words.index(one) for one in words]


def _letters(text: str, alike: Sequence[int], whole: bool = False) -> set[int]:
    """Choices told by letter, of a ``whole`` answer only if there is nothing else; one beyond the last is none."""
    alone = ALONE.fullmatch(text.strip())
    told = [alone] if alone else [] if whole else [*TOLD.finditer(text), *filter(None, [LEADING.match(text)])]
    places = {ord(next(filter(None, match.groups()))) - ord("A") for match in told}
    return {alike[place] for place in places if place < len(alike)}


def _named(said: Sequence[str], choices: Sequence[Sequence[str]]) -> set[int]:
    """Choices whose words stand in what was said, one after the other, outside longer ones; none if one is denied."""
    places = [
        (start, start + len(words), index)
        for index, words in enumerate(choices)
        for start in range(len(said) - len(words) + 1)
        if list(said[start : start + len(words)]) == list(words)
    ]
    named = [place for place in places if not any(_within(*place[:2], *other[:2]) for other in places)]
    if any(NEGATIONS & set(said[max(0, start - NEGATED_WORDS) : start]) for start, _, _ in named):
        return set()
    return {index for _, _, index in named}


def _within(start: int, end: int, outer_start: int, outer_end: int) -> bool:
    return outer_start <= start and end <= outer_end and outer_end - outer_start > end - start


def _words(text: str) -> list[str]:
    return WORD.findall(text.casefold().replace("\N{MINUS SIGN}", "-"))


def official_match(answer: str, prediction: str, choices: Sequence[str]) -> bool:
    """Whether MMAU and MMAR count a prediction as right: all words of the answer are in it and none of another choice.

    Words of other choices that the answer has too do not count against it; a letter alone is wrong.
    """
    said, due = set(re.findall(r"\w+", prediction.lower())), set(re.findall(r"\w+", answer.lower()))
    others = {word for choice in choices for word in re.findall(r"\w+", choice.lower())} - due
    return bool(said) and due <= said and not others & said


# ---------------------------------------------------------------- many answers


@dataclass(frozen=True)
class ChoiceScores:
    """Accuracy with its interval, what chance would reach, and how many of ``count`` answers could not be read."""

    accuracy: Interval
    chance: float
    unparsed: int
    count: int


def choice_scores(
    predicted: Sequence[int | None],
    reference: Sequence[int],
    options: Sequence[int],
    clusters: Sequence[Any] | None = None,
) -> ChoiceScores:
    """Score parsed answers against the right ones; ``options`` is the number of choices of every question.

    ``InputError``: other lengths, no answers, a right answer that is none of the options.
    """
    if not len(predicted) == len(reference) == len(options) or not reference:
        raise InputError(
            f"{len(predicted)} answers, {len(reference)} truths, {len(options)} sizes: give as many of each"
        )
    if any(not 0 <= truth < size for truth, size in zip(reference, options, strict=True)):
        raise InputError("a right answer is none of the options: count options from 0")
    right = [float(said == truth) for said, truth in zip(predicted, reference, strict=True)]
    chance = float(np.mean(1 / np.array(options, dtype=float)))
    return ChoiceScores(
        bootstrap_interval(right, clusters=clusters), chance, sum(said is None for said in predicted), len(right)
    )


def rotation_scores(right: ArrayLike) -> tuple[float, float]:
    """Mean accuracy and all-correct rate of ``(questions, runs)`` 0 or 1, a run for every rotation of the options.

    A model that goes by the place of an option reaches chance in the first and far less in the second (STAR-Bench's AA
    and ACR). ``InputError``: another shape, other values.
    """
    runs = np.asarray(right, dtype=float)
    if runs.ndim != 2 or not runs.size or not np.isin(runs, (0, 1)).all():
        raise InputError(f"runs of shape {runs.shape}: give (questions, runs) of 0 and 1")
    return float(runs.mean()), float(runs.all(axis=1).mean())


# ---------------------------------------------------------------- yes or no


def parse_yes_no(text: str) -> bool | None:
    """True for yes, False for no, None where an answer says neither or both."""
    said = set(_words(text)) & {"yes", "no"}
    return said == {"yes"} if len(said) == 1 else None


@dataclass(frozen=True)
class YesNoScores:
    """How yes and no are told, unread answers counted as wrong.

    ``bias`` is the share of yes among the answers that could be read minus that among their truths: above 0 the model
    agrees too readily. ``precision``, ``recall`` and ``f1`` are of yes; ``specificity`` is the recall of no. NaN where
    undefined.
    """

    accuracy: float
    precision: float
    recall: float
    specificity: float
    f1: float
    bias: float
    unparsed: int
    count: int


def yes_no_scores(predicted: Sequence[bool | None], reference: Sequence[bool]) -> YesNoScores:
    """Score answers to yes-or-no questions (POPE: Li et al., EMNLP 2023). ``InputError``: other lengths, none."""
    if len(predicted) != len(reference) or not reference:
        raise InputError(f"{len(predicted)} answers for {len(reference)} questions: give one for each, one at least")
    truth = np.array(reference, dtype=bool)
    yes, no = (np.array([said is value for said in predicted]) for value in (True, False))
    read = yes | no
    precision, recall = _share(truth, yes), _share(yes, truth)
    both = yes.sum() + truth.sum()
    return YesNoScores(
        float(np.mean((yes & truth) | (no & ~truth))),
        precision,
        recall,
        _share(no, ~truth),
        float(2 * (yes & truth).sum() / both) if both else math.nan,
        _share(yes, read) - _share(truth, read),
        int((~read).sum()),
        len(reference),
    )


def _share(part: NDArray[np.bool_], of: NDArray[np.bool_]) -> float:
    return float(part[of].mean()) if of.any() else math.nan
