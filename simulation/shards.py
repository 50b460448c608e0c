"""Scenes in HDF5 shards: ``shard_000000.h5``, each either sealed or absent, and a reader of them.

A shard is written under a temporary name, closed, synced and renamed (a file whose HDF5 writer was killed is
unreadable). ``shard_000000.json`` beside it holds its SHA-256, so that a resumed run tells whole from damaged shards.

Content of a shard: attributes ``generator``, ``settings`` (SHA-256 of the run's settings), ``axes``, ``rate``,
``first`` and ``count`` (numbers of its scenes); dataset ``classes`` (names, UTF-8); and a group ``scene_NNNNNN`` a
scene:

- ``audio/SSSSS_G``: a FLAC file (16 bit, bytes as ``uint8``) of the SSSSS-th stretch of 10 s and the G-th eight
  channels, with an attribute ``crc32``; attributes ``channels``, ``samples`` of the group ``audio``;
- ``labels``: the frame table ``(rows, 6)``, attribute ``columns``;
- ``scene``: the scene graph as JSON, as in ``scenes/NAME.json`` of layout ``files``.

The group's attribute ``convention`` says what the channels are. FLAC rather than HDF5's own compression: of first-order
scenes it leaves 50 % instead of 64 % (gzip with shuffle) in less than half the time, decodes as fast, and a stretch
within a scene is found without decoding the rest.
"""

from __future__ import annotations

import io
import json
import os
import zlib
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.scene import Scene
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.takes import Pcm, Samples, Take
from spatial_lalm.simulation.writer import (
    AXES,
    COLUMNS,
    GENERATOR,
    Rows,
    atomic_write,
    describe,
    described_scene,
    file_digest,
    finite,
    frame_rows,
    json_bytes,
    whole_or_absent,
)

if TYPE_CHECKING:
    from spatial_lalm.simulation.dataset import Source

MOST_SCENES = 256
SHARD_S = 2000.0
"""Seconds of a shard: 256 MB of first-order sound at 16 kHz before compression."""
STRETCH_S = 10
FLAC_CHANNELS = 8
OPEN_FILES = 16
"""Shards that a reader keeps open."""
FORMAT = ("v110", "v110")
"""HDF5 versions of the file format: old enough to be read everywhere, and the same whatever library writes it."""


def scenes_per_shard(duration_s: float) -> int:
    """As many scenes of a length as make ``SHARD_S``, 1 to ``MOST_SCENES``."""
    return min(max(int(SHARD_S / duration_s), 1), MOST_SCENES)


def _group(number: int) -> str:
    return f"scene_{number:06d}"


def _flac(pcm: Pcm, rate: int) -> bytes:
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, pcm.T, rate, format="FLAC", subtype="PCM_16", compression_level=0.5)
    return buffer.getvalue()


# ---------------------------------------------------------------- writing


@dataclass(frozen=True)
class ShardWriter:
    """Writes shards of a run; ``settings`` is the SHA-256 of the run's settings."""

    settings: str

    def finished(self, folder: Path, shard: int, scenes: range) -> tuple[dict[str, str], tuple[float, ...]] | None:
        """SHA-256 by path and the lengths in seconds of a sealed shard that holds ``scenes``, None if there is none."""
        path, seal = folder / f"shard_{shard:06d}.h5", folder / f"shard_{shard:06d}.json"
        try:
            told = json.loads(seal.read_bytes())
            lengths_s = tuple(float(length) for length in told["lengths_s"])
            whole = (told["settings"], told["first"], len(lengths_s)) == (self.settings, scenes.start, len(scenes))
            whole = whole and told["sha256"] == file_digest(path)
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None
        return ({path.name: told["sha256"], seal.name: file_digest(seal)}, lengths_s) if whole else None

    def write(
        self, folder: Path, shard: int, scenes: range, source: Source
    ) -> tuple[dict[str, str], tuple[float, ...]]:
        """Write a shard and its seal; SHA-256 by path and the lengths of the scenes in seconds."""
        path, seal = folder / f"shard_{shard:06d}.h5", folder / f"shard_{shard:06d}.json"
        seal.unlink(missing_ok=True)
        with whole_or_absent(path) as temporary:
            lengths_s = self._fill(temporary, folder, scenes, source)
            total = file_digest(temporary)
        told = {"sha256": total, "settings": self.settings, "first": scenes.start, "lengths_s": lengths_s}
        return {path.name: total, seal.name: atomic_write(seal, json_bytes(told))}, lengths_s

    def _fill(self, path: Path, folder: Path, scenes: range, source: Source) -> tuple[float, ...]:
        """All scenes, into a new HDF5 file that is closed afterwards."""
        import h5py

        lengths_s: list[float] = []
        with closing(_Disk(path)) as disk, h5py.File(disk, "w", libver=FORMAT) as file:
            for number in scenes:
                with source.take(number, folder) as take:
                    if not lengths_s:
                        self._head(file, scenes, take.scene.rate, source.classes)
                    _add_scene(file.create_group(_group(number)), take, source.classes)
                    lengths_s.append(take.scene.duration_s)
                disk.check()
        return tuple(lengths_s)

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


# ---------------------------------------------------------------- reading


class ShardReader:
    """Scenes of a folder of shards, by index from 0 on.

    It may be pickled and used after a fork: every process opens its own handles, at most ``OPEN_FILES`` at a time.
    Mistakes of what is read (no shards, a foreign, truncated or damaged file) are ``InputError``.
    """

    def __init__(self, folder: str | Path) -> None:
        """Look through the shards of ``folder``."""
        self.folder = Path(folder)
        self._open: dict[int, Any] = {}
        self._process = os.getpid()
        self.paths = sorted(self.folder.glob("shard_*.h5"))
        if not self.paths:
            raise InputError(f"{folder}: no shards in it (shard_000000.h5, ...); make them with layout hdf5")
        self._numbers: list[tuple[int, int]] = []
        self.sizes: list[int] = []
        """Scenes of every shard."""
        for shard, path in enumerate(self.paths):
            first, count = self._checked(shard, path)
            self._numbers += [(shard, number) for number in range(first, first + count)]
            self.sizes.append(count)

    def _checked(self, shard: int, path: Path) -> tuple[int, int]:
        """First number and count of the scenes of a shard, all of which must be there."""
        file = self._file(shard)
        try:
            first, count = int(file.attrs["first"]), int(file.attrs["count"])
            self.rate, names = int(file.attrs["rate"]), file["classes"][:]
            settings = str(file.attrs["settings"])
            whole = all(_group(number) in file for number in (first, first + count - 1))
        except (KeyError, OSError, RuntimeError):
            whole = False
        if not whole:
            raise InputError(
                f"{path}: not a shard of scenes; remove it or mend the folder with the command that made it"
            )
        if getattr(self, "settings", settings) != settings:
            raise InputError(f"{path}: its scenes have other settings than the shards before it; keep one run a folder")
        self.settings = settings
        self.classes = tuple(name.decode() for name in names)
        return first, count

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, index: int) -> int:
        """The number of a scene in its run."""
        return self._numbers[index][1]

    def description(self, index: int) -> dict[str, Any]:
        """The JSON object of a scene: the scene graph, and what its audio means."""
        raw = bytes(self._read(index, "scene")[()])
        try:
            description: dict[str, Any] = json.loads(raw)
        except ValueError:
            raise self._damaged(index) from None
        return description

    def scene(self, index: int) -> Scene:
        """The labels of a scene."""
        return described_scene(self.description(index))

    def labels(self, index: int) -> Rows:
        """The frame table ``(rows, 6)``, columns as in ``writer.COLUMNS``."""
        table: Rows = self._read(index, "labels")[:].astype(np.int64)
        return table

    def samples(self, index: int) -> int:
        """Samples a channel of a scene."""
        return int(self._read(index, "audio").attrs["samples"])

    def pcm(self, index: int, start: int = 0, stop: int | None = None) -> Pcm:
        """Samples ``(channels, stop - start)`` as they were written."""
        group = self._read(index, "audio")
        size, rate = int(group.attrs["samples"]), self.rate
        start, stop, _ = slice(start, stop).indices(size)
        if stop <= start:
            return np.zeros((int(group.attrs["channels"]), 0), dtype=np.int16)
        step = STRETCH_S * rate
        stretches = [
            self._stretch(index, group, stretch, max(start - stretch * step, 0), min(stop - stretch * step, step))
            for stretch in range(start // step, -(-stop // step))
        ]
        return np.concatenate(stretches, axis=1)

    def audio(self, index: int, start: int = 0, stop: int | None = None) -> Samples:
        """Samples ``(channels, stop - start)``; 1 is full scale."""
        return self.pcm(index, start, stop).astype(np.float32) / np.float32(32768)

    def _stretch(self, index: int, group: Any, stretch: int, start: int, stop: int) -> Pcm:
        """Samples of one stretch."""
        import soundfile

        parts = []
        for part in range(-(-int(group.attrs["channels"]) // FLAC_CHANNELS)):
            try:
                data = group[f"{stretch:05d}_{part}"]
                raw = data[:].tobytes()
                if zlib.crc32(raw) != int(data.attrs["crc32"]):
                    raise self._damaged(index)
                with soundfile.SoundFile(io.BytesIO(raw)) as flac:
                    flac.seek(start)
                    parts.append(flac.read(stop - start, dtype="int16", always_2d=True).T)
            except (KeyError, OSError, RuntimeError):
                raise self._damaged(index) from None
        whole: NDArray[np.int16] = np.concatenate(parts)
        return whole

    def _read(self, index: int, name: str) -> Any:
        """An object of a scene's group."""
        shard, number = self._numbers[index]
        try:
            return self._file(shard)[_group(number)][name]
        except (KeyError, OSError, RuntimeError):
            raise self._damaged(index) from None

    def _damaged(self, index: int) -> InputError:
        shard, number = self._numbers[index]
        return InputError(f"{self.paths[shard]}: scene {number} is damaged; the command that made it mends the folder")

    def _file(self, shard: int) -> Any:
        """The open file of a shard in this process."""
        import h5py

        if self._process != os.getpid():
            self._open, self._process = {}, os.getpid()
        if shard not in self._open:
            while len(self._open) >= OPEN_FILES:
                self._open.pop(next(iter(self._open))).close()
            try:
                self._open[shard] = h5py.File(self.paths[shard], "r", locking=False)
            except OSError as error:
                told = " ".join(str(error).split())
                raise InputError(
                    f"{self.paths[shard]}: not a whole HDF5 file ({told}); remove it, or mend the folder with the "
                    "command that made it"
                ) from None
        return self._open[shard]

    def close(self) -> None:
        """Close what is open in this process."""
        while self._open:
            self._open.popitem()[1].close()

    def __enter__(self) -> ShardReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        """All but the open files."""
        return self.__dict__ | {"_open": {}}
