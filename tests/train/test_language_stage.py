"""Batches of questions: the scene turns with its features, and only answers carry a loss."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from spatial_lalm.audio.conventions import rotation_matrix
from spatial_lalm.audio.scene import Scene
from spatial_lalm.model.loading import SpatialLalm
from spatial_lalm.model.processing import AUDIO
from spatial_lalm.simulation.questions import QuestionAnswer
from spatial_lalm.train.language_stage import Collator, LanguageBatch, turned

ASKED = QuestionAnswer("where", "Where is it?", "It comes from the left.", False, "speech")


def batch(lalm: SpatialLalm, scene: Scene, seconds: int = 4, questions: int = 3) -> LanguageBatch:
    features = torch.randn(2, 11, 50 * seconds, 64, generator=torch.Generator().manual_seed(0))
    collate = Collator(lalm.processor, questions)
    return collate(features, [scene, scene], torch.Generator().manual_seed(0), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("rotation", "azimuth"),
    [(rotation_matrix(90), 120.0), (rotation_matrix(-60), -30.0), (np.diag([1.0, -1.0, 1.0]), -30.0)],
)
def test_scene_turns_with_the_sound_field(scene: Scene, rotation: np.ndarray, azimuth: float) -> None:
    event = turned(scene, rotation).events[0]
    assert event.azimuth_deg == pytest.approx(azimuth)
    assert event.elevation_deg == pytest.approx(5.0)
    assert event.distance_m == 1.5
    assert replace(turned(scene, rotation), events=scene.events) == scene


def test_only_answers_carry_a_loss(tiny_model: SpatialLalm, scene: Scene) -> None:
    made = batch(tiny_model, scene)
    tokenizer = tiny_model.processor.tokenizer
    assert made.input_ids.shape == made.labels.shape == made.attention_mask.shape
    assert len(made.input_ids) == 6
    for ids, mask, labels in zip(made.input_ids, made.attention_mask, made.labels, strict=True):
        answer = labels[labels != -100]
        assert answer[-1] == tokenizer.eos_token_id
        start = int((ids == tokenizer.convert_tokens_to_ids("<|answer|>")).nonzero()[0, 0]) + 1
        assert labels[:start].eq(-100).all()
        assert ids[start : start + len(answer)].equal(answer)
        assert mask.tolist() == [1] * (start + len(answer)) + [0] * (len(ids) - start - len(answer))
        assert ids[mask == 0].eq(tokenizer.pad_token_id).all()


@pytest.mark.parametrize(("seconds", "windows"), [(4, 1), (10, 3)])
def test_every_scene_has_its_windows_once_and_its_tokens_in_every_question(
    tiny_model: SpatialLalm, scene: Scene, seconds: int, windows: int
) -> None:
    made = batch(tiny_model, scene, seconds, questions=2)
    audio = tiny_model.processor.tokenizer.convert_tokens_to_ids(AUDIO)
    assert made.scenes == 2
    assert len(made.input_features) == len(made.quality) == len(made.start_s) == 2 * windows
    assert made.input_ids.eq(audio).sum(1).tolist() == [10 * windows] * 4
    assert made.start_s.view(2, windows)[0].equal(made.start_s.view(2, windows)[1])


def test_declined_answers_begin_with_their_token(tiny_model: SpatialLalm) -> None:
    collate = Collator(tiny_model.processor, 1)
    told, declined = (collate.tokens("", replace(ASKED, declined=value))[1] for value in (False, True))
    assert declined == [tiny_model.model.config.decline_token_id, *told]


def test_same_seeds_give_the_same_batch(tiny_model: SpatialLalm, scene: Scene) -> None:
    first, second = (batch(tiny_model, scene) for _ in range(2))
    assert first.input_ids.equal(second.input_ids)
    assert first.input_features.equal(second.input_features)
