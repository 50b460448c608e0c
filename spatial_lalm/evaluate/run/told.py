"""What our own model's answer says, in the form of an item's truth: from its evidence, told by the question's words.

The model answers in its own sentences and knows no options. What it told is compared with what the options or the
statement say; where that cannot be done by the rules below the answer counts as unread, never as a guess.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from spatial_lalm.audio.conventions import wrap_degrees
from spatial_lalm.audio.wording import (
    azimuth_words,
    called,
    direction_words,
    list_text,
    reverberation_words,
    size_words,
    spoken_name,
)  # fmt: skip
from spatial_lalm.evaluate.benchmark import Choice, Decline, Direction, Item, Number, Span, Tracks, Words, YesNo
from spatial_lalm.evaluate.run import quantities
from spatial_lalm.evaluate.run.bearings import direction
from spatial_lalm.evaluate.run.parsing import bare_words, read_text
from spatial_lalm.evaluate.run.responses import Reading
from spatial_lalm.evaluate.run.told_choices import choose
from spatial_lalm.evaluate.run.told_yes_no import verdict
from spatial_lalm.model.answers import Answer, Evidence
from spatial_lalm.model.question import Asked, read_question

READOUT = "told-3"
"""Version of these rules and those of ``told_choices`` and ``told_yes_no``."""
_ROOM = {"t60": "t60_s", "drr": "drr_db", "c50": "c50_db", "volume": "volume_m3"}
ROUNDED_DEG = 1.0
"""A sentence rounds to whole degrees."""
_CLOSE_TO_TEXT = 0.06
"""Share by which the rounded number of a sentence may differ from the evidence that it was rounded from."""


def read_answer(answer: Answer, item: Item, part_s: tuple[float, float] | None = None) -> Reading:
    """What an answer of ours says for an item; ``part_s`` are the seconds that it is about, where they are known.

    A sound that is denied is an answer to a question of yes or no, and no decline.
    """
    truth, asked = item.truth, read_question(item.question)
    if isinstance(truth, YesNo):
        said = verdict(answer, item.question)
        return Reading(said, declined=said is None and answer.abstained)
    if answer.abstained:
        return Reading(None, declined=True)
    match truth:
        case Choice(options=options):
            return Reading(choose(answer, options, asked, part_s))
        case Direction():
            return Reading(_direction(answer, asked))
        case Number(quantity=quantity):
            return Reading(_number(answer, quantity, item.question, asked))
        case Span():
            return Reading(_spans(answer, asked))
        case Words(transcript=False):
            return Reading(_words(answer, asked))
        case Words() | Tracks():
            return Reading()
        case Decline():
            return read_text(answer.text, truth)


def event_asked(answer: Answer, asked: Asked) -> Evidence | None:
    """The event that a question is about: the first of the class that it names, or the only one heard."""
    about = [event for event in answer.evidence if asked.label in (None, event.label)]
    if asked.label is None and len(about) > 1:
        named = called(answer.text.lower())
        about = [event for event in about if event.label == named[0]] if len(set(named)) == 1 else []
    return about[0] if about else None


def _direction(answer: Answer, asked: Asked) -> list[float | None] | None:
    """The direction in the text, with the digits of the evidence that it was rounded from."""
    event, told = event_asked(answer, asked), direction(answer.text)
    if event is None or event.azimuth_deg is None:
        return None if told is None else list(told)
    if told is None:
        return [event.azimuth_deg, event.elevation_deg] if asked.kind == "where" else None
    near = abs(float(wrap_degrees(told[0] - event.azimuth_deg))) <= ROUNDED_DEG
    return [event.azimuth_deg, event.elevation_deg] if near else list(told)


def _number(answer: Answer, quantity: str, question: str, asked: Asked) -> float | None:
    if quantity == "time":
        return _time(answer, question, asked)
    told = quantities.amount(answer.text, quantity)
    if told is None:
        return None
    exact = None
    if quantity == "distance" and (event := event_asked(answer, asked)) is not None:
        exact = event.distance_m
    elif quantity in _ROOM and answer.room is not None:
        exact = getattr(answer.room, _ROOM[quantity]).value
    if exact is not None and abs(exact - told) <= max(
        0.55 if quantity in ("drr", "c50") else 0.06, _CLOSE_TO_TEXT * abs(told)
    ):
        return float(exact)
    return told


def _time(answer: Answer, question: str, asked: Asked) -> float | None:
    """Start, end or length, as the question has it, of the one span that is told."""
    spans = _spans(answer, asked)
    if spans is None or len(spans) != 1:
        return None
    start, end = spans[0]
    words = question.lower()
    if re.search(r"\b(how long|duration|length|lasts?|for how many seconds|how many seconds long)\b", words):
        return end - start
    if re.search(r"\b(ends?|stops?|over|finish\w*|until|offset)\b", words):
        return end
    return start if re.search(r"\b(starts?|begins?|onset|first|from)\b|^when\b", words) else None


def _spans(answer: Answer, asked: Asked) -> list[list[float]] | None:
    told = quantities.spans_s(answer.text)
    if not told and asked.kind == "when" and (event := event_asked(answer, asked)) is not None:
        told = ((event.start_s, event.end_s),)
    return [list(span) for span in told] or None


def _words(answer: Answer, asked: Asked) -> str | None:
    """The word that the answer comes down to, by what was asked."""
    if re.match(r"I hear (nothing (?!else)|no distinct sound)", answer.text):
        return "nothing"
    event = event_asked(answer, asked)
    if asked.kind == "where" and event is not None and event.azimuth_deg is not None:
        if event.elevation_deg is None:
            return azimuth_words(event.azimuth_deg)
        return direction_words(event.azimuth_deg, event.elevation_deg)
    if asked.kind == "room_size" and answer.room is not None:
        return size_words(answer.room.volume_m3.value)
    if asked.kind == "reverberation" and answer.room is not None:
        return reverberation_words(answer.room.t60_s.value)
    text = answer.text.lower()
    if ordered := re.match(r"the (?:first|second|third|fourth) .+?(?= (?:is|are) (?:the \w+st|furthest))", text):
        return ordered[0]  # one of several of its class, by a measure
    labels = called(text)
    if re.search(r"(?<!modulated )\bnoise\b", text) and "noise" not in labels:
        labels = (*labels, "noise")  # in our own sentences it is the class, in a question it may be any sound
    names = [spoken_name(label) for label in labels]
    return list_text(names) if names else bare_words(answer.text) or None


def confidence(answer: Answer, asked: Asked) -> float | None:
    """How sure the model is of the sound that its answer is about; None where nothing was heard."""
    event = event_asked(answer, asked)
    shown: Sequence[Evidence] = answer.evidence if event is None else (event,)
    return min((one.confidence for one in shown), default=None)
