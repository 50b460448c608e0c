"""What a question asks about motion: whether, which way, which sound, from where, to where, how far and fast, when."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Aspect = Literal["whether", "way", "who", "start", "end", "speed", "far", "when"]

WAYS: dict[str, str] = {
    "from right to left": r"\b(from (the |my )?right to (the |my )?left|(to|towards?) (the |my )?left|leftwards?)\b",
    "from left to right": r"\b(from (the |my )?left to (the |my )?right|(to|towards?) (the |my )?right|rightwards?)\b",
    "towards you": r"\b(towards? (me|us|the (listener|microphones?))|(closer|nearer)|approach(es|ing)?|closing in)\b",
    "away from you": r"\b(away|farther|further|reced(es?|ing))\b",
    "upwards": r"\b(up|upwards?|higher|ascend(s|ing)?)\b",
    "downwards": r"\b(down|downwards?|lower|descend(s|ing)?)\b",
    "counter-clockwise": r"\b(counter|anti)-?\s?clockwise\b",
    "clockwise": r"\bclockwise\b",
}
"""Ways to go as answers call them, and how questions do; the first that a question names is asked about."""

_GO = (
    r"(mov(e|es|ed|ing)|travel(s|led|ling)?|walk(s|ed|ing)?|on the move|approach(es|ing)?|reced(e|es|ing)|"
    r"fl(y|ies|ew|ying) (past|by|over|around|away|towards)|com(e|es|ing) (towards|closer|nearer)|"
    r"go(es|ing)? (past|by|around|away from|towards?|from|to the|up|down|upwards|downwards|clockwise|counter)|"
    r"pass(es|ing)? (by|me|us|from)|get(s|ting)? (closer|nearer|farther|further)|circl(e|es|ing) (me|us|around)|"
    r"chang(e|es|ed|ing) (its|their|his|her) (place|position))"
)
_REST = (
    r"\b(stay(s|ed|ing)? (in (its |one |the same )?place|where|put|still)|stand(s|ing)? still|stationary|in motion)\b"
)
_HEADS = r"\b(where|which|what)\b.* (go|goes|going|went|head(s|ed|ing)?)( to| towards)?$"
_MOVING = re.compile(rf"\b{_GO}\b|{_REST}|{_HEADS}|\b(motion|path|trajectory|movement) of\b|\bend(s|ed)? up\b")
_DESCRIBED = re.compile(
    r"\b(an?|the|any|some|this|that|my) (very |slow |fast |slowly |fast )?moving (?!or\b|at\b)|\bmoved by\b|"
    r"\bmove (the|your|my) \w+|\b(am|are|was|were) (i|we) (moving|walking)\b|"
    r"\b(can|should|shall|must|do|did) (i|we) move\b"
)
"""*Moving* of something else: a moving song, a listener who walks, an order to move something."""
_SOURCE = r"(sounds?|sources?|objects?|things?|ones?)"
MOVER = (
    r"\b(?:is|are|was|were|does|do|did)\s+(?:the|an?|that|this|any|my|your)\s+(?P<noun>.+?) "
    rf"(?:{_GO}|in motion|stay|stand|stationary|end)\b"
)
"""How a question introduces what moves."""
_OR_NOT = re.compile(
    r"\b(mov(es?|ing)|still|stays?|stationary) .*\bor .*\b(mov(es?|ing)|still|stays?|stationary|not)\b"
)
_A_MOVER = re.compile(rf"\b(is|are) there (an?|any|some) (\w+ )?moving {_SOURCE}$|\b{_SOURCE} in motion$")
_SETS_OFF = r"\b(starts?|begins?|beginning|starting|started|set(s|ting)? off|move(s|d)? off|departs?)\b"
_ARRIVES = r"\b(stops?|stopped|ends?|ended|ends? up|arriv(e|es|ed)|finish(es|ed)?)\b"
_ASPECTS: tuple[tuple[Aspect, str], ...] = (
    ("speed", r"\b(how (fast|quick(ly)?|slow(ly)?)|what speed|speed|velocity)\b"),
    ("far", r"\b(how far|how much|how many degrees|through what angle|what (arc|angle))\b"),
    (
        "start",
        rf"\b(where|direction|place)\b.*({_SETS_OFF}|\bfrom$)|\b(start|beginning|origin) of (its|the) (path|way)\b",
    ),
    ("end", rf"\b(where|direction|place)\b.*{_ARRIVES}|\bend of (its|the) (path|way)\b"),
    ("when", r"\b(when|what time|which seconds?)\b"),
    (
        "way",
        r"\b(which|what|in which|in what) (way|direction)\b|\bwhich way\b|^(\w+ ){0,6}how\b|\bwhere\b|"
        r"\b(describe|trace|follow)\b|\b(motion|movement|path|trajectory) of\b",
    ),
    ("who", rf"\b(what|who|which|anything|something|anyone|someone|any(body)?|any {_SOURCE}|name)\b"),
)
"""Aspects by the words that ask for them, in the order to try; what is left asks whether it moves."""
_AT_AN_END = re.compile(
    r"\b(which|what) direction (is|was|are|were) .+ when (it|they|he|she) ((?P<start>starts?|begins?)|ends?|stops?)$"
)
"""The one wording about an end of a path that names no motion."""


@dataclass(frozen=True)
class MotionAsked:
    """What of a motion is asked: an aspect, and with ``whether`` perhaps the way (of ``WAYS``) that is to be judged.

    ``rest`` says that a *yes* means that it stays.
    """

    aspect: Aspect
    way: str | None = None
    rest: bool = False


def read_motion(words: str) -> MotionAsked | None:
    """What a question asks about motion, from its lower-case words without punctuation; None where it asks nothing."""
    if found := _AT_AN_END.search(words):
        return MotionAsked("start" if found["start"] else "end")
    if _A_MOVER.search(words):
        return MotionAsked("who")
    if _DESCRIBED.search(words) or not _MOVING.search(words):
        return None
    if _OR_NOT.search(words):
        return MotionAsked("whether")
    way = next((way for way, pattern in WAYS.items() if re.search(pattern, words)), None)
    aspect = next((aspect for aspect, pattern in _ASPECTS if re.search(pattern, words)), None)
    if aspect in (None, "who") and way is not None and not re.search(r"\b(what|who|which)\b", words):
        return MotionAsked("whether", way)
    if aspect is not None:
        return MotionAsked(aspect, way if aspect == "who" else None)
    rests = re.search(_REST, words) and not re.search(rf"\b{_GO}\b|\bin motion\b", words)
    return MotionAsked("whether", rest=bool(rests))
