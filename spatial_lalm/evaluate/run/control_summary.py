"""What the controls say: the same items with and without, the drop with its interval, and whether answers follow."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from spatial_lalm.evaluate.benchmark import Item
from spatial_lalm.evaluate.choices import rotation_scores
from spatial_lalm.evaluate.run.blind import BLIND
from spatial_lalm.evaluate.run.controls import CONTROLS, Control
from spatial_lalm.evaluate.run.journal import Row
from spatial_lalm.evaluate.run.responses import Response, plain
from spatial_lalm.evaluate.run.runner import AS_IS, row_of
from spatial_lalm.evaluate.run.summary import error_of, interval, right

BLIND_LOOK_FOR = "far below the system: what is reached here needs no sound"
SCENE = "scene"
"""The fact that recordings of one scene by several arrays share."""


def control_table(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """One entry for every control and kind of question; ``count`` 0 where none could be asked."""
    as_is = {row["id"]: row for row in rows if row["condition"] == AS_IS}
    told: list[dict[str, Any]] = []
    for control in CONTROLS:
        under = [row for row in rows if row["condition"] == control.name]
        unavailable = sum(row["outcome"] == "unavailable" for row in under)
        asked = [row for row in under if row["outcome"] != "unavailable"]
        by_group: dict[str, list[Row]] = defaultdict(list)
        for row in asked:
            by_group[row["group"]].append(row)
        told += [_entry(control, group, rows, as_is, unavailable) for group, rows in sorted(by_group.items())]
        if not asked:
            told.append(_absent(control, unavailable))
    return told


def _absent(control: Control, unavailable: int) -> dict[str, Any]:
    return {"control": control.name, "look_for": control.look_for, "group": "", "count": 0, "unavailable": unavailable}


def _entry(
    control: Control, group: str, asked: Sequence[Row], as_is: dict[str, Row], unavailable: int
) -> dict[str, Any]:
    """The same items as they are and under the control."""
    before = [as_is[row["id"]] for row in asked]
    drop = [right(was) - right(now) for was, now in zip(before, asked, strict=True)]
    both = [right(was) * right(now) for was, now in zip(before, asked, strict=True)]
    errors = [[error for row in side if (error := error_of(row)) is not None] for side in (before, asked)]
    return _absent(control, unavailable) | {
        "group": group,
        "count": len(asked),
        "as_is": float(np.mean([right(row) for row in before])),
        "under": float(np.mean([right(row) for row in asked])),
        "drop": interval(drop, before),
        "all_correct": float(np.mean(both)) if control.follows else None,
        "error_as_is": float(np.median(errors[0])) if errors[0] else None,
        "error_under": float(np.median(errors[1])) if errors[1] else None,
    }


def blind_table(items: Sequence[Item], rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Chance, the majority and words alone, on all items, by kind of question, beside the system."""
    own: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row["condition"] == AS_IS:
            own[row["group"]].append(right(row))
    told = []
    for name, answer in BLIND.items():
        readings = answer(items)
        made = [row_of(AS_IS, item, Response("", reading=readings[item.name])) for item in items]
        for group in sorted({row["group"] for row in made}):
            members = [row for row in made if row["group"] == group]
            told.append(
                {
                    "control": name,
                    "look_for": BLIND_LOOK_FOR,
                    "group": group,
                    "count": len(members),
                    "right": interval([right(row) for row in members], members),
                    "system": float(np.mean(own[group])) if own[group] else None,
                }
            )
    return told


def options_table(rows: Sequence[Row]) -> dict[str, Any] | None:
    """Mean accuracy and all-correct rate over the rotations of options, of the questions with most rotations."""
    names = {AS_IS, *(control.name for control in CONTROLS if control.name.startswith("options"))}
    runs: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row["condition"] in names and row["outcome"] != "unavailable" and row["group"] == "choice":
            runs[row["id"]].append(right(row))
    counts = Counter(len(one) for one in runs.values() if len(one) > 1)
    if not counts:
        return None
    most = max(counts)
    accuracy, every = rotation_scores([one for one in runs.values() if len(one) == most])
    return {"rotations": most, "count": counts[most], "accuracy": accuracy, "all_correct": every}


def array_table(items: Sequence[Item], rows: Sequence[Row]) -> list[dict[str, Any]] | None:
    """Right answers by array on questions asked about one scene through several; None where there are no such.

    Recordings belong to one scene where their items share the fact ``scene``.
    """
    answers = {row["id"]: right(row) for row in rows if row["condition"] == AS_IS}
    families: dict[tuple[float, str], dict[str, float]] = defaultdict(dict)
    for item in items:
        if SCENE in item.facts:
            families[item.facts[SCENE], item.question][item.array or item.format or "default"] = answers[item.name]
    shared = [family for family in families.values() if len(family) > 1]
    names = sorted({name for family in shared for name in family})
    told: list[dict[str, Any]] = plain(
        [
            {"array": name, "count": len(own), "right": float(np.mean(own))}
            for name in names
            for own in [[family[name] for family in shared if name in family]]
        ]
    )
    return told or None
