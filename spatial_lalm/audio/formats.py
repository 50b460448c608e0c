"""What the channels of a recording mean: a value that travels with the samples and refuses impossible combinations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from spatial_lalm.audio.arrays import MicrophoneArray
from spatial_lalm.audio.conventions import MAX_ORDER, Convention, channel_count
from spatial_lalm.audio.presets import preset, preset_names
from spatial_lalm.errors import InputError

Kind = Literal["ambisonics", "array", "binaural", "mono"]
FORMATS: tuple[str, ...] = ("ambix", "foa", "hoa2", "hoa3", "n3d", "fuma", "binaural", "mono")
"""Names that ``parse_format`` knows; ``foa``, ``hoa2`` and ``hoa3`` are AmbiX of order 1, 2 and 3."""

_FIXED_ORDER = {"foa": 1, "hoa2": 2, "hoa3": 3, "fuma": 1}
_ORDER_BY_CHANNELS = {channel_count(order): order for order in range(1, MAX_ORDER + 1)}


@dataclass(frozen=True)
class ChannelFormat:
    """The meaning of a recording's channels.

    ``order`` and ``convention`` belong to ambisonics only, ``array`` to microphone arrays only. Raises ``InputError``
    where they contradict the ``kind``.
    """

    kind: Kind
    order: int = 0
    convention: Convention = "ambix"
    array: MicrophoneArray | None = None

    def __post_init__(self) -> None:
        """Refuse contradictions."""
        if self.kind not in get_args(Kind):
            raise InputError(f"channel kind {self.kind!r} is not known: use {', '.join(get_args(Kind))}")
        if (self.array is not None) != (self.kind == "array"):
            raise InputError(f"a format of kind {self.kind} {'needs' if self.array is None else 'takes no'} array")
        if self.kind != "ambisonics":
            if self.order != 0:
                raise InputError(f"a format of kind {self.kind} has no ambisonic order, but {self.order} is given")
        elif not 1 <= self.order <= MAX_ORDER:
            raise InputError(f"ambisonic order {self.order} is not supported: choose 1 to {MAX_ORDER}")
        elif self.convention == "fuma" and self.order != 1:
            raise InputError(f"fuma of order {self.order} is not supported: FuMa is read at order 1 only")

    @property
    def channels(self) -> int:
        """How many channels such a recording has."""
        if self.array is not None:
            return self.array.microphones
        return {"mono": 1, "binaural": 2}.get(self.kind, channel_count(self.order))

    def __str__(self) -> str:
        """Plain words, as in ``ambix order 1`` or ``array em32``."""
        if self.array is not None:
            return f"array {self.array.name}"
        return f"{self.convention} order {self.order}" if self.kind == "ambisonics" else self.kind


def parse_format(name: str | None, array: str | None, channels: int) -> tuple[ChannelFormat, list[str]]:
    """Settle what ``channels`` channels mean from ``--format`` and ``--array``.

    ``name`` is one of ``FORMATS``, ``array`` a preset or the path of a JSON or SOFA array file, either may be ``None``.
    Without both a default applies: 1 mono, 2 binaural, 4/9/16 AmbiX. Returns the format and the assumptions made, in
    plain words. Raises ``InputError`` for names that are not known and for formats that the channels cannot have.
    """
    if name is not None and array is not None:
        raise InputError(f"format {name!r} and array {array!r} are both given: give one of them")
    if array is not None:
        chosen = _array_format(array, channels)
        measured = chosen.array.measured if chosen.array else None
        return chosen, [f"array: {note}" for note in measured.notes] if measured else []
    if name is not None:
        return _named_format(name.lower(), channels), []
    chosen = _default_format(channels)
    plural = "channel" if channels == 1 else "channels"
    return chosen, [f"format: {chosen} ({channels} {plural}, none was named)"]


def _array_format(array: str, channels: int) -> ChannelFormat:
    """A preset by name, or a file where the name ends in ``.json`` or ``.sofa``."""
    is_file = array.lower().endswith((".json", ".sofa"))
    microphones = MicrophoneArray.load(array) if is_file else preset(array.lower())
    if microphones.microphones != channels:
        raise InputError(
            f"array {microphones.name} has {microphones.microphones} microphones, but there are {channels} channels: "
            "name the array that was used"
        )
    return ChannelFormat("array", array=microphones)


def _named_format(name: str, channels: int) -> ChannelFormat:
    """A format of ``FORMATS``, checked against the channels."""
    if name not in FORMATS:
        hint = f"; for the array of that name use --array {name}" if name in preset_names() else ""
        raise InputError(f"format {name!r} is not known: choose {', '.join(FORMATS)}{hint}")
    if name in ("mono", "binaural"):
        chosen = ChannelFormat("mono" if name == "mono" else "binaural")
        return _fitting(chosen, name, channels)
    order = _FIXED_ORDER.get(name, _ORDER_BY_CHANNELS.get(channels))
    if order is None:
        raise InputError(f"format {name} has 4, 9 or 16 channels (order 1 to {MAX_ORDER}), but there are {channels}")
    convention: Convention = "n3d" if name == "n3d" else "fuma" if name == "fuma" else "ambix"
    return _fitting(ChannelFormat("ambisonics", order, convention), name, channels)


def _fitting(chosen: ChannelFormat, name: str, channels: int) -> ChannelFormat:
    """The format itself, or ``InputError`` where its channel count is another."""
    if chosen.channels != channels:
        wanted = "1 channel" if chosen.channels == 1 else f"{chosen.channels} channels"
        raise InputError(f"format {name} has {wanted}, but there are {channels}: name the format that fits")
    return chosen


def _default_format(channels: int) -> ChannelFormat:
    """What a file of so many channels is taken for when nothing is named."""
    if channels in _ORDER_BY_CHANNELS:
        return ChannelFormat("ambisonics", _ORDER_BY_CHANNELS[channels])
    if channels in (1, 2):
        return ChannelFormat("mono" if channels == 1 else "binaural")
    fitting = [name for name in preset_names() if preset(name).microphones == channels]
    known = f" (known with {channels}: {', '.join(fitting)})" if fitting else ""
    raise InputError(f"{channels} channels have no default meaning: name the microphone array with --array{known}")
