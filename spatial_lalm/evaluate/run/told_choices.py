"""Which option an answer of ours comes down to: what it told against what each option says.

The sentence itself goes first, read as anybody's. Then, if every option is of one kind (directions, distances, times,
classes, counts, sizes), the option nearest to what was told; a tie is no answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from spatial_lalm.audio.conventions import wrap_degrees
from spatial_lalm.audio.wording import azimuth_words, called, reverberation_words, size_words
from spatial_lalm.evaluate.choices import parse_choice
from spatial_lalm.evaluate.run import quantities
from spatial_lalm.model.answers import Answer, Evidence
from spatial_lalm.model.question import Asked

WORDS_DEG = 67.5
"""A side in words is told by directions up to this far from its middle."""


def choose(answer: Answer, options: Sequence[str], asked: Asked) -> int | None:
    """Index of the option that is told; None where none is, or several are."""
    if (told := parse_choice(answer.text, options)) is not None:
        return told
    for rule in (_by_class, _by_direction, _by_words, _by_amount):
        if (told := rule(answer, options, asked)) is not None:
            return told
    return None


def nearest(distances: Sequence[float]) -> int | None:
    """Index of the one smallest number; None in a tie or where none is finite."""
    least = min(distances, default=math.inf)
    places = [index for index, distance in enumerate(distances) if distance <= least + 1e-9]
    return places[0] if math.isfinite(least) and len(places) == 1 else None


def _event(answer: Answer, asked: Asked) -> Evidence | None:
    return next((event for event in answer.evidence if asked.label in (None, event.label)), None)


def _by_class(answer: Answer, options: Sequence[str], asked: Asked) -> int | None:
    """Options that each name one class of ours, against the classes of the sentence."""
    classes = [called(option.lower()) for option in options]
    if not all(len(one) == 1 for one in classes) or asked.kind not in ("what", "when", "how_far", "where", None):
        return None
    said = set(called(answer.text.lower()))
    places = [index for index, (label,) in enumerate(classes) if label in said]
    return places[0] if len(places) == 1 else None


def _by_direction(answer: Answer, options: Sequence[str], asked: Asked) -> int | None:
    """Options that are directions, against the direction of the event asked about."""
    places = [quantities.direction(option) for option in options]
    event = _event(answer, asked)
    if any(place is None for place in places) or asked.kind not in ("where", None) or event is None:
        return None
    if event.azimuth_deg is None:
        sides = [index for index, option in enumerate(options) if event.side and event.side in option.lower().split()]
        return sides[0] if len(sides) == 1 else None
    azimuth = event.azimuth_deg
    apart = [abs(float(wrap_degrees(place[0] - azimuth))) for place in places if place is not None]
    return nearest([angle if angle <= WORDS_DEG else math.inf for angle in apart])


def _by_words(answer: Answer, options: Sequence[str], asked: Asked) -> int | None:
    """Options that are words for a size, a reverberation or an octant, as ours would be."""
    words = ""
    event = _event(answer, asked)
    if answer.room is not None and asked.kind == "room_size":
        words = size_words(answer.room.volume_m3.value)
    elif answer.room is not None and asked.kind == "reverberation":
        words = reverberation_words(answer.room.t60_s.value)
    elif asked.kind == "where" and event is not None and event.azimuth_deg is not None:
        words = azimuth_words(event.azimuth_deg)
    return parse_choice(words, options) if words else None


def _by_amount(answer: Answer, options: Sequence[str], asked: Asked) -> int | None:
    """Options that are amounts or ranges of them, against the amount of the answer."""
    quantity, value = _amount(answer, asked)
    if value is None:
        return None
    ranges = [quantities.bounds(option, quantity) for option in options]
    if any(one is None for one in ranges):
        return None
    return nearest([max(low - value, value - high, 0.0) for low, high in filter(None, ranges)])


def _amount(answer: Answer, asked: Asked) -> tuple[str, float | None]:
    """The quantity that a question is about, and what was told of it."""
    event, room = _event(answer, asked), answer.room
    match asked.kind:
        case "how_far" if asked.compared is None and event is not None and math.isfinite(event.distance_m):
            return "distance", event.distance_m
        case "when" if len(quantities.spans_s(answer.text)) == 1:
            return "time", quantities.spans_s(answer.text)[0][0]
        case "reverberation" if room is not None:
            return "t60", room.t60_s.value
        case "drr" if room is not None:
            return "drr", room.drr_db.value
        case "clarity" if room is not None:
            return "c50", room.c50_db.value
        case "room_size" if room is not None:
            return "volume", room.volume_m3.value
        case "count_in_all" | "count_at_once":
            return "count", quantities.amount(answer.text, "count")
    return "", None
