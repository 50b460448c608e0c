"""Who spoke when: diarisation error rate, and RTTM files."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.files import FileProblem, number, read_text, refuse_duplicates
from spatial_lalm.evaluate.matching import match

RTTM_FIELDS = 9
"""Least number of fields of a SPEAKER row; the tenth, the lookahead time, is often left out."""
OTHER_ROWS = frozenset(
    {*("SEGMENT", "NOSCORE", "NO_RT_METADATA", "LEXEME", "NON-LEX", "NON-SPEECH", "FILLER")}
    | {*("EDIT", "SU", "IP", "CB", "A/P", "SPKR-INFO")}
)
"""Types of rows that say nothing about turns."""


@dataclass(frozen=True)
class Turn:
    """``speaker`` talks from ``start_s`` to ``end_s`` seconds."""

    speaker: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class DiarisationError:
    """Seconds of speech missed, invented, and given to the wrong speaker, out of ``speech_s`` of all speakers."""

    missed_s: float
    false_alarm_s: float
    confusion_s: float
    speech_s: float

    @property
    def rate(self) -> float:
        """Diarisation error rate, 0 for perfect and above 1 where much is invented; NaN without any speech."""
        wrong = self.missed_s + self.false_alarm_s + self.confusion_s
        return wrong / self.speech_s if self.speech_s else math.nan

    def __add__(self, other: DiarisationError) -> DiarisationError:
        """Seconds of both."""
        return DiarisationError(
            self.missed_s + other.missed_s,
            self.false_alarm_s + other.false_alarm_s,
            self.confusion_s + other.confusion_s,
            self.speech_s + other.speech_s,
        )


def diarisation_error(
    reference: Sequence[Turn], predicted: Sequence[Turn], collar_s: float = 0.0, skip_overlap: bool = False
) -> DiarisationError:
    """Diarisation error of a recording (NIST, "The 2009 (RT-09) rich transcription evaluation plan").

    Speakers are mapped one to one so that they share the most time. ``collar_s`` seconds on either side of every
    reference boundary, and with ``skip_overlap`` whatever more than one reference speaker says, are not scored; the
    defaults score everything. ``InputError``: a negative collar, a turn that ends before it starts.
    """
    if collar_s < 0:
        raise InputError(f"collar {collar_s} s: must not be negative")
    sides = [_merged(turns) for turns in (reference, predicted)]
    slices = [
        (end - start, ours, theirs)
        for start, end, ours, theirs in _slices(sides[0], sides[1], collar_s)
        if not (skip_overlap and len(ours) > 1)
    ]
    names = [sorted({turn.speaker for turn in side}) for side in sides]
    shared = np.zeros((len(names[0]), len(names[1])))
    for length, ours, theirs in slices:
        rows, columns = (
            [side.index(name) for name in found] for side, found in zip(names, (ours, theirs), strict=True)
        )
        shared[np.ix_(rows, columns)] += length
    # Speakers that never talk at once may be mapped to each other, which costs and gains nothing.
    right = float(-match(-shared).costs.sum())
    speech = sum(length * len(ours) for length, ours, _ in slices)
    missed = sum(length * max(0, len(ours) - len(theirs)) for length, ours, theirs in slices)
    invented = sum(length * max(0, len(theirs) - len(ours)) for length, ours, theirs in slices)
    both = sum(length * min(len(ours), len(theirs)) for length, ours, theirs in slices)
    return DiarisationError(missed, invented, max(0.0, both - right), speech)


def _merged(turns: Iterable[Turn]) -> list[Turn]:
    """Turns without those of no length, those of one speaker that touch or overlap made one."""
    merged: list[Turn] = []
    for turn in sorted(turns, key=lambda turn: (turn.speaker, turn.start_s)):
        if not 0 <= turn.start_s <= turn.end_s < math.inf:
            raise InputError(f"turn of {turn.speaker} from {turn.start_s} to {turn.end_s} s: give 0 <= start <= end")
        last = merged[-1] if merged else None
        if last and last.speaker == turn.speaker and turn.start_s <= last.end_s:
            merged[-1] = Turn(last.speaker, last.start_s, max(last.end_s, turn.end_s))
        elif turn.end_s > turn.start_s:
            merged.append(turn)
    return merged


def _slices(
    reference: Sequence[Turn], predicted: Sequence[Turn], collar_s: float
) -> Iterable[tuple[float, float, list[str], list[str]]]:
    """Stretches outside the collars within which nobody starts or stops, and who speaks in them."""
    edges = {edge for turn in reference for edge in (turn.start_s, turn.end_s)}
    cuts = edges | {edge for turn in predicted for edge in (turn.start_s, turn.end_s)}
    cuts |= {edge + side for edge in edges for side in (-collar_s, collar_s)}
    for start, end in pairwise(sorted(cuts)):
        middle = (start + end) / 2
        if collar_s and min(abs(edge - middle) for edge in edges) < collar_s:
            continue
        ours, theirs = ([t.speaker for t in side if t.start_s <= middle < t.end_s] for side in (reference, predicted))
        if ours or theirs:
            yield start, end, ours, theirs


def read_rttm(path: Path) -> dict[str, tuple[Turn, ...]]:
    """Turns of an RTTM file by recording.

    Rows other than SPEAKER are those of speaker information (SPKR-INFO), lexemes and the like, which say nothing about
    turns. ``FileProblem``: a row with too few fields, times that are no numbers, negative, a
    turn twice, an unknown type of row.
    """
    turns: dict[str, list[Turn]] = {}
    keys: list[tuple[str, ...]] = []
    for row, line in enumerate(read_text(path).splitlines(), 1):
        fields = line.split()
        if fields and fields[0] in OTHER_ROWS:
            keys.append(("row", str(row)))
            continue
        if len(fields) < RTTM_FIELDS or fields[0] != "SPEAKER":
            rule = f"give SPEAKER, recording, channel, onset, duration, two <NA>, speaker: found {line.strip()[:40]!r}"
            raise FileProblem(path, rule, row)
        start, length = number(path, row, "onset", fields[3]), number(path, row, "duration", fields[4])
        if start < 0 or length < 0:
            raise FileProblem(path, f"onset {start:g}, duration {length:g}: neither may be negative", row)
        turns.setdefault(fields[1], []).append(Turn(fields[7], start, start + length))
        keys.append((*fields[1:5], fields[7]))
    refuse_duplicates(path, "turn", keys)
    return {recording: tuple(found) for recording, found in turns.items()}
