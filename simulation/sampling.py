"""From a recipe and a seed to a rendered scene with its labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.conventions import acn_orders, angle_between, angles, channel_count
from spatial_lalm.audio.scene import FRAME_S, Acoustics, Room, Scene, SourceEvent
from spatial_lalm.simulation.acoustics import measure
from spatial_lalm.simulation.render import Response, render_response
from spatial_lalm.simulation.room import sample_receiver, sample_room, sample_source

if TYPE_CHECKING:
    from spatial_lalm.simulation.library import SourceLibrary

Floats = NDArray[np.floating[Any]]
Samples = NDArray[np.float32]

ACTIVE_DB = -35.0
"""A 100 ms frame of the dry signal is active when its level is at most this far below the loudest frame's."""
MIN_SEPARATION_DEG = 12.0


@dataclass(frozen=True)
class SceneRecipe:
    """Ranges that scenes are drawn from (uniform unless said otherwise)."""

    duration_s: float = 10.0
    order: int = 1
    rate: int = 16_000
    counts: tuple[float, ...] = (0.04, 0.46, 0.30, 0.20)  # probability of 0, 1, 2, ... sources
    t60_s: tuple[float, float] = (0.1, 1.5)  # log-uniform
    snr_db: tuple[float, float] = (5.0, 40.0)  # of the whole mixture over the noise, in W
    level_spread_db: float = 6.0  # each source's level at the receiver is within +- this
    event_s: tuple[float, float] = (0.8, 8.0)  # log-uniform; whole files may be shorter
    level_db: tuple[float, float] = (-38.0, -14.0)  # RMS of the mixture re full scale
    varispeed: float = 0.0  # dry sounds play faster or slower by up to this fraction (augmentation)
    colour_db: float = 0.0  # dry sounds are tilted by up to +- this many dB an octave (augmentation)


def render_scene(recipe: SceneRecipe, library: SourceLibrary, seed: int) -> tuple[Samples, Scene]:
    """Render the scene of a seed: ambisonic samples ``(channels, samples)`` in ACN/SN3D and its labels.

    The same recipe, library and seed give the same samples.
    """
    rng = np.random.default_rng(seed)
    length = round(recipe.duration_s * recipe.rate)
    room = sample_room(rng, recipe.t60_s)
    receiver = sample_receiver(rng, room)
    mixture = np.zeros((channel_count(recipe.order), length), dtype=np.float32)
    events: list[SourceEvent] = []
    acoustics: list[Acoustics] = []
    for position in _place_sources(rng, recipe, room, receiver):
        response = render_response(room, position, receiver, recipe.order, recipe.rate, rng)
        event = _add_event(rng, recipe, library, mixture, response, position - receiver)
        if event is not None:
            events.append(event)
            acoustics.append(measure(response.taps[0], response.direct_sample, recipe.rate))
    snr_db = float(rng.uniform(*recipe.snr_db))
    mixture += _noise(rng, recipe, mixture, snr_db)
    mixture *= _level(rng, recipe, mixture)
    scene = Scene(
        duration_s=recipe.duration_s,
        rate=recipe.rate,
        order=recipe.order,
        room=room,
        receiver_m=(float(receiver[0]), float(receiver[1]), float(receiver[2])),
        events=tuple(sorted(events, key=lambda event: event.onset_s)),
        acoustics=_mean_acoustics(acoustics),
        snr_db=snr_db,
        seed=seed,
    )
    return mixture, scene


def _place_sources(rng: np.random.Generator, recipe: SceneRecipe, room: Room, receiver: Floats) -> list[Floats]:
    """Positions of as many sources as the recipe draws, kept apart in direction where the room allows."""
    positions: list[Floats] = []
    for _ in range(int(rng.choice(len(recipe.counts), p=np.array(recipe.counts) / sum(recipe.counts)))):
        for _ in range(20):
            candidate = sample_source(rng, room, receiver)
            if all(angle_between(candidate - receiver, p - receiver) > MIN_SEPARATION_DEG for p in positions):
                break
        positions.append(candidate)
    return positions


def _add_event(
    rng: np.random.Generator,
    recipe: SceneRecipe,
    library: SourceLibrary,
    mixture: Samples,
    response: Response,
    vector: Floats,
) -> SourceEvent | None:
    """Convolve a dry sound, add it to ``mixture (C, T)`` in place and describe it; None if nothing of it sounds."""
    from scipy.signal import oaconvolve

    length = mixture.shape[1]
    longest = np.exp(rng.uniform(*np.log(recipe.event_s)))
    dry = library.draw(rng, round(min(longest, recipe.duration_s) * recipe.rate), recipe.rate)
    sound = _augmented(rng, recipe, dry.samples)
    # Sounds may have begun before the scene, so that a model meets running sounds and reverberation at its start.
    onset = int(rng.uniform(-0.3 * len(sound), max(1.0, length - 0.6 * len(sound))))
    wet = oaconvolve(sound[None], response.taps, axes=1).astype(np.float32)
    begin, end = max(0, onset), min(length, onset + wet.shape[1])
    active = _activity(sound, recipe.rate)
    gain = 10 ** (rng.uniform(-recipe.level_spread_db, recipe.level_spread_db) / 20)
    level = np.sqrt(np.mean(wet[0, : len(sound)] ** 2)) + 1e-12
    mixture[:, begin:end] += wet[:, begin - onset : end - onset] * (gain / level)
    delay = onset + response.direct_sample
    return _event(dry.label, dry.speaker, dry.text, active, delay / recipe.rate, recipe.duration_s, vector)


def _augmented(rng: np.random.Generator, recipe: SceneRecipe, sound: Samples) -> Samples:
    """Another take of a dry sound ``(T,)``: played at another speed, with another spectral tilt."""
    if recipe.varispeed:
        step = np.exp(rng.uniform(-1, 1) * np.log1p(recipe.varispeed))
        sound = np.interp(np.arange(0, len(sound) - 1, step), np.arange(len(sound)), sound).astype(np.float32)
    if recipe.colour_db:
        import scipy.fft

        size = scipy.fft.next_fast_len(len(sound), real=True)
        octaves = np.log2(np.maximum(scipy.fft.rfftfreq(size, 1 / recipe.rate), 60.0) / 1000.0)
        tilt = (10 ** (rng.uniform(-recipe.colour_db, recipe.colour_db) * octaves / 20)).astype(np.float32)
        sound = scipy.fft.irfft(scipy.fft.rfft(sound, size) * tilt, size)[: len(sound)].astype(np.float32)
    return sound


def _event(
    label: str, speaker: str | None, text: str, active: NDArray[np.bool_], start_s: float, end_s: float, vector: Floats
) -> SourceEvent | None:
    """The part of a sound inside the scene: ``active (frames,)`` per 100 ms from ``start_s``, ends by ``end_s``."""
    skipped = max(0, int(np.ceil(-start_s / FRAME_S)))
    kept = active[skipped : skipped + max(0, int((end_s - max(start_s, 0.0)) / FRAME_S))]
    sounding = np.flatnonzero(kept)
    if not len(sounding):
        return None
    onset = max(0.0, start_s + (skipped + sounding[0]) * FRAME_S)
    azimuth, elevation = angles(vector)
    return SourceEvent(
        label=label,
        onset_s=float(onset),
        offset_s=float(min(end_s, start_s + (skipped + sounding[-1] + 1) * FRAME_S)),
        trajectory=((float(azimuth), float(elevation), float(np.linalg.norm(vector))),),
        active=tuple(kept[sounding[0] : sounding[-1] + 1].tolist()),
        text=text,
        speaker=speaker,
    )


def _activity(sound: Samples, rate: int) -> NDArray[np.bool_]:
    """Activity ``(frames,)`` of a dry signal ``(T,)`` per 100 ms, by its energy."""
    step = round(FRAME_S * rate)
    frames = np.pad(sound, (0, -len(sound) % step)).reshape(-1, step)
    level = 10 * np.log10(np.mean(frames.astype(np.float64) ** 2, axis=1) + 1e-12)
    active: NDArray[np.bool_] = level > level.max() + ACTIVE_DB
    return active


def _noise(rng: np.random.Generator, recipe: SceneRecipe, mixture: Samples, snr_db: float) -> Samples:
    """Background ``(C, T)`` at an SNR in W: a diffuse field with a random spectrum plus the microphones' own noise.

    Own noise is white with equal power in every channel; after an encoder its higher orders rise towards low
    frequencies, so those channels get a random extra tilt.
    """
    import scipy.fft

    channels, length = mixture.shape
    size = scipy.fft.next_fast_len(length, real=True)
    parts = rng.standard_normal((channels, size // 2 + 1, 2), dtype=np.float32)
    spectrum = parts.view(np.complex64)[..., 0]  # white noise, drawn in the frequency domain
    frequency = np.maximum(scipy.fft.rfftfreq(size, 1 / recipe.rate), 50.0) / 1000.0
    diffuse = (frequency ** -rng.uniform(0.0, 1.2)).astype(np.float32)
    own = (frequency ** -rng.uniform(0.0, 0.8)).astype(np.float32) * np.float32(10 ** (rng.uniform(-30, -5) / 20))
    orders = acn_orders(recipe.order)[:, None]
    spectrum *= np.where(orders == 0, diffuse, np.hypot(diffuse / np.sqrt(2 * orders + 1), own)).astype(np.float32)
    noise = scipy.fft.irfft(spectrum, size)[:, :length].astype(np.float32)
    power = np.mean(mixture[0] ** 2) or 1.0
    return noise * np.float32(np.sqrt(power / np.mean(noise[0] ** 2)) * 10 ** (-snr_db / 20))


def _level(rng: np.random.Generator, recipe: SceneRecipe, mixture: Samples) -> np.float32:
    """Gain to a random RMS level in W that keeps every channel's peak below full scale."""
    wanted = 10 ** (rng.uniform(*recipe.level_db) / 20) / np.sqrt(np.mean(mixture[0] ** 2))
    return np.float32(min(wanted, 0.98 / np.max(np.abs(mixture))))


def _mean_acoustics(measured: list[Acoustics]) -> Acoustics | None:
    """Mean over the sources, ignoring what could not be measured."""
    if not measured:
        return None

    def mean(values: list[float]) -> float:
        known = [value for value in values if np.isfinite(value)]
        return float(np.mean(known)) if known else float("nan")

    bands = zip(*(m.t60_bands_s for m in measured), strict=True)
    return Acoustics(
        t60_s=mean([m.t60_s for m in measured]),
        t60_bands_s=tuple(mean(list(band)) for band in bands),
        drr_db=mean([m.drr_db for m in measured]),
        c50_db=mean([m.c50_db for m in measured]),
    )
