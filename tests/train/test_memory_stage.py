"""Training the memory: what recordings are laid of, where the evidence lies, a run that goes on to the bit."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from spatial_lalm.audio.features import spatial_features
from spatial_lalm.audio.scene import Acoustics, Room, Scene, SourceEvent
from spatial_lalm.model.loading import SpatialLalm
from spatial_lalm.train.config import MemoryData, MemoryStage, Optimisation
from spatial_lalm.train.memory_data import LongRecording, Take, Takes, hear_part, takes_of
from spatial_lalm.train.memory_questions import EVIDENCE_KINDS, Asker, LongEvent, is_at
from spatial_lalm.train.memory_stage import Batches, encoded, evidence_marks, train_memory

STAGE = MemoryStage(
    data=MemoryData(windows=(4, 7), rooms=2, takes=1, questions=4),
    optimisation=Optimisation(steps=4, batch=2, checkpoint_every=2, warm_up=1, bfloat16=False),
    answer_every=2, answers=2, read_tokens=100,
    model={"size": 16, "heads": 2, "layers": 1, "segment_tokens": 2, "chapter_segments": 2, "keys": 8},
)  # fmt: skip
LABELS = ("speech", "dog_bark", "rain", "music", "click", "rooster", "tone", "chirp")


def scene(number: int) -> Scene:
    """Eight seconds: a sound of a class of its number, and every third time speech."""
    place = ((40.0 * number % 360 - 180, 0.0, 2.0),)
    events = [SourceEvent(LABELS[number % len(LABELS)], 0.5, 3.0, place, (True,) * 25)]
    events += [SourceEvent("speech", 4.5, 7.5, place, (True,) * 30, speaker="p1")] * (number % 3 == 0)
    t60 = 0.2 + 0.4 * (number % 4)
    room = Room((5.0, 4.0, 3.0), (0.2,) * 6)
    return Scene(
        8.0, 16_000, 1, room, (1.0, 1.0, 1.0), tuple(events), Acoustics(t60, (t60,) * 6, 3.0, 8.0), 20.0, number
    )


def part_of(scenes: int) -> dict[str, np.ndarray]:
    """Noise of changing level and direction in place of their sounds."""
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.05, (scenes, 4, 128_000)) * rng.uniform(0, 1, (scenes, 4, 1))
    heard = [spatial_features(torch.from_numpy(one[None]).float(), 1)[0].half().numpy() for one in noise]
    return {
        "features": np.stack(heard)[:, :, :400],
        "quality": np.ones((scenes, 4, 64), np.float16),
        "scene": np.array([json.dumps(scene(number).to_json()) for number in range(scenes)]),
    }


@pytest.fixture(scope="module")
def heard(tiny_model: SpatialLalm) -> dict[str, np.ndarray]:
    return hear_part(tiny_model.model, part_of(16), seed=0, batch=5)


@pytest.fixture(scope="module")
def takes(heard: dict[str, np.ndarray]) -> Takes:
    return Takes(takes_of(heard), 4.0, 3, 17)


def recording(*events: tuple[str, float, float], windows: int = 9, rooms: tuple[float, ...] = (0.4,)) -> LongRecording:
    made = tuple(LongEvent(label, a, b, 90.0, 0.0, 1.0, label, 0, "full") for label, a, b in events)
    room = np.arange(windows) * len(rooms) // windows
    nothing = np.zeros((windows, 1, 1), np.float32)
    return LongRecording(nothing, nothing, 4.0 * np.arange(windows), made, rooms, room, np.zeros((0, 7)))


# ---------------------------------------------------------------- takes and recordings


def test_takes_hold_whole_windows_and_scenes_turned(heard: dict[str, np.ndarray], takes: Takes) -> None:
    assert heard["hidden"].shape[:3] == (16, 2, 10)
    assert np.isfinite(heard["numbers"]).all()
    assert len(takes.takes) == 16
    for number, take in enumerate(takes.takes):
        truth = scene(number)
        assert [event.label for event in take.scene.events] == [event.label for event in truth.events]
        assert take.scene.events[0].distance_m == 2.0
        assert set(take.found[:, 0].astype(int)) <= {0, 1}
        assert (take.found[:, 3] > take.found[:, 2]).all()
        assert take.found[:, 3].max(initial=0.0) <= 8.0
    assert takes.takes[1].scene.events[0].azimuth_deg != pytest.approx(scene(1).events[0].azimuth_deg)


@pytest.mark.parametrize("windows", [1, 7, 40])
def test_recordings_are_as_long_as_wanted_and_their_sounds_are_in_them(takes: Takes, windows: int) -> None:
    made = takes.draw(np.random.default_rng(windows), windows, 3)
    assert len(made.hidden) == len(made.numbers) == len(made.room) == windows
    assert made.starts_s.tolist() == [4.0 * n for n in range(windows)]
    assert (np.diff(made.room) >= 0).all()
    assert len(made.t60_s) == made.room.max() + 1
    for event in made.events:
        assert 0 <= event.start_s < event.end_s <= 4.0 * windows
        assert event.room in made.room[int(event.start_s // 4) : int(np.ceil(event.end_s / 4))]
    assert made.found[:, 0].max(initial=0) < windows
    again = takes.draw(np.random.default_rng(windows), windows, 3)
    assert again.events == made.events
    np.testing.assert_array_equal(again.numbers, made.numbers)


def test_tokens_tell_the_time_at_which_they_stand(tiny_model: SpatialLalm, takes: Takes) -> None:
    made = takes._laid([(3, 2, 0), (5, 1, 0)])
    first, third = (torch.from_numpy(made.numbers[n, :, :16]) for n in (0, 2))
    plain = torch.from_numpy(takes.takes[5].numbers[0, :, :16].astype(np.float32))
    assert not torch.allclose(third, plain, atol=1e-2)
    assert torch.allclose(first, torch.from_numpy(takes.takes[3].numbers[0, :, :16].astype(np.float32)))
    assert made.events[-1].start_s == 8.5


# ---------------------------------------------------------------- questions and evidence


@pytest.mark.parametrize("kind", EVIDENCE_KINDS)
def test_evidence_is_what_the_question_is_about(takes: Takes, kind: str) -> None:
    rng, seen = np.random.default_rng(0), 0
    for seed in range(20):
        made = takes.draw(np.random.default_rng(seed), 30, 3)
        asker = Asker(made.events, made.t60_s, rng)
        asked = asker.ask(kind)
        if asked.kind != kind:
            continue
        seen += 1
        labels = [made.events[i].label for i in asked.events]
        assert set(asked.events).isdisjoint(asked.unclear)
        if kind == "absent":
            assert not asked.events
            assert asked.label not in {event.label for event in made.events}
        elif kind == "room":
            assert asked.room is not None
        elif kind == "side":
            assert all(is_at(asked.place or "", made.events[i]) for i in asked.events)
            assert set(labels) <= {asked.label}
        elif kind == "between":
            assert len(set(labels)) == 2
        else:
            every = [event for event in made.events if event.label == asked.label]
            assert set(labels) == {asked.label}
            assert len(asked.events) + len(asked.unclear) == len(every)
    assert seen


def test_held_out_phrasings_are_never_trained_on(takes: Takes) -> None:
    made = takes.draw(np.random.default_rng(0), 30, 3)
    texts = {split: {Asker(made.events, made.t60_s, np.random.default_rng(n), split).ask().text.lower().strip("?.")
                     for n in range(150)} for split in ("train", "held_out")}  # fmt: skip
    assert texts["train"].isdisjoint(texts["held_out"])


def test_marks_follow_from_times() -> None:
    made = recording(("rain", 10.0, 14.0), ("click", 11.8, 12.1), ("dog_bark", 25.0, 26.0))
    asker = Asker(made.events, made.t60_s, np.random.default_rng(0))
    rain, click, dog = (replace(asker.ask("count"), events=(n,), unclear=()) for n in range(3))
    order = replace(rain, events=(2,), unclear=(0,))
    holds, unclear = evidence_marks(made, [rain, click, dog, order], 3, 4.0)
    assert holds.tolist() == [[True, True, False], [True, False, False], [False, False, True], [False, False, True]]
    assert unclear.tolist() == [[False] * 3, [False, True, False], [False] * 3, [True, True, False]]


def test_a_room_is_evidence_where_a_segment_is_all_in_it() -> None:
    made = recording(windows=9, rooms=(0.2, 2.0))
    asked = next(
        one for n in range(50) if (one := Asker((), made.t60_s, np.random.default_rng(n))._room()) and one.room
    )
    holds, unclear = evidence_marks(made, [asked], 3, 4.0)
    assert made.room.tolist() == [0] * 5 + [1] * 4
    assert holds.tolist() == [[False, False, True]]
    assert unclear.tolist() == [[False, True, False]]


# ---------------------------------------------------------------- training


@pytest.fixture
def data(heard: dict[str, np.ndarray], tmp_path: Path) -> Path:
    for split in ("train", "validation"):
        (tmp_path / split).mkdir()
        np.savez(tmp_path / split / "take_0000_0.npz", **heard)
    return tmp_path


def test_a_run_that_stopped_goes_on_to_the_bit(
    tiny_model: SpatialLalm, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spatial_lalm.train.memory_stage.VALIDATION_WINDOWS", (6,))
    whole = train_memory(STAGE, copy.deepcopy(tiny_model), data, data / "whole").state_dict()

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_memory(STAGE, copy.deepcopy(tiny_model), data, data / "parts", stop)
    model = copy.deepcopy(tiny_model)
    parts = train_memory(STAGE, model, data, data / "parts").state_dict()
    assert [name for name in whole if not whole[name].equal(parts[name])] == []
    rows = [json.loads(line) for line in (data / "whole" / "log.jsonl").read_text().splitlines()]
    assert "recall@5_6" in rows[-1]["validation"]
    before, after = tiny_model.model.state_dict(), model.model.state_dict()
    assert all(before[name].equal(after[name]) for name in before)  # nothing else has changed
    assert model.model.config.memory_config == STAGE.model


def test_recordings_begin_at_any_time_and_their_own_harmonics_stay(tiny_model: SpatialLalm, takes: Takes) -> None:
    from spatial_lalm.model.modeling import new_memory

    model = copy.deepcopy(tiny_model)
    model.model.config.memory_config = STAGE.model
    batches = Batches(STAGE, takes, model, new_memory(model.model.config))
    made = batches.draw(np.random.default_rng(0), 8, 6)
    begins = made.starts[:, 0].double()
    assert begins.max() - begins.min() > 3600
    assert torch.allclose((begins / 102.4).round() * 102.4, begins, atol=0.02)
    assert made.holds[0].shape == (8, 4, 2)
    assert made.holds[1].shape == (8, 4, 1)


def test_questions_are_padded_on_the_right(tiny_model: SpatialLalm) -> None:
    ids, mask = encoded(tiny_model, ["Where?", "Where is the dog barking?"])
    assert mask[1].all()
    assert ids[0][mask[0]].tolist() == tiny_model.processor.tokenizer.encode("Where?")
    assert not mask[0, -1]


def test_takes_of_scenes_shorter_than_a_window_are_none(tiny_model: SpatialLalm) -> None:
    short = part_of(1) | {"features": np.zeros((1, 11, 100, 64), np.float16)}
    assert takes_of(hear_part(tiny_model.model, short, 0)) == []
    one = Take(np.zeros((1, 1, 1), np.float16), np.zeros((1, 1, 1), np.float16), scene(0), "full", np.zeros((0, 7)))
    assert one.labels == {"speech"}
