"""Answers about hours: the events that a question is about, and sentences about them with times as ``hh:mm:ss``.

Times are told as passages: what sounds again within ``PAUSE_S`` goes on. Kinds that these sentences do not know
(directions, distances, sides, comparison, what cannot be told) are grounded as those of any recording.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from spatial_lalm.audio.wording import list_text, reverberation_words, room_text, spoken_name, whole_decibels
from spatial_lalm.model.answers import RoomEstimate
from spatial_lalm.model.grounding import Part, ground
from spatial_lalm.model.plain_answers import absence, nothing
from spatial_lalm.model.question import Asked, read_question
from spatial_lalm.model.recorded import RecordedEvent, salience, sounding_s
from spatial_lalm.model.recorded_question import Reference, Scope, read_scope

if TYPE_CHECKING:
    from spatial_lalm.model.loading import SpatialLalm
    from spatial_lalm.model.recorded import Recorded

Model = Callable[[], "SpatialLalm"]
Spans = list[tuple[float, float]]

PAUSE_S = 3.0
MOST_TIMES = 4
"""Passages told one by one; of more the first three and the last."""
MOST_NEXT = 3
MOST_EVIDENCE = 20
ROOMS = frozenset({"reverberation", "drr", "clarity", "room_size"})
_NTH = ("first", "second", "third", "fourth")
_MAY_BE_TOLD = frozenset({None, "what", "when"})
BY_DIRECTION = "talkers: told apart by direction alone, not by voice"


@dataclass(frozen=True)
class Told:
    """An answer: its sentence, whether it declines, its events (the most relevant first), room and assumptions."""

    text: str
    declined: bool = False
    events: tuple[RecordedEvent, ...] = ()
    room: RoomEstimate | None = None
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limited:
    """What a question is about: events from ``start_s`` to ``end_s``, and ``where`` that is in words."""

    events: tuple[RecordedEvent, ...]
    start_s: float
    end_s: float
    where: str
    limited: bool = True


# ---------------------------------------------------------------- times in words


def clock(seconds: float) -> str:
    """``hh:mm:ss`` of a moment, rounded down."""
    whole = int(seconds + 1e-6)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def span_text(start_s: float, end_s: float) -> str:
    """``from 00:01:02 to 00:01:05``, or ``at 00:01:02`` within one second."""
    first, last = clock(start_s), clock(end_s)
    return f"at {first}" if first == last else f"from {first} to {last}"


def clocked(text: str) -> str:
    """A sentence with its times in seconds as ``hh:mm:ss``."""
    number = r"(\d+\.\d) s\b"
    text = re.sub(rf"\bfrom {number} to {number}", lambda found: span_text(float(found[1]), float(found[2])), text)
    return re.sub(rf"\b(at|between|and|to|from) {number}", lambda found: f"{found[1]} {clock(float(found[2]))}", text)


def length_text(seconds: float) -> str:
    """``42 s``, ``3 min 5 s`` or ``1 h 2 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s" if whole >= 10 else f"{seconds:.1f} s"
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole // 60 % 60} min"


def passages(events: Sequence[RecordedEvent], pause_s: float = PAUSE_S) -> Spans:
    """When any of the events sound, in order, pauses of up to ``pause_s`` closed."""
    found: Spans = []
    for start, end in sorted((e.evidence.start_s, e.evidence.end_s) for e in events):
        if found and start <= found[-1][1] + pause_s:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def spans_text(spans: Spans) -> str:
    """Passages in words; of more than four the first three, the last, and how many."""
    if len(spans) <= MOST_TIMES:
        return list_text([span_text(*span) for span in spans])
    first = ", ".join(span_text(*span) for span in spans[:3])
    return f"{len(spans)} times: {first}, and last {span_text(*spans[-1])}"


# ---------------------------------------------------------------- what a question is about


def _limit(recorded: Recorded, scope: Scope, asked: Asked) -> Limited | str:
    """The events of a question's scope; a sentence where it refers to what was not heard."""
    start, end, where = recorded.start_s, recorded.end_s, "in this recording" if recorded.part.whole else "in this part"
    events = recorded.spoken
    if scope.talker is not None:
        sources = [source for source, number in recorded.talkers.items() if number == scope.talker]
        if not sources:
            return f"I hear only {len(recorded.talkers)} talkers." if recorded.talkers else absence("speech", where)
        events = tuple(event for event in events if event.source == sources[0])
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
    there = tuple(e for e in events if _within(e, start, end, whole=scope.relation is not None))
    return Limited(there, start, end, where, (start, end) != (recorded.start_s, recorded.end_s))


def _within(event: RecordedEvent, start_s: float, end_s: float, whole: bool) -> bool:
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
    events = [e for e in recorded.spoken if e.label == reference.label and _within(e, low, high, False)]
    spans = passages(events)
    return spans[reference.nth] if -len(spans) <= reference.nth < len(spans) else None


# ---------------------------------------------------------------- answers


def answer(recorded: Recorded, question: str, model: Model | None) -> Told:
    """The answer to a question; see ``Recorded.ask``."""
    scope = read_scope(question)
    asked = read_question(scope.rest)
    deaf = recorded.doubt is not None and recorded.doubt.deaf
    if scope.topic == "rooms" and not deaf:
        return _rooms(recorded)
    limits = _limit(recorded, scope, asked)
    if isinstance(limits, str):
        return Told(limits, True)
    out_of_range = asked.span is not None and asked.span.within(recorded.start_s, recorded.end_s) is None
    if not (deaf or out_of_range or asked.kind == "cannot" or asked.unknown):
        told = _own(recorded, scope, asked, limits)
        if told is not None:
            by_talkers = "talker" in told.text
            return replace(
                told,
                room=recorded.room_at(limits.start_s, limits.end_s),
                assumed=(BY_DIRECTION,) if by_talkers else (),
            )
    return _grounded(recorded, scope, asked, limits, model)


def _own(recorded: Recorded, scope: Scope, asked: Asked, limits: Limited) -> Told | None:
    """Answers about times, counts, order and durations; None for other kinds."""
    if asked.kind in ROOMS:
        several = len(recorded.rooms) > 1 and not limits.limited
        return _room_by_room(recorded, asked.kind) if several else None
    related = scope.relation is not None and asked.kind in _MAY_BE_TOLD and scope.topic is None
    labels = set(asked.labels) or ({asked.label} if asked.label and not asked.several else set())
    events = tuple(e for e in limits.events if not labels or e.label in labels)
    plain = asked.compared is None and asked.side is None
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
        return _nth(recorded, asked, limits, events)
    if related:
        return _in_relation(recorded, scope, limits, events)
    if asked.kind == "count_in_all":
        return _count(recorded, limits, events)
    if asked.kind == "count_at_once":
        most = _most_at_once(limits.events)
        be = "sound is" if most == 1 else "sounds are"
        return Told(f"At most {most} {be} heard at the same time.", events=_best(limits.events))
    return _what(limits, events) if asked.kind == "what" else _when(limits, events)


def _topic(recorded: Recorded, scope: Scope, asked: Asked, limits: Limited, events: Sequence[RecordedEvent]) -> Told:
    if scope.topic == "occurrences":
        return _when(limits, events, counted=True)
    if scope.topic == "which_room":
        return _which_room(recorded, events)
    if scope.topic == "which_part":
        return _which_part(limits, events)
    if scope.topic == "who_most":
        events = tuple(event for event in events if event.label == "speech")
        return _who_most(recorded, events) if events else Told(absence("speech", limits.where), True)
    return _how_long(recorded, limits, events)


def _best(events: Sequence[RecordedEvent]) -> tuple[RecordedEvent, ...]:
    """The most relevant events first: long and sure ones."""
    return tuple(sorted(events, key=lambda event: -salience(event))[:MOST_EVIDENCE])


def _noun(events: Sequence[RecordedEvent]) -> str:
    """What the events are called together."""
    labels = list(dict.fromkeys(event.label for event in events))
    return spoken_name(labels[0], "the") if len(labels) == 1 else "sounds"


def _added(limits: Limited) -> str:
    return f" {limits.where}" if limits.limited else ""


def _by_label(events: Sequence[RecordedEvent]) -> dict[str, list[RecordedEvent]]:
    """Events by class, the class that sounds longest first."""
    groups: dict[str, list[RecordedEvent]] = {}
    for event in events:
        groups.setdefault(event.label, []).append(event)
    return dict(sorted(groups.items(), key=lambda item: -sounding_s(item[1])))


def _when(limits: Limited, events: Sequence[RecordedEvent], counted: bool = False) -> Told:
    groups = _by_label(events)
    parts = []
    for label, members in list(groups.items())[:MOST_NEXT]:
        spans = passages(members)
        times = spans_text(spans)
        if counted and len(spans) <= MOST_TIMES:
            times = f"{len(spans)} time{'' if len(spans) == 1 else 's'}, {times}"
        parts.append(f"{spoken_name(label, 'the' if len(groups) == 1 else 'a')} {times}")
    more = ["other sounds"] * (len(groups) > MOST_NEXT)
    return Told(f"I hear {'; '.join(parts + more)}{_added(limits)}.", events=_best(events))


def _what(limits: Limited, events: Sequence[RecordedEvent]) -> Told:
    groups = _by_label(events)
    names = [f"{spoken_name(label, 'a')} ({length_text(sounding_s(members))})" for label, members in groups.items()]
    return Told(f"I hear {list_text(names)}{_added(limits)}.", events=_best(events))


def _nth(recorded: Recorded, asked: Asked, limits: Limited, events: Sequence[RecordedEvent]) -> Told | None:
    """The first, second, third or last sound (of a class), when, and where or how far it is."""
    assert asked.nth is not None
    spans = passages(events) if asked.label else None
    ordered = sorted(events, key=lambda e: e.evidence.end_s if asked.by_end else e.evidence.start_s)
    if spans is not None:  # of a class the passages are counted, not the words of a speech
        ordered = [min(events, key=lambda e, a=start: abs(e.evidence.start_s - a)) for start, _ in spans]  # type: ignore[misc]
    if not -len(ordered) <= asked.nth < len(ordered):
        noun = f" of {spoken_name(asked.label)}" if asked.label else ""
        return Told(f"I hear only {len(ordered)} sound{'' if len(ordered) == 1 else 's'}{noun}{_added(limits)}.", True)
    chosen = ordered[asked.nth]
    start, end = spans[asked.nth] if spans is not None else (chosen.evidence.start_s, chosen.evidence.end_s)
    order = "last" if asked.nth == -1 else _NTH[asked.nth]
    name = spoken_name(asked.label) if asked.label else "sound"
    what = "" if asked.label else f" {spoken_name(chosen.label, 'a')},"
    ending = " to end" if asked.by_end else ""
    text = f"The {order} {name}{_added(limits)}{ending} is{what} {span_text(start, end)}."
    for kind in dict.fromkeys(k for k in (asked.kind, asked.also) if k in ("where", "how_far")):
        text += f" {_place_of(recorded, chosen, str(kind))}"
    return Told(text, events=(chosen,))


def _place_of(recorded: Recorded, event: RecordedEvent, kind: str) -> str:
    question = "where is the sound" if kind == "where" else "how far is the sound"
    return _ground("", question, recorded, (event,), recorded.part)[0]


def _in_relation(recorded: Recorded, scope: Scope, limits: Limited, events: Sequence[RecordedEvent]) -> Told:
    """What comes next after a sound, last before it, or in between."""
    assert scope.relation is not None
    turns = sorted(
        ((start, end, label) for label, members in _by_label(events).items() for start, end in passages(members)),
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


def _count(recorded: Recorded, limits: Limited, events: Sequence[RecordedEvent]) -> Told:
    sources = {event.source for event in events}
    labels = {event.label for event in events}
    plural = "" if len(sources) == 1 else "s"
    if labels == {"speech"}:
        return Told(f"I hear {len(sources)} talker{plural}{_added(limits)}.", events=_best(events))
    name = f" of {spoken_name(next(iter(labels)))}" if len(labels) == 1 else ""
    return Told(f"I hear {len(sources)} sound source{plural}{name}{_added(limits)}.", events=_best(events))


def _most_at_once(events: Sequence[RecordedEvent]) -> int:
    edges = sorted(
        [(e.evidence.start_s, 1) for e in events] + [(e.evidence.end_s, -1) for e in events], key=lambda x: (x[0], x[1])
    )
    most = now = 0
    for _, step in edges:
        now += step
        most = max(most, now)
    return most


def _how_long(recorded: Recorded, limits: Limited, events: Sequence[RecordedEvent]) -> Told:
    parts = [f"{spoken_name(label, 'a')} for {length_text(sounding_s(members))} in all"
             for label, members in list(_by_label(events).items())[:MOST_NEXT]]  # fmt: skip
    speech = [event for event in events if event.label == "speech"]
    talkers = _talk_times(recorded, speech)
    told = f"; {_talkers_text(talkers)}" if len(talkers) > 1 else ""
    return Told(f"I hear {'; '.join(parts)}{_added(limits)}{told}.", events=_best(events))


def _talk_times(recorded: Recorded, speech: Sequence[RecordedEvent]) -> dict[int, float]:
    """Seconds by talker, the longest first."""
    times = {
        number: sounding_s([event for event in speech if event.source == source])
        for source, number in recorded.talkers.items()
    }
    return dict(sorted(((n, s) for n, s in times.items() if s > 0), key=lambda item: -item[1]))


def _talkers_text(times: dict[int, float]) -> str:
    shown = [f"talker {number} {length_text(seconds)}" for number, seconds in list(times.items())[:MOST_TIMES]]
    return ", ".join(shown + ["others less"] * (len(times) > MOST_TIMES))


def _who_most(recorded: Recorded, events: Sequence[RecordedEvent]) -> Told:
    times = _talk_times(recorded, events)
    most = next(iter(times))
    theirs = [event for event in events if recorded.talkers[event.source] == most]
    others = f"; {_talkers_text(dict(list(times.items())[1:]))}" if len(times) > 1 else ""
    return Told(f"Talker {most} speaks most, {length_text(times[most])}{others}. "
                f"{_place_of(recorded, _best(theirs)[0], 'where')}", events=_best(theirs))  # fmt: skip


def _which_part(limits: Limited, events: Sequence[RecordedEvent]) -> Told:
    """In which quarters events begin, and when first and last."""
    length = max(limits.end_s - limits.start_s, 1e-9)
    begin = [event.evidence.start_s for event in events]
    quarters = sorted({min(3, int(4 * (start - limits.start_s) / length)) for start in begin})
    names = list_text([_NTH[quarter] for quarter in quarters])
    plural = "" if len(quarters) == 1 else "s"
    where = f"in the {names} quarter{plural}" if len(quarters) < 4 else "in every quarter"
    return Told(f"I hear {_noun(events)} {where}, {spans_text(passages(events))}.", events=_best(events))


def _which_room(recorded: Recorded, events: Sequence[RecordedEvent]) -> Told:
    rooms = sorted({event.room for event in events})
    there = list_text([f"room {room + 1}" for room in rooms])
    of = "the only one I hear" if len(recorded.rooms) == 1 else f"of {len(recorded.rooms)}"
    return Told(f"I hear {_noun(events)} in {there}, {of}; {spans_text(passages(events))}.", events=_best(events))


# ---------------------------------------------------------------- rooms


def _rooms(recorded: Recorded) -> Told:
    if not recorded.rooms:
        return Told(nothing("in this recording"), True)
    if len(recorded.rooms) == 1:
        return Told(f"I hear one room throughout: {_room_words(recorded.rooms[0].room)}.", room=recorded.rooms[0].room)
    parts = [
        f"room {n} {span_text(r.start_s, r.end_s)}, {_room_words(r.room)}"
        for n, r in enumerate(recorded.rooms, start=1)
    ]
    return Told(f"I hear {len(parts)} rooms: {'; '.join(parts)}.", room=recorded.rooms[0].room)


def _room_words(room: RoomEstimate) -> str:
    t60 = room.t60_s.value
    return f"{reverberation_words(t60)}, T60 {t60:.2f} s, {room_text(room.volume_m3.value)}"


def _room_by_room(recorded: Recorded, kind: str) -> Told:
    """One quantity in every room."""
    parts = [f"{_quantity(part.room, kind)} {span_text(part.start_s, part.end_s)}" for part in recorded.rooms]
    first = {"reverberation": "The reverberation time T60 is", "drr": "The direct-to-reverberant ratio is",
             "clarity": "The clarity C50 is", "room_size": "The rooms are"}[kind]  # fmt: skip
    return Told(f"{first} {'; '.join(parts)}.", room=recorded.rooms[0].room)


def _quantity(room: RoomEstimate, kind: str) -> str:
    if kind == "room_size":
        return room_text(room.volume_m3.value)
    if kind == "reverberation":
        return f"{room.t60_s.value:.2f} s"
    return f"{whole_decibels((room.drr_db if kind == 'drr' else room.c50_db).value)} dB"


# ---------------------------------------------------------------- by the rules of any answer


def _grounded(recorded: Recorded, scope: Scope, asked: Asked, limits: Limited, model: Model | None) -> Told:
    open_kind = asked.kind is None and asked.english and not asked.side and model is not None
    said = "" if not open_kind or model is None else _said(recorded, scope.rest, limits, model())
    part = recorded.part
    if limits.limited and asked.span is None:
        part = Part(limits.start_s, limits.end_s, False, recorded.doubt)
    text, declined = _ground(said, scope.rest, recorded, limits.events, part)
    labels = {*asked.labels, *([asked.label] if asked.label else [])}
    events = [event for event in limits.events if not labels or event.label in labels]
    room = recorded.room_at(limits.start_s, limits.end_s)
    return Told(text, declined, _best(events), room)


def _ground(
    said: str, question: str, recorded: Recorded, events: Sequence[RecordedEvent], part: Part
) -> tuple[str, bool]:
    room = recorded.room_at(max(part.start_s, recorded.start_s), min(part.end_s, recorded.end_s))
    heard, scene = recorded.heard(events, room)
    text, declined = ground(said, question, heard, part, scene)
    return clocked(text), declined


MOST_WINDOWS = 7
"""Windows that the language model reads where a question's words leave its kind open: as many as it was trained on."""


def _said(recorded: Recorded, question: str, limits: Limited, heard_by: SpatialLalm) -> str:
    """What the language model says of the windows in which most sounds, by their tokens in the file."""
    import torch

    from spatial_lalm.memory.segments import SegmentSummary
    from spatial_lalm.memory.store import MemoryFile
    from spatial_lalm.model.analysis import model_digest

    if model_digest(heard_by) != recorded.notes["model"]["sha256"]:
        return ""  # another model cannot read these tokens
    with MemoryFile(recorded.path) as file:
        starts = file.table("segments/start_s")
        length = float(recorded.notes["window_s"])
        sound = [
            sum(max(0.0, min(e.evidence.end_s, s + length) - max(e.evidence.start_s, s)) for e in limits.events)
            for s in starts.tolist()
        ]
        rows = sorted(sorted(range(len(starts)), key=lambda row: -sound[row])[:MOST_WINDOWS])
        tokens = [torch.from_numpy(file.table(f"segments/{name}")[rows]).float() for name in ("hidden", "numbers")]
    with torch.inference_mode():
        audio = heard_by.model.multi_modal_projector(SegmentSummary(*tokens)).flatten(0, 1)
    return heard_by.say(question, audio, [float(starts[row]) for row in rows])
