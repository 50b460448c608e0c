"""Sounds and talkers set against each other: the answer names one, or says yes or no, with the evidence's numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from spatial_lalm.audio.telling import CANNOT
from spatial_lalm.model.answers import Estimate, Evidence, RoomEstimate
from spatial_lalm.model.grounding import Part, ground
from spatial_lalm.model.hearing import Heard
from spatial_lalm.model.plain_answers import REASONS

CLICK = Evidence(1.0, 1.8, "click", 90.0, 0.0, 2.0, 0.9)
DOG = Evidence(2.0, 5.0, "dog_bark", -150.0, 30.0, 1.0, 0.9)
TONE = Evidence(4.3, 6.3, "tone", 20.0, -10.0, 4.0, 0.9)
RAIN = Evidence(7.0, 11.5, "rain", -90.0, 5.0, 6.0, 0.9)
BANDS_S = (0.9, 0.8, 0.7, 0.5, 0.4, 0.3)
ROOM = RoomEstimate(
    Estimate(0.6, 0.1), tuple(Estimate(value, 0.1) for value in BANDS_S), Estimate(-3.0, 1.0), Estimate(6.0, 1.0),
    Estimate(55.0, 20.0),
)  # fmt: skip


def heard(*events: Evidence, spatial: Any = "full") -> Heard:
    return Heard(events, ROOM, spatial)


FOUR = heard(RAIN, DOG, TONE, CLICK)
WHOLE = Part(0.0, 12.0)


def told(question: str, what: Heard = FOUR, said: str = CANNOT) -> tuple[str, bool]:
    return ground(said, question, what, WHOLE)


@pytest.mark.parametrize("said", [CANNOT, "", "The reverberation time T60 is 3.00 s.", "The rain comes from the left."])
@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What sounds right after the click?", "The dog bark begins next, from 2.0 s to 5.0 s."),
        ("When the dog has barked, what is heard after the dog?", "The tone begins next, from 4.3 s to 6.3 s."),
        ("As soon as the tone is over, what starts?", "The rain begins next, from 7.0 s to 11.5 s."),
        ("What is it that follows the rain?", "I hear nothing begin after the rain."),
        ("Which sound came immediately before the tone?", "The dog bark begins last before it, from 2.0 s to 5.0 s."),
        ("What is heard prior to the dog?", "The click begins last before it, from 1.0 s to 1.8 s."),
        ("What happens between the click and the tone?", "The dog bark begins between them, from 2.0 s to 5.0 s."),
        ("What else can you hear during the barking?", "I hear a tone with it."),
        ("What else sounds while it rains? I mean while the rain falls", "I hear nothing else."),
        ("What starts on the right after the tone?", "The rain begins next on the right, from 7.0 s to 11.5 s."),
        ("Where is whatever begins after the click?", "The dog bark comes from the back right, slightly above"),
        ("How far away is the sound following the dog?", "The tone is 4.0 m away."),
        ("Which is the shortest?", "The click is the shortest, 0.8 s; 2.0 s for the next."),
        ("What is the longest noise here?", "The rain is the longest, 4.5 s; 3.0 s for the next."),
        ("Which lasts longer, the dog or the tone?", "The dog bark is the longest, 3.0 s; 2.0 s for the next."),
        ("Where is the shortest sound?", "The click comes from the left: azimuth 90°"),
        ("Who or what is closest?", "The dog bark is the nearest, 1.0 m away; 2.0 m for the next."),
        ("Which is the most distant sound?", "The rain is the farthest, 6.0 m away; 4.0 m for the next."),
        ("Which sound on the right is the farthest?", "The rain is the farthest, 6.0 m away; 1.0 m for the next."),
        ("Is the tone or the click nearer?", "The click is the nearest, 2.0 m away; 4.0 m for the next."),
        ("Which of the dog and the tone is higher?", "The dog bark is the highest, elevation 30°"),
        ("Which one begins first, the tone or the click?", "The click begins first, at 1.0 s."),
        ("Which is behind me, the tone or the dog?", "The dog bark is behind."),
    ],
)
def test_one_sound_is_picked(said: str, question: str, answer: str) -> None:
    text, declined = told(question, said=said)
    assert text.startswith(answer)
    assert not declined


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Is the dog closer than the tone?", "Yes: the dog bark is 1.0 m away, the tone 4.0 m away."),
        ("Is the tone closer than the dog?", "No: the tone is 4.0 m away, the dog bark 1.0 m away."),
        ("Compared to the dog, is the tone farther?", "Yes: the tone is 4.0 m away, the dog bark 1.0 m away."),
        ("Does the click start before the tone?", "Yes: the click begins at 1.0 s, the tone at 4.3 s."),
        ("Does the click begin later than the tone?", "No: the click begins at 1.0 s, the tone at 4.3 s."),
        ("Tell me if the rain lasts longer than the dog", "Yes: the rain lasts 4.5 s, the dog bark 3.0 s."),
        ("Is the dog higher than the tone?", "Yes: the dog bark is at elevation 30°, the tone at elevation -10°."),
        ("Is the click to the left of the rain?", "Yes: the click is at azimuth 90°, the rain at azimuth -90°."),
        ("Do the dog and the tone overlap?", "Yes: I hear the dog bark from 2.0 s to 5.0 s, the tone from 4.3 s"),
        ("Are the click and the rain on the same side?", "No: the click is on the left, the rain on the right."),
        ("Is there more than one sound?", "Yes: there are 4 sound sources in all."),
        ("Are there at least five sounds?", "No: there are 4 sound sources in all."),
        ("Are there as many tones as clicks?", "Yes: I hear 1 source of tone and 1 of click."),
        ("Is the rain farther than 2.5 metres?", "Yes: the rain is 6.0 m away."),
        ("Is the T60 above 0.7 seconds?", "No: the reverberation time T60 is 0.60 s."),
        ("Is the room larger than 40 cubic metres?", "Yes: the room is medium-sized"),
        ("Is the sound that starts last on the right?", "Yes: the rain comes from the right"),
        ("Is the dog in front of me or behind me?", "Behind you: the dog bark comes from the back right"),
        ("Is the click left or right of the tone?", "The click is to the left of the tone: azimuth 90° against"),
    ],
)
def test_claims_are_answered_by_yes_or_no_first(question: str, answer: str) -> None:
    text, declined = told(question)
    assert text.startswith(answer)
    assert not declined


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("When does the tone start?", "I hear the tone from 4.3 s to 6.3 s."),
        ("How long does the dog bark?", "I hear the dog bark from 2.0 s to 5.0 s."),
        ("Where is the rain?", "The rain comes from the right"),
        ("How far is the click?", "The click is 2.0 m away."),
        ("What do you hear after 6.5 seconds?", "I hear rain between 6.5 s and 12.0 s."),
        ("How long is the reverberation?", "The reverberation time T60 is 0.60 s."),
        ("Is the tone on the left?", "No: the tone comes from the front"),
        ("In which second does the tone begin?", "I hear the tone from 4.3 s to 6.3 s."),
    ],
)
def test_near_misses_pick_nothing(question: str, answer: str) -> None:
    assert told(question)[0].startswith(answer)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What comes after the rooster?", "I hear no rooster in this recording."),
        ("Is the rooster closer than the dog?", "I hear no rooster in this recording."),
        ("What follows the second click?", "I hear only 1 sound of click."),
        ("Where is the third stretch of rain?", "I hear only 1 sound of rain."),
        ("Which has the higher DRR, the dog or the tone?", REASONS["ratio"]),
    ],
)
def test_what_is_not_there_is_declined(question: str, answer: str) -> None:
    assert told(question) == (answer, True)


@pytest.mark.parametrize("question", ["Which is higher, the dog or the tone?", "Is the dog higher than the tone?"])
def test_height_needs_channels_that_tell_it(question: str) -> None:
    assert told(question, replace(FOUR, spatial="planar"))[1]


def test_repeated_sounds_are_told_by_their_order() -> None:
    twice = heard(CLICK, Evidence(8.0, 9.5, "click", -40.0, 0.0, 5.0, 0.9), DOG)
    assert told("Where is the second click?", twice)[0].startswith("The click comes from the front right: azimuth -40°")
    assert told("Is the second click closer than the dog?", twice)[0].startswith("No: the click is 5.0 m away")
    assert told("Which sound is the shortest?", twice)[0].startswith("The first click is the shortest, 0.8 s")
    assert told("How often does the click sound?", twice)[0].startswith("I hear the click 2 times, from 1.0 s")


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("T60 in the 500 Hz octave", "The reverberation time T60 at 500 Hz is 0.70 s."),
        ("What is the reverberation time at 4 kHz?", "The reverberation time T60 at 4000 Hz is 0.30 s."),
        ("How reverberant is it?", "The reverberation time T60 is 0.60 s."),
        ("What is the DRR of the tone?", "The direct-to-reverberant ratio is -3 dB; that is one estimate for all"),
        ("What is the C50?", "The clarity C50 is 6 dB."),
        ("How many kinds of sounds are there?", "There are 4 kinds of sound."),
        ("Name the sound at the back right.", "I hear a dog bark from the back right."),
        ("What is at the front left?", "I hear nothing from the front left."),
    ],
)
def test_bands_kinds_and_octants(question: str, answer: str) -> None:
    assert told(question)[0].startswith(answer)


def test_a_mono_recording_lists_what_it_hears() -> None:
    mono = heard(*(replace(e, azimuth_deg=None, elevation_deg=None) for e in (CLICK, DOG)), spatial="none")
    assert told("Name everything you hear.", mono, "A mono recording") == ("I hear a click and a dog bark.", False)


ANN = Evidence(0.5, 2.0, "speech", 60.0, 0.0, 1.0, 0.9)
BEN = Evidence(2.5, 6.0, "speech", -60.0, 0.0, 2.0, 0.9)
AGAIN = Evidence(6.5, 7.5, "speech", 62.0, 0.0, 1.0, 0.9)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Where is speaker B?", "Speaker B: the speech comes from the front right: azimuth -60°"),
        ("Where is the second talker?", "Speaker B: the speech comes from the front right: azimuth -60°"),
        ("When does talker 1 speak?", "Speaker A speaks from 0.5 s to 2.0 s and from 6.5 s to 7.5 s."),
        ("How many times does speaker A talk?", "Speaker A has 2 turns"),
        ("Who talks most?", "Speaker B talks most, 3.5 s in all."),
        ("Which speaker is the last to talk?", "Speaker A speaks last"),
        ("Who is talking at the front left?", "Speaker A."),
        ("Does anybody interrupt?", "No: no two talk at the same time."),
        ("How many talkers are there?", "I hear 2 sources of speech."),
        ("Where is the third speaker?", "I hear only 2 talkers, told apart by direction."),
        ("Is the speaker a man?", REASONS["talker"]),
        ("When does the voice begin?", "I hear the speech from 0.5 s to 2.0 s and"),
    ],
)
def test_talkers_are_told_apart_by_direction(question: str, answer: str) -> None:
    assert told(question, heard(ANN, BEN, AGAIN))[0].startswith(answer)


def test_one_talker_is_not_made_two() -> None:
    assert told("Where is speaker B?", heard(ANN, AGAIN)) == ("I hear only one talker, told apart by direction.", True)
