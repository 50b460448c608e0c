"""What the encoder is trained to minimise: permutation-invariant tracks and a Laplace likelihood of the room.

Legend: B batch, T frames (10 Hz), K tracks, N source slots (= K), L classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as nnf

from spatial_lalm.model.encoder import EncoderOutput
from spatial_lalm.model.views import best_permutation


@dataclass(frozen=True)
class LossWeights:
    """Weight of each term; ``direction`` is of the chord between unit vectors (close to the angle in radians)."""

    activity: float = 2.0
    direction: float = 2.0
    frame_direction: float = 1.0
    distance: float = 1.0
    frame_distance: float = 0.2
    label: float = 0.8
    room: float = 2.0
    count: float = 0.5  # of the number of sources, where the encoder tells it


def encoder_loss(
    output: EncoderOutput, target: dict[str, Tensor], weights: LossWeights
) -> tuple[Tensor, dict[str, float]]:
    """The scalar loss and its terms before weighting.

    ``target`` holds ``active (B, N, T)``, ``direction (B, N, T, 3)``, ``log_distance (B, N, T)``, ``label (B, N)`` with
    -1 for an empty slot, ``room (B, 10)`` with NaN where unknown.
    """
    terms = _pairwise_terms(output, target)
    cost_BKN = sum(getattr(weights, name) * value for name, value in terms.items())
    assert isinstance(cost_BKN, Tensor)
    chosen_BKN = best_permutation(cost_BKN.detach())
    tracks = (cost_BKN * chosen_BKN).sum((1, 2)).mean()
    room, count = room_loss(output, target["room"]), count_loss(output, target["label"])
    loss = tracks + weights.room * room + weights.count * count
    sources = (target["label"] >= 0).sum().clamp_min(1)
    report = {name: float((value.detach() * chosen_BKN).sum() / sources) for name, value in terms.items()}
    return loss, report | {"room": float(room.detach()), "count": float(count.detach())}


def _pairwise_terms(output: EncoderOutput, target: dict[str, Tensor]) -> dict[str, Tensor]:
    """Every loss term of every track against every source, ``(B, K, N)``; an empty slot only asks for silence."""
    active_BNT = target["active"].float()
    filled_BN = (target["label"] >= 0).float()[:, None]
    share_BNT = active_BNT / active_BNT.sum(-1, keepdim=True).clamp_min(1)
    logits_BKT = output.activity.transpose(1, 2)
    activity = (
        nnf.softplus(logits_BKT).mean(-1)[:, :, None]
        - torch.einsum("bkt,bnt->bkn", logits_BKT, active_BNT) / active_BNT.shape[-1]
    )
    pooled_BKN3 = torch.einsum("btkc,bnt->bknc", output.direction, share_BNT)
    middle_BN3 = torch.einsum("bntc,bnt->bnc", target["direction"], share_BNT)
    steady_BN = middle_BN3.norm(dim=-1)  # one for a source that stays; a wide way has no one direction
    direction = chord(pooled_BKN3, nnf.normalize(middle_BN3, dim=-1)[:, None]) * steady_BN[:, None]
    frame = chord(output.direction[:, :, :, None], target["direction"].transpose(1, 2)[:, :, None])  # (B, T, K, N)
    frame = torch.einsum("btkn,bnt->bkn", frame, share_BNT)
    log_distance_BTN = target["log_distance"].transpose(1, 2)
    distance = torch.einsum("btk,bnt->bkn", output.log_distance, share_BNT)
    distance = distance - torch.einsum("btn,bnt->bn", log_distance_BTN, share_BNT)[:, None]
    frame_distance = (output.log_distance[..., None] - log_distance_BTN[:, :, None]).abs()
    frame_distance = torch.einsum("btkn,bnt->bkn", frame_distance, share_BNT)
    classes = torch.einsum("btkl,bnt->bknl", output.label, share_BNT).log_softmax(-1)
    index = target["label"].clamp_min(0)[:, None, :, None].expand(-1, classes.shape[1], -1, 1)
    return {
        "activity": activity,
        "direction": direction * filled_BN,
        "frame_direction": frame * filled_BN,
        "distance": distance.abs() * filled_BN,
        "frame_distance": frame_distance * filled_BN,
        "label": -classes.gather(-1, index)[..., 0] * filled_BN,
    }


def chord(vector: Tensor, unit: Tensor) -> Tensor:
    """Length of the chord between the direction of ``vector (..., 3)`` and a unit vector: 2 sin(angle / 2)."""
    cosine = (nnf.normalize(vector, dim=-1, eps=1e-4) * unit).sum(-1)
    return (2 - 2 * cosine).clamp_min(1e-5).sqrt()


def count_loss(output: EncoderOutput, label_BN: Tensor) -> Tensor:
    """Cross-entropy of the number of filled slots; zero where the encoder does not count."""
    if not output.count.shape[-1]:
        return output.room.new_zeros(())
    return nnf.cross_entropy(output.count, (label_BN >= 0).sum(1))


def room_loss(output: EncoderOutput, room: Tensor) -> Tensor:
    """Negative log-likelihood under Laplace distributions, over what is known: a median with honest uncertainty."""
    known = torch.isfinite(room)
    error = (output.room - room.nan_to_num()).abs()
    return ((error / output.room_scale + output.room_scale.log()) * known).sum() / known.sum().clamp_min(1)
