"""Where an analysis spends its CPU time: a thread looks every few milliseconds what the other threads are doing.

A look weighs as much as the CPU time that the process has taken since the one before, so that a busy machine changes no
share. It counts for the innermost function of ours that a running thread is in, shared among several. A profiler of
calls would see one thread only and slow small functions down.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import defaultdict
from pathlib import Path
from types import FrameType, TracebackType

STEP_S = 0.005
STAGES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("encoder network", ("model/encoder.py", "model/views.py", "kernels/")),
    ("listening again (distance, volume)", ("model/ranging.py", "audio/early.py")),
    ("features", ("audio/features.py",)),
    ("array to ambisonics", ("audio/encoding", "audio/radial.py", "audio/isotropic.py", "audio/arrays.py")),
    ("resampling", ("audio/resampling.py",)),
    ("looking for doubtful channels", ("audio/plausibility.py", "audio/channel_health.py", "audio/quiet.py")),
    ("reading the file", ("audio/soundfiles.py", "audio/containers.py", "audio/recording.py")),
    ("memory tokens", ("memory/segments.py", "memory/hierarchy.py", "memory/levels.py", "model/remembering.py")),
    ("events of windows", ("model/hearing.py", "model/streaming.py")),
    ("timeline, rooms", ("model/timeline.py", "model/rooms.py", "model/memory_tables.py", "model/voices.py")),
    ("writing files", ("memory/store.py", "sealing.py")),
    ("hashes of sound and model", ("model/analysis.py",)),
)
"""Stages by the files that their functions are in."""
OTHER = "other"
_WAITING = ("threading.py", "concurrent/futures", "queue.py", "selectors.py")


class CpuShares:
    """In a ``with`` statement: CPU seconds of this process by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> CpuShares:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self._over.set()
        self._thread.join()

    def shares(self) -> dict[str, float]:
        """Shares of the CPU time by stage, the largest first."""
        total = sum(self.seconds.values())
        ranked = sorted(self.seconds.items(), key=lambda item: -item[1])
        return {stage: seconds / total for stage, seconds in ranked}

    def _watch(self) -> None:
        before = time.process_time()
        while not self._over.wait(STEP_S):
            frames = [frame for thread, frame in sys._current_frames().items() if thread != threading.get_ident()]
            running = [frame for frame in frames if not _waits(frame)]
            now = time.process_time()
            for frame in running:
                self.seconds[stage_of(frame)] += (now - before) / len(running)
            before = now


def stage_of(frame: FrameType | None) -> str:
    """The stage of the innermost function that belongs to one."""
    while frame is not None:
        name = Path(frame.f_code.co_filename).as_posix()
        for stage, files in STAGES:
            if any(f"spatial_lalm/{file}" in name for file in files):
                return stage
        frame = frame.f_back
    return OTHER


def _waits(frame: FrameType) -> bool:
    """Whether a thread waits for others."""
    return any(name in Path(frame.f_code.co_filename).as_posix() for name in _WAITING)
