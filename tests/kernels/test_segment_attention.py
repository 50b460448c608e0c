"""Segment attention: every backend against the dense reference, output and gradients, at sizes that do not fit.

Tests take the backend's name as a parameter, so that ``-k sdpa`` or ``-k triton`` runs all that is known of one. Triton
needs a GPU or its interpreter, which must be asked for before the process starts: the last test does so in a process of
its own.
"""

from __future__ import annotations

import cmath
import os
import re
import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.attention import flex_attention as torch_flex
from torch.nn.functional import scaled_dot_product_attention

from spatial_lalm.kernels import flex, rotate, segment_attention, segment_ids

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
HERE = ["sdpa", "flex"] + ["triton"] * (INTERPRETED or DEVICE.type == "cuda")
NO_GRADIENT = ["flex"] * (DEVICE.type == "cpu")
WITH_GRADIENT = [name for name in HERE if name not in NO_GRADIENT]
BATCH, MEMORY = 2, 5


@pytest.fixture(autouse=True)
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory that a kernel asks for is full of NaN: what it forgets to write shows."""

    def poison(make: Any) -> Any:
        def made(*args: Any, **kwargs: Any) -> Any:
            found = make(*args, **kwargs)
            return found.fill_(float("nan")) if found.is_floating_point() else found

        return made

    for name in ("empty", "empty_like"):
        monkeypatch.setattr(torch, name, poison(getattr(torch, name)))


@pytest.fixture(autouse=True)
def uncompiled_flex(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same function without the compiler, which would take half a minute; one test compiles."""
    if DEVICE.type == "cpu":
        monkeypatch.setattr(torch_flex, "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG", True)
        monkeypatch.setattr(flex, "compiled", lambda: torch_flex.flex_attention)


def draw(
    queries: int, width: int, memory: int, keys: int | None = None, heads: int = 2, groups: int = 2, batch: int = BATCH
) -> list[Tensor]:
    """Queries, keys and values, and a memory's keys and values where it is not negative, in float64."""
    generator = torch.Generator().manual_seed(0)
    shapes = [(heads, queries)] + [(groups, keys or queries)] * 2 + [(groups, memory)] * 2 * (memory >= 0)
    return [torch.randn(batch, h, n, width, generator=generator, dtype=torch.float64).to(DEVICE) for h, n in shapes]


def padding(frames: int) -> Tensor:
    """A mask ``(BATCH, frames)``: holes everywhere in the first clip, no keys at all after a third of the second."""
    mask = torch.rand(BATCH, frames, generator=torch.Generator().manual_seed(1)) > 0.3
    mask[1, frames // 3 :] = False
    return mask.to(DEVICE)


def uneven(frames: int, rows: int = 0) -> Tensor:
    """Ids of segments of 1 to 30 frames, with numbers left out; rows differ where asked for rows."""
    generator = torch.Generator().manual_seed(3)
    steps = torch.rand(max(rows, 1), frames, generator=generator)
    ids = ((steps < 0.1).long() + (steps < 0.02).long()).cumsum(1).to(DEVICE)
    return ids if rows else ids[0]


def run(inputs: list[Tensor], dtype: torch.dtype, backend: str, gradient: bool = True, **options: Any) -> list[Tensor]:
    """The output, then the gradient of a random weighting of it by every input, as float64."""
    leaves = [x.to(dtype).requires_grad_(gradient) for x in inputs]
    out = segment_attention(*leaves, backend=backend, **options)
    assert out.dtype == dtype
    if not gradient:
        return [out.double()]
    weight = torch.randn(out.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64).to(DEVICE, dtype)
    return [x.double() for x in (out.detach(), *torch.autograd.grad(out, leaves, weight))]


def compare(inputs: list[Tensor], backend: str, dtype: torch.dtype = torch.float32, **options: Any) -> None:
    """Fail where the backend's output or any gradient differs from the reference in float64."""
    tolerance = {torch.float32: 1e-5, torch.float16: 4e-3, torch.bfloat16: 5e-2, torch.float64: 1e-9}[dtype]
    inputs = [x.to(dtype).double() for x in inputs]  # what is lost in rounding the inputs is nobody's error
    gradient = backend not in NO_GRADIENT
    expected = run(inputs, torch.float64, "reference", gradient, **options)
    found = run(inputs, dtype, backend, gradient, **options)
    for name, a, b in zip(("out", "q", "k", "v", "memory_k", "memory_v"), found, expected, strict=False):
        torch.testing.assert_close(a, b, atol=tolerance, rtol=tolerance, msg=lambda m, name=name: f"{name}: {m}")


# ---------------------------------------------------------------- parity

CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "one frame": ({"queries": 1, "width": 60, "memory": -1}, {"segment": 16}),
    "one segment": ({"queries": 7, "width": 64, "memory": MEMORY}, {"segment": 16, "window": 1}),
    "63, width 60": ({"queries": 63, "width": 60, "memory": MEMORY}, {"segment": 16, "window": 1}),
    "63, causal": ({"queries": 63, "width": 64, "memory": MEMORY}, {"segment": 16, "window": 1, "causal": True}),
    "no window": ({"queries": 40, "width": 60, "memory": -1}, {"segment": 16, "causal": True}),
    "wide window": ({"queries": 64, "width": 16, "memory": -1}, {"segment": 16, "window": 3}),
    "window beyond": ({"queries": 40, "width": 16, "memory": MEMORY}, {"segment": 8, "window": 99, "causal": True}),
    "empty memory": ({"queries": 40, "width": 60, "memory": 0}, {"segment": 16, "window": 1}),
    "long memory": ({"queries": 20, "width": 16, "memory": 50}, {"segment": 8, "window": 1}),
    "one-frame segments": ({"queries": 40, "width": 60, "memory": MEMORY}, {"segment": 1, "window": 2}),
    "one-frame, causal": ({"queries": 40, "width": 60, "memory": -1}, {"segment": 1, "window": 0, "causal": True}),
    "grouped": ({"queries": 40, "width": 16, "memory": MEMORY, "heads": 6}, {"segment": 16, "window": 1}),
    "grouped, causal": (
        {"queries": 40, "width": 60, "memory": MEMORY, "heads": 4, "groups": 1},
        {"segment": 16, "window": 1, "causal": True},
    ),
    "uneven": ({"queries": 63, "width": 16, "memory": MEMORY}, {"segment": uneven(63), "window": 2}),
    "uneven, causal": (
        {"queries": 63, "width": 60, "memory": -1},
        {"segment": uneven(63), "window": 1, "causal": True},
    ),
    "uneven by row": (
        {"queries": 63, "width": 16, "memory": MEMORY},
        {"segment": uneven(63, BATCH), "window": 1, "causal": True},
    ),
    "masked": ({"queries": 63, "width": 60, "memory": -1}, {"segment": 16, "window": 1, "key_mask_BS": padding(63)}),
    "masked, causal": (
        {"queries": 63, "width": 64, "memory": MEMORY, "heads": 4},
        {"segment": 16, "window": 1, "causal": True, "key_mask_BS": padding(63)},
    ),
    "masked, uneven": (
        {"queries": 63, "width": 16, "memory": -1},
        {"segment": uneven(63, BATCH), "window": 1, "key_mask_BS": padding(63)},
    ),
    "last of a cache": ({"queries": 1, "width": 16, "memory": -1, "keys": 40}, {"segment": 16, "window": 1}),
    "tail of a cache": (
        {"queries": 21, "width": 16, "memory": MEMORY, "keys": 63, "heads": 4},
        {"segment": 16, "window": 1, "causal": True, "key_mask_BS": padding(63)},
    ),
    "tail, not causal": ({"queries": 21, "width": 60, "memory": -1, "keys": 63}, {"segment": 16, "window": 2}),
    "positions": (
        {"queries": 40, "width": 16, "memory": MEMORY, "keys": 63},
        {"segment": 16, "window": 1, "positions": torch.arange(63) + 900_000, "memory_positions": torch.arange(5)},
    ),
    "scale": ({"queries": 40, "width": 16, "memory": MEMORY}, {"segment": 16, "scale": 0.7}),
}


@pytest.mark.parametrize("backend", HERE)
@pytest.mark.parametrize("case", CASES)
def test_output_and_every_gradient_equal_the_reference(case: str, backend: str) -> None:
    shapes, options = CASES[case]
    compare(draw(**shapes), backend, **options)


@pytest.mark.parametrize("backend", HERE)
def test_a_thousand_frames_equal_the_reference(backend: str) -> None:
    inputs = draw(1000, 60, MEMORY, heads=1, groups=1, batch=1)
    compare(inputs, backend, segment=40, window=1, causal=True)


@pytest.mark.parametrize("backend", ["sdpa", *(name for name in HERE if name == "triton")])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=["fp16", "bf16"])
def test_half_precision_is_as_near_as_it_can_be(dtype: torch.dtype, backend: str) -> None:
    mask = padding(40)
    compare(draw(40, 60, MEMORY), backend, dtype, segment=16, window=1, causal=True, key_mask_BS=mask)


@pytest.mark.skipif(DEVICE.type == "cpu", reason="these libraries need a GPU")
@pytest.mark.parametrize("backend", ["flash_attn", "xformers"])
@pytest.mark.parametrize("causal", [False, True])
def test_installed_libraries_equal_the_reference(causal: bool, backend: str) -> None:
    pytest.importorskip(backend)
    compare(draw(63, 60, MEMORY, heads=4), backend, torch.bfloat16, segment=16, window=1, causal=causal)


def test_sdpa_is_exact_in_double_precision() -> None:
    compare(draw(63, 60, MEMORY), "sdpa", torch.float64, segment=16, window=1, causal=True, key_mask_BS=padding(63))


@pytest.mark.parametrize("backend", ["sdpa"])
@pytest.mark.parametrize("causal", [False, True])
def test_many_blocks_of_queries_join_without_a_seam(
    causal: bool, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spatial_lalm.kernels.sdpa.CPU_FRAMES", 24)
    compare(draw(200, 16, MEMORY, heads=4), backend, segment=8, window=2, causal=causal, key_mask_BS=padding(200))


@pytest.mark.skipif(
    os.environ.get("COMPILE_FLEX") != "1", reason="compiles for half a minute; benchmarks/kernels.py asks"
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the compiler's own
def test_flex_compiled_equals_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch._inductor")
    monkeypatch.undo()  # the real compiler, and its own allocations
    inputs = [x.float() for x in draw(200, 16, MEMORY, batch=1)]
    options: dict[str, Any] = {"segment": 24, "window": 1, "causal": True}
    expected = segment_attention(*inputs, backend="reference", **options)
    torch.testing.assert_close(segment_attention(*inputs, backend="flex", **options), expected, atol=1e-5, rtol=1e-5)


# ---------------------------------------------------------------- meaning


@pytest.mark.parametrize("backend", ["reference", *WITH_GRADIENT])
def test_a_query_that_sees_nothing_gets_zeros_and_finite_gradients(backend: str) -> None:
    mask = torch.ones(BATCH, 40, dtype=torch.bool, device=DEVICE)
    mask[0, 16:32] = False
    mask[1] = False
    found = run(draw(40, 60, -1), torch.float32, backend, segment=16, key_mask_BS=mask)
    assert all(torch.isfinite(x).all() for x in found)
    assert found[0][0, :, 16:32].abs().max() == 0
    assert found[0][1].abs().max() == 0
    assert (found[0][0, :, :16].abs().amax(-1) > 0).all()


@pytest.mark.parametrize("backend", ["reference", *HERE])
@pytest.mark.parametrize(("window", "causal"), [(0, False), (1, True), (3, False)])
def test_a_key_reaches_its_segment_and_the_window_after_it(window: int, causal: bool, backend: str) -> None:
    """The value of one frame is seen by exactly the queries of which the contract speaks."""
    frames, at = 70, 21
    queries, keys, values = (x.float() for x in draw(frames, 8, -1))
    options: dict[str, Any] = {"segment": 10, "window": window, "causal": causal, "backend": backend}
    before = segment_attention(queries, keys, values, **options)
    values[:, :, at] += 1.0
    touched = (segment_attention(queries, keys, values, **options) - before).abs().amax((0, 1, 3)) > 0
    first = at if causal else 20
    last = min(frames, 20 + 10 * (window + 1))
    assert touched.nonzero().flatten().tolist() == list(range(first, last))


@pytest.mark.parametrize("backend", ["reference", "sdpa"])
def test_memory_is_seen_by_every_query_even_of_padded_segments(backend: str) -> None:
    *inputs, memory_k, memory_v = draw(40, 8, MEMORY)
    mask = torch.zeros(BATCH, 40, dtype=torch.bool, device=DEVICE)
    out = segment_attention(*inputs, memory_k, memory_v, segment=16, key_mask_BS=mask, backend=backend)
    weights = (inputs[0] @ memory_k.transpose(-1, -2) * 8**-0.5).softmax(-1)
    torch.testing.assert_close(out, weights @ memory_v)


@pytest.mark.parametrize("backend", ["reference", "sdpa"])
@pytest.mark.parametrize("window", [0, 2])
def test_a_segment_longer_than_the_input_is_plain_attention(window: int, backend: str) -> None:
    queries, keys, values = draw(30, 60, -1, heads=4)
    out = segment_attention(queries, keys, values, segment=500, window=window, backend=backend)
    torch.testing.assert_close(out, scaled_dot_product_attention(queries, keys, values, enable_gqa=True))


@pytest.mark.parametrize("backend", ["reference", *HERE])
def test_masked_keys_and_values_do_not_matter(backend: str) -> None:
    queries, keys, values = (x.float() for x in draw(40, 8, -1))
    mask = padding(40)
    options: dict[str, Any] = {"segment": 16, "window": 1, "key_mask_BS": mask, "backend": backend}
    before = segment_attention(queries, keys, values, **options)
    hidden = ~mask[:, None, :, None]
    after = segment_attention(queries, keys.masked_fill(hidden, 99.0), values.masked_fill(hidden, -99.0), **options)
    torch.testing.assert_close(after, before)


@pytest.mark.parametrize("backend", ["reference", "sdpa"])
def test_ids_of_a_fixed_length_mean_the_fixed_length(backend: str) -> None:
    inputs = draw(45, 8, MEMORY)
    ids = segment_ids(torch.arange(0, 45, 10), 45).to(DEVICE)
    expected = segment_attention(*inputs, segment=10, window=1, causal=True, backend=backend)
    for segment in (ids, ids + 7, ids.expand(BATCH, -1)):
        torch.testing.assert_close(
            segment_attention(*inputs, segment=segment, window=1, causal=True, backend=backend), expected
        )


def test_boundaries_make_ids() -> None:
    assert segment_ids(torch.tensor([2, 3, 6]), 8).tolist() == [0, 0, 1, 2, 2, 2, 3, 3]
    with pytest.raises(ValueError, match="rising"):
        segment_ids(torch.tensor([2, 2]), 8)


# ---------------------------------------------------------------- positions


def test_rotary_positions_are_relative_after_days() -> None:
    inputs = [x.float() for x in draw(40, 16, MEMORY)]
    options: dict[str, Any] = {"segment": 16, "window": 1, "memory_positions": torch.arange(MEMORY)}
    near = segment_attention(*inputs, positions=torch.arange(40) + 10, **options)
    options["memory_positions"] = options["memory_positions"] + 25 * 3600 * 48
    far = segment_attention(*inputs, positions=torch.arange(40) + 10 + 25 * 3600 * 48, **options)
    torch.testing.assert_close(far, near, atol=1e-5, rtol=1e-5)
    assert (near - segment_attention(*inputs, segment=16, window=1)).abs().max() > 0.01


def test_rotation_by_hand() -> None:
    x = torch.tensor([[[[1.0, 2.0, 3.0, 4.0]]]], dtype=torch.float64)
    turned = rotate(x, torch.tensor([3]), base=100.0)[0, 0, 0]
    for index, angle in enumerate((3.0, 0.3)):  # rates 1 and 100 ** -0.5
        pair = complex(x[0, 0, 0, index], x[0, 0, 0, index + 2]) * cmath.exp(1j * angle)
        assert complex(turned[index], turned[index + 2]) == pytest.approx(pair, abs=1e-9)


# ---------------------------------------------------------------- the interpreter


@pytest.mark.skipif(INTERPRETED or DEVICE.type == "cuda", reason="the tests of triton run in this very process")
def test_triton_kernels_pass_all_of_this_in_the_interpreter() -> None:
    """Triton reads the variable when it is first imported, and then for the whole process."""
    environment = os.environ | {"TRITON_INTERPRET": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-k", "triton", __file__]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed, done.stdout[-2000:]
    assert int(passed[1]) >= len(CASES)
