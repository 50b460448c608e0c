"""A small bench, written once, and scenes made by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from spatial_lalm.audio.scene import Acoustics, Room, Scene, SourceEvent
from spatial_lalm.simulation.bench import Bench, load_bench, write_bench

Place = tuple[float, float, float]
SHORT = {"arrays": ("foa", "tetrahedral", "random1", "random2"), "unanswerable": ("foa", "binaural", "mono")}


@pytest.fixture(scope="session")
def bench() -> Bench:
    """Four subsets of the shipped recipe, with fewer and shorter scenes through fewer receivers."""
    shipped = load_bench()
    small = {}
    for name in ("single", "arrays", "long", "unanswerable"):
        own = shipped.subsets[name]
        scene = replace(own.scene, duration_s=3.0, sources=replace(own.scene.sources, event_s=(0.8, 2.5)))
        few = len(SHORT[name]) if name == "unanswerable" else 1
        small[name] = replace(
            own,
            scene=scene,
            receivers=SHORT.get(name, own.receivers),
            check_scenes=few,
            check_lengths_s=(62.0,) if name == "long" else (),
        )
    return replace(shipped, subsets=small)


@pytest.fixture(scope="session")
def written(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of its split ``dev``."""
    return write_bench(tmp_path_factory.mktemp("bench"), "dev", size="check", bench=bench)


@pytest.fixture(scope="session")
def make() -> Callable[..., SourceEvent]:
    """Make an event: label, onset, offset and one place, or the two ends of a path."""

    def event(label: str, onset_s: float, offset_s: float, *path: Place) -> SourceEvent:
        frames = max(2, round(10 * (offset_s - onset_s)))
        steps = [place / (frames - 1) for place in range(frames)] if len(path) > 1 else [0.0]
        track = tuple(tuple(a + (b - a) * step for a, b in zip(path[0], path[-1], strict=True)) for step in steps)
        return SourceEvent(label, onset_s, offset_s, track, (True,) * frames)  # type: ignore[arg-type]

    return event


@pytest.fixture(scope="session")
def scene_of() -> Callable[..., Scene]:
    """Make a scene of 12 s in a room."""

    def scene(*events: SourceEvent) -> Scene:
        measured = Acoustics(0.5, (0.5,) * 6, 2.0, 10.0)
        return Scene(12.0, 16_000, 1, Room((5.0, 6.0, 3.0), (0.3,) * 6), (1.0, 1.0, 1.0), events, measured, 20.0, 0)

    return scene
