"""What a scene says, read by brute force: names looked up, directions as vectors, activity frame by frame."""

from __future__ import annotations

import math
import re
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.scene import Scene, SourceEvent
from spatial_lalm.audio.wording import NAMES
from spatial_lalm.simulation.questions.phrasings import ALIASES

_ORDINAL = re.compile(r"the (first|second|third) (?:stretch of )?(.+)")
_NUMBERS = ("first", "second", "third")
SIDES = {
    "on the left": (0, 1, 0),
    "on the right": (0, -1, 0),
    "in front of me": (1, 0, 0),
    "behind me": (-1, 0, 0),
    "above me": (0, 0, 1),
    "below me": (0, 0, -1),
}
CORNERS = {
    "front": (1, 0),
    "front left": (1, 1),
    "left": (0, 1),
    "back left": (-1, 1),
    "back": (-1, 0),
    "back right": (-1, -1),
    "right": (0, -1),
    "front right": (1, -1),
}


@cache
def _labels() -> dict[str, str]:
    """Every name of a class in lower case, with and without its article."""
    table = {alias.lower(): label for label, aliases in ALIASES.items() for alias in aliases}
    for label, (bare, _, _) in NAMES.items():
        table |= {bare: label, f"the {bare}": label, f"a {bare}": label, f"the sound of the {bare}": label}
    return table


def label_of(scene: Scene, text: str) -> str | None:
    """The class that a text names; classes of no table go by their own name."""
    strange = {event.label.replace("_", " "): event.label for event in scene.events if event.label not in NAMES}
    text = text.lower()
    return _labels().get(text) or strange.get(text.removeprefix("the ").removeprefix("a "))


def covered(scene: Scene, label: str | None) -> bool:
    """Whether a class might be the background's own noise, so that its absence is not certain."""
    return label in ("noise", "modulated_noise") and (len(scene.events) == 0 or scene.snr_db < 35)


def members(scene: Scene, label: str | None) -> list[int]:
    """Events of a class from the earliest on."""
    found = [index for index, event in enumerate(scene.events) if event.label == label]
    return sorted(found, key=lambda index: scene.events[index].onset_s)


def one(scene: Scene, text: str) -> int | None:
    """The only event that a name can mean: a class that sounds once, or an ordinal one of several."""
    found = _ORDINAL.fullmatch(text.lower())
    if found and label_of(scene, found[2]):
        several = members(scene, label_of(scene, found[2]))
        number = _NUMBERS.index(found[1])
        return several[number] if len(several) > max(number, 1) else None
    several = members(scene, label_of(scene, text))
    return several[0] if len(several) == 1 else None


def unit(event: SourceEvent, step: int = 0) -> NDArray[Any]:
    """Unit vector (x, y, z) of an event at a step of its trajectory."""
    azimuth, elevation = (math.radians(angle) for angle in event.trajectory[step][:2])
    level = math.cos(elevation)
    return np.array([level * math.cos(azimuth), level * math.sin(azimuth), math.sin(elevation)])


def place(event: SourceEvent, step: int = 0) -> NDArray[Any]:
    """Position (x, y, z) in metres of an event at a step of its trajectory."""
    return unit(event, step) * event.trajectory[step][2]


def between(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Angle between two unit vectors in degrees, by the half-angle formula."""
    return math.degrees(2 * math.atan2(float(np.linalg.norm(a - b)), float(np.linalg.norm(a + b))))


def moves(event: SourceEvent) -> bool:
    """Whether any step of the trajectory lies elsewhere than the first: over 12 degrees, or a quarter in distance."""
    first = np.linalg.norm(place(event))
    for step in range(len(event.trajectory)):
        here = np.linalg.norm(place(event, step))
        if between(unit(event), unit(event, step)) > 12 or max(here, first) > 1.22 * min(here, first):
            return True
    return False


def is_on(event: SourceEvent, side: str) -> bool:
    """Whether a direction is nearer than 65 degrees to the middle of a side, or 17 degrees up or down."""
    along = float(unit(event) @ np.array(SIDES[side]))
    return along > (math.sin(math.radians(17)) if side in ("above me", "below me") else 0.4)


def octant_fits(event: SourceEvent, words: str, step: int = 0) -> bool:
    """Whether an octant's middle is the nearest of the eight in the horizontal plane."""
    x, y = unit(event, step)[:2]
    along = {name: (x * a + y * b) / math.hypot(a, b) for name, (a, b) in CORNERS.items()}
    return words in along and along[words] == max(along.values())


def frames(scene: Scene) -> NDArray[np.bool_]:
    """Activity ``(events, frames)`` per 100 ms from the start of the scene."""
    last = max((round(event.onset_s * 10) + len(event.active) for event in scene.events), default=0)
    grid = np.zeros((len(scene.events), max(last, math.ceil(scene.duration_s * 10)) + 1), dtype=bool)
    for row, event in zip(grid, scene.events, strict=True):
        start = round(event.onset_s * 10)
        row[start : start + len(event.active)] = event.active
    return grid


def together(scene: Scene, a: int, b: int) -> bool:
    """Whether two events share a frame in which both sound."""
    grid = frames(scene)
    return bool(np.any(grid[a] & grid[b]))


def on_at(event: SourceEvent, time_s: float) -> bool:
    """Whether a time lies between onset and offset."""
    return event.onset_s <= time_s < event.offset_s


def named(scene: Scene, text: str) -> set[str] | None:
    """The classes that a list such as ``rain and a dog bark`` names; None if one comes twice or is unknown."""
    parts = re.split(r", | and ", text)
    labels = [label_of(scene, part) for part in parts]
    return None if None in labels or len(set(labels)) < len(labels) else {str(label) for label in labels}


def number(pattern: str, text: str) -> float:
    """The one number of a sentence; NaN, which equals nothing, for another sentence."""
    found = re.fullmatch(pattern, text)
    return float(found[1]) if found else math.nan


def how_many(pattern: str, text: str) -> float:
    """As ``number``, of a count that is told as "no" where there is none, and never as 0."""
    return math.nan if " 0 " in text else number(pattern, text.replace(" no ", " 0 "))
