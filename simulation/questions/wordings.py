"""Small pieces that the canonical answers are made of."""

from __future__ import annotations

import numpy as np

from spatial_lalm.audio import wording
from spatial_lalm.simulation.questions import phrasings
from spatial_lalm.simulation.questions.answer import Name

ORDINALS = ("first", "second", "third", "fourth")
UNSURE = ("the noise", "someone talking", "someone sneezing")
"""Names that may mean another sound, claim what the labels do not say, or read badly in the middle of a sentence."""
TIMES = ("never", "once", "twice")
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


def it_is(label: str) -> str:
    """What a sound is, as a sentence: ``It is a dog bark.``, ``It is the sound of the sea waves.``."""
    plural = wording.is_plural(label)
    return f"It is {f'the sound of {called(Name(label))}' if plural else wording.spoken_name(label, 'a')}."


def counted(number: int, noun: str) -> str:
    """A number with its noun: ``no sounds``, ``1 sound``, ``2 sounds``."""
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def amount(value: float, unit: str) -> str:
    """A quantity with its unit written out: ``1 metre``, ``1.5 metres``."""
    return f"{value:g} {unit}{'' if value == 1 else 's'}"


def there_are(number: int, noun: str) -> str:
    """``There is 1 sound`` or ``There are 2 sounds``, without the full stop."""
    return f"There {'is' if number == 1 else 'are'} {counted(number, noun)}"


def times_heard(number: int) -> str:
    """How many times: ``once``, ``twice``, ``3 times``."""
    return TIMES[number] if number < len(TIMES) else f"{number} times"


def listed(labels: list[str], nothing: str) -> str:
    """Classes in a sentence: ``a dog bark, rain and speech``, or what stands for none."""
    return wording.list_text([wording.spoken_name(label, "a") for label in dict.fromkeys(labels)]) or nothing


def sentence(text: str) -> str:
    """A text as a sentence: capital letter and full stop."""
    return f"{text[0].upper()}{text[1:]}."
