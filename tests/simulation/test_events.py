"""One sound on its way through the room: its level, its labels in time and space, its voice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import angle_between, angles, unit_vector
from spatial_lalm.audio.scene import FRAME_S, Room
from spatial_lalm.simulation.acoustics import DIRECT_WINDOW_S
from spatial_lalm.simulation.engine.paths import SPEED_OF_SOUND, Path
from spatial_lalm.simulation.engine.render import render_responses
from spatial_lalm.simulation.events import Stage, render_sound
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.receivers import ambisonic_receiver, named_receiver
from spatial_lalm.simulation.recipe import SceneRecipe
from spatial_lalm.simulation.timeline import PlannedSound
from spatial_lalm.simulation.trajectories import ReceiverMotion, Trajectory

Floats = NDArray[np.floating[Any]]
RATE = 16_000
FIELD = Room((160.0, 160.0, 80.0), (1.0,) * 6)
Make = Callable[..., Stage]
ROOM = Room((8.0, 7.0, 3.0), (0.3,) * 6)


@pytest.fixture
def stage(bursts: SourceLibrary) -> Callable[..., Stage]:
    def make(room: Room = FIELD, receiver: Floats | None = None, **changes: Any) -> Stage:
        place = np.array(room.dimensions_m) / 2 if receiver is None else receiver
        motion = ReceiverMotion(Trajectory.rest(place))
        own = Stage(SceneRecipe(duration_s=10.0), bursts, room, ambisonic_receiver(1), motion, seed=5)
        return replace(own, **changes)

    return make


def planned(way: Trajectory, onset_s: float = 2.0, longest_s: float = 3.0, **changes: Any) -> PlannedSound:
    return replace(PlannedSound(longest_s, (0.0, 10.0), onset_s, way, 0.0), **changes)


def beside(scene: Stage, offset: tuple[float, float, float]) -> Trajectory:
    return Trajectory.rest(scene.motion.way.points[0] + np.array(offset))


# ---------------------------------------------------------------- levels


@pytest.mark.parametrize("ground", [0.05, 1.0])
def test_open_air_has_no_reverberation(ground: float, stage: Make) -> None:
    scene = stage(Room((160.0, 160.0, 80.0), (1.0, 1.0, 1.0, 1.0, ground, 1.0)), np.array([80.0, 80.0, 1.5]))
    found = render_sound(scene, planned(beside(scene, (4.0, 3.0, 0.3))), 1).acoustics
    assert np.isnan([found.t60_s, *found.t60_bands_s, found.edt_s, *found.edt_bands_s]).all()
    # The ground's image lies 5.99 m away and not 5.01 m: 2.9 ms late.
    reflection_db = 20 * np.log10(5.99 / 5.01) - 10 * np.log10(1 - ground) if ground < 1 else np.nan
    assert found.drr_db == pytest.approx(reflection_db, abs=0.2, nan_ok=True)
    assert np.isnan([found.c50_db, found.d50]).all()


@pytest.mark.parametrize("level_db", [-6.0, 0.0, 5.0])
@pytest.mark.parametrize("room", [FIELD, ROOM], ids=["field", "room"])
def test_level_is_that_of_w_while_the_source_sounds(room: Room, level_db: float, stage: Make) -> None:
    scene = stage(room)
    sound = render_sound(scene, planned(beside(scene, (1.0, 1.0, 0.2)), level_db=level_db), 1)
    power = np.mean(sound.wet[0, : 3 * RATE].astype(float) ** 2)
    assert 10 * np.log10(power) == pytest.approx(level_db, abs=0.05)


def test_level_of_the_direct_sound_is_that_of_its_part_of_the_response(stage: Make) -> None:
    """By sending the same dry sound through the direct window of the response alone."""
    scene = stage(ROOM)
    way = beside(scene, (1.8, -1.2, 0.3))
    sound = render_sound(scene, planned(way), 1)
    response = render_responses([Path(ROOM, way.points[0], scene.motion.way.points[0])], scene.receiver, RATE)[0]
    start, stop = (round(response.direct_sample + edge * RATE) for edge in DIRECT_WINDOW_S)
    share = np.sum(response.omni[start:stop] ** 2) / np.sum(response.omni**2)
    assert sound.direct_db == pytest.approx(10 * np.log10(share), abs=0.7)
    assert sound.acoustics.drr_db == pytest.approx(10 * np.log10(share / (1 - share)), abs=0.5)
    anechoic = stage()
    assert render_sound(anechoic, planned(beside(anechoic, (3.0, 1.0, 0.0))), 1).direct_db == pytest.approx(0, abs=0.05)


def test_peak_is_bounded_where_asked(stage: Make) -> None:
    scene = stage(peak=0.4)
    assert np.abs(render_sound(scene, planned(beside(scene, (1.0, 0.5, 0.0))), 1).wet).max() == pytest.approx(0.4)


# ---------------------------------------------------------------- time


@pytest.mark.parametrize("distance", [0.7, 10.0, 34.3])
def test_onset_includes_the_way_of_the_sound(distance: float, stage: Make) -> None:
    scene = stage()
    sound = render_sound(scene, planned(beside(scene, (0.0, distance, 0.0))), 1)
    assert sound.onset == 2 * RATE
    assert sound.dry_end_s == 5.0
    assert sound.event is not None
    assert sound.event.onset_s == pytest.approx(2.0 + distance / SPEED_OF_SOUND)
    first = int(np.argmax(np.abs(sound.wet[0]) > 0.05 * np.abs(sound.wet[0]).max()))
    assert 0 <= first / RATE - distance / SPEED_OF_SOUND < 0.004  # dry sounds fade in over 5 ms


def test_activity_is_that_of_the_dry_signal(stage: Make) -> None:
    """A second of sound, a second of rest 80 dB down, a second of sound; the room's reverberation changes nothing."""
    for room in (FIELD, ROOM):
        scene = stage(room)
        event = render_sound(scene, planned(beside(scene, (1.0, 1.0, 0.2))), 1).event
        assert event is not None
        assert event.active == (True,) * 10 + (False,) * 10 + (True,) * 10
        assert event.offset_s - event.onset_s == pytest.approx(3.0)


def test_what_lies_before_or_after_the_scene_is_no_event(stage: Make) -> None:
    """A sound that began before the scene is labelled from the scene's start, one that does not fit until its end."""
    scene = stage()
    way = beside(scene, (0.0, 3.43, 0.0))
    early, late = (render_sound(scene, planned(way, onset_s=onset), 1).event for onset in (-0.55, 8.5))
    assert early is not None
    assert late is not None
    assert 0 <= early.onset_s < FRAME_S
    assert early.active[:5] == (True,) * 4 + (False,)
    assert late.offset_s <= 10.0
    assert late.active == (True,) * 10
    assert render_sound(scene, planned(way, onset_s=9.995), 1).event is None
    assert render_sound(scene, planned(way, onset_s=-3.1), 1).event is None


def test_onset_is_drawn_within_the_window(stage: Make) -> None:
    """A sound of three seconds in a window from 4 to 10 s begins early enough for most of it to be heard."""
    scene = stage()
    way = beside(scene, (1.0, 1.0, 0.0))
    for window, least, most in (((4.0, 10.0), 4.0, 8.2), ((0.0, 10.0), -0.9, 8.2)):
        onsets = [
            render_sound(scene, replace(planned(way), onset_s=None, window_s=window), number).onset / RATE
            for number in range(25)
        ]
        assert least <= min(onsets)
        assert max(onsets) <= most
        assert max(onsets) - min(onsets) > 3.0


# ---------------------------------------------------------------- space


def test_what_stands_still_has_one_direction(stage: Make) -> None:
    scene = stage()
    event = render_sound(scene, planned(beside(scene, (-2.0, 1.0, 0.5))), 1).event
    assert event is not None
    azimuth, elevation = angles(np.array([-2.0, 1.0, 0.5]))
    assert event.trajectory == (pytest.approx((float(azimuth), float(elevation), np.sqrt(5.25))),)


def test_a_mover_is_told_every_frame_where_it_is_heard(stage: Make) -> None:
    """The label against the sound's own intensity, frame by frame, and against where the source was as it left."""
    scene = stage()
    centre = scene.motion.way.points[0]
    points = centre + np.array([[3.0, -2.0, 0.0], [-3.0, 4.0, 1.0]])
    way = Trajectory(np.array([2.0, 7.0]), points)
    sound = render_sound(scene, planned(way, longest_s=4.5), 1)
    event = sound.event
    assert event is not None
    assert len(event.trajectory) == len(event.active)
    speed = np.linalg.norm(points[1] - points[0]) / 5.0
    for number, (azimuth, elevation, distance) in enumerate(event.trajectory):
        middle = event.onset_s + (number + 0.5) * FRAME_S
        left = way.at(np.array([middle - distance / SPEED_OF_SOUND]))[0] - centre
        assert distance == pytest.approx(np.linalg.norm(left), abs=speed * 0.01)
        if event.active[number]:
            start = round((event.onset_s + number * FRAME_S) * RATE) - sound.onset
            part = sound.wet[:, start : start + 1600].astype(float)
            assert angle_between(part[[3, 1, 2]] @ part[0], unit_vector(azimuth, elevation)) < 1.5


def test_a_turning_receiver_hears_the_scene_turn_the_other_way(stage: Make) -> None:
    scene = stage()
    motion = ReceiverMotion(scene.motion.way, 30.0)
    sound = render_sound(replace(scene, motion=motion), planned(beside(scene, (2.0, 0.0, 0.0)), longest_s=3.0), 1)
    event = sound.event
    assert event is not None
    azimuths = np.array([azimuth for azimuth, _, _ in event.trajectory])
    np.testing.assert_allclose(np.diff(azimuths), -3.0, atol=1e-6)
    assert azimuths[0] == pytest.approx(-30.0 * (event.onset_s + 0.05))
    for number in (0, 5, 25):
        start = round((event.onset_s + number * FRAME_S) * RATE) - sound.onset
        part = sound.wet[:, start : start + 1600].astype(float)
        assert angle_between(part[[3, 1, 2]] @ part[0], unit_vector(azimuths[number], 0.0)) < 1.5


def test_a_carried_receiver_hears_the_source_pass(stage: Make) -> None:
    scene = stage()
    centre = scene.motion.way.points[0]
    way = Trajectory(np.array([0.0, 10.0]), centre + np.array([[-5.0, 0.0, 0.0], [5.0, 0.0, 0.0]]))
    event = render_sound(replace(scene, motion=ReceiverMotion(way)), planned(beside(scene, (0.0, 2.0, 0.0))), 1).event
    assert event is not None
    first, last = event.trajectory[0], event.trajectory[-1]
    assert first[2] > last[2]
    assert abs(first[0]) < abs(last[0])
    moment = event.onset_s + 0.05
    assert first[0] == pytest.approx(np.degrees(np.arctan2(2.0, 5.0 - moment)), abs=0.5)


def test_capsules_come_after_w(stage: Make) -> None:
    receiver = named_receiver("linear4")
    scene = stage(Room.open_air(0.1), np.array([80.0, 80.0, 1.5]))
    arrayed = replace(scene, receiver=receiver)
    assert arrayed.rows == 5
    ideal = render_sound(scene, planned(beside(scene, (2.0, 2.0, 0.0))), 1)
    sound = render_sound(arrayed, planned(beside(scene, (2.0, 2.0, 0.0))), 1)
    assert sound.wet.shape[0] == 5
    count = min(ideal.wet.shape[1], sound.wet.shape[1])
    np.testing.assert_allclose(sound.wet[0, :count], ideal.wet[0, :count], atol=1e-3 * np.abs(ideal.wet).max())
    assert ideal.event is not None
    assert sound.event == replace(ideal.event, acoustics=sound.acoustics)
    assert sound.acoustics.drr_db == pytest.approx(ideal.acoustics.drr_db, abs=0.1)


# ---------------------------------------------------------------- voices


def test_a_conversation_keeps_its_voices(stage: Make, voices: SourceLibrary) -> None:
    scene = stage(library=voices)
    turn = planned(beside(scene, (1.0, 1.0, 0.0)), onset_s=1.0, talker=7)
    for number in range(6):
        assert render_sound(scene, turn, number, speaker="ben").speaker == "ben"
        taken = {"ann", "ben"}
        free = render_sound(scene, turn, number, taken=taken)
        assert free.event is not None
        assert free.event.label == "speech"
        assert free.event.text == f"of {free.speaker}"
    assert render_sound(scene, turn, 3, taken={"ann", "ben"}).speaker not in ("ann", "ben")


def test_same_number_same_sound_other_number_other_sound(stage: Make) -> None:
    scene = stage()
    way = beside(scene, (1.0, 1.0, 0.0))
    first, again, other = (render_sound(scene, planned(way), number).wet for number in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first[:, :1000], other[:, :1000])
