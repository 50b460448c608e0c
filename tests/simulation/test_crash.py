"""Runs that are killed, and disks that are full: nothing is broken, and going on gives the same folder."""

from __future__ import annotations

import importlib.util
import multiprocessing
import resource
from pathlib import Path
from typing import Any

import pytest

from spatial_lalm.simulation.dataset import make_scenes
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.recipe import SceneRecipe

LIBRARY = SourceLibrary.builtin(espeak=False)
RECIPE = SceneRecipe(duration_s=1.0)


@pytest.fixture(scope="module")
def crash() -> Any:
    path = Path(__file__).parents[2] / "benchmarks/crash.py"
    spec = importlib.util.spec_from_file_location("crash", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(__import__("sys").modules, "crash", module)
        spec.loader.exec_module(module)
        yield module


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("layout", ["files", "hdf5", "dcase2025"])
def test_killed_run_breaks_nothing_and_goes_on_exactly(crash: Any, layout: str) -> None:
    found = crash.crashes(layout, points=4)
    assert found.interrupted == 4
    assert found.broken == 0
    assert found.differing == 0


def simulate(folder: Path, layout: str, most_bytes: int, told: Any) -> None:
    """A run on a disk that takes no file of more than so many bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, resource.RLIM_INFINITY))
    try:
        make_scenes(folder, RECIPE, LIBRARY, 2, layout=layout, shard_scenes=2 if layout == "hdf5" else None)
    except OSError as error:
        told.send((error.errno, error.strerror, error.filename))
    else:
        told.send(None)


@pytest.mark.parametrize("layout", ["files", "hdf5", "starss23"])
@pytest.mark.parametrize("most_bytes", [10_000, 60_000])
def test_full_disk_is_told_in_a_line_and_leaves_no_part(tmp_path: Path, layout: str, most_bytes: int) -> None:
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    out = tmp_path / "out"
    process = context.Process(target=simulate, args=(out, layout, most_bytes, sender))
    process.start()
    sender.close()
    number, reason, name = receiver.recv()
    process.join()
    assert process.exitcode == 0
    assert name == str(out)
    assert reason == "File too large; make room and run the same again, it goes on where it stopped"
    assert number == 27
    before = tree(out)
    assert not [path for path in before if Path(path).name.startswith(".")]
    shard_scenes = 2 if layout == "hdf5" else None
    make_scenes(out, RECIPE, LIBRARY, 2, layout=layout, shard_scenes=shard_scenes)
    make_scenes(tmp_path / "whole", RECIPE, LIBRARY, 2, layout=layout, shard_scenes=shard_scenes)
    assert tree(out) == tree(tmp_path / "whole")
    assert before.items() <= tree(out).items()
