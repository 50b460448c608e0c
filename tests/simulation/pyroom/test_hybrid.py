"""Images and rays of the second engine: against hand-derived values, its own microphones, and our engine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pyroomacoustics import random as library_random
from scipy.signal import butter, oaconvolve, sosfilt

from spatial_lalm.audio.conventions import angle_between, rotation_matrix
from spatial_lalm.audio.scene import FIELD_M, Room
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.acoustics import measure
from spatial_lalm.simulation.engine.decay import HIGH_PASS_HZ, high_pass_response
from spatial_lalm.simulation.engine.moving import STEP_S, knot_count
from spatial_lalm.simulation.engine.paths import CARDIOID, TALKER, Path
from spatial_lalm.simulation.engine.render import Response, render_responses
from spatial_lalm.simulation.pyroom import reference_moving, reference_response, reference_responses
from spatial_lalm.simulation.receivers import named_receiver
from spatial_lalm.simulation.room import polygon_room

Floats = NDArray[np.floating[Any]]
RATE = 16_000
WALLS = (0.1, 0.2, 0.15, 0.25, 0.12, 0.3)
ROOM = Room((6.0, 5.0, 3.0), WALLS)
SOURCE, RECEIVER = np.array([4.3, 3.6, 1.9]), np.array([2.1, 1.7, 1.2])
PATH = Path(ROOM, SOURCE, RECEIVER, seed=1)
L_SHAPE = ((0.0, 0.0), (7.0, 0.0), (7.0, 3.0), (4.0, 3.0), (4.0, 6.0), (0.0, 6.0))
FOA = named_receiver("foa")


def heard(path: Path, receiver: str = "foa", max_order: int | None = None) -> Response:
    return reference_responses([path], named_receiver(receiver), RATE, max_order)[0]


def level_db(response: Response) -> Floats:
    return np.asarray(10 * np.log10(np.sum(response.taps.astype(float) ** 2, axis=1)))


# ---------------------------------------------------------------- direct sound


@pytest.mark.parametrize("vector", [(2.0, 0.3, 0.4), (-1.2, 1.1, -0.6), (0.4, -1.5, 0.9)])
@pytest.mark.parametrize("corners", [(), ((0.0, 0.0), (6.0, 0.0), (6.0, 5.0), (0.0, 5.0))])
def test_direct_sound_has_delay_amplitude_and_direction(
    vector: tuple[float, float, float], corners: tuple[tuple[float, float], ...]
) -> None:
    """Before walls that take everything, the phase of the high-pass taken off."""
    receiver = np.array([3.0, 2.5, 1.5])
    response = heard(Path(Room((6.0, 5.0, 3.0), (1.0,) * 6, corners_m=corners), receiver + vector, receiver))
    distance = float(np.linalg.norm(vector))
    assert response.direct_sample == pytest.approx(distance / 343.0 * RATE, abs=1e-3)
    hertz = np.fft.rfftfreq(8192, 1 / RATE)[1:]
    spectrum = np.fft.rfft(response.omni, 8192)[1:] / high_pass_response(hertz)
    band = (hertz > 1000) & (hertz < 3000)
    slope = np.polyfit(2 * np.pi * hertz[band], np.unwrap(np.angle(spectrum[band])), 1)[0]
    assert -slope * RATE == pytest.approx(response.direct_sample, abs=0.02)
    assert np.abs(spectrum[band]).mean() == pytest.approx(1 / distance, rel=0.02)
    assert angle_between(response.taps[[3, 1, 2]] @ response.taps[0], vector) < 0.1


def test_receiver_that_is_turned_hears_directions_in_its_own_frame() -> None:
    turned = heard(replace(PATH, facing=rotation_matrix(70.0)))
    plain = heard(PATH)
    vector = plain.taps[[3, 1, 2]] @ plain.taps[0]
    assert angle_between(turned.taps[[3, 1, 2]] @ turned.taps[0], vector @ rotation_matrix(70.0)) < 1e-2
    np.testing.assert_allclose(turned.omni, plain.omni, atol=1e-6)


# ---------------------------------------------------------------- images


def test_early_reflections_are_those_of_the_librarys_own_microphones() -> None:
    """Until rays may come; second order, through our high-pass, between 200 Hz and 4 kHz where the filters are flat."""
    path = replace(PATH, room=replace(ROOM, scattering=0.0))
    ours = heard(path, "hoa2").taps
    high_pass = butter(4, HIGH_PASS_HZ, "high", fs=RATE, output="sos")
    theirs = sosfilt(high_pass, reference_response(ROOM, SOURCE, RECEIVER, order=2, max_order=9), axis=1)
    band = butter(4, [200, 4000], "band", fs=RATE, output="sos")
    early = int(0.03 * RATE)
    a, b = sosfilt(band, ours[:, :early], axis=1), sosfilt(band, theirs[:, :early], axis=1)
    correlation = np.sum(a * b, axis=1) / np.sqrt(np.sum(a**2, axis=1) * np.sum(b**2, axis=1))
    assert correlation.min() > 0.995
    assert np.abs(10 * np.log10(np.sum(a**2, axis=1) / np.sum(b**2, axis=1))).max() < 0.2


def test_rectangular_outline_is_the_shoebox() -> None:
    """Two ways through the library: images searched over the walls and counted on the lattice."""
    outline = polygon_room(
        ((0, 0), (6, 0), (6, 5), (0, 5)), 3.0, (WALLS[2], WALLS[1], WALLS[3], WALLS[0], WALLS[4], WALLS[5])
    )
    a, b = heard(PATH, max_order=4), heard(replace(PATH, room=outline), max_order=4)
    early = int(0.02 * RATE)
    assert np.abs(a.taps[:, :early] - b.taps[:, :early]).max() < 1e-3 * np.abs(a.taps).max()
    np.testing.assert_allclose(level_db(a), level_db(b), atol=0.1)
    assert measure(a.omni, a.direct_sample, RATE).t60_s == pytest.approx(
        measure(b.omni, b.direct_sample, RATE).t60_s, rel=0.03
    )


def test_outdoors_there_is_the_ground_alone() -> None:
    """Both engines have the same two arrivals there."""
    source, receiver = np.array([85.0, 82.0, 1.5]), np.array([80.0, 80.0, 1.0])
    path = Path(Room(FIELD_M, (1.0, 1.0, 1.0, 1.0, 0.1, 1.0), scattering=0.5), source, receiver)
    a, b = heard(path).omni, render_responses([path], FOA, RATE)[0].omni
    count = min(len(a), len(b))
    assert np.abs(a[:count] - b[:count]).max() < 2e-3 * np.abs(b).max()


# ---------------------------------------------------------------- rays


@pytest.mark.parametrize("absorption", [0.15, 0.3])
def test_shoebox_without_scattering_sounds_as_in_our_engine(absorption: float) -> None:
    path = replace(PATH, room=Room((6.0, 5.0, 3.0), (absorption,) * 6))
    ours, theirs = render_responses([path], FOA, RATE)[0], heard(path)
    a, b = (measure(response.omni, response.direct_sample, RATE) for response in (ours, theirs))
    assert b.t60_s == pytest.approx(a.t60_s, rel=0.1)
    assert b.drr_db == pytest.approx(a.drr_db, abs=0.5)
    assert b.c50_db == pytest.approx(a.c50_db, abs=1.0)
    np.testing.assert_allclose(level_db(theirs), level_db(ours), atol=0.7)


@pytest.mark.parametrize("scattering", [0.3, 0.6])
def test_scattering_adds_no_energy(scattering: float) -> None:
    """The library sends scattered energy to the receiver on top of the rest: 1.1 and 2 dB too much, were it left."""
    path = replace(PATH, room=Room((6.0, 5.0, 3.0), (0.2,) * 6, scattering=scattering))
    ours, theirs = render_responses([path], FOA, RATE)[0], heard(path)
    assert level_db(theirs)[0] == pytest.approx(level_db(ours)[0], abs=0.7)
    a, b = (measure(response.omni, response.direct_sample, RATE) for response in (ours, theirs))
    assert b.t60_s == pytest.approx(a.t60_s, rel=0.2)


def test_seam_between_images_and_rays_leaves_the_energy_as_it_is() -> None:
    """Whether reflections of an order come as images or by rays: the library itself has one order twice."""
    room = Room((6.0, 5.0, 3.0), (0.3,) * 6)
    levels = [level_db(heard(replace(PATH, room=room), max_order=order))[0] for order in (0, 1, 3, 8)]
    assert np.ptp(levels) < 0.5


def test_directed_source_is_as_loud_as_in_our_engine() -> None:
    for aim in ((1.0, 0.0, 0.0), (-1.0, -1.0, 0.0)):
        for pattern in (TALKER, CARDIOID):
            path = replace(PATH, pattern=pattern, aim=np.array(aim))
            ours, theirs = render_responses([path], FOA, RATE)[0], heard(path)
            np.testing.assert_allclose(level_db(theirs), level_db(ours), atol=1.0)


def test_late_field_has_the_power_of_diffuse_ambisonics() -> None:
    """Channels of degree n have 1 / (2 n + 1) of W's power where sound comes from everywhere (rays mix by s = 1)."""
    cube = Room((5.0, 5.0, 5.0), (0.1,) * 6, scattering=1.0)
    path = Path(cube, np.array([1.2, 3.7, 2.0]), np.array([2.8, 1.9, 2.6]))
    late = heard(path, "hoa2").taps[:, int(0.1 * RATE) : int(0.8 * RATE)].astype(float)
    power = np.sum(late**2, axis=1)
    np.testing.assert_allclose(10 * np.log10(power[1:4] / power[0] * 3), 0, atol=1.5)
    np.testing.assert_allclose(10 * np.log10(power[4:].mean() / power[0] * 5), 0, atol=1.0)


def test_room_over_an_outline_decays_by_eyring() -> None:
    """99 m3 and 144 m2 by hand, all of it scattering."""
    room = polygon_room(L_SHAPE, 3.0, (0.2,) * 8, scattering=1.0)
    response = heard(Path(room, np.array([6.0, 1.5, 1.5]), np.array([2.0, 1.2, 1.2])))
    expected = 24 * np.log(10) / 343.0 * 99 / (-144 * np.log(1 - 0.2))
    bands = measure(response.omni, response.direct_sample, RATE).t60_bands_s
    np.testing.assert_allclose(bands[2:4], expected, rtol=0.2)


def test_more_absorption_in_a_band_shortens_its_decay() -> None:
    bands = (0.05, 0.05, 0.1, 0.2, 0.4, 0.6)
    response = heard(replace(PATH, room=Room((6.0, 5.0, 3.0), (bands,) * 6, scattering=0.5)))
    found = measure(response.omni, response.direct_sample, RATE).t60_bands_s
    assert np.all(np.diff(found[1:]) < 0)
    assert found[1] > 3 * found[5]


# ---------------------------------------------------------------- receivers


def test_capsules_hear_the_direct_sound_where_they_are() -> None:
    """Of an open array: the capsule that is nearer hears it earlier by what the plane wave needs between the two."""
    receiver = named_receiver("respeaker4")
    assert receiver.array is not None
    response = reference_responses([replace(PATH, room=Room((6.0, 5.0, 3.0), (1.0,) * 6))], receiver, RATE)[0]
    assert response.taps.shape[0] == len(receiver.array.positions)
    direction = (SOURCE - RECEIVER) / np.linalg.norm(SOURCE - RECEIVER)
    early = receiver.array.positions @ direction / 343.0
    spectra = np.fft.rfft(response.taps, 8192)
    hertz = np.fft.rfftfreq(8192, 1 / RATE)
    band = (hertz > 500) & (hertz < 2500)
    phases = np.angle(spectra[:, band] * np.fft.rfft(response.omni, 8192)[band].conj())
    slopes = np.array([np.polyfit(2 * np.pi * hertz[band], np.unwrap(phase), 1)[0] for phase in phases])
    np.testing.assert_allclose(slopes, early, atol=3e-6)


# ---------------------------------------------------------------- moving


def test_source_at_rest_sounds_the_same_by_both_ways() -> None:
    """All knots alike: the plain convolution, but for how the direct sound is read between samples."""
    dry = np.random.default_rng(0).standard_normal(8000).astype(np.float32)
    path = replace(PATH, room=Room((6.0, 5.0, 3.0), (0.4,) * 6))
    moving = reference_moving(dry, [path] * knot_count(len(dry), RATE), FOA, RATE)
    still = oaconvolve(dry[None], heard(path).taps, axes=1)
    count = min(moving.shape[1], still.shape[1])
    error = np.sum((moving[:, :count] - still[:, :count]) ** 2) / np.sum(still**2)
    assert 10 * np.log10(error) < -30


def test_passing_source_moves_from_side_to_side_and_is_doppler_shifted() -> None:
    seconds, speed = 1.0, 10.0
    times = np.arange(round(seconds * RATE)) / RATE
    dry = np.sin(2 * np.pi * 1000 * times).astype(np.float32)
    room = Room((14.0, 6.0, 3.0), (1.0,) * 6)
    knots = np.arange(knot_count(len(dry), RATE)) * STEP_S
    ways = [Path(room, np.array([2.0 + speed * knot, 5.0, 1.5]), np.array([7.0, 1.0, 1.5])) for knot in knots]
    wet = reference_moving(dry, ways, FOA, RATE)
    early, late = wet[:, 2000:4000], wet[:, 14000:16000]
    assert float(np.sum(early[3] * early[0])) < 0 < float(np.sum(late[3] * late[0]))
    pitch = [np.argmax(np.abs(np.fft.rfft(part[0] * np.hanning(2000), 2**16))) * RATE / 2**16 for part in (early, late)]
    assert pitch[0] > 1010
    assert pitch[1] < 990


def test_reflections_do_not_click_or_fade_between_knots() -> None:
    """The level of noise on the way stays within what both ends have."""
    dry = np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    room = Room((6.0, 5.0, 3.0), (0.2,) * 6)
    steps = np.linspace(0, 1, knot_count(len(dry), RATE))
    ways = [Path(room, np.array([4.0, 1.5 + 1.0 * step, 1.5]), np.array([1.5, 2.0, 1.2])) for step in steps]
    wet = reference_moving(dry, ways, FOA, RATE)[0, 6400:16000]
    levels = 10 * np.log10(np.mean(wet.reshape(-1, 1600) ** 2, axis=1))
    assert np.ptp(levels) < 2.5


# ---------------------------------------------------------------- order and refusals


def test_seed_decides_everything_and_threads_nothing() -> None:
    room = polygon_room(L_SHAPE, 3.0, (0.3,) * 8, scattering=0.4)
    path = Path(room, np.array([6.0, 1.5, 1.5]), np.array([2.0, 1.2, 1.2]), seed=5)
    threads = torch.get_num_threads()
    first = heard(path)
    np.random.default_rng().random()
    heard(replace(path, seed=6))
    try:
        torch.set_num_threads(2 if threads == 1 else 1)
        again = heard(path)
    finally:
        torch.set_num_threads(threads)
    assert first.taps.tobytes() == again.taps.tobytes()
    assert first.taps.tobytes() != heard(replace(path, seed=6)).taps.tobytes()


def test_librarys_random_numbers_go_on_as_if_nothing_had_been() -> None:
    library_random.seed(numpy=3, libroom=4)
    expected = library_random.get_rng().random(4)
    library_random.seed(numpy=3, libroom=4)
    heard(Path(polygon_room(L_SHAPE, 3.0, (0.5,) * 8), np.array([6.0, 1.5, 1.5]), np.array([2.0, 1.2, 1.2])))
    np.testing.assert_array_equal(library_random.get_rng().random(4), expected)


def test_hidden_source_is_refused() -> None:
    room = polygon_room(L_SHAPE, 3.0, (0.3,) * 8)
    hidden = Path(room, np.array([6.5, 1.5, 1.5]), np.array([2.0, 5.5, 1.2]))
    with pytest.raises(InputError, match="a wall hides it from the receiver"):
        heard(hidden)
    with pytest.raises(InputError, match="a wall hides it from the receiver"):
        reference_moving(np.zeros(1600, np.float32), [hidden] * knot_count(1600, RATE), FOA, RATE)


def test_position_in_the_missing_corner_is_refused() -> None:
    room = polygon_room(L_SHAPE, 3.0, (0.3,) * 8)
    with pytest.raises(InputError, match=r"source at \[5.5, 4.5, 1.5\] m: must be inside the room"):
        heard(Path(room, np.array([5.5, 4.5, 1.5]), np.array([2.0, 1.2, 1.2])))
    with pytest.raises(InputError, match="receiver at"):
        heard(Path(room, np.array([2.0, 1.2, 1.2]), np.array([5.5, 4.5, 1.5])))
