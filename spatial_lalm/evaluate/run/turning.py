"""The same item in a mirrored or turned sound field: what its question and its truth become."""

from __future__ import annotations

import re
from dataclasses import replace

from spatial_lalm.audio.conventions import wrap_degrees
from spatial_lalm.evaluate.benchmark import Choice, Direction, Item, YesNo
from spatial_lalm.evaluate.run.bearings import words_azimuth

_SIDES = re.compile(r"\b(left|right)", re.IGNORECASE)


def mirrored(item: Item) -> Item | None:
    """The item for a field whose left and right are exchanged; None where its answer says nothing of sides.

    A direction changes its sign. The right option becomes the one that says the other side; where there is none, left
    and right change places in the question and in all options, and so they do in a question of yes or no.
    """
    match item.truth:
        case Direction(azimuth_deg=azimuth, elevation_deg=elevation):
            return replace(_worded(item), truth=Direction(float(wrap_degrees(-azimuth)), elevation))
        case Choice(options=options, right=right):
            if _SIDES.search(item.question):
                return replace(_worded(item), truth=Choice(tuple(map(swapped, options)), right))
            if not any(map(_SIDES.search, options)):
                return None
            other = swapped(options[right])
            if other in options:
                return replace(item, truth=Choice(options, options.index(other)))
            return replace(item, truth=Choice(tuple(map(swapped, options)), right))
        case YesNo() if _SIDES.search(item.question):
            return _worded(item)
    return None


def turned(item: Item, yaw_deg: float) -> Item | None:
    """The item for a field turned counter-clockwise; None where its truth cannot be turned with it.

    Of choices those whose options are all octants in words, and hold the turned one.
    """
    match item.truth:
        case Direction(azimuth_deg=azimuth, elevation_deg=elevation) if not _SIDES.search(item.question):
            return replace(item, truth=Direction(float(wrap_degrees(azimuth + yaw_deg)), elevation))
        case Choice(options=options, right=right) if not _SIDES.search(item.question):
            azimuths = [words_azimuth(option.lower()) for option in options]
            own = azimuths[right]
            if own is None or any(one is None for one in azimuths):
                return None
            due = [one is not None and abs(float(wrap_degrees(one - own - yaw_deg))) < 1.0 for one in azimuths]
            return replace(item, truth=Choice(options, due.index(True))) if sum(due) == 1 else None
    return None


def options_rotated(item: Item, steps: int) -> Item | None:
    """The item with its options moved by so many places; None for one that has no so many."""
    if not isinstance(item.truth, Choice) or not 0 < steps < len(item.truth.options):
        return None
    options, right = item.truth.options, item.truth.right
    return replace(item, truth=Choice((*options[-steps:], *options[:-steps]), (right + steps) % len(options)))


def swapped(text: str) -> str:
    """A text with left and right exchanged, capitals kept."""
    return _SIDES.sub(
        lambda match: _OTHER[match[0].lower()] if match[0].islower() else _OTHER[match[0].lower()].title(), text
    )


_OTHER = {"left": "right", "right": "left"}


def _worded(item: Item) -> Item:
    return replace(item, question=swapped(item.question))
