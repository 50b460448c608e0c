"""Segment attention as plain passes, each dense or causal, merged by their log-sum-exp: no mask is ever made.

A softmax over the union of key sets is the mean of the softmaxes over each, weighted by exp(log-sum-exp) (Milakov and
Gimelshein, 2018, arXiv 1805.02867). Backwards, a pass that is told the *merged* output and log-sum-exp returns exactly
its part of the whole gradient: the weights are exp(score - log-sum-exp), and the correction is the dot product of an
output and its gradient (Dao et al., 2022, arXiv 2205.14135, section 3.1). So any kernel that returns its log-sum-exp
can do this job: see ``Primitive``.

Legend: B batch, N windows of a block (batch folded in), H query heads, G key heads, T queries, S keys, M memory,
D width.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from spatial_lalm.kernels.blocks import Block, blocks_of
from spatial_lalm.kernels.view import View


def hidden_score(dtype: torch.dtype) -> float:
    """What is added to the score of a hidden key: finite, so that a query that sees nothing still gets a number."""
    return -3e4 if dtype == torch.float16 else -1e30


def eightfold(x: Tensor) -> Tensor:
    """Zeros after the last axis up to a multiple of 8, which kernels of the GPU want."""
    spare = -x.shape[-1] % 8
    return pad(x, (0, spare)) if spare else x


class Primitive(Protocol):
    """A kernel for one pass: all queries see all keys or, where causal, the keys up to their own (equally many)."""

    def forward(
        self, q_NHTD: Tensor, k_NHSD: Tensor, v_NHSD: Tensor, bias_NS: Tensor | None, causal: bool, scale: float
    ) -> tuple[Tensor, Tensor]:
        """Output ``(N, H, T, D)`` and log-sum-exp ``(N, H, T)``, natural logarithm, float32 or wider."""
        ...

    def backward(
        self, grad_NHTD: Tensor, q_NHTD: Tensor, k_NHSD: Tensor, v_NHSD: Tensor, out_NHTD: Tensor, lse_NHT: Tensor,
        bias_NS: Tensor | None, causal: bool, scale: float,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        """Gradients by q, k and v where ``out`` and ``lse`` may be those of more keys than these."""
        ...


@dataclass(frozen=True)
class _Pass:
    """Keys of one pass: ``begin`` and ``width`` within a block's window, or the memory where ``width`` is 0."""

    begin: int
    width: int
    causal: bool


@dataclass(frozen=True)
class _Plan:
    """Everything of a call that is no tensor with a gradient."""

    view: View
    primitive: Primitive
    scale: float
    frames: int  # of a block

    def blocks(self, batch: int) -> Iterator[tuple[slice, Block]]:
        """Blocks with the batch rows that they hold for."""
        rows = self.view.ids_BS.shape[0]
        for row in range(rows):
            who = slice(0, batch) if rows == 1 else slice(row, row + 1)
            for block in blocks_of(self.view, row, self.frames):
                yield who, block

    def passes(self, block: Block, memory: Tensor | None) -> Iterator[_Pass]:
        """The passes of a block: window, own segment where causal, memory."""
        before = block.width - block.step if self.view.causal else block.width
        if before:
            yield _Pass(0, before, False)
        if self.view.causal:
            yield _Pass(before, block.step, True)
        if memory is not None and memory.shape[2]:
            yield _Pass(0, 0, False)


def _windows(x_BGSD: Tensor, who: slice, block: Block, one: _Pass) -> Tensor:
    """The keys of a pass ``(N, G, width, D)``; windows overlap as views, copied only for many windows of many rows."""
    begin = block.key + one.begin
    run = x_BGSD[who, :, begin : begin + (block.count - 1) * block.step + one.width]
    windows: Tensor = run.unfold(2, one.width, block.step).permute(0, 2, 1, 4, 3).flatten(0, 1)
    return windows


def _rows_of(x_BHTD: Tensor, who: slice, block: Block) -> Tensor:
    """The part of ``x`` that belongs to a block's queries, a view ``(B, count, H, step, D)``."""
    run = x_BHTD[who, :, block.query : block.query + block.count * block.step]
    rows: Tensor = run.unflatten(2, (block.count, block.step)).transpose(1, 2)
    return rows


def _rows(x_BHTD: Tensor, who: slice, block: Block) -> Tensor:
    """A block's queries ``(N, H, step, D)``."""
    return _rows_of(x_BHTD, who, block).flatten(0, 1)


def _unfold_batch(x_NHTD: Tensor, block: Block) -> Tensor:
    """``(N, ...)`` as ``(B, count, ...)``."""
    apart: Tensor = x_NHTD.unflatten(0, (-1, block.count))
    return apart


def _keys(x_BGSD: Tensor, memory_BGMD: Tensor | None, who: slice, block: Block, one: _Pass) -> Tensor:
    if one.width:
        return _windows(x_BGSD, who, block, one)
    assert memory_BGMD is not None
    return memory_BGMD[who, None].expand(-1, block.count, -1, -1, -1).flatten(0, 1)


def _bias(view: View, who: slice, block: Block, one: _Pass, dtype: torch.dtype) -> Tensor | None:
    """What is added to the scores of a pass's keys ``(N, width)``, None where none is hidden."""
    if view.key_mask_BS is None or not one.width:
        return None
    seen_NS = _windows(view.key_mask_BS[:, None, :, None], who, block, one)[:, 0, :, 0]
    wide = torch.promote_types(dtype, torch.float32)
    return torch.zeros(seen_NS.shape, dtype=wide, device=seen_NS.device).masked_fill(~seen_NS, hidden_score(dtype))


def _grouped(x_NHTD: Tensor, groups: int, causal: bool) -> Tensor:
    """Queries for grouped keys: heads that share keys become rows, but where causal rows must stay frames."""
    return x_NHTD if causal else x_NHTD.unflatten(1, (groups, -1)).flatten(2, 3)


def _shared(x_NGSD: Tensor, heads: int, causal: bool) -> Tensor:
    """Keys for ``_grouped`` queries: where causal, each head has its own copy."""
    return x_NGSD.repeat_interleave(heads // x_NGSD.shape[1], dim=1) if causal else x_NGSD


def _run(plan: _Plan, one: _Pass, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor]:
    """One pass over grouped heads: output ``(N, H, T, D)`` and log-sum-exp ``(N, H, T)``."""
    heads, groups = q.shape[1], k.shape[1]
    k, v = _shared(k, heads, one.causal), _shared(v, heads, one.causal)
    out, lse = plan.primitive.forward(_grouped(q, groups, one.causal), k, v, bias, one.causal, plan.scale)
    return out.reshape(q.shape), lse.reshape(q.shape[:3])


def _gradients(
    plan: _Plan, one: _Pass, rows: tuple[Tensor, Tensor, Tensor, Tensor], k: Tensor, v: Tensor, bias: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """What one pass adds to the gradients by q, k and v; ``rows`` are gradient, queries, outputs and log-sum-exps."""
    shape, groups = rows[1].shape, k.shape[1]
    grad, q, out, lse = (_grouped(x, groups, one.causal).contiguous() for x in rows)
    k, v = _shared(k, shape[1], one.causal), _shared(v, shape[1], one.causal)
    d_q, d_k, d_v = plan.primitive.backward(grad, q, k, v, out, lse[..., 0], bias, one.causal, plan.scale)
    if d_k.shape[1] != groups:
        d_k, d_v = (x.unflatten(1, (groups, -1)).sum(2) for x in (d_k, d_v))
    return d_q.reshape(shape), d_k, d_v


def merge(outs: list[Tensor], lses: list[Tensor]) -> tuple[Tensor, Tensor]:
    """One pass over all keys, from outputs ``(..., T, D)`` and log-sum-exps ``(..., T)`` over parts of them."""
    if len(outs) == 1:
        return outs[0], lses[0]
    lse = torch.stack(lses).logsumexp(0)
    merged = sum(out * (part - lse).exp()[..., None] for out, part in zip(outs, lses, strict=True))
    assert isinstance(merged, Tensor)
    return merged, lse


class _MergedPasses(torch.autograd.Function):
    """Blocks one after the other, passes of each merged; backwards windows are cut again, so that none is stored."""

    @staticmethod
    def forward(
        ctx: Any, q: Tensor, k: Tensor, v: Tensor, memory_k: Tensor | None, memory_v: Tensor | None, plan: _Plan
    ) -> Tensor:
        batch, heads, queries, _ = q.shape
        wide = torch.promote_types(q.dtype, torch.float32)
        out, lse_BHT = torch.empty_like(q), torch.empty(batch, heads, queries, dtype=wide, device=q.device)
        for who, block in plan.blocks(batch):
            q_NHTD, outs, lses = _rows(q, who, block), [], []
            for one in plan.passes(block, memory_k):
                keys, values = _keys(k, memory_k, who, block, one), _keys(v, memory_v, who, block, one)
                bias = _bias(plan.view, who, block, one, q.dtype)
                part, part_lse = _run(plan, one, q_NHTD, keys, values, bias)
                outs.append(part)
                lses.append(part_lse)
            merged, lse = merge(outs, lses)
            if plan.view.key_mask_BS is not None:
                merged = merged.masked_fill((lse < hidden_score(q.dtype) / 2)[..., None], 0.0)
            _rows_of(out, who, block).copy_(_unfold_batch(merged, block))
            _rows_of(lse_BHT[..., None], who, block).copy_(_unfold_batch(lse[..., None], block))
        ctx.save_for_backward(q, k, v, memory_k, memory_v, out, lse_BHT)
        ctx.plan = plan
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, memory_k, memory_v, out, lse_BHT = ctx.saved_tensors
        plan: _Plan = ctx.plan
        wide = torch.promote_types(q.dtype, torch.float32)
        if plan.view.key_mask_BS is not None:  # a query that saw nothing has zeros for an output, whatever comes in
            grad = grad.masked_fill((lse_BHT < hidden_score(q.dtype) / 2)[..., None], 0.0)
        d_q = torch.zeros_like(q, dtype=wide)
        d_k, d_v = torch.zeros_like(k, dtype=wide), torch.zeros_like(v, dtype=wide)
        d_memory = [torch.zeros_like(x, dtype=wide) if x is not None else None for x in (memory_k, memory_v)]
        for who, block in plan.blocks(q.shape[0]):
            q_, out_, grad_ = (_rows(x, who, block) for x in (q, out, grad))
            lse = _rows(lse_BHT[..., None], who, block)
            for one in plan.passes(block, memory_k):
                keys, values = _keys(k, memory_k, who, block, one), _keys(v, memory_v, who, block, one)
                bias = _bias(plan.view, who, block, one, q.dtype)
                part_q, part_k, part_v = _gradients(plan, one, (grad_, q_, out_, lse), keys, values, bias)
                _rows_of(d_q, who, block).add_(_unfold_batch(part_q, block))
                _add_keys(part_k, d_k, d_memory[0], who, block, one)
                _add_keys(part_v, d_v, d_memory[1], who, block, one)
        found = (d_q, d_k, d_v, *d_memory)
        return (*(x.to(q.dtype) if x is not None else None for x in found), None)


def _add_keys(part_NGSD: Tensor, whole: Tensor, memory: Tensor | None, who: slice, block: Block, one: _Pass) -> None:
    """Add the gradient of a pass's keys to that of all keys: windows overlap, so a step's width at a time."""
    part = _unfold_batch(part_NGSD, block)
    if not one.width:
        assert memory is not None
        memory[who].add_(part.sum(1))
        return
    begin = block.key + one.begin
    for shift in range(0, one.width, block.step):
        width = min(block.step, one.width - shift)
        for_each = part[:, :, :, shift : shift + width]
        run = whole[who, :, begin + shift : begin + shift + (block.count - 1) * block.step + width]
        run.unfold(2, width, block.step).permute(0, 2, 1, 4, 3).add_(for_each)


def merged_passes(
    q_BHTD: Tensor, k_BGSD: Tensor, v_BGSD: Tensor, memory_k_BGMD: Tensor | None, memory_v_BGMD: Tensor | None,
    view: View, scale: float, primitive: Primitive, frames: int,
) -> Tensor:  # fmt: skip
    """Segment attention ``(B, H, T, D)`` by a primitive, ``frames`` queries at a time, with gradient."""
    plan = _Plan(view, primitive, scale, frames)
    out: Tensor = _MergedPasses.apply(  # type: ignore[no-untyped-call]
        q_BHTD, k_BGSD, v_BGSD, memory_k_BGMD, memory_v_BGMD, plan
    )
    return out
