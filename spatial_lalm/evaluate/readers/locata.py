"""LOCATA: loudspeakers and talkers, at rest and moving, recorded by four arrays, with positions by motion capture.

Positions are those of the room, in metres, at the times of ``required_time.txt``; a source's place seen from an array
is R' (source - array), with the array's rotation R. In the array's axes y is the front, x right, z up: the official
azimuth counts from y, the official elevation from z (0 above), ours from the horizon. Every array becomes a file of its
geometry, every recording a label file of ``tracking`` with frames of 100 ms (the nearest required time that is valid);
one source at rest (task 1) gives its direction as a question too. Voice activity does not gate the frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.arrays import MicrophoneArray
from spatial_lalm.audio.conventions import angles
from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.benchmark import Direction, Item, Loaded, Reader, Tracks
from spatial_lalm.evaluate.files import FileProblem, number, read_rows, refuse_duplicates
from spatial_lalm.evaluate.readers.gathering import Gathering, check_split
from spatial_lalm.evaluate.readers.rows import Row
from spatial_lalm.evaluate.readers.starss import FRAME_S, array_file
from spatial_lalm.sealing import whole_or_absent

Floats = NDArray[np.float64]
SPLITS = ("dev", "eval")
QUESTION = "Who speaks when, and from where? All are of class 0."
RIGID = {"eigenmike": 0.042}
"""Radius in metres of arrays that are rigid spheres; the heads of ``benchmark2`` and ``dummy`` are taken as open."""
TIME = ("year", "month", "day", "hour", "minute", "second")
ROTATION = tuple(f"rotation_{i}{j}" for i in (1, 2, 3) for j in (1, 2, 3))
FARTHEST_M = 30.0
REST_DEG = 1.0
TURN = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
"""From the files' axes (x right, y front, z up) to ours (x front, y left, z up)."""


@dataclass(frozen=True)
class Table:
    """A file of tab-separated numbers with a header: columns by name, each ``(T,)``."""

    path: Path
    columns: dict[str, Floats]

    def get(self, *names: str) -> Floats:
        """Columns side by side, ``(T, N)``; ``FileProblem`` for one that is absent."""
        lacks = [name for name in names if name not in self.columns]
        if lacks:
            raise FileProblem(self.path, f"the header lacks {', '.join(lacks)}", 1)
        return np.stack([self.columns[name] for name in names], axis=-1)

    def seconds(self, start: datetime) -> Floats:
        """Times ``(T,)`` in seconds since a moment."""
        return np.array([(_moment(self.path, row, one) - start).total_seconds() for row, one in self._times()])

    def start(self) -> datetime:
        """The first time."""
        row, one = self._times()[0]
        return _moment(self.path, row, one)

    def _times(self) -> list[tuple[int, Sequence[float]]]:
        return list(enumerate(self.get(*TIME).tolist(), 2))


def _moment(path: Path, row: int, parts: Sequence[float]) -> datetime:
    try:
        return datetime(*map(int, parts[:5])) + timedelta(seconds=float(parts[5]))  # type: ignore[arg-type]
    except ValueError as error:
        raise FileProblem(path, f"no moment in time: {error}", row) from error


def read_table(path: Path, first_only: bool = False) -> Table:
    """Read a table; ``FileProblem``: empty, another number of cells, what is no number."""
    if first_only:  # a time for every sample: the first is enough
        with path.open(encoding="utf-8") as stream:
            rows = [line.rstrip("\n").split("\t") for line in (stream.readline(), stream.readline()) if line.strip()]
    else:
        rows = read_rows(path, "\t")
    if len(rows) < 2:
        raise FileProblem(path, "is empty: it holds no row", 1, "empty")
    names = [name.strip() for name in rows[0]]
    values = np.empty((len(rows) - 1, len(names)))
    for index, cells in enumerate(rows[1:]):
        if len(cells) != len(names):
            raise FileProblem(path, f"{len(cells)} columns where {len(names)} are due", index + 2)
        values[index] = [number(path, index + 2, *cell) for cell in zip(names, cells, strict=True)]
    return Table(path, dict(zip(names, values.T, strict=True)))


def seen_from(array: Table, source: Table) -> Floats:
    """Where a source is seen from an array, ``(T, 3)`` metres in our axes."""
    here, there = array.get("x", "y", "z"), source.get("x", "y", "z")
    if len(here) != len(there):
        raise FileProblem(source.path, f"{len(there)} rows where {array.path.name} has {len(here)}", len(there) + 1)
    rotation = array.get(*ROTATION).reshape(-1, 3, 3)
    seen: Floats = np.einsum("tji,tj->ti", rotation, there - here) @ TURN.T
    distances = np.linalg.norm(seen, axis=1)
    wrong = np.flatnonzero((distances <= 0) | (distances > FARTHEST_M))
    if len(wrong):
        row = int(wrong[0]) + 2
        raise FileProblem(source.path, f"{distances[wrong[0]]:g} m from {array.path.name}: give metres", row)
    return seen


def geometry(array: Table, name: str) -> MicrophoneArray:
    """The capsules in the array's own axes, turned into ours, at the first time."""
    count = sum(1 for column in array.columns if column.startswith("mic") and column.endswith("_x"))
    if not count:
        raise FileProblem(array.path, "the header lacks mic1_x", 1)
    capsules = np.stack([array.get(*(f"mic{one}_{axis}" for axis in "xyz"))[0] for one in range(1, count + 1)])
    rotation = array.get(*ROTATION)[0].reshape(3, 3)
    local = (capsules - array.get("x", "y", "z")[0]) @ rotation @ TURN.T
    try:
        return MicrophoneArray(f"locata_{name}", local, RIGID.get(name))
    except InputError as error:
        raise FileProblem(array.path, str(error), 2) from error


# ---------------------------------------------------------------- recordings


def read(folder: Path, split: str) -> Loaded:
    """Gather every array of every recording of a split."""
    gathered = Gathering(folder)
    root = folder / check_split(split, SPLITS)
    places = sorted(path.parent for path in root.rglob("position_array_*.txt"))
    if not places:
        raise InputError(f"{root}: holds no taskN/recordingN/ARRAY/position_array_ARRAY.txt; see docs/benchmarks.md")
    for place in places:
        with gathered.noting():
            gathered.add(*_items(gathered, root, place))
    return gathered.loaded()


def _items(gathered: Gathering, root: Path, place: Path) -> list[Item]:
    table = next(iter(sorted(place.glob("position_array_*.txt"))))
    name = table.stem.removeprefix("position_array_")
    row = Row(table, 1, {})
    recording = str(place.relative_to(root))
    gathered.name(row, recording)
    sound = gathered.sound(row, f"audio_array_{name}.wav", place)
    sources = sorted(place.glob("position_source_*.txt"))
    if not sources:
        raise FileProblem(
            table, "has no position_source_*.txt beside it: where the sources are is not told", kind="missing"
        )
    array = read_table(table)
    required = _table(place / "required_time.txt")
    refuse_duplicates(required.path, "time", map(tuple, required.get(*TIME).tolist()), 2)
    seen = [seen_from(array, read_table(path)) for path in sources]
    if len(required.get("valid_flag")) != len(seen[0]):
        raise FileProblem(
            required.path, f"{len(required.get('valid_flag'))} rows where {table.name} has {len(seen[0])}", 1
        )
    capsules = geometry(array, name)
    if gathered.header(row, sound).channels != capsules.microphones:
        raise row.problem(
            f"tells of {capsules.microphones} capsules, {sound.name} has {gathered.header(row, sound).channels}"
        )
    start = _start(place, name, required)
    seconds = gathered.header(row, sound).frames / gathered.header(row, sound).rate
    truth = Tracks(_labels(gathered, recording, required, seen, start, seconds), "tracking")
    task, file = recording.split("/")[0], array_file(gathered, capsules)
    items = [Item(recording, (sound,), QUESTION, truth, recording.rsplit("/", 1)[0], f"{task} / {name}", array=file)]
    if (at_rest := _at_rest(seen)) is not None:
        question = "Where does the sound come from?"
        items.append(Item(f"{recording}/direction", (sound,), question, at_rest, recording.rsplit("/", 1)[0],
                          f"{task} / {name}", array=file))  # fmt: skip
    return items


def _table(path: Path) -> Table:
    if not path.is_file():
        raise FileProblem(path, "is not there", kind="missing")
    return read_table(path)


def _start(place: Path, name: str, required: Table) -> datetime:
    """When the sound begins: the first of its time stamps, or else the first required time."""
    stamps = place / f"audio_array_timestamps_{name}.txt"
    return (read_table(stamps, first_only=True) if stamps.is_file() else required).start()


def _at_rest(seen: Sequence[Floats]) -> Direction | None:
    """The direction of the only source, if it and the array stay where they are."""
    if len(seen) != 1:
        return None
    azimuths, elevations = angles(seen[0])
    spread = np.abs((azimuths - azimuths[0] + 180) % 360 - 180).max() + np.ptp(elevations)
    return Direction(float(azimuths[0]), float(elevations[0])) if spread < REST_DEG else None


def _labels(
    gathered: Gathering, name: str, required: Table, seen: Sequence[Floats], start: datetime, seconds: float
) -> Path:
    """A label file of ``tracking``: every frame of 100 ms that has a valid required time within half a frame."""
    times, valid = required.seconds(start), required.get("valid_flag")[:, 0] > 0
    if not valid.any():
        raise FileProblem(required.path, "no time is valid: there is nothing to be scored", 2, "empty")
    lines = []
    for frame in range(int(seconds / FRAME_S)):
        away = np.where(valid, np.abs(times - (frame + 0.5) * FRAME_S), np.inf)
        nearest = int(np.argmin(away))
        if away[nearest] <= FRAME_S / 2:
            for source, places in enumerate(seen):
                azimuth, elevation = angles(places[nearest])
                lines.append(f"{frame},0,{source},{float(azimuth):.3f},{float(elevation):.3f}\n")
    if not lines:
        raise FileProblem(required.path, "no required time lies within the sound: are the clocks the same?", 2, "empty")
    table = gathered.cache("labels") / f"{name.replace('/', '_')}.csv"
    with whole_or_absent(table) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")
    return table


LOCATA = Reader("locata", SPLITS, "SPLIT/taskN/recordingN/ARRAY/ with audio_array_ARRAY.wav and the .txt files", read)
