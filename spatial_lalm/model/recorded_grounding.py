"""Events of a recorded file told by the rules of any answer, with times as ``hh:mm:ss``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from spatial_lalm.model.grounding import Part, ground
from spatial_lalm.model.recorded import RecordedEvent
from spatial_lalm.model.recorded_words import clocked

if TYPE_CHECKING:
    from spatial_lalm.model.recorded import Recorded


def ground_events(
    said: str, question: str, recorded: Recorded, events: Sequence[RecordedEvent], part: Part
) -> tuple[str, bool]:
    """The sentence about events for what the language model ``said``, and whether it declines."""
    room = recorded.room_at(max(part.start_s, recorded.start_s), min(part.end_s, recorded.end_s))
    heard, scene = recorded.heard(events, room)
    text, declined = ground(said, question, heard, part, scene)
    return clocked(text), declined


def place_of(recorded: Recorded, event: RecordedEvent, kind: str) -> str:
    """Where one event is, or (kind ``how_far``) how far."""
    question = "where is the sound" if kind == "where" else "how far is the sound"
    return ground_events("", question, recorded, (event,), recorded.part)[0]
