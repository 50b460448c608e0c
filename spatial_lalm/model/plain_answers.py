"""Sentences that answers need and training does not teach: reasons for declining, order, comparison, counts, doubt.

They stand beside the canonical sentences of ``audio.telling`` and speak of the same scene graph.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from spatial_lalm.audio import telling
from spatial_lalm.audio.conventions import angle_between, unit_vector
from spatial_lalm.audio.scene import Scene, SourceEvent
from spatial_lalm.audio.wording import Spatial, is_plural, list_text, on_side, spoken_name, times_text
from spatial_lalm.model.question import Asked, Comparison

NOT_UNDERSTOOD = (
    "I did not understand the question; ask where, how far, what, when or how many sounds there are, or about the room."
)
REASONS: dict[str, str] = {
    "loudness": "I cannot tell how loud a sound is: recordings carry no absolute level, and I do not compare levels.",
    "talker": "I cannot tell who speaks or how: of a voice I only know that it is speech, where and when.",
    "words": "I cannot tell what is said: of a voice I only know that it is speech, where and when.",
    "room": "I cannot tell a room's height, shape or furnishing: only its volume and how reverberant it is.",
    "listener": "I cannot tell where in the world the microphones stand: I only hear where sounds are, seen from them.",
    "other": telling.CANNOT,
}
"""Why a question's topic is declined."""
AS_FAR = 1.3
"""Distances within this ratio are told as alike: they err by a quarter on average."""
AS_EARLY_S = 0.3
"""Onsets (or ends) nearer than this are told as simultaneous."""
_NTH = {0: "first", 1: "second", 2: "third", -1: "last"}
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
    """The scene with only what sounds on a side (of a class)."""
    there = (e for e in scene.events if on_side(side, e.azimuth_deg, e.elevation_deg) and label in (None, e.label))
    return replace(scene, events=tuple(there))


def counted(told: str, heard: int, scene: Scene) -> str:
    """The canonical count ``told`` of a scene's sources, or where ``heard`` says otherwise that, and how many have places.

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


# ---------------------------------------------------------------- order


def sources(scene: Scene) -> list[SourceEvent]:
    """One event for every source, by its onset, that ends when the source is last heard."""
    found: dict[tuple[str, str | None], SourceEvent] = {}
    for event in sorted(scene.events, key=lambda event: event.onset_s):
        key = (event.label, event.speaker)
        known = found.get(key, event)
        found[key] = replace(known, offset_s=max(known.offset_s, event.offset_s))
    return list(found.values())


def in_order(scene: Scene, asked: Asked, spatial: Spatial) -> Told:
    """The first, second, third or last sound: what and when it is, or where or how far."""
    assert asked.nth is not None
    events = [event for event in scene.events if event.label == asked.label] if asked.label else sources(scene)
    ordered = sorted(events, key=lambda event: event.offset_s if asked.by_end else event.onset_s)
    if not -len(ordered) <= asked.nth < len(ordered):
        return f"I hear only {_sounds(len(ordered), asked.label)}.", True
    chosen = ordered[asked.nth]
    alike = [event for event in ordered if _apart_s(event, chosen, asked.by_end) < AS_EARLY_S]
    if asked.kind in ("where", "how_far"):
        shown = replace(scene, events=tuple(alike))
        return telling.tell(shown, asked.kind, chosen.label if len(alike) == 1 else None, spatial), False
    if len(alike) > 1:
        names = list_text([spoken_name(event.label, "a") for event in alike])
        edge = "end" if asked.by_end else "begin"
        return f"{names[0].upper()}{names[1:]} {edge} at about the same time, {_times(alike)}.", False
    noun = spoken_name(asked.label) if asked.label else "sound"
    named = "" if asked.label else f" {spoken_name(chosen.label, 'a')},"
    ending = " to end" if asked.by_end else ""
    return f"The {_NTH[asked.nth]} {noun}{ending} is{named} {_times([chosen])}.", False


def _apart_s(one: SourceEvent, other: SourceEvent, by_end: bool) -> float:
    return abs(one.offset_s - other.offset_s if by_end else one.onset_s - other.onset_s)


def _sounds(count: int, label: str | None) -> str:
    return f"{count} sound{'' if count == 1 else 's'}" + (f" of {spoken_name(label)}" if label else "")


def _times(events: Sequence[SourceEvent]) -> str:
    return times_text([(event.onset_s, event.offset_s) for event in events])


# ---------------------------------------------------------------- comparison


def compared(scene: Scene, which: Comparison, labels: Sequence[str], spatial: Spatial) -> Told:
    """Which of the sources (of some classes) is nearest or farthest, or how far two of them are apart."""
    found = [source for source in sources(scene) if not labels or source.label in labels]
    if missing := [label for label in labels if all(source.label != label for source in found)]:
        return absence(missing[0], "in this recording"), True
    if len(found) < 2:
        return f"I hear only {_sounds(len(found), None)}, so there is nothing to compare.", True
    if which == "apart":
        return _apart(found, spatial)
    ranked = sorted(found, key=lambda source: source.distance_m, reverse=which == "farthest")
    first, second = ranked[0].distance_m, ranked[1].distance_m
    names = [spoken_name(source.label) for source in ranked]
    if max(first, second) < AS_FAR * min(first, second):
        return f"The {names[0]} and the {names[1]} are about equally far, {first:.1f} m and {second:.1f} m away.", False
    others = list_text(
        [f"the {name} {source.distance_m:.1f} m" for name, source in zip(names, ranked, strict=True)][1:3]
    )
    be = "are" if is_plural(ranked[0].label) else "is"
    return f"The {names[0]} {be} the {which}, {first:.1f} m away; {others}.", False


def _apart(found: Sequence[SourceEvent], spatial: Spatial) -> Told:
    """The distance and the angle between two sources, from the direction and the distance of each."""
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
