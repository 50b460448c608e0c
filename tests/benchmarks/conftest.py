"""The scripts of ``benchmarks`` as modules, as they see each other when they are run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="package", autouse=True)
def scripts() -> Iterator[None]:
    """They can be imported from here, and nowhere else."""
    sys.path.append(str(BENCHMARKS))
    yield
    sys.path.remove(str(BENCHMARKS))
    ours = [name for name, module in sys.modules.items() if is_ours(module)]
    for name in ours:
        del sys.modules[name]


def is_ours(module: object) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and Path(file).parent == BENCHMARKS
