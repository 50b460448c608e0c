"""Walls that are settled by trial: what scenes then measure, and which rooms are left alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spatial_lalm.audio.scene import Room
from spatial_lalm.simulation.acoustics import measure
from spatial_lalm.simulation.engine import settling
from spatial_lalm.simulation.engine.paths import Path
from spatial_lalm.simulation.engine.render import render_responses
from spatial_lalm.simulation.engine.reverberation import WALLS, clad
from spatial_lalm.simulation.engine.settling import TOLERANCE, settled
from spatial_lalm.simulation.receivers import ambisonic_receiver
from spatial_lalm.simulation.recipe import RoomRecipe, SourceRecipe
from spatial_lalm.simulation.room import sample_receiver, sample_room, sample_source

RATE = 16_000
LIVE = Room((6.0, 5.0, 3.0), (0.1,) * 6, scattering=0.5)
CLOSET = Room((1.6, 1.4, 2.2), (0.4,) * 6)


def paths_in(room: Room, count: int, seed: int = 0) -> list[Path]:
    rng = np.random.default_rng(seed)
    receiver = sample_receiver(rng, room)
    recipe = SourceRecipe(nearest_m=0.3)
    return [Path(room, sample_source(rng, room, receiver, recipe), receiver, seed=seed + i) for i in range(count)]


def label_s(paths: list[Path], order: int = 1) -> float:
    """Mean T60 in seconds as the labels of a scene have it."""
    found = render_responses(paths, ambisonic_receiver(order), RATE)
    return float(np.nanmean([measure(r.omni, r.direct_sample, RATE, r.direct).t60_s for r in found]))


@pytest.mark.parametrize(("t60_s", "missed", "left"), [(0.3, 0.15, 0.05), (0.5, 0.05, 0.05)])
def test_one_time_asked_for_is_what_labels_have(t60_s: float, missed: float, left: float) -> None:
    """Within 10 % of it, where an expectation alone is not in so many of the same places."""
    before, after = [], []
    for seed in range(40):
        room = sample_room(np.random.default_rng(seed), RoomRecipe((t60_s, t60_s), outdoors_share=0.0))
        paths = paths_in(room, 1 + seed % 3, seed)
        walls = settled(paths, (t60_s, t60_s), RATE)
        before.append(label_s(paths))
        after.append(label_s([replace(path, room=walls) for path in paths]))
    off = np.abs(np.array([before, after]) / t60_s - 1) > 0.1
    assert off[0].mean() > missed
    assert off[1].mean() <= left


def test_live_rooms_are_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "render_responses", None)  # calling it would raise
    assert settled(paths_in(LIVE, 1), (0.1, 0.2), RATE) is LIVE


def test_rooms_far_within_the_range_are_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    room = clad(replace(LIVE, absorption=(0.3,) * 6), 0.25)
    assert room is not None
    monkeypatch.setattr(settling, "render_responses", None)
    assert settled(paths_in(room, 1), (0.1, 1.5), RATE) is room


def test_room_that_has_the_time_stays_as_it_is() -> None:
    room = clad(replace(LIVE, absorption=(0.3,) * 6), 0.25)
    assert room is not None
    found = label_s(paths_in(room, 2))
    assert settled(paths_in(room, 2), (found, found), RATE) is room


def test_walls_are_stretched_alike_and_nothing_else_changes() -> None:
    room = clad(CLOSET, 0.15)
    assert room is not None
    paths = paths_in(room, 1)
    wanted = 0.8 * label_s(paths)
    found = settled(paths, (wanted, wanted), RATE)
    assert label_s([replace(path, room=found) for path in paths]) == pytest.approx(wanted, rel=TOLERANCE)
    assert replace(found, absorption=room.absorption) == room
    ratio = np.log1p(-np.array(found.absorption)) / np.log1p(-np.array(room.absorption))
    inside = np.array(found.absorption) < WALLS[1]
    assert np.ptp(ratio[inside]) < 1e-6


def test_what_no_walls_can_do_comes_nearer_all_the_same() -> None:
    """A closet whose walls were to swallow more than any do."""
    paths = paths_in(CLOSET, 1)
    short = 0.1 * label_s(paths)
    found = settled(paths, (short, short), RATE)
    reached = label_s([replace(path, room=found) for path in paths])
    assert 1.1 * short < reached < 0.5 * label_s(paths)
    assert np.max(found.absorption) <= WALLS[1]


def test_what_is_tried_is_what_foa_hears() -> None:
    """The same W, late noise included: what fits in the trial fits in the scene."""
    paths = paths_in(clad(CLOSET, 0.2) or CLOSET, 2)
    assert settling._measured_t60(paths, RATE) == pytest.approx(label_s(paths), rel=1e-4)
