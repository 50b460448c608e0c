"""Yes or no to what a question asks to confirm (``model.claims``), first, and then the numbers that it rests on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from spatial_lalm.audio import telling
from spatial_lalm.audio.conventions import unit_vector
from spatial_lalm.audio.scene import Scene, SourceEvent
from spatial_lalm.audio.wording import LIMITS, Spatial, is_plural, lateral_words, spoken_name, whole_degrees
from spatial_lalm.model.claims import About, Claim, Pair
from spatial_lalm.model.plain_answers import Told, absence, event_times, leftness, sources

_Measure = tuple[Callable[[SourceEvent], float], Callable[[SourceEvent], str], str]
"""What is compared, how it is told, and the verb before it."""
_MEASURES: dict[About, _Measure] = {
    "distance": (lambda event: event.distance_m, lambda event: f"{event.distance_m:.1f} m away", "is"),
    "elevation": (lambda event: event.elevation_deg, lambda e: f"at elevation {whole_degrees(e.elevation_deg)}°", "is"),
    "duration": (lambda e: e.offset_s - e.onset_s, lambda e: f"{e.offset_s - e.onset_s:.1f} s", "lasts"),
    "onset": (lambda event: event.onset_s, lambda event: f"at {event.onset_s:.1f} s", "begins"),
    "leftness": (leftness, lambda event: f"at azimuth {whole_degrees(event.azimuth_deg)}°", "is"),
}
_NEEDS: dict[About, tuple[Spatial, ...]] = {
    "elevation": ("full",),
    "leftness": ("full", "planar", "lateral"),
    "same_side": ("full", "planar", "lateral"),
}


def verdict(scene: Scene, claim: Claim, spatial: Spatial, where: str) -> Told:
    """Yes or no, and the numbers; declined where a sound is not heard or the channels cannot tell."""
    if missing := [label for label in claim.labels if all(event.label != label for event in scene.events)]:
        return absence(missing[0], where), True
    if spatial not in _NEEDS.get(claim.about, (spatial,)):
        return f"I cannot tell: {LIMITS.get(spatial, 'a mono recording carries no direction')}.", True
    if not scene.events:
        return telling.NOTHING, True
    firsts = [next(event for event in _by_onset(scene) if event.label == label) for label in claim.labels]
    match claim.about:
        case "same_side":
            return _same_side(firsts)
        case "at_once":
            return _at_once(scene, claim.labels)
        case "counts":
            return _counts(scene, claim)
        case "t60" | "volume" | "sounds":
            return _of_scene(scene, claim)
    return _of_measure(claim, firsts)


def _by_onset(scene: Scene) -> list[SourceEvent]:
    return sorted(scene.events, key=lambda event: event.onset_s)


def _said(holds: bool, rest: str) -> Told:
    return f"{'Yes' if holds else 'No'}: {rest}.", False


def _of_measure(claim: Claim, events: Sequence[SourceEvent]) -> Told:
    value, told, verb = _MEASURES[claim.about]
    limit = claim.limit if len(events) == 1 else value(events[1])
    subject = events[0].label
    verb = {"is": "are"}.get(verb, verb.removesuffix("s")) if is_plural(subject) else verb
    rest = f"the {spoken_name(subject)} {verb} {told(events[0])}"
    if len(events) > 1:
        rest += f", the {spoken_name(events[1].label)} {told(events[1])}"
    return _said((value(events[0]) - limit) * claim.sign > 0, rest)


def _same_side(events: Sequence[SourceEvent]) -> Told:
    sides = [lateral_words(event.azimuth_deg, event.elevation_deg) for event in events]
    places = ["in the middle" if side == "middle" else f"on the {side}" for side in sides]
    names = [f"the {spoken_name(event.label)}" for event in events]
    if sides[0] == sides[1]:
        return _said(True, f"{names[0]} and {names[1]} are both {places[0]}")
    return _said(
        False, f"{names[0]} {'are' if is_plural(events[0].label) else 'is'} {places[0]}, {names[1]} {places[1]}"
    )


def _at_once(scene: Scene, labels: Sequence[str]) -> Told:
    first, second = ([event for event in scene.events if event.label == label] for label in labels)
    common = any(min(a.offset_s, b.offset_s) > max(a.onset_s, b.onset_s) for a in first for b in second)
    told = [
        f"the {spoken_name(label)} {event_times(events)}" for label, events in zip(labels, (first, second), strict=True)
    ]
    return _said(common, f"I hear {told[0]}, {told[1]}")


def _counts(scene: Scene, claim: Claim) -> Told:
    counts = [sum(source.label == label for source in sources(scene)) for label in claim.labels]
    difference = counts[0] - counts[1]
    plural = "" if counts[0] == 1 else "s"
    first, second = (spoken_name(label) for label in claim.labels)
    rest = f"I hear {counts[0]} source{plural} of {first} and {counts[1]} of {second}"
    return _said(difference == 0 if claim.sign == 0 else difference * claim.sign > 0, rest)


def _of_scene(scene: Scene, claim: Claim) -> Told:
    """The reverberation time, the volume or the number of sounds against a limit, in their canonical sentences."""
    if claim.about == "sounds":
        value, told = float(len(sources(scene))), telling.tell(scene, "count_in_all")
    elif claim.about == "volume":
        value, told = scene.room.volume_m3, telling.tell(scene, "room_size")
    else:
        assert scene.acoustics is not None  # hearing always estimates them
        value, told = scene.acoustics.t60_s, telling.tell(scene, "reverberation")
    return _said((value - claim.limit) * claim.sign > 0, f"{told[0].lower()}{told[1:].removesuffix('.')}")


# ---------------------------------------------------------------- one of two sides

_SAID = {"left": "On the left", "right": "On the right", "front": "In front of you", "back": "Behind you",
         "above": "Above you", "below": "Below you"}  # fmt: skip
_AXIS = {"front": 0, "left": 1, "above": 2}
_TELLS: dict[str, tuple[Spatial, ...]] = {
    "front": ("full", "planar"), "left": ("full", "planar", "lateral"), "above": ("full",),
}  # fmt: skip
"""The axis between two sides by the first of them, and what channels must tell for it."""


def either(scene: Scene, pair: Pair, spatial: Spatial, where: str) -> Told:
    """On which of two opposite sides a sound is, of the listener or of another sound, and where."""
    first, second = pair.sides
    events = [event for event in _by_onset(scene) if event.label == pair.subject]
    for label in (pair.subject, pair.other):
        if label and all(event.label != label for event in scene.events):
            return absence(label, where), True
    if spatial not in _TELLS[first]:
        return f"I cannot tell: {LIMITS.get(spatial, 'a mono recording carries no direction')}.", True
    if pair.other is not None:
        other = next(event for event in _by_onset(scene) if event.label == pair.other)
        side = first if leftness(events[0]) > leftness(other) else second
        be = "are" if is_plural(pair.subject) else "is"
        at = [f"azimuth {whole_degrees(event.azimuth_deg)}°" for event in (events[0], other)]
        name, than = spoken_name(pair.subject, "the"), spoken_name(pair.other, "the")
        return f"{name[0].upper()}{name[1:]} {be} to the {side} of {than}: {at[0]} against {at[1]}.", False
    told = telling.tell(scene, "where", pair.subject, spatial)
    along = {float(unit_vector(e.azimuth_deg, e.elevation_deg)[_AXIS[first]]) > 0 for e in events}
    if len(along) > 1 or told.startswith("I "):
        return told, False
    return f"{_SAID[first if along.pop() else second]}: {told[0].lower()}{told[1:]}", False
