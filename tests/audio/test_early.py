"""The early response: reflections show at their delay and in the map of their direction."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from spatial_lalm.audio.conventions import spherical_harmonics, unit_vector
from spatial_lalm.audio.early import ARRIVALS, BEFORE, BIN, LAGS, MAPS, RATE, early_response, source_axes

W, AWAY, LEVEL, UPWARDS, CEPSTRUM = range(MAPS)
TRUSTED = torch.ones(1, 4, 64)


def sound_field(arrivals: list[tuple[float, float, float, float]], seconds: float = 3.0) -> Tensor:
    """Modulated noise ``(1, 4, T)`` that arrives as (delay in ms, azimuth, elevation, amplitude)."""
    rng = np.random.default_rng(1)
    time = np.arange(round(seconds * RATE)) / RATE
    dry = rng.standard_normal(len(time)) * (1 + np.sin(2 * np.pi * 4 * time)) * 0.1
    field = np.zeros((4, len(dry)))
    for delay_ms, azimuth, elevation, amplitude in arrivals:
        harmonics = spherical_harmonics(1, unit_vector(azimuth, elevation)[None])[0]
        field += amplitude * harmonics[:, None] * np.roll(dry, round(delay_ms * RATE / 1000))
    return torch.from_numpy(field).float()[None]


def towards(azimuth: float, elevation: float) -> Tensor:
    return torch.from_numpy(unit_vector(azimuth, elevation)).float()[None]


def bin_of(delay_ms: float) -> int:
    return (BEFORE + round(delay_ms * RATE / 1000)) // BIN


@pytest.mark.parametrize("delay_ms", [4.0, 11.5, 37.0])
@pytest.mark.parametrize(("azimuth", "elevation", "shown"), [(-150, 0, AWAY), (120, 0, LEVEL), (30, -70, UPWARDS)])
def test_a_reflection_shows_at_its_delay(delay_ms: float, azimuth: float, elevation: float, shown: int) -> None:
    field = sound_field([(0, 30, 0, 1.0), (delay_ms, azimuth, elevation, 0.4)])
    maps = early_response(field, towards(30, 0), TRUSTED)[0]
    after = maps[shown, bin_of(1.0) :]
    assert abs(int(after.argmax()) + bin_of(1.0) - bin_of(delay_ms)) <= 1
    assert after.max() > maps[shown, : bin_of(-1.0)].max() + 1


@pytest.mark.parametrize("delay_ms", [4.0, 11.5, 37.0])
@pytest.mark.parametrize("place", [(-150, 0), (120, 20), (30, -70), (20, 60)])
def test_arrivals_tell_where_a_reflection_comes_from(delay_ms: float, place: tuple[float, float]) -> None:
    source = (30, 10)
    field = sound_field([(0, *source, 1.0), (delay_ms, *place, 0.5)])
    maps = early_response(field, towards(*source), TRUSTED, arrivals=True)[0]
    assert maps.shape == (MAPS + ARRIVALS, LAGS)
    torch.testing.assert_close(maps[:MAPS], early_response(field, towards(*source), TRUSTED)[0])
    expected = source_axes(towards(*source))[0] @ towards(*place)[0]
    expected[1] = expected[1].abs()
    torch.testing.assert_close(maps[MAPS:, bin_of(delay_ms)], expected, atol=0.15, rtol=0)


def test_signals_across_and_away_are_deaf_to_the_source() -> None:
    maps = early_response(sound_field([(0, 70, 20, 1.0)]), towards(70, 20), TRUSTED)[0]
    assert maps[W].argmax() in (bin_of(0), bin_of(0) - 1)
    assert maps[[AWAY, LEVEL, UPWARDS]].max() < maps[W].max() - 2


def test_level_and_appended_silence_change_nothing() -> None:
    field = sound_field([(0, 30, 0, 1.0), (9, 100, 0, 0.5)])
    maps = early_response(field, towards(30, 0), TRUSTED)
    torch.testing.assert_close(early_response(0.01 * field, towards(30, 0), TRUSTED), maps, atol=2e-2, rtol=0)
    longer = torch.nn.functional.pad(field, (0, 7000))
    torch.testing.assert_close(early_response(longer, towards(30, 0), TRUSTED), maps, atol=2e-2, rtol=0)


def test_turning_field_and_source_together_changes_nothing() -> None:
    still = early_response(sound_field([(0, 30, 10, 1.0), (9, 100, -30, 0.5)]), towards(30, 10), TRUSTED)
    turned = early_response(sound_field([(0, 130, 10, 1.0), (9, 200, -30, 0.5)]), towards(130, 10), TRUSTED)
    torch.testing.assert_close(turned, still, atol=2e-2, rtol=0)


def test_distrusted_channels_and_unknown_directions_are_silent() -> None:
    field = sound_field([(0, 30, 0, 1.0), (9, 30, 80, 0.5)])
    mono = torch.cat([torch.ones(1, 1, 64), torch.zeros(1, 3, 64)], dim=1)
    noisy = field.clone()
    noisy[:, 1:] = torch.randn(1, 3, field.shape[-1], generator=torch.Generator().manual_seed(0))
    unknown = torch.zeros(1, 3)
    maps = early_response(noisy, unknown, mono)
    torch.testing.assert_close(maps, early_response(field, unknown, mono))
    assert maps[0, [LEVEL, UPWARDS]].std() < 1e-3
    assert maps[0, CEPSTRUM, bin_of(2) :].argmax() + bin_of(2) in (bin_of(9) - 1, bin_of(9), bin_of(9) + 1)


def test_silence_is_finite() -> None:
    maps = early_response(torch.zeros(1, 4, 800), towards(0, 0), TRUSTED)
    assert maps.shape == (1, MAPS, LAGS)
    assert torch.isfinite(maps).all()


def test_axes_are_orthonormal_and_level() -> None:
    axes = source_axes(torch.cat([towards(30, 20), towards(-100, -60)]))
    torch.testing.assert_close(axes @ axes.mT, torch.eye(3).expand(2, 3, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(axes[:, 1, 2], torch.zeros(2))
    assert (axes[:, 2, 2] > 0).all()
