"""Asking about a scene: the registry of kinds, one question or many, and whether an answer is true."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np

from spatial_lalm.audio.scene import Scene
from spatial_lalm.audio.wording import Spatial
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.questions import (
    basic,
    choice,
    hops,
    motion,
    places,
    rooms,
    talkers,
    times,
    unanswerable,
    yes_no,
)
from spatial_lalm.simulation.questions.absent import Shares
from spatial_lalm.simulation.questions.answer import QuestionAnswer
from spatial_lalm.simulation.questions.balance import Balance
from spatial_lalm.simulation.questions.checks import basic as basic_judge
from spatial_lalm.simulation.questions.kind import Kind
from spatial_lalm.simulation.questions.phrasings import Split
from spatial_lalm.simulation.questions.view import View

BASIC = "basic"
TRIES = 8
"""Draws for every question wanted, before a scene is given up."""


@dataclass(frozen=True)
class BasicKind:
    """One of the kinds that the shipped model was trained on, see ``basic``."""

    name: str
    family: str = BASIC

    def fits(self, view: View) -> bool:
        """Whether a question of this kind can be asked."""
        return self.name in basic.fitting_kinds(view.scene, view.spatial, view.shares)

    def make(self, view: View, rng: np.random.Generator, split: Split) -> QuestionAnswer:
        """Draw a question about a scene that it fits."""
        return basic.ask_about(view.scene, rng, view.spatial, split, [self.name], view.shares)

    def check(self, scene: Scene, qa: QuestionAnswer) -> bool:
        """Whether an answer is true."""
        return basic_judge.check(scene, qa)


_MODULES = (places, times, motion, talkers, rooms, hops, yes_no, choice, unanswerable)
_EVERY: tuple[Kind, ...] = (
    *(BasicKind(name) for name in basic.KINDS),
    *(kind for module in _MODULES for kind in module.KINDS),
)
REGISTRY: dict[str, Kind] = {kind.name: kind for kind in _EVERY}
FAMILIES: dict[str, tuple[str, ...]] = {
    family: tuple(kind.name for kind in _EVERY if kind.family == family)
    for family in dict.fromkeys(kind.family for kind in _EVERY)
}
"""Names of the kinds of every family."""


def _wanted(kinds: Sequence[str] | None, family: str | Sequence[str]) -> tuple[str, ...]:
    """Names of kinds from what a caller gives."""
    if kinds is not None:
        unknown = [kind for kind in kinds if kind not in REGISTRY]
        if unknown:
            raise InputError(f"question kind {unknown[0]!r} is unknown: choose from {', '.join(REGISTRY)}")
        return tuple(kinds)
    families = tuple(FAMILIES) if family == "all" else (family,) if isinstance(family, str) else tuple(family)
    strange = [name for name in families if name not in FAMILIES]
    if strange:
        raise InputError(f"question family {strange[0]!r} is unknown: choose from all, {', '.join(FAMILIES)}")
    return tuple(name for one in families for name in FAMILIES[one])


def _checked(spatial: Spatial, split: Split) -> None:
    for name, value, allowed in (("spatial", spatial, get_args(Spatial)), ("split", split, get_args(Split))):
        if value not in allowed:
            raise InputError(f"{name} {value!r} is unknown: choose from {', '.join(allowed)}")


def fitting_kinds(
    scene: Scene, spatial: Spatial = "full", family: str | Sequence[str] = BASIC, shares: Shares | None = None
) -> tuple[str, ...]:
    """The kinds of one family, of several or of ``all`` that can be asked about a scene.

    Args:
        scene: the scene.
        spatial: what the recording's channels tell of direction.
        family: names of ``FAMILIES``.
        shares: what such scenes are made of; absent sounds are of these classes.

    Raises:
        InputError: for an unknown family.
    """
    if family == BASIC:
        return basic.fitting_kinds(scene, spatial, shares)
    view = View(scene, spatial, shares)
    return tuple(name for name in _wanted(None, family) if REGISTRY[name].fits(view))


def ask_about(
    scene: Scene,
    rng: np.random.Generator,
    spatial: Spatial = "full",
    split: Split = "train",
    kinds: Sequence[str] | None = None,
    family: str | Sequence[str] = BASIC,
    shares: Shares | None = None,
) -> QuestionAnswer:
    """Draw a question that fits a scene, and its truthful answer.

    Args:
        scene: the scene whose labels the answer follows.
        rng: source of every draw; the same state gives the same question.
        spatial: what the recording's channels tell of direction; it decides which kinds fit.
        split: ``held_out`` uses phrasings that ``train`` never does.
        kinds: draw from these only; among basic kinds alone ``where`` stands for the kind about direction that fits.
        family: without ``kinds``, draw from the kinds of these families or of ``all``. Basic kinds alone are drawn with
            the weights that the shipped model was trained with, other sets evenly among those that fit.
        shares: what such scenes are made of. Absent sounds are of these classes, as often as present ones, so that no
            name gives its answer away.

    Raises:
        InputError: for an unknown kind, family, split or ``spatial``, or if none of the kinds fits the scene.
    """
    _checked(spatial, split)
    wanted = _wanted(kinds, family)
    if all(name in basic.KINDS for name in wanted):
        return basic.ask_about(scene, rng, spatial, split, kinds, shares)
    view = View(scene, spatial, shares)
    for place in rng.permutation(len(wanted)):  # the first that fits is any that fits, and few have to be tried
        if REGISTRY[wanted[place]].fits(view):
            return REGISTRY[wanted[place]].make(view, rng, split)
    raise InputError(
        f"no question of kind {', '.join(wanted)} fits this scene with spatial {spatial!r}: add families or kinds"
    )


def check(scene: Scene, qa: QuestionAnswer) -> bool:
    """Whether an answer is true of its scene, derived by other code than the one that made it.

    Every number and word, whether it declines, the options and the evidence are judged. A question about direction is
    judged by its kind, which says what the channels told. An unknown kind is never true.
    """
    return qa.kind in REGISTRY and REGISTRY[qa.kind].check(scene, qa)


@dataclass(frozen=True)
class Questions:
    """Questions about a scene; ``disagreed`` failed their check and ``thinned`` fell to the balance of claims."""

    kept: tuple[QuestionAnswer, ...]
    disagreed: int
    thinned: int


def _in_turn(kinds: list[Kind], view: View, rng: np.random.Generator) -> Iterator[Kind]:
    """Kinds that fit, in random order again and again; those that do not fit are found out when their turn comes."""
    while kinds:
        fitting = []
        for place in rng.permutation(len(kinds)):
            if kinds[place].fits(view):
                fitting.append(kinds[place])
                yield kinds[place]
        kinds = fitting


def ask_many(
    scene: Scene,
    rng: np.random.Generator,
    number: int,
    spatial: Spatial = "full",
    split: Split = "train",
    kinds: Sequence[str] | None = None,
    family: str | Sequence[str] = "all",
    balance: Balance | None = None,
    shares: Shares | None = None,
) -> Questions:
    """Up to ``number`` different questions about a scene whose answers agree with their second derivation.

    Kinds are drawn evenly among those that fit, without repeating one before all had their turn. A scene that has no
    more to ask gives fewer questions, and so does ``balance``: what it drops is not made up for. Arguments otherwise as
    for ``ask_about``.

    Raises:
        InputError: for an unknown kind, family, split or ``spatial``.
    """
    _checked(spatial, split)
    view = View(scene, spatial, shares)
    kept: dict[str, QuestionAnswer] = {}
    disagreed = thinned = 0
    wanted = _wanted(kinds, family)
    fitting = _in_turn([REGISTRY[name] for name in wanted], view, rng)
    for kind in itertools.islice(fitting, TRIES * number):
        # What the balance drops takes its place all the same: drawn anew, the common claim would come back.
        if len(kept) + thinned == number:
            break
        qa = kind.make(view, rng, split)
        if balance is not None and not balance.keeps(qa, rng):
            thinned += 1
        elif not check(scene, qa):
            disagreed += 1
        else:
            kept.setdefault(qa.question, qa)
    return Questions(tuple(kept.values()), disagreed, thinned)
