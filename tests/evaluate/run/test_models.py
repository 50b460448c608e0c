"""Models that answer: a tiny one of transformers that is built here, and the shipped one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spatial_lalm.audio.recording import Recording
from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.benchmark import Tracks
from spatial_lalm.evaluate.run.evaluation import Evaluation, evaluate
from spatial_lalm.evaluate.run.runner import Plan
from spatial_lalm.evaluate.run.systems import ours
from spatial_lalm.evaluate.run.systems.foreign import Foreign, folder_type, loaded, one_channel

TEMPLATE = (
    "{% for message in messages %}{% for part in message['content'] %}"
    "{% if part['type'] == 'audio' %}<|AUDIO|>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endfor %} answer"
)


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An audio language model of random weights: a Whisper encoder of one layer before a Qwen2 of one."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        PreTrainedTokenizerFast,
        Qwen2AudioConfig,
        Qwen2AudioForConditionalGeneration,
        Qwen2AudioProcessor,
        WhisperFeatureExtractor,
    )

    words = ["<pad>", "<unk>", "<eos>", "<|AUDIO|>", "answer", "left", "right", "where", "is", "the", "noise"]
    core = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, "<unk>"))
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<pad>", unk_token="<unk>", eos_token="<eos>")
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|AUDIO|>"]})
    extractor = WhisperFeatureExtractor(feature_size=16, chunk_length=2)
    config = Qwen2AudioConfig(
        audio_config={
            "num_mel_bins": 16, "encoder_layers": 1, "encoder_attention_heads": 2, "encoder_ffn_dim": 16, "d_model": 16,
            "max_source_positions": 100,
        },
        text_config={
            "vocab_size": len(words), "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
            "num_attention_heads": 2, "num_key_value_heads": 1, "eos_token_id": 2, "pad_token_id": 0,
        },
        audio_token_index=3,
    )  # fmt: skip
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("foreign")
    Qwen2AudioForConditionalGeneration(config).save_pretrained(folder)
    Qwen2AudioProcessor(extractor, tokenizer, TEMPLATE).save_pretrained(folder)
    return folder


def test_a_model_of_transformers_answers(
    foreign: Path, items: tuple[Any, ...], tmp_path: Path, pools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spatial_lalm.evaluate.run.systems.foreign.LONGEST_ANSWER", 6)
    system = Foreign(str(foreign), "digest")
    assert folder_type(foreign) == "qwen2_audio"
    two = (items[1], replace(items[1], name="two", audio=(items[1].audio[0], items[6].audio[0])))
    document = evaluate(Evaluation("toy", "test", Plan(system, two), (), ""), tmp_path, pools[0])
    assert document["scores"]["overall"]["count"] == 2
    assert document["repeat"]["system"]["model_type"] == "qwen2_audio"
    answer = system.answer(two[1], [Recording.open(path, "ambix") for path in two[1].audio])
    assert answer.prompt.count("<|AUDIO|>") == 2
    assert "(B) left" in answer.prompt
    assert set(answer.text.split()) <= {"answer", "left", "right", "where", "is", "the", "noise", "<unk>"}


def test_what_it_hears_changes_what_it_computes(foreign: Path, items: tuple[Any, ...]) -> None:
    """One channel at its rate reaches the model: another sound gives other logits."""
    import torch

    model, processor = loaded(str(foreign))
    logits = []
    for item in (items[0], items[5]):
        sound = one_channel(Recording.open(item.audio[0], "ambix"), 0.0, 1.0, 16_000)
        inputs = processor(text="<|AUDIO|> where", audio=[sound], sampling_rate=16_000, return_tensors="pt")
        with torch.inference_mode():
            logits.append(model(**inputs).logits[0, -1].numpy())
    assert not np.allclose(*logits)


def test_a_cut_is_told(foreign: Path, items: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spatial_lalm.evaluate.run.systems.foreign.LONGEST_ANSWER", 1)
    long = Recording.from_array(np.tile(Recording.open(items[0].audio[0]).read(), 3), 16_000, "ambix")
    assert Foreign(str(foreign), "").answer(items[0], [long]).evidence == {"cut_to_s": 2}


def test_a_folder_that_is_no_audio_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "nothing_known"}')
    with pytest.raises(InputError, match="cannot be loaded as an audio language model"):
        loaded(str(tmp_path))
    assert folder_type(tmp_path / "none") is None


# ---------------------------------------------------------------- ours


def test_the_shipped_model_answers_and_hears_each_recording_once(
    items: tuple[Any, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[int] = []
    listen = ours.SpatialLalm._listen

    def counted(model: Any, signals: Any, quality: Any, offset_s: float = 0.0) -> Any:
        heard.append(signals.shape[1])
        return listen(model, signals, quality, offset_s)

    monkeypatch.setattr(ours.SpatialLalm, "_listen", counted)
    ours.loaded.cache_clear()
    system = ours.Ours(None, "digest", tmp_path / "heard")
    recording = Recording.open(items[5].audio[0], "ambix")
    where, side, left = (system.answer(item, [recording]) for item in items[5:8])
    assert where.reading is not None
    assert where.reading.value[0] == pytest.approx(items[5].truth.azimuth_deg, abs=15.0)
    assert (side.reading, left.reading) != (None, None)
    assert side.reading.value == 1  # type: ignore[union-attr]
    assert left.reading.value is True  # type: ignore[union-attr]
    assert where.evidence["evidence"][0]["label"]
    assert heard == [16_000]
    direct = system.answer(items[5], [recording]).text
    assert direct == ours.load_model().ask(recording, items[5].question).text


def test_a_question_that_comes_again_is_answered_once_unless_the_sound_is_altered(
    tiny_folder: Path, items: tuple[Any, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def said(model: Any, question: str, audio: Any, prompt: str) -> str:
        asked.append(question)
        return "I hear noise."

    monkeypatch.setattr(ours.SpatialLalm, "say", said)
    ours.answered.cache_clear()
    system = ours.Ours(str(tiny_folder), "digest", tmp_path / "heard")
    side = items[6]
    recording = Recording.open(side.audio[0], side.format)
    first = system.answer(side, [recording])
    rotated = replace(side, truth=replace(side.truth, options=side.truth.options[::-1]))
    assert system.answer(rotated, [Recording.open(side.audio[0], side.format)]).text == first.text
    assert len(asked) == 1
    system.answer(side, [Recording.from_array(recording.read() / 2, recording.rate, "ambix")])
    system.answer(replace(side, start_s=0.5), [recording])
    assert len(asked) == 3
    ours.answered.cache_clear()
    ours.loaded.cache_clear()


def test_a_long_recording_is_analysed_once(tiny_folder: Path, items: tuple[Any, ...], tmp_path: Path) -> None:
    ours.loaded.cache_clear()
    system = ours.Ours(str(tiny_folder), "digest", tmp_path / "heard")
    long = Recording.from_array(np.tile(Recording.open(items[0].audio[0]).read(), 14), 16_000, "ambix")
    first = system.answer(items[0], [long])
    analysed = list((tmp_path / "heard").glob("*.h5"))
    stamp = analysed[0].stat().st_mtime_ns
    assert len(analysed) == 1
    assert system.answer(items[0], [long]) == first
    assert analysed[0].stat().st_mtime_ns == stamp
    for protocol, columns in (("dcase2023", 5), ("dcase2024", 6), ("dcase2025", 6), ("tracking", 5)):
        item = replace(items[0], truth=Tracks(Path("a.csv"), protocol))
        rows = system.answer(item, [long]).text.splitlines()
        assert rows
        assert all(len(row.split(",")) == columns for row in rows)
    ours.loaded.cache_clear()
