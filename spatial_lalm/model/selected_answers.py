"""Sentences about the sound that a question picks out (``model.selection``) among those that were heard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from spatial_lalm.audio import telling
from spatial_lalm.audio.scene import Scene, SourceEvent
from spatial_lalm.audio.wording import LIMITS, Spatial, is_plural, list_text, spoken_name, whole_degrees
from spatial_lalm.model.plain_answers import (
    AS_EARLY_S,
    AS_FAR,
    Told,
    absence,
    event_times,
    leftness,
    on_the_side,
    referred,
    sounds,
)
from spatial_lalm.model.selection import Rank, Selection

LATER_S = 0.05
"""What begins so much after another begins after it: half a frame."""


def _lasts_s(event: SourceEvent) -> float:
    return event.offset_s - event.onset_s


def _told_length(event: SourceEvent) -> str:
    return f"{_lasts_s(event):.1f} s"


def _told_distance(event: SourceEvent) -> str:
    return f"{event.distance_m:.1f} m"


def _told_azimuth(event: SourceEvent) -> str:
    return f"azimuth {whole_degrees(event.azimuth_deg)}°"


def _told_elevation(event: SourceEvent) -> str:
    return f"elevation {whole_degrees(event.elevation_deg)}°"


_Measure = tuple[Callable[[SourceEvent], float], Callable[[SourceEvent], str], float]
"""What is compared (the greatest wins), how it is told, and the ratio within which two are told as alike."""
_MEASURES: dict[Rank, _Measure] = {
    "longest": (_lasts_s, _told_length, 1.1),
    "shortest": (lambda event: -_lasts_s(event), _told_length, 1.1),
    "nearest": (lambda event: -event.distance_m, _told_distance, AS_FAR),
    "farthest": (lambda event: event.distance_m, _told_distance, AS_FAR),
    "leftmost": (leftness, _told_azimuth, 1.0),
    "rightmost": (lambda event: -leftness(event), _told_azimuth, 1.0),
    "highest": (lambda event: event.elevation_deg, _told_elevation, 1.0),
    "lowest": (lambda event: -event.elevation_deg, _told_elevation, 1.0),
}
_NEEDS: dict[Rank, tuple[Spatial, ...]] = {
    "leftmost": ("full", "planar", "lateral"),
    "rightmost": ("full", "planar", "lateral"),
    "highest": ("full",),
    "lowest": ("full",),
}
"""What the channels must tell of direction."""
_ADVERBS: dict[Rank, str] = {"leftmost": "furthest left", "rightmost": "furthest right"}


def selected(scene: Scene, wanted: Selection, spatial: Spatial, where: str) -> Told:
    """The sentence about the sound that was picked; ``where`` is the part of the recording that is told of."""
    heard = {event.label for event in scene.events}
    references = [reference.label for reference in (wanted.to, wanted.until) if reference]
    if missing := [label for label in (*references, *wanted.among) if label not in heard]:
        return absence(missing[0], where), True
    if spatial not in _NEEDS.get(wanted.by, (spatial,)) or (
        spatial == "none" and (wanted.side or wanted.fact == "where")
    ):
        limit = LIMITS.get(spatial, "a mono recording carries no direction")
        return f"I cannot tell: {limit}.", True
    there = on_the_side(scene, wanted.side) if wanted.side else scene
    events = [event for event in there.events if not wanted.among or event.label in wanted.among]
    if wanted.by in _MEASURES:
        return _by_measure(scene, wanted, events, spatial)
    if wanted.by == "side":
        return _on_side(wanted, events)
    if wanted.by in ("first", "second"):
        return _in_turn(scene, wanted, events, spatial)
    return _by_time(scene, wanted, events, spatial)


# ---------------------------------------------------------------- by a measure


def _by_measure(scene: Scene, wanted: Selection, events: Sequence[SourceEvent], spatial: Spatial) -> Told:
    """The longest, nearest, ... and by what; the next one's measure where the two are about alike."""
    if not events:
        return f"I hear nothing {_place(wanted.side)}.", False
    value, told, alike = _MEASURES[wanted.by]
    ranked = sorted(events, key=value, reverse=True)
    best = ranked[0]
    if wanted.fact is not None:
        return _fact(scene, wanted.fact, [best], spatial)
    name, be = spoken_name(best.label), "are" if is_plural(best.label) else "is"
    if len(ranked) == 1:
        return f"I hear only the {name}{_aside(wanted.side)}: {told(best)}, {event_times([best])}.", False
    text = f"The {_in_full(scene, best)} {be} {_ADVERBS.get(wanted.by, f'the {wanted.by}')}"
    away = " away" if wanted.by in ("nearest", "farthest") else ""
    own, other = abs(value(best)), abs(value(ranked[1]))
    if max(own, other) <= alike * min(own, other):
        return f"{text}, {told(best)}{away}, but only just: {told(ranked[1])} for the next.", False
    return f"{text}, {told(best)}{away}; {told(ranked[1])} for the next.", False


def _on_side(wanted: Selection, events: Sequence[SourceEvent]) -> Told:
    """Which of the named sounds are on a side."""
    labels = list(dict.fromkeys(event.label for event in events))
    if not labels:
        return f"Neither of them is {_place(wanted.side)}.", False
    names = list_text([f"the {spoken_name(label)}" for label in labels])
    be = "are" if len(labels) > 1 or is_plural(labels[0]) else "is"
    return f"{_capital(names)} {be} {_place(wanted.side)}.", False


# ---------------------------------------------------------------- by time


def _in_turn(scene: Scene, wanted: Selection, events: Sequence[SourceEvent], spatial: Spatial) -> Told:
    """Which of the named sounds begins (or ends) first or second."""

    def moment(event: SourceEvent) -> float:
        return event.offset_s if wanted.by_end else event.onset_s

    ends: dict[str, SourceEvent] = {}
    for event in sorted(events, key=moment, reverse=wanted.by_end):
        ends.setdefault(event.label, event)
    ordered = sorted(ends.values(), key=moment)
    chosen = ordered[0] if wanted.by == "first" else ordered[-1]
    if wanted.fact is not None:
        return _fact(scene, wanted.fact, [chosen], spatial)
    verb = _verb("end" if wanted.by_end else "begin", chosen.label)
    text = f"The {spoken_name(chosen.label)} {verb} {wanted.by}, at {moment(chosen):.1f} s"
    other = ordered[-1] if wanted.by == "first" else ordered[0]
    close = abs(moment(other) - moment(chosen)) < AS_EARLY_S and len(ordered) > 1
    return f"{text}, but only just: the other at {moment(other):.1f} s." if close else f"{text}.", False


def _by_time(scene: Scene, wanted: Selection, events: Sequence[SourceEvent], spatial: Spatial) -> Told:
    """What begins next, before, between, or sounds during another."""
    assert wanted.to is not None
    to, until = referred(scene, wanted.to), referred(scene, wanted.until) if wanted.until else None
    if to is None or (wanted.until and until is None):
        lacking = wanted.to if to is None else wanted.until
        assert lacking is not None
        count = sum(event.label == lacking.label for event in scene.events)
        return f"I hear only {sounds(count, lacking.label)}.", True
    found = _neighbours(wanted.by, events, to, until)
    if wanted.by == "while":
        names = list_text([spoken_name(label, "a") for label in dict.fromkeys(event.label for event in found)])
        if found and wanted.fact is not None:
            return _fact(scene, wanted.fact, found, spatial)
        return f"I hear {names} with it." if names else "I hear nothing else.", False
    name, aside = f"the {spoken_name(to.label)}", _aside(wanted.side)
    if not found:
        edge = {"next": f"after {name}", "previous": f"before {name}"}.get(wanted.by, "between the two")
        return f"I hear nothing begin {edge}{aside}.", False
    if wanted.fact is not None:
        return _fact(scene, wanted.fact, found, spatial)
    names = list_text([spoken_name(label, "the") for label in dict.fromkeys(event.label for event in found)])
    verb = "begin" if len(found) > 1 else _verb("begin", found[0].label)
    how = {"next": "next", "previous": "last before it"}.get(wanted.by, "between them")
    return f"{_capital(names)} {verb} {how}{aside}, {event_times(found)}.", False


def _neighbours(
    by: Rank, events: Sequence[SourceEvent], to: SourceEvent, until: SourceEvent | None
) -> list[SourceEvent]:
    """Events that begin next to another (several, if at about the same time), between two, or sound during one."""
    others = sorted((event for event in events if event is not to and event is not until), key=lambda e: e.onset_s)
    if by == "while":
        return [e for e in others if e.label != to.label and min(e.offset_s, to.offset_s) > max(e.onset_s, to.onset_s)]
    later = [event for event in others if event.onset_s > to.onset_s + LATER_S]
    earlier = [event for event in others if event.onset_s < to.onset_s - LATER_S]
    if until is not None:
        low, high = sorted((to.onset_s, until.onset_s))
        return [event for event in others if low < event.onset_s < high]
    near = later[:1] if by == "next" else earlier[-1:]
    return [event for event in (later if by == "next" else earlier) if abs(event.onset_s - near[0].onset_s) < LATER_S]


# ---------------------------------------------------------------- words


_ORDINALS = ("first", "second", "third", "fourth")


def _in_full(scene: Scene, event: SourceEvent) -> str:
    """The name of an event, told from others of its class by its order: ``second click``, ``first stretch of rain``."""
    alike = sorted(one.onset_s for one in scene.events if one.label == event.label)
    name, place = spoken_name(event.label), alike.index(event.onset_s)
    if len(alike) == 1 or place >= len(_ORDINALS):
        return name
    return f"{_ORDINALS[place]} {name if spoken_name(event.label, 'a') != name else f'stretch of {name}'}"


def _fact(scene: Scene, fact: str, events: Sequence[SourceEvent], spatial: Spatial) -> Told:
    """Where, how far or when the sound is that was picked."""
    labels = {event.label for event in events}
    shown = replace(scene, events=tuple(events))
    return telling.tell(shown, fact, labels.pop() if len(labels) == 1 else None, spatial), False


def _place(side: str | None) -> str:
    return {None: "there", "above": "above", "below": "below", "back": "behind", "front": "in front"}.get(
        side, f"on the {side}"
    )


def _aside(side: str | None) -> str:
    return f" {_place(side)}" if side else ""


def _verb(verb: str, label: str) -> str:
    return verb if is_plural(label) else f"{verb}s"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
