"""Scaled rooms: delays, times, volumes and distances grow together."""

from __future__ import annotations

import math

import pytest
import torch

from spatial_lalm.model.ranging import CLARITY, CONTEXT, DISTANCE, TIMES, VOLUME
from spatial_lalm.train.range_augmentation import DIRECT, other_takes, scaled_rooms

CONTEXTS = torch.randn(3, CONTEXT, generator=torch.Generator().manual_seed(0))
TARGETS = torch.tensor([[0.0, 3.0], [1.0, 5.0], [2.0, 8.0]])


def reflections(*delays: int) -> torch.Tensor:
    early = torch.zeros(3, 5, 220)
    early[:, :, DIRECT] = 1.0
    for delay in delays:
        early[:, :, DIRECT + delay] = 1.0
    return early


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.25])
def test_delays_grow_with_the_room_and_the_direct_sound_stays(factor: float) -> None:
    early, _, _ = scaled_rooms(reflections(100), CONTEXTS, TARGETS, torch.full((3,), math.log(factor)))
    assert early[0, 0, : DIRECT + 1].tolist() == reflections()[0, 0, : DIRECT + 1].tolist()
    assert int(early[0, 0, DIRECT + 1 :].argmax()) + 1 == round(100 * factor)


def test_everything_known_of_the_room_scales() -> None:
    step = math.log(1.2)
    _, context, target = scaled_rooms(reflections(9), CONTEXTS, TARGETS, torch.full((3,), step))
    change = context - CONTEXTS
    torch.testing.assert_close(change[:, TIMES], torch.full((3, 7), step))
    torch.testing.assert_close(change[:, [VOLUME, DISTANCE]], torch.tensor([3 * step, step]).expand(3, 2))
    torch.testing.assert_close(target - TARGETS, torch.tensor([step, 3 * step]).expand(3, 2))
    rest = [i for i in range(CONTEXT) if i not in (*range(7), VOLUME, CLARITY, DISTANCE)]
    assert change[:, rest].abs().max() == 0


def test_clarity_follows_the_exponential_decay() -> None:
    def clarity(t60: torch.Tensor) -> torch.Tensor:  # in 10 dB
        return torch.log10(torch.expm1(0.69 / t60))

    context = CONTEXTS.clone()
    context[:, 0] = torch.tensor([0.2, 0.6, 2.0]).log()
    context[:, CLARITY] = clarity(context[:, 0].exp())
    _, scaled, _ = scaled_rooms(reflections(9), context, TARGETS, torch.full((3,), 0.05))
    torch.testing.assert_close(scaled[:, CLARITY], clarity(scaled[:, 0].exp()), atol=5e-3, rtol=0)


def test_takes_differ_and_follow_the_generator() -> None:
    takes = [other_takes(reflections(50), CONTEXTS, TARGETS, torch.Generator().manual_seed(s)) for s in (1, 1, 2)]
    assert all(a.equal(b) for a, b in zip(takes[0], takes[1], strict=True))
    assert not takes[0][0].equal(takes[2][0])
    assert CONTEXTS.equal(torch.randn(3, CONTEXT, generator=torch.Generator().manual_seed(0)))  # left as it was
