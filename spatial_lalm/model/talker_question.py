"""Which talker a question is about ("speaker B", "the second talker"), or which one it asks for.

Talkers of a short recording are told apart by their directions; A is the one who speaks first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from spatial_lalm.model.selection import asks_yes_no

Ask = Literal[
    "where", "how_far", "when", "turns", "who_last", "who_most", "who_first", "who_there", "interrupt", "wait"
]
_PERSON = r"(?:speaker|talker|person|voice)"
_LETTER = re.compile(
    rf"\b{_PERSON} (?:number |no )?"
    r"(?P<name>[b-d1-9]\b|a(?=$| (?:is|was|has|speak|talk|come|start|stop|take|sound|hear)))"
)
_NTH = re.compile(rf"\b(?P<nth>first|second|third|fourth|last) (?:different |new |other )?{_PERSON}s?\b")
_ORDER = {"first": 0, "second": 1, "third": 2, "fourth": 3, "last": -1}
_ASKS: tuple[tuple[Ask, str], ...] = (
    ("turns", r"\bhow (?:many|often|frequently)\b|\bnumber of\b"),
    ("where", r"\bwhere\w*\b|\bdirection\b|\b(?:which|what) (?:way|side|angle)\b|\bazimuth\b"),
    ("how_far", r"\bhow (?:far|near|close)\b|\bdistance\b|\bmet(?:re|er)s\b"),
    ("when", r"\bwhen\b|\btimes?\b|\bseconds?\b|\bhow long\b|\bturns?\b|\bheard?\b"),
)
_WHO = rf"\b(?:who|whose|which (?:one )?(?:of the )?(?:{_PERSON}|people)s?)\b"
_TALK = r"\b(?:speak|talk|word|turn|conversation|voice|floor)"
_OF_A_TURN = r"\b(?:where\w*|direction|how (?:far|near|close|long)|distance|when|which way)\b"
_WHICH: tuple[tuple[Ask, str], ...] = (
    ("who_most", r"\b(?:most|longest|largest share)\b"),
    ("who_last", r"\b(?:last|final)\b"),
    ("who_first", r"\bfirst\b"),
)
_PEOPLE = (
    r"(?:people|persons|talkers|speakers|voices|anybody|anyone|somebody|someone|everybody|everyone|turns|each talker)"
)
_INTERRUPT = (
    rf"\binterrupts?\b|\b(?:talk|speak)(?:s|ing)? over\b|"
    rf"\b{_PEOPLE}\b.*(?:\boverlap|\bsame time\b|\bat once\b|\bsimultaneous)|\boverlap\b.*\b{_PEOPLE}\b"
)
_WAIT = (
    r"\bwaits? for\b|\blets? (?:the others?|each other|everybody) finish\b|\bone (?:voice |person )?at a time\b|"
    r"\bnobody interrupts\b|\bnever overlap\b|\bfree of any overlap\b"
)


@dataclass(frozen=True)
class TalkerAsked:
    """What is asked (``ask``), of which talker: 0 who speaks first, -1 the last; None where the talker is asked for."""

    ask: Ask
    nth: int | None = None


def read_talker(words: str, side: str | None) -> TalkerAsked | None:
    """What the words of a question ask about a talker; ``side`` is the side or octant that they name."""
    if asks_yes_no(words):
        if re.search(_WAIT, words):
            return TalkerAsked("wait")
        return TalkerAsked("interrupt") if re.search(_INTERRUPT, words) else None
    if found := _LETTER.search(words):
        name = found["name"]
        nth: int | None = int(name) - 1 if name.isdigit() else "abcd".index(name)
    elif found := _NTH.search(words):
        nth = _ORDER[found["nth"]]
    else:
        nth = None
    if nth is not None:
        ask = next((ask for ask, pattern in _ASKS if re.search(pattern, words)), None)
        return TalkerAsked(ask, nth) if ask else None
    if not (re.search(_WHO, words) and re.search(_TALK, words)):
        return TalkerAsked("who_there") if side and " " in side and re.search(r"\bwho\b", words) else None
    which = next((ask for ask, pattern in _WHICH if re.search(pattern, words)), None)
    if which in ("who_first", "who_last") and re.search(_OF_A_TURN, words):
        return None  # "where is the person who speaks first?": the place of one turn
    return TalkerAsked(which) if which else TalkerAsked("who_there") if side else None
