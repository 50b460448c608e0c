"""Microphone arrays that are known by name.

Channel order is the maker's where there is one. Azimuths run counter-clockwise from the front, elevations upwards.
Sources: em32, mh acoustics "em32 Eigenmike release notes v17", appendix; Zylia ZM-1 and tetrahedral A-format, the
sensor presets of the Spatial Audio Framework (McCormack); ReSpeaker, the configuration files of ODAS (Grondin et al.);
STARSS microphone set, the STARSS22/23 description (four capsules of an em32).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spatial_lalm.audio.arrays import MicrophoneArray
from spatial_lalm.audio.conventions import unit_vector
from spatial_lalm.errors import InputError

HEAD_RADIUS_M = 0.0875

_EM32_COLATITUDE = (
    *(69, 90, 111, 90, 32, 55, 90, 125, 148, 125, 90, 55, 21, 58, 121, 159),
    *(69, 90, 111, 90, 32, 55, 90, 125, 148, 125, 90, 55, 21, 58, 122, 159),
)
_EM32_AZIMUTH = (
    *(0, 32, 0, 328, 0, 45, 69, 45, 0, 315, 291, 315, 91, 90, 90, 89),
    *(180, 212, 180, 148, 180, 225, 249, 225, 180, 135, 111, 135, 269, 270, 270, 271),
)
_ZYLIA_AZIMUTH = (0, 0.2, 120.1, -119.9, -82.2, -37.6, 37.9, 82.3, 157.9, -157.6)
_ZYLIA_ELEVATION = (90, 48.1, 48.1, 48.2, 19.4, 19.4, 19.4, 19.4, 19.4, 19.4)


def _towards(azimuths_deg: ArrayLike, elevations_deg: ArrayLike) -> NDArray[np.float64]:
    """Unit vectors ``(M, 3)`` in double precision."""
    return unit_vector(azimuths_deg, elevations_deg).astype(np.float64)


def _circle(radius: float, azimuths: Sequence[float]) -> NDArray[np.float64]:
    """Positions ``(M, 3)`` on a level circle."""
    return radius * _towards(azimuths, 0.0)


def _sphere(name: str, radius: float, azimuths: ArrayLike, elevations: ArrayLike) -> MicrophoneArray:
    """Omni capsules on a rigid sphere."""
    return MicrophoneArray(name, radius * _towards(azimuths, elevations), radius)


def _open(name: str, positions: NDArray[np.float64]) -> MicrophoneArray:
    """Omni capsules in the free field."""
    return MicrophoneArray(name, positions)


def _tetrahedral() -> MicrophoneArray:
    """Four cardioids that look outwards: front-left-up, front-right-down, back-left-down, back-right-up."""
    look = _towards(np.array([45.0, -45.0, 135.0, -135.0]), np.degrees(np.arcsin(np.sqrt(1 / 3))) * _ALTERNATE)
    return MicrophoneArray("tetrahedral", 0.015 * look, None, np.full(4, 0.5), look)


def _em32() -> MicrophoneArray:
    """Eigenmike: 32 capsules on a rigid sphere of 4.2 cm."""
    return _sphere("em32", 0.042, _EM32_AZIMUTH, 90 - np.array(_EM32_COLATITUDE))


def _zylia() -> MicrophoneArray:
    """ZM-1: the corners of a dodecahedron but the lowest; the lower nine are opposite to capsules 5 to 10, 2 to 4."""
    opposite = [6, 7, 8, 9, 4, 5, 1, 2, 3]
    upper = _towards(_ZYLIA_AZIMUTH, _ZYLIA_ELEVATION)
    return MicrophoneArray("zylia", 0.049 * np.concatenate([upper, -upper[opposite]]), 0.049)


def _respeaker7() -> MicrophoneArray:
    """Centre first, then the circle."""
    return _open("respeaker7", np.concatenate([np.zeros((1, 3)), _circle(0.032, _RESPEAKER_SIX)]))


def _glasses() -> MicrophoneArray:
    """Five microphones on spectacles before a rigid head: left temple, left rim, bridge, right rim, right temple."""
    directions = _towards([75, 35, 0, -35, -75], [5, 10, 15, 10, 5])
    distances = np.array([0.092, 0.098, 0.102, 0.098, 0.092])
    return MicrophoneArray("glasses", distances[:, None] * directions, HEAD_RADIUS_M)


_ALTERNATE = np.array([1.0, -1.0, -1.0, 1.0])
_RESPEAKER_SIX = (120, 180, 240, 300, 0, 60)
_PRESETS: dict[str, tuple[str, Callable[[], MicrophoneArray]]] = {
    "tetrahedral": ("four cardioids that look outwards (A-format: FLU, FRD, BLD, BRU)", _tetrahedral),
    "em32": ("Eigenmike: 32 capsules on a rigid sphere", _em32),
    "zylia": ("Zylia ZM-1: 19 capsules on a rigid sphere", _zylia),
    "starss_mic": (
        "the four capsules of an Eigenmike that STARSS gives",
        lambda: _sphere("starss_mic", 0.042, (45, -45, 135, -135), (35, -35, -35, 35)),
    ),
    "respeaker4": (
        "ReSpeaker USB 4 Mic Array: a square",
        lambda: _open("respeaker4", _circle(0.032, (180, -90, 0, 90))),
    ),
    "respeaker6": (
        "ReSpeaker 6-Mic Circular Array: a hexagon",
        lambda: _open("respeaker6", _circle(0.0463, _RESPEAKER_SIX)),
    ),
    "respeaker7": ("ReSpeaker Core: one in the middle, six around it", _respeaker7),
    "circle6": (
        "six omni capsules evenly on a level circle",
        lambda: _open("circle6", _circle(0.046, range(0, 360, 60))),
    ),
    "circle8": (
        "eight omni capsules evenly on a level circle",
        lambda: _open("circle8", _circle(0.05, range(0, 360, 45))),
    ),
    "linear4": (
        "four omni capsules on a line from left to right",
        lambda: _open("linear4", np.array([[0, y, 0] for y in (0.06, 0.02, -0.02, -0.06)])),
    ),
    "glasses": ("spectacles on a rigid head: temples, rims, bridge", _glasses),
    "binaural": (
        "two ears of a rigid sphere as large as a head",
        lambda: _sphere("binaural", HEAD_RADIUS_M, (90, -90), (0, 0)),
    ),
}


def preset_names() -> tuple[str, ...]:
    """Names that ``preset`` knows."""
    return tuple(_PRESETS)


def preset_summary(name: str) -> str:
    """What a preset is, in one line."""
    return _PRESETS[name][0]


@cache
def preset(name: str) -> MicrophoneArray:
    """The array of that name; ``InputError`` lists the names where there is none."""
    if name not in _PRESETS:
        raise InputError(f"array {name!r} is not known: choose {', '.join(_PRESETS)}, or give a .json or .sofa file")
    return _PRESETS[name][1]()
