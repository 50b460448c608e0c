"""Who sees whom: the visibility that every backend draws, once as a rule and once as ranges of keys.

Legend: B batch (1 where all rows share it), T queries, S keys; queries are the last T of the S frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class View:
    """What queries may see among the frames; a memory prefix is seen by all of them and is not part of this.

    ``ids_BS (1 | B, S)`` segment of every frame, never falling; ``segment`` the frames of a segment where all have the
    same length (the last one may be shorter), else None.
    """

    ids_BS: Tensor
    queries: int
    window: int
    causal: bool
    key_mask_BS: Tensor | None = None
    segment: int | None = None

    @property
    def offset(self) -> int:
        """Frames before the first query."""
        return self.ids_BS.shape[1] - self.queries

    def ranges(self) -> tuple[Tensor, Tensor]:
        """First key and one past the last key that every query may see, two ``(1 | B, T)`` int64, neither falling.

        Segments are runs of frames, so what a query sees is one run of keys: all fast backends rest on this.
        """
        ids_BS = self.ids_BS.contiguous()
        mine_BT = ids_BS[:, self.offset :].contiguous()
        first_BT = torch.searchsorted(ids_BS, mine_BT - self.window)
        if not self.causal:
            return first_BT, torch.searchsorted(ids_BS, mine_BT, right=True)
        own_T = torch.arange(self.offset, ids_BS.shape[1], device=ids_BS.device)
        return first_BT, (own_T + 1).expand_as(first_BT)

    def dense(self) -> Tensor:
        """The rule itself, ``(1 | B, T, S)`` bool, the key mask included: quadratic, for the reference."""
        behind_BTS = self.ids_BS[:, self.offset :, None] - self.ids_BS[:, None, :]
        seen_BTS = (behind_BTS >= 0) & (behind_BTS <= self.window)
        if self.causal:
            index_S = torch.arange(self.ids_BS.shape[1], device=self.ids_BS.device)
            seen_BTS = seen_BTS & (index_S <= index_S[self.offset :, None])
        return seen_BTS if self.key_mask_BS is None else seen_BTS & self.key_mask_BS[:, None, :]


def segment_ids(starts: Tensor, frames: int) -> Tensor:
    """Segment of every frame ``(frames,)`` from the boundaries at which segments start.

    Args:
        starts: ``(segments,)`` rising frame indices; frames before the first belong to a segment of their own.
        frames: frames in all.

    Returns:
        ids for the argument ``segment`` of ``segment_attention``.

    Raises:
        ValueError: boundaries that do not rise.
    """
    if starts.ndim != 1 or (starts.diff() <= 0).any():
        raise ValueError("starts must be one axis of rising frame indices")
    return torch.searchsorted(starts.contiguous(), torch.arange(frames, device=starts.device), right=True)


def make_view(
    segment: int | Tensor, queries: int, keys: int, batch: int, window: int, causal: bool, key_mask_BS: Tensor | None,
    device: torch.device,
) -> View:  # fmt: skip
    """The view of a call; see ``segment_attention`` for the meaning of its arguments and what is refused."""
    if isinstance(segment, int):
        if segment < 1 or window < 0:
            raise ValueError(f"segment must be at least 1 and window at least 0, got {segment} and {window}")
        ids_BS = (torch.arange(keys, device=device) // segment)[None]
        return View(ids_BS, queries, window, causal, key_mask_BS, segment)
    if window < 0:
        raise ValueError(f"window must be at least 0, got {window}")
    if segment.shape not in ((keys,), (1, keys), (batch, keys)) or segment.is_floating_point():
        raise ValueError(
            f"segment must be a length or whole-numbered ids of shape ({keys},) or ({batch}, {keys}), "
            f"got {segment.dtype} {tuple(segment.shape)}"
        )
    ids_BS = segment.to(device, torch.int64).reshape(-1, keys)
    if (ids_BS.diff(dim=1) < 0).any():
        raise ValueError("segment ids must not fall from one frame to the next")
    return View(ids_BS, queries, window, causal, key_mask_BS)
