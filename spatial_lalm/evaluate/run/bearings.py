"""Directions in free text: degrees, clock faces and sides in words. Fixed rules, nothing is guessed.

A text that gives two different directions, or a number that its own words contradict, gives none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from spatial_lalm.audio.conventions import wrap_degrees
from spatial_lalm.evaluate.run.quantities import NUMBER, only, value_of
from spatial_lalm.evaluate.run.tolerances import middle

Told = tuple[float, float | None]
"""Azimuth and elevation (None where it is not told) in degrees."""

_SIDE = {"front": (1, 0), "ahead": (1, 0), "forward": (1, 0), "back": (-1, 0), "behind": (-1, 0), "rear": (-1, 0),
         "left": (0, 1), "leftward": (0, 1), "right": (0, -1), "rightward": (0, -1)}  # fmt: skip
_WORDS = re.compile(rf"\b(?:({'|'.join(_SIDE)}))s?\b")
_JUST = re.compile(
    r"(?<!the )(?<!your )(?<!my )\bright "
    r"(?=(?:now|after|before|here|there|away|in|at|on|ahead|behind|above|below|next|beside|where|up|down)\b)|"
    r"\b(?:all right|right\?|is that right)"
)
"""Where *right* is no side."""
_DENIED = re.compile(r"(?:\b(?:not|never|neither|rather than|instead of|no)\b|n't\b)[^.,;!?]*")
_VERTICAL = re.compile(r"\b(?:directly|straight|right)\s+(above|below|overhead|up|down)|\b(overhead)\b")
_DEGREES = r"\s*(?:°|º|degrees?|deg\b)"
_ANGLE = re.compile(rf"{NUMBER}{_DEGREES}|azimuth\W+(?:\w+\W+){{0,3}}{NUMBER}")
_HEIGHT = re.compile(rf"elevation[^\d\n+-]{{0,40}}{NUMBER}(?:{_DEGREES})?|{NUMBER}{_DEGREES}\s*(?:up|down|above|below)")
_HOUR = r"(1[0-2]|[1-9])"
_OCLOCK = r"\s*o\s*['\u2019]?\s*clock"
_HOURS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
          "eleven": 11, "twelve": 12}  # fmt: skip
_CLOCKWISE = re.compile(r"(?<!counter)(?<!counter[- ])(?<!anti)(?<!anti[- ])clockwise")


def direction(text: str) -> Told | None:
    """Azimuth and elevation (None where it is not told) in degrees, counter-clockwise from the front and up.

    Numbers go before words: ``azimuth 30``, ``30° to the right`` (-30), ``(30, -10)``, ``at 3 o'clock`` (-90), then
    ``front left`` (45) and the like. A range counts for its middle (``tolerances.middle``).
    """
    text = _plain(text)
    told = next((found for rule in _RULES if (found := rule(text)) is not None), None)
    if told is not None:
        azimuth, elevation = told
        return (float(wrap_degrees(azimuth)), elevation) if abs(azimuth) <= 360 else None
    if _ANGLE.search(_HEIGHT.sub("", text)):
        return None  # numbers that contradict each other or their words
    if vertical := _VERTICAL.search(text):
        return 0.0, -90.0 if vertical[1] in ("below", "down") else 90.0
    azimuth_told = words_azimuth(text)
    return None if azimuth_told is None else (azimuth_told, None)


def words_azimuth(text: str) -> float | None:
    """The azimuth of one of the eight octants in words; None where sides contradict each other or none is named."""
    sides = _sides(text)
    return None if sides is None or sides == (0, 0) else math.degrees(math.atan2(sides[1], sides[0]))


def _sides(text: str) -> tuple[int, int] | None:
    """Front (1) or back (-1) and left (1) or right (-1), 0 where neither is named; None for contradictions."""
    named = [_SIDE[word] for word in _WORDS.findall(_DENIED.sub("", _JUST.sub("", text)))]
    x, y = ({one[axis] for one in named} - {0} for axis in (0, 1))
    return (max(x, default=0), max(y, default=0)) if len(x) < 2 and len(y) < 2 else None


def _plain(text: str) -> str:
    """Small letters, one minus sign, degrees for radians, hours in digits, and middles in the place of ranges."""
    text = text.lower().replace("\u2212", "-")
    text = re.sub(r"\b(?:minus|negative)\s+(?=\d)", "-", text)
    text = re.sub(rf"({NUMBER})\s*rad(?:ians?)?\b", lambda match: f"{math.degrees(value_of(match[1])):.6g}°", text)
    text = re.sub(rf"\b({'|'.join(_HOURS)})(?={_OCLOCK})", lambda match: str(_HOURS[match[1]]), text)
    text = re.sub(rf"\b{_HOUR}(?:{_OCLOCK})?\s*(?:and|to|-|\u2013)\s*{_HOUR}(?={_OCLOCK})", _hours, text)
    text = re.sub(rf"\bbetween\s+({NUMBER})(?:{_DEGREES})?\s+and\s+({NUMBER})({_DEGREES})?", _middle, text)
    return re.sub(
        rf"(?<![\w.,-])(?<!from )({NUMBER})(?:{_DEGREES})?\s*(?:to\s+|[-\u2013\u2014]\s*)(\d+(?:\.\d+)?)({_DEGREES})",
        _middle,
        text,
    )


def _middle(match: re.Match[str]) -> str:
    """The middle of a range of degrees; nothing that reads as a number where it is too wide."""
    low, high = sorted(map(value_of, match.groups()[:2]))
    centre = middle(low, high, "azimuth")
    return "a wide range" if centre is None else f"{centre:g}°"


def _hours(match: re.Match[str]) -> str:
    first, last = (int(one) for one in match.groups())
    return f"{(first + last) / 2:g}" if last - first == 1 else "a wide range"


# ---------------------------------------------------------------- rules for numbers


def _labelled(text: str) -> Told | None:
    between = r"(?:(?!elevation|azimuth)(?:[^\d\n+-]|-(?!\d))){0,40}"
    found = list(re.finditer(rf"azimuth{between}({NUMBER})", text))
    azimuth = only(value for match in found if (value := _oriented(match, text)) is not None)
    if azimuth is None or len({match[1] for match in found}) > 1:
        return None
    return azimuth, _height(only(map(value_of, re.findall(rf"elevation{between}({NUMBER})", text))))


def _sided(text: str) -> Told | None:
    found = list(
        re.finditer(rf"({NUMBER}){_DEGREES}\s*(?:(?:off )?(?:to|on|towards) )?(?:the |your |my )?(left|right)\b", text)
    )
    azimuth = only(abs(value_of(match[1])) * (1 if match[2] == "left" else -1) for match in found)
    if azimuth is None or _fitting((azimuth,), _sides(_sentence(found[0], text))) is None:
        return None
    return azimuth, None


def _paired(text: str) -> Told | None:
    found = list(re.finditer(rf"({NUMBER})(?:{_DEGREES})?\s*,\s*({NUMBER})(?:{_DEGREES})?(?![\d.])", text))
    if len(found) != 1 or len(re.findall(NUMBER, text)) != 2:
        return None
    azimuth = _oriented(found[0], text)
    return None if azimuth is None else (azimuth, _height(value_of(found[0][2])))


def _clock_face(text: str) -> Told | None:
    hour = only(float(one) for one in re.findall(rf"(?<![\w:])((?:1[0-2]|[1-9])(?:\.5)?){_OCLOCK}", text))
    return None if hour is None else (-30.0 * hour, None)


def _single(text: str) -> Told | None:
    numbers = list(re.finditer(rf"({NUMBER})", text))
    if len(numbers) != 1 or not (re.search(rf"{NUMBER}{_DEGREES}", text) or re.fullmatch(rf"\W*{NUMBER}\W*", text)):
        return None
    azimuth = None if "elevation" in text else _oriented(numbers[0], text)
    return None if azimuth is None else (azimuth, None)


_RULES: tuple[Callable[[str], Told | None], ...] = (_labelled, _sided, _paired, _clock_face, _single)


def _oriented(match: re.Match[str], text: str) -> float | None:
    """The azimuth that the first group of a match says, with the sign that the words of its sentence give it."""
    value, sentence = value_of(match[1]), _sentence(match, text)
    if match[1][0] in "+-":
        return _fitting((value,), _sides(sentence))
    if _CLOCKWISE.search(sentence):
        return _fitting((-value,), _sides(sentence))
    return _fitting((value,) if "clockwise" in sentence else (value, -value), _sides(sentence))


def _sentence(match: re.Match[str], text: str) -> str:
    """The sentence that a match stands in."""
    start = max((end.end() for end in re.finditer(r"[.;!?]\s|\n", text[: match.start()])), default=0)
    end = re.search(r"[.;!?](?:\s|$)|\n", text[match.end() :])
    return text[start : match.end() + end.start()] if end else text[start:]


def _fitting(azimuths: tuple[float, ...], sides: tuple[int, int] | None) -> float | None:
    """The first of some azimuths that lies on the named sides, or within 15° of them; of contradictory sides any."""
    if sides is None:
        return azimuths[0]
    for slack in (1e-9, math.sin(math.radians(15.0))):
        for azimuth in azimuths:
            x, y = math.cos(math.radians(azimuth)), math.sin(math.radians(azimuth))
            if x * sides[0] >= -slack and y * sides[1] >= -slack:
                return azimuth
    return None


def _height(elevation: float | None) -> float | None:
    return elevation if elevation is not None and abs(elevation) <= 90 else None
