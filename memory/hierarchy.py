"""The memory's levels: windows (4 s) become segments (12 s), segments chapters (144 s), chapters the recording.

Learned queries sum a level up in a few tokens a group; the running state of the recording stands before every group as
a memory prefix, so a segment knows what was heard an hour ago. Time is told in two ways that do not wear out: positions
turn within a chapter, and the absolute time is written as harmonics of 24 s to 27 h, which training draws anywhere.

Legend: B recordings, W windows, S segments, C chapters, Q tokens, F features of a token, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from spatial_lalm.memory.levels import Block, Earlier, Level
from spatial_lalm.memory.segments import harmonics

TIME_PERIODS_S = tuple(24.0 * 2**k for k in range(13))  # 24 s to 27 h


@dataclass(frozen=True)
class MemoryConfig:
    """Sizes of the memory; a model's configuration holds them as a table."""

    size: int = 96  # width of its tokens
    heads: int = 4
    layers: int = 2  # blocks of the segments' level; chapters have one less
    segment_windows: int = 3  # windows of 4 s in a segment
    segment_tokens: int = 8
    chapter_segments: int = 12  # segments in a chapter
    chapter_tokens: int = 8
    recording_tokens: int = 16
    earlier_groups: int = 1  # groups before its own that a group sees
    keys: int = 64  # width of the keys that questions are compared with
    read_tokens: int = 600  # most that are read for a question

    def __post_init__(self) -> None:
        if self.size % self.heads or (self.size // self.heads) % 2:
            raise ValueError(f"size {self.size} does not divide into {self.heads} heads of even width")


@dataclass(frozen=True)
class HierarchyState:
    """All that a recording leaves behind for what follows: fixed in size, however long it is.

    ``recording (B, Q, D)`` is its running summary, ``open (B, S, Q, D)`` are segments of the chapter that is not full.
    """

    recording: Tensor
    segments: Earlier
    chapters: Earlier
    open: Tensor

    def detach(self) -> HierarchyState:
        """The same, without the graph that made it."""
        return HierarchyState(
            self.recording.detach(), self.segments.detach(), self.chapters.detach(), self.open.detach()
        )


@dataclass(frozen=True)
class Remembered:
    """What became of windows: ``segments (B, S, Q, D)``, ``chapters (B, C, Q, D)`` that are full, and the state."""

    segments: Tensor
    chapters: Tensor
    state: HierarchyState


class Hierarchy(nn.Module):
    """Sums up windows level by level.

    Args:
        config: sizes.
        features: F, of a window's token.
        kinds: tokens of a window by kind (room, tracks, slices): each kind has a projection of its own.
    """

    def __init__(self, config: MemoryConfig, features: int, kinds: tuple[int, ...]) -> None:
        super().__init__()
        size, heads, layers, earlier = config.size, config.heads, config.layers, config.earlier_groups
        self.config, self.kinds = config, kinds
        self.inputs = nn.ModuleList(nn.Linear(features, size) for _ in kinds)
        self.time = nn.Linear(2 * len(TIME_PERIODS_S), size)
        self.input_norm = nn.LayerNorm(size)
        self.segment_level = Level(
            size, heads, layers, config.segment_windows, sum(kinds), config.segment_tokens, earlier
        )
        self.chapter_level = Level(
            size, heads, max(1, layers - 1), config.chapter_segments, config.segment_tokens, config.chapter_tokens,
            earlier,
        )  # fmt: skip
        self.beginning = nn.Parameter(torch.randn(config.recording_tokens, size) / size**0.5)
        self.update = Block(size, heads)
        self.update_norm = nn.LayerNorm(size)
        self.gate = nn.Linear(2 * size, size)

    def begin(self, batch: int = 1) -> HierarchyState:
        """The state before anything is heard."""
        recording = self.beginning.expand(batch, -1, -1)
        nothing = recording.new_zeros(batch, 0, self.config.segment_tokens, self.config.size)
        levels = self.segment_level.begin(recording), self.chapter_level.begin(recording)
        return HierarchyState(recording, *levels, nothing)

    def forward(
        self, tokens_BWQF: Tensor, starts_BW: Tensor, state: HierarchyState | None = None, last: bool = True
    ) -> Remembered:
        """Sum up windows that begin at ``starts_BW`` (s from the start of the recording).

        ``last`` says that nothing follows: the last segment and chapter may then be short. Otherwise the windows must
        fill segments (ValueError).
        """
        per_segment, per_chapter = self.config.segment_windows, self.config.chapter_segments
        windows = tokens_BWQF.shape[1]
        if windows % per_segment and not last:
            raise ValueError(f"{windows} windows fill no segments of {per_segment}: give whole ones until the last")
        state = self.begin(len(tokens_BWQF)) if state is None else state
        x_BWQD = self._embedded(tokens_BWQF, starts_BW)
        nothing = state.open.new_zeros(len(tokens_BWQF), 0, self.config.chapter_tokens, self.config.size)
        segments, chapters, at = [state.open[:, :0]], [nothing], 0
        while at < windows:
            until = at + (per_chapter - state.open.shape[1]) * per_segment
            made_BSQD, earlier = self.segment_level(
                x_BWQD[:, at:until], state.segments, state.recording, state.open.shape[1]
            )
            at = min(until, windows)
            state = replace(state, segments=earlier, open=torch.cat([state.open, made_BSQD], dim=1))
            segments.append(made_BSQD)
            if state.open.shape[1] == per_chapter:
                chapter_BCQD, state = self._closed(state)
                chapters.append(chapter_BCQD)
        if last and state.open.shape[1]:
            chapter_BCQD, state = self._closed(state)
            chapters.append(chapter_BCQD)
        return Remembered(torch.cat(segments, 1), torch.cat(chapters, 1), state)

    def _embedded(self, tokens_BWQF: Tensor, starts_BW: Tensor) -> Tensor:
        """Windows' tokens ``(B, W, Q, D)`` with the time at which they begin."""
        pieces = tokens_BWQF.split(self.kinds, dim=2)
        tokens = torch.cat([into(piece) for into, piece in zip(self.inputs, pieces, strict=True)], dim=2)
        embedded: Tensor = self.input_norm(tokens + self.time(harmonics(starts_BW, TIME_PERIODS_S))[:, :, None])
        return embedded

    def _closed(self, state: HierarchyState) -> tuple[Tensor, HierarchyState]:
        """The open chapter's tokens ``(B, 1, Q, D)``, and the state with it taken into the recording."""
        chapter_BCQD, earlier = self.chapter_level(state.open, state.chapters, state.recording)
        recording = self._updated(state.recording, chapter_BCQD[:, 0])
        return chapter_BCQD, replace(state, recording=recording, chapters=earlier, open=state.open[:, :0])

    def _updated(self, recording_BQD: Tensor, chapter_BQD: Tensor) -> Tensor:
        """The recording's tokens after a chapter: a mean, weighted by a gate, of what they were and what they see now.

        A mean of normalised tokens cannot grow, however many chapters there are.
        """
        both = torch.cat([chapter_BQD, recording_BQD], dim=1)
        places = torch.arange(both.shape[1], device=both.device)
        seen = self.update(both, both[:, :0], both[:, :0], torch.zeros_like(places), places, 0)
        new = self.update_norm(seen[:, chapter_BQD.shape[1] :])
        gate = self.gate(torch.cat([recording_BQD, new], dim=-1)).sigmoid()
        updated: Tensor = recording_BQD + gate * (new - recording_BQD)
        return updated


@dataclass(frozen=True)
class Row:
    """Sealed tokens of a stream ``(Q, D)``, and the times in s that they are about."""

    tokens: Tensor
    start_s: float
    end_s: float


class HierarchyStream:
    """Sums up windows as they come: ``push`` any number of them, ``flush`` at the end.

    They are computed chapter by chapter, so the result does not depend on how the windows came, not by a bit.
    """

    def __init__(self, hierarchy: Hierarchy, window_s: float) -> None:
        """``window_s`` is the length of a window."""
        self._hierarchy, self._window_s = hierarchy, window_s
        self._state = hierarchy.begin()
        self._waiting: list[tuple[Tensor, float]] = []
        self.segments: list[Row] = []
        self.chapters: list[Row] = []

    @property
    def recording(self) -> Tensor:
        """The running summary ``(Q, D)``."""
        return self._state.recording[0].detach()

    def push(self, tokens_WQF: Tensor, starts_s: Sequence[float]) -> None:
        """Take windows; what becomes of full chapters is appended to ``segments`` and ``chapters``."""
        sizes = self._hierarchy.config
        for tokens, start_s in zip(tokens_WQF, starts_s, strict=True):
            self._waiting.append((tokens, float(start_s)))
            if len(self._waiting) == sizes.segment_windows * sizes.chapter_segments:
                self._close()

    def flush(self) -> None:
        """Close the chapter that is left."""
        if self._waiting:
            self._close()

    @torch.no_grad()
    def _close(self) -> None:
        tokens_BWQF = torch.stack([tokens for tokens, _ in self._waiting])[None]
        starts_s = [start for _, start in self._waiting]
        made = self._hierarchy(tokens_BWQF, torch.tensor([starts_s]), self._state)
        per_segment, self._state, self._waiting = self._hierarchy.config.segment_windows, made.state, []
        for number, tokens in enumerate(made.segments[0]):
            own = starts_s[number * per_segment : (number + 1) * per_segment]
            self.segments.append(Row(tokens, own[0], own[-1] + self._window_s))
        self.chapters.append(Row(made.chapters[0, 0], starts_s[0], starts_s[-1] + self._window_s))
