"""Answers as language models write them: thoughts, markdown, quoted options, conclusions, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from spatial_lalm.evaluate.choices import parse_choice, parse_yes_no
from spatial_lalm.evaluate.statements import concluded, conclusions, declines, stated, without_declining

SIDES = ("left", "right", "front")
CHOSEN: dict[str, int | None] = {
    "<think>The left is louder, so A? Perhaps the right.</think>\n\n**Answer: (B)**": 1,
    "<think>The answer is A": None,
    "Options:\n(A) left\n(B) right\n(C) front\n\nThe level is higher in the right channel.\n\nThe answer is (B).": 1,
    "(A) left\n(B) right\n(C) front": None,
    "Options:\n(A) left\n(B) right": None,
    "B. right\n\nExplanation: the left channel is delayed, the front would give no delay.": 1,
    "**B. right**": 1,
    "B) right.": 1,
    "$\\boxed{B}$": 1,
    "\\boxed{\\text{B}}": 1,
    "<answer>B</answer>": 1,
    "The sound is not on the left; it is on the right.": 1,
    "It is on the right, not the left.": 1,
    "It's B.": 1,
    "I would pick (C) because nothing is louder.": 2,
    "I don't think it is B.": None,
    "I cannot tell whether it is left.": None,
    "It is unclear if it comes from the left or the right.": None,
    "I'm sorry, but I can't listen to audio.": None,
    "Final answer: C\n\nEarlier I said the answer is A.": 2,
    "The answer is A. On reflection, the answer is C.": None,
    "Neither left nor right": None,
    "neither left nor right, but front": 2,
    "It is hard to say, but I would go with left.": 0,
    "Is it left? Is it right? I think it is in front.": 2,
    "The correct option is **C**": 2,
    "Answer: A or B": None,
    "Answer: B, not A": 1,
    "Answer: left (A)": 0,
    "Answer: A (right)": None,
    "answer:\nB": 1,
    "- B": 1,
    "The left is not where it is; right": 1,
    "not only left but also right": None,
    "A: left\nB: right\nC: front\nI choose B": 1,
    "Based on the audio, the sound comes from the right side.": 1,
    "Sure! Here's my answer: right": 1,
    "There is no doubt that it's on the left": 0,
    "Option A says left. Option B says right. So the answer is B.": 1,
    "The best choice would be C.": 2,
    "I can't be sure, but B": None,
    "I'd say (A).": 0,
    "E": None,
    "All of the above": None,
}


@pytest.mark.parametrize(("text", "index"), CHOSEN.items())
def test_choices(text: str, index: int | None) -> None:
    assert parse_choice(text, SIDES) == index


UNTELLABLE = ("a dog", "a cat", "cannot be determined")


@pytest.mark.parametrize(
    ("text", "index"),
    [("It cannot be determined.", 2), ("C", 2), ("The answer cannot be determined", 2), ("a dog", 0)],
)
def test_an_option_may_decline(text: str, index: int) -> None:
    assert parse_choice(text, UNTELLABLE) == index


AGREED: dict[str, bool | None] = {
    "Yes, there is no doubt.": True,
    "There is no way to tell.": None,
    "There is no dog.": False,
    "I cannot hear it, so no.": False,
    "True": True,
    "False.": False,
    "**No**\n\nThe dog is to the right. There is a cat, yes.": None,
    "No. There is no dog, and yes would be wrong": False,
    "Answer: yes": True,
    "Yes there is no overlap": True,
    "<think>yes yes</think> No.": False,
    "No dog is there": False,
    "Not sure": None,
    "It is not clear; I'd lean towards yes.": True,
    "There's no information about that.": None,
    "Yes or no?": None,
}


@pytest.mark.parametrize(("text", "yes"), AGREED.items())
def test_yes_and_no(text: str, yes: bool | None) -> None:
    assert parse_yes_no(text) is yes


# ---------------------------------------------------------------- composed answers, whose meaning is known

OPENINGS = ("", "<think>{other}, or {right}? Hmm.</think>\n", "Let me weigh the options:\n{list}\n\n",
            "First I thought of {other}.\n\n", "The levels differ between the channels.\n")  # fmt: skip
ENDINGS = ("**Answer: {letter}**", "Answer: ({letter}) {right}", "The answer is ({letter}).", "Final answer: {right}",
           "\\boxed{{{letter}}}", "<answer>{right}</answer>", "So the answer is {right}.",
           "The correct option is {letter}, because {other} is not heard.")  # fmt: skip


def composed(rng: np.random.Generator, right: int) -> str:
    other = int(rng.choice([place for place in range(3) if place != right]))
    listed = "\n".join(f"({letter}) {text}" for letter, text in zip("ABC", SIDES, strict=True))
    opening, ending = (str(forms[rng.integers(len(forms))]) for forms in (OPENINGS, ENDINGS))
    return (opening + ending).format(right=SIDES[right], other=SIDES[other], letter="ABC"[right], list=listed)


def test_a_marked_conclusion_is_what_counts() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        right = int(rng.integers(3))
        text = composed(rng, right)
        assert parse_choice(text, SIDES) == right, text


def test_two_conclusions_that_differ_say_nothing() -> None:
    rng = np.random.default_rng(1)
    for _ in range(100):
        first, second = rng.choice(3, 2, replace=False)
        assert parse_choice(f"Answer: {SIDES[first]}\n\nAnswer: {'ABC'[second]}", SIDES) is None
        assert parse_choice(f"It is {SIDES[first]}. No, it is {SIDES[second]}.", SIDES) is None


# ---------------------------------------------------------------- parts


def test_thoughts_and_layout_go() -> None:
    assert stated("<think>a</think># **B**\n```json\n`c`\n```") == "B\n\nc"
    assert stated("<think>never ended") == ""


@pytest.mark.parametrize(
    ("text", "parts", "binding"),
    [
        ("so the answer is 3. Final answer: 4", ("4",), True),
        ("Answer:\n4\nfurther words", ("4",), True),
        ("the answer is 3, the answer is 4", ("3, the", "4"), False),
        ("the answer is not 3", (), False),
        ("it was answered", (), False),
    ],
)
def test_conclusions(text: str, parts: tuple[str, ...], binding: bool) -> None:
    assert conclusions(text) == (parts, binding)


def test_an_unreadable_conclusion_is_not_replaced_by_what_was_thought_before() -> None:
    digits = {"3": 3, "4": 4}
    assert concluded("It may be 3.\nAnswer: 5", digits.get) is None
    assert concluded("3", digits.get) == 3
    assert concluded("I pondered.\nAnswer: 4", digits.get) == 4


@pytest.mark.parametrize(
    "text",
    [
        "I did not hear a dog.", "There is no dog.", "This cannot be determined.", "Not enough information.",
        "I couldn't hear any elephant", "It isn't audible.", "Unknown.", "N/A", "I'm not sure.",
        "The audio does not contain any elephant.", "No elephant can be heard.", "It is impossible to say.",
        "As an AI language model, I cannot listen.", "Please provide the audio.", "The direction is unclear.",
        "Mono audio lacks the spatial information.", "I don\u2019t know", "**I cannot tell.**",
        "Answer: cannot be told",
    ],
)  # fmt: skip
def test_declining(text: str) -> None:
    assert declines(text)


@pytest.mark.parametrize(
    "text",
    [
        "I can hear it well.", "There is a sound.", "I know that it is a dog.", "It is a dog, no doubt.",
        "The sound is not on the left.", "I cannot tell.\nAnswer: left", "<think>I cannot tell.</think> left", "",
    ],
)  # fmt: skip
def test_not_declining(text: str) -> None:
    assert not declines(text)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("azimuth 30, elevation unknown", "azimuth 30"),
        ("I cannot tell whether it is left, or right.", ""),
        ("It is hard to say, but left.", "but left."),
        ("azimuth 30 and elevation cannot be told.", "azimuth 30 and"),
        ("Left and right cannot be told apart.", ""),
    ],
)
def test_what_is_left_beside_declining(text: str, left: str) -> None:
    assert without_declining(text) == left
