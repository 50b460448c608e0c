"""Array to ambisonics: simulated plane waves come back from their directions, where the mask says they can."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial_lalm.audio.arrays import MicrophoneArray
from spatial_lalm.audio.conventions import (
    acn_orders,
    angle_between,
    angles,
    rotate,
    rotation_matrix,
    spherical_harmonics,
    unit_vector,
    wrap_degrees,
)
from spatial_lalm.audio.encoding import (
    SENSOR_SNR_DB,
    TAPS,
    EncodingFilters,
    encode,
    encoder_filters,
    encoding_quality,
    fibonacci_grid,
    levelled_filters,
    mel_centres,
)
from spatial_lalm.audio.presets import preset, preset_names, preset_summary
from spatial_lalm.errors import InputError

RATE = 16_000
W, Y, Z, X = range(4)


def noise(low_hz: float, high_hz: float, samples: int = 8192, seed: int = 0) -> np.ndarray:
    """Band-limited noise (samples,) with silent ends, so that nothing wraps around."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.normal(size=samples))
    frequencies = np.fft.rfftfreq(samples, 1 / RATE)
    spectrum[(frequencies < low_hz) | (frequencies > high_hz)] = 0
    return np.fft.irfft(spectrum, samples) * np.hanning(samples) ** 0.25


def record(array: MicrophoneArray, source: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """What the array records of a plane wave: signals (M, T) from the manifold."""
    frequencies = np.fft.rfftfreq(len(source), 1 / RATE)
    response = array.manifold(frequencies, direction)[:, :, 0].T  # (M, F)
    return np.fft.irfft(response * np.fft.rfft(source), len(source)).astype(np.float32)


def intensity(signals: np.ndarray) -> np.ndarray:
    """Direction (3,) of the mean active intensity of first-order signals (4, T)."""
    return np.array([np.mean(signals[W] * signals[channel]) for channel in (X, Y, Z)])


def band(filters: EncodingFilters, channel: int, low_hz: float, high_hz: float) -> np.ndarray:
    """Quality of a channel in the bands between two frequencies."""
    centres = mel_centres()
    return filters.quality[channel, (centres > low_hz) & (centres < high_hz)]


# ---------------------------------------------------------------- helpers


def test_mel_centres_are_evenly_spaced_on_the_htk_scale() -> None:
    centres = mel_centres(64, RATE)
    mel = 2595 * np.log10(1 + centres / 700)
    spacing = 2595 * np.log10(1 + 8000 / 700) / 65
    np.testing.assert_allclose(np.diff(mel, prepend=0), spacing)
    assert len(centres) == 64
    assert centres[-1] < 8000


def test_grid_integrates_low_harmonics() -> None:
    harmonics = spherical_harmonics(3, fibonacci_grid())
    gram = harmonics.T @ harmonics / len(harmonics)
    np.testing.assert_allclose(gram, np.diag(1 / (2 * acn_orders(3) + 1)), atol=2e-3)


# ---------------------------------------------------------------- plane waves


@pytest.mark.parametrize("name", ["em32", "zylia", "tetrahedral"])
@pytest.mark.parametrize(("azimuth", "elevation"), [(0, 0), (75, 30), (-130, -45), (180, 10)])
def test_plane_wave_comes_back_from_its_direction(name: str, azimuth: float, elevation: float) -> None:
    direction = unit_vector(azimuth, elevation)
    encoded, _ = encode(record(preset(name), noise(400, 2500), direction), preset(name))
    assert angle_between(intensity(encoded), direction) < 2


@pytest.mark.parametrize("name", ["circle6", "circle8", "respeaker4", "respeaker6", "respeaker7"])
@pytest.mark.parametrize("azimuth", [-170, -60, 0, 40, 100])
def test_planar_arrays_hear_azimuth(name: str, azimuth: float) -> None:
    encoded, _ = encode(record(preset(name), noise(500, 1500), unit_vector(azimuth, 20.0)), preset(name))
    heard, _ = angles(intensity(encoded))
    assert abs(wrap_degrees(heard - azimuth)) < 3


@pytest.mark.parametrize("order", [2, 3])
@pytest.mark.parametrize("name", ["em32", "zylia"])
def test_higher_orders_beam_at_the_source(name: str, order: int) -> None:
    direction, grid = unit_vector(-50.0, 25.0), fibonacci_grid(2000)
    encoded, quality = encode(record(preset(name), noise(1800, 3000), direction), preset(name), order)
    weights = spherical_harmonics(order, grid) * (2 * acn_orders(order) + 1)
    power = np.mean((weights @ encoded) ** 2, axis=1)
    assert encoded.shape == ((order + 1) ** 2, 8192)
    assert quality.shape == ((order + 1) ** 2, 64)
    assert angle_between(grid[power.argmax()], direction) < 5


def test_encoded_field_is_the_ideal_one_in_level_and_time() -> None:
    """Where the mask is near 1 the signals themselves agree: no delay, no wrap, no change of level or sign."""
    source, direction = noise(500, 4000), unit_vector(110.0, -20.0)
    encoded, _ = encode(record(preset("em32"), source, direction), preset("em32"))
    ideal = spherical_harmonics(1, direction)[:, None] * source
    assert np.linalg.norm(encoded - ideal) < 0.05 * np.linalg.norm(ideal)


def test_turning_the_array_turns_the_field() -> None:
    turn = rotation_matrix(70, 25, -40)
    array = preset("zylia")
    turned = MicrophoneArray("turned", array.positions @ turn.T, array.rigid_radius_m)
    signals = record(array, noise(500, 2500), unit_vector(10.0, 5.0))
    straight, turned_field = encode(signals, array)[0], encode(signals, turned)[0]
    expected = rotate(straight, turn)
    assert np.linalg.norm(turned_field - expected) < 0.03 * np.linalg.norm(expected)


def test_mirrored_array_flips_y_alone() -> None:
    array = preset("zylia")
    mirrored = MicrophoneArray("mirrored", array.positions * [1, -1, 1], array.rigid_radius_m)
    signals = record(array, noise(500, 2500), unit_vector(60.0, 20.0))
    expected = encode(signals, array)[0] * np.array([[1], [-1], [1], [1]])
    assert np.linalg.norm(encode(signals, mirrored)[0] - expected) < 0.03 * np.linalg.norm(expected)


# ---------------------------------------------------------------- convolution


@settings(max_examples=15)
@given(samples=st.integers(1, 20_000), seed=st.integers(0, 100))
def test_encoding_equals_plain_convolution(samples: int, seed: int) -> None:
    """Linear, aligned and whole at every length, shorter than the filters or longer than a block."""
    signals = np.random.default_rng(seed).normal(size=(2, samples)).astype(np.float32)
    filters = encoder_filters(preset("binaural"))
    encoded, _ = encode(signals, preset("binaural"))
    size = 1 << (samples + TAPS).bit_length()
    spectrum = np.einsum("cmf,mf->cf", np.fft.rfft(filters.fir, size), np.fft.rfft(signals, size))
    expected = np.fft.irfft(spectrum, size)[:, filters.delay : filters.delay + samples]
    np.testing.assert_allclose(encoded, expected, atol=1e-4)
    assert encoded.dtype == np.float32


def test_silence_stays_silence() -> None:
    encoded, _ = encode(np.zeros((4, 1000), dtype=np.float32), preset("tetrahedral"))
    np.testing.assert_array_equal(encoded, 0)


@pytest.mark.parametrize("shape", [(3, 100), (5, 100), (4,), (1, 4, 100)])
def test_signals_must_fit_the_array(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="tetrahedral: it has 4 microphones"):
        encode(np.zeros(shape, dtype=np.float32), preset("tetrahedral"))


# ---------------------------------------------------------------- filters and quality


@pytest.mark.parametrize("name", preset_names())
def test_filters_are_whole_and_quality_is_a_share(name: str) -> None:
    filters = encoder_filters(preset(name))
    assert filters.fir.shape == (4, preset(name).microphones, TAPS)
    assert filters.quality.shape == (4, 64)
    assert np.isfinite(filters.fir).all()
    assert filters.quality.min() >= 0
    assert filters.quality.max() <= 1
    tail = max(np.abs(filters.fir[..., :8]).max(), np.abs(filters.fir[..., -8:]).max())
    assert tail < 1e-3 * np.abs(filters.fir).max()


@pytest.mark.parametrize("name", ["circle6", "circle8", "respeaker4", "respeaker6", "respeaker7", "linear4"])
def test_planar_arrays_know_nothing_of_height(name: str) -> None:
    assert encoder_filters(preset(name)).quality[Z].max() < 0.02


@pytest.mark.parametrize("name", ["binaural", "linear4"])
def test_two_ears_and_lines_know_left_and_right_alone(name: str) -> None:
    filters = encoder_filters(preset(name))
    assert filters.quality[[X, Z]].max() < 0.02
    assert band(filters, Y, 200, 800).min() > 0.9


@pytest.mark.parametrize("name", ["em32", "zylia", "tetrahedral"])
def test_full_arrays_are_trusted_in_the_middle(name: str) -> None:
    filters = encoder_filters(preset(name))
    for channel in (W, Y, Z, X):
        assert band(filters, channel, 300, 1500).min() > 0.9


def test_wider_arrays_are_better_at_low_and_worse_at_high_frequency() -> None:
    """Noise gain falls with kr, spatial aliasing begins where kr reaches the number of microphones."""
    narrow, wide = (
        encoder_filters(MicrophoneArray("circle", preset("circle6").positions * scale)) for scale in (0.5, 2.0)
    )
    assert band(wide, X, 50, 300).mean() > band(narrow, X, 50, 300).mean() + 0.1
    assert band(wide, X, 3000, 5000).mean() < band(narrow, X, 3000, 5000).mean() - 0.1


@pytest.mark.parametrize("name", ["em32", "circle6", "glasses"])
def test_quality_is_what_the_filters_do(name: str) -> None:
    """The realised filters, tried on another grid of directions with sensor noise, err as much as the mask says."""
    array, filters, directions = preset(name), encoder_filters(preset(name)), fibonacci_grid(1117)
    target = spherical_harmonics(1, directions).T
    for index in (20, 30, 40):
        frequency = mel_centres()[index]
        phase = np.exp(-2j * np.pi * frequency / RATE * (np.arange(TAPS) - filters.delay))
        realised = filters.fir @ phase  # (C, M)
        manifold = array.manifold(frequency, directions)[0]
        noise_power = np.mean(np.abs(manifold) ** 2) * 10 ** (-SENSOR_SNR_DB / 10)
        error = np.mean(np.abs(realised @ manifold - target) ** 2, axis=1)
        error += noise_power * np.sum(np.abs(realised) ** 2, axis=1)
        modelled = 1 - error / np.mean(target**2, axis=1)
        np.testing.assert_allclose(modelled[1:], filters.quality[1:, index], atol=0.02)


@pytest.mark.parametrize("name", ["circle6", "binaural", "glasses"])
def test_omni_keeps_its_level_in_a_diffuse_field(name: str) -> None:
    """Above aliasing the direction is lost but the sound must not be."""
    filters, directions = encoder_filters(preset(name)), fibonacci_grid(1117)
    for frequency in (500.0, 2000.0, 3500.0):
        phase = np.exp(-2j * np.pi * frequency / RATE * (np.arange(TAPS) - filters.delay))
        omni = (filters.fir[W] @ phase) @ preset(name).manifold(frequency, directions)[0]
        assert 10 * np.log10(np.mean(np.abs(omni) ** 2)) == pytest.approx(0, abs=2)


def test_nothing_but_omni_at_zero_hertz() -> None:
    filters = encoder_filters(preset("em32"))
    total = filters.fir.sum(axis=2)
    assert total[W].sum() == pytest.approx(1, abs=0.05)
    assert np.abs(total[1:]).max() < 0.05 * np.abs(np.fft.rfft(filters.fir[1:])).max()


def test_design_is_kept_by_content() -> None:
    twin = MicrophoneArray("twin", preset("circle6").positions)
    assert encoder_filters(twin) is encoder_filters(preset("circle6"))
    assert encoder_filters(twin) is encoder_filters(twin, rate=RATE, order=1)
    with pytest.raises(ValueError, match="read-only"):
        encoder_filters(twin).quality[0, 0] = 0.0


@pytest.mark.parametrize("name", ["zylia", "tetrahedral", "glasses"])
def test_permuting_microphones_with_their_geometry_changes_nothing(name: str) -> None:
    array, order = preset(name), np.random.default_rng(5).permutation(preset(name).microphones)
    look = None if array.look is None else array.look[order]
    shuffled = MicrophoneArray(
        "shuffled", array.positions[order], array.rigid_radius_m, np.asarray(array.directivity)[order], look
    )
    signals = np.random.default_rng(0).normal(size=(array.microphones, 5000)).astype(np.float32)
    straight, crossed = encode(signals, array), encode(signals[order], shuffled)
    scale = float(np.abs(straight[0]).max())
    np.testing.assert_allclose(crossed[0], straight[0], atol=2e-5 * scale)
    np.testing.assert_allclose(crossed[1], straight[1], atol=1e-5)


def test_gain_goes_through() -> None:
    signals = np.random.default_rng(0).normal(size=(4, 3000)).astype(np.float32)
    loud, plain = (encode(gain * signals, preset("tetrahedral"))[0] for gain in (np.float32(8), np.float32(1)))
    np.testing.assert_allclose(loud, 8 * plain, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["em32", "circle6"])
def test_other_rates_encode_the_same_field(name: str) -> None:
    """The mask at the same frequency is the same whatever the rate, and so is what the filters do there."""
    hertz = np.array([200.0, 1000.0, 3000.0])
    found = []
    for rate in (16_000, 48_000):
        filters = encoder_filters(preset(name), 1, rate)
        phase = np.exp(-2j * np.pi * hertz[:, None] / rate * (np.arange(filters.fir.shape[2]) - filters.delay))
        found.append(np.einsum("cmt,ft->fcm", filters.fir, phase))
        mask = np.array([np.interp(hertz, mel_centres(rate=rate), channel) for channel in filters.quality])
        found.append(mask)
    np.testing.assert_allclose(found[0], found[2], atol=2e-3 * np.abs(found[0]).max())
    np.testing.assert_allclose(found[1], found[3], atol=0.02)


def test_quality_alone_is_that_of_the_filters() -> None:
    for name in ("em32", "glasses"):
        np.testing.assert_array_equal(
            encoding_quality(preset(name), 1, 24_000), encoder_filters(preset(name), 1, 24_000).quality
        )


@pytest.mark.parametrize("name", preset_names())
def test_presets_are_told_in_one_line(name: str) -> None:
    assert 10 < len(preset_summary(name)) < 70
    assert "\n" not in preset_summary(name)


def test_order_beyond_three_is_refused() -> None:
    with pytest.raises(InputError, match="order 4 is not supported"):
        encoder_filters(preset("em32"), 4)


# ---------------------------------------------------------------- for the network


def test_levelled_channels_have_their_level_where_they_are_trusted() -> None:
    """The mean over directions of what is heard of a harmonic is that harmonic, once."""
    array, grid, hertz = preset("glasses"), fibonacci_grid(), mel_centres()[4:40]
    filters = levelled_filters(array)
    times_s = (np.arange(filters.fir.shape[2]) - filters.delay) / 16_000
    response = np.einsum("cmt,tf->fcm", filters.fir, np.exp(-2j * np.pi * times_s[:, None] * hertz))
    heard = np.einsum("fcm,fmd->fcd", response, array.manifold(hertz, grid))
    harmonics = spherical_harmonics(1, grid).T
    level = np.einsum("fcd,cd->cf", heard, harmonics).real / np.square(harmonics).sum(1)[:, None]
    trusted = filters.quality[1:, 4:40] > 0.4
    assert trusted.sum() > 40
    assert np.abs(level[1:][trusted] - 1).max() < 0.1


def test_levelled_channels_do_not_pull_directions_to_the_side() -> None:
    array, azimuths = preset("glasses"), np.array([-60.0, -45.0, -30.0, 15.0, 30.0, 45.0])
    pulled = {}
    for levelled in (False, True):
        fields = [
            encode(record(array, noise(300, 1200), unit_vector(azimuth, 0.0)), array, levelled=levelled)[0]
            for azimuth in azimuths
        ]
        told = np.degrees([np.arctan2(*intensity(field)[[1, 0]]) for field in fields])
        pulled[levelled] = np.mean(np.abs(told) - np.abs(azimuths))
    assert abs(pulled[True]) < 0.75 * pulled[False], pulled


def test_levelled_filters_of_a_good_array_are_the_plain_ones() -> None:
    array = preset("em32")
    plain, levelled = encoder_filters(array), levelled_filters(array)
    assert np.array_equal(plain.quality, levelled.quality)
    assert np.abs(plain.fir - levelled.fir).max() < 0.1 * np.abs(plain.fir).max()
