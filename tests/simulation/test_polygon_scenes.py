"""Rooms over outlines as the rest of the simulator sees them: scenes, decay times, and the engine that refuses them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from spatial_lalm.audio.scene import Scene
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.engine.moving import knot_count, render_moving
from spatial_lalm.simulation.engine.paths import Path, decay_times
from spatial_lalm.simulation.engine.render import render_responses
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.receivers import named_receiver
from spatial_lalm.simulation.recipe import ReceiverRecipe, RoomRecipe, SceneRecipe, SourceRecipe
from spatial_lalm.simulation.room import inside, polygon_room, sees
from spatial_lalm.simulation.sampling import render_scene

LIBRARY = SourceLibrary.builtin(espeak=False)
L_SHAPE = ((0.0, 0.0), (7.0, 0.0), (7.0, 3.0), (4.0, 3.0), (4.0, 6.0), (0.0, 6.0))
TRAPEZOID = ((0.0, 0.0), (6.0, 0.0), (5.0, 4.0), (1.0, 4.0))  # as many walls as a shoebox has


def recipe(moving_share: float) -> SceneRecipe:
    return SceneRecipe(
        duration_s=2.0,
        engine="pyroomacoustics",
        rooms=RoomRecipe(
            t60_s=(0.2, 0.4), dwellings_m3=(20.0, 80.0), dwelling_share=1.0, outdoors_share=0.0, polygon_share=1.0
        ),
        sources=SourceRecipe(
            counts=(0.0, 0.0, 1.0), event_s=(0.5, 1.0), moving_share=moving_share, conversation_share=0.0
        ),
        receivers=ReceiverRecipe(carried_share=1.0, turning_share=0.0),
    )


def position_of(scene: Scene, azimuth: float, elevation: float, distance: float) -> np.ndarray:
    level = distance * math.cos(math.radians(elevation))
    offset = [
        level * math.cos(math.radians(azimuth)),
        level * math.sin(math.radians(azimuth)),
        distance * math.sin(math.radians(elevation)),
    ]
    return np.array(scene.receiver_m) + np.array(offset)


@pytest.mark.parametrize(("moving_share", "seed"), [(0.0, 0), (0.0, 1), (1.0, 2)])
def test_scene_over_an_outline_has_labels_that_its_floor_allows(moving_share: float, seed: int) -> None:
    samples, scene = render_scene(recipe(moving_share), LIBRARY, seed)
    assert np.isfinite(samples).all()
    assert len(scene.room.corners_m) >= 4
    assert 20 < scene.room.volume_m3 < 80
    assert Scene.from_json(scene.to_json()).room == scene.room
    assert scene.acoustics is not None
    assert 0.1 < scene.acoustics.t60_s < 1.0
    assert len(scene.events) == 2
    assert all(len(event.trajectory) > 1 for event in scene.events) == bool(moving_share)
    for event in scene.events:
        places = np.array([position_of(scene, *step) for step in event.trajectory])
        assert inside(scene.room, places)
        assert sees(scene.room, places, np.array(scene.receiver_m))


def test_scene_over_an_outline_is_the_same_again() -> None:
    first, again = (render_scene(recipe(0.0), LIBRARY, 4)[0] for _ in range(2))
    assert first.tobytes() == again.tobytes()


def test_decay_time_is_eyrings_over_the_real_floor() -> None:
    """99 m3 and 144 m2 by hand."""
    expected = 24 * math.log(10) / 343.0 * 99 / (-144 * math.log(1 - 0.2))
    assert decay_times(polygon_room(L_SHAPE, 3.0, (0.2,) * 8))[2] == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("corners", [L_SHAPE, TRAPEZOID])
def test_image_engine_refuses_outlines(corners: tuple[tuple[float, float], ...]) -> None:
    room = polygon_room(corners, 3.0, (0.2,) * (len(corners) + 2))
    path = Path(room, np.array([3.0, 2.0, 1.5]), np.array([2.0, 1.0, 1.5]))
    with pytest.raises(InputError, match="--engine pyroomacoustics"):
        render_responses([path], named_receiver("foa"))
    with pytest.raises(InputError, match="--engine pyroomacoustics"):
        render_moving(np.zeros(1600, np.float32), [path] * knot_count(1600, 16_000), named_receiver("foa"))


def test_image_engine_refuses_scenes_with_outlines() -> None:
    rooms, sources = RoomRecipe(polygon_share=1.0, outdoors_share=0.0), SourceRecipe(counts=(0.0, 1.0))
    with pytest.raises(InputError, match="--engine pyroomacoustics"):
        render_scene(SceneRecipe(duration_s=1.0, rooms=rooms, sources=sources), SourceLibrary.builtin(espeak=False), 0)


def test_both_engines_render_the_same_scene_alike() -> None:
    """One source at rest in a shoebox: the same labels, but for how the late field decays."""
    found = []
    for engine in ("images", "pyroomacoustics"):
        rooms = RoomRecipe(t60_s=(0.3, 0.4), dwelling_share=1.0, outdoors_share=0.0, scattering=(0.0, 0.1))
        sources = SourceRecipe(counts=(0.0, 1.0), moving_share=0.0, conversation_share=0.0, directed_share=0.0)
        still = ReceiverRecipe(carried_share=0.0, turning_share=0.0)
        both = SceneRecipe(duration_s=3.0, engine=engine, rooms=rooms, sources=sources, receivers=still)
        found.append(render_scene(both, LIBRARY, 3)[1])
    ours, theirs = (scene.acoustics for scene in found)
    assert ours is not None
    assert theirs is not None
    assert found[0].events[0].trajectory == found[1].events[0].trajectory
    assert theirs.t60_s == pytest.approx(ours.t60_s, rel=0.15)
    assert theirs.drr_db == pytest.approx(ours.drr_db, abs=1.0)
    assert theirs.c50_db == pytest.approx(ours.c50_db, abs=1.5)
