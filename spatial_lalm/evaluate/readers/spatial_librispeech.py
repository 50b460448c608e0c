"""Spatial LibriSpeech: read English in simulated rooms, first-order ambisonics at 16 kHz, a row of metadata a sample.

Files keep angles in radians (counter-clockwise from the front, up), reverberation times in milliseconds, and room
acoustics in 33 third-octave bands. T60 here is the mean of T30 over the bands from 400 to 1250 Hz (the octaves of
500 Hz and 1 kHz, as ISO 3382-1 has it), DRR and C50 likewise.
"""

from __future__ import annotations

import math
import re
from functools import partial
from pathlib import Path

import numpy as np

from spatial_lalm.evaluate.benchmark import Direction, Item, Loaded, Reader, Truth, Words
from spatial_lalm.evaluate.readers import truths
from spatial_lalm.evaluate.readers.gathering import Gathering, check_split
from spatial_lalm.evaluate.readers.rows import Row

SPLITS = ("test", "test-lite", "train", "train-lite")
BANDS_HZ = (390.0, 1300.0)
"""From the third octave at 400 Hz to that at 1250 Hz, whose nominal centres the files round."""
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|nan|inf)")
WORDS = "speech/librispeech_metadata/transcription"
ANGLES = ("speech/azimuth", "speech/elevation")
COLUMNS = (
    "sample_id", "split", "lite_version", *ANGLES, "speech/distance", "room/volume", "noise/snr", WORDS,
    "acoustics/frequency_bins", "acoustics/t30_ms", "acoustics/drr_db", "acoustics/c50_db",
)  # fmt: skip


def read(folder: Path, split: str) -> Loaded:
    """Gather a split: up to seven questions a sample, about place, room and words."""
    gathered = Gathering(folder)
    part, _, lite = check_split(split, SPLITS).partition("-")
    stems = [f"metadata{suffix}" for suffix in (".jsonl", ".json", ".csv", ".parquet")]
    table = gathered.table(*stems)
    gathered.each(table, partial(_items, gathered, part, bool(lite)), ("data",), COLUMNS)
    return gathered.loaded()


def _items(gathered: Gathering, part: str, lite: bool, row: Row) -> list[Item]:
    if row.text("split") != part or (lite and str(row.get("lite_version")).lower() not in ("true", "1")):
        return []
    sample = int(row.amount(0, 1e9, "(whole)", "sample_id"))
    name = gathered.name(row, f"{sample:06d}")
    found = _truths(row)
    root = gathered.folder
    audio = gathered.sound(row, f"{name}.flac", root / "ambisonics", root / "audio", root)
    place, distance = found["direction"][1], found["distance"][1]
    assert isinstance(place, Direction)
    known = truths.facts(
        azimuth_deg=place.azimuth_deg,
        elevation_deg=place.elevation_deg,
        distance_m=getattr(distance, "value", None),
        t60_s=getattr(found["t60"][1], "value", None) if "t60" in found else None,
        snr_db=row.values.get("noise/snr"),
    )
    return [
        Item(f"{name}/{kind}", (audio,), question, truth, name, kind, "foa", facts=known)
        for kind, (question, truth) in found.items()
    ]


def _truths(row: Row) -> dict[str, tuple[str, Truth]]:
    azimuth, elevation = (
        row.amount(-limit, limit, "radians", name) for name, limit in zip(ANGLES, LIMITS, strict=True)
    )
    found: dict[str, tuple[str, Truth]] = {
        "direction": (
            "Where does the speech come from?",
            truths.direction(row, math.degrees(azimuth), math.degrees(elevation)),
        ),
        "distance": ("How far away is the talker?", truths.number(row, "distance", row.get("speech/distance"))),
    }
    asked = {
        "t60": ("What is the reverberation time T60?", "acoustics/t30_ms", 0.001),
        "drr": ("What is the direct-to-reverberant ratio?", "acoustics/drr_db", 1.0),
        "c50": ("What is the speech clarity C50?", "acoustics/c50_db", 1.0),
    }
    for kind, (question, column, unit) in asked.items():
        if row.values.get(column) is not None:
            value = _middle(row, column)
            if kind == "t60" and value < 20:
                raise row.problem(f"{column} {value:g} must be milliseconds: is it in seconds?")
            found[kind] = (question, truths.number(row, kind, value * unit))
    if row.values.get("room/volume") is not None:
        found["volume"] = ("How large is the room?", truths.number(row, "volume", row.get("room/volume")))
    if row.values.get(WORDS) is not None:
        found["transcript"] = ("What is said?", Words((row.text(WORDS),), transcript=True))
    return found


LIMITS = (2 * math.pi + 1e-3, math.pi / 2 + 1e-3)
"""What azimuths and elevations in radians do not exceed, rounding granted."""


def _middle(row: Row, column: str) -> float:
    """The mean over the middle bands of what is finite there."""
    frequencies, values = (_numbers(row, name) for name in ("acoustics/frequency_bins", column))
    if len(frequencies) != len(values):
        raise row.problem(f"{column} has {len(values)} values where {len(frequencies)} bands are due")
    middle = values[(BANDS_HZ[0] <= frequencies) & (frequencies <= BANDS_HZ[1]) & np.isfinite(values)]
    if not len(middle):
        raise row.problem(f"{column} has no value between {BANDS_HZ[0]:g} and {BANDS_HZ[1]:g} Hz", "empty")
    return float(middle.mean())


def _numbers(row: Row, column: str) -> np.ndarray:
    """A column of lists; in CSV a list is written as text, ``[1.0 2.0 nan]``."""
    value = row.get(column)
    told = NUMBER.findall(value) if isinstance(value, str) else value
    try:
        return np.array([math.nan if one is None else float(one) for one in told])
    except (TypeError, ValueError):
        raise row.problem(f"{column} must be a list of numbers") from None


SPATIAL_LIBRISPEECH = Reader(
    "spatial-librispeech",
    SPLITS,
    "metadata.parquet (pyarrow), .jsonl, .json or .csv beside ambisonics/000000.flac",
    read,
)
