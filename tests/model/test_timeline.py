"""The timeline by hand: what goes on, who is who, ways every 100 ms, and rooms one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spatial_lalm.audio.conventions import unit_vector
from spatial_lalm.model.hearing import Stretch
from spatial_lalm.model.rooms import room_parts, smoothed
from spatial_lalm.model.timeline import Track, join_all, track_sources

CLASSES = ("speech", "dog_bark")


def stretch(start: float, end: float, azimuth: float, to: float | None = None, label: str = "speech") -> Stretch:
    """A stretch two metres away, on its way from an azimuth to another."""
    frames = round((end - start) * 10)
    ways = np.linspace(azimuth, azimuth if to is None else to, frames)
    directions = np.array([unit_vector(a, 0.0) for a in ways])
    path = np.column_stack([start + np.arange(frames) / 10, directions, np.full(frames, np.log(2.0)), np.ones(frames)])
    classes = np.eye(2)[CLASSES.index(label)]
    return Stretch(start, end, classes, directions.sum(0), float(np.log(2.0)), 0.9, path)


def timeline(stretches: list[Stretch], rooms: list[float] | None = None, spatial: Any = "full") -> list[Track]:
    """Windows of four seconds from stretches that each lie in one."""
    count = int(max(s.end_s for s in stretches) // 4) + 1
    windows = [(4.0 * n, [s for s in stretches if 4 * n <= s.start_s < 4 * n + 4]) for n in range(count)]
    return track_sources(join_all(windows, spatial), spatial, CLASSES, rooms or [0.0])


# ---------------------------------------------------------------- events


def test_what_touches_goes_on_across_windows() -> None:
    (track,) = timeline([stretch(1, 4, 30), stretch(4, 8, 32), stretch(8.3, 10, 30)])
    assert (track.evidence.start_s, track.evidence.end_s) == (1.0, 10.0)
    assert len(track.active) == 90


@pytest.mark.parametrize("second", [stretch(7, 8, 30), stretch(4, 8, 100), stretch(4, 8, 30, label="dog_bark")])
def test_a_pause_another_place_or_class_is_another_event(second: Stretch) -> None:
    assert len(timeline([stretch(1, 4, 30), second])) == 2


def test_a_walker_stays_one_event() -> None:
    steps = [stretch(4 * n, 4 * n + 4, 20 * n, 20 * n + 20) for n in range(12)]
    (track,) = timeline(steps)
    ahead = np.unwrap(np.radians(track.trajectory[:, 0]))
    assert np.degrees(ahead[-1] - ahead[0]) == pytest.approx(240, abs=15)
    assert (np.diff(ahead) > -1e-6).all()


def test_two_at_once_are_two_tracks() -> None:
    both = [s for n in range(3) for s in (stretch(4 * n, 4 * n + 4, 60), stretch(4 * n, 4 * n + 4, -60))]
    tracks = timeline(both)
    assert sorted(track.evidence.azimuth_deg or 0 for track in tracks) == pytest.approx([-60, 60], abs=1e-6)
    assert {len(track.active) for track in tracks} == {120}


def test_the_order_of_a_window_does_not_matter() -> None:
    stretches = [stretch(1, 3, 30), stretch(1.5, 4, -50), stretch(4, 6, 31), stretch(4, 7, -49)]
    told = [(t.evidence.start_s, t.source) for t in timeline(stretches)]
    assert [(t.evidence.start_s, t.source) for t in timeline(stretches[::-1])] == told


# ---------------------------------------------------------------- sources


def test_a_talker_who_speaks_again_from_there_is_the_same() -> None:
    turns = [stretch(0, 2, 30), stretch(8, 10, -60), stretch(600, 602, 34), stretch(1000, 1002, -58)]
    assert [track.source for track in timeline(turns)] == [0, 1, 0, 1]


def test_sources_differ_by_class_and_by_room() -> None:
    assert [t.source for t in timeline([stretch(0, 2, 30), stretch(8, 10, 30, label="dog_bark")])] == [0, 1]
    turns = [stretch(0, 2, 30), stretch(100, 102, 30)]
    assert [track.source for track in timeline(turns, [0.0, 50.0])] == [0, 1]
    assert [track.source for track in timeline(turns, [0.0, 200.0])] == [0, 0]


def test_a_source_is_looked_for_where_it_was_last() -> None:
    walk = [stretch(0, 4, 0, 60), stretch(20, 21, 62), stretch(30, 31, 2)]
    assert [track.source for track in timeline(walk)] == [0, 0, 1]


# ---------------------------------------------------------------- ways


def test_a_still_source_has_a_still_way() -> None:
    (track,) = timeline([stretch(1, 4, 30)])
    assert track.trajectory == pytest.approx(np.tile([30.0, 0.0, 2.0], (30, 1)), abs=1e-6)
    assert track.active.all()


def test_jitter_is_smoothed() -> None:
    noisy = stretch(0, 4, 30)
    shaken = np.array([unit_vector(30 + 20 * (-1) ** n, 0.0) for n in range(40)])
    noisy.path[:, 1:4] = shaken
    (track,) = timeline([noisy])
    assert np.abs(track.trajectory[5:-5, 0] - 30).max() < 1


@pytest.mark.parametrize(
    ("spatial", "known"), [("full", (1, 1)), ("planar", (1, 0)), ("lateral", (1, 0)), ("none", (0, 0))]
)
def test_what_the_channels_cannot_tell_is_nan(spatial: str, known: tuple[int, int]) -> None:
    (track,) = timeline([stretch(1, 3, 120)], spatial=spatial)
    assert tuple(np.isfinite(track.trajectory[0, :2]).astype(int)) == known
    if spatial == "lateral":
        assert track.trajectory[0, 0] == pytest.approx(60)  # as far from the median plane, as if in front


# ---------------------------------------------------------------- rooms

RNG = np.random.default_rng(0)


def windows(*rooms: tuple[int, float, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Starts, numbers, scales, seconds of sound of windows in rooms of (windows, T60, volume) one after the other."""
    values = np.zeros((sum(count for count, _, _ in rooms), 10))
    at = 0
    for count, t60, volume in rooms:
        values[at : at + count, 0], values[at : at + count, 9] = np.log(t60), np.log(volume)
        at += count
    values += RNG.normal(0, [0.08] * 9 + [0.3], values.shape)
    return 4.0 * np.arange(len(values)), values, np.full(values.shape, 0.1), np.full(len(values), 3.0)


def parts_of(*rooms: tuple[int, float, float]) -> list[Any]:
    starts, values, scales, sounding = windows(*rooms)
    return room_parts(starts, 4.0 * len(starts), values, scales, sounding)


@pytest.mark.parametrize("repeat", range(5))
def test_one_room_is_one_room(repeat: int) -> None:
    (part,) = parts_of((200, 0.5, 100.0))
    assert (part.start_s, part.end_s) == (0.0, 800.0)
    assert part.room.t60_s.value == pytest.approx(0.5, rel=0.05)


def test_rooms_one_after_the_other_are_told_apart() -> None:
    parts = parts_of((60, 0.3, 60.0), (20, 0.9, 60.0), (70, 0.3, 60.0), (50, 0.3, 600.0))
    assert [part.start_s for part in parts] == pytest.approx([0, 240, 320, 600], abs=8)
    assert [part.room.t60_s.value for part in parts] == pytest.approx([0.3, 0.9, 0.3, 0.3], rel=0.1)
    assert parts[3].room.volume_m3.value == pytest.approx(600, rel=0.3)


def test_a_small_step_is_no_other_room() -> None:
    assert len(parts_of((80, 0.5, 100.0), (80, 0.55, 120.0))) == 1


def test_silence_tells_of_no_room() -> None:
    starts, values, scales, sounding = windows((20, 0.5, 100.0))
    assert room_parts(starts, 80.0, values, scales, 0 * sounding) == []
    sounding[:10] = 0.0
    values[:10] = 5.0  # what is estimated of silence counts nothing
    (part,) = room_parts(starts, 80.0, values, scales, sounding)
    assert part.room.t60_s.value == pytest.approx(0.5, rel=0.1)
    mean, spread = smoothed(values, scales, sounding, starts, [part])
    assert np.isnan(mean[:6]).all()
    assert np.isfinite(spread[8:]).all()
    assert np.exp(mean[10:, 0]) == pytest.approx(np.full(10, 0.5), rel=0.15)
