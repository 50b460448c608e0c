"""Questions about the place of one sound, and of two sounds against each other."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from spatial_lalm.audio import wording
from spatial_lalm.simulation.questions.answer import Draft, Name
from spatial_lalm.simulation.questions.checks import places as judges
from spatial_lalm.simulation.questions.kind import DraftedKind
from spatial_lalm.simulation.questions.view import ANGLE_DEG, DISTANCE_RATIO, HIGHEST_DEG, OPPOSITE, View
from spatial_lalm.simulation.questions.wordings import SIDE_PHRASES, called, it_is, listed, sentence, subject

SEPARATION = 0.3  # along the left-right axis, of a unit vector


# ---------------------------------------------------------------- one sound


def octant(view: View) -> list[Draft]:
    """In which of the eight directions a sound is."""
    found = ((index, name, view.octant(index)) for index, name in view.still.items())
    return [
        Draft({"x": name}, f"{subject(name, 'comes')} from the {words}.", (index,), name.label)
        for index, name, words in found
        if words
    ]


def azimuth(view: View) -> list[Draft]:
    """The azimuth in whole degrees."""
    return [
        Draft({"x": name}, f"The azimuth is {wording.whole_degrees(event.azimuth_deg)}°.", (index,), name.label)
        for index, name in view.still.items()
        if abs((event := view.events[index]).elevation_deg) <= HIGHEST_DEG
    ]


def elevation(view: View) -> list[Draft]:
    """The elevation in whole degrees."""
    return [
        Draft({"x": name}, f"The elevation is {whole}°.", (index,), name.label)
        for index, name in view.still.items()
        for whole in [wording.whole_degrees(view.events[index].elevation_deg)]
    ]


def distance(view: View) -> list[Draft]:
    """The distance in tenths of a metre."""
    return [
        Draft({"x": name}, f"{subject(name, 'is')} {view.events[index].distance_m:.1f} m away.", (index,), name.label)
        for index, name in view.still.items()
    ]


def _either(view: View, first: str) -> list[Draft]:
    """On which of two opposite sides a sound is."""
    return [
        Draft({"x": name}, f"{subject(name, 'is')} {place}.", (index,), name.label, claim=side)
        for index, name in view.still.items()
        for side in (first, OPPOSITE[first])
        for place in [SIDE_PHRASES[side].replace("me", "you")]
        if view.side(index, side)
    ]


def on_side(view: View) -> list[Draft]:
    """What can be heard on a side; every sound must be clearly on it or off it."""
    found = []
    for side in view.sides if view.events else ():
        known = {index: view.side(index, side) for index in view.order}
        if None not in known.values():
            there = [index for index, inside in known.items() if inside]
            text = f"I hear {listed([view.events[index].label for index in there], 'nothing there')}."
            found.append(Draft({"side": SIDE_PHRASES[side]}, text, tuple(there)))
    return found


def what_place(view: View) -> list[Draft]:
    """What sounds in an octant that holds one sound alone."""
    octants = {index: view.octant(index) for index in view.order}
    if None in octants.values():
        return []
    return [
        Draft({"place": words}, it_is(view.events[index].label), (index,))
        for index, words in octants.items()
        if words and list(octants.values()).count(words) == 1
    ]


# ---------------------------------------------------------------- two sounds


def pairs(names: dict[int, Name]) -> Iterator[tuple[int, int, Name, Name]]:
    """Ordered pairs of named events of different classes, with their names."""
    for a, b in itertools.permutations(names, 2):
        if names[a].label != names[b].label:
            yield a, b, names[a], names[b]


def left_of(view: View, a: int, b: int) -> bool | None:
    """Whether still event ``a`` is left of ``b``: counter-clockwise of it and further along the left-right axis."""
    aside = view.vector(a)[1] - view.vector(b)[1]
    if view.spatial == "lateral":
        return aside > 0 if abs(aside) >= SEPARATION else None
    turn = view.turned(a, b)
    high = max(abs(view.events[index].elevation_deg) for index in (a, b)) > HIGHEST_DEG
    if high or abs(aside) < SEPARATION or not ANGLE_DEG <= abs(turn) <= 180 - ANGLE_DEG or (aside > 0) != (turn > 0):
        return None
    return turn > 0


def higher(view: View, a: int, b: int) -> bool | None:
    """Whether still event ``a`` is higher than ``b`` in elevation."""
    up = view.events[a].elevation_deg - view.events[b].elevation_deg
    return up > 0 if abs(up) >= ANGLE_DEG else None


def nearer(view: View, a: int, b: int) -> bool | None:
    """Whether still event ``a`` is nearer than ``b``."""
    ratio = view.events[b].distance_m / view.events[a].distance_m
    return ratio > 1 if abs(math.log(ratio)) >= math.log(DISTANCE_RATIO) else None


RELATIONS = {
    "side": (left_of, "left", "right"),
    "higher": (higher, "higher", "lower"),
    "nearer": (nearer, "nearer", "farther"),
}


def compared(view: View, relation: str) -> Iterator[tuple[int, int, Name, Name, bool]]:
    """Ordered pairs of still sounds with whether the first of ``RELATIONS[relation]`` holds."""
    holds = RELATIONS[relation][0]
    for a, b, x, y in pairs(view.still):
        truth = holds(view, a, b)
        if truth is not None:
            yield a, b, x, y, truth


def _which(view: View, relation: str) -> list[Draft]:
    _, positive, negative = RELATIONS[relation]
    return [
        Draft({"x": x, "y": y, "rank": rank}, sentence(called(x if truth == (rank == positive) else y)), (a, b))
        for a, b, x, y, truth in compared(view, relation)
        for rank in (positive, negative)
    ]


def which_side(view: View) -> list[Draft]:
    """Which of two sounds is further left or right."""
    return _which(view, "side")


def which_higher(view: View) -> list[Draft]:
    """Which of two sounds is higher or lower."""
    return _which(view, "higher")


def which_nearer(view: View) -> list[Draft]:
    """Which of two sounds is nearer or farther."""
    return _which(view, "nearer")


def relation(view: View) -> list[Draft]:
    """On which side of another a sound is."""
    return [
        Draft({"x": x, "y": y}, f"{subject(x, 'is')} to the {'left' if truth else 'right'} of {called(y)}.", (a, b))
        for a, b, x, y, truth in compared(view, "side")
    ]


def _opposite(view: View, a: int, b: int, side: str) -> bool:
    return view.side(a, side) is True and view.side(b, OPPOSITE[side]) is True


def which_in_front(view: View) -> list[Draft]:
    """Which of two sounds is in front and which behind."""
    return [
        Draft({"x": x, "y": y, "side": SIDE_PHRASES[side]}, sentence(called(x if view.side(a, side) else y)), (a, b))
        for a, b, x, y in pairs(view.still)
        for side in ("front", "back")
        if _opposite(view, a, b, side) or _opposite(view, b, a, side)
    ]


def nearest(view: View, among: tuple[int, ...] | None = None) -> list[Draft]:
    """Which of all sounds, or of some, is the nearest or the farthest."""
    members = sorted(view.order if among is None else among, key=lambda index: view.events[index].distance_m)
    if len(members) < 2 or any(view.motion[index] is not False for index in members):
        return []
    found = []
    for rank, (best, next_best) in (("nearest", members[:2]), ("farthest", members[:-3:-1])):
        if nearer(view, best, next_best) is not None and best in view.names:
            found.append(Draft({"rank": rank}, sentence(called(view.names[best])), (best,)))
    return found


def angle_between(view: View) -> list[Draft]:
    """The angle between two sounds in whole degrees."""
    return [
        Draft({"x": x, "y": y}, f"The angle is {wording.whole_degrees(view.angle(a, b))}°.", (a, b))
        for a, b, x, y in pairs(view.still)
    ]


KINDS = (
    DraftedKind("octant", "place", octant, judges.octant, "planar"),
    DraftedKind("azimuth", "place", azimuth, judges.azimuth, "planar"),
    DraftedKind("elevation", "place", elevation, judges.elevation, "full"),
    DraftedKind("distance", "place", distance, judges.distance),
    DraftedKind("left_or_right", "place", lambda view: _either(view, "left"), judges.either, "lateral"),
    DraftedKind("front_or_back", "place", lambda view: _either(view, "front"), judges.either, "planar"),
    DraftedKind("height", "place", lambda view: _either(view, "above"), judges.either, "full"),
    DraftedKind("on_side", "place", on_side, judges.on_side, "lateral"),
    DraftedKind("what_place", "place", what_place, judges.what_place, "planar"),
    DraftedKind("which_side", "relation", which_side, judges.which_side, "lateral"),
    DraftedKind("which_higher", "relation", which_higher, judges.which_higher, "full"),
    DraftedKind("which_nearer", "relation", which_nearer, judges.which_nearer),
    DraftedKind("which_in_front", "relation", which_in_front, judges.which_in_front, "planar"),
    DraftedKind("relation", "relation", relation, judges.relation, "lateral"),
    DraftedKind("nearest", "relation", nearest, judges.nearest),
    DraftedKind("angle_between", "relation", angle_between, judges.angle_between, "full"),
)
