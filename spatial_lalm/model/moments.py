"""Moments that a question names in numbers: "at 2 s", "between 0:05 and 0:10", "in the first three seconds"."""

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
    """Seconds from ``start_s`` to ``end_s`` (alike: one moment), from the recording's start or the ends of a part."""

    start_s: float
    end_s: float
    origin: Literal["recording", "start", "end"] = "recording"

    def within(self, low_s: float, high_s: float) -> Span | None:
        """The same in seconds of the recording, cut to what was heard of it; None where they do not meet."""
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
        rf"\b(?:after|from|since)\s+(?P<a>{_TIME})(?:\s+on(?:wards?)?)?",
        lambda found: Span(_seconds(found["a"]), math.inf),
    ),
    (rf"\b(?:before|until|till|by)\s+(?P<a>{_TIME})", lambda found: Span(0.0, _seconds(found["a"]))),
    (rf"\b(?:at|around|about)\s+(?:second\s+(?P<b>{_NUMBER})\b|(?P<a>{_TIME}))", lambda found: _moment(found)),
)


def _moment(found: re.Match[str]) -> Span:
    at = _seconds(found["a"] or found["b"])
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


def named_span(question: str) -> tuple[Span | None, str]:
    """The span that a question names, and the question in lower case without it."""
    text = question.lower()
    for pattern, read in _FORMS:
        if found := re.search(pattern, text):
            return read(found), f"{text[: found.start()]} {text[found.end() :]}"
    return None, text
