"""Long recordings to learn memory from: scenes that the frozen encoder heard, laid one after the other.

Every scene is heard once (a take: turned, dirtied) and kept as its windows' tokens; a recording is a row of takes whose
times are moved to where they stand. It has one to several rooms, each of scenes from rooms alike, few classes, some of
them once only (needles), and takes that come again (a talker who speaks later from the same place).

Legend: W windows, Q tokens of a window, H hidden size, N numbers, F = H + N.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from spatial_lalm.audio.scene import Scene
from spatial_lalm.memory.segments import FRAME_RATE, shifted
from spatial_lalm.model.hearing import as_arrays, evidence_of, spatial_kind, window_stretches
from spatial_lalm.model.modeling import SpatialLalmForConditionalGeneration
from spatial_lalm.model.views import axis_views, hear_from_all_sides
from spatial_lalm.sealing import whole_or_absent
from spatial_lalm.train.augmentation import degrade
from spatial_lalm.train.data import FeatureSet
from spatial_lalm.train.language_stage import turned
from spatial_lalm.train.memory_questions import LongEvent

Arrays = dict[str, NDArray[Any]]
FOUND = ("window", "label", "start_s", "end_s", "confidence", "azimuth_deg", "elevation_deg")
"""Columns of what the encoder detected in a take; times from the take's start, NaN where there is no direction."""
SHORTEST_S = 0.3
"""A sound of which less is left is no evidence."""
ALIKE = 24
"""Takes that a room is made of at most."""
AGAIN_SHARE = 0.3
"""Share of takes that come again in the same room."""
STEP = 5


def hear_takes(
    model: SpatialLalmForConditionalGeneration,
    scenes: Path,
    folder: Path,
    takes: int,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Hear the scenes of a rendered folder so many times into sealed files of ``folder``; those there are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = FeatureSet.open(scenes).parts
    wanted = [(part, take) for part in range(len(parts)) for take in range(takes)]
    for done, (part, take) in enumerate(wanted, start=1):
        path = folder / f"take_{part:04d}_{take}.npz"
        if not path.exists():
            heard = hear_part(model, parts[part], 1_000 * part + take)
            with whole_or_absent(path) as temporary, temporary.open("wb") as file:
                np.savez(file, **heard)  # type: ignore[arg-type]
        if progress:
            progress(done, len(wanted))


@torch.inference_mode()
def hear_part(model: SpatialLalmForConditionalGeneration, part: Arrays, seed: int, batch: int = 16) -> Arrays:
    """Takes of a part's scenes: their whole windows' tokens, what was detected in them, and their scenes, turned."""
    generator = torch.Generator().manual_seed(seed)
    frames = model.config.audio_config.segment_frames * STEP
    windows = part["features"].shape[2] // frames
    rows: dict[str, list[NDArray[Any]]] = {"hidden": [], "numbers": [], "found": [], "scene": [], "spatial": []}
    for first in range(0, len(part["scene"]) if windows else 0, batch):
        there = slice(first, first + batch)
        features = torch.from_numpy(part["features"][there].astype(np.float32))[:, :, : windows * frames]
        take = degrade(features, generator, torch.from_numpy(part["quality"][there].astype(np.float32)))
        stacked = torch.cat([take.energy[:, None], take.maps], dim=1).unflatten(2, (windows, -1)).transpose(1, 2)
        trust = take.quality.repeat_interleave(windows, 0)
        heard = hear_from_all_sides(model.audio_tower, stacked.flatten(0, 1), trust, axis_views(1))
        starts = (torch.arange(windows) * frames / STEP / FRAME_RATE).repeat(len(features))
        summary = model.remember(heard, trust, starts)
        rows["hidden"].append(summary.hidden.half().unflatten(0, (-1, windows)).numpy())
        rows["numbers"].append(summary.numbers.half().unflatten(0, (-1, windows)).numpy())
        kinds = [spatial_kind(quality.numpy()) for quality in take.quality]
        arrays = as_arrays(heard)
        for row, text in enumerate(part["scene"][there]):
            scene = turned(Scene.from_json(json.loads(str(text))), take.rotation[row].double().numpy())
            rows["scene"].append(np.array(json.dumps(scene.to_json())))
            rows["spatial"].append(np.array(kinds[row]))
            mine = {name: values[row * windows : (row + 1) * windows] for name, values in arrays.items()}
            classes = tuple(model.config.audio_config.classes)
            rows["found"] += _found(mine, first + row, kinds[row], classes, frames / STEP / FRAME_RATE)
    tokens = {name: np.concatenate(rows[name]) for name in ("hidden", "numbers") if rows[name]}
    told = {name: np.array([str(value) for value in rows[name]]) for name in ("scene", "spatial")}
    return {**tokens, **told, "found": np.array(rows["found"]).reshape(-1, 1 + len(FOUND))}


def _found(frames: Arrays, scene: int, spatial: Any, classes: tuple[str, ...], window_s: float) -> list[NDArray[Any]]:
    """Rows of a scene's number and ``FOUND``."""
    found = []
    for window in range(len(frames["activity"])):
        here = {name: values[window] for name, values in frames.items()}
        for stretch in window_stretches(here, window * window_s):
            event = evidence_of(stretch, spatial, classes)
            angles = [np.nan if a is None else a for a in (event.azimuth_deg, event.elevation_deg)]
            numbers = [scene, window, classes.index(event.label), event.start_s, event.end_s, event.confidence, *angles]
            found.append(np.array(numbers, np.float64))
    return found


@dataclass(frozen=True)
class Take:
    """One heard scene: its windows' tokens, what is in it, what was detected in it (rows of ``FOUND``)."""

    hidden: NDArray[np.float16]
    numbers: NDArray[np.float16]
    scene: Scene
    spatial: Any
    found: NDArray[np.float64]

    @property
    def labels(self) -> frozenset[str]:
        """Its classes."""
        return frozenset(event.label for event in self.scene.events)


@dataclass(frozen=True)
class LongRecording:
    """A row of takes: tokens ``hidden (W, Q, H)`` and ``numbers (W, Q, N)``, what is in it, what was detected in it."""

    hidden: NDArray[np.float32]
    numbers: NDArray[np.float32]
    starts_s: NDArray[np.floating[Any]]
    events: tuple[LongEvent, ...]
    t60_s: tuple[float, ...]
    room: NDArray[np.intp]  # (W,)
    found: NDArray[np.float64]


class Takes:
    """All takes of a folder, in memory; draws long recordings of them."""

    def __init__(self, takes: Sequence[Take], window_s: float, tracks: int, classes: int) -> None:
        self.takes, self.window_s, self.tracks, self.classes = list(takes), window_s, tracks, classes
        rooms = [(t.scene.acoustics.t60_s if t.scene.acoustics else np.nan, t.scene.room.volume_m3) for t in takes]
        self.t60_s = np.nan_to_num(np.array([t60 for t60, _ in rooms]), nan=0.05)
        self._places = np.log(np.column_stack([self.t60_s, [volume for _, volume in rooms]])) / [0.3, 0.8]

    @classmethod
    def open(cls, folder: Path, model: SpatialLalmForConditionalGeneration) -> Takes:
        """What ``hear_takes`` left in a folder."""
        takes: list[Take] = []
        for path in sorted(folder.glob("take_*.npz")):
            with np.load(path) as part:
                arrays = {name: part[name] for name in part.files}
            takes += takes_of(arrays)
        audio = model.config.audio_config
        return cls(takes, audio.segment_frames / FRAME_RATE, audio.tracks, len(audio.classes))

    def draw(self, rng: np.random.Generator, windows: int, rooms: int) -> LongRecording:
        """A recording of so many windows in at most so many rooms."""
        chosen = self._without_needles(rng, windows, int(rng.integers(1, 1 + max(1, min(rooms, windows // 6)))))
        usual = {label for take, *_ in chosen for label in self.takes[take].labels}
        for _ in range(int(rng.integers(1, 4))):
            at = int(rng.integers(len(chosen)))
            _, length, room = chosen[at]
            fitting = [n for n, take in enumerate(self.takes) if len(take.hidden) >= length
                       and take.labels and not take.labels & usual]  # fmt: skip
            if fitting:
                chosen[at] = (fitting[int(rng.integers(len(fitting)))], length, room)
        return self._laid(chosen)

    def _without_needles(self, rng: np.random.Generator, windows: int, rooms: int) -> list[tuple[int, int, int]]:
        """Takes, how many windows of each, and their rooms."""
        labels = sorted({label for take in self.takes for label in take.labels})
        allowed = set(rng.choice(labels, min(len(labels), int(rng.integers(3, 8))), replace=False).tolist())
        fitting = [number for number, take in enumerate(self.takes) if take.labels <= allowed]
        fitting = fitting if len(fitting) >= ALIKE else list(range(len(self.takes)))
        ends = np.sort(rng.choice(np.arange(1, windows), rooms - 1, replace=False)).tolist() if rooms > 1 else []
        chosen: list[tuple[int, int, int]] = []
        for room, (low, high) in enumerate(zip([0, *ends], [*ends, windows], strict=True)):
            anchor = self._places[fitting[int(rng.integers(len(fitting)))]]
            apart = np.abs(self._places[fitting] - anchor).sum(1)
            alike = [fitting[n] for n in np.argsort(apart, kind="stable")[:ALIKE]]
            used: list[int] = []
            while low < high:
                again = used and rng.random() < AGAIN_SHARE
                take = int(rng.choice(used if again else alike))
                length = min(len(self.takes[take].hidden), high - low)
                chosen.append((take, length, room))
                used.append(take)
                low += length
        return chosen

    def _laid(self, chosen: Sequence[tuple[int, int, int]]) -> LongRecording:
        hidden, numbers, events, rooms, found = [], [], [], [], []
        t60: dict[int, list[float]] = {}
        at = 0
        for number, length, room in chosen:
            take, start_s, end_s = self.takes[number], at * self.window_s, (at + length) * self.window_s
            hidden.append(take.hidden[:length].astype(np.float32))
            later = torch.full((length,), start_s)
            kept = torch.from_numpy(take.numbers[:length]).float()
            numbers.append(shifted(kept, later, self.tracks, self.classes).numpy())
            events += list(_moved(take, number, room, start_s, end_s))
            detected = take.found[take.found[:, 0] < length].copy()
            detected[:, 0] += at
            detected[:, 2:4] += start_s
            found.append(detected)
            rooms += [room] * length
            t60.setdefault(room, []).append(float(self.t60_s[number]))
            at += length
        return LongRecording(
            np.concatenate(hidden), np.concatenate(numbers), np.arange(at) * self.window_s, tuple(events),
            tuple(float(np.median(values)) for values in t60.values()), np.array(rooms), np.concatenate(found),
        )  # fmt: skip


def takes_of(part: Arrays) -> list[Take]:
    """The takes of what ``hear_part`` made."""
    if "hidden" not in part:
        return []
    return [
        Take(
            part["hidden"][row], part["numbers"][row], Scene.from_json(json.loads(str(text))),
            str(part["spatial"][row]), part["found"][part["found"][:, 0] == row, 1:],
        )
        for row, text in enumerate(part["scene"])
    ]  # fmt: skip


def _moved(take: Take, number: int, room: int, start_s: float, end_s: float) -> list[LongEvent]:
    """The sounds of a take, as far as they are in the recording."""
    moved = []
    for index, event in enumerate(take.scene.events):
        begins, ends = event.onset_s + start_s, min(event.offset_s + start_s, end_s)
        if ends - begins >= SHORTEST_S:
            source = f"{number}: {event.speaker or index}"
            place = event.azimuth_deg, event.elevation_deg, event.distance_m
            moved.append(LongEvent(event.label, begins, ends, *place, source, room, take.spatial))
    return moved
