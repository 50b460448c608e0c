"""Streaming equals offline: whatever the blocks are, the windows, their features and what is heard are the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spatial_lalm.audio.features import RATE
from spatial_lalm.model.hearing import read_scene
from spatial_lalm.model.loading import SpatialLalm
from spatial_lalm.model.processing import FRAME
from spatial_lalm.model.streaming import CONTEXT, HeardWindow, Window, WindowStream, hear_windows, windows_in
from spatial_lalm.model.views import axis_views, hear_from_all_sides

RNG = np.random.default_rng(0)
QUALITY = np.ones((4, 64), np.float32)


def noise(samples: int, channels: int = 4) -> np.ndarray:
    return np.random.default_rng(samples).normal(0, 0.05, (channels, samples)).astype(np.float32)


def streamed(signals: np.ndarray, sizes: list[int]) -> list[Window]:
    stream, done, start = WindowStream(), [], 0
    for size in [*sizes, signals.shape[1]]:
        done += stream.push(signals[:, start : start + size])
        start += size
    return done + stream.flush()


def same(one: list[Window], other: list[Window]) -> bool:
    assert len(one) == len(other)
    return all(
        (a.number, a.first, a.skipped) == (b.number, b.first, b.skipped) and np.array_equal(a.signals, b.signals)
        for a, b in zip(one, other, strict=True)
    )


# ---------------------------------------------------------------- windows


@given(st.integers(1, 13 * RATE), st.lists(st.integers(0, 50_000), max_size=30))
def test_blocks_of_any_size_give_the_same_windows(samples: int, sizes: list[int]) -> None:
    signals = noise(samples, channels=1)
    windows = streamed(signals, sizes)
    assert same(windows, streamed(signals, []))
    assert len(windows) == windows_in(samples)


@pytest.mark.parametrize("samples", [100, 8_000, 40_000, 64_000, 64_001, 65_600, 128_000, 130_000, 197_777])
def test_features_are_those_of_the_whole_recording(tiny_model: SpatialLalm, samples: int) -> None:
    signals = noise(samples)
    offline = tiny_model.processor.listen(signals)
    windows = streamed(signals, [5_000, 70_000, 3])
    assert [w.first * FRAME / RATE for w in windows] == pytest.approx(offline["start_s"].tolist())
    assert torch.equal(torch.stack([w.features(1) for w in windows]), offline["input_features"])


def test_a_frame_is_known_once() -> None:
    windows = streamed(noise(9 * RATE), [])
    known = [frame for w in windows for frame in range(w.first + w.skipped, w.first + w.frames)]
    assert known == list(range(90))


def test_a_window_waits_for_little_more_than_itself() -> None:
    stream = WindowStream()
    assert stream.push(noise(4 * RATE)) == []
    assert [w.number for w in stream.push(noise(RATE // 5))] == [0]


def test_memory_does_not_grow() -> None:
    stream = WindowStream()
    held = []
    for _ in range(30):
        stream.push(noise(2 * RATE))
        assert stream._buffer is not None
        held.append(stream._buffer.shape[1])
    assert max(held) <= 2 * 4 * RATE + 2 * RATE + CONTEXT + RATE


@pytest.mark.parametrize("number", [1, 2, 5])
def test_a_stream_may_begin_in_the_middle(number: int) -> None:
    signals = noise(27 * RATE + 321)
    origin = (number - 1) * 4 * RATE
    stream = WindowStream(origin=origin, number=number)
    later = stream.push(signals[:, origin : origin + 50_000]) + stream.push(signals[:, origin + 50_000 :])
    assert same(later + stream.flush(), streamed(signals, [])[number:])


# ---------------------------------------------------------------- hearing


def heard(model: SpatialLalm, windows: list[Window]) -> list[HeardWindow]:
    return hear_windows(model, windows, QUALITY, views=2, offset_s=0.0)


def test_what_is_heard_equals_offline(tiny_model: SpatialLalm, sound: np.ndarray) -> None:
    signals = np.tile(sound, 2)[:, : 9 * RATE]
    inputs = tiny_model.processor.listen(signals)
    with torch.inference_mode():
        output = hear_from_all_sides(
            tiny_model.model.audio_tower, inputs["input_features"], inputs["quality"], axis_views(2)
        )
    windows = heard(tiny_model, streamed(signals, [12_345] * 9))
    np.testing.assert_array_equal([w.room[:9] for w in windows], output.room[:, :9].double())
    scene = read_scene(output, inputs["start_s"].tolist(), "full", tuple(tiny_model.model.config.audio_config.classes))
    spans = sorted((s.start_s, s.end_s) for w in windows for s in w.stretches)
    assert min(start for start, _ in spans) == pytest.approx(min(e.start_s for e in scene.events))
    assert max(end for _, end in spans) == pytest.approx(max(e.end_s for e in scene.events))


def test_random_blocks_are_heard_alike_to_the_bit(tiny_model: SpatialLalm, sound: np.ndarray) -> None:
    signals = np.tile(sound, 2)
    whole = heard(tiny_model, streamed(signals, []))
    blocks = heard(tiny_model, streamed(signals, RNG.integers(1, 40_000, 40).tolist()))
    for one, other in zip(whole, blocks, strict=True):
        for name in ("room", "room_scale", "level_db", "hidden", "numbers"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert len(one.stretches) == len(other.stretches)
        for a, b in zip(one.stretches, other.stretches, strict=True):
            np.testing.assert_array_equal(a.path, b.path)
            assert (a.start_s, a.log_distance) == (b.start_s, b.log_distance)


def test_listening_again_sets_the_mean_distance(tiny_model: SpatialLalm, sound: np.ndarray) -> None:
    (window, *_) = heard(tiny_model, streamed(sound, []))
    for stretch in window.stretches:
        weight = stretch.path[:, 5] ** 2
        assert weight @ stretch.path[:, 4] / weight.sum() == pytest.approx(stretch.log_distance)


def test_level_of_a_full_scale_square_wave_is_zero(tiny_model: SpatialLalm) -> None:
    signals = np.zeros((4, 2 * RATE), np.float32)
    signals[0] = np.where(np.arange(2 * RATE) // 20 % 2, 1.0, -1.0)
    (window,) = heard(tiny_model, streamed(signals, []))
    assert window.level_db == pytest.approx(np.zeros(20), abs=1e-6)
