"""Places and distances in the basic answers, read from their words and derived again from the scene."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from spatial_lalm.audio.scene import SourceEvent

Key = tuple[float | str, ...]
"""What an answer says of a spot: numbers of one moment, or of two moments one after the other for a mover."""

_TURN = {"front": 0, "left": 90, "back": 180, "right": -90}
NUMBER = r"(-?\d+)"


# ---------------------------------------------------------------- reading places


def _half_up(value: float) -> int:
    return math.floor(value + 0.5)


def _azimuth(value: float) -> int:
    rounded = _half_up(value) % 360
    return rounded - 360 if rounded > 180 else rounded


def _octant_fits(words: str, azimuth: int) -> bool:
    """Whether the words name the centre of the octant nearest to an azimuth (a sum of two unit vectors at corners)."""
    turns = [math.radians(_TURN[word]) for word in words.split()]
    x, y = sum(map(math.cos, turns)), sum(map(math.sin, turns))
    along = (x * math.cos(math.radians(azimuth)) + y * math.sin(math.radians(azimuth))) / math.hypot(x, y)
    return along > math.cos(math.radians(22.5))


def _height(elevation: int) -> str:
    size = abs(elevation)
    degree = "directly" if size > 70 else "" if size > 30 else "slightly" if size >= 10 else "level"
    return "level" if degree == "level" else f"{degree} {'above' if elevation > 0 else 'below'}".strip()


def _read_full(text: str) -> Key | None:
    found = re.fullmatch(rf"(?:the )?([a-z ,]+): azimuth {NUMBER}°, elevation {NUMBER}°", text)
    if not found:
        return None
    octant, _, height = found[1].partition(", ")
    azimuth, elevation = int(found[2]), int(found[3])
    if octant.startswith("directly"):
        return (azimuth, elevation) if octant == _height(elevation) and not height else None
    fits = _octant_fits(octant, azimuth) and (height or "level") == _height(elevation)
    return (azimuth, elevation) if fits else None


def _read_planar(text: str) -> Key | None:
    found = re.fullmatch(rf"the ([a-z ]+): azimuth {NUMBER}°", text)
    return (int(found[2]),) if found and _octant_fits(found[1], int(found[2])) else None


def _read_lateral(text: str) -> Key | None:
    return (text,) if text in ("the left", "the middle", "the right") else None


def _read_distance(text: str) -> Key | None:
    found = re.fullmatch(r"(\d+\.\d) m( away)?", text)
    return (float(found[1]),) if found else None


_READERS: dict[str, Callable[[str], Key | None]] = {
    "where": _read_full,
    "planar": _read_planar,
    "lateral": _read_lateral,
    "how_far": _read_distance,
}


def read_spot(kind: str, text: str) -> Key | None:
    """Read ``from A``, ``A`` or ``moving from A, to B``; None for words that contradict their numbers."""
    moving = re.fullmatch(r"mov\w+ from (.+?),? to (.+)", text)
    if moving:
        start, end = _READERS[kind](moving[1]), _READERS[kind](moving[2])
        return None if start is None or end is None else (*start, *end)
    return _READERS[kind](re.sub(r"^(comes? from|from|is|are) ", "", text))


# ---------------------------------------------------------------- what the scene says


def true_spot(kind: str, event: SourceEvent) -> Key:
    """The spot of an event as its answer must give it."""
    (azimuth, elevation, distance), (azimuth2, elevation2, distance2) = event.trajectory[0], event.trajectory[-1]
    if kind == "how_far":
        ratio = distance2 / distance if distance else math.inf
        still = 1 / 1.25 <= ratio <= 1.25 or distance == distance2
        return (round(distance, 1),) if still else (round(distance, 1), round(distance2, 1))
    a, b, c, d = (math.radians(value) for value in (azimuth, elevation, azimuth2, elevation2))
    if kind == "planar":
        moves = math.cos(c - a) < math.cos(math.radians(15))
        return (_azimuth(azimuth), _azimuth(azimuth2)) if moves else (_azimuth(azimuth),)
    if kind == "lateral":
        sides = [_side(math.sin(a) * math.cos(b)), _side(math.sin(c) * math.cos(d))]
        return tuple(dict.fromkeys(sides))
    moves = math.sin(b) * math.sin(d) + math.cos(b) * math.cos(d) * math.cos(c - a) < math.cos(math.radians(15))
    start, end = (_azimuth(azimuth), _half_up(elevation)), (_azimuth(azimuth2), _half_up(elevation2))
    return (*start, *end) if moves else start


def _side(sideways: float) -> str:
    edge = math.sin(math.radians(22.5))
    return "the left" if sideways > edge else "the right" if sideways < -edge else "the middle"
