"""Sources and receivers on the move: what is at rest stays as it was, pitch and level and direction follow the way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.signal import oaconvolve

from spatial_lalm.audio.conventions import ambisonic_rotation, angle_between, rotation_matrix
from spatial_lalm.audio.scene import Room
from spatial_lalm.simulation.engine.moving import STEP_S, knot_count, render_moving
from spatial_lalm.simulation.engine.paths import SPEED_OF_SOUND, Path
from spatial_lalm.simulation.engine.render import render_responses
from spatial_lalm.simulation.receivers import ambisonic_receiver

Floats = NDArray[np.floating[Any]]
RATE = 16_000
FIELD = Room((100.0, 100.0, 100.0), (1.0,) * 6)
ROOM = Room((6.0, 5.0, 3.0), (0.3, 0.35, 0.25, 0.3, 0.25, 0.4))
MIDDLE = np.array([50.0, 50.0, 50.0])
FOA = ambisonic_receiver(1)


def noise(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=round(seconds * RATE)).astype(np.float32)


def tone(hertz: float, seconds: float) -> NDArray[np.float32]:
    return np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE).astype(np.float32)


def knots(dry: Floats) -> Floats:
    """Times of the knots in seconds."""
    return np.arange(knot_count(len(dry), RATE)) * STEP_S


def along(dry: Floats, positions: Floats, receiver: Floats = MIDDLE, room: Room = FIELD) -> list[Path]:
    """Paths of a source that is at ``positions (H, 3)`` at the knots."""
    assert len(positions) == len(knots(dry))
    return [Path(room, position, receiver) for position in positions]


def level_of(signal: Floats, hertz: float) -> tuple[Floats, Floats]:
    """Frequency in Hz and amplitude over time of a tone ``(T,)``, by its analytic signal."""
    spectrum = np.fft.fft(signal)
    frequency = np.fft.fftfreq(len(signal), 1 / RATE)
    spectrum[(frequency < 0.5 * hertz) | (frequency > 2 * hertz)] = 0
    analytic = 2 * np.fft.ifft(spectrum)
    return np.diff(np.unwrap(np.angle(analytic))) * RATE / (2 * np.pi), np.abs(analytic)


# ---------------------------------------------------------------- at rest


@pytest.mark.parametrize("order", [1, 2])
def test_what_stands_still_is_the_plain_convolution(order: int) -> None:
    """In open air with a ground: a room's late field begins at another moment for what moves.

    White noise up to 8 kHz, where reading between the samples is least exact: -40 dB there, -50 dB in all.
    """
    room = Room((100.0, 100.0, 100.0), (1.0, 1.0, 1.0, 1.0, 0.2, 1.0))
    receiver, source = np.array([50.0, 50.0, 1.5]), np.array([52.3, 48.1, 2.2])
    dry = noise(0.5)
    ideal = ambisonic_receiver(order)
    moving = render_moving(dry, along(dry, np.tile(source, (len(knots(dry)), 1)), receiver, room), ideal, RATE)
    taps = render_responses([Path(room, source, receiver)], ideal, RATE)[0].taps
    plain = oaconvolve(dry[None], taps, axes=1)
    count = min(plain.shape[1], moving.shape[1])
    difference = moving[:, :count] - plain[:, :count]
    assert np.sqrt(np.mean(difference**2)) < 3e-3 * np.sqrt(np.mean(plain**2))
    spectrum = np.fft.rfft(difference[0], 16_384)[: int(5000 / RATE * 16_384)]
    assert np.linalg.norm(spectrum) < 1e-3 * np.linalg.norm(np.fft.rfft(plain[0], 16_384)[: len(spectrum)])


def test_room_at_rest_has_the_energy_of_the_plain_convolution() -> None:
    dry = noise(1.0)
    source, receiver = np.array([4.3, 3.6, 1.9]), np.array([2.1, 1.7, 1.2])
    moving = render_moving(dry, along(dry, np.tile(source, (len(knots(dry)), 1)), receiver, ROOM), FOA, RATE)
    taps = render_responses([Path(ROOM, source, receiver)], FOA, RATE)[0].taps
    plain = oaconvolve(dry[None], taps, axes=1)
    ratio_db = 10 * np.log10(np.sum(moving**2, axis=1) / np.sum(plain**2, axis=1))
    assert np.abs(ratio_db).max() < 1.0


def test_wrong_number_of_knots_is_refused() -> None:
    dry = noise(0.5)
    with pytest.raises(ValueError, match="3 knots for 8000 samples: 11 are needed"):
        render_moving(dry, along(dry, np.tile(MIDDLE + 1, (11, 1)))[:3], FOA, RATE)


# ---------------------------------------------------------------- direct sound


@pytest.mark.parametrize("speed", [10.0, -10.0, 2.0])
def test_pitch_has_its_doppler_shift(speed: float) -> None:
    """A source that goes away at v is heard at f / (1 + v / c) over the whole way, with no beat."""
    dry = tone(1000.0, 1.0)
    way = np.outer(15.0 + speed * knots(dry), [0.6, 0.8, 0.0])
    heard = render_moving(dry, along(dry, MIDDLE + way), FOA, RATE)[0]
    frequency, _ = level_of(heard, 1000.0)
    middle = frequency[int(0.25 * RATE) : int(0.85 * RATE)]
    expected = 1000.0 / (1 + speed / SPEED_OF_SOUND)
    assert np.mean(middle) == pytest.approx(expected, rel=2e-4)
    assert np.abs(middle - expected).max() < 3.0


def test_level_falls_with_the_distance() -> None:
    """As 1 / distance at the moment at which the sound left."""
    dry = tone(500.0, 2.0)
    times = knots(dry)
    heard = render_moving(dry, along(dry, MIDDLE + np.outer(2.0 + 3.0 * times, [1.0, 0.0, 0.0])), FOA, RATE)[0]
    _, amplitude = level_of(heard, 500.0)
    moment = np.arange(int(0.2 * RATE), int(1.9 * RATE))
    left = (moment / RATE - 2.0 / SPEED_OF_SOUND) / (1 + 3.0 / SPEED_OF_SOUND)
    np.testing.assert_allclose(amplitude[moment] * (2.0 + 3.0 * left), 1.0, atol=0.02)


def test_direction_follows_the_way() -> None:
    """Intensity of 100 ms of a source that circles at 60 degrees a second, rising, within a degree."""
    dry = noise(3.0)

    def place(times: Floats) -> Floats:
        turn = np.radians(-90 + 60 * times)
        return np.stack([2 * np.cos(turn), 2 * np.sin(turn), 0.4 * times - 0.5], axis=-1)

    heard = render_moving(dry, along(dry, MIDDLE + place(knots(dry))), FOA, RATE).astype(float)
    for start in range(1600, 46_400, 1600):
        part = heard[:, start : start + 1600]
        when = (start + 800) / RATE - np.linalg.norm(place(np.array(start / RATE))) / SPEED_OF_SOUND
        assert angle_between(part[[3, 1, 2]] @ part[0], place(np.array(when))) < 1.0


def test_onset_arrives_after_the_travel_time() -> None:
    """Also of a source that moves, whose delay is that of the moment of leaving."""
    dry = np.zeros(RATE, np.float32)
    dry[8000] = 1.0
    positions = MIDDLE + np.outer(5.0 + 4.0 * knots(dry), [0.0, 1.0, 0.0])
    heard = render_moving(dry, along(dry, positions), FOA, RATE)[0]
    assert np.argmax(np.abs(heard)) == pytest.approx(8000 + 7.0 / SPEED_OF_SOUND * RATE, abs=1.5)


# ---------------------------------------------------------------- no clicks


def test_a_slow_source_in_a_room_does_not_click() -> None:
    """A click is a wide-band burst: what lies far off a 1 kHz tone stays as low as with everything at rest.

    Knots are 50 ms apart and the source goes 5 cm meanwhile; before its onset and after its end are left out.
    """
    dry = tone(1000.0, 1.2)
    receiver = np.array([2.1, 1.7, 1.2])
    positions = np.array([4.3, 3.6, 1.9]) + np.outer(knots(dry), [-1.0, 0.2, 0.0])
    inner = slice(int(0.5 * RATE), int(1.15 * RATE))
    window = np.hanning(512)
    worst = []
    for places in (positions, np.tile(positions[0], (len(positions), 1))):
        heard = render_moving(dry, along(dry, places, receiver, ROOM), FOA, RATE)[0, inner].astype(float)
        parts = np.lib.stride_tricks.sliding_window_view(heard, 512)[::64] * window
        power = np.abs(np.fft.rfft(parts, axis=1)) ** 2
        off = np.abs(np.fft.rfftfreq(512, 1 / RATE) - 1000.0) > 500.0
        worst.append(10 * np.log10(power[:, off].sum(axis=1).max() / power.sum(axis=1).mean()))
    moving_db, still_db = worst
    assert still_db < -60
    assert moving_db < -55


def test_second_differences_do_not_jump() -> None:
    """Largest curvature of a 1 kHz tone over its local RMS, as for a pure tone: (2 pi f / fs)^2 sqrt(2)."""
    dry = tone(1000.0, 1.2)
    receiver = np.array([2.1, 1.7, 1.2])
    positions = np.array([4.3, 3.6, 1.9]) + np.outer(knots(dry), [-1.0, 0.2, 0.0])
    heard = render_moving(dry, along(dry, positions, receiver, ROOM), FOA, RATE)[0]
    inner = heard[int(0.5 * RATE) : int(1.15 * RATE)].astype(float)
    curvature = np.abs(np.diff(inner, 2))
    rms = np.sqrt(np.convolve(inner**2, np.ones(160) / 160, mode="same"))[1:-1]
    assert (curvature / rms)[160:-160].max() < 1.3 * np.sqrt(2) * (2 * np.pi * 1000 / RATE) ** 2


# ---------------------------------------------------------------- the receiver moves


def test_turning_receiver_is_the_field_turned() -> None:
    """In free field: each moment's output is the still receiver's, rotated by where it looks then."""
    dry = noise(1.0)
    source = MIDDLE + np.array([1.5, 1.0, 0.6])
    still = [Path(FIELD, source, MIDDLE)] * len(knots(dry))
    turning = [replace(path, facing=rotation_matrix(40.0 * time)) for path, time in zip(still, knots(dry), strict=True)]
    plain, turned = (render_moving(dry, paths, FOA, RATE) for paths in (still, turning))
    for start in range(800, 14_400, 800):
        # The direction of a dry sample is the receiver's at the knots around its leaving.
        expected = ambisonic_rotation(1, rotation_matrix(40.0 * (start + 400) / RATE).T) @ plain[:, start : start + 800]
        found = turned[:, start : start + 800]
        assert np.sqrt(np.mean((found - expected) ** 2)) < 0.03 * np.sqrt(np.mean(expected**2))


def test_moving_receiver_hears_what_a_moving_source_would_be() -> None:
    """In free field only the way between the two matters."""
    dry = noise(0.6)
    offset = np.outer(knots(dry), [0.8, -0.5, 0.1])
    source = MIDDLE + np.array([2.0, 1.0, 0.3])
    carried = [Path(FIELD, source, MIDDLE + step) for step in offset]
    moved = [Path(FIELD, source - step, MIDDLE) for step in offset]
    first, second = (render_moving(dry, paths, FOA, RATE) for paths in (carried, moved))
    np.testing.assert_allclose(first, second, atol=1e-4 * np.abs(first).max())


def test_moving_sound_is_the_sum_of_its_parts() -> None:
    """Linearity: two dry sounds together, a room around them."""
    first, second = noise(0.4, 1), noise(0.4, 2)
    positions = np.array([4.3, 3.6, 1.9]) + np.outer(knots(first), [-1.0, 0.2, 0.0])
    paths = along(first, positions, np.array([2.1, 1.7, 1.2]), ROOM)
    both = render_moving(first + second, paths, FOA, RATE)
    parts = render_moving(first, paths, FOA, RATE) + render_moving(second, paths, FOA, RATE)
    np.testing.assert_allclose(both, parts, atol=1e-4 * np.abs(both).max())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_gpu_renders_the_same() -> None:
    dry = noise(0.5)
    positions = np.linspace([1.0, 1.0, 1.2], [4.0, 3.0, 1.6], len(knots(dry)))
    paths = along(dry, positions, np.array([3.0, 2.0, 1.5]), ROOM)
    cpu, gpu = (render_moving(dry, paths, FOA, RATE, device) for device in ("cpu", "cuda"))
    np.testing.assert_allclose(cpu, gpu, atol=1e-4 * np.abs(cpu).max())
