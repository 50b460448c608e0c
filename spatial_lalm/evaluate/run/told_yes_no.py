"""Whether a statement holds by what our model heard: its own yes or no, then its evidence by the question's words."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from spatial_lalm.audio.conventions import unit_vector
from spatial_lalm.audio.wording import SIDES, called, on_side
from spatial_lalm.evaluate.run import quantities
from spatial_lalm.evaluate.run.told_choices import moves
from spatial_lalm.model.answers import Answer, Evidence

_MORE = r"\b(farther|further|longer|larger|bigger|greater|more|higher|above|over|later|after)\b"
_LESS = r"\b(nearer|closer|shorter|smaller|less|fewer|lower|below|under|earlier|before)\b"
_HEARD = r"\b(hear|heard|there|sound of|contains?|have|has|find|present)\b"


def verdict(answer: Answer, question: str) -> bool | None:
    """True or False by what was heard; None where the question is of no kind that the rules below know."""
    if own := re.match(r"(yes|no)\b", answer.text, re.IGNORECASE):
        return own[1].lower() == "yes"
    words = re.sub(r"\b(am i|is it) right (that|in)\b", "", question.lower())
    labels = called(words)
    if not labels and (listed := re.fullmatch(r"I hear (.+) (?:from the \w+|above|below|behind)\.", answer.text)):
        return listed[1] != "nothing"  # of a question about any sound on a side
    if re.match(r"I hear no ", answer.text):
        simple = len(labels) <= 1 and not _ranked(words) and not any(re.search(side, words) for side in SIDES.values())
        return False if simple and re.search(_HEARD, words) else None
    for rule in (_against_number, _between_two, _on_a_side, _moves, _is_heard):
        if (said := rule(answer, words, labels)) is not None:
            return said
    return None


def _ranked(words: str) -> int:
    """1 where a question asks for more, -1 for less, 0 where it asks for neither or both."""
    return bool(re.search(_MORE, words)) - bool(re.search(_LESS, words))


def _of(answer: Answer, label: str) -> Evidence | None:
    return next((event for event in answer.evidence if event.label == label), None)


def _against_number(answer: Answer, words: str, labels: tuple[str, ...]) -> bool | None:
    """Farther than 3 metres, a T60 above 0.5 s, larger than 60 m³, more than two sounds."""
    rank = _ranked(words)
    _, than, limit_text = words.rpartition(" than ")
    limit_text = limit_text if than else words
    if not rank or (than and called(limit_text)):
        return None
    if re.search(r"\bt60\b|reverb|decay", words):
        quantity, value = "t60", answer.room.t60_s.value if answer.room else None
    elif re.search(r"cubic|m³|m3\b", words):
        quantity, value = "volume", answer.room.volume_m3.value if answer.room else None
    elif re.search(r"\bmet(re|er)s?\b|\d ?m\b", words) and len(labels) == 1:
        event = _of(answer, labels[0])
        quantity, value = "distance", event.distance_m if event else None
    elif re.search(r"\b(sounds?|sources?|talkers?|people)\b", limit_text):
        quantity, value = "count", quantities.amount(answer.text, "count")
    else:
        return None
    limit = quantities.amount(limit_text, quantity)
    return None if value is None or limit is None or not math.isfinite(value) else (value - limit) * rank > 0


_MEASURES: tuple[tuple[str, Callable[[Evidence], float | None]], ...] = (
    (r"\b(nearer|closer|farther|distance)\b|\bfurther (away|off|than)\b", lambda event: event.distance_m),
    (r"\b(elevation|higher|lower)\b", lambda event: event.elevation_deg),
    (r"\b(longer|shorter|duration)\b", lambda event: event.end_s - event.start_s),
    (r"\b(before|after|earlier|later)\b", lambda event: event.start_s),
)


def _between_two(answer: Answer, words: str, labels: tuple[str, ...]) -> bool | None:
    """One sound against another: nearer, higher, longer, before, to the left of; at the same time; on the same side."""
    if len(labels) != 2:
        return None
    first, second = (_of(answer, label) for label in labels)
    if first is None or second is None:
        return None
    if re.search(r"\boverlap|\bsame time\b|\btogether\b|\bat once\b|\bsimultaneous", words):
        return min(first.end_s, second.end_s) > max(first.start_s, second.start_s)
    if re.search(r"\bsame side\b|\bone side\b", words):
        return None if None in (first.side, second.side) else first.side == second.side
    if side := re.search(r"\b(left|right) (of|than)\b|\bfurther (left|right)\b", words):
        if first.azimuth_deg is None or second.azimuth_deg is None:
            return None
        return (_leftness(first) > _leftness(second)) == ("left" in side[0])
    rank = _ranked(words)
    for pattern, measure in _MEASURES:
        if re.search(pattern, words):
            one, other = measure(first), measure(second)
            return None if one is None or other is None or not rank else (one - other) * rank > 0
    return None


def _leftness(event: Evidence) -> float:
    """The y of its direction: what is behind has a left and a right too."""
    return float(unit_vector(event.azimuth_deg or 0.0, event.elevation_deg or 0.0)[1])


def _on_a_side(answer: Answer, words: str, labels: tuple[str, ...]) -> bool | None:
    sides = [side for side, pattern in SIDES.items() if re.search(pattern, words)]
    event = _of(answer, labels[0]) if len(labels) == 1 else None
    if len(sides) != 1 or event is None or event.azimuth_deg is None:
        return None
    return on_side(sides[0], event.azimuth_deg, event.elevation_deg or 0.0)


def _moves(answer: Answer, words: str, labels: tuple[str, ...]) -> bool | None:
    """Whether it moves at all; only a sentence about places tells that."""
    if not re.search(r"\b(moves?|moving|on the move|change its place)\b", words) or len(labels) != 1:
        return None
    if re.search(r"\b(left|right|nearer|closer|away|up|down|towards?)\b", words):
        return None
    return moves(answer.text)


def _is_heard(answer: Answer, words: str, labels: tuple[str, ...]) -> bool | None:
    """A question about nothing but whether a class sounds."""
    relation = _ranked(words) or re.search(
        r"\b(same|overlap|together|moves?|moving|outdoors|indoors|first|last)\b", words
    )
    if len(labels) != 1 or relation or not re.search(_HEARD, words):
        return None
    return _of(answer, labels[0]) is not None
