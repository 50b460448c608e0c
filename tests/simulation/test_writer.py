"""Files of a scene: labels on the STARSS grid, audio that says what was rendered, writes that are whole or absent."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from spatial_lalm.audio.scene import CLASSES, Acoustics, Room, Scene, SourceEvent
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.writer import (
    atomic_write,
    described_scene,
    file_digest,
    finished_scene,
    frame_rows,
    read_scene_csv,
    scene_paths,
    sweep,
    write_scene,
)

STILL = SourceEvent("rain", 0.2, 0.5, ((30.4, -10.6, 2.344),), (True, False, True))
MOVING = SourceEvent("speech", 0.26, 0.46, ((-179.7, 0.0, 1.0), (170.0, 5.0, 1.5)), (True, True))


def make_scene(*events: SourceEvent, duration_s: float = 1.0, order: int = 1) -> Scene:
    room = Room((5.0, 4.0, 3.0), (0.3,) * 6)
    acoustics = Acoustics(0.4, (float("nan"), 0.5, 0.4, 0.4, 0.4, 0.3), 3.0, 8.0)
    return Scene(duration_s, 16_000, order, room, (1.0, 2.0, 1.5), events, acoustics, 20.0, seed=5)


def samples(channels: int = 4, peak: float = 0.5) -> np.ndarray:
    audio = np.random.default_rng(0).uniform(-1, 1, (channels, 16_000)).astype(np.float32)
    return audio * np.float32(peak / np.abs(audio).max())


# ---------------------------------------------------------------- labels


def test_rows_are_active_frames_in_degrees_and_centimetres() -> None:
    rows = frame_rows(make_scene(STILL), CLASSES)
    rain = CLASSES.index("rain")
    assert rows.tolist() == [[2, rain, 0, 30, -11, 234], [4, rain, 0, 30, -11, 234]]


def test_event_off_the_grid_is_active_where_it_covers_the_middle_of_a_frame_and_its_path_moves() -> None:
    """0.26 to 0.46 s covers the middles 0.35 and 0.45; azimuth stays within (-180, 180]."""
    rows = frame_rows(make_scene(MOVING), CLASSES)
    assert rows.tolist() == [[3, 0, 0, 180, 0, 100], [4, 0, 0, 170, 5, 150]]


def test_rows_of_several_events_are_in_frame_order_with_their_source_number() -> None:
    rows = frame_rows(make_scene(STILL, MOVING), CLASSES)
    assert rows[:, 0].tolist() == [2, 3, 4, 4]
    assert set(rows[:, 2]) == {0, 1}


def test_no_row_lies_beyond_the_end_of_the_scene() -> None:
    late = replace(STILL, onset_s=0.8, offset_s=1.1, active=(True,) * 3)
    assert frame_rows(make_scene(late), CLASSES)[:, 0].tolist() == [8, 9]


def test_scene_without_events_has_no_rows_and_reads_back(tmp_path: Path) -> None:
    write_scene(tmp_path, "s", samples(), make_scene(), CLASSES)
    assert read_scene_csv(tmp_path / scene_paths("s")[1]).shape == (0, 6)


def test_csv_reads_back_what_was_written(tmp_path: Path) -> None:
    scene = make_scene(STILL, MOVING)
    write_scene(tmp_path, "s", samples(), scene, CLASSES)
    np.testing.assert_array_equal(read_scene_csv(tmp_path / "metadata/s.csv"), frame_rows(scene, CLASSES))
    assert (tmp_path / "metadata/s.csv").read_text().splitlines()[0] == f"2,{CLASSES.index('rain')},0,30,-11,234"


@pytest.mark.parametrize("line", ["1,2,3,4,5", "1,2,3,4,5,6,7", "1,2,3,4,5,x", "1,2,3,4,5,6.5", "frame,class", ""])
def test_broken_csv_line_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.csv").write_text(f"0,1,0,10,20,300\n{line}\n")
    with pytest.raises(InputError, match=r"a\.csv, line 2: .* must be six integers"):
        read_scene_csv(tmp_path / "a.csv")


def test_csv_that_is_absent_or_binary_is_refused(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_bytes(b"\xff\x00")
    for name in ("none.csv", "b.csv"):
        with pytest.raises(InputError, match="not readable as frame labels"):
            read_scene_csv(tmp_path / name)


# ---------------------------------------------------------------- audio and JSON


@pytest.mark.parametrize(("order", "channels"), [(1, 4), (2, 9)])
def test_audio_reads_back_within_half_a_step(tmp_path: Path, order: int, channels: int) -> None:
    audio = samples(channels)
    write_scene(tmp_path, "s", audio, make_scene(order=order), CLASSES)
    back, rate = soundfile.read(tmp_path / "audio/s.wav", always_2d=True)
    assert rate == 16_000
    assert np.abs(back.T - audio).max() < 0.51 / 32768


def test_loud_scene_says_by_how_much_it_was_scaled(tmp_path: Path) -> None:
    write_scene(tmp_path, "s", samples(peak=2.0), make_scene(STILL), CLASSES)
    gain_db = json.loads((tmp_path / "scenes/s.json").read_text())["gain_db"]
    assert gain_db == pytest.approx(20 * np.log10(0.99 / 2.0), abs=1e-4)


def test_blocks_and_labels_that_come_late_make_the_same_files(tmp_path: Path) -> None:
    """An hour comes in blocks, and its labels are known after the last one."""
    audio, taken = samples(peak=1.5), []

    def blocks() -> Iterator[np.ndarray]:
        for start in range(0, audio.shape[1], 4999):
            yield audio[:, start : start + 4999]
        taken.append(True)

    def scene() -> Scene:
        assert taken
        return make_scene(STILL, MOVING)

    whole = write_scene(tmp_path / "a", "s", audio, make_scene(STILL, MOVING), CLASSES)
    assert write_scene(tmp_path / "b", "s", blocks(), scene, CLASSES) == whole


def test_described_scene_is_the_scene(tmp_path: Path) -> None:
    scene = replace(make_scene(STILL, MOVING), acoustics=None, convention="array", array={"name": "x"}, order=0)
    write_scene(tmp_path, "s", samples(), scene, CLASSES)
    description = json.loads((tmp_path / "scenes/s.json").read_text())
    assert description["convention"] == "array capsules"
    assert described_scene(description) == scene


def test_json_is_strict_and_carries_its_convention(tmp_path: Path) -> None:
    write_scene(tmp_path, "s", samples(), make_scene(STILL), CLASSES)
    text = (tmp_path / "scenes/s.json").read_text()
    scene = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert scene["convention"] == "ambix ACN/SN3D"
    assert scene["classes"] == list(CLASSES)
    assert scene["acoustics"]["t60_bands_s"][0] is None  # could not be measured
    assert scene["events"][0]["trajectory"] == [[30.4, -10.6, 2.344]]
    assert scene["volume_m3"] == 60.0


# ---------------------------------------------------------------- whole or absent


def test_returned_sums_are_those_of_the_files(tmp_path: Path) -> None:
    sums = write_scene(tmp_path, "s", samples(), make_scene(STILL), CLASSES)
    assert set(sums) == set(scene_paths("s"))
    assert all(file_digest(tmp_path / path) == value for path, value in sums.items())
    found = finished_scene(tmp_path, "scenes/s.json", seed=5)
    assert found is not None
    assert found[0] == sums
    assert found[1]["duration_s"] == 1.0


def test_scene_of_another_seed_is_not_the_finished_one(tmp_path: Path) -> None:
    write_scene(tmp_path, "s", samples(), make_scene(STILL), CLASSES)
    assert finished_scene(tmp_path, "scenes/s.json", seed=6) is None


@pytest.mark.parametrize("part", [0, 1, 2])
@pytest.mark.parametrize("damage", ["missing", "shortened", "changed"])
def test_damaged_scene_is_not_finished(tmp_path: Path, part: int, damage: str) -> None:
    write_scene(tmp_path, "s", samples(), make_scene(STILL), CLASSES)
    path = tmp_path / scene_paths("s")[part]
    data = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(data[: len(data) // 2] if damage == "shortened" else b"[" + data[1:])
    assert finished_scene(tmp_path, "scenes/s.json", seed=5) is None


def test_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    atomic_write(path, b"old")

    def broken(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="No space"):
        atomic_write(path, b"new")
    assert path.read_bytes() == b"old"
    assert not list(tmp_path.glob(".*"))  # the temporary file is gone as well


def test_two_writers_of_a_file_do_not_meet(tmp_path: Path) -> None:
    """A writer that was believed dead ends its file while another one writes the same."""
    path = tmp_path / "file"

    def slow() -> Iterator[bytes]:
        yield b"wh"
        atomic_write(path, b"whole")
        assert path.read_bytes() == b"whole"
        yield b"ole"

    atomic_write(path, slow())
    assert path.read_bytes() == b"whole"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_sweep_takes_what_dead_writers_left_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "audio").mkdir()
    for name in (".a.wav.0123abcd.tmp", "a.wav", ".hidden"):
        (tmp_path / "audio" / name).touch()
    sweep(tmp_path)
    assert sorted(path.name for path in (tmp_path / "audio").iterdir()) == [".hidden", "a.wav"]
