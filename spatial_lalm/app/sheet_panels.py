"""Panels of a contact sheet that run in time: the waveform with its spans, and directions at 10 Hz."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.app.progress import clock_text
from spatial_lalm.audio.scene import FRAME_S, Scene, SourceEvent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation

Floats = NDArray[np.floating[Any]]

COLUMNS = 1200
"""Stretches that a waveform is drawn in, each by its least and its greatest sample."""
READ_AT_ONCE = 160_000
MOST_VOICES = 8
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#e377c2")
INK, FAINT = "#222222", "#9a9a9a"
CLOCK_FROM_S = 120.0


@dataclass(frozen=True)
class Voice:
    """What shares a colour and a lane: all events of one talker, or of one class at one place."""

    name: str
    colour: str
    events: tuple[SourceEvent, ...]


def voices_of(scene: Scene) -> tuple[Voice, ...]:
    """At most ``MOST_VOICES`` voices by first onset: by talker and place, by class where these are too many."""
    events = sorted(scene.events, key=lambda event: event.onset_s)
    groups = _grouped(events, [(event.label, event.speaker or _place(event)) for event in events])
    if len(groups) > MOST_VOICES:
        groups = _grouped(events, [event.label for event in events])
    if len(groups) > MOST_VOICES:
        shown, rest = groups[: MOST_VOICES - 1], groups[MOST_VOICES - 1 :]
        groups = [*shown, ("others", [event for _, own in rest for event in own])]
    names = [name for name, _ in groups]
    return tuple(
        Voice(name if names.count(name) == 1 else f"{name} {names[:number].count(name) + 1}", colour, tuple(own))
        for number, ((name, own), colour) in enumerate(zip(groups, COLOURS, strict=False))
    )


def _place(event: SourceEvent) -> tuple[float, ...]:
    return tuple(round(value, 1) for value in event.trajectory[0])


def _grouped(events: Sequence[SourceEvent], keys: Sequence[Any]) -> list[tuple[str, list[SourceEvent]]]:
    """Events of a key together, each group with its class as its name."""
    groups: dict[Any, list[SourceEvent]] = {}
    for event, key in zip(events, keys, strict=True):
        groups.setdefault(key, []).append(event)
    return [(own[0].label.replace("_", " "), own) for own in groups.values()]


# ---------------------------------------------------------------- over time


def draw_time(panels: tuple[Axes, Axes, Axes], first: Floats, scene: Scene, voices: Sequence[Voice]) -> None:
    """Waveform, azimuth and elevation below each other; only the last says the time."""
    waveform, azimuth, elevation = panels
    draw_waveform(waveform, first, scene, voices)
    draw_tracks(azimuth, voices, 0, (180, 90, 0, -90, -180), ("back", "left", "front", "right", "back"))
    draw_tracks(elevation, voices, 1, (90, 0, -90), ("up", "level", "down"))
    for axes in (waveform, azimuth):
        axes.tick_params(labelbottom=False)
    _label_time(elevation, scene.duration_s)


def outline(read: Callable[[int, int], Floats], samples: int, columns: int = COLUMNS) -> Floats:
    """The least and the greatest of each of at most ``columns`` stretches of a waveform, in turn; a short one whole.

    ``read(start, stop)`` gives its samples ``(stop - start,)``, so that a long one is never in memory as a whole.
    """
    step = -(-samples // columns)
    if step <= 2:
        return read(0, samples)
    chunk = step * max(1, READ_AT_ONCE // step)
    parts = []
    for first in range(0, samples, chunk):
        wave = read(first, min(first + chunk, samples))
        starts = np.arange(0, len(wave), step)
        parts.append(np.stack([np.minimum.reduceat(wave, starts), np.maximum.reduceat(wave, starts)], axis=1))
    return np.concatenate(parts).reshape(-1)


def draw_waveform(axes: Axes, samples: Floats, scene: Scene, voices: Sequence[Voice]) -> None:
    """The first channel ``(T,)`` scaled to its peak, and below it a lane for each voice with its active spans."""
    wave = outline(lambda start, stop: samples[start:stop], len(samples))
    peak = float(np.abs(wave).max(initial=0.0)) or 1.0
    times = (np.arange(len(wave)) + 0.5) * scene.duration_s / max(len(wave), 1)
    axes.plot(times, wave / peak, color="#555555", linewidth=0.6)
    for lane, voice in enumerate(voices):
        spans = [(begin, end - begin) for event in voice.events for begin, end in active_spans(event)]
        axes.broken_barh(spans, (-1.62 - 0.5 * lane, 0.4), facecolors=voice.colour)
        for begin, length in spans:
            axes.axvspan(begin, begin + length, color=voice.colour, alpha=0.1, linewidth=0)
    axes.set_ylim(-1.3 - 0.5 * len(voices), 1.1)
    axes.set_xlim(0, scene.duration_s)
    axes.set_yticks([])
    beside = axes.get_yaxis_transform()
    for lane, voice in enumerate(voices):
        note(axes, voice.name, (0, -1.42 - 0.5 * lane), (-6, 0), beside, color=voice.colour, ha="right")
    level = number_text(20 * math.log10(peak), "z.0f") if np.abs(wave).max(initial=0.0) else "-\u221e"
    note(axes, f"peak {level} dB", (0, 0), (-6, 0), beside, ha="right")
    _plain(axes)


def active_spans(event: SourceEvent) -> list[tuple[float, float]]:
    """Begin and end in seconds of the stretches in which an event sounds, none beyond its offset."""
    edges = np.flatnonzero(np.diff([False, *event.active, False]))
    spans = [event.onset_s + FRAME_S * edges[i : i + 2] for i in range(0, len(edges), 2)]
    return [(float(begin), min(float(end), event.offset_s)) for begin, end in spans if begin < event.offset_s]


def draw_tracks(
    axes: Axes, voices: Sequence[Voice], column: int, degrees: Sequence[float], words: Sequence[str]
) -> None:
    """A column of the trajectories over time, at the frames in which the sources sound."""
    for voice in voices:
        times, values = [], []
        for event in voice.events:
            steps = np.flatnonzero(event.active)
            times.append(event.onset_s + (steps + 0.5) * FRAME_S)
            values.append(np.array(event.trajectory)[np.minimum(steps, len(event.trajectory) - 1), column])
        axes.plot(np.concatenate(times), np.concatenate(values), ".", color=voice.colour, markersize=4)
    axes.set_ylim(min(degrees) - 8, max(degrees) + 8)
    names = [f"{word} {number_text(value, 'g')}°" for word, value in zip(words, degrees, strict=True)]
    axes.set_yticks(degrees, names, fontsize=8)
    axes.axhline(0, color=FAINT, linewidth=0.6)
    if not voices and column == 0:
        note(axes, "nothing sounds", (0.5, 0.62), (0, 0), "axes fraction", color=FAINT, ha="center")
    _plain(axes)


def _label_time(axes: Axes, duration_s: float) -> None:
    """Seconds, or minutes and hours where a person would count in them."""
    if duration_s >= CLOCK_FROM_S:
        step = next(step for step in (30, 60, 120, 300, 600, 1200, 1800, 3600, math.inf) if duration_s / step <= 12)
        ticks = np.arange(0, duration_s + 1, step)
        axes.set_xticks(ticks, [clock_text(tick) for tick in ticks])
    else:
        note(axes, "s", (1, 0), (10, -9), "axes fraction")


def _plain(axes: Axes) -> None:
    """No frame but the time axis."""
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(length=2, color=FAINT, labelsize=8)


def number_text(value: float, form: str) -> str:
    """A number with a true minus sign; a dash where there is none."""
    return f"{value:{form}}".replace("-", "\u2212") if math.isfinite(value) else "\u2013"


def note(
    axes: Axes, text: str, at: tuple[float, float], shift: tuple[float, float], coords: Any = "data", **style: Any
) -> Annotation:
    """Text ``shift`` points away from a place; class names may hold dollars, which are no formulas here."""
    style = {"fontsize": 8, "va": "center", "parse_math": False, **style}
    return axes.annotate(text, at, shift, coords, "offset points", **style)
