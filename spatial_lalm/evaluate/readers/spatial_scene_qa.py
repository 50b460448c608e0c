"""SpatialSceneQA (JAEGER): where a voice comes from, in first-order ambisonics; the questions that need no picture.

The files keep paths of another machine (``/path/to/…``): their leading folders do not count. In HM3D a path is a folder
that holds ``foa_ls.wav``, in STARSS23 a WAV of its own. Angles are as ours: azimuth 0 ahead and positive to the left.
"""

from __future__ import annotations

import re
from pathlib import Path

from spatial_lalm.evaluate.benchmark import Item, Loaded, Reader
from spatial_lalm.evaluate.readers import truths
from spatial_lalm.evaluate.readers.gathering import Gathering, check_split
from spatial_lalm.evaluate.readers.rows import Row

TABLES = {
    "starss23-test": "starss23_test.json",
    "starss23-train": "starss23_train.json",
    **{
        f"{kind}-{part}": f"hm3d_av_v2_ls_{task}_{part}.json"
        for kind, task in (("single", "task1"), ("overlapping", "task2"))
        for part in ("test", "val", "train")
    },
}
GENDERS = {"M": "male", "F": "female"}
ANSWER = re.compile(r"azimuth:\s*([-+]?\d+(?:\.\d+)?)\s*;\s*elevation:\s*([-+]?\d+(?:\.\d+)?)\.?", re.IGNORECASE)
FOLDER_SOUND = "foa_ls.wav"


def read(folder: Path, split: str) -> Loaded:
    """Gather a split; one recording of STARSS23 (``fold…_mix…``) or one scene of HM3D is a recording."""
    gathered = Gathering(folder)
    name = TABLES[check_split(split, tuple(TABLES))]
    table = gathered.table(name, f"audio-only/{name}", f"data/audio-only/{name}")
    gathered.each(table, lambda row: [_item(gathered, row)], ("annotation",))
    return gathered.loaded()


def _item(gathered: Gathering, row: Row) -> Item:
    told = row.text("path").rstrip("/")
    name = gathered.name(row, "/".join(Path(told).parts[-2:]).removesuffix(".wav"))
    found = ANSWER.fullmatch(row.text("text"))
    if not found:
        raise row.problem(f"text {row.text('text')!r} must be azimuth: A; elevation: E in degrees")
    truth = truths.direction(row, found[1], found[2])
    gender = row.text("gender")
    if gender not in GENDERS:
        raise row.problem(f"gender {gender!r} must be one of {', '.join(GENDERS)}")
    sound = told if told.lower().endswith(".wav") else f"{told}/{FOLDER_SOUND}"
    audio = gathered.sound(row, sound, gathered.folder, shorten=sound == told or "task" in told)
    recording = re.sub(r"_class\d.*", "", Path(name).name) if sound == told else Path(told).parent.name
    question = f"Where is the {GENDERS[gender]} voice coming from?"
    known = truths.facts(azimuth_deg=truth.azimuth_deg, elevation_deg=truth.elevation_deg)
    return Item(name, (audio,), question, truth, recording, row.label("task"), "foa", facts=known)


SPATIAL_SCENE_QA = Reader(
    "spatial-scene-qa",
    tuple(TABLES),
    "the JSON files beside STARSS23_mf/ or hm3d_foa_av_v2/ (or their subfolders)",
    read,
)
