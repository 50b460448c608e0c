"""Stage 3, ranging: how far what the frozen encoder heard truly was, and in how large a room.

The head learns from the encoder's own events, directions and room, errors included: just what it will be given in use.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from spatial_lalm.model.encoder import SpatialEncoder
from spatial_lalm.model.ranging import ROOM, RangeHead, Ranges, room_numbers
from spatial_lalm.train.config import RangeStage
from spatial_lalm.train.listening import heard_scenes
from spatial_lalm.train.loop import fit
from spatial_lalm.train.range_augmentation import other_takes

Progress = Callable[[int, int], None]


def range_loss(ranges: Ranges, target_B2: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Ratio error of the distance, error of its logarithm, and the likelihood of a known volume under a Laplace."""
    apart = ranges.log_distance - target_B2[:, 0]
    ratio, logarithm = apart.clamp(-3, 2).exp().sub(1).abs().mean(), apart.abs().mean()
    known = torch.isfinite(target_B2[:, 1])
    off = (ranges.log_volume[known] - target_B2[known, 1]).abs()
    scale = ranges.volume_scale[known]
    volume = (off / scale + scale.log()).sum() / known.sum().clamp_min(1)
    report = {"ratio": ratio, "log_distance": logarithm, "volume_log2": off.mean() / np.log(2)}
    return ratio + 0.3 * logarithm + 0.5 * volume, {name: float(value.detach()) for name, value in report.items()}


def train_range(
    stage: RangeStage, encoder: SpatialEncoder, data_folder: Path, folder: Path, progress: Progress
) -> RangeHead:
    """Fit the encoder's range head to the scenes of ``listening``, all else frozen; exact resume from ``folder``."""
    plan = stage.optimisation
    torch.manual_seed(plan.seed)
    head = RangeHead(encoder.config.range_width, encoder.config.range_arrivals)
    seen, held_out = (_sounds(encoder, data_folder / split) for split in ("train", "validation"))

    def step_function(_: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        rows = torch.randint(len(seen["target"]), (plan.batch,), generator=generator)
        taken = seen["early"][rows].float(), seen["context"][rows], seen["target"][rows]
        early, context, target = other_takes(*taken, generator)
        return range_loss(head(early, context), target)

    @torch.inference_mode()
    def validate() -> dict[str, float]:
        return range_loss(head(held_out["early"].float(), held_out["context"]), held_out["target"])[1]

    fit(head, plan, step_function, folder, validate, progress)
    head.eval()
    encoder.range_head.load_state_dict(head.state_dict())
    return head


@torch.inference_mode()
def _sounds(encoder: SpatialEncoder, folder: Path) -> dict[str, Tensor]:
    """The sounds of a folder, the room around each told by the encoder as it is now, its room head fitted anew."""
    data = heard_scenes(folder)
    output = encoder.heads(data["hidden"].float())
    data["context"][:, :ROOM] = room_numbers(output.room, output.room_scale)[data["scene"]]
    return {name: data[name] for name in ("early", "context", "target")}
