"""Random plausible microphone arrays, so that a network meets a new one in every scene.

Distribution: a family by ``FAMILIES``, then its size log-uniformly within 1.5 to 10 cm from the centre (spheres 2.5 to
9 cm), then its capsules, at least 8 mm apart:

- cloud: 4 to 12 capsules anywhere in a ball (a development kit, a robot's body)
- circle: 4 to 8 equally spaced, a third of them with one in the middle, a quarter lying on its side or tilted
- line: 3 to 8, half of them evenly spaced, the rest jittered, along y
- open sphere: 6 to 16, and rigid sphere: 6 to 32, spread evenly and turned at random
- tetrahedron: 4 of radius 1 to 5 cm, cardioids that look outwards in two of three
- head: 3 to 8 around a rigid head of 7.5 to 9.5 cm, at most 6 mm before it, below the crown and above the neck
- slab: 3 to 8 on the faces of a phone or laptop screen, lying or standing

A sixth of the open circles, lines and spheres and of the clouds has cardioids that look outwards.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.arrays import MicrophoneArray
from spatial_lalm.audio.conventions import rotation_matrix, unit_vector
from spatial_lalm.audio.encoding import fibonacci_grid

Floats = NDArray[np.float64]

LEAST_APART_M = 0.008
RADIUS_M = (0.015, 0.10)
SPHERE_M = (0.025, 0.09)
TETRAHEDRON_M = (0.01, 0.05)
HEAD_M = (0.075, 0.095)
CARDIOID_SHARE = 1 / 6
_TRIES = 1000


def sample_array(rng: np.random.Generator) -> MicrophoneArray:
    """Draw an array; its name is its family and its number of capsules, as in ``cloud7``."""
    names = list(FAMILIES)
    shares = np.array([FAMILIES[name][0] for name in names])
    name = str(rng.choice(names, p=shares / shares.sum()))
    return FAMILIES[name][1](name, rng)


def _log_uniform(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    return float(np.exp(rng.uniform(*np.log(bounds))))


def _turn(rng: np.random.Generator) -> Floats:
    """A rotation ``(3, 3)``, even over all (the QR decomposition of a normal matrix; Stewart, 1980)."""
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q *= np.sign(np.diag(r))
    return q if np.linalg.det(q) > 0 else q[:, ::-1]


def _apart(draw: Callable[[], Floats], count: int) -> Floats:
    """Positions ``(count, 3)``, drawn one by one and kept where they are far enough from all others.

    A place too small for all of them stays with fewer, but at least three.
    """
    kept: list[Floats] = []
    for _ in range(_TRIES):
        place = draw()
        if all(np.linalg.norm(place - other) >= LEAST_APART_M for other in kept):
            kept.append(place)
        if len(kept) == count:
            break
    return np.stack(kept)


def _open(name: str, rng: np.random.Generator, positions: Floats) -> MicrophoneArray:
    """Omni capsules, or now and then cardioids that look away from the middle."""
    title = f"{name}{len(positions)}"
    outwards = positions - positions.mean(axis=0)
    distances = np.linalg.norm(outwards, axis=1, keepdims=True)
    if rng.random() >= CARDIOID_SHARE:
        return MicrophoneArray(title, positions)
    look = np.where(distances > 1e-3, outwards, [1.0, 0.0, 0.0])  # one in the middle looks ahead
    return MicrophoneArray(title, positions, None, np.full(len(positions), 0.5), look)


def _cloud(name: str, rng: np.random.Generator) -> MicrophoneArray:
    radius = _log_uniform(rng, (0.02, RADIUS_M[1]))

    def place() -> Floats:
        direction = rng.normal(size=3)
        return np.asarray(radius * rng.random() ** (1 / 3) * direction / np.linalg.norm(direction))

    return _open(name, rng, _apart(place, int(rng.integers(4, 13))))


def _circle(name: str, rng: np.random.Generator) -> MicrophoneArray:
    count = int(rng.integers(4, 9))
    # Neighbours on a small circle must not touch.
    radius = _log_uniform(rng, (max(RADIUS_M[0], LEAST_APART_M / (2 * np.sin(np.pi / count))), RADIUS_M[1]))
    azimuths = rng.uniform(-180, 180) + np.arange(count) * 360 / count
    positions = radius * unit_vector(azimuths, 0.0)
    if rng.random() < 1 / 3:
        positions = np.concatenate([np.zeros((1, 3)), positions])
    if rng.random() < 1 / 4:
        positions = positions @ rotation_matrix(0, float(rng.uniform(-90, 90)), float(rng.uniform(-90, 90))).T
    return _open(name, rng, np.asarray(positions, dtype=np.float64))


def _line(name: str, rng: np.random.Generator) -> MicrophoneArray:
    count = int(rng.integers(3, 9))
    half = _log_uniform(rng, (max(0.02, (count - 1) * LEAST_APART_M), RADIUS_M[1]))
    along = np.linspace(half, -half, count)
    if rng.random() < 0.5:
        slack = 2 * half / (count - 1) - LEAST_APART_M
        along[1:-1] += rng.uniform(-slack / 2, slack / 2, count - 2)
    return _open(name, rng, np.stack([0 * along, along, 0 * along], axis=1))


def _on_sphere(rng: np.random.Generator, most: int) -> Floats:
    """Positions spread evenly over a sphere and turned at random, far enough apart for its size."""
    count, radius = int(rng.integers(6, most + 1)), _log_uniform(rng, SPHERE_M)
    return np.asarray(radius * fibonacci_grid(count) @ _turn(rng).T, dtype=np.float64)


def _open_sphere(name: str, rng: np.random.Generator) -> MicrophoneArray:
    return _open(name, rng, _on_sphere(rng, 16))


def _rigid_sphere(name: str, rng: np.random.Generator) -> MicrophoneArray:
    positions = _on_sphere(rng, 32)
    return MicrophoneArray(f"{name}{len(positions)}", positions, float(np.linalg.norm(positions[0])))


def _tetrahedron(name: str, rng: np.random.Generator) -> MicrophoneArray:
    corners = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
    look = corners if rng.random() < 0.5 else corners @ _turn(rng).T
    positions = _log_uniform(rng, TETRAHEDRON_M) * look
    if rng.random() < 1 / 3:
        return MicrophoneArray(f"{name}4", positions)
    return MicrophoneArray(f"{name}4", positions, None, np.full(4, 0.5), look)


def _head(name: str, rng: np.random.Generator) -> MicrophoneArray:
    radius = float(rng.uniform(*HEAD_M))

    def place() -> Floats:
        direction = unit_vector(rng.uniform(-180, 180), rng.uniform(-30, 50))
        return np.asarray((radius + rng.uniform(0, 0.006)) * direction, dtype=np.float64)

    positions = _apart(place, int(rng.integers(3, 9)))
    return MicrophoneArray(f"{name}{len(positions)}", positions, radius)


def _slab(name: str, rng: np.random.Generator) -> MicrophoneArray:
    width, height = rng.uniform(0.03, 0.08), rng.uniform(0.02, 0.055)

    def place() -> Floats:
        front = rng.choice([0.0, -0.008])
        return np.array([front, rng.uniform(-width, width), rng.uniform(-height, height)])

    positions = _apart(place, int(rng.integers(3, 9)))
    lying = rotation_matrix(0, 90, 0) if rng.random() < 0.5 else np.eye(3)
    return MicrophoneArray(f"{name}{len(positions)}", positions @ np.asarray(lying).T)


FAMILIES: dict[str, tuple[float, Callable[[str, np.random.Generator], MicrophoneArray]]] = {
    "cloud": (0.20, _cloud),
    "circle": (0.15, _circle),
    "line": (0.08, _line),
    "open_sphere": (0.10, _open_sphere),
    "rigid_sphere": (0.15, _rigid_sphere),
    "tetrahedron": (0.12, _tetrahedron),
    "head": (0.10, _head),
    "slab": (0.10, _slab),
}
"""Families with their shares."""
