"""What readers make of places: axes and units, rendered sounds, label files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from spatial_lalm.audio.recording import Recording
from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.benchmark import Choice, Direction, Item, Number, Tracks, Words, YesNo
from spatial_lalm.evaluate.diarisation import read_rttm
from spatial_lalm.evaluate.folder_report import FolderOptions
from spatial_lalm.evaluate.folders import score_folders
from spatial_lalm.evaluate.readers import READERS, starss
from spatial_lalm.evaluate.readers.energy_maps import read_maps
from spatial_lalm.evaluate.readers.rows import read_objects
from spatial_lalm.evaluate.readers.spatial_sound_qa import LEVEL_DBFS, RATE, render

Make = Callable[[str], Any]


def load(name: str, made: Any) -> dict[str, Item]:
    found = READERS[name].read(made.folder, made.split)
    assert found.problems == ()
    return {item.name: item for item in found.items}


# ---------------------------------------------------------------- places


def test_rendering_is_the_slow_convolution(sample: Make) -> None:
    made = sample("spatial-sound-qa")
    response = made.folder / "mp3d_reverb" / "binaural" / "house" / "0.npy"  # left: delayed by a sample; right: half
    rng = np.random.default_rng(3)
    dry = made.folder / "dry.wav"
    soundfile.write(dry, rng.normal(0, 0.01, 3 * RATE), RATE, "FLOAT")
    heard = render((dry, response)).read()
    assert heard.shape == (2, 10 * RATE)
    samples, _ = soundfile.read(dry)
    samples *= 10 ** (LEVEL_DBFS / 20) / np.sqrt(np.mean(samples**2))
    np.testing.assert_allclose(heard[0, 1 : 1 + len(samples)], samples, atol=1e-6)
    np.testing.assert_allclose(heard[1, : len(samples)], samples / 2, atol=1e-6)
    assert not heard[:, len(samples) + 1 :].any()
    both = render((dry, response), (dry, response)).read()
    np.testing.assert_allclose(both, heard, atol=1e-6)


def test_spatial_sound_qa_asks_for_direction_and_distance_apart(sample: Make) -> None:
    made = sample("spatial-sound-qa")
    found = load("spatial-sound-qa", made)
    truths = {name.rpartition("/")[2]: item.truth for name, item in found.items()}
    direction = truths["direction"]
    assert isinstance(direction, Choice)
    assert direction.options[direction.right] == "left, front, above"
    assert (len(direction.options), truths["distance"]) == (8, Number("distance", 1.5))
    assert (truths["MIXUP_BINARY-1"], truths["CLASSIFICATION-2"]) == (YesNo(True), Words(("car; vehicle",)))
    left = found["stage2-single/DIRECTION-0/distance"]
    # The source is a metre in the direction of -x, which is left.
    assert left.facts == pytest.approx({"azimuth_deg": 90.0, "elevation_deg": 0.0, "distance_m": 1.0})
    times = {item.audio[0].stat().st_mtime_ns for item in found.values()}
    again = load("spatial-sound-qa", made)
    assert {item.audio[0].stat().st_mtime_ns for item in again.values()} == times


def test_a_response_of_another_shape_is_a_problem_and_leaves_no_file(sample: Make) -> None:
    made = sample("spatial-sound-qa")
    np.save(made.folder / "mp3d_reverb" / "binaural" / "house" / "0.npy", np.zeros((9, 4)))
    found = READERS["spatial-sound-qa"].read(made.folder, made.split)
    assert (found.items, [problem.row for problem in found.problems]) == ((), [1, 2, 3])
    assert "shape (9, 4) is no binaural response" in str(found.problems[0])
    assert list((made.folder / ".spatial-lalm" / "rendered").iterdir()) == []


def test_peaks_of_energy_maps_become_labels(sample: Make) -> None:
    made = sample("dcase2026")
    first, second = read_maps(made.table)
    assert (first.frame, second.frame, first.category) == (3, 4, 8)
    assert first.peak_deg == (89.0, 29.0)  # pixel 91, 61: left of the middle and above
    item = load("dcase2026", made)["seq0"]
    assert isinstance(item.truth, Tracks)
    assert item.truth.table.read_text() == "3,8,0,89,29,200\n4,8,0,89,29,200\n"


def test_both_l3das_dialects_say_the_same_and_number_what_overlaps(sample: Make, tmp_path: Path) -> None:
    old, new = READERS["l3das22"], READERS["l3das23"]
    made = sample("l3das22")  # 1.5 m to the left, 0.5 m up; events overlap for 100 ms
    table = old.read(made.folder, "dev").items[0].truth
    assert isinstance(table, Tracks)
    before = table.table.read_text()
    sample("l3das23")
    after_table = new.read(made.folder, "dev").items[0].truth
    assert isinstance(after_table, Tracks)
    assert after_table.table.read_text() == before
    rows = [line.split(",") for line in before.splitlines()]
    assert [row[:3] for row in rows if row[0] == "9"] == [["9", "8", "0"], ["9", "8", "1"]]
    assert [float(value) for value in rows[0][3:]] == pytest.approx([90.0, 18.435, 158.114], abs=1e-3)


def test_l3das_rows_a_frame_without_a_header(sample: Make) -> None:
    made = sample("l3das23")
    made.table.write_text("0,8,1.5,-90,0\n1,Laughter,1.5,-90,0\n")
    item = next(one for one in READERS["l3das23"].read(made.folder, "dev").items if one.name.endswith("_0"))
    assert isinstance(item.truth, Tracks)
    assert item.truth.table.read_text() == "0,8,0,-90.000,0.000,150.000\n1,8,0,-90.000,0.000,150.000\n"
    made.table.write_text("0,99,1.5,-90,0\n")
    (problem,) = READERS["l3das23"].read(made.folder, "dev").problems
    assert "row 1: class '99' is none of the 14" in str(problem)


def test_locata_turns_places_into_the_array_axes(sample: Make) -> None:
    made = sample("locata")
    found = load("locata", made)
    item = found["task1/recording0/dicit"]
    # The array's front (y) looks to the room's -x and its right (x) to the room's y, where the source is.
    assert found["task1/recording0/dicit/direction"].truth == Direction(pytest.approx(-90.0), pytest.approx(0.0))
    assert isinstance(item.truth, Tracks)
    lines = item.truth.table.read_text().splitlines()
    assert len(lines) == 20
    assert lines[0] == "0,0,0,-90.000,0.000"
    recording = Recording.open(item.audio[0], item.format, item.array)
    assert recording.format.array is not None
    # Capsules are 0.1 m along the room's x, -x, y and z: back, front, right, up.
    np.testing.assert_allclose(
        recording.format.array.positions, 0.1 * np.array([[-1, 0, 0], [1, 0, 0], [0, -1, 0], [0, 0, 1]]), atol=1e-12
    )


def test_locata_needs_as_many_capsules_as_channels(sample: Make) -> None:
    made = sample("locata")
    samples, rate = soundfile.read(made.sound)
    soundfile.write(made.sound, samples[:, :3], rate)
    (problem,) = READERS["locata"].read(made.folder, "dev").problems
    assert "tells of 4 capsules, audio_array_dicit.wav has 3" in str(problem)


def test_spatial_librispeech_in_our_units(sample: Make) -> None:
    made = sample("spatial-librispeech")
    found = load("spatial-librispeech", made)
    direction = found["000000/direction"].truth
    assert direction == Direction(pytest.approx(90.0, abs=1e-4), pytest.approx(np.degrees(0.1)))
    assert found["000000/t60"].truth == Number("t60", pytest.approx(0.45))
    assert found["000000/drr"].truth == Number("drr", pytest.approx(2.0))
    assert found["000000/volume"].truth == Number("volume", 80.0)
    assert found["000000/direction"].facts["snr_db"] == 12.0
    lite = load("spatial-librispeech", replace(made, split="test-lite"))
    assert {item.recording for item in lite.values()} == {"000000"}


def test_spatial_librispeech_as_csv_says_the_same(sample: Make) -> None:
    made = sample("spatial-librispeech")
    expected = {name: item.truth for name, item in load("spatial-librispeech", made).items()}
    rows = [json.loads(line) for line in made.table.read_text().splitlines()]
    made.table.unlink()

    def cell(value: Any) -> str:
        return (
            "[" + " ".join("nan" if one is None else str(one) for one in value) + "]"
            if isinstance(value, list)
            else str(value)
        )

    lines = [",".join(rows[0]), *(",".join(map(cell, row.values())) for row in rows)]
    (made.folder / "metadata.csv").write_text("\n".join(lines) + "\n")
    assert {name: item.truth for name, item in load("spatial-librispeech", made).items()} == expected


def test_reverberation_in_seconds_is_refused(sample: Make) -> None:
    made = sample("spatial-librispeech")
    made.table.write_text(made.table.read_text().replace("[900.0, 400.0, 500.0, null]", "[0.9, 0.4, 0.5, null]", 1))
    (problem,) = READERS["spatial-librispeech"].read(made.folder, made.split).problems
    assert "row 1: acoustics/t30_ms 0.45 must be milliseconds" in str(problem)


@pytest.mark.skipif(find_spec("pyarrow") is not None, reason="pyarrow is installed")
def test_parquet_without_its_library_is_one_line_that_says_how(tmp_path: Path) -> None:
    path = tmp_path / "test.parquet"
    path.write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"pip install pyarrow, or save the table beside it as test\.jsonl"):
        list(read_objects(path))


# ---------------------------------------------------------------- labels, talkers, our own


def test_stereo_of_2025_is_a_pair_of_cardioids(sample: Make) -> None:
    item = load("dcase2025", sample("dcase2025"))["fold4_room0_mix001"]
    array = Recording.open(item.audio[0], item.format, item.array).format.array
    assert array == starss.stereo()
    left, right = np.abs(array.manifold([500.0], [[0.0, 1.0, 0.0]])[0, :, 0])
    assert (left, right) == pytest.approx((1.0, 0.0), abs=1e-9)


def test_a_sound_without_labels_is_told(sample: Make) -> None:
    made = sample("starss23")
    made.table.unlink()
    (problem,) = READERS["starss23"].read(made.folder, made.split).problems
    assert (problem.kind, Path(problem.path)) == ("unexpected", made.sound)


def test_an_rttm_of_several_recordings_is_cut_into_theirs(sample: Make) -> None:
    made = sample("rttm")
    for path in sorted(made.folder.glob("*.rttm"))[1:]:
        made.table.write_text(made.table.read_text() + path.read_text())
        path.unlink()
    found = load("rttm", made)
    assert sorted(found) == ["meeting0", "meeting1", "meeting2"]
    for name, item in found.items():
        assert isinstance(item.truth, Tracks)
        assert item.truth.table.stem == name
        assert list(read_rttm(item.truth.table)) == [name]


@pytest.mark.parametrize(
    "name", ["starss22", "starss23", "dcase2024", "dcase2025", "dcase2026", "l3das22", "l3das23", "locata", "rttm"]
)
def test_tables_of_sources_can_be_scored(name: str, sample: Make, tmp_path: Path) -> None:
    tables = tmp_path / "tables"
    tables.mkdir()
    truths = [item.truth for item in load(name, sample(name)).values() if isinstance(item.truth, Tracks)]
    for truth in truths:
        shutil.copy(truth.table, tables)
    protocol = truths[0].protocol
    options = FolderOptions(prediction_unit="cm" if protocol == "dcase2024" else None)
    report = score_folders(protocol, tables, tables, options)
    assert (report.recordings, report.problems) == (len(truths), ())
    key, best = {"rttm": ("DER", 0.0), "tracking": ("detected", 1.0)}.get(protocol, ("F", 1.0))
    assert next(iter(report.scores.values()))[key] == best


def test_our_own_split_in_the_folder_itself(sample: Make) -> None:
    made = sample("spatial-bench")
    inside = READERS["spatial-bench"].read(made.folder / "test", "all")
    assert [item.truth for item in inside.items] == [Number("t60", 0.45)] * 3
    assert inside.items == READERS["spatial-bench"].read(made.folder, "test").items
