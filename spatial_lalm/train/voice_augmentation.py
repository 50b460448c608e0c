"""Speech in rooms, made of mel power alone: what the voice network learns from costs no convolution.

The late field's energy decays exponentially, so in every band the power of reverberated speech is that of the dry
speech, smeared by a one-pole filter (Polack's model; Lebart et al., Acta Acustica 87, 2001), with the random
interference of many arrivals. The rest is colour, steady noise and somebody else further away.

Legend: B clips, T frames (50 Hz), F mel bands.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.features import BANDS, FRAME_RATE, RATE

Floats = NDArray[np.floating[Any]]

T60_S, DRR_DB, DRY_SHARE = (0.1, 1.3), (-6.0, 14.0), 0.15
SNR_DB = (5.0, 45.0)
BESIDE_SHARE, BESIDE_DB = 0.2, (4.0, 20.0)
"""Share of clips in which somebody else speaks, so much weaker."""
COLOURS = (0.5, 0.35, 0.25, 0.2, 0.15)
"""Deviation of the log power of cosines over the bands, from one half period on."""
_DEGREES = (4.0, 6.0)
"""Degrees of freedom over two of the power of a late field and of noise in a band and frame."""


def band_centres() -> Floats:
    """Centres ``(F,)`` of the mel bands in Hz."""
    mel = np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), BANDS + 2)[1:-1]
    return np.asarray(700 * (10 ** (mel / 2595) - 1))


def played(spectrum_TF: Floats, speed: float) -> Floats:
    """A log spectrum of speech that is played faster: another, smaller talker (frequencies times ``speed``)."""
    centres = band_centres()
    band = np.interp(centres / speed, centres, np.arange(BANDS))
    frame = np.arange(int(len(spectrum_TF) / speed)) * speed
    return _between(_between(spectrum_TF, frame).T, band).T.astype(np.float32)


def _between(rows: Floats, places: Floats) -> Floats:
    """Rows at fractional places, linearly."""
    low = np.clip(np.floor(places).astype(int), 0, len(rows) - 2)
    share = (places - low)[:, None]
    return np.asarray(rows[low] * (1 - share) + rows[low + 1] * share)


def in_rooms(rng: np.random.Generator, power_BTF: Floats, others_BTF: Floats, one_room: bool = False) -> Floats:
    """Mel power ``(B, T, F)`` of dry speech as if heard in rooms, beside ``others``.

    ``one_room`` gives all the same walls, colour and noise, and each a distance of its own.
    """
    clips = len(power_BTF)
    rooms = 1 if one_room else clips
    slope = np.linspace(-1, 1, BANDS)
    heard = power_BTF + _late(rng, power_BTF, rooms) * _share(rng, DRR_DB, clips) * (
        rng.random((clips, 1, 1)) >= DRY_SHARE
    ) * np.exp(rng.uniform(-0.5, 0.5, (rooms, 1, 1)) * slope)  # fmt: skip
    level = heard.mean((1, 2), keepdims=True)
    beside = (rng.random((clips, 1, 1)) < BESIDE_SHARE) * _share(rng, BESIDE_DB, clips)
    heard = heard + beside * level * others_BTF / others_BTF.mean((1, 2), keepdims=True)
    heard = heard * np.exp(_colour(rng, rooms))
    noise = np.exp(1.5 * _colour(rng, rooms) - rng.uniform(-0.5, 2, (rooms, 1, 1)) * slope)
    noise = noise / noise.mean(2, keepdims=True) * level * _share(rng, SNR_DB, rooms)
    return np.asarray(heard + noise * rng.gamma(_DEGREES[1], 1 / _DEGREES[1], heard.shape))


def _late(rng: np.random.Generator, power_BTF: Floats, rooms: int) -> Floats:
    """The late field's power, of the same energy as the speech."""
    t60 = np.exp(rng.uniform(np.log(T60_S[0]), np.log(T60_S[1]), (rooms, 1)))
    t60 = t60 * np.exp(rng.uniform(-0.5, 0.2, (rooms, 1)) * np.linspace(-0.3, 1, BANDS))
    t60 = t60 * np.exp(rng.normal(0, 0.15, (rooms, BANDS)))
    left = 10 ** (-6 / FRAME_RATE / t60)
    late, now = np.empty_like(power_BTF), np.zeros((len(power_BTF), BANDS))
    for frame in range(power_BTF.shape[1]):
        now = left * now + (1 - left) * power_BTF[:, frame]
        late[:, frame] = now
    return np.asarray(late * rng.gamma(_DEGREES[0], 1 / _DEGREES[0], late.shape))


def _share(rng: np.random.Generator, under_db: tuple[float, float], count: int) -> Floats:
    """Power ratios ``(count, 1, 1)`` of so many dB under, evenly."""
    return np.asarray(10 ** (-rng.uniform(*under_db, (count, 1, 1)) / 10))


def _colour(rng: np.random.Generator, count: int) -> Floats:
    """Smooth log gains ``(count, 1, F)``."""
    halves = np.outer(np.arange(1, len(COLOURS) + 1), np.linspace(0, np.pi, BANDS))
    return np.asarray(rng.normal(0, COLOURS, (count, len(COLOURS))) @ np.cos(halves))[:, None]
