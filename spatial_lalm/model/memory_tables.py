"""The tables of a memory file: what parts hold of windows, and what the whole holds of events, sources and rooms.

A part: ``windows/…`` (one row a window) and ``stretches/…`` (one row a stretch, its frames in ``stretches/path``).

The whole file, R rows a table: ``windows/…`` R windows: ``start_s``, ``hidden (R, Q, H)`` and ``numbers (R, Q, N)``
(memory tokens, half precision); of a model with a trained memory ``segments/…`` and ``chapters/…`` R of them:
``start_s``, ``end_s``, ``tokens (R, Q, D)``, ``keys (R, Q, K)`` (unit vectors, one a token, that questions are compared
with), and ``recording/tokens (Q, D)``, all in half precision; ``room/…`` R windows: smoothed
numbers ``value`` and ``scale (R, 10)`` and the ``part``, a row of ``rooms``; ``rooms/…`` R rooms one after the other:
``start_s``, ``end_s``, ``value`` and ``uncertainty (R, 10)`` in units (T60 in s, six octaves' T60, DRR and C50 in dB,
volume in m³); ``events/…`` R events: see ``EVENTS``; their trajectories every 100 ms one after the other in
``tracks/azimuth_deg``, ``tracks/elevation_deg``, ``tracks/distance_m``, ``tracks/active``, of which an event has
``frames`` from ``first_frame`` on; ``level/db`` the level of W every 100 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.memory.store import MemoryFile
from spatial_lalm.model.answers import Estimate, RoomEstimate
from spatial_lalm.model.hearing import FRAME_S, Stretch
from spatial_lalm.model.rooms import RoomPart, room_parts, smoothed
from spatial_lalm.model.streaming import HeardWindow
from spatial_lalm.model.talkers import tell_apart
from spatial_lalm.model.timeline import Track, join_all, track_sources
from spatial_lalm.model.voices import VoiceNet

Array = NDArray[Any]
Tables = dict[str, Array]

PATH = 6
EVENTS = (
    "start_s", "end_s", "class", "azimuth_deg", "elevation_deg", "distance_m", "confidence", "source", "room",
    "level_db", "first_frame", "frames", "talker",
)  # fmt: skip
"""Columns of events: class is an index into the notes' ``classes``, angles are NaN where the channels cannot tell,
talker is the number, from 0, of who speaks, and -1 for what is no speech."""


def part_tables(heard: Sequence[HeardWindow]) -> Tables:
    """Tables of a part."""
    stretches = [(row, stretch) for row, window in enumerate(heard) for stretch in window.stretches]
    paths = [stretch.path for _, stretch in stretches]

    def of(name: str) -> Array:
        return np.array([getattr(stretch, name) for _, stretch in stretches], dtype=np.float64)

    longest = max(len(window.level_db) for window in heard)
    levels = np.full((len(heard), longest), np.nan, np.float32)
    for row, window in enumerate(heard):
        levels[row, : len(window.level_db)] = window.level_db
    return {
        "windows/start_s": np.array([window.start_s for window in heard]),
        "windows/skipped": np.array([window.skipped for window in heard], np.int32),
        "windows/room": np.array([window.room for window in heard]),
        "windows/room_scale": np.array([window.room_scale for window in heard]),
        "windows/level_db": levels,
        "windows/hidden": np.array([window.hidden for window in heard], np.float16),
        "windows/numbers": np.array([window.numbers for window in heard], np.float16),
        "stretches/window": np.array([row for row, _ in stretches], np.int32),
        "stretches/start_s": of("start_s"),
        "stretches/end_s": of("end_s"),
        "stretches/classes": of("classes").astype(np.float32),
        "stretches/direction": of("direction"),
        "stretches/log_distance": of("log_distance"),
        "stretches/confidence": of("confidence"),
        "stretches/voice": np.array([s.voice for _, s in stretches] or np.zeros((0, 0)), np.float32),
        "stretches/frames": np.array([len(path) for path in paths], np.int32),
        "stretches/path": np.concatenate([np.zeros((0, PATH)), *paths]),
    }


def _stretches(part: Tables) -> list[list[Stretch]]:
    """The stretches of a part, by window."""
    found: list[list[Stretch]] = [[] for _ in part["windows/start_s"]]
    ends = np.cumsum(part["stretches/frames"])
    for row, window in enumerate(part["stretches/window"].tolist()):
        found[window].append(
            Stretch(
                float(part["stretches/start_s"][row]),
                float(part["stretches/end_s"][row]),
                part["stretches/classes"][row],
                part["stretches/direction"][row],
                float(part["stretches/log_distance"][row]),
                float(part["stretches/confidence"][row]),
                part["stretches/path"][ends[row] - part["stretches/frames"][row] : ends[row]],
                part["stretches/voice"][row].astype(np.float64),
            )
        )
    return found


def merged_tables(paths: Sequence[Path], notes: dict[str, Any], voices: VoiceNet | None = None) -> Tables:
    """Tables of the whole recording, from its parts in order and the notes of its plan.

    ``voices`` is what the parts were heard with; None tells talkers apart by direction alone.
    """
    parts = []
    for path in paths:
        with MemoryFile(path) as file:
            parts.append(file.tables())

    def whole(name: str) -> Array:
        return np.concatenate([part[f"windows/{name}"] for part in parts])

    stretches = [window for part in parts for window in _stretches(part)]
    starts, skipped = whole("start_s"), whole("skipped")
    sounding = np.array([_sounding_s(window) for window in stretches])
    values, scales = whole("room"), whole("room_scale")
    rooms = room_parts(starts, notes["end_s"], values, scales, sounding)
    events = join_all(list(zip(starts.tolist(), stretches, strict=True)), notes["spatial"])
    tracks = track_sources(events, notes["spatial"], tuple(notes["classes"]), [part.start_s for part in rooms] or [0.0])
    talkers = _talkers(events, tracks, voices)
    level = np.concatenate([row[first:] for row, first in zip(whole("level_db"), skipped, strict=True)])
    level = level[np.isfinite(level)]
    mean, spread = smoothed(values, scales, sounding, starts, rooms)
    return {
        "windows/start_s": starts,
        "windows/hidden": whole("hidden"),
        "windows/numbers": whole("numbers"),
        "room/start_s": starts,
        "room/value": mean.astype(np.float32),
        "room/scale": spread.astype(np.float32),
        "room/part": _room_of(starts, rooms),
        "level/db": level.astype(np.float32),
        **_room_tables(rooms),
        **_event_tables(tracks, talkers, notes, rooms, level),
    }


def _talkers(events: Sequence[Stretch], tracks: Sequence[Track], voices: VoiceNet | None) -> Array:
    """Who speaks in each event, by number from 0; -1 where nobody does."""
    talkers = np.full(len(tracks), -1, np.int32)
    speech = [row for row, track in enumerate(tracks) if track.evidence.label == "speech"]
    places = [tracks[row].source for row in speech]
    heard = np.array([events[row].voice for row in speech]) if voices and speech else None
    talkers[speech] = tell_apart(places, voices, heard)
    return talkers


def _sounding_s(stretches: Sequence[Stretch]) -> float:
    """Seconds of a window in which something sounds."""
    frames: set[int] = set()
    for stretch in stretches:
        frames |= set(np.round(stretch.path[:, 0] / FRAME_S).astype(int).tolist())
    return len(frames) * FRAME_S


def _room_of(moments_s: Array, rooms: Sequence[RoomPart]) -> Array:
    """The room of each moment, by number from 0."""
    number = np.searchsorted([part.start_s for part in rooms], moments_s + 1e-6, side="right") - 1
    return np.maximum(number, 0).astype(np.int32)


def _room_tables(rooms: Sequence[RoomPart]) -> Tables:
    numbers = [room_numbers(part.room) for part in rooms]
    return {
        "rooms/start_s": np.array([part.start_s for part in rooms]),
        "rooms/end_s": np.array([part.end_s for part in rooms]),
        "rooms/value": np.array([[e.value for e in row] for row in numbers]).reshape(-1, 10),
        "rooms/uncertainty": np.array([[e.uncertainty for e in row] for row in numbers]).reshape(-1, 10),
    }


def room_numbers(room: RoomEstimate) -> list[Estimate]:
    """The ten estimates of a room, in the order of the tables."""
    return [room.t60_s, *room.t60_bands_s, room.drr_db, room.c50_db, room.volume_m3]


def room_from(numbers: Sequence[Estimate]) -> RoomEstimate:
    """The room of ten estimates; undoes ``room_numbers``."""
    return RoomEstimate(numbers[0], tuple(numbers[1:7]), *numbers[7:])


def _event_tables(
    tracks: Sequence[Track], talkers: Array, notes: dict[str, Any], rooms: Sequence[RoomPart], level: Array
) -> Tables:
    numbers = {label: number for number, label in enumerate(notes["classes"])}
    evidence = [track.evidence for track in tracks]
    frames = np.array([len(track.active) for track in tracks], np.int64)
    columns: Tables = {
        name: np.array([getattr(e, name) for e in evidence], dtype=np.float64)  # None becomes NaN
        for name in ("start_s", "end_s", "azimuth_deg", "elevation_deg", "distance_m", "confidence")
    }
    columns |= {
        "class": np.array([numbers[e.label] for e in evidence], np.int32),
        "source": np.array([track.source for track in tracks], np.int32),
        "room": _room_of(columns["start_s"], rooms),
        "level_db": np.array(
            [_level(level, e.start_s - notes["start_s"], e.end_s - notes["start_s"]) for e in evidence]
        ),
        "first_frame": np.cumsum(frames) - frames,
        "frames": frames,
        "talker": talkers,
    }
    trajectory = np.concatenate([np.zeros((0, 3)), *(track.trajectory for track in tracks)]).astype(np.float32)
    active = np.concatenate([np.zeros(0, bool), *(track.active for track in tracks)])
    return {
        **{f"events/{name}": columns[name] for name in EVENTS},
        "tracks/azimuth_deg": trajectory[:, 0],
        "tracks/elevation_deg": trajectory[:, 1],
        "tracks/distance_m": trajectory[:, 2],
        "tracks/active": active.astype(np.uint8),
    }


def _level(level_db: Array, start_s: float, end_s: float) -> float:
    """Mean level over a time, in dB of full scale, of all that sounds in it."""
    there = level_db[round(start_s / FRAME_S) : max(round(end_s / FRAME_S), round(start_s / FRAME_S) + 1)]
    return float(10 * np.log10(np.mean(10 ** (there.astype(np.float64) / 10)) + 1e-12)) if len(there) else -120.0
