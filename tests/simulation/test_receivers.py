"""Receivers: their responses against the arrays' manifolds, and their diffuse noise against theory."""

from pathlib import Path

import numpy as np
import pytest
from scipy.signal import csd

from spatial_lalm.audio.arrays import SPEED_OF_SOUND, MicrophoneArray
from spatial_lalm.audio.conventions import acn_orders, rotation_matrix, unit_vector
from spatial_lalm.audio.encoding import fibonacci_grid
from spatial_lalm.audio.measured import MeasuredResponses
from spatial_lalm.audio.presets import preset, preset_names
from spatial_lalm.audio.scene import OCTAVES_HZ
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.acoustics import octave_masks
from spatial_lalm.simulation.array_sampling import sample_array
from spatial_lalm.simulation.diffuse import BANK_SAMPLES
from spatial_lalm.simulation.expansion import harmonics_at
from spatial_lalm.simulation.receivers import (
    CapsuleErrors,
    Receiver,
    ambisonic_receiver,
    array_receiver,
    named_receiver,
)

RATE = 16_000
BINS = 513
STEP = 32
DIRECTIONS = fibonacci_grid(150)
HERTZ = np.linspace(0, RATE / 2, BINS)[::STEP]


def heard(receiver: Receiver, directions: np.ndarray = DIRECTIONS) -> np.ndarray:
    """Plane waves through the response, (F, M, D), at HERTZ."""
    response = receiver.response(BINS, RATE)
    assert response is not None
    assert response.shape == (receiver.channels, (receiver.order + 1) ** 2, BINS)
    return np.einsum("mkf,dk->fmd", response[..., ::STEP], harmonics_at(receiver.order, directions))


def error_db(found: np.ndarray, truth: np.ndarray) -> float:
    """Worst error over frequencies and capsules (F, M, D), over the mean power at that frequency."""
    error = np.mean(np.abs(found - truth) ** 2, axis=2).max(axis=1) / np.mean(np.abs(truth) ** 2, axis=(1, 2))
    return float(10 * np.log10(error.max()))


def pair(distance: float) -> MicrophoneArray:
    """Two omni capsules in the free field."""
    return MicrophoneArray("pair", np.array([[0.0, distance / 2, 0], [0, -distance / 2, 0]]))


# ---------------------------------------------------------------- responses


@pytest.mark.parametrize("name", preset_names())
def test_responses_of_presets_are_their_manifolds(name: str) -> None:
    receiver = named_receiver(name)
    assert receiver.array == preset(name)
    assert error_db(heard(receiver), preset(name).manifold(HERTZ, DIRECTIONS)) < -40


@pytest.mark.parametrize("seed", range(20))
def test_responses_of_random_arrays_are_their_manifolds(seed: int) -> None:
    array = sample_array(np.random.default_rng(seed))
    assert error_db(heard(array_receiver(array)), array.manifold(HERTZ, DIRECTIONS)) < -40


@pytest.mark.parametrize("name", ["em32", "tetrahedral", "glasses", "circle6", "binaural"])
def test_degrees_of_the_bands_leave_little_out(name: str) -> None:
    """Harmonics rendered band by band, each only up to its degree, as the engine does it."""
    receiver = named_receiver(name)
    response = receiver.response(BINS, RATE)
    assert response is not None
    degree = acn_orders(receiver.order)
    kept = octave_masks(BINS, RATE) ** 2  # (B, F)
    weight = sum(share[None] * (degree <= top)[:, None] for share, top in zip(kept, receiver.degrees, strict=True))
    found = np.einsum("mkf,dk->fmd", (response * weight)[..., ::STEP], harmonics_at(receiver.order, DIRECTIONS))
    assert error_db(found, preset(name).manifold(HERTZ, DIRECTIONS)) < -40
    assert len(receiver.degrees) == len(OCTAVES_HZ)
    assert list(receiver.degrees) == sorted(receiver.degrees)
    assert receiver.degrees[-1] == receiver.order
    assert receiver.degrees[0] <= 2  # the point of it: the bass needs few


def test_array_and_sound_turned_together_sound_the_same() -> None:
    turn = rotation_matrix(40, -25, 70)
    given = preset("tetrahedral")
    assert given.look is not None
    turned = MicrophoneArray("turned", given.positions @ turn.T, None, given.directivity, given.look @ turn.T)
    np.testing.assert_allclose(
        heard(array_receiver(turned), DIRECTIONS @ turn.T), heard(array_receiver(given)), atol=3e-3
    )


def test_figure_of_eight_hears_its_harmonic_alone() -> None:
    """At one point, (look.d) is a first-order harmonic: an array of such is ideal ambisonics."""
    look = np.array([[1.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    array = MicrophoneArray("native", np.zeros((4, 3)), None, np.array([1.0, 0, 0, 0]), look)
    receiver = array_receiver(array)
    response = receiver.response(129, RATE)
    assert response is not None
    wanted = np.zeros((4, (receiver.order + 1) ** 2))
    wanted[[0, 1, 2, 3], [0, 3, 1, 2]] = 1.0  # omni, x, y, z in ACN
    np.testing.assert_allclose(response, np.broadcast_to(wanted[..., None], response.shape), atol=1e-6)


def test_any_number_of_bins_samples_one_curve() -> None:
    few, many = (named_receiver("zylia").response(bins, RATE) for bins in (129, 1025))
    assert few is not None
    assert many is not None
    np.testing.assert_allclose(many[..., ::8], few, atol=2e-3)


@pytest.fixture(scope="module")
def measured_head() -> MicrophoneArray:
    """The analytic head as somebody might have measured it, from 400 directions."""
    directions = np.asarray(fibonacci_grid(400))
    hertz = np.fft.rfftfreq(128, 1 / RATE)
    fade = np.clip((8000 - hertz) / 800, 0, 1) * np.exp(-2j * np.pi * hertz * 24 / RATE)
    spectra = preset("binaural").manifold(hertz, directions) * fade[:, None, None]
    impulses = np.fft.irfft(spectra, 128, axis=0).transpose(2, 1, 0).astype(np.float32)
    return MicrophoneArray("head", np.zeros((2, 3)), measured=MeasuredResponses(directions, impulses, RATE, 24.0))


def test_measured_responses_are_fitted(measured_head: MicrophoneArray) -> None:
    receiver = array_receiver(measured_head)
    kept = HERTZ < 7000
    found = heard(receiver)[kept]
    assert error_db(found, measured_head.manifold(HERTZ, DIRECTIONS)[kept]) < -30
    assert error_db(found, preset("binaural").manifold(HERTZ, DIRECTIONS)[kept]) < -25
    assert receiver.degrees[0] <= 3
    assert receiver.degrees[-1] >= 15


@pytest.mark.parametrize(("bins", "rate"), [(65, 16_000), (2049, 16_000), (769, 48_000)])
def test_measured_responses_have_one_curve_at_any_rate(bins: int, rate: int, measured_head: MicrophoneArray) -> None:
    receiver = array_receiver(measured_head)
    fine, other = receiver.response(513, RATE), receiver.response(bins, rate)
    assert fine is not None
    assert other is not None
    hertz = np.linspace(0, rate / 2, bins)
    inside = hertz < 7000
    place = hertz[inside] / (RATE / 2) * 512
    below = place.astype(int)
    wanted = fine[..., below] * (1 - place % 1) + fine[..., below + 1] * (place % 1)
    np.testing.assert_allclose(other[..., inside], wanted, atol=0.02)
    assert not other[..., hertz > 8000].any()


def test_displacements_leave_measured_responses_alone(measured_head: MicrophoneArray) -> None:
    moved = array_receiver(measured_head, CapsuleErrors(position_m=0.01), np.random.default_rng(0))
    np.testing.assert_array_equal(heard(moved), heard(array_receiver(measured_head)))


def test_ideal_ambisonics_needs_no_response() -> None:
    for name, order in (("foa", 1), ("HOA2", 2), ("hoa3", 3)):
        receiver = named_receiver(name)
        assert receiver.response(129, RATE) is None
        assert receiver.array is None
        assert (receiver.channels, receiver.order) == ((order + 1) ** 2, order)
        assert receiver.degrees == (order,) * 6


# ---------------------------------------------------------------- diffuse noise


def coherence(bank: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies (F,) and cross spectra (F, R, R), scaled by the power of W, of a bank's rows."""
    rows = bank.sum(axis=0)
    hertz, spectra = csd(rows[:, None], rows[None], RATE, nperseg=512, axis=-1)
    scaled = spectra.conj().transpose(2, 0, 1) / (1 / (RATE / 2))  # csd conjugates the first
    return hertz, scaled


def test_two_capsules_are_coherent_by_sinc() -> None:
    distance = 0.08
    hertz, found = coherence(array_receiver(pair(distance)).diffuse_bank(RATE))
    inside = (hertz > 150) & (hertz < 7500)
    theory = np.sinc(2 * hertz * distance / SPEED_OF_SOUND)
    level = np.sqrt(found[:, 1, 1].real * found[:, 2, 2].real)
    np.testing.assert_allclose((found[:, 1, 2] / level)[inside], theory[inside], atol=0.22)  # 512 segments overlapping
    assert np.abs((found[:, 1, 2] / level)[inside] - theory[inside]).mean() < 0.06
    half = np.sinc(hertz * distance / SPEED_OF_SOUND)  # the centre is half as far away
    assert np.abs((found[:, 0, 1] / np.sqrt(found[:, 0, 0].real * level))[inside] - half[inside]).mean() < 0.06


@pytest.mark.parametrize("name", ["binaural", "tetrahedral"])
def test_diffuse_noise_has_the_manifolds_mean_cross_spectra(name: str) -> None:
    hertz, found = coherence(named_receiver(name).diffuse_bank(RATE))
    inside = (hertz > 150) & (hertz < 7500)
    directions = fibonacci_grid(900)
    manifold = preset(name).manifold(hertz, directions)
    rows = np.concatenate([np.ones((len(hertz), 1, len(directions))), manifold], axis=1)
    theory = rows @ rows.conj().swapaxes(1, 2) / len(directions)
    power = np.sqrt(np.einsum("frr->fr", theory).real)
    deviation = np.abs(found - theory) / (power[:, :, None] * power[:, None])
    assert deviation[inside].mean() < 0.06
    assert deviation[inside].mean(axis=0).max() < 0.08


def test_a_capsule_at_the_centre_is_the_pressure_there() -> None:
    bank = named_receiver("respeaker7").diffuse_bank(RATE).sum(axis=0)
    np.testing.assert_allclose(bank[1], bank[0], atol=5e-3)
    assert np.corrcoef(bank[1], bank[2])[0, 1] < 0.9


@pytest.mark.parametrize("name", ["foa", "circle6"])
def test_pressure_has_unit_variance_and_bands_add_up_to_white(name: str) -> None:
    bank = named_receiver(name).diffuse_bank(RATE)
    receiver = named_receiver(name)
    assert bank.shape == (6, receiver.channels + (receiver.array is not None), BANK_SAMPLES)
    assert bank.dtype == np.float32
    pressure = bank[:, 0].sum(axis=0)
    assert pressure.var() == pytest.approx(1, abs=0.02)
    power = np.abs(np.fft.rfft(pressure)) ** 2
    by_octave = [power[int(f * BANK_SAMPLES / RATE) : int(2 * f * BANK_SAMPLES / RATE)].mean() for f in OCTAVES_HZ]
    np.testing.assert_allclose(by_octave, BANK_SAMPLES, rtol=0.1)


def test_bands_keep_to_themselves_around_the_seam() -> None:
    """A period without a seam has no energy far outside its band."""
    spectrum = np.abs(np.fft.rfft(named_receiver("circle6").diffuse_bank(RATE)[1])) ** 2  # 250 Hz
    hertz = np.fft.rfftfreq(BANK_SAMPLES, 1 / RATE)
    outside = (hertz < 120) | (hertz > 510)
    assert (spectrum[:, outside].sum(axis=1) < 1e-6 * spectrum.sum(axis=1)).all()


def test_ideal_channels_are_incoherent() -> None:
    rows = ambisonic_receiver(2).diffuse_bank(RATE).sum(axis=0)
    found = rows @ rows.T / BANK_SAMPLES
    np.testing.assert_allclose(found, np.diag(1 / (2.0 * acn_orders(2) + 1)), atol=0.02)


# ---------------------------------------------------------------- capsules that differ

MANY = MicrophoneArray("many", 0.08 * fibonacci_grid(64))
ERRORS = CapsuleErrors(gain_db=1.0, delay_us=8.0, position_m=0.0, noise_floor_db=(-80.0, -70.0))


def test_mismatch_has_the_spread_that_was_asked_for() -> None:
    draws = [array_receiver(MANY, ERRORS, np.random.default_rng(seed)) for seed in range(5)]
    gains_db = 20 * np.log10(np.concatenate([one.gains for one in draws]))
    delays_us = 1e6 * np.concatenate([one.delays_s for one in draws])
    noise_db = 20 * np.log10(np.concatenate([one.noise for one in draws]))
    assert gains_db.std() == pytest.approx(1.0, rel=0.15)  # 320 draws: 4 % standard error
    assert abs(gains_db.mean()) < 0.25
    assert delays_us.std() == pytest.approx(8.0, rel=0.15)
    assert -80 <= noise_db.min() < -79
    assert -71 < noise_db.max() <= -70


def test_mismatch_acts_in_response_and_in_the_diffuse_noise() -> None:
    exact, real = array_receiver(pair(0.06)), array_receiver(pair(0.06), ERRORS, np.random.default_rng(3))
    ours, ideal = real.response(257, RATE), exact.response(257, RATE)
    assert ours is not None
    assert ideal is not None
    np.testing.assert_allclose(ours, ideal * real.mismatch(257, RATE)[:, None], atol=1e-5)
    late = np.angle(real.mismatch(257, RATE)[:, 64])  # at 2 kHz
    np.testing.assert_allclose(late, -2 * np.pi * 2000 * real.delays_s, rtol=1e-3)
    ratio = real.diffuse_noise(RATE, 100, 4000).std(axis=(0, 2)) / exact.diffuse_noise(RATE, 100, 4000).std(axis=(0, 2))
    np.testing.assert_allclose(ratio, [1.0, *real.gains], rtol=1e-3)


def test_diffuse_noise_goes_round_and_round() -> None:
    receiver = array_receiver(pair(0.06))
    bank = receiver.diffuse_bank(RATE)
    period = bank.shape[2]
    places = np.arange(period - 7, 2 * period + 5) % period
    np.testing.assert_array_equal(receiver.diffuse_noise(RATE, 2 * period - 7, period + 12), bank[:, :, places])


def test_displaced_capsules_hear_earlier_or_later() -> None:
    moved = array_receiver(MANY, CapsuleErrors(position_m=0.001), np.random.default_rng(0))
    assert moved.array == MANY
    ratio = heard(moved, unit_vector(0.0, 0.0)[None]) / heard(array_receiver(MANY), unit_vector(0.0, 0.0)[None])
    index = int(np.argmin(np.abs(HERTZ - 1000)))
    ahead = np.angle(ratio[index, :, 0]) * SPEED_OF_SOUND / (2 * np.pi * HERTZ[index])
    assert ahead.std() == pytest.approx(0.001, rel=0.3)


def test_capsules_of_a_rigid_sphere_stay_on_it() -> None:
    """Inside of it an array would be refused; radially every capsule still hears a wave of infinite length alike."""
    real = array_receiver(preset("em32"), CapsuleErrors(position_m=0.003), np.random.default_rng(0))
    response = real.response(129, RATE)
    ideal = named_receiver("em32").response(129, RATE)
    assert response is not None
    assert ideal is not None
    power, wanted = (np.sum(np.abs(one[:, 1:4]) ** 2, axis=1) for one in (response, ideal))
    np.testing.assert_allclose(power, wanted, rtol=1e-3)
    assert np.abs(response[:, 1:4] - ideal[:, 1:4]).max() > 0.01


def test_the_same_draw_makes_the_same_receiver() -> None:
    errors = CapsuleErrors(0.5, 5.0, 0.0005, (-90.0, -65.0))
    one, same, other = (array_receiver(pair(0.05), errors, np.random.default_rng(seed)) for seed in (1, 1, 2))
    first, again, different = (receiver.response(129, RATE) for receiver in (one, same, other))
    assert first is not None
    assert again is not None
    assert different is not None
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(one.noise, same.noise)
    assert np.abs(first - different).max() > 1e-3


# ---------------------------------------------------------------- names


def test_a_file_is_read_again_once_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    preset("circle6").save(path)
    first = named_receiver(str(path))
    assert named_receiver(str(path)) is first
    preset("circle8").save(path)
    assert named_receiver(str(path)).channels == 8


def test_refusals_are_one_line(tmp_path: Path) -> None:
    large = tmp_path / "large.json"
    pair(0.5).save(large)
    refusals = {
        "em31": r"array 'em31' is not known: choose .*; for ideal ambisonics foa, hoa2, hoa3$",
        str(tmp_path / "none.json"): r"none\.json: no such array file$",
        str(large): r"large\.json: array pair: a microphone 0\.25 m from the centre .* at most 0\.1 m$",
    }
    for name, words in refusals.items():
        with pytest.raises(InputError, match=words):
            named_receiver(name)
    with pytest.raises(InputError, match="order 4 is not supported: choose 0 to 3"):
        ambisonic_receiver(4)


def test_the_largest_arrays_reach_ten_centimetres() -> None:
    largest = array_receiver(pair(0.208))
    assert largest.order == 20
    assert error_db(heard(largest), pair(0.208).manifold(HERTZ, DIRECTIONS)) < -40
    for beyond in (0.22, 0.28):
        with pytest.raises(InputError, match=r"at most 0\.1 m"):
            array_receiver(pair(beyond))
