"""Hearing a stream: blocks of any size go in, windows of four seconds come out, the same as of the whole at once.

Windows begin at every fourth second; the last one ends with the recording and overlaps the one before it, as offline.
A window is done once ``TAIL_S`` after it has arrived, so the delay is one window and that tail. Each is cut with the
samples around it that its features need, so what is heard of it does not depend on how it came.

Legend: C = 4 or 9 ambisonic channels, W windows, T samples at 16 kHz or frames, F mel bands, Q tokens, H hidden size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spatial_lalm.audio.features import HOP, RATE, spatial_features
from spatial_lalm.model.hearing import Heard, Stretch, as_arrays, evidence_of, room_of, spatial_kind, window_stretches
from spatial_lalm.model.processing import FRAME, SHORTEST_S
from spatial_lalm.model.ranging import TAIL_S, listen_again
from spatial_lalm.model.views import axis_views, hear_from_all_sides
from spatial_lalm.model.voices import voice_sums

if TYPE_CHECKING:
    from spatial_lalm.model.loading import SpatialLalm

Samples = NDArray[np.float32]
Floats = NDArray[np.floating[Any]]

CONTEXT = HOP
"""Samples before and after a window that its features see; zeros stand for those beyond the ends of a recording."""
TAIL = round(TAIL_S * RATE)
_STEP = FRAME // HOP
_VOLUME = 9
"""Place of ln volume among the room's numbers."""


@dataclass(frozen=True)
class Window:
    """One window before it is heard: its number, its first frame (100 ms), how many of its frames are known already.

    ``signals (C, CONTEXT + T + TAIL)`` are those of its T samples and the samples around them.
    """

    number: int
    first: int
    skipped: int
    signals: Samples

    @property
    def frames(self) -> int:
        """Frames of 100 ms."""
        return int((self.signals.shape[1] - CONTEXT - TAIL) // FRAME)

    def features(self, order: int) -> Tensor:
        """``(1 + S, T, F)``, the same as in the features of the whole recording."""
        around = self.signals[:, : CONTEXT + self.frames * FRAME + CONTEXT]
        maps: Tensor = spatial_features(torch.from_numpy(np.ascontiguousarray(around))[None], order)[0]
        return maps[:, 1:-1]


class WindowStream:
    """Cuts a stream into windows: ``push`` blocks ``(C, T)`` of any size, then ``flush``.

    Args:
        window_frames: frames of 100 ms in a window.
        origin: the sample that the stream begins with, where it is the later part of a recording; the window before
            the first one wanted must be in it, for the last window reaches back.
        number: the first window that is wanted.
    """

    def __init__(self, window_frames: int = 40, origin: int = 0, number: int = 0) -> None:
        self._window, self._number = window_frames, number
        self._origin = self._received = origin
        self._buffer: Samples | None = None

    def push(self, block: Samples) -> list[Window]:
        """Take samples and give the windows that are done."""
        whole = block if self._buffer is None else np.concatenate([self._buffer, block], axis=1)
        self._buffer, self._received = whole, self._received + block.shape[1]
        done = []
        while (self._number + 1) * self._window * FRAME + TAIL <= self._received:
            done.append(self._cut(self._number * self._window, self._window, 0))
        self._forget()
        return done

    def flush(self) -> list[Window]:
        """The windows that are left at the end of the recording, as if silence followed."""
        done = []
        frames = max(-(-self._received // FRAME), round(SHORTEST_S * RATE) // FRAME)
        while (self._number + 1) * self._window <= frames:
            done.append(self._cut(self._number * self._window, self._window, 0))
        if self._number * self._window < frames and self._received:
            length = min(frames, self._window)
            first = frames - length
            done.append(self._cut(first, length, self._number * self._window - first))
        return done

    def _cut(self, first: int, frames: int, skipped: int) -> Window:
        assert self._buffer is not None
        low, high = first * FRAME - CONTEXT, (first + frames) * FRAME + TAIL
        held = self._buffer[:, max(low - self._origin, 0) : max(high - self._origin, 0)]
        before = max(self._origin - low, 0)
        signals = np.pad(held, ((0, 0), (before, high - low - before - held.shape[1])))
        self._number += 1
        return Window(self._number - 1, first, skipped, signals)

    def _forget(self) -> None:
        """Keep the last whole window, which the very last one may overlap, and what came after it."""
        assert self._buffer is not None
        kept_from = max(self._origin, (self._number - 1) * self._window * FRAME - CONTEXT)
        self._buffer = self._buffer[:, kept_from - self._origin :].copy()
        self._origin = kept_from


def windows_in(samples: int, window_frames: int = 40) -> int:
    """How many windows a stream of so many samples at 16 kHz has."""
    return max(1, -(-max(-(-samples // FRAME), 1) // window_frames))


@dataclass(frozen=True)
class HeardWindow:
    """What was heard of one window.

    ``room`` and ``room_scale (10,)`` are as in ``EncoderOutput``, the volume that of listening again; ``level_db`` is
    the mean-square level of W for every 100 ms, in dB of full scale; ``hidden (Q, H)`` and ``numbers (Q, N)`` are its
    memory tokens (``memory.segments``). The distances of the stretches are those of listening again.
    """

    number: int
    start_s: float
    skipped: int
    stretches: tuple[Stretch, ...]
    room: Floats
    room_scale: Floats
    level_db: Floats
    hidden: Floats
    numbers: Floats


def hear_windows(
    heard_by: SpatialLalm, windows: Sequence[Window], quality: Samples, views: int, offset_s: float = 0.0
) -> list[HeardWindow]:
    """Hear windows of one length ``(C, ...)`` with quality ``(C, F)``, over so many views, at once.

    Distance and volume come from listening again to each stretch within its window, by the room of that window.
    ``offset_s`` is added to all times.
    """
    model = heard_by.model
    with torch.inference_mode():
        features = torch.stack([window.features(heard_by.processor.order) for window in windows])
        trust = torch.from_numpy(quality).expand(len(windows), -1, -1)
        output = hear_from_all_sides(model.audio_tower, features, trust, axis_views(views))
        starts = [offset_s + window.first * FRAME / RATE for window in windows]
        summary = model.remember(output, trust, torch.tensor(starts, dtype=torch.float32))
    arrays = as_arrays(output)
    heard = [
        _heard_window(
            heard_by, window, start_s, {name: values[row] for name, values in arrays.items()}, quality,
            summary.hidden[row].numpy(), summary.numbers[row].numpy(),
        )
        for row, (window, start_s) in enumerate(zip(windows, starts, strict=True))
    ]  # fmt: skip
    return heard if heard_by.voices is None else _with_voices(heard_by, heard, features, quality)


def _with_voices(
    heard_by: SpatialLalm, heard: Sequence[HeardWindow], features: Tensor, quality: Samples
) -> list[HeardWindow]:
    """The windows, whose stretches of speech know what was heard of the voice."""
    assert heard_by.voices is not None
    speech = tuple(heard_by.model.config.audio_config.classes).index("speech")
    spoken = [(row, s) for row, window in enumerate(heard) for s in window.stretches if s.classes.argmax() == speech]
    sums = voice_sums(heard_by.voices, features, quality, [(row, heard[row].start_s, s) for row, s in spoken])
    voiced = {id(stretch): replace(stretch, voice=voice) for (_, stretch), voice in zip(spoken, sums, strict=True)}
    silent = np.zeros(heard_by.voices.sums_width)
    return [
        replace(window, stretches=tuple(voiced.get(id(s), replace(s, voice=silent)) for s in window.stretches))
        for window in heard
    ]


def _heard_window(
    heard_by: SpatialLalm,
    window: Window,
    start_s: float,
    frames: dict[str, Floats],
    quality: Samples,
    hidden: Floats,
    numbers: Floats,
) -> HeardWindow:
    stretches = window_stretches(frames, start_s, window.skipped)
    room, scale = frames["room"].copy(), frames["room_scale"].copy()
    if stretches:
        classes = tuple(heard_by.model.config.audio_config.classes)
        spatial = spatial_kind(quality[:4])
        events = tuple(evidence_of(stretch, spatial, classes) for stretch in stretches)
        first = Heard(events, room_of(room[None], scale[None]), spatial)
        again = listen_again(
            heard_by.model.audio_tower.range_head, first, window.signals[:4, CONTEXT:], quality[:4], start_s
        )
        stretches = [_at(s, event.distance_m) for s, event in zip(stretches, again.events, strict=True)]
        volume = again.room.volume_m3
        room[_VOLUME], scale[_VOLUME] = np.log(volume.value), np.log1p(volume.uncertainty / volume.value)
    return HeardWindow(
        window.number, start_s, window.skipped, tuple(stretches), room, scale, _levels(window), hidden, numbers
    )


def _at(stretch: Stretch, distance_m: float) -> Stretch:
    """The stretch, all of it moved so that its mean ln distance is that of ``distance_m``."""
    path = stretch.path.copy()
    path[:, 4] += np.log(distance_m) - stretch.log_distance
    return replace(stretch, log_distance=float(np.log(distance_m)), path=path)


def _levels(window: Window) -> Floats:
    omni = window.signals[0, CONTEXT : CONTEXT + window.frames * FRAME].astype(np.float64)
    power: Floats = np.square(omni).reshape(window.frames, FRAME).mean(1)
    level: Floats = 10 * np.log10(power + 1e-12)
    return level
