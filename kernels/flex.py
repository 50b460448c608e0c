"""Segment attention through ``torch.nn.attention.flex_attention`` and a block mask made from ranges of keys.

Compiled on first use (seconds to half a minute for a new shape); on the CPU torch has no backward pass for it.
Legend: B batch (1 where rows share a view), H query heads, G key heads, T queries, S keys, M memory, D width, N and K
blocks of queries and keys.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor
from torch.nn.attention import flex_attention as flex

from spatial_lalm.errors import InputError
from spatial_lalm.kernels.view import View

BLOCK = 128


@cache
def compiled() -> Callable[..., Tensor]:
    """The fused function; uncompiled it would make all scores."""
    fused: Callable[..., Tensor] = torch.compile(flex.flex_attention)  # type: ignore[arg-type]
    return fused


def _ordered(chosen_BNK: Tensor) -> tuple[Tensor, Tensor]:
    """How many blocks of keys are chosen for each block of queries, and which, the chosen ones first."""
    order = torch.argsort(chosen_BNK.int(), dim=-1, descending=True, stable=True)
    return chosen_BNK.sum(-1, dtype=torch.int32)[:, None], order.to(torch.int32)[:, None].contiguous()


def block_mask(view: View, memory: int) -> flex.BlockMask:
    """The view as blocks to visit, those seen whole apart: nothing larger than a number for two blocks is made."""
    first_BT, last_BT = (x.to(torch.int32) for x in view.ranges())
    queries, keys = view.queries, view.ids_BS.shape[1] + memory
    device = first_BT.device
    top = torch.arange(0, queries, BLOCK, device=device)
    bottom = (top + BLOCK - 1).clamp(max=queries - 1)
    begin_BN1, free_begin_BN1 = (memory + first_BT[:, at, None] for at in (top, bottom))
    free_end_BN1, end_BN1 = (memory + last_BT[:, at, None] for at in (top, bottom))
    low_K = torch.arange(0, keys, BLOCK, device=device)
    high_K = (low_K + BLOCK).clamp(max=keys)
    touched_BNK = (low_K < memory) | ((low_K < end_BN1) & (high_K > begin_BN1))
    whole_BNK = (high_K <= memory) | ((low_K >= free_begin_BN1) & (high_K <= free_end_BN1))
    if view.key_mask_BS is not None:  # its rows differ, and any block may have a hole
        whole_BNK = torch.zeros_like(whole_BNK)
    count, order = _ordered(touched_BNK & ~whole_BNK)
    whole_count, whole_order = _ordered(whole_BNK)
    made: flex.BlockMask = flex.BlockMask.from_kv_blocks(
        count, order, whole_count, whole_order, BLOCK,
        _rule(first_BT, last_BT, view.key_mask_BS, memory), (queries, keys),
    )  # fmt: skip
    return made


def _rule(first_BT: Tensor, last_BT: Tensor, key_mask_BS: Tensor | None, memory: int) -> Callable[..., Tensor]:
    """The view as the predicate that flex asks for within blocks that are not seen whole."""
    shared = first_BT.shape[0] == 1

    def seen(batch: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        row = batch * 0 if shared else batch
        frame = key - memory
        inside = (frame >= first_BT[row, query]) & (frame < last_BT[row, query])
        if key_mask_BS is not None:
            inside = inside & key_mask_BS[batch, torch.where(frame < 0, 0, frame)]
        return (frame < 0) | inside

    return seen


def flex_segment_attention(
    q_BHTD: Tensor,
    k_BGSD: Tensor,
    v_BGSD: Tensor,
    memory_k_BGMD: Tensor | None,
    memory_v_BGMD: Tensor | None,
    view: View,
    scale: float,
) -> Tensor:
    """Block-masked attention ``(B, H, T, D)``; see ``segment_attention`` for the meaning."""
    memory = 0
    if memory_k_BGMD is not None and memory_v_BGMD is not None:
        memory = memory_k_BGMD.shape[2]
        k_BGSD, v_BGSD = torch.cat([memory_k_BGMD, k_BGSD], dim=2), torch.cat([memory_v_BGMD, v_BGSD], dim=2)
    if not q_BHTD.is_cuda and torch.is_grad_enabled() and any(x.requires_grad for x in (q_BHTD, k_BGSD, v_BGSD)):
        raise InputError("backend 'flex' has no gradient on the CPU: use torch.no_grad() or backend 'sdpa'")
    mask = block_mask(view, memory)
    grouped = q_BHTD.shape[1] != k_BGSD.shape[1]
    return compiled()(q_BHTD, k_BGSD, v_BGSD, block_mask=mask, scale=scale, enable_gqa=grouped)
