"""Conventions: round trips, rotations and mirrors commute, and a plane wave comes back from where it came."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatial_lalm.audio import conventions as cv
from spatial_lalm.errors import InputError

ORDERS = (1, 2, 3)
PAIRS = [
    (source, target, order)
    for order in ORDERS
    for source in cv.CONVENTIONS
    for target in cv.CONVENTIONS
    if order == 1 or "fuma" not in (source, target)
]
azimuths = st.floats(-179.9, 180.0)
elevations = st.floats(-89.0, 89.0)


def field(order: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(cv.channel_count(order), 7))


def quadrature() -> tuple[np.ndarray, np.ndarray]:
    """Directions (D, 3) and weights (D,) that integrate harmonics up to order 9 exactly (Gauss-Legendre)."""
    z, weight = np.polynomial.legendre.leggauss(8)
    azimuth = np.arange(16) * 22.5
    elevation = np.degrees(np.arcsin(z))
    directions = cv.unit_vector(azimuth[None], elevation[:, None]).reshape(-1, 3)
    return directions, np.repeat(weight / 32, 16)


# ---------------------------------------------------------------- angles


@given(azimuths, elevations)
def test_angles_undo_unit_vector(azimuth: float, elevation: float) -> None:
    back_azimuth, back_elevation = cv.angles(cv.unit_vector(azimuth, elevation))
    assert abs(cv.wrap_degrees(back_azimuth - azimuth)) < 1e-9
    assert back_elevation == pytest.approx(elevation, abs=1e-9)


@given(st.floats(-1e4, 1e4))
def test_wrap_is_half_open(angle: float) -> None:
    wrapped = float(cv.wrap_degrees(angle))
    assert -180 < wrapped <= 180
    assert np.cos(np.radians(wrapped - angle)) == pytest.approx(1, abs=1e-9)


def test_wrap_keeps_180() -> None:
    np.testing.assert_array_equal(cv.wrap_degrees([180.0, -180.0, 540.0, 0.0]), [180, 180, 180, 0])


@pytest.mark.parametrize(("azimuth", "elevation", "axis"), [(0, 0, (1, 0, 0)), (90, 0, (0, 1, 0)), (0, 90, (0, 0, 1))])
def test_axes_are_front_left_up(azimuth: float, elevation: float, axis: tuple[int, ...]) -> None:
    np.testing.assert_allclose(cv.unit_vector(azimuth, elevation), axis, atol=1e-12)


@given(st.floats(1e-6, 179.999))
def test_angle_between_is_exact_for_small_and_large(angle: float) -> None:
    between = cv.angle_between([2.0, 0, 0], cv.unit_vector(angle, 0.0))
    assert between == pytest.approx(angle, rel=1e-9)


# ---------------------------------------------------------------- spherical harmonics


def test_harmonics_are_orthogonal_with_sn3d_norm() -> None:
    directions, weight = quadrature()
    harmonics = cv.spherical_harmonics(3, directions)
    gram = harmonics.T @ (weight[:, None] * harmonics)
    np.testing.assert_allclose(gram, np.diag(1 / (2 * cv.acn_orders(3) + 1)), atol=1e-12)


@pytest.mark.parametrize("order", ORDERS)
def test_addition_theorem(order: int) -> None:
    """Sum of squares within one order is 1 in every direction with SN3D weights (Unsoeld)."""
    directions, _ = quadrature()
    squares = cv.spherical_harmonics(order, directions) ** 2
    for n in range(order + 1):
        np.testing.assert_allclose(squares[:, cv.acn_orders(order) == n].sum(axis=1), 1, atol=1e-12)


@pytest.mark.parametrize("order", ORDERS)
def test_left_right_mirror_flips_exactly_the_sine_channels(order: int) -> None:
    """Channels of negative degree m go as sin(|m| azimuth): a mirror at y = 0 changes their sign and no other."""
    directions, _ = quadrature()
    degree = np.concatenate([np.arange(-n, n + 1) for n in range(order + 1)])
    sign = np.where(degree < 0, -1.0, 1.0)
    mirrored = cv.spherical_harmonics(order, directions * [1, -1, 1])
    np.testing.assert_allclose(mirrored, cv.spherical_harmonics(order, directions) * sign, atol=1e-12)


@pytest.mark.parametrize("order", ORDERS)
@given(azimuth=azimuths, elevation=elevations)
def test_plane_wave_comes_back_from_its_direction(order: int, azimuth: float, elevation: float) -> None:
    """The maximum-directivity beam, N3D weighted, is loudest where the wave came from, at every order."""
    wave = cv.spherical_harmonics(order, cv.unit_vector(azimuth, elevation)[None])[0]
    grid = np.concatenate([quadrature()[0], cv.unit_vector(azimuth, elevation)[None]])
    beam = cv.spherical_harmonics(order, grid) @ (wave * (2 * cv.acn_orders(order) + 1))
    assert int(beam.argmax()) == len(grid) - 1
    assert beam.max() == pytest.approx(cv.channel_count(order))


@given(azimuths, elevations)
def test_intensity_points_at_the_source(azimuth: float, elevation: float) -> None:
    w, y, z, x = cv.spherical_harmonics(1, cv.unit_vector(azimuth, elevation)[None])[0]
    np.testing.assert_allclose([w * x, w * y, w * z], cv.unit_vector(azimuth, elevation), atol=1e-12)


# ---------------------------------------------------------------- conversions


@pytest.mark.parametrize(("source", "target", "order"), PAIRS)
def test_conversion_round_trip(source: cv.Convention, target: cv.Convention, order: int) -> None:
    signals = field(order)
    there = cv.convert(signals, source, target)
    np.testing.assert_allclose(cv.convert(there, target, source), signals, atol=1e-12)


@pytest.mark.parametrize(("source", "target", "order"), PAIRS)
def test_conversions_compose(source: cv.Convention, target: cv.Convention, order: int) -> None:
    signals = field(order)
    through = cv.convert(cv.convert(signals, source, "n3d"), "n3d", target)
    np.testing.assert_allclose(through, cv.convert(signals, source, target), atol=1e-12)


@pytest.mark.parametrize("order", ORDERS)
@given(yaw=azimuths, pitch=elevations, roll=azimuths)
def test_conversion_commutes_with_rotation(order: int, yaw: float, pitch: float, roll: float) -> None:
    """Weights are one factor per order and rotations mix within one order only, so their sequence cannot matter."""
    rotation = cv.rotation_matrix(yaw, pitch, roll)
    signals = field(order)
    one = cv.convert(cv.rotate(signals, rotation), "ambix", "n3d")
    other = cv.rotate(cv.convert(signals, "ambix", "n3d"), rotation)
    np.testing.assert_allclose(one, other, atol=1e-9)


def test_n3d_channels_of_a_diffuse_field_are_equally_loud() -> None:
    directions, weight = quadrature()
    waves = cv.convert(cv.spherical_harmonics(3, directions).T, "ambix", "n3d")
    np.testing.assert_allclose((waves**2) @ weight, 1, atol=1e-12)


def test_fuma_is_w_3_db_down_then_x_y_z() -> None:
    wave = cv.spherical_harmonics(1, cv.unit_vector(30.0, 20.0)[None]).T
    fuma = cv.convert(wave, "ambix", "fuma")[:, 0]
    np.testing.assert_allclose(fuma, [np.sqrt(0.5), *cv.unit_vector(30.0, 20.0)], atol=1e-12)


@pytest.mark.parametrize("order", [2, 3])
def test_fuma_above_first_order_is_refused(order: int) -> None:
    with pytest.raises(InputError, match=f"fuma of order {order}"):
        cv.convert(field(order), "fuma", "ambix")


@pytest.mark.parametrize("channels", [0, 1, 3, 5, 8, 25])
def test_channel_counts_that_are_no_set_are_refused(channels: int) -> None:
    with pytest.raises(InputError, match=rf"^{channels} channels"):
        cv.order_of(channels)


@pytest.mark.parametrize("order", [-1, 4])
def test_orders_that_have_no_closed_form_are_refused(order: int) -> None:
    with pytest.raises(InputError, match=f"order {order} is not supported"):
        cv.spherical_harmonics(order, [[1.0, 0, 0]])


def test_conversion_keeps_single_precision() -> None:
    assert cv.convert(field(1).astype(np.float32), "fuma", "ambix").dtype == np.float32


# ---------------------------------------------------------------- rotations


@pytest.mark.parametrize("order", ORDERS)
@given(azimuth=azimuths, elevation=elevations, yaw=azimuths, pitch=elevations, roll=azimuths)
def test_rotating_the_field_moves_the_source(
    order: int, azimuth: float, elevation: float, yaw: float, pitch: float, roll: float
) -> None:
    rotation = cv.rotation_matrix(yaw, pitch, roll)
    direction = cv.unit_vector(azimuth, elevation)
    rotated = cv.rotate(cv.spherical_harmonics(order, direction[None]).T, rotation)
    np.testing.assert_allclose(rotated[:, 0], cv.spherical_harmonics(order, rotation @ direction), atol=1e-9)


@pytest.mark.parametrize("order", ORDERS)
def test_rotations_compose_and_keep_energy(order: int) -> None:
    first, second = cv.rotation_matrix(20, -35, 70), cv.rotation_matrix(-100, 15, 5)
    signals = field(order)
    twice = cv.rotate(cv.rotate(signals, first), second)
    np.testing.assert_allclose(twice, cv.rotate(signals, second @ first), atol=1e-9)
    matrix = cv.ambisonic_rotation(order, first)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(len(matrix)), atol=1e-9)


@pytest.mark.parametrize(
    ("turn", "start", "end"),
    [((90, 0, 0), (0, 0), (90, 0)), ((0, 90, 0), (0, 0), (0, 90)), ((0, 0, 90), (90, 0), (0, 90))],
)
def test_yaw_is_to_the_left_pitch_and_roll_go_up(
    turn: tuple[float, ...], start: tuple[float, float], end: tuple[float, float]
) -> None:
    moved = cv.rotation_matrix(*turn) @ cv.unit_vector(*start)
    np.testing.assert_allclose(moved, cv.unit_vector(*end), atol=1e-12)


def test_mirror_changes_sign_of_y_alone_at_first_order() -> None:
    signals = field(1)
    mirrored = cv.rotate(signals, np.diag([1.0, -1.0, 1.0]))
    np.testing.assert_allclose(mirrored, signals * np.array([[1], [-1], [1], [1]]), atol=1e-9)
