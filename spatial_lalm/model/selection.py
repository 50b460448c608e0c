"""Which of the sounds a question picks out: the next after another, the longest, the nearest of two, those during one.

Only words are read here; ``model.selected_answers`` finds the sound among those that were heard.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from spatial_lalm.audio.wording import SIDES, called
from spatial_lalm.model.recorded_question import Reference

Rank = Literal[
    "next", "previous", "between", "while",
    "first", "second", "longest", "shortest", "nearest", "farthest",
    "leftmost", "rightmost", "highest", "lowest", "side",
]  # fmt: skip
"""How a sound is picked: by its place in time to another, by a measure, or (``side``) by the side that it is on."""
Fact = Literal["where", "how_far", "when"]

_NEIGHBOURS: tuple[tuple[Rank, str], ...] = (
    ("between", r"\bbetween\b"),
    (
        "while",
        r"\b(?:while|during|as long as|(?:together|simultaneous(?:ly)?|along|in parallel) with|alongside|"
        r"(?:at )?the same time as|overlap(?:s|ped|ping)?(?: with)?)\b(?! (?:which|what)\b)",
    ),
    ("next", r"\b(?:after|follow(?:s|ed|ing)?|once|as soon as|later than|succeed(?:s|ed|ing)?)\b"),
    ("previous", r"\b(?:before|preced(?:es?|ed|ing)|prior to|ahead of|earlier than)\b"),
)
_SUPERLATIVES: tuple[tuple[Rank, str], ...] = (
    ("leftmost", r"\bleft ?most\b|\b(?:far|furth|most)(?:est)? (?:to the )?left\b"),
    ("rightmost", r"\bright ?most\b|\b(?:far|furth|most)(?:est)? (?:to the )?right\b"),
    ("longest", r"\blongest\b|\blasts? (?:the )?most\b"),
    ("shortest", r"\b(?:shortest|briefest)\b"),
    ("nearest", r"\b(?:nearest|closest)\b(?! to (?!me|us|you|the (?:mic|listener)))"),
    ("farthest", r"\b(?:farthest|furthest|remotest|most distant)\b"),
    ("highest", r"\bhighest\b"),
    ("lowest", r"\blowest\b"),
)
_COMPARATIVES: tuple[tuple[Rank, str], ...] = (
    ("leftmost", r"\b(?:furth|farth)er (?:to the )?left\b|\bmore to the left\b|\b(?:to|on) the left\b|\blies left\b"),
    ("rightmost", r"\b(?:furth|farth)er (?:to the )?right\b|\bmore to the right\b|\b(?:to|on) the right\b"),
    ("longest", r"\blonger\b"),
    ("shortest", r"\b(?:shorter|briefer)\b"),
    ("nearest", r"\b(?:nearer|closer)\b(?! to (?!me|us|you|the (?:mic|listener)))"),
    ("farthest", r"\b(?:farther|further|more distant)\b"),
    ("highest", r"\bhigher\b"),
    ("lowest", r"\blower\b"),
    ("first", r"\b(?:first|earlier|sooner)\b"),
    ("second", r"\b(?:second|last|later)\b"),
)
_WITHOUT_NAMES = frozenset({"longest", "shortest", "nearest", "farthest"})
"""Comparatives that pick among all sounds as well ("which is nearer?")."""
_NOT_OF_SOUNDS = (
    r"\b(?:r?t60|edt|drr|c50|reverb\w*|direct[- ]to\w*|echo\w*|decay\w*|clarity|octave|cubic|pitch\w*|freq\w+|rooms?)\b"
)
_ASKS_WHICH = r"\b(?:what|which|who|whose|where|when|how|whereabouts|name|tell|say|give|find|list|describe)\b"
_YES_NO = r"\b(?:is|are|was|were|do|does|did|can|could|would|has|have|whether|if)\b"
_QUESTION_WORD = (
    r"\b(?:what|which|who|whose|where|whereabouts|when|how|why|name|list|count|describe|number of|"
    r"(?:tell me|know|say|give|find|show) (?:the|me|a)\b(?! (?:whether|if)))\b"
)
_FACTS: tuple[tuple[Fact, str], ...] = (
    (
        "where",
        r"\b(?:where|whereabouts|direction|azimuth|elevation|bearing|(?:which|what) (?:way|side|angle|octant))\b",
    ),
    (
        "how_far",
        r"\bhow (?:far|distant|close|near)\b|\bdistance (?:to|of|from)\b|\b(?:what|which) (?:distance|range)\b|"
        r"\bhow many met(?:re|er)s\b",
    ),
    ("when", r"\bwhen (?:do|does|did|is|was|are)\b|\bwhat time\b|\bhow long (?:is|does|did|was)\b"),
)
_ORDER = {"first": 0, "second": 1, "third": 2, "fourth": 3, "last": -1, "final": -1}

_ORDERED = (
    rf"\b(?P<order>{'|'.join(_ORDER)}) "
    r"(?=(?:(?:stretch|burst|bout|bit|piece) of )?(?!the\b|an?\b|my\b)(?P<name>\w+(?: \w+)?))"
)


@dataclass(frozen=True)
class Selection:
    """One sound, or a few, that a question picks out of all (of the classes ``among``, on a ``side``).

    ``to`` is the sound that a place in time refers to, ``until`` the later one of ``between``; ``fact`` is what is
    asked of the sound that was picked, None where its name is.
    """

    by: Rank
    among: tuple[str, ...] = ()
    to: Reference | None = None
    until: Reference | None = None
    side: str | None = None
    by_end: bool = False
    fact: Fact | None = None


def read_selection(words: str) -> Selection | None:
    """What the words of a question (lower case, without punctuation) pick out; None where they pick nothing."""
    words = singular(words)
    if re.search(
        r"\bhow (?:many(?! met)|much|soon|often)\b|\b(?:angle|apart|distance between)\b|\bhow long (?:after|before)\b",
        words,
    ):
        return None
    if asks_yes_no(words) and not (re.search(r"\bor\b", words) and len(called(words)) > 1):
        return None
    if neighbour := _neighbour(words):
        return neighbour
    return _ranked(re.sub(_ORDERED, lambda found: "" if called(found["name"]) else found[0], words))


def asks_yes_no(words: str) -> bool:
    """Whether a question asks for a yes or a no: it has a verb or "whether", and no word that asks for more."""
    words = re.sub(r"\b(is|was|whether|if) what\b", r"\1 that", words)  # "is what starts first on the left?"
    return re.search(_YES_NO, words) is not None and re.search(_QUESTION_WORD, words) is None


def singular(words: str) -> str:
    """The words, with plurals of our sounds' names as singulars: "tones" is a "tone"."""
    return " ".join(map(_singular_word, words.split()))


@lru_cache(maxsize=4096)
def _singular_word(word: str) -> str:
    return word[:-1] if word.endswith("s") and not called(word) and called(word[:-1]) else word


def _neighbour(words: str) -> Selection | None:
    """A sound by its place in time to another that is named: after it, before it, during it, between it and a third."""
    found = next(((by, match) for by, pattern in _NEIGHBOURS if (match := re.search(pattern, words))), None)
    if found is None or not re.search(_ASKS_WHICH, words) or re.search(r"\bor\b", words):
        return None
    by, match = found
    head, tail = words[: match.start()], words[match.end() :]
    tail, *rest = re.split(rf"(?={_QUESTION_WORD})", tail, maxsplit=1)
    first, *second = re.split(r"\band\b", tail, maxsplit=1)
    to, until = reference(first), reference(second[0]) if second else None
    if to is None or (by == "between") != (until is not None):
        return None
    picked = " ".join((head, *rest))
    among = tuple(label for label in called(picked) if label != to.label)
    return Selection(by, among, to, until, named_side(picked), fact=_fact(picked))


def _ranked(words: str) -> Selection | None:
    """A sound by a measure, among all or among those that are named."""
    labels = called(words)
    if re.search(_NOT_OF_SOUNDS, words) or re.search(r"\bthan\b", words):
        return None
    among = labels if len(labels) > 1 and re.search(r"\b(?:or|of|between|comparing|compare)\b", words) else ()
    by = next((by for by, pattern in _SUPERLATIVES if re.search(pattern, words)), None)
    if by is None and re.search(rf"{_ASKS_WHICH}|\bor\b", words):
        compared = (by for by, pattern in _COMPARATIVES if re.search(pattern, words))
        by = next((by for by in compared if among or (by in _WITHOUT_NAMES and not labels)), None)
    side = named_side(words) if by not in ("leftmost", "rightmost") else None
    if by is None and among and side and re.search(r"\b(?:which|what|who)\b", words):
        by = "side"
    if by is None:
        return None
    by_end = re.search(r"\b(?:ends?|stops?|finish(?:es)?)\b", words) is not None
    return Selection(by, among or labels[:1], side=side, by_end=by_end, fact=_fact(words))


def reference(text: str) -> Reference | None:
    """The first sound that a text names, and which of its class ("the second stretch of rain")."""
    names = called(text)
    order = re.search(rf"\b({'|'.join(_ORDER)})\b", text)
    return Reference(names[0], _ORDER[order[1]] if order else 0) if names else None


def ordinals(words: str) -> tuple[Reference, ...]:
    """The sounds that are told from others of their class by their order: "the second click"."""
    found = ((match["order"], called(singular(match["name"]))) for match in re.finditer(_ORDERED, words))
    return tuple(Reference(names[0], _ORDER[order]) for order, names in found if names)


def named_side(words: str) -> str | None:
    """The one side of the listener that is named."""
    sides = [side for side, pattern in SIDES.items() if re.search(pattern, words)]
    return sides[0] if len(sides) == 1 else None


def _fact(words: str) -> Fact | None:
    return next((fact for fact, pattern in _FACTS if re.search(pattern, words)), None)
