"""Items as JSON and back: what a split of our own keeps, one object a line of ``items.jsonl``.

``{"name", "audio", "question", "truth": {"type", …}, "recording", "category", "format", "array", "start_s", "end_s",
"facts"}``: audio and the files of arrays and tables are paths relative to the folder of ``items.jsonl``, audio a list
where there are several; the fields of ``truth`` are those of its class in ``benchmark``. What has its default may be
left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any

from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.benchmark import (
    Choice,
    Decline,
    Direction,
    Item,
    Number,
    Span,
    Tracks,
    Truth,
    Words,
    YesNo,
)

TYPES: dict[type[Any], str] = {
    Choice: "choice", YesNo: "yes_no", Direction: "direction", Number: "number", Span: "span", Words: "words",
    Decline: "decline", Tracks: "tracks",
}  # fmt: skip
KEYS = ("name", "audio", "question", "truth", "recording", "category", "format", "array", "start_s", "end_s", "facts")
QUANTITIES = {
    "distance": (0.0, 100.0, "m"), "dimension": (0.0, 1000.0, "m"), "time": (0.0, 864_000.0, "s"),
    "t60": (0.0, 30.0, "s"), "drr": (-60.0, 120.0, "dB"), "c50": (-60.0, 120.0, "dB"), "volume": (0.0, 1e7, "m³"),
    "count": (0.0, 1e6, "things"),
}  # fmt: skip
"""From, to and unit of every quantity of ``Number``: a T60 of 450 is one in milliseconds."""
FILES = (".json", ".sofa")
"""Arrays of these endings are files, others presets."""


def item_to_json(item: Item, root: Path) -> dict[str, Any]:
    """An item as plain JSON values; files below ``root`` are told relative to it, others by their whole path."""
    audio = [_relative(path, root) for path in item.audio]
    array = item.array
    if array is not None and array.lower().endswith(FILES):
        array = _relative(Path(array), root)
    truth: dict[str, Any] = {"type": TYPES[type(item.truth)], **asdict(item.truth)}
    if isinstance(item.truth, Tracks):
        truth["table"] = _relative(item.truth.table, root)
    values = {
        "name": item.name, "audio": audio[0] if len(audio) == 1 else audio, "question": item.question, "truth": truth,
        "recording": item.recording, "category": item.category, "format": item.format, "array": array,
        "start_s": item.start_s, "end_s": item.end_s, "facts": dict(item.facts),
    }  # fmt: skip
    return {key: value for key, value in values.items() if value not in (None, "", {}, 0.0)}


def _relative(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path.absolute())


def item_from_json(values: Mapping[str, Any], root: Path) -> Item:
    """The item that ``item_to_json`` wrote; ``InputError`` names the field that breaks a rule.

    Whether its files exist is not looked at.
    """
    unknown = sorted(map(str, values.keys() - set(KEYS)))
    if unknown:
        raise InputError(f"field {unknown[0]} is unknown: use {', '.join(KEYS)}")
    audio = values.get("audio")
    names = [audio] if isinstance(audio, str) else audio
    if not isinstance(names, list) or not names or not all(isinstance(one, str) and one for one in names):
        raise InputError("audio must be a path or a list of paths")
    start, end = _number(values, "start_s", 0.0), values.get("end_s")
    if end is not None and not 0 <= start < _number(values, "end_s", 0.0):
        raise InputError(f"start_s {start:g} and end_s {end} must be 0 <= start_s < end_s")
    array = _optional(values, "array")
    if array is not None and array.lower().endswith(FILES):
        array = str(_below(root, array, "array"))
    return Item(
        name := _text(values, "name"),
        tuple(_below(root, one, "audio") for one in names),
        _text(values, "question"),
        truth_from_json(values.get("truth"), root),
        _optional(values, "recording") or name,
        _optional(values, "category") or "",
        _optional(values, "format"),
        array,
        start,
        None if end is None else float(end),
        _facts(values.get("facts", {})),
    )


def _below(root: Path, name: str, field: str) -> Path:
    """A file by its path relative to ``root``, which it may not leave, or by its whole path."""
    if ".." in PurePosixPath(name).parts:
        raise InputError(f"{field} {name} leads out of the folder of items.jsonl")
    return root / name


def _text(values: Mapping[str, Any], key: str) -> str:
    """A text with words in it."""
    value = values.get(key)
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{key} must be a text with words in it" if key in values else f"lacks {key}")
    return value


def _optional(values: Mapping[str, Any], key: str) -> str | None:
    """A text, None where it is left out."""
    return None if values.get(key) is None else _text(values, key)


def _number(values: Mapping[str, Any], key: str, default: float | None = None) -> float:
    """A finite number; the default where the field is left out, ``InputError`` where there is none."""
    value = values.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{key} {value!r} must be a finite number" if key in values else f"lacks {key}")
    return float(value)


def _facts(values: object) -> dict[str, float]:
    if not isinstance(values, Mapping):
        raise InputError(f"facts must be an object of numbers, not {type(values).__name__}")
    return {str(key): _number(values, key) for key in values}


# ---------------------------------------------------------------- truths


def truth_from_json(values: object, root: Path) -> Truth:
    """A truth by its ``type``; ``InputError`` names the field that breaks a rule."""
    if not isinstance(values, Mapping):
        raise InputError("truth must be an object with a type" if values is not None else "lacks truth")
    kind = values.get("type")
    if kind not in _READERS:
        raise InputError(f"truth type {kind!r} is unknown: choose {', '.join(_READERS)}")
    return _READERS[kind](values, root)


def _texts(values: Mapping[str, Any], key: str, least: int) -> tuple[str, ...]:
    found = values.get(key)
    if not isinstance(found, list) or len(found) < least or not all(isinstance(one, str) and one for one in found):
        raise InputError(f"{key} must be a list of {least} texts or more")
    return tuple(found)


def _flag(values: Mapping[str, Any], key: str, default: bool | None = None) -> bool:
    value = values.get(key, default)
    if not isinstance(value, bool):
        raise InputError(f"{key} must be true or false")
    return value


def _limited(values: Mapping[str, Any], key: str, low: float, high: float) -> float:
    value = _number(values, key)
    if not low <= value <= high:
        raise InputError(f"{key} {value:g} lies outside {low:g} to {high:g}: is it in another unit?")
    return value


def _choice(values: Mapping[str, Any], root: Path) -> Choice:
    options, right = _texts(values, "options", 2), values.get("right")
    if isinstance(right, bool) or not isinstance(right, int) or not 0 <= right < len(options):
        raise InputError(f"right {right!r} must be the place of an option, 0 to {len(options) - 1}")
    return Choice(options, right)


def _direction(values: Mapping[str, Any], root: Path) -> Direction:
    azimuth = _limited(values, "azimuth_deg", -180.0, 180.0)
    told = values.get("elevation_deg") is not None
    return Direction(azimuth, _limited(values, "elevation_deg", -90.0, 90.0) if told else None)


def _quantity(values: Mapping[str, Any], root: Path) -> Number:
    quantity = values.get("quantity")
    if quantity not in QUANTITIES:
        raise InputError(f"quantity {quantity!r} is unknown: choose {', '.join(QUANTITIES)}")
    return Number(quantity, _limited(values, "value", *QUANTITIES[quantity][:2]))


def _span(values: Mapping[str, Any], root: Path) -> Span:
    parts = values.get("parts_s")
    if not isinstance(parts, Sequence) or isinstance(parts, str) or not parts:
        raise InputError("parts_s must be a list of [start, end] in seconds")
    found = []
    for part in parts:
        if not isinstance(part, Sequence) or isinstance(part, str) or len(part) != 2:
            raise InputError(f"parts_s {part!r} must be [start, end] in seconds")
        start, end = (_number({"parts_s": one}, "parts_s") for one in part)
        if not 0 <= start <= end:
            raise InputError(f"parts_s [{start:g}, {end:g}] must be 0 <= start <= end")
        found.append((start, end))
    return Span(tuple(found))


_READERS: dict[str, Callable[[Mapping[str, Any], Path], Truth]] = {
    "choice": _choice,
    "yes_no": lambda values, root: YesNo(_flag(values, "yes")),
    "direction": _direction,
    "number": _quantity,
    "span": _span,
    "words": lambda values, root: Words(_texts(values, "accepted", 1), _flag(values, "transcript", False)),
    "decline": lambda values, root: Decline(),
    "tracks": lambda values, root: Tracks(_below(root, _text(values, "table"), "table"), _text(values, "protocol")),
}
