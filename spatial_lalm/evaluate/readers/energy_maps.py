"""DCASE 2026 Task 3 (acoustic imaging): energy maps of each source and frame as JSON.

For an evaluation a map is read for the direction of its peak, and the peaks are written as a label file of
``dcase2024`` (distances in cm), by which recordings are scored: direction, distance and class count, the shape not.
``evaluate.energy_fields`` scores maps against maps.

Maps are equirectangular, 360 by 180 pixels: azimuth 180 - x, elevation 90 - y, so the front is in the middle and left
is left. x may be negative or above 359 where a contour crosses the seam. Frames last 100 ms.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import wrap_degrees
from spatial_lalm.evaluate.benchmark import Item, Loaded, Reader, Tracks
from spatial_lalm.evaluate.files import FileProblem
from spatial_lalm.evaluate.readers.gathering import SOUNDS, Gathering, check_split
from spatial_lalm.evaluate.readers.rows import Row, read_objects
from spatial_lalm.evaluate.readers.starss import PARTS, QUESTION, below, check_frames, paired, unlabelled
from spatial_lalm.evaluate.seld_tables import FARTHEST_M, LIMITS, NEAREST_CM, SeldReader
from spatial_lalm.sealing import whole_or_absent

WIDTH, HEIGHT = 360, 180
PROTOCOL = "dcase2024"
KINDS = {"em32": ("em32_dev", None, "em32"), "foa": ("foa_dev", "foa", None), "mic": ("mic_dev", None, "starss_mic")}
SPLITS = tuple(f"{part}-{kind}" for part in PARTS for kind in KINDS)


@dataclass(frozen=True)
class EnergyMap:
    """One source in one frame: ``points (N, 3)`` are pixels x, y and energy; the distance is in cm.

    ``score``: how sure a system is of it, 0 where it does not say.
    """

    frame: int
    category: int
    instance: int
    points: NDArray[np.float64]
    distance_cm: float
    score: float = 0.0

    @property
    def peak_deg(self) -> tuple[float, float]:
        """Azimuth and elevation of the loudest point, the first of equals."""
        x, y, _ = self.points[np.argmax(self.points[:, 2])]
        return float(wrap_degrees(WIDTH / 2 - x * 360 / WIDTH)), float(90 - y * 180 / HEIGHT)


def read_maps(path: Path, scored: bool = False) -> Iterator[EnergyMap]:
    """The maps of a file, of a prediction with its ``scored`` ones; ``FileProblem`` at the first that breaks a rule."""
    seen: dict[tuple[int, int, int], int] = {}
    for row in read_objects(path, ("annotations",)):
        if isinstance(row, FileProblem):
            raise row
        one = _map(row, scored)
        key = (one.frame, one.category, one.instance)
        if key in seen:
            raise row.problem(f"frame, category_id and instance_id {key} came in row {seen[key]} already")
        seen[key] = row.number
        yield one


def _map(row: Row, scored: bool) -> EnergyMap:
    whole = []
    for name, (low, high) in (
        ("metadata_frame_index", LIMITS["frame"]), ("category_id", (0, 12)), ("instance_id", (0, 1e6))
    ):  # fmt: skip
        value = row.amount(low, high, "(whole)", name)
        if not value.is_integer():
            raise row.problem(f"{name} {value:g} is no whole number")
        whole.append(int(value))
    distance = row.amount(NEAREST_CM, 100 * FARTHEST_M, "cm", "distance")
    score = row.amount(0.0, 1.0, "(a share)", "score") if scored else 0.0
    return EnergyMap(whole[0], whole[1], whole[2], _points(row), distance, score)


def _points(row: Row) -> NDArray[np.float64]:
    """All points of a row's contours ``(N, 3)``."""
    contours: Any = row.get("segmentation")
    try:
        points = np.array([point for contour in contours for point in contour], dtype=np.float64)
    except (TypeError, ValueError):
        points = np.empty(0)
    if points.ndim != 2 or points.shape[1] != 3 or not np.isfinite(points).all():
        raise row.problem("segmentation must be a list of contours of points [x, y, energy], one at least")
    x, y = points[:, 0], points[:, 1]
    if (np.abs(x) > 2 * WIDTH).any() or (y < 0).any() or (y > HEIGHT).any():
        raise row.problem(f"segmentation leaves the map of {WIDTH} x {HEIGHT} pixels: is it of another size?")
    return points


def peaks_file(gathered: Gathering, path: Path) -> Path:
    """The peaks of a file of maps as a label file, always written anew: the maps may have changed."""
    lines = []
    for one in read_maps(path):
        azimuth, elevation = one.peak_deg
        lines.append(f"{one.frame},{one.category},{one.instance},{azimuth:g},{elevation:g},{one.distance_cm:g}\n")
    table = gathered.cache("peaks") / f"{path.stem}.csv"
    with whole_or_absent(table) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")
    return table


def read(folder: Path, split: str) -> Loaded:
    """Gather the recordings of a split."""
    gathered = Gathering(folder)
    part, kind = check_split(split, SPLITS).rsplit("-", 1)
    audio, form, array = KINDS[kind]
    labels = below(folder / "metadata_dev", part, (".json",))
    sounds = {path.stem: path for path in below(folder / audio, part, SOUNDS)}
    for path in labels:
        row = Row(path, 1, {})
        with gathered.noting():
            name = gathered.name(row, path.stem)
            sound = paired(row, sounds, folder / audio)
            table = peaks_file(gathered, path)
            check_frames(gathered, path, sound, SeldReader(PROTOCOL, is_reference=True)(table))
            gathered.add(Item(name, (sound,), QUESTION, Tracks(table, PROTOCOL), name, path.parent.name, form, array))
    unlabelled(gathered, sounds, labels)
    return gathered.loaded()


DCASE2026 = Reader(
    "dcase2026", SPLITS, "metadata_dev/dev-*/NAME.json beside em32_dev/, foa_dev/ or mic_dev/ dev-*/NAME.wav", read
)
