"""The processor: windows that cover everything, one placeholder to timed audio tokens, padding on the left."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoProcessor

from spatial_lalm.model.loading import SpatialLalm
from spatial_lalm.model.processing import AUDIO, FRAME, SpatialLalmProcessor, marker, window_starts


@pytest.fixture
def processor(tiny_model: SpatialLalm) -> SpatialLalmProcessor:
    return tiny_model.processor


# ---------------------------------------------------------------- windows and markers


@given(frames=st.integers(1, 5_000), window=st.integers(1, 200))
def test_windows_cover_every_frame_and_stay_inside(frames: int, window: int) -> None:
    starts = window_starts(frames, window)
    length = min(frames, window)
    assert starts[0] == 0
    assert starts[-1] + length == frames
    assert all(0 < b - a <= window for a, b in pairwise(starts))
    assert len(starts) == -(-frames // window)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "00:00:00"),
        (3.999, "00:00:03"),
        (59.0, "00:00:59"),
        (61.0, "00:01:01"),
        (3_661.5, "01:01:01"),
        (359_999.0, "99:59:59"),
        (3 * 0.1 * 10, "00:00:03"),  # 3.0000000000000004
        (7.9999999, "00:00:08"),  # what 8 s become in sums of tenths
    ],
)
def test_marker_is_the_time_rounded_down(seconds: float, text: str) -> None:
    assert marker(seconds) == text


def test_audio_prompt_tells_the_time_before_the_tokens_of_each_window(processor: SpatialLalmProcessor) -> None:
    assert processor.audio_prompt([0.0, 4.0]) == f"00:00:00{AUDIO * 10}00:00:04{AUDIO * 10}"


@pytest.mark.parametrize(("seconds", "starts"), [(0.5, [0]), (4.0, [0]), (5.0, [0, 1]), (9.3, [0, 4, 5.3])])
def test_listening_cuts_windows_of_four_seconds(
    processor: SpatialLalmProcessor, seconds: float, starts: list[float]
) -> None:
    heard = processor.listen(np.ones((4, round(seconds * 16_000)), np.float32))
    np.testing.assert_allclose(heard["start_s"], starts, atol=1e-6)
    frames = round(min(seconds, 4.0) * 50)
    assert heard["input_features"].shape == (len(starts), 11, frames, 64)
    assert heard["quality"].shape == (len(starts), 4, 64)
    assert heard["quality"].eq(1).all()


def test_windows_hold_the_features_of_their_time(processor: SpatialLalmProcessor) -> None:
    features = torch.arange(50 * 9).float().view(1, 450, 1)
    cut, starts = processor.windows(features)
    for window, start in zip(cut, starts, strict=True):
        torch.testing.assert_close(window[0, :, 0], torch.arange(200) + 50 * start)


@pytest.mark.parametrize(("samples", "frames"), [(1, 5), (8_000, 5), (8_001, 6), (9_600, 6), (9_601, 7)])
def test_short_ends_are_completed_not_cut(processor: SpatialLalmProcessor, samples: int, frames: int) -> None:
    heard = processor.listen(np.zeros((4, samples), np.float32))
    assert heard["input_features"].shape[2] == 5 * frames
    assert FRAME == 1600


@pytest.mark.parametrize("shape", [(4,), (1, 16_000), (16, 16_000), (16_000, 4), (1, 4, 16_000)])
def test_other_shapes_are_refused(processor: SpatialLalmProcessor, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\(4, samples\) or \(9, samples\) expected"):
        processor.listen(np.zeros(shape, np.float32))


# ---------------------------------------------------------------- prompts


def test_chat_template_puts_one_placeholder_for_an_audio_part(processor: SpatialLalmProcessor) -> None:
    messages = [
        {"role": "user", "content": [{"type": "audio"}, {"type": "text", "text": "Where is the dog?"}]},
        {"role": "assistant", "content": "On the left."},
        {"role": "user", "content": "And when?"},
    ]
    prompt = processor.apply_chat_template(messages, add_generation_prompt=True)
    asked = "<|user|><|audio|>Where is the dog?<|answer|>On the left.<|end|>"
    assert prompt == f"{asked}<|user|>And when?<|answer|>"
    assert processor.apply_chat_template(messages[:2]) == asked


def test_template_gives_the_same_tokens_as_training(processor: SpatialLalmProcessor, sound: np.ndarray) -> None:
    """What ``train.language_stage`` concatenates is what the template writes."""
    parts = [{"type": "audio"}, {"type": "text", "text": "Where?"}]
    prompt = processor.apply_chat_template([{"role": "user", "content": parts}], add_generation_prompt=True)
    trained = f"<|user|>{processor.audio_prompt([0.0, 1.0])}Where?<|answer|>"
    assert processor(prompt, [sound])["input_ids"][0].tolist() == processor.tokenizer.encode(trained)


def test_a_call_gives_tokens_and_windows_padded_on_the_left(processor: SpatialLalmProcessor, sound: np.ndarray) -> None:
    prompts = [f"<|user|>{AUDIO}When?<|answer|>", f"<|user|>{AUDIO}Where is the old dog that barks?<|answer|>"]
    inputs = processor(prompts, [sound[:, :64_000], sound])
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    assert ids.shape == mask.shape
    padding = int((mask[0] == 0).sum())
    assert padding > 0
    assert not mask[0, :padding].any()
    assert ids[0, :padding].eq(processor.tokenizer.pad_token_id).all()
    assert mask[1].all()
    audio = processor.tokenizer.convert_tokens_to_ids(AUDIO)
    assert ids.eq(audio).sum(1).tolist() == [10, 20]


def test_sound_fields_of_one_length_stack_in_the_order_of_their_placeholders(
    processor: SpatialLalmProcessor, sound: np.ndarray
) -> None:
    quality = np.zeros((4, 64), np.float32)
    quality[0] = 1
    inputs = processor(f"{AUDIO} and {AUDIO}", [sound, (0.5 * sound[::-1].copy(), quality)])
    alone = processor.listen(sound)
    torch.testing.assert_close(inputs["input_features"][:2], alone["input_features"])
    assert inputs["quality"][:2].eq(1).all()
    assert inputs["quality"][2:, 1:].eq(0).all()
    assert inputs["start_s"].tolist() == [0, 1, 0, 1]


def test_short_sound_fields_of_different_lengths_are_refused(
    processor: SpatialLalmProcessor, sound: np.ndarray
) -> None:
    with pytest.raises(ValueError, match=r"windows of 2 and 4 s do not stack"):
        processor([AUDIO, AUDIO], [sound[:, :32_000], sound])


def test_common_options_of_processors_are_taken(processor: SpatialLalmProcessor, sound: np.ndarray) -> None:
    wanted = processor(text=f"{AUDIO}When?", audio=sound)
    given = processor(text=[f"{AUDIO}When?"], audio=[sound], return_tensors="pt", padding=True)
    assert wanted["input_ids"].equal(given["input_ids"])


def test_text_alone_needs_no_audio(processor: SpatialLalmProcessor) -> None:
    assert set(processor("Hello")) == {"input_ids", "attention_mask"}


@pytest.mark.parametrize(("placeholders", "fields"), [(0, 1), (1, 0), (2, 1), (1, 2)])
def test_placeholders_must_be_as_many_as_sound_fields(
    processor: SpatialLalmProcessor, sound: np.ndarray, placeholders: int, fields: int
) -> None:
    with pytest.raises(ValueError, match=f"{placeholders} <|audio|> placeholders for {fields} sound fields"):
        processor(AUDIO * placeholders + "Where?", [sound] * fields)


# ---------------------------------------------------------------- files


def test_saved_processor_is_the_same(processor: SpatialLalmProcessor, tmp_path: Path, sound: np.ndarray) -> None:
    own = SpatialLalmProcessor(processor.tokenizer, window_frames=20, window_tokens=7)
    own.save_pretrained(tmp_path)
    again = SpatialLalmProcessor.from_pretrained(tmp_path)
    assert (again.window_frames, again.window_tokens) == (20, 7)
    prompt = again.apply_chat_template([{"role": "user", "content": [{"type": "audio"}]}], add_generation_prompt=True)
    assert again(prompt, [sound])["input_ids"].equal(own(prompt, [sound])["input_ids"])


def test_auto_processor_is_ours(tiny_folder: Path) -> None:
    assert isinstance(AutoProcessor.from_pretrained(tiny_folder), SpatialLalmProcessor)
