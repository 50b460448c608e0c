"""What every kind of question deals in: a question with its answer, and a draft of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

LETTERS = "ABCD"
"""Names of the options of a multiple choice."""


@dataclass(frozen=True)
class QuestionAnswer:
    """A question with its truthful answer.

    Attributes:
        kind: name of the kind in the registry.
        question: what is asked, options included.
        answer: the truthful answer in its canonical form.
        declined: whether the right answer is to decline.
        label: the class asked about, None where it is about no single one.
        options: texts of a multiple choice in the order of their letters, else empty.
        answer_letter: letter of the right option, else empty.
        evidence: indices into ``Scene.events`` of the sounds that the answer rests on.
        family: the family that the kind belongs to.
        topic: what the wording gives away (a class, a threshold): claims are balanced within it, see ``balance``.
        claim: the answer where it is one of a few (yes or no, a word), else empty.
    """

    kind: str
    question: str
    answer: str
    declined: bool
    label: str | None
    options: tuple[str, ...] = ()
    answer_letter: str = ""
    evidence: tuple[int, ...] = ()
    family: str = "basic"
    topic: str = ""
    claim: str = ""


@dataclass(frozen=True)
class Name:
    """A sound as a question may call it: a class that sounds once, or the ``ordinal``-th event of its class."""

    label: str
    ordinal: int | None = None


@dataclass(frozen=True)
class Draft:
    """One question that could be asked, before its wording is drawn.

    Attributes:
        slots: what fills the gaps of the phrasing.
        answer: canonical answer, or the right option of a multiple choice.
        evidence: indices of the events that the answer rests on.
        label: the class asked about.
        claim: see ``QuestionAnswer``; it is drawn first where a kind is balanced.
        topic: see ``QuestionAnswer``.
        wrong: texts of a multiple choice that are surely wrong, three or more.
        weight: how often it is drawn beside the others, relative.
        book: the phrasebook, where it is not the kind's first.
    """

    slots: Mapping[str, str | Name]
    answer: str
    evidence: tuple[int, ...] = ()
    label: str | None = None
    claim: str = ""
    topic: str = ""
    wrong: tuple[str, ...] = field(default=())
    weight: float = 1.0
    book: str = ""
