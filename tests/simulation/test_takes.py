"""Scenes in 16 bits: the loudest stays within full scale, and a long one needs no memory."""

from __future__ import annotations

import io
import struct
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from spatial_lalm.audio.scene import Room, Scene
from spatial_lalm.simulation import takes
from spatial_lalm.simulation.takes import Take, wav_head

SCENE = Scene(1.0, 16_000, 1, Room((5.0, 4.0, 3.0), (0.3,) * 6), (1.0, 2.0, 1.5), (), None, 20.0, seed=5)


def samples(channels: int = 4, count: int = 16_001, peak: float = 0.5) -> np.ndarray:
    audio = np.random.default_rng(0).uniform(-1, 1, (channels, count)).astype(np.float32)
    return audio * np.float32(peak / np.abs(audio).max())


@pytest.mark.parametrize(("channels", "count"), [(1, 5), (4, 16_001), (9, 100), (4, 0)])
def test_wav_is_what_libsndfile_writes(channels: int, count: int) -> None:
    with Take.record(samples(channels, count) if count else np.zeros((4, 0), np.float32), SCENE) as take:
        wav = b"".join(take.wav())
        pcm = np.concatenate([np.zeros((channels, 0), np.int16), *take.blocks()], axis=1)
    buffer = io.BytesIO()
    soundfile.write(buffer, pcm.T, 16_000, format="WAV", subtype="PCM_16")
    assert wav == buffer.getvalue()


def test_loud_scene_is_scaled_and_says_by_how_much() -> None:
    with Take.record(samples(peak=2.0), SCENE) as take:
        assert max(np.abs(block).max() for block in take.blocks()) == round(0.99 * 32768)
        assert take.gain_db == pytest.approx(20 * np.log10(0.99 / 2.0), abs=1e-4)
    with Take.record(samples(peak=0.9), SCENE, gain_db=-3.0) as take:
        assert take.gain_db == -3.0


@pytest.mark.parametrize("peak", [0.3, 0.99, 3.0])
def test_take_of_a_take_is_the_same(peak: float) -> None:
    """What was read back is written again bit by bit, so that exports equal what was simulated."""
    with Take.record(samples(peak=peak), SCENE) as first, Take.record(first.floats(), SCENE) as second:
        assert list(first.wav()) == list(second.wav())
        assert second.gain_db == 0.0


def test_stretch_is_that_part_and_padding_is_silence() -> None:
    with Take.record(samples(), SCENE) as take:
        (whole,) = take.blocks()
        (part,) = take.blocks(700, 900)
        padded, _ = soundfile.read(io.BytesIO(b"".join(take.wav(16_000, 16_010, padded=True))), dtype="int16")
    np.testing.assert_array_equal(part, whole[:, 700:900])
    np.testing.assert_array_equal(padded[:1], whole.T[16_000:])
    assert padded.shape == (10, 4)
    assert not padded[1:].any()


def test_silence_is_taken_and_nan_is_not() -> None:
    with Take.record(np.zeros((4, 10), np.float32), SCENE) as take:
        assert not next(take.blocks()).any()
    with pytest.raises(ValueError, match="finite"):
        Take.record(np.full((4, 10), np.nan, np.float32), SCENE)


def test_long_scene_stays_out_of_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """50 MB go through; less than 6 MB of them are ever held, and nothing is left in the folder."""
    monkeypatch.setattr(takes, "IN_MEMORY", 1 << 20)
    block = samples(count=1 << 16)

    def blocks() -> Iterator[np.ndarray]:
        for _ in range(50):
            yield block

    tracemalloc.start()
    with Take.record(blocks(), SCENE, tmp_path) as take:
        size = sum(map(len, take.wav()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size == 44 + 2 * 4 * 50 * (1 << 16)
    assert peak < 6e6
    assert not list(tmp_path.iterdir())


def test_sound_of_more_than_4_gb_is_rf64(tmp_path: Path) -> None:
    """Read by libsndfile and by our own check of containers; the sound itself is a hole in the file."""
    from spatial_lalm.audio.containers import identify, promised_end

    count = 2**29 + 5
    head = wav_head(4, count, 16_000)
    path = tmp_path / "long.wav"
    with path.open("wb") as handle:
        handle.write(head)
        handle.truncate(len(head) + 8 * count)
    info = soundfile.info(path)
    assert (info.format, info.frames, info.channels, info.samplerate) == ("RF64", count, 4, 16_000)
    with path.open("rb") as handle:
        assert identify(head[:16]) == "RF64"
        assert promised_end(handle, "RF64") == path.stat().st_size
    assert struct.unpack("<4s", wav_head(4, 2**20, 16_000)[:4])[0] == b"RIFF"
