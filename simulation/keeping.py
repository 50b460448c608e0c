"""Settings that a room or a clip may be unable to keep: drawn again, where they are not refused (``impossible``).

What cannot be kept at last is widened and counted, by the names in ``REASONS``: a scene's JSON, a run's manifest and
its summary tell it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from spatial_lalm.audio.scene import FRAME_S, Acoustics, Room, Scene, SourceEvent
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.engine.paths import decay_times
from spatial_lalm.simulation.recipe import SceneRecipe
from spatial_lalm.simulation.room import (
    sample_room,
    sample_source,
)
from spatial_lalm.simulation.trajectories import ReceiverMotion, sample_receiver_motion

REASONS = {
    "level_db": "the peak was held below full scale",
    "rooms.t60_s": "what was measured is off by more than 10 %",
    "receivers.height_m": "no ceiling was high enough",
    "receivers.carried_share": "over a floor with corners the receiver stays",
    "sources.level_spread_db": "the peak of a sound was held in a long scene",
    "sources.nearest_m": "the receiver was carried nearer",
    "sources.most_at_once": "a sound outlasted its window",
    "sources.conversation_share": "no speech or too few voices among the sounds, or no time for two of them",
    "sources.drr_db": "no place in the room had it",
    "sources.separation_deg": "no such places were found",
    "sources.moving_share": "the room left no way to go",
    "sources.crossing_share": "the room left no ways to cross",
    "sources.counts": "not all sounds found a time under most_at_once, or were heard",
}
"""Settings that may not be kept, and why."""
ROOM_TRIES = 100
"""Rooms that are drawn for one in which height and distances can be kept ..."""
PLACE_TRIES = 200
"""... and places in each, for one that a source may have."""
T60_SLACK = 1.1
"""A measured T60 may lie outside what was asked for by this factor: walls are chosen by an expected decay."""
LEVEL_SLACK_DB = 0.1
"""What a level may be under what was asked for."""
NEAREST_SLACK = 0.98
"""A way is straight between the points that were found to be far enough away."""
ANY_RATIO = (-300.0, 300.0)


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
    return room, motion, unkept + ["receivers.carried_share"] * motion.held


def with_unkept(recipe: SceneRecipe, unkept: list[str]) -> SceneRecipe:
    """The recipe without the demand on distances that the scene's room cannot meet."""
    if "sources.drr_db" not in unkept:
        return recipe
    return replace(recipe, sources=replace(recipe.sources, drr_db=ANY_RATIO))


def unkept_in(scene: Scene, recipe: SceneRecipe) -> list[str]:
    """Names of the settings that a scene's labels do not keep."""
    names = unkept_by(scene.acoustics, recipe)
    distances = [distance for event in scene.events for _, _, distance in event.trajectory]
    if min(distances, default=np.inf) < NEAREST_SLACK * recipe.sources.nearest_m:
        names.append("sources.nearest_m")
    if _most_at_once(scene.events) > recipe.sources.most_at_once:
        names.append("sources.most_at_once")
    return names


def _most_at_once(events: Sequence[SourceEvent]) -> int:
    """Most events that overlap by more than a frame at either end: sounds from far away arrive later."""
    spans = [(event.onset_s + FRAME_S, event.offset_s - FRAME_S) for event in events]
    return max((sum(a <= moment < b for a, b in spans) for moment, _ in spans), default=0)


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
