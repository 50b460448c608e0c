"""What a run depends on, so that it can be repeated, and so that only the same run goes on in a folder."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from spatial_lalm import __version__
from spatial_lalm.evaluate.benchmark import Item, Tracks
from spatial_lalm.evaluate.run.responses import plain

PACKAGES = ("torch", "torchaudio", "transformers", "numpy", "scipy", "soundfile", "soxr", "pyroomacoustics", "jiwer",
            "matplotlib")  # fmt: skip
SAMPLED_BYTES = 1 << 16


def item_document(item: Item) -> dict[str, Any]:
    """An item as JSON values without where its files lie: names alone."""
    told: dict[str, Any] = plain(item)
    told["audio"] = [path.name for path in item.audio]
    told["truth"] = {"kind": type(item.truth).__name__, **told["truth"]}
    if isinstance(item.truth, Tracks):
        told["truth"]["table"] = item.truth.table.name
    return told


def data_digest(items: Sequence[Item]) -> str:
    """SHA-256 over questions, truths, tables, and of every sound file its size and 64 KiB at its start, middle and end.

    Whole files would take hours for the largest benchmarks; audio that is replaced or cut shows in these.
    """
    total = hashlib.sha256()
    for item in items:
        total.update(json.dumps(item_document(item), sort_keys=True).encode())
        if isinstance(item.truth, Tracks):
            total.update(item.truth.table.read_bytes())
    for path in sorted({path for item in items for path in item.audio}):
        total.update(_sample(path))
    return total.hexdigest()


def _sample(path: Path) -> bytes:
    size = path.stat().st_size
    total = hashlib.sha256(str(size).encode())
    with path.open("rb") as handle:
        for place in (0, size // 2, max(0, size - SAMPLED_BYTES)):
            handle.seek(place)
            total.update(handle.read(SAMPLED_BYTES))
    return total.digest()


def folder_digest(folder: Path) -> str:
    """SHA-256 over the names and contents of the files of a model's folder."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            total.update(str(path.relative_to(folder)).encode())
            with path.open("rb") as handle:
                total.update(hashlib.file_digest(handle, "sha256").digest())
    return total.hexdigest()


def versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Versions of what computes; packages that are not installed are left out."""
    found = {"spatial-lalm": __version__, "python": platform.python_version()}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, Any]:
    """What the run was made on."""
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
