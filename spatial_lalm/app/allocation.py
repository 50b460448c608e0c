"""How the C library keeps memory: large tensors that come and go should not cost a page fault for every 4 kB."""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
"""Numbers of glibc's ``mallopt``."""


def keep_freed_memory() -> bool:
    """Let this process reuse freed memory instead of giving it back to the system; whether that could be arranged.

    glibc maps every large block afresh and unmaps it when freed, so each tensor of a training step is paid for twice:
    once in arithmetic, once in zeroed pages. For programs that do the same work over and over; memory that was once
    needed stays with the process.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    return mallopt is not None and bool(mallopt(_M_MMAP_MAX, 0)) and bool(mallopt(_M_TRIM_THRESHOLD, -1))
