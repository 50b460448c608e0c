"""From a question with its answer to a truth that can be scored: plain objects as ``items.jsonl`` holds them.

``TRUTHS`` has a rule for every kind of question that spatial-bench may ask, ``LEFT_OUT`` the reason for every other.
Numbers come from the scene graph, not from the rounded words of the answer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import permutations
from typing import Any

from spatial_lalm.audio import wording
from spatial_lalm.audio.scene import OCTAVES_HZ, Scene, SourceEvent
from spatial_lalm.audio.telling import MOST_TIMES
from spatial_lalm.simulation.questions import FAMILIES, REGISTRY, QuestionAnswer
from spatial_lalm.simulation.questions.answer import LETTERS, Name
from spatial_lalm.simulation.questions.phrasings import ALIASES
from spatial_lalm.simulation.questions.view import View
from spatial_lalm.simulation.questions.wordings import SIDE_PHRASES, UNSURE, called

Truth = dict[str, Any]
Rule = Callable[[View, QuestionAnswer], Truth | None]
"""None where this one question has no single truth of its type, as *where* of a sound that moves."""
LONGEST_LIST = 3
"""Sounds in a list of words, whose order must not matter."""
DECLINE: Truth = {"type": "decline"}


def truth_of(scene: Scene, qa: QuestionAnswer) -> Truth | None:
    """The truth of a question; None where it cannot be scored."""
    if qa.declined:
        return DECLINE
    rule = TRUTHS.get(qa.kind)
    return None if rule is None else rule(View(scene), qa)


# ---------------------------------------------------------------- types


def _number(quantity: str, value: float) -> Truth | None:
    return {"type": "number", "quantity": quantity, "value": value} if math.isfinite(value) else None


def _choice(options: Sequence[str], right: str) -> Truth:
    return {"type": "choice", "options": list(options), "right": list(options).index(right)}


def _words(accepted: Sequence[str]) -> Truth:
    return {"type": "words", "accepted": list(dict.fromkeys(accepted)), "transcript": False}


def _direction(azimuth: float, elevation: float | None) -> Truth:
    return {"type": "direction", "azimuth_deg": azimuth, "elevation_deg": elevation}


def _span(events: Sequence[SourceEvent]) -> Truth:
    """When events sound, in parts that do not meet."""
    parts: list[list[float]] = []
    for event in sorted(events, key=lambda event: event.onset_s):
        if parts and event.onset_s <= parts[-1][1]:
            parts[-1][1] = max(parts[-1][1], event.offset_s)
        else:
            parts.append([event.onset_s, event.offset_s])
    return {"type": "span", "parts_s": parts}


# ---------------------------------------------------------------- rules: fixed words


def _yes_no(view: View, qa: QuestionAnswer) -> Truth:
    return {"type": "yes_no", "yes": qa.claim == "yes"}


def _lettered(view: View, qa: QuestionAnswer) -> Truth:
    """Multiple choice as it was asked."""
    return _choice(qa.options, qa.options[LETTERS.index(qa.answer_letter)])


def _claimed(options: Mapping[str, str], view: View, qa: QuestionAnswer) -> Truth:
    """One of a few claims, in the words of its option."""
    return _choice(list(options.values()), options[qa.claim])


def _moves(view: View, qa: QuestionAnswer) -> Truth:
    """Whether a sound moves, in words that agree with its name."""
    plural = qa.label is not None and wording.is_plural(qa.label)
    options = ("move", "stay in place") if plural else ("moves", "stays in place")
    return _choice(options, options[qa.claim == "no"])


def _sides(*sides: str) -> Rule:
    return partial(_claimed, {side: SIDE_PHRASES[side].replace("me", "you") for side in sides})


def _lateral(view: View, qa: QuestionAnswer) -> Truth | None:
    """Left, middle or right of the one place asked about."""
    places = {wording.lateral_words(*place[:2]) for event in _about(view, qa) for place in _ends(event)}
    return _choice(("left", "middle", "right"), places.pop()) if len(places) == 1 else None


def _relation(view: View, qa: QuestionAnswer) -> Truth:
    options = ("to the left", "to the right")
    return _choice(options, next(option for option in options if f" {option} of " in qa.answer))


def _one_of_two(view: View, qa: QuestionAnswer) -> Truth:
    """Which of two sounds: both are named in the question."""
    options = [called(view.names[index]) for index in qa.evidence]
    return _choice(options, next(name for name in options if qa.answer.lower() == f"{name}."))


def _speaker(view: View, qa: QuestionAnswer) -> Truth:
    return _choice([f"speaker {letter}" for letter in LETTERS[: view.speakers]], qa.claim)


# ---------------------------------------------------------------- rules: places and times


def _about(view: View, qa: QuestionAnswer) -> list[SourceEvent]:
    return [event for event in view.events if qa.label in (None, event.label)]


def _ends(event: SourceEvent) -> tuple[tuple[float, float, float], ...]:
    return event.trajectory[0], event.trajectory[-1]


def _still(view: View, qa: QuestionAnswer) -> SourceEvent | None:
    """The event that a basic question names, if what it names is all in one place and stays there."""
    about = _about(view, qa)
    moves = [view.motion[index] for index, event in enumerate(view.events) if event in about]
    return about[0] if len({event.trajectory[0] for event in about}) == 1 and moves.count(False) == len(about) else None


def _where(flat: bool, view: View, qa: QuestionAnswer) -> Truth | None:
    event = _still(view, qa)
    return None if event is None else _direction(event.azimuth_deg, None if flat else event.elevation_deg)


def _towards(step: int, view: View, qa: QuestionAnswer) -> Truth:
    """The azimuth of the first event of the evidence, at the start (0) or the end (-1) of its path."""
    return _direction(view.events[qa.evidence[0]].trajectory[step][0], None)


def _how_far(view: View, qa: QuestionAnswer) -> Truth | None:
    event = _still(view, qa)
    return None if event is None else _number("distance", event.distance_m)


def _of_event(quantity: str, value: Callable[[SourceEvent], float], view: View, qa: QuestionAnswer) -> Truth | None:
    return _number(quantity, value(view.events[qa.evidence[0]]))


def _when(view: View, qa: QuestionAnswer) -> Truth | None:
    """When one class sounds, so seldom that a sentence can tell all of it."""
    about = _about(view, qa)
    whole = len(about) <= MOST_TIMES and "later again" not in qa.answer
    return _span(about) if whole and len({event.label for event in about}) == 1 else None


def _turns(view: View, qa: QuestionAnswer) -> Truth:
    return _span([view.events[index] for index in qa.evidence])


# ---------------------------------------------------------------- rules: counts and rooms


def _count(view: View, qa: QuestionAnswer) -> Truth | None:
    """What the claim counts; the two basic ways to count tell it in their sentence alone."""
    return _number("count", float(qa.claim or re.findall(r"\d+", qa.answer)[0]))


def _measured(quantity: str, name: str, view: View, qa: QuestionAnswer) -> Truth | None:
    return _number(quantity, getattr(view.scene.acoustics, name))


def _band(view: View, qa: QuestionAnswer) -> Truth | None:
    hertz, measured = re.findall(r"at (\d+) Hz", qa.answer)[0], view.scene.acoustics
    return None if measured is None else _number("t60", measured.t60_bands_s[OCTAVES_HZ.index(float(hertz))])


def _volume(view: View, qa: QuestionAnswer) -> Truth | None:
    return _number("volume", view.scene.room.volume_m3)


# ---------------------------------------------------------------- rules: names


def _spoken(name: Name) -> list[str]:
    """What a sound may be called in an answer."""
    if name.ordinal is not None:
        return [called(name)]
    return [wording.spoken_name(name.label), *(text for text in ALIASES.get(name.label, ()) if text not in UNSURE)]


def _named(view: View, qa: QuestionAnswer) -> Truth:
    """The sound that the evidence begins with, told from the others of its class."""
    return _words([*_spoken(view.names[qa.evidence[0]]), qa.answer])


def _class(view: View, qa: QuestionAnswer) -> Truth:
    """The class of the sound that the evidence begins with."""
    return _words([*_spoken(Name(view.events[qa.evidence[0]].label)), qa.answer])


def _heard(skipped: int, view: View, qa: QuestionAnswer) -> Truth | None:
    """Classes in any order; ``skipped`` events at the end of the evidence are what the question names itself."""
    members = range(len(view.events)) if qa.kind == "what" else qa.evidence[: len(qa.evidence) - skipped]
    labels = list(dict.fromkeys(view.events[index].label for index in members))
    if len(labels) > LONGEST_LIST:
        return None
    orders = list(permutations(labels)) if labels else []
    bare = [wording.list_text([wording.spoken_name(label) for label in order]) for order in orders]
    with_article = [wording.list_text([wording.spoken_name(label, "a") for label in order]) for order in orders]
    return _words([*bare, *with_article, *([] if labels else ["nothing"]), qa.answer])


# ---------------------------------------------------------------- the table

_onset = partial(_of_event, "time", lambda event: event.onset_s)
_far = partial(_of_event, "distance", lambda event: event.distance_m)
TRUTHS: dict[str, Rule] = {
    **dict.fromkeys(FAMILIES["yes_no"], _yes_no),
    **dict.fromkeys(FAMILIES["choice"], _lettered),
    **dict.fromkeys((*FAMILIES["unanswerable"], "absent", "off_topic", "mono_direction"), lambda view, qa: DECLINE),
    "where": partial(_where, False),
    "planar": partial(_where, True),
    "lateral": _lateral,
    "how_far": _how_far,
    "what": partial(_heard, 0),
    "when": _when,
    "count": _count,
    "reverberation": partial(_measured, "t60", "t60_s"),
    "drr": partial(_measured, "drr", "drr_db"),
    "clarity": partial(_measured, "c50", "c50_db"),
    "room_size": _volume,
    # one sound
    "octant": partial(_towards, 0),
    "azimuth": partial(_towards, 0),
    "distance": _far,
    "left_or_right": _sides("left", "right"),
    "front_or_back": _sides("front", "back"),
    "height": _sides("above", "below"),
    "on_side": partial(_heard, 0),
    "what_place": _class,
    "onset": _onset,
    "offset": partial(_of_event, "time", lambda event: event.offset_s),
    "duration": partial(_of_event, "time", lambda event: event.offset_s - event.onset_s),
    "moves_or_still": _moves,
    "move_start": partial(_towards, 0),
    "move_end": partial(_towards, -1),
    # two sounds and more
    **dict.fromkeys(("which_side", "which_higher", "which_nearer", "which_in_front", "which_first"), _one_of_two),
    "which_drr": _one_of_two,
    "relation": _relation,
    **dict.fromkeys(("nearest", "extreme", "longest", "who_moves", "nearest_on_side"), _named),
    **dict.fromkeys(("next", "previous", "after_on_side"), _class),
    "sounds_at": partial(_heard, 0),
    "while": partial(_heard, 1),
    **dict.fromkeys((*FAMILIES["count"], "count_talkers", "count_turns"), _count),
    "far_of": _far,
    "place_of": partial(_towards, 0),
    "place_after": partial(_towards, 0),
    "mover_when": _onset,
    # talkers
    "speaker_place": partial(_towards, 0),
    "first_talker_place": partial(_towards, 0),
    "speaker_times": _turns,
    **dict.fromkeys(("who_at", "last_speaker", "most_speaker"), _speaker),
    # rooms
    "t60": partial(_measured, "t60", "t60_s"),
    "t60_band": _band,
    "indoors_or_outdoors": partial(_claimed, {"indoors": "indoors", "outdoors": "outdoors"}),
    "drr_of": partial(_of_event, "drr", lambda event: event.acoustics.drr_db if event.acoustics else math.nan),
    "c50_of": partial(_of_event, "c50", lambda event: event.acoustics.c50_db if event.acoustics else math.nan),
}
_ANGLE = "items have no angle that is no direction; choose_angle, is_higher and directions ask for the same"
_QUANTITY = "items have no such quantity, and its tolerance would be that of another one"
_SCALE = "words of our own scale cannot be guessed; the choice among them is asked"
_LIST = "a list of several facts, which no exact match is fair to; its parts are asked one by one"
LEFT_OUT: dict[str, str] = {
    "elevation": _ANGLE,
    "angle_between": _ANGLE,
    **dict.fromkeys(("edt", "d50", "edt_of", "d50_of"), _QUANTITY),
    **dict.fromkeys(("reverberation_word", "size_word", "which_way"), _SCALE),
    **dict.fromkeys(("turns", "who_where", "order"), _LIST),
}
"""Kinds that are never asked, with the reason."""


def askable(families: Sequence[str], kinds: Sequence[str]) -> tuple[str, ...]:
    """Kinds of families and by name that have a truth, in the order of the registry."""
    wanted = {kind for family in families for kind in FAMILIES[family]} | set(kinds)
    return tuple(kind for kind in REGISTRY if kind in wanted and kind in TRUTHS)
