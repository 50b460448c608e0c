"""Analysing: a run that is killed and gone on with gives the file of one that was not; threads change no byte."""

from __future__ import annotations

import multiprocessing
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from spatial_lalm.audio.recording import Recording
from spatial_lalm.errors import InputError
from spatial_lalm.memory.store import MemoryFile
from spatial_lalm.model import analysis
from spatial_lalm.model.analysis import analyse, plan_analysis
from spatial_lalm.model.loading import SpatialLalm

RATE = 16_000


@pytest.fixture(scope="module")
def wav(sound: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three and a half minutes: four parts."""
    path = tmp_path_factory.mktemp("long") / "long.wav"
    soundfile.write(path, np.tile(sound, 42).T, RATE)
    return path


def analysed(model: SpatialLalm, wav: Path, out: Path, workers: int = 1, start_s: float = 0.0) -> bytes:
    plan = plan_analysis(model, Recording.open(wav), views=1, start_s=start_s)
    analyse(plan, out, workers)
    assert sorted(path.name for path in out.parent.iterdir() if path.name.startswith(out.name)) == [out.name]
    return out.read_bytes()


@pytest.fixture(scope="module")
def whole(tiny_model: SpatialLalm, wav: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return analysed(tiny_model, wav, tmp_path_factory.mktemp("whole") / "whole.h5")


def test_threads_change_no_byte(tiny_model: SpatialLalm, wav: Path, whole: bytes, tmp_path: Path) -> None:
    assert analysed(tiny_model, wav, tmp_path / "out.h5", workers=3) == whole


@pytest.mark.parametrize("lost", [[0], [3], [0, 2]])
def test_missing_parts_alone_are_heard_again(
    tiny_model: SpatialLalm, wav: Path, whole: bytes, lost: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.h5"
    monkeypatch.setattr(analysis.shutil, "rmtree", lambda folder: None)
    plan = plan_analysis(tiny_model, Recording.open(wav), views=1)
    analyse(plan, out, 1)
    out.unlink()
    for part in lost:
        (tmp_path / "out.h5.parts" / f"part_{part:05d}.h5").unlink()
    again: list[Path] = []
    hear = analysis._hear_part
    monkeypatch.setattr(
        analysis, "_hear_part", lambda plan, path, windows: (again.append(path), hear(plan, path, windows))
    )
    analyse(plan, out, 1)
    assert [path.stem for path in again] == [f"part_{part:05d}" for part in lost]
    assert out.read_bytes() == whole


def test_a_broken_or_foreign_part_is_heard_again(
    tiny_model: SpatialLalm, wav: Path, whole: bytes, tmp_path: Path
) -> None:
    out = tmp_path / "out.h5"
    other = plan_analysis(tiny_model, Recording.open(wav), views=2)
    parts = tmp_path / "out.h5.parts"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(analysis.shutil, "rmtree", lambda folder: None)
        analyse(other, out, 1)  # of another plan
    out.unlink()
    (parts / "part_00001.h5").write_bytes((parts / "part_00001.h5").read_bytes()[:500])
    assert analysed(tiny_model, wav, out) == whole


def _analyse(model: SpatialLalm, wav: Path, out: Path) -> None:
    analyse(plan_analysis(model, Recording.open(wav), views=1), out, 2)


def test_a_killed_run_loses_no_sealed_part_and_goes_on(
    tiny_model: SpatialLalm, wav: Path, whole: bytes, tmp_path: Path
) -> None:
    out, rng = tmp_path / "out.h5", np.random.default_rng()
    for awaited in ("part_00000.h5", "part_00002.h5"):
        first = tmp_path / "out.h5.parts" / awaited
        process = multiprocessing.get_context("fork").Process(target=_analyse, args=(tiny_model, wav, out))
        process.start()
        while not first.exists():
            assert process.is_alive()
            time.sleep(0.001)
        time.sleep(float(rng.uniform(0, 0.1)))
        process.kill()
        process.join()
        if out.exists():  # it was through before it was killed
            break
        for path in first.parent.glob("part_*.h5"):
            with MemoryFile(path) as file:
                file.check()
    assert analysed(tiny_model, wav, out) == whole


# ---------------------------------------------------------------- what the file says


def test_the_file_tells_where_it_comes_from(wav: Path, whole: bytes, tiny_model: SpatialLalm, tmp_path: Path) -> None:
    path = tmp_path / "whole.h5"
    path.write_bytes(whole)
    with MemoryFile(path) as file:
        notes, tables = file.notes, file.tables()
    assert notes["audio"]["sha256"] == subprocess.check_output(["sha256sum", wav], text=True).split()[0]
    assert notes["format"] == "ambix order 1"
    assert notes["assumed"] == ["format: ambix order 1 (4 channels, none was named)"]
    assert notes["model"] == {"name": "tiny qwen3", "sha256": analysis.model_digest(tiny_model)}
    assert len(tables["windows/start_s"]) == len(tables["room/value"]) == 53
    assert len(tables["level/db"]) == 2100
    assert tables["events/frames"].sum() == len(tables["tracks/active"])


def test_the_digest_of_a_model_is_that_of_its_weights(tiny_model: SpatialLalm) -> None:
    before = analysis.model_digest(tiny_model)
    weights = tiny_model.model.audio_tower.heads.track.bias
    first = weights.data[0].item()
    weights.data[0] += 1
    assert analysis.model_digest(tiny_model) != before
    weights.data[0] = first
    assert analysis.model_digest(tiny_model) == before


def test_times_of_a_part_count_from_the_recordings_start(tiny_model: SpatialLalm, wav: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.h5"
    plan = plan_analysis(tiny_model, Recording.open(wav), views=1, start_s=100.0, end_s=110.0)
    analyse(plan, path, 1)
    with MemoryFile(path) as file:
        starts, ends = file.table("events/start_s"), file.table("events/end_s")
    assert len(starts)
    assert starts.min() >= 100.0
    assert ends.max() <= 110.05


@pytest.mark.parametrize(("start", "end"), [(300.0, None), (-1.0, None), (20.0, 10.0), (0.0, 500.0), (1.0, 1.2)])
def test_what_is_no_part_is_refused(tiny_model: SpatialLalm, wav: Path, start: float, end: float | None) -> None:
    with pytest.raises(InputError, match=r"long\.wav"):
        plan_analysis(tiny_model, Recording.open(wav), 1, start, end)
