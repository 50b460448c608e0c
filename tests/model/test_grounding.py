"""Grounded answers: whatever numbers the language model writes, only what was heard is told."""

from __future__ import annotations

from typing import Any

import pytest

from spatial_lalm.audio.scene import Scene
from spatial_lalm.audio.telling import CANNOT, NOTHING, tell
from spatial_lalm.audio.wording import NAMES
from spatial_lalm.model.answers import Estimate, Evidence, RoomEstimate
from spatial_lalm.model.grounding import as_scene, ground, named_label
from spatial_lalm.model.hearing import Heard

SPEECH = Evidence(0.8, 4.2, "speech", 57.0, 13.0, 1.6, 0.9)
TONE = Evidence(6.2, 8.5, "tone", -141.0, -6.0, 1.7, 0.8)
ROOM = RoomEstimate(
    Estimate(0.45, 0.04), (Estimate(0.5, 0.1),) * 6, Estimate(-3.0, 1.0), Estimate(6.0, 1.0), Estimate(55.0, 20.0)
)


def heard(*events: Evidence, spatial: Any = "full") -> Heard:
    return Heard(events, ROOM, spatial)


BOTH = heard(SPEECH, TONE)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("The speech comes from the right: azimuth -90°, elevation 0°.", "azimuth 57°, elevation 13°"),
        ("The tone comes from the front: azimuth 0°, elevation 0°.", "azimuth -141°, elevation -6°"),
        ("The speech is 9.9 m away.", "1.6 m away"),
        ("I hear the tone from 0.0 s to 1.0 s.", "from 6.2 s to 8.5 s"),
        ("The reverberation time T60 is 3.00 s.", "0.45 s"),
        ("The direct-to-reverberant ratio is 12 dB.", "-3 dB"),
        ("The clarity C50 is -9 dB.", "6 dB"),
        ("The room is large, with a volume of about 900 m³.", "55 m³"),
        ("At most 3 sounds are heard at the same time.", "At most 1 sound"),
        ("There are 5 sound sources in all.", "There are 2 sound sources"),
        ("I hear rain.", "I hear speech and a tone."),
    ],
)
def test_numbers_come_from_the_evidence(wrong: str, right: str) -> None:
    text, declined = ground(wrong, "?", BOTH)
    assert right in text
    assert not declined


def test_a_list_of_all_sounds_tells_all() -> None:
    text, _ = ground("I hear rain from the left: azimuth 80°, elevation 0°; a tone from the left", "?", BOTH)
    assert "azimuth 57°" in text
    assert "azimuth -141°" in text


def test_a_sound_that_was_not_heard_is_declined() -> None:
    text, declined = ground("The dog bark comes from the left: azimuth 90°, elevation 0°.", "Where is the dog?", BOTH)
    assert text == "I hear no dog bark in this recording."
    assert declined


def test_a_denial_of_what_was_heard_is_mended() -> None:
    text, declined = ground("I hear no speech in this recording.", "Where is the talker?", BOTH)
    assert "azimuth 57°" in text
    assert not declined


@pytest.mark.parametrize("text", [CANNOT, "nonsense without form", ""])
def test_what_has_no_known_form_declines(text: str) -> None:
    assert ground(text, "What is the weather?", BOTH) == (CANNOT, True)


def test_silence_declines() -> None:
    assert ground("The speech comes from the left: azimuth 90°, elevation 0°.", "?", heard())[1]
    assert ground("I hear no distinct sound.", "Where is it?", heard()) == (NOTHING, True)
    assert ground("The reverberation time T60 is 0.54 s.", "How reverberant is it?", heard()) == (NOTHING, True)


@pytest.mark.parametrize("written", ["The speech comes from the left: azimuth 90°, elevation 0°.", "A mono recording"])
def test_a_mono_recording_tells_no_direction(written: str) -> None:
    flat = Evidence(0.8, 4.2, "speech", None, None, 1.6, 0.9)
    text, declined = ground(written, "Where is the talker?", heard(flat, spatial="none"))
    assert text.startswith("A mono recording carries no direction")
    assert declined


def test_one_direction_and_class_is_one_source() -> None:
    again = Evidence(9.0, 9.5, "speech", 60.0, 10.0, 1.6, 0.9)
    assert ground("There are 4 sound sources in all.", "?", heard(SPEECH, TONE, again))[0].startswith("There are 2")


def test_doubtful_events_are_not_spoken_of() -> None:
    doubtful = Evidence(1.0, 2.0, "rain", 0.0, 0.0, 1.0, 0.1)
    assert "rain" not in ground("I hear rain.", "What?", heard(SPEECH, doubtful))[0]


@pytest.mark.parametrize("label", sorted(NAMES))
def test_every_class_is_found_in_its_own_sentence(label: str) -> None:
    scene = as_scene(heard(Evidence(0.0, 1.0, label, 10.0, 0.0, 1.0, 0.9)))
    for kind in ("where", "how_far", "when"):
        assert named_label(tell(scene, kind, label)) == label


def test_every_canonical_sentence_is_recognised(scene: Scene) -> None:
    """What training teaches, grounding must know: each form, told of the truth, comes back as it is."""
    truth = heard(
        *(
            Evidence(e.onset_s, e.offset_s, e.label, e.azimuth_deg, e.elevation_deg, e.distance_m, 0.9)
            for e in scene.events
        )
    )
    graph = as_scene(truth)
    for kind in ("where", "how_far", "when"):
        for label in (None, "speech", "dog_bark"):
            told = tell(graph, kind, label)
            assert ground(told, "?", truth)[0] == told
    for kind in ("what", "count_at_once", "count_in_all", "reverberation", "drr", "clarity", "room_size"):
        told = tell(graph, kind)
        assert ground(told, "?", truth)[0] == told


# ---------------------------------------------------------------- the question's own words


@pytest.mark.parametrize(
    ("said", "question", "told", "declines"),
    [
        ("I hear no person sneezing in this recording.", "Where is the person?", "azimuth 57°", False),
        ("I hear no dog bark in this recording.", "Where is the elephant?", 'recognise "elephant"', True),
        ("The speech comes from the left.", "Where is the elephant?", "I hear speech and a tone.", True),
        ("The tone comes from the front.", "At what time does the beep begin?", "from 6.2 s to 8.5 s", False),
        ("The speech comes from the front.", "Is it echoey?", "T60 is 0.45 s", False),
        ("The speech comes from the front.", "Which sound comes from the left?", "I hear speech from the left.", False),
        (CANNOT, "What is behind me?", "I hear a tone behind.", False),
        (CANNOT, "What do I hear on the right?", "I hear a tone from the right.", False),
        (CANNOT, "What is above me?", "I hear nothing above.", False),
        (CANNOT, "How many people are there?", "I hear 1 source of speech.", False),
        (CANNOT, "How many dogs are there?", "I hear no dog bark", True),
        (CANNOT, "How many sources are there?", "There are 2 sound sources", False),
        ("I hear no sea waves in this recording.", "Did it thunder?", "I hear speech and a tone.", True),
        ("The dog bark comes from the left.", "Who did so?", "I hear speech and a tone.", True),
        ("The speech comes from the front.", "Where are the voice and the beep?", "azimuth -141°", False),
        ("The speech comes from the front.", "What comes after the speech?", "from 6.2 s to 8.5 s", False),
        (CANNOT, "Where was the talker born?", CANNOT, True),
        (CANNOT, "When was the Eiffel tower built?", CANNOT, True),
        (CANNOT, "How many legs has a horse?", CANNOT, True),
        ("I hear no tone in this recording.", "Any tone?", "I hear the tone from 6.2 s", False),
        ("The speech comes from the front.", "How loud is the speech?", CANNOT, True),
        ("The tone comes from the back.", "Where does the sound come from?", "I hear speech from", False),
    ],
)
def test_plain_words_go_before_the_language_model(said: str, question: str, told: str, declines: bool) -> None:
    text, declined = ground(said, question, BOTH)
    assert told in text
    assert declined == declines


@pytest.mark.parametrize(
    ("spatial", "question", "told", "declines"),
    [
        ("none", "What is on my left?", "carries no direction", True),
        ("lateral", "What is behind me?", "cannot be told", True),
        ("lateral", "What is on my left?", "I hear speech from the left.", False),
        ("planar", "What is above me?", "eight cannot be told", True),
    ],
)
def test_sides_that_the_channels_cannot_tell_are_declined(
    spatial: str, question: str, told: str, declines: bool
) -> None:
    text, declined = ground(CANNOT, question, heard(SPEECH, TONE, spatial=spatial))
    assert told in text
    assert declined == declines
