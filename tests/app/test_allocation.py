"""Freed memory is used again: large blocks that come and go cost no page faults after the first time."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import resource
import numpy as np
from spatial_lalm.app.allocation import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(8):
        np.ones(8_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

afresh = faults()
assert keep_freed_memory()
faults()
print(afresh, faults())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a setting of glibc")
def test_large_blocks_are_not_paid_for_twice() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    afresh, again = map(int, done.stdout.split())
    assert again < afresh / 10, (afresh, again)
