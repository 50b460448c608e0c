"""Dead, copied and clipped channels are found by number; arrays without some capsules stay right."""

from __future__ import annotations

import numpy as np
import pytest

from spatial_lalm.audio.arrays import MicrophoneArray
from spatial_lalm.audio.channel_health import ChannelHealth, HealthScan, without_capsules
from spatial_lalm.audio.conventions import spherical_harmonics, unit_vector
from spatial_lalm.audio.encoding import encode, encoder_filters, fibonacci_grid
from spatial_lalm.audio.measured import MeasuredResponses
from spatial_lalm.audio.presets import preset
from spatial_lalm.errors import InputError

RATE = 16_000


def noise(channels: int = 6, seconds: int = 4) -> np.ndarray:
    return 0.1 * np.random.default_rng(0).normal(size=(channels, seconds * RATE)).astype(np.float32)


def scanned(signals: np.ndarray, size: int = RATE) -> ChannelHealth:
    scan = HealthScan(len(signals))
    for start in range(0, signals.shape[1], size):
        scan.update(signals[:, start : start + size])
    return scan.result()


def test_sound_channels_have_nothing_to_say() -> None:
    assert scanned(noise()).notes() == []


def test_dead_channels_are_numbered_from_one() -> None:
    signals = noise()
    signals[2] = 0
    signals[4] *= 1e-3  # 60 dB below the others
    found = scanned(signals)
    assert found.dead == {3: 1.0, 5: 1.0}
    assert found.notes() == ["channel 3 is silent", "channel 5 is silent"]


def test_a_weak_channel_is_not_dead() -> None:
    signals = noise()
    signals[1] *= 0.01  # 40 dB
    assert scanned(signals).dead == {}


def test_a_channel_that_drops_out_is_told_with_its_share() -> None:
    signals = noise()
    signals[0, RATE : 2 * RATE] = 0
    found = scanned(signals)
    assert found.dead == {1: 0.25}
    assert found.notes() == ["channel 1 is silent in 25 % of the recording"]


def test_pauses_of_all_make_nobody_dead() -> None:
    signals = noise()
    signals[:, RATE : 3 * RATE] = 0
    assert scanned(signals).notes() == []


def test_a_silent_recording_is_told() -> None:
    assert scanned(np.zeros((4, RATE), dtype=np.float32)).notes() == ["the whole recording is silent"]


def test_copies_are_told_and_the_dead_are_no_copies() -> None:
    signals = noise()
    signals[3] = signals[5] = signals[1]
    signals[0] = signals[2] = 0
    found = scanned(signals)
    assert found.copies == ((2, 4, 6),)
    assert set(found.dead) == {1, 3}
    assert "channels 2, 4 and 6 are the same" in found.notes()


def test_channels_that_agree_for_a_while_are_no_copies() -> None:
    signals = noise()
    signals[1, : 3 * RATE] = signals[0, : 3 * RATE]
    assert scanned(signals).copies == ()


@pytest.mark.parametrize("ceiling", [1.0, 32767 / 32768])
def test_clipping_is_counted(ceiling: float) -> None:
    signals = noise()
    signals[1] = np.clip(20 * signals[1], -ceiling, ceiling)
    found = scanned(signals)
    by_hand, run = 0, 0
    for index, value in enumerate(signals[1]):
        run = run + 1 if index and value == signals[1][index - 1] else 1
        if abs(value) == np.float32(ceiling) and run >= 3:
            by_hand += 3 if run == 3 else 1
    assert set(found.clipped) == {2}
    assert by_hand > 100
    assert found.clipped[2] == pytest.approx(by_hand, abs=8)  # runs across blocks
    assert found.notes() == [f"clipped: channel 2 ({found.clipped[2]} samples)"]


def test_single_full_peaks_are_not_clipping() -> None:
    signals = noise()
    signals[0, ::100] = 1.0
    assert scanned(signals).clipped == {}


# ---------------------------------------------------------------- without them


def plane_wave(array: MicrophoneArray, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A band of noise (T,) and what the array records of it (M, T)."""
    spectrum = np.fft.rfft(np.random.default_rng(1).normal(size=8192))
    frequencies = np.fft.rfftfreq(8192, 1 / RATE)
    spectrum[(frequencies < 500) | (frequencies > 3000)] = 0
    source = np.fft.irfft(spectrum) * np.hanning(8192) ** 0.25
    response = array.manifold(frequencies, direction)[:, :, 0].T
    return source, np.fft.irfft(response * np.fft.rfft(source), 8192).astype(np.float32)


def test_the_rest_is_encoded_right_without_the_dead() -> None:
    array, direction = preset("em32"), unit_vector(40.0, 20.0)
    source, signals = plane_wave(array, direction)
    signals[[4, 19]] = 0
    ideal = spherical_harmonics(2, direction)[:, None] * source

    def error(found: np.ndarray) -> float:
        return float(np.linalg.norm(found[1:9] - ideal[1:9]) / np.linalg.norm(ideal[1:9]))

    kept = np.setdiff1d(np.arange(32), [4, 19])
    rest = without_capsules(array, [5, 20])
    assert error(encode(signals, array, 2)[0]) > 0.2
    assert error(encode(signals[kept], rest, 2)[0]) < 0.12


@pytest.mark.parametrize("name", ["em32", "tetrahedral", "circle6"])
def test_arrays_keep_all_else(name: str) -> None:
    array = preset(name)
    rest = without_capsules(array, [2])
    kept = np.setdiff1d(np.arange(array.microphones), [1])
    directions = fibonacci_grid(20)
    np.testing.assert_allclose(
        rest.manifold([300.0, 3000.0], directions), array.manifold([300.0, 3000.0], directions)[:, kept]
    )
    assert without_capsules(array, []) is array


def test_measured_responses_keep_all_else() -> None:
    directions = fibonacci_grid(40)
    impulses = np.random.default_rng(0).normal(size=(40, 3, 64)).astype(np.float32)
    array = MicrophoneArray("m", np.eye(3) * 0.05, measured=MeasuredResponses(directions, impulses, RATE, 20.0))
    rest = without_capsules(array, [1])
    assert rest.measured is not None
    np.testing.assert_array_equal(rest.measured.impulses, impulses[:, 1:])
    assert rest.measured.zero == 20.0
    assert encoder_filters(rest).fir.shape[1] == 2


def test_no_capsule_left_is_refused() -> None:
    with pytest.raises(InputError, match="binaural: none of its 2 microphones remains"):
        without_capsules(preset("binaural"), [1, 2])
