"""Ranging: what the loss asks for, and that the head learns what its input tells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from spatial_lalm.model.ranging import CONTEXT, RangeHead, Ranges
from spatial_lalm.train.config import Optimisation
from spatial_lalm.train.loop import make_optimiser
from spatial_lalm.train.range_stage import range_loss


def test_loss_is_least_at_the_truth() -> None:
    target = torch.tensor([[0.5, 4.0], [2.0, 6.0]])
    exact = Ranges(target[:, 0], target[:, 1], torch.full((2,), 0.1))
    loss, report = range_loss(exact, target)
    assert report == {"ratio": 0.0, "log_distance": 0.0, "volume_log2": 0.0}
    for name in ("log_distance", "log_volume"):
        assert range_loss(exact._replace(**{name: getattr(exact, name) + 0.2}), target)[0] > loss
    doubled = exact._replace(log_distance=exact.log_distance + np.log(2))
    assert range_loss(doubled, target)[1]["ratio"] == pytest.approx(1.0)


def test_open_air_has_no_volume_to_learn() -> None:
    target = torch.tensor([[0.5, 4.0], [2.0, float("nan")]])
    told = Ranges(torch.tensor([0.5, 2.0]), torch.tensor([4.0, 9.0], requires_grad=True), torch.full((2,), 0.1))
    loss, report = range_loss(told, target)
    assert report["volume_log2"] == 0.0
    loss.backward()
    assert told.log_volume.grad is not None
    assert told.log_volume.grad.isfinite().all()


def test_head_learns_what_its_input_tells() -> None:
    generator = torch.Generator().manual_seed(0)
    context = torch.randn(256, CONTEXT, generator=generator)
    early = torch.randn(256, 5, 220, generator=generator)
    target = torch.stack([1 + 0.5 * context[:, 0], 4.5 + early[:, 2, 40:60].mean(1) * 3], dim=1)
    torch.manual_seed(0)
    head = RangeHead(8)
    optimiser = make_optimiser(head, replace(Optimisation(), learning_rate=5e-3))
    first = range_loss(head(early, context), target)[1]
    for _ in range(80):
        optimiser.zero_grad()
        range_loss(head(early, context), target)[0].backward()
        optimiser.step()
    last = range_loss(head.eval()(early, context), target)[1]
    assert last["ratio"] < 0.5 * first["ratio"]
    assert last["volume_log2"] < 0.6 * first["volume_log2"]
