"""``spatial-lalm simulate --describe``: what scenes are drawn from, field by field, and what comes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Any, get_type_hints

import numpy as np

from spatial_lalm.settings import is_range

if TYPE_CHECKING:
    from spatial_lalm.simulation.recipe import SceneRecipe
    from spatial_lalm.simulation.timeline import Place
    from spatial_lalm.simulation.trajectories import Trajectory

DRAWS = 200
PERCENTILES = (5, 25, 50, 75, 95)


@dataclass(frozen=True)
class Line:
    """One field: its name, value, unit and distribution, and what it is."""

    name: str
    value: str
    unit: str
    drawn: str
    help: str


@dataclass(frozen=True)
class Section:
    """A dataclass of the configuration; ``title`` is its table in a TOML file, empty for what stands before any."""

    title: str
    help: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Measured:
    """A quantity over the draws: its ``PERCENTILES``, or the share of draws for which it holds, and what was asked."""

    name: str
    unit: str
    percentiles: tuple[float, ...]
    share: float | None
    asked: str


def sections_of(*settings: Any) -> list[Section]:
    """All fields of dataclasses, those of the dataclasses within them as sections of their own."""
    own = [line for one in settings for line in _lines(one)]
    nested = [(f.name, getattr(one, f.name)) for one in settings for f in fields(one)]
    tables = [Section(name, _first_line(value), tuple(_lines(value))) for name, value in nested if is_dataclass(value)]
    return [Section("", "", tuple(own)), *tables]


def _lines(settings: Any) -> Iterable[Line]:
    hints = get_type_hints(type(settings))
    for one in fields(settings):
        value = getattr(settings, one.name)
        if not is_dataclass(value):
            told = [one.metadata.get(key, "") for key in ("unit", "drawn", "help")]
            yield Line(one.name, value_text(value, is_range(hints[one.name])), *told)


def _first_line(settings: Any) -> str:
    return (type(settings).__doc__ or "").strip().partition("\n")[0]


def value_text(value: Any, span: bool) -> str:
    """A value as a person writes it; a range as ``low to high``."""
    if isinstance(value, tuple):
        return (" to " if span else " ").join(value_text(item, False) for item in value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value) or "-"
    return f"{float(f'{value:.4g}'):,g}" if isinstance(value, float) else f"{value}"


# ---------------------------------------------------------------- draws


@dataclass
class Tally:
    """What was drawn: numbers by quantity, whether something held, and in how many draws a setting is not kept."""

    numbers: dict[str, list[float]] = field(default_factory=dict)
    held: dict[str, list[bool]] = field(default_factory=dict)
    unkept: Counter[str] = field(default_factory=Counter)

    def add(self, name: str, *values: float) -> None:
        """Note values of a quantity."""
        self.numbers.setdefault(name, []).extend(values)

    def ask(self, name: str, *answers: bool) -> None:
        """Note whether something held."""
        self.held.setdefault(name, []).extend(answers)


QUANTITIES = {
    "volume": ("m3", "rooms.dwellings_m3 rooms.volume_m3"),
    "T60": ("s", "rooms.t60_s"),
    "ceiling": ("m", ""),
    "receiver's height": ("m", "receivers.height_m"),
    "sources in the first window": ("", "sources.counts"),
    "distance, at the onset": ("m", "sources.nearest_m"),
    "elevation": ("degrees", ""),
    "DRR if omni, at the onset": ("dB", "sources.drr_db"),
    "speed of what moves": ("m/s", "sources.speed_m_s"),
}
"""Unit of what is measured, and the fields that ask for it."""
SHARES = {
    "open air": "rooms.outdoors_share",
    "floors that are no rectangle": "rooms.polygon_share",
    "conversations": "sources.conversation_share",
    "sources that move": "sources.moving_share",
    "receivers that turn": "receivers.turning_share",
    "receivers that are carried": "receivers.carried_share",
}


def _percentiles(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(np.percentile(values, PERCENTILES).tolist())


def measured(recipe: SceneRecipe, draws: int = DRAWS) -> list[Measured]:
    """Percentiles and shares over scenes that are drawn and not rendered; ``InputError`` where none can be drawn."""
    tally = Tally()
    for seed in range(draws):
        _draw(recipe, np.random.default_rng(seed), tally)
    rows = [
        Measured(name, unit, _percentiles(tally.numbers[name]), None, _asked(recipe, paths))
        for name, (unit, paths) in QUANTITIES.items()
        if tally.numbers.get(name)
    ]
    shares = [
        Measured(name, "", (), float(np.mean(tally.held[name])), asked(recipe, path))
        for name, path in SHARES.items()
        if tally.held.get(name)
    ]
    unkept = [
        Measured(f"do not keep {path}", "", (), count / draws, asked(recipe, path))
        for path, count in sorted(tally.unkept.items())
    ]
    return rows + shares + unkept


def _asked(recipe: SceneRecipe, paths: str) -> str:
    """The fields that ask for a quantity; of volumes each with the share of rooms that it is drawn for."""
    told = [asked(recipe, path) for path in paths.split()]
    if len(told) > 1:
        dwellings = recipe.rooms.dwelling_share
        shares = [f"{text} ({100 * share:.3g} %)" for text, share in zip(told, (dwellings, 1 - dwellings), strict=True)]
        told = [text for text, share in zip(shares, (dwellings, 1 - dwellings), strict=True) if share > 0]
    if paths == "sources.speed_m_s" and recipe.sources.crossing_share > 0:
        told.append("any where two cross")
    return ", ".join(told)


def asked(recipe: SceneRecipe, path: str) -> str:
    """The field at a dotted path and its value."""
    *table, name = path.split(".")
    part = getattr(recipe, table[0]) if table else recipe
    return f"{path} {value_text(getattr(part, name), is_range(get_type_hints(type(part))[name]))}"


def _draw(recipe: SceneRecipe, rng: np.random.Generator, tally: Tally) -> None:
    """A room, a receiver and the sounds of the first window, as ``sampling`` draws them, where there is speech."""
    from spatial_lalm.simulation.engine.paths import decay_times
    from spatial_lalm.simulation.engine.reverberation import expected_t60
    from spatial_lalm.simulation.keeping import sample_setting, with_unkept
    from spatial_lalm.simulation.timeline import Place, plan_window, windows

    room, motion, unkept = sample_setting(rng, recipe)
    recipe = with_unkept(recipe, unkept)
    place = Place(room, float(decay_times(room)[3]), motion.way.points[0], Counter(unkept))
    plan = plan_window(rng, recipe.sources, place, windows(recipe.duration_s, recipe.sources.window_s)[0], True)
    tally.unkept.update(set(place.unkept))
    tally.ask("open air", room.outdoors)
    tally.ask("receivers that turn", motion.turn_deg_s != 0)
    tally.ask("receivers that are carried", motion.way.moves)
    tally.add("receiver's height", float(place.receiver[2]))
    if not room.outdoors:
        tally.ask("floors that are no rectangle", bool(room.corners_m))
        tally.add("volume", room.volume_m3)
        tally.add("ceiling", room.dimensions_m[2])
        tally.add("T60", expected_t60(room))
    talk = any(sound.talker is not None for sound in plan)
    tally.ask("conversations", talk)
    ways = list({tuple(sound.way.points[0]): sound.way for sound in plan}.values())
    if not talk:
        tally.add("sources in the first window", float(len(ways)))
        tally.ask("sources that move", *(way.moves for way in ways))
    for way in ways:
        _note_source(place, way, tally)


def _note_source(place: Place, way: Trajectory, tally: Tally) -> None:
    """Where a source is when it begins, and how fast it goes."""
    from spatial_lalm.simulation.room import critical_distance

    vector = way.points[0] - place.receiver
    distance = float(np.linalg.norm(vector))
    tally.add("distance, at the onset", distance)
    tally.add("elevation", float(np.degrees(np.arcsin(vector[2] / distance))))
    if not place.room.outdoors:
        ratio = critical_distance(place.room, place.t60_s) / distance
        tally.add("DRR if omni, at the onset", float(20 * np.log10(ratio)))
    if way.moves:
        length = np.linalg.norm(np.diff(way.points, axis=0), axis=1).sum()
        tally.add("speed of what moves", float(length / (way.times[-1] - way.times[0])))


# ---------------------------------------------------------------- text


def text(sections: Sequence[Section], draws: Sequence[Measured]) -> str:
    """Both as aligned lines, the TOML tables in brackets."""
    widths = _widths([line_cells(line) for section in sections for line in section.lines])
    blocks = []
    for section in sections:
        head = [f"[{section.title}]  {section.help}"] if section.title else []
        blocks.append([*head, *(_aligned(line_cells(line), widths) for line in section.lines)])
    head_cells = (f"{DRAWS} scenes drawn", "", *(f"{share} %" for share in PERCENTILES), "asked for")
    rows = [head_cells, *map(_measured_cells, draws)]
    blocks.append([_aligned(cells, _widths(rows)) for cells in rows])
    return "\n\n".join("\n".join(block) for block in blocks)


def line_cells(line: Line) -> tuple[str, ...]:
    """The columns of a field."""
    return (line.name, line.value, line.unit, line.drawn, line.help)


def _measured_cells(row: Measured) -> tuple[str, ...]:
    values = [f"{float(f'{value:.3g}'):,g}" for value in row.percentiles]
    if row.share is not None:
        values = [f"{100 * row.share:.0f} %", *[""] * (len(PERCENTILES) - 1)]
    return (row.name, row.unit, *values, row.asked)


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()
