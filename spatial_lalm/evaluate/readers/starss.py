"""STARSS22, STARSS23 and the challenges on them, DCASE Task 3 of 2022 to 2025: a label file a recording.

The columns and units are ``seld_tables``'; what a reader adds is which sound belongs to which labels, that both are
there, and that no label comes after the sound's end.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from spatial_lalm.audio.arrays import MicrophoneArray
from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.benchmark import Item, Loaded, Reader, Tracks
from spatial_lalm.evaluate.files import FileProblem
from spatial_lalm.evaluate.readers.gathering import SOUNDS, Gathering, check_split
from spatial_lalm.evaluate.readers.rows import Row
from spatial_lalm.evaluate.seld_tables import SeldReader, SeldTable
from spatial_lalm.sealing import whole_or_absent

FRAME_S = 0.1
SLACK_S = 1.0
"""How far labels may reach beyond the sound: the last frame is rounded up, and annotators' clocks differ."""
CLASSES = (
    "female speech, male speech, clapping, telephone, laughter, domestic sounds, footsteps, door, music, musical "
    "instrument, water tap, bell, knock"
)
QUESTION = f"What sounds when and where, of these classes (from 0): {CLASSES}?"
KINDS = {"foa": ("foa_dev", "foa", None), "mic": ("mic_dev", None, "starss_mic"), "stereo": ("stereo_dev", None, None)}
"""Folder of the audio, format and array of each kind; the pair of capsules of ``stereo`` is made, see ``stereo``."""
PARTS = ("dev-train", "dev-test")


def splits_of(benchmark: str) -> tuple[str, ...]:
    """Names of the splits: the part, and for those with two the kind of audio."""
    return PARTS if benchmark == "dcase2025" else tuple(f"{part}-{kind}" for part in PARTS for kind in ("foa", "mic"))


def stereo() -> MicrophoneArray:
    """The pair of DCASE 2025: left W + Y, right W - Y, cardioids to the sides at one place; no head."""
    look = np.array([[0.0, 1.0, 0.0], [0.0, -1.0, 0.0]])
    return MicrophoneArray("dcase2025_stereo", np.zeros((2, 3)), None, np.full(2, 0.5), look)


def array_file(gathered: Gathering, array: MicrophoneArray) -> str:
    """An array as a file that ``Recording.open`` takes, named by its acoustics."""
    path = gathered.cache("arrays") / f"{array.name}_{array.digest[:12]}.json"
    if not path.is_file():
        with whole_or_absent(path) as temporary:
            array.save(temporary)
    return str(path)


def read(benchmark: str, folder: Path, split: str) -> Loaded:
    """Gather the recordings of a split."""
    gathered = Gathering(folder)
    check_split(split, splits_of(benchmark))
    part, kind = (split, "stereo") if benchmark == "dcase2025" else split.rsplit("-", 1)
    audio, form, array = KINDS[kind]
    labels = below(folder / "metadata_dev", part, (".csv",))
    sounds = {path.stem: path for path in below(folder / audio, part, SOUNDS)}
    if kind == "stereo":
        array = array_file(gathered, stereo())
    table = SeldReader(benchmark, is_reference=True)
    for path in labels:
        row = Row(path, 1, {})
        with gathered.noting():
            name = gathered.name(row, path.stem)
            sound = paired(row, sounds, folder / audio)
            check_frames(gathered, path, sound, table(path), 2 if benchmark == "dcase2025" else 1)
            gathered.add(Item(name, (sound,), QUESTION, Tracks(path, benchmark), name, path.parent.name, form, array))
    unlabelled(gathered, sounds, labels)
    return gathered.loaded()


def below(root: Path, part: str, suffixes: tuple[str, ...]) -> list[Path]:
    """Files of a part such as ``dev-test`` (and ``dev-test-sony``), by name; ``InputError`` where there are none."""
    folders = [path for path in sorted(root.glob(f"{part}*")) if path.is_dir()]
    found = sorted((path for one in folders for path in one.rglob("*") if path.suffix in suffixes), key=_by_name)
    if not found:
        raise InputError(f"{root}: holds no {part}*/ with {' or '.join(suffixes[:2])} files; see docs/benchmarks.md")
    return found


def _by_name(path: Path) -> tuple[str, Path]:
    return path.name, path


def paired(row: Row, sounds: dict[str, Path], where: Path) -> Path:
    """The sound of a label file; ``FileProblem`` where there is none."""
    if row.path.stem not in sounds:
        raise FileProblem(row.path, f"has no audio {row.path.stem} in {where}", kind="missing")
    return sounds[row.path.stem]


def unlabelled(gathered: Gathering, sounds: dict[str, Path], labels: list[Path]) -> None:
    """Note every sound without a label file."""
    known = {path.stem for path in labels}
    for name in sorted(sounds.keys() - known):
        gathered.note(FileProblem(sounds[name], "has no label file of its name", kind="unexpected"))


def check_frames(gathered: Gathering, path: Path, sound: Path, table: SeldTable, first_row: int = 1) -> None:
    """``FileProblem`` where labels reach beyond the sound; ``first_row`` is that of the first label."""
    if len(table):
        last = int(np.argmax(table.frames))
        row = Row(path, last + first_row, {})
        gathered.within(row, sound, float(table.frames[last] + 1) * FRAME_S, SLACK_S)


def _reader(name: str, benchmark: str) -> Reader:
    audio = "stereo_dev/" if benchmark == "dcase2025" else "foa_dev/ or mic_dev/"
    layout = f"metadata_dev/dev-*/NAME.csv beside {audio}dev-*/NAME.wav"
    return Reader(name, splits_of(benchmark), layout, partial(read, benchmark))


STARSS_READERS = (
    _reader("starss22", "dcase2022"),
    _reader("starss23", "dcase2023"),
    *(_reader(name, name) for name in ("dcase2022", "dcase2023", "dcase2024", "dcase2025")),
)
