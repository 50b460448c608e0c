"""Writes shards of scenes, see ``shards``: each is sealed or absent, and the same bytes every time."""

from __future__ import annotations

import io
import json
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spatial_lalm.sealing import whole_or_absent
from spatial_lalm.simulation.shards import FLAC_CHANNELS, STRETCH_S, group_name
from spatial_lalm.simulation.takes import Pcm, Take
from spatial_lalm.simulation.writer import (
    AXES,
    COLUMNS,
    GENERATOR,
    atomic_write,
    describe,
    file_digest,
    finite,
    frame_rows,
    json_bytes,
)

if TYPE_CHECKING:
    from spatial_lalm.simulation.scene_tasks import Source

Contents = tuple[dict[str, str], tuple[float, ...], Mapping[str, int]]
"""SHA-256 by path, the lengths of the scenes in seconds, and in how many of them which setting is not kept."""
FORMAT = ("v110", "v110")
"""HDF5 versions of the file format: old enough to be read everywhere, and the same whatever library writes it."""


@dataclass(frozen=True)
class ShardWriter:
    """Writes shards of a run; ``settings`` is the SHA-256 of the run's settings."""

    settings: str

    def finished(self, folder: Path, shard: int, scenes: range) -> Contents | None:
        """What a sealed shard that holds ``scenes`` is, None if there is none."""
        path, seal = folder / f"shard_{shard:06d}.h5", folder / f"shard_{shard:06d}.json"
        try:
            told = json.loads(seal.read_bytes())
            lengths_s = tuple(float(length) for length in told["lengths_s"])
            whole = (told["settings"], told["first"], len(lengths_s)) == (self.settings, scenes.start, len(scenes))
            whole = whole and told["sha256"] == file_digest(path)
            not_kept = dict(told["not_kept"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None
        return ({path.name: told["sha256"], seal.name: file_digest(seal)}, lengths_s, not_kept) if whole else None

    def write(self, folder: Path, shard: int, scenes: range, source: Source) -> Contents:
        """Write a shard and its seal."""
        path, seal = folder / f"shard_{shard:06d}.h5", folder / f"shard_{shard:06d}.json"
        seal.unlink(missing_ok=True)
        with whole_or_absent(path) as temporary:
            lengths_s, not_kept = self._fill(temporary, folder, scenes, source)
            total = file_digest(temporary)
        told = {"sha256": total, "settings": self.settings, "first": scenes.start, "lengths_s": lengths_s}
        sealed = atomic_write(seal, json_bytes(told | {"not_kept": not_kept}))
        return {path.name: total, seal.name: sealed}, lengths_s, not_kept

    def _fill(
        self, path: Path, folder: Path, scenes: range, source: Source
    ) -> tuple[tuple[float, ...], dict[str, int]]:
        """All scenes, into a new HDF5 file that is closed afterwards; their lengths and what they do not keep."""
        import h5py

        lengths_s: list[float] = []
        not_kept: Counter[str] = Counter()
        with closing(_Disk(path)) as disk, h5py.File(disk, "w", libver=FORMAT) as file:
            for number in scenes:
                with source.take(number, folder) as take:
                    if not lengths_s:
                        self._head(file, scenes, take.scene.rate, source.classes)
                    _add_scene(file.create_group(group_name(number)), take, source.classes)
                    lengths_s.append(take.scene.duration_s)
                    not_kept.update(take.extra.get("not_kept", ()))
                disk.check()
        return tuple(lengths_s), dict(sorted(not_kept.items()))

    def _head(self, file: Any, scenes: range, rate: int, classes: Sequence[str]) -> None:
        about = {"generator": GENERATOR, "settings": self.settings, "axes": AXES, "rate": rate}
        for key, value in (about | {"first": scenes.start, "count": len(scenes)}).items():
            file.attrs[key] = value
        file.create_dataset("classes", data=np.array([label.encode() for label in classes]))


class _Disk:
    """The file below an HDF5 file that is being written. It keeps the first error and takes all writes after it.

    HDF5 itself meets a full disk with an error in every call, also in those that close the file, and with tracebacks.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+b", buffering=0)
        self._error: BaseException | None = None
        self.seek, self.tell = self._file.seek, self._file.tell
        self.read, self.readinto = self._file.read, self._file.readinto

    def write(self, data: memoryview) -> int:
        """Write, unless that failed before."""
        self._try(lambda: self._write(data))
        return len(data)

    def _write(self, data: memoryview) -> None:
        while len(data):
            data = data[self._file.write(data) :]

    def truncate(self, size: int) -> int:
        """Set the length of the file."""
        self._try(lambda: self._file.truncate(size))
        return size

    def flush(self) -> None:
        """Nothing waits here."""

    def _try(self, action: Callable[[], object]) -> None:
        """Do it and keep what is raised, also by a signal: an exception has no way out through HDF5."""
        try:
            if self._error is None:
                action()
        except BaseException as error:
            self._error = error

    def check(self) -> None:
        """Raise what was kept."""
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Close the file and raise what was kept."""
        self._file.close()
        self.check()


def _add_scene(group: Any, take: Take, classes: Sequence[str]) -> None:
    """Audio, labels and JSON of a scene into its group."""
    description = describe(take, classes) | {"generator": GENERATOR}
    group.attrs["convention"] = description["convention"]
    _add_audio(group.create_group("audio"), take)
    labels = group.create_dataset("labels", data=frame_rows(take.scene, classes).astype(np.int32))
    labels.attrs["columns"] = ",".join(COLUMNS)
    text = json.dumps(finite(description), allow_nan=False, separators=(",", ":"))
    group.create_dataset("scene", data=np.bytes_(text.encode()))


def _add_audio(group: Any, take: Take) -> None:
    rate = take.scene.rate
    group.attrs["channels"], group.attrs["samples"] = take.channels, take.samples
    for stretch, block in enumerate(take.blocks(size=STRETCH_S * rate)):
        for part in range(-(-take.channels // FLAC_CHANNELS)):
            raw = _flac(block[part * FLAC_CHANNELS : (part + 1) * FLAC_CHANNELS], rate)
            data = group.create_dataset(f"{stretch:05d}_{part}", data=np.frombuffer(raw, dtype=np.uint8))
            data.attrs["crc32"] = np.uint32(zlib.crc32(raw))


def _flac(pcm: Pcm, rate: int) -> bytes:
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, pcm.T, rate, format="FLAC", subtype="PCM_16", compression_level=0.5)
    return buffer.getvalue()
