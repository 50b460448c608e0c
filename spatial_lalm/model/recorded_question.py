"""What a question about hours limits itself to: after a sound, between two, in a room, in a half, to one talker.

What is read here is taken out of the question; ``model.question`` reads the rest as that of any question.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from spatial_lalm.audio.wording import called

Which = Literal["after", "before", "while", "between"]
Topic = Literal["rooms", "which_room", "which_part", "occurrences", "how_long", "who_most"]

_ORDER = {"first": 0, "second": 1, "third": 2, "fourth": 3, "last": -1, "final": -1}
_NTH = rf"(?P<nth>{'|'.join(_ORDER)})"
_HOURS = (
    (r"\bhalf an hour\b", lambda found: "30 minutes"),
    (r"\b(first|last) half hour\b", lambda found: f"{found[1]} 30 minutes"),
    (r"\b(first|last) (hour|minute)\b", lambda found: f"{found[1]} {60 if found[2] == 'hour' else 1} minutes"),
    (r"\b(\d+(?:\.\d+)?) ?(?:hours?|hrs?|h)\b", lambda found: f"{60 * float(found[1]):g} minutes"),
    (r"\b(?:an|one) hour\b", lambda found: "60 minutes"),
    (r"\btwo hours\b", lambda found: "120 minutes"),
    (r"\b(?:an?|one) minute\b", lambda found: "1 minutes"),
)  # fmt: skip
"""Hours as ``model.moments`` knows them: in minutes."""
_PORTIONS: tuple[tuple[str, tuple[float, float]], ...] = (
    (r"\b(?:in|during|of) the first half\b", (0.0, 0.5)),
    (r"\b(?:in|during|of) the (?:second|last) half\b", (0.5, 1.0)),
    (r"\b(?:in|during|of) the first third\b", (0.0, 1 / 3)),
    (r"\b(?:in|during|of) the (?:second|middle) third\b", (1 / 3, 2 / 3)),
    (r"\b(?:in|during|of) the (?:third|last) third\b", (2 / 3, 1.0)),
    (r"\b(?:in|during|of) the first quarter\b", (0.0, 0.25)),
    (r"\b(?:in|during|of) the last quarter\b", (0.75, 1.0)),
    (r"\bin the middle\b", (1 / 3, 2 / 3)),
    (r"\b(?:at|in|towards?|near) the (?:very )?(?:beginning|start)\b", (0.0, 0.1)),
    (r"\b(?:at|in|towards?|near) the (?:very )?end\b", (0.9, 1.0)),
)
"""Shares of the recording; "the beginning" and "the end" are a tenth each."""
_TOPICS: tuple[tuple[str, Topic], ...] = (
    (r"\b(in|from) (which|what) (of the )?(rooms?|places?|halls?)\b", "which_room"),
    (
        r"\b(how many|which|list|what) (all )?(the )?(different )?rooms\b|\brooms? (ever )?changed?\b|"
        r"\bchanges? (of )?(the )?rooms?\b|\b(another|new|different) room\b|\b(more than|only) one room\b",
        "rooms",
    ),
    (r"\b(in|at|during) (which|what) (part|half|third|quarter|section|hour|minute)s?\b", "which_part"),
    (r"\bhow (often|many times)\b|\bnumber of times\b", "occurrences"),
    (r"\bwho\b.*\b(most|longest)\b|\bwhich (talker|speaker|person)\b.*\b(most|longest)\b", "who_most"),
    (
        r"\bhow (long|much) (does|did|do|is|was|are|were)\b|\bhow much time\b|\btalk(ing)? time\b|\bin total\b",
        "how_long",
    ),
)
_WHO_SPOKE = r"\b(?:talker|speaker|person|one|voice) (?:who|that) (?:spoke|speaks|talked|talks|was heard) first\b"
_RELATION = r"(?:right |just |immediately |shortly |soon )?\b(?P<which>after|before|while|during|between)\b"


@dataclass(frozen=True)
class Reference:
    """A sound that a question refers to: its class, and which of them (0 the first, -1 the last)."""

    label: str
    nth: int = 0


@dataclass(frozen=True)
class Relation:
    """Where a question's sounds stand to those it refers to; ``end`` is the other one of ``between``."""

    which: Which
    to: Reference
    end: Reference | None = None


@dataclass(frozen=True)
class Scope:
    """What a question limits itself to, and the ``rest`` of it; ``portion`` are shares of the recording."""

    rest: str
    topic: Topic | None = None
    relation: Relation | None = None
    room: int | None = None
    portion: tuple[float, float] | None = None
    talker: int | None = None


def read_scope(question: str) -> Scope:
    """What a question limits itself to."""
    text = question.lower().strip(" ?!.")
    for pattern, said in _HOURS:
        text = re.sub(pattern, said, text)
    text, relation = _relation(text)
    topic = next((topic for pattern, topic in _TOPICS if re.search(pattern, text)), None)
    room = talker = portion = None
    if found := re.search(rf"\b(?:in|of|from|during) the {_NTH} (?:room|hall)\b", text):
        room, text = _ORDER[found["nth"]], _without(text, found)
    if found := re.search(r"\b(?:talker|speaker|person|voice|source) (?:number )?(\d+)\b", text):
        talker, text = int(found[1]), f"{text[: found.start()]}talker{text[found.end() :]}"
    elif found := re.search(_WHO_SPOKE, text):  # talkers are numbered as they first speak
        talker, text = 1, f"{text[: found.start()]}talker{text[found.end() :]}"
    for pattern, shares in _PORTIONS:
        if found := re.search(pattern, text):
            portion, text = shares, _without(text, found)
            break
    return Scope(text, topic, relation, room, portion, talker)


def _without(text: str, found: re.Match[str]) -> str:
    return " ".join(f"{text[: found.start()]} {text[found.end() :]}".split())


def _relation(text: str) -> tuple[str, Relation | None]:
    """The question without its clause about another sound, and that clause; one without a sound of ours stays."""
    if found := re.match(rf"{_RELATION} (?P<tail>[^,]+),\s*(?P<rest>.+)", text):
        rest = found["rest"]
    elif found := re.search(rf"{_RELATION} (?P<tail>.+)$", text):
        rest = text[: found.start()].strip()
    else:
        return text, None
    which = "while" if found["which"] == "during" else found["which"]
    first, second, *_ = (
        [*re.split(r"\band\b", found["tail"], maxsplit=1), ""] if which == "between" else [found["tail"], ""]
    )
    to, end = _reference(first), _reference(second)
    if to is None or (which == "between" and end is None) or re.search(r"\b(distance|angle|apart|degrees)\b", rest):
        return text, None
    return rest or "what happened", Relation(which, to, end)  # type: ignore[arg-type]


def _reference(text: str) -> Reference | None:
    names = called(" ".join(word if called(word) else word.removesuffix("s") for word in text.split()))
    found = re.search(rf"\b{_NTH}\b", text)
    return Reference(names[0], _ORDER[found["nth"]] if found else 0) if names else None
