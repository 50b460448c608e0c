"""A folder of simulated scenes: reproducible from a seed, resumable, the same bytes for any number of workers."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from spatial_lalm.audio.scene import Scene
from spatial_lalm.audio.wording import Spatial
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.dialects import DIALECTS, Dialect
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.questions import ask_many
from spatial_lalm.simulation.recipe import SceneRecipe
from spatial_lalm.simulation.sampling import WHOLE_S, render_blocks, render_scene
from spatial_lalm.simulation.shard_writer import ShardWriter
from spatial_lalm.simulation.shards import scenes_per_shard
from spatial_lalm.simulation.takes import Take
from spatial_lalm.simulation.workers import Task, results
from spatial_lalm.simulation.writer import (
    GENERATOR,
    atomic_write,
    finished_scene,
    json_bytes,
    scene_paths,
    sweep,
    write_take,
)

Progress = Callable[[int, int], None]
SETTINGS = "settings.json"
MANIFEST = "manifest.json"
CLASS_LIST = "classes.txt"
LAYOUTS = ("files", "hdf5", *DIALECTS)
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class Made:
    """What a run did: scenes there are now, how many of them were rendered by this run, and seconds of audio in all."""

    scenes: int
    rendered: int
    audio_s: float


@dataclass(frozen=True)
class Sealed:
    """What one task left in the folder: SHA-256 by path, the length of each scene, how many of them were made now."""

    sums: dict[str, str]
    lengths_s: tuple[float, ...]
    rendered: int


class Source(Protocol):
    """Where scenes come from; picklable, and every scene depends on its number alone."""

    @property
    def classes(self) -> Sequence[str]:
        """The class list of the scenes."""

    def seed(self, number: int) -> int:
        """The seed of a scene."""

    def take(self, number: int, folder: Path) -> Take:
        """A scene; one too long for the memory waits in an unnamed file in ``folder``."""


@dataclass(frozen=True)
class Rendered:
    """Scenes that are rendered from a recipe."""

    recipe: SceneRecipe
    library: SourceLibrary
    run_seed: int

    @property
    def classes(self) -> Sequence[str]:
        """The class list of the scenes."""
        return self.library.classes

    def seed(self, number: int) -> int:
        """The seed of a scene."""
        return scene_seed(self.run_seed, number)

    def take(self, number: int, folder: Path) -> Take:
        """A scene, rendered now; a long one in blocks."""
        if self.recipe.duration_s > WHOLE_S:
            labels, blocks = render_blocks(self.recipe, self.library, self.seed(number))
            return Take.record(blocks, labels, folder, extra=self._asked)
        samples, scene = render_scene(self.recipe, self.library, self.seed(number))
        return Take.record(samples, scene, folder, extra=self._asked)

    def _asked(self, scene: Scene) -> dict[str, Any]:
        """Questions and answers about a scene, as many as the recipe wants; evidence are numbers of its events."""
        if not self.recipe.questions:
            return {}
        asked = ask_many(
            scene,
            np.random.default_rng((scene.seed, 5)),
            self.recipe.questions,
            scene_spatial(scene),
            self.recipe.phrasings,  # type: ignore[arg-type]  # checked by the recipe
        )
        return {"questions": [asdict(one) for one in asked.kept]}


def scene_spatial(scene: Scene) -> Spatial:
    """What a scene's channels can tell of direction: capsules in a line left from right, in a plane no height."""
    if scene.array is None:
        return "full"
    extents = np.linalg.matrix_rank(np.array(scene.array["positions_m"]), tol=1e-3)
    kinds: tuple[Spatial, ...] = ("none", "lateral", "planar", "full")
    return kinds[int(extents)]


def scene_seed(seed: int, number: int) -> int:
    """The seed of a scene from the run's seed and its number; below 2**53, so that any JSON reader keeps it whole."""
    return int(np.random.SeedSequence((seed, number)).generate_state(1, np.uint64)[0] >> np.uint64(11))


# ---------------------------------------------------------------- tasks


@dataclass(frozen=True)
class SceneFiles:
    """Makes the files of scene ``number`` of layout ``files``."""

    folder: Path
    source: Source

    def make(self, number: int) -> Sealed:
        """The scene, unless it lies whole in the folder."""
        name = f"scene_{number:06d}"
        found = finished_scene(self.folder, scene_paths(name)[2], self.source.seed(number))
        if found is not None:
            return Sealed(found[0], (found[1]["duration_s"],), 0)
        with self.source.take(number, self.folder) as take:
            return Sealed(write_take(self.folder, name, take, self.source.classes), (take.scene.duration_s,), 1)


@dataclass(frozen=True)
class DialectFiles:
    """Makes the files of scene ``number`` in the layout of a benchmark."""

    folder: Path
    source: Source
    dialect: Dialect

    def make(self, number: int) -> Sealed:
        """The scene, unless it lies whole in the folder."""
        found = finished_scene(self.folder, self.dialect.scene_path(number), self.source.seed(number))
        if found is not None:
            return Sealed(found[0], (found[1]["duration_s"],), 0)
        with self.source.take(number, self.folder) as take:
            sums = self.dialect.write(self.folder, number, take, self.source.classes)
            return Sealed(sums, (take.scene.duration_s,), 1)


@dataclass(frozen=True)
class Shards:
    """Makes shard ``number``, which holds ``size`` scenes, the last one fewer."""

    folder: Path
    source: Source
    writer: ShardWriter
    size: int
    scenes: int

    def make(self, number: int) -> Sealed:
        """The shard, unless it lies sealed in the folder."""
        scenes = range(number * self.size, min((number + 1) * self.size, self.scenes))
        found = self.writer.finished(self.folder, number, scenes)
        if found is not None:
            return Sealed(*found, 0)
        sums, lengths_s = self.writer.write(self.folder, number, scenes, self.source)
        return Sealed(sums, lengths_s, len(scenes))


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

    Raises:
        InputError: the folder holds other things, or scenes of other settings, or more scenes than asked for, or
            another run is writing to it.
        OSError: a file cannot be written; what is there stays whole and the same call goes on.
        ChildProcessError: a scene keeps killing its worker.
    """
    if layout == "hdf5":
        shard_scenes = shard_scenes or scenes_per_shard(recipe.duration_s)
    source = Rendered(recipe, library, seed)
    settings = {"generator": GENERATOR, "seed": seed, "sources": library.fingerprint(), "recipe": asdict(recipe)}
    return write_dataset(Path(folder), settings, source, scenes, layout, shard_scenes, workers, progress, ray)


def write_dataset(
    folder: Path,
    settings: dict[str, Any],
    source: Source,
    scenes: int,
    layout: str,
    shard_scenes: int | None = None,
    workers: int = 1,
    progress: Progress = lambda done, total: None,
    ray: str | None = None,
    split: str = "train",
) -> Made:
    """Write the scenes of any source into a folder; ``settings`` is what decides their bytes."""
    folder = folder.absolute()
    settings = _layout_settings(settings, layout, shard_scenes, split)
    with _told(folder):
        _prepare(folder, settings, scenes)
        with _locked(folder):
            (folder / MANIFEST).unlink(missing_ok=True)
            sweep(folder)
            sums = _write_lists(folder, source.classes, layout)
            task, numbers = _task(folder, settings, source, scenes)
            rendered, lengths_s = 0, list[float]()
            for sealed in results(task, numbers, workers, ray, name=_name_of(settings)):
                sums |= sealed.sums
                rendered += sealed.rendered
                lengths_s += sealed.lengths_s
                progress(len(lengths_s), scenes)
            audio_s = math.fsum(lengths_s)
            manifest = {
                "settings": settings,
                "scenes": scenes,
                "audio_s": audio_s,
                "sha256": dict(sorted(sums.items())),
            }
            atomic_write(folder / MANIFEST, json_bytes(manifest))
    return Made(scenes, rendered, audio_s)


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
        raise InputError(f"{folder}: holds scenes of other settings ({', '.join(other)}); choose another folder")
    there = (read_object(folder / MANIFEST) or {}).get("scenes", 0)
    if there > scenes:
        raise InputError(f"{folder}: holds {there} scenes, {scenes} were asked for; ask for at least {there}")


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
def _locked(folder: Path) -> Iterator[None]:
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
def _told(folder: Path) -> Iterator[None]:
    """Have a full disk say where it is full and that nothing is lost."""
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        reason = f"{os.strerror(error.errno)}; make room and run the same again, it goes on where it stopped"
        raise OSError(error.errno, reason, str(folder)) from None
