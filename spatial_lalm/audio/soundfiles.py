"""Sound files that may lie: headers checked before the decoder runs, every block checked after it."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.containers import CONTAINERS, identify, lacks_ogg_end, promised_end
from spatial_lalm.errors import InputError

GIB = 2**30
MIN_RATE, MAX_RATE = 8_000, 192_000
MAX_CHANNELS = 64
MAX_DECODED = 8 * GIB
MAX_EXPANSION = 100
"""Files that decode to more than ``MAX_DECODED`` bytes must not be smaller than this fraction of them.

Ten hours of plain first-order sound at 48 kHz are 26 GiB and welcome; 3 MB of FLAC that unpack to 11 GB are a bomb.
"""
MAX_SAMPLE = 1e12
"""Beyond this a sample is no sound: its power overflows single precision on the way."""
UNKNOWN_FRAMES = 2**40
STEP_FRAMES = 1024
"""How closely the place is found where a broken file ends."""
TURNED_FRAMES = 4096
"""Frames that are turned to a row a channel at a time: 32 channels all at once miss the cache and take four times."""
MARGIN_S = 0.5
"""What resampling, and the decoder's blocks, need of the samples after a part."""


@dataclass(frozen=True)
class Header:
    """Rate in Hz, channels and samples a channel."""

    rate: int
    channels: int
    frames: int


def one_line(path: Path | None) -> str:
    """A path as one printable line."""
    return "samples in memory" if path is None else "".join(c if c.isprintable() else "?" for c in str(path))


def check_rate(name: str, rate: int) -> None:
    """Refuse sample rates outside 8 to 192 kHz."""
    if not MIN_RATE <= rate <= MAX_RATE:
        raise InputError(f"{name}: sample rate {rate} Hz is not supported: resample to {MIN_RATE} to {MAX_RATE} Hz")


def check_channels(name: str, channels: int) -> None:
    """Refuse more than 64 channels."""
    if not 1 <= channels <= MAX_CHANNELS:
        raise InputError(f"{name}: {channels} channels are not supported: keep 1 to {MAX_CHANNELS} of them")


def check_block(name: str, block: NDArray[np.float32], start: int, rate: int) -> None:
    """Refuse samples ``(channels, samples)`` that are NaN, infinite or absurdly large, and say where they are."""
    with np.errstate(invalid="ignore"):
        bad = ~(np.abs(block) <= MAX_SAMPLE)
    if bad.any():
        place = np.flatnonzero(bad.any(axis=0))[0]
        channel = np.flatnonzero(bad[:, place])[0]
        value = float(block[channel, place])
        raise InputError(
            f"{name}: channel {channel + 1} holds {value:g} at {(start + place) / rate:.3f} s: "
            "samples must be finite; export the file again"
        )


def read_header(path: Path) -> Header:
    """Check a file from outside in and give its header; ``InputError`` in one line for anything not readable."""
    name = one_line(path)
    size = _check_container(path, name)
    import soundfile

    try:
        with soundfile.SoundFile(path) as stream:
            container, header = stream.format, Header(stream.samplerate, stream.channels, stream.frames)
    except (soundfile.SoundFileError, RuntimeError, OSError, TypeError) as error:
        raise InputError(f"{name}: cannot be read as sound ({_reason(error)})") from None
    if container not in CONTAINERS:
        raise InputError(f"{name}: container {container} is not supported: convert it to WAV or FLAC")
    check_rate(name, header.rate)
    check_channels(name, header.channels)
    _check_length(name, header, size)
    return header


def _check_container(path: Path, name: str) -> int:
    """Existence, first bytes and promised length, with no decoder involved; gives the size of the file in bytes."""
    try:
        if path.is_dir():
            raise InputError(f"{name}: this is a folder: give a sound file")
        if not path.exists():
            raise InputError(f"{name}: no such file")
        if not path.is_file():
            raise InputError(f"{name}: this is no regular file: give a sound file")
        size = path.stat().st_size
        with path.open("rb") as stream:
            kind = identify(stream.read(16))
            end = promised_end(stream, kind) if kind else None
            cut_short = kind == "OGG" and lacks_ogg_end(stream, size)
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{name}: cannot be opened ({_reason(error)})") from None
    if size == 0:
        raise InputError(f"{name}: the file is empty (0 bytes)")
    if kind is None:
        raise InputError(f"{name}: not a sound file: give WAV, RF64, W64, FLAC, OGG, CAF, AIFF, AU or MP3")
    if end is not None and end > size:
        raise InputError(f"{name}: truncated, {end - size} bytes are missing by its header: copy or export it again")
    if cut_short:
        raise InputError(f"{name}: truncated, its last page is missing: copy or export it again")
    return size


def _check_length(name: str, header: Header, size: int) -> None:
    """Refuse empty recordings, unknown lengths and decompression bombs."""
    if header.frames <= 0:
        raise InputError(f"{name}: the recording is empty (0 samples)")
    if header.frames > UNKNOWN_FRAMES:
        raise InputError(f"{name}: its header does not say how long it is: convert it to WAV or FLAC")
    decoded = header.frames * header.channels * 4
    if decoded > MAX_DECODED and decoded > MAX_EXPANSION * size:
        raise InputError(
            f"{name}: {size} bytes would unpack to {decoded / GIB:.1f} GiB, over the cap of {MAX_DECODED // GIB} GiB "
            f"for files that expand more than {MAX_EXPANSION} times: split it, or convert it to WAV"
        )


def _reason(error: Exception) -> str:
    """What a library says, in one line and without the path, which the message names already."""
    text = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
    return " ".join(str(text).split()).rstrip(".")


class FileReader:
    """Native samples of a file, or of an array in memory, by position; to be used in a ``with`` statement."""

    def __init__(self, path: Path | None, samples: NDArray[np.float32] | None, rate: int, channels: int) -> None:
        """Either ``path`` or ``samples (channels, samples)``; the file is opened on entry."""
        self._path, self._samples, self._rate, self._channels = path, samples, rate, channels
        self._name = one_line(path)
        self._stream: Any = None

    def __enter__(self) -> FileReader:
        """Open the file, and make sure that it is still the one whose header was read."""
        if self._path is not None:
            import soundfile

            try:
                self._stream = soundfile.SoundFile(self._path)
            except (soundfile.SoundFileError, RuntimeError, OSError) as error:
                raise InputError(f"{self._name}: cannot be read as sound ({_reason(error)})") from None
            if (self._stream.samplerate, self._stream.channels) != (self._rate, self._channels):
                self._stream.close()
                raise InputError(f"{self._name}: the file has changed since it was opened: open it again")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        if self._stream is not None:
            self._stream.close()

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Samples ``(channels, stop - start)``, all there and all finite, or ``InputError``."""
        if self._samples is not None:
            return self._samples[:, start:stop].copy()
        block = self._decode(start, stop)
        if block.shape[1] < stop - start:
            raise InputError(f"{self._name}: truncated: {self._readable(start)}; export it again")
        check_block(self._name, block, start, self._rate)
        return block

    def _readable(self, start: int) -> str:
        """How far a broken file can be read, and the way to hear that much; all before frame ``start`` is whole."""
        import soundfile

        good = start
        with contextlib.suppress(soundfile.SoundFileError, RuntimeError), soundfile.SoundFile(self._path) as stream:
            whole = stream.frames / self._rate
            stream.seek(start)
            while got := len(stream.read(STEP_FRAMES, dtype="float32")):
                good += got
        if start == good == 0:
            return "nothing of it can be read"
        safe = max(0.0, math.floor(10 * (good / self._rate - MARGIN_S)) / 10)
        way = f" (to hear that part: --end {safe:g}, or end_s={safe:g})" if safe > 0 else ""
        return f"it can be read up to {good / self._rate:.2f} s of {whole:.2f} s{way}"

    def _decode(self, start: int, stop: int) -> NDArray[np.float32]:
        """What the decoder gives, which may be short."""
        import soundfile

        try:
            if self._stream.tell() != start:
                self._stream.seek(start)
            block = self._stream.read(stop - start, dtype="float32", always_2d=True)
        except (soundfile.SoundFileError, RuntimeError) as error:
            raise InputError(
                f"{self._name}: damaged or cut short ({_reason(error)}): {self._readable(start)}; export it again"
            ) from None
        channels = np.empty(block.shape[::-1], np.float32)
        for first in range(0, len(block), TURNED_FRAMES):
            channels[:, first : first + TURNED_FRAMES] = block[first : first + TURNED_FRAMES].T
        return channels
