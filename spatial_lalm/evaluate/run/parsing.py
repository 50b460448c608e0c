"""What an answer in free words says, by fixed rules, in the form of its item's truth.

``PARSER`` goes into every report: two reports are comparable only if it is the same.
"""

from __future__ import annotations

import re

from spatial_lalm.evaluate import choices
from spatial_lalm.evaluate.benchmark import Choice, Decline, Direction, Number, Span, Tracks, Truth, Words, YesNo
from spatial_lalm.evaluate.run import quantities
from spatial_lalm.evaluate.run.bearings import direction
from spatial_lalm.evaluate.run.responses import Reading
from spatial_lalm.evaluate.statements import concluded, declines, declines_before, stated, without_declining
from spatial_lalm.evaluate.transcripts import plain_words

PARSER = f"answers-2/{choices.PARSER}"
_ROW = re.compile(r"\s*[\w.-]+([,\t])[\w.-]+\1\S|SPEAKER \S+ \d")
"""How the text of a table begins."""
_FENCE = re.compile(r"\A\s*```\w*\n|\n```\s*\Z")


def read_text(text: str, truth: Truth) -> Reading:
    """What a text says; where it says nothing of the asked kind, whether it declines.

    What is told counts although the text declines something beside it (``azimuth 30; the height cannot be told``).
    """
    if isinstance(truth, Decline):
        return Reading(text.strip() or None) if not declines_before(text, _tells) else Reading(None, declined=True)
    value = _value(text, truth)
    transcript = isinstance(truth, Tracks) or (isinstance(truth, Words) and truth.transcript)
    return Reading(value, declined=value is None and not transcript and declines(text))


def _value(text: str, truth: Truth) -> object:
    match truth:
        case Choice(options=options):
            return choices.parse_choice(text, options)
        case YesNo():
            return choices.parse_yes_no(text)
        case Direction():
            return concluded(text, _direction)
        case Number(quantity=quantity):
            return concluded(text, lambda part: _number(part, quantity))
        case Span():
            return concluded(text, _spans)
        case Words(accepted=accepted, transcript=transcript):
            return text.strip() or None if transcript else concluded(text, lambda part: _words(part, accepted))
        case Tracks():
            table = _FENCE.sub("", text)
            return table if _ROW.match(table) else None
        case _:
            return None


def _direction(text: str) -> list[float | None] | None:
    found = direction(without_declining(text))
    return None if found is None else list(found)


def _number(text: str, quantity: str) -> float | None:
    told = without_declining(text)
    if quantity == "count" and not told.strip():
        told = text  # "there are no sounds" denies and counts
    if quantity == "count":  # what "at most 3 sounds at once" tells is the most, which was asked for
        bounded = quantities.is_bound(re.sub(r"\bat most\b", "", told, flags=re.IGNORECASE))
    else:
        bounded = quantities.is_bound(told)
    return None if bounded else quantities.amount(told, quantity)


def _spans(text: str) -> list[list[float]] | None:
    return [list(span) for span in quantities.spans_s(without_declining(text))] or None


def _words(text: str, accepted: tuple[str, ...]) -> str | None:
    """The words; none of a text that declines, unless that is what was to be said."""
    said = bare_words(text)
    if said in {bare_words(one) for one in accepted}:
        return said
    return None if declines(text) else said or None


def _tells(fragment: str) -> bool:
    """Whether a fragment tells a direction or an amount."""
    return direction(fragment) is not None or quantities.is_measured(fragment)


def bare_words(text: str) -> str:
    """Words without case, punctuation and what only introduces them: ``The answer is: a dog.`` is ``dog``."""
    words = re.sub(r"^(the )?(answer|it|that|this)( is| s|'s)? ", "", plain_words(stated(text)) + " ").strip()
    return re.sub(r"^(the|an?) ", "", words)
