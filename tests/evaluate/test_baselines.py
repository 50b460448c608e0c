import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from spatial_lalm.audio.conventions import angle_between, rotate, rotation_matrix, spherical_harmonics, unit_vector
from spatial_lalm.errors import InputError
from spatial_lalm.evaluate import baselines
from spatial_lalm.evaluate.baselines import diffuseness, intensity_and_energy, intensity_direction

RATE = 16_000


def plane_wave(azimuth, elevation, seconds=1.0, seed=0):
    sound = np.random.default_rng(seed).normal(size=round(seconds * RATE))
    return spherical_harmonics(1, unit_vector([azimuth], [elevation])).T * sound


def diffuse_noise(seconds=1.0, seed=1):
    noise = np.random.default_rng(seed).normal(size=(4, round(seconds * RATE)))
    noise[1:] /= np.sqrt(3)
    return noise


@pytest.mark.parametrize(("azimuth", "elevation"), [(0, 0), (90, 0), (-135, 20), (180, -45), (30, 80)])
def test_a_plane_wave_comes_from_its_own_direction(azimuth, elevation):
    found = unit_vector(*intensity_direction(plane_wave(azimuth, elevation)))
    assert angle_between(found, unit_vector(azimuth, elevation)) < 1e-6


def test_a_rotated_field_gives_the_rotated_direction():
    field = plane_wave(40, 10) + diffuse_noise()
    turn = rotation_matrix(100, 20, -50)
    before = unit_vector(*intensity_direction(field))
    after = unit_vector(*intensity_direction(rotate(field, turn)))
    assert angle_between(after, turn @ before) < 1e-6


def test_level_does_not_matter():
    field = (plane_wave(40, 10) + diffuse_noise()).astype(np.float32)
    assert intensity_direction(field * 1e-4) == pytest.approx(intensity_direction(field), abs=1e-3)


def test_a_wave_is_found_in_diffuse_noise():
    found = unit_vector(*intensity_direction(plane_wave(-70, 15, 2.0) + diffuse_noise(2.0)))
    assert angle_between(found, unit_vector(-70, 15)) < 5


def test_what_lies_outside_the_band_is_not_heard():
    rumble = sosfilt(butter(8, 60, "low", fs=RATE, output="sos"), plane_wave(180, 0, seed=4))
    hiss = sosfilt(butter(12, 6000, "high", fs=RATE, output="sos"), plane_wave(90, 0, seed=5))
    outside = rumble / rumble.std() + hiss / hiss.std()  # in power, each as strong as the wave in the band
    found = unit_vector(*intensity_direction(plane_wave(0, 0) + outside))
    assert angle_between(found, unit_vector(0, 0)) < 1


def test_diffuseness_of_a_wave_of_noise_and_of_silence():
    assert diffuseness(*intensity_and_energy(plane_wave(10, 0))).max() < 1e-9
    noise = diffuseness(*intensity_and_energy(diffuse_noise(4.0)))
    assert 0.5 < noise.mean() < 0.8  # five frames of a random field still point somewhere
    assert diffuseness(*intensity_and_energy(np.zeros((4, RATE)))).min() == 1


def test_diffuse_bins_count_less_than_they_do_in_a_plain_mean():
    # A wave in the first half, then strong diffuse noise with a spurious mean direction.
    wave, noise = plane_wave(0, 0, 0.5), 2 * diffuse_noise(0.5, seed=9)
    field = np.concatenate([wave, noise], axis=1)
    plain = intensity_and_energy(field)[0].sum(axis=(1, 2))
    weighted = unit_vector(*intensity_direction(field))
    assert angle_between(weighted, unit_vector(0, 0)) < angle_between(plain, unit_vector(0, 0))


def test_intensity_against_a_slow_transform():
    field = diffuse_noise(0.1, seed=3)
    intensity, energy = intensity_and_energy(field)
    window = np.hanning(baselines.WINDOW + 1)[:-1]
    frame, centre = 3, 3 * baselines.HOP
    piece = field[:, centre - baselines.WINDOW // 2 : centre + baselines.WINDOW // 2] * window
    times = np.arange(baselines.WINDOW)
    frequencies = np.arange(baselines.WINDOW // 2 + 1) * RATE / baselines.WINDOW
    inside = [k for k, f in enumerate(frequencies) if 200 <= f <= 4000]
    for row, k in list(enumerate(inside))[::10]:
        w, y, z, x = (sum(c * np.exp(-2j * np.pi * k * times / baselines.WINDOW)) for c in piece)
        np.testing.assert_allclose(intensity[:, row, frame], [(w.conjugate() * v).real for v in (x, y, z)], atol=1e-9)
        assert energy[row, frame] == pytest.approx(sum(abs(v) ** 2 for v in (w, x, y, z)) / 2)


@pytest.mark.parametrize(
    ("signals", "words"),
    [
        (np.ones((3, RATE)), "first order"),
        (np.ones(RATE), "first order"),
        (np.ones((4, 100)), "too short"),
        (np.zeros((4, RATE)), "silent"),
    ],
)
def test_what_has_no_direction_is_refused(signals, words):
    with pytest.raises(InputError, match=words):
        intensity_direction(signals)
