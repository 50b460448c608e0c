"""A rendered scene on its way to the disk: 16-bit blocks, and the WAV file they make; memory stays flat for hours."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.scene import Scene

Samples = NDArray[np.float32]
Pcm = NDArray[np.int16]
LOUDEST = 0.99
"""A scene whose peak is above this is scaled down to it; the gain is written into its JSON."""
IN_MEMORY = 64 << 20
"""Bytes of a scene above which it waits on the disk for its peak to be known."""
BLOCK = 1 << 16
"""Samples a channel that are handled at a time."""
LONGEST_RIFF = 0xFFFFFFFF - 128


@dataclass
class Take:
    """One scene in 16 bits.

    ``scene`` are its labels, ``gain_db`` the gain in dB that kept its peak within ``LOUDEST``, ``extra`` what else its
    JSON tells (``questions``). It must be closed (it is a context manager); a long scene lies in an unnamed file until
    then.
    """

    scene: Scene
    gain_db: float
    channels: int
    samples: int
    _spool: SpooledTemporaryFile[bytes]
    _scale: float
    extra: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def record(
        cls,
        samples: Samples | Iterable[Samples],
        scene: Scene | Callable[[], Scene],
        folder: Path | None = None,
        gain_db: float = 0.0,
        extra: Callable[[Scene], dict[str, Any]] = lambda scene: {},
    ) -> Take:
        """Take in a scene, whole or in blocks.

        Args:
            samples: Samples ``(channels, n)``, or blocks of them in order.
            scene: The labels, or what gives them after the last block.
            folder: Where a long scene waits; the system's folder for temporary files if not given.
            gain_db: Gain in dB that was applied before.
            extra: What else the scene's JSON shall tell, from its labels.
        """
        spool: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(  # noqa: SIM115 - the take closes it
            IN_MEMORY, dir=None if folder is None else str(folder)
        )
        try:
            channels, count, peak = 0, 0, 0.0
            for block in [samples] if isinstance(samples, np.ndarray) else samples:
                channels, count = block.shape[0], count + block.shape[1]
                peak = max(peak, _peak(block))
                spool.write(np.ascontiguousarray(block.T, dtype=np.float32).tobytes())
            gain = min(1.0, LOUDEST / peak) if peak else 1.0
            labels = scene() if callable(scene) else scene
        except BaseException:
            spool.close()
            raise
        return cls(labels, gain_db + 20 * math.log10(gain), channels, count, spool, gain * 32768, extra(labels))

    def blocks(self, start: int = 0, stop: int | None = None, size: int = BLOCK) -> Iterator[Pcm]:
        """Blocks ``(channels, at most size)`` of the samples from ``start`` to before ``stop``."""
        stop = self.samples if stop is None else min(stop, self.samples)
        for first in range(start, stop, size):
            self._spool.seek(first * self.channels * 4)
            raw = self._spool.read(min(size, stop - first) * self.channels * 4)
            block = np.frombuffer(raw, dtype=np.float32).reshape(-1, self.channels)
            yield np.round(block * self._scale).astype(np.int16).T

    def floats(self) -> Iterator[Samples]:
        """The blocks as they will be read back: 1 is full scale."""
        return (block.astype(np.float32) / np.float32(32768) for block in self.blocks())

    def wav(self, start: int = 0, stop: int | None = None, padded: bool = False) -> Iterator[bytes]:
        """The bytes of a 16-bit WAV file of the samples from ``start`` to before ``stop``.

        ``padded`` fills what lies beyond the end with silence, else it is left out.
        """
        stop = self.samples if stop is None else stop
        end = min(stop, self.samples)
        yield wav_head(self.channels, (stop if padded else end) - start, self.scene.rate)
        for block in self.blocks(start, end):
            yield block.T.astype("<i2").tobytes()
        if padded and stop > end:
            yield bytes(2 * self.channels * (stop - end))

    def close(self) -> None:
        """Free the memory or the unnamed file."""
        self._spool.close()

    def __enter__(self) -> Take:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _peak(block: Samples) -> float:
    peak = float(np.abs(block).max(initial=0.0))
    if not math.isfinite(peak):
        raise ValueError("rendered samples must be finite")
    return peak


def wav_head(channels: int, samples: int, rate: int) -> bytes:
    """The head of a 16-bit WAV file; RF64 (EBU Tech 3306) where the sound is too long for a RIFF size of 32 bits."""
    size = 2 * channels * samples
    sound = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, 2 * channels * rate, 2 * channels, 16)
    if size <= LONGEST_RIFF:
        return struct.pack("<4sI4s", b"RIFF", size + 36, b"WAVE") + sound + struct.pack("<4sI", b"data", size)
    sizes = struct.pack("<4sIQQQI", b"ds64", 28, size + 72, size, samples, 0)
    head = struct.pack("<4sI4s", b"RF64", 0xFFFFFFFF, b"WAVE")
    return head + sizes + sound + struct.pack("<4sI", b"data", 0xFFFFFFFF)
