"""Diarisation error against time in steps of 10 ms and all permutations of speakers, and RTTM files."""

from __future__ import annotations

import math
from collections import Counter
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.diarisation import DiarisationError, Turn, diarisation_error, read_rttm
from spatial_lalm.evaluate.files import FileProblem

STEP_S = 0.01


def random_turns(rng: np.random.Generator, speakers: str, count: int) -> list[Turn]:
    starts = rng.integers(0, 150, count) / 10
    return [Turn(str(rng.choice([*speakers])), float(s), float(s + rng.integers(1, 40) / 10)) for s in starts]


def slow_error(reference: list[Turn], predicted: list[Turn], collar: float, skip: bool) -> DiarisationError:
    edges = [edge for turn in reference for edge in (turn.start_s, turn.end_s)]
    steps: Counter[tuple[frozenset[str], frozenset[str]]] = Counter()
    for index in range(2500):
        t = (index + 0.5) * STEP_S
        ours, theirs = (
            frozenset(turn.speaker for turn in side if turn.start_s <= t < turn.end_s)
            for side in (reference, predicted)
        )
        near = collar > 0 and any(abs(edge - t) < collar for edge in edges)
        steps[ours, theirs] += not near and not (skip and len(ours) > 1)
    names = sorted({turn.speaker for turn in reference})
    others = sorted({turn.speaker for turn in predicted}) + [f"nobody {i}" for i in names]
    right = max(
        sum(count * len({mapping[name] for name in ours} & theirs) for (ours, theirs), count in steps.items())
        for mapping in (dict(zip(names, order, strict=True)) for order in permutations(others, len(names)))
    )
    missed = sum(count * max(0, len(a) - len(b)) for (a, b), count in steps.items())
    invented = sum(count * max(0, len(b) - len(a)) for (a, b), count in steps.items())
    both = sum(count * min(len(a), len(b)) for (a, b), count in steps.items())
    speech = sum(count * len(a) for (a, _), count in steps.items())
    return DiarisationError(*(STEP_S * count for count in (missed, invented, both - right, speech)))


@pytest.mark.parametrize(("collar", "skip"), [(0.0, False), (0.25, False), (0.0, True), (0.1, True)])
def test_against_small_steps_and_permutations(collar: float, skip: bool) -> None:
    for seed in range(4):
        rng = np.random.default_rng(seed)
        reference, predicted = merged(random_turns(rng, "abc", 8)), random_turns(rng, "xyz", 9)
        fast, slow = (
            diarisation_error(reference, predicted, collar, skip),
            slow_error(reference, predicted, collar, skip),
        )
        for name in ("missed_s", "false_alarm_s", "confusion_s", "speech_s"):
            assert getattr(fast, name) == pytest.approx(getattr(slow, name), abs=1e-6), name
        assert fast.rate == pytest.approx(slow.rate)


def merged(turns: list[Turn]) -> list[Turn]:
    """Turns of one speaker that touch joined, so that an edge within them is none."""
    joined: list[Turn] = []
    for turn in sorted(turns, key=lambda turn: (turn.speaker, turn.start_s)):
        if joined and joined[-1].speaker == turn.speaker and turn.start_s <= joined[-1].end_s:
            joined[-1] = Turn(turn.speaker, joined[-1].start_s, max(joined[-1].end_s, turn.end_s))
        else:
            joined.append(turn)
    return joined


def test_perfect_under_other_names_and_silence() -> None:
    turns = random_turns(np.random.default_rng(1), "abcd", 12)
    renamed = [Turn(f"speaker {turn.speaker}", turn.start_s, turn.end_s) for turn in turns]
    assert diarisation_error(turns, renamed).rate == pytest.approx(0, abs=1e-12)
    assert diarisation_error(turns, []).rate == 1
    assert math.isnan(diarisation_error([], turns).rate)
    assert diarisation_error([], turns).false_alarm_s > 0


def test_by_hand() -> None:
    reference = [Turn("a", 0, 6), Turn("b", 4, 10)]
    predicted = [Turn("x", 0, 5), Turn("y", 5, 8), Turn("x", 8, 12)]
    found = diarisation_error(reference, predicted)
    # x is a for 5 s and y is b for 3 s; both speak from 4 to 6, one is heard; x says b's last 2 s and 2 s of nothing.
    assert (found.missed_s, found.false_alarm_s, found.confusion_s, found.speech_s) == (2, 2, 2, 12)
    assert found.rate == 0.5


def test_rttm_files(tmp_path: Path) -> None:
    path = tmp_path / "a.rttm"
    path.write_text("SPKR-INFO m 1 <NA> <NA> <NA> unknown A <NA>\nSPEAKER m 1 1.5 2 <NA> <NA> Ä <NA> <NA>\n")
    assert read_rttm(path) == {"m": (Turn("Ä", 1.5, 3.5),)}
    good = "SPEAKER m 1 1.5 2 <NA> <NA> A <NA>\n"
    for text, words in {
        "SPEAKER m 1 1.5 2\n": "row 1: give SPEAKER, recording",
        good + "\n": "row 2: give SPEAKER",
        "TALKER m 1 1.5 2 <NA> <NA> A <NA>\n": "row 1: give SPEAKER",
        good + "SPEAKER m 1 x 2 <NA> <NA> A <NA>\n": "row 2: onset 'x' is no finite",
        "SPEAKER m 1 1 -2 <NA> <NA> A <NA>\n": "row 1: onset 1, duration -2",
        good + good: "row 2: turn .* came in row 1",
    }.items():
        path.write_text(text)
        with pytest.raises(FileProblem, match=f"a.rttm, {words}"):
            read_rttm(path)


@pytest.mark.parametrize(
    ("turns", "collar", "words"), [([Turn("a", 2, 1)], 0.0, "turn of a from 2 to 1"), ([], -0.1, "collar -0.1")]
)
def test_mistakes_are_told(turns: list[Turn], collar: float, words: str) -> None:
    with pytest.raises(InputError, match=words):
        diarisation_error(turns, [], collar)
