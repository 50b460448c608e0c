"""The command ``analyze``: a file and a summary, events for other programs, and one line for every mistake."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from spatial_lalm.app import cli
from spatial_lalm.evaluate.diarisation import read_rttm
from spatial_lalm.memory.store import MemoryFile
from spatial_lalm.simulation.writer import read_scene_csv

RATE = 16_000


@pytest.fixture(scope="module")
def wav(sound: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fifteen seconds of first-order ambisonics."""
    path = tmp_path_factory.mktemp("sound") / "field.wav"
    soundfile.write(path, np.tile(sound, 3).T, RATE, subtype="PCM_16")
    return path


@pytest.fixture
def flags(tiny_folder: Path) -> list[str]:
    return ["--model", str(tiny_folder), "--views", "1", "--workers", "1"]


def summary_of(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> Any:
    assert cli.main(["analyze", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def error_of(command: str, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.main([command, *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("spatial-lalm: error: ")
    assert said.err.count("\n") == 1
    return said.err


def test_a_file_events_and_a_picture(wav: Path, flags: list[str], tmp_path: Path, capsys: Any) -> None:
    out, png = tmp_path / "field.h5", tmp_path / "field.png"
    kinds = ["--events", "csv", "json", "rttm", "starss", "--plot", str(png)]
    summary = summary_of([str(wav), "--out", str(out), *flags, *kinds], capsys)
    assert summary["duration_s"] == 15.0
    assert summary["assumed"][0] == "format: ambix order 1 (4 channels, none was named)"
    assert png.read_bytes()[:4] == b"\x89PNG"
    rows = list(csv.DictReader(io.StringIO((tmp_path / "field.events.csv").read_text())))
    told = json.loads((tmp_path / "field.events.json").read_text())
    with MemoryFile(out) as file:
        starts = file.table("events/start_s")
        frames = int(file.table("events/frames").sum())
    assert [float(row["start_s"]) for row in rows] == pytest.approx(starts.tolist())
    assert len(told["events"]) == len(starts)
    assert sum(len(event["trajectory"]) for event in told["events"]) == frames
    table = read_scene_csv(tmp_path / "field.starss.csv")
    assert len(table) == frames
    assert np.abs(table[:, 3]).max() <= 180
    turns = read_rttm(tmp_path / "field.rttm") if (tmp_path / "field.rttm").stat().st_size else {}
    assert len(turns) <= 1


def test_the_same_again_is_kept_and_another_is_refused(
    wav: Path, flags: list[str], tmp_path: Path, capsys: Any
) -> None:
    out = tmp_path / "field.h5"
    assert not summary_of([str(wav), "--out", str(out), *flags], capsys)["kept"]
    before = out.read_bytes()
    assert summary_of([str(wav), "--out", str(out), *flags], capsys)["kept"]
    other = [str(wav), "--out", str(out), *flags, "--format", "n3d"]
    assert "--force" in error_of("analyze", other, capsys)
    assert out.read_bytes() == before
    assert not summary_of([*other, "--force"], capsys)["kept"]
    assert out.read_bytes() != before


def test_raw_samples_from_a_pipe(
    wav: Path, flags: list[str], tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples, _ = soundfile.read(wav, dtype="int16")

    def pipe(raw: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))

    out, straight = tmp_path / "pipe.h5", tmp_path / "file.h5"
    raw = ["-", "--out", str(out), *flags, "--channels", "4"]
    pipe(samples.astype("<i2").tobytes())
    assert "--rate is missing" in error_of("analyze", raw, capsys)
    assert summary_of([*raw, "--rate", str(RATE)], capsys)["duration_s"] == 15.0
    summary_of([str(wav), "--out", str(straight), *flags], capsys)
    with MemoryFile(out) as one, MemoryFile(straight) as other:
        for name in one.names:
            np.testing.assert_array_equal(one.table(name), other.table(name))
    pipe(samples.astype("<i2").tobytes()[:-3])
    assert "whole frames" in error_of("analyze", [*raw, "--rate", str(RATE), "--force"], capsys)
    pipe(b"")
    assert "it is empty" in error_of("analyze", [*raw, "--rate", str(RATE), "--force"], capsys)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file.h5", "pipe.h5"]


def test_a_folder_of_recordings(wav: Path, flags: list[str], tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "in" / "a.wav").write_bytes(wav.read_bytes())
    (tmp_path / "in" / "sub" / "a.wav").write_bytes(wav.read_bytes())
    (tmp_path / "in" / "b.wav").write_text("no sound")
    (tmp_path / "in" / "notes.txt").write_text("notes")
    out = tmp_path / "out"
    assert cli.main(["analyze", str(tmp_path / "in"), "--out", str(out), *flags, "--json"]) == 2
    said = capsys.readouterr()
    made = json.loads(said.out)
    assert ["error" in summary for summary in made].count(True) == 1
    assert "b.wav" in said.err
    one, other = out / "a.wav.h5", out / "sub" / "a.wav.h5"
    assert one.read_bytes() == other.read_bytes()


def test_questions_to_the_file(wav: Path, flags: list[str], tiny_folder: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "field.h5"
    summary_of([str(wav), "--out", str(out), *flags], capsys)
    assert cli.main(["ask", str(out), "When do you hear a sound?"]) == 0
    said = capsys.readouterr()
    assert "00:00:0" in said.out
    assert said.err == "assumed: format: ambix order 1 (4 channels, none was named)\n"
    assert "was settled by analyze" in error_of("ask", [str(out), "When?", "--format", "ambix"], capsys)
    assert "name the time in the question" in error_of("ask", [str(out), "When?", "--end", "3"], capsys)
    out.write_bytes(out.read_bytes()[:-100])
    assert "half-written or damaged" in error_of("ask", [str(out), "When?"], capsys)
    assert "no such file" in error_of("ask", [str(tmp_path / "none.h5"), "When?"], capsys)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["field.wav", "--out", "field.csv"], "name it .h5"),
        (["field.wav", "--out", "nowhere/field.h5"], "there is no folder"),
        (["field.wav", "--out", "field.h5", "--rate", "16000"], "raw PCM on standard input"),
        (["field.wav", "--out", "field.h5", "--ray", "auto"], "recordings of a folder"),
        (["field.wav", "--out", "field.h5", "--workers", "0"], "at least 1"),
        ([".", "--out", "out", "--plot", "a.png"], "is a folder"),
        ([".", "--out", "out"], "no recordings in it"),
    ],
)
def test_mistakes(
    arguments: list[str], said: str, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in error_of("analyze", arguments, capsys)
