"""Stage 2, rooms: the head for T60, DRR, C50 and volume, fitted anew to what the frozen encoder hears of other scenes.

Rooms are learned from clips, one number each, directions from every frame: the same scenes that teach directions teach
too little of rooms. Here many more are heard once, from a side and through a receiver drawn at random.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from spatial_lalm.model.encoder import SpatialEncoder
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.recipe import SceneRecipe
from spatial_lalm.train import scenes
from spatial_lalm.train.augmentation import augment
from spatial_lalm.train.config import RoomStage
from spatial_lalm.train.data import Arrays, FeatureSet, render_part
from spatial_lalm.train.encoder_stage import hear
from spatial_lalm.train.loop import fit
from spatial_lalm.train.objectives import count_loss, room_loss

Progress = Callable[[int, int], None]
AT_ONCE = 50


def prepare(
    stage: RoomStage, encoder: SpatialEncoder, sources: Path | None, folder: Path, workers: int, progress: Progress
) -> None:
    """Render scenes, hear them, and keep the frames that the head reads, in ``folder/train`` and ``validation``."""
    order = encoder.config.order
    scenes.prepare(stage.data, order, lambda _: partial(heard_part, encoder), sources, folder, workers, progress)


@torch.inference_mode()
def heard_part(encoder: SpatialEncoder, recipe: SceneRecipe, library: SourceLibrary, seeds: list[int]) -> Arrays:
    """What the encoder hears, frames ``hidden (S, T, H)``; ``label (S, K)``; ``room (S, 10)``, NaN without a sound."""
    part = render_part(recipe, library, seeds, encoder.config.order)
    generator = torch.Generator().manual_seed(seeds[0])
    hidden = []
    for start in range(0, len(seeds), AT_ONCE):
        rows = slice(start, start + AT_ONCE)
        features, direction, quality = (
            torch.from_numpy(part[name][rows]).float() for name in ("features", "direction", "quality")
        )
        maps, _ = augment(features, direction, generator, quality)
        hidden.append(hear(encoder, maps, True).hidden.half().numpy())
    silent = (part["label"] < 0).all(axis=1)
    room = np.where(silent[:, None], np.float32(np.nan), part["room"])
    return {"hidden": np.concatenate(hidden), "label": part["label"], "room": room}


def train_room(stage: RoomStage, encoder: SpatialEncoder, data_folder: Path, folder: Path, progress: Progress) -> None:
    """Fit the encoder's room head, everything else frozen; exact resume from ``folder``."""
    plan, heads = stage.optimisation, encoder.heads
    for name, parameter in encoder.named_parameters():
        parameter.requires_grad_(name.startswith("heads.room"))
    seen, held_out = (_whole(data_folder / split) for split in ("train", "validation"))

    def step_function(_: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        rows = torch.randint(len(seen["room"]), (plan.batch,), generator=generator)
        output = heads(seen["hidden"][rows].float())
        count = count_loss(output, seen["label"][rows])  # told by the same layers, so it is kept in mind
        return room_loss(output, seen["room"][rows]) + 0.3 * count, {"count": float(count.detach())}

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


def _whole(folder: Path) -> dict[str, Tensor]:
    """All parts of a folder in memory: 15 kB a scene of four seconds."""
    parts = FeatureSet.open(folder).parts
    return {name: torch.from_numpy(np.concatenate([part[name] for part in parts])) for name in parts[0]}
