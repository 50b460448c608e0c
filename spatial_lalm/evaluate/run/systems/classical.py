"""Classical baselines that hear: directions of the loudest sound, and a cascade of such parts told by rules."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio import resampling
from spatial_lalm.audio.recording import Recording
from spatial_lalm.audio.wording import place_text, times_text
from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.baselines import RATE, WINDOW, intensity_direction
from spatial_lalm.evaluate.benchmark import Direction, Item, Tracks
from spatial_lalm.evaluate.decay import blind_t60
from spatial_lalm.evaluate.run.responses import Reading, Response, part_of
from spatial_lalm.evaluate.run.told import READOUT, read_answer
from spatial_lalm.evaluate.steered import steered_direction
from spatial_lalm.model.answers import Answer, Evidence
from spatial_lalm.model.question import read_question

Floats = NDArray[np.floating[Any]]
Method = Literal["intensity", "music", "srp"]
LONGEST_S = 60.0
"""Seconds that are listened to."""
ABOVE_FLOOR_DB = 10.0
"""A sound is where the level is this far above the quietest tenth of the frames."""
PAUSE_S, SHORTEST_S = 0.4, 0.2


def direction_of(method: Method, recording: Recording, start_s: float, end_s: float) -> tuple[float, float]:
    """Azimuth and elevation of the loudest sound; ``InputError`` where the method has nothing to go by."""
    array = recording.format.array
    if method == "intensity" or array is None:
        if recording.format.kind not in ("ambisonics", "array"):
            raise InputError(f"{method}: {recording.format} has no directions to search")
        field, _ = recording.ambisonics(start_s, end_s)
        return intensity_direction(field) if method == "intensity" else steered_direction(field, _steered(method))
    signals = resampling.resample(recording.read(start_s, end_s), recording.rate)
    return steered_direction(signals, _steered(method), array)


def _steered(method: Method) -> Literal["srp-phat", "music"]:
    return "srp-phat" if method == "srp" else "music"


@dataclass(frozen=True)
class Locator:
    """Answers where the loudest sound is, and nothing else."""

    method: Method
    hears: bool = True

    @property
    def name(self) -> str:
        """The method's."""
        return self.method

    def describe(self) -> dict[str, Any]:
        """Its method and how long it listens."""
        return {"kind": self.method, "longest_s": LONGEST_S}

    def answer(self, item: Item, recordings: Sequence[Recording]) -> Response:
        """A direction; questions about anything else stay unread."""
        if not isinstance(item.truth, Direction):
            return Response("", reading=Reading())
        start_s, end_s = part_of(item, recordings[0])
        try:
            azimuth, elevation = direction_of(self.method, recordings[0], start_s, min(end_s, start_s + LONGEST_S))
        except InputError as error:
            return Response(str(error), reading=Reading(None, declined=True))
        return Response(f"azimuth {azimuth:.1f}, elevation {elevation:.1f}", reading=Reading([azimuth, elevation]))


@dataclass(frozen=True)
class Cascade:
    """Sounds by their level, their directions by MUSIC, T60 by free decays; told and read as answers of ours are."""

    hears: bool = True
    name: str = "cascade"

    def describe(self) -> dict[str, Any]:
        """Its parts."""
        return {"kind": "cascade", "direction": "music", "t60": "free decays", "times": "level", "readout": READOUT}

    def answer(self, item: Item, recordings: Sequence[Recording]) -> Response:
        """A sentence by the kind of the question."""
        if isinstance(item.truth, Tracks):
            return Response("", reading=Reading())
        start_s, end_s = part_of(item, recordings[0])
        heard = self._heard(recordings[0], start_s, min(end_s, start_s + LONGEST_S))
        text = self._tell(item, recordings[0], heard, start_s)
        answer = Answer(text or "I cannot tell that.", heard, None, not text, (), self.name)
        return Response(answer.text, item.question, read_answer(answer, item))

    def _heard(self, recording: Recording, start_s: float, end_s: float) -> tuple[Evidence, ...]:
        """Sounds by their level, the loudest first, each with the direction of its seconds."""
        field, _ = recording.ambisonics(start_s, end_s)
        found = []
        for first, last in sounding(field[0]):
            low, high = start_s + first, min(start_s + last, end_s)
            try:
                azimuth, elevation = direction_of("music", recording, low, high)
            except InputError:
                azimuth = elevation = math.nan
            told = math.isfinite(azimuth)
            level = float(np.sum(np.square(field[0, round(first * RATE) : round(last * RATE)])))
            event = Evidence(low, high, "sound", azimuth if told else None, elevation if told else None, math.nan, 0.5)
            found.append((level, event))
        return tuple(event for _, event in sorted(found, key=lambda one: -one[0]))

    def _tell(self, item: Item, recording: Recording, heard: Sequence[Evidence], start_s: float) -> str:
        """The sentence; empty for kinds that no part knows of."""
        kind = read_question(item.question).kind
        if kind == "reverberation":
            end_s = min(part_of(item, recording)[1], start_s + LONGEST_S)
            t60 = blind_t60(recording.ambisonics(start_s, end_s)[0][0])
            return f"The reverberation time T60 is {t60:.2f} s." if math.isfinite(t60) else ""
        if not heard:
            return ""
        if kind == "where" and heard[0].azimuth_deg is not None:
            return f"The sound comes from {place_text(heard[0].azimuth_deg, heard[0].elevation_deg or 0.0)}."
        if kind == "when":
            return f"I hear the sound {times_text([(heard[0].start_s, heard[0].end_s)])}."
        return f"There are {len(heard)} sounds." if kind == "count_in_all" else ""


def sounding(signal: Floats) -> list[tuple[float, float]]:
    """Seconds in which a signal ``(samples,)`` at 16 kHz stands out of its own floor, short pauses closed."""
    frames = len(signal) // WINDOW
    if frames == 0:
        return []
    level = 10 * np.log10(
        np.square(signal[: frames * WINDOW], dtype=np.float64).reshape(frames, WINDOW).mean(1) + 1e-12
    )
    loud = level > np.percentile(level, 10) + ABOVE_FLOOR_DB
    if not loud.any():  # a sound without a pause has no floor below it
        loud[:] = level.max() > -90
    edges = np.flatnonzero(np.diff(np.concatenate([[0], loud.astype(int), [0]]))) * WINDOW / RATE
    spans: list[tuple[float, float]] = []
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if spans and start - spans[-1][1] < PAUSE_S:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return [span for span in spans if span[1] - span[0] >= SHORTEST_S]
