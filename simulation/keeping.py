"""Settings that a room or a clip may be unable to keep: refused where that is known beforehand, else drawn again.

What cannot be kept at last is widened and counted, by the names in ``REASONS``: a scene's JSON, a run's manifest and
its summary tell it.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from spatial_lalm.audio.scene import Acoustics, Room
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.engine.paths import decay_times
from spatial_lalm.simulation.recipe import Pair, RoomRecipe, SceneRecipe, SourceRecipe
from spatial_lalm.simulation.room import (
    ASPECT,
    CEILINGS,
    CEILINGS_M,
    CRITICAL,
    FURTHEST_OUTDOORS_M,
    OFF_WALLS,
    sample_room,
    sample_source,
)
from spatial_lalm.simulation.timeline import TALKERS, windows
from spatial_lalm.simulation.trajectories import TURN_DEG, ReceiverMotion, sample_receiver_motion

REASONS = {
    "rooms.t60_s": "what was measured is off by more than 10 %",
    "receivers.height_m": "no ceiling was high enough",
    "sources.drr_db": "no place in the room had it",
    "sources.separation_deg": "no such places were found",
    "sources.moving_share": "the room left no way to go",
    "sources.crossing_share": "the room left no ways to cross",
    "sources.counts": "not all sounds found a time under most_at_once",
}
"""Settings that may not be kept, and why."""
ROOM_TRIES = 100
"""Rooms that are drawn for one in which height and distances can be kept ..."""
PLACE_TRIES = 200
"""... and places in each, for one that a source may have."""
T60_SLACK = 1.1
"""A measured T60 may lie outside what was asked for by this factor: walls are chosen by an expected decay."""
WIDEST_DEG = {2: 180.0, 3: 120.0, 4: 109.47, 5: 90.0}
"""Largest angle by which so many directions can all be apart (Tammes' problem)."""
ANY_RATIO = (-300.0, 300.0)
RATIO_SPREAD_DB = 6.0
"""Rooms differ by up to this from what their volume and T60 say of the direct-to-reverberant ratio."""


def sample_setting(rng: np.random.Generator, recipe: SceneRecipe) -> tuple[Room, ReceiverMotion, list[str]]:
    """A room and a receiver that allow what the recipe asks for.

    Of ``ROOM_TRIES`` draws the first that does, else the last, and the names of the settings that it does not keep.
    Rooms stay rooms and open air stays open air, so that the share of it is kept. Of images alone the field keeps its
    direction to the end, and so has a room for them.
    """
    rooms = replace(recipe.rooms, scattering=(0.0, 0.0)) if recipe.engine == "all-images" else recipe.rooms
    for _ in range(ROOM_TRIES):
        room = sample_room(rng, rooms)
        motion = sample_receiver_motion(rng, room, recipe.receivers, recipe.duration_s)
        unkept = _unkept(recipe, room, motion)
        if not unkept:
            break
        rooms = replace(rooms, outdoors_share=float(room.outdoors))
    return room, motion, unkept


def with_unkept(recipe: SceneRecipe, unkept: list[str]) -> SceneRecipe:
    """The recipe without the demand on distances that the scene's room cannot meet."""
    if "sources.drr_db" not in unkept:
        return recipe
    return replace(recipe, sources=replace(recipe.sources, drr_db=ANY_RATIO))


def unkept_by(acoustics: Acoustics | None, recipe: SceneRecipe) -> list[str]:
    """Names of the settings that what was measured of a scene does not keep."""
    t60_s, (low, high) = acoustics.t60_s if acoustics else math.nan, recipe.rooms.t60_s
    return ["rooms.t60_s"] if t60_s < low / T60_SLACK or t60_s > high * T60_SLACK else []


def _unkept(recipe: SceneRecipe, room: Room, motion: ReceiverMotion) -> list[str]:
    """Names of the settings that a room and a receiver do not allow."""
    receiver, (low, high) = motion.way.points[0], recipe.receivers.height_m
    names = [] if low - 1e-9 <= receiver[2] <= high + 1e-9 else ["receivers.height_m"]
    t60_s = float(decay_times(room)[3])
    try:
        # With numbers of its own: what is drawn afterwards does not depend on the try.
        sample_source(np.random.default_rng(0), room, receiver, recipe.sources, t60_s, PLACE_TRIES)
    except InputError:
        names.append("sources.drr_db")
    return names


# ---------------------------------------------------------------- what can be known beforehand


def refuse_impossible(recipe: SceneRecipe) -> None:
    """``InputError`` for settings that no scene of the recipe could keep, whatever was drawn."""
    _refuse_idle(recipe)
    _refuse_angles(recipe.sources)
    _refuse_crowds(recipe)
    _refuse_heights(recipe)
    if not recipe.rooms.polygon_share:
        _refuse_distances(recipe)


def _most_sources(sources: SourceRecipe) -> int:
    return max(number for number, weight in enumerate(sources.counts) if weight > 0)


def _refuse_idle(recipe: SceneRecipe) -> None:
    """Settings that ask for what others rule out; a default that finds nothing to do is no mistake."""
    sources = recipe.sources
    if sources.moving_share == 0 and sources.crossing_share not in (0, SourceRecipe().crossing_share):
        raise InputError(
            f"sources.crossing_share {sources.crossing_share:g}: nothing moves at sources.moving_share = 0; raise "
            "that, or leave crossing_share out"
        )
    if sources.event_s[0] > recipe.duration_s:
        raise InputError(
            f"sources.event_s [{sources.event_s[0]:g}, {sources.event_s[1]:g}]: scenes are {recipe.duration_s:g} s "
            "long; lower it, or give more duration_s"
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
