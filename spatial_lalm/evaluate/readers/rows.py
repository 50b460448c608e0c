"""Tables of questions, whatever they are kept in: JSON lists, JSON lines, CSV, TSV, Parquet; one object a row."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.files import FileProblem, Kind, read_text

SUFFIXES = (".json", ".jsonl", ".csv", ".tsv", ".parquet")


@dataclass(frozen=True)
class Row:
    """One object of a table: its file, its place (of a list from 1, otherwise the line), and its values by name."""

    path: Path
    number: int
    values: Mapping[str, Any]

    def problem(self, rule: str, kind: Kind = "malformed") -> FileProblem:
        """A problem of this row, to be raised."""
        return FileProblem(self.path, rule, self.number, kind)

    def get(self, *names: str) -> Any:
        """The value of the first of the names that the row has; ``FileProblem`` where it has none."""
        for name in names:
            if self.values.get(name) is not None:
                return self.values[name]
        if any(name in self.values for name in names):
            raise self.problem(f"{' or '.join(names)} is empty", "empty")
        raise self.problem(f"lacks {' or '.join(names)}")

    def text(self, *names: str) -> str:
        """A text with words in it; numbers are told as text."""
        value = self.get(*names)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.problem(f"{' or '.join(names)} must be a text, not {type(value).__name__}")
        if not str(value).strip():
            raise self.problem(f"{' or '.join(names)} is empty", "empty")
        return str(value).strip()

    def label(self, *names: str) -> str:
        """The values of the names that are there, for the breakdown; MMAU's ``['Reasoning']`` is ``Reasoning``."""
        told = [str(self.values[name]).strip("[]'\" ") for name in names if self.values.get(name) is not None]
        return " / ".join(one for one in told if one)

    def amount(self, low: float, high: float, unit: str, *names: str) -> float:
        """A finite number from ``low`` to ``high`` in a unit; one outside is taken for one in another unit."""
        value = self.get(*names)
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            raise self.problem(f"{' or '.join(names)} {value!r} is no finite number")
        if not low <= number <= high:
            raise self.problem(
                f"{' or '.join(names)} {number:g} lies outside {low:g} to {high:g} {unit}: is it in another unit?"
            )
        return number


Rows = Iterator[Row | FileProblem]


def read_objects(path: Path, under: Sequence[str] = (), columns: Sequence[str] | None = None) -> Rows:
    """The objects of a table, or a problem in the place of each line that is none.

    ``under``: keys under which a JSON object may keep its list; ``columns``: those to be read of a Parquet file.

    Raises:
        FileProblem: the file as a whole is no such table, or says nothing.
    """
    found = False
    for row in _READERS[path.suffix](path, under, columns):
        found = True
        yield row
    if not found:
        raise FileProblem(path, "is empty: it holds no row", 1, "empty")


def _json(path: Path, under: Sequence[str], columns: Sequence[str] | None) -> Rows:
    text = read_text(path)
    if not text.strip():
        return
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":  # JSON lines under the name of JSON
            yield from _lines(path, under, columns)
            return
        raise FileProblem(path, f"is no JSON: {error.msg}", error.lineno) from error
    if isinstance(content, dict):
        listed = next((content[key] for key in under if key in content), None)
        if listed is None:
            told = f" or an object with {' or '.join(under)}" if under else ""
            raise FileProblem(path, f"must be a list of objects{told}", 1)
        content = listed
    if not isinstance(content, list):
        raise FileProblem(path, f"must be a list of objects, not {type(content).__name__}", 1)
    yield from (_object(path, number, one) for number, one in enumerate(content, 1))


def _lines(path: Path, under: Sequence[str], columns: Sequence[str] | None) -> Rows:
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield _object(path, number, json.loads(line))
        except json.JSONDecodeError as error:
            yield FileProblem(path, f"is no JSON: {error.msg}", number)


def _object(path: Path, number: int, value: object) -> Row | FileProblem:
    if isinstance(value, dict):
        return Row(path, number, value)
    return FileProblem(path, f"must be an object, not {type(value).__name__}", number)


def _csv(path: Path, under: Sequence[str], columns: Sequence[str] | None) -> Rows:
    lines = read_text(path).splitlines()
    header, *rows = list(csv.reader(lines, delimiter="\t" if path.suffix == ".tsv" else ",")) or [[]]
    names = [name.strip() for name in header]
    for number, cells in enumerate(rows, 2):
        if len(cells) == len(names):
            # An empty cell says nothing, which is what None says in the other tables.
            yield Row(path, number, {name: cell or None for name, cell in zip(names, cells, strict=True)})
        else:
            yield FileProblem(path, f"{len(cells)} columns where {len(names)} are due ({','.join(names)[:80]})", number)


def _parquet(path: Path, under: Sequence[str], columns: Sequence[str] | None) -> Rows:
    try:
        parquet: Any = import_module("pyarrow.parquet")
    except ImportError:
        raise InputError(
            f"{path}: Parquet is read by pyarrow, which is not installed: pip install pyarrow, "
            f"or save the table beside it as {path.stem}.jsonl, one object a line"
        ) from None
    try:
        file = parquet.ParquetFile(path)
        known = set(file.schema_arrow.names)
        chosen = None if columns is None else [name for name in columns if name in known]
        number = 0
        for batch in file.iter_batches(columns=chosen, batch_size=1024):
            for values in batch.to_pylist():
                number += 1
                yield Row(path, number, values)
    except (OSError, ValueError) as error:  # pyarrow's own errors derive from these
        raise FileProblem(path, f"is no Parquet table: {' '.join(str(error).split())[:120]}") from error


_READERS = {".json": _json, ".jsonl": _lines, ".csv": _csv, ".tsv": _csv, ".parquet": _parquet}
