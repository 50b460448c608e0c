"""Statements that a question asks to confirm: one sound against another, or an amount against a limit.

Only words are read here; ``model.claim_answers`` says yes or no by what was heard.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from spatial_lalm.audio.wording import called
from spatial_lalm.model.moments import in_number
from spatial_lalm.model.selection import asks_yes_no, singular

About = Literal["distance", "elevation", "duration", "onset", "leftness", "same_side", "at_once",
                "t60", "volume", "sounds", "counts"]  # fmt: skip
_MORE = r"\b(?:farther|further|longer|larger|bigger|greater|more|higher|above|over|later|after)\b"
_LESS = r"\b(?:nearer|closer|shorter|smaller|less|fewer|lower|below|under|earlier|before|sooner)\b"
_OBJECT = r"\b(?:than|compared (?:with|to)|relative to|of|before|after)\b"
"""What stands before the sound that another is compared with."""
_BETWEEN_TWO: tuple[tuple[About, str], ...] = (
    ("leftness", r"\b(?:left|right) (?:of|than)\b|\b(?:further|farther|more) (?:to the )?(?:left|right)\b|"
     r"\bto the (?:left|right)$"),
    ("distance", r"\b(?:nearer|closer|farther)\b|\bfurther (?:away|off|than)\b|\bfurther$|"
     r"\bat a (?:greater|smaller) distance\b"),
    ("elevation", r"\b(?:higher|lower)\b|\babove\b|\bbelow\b"),
    ("duration", r"\b(?:longer|shorter)\b"),
    ("onset", r"\b(?:before|after|earlier|later|sooner)\b"),
)  # fmt: skip
_NUMBER = r"(?P<number>\d+(?:\.\d+)?|an?|one|two|three|four|five|six|seven|eight|nine|ten)"


@dataclass(frozen=True)
class Claim:
    """That the first of two classes has more of something (``sign`` 1; -1: less) than the second or than ``limit``."""

    about: About
    labels: tuple[str, ...] = ()
    sign: int = 1
    limit: float = 0.0


def read_claim(words: str) -> Claim | None:
    """What a question (lower case, without punctuation) asks to confirm; None where it claims nothing of the kind."""
    words = singular(re.sub(r"\b(?:am i|is it|is that) right\b", "is it so", words))
    words = re.sub(r"\bleft or right (?=are|is|do)", "", words)
    if not asks_yes_no(words) or re.search(r"\b(?:or|loud\w*|quiet\w*)\b", words):
        return None
    labels = called(words)
    if len(labels) == 2:
        return _of_two(words, labels)
    return _against_limit(words, labels)


def _sign(words: str) -> int:
    """1 for more, -1 for less, 0 where neither or both are claimed."""
    return bool(re.search(_MORE, words)) - bool(re.search(_LESS, words))


def _of_two(words: str, labels: tuple[str, ...]) -> Claim | None:
    """One sound against another."""
    if re.search(r"\bas many\b|\bmore \w+ than\b|\bfewer \w+ than\b|\bequally many\b", words):
        sign = 0 if re.search(r"\bmany\b", words) else _sign(words)
        return Claim("counts", labels, sign)
    if re.search(r"\b(?:same|one) side\b", words):
        return Claim("same_side", labels)
    if re.search(r"\boverlap|\bsame time\b|\btogether\b|\bat once\b|\bsimultaneous", words):
        return Claim("at_once", labels)
    about = next((about for about, pattern in _BETWEEN_TWO if re.search(pattern, words)), None)
    if about is None:
        return None
    object_at = [match.end() for match in re.finditer(_OBJECT, words)]
    named = next((names[0] for end in object_at if (names := called(words[end:])) and len(names) < 3), labels[1])
    if re.match(r"(?:\w+ ){0,3}(?:compared|relative)\b", words):
        named = labels[0]  # "compared with the dog, is the tone nearer?"
    elif named == labels[0]:
        named = labels[1]
    subject = labels[0] if named == labels[1] else labels[1]
    sign = (1 if re.search(r"\bleft\b", words) else -1) if about == "leftness" else _sign(words)
    return Claim(about, (subject, named), sign) if sign else None


def _against_limit(words: str, labels: tuple[str, ...]) -> Claim | None:
    """An amount against a number: farther than 3 metres, a T60 above 0.5 s, more than one sound."""
    found = re.search(rf"\b(?:than|above|below|over|under|at least|at most) {_NUMBER}\b(?P<unit>.*)", words)
    if not found:
        return None
    limit, unit, sign = in_number(found["number"]), found["unit"], _sign(words)
    if re.search(r"\bat (?:least|most) ", words):
        return None if not re.search(r"\b(?:sounds?|sources?)\b", unit) else _least_or_most(words, limit)
    if not sign:
        return None
    if re.search(r"\br?t60\b|\breverb|\bdecay", words):
        return Claim("t60", (), sign, limit)
    if re.search(r"\bcubic\b|m³|\bm3\b", words):
        return Claim("volume", (), sign, limit)
    if len(labels) == 1 and re.search(r"\bmet(?:re|er)s?\b|\bm\b", unit):
        return Claim("distance", labels, sign, limit)
    if not labels and re.match(r" (?:different )?(?:sounds?|sources?|sound sources?)\b", unit):
        return Claim("sounds", (), sign, limit)
    return None


def _least_or_most(words: str, limit: float) -> Claim:
    """At least three is more than two and a half."""
    least = re.search(r"\bat least\b", words) is not None
    return Claim("sounds", (), 1, limit - 0.5) if least else Claim("sounds", (), -1, limit + 0.5)


@dataclass(frozen=True)
class Pair:
    """Two opposite sides, on one of which a class is: of the listener, or (``other``) of another class."""

    sides: tuple[str, str]
    subject: str
    other: str | None = None


_PAIRS: tuple[tuple[tuple[str, str], str], ...] = (
    (
        ("front", "back"),
        r"\b(?:front|ahead)\b(?: \w+){0,2} or(?: \w+){0,3} (?:behind|back|rear)\b|"
        r"\b(?:behind|back)\b(?: \w+){0,2} or(?: \w+){0,3} (?:front|ahead)\b",
    ),
    (
        ("above", "below"),
        r"\b(?:above|up|higher|over(?:head)?)\b(?: \w+){0,2} or(?: \w+){0,2} (?:below|down|lower|under\w*)\b|"
        r"\b(?:below|down|lower)\b(?: \w+){0,2} or(?: \w+){0,2} (?:above|up|higher)\b",
    ),
    (
        ("left", "right"),
        r"\bleft\b(?: \w+){0,3} or(?: \w+){0,4} right\b|\bright\b(?: \w+){0,3} or(?: \w+){0,4} left\b|"
        r"\b(?:which|what) side of (?!me\b|us\b|the (?:room|mic|listener))",
    ),
)


def read_pair(words: str, labels: tuple[str, ...]) -> Pair | None:
    """On which of two opposite sides a class is asked to be ("is the dog in front or behind?")."""
    sides = next((sides for sides, pattern in _PAIRS if re.search(pattern, words)), None)
    if (
        sides is None
        or not 1 <= len(labels) <= 2
        or re.search(r"\bdegrees\b|\b(?:start|begin|speak|talk|come|sound)s? (?:first|last)\b", words)
    ):
        return None
    if len(labels) == 1:
        return Pair(sides, labels[0])
    marked = re.search(r"\b(?:side|left|right) of\b|\brelative to\b|\bcompared (?:with|to)\b|\bthan\b", words)
    if sides != ("left", "right") or marked is None:
        return None
    other = next(iter(called(singular(words[marked.end() :]))), labels[1])
    return Pair(sides, labels[0] if other == labels[1] else labels[1], other)
