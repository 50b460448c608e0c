"""The reference engine: what it does by itself, what our wrapper makes of it, and that our renderer agrees with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyroomacoustics
import pytest
from numpy.typing import NDArray
from pyroomacoustics.parameters import constants
from scipy.signal import butter, sosfilt

from spatial_lalm.audio.conventions import angle_between, spherical_harmonics, unit_vector
from spatial_lalm.audio.scene import Room
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.engine import images
from spatial_lalm.simulation.engine.decay import SEAM_S, high_pass_response, mixing_time
from spatial_lalm.simulation.engine.paths import Path
from spatial_lalm.simulation.engine.render import render_responses
from spatial_lalm.simulation.pyroom import image_order, reference_response
from spatial_lalm.simulation.receivers import ambisonic_receiver
from spatial_lalm.simulation.recipe import SourceRecipe
from spatial_lalm.simulation.room import sample_receiver, sample_source

Floats = NDArray[np.floating[Any]]
RATE = 16_000
ROOM = Room((6.0, 5.0, 3.0), (0.2, 0.35, 0.25, 0.3, 0.15, 0.4))
SOURCE = np.array([4.3, 3.6, 1.9])
RECEIVER = np.array([2.1, 1.7, 1.2])


def delay_samples(response: Floats, half_width: int = 24) -> float:
    """Sub-sample arrival of the strongest peak, by the phase slope of the spectrum around it."""
    peak = int(np.argmax(np.abs(response)))
    start = max(0, peak - half_width)
    spectrum = np.fft.rfft(response[start : peak + half_width], 1024)[1:200]
    slope = np.polyfit(np.arange(1, 200), np.unwrap(np.angle(spectrum)), 1)[0]
    return start - float(slope) * 1024 / (2 * np.pi)


def test_raw_engine_is_40_samples_late_and_has_amplitude_one_over_distance() -> None:
    distance = 32 * 343.0 / RATE  # a whole number of samples, so that the peak is the amplitude
    box = pyroomacoustics.ShoeBox([6, 5, 3], fs=RATE, max_order=0)
    box.add_source([2.0 + distance, 2.0, 1.5])
    box.add_microphone([2.0, 2.0, 1.5])
    box.compute_rir()
    raw = np.asarray(box.rir[0][0])
    assert int(np.argmax(raw)) == 32 + 40
    assert raw.max() == pytest.approx(1 / distance, rel=0.01)


@pytest.mark.parametrize("vector", [(2.0, 0.3, 0.4), (-1.2, 1.1, -0.6), (0.4, -1.5, 0.9)])
def test_direct_sound_has_delay_amplitude_and_direction(vector: tuple[float, float, float]) -> None:
    receiver = np.array([3.0, 2.5, 1.5])
    taps = reference_response(ROOM, receiver + vector, receiver, max_order=0)
    distance = float(np.linalg.norm(vector))
    assert delay_samples(taps[0]) == pytest.approx(distance / 343.0 * RATE, abs=0.5)
    assert taps[0].sum() == pytest.approx(1 / distance, rel=0.02)
    intensity = taps[[3, 1, 2]] @ taps[0]
    assert angle_between(intensity, vector) < 0.1


def test_high_pass_is_off_inside_and_as_before_outside() -> None:
    before = constants.get("rir_hpf_enable")
    taps = reference_response(ROOM, SOURCE, RECEIVER, max_order=0)
    assert abs(taps[0].sum()) > 0.9 / float(np.linalg.norm(SOURCE - RECEIVER))  # a high-pass leaves no DC
    assert constants.get("rir_hpf_enable") == before


def test_channels_are_acn_sn3d_up_to_order_two() -> None:
    receiver = np.array([3.0, 2.5, 1.5])
    for azimuth, elevation in ((37.0, 21.0), (-140.0, -48.0), (95.0, 60.0)):
        direction = unit_vector(azimuth, elevation)
        taps = reference_response(ROOM, receiver + direction, receiver, order=2, max_order=0)
        gains = taps @ taps[0] / (taps[0] @ taps[0])
        np.testing.assert_allclose(gains, spherical_harmonics(2, direction[None])[0], atol=1e-5)


def test_reciprocity_of_the_pressure() -> None:
    there = reference_response(ROOM, SOURCE, RECEIVER, max_order=6)[0]
    back = reference_response(ROOM, RECEIVER, SOURCE, max_order=6)[0]
    assert np.abs(there - back).max() < 1e-3 * np.abs(there).max()


def test_default_image_order_grows_with_reverberation_and_has_a_cap() -> None:
    dry, wet, stone = (Room(ROOM.dimensions_m, (a,) * 6) for a in (0.6, 0.3, 0.001))
    assert image_order(dry) < image_order(wet) < image_order(stone) == 60


def test_position_outside_the_room_is_refused() -> None:
    with pytest.raises(InputError, match="source at"):
        reference_response(ROOM, (7.0, 1.0, 1.0), RECEIVER)
    with pytest.raises(InputError, match="receiver at"):
        reference_response(ROOM, SOURCE, (1.0, 1.0, 0.0))


def middle_band(taps: Floats, samples: int) -> Floats:
    """The first samples between 100 Hz and 4 kHz, where the engines' interpolations are flat."""
    spectrum = np.fft.rfft(taps[:, :samples], 2 * samples)
    frequency = np.fft.rfftfreq(2 * samples, 1 / RATE)
    spectrum[:, (frequency < 100) | (frequency > 4000)] = 0
    return np.asarray(np.fft.irfft(spectrum, 2 * samples)[:, :samples])


def high_passed(taps: Floats) -> Floats:
    """Responses through our engine's high-pass, which turns the phase far above its corner."""
    size = 2 * taps.shape[1]
    response = high_pass_response(np.fft.rfftfreq(size, 1 / RATE))
    return np.asarray(np.fft.irfft(np.fft.rfft(taps, size) * response, size)[:, : taps.shape[1]])


@pytest.fixture
def without_air(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference has no air absorption."""
    monkeypatch.setattr(images, "air_rates", lambda: np.zeros(6))


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.usefixtures("without_air")
def test_our_image_sources_agree_with_the_reference_engine(full: bool) -> None:
    """Every channel up to order 2, waveform and energy: up to the seam, or 60 ms of images alone."""
    ours = render_responses([Path(ROOM, SOURCE, RECEIVER)], ambisonic_receiver(2), RATE, full)[0].taps
    reference = high_passed(reference_response(ROOM, SOURCE, RECEIVER, order=2, max_order=20))
    assert delay_samples(ours[0][:200]) == pytest.approx(delay_samples(reference[0][:200]), abs=0.1)
    seam_s = mixing_time(Path(ROOM, SOURCE, RECEIVER)) - SEAM_S
    early = int((0.06 if full else seam_s) * RATE) - 16
    a, b = middle_band(ours, early), middle_band(reference, early)
    level_db = 10 * np.log10(np.sum(a**2, axis=1) / np.sum(b**2, axis=1))
    correlation = np.sum(a * b, axis=1) / np.sqrt(np.sum(a**2, axis=1) * np.sum(b**2, axis=1))
    assert early > 0.03 * RATE
    assert np.abs(level_db).max() < 0.1
    assert correlation.min() > 0.999


@pytest.mark.usefixtures("without_air")
def test_our_late_field_continues_at_the_level_of_the_reference_engine() -> None:
    """The 40 ms after the seam have the energy of the exact images they stand for, at 1 to 2 kHz.

    Lower down, images of equal sign pile up (a shoebox's modes), which a diffuse field does not do.
    One place differs from the diffuse mean by a decibel or two, so the mean over places is compared.
    """
    room = Room((5.0, 4.0, 2.7), (0.25,) * 6)
    band = butter(4, [1000, 2000], "band", fs=RATE, output="sos")

    def level(response: Floats, start: int) -> float:
        return float(10 * np.log10(np.sum(sosfilt(band, response)[start : start + 640] ** 2)))

    differences = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        receiver = sample_receiver(rng, room)
        source = sample_source(rng, room, receiver, SourceRecipe())
        paths = [Path(room, source, receiver, seed=noise) for noise in range(4)]
        start = int(mixing_time(paths[0]) * RATE)
        ours = [level(one.omni, start) for one in render_responses(paths, ambisonic_receiver(0), RATE)]
        reference = reference_response(room, source, receiver, order=0, max_order=20)[0]
        differences.append(np.mean(ours) - level(reference, start))
    assert abs(np.mean(differences)) < 1.0
