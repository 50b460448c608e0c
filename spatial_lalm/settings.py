"""Settings: nested frozen dataclasses whose fields explain themselves, read from TOML tables field by field.

Everybody's, as ``errors`` is. A field is a plain default, or ``setting(...)`` which adds its unit, how it is drawn, its
limits and a sentence of help. A pair ``tuple[float, float]`` is a range, its low end first.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Collection, Iterable
from dataclasses import Field, field, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from spatial_lalm.errors import InputError

T = TypeVar("T")

_PLAIN: dict[Any, tuple[tuple[type, ...], str]] = {
    float: ((int, float), "a number"),
    int: ((int,), "a whole number"),
    bool: ((bool,), "true or false"),
    str: ((str,), "a text in quotes"),
    dict: ((dict,), "a table"),
}


def setting(
    default: T,
    help: str,
    unit: str = "",
    drawn: str = "",
    *,
    least: float | None = None,
    most: float | None = None,
) -> T:
    """A dataclass field that explains itself; ``spatial-lalm simulate --describe`` prints what is said here.

    Args:
        default: Value where nothing else is given.
        help: What it is, in a phrase.
        unit: Unit of the value or of each of its numbers, such as ``"s"``; empty for plain numbers.
        drawn: Name of the distribution over the range, such as ``"log-uniform"``; empty where nothing is drawn.
        least: Smallest number allowed, itself included.
        most: Largest number allowed, itself included.
    """
    metadata = {"help": help, "unit": unit, "drawn": drawn, "least": least, "most": most}
    return field(default=default, metadata=metadata)


def is_range(hint: Any) -> bool:
    """Whether a field's type is that of a range: a pair of numbers."""
    return get_origin(hint) is tuple and get_args(hint) in ((float, float), (int, int))


def check(own: Any) -> None:
    """``InputError`` for the first field outside its limits, not finite, or whose range ends before it begins.

    For the ``__post_init__`` of a dataclass; ``build`` calls it for every dataclass that it makes.
    """
    hints = get_type_hints(type(own))
    for one in fields(own):
        value = getattr(own, one.name)
        items = value if isinstance(value, tuple) else (value,)
        _check_limits(one, value, [item for item in items if _is(item, (int, float))])
        if is_range(hints[one.name]) and value[0] > value[1]:
            raise InputError(f"{one.name} = {_shown(value)}: the range is reversed, its low end comes first")


def _check_limits(one: Field[Any], value: Any, numbers: list[float]) -> None:
    """``InputError`` where one of a field's numbers is not finite or beyond the limits in its metadata."""
    least, most = one.metadata.get("least"), one.metadata.get("most")
    limits = [f"{word} {limit:g}" for word, limit in (("at least", least), ("at most", most)) if limit is not None]
    for number in numbers:
        if not math.isfinite(number):
            raise InputError(f"{one.name} = {_shown(value)}: must be finite")
        if (least is not None and number < least) or (most is not None and number > most):
            raise InputError(f"{one.name} = {_shown(value)}: must be {' and '.join(limits)}")


def find_toml(name: str, folder: Path) -> Path:
    """The file ``NAME.toml`` that a user gave, or the shipped one of that name in ``folder``."""
    path = Path(name) if name.endswith(".toml") else folder / f"{name}.toml"
    if not path.is_file():
        shipped = ", ".join(sorted(p.stem for p in folder.glob("*.toml")))
        raise InputError(f"{name}: no such configuration; give a .toml file or one of: {shipped}")
    return path


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file; ``InputError`` where it cannot be read as one."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:  # also what int() says of a number with thousands of digits
        raise InputError(f"{path}: not a TOML file ({error}); mend it there") from None


def refuse_unknown(names: Iterable[str], known: Collection[str], where: str) -> None:
    """``InputError`` for the first name that is not known."""
    for name in names:
        if name not in known:
            raise InputError(f"{where}: unknown field {name!r}; known: {', '.join(known)}")


def build(kind: type[T], table: Any, where: str) -> T:
    """A dataclass from a table of the values that differ from its defaults.

    Tables become the dataclasses that the type hints name, lists become tuples.

    Args:
        kind: The dataclass.
        table: What ``tomllib`` or ``json`` gave.
        where: File (and field) that the table came from, for messages.

    Raises:
        InputError: An unknown field, a value of another type or outside its limits; names file, field and value.
    """
    hints = get_type_hints(kind)
    if not isinstance(table, dict):
        raise InputError(f"{where} = {_shown(table)}: must be a table of {', '.join(hints)}")
    refuse_unknown(table, hints, where)
    values = {name: _value(hints[name], value, f"{where}: {name}") for name, value in table.items()}
    try:
        own = kind(**values)
        check(own)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    return own


def _value(hint: Any, value: Any, where: str) -> Any:
    if is_dataclass(hint):
        return build(hint, value, where)  # type: ignore[arg-type]
    if get_origin(hint) in (Union, UnionType):  # TOML has no null: an optional field that is given is of its type
        return _value(next(one for one in get_args(hint) if one is not type(None)), value, where)
    if get_origin(hint) is tuple:
        return _tuple(get_args(hint), value, where)
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise InputError(f"{where} = {_shown(value)}: must be one of: {', '.join(map(str, get_args(hint)))}")
        return value
    types, text = _PLAIN[get_origin(hint) or hint]
    if not _is(value, types):
        raise InputError(f"{where} = {_shown(value)}: must be {text}")
    return _number(value, where) if hint is float else value


def _tuple(items: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    """A tuple of as many numbers or texts as the type says."""
    types, text = _PLAIN[items[0]]
    wanted = f"one or more, each {text}" if Ellipsis in items else f"{len(items)}, each {text}"
    fits = isinstance(value, list) and all(_is(item, types) for item in value)
    if not fits or not value or (Ellipsis not in items and len(value) != len(items)):
        raise InputError(f"{where} = {_shown(value)}: must be a list of {wanted}")
    return tuple(_number(item, where) for item in value) if items[0] is float else tuple(value)


def _is(value: Any, types: tuple[type, ...]) -> bool:
    """Whether a value is of the types; Python takes true for a number, a reader does not."""
    return isinstance(value, types) and (bool in types or not isinstance(value, bool))


def _number(value: float, where: str) -> float:
    """A float, so that 10 and 10.0 in a file are one setting."""
    try:
        return float(value)
    except OverflowError:
        raise InputError(f"{where}: a whole number of {len(str(value))} digits is too large") from None


def _shown(value: Any) -> str:
    """A value as its file would have it, near enough."""
    return repr(list(value) if isinstance(value, tuple) else value)
