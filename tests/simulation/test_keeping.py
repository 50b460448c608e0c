"""Settings that a draw may be unable to keep: refused by geometry, else drawn again, else counted."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from spatial_lalm.audio.conventions import angle_between
from spatial_lalm.audio.scene import Acoustics, Room, Scene, SourceEvent
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.engine.paths import decay_times
from spatial_lalm.simulation.engine.reverberation import expected_t60
from spatial_lalm.simulation.impossible import WIDEST_DEG, refuse_impossible
from spatial_lalm.simulation.keeping import REASONS, sample_setting, unkept_by, unkept_in, with_unkept
from spatial_lalm.simulation.overlap import PlannedSound
from spatial_lalm.simulation.recipe import BackgroundRecipe, ReceiverRecipe, RoomRecipe, SceneRecipe, SourceRecipe
from spatial_lalm.simulation.room import critical_distance, sample_room
from spatial_lalm.simulation.timeline import Place, plan_window

ROOM = Room((8.0, 7.0, 3.0), (0.3,) * 6)
PLAIN = SourceRecipe(counts=(0, 0, 0, 0, 0, 1.0), conversation_share=0.0, moving_share=0.0)


def with_sources(**changes: Any) -> SceneRecipe:
    return SceneRecipe(sources=replace(PLAIN, **changes))


def plan(sources: SourceRecipe, seed: int, seconds: float = 10.0) -> tuple[list[PlannedSound], Place]:
    place = Place(ROOM, 0.4, np.array([4.0, 3.5, 1.4]))
    return plan_window(np.random.default_rng(seed), sources, place, (0.0, seconds), speech=True), place


def separation(sounds: list[PlannedSound], place: Place) -> float:
    directions = [sound.way.points[0] - place.receiver for sound in sounds]
    return min(float(angle_between(one, other)) for one, other in combinations(directions, 2))


def most_at_once(sounds: list[PlannedSound]) -> int:
    """By looking at every hundredth of a second."""
    moments = np.arange(0, 12, 0.01)
    spans = [(sound.onset_s or 0.0, (sound.onset_s or 0.0) + sound.longest_s) for sound in sounds]
    return int(max(sum((moments > start + 1e-6) & (moments < end - 1e-6) for start, end in spans)))


# ---------------------------------------------------------------- known beforehand


def test_shipped_defaults_are_possible() -> None:
    refuse_impossible(SceneRecipe())


@pytest.mark.parametrize(
    ("recipe", "told"),
    [
        (with_sources(separation_deg=90.0), "5 sources are at most 90 apart; lower it, or lower sources.counts"),
        (with_sources(counts=(0, 1.0), conversation_share=0.1, separation_deg=110.0), "4 talkers of a conversation"),
        (with_sources(counts=(0, 0, 1.0), moving_share=0.5, separation_deg=150.0), "that cross begin at most 140"),
        (with_sources(most_at_once=2, event_s=(5.0, 8.0)), "5 sounds of at least 5 s do not fit into 10 s"),
        (SceneRecipe(receivers=ReceiverRecipe(height_m=(19.6, 30.0))), "rooms of up to 20000 m3 allow at most 19.5 m"),
        (with_sources(nearest_m=40.0), "sources in open air are at most 40 m away"),
        (replace(with_sources(nearest_m=70.0), rooms=RoomRecipe(outdoors_share=0.0)), "at most 68.4 m across"),
        (with_sources(drr_db=(60.0, 70.0)), "these rooms have -36 to 40 dB at 0.5 m and more"),
        (with_sources(drr_db=(-60.0, -50.0)), "these rooms have -36 to 40 dB at 0.5 m and more"),
    ],
)  # fmt: skip
def test_what_no_scene_can_keep_is_refused_in_a_line(recipe: SceneRecipe, told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        refuse_impossible(recipe)
    assert str(caught.value).startswith(("sources.", "receivers."))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "recipe",
    [
        with_sources(separation_deg=89.0),
        with_sources(counts=(0, 1.0), separation_deg=180.0),
        with_sources(most_at_once=2, event_s=(3.3, 8.0)),
        SceneRecipe(receivers=ReceiverRecipe(height_m=(19.4, 30.0))),
        SceneRecipe(receivers=ReceiverRecipe(height_m=(25.0, 30.0)), rooms=RoomRecipe(outdoors_share=1.0)),
    ],
)
def test_what_some_scene_can_keep_is_not_refused(recipe: SceneRecipe) -> None:
    refuse_impossible(recipe)


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_no_directions_are_further_apart_than_the_widest(count: int) -> None:
    """The known best arrangements reach the bound, and random ones stay below it."""
    best = {
        2: [[1, 0, 0], [-1, 0, 0]],
        3: [[1, 0, 0], [-1, 3**0.5, 0], [-1, -(3**0.5), 0]],
        4: [[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]],
        5: [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1]],
    }[count]
    least = min(float(angle_between(one, other)) for one, other in combinations(best, 2))
    assert least == pytest.approx(WIDEST_DEG[count], abs=0.01)
    rng = np.random.default_rng(0)
    for _ in range(200):
        drawn = rng.normal(size=(count, 3))
        assert min(float(angle_between(a, b)) for a, b in combinations(drawn, 2)) <= WIDEST_DEG[count] + 0.01


def test_settings_that_rule_each_other_out_are_refused() -> None:
    """A default that has nothing to do is no mistake."""
    refuse_impossible(SceneRecipe(sources=replace(PLAIN, moving_share=0.0)))
    refuse_impossible(SceneRecipe(sources=replace(PLAIN, moving_share=0.0, crossing_share=0.0)))
    with pytest.raises(
        InputError, match=r"^sources.crossing_share 1: nothing moves at sources.moving_share = 0; raise"
    ):
        refuse_impossible(SceneRecipe(sources=replace(PLAIN, moving_share=0.0, crossing_share=1.0)))
    refuse_impossible(SceneRecipe(duration_s=2.0, sources=replace(PLAIN, counts=(0, 1.0), event_s=(2.0, 9.0))))
    with pytest.raises(
        InputError, match=r"^sources.event_s \[3, 9\]: scenes are 2 s long; lower it, or give more dura"
    ):
        refuse_impossible(SceneRecipe(duration_s=2.0, sources=replace(PLAIN, event_s=(3.0, 9.0))))


@pytest.mark.parametrize(
    ("recipe", "told"),
    [
        (with_sources(crossing_share=1.0, moving_share=0.5, most_at_once=1, event_s=(0.5, 2.0)), "most_at_once = 1"),
        (with_sources(crossing_share=1.0, moving_share=0.5, counts=(0, 1.0)), "has no two sources in a window"),
        (with_sources(moving_share=0.5, conversation_share=1.0), "talkers stay at sources.conversation_share = 1"),
        (
            SceneRecipe(
                background=BackgroundRecipe(directional_share=0.9), receivers=ReceiverRecipe(turning_share=1.0)
            ),
            "every receiver turns",
        ),
        (
            SceneRecipe(
                engine="pyroomacoustics",
                rooms=RoomRecipe(polygon_share=1.0, outdoors_share=0.0),
                receivers=ReceiverRecipe(carried_share=0.5),
            ),
            "over floors with corners",
        ),
        (SceneRecipe(rooms=RoomRecipe(polygon_share=0.5)), "engine images knows rectangles only"),
        (SceneRecipe(rooms=RoomRecipe(scattering=(0.2, 0.3)), engine="all-images"), "images keep their direction"),
        (
            SceneRecipe(duration_s=61.0, level_db=(-20.0, -14.0)),
            "have at most -26 dB; lower it, or make shorter scenes",
        ),
    ],
)
def test_what_is_asked_for_and_could_never_be_is_refused(recipe: SceneRecipe, told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        refuse_impossible(recipe)
    assert len(str(caught.value).splitlines()) == 1
    assert "; " in str(caught.value)


@pytest.mark.parametrize(
    "recipe",
    [
        with_sources(conversation_share=1.0, moving_share=0.25),
        SceneRecipe(receivers=ReceiverRecipe(turning_share=1.0)),
        SceneRecipe(rooms=RoomRecipe(scattering=(0.0, 0.0)), engine="all-images"),
        SceneRecipe(engine="all-images"),
        SceneRecipe(duration_s=60.0, level_db=(-20.0, -14.0)),
        SceneRecipe(duration_s=61.0, level_db=(-26.0, -14.0)),
    ],
)
def test_defaults_that_find_nothing_to_do_are_no_mistake(recipe: SceneRecipe) -> None:
    refuse_impossible(recipe)


def test_conversations_need_speech_among_the_sounds() -> None:
    talk = with_sources(conversation_share=0.5)
    refuse_impossible(talk, {"rain", "speech"})
    refuse_impossible(SceneRecipe(), {"rain"})
    with pytest.raises(
        InputError, match=r"^sources.conversation_share 0.5: the sounds hold no class 'speech'; add some"
    ):
        refuse_impossible(talk, {"rain"})


@pytest.mark.parametrize(("t60_s", "kept"), [(0.17, False), (0.19, True), (0.5, True), (1.05, True), (1.2, False)])
def test_measured_reverberation_that_is_off_is_told(t60_s: float, kept: bool) -> None:
    measured = Acoustics(t60_s, (t60_s,) * 6, 0.0, 5.0)
    recipe = SceneRecipe(rooms=RoomRecipe(t60_s=(0.2, 1.0)))
    assert unkept_by(measured, recipe) == ([] if kept else ["rooms.t60_s"])
    assert set(unkept_by(measured, recipe)) <= set(REASONS)
    assert unkept_by(replace(measured, t60_s=math.nan), recipe) == unkept_by(None, recipe) == []


def test_images_alone_are_drawn_without_scattering() -> None:
    """Of rooms that are made for them: the T60 asked for is that of the image lattice."""
    recipe = SceneRecipe(rooms=RoomRecipe(t60_s=(0.5, 0.501), outdoors_share=0.0), engine="all-images")
    room = sample_setting(np.random.default_rng(0), recipe)[0]
    assert room.scattering == 0.0
    assert expected_t60(room) == pytest.approx(0.5, rel=0.01)


# ---------------------------------------------------------------- drawn again


def test_first_room_is_kept_where_it_does() -> None:
    for seed in range(20):
        room, _, unkept = sample_setting(np.random.default_rng(seed), SceneRecipe())
        assert room == sample_room(np.random.default_rng(seed), RoomRecipe())
        assert unkept == []


def test_heights_and_ratios_are_kept_by_other_rooms_and_open_air_keeps_its_share() -> None:
    recipe = with_sources(drr_db=(6.0, 12.0))
    recipe = replace(recipe, receivers=ReceiverRecipe(height_m=(2.5, 3.0), carried_share=0.0))
    outdoors = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        room, motion, unkept = sample_setting(rng, recipe)
        assert unkept == []
        assert 2.5 <= motion.way.points[0][2] <= 3.0
        outdoors += room.outdoors
        t60_s = float(decay_times(room)[3])
        place = Place(room, t60_s, motion.way.points[0])
        for sound in plan_window(rng, recipe.sources, place, (0.0, 10.0), True):
            ratio = critical_distance(room, t60_s) / np.linalg.norm(sound.way.points[0] - place.receiver)
            assert room.outdoors or 6.0 - 1e-6 <= 20 * np.log10(ratio) <= 12.0 + 1e-6
        assert not place.unkept
    assert outdoors <= 10  # 5 % are asked for, and most rooms had to be drawn again


def test_directions_are_as_far_apart_as_asked_for_where_that_takes_many_draws() -> None:
    for seed in range(15):
        sounds, place = plan(replace(PLAIN, counts=(0, 0, 0, 0, 1.0), separation_deg=75.0), seed)
        assert separation(sounds, place) > 75.0
        assert not place.unkept


@pytest.mark.parametrize("most", [1, 2, 3])
@pytest.mark.parametrize("moving", [0.0, 0.6])
def test_every_sound_finds_a_time_where_there_is_enough(most: int, moving: float) -> None:
    shortest_s = {1: 1.9, 2: 3.2, 3: 4.8}[most]  # five, three or two of them fit into a row
    sources = replace(PLAIN, most_at_once=most, event_s=(shortest_s, 9.0), moving_share=moving)
    for seed in range(15):
        sounds, place = plan(sources, seed)
        assert len(sounds) == 5
        assert most_at_once(sounds) <= most
        assert not place.unkept
        for sound in sounds:
            assert sound.onset_s is not None
            assert sound.onset_s >= 0
            assert sound.onset_s + sound.longest_s <= 10.0 + 1e-6
            if sound.way.moves:  # it sounds as it goes
                assert sound.onset_s < sound.way.times[-1]


# ---------------------------------------------------------------- counted


def test_what_cannot_be_kept_is_counted_by_a_name_that_has_a_reason() -> None:
    low = SceneRecipe(
        rooms=RoomRecipe(dwelling_share=0.0, volume_m3=(5.0, 8.0), outdoors_share=0.0, t60_s=(0.1, 0.5)),
        receivers=ReceiverRecipe(height_m=(1.9, 2.0)),
        sources=replace(PLAIN, drr_db=(12.0, 13.0)),
    )
    rng = np.random.default_rng(0)
    room, motion, unkept = sample_setting(rng, low)
    assert unkept == ["receivers.height_m", "sources.drr_db"]
    assert motion.way.points[0][2] < 1.9
    place = Place(room, 0.3, motion.way.points[0], Counter(unkept))
    # Without the ratio there are places: nothing is refused in the middle of a run.
    plan_window(rng, with_unkept(low, unkept).sources, place, (0.0, 10.0), True)
    assert set(place.unkept) <= set(REASONS)


def test_directions_that_are_not_found_are_counted_and_as_wide_as_was_found() -> None:
    sounds, place = plan(replace(PLAIN, separation_deg=89.0), 0)
    assert place.unkept == {"sources.separation_deg": 1}
    assert len(sounds) == 5
    assert 12.0 < separation(sounds, place) < 89.0


def test_sounds_that_find_no_time_are_counted() -> None:
    """Five sounds of 1.9 s, which varispeed may make 2.3 s, are too much for 10 s."""
    sounds, place = plan(replace(PLAIN, most_at_once=1, event_s=(1.9, 2.0), varispeed=0.2), 0)
    assert place.unkept == {"sources.counts": 1}
    assert len(sounds) == 4


def test_crossings_and_ways_that_a_room_does_not_allow_are_counted() -> None:
    closet = Room((1.6, 1.4, 2.0), (0.3,) * 6)
    place = Place(closet, 0.3, np.array([0.8, 0.7, 1.0]))
    sources = replace(PLAIN, counts=(0, 0, 1.0), moving_share=1.0, crossing_share=1.0, speed_m_s=(6.0, 8.0))
    sounds = plan_window(np.random.default_rng(1), sources, place, (0.0, 10.0), True)
    assert place.unkept["sources.crossing_share"] == 1
    resting = sum(not sound.way.moves for sound in sounds)
    assert place.unkept["sources.moving_share"] == resting
    assert set(place.unkept) <= set(REASONS)


def test_turns_do_not_overlap_where_nothing_may() -> None:
    sources = replace(PLAIN, conversation_share=1.0, gap_s=0.0, gap_spread_s=1.0, most_at_once=1)
    gaps = [turn.gap_s for turn in plan(sources, 0, 60.0)[0]]
    assert min(gaps) == 0.0
    assert max(gaps) > 0.5


def test_windows_that_would_talk_are_counted_where_there_is_no_speech() -> None:
    """And nothing else changes: without speech the same sounds come as at a share of 0."""
    told = 0
    for seed in range(60):
        place = Place(ROOM, 0.4, np.array([4.0, 3.5, 1.4]))
        silent = Place(ROOM, 0.4, np.array([4.0, 3.5, 1.4]))
        asked = plan_window(
            np.random.default_rng(seed), replace(PLAIN, conversation_share=0.3), place, (0.0, 10.0), speech=False
        )
        plain = plan_window(np.random.default_rng(seed), PLAIN, silent, (0.0, 10.0), speech=False)
        assert [sound.way.points.tolist() for sound in asked] == [sound.way.points.tolist() for sound in plain]
        told += place.unkept["sources.conversation_share"]
        assert not silent.unkept
    assert 9 <= told <= 28  # three deviations around 18


def test_talkers_keep_a_spread_of_levels_smaller_than_theirs() -> None:
    sources = replace(PLAIN, conversation_share=1.0)
    assert max(abs(turn.level_db) for turn in plan(replace(sources, level_spread_db=0.5), 0, 60.0)[0]) <= 0.5
    assert max(abs(turn.level_db) for turn in plan(sources, 0, 60.0)[0]) > 0.5


def test_receivers_that_stay_over_corners_though_they_were_to_be_carried_are_counted() -> None:
    recipe = SceneRecipe(
        rooms=RoomRecipe(polygon_share=0.7, outdoors_share=0.0), receivers=ReceiverRecipe(carried_share=0.5)
    )
    told = []
    for seed in range(40):
        room, motion, unkept = sample_setting(np.random.default_rng(seed), recipe)
        told.append("receivers.carried_share" in unkept)
        assert not (told[-1] and (motion.way.moves or not room.corners_m))
    assert 5 <= sum(told) <= 25


def event(onset_s: float, offset_s: float, distance_m: float = 2.0) -> SourceEvent:
    return SourceEvent("rain", onset_s, offset_s, ((0.0, 0.0, distance_m),), (True,))


def test_labels_tell_what_came_too_near_and_what_overlaps_too_much() -> None:
    recipe = with_sources(nearest_m=1.0, most_at_once=2)
    scene = Scene(10.0, 16_000, 1, ROOM, (4.0, 3.5, 1.4), (), None, 20.0, 0)
    for events, names in (
        ((event(0, 4), event(1, 5), event(4.1, 6)), []),
        ((event(0, 4), event(1, 5), event(2, 6)), ["sources.most_at_once"]),
        ((event(0, 4, 0.9),), ["sources.nearest_m"]),
        ((event(0, 4, 0.99),), []),
        ((), []),
    ):
        assert unkept_in(replace(scene, events=events), recipe) == names
        assert set(names) <= set(REASONS)
