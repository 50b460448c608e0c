"""What a response is asked for: a room, a source with its directivity, and where the receiver is and looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.arrays import SPEED_OF_SOUND
from spatial_lalm.audio.scene import OCTAVES_HZ, Room
from spatial_lalm.errors import InputError

Floats = NDArray[np.floating[Any]]

AIR_DB_PER_KM = np.array([0.4, 1.1, 2.4, 4.7, 9.9, 29.0])
"""Air absorption at the octave bands, 20 degrees C and 50 % humidity (ISO 9613-1)."""


@dataclass(frozen=True)
class SourcePattern:
    """Directivity of a source: first order in every octave band, alpha + (1 - alpha) cos(angle from its aim).

    ``alpha`` ``(bands,)``: 1 omni, 0.5 cardioid, 0 figure-of-eight; the gain along the aim is 1.
    """

    alpha: tuple[float, ...] = (1.0,) * len(OCTAVES_HZ)

    @property
    def diffuse_power(self) -> Floats:
        """Radiated power over that of an omni source of the same on-axis level, ``(bands,)`` (inverse directivity)."""
        alpha = np.array(self.alpha)
        power: Floats = alpha**2 + (1 - alpha) ** 2 / 3
        return power


OMNI = SourcePattern()
SUBCARDIOID = SourcePattern((0.75,) * len(OCTAVES_HZ))
CARDIOID = SourcePattern((0.5,) * len(OCTAVES_HZ))
TALKER = SourcePattern((0.93, 0.87, 0.80, 0.74, 0.66, 0.58))
"""A talker: 1, 3, 4, 6, 10 and 16 dB weaker to the back, close to what talkers were measured to be between 125 Hz and
4 kHz (Chu & Warnock, "Detailed directivity of sound fields around human talkers", NRC IRC-RR-104, 2002)."""
PATTERNS: dict[str, SourcePattern] = {
    "omni": OMNI,
    "subcardioid": SUBCARDIOID,
    "cardioid": CARDIOID,
    "talker": TALKER,
}


@dataclass(frozen=True)
class Path:
    """From one source to one receiver.

    Positions ``(3,)`` in metres inside the room, ``aim (3,)`` where the source looks (None: it radiates alike to all
    sides), ``facing (3, 3)`` the receiver's rotation (``conventions.rotation_matrix``). ``seed`` decides the late
    field's noise: paths of one seed share it, as those along a trajectory must.
    """

    room: Room
    source: Floats
    receiver: Floats
    pattern: SourcePattern = OMNI
    aim: Floats | None = None
    facing: Floats | None = None
    seed: int = 0

    @property
    def direct(self) -> Floats:
        """Vector ``(3,)`` from the receiver to the source in metres, in the receiver's own frame."""
        vector: Floats = np.asarray(self.source, float) - np.asarray(self.receiver, float)
        return vector if self.facing is None else vector @ np.asarray(self.facing)

    @property
    def direct_s(self) -> float:
        """Travel time of the direct sound in seconds."""
        return float(np.linalg.norm(self.direct)) / SPEED_OF_SOUND


def require_shoeboxes(paths: Sequence[Path]) -> None:
    """``InputError`` for a room over a floor with corners, which the image lattice is not."""
    corners = next((path.room.corners_m for path in paths if path.room.corners_m), ())
    if corners:
        raise InputError(
            f"room over {len(corners)} corners {corners}: the image engine knows shoeboxes only; render it with "
            "--engine pyroomacoustics"
        )


def decay_times(room: Room) -> Floats:
    """Eyring's T60 with air absorption in seconds, per octave band ``(bands,)``."""
    times: Floats = 6 * np.log(10) / scattered_rates(room)
    return times


def scattered_rates(room: Room) -> Floats:
    """Eyring's energy decay rates with air absorption in 1/s, ``(bands,)``: where every reflection scatters."""
    mean = np.minimum(np.array(room.wall_areas_m2) @ np.array(room.wall_bands) / room.surface_m2, 0.999)
    walls = -room.surface_m2 * np.log1p(-mean) / (4 * room.enclosed_m3)
    rates: Floats = SPEED_OF_SOUND * (walls + air_rates())
    return rates


def air_rates() -> Floats:
    """Energy that the air takes, in nepers a metre, ``(bands,)``."""
    rates: Floats = AIR_DB_PER_KM / (10_000 / np.log(10))
    return rates
