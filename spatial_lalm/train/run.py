"""A whole run: render, hear, answer, export; every step goes on where it was stopped."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spatial_lalm.errors import InputError
from spatial_lalm.train.config import Recipe

if TYPE_CHECKING:
    from spatial_lalm.model.encoder import SpatialEncoder

Reporter = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
STAGES = ("encoder", "room", "range", "language", "memory")


def train(
    recipe: Recipe, sources: Path | None, folder: Path, stages: tuple[str, ...], workers: int, report: Reporter
) -> None:
    """Run stages of a recipe in ``folder``: scenes in ``scenes/``, checkpoints by stage, the model in ``model/``.

    ``InputError`` when the folder holds a run of another recipe or source list, or lacks the encoder to answer with.
    """
    from spatial_lalm.model.loading import load_model, quiet_transformers
    from spatial_lalm.train import encoder_stage, language_stage, listening, memory_stage, range_stage, room_stage

    # Before the claim: a refused command leaves nothing behind.
    if stages[0] == "memory":
        _whole_model(folder)
    elif stages[0] != "encoder":
        _trained_path(folder, STAGES[STAGES.index(stages[0]) - 1])
    _claim(folder, recipe, sources)
    if "encoder" in stages:
        scenes = folder / "scenes" / "encoder"
        with report("scenes for hearing") as progress:
            encoder_stage.prepare(recipe.encoder, sources, scenes, workers, progress)
        with report("steps of hearing") as progress:
            encoder = encoder_stage.train_encoder(recipe.encoder, scenes, folder / "encoder", progress)
        with quiet_transformers():
            encoder.save_pretrained(folder / "encoder" / "model")
    if "room" in stages:
        encoder = _trained_encoder(folder, "encoder")
        scenes = folder / "scenes" / "listening"
        with report("scenes for rooms and ranging") as progress:
            listening.prepare(recipe.listening, encoder, sources, scenes, workers, progress)
        with report("steps of rooms") as progress:
            room_stage.train_room(recipe.room, encoder, scenes, folder / "room", progress)
        with quiet_transformers():
            encoder.save_pretrained(folder / "room" / "model")
    if "range" in stages:
        encoder = _trained_encoder(folder, "room")
        scenes = folder / "scenes" / "listening"
        with report("scenes for ranging") as progress:  # as good as there, after the stage before
            listening.prepare(recipe.listening, encoder, sources, scenes, workers, progress)
        with report("steps of ranging") as progress:
            range_stage.train_range(recipe.range, encoder, scenes, folder / "range", progress)
        with quiet_transformers():
            encoder.save_pretrained(folder / "range" / "model")
    if "language" in stages:
        encoder = _trained_encoder(folder, "range")
        scenes = folder / "scenes" / "language"
        with report("scenes for answering") as progress:
            language_stage.prepare(recipe.language, encoder.config.order, sources, scenes, workers, progress)
        with report("steps of answering") as progress:
            model, processor = language_stage.train_language(
                recipe.language, encoder, scenes, folder / "language", progress
            )
        with quiet_transformers():
            model.save_pretrained(folder / "model", max_shard_size="15MB")
            processor.save_pretrained(folder / "model")
    if "memory" in stages:
        lalm = load_model(_whole_model(folder))
        scenes = folder / "scenes" / "language"
        with report("scenes for remembering") as progress:
            language_stage.prepare(recipe.language, lalm.processor.order, sources, scenes, workers, progress)
        with report("takes for remembering") as progress:
            memory_stage.prepare(recipe.memory, lalm.model, scenes, folder / "scenes" / "memory", progress)
        with report("steps of remembering") as progress:
            memory_stage.train_memory(recipe.memory, lalm, folder / "scenes" / "memory", folder / "memory", progress)
        with quiet_transformers():
            lalm.model.save_pretrained(folder / "model", max_shard_size="15MB")


def _whole_model(folder: Path) -> Path:
    """Where the model lies as the language stage left it, or ``InputError``."""
    path = folder / "model"
    if not (path / "config.json").is_file():
        raise InputError(f"{folder}: no trained model in it; run the stage 'language' first")
    return path


def _trained_path(folder: Path, stage: str) -> Path:
    """Where the encoder lies as ``stage`` left it, or ``InputError``."""
    path = folder / stage / "model"
    if not (path / "config.json").is_file():
        raise InputError(f"{folder}: no trained encoder in it; run the stage {stage!r} first")
    return path


def _trained_encoder(folder: Path, stage: str) -> SpatialEncoder:
    from spatial_lalm.model.encoder import SpatialEncoder
    from spatial_lalm.model.loading import quiet_transformers

    path = _trained_path(folder, stage)
    with quiet_transformers():
        encoder: SpatialEncoder = SpatialEncoder.from_pretrained(path, use_safetensors=True).eval()
    encoder.config.name_or_path = ""  # else the folder of this run would be written into every model made of it
    return encoder


def _claim(folder: Path, recipe: Recipe, sources: Path | None) -> None:
    """Write what this run is made of, or refuse a folder that holds another."""
    made_of = json.dumps({"recipe": asdict(recipe), "sources": sources and str(sources)}, indent=2)
    note = folder / "run.json"
    if note.is_file() and not _same_run(json.loads(note.read_text()), json.loads(made_of)):
        raise InputError(f"{folder}: holds a run of another recipe or source list; choose another --out")
    folder.mkdir(parents=True, exist_ok=True)
    note.write_text(made_of)


def _same_run(noted: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether a folder's run is the one that is wanted; stages that it was begun without may be added."""
    recipe = wanted["recipe"] | noted["recipe"]
    return noted | {"recipe": recipe} == wanted
