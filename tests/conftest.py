"""Settings of all tests, and a tiny model with random weights that goes every way that a trained one goes."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import settings

from spatial_lalm.audio.conventions import spherical_harmonics, unit_vector
from spatial_lalm.audio.scene import Acoustics, Room, Scene, SourceEvent
from spatial_lalm.simulation.questions import ask_about

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from spatial_lalm.model.loading import SpatialLalm

# A deadline measures the machine, not the code: the first example designs filters, and other work may share the cores.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")


CACHES = tempfile.TemporaryDirectory(prefix="spatial-lalm-tests-")


def pytest_configure() -> None:
    """One thread a test, as many small operations gain nothing by more; and nothing is left in the user's caches."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ["XDG_CACHE_HOME"] = CACHES.name


TINY_TEXT: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "max_position_embeddings": 512,
    "initializer_range": 0.3,
    "tie_word_embeddings": True,
}
TINY_AUDIO: dict[str, Any] = {
    "stem_channels": [8, 8, 8, 8],
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
}


@pytest.fixture(scope="session")
def scene() -> Scene:
    """Speech at the front left and a dog behind, four seconds."""
    events = (
        SourceEvent("speech", 0.5, 2.5, ((30.0, 5.0, 1.5),), (True,) * 20),
        SourceEvent("dog_bark", 1.0, 3.0, ((-120.0, 0.0, 2.5),), (True,) * 20),
    )
    room = Room((5.0, 4.0, 3.0), (0.3,) * 6)
    return Scene(4.0, 16_000, 1, room, (1.0, 2.0, 1.5), events, Acoustics(0.4, (0.4,) * 6, 3.0, 8.0), 20.0, seed=5)


@pytest.fixture(scope="session")
def texts(scene: Scene) -> list[str]:
    """A few hundred questions with their answers about one scene."""
    rng = np.random.default_rng(0)
    return [f"{one.question} {one.answer}" for one in (ask_about(scene, rng) for _ in range(300))]


@pytest.fixture(scope="session")
def tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    """A vocabulary of 400 tokens of our own."""
    from spatial_lalm.train.tokenizer import train_tokenizer

    return train_tokenizer(texts, 400)


def tiny(tokenizer: PreTrainedTokenizerFast, text_type: str = "qwen3") -> SpatialLalm:
    """A model of about 40,000 random weights around a causal model of ``text_type``, with its processor."""
    import torch

    from spatial_lalm.model.configuration import SpatialEncoderConfig, SpatialLalmConfig
    from spatial_lalm.model.loading import SpatialLalm
    from spatial_lalm.model.modeling import SpatialLalmForConditionalGeneration
    from spatial_lalm.model.processing import AUDIO, DECLINE, SpatialLalmProcessor

    torch.manual_seed(0)
    audio = SpatialEncoderConfig(**TINY_AUDIO)
    ids = {name: getattr(tokenizer, name) for name in ("pad_token_id", "eos_token_id")} | {"bos_token_id": None}
    config = SpatialLalmConfig(
        audio_config=audio,
        text_config=TINY_TEXT | ids | {"model_type": text_type, "vocab_size": len(tokenizer)},
        audio_token_id=tokenizer.convert_tokens_to_ids(AUDIO),
        decline_token_id=tokenizer.convert_tokens_to_ids(DECLINE),
        max_seconds=12.0,
    )
    model = SpatialLalmForConditionalGeneration(config).eval()
    with torch.no_grad():  # all tracks sound on the left, so that there is something to tell
        bias = model.audio_tower.heads.track.bias.view(audio.tracks, -1)
        bias[:, 0], bias[:, 2] = 2.0, 1.0
    processor = SpatialLalmProcessor(tokenizer, window_frames=audio.segment_frames, window_tokens=audio.window_tokens)
    return SpatialLalm(model, processor, f"tiny {text_type}")


@pytest.fixture(scope="session")
def tiny_model(tokenizer: PreTrainedTokenizerFast) -> SpatialLalm:
    """A tiny model around a qwen3."""
    return tiny(tokenizer)


@pytest.fixture(scope="session")
def tiny_llama(tokenizer: PreTrainedTokenizerFast) -> SpatialLalm:
    """A tiny model around a llama."""
    return tiny(tokenizer, "llama")


@pytest.fixture(scope="session")
def tiny_folder(tiny_model: SpatialLalm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tiny model, as training leaves it; copy it before changing it."""
    folder = tmp_path_factory.mktemp("tiny")
    tiny_model.model.save_pretrained(folder)
    tiny_model.processor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def sound() -> np.ndarray:
    """Noise from the left that gets loud after a second, first-order ambisonics ``(4, 5 s)``."""
    noise = np.random.default_rng(1).normal(0, 0.05, 5 * 16_000)
    noise[:16_000] *= 0.01
    return (spherical_harmonics(1, unit_vector(90.0, 0.0)[None]).T * noise).astype(np.float32)
