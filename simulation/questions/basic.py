"""Questions and truthful answers about a scene: the text that the language model is trained and tested on.

A question is drawn from many phrasings (``simulation.phrasings``); an answer has one canonical form per kind, so that a
small model can learn it. Everything an answer says follows from the labels of the ``Scene``; ``check`` derives it anew.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import get_args

import numpy as np

from spatial_lalm.audio import wording
from spatial_lalm.audio.scene import Scene
from spatial_lalm.audio.telling import CANNOT, absence
from spatial_lalm.audio.wording import Spatial
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.acoustics import RATIO_LIMIT_DB
from spatial_lalm.simulation.questions import phrasings
from spatial_lalm.simulation.questions.absent import Shares, absent
from spatial_lalm.simulation.questions.answer import QuestionAnswer
from spatial_lalm.simulation.questions.phrasings import Split
from spatial_lalm.simulation.questions.view import in_background, one_source
from spatial_lalm.simulation.questions.voices import tell

# How often each kind is drawn where all of them fit; the four about direction never fit together.
_WEIGHTS: dict[str, float] = {
    "where": 0.25,
    "planar": 0.25,
    "lateral": 0.25,
    "mono_direction": 0.25,
    "how_far": 0.12,
    "what": 0.12,
    "when": 0.10,
    "count": 0.10,
    "reverberation": 0.07,
    "drr": 0.04,
    "clarity": 0.04,
    "room_size": 0.07,
    "absent": 0.07,
    "off_topic": 0.06,
}
KINDS: tuple[str, ...] = tuple(_WEIGHTS)
_DIRECTION_KIND: dict[Spatial, str] = {
    "full": "where",
    "planar": "planar",
    "lateral": "lateral",
    "none": "mono_direction",
}


# ---------------------------------------------------------------- which kinds fit


def fitting_kinds(scene: Scene, spatial: Spatial = "full", shares: Shares | None = None) -> tuple[str, ...]:
    """The kinds that can be asked about a scene whose channels tell ``spatial`` of direction."""
    kinds = [_DIRECTION_KIND[spatial] if scene.events else "where", "how_far", "what", "when", "count"]
    if scene.events and not scene.room.outdoors:  # nothing but sounds makes a room heard
        kinds.append("room_size")
    kinds += _acoustic_kinds(scene)
    if absent({*_labels(scene), *in_background(scene)}, shares):
        kinds.append("absent")
    return (*kinds, "off_topic")


def _acoustic_kinds(scene: Scene) -> list[str]:
    """The kinds about what was measured in a room; a ratio is one source's: not asked about where there are more."""
    if not scene.events or scene.acoustics is None or scene.room.outdoors:
        return []
    measured = scene.acoustics
    kinds = ["reverberation"] if math.isfinite(measured.t60_s) else []
    ratios = {"drr": measured.drr_db, "clarity": measured.c50_db} if one_source(scene) else {}
    known = [kind for kind, value in ratios.items() if math.isfinite(value) and abs(value) < RATIO_LIMIT_DB]
    return kinds + known


def _labels(scene: Scene) -> set[str]:
    return {event.label for event in scene.events}


def _draw_kind(
    scene: Scene, rng: np.random.Generator, spatial: Spatial, kinds: Sequence[str] | None, shares: Shares | None
) -> str:
    fitting = fitting_kinds(scene, spatial, shares)
    if kinds is not None:
        unknown = [kind for kind in kinds if kind not in KINDS]
        if unknown:
            raise InputError(f"question kind {unknown[0]!r} is unknown: choose from {', '.join(KINDS)}")
        asked = {_DIRECTION_KIND[spatial] if kind == "where" and scene.events else kind for kind in kinds}
        chosen = tuple(kind for kind in fitting if kind in asked)
        if not chosen:
            raise InputError(
                f"no question of kind {', '.join(kinds) or 'none'} fits this scene with spatial {spatial!r}: "
                f"choose from {', '.join(fitting)}"
            )
        fitting = chosen
    weights = np.array([_WEIGHTS[kind] for kind in fitting])
    return fitting[int(rng.choice(len(fitting), p=weights / weights.sum()))]


# ---------------------------------------------------------------- the question


def _pick(rng: np.random.Generator, items: Sequence[str]) -> str:
    return items[int(rng.integers(len(items)))]


def _phrase(rng: np.random.Generator, book: str, split: Split, subject: str = "") -> str:
    """A phrasing about a subject: mostly with capital and mark, sometimes as people type in a hurry."""
    text = phrasings.fill(_pick(rng, phrasings.templates(book, split)), subject)
    style = rng.random()
    return phrasings.finish(text, capital=bool(style < 0.7), punctuation=bool(style < 0.6 or style > 0.85))


def _subject(scene: Scene, rng: np.random.Generator) -> tuple[str, str | None]:
    """Draw what is asked about: a name in the user's words and its label, None for all the sounds together."""
    events = scene.events
    if len(events) == 1 and rng.random() < 0.35:
        return _pick(rng, phrasings.GENERIC_ONE), events[0].label
    if not events or (len(events) > 1 and rng.random() < 0.25):
        return _pick(rng, phrasings.GENERIC_ALL), None
    label = _pick(rng, list(dict.fromkeys(event.label for event in events)))
    return _alias(label, _labels(scene), rng), label


def _alias(label: str, present: set[str], rng: np.random.Generator) -> str:
    """One of the names people give to a label; "the noise" only where it can mean nothing else."""
    names = phrasings.ALIASES.get(label, (wording.spoken_name(label, "the"),))
    if label not in present or "modulated_noise" in present:
        names = tuple(name for name in names if name != "the noise")
    return _pick(rng, names)


# ---------------------------------------------------------------- kinds


def _about_sounds(scene: Scene, rng: np.random.Generator, kind: str, spatial: Spatial, split: Split) -> QuestionAnswer:
    """The kinds that name a sound: the four about direction, ``how_far`` and ``when``."""
    subject, label = _subject(scene, rng)
    question = _phrase(rng, kind if kind in ("how_far", "when") else "where", split, subject)
    known = bool(scene.events)
    return QuestionAnswer(
        kind, question, tell(scene, kind, label, spatial), not known or kind == "mono_direction", label
    )


def _absent(scene: Scene, rng: np.random.Generator, split: Split, shares: Shares | None) -> QuestionAnswer:
    weights = absent({*_labels(scene), *in_background(scene)}, shares)
    if shares is None:
        label = _pick(rng, list(weights))
    else:
        label = str(rng.choice(list(weights), p=np.array(list(weights.values())) / sum(weights.values())))
    alias = _alias(label, _labels(scene), rng)
    question = _phrase(rng, _pick(rng, ("where", "how_far", "when")), split, alias)
    return QuestionAnswer("absent", question, absence(label), True, label)


def ask_about(
    scene: Scene,
    rng: np.random.Generator,
    spatial: Spatial = "full",
    split: Split = "train",
    kinds: Sequence[str] | None = None,
    shares: Shares | None = None,
) -> QuestionAnswer:
    """Draw a question that fits a scene, and its truthful answer.

    Args:
        scene: the scene whose labels the answer follows.
        rng: source of every draw; the same state gives the same question.
        spatial: what the recording's channels tell of direction; it decides which of the kinds ``where``, ``planar``,
            ``lateral`` and ``mono_direction`` fits.
        split: ``held_out`` uses phrasings that ``train`` never does.
        kinds: draw from these only; ``where`` then stands for the kind about direction that fits.
        shares: what such scenes are made of; absent sounds are of these classes.

    Raises:
        InputError: for an unknown kind, split or ``spatial``, or if none of the kinds fits the scene.
    """
    for name, value, allowed in (("spatial", spatial, get_args(Spatial)), ("split", split, get_args(Split))):
        if value not in allowed:
            raise InputError(f"{name} {value!r} is unknown: choose from {', '.join(allowed)}")
    kind = _draw_kind(scene, rng, spatial, kinds, shares)
    if kind == "absent":
        return _absent(scene, rng, split, shares)
    if kind == "off_topic":
        return QuestionAnswer(kind, _phrase(rng, kind, split), CANNOT, True, None)
    if kind == "what":
        return QuestionAnswer(kind, _phrase(rng, kind, split), tell(scene, kind), False, None)
    if kind == "count":
        book = _pick(rng, ("count_at_once", "count_in_all"))
        return QuestionAnswer(kind, _phrase(rng, book, split), tell(scene, book), False, None)
    if kind in ("reverberation", "drr", "clarity", "room_size"):
        return QuestionAnswer(kind, _phrase(rng, kind, split), tell(scene, kind), False, None)
    return _about_sounds(scene, rng, kind, spatial, split)
