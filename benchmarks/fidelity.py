"""How close the hybrid responses are to the image-source model taken to its end, over random rooms."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import acn_orders, angle_between
from spatial_lalm.audio.scene import Room
from spatial_lalm.simulation.acoustics import DIRECT_WINDOW_S, decay_time, measure, schroeder_db
from spatial_lalm.simulation.engine.decay import decay_of, mixing_time
from spatial_lalm.simulation.engine.late import ambisonic_late
from spatial_lalm.simulation.engine.paths import SPEED_OF_SOUND, Path
from spatial_lalm.simulation.engine.render import Response, render_responses
from spatial_lalm.simulation.receivers import ambisonic_receiver

Floats = NDArray[np.floating[Any]]

RATE = 16_000
QUANTITIES = ("T20, relative", "T60 label, relative", "DRR, dB", "C50, dB", "direct direction, degrees")
"""T20 as ISO 3382-1 has it, from the direct sound on; labels are measured behind it."""


@dataclass(frozen=True)
class Pair:
    """One path by the hybrid and by images alone."""

    path: Path
    hybrid: Response
    images: Response


def random_path(rng: np.random.Generator, number: int) -> Path:
    """A room of 15 to 400 m3 with mean absorption of 0.12 to 0.5, uneven walls, and places off them."""
    size = np.array([rng.uniform(2.8, 10), rng.uniform(2.5, 8), rng.uniform(2.2, 5)])
    walls = np.clip(rng.uniform(0.12, 0.5) * np.exp(rng.normal(0, 0.3, 6)), 0.03, 0.9)
    room = Room((float(size[0]), float(size[1]), float(size[2])), tuple(walls.tolist()), float(rng.uniform(-0.2, 0.3)))
    while True:
        source, receiver = rng.uniform(0.4, size - 0.4, (2, 3))
        if np.linalg.norm(source - receiver) > 0.5:
            return Path(room, source, receiver, seed=number)


def image_count(path: Path) -> float:
    """Images that a whole response of a path has: those that arrive before it has faded."""
    end_s = decay_of([path], np.array([mixing_time(path)])).end_s[0]
    return float(4 / 3 * np.pi * (SPEED_OF_SOUND * end_s) ** 3 / path.room.volume_m3)


def pairs(count: int, seed: int = 0, most_images: float = np.inf) -> Iterator[Pair]:
    """Random paths of at most so many images, rendered both ways, one by one: whole image responses are long."""
    rng = np.random.default_rng(seed)
    receiver = ambisonic_receiver(1)
    drawn = (random_path(rng, number) for number in itertools.count())
    for path in itertools.islice((path for path in drawn if image_count(path) <= most_images), count):
        hybrid = render_responses([path], receiver, RATE)[0]
        images = render_responses([path], receiver, RATE, full=True)[0]
        yield Pair(path, hybrid, images)


def direct_direction(response: Response) -> Floats:
    """Direction ``(3,)`` of the intensity around the direct sound."""
    start, stop = (max(0, round(response.direct_sample + edge * RATE)) for edge in (DIRECT_WINDOW_S[0], 0.0015))
    w, y, z, x = response.taps[:4, start:stop]
    return np.array([w @ x, w @ y, w @ z])


def _begin(response: Response) -> int:
    """The sample at which the direct sound begins."""
    return max(0, round(response.direct_sample + DIRECT_WINDOW_S[0] * RATE))


def differences(pair: Pair) -> list[float]:
    """Absolute differences of ``QUANTITIES``; the direction is compared with the geometry."""
    a, b = (measure(r.omni, r.direct_sample, RATE, r.direct) for r in (pair.hybrid, pair.images))
    t20 = [decay_time(r.omni[_begin(r) :], RATE) for r in (pair.hybrid, pair.images)]
    angle = float(angle_between(direct_direction(pair.hybrid), pair.path.direct))
    return [
        abs(t20[0] / t20[1] - 1),
        abs(a.t60_s / b.t60_s - 1),
        abs(a.drr_db - b.drr_db),
        abs(a.c50_db - b.c50_db),
        angle,
    ]


def coherence(paths_of_room: int = 4) -> tuple[float, float, Floats]:
    """Largest coherence between late channels, what chance alone gives, and their power re W times 2 n + 1 in dB.

    Third order, a cube with even walls, Welch's method over 6 s of late field of every path.
    """
    import torch
    from scipy.ndimage import uniform_filter1d
    from scipy.signal import coherence as welch

    room = Room((7.0, 7.0, 7.0), (0.02,) * 6, scattering=1.0)
    paths = [
        Path(room, np.array([2.0, 3.0, 4.0]), np.array([4.0, 4.5, 3.0]), seed=seed) for seed in range(paths_of_room)
    ]
    decay = decay_of(paths, np.full(paths_of_room, 0.1))
    late = ambisonic_late(paths, decay, 3, RATE, torch.device("cpu")).numpy().astype(float)
    level = uniform_filter1d(np.mean(late[:, 0] ** 2, axis=0), RATE // 10)  # over 0.1 s: no one's own noise
    late /= np.sqrt(level) + 1e-12  # the decay is taken out
    length = min(6 * RATE, late.shape[2])
    rows = np.concatenate(list(late[:, :, :length]), axis=1)
    power = 10 * np.log10(np.mean(rows**2, axis=1) / np.mean(rows[0] ** 2) * (2 * acn_orders(3) + 1))
    segment = 512
    values = [
        float(np.mean(welch(rows[i], rows[j], RATE, nperseg=segment, noverlap=0)[1]))
        for i in range(16)
        for j in range(i)
    ]
    return max(values), segment / rows.shape[1], power


def plot_decays(made: list[Pair], path: File) -> None:
    """Energy decay curves of some rooms, both ways, into a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 4, figsize=(13, 6), sharey=True, layout="constrained")
    for axis, pair in zip(axes.flat, made, strict=False):
        for response, name, style in ((pair.images, "all images", "k-"), (pair.hybrid, "hybrid", "C1--")):
            curve = schroeder_db(response.omni)
            axis.plot(np.arange(len(curve)) / RATE, curve, style, label=name, linewidth=1.2)
        room = pair.path.room
        axis.set_title(f"{room.volume_m3:.0f} m³", fontsize=10)
        axis.set_ylim(-60, 2)
        axis.grid(alpha=0.3)
    axes[0, 0].legend()
    figure.supxlabel("seconds")
    figure.supylabel("energy decay, dB")
    figure.savefig(path, dpi=80)
    pyplot.close(figure)
