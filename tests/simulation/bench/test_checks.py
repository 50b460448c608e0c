"""Checksums: the same machine is identical, a last bit is the same bench, another bench is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spatial_lalm.errors import InputError
from spatial_lalm.simulation.bench import Bench, record, verify
from spatial_lalm.simulation.bench.__main__ import main

Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def one(bench: Bench) -> Bench:
    """A bench of a single short scene."""
    own = bench.subsets["single"]
    scene = replace(own.scene, duration_s=1.5, sources=replace(own.scene.sources, event_s=(0.5, 1.0)))
    return replace(bench, subsets={"single": replace(own, scene=scene, check_scenes=1)})


@pytest.fixture(scope="module")
def kept(one: Bench, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checks") / "checks.json"
    record(path, bench=one)
    return path


def test_the_same_machine_makes_the_same_bytes(one: Bench, kept: Path) -> None:
    (verdict,) = verify(kept, bench=one)
    assert verdict.identical
    assert verdict.same
    assert (verdict.number, verdict.level_db) == (0.0, 0.0)


def last_bit(own: dict[str, Any]) -> None:
    own["numbers"][0] *= 1 + 1e-5
    own["levels_db"]["0000.flac"][0] += 0.01


def number(own: dict[str, Any]) -> None:
    own["numbers"][0] = 1.01 * own["numbers"][0] + 0.1


def fewer(own: dict[str, Any]) -> None:
    own["numbers"].pop()


def word(own: dict[str, Any]) -> None:
    own["words"] = own["words"][::-1]


def louder(own: dict[str, Any]) -> None:
    own["levels_db"]["0000.flac"][-1] += 0.5


def no_audio(own: dict[str, Any]) -> None:
    own["levels_db"] = {}


@pytest.mark.parametrize(
    ("change", "same"),
    [(last_bit, True), (number, False), (fewer, False), (word, False), (louder, False), (no_audio, False)],
)
def test_differences_are_told_from_rounding(change: Change, same: bool, one: Bench, kept: Path, tmp_path: Path) -> None:
    content = json.loads(kept.read_text())
    own = content["subsets"]["single"]
    own["whole"] = "of another machine"
    change(own)
    (tmp_path / "checks.json").write_text(json.dumps(content))
    (verdict,) = verify(tmp_path / "checks.json", bench=one)
    assert not verdict.identical
    assert verdict.same is same


def test_checksums_of_another_version_are_refused(one: Bench, kept: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="record them again"):
        verify(kept, bench=replace(one, version=one.version + 1))
    with pytest.raises(InputError, match="no checksums there"):
        verify(tmp_path / "checks.json", bench=one)


def test_commands(tmp_path: Path, written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify-folder", str(written.parent)]) == 0
    assert "dev/single: whole" in capsys.readouterr().out
    assert main(["verify-folder", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert told.startswith("spatial-bench: error: ")
    assert told.count("\n") == 1
