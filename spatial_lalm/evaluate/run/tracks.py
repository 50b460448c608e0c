"""Tables of sources over time: what our model heard as the rows of a benchmark's files, and how folders are scored."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.benchmark import Item, Tracks
from spatial_lalm.evaluate.files import FileProblem
from spatial_lalm.evaluate.folder_report import FolderOptions
from spatial_lalm.evaluate.folder_scores import COLLAR_S
from spatial_lalm.evaluate.folders import score_folders
from spatial_lalm.evaluate.seld_tables import HEADER_2025

if TYPE_CHECKING:
    from spatial_lalm.model.recorded import Recorded

STARSS = {"speech": 0, "music": 8}
"""Classes of the challenges that ours can be; a talker's sex is not known to it, so all speech is female speech."""
OTHERS = 13
"""Where classes begin that the challenges do not have; they count as invented there."""
_METRES = {"dcase2024": 1.0, "dcase2025": 100.0}
"""What a metre is in the predictions of benchmarks that score distances."""


def rows_of(recorded: Recorded, item: Item) -> str:
    """What was heard, as the text of one file of the item's protocol; times count from the recording's start."""
    assert isinstance(item.truth, Tracks)
    protocol = item.truth.protocol
    if protocol == "rttm":
        return "".join(
            f"SPEAKER {item.truth.table.stem} 1 {event.evidence.start_s:.3f} "
            f"{event.evidence.end_s - event.evidence.start_s:.3f} <NA> <NA> talker_{event.talker} <NA> <NA>\n"
            for event in recorded.spoken
            if event.talker is not None
        )
    if protocol == "events":
        return "".join(
            f"{event.evidence.start_s:.3f}\t{event.evidence.end_s:.3f}\t{event.label}\n" for event in recorded.spoken
        )
    return _frames(recorded, protocol)


def _frames(recorded: Recorded, protocol: str) -> str:
    """A row for every source and 100 ms, in the dialect of the protocol."""
    labels = list(recorded.notes["classes"])
    rows: dict[tuple[int, int, int], tuple[Any, ...]] = {}
    for event in recorded.spoken:
        number = STARSS.get(event.label, OTHERS + labels.index(event.label))
        first = round(event.evidence.start_s * 10)
        for step, (azimuth, elevation, distance) in enumerate(np.nan_to_num(event.path).tolist()):
            place: tuple[Any, ...] = (round(azimuth), round(elevation))
            if protocol == "dcase2025":
                place = (round(_folded(azimuth)), round(distance * _METRES[protocol]), 0)
            elif protocol in _METRES:
                place = (*place, round(distance * _METRES[protocol], 2))
            rows[(first + step, number, event.source)] = place
    lines = [",".join(map(str, (*key, *rows[key]))) + "\n" for key in sorted(rows)]
    return "".join([",".join(HEADER_2025) + "\n", *lines] if protocol == "dcase2025" else lines)


def _folded(azimuth: float) -> float:
    """An azimuth behind, mirrored to the front: all that two channels tell."""
    return azimuth if abs(azimuth) <= 90 else float(np.copysign(180 - abs(azimuth), azimuth))


def empty_text(protocol: str) -> str:
    """A file that says that nothing sounds."""
    return ",".join(HEADER_2025) + "\n" if protocol == "dcase2025" else ""


def score_tracks(
    items: Sequence[Item], texts: Mapping[str, str | None], folder: Path, official: bool = False
) -> tuple[dict[str, dict[str, Any]], list[FileProblem]]:
    """Write references and predictions below ``folder`` and score each protocol over all of its recordings.

    An answer that could not be read stands as a file that says nothing. Gives the documents of the reports by protocol,
    and the problems of the files.
    """
    by_protocol: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        if isinstance(item.truth, Tracks):
            by_protocol[item.truth.protocol].append(item)
    documents: dict[str, dict[str, Any]] = {}
    problems: list[FileProblem] = []
    for protocol, members in sorted(by_protocol.items()):
        reference, predictions = (folder / protocol / side for side in ("reference", "predictions"))
        for side in (reference, predictions):
            shutil.rmtree(side, ignore_errors=True)
            side.mkdir(parents=True)
        for name, item in zip(_file_names(members), members, strict=True):
            assert isinstance(item.truth, Tracks)
            shutil.copyfile(item.truth.table, reference / name)
            (predictions / name).write_text(texts.get(item.name) or empty_text(protocol), encoding="utf-8")
        try:
            report = score_folders(
                protocol, reference, predictions, FolderOptions(official=official and protocol not in COLLAR_S)
            )
        except InputError as error:
            documents[protocol] = {"error": str(error)}
            continue
        documents[protocol] = report.document()
        problems += report.problems
    return documents, problems


def _file_names(items: Iterable[Item]) -> list[str]:
    """The tables' own names, numbered where two are called alike."""
    names: list[str] = []
    for item in items:
        assert isinstance(item.truth, Tracks)
        table = item.truth.table
        names.append(table.name if table.name not in names else f"{table.stem}_{len(names)}{table.suffix}")
    return names
