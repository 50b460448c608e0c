"""One sound of a scene: drawn dry, sent through the room, and described by labels that are measured on it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.arrays import SPEED_OF_SOUND
from spatial_lalm.audio.conventions import angles
from spatial_lalm.audio.scene import FRAME_S, Acoustics, Room, SourceEvent
from spatial_lalm.simulation.acoustics import DIRECT_WINDOW_S, measure, measure_in_open_air
from spatial_lalm.simulation.engine.paths import PATTERNS, Path
from spatial_lalm.simulation.keeping import LEVEL_SLACK_DB
from spatial_lalm.simulation.overlap import PlannedSound
from spatial_lalm.simulation.recipe import SceneRecipe
from spatial_lalm.simulation.room import sample_source
from spatial_lalm.simulation.trajectories import ReceiverMotion, Trajectory

if TYPE_CHECKING:
    from spatial_lalm.simulation.engine.render import Response
    from spatial_lalm.simulation.library import DrySource, SourceLibrary
    from spatial_lalm.simulation.receivers import Receiver

Floats = NDArray[np.floating[Any]]
Samples = NDArray[np.float32]

ACTIVE_DB = -35.0
"""A 100 ms frame of the dry signal is active when its level is at most this far below the loudest frame's."""
VOICE_TRIES = 8


@dataclass(frozen=True)
class Stage:
    """What all sounds of a scene share.

    ``peak`` bounds each sound where the scene is not known as a whole. ``device`` is where our own engine renders;
    pyroomacoustics knows the CPU only.
    """

    recipe: SceneRecipe
    library: SourceLibrary
    room: Room
    receiver: Receiver
    motion: ReceiverMotion
    seed: int
    peak: float = np.inf
    device: str = "cpu"

    @property
    def rows(self) -> int:
        """Channels of the receiver, and one more for W beside an array's capsules."""
        return self.receiver.channels + (self.receiver.array is not None)

    def noise_path(self, rng: np.random.Generator) -> Path:
        """From a random place, that of a steady noise, to the receiver, at rest."""
        receiver = self.motion.way.points[0]
        return Path(self.room, sample_source(rng, self.room, receiver, self.recipe.sources), receiver, seed=self.seed)

    def noise_response(self, path: Path) -> tuple[Samples, tuple[float, float, float]]:
        """Rows ``(R, taps)`` of a noise's response, and its place: azimuth and elevation in degrees, distance in m."""
        azimuth, elevation = angles(path.direct)
        distance = float(np.linalg.norm(path.direct))
        return rows_of(self.receiver, _respond(self, [path])[0]), (float(azimuth), float(elevation), distance)


@dataclass(frozen=True)
class Sound:
    """A rendered sound: ``wet (R, T)`` from sample ``onset`` of the scene on; ``event`` is None if it is not heard.

    ``direct_db`` is the level of its direct sound in W, re a typical source; ``dry_end_s`` when its source ends;
    ``unkept`` are names of settings that it does not keep (``keeping.REASONS``).
    """

    wet: Samples
    onset: int
    event: SourceEvent | None
    acoustics: Acoustics
    speaker: str | None
    direct_db: float
    dry_end_s: float
    unkept: tuple[str, ...] = ()


def rows_of(receiver: Receiver, response: Response) -> Samples:
    """Rows ``(R, taps)`` of a response: W first, then an array's capsules, or the ambisonic channels."""
    return response.taps if receiver.array is None else np.concatenate([response.omni[None], response.taps])


def render_sound(
    stage: Stage,
    planned: PlannedSound,
    number: int,
    speaker: str | None = None,
    taken: Collection[str] = (),
) -> Sound:
    """Draw and render a planned sound, the ``number``-th of its scene.

    ``speaker`` asks for a voice; without one, a talker of a conversation gets one that is not ``taken``.
    """
    recipe = stage.recipe
    rng = np.random.default_rng((stage.seed, 7, number))
    dry = _drawn(stage, planned, rng, speaker, taken)
    sound = _augmented(rng, recipe, dry.samples)
    onset = _onset(rng, planned, len(sound), recipe.rate)
    way, times = planned.way, onset / recipe.rate + np.arange(_knots(len(sound), recipe)) * _step_s()
    paths = paths_at(stage, planned, dry.label, times)
    response = _respond(stage, paths[:1])[0]
    wet = _convolved(stage, sound, paths, response)
    acoustics = _acoustics(stage, response)
    level = np.sqrt(np.mean(np.square(wet[0, : len(sound)]))) + 1e-12
    gain = min(10 ** (planned.level_db / 20) / level, stage.peak / (np.abs(wet).max() + 1e-12))
    wet *= np.float32(gain)
    delay = onset + response.direct_sample
    event = _event(dry, _activity(sound, recipe.rate), delay / recipe.rate, stage, way, acoustics)
    level_db = float(20 * np.log10(gain * level))
    direct_db = level_db + 10 * np.log10(_direct_share(response, recipe.rate))
    unkept = {
        "sources.level_spread_db": level_db < -recipe.sources.level_spread_db - LEVEL_SLACK_DB,
        "sources.conversation_share": planned.talker is not None and dry.speaker in taken,
        "sources.counts": planned.talker is None and event is None,
    }
    names = tuple(name for name, holds in unkept.items() if holds)
    return Sound(wet, onset, event, acoustics, dry.speaker, float(direct_db), (onset + len(sound)) / recipe.rate, names)


def _drawn(
    stage: Stage, planned: PlannedSound, rng: np.random.Generator, speaker: str | None, taken: Collection[str]
) -> DrySource:
    """A dry sound; in a conversation speech of the asked voice, or of one that nobody has yet if there is any."""
    samples, rate = round(planned.longest_s * stage.recipe.rate), stage.recipe.rate
    if planned.talker is None:
        return stage.library.draw(rng, samples, rate)
    for _ in range(VOICE_TRIES):
        dry = stage.library.draw(rng, samples, rate, "speech", speaker)
        if speaker is not None or dry.speaker not in taken:
            break
    return dry


def _onset(rng: np.random.Generator, planned: PlannedSound, samples: int, rate: int) -> int:
    """The sample at which the dry sound begins.

    In the scene's first window it may have begun before the scene, so that a model meets running sounds and
    reverberation at its start.
    """
    if planned.onset_s is not None:
        return round(planned.onset_s * rate)
    start, end = (edge * rate for edge in planned.window_s)
    earliest = start - (0.3 * samples if start == 0 else 0.0)
    return int(rng.uniform(earliest, max(start + 1.0, end - 0.6 * samples)))


# ---------------------------------------------------------------- through the room


def _step_s() -> float:
    from spatial_lalm.simulation.engine.moving import STEP_S

    return STEP_S


def _knots(samples: int, recipe: SceneRecipe) -> int:
    from spatial_lalm.simulation.engine.moving import knot_count

    return knot_count(samples, recipe.rate)


def paths_at(stage: Stage, planned: PlannedSound, label: str, times: Floats) -> list[Path]:
    """Paths at the knots of the sound, or the one path of a sound and a receiver at rest."""
    pattern = PATTERNS["talker" if label == "speech" and planned.aim is not None else planned.pattern]
    aim = None if planned.aim is None else np.array(planned.aim)
    seed = (stage.seed + 7919 * round(1e3 * float(planned.way.points[0].sum()))) % 2**32
    if not (planned.way.moves or stage.motion.moves):
        return [Path(stage.room, planned.way.points[0], stage.motion.way.points[0], pattern, aim, None, seed)]
    turning = stage.motion.turn_deg_s != 0
    facings = stage.motion.facing(times) if turning else [None] * len(times)
    sources, receivers = planned.way.at(times), stage.motion.way.at(times)
    return [
        Path(stage.room, source, receiver, pattern, aim, facing, seed)
        for source, receiver, facing in zip(sources, receivers, facings, strict=True)
    ]


def _respond(stage: Stage, paths: list[Path]) -> list[Response]:
    """Responses by the recipe's engine."""
    if stage.recipe.engine == "pyroomacoustics":
        from spatial_lalm.simulation.pyroom import reference_responses

        return reference_responses(paths, stage.receiver, stage.recipe.rate)
    from spatial_lalm.simulation.engine.render import render_responses

    full = stage.recipe.engine == "all-images"
    return render_responses(paths, stage.receiver, stage.recipe.rate, full, stage.device)


def _convolved(stage: Stage, sound: Samples, paths: list[Path], response: Response) -> Samples:
    """Rows ``(R, T)`` of a dry sound through the room, at rest or on the move."""
    if len(paths) > 1 and stage.recipe.engine == "pyroomacoustics":
        from spatial_lalm.simulation.pyroom import reference_moving

        return reference_moving(sound, paths, stage.receiver, stage.recipe.rate)
    if len(paths) > 1:
        from spatial_lalm.simulation.engine.moving import render_moving

        return render_moving(sound, paths, stage.receiver, stage.recipe.rate, stage.device)
    from scipy.signal import oaconvolve

    return np.asarray(oaconvolve(sound[None], rows_of(stage.receiver, response), axes=1), dtype=np.float32)


def _acoustics(stage: Stage, response: Response) -> Acoustics:
    """What is measured on a response, of movers on that at the onset: their DRR and C50 change as they go.

    Open air has no reverberation, whatever a filter's ringing looks like.
    """
    measured = measure_in_open_air if stage.room.outdoors else measure
    return measured(response.omni, response.direct_sample, stage.recipe.rate, response.direct)


def _direct_share(response: Response, rate: int) -> float:
    """Share of the direct sound in the energy of an omni response."""
    start = max(0, round(response.direct_sample + DIRECT_WINDOW_S[0] * rate))
    stop = round(response.direct_sample + DIRECT_WINDOW_S[1] * rate)
    energy = np.square(response.omni)
    return float(energy[start:stop].sum() / max(energy.sum(), 1e-20))


def _augmented(rng: np.random.Generator, recipe: SceneRecipe, sound: Samples) -> Samples:
    """Another take of a dry sound ``(T,)``: played at another speed, with another spectral tilt."""
    if recipe.sources.varispeed:
        step = np.exp(rng.uniform(-1, 1) * np.log1p(recipe.sources.varispeed))
        sound = np.interp(np.arange(0, len(sound) - 1, step), np.arange(len(sound)), sound).astype(np.float32)
    if recipe.sources.colour_db:
        import scipy.fft

        size = scipy.fft.next_fast_len(len(sound), real=True)
        octaves = np.log2(np.maximum(scipy.fft.rfftfreq(size, 1 / recipe.rate), 60.0) / 1000.0)
        tilt = (10 ** (rng.uniform(-1, 1) * recipe.sources.colour_db * octaves / 20)).astype(np.float32)
        sound = scipy.fft.irfft(scipy.fft.rfft(sound, size) * tilt, size)[: len(sound)].astype(np.float32)
    return sound


# ---------------------------------------------------------------- labels


def _event(
    dry: DrySource, active: NDArray[np.bool_], start_s: float, stage: Stage, way: Trajectory, acoustics: Acoustics
) -> SourceEvent | None:
    """The part of a sound inside the scene: ``active (frames,)`` per 100 ms from ``start_s`` on."""
    end_s = stage.recipe.duration_s
    skipped = max(0, int(np.ceil(-start_s / FRAME_S)))
    kept = active[skipped : skipped + max(0, int((end_s - max(start_s, 0.0)) / FRAME_S))]
    sounding = np.flatnonzero(kept)
    if not len(sounding):
        return None
    onset = max(0.0, start_s + (skipped + sounding[0]) * FRAME_S)
    frames = len(kept[sounding[0] : sounding[-1] + 1])
    return SourceEvent(
        label=dry.label,
        onset_s=float(onset),
        offset_s=float(min(end_s, start_s + (skipped + sounding[-1] + 1) * FRAME_S)),
        trajectory=_heard_from(stage, way, onset, frames),
        active=tuple(kept[sounding[0] : sounding[-1] + 1].tolist()),
        text=dry.text,
        speaker=dry.speaker,
        acoustics=acoustics,
    )


def _heard_from(stage: Stage, way: Trajectory, onset_s: float, frames: int) -> tuple[tuple[float, float, float], ...]:
    """Azimuth, elevation and distance at the middle of every frame, one entry where nothing moves.

    A sound is heard from where its source was when it left it.
    """
    count = frames if way.moves or stage.motion.moves else 1
    heard = onset_s + (np.arange(count) + 0.5) * FRAME_S
    receiver = stage.motion.way.at(heard)
    delay = np.linalg.norm(way.at(heard) - receiver, axis=1) / SPEED_OF_SOUND
    vectors = way.at(heard - delay) - receiver
    if stage.motion.turn_deg_s:
        vectors = np.einsum("ti,tij->tj", vectors, stage.motion.facing(heard))
    azimuth, elevation = angles(vectors)
    distance = np.linalg.norm(vectors, axis=1)
    rows = zip(azimuth.tolist(), elevation.tolist(), distance.tolist(), strict=True)
    return tuple((float(a), float(e), float(d)) for a, e, d in rows)


def _activity(sound: Samples, rate: int) -> NDArray[np.bool_]:
    """Activity ``(frames,)`` of a dry signal ``(T,)`` per 100 ms, by its energy."""
    step = round(FRAME_S * rate)
    frames = np.pad(sound, (0, -len(sound) % step)).reshape(-1, step)
    level = 10 * np.log10(np.mean(frames.astype(np.float64) ** 2, axis=1) + 1e-12)
    active: NDArray[np.bool_] = level > level.max() + ACTIVE_DB
    return active
