"""Whether a recording behaves like the format it was opened as: a cheap physical check that doubts and never refuses.

Ambisonics: of a plane wave, and so of every mixture of plane waves and of a diffuse field, the SN3D dipoles Y, Z, X
together have the energy of W (Zotter & Frank, *Ambisonics*, 2019, section 4.3). N3D makes it 3 times W's, FuMa 2, and
neighbouring microphones are all alike, which looks like 3. Arrays: at low frequencies the microphones of an array hear
nearly the same, and the few ways in which they can differ follow from the geometry; energy elsewhere is doubtful.

Self noise is steady, so it is taken off: the quiet frames' energy from the loud frames'.

Legend: C ambisonic channels, M microphones, F frequencies, B bands, T samples at 16 kHz, N frames.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.arrays import MicrophoneArray
from spatial_lalm.audio.conventions import Convention
from spatial_lalm.audio.encoding import INTERNAL_RATE, encoder_filters, fibonacci_grid, mel_centres
from spatial_lalm.audio.formats import ChannelFormat

Floats = NDArray[np.floating]
Spectra = NDArray[np.complexfloating]

LONGEST_S = 30.0
"""Seconds that are looked at."""
SHORTEST_S = 0.5
"""Seconds below which nothing is said."""
BAND_HZ = (300.0, 4000.0)
"""Where first-order microphones of the usual sizes are good."""
LOW_HZ = (150.0, 1500.0)
"""Where the microphones of an array can differ in few ways only."""
RATIO_BOUNDS = (0.6, 1.5)
"""Energy of Y, Z, X over W's that is not doubted; 400 simulated scenes, read rightly, have 0.69 to 1.45."""
NOISY_RATIO = 2.6
"""Likewise for encoded arrays, whose encoder raises noise at low frequencies: 2.4 at 10 dB below the sound."""
HIGHEST_INTENSITY = 1.25
"""Intensity over W's energy beyond which no self noise explains it: it is at most 1 in AmbiX, sqrt(3) in N3D."""
CONTRAST = 2.5
"""Energy of loud frames over quiet ones from which on their difference tells of sound alone."""
LEAKAGE = 0.2
"""Share of energy in ways that an array cannot hear; right readings have up to 0.1 (simulated) and 0.13 (real)."""
WEAK = 0.02
"""Share of a diffuse field's energy that the ways counted as not heard hold together."""
SILENT_DB = 50.0
"""A microphone this far below the median one is taken for dead."""
VOID_DB = 80.0
"""A channel this far below the loudest is taken for silent from its beginning to its end."""
MOST_TOLD = 50.0
"""Ratios of energy beyond this (or its inverse) are told as such."""
_SLACK = 0.15
"""The bands' mean less twice its standard error may fall this far (natural log) inside the bounds."""
FRAME = 512
BANDS = 10

_ENERGY: dict[Convention, float] = {"ambix": 1.0, "fuma": 2.0, "n3d": 3.0}
"""Energy of the dipoles over W's where a convention is read as AmbiX."""


@dataclass(frozen=True)
class Doubt:
    """Why a reading is doubtful: ``reason`` in full, ``hint`` at what it behaves like, and how much is lost.

    ``flat`` says that the channels carry no direction at all, ``deaf`` that without its omni channel nothing is told.
    """

    format_name: str
    reason: str
    hint: str | None = None
    flat: bool = False
    deaf: bool = False

    def __str__(self) -> str:
        """The whole doubt in one line."""
        return f"format: {self.format_name} is doubtful: {self.reason}"


def doubt(
    encoded: NDArray[np.float32], chosen: ChannelFormat, native: NDArray[np.float32] | None = None
) -> Doubt | None:
    """Why a reading is doubtful, or ``None``.

    ``encoded (C, T)`` is the recording as AmbiX, ``native (M, T)`` the channels before encoding (arrays and binaural
    only), both at 16 kHz.
    """
    first = encoded[:4]
    if chosen.kind == "mono" or not np.any(first):
        return None
    if void := _void(first if native is None else native, chosen):
        return void
    if first.shape[1] < SHORTEST_S * INTERNAL_RATE:
        return None
    reason = None if native is None else _dead_channels(native)
    if reason is None and chosen.kind == "ambisonics":
        reason = _unlike_ambisonics(first, chosen)
    if reason is None and chosen.array is not None and native is not None:
        reason = _unlike_array(first, native, chosen.array)
    if reason is None:
        return None
    behaves = re.search(r"\bit behaves like (\w+)", reason)
    return Doubt(str(chosen), reason, f"they behave like {behaves[1]}" if behaves else None)


def _void(channels: Floats, chosen: ChannelFormat) -> Doubt | None:
    """Channels that carry no direction, or nothing: silent ones, and two ears that hear the same."""
    level = np.sqrt(np.mean(np.square(channels, dtype=np.float64), axis=1))
    silent = level <= level.max() * 10 ** (-VOID_DB / 20)
    name = str(chosen)
    if chosen.kind == "ambisonics":
        if silent[0]:
            return Doubt(name, "the omni channel, the first, is silent while others are not", deaf=True)
        if silent[1:].all():
            return Doubt(name, "all channels but the first are silent", flat=True)
    elif len(channels) == 2 and not silent.any() and np.array_equal(channels[0], channels[1]):
        return Doubt(name, "channels 1 and 2 are the same", flat=True)
    elif np.count_nonzero(~silent) == 1:
        return Doubt(name, f"all channels but channel {int(np.argmax(level)) + 1} are silent", flat=True)
    return None


# ---------------------------------------------------------------- ambisonics


def _unlike_ambisonics(first: Floats, chosen: ChannelFormat) -> str | None:
    """The energy of the dipoles, and what it points to."""
    ratio = energy_ratio(first)
    if ratio is None:
        return None
    as_ambix = ratio * _ENERGY[chosen.convention]
    told = f"its dipoles have {_times(ratio)} the energy of its omni channel, not 1"
    if _alike(first * _undone(chosen.convention)):
        return f"{told}, and its channels are alike as those of an array: name it with --array"
    nearest = _nearest(as_ambix, chosen.order)
    if nearest is None or nearest == chosen.convention:
        return f"{told}; name what recorded it with --format or --array"
    return f"{told}; it behaves like {nearest}: try --format {nearest}"


def energy_ratio(first: Floats, band_hz: tuple[float, float] = BAND_HZ) -> float | None:
    """Energy of Y, Z, X over W's in ``(4, T)`` where it is out of bounds, else ``None``.

    The geometric mean over bands, so that one loud tone on a standing wave does not decide; ``None`` too where the
    bands contradict each other.
    """
    spectra = _spectra(first, band_hz)
    energy = _banded(np.abs(spectra) ** 2)  # (4, B, N)
    loud, quiet = _loud_and_quiet(energy)
    whole = energy.mean(axis=2)
    used = whole.sum(0) > 1e-7 * whole.sum(0).max()
    if np.count_nonzero(used) < 3:
        return None
    # Self noise raises the ratio and the choice of loud frames, by chance louder in W, lowers it: so a low ratio is
    # taken from all frames, a high one from the difference.
    logs = _log_ratio(whole[:, used])
    if logs.mean() < math.log(RATIO_BOUNDS[0]):
        inverse = _certain(-logs, -math.log(RATIO_BOUNDS[0]))
        return None if inverse is None else 1 / inverse
    steady = float(np.median(loud.sum(0) / np.maximum(quiet.sum(0), 1e-30))) < CONTRAST
    # Steady self noise raises the dipoles as N3D does, but it brings no intensity and makes no channels alike.
    if steady and _intensity(spectra)[used].mean() < HIGHEST_INTENSITY and not _alike(first):
        return None
    return _certain(logs if steady else _log_ratio((loud - quiet)[:, used]), math.log(RATIO_BOUNDS[1]))


def _times(ratio: float) -> str:
    """A ratio in words: ``3.1 times``."""
    if ratio > MOST_TOLD:
        return f"more than {MOST_TOLD:.0f} times"
    return f"less than {1 / MOST_TOLD:g} times" if ratio < 1 / MOST_TOLD else f"{ratio:.2g} times"


def _log_ratio(energy: Floats) -> Floats:
    """Natural log ``(B,)`` of the energy of Y, Z, X over W's in ``(4, B)``, each at least a thousandth of the whole."""
    floor = 1e-3 * np.maximum(energy.sum(0), 1e-30)
    return np.asarray(np.log(np.maximum(energy[1:].sum(0), floor) / np.maximum(energy[0], floor)))


def _certain(logs: Floats, bound: float) -> float | None:
    """The mean of logs ``(B,)`` as a ratio where it is beyond the bound, with twice its standard error or nearly so."""
    mean, error = float(logs.mean()), float(logs.std() / math.sqrt(len(logs)))
    return math.exp(mean) if mean > bound and mean - 2 * error > bound - _SLACK else None


def _intensity(spectra: Spectra) -> Floats:
    """Length of the mean active intensity ``(B,)`` of ``(4, F, N)`` over W's energy, in SN3D units."""
    flow = _banded((spectra[:1].conj() * spectra[1:]).real).sum(axis=2)  # (3, B)
    return np.asarray(np.linalg.norm(flow, axis=0) / np.maximum(_banded(np.abs(spectra[:1]) ** 2).sum((0, 2)), 1e-30))


def _nearest(as_ambix: float, order: int) -> Convention | None:
    """The convention whose energy this is, within 20 %."""
    known = {name: abs(math.log(as_ambix / energy)) for name, energy in _ENERGY.items()}
    if order != 1:
        del known["fuma"]  # read at first order only
    best = min(known, key=lambda name: known[name])
    return best if known[best] < math.log(1.22) else None


def _undone(convention: Convention) -> Floats:
    """Gains ``(4, 1)`` that give AmbiX the levels that the file had."""
    dipole, omni = {"ambix": (1.0, 1.0), "n3d": (math.sqrt(3), 1.0), "fuma": (1.0, math.sqrt(0.5))}[convention]
    return np.array([[omni], [dipole], [dipole], [dipole]])


def _alike(channels: Floats) -> bool:
    """Whether all channels are in phase and within 10 dB at low frequencies, as neighbouring microphones are."""
    spectra = _spectra(channels, (150.0, 1000.0)).reshape(len(channels), -1)
    covariance = (spectra @ spectra.conj().T).real
    level = np.sqrt(np.maximum(np.diag(covariance), 1e-30))
    return bool((covariance / np.outer(level, level)).min() > 0.45 and level.max() < 10**0.5 * level.min())


# ---------------------------------------------------------------- arrays


def _unlike_array(first: Floats, native: Floats, array: MicrophoneArray) -> str | None:
    """Energy where the array hears none, or an encoded field that is none."""
    share = leakage(native, array)
    band_hz = _good_band(array)
    ratio = energy_ratio(first, band_hz) if band_hz else None
    if share is not None and share > LEAKAGE:
        reason = f"{100 * share:.0f} % of its low-frequency energy does not fit the microphones' places"
    elif ratio is not None and not 1 < ratio < NOISY_RATIO:
        reason = f"its encoded dipoles have {_times(ratio)} the energy of its omni channel, not 1"
    else:
        return None
    if len(native) in (4, 9, 16) and native[0].any() and energy_ratio(native[:4]) is None and not _alike(native[:4]):
        return f"{reason}; it behaves like ambix: try --format ambix"
    return f"{reason}; check the array's name, its channel order and that no channel is missing"


def leakage(native: Floats, array: MicrophoneArray) -> float | None:
    """Share of energy ``(M, T)`` that no field can bring to these microphones at low frequencies.

    The median over bands; ``None`` where the array can hear everything (as four outward cardioids do).
    """
    frequencies = np.fft.rfftfreq(FRAME, 1 / INTERNAL_RATE)
    frequencies = frequencies[(frequencies >= LOW_HZ[0]) & (frequencies < LOW_HZ[1])]
    heard = _heard(array)  # (F, M, M)
    spectra = _spectra(native, LOW_HZ)
    left = spectra - np.einsum("fij,jfn->ifn", heard, spectra)
    energy = np.stack([(np.abs(left) ** 2).sum(0), (np.abs(spectra) ** 2).sum(0)])  # (2, F, N)
    lost = array.microphones - np.trace(heard, axis1=1, axis2=2).real
    usable = lost >= 0.25 * array.microphones - 1e-6
    if np.count_nonzero(usable) < 4:
        return None
    energy = energy[:, usable]
    order = np.argsort(energy[1], axis=1)
    part = max(1, energy.shape[2] // 4)
    low, high = (
        np.take_along_axis(energy, order[None, :, cut], 2).mean(2) for cut in (slice(part), slice(-part, None))
    )
    seen = high - low if float(np.median(high[1] / np.maximum(low[1], 1e-30))) >= CONTRAST else energy.mean(2)
    used = seen[1] > 1e-7 * seen[1].max()
    return float(np.median(seen[0][used] / seen[1][used])) if used.any() else None


@lru_cache(maxsize=32)
def _heard(array: MicrophoneArray) -> Spectra:
    """Projections ``(F, M, M)`` on what a diffuse field brings to the microphones, all but a share of ``WEAK``."""
    frequencies = np.fft.rfftfreq(FRAME, 1 / INTERNAL_RATE)
    frequencies = frequencies[(frequencies >= LOW_HZ[0]) & (frequencies < LOW_HZ[1])]
    manifold = array.manifold(frequencies, fibonacci_grid())
    values, vectors = np.linalg.eigh(manifold @ manifold.conj().swapaxes(1, 2))  # rising
    values = np.maximum(values, 0)
    kept = np.cumsum(values, axis=1) > WEAK * values.sum(axis=1, keepdims=True)
    vectors = vectors * kept[:, None, :]
    return np.asarray(vectors @ vectors.conj().swapaxes(1, 2))


def _good_band(array: MicrophoneArray) -> tuple[float, float] | None:
    """The part of ``BAND_HZ`` where all first-order channels are encoded well, if it is an octave or more."""
    centres = mel_centres()
    good = (encoder_filters(array, 1).quality.min(axis=0) > 0.9) & (centres >= BAND_HZ[0]) & (centres <= BAND_HZ[1])
    if not good.any():
        return None
    low, high = float(centres[good].min()), float(centres[good].max())
    return (low, high) if high >= 2 * low else None


# ---------------------------------------------------------------- shared


def _dead_channels(channels: Floats) -> str | None:
    """Microphones that are silent or copies: two real ones never agree sample for sample."""
    level = np.sqrt(np.mean(np.square(channels, dtype=np.float64), axis=1))
    silent = np.flatnonzero(level <= np.median(level) * 10 ** (-SILENT_DB / 20))
    if len(silent):
        return f"channel {silent[0] + 1} is silent"
    for one in range(len(channels)):
        for other in range(one + 1, len(channels)):
            if level[one] == level[other] and np.array_equal(channels[one], channels[other]):
                return f"channels {one + 1} and {other + 1} are the same"
    return None


def _spectra(signals: Floats, band_hz: tuple[float, float]) -> Spectra:
    """Spectra ``(C, F, N)`` of half-overlapping Hann frames of 32 ms, in a band."""
    from scipy.signal import stft

    frequencies, _, spectra = stft(
        signals, INTERNAL_RATE, nperseg=FRAME, noverlap=FRAME // 2, padded=False, boundary=None
    )
    return np.asarray(spectra[:, (frequencies >= band_hz[0]) & (frequencies < band_hz[1])])


def _banded(energy: Floats) -> Floats:
    """Energies ``(C, F, N)`` summed into ``(C, B, N)``."""
    width = energy.shape[1] // BANDS
    return np.asarray(energy[:, : BANDS * width].reshape(len(energy), BANDS, width, -1).sum(axis=2))


def _loud_and_quiet(energy: Floats) -> tuple[Floats, Floats]:
    """Mean energies ``(C, B)`` of the loudest and of the quietest quarter of the frames of each band."""
    order = np.argsort(energy.sum(0), axis=1)
    part = max(1, energy.shape[2] // 4)
    quiet, loud = (
        np.take_along_axis(energy, order[None, :, cut], 2).mean(2) for cut in (slice(part), slice(-part, None))
    )
    return loud, quiet
