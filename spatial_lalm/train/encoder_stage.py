"""Stage 1, hearing: render scenes, keep their features, fit the encoder on rotated and degraded copies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from spatial_lalm.audio.features import network_input
from spatial_lalm.model.configuration import SpatialEncoderConfig
from spatial_lalm.model.encoder import EncoderOutput, SpatialEncoder
from spatial_lalm.model.views import best_permutation
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.recipe import SceneRecipe, still_scenes
from spatial_lalm.train.augmentation import augment
from spatial_lalm.train.config import EncoderStage, SceneData
from spatial_lalm.train.data import Arrays, FeatureSet, render_features
from spatial_lalm.train.loop import fit
from spatial_lalm.train.objectives import encoder_loss

Progress = Callable[[int, int], None]
TARGETS = ("active", "log_distance", "label", "room")


def scene_recipe(data: SceneData, duration_s: float, augmented: bool) -> SceneRecipe:
    """The simulator's recipe for a stage's data; dry sounds are varied in training only."""
    return still_scenes(
        duration_s,
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
        recipe = scene_recipe(stage.data, stage.data.duration_s[0], split == "train")
        render_features([recipe], library, scenes, seed, folder / split, workers, progress)


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
    encoder = SpatialEncoder(SpatialEncoderConfig(**stage.model))
    encoder.to(memory_format=torch.channels_last)
    scenes, held_out = FeatureSet.open(data_folder / "train"), FeatureSet.open(data_folder / "validation")
    per_epoch = max(1, len(scenes) // plan.batch)

    def step_function(step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        order = np.random.default_rng([plan.seed, step // per_epoch]).permutation(len(scenes))
        start = step % per_epoch * plan.batch
        batch = scenes.batch(np.sort(order[start : start + plan.batch]))
        maps, direction = augment(
            torch.from_numpy(batch["features"]).float(), torch.from_numpy(batch["direction"]), generator
        )
        target = {name: torch.from_numpy(batch[name]) for name in TARGETS} | {"direction": direction}
        return encoder_loss(hear(encoder, maps, plan.bfloat16), target, stage.loss)

    fit(encoder, plan, step_function, folder, lambda: validate(encoder, held_out, stage), progress)
    encoder.eval()
    return encoder


@torch.inference_mode()
def validate(encoder: SpatialEncoder, scenes: FeatureSet, stage: EncoderStage) -> dict[str, float]:
    """Errors on held-out scenes, in plain units, for scenes of one source and of all."""
    rows: dict[str, list[Tensor]] = {}
    for start in range(0, len(scenes), 100):
        batch = scenes.batch(np.arange(start, min(start + 100, len(scenes))))
        for name, value in _errors(encoder, batch, stage).items():
            rows.setdefault(name, []).append(value)
    merged = {name: torch.cat(values) for name, values in rows.items()}
    single = merged.pop("sources") == 1
    report = {f"{name}_median": float(value[single].nanmedian()) for name, value in merged.items()}
    report |= {f"{name}_mean": float(value[single].nanmean()) for name, value in merged.items()}
    return report | {"several_angle_median": float(merged["angle"][~single].nanmedian())}


def _errors(encoder: SpatialEncoder, batch: Arrays, stage: EncoderStage) -> dict[str, Tensor]:
    """Per-clip errors of the first source under the best assignment; NaN where there is none."""
    features = torch.from_numpy(batch["features"]).float()
    quality = torch.ones(len(features), 4, features.shape[-1])
    output = hear(encoder, network_input(features[:, 0], features[:, 1:], quality), False)
    target = {name: torch.from_numpy(batch[name]) for name in (*TARGETS, "direction")}
    share = target["active"].float() / target["active"].sum(-1, keepdim=True).clamp_min(1)
    pooled = torch.einsum("btkc,bnt->bknc", output.direction, share)
    cosine = torch.cosine_similarity(pooled, target["direction"][:, None], dim=-1).clamp(-1, 1)
    logits = output.activity.transpose(1, 2)
    overlap = torch.einsum("bkt,bnt->bkn", torch.nn.functional.logsigmoid(logits), share)
    chosen = best_permutation(-cosine * (share.sum(-1) > 0)[:, None] - overlap)[:, :, 0].argmax(1)
    row = torch.arange(len(chosen))
    distance = torch.einsum("btk,bnt->bkn", output.log_distance, share)[row, chosen, 0] - target["log_distance"][:, 0]
    label = torch.einsum("btkl,bnt->bknl", output.label, share)[row, chosen, 0].argmax(-1)
    sources = (target["label"] >= 0).sum(1)
    room = target["room"]
    errors = {
        "angle": torch.rad2deg(cosine[row, chosen, 0].acos()),
        "distance_ratio": distance.exp().sub(1).abs(),
        "class_right": (label == target["label"][:, 0]).float(),
        "activity_right": ((logits > 0)[row, chosen] == target["active"][:, 0]).float().mean(-1),
        "t60_s": (output.room[:, 0].exp() - room[:, 0].exp()).abs(),
        "drr_db": 10 * (output.room[:, 7] - room[:, 7]).abs(),
        "c50_db": 10 * (output.room[:, 8] - room[:, 8]).abs(),
        "volume_log2": (output.room[:, 9] - room[:, 9]).abs() / np.log(2),
    }
    return {n: e.masked_fill(sources == 0, float("nan")) for n, e in errors.items()} | {"sources": sources}
