"""Every answer of every kind is true by a second derivation, and an altered one is found out."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from spatial_lalm.audio.scene import Scene
from spatial_lalm.audio.wording import Spatial
from spatial_lalm.simulation.questions import FAMILIES, KINDS, REGISTRY, QuestionAnswer, check
from spatial_lalm.simulation.questions.view import View

SPATIALS: tuple[Spatial, ...] = ("full", "full", "full", "planar", "lateral", "none")
MORE = tuple(name for name in REGISTRY if name not in KINDS)
SWAPS = (
    ("left", "right"),
    ("front", "back"),
    ("in front of", "behind"),
    ("above", "below"),
    ("upwards", "downwards"),
    ("towards", "away from"),
    ("indoors", "outdoors"),
    ("Yes", "No"),
    ("once", "twice"),
    ("dry", "very reverberant"),
    ("moderately reverberant", "dry"),
    ("reverberant", "dry"),
    ("small", "large"),
    ("medium-sized", "small"),
    ("large", "small"),
    ("nothing", "a rooster"),
    ("moves", "stays in place"),
    ("stays in place", "moves"),
    ("Speaker A", "Speaker B"),
    ("Speaker B", "Speaker A"),
    ("first quarter", "last quarter"),
    ("cannot", "can"),
    ("no", "some"),
)


@pytest.fixture(scope="module")
def asked(scenes: list[Scene]) -> list[tuple[Scene, QuestionAnswer]]:
    found = []
    for number, scene in enumerate(scenes):
        rng = np.random.default_rng(number)
        view = View(scene, SPATIALS[number % len(SPATIALS)])
        for name in MORE:
            if REGISTRY[name].fits(view):
                found.append((scene, REGISTRY[name].make(view, rng, "held_out" if number % 3 else "train")))
    return found


def test_every_answer_of_every_kind_is_true(asked: list[tuple[Scene, QuestionAnswer]]) -> None:
    for scene, qa in asked:
        assert check(scene, qa), (qa, scene.events)
    assert {qa.kind for _, qa in asked} == set(MORE)
    assert all(qa.family in FAMILIES and qa.kind in FAMILIES[qa.family] for _, qa in asked)


def altered(answer: str) -> Iterator[str]:
    """The answer with one number or one telling word changed, or with something added or left out."""
    for found in re.finditer(r"\d+(\.\d+)?", answer):
        digits = found[0][:-1] + str((int(found[0][-1]) + 3) % 10)
        if not answer[: found.start()].endswith(("D", "C", "T")):
            yield answer[: found.start()] + digits + answer[found.end() :]
    for old, new in itertools.chain(SWAPS, (pair[::-1] for pair in SWAPS[:9])):
        if re.search(rf"\b{old}\b", answer):
            yield re.sub(rf"\b{old}\b", new, answer, count=1)
    yield answer + " Perhaps."
    yield answer[:-1] + " not."


def test_an_altered_answer_is_found_out(asked: list[tuple[Scene, QuestionAnswer]]) -> None:
    tried: Counter[str] = Counter()
    for scene, qa in asked:
        for text in altered(qa.answer):
            assert not check(scene, replace(qa, answer=text)), (qa, text)
            tried[qa.kind] += 1
    assert min(tried[kind] for kind in MORE) >= 2


def test_another_sound_in_the_answer_is_found_out(asked: list[tuple[Scene, QuestionAnswer]]) -> None:
    names = ("dog bark", "rooster", "speech", "rain", "chirp")
    tried: Counter[str] = Counter()
    for scene, qa in asked:
        for old, new in itertools.permutations(names, 2):
            if re.search(rf"\b{old}\b", qa.answer) and not qa.options:
                assert not check(scene, replace(qa, answer=qa.answer.replace(old, new, 1))), (qa, new)
                tried[qa.kind] += 1
    assert len(tried) > 30


def test_everything_else_is_judged_too(asked: list[tuple[Scene, QuestionAnswer]]) -> None:
    for scene, qa in asked:
        other = next(index for index in range(len(scene.events) + 1) if index not in qa.evidence)
        assert not check(scene, replace(qa, declined=not qa.declined))
        assert not check(scene, replace(qa, evidence=(*qa.evidence, other)))
        assert not check(scene, replace(qa, question="What colour is the wall?"))
        assert not check(scene, replace(qa, family="basic"))
        assert not check(scene, replace(qa, kind="nonsense"))
        if qa.evidence:
            assert not check(scene, replace(qa, evidence=qa.evidence[1:]))


def test_another_letter_or_option_is_found_out(asked: list[tuple[Scene, QuestionAnswer]]) -> None:
    choices = [(scene, qa) for scene, qa in asked if qa.options]
    for scene, qa in choices:
        for letter, text in zip("ABCD", qa.options, strict=True):
            if letter != qa.answer_letter:
                assert not check(scene, replace(qa, answer_letter=letter))
                assert not check(scene, replace(qa, answer_letter=letter, answer=f"{letter}: {text}"))
        doubled = tuple(qa.options[0] for _ in qa.options)
        question = qa.question.partition(" (A) ")[0] + "".join(f" ({c}) {doubled[0]}" for c in "ABCD")
        answer = f"{qa.answer_letter}: {doubled[0]}"
        assert not check(scene, replace(qa, options=doubled, question=question, answer=answer))
    assert len({qa.kind for _, qa in choices}) == len(FAMILIES["choice"])


def test_the_scene_decides_not_the_answer(asked: list[tuple[Scene, QuestionAnswer]]) -> None:
    """Answers about one scene are mostly false of the scene mirrored in time and place."""
    kinds = ("octant", "azimuth", "onset", "left_or_right", "which_first", "next", "turns", "relation", "which_side")
    wrong = right = 0
    for scene, qa in asked:
        if qa.kind in kinds:
            events = tuple(
                replace(
                    event,
                    onset_s=scene.duration_s - event.offset_s + 0.04,
                    offset_s=scene.duration_s - event.onset_s + 0.04,
                    trajectory=tuple((-azimuth, -elevation, far) for azimuth, elevation, far in event.trajectory),
                )
                for event in scene.events
            )
            true = check(replace(scene, events=events), qa)
            wrong, right = wrong + (not true), right + true
    assert wrong > 200
    assert right < 0.25 * wrong
