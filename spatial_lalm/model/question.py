"""What a question asks for, as far as its own words say so plainly; the language model decides the rest.

The mini language model learned from a few hundred phrasings; words such as "echoey" or "elephant" it never met. Where a
question names its kind, its sound or its side outright, that stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import takewhile

from spatial_lalm.audio.wording import SIDES, called

_SIZE = r"\b(big|large|small|tiny|huge|size|volume|dimensions|spacious)\b"
_PLACE = r"\b(room|hall|space|place|church)\b"
_AT_ONCE = r"\b(once|same time|simultaneous\w*|at a time|overlap\w*|together)\b"
_MANY = r"\b(how many|number of|count)\b"
_KINDS: tuple[tuple[str, str], ...] = (
    ("cannot", r"\bloud\b|\bloudness\b|\bdecibels?\b.*\bspl\b"),
    ("drr", r"\bdrr\b|direct[- ]to[- ]reverberant|\bdirect sound\b"),
    ("clarity", r"\bc50\b|\bclarity\b"),
    ("reverberation", r"reverb|\becho|\br?t60\b|\bdry is\b|decay time|\bdies? (away|out|down)\b"),
    ("room_size", rf"{_SIZE}.*{_PLACE}|{_PLACE}.*{_SIZE}|\bcubic\b"),
    ("how_far", r"\bhow (far|near|close)\b|\bdistan|\bmet(re|er)s\b"),
    ("count_at_once", rf"{_MANY}.*{_AT_ONCE}"),
    ("count_in_all", r"\bhow many\b|\bnumber of\b|^count\b"),
    ("when", r"\bwhen\b|\bwhat time\b|\bhow long\b|\bat which (time|second|moment)\b|\bwhich seconds?\b"),
    ("where", r"\bwhere\b|\bdirection\b|\bwhich (side|way)\b|\bazimuth\b|\belevation\b|\bleft or\b"),
    ("when", r"\b(starts?|begins?|stops?|ends?|onset)\b"),
    ("what", r"\bwhat (do|can|did) (you|i|we) hear\b|^what('s| is) (it|this|that)$"),
    ("what", r"\b(what|which) (kinds? of )?(sounds?|sources?|noises?)\b"),
    ("where", r"\bcom(e|es|ing) from\b"),
)
"""Kinds of answer by the words that ask for nothing else, in the order to try."""
_HEARD = r"\b(is|are|was|were) there\b|\b(do|can|did) (you|i|we) hear (an?|any|some|the)\b"
_SOME_SIDE = r"\b(what|which|who|whose|anything|something|nothing|sounds?)\b"
_WHICH_SIDE = r"\b(direction|(which|what) (side|way)|where|or)\b"
_SUBJECT = (
    r"\b(?:where|when|how far(?: away)?|(?:at )?what time)(?:'s| is| are| was| were| does| do| did)\s+"
    r"(?:there\s+)?(?:the|an?|that|this|any|some|my|your)?\s*(?P<noun>.+)",
    r"\b(?:(?:is|are|was|were) there|(?:do|can|did) (?:you|i|we) hear)\s+(?:an?|any|some|the)\s+(?P<noun>.+)",
    r"\b(?:direction|distance) (?:of|to) (?:the|an?)\s+(?P<noun>.+)",
)
_AFTER_SUBJECT = re.compile(
    r"is|are|was|were|do|does|did|com(e|es|ing)|go(es|ing)?|from|in|at|on|of|to|(start|begin|stop|end)s?|located|heard|"
    r"playing|t?here|right|left|now|and|or|that|which|who|first|last|for|with|by|behind|above|below|away|"
    r"standing|sitting|during|before|after"
)
_GENERIC = re.compile(
    r"it|sounds?|sources?|noises?|they|them|things?|events?|ones?|all|everything|something|anything|loudest|others?|"
    r"recording|room|microphones?|you|i|we|he|she|each|every|both|two|any|same"
)
"""Words that stand for any sound, or for none: a subject that holds one names no sound of its own."""


@dataclass(frozen=True)
class Asked:
    """What the words of a question say: its kind of answer, class and side, and a sound that we have no class for."""

    kind: str | None = None
    label: str | None = None
    side: str | None = None
    unknown: str | None = None


def read_question(question: str) -> Asked:
    """What a question asks for; fields that its words leave open are None."""
    words = " ".join(re.findall(r"[a-z0-9'&-]+", question.lower()))
    label = called(words)
    side = next((side for side, pattern in SIDES.items() if re.search(pattern, words)), None)
    kind = next((kind for kind, pattern in _KINDS if re.search(pattern, words)), None)
    open_to_side = label is None and kind in (None, "what", "where") and not re.search(_WHICH_SIDE, words)
    if side and open_to_side and re.search(_SOME_SIDE, words):
        return Asked("what", side=side)
    if kind is None and label is not None and re.search(_HEARD, words):
        kind = "when"  # a sound that is there is best shown by when it sounds
    unknown = _unknown(words) if label is None and kind in (None, "where", "when", "how_far") else None
    return Asked(kind, label, unknown=unknown)


def _unknown(words: str) -> str | None:
    """The name of the thing that a question is about, when it is a sound of no class of ours."""
    for pattern in _SUBJECT:
        if found := re.search(pattern, words):
            named = list(takewhile(lambda word: not _AFTER_SUBJECT.fullmatch(word), found["noun"].split()))
            if 0 < len(named) <= 3 and not any(_GENERIC.fullmatch(word) for word in named):
                return " ".join(named)
    return None
