"""Our fused kernel: launching it, forward and backward.

Legend: B batch, H query heads, G key heads, T queries, S keys, M memory, D width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
import triton  # type: ignore[import-untyped]
from torch import Tensor
from torch.autograd.function import once_differentiable

from spatial_lalm.errors import InputError
from spatial_lalm.kernels.triton_backward import delta_kernel, key_kernel, memory_kernel, query_kernel
from spatial_lalm.kernels.triton_forward import forward_kernel
from spatial_lalm.kernels.view import View

INTERPRETED = bool(triton.knobs.runtime.interpret)
"""Whether the kernels run in Triton's interpreter, on the CPU (``TRITON_INTERPRET=1`` before the first import)."""
PORTION = 1_024
"""Queries a program takes for the memory's gradient."""
LOG2_E = math.log2(math.e)


@dataclass(frozen=True)
class Tiling:
    """Block sizes of a kernel and how the compiler spreads them."""

    block_q: int
    block_k: int
    warps: int
    stages: int


def tilings(dtype: torch.dtype, width: int) -> dict[str, Tiling]:
    """Block sizes by kernel; for the interpreter small ones, so that little input already has edges.

    Chosen by what the compiler reports for an H100 (sm_90): warp-group matrix products, and few or no spilled
    registers.
    """
    if INTERPRETED:
        return dict.fromkeys(("forward", "query", "key"), Tiling(32, 16, 1, 1))
    wide = width > 64
    warps = 8 if wide else 4
    if dtype == torch.float32:
        queries = Tiling(32, 32, 4, 2) if wide else Tiling(64, 32, 4, 2)
        return {"forward": queries, "query": queries, "key": Tiling(32, 32, warps, 2)}
    return {
        "forward": Tiling(128, 64, warps, 3),
        "query": Tiling(128, 64, 8, 2) if wide else Tiling(128, 32, 4, 3),
        "key": Tiling(32, 128, 8, 2),
    }


@dataclass(frozen=True)
class _Call:
    """What both directions share: the view as tensors on the device, and numbers."""

    first_BT: Tensor
    last_BT: Tensor
    mask_BS: Tensor | None
    scale: float

    def constants(self, q_BHTD: Tensor, tiling: Tiling | None = None) -> dict[str, Any]:
        """Compile-time arguments of every kernel; with a tiling those of the kernels that multiply matrices."""
        width = q_BHTD.shape[-1]
        known: dict[str, Any] = {"WIDTH": width, "BLOCK_D": max(16, triton.next_power_of_2(width))}
        if tiling is None:
            return known | {"BLOCK_Q": 64}
        exact = torch.get_float32_matmul_precision() == "highest"  # three products of tensor cores make up float32
        known |= {"BLOCK_Q": tiling.block_q, "BLOCK_K": tiling.block_k, "PRECISION": "tf32x3" if exact else "tf32"}
        return known | {"num_warps": tiling.warps, "num_stages": tiling.stages}

    @property
    def mask(self) -> tuple[Tensor, int]:
        """A tensor to point at, read only where there is a mask, and its batch stride."""
        return (self.first_BT, 0) if self.mask_BS is None else (self.mask_BS, self.mask_BS.stride(0))

    @property
    def range_stride(self) -> int:
        """Batch stride of the ranges: 0 where all rows share them."""
        return self.first_BT.stride(0) if self.first_BT.shape[0] > 1 else 0


def _strides(*tensors: Tensor) -> list[int]:
    return [stride for x in tensors for stride in x.stride()[:3]]


def _flat(x: Tensor) -> Tensor:
    """The kernels read widths side by side."""
    return x if x.stride(-1) == 1 else x.contiguous()


def _key_bounds(call: _Call, keys: int, block: int) -> Tensor:
    """Four numbers ``(1 | B, blocks, 4)`` for a block of keys: see ``key_kernel``."""
    start = torch.arange(0, keys, block, device=call.first_BT.device, dtype=call.first_BT.dtype)
    end = (start + block - 1).clamp(max=keys - 1)
    rows = call.first_BT.shape[0]
    low, high = start.expand(rows, -1).contiguous(), end.expand(rows, -1).contiguous()

    def queries(bounds_BT: Tensor, keys_BN: Tensor) -> Tensor:
        return torch.searchsorted(bounds_BT, keys_BN, right=True, out_int32=True)

    first, last = call.first_BT, call.last_BT
    return torch.stack([queries(last, low), queries(last, high), queries(first, low), queries(first, high)], -1)


class _SegmentAttention(torch.autograd.Function):
    """The kernels as one differentiable function."""

    @staticmethod
    def forward(
        ctx: Any, q: Tensor, k: Tensor, v: Tensor, memory_k: Tensor | None, memory_v: Tensor | None, call: _Call
    ) -> Tensor:
        q, k, v = _flat(q), _flat(k), _flat(v)
        batch, heads, queries, _ = q.shape
        mk, mv = (
            (k[:, :, :0], v[:, :, :0]) if memory_k is None or memory_v is None else (_flat(memory_k), _flat(memory_v))
        )
        out = torch.empty(q.shape, dtype=q.dtype, device=q.device)
        lse = torch.empty(batch, heads, queries, dtype=torch.float32, device=q.device)
        tiling = tilings(q.dtype, q.shape[-1])["forward"]
        mask, mask_b = call.mask
        forward_kernel[(triton.cdiv(queries, tiling.block_q), batch * heads)](
            q, k, v, mk, mv, mask, call.first_BT, call.last_BT, out, lse,
            *_strides(q, k, v, mk, mv, out), mask_b, call.range_stride,
            heads, heads // k.shape[1], queries, mk.shape[2], call.scale * LOG2_E,
            MASKED=call.mask_BS is not None, **call.constants(q, tiling),
        )  # fmt: skip
        ctx.save_for_backward(q, k, v, mk, mv, out, lse)
        ctx.call, ctx.remembers = call, memory_k is not None
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, mk, mv, out, lse = ctx.saved_tensors
        call: _Call = ctx.call
        grad = _flat(grad)
        batch, heads, queries, _ = q.shape
        delta = torch.empty_like(lse)
        delta_kernel[(triton.cdiv(queries, 64), batch * heads)](
            out, grad, delta, *_strides(out, grad), heads, queries, **call.constants(q)
        )
        d_q = _query_gradient(call, q, k, v, mk, mv, grad, lse, delta)
        d_k, d_v = _key_gradients(call, q, k, v, grad, lse, delta)
        d_mk, d_mv = _memory_gradients(call, q, mk, mv, grad, lse, delta) if ctx.remembers else (None, None)
        return d_q, d_k, d_v, d_mk, d_mv, None


def _query_gradient(
    call: _Call, q: Tensor, k: Tensor, v: Tensor, mk: Tensor, mv: Tensor, grad: Tensor, lse: Tensor, delta: Tensor
) -> Tensor:
    batch, heads, queries, _ = q.shape
    tiling = tilings(q.dtype, q.shape[-1])["query"]
    d_q = torch.empty(q.shape, dtype=q.dtype, device=q.device)
    mask, mask_b = call.mask
    query_kernel[(triton.cdiv(queries, tiling.block_q), batch * heads)](
        q, k, v, mk, mv, mask, call.first_BT, call.last_BT, grad, lse, delta, d_q,
        *_strides(q, k, v, mk, mv, grad), mask_b, call.range_stride,
        heads, heads // k.shape[1], queries, mk.shape[2], call.scale * LOG2_E, call.scale,
        MASKED=call.mask_BS is not None, **call.constants(q, tiling),
    )  # fmt: skip
    return d_q


def _key_gradients(
    call: _Call, q: Tensor, k: Tensor, v: Tensor, grad: Tensor, lse: Tensor, delta: Tensor
) -> tuple[Tensor, Tensor]:
    batch, groups, keys, _ = k.shape
    tiling = tilings(q.dtype, q.shape[-1])["key"]
    d_k, d_v = (torch.empty(k.shape, dtype=k.dtype, device=k.device) for _ in range(2))
    bounds = _key_bounds(call, keys, tiling.block_k)
    mask, mask_b = call.mask
    key_kernel[(triton.cdiv(keys, tiling.block_k), batch * groups)](
        q, k, v, mask, call.first_BT, call.last_BT, bounds, grad, lse, delta, d_k, d_v,
        *_strides(q, k, v, grad), mask_b, call.range_stride, bounds.stride(0) if bounds.shape[0] > 1 else 0,
        groups, q.shape[1] // groups, q.shape[2], keys, call.scale * LOG2_E, call.scale,
        MASKED=call.mask_BS is not None, **call.constants(q, tiling),
    )  # fmt: skip
    return d_k, d_v


def _memory_gradients(
    call: _Call, q: Tensor, mk: Tensor, mv: Tensor, grad: Tensor, lse: Tensor, delta: Tensor
) -> tuple[Tensor, Tensor]:
    batch, groups, memory, width = mk.shape
    tiling = tilings(q.dtype, width)["key"]
    portions = triton.cdiv(q.shape[2], PORTION)
    if not memory:
        return torch.zeros_like(mk), torch.zeros_like(mv)
    d_k, d_v = (torch.empty(portions, *mk.shape, dtype=torch.float32, device=q.device) for _ in range(2))
    memory_kernel[(triton.cdiv(memory, tiling.block_k), batch * groups, portions)](
        q, mk, mv, grad, lse, delta, d_k, d_v,
        *_strides(q, mk, mv, grad), groups, q.shape[1] // groups, q.shape[2], memory, PORTION,
        call.scale * LOG2_E, call.scale, **call.constants(q, tiling),
    )  # fmt: skip
    return d_k.sum(0).to(mk.dtype), d_v.sum(0).to(mv.dtype)


def triton_attention(
    q_BHTD: Tensor,
    k_BGSD: Tensor,
    v_BGSD: Tensor,
    memory_k_BGMD: Tensor | None,
    memory_v_BGMD: Tensor | None,
    view: View,
    scale: float,
) -> Tensor:
    """Fused attention ``(B, H, T, D)``, fp16, bf16 or fp32, D to 128; see ``segment_attention`` for the meaning."""
    if not (q_BHTD.is_cuda or INTERPRETED):
        raise InputError("backend 'triton' needs a GPU (or TRITON_INTERPRET=1 set before the program starts)")
    if q_BHTD.element_size() == 8 or q_BHTD.shape[-1] > 128:
        raise InputError(
            f"backend 'triton' takes fp16, bf16 and fp32 up to width 128, got {q_BHTD.dtype} and {q_BHTD.shape[-1]}"
        )
    first_BT, last_BT = (x.to(torch.int32).contiguous() for x in view.ranges())
    mask_BS = None if view.key_mask_BS is None else view.key_mask_BS.contiguous().view(torch.uint8)
    call = _Call(first_BT, last_BT, mask_BS, scale)
    out: Tensor = _SegmentAttention.apply(  # type: ignore[no-untyped-call]
        q_BHTD, k_BGSD, v_BGSD, memory_k_BGMD, memory_v_BGMD, call
    )
    return out
