"""What an answer in free words states: without layout, reasoning before its conclusion, and what it only declines.

Language models answer in markdown, think aloud, quote the options and say what they cannot tell beside what they can.
The rules are fixed and know nothing of the truth; where they find two different statements there is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import TypeVar

Read = TypeVar("Read")

_THOUGHT = re.compile(r"<(think|thinking|reasoning)>.*?(</\1>|\Z)", re.DOTALL | re.IGNORECASE)
"""What reasoning models think; where it was cut off before its end there is no answer."""
_FENCE = re.compile(r"^\s*```\w*\s*$", re.MULTILINE)
_EMPHASIS = re.compile(r"\*{1,3}|_{2,3}|`+|^\s*#{1,6}\s+", re.MULTILINE)
_FINAL = re.compile(
    r"<answer>\s*(?P<tag>.*?)\s*</answer>|\\boxed\{\s*(?:\\text\{)?(?P<box>[^{}]*)\}+|"
    r"\bfinal answer\b(?:\s+is)?\s*:?[ \t]*\n?(?=(?P<rest>[^\n]*))",
    re.IGNORECASE | re.DOTALL,
)
_LABELLED = re.compile(
    r"(?:^|(?<=[.!?]\s))\s*(?:(?:so|therefore|thus|hence),?\s+)?(?:(?:the|my)\s+)?"
    r"(?:(?:correct|right|best|short)\s+)?(?:answer|conclusion)\s*:[ \t]*\n?(?=(?P<rest>[^\n]*))",
    re.IGNORECASE | re.MULTILINE,
)
_SAID = re.compile(
    r"\b(?:answer|(?:correct|right|best|likely)\s+(?:option|choice))\s+"
    r"(?:is|would be|must be|should be)(?!\s+(?:not|based)\b)[: \t]*(?=(?P<rest>[^\n]*))",
    re.IGNORECASE,
)
_MARKS: tuple[tuple[re.Pattern[str], bool], ...] = ((_FINAL, True), (_LABELLED, True), (_SAID, False))
"""How a conclusion is marked, the plainest first, and whether nothing else counts beside it."""
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+|\n")

_TOLD = (
    r"(tell|determin\w*|say|know|identify|answer|infer|hear|estimate|locate|locali[sz]e|judge|assess|verify|confirm|"
    r"measure|distinguish|perceive|detect|assist|help|process|listen|access|provide|pinpoint|derive|decide|specify|"
    r"be (sure|certain|told|known|determined|estimated|inferred|identified|answered|heard|established|measured))\b"
)
_UNABLE = re.compile(
    rf"\b(can ?not|can't|couldn't|could not|unable to|not able to|impossible to|not possible to|no way to|"
    rf"(hard|difficult) to|i (do not|don't)) (\w+ ){{0,2}}?{_TOLD}|"
    r"\b(not|never|isn't|wasn't|aren't) (\w+ ){0,1}(sure|certain|known|clear|possible|told|determinable|specified|"
    r"mentioned|available|provided)\b|\b(unsure|uncertain|unanswerable|unclear|unknown|undetermined|indeterminate|"
    r"unspecified|ambiguous)\b|\bn/a\b|"
    r"\b(not enough|insufficient|lacks?|no|without) (\w+ ){0,2}(information|evidence|context|data|cues?|details?)\b|"
    r"\b(does not|doesn't|do not|don't) (\w+ )?(provide|tell|allow|reveal|specify)\b|"
    r"\b(does not|doesn't) (contain|include)\b.*\b(information|enough)\b|"
    r"\bnot something (that|which|i|one)\b|\bno (audio|sound file|recording) (was|is|file)\b|"
    r"\bas an? (ai|text|language)\b|"
    r"\bplease (provide|upload|share|attach)\b"
)
"""That it cannot be told."""
_DENIED = re.compile(
    r"\b(i|we) (do not|don't|did not|didn't|can ?not|can't|could not|couldn't) (hear|detect|perceive|find|notice)\b|"
    r"\b(i|we) (can )?(hear|heard|detect|find) no(ne|thing)?\b|"
    r"\bthere(('s| is| are| was| were) no(thing|ne|t)?| (isn't|aren't|wasn't|weren't))\b"
    r"(?! (doubt|question|need|only|echo|reverb\w*)\b)|"
    r"\b(not|never|isn't|wasn't|aren't|nothing is) (\w+ )?"
    r"(audible|present|heard|in (the|this) (audio|recording|clip))\b|"
    r"\b(does not|doesn't) (contain|include)\b|\binaudible\b|\bnone that i can hear\b|"
    r"\bno (\w+ ){1,3}(is|are|was|were|can be) (\w+ )?(heard|audible|present|detected|found)\b"
)
"""That what was asked about is not there."""
_TURN = re.compile(
    r"((?<=[.!?;])\s+|\s*\n\s*|,?\s+(?:but|however|although|though|yet|nevertheless|except that)\b,?\s*)", re.IGNORECASE
)
_COMMA = re.compile(
    r"(,\s+|\s*[()]\s*|:\s+|\s+[\u2013\u2014-]\s+|\s+(?:while|whereas)\s+|"
    r"\s+and\s+(?=(?:its?|elevation|azimuth|height|distance|direction)\b))",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"\s*(whether|if|which|where|what|how|because|since|as|due|given|from|without|or)\b", re.IGNORECASE)
"""How what belongs to a declining fragment goes on behind a comma."""


def stated(text: str) -> str:
    """The text without thoughts, marks of layout and typographic quotes."""
    text = _FENCE.sub("", _THOUGHT.sub("", text))
    text = text.replace("\u2019", "'").replace("\u201c", '"').replace("\u201d", '"')
    return _EMPHASIS.sub("", text).strip()


def concluded(text: str, read: Callable[[str], Read | None]) -> Read | None:
    """What ``read`` finds in the conclusion of a text, where one is marked, or else in all of it.

    A conclusion by its plainest mark (``Final answer: B``) goes before one in passing (``so the answer is B``); two of
    the same plainness that say different things say nothing.
    """
    parts, binding = conclusions(text)
    found: list[Read] = []
    for part in parts:
        first, *_ = _SENTENCE_END.split(part.strip(), maxsplit=1)
        value = next((value for piece in (part, first) if (value := read(piece)) is not None), None)
        if value is not None and value not in found:
            found.append(value)
    if found:
        return found[0] if len(found) == 1 else None
    return None if parts and binding else read(stated(text))


def conclusions(text: str) -> tuple[tuple[str, ...], bool]:
    """What stands behind the plainest marks of a conclusion, and whether they leave no room for anything else."""
    text = stated(text)
    for mark, binding in _MARKS:
        starts = [match.start() for match in mark.finditer(text)]
        parts = tuple(
            part
            for start, end in pairwise([*starts, len(text)])
            if (match := mark.search(text[start:end])) is not None
            and (part := next((one for one in match.groupdict().values() if one), "").strip())
        )
        if parts:
            return parts, binding
    return (), False


def declines(text: str) -> bool:
    """Whether an answer says that the audio cannot tell, or that what was asked about is not there."""
    parts, binding = conclusions(text)
    return any(_declining(part) for part in (parts if binding else (stated(text),)))


def declines_before(text: str, tells: Callable[[str], bool]) -> bool:
    """Whether a text declines before any fragment of it ``tells`` something."""
    clauses = _TURN.split(stated(text))[::2]
    for fragment in (fragment for clause in clauses for fragment in _COMMA.split(clause)[::2]):
        if _declining(fragment) or tells(fragment):
            return _declining(fragment)
    return False


def without_declining(text: str, denials: bool = True) -> str:
    """What is left of a text when what only says that something cannot be told, or (``denials``) is not there, goes."""
    pieces = _TURN.split(text)
    pieces[::2] = [_rest(clause, denials) if _declining(clause, denials) else clause for clause in pieces[::2]]
    return "".join(pieces).strip(" ,")


def _rest(clause: str, denials: bool) -> str:
    """The fragments of a declining clause that decline nothing, nor go on with what does."""
    pieces = _COMMA.split(clause)
    if not any(_declining(fragment, denials) for fragment in pieces[::2]):
        return ""
    left, dropped = "", False
    for fragment, edge in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
        dropped = _declining(fragment, denials) or (dropped and _ASIDE.match(fragment) is not None)
        left += "" if dropped else fragment + edge
    return left


def _declining(text: str, denials: bool = True) -> bool:
    words = text.lower()
    return _UNABLE.search(words) is not None or (denials and _DENIED.search(words) is not None)
