"""Stage 3, ranging: what the frozen encoder heard in new scenes, and how far and in how large a room that truly was.

The head learns from the encoder's own events, directions and room, errors included: just what it will be given in use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from spatial_lalm.audio.conventions import angle_between, order_of, unit_vector
from spatial_lalm.audio.early import ARRIVALS, LAGS, MAPS
from spatial_lalm.audio.features import BANDS
from spatial_lalm.audio.scene import Scene, SourceEvent
from spatial_lalm.errors import InputError
from spatial_lalm.model.answers import Evidence
from spatial_lalm.model.encoder import SpatialEncoder
from spatial_lalm.model.hearing import Heard, read_scene, spatial_kind
from spatial_lalm.model.processing import whole_frames, window_starts
from spatial_lalm.model.ranging import CONTEXT, RangeHead, Ranges, sounds_of
from spatial_lalm.model.views import axis_views, hear_from_all_sides
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.recipe import SceneRecipe
from spatial_lalm.simulation.sampling import render_scene
from spatial_lalm.train import scenes
from spatial_lalm.train.augmentation import random_quality
from spatial_lalm.train.config import RangeStage
from spatial_lalm.train.data import Arrays, FeatureSet, ambisonics
from spatial_lalm.train.loop import fit
from spatial_lalm.train.range_augmentation import other_takes

Progress = Callable[[int, int], None]
SAME_DEG = 20.0
"""A heard event this close to a source's direction is that source."""


def prepare(
    stage: RangeStage, encoder: SpatialEncoder, sources: Path | None, folder: Path, workers: int, progress: Progress
) -> None:
    """Render scenes, hear them, and keep what the head reads, in ``folder/train`` and ``folder/validation``."""
    order = encoder.config.order
    scenes.prepare(stage.data, order, lambda _: partial(heard_part, encoder), sources, folder, workers, progress)


@torch.inference_mode()
def heard_part(encoder: SpatialEncoder, recipe: SceneRecipe, library: SourceLibrary, seeds: list[int]) -> Arrays:
    """Sounds of scenes: ``early (E, maps, LAGS)``, ``context (E, N)``, ``target (E, 2)`` ln distance and ln volume."""
    torch.set_num_threads(1)
    arrivals = encoder.config.range_arrivals
    early, contexts = [torch.zeros(0, MAPS + arrivals * ARRIVALS, LAGS)], [torch.zeros(0, CONTEXT)]
    targets: list[tuple[float, float]] = []
    for seed in seeds:
        samples, scene = render_scene(recipe, library, seed)
        field, quality = ambisonics(samples, scene)
        if scene.array is None:
            order = order_of(len(field))
            quality = random_quality(1, BANDS, torch.Generator().manual_seed(seed), order)[0].numpy()
        heard = hear(encoder, field, quality)
        pairs = list(matched(heard, scene))
        if pairs:
            read = sounds_of([event for event, _ in pairs], heard.room, field[:4], quality[:4], arrivals=arrivals)
            early.append(read[0])
            contexts.append(read[1])
            targets += [(source.distance_m, scene.room.volume_m3) for _, source in pairs]
    return {
        "early": torch.cat(early).half().numpy(),
        "context": torch.cat(contexts).numpy(),
        "target": np.log(np.array(targets, np.float32)).reshape(-1, 2),
    }


def hear(encoder: SpatialEncoder, signals: np.ndarray, quality: np.ndarray) -> Heard:
    """Events and room of a scene no longer than a window, from one side only: eight would take eight times as long."""
    features = whole_frames(signals, encoder.config.order)
    starts = window_starts(features.shape[1] // 5, encoder.config.segment_frames)
    assert len(starts) == 1, "ranging learns from scenes of one window"
    trust = torch.from_numpy(quality)[None]
    output = hear_from_all_sides(encoder, features[None], trust, axis_views(1))
    return read_scene(output, [0.0], spatial_kind(quality), tuple(encoder.config.classes))


def matched(heard: Heard, scene: Scene) -> Iterator[tuple[Evidence, SourceEvent]]:
    """Heard events with the source that each is: the one that overlaps longest among those in its direction."""
    for event in heard.events:
        near = [s for s in scene.events if _same_place(event, s, heard, len(scene.events))]
        if near:
            source = max(near, key=lambda s: min(s.offset_s, event.end_s) - max(s.onset_s, event.start_s))
            if min(source.offset_s, event.end_s) > max(source.onset_s, event.start_s):
                yield event, source


def _same_place(event: Evidence, source: SourceEvent, heard: Heard, sources: int) -> bool:
    if heard.spatial in ("none", "lateral") or event.azimuth_deg is None:
        return sources == 1  # no direction to tell sources apart by
    flat = heard.spatial == "planar"
    said = unit_vector(event.azimuth_deg, 0.0 if flat else event.elevation_deg or 0.0)
    return bool(angle_between(said, unit_vector(source.azimuth_deg, 0.0 if flat else source.elevation_deg)) < SAME_DEG)


def range_loss(ranges: Ranges, target_B2: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Ratio error of the distance, error of its logarithm, and the likelihood of the volume under a Laplace."""
    apart = ranges.log_distance - target_B2[:, 0]
    ratio, logarithm = apart.clamp(-3, 2).exp().sub(1).abs().mean(), apart.abs().mean()
    off = (ranges.log_volume - target_B2[:, 1]).abs()
    volume = (off / ranges.volume_scale + ranges.volume_scale.log()).mean()
    report = {"ratio": ratio, "log_distance": logarithm, "volume_log2": off.mean() / np.log(2)}
    return ratio + 0.3 * logarithm + 0.5 * volume, {name: float(value.detach()) for name, value in report.items()}


def train_range(
    stage: RangeStage, encoder: SpatialEncoder, data_folder: Path, folder: Path, progress: Progress
) -> RangeHead:
    """Fit the encoder's range head, everything else frozen; exact resume from ``folder``."""
    plan = stage.optimisation
    torch.manual_seed(plan.seed)
    head = RangeHead(encoder.config.range_width, encoder.config.range_arrivals)
    seen, held_out = (_whole(data_folder / split) for split in ("train", "validation"))

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


def _whole(folder: Path) -> dict[str, Tensor]:
    """All parts of a folder in memory: 2 kB a sound."""
    parts = FeatureSet.open(folder).parts
    data = {name: torch.from_numpy(np.concatenate([part[name] for part in parts])) for name in parts[0]}
    if not len(data["target"]):
        raise InputError(f"{folder}: the encoder heard no source of these scenes; train the stage 'encoder' for longer")
    return data
