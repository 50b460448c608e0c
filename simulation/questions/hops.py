"""Questions that take two steps: first find a sound by its time, place or motion, then tell something else of it."""

from __future__ import annotations

from spatial_lalm.simulation.questions import places, times
from spatial_lalm.simulation.questions.answer import Draft
from spatial_lalm.simulation.questions.checks import hops as judges
from spatial_lalm.simulation.questions.kind import DraftedKind
from spatial_lalm.simulation.questions.motion import only_mover
from spatial_lalm.simulation.questions.view import View
from spatial_lalm.simulation.questions.wordings import SIDE_PHRASES, it_is, listed


def after_on_side(view: View) -> list[Draft]:
    """What started on a side after another sound: one sound alone."""
    found = []
    for index, name in view.names.items():
        later = {other: times.before(view, index, other) for other in view.order if other != index}
        for side in view.sides if None not in later.values() else ():
            known = {other: view.side(other, side) for other, after in later.items() if after}
            there = [other for other, inside in known.items() if inside]
            if None in known.values() or len(there) != 1 or view.events[there[0]].label == name.label:
                continue
            text = it_is(view.events[there[0]].label)
            found.append(Draft({"x": name, "side": SIDE_PHRASES[side]}, text, (there[0], index)))
    return found


def far_of(view: View) -> list[Draft]:
    """How far away the first or the last sound is."""
    return [
        Draft({"rank": rank}, f"It is {view.events[index].distance_m:.1f} m away.", (index,))
        for rank, index in times.ends_of(view)
        if view.motion[index] is False
    ]


def place_of(view: View) -> list[Draft]:
    """In which octant the first or the last sound is."""
    return [
        Draft({"rank": rank}, f"It is at the {words}.", (index,))
        for rank, index in times.ends_of(view)
        if (words := view.octant(index))
    ]


def nearest_on_side(view: View) -> list[Draft]:
    """Which of the sounds on a side is the nearest or the farthest."""
    found = []
    for side in view.sides:
        known = {index: view.side(index, side) for index in view.order}
        if None not in known.values():
            there = tuple(index for index, inside in known.items() if inside)
            drafts = places.nearest(view, there)
            found += [
                Draft({**draft.slots, "side": SIDE_PHRASES[side]}, draft.answer, draft.evidence) for draft in drafts
            ]
    return found


def while_on(view: View) -> list[Draft]:
    """What else is heard while a sound is on."""
    found = []
    for index, name in view.names.items():
        known = {other: view.overlap(index, other) for other in view.order if other != index}
        labels = {view.events[other].label for other in known}
        if known and None not in known.values() and name.label not in labels:
            there = [other for other, both in known.items() if both]
            text = f"I hear {listed([view.events[other].label for other in there], 'nothing else')}."
            found.append(Draft({"x": name}, text, (*there, index)))
    return found


def place_after(view: View) -> list[Draft]:
    """In which octant the next sound after another is."""
    return [
        Draft({"x": name}, f"It is at the {words}.", (other, here))
        for here, name, other in times.neighbours(view, 1)
        if (words := view.octant(other))
    ]


def mover_when(view: View) -> list[Draft]:
    """When the only moving sound starts."""
    mover = only_mover(view)
    return [] if mover is None else [Draft({}, f"It starts at {view.events[mover].onset_s:.1f} s.", (mover,))]


KINDS = (
    DraftedKind("after_on_side", "multi_hop", after_on_side, judges.after_on_side, "lateral"),
    DraftedKind("far_of", "multi_hop", far_of, judges.far_of),
    DraftedKind("place_of", "multi_hop", place_of, judges.place_of, "planar"),
    DraftedKind("nearest_on_side", "multi_hop", nearest_on_side, judges.nearest_on_side, "lateral"),
    DraftedKind("while", "multi_hop", while_on, judges.while_on),
    DraftedKind("place_after", "multi_hop", place_after, judges.place_after, "planar"),
    DraftedKind("mover_when", "multi_hop", mover_when, judges.mover_when, "planar"),
)
