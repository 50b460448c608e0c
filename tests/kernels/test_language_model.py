"""Segment attention by its name in a causal model of transformers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from transformers import AttentionInterface, AttentionMaskInterface, Qwen3Config, Qwen3ForCausalLM

from spatial_lalm.errors import InputError
from spatial_lalm.kernels import register_attention, segment_attention
from spatial_lalm.kernels.language_model import segment_attention_forward, segment_mask

PAD = 0


@pytest.fixture(autouse=True)
def names() -> Iterator[None]:
    """Two widths of view under two names, forgotten afterwards."""
    made = [register_attention("wide", segment=4, window=99), register_attention("narrow", segment=4, window=1)]
    yield
    for name in made:
        del AttentionInterface._global_mapping[name], AttentionMaskInterface._global_mapping[name]


def model(attention: str) -> Qwen3ForCausalLM:
    """A tiny Qwen3 with grouped heads, the same weights every time."""
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=40, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=8, max_position_embeddings=128, initializer_range=0.5, pad_token_id=PAD,
        bos_token_id=None, eos_token_id=None, attn_implementation=attention,
    )  # fmt: skip
    return Qwen3ForCausalLM(config).eval()


def tokens(length: int = 21, batch: int = 2) -> torch.Tensor:
    return torch.randint(1, 40, (batch, length), generator=torch.Generator().manual_seed(1))


def padded() -> tuple[torch.Tensor, torch.Tensor]:
    """Two rows, the second one shorter by six tokens, filled up on the left."""
    ids, mask = tokens(), torch.ones(2, 21, dtype=torch.long)
    mask[1, :6] = 0
    return ids.masked_fill(mask == 0, PAD), mask


def test_a_window_over_everything_is_eager_attention() -> None:
    ids = tokens()
    eager, wide = model("eager")(ids, labels=ids), model("wide")(ids, labels=ids)
    torch.testing.assert_close(wide.logits, eager.logits, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(wide.loss, eager.loss)


def test_gradients_are_those_of_eager_attention() -> None:
    ids, mask = padded()
    labels = ids.masked_fill(mask == 0, -100)
    labels[1, 6] = -100  # told from padding, which eager attention lets see everything
    found = []
    for name in ("eager", "wide"):
        one = model(name).train()
        one(ids, attention_mask=mask, labels=labels).loss.backward()
        found.append(one.model.layers[0].self_attn.k_proj.weight.grad)
    torch.testing.assert_close(*found, atol=1e-5, rtol=1e-3)


def test_padding_on_the_left_is_unseen() -> None:
    ids, mask = padded()
    eager, wide = (model(name)(ids, attention_mask=mask).logits for name in ("eager", "wide"))
    torch.testing.assert_close(wide[mask.bool()], eager[mask.bool()], atol=1e-4, rtol=1e-4)


def test_segments_are_counted_from_the_first_token_of_a_row() -> None:
    """With a window that does not cover everything, a padded row still says what it says alone."""
    ids, mask = padded()
    narrow = model("narrow")
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    together = narrow(ids, attention_mask=mask, position_ids=positions).logits[1, 6:]
    torch.testing.assert_close(together, narrow(ids[1:, 6:]).logits[0], atol=1e-4, rtol=1e-4)


def test_a_narrow_window_forgets() -> None:
    ids = tokens(batch=1)
    other = ids.clone()
    other[0, 0] = ids[0, 0] % 38 + 1
    change = {
        name: (model(name)(ids).logits - model(name)(other).logits).abs().amax((0, 2)) for name in ("wide", "narrow")
    }
    assert change["wide"][-1] > 1e-4
    assert change["narrow"][:8].min() > 1e-5  # two segments see the first token at once
    assert change["narrow"][12:].max() == 0  # two layers pass it on by one more segment, no further


@pytest.mark.parametrize("cache", ["dynamic", "static"])
@pytest.mark.parametrize("name", ["wide", "narrow"])
def test_generation_with_a_cache_and_padding(name: str, cache: str) -> None:
    ids, mask = padded()
    settings = {"max_new_tokens": 9, "do_sample": False, "pad_token_id": PAD}
    one = model(name)
    with_cache = one.generate(ids, attention_mask=mask, cache_implementation=cache, **settings)
    without = one.generate(ids, attention_mask=mask, use_cache=False, **settings)
    assert torch.equal(with_cache, without)
    if name == "wide":
        assert torch.equal(with_cache, model("eager").generate(ids, attention_mask=mask, **settings))
    alone = one.generate(ids[1:, 6:], attention_mask=mask[1:, 6:], **settings)
    assert torch.equal(with_cache[1:, 6:], alone)


def test_what_it_cannot_do_is_refused() -> None:
    layer = torch.nn.Module()
    q = torch.zeros(1, 2, 8, 4)
    settings = {"segment": 4, "window": 1, "backend": None}
    for extra in ({"dropout": 0.1}, {"sliding_window": 4}):
        with pytest.raises(InputError, match="neither dropout nor a sliding window"):
            segment_attention_forward(layer, q, q, q, None, **settings, **extra)
    with pytest.raises(InputError, match="mask"):
        segment_attention_forward(layer, q, q, q, torch.zeros(1, 1, 8, 8), **settings)
    with pytest.raises(InputError, match="causal and bidirectional masks only"):
        segment_mask(1, 8, 8, mask_function=lambda *_: True)


def test_an_encoder_sees_both_ways() -> None:
    q = torch.randn(1, 2, 8, 4, generator=torch.Generator().manual_seed(0))
    settings = {"segment": 4, "window": 1, "backend": None}
    out, _ = segment_attention_forward(torch.nn.Module(), q, q, q, None, is_causal=False, **settings)
    torch.testing.assert_close(out.transpose(1, 2), segment_attention(q, q, q, segment=4, window=1))
