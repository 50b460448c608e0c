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

A sealed shard is never written again, so any number of processes may read it at once, also with ``h5py.File(path)``
beside a reader of ours. Where the file system refuses locks, set HDF5_USE_FILE_LOCKING=FALSE.

The group's attribute ``convention`` says what the channels are. FLAC rather than HDF5's own compression: of first-order
scenes it leaves 50 % instead of 64 % (gzip with shuffle) in less than half the time, decodes as fast, and a stretch
within a scene is found without decoding the rest.
"""

from __future__ import annotations

import io
import json
import os
import zlib
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.scene import Scene
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.takes import Pcm, Samples
from spatial_lalm.simulation.writer import Rows, described_scene

MOST_SCENES = 256
SHARD_S = 2000.0
"""Seconds of a shard: 256 MB of first-order sound at 16 kHz before compression."""
STRETCH_S = 10
FLAC_CHANNELS = 8
LOCKING = "best-effort"
"""As ``h5py.File(path)`` has it: HDF5 refuses to open a file twice in a process with other flags."""
OPEN_FILES = 16
"""Shards that a reader keeps open."""


def scenes_per_shard(duration_s: float) -> int:
    """As many scenes of a length as make ``SHARD_S``, 1 to ``MOST_SCENES``."""
    return min(max(int(SHARD_S / duration_s), 1), MOST_SCENES)


def group_name(number: int) -> str:
    """Name of the group of a scene."""
    return f"scene_{number:06d}"


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
            whole = all(group_name(number) in file for number in (first, first + count - 1))
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
            return self._file(shard)[group_name(number)][name]
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
                self._open[shard] = h5py.File(self.paths[shard], "r", locking=LOCKING)
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
