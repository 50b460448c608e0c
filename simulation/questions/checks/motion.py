"""Second derivation of answers about motion."""

from __future__ import annotations

import re

import numpy as np

from spatial_lalm.audio.scene import SourceEvent
from spatial_lalm.simulation.questions.checks import oracle
from spatial_lalm.simulation.questions.checks.places import subject
from spatial_lalm.simulation.questions.kind import Asked

ZENITH = np.array([0.0, 0.0, 1.0])


def moves_or_still(asked: Asked) -> set[int] | None:
    """Judge ``The dog bark moves.`` or ``The dog bark stays in place.``."""
    index = subject(asked, "(?:moves?|stays?)")
    found = re.fullmatch(r"The .+? (moves?|stays? in place)\.", asked.answer)
    if index is None or not found:
        return None
    return {index} if oracle.moves(asked.scene.events[index]) == found[1].startswith("move") else None


def ways(event: SourceEvent, height: bool) -> set[str]:
    """What a path does: seen in its first and last points in space."""
    start, end = oracle.place(event), oracle.place(event, -1)
    near, far = np.linalg.norm(start), np.linalg.norm(end)
    aside = float(end[1] / far - start[1] / near)
    up = oracle.between(oracle.unit(event, -1), ZENITH) - oracle.between(oracle.unit(event), ZENITH)
    found = {"from right to left"} if aside > 0.3 else {"from left to right"} if aside < -0.3 else set()
    found |= {"away from me"} if far > 1.25 * near else {"towards me"} if near > 1.25 * far else set()
    if height:
        found |= {"upwards"} if up < -14 else {"downwards"} if up > 14 else set()
    return found


def which_way(asked: Asked) -> set[int] | None:
    """Judge ``The dog bark moves from left to right and towards you.``."""
    index = subject(asked, "moves?")
    found = re.fullmatch(r"The .+? moves? (.+)\.", asked.answer)
    if index is None or not found or found[1].endswith(" me"):
        return None
    told = re.split(r", | and ", found[1].replace(" you", " me"))
    event = asked.scene.events[index]
    true = len(set(told)) == len(told) and set(told) in (ways(event, True), ways(event, False))
    return {index} if true else None


def which_way_option(asked: Asked) -> set[int] | None:
    """``from left to right and towards me``, in a multiple choice."""
    index = oracle.one(asked.scene, asked.slots["x"])
    if index is None:
        return None
    return {index} if set(asked.answer.split(" and ")) == ways(asked.scene.events[index], False) else None


def who_moves(asked: Asked) -> set[int] | None:
    """``The dog bark.``, the only one that moves."""
    movers = [n for n, event in enumerate(asked.scene.events) if oracle.moves(event)]
    told = oracle.one(asked.scene, asked.answer.removesuffix("."))
    full = re.fullmatch(r"[Tt]he [^.]+\.?", asked.answer)
    return {told} if full and told is not None and movers == [told] else None


def _end(asked: Asked, verb: str, step: int) -> set[int] | None:
    index = subject(asked, f"{verb}s?")
    found = re.fullmatch(rf"The .+ {verb}s? at the ([a-z ]+)\.", asked.answer)
    if index is None or not found:
        return None
    return {index} if oracle.octant_fits(asked.scene.events[index], found[1], step) else None


def move_start(asked: Asked) -> set[int] | None:
    """Judge ``The dog bark starts at the left.``."""
    return _end(asked, "start", 0)


def move_end(asked: Asked) -> set[int] | None:
    """Judge ``The dog bark ends at the left.``."""
    return _end(asked, "end", -1)
