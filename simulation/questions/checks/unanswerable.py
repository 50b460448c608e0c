"""Second derivation of answers that decline: that what is asked for is really not to be had."""

from __future__ import annotations

import re

from spatial_lalm.audio.wording import NAMES
from spatial_lalm.simulation.questions.checks import oracle, rooms
from spatial_lalm.simulation.questions.kind import Asked

_ORDINAL = re.compile(r"the (first|second|third) (?:stretch of )?(.+)")


def _heard(asked: Asked, text: str) -> tuple[str | None, list[int]]:
    """The class that a name with or without an ordinal means, and its events."""
    found = _ORDINAL.fullmatch(text)
    label = oracle.label_of(asked.scene, found[2] if found else text)
    return label, oracle.members(asked.scene, label)


def _denies(asked: Asked, label: str | None) -> bool:
    """Whether the answer denies just this class, and the scene has none of it."""
    told = re.fullmatch(r"I hear no (.+) in this recording\.", asked.answer)
    if oracle.covered(asked.scene, label):
        return False
    return bool(told) and label == asked.label and label is not None and told is not None and told[1] == NAMES[label][0]


def absent(asked: Asked) -> set[int] | None:
    """Judge ``I hear no dog bark in this recording.``."""
    label, members = _heard(asked, asked.slots["x"])
    return set() if not members and _denies(asked, label) else None


def absent_pair(asked: Asked) -> set[int] | None:
    """``I hear no dog bark in this recording.``, of two sounds asked about."""
    both = [_heard(asked, asked.slots[gap]) for gap in ("x", "y")]
    missing = [label for label, members in both if not members]
    there = {index for gap in ("x", "y") if (index := oracle.one(asked.scene, asked.slots[gap])) is not None}
    return there if len(missing) == 1 and len(there) == 1 and _denies(asked, missing[0]) else None


def false_ordinal(asked: Asked) -> set[int] | None:
    """Judge ``I hear the dog bark only once.``."""
    found = _ORDINAL.fullmatch(asked.slots["x"])
    told = re.fullmatch(r"I hear (the .+) only (once|twice)\.", asked.answer)
    if not found or not told:
        return None
    label, members = _heard(asked, found[2])
    number = {"once": 1, "twice": 2}[told[2]]
    asked_for = ("first", "second", "third").index(found[1]) + 1
    right = label == asked.label == oracle.label_of(asked.scene, told[1]) and len(members) == number < asked_for
    return set(members) if right else None


def beyond_sound(asked: Asked) -> set[int] | None:
    """That sound does not tell what is asked; the sound asked about is there."""
    label, members = _heard(asked, asked.slots["x"])
    starts = asked.answer.startswith("I cannot tell that from the sound. I can tell what sounds, where, how far,")
    whole = asked.answer.endswith(" when, how many, and the room.") and asked.answer.count(".") == 2
    return set() if starts and whole and members and label == asked.label else None


def _present(asked: Asked) -> bool:
    index = oracle.one(asked.scene, asked.slots["x"])
    return index is not None and asked.scene.events[index].label == asked.label


def direction_in_mono(asked: Asked) -> set[int] | None:
    """That mono carries no direction."""
    told = re.fullmatch(
        r"A mono recording carries no direction, so I cannot tell where the (.+?) comes? from\.", asked.answer
    )
    right = told and oracle.label_of(asked.scene, told[1]) == asked.label and _present(asked)
    return set() if right else None


def height_in_planar(asked: Asked) -> set[int] | None:
    """That the channels carry no height."""
    return set() if _present(asked) and asked.answer == "Height cannot be told from these channels." else None


def front_in_lateral(asked: Asked) -> set[int] | None:
    """That the channels tell left and right alone."""
    text = "Front or back and height cannot be told from these channels."
    return set() if _present(asked) and asked.answer == text else None


def t60_outdoors(asked: Asked) -> set[int] | None:
    """That there is no reverberation time outdoors."""
    text = "This was recorded outdoors, so there is no reverberation to measure."
    return set() if rooms.open_air(asked.scene) and asked.answer == text else None


def size_outdoors(asked: Asked) -> set[int] | None:
    """That there is no room outdoors."""
    text = "This was recorded outdoors, so there is no room."
    return set() if rooms.open_air(asked.scene) and asked.answer == text else None
