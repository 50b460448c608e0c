"""Conversations in rooms, with who speaks when and from where: the material of ``diarisation.py``.

Dry speech is cut into phrases at its pauses and rendered from seats at known directions by the simulator's engine: an
ideal first-order receiver in a shoebox, diffuse noise 25 dB under the speech.

- ``conversation``: held-out LibriSpeech talkers in turns, who may change their seats half-way.
- ``meeting``: 30 s of the AMI corpus, recorded on one channel; every turn of its RTTM is sent from its talker's seat.
  Where turns overlap, that is the seat of who began first, for one channel cannot be taken apart.
- ``audiobook``: poems of a LibriVox audiobook, with a held-out talker who interrupts from another side. Who reads which
  poem is not known, so each poem is a scene of its own.

Legend: T samples at 16 kHz.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from list_sources import VALIDATION_SPEAKERS
from numpy.typing import NDArray
from scipy.signal import oaconvolve

from spatial_lalm.audio.conventions import angle_between, unit_vector
from spatial_lalm.audio.resampling import resample
from spatial_lalm.audio.scene import Room
from spatial_lalm.evaluate.diarisation import Turn, read_rttm
from spatial_lalm.simulation.engine.paths import Path as SoundPath
from spatial_lalm.simulation.engine.render import render_responses
from spatial_lalm.simulation.engine.reverberation import clad
from spatial_lalm.simulation.excerpts import levelled
from spatial_lalm.simulation.receivers import ambisonic_receiver

Samples = NDArray[np.float32]
Floats = NDArray[np.floating[Any]]

RATE = 16_000
SNR_DB = 25.0
PAUSE_S = 0.4
"""Within a turn; a longer silence ends it."""
SPEECH_DB = 27.0
"""Speech is within this range of its loud moments: recordings of books are no quieter in between."""
BREATH_S = 0.18
"""A pause at which read speech may be cut into phrases."""
GAP_S, GAP_SPREAD_S = 0.2, 0.45
"""Between turns, as in the simulator's conversations; below zero they overlap."""
APART_DEG = 35.0
"""Seats are at least so far apart."""
LEVEL = 0.5
"""Of a talker at one metre, over that of dry speech as the simulator levels it."""


@dataclass(frozen=True)
class SeatedTurn:
    """A turn, and the direction ``(3,)`` that it comes from."""

    turn: Turn
    direction: Floats


@dataclass(frozen=True)
class Scene:
    """First-order AmbiX ``signals (4, T)`` and the turns in it."""

    name: str
    signals: Samples
    turns: tuple[SeatedTurn, ...]


# ---------------------------------------------------------------- dry speech


def held_out_files(audio: Path) -> dict[str, Path]:
    """The recording of each of the last LibriSpeech speakers by name, none of whom trained anything."""
    files = {path.name.split("-")[0]: path for path in sorted((audio / "librispeech").glob("*.flac"))}
    return {speaker: files[speaker] for speaker in sorted(files)[-VALIDATION_SPEAKERS:]}


def held_out_talkers(audio: Path) -> dict[str, list[Samples]]:
    """Phrases of these speakers, of those who say 5 s or more."""
    found = {speaker: phrases(read(path)) for speaker, path in held_out_files(audio).items()}
    return {speaker: parts for speaker, parts in found.items() if sum(map(len, parts)) > 5 * RATE}


def read(path: Path, start_s: float = 0.0, end_s: float | None = None) -> Samples:
    """A part of a mono file at 16 kHz, ``(T,)``."""
    rate = soundfile.info(path).samplerate
    stop = None if end_s is None else round(end_s * rate)
    samples, rate = soundfile.read(path, start=round(start_s * rate), stop=stop, dtype="float32")
    return resample(samples[None], rate)[0] if rate != RATE else samples


def spans(samples: Samples, pause_s: float = PAUSE_S) -> list[tuple[int, int]]:
    """Half-open spans of samples in which someone speaks, pauses of up to ``pause_s`` closed."""
    frame = RATE // 50
    energy = np.square(samples[: len(samples) // frame * frame].reshape(-1, frame)).mean(1)
    sounding = np.flatnonzero(energy > 10 ** (-SPEECH_DB / 10) * np.quantile(energy, 0.95) + 1e-9)
    breaks = np.flatnonzero(np.diff(sounding) > pause_s * 50)
    firsts, lasts = np.r_[sounding[:1], sounding[breaks + 1]], np.r_[sounding[breaks], sounding[-1:]]
    return [(int(a) * frame, (int(b) + 1) * frame) for a, b in zip(firsts, lasts, strict=True)]


def phrases(samples: Samples, shortest_s: float = 0.8) -> list[Samples]:
    """Levelled stretches between breaths."""
    level = levelled(samples, RATE)
    return [level[a:b] for a, b in spans(level, BREATH_S) if b - a >= shortest_s * RATE]


# ---------------------------------------------------------------- rooms


class Seats:
    """A room with a receiver in its middle, and seats around it."""

    def __init__(self, rng: np.random.Generator, seats: int) -> None:
        """Draw a room of 40 to 200 m3 with a T60 of 0.2 to 0.7 s, and ``seats`` directions 1 to 2 m away."""
        size = rng.uniform([4.5, 4.0, 2.5], [8.0, 7.0, 3.5])
        room = clad(Room(tuple(size.tolist()), (0.3,) * 6, scattering=0.7), float(rng.uniform(0.2, 0.7)))
        assert room is not None
        centre = np.append(size[:2] / 2 + rng.uniform(-0.3, 0.3, 2), 1.3)
        self.directions = self._drawn(rng, seats)
        paths = [
            SoundPath(room, centre + rng.uniform(1.0, 1.8) * direction, centre, seed=int(rng.integers(2**31)))
            for direction in self.directions
        ]
        self._responses = render_responses(paths, ambisonic_receiver(1), RATE)

    @staticmethod
    def _drawn(rng: np.random.Generator, seats: int) -> list[Floats]:
        found: list[Floats] = []
        while len(found) < seats:
            direction = unit_vector(float(rng.uniform(-180, 180)), float(rng.uniform(-10, 15)))
            if all(angle_between(direction, other) >= APART_DEG for other in found):
                found.append(direction)
        return found

    def sent(self, dry: Samples, seat: int) -> tuple[Samples, int]:
        """A sound ``(4, T)`` from a seat, and the samples that it is under way."""
        response = self._responses[seat]
        return oaconvolve(dry[None], response.taps, axes=1).astype(np.float32), round(response.direct_sample)


class Stage:
    """Sounds laid from seats on a time axis, and the turns that they make."""

    def __init__(self, rng: np.random.Generator, seats: Seats, samples: int) -> None:
        self._rng, self._seats = rng, seats
        self._field = np.zeros((4, samples + 2 * RATE), np.float32)
        self.turns: list[SeatedTurn] = []

    def lay(self, dry: Samples, start: int, speaker: str, seat: int, turn: bool = True) -> None:
        """A sound from a sample on; with ``turn``, it is one turn for each stretch in which it sounds."""
        wet, delay = self._seats.sent(LEVEL * dry, seat)
        there = self._field[:, start : start + wet.shape[1]]
        there += wet[:, : there.shape[1]]
        for first, last in spans(dry) if turn else ():
            self.told(speaker, (start + delay + first) / RATE, (start + delay + last) / RATE, seat)

    def told(self, speaker: str, start_s: float, end_s: float, seat: int) -> None:
        """A turn that is known."""
        self.turns.append(SeatedTurn(Turn(speaker, start_s, end_s), self._seats.directions[seat]))

    def scene(self, name: str, end: int) -> Scene:
        """All of it up to a sample, with noise."""
        field = self._field[:, :end]
        speech = np.sqrt(np.mean(field[0, np.abs(field[0]) > 1e-3] ** 2))
        noise = self._rng.normal(0, 10 ** (-SNR_DB / 20), field.shape) / np.sqrt([[1], [3], [3], [3]])
        return Scene(name, field + (speech * noise).astype(np.float32), tuple(self.turns))


# ---------------------------------------------------------------- scenes


def conversation(
    rng: np.random.Generator, voices: dict[str, list[Samples]], talkers: int, minutes: float, moves: bool
) -> Scene:
    """Talkers in turns of one to three phrases; with ``moves`` they change seats half-way, in part with each other."""
    names = rng.choice(sorted(voices), talkers, replace=False).tolist()
    length = round(60 * minutes * RATE)
    seats = list(range(talkers))
    stage = Stage(rng, Seats(rng, talkers + 1), length)
    at, last = RATE // 2, -1
    moved = False
    while at < length - 2 * RATE:
        if moves and not moved and at > length / 2:
            seats, moved = [*seats[1:], talkers], True  # each to the next one's seat, the last to one that was free
            at += 5 * RATE
        talker = int(rng.choice([n for n in range(talkers) if n != last]))
        for _ in range(int(rng.integers(1, 4))):
            phrase = voices[names[talker]][int(rng.integers(len(voices[names[talker]])))]
            if at + len(phrase) > length - RATE:
                at = length
                break
            stage.lay(phrase, at, names[talker], seats[talker])
            at += len(phrase) + round(0.3 * RATE)
        at += round(float(rng.normal(GAP_S, GAP_SPREAD_S) - 0.3) * RATE)
        at, last = max(at, RATE // 2), talker
    return stage.scene(f"{talkers} talkers" + (" who change seats" if moves else ""), length)


def meeting(rng: np.random.Generator, path: Path) -> Scene:
    """Half a minute of a meeting whose talkers sit around the receiver."""
    (turns,) = read_rttm(path.with_suffix(".rttm")).values()
    samples = read(path)
    dry = levelled(samples, RATE)
    speakers = sorted({turn.speaker for turn in turns})
    stage = Stage(rng, Seats(rng, len(speakers)), len(dry))
    taken = np.zeros(len(dry), bool)
    for turn in sorted(turns, key=lambda turn: (turn.start_s, turn.end_s)):
        seat = speakers.index(turn.speaker)
        span = slice(round(turn.start_s * RATE), min(round(turn.end_s * RATE), len(dry)))
        own = np.where(taken[span], 0.0, dry[span]).astype(np.float32)
        taken[span] = True
        stage.lay(own, span.start, turn.speaker, seat, turn=False)
        stage.told(turn.speaker, turn.start_s, min(turn.end_s, len(dry) / RATE), seat)
    return stage.scene(path.stem, len(dry))


def audiobook(
    rng: np.random.Generator, folder: Path, voices: dict[str, list[Samples]], poems: Sequence[int], longest_s: float
) -> Iterator[Scene]:
    """Poems, each up to ``longest_s``, interrupted from another side at about every third of its pauses."""
    timeline = json.loads((folder / "timeline.json").read_text(encoding="utf-8"))
    (path,) = folder.glob("*.ogg")
    for poem in poems:
        start_s, end_s = timeline[poem]["start_s"], timeline[poem]["end_s"]
        dry = levelled(read(path, start_s, min(end_s, start_s + longest_s)), RATE)
        name = str(rng.choice(sorted(voices)))
        stage = Stage(rng, Seats(rng, 2), 2 * len(dry) + 20 * RATE)
        at, first = RATE // 2, 0
        for begin, end in spans(dry):
            stage.lay(dry[begin:end], at + begin - first, "reader", 0)
            at, first = at + end - first, end
            if rng.random() < 1 / 3:
                phrase = voices[name][int(rng.integers(len(voices[name])))]
                stage.lay(phrase, at + RATE // 4, name, 1)
                at += len(phrase) + RATE // 2
        yield stage.scene(f"poem {poem}", at + RATE)
