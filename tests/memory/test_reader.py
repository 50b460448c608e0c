"""Reading: the rule, what is chosen by it, the budget."""

from __future__ import annotations

import numpy as np
import pytest

from spatial_lalm.memory.reader import Detection, Groups, Sizes, choose, detected, read, scores

CHAPTERS = 25
SEGMENTS = 12 * CHAPTERS  # one hour
QUESTION = np.array([1.0, 0.0])


def level(count: int, length_s: float, alike: dict[int, float] | None = None) -> Groups:
    """Groups one after the other, whose keys have the given cosines with the question; the others -1."""
    keys = np.tile([-1.0, 0.0], (count, 2, 1))
    for row, cosine in (alike or {}).items():
        keys[row, 1] = [cosine, np.sqrt(1 - cosine**2)]
    starts = np.arange(count) * length_s
    return Groups(starts, starts + length_s, keys)


def test_the_rule_adds_the_cosine_and_the_surest_detection() -> None:
    groups = level(4, 12.0, {0: 0.5, 2: 0.2})
    found = [Detection(25.0, 26.0, 0.9), Detection(30.0, 37.0, 0.4)]
    assert detected(groups, found).tolist() == [0, 0, 0.9, 0.4]
    np.testing.assert_allclose(scores(groups, QUESTION, found), [0.5, -1, 1.1, -0.6])
    np.testing.assert_allclose(scores(groups, None, found), [0, 0, 0.9, 0.4])
    np.testing.assert_allclose(scores(Groups(groups.start_s, groups.end_s), QUESTION, found), [0, 0, 0.9, 0.4])


def test_the_best_segments_are_read_wherever_they_are_and_the_best_chapters_told() -> None:
    chapters = level(CHAPTERS, 144.0, {3: 0.9, 20: 0.8})
    segments = level(SEGMENTS, 12.0, {3 * 12 + 5: 0.9, 20 * 12: 0.8, 7 * 12: 0.95})
    reading = read(segments, chapters, QUESTION, [], budget=400)
    assert reading.chapters == (3, 20)
    assert reading.ranked[:3] == (84, 41, 240)
    assert reading.segments == tuple(sorted(reading.ranked))


@pytest.mark.parametrize("budget", [100, 180, 600, 2000])
@pytest.mark.parametrize("chapters", [0, 1, CHAPTERS, 100])
def test_the_budget_holds(budget: int, chapters: int) -> None:
    sizes = Sizes()
    reading = read(level(12 * max(1, chapters), 12.0), level(chapters, 144.0), QUESTION, [], budget, sizes)
    assert reading.tokens <= budget
    told = sizes.timed_chapter * len(reading.chapters) + sizes.segment * len(reading.segments)
    assert reading.tokens == told + sizes.recording * (chapters > 0)
    room_left = budget - reading.tokens >= sizes.segment
    assert not room_left or len(reading.segments) == 12 * max(1, chapters)


def test_a_span_limits_what_is_read() -> None:
    segments, chapters = level(SEGMENTS, 12.0, {0: 0.9}), level(CHAPTERS, 144.0, {0: 0.9})
    reading = read(segments, chapters, QUESTION, [], span_s=(1000.0, 1100.0))
    assert reading.chapters == (6, 7)  # there is room for a third
    assert set(reading.segments) <= {83, 84, 85, 86, 87, 88, 89, 90, 91}
    assert len(reading.segments) == 9


def test_without_keys_the_detections_decide_and_ties_go_to_the_earlier() -> None:
    bare = Groups(np.arange(5) * 12.0, np.arange(1, 6) * 12.0)
    none = Groups(np.zeros(0), np.zeros(0))
    assert read(bare, none, None, [Detection(50.0, 51.0, 0.5)], 2 * 38).ranked == (4, 0)
    assert choose(bare, none, np.zeros(5), np.zeros(0), 38).ranked == (0,)
