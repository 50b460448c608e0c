"""Ranging: which heard event is which source, and what the loss asks for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from spatial_lalm.audio.scene import Room, Scene, SourceEvent
from spatial_lalm.errors import InputError
from spatial_lalm.model.answers import Evidence
from spatial_lalm.model.hearing import Heard
from spatial_lalm.model.ranging import CONTEXT, RangeHead, Ranges
from spatial_lalm.train.config import Optimisation
from spatial_lalm.train.loop import make_optimiser
from spatial_lalm.train.range_stage import _whole, matched, range_loss


def source(azimuth: float, elevation: float, onset: float, offset: float) -> SourceEvent:
    return SourceEvent("speech", onset, offset, ((azimuth, elevation, 2.0),), (True,))


def scene_of(*sources: SourceEvent) -> Scene:
    room = Room((5.0, 4.0, 3.0), (0.2,) * 6)
    return Scene(4.0, 16_000, 1, room, (2.0, 2.0, 1.5), sources, None, 20.0, 0)


def heard_of(spatial: str, *events: tuple[float | None, float | None, float, float]) -> Heard:
    made = tuple(Evidence(start, end, "speech", azimuth, up, 3.0, 0.9) for azimuth, up, start, end in events)
    return Heard(made, None, spatial)  # type: ignore[arg-type]


def test_direction_then_overlap_tells_the_source() -> None:
    near, late, far = source(30, 0, 0, 1), source(35, 0, 2, 4), source(-120, 0, 0, 4)
    heard = heard_of("full", (32, 5, 0.1, 0.9), (33, 0, 2.1, 3.5), (-110, 0, 0, 4), (90, 0, 0, 4))
    pairs = list(matched(heard, scene_of(near, late, far)))
    assert [truth for _, truth in pairs] == [near, late, far]
    assert not list(matched(heard_of("full", (30, 0, 1.5, 1.9)), scene_of(near)))  # silence between


def test_a_plane_knows_no_height_and_one_channel_no_direction() -> None:
    high = source(30, 60, 0, 2)
    assert list(matched(heard_of("planar", (30, None, 0, 2)), scene_of(high)))
    assert not list(matched(heard_of("full", (30, 0, 0, 2)), scene_of(high)))
    mono = heard_of("none", (None, None, 0, 2))
    assert list(matched(mono, scene_of(high)))
    assert not list(matched(mono, scene_of(high, source(0, 0, 0, 2))))


def test_loss_is_least_at_the_truth() -> None:
    target = torch.tensor([[0.5, 4.0], [2.0, 6.0]])
    exact = Ranges(target[:, 0], target[:, 1], torch.full((2,), 0.1))
    loss, report = range_loss(exact, target)
    assert report == {"ratio": 0.0, "log_distance": 0.0, "volume_log2": 0.0}
    for name in ("log_distance", "log_volume"):
        assert range_loss(exact._replace(**{name: getattr(exact, name) + 0.2}), target)[0] > loss
    doubled = exact._replace(log_distance=exact.log_distance + np.log(2))
    assert range_loss(doubled, target)[1]["ratio"] == pytest.approx(1.0)


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


def test_hearing_nothing_is_told(tmp_path: Path) -> None:
    part = tmp_path / "part_0000000"
    part.mkdir()
    for name, shape in {"early": (0, 5, 220), "context": (0, CONTEXT), "target": (0, 2)}.items():
        np.save(part / f"{name}.npy", np.zeros(shape, np.float32))
    with pytest.raises(InputError, match="train the stage 'encoder' for longer"):
        _whole(tmp_path)
