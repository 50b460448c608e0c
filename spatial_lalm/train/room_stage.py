"""Stage 2, rooms: the head for T60, DRR, C50, volume and the number of sources, fitted anew to the encoder's frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from spatial_lalm.model.encoder import SpatialEncoder
from spatial_lalm.train.config import RoomStage
from spatial_lalm.train.listening import heard_scenes
from spatial_lalm.train.loop import fit
from spatial_lalm.train.objectives import count_loss, room_loss

Progress = Callable[[int, int], None]
COUNT_WEIGHT = 0.3


def train_room(stage: RoomStage, encoder: SpatialEncoder, data_folder: Path, folder: Path, progress: Progress) -> None:
    """Fit the encoder's room head to the scenes of ``listening``, all else frozen; exact resume from ``folder``."""
    plan, heads = stage.optimisation, encoder.heads
    for name, parameter in encoder.named_parameters():
        parameter.requires_grad_(name.startswith("heads.room"))
    seen, held_out = (heard_scenes(data_folder / split) for split in ("train", "validation"))

    def step_function(_: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        rows = torch.randint(len(seen["room"]), (plan.batch,), generator=generator)
        output = heads(seen["hidden"][rows].float())
        count = count_loss(output, seen["label"][rows])  # told by the same layers
        return room_loss(output, seen["room"][rows]) + COUNT_WEIGHT * count, {"count": float(count.detach())}

    @torch.inference_mode()
    def validate() -> dict[str, float]:
        output, label = heads(held_out["hidden"].float()), held_out["label"]
        right = {"count_right": count_right(output.count, label)} if output.count.shape[-1] else {}
        return room_errors(output.room, held_out["room"]) | right

    fit(heads, plan, step_function, folder, validate, progress)
    encoder.eval()


def room_errors(said: Tensor, room: Tensor) -> dict[str, float]:
    """Mean errors ``(S, 10)`` against ``(S, 10)``: T60 of 0.2 to 1 s, longer ones relatively, DRR, C50, volume."""
    t60 = room[:, 0].exp()
    short, long = (t60 > 0.2) & (t60 < 1.0), t60 >= 1.0
    off = (said - room).abs()
    return {
        "t60_s": float((said[:, 0].exp() - t60)[short].abs().mean()),
        "t60_long": float((said[:, 0].exp() / t60 - 1)[long].abs().mean()),
        "drr_db": float(10 * off[:, 7].nanmean()),
        "c50_db": float(10 * off[:, 8].nanmean()),
        "volume_log2": float(off[:, 9].nanmean() / np.log(2)),
    }


def count_right(logits: Tensor, label: Tensor) -> float:
    """Share of clips whose number of filled slots ``label (S, K)`` is the likeliest by ``logits (S, K + 1)``."""
    return float((logits.argmax(-1) == (label >= 0).sum(1)).float().mean())
