"""Sentences about what was heard in hours: when, what, in which order, how many, how long, who and in which room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spatial_lalm.audio.wording import list_text, spoken_name
from spatial_lalm.model.answers import RoomEstimate
from spatial_lalm.model.question import Asked
from spatial_lalm.model.recorded import RecordedEvent, salience, sounding_s
from spatial_lalm.model.recorded_grounding import place_of
from spatial_lalm.model.recorded_question import Scope
from spatial_lalm.model.recorded_scope import Limited
from spatial_lalm.model.recorded_words import MOST_TIMES, length_text, passages, span_text, spans_text

if TYPE_CHECKING:
    from spatial_lalm.model.recorded import Recorded

MOST_NEXT = 3
MOST_EVIDENCE = 20
_NTH = ("first", "second", "third", "fourth")


@dataclass(frozen=True)
class Told:
    """An answer: its sentence, whether it declines, its events (the most relevant first), room and assumptions."""

    text: str
    declined: bool = False
    events: tuple[RecordedEvent, ...] = ()
    room: RoomEstimate | None = None
    assumed: tuple[str, ...] = ()


def best_of(events: Sequence[RecordedEvent]) -> tuple[RecordedEvent, ...]:
    """The most relevant events first: long and sure ones."""
    return tuple(sorted(events, key=lambda event: -salience(event))[:MOST_EVIDENCE])


def noun(events: Sequence[RecordedEvent]) -> str:
    """What the events are called together."""
    labels = list(dict.fromkeys(event.label for event in events))
    return spoken_name(labels[0], "the") if len(labels) == 1 else "sounds"


def added(limits: Limited) -> str:
    """What a sentence adds about the time or room that a question is limited to."""
    return f" {limits.where}" if limits.limited else ""


def by_label(events: Sequence[RecordedEvent]) -> dict[str, list[RecordedEvent]]:
    """Events by class, the class that sounds longest first."""
    groups: dict[str, list[RecordedEvent]] = {}
    for event in events:
        groups.setdefault(event.label, []).append(event)
    return dict(sorted(groups.items(), key=lambda item: -sounding_s(item[1])))


def when(limits: Limited, events: Sequence[RecordedEvent], counted: bool = False) -> Told:
    """When each class sounds; ``counted``: and how many times."""
    groups = by_label(events)
    parts = []
    for label, members in list(groups.items())[:MOST_NEXT]:
        spans = passages(members)
        times = spans_text(spans)
        if counted and len(spans) <= MOST_TIMES:
            times = f"{len(spans)} time{'' if len(spans) == 1 else 's'}, {times}"
        parts.append(f"{spoken_name(label, 'the' if len(groups) == 1 else 'a')} {times}")
    more = ["other sounds"] * (len(groups) > MOST_NEXT)
    return Told(f"I hear {'; '.join(parts + more)}{added(limits)}.", events=best_of(events))


def what(limits: Limited, events: Sequence[RecordedEvent]) -> Told:
    """Which classes sound, and for how long."""
    groups = by_label(events)
    names = [f"{spoken_name(label, 'a')} ({length_text(sounding_s(members))})" for label, members in groups.items()]
    return Told(f"I hear {list_text(names)}{added(limits)}.", events=best_of(events))


def in_order(recorded: Recorded, asked: Asked, limits: Limited, events: Sequence[RecordedEvent]) -> Told | None:
    """The first, second, third or last sound (of a class), when, and where or how far it is."""
    assert asked.nth is not None
    spans = passages(events) if asked.label else None
    ordered = sorted(events, key=lambda e: e.evidence.end_s if asked.by_end else e.evidence.start_s)
    if spans is not None:  # of a class the passages are counted, not the words of a speech
        ordered = [min(events, key=lambda e, a=start: abs(e.evidence.start_s - a)) for start, _ in spans]  # type: ignore[misc]
    if not -len(ordered) <= asked.nth < len(ordered):
        noun = f" of {spoken_name(asked.label)}" if asked.label else ""
        return Told(f"I hear only {len(ordered)} sound{'' if len(ordered) == 1 else 's'}{noun}{added(limits)}.", True)
    chosen = ordered[asked.nth]
    start, end = spans[asked.nth] if spans is not None else (chosen.evidence.start_s, chosen.evidence.end_s)
    order = "last" if asked.nth == -1 else _NTH[asked.nth]
    name = spoken_name(asked.label) if asked.label else "sound"
    what = "" if asked.label else f" {spoken_name(chosen.label, 'a')},"
    ending = " to end" if asked.by_end else ""
    text = f"The {order} {name}{added(limits)}{ending} is{what} {span_text(start, end)}."
    for kind in dict.fromkeys(k for k in (asked.kind, asked.also) if k in ("where", "how_far")):
        text += f" {place_of(recorded, chosen, str(kind))}"
    return Told(text, events=(chosen,))


def in_relation(recorded: Recorded, scope: Scope, limits: Limited, events: Sequence[RecordedEvent]) -> Told:
    """What comes next after a sound, last before it, or in between."""
    assert scope.relation is not None
    turns = sorted(
        ((start, end, label) for label, members in by_label(events).items() for start, end in passages(members)),
        reverse=scope.relation.which == "before",
    )
    shown = turns[: MOST_NEXT if scope.relation.which in ("after", "before") else MOST_TIMES]
    parts = [f"{spoken_name(label, 'a')} {span_text(start, end)}" for start, end, label in shown]
    order = {"after": "next ", "before": "last "}.get(scope.relation.which, "")
    more = "; other sounds" if len(turns) > len(shown) else ""
    first = [e for e in events if any(e.label == label and s <= e.evidence.start_s <= t for s, t, label in shown)]
    where = f"{limits.where[0].upper()}{limits.where[1:]}"
    return Told(f"{where} I hear {order}{'; then '.join(parts) if order == 'next ' else '; '.join(parts)}{more}.",
                events=tuple(first[:MOST_EVIDENCE]))  # fmt: skip


def count(recorded: Recorded, limits: Limited, events: Sequence[RecordedEvent]) -> Told:
    """How many sources or talkers."""
    sources = {event.source for event in events}
    labels = {event.label for event in events}
    if labels == {"speech"}:
        talkers = len({event.talker for event in events})
        return Told(f"I hear {talkers} talker{'' if talkers == 1 else 's'}{added(limits)}.", events=best_of(events))
    plural = "" if len(sources) == 1 else "s"
    name = f" of {spoken_name(next(iter(labels)))}" if len(labels) == 1 else ""
    return Told(f"I hear {len(sources)} sound source{plural}{name}{added(limits)}.", events=best_of(events))


def most_at_once(events: Sequence[RecordedEvent]) -> int:
    """Most events that sound at the same time."""
    edges = sorted(
        [(e.evidence.start_s, 1) for e in events] + [(e.evidence.end_s, -1) for e in events], key=lambda x: (x[0], x[1])
    )
    most = now = 0
    for _, step in edges:
        now += step
        most = max(most, now)
    return most


def how_long(recorded: Recorded, limits: Limited, events: Sequence[RecordedEvent]) -> Told:
    """How long each class sounds in all, and each talker."""
    parts = [f"{spoken_name(label, 'a')} for {length_text(sounding_s(members))} in all"
             for label, members in list(by_label(events).items())[:MOST_NEXT]]  # fmt: skip
    speech = [event for event in events if event.label == "speech"]
    talkers = _talk_times(recorded, speech)
    told = f"; {_talkers_text(talkers)}" if len(talkers) > 1 else ""
    return Told(f"I hear {'; '.join(parts)}{added(limits)}{told}.", events=best_of(events))


def _talk_times(recorded: Recorded, speech: Sequence[RecordedEvent]) -> dict[int, float]:
    """Seconds by talker, the longest first."""
    times = {number: sounding_s([event for event in speech if event.talker == number]) for number in recorded.talkers}
    return dict(sorted(((n, s) for n, s in times.items() if s > 0), key=lambda item: -item[1]))


def _talkers_text(times: dict[int, float]) -> str:
    shown = [f"talker {number} {length_text(seconds)}" for number, seconds in list(times.items())[:MOST_TIMES]]
    return ", ".join(shown + ["others less"] * (len(times) > MOST_TIMES))


def who_most(recorded: Recorded, events: Sequence[RecordedEvent]) -> Told:
    """Which talker speaks most, for how long, and where."""
    times = _talk_times(recorded, events)
    most = next(iter(times))
    theirs = [event for event in events if event.talker == most]
    others = f"; {_talkers_text(dict(list(times.items())[1:]))}" if len(times) > 1 else ""
    return Told(f"Talker {most} speaks most, {length_text(times[most])}{others}. "
                f"{place_of(recorded, best_of(theirs)[0], 'where')}", events=best_of(theirs))  # fmt: skip


def which_part(limits: Limited, events: Sequence[RecordedEvent]) -> Told:
    """In which quarters events begin, and when first and last."""
    length = max(limits.end_s - limits.start_s, 1e-9)
    begin = [event.evidence.start_s for event in events]
    quarters = sorted({min(3, int(4 * (start - limits.start_s) / length)) for start in begin})
    names = list_text([_NTH[quarter] for quarter in quarters])
    plural = "" if len(quarters) == 1 else "s"
    where = f"in the {names} quarter{plural}" if len(quarters) < 4 else "in every quarter"
    return Told(f"I hear {noun(events)} {where}, {spans_text(passages(events))}.", events=best_of(events))


def which_room(recorded: Recorded, events: Sequence[RecordedEvent]) -> Told:
    """In which of the rooms events sound."""
    rooms = sorted({event.room for event in events})
    there = list_text([f"room {room + 1}" for room in rooms])
    of = "the only one I hear" if len(recorded.rooms) == 1 else f"of {len(recorded.rooms)}"
    return Told(f"I hear {noun(events)} in {there}, {of}; {spans_text(passages(events))}.", events=best_of(events))
