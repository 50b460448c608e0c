"""Who spoke when: a folder of RTTM files with the recordings beside them, or below ``audio/``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.benchmark import Item, Loaded, Reader, Tracks
from spatial_lalm.evaluate.diarisation import Turn, read_rttm
from spatial_lalm.evaluate.files import FileProblem
from spatial_lalm.evaluate.readers.gathering import SOUNDS, Gathering, check_split
from spatial_lalm.evaluate.readers.rows import Row
from spatial_lalm.sealing import whole_or_absent

SPLITS = ("all", "train", "dev", "test")
QUESTION = "Who speaks when?"
SLACK_S = 0.5
"""How far turns may reach beyond the sound: annotators round."""


def read(folder: Path, split: str) -> Loaded:
    """Gather the recordings of the RTTM files of a folder, or of its subfolder ``SPLIT``."""
    gathered = Gathering(folder)
    root = folder if check_split(split, SPLITS) == "all" else folder / split
    tables = [path for path in sorted(root.rglob("*.rttm")) if ".spatial-lalm" not in path.parts]
    if not tables:
        raise InputError(f"{root}: holds no .rttm file; see docs/benchmarks.md for the layout")
    sounds = {path.stem: path for path in sorted(root.rglob("*")) if path.suffix in SOUNDS}
    for path in tables:
        with gathered.noting():
            recordings = read_rttm(path)
            if not recordings:
                raise FileProblem(path, "is empty: whether nobody speaks or it broke off, none can tell", 1, "empty")
            for name, turns in recordings.items():
                with gathered.noting():
                    gathered.add(_item(gathered, path, name, turns, sounds, alone=len(recordings) == 1))
    return gathered.loaded()


def _item(
    gathered: Gathering, path: Path, name: str, turns: Sequence[Turn], sounds: dict[str, Path], alone: bool
) -> Item:
    row = Row(path, 1, {})
    gathered.name(row, name)
    if name not in sounds:
        raise FileProblem(path, f"has no audio {name} beside it", kind="missing")
    gathered.within(row, sounds[name], max(turn.end_s for turn in turns), SLACK_S)
    table = path if alone and path.stem == name else _own_file(gathered, name, turns)
    return Item(
        name, (sounds[name],), QUESTION, Tracks(table, "rttm"), name, f"{len({t.speaker for t in turns})} talkers"
    )


def _own_file(gathered: Gathering, name: str, turns: Sequence[Turn]) -> Path:
    """The turns of one recording as a file of its name, which is how recordings are scored."""
    table = gathered.cache("rttm") / f"{name}.rttm"
    lines = [
        f"SPEAKER {name} 1 {turn.start_s:.3f} {turn.end_s - turn.start_s:.3f} <NA> <NA> {turn.speaker} <NA> <NA>\n"
        for turn in turns
    ]
    with whole_or_absent(table) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")
    return table


RTTM = Reader("rttm", SPLITS, "*.rttm with NAME.wav or NAME.flac anywhere in the folder, or in SPLIT/", read)
