"""Shards of scenes: the same bytes always, sealed or absent, and read back as what was simulated."""

from __future__ import annotations

import hashlib
import json
import pickle
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from spatial_lalm.audio.scene import CLASSES, Room, Scene, SourceEvent
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.dataset import make_scenes
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.recipe import SceneRecipe
from spatial_lalm.simulation.shard_writer import ShardWriter
from spatial_lalm.simulation.shards import ShardReader, scenes_per_shard
from spatial_lalm.simulation.takes import Take
from spatial_lalm.simulation.writer import COLUMNS, frame_rows

LIBRARY = SourceLibrary.builtin(espeak=False)
RECIPE = SceneRecipe(duration_s=1.0)
RAIN = SourceEvent("rain", 0.2, 0.5, ((30.4, -10.6, 2.344),), (True, False, True))
ROOM = Room((5.0, 4.0, 3.0), (0.3,) * 6)


@dataclass(frozen=True)
class Noise:
    """Scenes of noise, all of another length and, where asked for, other channels."""

    channels: tuple[int, ...] = (4,)
    seconds: tuple[float, ...] = (1.0, 2.5, 0.3)
    classes: Sequence[str] = CLASSES

    def seed(self, number: int) -> int:
        return number

    def samples(self, number: int) -> np.ndarray:
        shape = self.channels[number % len(self.channels)], round(16_000 * self.seconds[number % len(self.seconds)])
        return np.random.default_rng(number).uniform(-0.5, 0.5, shape).astype(np.float32)

    def scene(self, number: int) -> Scene:
        seconds = self.seconds[number % len(self.seconds)]
        return Scene(seconds, 16_000, 1, ROOM, (1.0, 2.0, 1.5), (RAIN,), None, 20.0, seed=number)

    def take(self, number: int, folder: Path) -> Take:
        return Take.record(self.samples(number), self.scene(number), folder)


def written(folder: Path, source: Noise, scenes: int = 3) -> ShardReader:
    ShardWriter("x").write(folder, 0, range(scenes), source)
    return ShardReader(folder)


def shards(folder: Path, scenes: int = 5) -> Path:
    make_scenes(folder, RECIPE, LIBRARY, scenes, seed=3, layout="hdf5", shard_scenes=2)
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shards(tmp_path_factory.mktemp("shards") / "out")


# ---------------------------------------------------------------- content


@pytest.mark.parametrize("channels", [(4,), (9,), (1, 4, 32)])
def test_scenes_read_back(tmp_path: Path, channels: tuple[int, ...]) -> None:
    """More than eight channels take several FLAC streams; lengths and channels may differ from scene to scene."""
    source = Noise(channels)
    with written(tmp_path, source) as reader:
        assert len(reader) == 3
        assert reader.classes == CLASSES
        for number in range(3):
            assert np.abs(reader.audio(number) - source.samples(number)).max() < 0.51 / 32768
            assert reader.samples(number) == source.samples(number).shape[1]
            assert reader.scene(number) == source.scene(number)
            np.testing.assert_array_equal(reader.labels(number), frame_rows(source.scene(number), CLASSES))


@pytest.mark.parametrize(
    "part", [(0, None), (5, 6), (159_990, 160_010), (160_000, 160_001), (300_000, 400_000), (-10, None), (7, 7)]
)
def test_excerpt_is_that_part_of_the_whole(tmp_path: Path, part: tuple[int, int | None]) -> None:
    """Across the seams between stretches of 10 s, too."""
    with written(tmp_path, Noise(seconds=(21.0,)), 1) as reader:
        whole = reader.pcm(0)
        assert whole.shape == (4, 336_000)
        np.testing.assert_array_equal(reader.pcm(0, *part), whole[:, slice(*part)])


def test_file_tells_what_it_holds(made: Path) -> None:
    with h5py.File(made / "shard_000001.h5") as file:
        about = dict(file.attrs)
        assert about["rate"] == 16_000
        assert about["generator"].startswith("spatial-lalm ")
        assert about["axes"].startswith("x front")
        assert (about["first"], about["count"]) == (2, 2)
        assert file["classes"][0] == b"speech"
        assert file["scene_000002"].attrs["convention"] == "ambix ACN/SN3D"
        assert file["scene_000002/labels"].attrs["columns"] == ",".join(COLUMNS)
        assert json.loads(file["scene_000003/scene"][()])["axes"] == about["axes"]


def test_a_shard_may_be_opened_beside_the_reader(made: Path) -> None:
    """HDF5 refuses a second opening in one process with other flags."""
    with ShardReader(made) as reader:
        whole = reader.pcm(2)
        with h5py.File(made / "shard_000001.h5") as file, ShardReader(made) as other:
            assert file.attrs["first"] == 2
            np.testing.assert_array_equal(other.pcm(2), whole)
    with h5py.File(made / "shard_000001.h5") as file, ShardReader(made) as reader:
        np.testing.assert_array_equal(reader.pcm(2), whole)


def test_scenes_are_those_of_the_files(made: Path, tmp_path: Path) -> None:
    make_scenes(tmp_path, RECIPE, LIBRARY, 5, seed=3)
    with ShardReader(made) as reader:
        for number in range(5):
            told = json.loads((tmp_path / f"scenes/scene_{number:06d}.json").read_text())
            del told["sha256"]
            assert reader.description(number) == told
            wav = (tmp_path / f"audio/scene_{number:06d}.wav").read_bytes()
            assert wav[44:] == reader.pcm(number).T.tobytes()


def test_manifest_has_the_sum_of_every_file(made: Path) -> None:
    manifest = json.loads((made / "manifest.json").read_text())
    assert manifest["scenes"] == 5
    assert manifest["audio_s"] == 5.0
    assert set(manifest["sha256"]) == set(tree(made)) - {"manifest.json", "settings.json"}
    for path, value in manifest["sha256"].items():
        assert hashlib.sha256((made / path).read_bytes()).hexdigest() == value


def test_shards_hold_a_quarter_of_a_gigabyte() -> None:
    assert scenes_per_shard(10.0) * 10 * 16_000 * 4 * 2 == 256_000_000
    assert scenes_per_shard(1.0) == 256
    assert scenes_per_shard(36_000.0) == 1


# ---------------------------------------------------------------- reproducible, sealed or absent


def test_bytes_do_not_depend_on_the_time(made: Path, tmp_path: Path) -> None:
    time.sleep(1.1 - time.time() % 1.0)
    assert tree(shards(tmp_path / "out")) == tree(made)


def test_sealed_shards_are_kept_and_damaged_ones_mended(made: Path, tmp_path: Path) -> None:
    out = shards(tmp_path / "out")
    (out / "shard_000001.h5").write_bytes(b"\x00" * 100)
    (out / "shard_000002.json").unlink()
    kept = (out / "shard_000000.h5").stat().st_mtime_ns
    again = make_scenes(out, RECIPE, LIBRARY, 5, seed=3, layout="hdf5", shard_scenes=2)
    assert again.rendered == 3
    assert tree(out) == tree(made)
    assert (out / "shard_000000.h5").stat().st_mtime_ns == kept


def test_more_scenes_extend_the_last_shard(made: Path, tmp_path: Path) -> None:
    shards(tmp_path / "out", scenes=3)
    assert tree(shards(tmp_path / "out", scenes=5)) == tree(made)


@pytest.mark.parametrize(("layout", "size"), [("files", None), ("hdf5", 3), ("starss23", None)])
def test_layouts_do_not_mix(made: Path, layout: str, size: int | None) -> None:
    before = tree(made)
    with pytest.raises(InputError, match=r"other settings \((layout|shard_scenes|layout, split)\)"):
        make_scenes(made, RECIPE, LIBRARY, 5, seed=3, layout=layout, shard_scenes=size)
    assert tree(made) == before


def test_layouts_and_sizes_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="layout 'zip': choose one of files, hdf5"):
        make_scenes(tmp_path / "a", RECIPE, LIBRARY, 1, layout="zip")
    with pytest.raises(InputError, match="-1 scenes a shard"):
        make_scenes(tmp_path / "a", RECIPE, LIBRARY, 1, layout="hdf5", shard_scenes=-1)
    assert not (tmp_path / "a").exists()


# ---------------------------------------------------------------- files that lie


def test_folder_without_shards_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match="no shards in it"):
            ShardReader(folder)


@pytest.mark.parametrize("damage", ["empty", "text", "shortened", "foreign", "other run"])
def test_file_that_is_no_shard_is_named_in_one_line(made: Path, tmp_path: Path, damage: str) -> None:
    whole = (made / "shard_000000.h5").read_bytes()
    (tmp_path / "shard_000000.h5").write_bytes(whole)
    bad = tmp_path / "shard_000001.h5"
    if damage == "foreign":
        with h5py.File(bad, "w") as file:
            file["audio"] = np.zeros(3)
    elif damage == "other run":
        bad.write_bytes(whole)
        with h5py.File(bad, "r+") as file:
            file.attrs["settings"] = "other"
    else:
        bad.write_bytes({"empty": b"", "text": b"hello", "shortened": whole[: len(whole) // 2]}[damage])
    with pytest.raises(InputError, match=r"shard_000001\.h5: ") as caught:
        ShardReader(tmp_path)
    assert len(str(caught.value).splitlines()) == 1


def test_file_of_a_writer_that_did_not_close_is_refused(tmp_path: Path) -> None:
    """What a killed HDF5 writer leaves, had it written under the final name."""
    with h5py.File(tmp_path / "open", "w", libver=("v110", "v110")) as file:
        file.create_group("scene_000000")
        file.flush()
        (tmp_path / "shard_000000.h5").write_bytes((tmp_path / "open").read_bytes())
    with pytest.raises(InputError, match="not a whole HDF5 file"):
        ShardReader(tmp_path)


def test_changed_sound_is_noticed(tmp_path: Path) -> None:
    written(tmp_path, Noise()).close()
    path = tmp_path / "shard_000000.h5"
    data = bytearray(path.read_bytes())
    start = data.rindex(b"fLaC")
    data[start + 900] ^= 1
    path.write_bytes(data)
    with ShardReader(tmp_path) as reader:
        reader.audio(0)
        with pytest.raises(InputError, match="scene 2 is damaged"):
            reader.audio(2)


# ---------------------------------------------------------------- readers


def test_reader_goes_to_other_processes_and_keeps_few_files_open(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spatial_lalm.simulation.shards.OPEN_FILES", 1)
    with ShardReader(made) as reader, pickle.loads(pickle.dumps(reader)) as other:
        for number in (0, 4, 1, 3):
            np.testing.assert_array_equal(reader.pcm(number), other.pcm(number))
            assert len(reader._open) == 1
        assert [reader.number(index) for index in range(5)] == [0, 1, 2, 3, 4]


def test_labels_are_not_those_of_another_scene(tmp_path: Path) -> None:
    """A scene's class numbers follow the list that the shard holds."""
    source = replace(Noise(), classes=("speech", "rain"))
    with written(tmp_path, source) as reader:
        assert reader.classes == ("speech", "rain")
        assert set(reader.labels(1)[:, 1]) == {1}
