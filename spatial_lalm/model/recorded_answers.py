"""Answers about hours: which events a question is about, and which sentences tell of them.

Counts, orders, durations and relations have sentences of their own; kinds that these do not know (directions,
distances, sides, comparison, what cannot be told) are grounded as those of any recording. A class that no sure event
has is looked for once more among the doubtful ones, where the trained memory points to them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from spatial_lalm.model.grounding import SURE, Part
from spatial_lalm.model.plain_answers import absence, nothing
from spatial_lalm.model.question import Asked, read_question
from spatial_lalm.model.recorded import RecordedEvent
from spatial_lalm.model.recorded_grounding import ground_events
from spatial_lalm.model.recorded_memory import said, weaker
from spatial_lalm.model.recorded_question import Scope, read_scope
from spatial_lalm.model.recorded_rooms import ROOM_KINDS, room_by_room, rooms
from spatial_lalm.model.recorded_scope import Limited, limit
from spatial_lalm.model.recorded_sentences import (
    Told,
    best_of,
    count,
    how_long,
    in_order,
    in_relation,
    most_at_once,
    what,
    when,
    which_part,
    which_room,
    who_most,
)

if TYPE_CHECKING:
    from spatial_lalm.model.loading import SpatialLalm
    from spatial_lalm.model.recorded import Recorded

Model = Callable[[], "SpatialLalm"]

_MAY_BE_TOLD = frozenset({None, "what", "when"})
BY_DIRECTION = "talkers: told apart by direction alone, not by voice"
BY_VOICE = "talkers: told apart by voice and direction"
UNSURE = "I am not sure, but "


def answer(recorded: Recorded, question: str, model: Model | None) -> Told:
    """The answer to a question; see ``Recorded.ask``."""
    scope = read_scope(question)
    asked = read_question(scope.rest)
    model = None if model is None else cache(model)
    deaf = recorded.doubt is not None and recorded.doubt.deaf
    if scope.topic == "rooms" and not deaf:
        return rooms(recorded)
    limits = limit(recorded, scope, asked)
    if isinstance(limits, str):
        return Told(limits, True)
    told = _answered(recorded, scope, asked, limits, model)
    if not told.declined or deaf or asked.label is None or model is None:
        return told
    return _unsure(recorded, question, scope, asked, model) or told


def _answered(recorded: Recorded, scope: Scope, asked: Asked, limits: Limited, model: Model | None) -> Told:
    """The answer from the events of a scope."""
    deaf = recorded.doubt is not None and recorded.doubt.deaf
    out_of_range = asked.span is not None and asked.span.within(recorded.start_s, recorded.end_s) is None
    if not (deaf or out_of_range or asked.kind == "cannot" or asked.unknown):
        told = _own(recorded, scope, asked, limits)
        if told is not None:
            by_talkers = "talker" in told.text
            return replace(
                told,
                room=recorded.room_at(limits.start_s, limits.end_s),
                assumed=(BY_VOICE if recorded.by_voice else BY_DIRECTION,) if by_talkers else (),
            )
    return _grounded(recorded, scope, asked, limits, model)


def _unsure(recorded: Recorded, question: str, scope: Scope, asked: Asked, model: Model) -> Told | None:
    """The answer from doubtful events of the class asked for, where no sure one is and the memory points to them."""
    alike = [event for event in recorded.events if event.label == asked.label]
    if not alike or not recorded.has_keys or any(event.evidence.confidence >= SURE for event in alike):
        return None
    pointed = weaker(recorded, question, alike, model())
    limits = limit(recorded, scope, asked, (*recorded.spoken, *pointed)) if pointed else ""
    if isinstance(limits, str):
        return None
    told = _answered(recorded, scope, asked, limits, model)
    if told.declined:
        return None
    text = told.text if told.text.startswith("I ") else f"{told.text[0].lower()}{told.text[1:]}"
    return replace(told, text=f"{UNSURE}{text}")


def _own(recorded: Recorded, scope: Scope, asked: Asked, limits: Limited) -> Told | None:
    """Answers about times, counts, order and durations; None for other kinds."""
    if asked.kind in ROOM_KINDS:
        several = len(recorded.rooms) > 1 and not limits.limited
        return room_by_room(recorded, asked.kind) if several else None
    related = scope.relation is not None and asked.kind in _MAY_BE_TOLD and scope.topic is None
    labels = set(asked.labels) or ({asked.label} if asked.label and not asked.several else set())
    events = tuple(e for e in limits.events if not labels or e.label in labels)
    plain = not (asked.compared or asked.side or asked.selection or asked.talker)
    own_kind = plain and asked.kind in ("when", "what", "count_in_all", "count_at_once")
    handled = scope.topic is not None or related or asked.nth is not None or own_kind
    if not handled:
        return None
    if not events:
        missing = next(iter(sorted(labels)), None)
        return Told(absence(missing, limits.where) if missing else nothing(limits.where), True)
    if scope.topic is not None:
        return _topic(recorded, scope, asked, limits, events)
    if asked.nth is not None:
        return in_order(recorded, asked, limits, events)
    if related:
        return in_relation(recorded, scope, limits, events)
    if asked.kind == "count_in_all":
        return count(recorded, limits, events)
    if asked.kind == "count_at_once":
        most = most_at_once(limits.events)
        be = "sound is" if most == 1 else "sounds are"
        return Told(f"At most {most} {be} heard at the same time.", events=best_of(limits.events))
    return what(limits, events) if asked.kind == "what" else when(limits, events)


def _topic(recorded: Recorded, scope: Scope, asked: Asked, limits: Limited, events: Sequence[RecordedEvent]) -> Told:
    if scope.topic == "occurrences":
        return when(limits, events, counted=True)
    if scope.topic == "which_room":
        return which_room(recorded, events)
    if scope.topic == "which_part":
        return which_part(limits, events)
    if scope.topic == "who_most":
        events = tuple(event for event in events if event.label == "speech")
        return who_most(recorded, events) if events else Told(absence("speech", limits.where), True)
    return how_long(recorded, limits, events)


def _grounded(recorded: Recorded, scope: Scope, asked: Asked, limits: Limited, model: Model | None) -> Told:
    """The answer by the rules of any recording; the language model reads a question whose words leave its kind open."""
    open_kind = asked.kind is None and asked.english and not asked.side and model is not None
    told = "" if not open_kind or model is None else said(recorded, scope.rest, limits, model())
    part = recorded.part
    if limits.limited and asked.span is None:
        part = Part(limits.start_s, limits.end_s, False, recorded.doubt)
    text, declined = ground_events(told, scope.rest, recorded, limits.events, part)
    labels = {*asked.labels, *([asked.label] if asked.label else [])}
    events = [event for event in limits.events if not labels or event.label in labels]
    room = recorded.room_at(limits.start_s, limits.end_s)
    return Told(text, declined, best_of(events), room)
