"""What a system gives back for an item, and what was read of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from spatial_lalm.audio.recording import Recording
from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.benchmark import Item


class Unusable(InputError):
    """The system cannot answer anything, so no single item is to blame, and to go on without it makes no sense."""


@dataclass(frozen=True)
class Reading:
    """What an answer says, in the form of its item's truth; ``value`` None: nothing could be read.

    ``value`` by the kind of truth: ``Choice`` the index of an option, ``YesNo`` a bool, ``Direction`` azimuth and
    elevation (or None) in degrees, ``Number`` a float in the truth's unit, ``Span`` pairs of seconds, ``Words`` a text,
    ``Tracks`` the rows of the protocol's file as one text. ``declined``: the answer says that it cannot tell.
    """

    value: Any = None
    declined: bool = False


@dataclass(frozen=True)
class Response:
    """An answer: its ``text`` and the ``prompt`` that it answers.

    ``reading`` is there where the system knows better than its words what it says; otherwise the text is parsed.
    ``confidence`` in [0, 1] where the system tells one; ``evidence`` are plain values for the record.
    """

    text: str
    prompt: str = ""
    reading: Reading | None = None
    confidence: float | None = None
    evidence: Any = None


class System(Protocol):
    """Something that answers items; picklable, and what is heavy is loaded at the first answer in each process."""

    @property
    def name(self) -> str:
        """What reports call it."""

    @property
    def hears(self) -> bool:
        """Whether its answers depend on the sound that it is given: only then do controls of the sound say anything."""

    def answer(self, item: Item, recordings: Sequence[Recording]) -> Response:
        """Answer an item about the recordings, which may have been altered by a control.

        ``InputError``: it cannot; ``Unusable``: it can answer none.
        """

    def describe(self) -> dict[str, Any]:
        """All that its answers depend on, as plain values: names, hashes, prompts, settings."""


def part_of(item: Item, recording: Recording) -> tuple[float, float]:
    """Start and end in seconds of what the item is about."""
    return item.start_s, recording.duration_s if item.end_s is None else min(item.end_s, recording.duration_s)


def plain(value: Any) -> Any:
    """JSON values: dataclasses as objects, NaN and infinity as None, paths as texts, numpy's numbers as Python's."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(one) for one in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value) if isinstance(value, Path) else value
