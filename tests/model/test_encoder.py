"""The encoder: shapes, time steps, independence in a batch; and the segment summary that reads numbers off it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from transformers import AutoModel

from spatial_lalm.audio.features import INPUT_MAPS
from spatial_lalm.memory.segments import active_span, harmonics, pool_tracks, summarise, summary_size
from spatial_lalm.model.configuration import SpatialEncoderConfig
from spatial_lalm.model.encoder import EncoderOutput, SpatialEncoder, rotary

TINY = {"stem_channels": [8, 8, 8, 8], "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
FIELDS = ("hidden", "activity", "direction", "log_distance", "label", "room", "room_scale", "count")


@pytest.fixture(scope="module")
def encoder() -> SpatialEncoder:
    torch.manual_seed(0)
    return SpatialEncoder(SpatialEncoderConfig(**TINY)).eval()


def maps(batch: int = 2, frames: int = 200) -> torch.Tensor:
    return torch.randn(batch, 13, frames, 64, generator=torch.Generator().manual_seed(1))


# ---------------------------------------------------------------- encoder


@pytest.mark.parametrize("frames", [5, 25, 200, 305])
def test_five_frames_make_one(encoder: SpatialEncoder, frames: int) -> None:
    output = encoder(maps(2, frames))
    steps = frames // 5
    shapes = {name: tuple(getattr(output, name).shape) for name in FIELDS}
    assert shapes == {
        "hidden": (2, steps, 32),
        "activity": (2, steps, 3),
        "direction": (2, steps, 3, 3),
        "log_distance": (2, steps, 3),
        "label": (2, steps, 3, 17),
        "room": (2, 10),
        "room_scale": (2, 10),
        "count": (2, 0),
    }


def test_second_order_and_counting_are_asked_for() -> None:
    own = SpatialEncoder(SpatialEncoderConfig(**TINY, order=2, counting=True)).eval()
    assert own.config.input_maps == INPUT_MAPS[2]
    output = own(torch.randn(2, INPUT_MAPS[2], 50, 64, generator=torch.Generator().manual_seed(0)))
    assert output.count.shape == (2, 4)
    assert output.room.shape == (2, 10)


def test_clips_of_a_batch_do_not_hear_each_other(encoder: SpatialEncoder) -> None:
    both = maps()
    with torch.inference_mode():
        together, alone = encoder(both), encoder(both[1:])
    for name in FIELDS:
        torch.testing.assert_close(getattr(together, name)[1], getattr(alone, name)[0], atol=1e-5, rtol=1e-4)


def test_uncertainty_is_positive_and_bounded_whatever_the_input(encoder: SpatialEncoder) -> None:
    scale = encoder(1000 * maps()).room_scale
    assert (scale >= math.exp(-5) * 0.999).all()
    assert (scale <= math.exp(3) * 1.001).all()


def test_every_weight_has_a_gradient() -> None:
    torch.manual_seed(0)
    own = SpatialEncoder(SpatialEncoderConfig(**TINY)).train()
    output = own(maps())
    sum(getattr(output, name).square().mean() for name in FIELDS).backward()
    learning = {name: p for name, p in own.named_parameters() if not name.startswith("range_head.")}
    assert [name for name, p in learning.items() if p.grad is None or not p.grad.isfinite().all()] == []
    assert [name for name, p in learning.items() if not p.grad.any()] == []
    assert not any(p.requires_grad for p in own.range_head.parameters())  # a stage of its own trains it


def test_saved_encoder_is_the_same(encoder: SpatialEncoder, tmp_path: Path) -> None:
    encoder.save_pretrained(tmp_path)
    again = AutoModel.from_pretrained(tmp_path).eval()
    assert isinstance(again, SpatialEncoder)
    with torch.inference_mode():
        assert again(maps()).label.equal(encoder(maps()).label)


def test_window_tokens_are_room_tracks_and_slices() -> None:
    assert SpatialEncoderConfig().window_tokens == 10
    assert SpatialEncoderConfig(tracks=2, slices=8).window_tokens == 11


def test_rotary_products_depend_on_the_distance_alone() -> None:
    q, k = torch.randn(2, 1, 1, 1, 8, generator=torch.Generator().manual_seed(0)).expand(2, 1, 1, 20, 8)
    products = (rotary(q) @ rotary(k).transpose(-1, -2))[0, 0]
    for offset in (-3, 0, 5):
        diagonal = products.diagonal(offset)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(rotary(q).norm(dim=-1), q.norm(dim=-1))


# ---------------------------------------------------------------- segment summary


def test_span_is_first_and_last_sounding_frame_and_the_whole_where_silent() -> None:
    probability = torch.zeros(1, 40, 2)
    probability[0, 5:8, 0] = probability[0, 20:30, 0] = 0.9
    first, last = active_span(probability)
    assert first.tolist() == [[0.5, 0.0]]
    assert last.tolist() == [[3.0, 4.0]]


def test_pooling_takes_the_frames_in_which_a_track_sounds() -> None:
    activity = torch.full((1, 10, 1), -20.0)
    activity[0, 3:5] = 20.0
    values = torch.arange(10.0).view(1, 10, 1, 1)
    assert pool_tracks(activity, values).item() == pytest.approx(3.5, abs=0.01)


def test_harmonics_are_periodic() -> None:
    values = torch.tensor([0.3, 1.3, 2.3])
    whole = harmonics(values, (1.0, 0.5))
    assert whole.shape == (3, 4)
    torch.testing.assert_close(whole[0], whole[1], atol=1e-5, rtol=0)
    torch.testing.assert_close(whole[0], whole[2], atol=1e-5, rtol=0)


def summary_of(output: EncoderOutput, start: float = 0.0, slices: int = 6) -> torch.Tensor:
    batch = len(output.room)
    summary = summarise(
        *(getattr(output, name) for name in FIELDS[:-1]),
        start_B=torch.full((batch,), start),
        quality_B3=torch.ones(batch, 3),
        slices=slices,
    )
    tokens = 1 + output.activity.shape[2] + slices
    assert summary.hidden.shape == (batch, tokens, output.hidden.shape[-1])
    width = summary_size(output.activity.shape[2], output.label.shape[-1], output.room.shape[-1])
    assert summary.numbers.shape == (batch, tokens, width)
    return torch.cat([summary.hidden, summary.numbers], dim=-1)


@pytest.mark.parametrize("frames", [25, 200])
@pytest.mark.parametrize("slices", [4, 6])
def test_summary_has_as_many_tokens_whatever_was_heard(encoder: SpatialEncoder, frames: int, slices: int) -> None:
    assert summary_of(encoder(maps(2, frames)), slices=slices).isfinite().all()


def test_summary_follows_the_tracks(encoder: SpatialEncoder) -> None:
    """Tracks that change places change their tokens' places and nothing else."""
    output = encoder(maps())
    order = [2, 0, 1]
    tracked = {"activity", "direction", "log_distance", "label"}
    turned = EncoderOutput(
        **{n: getattr(output, n)[:, :, order] if n in tracked else getattr(output, n) for n in FIELDS}
    )
    before, after = summary_of(output), summary_of(turned)
    torch.testing.assert_close(after[:, 1:4], before[:, 1:4][:, order])
    torch.testing.assert_close(after[:, 0], before[:, 0])


def test_summary_knows_the_time_of_its_start(encoder: SpatialEncoder) -> None:
    output = encoder(maps())
    assert not torch.allclose(summary_of(output, 0.0), summary_of(output, 4.0), atol=1e-3)
