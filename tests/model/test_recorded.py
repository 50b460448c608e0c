"""Questions about hours, answered from a memory file that was written by hand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from spatial_lalm.audio.scene import CLASSES
from spatial_lalm.memory.store import write_memory
from spatial_lalm.model.answers import Answer
from spatial_lalm.model.memory_tables import EVENTS
from spatial_lalm.model.recorded import Recorded
from spatial_lalm.model.recorded_question import Reference, Relation, read_scope
from spatial_lalm.model.recorded_words import clock, clocked, length_text, span_text

HOUR = 3600.0
# start, end, class, azimuth, distance, source
HEARD = (
    (10.0, 60.0, "speech", 30.0, 2.0, 0),
    (100.0, 160.0, "speech", -60.0, 1.0, 1),
    (300.0, 302.0, "dog_bark", 90.0, 4.0, 2),
    (400.0, 500.0, "music", 180.0, 3.0, 3),
    (1200.0, 1201.5, "dog_bark", 91.0, 4.0, 2),
    (2000.0, 2100.0, "speech", 31.0, 2.0, 0),
    (2800.0, 2900.0, "speech", 0.0, 1.5, 4),
    (3500.0, 3500.4, "click", -90.0, 1.0, 5),
)
ROOMS = ((0.0, 2500.0, 0.3, 60.0), (2500.0, HOUR, 1.2, 900.0))


def write(
    path: Path, notes: dict[str, Any] | None = None, confidence: float = 0.9, talkers: dict[int, int] | None = None
) -> Recorded:
    count = len(HEARD)
    frames = np.array([round((end - start) * 10) for start, end, *_ in HEARD], np.int64)
    columns: dict[str, Any] = {
        "start_s": [h[0] for h in HEARD],
        "end_s": [h[1] for h in HEARD],
        "class": [CLASSES.index(h[2]) for h in HEARD],
        "azimuth_deg": [h[3] for h in HEARD],
        "elevation_deg": [0.0] * count,
        "distance_m": [h[4] for h in HEARD],
        "confidence": [confidence] * count,
        "source": [h[5] for h in HEARD],
        "room": [int(h[0] >= 2500) for h in HEARD],
        "level_db": [-20.0] * count,
        "first_frame": np.cumsum(frames) - frames,
        "frames": frames,
        "talker": [(talkers or {}).get(h[5], h[5]) if h[2] == "speech" else -1 for h in HEARD],
    }
    tables = {f"events/{name}": np.array(columns[name]) for name in EVENTS}
    for name, column in (("azimuth_deg", 3), ("distance_m", 4)):
        tables[f"tracks/{name}"] = np.repeat([h[column] for h in HEARD], frames).astype(np.float32)
    tables["tracks/elevation_deg"] = np.zeros(frames.sum(), np.float32)
    tables["tracks/active"] = np.ones(frames.sum(), np.uint8)
    values = np.array([[t60] * 7 + [3.0, 8.0, volume] for _, _, t60, volume in ROOMS])
    tables |= {"rooms/value": values, "rooms/uncertainty": 0.1 * values}
    tables |= {"rooms/start_s": np.array([r[0] for r in ROOMS]), "rooms/end_s": np.array([r[1] for r in ROOMS])}
    told = {
        "audio": {"name": "hour.wav", "duration_s": HOUR},
        "assumed": [], "doubt": None, "spatial": "full", "classes": list(CLASSES), "start_s": 0.0, "end_s": HOUR,
        "model": {"name": "a model", "sha256": ""}, "window_s": 4.0, "format": "ambix order 1",
    }  # fmt: skip
    write_memory(path, tables, told | (notes or {}))
    return Recorded.open(path)


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return write(tmp_path_factory.mktemp("hour") / "hour.h5")


def said(hour: Recorded, question: str) -> Answer:
    answer = hour.ask(question)
    assert not re.search(r"\d s to \d", answer.text)  # all times are hh:mm:ss
    return answer


# ---------------------------------------------------------------- answers


@pytest.mark.parametrize(
    ("question", "holds"),
    [
        ("When does the dog bark?", ["from 00:05:00 to 00:05:02", "from 00:20:00 to 00:20:01"]),
        ("When do you hear music?", ["from 00:06:40 to 00:08:20"]),
        ("Where is the music?", ["the back", "azimuth 180°"]),
        ("How far away is the dog?", ["4.0 m away"]),
        ("What do you hear?", ["speech (5 min 10 s)", "music (1 min 40 s)", "a dog bark (3.5 s)", "a click (0.4 s)"]),
        ("How many talkers are there?", ["3 talkers"]),
        ("How many sound sources are there?", ["6 sound sources"]),
        ("How many sounds are heard at the same time?", ["At most 1 sound is"]),
        ("How many times does the dog bark?", ["2 times"]),
        ("What is the first sound?", ["speech", "from 00:00:10 to 00:01:00"]),
        ("What is the last sound?", ["a click", "at 00:58:20"]),
        ("Where is the last dog bark?", ["from 00:20:00 to 00:20:01", "the left", "azimuth 9"]),
        ("What happened after the last dog bark?", ["next speech from 00:33:20"]),
        ("What did you hear right before the first dog bark?", ["last speech from 00:01:40 to 00:02:40"]),
        ("What did you hear between the dog bark and the click?", ["music", "00:06:40"]),
        ("Who speaks after the music?", ["speech from 00:33:20"]),
        ("What do you hear between 00:06:00 and 00:10:00?", ["music"]),
        ("What do you hear in the first half?", ["speech", "music", "between 00:00:00 and 00:30:00"]),
        ("What do you hear in the second room?", ["speech", "a click", "room 2"]),
        ("How many talkers are there in the second room?", ["1 talker "]),
        ("What do you hear in the last half hour?", ["speech", "a click", "between 00:30:00 and 01:00:00"]),
        ("Where is talker 2?", ["the front right", "azimuth -60°"]),
        ("Who speaks most?", ["Talker 1 speaks most, 2 min 30 s"]),
        ("How long does the music play in total?", ["music for 1 min 40 s"]),
        ("In which part do you hear music?", ["in the first quarter"]),
        ("In which room do you hear the click?", ["room 2, of 2"]),
        ("How many rooms are there?", ["2 rooms", "room 1 from 00:00:00 to 00:41:40", "T60 1.20 s"]),
        ("When did the room change?", ["room 2 from 00:41:40"]),
        ("How reverberant is the room?", ["0.30 s from 00:00:00 to 00:41:40", "1.20 s from 00:41:40"]),
        ("How reverberant is the second room?", ["0.30 s from", "1.20 s from"]),
        ("Which is closer, the dog or the music?", ["The music is the nearest, 3.0 m away"]),
        ("What comes from the left?", ["a dog bark"]),
    ],
)  # fmt: skip
def test_answers(hour: Recorded, question: str, holds: list[str]) -> None:
    answer = said(hour, question)
    assert not answer.abstained
    for part in holds:
        assert part in answer.text, answer.text
    assert answer.evidence or "room" in question


@pytest.mark.parametrize(
    ("question", "holds"),
    [
        ("When do you hear rain?", "no rain in this recording"),
        ("What happened after the rooster?", "no rooster"),
        ("When do you hear music in the second room?", "no music in room 2"),
        ("When do you hear music in the last quarter?", "no music between 00:45:00 and 01:00:00"),
        ("What do you hear in the third room?", "only 2 rooms"),
        ("Where is talker 7?", "only 3 talkers"),
        ("What do you hear at 02:00:00?", "runs from 00:00:00 to 01:00:00"),
        ("Where is the elephant?", 'cannot recognise "elephant"'),
        ("How loud is the music?", "cannot tell how loud"),
        ("What is the capital of France?", "cannot tell that from the sound"),
        ("What is the third dog bark?", "only 2 sounds of dog bark"),
    ],
)
def test_what_was_not_heard_is_declined(hour: Recorded, question: str, holds: str) -> None:
    answer = said(hour, question)
    assert answer.abstained, answer.text
    assert holds in answer.text


def test_evidence_is_about_what_was_asked(hour: Recorded) -> None:
    assert {event.label for event in said(hour, "When does the dog bark?").evidence} == {"dog_bark"}
    (event,) = said(hour, "What is the last sound?").evidence
    assert (event.start_s, event.label, event.azimuth_deg) == (3500.0, "click", -90.0)
    answer = said(hour, "What do you hear in the second room?")
    assert all(event.start_s >= 2500 for event in answer.evidence)
    assert answer.room is not None
    assert answer.room.t60_s.value == pytest.approx(1.2)


def test_talkers_come_with_how_they_are_told_apart(hour: Recorded) -> None:
    assert said(hour, "How many talkers are there?").assumed == (
        "talkers: told apart by direction alone, not by voice",
    )
    assert said(hour, "When does the dog bark?").assumed == ()


def test_a_talker_who_changes_seats_is_one(tmp_path: Path) -> None:
    hour = write(tmp_path / "voices.h5", {"voices": {"sha256": ""}}, talkers={0: 9, 1: 3, 4: 9})
    assert said(hour, "How many talkers are there?").text == "I hear 2 talkers."
    assert said(hour, "How many talkers are there?").assumed == ("talkers: told apart by voice and direction",)
    assert "from 00:46:40 to 00:48:20" in said(hour, "When does talker 1 speak?").text
    places = said(hour, "Where is the talker who spoke first?").text
    assert "azimuth 31°" in places
    assert "azimuth 0°" in places
    assert "-60°" not in places
    assert "Talker 1 speaks most, 4 min 10 s; talker 2 1 min 0 s" in said(hour, "Who speaks most?").text
    assert "6 sound sources" in said(hour, "How many sound sources are there?").text


def test_files_before_the_third_format_have_a_talker_a_place(tmp_path: Path) -> None:
    write(tmp_path / "old.h5")
    with h5py.File(tmp_path / "old.h5", "a") as file:
        file.attrs["version"] = 2
        del file["events/talker"]
    hour = Recorded.open(tmp_path / "old.h5")
    assert [event.talker for event in hour.events] == [1, 2, None, None, None, 1, 3, None]
    assert not hour.by_voice


def test_doubt_is_told_with_a_place(tmp_path: Path) -> None:
    doubt = {"format_name": "ambix order 1", "reason": "r", "hint": None, "flat": False, "deaf": False}
    hour = write(tmp_path / "doubted.h5", {"doubt": doubt})
    answer = hour.ask("Where is the music?")
    assert "these channels do not look like ambix order 1" in answer.text
    assert answer.evidence[0].confidence == pytest.approx(0.45)
    deaf = write(tmp_path / "deaf.h5", {"doubt": doubt | {"deaf": True, "reason": "no omni channel"}})
    for question in ("When does the dog bark?", "How many rooms are there?", "What happened after the dog bark?"):
        answer = deaf.ask(question)
        assert answer.abstained
        assert answer.evidence == ()


def test_a_side_is_all_that_two_ears_tell(tmp_path: Path) -> None:
    hour = write(tmp_path / "lateral.h5", {"spatial": "lateral"})
    answer = hour.ask("Where is the dog?")
    assert "from the left" in answer.text
    assert answer.evidence[0].azimuth_deg is None
    assert answer.evidence[0].side == "left"


def test_doubtful_events_are_not_spoken_of_but_the_best_of_them(tmp_path: Path) -> None:
    hour = write(tmp_path / "doubtful.h5", confidence=0.1)
    assert [event.label for event in hour.spoken] == ["music"]
    assert "no click" in hour.ask("When do you hear a click?").text


# ---------------------------------------------------------------- reading


DOG, ROOSTER = Reference("dog_bark"), Reference("rooster")


@pytest.mark.parametrize(
    ("question", "rest", "relation"),
    [
        ("What happened after the dog bark?", "what happened", Relation("after", DOG)),
        (
            "After the last dog, where is the talker?",
            "where is the talker",
            Relation("after", Reference("dog_bark", -1)),
        ),
        ("What is just before the second rooster?", "what is", Relation("before", Reference("rooster", 1))),
        ("Who spoke between the dog and the rooster?", "who spoke", Relation("between", DOG, ROOSTER)),
        ("What do you hear between 1:00 and 2:00?", "what do you hear between 1:00 and 2:00", None),
        ("What is the distance between a dog and a cock?", "what is the distance between a dog and a cock", None),
    ],
)
def test_relations(question: str, rest: str, relation: Relation | None) -> None:
    scope = read_scope(question)
    assert scope.relation == relation
    assert scope.rest == rest


def test_hours_are_minutes() -> None:
    assert read_scope("What do you hear in the first hour?").rest == "what do you hear in the first 60 minutes"
    assert read_scope("What do you hear after 2 hours?").rest == "what do you hear after 120 minutes"


def test_times_in_words() -> None:
    assert clock(3661.99) == "01:01:01"
    assert span_text(3.2, 3.9) == "at 00:00:03"
    assert clocked("I hear it from 3.0 s to 75.5 s, at 9.0 s.") == "I hear it from 00:00:03 to 00:01:15, at 00:00:09."
    assert clocked("The reverberation time T60 is 0.45 s.") == "The reverberation time T60 is 0.45 s."
    assert [length_text(s) for s in (0.44, 12.2, 125, 3720)] == ["0.4 s", "12 s", "2 min 5 s", "1 h 2 min"]
