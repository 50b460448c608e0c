"""The command ``simulate``: same bytes for any workers, resumes after a kill, refuses what it cannot do."""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from spatial_lalm.app import cli, contact_sheet, simulate
from spatial_lalm.app.simulate_settings import CONFIGS, LAYOUTS, RunSettings, load_settings, settings_of
from spatial_lalm.audio.presets import preset
from spatial_lalm.audio.scene import CLASSES
from spatial_lalm.errors import InputError
from spatial_lalm.simulation import dataset
from spatial_lalm.simulation.dataset import locked, make_scenes
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.recipe import SceneRecipe
from spatial_lalm.simulation.scene_tasks import scene_seed
from spatial_lalm.simulation.writer import read_scene_csv


def parse(*words: str | Path) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    simulate.add_arguments(parser)
    return parser.parse_args([str(word) for word in words])


def command(*words: str | Path) -> int:
    return simulate.run(parse(*words, "--duration", "1"))


def tree(folder: Path) -> dict[str, bytes]:
    """Content by name of everything in the folder but the contact sheet."""
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: content for name, content in files.items() if name != simulate.SHEET}


def refusal(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    """The one line of a refusal on the whole command line, with its exit code checked."""
    try:
        code = cli.main(["simulate", *(str(word) for word in words)])
    except SystemExit as stop:
        code = int(str(stop.code))
    shown = capsys.readouterr()
    assert (code, shown.out) == (2, "")
    assert shown.err.startswith("spatial-lalm: error: ")
    assert shown.err.count("\n") == 1
    return shown.err.removeprefix("spatial-lalm: error: ")


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """A folder of sources without speech, so that tests do not depend on espeak-ng."""
    time_s = np.arange(8000) / 16_000
    for label, pitch in (("tone", 500.0), ("zither", 900.0)):
        (tmp_path / "sounds" / label).mkdir(parents=True)
        soundfile.write(tmp_path / "sounds" / label / "a.wav", 0.2 * np.sin(2 * np.pi * pitch * time_s), 16_000)
    return tmp_path / "sounds"


Sheet = tuple[Sequence[tuple[np.ndarray, Any]], Path, Sequence[str]]


@pytest.fixture(autouse=True)
def sheets(monkeypatch: pytest.MonkeyPatch) -> list[Sheet]:
    """What contact sheets were asked for; they are drawn for real in the tests of their own."""
    drawn: list[Sheet] = []

    def draw(rows: Sequence[tuple[np.ndarray, Any]], path: Path, names: Sequence[str] = ()) -> None:
        path.write_bytes(b"PNG")
        drawn.append((rows, path, names))

    monkeypatch.setattr(contact_sheet, "draw_sheet", draw)
    return drawn


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
    assert re.fullmatch(
        rf"2 scenes, 2 s of audio, [0-9.]+/(s|min), [0-9.]+ times real time, in {re.escape(str(tmp_path))}/a\n", line
    )
    command(tmp_path / "a", "--scenes", "3", "--sources", sounds)
    assert capsys.readouterr().out.startswith("3 scenes (2 were there), 3 s of audio, ")
    command(tmp_path / "a", "--scenes", "3", "--sources", sounds)
    assert capsys.readouterr().out == f"3 scenes (3 were there), 3 s of audio, in {tmp_path}/a\n"
    command(tmp_path / "a", "--scenes", "3", "--sources", sounds, "--json")
    summary = json.loads(capsys.readouterr().out)
    assert {name: summary[name] for name in ("scenes", "rendered", "audio_s", "format", "layout", "seed")} == {
        **{"scenes": 3, "rendered": 0, "audio_s": 3.0},
        **{"format": "foa", "layout": "files", "seed": 0},
    }
    assert Path(summary["contact_sheet"]).exists()
    assert "zither" in summary["classes"]


NOTHING_TO_TELL: dict[str, Any] = {"folder": "out", "not_kept": {}, "left_out": [], "assumed": []}


def test_one_scene_is_no_scenes() -> None:
    told = simulate.summary_line({"scenes": 1, "rendered": 0, "audio_s": 10.0, **NOTHING_TO_TELL}, SceneRecipe())
    assert told == "1 scene (1 was there), 10 s of audio, in out"


@pytest.mark.parametrize(("seconds", "text"), [(90.0, "90 s"), (600.0, "10 min"), (9000.0, "2.5 h")])
def test_audio_is_told_in_the_unit_that_fits(seconds: float, text: str) -> None:
    summary = {"scenes": 3, "rendered": 3, "audio_s": seconds, "scenes_per_s": 0.5, "real_time_factor": 1234.5}
    told = simulate.summary_line(summary | NOTHING_TO_TELL, SceneRecipe())
    assert told == f"3 scenes, {text} of audio, 30.0/min, 1.23e+03 times real time, in out"


def test_progress_is_drawn_from_the_start_and_for_a_resumed_run(
    tmp_path: Path, sounds: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    for scenes in ("1", "2"):
        command(tmp_path / "out", "--scenes", scenes, "--sources", sounds)
        looked, _, shown = capsys.readouterr().err.partition("\n")
        assert looked.startswith("\rsounds looked through: 0/2\x1b[K")
        assert shown.startswith(f"\rscenes: 0/{scenes}\x1b[K")
        assert f"scenes: {scenes}/{scenes}, " in shown
        assert shown.endswith("\n")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gets_its_contact_sheet(tmp_path: Path, sounds: Path, sheets: list[Sheet], layout: str) -> None:
    out = tmp_path / "out"
    command(out, "--scenes", "10", "--sources", sounds, "--layout", layout)
    ((rows, path, names),) = sheets
    assert path == out / "contact_sheet.png"
    assert (len(rows), len(set(names))) == (8, 8)
    assert all(scene.duration_s == 1.0 for _, scene in rows)
    assert len({scene.seed for _, scene in rows}) == 8
    assert all(0 < np.abs(wave).max() <= 1 for wave, _ in rows)
    manifest = json.loads((out / "manifest.json").read_text())
    assert path.name not in manifest["sha256"]


def test_contact_sheet_is_drawn_again_only_where_something_came_to_the_folder(
    tmp_path: Path, sounds: Path, sheets: list[Sheet]
) -> None:
    for scenes, drawn in (("1", 1), ("1", 1), ("2", 2)):
        command(tmp_path / "out", "--scenes", scenes, "--sources", sounds)
        assert len(sheets) == drawn
    (tmp_path / "out/contact_sheet.png").unlink()
    command(tmp_path / "out", "--scenes", "2", "--sources", sounds)
    assert len(sheets) == 3


# ---------------------------------------------------------------- configurations and flags


def toml(settings: Any, table: str = "") -> str:
    """A dataclass and those within it as TOML."""
    values = {one.name: getattr(settings, one.name) for one in fields(settings)}
    plain = [f"{name} = {json.dumps(value)}" for name, value in values.items() if not is_dataclass(value)]
    inner = [toml(value, name) for name, value in values.items() if is_dataclass(value)]
    return "\n".join([f"[{table}]" if table else "", *plain, *inner])


def test_every_setting_survives_the_way_through_a_file(tmp_path: Path) -> None:
    recipe = SceneRecipe(duration_s=2.5, receiver="hoa2", level_db=(-30.0, -20.0))
    own = RunSettings(scenes=7, seed=3, layout="hdf5")
    path = tmp_path / "own.toml"
    path.write_text(toml(own) + toml(recipe))
    assert load_settings(str(path)) == (own, recipe)
    assert load_settings(None) == (RunSettings(), SceneRecipe())


@pytest.mark.parametrize("name", sorted(path.stem for path in CONFIGS.glob("*.toml")))
def test_shipped_configurations_are_possible(name: str) -> None:
    own, recipe = settings_of(parse("out"), name)
    assert (own, recipe) != (RunSettings(), SceneRecipe())


def test_files_in_a_configuration_lie_beside_it(tmp_path: Path) -> None:
    preset("starss_mic").save(tmp_path / "mine.json")
    path = tmp_path / "own.toml"
    path.write_text('sounds = "sounds/list.csv"\nreceiver = "mine.json"')
    own, recipe = load_settings(str(path))
    assert (own.sounds, recipe.receiver) == (str(tmp_path / "sounds/list.csv"), str(tmp_path / "mine.json"))


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        (("--scenes", "4"), "scenes", 4),
        (("--seed", "5"), "seed", 5),
        (("--sources", "b.csv"), "sounds", "b.csv"),
        (("--layout", "hdf5"), "layout", "hdf5"),
        (("--format", "em32"), "receiver", "em32"),
        (("--duration", "14400"), "duration_s", 14_400.0),
        (("--engine", "pyroomacoustics"), "engine", "pyroomacoustics"),
    ],
)
def test_a_flag_goes_before_the_configuration(tmp_path: Path, words: tuple[str, str], name: str, value: Any) -> None:
    path = tmp_path / "own.toml"
    path.write_text("scenes = 2\nseed = 1\nsounds = '/a.csv'\nsplit = 'train'\nlayout = 'files'\nduration_s = 3")
    plain = settings_of(parse("out"), str(path))
    given = settings_of(parse("out", *words), str(path))
    before = {one.name: getattr(part, one.name) for part in plain for one in fields(part)}
    after = {one.name: getattr(part, one.name) for part in given for one in fields(part)}
    assert after == before | {name: value}
    assert before[name] != value


def test_there_are_a_dozen_options_and_no_more() -> None:
    """``--help`` aside; all else is a field of the configuration."""
    parser = argparse.ArgumentParser(add_help=False)
    simulate.add_arguments(parser)
    options = {action.option_strings[0] for action in parser._actions if action.option_strings}
    assert options == {
        *("--scenes", "--seed", "--config", "--format", "--sources", "--duration"),
        *("--layout", "--workers", "--ray", "--engine", "--describe", "--json"),
    }
    assert len(options) == 12


@pytest.mark.parametrize(
    ("field", "words", "line"),
    [
        ('split = "a"', (), "split 'a': needs --sources with a CSV list; built-in sounds have no split"),
        ('split = "a"', ("--sources", "."), ".: a folder has no split 'a'; give a CSV list"),
        ("sources.separation_deg = 95", (), "sources.separation_deg 95: 5 sources are at most 90 apart"),
        (
            "receivers.height_m = [25, 30]",
            (),
            "receivers.height_m [25, 30]: rooms of up to 20000 m3 allow at most 19.5 m",
        ),
        ("sources.drr_db = [-60, -50]", (), "sources.drr_db [-60, -50]: these rooms have "),
        ("sources.nearest_m = 50", (), "sources.nearest_m 50: sources in open air are at most 40 m away"),
        (
            "sources.most_at_once = 1\nsources.event_s = [3, 4]",
            (),
            "sources.most_at_once 1: 5 sounds of at least 3 s do not fit into 10 s",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], field: str, words: tuple[str, ...], line: str
) -> None:
    path = tmp_path / "own.toml"
    path.write_text(field)
    assert refusal(capsys, tmp_path / "out", "--config", path, *words).startswith(line)
    if not words:  # sounds are not looked at where nothing is made
        assert refusal(capsys, "--describe", path).startswith(line)
    assert not (tmp_path / "out").exists()


def test_what_is_not_kept_is_told_in_the_summary_the_manifest_and_the_scene(
    tmp_path: Path, sounds: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In reverberant closets half a metre is too far away for a direct sound that is the louder by 3 dB."""
    path = tmp_path / "own.toml"
    path.write_text(
        "[rooms]\nt60_s = [0.5, 1.0]\ndwelling_share = 0.0\nvolume_m3 = [5, 50]\noutdoors_share = 0.0\n"
        "[sources]\ncounts = [0, 1]\ndrr_db = [3, 4]\nconversation_share = 0.0\nmoving_share = 0.0"
    )
    words = ("--scenes", "2", "--sources", sounds, "--config", path)
    for layout in ("files", "hdf5"):
        out = tmp_path / layout
        for _ in range(2):  # made, and found there
            assert command(out, *words, "--layout", layout) == 0
            told = capsys.readouterr().out
            assert told.endswith("; 2 of 2 scenes do not keep sources.drr_db 3 to 4 (no place in the room had it)\n")
            assert json.loads((out / "manifest.json").read_text())["not_kept"] == {"sources.drr_db": 2}
    scene = json.loads((tmp_path / "files/scenes/scene_000000.json").read_text())
    assert scene["not_kept"] == ["sources.drr_db"]
    command(tmp_path / "hdf5", *words, "--layout", "hdf5", "--json")
    assert json.loads(capsys.readouterr().out)["not_kept"] == {"sources.drr_db": 2}


def test_sounds_that_are_left_out_are_told_in_the_summary(
    tmp_path: Path, sounds: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    silent = sounds / "tone" / "quiet.wav"
    soundfile.write(silent, np.zeros(8000), 16_000)
    command(tmp_path / "out", "--scenes", "1", "--sources", sounds)
    shown = capsys.readouterr()
    assert "; 1 sound is silent throughout and left out: quiet.wav" in shown.out
    assert shown.err == ""
    command(tmp_path / "out", "--scenes", "1", "--sources", sounds, "--json")
    assert json.loads(capsys.readouterr().out)["left_out"] == [str(silent)]


def test_conversation_without_speech_is_refused_before_anything_is_written(
    tmp_path: Path, sounds: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = refusal(capsys, tmp_path / "out", "--config", "conversation", "--sources", sounds)
    assert told.startswith("sources.conversation_share 1: the sounds hold no class 'speech'; add some ")
    assert not (tmp_path / "out").exists()


def test_broken_sound_is_refused_before_anything_is_written(
    tmp_path: Path, sounds: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = sounds / "tone" / "z.wav"
    soundfile.write(path, np.full(8000, np.nan), 16_000, subtype="FLOAT")
    told = refusal(capsys, tmp_path / "out", "--sources", sounds)
    assert told == f"{path}: holds NaN or infinite samples; mend or remove the file\n"
    assert not (tmp_path / "out").exists()


def test_seconds_of_long_scenes_are_told_as_they_are_rendered(
    tmp_path: Path, sounds: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("spatial_lalm.app.progress.REDRAW_S", 0.0)
    path = tmp_path / "own.toml"
    path.write_text("scenes = 2\nduration_s = 62\n[sources]\nwindow_s = 31\ncounts = [1]\nconversation_share = 0")
    for workers in ("1", "2"):
        words = ("--config", path, "--sources", sounds, "--workers", workers)
        assert simulate.run(parse(tmp_path / workers, *words)) == 0
        counts = re.findall(r"rendered: ([0-9:]+)/2:04", capsys.readouterr().err)
        assert counts[0] == "0:00"
        assert counts[-1] == "2:04"
        assert {"0:31", "1:02", "1:33"} <= set(counts)
        assert counts == sorted(counts)
    assert tree(tmp_path / "1") == tree(tmp_path / "2")


def test_layouts_are_those_of_the_simulator() -> None:
    assert LAYOUTS == dataset.LAYOUTS


def test_ray_workers_and_layout_reach_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sounds: Path) -> None:
    reached: dict[str, Any] = {}

    def make(folder: str, recipe: SceneRecipe, library: Any, scenes: int, seed: int, **more: Any) -> dataset.Made:
        reached.update(more, folder=folder, scenes=scenes, seed=seed)
        return dataset.Made(scenes, 0, 1.0)

    monkeypatch.setattr(dataset, "make_scenes", make)
    (tmp_path / simulate.SHEET).touch()
    words = ("--scenes", "3", "--seed", "2", "--ray", "local", "--workers", "4", "--layout", "hdf5")
    assert command(tmp_path, "--sources", sounds, *words) == 0
    del reached["progress"]
    expected = {"workers": 4, "ray": "local", "layout": "hdf5", "scenes": 3, "seed": 2, "folder": str(tmp_path)}
    assert reached == expected


def test_describe_needs_no_folder_and_makes_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["simulate", "--describe", "--duration", "20"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"^duration_s +20 ", shown, re.MULTILINE)
    assert "200 scenes drawn" in shown


def test_describe_of_a_file_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "own.toml"
    path.write_text("scenes = 5\n[rooms]\noutdoors_share = 1.0")
    assert cli.main(["simulate", "--describe", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["settings"]["scenes"] == 5
    assert told["settings"]["rooms"]["outdoors_share"] == 1.0
    assert [row["share"] for row in told["measured"] if row["name"] == "open air"] == [1.0]


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
        [sys.executable, "-m", "spatial_lalm", "simulate", str(out), *words],
        stderr=subprocess.PIPE,
        text=True,
        # A process begun in the background ignores Ctrl-C, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
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
    ("words", "line"),
    [
        ((), "OUT, the folder for the scenes, is missing (see 'spatial-lalm simulate --help')"),
        (("OUT", "--describe"), "OUT OUT: --describe makes nothing; leave one of the two out"),
        (("--describe", "a", "--config", "b"), "--describe a: --config b names another; leave one of them out"),
        (("OUT", "--scenes", "0"), "--scenes 0: must be at least 1"),
        (("OUT", "--workers", "0"), "--workers 0: must be at least 1"),
        (("OUT", "--seed", "-1"), "--seed -1: must be at least 0"),
        (("OUT", "--duration", "0.5"), "--duration 0.5: must be within 1 and 14400 seconds"),
        (("OUT", "--duration", "14401"), "--duration 14401: must be within 1 and 14400 seconds"),
        (("OUT", "--duration", "nan"), "--duration nan: must be finite"),
        (("OUT", "--layout", "tar"), "argument --layout: invalid choice: 'tar'"),
        (("OUT", "--engine", "rays"), "argument --engine: invalid choice: 'rays'"),
        (("OUT", "--config", "halls"), "halls: no such configuration; give a .toml file or one of: "),
        (("OUT", "--format", "kazoo"), "array 'kazoo' is not known: choose "),
        (
            ("OUT", "--layout", "dcase2025", "--format", "binaural"),
            "--layout dcase2025: its stereo is made from foa, not binaural; use --format foa",
        ),
        (
            ("OUT", "--layout", "starss23", "--format", "tetrahedral"),
            "--layout starss23: holds foa or the four capsules of starss_mic, not tetrahedral; "
            "use one of these, or --layout files",
        ),
        (("OUT", "--layout", "dcase2024", "--format", "hoa2"), "--layout dcase2024: holds foa or the four capsules"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line_before_anything_is_written(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    line: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert refusal(capsys, *words).startswith(line)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("scene = 3", "unknown field 'scene'; known: scenes, seed, sounds, split, layout, duration_s, "),
        ("[sources]\ncounts = [0, 0]", "sources.counts [0.0, 0.0]: "),
        ("[sources]\ncounts = [0, 0, 0, 0, 0, 0, 1]", "sources.counts "),
        ("[background]\nsnr_db = [40, 5]", "snr_db = [40.0, 5.0]: the range is reversed, its low end comes first"),
        ("duration_s = 0.5", "duration_s 0.5: must be within 1 and 14400 seconds"),
        ("layout = 'tar'", "layout = 'tar': must be one of: files, hdf5, "),
        ("scenes = 0", "scenes = 0: must be at least 1"),
        ("sources = 'sounds'", "sources = 'sounds': must be a table of counts, "),
        ("[sources", "not a TOML file"),
    ],
)
def test_what_cannot_be_in_a_configuration_is_refused_with_file_and_field(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, line: str
) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text)
    shown = refusal(capsys, tmp_path / "out", "--config", path)
    assert shown.startswith(f"{path}: ")
    assert line in shown
    assert not (tmp_path / "out").exists()


def test_polygons_need_the_engine_that_knows_them(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text("[rooms]\npolygon_share = 0.5")
    with pytest.raises(InputError, match=r"^rooms\.polygon_share 0\.5: engine images knows rectangles only"):
        settings_of(parse("out"), str(path))
    assert settings_of(parse("out", "--engine", "pyroomacoustics"), str(path))[1].rooms.polygon_share == 0.5


def test_a_copy_of_the_starss_array_has_its_place_in_starss(tmp_path: Path) -> None:
    preset("starss_mic").save(tmp_path / "mine.json")
    _, recipe = settings_of(parse("out", "--layout", "starss23", "--format", tmp_path / "mine.json"), None)
    assert recipe.receiver.endswith("mine.json")
    preset("tetrahedral").save(tmp_path / "mine.json")
    with pytest.raises(InputError, match="holds foa or the four capsules of starss_mic"):
        settings_of(parse("out", "--layout", "starss23", "--format", tmp_path / "mine.json"), None)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--seed", "1"), "seed"),
        (("--format", "hoa2"), "recipe"),
        (("--sources", "builtin"), "sources, which are not the same files, by name, content or order"),
    ],
)
def test_folder_of_other_settings_is_refused(tmp_path: Path, sounds: Path, words: tuple[str, str], named: str) -> None:
    out = tmp_path / "out"
    command(out, "--scenes", "1", "--sources", sounds)
    before = tree(out)
    if named.startswith("sources"):
        (sounds / "tone/a.wav").rename(sounds / "tone/b.wav")
        words = ("--sources", str(sounds))
    with pytest.raises(InputError, match=rf"holds scenes of other settings \({named}\)"):
        command(out, "--scenes", "1", "--sources", sounds, *words)
    assert tree(out) == before


def test_files_with_other_content_of_the_same_name_and_length_are_refused(tmp_path: Path, sounds: Path) -> None:
    """Sounds as well as the array that hears them."""
    out, array = tmp_path / "out", tmp_path / "mine.json"
    preset("starss_mic").save(array)
    words = ("--scenes", "1", "--sources", sounds, "--format", array)
    command(out, *words)
    before = tree(out)
    preset("tetrahedral").save(array)
    with pytest.raises(InputError, match=r"other settings \(receiver, whose file has another content\); choose"):
        command(out, *words)
    preset("starss_mic").save(array)
    samples, rate = soundfile.read(sounds / "tone/a.wav")
    soundfile.write(sounds / "tone/a.wav", -samples, rate)
    with pytest.raises(
        InputError, match=r"other settings \(sources, which are not the same files, by name, content or"
    ):
        command(out, *words)
    soundfile.write(sounds / "tone/a.wav", samples, rate)
    command(out, *words)
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
    with locked(out), pytest.raises(InputError, match="another run is writing"):
        command(out, "--scenes", "1", "--sources", sounds)


def test_worker_that_meets_a_broken_file_ends_the_run_with_its_line(tmp_path: Path, sounds: Path) -> None:
    """One that broke after it was looked at."""
    library = SourceLibrary.open(sounds)
    for label in ("tone", "zither"):
        soundfile.write(sounds / label / "a.wav", np.full(8000, np.nan), 16_000, subtype="FLOAT")
    with pytest.raises(InputError, match="NaN or infinite"):
        make_scenes(tmp_path / "out", SceneRecipe(duration_s=1.0), library, 6, workers=2)
    assert not multiprocessing.active_children()
    assert not (tmp_path / "out/manifest.json").exists()
