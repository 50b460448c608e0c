"""Who sounds when and from where: windows of sources, conversations in turns, directions kept apart."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import combinations, pairwise

import numpy as np

from spatial_lalm.audio.conventions import angle_between
from spatial_lalm.audio.scene import Room
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.overlap import PlannedSound, kept_apart
from spatial_lalm.simulation.recipe import MOST_SOURCES, SourceRecipe
from spatial_lalm.simulation.room import Floats, log_uniform, sample_source
from spatial_lalm.simulation.trajectories import Trajectory, sample_crossing, sample_movement

TURN_S = (0.8, 5.0)
"""Length of a turn in a conversation, log-uniform."""
TALKERS = (2, 4)
TALKERS_REACH_DB = 3.0
"""Levels of talkers in a conversation lie within +- this, or a recipe's smaller spread."""
PLACE_TRIES = 100
"""Places that are tried for one source to be off the others' directions ..."""
WINDOW_TRIES = 10
"""... and how often all places of a window are drawn before one that is not is taken."""


@dataclass(frozen=True)
class Place:
    """Where a window's sources are: the room, its T60, and the receiver at the start of the window.

    ``unkept`` counts what could not be kept there, by the names of settings (``keeping.REASONS``).
    """

    room: Room
    t60_s: float
    receiver: Floats
    unkept: Counter[str] = field(default_factory=Counter, compare=False)


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
    # By numbers of its own: without speech nothing else is drawn for it.
    if not speech and rng.spawn(1)[0].random() < recipe.conversation_share:
        place.unkept["sources.conversation_share"] += 1
    count = int(rng.choice(len(recipe.counts), p=np.array(recipe.counts) / sum(recipe.counts)))
    ways = _ways(rng, recipe, place, window_s, count)
    sounds = [_sound(rng, recipe, place, window_s, way) for way in ways]
    if recipe.most_at_once >= MOST_SOURCES:
        return sounds
    return kept_apart(rng, recipe, sounds, place.unkept)


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
    """Ways of ``count`` sources that begin apart in direction; some move, some of those cross."""
    for _ in range(WINDOW_TRIES):
        unkept: Counter[str] = Counter()
        ways = _some_ways(rng, recipe, place, window_s, count, unkept)
        if _separated(recipe, place, [way.points[0] for way in ways]):
            break
    else:
        unkept["sources.separation_deg"] += 1
    place.unkept.update(unkept)
    return ways


def _some_ways(
    rng: np.random.Generator,
    recipe: SourceRecipe,
    place: Place,
    window_s: tuple[float, float],
    count: int,
    unkept: Counter[str],
) -> list[Trajectory]:
    """Ways of ``count`` sources, as far apart as was found."""
    moving = int(np.sum(rng.random(count) < recipe.moving_share))
    ways: list[Trajectory] = []
    length = window_s[1] - window_s[0]
    if moving >= 2 and rng.random() < recipe.crossing_share and recipe.most_at_once > 1:
        seconds = min(length, float(rng.uniform(3.0, 8.0)))
        start = window_s[0] + float(rng.uniform(0, length - seconds))
        ways += sample_crossing(rng, place.room, place.receiver, recipe, seconds, start, place.t60_s) or ()
        if not ways:
            unkept["sources.crossing_share"] += 1
    while len(ways) < count:
        start_place = _apart(rng, recipe, place, [way.points[0] for way in ways])
        if len(ways) < moving:
            start = window_s[0] + float(rng.uniform(0, 0.5 * length))
            ways.append(
                sample_movement(rng, place.room, place.receiver, start_place, recipe, window_s[1] - start, start)
            )
            if not ways[-1].moves:
                unkept["sources.moving_share"] += 1
        else:
            ways.append(Trajectory.rest(start_place))
    return ways


def _apart(rng: np.random.Generator, recipe: SourceRecipe, place: Place, others: list[Floats]) -> Floats:
    """A place whose direction is off all others' by the recipe's angle, or the one tried that is furthest off."""
    best, widest = place.receiver, -1.0
    for _ in range(PLACE_TRIES):
        candidate = _source(rng, recipe, place)
        vectors = [float(angle_between(candidate - place.receiver, other - place.receiver)) for other in others]
        if all(angle > recipe.separation_deg for angle in vectors):
            return candidate
        if min(vectors) > widest:
            best, widest = candidate, min(vectors)
    return best


def _source(rng: np.random.Generator, recipe: SourceRecipe, place: Place) -> Floats:
    """A place of the ratio that distances aim at, of any where the room has none of it."""
    try:
        return sample_source(rng, place.room, place.receiver, recipe, place.t60_s)
    except InputError:
        position = sample_source(rng, place.room, place.receiver, recipe)
        place.unkept["sources.drr_db"] += 1
        return position


def _separated(recipe: SourceRecipe, place: Place, positions: list[Floats]) -> bool:
    """Whether all directions are off each other by the recipe's angle."""
    pairs = combinations([position - place.receiver for position in positions], 2)
    return all(angle_between(one, other) > recipe.separation_deg for one, other in pairs)


def _conversation(
    rng: np.random.Generator, recipe: SourceRecipe, place: Place, window_s: tuple[float, float]
) -> list[PlannedSound]:
    """Talkers that take turns: never twice the same, gaps normal around ``recipe.gap_s``, negative ones overlapping.

    Turns are planned for the shortest they may become; those that begin too late are left out when their time comes.
    """
    places = _places(rng, recipe, place, int(rng.integers(TALKERS[0], TALKERS[1] + 1)))
    reach_db = min(TALKERS_REACH_DB, recipe.level_spread_db)
    levels = rng.uniform(-reach_db, reach_db, len(places))
    directed = recipe.directed_share > 0
    first = int(rng.integers(2**31))  # sets the voices of one conversation off from those of the next
    turns: list[PlannedSound] = []
    last = -1
    for _ in range(int((window_s[1] - window_s[0]) / TURN_S[0])):
        talker = int(rng.choice([number for number in range(len(places)) if number != last]))
        gap = float(rng.uniform(0.0, 1.0) if last < 0 else rng.normal(recipe.gap_s, recipe.gap_spread_s))
        gap = max(gap, 0.0) if recipe.most_at_once == 1 else gap
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


def _places(rng: np.random.Generator, recipe: SourceRecipe, place: Place, count: int) -> list[Floats]:
    """Places of talkers whose directions are apart."""
    for _ in range(WINDOW_TRIES):
        places: list[Floats] = []
        for _ in range(count):
            places.append(_apart(rng, recipe, place, places))
        if _separated(recipe, place, places):
            return places
    place.unkept["sources.separation_deg"] += 1
    return places
