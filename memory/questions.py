"""The trained memory as one module: the hierarchy, the keys of its tokens, and questions as vectors beside them.

A question comes as the language model's embeddings of its tokens, so nothing here knows a language model. Keys and
questions are unit vectors; how well a group fits a question is the best cosine over its tokens. ``nothing`` is the
cosine from which a group holds anything of what is asked, learned from questions about what was never heard.

Legend: B recordings, S groups, T key vectors a group, N questions, L words of a question, E their width, K key width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from spatial_lalm.memory.hierarchy import Hierarchy, MemoryConfig


class QuestionEncoder(nn.Module):
    """Token embeddings of a question to a vector: neighbours mixed, then pooled by learned attention."""

    def __init__(self, width: int, size: int, keys: int, views: int = 4) -> None:
        super().__init__()
        self.inputs = nn.Linear(width, size)
        self.neighbours = nn.Conv1d(size, size, 3, padding=1)
        self.norm = nn.LayerNorm(size)
        self.weigh = nn.Linear(size, views)
        self.outputs = nn.Sequential(nn.Linear(views * size, 2 * size), nn.GELU(), nn.Linear(2 * size, keys))

    def forward(self, words_NLE: Tensor, mask_NL: Tensor) -> Tensor:
        """Unit vectors ``(N, K)``; ``mask_NL`` is False for padding."""
        x_NLD = self.inputs(nnf.normalize(words_NLE, dim=-1) * words_NLE.shape[-1] ** 0.5) * mask_NL[..., None]
        mixed_NLD = nnf.gelu(self.neighbours(x_NLD.transpose(1, 2)).transpose(1, 2))
        x_NLD = self.norm(x_NLD + mixed_NLD)
        weight_NLV = self.weigh(x_NLD).masked_fill(~mask_NL[..., None], -torch.inf).softmax(1)
        pooled = torch.einsum("nlv,nld->nvd", weight_NLV, x_NLD).flatten(1)
        return nnf.normalize(self.outputs(pooled), dim=-1)


class Memory(nn.Module):
    """All of the memory that is trained.

    Args:
        config: sizes.
        features: of a window's token.
        kinds: tokens of a window by kind.
        width: of the language model.
    """

    def __init__(self, config: MemoryConfig, features: int, kinds: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.config = config
        self.hierarchy = Hierarchy(config, features, kinds)
        self.question = QuestionEncoder(width, config.size, config.keys)
        self.segment_key = nn.Linear(config.size, config.keys)
        self.chapter_key = nn.Linear(config.size, config.keys)
        self.log_scale = nn.Parameter(torch.tensor(2.5))
        self.nothing = nn.Parameter(torch.tensor([0.0, 0.0]))  # for segments and for chapters
        self.chapter_text = nn.Sequential(nn.LayerNorm(config.size), nn.Linear(config.size, width))
        self.recording_text = nn.Sequential(nn.LayerNorm(config.size), nn.Linear(config.size, width))

    def keys(self, segments_BSQD: Tensor, chapters_BCQD: Tensor) -> tuple[Tensor, Tensor]:
        """Unit vectors ``(B, S, T, K)`` and ``(B, C, T, K)`` of segments and chapters, one a token."""
        return (
            nnf.normalize(self.segment_key(segments_BSQD), dim=-1),
            nnf.normalize(self.chapter_key(chapters_BCQD), dim=-1),
        )

    @property
    def scale(self) -> Tensor:
        """Factor of cosines before a softmax."""
        return self.log_scale.clamp(max=4.6).exp()


def similarity(question_BNK: Tensor, keys_BSTK: Tensor) -> Tensor:
    """Best cosine of every group's tokens with every question: ``(B, N, S)``."""
    return torch.einsum("bnk,bstk->bnst", question_BNK, keys_BSTK).amax(-1)


def evidence_loss(
    similarity_BNS: Tensor, holds_BNS: Tensor, unclear_BNS: Tensor, nothing: Tensor, scale: Tensor
) -> Tensor:
    """InfoNCE by evidence: every group that holds evidence should win against those that hold none and ``nothing``.

    Where no group holds any, ``nothing`` should win. ``unclear`` groups count on neither side.
    """
    scores = scale * similarity_BNS
    none = (scale * nothing).expand(*scores.shape[:2], 1)
    others = torch.cat([scores.masked_fill(holds_BNS | unclear_BNS, -torch.inf), none], dim=-1).logsumexp(-1)
    won = torch.logaddexp(scores, others[..., None]) - scores  # -log of the share against the others
    found = (won * holds_BNS).sum(-1) / holds_BNS.sum(-1).clamp(min=1)
    asked = holds_BNS.any(-1)
    absent = others - none[..., 0]
    counted = asked | ~unclear_BNS.any(-1)  # a question whose evidence is unclear altogether teaches nothing
    total: Tensor = (torch.where(asked, found, absent) * counted).sum() / counted.sum().clamp(min=1)
    return total
