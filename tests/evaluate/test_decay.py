"""Blind T60 on sounds whose decay is known, and on what never decays."""

from __future__ import annotations

import numpy as np
import pytest

from spatial_lalm.evaluate.decay import blind_t60

RATE = 16_000


def bursts(t60_s: float, seed: int = 0) -> np.ndarray:
    """Four seconds of noise bursts of 100 ms that decay with a known T60 for 0.9 s each."""
    rng = np.random.default_rng(seed)
    time = np.arange(RATE) / RATE
    envelope = np.where(time < 0.1, 1.0, 10 ** (-3 * (time - 0.1) / t60_s))
    return np.concatenate([envelope * rng.normal(size=RATE) for _ in range(4)])


@pytest.mark.parametrize("t60_s", [0.25, 0.5, 1.0])
def test_bursts_tell_their_decay(t60_s: float) -> None:
    assert blind_t60(bursts(t60_s)) == pytest.approx(t60_s, rel=0.25)


def test_level_does_not_count() -> None:
    assert blind_t60(1e-3 * bursts(0.5)) == pytest.approx(blind_t60(bursts(0.5)))


@pytest.mark.parametrize(
    "sound", [np.zeros(RATE), np.zeros(100), np.sin(np.arange(4 * RATE) * 0.4)], ids=["silence", "short", "tone"]
)
def test_what_never_decays_tells_nothing_or_ages(sound: np.ndarray) -> None:
    found = blind_t60(sound)
    assert np.isnan(found) or found > 5
