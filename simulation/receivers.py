"""Receivers: what turns the harmonics of a sound field into the channels of ideal ambisonics or of any array.

Legend: M channels, K harmonics, B octave bands, S samples of the diffuse bank.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.arrays import SPEED_OF_SOUND, MicrophoneArray
from spatial_lalm.audio.conventions import acn_orders, channel_count
from spatial_lalm.audio.encoding import INTERNAL_RATE
from spatial_lalm.audio.presets import preset
from spatial_lalm.audio.scene import OCTAVES_HZ
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.acoustics import octave_masks
from spatial_lalm.simulation.diffuse import ambisonic_bank, array_bank
from spatial_lalm.simulation.expansion import FIT_DEGREE, Expansion, expansion_of, measured_expansion

LEFT_OUT_DB = -45.0
"""Most that the degrees above a band's highest may carry, over the mean power of the array in a diffuse field."""
HIGHEST_DEGREE = 20
"""Enough for a radius of 10.4 cm up to 8 kHz."""
MEASURED_LEFT_OUT_DB = -30.0
"""The same for measured responses: what lies lower is noise of the measurement, which fills every degree."""
SPARE_DEGREES = 6
"""Degrees beyond kr that are looked at: what comes after is below -80 dB."""
DEGREE_BINS = 65
MEASURED_TOP_BIN = 60
"""7.4 kHz: above, the resampling of measured responses leaves nothing but noise."""
AMBISONICS = {"foa": 1, "hoa2": 2, "hoa3": 3}


@dataclass(frozen=True)
class CapsuleErrors:
    """How far real capsules differ from their data sheet.

    All deviations are normal with mean zero: gain, delay (a phase that grows with frequency), and position along each
    axis (on a rigid sphere along its surface). A capsule's own noise lies evenly within ``noise_floor_db``, in dB (RMS)
    re full scale; ``None`` means none.
    """

    gain_db: float = 0.0
    delay_us: float = 0.0
    position_m: float = 0.0
    noise_floor_db: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Receiver:
    """A receiver of harmonics (SN3D, ACN) up to degree ``order``.

    ``degrees (B,)`` are the highest that matter in each octave band of ``OCTAVES_HZ``; ``array`` is the nominal
    geometry, ``None`` for ideal ambisonics. ``gains (M,)`` and ``delays_s (M,)`` are what the capsules really do over
    that; ``noise (M,)`` is the RMS of their own noise re full scale, which is theirs alone (incoherent, white).
    """

    name: str
    channels: int
    order: int
    degrees: tuple[int, ...]
    array: MicrophoneArray | None = None
    gains: NDArray[np.float64] = field(default_factory=lambda: np.ones(1))
    delays_s: NDArray[np.float64] = field(default_factory=lambda: np.zeros(1))
    noise: NDArray[np.float64] = field(default_factory=lambda: np.zeros(1))
    expansion: Expansion | None = None

    def response(self, bins: int, rate: int) -> NDArray[np.complex64] | None:
        """Response ``(M, K, bins)`` to every harmonic from 0 Hz to half the rate, under e^{+jwt}; read-only.

        ``None`` means identity. Gains, delays and displaced positions are in it. In memory the frequencies come first,
        so that products over K at every frequency run through it in order. The latest two are kept.
        """
        return None if self.expansion is None else _response(self, bins, rate)

    def mismatch(self, bins: int, rate: int) -> NDArray[np.complex64]:
        """Gain and delay of every capsule over frequency, ``(M, bins)``; part of ``response`` already."""
        turn = -2j * np.pi * np.linspace(0, rate / 2, bins) * self.delays_s[:, None]
        return np.asarray(self.gains[:, None] * np.exp(turn), dtype=np.complex64)

    def diffuse_bank(self, rate: int) -> NDArray[np.float32]:
        """A period of diffuse isotropic noise as the receiver hears it, by octave bands: ``(B, rows, S)``, S = 2^17.

        Of arrays the first row is the omni pressure W in the free field at their centre, and the capsules follow: as
        coherent with W and each other as physics has it. Of ideal ambisonics the rows are the channels, incoherent,
        with W first as ever. W has unit variance over the sum of the bands. The noise is fixed by a seed and kept.

        Capsules off their data sheet get the nominal array's noise, to be multiplied by ``row_gains``: a displacement
        of a millimetre or a delay of microseconds changes the coherence less than two stretches of noise differ, and a
        bank costs a hundred responses.
        """
        if self.array is None:
            return ambisonic_bank(self.order, rate)
        return array_bank(self.array, self.order, rate)

    def diffuse_noise(self, rate: int, place: int, samples: int) -> NDArray[np.float32]:
        """Noise ``(B, rows, samples)`` from a place of the bank on, round and round, as the capsules hear it."""
        bank = self.diffuse_bank(rate)
        start = place % bank.shape[2]
        rounds = -(-(start + samples) // bank.shape[2])
        ends = [(start if turn == 0 else 0, start + samples - turn * bank.shape[2]) for turn in range(rounds)]
        stretch = np.concatenate([bank[:, :, first:last] for first, last in ends], axis=2)
        stretch *= self.row_gains[:, None]
        return stretch

    @property
    def row_gains(self) -> NDArray[np.float32]:
        """What the capsules do to the rows of the diffuse bank, ``(rows,)``: nothing to W and to ideal channels."""
        gains = self.gains if self.array is None else np.concatenate([[1.0], self.gains])
        return np.asarray(gains, dtype=np.float32)


@lru_cache(maxsize=2)
def _response(receiver: Receiver, bins: int, rate: int) -> NDArray[np.complex64]:
    assert receiver.expansion is not None
    exact = (receiver.gains == 1).all() and (receiver.delays_s == 0).all()
    response = receiver.expansion.spectra(bins, rate, None if exact else receiver.mismatch(bins, rate))
    response.setflags(write=False)
    return response


# ---------------------------------------------------------------- making them


@lru_cache
def ambisonic_receiver(order: int) -> Receiver:
    """Ideal ambisonics (AmbiX) of an order from 0 to 3."""
    if not 0 <= order <= 3:
        raise InputError(f"ambisonic order {order} is not supported: choose 0 to 3")
    count = channel_count(order)
    return Receiver(
        f"ambix order {order}",
        count,
        order,
        (order,) * len(OCTAVES_HZ),
        gains=np.ones(count),
        delays_s=np.zeros(count),
        noise=np.zeros(count),
    )


def array_receiver(
    array: MicrophoneArray, errors: CapsuleErrors | None = None, rng: np.random.Generator | None = None
) -> Receiver:
    """A receiver of any array; with ``errors``, one realisation of its capsules drawn from ``rng``.

    Degrees are those of the nominal array. Measured responses know no positions, so displacements leave them alone.
    ``InputError`` where an array is too large to be rendered up to 8 kHz.
    """
    if errors is None:
        return _perfect(array)
    rng = np.random.default_rng() if rng is None else rng
    count, degrees = array.microphones, array_degrees(array)
    gains = 10 ** (rng.normal(0, errors.gain_db, count) / 20)
    delays_s = rng.normal(0, errors.delay_us * 1e-6, count)
    displaced = _displaced(array, rng.normal(0, errors.position_m, (count, 3)))
    floor = errors.noise_floor_db
    noise = np.zeros(count) if floor is None else 10 ** (rng.uniform(*floor, count) / 20)
    expansion = expansion_of(displaced, degrees[-1])
    return Receiver(array.name, count, degrees[-1], degrees, array, gains, delays_s, noise, expansion)


@lru_cache(maxsize=16)
def _perfect(array: MicrophoneArray) -> Receiver:
    """Capsules as their data sheet says."""
    count, degrees = array.microphones, array_degrees(array)
    ideal = np.ones(count), np.zeros(count), np.zeros(count)
    return Receiver(array.name, count, degrees[-1], degrees, array, *ideal, expansion_of(array, degrees[-1]))


def _displaced(array: MicrophoneArray, offsets: NDArray[np.float64]) -> MicrophoneArray:
    """The array with its capsules moved; those around a rigid sphere keep their distance from its centre."""
    if array.measured is not None or not offsets.any():
        return array
    moved = array.positions + offsets
    if array.rigid_radius_m is not None:
        distances = np.linalg.norm(array.positions, axis=1, keepdims=True)
        moved *= distances / np.linalg.norm(moved, axis=1, keepdims=True)
    return MicrophoneArray(array.name, moved, array.rigid_radius_m, array.directivity, array.look)


def named_receiver(name: str) -> Receiver:
    """The receiver of a name (foa, hoa2, hoa3 or an array preset) or of a JSON or SOFA array file."""
    if name.lower() in AMBISONICS:
        return ambisonic_receiver(AMBISONICS[name.lower()])
    if not name.lower().endswith((".json", ".sofa")):
        try:
            return array_receiver(preset(name.lower()))
        except InputError as error:
            raise InputError(f"{error}; for ideal ambisonics {', '.join(AMBISONICS)}") from None
    path = Path(name)
    state = path.stat() if path.is_file() else None
    try:
        return _file_receiver(path, state and (state.st_mtime_ns, state.st_size))
    except InputError as error:
        raise InputError(str(error) if str(path) in str(error) else f"{path}: {error}") from None


@lru_cache(maxsize=4)
def _file_receiver(path: Path, state: tuple[int, int] | None) -> Receiver:
    """The receiver of a file as it is now: a data set asks for it again in every scene."""
    return array_receiver(MicrophoneArray.load(path))


# ---------------------------------------------------------------- degrees


@lru_cache(maxsize=256)
def array_degrees(array: MicrophoneArray) -> tuple[int, ...]:
    """Highest degree in each octave band: what lies above is below ``LEFT_OUT_DB`` wherever the band has a share.

    ``InputError`` where that takes more than ``HIGHEST_DEGREE``; measured responses, of unknown extent, are cut there.
    """
    radius = float(np.linalg.norm(array.positions, axis=1).max())
    reach = math.ceil(np.pi * INTERNAL_RATE / SPEED_OF_SOUND * radius) + SPARE_DEGREES
    if array.measured is not None:
        return _degrees(measured_expansion(array), FIT_DEGREE, MEASURED_LEFT_OUT_DB, MEASURED_TOP_BIN)
    too_large = InputError(
        f"array {array.name}: a microphone {radius:g} m from the centre needs more than degree {HIGHEST_DEGREE} up to "
        "8 kHz: render arrays of at most 0.1 m"
    )
    if reach > HIGHEST_DEGREE + SPARE_DEGREES:
        raise too_large
    degrees = _degrees(expansion_of(array, reach), reach, LEFT_OUT_DB, DEGREE_BINS)
    if degrees[-1] > HIGHEST_DEGREE:
        raise too_large
    return degrees


def _degrees(expansion: Expansion, highest: int, left_out_db: float, top: int) -> tuple[int, ...]:
    """Degrees of an expansion that is known up to ``highest``, judged on the bins between 0 Hz and ``top``."""
    heard = expansion.spectra(DEGREE_BINS, INTERNAL_RATE)[..., 1:top]
    degree = acn_orders(highest)
    power = np.abs(heard) ** 2 / (2 * degree + 1)[None, :, None]
    by_degree = np.add.reduceat(power, np.arange(highest + 1) ** 2, axis=1)  # (M, N, F)
    mean = by_degree.sum(axis=1).mean(axis=0)
    above = by_degree.sum(axis=1, keepdims=True) - np.cumsum(by_degree, axis=1)
    share = (
        octave_masks(DEGREE_BINS, INTERNAL_RATE)[:, 1:top] ** 4
    )  # bands add up in amplitude by the square of the masks
    worst = (np.maximum(above, 0) / mean).max(axis=0)  # (N, F)
    enough = (share[:, None] * worst).max(axis=2) < 10 ** (left_out_db / 10)  # (B, N)
    found = np.where(enough.any(axis=1), enough.argmax(axis=1), highest)
    return tuple(np.maximum.accumulate(found).tolist())
