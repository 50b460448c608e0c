"""Settings: dataclasses from tables, and one line for every mistake in them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from spatial_lalm.errors import InputError
from spatial_lalm.settings import build, check, find_toml, is_range, read_toml, refuse_unknown, setting


@dataclass(frozen=True)
class Inner:
    t60_s: tuple[float, float] = setting((0.1, 1.5), "reverberation", "s", "log-uniform", least=0.05, most=20)
    bands: tuple[float, ...] = (1.0, 2.0)
    names: tuple[str, ...] = ("a",)


@dataclass(frozen=True)
class Outer:
    scenes: int = setting(10, "how many", least=1)
    level_db: float = -20.0
    loud: bool = False
    engine: Literal["images", "rays"] = "images"
    folder: str | None = None
    inner: Inner = field(default_factory=Inner)
    model: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check(self)
        if self.loud and self.level_db < -60:
            raise InputError("loud = True: not at such a level")


def test_defaults_and_what_differs_from_them() -> None:
    assert build(Outer, {}, "x.toml") == Outer()
    table = {
        "scenes": 3,
        "folder": "f",
        "engine": "rays",
        "model": {"a": 1},
        "inner": {"t60_s": [0.2, 1], "names": ["b"]},
    }
    own = build(Outer, table, "x.toml")
    assert own == Outer(3, folder="f", engine="rays", inner=Inner((0.2, 1.0), names=("b",)), model={"a": 1})


def test_whole_numbers_where_floats_are_meant_are_floats() -> None:
    own = build(Outer, {"level_db": -10, "inner": {"t60_s": [1, 2], "bands": [3]}}, "x.toml")
    for value in (own.level_db, *own.inner.t60_s, *own.inner.bands):
        assert type(value) is float


def test_metadata_says_what_a_field_is() -> None:
    told = {one.name: dict(one.metadata) for one in Inner.__dataclass_fields__.values()}
    assert told["t60_s"] == {"help": "reverberation", "unit": "s", "drawn": "log-uniform", "least": 0.05, "most": 20}
    assert told["bands"] == {}


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ({"scene": 3}, "x.toml: unknown field 'scene'; known: scenes, level_db, loud, engine, folder, inner, model"),
        ({"inner": {"t60": 3}}, "x.toml: inner: unknown field 't60'; known: t60_s, bands, names"),
        ({"inner": 3}, "x.toml: inner = 3: must be a table of t60_s, bands, names"),
        ({"scenes": 2.5}, "x.toml: scenes = 2.5: must be a whole number"),
        ({"scenes": True}, "x.toml: scenes = True: must be a whole number"),
        ({"scenes": 0}, "x.toml: scenes = 0: must be at least 1"),
        ({"loud": 1}, "x.toml: loud = 1: must be true or false"),
        ({"level_db": "low"}, "x.toml: level_db = 'low': must be a number"),
        ({"level_db": math.nan}, "x.toml: level_db = nan: must be finite"),
        ({"level_db": 10**400}, "x.toml: level_db: a whole number of 401 digits is too large"),
        ({"folder": 3}, "x.toml: folder = 3: must be a text in quotes"),
        ({"engine": "ray"}, "x.toml: engine = 'ray': must be one of: images, rays"),
        ({"engine": ["rays"]}, "x.toml: engine = ['rays']: must be one of: images, rays"),
        ({"model": 3}, "x.toml: model = 3: must be a table"),
        ({"inner": {"t60_s": 3}}, "x.toml: inner: t60_s = 3: must be a list of 2, each a number"),
        ({"inner": {"t60_s": [1, 2, 3]}}, "x.toml: inner: t60_s = [1, 2, 3]: must be a list of 2, each a number"),
        (
            {"inner": {"t60_s": [2, 1]}},
            "x.toml: inner: t60_s = [2.0, 1.0]: the range is reversed, its low end comes first",
        ),
        ({"inner": {"t60_s": [0.01, 1]}}, "x.toml: inner: t60_s = [0.01, 1.0]: must be at least 0.05 and at most 20"),
        ({"inner": {"t60_s": [1, math.inf]}}, "x.toml: inner: t60_s = [1.0, inf]: must be finite"),
        ({"inner": {"bands": []}}, "x.toml: inner: bands = []: must be a list of one or more, each a number"),
        (
            {"inner": {"names": ["a", 1]}},
            "x.toml: inner: names = ['a', 1]: must be a list of one or more, each a text in quotes",
        ),
        ({"loud": True, "level_db": -70.0}, "x.toml: loud = True: not at such a level"),
    ],
)
def test_every_mistake_is_one_line_with_file_field_and_value(table: dict[str, Any], line: str) -> None:
    with pytest.raises(InputError) as caught:
        build(Outer, table, "x.toml")
    assert str(caught.value) == line


def test_limits_hold_without_a_file_too() -> None:
    with pytest.raises(InputError, match="scenes = 0: must be at least 1"):
        Outer(scenes=0)


def test_ranges_are_pairs_of_numbers() -> None:
    assert is_range(tuple[float, float])
    for other in (tuple[float, ...], tuple[str, str], tuple[float, float, float], float, list[float]):
        assert not is_range(other)


def test_unknown_names() -> None:
    refuse_unknown(["a"], ["a", "b"], "x")
    with pytest.raises(InputError, match=r"^x: unknown field 'c'; known: a, b$"):
        refuse_unknown(["a", "c"], ["a", "b"], "x")


def test_shipped_and_own_files_are_found(tmp_path: Path) -> None:
    (tmp_path / "rooms.toml").touch()
    assert find_toml("rooms", tmp_path) == tmp_path / "rooms.toml"
    assert find_toml(str(tmp_path / "rooms.toml"), Path("elsewhere")) == tmp_path / "rooms.toml"
    with pytest.raises(InputError, match=r"^halls: no such configuration; give a \.toml file or one of: rooms$"):
        find_toml("halls", tmp_path)


def test_what_is_no_toml_is_told(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text("[a]\nb = 'é'\n", encoding="utf-8")
    assert read_toml(path) == {"a": {"b": "é"}}
    for content in (b"[a", b"a = ", b"# caf\xe9\n", b"a = 1" + 5000 * b"0"):
        path.write_bytes(content)
        with pytest.raises(InputError, match="not a TOML file"):
            read_toml(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_toml(tmp_path)
