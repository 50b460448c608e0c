"""Truths from the answers of question files: options, yes or no, numbers with their unit, spans, words."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from spatial_lalm.audio.conventions import wrap_degrees
from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.benchmark import Choice, Decline, Direction, Number, Span, Truth, Words, YesNo
from spatial_lalm.evaluate.choices import choice_index
from spatial_lalm.evaluate.item_json import QUANTITIES
from spatial_lalm.evaluate.readers.rows import Row

LETTER = re.compile(r"[(<\[]?([A-Za-z])[)>\].:]?")
DECLINES = re.compile(
    r"(not answerable|unanswerable|(it )?cannot be (determined|told|answered)|not enough information)\.?"
)
AMOUNT = re.compile(r"(?P<value>[-+]?\d+(?:\.\d+)?)\s*(?P<unit>m|metres?|meters?|s|seconds?|db|m3|m³)?\.?")
UNITS = {"m": "distance", "s": "time", "d": "", "": ""}
LONGEST_S = QUANTITIES["time"][1]
QUANTITY_OF = (
    ("dist", "distance"), ("how far", "distance"), ("t60", "t60"), ("reverberation time", "t60"), ("drr", "drr"),
    ("c50", "c50"), ("volume", "volume"), ("count", "count"), ("how many", "count"), ("number of", "count"),
    ("duration", "time"), ("when", "time"), ("onset", "time"), ("how long", "time"),
)  # fmt: skip
"""Words of a task or question that tell what a bare number is."""


def choice(row: Row, options: object, answer: str, letters: bool = False) -> Choice:
    """One of several options; ``answer`` is its words or (first, with ``letters``) its letter.

    Empty options after the last are none: some files keep four columns for two. ``FileProblem``: an answer that is
    none of them, fewer than two options.
    """
    if isinstance(options, Mapping):  # {"A": ..., "B": ...}
        options = [options[key] for key in sorted(options)]
    if not isinstance(options, Sequence) or isinstance(options, str):
        raise row.problem(f"options must be a list, not {type(options).__name__}")
    texts = ["" if one is None else str(one).strip() for one in options]
    while texts and not texts[-1]:
        texts.pop()
    letter = LETTER.fullmatch(answer.strip())
    place = ord(letter[1].upper()) - ord("A") if letter else -1
    if letters and 0 <= place < len(texts) >= 2:
        return Choice(tuple(texts), choice_place(row, texts, texts[place]))
    return Choice(tuple(texts), choice_place(row, texts, answer))


def choice_place(row: Row, texts: Sequence[str], answer: str) -> int:
    """The place of the right option, of those that read alike the first."""
    try:
        return choice_index(answer, texts)
    except InputError as error:
        raise row.problem(str(error)) from error


def direction(row: Row, azimuth_deg: object, elevation_deg: object = None) -> Direction:
    """A direction in degrees, azimuth counter-clockwise from the front; ``FileProblem`` outside the sphere."""
    told = Row(row.path, row.number, {"azimuth": azimuth_deg, "elevation": elevation_deg})
    azimuth = told.amount(-360.0, 360.0, "degrees", "azimuth")
    elevation = None if elevation_deg is None else told.amount(-90.0, 90.0, "degrees", "elevation")
    # Wrapping rounds, so what lies inside stays as it was written.
    return Direction(azimuth if -180 < azimuth <= 180 else float(wrap_degrees(azimuth)), elevation)


def span(row: Row, parts: Sequence[Sequence[object]]) -> Span:
    """Spans in seconds; ``FileProblem`` for one that ends before it starts, or lasts more than a day."""
    found = []
    for part in parts:
        if not isinstance(part, Sequence) or len(part) != 2:
            raise row.problem(f"span {part!r} must be a start and an end in seconds")
        told = Row(row.path, row.number, {"start": part[0], "end": part[1]})
        start, end = (told.amount(0.0, LONGEST_S, "s", name) for name in ("start", "end"))
        if start > end:
            raise row.problem(f"span {start:g} to {end:g} s ends before it starts")
        found.append((start, end))
    if not found:
        raise row.problem("span is empty: whether nothing was heard or it was left out, none can tell", "empty")
    return Span(tuple(found))


def free(row: Row, answer: Any, about: str, options: object = None) -> Truth:
    """The truth of an answer of any form; ``about`` (task and question) tells what a bare number is.

    Objects are told by their keys: ``azimuth_deg`` and ``elevation_deg``, ``distance_m``, ``start_s`` and ``end_s``,
    ``count``. Lists of two numbers, or of pairs, are spans in seconds.
    """
    if options:
        return choice(row, options, str(answer), letters=True)
    if isinstance(answer, bool):
        return YesNo(answer)
    if isinstance(answer, Mapping):
        return _object(row, answer)
    if isinstance(answer, list):
        pairs = [answer] if len(answer) == 2 and all(isinstance(one, int | float) for one in answer) else answer
        return span(row, pairs)
    if answer is None or not str(answer).strip():
        raise row.problem("the answer is empty: it says nothing that could be scored", "empty")
    return _said(row, str(answer).strip(), about.lower())


def _said(row: Row, text: str, about: str) -> Truth:
    if text.rstrip(".").lower() in ("yes", "no"):
        return YesNo(text.lower().startswith("yes"))
    if DECLINES.fullmatch(text.lower()):
        return Decline()
    if amount := AMOUNT.fullmatch(text.lower()):
        unit = amount["unit"] or ""
        known = {"db": "drr" if "drr" in about else "c50", "m3": "volume", "m³": "volume"}
        quantity = known.get(unit) or UNITS[unit[:1]] or next((q for word, q in QUANTITY_OF if word in about), "")
        if quantity:
            return number(row, quantity, amount["value"])
    spoken = any(word in about for word in ("transcri", "speech recognition", "asr"))
    return Words((text,), transcript=spoken)


def _object(row: Row, answer: Mapping[str, Any]) -> Truth:
    if "azimuth_deg" in answer:
        return direction(row, answer["azimuth_deg"], answer.get("elevation_deg"))
    if "distance_m" in answer:
        return number(row, "distance", answer["distance_m"])
    if {"start_s", "end_s"} <= answer.keys():
        return span(row, [(answer["start_s"], answer["end_s"])])
    if "count" in answer:
        return number(row, "count", answer["count"])
    raise row.problem(f"an answer with {', '.join(sorted(answer)) or 'no keys'} is of no known kind")


def number(row: Row, quantity: str, value: object) -> Number:
    """A quantity inside its limits; ``FileProblem`` otherwise."""
    low, high, unit = QUANTITIES[quantity]
    return Number(quantity, Row(row.path, row.number, {quantity: value}).amount(low, high, unit, quantity))


def facts(**values: object) -> dict[str, float]:
    """Those of the values that are finite numbers."""
    found = {}
    for name, value in values.items():
        try:
            number_of = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            continue
        if math.isfinite(number_of):
            found[name] = number_of
    return found
