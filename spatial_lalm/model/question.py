"""What a question asks for, as far as its own words say so plainly; the language model decides the rest.

The mini language model learned from a few hundred phrasings; words such as "echoey" or "elephant" it never met. Where a
question names its kind, its sound or its side outright, that stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import takewhile

from spatial_lalm.audio.wording import SIDES, called

_SIZE = r"(big|large|small|tiny|huge|size|volume|dimensions|spacious)"
_PLACE = r"(room|hall|space|place|church|cathedral|studio)"
_LINK = r"('s| is| was| does| of| an?| the| this| that| our| my| very| rather| quite| really)*"
_MANY = r"\b(how many|number of|count|most)\b"
_AT_ONCE = r"\b(once|same time|simultaneous\w*|at a time|together)\b"
_ACTS = r"(hear|heard|play|plays|playing|sounds?|sounding)"
_KINDS: tuple[tuple[str, str], ...] = (
    ("drr", r"\bdrr\b|direct[- ]to[- ]reverberant|\bdirect sound\b"),
    ("cannot", r"\bhow loud\b|^(is|are) .*\bloud\b|\bloud(er|ness)\b|\bdecibels? spl\b|\bhow many decibels\b|^why "),
    ("cannot", r"\blanguage\b|\baccent\b|\b(happy|sad|angry)\b|\bcolou?r\b|\bborn\b|\blives? in\b"),
    ("cannot", r"\bwhat\b.*\b(say|saying|said|talking about)\b|\b((fe)?male or (fe)?male|(wo)?man or (a )?(wo)?man)\b"),
    ("clarity", r"\bc50\b|\bclarity\b"),
    ("reverberation", r"reverb|\becho|\br?t60\b|\bdry\b|\bdecay time\b|\bdies? (away|out|down)\b"),
    (
        "room_size",
        rf"\bcubic\b|^(?!.*\b(where|when|there|hear)\b).*(\b{_SIZE}{_LINK} {_PLACE}\b|\b{_PLACE}{_LINK} {_SIZE}\b)",
    ),
    ("where", r"\bhow many degrees\b"),
    (
        "how_far",
        r"\bhow (near|close)\b|\bdistan|\bmet(re|er)s\b|(?<!so )\bfar\b|\b(near|clos|farth|furth)e(r|st)\b|near or",
    ),
    ("count_at_once", rf"{_MANY}.*{_AT_ONCE}|\boverlap|^(is|are|do|does|did|can|were) .*{_AT_ONCE}"),
    ("when", r"\bhow (long|often|many (times|seconds))\b"),
    ("count_in_all", r"\bhow many\b|\bnumber of\b|^count\b"),
    ("when", r"\bwhen\b|\bwhat time\b|\b(at|in) (which|what) (time|second|moment)\b|\bwhich seconds?\b"),
    (
        "where",
        r"\bwhere\b|\bdirection\b|\bwhich (side|way)\b|\bazimuth\b|\belevation\b|\b(left|right) or\b|\bsame place\b",
    ),
    ("when", r"\b(starts?|begins?|stops?|ends?|onset)\b"),
    ("when", r"^(what|which|who)\b.*\b(first|last|next)\b|^(what|which|who|is|was|do|does|did)\b.*\b(after|before)\b"),
    ("what", r"\bwhat (do|can|did) (you|i|we) hear\b|^what('s| is| was) (it|this|that)$|\b(happening|going on)\b"),
    ("what", r"\b(what|which) (kinds? of )?(sounds?|sources?|noises?)\b"),
    ("what", rf"^(what|which) \w+ (is|are|do|does|can) .*\b{_ACTS}$"),
    ("where", r"\bcom(e|es|ing) from\b"),
)
"""Kinds of answer by the words that ask for nothing else, in the order to try."""
_HEARD = (
    r"\b(is|are|was|were) there\b|\b(do|can|did) (you|i|we) hear (an?|any|some|the)\b|^(is|was) (some|any)(one|body)\b"
)
_SOME_SIDE = r"\b(what|which|who|whose|anything|something|nothing|sounds?|sources?|noises?)\b"
_WHICH_SIDE = r"\b(direction|(which|what) (side|way)|where|or)\b"
_SEVERAL = r"\b(and|or|than|before|after|both|between)\b"
_SUBJECT = (
    r"\b(?:where|when|how far(?: away| off)?|(?:at )?what time)(?:'s| is| are| was| were| does| do| did)\s+"
    r"(?:there\s+)?(?:(?:the|an?|that|this|any|some|my|your)\s+)?(?P<noun>.+?)(?: sounds?)?$",
    r"\b(?:(?:is|are|was|were) there|(?:do|can|did) (?:you|i|we) hear)\s+(?:(?:an?|any|some|the)\s+)?(?P<noun>.+)",
    r"\b(?:direction|distance) (?:of|to) (?:the|an?)\s+(?P<noun>.+)",
    r"^how many\s+(?P<noun>.+) (?:are|were|do|did|can)\b",
    r"^(?:is|was) (?:that|this|it) an?\s+(?P<noun>.+)",
    r"^(?:is|are|was|were|did|does|do) (?:an?|any|some)\s+(?P<noun>.+)",
    r"^any\s+(?P<noun>.+)",
)
"""How a question introduces the thing that it is about."""
_AFTER_SUBJECT = re.compile(
    r"is|are|was|were|do|does|did|has|have|com(e|es|ing)|go(es|ing)?|from|in|at|on|of|to|(start|begin|stop|end|ring)s?|"
    r"located|heard|recorded|made|t?here|right|left|now|and|or|that|which|who|first|last|for|with|by|near(by)?|far|"
    r"behind|above|below|over(head)?|away|anywhere|somewhere|past|during|before|after|reach(es)?"
)
_GENERIC = re.compile(
    r"it|sounds?|sources?|noises?|they|them|th(is|at|ese|ose)|things?|events?|ones?|all|everything|something|anything|"
    r"loudest|others?|recording|audio|signals?|echo(es)?|room|walls?|microphones?|listener|you|i|we|he|she|each|every|"
    r"both|two|any|same|met(re|er)s|silen(ce|t)|quiet|pauses?|beginning|movement|lot|differen(t|ce)|"
    r"distance|location|times?|animals?|instruments?|"
    r"who|what|where|when|how|if|whether|me|us|well|more|much|many|several|child(ren)?|kids?"
)
"""Words that stand for any sound, or for none: a subject that holds one names no sound of its own."""


@dataclass(frozen=True)
class Asked:
    """What the words of a question say: its kind of answer, class and side, and a sound that we have no class for.

    ``several`` says that it is about more than one class: then ``label`` is None, and all that was heard is told.
    """

    kind: str | None = None
    label: str | None = None
    side: str | None = None
    unknown: str | None = None
    several: bool = False


def read_question(question: str) -> Asked:
    """What a question asks for; fields that its words leave open are None."""
    words = " ".join(re.findall(r"[a-z0-9'&-]+", question.lower()))
    labels = called(words)
    label = labels[0] if labels else None
    side = next((side for side, pattern in SIDES.items() if re.search(pattern, words)), None)
    kind = next((kind for kind, pattern in _KINDS if re.search(pattern, words)), None)
    open_to_side = label is None and kind in (None, "what", "where", "count_in_all")
    if side and open_to_side and re.search(_SOME_SIDE, words) and not re.search(_WHICH_SIDE, words):
        return Asked("what", side=side)
    if kind is None and label is not None and side:
        kind = "where"
    if kind is None and label is not None and re.search(_HEARD, words):
        kind = "when"  # a sound that is there is best shown by when it sounds
    ordered = kind == "when" and re.match(r"(what|which|who)\b.*\b(after|before|first|last|next)\b", words)
    if kind and (ordered or (len(labels) > 1 and re.search(_SEVERAL, words))):
        return Asked(kind, several=True)
    open_to_unknown = label is None and kind in (None, "where", "when", "how_far", "count_in_all")
    return Asked(kind, label, unknown=_unknown(words) if open_to_unknown else None)


def _unknown(words: str) -> str | None:
    """The name of the thing that a question is about, when it is a sound of no class of ours."""
    for pattern in _SUBJECT:
        if found := re.search(pattern, words):
            named = list(takewhile(lambda word: not _AFTER_SUBJECT.fullmatch(word), found["noun"].split()))
            named = named[:1] + list(takewhile(lambda word: not word.endswith("ing"), named[1:]))  # what it is doing
            if 0 < len(named) <= 3 and not any(_GENERIC.fullmatch(word) for word in named):
                return " ".join(named)
    return None
