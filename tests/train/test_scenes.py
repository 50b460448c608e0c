"""Which scenes a stage learns from: kinds by their shares, lengths in turn, every kind once for validation."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from spatial_lalm.train.config import SceneData
from spatial_lalm.train.scenes import KINDS, scene_recipes

MIXED = SceneData(lively_share=0.35, array_share=0.15)


def test_still_scenes_of_every_length_where_nothing_else_is_asked_for() -> None:
    recipes = scene_recipes(SceneData(duration_s=(4.0, 6.0)), True)
    assert [recipe.duration_s for recipe in recipes] == [4.0, 6.0]
    assert {recipe.receiver for recipe in recipes} == {"foa"}
    assert not any(recipe.sources.moving_share for recipe in recipes)


def test_kinds_come_by_their_shares_and_mixed() -> None:
    recipes = scene_recipes(MIXED, True, order=2)
    kinds = Counter((recipe.receiver, recipe.sources.moving_share > 0) for recipe in recipes)
    assert kinds == {("random", False): 3, ("hoa2", True): 7, ("hoa2", False): 10}
    assert len(recipes) == KINDS
    assert len(set(recipes[:4])) == 3


def test_validation_has_each_kind_once_and_sounds_as_they_are() -> None:
    recipes = scene_recipes(MIXED, False, order=2)
    assert sorted(recipe.receiver for recipe in recipes) == ["hoa2", "hoa2", "random"]
    assert all(recipe.sources.varispeed == recipe.sources.colour_db == 0 for recipe in recipes)
    training = scene_recipes(MIXED, True, order=2)
    assert {replace(r, sources=replace(r.sources, varispeed=0.0, colour_db=0.0)) for r in training} == set(recipes)
