"""What the language model reads of a long recording: its tokens one after the other, with the time before each part.

Legend: Q tokens, D width of the memory, E width of the language model, H hidden size, N numbers, W windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from spatial_lalm.memory.segments import SegmentSummary
from spatial_lalm.model.processing import AUDIO, marker

if TYPE_CHECKING:
    from spatial_lalm.model.modeling import SpatialLalmForConditionalGeneration


@dataclass(frozen=True)
class Part:
    """Tokens ``(Q, E)`` of a chapter or of a segment's windows, and when it begins in s; None for the recording."""

    start_s: float | None
    tokens: Tensor


def laid_out(parts: Sequence[Part]) -> tuple[str, Tensor]:
    """The prompt of parts, with a placeholder a token, and their tokens in its order ``(Q, E)``.

    The recording comes first, then everything by time, a chapter before its segments.
    """
    order = sorted(parts, key=lambda part: -1.0 if part.start_s is None else part.start_s)
    prompt = "".join(
        ("" if part.start_s is None else marker(part.start_s)) + AUDIO * len(part.tokens) for part in order
    )
    return prompt, torch.cat([part.tokens for part in order])


def recording_part(model: SpatialLalmForConditionalGeneration, recording_QD: Tensor) -> Part:
    """The recording's summary."""
    assert model.memory is not None
    return Part(None, model.memory.recording_text(recording_QD))


def chapter_part(model: SpatialLalmForConditionalGeneration, start_s: float, chapter_QD: Tensor) -> Part:
    """A chapter's tokens."""
    assert model.memory is not None
    return Part(start_s, model.memory.chapter_text(chapter_QD))


def windows_part(
    model: SpatialLalmForConditionalGeneration, start_s: float, hidden_WQH: Tensor, numbers_WQN: Tensor
) -> Part:
    """Tokens of windows that follow each other, as of any recording that is heard at once."""
    return Part(start_s, model.multi_modal_projector(SegmentSummary(hidden_WQH, numbers_WQN)).flatten(0, 1))
