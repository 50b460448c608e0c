"""Segment attention: every backend against the dense reference, output and gradients, at sizes that do not fit."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from spatial_lalm.kernels import choose_backend, segment_attention
from spatial_lalm.kernels.dispatch import BACKENDS

FAST = sorted(set(BACKENDS) - {"reference"})
BATCH, HEADS, SEGMENT, MEMORY = 2, 2, 16, 5


def draw(frames: int, width: int, memory: bool, seed: int = 0) -> list[Tensor]:
    """Queries, keys and values, and a memory's keys and values where asked, in float64."""
    generator = torch.Generator().manual_seed(seed)
    lengths = [frames] * 3 + [MEMORY] * 2 * memory
    return [torch.randn(BATCH, HEADS, n, width, generator=generator, dtype=torch.float64) for n in lengths]


def padding(frames: int) -> Tensor:
    """A mask ``(BATCH, frames)``: holes everywhere in the first clip, no keys at all after a third of the second."""
    mask = torch.rand(BATCH, frames, generator=torch.Generator().manual_seed(1)) > 0.3
    mask[1, frames // 3 :] = False
    return mask


def output_and_gradients(inputs: list[Tensor], dtype: torch.dtype, **options: Any) -> list[Tensor]:
    """The output, then the gradient of a random weighting of it by every input, as float64."""
    leaves = [x.to(dtype).requires_grad_() for x in inputs]
    out = segment_attention(*leaves, **options)
    weight = torch.randn(out.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    gradients = torch.autograd.grad(out, leaves, weight.to(dtype))
    return [x.double() for x in (out.detach(), *gradients)]


# ---------------------------------------------------------------- parity


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("masked", [False, True], ids=["whole", "padded"])
@pytest.mark.parametrize("memory", [False, True], ids=["bare", "memory"])
@pytest.mark.parametrize("causal", [False, True], ids=["segment", "causal"])
@pytest.mark.parametrize("window", [0, 1, 3])
@pytest.mark.parametrize(("frames", "width"), [(1, 60), (7, 64), (63, 60), (64, 64)])
def test_output_and_every_gradient_equal_the_reference(
    frames: int, width: int, window: int, causal: bool, memory: bool, masked: bool, backend: str
) -> None:
    inputs = draw(frames, width, memory)
    options: dict[str, Any] = {"segment": SEGMENT, "window": window, "causal": causal}
    options["key_mask_BT"] = padding(frames) if masked else None
    expected = output_and_gradients(inputs, torch.float64, backend="reference", **options)
    found = output_and_gradients(inputs, torch.float32, backend=backend, **options)
    for name, a, b in zip(("out", "q", "k", "v", "memory_k", "memory_v"), found, expected, strict=False):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5, msg=f"{name} differs")


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("window", [0, 1, 3])
def test_long_input_equals_the_reference(window: int, causal: bool, backend: str) -> None:
    inputs = draw(1000, 60, memory=True)
    options: dict[str, Any] = {"segment": 48, "window": window, "causal": causal, "key_mask_BT": padding(1000)}
    expected = segment_attention(*inputs, backend="reference", **options)
    found = segment_attention(*(x.float() for x in inputs), backend=backend, **options)
    torch.testing.assert_close(found.double(), expected, atol=1e-5, rtol=1e-5)


# ---------------------------------------------------------------- meaning


@pytest.mark.parametrize("backend", sorted(BACKENDS))
def test_a_query_that_sees_nothing_gets_zeros_and_finite_gradients(backend: str) -> None:
    mask = torch.ones(BATCH, 40, dtype=torch.bool)
    mask[0, SEGMENT : 2 * SEGMENT] = False
    mask[1] = False
    found = output_and_gradients(draw(40, 60, False), torch.float32, segment=SEGMENT, key_mask_BT=mask, backend=backend)
    assert all(torch.isfinite(x).all() for x in found)
    assert found[0][0, :, SEGMENT : 2 * SEGMENT].abs().max() == 0
    assert found[0][1].abs().max() == 0
    assert (found[0][0, :, :SEGMENT].abs().amax(-1) > 0).all()


@pytest.mark.parametrize("backend", sorted(BACKENDS))
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("window", [0, 1, 3])
def test_a_key_reaches_its_segment_and_the_window_after_it(window: int, causal: bool, backend: str) -> None:
    """The value of one frame is seen by exactly the queries of which the contract speaks."""
    frames, at = 70, 21
    queries, keys, values = draw(frames, 8, False)
    options: dict[str, Any] = {"segment": 10, "window": window, "causal": causal, "backend": backend}
    before = segment_attention(queries, keys, values, **options)
    values[:, :, at] += 1.0
    touched = (segment_attention(queries, keys, values, **options) - before).abs().amax((0, 1, 3)) > 1e-12
    first = at if causal else 20
    last = min(frames, 20 + 10 * (window + 1))
    assert touched.nonzero().flatten().tolist() == list(range(first, last))


@pytest.mark.parametrize("backend", sorted(BACKENDS))
def test_memory_is_seen_by_every_query_even_of_padded_segments(backend: str) -> None:
    *inputs, memory_k, memory_v = draw(40, 8, True)
    mask = torch.zeros(BATCH, 40, dtype=torch.bool)
    queries, keys, values = inputs
    out = segment_attention(
        queries, keys, values, memory_k, memory_v, segment=SEGMENT, key_mask_BT=mask, backend=backend
    )
    weights = (queries @ memory_k.transpose(-1, -2) * 8**-0.5).softmax(-1)
    torch.testing.assert_close(out, weights @ memory_v)


@pytest.mark.parametrize("backend", sorted(BACKENDS))
@pytest.mark.parametrize("window", [0, 2])
def test_a_segment_longer_than_the_input_is_plain_attention(window: int, backend: str) -> None:
    queries, keys, values = draw(30, 60, False)
    out = segment_attention(queries, keys, values, segment=500, window=window, backend=backend)
    torch.testing.assert_close(out, torch.nn.functional.scaled_dot_product_attention(queries, keys, values))


@pytest.mark.parametrize("backend", sorted(BACKENDS))
def test_masked_keys_and_values_do_not_matter(backend: str) -> None:
    queries, keys, values = draw(40, 8, False)
    mask = padding(40)
    options: dict[str, Any] = {"segment": SEGMENT, "window": 1, "key_mask_BT": mask, "backend": backend}
    before = segment_attention(queries, keys, values, **options)
    hidden = ~mask[:, None, :, None]
    after = segment_attention(queries, keys.masked_fill(hidden, 99.0), values.masked_fill(hidden, -99.0), **options)
    torch.testing.assert_close(after, before)


# ---------------------------------------------------------------- choice and refusals


def test_double_precision_asks_for_the_reference_and_single_for_speed() -> None:
    (double,) = draw(7, 8, False)[:1]
    assert choose_backend(double)[0] == "reference"
    assert choose_backend(double.float())[0] == "sdpa"
    assert all(choose_backend(x)[1] for x in (double, double.float()))


def test_unasked_the_chosen_backend_answers() -> None:
    for inputs in (draw(63, 8, False), [x.float() for x in draw(63, 8, False)]):
        chosen = segment_attention(*inputs, segment=SEGMENT, backend=choose_backend(inputs[0])[0])
        assert torch.equal(segment_attention(*inputs, segment=SEGMENT), chosen)
        assert chosen.dtype == inputs[0].dtype


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"k_BHTD": torch.zeros(BATCH, HEADS, 6, 8)}, "must have one shape"),
        ({"v_BHTD": torch.zeros(BATCH, HEADS, 7, 4)}, "must have one shape"),
        ({"q_BHTD": torch.zeros(1, HEADS, 7, 8)}, "must have one shape"),
        ({"memory_k_BHMD": torch.zeros(BATCH, HEADS, 3, 8)}, "go together"),
        ({"memory_v_BHMD": torch.zeros(BATCH, HEADS, 3, 8)}, "go together"),
        (
            {"memory_k_BHMD": torch.zeros(BATCH, HEADS, 3, 8), "memory_v_BHMD": torch.zeros(BATCH, HEADS, 4, 8)},
            "memory_k",
        ),
        ({"memory_k_BHMD": torch.zeros(1, HEADS, 3, 8), "memory_v_BHMD": torch.zeros(1, HEADS, 3, 8)}, "memory_k and"),
        ({"memory_k_BHMD": torch.zeros(BATCH, 1, 3, 8), "memory_v_BHMD": torch.zeros(BATCH, 1, 3, 8)}, "memory_k and"),
        (
            {"memory_k_BHMD": torch.zeros(BATCH, HEADS, 3, 4), "memory_v_BHMD": torch.zeros(BATCH, HEADS, 3, 4)},
            "memory_k",
        ),
        ({"memory_k_BHMD": torch.zeros(3, 8), "memory_v_BHMD": torch.zeros(3, 8)}, "memory_k and memory_v must have"),
        ({"key_mask_BT": torch.ones(BATCH, 8, dtype=torch.bool)}, "key_mask must be bool of shape"),
        ({"key_mask_BT": torch.ones(1, 7, dtype=torch.bool)}, "key_mask must be bool of shape"),
        ({"key_mask_BT": torch.ones(BATCH, 7)}, "key_mask must be bool of shape"),
        ({name: torch.zeros(7, 8) for name in ("q_BHTD", "k_BHTD", "v_BHTD")}, "four axes"),
        ({"segment": 0}, "segment must be at least 1"),
        ({"window": -1}, "window at least 0"),
        ({"backend": "magic"}, "unknown backend 'magic': choose one of reference, sdpa"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    zeros = torch.zeros(BATCH, HEADS, 7, 8)
    arguments: dict[str, Any] = {"q_BHTD": zeros, "k_BHTD": zeros, "v_BHTD": zeros, "segment": SEGMENT} | change
    with pytest.raises(ValueError, match=message):
        segment_attention(**arguments)
