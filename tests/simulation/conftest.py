"""What several tests of the simulator share: sounds of plain noise, recipes, scenes that are rendered once."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spatial_lalm.audio.scene import Scene
from spatial_lalm.simulation.library import DrySource, SourceLibrary
from spatial_lalm.simulation.recipe import (
    BackgroundRecipe,
    ReceiverRecipe,
    RoomRecipe,
    SceneRecipe,
    SourceRecipe,
    still_scenes,
)
from spatial_lalm.simulation.sampling import render_scene
from spatial_lalm.simulation.source_files import AudioCache

GRAPHS = Path(__file__).parents[2] / "benchmarks" / "scene_graphs.py"
RECIPES = {
    "still": still_scenes(3.0, t60_s=(0.15, 0.6), counts=(0.1, 0.3, 0.3, 0.3)),
    "outdoors": SceneRecipe(
        duration_s=4.0,
        rooms=RoomRecipe(outdoors_share=1.0),
        sources=SourceRecipe(counts=(0, 1.0), conversation_share=0.0, moving_share=0.0, event_s=(2.0, 3.0)),
        background=BackgroundRecipe(snr_db=(60.0, 60.0), directional_share=0.0, unsteady_share=0.0),
        receivers=ReceiverRecipe(turning_share=0.0, carried_share=0.0),
    ),
    "everything": SceneRecipe(
        duration_s=3.0,
        rooms=RoomRecipe(outdoors_share=0.3),
        sources=SourceRecipe(counts=(0, 0, 1.0), moving_share=0.5),
        receivers=ReceiverRecipe(turning_share=0.5, carried_share=0.5),
    ),
}


@dataclass(frozen=True)
class Hiss:
    """White noise of a voice or of nobody, steady or with a pause in its second second."""

    label: str = "noise"
    speaker: str | None = None
    pauses: bool = False

    @property
    def identity(self) -> tuple[str, ...]:
        return (self.label, self.speaker or "")

    def draw(
        self, rng: np.random.Generator, samples: int, rate: int, cache: AudioCache, speaker: str | None = None
    ) -> DrySource:
        noise = rng.normal(0, 0.05, samples).astype(np.float32)
        if self.pauses:
            noise[rate : 2 * rate] *= 1e-4
        return DrySource(self.label, noise, self.speaker, f"of {self.speaker}")


HISS = SourceLibrary.of([Hiss()])


@cache
def _rendered(seed: int, recipe: SceneRecipe, steady: bool) -> tuple[np.ndarray, Scene]:
    samples, labels = render_scene(recipe, HISS if steady else SourceLibrary.builtin(espeak=False), seed)
    samples.setflags(write=False)
    return samples, labels


@pytest.fixture(scope="session")
def scene() -> Callable[..., tuple[np.ndarray, Scene]]:
    """The scene of a seed, of built-in sounds or of steady noise."""

    def rendered(seed: int, recipe: SceneRecipe = RECIPES["still"], steady: bool = False) -> tuple[np.ndarray, Scene]:
        return _rendered(seed, recipe, steady)

    return rendered


@pytest.fixture(scope="session")
def changed() -> Callable[..., SceneRecipe]:
    """A recipe with other values in one of its tables."""

    def change(recipe: SceneRecipe, part: str, **values: Any) -> SceneRecipe:
        tables: dict[str, Any] = {part: replace(getattr(recipe, part), **values)}
        return replace(recipe, **tables)

    return change


@pytest.fixture(scope="session")
def plain() -> Callable[[Scene], str]:
    """Labels as text: NaN is not equal to itself."""
    return lambda labels: json.dumps(labels.to_json())


@pytest.fixture
def recipe(request: pytest.FixtureRequest) -> SceneRecipe:
    """The recipe of a name, for tests of several."""
    return RECIPES[request.param]


@pytest.fixture(scope="session")
def still() -> SceneRecipe:
    """Rooms in which nothing moves."""
    return RECIPES["still"]


@pytest.fixture(scope="session")
def outdoors() -> SceneRecipe:
    """One still sound in open air."""
    return RECIPES["outdoors"]


@pytest.fixture(scope="session")
def everything() -> SceneRecipe:
    """Rooms and open air in which things move and receivers turn."""
    return RECIPES["everything"]


@pytest.fixture(scope="session")
def hiss() -> SourceLibrary:
    """Steady noise."""
    return HISS


@pytest.fixture(scope="session")
def bursts() -> SourceLibrary:
    """Noise that sounds, pauses and sounds again, a second each."""
    return SourceLibrary.of([Hiss(pauses=True)])


@pytest.fixture(scope="session")
def voices() -> SourceLibrary:
    """Six talkers of steady noise."""
    return SourceLibrary.of([Hiss("speech", name) for name in ("ann", "ben", "cay", "dan", "eve", "fay")])


@pytest.fixture(scope="session")
def scenes() -> list[Scene]:
    """Two hundred random scenes: movers, talkers in turns, outdoors."""
    spec = importlib.util.spec_from_file_location("scene_graphs", GRAPHS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [module.random_scene(np.random.default_rng(number)) for number in range(200)]
