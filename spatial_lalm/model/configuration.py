"""Configuration of the encoder and of the whole model, in transformers' terms."""

from __future__ import annotations

from typing import Any

from transformers import AutoConfig, PreTrainedConfig

from spatial_lalm.audio.features import INPUT_MAPS
from spatial_lalm.audio.scene import CLASSES


class SpatialEncoderConfig(PreTrainedConfig):  # type: ignore[misc]
    """The encoder: a convolutional stem from 50 Hz x 64 mel bands to 10 Hz, then temporal blocks, then heads."""

    model_type = "spatial_lalm_encoder"

    order: int = 1  # ambisonic order that is read: 1 or 2
    bands: int = 64  # mel bands
    stem_channels: list[int] | tuple[int, ...] = (48, 64, 128, 128)
    hidden_size: int = 192
    num_hidden_layers: int = 3  # temporal blocks
    num_attention_heads: int = 4
    kernel_frames: int = 7  # depthwise temporal convolution, frames of 100 ms
    dropout: float = 0.1
    tracks: int = 3  # sources that can sound at the same time
    counting: bool = False  # whether the number of sources is told beside them
    segment_frames: int = 40  # 4 s: what one query of the attention sees, and what a window of input holds
    slices: int = 6  # tokens for the course of time in a window, beside one for the room and one a track
    room_outputs: int = 10  # ln T60, six octave ln T60, DRR / 10 dB, C50 / 10 dB, ln volume
    range_width: int = 32  # of the head that hears distance and volume
    range_arrivals: bool = False  # whether it is told where reflections come from
    classes: list[str] | tuple[str, ...] = CLASSES

    @property
    def input_maps(self) -> int:
        """Maps of ``audio.features.network_input``."""
        return INPUT_MAPS[self.order]

    @property
    def window_tokens(self) -> int:
        """Audio tokens for one window."""
        return 1 + self.tracks + self.slices


class SpatialLalmConfig(PreTrainedConfig):  # type: ignore[misc]
    """An encoder, a projector and any causal language model of transformers.

    Args:
        audio_config: the encoder's configuration, or its dictionary.
        text_config: a causal language model's configuration, or its dictionary with ``model_type``.
        audio_token_id: id of the placeholder that stands for one audio token.
        decline_token_id: id of the token that starts an answer which the audio cannot give.
        max_seconds: longest recording that the model was trained to answer about.
        memory_config: sizes of the trained memory of long recordings (fields of ``memory.hierarchy.MemoryConfig``);
            None where there is none.
        views: rotations and reflections that hearing is averaged over (1, 2, 4, 8 or 16; see ``model.views``).
    """

    model_type = "spatial_lalm"
    sub_configs = {"audio_config": SpatialEncoderConfig, "text_config": AutoConfig}  # noqa: RUF012 - transformers' API

    audio_config: dict[str, Any] | PreTrainedConfig | None = None
    text_config: dict[str, Any] | PreTrainedConfig | None = None
    audio_token_id: int = 0
    decline_token_id: int = 0
    max_seconds: float = 32.0
    memory_config: dict[str, Any] | None = None
    views: int = 8

    def __post_init__(self, **kwargs: Any) -> None:
        if not isinstance(self.audio_config, PreTrainedConfig):
            self.audio_config = SpatialEncoderConfig(**(self.audio_config or {}))
        if not isinstance(self.text_config, PreTrainedConfig):
            options = dict(self.text_config or {})
            self.text_config = AutoConfig.for_model(options.pop("model_type", "qwen3"), **options)
        super().__post_init__(**kwargs)


AutoConfig.register(SpatialEncoderConfig.model_type, SpatialEncoderConfig)
AutoConfig.register(SpatialLalmConfig.model_type, SpatialLalmConfig)
