"""Training data of the encoder: scenes rendered once, kept as features, rotated and degraded anew for every batch.

Features (16 kHz in, 50 Hz out) are kept on disk as float16 in a memory map: 280 kB for four seconds. A killed rendering
goes on where it stopped: the file of a part is sealed (renamed) only when the part is whole and on the disk.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.arrays import MicrophoneArray
from spatial_lalm.audio.conventions import channel_count, unit_vector
from spatial_lalm.audio.encoding import BANDS, encode
from spatial_lalm.audio.scene import CLASSES, FRAME_S, Scene
from spatial_lalm.sealing import sync
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.recipe import SceneRecipe
from spatial_lalm.simulation.sampling import render_scene
from spatial_lalm.train.spoiling import spoiled

Arrays = dict[str, NDArray[Any]]
Samples = NDArray[np.float32]
Maker = Callable[[SceneRecipe, SourceLibrary, list[int]], Arrays]

TRACKS = 3


def room_targets(scene: Scene) -> NDArray[np.float32]:
    """``(10,)``: ln T60, six octave bands' ln T60, DRR / 10 dB, C50 / 10 dB, ln volume; NaN where unknown."""
    acoustics = scene.acoustics
    if acoustics is None:
        return np.full(10, np.nan, np.float32)
    times = np.log([acoustics.t60_s, *acoustics.t60_bands_s])
    volume = np.nan if scene.room.outdoors else np.log(scene.room.volume_m3)
    return np.array([*times, acoustics.drr_db / 10, acoustics.c50_db / 10, volume], np.float32)


def scene_targets(scene: Scene, frames: int) -> Arrays:
    """Targets of one scene of ``frames`` 100 ms frames: TRACKS slots, the first ones filled in order of onset.

    ``active (K, frames)``, ``direction (K, frames, 3)`` unit vectors, ``log_distance (K, frames)``, ``label (K,)`` (-1:
    empty slot), ``room (10,)``. A direction before and after its sound is the nearest that it had.
    """
    targets: Arrays = {
        "active": np.zeros((TRACKS, frames), np.bool_),
        "direction": np.zeros((TRACKS, frames, 3), np.float32),
        "log_distance": np.zeros((TRACKS, frames), np.float32),
        "label": np.full(TRACKS, -1, np.int64),
        "room": room_targets(scene),
    }
    for slot, event in enumerate(scene.events[:TRACKS]):
        first = round(event.onset_s / FRAME_S)
        active = np.array(event.active)[: max(0, frames - first)]
        targets["active"][slot, first : first + len(active)] = active
        way = np.array(event.trajectory)
        azimuth, elevation, distance = way[np.clip(np.arange(frames) - first, 0, len(way) - 1)].T
        targets["direction"][slot] = unit_vector(azimuth, elevation)
        targets["log_distance"][slot] = np.log(distance)
        targets["label"][slot] = CLASSES.index(event.label)
    return targets


def ambisonics(samples: Samples, scene: Scene) -> tuple[Samples, Samples]:
    """A scene as its receiver's ambisonics ``(C, T)``, raw capsules encoded, and the quality ``(C, bands)``.

    Arrays of nine capsules or more are encoded to second order, others to the first.
    """
    if scene.array is None:
        return samples, np.ones((len(samples), BANDS), np.float32)
    array = MicrophoneArray.from_dict(scene.array)
    return encode(samples, array, 2 if array.microphones >= channel_count(2) else 1, levelled=True)


def render_part(
    recipe: SceneRecipe, library: SourceLibrary, seeds: list[int], order: int = 1, spoiled_share: float = 0.0
) -> Arrays:
    """Features of an ambisonic order, quality and targets of scenes by their seeds, stacked.

    Of ``spoiled_share`` the recorder clips or codes the sound.
    """
    import torch

    from spatial_lalm.audio.features import spatial_features

    torch.set_num_threads(1)
    frames = round(recipe.duration_s / FRAME_S)
    rows: list[Arrays] = []
    graphs: list[str] = []
    for seed in seeds:
        samples, scene = render_scene(recipe, library, seed)
        graphs.append(json.dumps(scene.to_json()))
        field, quality = ambisonics(spoiled(samples, recipe.rate, seed, spoiled_share), scene)
        trust = np.zeros((channel_count(order), BANDS), np.float16)
        trust[: len(quality)] = quality[: len(trust)]
        features = spatial_features(torch.from_numpy(field[None, : len(trust)]), order)[0].half().numpy()
        rows.append({"features": features, "quality": trust, "seed": np.array(seed), **scene_targets(scene, frames)})
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]} | {"scene": np.array(graphs)}


def _render_and_seal(make: Maker, recipe: SceneRecipe, library: SourceLibrary, seeds: list[int], path: Path) -> None:
    arrays = make(recipe, library, seeds)
    folder = path.with_suffix(".part")
    folder.mkdir(exist_ok=True)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
        sync(folder / f"{name}.npy")
    sync(folder)
    os.replace(folder, path)
    sync(path.parent)


def render_features(
    recipes: Sequence[SceneRecipe],
    library: SourceLibrary,
    scenes: int,
    seed: int,
    folder: Path,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
    make: Maker = render_part,
    part: int = 500,
) -> None:
    """Render ``scenes`` scenes into sealed parts of ``part`` in ``folder``; parts that are there already are kept.

    Scene i has seed ``seed * 10_000_000 + i``, whatever the number of workers. Parts take the recipes in turn; ``make``
    turns the seeds of a part into its arrays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.json").write_text(
        json.dumps({"recipes": [asdict(r) for r in recipes], "seed": seed, "scenes": scenes})
    )
    library.preload(recipes[0].rate)
    parts = [(start, min(start + part, scenes)) for start in range(0, scenes, part)]
    missing = [(a, b) for a, b in parts if not _part(folder, a).exists()]
    with ProcessPoolExecutor(workers, get_context("fork"), _leave_interrupts_to_the_parent) as pool:
        jobs = [
            pool.submit(
                _render_and_seal,
                make,
                recipes[a // part % len(recipes)],
                library,
                [seed * 10_000_000 + i for i in range(a, b)],
                _part(folder, a),
            )
            for a, b in missing
        ]
        try:
            for done, job in enumerate(jobs, start=len(parts) - len(jobs) + 1):
                job.result()
                if progress:
                    progress(min(done * part, scenes), scenes)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _leave_interrupts_to_the_parent() -> None:
    """Ctrl-C reaches the whole process group; a worker would only add its traceback."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _part(folder: Path, start: int) -> Path:
    return folder / f"part_{start:07d}"


@dataclass
class FeatureSet:
    """Rendered features and targets; features stay on disk until a batch asks for them."""

    parts: list[Arrays]

    @classmethod
    def open(cls, folder: Path) -> FeatureSet:
        """Map every sealed part of a folder."""
        paths = sorted(path for path in folder.glob("part_*") if path.suffix != ".part")
        return cls([{f.stem: np.load(f, mmap_mode="r") for f in path.glob("*.npy")} for path in paths])

    def __len__(self) -> int:
        return sum(len(part["label"]) for part in self.parts)

    def scenes(self) -> Iterator[Scene]:
        """The scene graphs, in order."""
        return (Scene.from_json(json.loads(str(text))) for part in self.parts for text in part["scene"])

    def same_length(self, rng: np.random.Generator, size: int) -> tuple[NDArray[np.float16], list[Scene]]:
        """Features ``(size, 11, T, F)`` and graphs of scenes of one length, drawn with every part alike.

        A part of fewer than ``size`` scenes is taken whole.
        """
        part = self.parts[int(rng.integers(len(self.parts)))]
        rows = np.sort(rng.choice(len(part["label"]), min(size, len(part["label"])), replace=False))
        return part["features"][rows], [Scene.from_json(json.loads(str(text))) for text in part["scene"][rows]]

    def batch(self, indices: NDArray[np.int64]) -> Arrays:
        """Arrays of the scenes at ``indices (B,)``, stacked along a new first axis."""
        size = len(self.parts[0]["label"])  # of every part but the last
        rows = [(self.parts[i // size], i % size) for i in indices]
        return {name: np.stack([part[name][row] for part, row in rows]) for name in self.parts[0]}
