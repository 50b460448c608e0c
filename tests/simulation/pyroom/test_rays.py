"""Histograms of rays against image energies, and the pulses that are made of them."""

from __future__ import annotations

import numpy as np
import pytest

from spatial_lalm.audio.scene import Room
from spatial_lalm.simulation.engine.paths import TALKER, Path
from spatial_lalm.simulation.pyroom.rays import Histogram, pulses_of, trace
from spatial_lalm.simulation.pyroom.rooms import build

ROOM = Room((6.0, 5.0, 3.0), (0.3,) * 6)
PATH = Path(ROOM, np.array([4.3, 3.6, 1.9]), np.array([2.1, 1.7, 1.2]), seed=2)


def image_energy(path: Path, first_order: int) -> float:
    """Energy of all images from an order on, one by one, for walls that are alike in all bands."""
    box = build(path.room, 8000, 30)
    box.add_source(path.source)
    box.add_microphone(path.receiver)
    box.image_source_model()
    source = box.sources[0]
    distance = np.linalg.norm(source.images.T - path.receiver, axis=1)
    return float(np.sum((source.damping[0] / distance)[source.orders >= first_order] ** 2))


@pytest.mark.parametrize("first_order", [0, 1, 4])
def test_rays_from_an_order_on_have_the_energy_of_its_images(first_order: int) -> None:
    histogram = trace(PATH, first_order)
    assert histogram.energy.sum() == pytest.approx(image_energy(PATH, first_order), rel=0.06)


def test_direct_rays_come_from_the_source() -> None:
    histogram = trace(PATH, 0)
    first = int(PATH.direct_s / histogram.bin_s)
    towards = histogram.directions[histogram.energy[:, 0, first].argmax()]
    assert towards @ PATH.direct / np.linalg.norm(PATH.direct) > np.cos(np.radians(15))


def test_pulses_have_the_energy_and_directions_of_their_histogram() -> None:
    rng = np.random.default_rng(0)
    energy = rng.exponential(1.0, (12, 3, 50)) * np.exp(-np.arange(50) / 10)
    directions = rng.standard_normal((12, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    energy[:, :, 20] = 0
    pulses = pulses_of(Histogram(energy, directions, 0.016), PATH)
    bins = (pulses.times // 0.016).astype(int)
    found = np.array([np.sum(pulses.amplitude[bins == k] ** 2, axis=0) for k in range(50)])
    late = np.arange(50) > 2  # before, reflections are few and the direct sound has not come
    np.testing.assert_allclose(found[late].sum(axis=1), energy.sum(axis=(0, 1))[late], rtol=1e-6)
    np.testing.assert_allclose(found[late].sum(axis=0), energy[:, :, late].sum(axis=(0, 2)), rtol=0.1)
    flow = (pulses.amplitude**2).sum(axis=1) @ pulses.directions
    np.testing.assert_allclose(flow, energy.sum(axis=(1, 2)) @ directions, atol=0.05 * energy.sum())


def test_no_pulse_comes_before_the_direct_sound_and_late_ones_have_both_signs() -> None:
    pulses = pulses_of(trace(PATH, 1), PATH)
    assert pulses.times.min() >= PATH.direct_s
    assert 0.45 < np.mean(pulses.amplitude[:, 0] > 0) < 0.55


def test_pulses_of_neighbouring_places_share_times_and_signs() -> None:
    """So that responses along a way can be cross-faded without a loss of level."""
    near = Path(ROOM, PATH.source + np.array([0.05, 0.0, 0.0]), PATH.receiver, seed=2)
    a, b = pulses_of(trace(PATH, 3), PATH), pulses_of(trace(near, 3), near)
    signs = [dict(zip(np.round(p.times, 9).tolist(), np.sign(p.amplitude[:, 0]), strict=True)) for p in (a, b)]
    shared = signs[0].keys() & signs[1].keys()
    assert len(shared) > 0.9 * min(len(a.times), len(b.times))
    assert all(signs[0][time] == signs[1][time] for time in shared)


def test_talker_sends_less_backwards() -> None:
    towards = Path(ROOM, PATH.source, PATH.receiver, TALKER, -PATH.direct, None, 2)
    away = Path(ROOM, PATH.source, PATH.receiver, TALKER, PATH.direct, None, 2)
    direct = [trace(path, 0).energy[:, :, int(PATH.direct_s / 0.004)].sum(axis=0) for path in (towards, away)]
    np.testing.assert_allclose(
        np.sqrt(direct[1] / direct[0]), np.abs(2 * np.array(TALKER.alpha) - 1), rtol=0.3, atol=0.05
    )
