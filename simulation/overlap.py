"""Sounds that are planned, and how they are kept from overlapping too much."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from spatial_lalm.simulation.recipe import SourceRecipe
from spatial_lalm.simulation.room import log_uniform
from spatial_lalm.simulation.trajectories import Trajectory

TIMES_TRIES = 20
"""How often onsets and lengths of a window are drawn before a sound that finds no time is left out."""
SHORTER = 0.8
"""Sounds that found no time are drawn anew from lengths up to this times the ones before."""


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


def kept_apart(
    rng: np.random.Generator, recipe: SourceRecipe, sounds: list[PlannedSound], unkept: Counter[str]
) -> list[PlannedSound]:
    """The sounds with onsets such that at most the recipe's number overlap, within their window.

    Where some find no time, all are drawn again and become shorter; at last they come in rows, also the movers, whose
    time is settled before. Those that find none even so are left out.
    """
    longest_s, most_kept = recipe.event_s[1], list[PlannedSound]()
    for turn in range(TIMES_TRIES):
        kept = (_timed if turn < TIMES_TRIES // 2 else _in_rows)(rng, recipe, sounds)
        if len(kept) == len(sounds):
            return kept
        most_kept = max(most_kept, kept, key=len)
        longest_s = max(SHORTER * longest_s, recipe.event_s[0])
        sounds = _shorter(rng, sounds, (recipe.event_s[0], longest_s))
    unkept["sources.counts"] += 1
    return most_kept


def _timed(rng: np.random.Generator, recipe: SourceRecipe, sounds: list[PlannedSound]) -> list[PlannedSound]:
    """The sounds that find a time beside those before them."""
    kept: list[PlannedSound] = []
    stretch = 1 + recipe.varispeed
    for sound in sounds:
        start, end = sound.window_s
        for _ in range(40):
            onset = sound.onset_s
            if onset is None:
                onset = float(rng.uniform(start, max(start, end - stretch * sound.longest_s)))
            placed = replace(sound, onset_s=onset, longest_s=min(sound.longest_s, (end - onset) / stretch))
            if _most_at_once([*kept, placed], stretch) <= recipe.most_at_once:
                kept.append(placed)
                break
    return kept


def _in_rows(rng: np.random.Generator, recipe: SourceRecipe, sounds: list[PlannedSound]) -> list[PlannedSound]:
    """The sounds one after another in as many rows as may overlap, the time between them dealt out at random."""
    stretch = 1 + recipe.varispeed
    rows: list[list[PlannedSound]] = [[] for _ in range(recipe.most_at_once)]
    start, end = sounds[0].window_s
    for sound in sorted(sounds, key=lambda sound: -sound.longest_s):
        row = min(rows, key=lambda row: sum(other.longest_s for other in row))
        if stretch * (sum(other.longest_s for other in row) + sound.longest_s) <= end - start:
            row.append(sound)
    kept = []
    for row in rows:
        spare = end - start - stretch * sum(sound.longest_s for sound in row)
        onset = start
        for number, gap in zip(rng.permutation(len(row)), _gaps(rng, len(row), spare), strict=True):
            onset += gap
            kept.append(_moved_to(row[number], onset))
            onset += stretch * row[number].longest_s
    return kept


def _gaps(rng: np.random.Generator, count: int, spare: float) -> list[float]:
    """Random times before each of some sounds that leave part of the spare time for the end."""
    cuts = np.sort(rng.uniform(0, spare, count))
    gaps: list[float] = np.diff(cuts, prepend=0.0).tolist()
    return gaps


def _moved_to(sound: PlannedSound, onset_s: float) -> PlannedSound:
    """The sound at another time, and its way with it."""
    way = sound.way
    if way.moves:
        way = replace(way, times=way.times - way.times[0] + onset_s)
    return replace(sound, onset_s=onset_s, way=way)


def _shorter(
    rng: np.random.Generator, sounds: list[PlannedSound], lengths_s: tuple[float, float]
) -> list[PlannedSound]:
    """The sounds with lengths drawn again, those whose time is settled first and then the longest."""
    window = sounds[0].window_s[1] - sounds[0].window_s[0]
    again = [replace(sound, longest_s=min(log_uniform(rng, lengths_s), window)) for sound in sounds]
    return sorted(again, key=lambda sound: (sound.onset_s is None, -sound.longest_s))


def _most_at_once(sounds: list[PlannedSound], stretch: float) -> int:
    """Most sounds that overlap, each taken as long as it may become."""
    starts = [sound.onset_s or 0.0 for sound in sounds]
    ends = [start + stretch * sound.longest_s for start, sound in zip(starts, sounds, strict=True)]
    return max(sum(a <= moment < b for a, b in zip(starts, ends, strict=True)) for moment in starts)
