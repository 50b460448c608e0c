"""The recipe of spatial-bench: which scenes, through which receivers, and which questions about them.

It is ``bench.toml``. Seeds of its scenes have a range of their own, so that no scene is one of training, of another
split or of another subset.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from spatial_lalm.errors import InputError
from spatial_lalm.settings import build, check, read_toml, refuse_unknown, setting
from spatial_lalm.simulation.questions import FAMILIES, REGISTRY
from spatial_lalm.simulation.recipe import MOST_SOURCES, SceneRecipe
from spatial_lalm.simulation.timeline import windows

BenchSplit = Literal["dev", "test"]
Size = Literal["full", "check"]
SPLITS: tuple[BenchSplit, ...] = get_args(BenchSplit)
RECIPE = Path(__file__).with_name("bench.toml")
FIRST_SEED = 2**53
"""Where the seeds begin: ``scene_seed`` stays below, and training for run seeds below 900 million.

Only even ones are used: up to 2**54 any reader of JSON keeps those whole.
"""
MOST_SCENES, MOST_SUBSETS = 1_000_000, 100
LONGEST_S = 4 * 3600.0


@dataclass(frozen=True)
class Subset:
    """Scenes of one kind and the questions about them."""

    place: int = setting(0, "place among the seeds of subsets", least=0, most=MOST_SUBSETS - 1)
    scenes: tuple[int, int] = setting((1, 1), "scenes in dev and in test", least=1, most=MOST_SCENES)
    check_scenes: int = setting(2, "scenes of the small size that checksums are kept of", least=1)
    questions: int = setting(4, "questions about a scene, where it has so many", least=1)
    families: tuple[str, ...] = setting((), "families of kinds of questions")
    kinds: tuple[str, ...] = setting((), "kinds of questions beside those of the families")
    beside_families: tuple[str, ...] = setting((), "families that as many questions more are asked of")
    beside_kinds: tuple[str, ...] = setting((), "and kinds")
    scarce_kinds: tuple[str, ...] = setting((), "kinds that few scenes allow: asked beside, wherever one does")
    receivers: tuple[str, ...] = setting(("foa",), "foa, hoa2, hoa3, mono (W alone), arrays, random1, random2, ...")
    together: bool = setting(False, "every scene through every receiver; else they take turns")
    lengths_s: tuple[float, ...] = setting((), "lengths of scenes in turn", unit="s", least=1, most=LONGEST_S)
    check_lengths_s: tuple[float, ...] = setting((), "the same for the small size", unit="s", least=1, most=LONGEST_S)
    sounds: float = setting(0.0, "mean number of sounds in a scene, whatever its length; 0: by window", least=0)
    scene: SceneRecipe = field(default_factory=SceneRecipe)

    def __post_init__(self) -> None:
        """Refuse unknown kinds and families; ``InputError`` names the field."""
        check(self)
        for name, known in (
            ("families", FAMILIES),
            ("kinds", REGISTRY),
            ("beside_families", FAMILIES),
            ("beside_kinds", REGISTRY),
            ("scarce_kinds", REGISTRY),
        ):
            refuse_unknown(getattr(self, name), known, name)

    def scene_recipe(self, number: int, receiver: str) -> SceneRecipe:
        """The recipe of a scene through a receiver of the simulator."""
        recipe = replace(self.scene, receiver=receiver)
        if self.lengths_s:
            recipe = replace(recipe, duration_s=self.lengths_s[number % len(self.lengths_s)])
        if self.sounds:
            count = len(windows(recipe.duration_s, recipe.sources.window_s))
            recipe = replace(recipe, sources=replace(recipe.sources, counts=_poisson(self.sounds / count)))
        return recipe

    def heard_by(self, number: int) -> tuple[str, ...]:
        """The receivers of a scene."""
        return self.receivers if self.together else (self.receivers[number % len(self.receivers)],)


def _poisson(mean: float) -> tuple[float, ...]:
    """Weights of 0, 1, ... sounds in a window so that there are ``mean``, cut at what a window may hold."""
    return tuple(mean**number / math.factorial(number) for number in range(MOST_SOURCES + 1))


@dataclass(frozen=True)
class Bench:
    """All subsets, by name."""

    version: int
    seed: int
    subsets: Mapping[str, Subset]

    def scene_seed(self, split: BenchSplit, subset: str, number: int) -> int:
        """The seed of a scene: different for every split, subset and number, and apart from all other scenes'."""
        if not 0 <= number < MOST_SCENES:
            raise InputError(f"scene {number}: subsets hold at most {MOST_SCENES} scenes")
        run = self.seed * len(SPLITS) + SPLITS.index(split)
        place = (run * MOST_SUBSETS + self.subsets[subset].place) * MOST_SCENES + number
        return FIRST_SEED + 2 * place

    def of_size(self, size: Size, lengths_s: tuple[float, ...] = ()) -> Bench:
        """The same bench, or its small size; ``lengths_s`` takes the place of the lengths of long scenes."""
        return replace(self, subsets={name: _sized(one, size, lengths_s) for name, one in self.subsets.items()})


def _sized(subset: Subset, size: Size, lengths_s: tuple[float, ...]) -> Subset:
    if size == "check":
        few = (subset.check_scenes, subset.check_scenes)
        subset = replace(subset, scenes=few, lengths_s=subset.check_lengths_s)
    if subset.lengths_s and lengths_s:
        return replace(subset, lengths_s=lengths_s, scenes=(len(lengths_s), len(lengths_s)))
    return subset


@cache
def load_bench(path: Path = RECIPE) -> Bench:
    """The bench of a recipe, the shipped one if none is given; ``InputError`` names file and field."""
    tables = read_toml(path)
    version, seed = tables.pop("version", None), tables.pop("seed", None)
    if not isinstance(version, int) or not isinstance(seed, int) or not 0 <= seed < 10_000_000 or not tables:
        raise InputError(f"{path}: needs version, seed (0 to 9,999,999) and a table for every subset")
    subsets = {name: build(Subset, table, f"{path}: {name}") for name, table in tables.items()}
    if len({one.place for one in subsets.values()}) < len(subsets):
        raise InputError(f"{path}: two subsets have the same place, so their scenes would be the same")
    return Bench(version, seed, subsets)
