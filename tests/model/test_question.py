"""What a question's own words decide, and what they leave to the language model."""

from __future__ import annotations

import pytest

from spatial_lalm.model.question import Asked, read_question
from spatial_lalm.simulation import phrasings


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
        ("Is the dog on the left or on the right?", Asked("where", "dog_bark")),
        ("How long does the speech last?", Asked("when", "speech")),
        ("Tell me the distance to the talker", Asked("how_far", "speech")),
        ("How many metres away is the baby?", Asked("how_far", "baby_cry")),
        ("Is there a helicopter?", Asked("when", "helicopter")),
        ("What is the direct-to-reverberant ratio?", Asked("drr")),
        ("What do you hear?", Asked("what")),
        ("How loud is it?", Asked("cannot")),
        ("Where is the noise?", Asked("where")),
        ("Where is the sound coming from?", Asked("where")),
        ("When did the second sound start?", Asked("when")),
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
    ],
)
def test_things_of_no_class_are_named(question: str, unknown: str) -> None:
    assert read_question(question).unknown == unknown


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
    """Of a thousand phrasings that questions are made of, none is read as another kind."""
    read = 0
    for kind in phrasings.BOOKS:
        for split in ("train", "held_out"):
            for template in phrasings.templates(kind, split):
                question = phrasings.fill(template, "the dog" if "{x}" in template else "")
                asked = read_question(question)
                assert asked.kind in (None, kind), question
                assert asked.side is None, question
                assert asked.unknown is None, question
                read += asked.kind is not None
    assert read > 700
