"""What the command is told by files and flags, and what it leaves behind where it refuses."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest

from spatial_lalm.app import cli, simulate
from spatial_lalm.app.simulate_settings import load_settings
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.dataset import make_scenes
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.recipe import SceneRecipe

TOML = "scenes = 3\nduration_s = 2.0\n[rooms]\nt60_s = [0.2, 0.4]\n[sources]\ncounts = [0.0, 1.0]\n"
YAML = "scenes: 3\nduration_s: 2\nrooms: {t60_s: [0.2, 0.4]}\nsources:\n  counts: [0, 1]\n"


@pytest.mark.parametrize("suffix", [".yaml", ".yml"])
def test_yaml_says_what_toml_says(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "own.toml").write_text(TOML)
    (tmp_path / f"own{suffix}").write_text(YAML)
    assert load_settings(str(tmp_path / f"own{suffix}")) == load_settings(str(tmp_path / "own.toml"))
    (tmp_path / f"own{suffix}").write_text("")
    assert load_settings(str(tmp_path / f"own{suffix}")) == load_settings(None)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("rooms: {t60_s: [0.4, 0.2]}", "rooms: t60_s = [0.4, 0.2]: the range is reversed, its low end comes first"),
        ("colour: red", "unknown field 'colour'; known: "),
        ("scenes: [1", "not a YAML file (while parsing a flow sequence"),
        ("- scenes", "must hold fields with their values, such as 'scenes: 10'"),
        ("scenes: ten", "scenes = 'ten': must be a whole number"),
    ],
)
def test_yaml_is_refused_by_the_same_rules(tmp_path: Path, text: str, line: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as refused:
        load_settings(str(path))
    assert str(refused.value).startswith(f"{path}: {line}")
    assert "\n" not in str(refused.value)


def test_yaml_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such configuration; give a \.toml or \.yaml file or a shipped one's"):
        load_settings(str(tmp_path / "own.yaml"))


@pytest.mark.parametrize("before", ["missing", "empty", "ours"])
def test_a_refused_cluster_leaves_nothing_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], before: str
) -> None:
    """Nobody listens at port 9 of this machine; what was there stays."""
    pytest.importorskip("ray")
    out = tmp_path / "deep" / "out"
    if before == "empty":
        out.mkdir(parents=True)
    if before == "ours":
        make_scenes(out, SceneRecipe(duration_s=1.0), SourceLibrary.builtin(), 1)
    there = sorted(path.name for path in out.rglob("*")) if out.exists() else []
    words = ["simulate", str(out), "--scenes", "2", "--duration", "1", "--ray", "127.0.0.1:9"]
    assert cli.main(words) == 2
    assert "--ray 127.0.0.1:9: no Ray cluster answered" in capsys.readouterr().err
    left = sorted(path.name for path in out.rglob("*")) if out.exists() else []
    assert [name for name in there if name != "manifest.json"] == left
    assert (tmp_path / "deep").exists() == (before != "missing")


@pytest.mark.parametrize("moment", ["_library", "_made", "_draw_sheet"])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_stopping_says_how_to_go_on_at_any_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], moment: str, workers: str
) -> None:
    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(simulate, "_made", lambda *_: None)
    monkeypatch.setattr(simulate, moment, stopped)
    parser = argparse.ArgumentParser()
    simulate.add_arguments(parser)
    assert simulate.run(parser.parse_args([str(tmp_path / "out"), "--workers", workers])) == 130
    told = f"spatial-lalm: stopped; the same command goes on where {tmp_path / 'out'} ends\n"
    assert capsys.readouterr().err == told
