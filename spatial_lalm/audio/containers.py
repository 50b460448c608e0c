"""What a sound file says about itself before any decoder sees it: its container and the length that it promises.

libsndfile opens many formats nobody sends, and shortens a truncated WAV in silence, so both are checked here by hand.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

CONTAINERS = ("WAV", "WAVEX", "RF64", "W64", "FLAC", "OGG", "CAF", "AIFF", "AU", "MP3")
"""The containers we read, by libsndfile's names (WAVEX is a WAV with an extended header)."""

W64_MAGIC = bytes.fromhex("726966662e91cf11a5d628db04c10000")
MAX_CHUNKS = 10_000
LONGEST_OGG_PAGE = 65_307
UNKNOWN_LENGTHS = (range(0x7FFFF000, 0x80000000), range(0xFFFFF000, 0x100000000))
"""Data lengths that programs write into a 32-bit header when they stream and do not know the length yet."""


@dataclass(frozen=True)
class _Chunks:
    """How a container lays out its chunks: where they start, the sizes of their head, the name of the sound data."""

    start: int
    name_bytes: int
    size: str
    align: int
    data: bytes
    counts_head: bool = False


_LAYOUTS = {
    "WAV": _Chunks(12, 4, "<I", 2, b"data"),
    "RF64": _Chunks(12, 4, "<I", 2, b"data"),
    "AIFF": _Chunks(12, 4, ">I", 2, b"SSND"),
    "CAF": _Chunks(8, 4, ">q", 1, b"data"),
    "W64": _Chunks(40, 16, "<Q", 8, b"data", counts_head=True),
}


def identify(head: bytes) -> str | None:
    """Name the container from the first 16 bytes of a file, or ``None`` where it is none of ``CONTAINERS``."""
    outer, inner = head[:4], head[8:12]
    if inner == b"WAVE" and outer in (b"RIFF", b"RF64"):
        return "WAV" if outer == b"RIFF" else "RF64"
    if outer == b"FORM" and inner in (b"AIFF", b"AIFC"):
        return "AIFF"
    if head == W64_MAGIC:
        return "W64"
    plain = {b"fLaC": "FLAC", b"OggS": "OGG", b"caff": "CAF", b".snd": "AU"}
    return plain.get(outer) or ("MP3" if _looks_like_mp3(head) else None)


def _looks_like_mp3(head: bytes) -> bool:
    """True for an ID3 tag or an MPEG frame head: 11 bits set, then a version and a layer that exist."""
    if head[:3] == b"ID3":
        return True
    return len(head) >= 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x06 != 0


def promised_end(stream: BinaryIO, kind: str) -> int | None:
    """Byte at which the sound data should end by the header, or ``None`` where the header does not say.

    A file shorter than that is truncated. Compressed containers say nothing here; their decoder notices.
    """
    if kind == "AU":
        stream.seek(4)
        offset, size = _unpack(stream, ">II") or (0, 0xFFFFFFFF)
        return None if size == 0xFFFFFFFF else offset + size
    return _walk(stream, kind, _LAYOUTS[kind]) if kind in _LAYOUTS else None


def lacks_ogg_end(stream: BinaryIO, size: int) -> bool:
    """True when an Ogg file of ``size`` bytes does not end with a whole page that is marked as the last (RFC 3533)."""
    stream.seek(max(0, size - LONGEST_OGG_PAGE))
    tail = stream.read()
    page = tail.rfind(b"OggS")
    table = tail[page + 27 :]
    if page < 0 or len(tail) < page + 27 or not tail[page + 5] & 0x04:
        return True
    segments = tail[page + 26]
    return len(table) < segments + sum(table[:segments])


def _walk(stream: BinaryIO, kind: str, layout: _Chunks) -> int | None:
    """Step from chunk to chunk until the sound data; ``None`` where it is missing or of unknown length."""
    position, long_size = layout.start, None
    for _ in range(MAX_CHUNKS):
        stream.seek(position)
        name = stream.read(layout.name_bytes)
        sizes = _unpack(stream, layout.size)
        if sizes is None:
            return None
        body = stream.tell()
        size = sizes[0] - (body - position if layout.counts_head else 0)
        if name[:4] == b"ds64":
            long_size = (_unpack(stream, "<QQ") or (0, 0))[1]
        if name[:4] == layout.data:
            return _data_end(kind, body, size, long_size)
        if size < 0:
            return None
        position = body + -(-size // layout.align) * layout.align
    return None


def _data_end(kind: str, body: int, size: int, long_size: int | None) -> int | None:
    """End of a data chunk, whose length may stand in RF64's ``ds64`` or be unknown."""
    if kind == "RF64" and size == 0xFFFFFFFF and long_size is not None:
        return body + long_size
    unknown = size < 0 or (kind in ("WAV", "RF64", "AIFF") and any(size in lengths for lengths in UNKNOWN_LENGTHS))
    return None if unknown else body + size


def _unpack(stream: BinaryIO, layout: str) -> tuple[int, ...] | None:
    """Read integers, or ``None`` at the end of the file."""
    raw = stream.read(struct.calcsize(layout))
    return struct.unpack(layout, raw) if len(raw) == struct.calcsize(layout) else None
