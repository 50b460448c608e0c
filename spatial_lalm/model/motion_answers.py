"""Answers about motion: whether and which way a sound moves, which one does, from where to where, how fast.

They speak of a scene graph in the canonical sentences about places (``audio.telling``); numbers are those of the
trajectories that the evidence shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from spatial_lalm.audio.conventions import angle_between, unit_vector, wrap_degrees
from spatial_lalm.audio.scene import Scene, SourceEvent
from spatial_lalm.audio.telling import tell
from spatial_lalm.audio.wording import LIMITS, Spatial, is_plural, list_text, place_text, spoken_name, times_text
from spatial_lalm.model.motion_question import Aspect, MotionAsked

ASIDE = 0.3
"""Change along the left-right axis, of a unit vector, from which a sound moves aside."""
UP_DEG = 14.0
ROUND_DEG = 20.0
"""Change of the azimuth from which a sound goes clockwise or counter-clockwise."""
LEVEL_DEG = 60.0
"""Beyond this elevation azimuths mean little."""
MOST_TOLD = 3
BY_RANGE = ("towards you", "away from you")
NO_RANGE = "I cannot tell whether a sound comes nearer or goes away: I do not follow distances along its way."
UNFOLLOWED = "Whether it comes nearer or goes away I cannot tell."
_UNTOLD: dict[Spatial, tuple[str, ...]] = {
    "full": (),
    "planar": ("upwards", "downwards"),
    "lateral": ("upwards", "downwards", "clockwise", "counter-clockwise"),
    "none": (),
}

Told = tuple[str, bool]
"""A sentence, and whether it declines."""
Clause = Callable[[SourceEvent, Spatial], str]


def tell_motion(scene: Scene, asked: MotionAsked, labels: Sequence[str], spatial: Spatial) -> Told:
    """The answer about the motion of some classes (none named: of all sounds), of which some are heard.

    ``spatial`` is not ``none``: such channels tell no motion.
    """
    about = [event for event in scene.events if not labels or event.label in labels]
    movers = [event for event in about if moves(event)]
    here = replace(scene, events=tuple(movers or about))
    if asked.way in BY_RANGE:
        return f"{NO_RANGE} {_where(here, spatial)}", True
    if not movers:
        return _at_rest(here, asked, spatial), False
    if asked.way:
        return _judged(movers, asked, spatial)
    if asked.aspect == "whether":
        return f"{'No' if asked.rest else 'Yes'}: {_each(movers, _course, spatial)}", False
    clause = _course if spatial == "lateral" else _CLAUSES.get(asked.aspect, _course)  # which tells sides, no degrees
    return _capital(_each(movers, clause, spatial)), False


def moves(event: SourceEvent) -> bool:
    """Whether an event has a way with two ends."""
    return len(event.trajectory) > 1


def _where(scene: Scene, spatial: Spatial) -> str:
    """The canonical sentence about the places of a scene's events."""
    labels = {event.label for event in scene.events}
    return tell(scene, "where", labels.pop() if len(labels) == 1 else None, spatial)


def _at_rest(scene: Scene, asked: MotionAsked, spatial: Spatial) -> str:
    """That nothing asked about moves, with where it is."""
    told = _where(scene, spatial)
    if told.startswith("I hear"):
        text = f"no sound moves that I could follow. {told}"
    else:
        label = scene.events[0].label
        subject = f"the {spoken_name(label)}"
        if spatial == "lateral":  # what goes from front to back there may well move
            rests = f"do{'' if is_plural(label) else 'es'} not change sides"
        else:
            rests = f"stay{'' if is_plural(label) else 's'} in place"
        text = f"{subject} {rests} and {told[len(subject) + 1 :]}"
    if asked.aspect != "whether":
        return _capital(text)
    return f"{'Yes' if asked.rest else 'No'}: {text} {UNFOLLOWED}"


def _judged(movers: Sequence[SourceEvent], asked: MotionAsked, spatial: Spatial) -> Told:
    """Whether any, or which, of the movers goes one way."""
    if asked.way in _UNTOLD[spatial]:
        return f"{LIMITS[spatial].capitalize()}. {_capital(_each(movers, _course, spatial))}", True
    going = [event for event in movers if asked.way in ways_of(event, spatial)]
    told = _each(going or movers, _way, spatial)
    if asked.aspect == "who":
        return _capital(told) if going else f"None of them: {told}", False
    return f"{'Yes' if going else 'No'}: {told}", False


def _each(movers: Sequence[SourceEvent], clause: Clause, spatial: Spatial) -> str:
    """One clause for every mover, the first few, with what the channels do not tell."""
    told = [clause(event, spatial) for event in sorted(movers, key=lambda event: event.onset_s)]
    more = ["other sounds move too"] * (len(told) > MOST_TOLD)
    limits = [LIMITS[spatial]] if spatial in LIMITS else []
    return f"{'; '.join([*told[:MOST_TOLD], *more, *limits])}."


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


# ---------------------------------------------------------------- a single mover


def ways_of(event: SourceEvent, spatial: Spatial) -> list[str]:
    """The ways in which an event goes from its first to its last place, as ``motion_question.WAYS`` calls them."""
    first, last = (unit_vector(*event.trajectory[index][:2]) for index in (0, -1))
    found = []
    if abs(last[1] - first[1]) >= ASIDE:
        found.append("from right to left" if last[1] > first[1] else "from left to right")
    risen = event.trajectory[-1][1] - event.trajectory[0][1]
    if spatial == "full" and abs(risen) >= UP_DEG:
        found.append("upwards" if risen > 0 else "downwards")
    if spatial != "lateral" and (turn := turned_deg(event)) is not None and abs(turn) >= ROUND_DEG:
        found.append("counter-clockwise" if turn > 0 else "clockwise")
    return found


def turned_deg(event: SourceEvent) -> float | None:
    """How far an event goes counter-clockwise, all along its way; None where it passes near the vertical."""
    azimuths, elevations = (np.array(column) for column in list(zip(*event.trajectory, strict=True))[:2])
    if np.abs(elevations).max() > LEVEL_DEG:
        return None
    return float(wrap_degrees(np.diff(azimuths)).sum())


def path_deg(event: SourceEvent) -> float:
    """The angle in degrees that an event goes through, piece by piece along its way.

    Smoothing cuts ways short: of what truly moved two thirds are seen, hence "at least" in the answers.
    """
    way = np.array(event.trajectory)
    places = unit_vector(way[:, 0], way[:, 1])
    return float(angle_between(places[:-1], places[1:]).sum())


def _subject(event: SourceEvent, verb: str) -> str:
    return f"the {spoken_name(event.label)} {verb.removesuffix('s') if is_plural(event.label) else verb}"


def _times(event: SourceEvent) -> str:
    return times_text([(event.onset_s, event.offset_s)])


def _course(event: SourceEvent, spatial: Spatial) -> str:
    """From where to where, which way round and when."""
    start, end = _ends(event, spatial)
    if start == end:
        return f"{_subject(event, 'moves')} within {start}, {_times(event)}"
    comma = "" if spatial == "lateral" else ","
    turn = [way for way in ways_of(event, spatial) if "clockwise" in way]
    return ", ".join([f"{_subject(event, 'moves')} from {start}{comma} to {end}", *turn, _times(event)])


def _way(event: SourceEvent, spatial: Spatial) -> str:
    """The ways that it goes, and where it starts and ends."""
    ways, (start, end) = ways_of(event, spatial), _ends(event, spatial)
    if not ways:
        return _course(event, spatial)
    comma = "" if spatial == "lateral" else ","
    told = f"{_subject(event, 'moves')} {list_text(ways)}"
    return f"{told}, starting at {start}{comma} and ending at {end}, {_times(event)}"


def _ends(event: SourceEvent, spatial: Spatial) -> tuple[str, str]:
    """Its first and its last place in words and degrees."""
    first, last = (place_text(*event.trajectory[index][:2], spatial) for index in (0, -1))
    return first, last


def _start(event: SourceEvent, spatial: Spatial) -> str:
    return f"{_subject(event, 'starts')} at {_ends(event, spatial)[0]}"


def _end(event: SourceEvent, spatial: Spatial) -> str:
    return f"{_subject(event, 'ends')} at {_ends(event, spatial)[1]}"


def _far(event: SourceEvent, _: Spatial) -> str:
    return f"{_subject(event, 'moves')} through at least about {path_deg(event):.0f}°, {_times(event)}"


def _speed(event: SourceEvent, _: Spatial) -> str:
    seconds = event.offset_s - event.onset_s
    return f"{_subject(event, 'moves')} by at least about {path_deg(event) / seconds:.0f}° a second, {_times(event)}"


def _when(event: SourceEvent, _: Spatial) -> str:
    return f"{_subject(event, 'moves')} {_times(event)}"


_CLAUSES: dict[Aspect, Clause] = {
    "way": _way, "start": _start, "end": _end, "far": _far, "speed": _speed, "when": _when
}  # fmt: skip
