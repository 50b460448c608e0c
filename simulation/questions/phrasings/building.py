"""What phrasings are built from: rows of building blocks, combined into sentences and dressed.

Everything is stored without a capital and without final punctuation; ``combine`` adds what people say before a
question, ``finish`` dresses. Nothing of the held-out rows is ever combined into a sentence for training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Split = Literal["train", "held_out"]

OPENERS = ("", "", "so, ", "hey, ", "okay, ", "in this recording, ", "listen: ")
LEADS = (
    "tell me ",
    "please tell me ",
    "please say ",
    "say ",
    "I want to know ",
    "I would like to know ",
    "can you tell me ",
    "could you tell me ",
    "do you know ",
    "can you hear ",
)
IMPERATIVES = frozenset(("count", "describe", "find", "give", "let", "list", "name", "sort", "work"))
"""First words of held-out sentences that ask for no question mark."""
COMMAND_OPENERS = ("", "please ", "now ", "for this recording, ")


@dataclass(frozen=True)
class Phrasebook:
    """Building blocks of one kind: direct questions, indirect clauses, commands, noun phrases; held-out sentences."""

    questions: tuple[str, ...]
    clauses: tuple[str, ...]
    commands: tuple[str, ...]
    nouns: tuple[str, ...]
    held_out: tuple[str, ...]


def book(questions: str, clauses: str, held_out: str) -> Phrasebook:
    """A phrasebook from rows that are parted by ``|``."""
    rows = [tuple(text.strip() for text in part.split("|")) for part in (questions, clauses, held_out)]
    return Phrasebook(rows[0], rows[1], (), (), rows[2])


def combine(parts: Phrasebook, split: Split, audible: bool = False) -> tuple[str, ...]:
    """Every phrasing of a book's building blocks; only what is ``audible`` is asked with "can you hear ..."."""
    if split == "held_out":
        return tuple(f"{text}{'.' if text.split()[0] in IMPERATIVES else '?'}" for text in parts.held_out)
    direct = [f"{opener}{text}?" for opener in OPENERS for text in parts.questions]
    leads = [lead for lead in LEADS if "hear" not in lead or audible]
    indirect = [f"{lead}{text}{'?' if ' you ' in lead else '.'}" for lead in leads for text in parts.clauses]
    commands = [f"{opener}{text}." for opener in COMMAND_OPENERS for text in parts.commands]
    return (*direct, *indirect, *commands, *(f"{text}{end}" for text in parts.nouns for end in "?."))


def finish(text: str, capital: bool, punctuation: bool) -> str:
    """Dress a sentence: a capital first letter or all in lower case, with or without its final mark."""
    text = text if punctuation else text.rstrip("?.")
    return text[0].upper() + text[1:] if capital else text.lower()
