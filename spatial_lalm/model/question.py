"""What a question asks for, as far as its own words say so plainly; the language model decides the rest.

The mini language model learned from a few hundred phrasings; words such as "echoey" or "elephant" it never met. Where a
question names its kind, its sound, its side, its moment or an order outright, that stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import takewhile
from typing import Literal

from spatial_lalm.audio.wording import SIDES, called
from spatial_lalm.model.moments import Span, named_span

Comparison = Literal["nearest", "farthest", "apart"]
Topic = Literal["loudness", "talker", "words", "room", "listener", "other"]
"""What cannot be told: the reason that is given goes by it."""

_DIRECTION = r"\b(direction|azimuth|elevation|angle)\b(?!.*\bbetween\b)"
_SIZE = r"(big|large|small|tiny|huge|size|volume|dimensions|spacious)"
_PLACE = r"(room|hall|space|place|church|cathedral|studio|chamber|office|bathroom|kitchen)"
_LINK = r"('s| is| was| does| of| an?| the| this| that| our| my| very| rather| quite| really)*"
_SILENCE = r"\b(silen(t|ce)|quiet|pauses?)\b"
_MANY = r"\b(how many|number of|count|most)\b"
_AT_ONCE = r"\b(once|same time|simultaneous\w*|at a time|together)\b"
_ACTS = r"(hear|heard|play|plays|playing|sounds?|sounding)"
_KINDS: tuple[tuple[str, str], ...] = (
    ("drr", r"\bdrr\b|direct[- ]to[- ]reverberant|\bdirect sound\b"),
    ("clarity", r"\bc50\b|\bclarity\b"),
    (
        "reverberation",
        r"reverb|\becho|\br?t60\b|\bdry\b|\bdecay time\b|\bdies? (away|out|down)\b|"
        r"\b(un)?damp(ed|ened)\b|\babsorb\w*|\bboomy\b",
    ),
    (
        "room_size",
        rf"\bcubic\b|\b(what|which)('s| is| was)? (the |its )?volume\b|"
        rf"^(is|was) (this|that|it|the {_PLACE}) (in |inside )?an? (\w+ )?{_PLACE}\b|"
        rf"\b(bigg|small|larg)er than .*(\bm3\b|\bm³|{_PLACE})|"
        rf"^(?!.*\b(where|when|there|hear)\b).*(\b{_SIZE}{_LINK} {_PLACE}\b|\b{_PLACE}{_LINK} {_SIZE}\b)",
    ),
    ("where", r"\bhow many degrees\b"),
    (
        "how_far",
        r"\bhow (near|close)\b|\bdistan|\bmet(re|er)s\b|(?<!so )\bfar\b|\b(near|clos|farth|furth)e(r|st)\b|near or",
    ),
    ("count_at_once", rf"{_MANY}.*{_AT_ONCE}|\boverlap|^(is|are|do|does|did|can|were) .*{_AT_ONCE}"),
    ("when", rf"\bhow (long|often|many (times|seconds))\b|{_SILENCE}"),
    ("count_in_all", r"\bhow many\b|\bnumber of\b|^count\b"),
    ("when", r"\bwhen\b|\bwhat time\b|\b(at|in) (which|what) (time|second|moment)\b|\bwhich seconds?\b"),
    (
        "where",
        r"\bwhere\b|\bdirection\b|\bwhich (side|way)\b|\bazimuth\b|\belevation\b|\b(left|right) or\b|\bsame place\b|"
        r"\b(what|which) (angle|bearing|heading)\b|\bbearing\b|\bangle of\b",
    ),
    ("when", r"\b(starts?|begins?|stops?|ends?|onset)\b"),
    ("when", r"^(what|which|who)\b.*\b(first|last|next)\b|^(what|which|who|is|was|do|does|did)\b.*\b(after|before)\b"),
    ("what", r"\bwhat (do|can|did) (you|i|we) hear\b|^what('s| is| was) (it|this|that)$|\b(happening|going on)\b"),
    ("what", r"\b(what|which) (kinds? of )?(sounds?|sources?|noises?)\b"),
    ("what", rf"^(what|which) \w+ (is|are|do|does|can) .*\b{_ACTS}$"),
    ("where", r"\bcom(e|es|ing) from\b"),
)
"""Kinds of answer by the words that ask for nothing else, in the order to try."""
_UNTELLABLE: tuple[tuple[Topic, str], ...] = (
    (
        "loudness",
        r"\bhow loud\b|^(is|are) .*\bloud\b|\bloud(er|est|ness)\b|\b(quiet|soft)(er|est)\b|\bdecibels? spl\b|"
        rf"\bhow many decibels\b(?!.*\b(direct|reverb\w*)\b)|\bvolume of (?!.*\b{_PLACE}\b)",
    ),
    (
        "talker",
        r"\b((fe)?male or (fe)?male|(wo)?man or (a )?(wo)?man|gender|how old)\b|"
        r"^(is|was|are|were) (the |that |this )?(speaker|talker|voice|person|people|it|she|he)s? (talking |speaking )?"
        r"(an? )?(young |old |elderly |adult )?"
        r"(man|woman|(fe)?male|men|women|boy|girl|child|kid|adult|lady|young|old|elderly)$|"
        r"\b(happy|sad|angry)\b|\bborn\b|\blives? in\b|\bwho (is|am|are) (you|i|we)\b|\bname of the (speaker|talker)\b",
    ),
    (
        "words",
        r"\blanguage\b|\baccent\b|\bwhat\b.*\b(say|says|saying|said|talking about)\b|\btranscri\w+|\bwhat words\b",
    ),
    (
        "room",
        rf"\bceiling\b|\bhow (high|tall|long|wide|deep|broad) (is|was) (the|this|that|our) {_PLACE}$|"
        rf"\b(height|width|length|shape) of (the|this) {_PLACE}\b|\bhow many (rooms|walls|windows|doors)\b|"
        r"\b(carpet|furnitur|furnish|temperature|wallpaper)\w*|\bwalls? made\b|\bwhat material\b",
    ),
    ("listener", r"\bwhere (am|are) (i|we|you)\b|\bwhich (city|country|town)\b"),
    ("other", r"^why |\bcolou?r\b|\b(in|out)doors?\b|\boutside\b"),
)
"""What is never in the sound for us, in the order to try; it goes before every kind."""
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
_COMPARED: tuple[tuple[Comparison, str], ...] = (
    (
        "apart",
        rf"\bhow far apart\b|\b(distance|angle) between (?!{_LISTENER}\b)(?!.*\band {_LISTENER}\b)",
    ),
    ("nearest", r"\b(closer|closest|nearer|nearest)\b"),
    ("farthest", r"\b(farther|further|farthest|furthest)\b"),
)
_ORDER = {"first": 0, "second": 1, "third": 2, "last": -1, "final": -1}
_ORDERED_NOUN = re.compile(r"\b(?P<order>first|second|third|last|final) (?P<noun>\w+)")
_ORDERED_VERB = re.compile(
    r"\b(?:come|start|begin|end|stop|finish|sound|play|talk|speak)(?:s|es)?(?: heard)? (?P<order>first|last)\b|"
    r"\b(?:is|was|are) (?:heard )?(?P<order2>first|last)$|"
    r"^(?:what|who|which (?:sound|one)) (?:is|was|comes?) (?P<order3>first|last)\b"
)
_ORDERED = re.compile(r"sounds?|sources?|noises?|things?|events?|ones?|signals?")
_FINISH = r"\b(ends?|stops?|finish(es)?) (first|last)\b"
_WHO = r"(?:(?:the|an?|that|this|any|some|my|your)\s+)?"
_SUBJECT = (
    rf"\b(?:where|when|how far(?: away| off)?|(?:at )?what time)(?:'s| is| are| was| were| does| do| did)\s+"
    rf"(?:there\s+)?{_WHO}(?P<noun>.+?)(?: sounds?)?$",
    r"\b(?:(?:is|are|was|were) there|(?:do|can|did) (?:you|i|we) hear)\s+(?:(?:an?|any|some|the)\s+)?(?P<noun>.+)",
    rf"\b(?:azimuth|elevation|angle|bearing|direction|side|way|distance)(?: is| has| does| of| to| are| from)+\s+"
    rf"{_WHO}(?P<noun>.+)",
    r"\bwhere (?:the|an?) (?P<noun>.+)",
    r"^how many\s+(?P<noun>.+) (?:are|were|do|did|can)\b",
    r"^(?:is|was) (?:that|this|it) an?\s+(?P<noun>.+)",
    r"^(?:is|are|was|were|did|does|do) (?:an?|any|some)\s+(?P<noun>.+)",
    r"^any\s+(?P<noun>.+)",
)
"""How a question introduces the thing that it is about."""
_AFTER_SUBJECT = re.compile(
    r"is|are|was|were|do|does|did|has|have|com(e|es|ing)|go(es|ing)?|from|in|at|on|of|to|(start|begin|stop|end|ring)s?|"
    r"located|heard|recorded|made|t?here|right|left|now|and|or|that|which|who|first|last|for|with|by|near(by)?|far|"
    r"behind|above|below|over(head)?|away|anywhere|somewhere|past|during|before|after|reach(es)?|"
    r"play(s|ed)?|sounds?|sing(s|ing)?|occurs?|happens?|appears?|located|placed|standing"
)
_GENERIC = re.compile(
    r"it|sounds?|sources?|noises?|they|them|th(is|at|ese|ose)|things?|events?|ones?|all|everything|something|anything|"
    r"loudest|others?|recording|audio|signals?|echo(es)?|room|walls?|microphones?|listener|you|i|we|he|she|each|every|"
    r"both|two|any|same|met(re|er)s|silen(ce|t)|quiet|pauses?|beginning|movement|lot|differen(t|ce)|"
    r"distance|location|times?|animals?|instruments?|"
    r"who|what|where|when|how|if|whether|me|us|well|more|much|many|several|child(ren)?|kids?"
)
"""Words that stand for any sound, or for none: a subject that holds one names no sound of its own."""


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
    compared, ``topic`` why it cannot be told (with the kind ``cannot``), ``english`` whether it looks like a question
    at all. A class with a side awaits a yes or a no, or a count.
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
    compared: Comparison | None = None
    topic: Topic | None = None
    english: bool = True


def read_question(question: str) -> Asked:
    """What a question asks for; fields that its words leave open are None."""
    span, text = named_span(question)
    words = " ".join(re.findall(r"[\w'&³-]+", text))
    if topic := next((topic for topic, pattern in _UNTELLABLE if re.search(pattern, words)), None):
        return Asked("cannot", topic=topic)
    labels = called(_singular(words))
    asked = replace(_about(words, labels, span is not None), span=span)
    if asked.kind is None and not labels and asked.side is None and asked.unknown is None:
        asked = replace(asked, english=_is_english(words))
    return asked


def _about(words: str, labels: tuple[str, ...], at_a_moment: bool) -> Asked:
    """Kind, class, side, order and comparison."""
    label = labels[0] if labels else None
    kind, also = _kinds(words)
    if label is None and kind == "when" and re.search(_SILENCE, words):
        return Asked(kind, several=True)  # silence is between the times of all that sounds
    if kind is None and at_a_moment and _unknown(words) is None:
        kind = "what" if label is None else "when"
    several = len(labels) > 1 and re.search(_SEVERAL, words) is not None
    compared = next(
        (which for which, pattern in _COMPARED if "how_far" in (kind, also) and re.search(pattern, words)), None
    )
    if compared and (several or label is None):
        return Asked(kind, several=several, labels=labels if several else (), compared=compared)
    side = _side(words, label) if kind in _ABOUT_SOUNDS else None
    if side and label is None and kind in (None, "what", "where"):
        return Asked("what", side=side, also=also)
    if kind is None and label is not None and side:
        kind = "where"
    if kind is None and label is not None and re.search(_HEARD, words):
        kind = "when"  # a sound that is there is best shown by when it sounds
    nth = _nth(words) if kind in _ABOUT_SOUNDS else None
    if nth is not None and not several:
        return Asked(kind or "when", label, also=also, nth=nth, by_end=re.search(_FINISH, words) is not None)
    ordered = kind == "when" and re.match(r"(what|which|who)\b.*\b(after|before|first|last|next)\b", words)
    if kind and (ordered or several):
        return Asked(kind, several=True, labels=labels if several else ())
    open_to_unknown = label is None and side is None and kind in (None, "where", "when", "how_far", "count_in_all")
    return Asked(kind, label, side, unknown=_unknown(words) if open_to_unknown else None, also=also)


def _kinds(words: str) -> tuple[str | None, str | None]:
    """The kind of a question, and of a second one in the same breath ("... and how far is it?")."""
    kind, also = (next((kind for kind, pattern in _KINDS if re.search(pattern, part)), None) for part in _two(words))
    if also is None:
        kind = next((kind for kind, pattern in _KINDS if re.search(pattern, words)), None)
        return ("where", kind) if kind == "how_far" and re.search(_DIRECTION, words) else (kind, None)
    if kind in (None, also, "what"):
        return also, None
    return kind, also


def _two(words: str) -> tuple[str, str]:
    first, *second = re.split(_CLAUSE, words, maxsplit=1)
    return first, second[0] if second else ""


def _singular(words: str) -> str:
    """The words, with plurals of our sounds' names as singulars: "tones" is a "tone"."""
    return " ".join(map(_singular_word, words.split()))


@lru_cache(maxsize=4096)
def _singular_word(word: str) -> str:
    return word[:-1] if word.endswith("s") and not called(word) and called(word[:-1]) else word


def _side(words: str, label: str | None) -> str | None:
    """The one side that a question limits itself to; of a class only where a yes or a no, or a count, is asked for."""
    sides = [side for side, pattern in SIDES.items() if re.search(pattern, words)]
    if len(sides) != 1 or re.search(_WHICH_SIDE, words):
        return None
    limits = re.search(_SOME_SIDE, words) if label is None else re.match(rf"{_YES_NO}|how many\b|any\b", words)
    return sides[0] if limits else None


def _nth(words: str) -> int | None:
    """The place in the order of sounds that is asked about."""
    if found := _ORDERED_NOUN.search(words):
        if _ORDERED.fullmatch(found["noun"]) or called(_singular(found["noun"])):
            return _ORDER[found["order"]]
        return None
    found = _ORDERED_VERB.search(words)
    return _ORDER[found["order"] or found["order2"] or found["order3"]] if found else None


def _is_english(words: str) -> bool:
    known = [_PLAIN_ENGLISH.fullmatch(word) is not None for word in words.split()]
    return sum(known) > _FAIR_SHARE * len(known)


def _unknown(words: str) -> str | None:
    """The name of the thing that a question is about, when it is a sound of no class of ours."""
    for pattern in _SUBJECT:
        if found := re.search(pattern, words):
            named = list(takewhile(lambda word: not _AFTER_SUBJECT.fullmatch(word), found["noun"].split()))
            named = named[:1] + list(takewhile(lambda word: not word.endswith("ing"), named[1:]))  # what it is doing
            if 0 < len(named) <= 3 and not any(_GENERIC.fullmatch(word) for word in named):
                return " ".join(named)
    return None
