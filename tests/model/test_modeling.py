"""The whole model as transformers knows it: Auto classes, files, loss, padding, generation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForImageTextToText, BatchFeature

from spatial_lalm.model.configuration import SpatialEncoderConfig, SpatialLalmConfig
from spatial_lalm.model.loading import SpatialLalm
from spatial_lalm.model.modeling import SpatialLalmForConditionalGeneration

SHORT, LONG = "Where is the dog?", "When does the old dog behind the house bark at you?"


@pytest.fixture(params=["qwen3", "llama"])
def lalm(request: pytest.FixtureRequest) -> SpatialLalm:
    fixture = "tiny_model" if request.param == "qwen3" else "tiny_llama"
    model: SpatialLalm = request.getfixturevalue(fixture)
    return model


def prompt(lalm: SpatialLalm, question: str) -> str:
    parts = [{"type": "audio"}, {"type": "text", "text": question}]
    text: str = lalm.processor.apply_chat_template([{"role": "user", "content": parts}], add_generation_prompt=True)
    return text


def inputs_for(lalm: SpatialLalm, questions: list[str], sounds: list[np.ndarray]) -> BatchFeature:
    return lalm.processor([prompt(lalm, question) for question in questions], sounds)


@torch.inference_mode()
def logits(lalm: SpatialLalm, inputs: BatchFeature) -> Tensor:
    values: Tensor = lalm.model(**inputs).logits
    return values


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("tied", [True, False])
def test_saved_model_gives_the_same_logits(lalm: SpatialLalm, tied: bool, tmp_path: Path, sound: np.ndarray) -> None:
    config = SpatialLalmConfig(**lalm.model.config.to_dict())
    config.text_config.tie_word_embeddings = tied
    torch.manual_seed(1)
    own = SpatialLalm(SpatialLalmForConditionalGeneration(config).eval(), lalm.processor, "own")
    own.model.save_pretrained(tmp_path, max_shard_size="50KB")
    files = [file.name for file in tmp_path.iterdir()]
    assert sum(name.endswith(".safetensors") for name in files) > 1
    assert not any(name.endswith((".bin", ".pt", ".pkl")) for name in files)
    again = AutoModelForImageTextToText.from_pretrained(tmp_path).eval()
    assert type(again) is SpatialLalmForConditionalGeneration
    inputs = inputs_for(lalm, [SHORT], [sound])
    assert logits(SpatialLalm(again, lalm.processor, ""), inputs).equal(logits(own, inputs))


def test_auto_config_is_ours_and_whole(tiny_folder: Path, tiny_model: SpatialLalm) -> None:
    config = AutoConfig.from_pretrained(tiny_folder)
    assert type(config) is SpatialLalmConfig
    assert type(config.audio_config) is SpatialEncoderConfig
    assert config.text_config.model_type == "qwen3"
    ours = tiny_model.model.config.to_dict()
    for name in ("audio_config", "audio_token_id", "decline_token_id", "max_seconds"):
        assert config.to_dict()[name] == ours[name]


def test_default_configuration_has_an_encoder_and_a_text_model() -> None:
    config = SpatialLalmConfig()
    assert config.audio_config.hidden_size == 192
    assert config.text_config.model_type == "qwen3"


# ---------------------------------------------------------------- forward


def test_padding_on_the_left_changes_nothing(lalm: SpatialLalm, sound: np.ndarray) -> None:
    other = 0.3 * sound[:, ::-1].copy()
    together = inputs_for(lalm, [SHORT, LONG], [sound, other])
    assert not together["attention_mask"].all()
    both = logits(lalm, together)
    for row, (question, heard) in enumerate([(SHORT, sound), (LONG, other)]):
        alone = logits(lalm, inputs_for(lalm, [question], [heard]))[0]
        torch.testing.assert_close(both[row, -len(alone) :], alone, atol=1e-4, rtol=1e-4)


def test_loss_is_the_cross_entropy_of_what_is_not_ignored(lalm: SpatialLalm, sound: np.ndarray) -> None:
    inputs = inputs_for(lalm, [LONG], [sound])
    labels = inputs["input_ids"].clone()
    labels[:, :-6] = -100
    with torch.inference_mode():
        output = lalm.model(**inputs, labels=labels)
    expected = torch.nn.functional.cross_entropy(output.logits[0, -7:-1], labels[0, -6:])
    torch.testing.assert_close(output.loss, expected)


def test_answer_depends_on_the_audio(lalm: SpatialLalm, sound: np.ndarray) -> None:
    silent = logits(lalm, inputs_for(lalm, [SHORT], [np.zeros_like(sound)]))
    assert not torch.allclose(silent, logits(lalm, inputs_for(lalm, [SHORT], [sound])), atol=1e-3)


def test_gradients_reach_every_part(tiny_model: SpatialLalm, sound: np.ndarray) -> None:
    inputs = inputs_for(tiny_model, [SHORT], [sound])
    tiny_model.model.zero_grad()
    tiny_model.model(**inputs, labels=inputs["input_ids"]).loss.backward()
    for part in ("audio_tower.stem", "audio_tower.heads", "multi_modal_projector", "language_model"):
        gradients = [p.grad for name, p in tiny_model.model.named_parameters() if name.startswith(part)]
        assert any(g is not None and g.any() for g in gradients), part
        assert all(g is None or g.isfinite().all() for g in gradients), part
    tiny_model.model.zero_grad()


@pytest.mark.parametrize("missing", [1, 10])
def test_audio_tokens_must_fill_the_placeholders(lalm: SpatialLalm, sound: np.ndarray, missing: int) -> None:
    inputs = inputs_for(lalm, [SHORT], [sound])
    ids = inputs["input_ids"].clone()
    ids[0, (ids[0] == lalm.model.config.audio_token_id).nonzero()[:missing, 0]] = 7
    with pytest.raises(ValueError, match=f"{20 - missing} audio placeholders in the prompt for 20 audio tokens"):
        lalm.model(**{**inputs, "input_ids": ids})


def test_text_alone_is_a_plain_language_model(lalm: SpatialLalm) -> None:
    inputs = lalm.processor("Where is the dog?")
    with torch.inference_mode():
        expected = lalm.model.language_model(**inputs).logits
    assert logits(lalm, inputs).equal(expected)


# ---------------------------------------------------------------- generation


def generated(lalm: SpatialLalm, inputs: BatchFeature, **options: object) -> list[list[int]]:
    """New tokens of every row, without the padding behind an answer."""
    with torch.inference_mode():
        tokens = lalm.model.generate(**inputs, max_new_tokens=12, do_sample=False, **options)
    end, pad = lalm.processor.tokenizer.eos_token_id, lalm.processor.tokenizer.pad_token_id
    rows = tokens[:, inputs["input_ids"].shape[1] :].tolist()
    return [row[: row.index(end) + 1] if end in row else [t for t in row if t != pad] for row in rows]


def greedy(lalm: SpatialLalm, inputs: BatchFeature, steps: int = 12) -> list[int]:
    """Greedy decoding with no cache: the whole prompt again for every token."""
    new: list[int] = []
    for _ in range(steps):
        grown = torch.cat([inputs["input_ids"], torch.tensor([new], dtype=torch.long)], dim=1)
        values = logits(lalm, {**inputs, "input_ids": grown, "attention_mask": torch.ones_like(grown)})
        new.append(int(values[0, -1].argmax()))
        if new[-1] == lalm.processor.tokenizer.eos_token_id:
            break
    return new


@pytest.mark.parametrize("cache", [True, False])
def test_generate_is_greedy_decoding_by_hand(lalm: SpatialLalm, sound: np.ndarray, cache: bool) -> None:
    inputs = inputs_for(lalm, [SHORT], [sound])
    expected = greedy(lalm, inputs)
    assert len(set(expected)) > 1
    assert generated(lalm, inputs, use_cache=cache) == [expected]


def test_generate_for_a_batch_is_that_of_its_prompts(lalm: SpatialLalm, sound: np.ndarray) -> None:
    other = 0.3 * sound[:, ::-1].copy()
    both = generated(lalm, inputs_for(lalm, [SHORT, LONG], [sound, other]))
    assert both[0] == generated(lalm, inputs_for(lalm, [SHORT], [sound]))[0]
    assert both[1] == generated(lalm, inputs_for(lalm, [LONG], [other]))[0]


def test_ask_says_what_generate_says(lalm: SpatialLalm, sound: np.ndarray) -> None:
    """The embeddings' way of ``loading`` and transformers' own way are one."""
    inputs = inputs_for(lalm, [SHORT], [sound])
    _, audio, starts = lalm._listen(sound, None)
    text = lalm.say(SHORT, audio, lalm.processor.audio_prompt(starts))
    with torch.inference_mode():
        tokens = lalm.model.generate(**inputs, max_new_tokens=128, do_sample=False)[0, inputs["input_ids"].shape[1] :]
    assert text == lalm.processor.tokenizer.decode(tokens, skip_special_tokens=True).strip()
    assert text


def test_generation_ends_with_the_end_token(lalm: SpatialLalm) -> None:
    assert lalm.model.generation_config.eos_token_id == lalm.processor.tokenizer.eos_token_id
    assert lalm.model.generation_config.pad_token_id == lalm.processor.tokenizer.pad_token_id
