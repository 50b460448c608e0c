"""Grounding: a sentence of the language model may only say what was heard.

The language model understands the question: which kind of answer, about which sound, or that the audio cannot tell. Its
sentence is then told again from the events and the room that the encoder heard, in the same canonical form that it was
trained on, so that a number in the text is the number in the evidence, and a sound that was not heard is declined.
"""

from __future__ import annotations

import re

from spatial_lalm.audio.conventions import angle_between, unit_vector
from spatial_lalm.audio.scene import Acoustics, Room, Scene, SourceEvent
from spatial_lalm.audio.telling import CANNOT, NOTHING, absence, tell, tell_side, unfamiliar
from spatial_lalm.audio.wording import NAMES, spoken_name
from spatial_lalm.model.answers import Evidence
from spatial_lalm.model.hearing import FRAME_S, Heard
from spatial_lalm.model.question import read_question

SAME_SOURCE_DEG = 25.0
SURE = 0.3
"""Events below this confidence are kept as evidence but not spoken of."""

_FORMS: tuple[tuple[str, str], ...] = (
    ("reverberation", r"T60"),
    ("drr", r"direct-to-reverberant"),
    ("clarity", r"C50"),
    ("room_size", r"^The room is"),
    ("count_at_once", r"^At most \d+"),
    ("count_in_all", r"^There (is|are) \d+"),
    ("mono_direction", r"^A mono recording"),
    ("how_far", r"\d m away|distances"),
    ("where", r"\bcomes? from\b|\bmoves? from\b|places|[ ;,] ?from (the|directly|above|below|straight)|azimuth"),
    ("when", r"from \d+\.\d s to"),
    ("what", r"^I hear "),
)
"""Kinds of answer by what only their canonical sentences say, in the order to try."""
_ROOM = frozenset({"reverberation", "drr", "clarity", "room_size"})
_PLAIN = _ROOM | {"count_at_once", "what"}
"""Kinds that a question cannot name by chance."""
_SOUND = re.compile(r"\b(sounds?|sources?|noises?|it|hear|heard)\b")


def ground(text: str, question: str, heard: Heard) -> tuple[str, bool]:
    """The sentence to give for the language model's ``text``, and whether it declines.

    What the question says plainly (``model.question``) goes before what the language model took it for.
    """
    scene, asked = as_scene(heard), read_question(question)
    cannot = text.startswith(CANNOT[:20])
    if asked.unknown and not cannot:
        return unfamiliar(scene, asked.unknown), True
    if asked.side:
        return tell_side(scene, asked.side, heard.spatial)
    plain = asked.label is not None or asked.kind in _PLAIN or _SOUND.search(question.lower()) is not None
    if asked.kind == "cannot" or (cannot and not (asked.kind and plain)):
        return CANNOT, True
    # Of "the sound" with several of them all are told, whichever the language model would pick.
    label = asked.label or (None if plain or asked.several else named_label(text))
    kind = asked.kind or next((kind for kind, pattern in _FORMS if re.search(pattern, text)), None)
    if text.startswith("I hear no ") and asked.kind is None:
        if label is None or all(event.label != label for event in scene.events):
            return _denial(scene, asked.label), True
        kind = "when"  # it was heard after all, and here is when
    if kind is None:
        return CANNOT, True
    if kind in _ROOM and not scene.events:
        return NOTHING, True  # without a sound there is no reverberation to hear a room by
    if kind in ("where", "mono_direction"):
        kind = "mono_direction" if heard.spatial == "none" else "where"
    about_one = kind in ("where", "mono_direction", "how_far", "when", "count_in_all")
    if asked.label is None and (_lists(text) or kind == "count_in_all" or cannot):
        about_one = False
    told = tell(scene, kind, label if about_one else None, heard.spatial)
    if told.startswith("I hear no "):
        return _denial(scene, asked.label), True
    return told, kind == "mono_direction"


def _denial(scene: Scene, label: str | None) -> str:
    """That a class is not heard, or what is heard: a class that only the language model named is nobody's question."""
    return absence(label) if label else tell(scene, "what")


def named_label(text: str) -> str | None:
    """The first class that a sentence names; None if it names none."""
    places = {label: _position(text.lower(), spoken_name(label)) for label in NAMES}
    found = {label: place for label, place in places.items() if place is not None}
    return min(found, key=lambda label: (found[label], -len(spoken_name(label)))) if found else None


def _position(text: str, name: str) -> int | None:
    match = re.search(rf"\b{re.escape(name)}\b", text)
    return match.start() if match else None


def _lists(text: str) -> bool:
    """Whether a sentence tells of several classes, as canonical lists do: with semicolons after "I hear"."""
    return text.startswith("I hear ") and not text.startswith("I hear it") and ";" in text


def as_scene(heard: Heard) -> Scene:
    """What was heard as a scene graph, so that one grammar tells scenes and hearing alike."""
    sure = [event for event in heard.events if event.confidence >= SURE] or list(heard.events[:1])
    events: list[SourceEvent] = []
    for event in sorted(sure, key=lambda e: e.start_s):
        events.append(_as_event(event, events))
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


def _as_event(event: Evidence, earlier: list[SourceEvent]) -> SourceEvent:
    """An event of the graph; one of the same class and direction as an earlier one is the same source, told of once."""
    place = (event.azimuth_deg or 0.0, event.elevation_deg or 0.0, event.distance_m)
    same = next(
        (e for e in earlier if e.label == event.label and _apart(e.trajectory[0], place) < SAME_SOURCE_DEG), None
    )
    return SourceEvent(
        label=event.label,
        onset_s=event.start_s,
        offset_s=event.end_s,
        trajectory=same.trajectory if same else (place,),
        active=(True,) * max(1, round((event.end_s - event.start_s) / FRAME_S)),
        speaker=same.speaker if same else f"{event.label} {len(earlier)}",
    )


def _apart(first: tuple[float, float, float], second: tuple[float, float, float]) -> float:
    return float(angle_between(unit_vector(first[0], first[1]), unit_vector(second[0], second[1])))
