"""Segments of one length whose windows are alike are computed together: what is cut out of the frames for them."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise

import torch

from spatial_lalm.kernels.view import View


@dataclass(frozen=True)
class Block:
    """Neighbouring segments whose queries see windows of equal shape; ``count`` windows lie ``step`` keys apart.

    Queries ``[query, query + count * step)`` of all queries; the i-th window is the keys
    ``[key + i * step, key + i * step + width)``, and its queries stand at its end. With ``causal`` the last ``step``
    keys are seen up to the query's own; the ``width - step`` before them, like all keys otherwise, are seen whole.
    """

    query: int
    key: int
    step: int
    width: int
    count: int


@dataclass(frozen=True)
class _Segment:
    """Keys ``[start, stop)``, of which the queries begin at ``query``; they see from ``first`` on."""

    first: int
    start: int
    query: int
    stop: int


def _runs(view: View, row: int) -> tuple[list[int], list[int]]:
    """Ids of a row's segments and their boundaries, the end of the last included."""
    frames = view.ids_BS.shape[1]
    if view.segment is not None:  # known without asking the device
        starts = list(range(0, frames, view.segment))
        return list(range(len(starts))), [*starts, frames]
    ids, lengths = torch.unique_consecutive(view.ids_BS[row].cpu(), return_counts=True)
    return ids.tolist(), [0, *lengths.cumsum(0).tolist()]


def _segments(view: View, row: int) -> list[_Segment]:
    """The segments of a row that hold queries."""
    names, starts = _runs(view, row)
    found = []
    for index, (start, stop) in enumerate(pairwise(starts)):
        if stop > view.offset:
            first = starts[bisect_left(names, names[index] - view.window)]
            found.append(_Segment(first, start, max(start, view.offset), stop))
    return found


def blocks_of(view: View, row: int, frames: int) -> list[Block]:
    """Blocks of at most ``frames`` queries (or one segment) that cover all queries of a row of ``view.ids_BS``."""
    blocks: list[Block] = []
    previous: _Segment | None = None
    for one in _segments(view, row):
        step, width = one.stop - one.query, one.stop - one.first
        last = blocks[-1] if blocks else None
        alike = (
            last is not None and previous is not None and last.step == step and last.width == width
            and one.first - previous.first == step and (last.count + 1) * step <= frames
        )  # fmt: skip
        if alike and last is not None:
            blocks[-1] = Block(last.query, last.key, step, width, last.count + 1)
        else:
            blocks.append(Block(one.query - view.offset, one.first, step, width, 1))
        previous = one
    return blocks
