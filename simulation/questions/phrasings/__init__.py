"""How people ask: the phrasebooks of every kind of question and what turns them into sentences and back."""

from spatial_lalm.simulation.questions.phrasings.basic import (
    ALIASES,
    BOOKS,
    CONFUSABLE,
    GENERIC_ALL,
    GENERIC_ONE,
    PLURALS,
    Phrasebook,
    Split,
    combine,
    fill,
    finish,
    templates,
)
from spatial_lalm.simulation.questions.phrasings.reading import MORE_BOOKS, read, sentences

__all__ = [
    "ALIASES",
    "BOOKS",
    "CONFUSABLE",
    "GENERIC_ALL",
    "GENERIC_ONE",
    "MORE_BOOKS",
    "PLURALS",
    "Phrasebook",
    "Split",
    "combine",
    "fill",
    "finish",
    "read",
    "sentences",
    "templates",
]
