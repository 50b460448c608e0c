"""What every sound file is looked at for before a run, and that a second look is not needed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from spatial_lalm.errors import InputError
from spatial_lalm.simulation import source_files, source_survey
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.source_survey import surveyed

RATE = 16_000


def tone(seconds: float, rate: int = RATE, pitch: float = 440.0) -> NDArray[np.float64]:
    return 0.3 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)


def save(path: Path, samples: NDArray[np.floating], rate: int = RATE, subtype: str | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("rain/a.wav", "rain/b.flac", "dog_bark/c.wav"):
        save(tmp_path / "sounds" / name, tone(0.5))
    return tmp_path / "sounds"


def settle(folder: Path) -> None:
    """Wait until files are so old that a look at them is kept."""
    youngest = max(path.stat().st_ctime_ns for path in folder.rglob("*"))
    while time.time_ns() - youngest <= source_survey.SETTLED_NS:
        time.sleep(0.05)


@pytest.fixture
def looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of files that were looked at; what is found is kept in a cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(source_survey, "WORTH_KEEPING_S", 0.0)
    monkeypatch.setattr(source_survey, "SETTLED_NS", 200_000_000)
    seen: list[str] = []
    digest = source_survey.file_digest
    monkeypatch.setattr(source_survey, "file_digest", lambda path: seen.append(path.name) or digest(path))
    return seen


# ---------------------------------------------------------------- content


def test_fingerprint_follows_the_bytes_of_files(folder: Path) -> None:
    """Also where name, length, times and everything else stay."""
    before, times = SourceLibrary.open(folder).fingerprint(), (folder / "rain/a.wav").stat()
    save(folder / "rain/a.wav", tone(0.5, pitch=441.0))
    os.utime(folder / "rain/a.wav", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert (folder / "rain/a.wav").stat().st_size == times.st_size
    changed = SourceLibrary.open(folder).fingerprint()
    assert changed != before
    save(folder / "rain/a.wav", tone(0.5))
    assert SourceLibrary.open(folder).fingerprint() == before


def test_fingerprint_of_a_list_follows_the_bytes_of_its_files(folder: Path) -> None:
    (folder / "list.csv").write_text("file,class\nrain/a.wav,rain\n")
    before = SourceLibrary.open(folder / "list.csv").fingerprint()
    save(folder / "rain/a.wav", tone(0.5, pitch=441.0))
    assert SourceLibrary.open(folder / "list.csv").fingerprint() != before


# ---------------------------------------------------------------- what is refused


def refusal(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        SourceLibrary.open(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_one_sample_that_is_no_number_is_refused(folder: Path, value: float) -> None:
    samples = tone(1.0)
    samples[-1] = value
    path = save(folder / "rain/bad.wav", samples, subtype="FLOAT")
    assert refusal(folder) == f"{path}: holds NaN or infinite samples; mend or remove the file"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("bad.wav", "cut short, holds "),
        ("bad.aiff", "cut short, holds "),
        ("bad.flac", "decoding failed ("),
        ("bad.mp3", "ends after "),
        ("bad.ogg", "not readable as audio ("),
    ],
)
def test_half_a_file_is_refused(folder: Path, name: str, told: str) -> None:
    path = save(folder / "rain" / name, tone(2.0))
    SourceLibrary.open(folder)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert refusal(folder).startswith(f"{path}: {told}")


def test_wav_from_a_pipe_that_does_not_know_its_length_is_whole(folder: Path) -> None:
    path = folder / "rain/a.wav"
    content = bytearray(path.read_bytes())
    content[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    SourceLibrary.open(folder)


def test_further_broken_files_are_counted_and_named(folder: Path) -> None:
    for number in range(7):
        save(folder / f"rain/{number}.wav", np.full(800, np.nan), subtype="FLOAT")
    told = refusal(folder)
    assert told.startswith(f"{folder / 'rain/0.wav'}: holds NaN")
    assert told.endswith("; of 10 files 6 more are broken: 1.wav, 2.wav, 3.wav, 4.wav, ...")
    for number in range(7):  # by their headers, too
        save(folder / f"rain/{number}.wav", np.zeros(0))
    assert refusal(folder).endswith("; of 10 files 6 more are broken: 1.wav, 2.wav, 3.wav, 4.wav, ...")


def test_progress_counts_files(folder: Path) -> None:
    told: list[tuple[int, int]] = []
    SourceLibrary.open(folder, progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


# ---------------------------------------------------------------- silence


def test_silent_files_are_left_out_and_told(folder: Path) -> None:
    before = SourceLibrary.open(folder).fingerprint()
    silent = save(folder / "rain/quiet.wav", np.full(RATE, 1e-5), subtype="FLOAT")
    with pytest.warns(UserWarning, match=r"1 sound is silent throughout and left out: quiet\.wav$"):
        library = SourceLibrary.open(folder)
    assert library.left_out == (silent,)
    assert library.counts() == {"dog_bark": 1, "rain": 2}
    assert library.fingerprint() == before
    assert SourceLibrary.mixed(library, SourceLibrary.builtin(espeak=False)).left_out == (silent,)


def test_class_that_is_silent_as_a_whole_is_refused(folder: Path) -> None:
    path = save(folder / "dog_bark/c.wav", np.zeros(RATE))
    assert refusal(folder) == f"{path}: silent throughout, as all of class 'dog_bark'; mend or remove the file"


def test_sound_above_the_band_is_silence(folder: Path) -> None:
    """A bat's call at 30 kHz is nothing at 16 kHz; one that also chirps below is heard there."""
    rate = 96_000
    call = np.hanning(rate) * tone(1.0, rate, 30_000.0)  # beginning and ending without a click
    path = save(folder / "rain/bat.wav", call, rate)
    with pytest.warns(UserWarning, match=r"bat\.wav"):
        assert SourceLibrary.open(folder).left_out == (path,)
    save(path, np.concatenate([call, call, 0.1 * tone(0.1, rate, 3000.0)]), rate)
    files = source_files.read_folder(folder)
    (bat,) = [file for file in surveyed(files, folder, RATE)[0] if file.path == path]
    assert 2.0 * rate - rate // 50 <= bat.loudest <= 2.1 * rate


def test_pause_of_a_long_file_is_never_drawn(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second of sound in 100 s, of which a draw reads three."""
    monkeypatch.setattr(source_files, "LONG_S", 20.0)
    samples = np.zeros(100 * RATE)
    samples[70 * RATE : 71 * RATE] = tone(1.0)
    save(folder / "owl/long.wav", samples)
    library, rng = SourceLibrary.open(folder), np.random.default_rng(0)
    for _ in range(30):
        assert np.abs(library.draw(rng, RATE, label="owl").samples).max() > 0.01
    assert library.cache.bytes == 0


# ---------------------------------------------------------------- the cache


def test_what_is_known_is_not_looked_at_again(folder: Path, looks: list[str]) -> None:
    settle(folder)
    first = SourceLibrary.open(folder)
    assert sorted(looks) == ["a.wav", "b.flac", "c.wav"]
    looks.clear()
    again = SourceLibrary.open(folder)
    assert looks == []
    assert again.fingerprint() == first.fingerprint()
    times = (folder / "rain/a.wav").stat()
    save(folder / "rain/a.wav", tone(0.5, pitch=441.0))
    os.utime(folder / "rain/a.wav", ns=(times.st_atime_ns, times.st_mtime_ns))  # as cp -p and rsync do
    assert SourceLibrary.open(folder).fingerprint() != first.fingerprint()
    assert looks == ["a.wav"]


def test_refusals_and_silence_are_known_too(folder: Path, looks: list[str]) -> None:
    save(folder / "rain/quiet.wav", np.zeros(RATE))
    save(folder / "rain/bad.wav", np.full(800, np.nan), subtype="FLOAT")
    settle(folder)
    told = refusal(folder)
    looks.clear()
    assert refusal(folder) == told
    (folder / "rain/bad.wav").unlink()
    with pytest.warns(UserWarning, match=r"quiet\.wav"):
        SourceLibrary.open(folder)
    assert looks == []


def test_files_that_changed_a_moment_ago_are_not_trusted(
    folder: Path, looks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_survey, "SETTLED_NS", 3_600_000_000_000)
    SourceLibrary.open(folder)
    SourceLibrary.open(folder)
    assert len(looks) == 6


@pytest.mark.parametrize("content", ["", "[]", "{", '{"PATH": 3}', '{"PATH": {"state": []}}'])
def test_broken_cache_is_passed_over(folder: Path, looks: list[str], content: str) -> None:
    settle(folder)
    fingerprint = SourceLibrary.open(folder).fingerprint()
    (cache,) = (folder.parent / "cache/spatial-lalm/sources").glob("*.json")
    cache.write_text(content.replace("PATH", str(folder / "rain/a.wav")))
    assert SourceLibrary.open(folder).fingerprint() == fingerprint
    assert len(looks) == 6


def test_cache_that_cannot_be_written_is_no_error(
    folder: Path, looks: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    settle(folder)
    SourceLibrary.open(folder)
    SourceLibrary.open(folder)
    assert len(looks) == 6


def test_lists_make_room_for_new_ones(folder: Path, looks: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_survey, "MOST_LISTS", 1)
    for rate in (8_000, 16_000):
        SourceLibrary.open(folder, rate=rate)
    assert len(looks) == 6
    assert len(list((folder.parent / "cache/spatial-lalm/sources").iterdir())) == 1
