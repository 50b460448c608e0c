"""Listening: which heard event is which source, and what is kept of scenes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from spatial_lalm.audio.scene import Room, Scene, SourceEvent
from spatial_lalm.errors import InputError
from spatial_lalm.model.answers import Evidence
from spatial_lalm.model.configuration import SpatialEncoderConfig
from spatial_lalm.model.encoder import SpatialEncoder
from spatial_lalm.model.hearing import Heard
from spatial_lalm.model.ranging import CONTEXT, ROOM, room_numbers
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.recipe import still_scenes
from spatial_lalm.train import listening
from spatial_lalm.train.listening import heard_part, heard_scenes, matched


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


@pytest.fixture(scope="module")
def encoder() -> SpatialEncoder:
    torch.manual_seed(0)
    config = SpatialEncoderConfig(
        stem_channels=[4, 4, 8, 8], hidden_size=16, num_hidden_layers=1, num_attention_heads=2, segment_frames=10,
        range_width=4, range_arrivals=True, counting=True,
    )  # fmt: skip
    return SpatialEncoder(config).eval()


def part_of(encoder: SpatialEncoder, seeds: list[int], monkeypatch: pytest.MonkeyPatch) -> listening.Arrays:
    for name, value in {"ON": 0.0, "SURE": 0.0}.items():  # an untrained encoder hears nothing surely
        monkeypatch.setattr(f"spatial_lalm.model.hearing.{name}", value)
    monkeypatch.setattr(listening, "SAME_DEG", 180.0)
    recipe = still_scenes(1.0, t60_s=(0.1, 0.3), counts=(0.4, 0.6))
    return heard_part(encoder, recipe, SourceLibrary.builtin(espeak=False), seeds)


def test_sounds_know_their_scene_and_its_room_as_the_head_tells_it(
    encoder: SpatialEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for start in (0, 4):
        part = part_of(encoder, list(range(start, start + 4)), monkeypatch)
        assert part["hidden"].shape[:2] == (4, 10)
        folder = tmp_path / f"part_{start:07d}"
        folder.mkdir()
        for name, array in part.items():
            np.save(folder / f"{name}.npy", array)
    whole = heard_scenes(tmp_path)
    silent = (whole["label"] < 0).all(1)
    assert whole["room"][silent].isnan().all()
    assert whole["room"][~silent, 7:].isfinite().all()
    assert len(whole["scene"]) > 0
    assert not silent[whole["scene"]].any()
    assert set(whole["scene"].tolist()) == set(torch.nonzero(~silent)[:, 0].tolist())
    with torch.inference_mode():
        output = encoder.heads(whole["hidden"].float())
    told = room_numbers(output.room, output.room_scale)[whole["scene"]]
    torch.testing.assert_close(told, whole["context"][:, :ROOM], rtol=0.02, atol=0.02)  # hidden in half precision


def test_hearing_nothing_is_told(tmp_path: Path) -> None:
    part = tmp_path / "part_0000000"
    part.mkdir()
    for name, shape in {
        "early": (0, 5, 220),
        "context": (0, CONTEXT),
        "scene": (0,),
        "target": (0, 2),
        "room": (0, 10),
    }.items():
        np.save(part / f"{name}.npy", np.zeros(shape, np.float32))
    with pytest.raises(InputError, match="train the stage 'encoder' for longer"):
        heard_scenes(tmp_path)
