"""Numbers in free text: amounts with their unit, counts, times and spans. Fixed rules, nothing is guessed.

A text that says two different things of the asked kind says nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator

from spatial_lalm.evaluate.run.tolerances import middle

NUMBER = r"[-+\u2212]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?)"
_WORDS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
_COUNTED = {word: number for number, word in enumerate(_WORDS)} | {
    "once": 1, "single": 1, "twice": 2, "couple": 2, "pair": 2, "thrice": 3, "dozen": 12, "none": 0, "nobody": 0,
}  # fmt: skip
UNITS: dict[str, dict[str, float]] = {
    "m": {r"m|met(?:re|er)s?": 1.0, r"cm|centimet(?:re|er)s?": 0.01, r"mm|millimet(?:re|er)s?": 0.001,
          r"km|kilomet(?:re|er)s?": 1000.0, r"ft|foot|feet": 0.3048, r"inch(?:es)?": 0.0254, r"yards?|yd": 0.9144},
    "s": {r"s|secs?|seconds?": 1.0, r"ms|msecs?|milliseconds?": 0.001, r"mins?|minutes?": 60.0,
          r"h|hrs?|hours?": 3600.0},
    "dB": {r"db|decibels?": 1.0},
    "m3": {
        r"m\^?3|m³|cubic met(?:re|er)s?": 1.0,
        r"l|lit(?:re|er)s?": 0.001,
        r"ft\^?3|ft³|cubic f(?:ee|oo)t": 0.0283168,
    },
}  # fmt: skip
"""Spellings of units with their worth; the first of a table is the one that a bare number has."""
UNIT_OF = {
    "distance": "m", "dimension": "m", "time": "s", "t60": "s", "drr": "dB", "c50": "dB", "volume": "m3", "count": "",
}  # fmt: skip
_ANY_UNIT = "|".join(spelling for table in UNITS.values() for spelling in table)
_MEASURED = rf"\s*-?\s*(?:(?:{_ANY_UNIT}|deg|degrees?|k?hz|hertz|percent|o'?clock|rad|radians?)\b|[°º%])"
"""A unit behind a number: such a number is no count, and no amount of another quantity."""
_LABEL = (
    r"\b(?:azimuth|elevation|angle|sound|source|speaker|talker|voice|event|person|channel|number|frame|#)\b[\s:#=]*"
)
"""What stands before a number that is a name or an angle."""
_CLOCK = r"\d{1,3}:\d{2}(?::\d{2})?(?:\.\d+)?"
_MOMENT = rf"(?:{_CLOCK}|{NUMBER})\s*(?:s|secs?|seconds?)?"
_SPAN = re.compile(
    rf"(?:from|between)?\s*\[?\s*(?P<start>{_MOMENT})\s*"
    rf"(?:to|until|till|and|-|\u2013|\u2014|,)\s*(?P<end>{_MOMENT})(?!\w)",
    re.IGNORECASE,
)
_TO = r"[^\d\n]{0,40}?"
_FROM_TO = re.compile(
    rf"\b(?:start|begin|onset){_TO}(?P<start>{_MOMENT}){_TO}\b(?:end|stop|finish|last\w* until|until|offset){_TO}"
    rf"(?P<end>{_MOMENT})(?!\w)",
    re.IGNORECASE,
)
_LASTING = re.compile(
    rf"(?P<start>{_MOMENT}){_TO}\b(?:for|lasts|lasting|duration){_TO}(?P<length>{_MOMENT})(?!\w)", re.IGNORECASE
)
_SPOKEN = re.compile(
    rf"\b(?:(?P<half>half an?)|(?P<whole>{'|'.join(_WORDS)})(?P<more>\s+and\s+a\s+half)?)\s+(?=(?:{_ANY_UNIT})\b)",
    re.IGNORECASE,
)
_COMPOUND = re.compile(
    r"(?<![\w.])(?:(\d+)\s*(?:h|hrs?|hours?)[\s,]*(?:and\s+)?)?(\d+)\s*(?:m|mins?|minutes?)[\s,]*(?:and\s+)?"
    r"(\d+(?:\.\d+)?)\s*(?:s|secs?|seconds?)\b|"
    r"(?<![\w.])(\d+)\s*(?:h|hrs?|hours?)[\s,]*(?:and\s+)?(\d+)\s*(?:m|mins?|minutes?)\b",
    re.IGNORECASE,
)
_BOUND = re.compile(
    rf"(?<!slightly )(?<!just )(?<!little )(?<!bit )\b(?:(?:less|more|fewer|greater|longer|shorter|larger|smaller|"
    rf"farther|further|closer|nearer) than|at (?:least|most)|over|under|above|below|beyond|up to|within)\s+(?:\w+\s+)?"
    rf"(?:{NUMBER}|(?:{'|'.join(_COUNTED)})\b)|[<>\u2264\u2265]=?\s*{NUMBER}",
    re.IGNORECASE,
)
_ZERO = re.compile(
    r"\b(?:there (?:is|are|was|were)|i (?:can )?(?:hear|heard|detect|find)) no(?:thing|ne)?\b"
    r"(?! (?:way|information|evidence|context|data|cues?|telling|doubt|question)\b)|"
    r"\bno(?:body| one)\b|^no(?: \w+){1,2}\.?$"
)


def value_of(text: str) -> float:
    """A number as written: commas before three digits each group them, another is a decimal one; any minus sign."""
    text = text.replace("\u2212", "-")
    grouped = re.fullmatch(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?", text)
    return float(text.replace(",", "") if grouped else text.replace(",", "."))


def only(found: Iterable[float]) -> float | None:
    """The one value that was found, however often; None for none and for different ones."""
    distinct = list(dict.fromkeys(found))
    return distinct[0] if len(distinct) == 1 else None


def is_bound(text: str) -> bool:
    """Whether a text only says what an amount is above or below: ``more than 3 m``; ``just over 3 m`` is an amount."""
    return _BOUND.search(text) is not None


def is_measured(text: str) -> bool:
    """Whether a text has a number with a unit."""
    return re.search(rf"(?<!\w){NUMBER}{_MEASURED}", in_digits(text), re.IGNORECASE) is not None


# ---------------------------------------------------------------- amounts


def amount(text: str, quantity: str) -> float | None:
    """A quantity of ``UNIT_OF`` in metres, seconds, dB, m³ or as a count.

    With its unit, first in the SI one, then in others; a range for its middle (``tolerances.middle``); a number with no
    unit only where it ends a sentence and the text has no other.
    """
    text = in_digits(text)
    if quantity == "count":
        return _count(text)
    if (
        quantity in ("time", "t60")
        and (clock := only(map(clock_s, re.findall(rf"(?<![\d:]){_CLOCK}", text)))) is not None
    ):
        return clock
    for spelling, worth in UNITS[UNIT_OF[quantity]].items():
        ranges, rest = _ranges(text, spelling, quantity)
        single = re.findall(rf"(?<![\w.,])({NUMBER})\s*-?\s*(?:{spelling})(?![\w³^/])", rest, re.IGNORECASE)
        if found := [*ranges, *(value_of(one) * worth for one in single)]:
            return only(math.nan if one is None else one for one in found) if None not in found else None
    return _bare(text, quantity)


def _ranges(text: str, spelling: str, quantity: str) -> tuple[list[float | None], str]:
    """The middles of all ranges in a unit (None for one too wide), and the text without them."""
    worth = UNITS[UNIT_OF[quantity]][spelling]
    unit = rf"\s*(?:{spelling})"
    pattern = re.compile(
        rf"(?<![\w.,])(?:between\s+(?P<a>{NUMBER})(?:{unit})?\s+and\s+(?P<b>{NUMBER})|"
        rf"(?<!from )(?P<c>{NUMBER})(?:{unit})?\s*(?:to\s+(?P<d>{NUMBER})|"
        rf"[-\u2013\u2014]\s*(?P<e>\d+(?:[.,]\d+)?))){unit}(?![\w³^/])",
        re.IGNORECASE,
    )
    found: list[float | None] = []
    for match in pattern.finditer(text):
        low, high = sorted(value_of(one) * worth for one in match.groupdict().values() if one is not None)
        told = quantity == "time" and match["a"] is None  # a span, not a doubt
        found.append(None if told else middle(low, high, quantity))
    return found, pattern.sub(" ", text)


def _bare(text: str, quantity: str) -> float | None:
    """The only number of a text, at the end of a sentence; or the middle of the only range."""
    if span := re.fullmatch(rf"\W*(?:between\s+)?({NUMBER})\s*(?:to|and|[-\u2013\u2014])\s*(\d+(?:[.,]\d+)?)\W*", text):
        low, high = sorted(map(value_of, span.groups()))
        return None if quantity == "time" else middle(low, high, quantity)
    numbers = list(re.finditer(rf"(?<![\w.,]){NUMBER}(?![\w:])", text))
    if len({match[0] for match in numbers}) != 1:
        return None
    before, after = text[: numbers[0].start()], text[numbers[0].end() :]
    named = re.search(rf"{_LABEL}(?:is|of)?\s*$", before, re.IGNORECASE)
    ends = re.match(r"""\s*(?:$|[.,;:!?)\]}"'\n]|\(|away\b|from\b|or so\b|here\b)""", after)
    return value_of(numbers[0][0]) if ends and not named else None


def _count(text: str) -> float | None:
    """Digits, or else words, that count: no ordinals, units, names of sounds or numbers of a list."""
    text = text.lower()
    unlisted = re.sub(r"(?m)^\s*\(?\d+[.)](?=\s+\S)", " ", text)
    for said in dict.fromkeys((unlisted, text)):
        said = re.sub(rf"{_LABEL}\d+\b", " ", said)
        digits = [
            value_of(match[0])
            for match in re.finditer(rf"(?<![\w.:,]){NUMBER}(?![\w:]|[.,]\d)", said)
            if not re.match(_MEASURED, said[match.end() :])
        ]
        counted = re.sub(
            r"\b(?:at once|no one|(?:first|second|third|last|other|this|that|each|every|which|any|the|another) one)\b",
            " ",
            said,
        )
        if found := digits or [float(_COUNTED[word]) for word in re.findall(r"[a-z]+", counted) if word in _COUNTED]:
            whole = only(found)
            return whole if whole is not None and whole.is_integer() and whole >= 0 else None
    return 0.0 if _ZERO.search(text) else None


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


def in_digits(text: str) -> str:
    """Amounts in words as digits (``two and a half metres``), hours and minutes with seconds as seconds, no ``±``."""
    text = text.replace("\u2212", "-")
    text = re.sub(r"\b(?:minus|negative)\s+(?=\d)", "-", text, flags=re.IGNORECASE)
    text = re.sub(
        rf"\s*(?:±|\+/-|\+-|plus or minus)\s*{NUMBER}(?:\s*(?:{_ANY_UNIT})\b)?", "", text, flags=re.IGNORECASE
    )
    return _COMPOUND.sub(_compound_s, _SPOKEN.sub(_spoken, text))


def _spoken(match: re.Match[str]) -> str:
    whole = 0 if match["whole"] is None else _COUNTED[match["whole"].lower()]
    return f"{whole + (0.5 if match['half'] or match['more'] else 0):g} "


def _compound_s(match: re.Match[str]) -> str:
    hours, minutes, seconds, hours_alone, minutes_alone = (float(one or 0) for one in match.groups())
    return f"{3600 * (hours + hours_alone) + 60 * (minutes + minutes_alone) + seconds:g} s"


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


def _in_seconds(text: str) -> str:
    """Moments in minutes, hours or milliseconds as seconds; a unit behind a pair is that of both."""
    text = in_digits(text)
    for spelling, worth in list(UNITS["s"].items())[1:]:

        def seconds(match: re.Match[str], worth: float = worth) -> str:
            return f"{value_of(match[1]) * worth:g} s"

        first = rf"(?<![\w.,:])({NUMBER})(?=\s*(?:to|and|until|-|\u2013)\s*{NUMBER}\s*(?:{spelling})\b)"
        for pattern in (first, rf"(?<![\w.,:])({NUMBER})\s*(?:{spelling})\b"):
            text = re.sub(pattern, seconds, text, flags=re.IGNORECASE)
    return text


def spans_s(text: str) -> tuple[tuple[float, float], ...]:
    """Spans such as ``from 1.5 s to 3 s``, ``0:05-0:10``, ``[2.0, 4.5]``, ``starts at 2 s and ends at 5 s``.

    None that end before they start.
    """
    text = _in_seconds(text)
    found = list(_pairs(text))
    return tuple((start, end) for start, end in found if 0 <= start <= end)


def _pairs(text: str) -> Iterator[tuple[float, float]]:
    """Starts and ends by the first pattern that fits anywhere."""
    for pattern in (_SPAN, _FROM_TO):
        if matches := list(pattern.finditer(text)):
            yield from ((_moment_s(match["start"]), _moment_s(match["end"])) for match in matches)
            return
    for match in _LASTING.finditer(text):
        start = _moment_s(match["start"])
        yield start, start + _moment_s(match["length"])
