"""Sentences that answers need and training does not teach: reasons for declining, order, comparison, counts, doubt.

They stand beside the canonical sentences of ``audio.telling`` and speak of the same scene graph.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from spatial_lalm.audio import telling
from spatial_lalm.audio.conventions import angle_between, unit_vector
from spatial_lalm.audio.scene import OCTAVES_HZ, Acoustics, Scene, SourceEvent
from spatial_lalm.audio.wording import (
    LIMITS,
    OCTANTS,
    Spatial,
    azimuth_words,
    is_plural,
    list_text,
    on_side,
    spoken_name,
    times_text,
)
from spatial_lalm.model.question import Asked
from spatial_lalm.model.recorded_question import Reference

NOT_UNDERSTOOD = (
    "I did not understand the question; ask where, how far, what, when or how many sounds there are, or about the room."
)
REASONS: dict[str, str] = {
    "loudness": "I cannot tell how loud a sound is: recordings carry no absolute level, and I do not compare levels.",
    "talker": "I cannot tell who speaks or how: of a voice I only know that it is speech, where and when.",
    "words": "I cannot tell what is said: of a voice I only know that it is speech, where and when.",
    "room": "I cannot tell a room's height, shape or furnishing: only its volume and how reverberant it is.",
    "ratio": "I estimate one direct-to-reverberant ratio and one clarity for all sounds together, not one for each.",
    "listener": "I cannot tell where in the world the microphones stand: I only hear where sounds are, seen from them.",
    "other": telling.CANNOT,
}
"""Why a question's topic is declined."""
AS_FAR = 1.3
"""Distances within this ratio are told as alike: they err by a quarter on average."""
AS_EARLY_S = 0.3
"""Onsets (or ends) nearer than this are told as simultaneous."""
_NTH = {0: "first", 1: "second", 2: "third", 3: "fourth", -1: "last"}
_PLACES = {"above": "above", "below": "below", "back": "behind"}

Told = tuple[str, bool]
"""A sentence, and whether it declines."""


def absence(label: str, where: str) -> str:
    """That a class is not heard ``where`` ("in this recording", "at 2.0 s")."""
    return f"I hear no {spoken_name(label)} {where}."


def nothing(where: str) -> str:
    """That nothing is heard ``where``; of the whole recording in the canonical sentence."""
    return telling.NOTHING if where == "in this recording" else f"I hear no distinct sound {where}."


def no_direction(reason: str, label: str | None) -> str:
    """The sentence that declines a direction for a reason that lies in the channels."""
    what = f"the {spoken_name(label)} come{'' if is_plural(label) else 's'}" if label else "the sounds come"
    return f"{reason[0].upper()}{reason[1:]}, so I cannot tell where {what} from."


def not_alike(text: str, format_name: str, hint: str | None) -> str:
    """A sentence about a place with the doubt about its channels added."""
    told = f" ({hint})" if hint else ""
    return f"{text.removesuffix('.')}; but these channels do not look like {format_name}{told}."


# ---------------------------------------------------------------- sides


def on_the_side(scene: Scene, side: str, label: str | None = None) -> Scene:
    """The scene with only what sounds on a side or in an octant such as ``back right`` (of a class)."""

    def inside(event: SourceEvent) -> bool:
        if side in OCTANTS and " " in side:
            return azimuth_words(event.azimuth_deg) == side
        return on_side(side, event.azimuth_deg, event.elevation_deg)

    return replace(scene, events=tuple(e for e in scene.events if label in (None, e.label) and inside(e)))


def what_is_there(scene: Scene, octant: str, spatial: Spatial) -> Told:
    """What sounds in an octant such as ``back right``."""
    if spatial not in ("full", "planar"):
        return f"{LIMITS['lateral'].capitalize()}.", True
    labels = dict.fromkeys(event.label for event in on_the_side(scene, octant).events)
    names = list_text([spoken_name(label, "a") for label in labels])
    return f"I hear {names or 'nothing'} from the {octant}.", False


def counted(told: str, heard: int, scene: Scene) -> str:
    """The canonical count ``told`` of a scene's sources, or what ``heard`` says instead, with the number of places.

    Sources that sound together are more surely counted than told apart.
    """
    placed = len(sources(scene))
    if heard == placed or not heard:
        return told
    told = f"There {'is' if heard == 1 else 'are'} {heard} sound source{'' if heard == 1 else 's'} in all"
    if heard > placed:
        return f"{told}; I can tell the place of {placed or 'none'} of them."
    return f"{told}, though I hear sound from {placed} places."


def side_count(scene: Scene, side: str, label: str | None) -> str:
    """How many sources (of a class) sound on a side, and which."""
    place = _PLACES.get(side, f"on the {side}")
    there = sources(on_the_side(scene, side, label))
    if not there:
        return f"I hear no {spoken_name(label) if label else 'sound source'} {place}."
    names = list_text([spoken_name(name, "a") for name in dict.fromkeys(source.label for source in there)])
    plural = "" if len(there) == 1 else "s"
    return f"I hear {len(there)} sound source{plural} {place}: {names}."


def side_verdict(scene: Scene, side: str, label: str, spatial: Spatial) -> str:
    """Whether a class that is heard sounds on a side: yes or no, and where it does."""
    there = on_the_side(scene, side, label)
    told = telling.tell(there if there.events else scene, "where", label, spatial)
    sentence = told if told.startswith("I ") else told[0].lower() + told[1:]
    return f"{'Yes' if there.events else 'No'}: {sentence}"


# ---------------------------------------------------------------- counts and rooms


def in_detail(told: str, kind: str, asked: Asked, scene: Scene, there: Sequence[SourceEvent]) -> str:
    """A canonical sentence with what the question asks beyond it: how often, an octave band, one sound's own ratio."""
    if asked.often and kind == "when":
        number, label = len(there), there[0].label
        return f"I hear the {spoken_name(label)} {number} time{'' if number == 1 else 's'}, {event_times(there)}."
    if asked.band_hz and kind == "reverberation" and scene.acoustics is not None:
        return _band_t60(scene.acoustics, asked.band_hz)
    if kind in ("drr", "clarity") and asked.label and len(sources(scene)) > 1:
        return (
            f"{told.removesuffix('.')}; that is one estimate for all sounds, not the {spoken_name(asked.label)} alone."
        )
    return told


def _band_t60(acoustics: Acoustics, hertz: float) -> str:
    """The T60 of the octave band that is nearest to a frequency in Hz."""
    band = min(OCTAVES_HZ, key=lambda centre: abs(math.log(centre / hertz)))
    value_s = acoustics.t60_bands_s[OCTAVES_HZ.index(band)]
    return f"The reverberation time T60 at {band:.0f} Hz is {value_s:.2f} s."


def kinds_of_sound(scene: Scene) -> str:
    """How many classes are heard."""
    number = len({event.label for event in scene.events})
    return f"There {'is' if number == 1 else 'are'} {number or 'no'} kind{'' if number == 1 else 's'} of sound."


# ---------------------------------------------------------------- order


def leftness(event: SourceEvent) -> float:
    """The y of an event's direction, 1 leftmost: what is behind has a left and a right too."""
    return float(unit_vector(event.azimuth_deg, event.elevation_deg)[1])


def referred(scene: Scene, reference: Reference) -> SourceEvent | None:
    """The event that a question refers to by its class and its place among those of the class."""
    alike = sorted((e for e in scene.events if e.label == reference.label), key=lambda e: e.onset_s)
    return alike[reference.nth] if -len(alike) <= reference.nth < len(alike) else None


def sources(scene: Scene) -> list[SourceEvent]:
    """One event for every source, by its onset, that ends when the source is last heard."""
    found: dict[tuple[str, str | None], SourceEvent] = {}
    for event in sorted(scene.events, key=lambda event: event.onset_s):
        key = (event.label, event.speaker)
        known = found.get(key, event)
        found[key] = replace(known, offset_s=max(known.offset_s, event.offset_s))
    return list(found.values())


def _ranked(scene: Scene, asked: Asked) -> list[SourceEvent]:
    """What is put in order: stretches of a class; of any class sources, but for the last one that is heard."""
    if asked.label:
        return [event for event in scene.events if event.label == asked.label]
    return list(scene.events) if asked.nth == -1 and not asked.by_end else sources(scene)


def in_order(scene: Scene, asked: Asked, spatial: Spatial) -> Told:
    """The first, second, third or last sound: what and when it is, or where or how far."""
    assert asked.nth is not None
    events = _ranked(scene, asked)
    ordered = sorted(events, key=lambda event: event.offset_s if asked.by_end else event.onset_s)
    if not -len(ordered) <= asked.nth < len(ordered):
        return f"I hear only {sounds(len(ordered), asked.label)}.", True
    chosen = ordered[asked.nth]
    alike = [event for event in ordered if _apart_s(event, chosen, asked.by_end) < AS_EARLY_S]
    if asked.kind in ("where", "how_far"):
        shown = replace(scene, events=tuple(alike))
        return telling.tell(shown, asked.kind, chosen.label if len(alike) == 1 else None, spatial), False
    if len(alike) > 1:
        names = list_text([spoken_name(event.label, "a") for event in alike])
        edge = "end" if asked.by_end else "begin"
        return f"{names[0].upper()}{names[1:]} {edge} at about the same time, {event_times(alike)}.", False
    noun = spoken_name(asked.label) if asked.label else "sound"
    named = "" if asked.label else f" {spoken_name(chosen.label, 'a')},"
    ending = " to end" if asked.by_end else ""
    return f"The {_NTH[asked.nth]} {noun}{ending} is{named} {event_times([chosen])}.", False


def nth_on_side(scene: Scene, asked: Asked, side: str, spatial: Spatial) -> Told:
    """Whether the first, second, third or last sound is on a side: yes or no, and where it is."""
    told, declined = in_order(scene, asked, spatial)
    if declined or told.startswith("I hear"):
        return told, declined
    chosen = sorted(_ranked(scene, asked), key=lambda event: event.onset_s)[asked.nth or 0]
    there = chosen in on_the_side(replace(scene, events=(chosen,)), side).events
    return f"{'Yes' if there else 'No'}: {told[0].lower()}{told[1:]}", False


def _apart_s(one: SourceEvent, other: SourceEvent, by_end: bool) -> float:
    return abs(one.offset_s - other.offset_s if by_end else one.onset_s - other.onset_s)


def sounds(count: int, label: str | None) -> str:
    """``1 sound`` or ``3 sounds of rain``."""
    return f"{count} sound{'' if count == 1 else 's'}" + (f" of {spoken_name(label)}" if label else "")


def event_times(events: Sequence[SourceEvent]) -> str:
    """When events sound: ``from 2.3 s to 4.1 s and from ...``."""
    return times_text([(event.onset_s, event.offset_s) for event in events])


# ---------------------------------------------------------------- comparison


def apart(scene: Scene, labels: Sequence[str], spatial: Spatial) -> Told:
    """How far apart two of the sources (of some classes) are: distance and angle, from each one's own."""
    found = [source for source in sources(scene) if not labels or source.label in labels]
    if missing := [label for label in labels if all(source.label != label for source in found)]:
        return absence(missing[0], "in this recording"), True
    if len(found) < 2:
        return f"I hear only {sounds(len(found), None)}, so there is nothing to compare.", True
    if spatial != "full":
        return "I cannot tell how far sounds are apart: these channels do not tell their whole direction.", True
    if len(found) > 2:
        return f"I hear {len(found)} sounds: name the two whose distance you want to know.", True
    one, other = (source.distance_m * unit_vector(source.azimuth_deg, source.elevation_deg) for source in found)
    angle = float(angle_between(one, other))
    names = " and ".join(f"the {spoken_name(source.label)}" for source in found)
    ranges = " and ".join(f"{source.distance_m:.1f} m" for source in found)
    told = f"about {math.dist(one, other):.1f} m and {angle:.0f}° apart, by their distances of {ranges}."
    return f"{names[0].upper()}{names[1:]} are {told}", False
