"""Geometry from diffuse noise: simulated by the engine's own coherence, and by plain waves from all around."""

from __future__ import annotations

import numpy as np
import pytest

from spatial_lalm.audio.arrays import MicrophoneArray
from spatial_lalm.audio.calibration import Calibration, calibrate
from spatial_lalm.audio.encoding import fibonacci_grid
from spatial_lalm.audio.presets import preset
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.diffuse import array_bank

RATE = 16_000


def cloud(microphones: int, seed: int) -> MicrophoneArray:
    """Capsules anywhere in a cube of 9 cm, at least 8 mm (RMS) off their best plane."""
    rng = np.random.default_rng(seed)
    while True:
        positions = rng.uniform(-0.045, 0.045, (microphones, 3))
        extents = np.linalg.svd(positions - positions.mean(axis=0), compute_uv=False) / microphones**0.5
        if extents[2] > 0.008:
            return MicrophoneArray(f"cloud{microphones}", positions)


def noise(array: MicrophoneArray) -> np.ndarray:
    """Eight seconds of diffuse noise with sensor noise 30 dB below it."""
    heard = array_bank(array, 12, RATE).sum(axis=0)[1:]
    own = np.random.default_rng(0).normal(size=heard.shape) * heard.std() * 10 ** (-30 / 20)
    return (heard + own).astype(np.float32)


def blocks(signals: np.ndarray, size: int = RATE) -> list[np.ndarray]:
    return [signals[:, start : start + size] for start in range(0, signals.shape[1], size)]


def errors_m(found: Calibration, array: MicrophoneArray) -> np.ndarray:
    """Distances (M,) between true and found positions after the best turn or reflection."""
    true = array.positions - array.positions.mean(axis=0)
    left, _, right = np.linalg.svd(true.T @ found.array.positions)
    return np.linalg.norm(true @ left @ right - found.array.positions, axis=1)


@pytest.mark.parametrize("microphones", [4, 5, 6, 8])
def test_clouds_are_found_within_a_millimetre(microphones: int) -> None:
    array = cloud(microphones, microphones)
    found = calibrate(blocks(noise(array)), RATE)
    astray = errors_m(found, array)
    assert found.dimensions == 3
    assert np.median(astray) < 1e-3
    assert found.confidence == "good"
    assert np.median(astray) < 3 * found.error_m
    assert found.seconds == pytest.approx(8.192)


@pytest.mark.parametrize(("name", "dimensions"), [("respeaker4", 2), ("circle8", 2), ("linear4", 1)])
def test_flat_and_straight_arrays_are_told(name: str, dimensions: int) -> None:
    found = calibrate(blocks(noise(preset(name))), RATE)
    assert found.dimensions == dimensions
    assert np.median(errors_m(found, preset(name))) < 1e-3
    level = [axis for axis in range(3) if np.abs(found.array.positions[:, axis]).max() > 0]
    assert level == ([0, 1] if dimensions == 2 else [1])
    assert found.hidden_m < 0.008


def test_orientation_is_definite() -> None:
    """The first microphone in front, the next on the left, the centre in the middle."""
    positions = calibrate(blocks(noise(preset("circle8"))), RATE).array.positions
    np.testing.assert_allclose(positions.mean(axis=0), 0, atol=1e-5)
    assert positions[0, 0] > 0.04
    assert abs(positions[0, 1]) < 1e-3
    assert positions[1, 1] > 0.02


def test_blocks_of_any_size_give_the_same() -> None:
    signals = noise(cloud(4, 1))
    one, other = calibrate([signals], RATE), calibrate(blocks(signals, 777), RATE)
    np.testing.assert_allclose(one.array.positions, other.array.positions, atol=2e-6)


def test_turned_arrays_give_the_same_shape() -> None:
    array = cloud(5, 2)
    turned = MicrophoneArray("turned", array.positions[:, [2, 0, 1]] * [1, -1, 1])
    one, other = (calibrate(blocks(noise(each)), RATE).array.positions for each in (array, turned))
    apart = [np.linalg.norm(each[:, None] - each, axis=2) for each in (one, other)]
    np.testing.assert_allclose(apart[0], apart[1], atol=2e-3)


def waves(array: MicrophoneArray, directions: np.ndarray) -> np.ndarray:
    """Five seconds of independent plane waves from these directions."""
    rng, samples = np.random.default_rng(3), 5 * RATE
    response = array.manifold(np.fft.rfftfreq(samples, 1 / RATE), directions)  # (F, M, D)
    sources = np.fft.rfft(rng.normal(size=(len(directions), samples))).T
    return np.fft.irfft(np.einsum("fmd,fd->mf", response, sources), samples).astype(np.float32)


def test_many_waves_are_diffuse_enough_and_one_is_not() -> None:
    array = cloud(4, 4)
    found = calibrate([waves(array, fibonacci_grid(60))], RATE)
    assert np.median(errors_m(found, array)) < 2e-3
    with pytest.raises(InputError, match="the noise is not diffuse"):
        calibrate([waves(array, fibonacci_grid(60)[20:21])], RATE)


def test_noise_of_the_microphones_alone_is_refused() -> None:
    own = np.random.default_rng(0).normal(size=(4, 6 * RATE)).astype(np.float32)
    with pytest.raises(InputError, match="channels 1 and 2 are not coherent as in diffuse noise"):
        calibrate([own], RATE)


def test_too_little_is_refused() -> None:
    with pytest.raises(InputError, match=r"2.0 s of noise are too little"):
        calibrate([noise(cloud(4, 1))[:, : 2 * RATE]], RATE)
    with pytest.raises(InputError, match="2 channels tell no shape"):
        calibrate([np.zeros((2, RATE), dtype=np.float32)], RATE)
    with pytest.raises(InputError, match="no noise"):
        calibrate([], RATE)
