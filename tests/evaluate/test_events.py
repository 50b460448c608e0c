"""Events in time and grounding against brute force: permutations, and time in small steps."""

from __future__ import annotations

import math
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.events import Event, event_scores, read_events, segment_scores
from spatial_lalm.evaluate.files import FileProblem
from spatial_lalm.evaluate.grounding import grounding_scores, set_iou, span_iou

STEP_S = 0.01


def random_events(rng: np.random.Generator, count: int) -> list[Event]:
    """Events on a grid of 0.1 s, so that the slow way may count steps."""
    starts = rng.integers(0, 40, count) / 10
    return [
        Event(str(rng.choice(["dog", "rain"])), float(start), float(start + rng.integers(1, 15) / 10))
        for start in starts
    ]


SCENES = []
for seed in range(6):
    rng = np.random.default_rng(seed)
    SCENES.append((random_events(rng, 5), random_events(rng, int(rng.integers(0, 7)))))


def slow_hits(reference: list[Event], predicted: list[Event], collar: float, share: float | None) -> int:
    def fits(a: Event, b: Event) -> bool:
        ends = share is None or abs(a.end_s - b.end_s) < max(collar, share * (a.end_s - a.start_s)) + 1e-6
        return a.label == b.label and abs(a.start_s - b.start_s) < collar + 1e-6 and ends

    few, many = sorted((reference, predicted), key=len)
    turned = few is predicted and reference is not predicted
    return max(
        sum(fits(many[j], few[i]) if turned else fits(few[i], many[j]) for i, j in enumerate(order))
        for order in permutations(range(len(many)), len(few))
    )


@pytest.mark.parametrize(("collar", "share"), [(0.2, 0.2), (0.5, None), (0.3, 0.5), (0.0, 0.0)])
def test_event_based_counts_against_permutations(collar: float, share: float | None) -> None:
    found = event_scores(SCENES, collar, share).micro
    assert found.hits == sum(slow_hits(*scene, collar, share) for scene in SCENES)
    assert (found.reference, found.predicted) == tuple(sum(len(scene[i]) for scene in SCENES) for i in (0, 1))


@pytest.mark.parametrize("segment_s", [1.0, 0.5, 0.3])
def test_segment_based_counts_against_small_steps(segment_s: float) -> None:
    def active(events: list[Event]) -> set[tuple[str, int]]:
        middles = np.arange(STEP_S / 2, 10, STEP_S)
        return {
            (event.label, int(t / segment_s)) for event in events for t in middles if event.start_s < t < event.end_s
        }

    sides = [(active(a), active(b)) for a, b in SCENES]
    found = segment_scores(SCENES, segment_s).micro
    assert found.hits == sum(len(a & b) for a, b in sides)
    assert (found.reference, found.predicted) == (sum(len(a) for a, _ in sides), sum(len(b) for _, b in sides))


def test_scores_of_classes_add_up_and_perfect_is_1() -> None:
    for score in (event_scores, segment_scores):
        found = score(SCENES)
        assert sum(tally.hits for tally in found.by_class.values()) == found.micro.hits
        assert found.macro_f1 == pytest.approx(sum(tally.f1 for tally in found.by_class.values()) / 2)
        both = found.micro
        assert both.f1 == pytest.approx(2 * both.precision * both.recall / (both.precision + both.recall))
        perfect = score([(reference, reference) for reference, _ in SCENES])
        assert (perfect.micro.f1, perfect.macro_f1) == (1, 1)
        assert math.isnan(score([([], [])]).micro.f1)


def test_the_offset_may_be_off_by_a_share_of_the_length() -> None:
    pairs = [([Event("dog", 0, 5)], [Event("dog", 0.1, 4.1)])]
    assert [event_scores(pairs, 0.2, share).micro.hits for share in (0.1, 0.2, None)] == [0, 1, 1]


def test_event_files(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("0.5\t1.25\tdog barks\n")
    assert read_events(path) == (Event("dog barks", 0.5, 1.25),)
    for text, words in {
        "0.5\t1.25\n": "row 1: 2 columns",
        "1\t2\tdog\n2\t1\tdog\n": "row 2: from 2 to 1 s",
        "1\tx\tdog\n": "row 1: offset 'x'",
        "1\t2\tdog\n1\t2.0\tdog\n": "row 2: event .* came in row 1",
    }.items():
        path.write_text(text)
        with pytest.raises(FileProblem, match=f"a.txt, {words}"):
            read_events(path)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: event_scores([([Event("a", 2, 1)], [])]), "from 2 to 1 s"),
        (lambda: event_scores([], -1), "collar -1"),
        (lambda: segment_scores([], 0), "segments of 0 s"),
        (lambda: span_iou((2, 1), (0, 1)), "from 2 to 1 s"),
        (lambda: span_iou((0, math.nan), (0, 1)), "from 0 to nan"),
        (lambda: grounding_scores([], []), "0 answers for 0"),
        (lambda: grounding_scores([[(0, 1)]], [(0, 1)], ks=(0,)), "k of 0"),
    ],
)
def test_mistakes_are_told(call, words) -> None:
    with pytest.raises(InputError, match=words):
        call()


# ---------------------------------------------------------------- grounding


def steps(spans: list[tuple[float, float]]) -> set[int]:
    """Steps of 0.01 s whose middle lies in a span."""
    return {i for i in range(1000) if any(start < (i + 0.5) * STEP_S < end for start, end in spans)}


def random_spans(rng: np.random.Generator, count: int) -> list[tuple[float, float]]:
    return [(float(start) / 10, float(start + rng.integers(1, 30)) / 10) for start in rng.integers(0, 60, count)]


@pytest.mark.parametrize("seed", range(8))
def test_overlaps_against_small_steps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for counts in ((1, 1), (3, 2), (2, 4), (1, 0)):
        a, b = (random_spans(rng, count) for count in counts)
        slow = len(steps(a) & steps(b)) / len(steps(a) | steps(b))
        assert set_iou(a, b) == pytest.approx(slow)
        if counts == (1, 1):
            assert span_iou(a[0], b[0]) == pytest.approx(slow)


def test_ranked_answers_by_hand_and_perfect_is_1() -> None:
    truths = [(0.0, 10.0), (5.0, 6.0), (2.0, 4.0), (0.0, 1.0)]
    said = [[(0.0, 6.0), (0.0, 10.0)], [(0.0, 1.0), (5.0, 6.0)], [(2.0, 4.0)], []]
    found = grounding_scores(said, truths, ks=(1, 2), thresholds=(0.5, 0.7))
    assert found.miou == pytest.approx((0.6 + 0 + 1 + 0) / 4)
    assert found.recall == {(1, 0.5): 0.5, (1, 0.7): 0.25, (2, 0.5): 0.75, (2, 0.7): 0.75}
    assert (found.unanswered, found.count) == (1, 4)
    perfect = grounding_scores([[truth] for truth in truths], truths)
    assert (perfect.miou, set(perfect.recall.values())) == (1, {1.0})


def test_moments_of_no_length() -> None:
    assert (span_iou((1, 1), (1, 1)), span_iou((1, 1), (2, 2)), set_iou([], [])) == (1, 0, 1)
