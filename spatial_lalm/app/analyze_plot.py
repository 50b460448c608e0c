"""A picture of a recording's timeline: what sounds when and from where, how far, and the room over time."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spatial_lalm.audio.wording import spoken_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spatial_lalm.model.recorded import Recorded, RecordedEvent

SIZE_IN, DOTS_PER_IN = (14.0, 10.0), 100
MOST_CLASSES = 10
"""Classes with a colour of their own, the longest heard first; the others are grey."""
FOOT = (
    "Azimuth counter-clockwise (90° is left), elevation upwards; smoothed over a second, drawn every second. Vertical "
    "lines: another room. Angles that the channels cannot tell are left out."
)


def draw_timeline(recorded: Recorded, path: Path) -> None:
    """Write a PNG of an analysed recording, whole or not at all."""
    from spatial_lalm.sealing import whole_or_absent

    picture = io.BytesIO()
    figure(recorded).savefig(picture, format="png", dpi=DOTS_PER_IN, metadata={"Software": None})
    with whole_or_absent(path) as temporary:
        temporary.write_bytes(picture.getvalue())


def figure(recorded: Recorded) -> Figure:
    """The picture; its axes are labelled ``classes``, ``azimuth``, ``elevation``, ``distance`` and ``room``."""
    # Without pyplot: no state that others share, and no display is looked for.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from spatial_lalm.model.recorded import sounding_s

    events = recorded.spoken
    labels = sorted({e.label for e in events}, key=lambda n: -sounding_s([e for e in events if e.label == n]))
    colours = {label: f"C{number}" if number < MOST_CLASSES else "0.6" for number, label in enumerate(labels)}
    sheet = Figure(SIZE_IN, layout="constrained")
    FigureCanvasAgg(sheet)
    panels = sheet.subplots(5, 1, sharex=True, height_ratios=[1.2, 2, 1.2, 1.2, 1.2])
    _draw_classes(panels[0], events, labels, colours)
    for axes, column, name, unit in zip(
        panels[1:4], range(3), ("azimuth", "elevation", "distance"), ("°", "°", "m"), strict=True
    ):
        _draw_way(axes, events, column, colours)
        axes.set_label(name)
        axes.set_ylabel(f"{name} ({unit})")
    panels[1].set(ylim=(-180, 180), yticks=[-180, -90, 0, 90, 180])
    panels[2].set(ylim=(-90, 90), yticks=[-90, 0, 90])
    panels[3].set_yscale("log")
    _draw_rooms(panels[4], recorded)
    for axes in panels:
        axes.grid(alpha=0.3)
        axes.set_axisbelow(True)
        for room in recorded.rooms[1:]:
            axes.axvline(room.start_s, color="0.3", linestyle="--", linewidth=1)
    panels[4].set_xlim(recorded.start_s, recorded.end_s)
    panels[4].xaxis.set_major_formatter(lambda seconds, _: _clock(seconds))
    sheet.suptitle(f"{recorded.notes['audio']['name']}, read as {recorded.notes['format']}", fontsize=11)
    sheet.supxlabel(FOOT, fontsize=8)
    return sheet


def _clock(seconds: float) -> str:
    from spatial_lalm.model.recorded_words import clock

    return clock(seconds) if seconds >= 0 else ""


def _draw_classes(axes: Axes, events: Sequence[RecordedEvent], labels: list[str], colours: dict[str, str]) -> None:
    axes.set_label("classes")
    for row, label in enumerate(labels):
        spans = [(e.evidence.start_s, e.evidence.end_s - e.evidence.start_s) for e in events if e.label == label]
        axes.broken_barh(spans, (row - 0.4, 0.8), color=colours[label])
    axes.set_yticks(range(len(labels)), [spoken_name(label) for label in labels], fontsize=8)
    axes.set_ylim(max(len(labels), 1) - 0.5, -0.5)


def _draw_way(axes: Axes, events: Sequence[RecordedEvent], column: int, colours: dict[str, str]) -> None:
    """A dot a second, and one at least an event."""
    for label, colour in colours.items():
        times: list[Any] = [np.zeros(0)]
        values: list[Any] = [np.zeros(0)]
        for event in events:
            if event.label == label:
                step = np.arange(0, len(event.path), 10)
                times.append(event.evidence.start_s + step / 10)
                values.append(event.path[step, column])
        axes.plot(np.concatenate(times), np.concatenate(values), ".", color=colour, markersize=3)


def _draw_rooms(axes: Axes, recorded: Recorded) -> None:
    """T60 over time, smoothed, with its uncertainty, and the estimate of every room."""
    starts, t60_s, factor = recorded.room_over_time()
    axes.set_label("room")
    axes.fill_between(starts, t60_s / factor, t60_s * factor, alpha=0.25, color="C0", linewidth=0)
    axes.plot(starts, t60_s, color="C0", linewidth=1)
    for part in recorded.rooms:
        axes.plot([part.start_s, part.end_s], [part.room.t60_s.value] * 2, color="0.2", linewidth=1.5)
    axes.set_ylabel("T60 (s)")
    axes.set_ylim(bottom=0)
