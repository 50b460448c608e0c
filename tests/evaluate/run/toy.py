"""A benchmark of our own for these tests: bursts of noise from four sides, first-order ambisonics, a second each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from spatial_lalm.audio.conventions import spherical_harmonics, unit_vector
from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.benchmark import Choice, Decline, Direction, Item, Loaded, Number, Reader, YesNo
from spatial_lalm.evaluate.files import FileProblem

SIDES = {"front": 0.0, "left": 90.0, "back": 180.0, "right": -90.0}
RATE = 16_000


def write_clips(folder: Path, count: int = 4, seconds: float = 1.0) -> None:
    """``clip0.wav``, ``clip1.wav``, ...: clip n comes from side n, 10 degrees off."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        noise = np.random.default_rng(number).normal(0, 0.1, round(seconds * RATE))
        gains = spherical_harmonics(1, unit_vector(azimuth_of(number), 0.0)[None]).T
        soundfile.write(folder / f"clip{number}.wav", (gains * noise).T, RATE, "FLOAT")


def azimuth_of(number: int) -> float:
    azimuth = list(SIDES.values())[number % 4] + 10.0
    return azimuth if azimuth <= 180 else azimuth - 360


def items_of(path: Path) -> list[Item]:
    """Five questions about a clip."""
    number = int(path.stem.removeprefix("clip"))
    side, azimuth = list(SIDES)[number % 4], azimuth_of(number)
    facts = {"t60_s": 0.1 * (1 + number % 5)}

    def item(kind: str, question: str, truth: object) -> Item:
        return Item(f"{path.stem}-{kind}", (path,), question, truth, path.stem, kind, "ambix", facts=facts)  # type: ignore[arg-type]

    return [
        item("where", "Where is the noise?", Direction(azimuth, 0.0)),
        item("side", "Where does the noise come from?", Choice(tuple(SIDES), list(SIDES).index(side))),
        item("left", "Is the noise on the left?", YesNo(side == "left")),
        item("count", "How many sounds are there?", Number("count", 1.0)),
        item("colour", "What colour is it?", Decline()),
    ]


def read(folder: Path, split: str) -> Loaded:
    """All clips; a text file beside them names clips that should be there."""
    if not folder.is_dir():
        raise InputError(f"{folder}: is no folder; give the one that holds the clips")
    due = (folder / "due.txt").read_text().split() if (folder / "due.txt").exists() else []
    problems = [FileProblem(folder / name, "is absent", kind="missing") for name in due if not (folder / name).exists()]
    found = sorted(folder.glob("clip*.wav"), key=lambda path: int(path.stem.removeprefix("clip")))
    return Loaded(tuple(item for path in found for item in items_of(path)), tuple(problems))


READERS = {"toy": Reader("toy", ("test",), "clip*.wav", read)}
