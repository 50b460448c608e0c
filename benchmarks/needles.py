"""Needles: sounds that come once, at known depths of a long recording of other sounds, and the recordings themselves.

A recording is one scene of the simulator (still sources, T60 0.2 to 0.8 s, ambience 20 to 30 dB below a typical sound),
rendered block by block. Every twelve seconds bring up to three distractors, half of them speech, half generated, each
from a place of its own. Needles are rendered in the same room with the same engine and added: each of a class that
nothing else in the recording has, so that a question can name it, and none while a distractor sounds, as a sentence is
hidden between sentences. The room, the needles and their places go by the number of the recording, not by its length:
what is hidden in five minutes is hidden in four hours, too.

With ``--audio`` needles are ESC-10 (fold 3, unseen) and music, distractors speech of unseen talkers and generated
sounds. Without, all is generated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
from clips import ESC10, SEED, open_sources

from spatial_lalm.audio.scene import Scene, SourceEvent
from spatial_lalm.simulation.events import Stage, render_sound
from spatial_lalm.simulation.generators import espeak_installed
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.overlap import PlannedSound
from spatial_lalm.simulation.receivers import named_receiver
from spatial_lalm.simulation.recipe import SceneRecipe, still_scenes
from spatial_lalm.simulation.room import sample_source
from spatial_lalm.simulation.sampling import EVENT_PEAK, LONG_LEVEL_DB, render_blocks
from spatial_lalm.simulation.trajectories import ReceiverMotion, Trajectory

RATE = 16_000
DEPTHS = tuple(n / 10 for n in range(11))
"""0 the beginning, 1 the end."""
NEEDLE_S = 4.0
"""Longest needle; the excerpt is drawn as the simulator draws any sound, so many are shorter."""
CLEAR_S = 0.3
"""Least time between a needle and another sound."""
CLIP_S = 10.0
FIRST_SEED = SEED * 10_000_000 + 7_000_000
"""Of the scenes; those of ``clips.SETS`` lie below."""
FIRST_NEEDLE = 10_000_000
"""Number of the first needle among a scene's sounds, far above those of its distractors."""
Spans = list[tuple[float, float]]


@dataclass(frozen=True)
class Sources:
    """Dry sounds: ``distractors``, and ``needles`` of the classes ``labels``; ``words`` say where they come from."""

    distractors: SourceLibrary
    needles: SourceLibrary
    labels: tuple[str, ...]
    words: str


@dataclass(frozen=True)
class Needle:
    """What was hidden where: the depth asked for, and the sound as the scene's labels tell of it."""

    depth: float
    event: SourceEvent


@dataclass(frozen=True)
class Haystack:
    """A recording (first-order AmbiX at 16 kHz), what the simulator tells of it, and what was hidden in it."""

    path: Path
    scene: Scene
    needles: tuple[Needle, ...]


def open_needles(audio: Path | None) -> Sources:
    """Unseen sounds of the corpora in ``audio``, or generated ones."""
    builtin = SourceLibrary.builtin(espeak=False)
    if audio is None:
        labels = ("chirp", "click", "modulated_noise")
        others = of_classes(SourceLibrary.builtin(speech_share=0.5), frozenset({"speech", "noise", "tone"}))
        speech = "speech of espeak-ng, " if espeak_installed() else ""
        words = f"generated chirps, clicks and modulated noise between {speech}generated noise and tones"
        return Sources(others, of_classes(builtin, frozenset(labels)), labels, words)
    files = open_sources(audio).files
    assert files is not None
    labels = tuple(sorted(ESC10 | {"music"}))
    words = "ESC-10 (fold 3) and music between speech (the last 25 LibriSpeech speakers) and generated sounds"
    speech_files = of_classes(files, frozenset({"speech"}))
    return Sources(SourceLibrary.mixed(speech_files, builtin, 0.5), of_classes(files, frozenset(labels)), labels, words)


def of_classes(library: SourceLibrary, labels: frozenset[str]) -> SourceLibrary:
    """The part of a library that is of some classes."""
    parts = [(weight, {name: sounds[name] for name in sounds if name in labels}) for weight, sounds in library.parts]
    return replace(library, parts=tuple((weight, sounds) for weight, sounds in parts if sounds))


def recipe_of(minutes: float) -> SceneRecipe:
    """Scenes of so many minutes: longer than the minute from which levels are set beforehand."""
    recipe = still_scenes(60.0 * minutes, (0.2, 0.8), (20.0, 30.0), (0.1, 0.3, 0.4, 0.2), (0.8, 5.0))
    return replace(recipe, level_db=(LONG_LEVEL_DB, LONG_LEVEL_DB), sources=replace(recipe.sources, window_s=12.0))


def labels_by_depth(labels: Sequence[str], number: int) -> list[tuple[float, str]]:
    """Depths and classes of recording ``number``: over eleven recordings every class lies once at every depth."""
    step = len(DEPTHS) // len(labels)
    slots = sorted((number + step * turn) % len(DEPTHS) for turn in range(len(labels)))
    return [(DEPTHS[slot], labels[(turn + number) % len(labels)]) for turn, slot in enumerate(slots)]


def haystack(path: Path, minutes: float, number: int, sources: Sources) -> Haystack:
    """Render recording ``number`` of a length to a file, with a needle of every class."""
    recipe, seed = recipe_of(minutes), FIRST_SEED + number
    labels, blocks = render_blocks(recipe, sources.distractors, seed)
    with soundfile.SoundFile(path, "w", RATE, 4, "PCM_16", format="RF64") as file:
        for block in blocks:
            file.write(block.T)
    scene = labels()
    busy = [(event.onset_s, event.offset_s) for event in scene.events]
    needles = []
    for depth, label in labels_by_depth(sources.labels, number):
        event = _hide(path, recipe, scene, sources, label, depth, busy)
        busy.append((event.onset_s, event.offset_s))
        needles.append(Needle(depth, event))
    return Haystack(path, scene, tuple(needles))


def _hide(
    path: Path, recipe: SceneRecipe, scene: Scene, sources: Sources, label: str, depth: float, busy: Spans
) -> SourceEvent:
    """Add a needle to the file where it is quiet; the sound as the labels tell of it."""
    rng = np.random.default_rng((scene.seed, 13, sources.labels.index(label)))
    gain = 10 ** (LONG_LEVEL_DB / 20)
    receiver = np.array(scene.receiver_m)
    library = of_classes(sources.needles, frozenset({label}))
    motion = ReceiverMotion(Trajectory.rest(receiver))
    stage = Stage(recipe, library, scene.room, named_receiver("foa"), motion, scene.seed, EVENT_PEAK / gain)
    way = Trajectory.rest(sample_source(rng, scene.room, receiver, recipe.sources))
    onset_s = quiet_onset(busy, depth, recipe.duration_s)
    planned = PlannedSound(NEEDLE_S, (0.0, recipe.duration_s), onset_s, way, 0.0)
    sound = render_sound(stage, planned, FIRST_NEEDLE + sources.labels.index(label))
    assert sound.event is not None  # it begins and ends within the recording
    with soundfile.SoundFile(path, "r+") as file:
        file.seek(sound.onset)
        there = file.read(sound.wet.shape[1], dtype="float32", always_2d=True)
        file.seek(sound.onset)
        file.write(np.clip(there + gain * sound.wet.T[: len(there)], -1.0, 1.0))
    return sound.event


def quiet_onset(busy: Spans, depth: float, duration_s: float) -> float:
    """The onset nearest to a depth at which nothing else sounds for the length of a needle, or least does.

    The depth is one among the onsets that leave room for a needle; ``busy`` are the times of other sounds.
    """
    onsets = np.arange(0.0, duration_s - NEEDLE_S, 0.1)
    low, high = onsets - CLEAR_S, onsets + NEEDLE_S + CLEAR_S
    shared = np.zeros(len(onsets))
    for start_s, end_s in busy:
        shared += np.clip(np.minimum(high, end_s) - np.maximum(low, start_s), 0.0, None)
    away = np.abs(onsets - depth * (duration_s - NEEDLE_S))
    return float(onsets[np.lexsort((away, shared))[0]])


def cut_clip(hay: Haystack, needle: Needle, path: Path) -> float:
    """Write the ten seconds around a needle to a file of their own; when they begin in the recording, in seconds."""
    middle = (needle.event.onset_s + needle.event.offset_s) / 2
    first = round(min(max(middle - CLIP_S / 2, 0.0), hay.scene.duration_s - CLIP_S) * RATE)
    samples, _ = soundfile.read(hay.path, round(CLIP_S * RATE), first, dtype="int16", always_2d=True)
    soundfile.write(path, samples, RATE, subtype="PCM_16")
    return first / RATE
