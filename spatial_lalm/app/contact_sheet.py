"""A contact sheet: one picture of a few scenes, so that a person sees what was made.

Every scene is a row: its floor plan to scale with the receiver (a triangle that points to its front), the sources and
their ways; the waveform of the first channel with the spans in which each source sounds; azimuth and elevation at
10 Hz. It is drawn from the labels alone, so what does not look right in it is wrong in them. For the same scenes and
the same matplotlib the file is the same; it is no part of a folder's manifest.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.app.sheet_panels import FAINT, INK, draw_time, number_text, voices_of
from spatial_lalm.app.sheet_plan import draw_plan, ground
from spatial_lalm.audio.scene import Scene

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.floating[Any]]

WIDTH_IN, ROW_IN, FOOT_IN, DOTS_PER_IN = 15.0, 3.4, 0.5, 100
FOOT = (
    "Floor plans: x to the right, y upwards; the triangle is the receiver and points to its front. "
    "Directions are the receiver's: azimuth counter-clockwise (90° is left), elevation upwards, a dot every 100 ms in "
    "which the source sounds."
)


def draw_sheet(rows: Sequence[tuple[Floats, Scene]], path: str | Path, names: Sequence[str] = ()) -> None:
    """Write a PNG of scenes, whole or not at all.

    Args:
        rows: Audio ``(channels, samples)`` and labels of each scene; only the first channel is drawn, and it may have
            been reduced to its ``outline`` before.
        path: Name of the file.
        names: What the scenes are called, such as the stems of their files; they are numbered where this is empty.
    """
    import warnings

    from spatial_lalm.simulation.writer import atomic_write

    picture = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # class names may be in any script
        figure(rows, names).savefig(picture, format="png", dpi=DOTS_PER_IN, metadata={"Software": None})
    atomic_write(Path(path), picture.getvalue())


def figure(rows: Sequence[tuple[Floats, Scene]], names: Sequence[str] = ()) -> Figure:
    """The sheet as a figure; the axes of a scene are labelled ``plan``, ``waveform``, ``azimuth`` and ``elevation``."""
    # Without pyplot: no state that others share, and no display is looked for.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    height = ROW_IN * len(rows) + FOOT_IN
    sheet = Figure(figsize=(WIDTH_IN, height), facecolor="white")
    FigureCanvasAgg(sheet)
    for number, (audio, scene) in enumerate(rows):
        top = 1 - (number * ROW_IN + 0.5) / height
        bottom = 1 - ((number + 1) * ROW_IN - 0.28) / height
        name = names[number] if number < len(names) else f"scene {number + 1}"
        _draw_row(sheet, (bottom, top), np.atleast_2d(audio)[0], scene, name)
    sheet.text(0.02, 0.16 / height, FOOT, fontsize=8, color=FAINT, va="bottom")
    return sheet


def _draw_row(sheet: Figure, span: tuple[float, float], first: Floats, scene: Scene, name: str) -> None:
    """One scene between two heights of the sheet (0 to 1)."""
    bottom, top = span
    plan = sheet.add_gridspec(1, 1, left=0.02, right=0.29, bottom=bottom, top=top)[0]
    panels = sheet.add_gridspec(
        3, 1, height_ratios=(1.7, 1.0, 0.6), left=0.395, right=0.985, bottom=bottom, top=top, hspace=0.17
    )
    voices = voices_of(scene)
    draw_plan(sheet.add_subplot(plan, label="plan"), scene, voices)
    waveform = sheet.add_subplot(panels[0], label="waveform")
    azimuth = sheet.add_subplot(panels[1], label="azimuth", sharex=waveform)
    elevation = sheet.add_subplot(panels[2], label="elevation", sharex=waveform)
    draw_time((waveform, azimuth, elevation), first, scene, voices)
    above = top + 0.09 * (top - bottom)
    sheet.text(0.02, above, name, fontsize=11, weight="bold", color=INK, parse_math=False)
    sheet.text(0.395, above, caption(scene), fontsize=10, color=INK, parse_math=False)


def caption(scene: Scene) -> str:
    """Size, reverberation, noise and receiver of a scene in a line."""
    room, heard = scene.room, scene.acoustics
    size = " x ".join(f"{side:.1f}" for side in room.dimensions_m)
    corners = f" over {len(room.corners_m)} corners" if room.corners_m else ""
    place = ground(scene) if room.outdoors else f"{size} m{corners}, {room.volume_m3:,.0f} m³"
    t60, drr = (math.nan, math.nan) if heard is None else (heard.t60_s, heard.drr_db)
    snr = number_text(scene.snr_db, "z.0f")
    heard_by = ("FOA", "HOA2", "HOA3")[scene.order - 1] if 0 < scene.order <= 3 else f"order {scene.order}"
    if scene.array is not None:
        heard_by = f"{scene.array['name']} ({len(scene.array['positions_m'])} capsules)"
    measured = f"T60 {number_text(t60, '.2f')} s    DRR {number_text(drr, 'z.1f')} dB"
    return f"{place}    {measured}    SNR {snr} dB ({scene.background})    {heard_by}"
