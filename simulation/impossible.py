"""Settings that contradict each other, told before anything is drawn; what a draw fails to keep is for ``keeping``."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from spatial_lalm.errors import InputError
from spatial_lalm.simulation.recipe import Pair, RoomRecipe, SceneRecipe, SourceRecipe
from spatial_lalm.simulation.room import ASPECT, CEILINGS, CEILINGS_M, CRITICAL, FURTHEST_OUTDOORS_M, OFF_WALLS
from spatial_lalm.simulation.sampling import LONG_LEVEL_DB, WHOLE_S
from spatial_lalm.simulation.timeline import TALKERS, windows
from spatial_lalm.simulation.trajectories import TURN_DEG

WIDEST_DEG = {2: 180.0, 3: 120.0, 4: 109.47, 5: 90.0}
"""Largest angle by which so many directions can all be apart (Tammes' problem)."""
RATIO_SPREAD_DB = 6.0
"""Rooms differ by up to this from what their volume and T60 say of the direct-to-reverberant ratio."""


def refuse_impossible(recipe: SceneRecipe, labels: Collection[str] | None = None) -> None:
    """``InputError`` for settings that no scene of the recipe could keep, whatever was drawn.

    ``labels`` are the classes that sounds can be drawn of, where they are known.
    """
    _refuse_idle(recipe)
    _refuse_engine(recipe)
    _refuse_loud(recipe)
    if labels is not None and "speech" not in labels:
        _refuse_speechless(recipe.sources)
    _refuse_angles(recipe.sources)
    _refuse_crowds(recipe)
    _refuse_heights(recipe)
    if not recipe.rooms.polygon_share:
        _refuse_distances(recipe)


def _most_sources(sources: SourceRecipe) -> int:
    return max(number for number, weight in enumerate(sources.counts) if weight > 0)


def _asked(share: float, default: float) -> bool:
    """Whether somebody asks for what a share stands for; a default that finds nothing to do is no mistake."""
    return share not in (0, default)


def _refuse_idle(recipe: SceneRecipe) -> None:
    """Shares that ask for what other settings rule out.

    What only says how (``speed_m_s`` where nothing moves) is kept by doing nothing.
    """
    sources, receivers, usual = recipe.sources, recipe.receivers, SceneRecipe()
    ruled_out: list[tuple[str, float, float, list[tuple[bool, str]]]] = [
        (
            "sources.crossing_share",
            sources.crossing_share,
            usual.sources.crossing_share,
            [
                (sources.moving_share == 0, "nothing moves at sources.moving_share = 0; raise that"),
                (sources.most_at_once == 1, "nothing crosses at sources.most_at_once = 1; raise that"),
                (_most_sources(sources) < 2, "sources.counts has no two sources in a window; raise that"),
            ],
        ),
        (
            "sources.moving_share",
            sources.moving_share,
            usual.sources.moving_share,
            [(sources.conversation_share == 1, "talkers stay at sources.conversation_share = 1; lower that")],
        ),
        (
            "background.directional_share",
            recipe.background.directional_share,
            usual.background.directional_share,
            [
                (receivers.turning_share == 1, "every receiver turns at receivers.turning_share = 1; lower that"),
                (receivers.carried_share == 1, "all move at receivers.carried_share = 1; lower that"),
            ],
        ),
        (
            "receivers.carried_share",
            receivers.carried_share,
            usual.receivers.carried_share,
            [
                (
                    recipe.rooms.polygon_share == 1 and recipe.rooms.outdoors_share == 0,
                    "receivers stay over floors with corners, all of them at rooms.polygon_share = 1; lower that",
                )
            ],
        ),
    ]
    for name, share, default, reasons in ruled_out:
        for holds, reason in reasons:
            if holds and _asked(share, default):
                raise InputError(f"{name} {share:g}: {reason}, or leave {name.partition('.')[2]} out")
    if sources.event_s[0] > recipe.duration_s:
        raise InputError(
            f"sources.event_s [{sources.event_s[0]:g}, {sources.event_s[1]:g}]: scenes are {recipe.duration_s:g} s "
            "long; lower it, or give more duration_s"
        )


def _refuse_engine(recipe: SceneRecipe) -> None:
    """What an engine cannot render."""
    rooms = recipe.rooms
    if rooms.polygon_share > 0 and recipe.engine != "pyroomacoustics":
        raise InputError(
            f"rooms.polygon_share {rooms.polygon_share:g}: engine {recipe.engine} knows rectangles only; "
            "use --engine pyroomacoustics"
        )
    if recipe.engine == "all-images" and rooms.scattering not in ((0.0, 0.0), RoomRecipe().scattering):
        raise InputError(
            f"rooms.scattering [{rooms.scattering[0]:g}, {rooms.scattering[1]:g}]: images keep their direction to the "
            "end with engine all-images; use another, or leave scattering out"
        )


def _refuse_loud(recipe: SceneRecipe) -> None:
    low, high = recipe.level_db
    if recipe.duration_s > WHOLE_S and low > LONG_LEVEL_DB:
        raise InputError(
            f"level_db [{low:g}, {high:g}]: typical sources of scenes over {WHOLE_S:g} s, whose peaks are not known "
            f"beforehand, have at most {LONG_LEVEL_DB:g} dB; lower it, or make shorter scenes"
        )


def _refuse_speechless(sources: SourceRecipe) -> None:
    if _asked(sources.conversation_share, SourceRecipe().conversation_share):
        raise InputError(
            f"sources.conversation_share {sources.conversation_share:g}: the sounds hold no class 'speech'; add some "
            "(built-in sounds: install espeak-ng), or set it to 0"
        )


def _refuse_angles(sources: SourceRecipe) -> None:
    count, angle = _most_sources(sources), sources.separation_deg
    talkers = TALKERS[1] if sources.conversation_share > 0 else 0
    limit = WIDEST_DEG.get(max(count, talkers), np.inf)
    if angle >= limit:
        who = f"{count} sources" if count >= talkers else f"{talkers} talkers of a conversation"
        way_out = "lower sources.counts" if count >= talkers else "set sources.conversation_share = 0"
        raise InputError(f"sources.separation_deg {angle:g}: {who} are at most {limit:g} apart; lower it, or {way_out}")
    if count > 1 and sources.moving_share > 0 < sources.crossing_share and angle >= 2 * TURN_DEG[1]:
        raise InputError(
            f"sources.separation_deg {angle:g}: sources that cross begin at most {2 * TURN_DEG[1]:g} apart; lower it, "
            "or set sources.crossing_share = 0"
        )


def _refuse_crowds(recipe: SceneRecipe) -> None:
    """More sounds than fit into the window one after another, in as many rows as may overlap."""
    sources, count = recipe.sources, _most_sources(recipe.sources)
    start, end = windows(recipe.duration_s, sources.window_s)[0]
    shortest_s = min(sources.event_s[0], end - start)
    if count > sources.most_at_once * max(1, int((end - start) / shortest_s + 1e-9)):
        raise InputError(
            f"sources.most_at_once {sources.most_at_once}: {count} sounds of at least {shortest_s:g} s do not fit into "
            f"{end - start:g} s; lower sources.counts or sources.event_s, or give more time"
        )


def _volumes_m3(rooms: RoomRecipe) -> Pair:
    """Least and largest volume that is drawn."""
    spans = [rooms.dwellings_m3] * (rooms.dwelling_share > 0) + [rooms.volume_m3] * (rooms.dwelling_share < 1)
    return min(low for low, _ in spans), max(high for _, high in spans)


def _ceilings_m(volume_m3: float) -> Pair:
    low, high = (float(np.clip(volume_m3 ** (1 / 3) * share, *CEILINGS_M)) for share in CEILINGS)
    return low, high


def _diagonal_m(volume_m3: float) -> float:
    """More than any distance in a room of a volume."""
    low, high = _ceilings_m(volume_m3)
    return float(np.sqrt(volume_m3 / low * (ASPECT[0] + 1 / ASPECT[0]) + high**2))


def _refuse_heights(recipe: SceneRecipe) -> None:
    if recipe.rooms.outdoors_share == 1:
        return
    low, high = recipe.receivers.height_m
    largest = _volumes_m3(recipe.rooms)[1]
    ceiling = _ceilings_m(largest)[1]
    highest = ceiling - min(OFF_WALLS[0], OFF_WALLS[1] * ceiling)
    if low > highest:
        raise InputError(
            f"receivers.height_m [{low:g}, {high:g}]: rooms of up to {largest:g} m3 allow at most {highest:.1f} m; "
            "lower it, or ask for larger rooms"
        )


def _refuse_distances(recipe: SceneRecipe) -> None:
    """Sources further off than any wall, and ratios that no place in any room has."""
    sources, rooms = recipe.sources, recipe.rooms
    if rooms.outdoors_share > 0 and sources.nearest_m >= FURTHEST_OUTDOORS_M:
        raise InputError(
            f"sources.nearest_m {sources.nearest_m:g}: sources in open air are at most {FURTHEST_OUTDOORS_M:g} m away; "
            "lower it, or set rooms.outdoors_share = 0"
        )
    if rooms.outdoors_share == 1:
        return
    least, largest = _volumes_m3(rooms)
    if sources.nearest_m >= _diagonal_m(largest):
        raise InputError(
            f"sources.nearest_m {sources.nearest_m:g}: rooms of up to {largest:g} m3 are at most "
            f"{_diagonal_m(largest):.1f} m across; lower it, or ask for larger rooms"
        )
    low, high = sources.drr_db
    lowest = _ratio_db(least, rooms.t60_s[1], _diagonal_m(least)) - RATIO_SPREAD_DB
    highest = _ratio_db(largest, rooms.t60_s[0], sources.nearest_m) + RATIO_SPREAD_DB
    if low > highest or high < lowest:
        raise InputError(
            f"sources.drr_db [{low:g}, {high:g}]: these rooms have {lowest:.0f} to {highest:.0f} dB at "
            f"{sources.nearest_m:g} m and more; choose within them, or change rooms or sources.nearest_m"
        )


def _ratio_db(volume_m3: float, t60_s: float, distance_m: float) -> float:
    """Direct-to-reverberant ratio of an omni source, by the critical distance (Kuttruff, ch. 5)."""
    return float(20 * np.log10(CRITICAL * np.sqrt(volume_m3 / t60_s) / distance_m))
