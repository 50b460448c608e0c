"""Whole evaluations of the toy benchmark: files, resuming, kills, problems."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.benchmark import Direction, Tracks
from spatial_lalm.evaluate.run.evaluation import Evaluation, evaluate
from spatial_lalm.evaluate.run.journal import Journal, line_of
from spatial_lalm.evaluate.run.responses import Response, Unusable
from spatial_lalm.evaluate.run.runner import AS_IS, Plan, check_audio, control_sample
from spatial_lalm.evaluate.run.systems.classical import Cascade, Locator
from spatial_lalm.evaluate.run.systems.silent import Blind, Predictions

COMPARED = ("run.json", "items.jsonl", "summary.json", "report.md", "report.html")


def evaluation(system: Any, items: tuple[Any, ...], controlled: tuple[int, ...] = (), **plan: Any) -> Evaluation:
    return Evaluation("toy", "test", Plan(system, items, controlled, **plan), (), "Controls were run.")


def files(out: Path) -> dict[str, bytes]:
    kept = {name: (out / name).read_bytes() for name in COMPARED}
    return kept | {path.name: path.read_bytes() for path in sorted((out / "plots").glob("*.png"))}


def places(items: tuple[Any, ...], category: str) -> tuple[int, ...]:
    return tuple(place for place, item in enumerate(items) if item.category == category)


def entry(document: dict[str, Any], control: str, group: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        one for one in document["controls"] if (one["control"], one["group"]) == (control, group)
    )
    return found


def test_directions_by_intensity_follow_and_fall(tmp_path: Path, items: tuple[Any, ...], pools: Any) -> None:
    document = evaluate(evaluation(Locator("intensity"), items, places(items, "where")), tmp_path, pools[0])
    scores = document["scores"]["groups"]["direction"]
    assert scores["right"]["value"] == 1.0
    assert scores["errors"]["angle_error_deg"]["median"]["value"] < 1.0
    assert document["scores"]["groups"]["count"]["unparsed"] == 4
    assert entry(document, "spatial channels zeroed", "direction")["drop"]["value"] == 1.0
    for name in ("left and right swapped", "field turned by 90\u00b0"):
        assert entry(document, name, "direction")["all_correct"] == 1.0
    blind = {(one["control"], one["group"]): one["right"]["value"] for one in document["blind"]}
    assert blind["majority", "yes or no"] == 0.75
    assert not (tmp_path / "journal.jsonl").exists()
    rows = [json.loads(line) for line in (tmp_path / "items.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows[: len(items)]] == [item.name for item in items]
    assert json.loads((tmp_path / "timing.json").read_text())["asked"] == len(rows)
    report = (tmp_path / "report.md").read_text()
    assert "no drop: answers follow the sound" in report
    assert "(plots/against_t60_s.png)" in report
    assert "<table>" in (tmp_path / "report.html").read_text()


def test_the_order_of_batches_changes_nothing(tmp_path: Path, items: tuple[Any, ...], pools: Any) -> None:
    for name, pool in zip("ab", pools, strict=True):
        evaluate(evaluation(Locator("intensity"), items, (0, 1)), tmp_path / name, pool)
    assert files(tmp_path / "a") == files(tmp_path / "b")


DRIVER = """
import importlib.util, os, signal, sys
from pathlib import Path
kill_at, toy_path, clips, out = int(sys.argv[1]), *sys.argv[2:]
spec = importlib.util.spec_from_file_location("toy", toy_path)
toy = importlib.util.module_from_spec(spec)
sys.modules["toy"] = toy
spec.loader.exec_module(toy)
calls, fsync = 0, os.fsync

def counted(handle):
    global calls
    calls += 1
    if calls == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)
    fsync(handle)

os.fsync = counted
from dataclasses import replace
from spatial_lalm.evaluate.run import summary
from spatial_lalm.evaluate.run.evaluation import Evaluation, evaluate
from spatial_lalm.evaluate.run.runner import Plan
from spatial_lalm.evaluate.run.systems.classical import Locator
summary.RESAMPLES = 100
found = [replace(item, facts={}) for item in toy.read(Path(clips), "test").items if item.category == "where"]
plan = Plan(Locator("intensity"), tuple(found), (0, 1))
evaluate(Evaluation("toy", "test", plan, (), ""), Path(out), lambda task, numbers: (task.make(n) for n in numbers))
print(calls)
"""


def drive(kill_at: int, clips: Path, out: Path) -> subprocess.CompletedProcess[str]:
    toy = Path(__file__).with_name("toy.py")
    command = [sys.executable, "-c", DRIVER, str(kill_at), str(toy), str(clips), str(out)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )


def test_killed_anywhere_the_report_is_the_same(tmp_path: Path, clips: Path) -> None:
    whole = drive(0, clips, tmp_path / "whole")
    assert whole.returncode == 0, whole.stderr
    assert int(whole.stdout) > 20
    for kill_at in (1, 5, 3, 3, 12):  # in run.json, at the first rows, later ones, and in the report
        killed = drive(kill_at, clips, tmp_path / "killed")
        assert killed.returncode == -signal.SIGKILL, killed.stderr
    end = drive(0, clips, tmp_path / "killed")
    assert end.returncode == 0, end.stderr
    assert files(tmp_path / "killed") == files(tmp_path / "whole")
    assert not (tmp_path / "killed" / "journal.jsonl").exists()


def test_a_torn_line_is_asked_again_and_whole_ones_are_not(tmp_path: Path, items: tuple[Any, ...], pools: Any) -> None:
    task = evaluation(Locator("intensity"), items)
    evaluate(task, tmp_path / "whole", pools[0])
    due = files(tmp_path / "whole")
    lines = (tmp_path / "whole" / "items.jsonl").read_bytes().splitlines(keepends=True)
    torn = tmp_path / "torn"
    torn.mkdir()
    (torn / "run.json").write_bytes(due["run.json"])
    (torn / "journal.jsonl").write_bytes(b"".join(lines[3:9]) + lines[10][:40])
    evaluate(task, torn, pools[0])
    assert files(torn) == due
    assert json.loads((torn / "timing.json").read_text())["asked"] == len(items) - 6


def test_a_finished_run_asks_nothing(tmp_path: Path, items: tuple[Any, ...], pools: Any) -> None:
    task = evaluation(Locator("intensity"), items)
    evaluate(task, tmp_path, pools[0])
    due = files(tmp_path)
    evaluate(task, tmp_path, lambda task, numbers: pytest.fail("asked") if numbers else iter(()))
    assert files(tmp_path) == due


def test_another_run_is_refused(tmp_path: Path, items: tuple[Any, ...], pools: Any) -> None:
    evaluate(evaluation(Locator("intensity"), items[:5]), tmp_path, pools[0])
    with pytest.raises(InputError, match="another items, data_sha256"):
        evaluate(evaluation(Locator("intensity"), items), tmp_path, pools[0])
    with pytest.raises(InputError, match="another system"):
        evaluate(evaluation(Cascade(), items[:5]), tmp_path, pools[0])


def test_a_journal_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_text('{"condition": "as is"}\n' + line_of({"condition": "a", "id": "b"}))
    with pytest.raises(InputError, match="row 1: is no row of a run"):
        Journal(tmp_path / "journal.jsonl")


def test_names_must_differ(tmp_path: Path, items: tuple[Any, ...], pools: Any) -> None:
    with pytest.raises(InputError, match="comes twice"):
        evaluate(evaluation(Locator("intensity"), (items[0], items[0])), tmp_path, pools[0])


# ---------------------------------------------------------------- what goes wrong


def test_audio_that_is_absent_or_broken_is_found_before_anything_is_asked(
    tmp_path: Path, items: tuple[Any, ...]
) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(items[0].audio[0].read_bytes()[:500])
    absent = tmp_path / "none.wav"
    asked = [replace(items[0], audio=(broken,)), replace(items[1], audio=(absent,)), items[2]]
    good, found = check_audio(
        [*asked, replace(asked[2], name="other", format="binaural"), replace(asked[1], name="two")]
    )
    assert good == [items[2]]  # another item of its file asks for a format that does not fit
    assert [problem.kind for problem in found] == ["malformed", "missing", "malformed"]
    assert all(problem.path in str(problem) for problem in found)
    assert str(found[1]).endswith("(2 items)")


@dataclass(frozen=True)
class Failing:
    """A system that refuses one item."""

    name: str = "failing"
    hears: bool = True

    def describe(self) -> dict[str, Any]:
        return {}

    def answer(self, item: Any, recordings: Any) -> Response:
        if item.name == "clip1-where":
            raise InputError("no answer")
        return Response("azimuth 10, elevation 0")


def test_an_item_that_fails_stops_the_run_or_is_counted(tmp_path: Path, items: tuple[Any, ...], pools: Any) -> None:
    where = tuple(item for item in items if item.category == "where")
    with pytest.raises(InputError, match="item clip1-where: no answer; --allow-missing"):
        evaluate(evaluation(Failing(), where), tmp_path / "a", pools[0])
    document = evaluate(evaluation(Failing(), where, allow_missing=True), tmp_path / "b", pools[0])
    assert document["scores"]["overall"]["failed"] == 1
    assert document["scores"]["overall"]["right"]["value"] == 0.25
    assert document["failed"] == [{"id": "clip1-where", "error": "no answer"}]


def test_a_system_that_can_answer_nothing_stops_the_run_whatever_may_be_missing(
    tmp_path: Path, items: tuple[Any, ...], pools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> Response:
        raise Unusable("the server is down")

    monkeypatch.setattr(Failing, "answer", refuse)
    with pytest.raises(Unusable, match=r"^the server is down$"):
        evaluate(evaluation(Failing(), items[:1], allow_missing=True), tmp_path, pools[0])


def test_predictions_by_name(tmp_path: Path, items: tuple[Any, ...], pools: Any) -> None:
    said = {"clip0-side": "(A) front", "clip1-side": "B", "clip2-side": "behind or in front", "stranger": "x"}
    path = tmp_path / "said.jsonl"
    path.write_text("".join(json.dumps({"id": name, "prediction": text}) + "\n" for name, text in said.items()))
    sides = tuple(item for item in items if item.category == "side")
    system = Predictions.open(path)
    assert [problem.kind for problem in system.problems(sides, {item.name for item in items})] == [
        "missing",
        "unexpected",
    ]
    document = evaluate(evaluation(system, sides, (0,)), tmp_path / "out", pools[0])
    choice = document["scores"]["groups"]["choice"]
    assert (choice["right"]["value"], choice["unparsed"], choice["chance"]) == (0.5, 1, 0.25)


# ---------------------------------------------------------------- parts


def test_blind_systems_are_evaluated_like_others(tmp_path: Path, items: tuple[Any, ...], pools: Any) -> None:
    document = evaluate(evaluation(Blind.of("majority", items), items), tmp_path, pools[0])
    blind = {one["group"]: one["right"] for one in document["blind"] if one["control"] == "majority"}
    assert {name: one["right"] for name, one in document["scores"]["groups"].items()} == blind


def test_the_same_scene_through_other_arrays(tmp_path: Path, items: tuple[Any, ...], pools: Any) -> None:
    where = [item for item in items if item.category == "where"][:2]
    family = tuple(
        replace(item, facts={"scene": 7.0}, format=name, name=name)
        for item, name in zip(where, ("ambix", "foa"), strict=True)
    )
    document = evaluate(evaluation(Locator("intensity"), family), tmp_path, pools[0])
    assert document["arrays"] == [
        {"array": "ambix", "count": 1, "right": 1.0}, {"array": "foa", "count": 1, "right": 1.0},
    ]  # fmt: skip


def test_tables_of_sources_are_scored_by_their_protocol(tmp_path: Path, items: tuple[Any, ...], pools: Any) -> None:
    table = tmp_path / "clip0.csv"
    table.write_text("".join(f"{frame},0,0,10,0\n" for frame in range(10)))
    said = tmp_path / "said.json"
    said.write_text(json.dumps([{"id": "t", "prediction": table.read_text()}, {"id": "u", "prediction": "nothing"}]))
    other = tmp_path / "clip1.csv"
    other.write_text(table.read_text())
    items = tuple(
        replace(items[0], name=name, truth=Tracks(path, "dcase2023")) for name, path in (("t", table), ("u", other))
    )
    document = evaluate(evaluation(Predictions.open(said), items), tmp_path / "out", pools[0])
    scores = document["tracks"]["dcase2023"]["scores"]
    assert next(iter(scores.values()))["LR"] == pytest.approx(0.5)
    assert document["scores"] == {}
    assert "2 recordings, scored as tables of sources over time." in (tmp_path / "out" / "report.md").read_text()


def test_controls_are_drawn_by_whole_recordings(items: tuple[Any, ...]) -> None:
    chosen = control_sample(items, 10)
    assert chosen == control_sample(items, 10)
    assert len({items[place].recording for place in chosen}) == 2
    assert len(control_sample(items, 7)) == 7
    assert control_sample(items, None) == tuple(range(len(items)))
    table = replace(items[0], truth=Tracks(Path("a.csv"), "rttm"))
    assert control_sample((table, *items[1:3]), None) == (1, 2)


def test_the_cascade_tells_what_its_parts_hear(items: tuple[Any, ...]) -> None:
    from spatial_lalm.audio.recording import Recording

    by_kind = {item.category: item for item in items if item.recording == "clip1"}
    recording = [Recording.open(by_kind["where"].audio[0], "ambix")]
    where = Cascade().answer(by_kind["where"], recording)
    assert where.reading is not None
    truth = by_kind["where"].truth
    assert isinstance(truth, Direction)
    assert where.reading.value[0] == pytest.approx(truth.azimuth_deg, abs=3.0)
    count, side = (Cascade().answer(by_kind[kind], recording).reading for kind in ("count", "side"))
    assert count is not None
    assert side is not None
    assert (count.value, side.value) == (1.0, 1)
    assert Cascade().answer(by_kind["colour"], recording).reading.declined  # type: ignore[union-attr]


def test_conditions_have_a_name_of_their_own() -> None:
    from spatial_lalm.evaluate.run.controls import CONTROLS

    names = [control.name for control in CONTROLS]
    assert len({*names, AS_IS}) == len(names) + 1
