"""Scores of sound event localisation against loops over permutations, closed cases, and the official values."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from spatial_lalm.audio.conventions import unit_vector
from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.files import Pair
from spatial_lalm.evaluate.seld import AVERAGES, PROTOCOLS, SeldScorer
from spatial_lalm.evaluate.seld_tables import SeldTable

Row = tuple[int, int, int, float, float, float]
"""Frame, class, source, azimuth, elevation, distance in metres."""
WAYS = [(benchmark, name) for benchmark, ways in PROTOCOLS.items() for name in ways]
SHARED = os.environ.get("SPATIAL_LALM_SHARED", "")


def table(rows: Sequence[Row], onscreen: int = 1) -> SeldTable:
    if not rows:
        return SeldTable.empty()
    frame, label, source, azimuth, elevation, distance = np.array(rows, dtype=float).T
    ints = [column.astype(np.int64) for column in (frame, label, source)]
    flags = np.full(len(rows), onscreen, dtype=np.int64)
    return SeldTable(*ints, unit_vector(azimuth, elevation), distance, flags)


def pair(reference: Sequence[Row], prediction: Sequence[Row], name: str = "a.csv") -> Pair[SeldTable]:
    return Pair(name, table(reference), table(prediction))


def random_rows(seed: int, frames: int = 34) -> list[Row]:
    """Up to three sources of each of three classes that come and go, around the horizon's front."""
    rng = np.random.default_rng(seed)
    rows = []
    for label, source in [(0, 0), (0, 1), (0, 2), (2, 0), (2, 1), (5, 7)]:
        start = int(rng.integers(0, frames - 4))
        azimuth, elevation, distance = rng.uniform(-60, 60), rng.uniform(-20, 20), rng.uniform(1, 5)
        for frame in range(start, min(frames, start + int(rng.integers(3, 25)))):
            if rng.random() < 0.85:
                rows.append((frame, label, source, azimuth + 0.1 * frame, elevation, distance))
    return sorted(rows)


def disturbed(rows: Sequence[Row], seed: int) -> list[Row]:
    """Some rows lost, some invented, angles and distances off."""
    rng = np.random.default_rng(seed)
    kept = [row for row in rows if rng.random() < 0.8]
    said = [
        (f, c, 0, a + rng.normal(0, 14), e + rng.normal(0, 5), d * float(np.exp(rng.normal(0, 0.6))))
        for f, c, _, a, e, d in kept
    ]
    invented = [(int(rng.integers(0, 40)), int(rng.choice([0, 2, 3])), 0, 9.0, 3.0, 2.0) for _ in range(25)]
    return sorted([*said, *invented])


SCENES = [(random_rows(seed), disturbed(random_rows(seed), seed + 100)) for seed in range(4)]


# ---------------------------------------------------------------- the slow way


def slow_angle(a: Row, b: Row) -> float:
    (az1, el1), (az2, el2) = ([math.radians(x) for x in row[3:5]] for row in (a, b))
    cosine = math.sin(el1) * math.sin(el2) + math.cos(el1) * math.cos(el2) * math.cos(az1 - az2)
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


def slow_match(ours: Sequence[Row], theirs: Sequence[Row]) -> list[tuple[int, int]]:
    """Index pairs of least total angle, over all permutations."""
    turned = len(ours) > len(theirs)
    few, many = (theirs, ours) if turned else (ours, theirs)
    best = min(
        permutations(range(len(many)), len(few)),
        key=lambda order: sum(slow_angle(few[i], many[j]) for i, j in enumerate(order)),
    )
    return sorted((j, i) if turned else (i, j) for i, j in enumerate(best))


class Slow:
    """Counts of one class, kept in lists."""

    def __init__(self) -> None:
        self.angles: list[float] = []
        self.relative: list[float] = []
        self.hits = self.spurious = self.missed = self.references = 0


def rows_of(rows: Sequence[Row], frames: range, label: int) -> list[Row]:
    return [row for row in rows if row[0] in frames and row[1] == label]


def by_frame(rows: Sequence[Row]) -> dict[int, list[Row]]:
    frames: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        frames[row[0]].append(row)
    return frames


def slow_frames(scenes: Sequence[tuple[list[Row], list[Row]]], limit: float) -> tuple[dict[int, Slow], float]:
    found: dict[int, Slow] = defaultdict(Slow)
    errors = 0.0
    for reference, prediction in scenes:
        for frame in range(1 + max(row[0] for row in reference + prediction)):
            wrong = absent = 0
            for label in range(20):
                ours, theirs = (rows_of(side, range(frame, frame + 1), label) for side in (reference, prediction))
                slow = found[label]
                matched = slow_match(ours, theirs) if ours and theirs else []
                hits = 0
                for i, j in matched:
                    angle, off = slow_angle(ours[i], theirs[j]), abs(theirs[j][5] - ours[i][5]) / ours[i][5]
                    slow.angles.append(angle)
                    slow.relative.append(off)
                    hits += angle <= 20 and off <= limit
                slow.hits += hits
                slow.references += len(ours)
                slow.missed += max(0, len(ours) - len(theirs))
                slow.spurious += max(0, len(theirs) - len(ours))
                absent += max(0, len(ours) - len(theirs))
                wrong += max(0, len(theirs) - len(ours)) + len(matched) - hits
            errors += min(absent, wrong) + max(0, absent - wrong) + max(0, wrong - absent)
    return found, errors


def slow_segments(scenes: Sequence[tuple[list[Row], list[Row]]], official: bool) -> tuple[dict[int, Slow], float]:
    found: dict[int, Slow] = defaultdict(Slow)
    errors = 0.0
    for reference, prediction in scenes:
        last = max(row[0] for row in reference)
        end = last if official else 1 + max(last, max(row[0] for row in prediction))
        for start in range(0, end, 10):
            wrong = absent = 0
            for label in range(20):
                sides = [by_frame(rows_of(side, range(start, start + 10), label)) for side in (reference, prediction)]
                tracks: dict[int, list[float]] = defaultdict(list)
                for frame in sorted(sides[0].keys() & sides[1].keys()):
                    ours, theirs = sides[0][frame], sides[1][frame]
                    for i, j in slow_match(ours, theirs):
                        tracks[i if official else ours[i][2]].append(slow_angle(ours[i], theirs[j]))
                means = [sum(angles) / len(angles) for angles in tracks.values()]
                most = [max([len(rows) for rows in side.values()], default=0) for side in sides]
                references = most[0] if official else len({row[2] for rows in sides[0].values() for row in rows})
                if official and most[0] and most[1] and not means:
                    missed, spurious = most[1], 0
                elif official:
                    missed, spurious = max(0, most[0] - most[1]), max(0, most[1] - most[0])
                else:
                    missed, spurious = references - len(means), max(0, most[1] - len(means))
                slow = found[label]
                hits = sum(angle <= 20 for angle in means)
                slow.angles += means
                slow.hits += hits
                slow.references += references
                slow.missed += missed
                slow.spurious += spurious
                wrong += spurious + len(means) - hits
                absent += missed
            errors += max(wrong, absent)
    return found, errors


def slow_f(slow: Slow) -> float:
    wrong = len(slow.angles) - slow.hits + 0.5 * (slow.spurious + slow.missed)
    return slow.hits / (slow.hits + wrong) if slow.hits + wrong else math.nan


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def slow_recall(slow: Slow) -> float:
    return len(slow.angles) / (len(slow.angles) + slow.missed)


@pytest.mark.parametrize(("name", "limit"), [("frame_dist", 1.0), ("frame_nodist", math.inf)])
def test_frames_against_permutations(name: str, limit: float) -> None:
    scores = SeldScorer([pair(*scene) for scene in SCENES], "dcase2024", name).scores()
    found, errors = slow_frames(SCENES, limit)
    heard = [slow for slow in found.values() if slow.angles or slow.spurious or slow.missed]
    there = [slow for slow in heard if slow.references]
    assert len(heard) > len(there) == 3
    expected = {
        "ER": errors / sum(slow.references for slow in there),
        "F": mean([slow_f(slow) for slow in heard]),
        "LR": mean([slow_recall(slow) for slow in there]),
        "AngE": mean([mean(slow.angles) for slow in there]),
        "RelDistE": mean([mean(slow.relative) for slow in there]),
    }
    values = scores.values | {"AngE": scores.values.get("AngE", scores.values.get("LE"))}
    assert {key: values[key] for key in expected if key in values} == pytest.approx(
        {key: value for key, value in expected.items() if key in values}, abs=1e-6
    )
    assert ("RelDistE" in values) == (name == "frame_dist")


@pytest.mark.parametrize("official", [False, True])
def test_seconds_against_permutations(official: bool) -> None:
    scores = SeldScorer([pair(*scene) for scene in SCENES], "dcase2023", official=official).scores("micro").values
    found, errors = slow_segments(SCENES, official)
    hits, misplaced = (sum(x) for x in zip(*[(s.hits, len(s.angles) - s.hits) for s in found.values()], strict=True))
    missed, spurious = (sum(x) for x in zip(*[(s.missed, s.spurious) for s in found.values()], strict=True))
    angles = [angle for slow in found.values() for angle in slow.angles]
    expected = {
        "ER": errors / sum(slow.references for slow in found.values()),
        "F": hits / (hits + misplaced + (missed + spurious) / 2),
        "LE": mean(angles),
        "LR": len(angles) / (len(angles) + missed),
    }
    expected["SELD"] = mean([expected["ER"], 1 - expected["F"], expected["LE"] / 180, 1 - expected["LR"]])
    assert scores == pytest.approx(expected, abs=1e-6)


def test_the_two_variants_differ_on_these_scenes() -> None:
    pairs = [pair(*scene) for scene in SCENES]
    for benchmark, name in WAYS:
        one, other = (SeldScorer(pairs, benchmark, name, official).scores().values for official in (False, True))
        assert one["F"] != other["F"]


# ---------------------------------------------------------------- closed cases


@pytest.mark.parametrize(("benchmark", "name"), WAYS)
@pytest.mark.parametrize("average", AVERAGES)
def test_a_perfect_prediction_is_perfect(benchmark: str, name: str, average: str) -> None:
    pairs = [pair(reference, reference) for reference, _ in SCENES]
    scores = SeldScorer(pairs, benchmark, name).scores(average).values  # type: ignore[arg-type]
    best = {"F": 1, "LR": 1, "OnscreenAcc": 1}
    assert scores == pytest.approx({key: best.get(key, 0) for key in scores}, abs=1e-6)


@pytest.mark.parametrize(("benchmark", "name"), WAYS)
def test_silence_finds_nothing(benchmark: str, name: str) -> None:
    scores = SeldScorer([pair(reference, []) for reference, _ in SCENES], benchmark, name).scores().values
    assert (scores["F"], scores.get("LR", 0), scores.get("ER", 1), scores.get("SELD", 1)) == (0, 0, 1, 1)
    if benchmark in ("dcase2022", "dcase2023"):
        assert scores["LE"] == 180


def test_a_miss_a_hit_and_an_invention_by_hand() -> None:
    reference = [(0, 1, 0, 0.0, 0.0, 2.0), (1, 1, 0, 0.0, 0.0, 2.0)]
    prediction = [(1, 1, 0, 10.0, 0.0, 3.0), (2, 4, 0, 0.0, 0.0, 2.0)]
    scorer = SeldScorer([pair(reference, prediction)], "dcase2024")
    values = {"ER": 1.0, "F": 0.5, "AngE": 10.0, "DistE": 1.0, "RelDistE": 0.5, "LR": 0.5}
    seld = (0.5 + 10 / 180 + 0.5) / 3
    assert scorer.scores("micro").values == pytest.approx(values | {"SELD": seld})
    assert scorer.scores("macro").values["F"] == pytest.approx((1 / 1.5 + 0) / 2)


@pytest.mark.parametrize(("angle", "ratio", "hit"), [(19.99, 1.9, 1), (20.01, 1.9, 0), (0.0, 2.01, 0)])
def test_limits_of_a_hit(angle: float, ratio: float, hit: int) -> None:
    reference, prediction = [(0, 0, 0, 0.0, 0.0, 2.0)], [(0, 0, 0, angle, 0.0, 2.0 * ratio)]
    assert SeldScorer([pair(reference, prediction)], "dcase2024").scores().values["F"] == hit


def test_the_flag_counts_only_where_it_is_asked_for() -> None:
    rows = [(0, 0, 0, 10.0, 0.0, 2.0), (1, 0, 0, 10.0, 0.0, 2.0)]
    pairs = [Pair("a.csv", table(rows, 1), table(rows, 0))]
    found = {name: SeldScorer(pairs, "dcase2025", name).scores().values for name in PROTOCOLS["dcase2025"]}
    assert {name: (values["F"], values["OnscreenAcc"]) for name, values in found.items()} == {
        "audio": (1, 0),
        "onscreen_req": (0, 0),
    }


def test_sources_that_follow_each_other_within_a_second_are_two() -> None:
    rows = [(frame, 0, frame // 5, 90.0 * (frame // 5), 0.0, 1.0) for frame in range(10)]
    found = SeldScorer([pair(rows, rows[:5])], "dcase2023").scores().values
    assert (found["LR"], found["ER"]) == (0.5, 0.5)


def test_a_class_told_in_other_frames_of_its_second_is_missed_and_invented() -> None:
    reference, prediction = [(0, 0, 0, 0.0, 0.0, 1.0)], [(5, 0, 0, 0.0, 0.0, 1.0), (5, 0, 1, 40.0, 0.0, 1.0)]
    sound = SeldScorer([pair(reference, prediction)], "dcase2023").scores("micro").values
    assert (sound["ER"], sound["LR"], sound["F"]) == (2, 0, 0)


def test_order_of_rows_and_of_recordings_does_not_matter() -> None:
    pairs = [pair(*scene) for scene in SCENES]
    turned = [pair(reference[::-1], prediction[::-1]) for reference, prediction in reversed(SCENES)]
    for benchmark, name in WAYS:
        one, other = (SeldScorer(side, benchmark, name).scores().values for side in (pairs, turned))
        assert one == pytest.approx(other)


def test_turning_the_whole_scene_changes_nothing() -> None:
    def turn(rows: Sequence[Row]) -> list[Row]:
        return [(f, c, s, a + 77, e, d) for f, c, s, a, e, d in rows]

    for benchmark, name in WAYS:
        one, other = (
            SeldScorer([pair(move(a), move(b)) for a, b in SCENES], benchmark, name).scores().values
            for move in (list, turn)
        )
        assert one == pytest.approx(other)


# ---------------------------------------------------------------- intervals, errors


def test_interval_of_one_recording_is_its_score_and_of_more_holds_it() -> None:
    alone = SeldScorer([pair(*SCENES[0])], "dcase2023").intervals(resamples=100)["F"]
    assert alone.low == alone.value == alone.high
    scorer = SeldScorer([pair(*scene) for scene in SCENES], "dcase2023")
    some = scorer.intervals(resamples=200)["LE"]
    assert some.low < some.value < some.high
    assert some.value == scorer.scores().values["LE"]


def test_intervals_against_a_loop_over_draws() -> None:
    pairs = [pair(*([row for row in side if row[0] < 12] for side in scene)) for scene in SCENES]
    rng = np.random.default_rng(3)
    drawn = []
    for _ in range(101):
        picks = [int(pick) for pick in rng.integers(4, size=4)]
        drawn.append(SeldScorer([pairs[pick] for pick in picks], "dcase2022").scores("micro").values["ER"])
    found = SeldScorer(pairs, "dcase2022").intervals("micro", resamples=101, seed=3)["ER"]
    assert [found.low, found.high] == pytest.approx(np.percentile(drawn, [2.5, 97.5]).tolist())


def test_what_nothing_was_found_of_has_no_interval() -> None:
    found = SeldScorer([pair(reference, []) for reference, _ in SCENES], "dcase2024").intervals(resamples=100)
    assert set(found) == {"ER", "F", "LR", "SELD"}
    one_found = [pair(SCENES[0][0], SCENES[0][0]), pair(SCENES[1][0], [])]
    assert SeldScorer(one_found, "dcase2024").intervals(resamples=100)["DistE"].high == 0


@pytest.mark.parametrize(
    ("pairs", "benchmark", "name", "official", "words"),
    [
        ([pair([(0, 0, 0, 0, 0, 1)], [])], "dcase2021", "", False, "dcase2021/ is no way of scoring"),
        ([pair([(0, 0, 0, 0, 0, 1)], [])], "dcase2023", "frame", False, "known are dcase2022/segment20"),
        ([], "dcase2023", "", False, "no recording is left"),
        ([pair([], [(0, 0, 0, 0, 0, 1)])], "dcase2023", "", False, "no reference names"),
        ([pair([(0, 13, 0, 0, 0, 1)], [])], "dcase2023", "", True, "a.csv has class 13"),
    ],
)
def test_mistakes_are_told(pairs: list[Pair[SeldTable]], benchmark: str, name: str, official: bool, words: str) -> None:
    with pytest.raises(InputError, match=words) as refused:
        SeldScorer(pairs, benchmark, name, official)
    assert "\n" not in str(refused.value)


@pytest.mark.skipif(not SHARED, reason="SPATIAL_LALM_SHARED names no folder with values of official scorers")
def test_official_values_are_ours() -> None:
    pytest.importorskip("jiwer")
    script = Path(__file__).parents[2] / "benchmarks" / "golden.py"
    done = subprocess.run([sys.executable, script, "--shared", SHARED], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
