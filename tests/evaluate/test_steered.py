"""SRP-PHAT and MUSIC: plane waves come back from where they came, for arrays and ambisonics; what fits no method."""

from __future__ import annotations

import numpy as np
import pytest

from spatial_lalm.audio.arrays import MicrophoneArray
from spatial_lalm.audio.conventions import angle_between, rotate, rotation_matrix, spherical_harmonics, unit_vector
from spatial_lalm.audio.presets import preset
from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.steered import steered_direction

PLACES = [(35.0, 20.0), (-120.0, -40.0), (178.0, 5.0)]


def noise(samples: int = 8_000) -> np.ndarray:
    return np.random.default_rng(0).normal(size=samples)


def recorded(array: MicrophoneArray, azimuth: float, elevation: float) -> np.ndarray:
    """White noise from far away, and a little noise of the microphones' own."""
    spectrum = np.fft.rfft(noise())
    response = array.manifold(np.fft.rfftfreq(8_000, 1 / 16_000), unit_vector(azimuth, elevation)[None])[..., 0]
    own = np.random.default_rng(1).normal(0, 0.01, (array.microphones, 8_000))
    return np.fft.irfft(response.T * spectrum, 8_000) + own


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("method", ["srp-phat", "music"])
@pytest.mark.parametrize("name", ["tetrahedral", "zylia"])
def test_a_plane_wave_is_found_by_arrays(name: str, method: str, place: tuple[float, float]) -> None:
    array = preset(name)
    found = steered_direction(recorded(array, *place), method, array)  # type: ignore[arg-type]
    assert angle_between(unit_vector(*found), unit_vector(*place)) < 5


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("order", [1, 2])
def test_a_plane_wave_is_found_in_ambisonics_and_turns_with_them(order: int, place: tuple[float, float]) -> None:
    signals = spherical_harmonics(order, unit_vector(*place)[None]).T * noise()
    found = unit_vector(*steered_direction(signals, "music"))
    assert angle_between(found, unit_vector(*place)) < 1.5
    turn = rotation_matrix(60, 20)
    assert angle_between(unit_vector(*steered_direction(rotate(signals, turn), "music")), turn @ found) < 3


def test_what_does_not_fit_is_refused_in_a_line() -> None:
    with pytest.raises(InputError, match="use music"):
        steered_direction(np.ones((4, 8_000)), "srp-phat")
    with pytest.raises(InputError, match="do not fit array zylia: 19"):
        steered_direction(np.ones((4, 8_000)), "music", preset("zylia"))
    with pytest.raises(InputError, match="too short"):
        steered_direction(np.ones((4, 600)), "music")
