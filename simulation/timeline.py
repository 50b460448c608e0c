"""Who sounds when: windows of sources, conversations in turns, sounds kept from overlapping too much."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from spatial_lalm.audio.conventions import angle_between
from spatial_lalm.audio.scene import Room
from spatial_lalm.simulation.recipe import SourceRecipe
from spatial_lalm.simulation.room import Floats, log_uniform, sample_source
from spatial_lalm.simulation.trajectories import Trajectory, sample_crossing, sample_movement

TURN_S = (0.8, 5.0)
"""Length of a turn in a conversation, log-uniform."""
TALKERS = (2, 4)
TALKERS_REACH_DB = 3.0
"""Talkers in a conversation differ in level by up to this."""


@dataclass(frozen=True)
class PlannedSound:
    """A sound to come: how long at most, from where, how loud, and when where that is settled already.

    ``onset_s`` is None where it is drawn once the sound's length is known, within ``window_s`` (start, end). A turn of
    a conversation begins ``gap_s`` after the turn before has ended; ``talker`` numbers the voices, alike for all turns
    of one talker.
    """

    longest_s: float
    window_s: tuple[float, float]
    onset_s: float | None
    way: Trajectory
    level_db: float
    pattern: str = "omni"
    aim: tuple[float, float, float] | None = None
    gap_s: float = 0.0
    talker: int | None = None


@dataclass(frozen=True)
class Place:
    """Where a window's sources are: the room, its T60, and the receiver at the start of the window."""

    room: Room
    t60_s: float
    receiver: Floats


def windows(duration_s: float, window_s: float) -> list[tuple[float, float]]:
    """The scene's windows, alike, each at most ``window_s`` long."""
    count = max(1, int(np.ceil(duration_s / window_s - 1e-9)))
    edges = np.linspace(0, duration_s, count + 1)
    return [(float(a), float(b)) for a, b in pairwise(edges)]


def plan_window(
    rng: np.random.Generator, recipe: SourceRecipe, place: Place, window_s: tuple[float, float], speech: bool
) -> list[PlannedSound]:
    """The sounds of a window; ``speech`` says whether there are talkers to hold a conversation."""
    if speech and rng.random() < recipe.conversation_share:
        return _conversation(rng, recipe, place, window_s)
    count = int(rng.choice(len(recipe.counts), p=np.array(recipe.counts) / sum(recipe.counts)))
    ways = _ways(rng, recipe, place, window_s, count)
    sounds = [_sound(rng, recipe, place, window_s, way) for way in ways]
    if recipe.most_at_once >= count:
        return sounds
    return _kept_apart(rng, sounds, recipe.most_at_once)


def _sound(
    rng: np.random.Generator, recipe: SourceRecipe, place: Place, window_s: tuple[float, float], way: Trajectory
) -> PlannedSound:
    longest = log_uniform(rng, recipe.event_s)
    if way.moves:  # long enough to be heard all the way, as where two cross
        longest = max(longest, min(float(way.times[-1] - way.times[0]), recipe.event_s[1]))
    longest = min(longest, window_s[1] - window_s[0])
    level = float(rng.uniform(-recipe.level_spread_db, recipe.level_spread_db))
    pattern, aim = _directivity(rng, recipe, place, way)
    onset = None
    if way.moves:  # a mover sounds as it goes
        latest = max(window_s[0], window_s[1] - 0.6 * longest)
        onset = float(np.clip(way.times[0], window_s[0], latest))
    return PlannedSound(longest, window_s, onset, way, level, pattern, aim)


def _directivity(
    rng: np.random.Generator, recipe: SourceRecipe, place: Place, way: Trajectory
) -> tuple[str, tuple[float, float, float] | None]:
    """A pattern and where it is aimed: half of the time about at the receiver, else anywhere on the level."""
    if rng.random() >= recipe.directed_share:
        return "omni", None
    pattern = str(rng.choice(["subcardioid", "cardioid"]))
    towards = place.receiver - way.points[0]
    angle = np.arctan2(towards[1], towards[0]) + (rng.normal(0, 0.5) if rng.random() < 0.5 else rng.uniform(-3.1, 3.1))
    return pattern, (float(np.cos(angle)), float(np.sin(angle)), 0.0)


def _ways(
    rng: np.random.Generator, recipe: SourceRecipe, place: Place, window_s: tuple[float, float], count: int
) -> list[Trajectory]:
    """Ways of ``count`` sources, kept apart in direction where the room allows; some move, some of those cross."""
    moving = int(np.sum(rng.random(count) < recipe.moving_share))
    ways: list[Trajectory] = []
    length = window_s[1] - window_s[0]
    if moving >= 2 and rng.random() < recipe.crossing_share:
        seconds = min(length, float(rng.uniform(3.0, 8.0)))
        start = window_s[0] + float(rng.uniform(0, length - seconds))
        ways += sample_crossing(rng, place.room, place.receiver, recipe, seconds, start) or ()
    while len(ways) < count:
        start_place = _apart(rng, recipe, place, [way.points[0] for way in ways])
        if len(ways) < moving:
            start = window_s[0] + float(rng.uniform(0, 0.5 * length))
            ways.append(
                sample_movement(rng, place.room, place.receiver, start_place, recipe, window_s[1] - start, start)
            )
        else:
            ways.append(Trajectory.rest(start_place))
    return ways


def _apart(rng: np.random.Generator, recipe: SourceRecipe, place: Place, others: list[Floats]) -> Floats:
    """A place whose direction is off all others' by the recipe's angle, or the last one tried."""
    for _ in range(20):
        candidate = sample_source(rng, place.room, place.receiver, recipe, place.t60_s)
        vectors = [angle_between(candidate - place.receiver, other - place.receiver) for other in others]
        if all(angle > recipe.separation_deg for angle in vectors):
            break
    return candidate


def _kept_apart(rng: np.random.Generator, sounds: list[PlannedSound], most: int) -> list[PlannedSound]:
    """The sounds with onsets such that at most ``most`` overlap; those that find no time are left out."""
    kept: list[PlannedSound] = []
    for sound in sounds:
        start, end = sound.window_s
        for _ in range(40):
            onset = sound.onset_s if sound.onset_s is not None else float(rng.uniform(start, end - sound.longest_s))
            if _most_at_once([*kept, replace(sound, onset_s=onset)]) <= most:
                kept.append(replace(sound, onset_s=onset))
                break
    return kept


def _most_at_once(sounds: list[PlannedSound]) -> int:
    """Most sounds that overlap, each taken as long as it may become."""
    starts = [sound.onset_s or 0.0 for sound in sounds]
    ends = [start + sound.longest_s for start, sound in zip(starts, sounds, strict=True)]
    return max(sum(a <= moment < b for a, b in zip(starts, ends, strict=True)) for moment in starts)


def _conversation(
    rng: np.random.Generator, recipe: SourceRecipe, place: Place, window_s: tuple[float, float]
) -> list[PlannedSound]:
    """Talkers that take turns: never twice the same, gaps normal around ``recipe.gap_s``, negative ones overlapping.

    Turns are planned for the shortest they may become; those that begin too late are left out when their time comes.
    """
    places: list[Floats] = []
    for _ in range(int(rng.integers(TALKERS[0], TALKERS[1] + 1))):
        places.append(_apart(rng, recipe, place, places))
    levels = rng.uniform(-TALKERS_REACH_DB, TALKERS_REACH_DB, len(places))
    directed = recipe.directed_share > 0
    first = int(rng.integers(2**31))  # sets the voices of one conversation off from those of the next
    turns: list[PlannedSound] = []
    last = -1
    for _ in range(int((window_s[1] - window_s[0]) / TURN_S[0])):
        talker = int(rng.choice([number for number in range(len(places)) if number != last]))
        gap = float(rng.uniform(0.0, 1.0) if last < 0 else rng.normal(recipe.gap_s, recipe.gap_spread_s))
        aim = np.mean([p for n, p in enumerate(places) if n != talker], axis=0) - places[talker]
        turns.append(
            PlannedSound(
                log_uniform(rng, TURN_S),
                window_s,
                None,
                Trajectory.rest(places[talker]),
                float(levels[talker]),
                "talker" if directed else "omni",
                (float(aim[0]), float(aim[1]), float(aim[2])) if directed else None,
                gap,
                first + talker,
            )
        )
        last = talker
    return turns
