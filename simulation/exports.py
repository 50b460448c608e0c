"""Scenes that were simulated before, in another layout: what comes out is what simulating into that layout gives."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from spatial_lalm.errors import InputError
from spatial_lalm.simulation.dataset import (
    MANIFEST,
    Made,
    Progress,
    Run,
    read_object,
    write_dataset,
)
from spatial_lalm.simulation.dialects import FOLDS
from spatial_lalm.simulation.scene_tasks import scene_seed
from spatial_lalm.simulation.shards import STRETCH_S, ShardReader, scenes_per_shard
from spatial_lalm.simulation.takes import BLOCK, Samples, Take
from spatial_lalm.simulation.writer import described_scene, finished_scene, scene_paths

OWN_SETTINGS = ("layout", "shard_scenes", "split")
"""Settings that belong to a layout and not to the scenes."""


@dataclass(frozen=True)
class RecordedFiles:
    """A folder of layout ``files`` as a source of scenes."""

    folder: Path
    run_seed: int

    def seed(self, number: int) -> int:
        """The seed of a scene."""
        return scene_seed(self.run_seed, number)

    @cached_property
    def classes(self) -> Sequence[str]:
        """The class list of the scenes."""
        first = json.loads((self.folder / scene_paths("scene_000000")[2]).read_bytes())
        return tuple(first["classes"])

    def take(self, number: int, folder: Path) -> Take:
        """A scene as it was written; ``InputError`` where its files are not those that were written."""
        audio_path, _, scene_path = scene_paths(f"scene_{number:06d}")
        found = finished_scene(self.folder, scene_path, self.seed(number))
        if found is None:
            raise InputError(f"{self.folder / scene_path}: damaged; the command that made the folder mends it")
        blocks = _wav_blocks(self.folder / audio_path)
        return Take.record(blocks, described_scene(found[1]), folder, found[1]["gain_db"], lambda _: _extra(found[1]))


def _extra(description: dict[str, Any]) -> dict[str, Any]:
    """What the JSON of a scene tells beside its labels."""
    return {name: description[name] for name in ("questions", "not_kept") if name in description}


def _wav_blocks(path: Path) -> Iterator[Samples]:
    import soundfile

    with soundfile.SoundFile(path) as wav:
        for block in wav.blocks(BLOCK, dtype="float32", always_2d=True):
            yield np.ascontiguousarray(block.T)


@dataclass(frozen=True)
class RecordedShards:
    """A folder of layout ``hdf5`` as a source of scenes."""

    folder: Path
    run_seed: int

    def seed(self, number: int) -> int:
        """The seed of a scene."""
        return scene_seed(self.run_seed, number)

    @cached_property
    def _reader(self) -> ShardReader:
        return ShardReader(self.folder)

    @property
    def classes(self) -> Sequence[str]:
        """The class list of the scenes."""
        return self._reader.classes

    def take(self, number: int, folder: Path) -> Take:
        """A scene as it was written."""
        reader, step = self._reader, STRETCH_S * self._reader.rate
        description = reader.description(number)
        blocks = (reader.audio(number, start, start + step) for start in range(0, reader.samples(number), step))
        return Take.record(
            blocks, described_scene(description), folder, description["gain_db"], lambda _: _extra(description)
        )


RECORDED: dict[str, type[RecordedFiles | RecordedShards]] = {"files": RecordedFiles, "hdf5": RecordedShards}


def export(
    folder: str | Path,
    out: str | Path,
    layout: str,
    split: str = "train",
    shard_scenes: int | None = None,
    workers: int = 1,
    progress: Progress = lambda done, total: None,
    ray: str | None = None,
) -> Made:
    """Write the scenes of a finished folder into another folder, in another layout.

    Args:
        folder: A folder of layout ``files`` or ``hdf5`` that has its manifest.
        out: A new or empty folder, or one of an earlier export of the same scenes, which is gone on with.
        layout: One of ``dataset.LAYOUTS``.
        split: ``train`` or ``test``: where a benchmark's layout puts the scenes.
        shard_scenes: Scenes a shard of layout ``hdf5``; as in ``make_scenes`` if not given.
        workers: Processes.
        progress: Told how many scenes of how many are there.
        ray: Address of a Ray cluster, as in ``make_scenes``.

    Raises:
        InputError: ``folder`` is unfinished, damaged or of another kind, or ``out`` holds other things.
        OSError: a file cannot be written.
    """
    folder = Path(folder).absolute()
    manifest = read_object(folder / MANIFEST) if folder.is_dir() else None
    settings = (manifest or {}).get("settings", {})
    if manifest is None or settings.get("layout") not in RECORDED:
        raise InputError(f"{folder}: no finished folder of scenes in layout files or hdf5; simulate or finish it first")
    if split not in FOLDS:
        raise InputError(f"split {split!r}: choose {' or '.join(FOLDS)}")
    if layout == "hdf5":
        shard_scenes = shard_scenes or scenes_per_shard(manifest["audio_s"] / max(manifest["scenes"], 1))
    source = RECORDED[settings["layout"]](folder, settings["seed"])
    scenes = {key: value for key, value in settings.items() if key not in OWN_SETTINGS}
    run = Run(workers, ray, progress)
    return write_dataset(Path(out), scenes, source, manifest["scenes"], layout, shard_scenes, run, split)
