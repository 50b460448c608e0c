"""Hearing from several sides: the views form groups, and what the encoder tells turns with the recording."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import permutations

import numpy as np
import pytest
import torch
from torch import Tensor

from spatial_lalm.audio.conventions import rotate, rotation_matrix
from spatial_lalm.audio.features import spatial_covariance
from spatial_lalm.model.encoder import EncoderOutput
from spatial_lalm.model.loading import SpatialLalm
from spatial_lalm.model.views import axis_views, best_permutation, hear_from_all_sides

COUNTS = (1, 2, 4, 8, 16)


# ---------------------------------------------------------------- assignment


@pytest.mark.parametrize("tracks", [1, 2, 3, 4])
def test_best_permutation_is_that_of_brute_force(tracks: int) -> None:
    cost = torch.randn(20, tracks, tracks, generator=torch.Generator().manual_seed(0))
    chosen = best_permutation(cost)
    assert chosen.sum(1).eq(1).all()
    assert chosen.sum(2).eq(1).all()
    for row, weights in zip(cost, chosen, strict=True):
        cheapest = min(sum(row[k, n].item() for k, n in enumerate(order)) for order in permutations(range(tracks)))
        assert (row * weights).sum().item() == pytest.approx(cheapest, abs=1e-5)


# ---------------------------------------------------------------- views


@pytest.mark.parametrize("count", COUNTS)
def test_views_are_a_group_that_keeps_the_vertical(count: int) -> None:
    views = axis_views(count)
    assert views.shape == (count, 3, 3)
    assert views[0].equal(torch.eye(3))
    known = {tuple(view.flatten().tolist()) for view in views + 0.0}
    assert len(known) == count
    products = torch.einsum("aij,bjk->abik", views, views).flatten(0, 1) + 0.0
    assert {tuple(product.flatten().tolist()) for product in products} == known
    assert views[:, 2, 2].abs().eq(1).all()


@pytest.mark.parametrize("count", [0, 3, 32])
def test_other_counts_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} views form no group"):
        axis_views(count)


class Ear:
    """An encoder of one source: a biased reading of the intensity that hears some sides better than others."""

    def __init__(self, bias: Tensor) -> None:
        self.bias = bias

    def __call__(self, maps: Tensor) -> EncoderOutput:
        intensity = maps[:, [3, 1, 2]].mean(-1)[:, :, ::5].transpose(1, 2)  # x, y, z at 10 Hz
        heard = intensity + self.bias
        batch, frames = heard.shape[:2]
        quiet = torch.zeros(batch, frames, 3, 3)
        quiet[:, :, 0] = heard
        activity = torch.full((batch, frames, 3), -8.0)
        activity[:, :, 0] = 4.0 + heard[..., 0]
        return EncoderOutput(
            hidden=torch.zeros(batch, frames, 8),
            activity=activity,
            direction=quiet,
            log_distance=heard[..., :1].expand(-1, -1, 3),
            label=torch.zeros(batch, frames, 3, 4),
            room=heard.mean(1)[:, :1].expand(-1, 10),
            room_scale=torch.ones(batch, 10),
            count=torch.zeros(batch, 4),
        )


def features_of(sound: np.ndarray, rotation: np.ndarray) -> tuple[Tensor, Tensor]:
    turned = torch.from_numpy(rotate(sound.astype(np.float64), rotation).astype(np.float32))[None]
    energy, covariance = spatial_covariance(turned)
    return torch.cat([energy[:, None], covariance], dim=1), torch.ones(1, 4, energy.shape[-1])


@pytest.mark.parametrize(
    "rotation",
    [rotation_matrix(90), rotation_matrix(180), rotation_matrix(-90), np.diag([1.0, -1.0, 1.0])],
    ids=["left", "back", "right", "mirrored"],
)
def test_what_is_heard_turns_with_the_sound(sound: np.ndarray, rotation: np.ndarray) -> None:
    ear = Ear(torch.tensor([0.2, -0.1, 0.3]))
    views = axis_views(8)
    still = hear_from_all_sides(ear, *features_of(sound, np.eye(3)), views)
    turned = hear_from_all_sides(ear, *features_of(sound, rotation), views)
    expected = still.direction @ torch.from_numpy(rotation.T.copy()).float()
    torch.testing.assert_close(turned.direction, expected, atol=1e-4, rtol=0)
    for name in ("activity", "log_distance", "room"):
        torch.testing.assert_close(getattr(turned, name), getattr(still, name), atol=1e-4, rtol=0)


def test_one_view_leaves_the_bias(sound: np.ndarray) -> None:
    ear = Ear(torch.tensor([0.2, -0.1, 0.3]))
    features, quality = features_of(sound, np.eye(3))
    biased = hear_from_all_sides(ear, features, quality, axis_views(1)).direction[0, 20:, 0].mean(0)
    mended = hear_from_all_sides(ear, features, quality, axis_views(16)).direction[0, 20:, 0].mean(0)
    torch.testing.assert_close(biased, torch.tensor([0.2, 0.9, 0.3]), atol=0.02, rtol=0)
    torch.testing.assert_close(mended, torch.tensor([0.0, 1.0, 0.0]), atol=0.02, rtol=0)


def test_views_find_their_tracks(sound: np.ndarray) -> None:
    """An encoder that puts its source on another track whenever it is turned is still understood."""
    ear, calls = Ear(torch.zeros(3)), iter(range(8))

    def shuffled(maps: Tensor) -> EncoderOutput:
        output, shift = ear(maps), next(calls)
        names = ("activity", "direction", "log_distance", "label")
        return replace(output, **{name: getattr(output, name).roll(shift, dims=2) for name in names})

    features, quality = features_of(sound, np.eye(3))
    heard = hear_from_all_sides(shuffled, features, quality, axis_views(8))
    plain = hear_from_all_sides(ear, features, quality, axis_views(8))
    torch.testing.assert_close(heard.direction, plain.direction, atol=1e-5, rtol=0)
    torch.testing.assert_close(heard.activity, plain.activity, atol=1e-5, rtol=0)


def test_blind_channels_turn_with_the_view(sound: np.ndarray) -> None:
    """Left and right alone: turned by 90 degrees the view must trust X in place of Y."""
    trusted = []

    def spy(maps: Tensor) -> EncoderOutput:
        trusted.append(maps[0, -3:, 0, 0].tolist())
        return Ear(torch.zeros(3))(maps)

    features, quality = features_of(sound, np.eye(3))
    quality[:, 2:] = 0
    hear_from_all_sides(spy, features, quality, axis_views(4))
    assert sorted(trusted) == [[0, 0, 1], [0, 0, 1], [1, 0, 0], [1, 0, 0]]


def test_tiny_model_hears_from_all_sides(tiny_model: SpatialLalm, sound: np.ndarray) -> None:
    inputs = tiny_model.processor.listen(sound)
    with torch.inference_mode():
        output = tiny_model.model.hear(inputs["input_features"], inputs["quality"])
    assert all(torch.isfinite(getattr(output, field.name)).all() for field in fields(output))
