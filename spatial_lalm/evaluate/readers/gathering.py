"""What every reader does: go through rows and files, keep the items, and note a problem for all that is no item."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from spatial_lalm.audio.soundfiles import FileReader, Header, read_header
from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.benchmark import Item, Loaded
from spatial_lalm.evaluate.files import FileProblem
from spatial_lalm.evaluate.readers.rows import SUFFIXES, Row, read_objects

SOUNDS = (".wav", ".flac", ".ogg", ".mp3", ".w64", ".caf", ".aiff", ".au")


class Gathering:
    """Items and problems of a split as they are found; one problem for each row or file that is left out.

    ``folder`` is where the benchmark lies; ``InputError`` where there is no such folder.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise InputError(f"{folder}: is no folder; give the one that the benchmark was unpacked to")
        self.folder = folder
        self._items: list[Item] = []
        self._problems: list[FileProblem] = []
        self._names: dict[str, tuple[Path, int]] = {}
        self._headers: dict[Path, Header | InputError] = {}

    def loaded(self) -> Loaded:
        """What was found."""
        return Loaded(tuple(self._items), tuple(self._problems))

    def add(self, *items: Item) -> None:
        """Keep items."""
        self._items += items

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note the problem that ends the block, and go on after it."""
        try:
            yield
        except FileProblem as problem:
            self._problems.append(problem)

    def note(self, problem: FileProblem) -> None:
        """Note a problem."""
        self._problems.append(problem)

    # ------------------------------------------------------------ tables

    def table(self, *names: str) -> Path:
        """The first of the names, relative to the folder, that is a file there.

        ``InputError``: none is, or all that are there are Parquet and pyarrow is not (told when it is read).
        """
        for name in names:
            if (self.folder / name).is_file():
                return self.folder / name
        raise InputError(f"{self.folder}: holds no {' or '.join(names)}; see docs/benchmarks.md for the layout")

    def one_table(self, *stems: str) -> Path:
        """The first table of any kind with one of these stems, relative to the folder; ``InputError``: none."""
        return self.table(*(f"{stem}{suffix}" for stem in stems for suffix in SUFFIXES))

    def rows(self, path: Path, under: Sequence[str] = (), columns: Sequence[str] | None = None) -> Iterator[Row]:
        """The rows of a table; what is no row is noted."""
        with self.noting():
            for row in read_objects(path, under, columns):
                if isinstance(row, FileProblem):
                    self.note(row)
                else:
                    yield row

    def each(
        self, path: Path, make: Callable[[Row], Sequence[Item]], under: Sequence[str] = (), columns: Sequence[str] = ()
    ) -> None:
        """Keep the items that ``make`` gives for every row, and note the problems that it raises."""
        for row in self.rows(path, under, columns or None):
            with self.noting():
                self.add(*make(row))

    def name(self, row: Row, name: str) -> str:
        """A name that may come once; ``FileProblem`` where it came before."""
        if name in self._names:
            path, number = self._names[name]
            where = f"row {number}" if path == row.path else f"{path}, row {number}"
            raise row.problem(f"id {name} came in {where} already; it may come once")
        self._names[name] = (row.path, row.number)
        return name

    # ------------------------------------------------------------ sounds

    def sound(self, row: Row, name: str, *roots: Path, shorten: bool = False) -> Path:
        """The sound file that a row names, found below one of the roots and looked at by its header.

        Leading ``/`` and ``./`` do not count; with ``shorten`` leading folders may be others (``/path/to/…``).
        ``FileProblem``: absent (kind ``missing``), truncated, no sound.
        """
        parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", ".")]
        if ".." in parts or not parts:
            raise row.problem(f"audio {name!r} must name a file inside the folder")
        roots = tuple(dict.fromkeys(roots or (self.folder,)))
        for start in range(len(parts) if shorten else 1):
            for root in roots:
                path = root.joinpath(*parts[start:])
                if path.is_file():
                    self._look(row, path)
                    return path
        raise row.problem(f"audio {name} is not below {' or '.join(map(str, roots))}", "missing")

    def header(self, row: Row, path: Path) -> Header:
        """Rate, channels and length of a sound file, read once; ``FileProblem`` where it cannot be read."""
        return self._look(row, path)

    def within(self, row: Row, path: Path, end_s: float, slack_s: float = 0.0) -> None:
        """``FileProblem`` for a moment after the end of a recording: a wrong unit, or a sound that was cut."""
        header = self._look(row, path)
        if end_s > header.frames / header.rate + slack_s:
            raise row.problem(
                f"{end_s:g} s lies after the end of {path.name} ({header.frames / header.rate:.3f} s): "
                "is it in another unit, or the recording cut?"
            )

    def _look(self, row: Row, path: Path) -> Header:
        if path not in self._headers:
            try:
                self._headers[path] = _whole_header(path)
            except InputError as error:
                self._headers[path] = error
        found = self._headers[path]
        if isinstance(found, InputError):
            raise row.problem(f"audio {found}")
        return found

    # ------------------------------------------------------------ files of our own

    def cache(self, kind: str) -> Path:
        """A folder for files made from the benchmark's: ``.spatial-lalm`` in its folder, or the user's cache.

        The latter (``$XDG_CACHE_HOME/spatial-lalm/benchmarks``) where the benchmark's folder cannot be written to.
        """
        root = self.folder / ".spatial-lalm"
        if not os.access(self.folder, os.W_OK):
            base = os.environ.get("XDG_CACHE_HOME", "")
            home = Path(base) if os.path.isabs(base) else Path.home() / ".cache"
            key = hashlib.sha256(str(self.folder.resolve()).encode()).hexdigest()[:16]
            root = home / "spatial-lalm" / "benchmarks" / key
        try:
            (root / kind).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{root / kind}: cannot be made ({error.strerror}); it is for files of our own") from None
        return root / kind


def _whole_header(path: Path) -> Header:
    """A header, and for FLAC the last sample, which is not there where the file was cut: its header would not tell."""
    header = read_header(path)
    if path.suffix.lower() == ".flac":
        try:
            with FileReader(path, None, header.rate, header.channels) as reader:
                reader.read(header.frames - 1, header.frames)
        except InputError:
            raise InputError(f"{path}: truncated, its last sample is missing: copy or export it again") from None
    return header


def check_split(split: str, splits: Sequence[str]) -> str:
    """The split itself; ``InputError`` where there is none of that name."""
    if split not in splits:
        raise InputError(f"split {split!r} is unknown; choose {', '.join(splits)}")
    return split
