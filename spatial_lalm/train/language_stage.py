"""Stage 4, answering: questions about scenes of several lengths, on top of the frozen encoder.

Legend: B scenes, W windows of all of them, S tokens.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from spatial_lalm.audio.conventions import angles, unit_vector
from spatial_lalm.audio.scene import Scene
from spatial_lalm.errors import InputError
from spatial_lalm.model.configuration import SpatialLalmConfig
from spatial_lalm.model.encoder import SpatialEncoder
from spatial_lalm.model.hearing import spatial_kind
from spatial_lalm.model.loading import load_model
from spatial_lalm.model.modeling import SpatialLalmForConditionalGeneration
from spatial_lalm.model.processing import AUDIO, DECLINE, END, REPLY, USER, SpatialLalmProcessor
from spatial_lalm.model.views import axis_views, hear_from_all_sides
from spatial_lalm.simulation.questions import QuestionAnswer, Shares, ask_about
from spatial_lalm.train import scenes
from spatial_lalm.train.augmentation import degrade
from spatial_lalm.train.config import LanguageStage
from spatial_lalm.train.data import FeatureSet, render_part
from spatial_lalm.train.loop import fit
from spatial_lalm.train.tokenizer import train_tokenizer

Progress = Callable[[int, int], None]
TOKENIZER_TEXTS = 20_000


def prepare(
    stage: LanguageStage, order: int, sources: Path | None, folder: Path, workers: int, progress: Progress | None
) -> None:
    """Render scenes of every length of the recipe into ``folder/train`` and ``folder/validation``."""
    scenes.prepare(stage.data, order, lambda _: partial(render_part, order=order), sources, folder, workers, progress)


def turned(scene: Scene, rotation: np.ndarray) -> Scene:
    """The scene after a rotation or reflection ``(3, 3)`` of the sound field."""
    events = []
    for event in scene.events:
        places = np.array(event.trajectory)
        azimuth, elevation = angles(unit_vector(places[:, 0], places[:, 1]) @ rotation.T)
        track = tuple(zip(azimuth.tolist(), elevation.tolist(), places[:, 2].tolist(), strict=True))
        events.append(replace(event, trajectory=track))
    return replace(scene, events=tuple(events))


@dataclass
class LanguageBatch:
    """Prompts with answers, padded on the right, ``(B * questions, S)``, a scene's questions in turn; windows ``W``."""

    scenes: int
    input_ids: Tensor
    attention_mask: Tensor
    labels: Tensor
    input_features: Tensor
    quality: Tensor
    start_s: Tensor


class Collator:
    """Degrades scenes, asks several questions about each, and lays out tokens."""

    def __init__(self, processor: SpatialLalmProcessor, questions: int, shares: Shares | None = None) -> None:
        """``shares`` says how often the sounds of such scenes are of each class."""
        self.processor, self.questions, self.shares = processor, questions, shares

    def __call__(
        self, features: Tensor, graphs: list[Scene], generator: torch.Generator, rng: np.random.Generator
    ) -> LanguageBatch:
        """A batch of scenes of one length, features ``(B, 1 + S, T, F)``."""
        take = degrade(features, generator)
        stacked = torch.cat([take.energy[:, None], take.maps], dim=1)
        windows, rows = [], []
        for index, scene in enumerate(graphs):
            cut, starts = self.processor.windows(stacked[index])
            windows.append(cut)
            kind = spatial_kind(take.quality[index].numpy())
            heard = turned(scene, take.rotation[index].double().numpy())
            for _ in range(self.questions):
                asked = ask_about(heard, rng, kind, shares=self.shares)
                rows.append(self.tokens(self.processor.audio_prompt(starts), asked))
        start_s = torch.tensor(starts, dtype=torch.float32).repeat(len(graphs))
        ids, mask, labels = self.pad(rows)
        quality = take.quality.repeat_interleave(len(starts), 0)
        return LanguageBatch(len(graphs), ids, mask, labels, torch.cat(windows), quality, start_s)

    def tokens(self, audio_prompt: str, asked: QuestionAnswer) -> tuple[list[int], list[int]]:
        """Token ids of the prompt and of the answer."""
        prompt = f"{USER}{audio_prompt}{asked.question}{REPLY}"
        answer = f"{DECLINE if asked.declined else ''}{asked.answer}{END}"
        encode = self.processor.tokenizer.encode
        return encode(prompt), encode(answer)

    def pad(self, rows: list[tuple[list[int], list[int]]]) -> tuple[Tensor, Tensor, Tensor]:
        """Ids, mask and labels ``(B, S)``; only answers carry a loss."""
        longest = max(len(prompt) + len(answer) for prompt, answer in rows)
        ids = torch.full((len(rows), longest), self.processor.tokenizer.pad_token_id)
        labels = torch.full((len(rows), longest), -100)
        mask = torch.zeros(len(rows), longest, dtype=torch.long)
        for row, (prompt, answer) in enumerate(rows):
            length = len(prompt) + len(answer)
            ids[row, :length] = torch.tensor(prompt + answer)
            labels[row, len(prompt) : length] = torch.tensor(answer)
            mask[row, :length] = 1
        return ids, mask, labels


def build_model(stage: LanguageStage, encoder: SpatialEncoder, seen: FeatureSet) -> tuple[
    SpatialLalmForConditionalGeneration, SpatialLalmProcessor
]:  # fmt: skip
    """A language model around the trained encoder, fresh or that of ``stage.start``, and its processor.

    A fresh one has a vocabulary of the questions. ``InputError`` where ``stage.start`` is of another size.
    """
    begun = load_model(stage.start) if stage.start else None
    tokenizer = (
        begun.processor.tokenizer if begun else train_tokenizer(_texts(seen, stage.optimisation.seed), stage.vocabulary)
    )
    audio = encoder.config
    processor = SpatialLalmProcessor(
        tokenizer, window_frames=audio.segment_frames, window_tokens=audio.window_tokens, order=audio.order
    )
    text = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id, "bos_token_id": None}
    config = SpatialLalmConfig(
        audio_config=audio,
        text_config=dict(stage.model) | text | {"eos_token_id": tokenizer.eos_token_id},
        audio_token_id=tokenizer.convert_tokens_to_ids(AUDIO),
        decline_token_id=tokenizer.convert_tokens_to_ids(DECLINE),
        max_seconds=max(stage.data.duration_s),
    )
    model = SpatialLalmForConditionalGeneration(config)
    if begun:
        try:
            model.multi_modal_projector.load_state_dict(begun.model.multi_modal_projector.state_dict())
            model.language_model.load_state_dict(begun.model.language_model.state_dict())
        except RuntimeError:
            raise InputError(
                f"language: start = {stage.start!r}: a model of another size; give it the same model tables"
            ) from None
    model.audio_tower.load_state_dict(encoder.state_dict())
    model.audio_tower.requires_grad_(False)
    return model, processor


def shares_of(seen: FeatureSet) -> Shares:
    """How often the sounds of rendered scenes are of each class."""
    counted = Counter(event.label for scene in seen.scenes() for event in scene.events)
    return Shares({label: counted[label] / counted.total() for label in sorted(counted)})


def _texts(seen: FeatureSet, seed: int) -> Iterator[str]:
    """Questions and answers to learn the vocabulary from."""
    rng = np.random.default_rng(seed)
    every = list(itertools.islice(seen.scenes(), TOKENIZER_TEXTS))
    for index in range(TOKENIZER_TEXTS):
        asked = ask_about(every[index % len(every)], rng, rng.choice(["full", "planar", "lateral", "none"]))
        yield f"{asked.question} {asked.answer}"


def train_language(
    stage: LanguageStage, encoder: SpatialEncoder, data_folder: Path, folder: Path, progress: Progress | None = None
) -> tuple[SpatialLalmForConditionalGeneration, SpatialLalmProcessor]:
    """Fit projector and language model on questions about rendered scenes; exact resume from ``folder``."""
    plan = stage.optimisation
    seen, held_out = FeatureSet.open(data_folder / "train"), FeatureSet.open(data_folder / "validation")
    torch.manual_seed(plan.seed)
    model, processor = build_model(stage, encoder, seen)
    collate = Collator(processor, stage.questions, shares_of(seen))

    def batch_of(data: FeatureSet, generator: torch.Generator, rng: np.random.Generator) -> LanguageBatch:
        features, chosen = data.same_length(rng, plan.batch)
        return collate(torch.from_numpy(features).float(), chosen, generator, rng)

    def loss_of(batch: LanguageBatch) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=plan.bfloat16):
            with torch.no_grad():
                # One view is enough to learn from; the shipped model hears better than it was taught with.
                heard = hear_from_all_sides(model.audio_tower, batch.input_features, batch.quality, axis_views(1))
                summary = model.remember(heard, batch.quality, batch.start_s)
            audio = model.multi_modal_projector(summary).unflatten(0, (batch.scenes, -1)).flatten(1, 2)
            audio = audio.repeat_interleave(stage.questions, 0).flatten(0, 1)
            embeddings = model.insert_audio(batch.input_ids, audio)
            output = model(inputs_embeds=embeddings, attention_mask=batch.attention_mask, labels=batch.labels)
        loss: Tensor = output.loss.float()
        return loss

    def step_function(step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        model.audio_tower.eval()
        return loss_of(batch_of(seen, generator, np.random.default_rng([plan.seed, step]))), {}

    @torch.inference_mode()
    def validate() -> dict[str, float]:
        generator, rng = torch.Generator().manual_seed(0), np.random.default_rng(0)
        losses = [float(loss_of(batch_of(held_out, generator, rng))) for _ in range(10)]
        return {"loss": float(np.mean(losses))}

    fit(model, plan, step_function, folder, validate, progress)
    model.eval()
    return model, processor
