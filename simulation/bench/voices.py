"""Talkers that any machine can make: voices of their own pitch and formants, who speak syllables without words.

The built-in speech of the simulator needs espeak-ng, whose sound differs from version to version. Source and filter
(Fant, 1960): harmonics of a gliding pitch under the formants of vowels that melt into each other, with hisses and gaps
between them. Label ``speech``, no text.

Legend: S samples, F frames of 5 ms, K harmonics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.simulation.library import DrySource, Entry, GeneratedSound, SourceLibrary
from spatial_lalm.simulation.source_files import AudioCache

Floats = NDArray[np.floating[Any]]

VOICES = 24
FRAME_S = 0.005
VOWELS_HZ = (
    (730.0, 1090.0, 2440.0),
    (270.0, 2290.0, 3010.0),
    (300.0, 870.0, 2240.0),
    (530.0, 1840.0, 2480.0),
    (570.0, 840.0, 2410.0),
    (660.0, 1720.0, 2410.0),
    (440.0, 1020.0, 2240.0),
    (490.0, 1350.0, 1690.0),
)
"""Formants of American English vowels (Peterson and Barney, 1952, men)."""
WIDTHS_HZ = (80.0, 110.0, 160.0)
PITCH_HZ = (85.0, 255.0)
TOP_HZ = 7000.0
SYLLABLE_S, GAP_S, PAUSE_S = (0.11, 0.24), (0.03, 0.09), (0.15, 0.4)
PHRASE = (4, 9)


def bench_library() -> SourceLibrary:
    """The generators and the voices: what spatial-bench is made of where no sources are given."""
    from spatial_lalm.simulation.generators import GENERATORS

    entries: list[Entry] = [GeneratedSound(label) for label in GENERATORS]
    return SourceLibrary.of([*entries, *(Voice(number) for number in range(VOICES))])


@dataclass(frozen=True)
class Voice:
    """One talker; voices differ by pitch, length of the vocal tract, pace and breath."""

    number: int

    @property
    def label(self) -> str:
        """Class of the sound."""
        return "speech"

    @property
    def speaker(self) -> str:
        """Who speaks."""
        return f"voice {self.number:02d}"

    @property
    def identity(self) -> tuple[str, ...]:
        """The speaker's name."""
        return (self.speaker,)

    def draw(
        self, rng: np.random.Generator, samples: int, rate: int, cache: AudioCache, speaker: str | None = None
    ) -> DrySource:
        """New syllables ``(samples,)``; all that is drawn comes from ``rng``, the voice itself is fixed."""
        own = np.random.default_rng((1960, self.number))
        pitch = PITCH_HZ[0] * (PITCH_HZ[1] / PITCH_HZ[0]) ** ((self.number * 7 % VOICES + 0.5) / VOICES)
        tract = float(own.uniform(0.95, 1.1)) * (1 + 0.12 * (pitch - PITCH_HZ[0]) / (PITCH_HZ[1] - PITCH_HZ[0]))
        pace, breath = float(own.uniform(0.85, 1.2)), float(own.uniform(0.01, 0.04))
        frames = -(-samples // round(FRAME_S * rate)) + 1
        score = _score(rng, frames, pace)
        time = np.arange(samples) / rate / FRAME_S
        sound = _voiced(score, pitch, tract, time, rate)
        hiss = _hiss(rng, samples)
        sound += hiss * np.interp(time, np.arange(frames), score.hiss + breath * score.loudness)
        return DrySource(self.label, sound.astype(np.float32), self.speaker)


@dataclass(frozen=True)
class _Score:
    """What a voice does, by frames: formants ``(3, F)`` in Hz before the tract's scale, and factors ``(F,)``."""

    formants_hz: Floats
    loudness: Floats
    hiss: Floats
    pitch: Floats


def _score(rng: np.random.Generator, frames: int, pace: float) -> _Score:
    """Syllables in phrases until the frames are full."""
    formants = np.zeros((3, frames))
    loudness, hiss, pitch = np.zeros(frames), np.zeros(frames), np.ones(frames)
    start, left = 0, int(rng.integers(*PHRASE))
    fall = left
    while start < frames:
        length = round(rng.uniform(*SYLLABLE_S) / pace / FRAME_S)
        gap = round(rng.uniform(*(GAP_S if left else PAUSE_S)) / pace / FRAME_S)
        end = min(start + length, frames)
        rise = np.sin(np.pi * (np.arange(end - start) + 0.5) / length) ** 0.6
        loudness[start:end] = rng.uniform(0.6, 1.0) * rise
        formants[:, start : end + gap] = np.array(VOWELS_HZ[int(rng.integers(len(VOWELS_HZ)))])[:, None]
        pitch[start : end + gap] = rng.uniform(0.93, 1.1) * (0.88 + 0.24 * left / max(fall, 1))
        if left and rng.random() < 0.6:
            hiss[end : end + gap] = rng.uniform(0.03, 0.15)
        start = end + gap
        left = left - 1 if left else int(rng.integers(*PHRASE))
        fall = max(fall, left)
    return _Score(*(_smooth(part) for part in (formants, loudness, hiss, pitch)))


def _smooth(values: Floats) -> Floats:
    """Values ``(..., F)`` averaged over 35 ms: mouths do not jump."""
    width = 7
    padded = np.pad(np.atleast_2d(values), ((0, 0), (width // 2, width // 2)), mode="edge")
    sums = np.cumsum(np.pad(padded, ((0, 0), (1, 0))), axis=1)
    mean = (sums[:, width:] - sums[:, :-width]) / width
    return np.asarray(mean.reshape(values.shape))


def _voiced(score: _Score, pitch_hz: float, tract: float, time: Floats, rate: int) -> Floats:
    """Harmonics ``(S,)`` under the formants; ``time (S,)`` counts frames."""
    frames = np.arange(score.pitch.size)
    pitch = pitch_hz * score.pitch
    phase = 2 * np.pi * np.cumsum(np.interp(time, frames, pitch)) / rate
    sound = np.zeros(time.size)
    highest = min(TOP_HZ, 0.45 * rate)
    for k in range(1, int(highest / pitch.min()) + 1):
        level = score.loudness * _gain(k * pitch, tract * score.formants_hz) / k * (k * pitch < highest)
        sound += np.interp(time, frames, level) * np.sin(k * phase)
    return sound


def _gain(hertz: Floats, formants_hz: Floats) -> Floats:
    """Gain ``(F,)`` of three resonances in a row at a frequency a frame; 1 far below them."""
    gain = np.ones(hertz.shape)
    for centre, width in zip(formants_hz, WIDTHS_HZ, strict=True):
        ratio = (hertz / np.maximum(centre, 100.0)) ** 2
        gain = gain / np.sqrt((1 - ratio) ** 2 + ratio * (width / np.maximum(centre, 100.0)) ** 2)
    return gain


def _hiss(rng: np.random.Generator, samples: int) -> Floats:
    """Noise ``(S,)`` that rises towards high frequencies, as behind teeth."""
    noise = rng.standard_normal(samples + 1)
    return np.asarray(np.diff(noise))
