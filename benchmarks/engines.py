"""Other room simulators on the same room as ours: what one response costs with each of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from spatial_lalm.audio.scene import Room
from spatial_lalm.simulation.engine.paths import Path
from spatial_lalm.simulation.engine.render import render_responses
from spatial_lalm.simulation.pyroom import image_order, reference_response
from spatial_lalm.simulation.receivers import ambisonic_receiver

RATE = 16_000
SIZE_M = (6.0, 5.0, 3.0)
SOURCE, RECEIVER = np.array([2.03, 3.11, 1.52]), np.array([4.21, 1.94, 1.27])
BATCH = 64
RAYS = 10_000
WARM_UP_S = 0.15


@dataclass(frozen=True)
class Engine:
    """A simulator: ``respond(room, order, t60_s)`` makes ``batch`` responses; the best of ``repetitions`` counts."""

    name: str
    respond: Callable[[Room, int, float], None]
    batch: int = 1
    repetitions: int = 3


def room_of(t60_s: float) -> Room:
    """The 6 x 5 x 3 m room of a T60 by Sabine's formula, all walls alike."""
    volume = float(np.prod(SIZE_M))
    surface = Room(SIZE_M, (0.1,) * 6).surface_m2
    return Room(SIZE_M, (0.1611 * volume / (surface * t60_s),) * 6)


def _ours(room: Room, order: int, t60_s: float) -> None:
    paths = [Path(room, SOURCE, RECEIVER, seed=number) for number in range(BATCH)]
    render_responses(paths, ambisonic_receiver(order), RATE)


def _ours_full(room: Room, order: int, t60_s: float) -> None:
    render_responses([Path(room, SOURCE, RECEIVER)], ambisonic_receiver(order), RATE, full=True)


def _pyroomacoustics_full(room: Room, order: int, t60_s: float) -> None:
    reference_response(room, SOURCE, RECEIVER, order, RATE, image_order(room))


def _pyroomacoustics_hybrid(room: Room, order: int, t60_s: float) -> None:
    """Images of order 3 and ray tracing, as its documentation shows; rays reach an omni microphone only (FOA: four)."""
    import pyroomacoustics

    material = pyroomacoustics.Material(room.wall_bands[0][3])
    box = pyroomacoustics.ShoeBox(list(SIZE_M), fs=RATE, materials=material, max_order=3, ray_tracing=True)
    box.set_ray_tracing(n_rays=RAYS, energy_thres=1e-7, time_thres=1.2 * t60_s)
    box.add_source(SOURCE)
    box.add_microphone(np.repeat(RECEIVER[:, None], (order + 1) ** 2, axis=1))
    box.compute_rir()


def _pyshroom(room: Room, order: int, t60_s: float) -> None:
    import shroom

    box = shroom.Room(
        list(SIZE_M),
        absorption=room.wall_bands[0][3],
        max_ism_order=image_order(room),
        sh_order=order,
        fs=RATE,
        use_rand_ism=False,
    )
    box.add_source(list(SOURCE), signal=np.zeros(RATE))
    box.set_receiver(list(RECEIVER))
    box.compute_arir()


def engines() -> list[Engine]:
    """Ours first, then the peers that are installed."""
    found = [
        Engine("ours", _ours, BATCH),
        Engine("ours, all images", _ours_full),
        Engine("pyroomacoustics, all images", _pyroomacoustics_full, repetitions=2),
        Engine("pyroomacoustics, 3rd order + rays", _pyroomacoustics_hybrid, repetitions=2),
    ]
    if find_spec("shroom") is not None:
        found.append(Engine("pyshroom, all images", _pyshroom, repetitions=1))
    return found


def seconds_a_response(engine: Engine, t60_s: float, order: int) -> float:
    """Least time of a few repetitions, after one in a room of T60 0.15 s that warms up."""
    engine.respond(room_of(WARM_UP_S), order, WARM_UP_S)
    room = room_of(t60_s)
    times = []
    for _ in range(engine.repetitions):
        began = time.perf_counter()
        engine.respond(room, order, t60_s)
        times.append(time.perf_counter() - began)
    return min(times) / engine.batch
