"""What the simulator's benchmark says beside its figures: of how many rooms they are, and how sure."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "simulation.py"


@pytest.fixture(scope="module")
def simulation() -> Any:
    """By its file: its name is that of a folder of the project, too."""
    spec = importlib.util.spec_from_file_location("simulation_figures", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_few_rooms_are_called_so(simulation: Any) -> None:
    line = simulation.spread_line("DRR, dB", simulation.spread(np.arange(6.0)))
    assert "few rooms" in line
    assert line.split()[-1] == "6"
    assert " to " not in line


def test_many_rooms_have_an_interval_and_what_is_unknown_is_not_counted(simulation: Any) -> None:
    values = np.append(np.random.default_rng(0).exponential(1.0, 400), np.nan)
    found = simulation.spread(values)
    low, high = found["interval"]
    assert found["n"] == 400
    assert low < found["median"] == np.nanmedian(values) < high
    assert high - low < 0.3
    assert f"{low:.3f} to {high:.3f}" in simulation.spread_line("C50, dB", found)


def test_nothing_known_is_no_figure(simulation: Any) -> None:
    assert "few rooms" in simulation.spread_line("T20", simulation.spread(np.full(40, np.nan)))


def test_rooms_are_counted_on_stderr(
    simulation: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulation, "TOLD_S", 0.0)
    assert list(simulation.counted("rooms", iter("abc"), 3)) == ["a", "b", "c"]
    told = capsys.readouterr()
    assert told.err.splitlines() == ["rooms: 1/3", "rooms: 2/3", "rooms: 3/3"]
    assert told.out == ""
