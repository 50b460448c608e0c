"""What an answer in free words says, by fixed rules, in the form of its item's truth.

``PARSER`` goes into every report: two reports are comparable only if it is the same.
"""

from __future__ import annotations

import re

from spatial_lalm.evaluate import choices
from spatial_lalm.evaluate.benchmark import Choice, Decline, Direction, Number, Span, Tracks, Truth, Words, YesNo
from spatial_lalm.evaluate.run import quantities
from spatial_lalm.evaluate.run.responses import Reading
from spatial_lalm.evaluate.transcripts import plain_words

PARSER = f"answers-1/{choices.PARSER}"
_DECLINES = re.compile(
    r"\b(can ?not|can't|unable to|not able to|impossible to|not possible to|couldn't|could not) "
    r"(\w+ ){0,2}(tell|determine|say|know|identify|answer|infer|hear|estimate|locate|be (determined|told|answered))|"
    r"\b(i|we) (do not|don't) know\b|\bunanswerable\b|\bnot enough (information|evidence|context)\b|"
    r"\binsufficient (information|evidence)\b|"
    r"\b(does not|doesn't) (contain|provide|include)\b.*\b(information|enough)\b|"
    r"\bi hear no\b|\bthere (is|was) no (such )?(sound|audio)\b|\bnone that i can hear\b"
)

_ROW = re.compile(r"\s*[\w.-]+([,\t])[\w.-]+\1\S|SPEAKER \S+ \d")
"""How the text of a table begins."""


def declines(text: str) -> bool:
    """Whether an answer says that the audio cannot tell."""
    return _DECLINES.search(text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")) is not None


def read_text(text: str, truth: Truth) -> Reading:
    """What a text says; a text that declines says nothing else, unless it names an option or says yes or no."""
    value = _value(text, truth)
    told = value is not None and isinstance(truth, Choice | YesNo)
    if told or not declines(text):
        return Reading(value)
    return Reading(None, declined=True)


def _value(text: str, truth: Truth) -> object:
    match truth:
        case Choice(options=options):
            return choices.parse_choice(text, options)
        case YesNo():
            return choices.parse_yes_no(text)
        case Direction():
            found = quantities.direction(text)
            return None if found is None else list(found)
        case Number(quantity=quantity):
            return quantities.amount(text, quantity)
        case Span():
            spans = quantities.spans_s(text)
            return [list(span) for span in spans] or None
        case Words(transcript=transcript):
            return text.strip() or None if transcript else bare_words(text) or None
        case Tracks():
            return text if _ROW.match(text) else None
        case Decline():
            return text.strip() or None


def bare_words(text: str) -> str:
    """Words without case, punctuation and what only introduces them: ``The answer is: a dog.`` is ``dog``."""
    words = re.sub(r"^(the )?(answer|it|that|this)( is| s|'s)? ", "", plain_words(text) + " ").strip()
    return re.sub(r"^(the|an?) ", "", words)
