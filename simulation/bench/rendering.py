"""One scene of a subset: rendered through its receivers, written, and told of in a part file that is written last."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from spatial_lalm.audio.arrays import MicrophoneArray
from spatial_lalm.audio.formats import FORMATS
from spatial_lalm.audio.scene import Scene
from spatial_lalm.audio.wording import Spatial
from spatial_lalm.sealing import whole_or_absent
from spatial_lalm.simulation.array_sampling import sample_array
from spatial_lalm.simulation.bench.items import Heard, items_of, pose
from spatial_lalm.simulation.bench.recipe import Bench, BenchSplit
from spatial_lalm.simulation.dataset import read_object
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.receivers import AMBISONICS
from spatial_lalm.simulation.sampling import render_blocks
from spatial_lalm.simulation.scene_tasks import scene_spatial
from spatial_lalm.simulation.shards import FLAC_CHANNELS
from spatial_lalm.simulation.takes import Samples, Take
from spatial_lalm.simulation.writer import atomic_write, describe, file_digest, json_bytes

PARTS = ".parts"
MONO = "mono"
RANDOM = "random"
ARRAY_STREAM = 23
COMPRESSION = 0.5
"""Of FLAC, from 0 to 1: more takes longer and saves little."""


@dataclass(frozen=True)
class Part:
    """What one scene left: lines of ``scenes.jsonl`` and ``items.jsonl``, SHA-256 and bytes of its files by name."""

    number: int
    scenes: list[dict[str, Any]]
    items: list[dict[str, Any]]
    files: dict[str, dict[str, Any]]
    rendered: bool


@dataclass(frozen=True)
class SubsetScenes:
    """Makes scene ``number`` of a subset, unless it lies whole in the folder."""

    folder: Path
    bench: Bench
    split: BenchSplit
    name: str
    library: SourceLibrary

    def make(self, number: int) -> Part:
        """The scene; its part file is written when everything else is there."""
        path = self.folder / PARTS / f"{number:06d}.json"
        found = read_object(path)
        if found is not None and whole(self.folder, found["files"]):
            return Part(number, found["scenes"], found["items"], found["files"], False)
        made = self._rendered(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, json_bytes({"scenes": made.scenes, "items": made.items, "files": made.files}))
        return made

    def _rendered(self, number: int) -> Part:
        subset = self.bench.subsets[self.name]
        seed = self.bench.scene_seed(self.split, self.name, number)
        made = [self._through(receiver, number, seed) for receiver in subset.heard_by(number)]
        first, heard = made[0][1], [one.heard for one, _, _ in made]
        posed = pose(subset, first, self.library, heard)
        items = [item for one in heard for item in items_of(self.name, number, first, posed, one, subset.together)]
        files = {name: told for one, _, _ in made for name, told in one.files.items()}
        scenes = [line for _, _, line in made]
        # As the part file gives it back, so that a run that was interrupted writes the same lines.
        return Part(number, json.loads(json_bytes(scenes)), json.loads(json_bytes(items)), files, True)

    def _through(self, receiver: str, number: int, seed: int) -> tuple[_Recorded, Scene, dict[str, Any]]:
        """Render and write the scene through one receiver."""
        subset = self.bench.subsets[self.name]
        array, files = _array_file(self.folder, receiver, number, seed)
        known = "foa" if receiver == MONO else receiver
        recipe = subset.scene_recipe(number, str(self.folder / array) if array else known)
        labels, blocks = render_blocks(recipe, self.library, seed)
        with Take.record(_w_alone(blocks) if receiver == MONO else blocks, labels, self.folder) as take:
            if receiver == MONO:
                take.scene = replace(take.scene, order=0)
            stem = f"{number:04d}_{receiver}" if len(subset.receivers) > 1 else f"{number:04d}"
            name = f"{stem}.{'flac' if take.channels <= FLAC_CHANNELS else 'wav'}"
            files |= {name: write_audio(self.folder / name, take)}
            heard = _heard(receiver, name, take, array)
            line = {"scene": number, "receiver": receiver, "audio": name} | describe(take, self.library.classes)
            return _Recorded(heard, files), take.scene, line


@dataclass(frozen=True)
class _Recorded:
    heard: Heard
    files: dict[str, dict[str, Any]]


def _w_alone(blocks: Iterator[Samples]) -> Iterator[Samples]:
    """The first channel ``(1, n)``: what one omni microphone hears."""
    return (block[:1] for block in blocks)


def _heard(receiver: str, audio: str, take: Take, array: str | None) -> Heard:
    """How a recording is to be opened, and what it tells of direction."""
    spatial: Spatial = "none" if receiver == MONO else scene_spatial(take.scene)
    if receiver in AMBISONICS:
        return Heard(receiver, audio, take.channels, spatial, format="ambix")
    if receiver in FORMATS:
        return Heard(receiver, audio, take.channels, spatial, format=receiver)
    return Heard(receiver, audio, take.channels, spatial, array=array or receiver)


def _array_file(folder: Path, receiver: str, number: int, seed: int) -> tuple[str | None, dict[str, dict[str, Any]]]:
    """A random array of two dimensions at least, as a JSON file; nothing for receivers that have a name."""
    if not receiver.startswith(RANDOM):
        return None, {}
    rng = np.random.default_rng((seed, ARRAY_STREAM, int(receiver.removeprefix(RANDOM) or 0)))
    array = sample_array(rng)
    while _extents(array) < 2:
        array = sample_array(rng)
    name = f"{number:04d}_{receiver}.json"
    return name, {name: _told(folder / name, atomic_write(folder / name, json_bytes(array.to_dict())))}


def _extents(array: MicrophoneArray) -> int:
    return int(np.linalg.matrix_rank(array.positions, tol=1e-3))


def write_audio(path: Path, take: Take) -> dict[str, Any]:
    """Write a take as FLAC or WAV (RF64 where it is too long), by the ending; 16 bit. SHA-256 and bytes."""
    if path.suffix == ".wav":
        return _told(path, atomic_write(path, take.wav()))
    import soundfile

    with (
        whole_or_absent(path) as temporary,
        closing(
            soundfile.SoundFile(
                str(temporary),
                "w",
                take.scene.rate,
                take.channels,
                "PCM_16",
                format="FLAC",
                compression_level=COMPRESSION,
            )
        ) as flac,
    ):
        for block in take.blocks():
            flac.write(np.ascontiguousarray(block.T))
    return _told(path, file_digest(path))


def _told(path: Path, digest: str) -> dict[str, Any]:
    return {"sha256": digest, "bytes": path.stat().st_size}


def whole(folder: Path, files: dict[str, dict[str, Any]], digests: bool = True) -> bool:
    """Whether files are there as they were told of; without ``digests`` by their size alone."""
    for name, told in files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != told["bytes"]:
            return False
        if digests and file_digest(path) != told["sha256"]:
            return False
    return True
