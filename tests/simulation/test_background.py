"""Background noise: diffuse, continuous over its pieces, as loud and as coloured as drawn, for every receiver."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import acn_orders, spherical_harmonics, unit_vector
from spatial_lalm.audio.scene import Ambience
from spatial_lalm.simulation.background import FADE_S, PIECE_S, Background
from spatial_lalm.simulation.receivers import ambisonic_receiver, named_receiver
from spatial_lalm.simulation.recipe import BackgroundRecipe

Floats = NDArray[np.floating[Any]]
RATE = 16_000
PLAIN = Background(ambisonic_receiver(1), RATE, 10 * RATE, seed=1, tilt=0.5, own_db=-60.0, own_tilt=0.0)


def whole(background: Background) -> Floats:
    return background.block(0, background.samples).astype(float)


def slope_db(signal: Floats) -> float:
    """Fall of the power in dB an octave between 250 Hz and 4 kHz."""
    power = np.abs(np.fft.rfft(signal)) ** 2
    frequency = np.fft.rfftfreq(len(signal), 1 / RATE)
    edges = 250 * 2.0 ** np.arange(5)
    levels = [10 * np.log10(np.mean(power[(frequency >= f / 1.2) & (frequency < f * 1.2)])) for f in edges]
    return float(np.polyfit(np.arange(5), levels, 1)[0])


@pytest.mark.parametrize("seconds", [1.0, 8.0, 8.1, 30.0])
@pytest.mark.parametrize("order", [1, 2])
def test_noise_is_diffuse_and_has_unit_power(seconds: float, order: int) -> None:
    background = replace(PLAIN, receiver=ambisonic_receiver(order), samples=round(seconds * RATE))
    noise = whole(background)
    assert noise.shape == ((order + 1) ** 2, background.samples)
    power = np.mean(noise**2, axis=1)
    tolerance = 0.15 if seconds < 5 else 0.08
    assert power[0] == pytest.approx(1.0, rel=tolerance)
    np.testing.assert_allclose(power * (2 * acn_orders(order) + 1), power[0], rtol=2 * tolerance)
    assert np.abs(np.corrcoef(noise) - np.eye(len(noise))).max() < 5 / np.sqrt(seconds * 1000)


@pytest.mark.parametrize("cuts", [[0, 7, 50_000, 160_000, 199_999, 400_000], list(range(0, 400_001, 80_000))])
def test_blocks_of_any_size_are_one_noise(cuts: list[int]) -> None:
    long = replace(PLAIN, samples=400_000, swing_db=8.0)
    parts = [long.block(start, stop) for start, stop in pairwise(cuts)]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), long.block(0, 400_000))


def test_pieces_join_without_a_dip() -> None:
    """The power of 100 ms around every join is that of elsewhere, within what noise varies."""
    long = replace(PLAIN, samples=60 * RATE, tilt=0.0)
    noise = long.block(0, long.samples)[0].astype(float)
    hop = long._hop
    assert hop < PIECE_S * RATE
    joins = [np.mean(noise[k * hop : k * hop + round(FADE_S * RATE)] ** 2) for k in range(1, 60 * RATE // hop)]
    np.testing.assert_allclose(joins, np.mean(noise**2), rtol=0.1)
    # And no piece is heard twice.
    first, second = noise[:hop], noise[hop : 2 * hop]
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.02


@pytest.mark.parametrize("tilt", [0.0, 0.6, 1.2])
def test_spectrum_falls_by_its_exponent(tilt: float) -> None:
    assert slope_db(whole(replace(PLAIN, tilt=tilt))[0]) == pytest.approx(-20 * tilt * np.log10(2), abs=0.4)


def test_own_noise_is_alike_at_all_orders() -> None:
    """Own noise as loud as the ambience shows in X, Y and Z, which it raises from a third by one whole."""
    loud = whole(replace(PLAIN, tilt=0.0, own_db=0.0))
    power = np.mean(loud**2, axis=1)
    np.testing.assert_allclose(power[1:] / power[0], 1 / 3 + 1, rtol=0.05)


@pytest.mark.parametrize("swing_db", [3.0, 12.0])
def test_unsteady_noise_swells_and_fades(swing_db: float) -> None:
    long = replace(PLAIN, samples=60 * RATE, swing_db=swing_db)
    steady = replace(long, swing_db=0.0)
    gain = long.block(0, long.samples)[0] / steady.block(0, long.samples)[0]
    gain_db = 20 * np.log10(gain[np.isfinite(gain)])
    assert swing_db / 2 < gain_db.max() - gain_db.min() <= swing_db + 0.01
    assert np.abs(np.diff(20 * np.log10(gain))).max() < 0.01


def test_directional_part_comes_from_its_place() -> None:
    """A source at the left, 20 dB over the ambience: the intensity points there; and it is that much louder."""
    direction = unit_vector(70.0, 10.0)
    taps = (spherical_harmonics(1, direction[None]).T * np.eye(1, 256, 10)).astype(np.float32)
    noise = whole(replace(PLAIN, directional=taps, directional_db=20.0))
    intensity = noise[[3, 1, 2]] @ noise[0]
    np.testing.assert_allclose(intensity / np.linalg.norm(intensity), direction, atol=0.05)
    power = np.mean(noise**2, axis=1)
    isotropic = power[0] - np.linalg.norm(noise[[3, 1, 2]] @ noise[0]) / noise.shape[1]
    assert 10 * np.log10((power[0] - isotropic) / isotropic) == pytest.approx(20.0, abs=1.0)
    told = replace(PLAIN, directional=taps, directional_db=20.0, place=(70.0, 10.0, 2.0)).label
    assert told == Ambience("directional", True, 0.0, 70.0, 10.0, 2.0, 20.0)


def test_level_over_a_while_is_that_of_the_noise() -> None:
    """What labels say of the background while a sound sounds: measured against the same noise at rest."""
    long = replace(PLAIN, samples=40 * RATE, swing_db=12.0)
    steady = replace(long, swing_db=0.0)
    assert steady.level_db(0, 5 * RATE) == 0.0
    for start in range(0, 40 * RATE, 5 * RATE):
        swollen, still = (np.mean(one.block(start, start + 5 * RATE)[0] ** 2) for one in (long, steady))
        assert long.level_db(start, start + 5 * RATE) == pytest.approx(10 * np.log10(swollen / still), abs=0.3)


def test_label_says_whether_it_is_steady() -> None:
    assert PLAIN.label == Ambience()
    assert replace(PLAIN, swing_db=5.0).label == Ambience("diffuse", steady=False, swing_db=5.0)
    assert (str(PLAIN.label), str(replace(PLAIN, swing_db=5.0).label)) == ("diffuse", "diffuse, unsteady")


def test_capsules_hear_one_field() -> None:
    """Capsules 4 cm apart hear the bass alike and the treble each for itself, as sinc(k d) has it; W is one of them."""
    receiver = named_receiver("linear4")
    array = receiver.array
    assert array is not None
    noise = replace(PLAIN, receiver=receiver, tilt=0.0, samples=8 * RATE).block(0, 8 * RATE).astype(float)
    assert noise.shape[0] == array.microphones + 1
    first, second = np.fft.rfft(noise[1]), np.fft.rfft(noise[2])
    frequency = np.fft.rfftfreq(noise.shape[1], 1 / RATE)
    distance = float(np.linalg.norm(array.positions[0] - array.positions[1]))
    for low, high in ((200, 300), (900, 1100), (2400, 2600), (3900, 4100)):
        inside = (frequency >= low) & (frequency < high)
        cross = np.sum(first[inside] * second[inside].conj()).real
        scale = np.sqrt(np.sum(np.abs(first[inside]) ** 2) * np.sum(np.abs(second[inside]) ** 2))
        expected = np.sinc(2 * np.mean([low, high]) * distance / 343.0)
        assert cross / scale == pytest.approx(expected, abs=0.12)


def test_a_draw_is_within_its_recipe_and_fixed_by_its_seed() -> None:
    recipe = BackgroundRecipe(unsteady_share=0.5)
    drawn = [
        Background.draw(np.random.default_rng(seed), recipe, ambisonic_receiver(1), RATE, RATE) for seed in range(60)
    ]
    assert all(0.0 <= one.tilt <= 1.2 and -30 <= one.own_db <= -5 and 0.0 <= one.own_tilt <= 0.8 for one in drawn)
    swings = np.array([one.swing_db for one in drawn])
    assert 0.3 < np.mean(swings > 0) < 0.7
    assert swings[swings > 0].min() >= 3.0
    again = Background.draw(np.random.default_rng(7), recipe, ambisonic_receiver(1), RATE, RATE)
    np.testing.assert_array_equal(again.block(0, RATE), drawn[7].block(0, RATE))
    assert not np.array_equal(drawn[8].block(0, RATE), drawn[7].block(0, RATE))


@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_capsules_hear_noise_all_the_time_at_every_rate(rate: int) -> None:
    """A receiver's stretch of noise is shorter than a piece at 48 kHz."""
    long = Background(named_receiver("linear4"), rate, 12 * rate, seed=1, tilt=0.0, own_db=-60.0, own_tilt=0.0)
    power = np.mean(long.block(0, 12 * rate)[0].astype(float).reshape(24, -1) ** 2, axis=1)
    np.testing.assert_allclose(power, 1.0, rtol=0.2)
