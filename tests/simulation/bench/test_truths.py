"""Every kind of question has a truth or a reason, and the canonical answer is right by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spatial_lalm.audio.scene import Scene, SourceEvent
from spatial_lalm.audio.wording import Spatial
from spatial_lalm.evaluate.item_json import truth_from_json
from spatial_lalm.evaluate.run.parsing import read_text
from spatial_lalm.evaluate.run.scoring import score
from spatial_lalm.simulation.bench.items import Heard, asked_event, pose
from spatial_lalm.simulation.bench.recipe import load_bench
from spatial_lalm.simulation.bench.truths import LEFT_OUT, TRUTHS, askable, truth_of
from spatial_lalm.simulation.bench.voices import bench_library
from spatial_lalm.simulation.questions import REGISTRY, QuestionAnswer, ask_many

Make = Callable[..., SourceEvent]


@pytest.fixture(scope="module")
def scenes(scenes: list[Scene]) -> list[Scene]:
    """A quarter of the random scenes."""
    return scenes[:50]


def qa_of(scene: Scene, kind: str, spatial: Spatial = "full") -> QuestionAnswer:
    """A question of one kind."""
    return ask_many(scene, np.random.default_rng(0), 1, spatial, "held_out", [kind]).kept[0]


def test_every_kind_has_a_truth_or_a_reason() -> None:
    assert TRUTHS.keys() | LEFT_OUT.keys() == REGISTRY.keys()
    assert not TRUTHS.keys() & LEFT_OUT.keys()
    assert all(reason for reason in LEFT_OUT.values())


def test_every_kind_with_a_truth_is_asked_in_some_subset() -> None:
    subsets = load_bench().subsets.values()
    asked = {kind for one in subsets for kind in askable(one.families, one.kinds)}
    asked |= {kind for one in subsets for kind in askable(one.beside_families, one.beside_kinds)}
    assert asked == TRUTHS.keys()


@pytest.mark.parametrize("spatial", ["full", "planar", "lateral"])
def test_canonical_answers_are_right(scenes: list[Scene], spatial: Spatial) -> None:
    counted: Counter[str] = Counter()
    for scene in scenes:
        for qa in ask_many(scene, np.random.default_rng(scene.seed), 30, spatial, "held_out", list(TRUTHS)).kept:
            told = truth_of(scene, qa)
            if told is None or qa.declined:
                continue
            truth = truth_from_json(told, Path())
            outcome, _ = score(truth, read_text(qa.answer, truth), qa.answer)
            assert outcome == "right", (qa, told)
            counted[qa.kind] += 1
    assert len(counted) >= {"full": 50, "planar": 40, "lateral": 30}[spatial]


def test_numbers_are_those_of_the_scene_graph(make: Make, scene_of: Callable[..., Scene]) -> None:
    scene = scene_of(make("tone", 1.2345, 3.4567, (33.123, 7.891, 1.2345)))
    assert truth_of(scene, qa_of(scene, "where")) == {
        "type": "direction", "azimuth_deg": 33.123, "elevation_deg": 7.891,
    }  # fmt: skip
    assert truth_of(scene, qa_of(scene, "planar", "planar"))["elevation_deg"] is None  # type: ignore[index]
    assert truth_of(scene, qa_of(scene, "how_far")) == {"type": "number", "quantity": "distance", "value": 1.2345}
    assert truth_of(scene, qa_of(scene, "when")) == {"type": "span", "parts_s": [[1.2345, 3.4567]]}
    assert truth_of(scene, qa_of(scene, "onset")) == {"type": "number", "quantity": "time", "value": 1.2345}


def test_where_of_several_places_has_no_single_truth(make: Make, scene_of: Callable[..., Scene]) -> None:
    places = [make("tone", 0.0, 2.0, (30.0, 0.0, 1.0)), make("tone", 4.0, 6.0, (-90.0, 0.0, 1.0))]
    assert truth_of(scene_of(*places), qa_of(scene_of(*places), "where")) is None
    moving = scene_of(make("tone", 0.0, 4.0, (30.0, 0.0, 1.0), (-90.0, 0.0, 1.0)))
    assert truth_of(moving, qa_of(moving, "where")) is None


def test_times_that_meet_are_one_part(make: Make, scene_of: Callable[..., Scene]) -> None:
    events = [make("rain", start, start + 2.0, (60.0 * start, 0.0, 1.0)) for start in (0.0, 1.0, 5.0)]
    qa = QuestionAnswer("when", "When does it rain?", "", False, "rain")
    assert truth_of(scene_of(*events), qa) == {"type": "span", "parts_s": [[0.0, 3.0], [5.0, 7.0]]}


def test_the_event_asked_about_is_one_alone(make: Make, scene_of: Callable[..., Scene]) -> None:
    scene = scene_of(make("tone", 0.0, 2.0, (30.0, 0.0, 1.0)), make("rain", 3.0, 5.0, (-60.0, 0.0, 2.0)))
    assert asked_event(scene, QuestionAnswer("where", "", "", False, "rain")) is scene.events[1]
    assert asked_event(scene, QuestionAnswer("where", "", "", False, None)) is None
    assert asked_event(scene, QuestionAnswer("onset", "", "", False, None, evidence=(0,))) is scene.events[0]
    assert asked_event(scene, QuestionAnswer("which_first", "", "", False, None, evidence=(0, 1))) is None


def test_scarce_kinds_are_asked_beside_and_change_no_other_question(scenes: list[Scene]) -> None:
    library, heard = bench_library(), [Heard("foa", "a.flac", 4, "full", format="ambix")]
    usual = replace(load_bench().subsets["relations"], scarce_kinds=())
    beside = replace(usual, scarce_kinds=("choose_octant", "do_overlap"))
    more = 0
    for scene in scenes[:12]:
        before, after = (pose(subset, scene, library, heard) for subset in (usual, beside))
        assert after[: len(before)] == before
        assert {one.qa.kind for one in after[len(before) :]} <= set(beside.scarce_kinds)
        more += len(after) - len(before)
    assert more > 4
