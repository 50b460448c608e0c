"""What a batch goes through: rotations that are rotations, masks in range, labels that turn with the sound."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from spatial_lalm.audio.conventions import spherical_harmonics
from spatial_lalm.audio.features import PAIRS, spatial_covariance
from spatial_lalm.model.hearing import spatial_kind
from spatial_lalm.train.augmentation import augment, degrade, random_quality, random_rotations


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def plane_waves(count: int = 8) -> tuple[Tensor, Tensor]:
    """Features ``(B, 11, T, F)`` of noise from one direction each, and the directions ``(B, 1, 3)``."""
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    signals = spherical_harmonics(1, directions)[:, :, None] * rng.normal(0, 0.1, (count, 1, 8_000))
    energy, covariance = spatial_covariance(torch.from_numpy(signals.astype(np.float32)))
    return torch.cat([energy[:, None], covariance], dim=1), torch.from_numpy(directions[:, None]).float()


def test_rotations_are_orthogonal_and_half_of_them_mirror() -> None:
    rotations = random_rotations(400, generator())
    torch.testing.assert_close(rotations @ rotations.transpose(1, 2), torch.eye(3).expand(400, 3, 3), atol=1e-5, rtol=0)
    assert 0.4 < (torch.linalg.det(rotations) < 0).float().mean() < 0.6


def test_rotations_are_uniform_over_the_sphere() -> None:
    turned = random_rotations(4_000, generator())[:, :, 0]
    assert turned.mean(0).abs().max() < 0.05
    torch.testing.assert_close(turned.T @ turned / 4_000, torch.eye(3) / 3, atol=0.03, rtol=0)


def test_masks_are_those_of_receivers_that_exist() -> None:
    quality = random_quality(1_000, 64, generator())
    assert quality.shape == (1_000, 4, 64)
    assert quality.min() >= 0
    assert quality.max() <= 1
    assert quality[:, 0].eq(1).all()
    kinds = [spatial_kind(mask.numpy()) for mask in quality]
    shares = {kind: kinds.count(kind) / len(kinds) for kind in set(kinds)}
    assert set(shares) == {"full", "planar", "lateral", "none"}
    assert 0.6 < quality.eq(1).all(-1).all(-1).float().mean() < 0.8


def test_labels_turn_with_the_sound() -> None:
    """Where W, Y, Z and X are all trusted, the input's intensity points to the turned direction."""
    features, directions = plane_waves(32)
    maps, turned = augment(features, directions, generator(3))
    trusted = maps[:, -3:].eq(1).all(-1).all(-1).all(-1)
    assert trusted.sum() > 10
    intensity = torch.stack([maps[:, PAIRS.index((0, channel))] for channel in (3, 1, 2)], dim=1)
    heard = torch.nn.functional.normalize(intensity.mean((2, 3)), dim=-1)
    assert (heard * turned[:, 0]).sum(-1)[trusted].min() > 0.99
    assert not torch.allclose(turned, directions, atol=0.1)


def test_degraded_features_stay_those_of_a_sound_field() -> None:
    """The trace stays one, and no channel has a negative energy."""
    features, _ = plane_waves()
    take = degrade(features, generator())
    diagonal = torch.stack([take.maps[:, PAIRS.index((c, c))] for c in range(4)], dim=1)
    torch.testing.assert_close(diagonal.sum(1), torch.ones_like(diagonal[:, 0]), atol=1e-4, rtol=0)
    assert diagonal.min() > -1e-5
    assert all(torch.isfinite(value).all() for value in (take.energy, take.maps, take.quality))


def test_same_seed_same_batch_and_another_seed_another() -> None:
    features, directions = plane_waves()
    first, again, other = (augment(features, directions, generator(seed))[0] for seed in (1, 1, 2))
    assert first.equal(again)
    assert not torch.allclose(first, other, atol=0.1)


def test_quality_of_second_order_is_rarer_and_never_without_the_first() -> None:
    quality = random_quality(1_000, 64, generator(), order=2)
    assert quality.shape == (1_000, 9, 64)
    assert quality[:, :4].equal(random_quality(1_000, 64, generator()))
    heard = quality[:, 4:].any(-1).any(-1)
    assert 0.2 < heard.float().mean() < 0.4
    assert quality[heard, :4].eq(1).all()


def test_what_an_array_heard_turns_with_its_axes_alone() -> None:
    """A planar array stays planar, a pair stays a pair along an axis, and ideal fields are turned anyhow."""
    features, _ = plane_waves(64)
    quality = torch.ones(64, 4, 64)
    quality[:32, 2], quality[:32, 1] = 0.0, 0.5  # no height, and less of left and right than of front and back
    take = degrade(features, generator(), quality)
    permutes = take.rotation.abs().round().sub(take.rotation.abs()).abs().amax((1, 2)) < 1e-6
    assert permutes[:32].all()
    assert not permutes[32:].all()
    assert not take.quality[:32, 2].any()
    sides = take.quality[:32, [1, 3], 0].sort(dim=1).values
    torch.testing.assert_close(sides, torch.tensor([0.5, 1.0]).expand(32, 2))
    swapped = take.rotation[:32, 0, 1].abs() > 0.5
    assert swapped.any()
    assert take.quality[:32][swapped, 1, 0].eq(1).all()


def test_silence_stays_finite() -> None:
    energy, covariance = spatial_covariance(torch.zeros(2, 4, 8_000))
    features = torch.cat([energy[:, None], covariance], dim=1)
    maps, _ = augment(features, torch.zeros(2, 3, 3), generator())
    assert torch.isfinite(maps).all()
