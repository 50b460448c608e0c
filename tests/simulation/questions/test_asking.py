"""Choosing kinds and families, and many questions at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spatial_lalm.audio.scene import Scene
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.questions import FAMILIES, KINDS, REGISTRY, ask_about, ask_many, check, fitting_kinds
from spatial_lalm.simulation.questions.kind import DraftedKind


def test_families_hold_every_kind_once(scenes: list[Scene]) -> None:
    names = [name for kinds in FAMILIES.values() for name in kinds]
    assert sorted(names) == sorted(REGISTRY)
    assert FAMILIES["basic"] == KINDS
    assert {ask_about(scene, np.random.default_rng(0)).kind for scene in scenes} <= set(KINDS)
    for family in FAMILIES:
        scene = next(scene for scene in scenes if fitting_kinds(scene, family=family))
        assert ask_about(scene, np.random.default_rng(0), family=family).family == family


def test_kinds_win_over_families_and_several_families_are_drawn_from(scenes: list[Scene]) -> None:
    scene = next(scene for scene in scenes if {"onset", "octant"} <= set(fitting_kinds(scene, family="all")))
    rng = np.random.default_rng(0)
    assert ask_about(scene, rng, kinds=["onset"], family="room").kind == "onset"
    drawn = {ask_about(scene, rng, family=("time", "place")).family for _ in range(60)}
    assert drawn == {"time", "place"}
    drawn = {ask_about(scene, rng, kinds=["onset", "where"]).kind for _ in range(60)}
    assert drawn == {"onset", "where"}


def test_many_questions_are_different_true_and_made_again_from_the_same_seed(scenes: list[Scene]) -> None:
    for number, scene in enumerate(scenes[:30]):
        found, again = (ask_many(scene, np.random.default_rng(number), 20) for _ in range(2))
        assert found == again
        assert len({qa.question for qa in found.kept}) == len(found.kept) == 20
        assert all(check(scene, qa) for qa in found.kept)
        assert found.disagreed == found.thinned == 0
        kinds = [qa.kind for qa in found.kept]
        assert len(set(kinds)) > 15  # in turn, none again before all others


def test_answers_that_disagree_with_their_check_are_dropped_and_counted(
    scenes: list[Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = REGISTRY["onset"]
    assert isinstance(kind, DraftedKind)

    def wrong(view):  # type: ignore[no-untyped-def]
        return [replace(draft, answer=draft.answer.replace(" at ", " at 1")) for draft in kind.drafts(view)]

    monkeypatch.setitem(REGISTRY, "onset", replace(kind, drafts=wrong))
    scene = next(scene for scene in scenes if "onset" in fitting_kinds(scene, family="time"))
    found = ask_many(scene, np.random.default_rng(0), 3, kinds=["onset", "count_classes"])
    assert {qa.kind for qa in found.kept} == {"count_classes"}
    assert found.disagreed > 0


def test_an_empty_scene_gives_few_questions_and_no_error(scenes: list[Scene]) -> None:
    empty = replace(scenes[0], events=(), acoustics=None)
    found = ask_many(empty, np.random.default_rng(0), 30)
    assert found.disagreed == 0
    assert all(check(empty, qa) for qa in found.kept)
    assert ask_many(empty, np.random.default_rng(0), 5, kinds=["onset"]).kept == ()


def test_impossible_wishes_are_refused(scenes: list[Scene]) -> None:
    scene, rng = replace(scenes[0], events=()), np.random.default_rng(0)
    with pytest.raises(InputError, match="question family 'colours' is unknown: choose from all, basic"):
        ask_about(scene, rng, family="colours")
    with pytest.raises(InputError, match="question kind 'colour' is unknown"):
        ask_many(scene, rng, 3, kinds=["colour"])
    with pytest.raises(InputError, match="no question of kind onset, offset fits"):
        ask_about(scene, rng, kinds=["onset", "offset"])
    with pytest.raises(InputError, match="spatial 'stereo' is unknown"):
        ask_many(scene, rng, 3, spatial="stereo")  # type: ignore[arg-type]
