"""Folders, names and CSV columns of the benchmarks for sound event localisation: STARSS22/23 and DCASE 2024/2025.

======== ================================= ==================================================================
layout   audio                             CSV
======== ================================= ==================================================================
starss22 ``foa_dev/`` or ``mic_dev/``      no header; ``frame,class,source,azimuth,elevation``
starss23 likewise                          likewise, then distance in cm
dcase2024 likewise                         as starss23 (polar)
dcase2025 ``stereo_dev/``, 5 s clips       header ``frame,class,source,azimuth,distance,onscreen``; cm
======== ================================= ==================================================================

All numbers are integers, frames last 100 ms, degrees are ours (counter-clockwise from the front, up). Audio and CSV of
scene i are ``*_dev/dev-train/fold1_room{i+1}_mix001`` (every scene has its own room; fold 1 is where the challenges
keep simulated training material) or ``*_dev/dev-test/fold4_room{i+1}_mix001``; ``scenes/`` holds the whole scene graph.

- The sample rate is the scene's. The benchmarks' own recordings have 24 kHz: simulate at 24 kHz, or tell their loaders
  the rate; nothing is resampled here.
- ``foa_dev`` are the first four channels of the scene (ACN/SN3D as in STARSS); higher orders have no place in these
  layouts. ``mic_dev`` takes arrays of four capsules.
- ``dcase2025`` follows the challenge's own generator (Shimada et al., arXiv:2507.12042) at viewing angle 0: left is
  W + Y, right W - Y (cardioids to the sides, as of a mid-side pair), azimuths behind are folded to the front,
  ``onscreen`` is 1 in the field of view of its camera (100 degrees wide, 16:9). Where the sum would clip, the whole
  scene is turned down and its JSON says by how much (the challenge leaves such clips out). Long scenes are cut every
  5 s, the last clip is filled up with silence.
- Class numbers 0 to 12 are the benchmarks' where a class of ours means the same, see ``SAME``. Speech is female or male
  where the name of the voice says so (``espeak:en-gb+f3``); other speech, and every class that the benchmarks lack, has
  a number from 13 on, in the order of the class list. ``classes.txt`` lists all names by number, ``classes.json`` which
  of our classes each of them holds. Nothing is left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from spatial_lalm.audio.scene import FRAME_S, Scene, SourceEvent
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.takes import Samples, Take
from spatial_lalm.simulation.writer import Data, Rows, csv_bytes, describe, frame_rows, json_bytes, seal_scene

DIALECTS = ("starss22", "starss23", "dcase2024", "dcase2025")
STARSS_CLASSES = (
    "female speech",
    "male speech",
    "clapping",
    "telephone",
    "laughter",
    "domestic sounds",
    "footsteps",
    "door",
    "music",
    "musical instrument",
    "water tap",
    "bell",
    "knock",
)
SAME = {
    "female_speech": 0,
    "male_speech": 1,
    "clapping": 2,
    "hand_clapping": 2,
    "telephone": 3,
    "phone": 3,
    "laughter": 4,
    "laughing": 4,
    "domestic_sounds": 5,
    "vacuum_cleaner": 5,
    "footsteps": 6,
    "walk": 6,
    "door": 7,
    "door_wood_creaks": 7,
    "music": 8,
    "musical_instrument": 9,
    "piano": 9,
    "guitar": 9,
    "violin": 9,
    "drums": 9,
    "water_tap": 10,
    "bell": 11,
    "church_bells": 11,
    "knock": 12,
    "door_wood_knock": 12,
}
"""Number in the benchmarks by our class name (lower case, spaces and hyphens as ``_``); names of ESC-50 included."""
SPEECH = "speech"
FOLDS = {"train": ("dev-train", 1), "test": ("dev-test", 4)}
HEADER_2025 = "frame,class,source,azimuth,distance,onscreen\n"
STEREO = "stereo, left W + Y, right W - Y"
CLIP_FRAMES = 50
"""Frames of a clip of dcase2025 (5 s)."""
SCREEN = (math.tan(math.radians(50.0)), math.tan(math.radians(50.0)) * 9 / 16)
"""Half width and height of the picture at distance 1."""


def _plain(label: str) -> str:
    return re.sub(r"[ -]+", "_", label.strip().lower())


@dataclass(frozen=True)
class ClassNumbers:
    """Benchmark numbers of our classes: ``names`` by number, ``by_label`` (speech: of a voice of unknown gender)."""

    names: tuple[str, ...]
    by_label: dict[str, int]

    @classmethod
    def of(cls, classes: Sequence[str]) -> ClassNumbers:
        """Numbers for a class list; they depend on nothing else."""
        names, numbers = list(STARSS_CLASSES), dict[str, int]()
        for label in classes:
            numbers[label] = SAME.get(_plain(label), len(names))
            if numbers[label] == len(names):
                names.append(label)
        return cls(tuple(names), numbers)

    def number(self, event: SourceEvent) -> int:
        """The number of an event."""
        voice = re.fullmatch(r"espeak:[^:+]*\+([fm])\d+(:.*)?", event.speaker or "")
        if event.label == SPEECH and voice:
            return "fm".index(voice[1])
        return self.by_label[event.label]

    def table(self) -> list[dict[str, Any]]:
        """Number, name and our labels of every class."""
        rows = []
        for number, name in enumerate(self.names):
            labels = [label for label, own in self.by_label.items() if own == number]
            if number < 2 and SPEECH in self.by_label:
                labels.append(f"{SPEECH} ({name.split()[0]} voice)")
            rows.append({"number": number, "name": name, "labels": labels})
        return rows


def folded(azimuth: int) -> int:
    """An azimuth of -180 to 180 degrees as two channels tell it: what lies behind appears in front."""
    if abs(azimuth) <= 90:
        return azimuth
    return (180 if azimuth > 0 else -180) - azimuth


def on_screen(azimuth: float, elevation: float) -> bool:
    """Whether a direction in degrees lies in the picture of the 2025 challenge's camera, which looks to the front."""
    ahead = math.cos(math.radians(azimuth))
    if ahead <= 0:
        return False
    right, up = abs(math.tan(math.radians(azimuth))), abs(math.tan(math.radians(elevation))) / ahead
    return right < SCREEN[0] and up < SCREEN[1]


@dataclass(frozen=True)
class Dialect:
    """How one benchmark lays out a scene; ``split`` is ``train`` or ``test``."""

    layout: str
    split: str = "train"

    def name(self, number: int) -> str:
        """Name of the files of a scene, without ending."""
        return f"fold{FOLDS[self.split][1]}_room{number + 1}_mix001"

    def scene_path(self, number: int) -> str:
        """Path of the scene graph, relative to the folder."""
        return f"scenes/{self.name(number)}.json"

    def lists(self, classes: Sequence[str]) -> dict[str, bytes]:
        """Class names by number and the mapping, by path."""
        numbers = ClassNumbers.of(classes)
        listed = ("\n".join(numbers.names) + "\n").encode()
        return {"classes.txt": listed, "classes.json": json_bytes(numbers.table())}

    def write(self, folder: Path, number: int, take: Take, classes: Sequence[str]) -> dict[str, str]:
        """Write a scene; SHA-256 by path. ``InputError`` where the benchmark has no place for its channels."""
        rows = self._rows(take.scene, classes)
        kind, channels = self._channels(take)
        scene = replace(take.scene, order=min(take.scene.order, 1))
        with Take.record(channels, scene, folder, take.gain_db, lambda _: take.extra) as narrow:
            cut = self._clips(narrow, rows) if self.layout == "dcase2025" else self._whole(narrow, rows)
            files: dict[str, Data] = {}
            for suffix, wav, labels in cut:
                stem = f"{FOLDS[self.split][0]}/{self.name(number)}{suffix}"
                files |= {f"{kind}_dev/{stem}.wav": wav, f"metadata_dev/{stem}.csv": labels}
            told = describe(narrow, classes) | ({"convention": STEREO} if kind == "stereo" else {})
            return seal_scene(folder, files, self.scene_path(number), told)

    def _rows(self, scene: Scene, classes: Sequence[str]) -> Rows:
        """Rows ``(rows, 6)`` as in ``writer.COLUMNS`` with the benchmark's class numbers."""
        rows = frame_rows(scene, classes)
        numbers = ClassNumbers.of(classes)
        events = np.array([numbers.number(event) for event in scene.events], dtype=np.int64)
        rows[:, 1] = events[rows[:, 2]] if len(rows) else rows[:, 1]
        return rows

    def _channels(self, take: Take) -> tuple[str, Iterator[Samples]]:
        """What the folder of the audio is called and its samples in blocks."""
        ambisonic = take.scene.convention == "ambix" and take.channels >= 4
        if self.layout == "dcase2025" and ambisonic:
            return "stereo", (np.stack([b[0] + b[1], b[0] - b[1]]) for b in take.floats())
        if self.layout != "dcase2025" and (ambisonic or take.channels == 4):
            return "foa" if ambisonic else "mic", (block[:4] for block in take.floats())
        wanted = "ambisonics" if self.layout == "dcase2025" else "ambisonics or four capsules"
        raise InputError(
            f"layout {self.layout}: {take.channels} channels ({take.scene.convention}) have no place in it, it takes "
            f"{wanted}; choose layout files or hdf5"
        )

    def _whole(self, take: Take, rows: Rows) -> Iterator[tuple[str, Iterator[bytes], bytes]]:
        yield "", take.wav(), csv_bytes(rows[:, :5] if self.layout == "starss22" else rows)

    def _clips(self, take: Take, rows: Rows) -> Iterator[tuple[str, Iterator[bytes], bytes]]:
        """Name, audio and labels of every clip of 5 s."""
        length = round(CLIP_FRAMES * FRAME_S * take.scene.rate)
        for clip in range(max(1, -(-take.samples // length))):
            first = clip * CLIP_FRAMES
            inside = rows[(rows[:, 0] >= first) & (rows[:, 0] < first + CLIP_FRAMES)]
            table = [
                [frame - first, label, source, folded(azimuth), distance, int(on_screen(azimuth, elevation))]
                for frame, label, source, azimuth, elevation, distance in inside.tolist()
            ]
            labels = csv_bytes(np.array(table, dtype=np.int64).reshape(-1, 6), HEADER_2025)
            audio = take.wav(clip * length, (clip + 1) * length, padded=True)
            yield f"_deg000_start{first:04d}", audio, labels
