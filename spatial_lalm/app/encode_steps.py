"""The steps of ``spatial-lalm encode``: look through the recording, choose capsules, encode block by block.

Legend: M microphones, C ambisonic channels, T samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.arrays import MicrophoneArray
from spatial_lalm.audio.channel_health import BLOCK_S, ChannelHealth, HealthScan, without_capsules
from spatial_lalm.audio.conventions import channel_count
from spatial_lalm.audio.encoding import EncodingFilters, encoder_filters, mel_centres
from spatial_lalm.audio.encoding_stream import EncodingStream
from spatial_lalm.audio.soundfiles import FileReader, Header
from spatial_lalm.errors import InputError

Samples = NDArray[np.float32]
Tick = Callable[[float], None]

VOID = 0.1
"""A channel whose quality stays below this in all bands carries nothing."""
_HEARD = {1: "left and right", 2: "height", 3: "front and back"}


class Ticker:
    """Counts seconds of work for a callback ``progress(done, total)`` of whole numbers."""

    def __init__(self, progress: Callable[[int, int], None], total_s: float) -> None:
        self._progress, self._total, self._done = progress, max(1, round(total_s)), 0.0
        progress(0, self._total)

    def __call__(self, seconds: float) -> None:
        """So many seconds more are done."""
        self._done += seconds
        self._progress(min(round(self._done), self._total), self._total)


def native_blocks(path: Path, header: Header, tick: Tick) -> Iterator[Samples]:
    """A recording in blocks ``(M, T)`` of a second, checked one by one; ``tick`` is told the seconds of each."""
    step = round(BLOCK_S * header.rate)
    with FileReader(path, None, header.rate, header.channels) as reader:
        for start in range(0, header.frames, step):
            block = reader.read(start, min(start + step, header.frames))
            yield block
            tick(block.shape[1] / header.rate)


def look_through(path: Path, header: Header, tick: Tick) -> ChannelHealth:
    """The health of every channel of the whole recording."""
    scan = HealthScan(header.channels)
    for block in native_blocks(path, header, tick):
        scan.update(block)
    return scan.result()


# ---------------------------------------------------------------- which capsules, which order


def highest_order(microphones: int) -> int:
    """The highest order up to 3 with no more channels than microphones; 1 for two and three, which hear part of it."""
    return min(3, math.isqrt(microphones) - 1) if microphones >= 4 else int(microphones > 1)


def check_order(array: MicrophoneArray, order: int, alive: int | None = None) -> None:
    """``InputError`` where an order has more channels than there are microphones, with the highest that is possible."""
    count = array.microphones if alive is None else alive
    highest = highest_order(count)
    if order <= highest:
        return
    there = f"array {array.name} has {array.microphones}"
    there += "" if count == array.microphones else f", of which {count} work"
    if highest == 0:
        raise InputError(f"order {order} needs more than one microphone: {there}")
    raise InputError(f"order {order} needs {channel_count(order)} microphones: {there}: choose --order {highest}")


def capsules_left_out(health: ChannelHealth, array: MicrophoneArray, order: int) -> tuple[int, ...]:
    """Channels, from 1, that are not encoded: dead ones, and copies where enough microphones remain without them."""
    copies = {channel for group in health.copies for channel in group}
    dead = set(health.dead)
    remaining = array.microphones - len(dead | copies)
    if remaining >= max(channel_count(order), 2):
        dead |= copies
    check_order(array, order, array.microphones - len(dead))
    return tuple(sorted(dead))


def void_notes(array: MicrophoneArray, quality: NDArray[np.float32]) -> list[str]:
    """A line where channels carry nothing; ``quality`` is ``(C, B)``."""
    void = [int(channel) for channel in np.flatnonzero(quality.max(axis=1) < VOID)]
    if not void:
        return []
    lost = [_HEARD[channel] for channel in void if channel in _HEARD]
    shape = ": its microphones lie in one plane" if np.linalg.matrix_rank(_spread(array), tol=1e-4) == 2 else ""
    names = ", ".join("WYZX"[channel] if channel < 4 else f"ACN {channel}" for channel in void)
    plural = "channel" if len(void) == 1 else "channels"
    what = f"{' and '.join(lost)} cannot be heard by" if lost else "not all of the order is heard by"
    return [f"{what} array {array.name}{shape}: {plural} {names} void, as the mask says"]


def _spread(array: MicrophoneArray) -> NDArray[np.float64]:
    """Positions around their mean ``(M, 3)``; those of directional capsules with their looks."""
    spread = array.positions - array.positions.mean(axis=0)
    return spread if array.look is None else np.concatenate([spread, array.look])


# ---------------------------------------------------------------- encoding


@dataclass(frozen=True)
class Plan:
    """What is encoded: the capsules in use, their array, and the filters at the output's rate."""

    array: MicrophoneArray
    kept: tuple[int, ...]
    order: int
    rate: int
    filters: EncodingFilters
    quality: NDArray[np.float32]

    @classmethod
    def of(cls, array: MicrophoneArray, left_out: tuple[int, ...], order: int, rate: int, native_rate: int) -> Plan:
        """Plan for a recording at ``native_rate`` Hz; the quality is zero where that holds nothing."""
        used = without_capsules(array, left_out)
        filters = encoder_filters(used, order, rate)
        quality = filters.quality.copy()
        quality[:, mel_centres(rate=rate) > native_rate / 2] = 0
        kept = tuple(channel for channel in range(array.microphones) if channel + 1 not in left_out)
        return cls(used, kept, order, rate, filters, quality)


def encoded_blocks(path: Path, header: Header, plan: Plan, tick: Tick) -> Iterator[Samples]:
    """The recording as AmbiX ``(C, T)`` in blocks at the plan's rate, in memory that does not grow with its length."""
    stream = EncodingStream(plan.filters)
    left = output_frames(header, plan.rate)
    resampled = _resampled(native_blocks(path, header, tick), header.rate, plan)
    for block in resampled:
        done = stream.push(block[:, :left])
        left -= min(left, block.shape[1])
        if done.shape[1]:
            yield done
    if left:  # the resampler may end a sample early
        yield stream.push(np.zeros((len(plan.kept), left), dtype=np.float32))
    yield stream.flush()


def output_frames(header: Header, rate: int) -> int:
    """Samples of the output: rounded to nearest, at least one."""
    return max(1, round(header.frames * rate / header.rate))


def _resampled(blocks: Iterator[Samples], native_rate: int, plan: Plan) -> Iterator[Samples]:
    """The kept rows of the blocks, at the plan's rate (soxr, its high-quality setting, as one stream)."""
    rows = list(plan.kept)
    if native_rate == plan.rate:
        for block in blocks:
            yield block[rows]
        return
    import soxr  # type: ignore[import-untyped,unused-ignore]

    resampler = soxr.ResampleStream(native_rate, plan.rate, len(rows), dtype="float32", quality="HQ")
    for block in blocks:
        yield np.ascontiguousarray(resampler.resample_chunk(np.ascontiguousarray(block[rows].T)).T)
    empty = np.zeros((0, len(rows)), dtype=np.float32)
    yield np.ascontiguousarray(resampler.resample_chunk(empty, last=True).T)
