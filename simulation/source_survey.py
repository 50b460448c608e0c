"""A look at all of every sound file before a run: its bytes, whether they can be decoded, and whether it sounds.

What is found is kept under the user's cache folder, by list and by what the file system says of each file (size, times
of content and of attributes, inode), so that a run that goes on does not look again. Like git's index: a file that
changed in the last moments is not kept, because a change within the clock's grain would not be seen. A cache that
cannot be read or written is no error.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from spatial_lalm.audio import encoding_cache
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.excerpts import SILENT, frame_energies
from spatial_lalm.simulation.source_files import FileEntry, decode, refuse_broken
from spatial_lalm.simulation.writer import GENERATOR, file_digest

Progress = Callable[[int, int], None]
STRETCH_S = 60.0
"""Files are decoded in stretches of this, so that memory does not grow with their length."""
SLACK = 2 * 1152
"""Two frames of MP3, which its header may promise too many; else the end of the file is gone."""
LEAST = 2 * SILENT
"""Energy that 20 ms must have: twice what a draw asks for, whose own 20 ms may begin elsewhere."""
WORTH_KEEPING_S = 1.0
"""What was looked through in less is not kept."""
SETTLED_NS = 2_000_000_000
MOST_LISTS = 64
"""Lists beyond this make room, the longest unused first; a thousand files have 0.2 MB."""


@dataclass(frozen=True)
class Found:
    """What a file is: SHA-256 of its bytes, the sample at which its loudest 20 ms begin, None if it is silent.

    ``problem`` is what it must be refused for.
    """

    sha256: str
    loudest: int | None
    problem: str = ""


def surveyed(
    files: Sequence[FileEntry], listed: Path, rate: int, progress: Progress = lambda done, total: None
) -> tuple[list[FileEntry], list[Path]]:
    """The files that sound at a sample rate, with hash and loudest moment, and the paths of those that do not.

    ``listed`` is where the list came from. ``InputError`` for files that cannot be decoded to their end or hold NaN,
    and for a class all of whose files are silent.
    """
    looks: list[Found] = []
    with _kept(listed, rate) as known:
        for number, file in enumerate(files):
            progress(number, len(files))
            looks.append(_known_or_found(file, rate, known))
        progress(len(files), len(files))
    refuse_broken([look.problem for look in looks if look.problem], len(files))
    sounding = [
        replace(file, sha256=look.sha256, loudest=look.loudest)
        for file, look in zip(files, looks, strict=True)
        if look.loudest is not None
    ]
    silent = [file for file, look in zip(files, looks, strict=True) if look.loudest is None]
    labels = {file.label for file in sounding}
    for file in silent:
        if file.label not in labels:
            raise InputError(f"{file.path}: silent throughout, as all of class {file.label!r}; mend or remove the file")
    return sounding, [file.path for file in silent]


# ---------------------------------------------------------------- one file


def _found(file: FileEntry, rate: int) -> Found:
    try:
        return Found(file_digest(file.path), _loudest(file, rate))
    except InputError as error:
        return Found("", None, str(error))
    except OSError as error:
        return Found("", None, f"{file.path}: cannot be read ({error.strerror}); mend or remove the file")


def _stretches(file: FileEntry) -> Iterator[tuple[int, int]]:
    """Start and length of the file's stretches in its samples; lengths are whole numbers of 20 ms."""
    length = round(STRETCH_S) * 50 * max(1, file.rate // 50)
    return ((start, min(length, file.frames - start)) for start in range(0, file.frames, length))


def _loudest(file: FileEntry, rate: int) -> int | None:
    """The sample at which the loudest 20 ms begin, of what is left of them at a lower ``rate``; all is decoded."""
    most, place = LEAST, None
    for start, length in _stretches(file):
        audio = decode(file, file.rate, start, length)
        if audio.size < length - SLACK:
            seconds = (start + audio.size) / file.rate
            raise InputError(
                f"{file.path}: ends after {seconds:.2f} of {file.frames / file.rate:.2f} s; mend or remove the file"
            )
        energies = frame_energies(audio, file.rate)
        if energies.max(initial=0.0) >= most:
            most = float(energies.max())
            place = start + int(np.argmax(energies)) * (file.rate // 50)
    if place is None or file.rate <= rate:
        return place
    near = _heard_at(file, rate, max(0, place - file.rate // 2), file.rate)
    return near if near is not None else _first(_heard_at(file, rate, *stretch) for stretch in _stretches(file))


def _heard_at(file: FileEntry, rate: int, start: int, length: int) -> int | None:
    """The sample of the file at which the loudest 20 ms of a stretch begin at a lower rate."""
    energies = frame_energies(decode(file, rate, start, min(length, file.frames - start)), rate)
    loudest = int(np.argmax(energies))
    return start + loudest * (rate // 50) * file.rate // rate if energies[loudest] >= LEAST else None


def _first(places: Iterable[int | None]) -> int | None:
    return next((place for place in places if place is not None), None)


# ---------------------------------------------------------------- what is kept


def _known_or_found(file: FileEntry, rate: int, known: dict[str, Any]) -> Found:
    """What is known of a file as it lies there, else what is found now; the latter becomes known."""
    name = os.path.abspath(file.path)
    state = _state(file.path)
    with contextlib.suppress(KeyError, TypeError):
        entry = known[name]
        if state and entry["state"] == state:
            return Found(str(entry["sha256"]), entry["loudest"], str(entry["problem"]))
    found = _found(file, rate)
    known.pop(name, None)
    if state and time.time_ns() - max(state[1:3]) > SETTLED_NS:
        known[name] = {"state": state} | asdict(found)
    return found


def _state(path: Path) -> list[int]:
    """What changes with a file, as the file system tells it; nothing where that tells nothing."""
    try:
        told = path.stat()
    except OSError:
        return []
    return [told.st_size, told.st_mtime_ns, told.st_ctime_ns, told.st_ino, told.st_dev]


@contextlib.contextmanager
def _kept(listed: Path, rate: int) -> Iterator[dict[str, Any]]:
    """What is known of the files of a list by their paths, and is kept afterwards, also where the look is cut short."""
    began = time.monotonic()
    path = _cache_path(listed, rate)
    known = _read(path)
    try:
        yield known
    finally:
        if path is not None and time.monotonic() - began >= WORTH_KEEPING_S:
            _write(path, known)


def _cache_path(listed: Path, rate: int) -> Path | None:
    """``$XDG_CACHE_HOME/spatial-lalm/sources/…``, a file for every list and rate; None where there is no home."""
    key = hashlib.sha256(repr((GENERATOR, os.path.abspath(listed), rate)).encode()).hexdigest()
    try:
        return encoding_cache.folder().with_name("sources") / f"{key}.json"
    except RuntimeError:
        return None


def _read(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        known = json.loads(path.read_bytes())
        os.utime(path)
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _write(path: Path, known: dict[str, Any]) -> None:
    """Whole or not at all."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(known), encoding="utf-8")
        os.replace(temporary, path)
        by_age = sorted(path.parent.glob("*.json"), key=lambda one: one.stat().st_mtime)
        for old in by_age[:-MOST_LISTS]:
            old.unlink(missing_ok=True)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
