"""Which sound that is not there is asked about: one of those that scenes are made of, as often as one that is there.

Drawn evenly from all classes, absent sounds would be the rare ones and present ones the common ones, and a class that
the library lacks would give its answer away. How often a class must be asked about where it is absent follows from how
often it is drawn; scenes of labels alone find it.

Legend: N scenes, S sources, L classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.scene import CLASSES
from spatial_lalm.simulation.questions.phrasings import CONFUSABLE


@dataclass(frozen=True)
class Shares:
    """What scenes are made of: how often a sound is of each class (``SourceLibrary.shares``), how many only talk."""

    by_class: Mapping[str, float]
    conversation: float = 0.0

    def of(self, label: str) -> float:
        """How often a sound is of a class."""
        return self.by_class.get(label, 0.0)


SOURCES = (0.42, 0.29, 0.17, 0.08, 0.04)
"""How many scenes have 1, 2, ... sources, as recipes have it unless they say otherwise."""
SCENES, ROUNDS, STEEPEST = 2000, 60, 1e-4


def absent(heard: Iterable[str], shares: Shares | None = None) -> dict[str, float]:
    """Classes that can be drawn, do not sound, and that nobody would take for one that does, each with its weight.

    Without ``shares`` all of our classes evenly. Only of our list: others have no names that a question could be read
    back from.
    """
    left_out = _near(heard)
    if shares is None:
        return {label: 1.0 for label in CLASSES if label not in left_out}
    return {label: no for label, (_, no) in _weights_of(shares).items() if label not in left_out}


def present(heard: Iterable[str], shares: Shares | None = None) -> dict[str, float]:
    """Classes that sound, each with the weight by which they come as often as absent ones, where scenes allow it.

    Of a common class whose scenes hold little else, there are too few scenes without it.
    """
    weights = {} if shares is None else _weights_of(shares)
    return {label: weights.get(label, (1.0, 1.0))[0] for label in heard}


def _weights_of(shares: Shares) -> dict[str, tuple[float, float]]:
    known = sorted((label, share) for label, share in shares.by_class.items() if label in CLASSES and share)
    return _weights(tuple(known), shares.conversation)


def _near(heard: Iterable[str]) -> set[str]:
    """Classes that sound, and those that a listener may take for one."""
    present = set(heard)
    return present | {b for two in CONFUSABLE for a, b in (two, two[::-1]) if a in present}


@lru_cache(maxsize=16)
def _weights(shares: tuple[tuple[str, float], ...], conversation: float) -> dict[str, tuple[float, float]]:
    """Weights of every class where it is present and where it is absent.

    Absent classes, drawn among those of each scene by the second, come as often as present ones do evenly; where they
    cannot, present ones that are drawn by the first come as rarely.
    """
    if not shares:
        return {}
    labels = [label for label, _ in shares]
    share = np.array([share for _, share in shares])
    drawn = _drawn(share / share.sum())
    if "speech" in labels:
        drawn[: round(conversation * SCENES)] = np.array(labels) == "speech"
    near = np.array([[label in _near([heard]) for label in labels] for heard in labels])
    free = ~(drawn[..., None] & near).any(axis=1)  # (N, L)
    even = np.ones(len(labels))
    no = _fitted(free, _frequency(drawn, even))
    yes = _fitted(drawn, _frequency(free, no))
    return dict(zip(labels, zip(yes.tolist(), no.tolist(), strict=True), strict=True))


def _frequency(among: NDArray[np.bool_], weights: NDArray[Any]) -> NDArray[Any]:
    """How often each class is drawn ``(L,)`` among those of scenes ``(N, L)`` by weights, where there are any."""
    if not among.any():
        return np.zeros(len(weights))
    weighted = among[among.any(axis=1)] * weights
    frequency: NDArray[Any] = (weighted / weighted.sum(axis=1, keepdims=True)).mean(axis=0)
    return frequency


def _fitted(among: NDArray[np.bool_], wanted: NDArray[Any]) -> NDArray[Any]:
    """Weights ``(L,)`` by which classes are drawn among those of scenes ``(N, L)`` as often as wanted, or nearly."""
    weights = np.ones(len(wanted))
    for _ in range(ROUNDS if among.any() and wanted.any() else 0):
        weights *= np.clip(wanted / np.maximum(_frequency(among, weights), 1e-12), 0.5, 2.0)
        weights = np.maximum(weights / weights.max(), STEEPEST)
    return weights


def _drawn(share: NDArray[Any]) -> NDArray[np.bool_]:
    """Which classes sound in scenes of random sources, ``(N, L)``."""
    rng = np.random.default_rng(0)
    sources = rng.choice(len(share), (SCENES, len(SOURCES)), p=share)
    there = np.arange(len(SOURCES)) < rng.choice(np.arange(1, len(SOURCES) + 1), (SCENES, 1), p=SOURCES)
    drawn = np.zeros((SCENES, len(share)), dtype=bool)
    drawn[np.nonzero(there)[0], sources[there]] = True
    return drawn
