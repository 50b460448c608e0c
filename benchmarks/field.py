"""What single still sources in ideal ambisonics do not show: two at once, movers, how many there are, other arrays.

Legend: S true sources, E heard events, T frames (10 Hz), K tracks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from clips import SEED, TRUSTED, Floats, Samples, Sources
from scipy.optimize import linear_sum_assignment
from scoring import MISS_DEG

from spatial_lalm.audio.conventions import angle_between, unit_vector
from spatial_lalm.audio.scene import Scene
from spatial_lalm.evaluate.metrics import Interval, bootstrap_interval, mean, median
from spatial_lalm.evaluate.steered import steered_direction
from spatial_lalm.model.grounding import number_of_sources
from spatial_lalm.model.hearing import apart_deg, spatial_kind
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.recipe import SceneRecipe, still_scenes
from spatial_lalm.simulation.sampling import render_scene
from spatial_lalm.train.data import ambisonics

ARRAYS = ("em32", "zylia", "tetrahedral", "respeaker6", "glasses", "random")
"""None of them is in training, where every array is drawn anew; ``random`` ones have other seeds here. Those in a
plane are judged by azimuth, those in a line by the angle to it."""
SMOOTH_FRAMES = 5
OFFSETS = {"two": 3_000_000, "moving": 4_000_000, "count": 5_000_000, "arrays": 6_000_000}
"""Of the scene seeds, apart from those of the other sets."""


@dataclass(frozen=True)
class Line:
    """A row of the report."""

    name: str
    quantity: str
    interval: Interval
    clips: int


def field_table(lines: Sequence[Line]) -> str:
    """Markdown."""
    rows = ["| | | | clips |", "|---|---|---|---|"]
    for line in lines:
        value, low, high = (f"{number:.2f}" for number in (line.interval.value, line.interval.low, line.interval.high))
        rows.append(f"| {line.name} | {line.quantity} | {value} [{low}, {high}] | {line.clips} |")
    return "\n".join(rows)


def field_lines(model: Any, count: int, sources: Sources, progress: Callable[[str, int], None]) -> Iterator[Line]:
    """All lines, ``count`` scenes a set."""
    yield from _two(model, count, sources.everything, progress)
    yield from _moving(model, count, sources.speech, progress)
    yield from _counted(model, count, sources.everything, progress)
    yield from _arrays(model, count // 2, sources.speech, progress)


def _scenes(recipe: SceneRecipe, library: SourceLibrary, name: str, count: int) -> Iterator[tuple[Samples, Scene]]:
    start = SEED * 10_000_000 + OFFSETS[name]
    return (render_scene(recipe, library, seed) for seed in range(start, start + count))


def _plain(counts: tuple[float, ...], **more: Any) -> SceneRecipe:
    return still_scenes(4.0, (0.2, 1.0), snr_db=(10.0, 40.0), counts=counts, **more)


# ---------------------------------------------------------------- two at once, and how many


def _two(model: Any, count: int, library: SourceLibrary, progress: Callable[[str, int], None]) -> Iterator[Line]:
    """Two sounds that overlap: the angle of the heard event that is matched to each; none counts as 90 degrees."""
    errors: list[float] = []
    recipe = _plain((0.0, 0.0, 1.0), event_s=(2.0, 4.0))
    for number, (samples, scene) in enumerate(_scenes(recipe, library, "two", count)):
        progress("two at once", number)
        errors += matched_angles(model.hear(samples[:4]).events, scene)
    yield Line("two at once", "angle, median °", bootstrap_interval(np.array(errors), median), count)
    yield Line("two at once", "angle, mean °", bootstrap_interval(np.array(errors), mean), count)


def matched_angles(events: Sequence[Any], scene: Scene) -> list[float]:
    """Angles between every true source and the heard event assigned to it, the cheapest assignment overall."""
    if not scene.events:
        return []
    cost = np.full((len(scene.events), max(len(events), len(scene.events))), MISS_DEG)
    for column, event in enumerate(events):
        for row, source in enumerate(scene.events):
            together = min(event.end_s, source.offset_s) - max(event.start_s, source.onset_s)
            if together > 0 and event.azimuth_deg is not None:
                said = unit_vector(event.azimuth_deg, event.elevation_deg or 0.0)
                cost[row, column] = angle_between(said, unit_vector(source.azimuth_deg, source.elevation_deg))
    rows, columns = linear_sum_assignment(cost)
    return [float(value) for value in cost[rows, columns]]


def _counted(model: Any, count: int, library: SourceLibrary, progress: Callable[[str, int], None]) -> Iterator[Line]:
    """None to three sources, equally often: how often their number is told."""
    right: list[float] = []
    for number, (samples, scene) in enumerate(_scenes(_plain((1.0,) * 4), library, "count", count)):
        progress("how many", number)
        right.append(float(number_of_sources(model.hear(samples[:4])) == len(scene.events)))
    yield Line("how many, 0 to 3", "right, %", bootstrap_interval(100 * np.array(right), mean), count)


# ---------------------------------------------------------------- movers


def _moving(model: Any, count: int, library: SourceLibrary, progress: Callable[[str, int], None]) -> Iterator[Line]:
    """A talker who walks: the angle in every frame in which he talks, the median of each clip."""
    recipe = _plain((0.0, 1.0), event_s=(2.0, 4.0))
    recipe = replace(recipe, sources=replace(recipe.sources, moving_share=1.0))
    errors: list[float] = []
    for number, (samples, scene) in enumerate(_scenes(recipe, library, "moving", count)):
        progress("moving", number)
        if scene.events:
            errors.append(float(np.median(track_angles(model, samples[:4], scene))))
    yield Line("one that moves, 10 Hz", "angle, median °", bootstrap_interval(np.array(errors), median), len(errors))


def track_angles(model: Any, signals: Samples, scene: Scene) -> Floats:
    """Angles ``(T,)`` of the loudest track in the frames in which the scene's first source sounds."""
    inputs = model.processor.listen(signals)
    output = model.model.hear(inputs["input_features"], inputs["quality"])
    weight = output.activity[0].sigmoid().detach().double().numpy()  # (T, K)
    loudest = int(weight.sum(0).argmax())
    heard = output.direction[0, :, loudest].detach().double().numpy() * weight[:, loudest, None]
    kernel = np.ones(SMOOTH_FRAMES)
    smooth = np.stack([np.convolve(axis, kernel, mode="same") for axis in heard.T], axis=1)
    event = scene.events[0]
    way, active = np.array(event.trajectory), np.array(event.active)
    frames = round(event.onset_s * 10) + np.flatnonzero(active)
    frames = frames[frames < len(smooth)]
    places = way[np.clip(frames - round(event.onset_s * 10), 0, len(way) - 1)]
    return np.asarray(angle_between(smooth[frames], unit_vector(places[:, 0], places[:, 1])), dtype=np.float64)


# ---------------------------------------------------------------- arrays


def _arrays(model: Any, count: int, library: SourceLibrary, progress: Callable[[str, int], None]) -> Iterator[Line]:
    """The same scenes through every array, its capsules as their data sheet says and as real ones deviate from it."""
    deviating = _plain((0.0, 1.0), event_s=(2.0, 4.0))
    perfect = replace(deviating, receivers=replace(deviating.receivers, gain_db=0.0, delay_us=0.0, position_m=0.0))
    scenes = _scenes(deviating, library, "arrays", count)
    ideal = [_first(model, samples, TRUSTED, scene) for samples, scene in scenes]
    for name in ARRAYS:
        for recipe, words in ((perfect, ""), (deviating, ", capsules that deviate")):
            heard = _scenes(replace(recipe, receiver=name), library, "arrays", count)
            yield from _array(model, f"through {name}{words}", heard, ideal, progress)


def _array(
    model: Any,
    title: str,
    heard: Iterator[tuple[Samples, Scene]],
    ideal: Sequence[Floats | None],
    progress: Callable[[str, int], None],
) -> Iterator[Line]:
    """Errors in what the array can tell over those of ideal FOA, and of classical methods on the raw capsules."""
    errors: dict[str, list[float]] = {name: [] for name in ("model", "ideal", "srp-phat", "music")}
    for number, (samples, scene) in enumerate(heard):
        progress(title, number)
        field, quality = ambisonics(samples, scene)
        told = spatial_kind(quality)
        if told == "none":
            continue
        truth = unit_vector(scene.events[0].azimuth_deg, scene.events[0].elevation_deg)
        said = {"model": _first(model, field, quality, scene), "ideal": ideal[number]}
        said |= {method: _steered(samples, method, scene) for method in ("srp-phat", "music")}
        for name, direction in said.items():
            errors[name].append(MISS_DEG if direction is None else apart_deg(direction, truth, told))
    clips = len(errors["model"])
    yield Line(title, "mean error over ideal FOA's", _ratio(errors["model"], errors["ideal"]), clips)
    for name, method in (("model", ""), ("srp-phat", ", SRP-PHAT"), ("music", ", MUSIC")):
        yield Line(f"{title}{method}", "angle, mean °", bootstrap_interval(np.array(errors[name]), mean), clips)


def _ratio(errors: Sequence[float], references: Sequence[float]) -> Interval:
    """Mean over mean, scenes drawn with both their errors."""
    pairs = np.array([errors, references])

    def ratio(scenes: Floats) -> float:
        above, below = pairs[:, scenes.astype(int)].mean(axis=1)
        return float(above / below)

    return bootstrap_interval(np.arange(pairs.shape[1]), ratio)


def _first(model: Any, signals: Samples, quality: Samples, scene: Scene) -> Floats | None:
    """The direction ``(3,)`` of the most salient event, or None."""
    if model.model.config.audio_config.order == 1:
        signals, quality = signals[:4], quality[:4]
    events = model.hear(signals, quality).events
    if not events or events[0].azimuth_deg is None:
        return None
    return np.asarray(unit_vector(events[0].azimuth_deg, events[0].elevation_deg or 0.0), dtype=np.float64)


def _steered(samples: Samples, method: Any, scene: Scene) -> Floats:
    from spatial_lalm.audio.arrays import MicrophoneArray

    found = steered_direction(samples, method, MicrophoneArray.from_dict(scene.array))
    return np.asarray(unit_vector(*found), dtype=np.float64)
