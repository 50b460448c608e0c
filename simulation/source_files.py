"""Lists of dry mono files (folder or CSV), checked by their headers, and a bounded cache of their decoded sound."""

from __future__ import annotations

import csv
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.errors import InputError

SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff"})
LONG_S = 600.0
SHORTEST_S = 0.02
"""Files longer than this are read in excerpts each time and never kept whole in memory."""
CACHE_BYTES = 3 << 29


@dataclass(frozen=True)
class FileEntry:
    """A mono file of a class; ``rate`` in Hz and ``frames`` as its header says."""

    path: Path
    label: str
    rate: int
    frames: int
    speaker: str | None = None
    text: str = ""


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
    return [_checked(path, path.relative_to(folder).parts[0]) for path in files]


def read_list(path: Path, split: str | None = None) -> list[FileEntry]:
    """The rows of a CSV ``file,class[,split,speaker,text]``, paths relative to it; blank lines are skipped."""
    rows = _rows(path, split)
    kept = [(number, row) for number, row in rows if split is None or (row.get("split") or "").strip() == split]
    if not kept:
        raise InputError(f"{path}: no row" + (f" of split {split!r}; its 'split' column says which" if split else ""))
    return [_row_entry(path, number, row) for number, row in kept]


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


def _row_entry(path: Path, number: int, row: dict[str, str]) -> FileEntry:
    name, label = (row.get("file") or "").strip(), (row.get("class") or "").strip()
    if not name or not label or not label.isprintable():
        raise InputError(f"{path}, row {number}: file {name!r}, class {label!r}: both must be given")
    target = path.parent / name
    if not target.is_file():
        raise InputError(f"{path}, row {number}: no file {target}; paths are relative to the folder of the CSV")
    return _checked(target, label, (row.get("speaker") or "").strip() or None, (row.get("text") or "").strip())


def _checked(path: Path, label: str, speaker: str | None = None, text: str = "") -> FileEntry:
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
            frames = min(entry.frames, int(2 * samples * entry.rate / rate) + entry.rate)
            return decode(entry, rate, int(rng.integers(0, entry.frames - frames + 1)), frames)
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
