"""Second derivation of answers about rooms."""

from __future__ import annotations

import math
import re

from spatial_lalm.audio.scene import OCTAVES_HZ, Scene
from spatial_lalm.simulation.questions.checks import oracle
from spatial_lalm.simulation.questions.checks.places import pair
from spatial_lalm.simulation.questions.kind import Asked

WORDS = {
    "dry": (0, 0.3),
    "moderately reverberant": (0.3, 0.7),
    "reverberant": (0.7, 1.5),
    "very reverberant": (1.5, math.inf),
}
SIZES = {"small": (0, 40), "medium-sized": (40, 120), "large": (120, 400), "very large": (400, math.inf)}


def open_air(scene: Scene) -> bool:
    """Whether every wall but the floor takes in all sound."""
    walls = [wall for place, wall in enumerate(scene.room.absorption) if place != 4]
    return all((min(wall) if isinstance(wall, tuple) else wall) >= 1 for wall in walls)


def t60_s(scene: Scene) -> float:
    """Reverberation time in seconds; NaN outdoors."""
    return math.nan if open_air(scene) or scene.acoustics is None else scene.acoustics.t60_s


def size_m3(scene: Scene) -> float:
    """Volume in cubic metres, the floor's corners taken one by one (shoelace formula); NaN outdoors."""
    width, depth, height = scene.room.dimensions_m
    corners = scene.room.corners_m or ((0.0, 0.0), (width, 0.0), (width, depth), (0.0, depth))
    around = zip(corners, (*corners[1:], corners[0]), strict=True)
    floor = abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in around)) / 2
    return math.nan if open_air(scene) else floor * height


def t60(asked: Asked) -> set[int] | None:
    """Judge ``The reverberation time is 0.52 s.``."""
    told = oracle.number(r"The reverberation time is (\d+\.\d\d) s\.", asked.answer)
    return set() if abs(told - t60_s(asked.scene)) <= 0.005 + 1e-9 else None


def of_one_source(scene: Scene, field: str) -> float:
    """A quantity of the only source, taken from every event's own response; NaN where there are several sources.

    Where the events' own responses were not measured, the scene's mean is that of the source.
    """
    first = scene.events[0] if scene.events else None
    for event in scene.events[1:]:
        same = first and (event.label, event.speaker) == (first.label, first.speaker)
        if not same or first is None or oracle.place(event).tolist() != oracle.place(first).tolist():
            return math.nan
    own = [getattr(event.acoustics, field) for event in scene.events if event.acoustics]
    values = own or [getattr(scene.acoustics, field)] * (scene.acoustics is not None and first is not None)
    return sum(values) / len(values) if values else math.nan


def edt(asked: Asked) -> set[int] | None:
    """Judge ``The early decay time is 0.52 s.`` of a scene of one source."""
    return set() if _edt_fits(asked, of_one_source(asked.scene, "edt_s")) else None


def _edt_fits(asked: Asked, edt_s: float) -> bool:
    told = oracle.number(r"The early decay time is (\d+\.\d\d) s\.", asked.answer)
    return not open_air(asked.scene) and abs(told - edt_s) <= 0.005 + 1e-9


def d50(asked: Asked) -> set[int] | None:
    """Judge ``The definition D50 is 62 %.`` of a scene of one source."""
    return set() if _d50_fits(asked, of_one_source(asked.scene, "d50")) else None


def _d50_fits(asked: Asked, d50: float) -> bool:
    told = oracle.number(r"The definition D50 is (\d+) %\.", asked.answer)
    return not open_air(asked.scene) and abs(told - 100 * d50) <= 0.5 + 1e-9


def edt_of(asked: Asked) -> set[int] | None:
    """Judge ``The early decay time is 0.52 s.`` of a sound."""
    index, value = _own(asked, "edt_s")
    return {index} if index is not None and _edt_fits(asked, value) else None


def d50_of(asked: Asked) -> set[int] | None:
    """Judge ``The definition D50 is 62 %.`` of a sound."""
    index, value = _own(asked, "d50")
    return {index} if index is not None and _d50_fits(asked, value) else None


def _own(asked: Asked, field: str) -> tuple[int | None, float]:
    """The event that gap ``x`` names and a quantity of its own response."""
    index = oracle.one(asked.scene, asked.slots["x"])
    own = None if index is None else asked.scene.events[index].acoustics
    return index, getattr(own, field) if own else math.nan


def t60_band(asked: Asked) -> set[int] | None:
    """Judge ``The reverberation time at 1000 Hz is 0.52 s.``."""
    found = re.fullmatch(r"The reverberation time at (\d+) Hz is (\d+\.\d\d) s\.", asked.answer)
    if not found or found[1] != asked.slots["band"] or float(found[1]) not in OCTAVES_HZ or open_air(asked.scene):
        return None
    measured = asked.scene.acoustics
    truth = measured.t60_bands_s[OCTAVES_HZ.index(float(found[1]))] if measured else math.nan
    return set() if abs(truth - float(found[2])) <= 0.005 + 1e-9 else None


def reverberation_word(asked: Asked) -> set[int] | None:
    """Judge ``It is dry.``."""
    found = re.fullmatch(r"It is ([a-z ]+)\.", asked.answer)
    return _within(WORDS.get(found[1] if found else ""), t60_s(asked.scene))


def size_word(asked: Asked) -> set[int] | None:
    """Judge ``It is small.``."""
    found = re.fullmatch(r"It is ([a-z -]+)\.", asked.answer)
    return _within(SIZES.get(found[1] if found else ""), size_m3(asked.scene))


def reverberation_option(asked: Asked) -> set[int] | None:
    """``dry``, in a multiple choice."""
    return _within(WORDS.get(asked.answer), t60_s(asked.scene))


def size_option(asked: Asked) -> set[int] | None:
    """``small``, in a multiple choice."""
    return _within(SIZES.get(asked.answer), size_m3(asked.scene))


def _within(ends: tuple[float, float] | None, value: float) -> set[int] | None:
    return set() if ends and ends[0] <= value < ends[1] else None


def indoors_or_outdoors(asked: Asked) -> set[int] | None:
    """Judge ``It was recorded indoors.``."""
    place = "outdoors" if open_air(asked.scene) else "indoors"
    return set() if asked.answer == f"It was recorded {place}." else None


def _level(asked: Asked, name: str, field: str) -> set[int] | None:
    index, level = _own(asked, field)
    told = oracle.number(rf"The {name} is (-?\d+) dB\.", asked.answer)
    fits = not open_air(asked.scene) and abs(level - told) <= 0.5 + 1e-9
    return {index} if index is not None and fits else None


def drr_of(asked: Asked) -> set[int] | None:
    """Judge ``The direct-to-reverberant ratio is -3 dB.``."""
    return _level(asked, "direct-to-reverberant ratio", "drr_db")


def c50_of(asked: Asked) -> set[int] | None:
    """Judge ``The clarity C50 is 8 dB.``."""
    return _level(asked, "clarity C50", "c50_db")


def which_drr(asked: Asked) -> set[int] | None:
    """``The dog bark.``, the one with the higher or lower ratio."""
    found = pair(asked)
    told = oracle.one(asked.scene, asked.answer.removesuffix("."))
    if found is None or told not in found or asked.slots["rank"] not in ("higher", "lower") or asked.answer[-1] != ".":
        return None
    if open_air(asked.scene):
        return None
    levels = {n: a.drr_db for n in found if (a := asked.scene.events[n].acoustics)}
    best = (max if asked.slots["rank"] == "higher" else min)(levels, key=lambda n: levels[n])
    return set(found) if best == told else None
