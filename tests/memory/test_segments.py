"""The lowest level of the memory: what a segment's tokens hold and what they must not depend on."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from spatial_lalm.audio.conventions import unit_vector
from spatial_lalm.memory.segments import (
    active_span,
    harmonics,
    pool_tracks,
    shifted,
    summarise,
    summary_size,
    track_readings,
)

FRAMES, HIDDEN, TRACKS, CLASSES, ROOM, SLICES = 40, 12, 3, 5, 10, 6
SHARED = 2 * 8 + 3  # harmonics of the start, quality of Y, Z, X


def encoded(segments: int = 2, seed: int = 0, frames: int = FRAMES, tracks: int = TRACKS) -> dict[str, Tensor]:
    """Random encoder output of segments, in the order that ``summarise`` takes it."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(segments, *shape, generator=generator)

    return {
        "hidden_BTH": normal(frames, HIDDEN),
        "activity_BTK": 3 * normal(frames, tracks),
        "direction_BTK3": normal(1, tracks, 3) + 0.2 * normal(frames, tracks, 3),
        "log_distance_BTK": normal(1, tracks) + 0.1 * normal(frames, tracks),
        "label_BTKL": normal(frames, tracks, CLASSES),
        "room_BR": normal(ROOM),
        "room_scale_BR": normal(ROOM).exp(),
        "start_B": 4.0 * torch.arange(segments),
        "quality_B3": torch.rand(segments, 3, generator=generator),
    }


def nearly_equal(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a, b, atol=1e-5)


# ---------------------------------------------------------------- shapes


@pytest.mark.parametrize(("segments", "frames", "tracks", "slices"), [(1, 40, 3, 6), (3, 7, 1, 2), (2, 1, 4, 6)])
def test_count_and_width_of_tokens_follow_from_the_sizes_alone(
    segments: int, frames: int, tracks: int, slices: int
) -> None:
    summary = summarise(**encoded(segments, frames=frames, tracks=tracks), slices=slices)
    tokens = 1 + tracks + slices
    assert summary.hidden.shape == (segments, tokens, HIDDEN)
    assert summary.numbers.shape == (segments, tokens, summary_size(tracks, CLASSES, ROOM))
    assert torch.isfinite(summary.numbers).all()


@pytest.mark.parametrize(("tracks", "classes", "room"), [(3, 17, 10), (3, 200, 10), (200, 1, 1), (1, 1, 30)])
def test_summary_size_fits_whichever_token_is_widest(tracks: int, classes: int, room: int) -> None:
    parts = encoded(1, tracks=tracks)
    parts |= {
        "label_BTKL": torch.zeros(1, FRAMES, tracks, classes),
        "room_BR": torch.zeros(1, room),
        "room_scale_BR": torch.ones(1, room),
    }
    assert summarise(**parts, slices=2).numbers.shape[-1] == summary_size(tracks, classes, room)


def test_gradients_reach_every_output_of_the_encoder() -> None:
    parts = encoded()
    leaves = {name: value.requires_grad_() for name, value in parts.items() if name not in ("start_B", "quality_B3")}
    summary = summarise(**(parts | leaves), slices=SLICES)
    weight = torch.randn(summary.numbers.shape, generator=torch.Generator().manual_seed(1))
    ((summary.numbers * weight).sum() + summary.hidden.square().sum()).backward()
    assert all(torch.isfinite(x.grad).all() and x.grad.abs().max() > 0 for x in leaves.values() if x.grad is not None)
    assert all(x.grad is not None for x in leaves.values())


# ---------------------------------------------------------------- harmonics


def test_harmonics_are_sines_and_cosines_of_their_periods() -> None:
    found = harmonics(torch.tensor([0.0, 0.5, 1.0]), (2.0, 4.0))
    h = math.sqrt(0.5)
    torch.testing.assert_close(found, torch.tensor([[0, 0, 1, 1], [1, h, 0, h], [0, 1, -1, 0]]), atol=1e-6, rtol=0)


def test_harmonics_tell_every_tenth_of_a_second_apart() -> None:
    """All times of a minute and a half on the grid of frames, each at a distance from all others."""
    times = torch.arange(1000) / 10
    digits = harmonics(times, tuple(0.8 * 2**k for k in range(8)))
    apart = torch.cdist(digits, digits) + 9.0 * torch.eye(1000)
    assert apart.min() > 0.5


def test_harmonics_of_nearby_values_are_near() -> None:
    periods = (0.8, 12.8)
    a, b, far = (harmonics(torch.tensor([t]), periods) for t in (3.0, 3.01, 3.4))
    assert (a - b).norm() < 0.1 < (a - far).norm()


# ---------------------------------------------------------------- tracks


def logits(*spans: tuple[int, int], frames: int = FRAMES) -> Tensor:
    """Activity ``(1, frames, tracks)``, sure of itself: +20 inside a track's span, -20 outside."""
    activity = torch.full((1, frames, len(spans)), -20.0)
    for track, (first, last) in enumerate(spans):
        activity[0, first:last, track] = 20.0
    return activity


def test_active_span_is_the_first_and_last_moment_of_sound() -> None:
    onset, offset = active_span(logits((5, 12), (0, 40), (39, 40)).sigmoid())
    torch.testing.assert_close(onset, torch.tensor([[0.5, 0.0, 3.9]]))
    torch.testing.assert_close(offset, torch.tensor([[1.2, 4.0, 4.0]]))


def test_active_span_reaches_over_gaps() -> None:
    activity = torch.maximum(logits((3, 6)), logits((20, 25)))
    onset, offset = active_span(activity.sigmoid())
    assert (onset.item(), offset.item()) == pytest.approx((0.3, 2.5))


def test_silent_track_spans_the_segment_and_is_not_present() -> None:
    onset, offset = active_span(logits((0, 0)).sigmoid())
    assert (onset.item(), offset.item()) == pytest.approx((0.0, 4.0))
    parts = encoded(1) | {"activity_BTK": logits((0, 0), (5, 12), (0, 40))}
    summary = summarise(**parts, slices=SLICES)
    presence = SHARED + 2 * 2 * 5 + 1 + 2 * 7 + CLASSES
    loudest, share = summary.numbers[0, 1:4, presence], summary.numbers[0, 1:4, presence + 1]
    torch.testing.assert_close(loudest, torch.tensor([0.0, 1.0, 1.0]))
    torch.testing.assert_close(share, torch.tensor([0.0, 7 / 40, 1.0]))
    assert torch.isfinite(summary.numbers).all()


def test_pooling_counts_the_frames_in_which_the_track_sounds() -> None:
    values = torch.zeros(1, FRAMES, 2, 1)
    values[0, 10:20, 0] = 1.0
    values[0, 10:20, 1] = 1.0
    pooled = pool_tracks(logits((10, 20), (10, 30)), values)[0, :, 0]
    torch.testing.assert_close(pooled, torch.tensor([1.0, 0.5]), atol=0.01, rtol=0)


def test_silent_track_pools_all_frames_evenly() -> None:
    values = torch.arange(FRAMES).float()[None, :, None, None]
    assert pool_tracks(logits((0, 0)), values).item() == pytest.approx((FRAMES - 1) / 2, rel=1e-4)


@pytest.mark.parametrize(("azimuth", "elevation"), [(0, 0), (75, 30), (-130, -45), (180, 10)])
def test_direction_is_written_as_harmonics_of_its_angles(azimuth: float, elevation: float) -> None:
    direction = torch.from_numpy(unit_vector(azimuth, elevation)).float()
    parts = encoded(1) | {"direction_BTK3": 0.7 * direction.expand(1, FRAMES, TRACKS, 3)}  # length says nothing
    numbers = summarise(**parts, slices=SLICES).numbers[0, 1, SHARED:]
    angle = torch.deg2rad(torch.tensor([azimuth, elevation], dtype=torch.float32))
    turns = torch.tensor([1.0, 2.0, 4.0, 8.0, 16.0])
    for start, value in zip((0, 10), angle, strict=True):
        expected = torch.cat([(turns * value).sin(), (turns * value).cos()])
        torch.testing.assert_close(numbers[start : start + 10], expected, atol=1e-3, rtol=0)


def test_permuted_tracks_permute_their_tokens_alone() -> None:
    parts, order = encoded(), [2, 0, 1]
    before = summarise(**parts, slices=SLICES)
    per_track = ("activity_BTK", "direction_BTK3", "log_distance_BTK", "label_BTKL")
    after = summarise(**(parts | {name: parts[name][:, :, order] for name in per_track}), slices=SLICES)
    tokens = [0, *(1 + track for track in order), *range(1 + TRACKS, 1 + TRACKS + SLICES)]
    assert nearly_equal(after.hidden, before.hidden[:, tokens])
    assert nearly_equal(after.numbers[:, : 1 + TRACKS], before.numbers[:, tokens[: 1 + TRACKS]])
    activity = slice(SHARED, SHARED + TRACKS)
    slices = before.numbers[:, 1 + TRACKS :, activity]
    assert nearly_equal(after.numbers[:, 1 + TRACKS :, activity], slices[..., order])


# ---------------------------------------------------------------- segments


def test_segments_do_not_hear_each_other() -> None:
    parts = encoded(3)
    whole = summarise(**parts, slices=SLICES)
    single = summarise(**{name: value[1:2] for name, value in parts.items()}, slices=SLICES)
    assert nearly_equal(whole.hidden[1:2], single.hidden)
    assert nearly_equal(whole.numbers[1:2], single.numbers)


def test_every_token_carries_the_start_and_the_quality() -> None:
    parts = encoded()
    numbers = summarise(**parts, slices=SLICES).numbers
    torch.testing.assert_close(numbers[:, :, 16:SHARED], parts["quality_B3"][:, None].expand(-1, numbers.shape[1], -1))
    shared = numbers[:, :, :16]
    assert torch.equal(shared, shared[:, :1].expand_as(shared))
    assert not nearly_equal(shared[0], shared[1])


def test_a_later_segment_differs_only_in_its_times() -> None:
    parts = encoded(1)
    early, late = (summarise(**(parts | {"start_B": torch.tensor([t])}), slices=SLICES) for t in (0.0, 8.0))
    assert torch.equal(early.hidden, late.hidden)
    assert torch.equal(early.numbers[:, :, 16 : SHARED + 20], late.numbers[:, :, 16 : SHARED + 20])
    times = slice(SHARED + 2 * 2 * 5 + 1 + 2 * 7 + CLASSES + 2, None)
    assert not nearly_equal(early.numbers[:, 1:4, times], late.numbers[:, 1:4, times])


def test_slices_follow_the_course_of_time() -> None:
    parts = encoded(1) | {"hidden_BTH": torch.arange(FRAMES).float()[None, :, None].expand(1, FRAMES, HIDDEN)}
    course = summarise(**parts, slices=4).hidden[0, 1 + TRACKS :, 0]
    torch.testing.assert_close(course, torch.tensor([4.5, 14.5, 24.5, 34.5]))


@pytest.mark.parametrize("later_s", [0.0, 4.0, 61.3])
def test_numbers_of_a_later_hearing(later_s: float) -> None:
    parts = encoded(segments=3)
    early = summarise(**parts, slices=SLICES).numbers
    late = summarise(**{**parts, "start_B": parts["start_B"] + later_s}, slices=SLICES).numbers
    assert torch.allclose(shifted(early, torch.full((3,), later_s), TRACKS, CLASSES), late, atol=1e-3)


# ---------------------------------------------------------------- reading back


def test_numbers_of_tracks_are_read_back() -> None:
    parts = encoded(4)
    read = track_readings(summarise(**parts, slices=SLICES).numbers, TRACKS, CLASSES)
    activity = parts["activity_BTK"]
    vectors = pool_tracks(activity, parts["direction_BTK3"])
    azimuth = torch.atan2(vectors[..., 1], vectors[..., 0]).rad2deg()
    elevation = torch.asin(torch.nn.functional.normalize(vectors, dim=-1)[..., 2]).rad2deg()
    torch.testing.assert_close(read.azimuth_deg, azimuth, atol=1e-3, rtol=0)
    torch.testing.assert_close(read.elevation_deg, elevation, atol=1e-3, rtol=0)
    torch.testing.assert_close(read.classes, pool_tracks(activity, parts["label_BTKL"]).softmax(-1))
    torch.testing.assert_close(read.presence, activity.sigmoid().amax(1))
