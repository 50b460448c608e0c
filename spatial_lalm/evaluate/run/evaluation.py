"""One evaluation from a loaded split to its files: asked, scored, controlled, reported; resumed where it was killed.

=================== ===================================================================================================
file in the folder  holds
=================== ===================================================================================================
``run.json``        all that the run depends on, and the machine that it was begun on
``journal.jsonl``   rows as they come; gone once ``items.jsonl`` is there
``items.jsonl``     a row an item and condition: question, prompt, raw answer, parsed, score, evidence
``summary.json``    the numbers of the report
``report.md``       the report, with ``plots/``; ``report.html`` is the same in one file
``tracks/``         references and predictions of tables of sources over time
``timing.json``     how long it took; the only file that differs between a killed run and another
=================== ===================================================================================================
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.benchmark import Item, Tracks
from spatial_lalm.evaluate.files import FileProblem
from spatial_lalm.evaluate.run import control_summary
from spatial_lalm.evaluate.run.identity import data_digest, machine, versions
from spatial_lalm.evaluate.run.journal import Journal, Row, write_rows
from spatial_lalm.evaluate.run.parsing import PARSER
from spatial_lalm.evaluate.run.report import SHOWN, blocks, markdown, page
from spatial_lalm.evaluate.run.responses import plain
from spatial_lalm.evaluate.run.runner import AS_IS, Plan, Pool, Progress, ask_all
from spatial_lalm.evaluate.run.summary import breakdown, calibration, confusion, summary
from spatial_lalm.evaluate.run.tracks import score_tracks
from spatial_lalm.sealing import whole_or_absent

SEED = 0


@dataclass(frozen=True)
class Evaluation:
    """What is evaluated: a split of a benchmark, the system, and what stood in the way of reading the split."""

    benchmark: str
    split: str
    plan: Plan
    problems: tuple[FileProblem, ...]
    controls_note: str

    def identity(self) -> dict[str, Any]:
        """All that the rows depend on."""
        plan = self.plan
        told: dict[str, Any] = plain(
            {
                "benchmark": self.benchmark,
                "split": self.split,
                "items": len(plan.items),
                "controlled": len(plan.controlled),
                "official": plan.official,
                "allow_missing": plan.allow_missing,
                "seed": SEED,
                "parser": PARSER,
                "data_sha256": data_digest(plan.items),
                "system": {"name": plan.system.name, **plan.system.describe()},
                "versions": versions(),
            }
        )
        return told


def unique(items: Sequence[Item]) -> None:
    """``InputError`` for a name that two items have."""
    twice = [name for name, count in Counter(item.name for item in items).items() if count > 1]
    if twice:
        raise InputError(f"item {twice[0]} comes twice ({len(twice)} names do): names must differ")


def evaluate(
    evaluation: Evaluation, out: Path, pool: Pool, progress: Progress = lambda done, total: None
) -> dict[str, Any]:
    """Ask what is not asked yet, and write the report; gives the summary document.

    ``InputError``: the folder holds another run.
    """
    unique(evaluation.plan.items)
    out.mkdir(parents=True, exist_ok=True)
    repeat = _settled(out / "run.json", evaluation.identity())
    started, journal = time.monotonic(), Journal(out / "journal.jsonl")
    finished = out / "items.jsonl"
    if finished.exists() and not journal.rows:
        journal.rows |= Journal(finished).rows
    before = len(journal.rows)
    rows = ask_all(evaluation.plan, journal, pool, progress)
    seconds, asked = time.monotonic() - started, len(rows) - before
    document = _document(evaluation, rows, repeat, out)
    _write(document, rows, out)
    (out / "journal.jsonl").unlink()
    timing = {"asked": asked, "asking_s": round(seconds, 3), "items_per_s": round(asked / seconds, 3)}
    _text(out / "timing.json", json.dumps(timing) + "\n")
    return document


def _settled(path: Path, identity: dict[str, Any]) -> dict[str, Any]:
    """What the folder's run depends on, written now if it is a new one."""
    if path.exists():
        try:
            begun: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(f"{path}: is no description of a run; choose another folder") from error
        differs = [key for key in identity if begun.get(key) != identity[key]]
        if differs:
            raise InputError(f"{path.parent}: holds a run with another {', '.join(differs)}; choose another folder")
        return begun
    begun = {**identity, "machine": plain(machine())}
    _text(path, json.dumps(begun, indent=2, ensure_ascii=False) + "\n")
    return begun


def _document(evaluation: Evaluation, rows: Sequence[Row], repeat: dict[str, Any], out: Path) -> dict[str, Any]:
    """The numbers of the report; tables of sources over time are scored by their protocols, and nowhere else."""
    plan = evaluation.plan
    tables = {item.name for item in plan.items if isinstance(item.truth, Tracks)}
    texts = {row["id"]: row["parsed"] for row in rows if row["id"] in tables}
    tracks, found = score_tracks(plan.items, texts, out / "tracks", plan.official)
    told = [row for row in rows if row["id"] not in tables]
    items = [item for item in plan.items if item.name not in tables]
    own = [row for row in told if row["condition"] == AS_IS]
    document: dict[str, Any] = plain(
        {
            "benchmark": evaluation.benchmark,
            "split": evaluation.split,
            "system": plan.system.name,
            "problems": _problems([*evaluation.problems, *found]),
            "scores": summary(own),
            "tracks": tracks,
            "controls_note": evaluation.controls_note,
            "blind": control_summary.blind_table(items, told),
            "controls": control_summary.control_table(told) if plan.controlled else [],
            "options": control_summary.options_table(told),
            "arrays": control_summary.array_table(items, told),
            "breakdown": breakdown(own),
            "calibration": calibration(own),
            "confusion": confusion(own),
            "failed": [{"id": row["id"], "error": row["error"]} for row in rows if row["outcome"] == "failed"],
            "repeat": repeat,
        }
    )
    return document


def _problems(problems: Sequence[FileProblem]) -> dict[str, Any]:
    kinds = Counter(problem.kind for problem in problems)
    listed = [{"file": Path(p.path).name, "row": p.row, "rule": p.rule, "kind": p.kind} for p in problems]
    return {"count": len(problems), "kinds": dict(sorted(kinds.items())), "first": listed[:SHOWN]}


def _write(document: dict[str, Any], rows: Sequence[Row], out: Path) -> None:
    """Every file whole or not at all; the journal is the last to go."""
    told = blocks(document)
    (out / "plots").mkdir(exist_ok=True)
    for block in told:
        if block.kind == "figure":
            with whole_or_absent(out / "plots" / f"{block.name}.png") as temporary:
                temporary.write_bytes(block.png)
    _text(out / "summary.json", json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    _text(out / "report.md", markdown(told))
    _text(out / "report.html", page(told))
    write_rows(out / "items.jsonl", rows)


def _text(path: Path, text: str) -> None:
    with whole_or_absent(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
