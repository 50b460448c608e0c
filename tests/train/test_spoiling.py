"""Overload and coding: how often, how hard, and that the sound field keeps its directions."""

from __future__ import annotations

import numpy as np
import pytest

from spatial_lalm.audio.conventions import spherical_harmonics, unit_vector
from spatial_lalm.train.spoiling import clipped, coded, spoiled

RATE = 16_000


def wave() -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 0.1, 4_000)
    return (spherical_harmonics(1, unit_vector(50, 10)[None]).T * noise).astype(np.float32)


def test_the_share_of_seeds_is_spoiled_and_always_the_same_ones() -> None:
    samples = wave()
    changed = [not np.array_equal(spoiled(samples, RATE, seed, 0.3), samples) for seed in range(400)]
    assert 0.22 < np.mean(changed) < 0.38
    assert changed == [not np.array_equal(spoiled(samples, RATE, seed, 0.3), samples) for seed in range(400)]
    assert all(np.array_equal(spoiled(samples, RATE, seed, 0.0), samples) for seed in range(20))


def test_silence_stays_silence() -> None:
    assert not spoiled(np.zeros((4, 100), np.float32), RATE, 0, 1.0).any()


@pytest.mark.parametrize("at", [0.2, 0.8])
def test_clipping_stops_at_its_limit_and_keeps_the_rest(at: float) -> None:
    samples = wave()
    limit = at * np.abs(samples).max()
    flat = clipped(samples, at)
    assert np.abs(flat).max() == pytest.approx(limit)
    np.testing.assert_array_equal(flat[np.abs(samples) < limit], samples[np.abs(samples) < limit])


def test_coding_takes_the_treble_and_adds_noise_below_the_signal() -> None:
    samples = wave()
    dull = coded(samples, RATE, np.random.default_rng(1))
    power = np.abs(np.fft.rfft(np.stack([samples[0], dull[0]]))) ** 2
    top, middle = power[:, 1900:].sum(1), power[:, 100:600].sum(1)
    assert top[1] < 0.02 * top[0]
    assert middle[1] == pytest.approx(middle[0], rel=0.05)
    assert dull.dtype == np.float32


def test_coding_keeps_the_direction() -> None:
    dull = coded(wave(), RATE, np.random.default_rng(1)).astype(float)
    heard = dull[[3, 1, 2]] @ dull[0]
    np.testing.assert_allclose(heard / np.linalg.norm(heard), unit_vector(50, 10), atol=0.01)
