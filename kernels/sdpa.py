"""Segment attention in blocks through ``scaled_dot_product_attention``: memory grows with T, not with T squared."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad, scaled_dot_product_attention

from spatial_lalm.kernels.reference import visibility


def _blocks(x_BHTD: Tensor, segment: int, window: int) -> Tensor:
    """Every segment with the ``window`` segments before it, ``(B, H, N, (window + 1) * segment, D)``."""
    count = x_BHTD.shape[2] // segment
    padded = pad(x_BHTD, (0, 0, window * segment, 0))
    return torch.cat([padded[:, :, i * segment : (i + count) * segment].unflatten(2, (count, segment))
                      for i in range(window + 1)], dim=3)  # fmt: skip


def sdpa_attention(
    q_BHTD: Tensor,
    k_BHTD: Tensor,
    v_BHTD: Tensor,
    memory_k_BHMD: Tensor | None,
    memory_v_BHMD: Tensor | None,
    segment: int,
    window: int,
    causal: bool,
    key_mask_BT: Tensor | None,
) -> Tensor:
    """Blocked attention ``(B, H, T, D)``; a mask is made for one block, not for the whole length."""
    batch, heads, frames, width = q_BHTD.shape
    spare = -frames % segment
    real_BT = torch.ones(batch, frames, dtype=torch.bool, device=q_BHTD.device) if key_mask_BT is None else key_mask_BT
    q, k, v = (pad(x, (0, 0, 0, spare)) for x in (q_BHTD, k_BHTD, v_BHTD))
    real = pad(real_BT, (0, spare))
    count = (frames + spare) // segment
    q = q.unflatten(2, (count, segment))
    k, v = _blocks(k, segment, window), _blocks(v, segment, window)
    seen = _blocks(real[:, None, :, None], segment, window)[..., 0][:, :, :, None, :]  # (B, 1, N, 1, keys)
    if causal:
        inside = visibility((window + 1) * segment, segment, window, True, q.device)[-segment:]
        seen = seen & inside
    if memory_k_BHMD is not None and memory_v_BHMD is not None:
        prefix = memory_k_BHMD.shape[2]
        k = torch.cat([memory_k_BHMD[:, :, None].expand(-1, -1, count, -1, -1), k], dim=3)
        v = torch.cat([memory_v_BHMD[:, :, None].expand(-1, -1, count, -1, -1), v], dim=3)
        seen = pad(seen, (prefix, 0), value=True)
    blind = ~seen.any(-1, keepdim=True)  # such a query would be 0 / 0: let it see something, then return zeros
    seen = (seen | blind).expand(batch, 1, count, segment, k.shape[3]).transpose(1, 2).flatten(0, 1)
    q, k, v = (x.transpose(1, 2).flatten(0, 1) for x in (q, k, v))  # (B * N, H, ..., D)
    out = scaled_dot_product_attention(q, k, v, attn_mask=seen)
    out = out.unflatten(0, (batch, count)).transpose(1, 2).masked_fill(blind, 0.0)
    whole: Tensor = out.reshape(batch, heads, count * segment, width)[:, :, :frames]
    return whole
