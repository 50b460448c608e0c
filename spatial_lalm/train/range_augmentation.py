"""What the sounds of the range stage go through before the head reads them: rooms of another scale, noise, gaps.

Without it the head learns its 40,000 sounds by heart: see docs/log.md.

Legend: B sounds, M maps and L lags of the early response, N context numbers.
"""

from __future__ import annotations

import torch
from torch import Tensor

from spatial_lalm.audio.early import BEFORE, BIN
from spatial_lalm.model.ranging import CLARITY, DISTANCE, TIMES, VOLUME

SCALE = 0.25
"""Largest change of ln scale."""
NOISE = 0.15
WIDEST_GAP = 30
"""Lags."""
DIRECT = BEFORE // BIN
"""The lag of the direct sound."""


def other_takes(
    early_BML: Tensor, context_BN: Tensor, target_B2: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """The sounds in rooms scaled at random, their maps with noise and a gap each."""
    log_scale_B = (2 * torch.rand(len(early_BML), generator=generator) - 1) * SCALE
    early_BML, context_BN, target_B2 = scaled_rooms(early_BML, context_BN, target_B2, log_scale_B)
    early_BML = early_BML + NOISE * torch.randn(early_BML.shape, generator=generator)
    return _with_gaps(early_BML, generator), context_BN, target_B2


def scaled_rooms(
    early_BML: Tensor, context_BN: Tensor, target_B2: Tensor, log_scale_B: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The same sounds in rooms scaled by ``exp(log_scale_B)`` in every dimension.

    Delays, reverberation times and distances grow with the scale and the volume with its cube; levels relative to the
    direct sound stay, air absorption aside. C50 follows as in an exponential decay: 10 lg(exp(13.8 * 50 ms / T60) - 1).
    """
    context_BN, target_B2 = context_BN.clone(), target_B2.clone()
    decay = (0.05 * 13.8 / context_BN[:, 0].exp()).clamp(0.05, 10)  # in 50 ms, nepers of energy
    context_BN[:, CLARITY] -= 0.434 * log_scale_B * decay / -torch.expm1(-decay)
    context_BN[:, TIMES] += log_scale_B[:, None]
    context_BN[:, VOLUME] += 3 * log_scale_B
    context_BN[:, DISTANCE] += log_scale_B
    target_B2 += log_scale_B[:, None] * torch.tensor([1.0, 3.0])
    return _stretched(early_BML, log_scale_B), context_BN, target_B2


def _stretched(early_BML: Tensor, log_scale_B: Tensor) -> Tensor:
    """Maps whose lags after the direct sound are longer by ``exp(log_scale_B)``, interpolated linearly."""
    lags = early_BML.shape[-1]
    lag = torch.arange(lags, dtype=early_BML.dtype)
    wanted_BL = torch.where(lag > DIRECT, (lag - DIRECT) / log_scale_B.exp()[:, None] + DIRECT, lag).clamp(max=lags - 1)
    left_BL = wanted_BL.long().clamp(max=lags - 2)
    share_B1L = (wanted_BL - left_BL)[:, None]
    left = left_BL[:, None].expand_as(early_BML)
    return early_BML.gather(2, left) * (1 - share_B1L) + early_BML.gather(2, left + 1) * share_B1L


def _with_gaps(early_BML: Tensor, generator: torch.Generator) -> Tensor:
    """Maps with a stretch of lags each set to the map's mean."""
    batch, maps, lags = early_BML.shape
    start = torch.randint(0, lags, (batch, maps, 1), generator=generator)
    width = torch.randint(0, WIDEST_GAP + 1, (batch, maps, 1), generator=generator)
    lag = torch.arange(lags)
    return torch.where((lag >= start) & (lag < start + width), early_BML.mean((0, 2), keepdim=True), early_BML)
