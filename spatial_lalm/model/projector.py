"""From segment tokens to the language model's width: one small MLP a kind of token."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig

from spatial_lalm.memory.segments import SegmentSummary, summary_size
from spatial_lalm.model.configuration import SpatialEncoderConfig, SpatialLalmConfig


class SegmentProjector(nn.Module):
    """Projects room, track and slice tokens ``(B, Q, H)`` and ``(B, Q, N)`` to ``(B, Q, width of the text)``."""

    def __init__(self, config: SpatialLalmConfig) -> None:
        super().__init__()
        assert isinstance(config.audio_config, SpatialEncoderConfig)
        assert isinstance(config.text_config, PreTrainedConfig)
        audio, width = config.audio_config, config.text_config.hidden_size
        self.counts = (1, audio.tracks, audio.slices)
        size = audio.hidden_size + summary_size(audio.tracks, len(audio.classes), audio.room_outputs)
        self.by_kind = nn.ModuleList(
            nn.Sequential(nn.Linear(size, 2 * width), nn.GELU(), nn.Linear(2 * width, width)) for _ in self.counts
        )

    def forward(self, summary: SegmentSummary) -> Tensor:
        """Audio embeddings ``(B, Q, width)``."""
        tokens = torch.cat([summary.hidden, summary.numbers], dim=-1)
        pieces = tokens.split(self.counts, dim=1)
        return torch.cat([mlp(piece) for mlp, piece in zip(self.by_kind, pieces, strict=True)], dim=1)
