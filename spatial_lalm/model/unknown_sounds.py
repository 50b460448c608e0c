"""The name of a sound of no class of ours that a question is about: "elephant" in "where is the elephant?"."""

from __future__ import annotations

import re
from itertools import takewhile

from spatial_lalm.model.motion_question import MOVER

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
    MOVER,
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


def unknown_sound(words: str) -> str | None:
    """The name of the thing that a question is about, when it is a sound of no class of ours."""
    for pattern in _SUBJECT:
        if found := re.search(pattern, words):
            named = list(takewhile(lambda word: not _AFTER_SUBJECT.fullmatch(word), found["noun"].split()))
            named = named[:1] + list(takewhile(lambda word: not word.endswith("ing"), named[1:]))  # what it is doing
            if 0 < len(named) <= 3 and not any(_GENERIC.fullmatch(word) for word in named):
                return " ".join(named)
    return None
