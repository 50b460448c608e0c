"""Responses by pyroomacoustics: early reflections as image sources, all others by ray tracing, into any receiver.

Where images lie, what the walls leave of them, whether they are seen, and what rays bring is the library's. The
spherical-harmonic microphones and filters of ours encode it, as the library's own take minutes for the orders that
capsules on a sphere need; ``reference_response`` checks them against each other. So there is no latency, and our
high-pass is the only one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spatial_lalm.audio.arrays import SPEED_OF_SOUND
from spatial_lalm.audio.scene import Room
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.engine.images import NEAREST_M, Images
from spatial_lalm.simulation.engine.moving import STEP_S, faded_convolution, render_moving
from spatial_lalm.simulation.engine.paths import Path, air_rates
from spatial_lalm.simulation.engine.render import (
    RINGING_S,
    Response,
    direct_sound,
    early_size,
    hear_images,
    response_of,
)
from spatial_lalm.simulation.pyroom.rays import BOX_RATE, Pulses, pulses_of, radiated, seeded, trace
from spatial_lalm.simulation.pyroom.rooms import build, place
from spatial_lalm.simulation.room import sees

if TYPE_CHECKING:
    from spatial_lalm.simulation.receivers import Receiver

Floats = NDArray[np.floating[Any]]

SHOEBOX_ORDER = 9
"""Image order in shoeboxes: some 1,200 images ..."""
POLYGON_ORDER = 4
"""... and in other rooms, where all ways over the walls are searched, some 7 times as many for every order more."""
KNOTS = 4
"""Reflections of moving sources are rendered at every fourth knot (0.2 s) and cross-faded."""
BLOCK_S = 1.5
"""Pulses are encoded this far at a time, so that memory does not grow with the reverberation."""
LEAD_S = 0.016
"""Room before the first pulse of a block for what rings ahead."""


def reference_responses(
    paths: Sequence[Path], receiver: Receiver, rate: int = 16_000, max_order: int | None = None
) -> list[Response]:
    """Responses of ``paths`` into one kind of receiver, by images up to ``max_order`` and rays beyond it.

    The amplitude is 1 / distance, the direct sound arrives at distance / c. ``max_order`` is ``SHOEBOX_ORDER`` or
    ``POLYGON_ORDER`` unless given; outdoors there is the ground's image alone. Equal paths and seeds give equal bytes.
    ``InputError``: a position outside the room, or a source that a wall hides from the receiver: labels tell the
    direction and distance of the direct sound, so there has to be one.
    """
    return [_response(path, receiver, rate, max_order) for path in paths]


def reference_moving(
    dry: NDArray[np.float32], paths: Sequence[Path], receiver: Receiver, rate: int = 16_000
) -> NDArray[np.float32]:
    """What a receiver hears of ``dry (T,)`` along ``paths``, one for each knot of ``engine.moving.render_moving``.

    The direct sound is continuous, with its Doppler shift, as there; reflections and rays hold at every fourth knot and
    are cross-faded in between. Returns the rows ``(R, T + tail)``, an array's capsules after one of W.
    ``InputError``: as ``reference_responses``, for any knot.
    """
    for path in paths:
        _check(path)
    wet = [_reflections(path, receiver, rate) for path in paths[::KNOTS]]
    taps = max(rows.shape[1] for rows in wet)
    responses = torch.stack([torch.nn.functional.pad(rows, (0, taps - rows.shape[1])) for rows in wet])
    reflected = faded_convolution(torch.from_numpy(dry), responses, KNOTS * round(STEP_S * rate)).numpy()
    free = [replace(path, room=Room(path.room.dimensions_m, (1.0,) * 6)) for path in paths]
    direct = render_moving(dry, free, receiver, rate)
    samples = len(dry) + taps
    total = np.zeros((len(direct), max(samples, direct.shape[1])), np.float32)
    total[:, : direct.shape[1]] = direct
    total[:, :samples] += reflected[:, :samples]
    return total


def _check(path: Path) -> None:
    source, receiver = place("source", path.source, path.room), place("receiver", path.receiver, path.room)
    if not sees(path.room, source, receiver):
        shown = [[round(value, 3) for value in position.tolist()] for position in (source, receiver)]
        raise InputError(
            f"source at {shown[0]} m: a wall hides it from the receiver at {shown[1]} m, so it has no direct sound to "
            "label; move one of them"
        )


def _response(path: Path, receiver: Receiver, rate: int, max_order: int | None) -> Response:
    _check(path)
    arrivals = _arrivals(path, max_order)
    rows = _heard(arrivals, receiver, rate)
    direct = direct_sound(arrivals, early_size(path.direct_s, rate), rate)[0]
    return response_of(path, rows, direct, rows.shape[1], rate, receiver)


def _reflections(path: Path, receiver: Receiver, rate: int) -> Tensor:
    """Rows ``(R, taps)`` of everything but the direct sound."""
    arrivals = _arrivals(path, None)
    return _heard(arrivals.only(~arrivals.direct), receiver, rate)


def _arrivals(path: Path, max_order: int | None) -> Images:
    """All that reaches the receiver: images, and what rays bring as if from many more of them."""
    with seeded(path.seed):
        if path.room.outdoors:
            return _images(path, 1)
        if max_order is None:
            max_order = POLYGON_ORDER if path.room.corners_m else SHOEBOX_ORDER
        images = _images(path, max_order)
        late = _waves(path, pulses_of(trace(path, max_order + 1), path))
    # Rays carry the scattered share of every order: ``rays``.
    images.amplitude[~images.direct] /= (1 + path.room.scattering) ** 0.5
    return Images(*(torch.cat([getattr(images, one.name), getattr(late, one.name)]) for one in fields(Images)))


def _images(path: Path, max_order: int) -> Images:
    """The images that the receiver sees, the direct sound among them."""
    box = build(path.room, BOX_RATE, max_order)
    box.add_source(np.asarray(path.source, float))
    box.add_microphone(np.asarray(path.receiver, float))
    box.image_source_model()
    source = box.sources[0]
    seen = box.visibility[0][0].astype(bool) & ((source.damping > 0).any(axis=0) | (source.orders == 0))
    vectors = source.images[:, seen].T - np.asarray(path.receiver, float)
    distance = np.maximum(np.linalg.norm(vectors, axis=1), NEAREST_M)
    gain = radiated(path, source.directions[0][:, seen].T)
    amplitude = source.damping[:, seen].T * gain / distance[:, None]
    return _as_images(path, vectors, distance, amplitude, source.orders[seen] == 0)


def _waves(path: Path, pulses: Pulses) -> Images:
    distance = pulses.times * SPEED_OF_SOUND
    return _as_images(path, pulses.directions, distance, pulses.amplitude, np.zeros(len(distance), np.bool_))


def _as_images(path: Path, vectors: Floats, distance: Floats, amplitude: Floats, direct: NDArray[np.bool_]) -> Images:
    """Arrivals from along ``vectors (N, 3)``, as the receiver is turned and as far as the air lets them."""
    directions = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    faced = directions if path.facing is None else directions @ np.asarray(path.facing, float)
    aired = amplitude * np.exp(-distance[:, None] * air_rates() / 2)
    return Images(
        torch.zeros(len(distance), dtype=torch.long),
        torch.as_tensor(faced, dtype=torch.float32),
        torch.as_tensor(distance, dtype=torch.float32),
        torch.as_tensor(aired, dtype=torch.float32),
        torch.as_tensor(direct),
    )


def _heard(arrivals: Images, receiver: Receiver, rate: int) -> Tensor:
    """Rows ``(R, taps)`` of a receiver, encoded block by block."""
    metre = rate / SPEED_OF_SOUND
    arrival = arrivals.distance * metre
    end = int(max(arrival.tolist(), default=0)) + 1 + round(RINGING_S * rate)
    step, lead = min(round(BLOCK_S * rate), end), round(LEAD_S * rate)
    size = early_size(step / rate + LEAD_S, rate)
    blocks = -(-end // step)
    rows = torch.zeros(receiver.channels + (receiver.array is not None), blocks * step + size)
    for start in range(0, blocks * step, step):
        mine = arrivals.only((arrival >= start) & (arrival < start + step))
        if len(mine.distance):
            moved = replace(mine, distance=mine.distance - (start - lead) / metre)
            rows[:, start : start + size] += hear_images(moved, 1, receiver, size, rate)[0]
    return rows[:, lead : lead + end]
