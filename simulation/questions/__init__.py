"""Questions and truthful answers about a scene: the text that a model is trained and tested on.

``ask_about`` draws one question, ``ask_many`` several with a second derivation of every answer, ``check``. Kinds come
in ``FAMILIES``: ``basic`` is what the shipped model was trained on, its kinds are ``KINDS``.
"""

from spatial_lalm.simulation.questions.absent import Shares
from spatial_lalm.simulation.questions.answer import QuestionAnswer
from spatial_lalm.simulation.questions.asking import (
    FAMILIES,
    REGISTRY,
    Questions,
    ask_about,
    ask_many,
    check,
    fitting_kinds,
)
from spatial_lalm.simulation.questions.balance import Balance
from spatial_lalm.simulation.questions.basic import KINDS

__all__ = [
    "FAMILIES",
    "KINDS",
    "REGISTRY",
    "Balance",
    "QuestionAnswer",
    "Questions",
    "Shares",
    "ask_about",
    "ask_many",
    "check",
    "fitting_kinds",
]
