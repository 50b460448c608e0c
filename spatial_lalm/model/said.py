"""What a sentence of the language model says: its kind of answer and the class that it is about."""

from __future__ import annotations

import re

from spatial_lalm.audio.wording import NAMES, spoken_name

_FORMS: tuple[tuple[str, str], ...] = (
    ("reverberation", r"T60"),
    ("drr", r"direct-to-reverberant"),
    ("clarity", r"C50"),
    ("room_size", r"^The room is"),
    ("count_at_once", r"^At most \d+"),
    ("count_in_all", r"^There (is|are) \d+"),
    ("mono_direction", r"^A mono recording"),
    ("how_far", r"\d m away|distances"),
    ("where", r"\bcomes? from\b|\bmoves? from\b|places|[ ;,] ?from (the|directly|above|below|straight)|azimuth"),
    ("when", r"from \d+\.\d s to"),
    ("what", r"^I hear "),
)
"""Kinds of answer by what only their canonical sentences say, in the order to try."""


def kind_said(text: str) -> str | None:
    """The kind of answer that a sentence gives; None for no canonical one."""
    return next((kind for kind, pattern in _FORMS if re.search(pattern, text)), None)


def named_label(text: str) -> str | None:
    """The first class that a sentence names; None if it names none."""
    places = {label: _position(text.lower(), spoken_name(label)) for label in NAMES}
    found = {label: place for label, place in places.items() if place is not None}
    return min(found, key=lambda label: (found[label], -len(spoken_name(label)))) if found else None


def _position(text: str, name: str) -> int | None:
    match = re.search(rf"\b{re.escape(name)}\b", text)
    return match.start() if match else None


def lists_several(text: str) -> bool:
    """Whether a sentence tells of several classes, as canonical lists do: with semicolons after "I hear"."""
    return text.startswith("I hear ") and not text.startswith("I hear it") and ";" in text
