"""Recordings: any sound file with any number of channels, opened lazily and read in blocks; the door to ambisonics.

Files lie: every file is checked before libsndfile sees it, and every block after. No sample and no channel is lost in
silence; what cannot be read whole is refused in one line.

Legend: C ambisonic channels, B bands, T samples at 16 kHz.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio import plausibility, resampling
from spatial_lalm.audio.conventions import MAX_ORDER, acn_orders, channel_count, convert
from spatial_lalm.audio.encoding import BANDS, INTERNAL_RATE, encode, encoder_filters, mel_centres
from spatial_lalm.audio.formats import ChannelFormat, parse_format
from spatial_lalm.audio.presets import preset
from spatial_lalm.audio.soundfiles import (
    GIB,
    FileReader,
    check_block,
    check_channels,
    check_rate,
    one_line,
    read_header,
)
from spatial_lalm.errors import InputError

Samples = NDArray[np.float32]
_HIGHER_ORDERS = {(order + 1) ** 2: order for order in range(MAX_ORDER + 1, 8)}
"""Orders that have a channel count of their own and are not read."""
MAX_IN_MEMORY = GIB
"""Most bytes that one call gives back; longer recordings are read in blocks."""


@dataclass(frozen=True, eq=False)
class Recording:
    """A recording and what its channels mean; ``path`` is ``None`` for samples in memory.

    ``rate`` in Hz and ``frames`` (samples a channel) are the file's own.
    """

    path: Path | None
    rate: int
    frames: int
    format: ChannelFormat
    taken: tuple[str, ...] = ()
    _samples: Samples | None = field(default=None, repr=False)
    _doubts: list[plausibility.Doubt] = field(default_factory=list, repr=False)

    @classmethod
    def open(cls, path: str | Path, format: str | None = None, array: str | None = None) -> Recording:
        """Open a file by its header; samples are read later.

        ``format`` is a name of ``spatial_lalm.audio.formats.FORMATS``, ``array`` a preset or a JSON file. Raises
        ``InputError``, in one line that names the file, for everything that is no readable recording.
        """
        if not isinstance(path, str | os.PathLike):
            raise InputError(
                f"{path!r} is no path: give the name of a sound file, or use Recording.from_array(samples, rate)"
            )
        path = Path(path)
        header = read_header(path)
        try:
            chosen, assumed = _settled(format, array, header.channels)
        except InputError as error:
            raise InputError(f"{one_line(path)}: {error}") from None
        return cls(path, header.rate, header.frames, chosen, tuple(assumed))

    @classmethod
    def from_array(
        cls,
        samples: NDArray[np.floating],
        rate: int,
        format: str | ChannelFormat | None = None,
        array: str | None = None,
    ) -> Recording:
        """Take samples ``(channels, samples)`` in memory as a recording; the same checks and defaults as for files."""
        if samples.ndim != 2 or samples.shape[1] == 0:
            raise InputError(f"samples of shape {samples.shape} are no recording: give (channels, samples)")
        name = one_line(None)
        check_channels(name, samples.shape[0])
        check_rate(name, rate)
        with np.errstate(over="ignore"):  # what overflows float32 is refused as infinite
            own = np.ascontiguousarray(samples, dtype=np.float32)
        check_block(name, own, 0, rate)
        if isinstance(format, ChannelFormat):
            if format.channels != len(own):
                raise InputError(f"{name}: {format} has {format.channels} channels, but there are {len(own)}")
            return cls(None, rate, own.shape[1], format, (), own)
        chosen, assumed = _settled(format, array, len(own))
        return cls(None, rate, own.shape[1], chosen, tuple(assumed), own)

    @property
    def assumed(self) -> tuple[str, ...]:
        """What was taken for granted, and what ``ambisonics``, where it was last called, found doubtful about it."""
        return (*self.taken, *map(str, self._doubts))

    @property
    def doubt(self) -> plausibility.Doubt | None:
        """What ``ambisonics``, where it was last called, found doubtful about the channels."""
        return self._doubts[0] if self._doubts else None

    @property
    def name(self) -> str:
        """The path in one printable line."""
        return one_line(self.path)

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.format.channels

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.frames / self.rate

    # ------------------------------------------------------------ native samples

    def blocks(self, block_s: float = 10.0, start_s: float = 0.0, end_s: float | None = None) -> Iterator[Samples]:
        """Blocks ``(channels, samples)`` of at most ``block_s`` seconds at the native rate, checked one by one.

        Raises ``InputError`` at once for a range outside the recording, and on the way for NaN, infinite values and
        files that end before their header says.
        """
        low, high = self._span(start_s, end_s)
        size = round(block_s * self.rate) if math.isfinite(block_s) else 0
        if size < 1:
            raise InputError(f"block length {block_s:g} s is not possible: give at least one sample")
        return self._blocks(low, high, size)

    def _blocks(self, low: int, high: int, size: int) -> Iterator[Samples]:
        with self._reader() as reader:
            for start in range(low, high, size):
                yield reader.read(start, min(start + size, high))

    def read(self, start_s: float = 0.0, end_s: float | None = None) -> Samples:
        """Samples ``(channels, samples)`` at the native rate; ``InputError`` beyond 1 GiB: use ``blocks``."""
        low, high = self._span(start_s, end_s)
        self._check_memory((high - low) * self.channels, "blocks")
        with self._reader() as reader:
            return np.concatenate([reader.read(at, min(at + self.rate, high)) for at in range(low, high, self.rate)], 1)

    def _reader(self) -> FileReader:
        return FileReader(self.path, self._samples, self.rate, self.channels)

    def _span(self, start_s: float, end_s: float | None) -> tuple[int, int]:
        """Native samples of a range in seconds; ``InputError`` unless it is not empty and lies in the recording."""
        end = self.duration_s if end_s is None else end_s
        if not (math.isfinite(start_s) and math.isfinite(end)):
            raise InputError(f"{self.name}: start {start_s:g} s and end {end:g} s must be finite")
        for name, moment, latest in (("start", start_s, self.frames - 1), ("end", end, self.frames)):
            if round(moment * self.rate) > latest:
                raise InputError(
                    f"{self.name}: {name} {moment:g} s lies beyond its end: it runs from 0 to {self.duration_s:.3f} s"
                )
        low, high = round(start_s * self.rate), round(end * self.rate)
        if not 0 <= low < high <= self.frames:
            raise InputError(
                f"{self.name}: {start_s:g} s to {end:g} s is no part of it: it runs from 0 to {self.duration_s:.3f} s"
            )
        return low, high

    def _check_memory(self, values: int, way_out: str) -> None:
        if values * 4 > MAX_IN_MEMORY:
            raise InputError(
                f"{self.name}: {values * 4 / GIB:.1f} GiB of samples at once are over the cap of "
                f"{MAX_IN_MEMORY // GIB} GiB: read a part of it, or use {way_out}()"
            )

    # ------------------------------------------------------------ ambisonics at 16 kHz

    def ambisonics(
        self, start_s: float = 0.0, end_s: float | None = None, order: int = 1
    ) -> tuple[Samples, NDArray[np.float32]]:
        """The sound field as AmbiX ``(C, T)`` at 16 kHz and its quality ``(C, bands)`` in [0, 1].

        A part equals the same part of the whole, so hours can be read piece by piece. Channels that the recording does
        not have are zero, with quality zero; so is the quality of bands that its sample rate cannot hold. Says in
        ``assumed`` when the part does not behave like its format (see ``spatial_lalm.audio.plausibility``).
        """
        low, high = self._output_span(start_s, end_s)
        self._check_memory((high - low) * channel_count(order), "ambisonic_blocks")
        signals = np.concatenate(list(self.ambisonic_blocks(10.0, start_s, end_s, order)), axis=1)
        heard = signals[:, : round(plausibility.LONGEST_S * INTERNAL_RATE)]
        native = self._microphones(start_s, end_s) if self.format.kind in ("array", "binaural") else None
        found = plausibility.doubt(heard, self.format, native)
        self._doubts[:] = [] if found is None else [found]
        return signals, self.quality(order)

    def _microphones(self, start_s: float, end_s: float | None) -> Samples:
        """The channels before encoding, at 16 kHz, for as long as their plausibility is looked at."""
        end = min(self.duration_s if end_s is None else end_s, start_s + plausibility.LONGEST_S)
        parts = [resampling.resample(block, self.rate) for block in self.blocks(5.0, start_s, end)]
        return np.concatenate(parts, axis=1)

    def ambisonic_blocks(
        self, block_s: float = 10.0, start_s: float = 0.0, end_s: float | None = None, order: int = 1
    ) -> Iterator[Samples]:
        """The same signals in blocks ``(C, T)`` of ``block_s`` seconds, in memory that does not grow with the file."""
        low, high = self._output_span(start_s, end_s)
        if not 0.05 <= block_s <= 3600:
            raise InputError(f"block length {block_s:g} s is not possible: give 0.05 to 3600 s")
        if not 1 <= order <= 3:
            raise InputError(f"ambisonic order {order} is not supported: choose 1 to 3")
        return self._ambisonic_blocks(low, high, block_s, order)

    def _ambisonic_blocks(self, low: int, high: int, block_s: float, order: int) -> Iterator[Samples]:
        with self._reader() as reader:
            sliding = resampling.SlidingReader(reader.read, self.channels)
            for piece in resampling.pieces(low, high, self.frames, self.rate, block_s):
                native = sliding.window(piece.low, piece.high)
                field_signals = self._sound_field(resampling.resample(native, self.rate), order)
                yield resampling.cut(field_signals, piece)

    def _output_span(self, start_s: float, end_s: float | None) -> tuple[int, int]:
        """Samples at 16 kHz of a range in seconds; at least one."""
        low, high = self._span(start_s, end_s)
        total = resampling.resampled_length(self.frames, self.rate)
        first = min(round(low * INTERNAL_RATE / self.rate), total - 1)
        last = total if high == self.frames else round(high * INTERNAL_RATE / self.rate)
        return first, max(last, first + 1)

    def _sound_field(self, signals: Samples, order: int) -> Samples:
        """Channels of the format, at 16 kHz, as AmbiX ``(C, T)``."""
        if self.format.kind == "array" or self.format.kind == "binaural":
            return encode(signals, self.format.array or preset("binaural"), order, levelled=True)[0]
        if self.format.kind == "ambisonics":
            signals = convert(signals, self.format.convention, "ambix")
        wanted = channel_count(order)
        known = signals[:wanted]
        return np.pad(known, ((0, wanted - len(known)), (0, 0)))

    def quality(self, order: int = 1) -> NDArray[np.float32]:
        """Trust in each ambisonic channel and band, ``(C, bands)`` in [0, 1]; see ``spatial_lalm.audio.encoding``."""
        if self.format.kind == "array" or self.format.kind == "binaural":
            mask = encoder_filters(self.format.array or preset("binaural"), order).quality.copy()
        else:
            known = acn_orders(order) <= self.format.order
            mask = np.repeat(known[:, None], BANDS, axis=1).astype(np.float32)
        mask[:, mel_centres() > self.rate / 2] = 0.0
        return mask


def _settled(name: str | None, array: str | None, channels: int) -> tuple[ChannelFormat, list[str]]:
    """``parse_format``, with a word about ambisonic orders that are not read."""
    order = _HIGHER_ORDERS.get(channels)
    if order is not None and array is None and name in (None, "ambix", "n3d"):
        raise InputError(
            f"{channels} channels would be ambisonics of order {order}: orders above {MAX_ORDER} are not read: keep "
            f"the first {channel_count(MAX_ORDER)} channels, or name the microphone array with --array"
        )
    return parse_format(name, array, channels)
