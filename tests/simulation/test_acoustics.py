"""Room-acoustic measures against responses whose values are known in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from spatial_lalm.simulation.acoustics import (
    OCTAVES_HZ,
    clarity_db,
    decay_time,
    direct_to_reverberant_db,
    measure,
    octave_masks,
    schroeder_db,
)

Floats = NDArray[np.floating[Any]]
RATE = 16_000


def decay(t60_s: float, seconds: float, seed: int | None = None) -> Floats:
    """An exponential decay: its bare envelope, or noise under it."""
    time = np.arange(round(seconds * RATE)) / RATE
    envelope = 10 ** (-3 * time / t60_s)
    return envelope if seed is None else envelope * np.random.default_rng(seed).normal(size=len(time))


# ---------------------------------------------------------------- decay


@pytest.mark.parametrize("t60_s", [0.1, 0.35, 0.8, 2.0, 5.0])
def test_decay_time_of_an_exponential_is_its_t60(t60_s: float) -> None:
    assert decay_time(decay(t60_s, 1.2 * t60_s), RATE) == pytest.approx(t60_s, rel=0.01)


@pytest.mark.parametrize("t60_s", [0.5, 1.5])
def test_decay_time_of_decaying_noise_is_its_t60(t60_s: float) -> None:
    measured = [decay_time(decay(t60_s, 1.2 * t60_s, seed), RATE) for seed in range(8)]
    assert np.mean(measured) == pytest.approx(t60_s, rel=0.02)


@pytest.mark.parametrize("fit_db", [(-5.0, -25.0), (-5.0, -35.0), (0.0, -10.0)])
def test_every_fit_range_agrees_on_one_slope(fit_db: tuple[float, float]) -> None:
    assert decay_time(decay(0.6, 1.2), RATE, fit_db) == pytest.approx(0.6, rel=0.01)


def test_level_and_rate_scale_as_they_must() -> None:
    response = decay(0.6, 1.2, seed=1)
    assert decay_time(1e-4 * response, RATE) == pytest.approx(decay_time(response, RATE), rel=1e-9)
    assert decay_time(response, 2 * RATE) == pytest.approx(decay_time(response, RATE) / 2, rel=1e-9)


def test_decay_curve_starts_at_zero_and_never_rises() -> None:
    curve = schroeder_db(np.stack([decay(0.3, 0.5, seed) for seed in range(2)]))
    assert curve.shape == (2, RATE // 2)
    np.testing.assert_allclose(curve[:, 0], 0.0, atol=1e-9)
    assert (np.diff(curve, axis=1) <= 1e-9).all()


@pytest.mark.parametrize(
    "response",
    [np.zeros(1000), np.ones(4), np.array([1.0]), decay(0.3, 0.01)[:5]],
    ids=["silence", "four samples", "one sample", "cut before -25 dB"],
)
def test_what_has_no_decay_has_no_decay_time(response: Floats) -> None:
    assert np.isnan(decay_time(response, RATE))


# ---------------------------------------------------------------- energy ratios


@pytest.mark.parametrize("ratio_db", [-12.0, 0.0, 3.0, 20.0])
def test_drr_of_one_direct_and_one_late_impulse(ratio_db: float) -> None:
    response = np.zeros(4000)
    response[160], response[1500] = 10 ** (ratio_db / 20), -1.0
    assert direct_to_reverberant_db(response, 160.0, RATE) == pytest.approx(ratio_db, abs=1e-6)


def test_drr_window_ends_two_and_a_half_milliseconds_after_the_direct_sound() -> None:
    early, late = np.zeros((2, 4000))
    early[[160, 160 + 39]], late[[160, 160 + 41]] = 1.0, 1.0
    assert direct_to_reverberant_db(early, 160.0, RATE) == 60.0
    assert direct_to_reverberant_db(late, 160.0, RATE) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("t60_s", [0.3, 0.8, 2.0])
@pytest.mark.parametrize("early_s", [0.05, 0.08])
def test_clarity_of_an_exponential_decay(t60_s: float, early_s: float) -> None:
    """C = 10 log10(exp(13.8 t / T60) - 1), ISO 3382-1 for an ideal decay."""
    late_share = 10 ** (-6 * early_s / t60_s)
    expected = 10 * np.log10((1 - late_share) / late_share)
    assert clarity_db(decay(t60_s, 2 * t60_s), 0.0, RATE, early_s) == pytest.approx(expected, abs=0.02)


def test_clarity_counts_from_the_direct_sound() -> None:
    response = np.zeros(8000)
    response[1000], response[1000 + 790], response[1000 + 810] = 1.0, 1.0, 1.0
    assert clarity_db(response, 1000.0, RATE) == pytest.approx(10 * np.log10(2.0), abs=1e-6)


def test_ratios_stay_numbers_for_silence_and_for_a_bare_impulse() -> None:
    impulse = np.eye(1, 1000, 100)[0]
    assert direct_to_reverberant_db(impulse, 100.0, RATE) == clarity_db(impulse, 100.0, RATE) == 60.0
    assert clarity_db(np.roll(impulse, 890), 0.0, RATE) == -60.0
    assert direct_to_reverberant_db(np.zeros(1000), 100.0, RATE) == 0.0


# ---------------------------------------------------------------- octave bands


@pytest.mark.parametrize(("bins", "rate"), [(65, 16_000), (2049, 16_000), (1025, 48_000), (513, 8_000)])
def test_octave_masks_are_power_complementary(bins: int, rate: int) -> None:
    masks = octave_masks(bins, rate)
    assert masks.shape == (len(OCTAVES_HZ), bins)
    assert (masks >= 0).all()
    np.testing.assert_allclose(np.sum(masks**2, axis=0), 1.0, atol=1e-12)


def test_octave_masks_are_one_at_their_centres_and_beyond_the_outermost() -> None:
    masks = octave_masks(8001, RATE)  # a bin a hertz
    for band, centre in enumerate(OCTAVES_HZ):
        assert masks[band, int(centre)] == pytest.approx(1.0)
    assert (masks[0, :125] == 1).all()
    assert masks[-1, 4000:] == pytest.approx(1.0)


def test_measure_tells_the_bands_apart() -> None:
    """Noise whose low half decays slowly and whose high half decays fast."""
    slow, fast = decay(1.2, 1.5, seed=2), decay(0.4, 1.5, seed=3)
    spectrum_slow, spectrum_fast = np.fft.rfft(slow), np.fft.rfft(fast)
    frequency = np.fft.rfftfreq(len(slow), 1 / RATE)
    response = np.fft.irfft(np.where(frequency < 700, spectrum_slow, spectrum_fast), len(slow))
    found = measure(response.astype(np.float32), 0.0, RATE)
    np.testing.assert_allclose(found.t60_bands_s[:2], 1.2, rtol=0.2)
    np.testing.assert_allclose(found.t60_bands_s[4:], 0.4, rtol=0.2)


def test_measure_of_one_decay_is_the_same_broadband_and_in_every_band() -> None:
    found = measure(decay(0.7, 1.2, seed=4).astype(np.float32), 0.0, RATE)
    assert found.t60_s == pytest.approx(0.7, rel=0.05)
    np.testing.assert_allclose(found.t60_bands_s, 0.7, rtol=0.25)  # 125 Hz has few degrees of freedom
    late_share = 10 ** (-6 * 0.05 / 0.7)
    assert found.c50_db == pytest.approx(10 * np.log10(1 / late_share - 1), abs=0.7)
