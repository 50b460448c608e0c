"""Small pieces that the canonical answers are made of."""

from __future__ import annotations

import numpy as np

from spatial_lalm.audio import wording
from spatial_lalm.simulation.questions import phrasings
from spatial_lalm.simulation.questions.answer import Name

ORDINALS = ("first", "second", "third", "fourth")
UNSURE = ("the noise", "the man speaking", "the woman speaking")
"""Names that may mean another sound, or claim what the labels do not say."""
SIDE_PHRASES: dict[str, str] = {
    "left": "on the left",
    "right": "on the right",
    "front": "in front of me",
    "back": "behind me",
    "above": "above me",
    "below": "below me",
}


def called(name: Name) -> str:
    """The canonical name with its article: ``the dog bark``, ``the second stretch of rain``."""
    bare = wording.spoken_name(name.label)
    if name.ordinal is None:
        return f"the {bare}"
    countable = wording.spoken_name(name.label, "a") != bare
    return f"the {ORDINALS[name.ordinal - 1]} {bare if countable else f'stretch of {bare}'}"


def subject(name: Name, singular: str) -> str:
    """The canonical name at the start of a sentence, with the verb that agrees: ``The sea waves come``."""
    plural = name.ordinal is None and wording.is_plural(name.label)
    verb = {"is": "are", "comes": "come", "has": "have"}.get(singular, singular[:-1]) if plural else singular
    return f"The {called(name).removeprefix('the ')} {verb}"


def spoken(name: Name, rng: np.random.Generator) -> str:
    """A name that people may use in a question."""
    if name.ordinal is not None:
        return called(name)
    names = phrasings.ALIASES.get(name.label, (called(name),))
    fitting = [text for text in names if text not in UNSURE]
    return fitting[int(rng.integers(len(fitting)))]


def listed(labels: list[str], nothing: str) -> str:
    """Classes in a sentence: ``a dog bark, rain and speech``, or what stands for none."""
    return wording.list_text([wording.spoken_name(label, "a") for label in dict.fromkeys(labels)]) or nothing


def sentence(text: str) -> str:
    """A text as a sentence: capital letter and full stop."""
    return f"{text[0].upper()}{text[1:]}."
