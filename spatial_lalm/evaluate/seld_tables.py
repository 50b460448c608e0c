"""Label files of sound event localisation and detection: the CSV dialects of DCASE Task 3 2022 to 2025.

========= ======================================================= ========================= ========================
benchmark columns                                                 distances of references   distances of predictions
========= ======================================================= ========================= ========================
dcase2022 ``frame,class,source,azimuth,elevation``                not read                  not read
dcase2023 likewise                                                not read                  not read
dcase2024 likewise, then ``distance``                             cm                        m
dcase2025 header ``frame,class,source,azimuth,distance,onscreen`` cm                        cm
tracking  as dcase2022; every source comes once a frame           not read                  not read
========= ======================================================= ========================= ========================

Frames last 100 ms; degrees are counter-clockwise from the front and up. Up to 2024 there is no header, and the number
of columns tells the rest: 5 as above, 6 with a distance, 7 with ``x,y,z`` in place of the angles and a distance. Six
columns may also be ``frame,class,source,x,y,z`` as the systems of 2022 wrote them: say ``coordinates="cartesian"``.
The units of a benchmark are those that its official scorer takes for granted; a file whose distances can only be in the
other unit is refused, unless its unit was told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import unit_vector
from spatial_lalm.evaluate.files import FileProblem, number, read_rows, refuse_duplicates, whole

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]
Unit = Literal["cm", "m"]
Coordinates = Literal["polar", "cartesian"]

HEADER_2025 = ["frame", "class", "source", "azimuth", "distance", "onscreen"]
POLAR = ("azimuth", "elevation")
CARTESIAN = ("x", "y", "z")
COLUMNS = {5: POLAR, 6: (*POLAR, "distance"), 7: (*CARTESIAN, "distance")}
UNITS: dict[str, tuple[Unit, Unit]] = {"dcase2024": ("cm", "m"), "dcase2025": ("cm", "cm")}
"""Unit of the distances of references and of predictions, of the benchmarks that score distances."""
METRES: dict[Unit, float] = {"cm": 0.01, "m": 1.0}
NEAREST_CM, FARTHEST_M = 20.0, 30.0
"""Medians outside are taken for the other unit: sounds at less than 20 cm, sounds in a room at more than 30 m."""


@dataclass(frozen=True)
class SeldTable:
    """What sounds when and where, one row a source and frame of 100 ms, in the order of the file.

    ``frames``, ``classes`` and ``sources`` are ``(N,)``; ``directions (N, 3)`` are unit vectors x front, y left, z up;
    ``distances (N,)`` metres, NaN where the file tells none; ``onscreen (N,)`` 0 or 1, -1 where it does not say.
    """

    frames: Ints
    classes: Ints
    sources: Ints
    directions: Floats
    distances: Floats
    onscreen: Ints

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.frames)

    @classmethod
    def empty(cls) -> SeldTable:
        """Silence."""
        ints = np.zeros(0, dtype=np.int64)
        return cls(ints, ints, ints, np.zeros((0, 3)), np.zeros(0), ints)


@dataclass(frozen=True)
class SeldReader:
    """How the files of one side are read; ``unit`` None is the benchmark's own, which is then checked."""

    benchmark: str
    is_reference: bool
    unit: Unit | None = None
    coordinates: Coordinates = "polar"

    def __call__(self, path: Path) -> SeldTable:
        """Read a file.

        Raises:
            FileProblem: a row that breaks a rule; an empty reference (kind ``empty``). A prediction may be empty.
        """
        rows = read_rows(path)
        first_row = 1
        if self.benchmark == "dcase2025":
            _check_header(path, rows)
            rows, first_row = rows[1:], 2
        elif not rows and self.is_reference:
            raise FileProblem(
                path, "the reference is empty: whether nothing sounds or it broke off, none can tell", 1, "empty"
            )
        if not rows:
            return SeldTable.empty()
        cells = self._cells(path, rows, first_row)
        if self.is_reference or self.benchmark == "tracking":
            keys = zip(cells["frame"], cells["class"], cells["source"], strict=True)
            refuse_duplicates(path, "frame, class and source", (tuple(map(int, key)) for key in keys), first_row)
        return self._table(path, cells, first_row)

    def _cells(self, path: Path, rows: Sequence[Sequence[str]], first_row: int) -> dict[str, Floats]:
        """Numbers by column."""
        names = ["frame", "class", "source", *self._place(path, len(rows[0]), first_row)]
        values = np.empty((len(rows), len(names)))
        for index, row in enumerate(rows):
            if len(row) != len(names):
                rule = f"{len(row)} columns where {len(names)} are due ({','.join(names)})"
                raise FileProblem(path, rule, first_row + index)
            values[index] = [_value(path, first_row + index, *cell) for cell in zip(names, row, strict=True)]
        return dict(zip(names, values.T, strict=True))

    def _place(self, path: Path, columns: int, row: int) -> Sequence[str]:
        """Names of the columns after the third."""
        if self.benchmark == "dcase2025":
            return HEADER_2025[3:]
        names: Sequence[str] = COLUMNS.get(columns, ())
        if columns == 6 and self.coordinates == "cartesian":
            names = CARTESIAN
        if self.benchmark in UNITS and names and "distance" not in names:
            raise FileProblem(path, f"{columns} columns without a distance, which {self.benchmark} scores", row)
        if not names:
            known = "5 (frame,class,source,azimuth,elevation), 6 (and distance) or 7 (x,y,z in place of the angles)"
            rule = f"{columns} columns: give {known}"
            raise FileProblem(path, rule, row)
        return names

    def _table(self, path: Path, cells: dict[str, Floats], first_row: int) -> SeldTable:
        count = len(cells["frame"])
        frames, classes, sources = (cells[name].astype(np.int64) for name in ("frame", "class", "source"))
        onscreen = cells.get("onscreen", np.full(count, -1)).astype(np.int64)
        distances = np.full(count, np.nan)
        if self.benchmark in UNITS:
            distances = self._metres(path, cells["distance"], first_row)
        return SeldTable(frames, classes, sources, _directions(path, cells, first_row), distances, onscreen)

    def _metres(self, path: Path, distances: Floats, first_row: int) -> Floats:
        unit = self.unit or UNITS[self.benchmark][not self.is_reference]
        if self.is_reference and (distances <= 0).any():
            row = first_row + int(np.argmax(distances <= 0))
            raise FileProblem(path, "a distance of zero or less: relative errors need one above", row)
        middle = float(np.median(distances))
        if self.unit is None and (middle < NEAREST_CM if unit == "cm" else middle > FARTHEST_M):
            other, side = ("m" if unit == "cm" else "cm"), ("reference" if self.is_reference else "prediction")
            rule = f"a median distance of {middle:g} {unit}: give --{side}-unit {other}, or {unit} if it is so"
            raise FileProblem(path, rule, first_row)
        return distances * METRES[unit]


def _check_header(path: Path, rows: Sequence[Sequence[str]]) -> None:
    found = [cell.strip() for cell in rows[0]] if rows else []
    if found != HEADER_2025:
        lacks = [name for name in HEADER_2025 if name not in found]
        told = f"the header lacks {', '.join(lacks)}" if lacks else f"the header is {','.join(found)}"
        raise FileProblem(path, f"{told}: it must be {','.join(HEADER_2025)}", 1)


LIMITS = {
    "frame": (0.0, 24 * 36_000.0),
    "class": (0.0, 999.0),
    "azimuth": (-180.0, 360.0),
    "elevation": (-90.0, 90.0),
    "onscreen": (0.0, 1.0),
}
"""Frames end after a day: one beyond is a typing error, and would take memory for all before it."""


def _value(path: Path, row: int, name: str, text: str) -> float:
    """A cell as a number inside the limits of its column."""
    counts = name in ("frame", "class", "source", "onscreen")
    value = whole(path, row, name, text) if counts else number(path, row, name, text)
    low, high = LIMITS.get(name, (-np.inf, np.inf))
    if not low <= value <= high:
        raise FileProblem(path, f"{name} {value:g} lies outside {low:g} to {high:g}", row)
    return value


def _directions(path: Path, cells: dict[str, Floats], first_row: int) -> Floats:
    """Unit vectors ``(N, 3)``; without an elevation they lie on the horizon."""
    if "azimuth" in cells:
        return unit_vector(cells["azimuth"], cells.get("elevation", np.zeros(len(cells["azimuth"]))))
    vectors = np.stack([cells[name] for name in CARTESIAN], axis=-1)
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    if not length.all():
        raise FileProblem(path, "x, y, z are zero and point nowhere", first_row + int(np.argmin(length)))
    return np.asarray(vectors / length)
