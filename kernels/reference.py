"""The truth that every backend is held to: dense segment attention, as readable as its definition.

Legend: B batch, H query heads, G key heads (H a multiple), T queries, S keys, M memory, D width.
"""

from __future__ import annotations

from torch import Tensor, cat

from spatial_lalm.kernels.view import View


def reference_attention(
    q_BHTD: Tensor,
    k_BGSD: Tensor,
    v_BGSD: Tensor,
    memory_k_BGMD: Tensor | None,
    memory_v_BGMD: Tensor | None,
    view: View,
    scale: float,
) -> Tensor:
    """Dense softmax attention ``(B, H, T, D)`` in the inputs' precision; see ``segment_attention`` for the meaning."""
    seen_BHTS = view.dense().expand(q_BHTD.shape[0], -1, -1)[:, None]
    if memory_k_BGMD is not None and memory_v_BGMD is not None:
        k_BGSD, v_BGSD = cat([memory_k_BGMD, k_BGSD], dim=2), cat([memory_v_BGMD, v_BGSD], dim=2)
        always = seen_BHTS.new_ones(*seen_BHTS.shape[:3], memory_k_BGMD.shape[2])
        seen_BHTS = cat([always, seen_BHTS], dim=-1)
    share = q_BHTD.shape[1] // k_BGSD.shape[1]
    k_BHSD, v_BHSD = k_BGSD.repeat_interleave(share, dim=1), v_BGSD.repeat_interleave(share, dim=1)
    scores = (q_BHTD @ k_BHSD.transpose(-1, -2)) * scale
    weights = scores.masked_fill(~seen_BHTS, float("-inf")).softmax(-1)
    mixed: Tensor = weights.nan_to_num(0.0) @ v_BHSD  # a query that sees nothing gets zeros
    return mixed
