"""Questions and keys: padding changes nothing, the loss wants evidence on top and nothing where there is none."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as nnf

from spatial_lalm.memory.hierarchy import MemoryConfig
from spatial_lalm.memory.questions import Memory, evidence_loss, similarity

CONFIG = MemoryConfig(size=16, heads=2, keys=8, layers=1)
NONE = torch.zeros(1, 1, 4, dtype=torch.bool)


def memory() -> Memory:
    torch.manual_seed(0)
    return Memory(CONFIG, 5, (1, 2, 1), 12).eval()


def test_padding_changes_no_question() -> None:
    question = memory().question
    words = torch.randn(1, 4, 12, generator=torch.Generator().manual_seed(0))
    alone = question(words, torch.ones(1, 4, dtype=torch.bool))
    padded = question(torch.cat([words, torch.full((1, 3, 12), 7.0)], 1), torch.arange(7)[None] < 4)
    assert torch.allclose(alone, padded, atol=1e-6)
    assert torch.allclose(alone.norm(dim=-1), torch.ones(1))


def test_the_best_token_of_a_group_speaks_for_it() -> None:
    keys = nnf.normalize(torch.randn(1, 3, 4, 8, generator=torch.Generator().manual_seed(0)), dim=-1)
    fits = similarity(keys[:, 2, 1][:, None], keys)
    assert fits.shape == (1, 1, 3)
    assert fits[0, 0, 2] == pytest.approx(1.0)
    assert fits[0, 0].argmax() == 2


def loss(scores: list[float], holds: list[int], unclear: list[int] = [], nothing: float = 0.0) -> float:  # noqa: B006
    marks = [torch.zeros(1, 1, len(scores), dtype=torch.bool) for _ in range(2)]
    for mark, rows in zip(marks, (holds, unclear), strict=True):
        mark[0, 0, rows] = True
    values = torch.tensor(scores)[None, None]
    return float(evidence_loss(values, *marks, torch.tensor(nothing), torch.tensor(20.0)))


def test_evidence_should_win_against_the_others_and_nothing() -> None:
    assert loss([1.0, 0.0, 0.0], [0], nothing=-1) < 1e-6
    assert loss([0.0, 1.0, 0.0], [0], nothing=-1) > 10
    assert loss([0.5, -1.0, -1.0], [0], nothing=0.9) > 5  # nothing wins
    assert loss([1.0, 0.9, 0.0], [0, 1], nothing=-1) < 1e-6  # evidence does not compete with evidence
    assert loss([1.0, 1.5, 0.0], [0], [1], nothing=-1) < 1e-6  # nor with what may be evidence


def test_where_there_is_no_evidence_nothing_should_win() -> None:
    assert loss([-1.0, -0.9], [], nothing=0.0) < 1e-6
    assert loss([0.9, -0.9], [], nothing=0.0) > 10
    assert loss([0.9, -0.9], [], [0]) == 0.0  # evidence that may be there teaches nothing


def test_keys_learn_to_be_found() -> None:
    model = memory().train()
    generator = torch.Generator().manual_seed(0)
    words, told = torch.randn(6, 3, 12, generator=generator), torch.randn(6, 4, 5, generator=generator)
    optimiser = torch.optim.AdamW(model.parameters(), 6e-3)

    def step() -> tuple[Tensor, Tensor]:
        order = torch.randperm(6, generator=generator)
        tokens = told[order].repeat_interleave(3, 0)[None]  # six segments, each of three like windows
        made = model.hierarchy(tokens, 4.0 * torch.arange(18)[None])
        asked = model.question(words, torch.ones(6, 3, dtype=torch.bool))[None]
        scores = similarity(asked, model.keys(made.segments, made.chapters)[0])
        holds = order[None] == torch.arange(6)[:, None]
        return scores, holds[None]

    for _ in range(25):
        scores, holds = step()
        optimiser.zero_grad()
        evidence_loss(scores, holds, torch.zeros_like(holds), model.nothing[0], model.scale).backward()
        optimiser.step()
    scores, holds = step()
    assert scores.argmax(-1).eq(holds.int().argmax(-1)).float().mean() > 0.9
