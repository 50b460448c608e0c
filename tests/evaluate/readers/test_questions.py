"""What readers make of the questions in tables: choices, letters, answers of many forms, single quirks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import soundfile

from spatial_lalm.evaluate.benchmark import Choice, Direction, Item, Number, Span, Words, YesNo
from spatial_lalm.evaluate.files import FileProblem
from spatial_lalm.evaluate.readers import READERS
from spatial_lalm.evaluate.readers.choice_tables import TEMPORAL_TASKS, shuffled
from spatial_lalm.evaluate.readers.rows import Row

Make = Callable[[str], Any]


def load(name: str, made: Any) -> dict[str, Item]:
    found = READERS[name].read(made.folder, made.split)
    assert found.problems == ()
    return {item.name: item for item in found.items}


# ---------------------------------------------------------------- multiple choice


def test_mmau_reads_its_odd_category_and_the_first_of_equal_choices(sample: Make) -> None:
    found = load("mmau", sample("mmau"))
    assert {item.category for item in found.values()} == {"sound / Reasoning"}
    assert found["q0"].truth == Choice(("dog", "rain", "rain"), 1)


def test_mmau_pro_asks_open_questions_in_words_and_tells_those_without_an_answer(sample: Make) -> None:
    made = sample("mmau-pro")
    assert load("mmau-pro", made)["q2"].truth == Words(("rain",))
    made.table.write_text(
        made.table.read_text().replace('"choices": [], "answer": "rain"', '"choices": [], "answer": null')
    )
    (problem,) = READERS["mmau-pro"].read(made.folder, made.split).problems
    assert (problem.row, problem.kind) == (3, "empty")


def test_mmsu_drops_empty_choices_and_reads_numbers_as_words(sample: Make) -> None:
    found = load("mmsu", sample("mmsu"))
    assert found["0"].truth == Choice(("dog", "rain"), 1)
    assert found["1"].truth == Choice(("dog", "rain", "3"), 1)


def test_letters_and_words_that_disagree_are_refused(sample: Make) -> None:
    made = sample("twnm")
    assert all(item.truth == Choice(("left", "rain", "up", "down"), 1) for item in load("twnm", made).values())
    made.table.write_text(made.table.read_text().replace('"answer_text": "rain"', '"answer_text": "up"', 1))
    (problem,) = READERS["twnm"].read(made.folder, made.split).problems
    assert "row 1: the answer is 'rain' by its letter and 'up' by its words" in str(problem)


def test_temporal_clips_are_heard_in_all_orders_and_the_answer_follows() -> None:
    orders = set()
    for number in range(6):
        order, answer = shuffled(Row(Path("t.json"), 1, {"id": f"tr_{TEMPORAL_TASKS[0]}_{number:04d}"}))
        heard = [f"clip {1 + place}" for place in range(3)]
        told = [heard.index(name) for name in answer.split(" -> ")]
        assert [order[place] for place in told] == [0, 1, 2]  # the clips that the answer names are in true order
        orders.add(tuple(order))
    assert len(orders) == 6
    with pytest.raises(FileProblem, match=r"t.json, row 4: id x must end in a task"):
        shuffled(Row(Path("t.json"), 4, {"id": "x"}))


def test_a_temporal_question_of_star_bench(sample: Make) -> None:
    made = sample("star-bench")
    options = ["clip 1 -> clip 2 -> clip 3", "clip 1 -> clip 3 -> clip 2"]
    clips = [f"starbench_audios/{number}.wav" for number in range(3)]
    row = {"id": "tr_OSM_1", "audio_paths": clips, "question": "In which order?", "options": options, "category": "c"}
    (made.folder / "meta_info" / "holistic_reasoning_temporal.json").write_text(json.dumps([row]))
    (item,) = load("star-bench", replace(made, split="temporal")).values()
    assert [path.stem for path in item.audio] == ["0", "2", "1"]
    assert item.truth == Choice(tuple(options), 1)


def test_a_path_that_leads_out_is_refused(sample: Make) -> None:
    made = sample("mmau")
    made.table.write_text(made.table.read_text().replace("./test-mini-audios/0.wav", "../secret.wav"))
    (problem,) = READERS["mmau"].read(made.folder, made.split).problems
    assert "row 1: audio '../secret.wav' must name a file inside the folder" in str(problem)


def test_deepfakes_and_transcripts_of_audio_marathon(sample: Make, tmp_path: Path) -> None:
    made = sample("audio-marathon")
    for name in ("real", "fake"):
        (tmp_path / "HAD" / name).mkdir(parents=True)
        (tmp_path / "HAD" / name / "a.wav").write_bytes(made.sound.read_bytes())
    found = load("audio-marathon", replace(made, split="deepfake"))
    assert [(name, item.truth) for name, item in found.items()] == [
        ("real/a", Choice(("real", "fake"), 0)),
        ("fake/a", Choice(("real", "fake"), 1)),
    ]
    samples, rate = soundfile.read(made.sound)
    for name in ("1-2-0", "1-2-1"):
        soundfile.write(tmp_path / "HAD" / f"{name}.flac", samples, rate)
    (tmp_path / "HAD" / "1-2.trans.txt").write_text("1-2-0 GOOD DAY\n")
    found_words = READERS["audio-marathon"].read(made.folder, "transcripts")
    assert [item.truth for item in found_words.items] == [Words(("GOOD DAY",), transcript=True)]
    assert [problem.kind for problem in found_words.problems] == ["missing"]


# ---------------------------------------------------------------- answers of many forms


def test_so_bench_takes_places_from_the_only_source(sample: Make) -> None:
    found = load("so-bench", sample("so-bench"))
    assert [item.truth for item in found.values()] == [
        Direction(30.0, -10.0), Number("distance", 2.5), Words(("open the door",), transcript=True)
    ]  # fmt: skip
    assert found["q0"].facts == {"sources": 1, "azimuth_deg": 30.0, "elevation_deg": -10.0, "distance_m": 2.5}


def test_long_audio_answers_have_the_form_that_they_have(sample: Make) -> None:
    made = sample("long-audio-qa")
    assert [item.truth for item in load("long-audio-qa", made).values()] == [
        Span(((0.5, 1.5),)), YesNo(True), Number("count", 3.0)
    ]  # fmt: skip
    made.table.write_text(
        made.table.read_text().replace('"answer": "yes"', '"answer": "B", "options": ["no bell", "bell"]')
    )
    assert load("long-audio-qa", made)["q1"].truth == Choice(("no bell", "bell"), 1)
