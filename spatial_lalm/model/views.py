"""Hearing a sound field from several sides: the mean over rotated and mirrored views, turned back.

The encoder learns to follow rotations from turned training scenes, so it follows them nearly. Averaged over a group of
rotations and reflections (frame averaging; Puny et al., ICLR 2022) its estimates follow that group exactly: turn the
recording by 90 degrees, or mirror it, and the directions turn with it to the last digit.

Legend: W windows, V views, T frames, K tracks, L classes, F bands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations

import torch
from torch import Tensor
from torch.nn import functional as nnf

from spatial_lalm.audio.features import map_rotation, network_input, order_of_maps
from spatial_lalm.model.encoder import EncoderOutput

_OF_TRACKS = ("activity", "direction", "log_distance", "label")


def best_permutation(cost_BKN: Tensor) -> Tensor:
    """The cheapest assignment of tracks to sources as 0/1 weights ``(B, K, N)``, by trying all of K = N factorial."""
    tracks = cost_BKN.shape[1]
    options = torch.tensor(list(permutations(range(tracks))), device=cost_BKN.device)  # (P, K) source of each track
    weights_PKN = nnf.one_hot(options, tracks).to(cost_BKN.dtype)
    totals = torch.einsum("bkn,pkn->bp", cost_BKN, weights_PKN)
    return weights_PKN[totals.argmin(1)]


def axis_views(count: int) -> Tensor:
    """The first ``count`` (1, 2, 4, 8 or 16) of the patterns that keep the vertical: ``(count, 3, 3)``, identity first.

    Groups all: identity; half turn; quarter turns; with left and right mirrored; with up and down mirrored.
    """
    if count not in (1, 2, 4, 8, 16):
        raise ValueError(f"{count} views form no group: choose 1, 2, 4, 8 or 16")
    quarter = torch.tensor([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    group = torch.eye(3)[None]
    left_right, up_down = torch.diag(torch.tensor([1.0, -1.0, 1.0])), torch.diag(torch.tensor([1.0, 1.0, -1.0]))
    for generator in (quarter @ quarter, quarter, left_right, up_down)[: count.bit_length() - 1]:
        group = torch.cat([group, generator @ group])
    return group


def hear_from_all_sides(
    encoder: Callable[[Tensor], EncoderOutput], features_WCTF: Tensor, quality_WCF: Tensor, views_V33: Tensor
) -> EncoderOutput:
    """The encoder's output, its tracks matched and averaged over views.

    ``features_WCTF`` stacks log energy and spatial maps (``audio.features``), ``quality_WCF`` is ``(W, 4 or 9, F)``;
    ``hidden`` is that of the first view, which must be the identity.
    """
    heard = [_view(encoder, features_WCTF, quality_WCF, view) for view in views_V33]
    aligned = [heard[0], *(_aligned(output, heard[0]) for output in heard[1:])]

    def mean(name: str) -> Tensor:
        return torch.stack([getattr(output, name) for output in aligned]).mean(0)

    return EncoderOutput(
        hidden=heard[0].hidden,
        **{name: mean(name) for name in (*_OF_TRACKS, "room", "room_scale", "count")},
    )


def _view(
    encoder: Callable[[Tensor], EncoderOutput], features_WCTF: Tensor, quality_WCF: Tensor, turn_33: Tensor
) -> EncoderOutput:
    """What the encoder hears of the turned sound field, its directions turned back."""
    matrix_SS = map_rotation(turn_33[None], order_of_maps(features_WCTF.shape[1] - 1))[0]
    maps = torch.einsum("qp,wptf->wqtf", matrix_SS, features_WCTF[:, 1:])
    quality = turned_quality(quality_WCF, turn_33.expand(len(quality_WCF), 3, 3))
    output = encoder(network_input(features_WCTF[:, 0], maps, quality))
    return replace(output, direction=output.direction @ turn_33)


def turned_quality(quality_BCF: Tensor, turn_B33: Tensor) -> Tensor:
    """Quality ``(B, C, F)`` of sound fields after turns that permute the axes; that of second order keeps its mean."""
    axes = [2, 0, 1]  # of channels Y Z X, in the order x, y, z
    trust_B3F = torch.einsum("bij,bjf->bif", turn_B33.abs(), quality_BCF[:, 1:4][:, axes])
    return torch.cat([quality_BCF[:, :1], trust_B3F[:, [1, 2, 0]], quality_BCF[:, 4:]], dim=1)


def _aligned(output: EncoderOutput, reference: EncoderOutput) -> EncoderOutput:
    """Reorder a view's tracks to match those of the reference, by activity, direction and class."""
    chosen_WKN = best_permutation(_difference(output, reference))

    def reorder(values: Tensor) -> Tensor:
        return torch.einsum("wkn,wtk...->wtn...", chosen_WKN, values)

    return replace(output, **{name: reorder(getattr(output, name)) for name in _OF_TRACKS})


def _difference(output: EncoderOutput, reference: EncoderOutput) -> Tensor:
    """How unlike every track is to every track of the reference, ``(W, K, N)``, silent frames counting little."""
    ours, theirs = output.activity.sigmoid(), reference.activity.sigmoid()
    activity = (ours[:, :, :, None] - theirs[:, :, None]).abs().mean(1)
    both = ours[:, :, :, None] * theirs[:, :, None]
    unit = nnf.normalize(output.direction, dim=-1, eps=1e-4), nnf.normalize(reference.direction, dim=-1, eps=1e-4)
    apart = (1 - torch.einsum("wtkc,wtnc->wtkn", *unit)) * both
    classes = output.label.softmax(-1), reference.label.softmax(-1)
    unlike = (1 - torch.einsum("wtkl,wtnl->wtkn", *classes)) * both
    return activity + apart.mean(1) + 0.5 * unlike.mean(1)
