"""Channels of a recording that are dead, copies of one another, or clipped; found on the way through it.

A capsule counts as silent in a second in which it lies 50 dB below the median of all. Copies agree sample for sample
throughout, which two real microphones never do. Clipped are samples at full scale in runs of three and more.

Legend: M channels, T samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.arrays import MicrophoneArray
from spatial_lalm.audio.measured import MeasuredResponses
from spatial_lalm.errors import InputError

BLOCK_S = 1.0
"""Length of the pieces in which silence is judged."""
SILENT_DB = 50.0
QUIETEST = 1e-6
"""RMS of the median channel below which nobody hears anything, re full scale."""
FULL_SCALE = 0.998
"""Magnitude from which on samples may be clipped."""


@dataclass(frozen=True)
class ChannelHealth:
    """What is wrong with the channels, which are counted from 1.

    ``dead`` maps a channel to the share of the recording in which it was silent, ``copies`` are groups of channels that
    are the same, ``clipped`` maps a channel to its clipped samples; ``silent`` says that nobody heard anything.
    """

    dead: dict[int, float]
    copies: tuple[tuple[int, ...], ...]
    clipped: dict[int, int]
    silent: bool

    def notes(self) -> list[str]:
        """One plain line for each kind of trouble."""
        if self.silent:
            return ["the whole recording is silent"]
        found = [f"channel {channel} is silent{_part(share)}" for channel, share in self.dead.items()]
        found += [f"channels {', '.join(map(str, group[:-1]))} and {group[-1]} are the same" for group in self.copies]
        clipped = [f"channel {channel} ({count} samples)" for channel, count in self.clipped.items()]
        return found + ([f"clipped: {', '.join(clipped)}"] if clipped else [])


def _part(share: float) -> str:
    return "" if share >= 0.995 else f" in {max(100 * share, 0.1):.2g} % of the recording"


class HealthScan:
    """Looks at a recording block by block: ``update`` with pieces of about a second, then ``result``."""

    def __init__(self, channels: int) -> None:
        self._blocks = 0
        self._silent = np.zeros(channels, dtype=np.int64)
        self._clipped = np.zeros(channels, dtype=np.int64)
        self._group = np.zeros(channels, dtype=np.int64)

    def update(self, block: NDArray[np.float32]) -> None:
        """Take the next samples ``(M, T)``."""
        self._clipped += _clipped_samples(block)
        alike: dict[tuple[int, bytes], int] = {}
        for channel, row in enumerate(block):
            key = int(self._group[channel]), np.ascontiguousarray(row).tobytes()
            self._group[channel] = alike.setdefault(key, len(alike))
        level = np.sqrt(np.mean(np.square(block, dtype=np.float64), axis=1))
        median = float(np.median(level))
        if median >= QUIETEST:
            self._blocks += 1
            self._silent += level <= median * 10 ** (-SILENT_DB / 20)

    def result(self) -> ChannelHealth:
        """What was found so far."""
        dead = {channel + 1: count / self._blocks for channel, count in enumerate(self._silent.tolist()) if count}
        groups: dict[int, list[int]] = {}
        for channel, group in enumerate(self._group.tolist()):
            if channel + 1 not in dead:
                groups.setdefault(group, []).append(channel + 1)
        copies = tuple(tuple(group) for group in groups.values() if len(group) > 1) if self._blocks else ()
        clipped = {channel + 1: count for channel, count in enumerate(self._clipped.tolist()) if count}
        return ChannelHealth(dead, copies, clipped, self._blocks == 0)


def _clipped_samples(block: NDArray[np.float32]) -> NDArray[np.int64]:
    """Samples of each channel ``(M,)`` in runs of three or more equal ones at full scale."""
    if block.shape[1] < 3 or not np.abs(block).max() >= FULL_SCALE:
        return np.zeros(len(block), dtype=np.int64)
    same = (block[:, 1:] == block[:, :-1]) & (np.abs(block[:, 1:]) >= FULL_SCALE)
    run = same[:, 1:] & same[:, :-1]
    inside = np.zeros(block.shape, dtype=bool)
    for shift in range(3):
        inside[:, shift : block.shape[1] - 2 + shift] |= run
    return np.asarray(inside.sum(axis=1), dtype=np.int64)


def without_capsules(array: MicrophoneArray, left_out: Sequence[int]) -> MicrophoneArray:
    """The array without some of its capsules, counted from 1; ``InputError`` where none remains."""
    kept = np.setdiff1d(np.arange(array.microphones), np.asarray(left_out, dtype=np.int64) - 1)
    if len(kept) == 0:
        raise InputError(f"array {array.name}: none of its {array.microphones} microphones remains")
    if len(kept) == array.microphones:
        return array
    measured: MeasuredResponses | None = array.measured
    if measured is not None:
        measured = replace(measured, impulses=measured.impulses[:, kept])
    look = None if array.look is None else array.look[kept]
    directivity = np.asarray(array.directivity)[kept]
    return MicrophoneArray(array.name, array.positions[kept], array.rigid_radius_m, directivity, look, measured)
