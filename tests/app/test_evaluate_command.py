"""``spatial-lalm evaluate`` on a benchmark of our own: what is evaluated, what is refused, what is left out."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from spatial_lalm.app.cli import main

TOY = Path(__file__).parent.parent / "evaluate" / "run" / "toy.py"


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The toy benchmark as the only one known."""
    spec = importlib.util.spec_from_file_location("toy", TOY)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "toy", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr("spatial_lalm.evaluate.readers.READERS", module.READERS)
    monkeypatch.setattr("spatial_lalm.evaluate.run.summary.RESAMPLES", 100)
    return module


@pytest.fixture
def run(toy: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the command on two clips; gives the exit code and what was printed."""
    toy.write_clips(tmp_path / "clips", 2)

    def command(*flags: str, benchmark: str = "toy", split: str = "test") -> tuple[int, str, str]:
        where = ["--data", str(tmp_path / "clips"), "--split", split, "--out", str(tmp_path / "out")]
        code = main(["evaluate", benchmark, *where, *flags])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return command


def summary(folder: Path) -> dict[str, object]:
    document: dict[str, object] = json.loads((folder / "out" / "summary.json").read_text())
    return document


def test_a_baseline_with_its_controls(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    code, out, err = run("--baseline", "intensity", "--limit", "1")
    assert (code, err) == (0, "")
    assert out.startswith("direction: 1 items, right 1.000 [1.000, 1.000], unread 0, declined 0, failed 0\n")
    assert out.endswith("out/report.md\n")
    report = (tmp_path / "out" / "report.md").read_text()
    assert report.startswith("# toy, test: intensity\n")
    assert "Controls of the sound were run on all items." in report


@pytest.mark.parametrize("name", ["chance", "majority", "text-only", "cascade"])
def test_other_baselines(run: Callable[..., tuple[int, str, str]], tmp_path: Path, name: str) -> None:
    code, out, _ = run("--baseline", name, "--no-controls", "--limit", "5")
    assert code == 0
    assert "yes or no: 1 items" in out
    assert summary(tmp_path)["controls"] == []


def test_predictions_and_what_they_lack(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    said = tmp_path / "said.json"
    said.write_text(json.dumps([{"id": "clip0-where", "prediction": "azimuth 12, elevation 0"}]))
    code, out, err = run("--predictions", str(said), "--limit", "3")
    assert (code, out) == (2, "")
    assert f"{said}: lacks an answer to clip0-side" in err
    assert "2 problems in all; --allow-missing answers the rest and counts these" in err
    code, out, _ = run("--predictions", str(said), "--limit", "3", "--allow-missing")
    assert code == 0
    assert "direction: 1 items, right 1.000" in out
    assert summary(tmp_path)["problems"]["kinds"] == {"missing": 2}  # type: ignore[index]


def test_files_that_are_absent_or_broken(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    (tmp_path / "clips" / "due.txt").write_text("clip0.wav clip7.wav")
    broken = tmp_path / "clips" / "clip1.wav"
    broken.write_bytes(broken.read_bytes()[:3000])
    code, _, err = run("--baseline", "intensity")
    assert code == 2
    lines = err.splitlines()
    assert len(lines) == 3
    assert "clip7.wav: is absent" in lines[0]
    assert str(broken) in lines[1]
    assert lines[1].endswith("(5 items)")
    assert not (tmp_path / "out").exists()
    code, _, _ = run("--baseline", "intensity", "--allow-missing", "--no-controls")
    assert code == 0
    document = summary(tmp_path)
    assert document["problems"]["kinds"] == {"malformed": 1, "missing": 1}  # type: ignore[index]
    assert document["scores"]["overall"]["count"] == 5  # type: ignore[index]
    assert "2 problems: malformed 1, missing 1" in (tmp_path / "out" / "report.md").read_text()


@pytest.fixture
def _ray() -> Iterator[None]:
    """A two-worker Ray of our own, not a cluster that somebody else has on this machine.

    Its workers are not made nicer than this process, as Ray does: on a busy machine they would never end.
    """
    ray = pytest.importorskip("ray")
    quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": "ERROR", "configure_logging": False}
    ray.init("local", num_cpus=2, _system_config={"worker_niceness": 0}, **quiet)
    yield
    ray.shutdown()


def whole_report(folder: Path) -> dict[str, bytes]:
    """Every file of a report but the one that tells how long it took."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "timing.json"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def reports(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path, *settings: tuple[str, str]
) -> list[dict[str, bytes]]:
    kept = []
    for number, setting in enumerate(settings):
        assert run("--baseline", "intensity", *setting)[0] == 0
        kept.append(whole_report(tmp_path / "out"))
        (tmp_path / "out").rename(tmp_path / f"out{number}")
    assert {"items.jsonl", "summary.json", "report.md", "report.html", "run.json"} <= kept[0].keys()
    return kept


def test_workers_change_nothing(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    one, two = reports(run, tmp_path, ("--workers", "1"), ("--workers", "2"))
    assert one == two


@pytest.mark.usefixtures("_ray")
def test_a_ray_cluster_changes_nothing(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    one, cluster = reports(run, tmp_path, ("--workers", "1"), ("--ray", "local"))
    assert one == cluster


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--baseline", "music", "--predictions", "x.json"], "--baseline and --predictions are both given"),
        (["--model", "m", "--baseline", "music"], "--model and --baseline are both given"),
        (["--endpoint", "http://localhost"], "--endpoint needs --model"),
        (["--endpoint", "localhost", "--model", "m"], "is no http address"),
        (["--workers", "0"], "--workers 0: give 1 or more"),
        (["--out", str(TOY)], "toy.py: is a file; --out needs a folder"),
        (["--limit", "0"], "--limit 0: give 1 or more"),
        (["--model", "nowhere"], "nowhere: no such model folder"),
        (["--predictions", "none.json"], "none.json"),
    ],
)
def test_mistakes_are_one_line(run: Callable[..., tuple[int, str, str]], flags: list[str], line: str) -> None:
    code, out, err = run(*flags)
    assert code in (1, 2)
    assert out == ""
    assert line in err
    assert err.count("\n") == 1


def test_unknown_benchmarks_and_splits(run: Callable[..., tuple[int, str, str]]) -> None:
    assert "benchmark tooth is unknown; known are toy" in run(benchmark="tooth")[2]
    assert "toy has no split dev; it has test" in run(split="dev")[2]
