"""The late field against the lattice it stands for: energy, decay, directions, incoherence, seam and end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from spatial_lalm.audio.conventions import acn_orders, rotation_matrix, spherical_harmonics
from spatial_lalm.audio.scene import OCTAVES_HZ, Room
from spatial_lalm.simulation.acoustics import measure, octave_masks
from spatial_lalm.simulation.engine.decay import (
    FLOOR_DB,
    SEAM_S,
    Decay,
    decay_of,
    high_pass_response,
    lattice_rates,
    mixing_time,
)
from spatial_lalm.simulation.engine.images import image_sources
from spatial_lalm.simulation.engine.late import ambisonic_late, direction_weights
from spatial_lalm.simulation.engine.paths import CARDIOID, SPEED_OF_SOUND, Path, air_rates, decay_times
from spatial_lalm.simulation.engine.render import render_responses
from spatial_lalm.simulation.receivers import ambisonic_receiver
from spatial_lalm.simulation.recipe import RoomRecipe, SourceRecipe
from spatial_lalm.simulation.room import sample_receiver, sample_room, sample_source

Floats = NDArray[np.floating[Any]]
RATE = 16_000
CPU = torch.device("cpu")
ROOM = Room((6.0, 5.0, 3.0), (0.2, 0.35, 0.25, 0.3, 0.15, 0.4))
SOURCE, RECEIVER = np.array([4.3, 3.6, 1.9]), np.array([2.1, 1.7, 1.2])
PATH = Path(ROOM, SOURCE, RECEIVER)
SOFT_CEILING = replace(PATH, room=Room((6.0, 5.0, 3.0), (0.1, 0.1, 0.1, 0.1, 0.6, 0.6)))
"""Sound that goes up and down dies first."""


def paths(count: int, scattering: float = 0.0) -> list[Path]:
    """Rooms of 15 to 400 m3 with walls of all kinds."""
    found = []
    recipe = RoomRecipe((0.3, 1.0), scattering=(scattering, scattering), outdoors_share=0.0, dwelling_share=1.0)
    for seed in range(count):
        rng = np.random.default_rng(seed)
        room = sample_room(rng, recipe)
        receiver = sample_receiver(rng, room)
        found.append(Path(room, sample_source(rng, room, receiver, SourceRecipe()), receiver, seed=seed))
    return found


def decay(path: Path, seam_s: float = 0.03) -> Decay:
    return decay_of([path], np.array([seam_s]))


def energy(path: Path, seconds: Floats, order: int = 0, seam_s: float = 0.03) -> Floats:
    """Energy a second ``(B, K, H)`` at times after the seam."""
    return decay(path, seam_s).energy(seconds, direction_weights([path], order))[0]


def late(path: Path, order: int = 1, seeds: int = 1) -> Floats:
    """Late fields ``(seeds, K, T)`` from 30 ms on, of the same path with other noise."""
    many = [replace(path, seed=seed) for seed in range(seeds)]
    one = decay_of(many, np.full(seeds, 0.03))
    return np.asarray(ambisonic_late(many, one, order, RATE, CPU).double().numpy())


# ---------------------------------------------------------------- decay


def test_decay_is_an_average_over_the_sphere() -> None:
    """4 pi c / V <Y^2 exp(-g t)> with g as derived, by 200,000 random directions in place of a few nodes."""
    vectors = np.random.default_rng(0).normal(size=(200_000, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    losses = [a / (2 - a) + b / (2 - b) for a, b in np.array(SOFT_CEILING.room.absorption).reshape(3, 2)]
    rates = SPEED_OF_SOUND * (np.abs(vectors) @ (np.array(losses) / [6.0, 5.0, 3.0]) + air_rates()[3])
    times = np.array([0.0, 0.05, 0.15, 0.4])
    fading = np.exp(-rates[:, None] * (times + 0.03))
    expected = 4 * np.pi * SPEED_OF_SOUND / 90 * spherical_harmonics(2, vectors).T ** 2 @ fading / len(vectors)
    assert (np.abs(energy(SOFT_CEILING, times, 2)[3] - expected) < 0.02 * expected[0]).all()


def test_small_absorptions_decay_by_their_mean_free_paths() -> None:
    """-ln(1 - alpha) / 2 a wall: along x a wave of a hall of alpha 0.02 meets a wall every L / c."""
    hall = Room((30.0, 30.0, 30.0), (0.02,) * 6)
    straight = SPEED_OF_SOUND * (-np.log(0.98) / 30 + air_rates())
    along_one_axis = lattice_rates(hall).min(axis=1)  # the node nearest an axis; all others go longer ways
    assert (along_one_axis > straight).all()
    assert (along_one_axis < 1.25 * straight).all()


def test_energy_is_that_of_the_images_it_stands_for() -> None:
    """The images' own energy, incoherently summed over 40 ms, of random rooms and places, at 1 kHz."""
    differences = []
    for path in paths(12):
        images = image_sources([path], np.array([0.24 * SPEED_OF_SOUND]), CPU)
        when = images.distance.numpy() / SPEED_OF_SOUND
        power = images.amplitude[:, 3].double().numpy() ** 2
        for start in (0.04, 0.08, 0.12, 0.16, 0.2):
            exact = power[(when >= start) & (when < start + 0.04)].sum()
            ours = 0.04 * energy(path, start - 0.03 + np.linspace(0, 0.04, 41))[3, 0].mean()
            differences.append(10 * np.log10(ours / exact))
    table = np.array(differences).reshape(12, 5)
    assert np.abs(table.mean(axis=0)).max() < 0.5
    assert np.median(np.abs(table)) < 0.5


def test_a_wall_that_swallows_everything_leaves_the_others() -> None:
    """Without a far wall the images stand in one double layer: 1 / (1 - r) of layers become the sum that they are."""
    room = Room((6.0, 5.0, 3.0), (0.1, 0.1, 1.0, 0.1, 0.1, 0.1))
    spots = [np.random.default_rng(seed).uniform(0.5, np.array(room.dimensions_m) - 0.5, (2, 3)) for seed in range(8)]
    exact = []
    for source, receiver in spots:
        images = image_sources([Path(room, source, receiver)], np.array([0.2 * SPEED_OF_SOUND]), CPU)
        when = images.distance.numpy() / SPEED_OF_SOUND
        exact.append(np.sum(images.amplitude[:, 3].numpy()[when > 0.15] ** 2))
    ours = 0.05 * energy(Path(room, *spots[0]), 0.12 + np.linspace(0, 0.05, 41))[3, 0].mean()
    assert 10 * np.log10(ours / np.mean(exact)) == pytest.approx(0, abs=1.0)


def test_full_scattering_decays_as_eyring_says() -> None:
    for path in paths(6, scattering=1.0):
        rates = decay(path).rates[0]
        np.testing.assert_allclose(
            6 * np.log(10) / rates, np.repeat(decay_times(path.room)[:, None], rates.shape[1], 1)
        )
    scattered = [measure(late(path)[0, 0], 0.0, RATE).t60_bands_s[3] / decay_times(path.room)[3]
                 for path in paths(6, scattering=1.0)]  # fmt: skip
    assert np.mean(scattered) == pytest.approx(1.0, abs=0.08)


def test_eyring_s_times_follow_walls_and_air() -> None:
    """Sabine's 24 ln 10 / c (0.161 s/m) times V over -S ln(1 - a); air shortens the treble of a hall."""
    room = Room((6.0, 5.0, 3.0), (0.2,) * 6)
    eyring = 24 * np.log(10) / SPEED_OF_SOUND * 90 / (-126 * np.log(0.8))
    assert decay_times(room)[0] == pytest.approx(eyring, rel=0.005)
    air_db_per_s = np.array([0.4, 1.1, 2.4, 4.7, 9.9, 29.0]) * SPEED_OF_SOUND / 1000
    hall = Room((40.0, 30.0, 15.0), (0.05,) * 6)
    dry = 24 * np.log(10) / SPEED_OF_SOUND * 18_000 / (-4500 * np.log(0.95))
    np.testing.assert_allclose(decay_times(hall), 60 / (60 / dry + air_db_per_s), rtol=1e-3)
    tilted = decay_times(Room((6.0, 5.0, 3.0), (0.2,) * 6, tilt=0.3))
    assert tilted[0] > 1.5 * tilted[4]


def test_scattering_lies_between_lattice_and_eyring() -> None:
    lattice, half, full = (decay(replace(SOFT_CEILING, room=replace(SOFT_CEILING.room, scattering=s))).rates
                           for s in (0.0, 0.5, 1.0))  # fmt: skip
    np.testing.assert_allclose(half, (lattice + full) / 2)
    assert lattice.min() < full.min()  # sound that keeps between hard walls outlives the mean


# ---------------------------------------------------------------- noise


def broadband(bands: Floats) -> Floats:
    """Power of white noise whose octave bands have powers ``(B, ...)``, after the high-pass."""
    shares = octave_masks(2049, RATE) ** 2
    passed = np.abs(high_pass_response(np.linspace(0, RATE / 2, 2049))) ** 2
    amplitude = np.tensordot(shares.T, np.sqrt(bands), axes=1)
    return np.asarray(np.mean(passed.reshape(-1, *[1] * (bands.ndim - 1)) * amplitude**2, axis=0))


@pytest.mark.parametrize("path", [PATH, SOFT_CEILING], ids=["plain", "soft ceiling"])
def test_noise_has_the_energy_of_the_decay(path: Path) -> None:
    """Energy of every channel in 20 ms windows, averaged over noises."""
    windows = np.arange(8) * 320
    found = np.mean(late(path, order=2, seeds=60) ** 2, axis=0)
    for start in windows.tolist():
        times = (start + np.arange(0, 321, 16)) / RATE
        expected = broadband(energy(path, times, 2)).mean(axis=-1) * 320 / RATE
        np.testing.assert_allclose(found[:, start : start + 320].sum(axis=1), expected, rtol=0.12)


def test_channels_keep_the_energy_of_their_directions() -> None:
    """Under a soft ceiling X and Y live on and Z fades; every order keeps W's energy in all."""
    share = energy(SOFT_CEILING, np.array([0.0, 0.4]), 3)[3]
    w, y, z, x = share[:4]
    for degree in range(4):
        np.testing.assert_allclose(share[acn_orders(3) == degree].sum(axis=0), w, rtol=1e-6)
    assert (z / w)[0] > (z / w)[1]
    assert (z / w)[1] < 0.1
    assert min((x / w)[1], (y / w)[1]) > 1 / 3
    measured = np.mean(late(SOFT_CEILING, seeds=40)[:, :, 4800:] ** 2, axis=(0, 2))
    assert measured[2] < 0.1 * measured[0]
    assert measured[1] + measured[2] + measured[3] == pytest.approx(measured[0], rel=0.2)


def test_turned_receivers_hear_the_same_field_turned() -> None:
    """The energies along the receiver's axes are the diagonal of R' C R, C being diagonal along the room's walls."""
    facing = rotation_matrix(30.0, 50.0, 20.0)
    still, turned = (energy(replace(SOFT_CEILING, facing=one), np.array([0.2]), 1)[3, :, 0] for one in (None, facing))
    x_y_z = [3, 1, 2]
    np.testing.assert_allclose(turned[x_y_z], np.diag(facing.T @ np.diag(still[x_y_z]) @ facing), rtol=1e-6)
    assert turned[0] == pytest.approx(still[0])


@pytest.mark.parametrize("order", [1, 3])
def test_channels_are_incoherent(order: int) -> None:
    """Normalised covariances over 40 noises of 0.2 s are those of independent noise: sigma 1 / sqrt(samples)."""
    fields = late(PATH, order, seeds=40)[:, :, :3200]
    fields /= np.sqrt(np.mean(fields**2, axis=0, keepdims=True))
    rows = fields.transpose(1, 0, 2).reshape(fields.shape[1], -1)
    covariance = np.corrcoef(rows) - np.eye(len(rows))
    assert np.abs(covariance).max() < 5 / np.sqrt(rows.shape[1])


def test_channels_are_not_delayed_copies_of_each_other() -> None:
    """Within half a second either way, for every pair of channels: a shared noise would peak at 1."""
    for seed in range(4):
        fields = late(replace(PATH, seed=seed), order=2)[0, :, :8000]
        spectra = np.fft.rfft(fields / np.linalg.norm(fields, axis=1, keepdims=True), 16_384)
        for first in range(8):
            correlation = np.fft.irfft(spectra[first].conj() * spectra[first + 1 :], 16_384)
            assert np.abs(correlation).max() < 0.2


def test_directed_sources_excite_less_of_it() -> None:
    directed = replace(PATH, pattern=CARDIOID, aim=np.array([1.0, 0.0, 0.0]))
    times = np.array([0.0, 0.2])
    np.testing.assert_allclose(energy(directed, times), energy(PATH, times) / 3, rtol=1e-9)


def test_a_seed_is_one_noise_wherever_its_path_stands() -> None:
    one, other = paths(2)
    same = replace(other, seed=one.seed)
    decays = decay_of([one, same, other], np.full(3, 0.03))
    batch = ambisonic_late([one, same, other], decays, 1, RATE, CPU).numpy()
    alone = ambisonic_late([one], decay_of([one], np.array([0.03])), 1, RATE, CPU).numpy()[0]
    np.testing.assert_allclose(batch[0, :, : alone.shape[1]], alone, atol=1e-7)
    assert (np.sign(batch[1, 0, :2000]) == np.sign(batch[0, 0, :2000])).mean() > 0.8  # another room, the same noise
    assert abs((np.sign(batch[2, 0, :2000]) == np.sign(batch[0, 0, :2000])).mean() - 0.5) < 0.1


@pytest.mark.parametrize("rate", [8_000, 48_000])
def test_other_rates_have_the_same_energy(rate: int) -> None:
    """A dry hall of T60 beyond 4 s, for whose length there must be noise enough."""
    hall = Path(Room((30.0, 20.0, 12.0), (0.05,) * 6), np.array([5.0, 5, 2]), np.array([20.0, 10, 2]))
    one = decay(hall)
    fields = ambisonic_late([hall], one, 0, rate, CPU).double().numpy()[0, 0]
    assert len(fields) >= (one.end_s[0] - one.seam_s[0]) * rate
    bottom = energy(hall, np.linspace(0, 0.2, 21))[:, 0].mean(axis=1)
    assert bottom.min() * 0.6 < np.sum(fields[: rate // 5] ** 2) / 0.2 < bottom.max() * 1.1


# ---------------------------------------------------------------- seam and end


def test_energy_is_continuous_at_the_seam() -> None:
    """Energy of the 10 ms after the seam against the 10 ms before, for the decay that lies between them."""
    steps = []
    many = paths(24)
    for path, response in zip(many, render_responses(many, ambisonic_receiver(1), RATE), strict=True):
        seam = round((mixing_time(path) - SEAM_S / 2) * RATE)
        # Below the fall at the top of the spectrum, which images have and the late field has not.
        flat = sosfilt(butter(8, [500, 6500], "band", fs=RATE, output="sos"), response.omni)
        before, after = flat[seam - 160 : seam], flat[seam : seam + 160]
        moments = np.array([SEAM_S / 2 - 0.005, SEAM_S / 2 + 0.005])
        top_band = energy(path, moments, seam_s=mixing_time(path) - SEAM_S)[-1, 0]  # most of white noise
        decay_db = 10 * np.log10(top_band[0] / top_band[1])
        steps.append(10 * np.log10(np.sum(after**2) / np.sum(before**2)) + decay_db)
    assert abs(np.median(steps)) < 1.5
    assert np.median(np.abs(steps)) < 3.0


@pytest.mark.parametrize("ground", [0.1, 1.0])
def test_open_air_has_no_late_field(ground: float) -> None:
    field = Room((160.0, 160.0, 80.0), (1.0, 1.0, 1.0, 1.0, ground, 1.0))
    path = Path(field, np.array([80.0, 80.0, 1.5]), np.array([86.0, 88.0, 1.8]))
    one = decay(path)
    assert one.level.max() == 0
    assert one.end_s == one.seam_s
    response = render_responses([path], ambisonic_receiver(1), RATE)[0]
    assert np.isfinite(response.taps).all()
    arrivals = round(np.hypot(10.0, 3.3) / SPEED_OF_SOUND * RATE) + 160
    assert np.abs(response.omni[arrivals + 160 :]).max() < 0.01 * np.abs(response.omni).max()


def test_late_field_ends_where_it_has_faded() -> None:
    for path in paths(8):
        one = decay(path)
        end = one.end_s[0] - one.seam_s[0]
        ends = 10 * np.log10(energy(path, np.array([end]))[:, 0].sum())
        start = 10 * np.log10(len(OCTAVES_HZ) * 4 * np.pi * SPEED_OF_SOUND / np.prod(path.room.dimensions_m))
        assert ends - start < -FLOOR_DB + 0.1
        assert 10 * np.log10(energy(path, np.array([end - 0.07]))[:, 0].sum()) - start > -FLOOR_DB - 0.1
