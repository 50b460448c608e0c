"""From the phrasebooks beyond the basic ones to sentences, and from a sentence back to what fills its gaps.

Gaps: ``{x}``, ``{y}`` sounds; ``{a}`` a class with its article; ``{side}``, ``{way}``, ``{place}`` phrases of place and
motion; ``{n}`` so many sounds, ``{t}`` a time in seconds, ``{s}`` so many seconds, ``{d}`` metres, ``{v}`` m³,
``{band}`` Hz; ``{rank}`` one of two opposite words, such as first and last; ``{who}`` a lettered speaker.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from spatial_lalm.audio.wording import NAMES
from spatial_lalm.simulation.questions.phrasings import (
    choice,
    hops,
    motion,
    places,
    rooms,
    talkers,
    times,
    unanswerable,
    yes_no,
)
from spatial_lalm.simulation.questions.phrasings.building import LEADS, OPENERS, Phrasebook, Split, combine
from spatial_lalm.simulation.questions.phrasings.names import ALIASES

MORE_BOOKS: dict[str, Phrasebook] = {
    **places.PLACES,
    **times.TIMES,
    **hops.HOPS,
    **motion.MOTION,
    **talkers.TALKERS,
    **rooms.ROOMS,
    **yes_no.YES_NO,
    **choice.CHOICE,
    **unanswerable.UNANSWERABLE,
}
_GAP = re.compile(r"\\\{([a-z]+)\\\}")
_RANKS = [
    "first",
    "second",
    "last",
    "nearer",
    "farther",
    "nearest",
    "farthest",
    "higher",
    "lower",
    "left",
    "right",
    "longest",
    "shortest",
    "longer",
    "shorter",
    "before",
    "after",
    "larger",
    "smaller",
]
_SIDES = ("on the left", "on the right", "in front of me", "behind me", "above me", "below me", "indoors", "outdoors")
_WAYS = ("from left to right", "from right to left", "towards me", "away from me", "upwards", "downwards")


def _any_of(words: Iterable[str]) -> str:
    """A pattern of words, the longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


@cache
def _names() -> str:
    """A pattern of what a sound may be called; names of no table come last."""
    bare = [name for name, _, _ in NAMES.values()]
    known = [alias.lower() for aliases in ALIASES.values() for alias in aliases] + [f"the {name}" for name in bare]
    return f"the (?:first|second|third) (?:stretch of )?(?:{_any_of(bare)})|{_any_of(known)}|the .+?"


def _gap(name: str) -> str:
    """The pattern of what fills a gap."""
    words = {"x": _names(), "y": _names(), "rank": _any_of(_RANKS), "side": _any_of(_SIDES), "way": _any_of(_WAYS)}
    return f"(?P<{name}>{words.get(name, '.+?')})"


@cache
def sentences(book: str, split: Split) -> tuple[str, ...]:
    """Every phrasing of a book of ``MORE_BOOKS``, without doubles."""
    return tuple(dict.fromkeys(combine(MORE_BOOKS[book], split)))


@cache
def _patterns(book: str) -> tuple[re.Pattern[str], ...]:
    """A pattern of every building block, with what may stand before it."""
    parts = MORE_BOOKS[book]
    blocks = [(f"(?:{_any_of(OPENERS).lower()})", text) for text in parts.questions]
    blocks += [(f"(?:{_any_of(LEADS).lower()})", text) for text in parts.clauses]
    blocks += [("", text) for text in parts.held_out]
    return tuple(
        re.compile(before + _GAP.sub(lambda gap: _gap(gap[1]), re.escape(text.lower()))) for before, text in blocks
    )


def read(book: str, question: str) -> Iterator[dict[str, str]]:
    """Every way to read a question as a phrasing of a book: what fills the gaps, in lower case."""
    plain = question.lower().rstrip("?.")
    for pattern in _patterns(book):
        found = pattern.fullmatch(plain)
        if found:
            yield found.groupdict()
