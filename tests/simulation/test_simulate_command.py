"""The command ``simulate``: same bytes for any workers, resumes after a kill, refuses what it cannot do."""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from spatial_lalm.app import simulate
from spatial_lalm.audio.scene import CLASSES
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.dataset import _locked, make_scenes, scene_seed
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.sampling import SceneRecipe
from spatial_lalm.simulation.writer import read_scene_csv


def parse(*words: str | Path) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    simulate.add_arguments(parser)
    return parser.parse_args([str(word) for word in words])


def command(*words: str | Path) -> int:
    return simulate.run(parse(*words, "--duration", "1"))


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """A folder of sources without speech, so that tests do not depend on espeak-ng."""
    time_s = np.arange(8000) / 16_000
    for label, pitch in (("tone", 500.0), ("zither", 900.0)):
        (tmp_path / "sounds" / label).mkdir(parents=True)
        soundfile.write(tmp_path / "sounds" / label / "a.wav", 0.2 * np.sin(2 * np.pi * pitch * time_s), 16_000)
    return tmp_path / "sounds"


# ---------------------------------------------------------------- what is written


@pytest.mark.parametrize(("name", "channels"), [("foa", 4), ("hoa2", 9)])
def test_folder_has_the_stated_layout(tmp_path: Path, sounds: Path, name: str, channels: int) -> None:
    out = tmp_path / "out"
    assert command(out, "--scenes", "2", "--format", name, "--sources", sounds) == 0
    scenes = [f"{kind}/scene_00000{i}.{end}" for i in (0, 1) for kind, end in
              (("audio", "wav"), ("metadata", "csv"), ("scenes", "json"))]  # fmt: skip
    assert set(tree(out)) == {*scenes, "classes.txt", "manifest.json", "settings.json"}
    info = soundfile.info(out / "audio/scene_000001.wav")
    assert (info.channels, info.samplerate, info.frames) == (channels, 16_000, 16_000)
    classes = (out / "classes.txt").read_text().splitlines()
    assert classes == [*CLASSES, "zither"]


def test_labels_agree_with_the_scene_and_the_manifest_with_the_files(tmp_path: Path, sounds: Path) -> None:
    out = tmp_path / "out"
    command(out, "--scenes", "3", "--sources", sounds)
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["scenes"] == 3
    for path, value in manifest["sha256"].items():
        assert hashlib.sha256((out / path).read_bytes()).hexdigest() == value
    for path in sorted((out / "scenes").iterdir()):
        scene = json.loads(path.read_text())
        rows = read_scene_csv(out / "metadata" / f"{path.stem}.csv")
        assert len(rows) or not scene["events"]
        for row in rows:
            event = scene["events"][row[2]]
            assert scene["classes"][row[1]] == event["label"]
            assert abs(row[3] - event["trajectory"][0][0]) <= 0.5 + 1e-9
            assert abs(row[5] - 100 * event["trajectory"][0][2]) <= 0.5 + 1e-9
            assert event["onset_s"] <= 0.1 * row[0] + 0.05 <= event["offset_s"]


def test_summary_line_and_json(tmp_path: Path, sounds: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command(tmp_path / "a", "--scenes", "2", "--sources", sounds)
    line = capsys.readouterr().out
    assert line.startswith("2 scenes, 2 s of audio, ")
    assert line.rstrip().endswith(f"scenes/s, in {tmp_path / 'a'}")
    command(tmp_path / "a", "--scenes", "2", "--sources", sounds, "--json")
    summary = json.loads(capsys.readouterr().out)
    assert summary["scenes"] == 2
    assert summary["rendered"] == 0
    assert summary["audio_s"] == 2.0


# ---------------------------------------------------------------- reproducible and resumable


def test_scene_seeds_are_distinct_and_safe_for_json() -> None:
    seeds = {scene_seed(seed, number) for seed in range(10) for number in range(100)}
    assert len(seeds) == 1000
    assert max(seeds) < 2**53


def test_workers_change_no_byte(tmp_path: Path, sounds: Path) -> None:
    for out, workers in (("one", "1"), ("two", "2")):
        command(tmp_path / out, "--scenes", "3", "--workers", workers, "--sources", sounds, "--seed", "4")
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    assert not multiprocessing.active_children()


def test_other_seed_other_scenes(tmp_path: Path, sounds: Path) -> None:
    for out, seed in (("a", "1"), ("b", "2")):
        command(tmp_path / out, "--scenes", "1", "--sources", sounds, "--seed", seed)
    assert tree(tmp_path / "a")["audio/scene_000000.wav"] != tree(tmp_path / "b")["audio/scene_000000.wav"]


def test_damage_is_mended_and_nothing_else_is_touched(tmp_path: Path, sounds: Path) -> None:
    library, recipe, out = SourceLibrary.open(sounds), SceneRecipe(duration_s=1.0), tmp_path / "out"
    make_scenes(out, recipe, library, 3)
    before = tree(out)
    (out / "manifest.json").unlink()
    (out / "metadata/scene_000001.csv").unlink()
    (out / "audio/scene_000002.wav").write_bytes(before["audio/scene_000002.wav"][:1000])
    kept = (out / "audio/scene_000000.wav").stat().st_mtime_ns
    assert make_scenes(out, recipe, library, 3).rendered == 2
    assert tree(out) == before
    assert (out / "audio/scene_000000.wav").stat().st_mtime_ns == kept


def test_more_scenes_extend_the_folder(tmp_path: Path, sounds: Path) -> None:
    library, recipe = SourceLibrary.open(sounds), SceneRecipe(duration_s=1.0)
    make_scenes(tmp_path / "a", recipe, library, 1)
    assert make_scenes(tmp_path / "a", recipe, library, 3).rendered == 2
    make_scenes(tmp_path / "b", recipe, library, 3)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_stopped_run_goes_on_to_the_same_bytes(tmp_path: Path, sounds: Path, number: int, code: int) -> None:
    """A run in another process is stopped in its middle; the same command finishes the folder."""
    out, words = tmp_path / "out", ["--scenes", "400", "--duration", "1", "--sources", str(sounds)]
    process = subprocess.Popen(
        [sys.executable, "-m", "spatial_lalm", "simulate", str(out), *words], stderr=subprocess.PIPE, text=True
    )
    limit = time.monotonic() + 30
    while len(list(out.glob("scenes/scene_*.json"))) < 2:
        assert process.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.005)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == code
    assert len(errors.splitlines()) == (1 if number == signal.SIGINT else 0)
    done = len(list(out.glob("scenes/scene_*.json")))
    assert done < 400
    assert not (out / "manifest.json").exists()
    library, recipe = SourceLibrary.open(sounds), SceneRecipe(duration_s=1.0)
    assert make_scenes(out, recipe, library, done + 1).rendered <= 2
    make_scenes(tmp_path / "whole", recipe, library, done + 1)
    assert tree(out) == tree(tmp_path / "whole")


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    "words",
    [
        ("--scenes", "0"),
        ("--workers", "0"),
        ("--seed", "-1"),
        ("--duration", "0.5"),
        ("--duration", "61"),
        ("--duration", "nan"),
        ("--split", "train"),
    ],
)
def test_number_out_of_range_is_refused_before_anything_is_written(tmp_path: Path, words: tuple[str, str]) -> None:
    with pytest.raises(InputError, match=f"^{words[0]} "):
        simulate.run(parse(tmp_path / "out", *words))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "named"),
    [(("--seed", "1"), "seed"), (("--format", "hoa2"), "recipe"), (("--sources", "builtin"), "sources")],
)
def test_folder_of_other_settings_is_refused(tmp_path: Path, sounds: Path, words: tuple[str, str], named: str) -> None:
    out = tmp_path / "out"
    command(out, "--scenes", "1", "--sources", sounds)
    before = tree(out)
    if named == "sources":
        (sounds / "tone/a.wav").rename(sounds / "tone/b.wav")
        words = ("--sources", str(sounds))
    with pytest.raises(InputError, match=rf"holds scenes of other settings \({named}\)"):
        command(out, "--scenes", "1", "--sources", sounds, *words)
    assert tree(out) == before


def test_foreign_folder_file_and_fewer_scenes_are_refused(tmp_path: Path, sounds: Path) -> None:
    with pytest.raises(InputError, match="holds other files"):
        command(tmp_path, "--sources", sounds)
    with pytest.raises(InputError, match="a file is in the way"):
        command(sounds / "tone/a.wav", "--sources", sounds)
    command(tmp_path / "out", "--scenes", "2", "--sources", sounds)
    with pytest.raises(InputError, match="holds 2 scenes, 1 were asked for"):
        command(tmp_path / "out", "--scenes", "1", "--sources", sounds)


def test_second_run_in_the_same_folder_is_refused(tmp_path: Path, sounds: Path) -> None:
    out = tmp_path / "out"
    command(out, "--scenes", "1", "--sources", sounds)
    with _locked(out), pytest.raises(InputError, match="another run is writing"):
        command(out, "--scenes", "1", "--sources", sounds)


def test_worker_that_meets_a_broken_file_ends_the_run_with_its_line(tmp_path: Path, sounds: Path) -> None:
    for label in ("tone", "zither"):
        soundfile.write(sounds / label / "a.wav", np.full(8000, np.nan), 16_000, subtype="FLOAT")
    with pytest.raises(InputError, match="NaN or infinite"):
        command(tmp_path / "out", "--scenes", "6", "--workers", "2", "--sources", sounds)
    assert not multiprocessing.active_children()
    assert not (tmp_path / "out/manifest.json").exists()


def test_worker_that_is_killed_ends_the_run(tmp_path: Path, sounds: Path) -> None:
    def kill_one(done: int, total: int) -> None:
        for child in multiprocessing.active_children():
            os.kill(child.pid or 0, signal.SIGKILL)

    with pytest.raises(ChildProcessError, match="a worker was killed"):
        make_scenes(
            tmp_path / "out", SceneRecipe(duration_s=1.0), SourceLibrary.open(sounds), 50, workers=2, progress=kill_one
        )
