"""What a question asks for, as far as its own words say so plainly; the language model decides the rest.

The mini language model learned from a few hundred phrasings; words such as "echoey" or "elephant" it never met. Where a
question names its kind, its sound, its side, its moment or an order outright, that stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from spatial_lalm.audio.wording import called
from spatial_lalm.model.claims import Claim, Pair, read_claim, read_pair
from spatial_lalm.model.moments import Span, named_span
from spatial_lalm.model.motion_question import MotionAsked, read_motion
from spatial_lalm.model.question_kinds import KINDS, SILENCE, UNTELLABLE, Topic
from spatial_lalm.model.recorded_question import Reference
from spatial_lalm.model.selection import Selection, asks_yes_no, named_side, ordinals, read_selection, singular
from spatial_lalm.model.talker_question import TalkerAsked, read_talker
from spatial_lalm.model.unknown_sounds import unknown_sound

_DIRECTION = r"\b(direction|azimuth|elevation|angle)\b(?!.*\bbetween\b)"
_HEARD = (
    r"\b(is|are|was|were) there\b|\b(do|does|can|did) (you|i|we|any(one|body)|some(one|body)) (hear|speak|talk)\b|"
    r"^(is|was) (some|any)(one|body)\b"
)
_SOME_SIDE = r"\b(what|which|who|whose|anything|something|nothing|sounds?|sources?|noises?)\b"
_WHICH_SIDE = r"\b(direction|(which|what) (side|way)|where|or)\b"
_ABOUT_SOUNDS = frozenset({None, "where", "when", "what", "how_far", "count_in_all"})
_YES_NO = r"(is|are|was|were|do|does|did|can|could|has|have)\b"
_SEVERAL = r"\b(and|or|than|before|after|both|between|from)\b"
_CLAUSE = r"\band (?=(?:(?:at|from|in|to) )?(?:where|when|how|what|which)\b)"
"""Where a second question begins."""
_LISTENER = r"(me|us|you|myself|the (microphone|listener)s?)"
_APART = (
    rf"\bhow far apart\b|\b(distance|angle) between (?!{_LISTENER}\b)(?!.*\band {_LISTENER}\b)|"
    r"\bhow many degrees\b.*\bapart\b|\bdegrees\b.*\bdiffer\b"
)
_ORDER = {"first": 0, "second": 1, "third": 2, "fourth": 3, "last": -1, "final": -1}
_ORDERED_NOUN = re.compile(
    r"\b(?P<order>first|second|third|fourth|last|final) "
    r"(?=(?:(?:stretch|burst|bout|bit|piece|occurrence|instance|sound) of )?(?P<noun>\w+)(?P<more>(?: \w+)?))"
)
_ORDERED_VERB = re.compile(
    r"\b(?:come|start|begin|end|stop|finish|sound|play|talk|speak)(?:s|es)?(?: heard)? (?P<order>first|last)\b|"
    r"\b(?:is|was|are) (?:heard )?(?P<order2>first|last)$|"
    r"^(?:what|who|which (?:sound|one)) (?:is|was|comes?) (?P<order3>first|last)\b"
)
_ORDERED = re.compile(r"turns?|sounds?|sources?|noises?|things?|events?|ones?|signals?")
_TURN = r"\b(first|second|third|last|final) turn\b"
_OFTEN = r"\bhow (?:often|many times|frequently)\b|\bnumber of times\b"
_BAND = r"\b(?P<value>\d+(?:[ .]\d+)?) ?(?P<kilo>k)?(?:hz|hertz|ilohertz)\b|\b(?P<thousands>\d) ?kilohertz\b"
_TALKER_KINDS = {"where": "where", "how_far": "how_far", "when": "when", "turns": "count_in_all"}
_SELECTION_KINDS = {
    "nearest": "how_far", "farthest": "how_far", "leftmost": "what", "rightmost": "what", "highest": "what",
    "lowest": "what", "side": "what", "while": "what",
}  # fmt: skip
_FINISH = r"\b(ends?|stops?|finish(es)?) (first|last)\b"
_PLAIN_ENGLISH = re.compile(
    r"an?|the|is|are|was|were|be|been|do|does|did|can|could|would|will|has|have|had|what|where|when|who|which|how|why|"
    r"whose|i|me|my|you|your|we|us|our|it|its|this|that|these|those|t?here|of|in|on|at|to|from|for|with|by|and|or|not|no|"
    r"any|some|all|each|every|hear|tell|say|describe|give|list|show|name|find|please|sounds?|sources?|room|recording|"
    r"many|much|far|long|now|locate|localise"
)
"""A question without a fair share of these is no English one."""
_FAIR_SHARE = 1 / 3


@dataclass(frozen=True)
class Asked:
    """What the words of a question say: its kind of answer, class and side, and a sound that we have no class for.

    ``several`` says that it is about more than one class (``labels``): then ``label`` is None, and all that was heard
    is told. ``also`` is the kind of a second question in the same breath. ``span`` are the seconds it is about, ``nth``
    the place in the order of sounds (0 the first, -1 the last; ``by_end``: of those that end), ``compared`` what is
    compared, ``motion`` what is asked of its way (with the kind ``motion``), ``topic`` why it cannot be told (with the
    kind ``cannot``), ``english`` whether it looks like a question at all. A class with a side awaits a yes or a no, or
    a count.
    ``selection`` is which sound it picks out, ``claim`` what it asks to confirm, ``pair`` between which two sides it
    asks to choose, ``ordinals`` which of their class the sounds in these are, ``talker`` which talker it is about;
    ``often`` says that it asks how many times, ``band_hz`` of which frequency in Hz.
    """

    kind: str | None = None
    label: str | None = None
    side: str | None = None
    unknown: str | None = None
    several: bool = False
    labels: tuple[str, ...] = ()
    also: str | None = None
    span: Span | None = None
    nth: int | None = None
    by_end: bool = False
    compared: Literal["apart"] | None = None
    selection: Selection | None = None
    claim: Claim | None = None
    pair: Pair | None = None
    ordinals: tuple[Reference, ...] = ()
    talker: TalkerAsked | None = None
    often: bool = False
    band_hz: float | None = None
    motion: MotionAsked | None = None
    topic: Topic | None = None
    english: bool = True


def read_question(question: str) -> Asked:
    """What a question asks for; fields that its words leave open are None."""
    span, text = named_span(question)
    words = " ".join(re.findall(r"\d+\.\d+|[\w'&³-]+", text))
    words = re.sub(r"\b(in|at|from|until|during) (which|what) second\b", "when", words)  # no ordinal
    if topic := next((topic for topic, pattern in UNTELLABLE if re.search(pattern, words)), None):
        return Asked("cannot", topic=topic)
    labels = called(singular(words))
    if motion := read_motion(words):
        label = labels[0] if len(labels) == 1 else None
        unknown = None if labels else unknown_sound(words)
        return Asked("motion", label, unknown=unknown, labels=labels, span=span, motion=motion)
    asked = replace(_compared(words, labels) or _about(words, labels, span is not None), span=span)
    if asked.kind is None and not labels and asked.side is None and asked.unknown is None:
        asked = replace(asked, english=_is_english(words))
    return asked


def _compared(words: str, labels: tuple[str, ...]) -> Asked | None:
    """A question that sets sounds or talkers against each other, in time or by a measure."""
    label = labels[0] if len(labels) == 1 else None
    several = len(labels) > 1
    if claim := read_claim(words):
        return Asked("claim", label, several=several, labels=labels, claim=claim, ordinals=ordinals(words))
    if pair := read_pair(words, labels):
        return Asked("where", pair.subject, labels=labels, pair=pair, ordinals=ordinals(words))
    if talker := read_talker(words, _octant(words) or named_side(words)):
        kind = _TALKER_KINDS.get(talker.ask, "what")
        return Asked(kind, "speech", _octant(words) or named_side(words), talker=talker)
    if (selection := read_selection(words)) and (label is None or selection.to or selection.among):
        kind = selection.fact or _SELECTION_KINDS.get(selection.by, "when")
        among = ordinals(words) if selection.to is None else ()
        return Asked(kind, several=bool(labels), labels=labels, selection=selection, ordinals=among)
    return None


def _octant(words: str) -> str | None:
    """The octant that is named: ``back right``."""
    found = re.search(r"\b(?:from|on|at|to|in) (?:the |my |our )?(front|back|rear)[ -]?(left|right)\b", words)
    return f"{found[1].replace('rear', 'back')} {found[2]}" if found else None


def _about(words: str, labels: tuple[str, ...], at_a_moment: bool) -> Asked:
    """Kind, class, side, order and comparison."""
    label = labels[0] if labels else "speech" if re.search(_TURN, words) else None
    kind, also = _kinds(words)
    if kind in ("drr", "clarity") and len(labels) > 1:
        return Asked("cannot", labels=labels, topic="ratio")
    if label is None and kind == "when" and re.search(SILENCE, words):
        return Asked(kind, several=True)  # silence is between the times of all that sounds
    if kind is None and at_a_moment and unknown_sound(words) is None:
        kind = "what" if label is None else "when"
    several = len(labels) > 1 and re.search(_SEVERAL, words) is not None
    if re.search(_APART, words) and (several or label is None):
        return Asked(kind or "how_far", several=several, labels=labels if several else (), compared="apart")
    nth = _nth(words) if kind in _ABOUT_SOUNDS else None
    side = _side(words, label) if kind in _ABOUT_SOUNDS else None
    if nth is not None and side is None and asks_yes_no(words):
        side = _octant(words) or named_side(words)
    if side and nth is not None and asks_yes_no(words):
        return Asked("where", label, side, nth=nth)
    if side and label is None and kind in (None, "what", "where"):
        return Asked("what", side=side, also=also)
    if kind is None and label is not None and side:
        kind = "where"
    if kind is None and label is not None and re.search(_HEARD, words):
        kind = "when"  # a sound that is there is best shown by when it sounds
    if nth is not None and not several:
        return Asked(kind or "when", label, also=also, nth=nth, by_end=re.search(_FINISH, words) is not None)
    ordered = kind == "when" and re.match(r"(what|which|who)\b.*\b(after|before|first|last|next)\b", words)
    if kind and (ordered or several):
        return Asked(kind, several=True, labels=labels if several else ())
    open_to_unknown = label is None and side is None and kind in (None, "where", "when", "how_far", "count_in_all")
    unknown = unknown_sound(words) if open_to_unknown else None
    often = kind == "when" and label is not None and re.search(_OFTEN, words) is not None
    band = _band_hz(words) if kind == "reverberation" else None
    return Asked(kind, label, side, unknown=unknown, also=also, often=often, band_hz=band)


def _band_hz(words: str) -> float | None:
    """The frequency that is named, in Hz."""
    found = re.search(_BAND, words)
    if found is None:
        return None
    if found["thousands"]:
        return 1000.0 * float(found["thousands"])
    return float(found["value"].replace(" ", ".")) * (1000.0 if found["kilo"] else 1.0)


def _kinds(words: str) -> tuple[str | None, str | None]:
    """The kind of a question, and of a second one in the same breath ("... and how far is it?")."""
    kind, also = (next((kind for kind, pattern in KINDS if re.search(pattern, part)), None) for part in _two(words))
    if also is None:
        kind = next((kind for kind, pattern in KINDS if re.search(pattern, words)), None)
        return ("where", kind) if kind == "how_far" and re.search(_DIRECTION, words) else (kind, None)
    if kind in (None, also, "what"):
        return also, None
    return kind, also


def _two(words: str) -> tuple[str, str]:
    first, *second = re.split(_CLAUSE, words, maxsplit=1)
    return first, second[0] if second else ""


def _side(words: str, label: str | None) -> str | None:
    """The one side that a question limits itself to; of a class only where a yes or a no, or a count, is asked for."""
    side = _octant(words) or named_side(words)
    if side is None or re.search(_WHICH_SIDE, words):
        return None
    limits = re.search(_SOME_SIDE, words) if label is None else re.match(rf"{_YES_NO}|how many\b|any\b", words)
    return side if limits else None


def _nth(words: str) -> int | None:
    """The place in the order of sounds that is asked about."""
    for found in _ORDERED_NOUN.finditer(words):
        named = called(singular(found["noun"] + found["more"]))
        if _ORDERED.fullmatch(found["noun"]) or named:
            return _ORDER[found["order"]]
    verb = _ORDERED_VERB.search(words)
    return _ORDER[verb["order"] or verb["order2"] or verb["order3"]] if verb else None


def _is_english(words: str) -> bool:
    known = [_PLAIN_ENGLISH.fullmatch(word) is not None for word in words.split()]
    return sum(known) > _FAIR_SHARE * len(known)
