"""The command ``ask``: the answer alone on stdout, assumptions on stderr, and one line for every mistake."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from spatial_lalm.app import cli

QUESTION = "Where is the dog?"


@pytest.fixture(scope="module")
def wav(sound: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seconds of first-order ambisonics."""
    path = tmp_path_factory.mktemp("sound") / "field.wav"
    soundfile.write(path, sound.T, 16_000)
    return path


@pytest.fixture
def model(tiny_folder: Path) -> list[str]:
    return ["--model", str(tiny_folder)]


def answer_of(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    assert cli.main(["ask", *arguments, "--json"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    content = json.loads(said.out)
    assert isinstance(content, dict)
    return content


def error_of(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.main(["ask", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("spatial-lalm: error: ")
    assert said.err.count("\n") == 1
    assert "Traceback" not in said.err
    return said.err


# ---------------------------------------------------------------- answers


def test_answer_is_all_that_stdout_holds(wav: Path, model: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    text = answer_of([str(wav), QUESTION, *model], capsys)["text"]
    assert text
    assert cli.main(["ask", str(wav), QUESTION, *model]) == 0
    said = capsys.readouterr()
    assert said.out == f"{text}\n"
    assert said.err == "assumed: format: ambix order 1 (4 channels, none was named)\n"


def test_json_has_the_names_of_the_contract(wav: Path, model: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    content = answer_of([str(wav), QUESTION, *model, "--format", "ambix"], capsys)
    assert set(content) == {"text", "evidence", "room", "abstained", "assumed", "model"}
    assert content["assumed"] == []
    (event, *_) = content["evidence"]
    assert set(event) - {"trajectory"} == {  # told of what moves
        *("start_s", "end_s", "label", "azimuth_deg", "elevation_deg", "distance_m", "confidence", "side"),
    }
    assert set(content["room"]) == {"t60_s", "t60_bands_s", "drr_db", "c50_db", "volume_m3"}
    bands = content["room"]["t60_bands_s"]
    assert len(bands) == 6
    for estimate in (*bands, *(content["room"][name] for name in ("t60_s", "drr_db", "c50_db", "volume_m3"))):
        assert set(estimate) == {"value", "uncertainty"}
        assert estimate["uncertainty"] > 0


def test_start_and_end_choose_a_part(wav: Path, model: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    content = answer_of([str(wav), QUESTION, *model, "--start", "1.5", "--end", "3"], capsys)
    (event, *_) = content["evidence"]
    assert 1.5 <= event["start_s"] < event["end_s"] <= 3.0


@pytest.mark.parametrize(
    ("channels", "rate", "flags"),
    [
        (1, 16_000, []),
        (2, 44_100, []),
        (2, 48_000, ["--format", "binaural"]),
        (4, 48_000, ["--format", "fuma"]),
        (9, 16_000, ["--format", "hoa2"]),
        (4, 22_050, ["--array", "tetrahedral"]),
        (4, 8_000, ["--format", "n3d"]),
    ],
)
def test_any_recording_is_answered(
    channels: int, rate: int, flags: list[str], model: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "any.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.05, (rate, channels)), rate)
    assert answer_of([str(path), QUESTION, *model, *flags], capsys)["text"]


# ---------------------------------------------------------------- mistakes


def test_no_such_recording(tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert "nowhere.wav" in error_of([str(tmp_path / "nowhere.wav"), QUESTION, *model], capsys)


def test_no_recording(tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.wav").write_text("these are notes")
    assert "notes.wav" in error_of([str(tmp_path / "notes.wav"), QUESTION, *model], capsys)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--format", "quad"], "format 'quad' is not known"),
        (["--format", "hoa2"], "4"),
        (["--format", "mono"], "4"),
        (["--array", "em32"], "32 microphones, but there are 4 channels"),
        (["--array", "trumpet"], "trumpet"),
        (["--array", "nowhere.json"], "nowhere.json"),
        (["--format", "ambix", "--array", "tetrahedral"], "are both given"),
        (["--start", "60"], "start 60 s lies beyond its end: it runs from 0 to 5.000 s"),
        (["--start", "-1"], "-1 s"),
        (["--start", "3", "--end", "2"], "3 s to 2 s"),
        (["--end", "60"], "60 s"),
        (["--end", "nan"], "finite"),
    ],
)
def test_flags_that_do_not_fit(
    wav: Path, model: list[str], flags: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in error_of([str(wav), QUESTION, *model, *flags], capsys)


@pytest.mark.parametrize("question", ["", "   "])
def test_no_question(wav: Path, model: list[str], question: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "the question is empty" in error_of([str(wav), question, *model], capsys)


def test_no_model(wav: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no config.json" in error_of([str(wav), QUESTION, "--model", str(tmp_path)], capsys)
    assert "no such model" in error_of([str(wav), QUESTION, "--model", str(tmp_path / "none")], capsys)


def test_a_recording_longer_than_the_model_hears_at_once_is_analysed(
    sound: np.ndarray, tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, np.tile(sound, 3).T[: 13 * 16_000], 16_000)
    content = answer_of([str(path), "When do you hear a sound?", *model], capsys)
    assert re.search(r"\bfrom 00:00:\d\d to 00:00:1[23]\b", str(content["text"]))
    assert max(event["end_s"] for event in content["evidence"]) > 12.0  # type: ignore[attr-defined]


def test_less_than_half_a_second_is_refused(wav: Path, model: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    error = error_of([str(wav), QUESTION, *model, "--start", "1", "--end", "1.3"], capsys)
    assert "0.3 s are to be heard; at least 0.5 s are needed" in error
