"""Scenes of a folder as a contact sheet wants them: a few, spread over the run, the first channel in outline."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.app.sheet_panels import COLUMNS, outline
from spatial_lalm.audio.scene import Scene

Floats = NDArray[np.floating[Any]]
T = TypeVar("T")

MOST_SCENES = 8


def read_rows(folder: Path, layout: str) -> tuple[list[str], list[tuple[Floats, Scene]]]:
    """Names, outlines ``(1, n)`` and labels of at most ``MOST_SCENES`` scenes of a finished folder of any layout."""
    return _shard_rows(folder) if layout == "hdf5" else _file_rows(folder)


def _spread(items: Sequence[T]) -> list[T]:
    """The first, the last and what lies evenly between them."""
    chosen = np.linspace(0, len(items) - 1, min(len(items), MOST_SCENES)).round().astype(int)
    return [items[number] for number in chosen]


def _file_rows(folder: Path) -> tuple[list[str], list[tuple[Floats, Scene]]]:
    """Scenes whose JSON names their sound files."""
    from spatial_lalm.simulation.writer import described_scene

    paths = _spread(sorted((folder / "scenes").glob("*.json")))
    rows = []
    for path in paths:
        told = json.loads(path.read_bytes())
        scene = described_scene(told)
        files = [folder / name for name in told["sha256"] if name.endswith(".wav")]
        rows.append((_joined(files, round(scene.duration_s * scene.rate)), scene))
    return [path.stem for path in paths], rows


def _joined(files: Sequence[Path], samples: int) -> Floats:
    """The outline ``(1, n)`` of the first channel of files that follow each other, up to a number of samples."""
    import soundfile

    parts: list[Floats] = []
    done = 0
    for path in files:
        frames = min(soundfile.info(path).frames, samples - done)

        def read(start: int, stop: int, path: Path = path) -> Floats:
            wave: Floats = soundfile.read(path, start=start, stop=stop, dtype="float32", always_2d=True)[0][:, 0]
            return wave

        parts.append(outline(read, frames, max(1, COLUMNS * frames // samples)))
        done += frames
    return np.concatenate(parts)[None]


def _shard_rows(folder: Path) -> tuple[list[str], list[tuple[Floats, Scene]]]:
    from spatial_lalm.simulation.shards import ShardReader

    reader = ShardReader(folder)
    numbers = _spread(range(len(reader)))
    rows = []
    for number in numbers:
        wave = outline(lambda a, b, number=number: reader.audio(number, a, b)[0], reader.samples(number))  # type: ignore[misc]
        rows.append((wave[None], reader.scene(number)))
    return [f"scene {reader.number(number)}" for number in numbers], rows
