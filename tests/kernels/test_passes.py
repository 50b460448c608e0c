"""Merging by log-sum-exp: with a primitive written out, and with adapters of libraries that are not installed here."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from spatial_lalm.kernels import installed
from spatial_lalm.kernels.passes import Primitive, merge, merged_passes
from spatial_lalm.kernels.reference import reference_attention
from spatial_lalm.kernels.sdpa import CpuFlash, GpuEfficient
from spatial_lalm.kernels.view import View, make_view


def scores(q: Tensor, k: Tensor, bias: Tensor | None, causal: bool, scale: float) -> Tensor:
    found = q @ k.transpose(-1, -2) * scale
    if bias is not None:
        found = found + bias[:, None, None]
    return found.masked_fill(torch.ones_like(found, dtype=torch.bool).triu(1), float("-inf")) if causal else found


class Plain:
    """A pass by its definition, and its gradient by hand."""

    def forward(
        self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None, causal: bool, scale: float
    ) -> tuple[Tensor, Tensor]:
        found = scores(q, k, bias, causal, scale)
        return found.softmax(-1) @ v, found.logsumexp(-1)

    def backward(
        self, grad: Tensor, q: Tensor, k: Tensor, v: Tensor, out: Tensor, lse: Tensor, bias: Tensor | None,
        causal: bool, scale: float,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        weights = (scores(q, k, bias, causal, scale) - lse[..., None]).exp()
        delta = (grad * out).sum(-1, keepdim=True)
        d_scores = weights * (grad @ v.transpose(-1, -2) - delta) * scale
        return d_scores @ k, d_scores.transpose(-1, -2) @ q, weights.transpose(-1, -2) @ grad


class FlashAttnInterface:
    """The two inner functions of flash-attn 2.8 with their arguments in order, ``(batch, frames, heads, width)``."""

    @staticmethod
    def _flash_attn_forward(
        q: Tensor, k: Tensor, v: Tensor, dropout_p: float, softmax_scale: float, causal: bool, window_size_left: int,
        window_size_right: int, softcap: float, alibi_slopes: Tensor | None, return_softmax: bool,
    ) -> tuple[Tensor, Tensor, None, None]:  # fmt: skip
        assert (dropout_p, window_size_left, window_size_right, softcap) == (0, -1, -1, 0)
        assert q.shape[-1] % 8 == 0
        out, lse = Plain().forward(*(x.transpose(1, 2) for x in (q, k, v)), None, causal, softmax_scale)
        return out.transpose(1, 2), lse, None, None

    @staticmethod
    def _flash_attn_backward(
        dout: Tensor, q: Tensor, k: Tensor, v: Tensor, out: Tensor, softmax_lse: Tensor, dq: Tensor, dk: Tensor,
        dv: Tensor, dropout_p: float, softmax_scale: float, causal: bool, window_size_left: int, window_size_right: int,
        softcap: float, alibi_slopes: Tensor | None, deterministic: bool, rng_state: Tensor | None = None,
    ) -> None:  # fmt: skip
        assert (dropout_p, window_size_left, window_size_right, softcap) == (0, -1, -1, 0)
        heads_first = [x.transpose(1, 2) for x in (dout, q, k, v, out)]
        found = Plain().backward(*heads_first, softmax_lse, None, causal, softmax_scale)
        for into, x in zip((dq, dk, dv), found, strict=True):
            into.copy_(x.transpose(1, 2))


class XformersFmha:
    """The functions of xformers for those who keep the log-sum-exp; it pads that of its own accord."""

    attn_bias = SimpleNamespace(LowerTriangularMask=lambda: "lower triangle")

    @staticmethod
    def memory_efficient_attention_forward_requires_grad(
        query: Tensor, key: Tensor, value: Tensor, attn_bias: str | None = None, p: float = 0.0, scale: float = 0.0
    ) -> tuple[Tensor, Tensor]:
        heads_first = [x.transpose(1, 2) for x in (query, key, value)]
        out, lse = Plain().forward(*heads_first, None, attn_bias is not None, scale)
        return out.transpose(1, 2), torch.nn.functional.pad(lse, (0, -lse.shape[-1] % 32))

    @staticmethod
    def memory_efficient_attention_backward(
        grad: Tensor, output: Tensor, lse: Tensor, query: Tensor, key: Tensor, value: Tensor,
        attn_bias: str | None = None, p: float = 0.0, scale: float = 0.0,
    ) -> list[Tensor]:  # fmt: skip
        heads_first = [x.transpose(1, 2) for x in (grad, query, key, value, output)]
        return [x.transpose(1, 2) for x in Plain().backward(*heads_first, lse, None, attn_bias is not None, scale)]


def primitive(name: str, monkeypatch: pytest.MonkeyPatch) -> Primitive:
    libraries: dict[str, Any] = {
        "flash_attn.flash_attn_interface": FlashAttnInterface,
        "xformers.ops.fmha": XformersFmha,
    }
    monkeypatch.setattr(installed, "import_module", libraries.__getitem__)
    known = {"plain": Plain, "sdpa": CpuFlash, "flash_attn": installed.FlashAttn, "xformers": installed.Xformers}
    return known[name]()


def everything(run: Any, inputs: list[Tensor], view: View) -> list[Tensor]:
    leaves = [x.clone().requires_grad_() for x in inputs]
    out = run(*leaves, view, 0.3)
    weight = torch.randn(out.shape, generator=torch.Generator().manual_seed(1), dtype=out.dtype)
    return [out, *torch.autograd.grad(out, leaves, weight)]


@pytest.mark.parametrize("backend", ["plain", "sdpa", "flash_attn", "xformers"])
@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("causal", [False, True])
def test_merged_passes_are_one_attention(
    causal: bool, groups: int, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two rows, blocks of several segments, a rest, a memory: output and all gradients, in float64."""
    generator = torch.Generator().manual_seed(0)
    shapes = [(4, 45), (groups, 50), (groups, 50), (groups, 3), (groups, 3)]
    inputs = [torch.randn(2, h, n, 10, generator=generator, dtype=torch.float64) for h, n in shapes]
    view = make_view(8, 45, 50, 2, 2, causal, None, torch.device("cpu"))
    one = primitive(backend, monkeypatch)
    found = everything(lambda *rest: merged_passes(*rest, one, 16), inputs, view)
    for a, b in zip(found, everything(reference_attention, inputs, view), strict=True):
        torch.testing.assert_close(a, b, atol=1e-10, rtol=1e-10)


def test_merging_halves_is_the_whole() -> None:
    q, k, v = torch.randn(3, 2, 2, 12, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    parts = [Plain().forward(q, k[:, :, a:b], v[:, :, a:b], None, False, 1.0) for a, b in ((0, 1), (1, 7), (7, 12))]
    out, lse = merge(*(list(x) for x in zip(*parts, strict=True)))
    whole, whole_lse = Plain().forward(q, k, v, None, False, 1.0)
    torch.testing.assert_close(out, whole)
    torch.testing.assert_close(lse, whole_lse)


@pytest.mark.parametrize("bias", [False, True])
def test_calls_of_the_gpu_operators_fit_their_signatures(bias: bool) -> None:
    """On the meta device, where shapes are worked out and nothing is computed."""
    q, k, v = (torch.empty(2, 3, n, 60, device="meta") for n in (17, 21, 21))
    hidden = torch.empty(2, 21, device="meta") if bias else None
    out, lse = GpuEfficient().forward(q, k, v, hidden, False, 1.0)
    assert out.shape == q.shape
    assert lse.shape == (2, 3, 17)
    gradients = GpuEfficient().backward(out, q, k, v, out, lse, hidden, False, 1.0)
    assert [x.shape for x in gradients] == [q.shape, k.shape, v.shape]
