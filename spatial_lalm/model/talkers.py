"""Who is who: events of speech to talkers, by voice and by place.

First the events of one place (``timeline``: one direction in one room) become sittings: who is heard from there again
is the same talker, unless the voice says otherwise. Then sittings whose voices are one become one talker, so that
people who change seats, or go on in another room, stay who they are. All odds are logarithms, and what two voices say
is the ratio of a two-covariance model's likelihoods (Brummer & de Villiers, "The speaker partitioning problem", Odyssey
2010).

Sittings come one by one, and no more than ``MOST`` talkers are ever compared: hours cost linear time and flat memory.

Legend: E events, V sums of a voice, D width of an embedding, N talkers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.model.voices import Voice, VoiceNet

Floats = NDArray[np.floating[Any]]

STAYS = 3.0
"""Odds, before any voice is heard, that who speaks from a place is the one who spoke from there last ..."""
RETURNS = 2.0
"""... or one of those before ..."""
RECENT = 4
"""... of whom so many are remembered."""
MOVES = -3.0
"""Odds, for every move that it takes, that those who speak from two places are one: people seldom change seats ..."""
MOST_MOVES = 4
"""... but one who is heard from two places all the time may be a reflection, if the voices leave no doubt."""
MOST = 200
"""Talkers that are compared at once; the likest of more become one."""


def log_ratio(one: Floats, variances: Floats, other: Voice, between: Floats) -> Floats:
    """Logarithm of how much likelier embeddings ``one (N, D)`` are of the other's voice than of any, ``(N,)``.

    Voices are normal around zero with ``between (D,)`` variances, embeddings normal around their voice.
    """
    own, theirs = between + variances[:, None], between + other.variance
    determinant = own * theirs - between**2
    together = (theirs * one**2 - 2 * between * one * other.embedding + own * other.embedding**2) / determinant
    apart = one**2 / own + other.embedding**2 / theirs
    ratio: Floats = -0.5 * (np.log(determinant / (own * theirs)) + together - apart).sum(1)
    return ratio


def tell_apart(places: Sequence[int], voices: VoiceNet | None = None, sums: Floats | None = None) -> list[int]:
    """The talker of every event of speech in order, by number from 0 as they appear.

    Args:
        places: the source of each event (``timeline.track_sources``).
        voices: what the sums were made with; without it every place is a talker.
        sums: ``(E, V)`` of ``voices.voice_sums``.
    """
    if voices is None or sums is None:
        return _numbered(places)
    sitting_of, sittings = _sittings(places, voices, sums)
    talkers = Talkers(voices.variances)
    for total in sittings:
        talkers.add(voices.voice(total))
    talker_of = talkers.numbers(sitting_of)
    return _numbered([talker_of[sitting] for sitting in sitting_of])


def _numbered(labels: Sequence[int]) -> list[int]:
    numbers = {label: number for number, label in enumerate(dict.fromkeys(labels))}
    return [numbers[label] for label in labels]


def _sittings(places: Sequence[int], voices: VoiceNet, sums: Floats) -> tuple[list[int], list[Floats]]:
    """The sitting of every event, and the sums of each sitting."""
    totals: list[Floats] = []
    at: dict[int, list[int]] = {}  # sittings of a place, the latest last
    sitting_of = []
    for place, heard in zip(places, sums, strict=True):
        there, voice = at.setdefault(place, []), voices.voice(heard)
        odds = [
            _same(voices.voice(totals[s]), voice, voices.variances) + (STAYS if s == there[-1] else RETURNS)
            for s in there
        ]  # fmt: skip
        if odds and max(odds) > 0:
            sitting = there.pop(int(np.argmax(odds)))
            totals[sitting] = totals[sitting] + heard
        else:
            sitting = len(totals)
            totals.append(heard)
        at[place] = [*there, sitting][-RECENT:]
        sitting_of.append(sitting)
    return sitting_of, totals


def _same(one: Voice, other: Voice, between: Floats) -> float:
    return float(log_ratio(one.embedding[None], np.array([one.variance]), other, between)[0])


def _moves(turns: NDArray[np.int64], one: Sequence[int], other: Sequence[int]) -> int:
    """How often who speaks changes from some to others and back, among all their turns."""
    side = np.isin(turns, one).astype(int) - np.isin(turns, other)
    return int(np.count_nonzero(np.diff(side[side != 0])))


class Talkers:
    """Agglomerative clustering of voices that come one by one: the likest pairs become one talker."""

    def __init__(self, between: Floats) -> None:
        """``between (D,)`` is how voices vary."""
        self._between = between
        self._embedding, self._variance = np.zeros((0, len(between))), np.zeros(0)
        self._odds = np.zeros((0, 0))
        self._members: list[list[int]] = []
        self._count = 0

    def __len__(self) -> int:
        """How many are told apart so far."""
        return len(self._members)

    def add(self, voice: Voice) -> None:
        """One more voice."""
        self._embedding = np.concatenate([self._embedding, voice.embedding[None]])
        self._variance = np.append(self._variance, voice.variance)
        self._members.append([self._count])
        self._count += 1
        self._odds = np.pad(self._odds, ((0, 1), (0, 1)), constant_values=-np.inf)
        self._compare(len(self._members) - 1)
        if len(self._members) > MOST:
            self._merge(*self._likest())

    def numbers(self, turns: Sequence[int]) -> list[int]:
        """Merge all pairs that are likelier one than two; the talker of every voice in the order of coming.

        ``turns`` are the voices in the order in which they speak, by number.
        """
        order = np.array(turns)
        while len(self._members) > 1:
            one, other = self._likest()
            if self._odds[one, other] + MOVES <= 0:
                break
            moves = _moves(order, self._members[one], self._members[other])
            if self._odds[one, other] + min(moves, MOST_MOVES) * MOVES > 0:
                self._merge(one, other)
            else:
                self._odds[one, other] = self._odds[other, one] = -np.inf
        talker_of = np.zeros(self._count, int)
        for talker, members in enumerate(self._members):
            talker_of[members] = talker
        return talker_of.tolist()

    def _likest(self) -> tuple[int, int]:
        one, other = np.unravel_index(int(self._odds.argmax()), self._odds.shape)
        return int(min(one, other)), int(max(one, other))

    def _compare(self, row: int) -> None:
        voice = Voice(self._embedding[row], float(self._variance[row]))
        odds = log_ratio(self._embedding, self._variance, voice, self._between)
        odds[row] = -np.inf
        self._odds[row] = self._odds[:, row] = odds

    def _merge(self, one: int, other: int) -> None:
        """Two as one, the mean of their embeddings weighted by how well each is known."""
        weights = 1 / self._variance[[one, other]]
        self._embedding[one] = weights @ self._embedding[[one, other]] / weights.sum()
        self._variance[one] = 1 / weights.sum()
        self._members[one] += self._members.pop(other)
        self._embedding, self._variance = np.delete(self._embedding, other, 0), np.delete(self._variance, other)
        self._odds = np.delete(np.delete(self._odds, other, 0), other, 1)
        self._compare(one)
