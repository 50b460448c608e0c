"""Second derivation of answers that take two steps."""

from __future__ import annotations

import math
import re

from spatial_lalm.simulation.questions.checks import oracle, times
from spatial_lalm.simulation.questions.checks.places import amount, extreme, heard
from spatial_lalm.simulation.questions.kind import Asked


def after_on_side(asked: Asked) -> set[int] | None:
    """``It is a dog bark.``: the only one that starts on a side after another."""
    index, side = oracle.one(asked.scene, asked.slots["x"]), asked.slots["side"]
    told = re.fullmatch(r"It is (.+)\.", asked.answer)
    if index is None or side not in oracle.SIDES or not told:
        return None
    events = asked.scene.events
    there = [n for n, e in enumerate(events) if e.onset_s > events[index].onset_s and oracle.is_on(e, side)]
    if len(there) != 1 or oracle.named(asked.scene, told[1]) != {events[there[0]].label}:
        return None
    return {index, there[0]}


def end_of(asked: Asked) -> int | None:
    """The event that starts first or last."""
    events = asked.scene.events
    if not events or asked.slots["rank"] not in ("first", "last"):
        return None
    sign = 1 if asked.slots["rank"] == "first" else -1
    return max(range(len(events)), key=lambda n: sign * amount("before", events[n]))


def far_of(asked: Asked) -> set[int] | None:
    """Judge ``It is 2.3 m away.``."""
    index, told = end_of(asked), oracle.number(r"It is (\d+\.\d) m away\.", asked.answer)
    if index is None:
        return None
    far = math.hypot(*oracle.place(asked.scene.events[index]))
    return {index} if abs(far - told) <= times.HALF_TENTH else None


def _at_octant(asked: Asked, index: int) -> bool:
    told = re.fullmatch(r"It is at the ([a-z ]+)\.", asked.answer)
    return bool(told) and oracle.octant_fits(asked.scene.events[index], told[1] if told else "")


def place_of(asked: Asked) -> set[int] | None:
    """Judge ``It is at the front left.``."""
    index = end_of(asked)
    return {index} if index is not None and _at_octant(asked, index) else None


def place_after(asked: Asked) -> set[int] | None:
    """``It is at the front left.``, the next one to start."""
    found = times.beside(asked, later=True)
    return set(found) if found and _at_octant(asked, found[1]) else None


def nearest_on_side(asked: Asked) -> set[int] | None:
    """``The dog bark.``: the nearest of those on a side."""
    side = asked.slots["side"]
    if side not in oracle.SIDES:
        return None
    there = {n for n, event in enumerate(asked.scene.events) if oracle.is_on(event, side)}
    return extreme(asked, there, ("nearest", "farthest"))


def while_on(asked: Asked) -> set[int] | None:
    """``I hear rain.``: what shares a frame with another sound."""
    index = oracle.one(asked.scene, asked.slots["x"])
    if index is None:
        return None
    others = {n for n in range(len(asked.scene.events)) if n != index and oracle.together(asked.scene, index, n)}
    found = heard(asked, others, "I hear nothing else.")
    return None if found is None else found | {index}


def mover_when(asked: Asked) -> set[int] | None:
    """Judge ``It starts at 1.2 s.``."""
    movers = [n for n, event in enumerate(asked.scene.events) if oracle.moves(event)]
    told = oracle.number(r"It starts at (\d+\.\d) s\.", asked.answer)
    right = len(movers) == 1 and abs(asked.scene.events[movers[0]].onset_s - told) <= times.HALF_TENTH
    return set(movers) if right else None
