"""Stage 1, hearing: render scenes, keep their features, fit the encoder on rotated and degraded copies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from spatial_lalm.audio.features import network_input
from spatial_lalm.model.encoder import EncoderOutput, SpatialEncoder
from spatial_lalm.model.views import best_permutation
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.recipe import SceneRecipe, still_scenes
from spatial_lalm.train.augmentation import augment
from spatial_lalm.train.config import EncoderStage, SceneData
from spatial_lalm.train.data import FeatureSet, render_features, render_part
from spatial_lalm.train.loop import fit
from spatial_lalm.train.objectives import encoder_loss

Progress = Callable[[int, int], None]
TARGETS = ("active", "log_distance", "label", "room")
STEADY = 0.995
"""A source whose directions have a mean vector shorter than this moves: by some 12 degrees."""
KINDS = 20
"""Parts of rendered scenes after which their kinds come round again."""


def scene_recipes(data: SceneData, augmented: bool, order: int = 1) -> list[SceneRecipe]:
    """The simulator's recipes for a stage's parts in turn: still scenes, lively ones, and scenes through arrays."""
    still = scene_recipe(data, data.duration_s[0], augmented, f"hoa{order}" if order > 1 else "foa")
    lively = replace(
        still,
        rooms=replace(still.rooms, outdoors_share=0.08),
        sources=replace(still.sources, moving_share=0.4, directed_share=0.5),
        background=replace(still.background, directional_share=0.2, unsteady_share=0.3),
        receivers=replace(still.receivers, turning_share=0.05),
    )
    arrays, moving = round(KINDS * data.array_share), round(KINDS * data.lively_share)
    # Movers through many capsules take ten times as long, and teach of arrays what still sources do.
    raw = replace(lively, receiver="random", sources=replace(lively.sources, moving_share=0.0))
    kinds = [raw] * arrays + [lively] * moving
    return kinds + [still] * (KINDS - len(kinds))


def scene_recipe(data: SceneData, duration_s: float, augmented: bool, receiver: str = "foa") -> SceneRecipe:
    """The simulator's recipe for still scenes of a stage's data; dry sounds are varied in training only."""
    return still_scenes(
        duration_s,
        receiver=receiver,
        snr_db=data.snr_db,
        counts=data.counts,
        t60_s=data.t60_s,
        event_s=data.event_s,
        varispeed=data.varispeed if augmented else 0.0,
        colour_db=data.colour_db if augmented else 0.0,
    )


def open_library(sources: Path | None, split: str | None, data: SceneData) -> SourceLibrary:
    """The sounds of a split, mixed with the generators; the generators alone where no sources are given."""
    builtin = SourceLibrary.builtin(espeak=None if sources is None else False)
    if sources is None:
        return builtin
    split = split if sources.suffix == ".csv" else None
    files = SourceLibrary.open(sources, split, speech_share=data.speech_share)
    return SourceLibrary.mixed(files, builtin, data.builtin_share)


def prepare(stage: EncoderStage, sources: Path | None, folder: Path, workers: int, progress: Progress | None) -> None:
    """Render the training and the validation scenes into ``folder/train`` and ``folder/validation``."""
    plans = (("validation", stage.data.validation, stage.data.seed + 1), ("train", stage.data.scenes, stage.data.seed))
    for split, scenes, seed in plans:
        library = open_library(sources, split, stage.data)
        order, training = stage.configuration().order, split == "train"
        make = partial(render_part, order=order, spoiled_share=stage.data.spoiled_share if training else 0.0)
        recipes = scene_recipes(stage.data, training, order)
        recipes = recipes if training else list(dict.fromkeys(recipes))  # a part of each kind is enough
        render_features(recipes, library, scenes, seed, folder / split, workers, progress, make)


def hear(encoder: SpatialEncoder, maps: Tensor, bfloat16: bool) -> EncoderOutput:
    """The encoder's output in float32, with the heavy part in bfloat16 where asked."""
    with torch.autocast(maps.device.type, torch.bfloat16, enabled=bfloat16):
        output = encoder(maps)
    return EncoderOutput(**{f.name: getattr(output, f.name).float() for f in fields(output)})


def train_encoder(
    stage: EncoderStage, data_folder: Path, folder: Path, progress: Progress | None = None
) -> SpatialEncoder:
    """Fit the encoder on rendered features; exact resume from ``folder``; the trained encoder."""
    plan = stage.optimisation
    torch.manual_seed(plan.seed)
    encoder = SpatialEncoder(stage.configuration())
    encoder.to(memory_format=torch.channels_last)
    scenes, held_out = FeatureSet.open(data_folder / "train"), FeatureSet.open(data_folder / "validation")
    per_epoch = max(1, len(scenes) // plan.batch)

    def step_function(step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        order = np.random.default_rng([plan.seed, step // per_epoch]).permutation(len(scenes))
        start = step % per_epoch * plan.batch
        batch = scenes.batch(np.sort(order[start : start + plan.batch]))
        features, direction, quality = (
            torch.from_numpy(batch[name]).float() for name in ("features", "direction", "quality")
        )
        maps, direction = augment(features, direction, generator, quality)
        target = {name: torch.from_numpy(batch[name]) for name in TARGETS} | {"direction": direction}
        return encoder_loss(hear(encoder, maps, plan.bfloat16), target, stage.loss)

    fit(encoder, plan, step_function, folder, lambda: validate(encoder, held_out), progress)
    encoder.eval()
    return encoder


@torch.inference_mode()
def validate(encoder: SpatialEncoder, scenes: FeatureSet) -> dict[str, float]:
    """Errors on held-out scenes in plain units: one still source in first order, several, movers, through arrays."""
    rows: dict[str, list[Tensor]] = {}
    for start in range(0, len(scenes), 100):
        batch = scenes.batch(np.arange(start, min(start + 100, len(scenes))))
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


def _errors(encoder: SpatialEncoder, batch: dict[str, Tensor]) -> dict[str, Tensor]:
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
