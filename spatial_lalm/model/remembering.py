"""From a recording's windows to the tables of its trained memory: segments, chapters, the recording."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from spatial_lalm.memory.hierarchy import HierarchyStream, Row
from spatial_lalm.memory.questions import Memory

Array = NDArray[Any]
BLOCK = 36
"""Windows that are made single precision at a time: those of a chapter."""


def remembered_tables(
    memory: Memory, starts_s: Array, hidden: Array, numbers: Array, window_s: float
) -> dict[str, Array]:
    """Tables of segments, chapters and the recording; see ``memory_tables`` for their meaning.

    ``hidden (W, Q, H)`` and ``numbers (W, Q, N)`` are the windows' tokens that begin at ``starts_s (W,)``.
    """
    stream = HierarchyStream(memory.hierarchy, window_s)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the same sums, so the same bytes, wherever this runs
    try:
        for first in range(0, len(starts_s), BLOCK):
            there = slice(first, first + BLOCK)
            tokens = np.concatenate([hidden[there], numbers[there]], axis=-1)
            stream.push(torch.from_numpy(tokens).float(), starts_s[there].tolist())
        stream.flush()
        segments, chapters = (torch.stack([row.tokens for row in rows]) for rows in (stream.segments, stream.chapters))
        with torch.inference_mode():
            keys = memory.keys(segments[None], chapters[None])
    finally:
        torch.set_num_threads(threads)
    return {
        **_level("segments", stream.segments, segments, keys[0][0]),
        **_level("chapters", stream.chapters, chapters, keys[1][0]),
        "recording/tokens": stream.recording.half().numpy(),
    }


def _level(name: str, rows: Sequence[Row], tokens: torch.Tensor, keys: torch.Tensor) -> dict[str, Array]:
    return {
        f"{name}/start_s": np.array([row.start_s for row in rows]),
        f"{name}/end_s": np.array([row.end_s for row in rows]),
        f"{name}/tokens": tokens.half().numpy(),
        f"{name}/keys": keys.half().numpy(),
    }
