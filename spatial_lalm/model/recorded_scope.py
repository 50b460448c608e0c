"""The events that a question about hours is about: those of a time, a room, a talker, after a sound, between two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spatial_lalm.audio.wording import spoken_name
from spatial_lalm.model.plain_answers import absence
from spatial_lalm.model.question import Asked
from spatial_lalm.model.recorded import RecordedEvent
from spatial_lalm.model.recorded_question import Reference, Scope
from spatial_lalm.model.recorded_words import clock, clocked, passages, span_text

if TYPE_CHECKING:
    from spatial_lalm.model.recorded import Recorded


@dataclass(frozen=True)
class Limited:
    """What a question is about: events from ``start_s`` to ``end_s``, and ``where`` that is in words."""

    events: tuple[RecordedEvent, ...]
    start_s: float
    end_s: float
    where: str
    limited: bool = True


def limit(
    recorded: Recorded, scope: Scope, asked: Asked, heard: Sequence[RecordedEvent] | None = None
) -> Limited | str:
    """The events of a question's scope; a sentence where it refers to what was not heard.

    ``heard`` are the events to choose from (default: those that answers speak of).
    """
    start, end, where = recorded.start_s, recorded.end_s, "in this recording" if recorded.part.whole else "in this part"
    events = recorded.spoken if heard is None else tuple(heard)
    if scope.talker is not None:
        if scope.talker not in recorded.talkers:
            count = len(recorded.talkers)
            return f"I hear only {count} talker{'' if count == 1 else 's'}." if count else absence("speech", where)
        events = tuple(event for event in events if event.talker == scope.talker)
    if scope.room is not None:
        if not -len(recorded.rooms) <= scope.room < len(recorded.rooms):
            return f"I hear only {len(recorded.rooms)} room{'' if len(recorded.rooms) == 1 else 's'} {where}."
        number = scope.room % len(recorded.rooms)
        room = recorded.rooms[number]
        start, end, where = room.start_s, room.end_s, f"in room {number + 1} ({span_text(room.start_s, room.end_s)})"
    if scope.portion is not None:
        length = end - start
        start, end = start + scope.portion[0] * length, start + scope.portion[1] * length
        where = f"between {clock(start)} and {clock(end)}"
    if asked.span is not None and (span := asked.span.within(start, end)) is not None:
        start, end, where = span.start_s, span.end_s, clocked(str(span))
    if scope.relation is not None:
        bounds = _related(recorded, scope, start, end, where)
        if isinstance(bounds, str):
            return bounds
        start, end, where = bounds
    there = tuple(e for e in events if sounds_within(e, start, end, whole=scope.relation is not None))
    return Limited(there, start, end, where, (start, end) != (recorded.start_s, recorded.end_s))


def sounds_within(event: RecordedEvent, start_s: float, end_s: float, whole: bool) -> bool:
    """Whether an event sounds in a time; ``whole``: begins in it, for what comes after does not sound already."""
    evidence = event.evidence
    if whole:
        return start_s - 0.05 <= evidence.start_s < end_s
    return min(evidence.end_s, end_s) - max(evidence.start_s, start_s) > 0 or evidence.start_s <= start_s == end_s


def _related(recorded: Recorded, scope: Scope, low: float, high: float, where: str) -> tuple[float, float, str] | str:
    """The time that a relation leaves, in words too; a sentence where its sound was not heard."""
    relation = scope.relation
    assert relation is not None
    found = []
    for reference in (relation.to, relation.end):
        if reference is None:
            continue
        span = _occurrence(recorded, reference, low, high)
        if span is None:
            return absence(reference.label, where)
        found.append((span, f"the {spoken_name(reference.label)}"))
    (span, name), *others = sorted(found)
    if others:
        (other, other_name), *_ = others
        return span[1], other[0], f"between {name} at {clock(span[0])} and {other_name} at {clock(other[0])}"
    at = span_text(*span)
    if relation.which == "while":
        return span[0], span[1], f"during {name} {at}"
    if relation.which == "after":
        return span[1], high, f"after {name} {at}"
    return low, span[0], f"before {name} {at}"


def _occurrence(recorded: Recorded, reference: Reference, low: float, high: float) -> tuple[float, float] | None:
    events = [e for e in recorded.spoken if e.label == reference.label and sounds_within(e, low, high, False)]
    spans = passages(events)
    return spans[reference.nth] if -len(spans) <= reference.nth < len(spans) else None
