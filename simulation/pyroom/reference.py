"""The full image-source model of pyroomacoustics, encoded by its own microphones: a yardstick that owes us nothing.

What its version 0.10 does, and what is undone here: the direct sound arrives half a fractional-delay filter
(40 samples) after distance / c; a high-pass filter at 10 Hz is on by default; spherical harmonics are orthonormal (N3D
divided by the square root of 4 pi). Its amplitude is 1 / distance, as ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spatial_lalm.audio.conventions import acn_orders, channel_count
from spatial_lalm.audio.scene import OCTAVES_HZ, Room
from spatial_lalm.simulation.pyroom.rooms import build, place

MAX_IMAGE_ORDER = 60
"""Highest image order that is chosen unasked; some 300,000 images."""


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
    """Image order that holds all images of the room's T60 (Eyring's, 1 kHz), at most ``MAX_IMAGE_ORDER``."""
    absorption = np.array(room.wall_bands)[:, OCTAVES_HZ.index(1000.0)]
    mean = min(float(np.dot(absorption, room.wall_areas_m2)) / room.surface_m2, 0.999)
    t60 = 24 * np.log(10) / speed_m_s * room.enclosed_m3 / (-room.surface_m2 * np.log1p(-mean) + 1e-9)
    return int(min(np.ceil(t60 * speed_m_s / min(room.dimensions_m)), MAX_IMAGE_ORDER))


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
    default ``image_order``; outlines with many corners need a low one). The direct sound arrives at distance / c with
    the amplitude 1 / distance in W; of sources nearer than 0.86 m the first ripples of its sinc are cut off. Walls
    whose octave bands differ take many times as long as flat ones. Scattering and air absorption are left out.
    ``InputError``: a position outside the room.
    """
    from pyroomacoustics.directivities import RealSphericalHarmonicsDirectivity

    source, receiver = place("source", source_m, room), place("receiver", receiver_m, room)
    box = build(room, rate, image_order(room) if max_order is None else max_order)
    box.add_source(source)
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
