"""The report that people read: one list of blocks, written as Markdown and as a single HTML page."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spatial_lalm.evaluate.run.plots import calibration_figure, confusion_figure, facts_figure
from spatial_lalm.evaluate.run.summary import FACTS

SHOWN = 20
"""Problems told one by one; the rest are counted."""


@dataclass(frozen=True)
class Block:
    """``heading`` (its text), ``text``, ``table`` (rows, the first the header) or ``figure`` (its text, name, PNG)."""

    kind: str
    text: str = ""
    rows: tuple[tuple[str, ...], ...] = ()
    name: str = ""
    png: bytes = b""


def blocks(document: Mapping[str, Any]) -> list[Block]:
    """The whole report of a summary document."""
    told = [Block("heading", f"{document['benchmark']}, {document['split']}: {document['system']}")]
    told += [Block("text", _opening(document))]
    if document["problems"]["count"]:
        told += _problems(document["problems"])
    if document["scores"]:
        told += _scores(document["scores"])
    told += _tracks(document["tracks"])
    told += _controls(document)
    told += _figures(document)
    return [*told, *_repeat(document["repeat"])]


def _opening(document: Mapping[str, Any]) -> str:
    overall = document["scores"].get("overall")
    if not overall:
        tables = sum(one.get("recordings", 0) for one in document["tracks"].values())
        return f"{tables} recordings, scored as tables of sources over time." if tables else "Nothing could be scored."
    reliable = document["scores"]["reliability"]
    parts = [
        f"{overall['count']} items of {overall['recordings']} recordings; right: {_interval(overall['right'])}.",
        f"Unread (counted as wrong): {overall['unparsed']}. Declined: {overall['declined']}. "
        f"Failed (counted as wrong): {overall['failed']}. Problems of files: {document['problems']['count']}.",
        f"Truthfulness {reliable['truthfulness']:.3f}, reliability {reliable['reliability']:.3f}.",
        "In brackets 95 % bootstrap intervals over recordings.",
    ]
    return " ".join(parts)


def _problems(problems: Mapping[str, Any]) -> list[Block]:
    kinds = ", ".join(f"{kind} {count}" for kind, count in problems["kinds"].items() if count)
    lines = [("file", "row", "rule")]
    lines += [(one["file"], str(one["row"] or ""), one["rule"]) for one in problems["first"]]
    return [
        Block("heading", "Left out"),
        Block("text", f"{problems['count']} problems: {kinds}."),
        Block("table", rows=tuple(lines)),
    ]


def _scores(scores: Mapping[str, Any]) -> list[Block]:
    head = ("kind", "items", "right", "unread", "declined", "failed", "median error", "more")
    rows = [head]
    for name, one in scores["groups"].items():
        first = next(iter(one["errors"].items()), None)
        error = f"{_interval(first[1]['median'])} ({first[0]})" if first else ""
        rows.append(
            (
                name,
                str(one["count"]),
                _interval(one["right"]),
                *(str(one[key]) for key in ("unparsed", "declined", "failed")),
                error,
                _more(one),
            )
        )
    told = [Block("heading", "Scores by kind of question"), Block("table", rows=tuple(rows))]
    if scores["categories"]:
        lines = [("category", "items", "right", "unread", "declined")]
        lines += [
            (name, str(one["count"]), _interval(one["right"]), str(one["unparsed"]), str(one["declined"]))
            for name, one in scores["categories"].items()
        ]
        told += [Block("heading", "Scores by category"), Block("table", rows=tuple(lines))]
    return told


def _more(one: Mapping[str, Any]) -> str:
    told = []
    if "chance" in one:
        told.append(f"chance {one['chance']:.3f}")
    if "yes_no" in one:
        told.append(f"F1 {_number(one['yes_no']['f1'])}, bias to yes {_number(one['yes_no']['bias'])}")
    if "miou" in one:
        told.append(f"mIoU {one['miou']:.3f}; " + ", ".join(f"R@1 {m}: {v:.3f}" for m, v in one["recall"].items()))
    if "words" in one:
        told.append(one["words"].get("error") or f"WER {one['words']['wer']:.3f}")
    return "; ".join(told)


def _tracks(tracks: Mapping[str, Any]) -> list[Block]:
    told: list[Block] = []
    for protocol, one in tracks.items():
        told.append(Block("heading", f"Tracks: {protocol}"))
        if "error" in one:
            told.append(Block("text", one["error"]))
            continue
        keys = list(dict.fromkeys(key for row in one["scores"].values() for key in row))
        rows = [("", *keys), *((name, *(_number(row.get(key)) for key in keys)) for name, row in one["scores"].items())]
        told.append(Block("table", rows=tuple(rows)))
    return told


def _controls(document: Mapping[str, Any]) -> list[Block]:
    told = [Block("heading", "Controls"), Block("text", document["controls_note"])]
    rows = [("without the sound", "kind", "items", "right", "the system", "look for")]
    rows += [
        (
            one["control"],
            one["group"],
            str(one["count"]),
            _interval(one["right"]),
            _number(one["system"]),
            one["look_for"],
        )
        for one in document["blind"]
    ]
    told.append(Block("table", rows=tuple(rows)))
    head = (
        "control",
        "kind",
        "items",
        "right as is",
        "right under it",
        "drop",
        "right both times",
        "error as is → under",
        "look for",
    )
    rows2 = [head]
    for one in document["controls"]:
        if not one["count"]:
            why = f"none ({one['unavailable']} cannot be altered so)" if one["unavailable"] else "none"
            rows2.append((one["control"], "", why, "", "", "", "", "", one["look_for"]))
            continue
        errors = "" if one["error_as_is"] is None else f"{_number(one['error_as_is'])} → {_number(one['error_under'])}"
        rows2.append(
            (
                one["control"],
                one["group"],
                str(one["count"]),
                _number(one["as_is"]),
                _number(one["under"]),
                _interval(one["drop"]),
                _number(one["all_correct"]),
                errors,
                one["look_for"],
            )
        )
    if document["controls"]:
        told.append(Block("table", rows=tuple(rows2)))
    if found := document["options"]:
        told.append(
            Block(
                "text",
                f"Options in {found['rotations']} orders, {found['count']} questions: "
                f"accuracy {found['accuracy']:.3f}, right in all orders {found['all_correct']:.3f}.",
            )
        )
    if document["arrays"]:
        lines = [("the same scene through", "items", "right")]
        lines += [(one["array"], str(one["count"]), _number(one["right"])) for one in document["arrays"]]
        told += [Block("table", rows=tuple(lines)), Block("text", "Look for: no drop from one array to another.")]
    else:
        told.append(Block("text", "The same scene through other arrays: this split has no such recordings."))
    return told


def _figures(document: Mapping[str, Any]) -> list[Block]:
    told = [
        Block("figure", f"Against {FACTS[fact]}", name=f"against_{fact}", png=facts_figure(fact, groups))
        for fact, groups in document["breakdown"].items()
    ]
    if found := document["calibration"]:
        text = f"Confidence of {found['count']} answers; expected calibration error {found['expected_error']:.3f}"
        told.append(Block("figure", text, name="calibration", png=calibration_figure(found)))
    for number, (category, table) in enumerate(document["confusion"].items()):
        text = f"Confusion: {category}"
        told.append(Block("figure", text, name=f"confusion_{number}", png=confusion_figure(table)))
    return [Block("heading", "Figures"), *told] if told else []


def _repeat(repeat: Mapping[str, Any]) -> list[Block]:
    rows = [("what", "value"), *((name, str(value)) for name, value in _flat(repeat))]
    return [Block("heading", "To repeat it"), Block("table", rows=tuple(rows))]


def _flat(value: Any, prefix: str = "") -> list[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        return [(prefix, value)]
    return [pair for key, one in value.items() for pair in _flat(one, f"{prefix}.{key}" if prefix else str(key))]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _interval(found: Mapping[str, Any]) -> str:
    return f"{found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"


# ---------------------------------------------------------------- writing


def markdown(told: Sequence[Block]) -> str:
    """The report as Markdown; figures lie beside it in ``plots``."""
    parts = []
    for index, block in enumerate(told):
        if block.kind == "heading":
            parts.append(f"{'##' if index else '#'} {block.text}")
        elif block.kind == "text":
            parts.append(block.text)
        elif block.kind == "figure":
            parts.append(f"![{block.text}](plots/{block.name}.png)")
        elif len(block.rows) > 1:
            head, *rows = [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in block.rows]
            parts.append("\n".join([head, "|" + "---|" * len(block.rows[0]), *rows]))
    return "\n\n".join(parts) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


STYLE = (
    "body{font:15px/1.5 sans-serif;max-width:70em;margin:2em auto;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;margin:1em 0}td,th{border:1px solid #ccc;padding:.2em .6em;text-align:left}"
    "img{max-width:100%}h2{margin-top:2em}"
)


def page(told: Sequence[Block]) -> str:
    """The report as one HTML page with its figures inside."""
    parts = []
    for index, block in enumerate(told):
        text = html.escape(block.text)
        if block.kind == "heading":
            parts.append(f"<h{2 if index else 1}>{text}</h{2 if index else 1}>")
        elif block.kind == "text":
            parts.append(f"<p>{text}</p>")
        elif block.kind == "figure":
            data = base64.b64encode(block.png).decode()
            parts.append(
                f'<figure><img alt="{text}" src="data:image/png;base64,{data}"><figcaption>{text}</figcaption></figure>'
            )
        elif len(block.rows) > 1:
            lines = [
                "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row)
                for row, tag in zip(block.rows, ["th", *["td"] * len(block.rows)], strict=False)
            ]
            parts.append("<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>")
    title = html.escape(told[0].text)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>\n'
        + "\n".join(parts)
        + "\n</html>\n"
    )
