"""The memory file: sealed or absent, the same bytes for the same content, and every lie refused in one line."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np
import pytest

from spatial_lalm.errors import InputError
from spatial_lalm.memory.store import MemoryFile, looks_like_memory, write_memory

RNG = np.random.default_rng(0)
TABLES = {
    "events/start_s": RNG.normal(size=1000),
    "segments/hidden": RNG.normal(size=(50, 10, 32)).astype(np.float16),
    "empty/none": np.zeros((0, 3)),
}
NOTES = {"model": "a model", "views": 4, "array": None}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "memory.h5"
    write_memory(path, TABLES, NOTES)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as error, MemoryFile(path) as opened:
        opened.check()
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)
    return str(error.value)


def test_what_is_read_is_what_was_written(file: Path) -> None:
    with MemoryFile(file) as opened:
        opened.check()
        assert opened.notes == NOTES
        tables = opened.tables()
    assert set(tables) == set(TABLES)
    for name, values in TABLES.items():
        assert tables[name].dtype == values.dtype
        np.testing.assert_array_equal(tables[name], values)


def test_the_same_content_gives_the_same_bytes(file: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.h5"
    write_memory(again, dict(reversed(TABLES.items())), dict(reversed(NOTES.items())))
    assert again.read_bytes() == file.read_bytes()


def test_every_table_and_note_is_sealed(file: Path, tmp_path: Path) -> None:
    with MemoryFile(file) as opened:
        seal = opened.seal
    for name, values in TABLES.items():
        changed = TABLES | {name: values.astype(np.float32)}
        assert write_memory(tmp_path / "other.h5", changed, NOTES) != seal
    assert write_memory(tmp_path / "other.h5", TABLES, NOTES | {"views": 8}) != seal


def test_a_file_that_exists_is_replaced_whole(file: Path) -> None:
    write_memory(file, {"one": np.arange(3)}, {})
    with MemoryFile(file) as opened:
        assert opened.names == ("one",)
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_writer_that_fails_leaves_what_was_there(file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(TypeError):
        write_memory(file, {"bad": np.array([object()])}, {})
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_file_cut_short_is_refused(file: Path, share: float) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    assert "spatial-lalm analyze" in refusal(file)


def test_a_flipped_byte_is_refused_or_harmless(file: Path) -> None:
    content = bytearray(file.read_bytes())
    refused = 0
    for place in RNG.integers(0, len(content), 60).tolist():
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        file.write_bytes(damaged)
        try:
            with MemoryFile(file) as opened:
                opened.check()
                tables = opened.tables()
            for name, values in TABLES.items():
                np.testing.assert_array_equal(tables[name], values)
        except InputError:
            refused += 1
    assert refused > 30


def test_a_writer_that_never_sealed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "open.h5"
    with h5py.File(path, "w") as file:
        file.attrs["kind"], file.attrs["version"] = "spatial-lalm memory", 1
    assert "half-written" in refusal(path)


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.h5"
    with h5py.File(foreign, "w") as file:
        file["weights"] = np.arange(3)
    assert "not one of ours" in refusal(foreign)
    text = tmp_path / "text.h5"
    text.write_text("a shopping list")
    assert "not an HDF5 file" in refusal(text)
    assert "no such file" in refusal(tmp_path / "nowhere.h5")
    assert "folder" in refusal(tmp_path)


def test_a_later_format_is_refused_and_an_earlier_one_read(file: Path) -> None:
    with h5py.File(file, "a") as opened:
        opened.attrs["version"] = 4
    assert "this program reads 1 to 3" in refusal(file)
    with h5py.File(file, "a") as opened:
        opened.attrs["version"] = 1
    with MemoryFile(file) as opened:
        assert opened.version == 1
        assert "segments/hidden" in opened
        assert "chapters/keys" not in opened


def test_memory_files_are_known_by_their_bytes_or_name(file: Path, tmp_path: Path) -> None:
    renamed = tmp_path / "heard"
    renamed.write_bytes(file.read_bytes())
    sound = tmp_path / "sound.wav"
    sound.write_bytes(b"RIFF....WAVE")
    assert looks_like_memory(file)
    assert looks_like_memory(renamed)
    assert looks_like_memory(tmp_path / "nowhere.h5")
    assert not looks_like_memory(sound)
    assert not looks_like_memory(tmp_path / "nowhere.wav")


def _seal_of(path: str) -> str:
    with MemoryFile(path) as opened:
        opened.check()
        return opened.seal


def test_many_read_at_once(file: Path) -> None:
    with MemoryFile(file) as opened:
        seal = opened.seal
        with ThreadPoolExecutor(4) as threads:
            assert set(threads.map(_seal_of, [str(file)] * 16)) == {seal}
        reading = f"from spatial_lalm.memory.store import MemoryFile; print(MemoryFile({str(file)!r}).seal)"
        other = subprocess.run([sys.executable, "-c", reading], capture_output=True, text=True, check=True)
        assert other.stdout.strip() == seal


def test_a_file_is_read_without_being_changed(file: Path) -> None:
    file.chmod(0o444)
    before = file.stat().st_mtime_ns
    assert len(_seal_of(str(file))) == 64
    assert file.stat().st_mtime_ns == before
