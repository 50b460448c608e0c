"""Grounding: a sentence of the language model may only say what was heard.

The language model understands the question: which kind of answer, about which sound, or that the audio cannot tell. Its
sentence is then told again from the events and the room that the encoder heard, in the same canonical form that it was
trained on, so that a number in the text is the number in the evidence, and a sound that was not heard is declined.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from spatial_lalm.audio.conventions import angle_between, unit_vector
from spatial_lalm.audio.plausibility import Doubt
from spatial_lalm.audio.scene import Acoustics, Room, Scene, SourceEvent
from spatial_lalm.audio.telling import CANNOT, tell, tell_side, unfamiliar
from spatial_lalm.model.answers import Evidence
from spatial_lalm.model.comparing import tell_compared
from spatial_lalm.model.hearing import FRAME_S, Heard
from spatial_lalm.model.motion import MOVES_DEG, UNASKED_DEG, arc_deg
from spatial_lalm.model.motion_answers import tell_motion
from spatial_lalm.model.motion_question import MotionAsked
from spatial_lalm.model.plain_answers import (
    NOT_UNDERSTOOD,
    REASONS,
    absence,
    apart,
    counted,
    in_detail,
    in_order,
    kinds_of_sound,
    no_direction,
    not_alike,
    nothing,
    nth_on_side,
    on_the_side,
    side_count,
    side_verdict,
    sources,
    what_is_there,
)
from spatial_lalm.model.question import Asked, read_question
from spatial_lalm.model.said import kind_said, lists_several, named_label

SAME_SOURCE_DEG = 25.0
SURE = 0.3
"""Events below this confidence are kept as evidence but not spoken of."""

_ROOM = frozenset({"reverberation", "drr", "clarity", "room_size"})
_PLACED = frozenset({"where", "how_far"})
_PLAIN = _ROOM | {"count_at_once", "count_classes", "what"}
"""Kinds that a question cannot name by chance."""
_SOUND = re.compile(r"\b(sounds?|sources?|noises?|it|hear|heard)\b")


@dataclass(frozen=True)
class Part:
    """What was listened to: seconds of the recording, whether that is all of it, and the doubt about its channels."""

    start_s: float = 0.0
    end_s: float = math.inf
    whole: bool = True
    doubt: Doubt | None = None


def ground(text: str, question: str, heard: Heard, part: Part = Part(), scene: Scene | None = None) -> tuple[str, bool]:
    """The sentence to give for the language model's ``text``, and whether it declines.

    What the question says plainly (``model.question``) goes before what the language model took it for. ``scene`` is
    what is told of instead of ``heard``, where sources are known better than by the direction of single events.
    """
    asked = read_question(question)
    if asked.kind == "cannot":
        return REASONS[asked.topic or "other"], True
    if part.doubt is not None and part.doubt.deaf:
        return f"{part.doubt.reason[0].upper()}{part.doubt.reason[1:]}, so I cannot hear this recording.", True
    if asked.span is not None and asked.span.within(part.start_s, part.end_s) is None:
        return f"I did not hear that moment: what I heard runs from {part.start_s:.1f} s to {part.end_s:.1f} s.", True
    return _Grounding(asked, during(heard, asked, part), part, question, scene).answer(text)


def during(heard: Heard, asked: Asked, part: Part) -> Heard:
    """What was heard in the seconds that a question names; all of it where it names none."""
    span = asked.span.within(part.start_s, part.end_s) if asked.span else None
    if asked.span is None:
        return heard
    there = (event for event in heard.events if span is not None and span.holds(event.start_s, event.end_s))
    return replace(heard, events=tuple(there), sources=None)


class _Grounding:
    """One question, read, and what was heard in the seconds that it is about."""

    def __init__(self, asked: Asked, heard: Heard, part: Part, question: str, scene: Scene | None = None) -> None:
        self.asked, self.heard, self.part = asked, heard, part
        self.scene = as_scene(heard, MOVES_DEG if asked.motion else UNASKED_DEG) if scene is None else scene
        self.about_sound = _SOUND.search(question.lower()) is not None
        span = asked.span.within(part.start_s, part.end_s) if asked.span else None
        self.where = str(span) if span else "in this recording" if part.whole else "in this part"

    def answer(self, text: str) -> tuple[str, bool]:
        """The sentence for the language model's ``text``."""
        asked, cannot = self.asked, text.startswith(CANNOT[:20])
        if not asked.english:
            return NOT_UNDERSTOOD, True
        if asked.unknown and not cannot:
            return unfamiliar(self.scene, asked.unknown), True
        if special := self._special():
            return special
        plain = asked.label is not None or asked.several or asked.kind in _PLAIN or self.about_sound
        if cannot and not (asked.kind and plain):
            return CANNOT, True
        # Of "the sound" with several of them all are told, whichever the language model would pick.
        label = asked.label or (None if plain else named_label(text))
        kind = asked.kind or kind_said(text)
        if text.startswith("I hear no ") and asked.kind is None:
            if label is None or all(event.label != label for event in self.scene.events):
                return self._denial(asked.label), True
            kind = "when"  # it was heard after all, and here is when
        if kind is None:
            return CANNOT, True
        if asked.label is None and (lists_several(text) or kind == "count_in_all" or cannot):
            label = None
        return self._told([kind, *([asked.also] if asked.also else [])], label)

    def _special(self) -> tuple[str, bool] | None:
        """Answers about a side, an order or a comparison."""
        asked, spatial = self.asked, self.heard.spatial
        if asked.motion:
            return self._of_motion(asked.motion)
        if answer := tell_compared(self.scene, asked, spatial, self.where):
            return self._doubted(*answer) if asked.kind in _PLACED else answer
        if asked.side:
            return self._doubted(*self._of_side(asked.side))
        if (asked.nth is not None or asked.compared) and not self.scene.events:
            return self._denial(asked.label), True
        if asked.nth is not None and not (asked.kind == "where" and spatial == "none"):
            if asked.label and all(event.label != asked.label for event in self.scene.events):
                return absence(asked.label, self.where), True
            told, declined = in_order(self.scene, asked, spatial)
            if asked.also in _PLACED and not declined and spatial != "none":
                told = f"{told} {in_order(self.scene, replace(asked, kind=asked.also), spatial)[0]}"
            return self._doubted(told, declined) if {asked.kind, asked.also} & _PLACED else (told, declined)
        return self._doubted(*apart(self.scene, asked.labels, spatial)) if asked.compared else None

    def _of_motion(self, motion: MotionAsked) -> tuple[str, bool]:
        labels, spatial = self.asked.labels, self.heard.spatial
        if not any(event.label in labels or not labels for event in self.scene.events):
            return self._denial(labels[0]) if labels else nothing(self.where), True
        if spatial == "none":
            return self._no_direction(self.asked.label), True
        return self._doubted(*tell_motion(self.scene, motion, labels, spatial))

    def _of_side(self, side: str) -> tuple[str, bool]:
        asked, spatial = self.asked, self.heard.spatial
        if asked.label and all(event.label != asked.label for event in self.scene.events):
            return absence(asked.label, self.where), True
        octant = " " in side and spatial != "none"
        told, declined = (what_is_there if octant else tell_side)(self.scene, side, spatial)
        if spatial == "none":
            return self._no_direction(asked.label), True
        if declined:
            return told, True
        if asked.nth is not None:
            return nth_on_side(self.scene, asked, side, spatial)
        if asked.kind == "count_in_all":
            return side_count(self.scene, side, asked.label), False
        if asked.label:
            return side_verdict(self.scene, side, asked.label, spatial), False
        there = on_the_side(self.scene, side)
        more = dict.fromkeys(kind for kind in (asked.kind, asked.also) if kind not in (None, "what", "where"))
        return " ".join([told, *(tell(there, kind, None, spatial) for kind in more if kind and there.events)]), False

    def _told(self, kinds: list[str], label: str | None) -> tuple[str, bool]:
        """Sentences of the kinds about one class or all, one after the other."""
        answers = [self._tell(kind, label) for kind in kinds]
        if len(answers) > 1 and answers[0][0].startswith("I hear no "):
            answers = answers[:1]
        return " ".join(text for text, _ in answers), all(declined for _, declined in answers)

    def _tell(self, kind: str, label: str | None) -> tuple[str, bool]:
        if kind in _ROOM and not self.scene.events:
            return nothing(self.where), True  # without a sound there is no reverberation to hear a room by
        about = label if kind in ("where", "mono_direction", "how_far", "when", "count_in_all") else None
        there = [event for event in self.scene.events if about in (None, event.label)]
        if about and not there:
            return self._denial(self.asked.label), True
        if not there and kind in ("what", "when", "where", "how_far", "mono_direction"):
            return nothing(self.where), kind != "what"
        if kind in ("where", "mono_direction") and self.heard.spatial == "none":
            return self._no_direction(about), True
        if kind == "count_classes":
            return kinds_of_sound(self.scene), False
        # A sound that moves and pauses begins again elsewhere, and is one source all the same.
        told_of = replace(self.scene, events=tuple(sources(self.scene))) if kind == "count_in_all" else self.scene
        told = tell(told_of, "where" if kind == "mono_direction" else kind, about, self.heard.spatial)
        if kind == "count_in_all" and about is None and self.heard.sources is not None:
            told = counted(told, self.heard.sources, self.scene)
        told = in_detail(told, kind, self.asked, self.scene, there)
        if kind == "what" and self.asked.span:
            told = f"{told.removesuffix('.')} {self.where}."
        return self._doubted(told, False) if kind in _PLACED else (told, False)

    def _no_direction(self, label: str | None) -> str:
        """Why no direction is told: the channels are one, or as good as one."""
        if self.part.doubt is not None and self.part.doubt.flat:
            return no_direction(self.part.doubt.reason, label)
        return tell(self.scene, "mono_direction", label)

    def _doubted(self, told: str, declined: bool) -> tuple[str, bool]:
        """A sentence about a place, with the doubt about the channels that it comes from."""
        doubt = self.part.doubt
        if declined or doubt is None or doubt.flat:
            return told, declined
        return not_alike(told, doubt.format_name, doubt.hint), declined

    def _denial(self, label: str | None) -> str:
        """That a class is not heard; one that only the language model named is nobody's question."""
        if label:
            return absence(label, self.where)
        return NOT_UNDERSTOOD if self.scene.events else nothing(self.where)


def as_scene(heard: Heard, moves_deg: float = UNASKED_DEG) -> Scene:
    """What was heard as a scene graph, so that one grammar tells scenes and hearing alike.

    Events whose ways end less than ``moves_deg`` from where they begin stay in place.
    """
    sure = [event for event in heard.events if event.confidence >= SURE] or list(heard.events[:1])
    events: list[SourceEvent] = []
    for event in sorted(sure, key=lambda e: e.start_s):
        events.append(_as_event(event, events, moves_deg))
    room = heard.room
    side = room.volume_m3.value ** (1 / 3)
    return Scene(
        duration_s=max((event.end_s for event in heard.events), default=0.0),
        rate=16_000,
        order=1,
        room=Room((side, side, side), (0.1,) * 6),
        receiver_m=(side / 2, side / 2, side / 2),
        events=tuple(events),
        acoustics=Acoustics(
            room.t60_s.value, tuple(b.value for b in room.t60_bands_s), room.drr_db.value, room.c50_db.value
        ),
        snr_db=0.0,
        seed=0,
    )


def number_of_sources(heard: Heard) -> int:
    """How many sources an answer tells of: by the head for their number where it hears any, else by their places."""
    return heard.sources or len(sources(as_scene(heard)))


def _as_event(event: Evidence, earlier: list[SourceEvent], moves_deg: float) -> SourceEvent:
    """An event of the graph; one of the class of an earlier one that begins where that ended is its source."""
    way = [(event.azimuth_deg or 0.0, event.elevation_deg or 0.0, event.distance_m)]
    if event.trajectory and arc_deg(event.trajectory) >= moves_deg:
        way = [(azimuth, elevation or 0.0, event.distance_m) for _, azimuth, elevation in event.trajectory]
    same = next(
        (e for e in earlier if e.label == event.label and _apart(e.trajectory[-1], way[0]) < SAME_SOURCE_DEG), None
    )
    at_rest = same is not None and len(way) == len(same.trajectory) == 1
    return SourceEvent(
        label=event.label,
        onset_s=event.start_s,
        offset_s=event.end_s,
        trajectory=same.trajectory if same and at_rest else tuple(way),
        active=(True,) * max(1, round((event.end_s - event.start_s) / FRAME_S)),
        speaker=same.speaker if same else f"{event.label} {len(earlier)}",
    )


def _apart(first: tuple[float, float, float], second: tuple[float, float, float]) -> float:
    return float(angle_between(unit_vector(first[0], first[1]), unit_vector(second[0], second[1])))
