"""Measured array and head responses from SOFA files (AES69): HDF5 with impulse responses and where the sources stood.

Conventions that store one impulse response a receiver and direction are read (``SimpleFreeFieldHRIR``, ``GeneralFIR``
and their kin), whatever their name. Only datasets inside the file itself are followed.

Legend: D directions, M microphones (SOFA's R), N samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.arrays import MAX_MICROPHONES, MicrophoneArray
from spatial_lalm.audio.conventions import unit_vector
from spatial_lalm.audio.encoding import INTERNAL_RATE, fibonacci_grid
from spatial_lalm.audio.measured import MeasuredResponses, arrival_times
from spatial_lalm.audio.resampling import resample
from spatial_lalm.errors import InputError

Floats = NDArray[np.float64]

MAX_VALUES = 50_000_000
MAX_DIRECTIONS = 3000
"""More are thinned: the interpolation's cost grows with their cube."""
LEAST_DIRECTIONS = 4
MANY_DIRECTIONS = 50
"""Enough to know the course of arrivals over the sphere."""
BEFORE_S, AFTER_S = 0.005, 0.027
"""What is kept of a response around the arrival at the centre."""
OUTSIDE_SHARE = 0.01
"""Most energy outside of that; more is a room's, not an array's."""
LEVEL_BAND_HZ = (250.0, 1000.0)
WIDEST_GAP_DEG = 25.0
TURNED_MARGIN = 0.2
STEADY_US = 15.0
"""RMS deviation of the measurements' starts that is taken for what microphones really hear."""
_NATIVE_RATES = (4000.0, 384_000.0)


@dataclass(frozen=True)
class _Content:
    """What a file says: responses ``(D, M, N)``, source directions ``(D, 3)`` and distances ``(D,)``, capsules."""

    impulses: Floats
    directions: Floats
    distances: Floats
    receivers: Floats
    rate: float


def read_sofa(path: str | Path) -> MicrophoneArray:
    """Read a SOFA file as an array with measured responses at 16 kHz; ``measured.notes`` tell what was assumed.

    An azimuth that runs clockwise against the standard is mended where the arrival times contradict the receivers'
    positions (two receivers without positions are left and right ear). The common delay is taken off: the mean arrival
    over all directions and receivers becomes time zero. The level is set so that 250 to 1000 Hz have unit mean power.
    Raises ``InputError`` with one line that names the file for whatever cannot be read.
    """
    try:
        return _array(Path(path).stem, _thinned(_content(path)))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _array(name: str, content: _Content) -> MicrophoneArray:
    """The array of a file's content."""
    raw = MeasuredResponses(content.directions, _resampled(content.impulses, content.rate), INTERNAL_RATE)
    steady, jitter = _steadied(raw)
    directions, turned = _unturned(steady, content.receivers)
    measured = _centred(MeasuredResponses(directions, steady.impulses, INTERNAL_RATE))
    assumed = ["time zero: the mean arrival over directions", "level: unit mean power from 250 to 1000 Hz"]
    notes = [*turned, *jitter, *assumed]
    nearest = np.max(fibonacci_grid() @ directions.T, axis=1).min()
    gap_deg = float(np.degrees(np.arccos(np.clip(nearest, -1, 1))))
    if gap_deg > WIDEST_GAP_DEG:
        notes.append(f"directions up to {gap_deg:.0f} degrees away from any measured one are extrapolated")
    final = MeasuredResponses(directions, _levelled(measured), INTERNAL_RATE, measured.zero, tuple(notes))
    return MicrophoneArray(name, content.receivers, measured=final)


# ---------------------------------------------------------------- the file


def _content(path: str | Path) -> _Content:
    """Open and check a file."""
    import h5py

    if not Path(path).is_file():
        raise InputError("no such SOFA file")
    try:
        with h5py.File(path, "r", locking=False) as file:
            return _checked(file)
    except (OSError, RuntimeError, KeyError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:100]
        raise InputError(f"this is no readable SOFA (HDF5) file ({reason}): export it again") from None


def _checked(file: Any) -> _Content:
    """The content of an open file, or ``InputError``."""
    if "Data.IR" not in file:
        kind = _text(file.attrs.get("DataType", "unknown"))
        raise InputError(f"no impulse responses (Data.IR) in data of type {kind}: convert it to FIR")
    impulses = _numbers(file, "Data.IR")
    if impulses.ndim != 3 or 0 in impulses.shape:
        raise InputError(f"Data.IR has shape {impulses.shape}: it must be (measurements, receivers, samples)")
    if impulses.shape[1] > MAX_MICROPHONES:
        raise InputError(f"{impulses.shape[1]} receivers: at most {MAX_MICROPHONES} are supported")
    if not (np.abs(impulses).max(axis=2) > 0).all():
        raise InputError("Data.IR holds responses that are all zero: leave those measurements out")
    rates = _numbers(file, "Data.SamplingRate").ravel()
    if len(rates) == 0 or not _NATIVE_RATES[0] <= rates[0] <= _NATIVE_RATES[1]:
        raise InputError(f"Data.SamplingRate is {rates[:1]}: it must be between 4000 and 384000 Hz")
    vectors = _source_vectors(file, len(impulses))
    distances = np.linalg.norm(vectors, axis=1)
    if (distances < 1e-6).any():
        raise InputError("SourcePosition holds a source at the listener's place: it has no direction")
    directions = vectors / distances[:, None]
    delayed = _delayed(file, impulses)
    return _Content(delayed, directions, distances, _receivers(file, impulses.shape[1]), float(rates[0]))


def _numbers(file: Any, name: str) -> Floats:
    """A dataset of finite numbers that lies in the file itself."""
    import h5py

    if name not in file:
        raise InputError(f"{name} is missing: a SOFA file needs it")
    if not isinstance(file.get(name, getlink=True), h5py.HardLink) or not isinstance(file[name], h5py.Dataset):
        raise InputError(f"{name} is no dataset of the file itself: export it again")
    dataset = file[name]
    if dataset.external or dataset.is_virtual:
        raise InputError(f"{name} lies in another file: export it again in one file")
    if dataset.dtype.kind not in "iuf" or dataset.size is None or dataset.size > MAX_VALUES:
        raise InputError(f"{name} of {dataset.size} values ({dataset.dtype}): give at most {MAX_VALUES} numbers")
    values = np.asarray(dataset[()], dtype=np.float64)
    if not np.isfinite(values).all():
        raise InputError(f"{name} holds values that are not finite: export it again")
    return values


def _text(value: object) -> str:
    """An attribute as lower-case text."""
    return (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)).strip().lower()[:40]


def _points(file: Any, name: str, count: int, default: tuple[float, float, float] | None) -> Floats:
    """Positions in metres ``(count, 3)``, one for all measurements or one each, spherical or cartesian in the file."""
    if name not in file and default is not None:
        return np.tile(np.array(default), (count, 1))
    values = _numbers(file, name)
    if values.ndim != 2 or values.shape[1] != 3 or len(values) not in (1, count):
        raise InputError(f"{name} has shape {values.shape}: it must be (1, 3) or ({count}, 3)")
    return np.broadcast_to(_cartesian(file, name, values), (count, 3))


def _cartesian(file: Any, name: str, values: Floats) -> Floats:
    """Rows of x, y, z from rows that the file says to be spherical (azimuth, elevation, distance) or cartesian."""
    kind = _text(file[name].attrs.get("Type", "cartesian"))
    if kind not in ("spherical", "cartesian"):
        raise InputError(f"{name} is of type {kind!r}: it must be spherical or cartesian")
    if kind == "cartesian":
        return values
    radians = _text(file[name].attrs.get("Units", "degree")).startswith("rad")
    azimuth, elevation = np.degrees(values[:, :2].T) if radians else values[:, :2].T
    return np.asarray(unit_vector(azimuth, elevation) * values[:, 2:], dtype=np.float64)


def _source_vectors(file: Any, count: int) -> Floats:
    """Where the sources stand as the listener sees them, ``(count, 3)``: x along its view, z along its up."""
    vectors = _points(file, "SourcePosition", count, None) - _points(file, "ListenerPosition", count, (0.0, 0.0, 0.0))
    front = _points(file, "ListenerView", count, (1.0, 0.0, 0.0))
    up = _points(file, "ListenerUp", count, (0.0, 0.0, 1.0))
    left = np.cross(up, front)
    if (np.linalg.norm(left, axis=1) < 1e-6).any():
        raise InputError("ListenerView and ListenerUp point the same way: they must be at right angles")
    axes = np.stack([front, left, np.cross(front, left)], axis=1)
    axes /= np.linalg.norm(axes, axis=2, keepdims=True)
    return np.asarray(np.einsum("daj,dj->da", axes, vectors), dtype=np.float64)


def _receivers(file: Any, count: int) -> Floats:
    """Capsule positions ``(M, 3)`` in metres; all at the origin where the file gives none."""
    if "ReceiverPosition" not in file:
        return np.zeros((count, 3))
    values = _numbers(file, "ReceiverPosition")
    values = values[..., 0] if values.ndim == 3 and values.shape[2] else values
    if values.shape != (count, 3):
        raise InputError(f"ReceiverPosition has shape {values.shape}: it must be ({count}, 3)")
    return _cartesian(file, "ReceiverPosition", values)


def _delayed(file: Any, impulses: Floats) -> Floats:
    """The responses with the delays that the file keeps apart (in samples) put back, but what all have in common."""
    if "Data.Delay" not in file:
        return impulses
    delays = _numbers(file, "Data.Delay")
    if delays.ndim != 2 or delays.shape[0] not in (1, len(impulses)) or delays.shape[1] != impulses.shape[1]:
        raise InputError(f"Data.Delay has shape {delays.shape}: it must be (1 or measurements, receivers)")
    delays = delays - delays.min()
    longest = float(delays.max())
    if longest == 0:
        return impulses
    if longest > 4096:
        raise InputError(f"Data.Delay differs by {longest:g} samples: an array's delays differ by less than 4096")
    size = impulses.shape[2] + int(np.ceil(longest)) + 16
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(size) * delays[..., None])
    return np.asarray(np.fft.irfft(np.fft.rfft(impulses, size, axis=2) * turn, size, axis=2))


def _thinned(content: _Content) -> _Content:
    """Every direction once, the farthest source of those that share one, and not more than can be interpolated."""
    far_first = np.argsort(-content.distances, kind="stable")
    _, first = np.unique(np.round(content.directions[far_first], 3), axis=0, return_index=True)
    kept = np.sort(far_first[first])
    kept = kept[:: -(-len(kept) // MAX_DIRECTIONS)]
    if len(kept) < LEAST_DIRECTIONS:
        raise InputError(f"{len(kept)} different source directions: at least {LEAST_DIRECTIONS} are needed")
    return _Content(
        content.impulses[kept], content.directions[kept], content.distances[kept], content.receivers, content.rate
    )


# ---------------------------------------------------------------- time, sides and level


def _resampled(impulses: Floats, rate: float) -> NDArray[np.float32]:
    """Responses at 16 kHz; a tap of the new rate stands for more or less time, so the level follows."""
    rows = impulses.reshape(-1, impulses.shape[2]).astype(np.float32)
    resampled = resample(rows, round(rate)) * np.float32(rate / INTERNAL_RATE)
    return resampled.reshape(*impulses.shape[:2], -1)


def _steadied(measured: MeasuredResponses) -> tuple[MeasuredResponses, list[str]]:
    """Responses that start together: a measurement's own delay, common to all its receivers, is taken off.

    Cut by hand, or measured row by row, responses of one set may start tens of microseconds apart; what all receivers
    share beyond the smooth course of arrivals over the sphere is that. Few directions do not tell the one from the
    other.
    """
    if len(measured.directions) < MANY_DIRECTIONS:
        return measured, []
    astray = (arrival_times(measured.impulses) - measured.delays(measured.directions)).mean(axis=1)
    astray_us = 1e6 * np.sqrt(np.mean(astray**2)) / measured.rate
    if astray_us < STEADY_US:
        return measured, []
    size = 2 * measured.impulses.shape[2]
    turn = np.exp(2j * np.pi * np.fft.rfftfreq(size) * astray[:, None, None])
    moved = np.fft.irfft(np.fft.rfft(measured.impulses, size, axis=2) * turn, size, axis=2)
    kept = moved[..., : size // 2].astype(np.float32)
    note = f"timing: measurements start {astray_us:.0f} us (RMS) apart from each other: aligned"
    return MeasuredResponses(measured.directions, kept, measured.rate), [note]


def _unturned(measured: MeasuredResponses, receivers: Floats) -> tuple[Floats, list[str]]:
    """Directions with the azimuth counter-clockwise, and a note where the file's ran the other way.

    The receiver on the source's side hears it first: measured leads are compared with those that the positions foretell
    for the azimuth as it is and for its mirror image.
    """
    places = receivers - receivers.mean(axis=0)
    if len(receivers) == 2 and np.abs(places[:, 1]).max() < 1e-4:
        places = np.array([[0.0, 0.09, 0.0], [0.0, -0.09, 0.0]])
    mirrored = measured.directions * [1.0, -1.0, 1.0]
    leads = -measured.delays(measured.directions)
    as_is, turned = (_agreement(leads, way @ places.T) for way in (measured.directions, mirrored))
    if turned < as_is + TURNED_MARGIN:
        return measured.directions, []
    return mirrored, [f"azimuth: runs clockwise in the file (leads agree by {turned:.2f}, else {as_is:.2f}): mirrored"]


def _agreement(leads: Floats, foretold: Floats) -> float:
    """Correlation of the differences between the microphones, -1 to 1."""
    one, other = (values - values.mean(axis=1, keepdims=True) for values in (leads, foretold))
    return float(np.sum(one * other) / max(np.sqrt(np.sum(one**2) * np.sum(other**2)), 1e-30))


def _centred(measured: MeasuredResponses) -> MeasuredResponses:
    """The responses cut to what an array can ring for, and the sample of time zero in them."""
    first = round(measured.mean_delay - BEFORE_S * measured.rate)
    last = round(measured.mean_delay + AFTER_S * measured.rate)
    low, high = max(first, 0), min(last, measured.impulses.shape[2])
    kept = measured.impulses[..., low:high].copy()
    outside = 1 - float(np.sum(kept.astype(np.float64) ** 2) / np.sum(measured.impulses.astype(np.float64) ** 2))
    if outside > OUTSIDE_SHARE:
        raise InputError(
            f"{outside:.0%} of the energy lies more than {1000 * AFTER_S:g} ms after the direct sound: these are a "
            "room's responses; give free-field responses of the array"
        )
    fade = np.minimum(np.arange(kept.shape[2], 0, -1) / 16, 1.0)
    return MeasuredResponses(
        measured.directions, (kept * fade).astype(np.float32), measured.rate, measured.mean_delay - low
    )


def _levelled(measured: MeasuredResponses) -> NDArray[np.float32]:
    """Responses of unit mean power over directions and capsules from 250 to 1000 Hz."""
    spectrum = np.fft.rfft(measured.impulses, 2048, axis=2)
    hertz = np.fft.rfftfreq(2048, 1 / measured.rate)
    inside = (hertz >= LEVEL_BAND_HZ[0]) & (hertz <= LEVEL_BAND_HZ[1])
    power = float(np.mean(np.abs(spectrum[..., inside]) ** 2))
    return np.asarray(measured.impulses / np.float32(np.sqrt(power)), dtype=np.float32)
