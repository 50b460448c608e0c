"""Features of the sound field: closed forms for plane waves, and what rotations, gains, blind channels do to them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from spatial_lalm.audio.conventions import harmonic_terms, rotate, rotation_matrix, spherical_harmonics, unit_vector
from spatial_lalm.audio.encoding import BANDS as ENCODING_BANDS
from spatial_lalm.audio.features import (
    BANDS,
    HOP,
    INPUT_MAPS,
    PAIRS,
    SPATIAL_MAPS,
    higher_moments,
    map_rotation,
    mel_filters,
    network_input,
    pair_rotation,
    spatial_covariance,
    spatial_features,
)

MIRROR = np.diag([1.0, -1.0, 1.0])  # left becomes right


def plane_wave(azimuth_deg: float, elevation_deg: float, samples: int = 8_000, order: int = 1) -> Tensor:
    noise = np.random.default_rng(3).normal(0, 0.1, samples)
    harmonics = spherical_harmonics(order, unit_vector(azimuth_deg, elevation_deg)[None])
    return torch.from_numpy((harmonics.T * noise).astype(np.float32))[None]


def diffuse(samples: int = 8_000, channels: int = 4) -> Tensor:
    return torch.from_numpy(np.random.default_rng(4).normal(0, 0.1, (1, channels, samples)).astype(np.float32))


def pair(first: int, second: int) -> int:
    return PAIRS.index((first, second))


# ---------------------------------------------------------------- filters


def test_mel_filters_have_a_bin_in_every_band_and_sum_to_one() -> None:
    filters = mel_filters()
    assert filters.shape == (321, BANDS)
    torch.testing.assert_close(filters.sum(0), torch.ones(BANDS))
    centres = (filters * torch.arange(321)[:, None]).sum(0)
    assert (centres.diff() > 0).all()


def test_bands_are_those_of_the_encoding() -> None:
    assert BANDS == ENCODING_BANDS


def test_a_tone_lies_in_the_band_around_it() -> None:
    tone = torch.zeros(1, 4, 16_000)
    tone[:, 0] = torch.sin(2 * torch.pi * 1000 * torch.arange(16_000) / 16_000)
    energy, _ = spatial_covariance(tone)
    hertz = (mel_filters() * torch.linspace(0, 8000, 321)[:, None]).sum(0)
    assert abs(hertz[energy[0, 10].argmax()] - 1000) < 60


# ---------------------------------------------------------------- covariance


@pytest.mark.parametrize("place", [(0, 0), (90, 0), (-135, 20), (30, 90), (10, -60)])
def test_plane_wave_has_half_its_direction_as_intensity_and_trace_one(place: tuple[float, float]) -> None:
    _, covariance = spatial_covariance(plane_wave(*place))
    x, y, z = unit_vector(*place)
    for channel, component in ((1, y), (2, z), (3, x)):
        np.testing.assert_allclose(covariance[:, pair(0, channel)], component / 2, atol=1e-5)
    trace = sum(covariance[:, pair(i, i)] for i in range(4))
    np.testing.assert_allclose(trace, 1.0, atol=1e-5)


@pytest.mark.parametrize("samples", [320, 321, 639, 8_000, 64_000])
def test_frames_are_whole_hops(samples: int) -> None:
    energy, covariance = spatial_covariance(diffuse(samples))
    assert energy.shape == (1, samples // HOP, BANDS)
    assert covariance.shape == (1, len(PAIRS), samples // HOP, BANDS)


def test_frame_is_centred_on_its_hop() -> None:
    """A click in the middle of frame 7 is loudest in frame 7 and equal in its neighbours."""
    signals = torch.zeros(1, 4, 16 * HOP)
    signals[:, 0, 7 * HOP + HOP // 2] = 1.0
    energy, _ = spatial_covariance(signals)
    power = energy[0].exp().mean(-1)
    assert power.argmax() == 7
    torch.testing.assert_close(power[6], power[8], rtol=0.05, atol=1e-9)


def test_batch_equals_single_clips() -> None:
    both = torch.cat([diffuse(), plane_wave(50, 10)])
    energy, covariance = spatial_covariance(both)
    for row in range(2):
        alone_energy, alone = spatial_covariance(both[row : row + 1])
        torch.testing.assert_close(energy[row], alone_energy[0])
        torch.testing.assert_close(covariance[row], alone[0])


@settings(max_examples=15, deadline=None)
@given(yaw=st.floats(-180, 180), pitch=st.floats(-90, 90), roll=st.floats(-180, 180), mirror=st.booleans())
def test_turning_the_sound_turns_the_pairs(yaw: float, pitch: float, roll: float, mirror: bool) -> None:
    rotation = rotation_matrix(yaw, pitch, roll) @ (MIRROR if mirror else np.eye(3))
    signals = plane_wave(40, 20) + 0.5 * diffuse()
    turned = torch.from_numpy(rotate(signals[0].double().numpy(), rotation))[None].float()
    energy, covariance = spatial_covariance(signals)
    turned_energy, turned_covariance = spatial_covariance(turned)
    matrix = pair_rotation(torch.from_numpy(rotation)[None]).float()
    torch.testing.assert_close(turned_energy, energy, atol=1e-5, rtol=1e-5)
    expected = torch.einsum("bqp,bptf->bqtf", matrix, covariance)
    torch.testing.assert_close(turned_covariance, expected, atol=1e-5, rtol=1e-5)


def test_pair_rotations_compose_and_keep_the_trace() -> None:
    first, second = (torch.from_numpy(rotation_matrix(*angles)) for angles in ((30, 40, 50), (-70, 10, 5)))
    product = pair_rotation((second @ first)[None])
    torch.testing.assert_close(product, pair_rotation(second[None]) @ pair_rotation(first[None]))
    trace = torch.tensor([1.0 if i == j else 0.0 for i, j in PAIRS], dtype=torch.float64)
    torch.testing.assert_close(trace @ product[0], trace)


@pytest.mark.parametrize("gain", [0.01, 7.0])
def test_gain_moves_the_energy_alone(gain: float) -> None:
    signals = plane_wave(40, 20) + 0.5 * diffuse()
    energy, covariance = spatial_covariance(signals)
    louder_energy, louder = spatial_covariance(gain * signals)
    torch.testing.assert_close(louder_energy, energy + 2 * np.log(gain), atol=1e-3, rtol=0)
    torch.testing.assert_close(louder, covariance, atol=1e-4, rtol=0)
    quality = torch.ones(1, 4, BANDS)
    torch.testing.assert_close(
        network_input(louder_energy, louder, quality), network_input(energy, covariance, quality), atol=1e-3, rtol=0
    )


# ---------------------------------------------------------------- second order


@pytest.mark.parametrize("place", [(0, 0), (35, -20), (-120, 60), (10, 90)])
def test_moments_of_a_plane_wave_are_its_harmonics(place: tuple[float, float]) -> None:
    """Of degree 3 and 4, halved like all maps: the first-order energy of a plane wave is twice that of W."""
    signals = plane_wave(*place, order=2)
    moments = higher_moments(signals, spatial_covariance(signals[:, :4])[0])
    direction = torch.from_numpy(unit_vector(*place))
    expected = torch.stack(harmonic_terms(4, *direction))[9:].float() / 2
    assert moments.shape == (1, 16, 25, BANDS)
    torch.testing.assert_close(moments, expected[None, :, None, None].expand_as(moments), atol=1e-4, rtol=0)


def test_moments_of_a_diffuse_field_vanish() -> None:
    weights = torch.tensor([2 * n + 1 for n in (0, 1, 1, 1, 2, 2, 2, 2, 2)]).rsqrt()
    signals = diffuse(160_000, 9) * weights[:, None]
    mean = higher_moments(signals, spatial_covariance(signals[:, :4])[0]).mean((0, 2))
    assert mean[:, 20:].abs().mean() < 0.02  # upper bands average over more noise


@settings(max_examples=10, deadline=None)
@given(yaw=st.floats(-180, 180), pitch=st.floats(-90, 90), roll=st.floats(-180, 180), mirror=st.booleans())
def test_turning_the_sound_turns_all_maps_of_second_order(yaw: float, pitch: float, roll: float, mirror: bool) -> None:
    rotation = rotation_matrix(yaw, pitch, roll) @ (MIRROR if mirror else np.eye(3))
    signals = plane_wave(40, 20, order=2) + 0.5 * diffuse(channels=9)
    turned = torch.from_numpy(rotate(signals[0].double().numpy(), rotation))[None].float()
    matrix = map_rotation(torch.from_numpy(rotation)[None].float(), 2)
    expected = torch.einsum("bqp,bptf->bqtf", matrix, spatial_features(signals, 2)[:, 1:])
    torch.testing.assert_close(spatial_features(turned, 2)[:, 1:], expected, atol=2e-5, rtol=0)


def test_first_order_among_second_is_the_same_input_and_silence_above() -> None:
    signals = plane_wave(40, 20, order=2)
    first, second = spatial_features(signals[:, :4], 1), spatial_features(signals, 2)
    padded = spatial_features(signals[:, :4], 2)
    assert second.shape[1] == padded.shape[1] == 1 + SPATIAL_MAPS[2]
    torch.testing.assert_close(second[:, :11], first)
    torch.testing.assert_close(padded[:, :11], first)
    assert not padded[:, 11:].any()
    quality = torch.ones(1, 4, BANDS)
    low, high = (network_input(f[:, 0], f[:, 1:], quality) for f in (first, second))
    assert high.shape[1] == INPUT_MAPS[2]
    torch.testing.assert_close(high[:, : INPUT_MAPS[1]], low)
    assert not high[:, INPUT_MAPS[1] :].any()  # four rows of quality: no second order is trusted
    trusted = network_input(second[:, 0], second[:, 1:], torch.ones(1, 9, BANDS))
    torch.testing.assert_close(trusted[:, 13:29], 2 * second[:, 11:], atol=1e-4, rtol=1e-4)
    assert trusted[:, 29].eq(1).all()


# ---------------------------------------------------------------- input of the network


def test_network_input_of_a_plane_wave_holds_its_direction() -> None:
    maps = network_input(*spatial_covariance(plane_wave(90, 0)), torch.ones(1, 4, BANDS))
    assert maps.shape == (1, INPUT_MAPS[1], 25, BANDS)
    # After the spectrum, twice the covariance relative to the energy: W with Y, Z, X first.
    for index, component in ((1, 1.0), (2, 0.0), (3, 0.0)):
        np.testing.assert_allclose(maps[:, index], component, atol=1e-4)


@pytest.mark.parametrize("blind", [[2], [2, 3], [1, 2, 3]])
def test_quality_zero_equals_channels_that_are_zero(blind: list[int]) -> None:
    signals = plane_wave(40, 20) + 0.5 * diffuse()
    quality = torch.ones(1, 4, BANDS)
    quality[:, blind] = 0
    silenced = signals.clone()
    silenced[:, blind] = 0
    masked = network_input(*spatial_covariance(signals), quality)
    torch.testing.assert_close(masked, network_input(*spatial_covariance(silenced), quality), atol=2e-4, rtol=0)
    for channel in blind:
        assert not masked[:, pair(0, channel)].any()


def test_quality_in_one_band_leaves_the_others_alone() -> None:
    features = spatial_covariance(plane_wave(40, 20))
    quality = torch.ones(1, 4, BANDS)
    whole = network_input(*features, quality)
    quality[:, 1:, 10] = 0.0
    part = network_input(*features, quality)
    others = [band for band in range(BANDS) if band != 10]
    torch.testing.assert_close(part[..., others], whole[..., others])
    assert not part[:, 1:4, :, 10].any()


@pytest.mark.parametrize("level", [0.0, 1e-12, 1e-6])
@pytest.mark.parametrize("trusted", [0.0, 1.0])
def test_silence_gives_finite_values(level: float, trusted: float) -> None:
    energy, covariance = spatial_covariance(level * diffuse())
    quality = torch.ones(1, 4, BANDS)
    quality[:, 1:] = trusted
    maps = network_input(energy, covariance, quality)
    assert torch.isfinite(energy).all()
    assert torch.isfinite(covariance).all()
    assert torch.isfinite(maps).all()
    assert maps.abs().max() < 5


def test_unequal_trust_does_not_turn_a_direction() -> None:
    """X trusted half as much as Y: the intensity keeps its direction; X hardly trusted at all: X is gone."""
    maps = spatial_features(plane_wave(40, 0))
    for trust, share in ((0.5, 1.0), (0.05, 0.0)):
        quality = torch.ones(1, 4, BANDS)
        quality[:, 3] = trust
        heard = network_input(maps[:, 0], maps[:, 1:], quality)[0].mean((1, 2))
        plain = network_input(maps[:, 0], maps[:, 1:], torch.ones(1, 4, BANDS))[0].mean((1, 2))
        y, x = 1 + 0, 1 + 2  # W with Y, W with X
        expected = share * plain[x] / plain[y]
        torch.testing.assert_close(heard[x] / heard[y], expected, atol=1e-3, rtol=1e-3)
        assert heard[-1] == pytest.approx(trust)


def test_equal_trust_fades_all_alike() -> None:
    maps, quality = spatial_features(plane_wave(40, 20)), torch.ones(1, 4, BANDS)
    quality[:, 1:] = 0.6
    faded = network_input(maps[:, 0], maps[:, 1:], quality)[0, 1:4].mean((1, 2))
    plain = network_input(maps[:, 0], maps[:, 1:], torch.ones(1, 4, BANDS))[0, 1:4].mean((1, 2))
    torch.testing.assert_close(faded / faded.norm(), plain / plain.norm(), atol=1e-4, rtol=1e-4)
