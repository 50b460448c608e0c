"""Built-in mono sounds, so that the simulator works with no recordings: shaped noise, tones, sweeps, clicks, speech.

Every generator is ``f(rng, samples, rate) -> (samples,)`` float32 with a peak of ``PEAK`` and faded ends; the same
generator state gives the same sound. Frequencies stay below 0.45 of the sample rate.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.errors import InputError
from spatial_lalm.simulation.sentences import sentences

Samples = NDArray[np.float32]
Generator = Callable[[np.random.Generator, int, int], Samples]

PEAK = 0.5
FADE_S = 0.01
LOWEST_HZ = 60.0
HIGHEST = 0.45
"""Highest frequency as a share of the sample rate."""


# ---------------------------------------------------------------- pieces


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _ramp(length: int, total: int) -> Samples:
    """A raised-cosine rise ``(n,)`` of ``length`` samples, at most half of ``total``."""
    length = min(length, total // 2)
    return (np.sin(0.5 * np.pi * (np.arange(length) + 0.5) / max(length, 1)) ** 2).astype(np.float32)


def _faded(sound: NDArray[np.floating[Any]], rate: int) -> Samples:
    """A float32 copy that rises from zero and falls back to it."""
    out = sound.astype(np.float32)
    ramp = _ramp(int(FADE_S * rate), out.size)
    out[: ramp.size] *= ramp
    out[out.size - ramp.size :] *= ramp[::-1]
    return out


def _finished(sound: NDArray[np.floating[Any]], rate: int) -> Samples:
    """Faded ends and a peak of ``PEAK``."""
    out = _faded(sound, rate)
    return np.asarray(out * np.float32(PEAK / max(float(np.abs(out).max(initial=0.0)), 1e-9)), dtype=np.float32)


def _gate(
    rng: np.random.Generator, samples: int, rate: int, on_s: tuple[float, float], off_s: tuple[float, float]
) -> Samples:
    """An envelope ``(samples,)`` of faded bursts and gaps of log-uniform lengths, on at its start."""
    envelope = np.zeros(samples, dtype=np.float32)
    start = 0
    while start < samples:
        stop = min(samples, start + max(1, int(_log_uniform(rng, *on_s) * rate)))
        envelope[start:stop] = _faded(np.ones(stop - start), rate)
        start = stop + int(_log_uniform(rng, *off_s) * rate)
    return envelope


def _shaped_noise(rng: np.random.Generator, samples: int, rate: int) -> Samples:
    """Stationary noise with a random tilt (-9 to +3 dB an octave) in a band of at least an octave."""
    import scipy.fft

    size = scipy.fft.next_fast_len(max(samples, 16), real=True)
    spectrum = scipy.fft.rfft(rng.standard_normal(size, dtype=np.float32))
    frequency = np.maximum(scipy.fft.rfftfreq(size, 1 / rate), 1.0)
    low = _log_uniform(rng, LOWEST_HZ, 0.15 * rate)
    high = _log_uniform(rng, 2 * low, max(HIGHEST * rate, 2.01 * low))
    if rng.random() < 0.3:
        low, high = LOWEST_HZ, HIGHEST * rate
    tilt = (frequency / 1000.0) ** (rng.uniform(-9.0, 3.0) / 6.02)
    band = 1 / np.sqrt((1 + (low / frequency) ** 8) * (1 + (frequency / high) ** 8))
    shaped: Samples = scipy.fft.irfft(spectrum * (tilt * band).astype(np.float32), size)[:samples]
    return shaped


# ---------------------------------------------------------------- generators


def noise(rng: np.random.Generator, samples: int, rate: int) -> Samples:
    """Shaped noise, steady or in bursts of 0.3 to 2 s."""
    sound = _shaped_noise(rng, samples, rate)
    if rng.random() < 0.6:
        sound = sound * _gate(rng, samples, rate, (0.3, 2.0), (0.1, 0.8))
    return _finished(sound, rate)


def modulated_noise(rng: np.random.Generator, samples: int, rate: int) -> Samples:
    """Shaped noise whose amplitude beats at 2 to 12 Hz, sinusoidally or in soft pulses."""
    time = np.arange(samples) / rate
    wave = np.sin(2 * np.pi * (_log_uniform(rng, 2.0, 12.0) * time + rng.random()))
    wave = np.tanh(rng.uniform(1.0, 5.0) * wave) if rng.random() < 0.5 else wave
    depth = rng.uniform(0.6, 1.0)
    return _finished(_shaped_noise(rng, samples, rate) * (1 + depth * wave), rate)


def tone(rng: np.random.Generator, samples: int, rate: int) -> Samples:
    """A pure or harmonic tone of 90 to 3000 Hz, with or without vibrato, held or as a melody of beeps."""
    time = np.arange(samples) / rate
    pitch = _log_uniform(rng, 90.0, min(3000.0, 0.4 * rate))
    vibrato_hz, depth = rng.uniform(3.0, 8.0), (0.0 if rng.random() < 0.4 else _log_uniform(rng, 0.002, 0.03))
    phase = 2 * np.pi * pitch * time - pitch * depth / vibrato_hz * np.cos(2 * np.pi * vibrato_hz * time)
    partials = 1 if rng.random() < 0.3 else int(rng.integers(2, 13))
    rolloff = rng.uniform(0.5, 2.0)
    sound = np.zeros(samples)
    for k in range(1, partials + 1):
        if k * pitch * (1 + depth) < HIGHEST * rate:
            sound += rng.uniform(0.3, 1.0) * k**-rolloff * np.sin(k * phase + rng.uniform(0, 2 * np.pi))
    if rng.random() < 0.5:
        sound *= _gate(rng, samples, rate, (0.1, 1.0), (0.05, 0.5))
    return _finished(sound, rate)


def _sweep(low: float, high: float, samples: int, rate: int, logarithmic: bool) -> NDArray[np.float64]:
    """A sine ``(samples,)`` whose frequency goes from ``low`` to ``high`` Hz."""
    position = np.arange(samples) / max(samples, 1)
    frequency = low * (high / low) ** position if logarithmic else low + (high - low) * position
    return np.asarray(np.sin(2 * np.pi * np.cumsum(frequency) / rate))


def chirp(rng: np.random.Generator, samples: int, rate: int) -> Samples:
    """A sweep of 0.15 to 2 s over at least an octave, up or down, linear or logarithmic, repeated with pauses."""
    low = _log_uniform(rng, 100.0, 0.15 * rate)
    ends = [low, _log_uniform(rng, 2 * low, HIGHEST * rate)]
    if rng.random() < 0.5:
        ends.reverse()
    length = max(1, int(_log_uniform(rng, 0.15, 2.0) * rate))
    one = _faded(_sweep(ends[0], ends[1], length, rate, bool(rng.random() < 0.5)), rate)
    period = length + int(_log_uniform(rng, 0.03, 0.6) * rate)
    sound = np.zeros(samples, dtype=np.float32)
    for start in range(0, samples, period):
        piece = one[: samples - start]
        sound[start : start + piece.size] = piece if piece.size == one.size else _faded(piece, rate)
    return _finished(sound, rate)


def _resonance(rng: np.random.Generator, rate: int) -> NDArray[np.float64]:
    """A struck thing: one to four modes that decay within 2 to 40 ms."""
    time = np.arange(int(0.15 * rate)) / rate
    sound = np.zeros(time.size)
    for _ in range(int(rng.integers(1, 5))):
        decay = np.exp(-time / _log_uniform(rng, 0.002, 0.04))
        frequency = _log_uniform(rng, 200.0, 0.42 * rate)
        sound += rng.uniform(0.3, 1.0) * decay * np.sin(2 * np.pi * frequency * time)
    return np.asarray(sound * np.minimum(1.0, (time[-1] - time) / 0.02))


def click(rng: np.random.Generator, samples: int, rate: int) -> Samples:
    """A train of short decaying resonances, 1 to 12 a second, regular or jittered, of varying strength."""
    one = _resonance(rng, rate)
    period = rate / _log_uniform(rng, 1.0, 12.0)
    jitter = 0.0 if rng.random() < 0.5 else rng.uniform(0.05, 0.4)
    sound = np.zeros(samples + one.size)
    start = FADE_S * rate
    while start < samples:
        sound[int(start) : int(start) + one.size] += rng.uniform(0.5, 1.0) * one
        start += max(1.0, period * (1 + jitter * rng.uniform(-1, 1)))
    return _finished(sound[:samples], rate)


GENERATORS: dict[str, Generator] = {
    "noise": noise,
    "tone": tone,
    "chirp": chirp,
    "click": click,
    "modulated_noise": modulated_noise,
}
"""Generators by the class they make. Speech is made by ``speak``, which needs espeak-ng."""


# ---------------------------------------------------------------- speech


@dataclass(frozen=True)
class SpokenLine:
    """Speech ``(n,)`` float32, who speaks and what; ``text`` is empty where the line had to be cut."""

    samples: Samples
    speaker: str
    text: str


VOICES = ("en-gb", "en-us", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbcwmd", "en-029")
VARIANTS = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f2", "f3", "f4")
LINES = 4096
LONGEST_SENTENCE_S = 3.5


def espeak_installed() -> bool:
    """Whether the program espeak-ng is on the path."""
    return shutil.which("espeak-ng") is not None


@lru_cache(maxsize=64)
def _spoken(speaker: int, number: int, count: int, rate: int) -> SpokenLine:
    """Line ``number`` of ``count`` sentences in the voice of a speaker (who keeps one pitch), at ``rate`` Hz."""
    voice = f"{VOICES[speaker % len(VOICES)]}+{VARIANTS[speaker // len(VOICES)]}"
    pitch = 30 + 7 * speaker % 41
    rng = np.random.default_rng((speaker, number, count))
    text = sentences(rng, count)
    command = [
        "espeak-ng",
        "--stdout",
        "-v",
        voice,
        "-p",
        str(pitch),
        "-s",
        str(int(rng.integers(130, 200))),
        "--",
        text,
    ]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"espeak-ng could not be run ({error}): install it or leave built-in speech out") from None
    if done.returncode or len(done.stdout) <= 44:
        raise InputError(f"espeak-ng gave no sound for voice {voice!r}: install its English voices or leave speech out")
    return SpokenLine(_from_wav(done.stdout, rate), f"espeak:{voice}", text)


def _voice_number(speaker: str) -> int:
    """The number of a speaker from the name that its lines carry."""
    voice, variant = speaker.removeprefix("espeak:").split("+")
    return VOICES.index(voice) + len(VOICES) * VARIANTS.index(variant)


def _from_wav(data: bytes, rate: int) -> Samples:
    """16-bit mono samples behind the 44-byte header that espeak-ng streams (its lengths are not to be trusted)."""
    found = int.from_bytes(data[24:28], "little")
    audio = np.frombuffer(data[44 : len(data) - len(data) % 2], dtype="<i2").astype(np.float32) / 32768
    if found != rate:
        import soxr

        audio = soxr.resample(audio, found, rate)
    return _finished(audio, rate)


def speak(rng: np.random.Generator, samples: int, rate: int, speaker: str | None = None) -> SpokenLine:
    """A line of at most ``samples`` samples by a random English voice, or by a speaker who spoke before.

    Of up to four lines by one speaker the first that fits is taken; if none fits, the shortest is cut and loses its
    text. ``InputError`` without espeak-ng.
    """
    voice = _voice_number(speaker) if speaker else int(rng.integers(len(VOICES) * len(VARIANTS)))
    most = min(3, int(samples / rate / LONGEST_SENTENCE_S))
    lines = []
    for _ in range(4):
        count = int(rng.integers(1, most + 1)) if most > 1 else 1
        lines.append(_spoken(voice, int(rng.integers(LINES)), count, rate))
        if lines[-1].samples.size <= samples:
            return lines[-1]
    shortest = min(lines, key=lambda line: line.samples.size)
    return SpokenLine(_finished(shortest.samples[:samples], rate), shortest.speaker, "")
