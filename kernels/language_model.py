"""Segment attention under a name that any causal model of transformers can be given: ``attn_implementation=...``.

Legend: B batch, H query heads, G key heads, T queries, S keys, D width.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from spatial_lalm.errors import InputError
from spatial_lalm.kernels.dispatch import segment_attention


def segment_attention_forward(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    is_causal: bool | None = None,
    sliding_window: int | None = None,
    *,
    segment: int,
    window: int,
    backend: str | None,
    **unused: Any,
) -> tuple[Tensor, None]:
    """Attention with the signature that transformers calls; ``register_attention`` binds the last three arguments.

    Args:
        module: the attention layer; its ``is_causal`` counts where the argument is None.
        query: ``(B, H, T, D)``, the last T of the keys' frames.
        key: ``(B, G, S, D)``, the cache's included; a static cache's unused end is cut off by the mask's length.
        value: shaped like the keys.
        attention_mask: ``(B, S)`` bool as ``segment_mask`` makes it, or None. Segments are counted from each row's
        first token, so
            that padding on the left changes nothing.
        dropout: must be 0.
        scaling: factor of the scores.
        is_causal: whether a token sees only those up to its own.
        sliding_window: must be None or cover all keys.
        segment: tokens of a segment.
        window: earlier segments that a token sees.
        backend: of ``segment_attention``; None chooses.
        unused: what transformers passes on to every attention function.

    Returns:
        ``(B, T, H, D)`` and None in the place of weights.

    Raises:
        InputError: dropout, a sliding window or a mask of four axes.
    """
    if dropout or (sliding_window is not None and sliding_window < key.shape[2]):
        raise InputError(
            "segment attention has neither dropout nor a sliding window: set both to 0 or None, or use sdpa"
        )
    segments: int | Tensor = segment
    if attention_mask is not None:
        if attention_mask.ndim != 2:
            raise InputError(f"segment attention takes a (batch, tokens) mask, got {tuple(attention_mask.shape)}")
        key, value = key[:, :, : attention_mask.shape[1]], value[:, :, : attention_mask.shape[1]]
        attention_mask = attention_mask.bool()
        if attention_mask.all():
            attention_mask = None
        else:
            segments = (attention_mask.cumsum(1) - 1).clamp(min=0) // segment
    causal = bool(getattr(module, "is_causal", True) if is_causal is None else is_causal)
    out = segment_attention(
        query, key, value,
        segment=segments, window=window, causal=causal, key_mask_BS=attention_mask, scale=scaling, backend=backend,
    )  # fmt: skip
    return out.transpose(1, 2).contiguous(), None


def segment_mask(
    batch_size: int,
    q_length: int,
    kv_length: int,
    q_offset: int | Tensor = 0,
    kv_offset: int = 0,
    mask_function: Any = None,
    attention_mask: Tensor | None = None,
    device: torch.device | str = "cpu",
    **unused: Any,
) -> Tensor | None:
    """The mask ``(B, S)`` of the tokens so far, False for padding, or None where all of a fitting cache are real.

    transformers calls it once for all layers, see ``transformers.masking_utils``.

    Raises:
        InputError: a pattern other than plain causal or bidirectional attention.
    """
    from transformers.masking_utils import bidirectional_mask_function, causal_mask_function

    if mask_function not in (None, causal_mask_function, bidirectional_mask_function) or kv_offset:
        raise InputError(
            "segment attention knows causal and bidirectional masks only, no sliding or packed ones: use sdpa"
        )
    tokens = int(q_offset) + q_length
    if attention_mask is None:
        return None if tokens == kv_length else torch.ones(batch_size, tokens, dtype=torch.bool, device=device)
    seen = attention_mask[:, :tokens].to(device, torch.bool)
    return None if tokens == kv_length and bool(seen.all()) else seen


def register_attention(
    name: str = "segment_attention", *, segment: int = 512, window: int = 7, backend: str | None = None
) -> str:
    """Make segment attention known to transformers, for ``attn_implementation=name`` of any causal model.

    Args:
        name: to register under; the same name again replaces what it stood for.
        segment: tokens of a segment.
        window: earlier segments that a token sees: up to ``segment * (window + 1)`` tokens in all.
        backend: of ``segment_attention``; None chooses.

    Returns:
        the name.
    """
    from transformers import AttentionInterface, AttentionMaskInterface

    AttentionInterface.register(
        name, partial(segment_attention_forward, segment=segment, window=window, backend=backend)
    )
    AttentionMaskInterface.register(name, segment_mask)
    return name
