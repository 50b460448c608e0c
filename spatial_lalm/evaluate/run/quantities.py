"""Numbers in free text: directions, amounts with their unit, times and spans. Fixed rules, nothing is guessed.

A text that says two different things of the asked kind says nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable

from spatial_lalm.audio.conventions import wrap_degrees
from spatial_lalm.audio.wording import OCTANTS

NUMBER = r"[-+\u2212]?\d+(?:[.,]\d+)?"
_COUNTED = {
    word: number
    for number, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    )
}
UNITS: dict[str, dict[str, float]] = {
    "m": {r"m|met(?:re|er)s?": 1.0, r"cm|centimet(?:re|er)s?": 0.01, r"ft|foot|feet": 0.3048},
    "s": {r"s|secs?|seconds?": 1.0, r"ms|milliseconds?": 0.001, r"mins?|minutes?": 60.0},
    "dB": {r"db|decibels?": 1.0},
    "m3": {
        r"m\^?3|m³|cubic met(?:re|er)s?": 1.0,
        r"l|lit(?:re|er)s?": 0.001,
        r"ft\^?3|ft³|cubic f(?:ee|oo)t": 0.0283168,
    },
}
"""Spellings of units with their worth; the first of a table is the one that a bare number has."""
UNIT_OF = {
    "distance": "m", "dimension": "m", "time": "s", "t60": "s", "drr": "dB", "c50": "dB", "volume": "m3", "count": "",
}  # fmt: skip
_CLOCK = r"\d{1,3}:\d{2}(?::\d{2})?(?:\.\d+)?"
_MOMENT = rf"(?:{_CLOCK}|{NUMBER})\s*(?:s|secs?|seconds?)?"
_SPAN = re.compile(
    rf"(?:from|between)?\s*\[?\s*(?P<start>{_MOMENT})\s*(?:to|until|till|and|-|\u2013|\u2014|,)\s*(?P<end>{_MOMENT})(?!\w)",
    re.IGNORECASE,
)


def value_of(text: str) -> float:
    """A number as written: a comma is a decimal one, unless three digits follow; any minus sign."""
    text = text.replace("\u2212", "-")
    return float(text.replace(",", "") if re.search(r",\d{3}$", text) else text.replace(",", "."))


def only(found: Iterable[float]) -> float | None:
    """The one value that was found, however often; None for none and for different ones."""
    distinct = list(dict.fromkeys(found))
    return distinct[0] if len(distinct) == 1 else None


# ---------------------------------------------------------------- amounts


def amount(text: str, quantity: str) -> float | None:
    """A quantity of ``UNIT_OF`` in metres, seconds, dB, m³ or as a count.

    With its unit, first in the SI one, then in others; a bare number only where the text has no other number.
    """
    if quantity == "count":
        return _count(text)
    if (
        quantity in ("time", "t60")
        and (clock := only(map(clock_s, re.findall(rf"(?<![\d:]){_CLOCK}", text)))) is not None
    ):
        return clock
    for spelling, worth in UNITS[UNIT_OF[quantity]].items():
        found = re.findall(rf"(?<![\w.])({NUMBER})\s*-?\s*(?:{spelling})(?![\w³^])", text, re.IGNORECASE)
        if found:
            return only(value_of(one) * worth for one in found)
    return only(map(value_of, re.findall(rf"(?<![\w.])({NUMBER})(?![\w:])", text)))


def _count(text: str) -> float | None:
    numbers = [value_of(one) for one in re.findall(rf"(?<![\w.:])({NUMBER})(?![\w:])", text)]
    words = [float(_COUNTED[one]) for one in re.findall(r"[a-z]+", text.lower()) if one in _COUNTED]
    whole = only(numbers or words)
    return whole if whole is not None and whole.is_integer() and whole >= 0 else None


def bounds(text: str, quantity: str) -> tuple[float, float] | None:
    """The range that an option such as ``from 1 m to 2 m``, ``less than 1 m``, ``over 4`` or ``2 m`` stands for."""
    numbers = re.findall(rf"(?<![\w.]){NUMBER}", text)
    if len(numbers) == 2:
        unit = next((worth for spelling, worth in UNITS.get(UNIT_OF[quantity], {}).items()
                     if re.search(rf"\d\s*(?:{spelling})(?![\w³^])", text, re.IGNORECASE)), 1.0)  # fmt: skip
        low, high = (abs(value_of(one)) * unit for one in numbers)
        return (low, high) if low <= high else None
    value = amount(text, quantity)
    if value is None:
        return None
    if re.search(r"\b(less|under|below|nearer|closer|shorter|smaller|fewer|within|up to)\b|<", text.lower()):
        return -math.inf, value
    if re.search(r"\b(more|over|above|beyond|farther|longer|larger|greater|at least)\b|>|\d\+", text.lower()):
        return value, math.inf
    return value, value


# ---------------------------------------------------------------- times


def clock_s(text: str) -> float:
    """Seconds of ``mm:ss`` or ``hh:mm:ss``."""
    seconds = 0.0
    for part in text.split(":"):
        seconds = 60 * seconds + float(part)
    return seconds


def _moment_s(text: str) -> float:
    text = re.sub(r"[a-z\s]+$", "", text.strip(), flags=re.IGNORECASE)
    return clock_s(text) if ":" in text else value_of(text)


def spans_s(text: str) -> tuple[tuple[float, float], ...]:
    """Spans such as ``from 1.5 s to 3 s``, ``0:05-0:10``, ``[2.0, 4.5]``; none that end before they start."""
    found = [(_moment_s(match["start"]), _moment_s(match["end"])) for match in _SPAN.finditer(text)]
    return tuple((start, end) for start, end in found if 0 <= start <= end)


# ---------------------------------------------------------------- directions

_SIDE = {"front": (1, 0), "ahead": (1, 0), "forward": (1, 0), "back": (-1, 0), "behind": (-1, 0), "rear": (-1, 0),
         "left": (0, 1), "leftward": (0, 1), "right": (0, -1), "rightward": (0, -1)}  # fmt: skip
_WORDS = re.compile(rf"\b(?:({'|'.join(_SIDE)}))s?\b")
_VERTICAL = re.compile(r"\b(?:directly|straight|right)\s+(above|below|overhead|up|down)|\b(overhead)\b")
_DEGREES = r"\s*(?:°|degrees?|deg\b)"


def direction(text: str) -> tuple[float, float | None] | None:
    """Azimuth and elevation (None where it is not told) in degrees, counter-clockwise from the front and up.

    Numbers go before words: ``azimuth 30``, ``30° to the right`` (-30), ``(30, -10)``, ``at 3 o'clock`` (-90), then
    ``front left`` (45) and the like.
    """
    text = text.lower().replace("\u2212", "-")
    numbers = [found for rule in _RULES for found in [rule(text)] if found is not None]
    if numbers:
        azimuth, elevation = numbers[0]
        return (float(wrap_degrees(azimuth)), elevation) if abs(azimuth) <= 360 else None
    if vertical := _VERTICAL.search(text):
        return 0.0, -90.0 if vertical[1] in ("below", "down") else 90.0
    azimuth_told = words_azimuth(text)
    return None if azimuth_told is None else (azimuth_told, None)


def _labelled(text: str) -> tuple[float, float | None] | None:
    azimuth = only(map(value_of, re.findall(rf"azimuth[^\d\n+-]{{0,20}}({NUMBER})", text)))
    if azimuth is None:
        return None
    sign = -1.0 if re.search(r"azimuth[^\n]{0,30}\b(to|on) (the|your) right\b", text) and azimuth > 0 else 1.0
    elevation = only(map(value_of, re.findall(rf"elevation[^\d\n+-]{{0,20}}({NUMBER})", text)))
    return sign * azimuth, _height(elevation)


def _sided(text: str) -> tuple[float, float | None] | None:
    found = re.findall(rf"({NUMBER}){_DEGREES}\s*(?:to |on |towards )?(?:the |your |my )?(left|right)\b", text)
    azimuth = only(abs(value_of(number)) * (1 if side == "left" else -1) for number, side in found)
    return None if azimuth is None else (azimuth, None)


def _paired(text: str) -> tuple[float, float | None] | None:
    found = re.findall(rf"({NUMBER})(?:{_DEGREES})?\s*,\s*({NUMBER})(?:{_DEGREES})?(?![\d.])", text)
    if len(found) != 1 or len(re.findall(NUMBER, text)) != 2:
        return None
    return value_of(found[0][0]), _height(value_of(found[0][1]))


def _clock_face(text: str) -> tuple[float, float | None] | None:
    hour = only(float(one) for one in re.findall(r"\b(1[0-2]|[1-9])\s*o['\u2019]?\s*clock", text))
    return None if hour is None else (-30.0 * hour, None)


def _single(text: str) -> tuple[float, float | None] | None:
    numbers = re.findall(NUMBER, text)
    if len(numbers) != 1 or not (re.search(rf"{NUMBER}{_DEGREES}", text) or re.fullmatch(rf"\W*{NUMBER}\W*", text)):
        return None
    return None if "elevation" in text else (value_of(numbers[0]), None)


_RULES: tuple[Callable[[str], tuple[float, float | None] | None], ...] = (
    _labelled, _sided, _paired, _clock_face, _single,
)  # fmt: skip


def _height(elevation: float | None) -> float | None:
    return elevation if elevation is not None and abs(elevation) <= 90 else None


def words_azimuth(text: str) -> float | None:
    """The azimuth of one of the eight octants in words; None where sides contradict each other or none is named."""
    named = [_SIDE[word] for word in _WORDS.findall(re.sub(r"\bright (now|after|before|here|there|away)\b", "", text))]
    x, y = ({one[axis] for one in named} - {0} for axis in (0, 1))
    if not named or len(x) > 1 or len(y) > 1:
        return None
    return math.degrees(math.atan2(max(y, default=0), max(x, default=0)))


def octant_text(azimuth_deg: float) -> str:
    """The name of the octant of an azimuth in degrees, as ``words_azimuth`` reads it."""
    return OCTANTS[round(azimuth_deg / 45.0) % 8]
