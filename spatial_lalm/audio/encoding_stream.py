"""Encoding in blocks of any size: overlap-save convolution that equals that of the whole.

The segments lie at the same places whatever the blocks are, so block sizes change nothing but rounding (which depends
on how many segments are multiplied at once).

Legend: C ambisonic channels, M microphones, F frequencies, S segments, T samples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.errors import InputError

if TYPE_CHECKING:
    from spatial_lalm.audio.encoding import EncodingFilters

Samples = NDArray[np.float32]

SIZE_IN_TAPS = 8
"""Length of a segment over that of the filters."""
SEGMENTS_AT_ONCE = 8
"""Most segments in one product: the filters are then read once for all of them."""


def filter_spectrum(fir: Samples) -> NDArray[np.complex64]:
    """Filters ``(C, M, taps)`` over the frequencies of a segment, ``(F, C, M)``."""
    from scipy import fft

    spectrum = fft.rfft(fir, SIZE_IN_TAPS * fir.shape[2])
    return np.ascontiguousarray(np.moveaxis(spectrum, -1, 0), dtype=np.complex64)


class EncodingStream:
    """Encodes a stream: ``push`` blocks of any size, then ``flush``; together they give what ``encode`` gives.

    The delay of the filters is taken off: as many samples come out as went in, and the first belongs to the first. They
    come late by at most a segment, 8 x 64 ms, and memory does not grow. After ``flush`` it begins a new stream.
    """

    def __init__(self, filters: EncodingFilters) -> None:
        """``filters`` are those of ``encoder_filters``."""
        self._channels, self._microphones, self._taps = filters.fir.shape
        self._size = SIZE_IN_TAPS * self._taps
        self._step = self._size - self._taps + 1
        self._response, self._delay = filters.spectrum, filters.delay
        self._buffer = np.zeros((self._microphones, self._size + (SEGMENTS_AT_ONCE - 1) * self._step), dtype=np.float32)
        self._restart()

    def push(self, block: Samples) -> Samples:
        """Take samples ``(M, T)`` and give those that are done, ``(C, T')``; ``InputError`` for another M."""
        if block.ndim != 2 or len(block) != self._microphones:
            raise InputError(
                f"a block of shape {block.shape} does not fit the encoder: it has {self._microphones} rows"
            )
        self._received += block.shape[1]
        return self._joined(self._advance(block))

    def flush(self) -> Samples:
        """What is left at the end of the stream, ``(C, T')``, as if silence followed."""
        left = self._received - self._given
        done: list[Samples] = []
        while sum(part.shape[1] for part in done) < left:
            done += self._advance(np.zeros((self._microphones, self._step), dtype=np.float32))
        self._restart()
        return self._joined(done)[:, :left]

    def _restart(self) -> None:
        """Output n needs the inputs from n + delay - taps + 1 on: silence stands for those before the first."""
        self._filled = self._taps - 1 - self._delay
        self._buffer[:, : self._filled] = 0
        self._received = self._given = 0

    def _joined(self, parts: list[Samples]) -> Samples:
        return np.concatenate(parts, axis=1) if parts else np.zeros((self._channels, 0), dtype=np.float32)

    def _advance(self, block: Samples) -> list[Samples]:
        """Fill the buffer and empty it segment by segment."""
        done, start = [], 0
        while start < block.shape[1]:
            count = min(block.shape[1] - start, self._buffer.shape[1] - self._filled)
            self._buffer[:, self._filled : self._filled + count] = block[:, start : start + count]
            self._filled, start = self._filled + count, start + count
            segments = (self._filled - self._taps + 1) // self._step
            if segments > 0:
                done.append(self._filtered(segments))
                used = segments * self._step
                self._buffer[:, : self._filled - used] = self._buffer[:, used : self._filled].copy()
                self._filled, self._given = self._filled - used, self._given + used
        return done

    def _filtered(self, segments: int) -> Samples:
        """The first segments of the buffer through the filters, ``(C, segments * step)``."""
        from scipy import fft

        windows = np.lib.stride_tricks.sliding_window_view(self._buffer, self._size, axis=1)
        windows = windows[:, : segments * self._step : self._step]  # (M, S, size)
        spectrum = np.ascontiguousarray(fft.rfft(windows).transpose(2, 0, 1))  # (F, M, S)
        mixed = np.ascontiguousarray((self._response @ spectrum).transpose(1, 2, 0))  # (C, S, F)
        whole = fft.irfft(mixed, self._size)[..., self._taps - 1 :]
        return np.asarray(whole.reshape(self._channels, -1), dtype=np.float32)
