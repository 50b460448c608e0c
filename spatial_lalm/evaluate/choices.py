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
from spatial_lalm.evaluate.statements import concluded, declines, without_declining

PARSER = "choices-2"
"""Version of the rules of ``parse_choice``, ``parse_yes_no`` and ``statements``."""
END = r"(?=[.,;:!?)*]*(?:\s|$))"
"""What follows a letter that stands for a choice: at most punctuation, so that ``E:7`` and ``J.D.`` are words."""
BRACKETED = r"[(\[<{]\s*([A-Z])\s*[)\]>}]"
ALONE = re.compile(rf"(?:{BRACKETED}|([A-Z])[).]?)[.:]?")
"""A letter and nothing else: ``B``, ``(B)``, ``<B>``, ``B.``."""
LEADING = re.compile(
    rf"\A\s*(?:{BRACKETED}|([A-Z])\s*[).:]{END}|([A-Z])(?=\s\([^()]{{2,}}\))|([A-Z]),(?= (?:not|because|since|as)\b))"
    r"[\s.:]*(?=\S)"
)
"""A marked letter before words: ``(B) rain``, ``B. rain``, ``B: rain``, ``<B>: rain``, ``B (rain)``, ``B, because``."""
TOLD = re.compile(
    r"(?i:\b(?:answer|option|choice)\b(?:\s+(?:is|would be|must be|should be))?\s*:?\s*(?:(?:option|choice)\s+)?)"
    rf"(?:{BRACKETED}|([A-Z])(?!\s+[a-z]){END})"
)
"""A letter that is said to be it: ``the answer is (B)``, ``Answer: B``, ``option B``; not ``the answer is A dog``."""
CHOSEN = re.compile(
    r"(?i:\b(?:it's|it is|it must be|it would be|choose|chose|pick|select|say|go with|going with|believe|guess)\s+"
    rf"(?:option\s+|choice\s+)?)(?:{BRACKETED}|([A-HJ-Z])(?=[.,;:!?]*\s*$|[.,;!?]\s))"
)
"""A letter in passing, at the end of what is said: ``I would pick B.``, ``it is (B) because``."""
WORD = re.compile(r"(?<!\w)[+-]?\d+(?:[.,]\d+)*(?!\w)|\w+#?")
"""Numbers with their sign and decimals, words, notes with their sharp."""
BULLET = re.compile(r"^\s*(?:[-\u2022>]\s+)+(?=[^\s\d])")
CLAUSE = re.compile(r"[.;:!?,\n]|\bbut\b", re.IGNORECASE)
NEGATIONS = frozenset({"not", "no", "never", "neither", "nor", "without", "except", "unlike", "instead", "rather"})
"""Within a clause these deny every choice after them."""
DENIED_AFTER = re.compile(r"(?:is|are|was|were|does|do|can|could|seems?)\s+(?:clearly\s+|definitely\s+)?not\b")


def parse_choice(text: str, choices: Sequence[str]) -> int | None:
    """Index of the choice that an answer names, None where it names none, several, or contradicts itself.

    An answer names a choice by its letter (alone, marked at the beginning, or said to be the answer; a capital), by its
    words, or by both; in its conclusion if it marks one, in lines that hold nothing else, or anywhere. A choice within
    a longer one that is named does not count (``left`` in ``front left``), nor one that is denied (``not the left``) or
    that only stands where the answer says that it cannot tell. Of choices that read alike the first is meant.
    ``InputError``: see ``choice_index``.
    """
    alike = _alike(choices)
    words = [_words(choice) for choice in choices]
    offered = any(declines(choice) for choice in choices)

    def read(part: str) -> int | None:
        left = _unlisted(part.splitlines(), words, alike)
        if (line := _lone_line(left, words, alike)) is not None:
            return line
        said = "\n".join(left)
        return _read(said if offered else without_declining(said, denials=False), words, alike)

    return concluded(text, read)


def _read(text: str, words: Sequence[Sequence[str]], alike: Sequence[int]) -> int | None:
    """The one choice that letters and words agree on."""
    if (said := _words(text)) in words:
        found = _letters(text, alike, whole=True) | {alike[list(words).index(said)]}
    else:
        found = _letters(text, alike) | {alike[index] for index in _named(LEADING.sub("", text, count=1), words)}
    return found.pop() if len(found) == 1 else None


def _unlisted(lines: Sequence[str], words: Sequence[Sequence[str]], alike: Sequence[int]) -> list[str]:
    """Lines without bullets, and without a list of all the options that only repeats the question."""
    lines = [BULLET.sub("", line).strip() for line in lines]
    told = [_line(line, words, alike) for line in lines]
    if len(lines) < len(words) or not set(alike) <= set(told):
        return lines
    listed = {told.index(index) for index in alike}
    return [line for place, line in enumerate(lines) if place not in listed]


def _lone_line(lines: Sequence[str], words: Sequence[Sequence[str]], alike: Sequence[int]) -> int | None:
    """The choice that is all there is in a line of several; None where lines differ."""
    found = {_line(line, words, alike) for line in lines} - {None}
    return found.pop() if len(lines) > 1 and len(found) == 1 else None


def _line(line: str, words: Sequence[Sequence[str]], alike: Sequence[int]) -> int | None:
    """The choice that is all there is in a line."""
    rest = _words(LEADING.sub("", line, count=1))
    return _read(line, words, alike) if ALONE.fullmatch(line) or rest in words else None


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
    if whole or alone:
        told = [alone] if alone else []
    else:
        leading = LEADING.match(text)
        told = [*TOLD.finditer(text), *CHOSEN.finditer(text), *([leading] if leading else [])]
    places = {
        ord(next(filter(None, match.groups()))) - ord("A") for match in told if not _denies(text[: match.start()])
    }
    return {alike[place] for place in places if place < len(alike)}


def _named(text: str, choices: Sequence[Sequence[str]]) -> set[int]:
    """Choices whose words stand in what was said, one after the other, outside longer ones, and are not denied.

    A question that goes before the answer names nothing.
    """
    text = re.sub(r"[^.!?\n]*\?\s+(?=\S)", "", _plain(text))
    tokens = list(WORD.finditer(text))
    said = [token[0] for token in tokens]
    places = [
        (start, start + len(words), index)
        for index, words in enumerate(choices)
        for start in range(len(said) - len(words) + 1)
        if said[start : start + len(words)] == list(words)
    ]
    return {
        index
        for start, end, index in places
        if not any(_within(start, end, *other[:2]) for other in places)
        and not _denies(text[: tokens[start].start()])
        and not DENIED_AFTER.match(text[tokens[end - 1].end() :].lstrip())
    }


def _denies(before: str) -> bool:
    """Whether the clause that a text ends with denies what follows."""
    clause = re.sub(r"\bno doubt\b|\bnot (only|just|merely)\b", "", CLAUSE.split(_plain(before))[-1])
    return not NEGATIONS.isdisjoint(WORD.findall(clause))


def _within(start: int, end: int, outer_start: int, outer_end: int) -> bool:
    return outer_start <= start and end <= outer_end and outer_end - outer_start > end - start


def _plain(text: str) -> str:
    """Small letters, one minus sign, and negations written out."""
    text = text.casefold().replace("\N{MINUS SIGN}", "-").replace("\u2019", "'")
    return re.sub(r"n't\b", " not", text.replace("cannot", "can not").replace("won't", "will not"))


def _words(text: str) -> list[str]:
    return WORD.findall(_plain(text))


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


INTERJECTION = re.compile(
    r"(?:^|(?<=[.!?:,;(]\s)|(?<=\())\"?(yes|no|true|false)\b(?=\s*(?:[,.;:!)\"\n\u2013\u2014-]|$))|"
    r"^\"?(yes)\b(?! (?:and|or) )"
)
"""Yes or no as an answer of its own, not as a word of a sentence (``no dog``)."""
AGREES = {"yes": True, "true": True, "no": False, "false": False}


def parse_yes_no(text: str) -> bool | None:
    """True for yes (or true), False for no (or false), None where an answer says neither or both.

    In its conclusion if it marks one; as an answer of its own, or else as a word that is not part of *cannot tell*.
    """
    return concluded(text, _yes_or_no)


def _yes_or_no(text: str) -> bool | None:
    text = _plain(text).strip()
    said = {AGREES[next(filter(None, match.groups()))] for match in INTERJECTION.finditer(text)}
    if not said:
        words = set(_words(without_declining(re.sub(r"\bno doubt\b", "", text), denials=False)))
        said = {AGREES[word] for word in words & {"yes", "no"}}
    return said.pop() if len(said) == 1 else None


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
