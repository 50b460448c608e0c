"""What a question's own words decide, and what they leave to the language model."""

from __future__ import annotations

import pytest

from spatial_lalm.model.claims import Pair
from spatial_lalm.model.question import Asked, read_question
from spatial_lalm.simulation.questions import phrasings


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("Where is the person?", Asked("where", "speech")),
        ("How many people are there?", Asked("count_in_all", "speech")),
        ("At what time does the beep begin?", Asked("when", "tone")),
        ("When does it stop?", Asked("when")),
        ("Is it echoey?", Asked("reverberation")),
        ("How big is the hall?", Asked("room_size")),
        ("Is this a large room?", Asked("room_size")),
        ("How many sources at the same time?", Asked("count_at_once")),
        ("How many sounds overlap?", Asked("count_at_once")),
        (
            "Is the dog on the left or on the right?",
            Asked("where", "dog_bark", labels=("dog_bark",), pair=Pair(("left", "right"), "dog_bark")),
        ),
        ("How long does the speech last?", Asked("when", "speech")),
        ("Tell me the distance to the talker", Asked("how_far", "speech")),
        ("How many metres away is the baby?", Asked("how_far", "baby_cry")),
        ("Is there a helicopter?", Asked("when", "helicopter")),
        ("What is the direct-to-reverberant ratio?", Asked("drr")),
        ("What do you hear?", Asked("what")),
        ("How loud is it?", Asked("cannot", topic="loudness")),
        ("Where is the noise?", Asked("where")),
        ("Where is the sound coming from?", Asked("where")),
        ("When did the second sound start?", Asked("when", nth=1)),
        ("Where is someone sneezing?", Asked("where", "person_sneeze")),
    ],
)
def test_plain_words_decide(question: str, asked: Asked) -> None:
    assert read_question(question) == asked


@pytest.mark.parametrize(
    ("question", "side"),
    [
        ("Which sound comes from the left?", "left"),
        ("What is on my left?", "left"),
        ("What do I hear behind me?", "back"),
        ("Is anything above me?", "above"),
        ("What sounds come from the right side?", "right"),
        ("Who is in front of me?", "front"),
    ],
)
def test_a_side_asks_what_sounds_there(question: str, side: str) -> None:
    assert read_question(question) == Asked("what", side=side)


@pytest.mark.parametrize(
    ("question", "unknown"),
    [
        ("Where is the elephant?", "elephant"),
        ("Where does the piano come from?", "piano"),
        ("Is there a violin?", "violin"),
        ("Can you hear a car?", "car"),
        ("How far away is the gunshot?", "gunshot"),
        ("When does the church bell start?", "church bell"),
        ("When does the bell ring?", "bell"),
        ("Where is the elephant hiding?", "elephant"),
        ("Where is alarm?", "alarm"),
        ("Was that a gunshot?", "gunshot"),
        ("Is a car passing by?", "car"),
        ("Any birds?", "birds"),
        ("How many cars are there?", "cars"),
        ("Can you hear thunder?", "thunder"),
        ("Do you hear an airplane overhead?", "airplane"),
    ],
)
def test_things_of_no_class_are_named(question: str, unknown: str) -> None:
    assert read_question(question).unknown == unknown


KINDS = {
    "where": (
        "Where is the man talking?", "Which way should I look to see the speaker?", "Is the voice left or right?",
        "From which direction does the voice reach me?", "Is the tone behind me?", "Which side is the lady on?",
        "Where is the strange noise coming from?", "Where is the loud beep?", "Where is the second source?",
    ),
    "how_far": (
        "How close is the talker to the microphone?", "Is the speaker near or far?", "Which sound is the closest?",
        "What is the distance between me and the tone?", "Which is nearer, the speech or the tone?",
    ),
    "when": (
        "When does the talker finish?", "How long does the beep last?", "What comes after the speech?",
        "Is there anybody in the room?", "How many times does the beep sound?", "Is there a rooster in the big room?",
        "At which second does the first sound start?",
    ),
    "claim": ("Does the beep come before the voice?", "Is the T60 above 0.5 seconds?", "Is there more than one sound?"),
    "count_classes": ("How many kinds of sound are there?", "Count the different types of sounds."),
    "what": (
        "Name everything you hear.", "List all the sounds.", "What's happening here?",
        "Which sounds can you recognise?", "Which instrument is playing?",
        "What's coming from the right?", "Does anything sound from above?",
    ),
    "count_in_all": (
        "How many voices do you hear?", "How many different sounds are there in total?",
        "How many sounds come from the left?",
    ),
    "count_at_once": ("Do two sounds ever overlap?", "How many things can be heard simultaneously?"),
    "reverberation": ("Is it a dry room?", "Does the room echo a lot?", "How long does the sound take to die away?"),
    "drr": ("How strong is the direct sound against the reverberation?",),
    "clarity": ("How clear is it: what is the clarity?",),
    "room_size": (
        "Am I in a small room?", "How many cubic metres does the room have?", "Is the room tiny?",
        "Was it recorded in a large hall or a small studio?", "Roughly what size is the space?",
    ),
    "cannot": (
        "How loud is the speech?", "What is the speaker saying?", "Is the speaker male or female?",
        "What language does she speak?", "Where was the talker born?", "How many people live in Berlin?",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("question", "kind"), [(q, kind) for kind, asked in KINDS.items() for q in asked])
def test_plain_questions_show_their_kind(question: str, kind: str) -> None:
    asked = read_question(question)
    assert (asked.kind, asked.unknown) == (kind, None)


@pytest.mark.parametrize(
    "question",
    ["Where are the voice and the beep?", "Is the man or the beep closer?", "What comes after the speech?"],
)
def test_several_classes_are_asked_about_together(question: str) -> None:
    asked = read_question(question)
    assert asked.several
    assert asked.label is None


@pytest.mark.parametrize(
    "question",
    [
        "What is the capital of France?",
        "What is the weather like?",
        "Why?",
        "Is it raining cats?",
        "",
    ],
)
def test_the_rest_is_left_open(question: str) -> None:
    asked = read_question(question)
    assert asked.kind is None
    assert asked.side is None
    assert asked.unknown is None


def test_the_readers_kinds_are_those_of_every_known_phrasing() -> None:
    """Of a thousand phrasings that questions are made of, none is read as another kind, whatever it asks about."""
    aliases = [alias for names in phrasings.ALIASES.values() for alias in names]
    every = (*aliases, *phrasings.GENERIC_ONE, *phrasings.GENERIC_ALL)
    read = 0
    for kind in phrasings.BOOKS:
        for split in ("train", "held_out"):
            for template in dict.fromkeys(phrasings.templates(kind, split)):
                asked = [
                    read_question(phrasings.fill(template, name)) for name in (every if "{x}" in template else ("",))
                ]
                assert {one.kind for one in asked} <= {None, kind}, template
                assert {one.side for one in asked} == {None}, template
                assert {one.unknown for one in asked} == {None}, template
                read += asked[0].kind is not None
    assert read > 700
