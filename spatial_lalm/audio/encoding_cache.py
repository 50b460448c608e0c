"""Designs of encoders that took long, kept under the user's cache folder.

A file there is a convenience and no more: what cannot be read, does not fit or does not match its own checksum is
passed over and designed anew, and a folder that cannot be written to is no error.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import secrets
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]
Shape = tuple[int, ...]

MOST_FILES = 64
"""Designs beyond this make room, the longest unused first; the largest usual one has 6 MB."""


def folder() -> Path:
    """``$XDG_CACHE_HOME/spatial-lalm/encoders``, by default below ``~/.cache`` (XDG base directory specification)."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(base) if os.path.isabs(base) else Path.home() / ".cache"
    return root / "spatial-lalm" / "encoders"


def load(key: str, fir: Shape, quality: Shape) -> tuple[Values, Values] | None:
    """The filters and the quality kept under a key, or ``None`` where there are none of these shapes."""
    path = _path(key)
    if path is None:
        return None
    try:
        if path.stat().st_size > 4 * (math.prod(fir) + math.prod(quality)) + 4096:  # stored plain: no design of ours
            return None
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as content:
            kept = content["fir"], content["quality"]
            checksum = str(content["checksum"])
        os.utime(path)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    fit = all(one.shape == shape and one.dtype == np.float32 for one, shape in zip(kept, (fir, quality), strict=True))
    return kept if fit and checksum == _checksum(key, *kept) else None


def store(key: str, fir: Values, quality: Values) -> None:
    """Keep filters and quality under a key, whole or not at all; what cannot be written is not kept."""
    path = _path(key)
    if path is None:
        return
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as handle:
            np.savez(handle, fir=fir, quality=quality, checksum=np.array(_checksum(key, fir, quality)))
        os.replace(temporary, path)
        _make_room(path.parent)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _path(key: str) -> Path | None:
    try:
        return folder() / f"{key}.npz"
    except RuntimeError:  # no home
        return None


def _checksum(key: str, fir: Values, quality: Values) -> str:
    total = hashlib.sha256(key.encode())
    for values in (fir, quality):
        total.update(np.ascontiguousarray(values).tobytes())
    return total.hexdigest()


def _make_room(place: Path) -> None:
    """Remove the longest unused designs above ``MOST_FILES``."""
    by_age = sorted(place.glob("*.npz"), key=lambda path: path.stat().st_mtime)
    for path in by_age[:-MOST_FILES]:
        path.unlink(missing_ok=True)
