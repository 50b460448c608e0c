"""The recipe: seeds that meet no others, settings that can be kept, mistakes told in a line."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from spatial_lalm.errors import InputError
from spatial_lalm.simulation.bench.recipe import FIRST_SEED, MOST_SCENES, SPLITS, load_bench
from spatial_lalm.simulation.impossible import refuse_impossible
from spatial_lalm.simulation.scene_tasks import scene_seed
from spatial_lalm.train.config import SceneData

MOST_RUN_SEED = 900_000_000
"""Training run seeds up to here are promised to be apart."""


def test_seeds_are_all_different() -> None:
    bench = load_bench()
    numbers = (0, 1, 2, MOST_SCENES - 1)
    places = list(itertools.product(SPLITS, bench.subsets, numbers))
    seeds = [bench.scene_seed(split, name, number) for split, name, number in places]
    other = replace(bench, seed=bench.seed + 1)
    seeds += [other.scene_seed(split, name, number) for split, name, number in places]
    assert len(set(seeds)) == 2 * len(places)


def test_seeds_are_apart_from_those_of_training_and_of_simulated_runs() -> None:
    bench = replace(load_bench(), seed=0)
    least = min(bench.scene_seed(split, name, 0) for split, name in itertools.product(SPLITS, bench.subsets))
    assert least >= FIRST_SEED
    assert MOST_RUN_SEED * 10_000_000 + 9_999_999 < FIRST_SEED  # scene i of training has seed * 10_000_000 + i
    assert SceneData().seed + 1 < MOST_RUN_SEED
    assert FIRST_SEED > (2**64 - 1) >> 11  # what scene_seed keeps of 64 bits
    assert max(scene_seed(seed, number) for seed in range(20) for number in range(20)) < FIRST_SEED


def test_readers_of_json_keep_seeds_whole() -> None:
    bench = replace(load_bench(), seed=9_999_999)
    seeds = [bench.scene_seed("test", name, MOST_SCENES - 1) for name in bench.subsets]
    assert all(int(float(seed)) == seed < 2**54 for seed in seeds)


def test_the_shipped_recipe_can_be_kept() -> None:
    for subset in load_bench().subsets.values():
        for number in range(len(subset.lengths_s) or 1):
            refuse_impossible(subset.scene_recipe(number, "foa"))


def test_long_scenes_have_as_many_sounds_whatever_their_length() -> None:
    long = load_bench().of_size("full", (300.0, 1800.0, 14_400.0)).subsets["long"]
    assert long.scenes == (3, 3)
    for number, length_s in enumerate(long.lengths_s):
        recipe = long.scene_recipe(number, "foa")
        counts = recipe.sources.counts
        mean = sum(n * weight for n, weight in enumerate(counts)) / sum(counts)
        assert recipe.duration_s == length_s
        assert mean * length_s / recipe.sources.window_s == pytest.approx(long.sounds, rel=0.05)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version = 1\nseed = 1\n", "needs version, seed"),
        ("seed = 1\n[a]\n", "needs version, seed"),
        ("version = 1\nseed = 1\n[a]\nplace = 3\n[b]\nplace = 3\n", "same place"),
        ("version = 1\nseed = 1\n[a]\nkinds = ['whither']\n", "whither"),
        ("version = 1\nseed = 1\n[a]\n[a.scene]\nlength_s = 3\n", "length_s"),
    ],
)
def test_mistakes_in_a_recipe(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=said) as caught:
        load_bench(path)
    assert str(path) in str(caught.value)
