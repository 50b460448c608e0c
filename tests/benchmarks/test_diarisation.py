"""``benchmarks/diarisation.py`` and its material: turns are where and when they are said to be, and are scored so."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from spatial_lalm.audio.conventions import angle_between, unit_vector
from spatial_lalm.evaluate.diarisation import Turn
from spatial_lalm.model.answers import Evidence
from spatial_lalm.model.recorded import RecordedEvent

RATE = 16_000


@pytest.fixture(scope="module")
def conversations() -> ModuleType:
    return importlib.import_module("conversations")


@pytest.fixture(scope="module")
def diarisation() -> ModuleType:
    return importlib.import_module("diarisation")


def talk(seconds: float, seed: int) -> Any:
    return np.random.default_rng(seed).normal(0, 0.05, round(seconds * RATE)).astype(np.float32)


def test_phrases_end_at_pauses(conversations: ModuleType) -> None:
    said = np.concatenate([talk(1, 0), np.zeros(RATE // 2), talk(1.5, 1), np.zeros(RATE // 10), talk(1, 2)])
    assert conversations.spans(said) == [(0, RATE), (RATE * 3 // 2, RATE * 3 // 2 + round(2.6 * RATE))]
    assert [round(len(p) / RATE, 1) for p in conversations.phrases(said.astype(np.float32))] == [1.0, 2.6]


def test_turns_come_from_their_seats(conversations: ModuleType) -> None:
    voices = {name: [talk(1.5, seed), talk(2.0, seed + 10)] for seed, name in enumerate(("a", "b", "c"))}
    scene = conversations.conversation(np.random.default_rng(1), voices, 2, 0.7, moves=True)
    assert scene.signals.shape == (4, 42 * RATE)
    assert len({turn.turn.speaker for turn in scene.turns}) == 2
    seats = {speaker: {tuple(t.direction) for t in scene.turns if t.turn.speaker == speaker} for speaker in "abc"}
    assert sorted(map(len, seats.values())) == [0, 2, 2]  # each moved once
    alone = [
        t for t in scene.turns
        if sum(o.turn.start_s < t.turn.end_s and o.turn.end_s > t.turn.start_s for o in scene.turns) == 1
    ]  # fmt: skip
    for seated in alone:
        first, last = round(seated.turn.start_s * RATE), round(seated.turn.end_s * RATE)
        w, y, z, x = scene.signals[:, first : first + 160]  # before the walls answer
        assert angle_between(np.array([x @ w, y @ w, z @ w]), seated.direction) < 15
        assert np.std(scene.signals[0, first:last]) > 5 * np.std(scene.signals[0, : RATE // 4])


def test_overlaps_of_one_channel_go_to_who_began(conversations: ModuleType, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "m.wav", talk(6, 3), RATE)
    rows = [("a", 1.0, 2.0), ("b", 2.0, 3.0)]
    (tmp_path / "m.rttm").write_text(
        "".join(f"SPEAKER m 1 {start} {length} <NA> <NA> {who} <NA> <NA>\n" for who, start, length in rows)
    )
    scene = conversations.meeting(np.random.default_rng(0), tmp_path / "m.wav")
    assert [seated.turn for seated in scene.turns] == [Turn("a", 1.0, 3.0), Turn("b", 2.0, 5.0)]
    levels = [np.std(scene.signals[0, round(a * RATE) : round(b * RATE)]) for a, b in ((0, 1), (2, 3), (3.5, 5))]
    assert levels[1] > 5 * levels[0]
    w, y, z, x = scene.signals[:, round(2.2 * RATE) : round(2.9 * RATE)]
    towards = np.array([x @ w, y @ w, z @ w])
    assert angle_between(towards, scene.turns[0].direction) < angle_between(towards, scene.turns[1].direction)


def test_scores_are_by_voice_by_place_and_by_nobody(diarisation: ModuleType, conversations: ModuleType) -> None:
    def event(start: float, end: float, azimuth: float, source: int, talker: int) -> RecordedEvent:
        path = np.tile([azimuth, 0.0, 2.0], (round(10 * (end - start)), 1))
        return RecordedEvent(
            Evidence(start, end, "speech", azimuth, 0.0, 2.0, 0.9, None), source, 0, -20.0, path, talker
        )

    turns = [("a", 0.0, 10.0, 0.0), ("b", 10.0, 20.0, 90.0), ("a", 20.0, 30.0, 180.0)]
    seated = tuple(
        conversations.SeatedTurn(Turn(who, start, end), unit_vector(azimuth, 0.0)) for who, start, end, azimuth in turns
    )
    scene = conversations.Scene("s", np.zeros((4, 1)), seated)
    heard = [event(0.1, 10, 5.0, 0, 1), event(10, 20, 90.0, 1, 2), event(20.1, 30, 180.0, 2, 1)]
    scored = diarisation.scored("kind", scene, SimpleNamespace(spoken=heard))
    assert [error.rate for error in scored.errors] == pytest.approx([0.0, 1 / 3, 1 / 3], abs=0.02)
    assert (scored.heard, scored.there) == (2, 2)
    assert scored.angles_deg == pytest.approx([5.0, 0.0, 0.0], abs=1e-4)
    assert scored.late_s == pytest.approx([0.1, 0.0, 0.1])
    assert "| kind (1) | 0.5 | 0.0 | 33." in diarisation.table([scored])
