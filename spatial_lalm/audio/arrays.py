"""Microphone arrays: where the capsules are, how they hear, and what they record of a plane wave.

Sign convention: time runs as e^{+jwt} and a plane wave from direction d reaches position r as exp(+jk r.d), so a
microphone nearer to the source hears it *earlier* (k = 2 pi f / 343 m/s).

Legend: F frequencies, M microphones, D directions.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spatial_lalm.audio.measured import MeasuredResponses
from spatial_lalm.audio.radial import rigid_sphere_response
from spatial_lalm.errors import InputError

SPEED_OF_SOUND = 343.0
"""Metres a second, air at 20 degrees Celsius."""
MAX_MICROPHONES = 64
MAX_EXTENT_M = 5.0
CLOSEST_M = 1e-4
"""Capsules nearer to each other than this must look in different directions."""
_FIELDS = {"name", "positions_m", "rigid_radius_m", "directivity", "look"}


@dataclass(frozen=True, eq=False)
class MicrophoneArray:
    """Geometry and directivity of an array; arrays of equal acoustics are equal, whatever their names.

    ``positions`` is ``(M, 3)`` in metres (x front, y left, z up; the origin is where the sound field is described).
    ``rigid_radius_m`` is the radius of a rigid sphere around the origin, on or outside which the microphones sit, or
    ``None`` for an open array. ``directivity`` ``(M,)`` holds the first-order pattern alpha + (1 - alpha) cos(angle to
    ``look``): 1 omni, 0.5 cardioid, 0 figure-of-eight; ``look`` is ``(M, 3)`` and needed unless all are omni.
    Raises ``InputError`` where these do not fit together.
    """

    name: str
    positions: NDArray[np.float64]
    rigid_radius_m: float | None = None
    directivity: NDArray[np.float64] | None = None
    look: NDArray[np.float64] | None = None
    measured: MeasuredResponses | None = None

    def __post_init__(self) -> None:
        """Check, normalise and freeze the arrays."""
        positions = _table(self.name, "positions_m", self.positions)
        alpha = _alphas(self.name, self.directivity, len(positions))
        _check_extent(self.name, positions)
        _check_rigid(self.name, positions, self.rigid_radius_m, alpha)
        look = _look_directions(self.name, self.look, alpha)
        if self.measured is None:
            _check_apart(self.name, positions, alpha, look)
        elif self.measured.microphones != len(positions):
            raise InputError(
                f"array {self.name}: {self.measured.microphones} measured responses for {len(positions)} positions_m"
            )
        object.__setattr__(self, "positions", _frozen(positions))
        object.__setattr__(self, "directivity", _frozen(alpha))
        object.__setattr__(self, "look", look)

    @property
    def microphones(self) -> int:
        """Number of capsules, that is of channels."""
        return len(self.positions)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that matters to sound (all but the name), as 64 hexadecimal digits."""
        look = None if self.look is None else self.look.tolist()
        content = [self.positions.tolist(), self.rigid_radius_m, np.asarray(self.directivity).tolist(), look]
        if self.measured is not None:
            content.append(self.measured.digest)
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        """Equal acoustics."""
        return isinstance(other, MicrophoneArray) and self.digest == other.digest

    def __hash__(self) -> int:
        """Hash of the acoustics."""
        return hash(self.digest)

    def manifold(self, frequencies: ArrayLike, directions: ArrayLike) -> NDArray[np.complex128]:
        """Response of every microphone to unit plane waves, ``(F, M, D)``, relative to the free field at the origin.

        ``frequencies`` ``(F,)`` in Hz, ``directions`` ``(D, 3)`` unit vectors towards the sources. Open arrays: phase
        times directivity. Rigid spheres: closed-form expansion, see ``rigid_sphere_response``. Measured responses:
        interpolated over directions, see ``MeasuredResponses``.
        """
        if self.measured is not None:
            return self.measured.manifold(frequencies, directions)
        wavenumber = 2 * np.pi * np.atleast_1d(np.asarray(frequencies, dtype=float)) / SPEED_OF_SOUND
        sources = np.atleast_2d(np.asarray(directions, dtype=float))
        if self.rigid_radius_m is not None:
            return rigid_sphere_response(wavenumber, self.rigid_radius_m, self.positions, sources)
        phase: NDArray[np.complex128] = np.exp(1j * wavenumber[:, None, None] * (self.positions @ sources.T))
        if self.look is None:
            return phase
        alpha = np.asarray(self.directivity)[:, None]
        heard: NDArray[np.complex128] = phase * (alpha + (1 - alpha) * (self.look @ sources.T))
        return heard

    def to_dict(self) -> dict[str, Any]:
        """The array as plain JSON values, the format of array files; of measured responses their digest alone."""
        alpha = np.asarray(self.directivity)
        look = None if self.look is None else self.look.tolist()
        measured = {} if self.measured is None else {"measured": self.measured.digest}
        return measured | {
            "name": self.name,
            "positions_m": self.positions.tolist(),
            "rigid_radius_m": self.rigid_radius_m,
            "directivity": alpha.tolist(),
            "look": look,
        }

    def save(self, path: str | Path) -> None:
        """Write the array as a JSON file; ``InputError`` for measured responses, which JSON does not hold."""
        if self.measured is not None:
            raise InputError(f"array {self.name} has measured responses: keep its SOFA file, JSON holds geometry only")
        Path(path).write_text(json.dumps(self.to_dict(), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> MicrophoneArray:
        """Read a JSON array file, or a SOFA file (``.sofa``) of measured responses.

        ``InputError`` names the file and the field that is wrong.
        """
        if str(path).lower().endswith(".sofa"):
            from spatial_lalm.audio.sofa import read_sofa

            return read_sofa(path)
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise InputError(f"{path}: no such array file") from None
        except OSError as error:
            raise InputError(f"{path}: the array file cannot be read ({error.strerror})") from None
        except (ValueError, RecursionError) as error:
            reason = " ".join(str(error).split())
            raise InputError(f"{path}: an array file must be JSON ({reason})") from None
        if isinstance(content, dict):
            content.setdefault("name", Path(path).stem)
        try:
            return cls.from_dict(content)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None

    @classmethod
    def from_dict(cls, content: object) -> MicrophoneArray:
        """Build an array from the JSON values that ``to_dict`` gives; ``InputError`` for anything else."""
        if not isinstance(content, Mapping):
            raise InputError("an array file must hold one JSON object with name and positions_m")
        if "measured" in content:
            raise InputError("array field measured: responses were measured; give the array's SOFA file instead")
        unknown = sorted(str(key) for key in content.keys() - _FIELDS)
        if unknown:
            raise InputError(f"array field {unknown[0]!r} is unknown: use {', '.join(sorted(_FIELDS))}")
        name, radius = content.get("name"), content.get("rigid_radius_m")
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise InputError(f"array field name is {name!r}: it must be a line of text")
        if radius is not None and (isinstance(radius, bool) or not isinstance(radius, int | float)):
            raise InputError(f"array {name}: rigid_radius_m is {radius!r}: it must be metres or null")
        if "positions_m" not in content:
            raise InputError(f"array {name}: positions_m is missing: give [x, y, z] in metres for every microphone")
        radius_m = None if radius is None else float(radius)
        return cls(name, content["positions_m"], radius_m, content.get("directivity"), content.get("look"))


# ---------------------------------------------------------------- checks


def _frozen(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """A read-only copy, so that an array's hash cannot go stale."""
    copy = np.array(values, dtype=np.float64)
    copy.setflags(write=False)
    return copy


def _numbers(name: str, field: str, values: object) -> NDArray[np.float64]:
    """Finite numbers, or ``InputError``."""
    try:
        numbers = np.asarray(values)
    except ValueError:  # rows of different lengths
        numbers = np.empty(0, dtype=object)
    if numbers.dtype.kind not in "iuf" or not np.isfinite(numbers).all():
        raise InputError(f"array {name}: {field} must hold finite numbers only, in rows of equal length")
    return numbers.astype(np.float64)


def _table(name: str, field: str, values: object) -> NDArray[np.float64]:
    """Rows of x, y, z for 1 to 64 microphones."""
    table = _numbers(name, field, values)
    if table.ndim != 2 or table.shape[1] != 3 or not 1 <= len(table) <= MAX_MICROPHONES:
        raise InputError(
            f"array {name}: {field} has shape {table.shape}: give [x, y, z] for 1 to {MAX_MICROPHONES} microphones"
        )
    return table


def _alphas(name: str, values: object, microphones: int) -> NDArray[np.float64]:
    """One pattern coefficient in [0, 1] for every microphone; a single number serves all, none means omni."""
    alpha = _numbers(name, "directivity", 1.0 if values is None else values)
    if alpha.ndim == 0:
        alpha = np.full(microphones, float(alpha))
    if alpha.shape != (microphones,):
        raise InputError(f"array {name}: directivity has shape {alpha.shape}: give one number, or {microphones}")
    if (alpha < 0).any() or (alpha > 1).any():
        raise InputError(f"array {name}: directivity must lie between 0 (figure-of-eight) and 1 (omni)")
    return alpha


def _look_directions(name: str, values: object, alpha: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Unit look directions, or ``None`` where every capsule is omni."""
    if (alpha == 1).all():
        return None
    if values is None:
        raise InputError(f"array {name}: look is missing: directivity below 1 needs [x, y, z] for every microphone")
    look = _table(name, "look", values)
    length = np.linalg.norm(look, axis=1, keepdims=True)
    if len(look) != len(alpha) or (length < 1e-9).any():
        raise InputError(f"array {name}: look must be {len(alpha)} directions [x, y, z], none of them zero")
    return _frozen(look / length)


def _check_extent(name: str, positions: NDArray[np.float64]) -> None:
    """Refuse positions that cannot be metres."""
    extent = float(np.abs(positions).max())
    if extent > MAX_EXTENT_M:
        raise InputError(
            f"array {name}: positions_m reaches {extent:g}: at most {MAX_EXTENT_M:g} m (are these millimetres?)"
        )


def _check_apart(
    name: str, positions: NDArray[np.float64], alpha: NDArray[np.float64], look: NDArray[np.float64] | None
) -> None:
    """Refuse capsules at one place that hear the same: they would pass for an array and carry no direction."""
    aimed = alpha[:, None] * 0 if look is None else (1 - alpha[:, None]) * look  # with alpha, the whole pattern
    pattern = np.column_stack([alpha, aimed])
    near = np.linalg.norm(positions[:, None] - positions, axis=-1) < CLOSEST_M
    alike = np.abs(pattern[:, None] - pattern).max(axis=-1) < 1e-3
    pairs = np.argwhere(np.triu(near & alike, 1))
    if len(pairs):
        one, other = (pairs[0] + 1).tolist()
        raise InputError(
            f"array {name}: positions_m of microphones {one} and {other} coincide and they hear alike: place them "
            f"at least {1000 * CLOSEST_M:g} mm apart, or give directional ones different look"
        )


def _check_rigid(name: str, positions: NDArray[np.float64], radius: float | None, alpha: NDArray[np.float64]) -> None:
    """Refuse rigid spheres of impossible size, with microphones inside, or with directional capsules."""
    if radius is None:
        return
    if not 0.001 <= radius <= 1.0 or not math.isfinite(radius):
        raise InputError(f"array {name}: rigid_radius_m is {radius:g}: it must lie between 0.001 and 1 m")
    nearest = float(np.linalg.norm(positions, axis=1).min())
    if nearest < radius * 0.995:
        raise InputError(
            f"array {name}: a microphone {nearest:g} m from the centre is inside the sphere of {radius:g} m"
        )
    if (alpha != 1).any():
        raise InputError(f"array {name}: directivity must be 1 (omni) for microphones on a rigid sphere")
