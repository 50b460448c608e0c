"""Canonical answers about scenes made by hand, and the margins within which nothing is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from spatial_lalm.audio.scene import Scene, SourceEvent
from spatial_lalm.audio.wording import Spatial
from spatial_lalm.simulation.questions import REGISTRY, ask_about, check, fitting_kinds
from spatial_lalm.simulation.questions.answer import Draft
from spatial_lalm.simulation.questions.kind import DraftedKind
from spatial_lalm.simulation.questions.view import View

Make = Callable[..., SourceEvent]
Build = Callable[..., Scene]


def drafts(scene: Scene, kind: str, spatial: Spatial = "full") -> list[Draft]:
    """Every question of a kind that a scene allows."""
    found = REGISTRY[kind]
    assert isinstance(found, DraftedKind)
    return found.possible(View(scene, spatial))


def answers(scene: Scene, kind: str, spatial: Spatial = "full") -> set[str]:
    return {draft.answer for draft in drafts(scene, kind, spatial)}


@pytest.fixture
def street(event: Make, scene_of: Build) -> Scene:
    """A dog at the left, then a rooster behind, rain in front all the time, and a helicopter from left to right."""
    return scene_of(
        event("rain", 0.0, 12.0, (0, 0, 4.0)),
        event("dog_bark", 1.0, 2.0, (90, 0, 2.0)),
        event("rooster", 4.0, 6.5, (180, 0, 3.0)),
        event("helicopter", 8.0, 11.0, (60, 40, 9.0), (-60, 40, 9.0)),
    )


@pytest.fixture
def talk(event: Make, scene_of: Build) -> Scene:
    """Two talkers, the second interrupting once."""
    return scene_of(
        event("speech", 0.5, 2.0, (45, 0, 1.5), speaker="anna"),
        event("speech", 2.5, 5.0, (-90, 0, 1.5), speaker="ben"),
        event("speech", 4.0, 6.0, (45, 0, 1.5), speaker="anna"),
        event("speech", 7.0, 8.0, (-90, 0, 1.5), speaker="ben"),
    )


def test_places(street: Scene) -> None:
    assert answers(street, "octant") == {
        "The rain comes from the front.",
        "The dog bark comes from the left.",
        "The rooster comes from the back.",
    }
    assert "The dog bark is on the left." in answers(street, "left_or_right")
    assert answers(street, "front_or_back") == {"The rain is in front of you.", "The rooster is behind you."}
    assert "The angle is 180°." in answers(street, "angle_between")
    assert answers(street, "which_nearer") == {"The dog bark.", "The rooster.", "The rain."}
    assert drafts(street, "nearest") == []  # the helicopter moves
    assert drafts(street, "octant", "lateral") == []
    assert drafts(street, "height", "planar") == []


def test_times_and_order(street: Scene) -> None:
    assert "The dog bark starts at 1.0 s." in answers(street, "onset")
    assert "The rooster lasts 2.5 s." in answers(street, "duration")
    assert answers(street, "order") == {"First the rain, then the dog bark, then the rooster, then the helicopter."}
    after = {str(draft.slots["x"]): draft.answer for draft in drafts(street, "next")}
    assert list(after.values()) == ["It is a dog bark.", "It is a rooster.", "It is a helicopter."]
    assert answers(street, "longest") == {"The rain.", "The dog bark."}
    at_five = next(draft for draft in drafts(street, "sounds_at") if draft.slots["t"] == "5.0")
    assert (at_five.answer, at_five.evidence) == ("I hear rain and a rooster.", (0, 2))
    assert answers(street, "count_classes") == {"There are 4 kinds of sound."}


def test_motion(street: Scene) -> None:
    assert answers(street, "which_way") == {"The helicopter moves from left to right."}
    assert answers(street, "who_moves") == {"The helicopter."}
    turning = replace(street, receiver_track=((1.0, 1.0, 1.0, 0.0, 0.0, 0.0),) * 120)
    assert not {"which_way", "who_moves", "is_moving", "moves_way"} & set(fitting_kinds(turning, family="all"))
    assert {draft.claim for draft in drafts(street, "moves_way")} == {"yes", "no"}


def test_two_steps(street: Scene) -> None:
    still = replace(street, events=street.events[:3])
    behind = [draft for draft in drafts(still, "after_on_side") if draft.slots["side"] == "behind me"]
    assert {(draft.answer, draft.evidence) for draft in behind} == {
        ("It is a rooster.", (2, 1)),
        ("It is a rooster.", (2, 0)),
    }
    assert answers(still, "far_of") == {"It is 4.0 m away.", "It is 3.0 m away."}
    assert answers(still, "while") == {"I hear rain.", "I hear a dog bark and a rooster."}
    assert answers(street, "mover_when") == {"It starts at 8.0 s."}


def test_talkers_and_turns(talk: Scene) -> None:
    assert answers(talk, "count_talkers") == {"There are 2 talkers."}
    assert answers(talk, "turns") == {
        "Speaker A from 0.5 s to 2.0 s; speaker B from 2.5 s to 5.0 s; speaker A from 4.0 s to 6.0 s; "
        "speaker B from 7.0 s to 8.0 s."
    }
    assert answers(talk, "who_where") == {"Speaker A: front left; speaker B: right."}
    assert answers(talk, "last_speaker") == {"Speaker B."}
    by_book = {draft.book: draft.claim for draft in drafts(talk, "any_interrupts")}
    assert by_book == {"any_interrupts": "yes", "none_interrupts": "no"}
    calm = replace(talk, events=(*talk.events[:2], *talk.events[3:]))
    assert {draft.book: draft.claim for draft in drafts(calm, "any_interrupts")} == {
        "any_interrupts": "no",
        "none_interrupts": "yes",
    }
    nameless = replace(talk, events=tuple(replace(event, speaker=None) for event in talk.events))
    assert "turns" not in fitting_kinds(nameless, family="talker")


def test_rooms_and_open_air(event: Make, scene_of: Build) -> None:
    dog = event("dog_bark", 1.0, 2.0, (90, 0, 2.0), drr_db=3.4)
    room, field = scene_of(dog), scene_of(dog, outdoors=True)
    assert answers(room, "t60") == {"The reverberation time is 0.50 s."}
    assert answers(room, "reverberation_word") == {"It is moderately reverberant."}
    assert answers(room, "size_word") == {"It is medium-sized."}
    assert answers(room, "drr_of") == {"The direct-to-reverberant ratio is 3 dB."}
    assert "The reverberation time at 250 Hz is 0.45 s." in answers(room, "t60_band")
    assert answers(field, "indoors_or_outdoors") == {"It was recorded outdoors."}
    inside = {"t60", "edt", "t60_band", "reverberation_word", "size_word", "t60_above", "volume_above"}
    inside |= {"d50", "drr_of", "c50_of", "d50_of", "edt_of"}
    outside = {"t60_outdoors", "size_outdoors"}
    assert inside <= set(fitting_kinds(room, family="all"))
    assert outside <= set(fitting_kinds(field, family="all"))
    assert not inside & set(fitting_kinds(field, family="all"))
    assert not outside & set(fitting_kinds(room, family="all"))
    assert {"reverberation", "drr", "clarity", "room_size"} <= set(fitting_kinds(room))
    assert not {"reverberation", "drr", "clarity", "room_size"} & set(fitting_kinds(field))


def test_false_premises_are_declined(event: Make, scene_of: Build) -> None:
    once, again = event("dog_bark", 1.0, 2.0, (90, 0, 2.0)), event("dog_bark", 4.0, 5.0, (90, 0, 2.0))
    assert answers(scene_of(once), "false_ordinal") == {"I hear the dog bark only once."}
    assert answers(scene_of(once, again), "false_ordinal") == {"I hear the dog bark only twice."}
    assert "I hear no rooster in this recording." in answers(scene_of(once), "absent_sound")
    for kind in ("false_ordinal", "absent_sound", "visual"):
        qa = ask_about(scene_of(once), np.random.default_rng(0), kinds=[kind])
        assert qa.declined
        assert check(scene_of(once), qa)


@pytest.mark.parametrize(
    ("spatial", "kind"),
    [("none", "direction_in_mono"), ("planar", "height_in_planar"), ("lateral", "front_in_lateral")],
)
def test_what_the_channels_lack_is_declined(street: Scene, spatial: Spatial, kind: str) -> None:
    assert kind in fitting_kinds(street, spatial, "unanswerable")
    assert kind not in fitting_kinds(street, "full", "unanswerable")
    assert not {"octant", "which_side", "is_on_side"} & set(fitting_kinds(street, "none", "all"))


# ---------------------------------------------------------------- margins


@pytest.mark.parametrize(
    ("kind", "second", "fits"),
    [
        ("which_nearer", (90, 0, 2.5), False),
        ("which_nearer", (90, 0, 2.7), True),
        ("which_side", (20, 0, 2.0), False),
        ("which_side", (30, 0, 2.0), True),
        ("which_higher", (0, 20, 2.0), False),
        ("which_higher", (0, 30, 2.0), True),
        ("which_side", (150, 0, 2.0), True),
        ("which_side", (175, 0, 2.0), False),
    ],
)
def test_comparisons_need_a_margin(
    event: Make, scene_of: Build, kind: str, second: tuple[float, float, float], fits: bool
) -> None:
    scene = scene_of(event("dog_bark", 1.0, 2.0, (0, 0, 2.0)), event("rooster", 5.0, 6.0, second))
    assert bool(drafts(scene, kind)) == fits


@pytest.mark.parametrize(("onset", "fits"), [(1.2, False), (1.29, False), (1.31, True), (0.6, True)])
def test_order_needs_three_tenths_of_a_second(event: Make, scene_of: Build, onset: float, fits: bool) -> None:
    scene = scene_of(event("dog_bark", 1.0, 3.0, (0, 0, 2.0)), event("rooster", onset, onset + 2, (90, 0, 2.0)))
    for kind in ("which_first", "extreme", "next", "order", "is_before"):
        assert bool(drafts(scene, kind)) == fits, kind


@pytest.mark.parametrize(("azimuth", "fits"), [(18.0, True), (20.0, False), (25.0, False), (27.0, True)])
def test_octants_are_not_asked_at_their_edges(event: Make, scene_of: Build, azimuth: float, fits: bool) -> None:
    assert bool(drafts(scene_of(event("rain", 1.0, 3.0, (azimuth, 0, 2.0))), "octant")) == fits
    assert not drafts(scene_of(event("rain", 1.0, 3.0, (azimuth, 70, 2.0))), "octant")


def test_ends_are_not_asked_where_the_room_hides_them(event: Make, scene_of: Build) -> None:
    scene = scene_of(event("dog_bark", 1.0, 2.0, (0, 0, 2.0)), event("rooster", 2.5, 3.5, (90, 0, 2.0)))
    assert scene.acoustics is not None
    hall = replace(scene, acoustics=replace(scene.acoustics, t60_s=3.0))
    assert View(scene).overlap(0, 1) is False
    assert View(hall).overlap(0, 1) is None
    assert {"offset", "duration"} <= set(fitting_kinds(scene, family="time"))
    assert not {"offset", "duration"} & set(fitting_kinds(hall, family="time"))
    assert {draft.slots["t"] for draft in drafts(scene, "sounds_at") if draft.evidence == ()} >= {"4.0"}
    assert View(hall).at(1, 4.0) is None
    assert View(hall).at(1, 5.5) is False


def test_movers_are_placed_by_their_start_and_end_alone(event: Make, scene_of: Build) -> None:
    scene = scene_of(event("rain", 1.0, 3.0, (90, 0, 2.0), (-90, 0, 2.0)))
    placing = {"octant", "azimuth", "elevation", "distance", "left_or_right", "is_on_side", "choose_octant", "far_of"}
    assert not placing & set(fitting_kinds(scene, family="all"))
    assert answers(scene, "move_start") == {"The rain starts at the left."}
    assert answers(scene, "move_end") == {"The rain ends at the right."}


def test_between_still_and_moving_nothing_is_said(event: Make, scene_of: Build) -> None:
    rooster = event("rooster", 5.0, 6.0, (-90, 0, 2.0))
    for turn, motion in ((3.0, False), (10.0, None), (25.0, True)):
        scene = scene_of(event("rain", 1.0, 3.0, (0, 0, 2.0), (turn, 0, 2.0)), rooster)
        assert View(scene).motion[0] is motion
        assert bool(drafts(scene, "is_moving")) == (motion is True)


def test_two_events_of_a_class_are_told_apart_by_ordinals_or_not_at_all(event: Make, scene_of: Build) -> None:
    dogs = [event("dog_bark", start, start + 0.5, (90, 0, 2.0)) for start in (1.0, 3.0, 5.0, 7.0)]
    assert "The second dog bark starts at 3.0 s." in answers(scene_of(*dogs[:2]), "onset")
    assert not drafts(scene_of(*dogs), "onset")
    close = event("dog_bark", 1.6, 2.0, (90, 0, 2.0))
    assert not drafts(scene_of(dogs[0], close), "onset")


def test_a_scene_with_a_sound_too_faint_to_hear_is_left_to_the_basic_kinds(event: Make, scene_of: Build) -> None:
    dog = event("dog_bark", 1.0, 2.0, (90, 0, 2.0))
    for level, fits in ((-12.0, False), (-6.0, True), (None, True)):  # 3 dB more with the reverberation
        scene = scene_of(replace(dog, direct_snr_db=level))
        assert bool(set(fitting_kinds(scene, family="all")) - set(fitting_kinds(scene))) == fits


def test_a_mirror_swaps_left_and_right(scenes: list[Scene]) -> None:
    swap = {"left": "right", "right": "left"}
    for scene in scenes[:60]:
        events = tuple(
            replace(event, trajectory=tuple((-azimuth, elevation, far) for azimuth, elevation, far in event.trajectory))
            for event in scene.events
        )
        mirrored = replace(scene, events=events)
        for kind in ("octant", "left_or_right", "relation"):
            turned = {
                " ".join(swap.get(w.strip("."), w.strip(".")) for w in a.split()) for a in answers(mirrored, kind)
            }
            assert turned == {a.strip(".") for a in answers(scene, kind)}
