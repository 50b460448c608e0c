"""The levels of the memory: a stream gives what the whole gives, gradients go far back, hours wear nothing out."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from spatial_lalm.memory.hierarchy import Hierarchy, HierarchyStream, MemoryConfig

CONFIG = MemoryConfig(
    size=16, heads=2, layers=2, segment_windows=3, segment_tokens=2, chapter_segments=4, chapter_tokens=2,
    recording_tokens=3, keys=8,
)  # fmt: skip
KINDS, FEATURES, WINDOW_S = (1, 2, 1), 5, 4.0


def hierarchy(seed: int = 0, **sizes: int) -> Hierarchy:
    torch.manual_seed(seed)
    return Hierarchy(MemoryConfig(**{**CONFIG.__dict__, **sizes}), FEATURES, KINDS).eval()


def windows(count: int, seed: int = 1, batch: int = 1) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randn(batch, count, sum(KINDS), FEATURES, generator=generator)
    return tokens, WINDOW_S * torch.arange(count).expand(batch, -1)


def streamed(model: Hierarchy, tokens: Tensor, starts: Tensor, blocks: list[int]) -> HierarchyStream:
    stream, at = HierarchyStream(model, WINDOW_S), 0
    for size in blocks:
        stream.push(tokens[0, at : at + size], starts[0, at : at + size].tolist())
        at += size
    stream.push(tokens[0, at:], starts[0, at:].tolist())
    stream.flush()
    return stream


@pytest.mark.parametrize(
    ("count", "segments", "chapters"), [(1, 1, 1), (3, 1, 1), (12, 4, 1), (13, 5, 2), (29, 10, 3), (36, 12, 3)]
)
def test_every_window_is_in_one_segment_and_every_segment_in_one_chapter(
    count: int, segments: int, chapters: int
) -> None:
    made = hierarchy()(*windows(count, batch=2))
    assert made.segments.shape == (2, segments, 2, 16)
    assert made.chapters.shape == (2, chapters, 2, 16)
    assert made.state.recording.shape == (2, 3, 16)
    assert made.state.open.shape[1] == 0


@pytest.mark.parametrize("count", [5, 29, 48])
@pytest.mark.parametrize("earlier_groups", [0, 1, 2])
def test_a_stream_gives_what_the_whole_gives(count: int, earlier_groups: int) -> None:
    model = hierarchy(earlier_groups=earlier_groups)
    tokens, starts = windows(count)
    with torch.no_grad():
        whole = model(tokens, starts)
    generator = torch.Generator().manual_seed(count)
    streams = [streamed(model, tokens, starts, torch.randint(0, 9, (n,), generator=generator).tolist())
               for n in (0, 3, 9)]  # fmt: skip
    for stream in streams:
        for rows, level in ((stream.segments, whole.segments), (stream.chapters, whole.chapters)):
            assert torch.allclose(torch.stack([row.tokens for row in rows]), level[0], atol=1e-5)
        assert torch.allclose(stream.recording, whole.state.recording[0], atol=1e-5)
        for row, other in zip(stream.segments, streams[0].segments, strict=True):
            assert row.tokens.equal(other.tokens)  # however they came, to the bit
        assert stream.recording.equal(streams[0].recording)
        assert [row.start_s for row in stream.segments] == [12.0 * n for n in range(len(stream.segments))]
        assert stream.segments[-1].end_s == stream.chapters[-1].end_s == count * WINDOW_S


def test_segments_one_by_one_are_those_of_the_whole() -> None:
    model = hierarchy()
    tokens, starts = windows(31)
    with torch.no_grad():
        whole, state, pieces = model(tokens, starts), None, []
        for first in range(0, 31, 3):
            there = slice(first, first + 3)
            piece = model(tokens[:, there], starts[:, there], state, last=first == 30)
            state = piece.state
            pieces.append(piece.segments)
    assert torch.allclose(torch.cat(pieces, 1), whole.segments, atol=1e-5)
    assert torch.allclose(state.recording, whole.state.recording, atol=1e-5)


def test_windows_that_fill_no_segment_wait() -> None:
    with pytest.raises(ValueError, match="4 windows fill no segments of 3"):
        hierarchy()(*windows(4), last=False)


def test_a_segment_sees_its_own_windows_the_segment_before_and_the_recording_alone() -> None:
    model = hierarchy()
    tokens, starts = windows(24)
    changed = tokens.clone()
    changed[:, 0] += 1.0  # in the first segment of the first chapter
    with torch.no_grad():
        before, after = model(tokens, starts).segments[0], model(changed, starts).segments[0]
    moved = [not torch.allclose(a, b, atol=1e-6) for a, b in zip(before, after, strict=True)]
    # Two blocks reach two segments on; the next chapter sees the recording, which has changed.
    assert moved == [True, True, True, False, True, True, True, True]


def test_gradients_go_back_over_chapters_until_they_are_cut() -> None:
    model = hierarchy()
    tokens, starts = windows(36)
    leaf = tokens.clone().requires_grad_()
    model(leaf, starts).segments[:, -1, :, 0].sum().backward()
    assert leaf.grad is not None
    assert leaf.grad[:, 0].abs().sum() > 0
    first = model(tokens[:, :12].clone().requires_grad_(), starts[:, :12], last=False)
    late = tokens[:, 12:].clone().requires_grad_()
    model(late, starts[:, 12:], first.state.detach()).segments[:, -1, :, 0].sum().backward()
    assert late.grad is not None
    assert late.grad[:, 0].abs().sum() > 0
    assert all(parameter.grad is not None for name, parameter in model.named_parameters() if "chapter" in name)


def test_hours_never_seen_leave_every_number_in_its_range() -> None:
    """A hundred chapters that are all alike, ten hours on: tokens neither grow nor vanish."""
    model = hierarchy(layers=1)
    minute, _ = windows(12)
    tokens = minute.repeat(1, 100, 1, 1)
    with torch.no_grad():
        made = model(tokens, 36_000 + WINDOW_S * torch.arange(1200)[None])
    norms = made.segments.norm(dim=-1)[0]
    assert torch.isfinite(norms).all()
    assert norms.max() / norms.min() < 2
    assert made.state.recording.norm(dim=-1).max() < 3 * model.update_norm(torch.randn(1, 16)).norm()


def test_the_time_is_heard() -> None:
    model = hierarchy()
    tokens, starts = windows(3)
    with torch.no_grad():
        early, late = model(tokens, starts).segments, model(tokens, starts + 3600.0).segments
    assert (early - late).abs().max() > 1e-2
