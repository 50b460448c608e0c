"""Questions about times, order in time, and counts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from spatial_lalm.audio import wording
from spatial_lalm.simulation.questions.answer import Draft, Name
from spatial_lalm.simulation.questions.checks import times as judges
from spatial_lalm.simulation.questions.kind import DraftedKind
from spatial_lalm.simulation.questions.places import pairs
from spatial_lalm.simulation.questions.view import DISTANCE_RATIO, View, apart
from spatial_lalm.simulation.questions.wordings import (
    SIDE_PHRASES,
    called,
    counted,
    it_is,
    listed,
    sentence,
    subject,
    there_are,
    times_heard,
)

SOURCES_APART_DEG = 20.0
MOMENT_STEP_S = 0.5
LONGEST_TAIL_S = 0.75


# ---------------------------------------------------------------- one sound


def onset(view: View) -> list[Draft]:
    """When a sound starts."""
    return [_start(view, index, name) for index, name in view.names.items()]


def _start(view: View, index: int, name: Name) -> Draft:
    return Draft({"x": name}, f"{subject(name, 'starts')} at {view.events[index].onset_s:.1f} s.", (index,), name.label)


def offset(view: View) -> list[Draft]:
    """When a sound ends, where the room lets that be heard."""
    if view.tail_s > LONGEST_TAIL_S:
        return []
    return [
        Draft({"x": name}, f"{subject(name, 'ends')} at {view.events[index].offset_s:.1f} s.", (index,), name.label)
        for index, name in view.names.items()
    ]


def lasts_s(view: View, index: int) -> float:
    """Duration of an event in seconds."""
    return view.events[index].offset_s - view.events[index].onset_s


def duration(view: View) -> list[Draft]:
    """How long a sound lasts, where the room lets its end be heard."""
    if view.tail_s > LONGEST_TAIL_S:
        return []
    return [
        Draft({"x": name}, f"{subject(name, 'lasts')} {lasts_s(view, index):.1f} s.", (index,), name.label)
        for index, name in view.names.items()
    ]


# ---------------------------------------------------------------- order


def before(view: View, a: int, b: int) -> bool | None:
    """Whether event ``a`` starts before event ``b``."""
    first, second = view.events[a].onset_s, view.events[b].onset_s
    return first < second if apart(first, second) else None


def longer(view: View, a: int, b: int) -> bool | None:
    """Whether event ``a`` lasts longer than event ``b``."""
    first, second = lasts_s(view, a), lasts_s(view, b)
    clear = apart(first, second) and max(first, second) >= DISTANCE_RATIO * min(first, second)
    return first > second if clear else None


def which_first(view: View) -> list[Draft]:
    """Which of two sounds starts first or second."""
    return [
        Draft({"x": x, "y": y, "rank": rank}, sentence(called(x if truth == (rank == "first") else y)), (a, b))
        for a, b, x, y in pairs(view.names)
        for truth in [before(view, a, b)]
        if truth is not None
        for rank in ("first", "second")
    ]


def ends_of(view: View) -> Iterator[tuple[str, int]]:
    """The first and the last event to start, where that is clear."""
    for rank, order in (("first", view.order), ("last", view.order[::-1])):
        if len(order) > 1 and before(view, order[0], order[1]) is not None:
            yield rank, order[0]


def extreme(view: View) -> list[Draft]:
    """Which sound starts first or last."""
    return [
        Draft({"rank": rank}, sentence(called(view.names[index])), (index,))
        for rank, index in ends_of(view)
        if index in view.names
    ]


def neighbours(view: View, step: int) -> Iterator[tuple[int, Name, int]]:
    """Named events with the event of another class that is next (``step`` 1) or last (-1) to start."""
    order = view.order[::step]
    for place, (here, other) in enumerate(itertools.pairwise(order)):
        beyond = order[place + 2 : place + 3]
        clear = before(view, here, other) is not None and all(before(view, other, n) is not None for n in beyond)
        if clear and here in view.names and view.events[here].label != view.events[other].label:
            yield here, view.names[here], other


def _neighbour(view: View, step: int) -> list[Draft]:
    return [
        Draft({"x": name}, it_is(view.events[other].label), (other, here))
        for here, name, other in neighbours(view, step)
    ]


def longest(view: View) -> list[Draft]:
    """Which sound lasts the longest or the shortest."""
    by_length = sorted(view.order, key=lambda index: -lasts_s(view, index))
    return [
        Draft({"rank": rank}, sentence(called(view.names[order[0]])), (order[0],))
        for rank, order in (("longest", by_length), ("shortest", by_length[::-1]))
        if len(order) > 1 and order[0] in view.names and longer(view, order[0], order[1]) is not None
    ]


def order(view: View) -> list[Draft]:
    """In which order two to four sounds of different classes start."""
    clear = all(before(view, a, b) is not None for a, b in itertools.pairwise(view.order))
    if not clear or not 2 <= len(view.order) <= 4 or len(view.single) < len(view.events):
        return []
    return [Draft({}, sentence(order_text([view.names[index] for index in view.order])), view.order)]


def order_text(names: list[Name]) -> str:
    """Names in an order: ``first the dog bark, then the rain``."""
    return "first " + ", then ".join(called(name) for name in names)


# ---------------------------------------------------------------- counts


def source_of(view: View, index: int) -> tuple[str, str | None, tuple[float, float, float]]:
    """What makes two events the same source: class, speaker and exact place at the onset."""
    event = view.events[index]
    return event.label, event.speaker, event.trajectory[0]


def _it(label: str) -> str:
    return "them" if wording.is_plural(label) else "it"


def count_sources(view: View) -> list[Draft]:
    """How many sources of a class there are; their places must be told apart."""
    found = []
    for label, members in view.of_class.items():
        different = [(a, b) for a, b in itertools.combinations(members, 2) if source_of(view, a) != source_of(view, b)]
        still = all(view.motion[index] is False for index in members)
        if still and all(view.angle(a, b) >= SOURCES_APART_DEG for a, b in different):
            number = len({source_of(view, index) for index in members})
            text = f"I hear {_it(label)} from {counted(number, 'source')}."
            found.append(Draft({"x": called(Name(label))}, text, tuple(members), label, claim=str(number)))
    return found


def count_events(view: View) -> list[Draft]:
    """How many times a class is heard, with clear pauses between the events."""
    return [
        Draft(
            {"x": called(Name(label))},
            f"I hear {_it(label)} {times_heard(len(members))}.",
            tuple(members),
            label,
            claim=str(len(members)),
        )
        for label, members in view.of_class.items()
        if view.in_turn(members)
    ]


def count_classes(view: View) -> list[Draft]:
    """How many kinds of sound there are."""
    number = len(view.of_class)
    return [Draft({}, f"{there_are(number, 'kind')} of sound.", view.order, claim=str(number))]


def moments(view: View) -> Iterator[tuple[str, list[int]]]:
    """Times at which it is clear what sounds, with the events that do."""
    for step in range(1, int(view.scene.duration_s / MOMENT_STEP_S)):
        time_s = step * MOMENT_STEP_S
        known = {index: view.at(index, time_s) for index in view.order}
        if known and None not in known.values():
            yield f"{time_s:.1f}", [index for index, on in known.items() if on]


def count_at(view: View) -> list[Draft]:
    """How many sounds are active at a time."""
    return [
        Draft({"t": time}, f"{there_are(len(on), 'sound')} at that time.", tuple(on), claim=str(len(on)))
        for time, on in moments(view)
    ]


def sounds_at(view: View) -> list[Draft]:
    """What is heard at a time."""
    return [
        Draft({"t": time}, f"I hear {listed([view.events[index].label for index in on], 'nothing')}.", tuple(on))
        for time, on in moments(view)
    ]


def count_side(view: View) -> list[Draft]:
    """How many sounds are on a side, every event another source."""
    if len({source_of(view, index) for index in view.order}) < len(view.order):
        return []
    found = []
    for side in view.sides if view.events else ():
        known = {index: view.side(index, side) for index in view.order}
        if None not in known.values():
            there = tuple(index for index, inside in known.items() if inside)
            text = f"{there_are(len(there), 'sound')} there."
            found.append(Draft({"side": SIDE_PHRASES[side]}, text, there, topic=side, claim=str(len(there))))
    return found


KINDS = (
    DraftedKind("onset", "time", onset, judges.onset),
    DraftedKind("offset", "time", offset, judges.offset),
    DraftedKind("duration", "time", duration, judges.duration),
    DraftedKind("which_first", "time", which_first, judges.which_first),
    DraftedKind("extreme", "time", extreme, judges.extreme),
    DraftedKind("next", "time", lambda view: _neighbour(view, 1), judges.following),
    DraftedKind("previous", "time", lambda view: _neighbour(view, -1), judges.preceding),
    DraftedKind("longest", "time", longest, judges.longest),
    DraftedKind("order", "time", order, judges.order),
    DraftedKind("sounds_at", "time", sounds_at, judges.sounds_at),
    DraftedKind("count_sources", "count", count_sources, judges.count_sources, "full"),
    DraftedKind("count_events", "count", count_events, judges.count_events),
    DraftedKind("count_classes", "count", count_classes, judges.count_classes),
    DraftedKind("count_at", "count", count_at, judges.count_at),
    DraftedKind("count_side", "count", count_side, judges.count_side, "lateral"),
)
