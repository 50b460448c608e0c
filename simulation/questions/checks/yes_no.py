"""Second derivation of answers by yes or no."""

from __future__ import annotations

import re

from spatial_lalm.simulation.questions.checks import motion, oracle, rooms, talkers
from spatial_lalm.simulation.questions.checks.hops import end_of
from spatial_lalm.simulation.questions.checks.places import LESS, MORE, amount, exceeds, pair
from spatial_lalm.simulation.questions.kind import Asked


def says(asked: Asked, truth: bool, evidence: set[int]) -> set[int] | None:
    """The evidence, if the answer is the one word that is true."""
    return evidence if asked.answer == ("Yes." if truth else "No.") else None


def is_there(asked: Asked) -> set[int] | None:
    """Whether a class sounds."""
    label = oracle.label_of(asked.scene, asked.slots["a"])
    members = set(oracle.members(asked.scene, label))
    certain = label and (members or not oracle.covered(asked.scene, label))
    return says(asked, bool(members), members) if certain else None


def is_on_side(asked: Asked) -> set[int] | None:
    """Whether a sound is on a side."""
    index, side = oracle.one(asked.scene, asked.slots["x"]), asked.slots["side"]
    if index is None or side not in oracle.SIDES:
        return None
    return says(asked, oracle.is_on(asked.scene.events[index], side), {index})


def _beyond(asked: Asked, value: float, limit: str, words: tuple[str, str]) -> bool | None:
    number = re.fullmatch(r"(\d+(?:\.\d+)?)(?: (?:metre|second)s?)?", limit)
    if asked.slots["rank"] not in words or not number or not value > 0:
        return None
    return value > float(number[1]) if asked.slots["rank"] == words[0] else value < float(number[1])


def is_within(asked: Asked) -> set[int] | None:
    """Whether a sound is nearer or farther than a limit."""
    index = oracle.one(asked.scene, asked.slots["x"])
    if index is None:
        return None
    metres = amount("farther", asked.scene.events[index])
    truth = _beyond(asked, metres, asked.slots["d"], ("farther", "nearer"))
    return None if truth is None else says(asked, truth, {index})


def t60_above(asked: Asked) -> set[int] | None:
    """Whether the reverberation time is longer or shorter than a limit."""
    truth = _beyond(asked, rooms.t60_s(asked.scene), asked.slots["s"], ("longer", "shorter"))
    return None if truth is None else says(asked, truth, set())


def volume_above(asked: Asked) -> set[int] | None:
    """Whether the room is larger or smaller than a limit."""
    truth = _beyond(asked, rooms.size_m3(asked.scene), asked.slots["v"], ("larger", "smaller"))
    return None if truth is None else says(asked, truth, set())


def compared(asked: Asked) -> set[int] | None:
    """Whether one of two sounds exceeds the other."""
    found, rank = pair(asked), asked.slots["rank"]
    if found is None or rank not in {**MORE, **LESS}:
        return None
    a, b = (asked.scene.events[index] for index in found)
    return says(asked, exceeds(rank, a, b), set(found))


def same_side(asked: Asked) -> set[int] | None:
    """Whether two sounds are both left or both right."""
    found = pair(asked)
    if found is None:
        return None
    a, b = (oracle.unit(asked.scene.events[index])[1] for index in found)
    return says(asked, bool(a * b > 0), set(found))


def do_overlap(asked: Asked) -> set[int] | None:
    """Whether two sounds share a frame."""
    found = pair(asked)
    return None if found is None else says(asked, oracle.together(asked.scene, *found), set(found))


def is_moving(asked: Asked) -> set[int] | None:
    """Whether a sound moves."""
    index = oracle.one(asked.scene, asked.slots["x"])
    return None if index is None else says(asked, oracle.moves(asked.scene.events[index]), {index})


def moves_way(asked: Asked) -> set[int] | None:
    """Whether a sound moves in a way."""
    index = oracle.one(asked.scene, asked.slots["x"])
    every = {"from right to left", "from left to right", "away from me", "towards me", "upwards", "downwards"}
    if index is None or asked.slots["way"] not in every:
        return None
    return says(asked, asked.slots["way"] in motion.ways(asked.scene.events[index], True), {index})


def is_outdoors(asked: Asked) -> set[int] | None:
    """Whether the recording was made outdoors, or indoors."""
    side = asked.slots["side"]
    return (
        says(asked, rooms.open_air(asked.scene) == (side == "outdoors"), set())
        if side in ("indoors", "outdoors")
        else None
    )


def any_interrupts(asked: Asked) -> set[int] | None:
    """Whether two talkers share a frame, or whether none do."""
    turns = talkers.lettered(asked.scene)
    grid = oracle.frames(asked.scene)
    talking = sum((grid[members].any(axis=0).astype(int) for members in turns.values()), start=0 * grid[0].astype(int))
    overlap = bool((talking > 1).any())
    every = {index for members in turns.values() for index in members}
    return says(asked, overlap == (asked.book == "any_interrupts"), every)


def more_than(asked: Asked) -> set[int] | None:
    """Whether there are more sounds than a number."""
    number = len(asked.scene.events)
    limit = re.fullmatch(r"(\d+) sounds?", asked.slots["n"])
    return says(asked, number > int(limit[1]), set(range(number))) if limit else None


def extreme_on_side(asked: Asked) -> set[int] | None:
    """Whether the first or last sound is on a side."""
    index, side = end_of(asked), asked.slots["side"]
    if index is None or side not in oracle.SIDES:
        return None
    return says(asked, oracle.is_on(asked.scene.events[index], side), {index})
