"""Closed forms of an isotropic field against plain averages over many directions."""

import numpy as np
import pytest

from spatial_lalm.audio.arrays import SPEED_OF_SOUND, MicrophoneArray
from spatial_lalm.audio.conventions import acn_orders, spherical_harmonics
from spatial_lalm.audio.encoding import fibonacci_grid
from spatial_lalm.audio.isotropic import isotropic_moments
from spatial_lalm.audio.presets import preset

GRID = fibonacci_grid(6000)
HERTZ = np.array([0.0, 40.0, 1000.0, 6000.0, 20_000.0])


def mixed_array() -> MicrophoneArray:
    """Patterns from figure-of-eight to omni that look anywhere, one capsule at the origin."""
    rng = np.random.default_rng(1)
    positions = 0.03 * rng.normal(size=(5, 3))
    positions[0] = 0
    return MicrophoneArray("mixed", positions, None, np.array([0.0, 0.25, 0.5, 0.75, 1.0]), rng.normal(size=(5, 3)))


def two_shells() -> MicrophoneArray:
    """Capsules on and before a rigid sphere."""
    return MicrophoneArray("shells", fibonacci_grid(6) * np.array([[0.04], [0.05]] * 3), 0.04)


ARRAYS = [mixed_array(), two_shells(), preset("respeaker7"), preset("em32")]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: array.name)
def test_closed_forms_are_means_over_the_sphere(array: MicrophoneArray) -> None:
    manifold = array.manifold(HERTZ, GRID)
    hermitian = manifold.conj().swapaxes(1, 2) / len(GRID)
    gram, cross = isotropic_moments(array, 3, HERTZ, GRID)
    np.testing.assert_allclose(gram, manifold @ hermitian, atol=3e-4)
    np.testing.assert_allclose(cross, spherical_harmonics(3, GRID).T @ hermitian, atol=1e-4)


def test_two_omnis_are_coherent_by_the_sinc_of_their_distance() -> None:
    array = MicrophoneArray("pair", np.array([[0.0, 0.05, 0.0], [0.0, -0.05, 0.0]]))
    gram, _ = isotropic_moments(array, 1, HERTZ, GRID)
    np.testing.assert_allclose(gram[:, 0, 1], np.sinc(2 * HERTZ * 0.1 / SPEED_OF_SOUND), atol=1e-12)
    np.testing.assert_allclose(gram[:, 0, 0], 1, atol=1e-12)


def test_coincident_dipoles_are_the_first_order_itself() -> None:
    """An omni and three figures-of-eight at one point hear W, Y, Z and X, at any frequency."""
    look = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]])
    array = MicrophoneArray("soundfield", np.zeros((4, 3)), None, np.array([1.0, 0, 0, 0]), look)
    gram, cross = isotropic_moments(array, 1, HERTZ, GRID)
    expected = np.broadcast_to(np.diag(1 / (2.0 * acn_orders(1) + 1)), gram.shape)
    np.testing.assert_allclose(gram, expected, atol=1e-12)
    np.testing.assert_allclose(cross, expected, atol=1e-12)
