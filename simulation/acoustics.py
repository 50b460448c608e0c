"""Room-acoustic quantities measured on an impulse response (ISO 3382-1): labels are measured, never copied."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.scene import OCTAVES_HZ, Acoustics

Floats = NDArray[np.floating[Any]]

DIRECT_WINDOW_S = (-0.001, 0.0025)
"""The direct sound, around its arrival (as in the ACE challenge's DRR, with 2.5 ms after the peak)."""
BAND_RINGING_S = 0.1
RATIO_LIMIT_DB = 60.0
"""Ratios beyond this are not told apart."""
_FIT_DB: dict[str, tuple[float, float]] = {"t60": (-5.0, -25.0), "edt": (-0.1, -10.1)}
"""Levels between which the decay curve is fitted: T20 for T60, and the early decay time (ISO 3382-1), 10 dB from where
the direct sound has begun: before it the curve is flat."""
_CUT_S = 0.0005
"""Fade from nothing to all at the end of the direct sound: a hard cut would splash into other bands."""


@lru_cache(maxsize=16)
def octave_masks(bins: int, rate: int) -> Floats:
    """Power-complementary octave band weights ``(bands, bins)`` over a one-sided spectrum.

    Raised-cosine crossovers on a log-frequency axis; the lowest and highest band take all that lies beyond, so the
    squares sum to one in every bin and noise split by them keeps its power.
    """
    frequencies = np.fft.rfftfreq(2 * (bins - 1), 1 / rate)
    position = np.log2(np.maximum(frequencies, 1.0) / OCTAVES_HZ[0])
    position = np.clip(position, 0, len(OCTAVES_HZ) - 1)
    distance = np.abs(position[None] - np.arange(len(OCTAVES_HZ))[:, None])
    return np.where(distance < 1, np.cos(np.pi / 2 * np.minimum(distance, 1)), 0.0)


def schroeder_db(response: Floats) -> Floats:
    """Energy decay curve in dB, 0 at the start, same shape as ``response (..., T)`` (Schroeder, 1965)."""
    energy = np.cumsum(np.square(response[..., ::-1], dtype=np.float64), axis=-1)[..., ::-1]
    curve: Floats = 10 * np.log10(np.maximum(energy / np.maximum(energy[..., :1], 1e-30), 1e-12))
    return curve


def decay_time(response: Floats, rate: int, fit_db: tuple[float, float] = _FIT_DB["t60"]) -> float:
    """T60 in seconds of one response ``(T,)``: straight line through the decay curve between two levels (T20).

    NaN where the curve never falls through the fit range.
    """
    return _slope_time(schroeder_db(response), rate, fit_db)


def _slope_time(curve: Floats, rate: int, fit_db: tuple[float, float]) -> float:
    """Seconds for 60 dB at the slope that a falling curve ``(T,)`` has between two levels in dB (least squares)."""
    first, last = (int(np.searchsorted(-curve, -level)) for level in fit_db)
    count = last - first
    if count < 8 or last >= len(curve):
        return float("nan")
    centred = np.arange(count) - (count - 1) / 2
    slope = float(centred @ curve[first:last] / (centred @ centred)) * rate
    return -60.0 / slope if slope < 0 else float("nan")


def direct_to_reverberant_db(response: Floats, direct_sample: float, rate: int, direct: Floats | None = None) -> float:
    """DRR in dB of ``response (T,)`` whose direct sound peaks at ``direct_sample``.

    What arrives within ``DIRECT_WINDOW_S`` over what arrives later, as the ACE challenge has it. A pulse without its
    lowest frequencies rings on behind that window, ours with 0.5 % of its energy, so no response whose direct sound is
    not known alone would measure above 23 dB. Where it is, ``direct (T,)``, all of it counts above the line.
    """
    start = max(0, round(direct_sample + DIRECT_WINDOW_S[0] * rate))
    stop = round(direct_sample + DIRECT_WINDOW_S[1] * rate)
    energy = np.sum(response[start:stop] ** 2)
    if direct is None:
        return _ratio_db(energy, np.sum(response[stop:] ** 2))
    ringing = np.sum(direct[:start] ** 2) + np.sum(direct[stop:] ** 2)
    return _ratio_db(energy + ringing, np.sum((response[stop:] - direct[stop:]) ** 2))


def definition(response: Floats, direct_sample: float, rate: int, early_s: float = 0.05) -> float:
    """Definition D50, 0 to 1: energy up to 50 ms after the direct sound over all of it."""
    split = round(direct_sample + early_s * rate)
    energy = np.square(response, dtype=np.float64)
    return float(energy[:split].sum() / max(energy.sum(), 1e-30))


def clarity_db(response: Floats, direct_sample: float, rate: int, early_s: float = 0.05) -> float:
    """Clarity C50 in dB (C80 with ``early_s=0.08``): energy up to 50 ms after the direct sound over the rest."""
    split = round(direct_sample + early_s * rate)
    return _ratio_db(np.sum(response[:split] ** 2), np.sum(response[split:] ** 2))


def _ratio_db(numerator: np.floating[Any], denominator: np.floating[Any]) -> float:
    """A power ratio in dB, limited to ``RATIO_LIMIT_DB`` so that an anechoic room stays a number."""
    ratio = np.log10(np.maximum(numerator, 1e-30) / np.maximum(denominator, 1e-30))
    return float(np.clip(10 * ratio, -RATIO_LIMIT_DB, RATIO_LIMIT_DB))


def behind_direct(response: Floats, direct_sample: float, rate: int) -> Floats:
    """The response ``(T,)`` without its direct sound: silence, then what the room adds."""
    end = round(direct_sample + DIRECT_WINDOW_S[1] * rate)
    rise = np.clip((np.arange(len(response)) - end) / (_CUT_S * rate) + 1, 0, 1)
    return response * rise


def measure(response: Floats, direct_sample: float, rate: int, direct: Floats | None = None) -> Acoustics:
    """All quantities of an omnidirectional response ``(T,)``; the first T60 is broadband.

    T60 is the slope of the decay *behind* the direct sound. ISO 3382-1 integrates from the direct sound on, for sources
    so far away that it hardly matters; at a DRR above some 6 dB the fit would see the direct sound end and tell
    nothing of the room. EDT keeps the direct sound: that is what it is about.

    ``direct (T,)`` is what the direct sound alone is of the response, where that is known: of a rendered one. T60 and
    DRR (``direct_to_reverberant_db``) are then free of what its pulse leaves behind its window. Of a response from
    outside it is not known, and its ringing counts as the room's.
    """
    heard = max(0, round(direct_sample + DIRECT_WINDOW_S[0] * rate))
    behind = behind_direct(response if direct is None else response - direct, direct_sample, rate)
    t60 = [_slope_time(curve, rate, _FIT_DB["t60"]) for curve in _band_curves(behind, heard, rate)]
    edt = [_slope_time(curve, rate, _FIT_DB["edt"]) for curve in _band_curves(response, heard, rate)]
    return Acoustics(
        t60_s=t60[0],
        t60_bands_s=tuple(t60[1:]),
        drr_db=direct_to_reverberant_db(response, direct_sample, rate, direct),
        c50_db=clarity_db(response, direct_sample, rate),
        edt_s=edt[0],
        edt_bands_s=tuple(edt[1:]),
        d50=definition(response, direct_sample, rate),
    )


def measure_in_open_air(response: Floats, direct_sample: float, rate: int, direct: Floats) -> Acoustics:
    """What of a response ``(T,)`` means anything without a room: its DRR, where the ground sends an echo.

    A single echo is no decay, and clarity and definition would only say that nothing comes after 50 ms: they are NaN.
    So is the DRR without ground, and where most of the echo falls into the direct sound's window: it cannot be told
    from it there.
    """
    unknown = (math.nan,) * len(OCTAVES_HZ)
    echo = np.square(response - direct, dtype=np.float64)
    behind = np.sum(echo[round(direct_sample + DIRECT_WINDOW_S[1] * rate) :])
    drr_db = direct_to_reverberant_db(response, direct_sample, rate, direct)
    apart = drr_db < RATIO_LIMIT_DB and behind > np.sum(echo) / 2
    return Acoustics(math.nan, unknown, drr_db if apart else math.nan, math.nan)


def _band_curves(response: Floats, heard: int, rate: int) -> Floats:
    """Decay curves ``(1 + bands, T - heard)`` in dB of a response ``(T,)`` and its octave bands, from ``heard`` on."""
    import scipy.fft

    # The zero-phase bands ring before the direct sound too; without room for it they would do so at the end.
    length = 2 ** int(np.ceil(np.log2(len(response) + BAND_RINGING_S * rate)))
    spectrum = scipy.fft.rfft(response, length)
    masks = octave_masks(len(spectrum), rate).astype(response.dtype)
    bands = scipy.fft.irfft(spectrum * masks, length)[:, : len(response)]
    return schroeder_db(np.concatenate([response[None], bands])[:, heard:])
