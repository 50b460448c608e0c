"""From the encoder's output for windows of a recording to events with evidence and one estimate of the room."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import angle_between, angles
from spatial_lalm.audio.wording import Spatial, lateral_words
from spatial_lalm.model.answers import Estimate, Evidence, RoomEstimate
from spatial_lalm.model.motion import way_of

if TYPE_CHECKING:
    from spatial_lalm.model.encoder import EncoderOutput

Floats = NDArray[np.floating[Any]]

FRAME_S = 0.1
ON, SURE = 0.4, 0.6
"""A run of frames is an event when all of it is above ``ON`` and some of it above ``SURE``."""
GAP_FRAMES = 4
SHORTEST_FRAMES = 2
SEAM_S = 0.5
"""Events that end and begin within this of where two windows meet go on across it."""
SAME_DEG = 25.0
END_FRAMES = 3
"""Frames of a stretch that tell where it begins or ends."""
TRUSTED = 0.25
"""Mean quality from which a channel counts as heard: below it what is said along that axis is mostly a guess."""


@dataclass(frozen=True)
class Heard:
    """All that the encoder heard: events, the most salient first, the room, and how many sources there are in all.

    ``sources`` is None where nothing but the events tells their number: over several windows, or without a head for it.
    Where only left and right are told (``spatial`` is lateral) an azimuth is the angle to the median plane, as if in
    front: good for ``ranging`` and for words, and left out of an answer's evidence.
    """

    events: tuple[Evidence, ...]
    room: RoomEstimate
    spatial: Spatial
    sources: int | None = None


@dataclass(frozen=True)
class Stretch:
    """What one track heard without a pause, of one window or joined over several.

    ``direction (3,)`` is the sum of its frames' weighted vectors, ``path (frames, 6)`` those frames: the time in
    seconds at which one begins, its direction (whose length is its weight), ln distance (m), activity in [0, 1].
    ``voice (V,)`` are the sums of ``model.voices`` over them, empty where voices were not listened to.
    """

    start_s: float
    end_s: float
    classes: Floats
    direction: Floats
    log_distance: float
    confidence: float
    path: Floats
    voice: Floats = field(default_factory=lambda: np.zeros(0))


def spatial_kind(quality: Floats) -> Spatial:
    """What channels of a quality ``(4, bands)`` tell: everything, no height, left and right only, or nothing."""
    y, z, x = (float(np.mean(row)) >= TRUSTED for row in quality[1:4])
    if y and z and x:
        return "full"
    if y and x:
        return "planar"
    return "lateral" if y else "none"


def read_scene(output: EncoderOutput, starts_s: list[float], spatial: Spatial, classes: tuple[str, ...]) -> Heard:
    """Events and room of windows that start at ``starts_s``; an overlap of windows is told once."""
    arrays = as_arrays(output)
    found: list[Stretch] = []
    known_until = 0.0
    seams_s: list[float] = []
    for window, start_s in enumerate(starts_s):
        here = {name: array[window] for name, array in arrays.items()}
        skipped = round((known_until - start_s) / FRAME_S)
        found += window_stretches(here, start_s, max(0, skipped))
        seams_s += [max(start_s, known_until)] if window else []
        known_until = start_s + len(here["activity"]) * FRAME_S
    events = [evidence_of(event, spatial, classes) for event in _merged(found, spatial, tuple(seams_s))]
    events.sort(key=lambda e: -((e.end_s - e.start_s) ** 0.5) * e.confidence)
    counted = len(starts_s) == 1 and output.count.shape[-1] > 0
    sources = int(output.count[0].argmax()) if counted else None
    return Heard(tuple(events), room_of(arrays["room"], arrays["room_scale"]), spatial, sources)


_READ = ("activity", "direction", "log_distance", "label", "room", "room_scale")


def as_arrays(output: EncoderOutput) -> dict[str, Floats]:
    """What is read of the encoder's output, by its names, in double precision."""
    return {name: getattr(output, name).detach().double().cpu().numpy() for name in _READ}


def window_stretches(frames: dict[str, Floats], start_s: float, skipped: int = 0) -> list[Stretch]:
    """Runs of activity of every track of one window (``as_arrays``, without the windows) from frame ``skipped`` on."""
    probability = 1 / (1 + np.exp(-frames["activity"]))
    events = []
    for track in range(probability.shape[1]):
        for first, last in _runs(probability[:, track]):
            first = max(first, skipped)
            if last - first < SHORTEST_FRAMES or probability[first:last, track].max() < SURE:
                continue
            weight = probability[first:last, track] ** 2
            columns = (start_s + np.arange(first, last) * FRAME_S, frames["direction"][first:last, track],
                       frames["log_distance"][first:last, track], probability[first:last, track])  # fmt: skip
            classes = weight @ frames["label"][first:last, track] / weight.sum()
            events.append(
                Stretch(
                    start_s + first * FRAME_S,
                    start_s + last * FRAME_S,
                    _softmax(classes),
                    weight @ frames["direction"][first:last, track],
                    float(weight @ frames["log_distance"][first:last, track] / weight.sum()),
                    float(weight @ probability[first:last, track] / weight.sum()),
                    np.column_stack(columns),
                )
            )
    return events


def _runs(probability: Floats) -> list[tuple[int, int]]:
    """Half-open runs of frames above ``ON``, short gaps closed."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (probability > ON).astype(int), [0]])))
    runs: list[tuple[int, int]] = []
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if runs and first - runs[-1][1] <= GAP_FRAMES:
            runs[-1] = (runs[-1][0], last)
        else:
            runs.append((first, last))
    return runs


def _softmax(logits: Floats) -> Floats:
    raised = np.exp(logits - logits.max())
    shares: Floats = raised / raised.sum()
    return shares


def _merged(events: list[Stretch], spatial: Spatial, borders_s: tuple[float, ...] = ()) -> list[Stretch]:
    """Join events of one class and direction that touch or overlap: windows cut what goes on, tracks may share it."""
    merged: list[Stretch] = []
    for event in sorted(events, key=lambda e: e.start_s):
        for index, earlier in enumerate(merged):
            if continues(earlier, event, spatial, borders_s):
                merged[index] = joined(earlier, event)
                break
        else:
            merged.append(event)
    return merged


def continues(earlier: Stretch, later: Stretch, spatial: Spatial, borders_s: tuple[float, ...]) -> bool:
    """Whether two events are one; a window hears its first and last moments badly, so a longer gap is closed there."""
    reach_s = SEAM_S + 1e-6
    seam = any(earlier.end_s >= border - reach_s and later.start_s <= border + reach_s for border in borders_s)
    touching = seam or later.start_s - earlier.end_s <= GAP_FRAMES * FRAME_S + 1e-6
    if not touching or earlier.classes.argmax() != later.classes.argmax():
        return False
    if apart_deg(earlier.direction, later.direction, spatial) < SAME_DEG:
        return True
    meeting_s = (later.start_s + min(earlier.end_s, later.end_s)) / 2  # a sound that moves is met where one ends
    ended, begins = (towards(_around(stretch.path, meeting_s)) for stretch in (earlier, later))
    return apart_deg(ended, begins, spatial) < SAME_DEG


def _around(path: Floats, moment_s: float) -> Floats:
    """The ``END_FRAMES`` frames of a path that are nearest to a moment."""
    return path[np.argsort(np.abs(path[:, 0] - moment_s), kind="stable")[:END_FRAMES]]


def towards(path: Floats) -> Floats:
    """The weighted direction ``(3,)`` of frames ``(n, 6)``."""
    direction: Floats = path[:, 5] ** 2 @ path[:, 1:4]
    return direction


def apart_deg(one: Floats, other: Floats, spatial: Spatial) -> float:
    """The angle between two directions ``(3,)`` in as far as the channels tell it."""
    if spatial == "none":
        return 0.0
    if spatial == "lateral":
        return abs(_lateral_deg(one) - _lateral_deg(other))
    kept = np.array([1.0, 1.0, spatial == "full"])
    return float(angle_between(one * kept, other * kept))


def _lateral_deg(direction: Floats) -> float:
    """The angle to the median plane of a direction ``(3,)``, positive to the left: all that a pair of ears can tell."""
    return float(np.degrees(np.arcsin(np.clip(direction[1] / np.linalg.norm(direction), -1, 1))))


def joined(a: Stretch, b: Stretch) -> Stretch:
    """Two stretches as one, means weighted by their lengths."""
    share = (a.end_s - a.start_s) / (a.end_s - a.start_s + b.end_s - b.start_s)
    return replace(
        a,
        end_s=max(a.end_s, b.end_s),
        classes=share * a.classes + (1 - share) * b.classes,
        direction=a.direction + b.direction,
        log_distance=share * a.log_distance + (1 - share) * b.log_distance,
        confidence=share * a.confidence + (1 - share) * b.confidence,
        path=np.concatenate([a.path, b.path]),
        voice=a.voice + b.voice,
    )


def evidence_of(event: Stretch, spatial: Spatial, classes: tuple[str, ...]) -> Evidence:
    """A stretch as evidence, in the numbers that the channels can tell."""
    azimuth, elevation = (float(angle) for angle in angles(event.direction))
    if spatial == "lateral":
        azimuth, elevation = _lateral_deg(event.direction), 0.0
    return Evidence(
        start_s=round(event.start_s, 3),  # sums of tenths are 0.30000000000000004
        end_s=round(event.end_s, 3),
        label=classes[int(event.classes.argmax())],
        azimuth_deg=None if spatial == "none" else azimuth,
        elevation_deg=elevation if spatial == "full" else None,
        distance_m=float(np.exp(event.log_distance)),
        confidence=event.confidence * float(event.classes.max()),
        side=None if spatial == "none" else lateral_words(azimuth, elevation if spatial == "full" else 0.0),
        trajectory=way_of(event, spatial),
    )


def room_of(values: Floats, scales: Floats) -> RoomEstimate:
    """One estimate from the windows' ``(W, 10)`` each, weighted by their precision; windows share their errors."""
    weight = 1 / scales**2
    value = (weight * values).sum(0) / weight.sum(0)
    scale = (weight * scales).sum(0) / weight.sum(0)

    def ratio(index: int) -> Estimate:
        centre = float(np.exp(value[index]))
        return Estimate(centre, centre * float(np.expm1(min(scale[index], 2.0))))

    def decibels(index: int) -> Estimate:
        return Estimate(10 * float(value[index]), 10 * float(scale[index]))

    return RoomEstimate(ratio(0), tuple(ratio(i) for i in range(1, 7)), decibels(7), decibels(8), ratio(9))
