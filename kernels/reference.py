"""The truth that every backend is held to: dense segment attention, as readable as its definition."""

from __future__ import annotations

import torch
from torch import Tensor


def visibility(frames: int, segment: int, window: int, causal: bool, device: torch.device) -> Tensor:
    """Which keys a query may see, ``(frames, frames)`` bool: its own segment and the ``window`` segments before it."""
    index = torch.arange(frames, device=device)
    behind = index[:, None] // segment - index[None, :] // segment
    seen = (behind >= 0) & (behind <= window)
    return seen & (index[None, :] <= index[:, None]) if causal else seen


def reference_attention(
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
    """Dense softmax attention ``(B, H, T, D)`` in the inputs' precision; see ``segment_attention`` for the meaning."""
    batch, _, frames, width = q_BHTD.shape
    seen = visibility(frames, segment, window, causal, q_BHTD.device).expand(batch, 1, -1, -1)
    if key_mask_BT is not None:
        seen = seen & key_mask_BT[:, None, None, :]
    if memory_k_BHMD is not None and memory_v_BHMD is not None:
        k_BHTD = torch.cat([memory_k_BHMD, k_BHTD], dim=2)
        v_BHTD = torch.cat([memory_v_BHMD, v_BHTD], dim=2)
        seen = torch.cat([seen.new_ones(batch, 1, frames, memory_k_BHMD.shape[2]), seen], dim=-1)
    scores = (q_BHTD @ k_BHTD.transpose(-1, -2)) * width**-0.5
    weights = scores.masked_fill(~seen, float("-inf")).softmax(-1)
    mixed: Tensor = weights.nan_to_num(0.0) @ v_BHTD  # a query that sees nothing gets zeros
    return mixed
