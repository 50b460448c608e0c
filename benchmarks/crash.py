"""A simulation is killed at random points: nothing that is there may be broken, and going on gives the same folder."""

from __future__ import annotations

import hashlib
import multiprocessing
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spatial_lalm.simulation.dataset import make_scenes
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.recipe import SceneRecipe

SHARD_SCENES = 2
MOST_TRIES = 5
"""Runs a point at most; a run that is through before it is killed is no point."""


@dataclass(frozen=True)
class Crashes:
    """What came of killing runs of one layout."""

    layout: str
    runs: int
    interrupted: int  # runs that were not through when they were killed
    broken: int  # files under their final name that are not those of an uninterrupted run
    differing: int  # folders that, gone on with, are not that of an uninterrupted run


def sums(folder: Path) -> dict[str, str]:
    """SHA-256 by relative path."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _simulate(folder: Path, layout: str, scenes: int, duration_s: float) -> None:
    library = SourceLibrary.builtin(espeak=False)
    shard_scenes = SHARD_SCENES if layout == "hdf5" else None
    make_scenes(folder, SceneRecipe(duration_s=duration_s), library, scenes, layout=layout, shard_scenes=shard_scenes)


def _killed(folder: Path, layout: str, scenes: int, duration_s: float, after_s: float) -> bool:
    """Simulate in another process, which is killed (as by ``kill -9``) after a time; whether it was not through."""
    context = multiprocessing.get_context("fork")
    process = context.Process(target=_simulate, args=(folder, layout, scenes, duration_s))
    process.start()
    process.join(after_s)
    process.kill()
    process.join()
    return process.exitcode != 0


def crashes(layout: str, points: int = 20, scenes: int = 6, duration_s: float = 1.0, seed: int = 0) -> Crashes:
    """Kill runs of ``scenes`` scenes at ``points`` random times, each in a new folder, and go on with each."""
    rng = np.random.default_rng(seed)
    folder = Path(tempfile.mkdtemp(prefix="crash_"))
    try:
        _simulate(folder / "warm", layout, 1, duration_s)
        began = time.monotonic()
        _simulate(folder / "whole", layout, scenes, duration_s)
        takes_s, whole = time.monotonic() - began, sums(folder / "whole")
        interrupted = broken = differing = tried = 0
        while interrupted < points and tried < MOST_TRIES * points:
            out, tried = folder / str(tried), tried + 1
            after_s = rng.uniform(0, takes_s)
            if _killed(out, layout, scenes, duration_s, after_s):
                interrupted += 1
            else:
                takes_s = after_s
            there = {path: value for path, value in sums(out).items() if not Path(path).name.startswith(".")}
            broken += sum(whole.get(path) != value for path, value in there.items())
            _simulate(out, layout, scenes, duration_s)
            differing += sums(out) != whole
        return Crashes(layout, tried, interrupted, broken, differing)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    for name in ("files", "hdf5"):
        print(crashes(name))
