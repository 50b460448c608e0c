"""Grounded answers: whatever numbers the language model writes, only what was heard is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from spatial_lalm.audio.plausibility import Doubt
from spatial_lalm.audio.scene import Scene
from spatial_lalm.audio.telling import CANNOT, NOTHING, tell
from spatial_lalm.audio.wording import NAMES
from spatial_lalm.model.answers import Estimate, Evidence, RoomEstimate
from spatial_lalm.model.grounding import Part, as_scene, ground
from spatial_lalm.model.hearing import Heard
from spatial_lalm.model.plain_answers import NOT_UNDERSTOOD, REASONS
from spatial_lalm.model.said import named_label

SPEECH = Evidence(0.8, 4.2, "speech", 57.0, 13.0, 1.6, 0.9)
TONE = Evidence(6.2, 8.5, "tone", -141.0, -6.0, 1.7, 0.8)
ROOM = RoomEstimate(
    Estimate(0.45, 0.04), (Estimate(0.5, 0.1),) * 6, Estimate(-3.0, 1.0), Estimate(6.0, 1.0), Estimate(55.0, 20.0)
)


def heard(*events: Evidence, spatial: Any = "full") -> Heard:
    return Heard(events, ROOM, spatial)


BOTH = heard(SPEECH, TONE)
OPEN = "Please tell me."
"""A question that leaves everything to the language model."""


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
    text, declined = ground(wrong, OPEN, BOTH)
    assert right in text
    assert not declined


@pytest.mark.parametrize(
    ("sources", "told"),
    [
        (None, "There are 2 sound sources in all."),
        (2, "There are 2 sound sources in all."),
        (3, "There are 3 sound sources in all; I can tell the place of 2 of them."),
        (1, "There is 1 sound source in all, though I hear sound from 2 places."),
        (0, "There are 2 sound sources in all."),  # places are not denied
    ],
)
def test_sources_are_as_many_as_the_head_for_their_number_heard(sources: int | None, told: str) -> None:
    question = "How many sound sources are there?"
    assert ground("There are 5 sound sources in all.", question, replace(BOTH, sources=sources)) == (told, False)


def test_a_count_of_a_class_or_of_a_moment_is_that_of_its_events() -> None:
    three = replace(BOTH, sources=3)
    assert (
        ground("There are 5 sound sources in all.", "How many tones are there?", three)[0] == "I hear 1 source of tone."
    )
    early = "How many sounds are there between 0 and 2 seconds?"
    assert ground("There are 5 sound sources in all.", early, three)[0] == "There is 1 sound source in all."


def test_a_list_of_all_sounds_tells_all() -> None:
    text, _ = ground("I hear rain from the left: azimuth 80°, elevation 0°; a tone from the left", OPEN, BOTH)
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
    assert ground("The speech comes from the left: azimuth 90°, elevation 0°.", OPEN, heard())[1]
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
    assert ground("There are 4 sound sources in all.", OPEN, heard(SPEECH, TONE, again))[0].startswith("There are 2")


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
            assert ground(told, OPEN, truth)[0] == told
    for kind in ("what", "count_at_once", "count_in_all", "reverberation", "drr", "clarity", "room_size"):
        told = tell(graph, kind)
        assert ground(told, OPEN, truth)[0] == told


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
        ("I hear no sea waves in this recording.", "Did it thunder?", NOT_UNDERSTOOD, True),
        ("The dog bark comes from the left.", "Who did so?", NOT_UNDERSTOOD, True),
        ("The speech comes from the front.", "Where are the voice and the beep?", "azimuth -141°", False),
        ("The speech comes from the front.", "What comes after the speech?", "from 6.2 s to 8.5 s", False),
        (CANNOT, "Where was the talker born?", REASONS["talker"], True),
        (CANNOT, "When was the Eiffel tower built?", CANNOT, True),
        (CANNOT, "How many legs has a horse?", CANNOT, True),
        ("I hear no tone in this recording.", "Any tone?", "I hear the tone from 6.2 s", False),
        ("The speech comes from the front.", "How loud is the speech?", REASONS["loudness"], True),
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


# ---------------------------------------------------------------- moments, order, comparison, two questions in one

DOG = Evidence(2.0, 5.0, "dog_bark", 100.0, 0.0, 4.0, 0.9)
THREE = heard(SPEECH, TONE, DOG)


@pytest.mark.parametrize(
    ("question", "told", "declines"),
    [
        ("What sounds at 2 s?", "I hear speech at 2.0 s.", False),
        ("What sounds at 0:07?", "I hear a tone at 7.0 s.", False),
        ("What sounds at 5 s?", "I hear no distinct sound at 5.0 s.", False),
        ("What do you hear between 0 and 5 seconds?", "I hear speech between 0.0 s and 5.0 s.", False),
        ("Where is the tone between 0 and 5 seconds?", "I hear no tone between 0.0 s and 5.0 s.", True),
        ("Is there a tone in the last 3 seconds?", "I hear the tone from 6.2 s to 8.5 s.", False),
        ("What sounds at 70 s?", "what I heard runs from 0.0 s to 10.0 s", True),
        ("How reverberant is it at 5 s?", "I hear no distinct sound at 5.0 s.", True),
        ("Where is the speech?", "azimuth 57°", False),
    ],
)
def test_a_moment_in_the_question_limits_the_answer(question: str, told: str, declines: bool) -> None:
    text, declined = ground("I hear speech.", question, BOTH, Part(0.0, 10.0))
    assert told in text
    assert declined == declines


def test_what_is_not_heard_in_a_part_is_not_denied_of_the_whole() -> None:
    text, _ = ground("I hear no dog bark.", "Where is the dog?", BOTH, Part(0.0, 10.0, whole=False))
    assert text == "I hear no dog bark in this part."


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("What comes last?", "The last sound is a tone, from 6.2 s to 8.5 s."),
        ("What is the first sound?", "The first sound is speech, from 0.8 s to 4.2 s."),
        ("Where is the second sound?", "The dog bark comes from the left: azimuth 100°"),
        ("Which sound ends first?", "The first sound to end is speech"),
        ("How far is the last sound?", "The tone is 1.7 m away."),
        ("When is the last tone?", "The last tone is from 6.2 s to 8.5 s."),
        ("Which sound is closer?", "The speech is the nearest, 1.6 m away, but only just: 1.7 m for the next."),
        ("Which is closer, the dog or the tone?", "The tone is the nearest, 1.7 m away; 4.0 m for the next."),
        ("Which sound is the farthest?", "The dog bark is the farthest, 4.0 m away; 1.7 m for the next."),
        ("How many sources are on my left?", "I hear 2 sound sources on the left: speech and a dog bark."),
        ("How many dogs are on my right?", "I hear no dog bark on the right."),
        ("Is there a person behind me?", "No: the speech comes from the front left"),
        ("Is the beep behind me?", "Yes: the tone comes from the back right"),
        ("What is behind me and how far is it?", "I hear a tone behind. The tone is 1.7 m away."),
        ("Where is the dog and how far away?", "azimuth 100°, elevation 0°. The dog bark is 4.0 m away."),
    ],
)
def test_order_comparison_and_double_questions(question: str, told: str) -> None:
    text, declined = ground(CANNOT, question, THREE)
    assert told in text
    assert not declined


def test_two_sources_are_apart_by_the_law_of_cosines() -> None:
    """At right angles, 3 and 4 m away: 5 m."""
    pair = heard(Evidence(0, 1, "speech", 0.0, 0.0, 3.0, 0.9), Evidence(1, 2, "tone", 90.0, 0.0, 4.0, 0.9))
    text, _ = ground(CANNOT, "What is the distance between the talker and the tone?", pair)
    assert text.startswith("The speech and the tone are about 5.0 m and 90° apart")
    flat = ground(CANNOT, "How far apart are they?", heard(SPEECH, TONE, spatial="lateral"))
    assert flat[1]


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("Where is the fourth... the third sound?", "I hear only 2 sounds."),
        ("What is the distance between the dog and the tone?", "I hear no dog bark"),
        ("What is the loudest sound?", REASONS["loudness"]),
        ("Is the speaker a man?", REASONS["talker"]),
        ("What does she say?", REASONS["words"]),
        ("How high is the ceiling?", REASONS["room"]),
        ("Where am I?", REASONS["listener"]),
        ("Which azimuth has the siren?", 'recognise "siren"'),
        ("asdf", NOT_UNDERSTOOD),
        ("🙂", NOT_UNDERSTOOD),
        ("Wo ist der Sprecher?", NOT_UNDERSTOOD),
    ],
)
def test_a_decline_says_why(question: str, told: str) -> None:
    text, declined = ground("I hear no rain in this recording.", question, BOTH)
    assert text.startswith(told) or told in text
    assert declined


def test_things_at_the_same_time_are_not_put_in_order() -> None:
    pair = heard(SPEECH, Evidence(0.9, 2.0, "tone", 0.0, 0.0, 1.0, 0.9))
    assert ground(CANNOT, "What comes first?", pair)[0].startswith("Speech and a tone begin at about the same time")


# ---------------------------------------------------------------- doubt

ODD = Doubt("ambix order 1", "its dipoles have 3 times the energy", "they behave like n3d")


@pytest.mark.parametrize("question", ["Where is the talker?", "How far is the talker?", "Is the talker behind me?"])
def test_a_doubt_about_the_channels_is_told_with_a_place(question: str) -> None:
    text, declined = ground(CANNOT, question, BOTH, Part(doubt=ODD))
    assert text.endswith("; but these channels do not look like ambix order 1 (they behave like n3d).")
    assert not declined


def test_a_doubt_is_not_told_with_what_needs_no_direction() -> None:
    assert "do not look" not in ground(CANNOT, "When does the talker speak?", BOTH, Part(doubt=ODD))[0]


def test_channels_without_direction_say_which() -> None:
    flat = Part(doubt=Doubt("binaural", "channels 1 and 2 are the same", flat=True))
    text, declined = ground(CANNOT, "Where is the talker?", heard(SPEECH, spatial="none"), flat)
    assert (text, declined) == ("Channels 1 and 2 are the same, so I cannot tell where the speech comes from.", True)
    deaf = Part(doubt=Doubt("ambix order 1", "the omni channel is silent", deaf=True))
    assert ground(CANNOT, "What do you hear?", BOTH, deaf)[1]


def test_silence_is_an_answer() -> None:
    assert ground("I hear no distinct sound.", "What do you hear?", heard()) == (NOTHING, False)
