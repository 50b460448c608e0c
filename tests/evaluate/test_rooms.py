"""Agreement of room estimates against loops, and word errors against a table of edit distances."""

from __future__ import annotations

import math

import numpy as np
import pytest

from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.rooms import agreement, pearson, room_agreement
from spatial_lalm.evaluate.transcripts import plain_words, word_errors

RNG = np.random.default_rng(4)
TRUTH = RNG.uniform(0.2, 2.0, 50)
SAID = TRUTH * RNG.uniform(0.7, 1.4, 50) + 0.05


def slow_pearson(a, b) -> float:
    ma, mb = sum(a) / len(a), sum(b) / len(b)
    top = sum((x - ma) * (y - mb) for x, y in zip(a, b, strict=True))
    return top / math.sqrt(sum((x - ma) ** 2 for x in a) * sum((y - mb) ** 2 for y in b))


def test_agreement_against_loops() -> None:
    found = agreement(SAID, TRUTH, resamples=100)
    errors = [a - b for a, b in zip(SAID.tolist(), TRUTH.tolist(), strict=True)]
    assert found.bias == pytest.approx(sum(errors) / 50)
    assert found.mse == pytest.approx(sum(e * e for e in errors) / 50)
    assert found.mae.value == pytest.approx(sum(map(abs, errors)) / 50)
    assert found.rho.value == pytest.approx(slow_pearson(SAID.tolist(), TRUTH.tolist()))
    assert found.rho.low < found.rho.value < found.rho.high
    assert found.count == 50


def test_perfect_reversed_and_constant_estimates() -> None:
    perfect = agreement(TRUTH, TRUTH, resamples=100)
    assert (perfect.bias, perfect.mse, perfect.mae.value, perfect.rho.value) == (0, 0, 0, pytest.approx(1))
    assert pearson(-3 * TRUTH + 7, TRUTH) == pytest.approx(-1)
    assert math.isnan(agreement(np.full(50, 0.1), TRUTH, resamples=100).rho.value)


def test_a_room_is_scored_property_by_property_and_volumes_in_octaves() -> None:
    found = room_agreement({"t60_s": [0.5, 1.0], "volume_m3": [200, 50]}, {"volume_m3": [100, 100]}, resamples=100)
    assert list(found) == ["volume_m3"]
    assert (found["volume_m3"].mae.value, found["volume_m3"].bias) == (1, 0)


@pytest.mark.parametrize(
    ("said", "truth", "words"),
    [
        ({}, {"t60_s": [1]}, "t60_s is not predicted"),
        ({"t60": [1]}, {"t60": [1]}, "t60 is no property"),
        ({"volume_m3": [0]}, {"volume_m3": [1]}, "zero or less"),
        ({"drr_db": [math.nan]}, {"drr_db": [1]}, "NaN"),
        ({"drr_db": [1, 2]}, {"drr_db": [1]}, "shape"),
    ],
)
def test_mistakes_of_rooms_are_told(said, truth, words) -> None:
    with pytest.raises(InputError, match=words):
        room_agreement(said, truth)


# ---------------------------------------------------------------- words


def edits(a: list[str], b: list[str]) -> int:
    """Levenshtein distance by the whole table."""
    table = [[i + j if not i * j else 0 for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            step = table[i - 1][j - 1] + (a[i - 1] != b[j - 1])
            table[i][j] = min(step, table[i - 1][j] + 1, table[i][j - 1] + 1)
    return table[-1][-1]


def test_words_against_edit_distances() -> None:
    pytest.importorskip("jiwer")
    vocabulary = ["rain", "door", "left", "two", "it's"]
    sides = [[" ".join(RNG.choice(vocabulary, RNG.integers(1, 12))) for _ in range(30)] for _ in range(2)]
    found = word_errors(*sides)
    references, predictions = ([text.split() for text in side] for side in sides)
    wrong = sum(map(edits, references, predictions))
    assert found.wer == pytest.approx(wrong / sum(map(len, references)))
    assert found.substitutions + found.deletions + found.insertions == wrong
    assert found.hits + found.substitutions + found.deletions == sum(map(len, references))
    letters = sum(edits([*a], [*b]) for a, b in zip(*sides, strict=True))
    assert found.cer == pytest.approx(letters / sum(map(len, sides[0])))


def test_case_and_punctuation_count_officially_only() -> None:
    pytest.importorskip("jiwer")
    assert (
        word_errors(["It\N{RIGHT SINGLE QUOTATION MARK}s raining, twenty-two!"], ["it's raining twenty-two"]).wer == 0
    )
    assert word_errors(["It is."], ["it is"], official=True).wer == 1
    assert word_errors(["a  b "], ["a b"], official=True).wer == 0
    assert word_errors(["a b"], [""]).wer == 1


def test_plain_words() -> None:
    assert plain_words("  \N{LATIN SMALL LIGATURE FI}ne 'Quoted' CAFÉ -- 3.5 ") == "fine quoted café 3 5"


@pytest.mark.parametrize(
    ("references", "predictions", "words"),
    [([], [], "0 transcripts for 0"), (["a"], [], "0 transcripts for 1"), (["?!"], ["a"], "holds no words")],
)
def test_mistakes_of_words_are_told(references, predictions, words) -> None:
    with pytest.raises(InputError, match=words):
        word_errors(references, predictions)
