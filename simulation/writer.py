"""Files of a simulated scene: audio, frame labels in the STARSS format, and the whole scene as JSON.

Layout of a folder: ``audio/NAME.wav`` (AmbiX or the capsules of an array, 16 bit), ``metadata/NAME.csv`` (STARSS23: no
header, integers ``frame,class,source,azimuth,elevation,distance_cm``, a row for every active 100 ms frame) and
``scenes/NAME.json``. Every file is written under a temporary name in its folder, synced and renamed, so it is either
whole or absent.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm import __version__
from spatial_lalm.audio.conventions import wrap_degrees
from spatial_lalm.audio.scene import FRAME_S, Scene, SourceEvent
from spatial_lalm.errors import InputError
from spatial_lalm.sealing import whole_or_absent
from spatial_lalm.simulation.takes import Samples, Take

CONVENTIONS = {"ambix": "ambix ACN/SN3D", "array": "array capsules"}
"""What a file says of its channels, by ``Scene.convention``."""
AXES = "x front, y left, z up; azimuth counter-clockwise from the front, elevation upwards, degrees"
COLUMNS = ("frame", "class", "source", "azimuth", "elevation", "distance_cm")
GENERATOR = f"spatial-lalm {__version__}"
Rows = NDArray[np.int64]
Data = bytes | Iterable[bytes]


# ---------------------------------------------------------------- whole or absent


def atomic_write(path: Path, data: Data) -> str:
    """Write a file so that, whatever happens, ``path`` is the old file, the new file or absent, never a part.

    Returns its SHA-256 in hexadecimal.
    """
    total = hashlib.sha256()
    with whole_or_absent(path) as temporary, temporary.open("wb") as handle:
        for piece in [data] if isinstance(data, bytes) else data:
            handle.write(piece)
            total.update(piece)
        handle.flush()
    return total.hexdigest()


def sweep(folder: Path) -> None:
    """Remove what writers that were killed have left below a folder that nobody else is writing to."""
    for path in folder.rglob(".*.tmp"):
        path.unlink(missing_ok=True)


def file_digest(path: Path) -> str:
    """SHA-256 of a file in hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def json_bytes(value: Any) -> bytes:
    """Strict JSON (numbers that are not finite become null), indented, ending in a line feed."""
    return (json.dumps(finite(value), indent=1, allow_nan=False) + "\n").encode()


def finite(value: Any) -> Any:
    """A plain value with None for numbers that are not finite."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


# ---------------------------------------------------------------- frame labels


def _event_rows(event: SourceEvent, number: int, label: int, frames: int) -> list[list[int]]:
    """Rows of one event: a 100 ms frame of the scene is active when the event is active at the frame's middle."""
    rows = []
    first = max(0, math.floor(event.onset_s / FRAME_S) - 1)
    for frame in range(first, min(frames, first + len(event.active) + 3)):
        middle = (frame + 0.5) * FRAME_S
        step = math.floor((middle - event.onset_s) / FRAME_S + 1e-9)
        if not 0 <= step < len(event.active) or not event.active[step] or middle >= event.offset_s:
            continue
        azimuth, elevation, distance = event.trajectory[min(step, len(event.trajectory) - 1)]
        degrees = int(wrap_degrees(round(azimuth)))
        rows.append([frame, label, number, degrees, round(elevation), round(100 * distance)])
    return rows


def frame_rows(scene: Scene, classes: Sequence[str]) -> Rows:
    """Labels ``(rows, 6)`` as in ``COLUMNS``, by frame; class is an index into ``classes``, source into the events."""
    index = {label: number for number, label in enumerate(classes)}
    frames = math.ceil(scene.duration_s / FRAME_S - 1e-9)
    rows = [
        row
        for number, event in enumerate(scene.events)
        for row in _event_rows(event, number, index[event.label], frames)
    ]
    return np.array(sorted(rows), dtype=np.int64).reshape(-1, len(COLUMNS))


def csv_bytes(rows: Rows, header: str = "") -> bytes:
    """Rows of integers as lines of a CSV file, below a header where the dialect has one."""
    return (header + "".join(",".join(map(str, row)) + "\n" for row in rows.tolist())).encode()


def read_scene_csv(path: str | Path) -> Rows:
    """Labels ``(rows, 6)`` as in ``COLUMNS`` of a file we wrote or of STARSS23; an empty file has no rows.

    ``InputError`` names the line that is not six integers.
    """
    try:
        lines = Path(path).read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not readable as frame labels ({error}); give a STARSS CSV") from None
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            rows.append([int(cell) for cell in line.split(",")])
        except ValueError:
            rows.append([])
        if len(rows[-1]) != len(COLUMNS):
            raise InputError(f"{path}, line {number}: {line[:60]!r} must be six integers {','.join(COLUMNS)}")
    return np.array(rows, dtype=np.int64).reshape(-1, len(COLUMNS))


# ---------------------------------------------------------------- one scene


def describe(take: Take, classes: Sequence[str]) -> dict[str, Any]:
    """The scene with what its audio means: convention, axes, the gain in dB that was applied, the class list."""
    return take.scene.to_json() | {
        "convention": CONVENTIONS[take.scene.convention],
        "axes": AXES,
        "gain_db": take.gain_db,
        "classes": list(classes),
        **take.extra,
    }


def described_scene(description: dict[str, Any]) -> Scene:
    """The scene that ``describe`` told of."""
    return Scene.from_json(description | {"convention": description["convention"].split()[0]})


def scene_paths(name: str) -> tuple[str, str, str]:
    """Paths of a scene's audio, labels and JSON, relative to the folder."""
    return f"audio/{name}.wav", f"metadata/{name}.csv", f"scenes/{name}.json"


def seal_scene(folder: Path, files: Mapping[str, Data], scene_path: str, description: dict[str, Any]) -> dict[str, str]:
    """Write the files of a scene, its JSON (with their SHA-256) last; returns the SHA-256 of each by relative path."""
    for path in (*files, scene_path):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
    sums = {path: atomic_write(folder / path, data) for path, data in files.items()}
    told = description | {"sha256": sums, "generator": GENERATOR}
    return sums | {scene_path: atomic_write(folder / scene_path, json_bytes(told))}


def write_take(folder: Path, name: str, take: Take, classes: Sequence[str]) -> dict[str, str]:
    """Write the three files of a scene; returns the SHA-256 of each by relative path."""
    audio_path, labels_path, scene_path = scene_paths(name)
    files: dict[str, Data] = {audio_path: take.wav(), labels_path: csv_bytes(frame_rows(take.scene, classes))}
    return seal_scene(folder, files, scene_path, describe(take, classes))


def write_scene(
    folder: Path,
    name: str,
    samples: Samples | Iterable[Samples],
    scene: Scene | Callable[[], Scene],
    classes: Sequence[str],
) -> dict[str, str]:
    """Write the three files of a scene, its JSON last; returns the SHA-256 of each by relative path.

    ``samples`` is ``(channels, n)`` or blocks of it in order, ``scene`` its labels or what gives them after the last
    block. The JSON is the scene with the class list, the convention, the gain in dB that was applied to the audio, and
    the SHA-256 of audio and labels.
    """
    with Take.record(samples, scene, folder) as take:
        return write_take(folder, name, take, classes)


def finished_scene(folder: Path, scene_path: str, seed: int) -> tuple[dict[str, str], dict[str, Any]] | None:
    """The SHA-256 by relative path and the JSON of a scene that lies whole in the folder.

    None where it must be made (again).
    """
    try:
        description = json.loads((folder / scene_path).read_bytes())
        promised = description["sha256"]
        sums = {path: file_digest(folder / path) for path in promised}
        whole = bool(sums) and sums == promised and description["seed"] == seed
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return (sums | {scene_path: file_digest(folder / scene_path)}, description) if whole else None
