"""Test clips with what is true about them: held-out simulated sets, made anew from seeds that training never uses."""

from __future__ import annotations

import csv
import math
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from list_sources import READERS
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import unit_vector
from spatial_lalm.audio.encoding import BANDS
from spatial_lalm.audio.scene import CLASSES, Scene
from spatial_lalm.simulation.generators import GENERATORS, espeak_installed
from spatial_lalm.simulation.library import GeneratedSound, SourceLibrary
from spatial_lalm.simulation.recipe import SceneRecipe, still_scenes
from spatial_lalm.simulation.sampling import render_scene

Floats = NDArray[np.floating[Any]]
Samples = NDArray[np.float32]

SEED = 9
"""Scene seeds are ``SEED * 10_000_000 + i``; training uses 1 to 4 in place of SEED."""
TRUSTED = np.ones((4, BANDS), np.float32)
SPEECH_S = (2.0, 4.0)
ESC10 = frozenset(CLASSES) - {"speech", "music", *GENERATORS}


@dataclass(frozen=True)
class Clip:
    """First-order AmbiX ``signals (4, T)`` at 16 kHz, ``quality (4, bands)``, and the truth; NaN where unknown.

    ``source`` names the talker or, where there is none, the clip: intervals draw whole sources.
    """

    signals: Samples
    quality: Samples
    direction: Floats  # unit vector (3,)
    label: str
    source: str
    distance_m: float = math.nan
    t60_s: float = math.nan
    drr_db: float = math.nan
    c50_db: float = math.nan
    volume_m3: float = math.nan


@dataclass(frozen=True)
class SimulatedSet:
    """Clips of 4 s with one static source each."""

    name: str
    title: str
    recipe: SceneRecipe
    offset: int  # of the scene seeds
    t60_s: tuple[float, float]  # of the response as measured; scenes outside are passed over

    def clips(self, count: int, library: SourceLibrary) -> Iterator[Clip]:
        """The first ``count`` scenes that hold a sound and lie in the range of T60."""
        made, seed = 0, SEED * 10_000_000 + self.offset
        while made < count:
            samples, scene = render_scene(self.recipe, library, seed)
            seed += 1
            inside = scene.acoustics is not None and self.t60_s[0] <= scene.acoustics.t60_s <= self.t60_s[1]
            if scene.events and inside:
                made += 1
                yield simulated_clip(samples, scene)


def simulated_clip(samples: Samples, scene: Scene) -> Clip:
    """A scene with one event as a clip."""
    event, acoustics = scene.events[0], scene.acoustics
    assert acoustics is not None
    return Clip(
        signals=samples,
        quality=TRUSTED,
        direction=unit_vector(event.azimuth_deg, event.elevation_deg),
        label=event.label,
        source=event.speaker or f"scene {scene.seed}",
        distance_m=event.distance_m,
        t60_s=acoustics.t60_s,
        drr_db=acoustics.drr_db,
        c50_db=acoustics.c50_db,
        volume_m3=scene.room.volume_m3,
    )


def _one_source(t60_s: tuple[float, float], event_s: tuple[float, float] = SPEECH_S) -> SceneRecipe:
    return still_scenes(4.0, t60_s, snr_db=(10.0, 40.0), counts=(0.0, 1.0), event_s=event_s)


SETS = (
    SimulatedSet(
        "speech",
        "(a) speech, T60 0.2 to 1 s, SNR at least 10 dB",
        _one_source((0.2, 1.0)),
        0,
        (0.2, 1.0),
    ),
    SimulatedSet(
        "classes",
        "(b) every class evenly, T60 0.2 to 1 s, SNR at least 10 dB",
        _one_source((0.2, 1.0), event_s=(0.8, 4.0)),
        1_000_000,
        (0.2, 1.0),
    ),
    SimulatedSet(
        "rooms",
        "(c) speech, T60 0.1 to 2.5 s, SNR at least 10 dB",
        _one_source((0.1, 2.5)),
        2_000_000,
        (0.1, 2.5),
    ),
)


# ---------------------------------------------------------------- sources


@dataclass(frozen=True)
class Sources:
    """Unseen dry sounds: ``speech`` alone, every class (``everything``), and where they come from, in words.

    ``files`` holds the recorded sounds alone and is None without a folder of corpora.
    """

    speech: SourceLibrary
    everything: SourceLibrary
    files: SourceLibrary | None
    words: str


def open_sources(audio: Path | None) -> Sources:
    """Validation sounds of the corpora in ``audio`` and the generators, or the generators alone."""
    if audio is None:
        return _generated()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sources.csv"
        write_list(audio, path)
        files = SourceLibrary.open(path, split="validation")
    labels = files.labels | set(GENERATORS)
    # A share for speech that is the same as every other class has.
    files = replace(files, speech_share=1 / len(files.labels))
    return Sources(
        speech=replace(files, speech_share=1.0),
        everything=SourceLibrary.mixed(files, SourceLibrary.builtin(espeak=False), len(GENERATORS) / len(labels)),
        files=files,
        words="the last 25 LibriSpeech speakers, ESC-10 fold 3, two pieces of music, and the generators",
    )


def write_list(audio: Path, path: Path) -> None:
    """The CSV of ``list_sources.py`` for a folder of corpora; ends the program when it holds none of them."""
    folders = [audio.resolve() / name for name in READERS]
    rows = [row for folder in folders if folder.is_dir() for row in READERS[folder.name](folder)]
    if not rows:
        sys.exit(f"hearing.py: error: {audio}: none of {', '.join(READERS)} in it")
    with path.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([("file", "class", "split", "speaker", "text"), *rows])


def _generated() -> Sources:
    everything = SourceLibrary.builtin(speech_share=1 / (1 + len(GENERATORS)))
    if espeak_installed():
        speech = SourceLibrary.of([GeneratedSound("speech")], 1.0)
        return Sources(speech, everything, None, "generated sounds and espeak-ng speech only (no --audio given)")
    words = "generated sounds only: no --audio given and espeak-ng is not installed, so they stand in for speech"
    return Sources(everything, everything, None, words)
