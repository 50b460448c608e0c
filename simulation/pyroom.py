"""Reference responses by pyroomacoustics: a second, independent engine to check ours against.

What its version 0.10 does, and what is undone here: the direct sound arrives half a fractional-delay filter
(40 samples) after distance / c; a high-pass filter at 10 Hz is on by default; spherical harmonics are orthonormal (N3D
divided by the square root of 4 pi). Its amplitude is 1 / distance, as ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spatial_lalm.audio.conventions import acn_orders, channel_count
from spatial_lalm.audio.scene import Room
from spatial_lalm.errors import InputError

MAX_IMAGE_ORDER = 60
"""Highest image order that is chosen unasked; some 300,000 images."""
_WALLS = ("west", "east", "south", "north", "floor", "ceiling")  # x0 x1 y0 y1 z0 z1


@contextmanager
def _without_high_pass() -> Iterator[int]:
    """Switch the engine's high-pass filter off for a while; yields its latency in samples."""
    from pyroomacoustics.parameters import constants

    before = constants.get("rir_hpf_enable")
    constants.set("rir_hpf_enable", False)
    try:
        yield constants.get("frac_delay_length") // 2
    finally:
        constants.set("rir_hpf_enable", before)


def image_order(room: Room, speed_m_s: float = 343.0) -> int:
    """Image order that holds all images of the room's T60 (Eyring's), at most ``MAX_IMAGE_ORDER``."""
    width, depth, height = room.dimensions_m
    areas = np.repeat([depth * height, width * height, width * depth], 2)
    mean = min(float(np.dot(room.absorption, areas)) / room.surface_m2, 0.999)
    t60 = 24 * np.log(10) / speed_m_s * room.volume_m3 / (-room.surface_m2 * np.log1p(-mean) + 1e-9)
    return int(min(np.ceil(t60 * speed_m_s / min(room.dimensions_m)), MAX_IMAGE_ORDER))


def _shoebox(room: Room, source_m: Sequence[float], rate: int, max_order: int) -> Any:
    import pyroomacoustics

    materials = {
        wall: pyroomacoustics.Material(float(absorption))
        for wall, absorption in zip(_WALLS, room.absorption, strict=True)
    }
    box = pyroomacoustics.ShoeBox(list(room.dimensions_m), fs=rate, materials=materials, max_order=max_order)
    box.add_source(source_m)
    return box


def _inside(name: str, position_m: ArrayLike, room: Room) -> list[float]:
    position = [float(value) for value in np.asarray(position_m, dtype=float).reshape(3)]
    if not all(0 < value < size for value, size in zip(position, room.dimensions_m, strict=True)):
        raise InputError(f"{name} at {position} m: must be inside the room of {room.dimensions_m} m")
    return position


def reference_response(
    room: Room,
    source_m: ArrayLike,
    receiver_m: ArrayLike,
    order: int = 1,
    rate: int = 16_000,
    max_order: int | None = None,
) -> NDArray[np.float32]:
    """The ambisonic response ``(channels, taps)`` in ACN/SN3D by the full image-source model of pyroomacoustics.

    ``source_m`` and ``receiver_m`` are positions ``(3,)`` in metres inside the room, ``max_order`` the image order (by
    default ``image_order``). The direct sound arrives at distance / c with the amplitude 1 / distance in W; of sources
    nearer than 0.86 m the first ripples of its sinc are cut off. The tilt of the absorption and air absorption are left
    out. ``InputError``: a position outside the room.
    """
    from pyroomacoustics.directivities import RealSphericalHarmonicsDirectivity

    source, receiver = _inside("source", source_m, room), _inside("receiver", receiver_m, room)
    box = _shoebox(room, source, rate, image_order(room) if max_order is None else max_order)
    degrees = acn_orders(order)
    for channel, degree in enumerate(degrees.tolist()):
        box.add_microphone(
            receiver, directivity=RealSphericalHarmonicsDirectivity(channel - degree**2 - degree, degree)
        )
    with _without_high_pass() as latency:
        box.compute_rir()
    responses = [np.asarray(box.rir[channel][0])[latency:] for channel in range(channel_count(order))]
    to_sn3d = np.sqrt(4 * np.pi / (2.0 * degrees + 1))
    taps = np.zeros((channel_count(order), max(map(len, responses))), dtype=np.float32)
    for channel, response in enumerate(responses):
        taps[channel, : len(response)] = response * to_sn3d[channel]
    return taps
