"""Contact sheets: the right panels with the right places in them, for every kind of scene."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from spatial_lalm.app.contact_sheet import caption, draw_sheet, figure
from spatial_lalm.app.sheet_panels import COLUMNS, MOST_VOICES, active_spans, outline, voices_of
from spatial_lalm.app.sheet_plan import source_positions
from spatial_lalm.app.sheet_rows import MOST_SCENES, read_rows
from spatial_lalm.audio.conventions import angles, rotation_matrix
from spatial_lalm.audio.scene import Acoustics, Room, Scene, SourceEvent

PANELS = ["plan", "waveform", "azimuth", "elevation"]
SILENCE = np.zeros((4, 64_000), np.float32)


def event(
    label: str, onset_s: float, *trajectory: tuple[float, float, float], frames: int = 20, **more: Any
) -> SourceEvent:
    return SourceEvent(label, onset_s, onset_s + frames / 10, trajectory, (True,) * frames, **more)


def outdoors(scene: Scene) -> Scene:
    return dataclasses.replace(
        scene, room=Room((160.0, 160.0, 80.0), (1.0, 1.0, 1.0, 1.0, 0.1, 1.0)), receiver_m=(80.0, 80.0, 1.5)
    )


def polygon(scene: Scene) -> Scene:
    corners = ((0.0, 0.0), (5.0, 0.0), (5.0, 2.0), (2.5, 2.0), (2.5, 4.0), (0.0, 4.0))
    return dataclasses.replace(scene, room=Room((5.0, 4.0, 3.0), (0.3,) * 8, corners_m=corners))


def empty(scene: Scene) -> Scene:
    return dataclasses.replace(scene, events=(), acoustics=None)


def array(scene: Scene) -> Scene:
    nominal = {"name": "circle6", "positions_m": [[0.0, 0.0, 0.0]] * 6}
    return dataclasses.replace(scene, order=0, convention="array", array=nominal)


def hour(scene: Scene) -> Scene:
    rng = np.random.default_rng(0)
    events = [
        event(f"class_{number % 20}", 10.0 * number, (float(rng.uniform(-180, 180)), 0.0, 1.0)) for number in range(300)
    ]
    return dataclasses.replace(scene, duration_s=3600.0, events=tuple(events))


def carried(scene: Scene) -> Scene:
    track = tuple((1.0 + 0.02 * i, 2.0, 1.5, 4.5 * i % 360 - 180, 0.0, 0.0) for i in range(40))
    return dataclasses.replace(scene, receiver_track=track)


def odd_names(scene: Scene) -> Scene:
    return dataclasses.replace(
        scene, events=(event("a$b$", 0.0, (0.0, 90.0, 1.0)), event("狗_吠", 1.0, (0.0, -90.0, 1.0)))
    )


def no_t60(scene: Scene) -> Scene:
    return dataclasses.replace(scene, acoustics=Acoustics(math.nan, (math.nan,) * 6, -3.0, math.nan), snr_db=math.inf)


def same(scene: Scene) -> Scene:
    return scene


@pytest.mark.parametrize("change", [same, outdoors, polygon, empty, array, hour, carried, odd_names, no_t60])
def test_every_kind_of_scene_is_drawn(scene: Scene, tmp_path: Path, change: Callable[[Scene], Scene]) -> None:
    draw_sheet([(SILENCE, change(scene))], tmp_path / "sheet.png")
    picture = (tmp_path / "sheet.png").read_bytes()
    assert picture.startswith(b"\x89PNG\r\n")
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]
    draw_sheet([(SILENCE, change(scene))], tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == picture


def test_a_row_of_panels_for_each_scene(scene: Scene) -> None:
    sheet = figure([(SILENCE, scene), (SILENCE, outdoors(scene))], ["one", "two"])
    assert [axes.get_label() for axes in sheet.axes] == [*PANELS, *PANELS]
    texts = [text.get_text() for text in sheet.texts]
    assert {"one", "two", caption(scene)} <= set(texts)
    first, second = (sheet.axes[start].get_position() for start in (0, 4))
    assert first.y0 > second.y1  # the second scene is below the first


def test_captions_tell_room_reverberation_and_noise(scene: Scene) -> None:
    told = caption(scene)
    assert told.startswith("5.0 x 4.0 x 3.0 m, 60 m³    T60 0.40 s    DRR 3.0 dB    SNR 20 dB (diffuse)")
    assert caption(outdoors(scene)).startswith("open air over hard ground")
    assert caption(polygon(scene)).startswith("5.0 x 4.0 x 3.0 m over 6 corners, 45 m³")
    assert "T60 \u2013 s    DRR \u2013 dB" in caption(empty(scene))
    assert caption(array(scene)).endswith("circle6 (6 capsules)")


def test_plan_shows_places_to_scale(scene: Scene) -> None:
    plan, _, azimuth, elevation = figure([(SILENCE, scene)]).axes
    assert plan.get_aspect() == 1.0
    dots = np.array([line.get_xydata()[0] for line in plan.lines if line.get_marker() == "o"])
    expected = [source_positions(scene, one)[0, :2] for one in scene.events]
    assert np.allclose(dots, expected)
    # The speech is 1.5 m away, 30 degrees to the left of a receiver at (1, 2) that looks along x.
    assert dots[0] == pytest.approx(
        [1 + 1.5 * math.cos(math.radians(5)) * math.cos(math.radians(30)), 2 + 0.747], abs=1e-3
    )
    for axes, column in ((azimuth, 0), (elevation, 1)):
        dotted = [line.get_ydata() for line in axes.lines if line.get_marker() == "."]
        assert [set(np.asarray(values)) for values in dotted] == [{one.trajectory[0][column]} for one in scene.events]


@pytest.mark.parametrize(("change", "walls"), [(same, 4), (polygon, 6)])
def test_plan_shows_the_walls(scene: Scene, change: Callable[[Scene], Scene], walls: int) -> None:
    (outline_of_floor,) = figure([(SILENCE, change(scene))]).axes[0].patches
    corners = np.asarray(outline_of_floor.get_path().vertices)[:walls]
    assert len(np.unique(corners, axis=0)) == walls
    assert corners.max(axis=0).tolist() == [5.0, 4.0]


def test_receiver_that_turns_and_goes_sees_a_still_source_at_one_place(scene: Scene) -> None:
    still, moving = np.array([3.0, 1.0, 2.0]), carried(scene)
    trajectory = []
    for x, y, z, yaw, pitch, roll in moving.receiver_track[5:25]:
        vector = rotation_matrix(yaw, pitch, roll).T @ (still - [x, y, z])
        azimuth, elevation = angles(vector)
        trajectory.append((float(azimuth), float(elevation), float(np.linalg.norm(vector))))
    positions = source_positions(moving, event("tone", 0.5, *trajectory))
    assert positions.shape == (20, 3)
    assert np.allclose(positions, still, atol=1e-5)


def test_plan_names_its_colours_where_there_are_too_many_sources_to_be_named(scene: Scene) -> None:
    voices = voices_of(hour(scene))
    plan = figure([(SILENCE, hour(scene))]).axes[0]
    named = {text.get_text(): text.get_color() for text in plan.texts if text.get_text() in {v.name for v in voices}}
    assert named == {voice.name: voice.colour for voice in voices}
    places = [text.xy for text in plan.texts if text.get_text() in named]  # type: ignore[attr-defined]
    assert len(set(places)) == len(voices)
    assert all(0 <= x < 1 and y < 0 for x, y in places)


def test_spans_are_the_active_stretches() -> None:
    one = SourceEvent("tone", 1.0, 1.55, ((0.0, 0.0, 1.0),), (True, True, False, False, True, True))
    assert np.allclose(active_spans(one), [(1.0, 1.2), (1.4, 1.55)])
    assert active_spans(dataclasses.replace(one, active=(False,) * 6)) == []


def test_turns_of_a_talker_share_a_voice_and_places_of_a_class_are_told_apart(scene: Scene) -> None:
    turns = [event("speech", 1.0 * k, (60.0 * (k % 2), 0.0, 1.0), speaker="ab"[k % 2]) for k in range(4)]
    barks = [event("dog_bark", 0.5, (90.0, 0.0, 1.0)), event("dog_bark", 2.5, (90.0, 0.0, 2.0))]
    voices = voices_of(dataclasses.replace(scene, events=(*barks, *turns)))
    assert [voice.name for voice in voices] == ["speech 1", "dog bark 1", "speech 2", "dog bark 2"]
    assert [len(voice.events) for voice in voices] == [2, 1, 2, 1]
    assert len({voice.colour for voice in voices}) == 4


def test_no_event_is_lost_where_there_are_too_many_voices(scene: Scene) -> None:
    voices = voices_of(hour(scene))
    assert len(voices) == MOST_VOICES
    assert voices[-1].name == "others"
    assert sum(len(voice.events) for voice in voices) == 300


def test_outline_holds_the_extremes_of_every_stretch_and_reads_little_at_a_time() -> None:
    samples = np.random.default_rng(0).normal(size=1_000_003).astype(np.float32)
    asked: list[int] = []

    def read(start: int, stop: int) -> np.ndarray:
        asked.append(stop - start)
        return samples[start:stop]

    found = outline(read, len(samples))
    step = math.ceil(len(samples) / COLUMNS)
    stretches = [samples[start : start + step] for start in range(0, len(samples), step)]
    assert np.array_equal(found[0::2], [stretch.min() for stretch in stretches])
    assert np.array_equal(found[1::2], [stretch.max() for stretch in stretches])
    assert max(asked) <= 160_000
    short = samples[:2000]
    assert np.array_equal(outline(lambda start, stop: short[start:stop], 2000), short)


def written(folder: Path, number: int, scene: Scene, samples: np.ndarray, files: int = 1) -> None:
    """A scene in a folder, as ``writer`` leaves it, its sound in one file or cut into several."""
    (folder / "scenes").mkdir(parents=True, exist_ok=True)
    names = [f"{number:03d}_{part}.wav" for part in range(files)]
    for name, part in zip(names, np.array_split(samples, files, axis=1), strict=True):
        soundfile.write(folder / name, part.T, scene.rate, subtype="PCM_16")
    told = scene.to_json() | {"convention": "ambix ACN/SN3D", "sha256": dict.fromkeys([*names, "a.csv"], "")}
    (folder / f"scenes/scene_{number:03d}.json").write_text(json.dumps(told))


@pytest.mark.parametrize("files", [1, 4])
def test_rows_are_read_back_from_the_folder(scene: Scene, tmp_path: Path, files: int) -> None:
    samples = np.random.default_rng(1).uniform(-0.5, 0.5, (4, 64_000)).astype(np.float32)
    for number in range(20):
        written(tmp_path, number, scene, samples, files)
    names, rows = read_rows(tmp_path, "files")
    assert len(rows) == MOST_SCENES
    assert (names[0], names[-1]) == ("scene_000", "scene_019")
    wave, read = rows[3]
    assert repr(read) == repr(scene)  # as text, for NaN differs from itself
    assert wave.shape[1] <= 2 * (COLUMNS + files)
    assert wave.max() == pytest.approx(samples[0].max(), abs=1e-4)
    assert wave.min() == pytest.approx(samples[0].min(), abs=1e-4)
