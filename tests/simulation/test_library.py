"""The source library: what it draws, from where, how loud, and how it refuses broken sources."""

from __future__ import annotations

import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from spatial_lalm.audio.scene import CLASSES
from spatial_lalm.errors import InputError
from spatial_lalm.simulation import source_files
from spatial_lalm.simulation.excerpts import ACTIVE_RMS, active_frames
from spatial_lalm.simulation.library import SourceLibrary

RATE = 16_000


def tone(seconds: float, rate: int = RATE, pitch: float = 440.0) -> NDArray[np.float64]:
    return 0.3 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)


def save(path: Path, samples: NDArray[np.floating], rate: int = RATE, subtype: str | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save(tmp_path / "sounds/speech/a.wav", tone(1.0))
    save(tmp_path / "sounds/rain/deep/b.flac", tone(2.0, 44_100), 44_100)
    save(tmp_path / "sounds/accordion/c.wav", tone(0.5))
    (tmp_path / "sounds/rain/notes.txt").write_text("not audio")
    return tmp_path / "sounds"


def draw_many(library: SourceLibrary, count: int, seconds: float = 0.3) -> Counter[str]:
    rng = np.random.default_rng(0)
    return Counter(library.draw(rng, round(seconds * RATE)).label for _ in range(count))


# ---------------------------------------------------------------- what is drawn


def test_folder_classes_are_its_sub_folders_and_unknown_ones_follow(folder: Path) -> None:
    save(folder / "zither/d.wav", tone(0.5))
    library = SourceLibrary.open(folder)
    assert library.counts() == {"accordion": 1, "rain": 1, "speech": 1, "zither": 1}
    assert library.classes == (*CLASSES, "accordion", "zither")


def test_classes_are_balanced_and_speech_has_its_share(folder: Path) -> None:
    for number in range(20):
        save(folder / f"rain/{number}.wav", tone(0.4))
    counts = draw_many(SourceLibrary.open(folder, speech_share=0.5), 1000)
    assert counts["speech"] == pytest.approx(500, abs=60)
    assert counts["rain"] == pytest.approx(250, abs=55)  # although it has 21 files of 23


def test_speakers_are_balanced_whatever_their_number_of_files(tmp_path: Path) -> None:
    rows = ["file,class,speaker"]
    for number in range(21):
        save(tmp_path / f"{number}.wav", tone(0.3))
        rows.append(f"{number}.wav,speech,{'rare' if number == 0 else 'frequent'}")
    (tmp_path / "list.csv").write_text("\n".join(rows))
    library, rng = SourceLibrary.open(tmp_path / "list.csv"), np.random.default_rng(0)
    drawn = Counter(library.draw(rng, 1600).speaker for _ in range(400))
    assert drawn["rare"] == pytest.approx(200, abs=50)


def test_list_keeps_the_split_and_carries_speaker_and_text(tmp_path: Path) -> None:
    save(tmp_path / "x/a.wav", tone(0.3))
    save(tmp_path / "x/b.wav", tone(0.3))
    table = "file,class,split,speaker,text\nx/a.wav,speech,train,ann,hello\n\nx/b.wav,rain,validation,,\n"
    (tmp_path / "list.csv").write_text("\ufeff" + table, encoding="utf-8")
    train = SourceLibrary.open(tmp_path / "list.csv", split="train")
    dry = train.draw(np.random.default_rng(0), RATE)
    assert (dry.label, dry.speaker, dry.text) == ("speech", "ann", "hello")
    assert SourceLibrary.open(tmp_path / "list.csv", split="validation").counts() == {"rain": 1}
    assert SourceLibrary.open(tmp_path / "list.csv").counts() == {"rain": 1, "speech": 1}


def test_draw_is_level_resampled_and_faded(folder: Path) -> None:
    library = SourceLibrary.open(folder)
    dry = library.draw(np.random.default_rng(0), RATE, label="rain")
    assert dry.samples.dtype == np.float32
    assert dry.samples.shape == (RATE,)
    assert np.sqrt(np.mean(dry.samples**2)) == pytest.approx(ACTIVE_RMS, rel=1e-3)
    assert abs(dry.samples[0]) < 0.01 * ACTIVE_RMS
    peak_hz = np.argmax(np.abs(np.fft.rfft(dry.samples))) * RATE / dry.samples.size
    assert peak_hz == pytest.approx(440, abs=2)


def test_level_is_that_of_the_sounding_part(tmp_path: Path) -> None:
    quiet_then_loud = np.concatenate([1e-4 * tone(1.0), tone(0.2), np.zeros(RATE), tone(0.2)])
    save(tmp_path / "s/dog_bark/a.wav", quiet_then_loud, subtype="FLOAT")
    dry = SourceLibrary.open(tmp_path / "s").draw(np.random.default_rng(0), 4 * RATE)
    assert dry.samples.size == pytest.approx(1.4 * RATE, abs=640)  # silence before and after is trimmed
    sounding = np.repeat(active_frames(dry.samples, RATE), 320)[: dry.samples.size]
    assert np.sqrt(np.mean(dry.samples[sounding] ** 2)) == pytest.approx(ACTIVE_RMS, rel=1e-3)


def test_excerpt_of_a_mostly_silent_file_is_never_silence(tmp_path: Path) -> None:
    sparse = np.zeros(30 * RATE)
    sparse[20 * RATE : 20 * RATE + 2000] = tone(0.125)
    save(tmp_path / "s/click/a.wav", sparse)
    library, rng = SourceLibrary.open(tmp_path / "s"), np.random.default_rng(0)
    for _ in range(50):
        dry = library.draw(rng, RATE)
        assert 640 <= dry.samples.size <= RATE
        assert np.abs(dry.samples).max() > ACTIVE_RMS


def test_long_file_is_read_in_stretches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_files, "LONG_S", 2.0)
    save(tmp_path / "s/music/a.wav", tone(5.0, 22_050), 22_050)
    library = SourceLibrary.open(tmp_path / "s")
    assert library.draw(np.random.default_rng(0), RATE).samples.size == RATE
    assert library.cache.bytes == 0


def test_same_generator_state_same_draw(folder: Path) -> None:
    one, two = (SourceLibrary.open(folder).draw(np.random.default_rng(7), 4000).samples for _ in range(2))
    np.testing.assert_array_equal(one, two)


# ---------------------------------------------------------------- built-in and mixed


def test_builtin_draws_every_generator_class() -> None:
    counts = draw_many(SourceLibrary.builtin(espeak=False), 60, seconds=0.1)
    assert set(counts) == {"noise", "tone", "chirp", "click", "modulated_noise"}


def test_mixed_takes_its_share_of_builtin_sounds(folder: Path) -> None:
    mixed = SourceLibrary.mixed(SourceLibrary.open(folder), SourceLibrary.builtin(espeak=False), share_builtin=0.25)
    counts = draw_many(mixed, 400, seconds=0.1)
    assert sum(counts[label] for label in ("speech", "rain", "accordion")) == pytest.approx(300, abs=40)
    with pytest.raises(InputError, match="within 0 and 1"):
        SourceLibrary.mixed(mixed, mixed, 1.5)


def test_espeak_asked_for_and_absent_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert "speech" not in SourceLibrary.builtin().labels
    with pytest.raises(InputError, match="espeak-ng is not installed"):
        SourceLibrary.builtin(espeak=True)


# ---------------------------------------------------------------- cache, pickling, fingerprint


def test_each_file_is_decoded_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Path] = []
    decode = source_files.decode
    monkeypatch.setattr(source_files, "decode", lambda entry, *rest: calls.append(entry.path) or decode(entry, *rest))
    draw_many(SourceLibrary.open(folder), 30)
    assert sorted(calls) == sorted(set(calls))
    assert len(calls) == 3


def test_cache_stays_below_its_limit_and_still_serves(folder: Path) -> None:
    library = SourceLibrary.open(folder)
    library.cache.limit = 40_000  # one second of sound is 32,000 bytes
    draw_many(library, 30)
    assert library.cache.bytes <= 2 * 2 * RATE  # the newest file is kept even if it is larger than the limit


def test_preload_and_pickling_leave_the_sound_behind(folder: Path) -> None:
    library = SourceLibrary.open(folder)
    library.preload()
    assert library.cache.bytes == pytest.approx(2 * 3.5 * RATE, abs=64)
    travelled = pickle.loads(pickle.dumps(library))
    assert travelled.cache.bytes == 0
    one, two = (lib.draw(np.random.default_rng(1), 3000).samples for lib in (library, travelled))
    np.testing.assert_array_equal(one, two)


def test_fingerprint_follows_content_of_the_list_not_its_place(folder: Path, tmp_path: Path) -> None:
    before = SourceLibrary.open(folder).fingerprint()
    moved = folder.rename(tmp_path / "elsewhere")
    assert SourceLibrary.open(moved).fingerprint() == before
    save(moved / "rain/new.wav", tone(0.2))
    assert SourceLibrary.open(moved).fingerprint() != before


# ---------------------------------------------------------------- refusals: one line that names the file


def refusal(path: Path, split: str | None = None) -> str:
    with pytest.raises(InputError) as caught:
        SourceLibrary.open(path, split=split).draw(np.random.default_rng(0), RATE)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_refuses_what_is_not_there(tmp_path: Path) -> None:
    assert "no such folder or CSV" in refusal(tmp_path / "nowhere")
    (tmp_path / "empty/rain").mkdir(parents=True)
    assert "no audio in it" in refusal(tmp_path / "empty")
    save(tmp_path / "flat/a.wav", tone(0.1))
    assert "lies in no class folder" in refusal(tmp_path / "flat")


def test_hint_names_a_place_in_the_folder_however_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    save(tmp_path / "flat/a.wav", tone(0.1))
    for folder in ("empty", "flat"):
        monkeypatch.chdir(tmp_path / folder)
        hint = "expected as <class>/<file>.wav" if folder == "empty" else "move it to <class>/a.wav"
        assert hint in refusal(Path("."))
    assert f"move it to {tmp_path}/flat/<class>/a.wav" in refusal(tmp_path / "flat")


def test_refuses_a_split_where_there_is_none(folder: Path) -> None:
    assert "a folder has no split" in refusal(folder, "train")
    (folder / "list.csv").write_text("file,class,split\nspeech/a.wav,speech,train\n")
    assert "no row of split 'test'" in refusal(folder / "list.csv", "test")
    (folder / "list.csv").write_text("file,class\nspeech/a.wav,speech\n")
    assert "no column 'split'" in refusal(folder / "list.csv", "train")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("name,class\na.wav,rain\n", "no column 'file'"),
        ("file\na.wav\n", "no column 'class'"),
        ("file,class\nspeech/a.wav,speech\ngone.wav,rain\n", "row 3: no file"),
        ("file,class\nspeech/a.wav,\n", "row 2"),
        ("file,class\n", "no row"),
        ("", "no column 'file'"),
    ],
)
def test_refuses_a_broken_list(folder: Path, table: str, words: str) -> None:
    (folder / "list.csv").write_text(table)
    assert words in refusal(folder / "list.csv")


def test_refuses_a_list_that_is_binary(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(b"\xff\xfe\x00\x80" * 9)
    assert "not readable as a CSV" in refusal(tmp_path / "list.csv")


def test_refuses_files_that_are_stereo_empty_or_no_audio(tmp_path: Path) -> None:
    path = save(tmp_path / "s/rain/a.wav", np.zeros((100, 2)))
    assert f"{path}: 2 channels; dry sources must be mono" in refusal(tmp_path / "s")
    save(path, np.zeros(0))
    assert f"{path}: empty" in refusal(tmp_path / "s")
    path.write_bytes(b"RIFF nothing")
    assert f"{path}: not readable as audio" in refusal(tmp_path / "s")


@pytest.mark.parametrize(
    ("value", "words"), [(np.nan, "NaN or infinite"), (np.inf, "NaN or infinite"), (0.0, "silent")]
)
def test_refuses_nan_and_silence(tmp_path: Path, value: float, words: str) -> None:
    path = save(tmp_path / "s/rain/a.wav", np.full(RATE, value), subtype="FLOAT")
    message = refusal(tmp_path / "s")
    assert str(path) in message
    assert words in message


def test_file_that_is_gone_when_drawn_is_named(folder: Path) -> None:
    library = SourceLibrary.open(folder)
    (folder / "accordion/c.wav").unlink()
    with pytest.raises(InputError, match=r"c\.wav: decoding failed"):
        library.draw(np.random.default_rng(0), RATE, label="accordion")


def test_class_that_is_not_there_and_no_samples_are_refused(folder: Path) -> None:
    library = SourceLibrary.open(folder)
    with pytest.raises(InputError, match="no sound of class 'banjo'"):
        library.draw(np.random.default_rng(0), RATE, label="banjo")
    with pytest.raises(InputError, match="at least 1"):
        library.draw(np.random.default_rng(0), 0)
