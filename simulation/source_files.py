"""Lists of dry mono files (folder or CSV), checked by their headers, and a bounded cache of their decoded sound.

What the files hold is looked at by ``source_survey``.
"""

from __future__ import annotations

import csv
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.errors import InputError
from spatial_lalm.simulation.excerpts import active_frames

SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff"})
LONG_S = 600.0
"""Files longer than this are read in excerpts each time and never kept whole in memory."""
STRETCH_TRIES = 8
"""Excerpts of these that are drawn for one that is no pause."""
SHORTEST_S = 0.02
STREAMED = 0x7FFF_F000
"""A WAV that was written into a pipe promises at least so many bytes, because it did not know how many would come."""
PADDING = 8
"""Bytes that a chunk may promise too much by careless rounding."""
CACHE_BYTES = 3 << 29


@dataclass(frozen=True)
class FileEntry:
    """A mono file of a class; ``rate`` in Hz and ``frames`` as its header says.

    ``sha256`` is that of its bytes and ``loudest`` the sample at which its loudest 20 ms begin, once it was surveyed.
    """

    path: Path
    label: str
    rate: int
    frames: int
    speaker: str | None = None
    text: str = ""
    sha256: str = ""
    loudest: int = 0


Row = tuple[Path, str, str | None, str]
"""File, class, speaker and text."""


def read_folder(folder: Path, split: str | None = None) -> list[FileEntry]:
    """Every audio file below ``folder/<class>/``, sorted by path; ``InputError`` when there is none."""
    if split is not None:
        raise InputError(f"{folder}: a folder has no split {split!r}; give a CSV list with a 'split' column")
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    inside = folder / "<class>"  # not folder.name, which is empty for "."
    if not files:
        raise InputError(f"{folder}: no audio in it; sources are expected as {inside / '<file>.wav'}")
    for path in files:
        if path.parent == folder:
            raise InputError(f"{path}: lies in no class folder; move it to {inside / path.name}")
    return _checked([(path, path.relative_to(folder).parts[0], None, "") for path in files])


def read_list(path: Path, split: str | None = None) -> list[FileEntry]:
    """The rows of a CSV ``file,class[,split,speaker,text]``, paths relative to it; blank lines are skipped."""
    rows = _rows(path, split)
    kept = [(number, row) for number, row in rows if split is None or (row.get("split") or "").strip() == split]
    if not kept:
        raise InputError(f"{path}: no row" + (f" of split {split!r}; its 'split' column says which" if split else ""))
    return _checked([_row(path, number, row) for number, row in kept])


def _rows(path: Path, split: str | None) -> list[tuple[int, dict[str, str]]]:
    """Numbered rows of a CSV that has the columns we need."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle)
            names = reader.fieldnames or ()
            rows = [(reader.line_num, row) for row in reader]
    except FileNotFoundError:
        raise InputError(f"{path}: no such folder or CSV list of sources") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not readable as a CSV list of sources ({error}); use a folder or a CSV") from None
    for column in ("file", "class", *(("split",) if split else ())):
        if column not in names:
            raise InputError(f"{path}: no column {column!r}; the header must be file,class[,split,speaker,text]")
    return rows


def _row(path: Path, number: int, row: dict[str, str]) -> Row:
    name, label = (row.get("file") or "").strip(), (row.get("class") or "").strip()
    if not name or not label or not label.isprintable():
        raise InputError(f"{path}, row {number}: file {name!r}, class {label!r}: both must be given")
    target = path.parent / name
    if not target.is_file():
        raise InputError(f"{path}, row {number}: no file {target}; paths are relative to the folder of the CSV")
    return target, label, (row.get("speaker") or "").strip() or None, (row.get("text") or "").strip()


def _checked(rows: Sequence[Row]) -> list[FileEntry]:
    """The entries of all rows; ``InputError`` for headers that are none of a mono file with sound in it."""
    entries: list[FileEntry] = []
    broken: list[str] = []
    for row in rows:
        try:
            entries.append(_entry(*row))
        except InputError as error:
            broken.append(str(error))
    refuse_broken(broken, len(rows))
    return entries


def refuse_broken(told: Sequence[str], files: int) -> None:
    """One ``InputError`` for the broken ones of some files: what is ``told`` of the first, and names of a few more."""
    if not told:
        return
    others = [Path(line.partition(": ")[0]).name for line in told[1:]]
    more = ", ".join(others[:4]) + (", ..." if len(others) > 4 else "")
    raise InputError(told[0] + (f"; of {files} files {len(others)} more are broken: {more}" if others else ""))


def _entry(path: Path, label: str, speaker: str | None, text: str) -> FileEntry:
    """An entry whose header is that of a mono file with sound in it."""
    import soundfile

    try:
        info = soundfile.info(str(path))
    except (soundfile.LibsndfileError, OSError) as error:
        raise InputError(f"{path}: not readable as audio ({_reason(error)}); convert it to WAV or FLAC") from None
    if info.channels != 1:
        raise InputError(f"{path}: {info.channels} channels; dry sources must be mono, mix or split the file first")
    if info.frames < 1:
        raise InputError(f"{path}: empty, 0 samples; remove it from the sources")
    if not 1000 <= info.samplerate <= 768_000:
        raise InputError(f"{path}: sample rate {info.samplerate} Hz; 1000 to 768000 Hz are supported")
    if (length_s := info.frames / info.samplerate) < SHORTEST_S:
        raise InputError(f"{path}: {1e3 * length_s:.1f} ms; at least {1e3 * SHORTEST_S:.0f} ms of sound are needed")
    for promised, there in re.findall(r"^ *(?:data|SSND) : (\d+) \(should be (\d+)\)", info.extra_info, re.MULTILINE):
        if int(there) + PADDING < int(promised) < STREAMED:
            raise InputError(f"{path}: cut short, holds {there} of {promised} bytes of sound; mend or remove the file")
    return FileEntry(path, label, info.samplerate, info.frames, speaker, text)


def _reason(error: Exception) -> str:
    return str(getattr(error, "error_string", error)).strip().rstrip(".").replace("\n", " ")


def decode(entry: FileEntry, rate: int, start: int = 0, frames: int = -1) -> NDArray[np.float32]:
    """Samples ``(n,)`` of a file, or of a stretch given in its own samples, at ``rate`` Hz (soxr, high quality)."""
    import soundfile

    try:
        audio, _ = soundfile.read(str(entry.path), frames=frames, start=start, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise InputError(f"{entry.path}: decoding failed ({_reason(error)}); mend or remove the file") from None
    if audio.shape[1] != 1 or audio.shape[0] == 0:
        raise InputError(f"{entry.path}: decoded to shape {audio.shape}; a mono file with sound is expected")
    if not np.isfinite(audio).all():
        raise InputError(f"{entry.path}: holds NaN or infinite samples; mend or remove the file")
    mono: NDArray[np.float32] = audio[:, 0]
    if entry.rate == rate:
        return mono
    import soxr

    return np.asarray(soxr.resample(mono, entry.rate, rate), dtype=np.float32)


def _stretch(entry: FileEntry, rng: np.random.Generator, frames: int, rate: int) -> NDArray[np.float32]:
    """A random stretch of ``frames`` of the file's samples that is no pause, at last that with the loudest moment."""
    for _ in range(STRETCH_TRIES):
        audio = decode(entry, rate, int(rng.integers(0, entry.frames - frames + 1)), frames)
        if active_frames(audio, rate).any():
            return audio
    return decode(entry, rate, int(np.clip(entry.loudest - frames // 2, 0, entry.frames - frames)), frames)


class AudioCache:
    """Decoded files as int16 with a scale each, the least recently used dropped above ``limit`` bytes.

    Rendering a scene takes some 20 ms; decoding and resampling a file takes as long, so each is done once.
    """

    def __init__(self, limit: int = CACHE_BYTES) -> None:
        """An empty cache of at most ``limit`` bytes."""
        self.limit = limit
        self.bytes = 0
        self._kept: OrderedDict[tuple[Path, int], tuple[NDArray[np.int16], np.float32]] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        """Only the limit travels to another process."""
        return {"limit": self.limit}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """An empty cache of the same limit."""
        self.__init__(state["limit"])  # type: ignore[misc]

    def read(self, entry: FileEntry, rng: np.random.Generator, samples: int, rate: int) -> NDArray[np.float32]:
        """The whole file at ``rate``, or a random stretch of a file longer than ``LONG_S``."""
        if entry.frames > LONG_S * entry.rate:
            return _stretch(entry, rng, min(entry.frames, int(2 * samples * entry.rate / rate) + entry.rate), rate)
        packed, scale = self._packed(entry, rate)
        return packed.astype(np.float32) * scale

    def preload(self, entry: FileEntry, rate: int) -> None:
        """Decode a file if it fits beside what is already kept."""
        fits = self.bytes + 2 * entry.frames * rate // entry.rate < self.limit
        if fits and entry.frames <= LONG_S * entry.rate:
            self._packed(entry, rate)

    def _packed(self, entry: FileEntry, rate: int) -> tuple[NDArray[np.int16], np.float32]:
        key = (entry.path, rate)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        audio = decode(entry, rate)
        scale = np.float32(max(float(np.abs(audio).max()), 1e-9) / 32767)
        self._kept[key] = np.round(audio / scale).astype(np.int16), scale
        self.bytes += 2 * audio.size
        self._evict(keep=key)
        return self._kept[key]

    def _evict(self, keep: tuple[Path, int]) -> None:
        while self.bytes > self.limit and next(iter(self._kept)) != keep:
            _, (packed, _) = self._kept.popitem(last=False)
            self.bytes -= packed.nbytes
