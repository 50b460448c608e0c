"""Resampling in pieces that equal the whole: every piece is computed with the neighbouring samples around it.

Legend: native samples are those of the file, output samples those at 16 kHz.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.encoding import INTERNAL_RATE

MARGIN_S = 0.2
"""Context on both sides of a piece in seconds: longer than the resampler's and the encoder's filters together."""


@dataclass(frozen=True)
class Piece:
    """One window: native samples ``low`` to ``high``, of whose resampled form ``[skip : skip + count]`` is wanted."""

    low: int
    high: int
    skip: int
    count: int


def resampled_length(frames: int, rate: int) -> int:
    """Output samples of so many native samples: rounded to nearest, at least one."""
    return max(1, round(frames * INTERNAL_RATE / rate))


def pieces(first: int, last: int, frames: int, rate: int, block_s: float) -> Iterator[Piece]:
    """Cut output samples ``first`` to ``last`` into windows whose native starts fall on whole output samples.

    Only there, every rate / gcd(rate, 16000) native samples, do a piece and the whole share one output grid.
    """
    divisor = math.gcd(rate, INTERNAL_RATE)
    native, output = rate // divisor, INTERNAL_RATE // divisor
    margin, step = math.ceil(MARGIN_S * INTERNAL_RATE), max(1, round(block_s * INTERNAL_RATE))
    for start in range(first, last, step):
        stop = min(start + step, last)
        unit = max(0, (start - margin) // output)
        high = min(frames, math.ceil((stop + margin) * rate / INTERNAL_RATE))
        yield Piece(unit * native, high, start - unit * output, stop - start)


def resample(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Band-limited resampling of ``(channels, samples)`` to 16 kHz (soxr, its high-quality setting)."""
    if rate == INTERNAL_RATE:
        return samples
    import soxr  # type: ignore[import-untyped,unused-ignore]

    resampled: NDArray[np.float32] = soxr.resample(np.ascontiguousarray(samples.T), rate, INTERNAL_RATE, quality="HQ")
    return np.ascontiguousarray(resampled.T, dtype=np.float32)


def cut(samples: NDArray[np.float32], piece: Piece) -> NDArray[np.float32]:
    """The wanted part; the very end may miss a sample to rounding, which is silence then."""
    wanted = samples[:, piece.skip : piece.skip + piece.count]
    return np.pad(wanted, ((0, 0), (0, piece.count - wanted.shape[1])))


class SlidingReader:
    """Hands out overlapping windows of a stream that is read once, from front to back."""

    def __init__(self, read: Callable[[int, int], NDArray[np.float32]], channels: int) -> None:
        """``read(start, stop)`` gives native samples ``(channels, stop - start)``; it is called in rising order."""
        self._read = read
        self._start = 0
        self._buffer = np.zeros((channels, 0), dtype=np.float32)

    def window(self, low: int, high: int) -> NDArray[np.float32]:
        """Native samples ``low`` to ``high``; neither may fall behind the window before."""
        end = self._start + self._buffer.shape[1]
        kept = self._buffer[:, min(low, end) - self._start :]
        resume = max(low, end)
        fresh = self._read(resume, high) if high > resume else self._buffer[:, :0]
        self._start, self._buffer = low, np.concatenate([kept, fresh], axis=1)
        return self._buffer
