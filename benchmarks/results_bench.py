"""spatial-bench for ``results.py``: its scenes, every system asked about them by the evaluation runner, and the rows.

One plan a system holds the items of all subsets. Journals of answers are named by all that they depend on (data,
weights, parser, the code that hears and reads), so a run goes on only where nothing has changed, and answers of another
model never mix with those of the first.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from results_plan import QUICK_ARRAYS, QUICK_QUESTIONS, Size, Wanted

import spatial_lalm
from spatial_lalm.app.progress import Progress
from spatial_lalm.audio.recording import Recording
from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.benchmark import Direction, Item
from spatial_lalm.evaluate.readers import READERS
from spatial_lalm.evaluate.run.blind import BLIND
from spatial_lalm.evaluate.run.evaluation import SEED, Evaluation
from spatial_lalm.evaluate.run.journal import Journal, Row
from spatial_lalm.evaluate.run.responses import Response, System
from spatial_lalm.evaluate.run.runner import AS_IS, Batches, Plan, Pool, ask_all, control_sample, row_of
from spatial_lalm.evaluate.run.systems.classical import Cascade, Locator
from spatial_lalm.evaluate.run.systems.ours import Ours
from spatial_lalm.evaluate.run.tracks import score_tracks
from spatial_lalm.model.answers import Evidence
from spatial_lalm.simulation.bench import Bench, load_bench, write_bench
from spatial_lalm.simulation.workers import results

BENCHMARK = "spatial-bench"
MODEL = "model"
MEETINGS = "ami_meetings"
LOCATORS = ("intensity", "music", "srp")
HEARING = (MODEL, *LOCATORS, "cascade")
"""Systems that listen; ``BLIND`` ones know the words of the questions and the truths of other items."""
ROOMS = ("audio", "evaluate", "kernels", "memory", "model")
"""Folders of the package whose code decides answers and scores."""


@dataclass(frozen=True)
class Asked:
    """Items of spatial-bench and what every system answered: rows by system, those of controls among them."""

    items: tuple[Item, ...]
    rows: Mapping[str, Sequence[Row]]
    repeat: Mapping[str, Any]  # all that the model's answers depend on

    def of(self, subset: str) -> Asked:
        """One subset alone."""
        kept = {name: [row for row in rows if subset_of(row["id"]) == subset] for name, rows in self.rows.items()}
        return replace(self, items=tuple(item for item in self.items if subset_of(item.name) == subset), rows=kept)

    def as_is(self, system: str) -> list[Row]:
        """A system's answers without any control, in the order of the items."""
        return [row for row in self.rows[system] if row["condition"] == AS_IS]


def subset_of(name: str) -> str:
    """The subset that an item's name begins with."""
    return name.partition("/")[0]


def kind_of(name: str) -> str:
    """The kind of question that an item's name ends with."""
    return name.rpartition("/")[2].partition("-")[2]


# ---------------------------------------------------------------- scenes


def write_scenes(wanted: Wanted) -> None:
    """Render what is not there yet: of every subset its first scenes.

    Scenes are independent draws, so the first ones are as good a sample as any, and every user gets the same. In a
    quick run long recordings have the length that checksums are kept of.
    """
    for name in wanted.sizes:
        with Progress(f"scenes of {name}") as progress:
            write_bench(
                wanted.folder(name),
                wanted.split,
                [name],
                workers=wanted.workers,
                progress=progress,
                size="check" if wanted.quick else "full",
                bench=_cut(name, wanted),
            )


def _cut(name: str, wanted: Wanted) -> Bench:
    """The shipped bench with so many scenes of a subset; in a quick run with fewer questions and arrays, too."""
    bench, scenes = load_bench(), wanted.sizes[name].scenes
    cut = replace(bench.subsets[name], scenes=(scenes, scenes), check_scenes=scenes)
    if wanted.quick:
        cut = replace(cut, questions=QUICK_QUESTIONS, receivers=QUICK_ARRAYS if cut.together else cut.receivers)
    return replace(bench, subsets={**bench.subsets, name: cut})


def read_items(wanted: Wanted) -> tuple[Item, ...]:
    """All items; ``InputError`` for a row or a file that is broken, as nothing may be left out here."""
    items: list[Item] = []
    for name in wanted.sizes:
        loaded = READERS[BENCHMARK].read(wanted.folder(name), wanted.split)
        if loaded.problems:
            raise InputError(f"{loaded.problems[0]}; remove {wanted.folder(name)} and run the same again")
        items += loaded.items
    return tuple(items)


# ---------------------------------------------------------------- asking


def ask_everybody(wanted: Wanted) -> Asked:
    """Every system on every item, with controls; what is answered already is read from its journal."""
    items = read_items(wanted)
    rows: dict[str, Sequence[Row]] = {}
    runs: dict[str, Evaluation] = {}
    for name in HEARING:
        system = _system(name, wanted)
        plan = Plan(system, items, _controlled(system, items, wanted.sizes))
        runs[name] = Evaluation(BENCHMARK, wanted.split, plan, (), "")
        rows[name] = _answers(runs[name], name, wanted)
    for name, answer in BLIND.items():
        readings = answer(items)
        rows[name] = [row_of(AS_IS, item, Response("", reading=readings[item.name])) for item in items]
    return Asked(items, rows, runs[MODEL].identity())


class RememberingCascade(Cascade):
    """A cascade that hears equal sound once, as ours does: questions about a recording come one after the other."""

    def _heard(self, recording: Recording, start_s: float, end_s: float) -> tuple[Evidence, ...]:
        told = f"{recording.format}{recording.rate}{start_s}{end_s}".encode()
        key = hashlib.blake2b(recording.read(start_s, end_s).tobytes() + told).digest()
        if key not in REMEMBERED:
            REMEMBERED.clear()
            REMEMBERED[key] = super()._heard(recording, start_s, end_s)
        return REMEMBERED[key]


REMEMBERED: dict[bytes, tuple[Evidence, ...]] = {}
"""What the cascade heard last."""


def _system(name: str, wanted: Wanted) -> System:
    match name:
        case "intensity" | "music" | "srp":
            return Locator(name)
        case "cascade":
            return RememberingCascade()
    source = None if wanted.model is None else str(wanted.model)
    return Ours(source, wanted.model_digest, wanted.out / "heard")


def _controlled(system: System, items: Sequence[Item], sizes: Mapping[str, Size]) -> tuple[int, ...]:
    """Places of the items that controls are run on: of a system that only tells directions those of directions."""
    if not system.hears:
        return ()
    chosen: list[int] = []
    for name, size in sizes.items():
        places = [place for place, item in enumerate(items) if subset_of(item.name) == name]
        drawn = control_sample([items[place] for place in places], size.controlled, SEED) if size.controlled else ()
        chosen += [places[index] for index in drawn]
    if isinstance(system, Locator):
        chosen = [place for place in chosen if isinstance(items[place].truth, Direction)]
    return tuple(chosen)


def _answers(evaluation: Evaluation, name: str, wanted: Wanted) -> list[Row]:
    """The rows of a system: asked by the runner, on the disk after every batch."""
    depends = json.dumps([evaluation.identity(), code_digest()], sort_keys=True)
    folder = wanted.out / "answers"
    folder.mkdir(exist_ok=True)
    journal = Journal(folder / f"{name}-{hashlib.sha256(depends.encode()).hexdigest()[:12]}.jsonl")
    with Progress(f"answers of {name}") as progress:
        return ask_all(evaluation.plan, journal, _pool(wanted.workers), progress)


def ask_meetings(wanted: Wanted) -> dict[str, Any]:
    """The diarisation scores of our model on real meetings; empty where the folder of corpora has none."""
    folder = wanted.audio / MEETINGS
    if not folder.is_dir():
        return {}
    loaded = READERS["rttm"].read(folder, "all")
    evaluation = Evaluation("rttm", "all", Plan(_system(MODEL, wanted), loaded.items), loaded.problems, "")
    texts = {row["id"]: row["parsed"] for row in _answers(evaluation, "meetings", wanted)}
    return score_tracks(loaded.items, texts, wanted.out / "meetings")[0]


def _pool(workers: int) -> Pool:
    def pool(task: Batches, numbers: Sequence[int]) -> Iterator[list[Row]]:
        return results(task, numbers, workers, name="batch {}".format)

    return pool


@cache
def code_digest() -> str:
    """SHA-256 over the code that decides answers and scores, as it was when this process began."""
    total = hashlib.sha256()
    for room in ROOMS:
        root = (Path(spatial_lalm.__file__).parent / room).resolve()
        for path in sorted(root.rglob("*.py")):
            total.update(f"{room}/{path.relative_to(root)}\0".encode() + path.read_bytes())
    return total.hexdigest()
