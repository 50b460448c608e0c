"""L3DAS22 and L3DAS23, Task 2: recordings of two first-order microphones with tables of events, 14 classes.

A label file is a table ``File,Start,End,Class,X,Y,Z`` (L3DAS22; metres) or ``…,Class,rho,theta,z`` (L3DAS23; metres and
degrees), or rows without a header, one a frame of 100 ms: ``frame,class,`` and the same three. Either becomes a label
file of ``dcase2024`` (distances in cm) for an evaluation; ``evaluate.location`` has the challenge's own F (1.75 m).

Axes: its scorer takes theta counter-clockwise from y, so y is the front, x right and z up. Microphone A is heard, which
is where the axes begin; sources of a class are numbered as they overlap.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from spatial_lalm.audio.conventions import angles, unit_vector
from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.benchmark import Item, Loaded, Reader, Tracks
from spatial_lalm.evaluate.files import FileProblem, number, read_rows, refuse_duplicates, whole
from spatial_lalm.evaluate.readers.gathering import Gathering, check_split
from spatial_lalm.evaluate.readers.rows import Row
from spatial_lalm.evaluate.readers.starss import FRAME_S, SLACK_S
from spatial_lalm.sealing import whole_or_absent

CLASSES = (
    "Chink_and_clink", "Computer_keyboard", "Cupboard_open_or_close", "Drawer_open_or_close",
    "Female_speech_and_woman_speaking", "Finger_snapping", "Keys_jangling", "Knock", "Laughter",
    "Male_speech_and_man_speaking", "Printer", "Scissors", "Telephone", "Writing",
)  # fmt: skip
QUESTION = f"What sounds when and where, of these classes (from 0): {', '.join(CLASSES).replace('_', ' ')}?"
PLACES = {"l3das22": ("X", "Y", "Z"), "l3das23": ("rho", "theta", "z")}
SPLITS = ("dev", "train", "test")
PROTOCOL = "dcase2024"
FARTHEST_M = 30.0
Place = tuple[float, float, float]


def direction_cm(path: Path, row: int, benchmark: str, place: Sequence[float]) -> Place:
    """Azimuth and elevation in degrees and distance in cm of a place as the files have it."""
    first, second, up = place
    right, front = (first, second)
    if benchmark == "l3das23":
        if first < 0 or abs(second) > 360:
            raise FileProblem(path, f"rho {first:g}, theta {second:g}: rho is 0 or more metres, theta degrees", row)
        theta = np.radians(second)
        right, front = -first * np.sin(theta), first * np.cos(theta)
    distance = float(np.linalg.norm((right, front, up)))
    if not 0 < distance <= FARTHEST_M:
        raise FileProblem(path, f"a source {distance:g} m away: give metres, from above 0 to {FARTHEST_M:g}", row)
    azimuth, elevation = angles(np.array([front, -right, up]))
    return float(azimuth), float(elevation), 100 * distance


def soundings(path: Path, benchmark: str) -> list[tuple[int, int, Place]]:
    """Frame, class and place in metres (x front, y left, z up) of every sounding source, by ``frames_of``."""
    return [
        (frame, kind, tuple((distance / 100 * unit_vector(azimuth, elevation)).tolist()))
        for frame, kind, (azimuth, elevation, distance), _ in frames_of(path, benchmark)
    ]


def frames_of(path: Path, benchmark: str) -> list[tuple[int, int, Place, int]]:
    """Frame, class, place and row of the file of every sounding source; ``FileProblem`` for what breaks a rule."""
    rows = read_rows(path)
    if not rows:
        raise FileProblem(path, "is empty: whether nothing sounds or it broke off, none can tell", 1, "empty")
    refuse_duplicates(path, "row", map(tuple, rows))
    names = [cell.strip() for cell in rows[0]]
    if names and names[0].isdigit():
        return [_frame(path, number, cells, benchmark) for number, cells in enumerate(rows, 1)]
    lacks = [name for name in ("Start", "End", "Class", *PLACES[benchmark]) if name not in names]
    if lacks:
        raise FileProblem(path, f"the header lacks {', '.join(lacks)}", 1)
    found = []
    for number_of, cells in enumerate(rows[1:], 2):
        if len(cells) != len(names):
            raise FileProblem(path, f"{len(cells)} columns where {len(names)} are due ({','.join(names)})", number_of)
        found += _event(path, number_of, dict(zip(names, cells, strict=True)), benchmark)
    return found


def _frame(path: Path, row: int, cells: Sequence[str], benchmark: str) -> tuple[int, int, Place, int]:
    names = ("frame", "class", *PLACES[benchmark])
    if len(cells) != len(names):
        raise FileProblem(path, f"{len(cells)} columns where {len(names)} are due ({','.join(names)})", row)
    place = [number(path, row, *cell) for cell in zip(names[2:], cells[2:], strict=True)]
    return (
        whole(path, row, "frame", cells[0]),
        _class(path, row, cells[1]),
        direction_cm(path, row, benchmark, place),
        row,
    )


def _event(path: Path, row: int, cells: dict[str, str], benchmark: str) -> list[tuple[int, int, Place, int]]:
    start, end = (number(path, row, name, cells[name]) for name in ("Start", "End"))
    if not 0 <= start <= end <= 3600:
        raise FileProblem(path, f"from {start:g} to {end:g} s: give 0 <= Start <= End in seconds", row)
    place = direction_cm(path, row, benchmark, [number(path, row, name, cells[name]) for name in PLACES[benchmark]])
    kind = _class(path, row, cells["Class"])
    return [
        (frame, kind, place, row)
        for frame in range(round(start / FRAME_S), max(round(end / FRAME_S), round(start / FRAME_S) + 1))
    ]


def _class(path: Path, row: int, text: str) -> int:
    """The number of a class, told by number or name."""
    name = text.strip().replace(" ", "_")
    if name in CLASSES:
        return CLASSES.index(name)
    if name.isdigit() and int(name) < len(CLASSES):
        return int(name)
    raise FileProblem(path, f"class {text.strip()!r} is none of the {len(CLASSES)} of the challenge", row)


def labels_file(gathered: Gathering, path: Path, frames: Sequence[tuple[int, int, Place, int]]) -> Path:
    """The frames as a label file of ``dcase2024``; those of one class at once are numbered as they come."""
    sources: dict[tuple[int, int], int] = defaultdict(int)
    table = gathered.cache("labels") / f"{path.stem}.csv"
    with whole_or_absent(table) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        for frame, kind, place, _ in sorted(frames, key=lambda one: one[0]):
            writer.writerow([frame, kind, sources[frame, kind], *(f"{value:.3f}" for value in place)])
            sources[frame, kind] += 1
    return table


def read(benchmark: str, folder: Path, split: str) -> Loaded:
    """Gather the recordings of a split, those of microphone A."""
    gathered = Gathering(folder)
    check_split(split, SPLITS)
    root = next((one for one in sorted(folder.glob(f"*Task2_{split}*")) if one.is_dir()), folder / split)
    labels = sorted((root / "labels").glob("*.csv"))
    if not labels:
        raise InputError(f"{root}: holds no labels/*.csv; see docs/benchmarks.md for the layout")
    for path in labels:
        row = Row(path, 1, {})
        with gathered.noting():
            name = gathered.name(row, path.stem.removeprefix("label_"))
            sound = gathered.sound(row, f"{name}_A.wav", root / "data")
            frames = frames_of(path, benchmark)
            last = max(frames, key=lambda one: one[0])
            gathered.within(Row(path, last[3], {}), sound, (last[0] + 1) * FRAME_S, SLACK_S)
            truth = Tracks(labels_file(gathered, path, frames), PROTOCOL)
            overlap = next((part for part in name.split("_") if part.startswith("ov")), "")
            gathered.add(Item(name, (sound,), QUESTION, truth, name, overlap, "foa"))
    return gathered.loaded()


L3DAS_READERS = tuple(
    Reader(name, SPLITS, f"{name.upper()}_Task2_SPLIT/data/NAME_A.wav and labels/label_NAME.csv", partial(read, name))
    for name in PLACES
)
