"""A folder of simulated scenes: reproducible from a seed, resumable, the same bytes for any number of workers."""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from spatial_lalm import __version__
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.sampling import SceneRecipe, render_scene
from spatial_lalm.simulation.writer import atomic_write, digest, finished_scene, json_bytes, write_scene

Progress = Callable[[int, int], None]
SETTINGS = "settings.json"
MANIFEST = "manifest.json"
CLASS_LIST = "classes.txt"


@dataclass(frozen=True)
class Made:
    """What a run did: scenes there are now, how many of them were rendered by this run, and seconds of audio in all."""

    scenes: int
    rendered: int
    audio_s: float


@dataclass(frozen=True)
class _Job:
    """All that a worker needs; picklable."""

    folder: Path
    recipe: SceneRecipe
    library: SourceLibrary
    seed: int

    def make(self, number: int) -> tuple[dict[str, str], bool]:
        """SHA-256 by path of a scene and whether it was rendered now (False: it was already whole)."""
        name, seed = f"scene_{number:06d}", scene_seed(self.seed, number)
        found = finished_scene(self.folder, name, seed)
        if found is not None:
            return found, False
        samples, scene = render_scene(self.recipe, self.library, seed)
        return write_scene(self.folder, name, samples, scene, self.library.classes), True


def scene_seed(seed: int, number: int) -> int:
    """The seed of a scene from the run's seed and its number; below 2**53, so that any JSON reader keeps it whole."""
    return int(np.random.SeedSequence((seed, number)).generate_state(1, np.uint64)[0] >> np.uint64(11))


def make_scenes(
    folder: str | Path,
    recipe: SceneRecipe,
    library: SourceLibrary,
    scenes: int,
    seed: int = 0,
    workers: int = 1,
    progress: Progress = lambda done, total: None,
) -> Made:
    """Render ``scenes`` scenes into a folder, skipping those that are already whole there.

    ``settings.json`` is written first and ``manifest.json`` (settings and the SHA-256 of every file) last, so a folder
    with a manifest is complete. ``InputError``: the folder holds other things, or scenes of other settings, or more
    scenes than asked for, or another run is writing to it.
    """
    folder = Path(folder)
    settings = _settings(recipe, library, seed)
    _prepare(folder, settings, scenes)
    with _locked(folder):
        (folder / MANIFEST).unlink(missing_ok=True)
        listed = ("\n".join(library.classes) + "\n").encode()
        atomic_write(folder / CLASS_LIST, listed)
        job = _Job(folder, recipe, library, seed)
        sums, rendered = {CLASS_LIST: digest(listed)}, 0
        for done, (paths, new) in enumerate(_results(job, scenes, workers), start=1):
            sums |= paths
            rendered += new
            progress(done, scenes)
        audio_s = scenes * recipe.duration_s
        manifest = {"settings": settings, "scenes": scenes, "audio_s": audio_s, "sha256": dict(sorted(sums.items()))}
        atomic_write(folder / MANIFEST, json_bytes(manifest))
    return Made(scenes, rendered, audio_s)


def _settings(recipe: SceneRecipe, library: SourceLibrary, seed: int) -> dict[str, Any]:
    """What decides the bytes of a scene, as plain JSON values."""
    settings = {"generator": f"spatial-lalm {__version__}", "seed": seed, "sources": library.fingerprint()}
    decoded: dict[str, Any] = json.loads(json_bytes(settings | {"recipe": asdict(recipe)}))
    return decoded


def _prepare(folder: Path, settings: dict[str, Any], scenes: int) -> None:
    """Make the folder, or check that it is one of ours with the same settings and no more scenes."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InputError(f"{folder}: a file is in the way; choose a new or empty folder for the scenes") from None
    if set(os.listdir(folder)) <= {f".{SETTINGS}.tmp"}:
        atomic_write(folder / SETTINGS, json_bytes(settings))
        return
    found = _read_object(folder / SETTINGS)
    if found is None:
        raise InputError(f"{folder}: holds other files; choose a new or empty folder for the scenes")
    other = sorted(key for key in settings if found.get(key) != settings[key])
    if other:
        raise InputError(f"{folder}: holds scenes of other settings ({', '.join(other)}); choose another folder")
    there = (_read_object(folder / MANIFEST) or {}).get("scenes", 0)
    if there > scenes:
        raise InputError(f"{folder}: holds {there} scenes, {scenes} were asked for; ask for at least {there}")


def _read_object(path: Path) -> dict[str, Any] | None:
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


# ---------------------------------------------------------------- workers

Result = tuple[dict[str, str], bool]
_job: _Job | None = None


def _start_worker(job: _Job) -> None:
    """Keep the job in the worker process; Ctrl-C is the parent's business."""
    global _job
    _job = job
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _work(number: int) -> Result:
    assert _job is not None
    return _job.make(number)


@contextmanager
def _interrupts_held_off() -> Iterator[None]:
    """Ignore Ctrl-C for a moment, which processes started meanwhile inherit; only the main thread can."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _results(job: _Job, scenes: int, workers: int) -> Iterator[Result]:
    """Results of all scenes in any order; ``ChildProcessError`` when a worker dies."""
    if workers == 1:
        yield from map(job.make, range(scenes))
        return
    with _pool(job, min(workers, scenes)) as pool:
        numbers = iter(range(scenes))
        with _interrupts_held_off():
            waiting = {pool.submit(_work, number) for number in islice(numbers, 2 * workers)}
        try:
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                waiting |= {pool.submit(_work, number) for number in islice(numbers, len(done))}
                yield from (future.result() for future in done)
        except BrokenProcessPool:
            raise ChildProcessError("a worker was killed, perhaps for want of memory; use fewer workers") from None
        finally:
            pool.shutdown(cancel_futures=True)


def _pool(job: _Job, workers: int) -> ProcessPoolExecutor:
    """Spawned workers: no state but the job reaches them, so they render what a single process would."""
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _start_worker, (job,))
