"""The spatial encoder: maps of log-mel, intensity and covariance to 10 Hz frames, tracked sources and room properties.

Legend: B batch, S stem maps, T frames (50 Hz in, 10 Hz out), F mel bands, H hidden size, K tracks, L classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import AutoModel, PreTrainedModel

from spatial_lalm.kernels import segment_attention
from spatial_lalm.model.configuration import SpatialEncoderConfig
from spatial_lalm.model.ranging import RangeHead

STEP = 5
"""Input frames (50 Hz) to one output frame (10 Hz)."""


@dataclass
class EncoderOutput:
    """What the encoder hears.

    ``hidden (B, T, H)``; per track and frame: ``activity (B, T, K)`` logits, ``direction (B, T, K, 3)`` whose length
    is its weight, ``log_distance (B, T, K)``, ``label (B, T, K, L)`` logits; per clip: ``room (B, 10)`` and its
    ``room_scale (B, 10)`` (scale of a Laplace distribution, see ``train.data.room_targets`` for the quantities), and
    ``count (B, K + 1)`` logits of how many sources sound at all (no columns where the encoder does not count).
    """

    hidden: Tensor
    activity: Tensor
    direction: Tensor
    log_distance: Tensor
    label: Tensor
    room: Tensor
    room_scale: Tensor
    count: Tensor


class ConvBlock(nn.Module):
    """Convolution, batch norm, GELU; a second, residual convolution where asked."""

    def __init__(
        self, maps_in: int, maps_out: int, kernel: tuple[int, int], stride: tuple[int, int], residual: bool
    ) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        self.conv = nn.Conv2d(maps_in, maps_out, kernel, stride, padding, bias=False)
        self.norm = nn.BatchNorm2d(maps_out)
        self.second = nn.Conv2d(maps_out, maps_out, 3, padding=1, bias=False) if residual else None
        self.second_norm = nn.BatchNorm2d(maps_out) if residual else None

    def forward(self, x_BSTF: Tensor) -> Tensor:
        """``(B, S, T, F)`` to ``(B, S', T / stride, F / stride)``."""
        x_BSTF = nn.functional.gelu(self.norm(self.conv(x_BSTF)))
        if self.second is None or self.second_norm is None:
            return x_BSTF
        return nn.functional.gelu(x_BSTF + self.second_norm(self.second(x_BSTF)))


class TemporalBlock(nn.Module):
    """Segment attention with rotary positions, a depthwise temporal convolution and an MLP, each residual, pre-norm."""

    def __init__(self, config: SpatialEncoderConfig) -> None:
        super().__init__()
        size = config.hidden_size
        self.heads = config.num_attention_heads
        self.segment = config.segment_frames
        self.norms = nn.ModuleList(nn.LayerNorm(size) for _ in range(3))
        self.qkv = nn.Linear(size, 3 * size)
        self.out = nn.Linear(size, size)
        self.temporal = nn.Conv1d(size, size, config.kernel_frames, padding=config.kernel_frames // 2, groups=size)
        self.pointwise = nn.Linear(size, size)
        self.mlp = nn.Sequential(nn.Linear(size, 2 * size), nn.GELU(), nn.Linear(2 * size, size))
        self.dropout = nn.Dropout(config.dropout)

    def attend(self, x_BTH: Tensor) -> Tensor:
        """Multi-head segment attention ``(B, T, H)``."""
        q, k, v = self.qkv(x_BTH).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = segment_attention(rotary(q), rotary(k), v, segment=self.segment)
        attended: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return attended

    def forward(self, x_BTH: Tensor) -> Tensor:
        """``(B, T, H)`` to the same shape."""
        x_BTH = x_BTH + self.dropout(self.attend(self.norms[0](x_BTH)))
        local = self.temporal(self.norms[1](x_BTH).transpose(1, 2)).transpose(1, 2)
        x_BTH = x_BTH + self.dropout(self.pointwise(nn.functional.silu(local)))
        x_BTH = x_BTH + self.dropout(self.mlp(self.norms[2](x_BTH)))
        return x_BTH


def rotary(x_BHTD: Tensor) -> Tensor:
    """Rotary positions (Su et al., 2021) for ``(B, H, T, D)``, D even."""
    half = x_BHTD.shape[-1] // 2
    rate = 1000.0 ** (-torch.arange(half, device=x_BHTD.device) / half)
    phase = torch.arange(x_BHTD.shape[2], device=x_BHTD.device)[:, None] * rate
    cos, sin = phase.cos().to(x_BHTD.dtype), phase.sin().to(x_BHTD.dtype)
    a, b = x_BHTD[..., :half], x_BHTD[..., half:]
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


class SceneHeads(nn.Module):
    """Track-wise activity, direction, distance and class for every frame, and room properties for the clip."""

    def __init__(self, config: SpatialEncoderConfig) -> None:
        super().__init__()
        self.tracks, self.classes = config.tracks, len(config.classes)
        self.counts = config.tracks + 1 if config.counting else 0
        self.outputs = config.room_outputs
        self.track = nn.Linear(config.hidden_size, config.tracks * (5 + self.classes))
        self.room_weight = nn.Linear(config.hidden_size, 4)
        self.room = nn.Sequential(
            nn.Linear(4 * config.hidden_size, config.hidden_size), nn.GELU(),
            nn.Linear(config.hidden_size, 2 * config.room_outputs + self.counts),
        )  # fmt: skip

    def forward(self, hidden_BTH: Tensor) -> EncoderOutput:
        """All heads on ``(B, T, H)``."""
        per_track = self.track(hidden_BTH).unflatten(-1, (self.tracks, -1))
        weight_BTQ = self.room_weight(hidden_BTH).softmax(1)  # four learned views of the clip
        pooled = torch.einsum("btq,bth->bqh", weight_BTQ, hidden_BTH).flatten(1)
        room, log_scale, count = self.room(pooled).split([self.outputs, self.outputs, self.counts], dim=-1)
        return EncoderOutput(
            hidden=hidden_BTH,
            activity=per_track[..., 0],
            direction=per_track[..., 1:4],
            log_distance=per_track[..., 4],
            label=per_track[..., 5:],
            room=room,
            room_scale=log_scale.clamp(-5, 3).exp(),
            count=count,
        )


class SpatialEncoder(PreTrainedModel):  # type: ignore[misc]
    """Stem, temporal blocks and heads; stands as ``audio_tower`` in the whole model.

    ``range_head`` is not part of ``forward``: it listens to single events afterwards (``model.ranging``).
    """

    config_class = SpatialEncoderConfig
    base_model_prefix = "encoder"
    main_input_name = "input_features"

    def __init__(self, config: SpatialEncoderConfig) -> None:
        super().__init__(config)
        a, b, c, d = config.stem_channels
        self.stem = nn.Sequential(
            ConvBlock(config.input_maps, a, (3, 5), (1, 2), residual=False),
            ConvBlock(a, b, (3, 3), (1, 2), residual=False),
            ConvBlock(b, c, (STEP, 3), (STEP, 2), residual=True),
            ConvBlock(c, d, (3, 3), (1, 1), residual=False),
        )
        self.into_hidden = nn.Linear(d * config.bands // 8, config.hidden_size)
        self.blocks = nn.ModuleList(TemporalBlock(config) for _ in range(config.num_hidden_layers))
        self.norm = nn.LayerNorm(config.hidden_size)
        self.heads = SceneHeads(config)
        self.range_head = RangeHead(config.range_width, config.range_arrivals)
        self.range_head.requires_grad_(False)  # has its own stage of training
        self.post_init()

    def forward(self, input_features: Tensor) -> EncoderOutput:
        """``(B, input_maps, T, F)`` of ``audio.features.network_input``, T a multiple of 5, to an ``EncoderOutput``."""
        maps_BSTF = self.stem(input_features.contiguous(memory_format=torch.channels_last))
        x_BTH = self.into_hidden(maps_BSTF.transpose(1, 2).flatten(2))
        for block in self.blocks:
            x_BTH = block(x_BTH)
        output: EncoderOutput = self.heads(self.norm(x_BTH))
        return output


AutoModel.register(SpatialEncoderConfig, SpatialEncoder)
