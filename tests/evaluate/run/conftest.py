"""The toy benchmark of these tests, and a pool that asks in this process."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

TOY = Path(__file__).with_name("toy.py")


def load_toy() -> ModuleType:
    spec = importlib.util.spec_from_file_location("toy", TOY)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["toy"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def toy() -> ModuleType:
    return load_toy()


@pytest.fixture(scope="session")
def clips(toy: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("toy") / "clips"
    toy.write_clips(folder)
    return folder


@pytest.fixture
def items(toy: ModuleType, clips: Path) -> tuple[Any, ...]:
    return tuple(toy.read(clips, "test").items)


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals of as few resamples as are allowed: what they are is tested with the metrics."""
    monkeypatch.setattr("spatial_lalm.evaluate.run.summary.RESAMPLES", 100)


def in_order(task: Any, numbers: Sequence[int]) -> Iterator[Any]:
    return (task.make(number) for number in numbers)


def backwards(task: Any, numbers: Sequence[int]) -> Iterator[Any]:
    return (task.make(number) for number in reversed(numbers))


@pytest.fixture
def pools() -> tuple[Any, Any]:
    return in_order, backwards
