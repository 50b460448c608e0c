"""Matching, OSPA and the measures of LOCATA against permutations and closed cases."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest

from spatial_lalm.audio.conventions import angle_between, unit_vector
from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.matching import match, matched_angles
from spatial_lalm.evaluate.tracking import ORDERS, ospa, track_scores

RNG = np.random.default_rng(8)


def directions(count: int) -> np.ndarray:
    return unit_vector(RNG.uniform(-60, 60, count), RNG.uniform(-30, 30, count))


def slow_match(costs: np.ndarray, gate: float) -> tuple[int, float]:
    """Most pairs within the gate, and their least total, over all permutations."""
    few, many = sorted(costs.shape)
    square = costs if costs.shape[0] == few else costs.T
    best = (0, 0.0)
    for order in permutations(range(many), few):
        found = [square[i, j] for i, j in enumerate(order) if square[i, j] <= gate]
        best = min(best, (-len(found), sum(found)))
    return -best[0], best[1]


@pytest.mark.parametrize("gate", [20.0, 35.0, math.inf])
@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (4, 2), (3, 3), (4, 5), (0, 3), (2, 0)])
def test_matches_against_permutations(shape: tuple[int, int], gate: float) -> None:
    for _ in range(10):
        costs = RNG.uniform(0, 60, shape)
        found = match(costs, gate)
        count, total = slow_match(costs, gate)
        assert (len(found.costs), found.costs.sum()) == (count, pytest.approx(total))
        np.testing.assert_array_equal(costs[found.references, found.predictions], found.costs)
        assert len(set(found.references)) == len(set(found.predictions)) == count


def test_matched_angles_know_what_is_missing() -> None:
    told = unit_vector([5.0, 88.0, -170.0], [0.0, 0.0, 0.0])
    found = matched_angles(unit_vector([90.0, 0.0], [0.0, 0.0]), told, gate_deg=30)
    assert (sorted(found.errors), found.missed, found.spurious) == (pytest.approx([2, 5]), 0, 1)
    assert matched_angles(told, told).mean() == pytest.approx(0, abs=1e-9)
    lost = matched_angles(told, [])
    assert (lost.missed, lost.mean(), lost.mean(180)) == (3, 90, 180)
    assert math.isnan(matched_angles([], told).mean())


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("references", "predictions"), [(1, 1), (2, 3), (4, 2), (0, 2), (3, 0), (3, 3)])
def test_ospa_against_permutations(order: float, references: int, predictions: int) -> None:
    for _ in range(5):
        ours, theirs = directions(references), directions(predictions)
        few, many = sorted((ours, theirs), key=len)
        cut = [[min(30.0, float(angle_between(a, b))) ** order for b in many] for a in few]
        best = min(
            sum(row[j] for row, j in zip(cut, order_, strict=True))
            for order_ in permutations(range(len(many)), len(few))
        )
        slow = ((best + 30.0**order * (len(many) - len(few))) / len(many)) ** (1 / order)
        assert ospa(ours, theirs, 30.0, order) == pytest.approx(slow)
        assert ospa(theirs, ours, 30.0, order) == pytest.approx(slow)


def test_ospa_is_a_distance_in_degrees() -> None:
    ours = directions(3)
    assert ospa(ours, ours) == pytest.approx(0, abs=1e-9)
    assert ospa([], []) == 0
    assert ospa(ours, []) == 30
    assert ospa(unit_vector([0.0], [0.0]), unit_vector([12.0], [0.0])) == pytest.approx(12)


def circle(**azimuths: float) -> dict[str, np.ndarray]:
    return {name: unit_vector(azimuth, 0.0) for name, azimuth in azimuths.items()}


def test_perfect_tracks() -> None:
    moments = [circle(a=i, b=90 + i) for i in range(6)] + [circle(b=30)]
    found = track_scores(moments, moments, step_s=0.1)
    assert (found.detected, found.false_alarms, found.swaps, found.breaks, found.lost) == (1, 0, 0, 0, 0)
    assert (found.latency_s, found.azimuth_deg, found.elevation_deg) == (0, pytest.approx(0, abs=1e-9), 0)
    assert max(found.ospa_deg.values()) == pytest.approx(0, abs=1e-9)


def test_what_goes_wrong_with_tracks_by_hand() -> None:
    truth = [circle(a=0, b=90)] * 5 + [circle(c=-90)] * 5
    said = [circle(), circle(x=10), circle(x=10, y=-150), circle(), circle(z=-10)] + [circle()] * 5
    found = track_scores(truth, said, step_s=0.5)
    assert found.detected == 3 / 15
    assert found.false_alarms == pytest.approx(1 / 5)
    assert found.swaps == pytest.approx(1 / 5)
    assert found.breaks == pytest.approx(1 / 5)
    assert (found.latency_s, found.lost) == (0.5, 2)
    assert found.azimuth_deg == pytest.approx(10)
    per_moment = [30, (10 + 30) / 2, (10 + 30) / 2, 30, (10 + 30) / 2] + [30] * 5
    assert found.ospa_deg[1.0] == pytest.approx(sum(per_moment) / 10)


def test_names_of_estimates_do_not_matter_but_their_changes_do() -> None:
    truth = [circle(a=0, b=50)] * 4
    named = track_scores(truth, [circle(x=0, y=50)] * 4, 1.0)
    crossed = track_scores(truth, [circle(x=0, y=50)] * 2 + [circle(x=50, y=0)] * 2, 1.0)
    assert (named.swaps, crossed.swaps) == (0, 2 / 4)
    assert named.ospa_deg == crossed.ospa_deg


def test_the_official_gate_looks_at_azimuth_alone() -> None:
    truth, said = [{"a": unit_vector(0.0, 0.0)}], [{"x": unit_vector(5.0, 60.0)}]
    assert track_scores(truth, said, 1.0).detected == 0
    official = track_scores(truth, said, 1.0, official=True)
    assert (official.detected, official.elevation_deg) == (1, pytest.approx(60))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ospa([], [], cutoff_deg=0), "cutoff 0"),
        (lambda: ospa([], [], order=0.5), "order 0.5"),
        (lambda: matched_angles([[1, 0]], []), "shape"),
        (lambda: matched_angles([[0, 0, 0]], []), "zero vector"),
        (lambda: matched_angles([], [], gate_deg=0), "gate 0"),
        (lambda: track_scores([], [], 0.1), "0 moments for 0"),
        (lambda: track_scores([{}], [{}, {}], 0.1), "2 moments for 1"),
        (lambda: track_scores([{}], [{}], 0.0), "step 0.0"),
    ],
)
def test_mistakes_are_told_in_one_line(call, words) -> None:
    with pytest.raises(InputError, match=words) as refused:
        call()
    assert "\n" not in str(refused.value)
