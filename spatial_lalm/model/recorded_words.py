"""Times of hours in words: ``hh:mm:ss``, passages of events, lengths.

What sounds again within ``PAUSE_S`` goes on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from spatial_lalm.audio.wording import list_text
from spatial_lalm.model.recorded import RecordedEvent

Spans = list[tuple[float, float]]

PAUSE_S = 3.0
MOST_TIMES = 4
"""Passages told one by one; of more the first three and the last."""


def clock(seconds: float) -> str:
    """``hh:mm:ss`` of a moment, rounded down."""
    whole = int(seconds + 1e-6)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def span_text(start_s: float, end_s: float) -> str:
    """``from 00:01:02 to 00:01:05``, or ``at 00:01:02`` within one second."""
    first, last = clock(start_s), clock(end_s)
    return f"at {first}" if first == last else f"from {first} to {last}"


def clocked(text: str) -> str:
    """A sentence with its times in seconds as ``hh:mm:ss``."""
    number = r"(\d+\.\d) s\b"
    text = re.sub(rf"\bfrom {number} to {number}", lambda found: span_text(float(found[1]), float(found[2])), text)
    return re.sub(rf"\b(at|between|and|to|from) {number}", lambda found: f"{found[1]} {clock(float(found[2]))}", text)


def length_text(seconds: float) -> str:
    """``42 s``, ``3 min 5 s`` or ``1 h 2 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s" if whole >= 10 else f"{seconds:.1f} s"
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole // 60 % 60} min"


def passages(events: Sequence[RecordedEvent], pause_s: float = PAUSE_S) -> Spans:
    """When any of the events sound, in order, pauses of up to ``pause_s`` closed."""
    found: Spans = []
    for start, end in sorted((e.evidence.start_s, e.evidence.end_s) for e in events):
        if found and start <= found[-1][1] + pause_s:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def spans_text(spans: Spans) -> str:
    """Passages in words; of more than four the first three, the last, and how many."""
    if len(spans) <= MOST_TIMES:
        return list_text([span_text(*span) for span in spans])
    first = ", ".join(span_text(*span) for span in spans[:3])
    return f"{len(spans)} times: {first}, and last {span_text(*spans[-1])}"
