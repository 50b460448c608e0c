"""Plans of windows: who sounds when, conversations in turns, sounds kept apart, and shares as asked."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from spatial_lalm.audio.conventions import angle_between
from spatial_lalm.audio.scene import Room
from spatial_lalm.simulation.recipe import SourceRecipe
from spatial_lalm.simulation.timeline import TALKERS, TURN_S, Place, PlannedSound, plan_window, windows

PLACE = Place(Room((8.0, 7.0, 3.0), (0.3,) * 6), 0.4, np.array([4.0, 3.5, 1.4]))
WINDOW = (10.0, 40.0)
PLAIN = SourceRecipe(counts=(0, 0, 0, 0, 0, 1.0), conversation_share=0.0, moving_share=0.0)


def plan(recipe: SourceRecipe, seed: int, window_s: tuple[float, float] = WINDOW) -> list[PlannedSound]:
    return plan_window(np.random.default_rng(seed), recipe, PLACE, window_s, speech=True)


@pytest.mark.parametrize(("duration_s", "count"), [(1.0, 1), (60.0, 1), (60.1, 2), (150.0, 3), (3600.0, 60)])
def test_windows_cover_the_scene_evenly(duration_s: float, count: int) -> None:
    found = windows(duration_s, 60.0)
    assert len(found) == count
    assert (found[0][0], found[-1][1]) == (0.0, duration_s)
    assert all(a[1] == b[0] for a, b in pairwise(found))
    lengths = [end - start for start, end in found]
    assert max(lengths) <= 60.0 + 1e-9
    assert max(lengths) == pytest.approx(min(lengths))


def test_counts_are_drawn_by_their_weights() -> None:
    counts = [len(plan(replace(PLAIN, counts=(1.0, 2.0, 1.0)), seed)) for seed in range(400)]
    shares = np.bincount(counts, minlength=3) / 400
    np.testing.assert_allclose(shares, [0.25, 0.5, 0.25], atol=0.07)


def test_sounds_fit_the_window_and_their_ranges() -> None:
    for seed in range(30):
        for sound in plan(replace(PLAIN, event_s=(2.0, 6.0), level_spread_db=4.0), seed):
            assert 2.0 - 1e-9 <= sound.longest_s <= 6.0 + 1e-9
            assert abs(sound.level_db) <= 4.0
            assert sound.window_s == WINDOW
    short = plan(replace(PLAIN, event_s=(5.0, 6.0)), 0, (0.0, 1.0))
    assert all(sound.longest_s == 1.0 for sound in short)


def test_sources_are_apart_in_direction() -> None:
    for seed in range(20):
        vectors = [sound.way.points[0] - PLACE.receiver for sound in plan(replace(PLAIN, counts=(0, 0, 0, 1.0)), seed)]
        angles = [float(angle_between(a, b)) for i, a in enumerate(vectors) for b in vectors[:i]]
        assert min(angles) > PLAIN.separation_deg


@pytest.mark.parametrize("most", [1, 2, 3])
def test_no_more_than_so_many_at_once(most: int) -> None:
    """Counted on a fine grid, each sound as long as it may become; some sounds may have found no time."""
    together = []
    for seed in range(40):
        sounds = plan(replace(PLAIN, most_at_once=most, event_s=(4.0, 8.0), moving_share=0.3), seed)
        assert all(sound.onset_s is not None for sound in sounds)
        moments = np.linspace(*WINDOW, 2000)
        sounding = [
            (moments >= sound.onset_s) & (moments < sound.onset_s + sound.longest_s)
            for sound in sounds
            if sound.onset_s is not None
        ]
        together.append(int(np.sum(sounding, axis=0).max()))
        assert len(sounds) >= 2
    assert max(together) == most


def test_overlap_is_free_where_nothing_is_asked() -> None:
    assert all(sound.onset_s is None for sound in plan(PLAIN, 0))


# ---------------------------------------------------------------- directivity and movement


def test_directed_share_and_aims() -> None:
    """Half of the directed sources look about at the receiver; all look along the level."""
    sounds = [sound for seed in range(80) for sound in plan(replace(PLAIN, directed_share=0.6), seed)]
    directed = [sound for sound in sounds if sound.aim is not None]
    assert len(directed) / len(sounds) == pytest.approx(0.6, abs=0.08)
    assert {sound.pattern for sound in directed} == {"subcardioid", "cardioid"}
    assert {sound.pattern for sound in sounds if sound.aim is None} == {"omni"}
    away = [
        float(angle_between(sound.aim, (PLACE.receiver - sound.way.points[0]) * [1, 1, 0]))
        for sound in directed
        if sound.aim is not None
    ]
    assert np.mean(np.array(away) < 60) > 0.55
    assert max(away) > 150
    assert all(sound.aim is not None and sound.aim[2] == 0 for sound in directed)


def test_moving_share_and_onsets_of_movers() -> None:
    recipe = replace(PLAIN, moving_share=0.5, crossing_share=0.0, counts=(0, 0, 0, 1.0))
    sounds = [sound for seed in range(80) for sound in plan(recipe, seed)]
    movers = [sound for sound in sounds if sound.way.moves]
    assert len(movers) / len(sounds) == pytest.approx(0.5, abs=0.1)
    for sound in movers:
        assert sound.onset_s is not None
        assert WINDOW[0] <= sound.onset_s <= WINDOW[1] - 0.6 * sound.longest_s + 1e-9
        # It sounds while it goes.
        assert sound.onset_s < sound.way.times[-1]


def test_crossing_pairs_sound_as_they_cross() -> None:
    """Two movers that swap sides start together and may be heard to the end of their ways."""
    recipe = replace(PLAIN, moving_share=1.0, crossing_share=1.0, counts=(0, 0, 1.0))
    pairs = [plan(recipe, seed) for seed in range(20)]
    crossing = [pair for pair in pairs if all(sound.way.times[0] == pair[0].way.times[0] for sound in pair)]
    assert len(crossing) >= 15
    for sound in (sound for pair in crossing for sound in pair):
        assert sound.onset_s is not None
        # A way that ends with the window may have begun a little earlier than its sound.
        assert sound.onset_s + sound.longest_s >= sound.way.times[-1] - 1e-6
        assert sound.onset_s <= sound.way.times.mean()


# ---------------------------------------------------------------- conversations


CONVERSATION = replace(PLAIN, conversation_share=1.0, gap_s=0.4, gap_spread_s=0.3, level_spread_db=20.0)


@pytest.mark.parametrize("seed", range(6))
def test_talkers_take_turns_from_their_own_places(seed: int) -> None:
    turns = plan(CONVERSATION, seed)
    talkers = [turn.talker for turn in turns]
    assert all(a != b for a, b in pairwise(talkers))
    assert TALKERS[0] <= len(set(talkers)) <= TALKERS[1]
    for talker in set(talkers):
        own = [turn for turn in turns if turn.talker == talker]
        assert len({tuple(turn.way.points[0]) for turn in own}) == 1
        assert len({turn.level_db for turn in own}) == 1
    levels = [turn.level_db for turn in turns]
    assert max(levels) - min(levels) <= 6.0
    assert all(TURN_S[0] - 1e-9 <= turn.longest_s <= TURN_S[1] + 1e-9 for turn in turns)
    assert all(turn.onset_s is None for turn in turns)


def test_gaps_are_normal_around_the_mean_asked_for() -> None:
    gaps = [turn.gap_s for seed in range(20) for turn in plan(CONVERSATION, seed)[1:]]
    assert np.mean(gaps) == pytest.approx(0.4, abs=0.05)
    assert np.std(gaps) == pytest.approx(0.3, abs=0.05)


def test_talkers_face_the_others() -> None:
    turns = plan(CONVERSATION, 3)
    places = {turn.talker: turn.way.points[0] for turn in turns}
    for turn in turns:
        assert turn.pattern == "talker"
        others = np.mean([place for talker, place in places.items() if talker != turn.talker], axis=0)
        assert turn.aim is not None
        assert float(angle_between(turn.aim, others - turn.way.points[0])) < 1e-6


def test_conversations_of_different_windows_have_different_voices() -> None:
    rng = np.random.default_rng(0)
    first, second = (plan_window(rng, CONVERSATION, PLACE, WINDOW, True) for _ in range(2))
    assert {turn.talker for turn in first}.isdisjoint({turn.talker for turn in second})


def test_no_conversation_without_talkers() -> None:
    rng = np.random.default_rng(0)
    assert all(
        sound.talker is None for _ in range(10) for sound in plan_window(rng, CONVERSATION, PLACE, WINDOW, False)
    )
