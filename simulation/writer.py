"""Files of a simulated scene: audio, frame labels in the STARSS format, and the whole scene as JSON.

Layout of a folder: ``audio/NAME.wav`` (AmbiX, 16 bit), ``metadata/NAME.csv`` (STARSS23: no header, integers
``frame,class,source,azimuth,elevation,distance_cm``, a row for every active 100 ms frame) and ``scenes/NAME.json``.
Every file is written under a temporary name in its folder, synced and renamed, so it is either whole or absent.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm import __version__
from spatial_lalm.audio.conventions import wrap_degrees
from spatial_lalm.audio.scene import FRAME_S, Scene, SourceEvent
from spatial_lalm.errors import InputError

LOUDEST = 0.99
"""A scene whose peak is above this is scaled down to it; the gain is written into its JSON."""
CONVENTION = "ambix ACN/SN3D"
AXES = "x front, y left, z up; azimuth counter-clockwise from the front, elevation upwards, degrees"
COLUMNS = ("frame", "class", "source", "azimuth", "elevation", "distance_cm")
Rows = NDArray[np.int64]


def sync(path: Path) -> None:
    """Have the disk hold a file, or the names in a folder, before anything that relies on it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def atomic_write(path: Path, data: bytes) -> None:
    """Write a file so that, whatever happens, ``path`` is the old file, the new file or absent, never a part."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_bytes(data)
        sync(temporary)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def json_bytes(value: Any) -> bytes:
    """Strict JSON (numbers that are not finite become null), indented, ending in a line feed."""
    return (json.dumps(_finite(value), indent=1, allow_nan=False) + "\n").encode()


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


# ---------------------------------------------------------------- frame labels


def _event_rows(event: SourceEvent, number: int, label: int, frames: int) -> list[list[int]]:
    """Rows of one event: a 100 ms frame of the scene is active when the event is active at the frame's middle."""
    rows = []
    for frame in range(frames):
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


def quantised(samples: NDArray[np.float32]) -> tuple[NDArray[np.int16], float]:
    """Samples ``(channels, n)`` as 16-bit integers and the gain in dB that kept their peak within ``LOUDEST``."""
    peak = float(np.abs(samples).max(initial=0.0))
    if not math.isfinite(peak):
        raise ValueError("rendered samples must be finite")
    gain = min(1.0, LOUDEST / peak) if peak else 1.0
    return np.round(samples * (gain * 32768)).astype(np.int16), 20 * math.log10(gain)


def _wav_bytes(pcm: NDArray[np.int16], rate: int) -> bytes:
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, pcm.T, rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def scene_paths(name: str) -> tuple[str, str, str]:
    """Paths of a scene's audio, labels and JSON, relative to the folder."""
    return f"audio/{name}.wav", f"metadata/{name}.csv", f"scenes/{name}.json"


def write_scene(
    folder: Path, name: str, samples: NDArray[np.float32], scene: Scene, classes: Sequence[str]
) -> dict[str, str]:
    """Write the three files of a scene, its JSON last; returns the SHA-256 of each by relative path.

    ``samples`` is ``(channels, n)`` in ACN/SN3D. The JSON is the scene with the class list, the convention, the gain
    in dB that was applied to the audio, and the SHA-256 of audio and labels.
    """
    audio_path, labels_path, scene_path = scene_paths(name)
    pcm, gain_db = quantised(samples)
    labels = "".join(",".join(map(str, row)) + "\n" for row in frame_rows(scene, classes).tolist())
    files = {audio_path: _wav_bytes(pcm, scene.rate), labels_path: labels.encode()}
    sums = {path: digest(data) for path, data in files.items()}
    description = scene.to_json() | {
        "convention": CONVENTION,
        "axes": AXES,
        "gain_db": gain_db,
        "classes": list(classes),
        "sha256": sums,
        "generator": f"spatial-lalm {__version__}",
    }
    files[scene_path] = json_bytes(description)
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        atomic_write(folder / path, data)
    return sums | {scene_path: digest(files[scene_path])}


def finished_scene(folder: Path, name: str, seed: int) -> dict[str, str] | None:
    """The SHA-256 by relative path of a scene that lies whole in the folder, or None where it must be made (again)."""
    audio_path, labels_path, scene_path = scene_paths(name)
    try:
        raw = (folder / scene_path).read_bytes()
        description = json.loads(raw)
        sums = {path: digest((folder / path).read_bytes()) for path in (audio_path, labels_path)}
        whole = description["sha256"] == sums and description["seed"] == seed
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return sums | {scene_path: digest(raw)} if whole else None
