"""A written bench: readable, the same again, resumed, and refused where it cannot be."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from spatial_lalm.audio.recording import Recording
from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.item_json import item_from_json
from spatial_lalm.evaluate.readers import READERS
from spatial_lalm.simulation.bench import Bench, fill_bench, verify_folder, write_bench
from spatial_lalm.simulation.bench.writing import CHECKSUMS, ITEMS, SCENES, read_lines
from spatial_lalm.simulation.questions import phrasings
from spatial_lalm.simulation.writer import described_scene


@pytest.fixture
def tiny(bench: Bench) -> Bench:
    """One subset of three short scenes."""
    own = bench.subsets["single"]
    scene = replace(own.scene, duration_s=1.5, sources=replace(own.scene.sources, event_s=(0.5, 1.0)))
    return replace(bench, subsets={"single": replace(own, scene=scene, scenes=(3, 3), check_scenes=3)})


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# ---------------------------------------------------------------- what is written


def test_every_item_reads_back(written: Path, bench: Bench) -> None:
    loaded = READERS["spatial-bench"].read(written.parent, "dev")
    assert not loaded.problems
    assert {item.category.partition("/")[0] for item in loaded.items} == bench.subsets.keys()
    for name in bench.subsets:
        own = [item_from_json(line, written / name) for line in read_lines(written / name / ITEMS)]
        assert own
        assert all(path.is_file() for item in own for path in item.audio)
        assert {"scene", "channels", "sources", "snr_db"} <= set.intersection(*(set(item.facts) for item in own))
    by_name = {item.name: item for item in loaded.items}
    assert len(by_name) == len(loaded.items)


def test_recordings_open_as_items_say(written: Path) -> None:
    items = READERS["spatial-bench"].read(written.parent, "dev").items
    seen = set()
    for item in {item.audio[0]: item for item in items}.values():
        recording = Recording.open(item.audio[0], format=item.format, array=item.array)
        assert recording.channels == item.facts["channels"]
        seen.add((item.format, item.array and item.array.rpartition(".")[2]))
    assert {("ambix", None), ("mono", None), ("binaural", None), (None, "tetrahedral"), (None, "json")} <= seen


def test_more_channels_than_flac_has_are_written_as_wav(written: Path) -> None:
    for path in [*written.rglob("*.flac"), *written.rglob("*.wav")]:
        info = soundfile.info(path)
        assert (info.channels > 8) == (path.suffix == ".wav")
        assert info.subtype == "PCM_16"


def test_facts_are_those_of_the_scene(written: Path) -> None:
    scenes = {line["scene"]: described_scene(line) for line in read_lines(written / "single" / SCENES)}
    for item in read_lines(written / "single" / ITEMS):
        facts, scene = item["facts"], scenes[item["facts"]["scene"]]
        assert facts["events"] == len(scene.events)
        assert facts["snr_db"] == scene.snr_db
        if "distance_m" in facts:
            assert (facts["azimuth_deg"], facts["elevation_deg"], facts["distance_m"]) == scene.events[0].trajectory[0]


def test_arrays_hear_the_same_scene_and_the_same_questions(written: Path) -> None:
    lines = read_lines(written / "arrays" / SCENES)
    events = [
        [(event.label, event.onset_s, event.trajectory) for event in described_scene(line).events] for line in lines
    ]
    assert len(lines) == 4
    assert all(one == events[0] for one in events)
    by_array: dict[str, list[tuple[str, str]]] = {}
    for item in read_lines(written / "arrays" / ITEMS):
        by_array.setdefault(item["category"], []).append((item["question"], json.dumps(item["truth"])))
        assert item["recording"] == "arrays/0000"
    assert len(by_array) == 4
    assert all(asked == by_array["arrays/foa"] for asked in by_array.values())


def test_random_arrays_differ(written: Path) -> None:
    arrays = [json.loads((written / "arrays" / f"0000_random{n}.json").read_text())["positions_m"] for n in (1, 2)]
    assert arrays[0] != arrays[1]
    assert all(np.linalg.matrix_rank(np.array(one), tol=1e-3) >= 2 for one in arrays)


def test_mono_is_the_first_channel_alone(written: Path) -> None:
    line = next(line for line in read_lines(written / "unanswerable" / SCENES) if line["receiver"] == "mono")
    assert line["order"] == 0
    about_place = [
        item["truth"] for item in read_lines(written / "unanswerable" / ITEMS) if item.get("format") == "mono"
    ]
    assert all(truth["type"] != "direction" for truth in about_place)
    assert soundfile.info(written / "unanswerable" / line["audio"]).channels == 1


def test_questions_are_asked_in_held_out_words(written: Path) -> None:
    books = {
        (book, split): {text.lower().rstrip("?.") for text in phrasings.sentences(book, split)}
        for book in phrasings.MORE_BOOKS
        for split in ("train", "held_out")
    }
    plain = [item["question"].lower().rstrip("?.") for item in read_lines(written / ITEMS)]
    asked = [text for text in plain if any(text in words for (_, split), words in books.items() if split == "held_out")]
    assert asked  # those without gaps; the others hold the names of sounds
    assert not [text for text in plain if any(text in words for (_, split), words in books.items() if split == "train")]


def test_long_scenes_are_as_long_as_asked(written: Path, bench: Bench) -> None:
    (line,) = read_lines(written / "long" / SCENES)
    assert soundfile.info(written / "long" / line["audio"]).duration == pytest.approx(62.0)


# ---------------------------------------------------------------- the same again


def test_the_bytes_do_not_depend_on_workers(tiny: Bench, tmp_path: Path) -> None:
    one = write_bench(tmp_path / "a", "dev", size="check", bench=tiny)
    two = write_bench(tmp_path / "b", "dev", size="check", bench=tiny, workers=2)
    assert contents(one) == contents(two)
    other = write_bench(tmp_path / "c", "test", size="check", bench=tiny)
    assert (other / "single" / "0000.flac").read_bytes() != (one / "single" / "0000.flac").read_bytes()


def test_an_interrupted_run_goes_on(tiny: Bench, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    whole = write_bench(tmp_path / "a", "dev", size="check", bench=tiny)
    with pytest.raises(KeyboardInterrupt):
        write_bench(tmp_path / "b", "dev", progress=stop, size="check", bench=tiny)
    subset = tmp_path / "b" / "dev" / "single"
    assert not (subset / CHECKSUMS).exists()
    before = (subset / "0000.flac").stat().st_mtime_ns
    (subset / "0001.flac").write_bytes(b"damaged")
    told: list[tuple[int, int]] = []
    resumed = write_bench(tmp_path / "b", "dev", progress=lambda *now: told.append(now), size="check", bench=tiny)
    assert contents(resumed) == contents(whole)
    assert (subset / "0000.flac").stat().st_mtime_ns == before
    assert told[-1] == (3, 3)


def test_what_is_complete_is_not_made_again(tiny: Bench, tmp_path: Path) -> None:
    root = write_bench(tmp_path, "dev", size="check", bench=tiny)
    before = {path: path.stat().st_mtime_ns for path in (root / "single").iterdir()}
    write_bench(tmp_path, "dev", size="check", bench=tiny)
    assert {path: path.stat().st_mtime_ns for path in (root / "single").iterdir()} == before
    assert verify_folder(tmp_path) == {"dev/single": True}
    audio = root / "single" / "0002.flac"
    audio.write_bytes(audio.read_bytes()[:-1] + b"x")
    assert verify_folder(tmp_path) == {"dev/single": False}


def test_filling_leaves_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: Bench) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / ITEMS).write_text("mine\n")
    assert fill_bench(tmp_path, "dev") == tmp_path / "dev"
    assert contents(tmp_path) == {f"dev/{ITEMS}": b"mine\n"}
    monkeypatch.setattr("spatial_lalm.simulation.bench.writing.load_bench", lambda: tiny)
    assert len(read_lines(fill_bench(tmp_path, "test") / ITEMS)) > 0


# ---------------------------------------------------------------- refused


def listed(tmp_path: Path, rows: str) -> Path:
    soundfile.write(tmp_path / "a.wav", np.random.default_rng(0).normal(0, 0.1, 16_000), 16_000)
    path = tmp_path / "sources.csv"
    path.write_text(f"file,class,split,speaker\n{rows}")
    return path


def test_own_sounds_come_from_rows_that_training_leaves_alone(tiny: Bench, tmp_path: Path) -> None:
    rows = "a.wav,rain,train,\na.wav,rooster,validation,\na.wav,music,test,\n"
    for split, label in (("dev", "rooster"), ("test", "music")):
        root = write_bench(tmp_path / "out", split, None, listed(tmp_path, rows), size="check", bench=tiny)  # type: ignore[arg-type]
        labels = {event["label"] for line in read_lines(root / "single" / SCENES) for event in line["events"]}
        assert labels == {label}


def other_settings(folder: Path, tiny: Bench) -> None:
    write_bench(folder, "dev", size="check", bench=tiny)
    write_bench(folder, "dev", size="check", bench=replace(tiny, version=99))


def foreign(folder: Path, tiny: Bench) -> None:
    (folder / "dev" / "single").mkdir(parents=True)
    (folder / "dev" / "single" / "notes.txt").write_text("mine")
    write_bench(folder, "dev", size="check", bench=tiny)


def in_the_way(folder: Path, tiny: Bench) -> None:
    (folder / "dev").mkdir()
    (folder / "dev" / "single").write_text("mine")
    write_bench(folder, "dev", size="check", bench=tiny)


def no_rows(folder: Path, tiny: Bench) -> None:
    write_bench(folder, "dev", sources=listed(folder, "a.wav,rain,train,\n"), bench=tiny)


def one_talker(folder: Path, tiny: Bench) -> None:
    write_bench(folder, "dev", ["talkers"], listed(folder, "a.wav,speech,validation,x\n"))


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (other_settings, "other settings .*version"),
        (foreign, "holds other files"),
        (in_the_way, "a file is in the way"),
        (lambda folder, tiny: write_bench(folder, "train", bench=tiny), "split 'train' is unknown"),
        (lambda folder, tiny: write_bench(folder, "dev", ["double"], bench=tiny), "subset 'double' is unknown"),
        (lambda folder, tiny: write_bench(folder, "dev", sources=folder, bench=tiny), "give a CSV with split"),
        (no_rows, "validation"),
        (one_talker, "speech of two speakers"),
        (lambda folder, tiny: verify_folder(folder), "no written subset"),
    ],
)
def test_mistakes_are_told_in_a_line(
    act: Callable[[Path, Bench], object], said: str, tmp_path: Path, tiny: Bench
) -> None:
    with pytest.raises(InputError, match=said) as caught:
        act(tmp_path, tiny)
    assert "\n" not in str(caught.value)
