"""What is kept of a recording: tables and notes in one HDF5 file, either sealed or absent.

A table is an array under a name such as ``events/start_s``; the notes are plain values, kept as JSON. The file's
attribute ``seal`` is the SHA-256 over all of it, written last. Checksums of HDF5 (Fletcher's) guard every table that is
read, so that opening an hour's file costs milliseconds and still nothing damaged is believed. The same tables and notes
give the same bytes: no times are written.

Sealed files never change, so any number of processes may read one at once, without locks.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.errors import InputError
from spatial_lalm.sealing import whole_or_absent

Tables = Mapping[str, NDArray[Any]]

KIND = "spatial-lalm memory"
VERSION = 3
"""Of the files that are written: the second has the levels of a trained memory, and calls windows windows; the third
has who speaks in an event."""
READS = (1, 2, 3)
SIGNATURE = b"\x89HDF\r\n\x1a\n"
NOTES = "notes"
SUFFIXES = (".h5", ".hdf5")
_UNREADABLE = (OSError, RuntimeError, ValueError, KeyError, TypeError, EOFError)
"""What HDF5 raises over bytes that make no sense to it."""
_WAY_OUT = "analyze the recording again (spatial-lalm analyze RECORDING --out FILE.h5)"


def seal_of(tables: Tables, notes: bytes) -> str:
    """SHA-256 in hexadecimal over names, types, shapes and values of all tables, and the notes."""
    total = hashlib.sha256(notes)
    for name in sorted(tables):
        values = np.ascontiguousarray(tables[name])
        total.update(f"\n{name} {values.dtype.str} {values.shape}\n".encode())
        total.update(values.tobytes())
    return total.hexdigest()


def write_memory(path: Path, tables: Tables, notes: Mapping[str, Any]) -> str:
    """Write tables and notes to ``path``, which is then the old file, the new file or absent, never a part of one.

    Returns the seal. ValueError for a note that JSON cannot hold.
    """
    import h5py

    told = json.dumps(notes, sort_keys=True, allow_nan=False).encode()
    seal = seal_of(tables, told)
    with whole_or_absent(path) as temporary, h5py.File(temporary, "w", libver="v110") as file:
        file.attrs["kind"], file.attrs["version"] = KIND, VERSION
        for name in sorted(tables):
            values = np.ascontiguousarray(tables[name])
            chunked = {"compression": "gzip", "compression_opts": 4, "shuffle": True, "fletcher32": True}
            file.create_dataset(name, data=values, **chunked if values.size else {})
        file.create_dataset(NOTES, data=np.frombuffer(told, np.uint8), fletcher32=True)
        file.attrs["seal"] = seal
    return seal


def looks_like_memory(path: str | Path) -> bool:
    """Whether a file is meant to be a memory file: by its first bytes, or by its name where it has no others."""
    path = Path(path)
    try:
        with path.open("rb") as handle:
            return handle.read(len(SIGNATURE)) == SIGNATURE or path.suffix.lower() in SUFFIXES
    except OSError:
        return path.suffix.lower() in SUFFIXES


class MemoryFile:
    """A sealed file, opened for reading; use it in a ``with`` statement, or ``close`` it.

    ``InputError``, in one line that names the file, for one that is missing, foreign, half-written or damaged.
    """

    def __init__(self, path: str | Path) -> None:
        """Open ``path`` and read its notes."""
        import h5py

        self.path = Path(path)
        _check_signature(self.path)
        try:
            self._file = h5py.File(self.path, "r", locking=False)
        except _UNREADABLE as error:
            raise InputError(f"{path}: half-written or damaged ({_reason(error)}): {_WAY_OUT}") from None
        try:
            self.seal = self._checked_seal()
            self.notes: dict[str, Any] = json.loads(self.table(NOTES).tobytes())
        except InputError:
            self.close()
            raise
        except _UNREADABLE as error:
            self.close()
            raise InputError(f"{path}: damaged ({_reason(error)}): {_WAY_OUT}") from None
        except BaseException:
            self.close()
            raise

    def _checked_seal(self) -> str:
        attributes = self._file.attrs
        if attributes.get("kind") != KIND:
            raise InputError(f"{self.path}: an HDF5 file, but not one of ours: {_WAY_OUT}")
        if int(attributes.get("version", 0)) not in READS:
            raise InputError(
                f"{self.path}: memory format {attributes.get('version')}, but this program reads 1 to 3: {_WAY_OUT}"
            )
        if "seal" not in attributes:
            raise InputError(f"{self.path}: half-written, it has no seal: {_WAY_OUT}")
        return str(attributes["seal"])

    def __contains__(self, name: str) -> bool:
        """Whether there is a table of this name."""
        return name in self._file

    def table(self, name: str) -> NDArray[Any]:
        """The table of a name, whole; ``InputError`` where there is none, or its checksum does not fit."""
        try:
            values: NDArray[Any] = self._file[name][()]
        except _UNREADABLE as error:
            raise InputError(f"{self.path}: damaged in {name} ({_reason(error)}): {_WAY_OUT}") from None
        return values

    @property
    def version(self) -> int:
        """Format of the file."""
        return int(self._file.attrs["version"])

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all tables."""
        found: list[str] = []
        try:
            self._file.visititems(lambda name, item: found.append(name) if hasattr(item, "dtype") else None)
        except _UNREADABLE as error:
            raise InputError(f"{self.path}: damaged ({_reason(error)}): {_WAY_OUT}") from None
        return tuple(sorted(name for name in found if name != NOTES))

    def tables(self) -> dict[str, NDArray[Any]]:
        """All tables by name."""
        return {name: self.table(name) for name in self.names}

    def check(self) -> None:
        """Read everything and compare it with the seal; ``InputError`` where they differ."""
        told = self.table(NOTES).tobytes()
        if seal_of(self.tables(), told) != self.seal:
            raise InputError(f"{self.path}: damaged, its seal is broken: {_WAY_OUT}")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> MemoryFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _check_signature(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"{path}: {'this is a folder' if path.is_dir() else 'no such file'}: {_WAY_OUT}")
    with path.open("rb") as handle:
        if handle.read(len(SIGNATURE)) != SIGNATURE:
            raise InputError(f"{path}: not an HDF5 file, so no analysed recording: {_WAY_OUT}")


def _reason(error: Exception) -> str:
    """What HDF5 says, in one line and short."""
    return " ".join(str(error).split())[:120]
