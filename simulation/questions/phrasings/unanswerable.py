"""Phrasebooks of questions that sound cannot answer; gaps are listed in ``reading``."""

from __future__ import annotations

from spatial_lalm.simulation.questions.phrasings.building import Phrasebook, book

UNANSWERABLE: dict[str, Phrasebook] = {
    "identity": book(
        "who is {x} | what is the name of {x} | is {x} a famous person | do I know {x} | which person is {x}",
        "who {x} is | the name of {x}",
        "what is {x} called | by what name do people know {x} | can you identify {x} by name | is {x} a celebrity",
    ),
    "visual": book(
        "what does {x} look like | what colour is {x} | what shape is {x} | is {x} in the shade",
        "what {x} looks like | what colour {x} is",
        "describe the looks of {x} | what would {x} look like in a picture | is {x} pretty | "
        "what shade of colour is {x}",
    ),
    "unheard": book(
        "why is {x} here | where was {x} yesterday | how old is {x} | how heavy is {x}",
        "why {x} is here | how old {x} is",
        "for what reason is {x} here | where will {x} be next week | what does {x} weigh | what is the age of {x}",
    ),
}
