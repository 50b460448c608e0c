"""Controls: the same items with the sound or the options altered, each with the drop that one should look for.

A model that hears space loses direction when the spatial channels go, follows when the field is mirrored or turned, and
does not care for the order of options. Recordings longer than ``LONGEST_S`` are not altered; the report counts them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from spatial_lalm.audio.conventions import acn_orders, convert, rotate, rotation_matrix
from spatial_lalm.audio.formats import ChannelFormat
from spatial_lalm.audio.recording import Recording, Samples
from spatial_lalm.evaluate.benchmark import Item
from spatial_lalm.evaluate.run.turning import mirrored, options_rotated, turned

LONGEST_S = 600.0
YAW_DEG = 90.0
NOISE_DB = 10.0
"""Signal-to-noise ratio of the control with noise."""
MOST_STEPS = 3
"""Rotations of options: four options come in all four places."""
MIRROR = np.diag([1.0, -1.0, 1.0])
Ask = Callable[[Item], Item | None]
Alter = Callable[[Recording, Item], Recording | None]


@dataclass(frozen=True)
class Control:
    """``ask`` says what becomes of an item (None: it has no place here), ``alter`` what becomes of its recording."""

    name: str
    look_for: str
    ask: Ask
    alter: Alter | None = None
    follows: bool = False
    """The answers must change with the sound: being right both times is what counts."""


# ---------------------------------------------------------------- what becomes of the sound


def _zeroed(recording: Recording, item: Item) -> Recording | None:
    """The first ambisonic channel alone, the others silent; every capsule or ear the same."""
    if recording.channels == 1:
        return None
    signals = recording.read()
    if recording.format.kind == "ambisonics":
        ambix = _ambix(recording, signals)
        ambix[1:] = 0.0
        return _like(recording, ambix, ChannelFormat("ambisonics", recording.format.order))
    return _like(recording, np.repeat(signals.mean(0, keepdims=True), len(signals), 0), recording.format)


def _mono(recording: Recording, item: Item) -> Recording | None:
    if recording.channels == 1:
        return None
    return _like(recording, mono(recording, recording.read())[None], ChannelFormat("mono"))


def mono(recording: Recording, signals: Samples) -> Samples:
    """One channel ``(samples,)``: the omnidirectional one of ambisonics, an array's first, the mean of two ears."""
    if recording.format.kind == "ambisonics":
        return np.asarray(_ambix(recording, signals)[0], np.float32)
    kind = recording.format.kind
    return np.asarray(signals.mean(0) if kind == "binaural" else signals[0], np.float32)


def _mirrored(recording: Recording, item: Item) -> Recording | None:
    """Left and right exchanged; None for an array that is not its own mirror image, and for one channel."""
    signals, kind = recording.read(), recording.format.kind
    if kind == "ambisonics":
        field = rotate(_ambix(recording, signals), MIRROR)
        return _like(recording, field, ChannelFormat("ambisonics", recording.format.order))
    if kind == "binaural":
        return _like(recording, signals[::-1], recording.format)
    order = _mirror_order(recording)
    return None if order is None else _like(recording, signals[order], recording.format)


def _mirror_order(recording: Recording) -> list[int] | None:
    """For every capsule the one that stands where its mirror image would; None where there is none for some."""
    array = recording.format.array
    if array is None:
        return None
    apart = np.linalg.norm((array.positions @ MIRROR)[:, None] - array.positions[None], axis=-1)
    order: list[int] = apart.argmin(1).tolist()
    fits = sorted(order) == list(range(len(order))) and bool((apart.min(1) < 1e-4).all())
    return order if fits and array.measured is None else None


def _turned(recording: Recording, item: Item) -> Recording | None:
    """The sound field turned counter-clockwise; only ambisonics can be."""
    if recording.format.kind != "ambisonics":
        return None
    field = rotate(_ambix(recording, recording.read()), rotation_matrix(yaw_deg=YAW_DEG))
    return _like(recording, field, ChannelFormat("ambisonics", recording.format.order))


def _noisy(recording: Recording, item: Item) -> Recording | None:
    """White noise of the channels' own, in ambisonics as of a diffuse field, seeded by the item's recording."""
    signals = recording.read()
    kind, order = recording.format.kind, recording.format.order
    if kind == "ambisonics":
        signals = _ambix(recording, signals)
    shares = 1 / np.sqrt(2.0 * acn_orders(order) + 1) if kind == "ambisonics" else np.ones(len(signals))
    level = float(np.sqrt(np.mean(np.square(signals[0], dtype=np.float64)))) * 10 ** (-NOISE_DB / 20)
    seed = int.from_bytes(hashlib.sha256(item.recording.encode()).digest()[:8], "little")
    noise = np.random.default_rng(seed).normal(0.0, 1.0, signals.shape) * (level * shares)[:, None]
    chosen = ChannelFormat("ambisonics", order) if kind == "ambisonics" else recording.format
    return _like(recording, signals + noise, chosen)


def _ambix(recording: Recording, signals: Samples) -> Samples:
    return np.array(convert(signals, recording.format.convention, "ambix"), np.float32)


def _like(recording: Recording, signals: Samples, format: ChannelFormat) -> Recording:
    return Recording.from_array(np.ascontiguousarray(signals), recording.rate, format)


# ---------------------------------------------------------------- the controls


def _same(item: Item) -> Item | None:
    return item


CONTROLS: tuple[Control, ...] = (
    Control("spatial channels zeroed", "a large drop in direction and distance, none in what and when", _same, _zeroed),
    Control("mono", "a large drop in direction, or that it declines; none in what and when", _same, _mono),
    Control("left and right swapped", "no drop: answers follow the sound", mirrored, _mirrored, follows=True),
    Control(
        f"field turned by {YAW_DEG:.0f}°",
        "no drop: answers follow the sound",
        lambda item: turned(item, YAW_DEG),
        _turned,
        follows=True,
    ),
    *(
        Control(
            f"options moved by {steps}",
            "no drop: the place of an option says nothing",
            lambda item, steps=steps: options_rotated(item, steps),  # type: ignore[misc]
        )
        for steps in range(1, MOST_STEPS + 1)
    ),
    Control(f"noise at {NOISE_DB:.0f} dB", "a small drop", _same, _noisy),
)
BY_NAME = {control.name: control for control in CONTROLS}


def applies(control: Control, item: Item, hears: bool) -> bool:
    """Whether an item can come under a control by what is known before its sound is read.

    A choice that our model reads from its own sentence is asked again too: whether its place matters is to be seen.
    """
    return (hears or control.alter is None) and control.ask(item) is not None


def altered(control: Control, item: Item, recordings: Sequence[Recording]) -> tuple[Item, list[Recording]] | None:
    """The item and its recordings under a control; None where some recording cannot be altered so."""
    asked = control.ask(item)
    if asked is None:
        return None
    if control.alter is None:
        return asked, list(recordings)
    changed = []
    for recording in recordings:
        other = control.alter(recording, item) if recording.duration_s <= LONGEST_S else None
        if other is None:
            return None
        changed.append(other)
    return asked, changed
