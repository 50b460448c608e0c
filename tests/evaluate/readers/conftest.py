"""A tiny sample of every benchmark, made here, laid out as the published ones are."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

RATE = 16_000


@dataclass(frozen=True)
class Sample:
    """A benchmark on disk: one of its tables and sounds, a column that it needs, and how many items it holds.

    ``wrong`` writes a value in a wrong unit (or, without units, a wrong answer) into the table, ``rule`` is what is
    then said.
    """

    folder: Path
    split: str
    table: Path
    sound: Path
    column: str
    items: int
    wrong: Callable[[], None]
    rule: str


def sound(path: Path, channels: int = 1, seconds: float = 2.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(len(path.name))
    soundfile.write(path, rng.normal(0, 0.1, (round(seconds * RATE), channels)).astype(np.float32), RATE)
    return path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def rows_to(path: Path, rows: Sequence[Mapping[str, Any]], under: str = "") -> Path:
    """A JSON list (under a key) or JSON lines by the ending."""
    if path.suffix == ".jsonl":
        return write(path, "".join(json.dumps(row) + "\n" for row in rows))
    return write(path, json.dumps({under: rows} if under else rows))


def changed(path: Path, old: str, new: str) -> Callable[[], None]:
    def change() -> None:
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


# ---------------------------------------------------------------- multiple choice

WRONG = "the answer .* is none|answer 'nothing such' is none of the choices"


def mcq(
    folder: Path, split: str, table: str, audio: str, row: Callable[[int, str], dict[str, Any]],
    column: str = "question", answer: str = "answer", under: str = "", channels: int = 1,
) -> Sample:  # fmt: skip
    """Three questions with a sound each; the first one's answer is the word rain (or its letter)."""
    names = [audio.format(number) for number in range(3)]
    paths = [sound(folder / name.removeprefix("./"), channels) for name in names]
    rows = [row(number, name) for number, name in enumerate(names)]
    path = rows_to(folder / table, rows, under)
    wrong = changed(path, f'"{answer}": {json.dumps(rows[0][answer])}', f'"{answer}": "nothing such"')
    return Sample(folder, split, path, paths[0], column, 3, wrong, WRONG)


def mmau(folder: Path) -> Sample:
    return mcq(folder, "test-mini", "mmau-test-mini.json", "./test-mini-audios/{}.wav", lambda number, name: {
        "id": f"q{number}", "audio_id": name, "question": "What is heard?", "choices": ["dog", "rain", "rain"],
        "answer": "rain", "task": "sound", "category": "['Reasoning']" if number else "Reasoning",
    })  # fmt: skip


def mmau_pro(folder: Path) -> Sample:
    return mcq(folder, "test", "test.jsonl", "data/{}.wav", lambda number, name: {
        "id": f"q{number}", "audio_path": [name], "question": "What is heard?",
        "choices": ["dog", "rain"] if number < 2 else [], "answer": "rain", "category": "spatial_audio",
    })  # fmt: skip


def mmar(folder: Path) -> Sample:
    return mcq(folder, "test", "MMAR-meta.json", "./audio/{}.wav", lambda number, name: {
        "id": f"q{number}", "audio_path": name, "question": "What is it?", "choices": ["狗叫", "下雨"],
        "answer": "下雨", "modality": "sound", "category": "Perception Layer",
    })  # fmt: skip


def mmsu(folder: Path) -> Sample:
    return mcq(folder, "test", "question/mmsu.jsonl", "audio/{}.wav", lambda number, name: {
        "id": number, "audio_path": f"/{name}", "question": "What is heard?", "choice_a": "dog", "choice_b": "rain",
        "choice_c": 3 if number else None, "choice_d": None, "answer_gt": "rain", "category": "Perception",
    }, "choice_b", "answer_gt")  # fmt: skip


def star_bench(folder: Path) -> Sample:
    return mcq(folder, "spatial", "meta_info/holistic_reasoning_spatial.json", "starbench_audios/{}.wav",
               lambda number, name: {
                   "id": f"q{number}", "audio_paths": [name], "question": "Where?", "options": ["left", "rain"],
                   "answer": "rain", "category": "static", "sub-category": "one",
               }, "options", channels=2)  # fmt: skip


def twnm(folder: Path) -> Sample:
    return mcq(folder, "test", "test.json", "audio/{}.wav", lambda number, name: {
        "sample_id": f"q{number}", "audio_path": name, "question": "Where?", "option_a": "left", "option_b": "rain",
        "option_c": "up", "option_d": "down", "answer_letter": "B", "answer_text": "rain", "level": "L1",
        "task": "side",
    }, "answer_letter", "answer_letter", channels=4)  # fmt: skip


def audio_marathon(folder: Path) -> Sample:
    sample = mcq(folder, "events", "DESED/desed_sound_event_detection_task.json", "DESED/{}.wav", lambda number, name: {
        "uniq_id": number, "path": name.removeprefix("DESED/"), "question": "What is heard?", "task_type": "events",
        "choices": {"A": "dog", "B": "rain", "C": "car", "D": "bell"}, "answer_gt": "B",
    }, "choices", "answer_gt", "tasks")  # fmt: skip
    return sample


# ---------------------------------------------------------------- answers of many forms


def so_bench(folder: Path) -> Sample:
    paths = [sound(folder / "foa" / f"{number}.wav", 4) for number in range(3)]
    source = {"class_id": 1, "class_name": "dog", "azimuth_deg": 30.0, "elevation_deg": -10.0, "distance_m": 2.5}
    answers = [("doa", "front left"), ("distance", "2.5"), ("asr", "open the door")]
    rows = [
        {"qa_id": f"q{number}", "audio_id": f"a{number}", "audio_path": f"foa/{number}.wav", "question": "Which?",
         "task_type": "L1", "task_name": task, "answer": answer, "canonical_answer": answer, "source_refs": [source]}
        for number, (task, answer) in enumerate(answers)
    ]  # fmt: skip
    path = rows_to(folder / "qa" / "test.jsonl", rows)
    wrong = changed(path, '"distance_m": 2.5', '"distance_m": 250')
    return Sample(folder, "test", path, paths[0], "question", 3, wrong, "distance 250 lies outside 0 to 100 m")


def long_audio_qa(folder: Path) -> Sample:
    paths = [sound(folder / "audio" / f"{number}.wav") for number in range(3)]
    answers: list[Any] = [[[0.5, 1.5]], "yes", "3"]
    questions = ["When does it ring?", "Does it ring?", "How many rings?"]
    rows = [
        {"id": f"q{number}", "audio": f"{number}.wav", "question": question, "answer": answer, "task": "events"}
        for number, (question, answer) in enumerate(zip(questions, answers, strict=True))
    ]
    path = rows_to(folder / "test.jsonl", rows)
    wrong = changed(path, "[[0.5, 1.5]]", "[[500, 1500]]")
    return Sample(folder, "test", path, paths[0], "question", 3, wrong, "1500 s lies after the end of 0.wav")


def spatial_scene_qa(folder: Path) -> Sample:
    names = [f"fold4_room23_mix00{number}_class1_src0_seg0000.wav" for number in range(3)]
    paths = [sound(folder / "STARSS23_mf" / "test" / name, 4) for name in names]
    rows = [
        {"path": f"/path/to/STARSS23_mf/test/{name}", "text": "azimuth: -13.9; elevation: 10.8", "task": "starss23",
         "gender": "M"} for name in names
    ]  # fmt: skip
    path = rows_to(folder / "starss23_test.json", rows, "annotation")
    wrong = changed(path, "-13.9", "-1390")
    return Sample(folder, "starss23-test", path, paths[0], "gender", 3, wrong, "azimuth -1390 lies outside .* degrees")


def spatial_sound_qa(folder: Path) -> Sample:
    paths = [sound(folder / "AudioSet" / "eval" / "audio" / f"Y{number}.wav") for number in range(3)]
    for number in range(2):
        response = folder / "mp3d_reverb" / "binaural" / "house" / f"{number}.npy"
        response.parent.mkdir(parents=True, exist_ok=True)
        np.save(response, np.array([[0.0, 1.0], [0.5, 0.0]]) / (number + 1))
    places = [{"fname": "house/0.npy", "sensor_position": "1,1,1", "source_position": "0,1,1"}]
    rows_to(folder / "mp3d_reverb" / "eval_reverberation.json", places, "data")
    answers = [("DIRECTION", "left, front, above; 1.5m"), ("MIXUP_BINARY", "Yes"), ("CLASSIFICATION", "car; vehicle")]
    rows: list[dict[str, Any]] = [
        {"audio_id": f"eval/audio/Y{number}", "reverb_id": "house/0.npy", "audio_id2": None, "reverb_id2": None,
         "question_id": number, "question_type": kind, "question": "Where?", "answer": answer}
        for number, (kind, answer) in enumerate(answers)
    ]  # fmt: skip
    rows[1] |= {"audio_id2": "eval/audio/Y2", "reverb_id2": "house/1.npy"}
    path = rows_to(folder / "SpatialSoundQA" / "closed-end" / "stage2-single" / "eval.json", rows, "data")
    wrong = changed(path, "1.5m", "150m")
    return Sample(folder, "eval", path, paths[0], "reverb_id", 4, wrong, "distance 150 lies outside 0 to 30 m")


# ---------------------------------------------------------------- label files


def starss(
    folder: Path, split: str, audio: str, lines: Sequence[str], wrong: tuple[str, str, str], channels: int = 4
) -> Sample:
    part = split.removesuffix("-foa")
    names = [f"fold4_room{number}_mix001" for number in range(3)]
    paths = [sound(folder / audio / f"{part}-tau" / f"{name}.wav", channels) for name in names]
    tables = [write(folder / "metadata_dev" / f"{part}-tau" / f"{name}.csv", "".join(lines)) for name in names]
    return Sample(folder, split, tables[0], paths[0], "", 3, changed(tables[0], *wrong[:2]), wrong[2])


def angles_only(folder: Path) -> Sample:
    lines = ["0,1,0,90,30\n", "1,1,0,91,30\n"]
    wrong = ("1,1,0,91", "1000,1,0,91", "row 2: 100.1 s lies after the end")
    return starss(folder, "dev-test-foa", "foa_dev", lines, wrong)


def with_distances(folder: Path) -> Sample:
    lines = ["0,1,0,90,30,200\n", "1,1,0,91,30,200\n"]
    return starss(
        folder, "dev-test-foa", "foa_dev", lines, (lines[0] + lines[1], "0,1,0,90,30,2\n", "median distance of 2 cm")
    )


def dcase2025(folder: Path) -> Sample:
    lines = ["frame,class,source,azimuth,distance,onscreen\n", "0,1,0,30,200,1\n"]
    return starss(folder, "dev-test", "stereo_dev", lines, ("30,200,1", "30,2,1", "median distance of 2 cm"), 2)


def dcase2026(folder: Path) -> Sample:
    names = [f"seq{number}" for number in range(3)]
    paths = [sound(folder / "foa_dev" / "dev-test" / f"{name}.wav", 4) for name in names]
    row = {"metadata_frame_index": 3, "instance_id": 0, "category_id": 8, "distance": 200,
           "segmentation": [[[90, 60, 0.2], [91, 61, 0.9]]]}  # fmt: skip
    rows = [row, row | {"metadata_frame_index": 4}]
    tables = [rows_to(folder / "metadata_dev" / "dev-test" / f"{name}.json", rows, "annotations") for name in names]
    wrong = changed(tables[0], '"distance": 200', '"distance": 2.0')
    return Sample(
        folder, "dev-test-foa", tables[0], paths[0], "category_id", 3, wrong, "row 1: distance 2 lies outside"
    )


def l3das(folder: Path, header: str, place: str, far: str) -> Sample:
    root = folder / "L3DAS_Task2_dev"
    names = [f"split0_ov1_{number}" for number in range(3)]
    paths = [sound(root / "data" / f"{name}_A.wav", 4) for name in names]
    text = f"File,Start,End,Class,{header}\nx.wav,0.5,1.0,Laughter,{place}\nx.wav,0.9,1.2,Laughter,{place}\n"
    tables = [write(root / "labels" / f"label_{name}.csv", text) for name in names]
    return Sample(folder, "dev", tables[0], paths[0], "", 3, changed(tables[0], place, far), "give metres")


def l3das22(folder: Path) -> Sample:
    return l3das(folder, "X,Y,Z", "-1.5,0,0.5", "-150,0,50")


def l3das23(folder: Path) -> Sample:
    return l3das(folder, "rho,theta,z", "1.5,90,0.5", "150,90,50")


def locata(folder: Path) -> Sample:
    """An open array of four, turned by 90 degrees about z (its front, y, looks to the room's -x), a source 2 m away."""
    time = "2018\t1\t1\t12\t0\t{:.2f}"
    clock = "year\tmonth\tday\thour\tminute\tsecond"
    turn = "\t".join(f"rotation_{i}{j}" for i in (1, 2, 3) for j in (1, 2, 3))
    mics = "\t".join(f"mic{number}_{axis}" for number in range(1, 5) for axis in "xyz")
    where = "1.1\t1\t1\t0.9\t1\t1\t1\t1.1\t1\t1\t1\t1.1"
    made = []
    for number in range(3):
        place = folder / "dev" / "task1" / f"recording{number}" / "dicit"
        rows = [time.format(0.05 + 0.1 * step) for step in range(20)]
        array = "".join(f"{row}\t1\t1\t1\t0\t-1\t0\t1\t0\t0\t0\t0\t1\t{where}\n" for row in rows)
        write(place / "position_array_dicit.txt", f"{clock}\tx\ty\tz\t{turn}\t{mics}\n{array}")
        source = "".join(f"{row}\t1\t3\t1\n" for row in rows)
        table = write(place / "position_source_talker1.txt", f"{clock}\tx\ty\tz\n{source}")
        write(place / "required_time.txt", f"{clock}\tvalid_flag\n" + "".join(f"{row}\t1\n" for row in rows))
        write(place / "audio_array_timestamps_dicit.txt", f"{clock}\n{time.format(0)}\n")
        made.append((table, sound(place / "audio_array_dicit.wav", 4)))
    table, path = made[0]
    return Sample(folder, "dev", table, path, "", 6, changed(table, "\t1\t3\t1", "\t1000\t3000\t1000"), "give metres")


def spatial_librispeech(folder: Path) -> Sample:
    paths = [folder / "ambisonics" / f"{number:06d}.flac" for number in range(3)]
    for path in paths:
        sound(path, 4)
    rows = [
        {"sample_id": number, "split": "test", "lite_version": number == 0, "speech/azimuth": 1.5707963,
         "speech/elevation": 0.1, "speech/distance": 2.5, "room/volume": 80.0, "noise/snr": 12.0,
         "acoustics/frequency_bins": [250.0, 500.0, 1000.0, 2000.0], "acoustics/t30_ms": [900.0, 400.0, 500.0, None],
         "acoustics/drr_db": [0.0, 1.0, 3.0, 9.0], "acoustics/c50_db": [0.0, 10.0, 12.0, 9.0],
         "speech/librispeech_metadata/transcription": "GOOD MORNING"}
        for number in range(3)
    ]  # fmt: skip
    path = rows_to(folder / "metadata.jsonl", rows)
    wrong = changed(path, '"speech/azimuth": 1.5707963', '"speech/azimuth": 90.0')
    return Sample(folder, "test", path, paths[0], "speech/elevation", 21, wrong, "azimuth 90 lies outside .* radians")


def rttm(folder: Path) -> Sample:
    names = [f"meeting{number}" for number in range(3)]
    paths = [sound(folder / f"{name}.wav") for name in names]
    row = "SPEAKER {} 1 0.5 1.0 <NA> <NA> anna <NA> <NA>\n"
    tables = [write(folder / f"{name}.rttm", row.format(name)) for name in names]
    return Sample(
        folder, "all", tables[0], paths[0], "", 3, changed(tables[0], "0.5 1.0", "500 1000"), "lies after the end"
    )


def spatial_bench(folder: Path) -> Sample:
    paths = [sound(folder / "test" / "audio" / f"{number}.wav", 4) for number in range(3)]
    truth = {"type": "number", "quantity": "t60", "value": 0.45}
    rows = [
        {"name": f"q{number}", "audio": f"audio/{number}.wav", "question": "T60?", "truth": truth, "format": "ambix"}
        for number in range(3)
    ]
    path = rows_to(folder / "test" / "items.jsonl", rows)
    wrong = changed(path, "0.45", "450")
    return Sample(folder, "test", path, paths[0], "question", 3, wrong, "value 450 lies outside 0 to 30")


BUILDERS: dict[str, Callable[[Path], Sample]] = {
    "spatial-bench": spatial_bench, "spatial-sound-qa": spatial_sound_qa, "starss22": angles_only,
    "starss23": angles_only, "dcase2022": angles_only, "dcase2023": angles_only, "dcase2024": with_distances,
    "dcase2025": dcase2025, "dcase2026": dcase2026, "mmau": mmau, "mmau-pro": mmau_pro, "mmar": mmar, "mmsu": mmsu,
    "star-bench": star_bench, "twnm": twnm, "so-bench": so_bench, "spatial-scene-qa": spatial_scene_qa,
    "l3das22": l3das22, "l3das23": l3das23, "locata": locata, "spatial-librispeech": spatial_librispeech,
    "long-audio-qa": long_audio_qa, "audio-marathon": audio_marathon, "rttm": rttm,
}  # fmt: skip


@pytest.fixture
def sample(tmp_path: Path) -> Callable[[str], Sample]:
    """Make the sample of a benchmark."""
    return lambda name: BUILDERS[name](tmp_path)
