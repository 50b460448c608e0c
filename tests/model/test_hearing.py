"""Events and room from the encoder's output, written by hand: runs, windows, folding of angles, fusion."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from spatial_lalm.audio.conventions import unit_vector
from spatial_lalm.model.encoder import EncoderOutput
from spatial_lalm.model.hearing import Heard, read_scene, spatial_kind

CLASSES = ("speech", "dog_bark", "rain")
FRAMES, TRACKS = 40, 3


class Stage:
    """Encoder output of windows of four seconds in which nothing sounds until ``sound`` is told."""

    def __init__(self, windows: int = 1) -> None:
        self.output = EncoderOutput(
            hidden=torch.zeros(windows, FRAMES, 8),
            activity=torch.full((windows, FRAMES, TRACKS), -6.0),
            direction=torch.tensor([1.0, 0.0, 0.0]).repeat(windows, FRAMES, TRACKS, 1),
            log_distance=torch.zeros(windows, FRAMES, TRACKS),
            label=torch.zeros(windows, FRAMES, TRACKS, len(CLASSES)),
            room=torch.zeros(windows, 10),
            room_scale=torch.ones(windows, 10),
            count=torch.zeros(windows, 4),
        )

    def sound(
        self,
        window: int,
        frames: slice,
        label: str = "speech",
        azimuth: float = 0.0,
        elevation: float = 0.0,
        track: int = 0,
        distance: float = 2.0,
        logit: float = 6.0,
    ) -> Stage:
        self.output.activity[window, frames, track] = logit
        self.output.direction[window, frames, track] = torch.from_numpy(unit_vector(azimuth, elevation)).float()
        self.output.log_distance[window, frames, track] = float(np.log(distance))
        self.output.label[window, frames, track, CLASSES.index(label)] = 10.0
        return self

    def heard(self, starts: list[float] | None = None, spatial: Any = "full") -> Heard:
        return read_scene(self.output, starts or [0.0], spatial, CLASSES)


# ---------------------------------------------------------------- events


def test_silence_has_no_events_but_a_room() -> None:
    heard = Stage().heard()
    assert heard.events == ()
    assert heard.room.t60_s.value == pytest.approx(1.0)


def test_one_run_is_one_event_with_its_place() -> None:
    (event,) = Stage().sound(0, slice(5, 20), "dog_bark", azimuth=130, elevation=-20, distance=3.0).heard().events
    assert (event.label, event.start_s, event.end_s) == ("dog_bark", 0.5, 2.0)
    assert event.azimuth_deg == pytest.approx(130, abs=1e-3)
    assert event.elevation_deg == pytest.approx(-20, abs=1e-3)
    assert event.distance_m == pytest.approx(3.0, rel=1e-3)
    assert 0.9 < event.confidence <= 1.0


def test_direction_is_a_mean_over_the_circle() -> None:
    stage = Stage().sound(0, slice(0, 10), azimuth=170).sound(0, slice(10, 20), azimuth=-170)
    (event,) = stage.heard().events
    assert abs(event.azimuth_deg or 0) == pytest.approx(180, abs=0.5)


def test_start_of_the_window_counts() -> None:
    (event,) = Stage().sound(0, slice(5, 20)).heard([100.0]).events
    assert (event.start_s, event.end_s) == pytest.approx((100.5, 102.0))


@pytest.mark.parametrize(("gap", "events"), [(1, 1), (4, 1), (5, 2), (12, 2)])
def test_gaps_of_at_most_four_frames_are_closed(gap: int, events: int) -> None:
    stage = Stage().sound(0, slice(2, 10)).sound(0, slice(10 + gap, 20 + gap))
    assert len(stage.heard().events) == events


@pytest.mark.parametrize(("frames", "logit"), [(1, 6.0), (20, 0.3), (20, -0.5)])
def test_too_short_or_never_sure_is_no_event(frames: int, logit: float) -> None:
    """0.3 is a probability of 57 %: above the edge of a run, below the peak that makes it an event."""
    assert Stage().sound(0, slice(5, 5 + frames), logit=logit).heard().events == ()


def test_a_doubtful_edge_belongs_to_a_sure_event() -> None:
    (event,) = Stage().sound(0, slice(5, 20)).sound(0, slice(20, 25), logit=0.0).heard().events
    assert event.end_s == pytest.approx(2.5)


# ---------------------------------------------------------------- windows


def test_event_across_two_windows_is_one_even_on_another_track() -> None:
    stage = Stage(2).sound(0, slice(25, 40), azimuth=40).sound(1, slice(0, 10), azimuth=50, track=2)
    (event,) = stage.heard([0.0, 4.0]).events
    assert (event.start_s, event.end_s) == pytest.approx((2.5, 5.0))
    assert 40 < (event.azimuth_deg or 0) < 50


@pytest.mark.parametrize("change", [{"label": "rain"}, {"azimuth": 100.0}])
def test_another_class_or_direction_is_another_event(change: dict[str, Any]) -> None:
    stage = Stage(2).sound(0, slice(25, 40), azimuth=40)
    stage.sound(1, slice(0, 10), **{"azimuth": 40.0, **change})
    assert len(stage.heard([0.0, 4.0]).events) == 2


def test_overlap_of_the_last_window_is_told_once() -> None:
    """Windows at 0 and 1 s: a sound from 2 to 3 s is in both."""
    stage = Stage(2).sound(0, slice(20, 30)).sound(1, slice(10, 20)).sound(1, slice(32, 38), "rain", azimuth=-90)
    events = sorted(stage.heard([0.0, 1.0]).events, key=lambda event: event.start_s)
    assert [(e.label, round(e.start_s, 3), round(e.end_s, 3)) for e in events] == [
        ("speech", 2.0, 3.0),
        ("rain", 4.2, 4.8),
    ]


def test_event_that_runs_on_in_the_overlap_is_one_and_keeps_its_length() -> None:
    stage = Stage(2).sound(0, slice(20, 40)).sound(1, slice(10, 36))
    (event,) = stage.heard([0.0, 1.0]).events
    assert (event.start_s, event.end_s) == pytest.approx((2.0, 4.6))


def test_the_seam_of_the_last_window_is_where_the_one_before_it_ends() -> None:
    """Windows at 0, 4 and 6 s: the last is heard from 8 s on, and a pause of half a second there is closed."""
    stage = Stage(3).sound(1, slice(10, 35)).sound(2, slice(20, 40))
    (event,) = stage.heard([0.0, 4.0, 6.0]).events
    assert (event.start_s, event.end_s) == pytest.approx((5.0, 10.0))


def test_two_tracks_on_one_source_are_one_event() -> None:
    stage = Stage().sound(0, slice(5, 20), azimuth=30).sound(0, slice(6, 22), azimuth=35, track=1)
    (event,) = stage.heard().events
    assert (event.start_s, event.end_s) == pytest.approx((0.5, 2.2))


def test_the_most_salient_comes_first() -> None:
    stage = Stage().sound(0, slice(0, 5), "rain").sound(0, slice(5, 39), "speech", azimuth=90, track=1)
    assert [event.label for event in stage.heard().events] == ["speech", "rain"]


def test_tracks_in_another_order_give_the_same_events() -> None:
    places = [("speech", 40.0), ("dog_bark", -80.0), ("rain", 170.0)]

    def heard(order: list[int]) -> Heard:
        stage = Stage()
        for (label, azimuth), track in zip(places, order, strict=True):
            stage.sound(0, slice(3 + 2 * len(label), 36), label, azimuth, track=track)
        return stage.heard()

    assert heard([0, 1, 2]).events == heard([2, 0, 1]).events


# ---------------------------------------------------------------- what the channels can tell


@pytest.mark.parametrize(
    ("trusted", "kind"),
    [((1, 1, 1), "full"), ((1, 0, 1), "planar"), ((1, 0, 0), "lateral"), ((0, 0, 0), "none"), ((0, 1, 1), "none")],
)
def test_kind_follows_the_quality_of_the_channels(trusted: tuple[int, int, int], kind: str) -> None:
    quality = np.ones((4, 64), np.float32)
    quality[1:] = np.array(trusted)[:, None]
    assert spatial_kind(quality) == kind


@pytest.mark.parametrize(
    ("spatial", "azimuth", "elevation"),
    [("full", 150.0, 20.0), ("planar", 150.0, None), ("lateral", 28.0, None), ("none", None, None)],
)
def test_angles_that_cannot_be_heard_are_none(spatial: str, azimuth: float | None, elevation: float | None) -> None:
    """To a pair of ears 150 degrees and 20 up is arcsin(sin 150 cos 20) = 28 degrees to the left."""
    (event,) = Stage().sound(0, slice(0, 20), azimuth=150, elevation=20).heard(spatial=spatial).events
    assert event.azimuth_deg == (azimuth if azimuth is None else pytest.approx(azimuth, abs=0.1))
    assert event.elevation_deg == (elevation if elevation is None else pytest.approx(elevation, abs=0.1))


def test_without_direction_one_class_is_one_event() -> None:
    stage = Stage(2).sound(0, slice(25, 40), azimuth=40).sound(1, slice(0, 10), azimuth=-140)
    assert len(stage.heard([0.0, 4.0], "none").events) == 1


@pytest.mark.parametrize(("spatial", "events"), [("full", 2), ("planar", 1), ("lateral", 1), ("none", 1)])
def test_tracks_that_differ_only_in_what_is_not_told_are_one_event(spatial: str, events: int) -> None:
    """20 and 80 degrees up at the front: height is for full channels alone."""
    stage = Stage().sound(0, slice(5, 20), elevation=-20).sound(0, slice(5, 20), elevation=40, track=1)
    assert len(stage.heard(spatial=spatial).events) == events


@pytest.mark.parametrize(("first", "last", "events"), [(37, 4, 1), (36, 5, 1), (33, 1, 2), (38, 7, 2)])
def test_what_goes_on_across_a_border_is_one_event(first: int, last: int, events: int) -> None:
    """Frames that a window misses before its end and after its start: up to half a second each."""
    stage = Stage(2).sound(0, slice(10, first)).sound(1, slice(last, 30))
    assert len(stage.heard([0.0, 4.0]).events) == events


def test_the_side_is_told_where_it_can_be() -> None:
    stage = Stage().sound(0, slice(0, 20), azimuth=150, elevation=20)
    assert [stage.heard(spatial=s).events[0].side for s in ("full", "lateral", "none")] == ["left", "left", None]


# ---------------------------------------------------------------- room


def test_room_is_in_plain_units() -> None:
    stage = Stage()
    stage.output.room[0] = torch.tensor([*np.log([0.5, *(0.6,) * 6]), 0.3, 1.1, np.log(80.0)])
    stage.output.room_scale[:] = 0.1
    room = stage.heard().room
    assert room.t60_s.value == pytest.approx(0.5, rel=1e-4)
    assert [band.value for band in room.t60_bands_s] == pytest.approx([0.6] * 6, rel=1e-4)
    assert (room.drr_db.value, room.c50_db.value) == pytest.approx((3.0, 11.0), rel=1e-4)
    assert (room.drr_db.uncertainty, room.c50_db.uncertainty) == pytest.approx((1.0, 1.0), rel=1e-4)
    assert room.volume_m3.value == pytest.approx(80.0, rel=1e-4)
    assert room.volume_m3.uncertainty == pytest.approx(80.0 * np.expm1(0.1), rel=1e-4)


def test_windows_agree_on_a_room_by_their_precision() -> None:
    """Scales 0.1 and 0.2: the first window weighs four times as much."""
    stage = Stage(2)
    stage.output.room[:, 7] = torch.tensor([0.0, 1.0])
    stage.output.room_scale[:, 7] = torch.tensor([0.1, 0.2])
    room = stage.heard([0.0, 4.0]).room
    assert room.drr_db.value == pytest.approx(2.0, rel=1e-4)
    assert room.drr_db.uncertainty == pytest.approx(10 * (4 * 0.1 + 0.2) / 5, rel=1e-4)


def test_a_vague_room_has_a_finite_uncertainty() -> None:
    stage = Stage()
    stage.output.room_scale[:] = float(np.exp(3))
    room = stage.heard().room
    assert np.isfinite([room.t60_s.uncertainty, room.volume_m3.uncertainty]).all()
