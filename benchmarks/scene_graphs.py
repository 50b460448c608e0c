"""Random scene graphs without sound, for what follows from labels alone."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace

import numpy as np

from spatial_lalm.audio.scene import CLASSES, Acoustics, Room, Scene, SourceEvent
from spatial_lalm.simulation.questions import Shares

STEADY = ("music", "rain", "sea_waves", "fire_crackling", "noise", "chainsaw", "helicopter")
"""Classes that go on for longer than others."""
DURATIONS_S = (5.0, 8.0, 10.0, 15.0, 20.0, 30.0)
SPEECH_SHARE = 0.35
TALK_SHARE = 0.25
SNR_DB = (5.0, 40.0)
SHARES = Shares(
    {label: SPEECH_SHARE if label == "speech" else (1 - SPEECH_SHARE) / (len(CLASSES) - 1) for label in CLASSES},
    TALK_SHARE,
)

Place = tuple[float, float, float]


def random_scene(rng: np.random.Generator) -> Scene:
    """A scene of 1 to 5 sources or of talkers in turns, some of them moving, one in eight outdoors."""
    duration_s = float(rng.choice(DURATIONS_S))
    outdoors = bool(rng.random() < 0.125)
    room = _room(rng, outdoors)
    typical = _acoustics(rng, room)
    if rng.random() < TALK_SHARE:
        events = _conversation(rng, duration_s)
        events += [_event(rng, duration_s, room) for _ in range(int(rng.integers(0, 2)))]
    else:
        events = [_event(rng, duration_s, room) for _ in range(int(rng.integers(1, 6)))]
        if rng.random() < 0.25:
            events += _again(rng, events[0], duration_s)
    events.sort(key=lambda event: event.onset_s)
    places = {event.trajectory[0] for event in events}
    own = {place: _varied(rng, typical) for place in sorted(places)}
    heard = tuple(replace(event, acoustics=own[event.trajectory[0]]) for event in events)
    snr_db = float(rng.uniform(*SNR_DB))
    return Scene(duration_s, 16_000, 1, room, (1.0, 1.0, 1.0), heard, _mean(own.values()), snr_db, 0)


def _room(rng: np.random.Generator, outdoors: bool) -> Room:
    height = float(rng.uniform(2.3, 4.0))
    width, depth = (float(np.exp(rng.uniform(np.log(2.0), np.log(18.0)))) for _ in range(2))
    walls = (1.0, 1.0, 1.0, 1.0, 0.2, 1.0) if outdoors else (float(rng.uniform(0.05, 0.6)),) * 6
    return Room((width, depth, height), walls)


def _acoustics(rng: np.random.Generator, room: Room) -> Acoustics:
    if room.outdoors:
        nan = math.nan
        return Acoustics(nan, (nan,) * 6, float(rng.uniform(5, 20)), float(rng.uniform(15, 40)), d50=0.99)
    t60 = float(np.clip(0.161 * room.volume_m3 / (room.surface_m2 * np.mean(room.wall_bands)), 0.08, 4.0))
    bands = tuple(float(t60 * rng.uniform(0.7, 1.4)) for _ in range(6))
    c50 = float(10 * np.log10(np.expm1(0.69 / t60)) + rng.normal(0, 2))  # of an exponential decay
    return Acoustics(t60, bands, float(rng.uniform(-8, 10)), c50, t60 * float(rng.uniform(0.8, 1.1)), bands, _d50(c50))


def _d50(c50_db: float) -> float:
    return 1 / (1 + 10 ** (-c50_db / 10))


def _varied(rng: np.random.Generator, typical: Acoustics) -> Acoustics:
    """What one source's place makes of a room."""
    c50, edt = typical.c50_db + float(rng.normal(0, 2)), typical.edt_s * float(rng.uniform(0.9, 1.1))
    return replace(typical, drr_db=typical.drr_db + float(rng.normal(0, 4)), c50_db=c50, edt_s=edt, d50=_d50(c50))


def _mean(own: Collection[Acoustics]) -> Acoustics:
    """The scene's quantities: the mean over its sources."""
    first = next(iter(own))
    means = {name: float(np.mean([getattr(one, name) for one in own])) for name in ("drr_db", "c50_db", "edt_s", "d50")}
    return replace(first, **means)


def _place(rng: np.random.Generator) -> Place:
    elevation = float(np.degrees(np.arcsin(rng.uniform(-0.6, 0.8))))
    return float(rng.uniform(-180, 180)), elevation, float(np.exp(rng.uniform(np.log(0.5), np.log(10.0))))


def _vector(place: Place) -> np.ndarray:
    azimuth, elevation = math.radians(place[0]), math.radians(place[1])
    level = math.cos(elevation)
    return place[2] * np.array([level * math.cos(azimuth), level * math.sin(azimuth), math.sin(elevation)])


def _path(start: Place, end: Place, frames: int) -> tuple[Place, ...]:
    """A straight line in space."""
    points = [_vector(start) + (_vector(end) - _vector(start)) * share for share in np.linspace(0, 1, max(frames, 2))]
    return tuple(
        (
            math.degrees(math.atan2(y, x)),
            math.degrees(math.atan2(z, math.hypot(x, y))),
            max(0.2, float(np.hypot(np.hypot(x, y), z))),
        )
        for x, y, z in points
    )


def _event(rng: np.random.Generator, duration_s: float, room: Room) -> SourceEvent:
    label = "speech" if rng.random() < SPEECH_SHARE else CLASSES[int(rng.integers(1, len(CLASSES)))]
    longest = duration_s * (0.9 if label in STEADY else 0.5)
    length = float(np.exp(rng.uniform(np.log(0.5), np.log(longest))))
    onset = float(max(0.0, rng.uniform(-0.1 * length, duration_s - length)))
    start = _place(rng)
    moving = rng.random() < 0.3
    track = _path(start, _place(rng), round(10 * length)) if moving else (start,)
    speaker = f"voice {rng.integers(100)}" if label == "speech" else None
    return SourceEvent(label, onset, onset + length, track, _active(rng, length, label in STEADY), speaker=speaker)


def _active(rng: np.random.Generator, length: float, steady: bool) -> tuple[bool, ...]:
    frames = np.ones(max(1, round(10 * length)), dtype=bool)
    if not steady and len(frames) > 8 and rng.random() < 0.5:
        pause = int(rng.integers(2, len(frames) - 4))
        frames[pause : pause + 2] = False
    return tuple(frames.tolist())


def _again(rng: np.random.Generator, event: SourceEvent, duration_s: float) -> list[SourceEvent]:
    """The same source once or twice more, after a pause."""
    found = []
    onset = event.offset_s + float(rng.uniform(0.4, 2.0))
    for _ in range(int(rng.integers(1, 3))):
        length = event.offset_s - event.onset_s
        if onset + length < duration_s:
            track = (event.trajectory[0],)
            found.append(SourceEvent(event.label, onset, onset + length, track, event.active, speaker=event.speaker))
        onset += length + float(rng.uniform(0.4, 2.0))
    return found


def _conversation(rng: np.random.Generator, duration_s: float) -> list[SourceEvent]:
    """Two to four talkers who mostly let each other finish."""
    voices = int(rng.integers(2, 5))
    places = [_place(rng) for _ in range(voices)]
    events: list[SourceEvent] = []
    time_s, last, rude = float(rng.uniform(0, 1)), -1, rng.random() < 0.5
    while time_s < duration_s - 1.0 and len(events) < 8:
        who = int(rng.choice([n for n in range(voices) if n != last]))
        length = min(float(rng.uniform(0.8, 4.0)), duration_s - time_s)
        track = (places[who],)
        events.append(
            SourceEvent(
                "speech", time_s, time_s + length, track, (True,) * max(1, round(10 * length)), speaker=f"voice {who}"
            )
        )
        gap = -min(0.6, 0.5 * length) if rude and rng.random() < 0.4 else float(rng.uniform(0.35, 1.2))
        time_s, last = time_s + length + gap, who
    return events
