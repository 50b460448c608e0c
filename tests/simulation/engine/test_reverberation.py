"""The expected T60 against that of rendered responses, and walls that are made for one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spatial_lalm.audio.scene import Room
from spatial_lalm.simulation.acoustics import measure
from spatial_lalm.simulation.engine.paths import Path, decay_times
from spatial_lalm.simulation.engine.render import render_responses
from spatial_lalm.simulation.engine.reverberation import WALLS, clad, expected_t60
from spatial_lalm.simulation.receivers import ambisonic_receiver
from spatial_lalm.simulation.recipe import RoomRecipe, SourceRecipe
from spatial_lalm.simulation.room import polygon_room, sample_receiver, sample_room, sample_source

RATE = 16_000
ROOM = Room((6.0, 5.0, 3.0), (0.2, 0.35, 0.25, 0.3, 0.15, 0.4), scattering=0.7)
L_SHAPE = ((0.0, 0.0), (7.0, 0.0), (7.0, 3.0), (3.0, 3.0), (3.0, 6.0), (0.0, 6.0))


def labels_over_asked(t60_s: tuple[float, float], count: int) -> tuple[np.ndarray, np.ndarray]:
    """T60 that labels have, and that over the one asked for, of random rooms and places."""
    labels, asked = [], []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        wanted = float(np.exp(rng.uniform(*np.log(t60_s))))
        room = sample_room(rng, RoomRecipe((wanted, 1.0001 * wanted), outdoors_share=0.0))
        receiver = sample_receiver(rng, room)
        path = Path(room, sample_source(rng, room, receiver, SourceRecipe(nearest_m=0.3)), receiver, seed=seed)
        response = render_responses([path], ambisonic_receiver(1), RATE)[0]
        labels.append(measure(response.omni, response.direct_sample, RATE).t60_s)
        asked.append(wanted)
    return np.array(labels), np.array(labels) / np.array(asked)


@pytest.mark.parametrize(("t60_s", "off"), [((0.1, 0.3), 1.4), ((0.2, 1.0), 1.2)])
def test_labels_have_the_reverberation_time_asked_for(t60_s: tuple[float, float], off: float) -> None:
    """Dry closets ring in modes for longer than energies tell."""
    labels, ratio = labels_over_asked(t60_s, 40)
    assert np.median(ratio) == pytest.approx(1.0, abs=0.08)
    within = (labels > t60_s[0] / 1.1) & (labels < t60_s[1] * 1.1)
    assert np.mean(within) >= 0.95
    assert np.quantile(np.abs(np.log(ratio)), 0.8) < np.log(off)


@pytest.mark.parametrize("scattering", [0.0, 1.0])
@pytest.mark.parametrize("tilt", [-0.25, 0.35])
def test_expected_time_is_that_of_responses_where_eyring_is_far_off(scattering: float, tilt: float) -> None:
    room = replace(ROOM, absorption=(0.08, 0.08, 0.08, 0.08, 0.5, 0.5), scattering=scattering, tilt=tilt)
    rng = np.random.default_rng(0)
    paths = [Path(room, *rng.uniform(0.5, np.array(room.dimensions_m) - 0.5, (2, 3)), seed=seed) for seed in range(8)]
    found = [measure(r.omni, r.direct_sample, RATE).t60_s for r in render_responses(paths, ambisonic_receiver(1), RATE)]
    assert expected_t60(room) == pytest.approx(np.median(found), rel=0.07)
    assert decay_times(room)[3] != pytest.approx(np.median(found), rel=0.1)


def test_mirrored_and_larger_rooms_decay_as_they_must() -> None:
    """Lengths twice as long at the same walls: twice the time, but for the air's share."""
    x0, x1, y0, y1, z0, z1 = ROOM.absorption
    mirrored = replace(ROOM, absorption=(x1, x0, y1, y0, z1, z0))
    assert expected_t60(mirrored) == pytest.approx(expected_t60(ROOM), rel=1e-9)
    larger = replace(ROOM, dimensions_m=(12.0, 10.0, 6.0))
    assert 1.5 < expected_t60(larger) / expected_t60(ROOM) < 2.05


def test_floors_with_corners_decay_by_eyring_in_every_band() -> None:
    room = polygon_room(L_SHAPE, 3.0, (0.2,) * 8)
    assert min(decay_times(room)) < expected_t60(room) < max(decay_times(room))


def test_open_air_never_ends() -> None:
    assert expected_t60(Room((9.0, 9.0, 9.0), (1.0, 1.0, 1.0, 1.0, 0.1, 1.0))) == np.inf


@pytest.mark.parametrize("t60_s", [0.15, 0.4, 1.5])
def test_walls_are_made_for_a_time_and_keep_their_order(t60_s: float) -> None:
    room = clad(ROOM, t60_s)
    assert room is not None
    assert expected_t60(room) == pytest.approx(t60_s, rel=0.006)
    assert np.argsort(room.absorption).tolist() == np.argsort(ROOM.absorption).tolist()
    assert replace(room, absorption=ROOM.absorption) == ROOM


@pytest.mark.parametrize("t60_s", [0.02, 30.0])
def test_times_that_no_walls_give_are_not_made_up(t60_s: float) -> None:
    assert clad(ROOM, t60_s) is None
    assert expected_t60(replace(ROOM, absorption=(WALLS[1],) * 6)) > 0.02
