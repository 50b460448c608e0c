"""Built-in sounds: right length and level, no clicks at the ends, reproducible, varied, and what their class says."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from spatial_lalm.audio.scene import CLASSES
from spatial_lalm.errors import InputError
from spatial_lalm.simulation import generators
from spatial_lalm.simulation.generators import GENERATORS, PEAK
from spatial_lalm.simulation.sentences import sentences

RATE = 16_000
needs_espeak = pytest.mark.skipif(not generators.espeak_installed(), reason="espeak-ng is not installed")


def spectrum(sound: np.ndarray) -> np.ndarray:
    return np.abs(np.fft.rfft(sound.astype(float))) ** 2


def test_generators_make_known_classes() -> None:
    assert set(GENERATORS) == {"noise", "tone", "chirp", "click", "modulated_noise"} <= set(CLASSES)


@pytest.mark.parametrize(("name", "seed"), list(itertools.product(GENERATORS, range(4))))
def test_sound_has_length_type_peak_and_faded_ends(name: str, seed: int) -> None:
    sound = GENERATORS[name](np.random.default_rng(seed), 2 * RATE, RATE)
    assert sound.shape == (2 * RATE,)
    assert sound.dtype == np.float32
    assert np.abs(sound).max() == pytest.approx(PEAK, rel=1e-5)
    assert max(abs(sound[0]), abs(sound[-1])) < 0.01 * PEAK


@pytest.mark.parametrize("name", GENERATORS)
def test_same_seed_same_sound_other_seed_other_sound(name: str) -> None:
    first, again, other = (GENERATORS[name](np.random.default_rng(seed), RATE, RATE) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert abs(np.corrcoef(first, other)[0, 1]) < 0.9


@pytest.mark.parametrize(("name", "samples"), list(itertools.product(GENERATORS, (1, 2, 7, 161))))
def test_tiny_lengths_are_finite(name: str, samples: int) -> None:
    sound = GENERATORS[name](np.random.default_rng(0), samples, RATE)
    assert sound.shape == (samples,)
    assert np.isfinite(sound).all()


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize("rate", [8000, 48_000])
def test_other_rates_stay_below_nyquist(name: str, rate: int) -> None:
    for seed in range(5):
        power = spectrum(GENERATORS[name](np.random.default_rng(seed), rate, rate))
        assert power[int(0.985 * power.size) :].sum() < 0.05 * power.sum()


def test_tone_is_a_line_and_noise_is_not() -> None:
    """Share of the energy in the strongest 5 % of the bins: nearly all of a tone, little of noise in a wide band."""

    def peakedness(name: str, seed: int) -> float:
        power = np.sort(spectrum(GENERATORS[name](np.random.default_rng(seed), 2 * RATE, RATE)))[::-1]
        return float(power[: power.size // 20].sum() / power.sum())

    assert min(peakedness("tone", seed) for seed in range(10)) > 0.9
    assert min(peakedness("noise", seed) for seed in range(20)) < 0.6


def test_modulated_noise_beats_between_2_and_12_hz() -> None:
    for seed in range(6):
        sound = GENERATORS["modulated_noise"](np.random.default_rng(seed), 8 * RATE, RATE)
        envelope = np.square(sound.reshape(-1, 160)).mean(axis=1)
        power = spectrum(envelope - envelope.mean())
        beat_hz = np.fft.rfftfreq(envelope.size, 0.01)[np.argmax(power)]
        assert 1.9 <= beat_hz <= 12.1


def test_chirp_crosses_an_octave() -> None:
    for seed in range(6):
        sound = GENERATORS["chirp"](np.random.default_rng(seed), 3 * RATE, RATE)
        power = np.cumsum(spectrum(sound))
        low, high = np.searchsorted(power / power[-1], [0.05, 0.95])
        assert high > 1.6 * low


def test_click_is_sparse() -> None:
    for seed in range(6):
        sound = GENERATORS["click"](np.random.default_rng(seed), 4 * RATE, RATE)
        assert np.mean(np.abs(sound) > 0.02) < 0.35
        assert np.abs(sound[: 2 * RATE]).max() > 0.2


@needs_espeak
def test_speech_fits_is_reproducible_and_says_who_and_what() -> None:
    first, again = (generators.speak(np.random.default_rng(5), 5 * RATE, RATE) for _ in range(2))
    np.testing.assert_array_equal(first.samples, again.samples)
    assert RATE // 2 < first.samples.size <= 5 * RATE
    assert first.speaker.startswith("espeak:en")
    assert first.text.endswith(".")


@needs_espeak
def test_speech_that_had_to_be_cut_loses_its_text() -> None:
    line = generators.speak(np.random.default_rng(0), RATE // 4, RATE)
    assert line.samples.size == RATE // 4
    assert line.text == ""


@needs_espeak
def test_speech_rate_changes_samples_not_duration() -> None:
    slow = generators._spoken(0, 0, 1, 8000).samples.size / 8000
    fast = generators._spoken(0, 0, 1, RATE).samples.size / RATE
    assert slow == pytest.approx(fast, abs=0.01)


def test_sentences_are_written_as_asked() -> None:
    text = sentences(np.random.default_rng(0), 3)
    assert text.count(".") == 3
    assert all(part.strip()[0].isupper() for part in text.split(".") if part)


def test_missing_espeak_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    generators._spoken.cache_clear()
    with pytest.raises(InputError, match="espeak-ng could not be run") as caught:
        generators.speak(np.random.default_rng(0), RATE, RATE)
    assert "\n" not in str(caught.value)
