"""What is read of a long recording for a question: its summary, those of its best chapters, its best segments whole.

One rule ranks chapters and segments alike: **the cosine between the question and the key, plus the confidence of the
surest detection that the question asks for** (of its class, direction, talker, time, room) and that sounds there. The
keys of a memory without training are absent and their cosine is 0, so the detections alone decide.

An eighth of the budget goes to the recording and the best chapters, the rest to the windows of the best segments; the
time before each chapter and segment counts as tokens too. Segments are sought in the whole recording: to look into the
best chapters only lost twenty points of evidence, and the keys of an hour are 300 kB. No torch is needed.

Legend: S segments, C chapters, T key vectors of each, K their width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Rows = NDArray[np.intp]
BUDGET = 600
"""Tokens read at most."""
SUMMARIES = 8
"""Share of the budget, as its divisor, that the recording and chapters get."""


@dataclass(frozen=True)
class Groups:
    """Segments or chapters: when they begin and end ``(R,)`` in s, and their keys ``(R, T, K)`` where there are any."""

    start_s: Floats
    end_s: Floats
    keys: Floats | None = None

    def __len__(self) -> int:
        return len(self.start_s)


@dataclass(frozen=True)
class Detection:
    """An event that a question asks for: when it sounds, and how sure it is (0 to 1)."""

    start_s: float
    end_s: float
    confidence: float


@dataclass(frozen=True)
class Sizes:
    """Tokens of the recording, of a chapter, of a window and of a time; windows of a segment."""

    recording: int = 16
    chapter: int = 8
    window: int = 10
    marker: int = 8
    segment_windows: int = 3

    @property
    def timed_chapter(self) -> int:
        """Tokens of a chapter and its time."""
        return self.marker + self.chapter

    @property
    def segment(self) -> int:
        """Tokens of a segment that is expanded to its windows, and its time."""
        return self.marker + self.window * self.segment_windows


@dataclass(frozen=True)
class Reading:
    """Rows of chapters and segments to read, in the order of time, the segments by rank too, and the tokens of all."""

    chapters: tuple[int, ...]
    segments: tuple[int, ...]
    ranked: tuple[int, ...]
    tokens: int


def cosines(question_K: Floats | None, keys_RTK: Floats | None, rows: int) -> Floats:
    """Best cosine of every group's keys with the question ``(R,)``; zeros without keys or a question."""
    if question_K is None or keys_RTK is None or not rows:
        return np.zeros(rows)
    best: Floats = (keys_RTK.astype(np.float64) @ question_K).max(1)
    return best


def detected(groups: Groups, detections: Sequence[Detection]) -> Floats:
    """Confidence of the surest detection that sounds in every group ``(R,)``; 0 where there is none."""
    surest = np.zeros(len(groups))
    for one in detections:
        there = (groups.start_s < one.end_s) & (groups.end_s > one.start_s)
        surest[there] = np.maximum(surest[there], one.confidence)
    return surest


def scores(groups: Groups, question_K: Floats | None, detections: Sequence[Detection]) -> Floats:
    """The one rule: cosine plus confidence, ``(R,)``."""
    return cosines(question_K, groups.keys, len(groups)) + detected(groups, detections)


def read(
    segments: Groups,
    chapters: Groups,
    question_K: Floats | None,
    detections: Sequence[Detection],
    budget: int = BUDGET,
    sizes: Sizes = Sizes(),
    span_s: tuple[float, float] = (-np.inf, np.inf),
) -> Reading:
    """What is read for a question, ranked by ``scores``; see ``choose``."""
    ranks = scores(segments, question_K, detections), scores(chapters, question_K, detections)
    return choose(segments, chapters, *ranks, budget, sizes, span_s)


def choose(
    segments: Groups,
    chapters: Groups,
    segment_score_S: Floats,
    chapter_score_C: Floats,
    budget: int = BUDGET,
    sizes: Sizes = Sizes(),
    span_s: tuple[float, float] = (-np.inf, np.inf),
) -> Reading:
    """The best chapters' summaries and the best segments' windows, within a budget of tokens.

    ``span_s`` are the seconds that the question limits itself to. Ties go to what is earlier.
    """
    room = (budget // SUMMARIES - sizes.recording) // sizes.timed_chapter
    chosen = _best(chapter_score_C, _within(chapters, span_s), room)
    spent = (sizes.recording + sizes.timed_chapter * len(chosen)) if len(chapters) else 0
    ranked = _best(segment_score_S, _within(segments, span_s), (budget - spent) // sizes.segment)
    tokens = spent + sizes.segment * len(ranked)
    return Reading(tuple(sorted(chosen)), tuple(sorted(ranked)), tuple(ranked), tokens)


def _within(groups: Groups, span_s: tuple[float, float]) -> NDArray[np.bool_]:
    there: NDArray[np.bool_] = (groups.start_s <= span_s[1]) & (groups.end_s >= span_s[0])
    return there


def _best(score_R: Floats, open_to_R: NDArray[np.bool_], most: int) -> list[int]:
    """The best rows among the open ones, best first."""
    order = np.argsort(-score_R, kind="stable")
    found: list[int] = order[open_to_R[order]][: max(most, 0)].tolist()
    return found
