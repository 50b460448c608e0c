"""``benchmarks/results.py``: what its tables say of rows, what is kept between runs, the command on few items."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spatial_lalm.evaluate.run.summary.RESAMPLES", 200)


def script(name: str) -> ModuleType:
    return importlib.import_module(name)


# ---------------------------------------------------------------- rules and tables


@pytest.mark.parametrize(
    ("wanted", "drop", "verdict"),
    [
        ("large", (0.7, 0.5, 0.8), "came"),
        ("large", (0.1, 0.02, 0.2), "**did not come**"),
        ("large", (0.4, -0.1, 0.8), "open"),
        ("none", (0.01, -0.04, 0.05), "came"),
        ("none", (0.1, 0.05, 0.2), "**did not come**"),
        ("none", (0.05, -0.1, 0.3), "open"),
        ("small", (0.1, 0.05, 0.2), "came"),
        ("small", (0.5, 0.3, 0.6), "**did not come**"),
        ("small", (0.2, 0.1, 0.4), "open"),
        ("", (0.5, 0.4, 0.6), ""),
    ],
)
def test_a_drop_is_judged_by_its_interval(wanted: str, drop: tuple[float, ...], verdict: str) -> None:
    found = dict(zip(("value", "low", "high"), drop, strict=True))
    assert script("results_tables").came(wanted, found, before=0.9, count=20) == verdict
    assert script("results_tables").came(wanted, found, before=0.9, count=5) == ("open" if wanted else "")


def test_every_control_of_the_runner_has_a_drop_to_look_for() -> None:
    from spatial_lalm.evaluate.run.controls import CONTROLS

    due = script("results_tables").due
    words = {"large": "a large drop", "none": "no drop", "small": "a small drop"}
    for control in CONTROLS:
        assert control.look_for.startswith(words[due(control.name, "direction")]), control.name
    assert due("mono", "words") == "none"
    assert due("mono", "choice") == ""


def row(number: int, kind: str, right: bool, condition: str = "as is", **other: Any) -> dict[str, Any]:
    """A row of the runner about recording ``number``; of a choice, wrong ones are read as the other option."""
    told = {
        "condition": condition,
        "id": f"single/{number:04d}/00-{kind}",
        "recording": f"single/{number:04d}",
        "category": "single",
        "group": "choice",
        "question": f"Which of {kind}?",
        "raw": "left" if right else "right",
        "parsed": 0 if right else 1,
        "declined": False,
        "unparsed": False,
        "truth": {"kind": "Choice", "options": ["left", "right"], "right": 0},
        "outcome": "right" if right else "wrong",
        "score": {},
        "facts": {},
    }
    return told | other


def asked(model: list[dict[str, Any]], **others: list[dict[str, Any]]) -> Any:
    """Answers of the model; other systems are silent unless theirs are given."""
    silent = [
        one | {"parsed": None, "outcome": "wrong", "unparsed": True} for one in model if one["condition"] == "as is"
    ]
    names = ("intensity", "music", "srp", "cascade", "chance", "majority", "text-only")
    rows = {"model": model} | {name: others.get(name.replace("-", "_"), silent) for name in names}
    return script("results_bench").Asked((), rows, {})


def test_scores_are_shares_with_intervals_and_a_dash_where_nothing_is_answered() -> None:
    tables = script("results_tables")
    model = [row(number, "side", number % 4 > 0) for number in range(40)]
    chance = [row(number, "side", number % 2 > 0) for number in range(40)]
    lines = tables.scores(asked(model, chance=chance)).splitlines()
    cells = [cell.strip() for cell in lines[2].strip("|").split("|")]
    head = [cell.strip() for cell in lines[0].strip("|").split("|")]
    told = dict(zip(head, cells, strict=True))
    assert (told["kind of truth"], told["items"]) == ("choice", "40")
    assert told["model"].startswith("**75 [")
    assert told["chance"].startswith("50 [")
    assert told["music"] == "-"


def test_weak_kinds_and_better_baselines_are_found_and_others_are_not() -> None:
    tables = script("results_tables")
    heard = [row(number, "heard", True) for number in range(20)]
    guessed = [row(100 + number, "guessed", number % 2 > 0) for number in range(20)]
    blind = [row(number, "heard", number % 2 > 0) for number in range(20)]
    best = [row(100 + number, "guessed", True) for number in range(20)]
    made = asked(heard + guessed, chance=blind + guessed, cascade=blind + best)
    weak = tables.weak_kinds(made)
    assert "| guessed | 20 | 50 [" in weak
    assert "heard |" not in weak
    assert tables.beaten(made, ["single"]) == "Nowhere."
    better = asked(guessed, cascade=best)
    assert "| single | choice | 20 | 50 [" in tables.beaten(better, ["single"])
    assert "cascade 100 [100, 100]" in tables.beaten(better, ["single"])
    told = tables.examples(made, each=2)
    assert told.index("## guessed") < told.index("## heard")
    assert told.count("- `single/01") == 2


def test_controls_say_whether_the_drop_came() -> None:
    tables = script("results_tables")
    plain = [row(number, "where", True, group="direction", score={"angle_error_deg": 2.0}) for number in range(20)]
    zeroed = [
        one | {"condition": "spatial channels zeroed", "outcome": "wrong", "score": {"angle_error_deg": 90.0}}
        for one in plain
    ]
    told = tables.controls(plain + zeroed)
    assert (
        "| spatial channels zeroed | direction | 20 | 100 | 0 | 100 [100, 100] |  | 2.00 → 90.00 | large | came |"
        in told
    )
    kept = [one | {"condition": "spatial channels zeroed"} for one in plain]
    assert "**did not come**" in tables.controls(plain + kept)


# ---------------------------------------------------------------- the run


def wanted(tmp_path: Path, **other: Any) -> Any:
    plan = script("results_plan")
    return replace(plan.Wanted(tmp_path / "audio", tmp_path / "out"), **other)


def test_the_command_that_is_told_has_no_paths(tmp_path: Path) -> None:
    run = wanted(tmp_path, model=tmp_path / "weights", dev=True, splits=("single", "real"))
    assert run.command == (
        "python benchmarks/results.py --audio DIR --out FOLDER --model MODEL --splits single real --dev"
    )
    assert str(tmp_path) not in run.command


def test_only_a_whole_run_of_test_is_the_one_of_the_results(tmp_path: Path) -> None:
    assert wanted(tmp_path).whole
    for change in ({"quick": True}, {"dev": True}, {"splits": ("single",)}):
        assert not wanted(tmp_path, **change).whole


def test_sizes_scale_with_their_controls_and_their_time(tmp_path: Path) -> None:
    whole, half, all_there = (wanted(tmp_path, scale=scale) for scale in (1.0, 0.5, 100.0))
    assert half.sizes["single"].scenes == whole.sizes["single"].scenes // 2
    assert half.sizes["single"].controlled == whole.sizes["single"].controlled // 2
    assert all_there.sizes["single"].scenes == 80
    assert all_there.sizes["arrays"].scenes == 20
    assert half.folder("single") != whole.folder("single")
    assert half.processor_s < whole.processor_s < all_there.processor_s
    assert "--scale 0.5" in half.command


def material(kept: list[int]) -> Any:
    real, clips = script("results_real"), script("clips")

    def made() -> Iterator[Any]:
        rng = np.random.default_rng(1)
        for number in range(6):
            kept.append(number)
            noise = rng.normal(0, 0.1, 16_000)
            signals = np.stack([noise, 0 * noise, 0 * noise, noise]).astype(np.float32)
            truth = np.array([1.0, 0.0, 0.0])
            yield clips.Clip(signals, clips.TRUSTED, truth, "speech", f"talker {number}", t60_s=0.4)

    return real.Material("a room", "room", made, 6)


def test_what_was_heard_is_kept_and_read_as_it_was(tmp_path: Path) -> None:
    real, made = script("results_real"), []
    first = real.hear(material(made), None, tmp_path, "weights")
    assert len(made) == 7  # one to know the clips by, and all
    again = real.hear(material(made), None, tmp_path, "weights")
    assert len(made) == 8
    assert again.guesses == first.guesses
    assert [one.source for one in again.clips] == [f"talker {number}" for number in range(6)]
    table = real.heard_table([again])
    assert "| MUSIC (classical, the cascade's) |" in table
    assert real.heard_table([first]) == table
    real.hear(material(made), None, tmp_path, "other weights")
    assert len(made) == 15


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--audio", "nowhere"], "--audio nowhere: no such folder; give the one that holds the corpora"),
        (["--audio", ".", "--model", "nowhere"], "--model nowhere: no model folder (no config.json)"),
        (["--audio", ".", "--scale", "0"], "--scale 0: give more than 0"),
        (["--audio", "."], "--audio .: holds none of esc10, "),
    ],
)
def test_mistakes_are_told_in_a_line(
    flags: list[str], line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script("results").main([*flags, "--out", str(tmp_path)]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith(f"results.py: error: {line}")
    assert shown.err.count("\n") == 1


def test_the_whole_command_on_a_few_items(
    tmp_path: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results = script("results")
    monkeypatch.setattr(results, "RESULTS", tmp_path / "RESULTS.md")
    flags = ["--audio", str(tmp_path), "--out", str(tmp_path / "out"), "--model", str(tiny_folder), "--workers", "1"]
    assert results.main([*flags, "--quick", "--splits", "single", "rooms"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path / "out" / "results.md")
    told = (tmp_path / "out" / "results.md").read_text()
    assert "quick trial" in told
    assert "## spatial-bench, test" in told
    assert "### Controls of model (2 items)" in told
    assert "the first 1 of 80; controls on 2 items; checksum" in told
    assert str(tmp_path) not in told
    assert not (tmp_path / "RESULTS.md").exists()
    assert not (tmp_path / "out" / "weak.md").exists()
    # A second run finds all answers there, asks nothing and says the same.
    monkeypatch.setattr("spatial_lalm.evaluate.run.runner.row_of", None)
    assert results.main([*flags, "--quick", "--splits", "single", "rooms"]) == 0
    assert (tmp_path / "out" / "results.md").read_text() == told
