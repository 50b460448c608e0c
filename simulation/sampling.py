"""From a recipe and a seed to a rendered scene with its labels, whole or block by block.

Legend: R rows of the receiver (its channels; an array's after one of W), T samples.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.audio.scene import FRAME_S, Acoustics, Scene, SourceEvent
from spatial_lalm.simulation.array_sampling import sample_array
from spatial_lalm.simulation.background import Background
from spatial_lalm.simulation.engine.paths import Path, decay_times
from spatial_lalm.simulation.events import Sound, Stage, paths_at, render_sound
from spatial_lalm.simulation.keeping import LEVEL_SLACK_DB, sample_setting, unkept_in, with_unkept
from spatial_lalm.simulation.overlap import PlannedSound
from spatial_lalm.simulation.receivers import CapsuleErrors, Receiver, array_receiver, named_receiver
from spatial_lalm.simulation.recipe import SceneRecipe
from spatial_lalm.simulation.timeline import Place, plan_window, windows

if TYPE_CHECKING:
    from spatial_lalm.simulation.library import SourceLibrary

Floats = NDArray[np.floating[Any]]
Samples = NDArray[np.float32]

WHOLE_S = 60.0
"""Scenes up to this long are rendered whole and levelled by their own power and peak."""
LONG_LEVEL_DB = -26.0
"""Longer scenes are not known as a whole when their first block leaves: typical sources stay below this RMS ..."""
EVENT_PEAK = 0.5
"""... and every sound below this peak, so that overlapping ones stay within full scale."""
FULL_SCALE = 0.98


@dataclass
class _Take:
    """A scene on its way: what was drawn for all of it, and what its sounds have told so far."""

    stage: Stage
    background: Background
    snr_db: float
    noise: Path | None = None
    events: list[SourceEvent] = field(default_factory=list)
    acoustics: list[Acoustics] = field(default_factory=list)
    turn_end_s: float = 0.0
    last_talker: int | None = None
    voices: dict[int, str | None] = field(default_factory=dict)
    unkept: Counter[str] = field(default_factory=Counter)


class Labels:
    """Tells a scene's labels once its last block has been taken; ``RuntimeError`` before."""

    def __init__(self) -> None:
        self.scene: Scene | None = None
        self.not_kept: tuple[str, ...] = ()
        """Names of the recipe's settings that the scene does not keep, see ``keeping``."""

    def __call__(self) -> Scene:
        """The scene graph."""
        if self.scene is None:
            raise RuntimeError("the labels of a scene are known after its last block")
        return self.scene


def render_scene(recipe: SceneRecipe, library: SourceLibrary, seed: int, device: str = "cpu") -> tuple[Samples, Scene]:
    """Render the scene of a seed: samples ``(channels, samples)`` and its labels.

    Channels are ambisonics in ACN/SN3D or an array's capsules. The same recipe, library and seed give the same samples
    on the CPU; ``device`` is where responses are rendered.
    """
    labels, blocks = render_blocks(recipe, library, seed, device)
    samples = np.concatenate(list(blocks), axis=1)
    return samples, labels()


def render_blocks(
    recipe: SceneRecipe, library: SourceLibrary, seed: int, device: str = "cpu"
) -> tuple[Labels, Iterator[Samples]]:
    """The scene of a seed in blocks ``(channels, n)``, in memory that does not grow with its length.

    A scene of up to ``WHOLE_S`` is one block. Of longer ones each window is one, and levels are set beforehand
    (``LONG_LEVEL_DB``, ``EVENT_PEAK``). The labels are known after the last block.
    """
    labels = Labels()

    def blocks() -> Iterator[Samples]:
        rng, take = _begin(recipe, library, seed, device)
        yield from (_whole if recipe.duration_s <= WHOLE_S else _in_pieces)(rng, recipe, take)
        labels.scene = _labels(recipe, take, seed)
        labels.not_kept = tuple(sorted({*take.unkept, *unkept_in(labels.scene, recipe)}))

    return labels, blocks()


def _whole(rng: np.random.Generator, recipe: SceneRecipe, take: _Take) -> Iterator[Samples]:
    rows = np.concatenate(list(_windows(rng, recipe, take)), axis=1)
    rows *= _level(rng, recipe, rows[0], rows)
    if 10 * np.log10(np.mean(rows[0] ** 2)) < recipe.level_db[0] - LEVEL_SLACK_DB:
        take.unkept["level_db"] += 1
    yield _heard(take, rows, 0)


def _in_pieces(rng: np.random.Generator, recipe: SceneRecipe, take: _Take) -> Iterator[Samples]:
    level = min(float(rng.uniform(*recipe.level_db)), LONG_LEVEL_DB)
    gain = np.float32(10 ** (level / 20))
    take.stage = replace(take.stage, peak=EVENT_PEAK / float(gain))
    start = 0
    for rows in _windows(rng, recipe, take):
        heard = _heard(take, rows * gain, start)
        if np.abs(heard).max() > 1.0:
            take.unkept["level_db"] += 1
        yield np.clip(heard, -1.0, 1.0)
        start += rows.shape[1]


def _begin(recipe: SceneRecipe, library: SourceLibrary, seed: int, device: str) -> tuple[np.random.Generator, _Take]:
    """Draw the room, the receiver and the background."""
    rng = np.random.default_rng(seed)
    room, motion, unkept = sample_setting(rng, recipe)
    recipe = with_unkept(recipe, unkept)
    receiver = _receiver(recipe, np.random.default_rng((seed, 11)))  # apart, so every receiver hears the same scene
    samples = round(recipe.duration_s * recipe.rate)
    stage = Stage(recipe, library, room, receiver, motion, seed, device=device)
    background = Background.draw(rng, recipe.background, receiver, recipe.rate, samples)
    placed = not motion.moves and rng.random() < recipe.background.directional_share
    noise = stage.noise_path(rng) if placed else None
    snr_db = float(rng.uniform(*recipe.background.snr_db))
    return rng, _Take(stage, background, snr_db, noise, unkept=Counter(unkept))


def _settle(take: _Take, plan: list[PlannedSound]) -> None:
    """Give the room the walls that its first sounds ask for (``engine.settling``), and let the steady noise into it.

    Other engines' rooms keep theirs: one more response of rays, or of all images, would take as long as the scene.
    """
    from spatial_lalm.simulation.engine.settling import settled

    stage, recipe = take.stage, take.stage.recipe
    if plan and recipe.engine == "images" and not stage.room.outdoors:
        spoken = stage.library.labels == {"speech"}
        labels = ["speech" if spoken or planned.talker is not None else "" for planned in plan]
        begun = zip(plan, labels, strict=True)
        paths = [paths_at(stage, planned, label, planned.way.times[:1])[0] for planned, label in begun]
        room = settled(paths, recipe.rooms.t60_s, recipe.rate)
        stage = take.stage = replace(stage, room=room)
    if take.noise is not None:
        response, place = stage.noise_response(replace(take.noise, room=stage.room))
        take.background = replace(take.background, directional=response, place=place)


def _receiver(recipe: SceneRecipe, rng: np.random.Generator) -> Receiver:
    """The recipe's receiver; an array as its capsules really are, each a little off its data sheet."""
    own = recipe.receivers
    nominal = sample_array(rng) if recipe.receiver == "random" else named_receiver(recipe.receiver).array
    if nominal is None:
        return named_receiver(recipe.receiver)
    errors = CapsuleErrors(own.gain_db, own.delay_us, own.position_m, own.noise_floor_db)
    return array_receiver(nominal, errors, rng)


def _windows(rng: np.random.Generator, recipe: SceneRecipe, take: _Take) -> Iterator[Samples]:
    """Rows ``(R, T)`` of the scene's windows: sounds at a typical power of 1, over the background.

    No sound begins before its window (but in the first), so that what came before is final.
    """
    stage = take.stage
    t60_s = float(decay_times(stage.room)[3])  # of the walls as drawn, so that places do not depend on settling
    samples = round(recipe.duration_s * recipe.rate)
    waiting = np.zeros((stage.rows, 0), np.float32)
    number = 0
    for window_s in windows(recipe.duration_s, recipe.sources.window_s):
        place = Place(stage.room, t60_s, stage.motion.way.at(np.array([window_s[0]]))[0], take.unkept)
        plan = plan_window(rng, stage.recipe.sources, place, window_s, "speech" in stage.library.labels)
        if window_s[0] == 0:
            _settle(take, plan)
        start, stop = (round(edge * recipe.rate) for edge in window_s)
        stop = min(stop, samples)
        block, waiting = _taken(waiting, stop - start)
        talkers = set[int | None]()
        for planned in plan:
            number += 1
            sound = _render(take, planned, number)
            if sound is None:
                continue
            waiting = _laid(block, waiting, sound, start)
            _note(take, sound)
            talkers |= {planned.talker} if sound.event else set()
        if plan and plan[0].talker is not None and len(talkers) < 2:
            take.unkept["sources.conversation_share"] += 1
        noise = take.background.block(start, stop)
        yield block + noise * np.float32(10 ** (-take.snr_db / 20))


def _render(take: _Take, planned: PlannedSound, number: int) -> Sound | None:
    """Render a planned sound, a turn after the turn before and in its talker's voice; None for one too late."""
    talker = planned.talker
    if talker is None:
        return render_sound(take.stage, planned, number)
    begins = max(take.turn_end_s, planned.window_s[0]) + planned.gap_s
    if begins > planned.window_s[1] - 0.5 or talker == take.last_talker:  # the turn in between may have been too late
        return None
    planned = replace(planned, onset_s=max(begins, planned.window_s[0]))
    taken = {voice for other, voice in take.voices.items() if other != talker and voice}
    sound = render_sound(take.stage, planned, number, take.voices.get(talker), taken)
    take.turn_end_s, take.last_talker = sound.dry_end_s, talker
    take.voices[talker] = sound.speaker
    return sound


def _taken(waiting: Samples, samples: int) -> tuple[Samples, Samples]:
    """A block ``(R, samples)`` that begins with what waits from before, and what goes on waiting after it."""
    block = np.zeros((len(waiting), samples), np.float32)
    count = min(samples, waiting.shape[1])
    block[:, :count] = waiting[:, :count]
    return block, waiting[:, count:]


def _laid(block: Samples, waiting: Samples, sound: Sound, start: int) -> Samples:
    """Add a sound into the block that starts at a sample, and into what waits for the blocks after it."""
    onset = sound.onset - start
    begin, end = max(0, onset), min(block.shape[1], onset + sound.wet.shape[1])
    if end > begin:
        block[:, begin:end] += sound.wet[:, begin - onset : end - onset]
    after = onset + sound.wet.shape[1] - block.shape[1]
    if after > 0:
        place = max(0, onset - block.shape[1])
        if place + after > waiting.shape[1]:
            waiting = np.pad(waiting, ((0, 0), (0, place + after - waiting.shape[1])))
        tail = sound.wet[:, max(0, block.shape[1] - onset) :]
        waiting[:, place : place + tail.shape[1]] += tail
    return waiting


def _note(take: _Take, sound: Sound) -> None:
    """Keep what a sound tells; its direct sound over the background is known now."""
    take.unkept.update(sound.unkept)
    if sound.event is None:
        return
    rate = take.stage.recipe.rate
    start, stop = (round(edge * rate) for edge in (sound.event.onset_s, sound.event.offset_s))
    noise_db = take.background.level_db(start, stop) - take.snr_db
    take.events.append(replace(sound.event, direct_snr_db=sound.direct_db - noise_db))
    take.acoustics.append(sound.acoustics)


def _heard(take: _Take, rows: Samples, start: int) -> Samples:
    """The receiver's channels ``(channels, T)``, with their own noise where they are capsules."""
    receiver = take.stage.receiver
    if receiver.array is None:
        return rows
    rng = np.random.default_rng((take.stage.seed, 3, start))
    noise = rng.standard_normal((receiver.channels, rows.shape[1]), dtype=np.float32)
    return np.asarray(rows[1:] + noise * receiver.noise[:, None].astype(np.float32))


def _level(rng: np.random.Generator, recipe: SceneRecipe, omni: Samples, rows: Samples) -> np.float32:
    """Gain to a random RMS level in W that keeps every channel's peak below full scale."""
    wanted = 10 ** (rng.uniform(*recipe.level_db) / 20) / np.sqrt(np.mean(omni**2))
    return np.float32(min(wanted, FULL_SCALE / np.max(np.abs(rows))))


def _labels(recipe: SceneRecipe, take: _Take, seed: int) -> Scene:
    stage = take.stage
    array = stage.receiver.array
    start = stage.motion.way.points[0]
    return Scene(
        duration_s=recipe.duration_s,
        rate=recipe.rate,
        order=0 if array else stage.receiver.order,
        room=stage.room,
        receiver_m=(float(start[0]), float(start[1]), float(start[2])),
        events=tuple(sorted(take.events, key=lambda event: event.onset_s)),
        acoustics=mean_acoustics(take.acoustics),
        snr_db=take.snr_db,
        seed=seed,
        convention="array" if array else "ambix",
        array=array.to_dict() if array else None,
        receiver_track=stage.motion.poses(recipe.duration_s, FRAME_S),
        background=take.background.label,
    )


def mean_acoustics(measured: list[Acoustics]) -> Acoustics | None:
    """Mean over the sources, ignoring what could not be measured; None without sources."""
    if not measured:
        return None

    def mean(values: list[Any]) -> Any:
        if isinstance(values[0], tuple):
            return tuple(mean(list(band)) for band in zip(*values, strict=True))
        known = [value for value in values if np.isfinite(value)]
        return float(np.mean(known)) if known else float("nan")

    return Acoustics(**{one.name: mean([getattr(m, one.name) for m in measured]) for one in fields(Acoustics)})
