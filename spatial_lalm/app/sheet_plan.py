"""The floor plan of a contact sheet: walls or open air, the receiver, the sources and their ways, to scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.app.sheet_panels import FAINT, INK, Voice, note
from spatial_lalm.audio.conventions import rotation_matrix, unit_vector
from spatial_lalm.audio.scene import FRAME_S, Pose, Scene, SourceEvent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.floating[Any]]

GRASS = "#eef5e6"
LETTER, LINE = 0.019, 0.057
"""Width of a letter and height of a line as shares of the plan."""
MANY = 12
"""Sources above which the plan shows small dots and their names below it, by colour."""


def draw_plan(axes: Axes, scene: Scene, voices: Sequence[Voice]) -> None:
    """Walls, receiver, sources and ways seen from above, to scale; rings of distance where there are no walls."""
    places = [(voice, [source_positions(scene, event) for event in voice.events]) for voice in voices]
    points = [way for _, ways in places for way in ways] + [np.array([_pose(scene, 0.0)[:3]])]
    if scene.room.outdoors:
        _draw_open_air(axes, scene, np.concatenate(points))
    else:
        _draw_walls(axes, scene)
    _draw_receiver(axes, scene)
    many = sum(len({tuple(way[0].round(1)) for way in ways}) for _, ways in places) > MANY
    for voice, ways in places:
        for way in ways:
            _draw_way(axes, way, voice.colour, 4.0 if many else 8.0)
    if many:
        _name_colours(axes, voices)
    else:
        _name_sources(axes, scene.receiver_m[0], [(voice, ways[0][0]) for voice, ways in places])
    axes.set_axis_off()


def source_positions(scene: Scene, event: SourceEvent) -> Floats:
    """Where a source is in the room, ``(N, 3)`` in metres, every 100 ms (one row where it stays)."""
    rows = []
    for step, (azimuth, elevation, distance) in enumerate(event.trajectory):
        x, y, z, *angles = _pose(scene, event.onset_s + step * FRAME_S)
        rows.append(np.array([x, y, z]) + distance * rotation_matrix(*angles) @ unit_vector(azimuth, elevation))
    return np.array(rows)


def _pose(scene: Scene, second: float) -> Pose:
    """Position and rotation of the receiver at a time."""
    if not scene.receiver_track:
        return (*scene.receiver_m, 0.0, 0.0, 0.0)
    return scene.receiver_track[min(max(round(second / FRAME_S), 0), len(scene.receiver_track) - 1)]


def _draw_walls(axes: Axes, scene: Scene) -> None:
    from matplotlib.patches import Polygon

    width, depth, _ = scene.room.dimensions_m
    corners = scene.room.corners_m or ((0, 0), (width, 0), (width, depth), (0, depth))
    axes.add_patch(Polygon(corners, facecolor="#fafafa", edgecolor=INK, linewidth=1.8, zorder=0))
    note(axes, f"{width:.1f} m", (width / 2, 0), (0, -4), ha="center", va="top", fontsize=8)
    note(axes, f"{depth:.1f} m", (0, depth / 2), (-4, 0), ha="right", fontsize=8, rotation=90)
    _fit(axes, (width / 2, depth / 2), (1.04 * width, 1.04 * depth))


def _fit(axes: Axes, middle: tuple[float, float], size: tuple[float, float]) -> None:
    """Show an area of ``size`` metres around ``middle``, or more, so that both axes have one scale."""
    box = axes.get_position()
    wide, high = box.size * axes.get_figure(root=True).get_size_inches()  # type: ignore[union-attr]
    scale = max(size[0] / wide, size[1] / high) / 2
    axes.set_xlim(middle[0] - scale * wide, middle[0] + scale * wide)
    axes.set_ylim(middle[1] - scale * high, middle[1] + scale * high)
    axes.set_aspect("equal")


def _draw_open_air(axes: Axes, scene: Scene, points: Floats) -> None:
    """Rings around the receiver at round distances up to the furthest source."""
    from matplotlib.patches import Circle

    x, y = scene.receiver_m[:2]
    reach = max(2.0, 1.15 * float(np.hypot(points[:, 0] - x, points[:, 1] - y).max()))
    step = next(size for size in (0.5, 1, 2, 5, 10, 20, 50, 100, 1000) if reach / size <= 4)
    axes.add_patch(Circle((x, y), 1.1 * reach, facecolor=GRASS, edgecolor="none", zorder=0))
    for radius in np.arange(step, reach, step):
        axes.add_patch(Circle((x, y), radius, fill=False, edgecolor=FAINT, linewidth=0.6, linestyle=":", zorder=0.5))
        axes.text(x, y - radius, f"{radius:g} m", fontsize=7, color=FAINT, ha="center", va="center")
    _fit(axes, (x, y), (2.2 * reach, 2.2 * reach))


def _draw_receiver(axes: Axes, scene: Scene) -> None:
    """A triangle that points to the front, and the way that it is carried along."""
    track = np.array([pose[:3] for pose in scene.receiver_track]).reshape(-1, 3)
    if len(track) > 1:
        axes.plot(track[:, 0], track[:, 1], color=INK, linewidth=1.0, linestyle="--", zorder=2)
    for share in (0.0, 0.5, 1.0) if len(track) > 1 else (0.0,):
        x, y, _, yaw, _, _ = _pose(scene, share * scene.duration_s)
        # The marker points up where it is not turned.
        axes.plot(x, y, marker=(3, 0, yaw - 90), markersize=13, color=INK, alpha=1.0 if share == 0 else 0.35, zorder=4)
        ahead = np.array([np.cos(np.radians(yaw)), np.sin(np.radians(yaw))])
        arrow = {"arrowstyle": "<-", "color": INK, "alpha": 1.0 if share == 0 else 0.35, "linewidth": 1.2}
        axes.annotate(
            "", (x, y), (24 * ahead[0], 24 * ahead[1]), textcoords="offset points", arrowprops=arrow, zorder=4
        )


def _draw_way(axes: Axes, way: Floats, colour: str, size: float) -> None:
    """A dot, and from it a line with an arrow at its end where the source moves."""
    axes.plot(*way[0, :2], "o", color=colour, markersize=size, markeredgecolor="white", zorder=5)
    moved = np.linalg.norm(way - way[-1], axis=1) > 0.05
    if not moved.any():
        return
    axes.plot(way[:, 0], way[:, 1], color=colour, linewidth=size / 4, zorder=3)
    before = int(np.flatnonzero(moved)[-1])  # the last place that is far enough for the arrow to have a direction
    arrow = {
        "arrowstyle": "-|>",
        "color": colour,
        "linewidth": size / 4,
        "mutation_scale": 2 * size,
        "shrinkA": 0,
        "shrinkB": 0,
    }
    axes.annotate("", (way[-1, 0], way[-1, 1]), (way[before, 0], way[before, 1]), arrowprops=arrow, zorder=5)


def _name_sources(axes: Axes, receiver_x: float, named: Sequence[tuple[Voice, Floats]]) -> None:
    """Names beside the sources, away from the receiver, moved up where they would lie on each other."""
    from matplotlib import patheffects

    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    letter, line = LETTER * (right - left), LINE * (high - low)
    taken: list[tuple[bool, float]] = []
    for voice, place in sorted(named, key=lambda one: float(one[1][1])):
        reach, height = letter * (len(voice.name) + 2), float(place[1])
        rightwards = bool(place[0] >= receiver_x)
        if not (place[0] + reach < right if rightwards else place[0] - reach > left):
            rightwards = not rightwards
        for side, other in sorted(taken):
            if side == rightwards and abs(height - other) < line:
                height = other + line
        taken.append((rightwards, height))
        style = {"color": voice.colour, "fontsize": 9, "ha": "left" if rightwards else "right", "zorder": 6}
        text = note(axes, voice.name, (place[0], height), (8 if rightwards else -8, 0), **style)
        text.set_path_effects([patheffects.withStroke(linewidth=2.5, foreground="white")])


def _name_colours(axes: Axes, voices: Sequence[Voice]) -> None:
    """The names below the plan, each in its colour, in as few lines as they need."""
    left, line = 0.0, 0
    for voice in voices:
        width = LETTER * (len(voice.name) + 2)
        if left and left + width > 1:
            left, line = 0.0, line + 1
        note(axes, voice.name, (left, -0.11 - 0.055 * line), (0, 0), "axes fraction", color=voice.colour, ha="left")
        left += width


def ground(scene: Scene) -> str:
    """What an outdoor scene stands on."""
    return "open air, no ground" if min(scene.room.wall_bands[-2]) >= 1 else "open air over hard ground"
