"""Second derivation of answers about places."""

from __future__ import annotations

import math
import re

from spatial_lalm.audio.scene import SourceEvent
from spatial_lalm.simulation.questions.checks import oracle
from spatial_lalm.simulation.questions.kind import Asked


def subject(asked: Asked, verb: str) -> int | None:
    """The event that gap ``x`` names, if the answer starts with its name and a verb."""
    index = oracle.one(asked.scene, asked.slots["x"])
    found = re.match(rf"(The .+?) {verb}\b", asked.answer)
    return index if found and oracle.one(asked.scene, found[1]) == index else None


def octant(asked: Asked) -> set[int] | None:
    """Judge ``The dog bark comes from the front left.``."""
    index = subject(asked, "comes?")
    found = re.search(r" from the ([a-z ]+)\.$", asked.answer)
    if index is None or not found or re.fullmatch(r"The .+ comes? from the [a-z ]+\.", asked.answer) is None:
        return None
    return {index} if oracle.octant_fits(asked.scene.events[index], found[1]) else None


def octant_option(asked: Asked) -> set[int] | None:
    """``front left``."""
    index = oracle.one(asked.scene, asked.slots["x"])
    fits = index is not None and oracle.octant_fits(asked.scene.events[index], asked.answer)
    return {index} if fits and index is not None else None


def azimuth(asked: Asked) -> set[int] | None:
    """``The azimuth is 43°.``: a turn by it reaches the sound's meridian within half a degree."""
    index = oracle.one(asked.scene, asked.slots["x"])
    told = oracle.number(r"The azimuth is (-?\d+)°\.", asked.answer)
    if index is None or not -180 < told <= 180:
        return None
    x, y, _ = oracle.unit(asked.scene.events[index])
    turn = math.radians(told)
    off = math.atan2(y * math.cos(turn) - x * math.sin(turn), x * math.cos(turn) + y * math.sin(turn))
    return {index} if abs(math.degrees(off)) <= 0.5 + 1e-6 else None


def elevation(asked: Asked) -> set[int] | None:
    """Judge ``The elevation is 12°.``."""
    index = oracle.one(asked.scene, asked.slots["x"])
    told = oracle.number(r"The elevation is (-?\d+)°\.", asked.answer)
    if index is None:
        return None
    x, y, z = oracle.unit(asked.scene.events[index])
    return {index} if abs(math.degrees(math.atan2(z, math.hypot(x, y))) - told) <= 0.5 + 1e-6 else None


def distance(asked: Asked) -> set[int] | None:
    """Judge ``The dog bark is 2.3 m away.``."""
    index = subject(asked, "(?:is|are)")
    if index is None:
        return None
    return {index} if _metres_fit(r"The .+ (?:is|are) (\d+\.\d) m away\.", asked, index) else None


def _metres_fit(pattern: str, asked: Asked, index: int) -> bool:
    event = asked.scene.events[index]
    return abs(oracle.number(pattern, asked.answer) - math.hypot(*oracle.place(event))) <= 0.05 + 1e-6


def either(asked: Asked) -> set[int] | None:
    """Judge ``The dog bark is on the left.``."""
    index = subject(asked, "(?:is|are)")
    found = re.fullmatch(r"The .+? (?:is|are) ((?:on the|in front|behind|above|below).*)\.", asked.answer)
    side = found[1].replace("you", "me") if found else ""
    if index is None or side not in oracle.SIDES:
        return None
    return {index} if oracle.is_on(asked.scene.events[index], side) else None


def on_side(asked: Asked) -> set[int] | None:
    """Judge ``I hear rain and a dog bark.``."""
    side = asked.slots["side"]
    if side not in oracle.SIDES or any(oracle.moves(event) for event in asked.scene.events):
        return None
    there = {index for index, event in enumerate(asked.scene.events) if oracle.is_on(event, side)}
    return heard(asked, there, "I hear nothing there.")


def heard(asked: Asked, there: set[int], nothing: str) -> set[int] | None:
    """The events, if ``I hear ...`` names just their classes."""
    if not there:
        return there if asked.answer == nothing else None
    found = re.fullmatch(r"I hear (.+)\.", asked.answer)
    labels = {asked.scene.events[index].label for index in there}
    return there if found and oracle.named(asked.scene, found[1]) == labels else None


def what_place(asked: Asked) -> set[int] | None:
    """Judge ``It is a dog bark.``."""
    place = asked.slots["place"]
    there = {n for n, event in enumerate(asked.scene.events) if oracle.octant_fits(event, place)}
    found = re.fullmatch(r"It is (.+)\.", asked.answer)
    if not found or len(there) != 1:
        return None
    (index,) = there
    return there if oracle.named(asked.scene, found[1]) == {asked.scene.events[index].label} else None


# ---------------------------------------------------------------- two sounds


def pair(asked: Asked) -> tuple[int, int] | None:
    """The events that gaps ``x`` and ``y`` name."""
    a, b = (oracle.one(asked.scene, asked.slots[gap]) for gap in ("x", "y"))
    return None if a is None or b is None or a == b else (a, b)


def amount(name: str, event: SourceEvent) -> float:
    """A quantity of which the larger is ``name``: how far left, how high, how far, how late, how long, and so on."""
    x, y, z = oracle.unit(event)
    values = {
        "left": y,
        "higher": math.atan2(z, math.hypot(x, y)),
        "farther": math.hypot(*oracle.place(event)),
        "before": -event.onset_s,
        "longer": event.offset_s - event.onset_s,
    }
    return float(values[name])


MORE = {
    "left": "left",
    "higher": "higher",
    "farther": "farther",
    "before": "before",
    "longer": "longer",
    "first": "before",
    "farthest": "farther",
    "longest": "longer",
}
LESS = {
    "right": "left",
    "lower": "higher",
    "nearer": "farther",
    "after": "before",
    "later": "before",
    "shorter": "longer",
    "second": "before",
    "last": "before",
    "nearest": "farther",
    "shortest": "longer",
}


def exceeds(rank: str, a: SourceEvent, b: SourceEvent) -> bool:
    """Whether ``a`` is more than ``b`` what a word of comparison says."""
    if rank in MORE:
        return amount(MORE[rank], a) > amount(MORE[rank], b)
    return rank in LESS and amount(LESS[rank], a) < amount(LESS[rank], b)


def which(asked: Asked, *ranks: str) -> set[int] | None:
    """``The dog bark.``: the one of two that exceeds the other."""
    found = pair(asked)
    if found is None or asked.slots["rank"] not in ranks:
        return None
    told = oracle.one(asked.scene, asked.answer.removesuffix("."))
    if told is None or told not in found or not re.fullmatch(r"The [^.]+\.", asked.answer):
        return None
    other = found[0] if told == found[1] else found[1]
    events = asked.scene.events
    return set(found) if exceeds(asked.slots["rank"], events[told], events[other]) else None


def which_side(asked: Asked) -> set[int] | None:
    """Further left or right."""
    return which(asked, "left", "right")


def which_higher(asked: Asked) -> set[int] | None:
    """Higher or lower."""
    return which(asked, "higher", "lower")


def which_nearer(asked: Asked) -> set[int] | None:
    """Nearer or farther."""
    return which(asked, "nearer", "farther")


def which_in_front(asked: Asked) -> set[int] | None:
    """``The dog bark.``: the one of two that is on a side while the other is not."""
    found = pair(asked)
    told = oracle.one(asked.scene, asked.answer.removesuffix("."))
    if found is None or told not in found or asked.slots["side"] not in oracle.SIDES or asked.answer[-1] != ".":
        return None
    there = [index for index in found if oracle.is_on(asked.scene.events[index], asked.slots["side"])]
    return set(found) if there == [told] else None


def relation(asked: Asked) -> set[int] | None:
    """Judge ``The dog bark is to the left of the speech.``."""
    found = pair(asked)
    told = re.fullmatch(r"(The .+) (?:is|are) to the (left|right) of (the .+)\.", asked.answer)
    if not found or not told or (oracle.one(asked.scene, told[1]), oracle.one(asked.scene, told[3])) != found:
        return None
    a, b = (asked.scene.events[index] for index in found)
    return set(found) if exceeds(told[2], a, b) else None


def nearest(asked: Asked) -> set[int] | None:
    """``The dog bark.``: the one that exceeds all others."""
    return extreme(asked, range(len(asked.scene.events)), ("nearest", "farthest"))


def extreme(asked: Asked, among: range | set[int], ranks: tuple[str, ...]) -> set[int] | None:
    """The event told, if it exceeds all others among some."""
    told = oracle.one(asked.scene, asked.answer.removesuffix("."))
    if (
        told is None
        or told not in among
        or asked.slots["rank"] not in ranks
        or not re.fullmatch(r"[Tt]he [^.]+\.?", asked.answer)
    ):
        return None
    events = asked.scene.events
    best = all(exceeds(asked.slots["rank"], events[told], events[n]) for n in among if n != told)
    return {told} if best and len(among) > 1 else None


def angle_between(asked: Asked) -> set[int] | None:
    """Judge ``The angle is 43°.``."""
    found = pair(asked)
    told = oracle.number(r"The angle is (\d+)°\.", asked.answer)
    if found is None:
        return None
    a, b = (oracle.unit(asked.scene.events[index]) for index in found)
    return set(found) if abs(oracle.between(a, b) - told) <= 0.5 + 1e-5 else None
