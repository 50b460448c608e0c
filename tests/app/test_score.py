"""``spatial-lalm score``: folders of every benchmark, files that do not fit, and the report."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spatial_lalm.app import cli, score
from spatial_lalm.audio.scene import CLASSES, Scene
from spatial_lalm.evaluate import folders
from spatial_lalm.simulation.dataset import make_scenes
from spatial_lalm.simulation.dialects import Dialect
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.recipe import still_scenes
from spatial_lalm.simulation.takes import Take

STEM = "fold1_room1_mix001"
LAYOUTS = {"dcase2022": "starss22", "dcase2023": "starss23", "dcase2024": "dcase2024", "dcase2025": "dcase2025"}
SECOND = "0,1,0,90,30,200\n1,1,0,90,30,200\n"


def run(benchmark: str, reference: Path, predictions: Path, *flags: str) -> int:
    return cli.main(["score", benchmark, "--reference", str(reference), "--predictions", str(predictions), *flags])


def report(capsys: pytest.CaptureFixture[str], *args: Any) -> dict[str, Any]:
    assert run(*args, "--json") == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def folder(path: Path, **files: str) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (path / name.replace("__", ".")).write_text(text)
    return path


def simulated(path: Path, layout: str, scene: Scene) -> Path:
    """Labels as ``simulate --layout`` writes them."""
    samples = np.zeros((4, round(scene.duration_s * scene.rate)), dtype=np.float32)
    with Take.record(samples, scene) as take:
        Dialect(layout).write(path, 0, take, CLASSES)
    return path / "metadata_dev"


# ---------------------------------------------------------------- our own labels


@pytest.mark.parametrize(("benchmark", "layout"), LAYOUTS.items())
def test_labels_that_we_write_are_perfect_against_themselves(
    benchmark: str, layout: str, scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = simulated(tmp_path, layout, scene)
    classes = {row.split(",")[1] for path in labels.rglob("*.csv") for row in path.read_text().split("\n") if row}
    assert classes - {"class"} - {str(number) for number in range(13)}
    flags = ["--prediction-unit", "cm"] if benchmark == "dcase2024" else []
    found = report(capsys, benchmark, labels, labels, *flags)
    assert found["problems"] == {"missing": 0, "unexpected": 0, "empty": 0, "malformed": 0}
    for scores in found["scores"].values():
        best = {"F": 1, "LR": 1, "OnscreenAcc": 1}
        assert scores == pytest.approx({key: best.get(key, 0) for key in scores}, abs=1e-6)


def test_simulated_scenes_are_perfect(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = still_scenes(2.0, counts=(0.0, 1.0))
    make_scenes(tmp_path, recipe, SourceLibrary.builtin(espeak=False), 3, layout="starss23")
    found = report(capsys, "dcase2023", tmp_path, tmp_path)
    assert found["recordings"] == 3
    assert found["scores"]["macro/segment20"] == pytest.approx({"ER": 0, "F": 1, "LE": 0, "LR": 1, "SELD": 0}, abs=1e-6)


def test_the_official_variant_knows_thirteen_classes(
    scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = simulated(tmp_path, "starss23", scene)
    assert run("dcase2023", labels, labels, "--official") == 2
    assert f"{STEM}.csv has class" in capsys.readouterr().err


def test_official_and_sound_differ_where_the_official_code_is_odd(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = folder(tmp_path, a__csv=SECOND)
    sound, official = (report(capsys, "dcase2023", truth, truth, *flags) for flags in ([], ["--official"]))
    assert [one["scores"]["macro/segment20"]["F"] for one in (sound, official)] == [1, pytest.approx(1 / 13)]
    assert [one["official"] for one in (sound, official)] == [False, True]


# ---------------------------------------------------------------- files that do not fit


@pytest.fixture
def odd(tmp_path: Path) -> tuple[Path, Path]:
    """A good recording, and one for every kind of problem."""
    reference = folder(tmp_path / "truth", a__csv=SECOND, lost__csv=SECOND, none__csv="", bad__csv="0,1\n")
    folder(tmp_path / "truth" / "more", cut__csv=SECOND)
    predictions = folder(
        tmp_path / "said",
        a__csv="0,1,0,90,30,2\n1,1,0,90,30,2\n",
        none__csv="",
        bad__csv="0,1,0,90,30,2\n",
        cut__csv="0,1,0,90,30,2\n0,1,0,90",
        extra__csv="",
    )
    return reference, predictions


RULES = (
    "truth/bad.csv, row 1: 2 columns",
    "truth/lost.csv: has no prediction lost.csv",
    "truth/none.csv, row 1: the reference is empty",
    "said/cut.csv, row 2: 4 columns where 6 are due",
    "said/extra.csv: has no reference extra.csv",
)


def test_every_file_that_does_not_fit_is_one_line(odd: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("dcase2024", *odd) == 2
    shown = capsys.readouterr()
    lines = shown.err.splitlines()
    assert (shown.out, len(lines)) == ("", len(RULES) + 1)
    assert all(line.startswith("spatial-lalm: error: ") for line in lines)
    assert [rule for rule in RULES if not any(rule in line for line in lines)] == []
    assert "--allow-missing" in lines[-1]


def test_allowed_problems_are_counted_and_cost_what_silence_costs(
    odd: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = report(capsys, "dcase2024", *odd, "--allow-missing")
    assert found["problems"] == {"missing": 1, "unexpected": 1, "empty": 1, "malformed": 2}
    assert len(found["problem_list"]) == 5
    assert {"kind", "file", "row", "rule"} == set(found["problem_list"][0])
    reference = folder(tmp_path / "b", a__csv=SECOND, lost__csv=SECOND, cut__csv=SECOND)
    silent = folder(tmp_path / "c", a__csv=SECOND, lost__csv="", cut__csv="")
    plain = report(capsys, "dcase2024", reference, silent, "--prediction-unit", "cm")
    assert found["scores"] == plain["scores"]
    assert plain["scores"]["micro/frame_dist"]["LR"] == pytest.approx(1 / 3)
    assert run("dcase2024", *odd, "--allow-missing") == 0
    assert "malformed: " in capsys.readouterr().out


def test_many_problems_are_told_in_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reference = folder(tmp_path / "a", **{f"r{i:02}__csv": SECOND for i in range(score.SHOWN + 3)})
    assert run("dcase2023", reference, folder(tmp_path / "b", r00__csv=SECOND)) == 2
    lines = capsys.readouterr().err.splitlines()
    assert (len(lines), "and 2 more" in lines[-1]) == (score.SHOWN + 1, True)


def test_one_name_in_two_folders_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder(tmp_path / "a" / "one", r__csv=SECOND)
    folder(tmp_path / "a" / "two", r__csv=SECOND)
    assert run("dcase2023", tmp_path / "a", tmp_path / "a" / "one") == 2
    assert "two/r.csv: the name stands for" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["rttm", "--official"], "official: rttm has no such variant"),
        (["rooms", "--official"], "official: rooms has no such variant"),
        (["tracking", "--prediction-unit", "m"], "prediction unit: tracking"),
        (["dcase2023", "--prediction-unit", "cm"], "prediction unit: dcase2023"),
        (["dcase2025", "--coordinates", "cartesian"], "coordinates: dcase2025"),
        (["choices", "--collar", "1"], "collar: choices"),
        (["rttm", "--intervals"], "intervals: rttm"),
        (["dcase2023"], "is no folder"),
        (["rttm"], "is no folder"),
    ],
)
def test_mistakes_are_one_line(flags: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(flags[0], Path("nowhere"), Path("nowhere"), *flags[1:]) == 2
    shown = capsys.readouterr()
    assert (shown.out, len(shown.err.splitlines())) == ("", 1)
    assert words in shown.err


def test_a_folder_without_files_and_nothing_left_to_score(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("rttm", tmp_path, tmp_path) == 2
    assert "holds no .rttm file" in capsys.readouterr().err
    bad = folder(tmp_path, a__csv="0,1\n")
    assert run("dcase2023", bad, bad, "--allow-missing") == 2
    assert "nothing can be scored: " in capsys.readouterr().err


# ---------------------------------------------------------------- other benchmarks


def test_diarisation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = "SPEAKER {} 1 {} {} <NA> <NA> {} <NA> <NA>\n"
    truth = folder(tmp_path / "a", m__rttm=row.format("m", 0, 4, "A") + row.format("n", 0, 4, "B"))
    said = folder(tmp_path / "b", m__rttm=row.format("m", 0, 3, "x") + row.format("n", 0, 5, "y"))
    found = report(capsys, "rttm", truth, said)
    assert found["scores"]["all"] == {"DER": 0.25, "missed": 0.125, "false_alarm": 0.125, "confusion": 0}
    assert found["recordings"] == 2
    assert report(capsys, "rttm", truth, said, "--collar", "1")["scores"]["all"]["DER"] == 0
    folder(said, m__rttm=row.format("M", 0, 3, "x"))
    assert run("rttm", truth, said) == 2
    assert "m.rttm: recording M is not in the reference" in capsys.readouterr().err


def test_events(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = folder(tmp_path / "a", r__txt="0\t2\tdog\n3\t4\train\n")
    said = folder(tmp_path / "b", r__txt="0.1\t2\tdog\n3.5\t4\train\n")
    scores = report(capsys, "events", truth, said)["scores"]
    assert scores["micro/event"] == {"F1": 0.5, "precision": 0.5, "recall": 0.5}
    assert (scores["macro/event"]["F1"], scores["macro/segment"]["F1"]) == (0.5, 1)
    assert report(capsys, "events", truth, said, "--collar", "0.5")["scores"]["micro/event"]["F1"] == 1


def test_tracking(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = folder(tmp_path / "a", r__csv="".join(f"{i},0,0,{i},0\n" for i in range(10)))
    said = folder(tmp_path / "b", r__csv="".join(f"{i},0,{i // 6},{i + 3},0\n" for i in range(2, 10)))
    scores = report(capsys, "tracking", truth, said)["scores"]["all"]
    expected = {"azimuth_deg": 3, "detected": 0.8, "swaps": 1, "latency_s": 0.2, "lost": 0, "false_alarms": 0}
    assert {key: scores[key] for key in expected} == pytest.approx(expected)
    assert scores["ospa1_deg"] == pytest.approx((8 * 3 + 2 * 30) / 10)
    assert report(capsys, "tracking", truth, truth)["scores"]["all"]["ospa5_deg"] == pytest.approx(0, abs=1e-9)
    folder(said, r__csv="0,0,0,0,0\n0,0,0,9,0\n")
    assert run("tracking", truth, said) == 2
    assert "b/r.csv, row 2: frame, class and source (0, 0, 0) came in row 1" in capsys.readouterr().err


ROOMS = "recording,t60_s,volume_m3\na,0.5,100\nb,1.0,50\nc,2.0,80\n"


def test_rooms(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = folder(tmp_path / "a", r__csv=ROOMS)
    said = folder(tmp_path / "b", r__csv="recording,volume_m3,t60_s\nc,80,2.3\nb,100,1.0\na,200,0.5\n")
    scores = report(capsys, "rooms", truth, said)["scores"]
    assert scores["t60_s"]["MAE"] == pytest.approx(0.1)
    assert (scores["volume_m3"]["MAE"], scores["volume_m3"]["bias"]) == pytest.approx((2 / 3, 2 / 3))
    perfect = report(capsys, "rooms", truth, truth, "--intervals")
    assert perfect["scores"]["t60_s"] == pytest.approx({"bias": 0, "MAE": 0, "median": 0, "MSE": 0, "rho": 1})
    assert perfect["intervals"]["t60_s MAE"]["high"] == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ROOMS.replace("c,2.0,80\n", ""), "lacks an estimate for c"),
        (ROOMS + "d,1,1\n", "estimates d, which is no recording"),
        (ROOMS.replace("0.5", "500"), "row 2: t60_s 500 lies outside 0 (excluded) to 30"),
        (ROOMS + "a,1,1\n", "row 5: recording a came in row 2"),
        (ROOMS.replace("t60_s", "t60"), "row 1: the header must be recording"),
        ("recording,t60_s\na,0.5\nb,1\nc,2\n", "row 1: the header lacks volume_m3"),
        (ROOMS + "d,1\n", "row 5: 2 columns where 3 are due"),
    ],
)
def test_rooms_that_do_not_fit(text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth, said = folder(tmp_path / "a", r__csv=ROOMS), folder(tmp_path / "b", r__csv=text)
    assert run("rooms", truth, said) == 2
    assert f"b/r.csv{', ' if words.startswith('row') else ': '}{words}" in capsys.readouterr().err


def test_transcripts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("jiwer")
    truth = folder(tmp_path / "a", r__txt="The door opens.\n", s__txt="twice\n")
    said = folder(tmp_path / "b", r__txt="the door opens", s__txt="")
    assert report(capsys, "transcripts", truth, said)["scores"]["all"]["WER"] == 0.25
    assert report(capsys, "transcripts", truth, said, "--official")["scores"]["all"]["WER"] == 0.75


QUESTIONS = [{"id": i, "choices": ["rain", "wind"], "answer": "rain", "question": "What?"} for i in range(4)]
ANSWERS = [{"id": i, "prediction": text} for i, text in enumerate(["rain", "A", "wind", "no idea"])]


def jsonl(items: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(one) + "\n" for one in items)


def test_choices(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth, said = folder(tmp_path / "a", q__json=json.dumps(QUESTIONS)), folder(tmp_path / "b", q__json=jsonl(ANSWERS))
    found = report(capsys, "choices", truth, said, "--intervals")
    assert found["scores"]["all"] == {"accuracy": 0.5, "chance": 0.5, "unparsed": 0.25}
    assert found["intervals"]["accuracy"]["low"] < 0.5 < found["intervals"]["accuracy"]["high"]
    assert found["parser"] == "choices-2"
    assert report(capsys, "choices", truth, said, "--official")["scores"]["all"]["accuracy"] == 0.25


MALFORMED = {
    "an answer missing": (jsonl(ANSWERS[:3]), "q.json: lacks an answer to 3"),
    "an answer too many": (jsonl([*ANSWERS, {"id": 9, "prediction": ""}]), "q.json: answers 9, which is no question"),
    "duplicated id": (jsonl([*ANSWERS, ANSWERS[1]]), "q.json, row 5: id 1 came in row 2 already"),
    "missing column": (jsonl([{"id": 0, "answer": "rain"}]), "q.json, row 1: needs the answer as text"),
    "no id": (jsonl([{"prediction": "rain"}]), "q.json, row 1: lacks id"),
    "broken off": (jsonl(ANSWERS)[:-9], "q.json, row 4: is no JSON"),
}


@pytest.mark.parametrize(("text", "words"), MALFORMED.values(), ids=MALFORMED)
def test_answers_that_do_not_fit(text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth, said = folder(tmp_path / "a", q__json=json.dumps(QUESTIONS)), folder(tmp_path / "b", q__json=text)
    assert run("choices", truth, said) == 2
    assert f"b/{words}" in capsys.readouterr().err
    found = report(capsys, "choices", truth, said, "--allow-missing")
    assert (found["recordings"], sum(found["problems"].values())) == (4, 1)


def test_the_truth_cannot_be_scored_against_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = folder(tmp_path, q__json=json.dumps(QUESTIONS))
    assert run("choices", truth, truth) == 2
    assert "needs the answer as text in prediction or model_output" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({"id": 0, "choices": ["a", "b"]}, "row 1: lacks answer"),
        ({"id": 0, "choices": "ab", "answer": "a"}, "row 1: choices must be a list"),
        ({"id": 0, "choices": ["a", "b"], "answer": "c"}, "row 1: answer 'c' is none of the choices"),
    ],
)
def test_questions_that_do_not_fit(
    question: dict[str, Any], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = folder(tmp_path / "a", q__json=json.dumps([question]), r__json=json.dumps(QUESTIONS))
    said = folder(tmp_path / "b", q__json=jsonl(ANSWERS), r__json=jsonl(ANSWERS))
    assert run("choices", truth, said) == 2
    assert f"a/q.json, {words}" in capsys.readouterr().err


# ---------------------------------------------------------------- the report


def test_the_command_knows_the_benchmarks_of_the_library() -> None:
    assert tuple(folders.BENCHMARKS) == score.BENCHMARKS


def test_keys_of_the_report_are_the_promised_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = folder(tmp_path, a__csv=SECOND)
    shutil.copy(truth / "a.csv", truth / "b.csv")
    found = report(capsys, "dcase2024", truth, truth, "--prediction-unit", "cm", "--intervals")
    assert set(found) == {
        *("benchmark", "official", "recordings", "scores", "intervals", "classes", "problems", "problem_list")
    }
    assert set(found["scores"]) == {
        f"{a}/{w}" for a in ("macro", "micro") for w in ("frame_dist", "frame_nodist", "segment20")
    }
    assert list(found["scores"]["macro/frame_dist"]) == ["ER", "F", "AngE", "DistE", "RelDistE", "LR", "SELD"]
    assert found["classes"]["macro/frame_dist"]["AngE"] == [None, 0]
    assert found["intervals"]["F"] == {"value": 1, "low": 1, "high": 1, "count": 2}


def test_the_table_is_aligned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = folder(tmp_path, a__csv=SECOND)
    assert run("dcase2023", truth, truth, "--intervals") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "dcase2023, default variant, 1 scored"
    assert lines[1].split() == ["ER", "F", "LE", "LR", "SELD"]
    assert lines[2].split() == ["macro/segment20", "0.000", "1.000", "0.000", "1.000", "0.000"]
    assert len(lines[1]) == len(lines[2])
    assert "F 1.000 [1.000, 1.000], 95 % by bootstrap" in lines
