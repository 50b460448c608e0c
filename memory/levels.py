"""One level of the hierarchy: groups of tokens and learned queries that sum them up, group after group.

A group is a segment of ``segment_attention``: its members' tokens and its queries see each other, the groups before it
within the window, and a memory prefix. Positions turn within a chapter only, so they never grow with the recording.

Legend: B recordings, G groups, N members in all, M tokens a member, Q queries a group, D width, E tokens of earlier
groups, P tokens of the prefix, T tokens of the new groups.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from spatial_lalm.kernels import segment_attention


class Block(nn.Module):
    """Segment attention with rotary positions and an MLP, each residual and pre-norm."""

    def __init__(self, size: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList(nn.LayerNorm(size) for _ in range(2))
        self.qkv = nn.Linear(size, 3 * size)
        self.out = nn.Linear(size, size)
        self.mlp = nn.Sequential(nn.Linear(size, 3 * size), nn.GELU(), nn.Linear(3 * size, size))

    def forward(
        self, x_BTD: Tensor, earlier_BED: Tensor, prefix_BPD: Tensor, ids_S: Tensor, places_S: Tensor, window: int
    ) -> Tensor:
        """``(B, T, D)`` to the same shape.

        ``ids_S`` and ``places_S`` are the groups and the positions of the earlier tokens and the new ones, S = E + T.
        """
        q, k, v = self._heads(torch.cat([earlier_BED, x_BTD], dim=1))
        _, memory_k, memory_v = self._heads(prefix_BPD)
        places_P = torch.zeros(prefix_BPD.shape[1], dtype=torch.long, device=x_BTD.device)
        mixed = segment_attention(
            q[:, :, earlier_BED.shape[1] :], k, v, memory_k, memory_v,
            segment=ids_S, window=window, positions=places_S, memory_positions=places_P,
        )  # fmt: skip
        x_BTD = x_BTD + self.out(mixed.transpose(1, 2).flatten(2))
        summed: Tensor = x_BTD + self.mlp(self.norms[1](x_BTD))
        return summed

    def _heads(self, x_BSD: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values ``(B, heads, S, D / heads)``."""
        q, k, v = self.qkv(self.norms[0](x_BSD)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return q, k, v


@dataclass(frozen=True)
class Earlier:
    """What a level keeps of the groups before: for every block the tokens ``(B, E, D)`` that went into it."""

    tokens: tuple[Tensor, ...]

    def detach(self) -> Earlier:
        """The same, without the graph that made it."""
        return replace(self, tokens=tuple(one.detach() for one in self.tokens))


class Level(nn.Module):
    """Sums up groups of members in learned queries.

    Args:
        size: width D.
        heads: of the attention.
        layers: blocks.
        group: members of a group; the last group of a recording may have fewer.
        member: tokens M of a member.
        queries: tokens Q that a group becomes.
        window: earlier groups that a group sees.
    """

    def __init__(self, size: int, heads: int, layers: int, group: int, member: int, queries: int, window: int) -> None:
        super().__init__()
        self.group, self.member, self.window = group, member, window
        self.queries = nn.Parameter(torch.randn(queries, size) / size**0.5)
        self.blocks = nn.ModuleList(Block(size, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(size)
        self.span = group * member + queries

    def begin(self, like_BPD: Tensor) -> Earlier:
        """No groups before."""
        return Earlier(tuple(like_BPD[:, :0] for _ in self.blocks))

    def forward(
        self, members_BNMD: Tensor, earlier: Earlier, prefix_BPD: Tensor, first: int = 0
    ) -> tuple[Tensor, Earlier]:
        """Tokens of the groups ``(B, G, Q, D)`` and what the next ones see of them.

        ``first`` is the number of the first of these groups within its chapter. Members that fill no group at the end
        are one that is short.
        """
        x_BTD, sizes = self._with_queries(members_BNMD)
        before = earlier.tokens[0].shape[1] // self.span
        ids_S, places_S = self._layout(before, sizes, first, x_BTD.device)
        kept = []
        for block, seen in zip(self.blocks, earlier.tokens, strict=True):
            both = torch.cat([seen, x_BTD], dim=1)
            kept.append(both[:, max(0, both.shape[1] - self.window * self.span) :])
            x_BTD = block(x_BTD, seen, prefix_BPD, ids_S, places_S, self.window)
        ends = torch.tensor(sizes).cumsum(0)[:, None] + torch.arange(-len(self.queries), 0)
        return self.norm(x_BTD[:, ends.to(x_BTD.device)]), Earlier(tuple(kept))

    def _with_queries(self, members_BNMD: Tensor) -> tuple[Tensor, list[int]]:
        """Every group's members followed by the queries ``(B, T, D)``, and the groups' sizes in tokens."""
        pieces, sizes = [], []
        for group_BNMD in members_BNMD.split(self.group, dim=1):
            tokens = group_BNMD.flatten(1, 2)
            pieces += [tokens, self.queries.expand(len(tokens), -1, -1)]
            sizes.append(tokens.shape[1] + len(self.queries))
        return torch.cat(pieces, dim=1), sizes

    def _layout(self, before: int, sizes: list[int], first: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Ids and positions of all tokens that are seen; the queries of a short group keep their positions."""
        ids, places = [], []
        for number, size in enumerate([self.span] * before + sizes):
            members = size - len(self.queries)
            local = [*range(members), *range(self.span - len(self.queries), self.span)]
            begins = (first - before + number + self.window) * self.span
            ids += [number] * size
            places += [begins + place for place in local]
        return torch.tensor(ids, device=device), torch.tensor(places, device=device)
