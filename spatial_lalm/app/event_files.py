"""The events of an analysed recording as files that other programs read: CSV, JSON, RTTM, STARSS."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from spatial_lalm.model.recorded import Recorded, RecordedEvent

COLUMNS = (
    "start_s", "end_s", "class", "source", "talker", "azimuth_deg", "elevation_deg", "distance_m", "confidence",
    "level_db", "room",
)  # fmt: skip
SUFFIXES = {"csv": ".events.csv", "json": ".events.json", "rttm": ".rttm", "starss": ".starss.csv"}
"""What the name of the memory file ends in for each of the formats."""


def write_events(recorded: Recorded, out: Path, kind: str) -> Path:
    """Write all events in a format of ``SUFFIXES`` beside ``out``, whole or not at all; gives the file's path."""
    from spatial_lalm.sealing import whole_or_absent

    path = out.with_suffix(SUFFIXES[kind])
    with whole_or_absent(path) as temporary:
        temporary.write_text(WRITERS[kind](recorded), encoding="utf-8")
    return path


def _row(recorded: Recorded, event: RecordedEvent) -> dict[str, Any]:
    """One event as plain values, None where the channels cannot tell."""
    evidence = event.evidence
    lateral = recorded.spatial == "lateral"
    return {
        "start_s": round(evidence.start_s, 3),
        "end_s": round(evidence.end_s, 3),
        "class": evidence.label,
        "source": event.source + 1,
        "talker": event.talker,
        "azimuth_deg": None if lateral else _rounded(evidence.azimuth_deg, 1),
        "elevation_deg": None if lateral else _rounded(evidence.elevation_deg, 1),
        "side": evidence.side,
        "distance_m": round(evidence.distance_m, 2),
        "confidence": round(evidence.confidence, 3),
        "level_db": round(event.level_db, 1),
        "room": event.room + 1,
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def csv_text(recorded: Recorded) -> str:
    """A header and a row an event; empty where the channels cannot tell."""
    rows = [_row(recorded, event) for event in recorded.events]
    lines = [",".join("" if row[name] is None else str(row[name]) for name in COLUMNS) for row in rows]
    return "\n".join([",".join(COLUMNS), *lines]) + "\n"


def json_text(recorded: Recorded) -> str:
    """Events with their trajectories every 100 ms (azimuth and elevation in degrees, distance in metres), and rooms."""
    events = []
    for event in recorded.events:
        path = [[None if np.isnan(v) else round(float(v), 2) for v in row] for row in event.path]
        events.append(_row(recorded, event) | {"trajectory": path})
    rooms = [
        {"start_s": part.start_s, "end_s": part.end_s, "t60_s": round(part.room.t60_s.value, 3),
         "drr_db": round(part.room.drr_db.value, 1), "c50_db": round(part.room.c50_db.value, 1),
         "volume_m3": round(part.room.volume_m3.value, 1)}
        for part in recorded.rooms
    ]  # fmt: skip
    return json.dumps({"events": events, "rooms": rooms, "provenance": recorded.notes}, allow_nan=False) + "\n"


def rttm_text(recorded: Recorded) -> str:
    """Turns of talkers as RTTM (NIST, Rich Transcription 2009): ``SPEAKER file 1 onset duration ... talker_N ...``."""
    name = Path(recorded.notes["audio"]["name"]).stem.replace(" ", "_")
    lines = []
    for event in recorded.events:
        if event.talker is not None:
            start, length = event.evidence.start_s, event.evidence.end_s - event.evidence.start_s
            lines.append(f"SPEAKER {name} 1 {start:.3f} {length:.3f} <NA> <NA> talker_{event.talker} <NA> <NA>\n")
    return "".join(lines)


def starss_text(recorded: Recorded) -> str:
    """Rows ``frame,class,source,azimuth,elevation,distance_cm`` (STARSS23) for every 100 ms in which an event sounds.

    Classes are indices into the model's list (``provenance.classes`` of the JSON); angles that the channels cannot
    tell are 0.
    """
    classes = {label: number for number, label in enumerate(recorded.notes["classes"])}
    rows = []
    for event in recorded.events:
        first = round(event.evidence.start_s * 10)
        for step, (azimuth, elevation, distance) in enumerate(np.nan_to_num(event.path).tolist()):
            degrees = -((-round(azimuth) + 180) % 360 - 180)
            rows.append(
                (first + step, classes[event.label], event.source, degrees, round(elevation), round(100 * distance))
            )
    return "".join(",".join(map(str, row)) + "\n" for row in sorted(rows))


WRITERS: dict[str, Callable[[Recorded], str]] = {
    "csv": csv_text,
    "json": json_text,
    "rttm": rttm_text,
    "starss": starss_text,
}
