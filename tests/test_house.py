"""Which room of the house may import which: the table of the design, read off the code."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "spatial_lalm"
MAY_IMPORT = {
    "audio": set(),
    "kernels": set(),
    "memory": {"kernels"},
    "simulation": {"audio"},
    "model": {"audio", "memory", "kernels"},
    "train": {"audio", "memory", "kernels", "model", "simulation"},
    "evaluate": {"audio", "model"},
}


def imported_rooms(path: Path) -> set[str]:
    """Rooms of ours that a file imports, wherever in it; ``errors``, ``settings`` and ``sealing`` are everybody's."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    ours = {name.split(".")[1] for name in names if name.startswith("spatial_lalm.")}
    return ours - {"errors", "settings", "sealing", "__version__"}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_rooms_meet_in_no_circle(room: str) -> None:
    files = sorted((PACKAGE / room).rglob("*.py"))
    assert files
    for path in files:
        assert imported_rooms(path) <= MAY_IMPORT[room] | {room}, path
