"""The mini model's vocabulary: single digits, any text there and back, never more tokens than allowed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from spatial_lalm.model.processing import SPECIAL_TOKENS
from spatial_lalm.train.tokenizer import train_tokenizer

TEXTS = ["The speech comes from the left: azimuth 90°, elevation 5°.", "Where is the dog?"] * 20
TOKENIZER = train_tokenizer(TEXTS, 350)


def test_special_tokens_have_the_first_ids() -> None:
    assert TOKENIZER.convert_tokens_to_ids(list(SPECIAL_TOKENS)) == list(range(6))
    assert (TOKENIZER.pad_token, TOKENIZER.eos_token) == ("<|pad|>", "<|end|>")
    assert TOKENIZER.encode("".join(SPECIAL_TOKENS)) == list(range(6))


def test_digits_stay_single() -> None:
    for text in ("azimuth 180", "1234567890", "-12.5 m"):
        pieces = TOKENIZER.tokenize(text)
        assert [piece for piece in pieces if any(c.isdigit() for c in piece) and len(piece) > 1] == []


@given(st.text(max_size=80))
def test_any_text_comes_back(text: str) -> None:
    ids = TOKENIZER.encode(text)
    assert TOKENIZER.decode(ids) == text
    assert all(0 <= token < len(TOKENIZER) for token in ids)


def test_known_words_are_short() -> None:
    assert len(TOKENIZER.tokenize("Where is the dog?")) < len(TOKENIZER.tokenize("Zxqv kj wpq fgb?"))


@pytest.mark.parametrize("vocabulary", [300, 350, 2_048])
def test_no_more_tokens_than_allowed(vocabulary: int, texts: list[str]) -> None:
    assert len(train_tokenizer(texts, vocabulary)) <= vocabulary


def test_training_is_repeatable(texts: list[str], tokenizer: PreTrainedTokenizerFast) -> None:
    assert train_tokenizer(texts, 400).get_vocab() == tokenizer.get_vocab()
