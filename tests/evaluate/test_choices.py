"""What answers say, by a table of cases, and scores of many answers by loops."""

from __future__ import annotations

import math

import numpy as np
import pytest

from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.choices import (
    choice_index,
    choice_scores,
    official_match,
    parse_choice,
    parse_yes_no,
    rotation_scores,
    yes_no_scores,
)

SOUNDS = ["rain", "a dog", "front left", "left", "A man"]
SAID = {
    "B": 1,
    "(B)": 1,
    "b": None,
    "B.": 1,
    "<B>": 1,
    "**B**": 1,
    "[B] ": 1,
    "(B) a dog": 1,
    "B. a dog": 1,
    "<B>: a dog": 1,
    "B) I hear barking": 1,
    "The answer is (B).": 1,
    "The correct answer is B": 1,
    "Answer: B": 1,
    "answer: **B**": 1,
    "I would choose option B.": 1,
    "The answer is A dog": 1,
    "A dog barks at the back": 1,
    "A man is speaking": 4,
    "a man": 4,
    "Rain!": 0,
    "It comes from the left": 3,
    "It comes from the front left": 2,
    "RAIN, heavy rain": 0,
    "": None,
    "I cannot tell": None,
    "rain or a dog": None,
    "(B) rain": None,
    "The answer is A. No, the answer is B.": None,
    "It is not rain": None,
    "There is no rain": None,
    "(B) a dog, not rain": 1,
    "F": None,
    "Z": None,
    "The answer is (F)": None,
    "brain": None,
    "I think that A": None,
}


@pytest.mark.parametrize(("text", "index"), SAID.items())
def test_answers_are_read_or_left_unread(text: str, index: int | None) -> None:
    assert parse_choice(text, SOUNDS) == index


@pytest.mark.parametrize(
    ("text", "choices", "index"),
    [
        ("-30 degrees", ["30 degrees", "-30 degrees"], 1),
        ("\N{MINUS SIGN}30 degrees", ["30 degrees", "-30 degrees"], 1),
        ("1.5 m", ["15 m", "1 m", "1.5 m", "5 m"], 2),
        ("F#", ["F", "F#"], 1),
        ("E:7", ["E:7", "A:maj7"], 0),
        ("D", ["G", "A#", "D", "E"], None),
        ("no", ["yes", "no"], 1),
        ("J.D. Salinger or Mark Twain", ["Mark Twain", "J.D. Salinger"], None),
        ("three", ["two", "three", "three"], 1),
        ("C", ["two", "three", "three"], 1),
    ],
)
def test_numbers_notes_and_choices_alike(text: str, choices: list[str], index: int | None) -> None:
    assert parse_choice(text, choices) == index


@pytest.mark.parametrize("form", ["{letter}", "({letter})", "{text}", "({letter}) {text}", "The answer is {text}."])
def test_every_choice_is_read_in_every_form(form: str) -> None:
    for index, text in enumerate(SOUNDS):
        letter = "ABCDE"[index]
        assert parse_choice(form.format(letter=letter, text=text), SOUNDS) == index
        assert choice_index(text.upper(), SOUNDS) == index


def slow_match(answer: str, prediction: str, choices: list[str]) -> bool:
    def split(text: str) -> list[str]:
        return "".join(c if c.isalnum() or c == "_" else " " for c in text.lower()).split()

    said = split(prediction)
    if not said or any(word not in said for word in split(answer)):
        return False
    return not any(word in said and word not in split(answer) for choice in choices for word in split(choice))


def test_the_official_match_against_a_loop() -> None:
    rng = np.random.default_rng(0)
    vocabulary = ["dog", "the", "Rain,", "left", "front-left", "2", "café"]
    right = 0
    for _ in range(400):
        choices = [" ".join(rng.choice(vocabulary, rng.integers(1, 3))) for _ in range(3)]
        prediction = " ".join(rng.choice(vocabulary, rng.integers(0, 4)))
        verdict = official_match(choices[0], prediction, choices)
        assert verdict == slow_match(choices[0], prediction, choices)
        right += verdict
    assert 20 < right < 380


def test_letters_alone_are_read_by_us_and_wrong_officially() -> None:
    assert not official_match("rain", "A", ["rain", "wind"])
    assert official_match("rain", "The answer is rain.", ["rain", "wind"])


def test_choice_scores_count_the_unread_as_wrong() -> None:
    found = choice_scores([0, None, 2, 1], [0, 1, 2, 0], [4, 4, 3, 2])
    assert (found.accuracy.value, found.unparsed, found.count) == (0.5, 1, 4)
    assert found.chance == pytest.approx((1 / 4 + 1 / 4 + 1 / 3 + 1 / 2) / 4)
    assert choice_scores([1, 0], [1, 0], [2, 2]).accuracy.value == 1


def test_rotated_options_show_who_goes_by_the_place() -> None:
    always_first = np.eye(4)
    assert rotation_scores(always_first) == (0.25, 0)
    assert rotation_scores([[1, 1], [1, 0]]) == (0.75, 0.5)


def test_yes_or_no() -> None:
    assert [parse_yes_no(text) for text in ("Yes, it does.", "no", "Yes and no", "Nobody", "")] == [
        True,
        False,
        None,
        None,
        None,
    ]


def test_yes_no_scores_against_a_loop() -> None:
    rng = np.random.default_rng(2)
    said = [[True, False, None][i] for i in rng.integers(0, 3, 60)]
    truth = [bool(x) for x in rng.integers(0, 2, 60)]
    found = yes_no_scores(said, truth)
    both = list(zip(said, truth, strict=True))
    hits = sum(s is True and t for s, t in both)
    assert found.accuracy == pytest.approx(sum(s is t for s, t in both) / 60)
    assert found.precision == pytest.approx(hits / sum(s is True for s in said))
    assert found.recall == pytest.approx(hits / sum(truth))
    assert found.specificity == pytest.approx(sum(s is False and not t for s, t in both) / (60 - sum(truth)))
    assert found.f1 == pytest.approx(2 * found.precision * found.recall / (found.precision + found.recall))
    read = [(s, t) for s, t in both if s is not None]
    assert found.bias == pytest.approx(sum(s - t for s, t in read) / len(read))
    assert found.unparsed == 60 - len(read)


def test_a_model_that_always_agrees_is_biased_and_a_perfect_one_is_not() -> None:
    truth = [True, False, False, False]
    agrees = yes_no_scores([True] * 4, truth)
    assert (agrees.accuracy, agrees.bias, agrees.recall, agrees.specificity) == (0.25, 0.75, 1, 0)
    perfect = yes_no_scores(truth, truth)
    assert (perfect.accuracy, perfect.bias, perfect.f1) == (1, 0, 1)
    assert math.isnan(yes_no_scores([False], [False]).precision)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: parse_choice("a", ["one"]), "give 2 to 26"),
        (lambda: parse_choice("a", ["one", "?"]), "each with words"),
        (lambda: choice_index("three", ["one", "two"]), "answer 'three' is none"),
        (lambda: choice_scores([0], [0, 1], [2, 2]), "1 answers, 2 truths"),
        (lambda: choice_scores([0], [2], [2]), "none of the options"),
        (lambda: rotation_scores([[0.5]]), "0 and 1"),
        (lambda: yes_no_scores([], []), "0 answers for 0"),
    ],
)
def test_mistakes_are_told(call, words) -> None:
    with pytest.raises(InputError, match=words):
        call()
