"""Layouts of the benchmarks, and what was simulated before in another layout."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from spatial_lalm.audio.scene import CLASSES, Room, Scene, SourceEvent
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.dataset import LAYOUTS, make_scenes
from spatial_lalm.simulation.dialects import SAME, STARSS_CLASSES, ClassNumbers, Dialect, folded, on_screen
from spatial_lalm.simulation.exports import export
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.recipe import SceneRecipe
from spatial_lalm.simulation.takes import Take
from spatial_lalm.simulation.writer import read_scene_csv

LIBRARY = SourceLibrary.builtin(espeak=False)
RECIPE = SceneRecipe(duration_s=1.0)
ROOM = Room((5.0, 4.0, 3.0), (0.3,) * 6)
SIZE = {"hdf5": 2}


def make_scene(*events: SourceEvent, duration_s: float = 1.0) -> Scene:
    return Scene(duration_s, 16_000, 1, ROOM, (1.0, 2.0, 1.5), events, None, 20.0, seed=5)


def event(label: str, azimuth: float, elevation: float = 0.0, onset_s: float = 0.0, **more: str) -> SourceEvent:
    return SourceEvent(label, onset_s, onset_s + 0.1, ((azimuth, elevation, 2.344),), (True,), **more)


def write(folder: Path, layout: str, scene: Scene, samples: np.ndarray | None = None, number: int = 0) -> Path:
    if samples is None:
        samples = np.random.default_rng(0).uniform(-0.2, 0.2, (4, round(16_000 * scene.duration_s)))
    with Take.record(samples.astype(np.float32), scene) as take:
        Dialect(layout).write(folder, number, take, CLASSES)
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def lines(folder: Path, name: str = "fold1_room1_mix001") -> list[str]:
    return (folder / f"metadata_dev/dev-train/{name}.csv").read_text().splitlines()


# ---------------------------------------------------------------- dialects


@pytest.mark.parametrize(
    ("layout", "line"),
    [("starss22", "0,8,0,30,-11"), ("starss23", "0,8,0,30,-11,234"), ("dcase2024", "0,8,0,30,-11,234")],
)
def test_rows_and_names_are_those_of_the_benchmark(tmp_path: Path, layout: str, line: str) -> None:
    write(tmp_path, layout, make_scene(event("music", 30.4, -10.6)), number=6)
    assert lines(tmp_path, "fold1_room7_mix001") == [line]
    info = soundfile.info(tmp_path / "foa_dev/dev-train/fold1_room7_mix001.wav")
    assert (info.channels, info.samplerate, info.frames, info.subtype) == (4, 16_000, 16_000, "PCM_16")


def test_starss23_reads_as_our_own_labels(tmp_path: Path) -> None:
    write(tmp_path, "starss23", make_scene(event("music", 180.0), event("rain", -90.0, onset_s=0.5)))
    rows = read_scene_csv(tmp_path / "metadata_dev/dev-train/fold1_room1_mix001.csv")
    assert rows[:, [0, 2, 3, 5]].tolist() == [[0, 0, 180, 234], [5, 1, -90, 234]]


def test_higher_orders_leave_their_first_four_channels(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).uniform(-0.2, 0.2, (9, 16_000))
    write(tmp_path / "a", "starss23", replace(make_scene(), order=2), samples)
    write(tmp_path / "b", "starss23", make_scene(), samples[:4])
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_four_capsules_are_the_mic_format_and_others_have_no_place(tmp_path: Path) -> None:
    scene = replace(make_scene(), convention="array", order=0, array={"name": "tetrahedron"})
    write(tmp_path, "starss22", scene)
    assert (tmp_path / "mic_dev/dev-train/fold1_room1_mix001.wav").is_file()
    with pytest.raises(InputError, match=r"layout starss22: 6 channels \(array\) have no place"):
        write(tmp_path, "starss22", scene, np.zeros((6, 100)))
    with pytest.raises(InputError, match=r"layout dcase2025: 4 channels \(array\) have no place in it, it takes ambis"):
        write(tmp_path, "dcase2025", scene)


# ---------------------------------------------------------------- stereo


def test_stereo_clips_of_5_s(tmp_path: Path) -> None:
    """12 s are three clips, the last one filled up; frames count from the start of their clip."""
    scene = make_scene(event("music", 150.0), event("music", -45.0, 30.0, 9.9), event("music", 20.0, 0.0, 10.0),
                       duration_s=12.0)  # fmt: skip
    write(tmp_path, "dcase2025", scene)
    header = "frame,class,source,azimuth,distance,onscreen"
    names = [f"fold1_room1_mix001_deg000_start{start:04d}" for start in (0, 50, 100)]
    assert sorted(path.stem for path in (tmp_path / "stereo_dev/dev-train").iterdir()) == names
    assert lines(tmp_path, names[0]) == [header, "0,8,0,30,234,0"]
    assert lines(tmp_path, names[1]) == [header, "49,8,1,-45,234,0"]
    assert lines(tmp_path, names[2]) == [header, "0,8,2,20,234,1"]
    audio, _ = soundfile.read(tmp_path / f"stereo_dev/dev-train/{names[2]}.wav")
    assert audio.shape == (80_000, 2)
    assert audio[31_990:32_000].any()
    assert not audio[32_000:].any()


@pytest.mark.parametrize(
    ("azimuth", "left", "right"), [(90, 2.0, 0.0), (-90, 0.0, 2.0), (0, 1.0, 1.0), (180, 1.0, 1.0)]
)
def test_stereo_is_two_cardioids_to_the_sides(tmp_path: Path, azimuth: int, left: float, right: float) -> None:
    """A plane wave from the left is in the left channel alone."""
    wave = np.sin(np.arange(80_000) / 5) * 0.1
    angle = math.radians(azimuth)
    write(tmp_path, "dcase2025", make_scene(duration_s=5.0), np.outer([1, math.sin(angle), 0, math.cos(angle)], wave))
    audio, _ = soundfile.read(tmp_path / "stereo_dev/dev-train/fold1_room1_mix001_deg000_start0000.wav")
    np.testing.assert_allclose(audio.T, np.outer([left, right], wave), atol=1e-4)


def test_stereo_that_would_clip_is_turned_down_as_a_whole(tmp_path: Path) -> None:
    samples = np.full((4, 160_000), 0.1)
    samples[:, 5] = 0.9
    write(tmp_path, "dcase2025", make_scene(duration_s=10.0), samples)
    told = json.loads((tmp_path / "scenes/fold1_room1_mix001.json").read_text())
    assert told["gain_db"] == pytest.approx(20 * np.log10(0.99 / 1.8), abs=1e-3)
    assert told["convention"].startswith("stereo")
    quiet, _ = soundfile.read(tmp_path / "stereo_dev/dev-train/fold1_room1_mix001_deg000_start0050.wav")
    assert quiet[:, 0] == pytest.approx(0.2 * 0.99 / 1.8, abs=1e-4)


def test_azimuths_behind_are_folded_to_the_front() -> None:
    """Folding keeps what two channels hear, the sine."""
    for azimuth in range(-180, 181):
        assert abs(folded(azimuth)) <= 90
        assert math.sin(math.radians(folded(azimuth))) == pytest.approx(math.sin(math.radians(azimuth)), abs=1e-12)
    assert [folded(azimuth) for azimuth in (-180, -91, -90, 90, 91, 180)] == [0, -89, -90, 90, 89, 0]


@pytest.mark.parametrize(
    ("azimuth", "elevation", "seen"),
    [(0, 0, True), (49, 0, True), (51, 0, False), (-49, 0, True), (0, 33, True), (0, 35, False), (49, 33, False),
     (180, 0, False), (130, 0, False), (0, 90, False), (0, -33, True)],
)  # fmt: skip
def test_screen_is_100_degrees_wide_and_16_to_9(azimuth: int, elevation: int, seen: bool) -> None:
    assert on_screen(azimuth, elevation) == seen


# ---------------------------------------------------------------- classes


def test_class_numbers_keep_the_benchmarks_and_leave_nothing_out() -> None:
    classes = (*CLASSES, "bell", "Door Wood Knock", "zither")
    numbers = ClassNumbers.of(classes)
    assert numbers.names[:13] == STARSS_CLASSES
    assert set(numbers.by_label) == set(classes)
    assert numbers.by_label["music"] == 8
    assert numbers.by_label["bell"] == 11
    assert numbers.by_label["Door Wood Knock"] == 12
    own = [label for label in classes if label not in ("music", "bell", "Door Wood Knock")]
    assert numbers.names[13:] == tuple(own)
    assert [row["name"] for row in numbers.table()] == list(numbers.names)
    assert set(SAME.values()) == set(range(13))


@pytest.mark.parametrize(
    ("speaker", "name"),
    [("espeak:en-gb+f3:40", "female speech"), ("espeak:en-us+m1", "male speech"), ("1272", "speech"), (None, "speech"),
     ("fred", "speech")],
)  # fmt: skip
def test_speech_has_the_gender_that_its_voice_is_known_by(speaker: str | None, name: str) -> None:
    numbers = ClassNumbers.of(CLASSES)
    assert numbers.names[numbers.number(event("speech", 0.0, speaker=speaker))] == name


def test_built_in_voices_are_told_apart() -> None:
    from spatial_lalm.simulation import generators

    if not generators.espeak_installed():
        pytest.skip("espeak-ng is not installed")
    voice = generators.speak(np.random.default_rng(0), 32_000, 16_000).speaker
    numbers = ClassNumbers.of(CLASSES)
    assert numbers.number(event("speech", 0.0, speaker=voice)) in (0, 1)


def test_lists_name_every_number(tmp_path: Path) -> None:
    make_scenes(tmp_path / "out", RECIPE, LIBRARY, 2, layout="starss23")
    names = (tmp_path / "out/classes.txt").read_text().splitlines()
    table = json.loads((tmp_path / "out/classes.json").read_text())
    assert [row["name"] for row in table] == names
    for number in (1, 2):
        name = f"fold1_room{number}_mix001"
        scene = json.loads((tmp_path / f"out/scenes/{name}.json").read_text())
        for row in read_scene_csv(tmp_path / f"out/metadata_dev/dev-train/{name}.csv"):
            assert scene["events"][row[2]]["label"] in table[row[1]]["labels"]


# ---------------------------------------------------------------- exports


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same scenes, simulated into every layout."""
    folder = tmp_path_factory.mktemp("layouts")
    for layout in LAYOUTS:
        make_scenes(folder / layout, RECIPE, LIBRARY, 3, seed=7, layout=layout, shard_scenes=SIZE.get(layout))
    return folder


@pytest.mark.parametrize("source", ["files", "hdf5"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_export_is_what_simulating_gives(simulated: Path, tmp_path: Path, source: str, layout: str) -> None:
    made = export(simulated / source, tmp_path, layout, shard_scenes=SIZE.get(layout))
    assert (made.scenes, made.rendered, made.audio_s) == (3, 3, 3.0)
    assert tree(tmp_path) == tree(simulated / layout)
    assert export(simulated / source, tmp_path, layout, shard_scenes=SIZE.get(layout)).rendered == 0


def test_export_of_a_test_split_goes_to_its_folder(simulated: Path, tmp_path: Path) -> None:
    export(simulated / "hdf5", tmp_path, "starss22", split="test")
    assert (tmp_path / "foa_dev/dev-test/fold4_room3_mix001.wav").is_file()
    with pytest.raises(InputError, match=r"other settings \(split\)"):
        export(simulated / "hdf5", tmp_path, "starss22")


@pytest.mark.parametrize("layout", ["files", "hdf5"])
def test_export_of_damaged_scenes_is_refused(simulated: Path, tmp_path: Path, layout: str) -> None:
    make_scenes(tmp_path / "in", RECIPE, LIBRARY, 3, seed=7, layout=layout, shard_scenes=SIZE.get(layout))
    path = tmp_path / "in" / {"files": "audio/scene_000001.wav", "hdf5": "shard_000001.h5"}[layout]
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(InputError, match=r"damaged|not a whole HDF5"):
        export(tmp_path / "in", tmp_path / "out", "starss23")
    assert not (tmp_path / "out/manifest.json").exists()


def test_what_cannot_be_exported_is_refused(simulated: Path, tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none", simulated / "starss22"):
        with pytest.raises(InputError, match="no finished folder of scenes in layout files or hdf5"):
            export(folder, tmp_path / "out", "files")
    with pytest.raises(InputError, match="split 'dev': choose train or test"):
        export(simulated / "files", tmp_path / "out", "starss23", split="dev")
    with pytest.raises(InputError, match="holds other files"):
        export(simulated / "files", simulated, "starss23")
