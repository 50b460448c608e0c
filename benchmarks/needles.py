"""Needles: one event of a known class, direction and time in a long recording of other sounds, and who finds it.

A recording is a room (7 x 6 x 3 m) with diffuse noise 25 dB below the sounds, and a distractor every three to nine
seconds: generators of the package without the needle's class, and speech by espeak-ng where it is installed, each at a
random place. Distractors are drawn again and again from a pool of rendered ones, so an hour costs little more than a
minute. The needle is a tone of two seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import angle_between, unit_vector
from spatial_lalm.audio.recording import Recording
from spatial_lalm.audio.scene import Room
from spatial_lalm.model.analysis import analyse, plan_analysis
from spatial_lalm.model.loading import SpatialLalm
from spatial_lalm.model.recorded import Recorded
from spatial_lalm.simulation.engine.paths import Path as SoundPath
from spatial_lalm.simulation.engine.render import render_responses
from spatial_lalm.simulation.generators import GENERATORS, espeak_installed
from spatial_lalm.simulation.library import GeneratedSound
from spatial_lalm.simulation.receivers import ambisonic_receiver
from spatial_lalm.simulation.source_files import AudioCache

RATE = 16_000
NEEDLE, NEEDLE_S = "tone", 2.0
ROOM = Room((7.0, 6.0, 3.0), (0.25,) * 6)
SNR_DB = 25.0
POOL = 24
NEAR_S = 2.0
"""A tone found this near to the needle's time is the needle."""
Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Needle:
    """What became of one needle: found in the events, in the answer, and how far off."""

    minutes: float
    depth: float
    found: bool
    answered: bool
    time_error_s: float
    angle_error_deg: float
    false_tones: int


def rendered(label: str, seconds: float, rng: np.random.Generator) -> tuple[Samples, NDArray[np.float64]]:
    """A sound in the room ``(4, T)``, of unit level, and the direction that it comes from."""
    receiver = np.array([3.4, 2.9, 1.5])
    azimuth, elevation = float(rng.uniform(-180, 180)), float(rng.uniform(-20, 20))
    direction = unit_vector(azimuth, elevation)
    source = receiver + rng.uniform(1.0, 2.2) * direction
    (response,) = render_responses(
        [SoundPath(ROOM, source, receiver, seed=int(rng.integers(2**31)))], ambisonic_receiver(1), RATE
    )
    dry = GeneratedSound(label).draw(rng, round(seconds * RATE), RATE, AudioCache()).samples
    wet = np.stack([np.convolve(dry, taps) for taps in response.taps[:, : RATE // 2]])
    return (wet / np.sqrt(np.mean(wet[0] ** 2) + 1e-12)).astype(np.float32), direction


def pool(rng: np.random.Generator) -> list[Samples]:
    """Distractors of every other class."""
    labels = sorted({*GENERATORS, *(["speech"] if espeak_installed() else [])} - {NEEDLE})
    return [rendered(labels[n % len(labels)], float(rng.uniform(0.8, 3.0)), rng)[0] for n in range(POOL)]


def haystack(minutes: float, distractors: list[Samples], rng: np.random.Generator) -> Samples:
    """Minutes of distractors and noise, ``(4, T)``."""
    field = rng.normal(size=(4, round(60 * minutes * RATE))).astype(np.float32) / np.sqrt([[1], [3], [3], [3]])
    field = (field * 10 ** (-SNR_DB / 20)).astype(np.float32)
    at = 0.5
    while (start := round(at * RATE)) < field.shape[1]:
        sound = distractors[int(rng.integers(len(distractors)))]
        there = field[:, start : start + sound.shape[1]]
        there += sound[:, : there.shape[1]]
        at += sound.shape[1] / RATE + float(rng.uniform(3, 9))
    return field


def needle_at(
    model: SpatialLalm, hay: Samples, depth: float, folder: Path, rng: np.random.Generator, views: int
) -> Needle:
    """Hide a needle at a depth (0 the beginning, 1 the end), analyse, and look for it."""
    sound, direction = rendered(NEEDLE, NEEDLE_S, rng)
    sound = sound[:, : round((NEEDLE_S + 0.5) * RATE)]
    start = round(depth * (hay.shape[1] - sound.shape[1]))
    field = hay.copy()
    field[:, start : start + sound.shape[1]] += sound
    path, out = folder / "hay.wav", folder / "hay.h5"
    soundfile.write(path, (0.05 * field).T, RATE, subtype="PCM_16")
    analyse(plan_analysis(model, Recording.open(path, format="ambix"), views), out)
    recorded = Recorded.open(out)
    begins = start / RATE
    tones = [event.evidence for event in recorded.spoken if event.label == NEEDLE]
    there = [tone for tone in tones if abs(tone.start_s - begins) < NEAR_S]
    answer = recorded.ask("When do you hear a tone?")
    told = any(abs(e.start_s - begins) < NEAR_S for e in answer.evidence if e.label == NEEDLE)
    out.unlink()
    minutes = hay.shape[1] / RATE / 60
    if not there:
        return Needle(minutes, depth, False, told, float("nan"), float("nan"), len(tones))
    best = max(there, key=lambda tone: tone.confidence)
    heard = unit_vector(best.azimuth_deg or 0.0, best.elevation_deg or 0.0)
    angle = float(angle_between(heard, direction))
    return Needle(
        minutes, depth, True, told and not answer.abstained, abs(best.start_s - begins), angle, len(tones) - len(there)
    )
