"""What every benchmark comes down to: items, each with its recordings, its question and its truth.

Readers turn official files into ``Loaded``; the runner asks and scores; neither knows the other's files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spatial_lalm.evaluate.files import FileProblem


@dataclass(frozen=True)
class Choice:
    """One of several options is right."""

    options: tuple[str, ...]
    right: int


@dataclass(frozen=True)
class YesNo:
    """Whether a statement holds."""

    yes: bool


@dataclass(frozen=True)
class Direction:
    """Where from, in degrees; ``elevation_deg`` is None where the benchmark does not say."""

    azimuth_deg: float
    elevation_deg: float | None = None


@dataclass(frozen=True)
class Number:
    """A number in the unit of its quantity.

    ``distance`` and ``dimension`` in m, ``time`` and ``t60`` in s, ``drr`` and ``c50`` in dB, ``volume`` in m³,
    ``count``.
    """

    quantity: str
    value: float


@dataclass(frozen=True)
class Span:
    """When, in seconds from the start of the recording; several parts where it comes again."""

    parts_s: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Words:
    """Free words: ``accepted`` ones for an exact match after normalisation, or a transcript for the word error rate."""

    accepted: tuple[str, ...]
    transcript: bool = False


@dataclass(frozen=True)
class Decline:
    """The audio cannot tell; declining is right."""


@dataclass(frozen=True)
class Tracks:
    """A table of sources over time, scored over all recordings by ``evaluate.folders`` as ``protocol`` has it."""

    table: Path
    protocol: str


Truth = Choice | YesNo | Direction | Number | Span | Words | Decline | Tracks


@dataclass(frozen=True)
class Item:
    """One thing to be answered.

    ``audio``: the recordings, one as a rule; ``recording``: what items of one recording share, for intervals by
    clusters; ``category`` and ``facts`` (numbers such as ``t60_s``, ``snr_db``, ``distance_m``, ``azimuth_deg``) for
    the breakdown of the report; ``start_s`` and ``end_s``: the part that the question is about.
    """

    name: str
    audio: tuple[Path, ...]
    question: str
    truth: Truth
    recording: str
    category: str = ""
    format: str | None = None  # as of ``Recording.open``
    array: str | None = None
    start_s: float = 0.0
    end_s: float | None = None
    facts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Loaded:
    """A split as read: its items, and one problem for every row or file that could not be read or is absent."""

    items: tuple[Item, ...]
    problems: tuple[FileProblem, ...] = ()


@dataclass(frozen=True)
class Reader:
    """How a benchmark lies on disk: ``read(folder, split)``, its ``splits``, and the ``layout`` in words for the help.

    ``read`` raises ``InputError`` for a folder or a split that is not there at all; all else is a problem of the
    ``Loaded``, kind ``missing`` where a file is absent.
    """

    name: str
    splits: tuple[str, ...]
    layout: str
    read: Callable[[Path, str], Loaded]
    subfolders: bool = False  # whether any folder of it is a split, too
