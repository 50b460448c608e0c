"""Canonical sentences about a scene: one form for every kind of answer, for training and for grounding alike.

Everything a sentence says follows from the scene graph; numbers are told as precisely as they are worth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from spatial_lalm.audio import wording
from spatial_lalm.audio.conventions import angle_between, unit_vector, wrap_degrees
from spatial_lalm.audio.scene import FRAME_S, Scene, SourceEvent
from spatial_lalm.audio.wording import Spatial

MOVES_DEG = 15.0
MOVES_RATIO = 1.25
MOST_PLACES = 3
MOST_TIMES = 4
TIMES_IN_A_LIST = 2
NOTHING = "I hear no distinct sound."
CANNOT = "I cannot tell that from the sound. I can tell what sounds, where, how far, when, how many, and the room."


@dataclass(frozen=True)
class _Spot:
    """Where or how far a sound is: as a predicate (``comes from the left``) and in a list (``from the left``)."""

    predicate: str
    listed: str


# ---------------------------------------------------------------- where and how far


def _direction_spot(event: SourceEvent, spatial: Spatial) -> _Spot:
    """The direction at the onset, or from where to where for a source that moves."""
    (azimuth, elevation, _), (last_azimuth, last_elevation, _) = event.trajectory[0], event.trajectory[-1]
    start = wording.place_text(azimuth, elevation, spatial)
    end = wording.place_text(last_azimuth, last_elevation, spatial)
    if spatial == "lateral":
        moves = start != end
    elif spatial == "planar":
        moves = abs(float(wrap_degrees(last_azimuth - azimuth))) > MOVES_DEG
    else:
        first, last = unit_vector(azimuth, elevation), unit_vector(last_azimuth, last_elevation)
        moves = float(angle_between(first, last)) > MOVES_DEG
    ending = "" if wording.is_plural(event.label) else "s"
    if not moves:
        return _Spot(f"come{ending} from {start}", f"from {start}")
    comma = "" if spatial == "lateral" else ","
    return _Spot(f"move{ending} from {start}{comma} to {end}", f"moving from {start}{comma} to {end}")


def _distance_spot(event: SourceEvent) -> _Spot:
    """The distance at the onset, or from where to where for a source that comes nearer or goes away."""
    first, last = event.distance_m, event.trajectory[-1][2]
    plural = wording.is_plural(event.label)
    if max(first, last) <= MOVES_RATIO * min(first, last):
        return _Spot(f"{'are' if plural else 'is'} {first:.1f} m away", f"{first:.1f} m away")
    way = f"from {first:.1f} m to {last:.1f} m away"
    return _Spot(f"move{'' if plural else 's'} {way}", f"moving {way}")


def _located(events: Iterable[SourceEvent], asked: str | None, spot: Callable[[SourceEvent], _Spot], unit: str) -> str:
    """One sentence, without its full stop, about where (or how far) every event is, equal spots named once.

    One spot: "The dog bark comes from ...". Several of the class asked about: each with its times, at most three.
    Several of any class: a list of the first three.
    """
    groups: dict[tuple[str, _Spot], list[SourceEvent]] = {}
    for event in events:
        groups.setdefault((event.label, spot(event)), []).append(event)
    shown = list(groups.items())[:MOST_PLACES]
    if len(groups) == 1:
        label, only = shown[0][0]
        return f"The {wording.spoken_name(label)} {only.predicate}"
    if asked is None:
        listed = [f"{wording.spoken_name(label, 'a')} {place.listed}" for (label, place), _ in shown]
        return "I hear " + "; ".join(listed + ["other sounds"] * (len(groups) > MOST_PLACES))
    listed = [
        f"{place.listed.removeprefix('from ')}, {wording.times_text(_intervals(members), TIMES_IN_A_LIST)}"
        for (_, place), members in shown
    ]
    first = f", the first {MOST_PLACES}" if len(groups) > MOST_PLACES else ""
    return f"I hear it {unit.format(len(groups))}{first}: " + "; ".join(listed)


def _by_onset(scene: Scene) -> list[SourceEvent]:
    return sorted(scene.events, key=lambda event: event.onset_s)


def _intervals(events: Iterable[SourceEvent]) -> list[tuple[float, float]]:
    return [(event.onset_s, event.offset_s) for event in events]


# ---------------------------------------------------------------- when, what, how many


def _when(events: Sequence[SourceEvent]) -> str:
    """When each class sounds, at most three classes; pauses between events of a class are told, not those within."""
    labels = list(dict.fromkeys(event.label for event in events))
    limit = MOST_TIMES if len(labels) == 1 else TIMES_IN_A_LIST
    parts = []
    for label in labels[:MOST_PLACES]:
        times = wording.times_text(_intervals(event for event in events if event.label == label), limit)
        parts.append(f"{wording.spoken_name(label, 'the' if len(labels) == 1 else 'a')} {times}")
    return "I hear " + "; ".join(parts + ["other sounds"] * (len(labels) > MOST_PLACES))


def _what(events: Sequence[SourceEvent]) -> str:
    names = [wording.spoken_name(label, "a") for label in dict.fromkeys(event.label for event in events)]
    return f"I hear {wording.list_text(names)}." if names else NOTHING


def _most_at_once(events: Iterable[SourceEvent]) -> int:
    """Most events that sound in one frame of 100 ms, pauses within an event not counted."""
    frames: dict[int, int] = {}
    for event in events:
        start = round(event.onset_s / FRAME_S)
        for step, active in enumerate(event.active):
            frames[start + step] = frames.get(start + step, 0) + bool(active)
    return max(frames.values(), default=0)


def _count_of(events: Sequence[SourceEvent], label: str) -> str:
    sources = _source_count(events)
    name = wording.spoken_name(label)
    return f"I hear {sources} source{'' if sources == 1 else 's'} of {name}." if sources else absence(label)


def _source_count(events: Iterable[SourceEvent]) -> int:
    """Sources behind the events: the same class and speaker from exactly the same spot is one source."""
    return len({(event.label, event.speaker, event.trajectory[0]) for event in events})


def _count(events: Sequence[SourceEvent], book: str) -> str:
    if book == "count_at_once":
        most = _most_at_once(events)
        return f"At most {most} {'sound is' if most == 1 else 'sounds are'} heard at the same time."
    sources = _source_count(events)
    return f"There {'is' if sources == 1 else 'are'} {sources} sound source{'' if sources == 1 else 's'} in all."


def tell(scene: Scene, kind: str, label: str | None = None, spatial: Spatial = "full") -> str:
    """The canonical sentence of a kind about the sounds of a class (None: all sounds) or about the room.

    ``kind`` is one of ``KINDS`` but ``absent`` and ``off_topic``, with ``count_at_once`` and ``count_in_all`` in place
    of ``count``. Training answers are made with it, and a model's answers are grounded with it.
    """
    events = [event for event in _by_onset(scene) if label in (None, event.label)]
    if kind in ("reverberation", "drr", "clarity", "room_size"):
        return _about_room(scene, kind)
    if kind in ("count_at_once", "count_in_all"):
        return _count(events, kind) if label is None else _count_of(events, label)
    if kind == "what":
        return _what(events)
    if not events:
        return NOTHING if label is None else absence(label)
    if kind == "mono_direction":
        come = f"the {wording.spoken_name(label)} come{'' if wording.is_plural(label) else 's'}" if label else ""
        return f"A mono recording carries no direction, so I cannot tell where {come or 'the sounds come'} from."
    if kind == "when":
        return f"{_when(events)}."
    if kind == "how_far":
        return f"{_located(events, label, _distance_spot, 'at {} distances')}."
    text = _located(events, label, lambda event: _direction_spot(event, spatial), "from {} places")
    return f"{text}; {wording.LIMITS[spatial]}." if spatial in wording.LIMITS else f"{text}."


def tell_side(scene: Scene, side: str, spatial: Spatial = "full") -> tuple[str, bool]:
    """What sounds on a side of ``wording.SIDES``, and whether the channels cannot tell."""
    sides = {"full": tuple(wording.SIDES), "planar": ("left", "right", "front", "back"), "lateral": ("left", "right")}
    if spatial == "none":
        return tell(scene, "mono_direction"), True
    if side not in sides[spatial]:
        return f"{wording.LIMITS[spatial].capitalize()}.", True
    place = {"above": "above", "below": "below", "back": "behind"}.get(side, f"from the {side}")
    there = [e for e in _by_onset(scene) if wording.on_side(side, e.azimuth_deg, e.elevation_deg)]
    names = [wording.spoken_name(label, "a") for label in dict.fromkeys(event.label for event in there)]
    return f"I hear {wording.list_text(names) or 'nothing'} {place}.", False


def unfamiliar(scene: Scene, name: str) -> str:
    """The sentence that declines a question about a sound that we have no class for."""
    heard = _what(scene.events)
    return f'I cannot recognise "{name}": it is none of the sounds that I know. {heard}'


def absence(label: str) -> str:
    """The sentence that declines a question about a sound that is not there."""
    return f"I hear no {wording.spoken_name(label)} in this recording."


def _about_room(scene: Scene, kind: str) -> str:
    if kind == "room_size":
        return f"The room is {wording.room_text(scene.room.volume_m3)}."
    assert scene.acoustics is not None  # fitting_kinds leaves these kinds out otherwise
    if kind == "reverberation":
        return f"The reverberation time T60 is {scene.acoustics.t60_s:.2f} s."
    if kind == "drr":
        return f"The direct-to-reverberant ratio is {wording.whole_decibels(scene.acoustics.drr_db)} dB."
    return f"The clarity C50 is {wording.whole_decibels(scene.acoustics.c50_db)} dB."
