"""The tables of ``results.py`` about spatial-bench: scores by family, errors, controls, and where the model is weak.

Everything is Markdown made of rows of the evaluation runner; intervals are its own, drawn over recordings. Scores are
shares of right answers in percent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from results_bench import HEARING, LOCATORS, MODEL, Asked, kind_of

from spatial_lalm.evaluate.metrics import median
from spatial_lalm.evaluate.run.blind import BLIND
from spatial_lalm.evaluate.run.control_summary import control_table
from spatial_lalm.evaluate.run.journal import Row
from spatial_lalm.evaluate.run.runner import AS_IS
from spatial_lalm.evaluate.run.scoring import main_error
from spatial_lalm.evaluate.run.summary import error_of, interval, right

COLUMNS = (MODEL, *BLIND, *LOCATORS, "cascade")
ERROR_COLUMNS = (MODEL, "majority", *LOCATORS, "cascade")
UNITS = {
    "direction": "°", "distance": "ratio", "volume": "octaves", "time": "s", "t60": "s", "drr": "dB", "c50": "dB",
    "count": "sounds", "span": "IoU, more is better",
}  # fmt: skip
NEVER = "-"
"""A system that has no answer to any question of a kind."""
FEWEST = 12
"""Items below which nothing is concluded."""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])


def percent(found: dict[str, Any]) -> str:
    """An interval of a share."""
    return f"{100 * found['value']:.0f} [{100 * found['low']:.0f}, {100 * found['high']:.0f}]"


def share(rows: Sequence[Row]) -> str:
    """Right answers in percent with their interval."""
    return percent(interval([right(row) for row in rows], rows))


def share_or_dash(rows: Sequence[Row]) -> str:
    """The same; a dash where all that was ever said is that it cannot be told, and that is not right."""
    return share(rows) if any(row["parsed"] is not None or right(row) for row in rows) else NEVER


def by(rows: Sequence[Row], name: Callable[[Row], str]) -> dict[str, list[Row]]:
    """Rows by what a function says of them."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[name(row)].append(row)
    return dict(sorted(found.items()))


def group_of_row(row: Row) -> str:
    """The kind of truth."""
    return str(row["group"])


# ---------------------------------------------------------------- scores


def overview(asked: Asked, subsets: Sequence[str]) -> str:
    """A line a family: everything in it, by the systems that may answer anything, and directions by the others."""
    general = (MODEL, *BLIND, "cascade")
    rows = []
    for name in subsets:
        part = asked.of(name)
        own = part.as_is(MODEL)
        cells = [share(part.as_is(system)) for system in general]
        rows.append([name, str(len({row["recording"] for row in own})), str(len(own)), *cells])
    return table(["family", "recordings", "items", *general], rows)


def scores(asked: Asked) -> str:
    """Kinds of truth of one family down, systems across."""
    told = {system: by(asked.as_is(system), group_of_row) for system in COLUMNS}
    rows = []
    for group, own in told[MODEL].items():
        unread, declined = (sum(bool(row[key]) for row in own) for key in ("unparsed", "declined"))
        others = [share_or_dash(told[system][group]) for system in COLUMNS[1:]]
        rows.append([group, str(len(own)), f"**{share(own)}**", str(unread), str(declined), *others])
    return table(["kind of truth", "items", MODEL, "unread", "declined", *COLUMNS[1:]], rows)


def errors(asked: Asked) -> str:
    """Median errors of the answers that could be read, with their number where it is not all; empty without any."""
    told = {system: by(asked.as_is(system), group_of_row) for system in ERROR_COLUMNS}
    rows = []
    for group in told[MODEL]:
        if main_error(group) is not None:
            cells = [_error(told[system][group]) for system in ERROR_COLUMNS]
            rows.append([f"{group} ({UNITS[group]})", *cells])
    return table(["median error", *ERROR_COLUMNS], rows) if rows else ""


def _error(rows: Sequence[Row]) -> str:
    read = [(row, error) for row in rows if (error := error_of(row)) is not None]
    if not read:
        return NEVER
    found = interval([error for _, error in read], [row for row, _ in read], median)
    digits = 1 if found["value"] >= 3 else 2
    low, value, high = (f"{found[key]:.{digits}f}" for key in ("low", "value", "high"))
    few = f" ({len(read)} of {len(rows)})" if len(read) < len(rows) else ""
    return f"{value} [{low}, {high}]{few}"


def arrays(asked: Asked) -> str:
    """The same scenes through other arrays: right answers, and the drop from ideal ambisonics, question by question."""
    own = by(asked.as_is(MODEL), lambda row: row["category"].partition("/")[2])
    ideal = {_question(row): right(row) for row in own["foa"]}
    rows = []
    for name, told in own.items():
        drop = interval([ideal[_question(row)] - right(row) for row in told], told)
        directions = [error for row in told if row["group"] == "direction" and (error := error_of(row)) is not None]
        middle = f"{np.median(directions):.1f}" if directions else NEVER
        verdict = "" if name == "foa" else came("none", drop, 1.0, len(told))
        rows.append([name, str(len(told)), share(told), percent(drop), middle, verdict])
    head = ["the same scenes through", "items", MODEL, "drop from foa", "direction, median °", "no drop?"]
    return table(head, rows)


def _question(row: Row) -> tuple[str, str]:
    return row["recording"], row["question"]


# ---------------------------------------------------------------- controls

LOST = ("direction", "distance")
KEPT = ("span", "words", "time")
LITTLE, SMALL = 0.1, 0.25
"""A drop that counts as none, and one that counts as small."""
CONTROL_RULES = (
    "*Came* by these rules. A large drop: its interval lies above 0 and it is at least half of what was right. No "
    f"drop: its interval reaches 0 and ends below {100 * LITTLE:.0f} points. A small one: its interval ends below "
    f"{100 * SMALL:.0f} points. *Did not come*: the interval contradicts it. *Open*: neither, or fewer than {FEWEST} "
    "items. What a system never gets right cannot drop and is left out. Spatial "
    f"channels have to matter for {' and '.join(LOST)} and must not for {', '.join(KEPT)}; of other kinds nothing is "
    "expected beforehand, as they ask for space in part."
)


def due(control: str, group: str) -> str:
    """The drop to look for: ``large``, ``none``, ``small``, or nothing that could be said beforehand."""
    if control in ("spatial channels zeroed", "mono"):
        return "large" if group in LOST else "none" if group in KEPT else ""
    return "small" if control.startswith("noise") else "none"


def came(wanted: str, drop: dict[str, Any], before: float, count: int) -> str:
    """Whether the drop of so many items, ``before`` of which were right, is the one that was looked for."""
    value, low, high = drop["value"], drop["low"], drop["high"]
    if wanted and count < FEWEST:
        return "open"
    match wanted:
        case "large":
            yes, no = low > 0 and value >= before / 2, high < before / 2
        case "none":
            yes, no = low <= 0 and high <= LITTLE, low > 0
        case "small":
            yes, no = high <= SMALL, low > SMALL
        case _:
            return ""
    return "came" if yes else "**did not come**" if no else "open"


def controls(rows: Sequence[Row]) -> str:
    """Every control of a system by kind of truth, where it gets anything right."""
    lines = []
    for one in control_table(rows):
        if not one["count"] or not one["as_is"]:
            continue
        wanted = due(one["control"], one["group"])
        both = "" if one["all_correct"] is None else f"{100 * one['all_correct']:.0f}"
        before = one["error_as_is"]
        change = "" if before is None or one["error_under"] is None else f"{before:.2f} → {one['error_under']:.2f}"
        shares = [f"{100 * one[key]:.0f}" for key in ("as_is", "under")]
        verdict = [wanted, came(wanted, one["drop"], one["as_is"], one["count"])]
        told = [one["control"], one["group"], str(one["count"]), *shares, percent(one["drop"]), both, change]
        lines.append(told + verdict)
    head = ["control", "kind", "items", "as is", "under it", "drop", "right both times", "median error"]
    return table([*head, "look for", "came?"], lines) if lines else "It gets none of these items right."


# ---------------------------------------------------------------- weak places


def against_blind(asked: Asked, fewest: int = FEWEST) -> Iterator[tuple[str, list[Row], str, dict[str, Any]]]:
    """Every kind of question with its answers, the best blind system there, and what the model has over it."""
    told = {system: by(asked.as_is(system), lambda row: kind_of(row["id"])) for system in (MODEL, *BLIND)}
    for kind, own in told[MODEL].items():
        if len(own) >= fewest:
            best = max(BLIND, key=lambda name: sum(map(right, told[name][kind])))
            gained = [right(row) - right(other) for row, other in zip(own, told[best][kind], strict=True)]
            yield kind, own, best, interval(gained, own)


def weak_kinds(asked: Asked) -> str:
    """Kinds of questions in which the model is not shown to be better than the best answer without listening."""
    rows = []
    for kind, own, best, gain in sorted(against_blind(asked), key=lambda one: one[3]["value"]):
        if gain["low"] <= 0:
            unread, declined = (sum(bool(row[key]) for row in own) for key in ("unparsed", "declined"))
            other = [row for row in asked.as_is(best) if kind_of(row["id"]) == kind]
            told = [kind, str(len(own)), share(own), str(unread), str(declined)]
            rows.append([*told, f"{best} {share(other)}", percent(gain)])
    head = ["kind of question", "items", MODEL, "unread", "declined", "best without listening", "gain"]
    return table(head, rows) if rows else "None."


def beaten(asked: Asked, subsets: Sequence[str]) -> str:
    """Where a baseline is better than the model: families and kinds whose difference's interval lies above 0."""
    rows = []
    for name in subsets:
        part = asked.of(name)
        own = by(part.as_is(MODEL), group_of_row)
        for system in COLUMNS[1:]:
            for group, other in by(part.as_is(system), group_of_row).items():
                lead = [right(one) - right(mine) for one, mine in zip(other, own[group], strict=True)]
                if sum(lead) > 0 and len(lead) >= FEWEST and (found := interval(lead, other))["low"] > 0:
                    told = [name, group, str(len(lead)), share(own[group])]
                    rows.append([*told, f"{system} {share(other)}", percent(found)])
    head = ["family", "kind of truth", "items", MODEL, "baseline", "lead"]
    return table(head, rows) if rows else "Nowhere."


def examples(asked: Asked, each: int) -> str:
    """Of every kind of question a few answers that were not right, for whoever wants to mend them."""
    parts = []
    for kind, own, _, gain in sorted(against_blind(asked, 1), key=lambda one: one[3]["value"]):
        missed = [row for row in own if not right(row)]
        step = max(1, len(missed) // each)
        lines = [_example(row) for row in missed[::step][:each]]
        parts.append(f"## {kind}: {len(own)} items, {share(own)}, gain {percent(gain)}\n\n" + "\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _example(row: Row) -> str:
    truth = {key: value for key, value in row["truth"].items() if key != "kind"}
    told = f"read as {row['parsed']}" if row["parsed"] is not None else "declined" if row["declined"] else "unread"
    return f"- `{row['id']}` {row['question']} → *{row['raw']}* ({told}; truth {truth})"


def heard_rows(asked: Asked) -> Iterator[tuple[str, Sequence[Row]]]:
    """Systems that controls were run on, with all their rows."""
    for name in HEARING:
        if any(row["condition"] != AS_IS for row in asked.rows[name]):
            yield name, asked.rows[name]
