"""Voices: the same draw says the same, talkers differ, and no program is needed."""

from __future__ import annotations

import numpy as np
import pytest

from spatial_lalm.simulation.bench.voices import VOICES, Voice, bench_library
from spatial_lalm.simulation.source_files import AudioCache

RATE = 16_000


def said(number: int, seed: int, samples: int = RATE) -> np.ndarray:
    return Voice(number).draw(np.random.default_rng(seed), samples, RATE, AudioCache()).samples


def pitch_hz(sound: np.ndarray) -> float:
    """The highest peak of the autocorrelation between 60 and 350 Hz."""
    spectrum = np.abs(np.fft.rfft(sound, 2 * sound.size)) ** 2
    together = np.fft.irfft(spectrum)[: RATE // 60]
    least = RATE // 350
    return RATE / float(least + np.argmax(together[least:]))


def test_the_same_draw_says_the_same() -> None:
    assert np.array_equal(said(3, 5), said(3, 5))
    assert not np.array_equal(said(3, 5), said(3, 6))
    assert np.isfinite(said(3, 5)).all()
    assert said(0, 1, 100).shape == (100,)


def test_voices_differ_in_pitch() -> None:
    pitches = [np.median([pitch_hz(said(number, seed)) for seed in range(3)]) for number in range(0, VOICES, 4)]
    low, high = min(pitches), max(pitches)
    assert 70 < low < 130
    assert 1.5 * low < high < 300


def test_syllables_come_with_pauses_at_the_pace_of_speech() -> None:
    sound = said(1, 0, 8 * RATE)
    level = np.sqrt(np.mean(sound[: sound.size // 400 * 400].reshape(-1, 400) ** 2, axis=1))
    loud = level > 0.3 * level.max()
    syllables = int(np.sum(loud[1:] & ~loud[:-1]))
    assert 16 <= syllables <= 56  # 2 to 7 a second
    assert np.mean(level < 0.1 * level.max()) > 0.03


def test_a_talker_who_is_asked_for_speaks_again() -> None:
    library = bench_library()
    first = library.draw(np.random.default_rng(0), RATE, RATE, "speech")
    again = library.draw(np.random.default_rng(1), RATE, RATE, "speech", first.speaker)
    assert first.speaker == again.speaker
    assert (
        len({entry.speaker for _, sounds in library.parts for group in sounds["speech"] for entry in group}) == VOICES
    )


def test_the_library_needs_no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    with_programs = bench_library().fingerprint()
    monkeypatch.setenv("PATH", "")
    assert bench_library().fingerprint() == with_programs
