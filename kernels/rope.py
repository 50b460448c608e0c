"""Rotary positions (Su et al., 2021, arXiv 2104.09864) from whole-numbered positions, exact for hours."""

from __future__ import annotations

import torch
from torch import Tensor


def rotate(x_BHTD: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    """Turn pairs of features by angles that grow with the position; the first half of D is paired with the second.

    Angles are computed in float64: in float32 frame 90,000 (an hour at 25 Hz) would already be off by 0.004 rad.

    Args:
        x_BHTD: ``(B, H, T, D)``, D even.
        positions: ``(T,)`` or ``(B, T)`` integers, of any size.
        base: slowest turn in positions per radian, nearly.

    Returns:
        the same shape and precision as ``x_BHTD``.
    """
    half = x_BHTD.shape[-1] // 2
    rate = base ** (-torch.arange(half, device=x_BHTD.device, dtype=torch.float64) / half)
    phase = positions.to(x_BHTD.device, torch.float64)[..., None] * rate
    wide = torch.promote_types(x_BHTD.dtype, torch.float32)
    cos, sin = (t.to(wide).unsqueeze(-3) for t in (phase.cos(), phase.sin()))  # (B | 1, 1, T, D / 2)
    a, b = x_BHTD[..., :half], x_BHTD[..., half:]
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1).to(x_BHTD.dtype)
