"""SpatialSoundQA (BAT): questions about dry sounds of AudioSet heard through binaural responses of Matterport rooms.

The recordings are not published but made: a mono sound, brought to -14 dBFS (RMS) at 32 kHz, convolved with a response
``(2, N)`` and cut or filled to 10 s; of two sources the mean. They are kept as files, see ``Gathering.cache``.

Axes of the files' positions: x right, y up, z back. Their azimuth atan2(-dz, dx) is 90 degrees at the front; ours is
theirs less 90. Distances in answers are steps of 0.5 m.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import angles
from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.benchmark import Choice, Item, Loaded, Reader, Truth, Words, YesNo
from spatial_lalm.evaluate.readers import truths
from spatial_lalm.evaluate.readers.gathering import Gathering, check_split
from spatial_lalm.evaluate.readers.rows import Row
from spatial_lalm.sealing import whole_or_absent

if TYPE_CHECKING:
    from spatial_lalm.audio.recording import Recording

RATE = 32_000
SECONDS = 10.0
LEVEL_DBFS = -14.0
SPLITS = ("eval", "train", "eval-stage2-classification")
OCTANTS = tuple(
    f"{side}, {way}, {height}"
    for side in ("left", "right")
    for way in ("front", "behind")
    for height in ("above", "below")
)
DISTANCE = re.compile(r"(\d+(?:\.\d+)?)\s*m")
FARTHEST_M = 30.0
Pair = tuple[Path, Path]


def render(*sources: Pair) -> Recording:
    """The binaural recording of dry sounds, each with its response ``(2, N)`` in a ``.npy``: 10 s at 32 kHz.

    ``InputError``: a sound or a response that cannot be read.
    """
    from spatial_lalm.audio.recording import Recording

    heard = np.mean([_heard(*source) for source in sources], axis=0)
    return Recording.from_array(heard, RATE, "binaural")


def _heard(sound: Path, response: Path) -> NDArray[np.float64]:
    """One source ``(2, 10 s)``."""
    import soxr
    from scipy.signal import fftconvolve

    from spatial_lalm.audio.recording import Recording

    recording = Recording.open(sound)
    dry = recording.read()[0].astype(np.float64)
    if recording.rate != RATE:
        dry = soxr.resample(dry, recording.rate, RATE)
    rms = float(np.sqrt(np.mean(dry**2)))
    if rms > 0:
        dry *= 10 ** (LEVEL_DBFS / 20) / rms
    wet = fftconvolve(dry[None], _response(response), axes=1)[:, : int(SECONDS * RATE)]
    return np.pad(wet, ((0, 0), (0, int(SECONDS * RATE) - wet.shape[1])))


def _response(path: Path) -> NDArray[np.float64]:
    """A response ``(2, N)``; ``InputError`` for another shape."""
    try:
        response = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: is no response of numpy ({' '.join(str(error).split())[:80]})") from error
    if response.ndim != 2 or response.shape[0] != 2 or not np.isfinite(response).all():
        raise InputError(f"{path}: shape {response.shape} is no binaural response: (2, samples) is due")
    return np.asarray(response, dtype=np.float64)


def rendered(folder: Path, *sources: Pair) -> Path:
    """The file of a rendered recording in ``folder``, made if it is not there yet, whole or not at all."""
    key = hashlib.sha256(json.dumps([[str(part) for part in pair] for pair in sources]).encode()).hexdigest()[:20]
    path = folder / f"{key}.wav"
    if not path.is_file():
        import soundfile

        recording = render(*sources)
        with whole_or_absent(path) as temporary:
            soundfile.write(temporary, recording.read().T, RATE, "FLOAT", format="WAV")
    return path


# ---------------------------------------------------------------- questions


def read(folder: Path, split: str) -> Loaded:
    """Gather a split of all stages; recordings that were not rendered yet are."""
    gathered = Gathering(folder)
    check_split(split, SPLITS)
    roots = [folder / "SpatialSoundQA" / "closed-end", folder / "closed-end"]
    tables = sorted(path for root in roots for path in root.glob(f"*/{split}.json*"))
    if not tables:
        raise InputError(f"{folder}: holds no closed-end/STAGE/{split}.json; see docs/benchmarks.md for the layout")
    questions = Questions(gathered)
    for table in tables:
        gathered.each(table, lambda row: questions.items(row), ("data",))
    return gathered.loaded()


class Questions:
    """The rows of the tables as items; places of the sources are read from the lists beside the responses."""

    def __init__(self, gathered: Gathering) -> None:
        self._gathered = gathered
        self._cache = gathered.cache("rendered")
        self._places: dict[str, tuple[float, float, float]] = {}
        for path in sorted((gathered.folder / "mp3d_reverb").glob("*.json")):
            for row in gathered.rows(path, ("data",)):
                with gathered.noting():
                    self._places[row.text("fname")] = _place(row)

    def items(self, row: Row) -> list[Item]:
        """The items of a question: two where both a direction and a distance are asked for."""
        stage = row.path.parent.name
        name = self._gathered.name(row, f"{stage}/{row.text('question_type')}-{row.text('question_id')}")
        question, answer = row.text("question"), row.text("answer")
        found = _truths(row, answer)
        reverb = row.text("reverb_id")
        pairs = [self._pair(row, row.text("audio_id"), reverb)]
        if row.values.get("audio_id2") is not None:
            pairs.append(self._pair(row, row.text("audio_id2"), row.text("reverb_id2")))
        try:
            audio = rendered(self._cache, *pairs)
        except InputError as error:
            raise row.problem(str(error)) from error
        known = {}
        if len(pairs) == 1 and reverb in self._places:
            azimuth, elevation, distance = self._places[reverb]
            known = truths.facts(azimuth_deg=azimuth, elevation_deg=elevation, distance_m=distance)
        category = f"{stage} / {row.text('question_type')}"
        return [
            Item(name + ending, (audio,), question, truth, audio.stem, category, "binaural", facts=known)
            for ending, truth in found
        ]

    def _pair(self, row: Row, sound: str, reverb: str) -> Pair:
        root = self._gathered.folder
        path = self._gathered.sound(row, f"{sound}.wav", root / "AudioSet", root)
        response = root / "mp3d_reverb" / "binaural" / reverb
        if ".." in Path(reverb).parts or not response.is_file():
            raise row.problem(f"response {reverb} is not in {response.parents[1]}", "missing")
        return path, response


def _truths(row: Row, answer: str) -> list[tuple[str, Truth]]:
    """Ends of names and truths: yes or no, a distance, one of eight octants, or labels."""
    if answer.lower().rstrip(".") in ("yes", "no"):
        return [("", YesNo(answer.lower().startswith("yes")))]
    found: list[tuple[str, Truth]] = []
    places = set(re.findall(r"[a-z]+", answer.lower().replace("back", "behind")))
    octant = [index for index, text in enumerate(OCTANTS) if set(text.split(", ")) <= places]
    if octant:
        found.append(("/direction", Choice(OCTANTS, octant[0])))
    distance = DISTANCE.fullmatch(answer.split(";")[-1].strip().rstrip("."))
    if distance:
        told = Row(row.path, row.number, {"distance": distance[1]}).amount(0.0, FARTHEST_M, "m", "distance")
        found.append(("/distance", truths.number(row, "distance", told)))
    if len(found) == 1:
        return [("", found[0][1])]
    return found or [("", Words((answer,)))]


def _place(row: Row) -> tuple[float, float, float]:
    """Azimuth, elevation in degrees (ours) and distance in metres of a response."""
    ends = []
    for name in ("sensor_position", "source_position"):
        parts = row.text(name).split(",")
        try:
            ends.append([float(part) for part in parts])
        except ValueError:
            ends.append([])
        if len(ends[-1]) != 3:
            raise row.problem(f"{name} {row.text(name)!r} must be x,y,z in metres")
    right, up, back = np.array(ends[1]) - np.array(ends[0])
    distance = float(np.linalg.norm((right, up, back)))
    if not 0 < distance <= FARTHEST_M:
        raise row.problem(f"a source {distance:g} m away: give positions in metres")
    azimuth, elevation = angles(np.array([-back, -right, up]))
    return float(azimuth), float(elevation), distance


SPATIAL_SOUND_QA = Reader(
    "spatial-sound-qa",
    SPLITS,
    "SpatialSoundQA/closed-end/STAGE/SPLIT.json, AudioSet/ with eval/audio/*.wav, mp3d_reverb/binaural/SCENE/N.npy",
    read,
)
