"""What ``simulate --describe`` tells: every field, and draws that agree with what was asked."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

import pytest

from spatial_lalm.app.describe import QUANTITIES, SHARES, Measured, measured, sections_of, text, value_text
from spatial_lalm.app.simulate_settings import RunSettings
from spatial_lalm.errors import InputError
from spatial_lalm.settings import setting
from spatial_lalm.simulation.recipe import RoomRecipe, SceneRecipe, SourceRecipe


def leaves(settings: Any) -> list[tuple[str, Any]]:
    """Name and metadata of every field of a dataclass and those within it."""
    values = [(one, getattr(settings, one.name)) for one in fields(settings)]
    inner = [leaf for _, value in values if is_dataclass(value) for leaf in leaves(value)]
    return [(one.name, one.metadata) for one, value in values if not is_dataclass(value)] + inner


def test_every_field_is_told_with_its_unit_its_distribution_and_its_help() -> None:
    recipe = SceneRecipe()
    shown = text(sections_of(RunSettings(), recipe), [])
    lines = {line.split()[0]: line for line in shown.splitlines() if line and not line.startswith("[")}
    for name, metadata in [*leaves(RunSettings()), *leaves(recipe)]:
        assert metadata["help"], name
        for key in ("unit", "drawn", "help"):
            assert metadata[key] in lines[name]
    for table in ("rooms", "sources", "background", "receivers"):
        assert f"[{table}]  " in shown


def test_a_field_that_is_added_later_appears() -> None:
    @dataclass(frozen=True)
    class More:
        """More of it."""

        wind_m_s: tuple[float, float] = setting((0.0, 12.5), "wind", "m/s", "uniform")

    @dataclass(frozen=True)
    class Own:
        deep: bool = False
        more: More = field(default_factory=More)

    globals()["More"] = More  # type hints are looked up where the class stands
    shown = text(sections_of(Own()), [])
    assert "wind_m_s  0 to 12.5  m/s  uniform  wind" in shown
    assert "[more]  More of it." in shown
    assert shown.startswith("deep      False")


@pytest.mark.parametrize(
    ("value", "span", "shown"),
    [
        ((0.1, 1.5), True, "0.1 to 1.5"),
        ((0.04, 0.4, 1.0), False, "0.04 0.4 1"),
        (20_000.0, False, "20,000"),
        (16_000, False, "16000"),
        (0.0005, False, "0.0005"),
        (True, False, "True"),
        ("", False, "-"),
        ("foa", False, "foa"),
    ],
)
def test_values_are_written_as_a_person_would(value: Any, span: bool, shown: str) -> None:
    assert value_text(value, span) == shown


def by_name(recipe: SceneRecipe) -> dict[str, Measured]:
    return {row.name: row for row in measured(recipe)}


def test_draws_keep_to_what_was_asked() -> None:
    rooms = RoomRecipe(t60_s=(0.4, 0.6), dwellings_m3=(50.0, 60.0), dwelling_share=1.0, outdoors_share=0.0)
    sources = SourceRecipe(counts=(0.0, 0.0, 1.0), nearest_m=1.0, moving_share=0.0, conversation_share=0.0)
    rows = by_name(SceneRecipe(rooms=rooms, sources=sources))
    volumes, t60s = rows["volume"].percentiles, rows["T60"].percentiles
    assert volumes == tuple(sorted(volumes))
    assert 50 <= volumes[0] < volumes[-1] <= 60
    # The walls scatter around the mean absorption that the T60 asks for.
    assert 0.4 < t60s[2] < 0.6
    assert 0.25 < t60s[0] < t60s[-1] < 0.9
    assert set(rows["sources in the first window"].percentiles) == {2.0}
    assert rows["distance, at the onset"].percentiles[0] >= 1.0
    assert [rows[name].share for name in ("open air", "conversations", "sources that move")] == [0.0, 0.0, 0.0]
    assert rows["volume"].asked == "rooms.dwellings_m3 50 to 60 (100 %)"
    assert "speed of what moves" not in rows


def test_shares_come_out_as_asked() -> None:
    rows = by_name(
        replace(SceneRecipe(), sources=SourceRecipe(moving_share=1.0, crossing_share=0.0, conversation_share=0.0))
    )
    moving = rows["sources that move"].share
    assert moving is not None
    assert moving > 0.9  # a few find no way
    speed = rows["speed of what moves"].percentiles
    assert 0.3 - 1e-6 <= speed[0] < speed[-1] <= 1.8 + 1e-6


def test_open_air_has_no_volume_and_says_so() -> None:
    rows = by_name(SceneRecipe(rooms=RoomRecipe(outdoors_share=1.0)))
    assert rows["open air"].share == 1.0
    assert not {"volume", "T60 (Eyring, 1 kHz)", "ceiling"} & set(rows)


def test_draws_are_the_same_every_time() -> None:
    assert measured(SceneRecipe(), 20) == measured(SceneRecipe(), 20)


def test_what_cannot_be_drawn_is_told() -> None:
    with pytest.raises(InputError, match=r"rooms\.t60_s"):
        measured(
            SceneRecipe(
                rooms=RoomRecipe(t60_s=(7.9, 8.0), volume_m3=(5.0, 6.0), dwelling_share=0.0, outdoors_share=0.0)
            )
        )


def test_the_table_names_what_was_asked() -> None:
    rows = measured(SceneRecipe(), 60)
    shown = text(sections_of(SceneRecipe()), rows)
    assert [row.name for row in rows] == [*QUANTITIES, *SHARES]
    for name in (*QUANTITIES, *SHARES):
        assert f"\n{name}  " in shown
    widths = {line.index("rooms.") for line in shown.splitlines() if line.startswith(("volume ", "open air "))}
    assert len(widths) == 1
