"""Rows on the disk as they come: appended in batches and synced, so that a killed run goes on where it was.

A line that the kill tore is dropped and its item asked again; a line that is whole is never asked again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from spatial_lalm.errors import InputError
from spatial_lalm.sealing import sync, whole_or_absent

Row = dict[str, Any]
Key = tuple[str, str]
"""Condition and item."""


def key_of(row: Row) -> Key:
    """What a row answers."""
    return row["condition"], row["id"]


class Journal:
    """The rows of a run: ``rows`` by key, in the order in which they came."""

    def __init__(self, path: Path) -> None:
        """Read what an earlier run left. ``InputError``: a line in the middle that is no row."""
        self.path = path
        self.rows: dict[Key, Row] = {}
        fresh = not path.exists()
        with path.open("ab+") as handle:
            handle.seek(0)
            kept = self._read(handle.read())
            handle.truncate(kept)
            os.fsync(handle.fileno())
        if fresh:
            sync(path.parent)

    def _read(self, data: bytes) -> int:
        """Take the whole lines; gives how many bytes they are."""
        whole = data[: data.rfind(b"\n") + 1]
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                row = json.loads(line)
                self.rows[key_of(row)] = row
            except (ValueError, KeyError, TypeError):
                raise InputError(f"{self.path}, row {number}: is no row of a run; choose another folder") from None
        return len(whole)

    def add(self, rows: Sequence[Row]) -> None:
        """Append rows; they are on the disk when this returns."""
        data = "".join(line_of(row) for row in rows).encode()
        with self.path.open("ab") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        self.rows |= {key_of(row): row for row in rows}


def line_of(row: Row) -> str:
    """A row as one line of JSON."""
    return json.dumps(row, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """All rows in the given order, whole or not at all."""
    with whole_or_absent(path) as temporary, temporary.open("w", encoding="utf-8") as handle:
        handle.writelines(map(line_of, rows))
