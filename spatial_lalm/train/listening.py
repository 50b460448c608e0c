"""Scenes that the frozen encoder hears once, for the stages that fit its heads anew: rooms, and ranging.

Rooms and distances are learned from clips and sounds, one number each, directions from every frame: the scenes that
teach directions teach too little of them. Here more scenes are heard, through a receiver drawn at random, and what is
kept of each is small: the encoder's frames and the early response around every event that is a source.

Legend: S scenes, E events that were heard and are sources, T frames, H hidden size, K tracks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from spatial_lalm.audio.conventions import angle_between, order_of, unit_vector
from spatial_lalm.audio.early import ARRIVALS, LAGS, MAPS
from spatial_lalm.audio.features import BANDS
from spatial_lalm.audio.scene import FRAME_S, Scene, SourceEvent
from spatial_lalm.errors import InputError
from spatial_lalm.model.answers import Evidence
from spatial_lalm.model.encoder import EncoderOutput, SpatialEncoder
from spatial_lalm.model.hearing import Heard, read_scene, spatial_kind
from spatial_lalm.model.processing import whole_frames, window_starts
from spatial_lalm.model.ranging import CONTEXT, sounds_of
from spatial_lalm.model.views import axis_views, hear_from_all_sides
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.recipe import SceneRecipe
from spatial_lalm.simulation.sampling import render_scene
from spatial_lalm.train import scenes
from spatial_lalm.train.augmentation import random_quality
from spatial_lalm.train.config import SceneData
from spatial_lalm.train.data import Arrays, FeatureSet, ambisonics, scene_targets

Progress = Callable[[int, int], None]
SAME_DEG = 20.0
"""A heard event this close to a source's direction is that source."""


def prepare(
    data: SceneData, encoder: SpatialEncoder, sources: Path | None, folder: Path, workers: int, progress: Progress
) -> None:
    """Render scenes, hear them, and keep what the heads read, in ``folder/train`` and ``folder/validation``."""
    order = encoder.config.order
    scenes.prepare(data, order, lambda _: partial(heard_part, encoder), sources, folder, workers, progress)


@torch.inference_mode()
def heard_part(encoder: SpatialEncoder, recipe: SceneRecipe, library: SourceLibrary, seeds: list[int]) -> Arrays:
    """What is heard of scenes, and the truth.

    ``hidden (S, T, H)``, ``label (S, K)``, ``room (S, 10)`` (NaN without a sound to hear it by); of events ``early
    (E, maps, LAGS)`` and ``context (E, N)`` (see ``model.ranging``), ``scene (E,)``, the row of each, and ``target (E,
    2)``, ln distance and ln volume (NaN in open air).
    """
    torch.set_num_threads(1)
    frames, arrivals = round(recipe.duration_s / FRAME_S), encoder.config.range_arrivals
    rows: list[Arrays] = []
    early, contexts = [torch.zeros(0, MAPS + arrivals * ARRIVALS, LAGS)], [torch.zeros(0, CONTEXT)]
    targets: list[tuple[int, float, float]] = []
    for row, seed in enumerate(seeds):
        samples, scene = render_scene(recipe, library, seed)
        field, quality = ambisonics(samples, scene)
        if scene.array is None:
            order = order_of(len(field))
            quality = random_quality(1, BANDS, torch.Generator().manual_seed(seed), order)[0].numpy()
        output, heard = hear(encoder, field, quality)
        truth = scene_targets(scene, frames)
        if not scene.events:
            truth["room"][:] = np.nan
        rows.append({"hidden": output.hidden[0].half().numpy(), "label": truth["label"], "room": truth["room"]})
        pairs = list(matched(heard, scene))
        if pairs:
            read = sounds_of([event for event, _ in pairs], heard.room, field[:4], quality[:4], arrivals=arrivals)
            early.append(read[0])
            contexts.append(read[1])
            volume = math.nan if scene.room.outdoors else scene.room.volume_m3
            targets += [(row, source.distance_m, volume) for _, source in pairs]
    table = np.array(targets, np.float64).reshape(-1, 3)
    return {name: np.stack([one[name] for one in rows]) for name in rows[0]} | {
        "early": torch.cat(early).half().numpy(),
        "context": torch.cat(contexts).numpy(),
        "scene": table[:, 0].astype(np.int64),
        "target": np.log(table[:, 1:]).astype(np.float32),
    }


def hear(encoder: SpatialEncoder, signals: np.ndarray, quality: np.ndarray) -> tuple[EncoderOutput, Heard]:
    """What is heard of a scene no longer than a window, from one side only: eight would take eight times as long."""
    features = whole_frames(signals, encoder.config.order)
    starts = window_starts(features.shape[1] // 5, encoder.config.segment_frames)
    assert len(starts) == 1, "heads are fitted to scenes of one window"
    trust = torch.tensor(quality)[None]  # a copy: filters are shared and read-only
    output = hear_from_all_sides(encoder, features[None], trust, axis_views(1))
    return output, read_scene(output, [0.0], spatial_kind(quality), tuple(encoder.config.classes))


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


def heard_scenes(folder: Path) -> dict[str, Tensor]:
    """All parts of a folder in memory, 18 kB a scene of four seconds, ``scene`` counted through all of them.

    ``InputError`` where the encoder heard no source at all.
    """
    parts = FeatureSet.open(folder).parts
    data = {name: torch.from_numpy(np.concatenate([part[name] for part in parts])) for name in parts[0]}
    if not len(data["target"]):
        raise InputError(f"{folder}: the encoder heard no source of these scenes; train the stage 'encoder' for longer")
    before = np.cumsum([0, *(len(part["room"]) for part in parts)])[:-1]
    data["scene"] += torch.from_numpy(np.repeat(before, [len(part["scene"]) for part in parts]))
    return data
