"""Spectra of impulses at fractional times against plain sums of exponentials."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from spatial_lalm.simulation.engine import spreading
from spatial_lalm.simulation.engine.spreading import pulse_spectra

Floats = NDArray[np.floating[Any]]


def direct_sum(times: Tensor, weights: Tensor, owner: Tensor, owners: int, size: int) -> NDArray[np.complex128]:
    """The same by its definition, in double precision."""
    waves = np.exp(-2j * np.pi * np.outer(times.double().numpy(), np.arange(size // 2 + 1)) / size)
    spectra = np.zeros((owners, weights.shape[1], size // 2 + 1), complex)
    for row in range(owners):
        mine = (owner == row).numpy()
        spectra[row] = weights.double().numpy()[mine].T @ waves[mine]
    return spectra


def random_pulses(count: int, columns: int, owners: int, size: int) -> tuple[Tensor, Tensor, Tensor]:
    rng = torch.Generator().manual_seed(count)
    times = torch.rand(count, generator=rng) * size
    return times, torch.randn(count, columns, generator=rng), torch.randint(owners, (count,), generator=rng)


@pytest.mark.parametrize(("size", "columns"), [(64, 1), (256, 3), (1024, 6)])
def test_pulses_become_sums_of_exponentials(size: int, columns: int) -> None:
    pulses = random_pulses(400, columns, 3, size)
    found = pulse_spectra(*pulses, 3, size).numpy()
    expected = direct_sum(*pulses, 3, size)
    scale = np.sqrt(np.mean(np.abs(expected) ** 2))
    assert found.shape == (3, columns, size // 2 + 1)
    assert np.abs(found - expected).max() < 1e-4 * scale


def test_one_pulse_is_exact_up_to_half_the_rate() -> None:
    """Also in the topmost bin and between two samples, where windowed sincs fail."""
    for time in (0.0, 17.0, 40.5, 63.99):
        pulse = torch.tensor([time]), torch.ones(1, 1), torch.zeros(1, dtype=torch.long)
        np.testing.assert_allclose(pulse_spectra(*pulse, 1, 128), direct_sum(*pulse, 1, 128), atol=3e-5)


def test_times_beyond_the_period_wrap_around() -> None:
    times, weights, owner = random_pulses(50, 2, 1, 128)
    inside = pulse_spectra(times, weights, owner, 1, 128)
    for shift in (128, -128):
        torch.testing.assert_close(pulse_spectra(times + shift, weights, owner, 1, 128), inside, rtol=0, atol=2e-3)


def test_owners_do_not_hear_each_other() -> None:
    times, weights, owner = random_pulses(300, 2, 4, 256)
    together = pulse_spectra(times, weights, owner, 4, 256)
    for row in range(4):
        mine = owner == row
        alone = pulse_spectra(times[mine], weights[mine], owner[mine] * 0, 1, 256)
        torch.testing.assert_close(together[row], alone[0], rtol=0, atol=1e-4)


def test_who_has_no_pulses_is_silent() -> None:
    times, weights, _ = random_pulses(10, 2, 1, 64)
    spectra = pulse_spectra(times, weights, torch.full((10,), 2), 4, 64)
    assert spectra[[0, 1, 3]].abs().max() == 0
    empty = pulse_spectra(times[:0], weights[:0], torch.zeros(0, dtype=torch.long), 2, 64)
    assert empty.shape == (2, 2, 33)
    assert empty.abs().max() == 0


def test_many_pulses_go_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    pulses = random_pulses(500, 2, 2, 256)
    whole = pulse_spectra(*pulses, 2, 256)
    monkeypatch.setattr(spreading, "PULSES_AT_ONCE", 64)
    torch.testing.assert_close(pulse_spectra(*pulses, 2, 256), whole, rtol=0, atol=1e-4)
