"""Raw PCM from a pipe, kept as a sound file for as long as it is analysed: what is read can then be read again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from spatial_lalm.errors import InputError

ENCODINGS = {"s16": ("<i2", "PCM_16"), "s32": ("<i4", "PCM_32"), "f32": ("<f4", "FLOAT")}
"""Little-endian samples, interleaved by channel, by their names on the command line."""
BLOCK_FRAMES = 48_000


@contextmanager
def kept_input(stream: BinaryIO, out: Path, rate: int, channels: int, encoding: str) -> Iterator[Path]:
    """The sound of a pipe as an RF64 file beside ``out``, which is removed afterwards.

    ``InputError`` for a pipe that is empty or ends within a frame.
    """
    import soundfile

    dtype, subtype = ENCODINGS[encoding]
    frame = channels * np.dtype(dtype).itemsize
    path = out.with_name(f".{out.name}.stdin.wav")
    try:
        with soundfile.SoundFile(path, "w", rate, channels, subtype, format="RF64") as file:
            total = 0
            while raw := stream.read(frame * BLOCK_FRAMES):
                total += len(raw)
                if len(raw) % frame:
                    raise InputError(
                        f"standard input: {total} bytes are no whole frames of {channels} channels of {encoding}: "
                        "see --channels and --encoding"
                    )
                file.write(np.frombuffer(raw, dtype).reshape(-1, channels))
        if not total:
            raise InputError("standard input: it is empty: pipe raw PCM into it")
        yield path
    finally:
        path.unlink(missing_ok=True)
