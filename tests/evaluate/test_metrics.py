import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial_lalm.audio.conventions import rotation_matrix, unit_vector
from spatial_lalm.errors import InputError
from spatial_lalm.evaluate import metrics

RNG = np.random.default_rng(5)
COUNT = 40
DIRECTIONS_A, DIRECTIONS_B = RNG.normal(size=(2, COUNT, 3))
POSITIVE_A, POSITIVE_B = RNG.uniform(0.3, 9.0, (2, COUNT))
AZIMUTHS_A, AZIMUTHS_B = RNG.uniform(-720, 720, (2, COUNT))


def slow_angle(a, b):
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    length = math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(y * y for y in b))
    return math.degrees(math.acos(max(-1.0, min(1.0, dot / length))))


def slow_azimuth(a, b):
    return min(abs(a - b + 360 * turns) for turns in range(-5, 6))


def test_angular_errors_against_arc_cosines():
    slow = [slow_angle(a, b) for a, b in zip(DIRECTIONS_A, DIRECTIONS_B, strict=True)]
    np.testing.assert_allclose(metrics.angular_errors(DIRECTIONS_A, DIRECTIONS_B), slow, atol=1e-6)


def test_azimuth_errors_go_the_short_way_round():
    slow = [slow_azimuth(a, b) for a, b in zip(AZIMUTHS_A, AZIMUTHS_B, strict=True)]
    np.testing.assert_allclose(metrics.azimuth_errors(AZIMUTHS_A, AZIMUTHS_B), slow, atol=1e-9)
    np.testing.assert_allclose(metrics.azimuth_errors([179.0, -10.0], [-179.0, 20.0]), [2.0, 30.0])


@pytest.mark.parametrize(
    ("fast", "slow"),
    [
        (metrics.absolute_errors, lambda a, b: a - b if a > b else b - a),
        (metrics.ratio_errors, lambda a, b: abs(a - b) / b),
        (metrics.log2_errors, lambda a, b: abs(math.log(a) - math.log(b)) / math.log(2)),
    ],
)
def test_scalar_errors_against_loops(fast, slow):
    expected = [slow(a, b) for a, b in zip(POSITIVE_A, POSITIVE_B, strict=True)]
    np.testing.assert_allclose(fast(POSITIVE_A, POSITIVE_B), expected, atol=1e-12)


def test_perfect_input_scores_nothing_wrong():
    assert metrics.angular_errors(DIRECTIONS_A, 3 * DIRECTIONS_A).max() < 1e-6
    assert metrics.azimuth_errors(AZIMUTHS_A, AZIMUTHS_A + 360).max() < 1e-9
    for error in (metrics.absolute_errors, metrics.ratio_errors, metrics.log2_errors):
        assert not error(POSITIVE_A, POSITIVE_A).any()
    assert metrics.correctness(["a", "b"], ["a", "b"]).tolist() == [1, 1]


def test_opposite_directions_are_180_degrees_apart():
    np.testing.assert_allclose(metrics.angular_errors(DIRECTIONS_A, -DIRECTIONS_A), 180.0)


@given(st.floats(-180, 180), st.floats(-90, 90), st.floats(-180, 180))
@settings(max_examples=25, deadline=None)
def test_angular_errors_do_not_change_when_both_are_rotated(yaw, pitch, roll):
    turn = rotation_matrix(yaw, pitch, roll)
    turned = metrics.angular_errors(DIRECTIONS_A @ turn.T, DIRECTIONS_B @ turn.T)
    np.testing.assert_allclose(turned, metrics.angular_errors(DIRECTIONS_A, DIRECTIONS_B), atol=1e-6)


def test_on_the_horizon_angle_and_azimuth_error_agree():
    a, b = unit_vector(AZIMUTHS_A, 0.0), unit_vector(AZIMUTHS_B, 0.0)
    np.testing.assert_allclose(metrics.angular_errors(a, b), metrics.azimuth_errors(AZIMUTHS_A, AZIMUTHS_B), atol=1e-6)


def test_a_factor_of_two_is_one_octave_either_way():
    assert metrics.log2_errors([2.0, 0.5], [1.0, 1.0]).tolist() == [1, 1]


def test_a_missing_or_other_label_is_wrong():
    assert metrics.correctness(["rain", None, "rain"], ["rain", "rain", "speech"]).tolist() == [1, 0, 0]


# ---------------------------------------------------------------- intervals


def slow_bootstrap(values, clusters, resamples, seed):
    """The same draws, gathered one value at a time."""
    names = list(dict.fromkeys(clusters))
    rng = np.random.default_rng(seed)
    means = []
    for _ in range(resamples):
        drawn = [names[i] for i in rng.integers(len(names), size=len(names))]
        kept = [v for name in drawn for v, c in zip(values, clusters, strict=True) if c == name]
        means.append(sum(kept) / len(kept))
    means.sort()
    return means


def test_clustered_interval_against_a_loop():
    values = RNG.normal(size=30)
    clusters = [f"talker {i % 7}" for i in range(30)]
    interval = metrics.bootstrap_interval(values, metrics.mean, clusters, resamples=201, seed=3)
    means = slow_bootstrap(values, clusters, 201, 3)
    assert interval.value == pytest.approx(values.mean())
    assert (interval.low, interval.high) == (pytest.approx(means[5]), pytest.approx(means[195]))
    assert interval.count == 30


def test_interval_of_a_mean_matches_the_normal_one():
    values = RNG.normal(size=400)
    interval = metrics.bootstrap_interval(values, metrics.mean)
    half = 1.96 * values.std() / 20
    assert interval.high - interval.value == pytest.approx(half, rel=0.15)
    assert interval.value - interval.low == pytest.approx(half, rel=0.15)


def test_repeated_values_of_one_recording_widen_the_interval():
    values = np.repeat(RNG.normal(size=20), 10)
    alone = metrics.bootstrap_interval(values)
    clustered = metrics.bootstrap_interval(values, clusters=np.repeat(np.arange(20), 10).tolist())
    assert clustered.high - clustered.low > 2 * (alone.high - alone.low)


def test_intervals_are_reproducible_and_widen_with_confidence():
    values = RNG.normal(size=50)
    narrow = metrics.bootstrap_interval(values, metrics.median, confidence=0.5, seed=1)
    assert narrow == metrics.bootstrap_interval(values, metrics.median, confidence=0.5, seed=1)
    wide = metrics.bootstrap_interval(values, metrics.median, confidence=0.99, seed=1)
    assert wide.low < narrow.low <= narrow.value <= narrow.high < wide.high


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: metrics.angular_errors(np.ones((2, 3)), np.ones((3, 3))), "shape"),
        (lambda: metrics.angular_errors(np.ones((2, 2)), np.ones((2, 2))), "x, y, z"),
        (lambda: metrics.angular_errors(np.zeros((1, 3)), np.ones((1, 3))), "predicted directions hold a zero vector"),
        (lambda: metrics.absolute_errors([np.nan], [1.0]), "count them as misses"),
        (lambda: metrics.absolute_errors([], []), "at least one"),
        (lambda: metrics.azimuth_errors([[1.0]], [[1.0]]), "one number per item"),
        (lambda: metrics.ratio_errors([1.0], [0.0]), "positive"),
        (lambda: metrics.log2_errors([-1.0], [1.0]), "positive"),
        (lambda: metrics.correctness(["a"], ["a", "b"]), "one for each"),
        (lambda: metrics.correctness([], []), "at least one"),
        (lambda: metrics.bootstrap_interval([]), "at least one"),
        (lambda: metrics.bootstrap_interval([1.0, np.inf]), "infinite"),
        (lambda: metrics.bootstrap_interval([[1.0]]), "one number per item"),
        (lambda: metrics.bootstrap_interval([1.0], clusters=["a", "b"]), "one for each"),
        (lambda: metrics.bootstrap_interval([1.0], confidence=95), "between 0 and 1"),
        (lambda: metrics.bootstrap_interval([1.0], resamples=10), "at least 100"),
    ],
)
def test_wrong_input_is_refused_in_one_line(call, words):
    with pytest.raises(InputError, match=words) as refused:
        call()
    assert "\n" not in str(refused.value)
