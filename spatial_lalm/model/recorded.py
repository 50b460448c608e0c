"""A recording that was analysed: what was heard of hours, from its memory file, and the answers to questions about it.

The file's events are the index: by class, time, source, direction, distance and room. No sound and, for nearly all
questions, no model is needed. A question is limited to its scope first (``recorded_question``); counts, orders,
durations and relations have sentences of their own (``recorded_answers``), all else is told by the rules of any answer
(``grounding``), with times as ``hh:mm:ss``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import angles, unit_vector
from spatial_lalm.audio.plausibility import Doubt
from spatial_lalm.audio.scene import Scene, SourceEvent
from spatial_lalm.audio.wording import Spatial, lateral_words, place_text, spoken_name
from spatial_lalm.memory.store import MemoryFile
from spatial_lalm.model.answers import Answer, Estimate, Evidence, RoomEstimate
from spatial_lalm.model.grounding import SURE, Part, as_scene
from spatial_lalm.model.hearing import Heard
from spatial_lalm.model.loading import DOUBTED
from spatial_lalm.model.rooms import RoomPart

if TYPE_CHECKING:
    from spatial_lalm.model.loading import SpatialLalm

Array = NDArray[Any]
Floats = NDArray[np.floating[Any]]

MOVES_DEG = 15.0
"""From here on an event's own way is told, and not its source's place."""


@dataclass(frozen=True)
class RecordedEvent:
    """One event of the file: its evidence, its source and room by number, its level (dB of full scale), its way.

    ``talker`` numbers who speaks, from 1 in the order of their first sure words; None for what is no speech.
    """

    evidence: Evidence
    source: int
    room: int
    level_db: float
    path: Floats  # (frames, 3): azimuth, elevation, distance every 100 ms
    talker: int | None = None

    @property
    def label(self) -> str:
        """Its class."""
        return self.evidence.label


@dataclass(frozen=True)
class Recorded:
    """What was heard of a recording: events by their start, rooms one after the other, and where it all comes from."""

    path: Path
    notes: dict[str, Any]
    events: tuple[RecordedEvent, ...]
    rooms: tuple[RoomPart, ...]
    has_keys: bool = False
    """Whether a trained memory left keys to compare questions with."""

    @classmethod
    def open(cls, path: str | Path) -> Recorded:
        """Read a memory file; ``InputError`` for one that is missing, foreign, half-written or damaged."""
        with MemoryFile(path) as file:
            notes = file.notes
            events = _numbered(_events(file, notes))
            rooms = tuple(_rooms(file))
            has_keys = "segments/keys" in file
        return cls(Path(path), notes, events, rooms, has_keys)

    @property
    def spoken(self) -> tuple[RecordedEvent, ...]:
        """The events that answers speak of: the sure ones, or the most salient where none is."""
        return _spoken(self.events)

    @property
    def talkers(self) -> tuple[int, ...]:
        """Numbers of all who speak."""
        return tuple(sorted({event.talker for event in self.events if event.talker is not None}))

    @property
    def by_voice(self) -> bool:
        """Whether talkers were told apart by their voices too."""
        return self.notes.get("voices") is not None

    @property
    def spatial(self) -> Spatial:
        """What the channels tell of direction."""
        spatial: Spatial = self.notes["spatial"]
        return spatial

    @property
    def start_s(self) -> float:
        """Where the analysis begins in the recording."""
        return float(self.notes["start_s"])

    @property
    def end_s(self) -> float:
        """Where it ends."""
        return float(self.notes["end_s"])

    @property
    def doubt(self) -> Doubt | None:
        """What is doubtful about the channels."""
        return None if self.notes["doubt"] is None else Doubt(**self.notes["doubt"])

    @property
    def part(self) -> Part:
        """What was listened to, as answers speak of it."""
        whole = self.start_s == 0.0 and abs(self.end_s - self.notes["audio"]["duration_s"]) < 1e-3
        return Part(self.start_s, self.end_s, whole, self.doubt)

    def ask(self, question: str, model: Callable[[], SpatialLalm] | None = None) -> Answer:
        """Answer a question from what was heard.

        ``model`` loads the model where the question's words leave its kind open, or where the memory is to say which
        doubtful events to believe; without it, such a question is not understood, such events are not told of.
        ``InputError`` for what is no question.
        """
        from spatial_lalm.model.loading import one_question
        from spatial_lalm.model.recorded_answers import answer

        told = answer(self, one_question(question), model)
        doubted = self.doubt is not None
        deaf = doubted and self.notes["doubt"]["deaf"]
        return Answer(
            text=told.text,
            evidence=() if deaf else tuple(self._shown(event.evidence, doubted) for event in told.events),
            room=None if deaf or not self.events else told.room,
            abstained=told.declined,
            assumed=(*self.notes["assumed"], *told.assumed),
            model=self.notes["model"]["name"],
        )

    def _shown(self, event: Evidence, doubted: bool) -> Evidence:
        confidence = event.confidence * (DOUBTED if doubted else 1.0)
        if self.spatial == "lateral":  # the azimuth is the angle to the median plane, of which the side alone is told
            return replace(event, azimuth_deg=None, elevation_deg=None, confidence=confidence)
        return replace(event, confidence=confidence)

    def room_at(self, start_s: float, end_s: float) -> RoomEstimate | None:
        """The room that most of a time was spent in; None where nothing was heard."""
        shared = [max(0.0, min(end_s, r.end_s) - max(start_s, r.start_s)) for r in self.rooms]
        return self.rooms[int(np.argmax(shared))].room if shared else None

    def room_over_time(self) -> tuple[Floats, Floats, Floats]:
        """Starts of the windows (s), the smoothed T60 in each (s) and the factor of its uncertainty, ``(W,)``."""
        with MemoryFile(self.path) as file:
            value, scale = file.table("room/value")[:, 0], file.table("room/scale")[:, 0]
            return file.table("room/start_s"), np.exp(value), np.exp(np.minimum(scale, 2.0))

    def heard(self, events: Sequence[RecordedEvent], room: RoomEstimate | None) -> tuple[Heard, Scene]:
        """Events as ``grounding`` takes them; every source in one place, unless it walks within an event."""
        nowhere = room or _UNKNOWN
        heard = Heard(tuple(event.evidence for event in events), nowhere, self.spatial)
        places = {source: _place([e for e in events if e.source == source]) for source in {e.source for e in events}}
        scene = as_scene(Heard((), nowhere, self.spatial))
        told = tuple(_scene_event(event, places[event.source]) for event in events)
        return heard, replace(scene, events=told, duration_s=self.end_s)


_NONE = Estimate(1.0, 1.0)
_UNKNOWN = RoomEstimate(_NONE, (_NONE,) * 6, _NONE, _NONE, _NONE)
"""Stands where no room was heard, and is never told: without a sound no room is."""


def _spoken(events: Sequence[RecordedEvent]) -> tuple[RecordedEvent, ...]:
    sure = tuple(event for event in events if event.evidence.confidence >= SURE)
    return sure or tuple(sorted(events, key=lambda event: -salience(event))[:1])


def salience(event: RecordedEvent) -> float:
    """How relevant an event is: a long and sure one more than others."""
    return math.sqrt(event.evidence.end_s - event.evidence.start_s) * event.evidence.confidence


def _events(file: MemoryFile, notes: dict[str, Any]) -> list[RecordedEvent]:
    names = ("start_s", "end_s", "azimuth_deg", "elevation_deg", "distance_m", "confidence")
    columns = {name: file.table(f"events/{name}").tolist() for name in names}
    whole = {
        name: file.table(f"events/{name}").tolist() for name in ("class", "source", "room", "first_frame", "frames")
    }
    levels = file.table("events/level_db").tolist()
    talkers = file.table("events/talker").tolist() if file.version > 2 else whole["source"]
    paths = np.column_stack([file.table(f"tracks/{name}") for name in ("azimuth_deg", "elevation_deg", "distance_m")])
    events = []
    for row, label in enumerate(whole["class"]):
        azimuth, elevation = (_told(columns[name][row]) for name in ("azimuth_deg", "elevation_deg"))
        evidence = Evidence(
            columns["start_s"][row],
            columns["end_s"][row],
            notes["classes"][label],
            azimuth,
            elevation,
            columns["distance_m"][row],
            columns["confidence"][row],
            None if azimuth is None else lateral_words(azimuth, elevation or 0.0),
        )
        first = whole["first_frame"][row]
        path = paths[first : first + whole["frames"][row]]
        talker = talkers[row] if evidence.label == "speech" else None
        events.append(RecordedEvent(evidence, whole["source"][row], whole["room"][row], levels[row], path, talker))
    return events


def _numbered(events: Sequence[RecordedEvent]) -> tuple[RecordedEvent, ...]:
    """Events whose talkers are numbered from 1 as they first surely speak; others who speak are nobody."""
    known = dict.fromkeys(event.talker for event in _spoken(events) if event.talker is not None)
    numbers = {talker: number for number, talker in enumerate(known, start=1)}
    return tuple(replace(e, talker=None if e.talker is None else numbers.get(e.talker)) for e in events)


def _told(value: float) -> float | None:
    return None if math.isnan(value) else value


def _rooms(file: MemoryFile) -> list[RoomPart]:
    values, errors = file.table("rooms/value"), file.table("rooms/uncertainty")
    parts = []
    for row, (start, end) in enumerate(zip(file.table("rooms/start_s"), file.table("rooms/end_s"), strict=True)):
        numbers = [Estimate(float(v), float(u)) for v, u in zip(values[row], errors[row], strict=True)]
        room = RoomEstimate(numbers[0], tuple(numbers[1:7]), *numbers[7:])
        parts.append(RoomPart(float(start), float(end), room))
    return parts


def _place(events: Sequence[RecordedEvent]) -> tuple[float, float, float]:
    """Where a source is on the whole: the mean over its events by their length."""
    lengths = np.array([event.evidence.end_s - event.evidence.start_s for event in events])
    directions = np.array([unit_vector(e.evidence.azimuth_deg or 0, e.evidence.elevation_deg or 0) for e in events])
    azimuth, elevation = angles(lengths @ directions)
    distance = math.exp(float(lengths @ np.log([e.evidence.distance_m for e in events]) / lengths.sum()))
    return float(azimuth), float(elevation), distance


def _scene_event(event: RecordedEvent, place: tuple[float, float, float]) -> SourceEvent:
    evidence = event.evidence
    trajectory: tuple[tuple[float, float, float], ...] = (place,)
    if _walks(event.path):
        ends = np.nan_to_num(event.path[[0, -1]]).astype(float).tolist()
        trajectory = tuple((azimuth, elevation, distance) for azimuth, elevation, distance in ends)
    return SourceEvent(
        evidence.label, evidence.start_s, evidence.end_s, trajectory, (True,) * len(event.path),
        speaker=f"source {event.source}",
    )  # fmt: skip


def _walks(path: Floats) -> bool:
    """Whether a way of a second or more leads elsewhere."""
    if len(path) < 10:
        return False
    first, last = (unit_vector(*np.nan_to_num(path[i, :2]).astype(float)) for i in (0, -1))
    return float(np.degrees(np.arccos(np.clip(first @ last, -1, 1)))) > MOVES_DEG


def sounding_s(events: Sequence[RecordedEvent]) -> float:
    """Seconds in which any of the events sounds."""
    total, until = 0.0, -math.inf
    for start, end in sorted((event.evidence.start_s, event.evidence.end_s) for event in events):
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total


def loudest_places(recorded: Recorded, most: int) -> list[dict[str, Any]]:
    """The sources with the highest level of all that sounded while they did, and where they are."""
    by_source: dict[int, list[RecordedEvent]] = {}
    for event in recorded.spoken:
        by_source.setdefault(event.source, []).append(event)
    levels = {source: max(event.level_db for event in events) for source, events in by_source.items()}
    found = []
    for source in sorted(levels, key=lambda source: -levels[source])[:most]:
        azimuth, elevation, distance = _place(by_source[source])
        where = "" if recorded.spatial == "none" else f" from {place_text(azimuth, elevation, recorded.spatial)}"
        label = by_source[source][0].label
        text = f"{spoken_name(label)}{where}, {levels[source]:.0f} dB"
        found.append(
            {"class": label, "level_db": round(levels[source], 1), "distance_m": round(distance, 2), "text": text}
        )
    return found
