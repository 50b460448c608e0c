"""Words: error rates of transcripts, by the library jiwer (extra ``evaluate``)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from spatial_lalm.errors import InputError


@dataclass(frozen=True)
class WordErrors:
    """Error rates over all transcripts together, and the counts that they are made of.

    ``wer`` words wrong per reference word, ``mer`` per word of either side, ``wil`` word information lost, ``cer``
    characters wrong per reference character. Perfect is 0; ``wer`` and ``cer`` may exceed 1.
    """

    wer: float
    mer: float
    wil: float
    cer: float
    hits: int
    substitutions: int
    deletions: int
    insertions: int


def word_errors(references: Sequence[str], predictions: Sequence[str], official: bool = False) -> WordErrors:
    """Compare transcripts.

    Case, punctuation and the spelling of equal characters do not count (``plain_words``); ``official`` compares what is
    written but for blanks, as jiwer itself does. ``InputError``: other lengths, none, a reference without words, jiwer
    not installed.
    """
    if len(references) != len(predictions) or not references:
        raise InputError(
            f"{len(predictions)} transcripts for {len(references)} references: give one for each, one at least"
        )
    said, due = (
        [" ".join(text.split()) if official else plain_words(text) for text in side]
        for side in (predictions, references)
    )
    for text, written in zip(due, references, strict=True):
        if not text:
            raise InputError(f"the reference {written!r} holds no words: an error rate needs some")
    try:
        import jiwer
    except ImportError as error:
        raise InputError("word error rates need jiwer: pip install 'spatial-lalm[evaluate]'") from error
    words, characters = jiwer.process_words(due, said), jiwer.process_characters(due, said)
    counts = (words.hits, words.substitutions, words.deletions, words.insertions)
    return WordErrors(words.wer, words.mer, words.wil, characters.cer, *counts)


def plain_words(text: str) -> str:
    """Lower-case words, one blank apart; of punctuation only apostrophes and hyphens within words are kept."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return " ".join(re.findall(r"\w+(?:['-]\w+)*", folded))
