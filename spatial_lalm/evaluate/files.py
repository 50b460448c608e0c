"""Folders of references and predictions: paired by name, every file that does not fit told in one line."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar

from spatial_lalm.errors import InputError

T = TypeVar("T")
Kind = Literal["missing", "unexpected", "empty", "malformed"]
KINDS: tuple[Kind, ...] = ("missing", "unexpected", "empty", "malformed")


class FileProblem(InputError):
    """A file that cannot be scored: ``path``, ``row`` (from 1, None for the whole file), the ``rule`` and its kind.

    Kinds: ``missing`` (a reference without a prediction), ``unexpected`` (a prediction without a reference), ``empty``
    (a reference that says nothing), ``malformed``.
    """

    def __init__(self, path: Path | str, rule: str, row: int | None = None, kind: Kind = "malformed") -> None:
        super().__init__(f"{path}{'' if row is None else f', row {row}'}: {rule}")
        self.path, self.rule, self.row, self.kind = str(path), rule, row, kind


@dataclass(frozen=True)
class Pair(Generic[T]):
    """What the reference and the prediction of one recording say."""

    name: str
    reference: T
    prediction: T


@dataclass(frozen=True)
class Paired(Generic[T]):
    """Recordings that can be scored, and what stood in the way of the others."""

    pairs: tuple[Pair[T], ...]
    problems: tuple[FileProblem, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Number of problems of each kind."""
        found = Counter(problem.kind for problem in self.problems)
        return {kind: found[kind] for kind in KINDS}


def pair_folders(
    reference: Path,
    predictions: Path,
    suffix: str,
    read_reference: Callable[[Path], T],
    read_prediction: Callable[[Path], T],
    nothing: T,
) -> Paired[T]:
    """Read two folders (searched to any depth) whose files have the same names.

    ``nothing`` stands for a prediction that is missing or malformed, so that its recording counts as missed, and for an
    empty reference, so that whatever is predicted there counts as invented. A recording whose reference is malformed is
    left out. Each of these, and each prediction without a reference, is in ``problems``. ``InputError``: a folder that
    is absent or holds no file ending in ``suffix``.
    """
    problems: list[FileProblem] = []
    references = _by_name(reference, suffix, problems)
    predicted = _by_name(predictions, suffix, problems)
    pairs = []
    for name, path in references.items():
        truth = _read(path, read_reference, nothing, problems)
        if name not in predicted:
            problems.append(FileProblem(path, f"has no prediction {name} in {predictions}", kind="missing"))
        said = _read(predicted[name], read_prediction, nothing, problems) if name in predicted else None
        if truth is not None:
            pairs.append(Pair(name, truth, nothing if said is None else said))
    for name in predicted.keys() - references.keys():
        problems.append(FileProblem(predicted[name], f"has no reference {name} in {reference}", kind="unexpected"))
    return Paired(tuple(pairs), tuple(sorted(problems, key=str)))


def _by_name(folder: Path, suffix: str, problems: list[FileProblem]) -> dict[str, Path]:
    """Files by name, in the order of their names; a name that comes twice is a problem and keeps its first place."""
    if not folder.is_dir():
        raise InputError(f"{folder}: is no folder; give the one that holds the {suffix} files")
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob(f"*{suffix}"), key=lambda path: (path.name, path)):
        if path.name in found:
            problems.append(FileProblem(path, f"the name stands for {found[path.name]} already; names must differ"))
        else:
            found[path.name] = path
    if not found:
        raise InputError(f"{folder}: holds no {suffix} file")
    return found


def _read(path: Path, read: Callable[[Path], T], nothing: T, problems: list[FileProblem]) -> T | None:
    """What a file says; ``nothing`` where it is empty and None where it is malformed, both noted."""
    try:
        return read(path)
    except FileProblem as problem:
        problems.append(problem)
        return nothing if problem.kind == "empty" else None


# ---------------------------------------------------------------- rows


def read_text(path: Path) -> str:
    """The text of a file; ``FileProblem`` where it is no UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileProblem(path, f"byte {error.start} is no UTF-8 text") from error


def read_rows(path: Path, delimiter: str = ",") -> list[list[str]]:
    """The cells of a table, one list a row, in the order of the file."""
    return list(csv.reader(read_text(path).splitlines(), delimiter=delimiter))


def number(path: Path, row: int, name: str, text: str) -> float:
    """A finite number from a cell; ``FileProblem`` otherwise."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise FileProblem(path, f"{name} {text.strip()!r} is no finite number", row)
    return value


def whole(path: Path, row: int, name: str, text: str) -> int:
    """A whole number from 0 on from a cell; ``FileProblem`` otherwise."""
    value = number(path, row, name, text)
    if value < 0 or not value.is_integer():
        raise FileProblem(path, f"{name} {text.strip()} is no whole number from 0 on", row)
    return int(value)


def refuse_duplicates(path: Path, name: str, keys: Iterable[object], first_row: int = 1) -> None:
    """``FileProblem`` at the first row whose key came before."""
    seen: dict[object, int] = {}
    for row, key in enumerate(keys, first_row):
        if key in seen:
            raise FileProblem(path, f"{name} {key} came in row {seen[key]} already; it may come once", row)
        seen[key] = row
