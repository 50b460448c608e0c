"""A progress line for the terminal; library code only sees a callback ``progress(done, total)``."""

from __future__ import annotations

import shutil
import sys
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import TextIO

REDRAW_S = 0.1
"""Shortest time between two drawings in seconds; the last count is always drawn."""
RECENT_S = 60.0
"""Seconds that the rate is taken over: what an earlier run had done is counted at once and soon forgotten."""


class Progress:
    """A line with count, rate and time left, drawn over itself; silent unless the stream is a terminal.

    Use it as a context manager, so that the line is ended before anything else is printed::

        with Progress("scenes") as progress:
            write_scenes(..., progress=progress)

    Args:
        label: What is counted, in the plural ("scenes").
        stream: Where to draw; standard error if not given, which leaves standard output to results.
        clock: Seconds from any origin that never run backwards.
        seconds: Whether seconds of sound are counted, which are shown as a clock and beside real time.
    """

    def __init__(
        self,
        label: str,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
        seconds: bool = False,
    ) -> None:
        self._label = label
        self._count: Callable[[float], str] = clock_text if seconds else str
        self._rate = real_time_text if seconds else rate_text
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._draws = self._stream.isatty()
        self._started: float | None = None
        self._recent: deque[tuple[float, float]] = deque()
        self._drawn_at = float("-inf")
        self._open_line = False

    def __call__(self, done: float, total: float) -> None:
        """Tell that ``done`` of ``total`` are finished; the first call sets the start of the rate."""
        if not self._draws:
            return
        now = self._clock()
        if self._started is None:
            self._started = now
        if now - self._drawn_at >= REDRAW_S or done >= total:
            self._drawn_at = now
            self._recent.append((now, done))
            while len(self._recent) > 2 and now - self._recent[1][0] >= RECENT_S:
                self._recent.popleft()
            self._draw(self._line(done, total, now))

    def close(self) -> None:
        """End the line, if one is open; later calls begin a new one."""
        if self._open_line:
            self._stream.write("\n")
            self._stream.flush()
            self._open_line = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _line(self, done: float, total: float, now: float) -> str:
        assert self._started is not None
        since, before = self._recent[0]
        text = f"{self._label}: {self._count(done)}/{self._count(total)}"
        if done <= before or now <= since:
            return text
        rate = (done - before) / (now - since)
        rest = f"in {clock_text(now - self._started)}" if done >= total else f"{clock_text((total - done) / rate)} left"
        return f"{text}, {self._rate(rate)}, {rest}"

    def _draw(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        self._stream.write(f"\r{text[:width]}\x1b[K")
        self._stream.flush()
        self._open_line = True


def rate_text(rate: float) -> str:
    """Return ``rate`` in items per second as text; per minute where that is easier to read."""
    return f"{rate:.1f}/s" if rate >= 1 else f"{60 * rate:.1f}/min"


def real_time_text(rate: float) -> str:
    """Return seconds of sound per second as text."""
    return f"{rate:.3g} times real time"


def clock_text(seconds: float) -> str:
    """Return a time span in seconds as ``m:ss`` or ``h:mm:ss``."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
