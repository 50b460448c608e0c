"""The processor: a sound field and a question to what the model reads; one placeholder becomes timed audio tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import AutoProcessor, BatchFeature, PreTrainedTokenizerFast, ProcessorMixin

from spatial_lalm.audio.features import BANDS, HOP, RATE, spatial_features
from spatial_lalm.model.configuration import SpatialLalmConfig

Samples = NDArray[np.float32]

PAD, END, USER, REPLY, AUDIO, DECLINE = SPECIAL_TOKENS = (
    "<|pad|>",
    "<|end|>",
    "<|user|>",
    "<|answer|>",
    "<|audio|>",
    "<|decline|>",
)
CHAT_TEMPLATE = (
    "{% for message in messages %}{% if message.role == 'user' %}<|user|>"
    "{% if message.content is string %}{{ message.content }}{% else %}{% for part in message.content %}"
    "{% if part.type == 'audio' %}<|audio|>{% else %}{{ part.text }}{% endif %}{% endfor %}{% endif %}"
    "{% else %}<|answer|>{% if message.content is string %}{{ message.content }}{% else %}"
    "{% for part in message.content %}{{ part.text }}{% endfor %}{% endif %}<|end|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|answer|>{% endif %}"
)
FRAME = 5 * HOP
"""Samples of one encoder frame (100 ms)."""
SHORTEST_S = 0.5
"""Seconds below which there is nothing to tell direction, class or room by."""


def window_starts(frames: int, window: int) -> list[int]:
    """First frames of the windows that cover ``frames`` frames; the last window ends with the recording.

    A recording shorter than a window is one window of its own length.
    """
    if frames <= window:
        return [0]
    return [*range(0, frames - window, window), frames - window]


def whole_frames(signals: Samples, order: int = 1) -> Tensor:
    """Features ``(1 + S, T, F)`` of a sound field ``(4 or 9, samples)``, its last frame of 100 ms completed with zeros.

    S follows from the order that is read, whatever the signals have. ValueError for another shape.
    """
    if signals.ndim != 2 or signals.shape[0] not in (4, 9):
        raise ValueError(f"ambisonics (4, samples) or (9, samples) expected, got shape {signals.shape}")
    wanted = max(round(SHORTEST_S * RATE), -(-signals.shape[1] // FRAME) * FRAME)
    padded = np.pad(signals, ((0, 0), (0, wanted - signals.shape[1])))
    return spatial_features(torch.from_numpy(padded)[None], order)[0]


def marker(seconds: float) -> str:
    """``hh:mm:ss`` of a moment, rounded down."""
    whole = int(seconds + 1e-6)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


class SpatialLalmProcessor(ProcessorMixin):  # type: ignore[misc]
    """Tokenizer and audio front end.

    Args:
        tokenizer: knows ``SPECIAL_TOKENS``.
        chat_template: Jinja template with ``{"type": "audio"}`` parts.
        window_frames: 100 ms frames of a window.
        window_tokens: audio tokens of a window.
        order: ambisonic order that the model reads.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        chat_template: str | None = CHAT_TEMPLATE,
        window_frames: int = 40,
        window_tokens: int = 10,
        order: int = 1,
    ) -> None:
        self.order = order
        self.window_frames = window_frames
        self.window_tokens = window_tokens
        super().__init__(tokenizer, chat_template=chat_template)

    def audio_prompt(self, starts_s: Sequence[float]) -> str:
        """What one placeholder becomes: for every window its ``hh:mm:ss`` marker and its audio tokens."""
        return "".join(marker(start) + AUDIO * self.window_tokens for start in starts_s)

    def windows(self, features: Tensor) -> tuple[Tensor, list[float]]:
        """Cut features ``(maps, T, F)`` at 50 Hz into windows ``(W, maps, T', F)``, and their starts in seconds."""
        step = FRAME // HOP
        starts = window_starts(features.shape[1] // step, self.window_frames)
        length = min(features.shape[1] // step, self.window_frames) * step
        cut = torch.stack([features[:, s * step : s * step + length] for s in starts])
        return cut, [s * FRAME / RATE for s in starts]

    def listen(self, signals: Samples, quality: Samples | None = None) -> dict[str, Tensor]:
        """Windows of a sound field: ``input_features``, ``quality`` and ``start_s`` (see the model's docstring).

        ``signals`` is ``(4 or 9, T)`` AmbiX at 16 kHz, ``quality`` has as many rows of bands (default: all trusted).
        Up to 100 ms at the end that fill no frame are completed with zeros; ValueError for another shape.
        """
        windows, starts = self.windows(whole_frames(signals, self.order))
        given = np.ones((len(signals), BANDS)) if quality is None else quality
        trust = torch.tensor(np.asarray(given, np.float32))
        return {
            "input_features": windows,
            "quality": trust.expand(len(starts), -1, -1).clone(),
            "start_s": torch.tensor(starts, dtype=torch.float32),
        }

    def __call__(
        self,
        text: str | Sequence[str],
        audio: Sequence[Samples | tuple[Samples, Samples]] | Samples | None = None,
        **kwargs: Any,
    ) -> BatchFeature:
        """Tokens and audio windows for prompts that hold one ``<|audio|>`` for each sound field, padded on the left.

        ``audio`` holds ``(4 or 9, T)`` arrays or ``(array, quality)`` pairs, in the order of the placeholders; those
        shorter than a window must be alike in length. ``kwargs`` go to the tokenizer. ValueError where counts or
        lengths vary.
        """
        texts = [text] if isinstance(text, str) else list(text)
        fields = [audio] if isinstance(audio, np.ndarray) else list(audio or ())
        heard = [self.listen(*(f if isinstance(f, tuple) else (f,))) for f in fields]
        if sum(t.count(AUDIO) for t in texts) != len(heard):
            raise ValueError(f"{sum(t.count(AUDIO) for t in texts)} {AUDIO} placeholders for {len(heard)} sound fields")
        if len(lengths := {h["input_features"].shape[2] for h in heard}) > 1:
            seconds = " and ".join(f"{length * HOP / RATE:g}" for length in sorted(lengths))
            raise ValueError(f"windows of {seconds} s do not stack: give short sound fields one by one")
        prompts = iter(self.audio_prompt(h["start_s"].tolist()) for h in heard)
        expanded = ["".join(_interleave(t.split(AUDIO), prompts)) for t in texts]
        tokens = self.tokenizer(expanded, **{"padding": True, "padding_side": "left", "return_tensors": "pt"} | kwargs)
        merged = {name: torch.cat([h[name] for h in heard]) for name in (heard[0] if heard else ())}
        return BatchFeature({"input_ids": tokens["input_ids"], "attention_mask": tokens["attention_mask"], **merged})


def _interleave(pieces: list[str], prompts: Any) -> list[str]:
    """Text pieces with an audio prompt between each two."""
    parts = [pieces[0]]
    for piece in pieces[1:]:
        parts += [next(prompts), piece]
    return parts


AutoProcessor.register(SpatialLalmConfig, SpatialLalmProcessor)
