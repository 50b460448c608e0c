"""A folder of simulated scenes: reproducible from a seed, resumable, the same bytes for any number of workers."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import math
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from spatial_lalm.errors import InputError
from spatial_lalm.simulation.dialects import DIALECTS, Dialect
from spatial_lalm.simulation.impossible import refuse_impossible
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.recipe import SceneRecipe
from spatial_lalm.simulation.scene_tasks import DialectFiles, Rendered, SceneFiles, Sealed, Shards, SoFar, Source
from spatial_lalm.simulation.shard_writer import ShardWriter
from spatial_lalm.simulation.shards import scenes_per_shard
from spatial_lalm.simulation.workers import Task, results
from spatial_lalm.simulation.writer import GENERATOR, atomic_write, file_digest, json_bytes, sweep

Progress = Callable[[int, int], None]
Seconds = Callable[[float], None]
SETTINGS = "settings.json"
MANIFEST = "manifest.json"
CLASS_LIST = "classes.txt"
LAYOUTS = ("files", "hdf5", *DIALECTS)
OTHER_FILES = {
    "sources": ", which are not the same files, by name, content or order",
    "receiver": ", whose file has another content",
}
"""What is told of settings that files stand behind."""
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class Made:
    """What a run did: scenes there are now, how many of them were rendered by this run, and seconds of audio in all.

    ``not_kept`` says in how many scenes a setting of the recipe is not kept, by its name (``keeping.REASONS``).
    """

    scenes: int
    rendered: int
    audio_s: float
    not_kept: Mapping[str, int] = field(default_factory=dict)


# ---------------------------------------------------------------- a run


def make_scenes(
    folder: str | Path,
    recipe: SceneRecipe,
    library: SourceLibrary,
    scenes: int,
    seed: int = 0,
    workers: int = 1,
    progress: Progress = lambda done, total: None,
    layout: str = "files",
    ray: str | None = None,
    shard_scenes: int | None = None,
    seconds: Seconds = lambda done_s: None,
) -> Made:
    """Render ``scenes`` scenes into a folder, skipping those that are already whole there.

    ``settings.json`` is written first and ``manifest.json`` (settings and the SHA-256 of every file) last, so a folder
    with a manifest is complete. The bytes depend on recipe, library, seed and layout alone.

    Args:
        folder: A new or empty folder, or one of an earlier run with the same settings.
        recipe: What scenes are drawn from.
        library: Dry sounds.
        scenes: How many scenes the folder shall hold.
        seed: The run's seed.
        workers: Processes; a shard is made by one of them.
        progress: Told how many scenes of how many are there.
        layout: ``files`` (see ``writer``), ``hdf5`` (see ``shards``), or a benchmark's (see ``dialects``).
        ray: Address of a Ray cluster that shares the folder, or ``local``; see ``workers.results``.
        shard_scenes: Scenes a shard of layout ``hdf5``; as many as make about 256 MB of first-order sound, at most 256,
            if not given.
        seconds: Told how many seconds of sound there are, also of scenes that are not finished (not on Ray).

    Raises:
        InputError: settings contradict each other, or the folder holds other things, or scenes of other settings, or
            more scenes than asked for, or another run is writing to it.
        OSError: a file cannot be written; what is there stays whole and the same call goes on.
        ChildProcessError: a scene keeps killing its worker.
    """
    refuse_impossible(recipe, library.labels)
    if layout == "hdf5":
        shard_scenes = shard_scenes or scenes_per_shard(recipe.duration_s)
    source = Rendered(recipe, library, seed)
    settings = {"generator": GENERATOR, "seed": seed, "sources": library.fingerprint(), "recipe": asdict(recipe)}
    if recipe.receiver.endswith((".json", ".sofa")) and Path(recipe.receiver).is_file():
        settings["receiver"] = file_digest(Path(recipe.receiver))
    run = Run(workers, ray, progress, seconds)
    return write_dataset(Path(folder), settings, source, scenes, layout, shard_scenes, run)


@dataclass(frozen=True)
class Run:
    """Who does the work of a data set, and who is told of it; nothing here changes a byte. See ``make_scenes``."""

    workers: int = 1
    ray: str | None = None
    progress: Progress = lambda done, total: None
    seconds: Seconds = lambda done_s: None


def write_dataset(
    folder: Path,
    settings: dict[str, Any],
    source: Source,
    scenes: int,
    layout: str,
    shard_scenes: int | None = None,
    run: Run = Run(),
    split: str = "train",
) -> Made:
    """Write the scenes of any source into a folder; ``settings`` is what decides their bytes."""
    folder = folder.absolute()
    settings = _layout_settings(settings, layout, shard_scenes, split)
    with told_system_errors(folder), _left_as_found(folder):
        _prepare(folder, settings, scenes)
        with locked(folder):
            (folder / MANIFEST).unlink(missing_ok=True)
            sweep(folder)
            sums = _write_lists(folder, source.classes, layout)
            task, numbers = _task(folder, settings, source, scenes)
            tally = _Tally(scenes, run)
            for sealed in results(task, numbers, run.workers, run.ray, _name_of(settings), tally.hear):
                tally.add(sealed)
            made = tally.made()
            manifest = {
                "settings": settings,
                "scenes": scenes,
                "audio_s": made.audio_s,
                "not_kept": made.not_kept,
                "sha256": dict(sorted((sums | tally.sums).items())),
            }
            atomic_write(folder / MANIFEST, json_bytes(manifest))
    return made


class _Tally:
    """What the tasks of a run have left so far."""

    def __init__(self, scenes: int, run: Run) -> None:
        self.sums: dict[str, str] = {}
        self._scenes, self._run, self._rendered = scenes, run, 0
        self._lengths_s: list[float] = []
        self._so_far_s: dict[int, float] = {}
        self._not_kept: Counter[str] = Counter()

    def hear(self, news: SoFar) -> None:
        """Tell how far it all is, now that a scene is so far."""
        self._so_far_s[news.number] = news.seconds
        self._run.seconds(math.fsum([*self._lengths_s, *self._so_far_s.values()]))

    def add(self, sealed: Sealed) -> None:
        """Note what a task has left, and tell it."""
        self.sums |= sealed.sums
        self._rendered += sealed.rendered
        self._lengths_s += sealed.lengths_s
        self._not_kept.update(sealed.not_kept)
        for number in sealed.scenes:
            self._so_far_s.pop(number, None)
        self._run.progress(len(self._lengths_s), self._scenes)
        self._run.seconds(math.fsum([*self._lengths_s, *self._so_far_s.values()]))

    def made(self) -> Made:
        """What it comes to."""
        return Made(self._scenes, self._rendered, math.fsum(self._lengths_s), dict(sorted(self._not_kept.items())))


def _layout_settings(settings: dict[str, Any], layout: str, shard_scenes: int | None, split: str) -> dict[str, Any]:
    """What decides the bytes of a folder, as plain JSON values."""
    if layout not in LAYOUTS:
        raise InputError(f"layout {layout!r}: choose one of {', '.join(LAYOUTS)}")
    if layout == "hdf5" and (shard_scenes is None or shard_scenes < 1):
        raise InputError(f"{shard_scenes} scenes a shard: must be at least 1")
    own: dict[str, Any] = {"layout": layout}
    own |= {"shard_scenes": shard_scenes} if layout == "hdf5" else {}
    own |= {"split": split} if layout in DIALECTS else {}
    decoded: dict[str, Any] = json.loads(json_bytes(settings | own))
    return decoded


def _task(folder: Path, settings: dict[str, Any], source: Source, scenes: int) -> tuple[Task[Sealed], range]:
    """The task of a layout and the numbers that it is to be done for."""
    layout = settings["layout"]
    if layout == "hdf5":
        size = settings["shard_scenes"]
        writer = ShardWriter(hashlib.sha256(json_bytes(settings)).hexdigest())
        return Shards(folder, source, writer, size, scenes), range(-(-scenes // size))
    if layout in DIALECTS:
        return DialectFiles(folder, source, Dialect(layout, settings["split"])), range(scenes)
    return SceneFiles(folder, source), range(scenes)


def _name_of(settings: dict[str, Any]) -> Callable[[int], str]:
    return "shard {}".format if settings["layout"] == "hdf5" else "scene {}".format


def _write_lists(folder: Path, classes: Sequence[str], layout: str) -> dict[str, str]:
    """Write what is told once for the whole folder; SHA-256 by path."""
    plain = {CLASS_LIST: ("\n".join(classes) + "\n").encode()}
    lists = Dialect(layout).lists(classes) if layout in DIALECTS else plain
    return {path: atomic_write(folder / path, data) for path, data in lists.items()}


def _prepare(folder: Path, settings: dict[str, Any], scenes: int) -> None:
    """Make the folder, or check that it is one of ours with the same settings and no more scenes."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InputError(f"{folder}: a file is in the way; choose a new or empty folder for the scenes") from None
    if all(name.startswith(f".{SETTINGS}.") for name in os.listdir(folder)):
        atomic_write(folder / SETTINGS, json_bytes(settings))
        return
    found = read_object(folder / SETTINGS)
    if found is None:
        raise InputError(f"{folder}: holds other files; choose a new or empty folder for the scenes")
    other = sorted(key for key in settings if found.get(key) != settings[key])
    if other and _is_bare(folder):
        atomic_write(folder / SETTINGS, json_bytes(settings))
    elif other:
        told = ", ".join(key + OTHER_FILES.get(key, "") for key in other)
        raise InputError(f"{folder}: holds scenes of other settings ({told}); choose another folder")
    there = (read_object(folder / MANIFEST) or {}).get("scenes", 0)
    if there > scenes:
        raise InputError(f"{folder}: holds {there} scenes, {scenes} were asked for; ask for at least {there}")


@contextmanager
def _left_as_found(folder: Path) -> Iterator[None]:
    """Where the run is refused before anything was made, leave nothing behind in what was empty or not there."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    empty = bool(missing) or (folder.is_dir() and not any(folder.iterdir()))
    try:
        yield
    except InputError:
        if empty and folder.is_dir() and _is_bare(folder):
            for path in folder.iterdir():
                path.unlink()
            for path in missing:
                path.rmdir()
        raise


def _is_bare(folder: Path) -> bool:
    """Whether a run left nothing but its settings and lists, as one does whose first scene was refused."""
    return not any(path.is_dir() or path.suffix == ".h5" for path in folder.iterdir())


def read_object(path: Path) -> dict[str, Any] | None:
    """The object of a JSON file, or None where there is none."""
    try:
        value = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return value if isinstance(value, dict) else None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder against a second run; the lock goes with the process."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise InputError(f"{folder}: another run is writing scenes to it; wait for it or choose another") from None
    finally:
        os.close(handle)


@contextmanager
def told_system_errors(folder: Path) -> Iterator[None]:
    """Have a full disk say where it is full and that nothing is lost."""
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        reason = f"{os.strerror(error.errno)}; make room and run the same again, it goes on where it stopped"
        raise OSError(error.errno, reason, str(folder)) from None
