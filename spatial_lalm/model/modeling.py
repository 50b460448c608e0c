"""The whole model in transformers' terms: audio tower, segment summary, projector, causal language model."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from transformers import (
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    GenerationMixin,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.modeling_outputs import CausalLMOutputWithPast

from spatial_lalm.memory.hierarchy import MemoryConfig
from spatial_lalm.memory.questions import Memory
from spatial_lalm.memory.segments import SegmentSummary, summarise, summary_size
from spatial_lalm.model.configuration import SpatialEncoderConfig, SpatialLalmConfig
from spatial_lalm.model.encoder import EncoderOutput, SpatialEncoder
from spatial_lalm.model.projector import SegmentProjector
from spatial_lalm.model.views import axis_views, hear_from_all_sides


class SpatialLalmForConditionalGeneration(PreTrainedModel, GenerationMixin):  # type: ignore[misc]
    """Answers about spatial audio: audio embeddings take the place of the placeholders in the prompt.

    ``input_features (W, 11, T, 64)`` stacks log energy and covariance of every window of the batch (W of them in all,
    in the order of their placeholders), ``quality (W, 4 or 9, 64)`` and ``start_s (W,)`` belong to them.
    """

    config_class = SpatialLalmConfig
    base_model_prefix = "model"
    main_input_name = "input_ids"
    _supports_sdpa = True
    _supports_attention_backend = True

    def __init__(self, config: SpatialLalmConfig) -> None:
        super().__init__(config)
        assert isinstance(config.audio_config, SpatialEncoderConfig)
        self.audio_tower = SpatialEncoder(config.audio_config)
        self.multi_modal_projector = SegmentProjector(config)
        self.language_model = AutoModelForCausalLM.from_config(config.text_config)
        self.memory = None if config.memory_config is None else new_memory(config)
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        """The language model's token embeddings."""
        embeddings: nn.Module = self.language_model.get_input_embeddings()
        return embeddings

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Replace the language model's token embeddings."""
        self.language_model.set_input_embeddings(value)

    def hear(self, input_features: Tensor, quality: Tensor) -> EncoderOutput:
        """The encoder's output for windows ``(W, 1 + S, T, 64)`` with quality ``(W, 4 or 9, 64)``, over all views."""
        views = axis_views(self.config.views).to(input_features.device)
        return hear_from_all_sides(self.audio_tower, input_features, quality, views)

    def remember(self, heard: EncoderOutput, quality: Tensor, start_s: Tensor) -> SegmentSummary:
        """Segment tokens of windows that start at ``start_s (W,)`` seconds."""
        return summarise(
            heard.hidden,
            heard.activity,
            heard.direction,
            heard.log_distance,
            heard.label,
            heard.room,
            heard.room_scale,
            start_s,
            quality[:, 1:4].mean(-1),
            self.config.audio_config.slices,
        )

    def get_audio_features(self, input_features: Tensor, quality: Tensor, start_s: Tensor) -> Tensor:
        """Audio embeddings of all windows, flat: ``(W * window_tokens, width)``."""
        summary = self.remember(self.hear(input_features, quality), quality, start_s)
        embeddings: Tensor = self.multi_modal_projector(summary)
        return embeddings.flatten(0, 1)

    def insert_audio(self, input_ids: Tensor, audio: Tensor) -> Tensor:
        """Token embeddings ``(B, S, width)`` with the placeholders replaced; ValueError when the counts differ."""
        embeddings: Tensor = self.get_input_embeddings()(input_ids)
        placeholders = input_ids == self.config.audio_token_id
        if int(placeholders.sum()) != len(audio):
            raise ValueError(
                f"{int(placeholders.sum())} audio placeholders in the prompt for {len(audio)} audio tokens"
            )
        return embeddings.masked_scatter(placeholders[..., None], audio.to(embeddings.dtype))

    def forward(
        self,
        input_ids: Tensor | None = None,
        input_features: Tensor | None = None,
        quality: Tensor | None = None,
        start_s: Tensor | None = None,
        attention_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast:
        """Next-token logits ``(B, S, vocabulary)`` and, with ``labels`` (-100 is ignored), the loss."""
        if inputs_embeds is None and input_features is not None:
            assert input_ids is not None
            assert quality is not None
            assert start_s is not None
            inputs_embeds = self.insert_audio(input_ids, self.get_audio_features(input_features, quality, start_s))
            input_ids = None
        output: CausalLMOutputWithPast = self.language_model(
            input_ids=input_ids if inputs_embeds is None else None,
            inputs_embeds=inputs_embeds,
            attention_mask=attention_mask,
            labels=labels,
            **kwargs,
        )
        return output

    def prepare_inputs_for_generation(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Audio goes in once, with the prompt; later steps read it from the cache."""
        audio = {name: kwargs.pop(name, None) for name in ("input_features", "quality", "start_s")}
        first = kwargs.get("is_first_iteration", False) or not kwargs.get("use_cache", True)
        inputs: dict[str, Any] = super().prepare_inputs_for_generation(*args, **kwargs)
        return inputs | audio if first else inputs


def new_memory(config: SpatialLalmConfig) -> Memory:
    """An untrained memory of the sizes in ``config.memory_config``; ValueError for a size that there is not."""
    assert isinstance(config.audio_config, SpatialEncoderConfig)
    assert isinstance(config.text_config, PreTrainedConfig)
    audio, wanted = config.audio_config, config.memory_config or {}
    if unknown := sorted(wanted.keys() - MemoryConfig.__annotations__.keys()):
        raise ValueError(f"memory_config has no {unknown[0]!r}: choose from {', '.join(MemoryConfig.__annotations__)}")
    features = audio.hidden_size + summary_size(audio.tracks, len(audio.classes), audio.room_outputs)
    kinds = (1, audio.tracks, audio.slices)
    return Memory(MemoryConfig(**wanted), features, kinds, config.text_config.hidden_size)


AutoModelForImageTextToText.register(SpatialLalmConfig, SpatialLalmForConditionalGeneration)
