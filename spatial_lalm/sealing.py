"""Files that are whole or absent: a temporary name, fsync, rename, fsync of the folder.

An HDF5 file whose writer was killed cannot be read, so none is ever written under its final name.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def sync(path: Path) -> None:
    """Have the disk hold a file, or the names in a folder, before anything that relies on it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def whole_or_absent(path: Path) -> Iterator[Path]:
    """A name to write a file under, which becomes ``path`` once the block ends without an error.

    The name is a new one every time, so that two writers of the same file (one of them believed dead) never meet.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        sync(temporary)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)
