"""Sound events in time: event-based and segment-based F1, each over all events (micro) and over classes (macro).

Definitions of Mesaros, Heittola & Virtanen, "Metrics for polyphonic sound event detection", Applied Sciences 6(6),
2016. Events are matched so that as many as possible are, not greedily in the order of the file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.files import FileProblem, number, read_rows, refuse_duplicates
from spatial_lalm.evaluate.matching import match

ROUNDING_S = 1e-9
"""Times are sums of decimals: what differs less is equal."""


@dataclass(frozen=True)
class Event:
    """A sound of class ``label`` from ``start_s`` to ``end_s`` seconds."""

    label: str
    start_s: float
    end_s: float


Pairs = Sequence[tuple[Sequence[Event], Sequence[Event]]]
"""Reference and predicted events of every recording."""


@dataclass(frozen=True)
class Tally:
    """Right, predicted and reference events (or segments)."""

    hits: int
    predicted: int
    reference: int

    @property
    def precision(self) -> float:
        """Share of the predictions that are right, NaN without any."""
        return self.hits / self.predicted if self.predicted else math.nan

    @property
    def recall(self) -> float:
        """Share of the references that are found, NaN without any."""
        return self.hits / self.reference if self.reference else math.nan

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, NaN where there is nothing on either side."""
        both = self.predicted + self.reference
        return 2 * self.hits / both if both else math.nan

    def __add__(self, other: Tally) -> Tally:
        """Counts of both."""
        return Tally(self.hits + other.hits, self.predicted + other.predicted, self.reference + other.reference)


@dataclass(frozen=True)
class EventScores:
    """Counts over all (``micro``) and by class."""

    micro: Tally
    by_class: dict[str, Tally]

    @property
    def macro_f1(self) -> float:
        """Mean F1 over the classes that occur in references or predictions, NaN where none does."""
        return float(np.mean([tally.f1 for tally in self.by_class.values()])) if self.by_class else math.nan


def event_scores(pairs: Pairs, collar_s: float = 0.2, offset_share: float | None = 0.2) -> EventScores:
    """Event-based scores: an event is right if its class is, and its onset within ``collar_s`` seconds.

    Its offset must lie within the collar, or ``offset_share`` of the reference's length where that is more; None leaves
    offsets alone. ``InputError``: a negative tolerance, an event that ends before it starts.
    """
    if collar_s < 0 or (offset_share or 0.0) < 0:
        raise InputError(f"collar {collar_s} s, offset share {offset_share}: neither may be negative")

    def hits(reference: Sequence[Event], predicted: Sequence[Event]) -> Tally:
        costs = [[float(not _agree(a, b, collar_s, offset_share)) for b in predicted] for a in reference]
        found = match(np.array(costs).reshape(len(reference), len(predicted)), 0.5)
        return Tally(len(found.costs), len(predicted), len(reference))

    return _by_class(pairs, hits)


def _agree(reference: Event, predicted: Event, collar_s: float, offset_share: float | None) -> bool:
    onset = abs(reference.start_s - predicted.start_s) <= collar_s + ROUNDING_S
    if offset_share is None:
        return onset
    tolerance = max(collar_s, offset_share * (reference.end_s - reference.start_s))
    return onset and abs(reference.end_s - predicted.end_s) <= tolerance + ROUNDING_S


def segment_scores(pairs: Pairs, segment_s: float = 1.0) -> EventScores:
    """Segment-based scores: a class counts in every segment of ``segment_s`` seconds that one of its events touches.

    ``InputError``: a segment that is not above zero, an event that ends before it starts.
    """
    if segment_s <= 0:
        raise InputError(f"segments of {segment_s} s: they must last longer than 0")

    def overlap(reference: Sequence[Event], predicted: Sequence[Event]) -> Tally:
        ours, theirs = _segments(reference, segment_s), _segments(predicted, segment_s)
        return Tally(len(ours & theirs), len(theirs), len(ours))

    return _by_class(pairs, overlap)


def _segments(events: Iterable[Event], segment_s: float) -> set[int]:
    touched: set[int] = set()
    for event in events:
        first = math.floor((event.start_s + ROUNDING_S) / segment_s)
        touched.update(range(first, max(first + 1, math.ceil((event.end_s - ROUNDING_S) / segment_s))))
    return touched


def _by_class(pairs: Pairs, score: Callable[[Sequence[Event], Sequence[Event]], Tally]) -> EventScores:
    tallies: dict[str, Tally] = {}
    for reference, predicted in pairs:
        check_events([*reference, *predicted])
        for label in sorted({event.label for event in (*reference, *predicted)}):
            ours, theirs = ([event for event in side if event.label == label] for side in (reference, predicted))
            tallies[label] = tallies.get(label, Tally(0, 0, 0)) + score(ours, theirs)
    return EventScores(sum(tallies.values(), Tally(0, 0, 0)), dict(sorted(tallies.items())))


def check_events(events: Iterable[Event]) -> None:
    """``InputError`` for an event that ends before it starts, or starts before the recording does."""
    for event in events:
        if not 0 <= event.start_s <= event.end_s < math.inf:
            raise InputError(f"event {event.label} from {event.start_s} to {event.end_s} s: give 0 <= start <= end")


def read_events(path: Path) -> tuple[Event, ...]:
    """Events of a text file with rows ``onset<TAB>offset<TAB>label``, seconds, no header.

    ``FileProblem``: another number of columns, what is no number, an event that ends before it starts, a row twice.
    """
    events = []
    for row, cells in enumerate(read_rows(path, "\t"), 1):
        if len(cells) != 3 or not cells[2].strip():
            raise FileProblem(path, f"{len(cells)} columns where onset, offset and label are due, by tabs", row)
        event = Event(cells[2].strip(), number(path, row, "onset", cells[0]), number(path, row, "offset", cells[1]))
        if not 0 <= event.start_s <= event.end_s:
            raise FileProblem(path, f"from {event.start_s:g} to {event.end_s:g} s: give 0 <= onset <= offset", row)
        events.append(event)
    refuse_duplicates(path, "event", ((event.label, event.start_s, event.end_s) for event in events))
    return tuple(events)
