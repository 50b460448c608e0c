"""Sounds that are not there: of the classes that scenes are made of, as often as present ones, never the background."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from spatial_lalm.audio.scene import CLASSES, Ambience, Scene, SourceEvent
from spatial_lalm.audio.telling import absence
from spatial_lalm.audio.wording import NAMES
from spatial_lalm.simulation.library import GeneratedSound, SourceLibrary
from spatial_lalm.simulation.questions import (
    REGISTRY,
    QuestionAnswer,
    Shares,
    ask_about,
    ask_many,
    check,
    fitting_kinds,
)
from spatial_lalm.simulation.questions.absent import SOURCES, absent
from spatial_lalm.simulation.questions.view import View

Make = Callable[..., SourceEvent]
Build = Callable[..., Scene]
BUILTIN = SourceLibrary.builtin(espeak=False)
KINDS = ("absent_sound", "absent_pair", "is_there", "absent")


def _named(qa: QuestionAnswer) -> str:
    """The class that a question of yes or no names."""
    return next(label for label, (bare, *_) in reversed(NAMES.items()) if bare in qa.question.lower())


@pytest.mark.parametrize("kind", KINDS)
def test_only_classes_of_the_library_are_asked_about(scenes: list[Scene], kind: str) -> None:
    """Of all classes, what the library lacks would always be absent."""
    seen: Counter[str | None] = Counter()
    for number, scene in enumerate(scenes[:80]):
        known = tuple(event for event in scene.events if event.label in BUILTIN.labels)
        rng = np.random.default_rng(number)
        own = replace(scene, events=known, snr_db=60.0)
        found = ask_many(own, rng, 4, kinds=[kind], shares=Shares(BUILTIN.shares()))
        assert not found.disagreed
        seen.update(qa.label or _named(qa) for qa in found.kept)
    assert set(seen) <= BUILTIN.labels
    assert len(seen) >= 4


def test_shares_are_those_of_the_draws() -> None:
    shares = SourceLibrary.mixed(BUILTIN, SourceLibrary.builtin(espeak=False), 0.2).shares()
    assert shares == pytest.approx(dict.fromkeys(BUILTIN.labels, 1 / len(BUILTIN.labels)))
    talk = SourceLibrary.of([GeneratedSound("speech"), GeneratedSound("rain"), GeneratedSound("tone")], 0.4).shares()
    assert talk == pytest.approx({"speech": 0.4, "rain": 0.3, "tone": 0.3})


@pytest.mark.parametrize("conversation", [0.0, 0.15])
def test_common_classes_are_asked_about_as_often_where_they_are_absent(conversation: float) -> None:
    """Drawn evenly, speech would be the answer that is there."""
    labels = ("speech", "rain", "dog_bark", "music", "tone")
    share = np.array([0.25, 0.3, 0.15, 0.15, 0.15])
    rng = np.random.default_rng(1)
    there, missing = dict.fromkeys(labels, 0.0), dict.fromkeys(labels, 0.0)
    for _ in range(3000):
        count = 1 + int(rng.choice(len(SOURCES), p=SOURCES))
        heard = {"speech"} if rng.random() < conversation else set(rng.choice(labels, count, p=share).tolist())
        weights = absent(heard, Shares(dict(zip(labels, share.tolist(), strict=True)), conversation))
        assert heard.isdisjoint(weights)
        for label in heard:
            there[label] += 1 / len(heard) / 3000
        for label, weight in weights.items():
            missing[label] += weight / sum(weights.values()) / 3000
    for label in labels:
        assert missing[label] == pytest.approx(there[label], abs=0.03)


def test_without_shares_every_class_is_as_likely() -> None:
    assert absent({"tone"}) == dict.fromkeys((label for label in CLASSES if label not in ("tone", "chirp")), 1.0)
    assert absent({"tone"}, Shares({"tone": 0.5, "violin": 0.5})) == {}


def test_declined_questions_are_worded_like_those_of_their_scene(event: Make, scene_of: Build) -> None:
    """Two dogs and no mover: ordinals as in what can be answered, and no question about its way."""
    dogs = scene_of(event("dog_bark", 1.0, 2.0, (90, 0, 2.0)), event("dog_bark", 4.0, 5.0, (-90, 0, 2.0)))
    kind = REGISTRY["absent_sound"]
    rng = np.random.default_rng(0)
    view = View(dogs)
    asked = [kind.make(view, rng, "train") for _ in range(60)]
    assert all(check(dogs, qa) and qa.answer == absence(str(qa.label)) for qa in asked)
    texts = " ".join(qa.question.lower() for qa in asked)
    assert "first" in texts
    assert "second" in texts
    assert not any(word in texts for word in ("moving", "which way"))


def test_what_the_background_may_be_is_not_denied(event: Make, scene_of: Build) -> None:
    heard = replace(scene_of(event("rain", 1.0, 3.0, (90, 0, 2.0))), snr_db=15.0)
    faint = replace(heard, snr_db=40.0)
    assert {"noise", "modulated_noise"}.isdisjoint(View(heard).absent)
    assert {"noise", "modulated_noise"} <= set(View(faint).absent)
    silent = replace(faint, events=(), acoustics=None)
    assert "noise" not in View(silent).absent
    denied = next(
        qa
        for seed in range(400)
        if (qa := ask_about(faint, np.random.default_rng(seed), kinds=["absent_sound"])).label == "noise"
    )
    assert check(faint, denied)
    assert not check(heard, denied)
    labels = {ask_about(heard, np.random.default_rng(seed), kinds=["absent"]).label for seed in range(150)}
    assert labels.isdisjoint({"noise", "modulated_noise"})


def test_a_noise_is_not_asked_about_where_another_comes_from_one_place(event: Make, scene_of: Build) -> None:
    hiss = scene_of(event("noise", 1.0, 3.0, (90, 0, 2.0)))
    assert "octant" in fitting_kinds(hiss, family="all")
    assert "octant" not in fitting_kinds(replace(hiss, background=Ambience("directional")), family="all")


def test_noise_from_one_place_leaves_questions_about_the_rest(scenes: list[Scene]) -> None:
    asked = 0
    for number, scene in enumerate(scenes[:40]):
        placed = replace(scene, background=Ambience("directional"))
        found = ask_many(placed, np.random.default_rng(number), 12, shares=Shares(BUILTIN.shares()))
        assert not found.disagreed
        asked += len(found.kept)
    assert asked > 200
