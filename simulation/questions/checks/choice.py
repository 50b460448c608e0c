"""Second derivation of multiple choices: ``answer`` is the text of one option, right or wrong."""

from __future__ import annotations

import math
import re

from spatial_lalm.simulation.questions.checks import oracle, places, talkers
from spatial_lalm.simulation.questions.checks.motion import which_way_option as way
from spatial_lalm.simulation.questions.checks.motion import who_moves
from spatial_lalm.simulation.questions.checks.places import nearest
from spatial_lalm.simulation.questions.checks.places import octant_option as octant
from spatial_lalm.simulation.questions.checks.rooms import reverberation_option as reverberation
from spatial_lalm.simulation.questions.checks.rooms import size_option as size
from spatial_lalm.simulation.questions.checks.talkers import speaker_place_option as speaker_place
from spatial_lalm.simulation.questions.checks.times import extreme, longest, order
from spatial_lalm.simulation.questions.kind import Asked

__all__ = [
    "choose_angle",
    "choose_count",
    "choose_on_side",
    "choose_part",
    "choose_range",
    "choose_talkers",
    "extreme",
    "longest",
    "nearest",
    "octant",
    "order",
    "reverberation",
    "size",
    "speaker_place",
    "way",
    "who_moves",
]

_QUARTERS = ("first", "second", "third", "last")


def _between(text: str, unit: str, value: float) -> bool:
    """Whether a value lies in ``less than 1 m``, ``from 1 m to 2 m`` or ``more than 4 m``."""
    inner = re.fullmatch(rf"from (\d+){unit} to (\d+){unit}", text)
    if inner:
        return int(inner[1]) <= value < int(inner[2])
    outer = re.fullmatch(rf"(less|more) than (\d+){unit}", text)
    return bool(outer) and outer is not None and (value < int(outer[2])) == (outer[1] == "less")


def choose_range(asked: Asked) -> set[int] | None:
    """``from 1 m to 2 m``."""
    index = oracle.one(asked.scene, asked.slots["x"])
    if index is None:
        return None
    return {index} if _between(asked.answer, " m", math.hypot(*oracle.place(asked.scene.events[index]))) else None


def choose_angle(asked: Asked) -> set[int] | None:
    """``from 40° to 80°``."""
    found = places.pair(asked)
    if found is None:
        return None
    a, b = (oracle.unit(asked.scene.events[index]) for index in found)
    return set(found) if _between(asked.answer, "°", oracle.between(a, b)) else None


def choose_count(asked: Asked) -> set[int] | None:
    """``2``."""
    kinds = len({event.label for event in asked.scene.events})
    return set(range(len(asked.scene.events))) if asked.answer == f"{kinds}" else None


def choose_talkers(asked: Asked) -> set[int] | None:
    """``2``."""
    turns = talkers.lettered(asked.scene)
    every = {index for members in turns.values() for index in members}
    return every if asked.answer == f"{len(turns)}" else None


def choose_part(asked: Asked) -> set[int] | None:
    """``the second quarter``."""
    index = oracle.one(asked.scene, asked.slots["x"])
    found = re.fullmatch(r"the (\w+) quarter", asked.answer)
    if index is None or not found or found[1] not in _QUARTERS:
        return None
    share = asked.scene.events[index].onset_s / asked.scene.duration_s
    return {index} if 0 <= 4 * share - _QUARTERS.index(found[1]) < 1 else None


def choose_on_side(asked: Asked) -> set[int] | None:
    """``the dog bark``, the only one on a side."""
    side, told = asked.slots["side"], oracle.one(asked.scene, asked.answer)
    there = [n for n, event in enumerate(asked.scene.events) if side in oracle.SIDES and oracle.is_on(event, side)]
    return {told} if told is not None and there == [told] else None
