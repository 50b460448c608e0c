"""``benchmarks/needles.py`` and what is made of it: where needles lie, what is read, which answers are right."""

from __future__ import annotations

import argparse
import copy
import importlib
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from spatial_lalm.audio.conventions import angle_between, unit_vector
from spatial_lalm.audio.recording import Recording
from spatial_lalm.audio.scene import CLASSES, SourceEvent
from spatial_lalm.model.analysis import analyse, plan_analysis
from spatial_lalm.model.answers import Evidence
from spatial_lalm.model.loading import SpatialLalm
from spatial_lalm.model.modeling import new_memory
from spatial_lalm.model.recorded import Recorded, RecordedEvent

RATE = 16_000
SIZES = {"size": 16, "heads": 2, "layers": 1, "segment_tokens": 2, "chapter_segments": 4, "keys": 8}


@pytest.fixture(scope="module")
def needles() -> ModuleType:
    return importlib.import_module("needles")


@pytest.fixture(scope="module")
def budgets() -> ModuleType:
    return importlib.import_module("budgets")


@pytest.fixture(scope="module")
def needle_map() -> ModuleType:
    return importlib.import_module("needle_map")


# ---------------------------------------------------------------- recordings


@pytest.mark.parametrize("count", [3, 11])
def test_over_eleven_recordings_every_class_lies_once_at_every_depth(needles: ModuleType, count: int) -> None:
    labels = [f"class {n}" for n in range(count)]
    recordings = [needles.labels_by_depth(labels, number) for number in range(11)]
    for recording in recordings:
        assert sorted(label for _, label in recording) == sorted(labels)
        assert len({depth for depth, _ in recording}) == count
    depths = Counter(depth for recording in recordings for depth, _ in recording)
    assert depths == Counter(dict.fromkeys(needles.DEPTHS, count))
    if count == 11:
        assert set(Counter(pair for recording in recordings for pair in recording).values()) == {1}


@pytest.mark.parametrize(
    ("busy", "depth", "onset"),
    [
        ([], 0.5, 48.0),
        ([(47.0, 53.0)], 0.5, 42.7),
        ([(45.0, 53.0)], 0.5, 53.3),
        ([(0.0, 5.0)], 0.0, 5.3),
        ([(60.0, 100.0)], 1.0, 55.7),
    ],
)
def test_a_needle_lies_where_nothing_else_sounds(
    needles: ModuleType, busy: list[tuple[float, float]], depth: float, onset: float
) -> None:
    found = needles.quiet_onset(busy, depth, 100.0)
    assert found == pytest.approx(onset, abs=0.11)
    free = (found - needles.CLEAR_S + 1e-6, found + needles.NEEDLE_S + needles.CLEAR_S - 1e-6)
    assert all(end <= free[0] or start >= free[1] for start, end in busy)


@pytest.fixture(scope="module")
def hay(needles: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return needles.haystack(tmp_path_factory.mktemp("hay") / "hay.wav", 1.2, 0, needles.open_needles(None))


def test_needles_are_added_where_and_from_where_their_labels_say(
    needles: ModuleType, hay: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(needles, "labels_by_depth", lambda labels, number: [])
    bare = needles.haystack(tmp_path / "bare.wav", 1.2, 0, needles.open_needles(None))
    assert not bare.needles
    assert {needle.event.label for needle in hay.needles} == {"chirp", "click", "modulated_noise"}
    assert not {event.label for event in bare.scene.events} & {needle.event.label for needle in hay.needles}
    (mixed, rate), (others, _) = soundfile.read(hay.path), soundfile.read(bare.path)
    assert rate == RATE
    assert len(mixed) == len(others) == round(72.0 * RATE)
    added = (mixed - others).T
    outside = np.ones(added.shape[1], bool)
    for needle in hay.needles:
        event = needle.event
        there = slice(max(0, round((event.onset_s - 0.2) * RATE)), round((event.offset_s + 2.5) * RATE))
        outside[there] = False
        assert np.square(added[0, there]).sum() > 1.0
        assert abs(event.onset_s - needle.depth * 68.0) < 20.0
        assert not any(e.onset_s < event.offset_s and e.offset_s > event.onset_s for e in bare.scene.events)
        direct = added[:, round(event.onset_s * RATE) : round((event.onset_s + 0.3) * RATE)]
        towards = direct[0] @ direct[[3, 1, 2]].T
        assert angle_between(towards, unit_vector(event.azimuth_deg, event.elevation_deg)) < 35.0
    assert np.abs(added[:, outside]).max() < 1e-3


def test_longer_recordings_hide_the_same_needles(needles: ModuleType, hay: Any, tmp_path: Path) -> None:
    longer = needles.haystack(tmp_path / "longer.wav", 1.7, 0, needles.open_needles(None))
    assert longer.scene.room == hay.scene.room
    assert longer.scene.receiver_m == hay.scene.receiver_m
    for one, other in zip(hay.needles, longer.needles, strict=True):
        assert (one.depth, one.event.label, one.event.trajectory) == (
            other.depth, other.event.label, other.event.trajectory
        )  # fmt: skip
        assert one.event.offset_s - one.event.onset_s == pytest.approx(other.event.offset_s - other.event.onset_s)


def test_clips_are_the_ten_seconds_around_a_needle(needles: ModuleType, hay: Any, tmp_path: Path) -> None:
    whole, _ = soundfile.read(hay.path, dtype="int16")
    for needle in hay.needles:
        begins_s = needles.cut_clip(hay, needle, tmp_path / "clip.wav")
        clip, _ = soundfile.read(tmp_path / "clip.wav", dtype="int16")
        first = round(begins_s * RATE)
        np.testing.assert_array_equal(clip, whole[first : first + 10 * RATE])
        assert begins_s <= needle.event.onset_s
        assert needle.event.offset_s <= begins_s + 10.0


# ---------------------------------------------------------------- what is read


def event(label: str, start_s: float, end_s: float, azimuth: float = 0.0, confidence: float = 0.8) -> RecordedEvent:
    evidence = Evidence(start_s, end_s, label, azimuth, 0.0, 1.0, confidence)
    return RecordedEvent(evidence, 0, 0, -30.0, np.zeros((max(1, round(10 * (end_s - start_s))), 3)))


@pytest.fixture(scope="module")
def analysed(
    tiny_model: SpatialLalm, sound: np.ndarray, tmp_path_factory: pytest.TempPathFactory
) -> dict[bool, tuple[SpatialLalm, Recorded]]:
    """Four minutes heard by a model without and with a memory, with three events: rain, a dog and rain."""
    folder = tmp_path_factory.mktemp("analysed")
    soundfile.write(folder / "long.wav", np.tile(sound, 48).T, RATE)
    remembering = copy.deepcopy(tiny_model)
    remembering.model.config.memory_config = dict(SIZES)
    torch.manual_seed(2)
    remembering.model.memory = new_memory(remembering.model.config).eval()
    found = {}
    for memory, model in ((False, tiny_model), (True, remembering)):
        out = folder / f"{memory}.h5"
        analyse(plan_analysis(model, Recording.open(folder / "long.wav"), views=1), out, 1)
        heard = (event("rain", 10.0, 14.0, 90.0), event("dog_bark", 100.0, 101.0, -45.0), event("rain", 200.0, 203.0))
        found[memory] = (model, replace(Recorded.open(out), events=heard))
    return found


@pytest.mark.parametrize("memory", [False, True])
def test_every_way_holds_what_it_reads_and_reads_within_its_budget(
    budgets: ModuleType, analysed: dict[bool, tuple[SpatialLalm, Recorded]], memory: bool
) -> None:
    model, recorded = analysed[memory]
    budget = budgets.Budget(recorded, model)
    assert ("keys" in budget.ways) == memory
    for way in budget.ways:
        held = budget.holds(way, "rain", "When do you hear the rain?", np.random.default_rng(0))
        assert all(0.0 <= low < high <= 240.0 for low, high in held.spans)
        inside = [any(low <= e.evidence.start_s and e.evidence.end_s <= high for low, high in held.spans)
                  for e in held.events]  # fmt: skip
        assert all(inside), way
        seconds = sum(high - low for low, high in held.spans)
        if way in ("memory", "keys", "uniform", "random"):
            assert seconds == pytest.approx(15 * 12.0 if way in ("uniform", "random") or not memory else 14 * 12.0)
        if way == "memory":
            assert [e.evidence.start_s for e in held.events if e.label == "rain"] == [10.0, 200.0]
        if way == "no memory":
            assert held.spans == [(210.0, 240.0)]
            assert not held.events
        if way == "index":
            assert held.events == recorded.events


def test_captions_are_kept_by_class_and_budget(
    budgets: ModuleType, analysed: dict[bool, tuple[SpatialLalm, Recorded]]
) -> None:
    model, recorded = analysed[False]
    budget = budgets.Budget(recorded, model)
    captions = budget.captions("captions")
    assert len(captions) == 8
    assert captions[0].text == "00:00:00 I hear rain."
    assert captions[3].text == "00:01:30 I hear a dog bark."
    assert captions[0].tokens == len(model.processor.tokenizer.encode(captions[0].text))
    small = budgets.Budget(recorded, model, captions[6].tokens + captions[0].tokens)
    held = small.holds("captions", "rain", "", np.random.default_rng(0))
    assert held.spans == [(0.0, 30.0), (180.0, 210.0)]
    assert [(e.evidence.start_s, e.evidence.end_s, e.evidence.azimuth_deg) for e in held.events] == [
        (0.0, 30.0, None), (180.0, 210.0, None)
    ]  # fmt: skip
    placed = budget.holds("captions with places", "dog_bark", "", np.random.default_rng(0))
    assert [e.evidence.azimuth_deg for e in placed.events] == [-45.0]


def test_pooling_keeps_within_the_budget_and_points_to_the_likeliest_group(
    budgets: ModuleType, analysed: dict[bool, tuple[SpatialLalm, Recorded]]
) -> None:
    model, recorded = analysed[False]
    held = budgets.Budget(recorded, model).holds("mean pooling", "rain", "", np.random.default_rng(0))
    assert held.spans == [(0.0, 240.0)]
    (found,) = held.events
    assert found.evidence.end_s - found.evidence.start_s == 8.0  # 60 windows in at most 33 groups
    coarse = budgets.Budget(recorded, model, 40).holds("mean pooling", "rain", "", np.random.default_rng(0))
    assert coarse.events[0].evidence.end_s - coarse.events[0].evidence.start_s == 120.0


def test_a_file_of_another_model_is_refused(
    budgets: ModuleType, analysed: dict[bool, tuple[SpatialLalm, Recorded]]
) -> None:
    with pytest.raises(ValueError, match="not written by"):
        budgets.Budget(analysed[True][1], analysed[False][0])


def test_events_are_cut_to_what_was_read(budgets: ModuleType) -> None:
    long = replace(event("rain", 10.0, 30.0), path=np.arange(600.0).reshape(200, 3))
    first, second = budgets.events_within([long, event("rain", 11.95, 12.1)], [(0.0, 12.0), (24.0, 36.0)])
    assert (first.evidence.start_s, first.evidence.end_s) == (10.0, 12.0)
    assert (second.evidence.start_s, second.evidence.end_s) == (24.0, 30.0)
    np.testing.assert_array_equal(first.path, long.path[:20])
    np.testing.assert_array_equal(second.path, long.path[140:200])
    assert budgets.joined([(0.0, 12.0), (12.0, 24.0), (36.0, 48.0)]) == [(0.0, 24.0), (36.0, 48.0)]


def test_modulated_noise_is_no_noise(budgets: ModuleType) -> None:
    assert budgets.names("I hear modulated noise and a tone.", "modulated_noise")
    assert not budgets.names("I hear modulated noise and a tone.", "noise")
    assert budgets.names("I hear modulated noise and noise.", "noise")
    assert not budgets.names("I hear milestones.", "tone")


def test_rows_are_spread_or_drawn(budgets: ModuleType) -> None:
    assert budgets.uniform_rows(5, 15) == [0, 1, 2, 3, 4]
    assert budgets.uniform_rows(101, 3) == [0, 50, 100]
    drawn = budgets.random_rows(100, 15, np.random.default_rng(0))
    assert len(set(drawn)) == 15
    assert drawn != budgets.random_rows(100, 15, np.random.default_rng(1))


# ---------------------------------------------------------------- what becomes of needles


def rain_at(onset_s: float, azimuth: float = 90.0) -> SourceEvent:
    return SourceEvent("rain", onset_s, onset_s + 3.0, ((azimuth, 0.0, 1.0),), (True,) * 30)


@pytest.mark.parametrize(
    ("needle", "heard", "found", "right"),
    [
        (rain_at(10.0), [event("rain", 10.4, 13.0, 95.0)], True, True),
        (rain_at(10.0), [event("rain", 10.4, 13.0, 120.0)], True, False),  # from elsewhere
        (rain_at(10.0), [event("rain", 12.6, 13.0, 90.0)], True, False),  # too late
        (rain_at(10.0), [event("rain", 13.1, 15.0, 90.0)], False, False),
        (rain_at(10.0), [event("dog_bark", 10.0, 13.0, 90.0)], False, False),
        (rain_at(10.0), [event("rain", 10.0, 13.0, 90.0, 0.1), event("dog_bark", 50.0, 55.0)], False, False),  # unsure
        (rain_at(10.0), [event("rain", 10.0, 13.0, 90.0), event("rain", 60.0, 90.0, 0.0)], True, False),  # false alarm
        (rain_at(10.0), [], False, False),
    ],
)
def test_what_counts_as_found_and_right(
    budgets: ModuleType, needle_map: ModuleType, needles: ModuleType,
    analysed: dict[bool, tuple[SpatialLalm, Recorded]], needle: SourceEvent, heard: list[RecordedEvent], found: bool,
    right: bool,
) -> None:  # fmt: skip
    recorded = analysed[False][1]
    hidden = needles.Needle(0.5, needle)
    told = needle_map.outcome(recorded, budgets.Held([(0.0, 240.0)], tuple(heard)), hidden, 4.0, "index")
    assert (told.read, told.found, told.right) == (True, found, right)
    if found:
        assert told.time_error_s == pytest.approx(abs(heard[0].evidence.start_s - 10.0))
        assert told.angle_error_deg == pytest.approx(abs(heard[0].evidence.azimuth_deg - 90.0))  # type: ignore[operator]
    later = needles.Needle(0.5, replace(needle, onset_s=1010.0, offset_s=1013.0))
    held = budgets.Held([(0.0, 240.0)], tuple(heard))
    assert needle_map.outcome(recorded, held, later, 4.0, "index", None, 1000.0) == pytest.approx(told, nan_ok=True)


def test_unread_needles_and_events_without_a_place(
    budgets: ModuleType, needle_map: ModuleType, needles: ModuleType,
    analysed: dict[bool, tuple[SpatialLalm, Recorded]],
) -> None:  # fmt: skip
    recorded, hidden = analysed[False][1], needles.Needle(0.5, rain_at(10.0))
    assert not needle_map.outcome(recorded, budgets.Held([(30.0, 60.0)], ()), hidden, 4.0, "random").read
    caption = budgets.event_of("rain", (0.0, 30.0), None, None)
    told = needle_map.outcome(recorded, budgets.Held([(0.0, 30.0)], (caption,)), hidden, 4.0, "captions")
    assert (told.found, told.right, told.time_error_s) == (True, False, 10.0)
    assert np.isnan(told.angle_error_deg)


def test_tables_and_map(needle_map: ModuleType, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    def rows(way: str, found: list[bool], angle: float) -> list[Any]:
        errors = {True: (0.5, angle), False: (np.nan, np.nan)}
        return [
            needle_map.Outcome(5.0, n / 2, "rain", way, True, one, one, *errors[one]) for n, one in enumerate(found)
        ]

    found = [
        *rows("index", [True, True, False], 6.0), *rows("uniform", [False] * 3, 0.0),
        *rows(needle_map.CLIP, [True, False, True], 4.0),
    ]  # fmt: skip
    needle_map.print_tables(found)
    told = capsys.readouterr().out
    assert "| index | 5 | 3 | 100 | 67 | 67 | 0.50 | 6.0 |" in told
    assert "| uniform | 5 | 3 | 100 | 0 | 0 | nan | - |" in told
    assert "| 5 | 100 / 100 | - | - | - | - | 100 / 100 | - | - | - | - | 0 / 0 |" in told
    assert "of 2 needles found in their clips 1 are found; 0.50 s for 0.50 s" in told
    assert "| index | 67 |" in told
    assert re.search(r"6\.00 ° for 4\.00 °", told)
    needle_map.draw_map(found, tmp_path / "map.png", "Needles")
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


# ---------------------------------------------------------------- the command, the profile


def test_lengths_on_the_command_line() -> None:
    counted = importlib.import_module("long_audio")._counted
    assert counted("30:6") == (30.0, 6)
    assert counted("1.5") == (1.5, 1)
    for wrong in ("1:2", "30:0", "x", "30:x", "nan:2", "inf"):
        with pytest.raises(argparse.ArgumentTypeError, match="give MINUTES:N"):
            counted(wrong)


def test_cpu_time_counts_for_the_stage_of_the_running_thread() -> None:
    shares = importlib.import_module("cpu_shares")
    code = "def spin(until):\n    while process_time() < until:\n        pass\n"
    names: dict[str, Any] = {"process_time": time.process_time}
    exec(compile(code, "/x/spatial_lalm/audio/features.py", "exec"), names)
    with shares.CpuShares() as looks, ThreadPoolExecutor(1) as pool:
        pool.submit(names["spin"], time.process_time() + 0.4).result()
    assert looks.shares()["features"] > 0.8
    assert sum(looks.shares().values()) == pytest.approx(1.0)
    assert {stage for stage, _ in shares.STAGES} >= looks.shares().keys() - {shares.OTHER}


def test_all_classes_have_names_that_captions_tell_apart(budgets: ModuleType) -> None:
    for label in CLASSES:
        text = f"I hear {budgets.spoken_name(label, 'a')}."
        assert [other for other in CLASSES if budgets.names(text, other)] == [label]
