"""Whether this machine makes the same bench as ours did: checksums of a few scenes of every subset, kept in a file.

Floating-point sums differ in their last bits between processors and between versions of the FFT, of FLAC and of the
vector units' sines, so equal bytes are the best case and no promise. What must agree on every machine: all words of
items (names, questions, options), every number in them within ``NEAR``, and the level of every recording within
``NEAR_DB``.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spatial_lalm.errors import InputError
from spatial_lalm.simulation.bench.recipe import Bench, BenchSplit, load_bench
from spatial_lalm.simulation.bench.writing import CHECKSUMS, ITEMS, SCENES, Progress, read_lines, write_bench
from spatial_lalm.simulation.dataset import read_object
from spatial_lalm.simulation.writer import atomic_write

BENCH = Path(__file__).with_name("checks.json")
"""The shipped checksums; ``python -m spatial_lalm.simulation.bench record`` writes them."""
SPLIT: BenchSplit = "dev"
NEAR = 1e-3
"""Relative difference of numbers; below 1 the absolute one."""
NEAR_DB = 0.05
QUARTERS = 4
Print = dict[str, Any]


@dataclass(frozen=True)
class Verdict:
    """How a subset made here compares: ``identical`` bytes, or the same ``words``, and the largest differences.

    ``number`` is relative (below 1 absolute), ``level_db`` in dB; both are infinite where there are more or fewer.
    """

    subset: str
    identical: bool
    words: bool
    number: float
    level_db: float

    @property
    def same(self) -> bool:
        """Whether it is the same bench."""
        return self.identical or (self.words and self.number <= NEAR and self.level_db <= NEAR_DB)


def record(path: Path = BENCH, progress: Progress = lambda done, total: None, bench: Bench | None = None) -> None:
    """Make the small size of every subset here and write its checksums."""
    bench = bench or load_bench()
    content = {"version": bench.version, "seed": bench.seed, "subsets": _made(bench, progress)}
    atomic_write(path, (json.dumps(content, indent=1) + "\n").encode())


def verify(
    path: Path = BENCH, progress: Progress = lambda done, total: None, bench: Bench | None = None
) -> tuple[Verdict, ...]:
    """Make the small size of every subset here and compare it with the checksums of a file.

    ``InputError`` where the file is not there or is of another version or seed of the bench.
    """
    bench, kept = bench or load_bench(), read_object(path)
    if kept is None:
        raise InputError(f"{path}: no checksums there; record them on a machine that is to be compared with")
    if (kept["version"], kept["seed"]) != (bench.version, bench.seed) or set(kept["subsets"]) != set(bench.subsets):
        raise InputError(f"{path}: checksums of version {kept['version']}, not {bench.version}; record them again")
    made = _made(bench, progress)
    return tuple(_compared(name, kept["subsets"][name], made[name]) for name in bench.subsets)


def _made(bench: Bench, progress: Progress) -> dict[str, Print]:
    with tempfile.TemporaryDirectory() as folder:
        root = write_bench(folder, SPLIT, progress=progress, size="check", bench=bench)
        return {name: fingerprint(root / name) for name in bench.subsets}


def fingerprint(folder: Path) -> Print:
    """What is kept of a written subset: checksums of bytes and of words, the numbers of its items, levels in dB."""
    items, scenes = read_lines(folder / ITEMS), read_lines(folder / SCENES)
    own = [
        {key: item.get(key) for key in ("name", "question", "audio", "category", "truth", "facts")} for item in items
    ]
    heard = [[event["label"], event["speaker"]] for scene in scenes for event in scene["events"]]
    words = json.dumps([_numberless(own), heard], sort_keys=True)
    return {
        "whole": json.loads((folder / CHECKSUMS).read_bytes())["whole"],
        "words": hashlib.sha256(words.encode()).hexdigest(),
        "numbers": [float(f"{value:.6g}") for value in _numbers(own)],
        "levels_db": {scene["audio"]: levels_db(folder / scene["audio"]) for scene in scenes},
    }


def _numberless(value: Any) -> Any:
    """A plain value without its fractions, as two machines must tell it alike."""
    if isinstance(value, dict):
        return {key: _numberless(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numberless(item) for item in value]
    return "#" if isinstance(value, float) else value


def _numbers(value: Any) -> Iterator[float]:
    """Every fraction of a plain value, objects by the order of their keys."""
    if isinstance(value, dict):
        for key in sorted(value):
            yield from _numbers(value[key])
    elif isinstance(value, list):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, float):
        yield value


def levels_db(path: Path) -> list[float]:
    """RMS in dB re full scale of the first channel in every quarter of a recording, then of every channel."""
    import soundfile

    samples, _ = soundfile.read(str(path), dtype="float32", always_2d=True)
    parts = [*np.array_split(samples[:, 0], QUARTERS), *samples.T]
    power = [float(np.mean(np.square(part, dtype=np.float64))) for part in parts]
    return [round(10 * float(np.log10(value + 1e-12)), 3) for value in power]


def _compared(name: str, kept: Print, made: Print) -> Verdict:
    level = max(
        (_largest(kept["levels_db"].get(audio, []), found, 1.0) for audio, found in made["levels_db"].items()),
        default=0.0,
    )
    return Verdict(
        name,
        kept["whole"] == made["whole"],
        kept["words"] == made["words"],
        _largest(kept["numbers"], made["numbers"]),
        level,
    )


def _largest(kept: list[float], made: list[float], scale: float = np.inf) -> float:
    """Largest difference of two lists over the larger of 1 and the number, at most ``scale``."""
    if len(kept) != len(made):
        return np.inf
    ours, here = np.array(kept), np.array(made)
    return float(np.max(np.abs(ours - here) / np.clip(np.abs(ours), 1.0, scale), initial=0.0))
