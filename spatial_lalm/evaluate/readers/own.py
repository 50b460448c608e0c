"""spatial-bench: splits of our own, as ``item_json`` writes them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.benchmark import Item, Loaded, Reader, Span, Tracks
from spatial_lalm.evaluate.item_json import item_from_json
from spatial_lalm.evaluate.readers.gathering import Gathering
from spatial_lalm.evaluate.readers.rows import Row

SPLITS = ("test", "dev", "all")
ITEMS = "items.jsonl"


def read(folder: Path, split: str) -> Loaded:
    """Gather ``SPLIT/items.jsonl``, of any subfolder; ``all`` is ``items.jsonl`` of the folder itself."""
    if not folder.is_dir():
        raise InputError(f"{folder}: is no folder; give the one that the benchmark was written to")
    root = folder if split == "all" else folder / split
    if not split or Path(split).is_absolute() or ".." in Path(split).parts or not (root / ITEMS).is_file():
        raise InputError(f"{root}: holds no {ITEMS}; split is a folder that does, or all for that of {folder}")
    gathered = Gathering(root)
    gathered.each(root / ITEMS, partial(_items, gathered))
    return gathered.loaded()


def _items(gathered: Gathering, row: Row) -> list[Item]:
    try:
        item = item_from_json(row.values, gathered.folder)
    except InputError as error:
        raise row.problem(str(error)) from error
    gathered.name(row, item.name)
    for path in item.audio:
        _present(gathered, row, path)
    if isinstance(item.truth, Tracks) and not item.truth.table.is_file():
        raise row.problem(f"table {item.truth.table} is not there", "missing")
    if item.array is not None and item.array.endswith(".json") and not Path(item.array).is_file():
        raise row.problem(f"array {item.array} is not there", "missing")
    heard = [part[1] for part in item.truth.parts_s] if isinstance(item.truth, Span) else []
    gathered.within(row, item.audio[0], max([item.end_s or item.start_s, *heard]))
    return [item]


def _present(gathered: Gathering, row: Row, path: Path) -> None:
    if not path.is_file():
        raise row.problem(f"audio {path} is not there", "missing")
    gathered.header(row, path)


SPATIAL_BENCH = Reader("spatial-bench", SPLITS, "SPLIT/items.jsonl beside its audio", read, subfolders=True)
