"""Lines for the built-in talkers, from a small grammar."""

from __future__ import annotations

import numpy as np

_SUBJECTS = [
    "the old teacher",
    "my neighbour",
    "a small robot",
    "the tall driver",
    "our guide",
    "the doctor",
    "her brother",
    "the chef",
]
_VERBS = ["opened", "carried", "painted", "forgot", "repaired", "noticed", "bought", "counted", "borrowed", "described"]
_OBJECTS = [
    "the green door",
    "three heavy boxes",
    "a broken clock",
    "the morning paper",
    "some fresh bread",
    "seven yellow birds",
    "a quiet song",
    "the long letter",
    "an empty glass",
    "two wooden chairs",
]
_PLACES = [
    "in the kitchen",
    "near the station",
    "by the river",
    "behind the house",
    "on the second floor",
    "at the market",
]
_TIMES = ["yesterday", "this morning", "before lunch", "at half past nine", "late in the evening", "on Sunday"]
_EXTRAS = [
    "Please wait a moment",
    "I will call you back",
    "That sounds wonderful",
    "Turn left at the corner",
    "It may rain",
]


def sentences(rng: np.random.Generator, count: int) -> str:
    """An English line of ``count`` sentences from a small grammar."""
    lines = []
    for _ in range(count):
        if rng.random() < 0.25:
            lines.append(str(rng.choice(_EXTRAS)))
            continue
        words = [str(rng.choice(part)) for part in (_SUBJECTS, _VERBS, _OBJECTS)]
        words += [str(rng.choice(part)) for part in (_PLACES, _TIMES) if rng.random() < 0.5]
        lines.append(" ".join(words))
    return " ".join(line[0].upper() + line[1:] + "." for line in lines)
