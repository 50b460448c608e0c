"""The scenes that a stage learns from and is validated on: which kinds, of which sounds, rendered where."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.recipe import SceneRecipe, still_scenes
from spatial_lalm.train.config import SceneData
from spatial_lalm.train.data import Maker, render_features

Progress = Callable[[int, int], None]
KINDS = 20
"""Parts of rendered scenes after which their kinds come round again."""


def prepare(
    data: SceneData,
    order: int,
    make: Callable[[bool], Maker],
    sources: Path | None,
    folder: Path,
    workers: int,
    progress: Progress | None,
) -> None:
    """Render validation and training scenes into ``folder/validation`` and ``folder/train``; sealed parts are kept.

    ``make`` tells what to keep of a part's scenes, of training scenes (True) or others; ``order`` is what is heard of
    ideal ambisonics.
    """
    for split, scenes, seed in (("validation", data.validation, data.seed + 1), ("train", data.scenes, data.seed)):
        training = split == "train"
        library = open_library(sources, split, data)
        recipes = scene_recipes(data, training, order)
        render_features(recipes, library, scenes, seed, folder / split, workers, progress, make(training), data.part)


def scene_recipes(data: SceneData, training: bool, order: int = 1) -> list[SceneRecipe]:
    """The simulator's recipes for a stage's parts in turn: scenes through arrays, lively ones and still ones.

    Dry sounds are varied in training only, and validation has each kind once in its turn.
    """
    still = still_scenes(
        receiver=f"hoa{order}" if order > 1 else "foa",
        snr_db=data.snr_db,
        counts=data.counts,
        t60_s=data.t60_s,
        event_s=data.event_s,
        varispeed=data.varispeed if training else 0.0,
        colour_db=data.colour_db if training else 0.0,
    )
    lively = replace(
        still,
        rooms=replace(still.rooms, outdoors_share=0.08),
        sources=replace(still.sources, moving_share=0.4, directed_share=0.5),
        background=replace(still.background, directional_share=0.2, unsteady_share=0.3),
        receivers=replace(still.receivers, turning_share=0.05),
    )
    # Movers through many capsules take ten times as long, and teach of arrays what still sources do.
    raw = replace(lively, receiver="random", sources=replace(lively.sources, moving_share=0.0))
    arrays, moving = round(KINDS * data.array_share), round(KINDS * data.lively_share)
    kinds = [raw] * arrays + [lively] * moving + [still] * (KINDS - arrays - moving)
    kinds = [kinds[7 * part % KINDS] for part in range(KINDS)]  # mixed, for runs of few parts
    if not training or len(set(kinds)) == 1:
        kinds = list(dict.fromkeys(kinds))
    lengths = data.duration_s  # and kinds go round side by side, so that few parts have all of both
    parts = range(math.lcm(len(lengths), len(kinds)))
    return [replace(kinds[part % len(kinds)], duration_s=lengths[part % len(lengths)]) for part in parts]


def open_library(sources: Path | None, split: str | None, data: SceneData) -> SourceLibrary:
    """The sounds of a split, mixed with the generators; the generators alone where no sources are given."""
    builtin = SourceLibrary.builtin(espeak=None if sources is None else False)
    if sources is None:
        return builtin
    split = split if sources.suffix == ".csv" else None
    files = SourceLibrary.open(sources, split, speech_share=data.speech_share)
    return SourceLibrary.mixed(files, builtin, data.builtin_share)
