"""Detections within 1.75 m, against trying every assignment."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from spatial_lalm.evaluate.folders import FolderOptions, score_folders
from spatial_lalm.evaluate.location import RIGHT_M, Detections, Sounding, detections


def slow_hits(true: list[Sounding], said: list[Sounding]) -> int:
    short, long = sorted((true, said), key=len)
    return max(
        sum(
            a[1] == b[1] and sum((x - y) ** 2 for x, y in zip(a[2], b[2], strict=True)) < RIGHT_M**2
            for a, b in zip(short, order, strict=False)
        )
        for order in permutations(long, len(short))
    )


def test_hits_against_every_assignment() -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        sides = [
            [(0, int(rng.integers(2)), tuple(rng.uniform(-1.5, 1.5, 3).tolist())) for _ in range(rng.integers(0, 4))]
            for _ in range(2)
        ]
        found = detections(*sides)
        hits = slow_hits(*sides)
        assert found == Detections(hits, len(sides[1]) - hits, len(sides[0]) - hits)
        assert detections(*sides, official=True).hits >= hits


def test_officially_two_crowded_pairs_count_where_one_can_match() -> None:
    """Source a is near both predictions and b near none: one hit; officially two predictions near, one source near."""
    true: list[Sounding] = [
        (0, 0, (0.0, 0.0, 0.0)),
        (0, 0, (9.0, 0.0, 0.0)),
        (0, 1, (0.0, 0.0, 0.0)),
        (0, 1, (1.0, 0.0, 0.0)),
    ]
    said: list[Sounding] = [(0, 0, (0.5, 0.0, 0.0)), (0, 0, (0.6, 0.0, 0.0)), (0, 1, (0.5, 0.0, 0.0))]
    assert detections(true, said).hits == 2
    assert detections(true, said, official=True).hits == 3


def test_frames_and_classes_are_apart() -> None:
    here: tuple[float, float, float] = (1.0, 0.0, 0.0)
    assert detections([(0, 0, here)], [(1, 0, here)]) == Detections(0, 1, 1)
    assert detections([(0, 0, here)], [(0, 1, here)]) == Detections(0, 1, 1)
    assert Detections(2, 1, 1).scores() == pytest.approx({"F": 2 / 3, "precision": 2 / 3, "recall": 2 / 3})


@pytest.mark.parametrize(
    ("benchmark", "true", "said", "hits"),
    [
        ("l3das22", "0,3,1.0,2.0,0.0\n", "0,3,1.0,3.7,0.0\n", 1),
        ("l3das22", "0,3,1.0,2.0,0.0\n", "0,3,1.0,3.8,0.0\n", 0),
        ("l3das23", "0,3,2.0,0,0.5\n", "0,3,2.0,45,0.5\n", 1),
        ("l3das23", "0,3,2.0,0,0.5\n", "0,3,2.0,60,0.5\n", 0),
        ("l3das23", "0,3,2.0,0,0.5\n", "", 0),
    ],
)
def test_folders(tmp_path: Path, benchmark: str, true: str, said: str, hits: int) -> None:
    for side, text in (("true", true), ("said", said)):
        (tmp_path / side).mkdir()
        (tmp_path / side / "a.csv").write_text(text)
    report = score_folders(benchmark, tmp_path / "true", tmp_path / "said", FolderOptions(official=True))
    assert report.scores["all"]["F"] == hits
    assert not report.problems
