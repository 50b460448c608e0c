"""Sentences about the rooms that a recording went through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spatial_lalm.audio.wording import reverberation_words, room_text, whole_decibels
from spatial_lalm.model.answers import RoomEstimate
from spatial_lalm.model.plain_answers import nothing
from spatial_lalm.model.recorded_sentences import Told
from spatial_lalm.model.recorded_words import span_text

if TYPE_CHECKING:
    from spatial_lalm.model.recorded import Recorded

ROOM_KINDS = frozenset({"reverberation", "drr", "clarity", "room_size"})


def rooms(recorded: Recorded) -> Told:
    """How many rooms, when, and what each is like."""
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


def room_by_room(recorded: Recorded, kind: str) -> Told:
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
