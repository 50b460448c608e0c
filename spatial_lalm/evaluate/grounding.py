"""Moments in a recording that an answer points at: overlap with the truth, mean IoU, and recall among the first k."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from spatial_lalm.errors import InputError

Span = tuple[float, float]
"""Start and end in seconds."""
THRESHOLDS = (0.3, 0.5, 0.7)


@dataclass(frozen=True)
class GroundingScores:
    """``miou`` of the first answers, ``recall`` by k and least IoU, and how many questions went unanswered."""

    miou: float
    recall: dict[tuple[int, float], float]
    unanswered: int
    count: int


def span_iou(first: Span, second: Span) -> float:
    """Intersection over union of two spans, 0 to 1; two spans of no length are 1 where they are equal.

    ``InputError``: a span that ends before it starts.
    """
    for span in (first, second):
        _check(span)
    if first == second:
        return 1.0
    common = max(0.0, min(first[1], second[1]) - max(first[0], second[0]))
    union = (first[1] - first[0]) + (second[1] - second[0]) - common
    return common / union if union > 0 else 0.0


def set_iou(first: Sequence[Span], second: Sequence[Span]) -> float:
    """Intersection over union of what two sets of spans cover, for questions with several moments; both empty: 1.

    ``InputError``: a span that ends before it starts.
    """
    edges = sorted({edge for span in (*first, *second) for edge in _check(span)})
    common = union = 0.0
    for start, end in pairwise(edges):
        inside = [any(a <= start and end <= b for a, b in side) for side in (first, second)]
        common += (end - start) * all(inside)
        union += (end - start) * any(inside)
    return common / union if union > 0 else float(set(first) == set(second))


def grounding_scores(
    predictions: Sequence[Sequence[Span]],
    references: Sequence[Span],
    ks: Sequence[int] = (1, 5),
    thresholds: Sequence[float] = THRESHOLDS,
) -> GroundingScores:
    """Score ranked spans, best first, for each question; none at all counts as an IoU of 0.

    R@k, IoU >= m (Gao et al., "TALL: temporal activity localization via language query", ICCV 2017) is the share of
    questions for which one of the first k spans has an IoU of at least m. ``InputError``: other lengths, no questions,
    a span that ends before it starts, a k below 1.
    """
    if len(predictions) != len(references) or not references:
        raise InputError(f"{len(predictions)} answers for {len(references)} questions: give one for each, one at least")
    if min(ks, default=1) < 1:
        raise InputError(f"k of {min(ks)}: must be 1 or more")
    overlaps = [
        [span_iou(span, truth) for span in ranked] for ranked, truth in zip(predictions, references, strict=True)
    ]
    best = {k: np.array([max(ious[:k], default=0.0) for ious in overlaps]) for k in {1, *ks}}
    recall = {(k, least): float(np.mean(best[k] >= least)) for k in ks for least in thresholds}
    return GroundingScores(float(best[1].mean()), recall, sum(not ious for ious in overlaps), len(references))


def _check(span: Span) -> Span:
    if not -math.inf < span[0] <= span[1] < math.inf:
        raise InputError(f"span from {span[0]} to {span[1]} s: give a start and an end that is not before it")
    return span
