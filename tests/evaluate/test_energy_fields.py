"""Maps of energy against maps, by hand and by loops over pixels and recalls."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.energy_fields import IOUS, EnergyScorer, average_precisions, energy_field
from spatial_lalm.evaluate.folders import FolderOptions, score_folders
from spatial_lalm.evaluate.readers.energy_maps import EnergyMap


def spot(
    x: float, y: float, frame: int = 0, category: int = 0, score: float = 0.9, distance: float = 200.0
) -> EnergyMap:
    return EnergyMap(frame, category, 0, np.array([[x, y, 1.0]]), distance, score)


def scores(true: list[EnergyMap], said: list[EnergyMap], official: bool = False) -> dict[str, float]:
    scorer = EnergyScorer(official)
    scorer.add(true, said)
    return scorer.scores()


def test_a_field_against_a_loop_over_pixels() -> None:
    points = np.array([[10.0, 90.0, 1.0], [355.0, 80.0, 0.5], [180.0, 3.0, 0.7]])
    found = energy_field(points)
    for row, column in [(90, 10), (85, 2), (80, 355), (3, 180), (0, 0), (3, 0), (90, 30)]:
        due = 0.0
        for x, y, energy in points:
            (a, b), (c, d) = (
                (math.radians(180 - u), math.radians(90 - v * 180 / 179)) for u, v in ((x, y), (column, row))
            )
            cosine = math.sin(b) * math.sin(d) + math.cos(b) * math.cos(d) * math.cos(a - c)
            due += energy * math.exp((cosine - 1) / math.radians(6) ** 2)
        assert found[row, column] == pytest.approx(due, abs=5e-4)
    assert found[2, 0] > 0.1  # over the pole


def test_the_truth_itself_is_perfect() -> None:
    true = [spot(90, 60), spot(300, 100, category=3), spot(1, 90, frame=2)]
    assert scores(true, true) == pytest.approx({"mAP": 1.0, "AP50": 1.0, "r": 1.0, "RDE": 0.0})


def test_places_classes_and_distances() -> None:
    true = [spot(90, 90), spot(200, 90, category=1)]
    assert scores(true, [])["mAP"] == 0.0
    assert math.isnan(scores(true, [])["r"])
    swapped = [spot(90, 90, category=1), spot(200, 90, category=0)]
    assert scores(true, swapped)["mAP"] == 0.0
    assert math.isnan(scores(true, swapped)["RDE"])
    half = scores(true, [spot(90, 90, distance=300.0)])
    assert half == pytest.approx({"mAP": 0.5, "AP50": 0.5, "r": 1.0, "RDE": 0.5})
    near = scores(true[:1], [spot(95, 90)])
    assert near["AP50"] == 1.0
    assert 0.1 < near["mAP"] < 0.9
    assert 0.5 < near["r"] < 1.0
    far = scores(true[:1], [spot(111, 90)])
    assert far["mAP"] == 0.0
    assert math.isnan(far["RDE"])


def test_means_are_over_classes_and_officially_over_pairs() -> None:
    true = [spot(90, 90, frame) for frame in range(3)] + [spot(200, 90, category=1)]
    said = [spot(90, 90, frame, distance=300.0) for frame in range(3)] + [spot(200, 90, category=1)]
    assert scores(true, said)["RDE"] == pytest.approx(0.25)
    assert scores(true, said, official=True)["RDE"] == pytest.approx(0.375)


def slow_precision(detections: list[tuple[float, Any]], references: int, level: int) -> float:
    """Mean over recalls of the best precision of any cut of the list that reaches it."""
    listed = sorted(detections, key=lambda one: -one[0])
    cuts = []
    for count in range(1, len(listed) + 1):
        hits = sum(bool(flags[level]) for _, flags in listed[:count])
        cuts.append((hits / references, hits / count))
    recalls = [step / 100 for step in range(101)]
    return sum(max((p for r, p in cuts if r >= recall - 1e-12), default=0.0) for recall in recalls) / 101


def test_average_precision_against_a_loop() -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        count = int(rng.integers(1, 12))
        found = [(float(score), rng.random(len(IOUS)) < 0.5) for score in rng.permutation(100)[:count] / 100]
        fast, rounded = (average_precisions(found, count + 1, official) for official in (False, True))
        for level in range(len(IOUS)):
            due = slow_precision(found, count + 1, level)
            assert fast[level] == pytest.approx(due)
            assert due - 0.1 < rounded[level] <= due + 1e-12


def test_surer_predictions_go_first() -> None:
    true = [spot(90, 90)]
    good, bad = spot(90, 90, score=0.9), spot(200, 90, score=0.5)
    assert scores(true, [bad, good])["mAP"] == pytest.approx(1.0)
    assert scores(true, [spot(90, 90, score=0.5), spot(200, 90, score=0.9)])["mAP"] == pytest.approx(0.5)


def maps(path: Path, *rows: dict[str, Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"annotations": list(rows)}))


def test_folders(tmp_path: Path) -> None:
    row = {
        "metadata_frame_index": 3,
        "instance_id": 0,
        "category_id": 8,
        "distance": 200,
        "segmentation": [[[90, 60, 1.0]]],
    }
    reference, said = tmp_path / "reference", tmp_path / "said"
    maps(reference / "a.json", row)
    maps(said / "a.json", row | {"score": 0.9})
    report = score_folders("dcase2026", reference, said)
    assert report.scores == {"macro": pytest.approx({"mAP": 1.0, "AP50": 1.0, "r": 1.0, "RDE": 0.0})}
    assert report.classes == {"macro": {"8": [pytest.approx(1.0)]}}
    maps(said / "a.json", row)
    report = score_folders("dcase2026", reference, said, FolderOptions(official=True))
    assert report.scores["macro"]["mAP"] == 0.0
    assert "row 1: lacks score" in str(report.problems[0])
    with pytest.raises(InputError, match="unit"):
        score_folders("dcase2026", reference, said, FolderOptions(prediction_unit="m"))
