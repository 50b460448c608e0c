"""Which option an answer of ours comes down to: what it told against what each option says.

The sentence itself goes first, read as anybody's. Then, if every option is of one kind (directions, distances, times,
classes, counts, sizes, parts of the recording, orders, moving or not), the option nearest to what was told; a tie is no
answer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from spatial_lalm.audio.conventions import wrap_degrees
from spatial_lalm.audio.wording import azimuth_words, called, reverberation_words, size_words
from spatial_lalm.evaluate.choices import parse_choice
from spatial_lalm.evaluate.run import quantities
from spatial_lalm.evaluate.run.bearings import direction
from spatial_lalm.model.answers import Answer, Evidence
from spatial_lalm.model.question import Asked

WORDS_DEG = 67.5
"""A side in words is told by directions up to this far from its middle."""


_NTH = {"first": 0, "second": 1, "third": 2, "fourth": 3, "last": -1}
_PARTS = {"half": 2, "third": 3, "quarter": 4, "fifth": 5}


def choose(
    answer: Answer, options: Sequence[str], asked: Asked, part_s: tuple[float, float] | None = None
) -> int | None:
    """Index of the option that is told; None where none is, or several are.

    ``part_s``: start and end of what was asked about, for options such as ``the first quarter``.
    """
    if (told := parse_choice(answer.text, options)) is not None:
        return told
    if part_s is not None and (told := _by_part(answer, options, asked, part_s)) is not None:
        return told
    for rule in (_by_order, _by_class, _by_direction, _by_motion, _by_words, _by_amount):
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
    places = [direction(option) for option in options]
    event = _event(answer, asked)
    if any(place is None for place in places) or event is None:
        return None
    if event.azimuth_deg is None:
        sides = [index for index, option in enumerate(options) if event.side and event.side in option.lower().split()]
        return sides[0] if len(sides) == 1 else None
    azimuth = event.azimuth_deg
    apart = [abs(float(wrap_degrees(place[0] - azimuth))) for place in places if place is not None]
    return nearest([angle if angle <= WORDS_DEG else math.inf for angle in apart])


def _by_part(answer: Answer, options: Sequence[str], asked: Asked, part_s: tuple[float, float]) -> int | None:
    """Options that are halves, thirds or quarters of the recording, against the start of the event asked about."""
    shares = [_share(option.lower()) for option in options]
    event, (start, end) = _event(answer, asked), part_s
    if event is None or any(share is None for share in shares) or end <= start:
        return None
    place = (event.start_s - start) / (end - start)
    inside = [index for index, share in enumerate(shares) if share is not None and share[0] <= place < share[1]]
    return inside[0] if len(inside) == 1 else None


def _share(option: str) -> tuple[float, float] | None:
    """Where a part such as ``the second quarter`` begins and ends, as shares of the whole."""
    found = re.search(rf"\b({'|'.join(_NTH)}) ({'|'.join(_PARTS)})\b", option)
    if found is None:
        return None
    count = _PARTS[found[2]]
    place = _NTH[found[1]] % count
    return place / count, (place + 1) / count


def _by_order(answer: Answer, options: Sequence[str], asked: Asked) -> int | None:
    """Options that are the same classes in different orders, against the order in which they were heard to start."""
    orders = [called(option.lower()) for option in options]
    classes = set(orders[0])
    starts = {label: min((event.start_s for event in answer.evidence if event.label == label), default=math.nan)
              for label in classes}  # fmt: skip
    same = len(classes) > 1 and all(set(order) == classes for order in orders)
    if not same or not all(map(math.isfinite, starts.values())) or len(set(starts.values())) < len(starts):
        return None
    heard = tuple(sorted(starts, key=starts.__getitem__))
    return orders.index(heard) if orders.count(heard) == 1 else None


def _by_motion(answer: Answer, options: Sequence[str], asked: Asked) -> int | None:
    """Options that say whether a sound moves, against a sentence about its place."""
    moving = [re.search(r"\bmov(e|es|ing)\b", option.lower()) is not None for option in options]
    still = [re.search(r"\b(stay|stays|still|in place|at rest)\b", option.lower()) is not None for option in options]
    if len(options) != 2 or moving == still or sum(moving) != 1 or sum(still) != 1:
        return None
    told = moves(answer.text)
    return None if told is None else (moving if told else still).index(True)


def moves(text: str) -> bool | None:
    """Whether a sentence of ours about a place says that the sound moves; None of another sentence."""
    if re.search(r"\bmov(es?|ing) from\b", text):
        return True
    return False if re.search(r"\bcomes? from\b", text) else None


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
    metres = all(re.search(r"\d ?(m|met(re|er)s?)\b", option.lower()) for option in options)
    quantity, value = _amount(answer, asked, metres)
    if value is None:
        return None
    ranges = [quantities.bounds(option, quantity) for option in options]
    if any(one is None for one in ranges):
        return None
    return nearest([max(low - value, value - high, 0.0) for low, high in filter(None, ranges)])


def _amount(answer: Answer, asked: Asked, metres: bool) -> tuple[str, float | None]:
    """The quantity that a question is about, and what was told of it; options in ``metres`` make a place a distance."""
    event, room = _event(answer, asked), answer.room
    match asked.kind:
        case "where" | "what" | None if (
            metres and asked.compared is None and event is not None and math.isfinite(event.distance_m)
        ):
            return "distance", event.distance_m
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
        case "count_in_all" | "count_at_once" | "count_classes":
            return "count", quantities.amount(answer.text, "count")
    return "", None
