"""Phrasings of the kinds beyond the basic ones: many, apart in training and held out, and readable backwards."""

from __future__ import annotations

import re
import string

import pytest

from spatial_lalm.audio.scene import CLASSES
from spatial_lalm.simulation.questions import REGISTRY, phrasings
from spatial_lalm.simulation.questions.kind import DraftedKind

FILL = {
    "x": "the barking dog",
    "y": "the second stretch of rain",
    "a": "a dog bark",
    "side": "behind me",
    "way": "from left to right",
    "n": "3 sounds",
    "t": "2.5",
    "s": "1 second",
    "d": "1.5 metres",
    "v": "120",
    "band": "1000",
    "rank": "first",
    "who": "speaker b",
    "place": "front left",
}


def plain(text: str) -> str:
    return re.sub(r"[^a-z0-9{} ]", "", text.lower()).strip()


@pytest.mark.parametrize("book", phrasings.MORE_BOOKS)
def test_held_out_phrasings_are_never_in_training(book: str) -> None:
    train, held_out = ({plain(t) for t in phrasings.sentences(book, split)} for split in ("train", "held_out"))
    assert len(train) >= 12
    assert len(held_out) >= 4
    assert not train & held_out


@pytest.mark.parametrize("book", phrasings.MORE_BOOKS)
def test_every_sentence_is_clean_and_read_back(book: str) -> None:
    for split in ("train", "held_out"):
        for template in phrasings.sentences(book, split):  # type: ignore[arg-type]
            gaps = {name for _, name, _, _ in string.Formatter().parse(template) if name}
            text = template.format(**FILL)
            assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9,:.' -]*[?.]", text), text
            assert "  " not in text
            wanted = {gap: FILL[gap] for gap in gaps}
            assert wanted in list(phrasings.read(book, text)), text
            assert wanted in list(phrasings.read(book, phrasings.finish(text, capital=False, punctuation=False)))


def test_every_book_is_used_and_every_used_one_is_there() -> None:
    used = {book for kind in REGISTRY.values() if isinstance(kind, DraftedKind) for book in kind.books or (kind.name,)}
    assert used == set(phrasings.MORE_BOOKS)


def test_books_of_one_split_share_no_sentence_with_another_book_of_the_other() -> None:
    sides = {
        split: {plain(t) for book in phrasings.MORE_BOOKS for t in phrasings.sentences(book, split)}
        for split in ("train", "held_out")
    }
    assert not sides["train"] & sides["held_out"]


@pytest.mark.parametrize("label", CLASSES)
def test_every_name_of_a_class_is_read_as_one_gap(label: str) -> None:
    for name in phrasings.ALIASES[label]:
        text = f"is {name} to the left of the rooster?"
        assert {"x": name.lower(), "y": "the rooster", "rank": "left"} in list(phrasings.read("is_left_of", text))
