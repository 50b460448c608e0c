"""Stage 1, hearing: render scenes, keep their features, fit the encoder on rotated and degraded copies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from spatial_lalm.audio.features import network_input
from spatial_lalm.errors import InputError
from spatial_lalm.model.configuration import SpatialEncoderConfig
from spatial_lalm.model.encoder import EncoderOutput, SpatialEncoder
from spatial_lalm.model.views import best_permutation
from spatial_lalm.train import scenes
from spatial_lalm.train.augmentation import augment
from spatial_lalm.train.config import EncoderStage
from spatial_lalm.train.data import FeatureSet, Maker, render_part
from spatial_lalm.train.loop import fit
from spatial_lalm.train.objectives import encoder_loss

Progress = Callable[[int, int], None]
TARGETS = ("active", "log_distance", "label", "room")
STEADY = 0.995
"""A source whose directions have a mean vector shorter than this moves: by some 12 degrees."""


def prepare(stage: EncoderStage, sources: Path | None, folder: Path, workers: int, progress: Progress | None) -> None:
    """Render the training and the validation scenes into ``folder/train`` and ``folder/validation``."""
    order, spoiled = stage.configuration().order, stage.data.spoiled_share

    def make(training: bool) -> Maker:
        return partial(render_part, order=order, spoiled_share=spoiled if training else 0.0)

    scenes.prepare(stage.data, order, make, sources, folder, workers, progress)


def hear(encoder: nn.Module, maps: Tensor, bfloat16: bool) -> EncoderOutput:
    """The encoder's output in float32, with the heavy part in bfloat16 where asked."""
    with torch.autocast(maps.device.type, torch.bfloat16, enabled=bfloat16):
        output = encoder(maps)
    return EncoderOutput(**{f.name: getattr(output, f.name).float() for f in fields(output)})


def train_encoder(
    stage: EncoderStage,
    data_folder: Path,
    folder: Path,
    progress: Progress | None = None,
    build: Callable[[SpatialEncoderConfig], Any] = SpatialEncoder,
) -> Any:
    """Fit the encoder on rendered features; exact resume from ``folder``; the trained encoder.

    ``build`` makes it, where another network is to learn from the same scenes.
    """
    plan = stage.optimisation
    torch.manual_seed(plan.seed)
    encoder = build(stage.configuration())
    if stage.start:
        encoder.load_state_dict(_started_from(stage.start, encoder))
    encoder.to(memory_format=torch.channels_last)
    seen, held_out = FeatureSet.open(data_folder / "train"), FeatureSet.open(data_folder / "validation")
    per_epoch = max(1, len(seen) // plan.batch)

    def step_function(step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        order = np.random.default_rng([plan.seed, step // per_epoch]).permutation(len(seen))
        start = step % per_epoch * plan.batch
        batch = seen.batch(np.sort(order[start : start + plan.batch]))
        features, direction, quality = (
            torch.from_numpy(batch[name]).float() for name in ("features", "direction", "quality")
        )
        maps, direction = augment(features, direction, generator, quality)
        target = {name: torch.from_numpy(batch[name]) for name in TARGETS} | {"direction": direction}
        return encoder_loss(hear(encoder, maps, plan.bfloat16), target, stage.loss)

    fit(encoder, plan, step_function, folder, lambda: validate(encoder, held_out), progress)
    encoder.eval()
    return encoder


def _started_from(folder: str, encoder: nn.Module) -> dict[str, Tensor]:
    """The weights of a trained encoder, or ``InputError`` where ``folder`` holds none of this size."""
    path = Path(folder) / "model.safetensors"
    if not path.is_file():
        raise InputError(f"encoder: start = {folder!r}: no model.safetensors there; name a folder of a trained encoder")
    found, wanted = load_file(path), encoder.state_dict()
    unlike = [name for name in wanted if name not in found or found[name].shape != wanted[name].shape]
    if unlike or len(found) > len(wanted):
        name = unlike[0] if unlike else next(n for n in found if n not in wanted)
        raise InputError(
            f"encoder: start = {folder!r}: an encoder of another size ({name}); give it the same model table"
        )
    return found


@torch.inference_mode()
def validate(encoder: nn.Module, held_out: FeatureSet) -> dict[str, float]:
    """Errors on held-out scenes in plain units: one still source in first order, several, movers, through arrays."""
    rows: dict[str, list[Tensor]] = {}
    for start in range(0, len(held_out), 100):
        batch = held_out.batch(np.arange(start, min(start + 100, len(held_out))))
        for name, value in _errors(encoder, {n: torch.from_numpy(batch[n]) for n in _READ}).items():
            rows.setdefault(name, []).append(value)
    e = {name: torch.cat(values) for name, values in rows.items()}
    still, sources = ~e["moving"].any(1), e["sources"]
    plain = still & ~e["encoded"] & (sources == 1)
    report = {name: float(e[name][plain].nanmean()) for name in _OF_CLIPS}
    places = {
        "angle": e["angle"][plain],
        "two": e["angle"][~e["encoded"] & (sources == 2)],
        "moving": e["angle"][~e["encoded"][:, None] & e["moving"]],
        "array": e["angle"][still & e["encoded"] & (sources == 1)],
    }
    report |= {f"{name}_median": float(value.nanmedian()) for name, value in places.items()}
    report |= {f"{name}_mean": float(value.nanmean()) for name, value in places.items()}
    return report | {"count_right": float(e["count_right"].float().mean())}


_READ = (*TARGETS, "direction", "features", "quality")
_OF_CLIPS = ("distance_ratio", "class_right", "t60_s", "t60_log", "drr_db", "c50_db", "volume_log2")


def _errors(encoder: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Errors of every source ``(B, N)`` under the best assignment, NaN for an empty slot, and of every clip ``(B,)``.

    Ideal ambisonics are heard in first order only. The angle of a source that moves is the mean over its frames.
    """
    features, quality = batch["features"].float(), batch["quality"].float()
    encoded = (quality[:, :4] < 1).flatten(1).any(1)
    quality[~encoded, 4:] = 0
    output = hear(encoder, network_input(features[:, 0], features[:, 1:], quality), False)
    filled, room = batch["label"] >= 0, batch["room"]
    share = batch["active"].float() / batch["active"].sum(-1, keepdim=True).clamp_min(1)
    pooled = torch.einsum("btkc,bnt->bknc", output.direction, share)
    middle = torch.einsum("bntc,bnt->bnc", batch["direction"], share)
    moving = filled & (middle.norm(dim=-1) < STEADY)
    overall = _degrees(pooled, middle[:, None])
    by_frame = _degrees(output.direction[:, :, :, None], batch["direction"].transpose(1, 2)[:, :, None])
    frames = torch.einsum("btkn,bnt->bkn", by_frame, share)
    angle = torch.where(moving[:, None], frames, overall)
    sounding = torch.einsum("bkt,bnt->bkn", output.activity.transpose(1, 2).sigmoid(), share)
    chosen = best_permutation((angle / 90 - sounding) * filled[:, None])

    def picked(values_BKN: Tensor) -> Tensor:
        return (values_BKN * chosen).sum(1).masked_fill(~filled, torch.nan)

    distance = torch.einsum("btk,bnt->bkn", output.log_distance, share)
    distance = distance - (batch["log_distance"] * share).sum(-1)[:, None]
    label = torch.einsum("btkl,bnt->bknl", output.label, share).argmax(-1)
    off = (output.room - room).abs()
    return {
        "angle": picked(angle),
        "moving": moving,
        "encoded": encoded,
        "sources": filled.sum(1),
        "distance_ratio": picked(distance.exp().sub(1).abs())[:, 0],
        "class_right": picked((label == batch["label"][:, None]).float())[:, 0],
        "t60_s": (output.room[:, 0].exp() - room[:, 0].exp()).abs(),
        "t60_log": off[:, 0],
        "drr_db": 10 * off[:, 7],
        "c50_db": 10 * off[:, 8],
        "volume_log2": off[:, 9] / np.log(2),
        "count_right": _counted(output) == filled.sum(1),
    }


def _counted(output: EncoderOutput) -> Tensor:
    """Sources that were heard, ``(B,)``: as counted, or tracks that sound at all."""
    if output.count.shape[-1]:
        return output.count.argmax(-1)
    return (output.activity > 0).any(1).sum(-1)


def _degrees(one: Tensor, other: Tensor) -> Tensor:
    """The angle between vectors ``(..., 3)``."""
    return torch.rad2deg(torch.cosine_similarity(one, other, dim=-1).clamp(-1, 1).acos())
