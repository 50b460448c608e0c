"""Moments that a question names: "at 2 s", "between 0:05 and 0:10", "in the first 3 seconds", "in the last third"."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

_NUMBERS = {
    name: value
    for value, name in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    )
}
_NUMBER = rf"(?:\d+(?:\.\d+)?|{'|'.join(_NUMBERS)})"
_UNIT = r"(?:s|sec|secs|seconds?|min|mins|minutes?)"
_CLOCK = r"\d+:\d\d(?::\d\d)?(?:\.\d+)?"
_TIME = rf"(?:{_CLOCK}|{_NUMBER}\s*{_UNIT}\b)"
_LOOSE = rf"(?:{_CLOCK}|{_NUMBER}(?:\s*{_UNIT}\b)?)"
_AND = r"\s*(?:and|to|until|till|-|\u2013)\s*"
EDGE_S = 0.05
"""A moment this far outside what was heard still counts: answers are told in tenths of a second."""


@dataclass(frozen=True)
class Span:
    """Seconds from ``start_s`` to ``end_s`` (alike: one moment), from the recording's start or the ends of a part.

    With the origin ``share`` both are shares of the part, from 0 to 1.
    """

    start_s: float
    end_s: float
    origin: Literal["recording", "start", "end", "share"] = "recording"

    def within(self, low_s: float, high_s: float) -> Span | None:
        """The same in seconds of the recording, cut to what was heard of it; None where they do not meet."""
        if self.origin == "share":
            length_s = high_s - low_s
            if not math.isfinite(length_s):
                return None  # of what has no end there are no halves
            return Span(low_s + self.start_s * length_s, low_s + self.end_s * length_s)
        offset = {"recording": 0.0, "start": low_s, "end": high_s}[self.origin]
        start, end = self.start_s + offset, self.end_s + offset
        if start > high_s + EDGE_S or end < low_s - EDGE_S:
            return None
        return Span(max(start, low_s), min(end, high_s))

    def holds(self, start_s: float, end_s: float) -> bool:
        """Whether an event from ``start_s`` to ``end_s`` sounds in it."""
        if self.start_s == self.end_s:
            return start_s - EDGE_S <= self.start_s <= end_s + EDGE_S
        return min(end_s, self.end_s) - max(start_s, self.start_s) > EDGE_S

    def __str__(self) -> str:
        """``at 2.0 s`` or ``between 0.0 s and 5.0 s``."""
        if self.start_s == self.end_s:
            return f"at {self.start_s:.1f} s"
        return f"between {self.start_s:.1f} s and {self.end_s:.1f} s"


def _between(found: re.Match[str]) -> Span:
    first, second = found["a"], found["b"]
    if not re.search(r"[a-z:]", first) and (unit := re.search(rf"\s*{_UNIT}$", second)):
        first += unit[0]  # "between 1 and 2 minutes"
    low, high = sorted((_seconds(first), _seconds(second)))
    return Span(low, high)


_PARTS = {"half": 2, "third": 3, "quarter": 4}
_PLACES = {"first": 0, "second": 1, "third": 2, "fourth": 3, "last": -1, "final": -1}
_HALVES: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (
        rf"\b(?P<a>{_NUMBER}) and a half (?P<unit>{_UNIT})\b",
        lambda found: f"{_seconds(found['a']) + 0.5:g} {found['unit']}",
    ),
    (r"\b(?:a|one) minute and a half\b", lambda found: "90 seconds"),
    (r"\bhalf a (?P<unit>minute|second)\b", lambda found: "30 seconds" if found["unit"] == "minute" else "0.5 seconds"),
    (r"\ba (?P<unit>minute|second)(?= in(?:to)?\b)", lambda found: f"1 {found['unit']}"),
)
"""Times with a half or an article, as the forms below know them."""


def _portion(found: re.Match[str]) -> Span:
    """Halves, thirds and quarters; a "fourth half" is the last one."""
    count = _PARTS[found["part"]]
    place = min(_PLACES[found["place"]], count - 1) % count
    return Span(place / count, (place + 1) / count, "share")


_FORMS: tuple[tuple[str, Callable[[re.Match[str]], Span]], ...] = (
    (rf"\b(?:between|from)\s+(?P<a>{_LOOSE}){_AND}(?P<b>{_TIME})", _between),
    (rf"\b(?:between|from)\s+seconds?\s+(?P<a>{_NUMBER}){_AND}(?:second\s+)?(?P<b>{_NUMBER})\b", _between),
    (
        rf"\b(?:(?:in|during|within)\s+)?the\s+first\s+(?P<a>{_NUMBER}\s*{_UNIT})\b",
        lambda found: Span(0.0, _seconds(found["a"]), "start"),
    ),
    (
        rf"\b(?:(?:in|during|within)\s+)?the\s+last\s+(?P<a>{_NUMBER}\s*{_UNIT})\b",
        lambda found: Span(-_seconds(found["a"]), 0.0, "end"),
    ),
    (
        rf"\b(?:in|during|within|over|of) the (?P<place>{'|'.join(_PLACES)}) (?P<part>{'|'.join(_PARTS)})\b"
        r"(?: of (?:the |this )?(?:recording|clip|audio|file|whole))?",
        _portion,
    ),
    (
        rf"\bat (?:about |around )?(?:the )?(?P<a>{_NUMBER}[\s-]*{_UNIT})[\s-]+(?P<b>mark|point)\b",
        lambda found: _moment_at(found["a"]),
    ),
    (
        rf"\b(?P<a>{_TIME}) in(?:to(?: (?:the |this )?(?:recording|clip|audio|file))?)?\b"
        r"(?! (?:duration|length|total|all|time|which|what|front|the|my)\b)",
        lambda found: _moment_at(found["a"]),
    ),
    (
        rf"\b(?:after|from|since)\s+(?P<a>{_TIME})(?:\s+on(?:wards?)?)?",
        lambda found: Span(_seconds(found["a"]), math.inf),
    ),
    (rf"\b(?:before|until|till|by)\s+(?P<a>{_TIME})", lambda found: Span(0.0, _seconds(found["a"]))),
    (rf"\b(?:at|around|about)\s+(?:second\s+(?P<b>{_NUMBER})\b|(?P<a>{_TIME}))", lambda found: _moment(found)),
)


def _moment(found: re.Match[str]) -> Span:
    return _moment_at(found["a"] or found["b"])


def _moment_at(text: str) -> Span:
    at = _seconds(text)
    return Span(at, at)


def _seconds(text: str) -> float:
    """Seconds of ``2 s``, ``1.5 minutes``, ``two seconds``, ``0:07`` or ``1:02:03``; a bare number is in seconds."""
    if ":" in text:
        total = 0.0
        for field in text.split(":"):
            total = 60 * total + float(field)
        return total
    number = re.match(_NUMBER, text)
    assert number is not None  # every form above begins with one
    value = float(_NUMBERS.get(number[0], 0)) if number[0] in _NUMBERS else float(number[0])
    return value * (60.0 if re.search(r"min", text[number.end() :]) else 1.0)


def in_number(text: str) -> float:
    """A number in figures or in words up to ten; "a" and "an" are one."""
    return 1.0 if text in ("a", "an") else float(_NUMBERS.get(text, 0) or text.replace("zero", "0"))


def named_span(question: str) -> tuple[Span | None, str]:
    """The span that a question names, and the question in lower case without it."""
    text = question.lower()
    for pattern, said in _HALVES:
        text = re.sub(pattern, said, text)
    for pattern, read in _FORMS:
        if found := re.search(pattern, text):
            return read(found), f"{text[: found.start()]} {text[found.end() :]}"
    return None, text
