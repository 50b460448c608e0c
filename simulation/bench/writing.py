"""spatial-bench as a folder: ``DIR/SPLIT/SUBSET`` with audio, ``scenes.jsonl``, ``items.jsonl``, ``checksums.json``.

Above the subsets ``DIR/SPLIT`` has the items of all of them and the checksums of what they come to. A folder with
``checksums.json`` is complete; it is written last, everything is whole or absent, and the same call goes on.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from spatial_lalm.errors import InputError
from spatial_lalm.simulation.bench.recipe import SPLITS, Bench, BenchSplit, Size, load_bench
from spatial_lalm.simulation.bench.rendering import PARTS, Part, SubsetScenes, whole
from spatial_lalm.simulation.bench.truths import askable
from spatial_lalm.simulation.bench.voices import bench_library
from spatial_lalm.simulation.dataset import SETTINGS, locked, read_object, told_system_errors
from spatial_lalm.simulation.impossible import refuse_impossible
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.workers import results
from spatial_lalm.simulation.writer import GENERATOR, atomic_write, file_digest, finite, json_bytes, sweep

Progress = Callable[[int, int], None]
SCENES, ITEMS, CHECKSUMS = "scenes.jsonl", "items.jsonl", "checksums.json"
SOURCE_SPLITS: dict[BenchSplit, str] = {"dev": "validation", "test": "test"}
"""Rows of a user's list of sources that a split is made of; training reads the others."""


def write_bench(
    folder: str | Path,
    split: BenchSplit,
    subsets: Sequence[str] | None = None,
    sources: str | Path | None = None,
    workers: int = 1,
    progress: Progress = lambda done, total: None,
    size: Size = "full",
    lengths_s: Sequence[float] = (),
    bench: Bench | None = None,
) -> Path:
    """Write a split of spatial-bench; what is there already stays. The bytes do not depend on ``workers``.

    Args:
        folder: Folder of the bench.
        split: ``dev`` or ``test``.
        subsets: Names of subsets, all if not given.
        sources: CSV of mono sounds, ``file,class,split[,speaker,text]``; ``dev`` takes its rows of split
            ``validation``, ``test`` those of ``test``. Without it generators and voices that need no download.
        workers: Processes of this machine.
        progress: Told how many scenes of how many are there.
        size: ``full``, or ``check`` for the few scenes that checksums are kept of.
        lengths_s: Lengths of the scenes of ``long`` in seconds, one scene each, up to four hours.
        bench: Another recipe than the shipped one.

    Returns:
        The folder of the split.

    Raises:
        InputError: An unknown split or subset; sources that are no such CSV or lack talkers; a folder of other
            settings, or that another run is writing to.
        OSError: A file cannot be written; the same call goes on.
    """
    sized = (bench or load_bench()).of_size(size, tuple(map(float, lengths_s)))
    names = _wanted(sized, split, subsets)
    library = _library(split, sources, names)
    root = Path(folder).absolute() / split
    for name in names:
        for number in range(len(sized.subsets[name].lengths_s) or 1):
            refuse_impossible(sized.subsets[name].scene_recipe(number, "foa"))
    counts = [sized.subsets[name].scenes[SPLITS.index(split)] for name in names]
    with told_system_errors(root):
        for place, name in enumerate(names):
            task = SubsetScenes(root / name, sized, split, name, library)
            before = sum(counts[:place])
            _write_subset(task, counts[place], workers, lambda done, n=before: progress(n + done, sum(counts)))  # type: ignore[misc]
        _join(root, sized)
    return root


def fill_bench(
    folder: str | Path, split: BenchSplit, workers: int = 1, progress: Progress = lambda done, total: None
) -> Path:
    """The folder of a split, all of it written now if the folder has no items of that split yet.

    What somebody has put or chosen there, a few subsets for example, is left as it is.
    """
    root = Path(folder) / split
    return root if (root / ITEMS).is_file() else write_bench(folder, split, workers=workers, progress=progress)


def _wanted(bench: Bench, split: str, subsets: Sequence[str] | None) -> tuple[str, ...]:
    """Names of subsets in the order of the recipe."""
    if split not in SPLITS:
        raise InputError(f"split {split!r} is unknown: choose {' or '.join(SPLITS)}")
    unknown = [name for name in subsets or () if name not in bench.subsets]
    if unknown:
        raise InputError(f"subset {unknown[0]!r} is unknown: choose from {', '.join(bench.subsets)}")
    return tuple(name for name in bench.subsets if subsets is None or name in subsets)


def _library(split: BenchSplit, sources: str | Path | None, names: Iterable[str]) -> SourceLibrary:
    """The sounds of a split."""
    if sources is None:
        return bench_library()
    if Path(sources).is_dir():
        raise InputError(f"{sources}: a folder does not say which sounds training leaves alone; give a CSV with split")
    library = SourceLibrary.open(sources, SOURCE_SPLITS[split])
    voices = {entry.speaker for _, sounds in library.parts for group in sounds.get("speech", ()) for entry in group}
    if "talkers" in names and len(voices - {None}) < 2:
        raise InputError(
            f"{sources}: subset talkers needs speech of two speakers or more in split {SOURCE_SPLITS[split]} (column "
            "speaker); add them, or name the other subsets"
        )
    return library


# ---------------------------------------------------------------- a subset


def _write_subset(task: SubsetScenes, count: int, workers: int, progress: Callable[[int], None]) -> None:
    """Make every scene of a subset, then the lists of it."""
    folder = task.folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InputError(f"{folder}: a file is in the way; choose another folder for the bench") from None
    with locked(folder):
        _settle(folder, _settings(task, count))
        if not finished(folder):
            sweep(folder)
            parts: dict[int, Part] = {}
            for part in results(task, range(count), workers, name=f"{task.name} scene {{}}".format):
                parts[part.number] = part
                progress(len(parts))
            _seal(folder, [parts[number] for number in range(count)])
        shutil.rmtree(folder / PARTS, ignore_errors=True)
    progress(count)


def _settings(task: SubsetScenes, count: int) -> dict[str, Any]:
    """What decides the bytes of a subset, as plain JSON values."""
    subset = task.bench.subsets[task.name]
    kinds = [askable(subset.families, subset.kinds), askable(subset.beside_families, subset.beside_kinds)]
    settings = {
        "generator": GENERATOR,
        "version": task.bench.version,
        "seed": task.bench.seed,
        "split": task.split,
        "subset": task.name,
        "scenes": count,
        "sources": task.library.fingerprint(),
        "recipe": asdict(subset),
        "kinds": kinds,
    }
    plain: dict[str, Any] = json.loads(json_bytes(settings))
    return plain


def _settle(folder: Path, settings: dict[str, Any]) -> None:
    """Write the settings into an empty folder, or refuse one that holds anything else than scenes of these."""
    found = read_object(folder / SETTINGS)
    if found is None and any(not path.name.startswith(f".{SETTINGS}.") for path in folder.iterdir()):
        raise InputError(f"{folder}: holds other files; choose another folder for the bench")
    if found is None:
        atomic_write(folder / SETTINGS, json_bytes(settings))
        return
    other = sorted(key for key in settings if found.get(key) != settings[key])
    if other:
        raise InputError(f"{folder}: holds scenes of other settings ({', '.join(other)}); choose another folder")


def finished(folder: Path, digests: bool = False) -> bool:
    """Whether a subset is complete: by the size of every file, with ``digests`` by its content."""
    found = read_object(folder / CHECKSUMS)
    return found is not None and whole(folder, found["files"], digests)


def _seal(folder: Path, parts: list[Part]) -> None:
    """Write the lists of a subset and, last, the checksums of all its files."""
    lists = {
        SCENES: lines(line for part in parts for line in part.scenes),
        ITEMS: lines(item for part in parts for item in part.items),
    }
    files = {name: told for part in parts for name, told in part.files.items()}
    for name, data in lists.items():
        files[name] = {"sha256": atomic_write(folder / name, data), "bytes": len(data)}
    files = dict(sorted(files.items()))
    sums = {name: told["sha256"] for name, told in files.items()}
    atomic_write(folder / CHECKSUMS, json_bytes({"whole": digest_of(sums), "files": files}))


def lines(objects: Iterable[Any]) -> bytes:
    """One JSON object a line; numbers that are not finite become null."""
    return "".join(json.dumps(finite(one), allow_nan=False) + "\n" for one in objects).encode()


def digest_of(sums: Mapping[str, str]) -> str:
    """One SHA-256 for many: that of the lines ``SHA-256  NAME``, by name."""
    text = "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items()))
    return hashlib.sha256(text.encode()).hexdigest()


# ---------------------------------------------------------------- a split


def _join(root: Path, bench: Bench) -> None:
    """Write the items of all complete subsets of a split, and the checksums of what there is."""
    there = [name for name in bench.subsets if finished(root / name)]
    joined = lines(_below(name, item) for name in there for item in read_lines(root / name / ITEMS))
    items = atomic_write(root / ITEMS, joined)
    wholes = {name: json.loads((root / name / CHECKSUMS).read_bytes())["whole"] for name in there}
    told = {"whole": digest_of(wholes | {ITEMS: items}), "subsets": wholes, ITEMS: items}
    atomic_write(root / CHECKSUMS, json_bytes(told))


def _below(name: str, item: dict[str, Any]) -> dict[str, Any]:
    """An item as seen from the folder above its subset."""
    moved = item | {"audio": f"{name}/{item['audio']}"}
    return moved | ({"array": f"{name}/{item['array']}"} if item.get("array", "").endswith(".json") else {})


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a file with one a line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def verify_folder(folder: str | Path) -> dict[str, bool]:
    """Whether every subset of a written bench has the content of its checksums, by ``SPLIT/SUBSET``.

    ``InputError`` where there is none.
    """
    found = sorted(Path(folder).glob(f"*/*/{CHECKSUMS}"))
    if not found:
        raise InputError(f"{folder}: holds no written subset (SPLIT/SUBSET/{CHECKSUMS})")
    return {str(path.parent.relative_to(folder)): _as_promised(path.parent) for path in found}


def _as_promised(folder: Path) -> bool:
    told = read_object(folder / CHECKSUMS)
    if told is None or not finished(folder, digests=True):
        return False
    return bool(told["whole"] == digest_of({name: file_digest(folder / name) for name in told["files"]}))
