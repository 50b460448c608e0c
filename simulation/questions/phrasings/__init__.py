"""How people ask: the phrasebooks of every kind of question and what turns them into sentences and back."""

from spatial_lalm.simulation.questions.phrasings.basic import BOOKS, fill, templates
from spatial_lalm.simulation.questions.phrasings.building import Phrasebook, Split, combine, finish
from spatial_lalm.simulation.questions.phrasings.names import ALIASES, CONFUSABLE, GENERIC_ALL, GENERIC_ONE, PLURALS
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
