"""A scene as questions see it: which sounds can be named, and what is clear enough to be asked.

Nothing is asked that the labels cannot decide or a listener could not judge: what lies between two answers is ``None``
here, and no question is made of it.
"""

from __future__ import annotations

import itertools
import math
from functools import cached_property

from spatial_lalm.audio import wording
from spatial_lalm.audio.conventions import angle_between, unit_vector, wrap_degrees
from spatial_lalm.audio.scene import Scene, SourceEvent
from spatial_lalm.audio.wording import Spatial
from spatial_lalm.simulation.questions.absent import Shares, absent
from spatial_lalm.simulation.questions.answer import Draft, Name

TIME_MARGIN_S = 0.3
DISTANCE_RATIO = 1.3
ANGLE_DEG = 25.0
OCTANT_MARGIN_DEG = 4.0
HIGHEST_DEG = 60.0  # above it an azimuth means little
STILL_DEG, MOVES_DEG = 5.0, 20.0
STILL_RATIO, MOVES_RATIO = 1.1, 1.4
AUDIBLE_DB = -6.0  # all of a sound over the background; below it nobody could be sure to have heard it
FAINT_DB = 35.0
"""A background so far below a typical source is heard by nobody beside it."""
NOISES = ("noise", "modulated_noise")
"""Classes that a background may be taken for."""
RANKS: dict[Spatial, int] = {"none": 0, "lateral": 1, "planar": 2, "full": 3}
AXES = {
    "left": (0.0, 1.0, 0.0),
    "right": (0.0, -1.0, 0.0),
    "front": (1.0, 0.0, 0.0),
    "back": (-1.0, 0.0, 0.0),
    "above": (0.0, 0.0, 1.0),
    "below": (0.0, 0.0, -1.0),
}
OPPOSITE = {"left": "right", "right": "left", "front": "back", "back": "front", "above": "below", "below": "above"}


def apart(a_s: float, b_s: float) -> bool:
    """Whether two times are far enough apart to be put in order."""
    return abs(a_s - b_s) >= TIME_MARGIN_S


def audible(event: SourceEvent) -> bool:
    """Whether a sound stands out of the background; True where that was not measured."""
    if event.direct_snr_db is None:
        return True
    drr = event.acoustics.drr_db if event.acoustics else math.inf
    reverberant_db = 10 * math.log10(1 + 10 ** (-drr / 10)) if math.isfinite(drr) else 0.0
    return event.direct_snr_db + reverberant_db >= AUDIBLE_DB


def in_background(scene: Scene) -> tuple[str, ...]:
    """Classes that the background may be taken for where it can be heard: nobody can say that they are not there."""
    return NOISES if not scene.events or scene.snr_db < FAINT_DB else ()


def one_source(scene: Scene) -> bool:
    """Whether all events are the same source: one class, one speaker, one place at the onset."""
    return len({(event.label, event.speaker, event.trajectory[0]) for event in scene.events}) == 1


class View:
    """What of a scene can be asked with channels that tell ``spatial`` of direction."""

    def __init__(self, scene: Scene, spatial: Spatial = "full", shares: Shares | None = None) -> None:
        """Nothing is computed before it is asked for; ``shares`` is what scenes are made of, see ``absent``."""
        self.scene, self.spatial, self.shares = scene, spatial, shares
        self.rank = RANKS[spatial]
        self.events = scene.events
        self.found: dict[str, list[Draft]] = {}  # by kind, so that fitting and making list them once

    @cached_property
    def clear(self) -> bool:
        """Whether every sound can be heard, and told from the background: only then is "all" or "first" decided."""
        placed = self.scene.background.kind == "directional"
        return all(audible(event) and not (placed and event.label in NOISES) for event in self.events)

    @cached_property
    def order(self) -> tuple[int, ...]:
        """Indices of the events by onset."""
        return tuple(sorted(range(len(self.events)), key=lambda index: self.events[index].onset_s))

    @cached_property
    def of_class(self) -> dict[str, list[int]]:
        """Indices of the events of every class that sounds, by onset."""
        found: dict[str, list[int]] = {}
        for index in self.order:
            found.setdefault(self.events[index].label, []).append(index)
        return found

    @cached_property
    def absent(self) -> dict[str, float]:
        """Classes that could sound and do not, each with the weight that it is asked about with."""
        return absent((*self.of_class, *in_background(self.scene)), self.shares)

    @cached_property
    def names(self) -> dict[int, Name]:
        """What the events can be called: a class of one event by itself, one of two or three by its order."""
        found: dict[int, Name] = {}
        for label, members in self.of_class.items():
            if len(members) == 1:
                found[members[0]] = Name(label)
            elif len(members) <= 3 and self.in_turn(members):
                found |= {index: Name(label, number) for number, index in enumerate(members, 1)}
        return {index: found[index] for index in self.order if index in found}

    def in_turn(self, members: list[int]) -> bool:
        """Whether events come one after the other with a pause that can be heard between them."""
        return all(
            self.events[b].onset_s - self.events[a].offset_s >= TIME_MARGIN_S for a, b in itertools.pairwise(members)
        )

    @cached_property
    def single(self) -> dict[int, str]:
        """Classes that sound exactly once, by the index of their event."""
        return {members[0]: label for label, members in self.of_class.items() if len(members) == 1}

    # ------------------------------------------------------------ places

    def vector(self, index: int, step: int = 0) -> tuple[float, float, float]:
        """Unit vector to an event at the onset, or at another step of its trajectory."""
        azimuth, elevation, _ = self.events[index].trajectory[step]
        x, y, z = unit_vector(azimuth, elevation).tolist()
        return x, y, z

    def angle(self, a: int, b: int) -> float:
        """Angle between two events at their onsets in degrees."""
        return float(angle_between(unit_vector(*self._direction(a)), unit_vector(*self._direction(b))))

    def _direction(self, index: int) -> tuple[float, float]:
        event = self.events[index]
        return event.azimuth_deg, event.elevation_deg

    def turned(self, a: int, b: int) -> float:
        """How far counter-clockwise event ``a`` is from event ``b``, in degrees."""
        return float(wrap_degrees(self.events[a].azimuth_deg - self.events[b].azimuth_deg))

    @cached_property
    def motion(self) -> dict[int, bool | None]:
        """Whether each event moves as the receiver hears it; None between clearly still and clearly moving."""
        return {index: self._moves(event) for index, event in enumerate(self.events)}

    def _moves(self, event: SourceEvent) -> bool | None:
        first, distances = unit_vector(*event.trajectory[0][:2]), [place[2] for place in event.trajectory]
        turn = max(float(angle_between(first, unit_vector(*place[:2]))) for place in event.trajectory)
        ratio = max(distances) / max(min(distances), 1e-6)
        if turn <= STILL_DEG and ratio <= STILL_RATIO:
            return False
        return True if turn >= MOVES_DEG or ratio >= MOVES_RATIO else None

    @cached_property
    def still(self) -> dict[int, Name]:
        """Names of the events that stay where they are."""
        return {index: name for index, name in self.names.items() if self.motion[index] is False}

    def side(self, index: int, side: str) -> bool | None:
        """Whether a still event is on a side, within 50 degrees of its middle; None from 50 to 80 or if it moves."""
        if self.motion[index] is not False:
            return None
        along = sum(a * b for a, b in zip(self.vector(index), AXES[side], strict=True))
        if self.spatial == "lateral":  # a left-right axis tells the angle from the middle alone
            return True if along >= 0.6 else False if along <= 0.1 else None
        edges = (math.cos(math.radians(50)), math.cos(math.radians(80)))
        if side in ("above", "below"):
            edges = (math.sin(math.radians(25)), math.sin(math.radians(10)))
        return True if along >= edges[0] else False if along <= edges[1] else None

    @cached_property
    def sides(self) -> tuple[str, ...]:
        """The sides that the channels tell apart."""
        every = ("left", "right", "front", "back", "above", "below")
        return every[: {0: 0, 1: 2, 2: 4, 3: 6}[self.rank]]

    def octant(self, index: int) -> str | None:
        """The octant of a still event that is far enough from the octant's edges and from the zenith."""
        azimuth, elevation = self._direction(index)
        off_centre = abs(float(wrap_degrees(azimuth - 45.0 * round(azimuth / 45.0))))
        if self.motion[index] is not False or abs(elevation) > HIGHEST_DEG or off_centre > 22.5 - OCTANT_MARGIN_DEG:
            return None
        return wording.azimuth_words(azimuth)

    # ------------------------------------------------------------ times

    @cached_property
    def tail_s(self) -> float:
        """How long a sound is heard after its end: until the room has let it decay by 30 dB, 0.2 s at least."""
        t60 = self.scene.acoustics.t60_s if self.scene.acoustics else math.nan
        return max(0.2, 0.5 * t60) if math.isfinite(t60) else 0.2

    def overlap(self, a: int, b: int) -> bool | None:
        """Whether two events sound together for 0.3 s at least; None for less, False from a gap of 0.3 s and a tail."""
        first, second = self.events[a], self.events[b]
        gap = max(first.onset_s, second.onset_s) - min(first.offset_s, second.offset_s)
        if gap >= max(TIME_MARGIN_S, self.tail_s):
            return False
        together = sum(self.sounds(a, frame) and self.sounds(b, frame) for frame in range(self._frames))
        return True if together >= round(TIME_MARGIN_S * 10) else None

    @cached_property
    def _frames(self) -> int:
        return math.ceil(10 * max((event.offset_s for event in self.events), default=0.0)) + 1

    def sounds(self, index: int, frame: int) -> bool:
        """Whether an event sounds in a frame of 100 ms from the start of the scene."""
        event = self.events[index]
        step = frame - round(event.onset_s * 10)
        return 0 <= step < len(event.active) and event.active[step]

    def at(self, index: int, time_s: float) -> bool | None:
        """Whether an event sounds around a time; None within 0.2 s of its ends, in its tail and in its pauses."""
        event = self.events[index]
        if time_s < event.onset_s - 0.2 or time_s > event.offset_s + self.tail_s:
            return False
        frames = range(round(time_s * 10) - 2, round(time_s * 10) + 3)
        inside = event.onset_s + 0.2 < time_s < event.offset_s - 0.2
        return True if inside and all(self.sounds(index, frame) for frame in frames) else None

    # ------------------------------------------------------------ talkers

    @cached_property
    def turns(self) -> tuple[tuple[int, int], ...]:
        """Who talks when: (number of the speaker by first turn, event) by onset; empty where that is not clear."""
        talk = [index for index in self.order if self.events[index].label == "speech"]
        speakers = list(dict.fromkeys(self.events[index].speaker for index in talk))
        onsets = [self.events[index].onset_s for index in talk]
        distinct = all(apart(a, b) for a, b in itertools.pairwise(onsets))
        own = [[index for index in talk if self.events[index].speaker == speaker] for speaker in speakers]
        if not talk or None in speakers or not distinct or not all(self.in_turn(members) for members in own):
            return ()
        return tuple((speakers.index(self.events[index].speaker), index) for index in talk)

    @cached_property
    def speakers(self) -> int:
        """How many talkers take part."""
        return len({number for number, _ in self.turns})

    @cached_property
    def interrupted(self) -> bool | None:
        """Whether two talkers talk at the same time; None where it is not clear or there is one talker."""
        pairs = [self.overlap(a, b) for n, (p, a) in enumerate(self.turns) for q, b in self.turns[n + 1 :] if p != q]
        if not pairs:
            return None
        return True if True in pairs else None if None in pairs else False
