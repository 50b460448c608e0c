"""Asking: every item under every condition, in batches that share a recording, on any number of workers.

A condition is the name of a control, or ``as is``. Rows depend on nothing but the item, the condition and the system,
so their order, the number of workers and interruptions change nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Protocol

import numpy as np

from spatial_lalm.audio.recording import Recording
from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.benchmark import Item, Tracks
from spatial_lalm.evaluate.files import FileProblem
from spatial_lalm.evaluate.run.controls import BY_NAME, CONTROLS, altered, applies
from spatial_lalm.evaluate.run.identity import item_document
from spatial_lalm.evaluate.run.journal import Journal, Key, Row
from spatial_lalm.evaluate.run.parsing import read_text
from spatial_lalm.evaluate.run.responses import Reading, Response, System, Unusable, plain
from spatial_lalm.evaluate.run.scoring import group_of, score

AS_IS = "as is"
BATCH = 8
"""Most items of a batch: what a kill may cost each worker."""
CONTROL_ITEMS = 100
"""Items that controls are run on unless all are asked for."""
Progress = Callable[[float, float], object]


class Pool(Protocol):
    """Somewhere to run a task for many numbers, as ``simulation.workers.results`` does."""

    def __call__(self, task: Batches, numbers: Sequence[int]) -> Iterator[list[Row]]:
        """Results in any order."""


@dataclass(frozen=True)
class Batches:
    """The task of a worker: the rows of a batch by its number; a batch is pairs of a condition and an item's place."""

    system: System
    items: tuple[Item, ...]
    batches: tuple[tuple[tuple[str, int], ...], ...]
    official: bool = False
    allow_missing: bool = False

    def make(self, number: int) -> list[Row]:
        """Ask a batch."""
        return [self._row(condition, self.items[place]) for condition, place in self.batches[number]]

    def _row(self, condition: str, item: Item) -> Row:
        try:
            recordings = [Recording.open(path, item.format, item.array) for path in item.audio]
            asked, heard = item, recordings
            if condition != AS_IS:
                changed = altered(BY_NAME[condition], item, recordings)
                if changed is None:
                    return {"condition": condition, "id": item.name, "outcome": "unavailable"}
                asked, heard = changed
            return row_of(condition, asked, self.system.answer(asked, heard), self.official)
        except Unusable:
            raise
        except InputError as error:
            if not self.allow_missing:
                raise InputError(f"item {item.name}: {error}; --allow-missing counts such items and goes on") from error
            failed = row_of(condition, item, Response("", reading=Reading()))
            return failed | {"outcome": "failed", "unparsed": False, "error": " ".join(str(error).split())}


def row_of(condition: str, item: Item, response: Response, official: bool = False) -> Row:
    """The record of one answer."""
    reading = read_text(response.text, item.truth) if response.reading is None else response.reading
    outcome, errors = score(item.truth, reading, response.text, official)
    told = item_document(item)
    made: Row = plain(
        {
            "condition": condition,
            "id": item.name,
            "recording": item.recording,
            "category": item.category,
            "group": group_of(item.truth),
            "question": item.question,
            "prompt": response.prompt,
            "raw": response.text,
            "parsed": reading.value,
            "declined": reading.declined,
            "truth": told["truth"],
            "outcome": outcome,
            "unparsed": reading.value is None and not reading.declined,
            "score": errors,
            "confidence": response.confidence,
            "facts": told["facts"],
            "evidence": response.evidence,
        }
    )
    return made


# ---------------------------------------------------------------- the run


@dataclass(frozen=True)
class Plan:
    """What is to be asked: the items, and the places of those that controls are run on."""

    system: System
    items: tuple[Item, ...]
    controlled: tuple[int, ...] = ()
    official: bool = False
    allow_missing: bool = False
    keys: tuple[tuple[str, int], ...] = field(init=False)

    def __post_init__(self) -> None:
        """Settle all pairs of condition and place, in the order of the report."""
        extra = [
            (control.name, place)
            for control in CONTROLS
            for place in self.controlled
            if applies(control, self.items[place], self.system.hears)
        ]
        object.__setattr__(self, "keys", (*((AS_IS, place) for place in range(len(self.items))), *extra))

    def key(self, pair: tuple[str, int]) -> Key:
        """The key of a row."""
        return pair[0], self.items[pair[1]].name


def control_sample(items: Sequence[Item], most: int | None, seed: int = 0) -> tuple[int, ...]:
    """Places of at most so many items (None: all) of whole recordings, drawn once and for all by the seed.

    Tables of sources are left out: they are scored over all recordings, which a sample is not.
    """
    places = [place for place, item in enumerate(items) if not isinstance(item.truth, Tracks)]
    if most is None or len(places) <= most:
        return tuple(places)
    recordings = list(dict.fromkeys(items[place].recording for place in places))
    chosen: list[int] = []
    for number in np.random.default_rng(seed).permutation(len(recordings)):
        members = [place for place in places if items[place].recording == recordings[number]]
        chosen += members[: most - len(chosen)]
        if len(chosen) == most:
            break
    return tuple(sorted(chosen))


def check_audio(items: Sequence[Item]) -> tuple[list[Item], list[FileProblem]]:
    """Items whose sounds can be opened as they say, and a problem for every sound that cannot, before any is asked."""
    known: dict[tuple[Path, str | None, str | None], str | None] = {}
    good, lost = [], Counter[tuple[Path, str]]()
    for item in items:
        for path in item.audio:
            key = (path, item.format, item.array)
            if key not in known:
                known[key] = _refused(*key)
            if (rule := known[key]) is not None:
                lost[path, rule] += 1
                break
        else:
            good.append(item)
    return good, [_lost(path, rule, count) for (path, rule), count in lost.items()]


def _lost(path: Path, rule: str, items: int) -> FileProblem:
    return FileProblem(
        path, f"{rule} ({items} item{'s' * (items > 1)})", kind="malformed" if path.exists() else "missing"
    )


def _refused(path: Path, format: str | None, array: str | None) -> str | None:
    """Why a sound cannot be opened; None if it can."""
    try:
        Recording.open(path, format, array)
    except InputError as error:
        return str(error).removeprefix(f"{path}: ")
    return None


def ask_all(plan: Plan, journal: Journal, pool: Pool, progress: Progress = lambda done, total: None) -> list[Row]:
    """Ask what the journal does not hold yet; gives all rows in the order of the plan."""
    left = [pair for pair in plan.keys if plan.key(pair) not in journal.rows]
    batches = tuple(_batched(plan.items, left))
    task = Batches(plan.system, plan.items, batches, plan.official, plan.allow_missing)
    progress(len(plan.keys) - len(left), len(plan.keys))
    for rows in pool(task, range(len(batches))):
        journal.add(rows)
        progress(len(journal.rows), len(plan.keys))
    return [journal.rows[plan.key(pair)] for pair in plan.keys]


def _batched(items: Sequence[Item], left: Sequence[tuple[str, int]]) -> Iterator[tuple[tuple[str, int], ...]]:
    """Pairs of one condition and one set of sound files together, so that a worker hears a recording once."""
    order = {audio: number for number, audio in enumerate(dict.fromkeys(item.audio for item in items))}
    conditions = {name: number for number, name in enumerate([AS_IS, *BY_NAME])}

    def together(pair: tuple[str, int]) -> tuple[int, int]:
        return conditions[pair[0]], order[items[pair[1]].audio]

    for _, members in groupby(sorted(left, key=together), key=together):
        found = list(members)
        for start in range(0, len(found), BATCH):
            yield tuple(found[start : start + BATCH])
