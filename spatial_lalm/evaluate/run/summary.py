"""All rows of a run as one document of numbers: by kind of question, by category, over everything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np

from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.choices import choice_scores, yes_no_scores
from spatial_lalm.evaluate.grounding import THRESHOLDS
from spatial_lalm.evaluate.honesty import Outcome, reliability
from spatial_lalm.evaluate.metrics import Statistic, bootstrap_interval, mean, median
from spatial_lalm.evaluate.run.journal import Row
from spatial_lalm.evaluate.run.responses import plain
from spatial_lalm.evaluate.run.scoring import main_error
from spatial_lalm.evaluate.transcripts import word_errors

RESAMPLES = 1000
ERRORS = ("angle_error_deg", "azimuth_error_deg", "abs_error", "ratio_error", "log2_error", "iou")


def interval(values: Sequence[float], rows: Sequence[Row], statistic: Statistic = mean) -> dict[str, Any]:
    """A statistic with its bootstrap interval over the recordings of the rows."""
    clusters = [row["recording"] for row in rows]
    told: dict[str, Any] = plain(bootstrap_interval(values, statistic, clusters, resamples=RESAMPLES))
    return told


def right(row: Row) -> float:
    """1 for a right answer; one that failed, was declined or could not be read is none."""
    return float(row["outcome"] == "right")


def error_of(row: Row) -> float | None:
    """The error that the row's kind is ranked by: of directions without height the azimuth's."""
    name = main_error(row["group"])
    errors = row.get("score", {})
    if name == "angle_error_deg" and name not in errors:
        name = "azimuth_error_deg"
    return None if name is None else errors.get(name)


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Scores of answered rows of the condition ``as is``; empty where there are none."""
    if not rows:
        return {}
    outcomes = [cast(Outcome, row["outcome"] if row["outcome"] != "failed" else "wrong") for row in rows]
    answerable = [one for one, row in zip(outcomes, rows, strict=True) if row["group"] != "decline"]
    return {
        "overall": _told(rows),
        "reliability": reliability(outcomes),
        "reliability_answerable": reliability(answerable) if answerable else None,
        "groups": {name: _group(name, members) for name, members in _by(rows, "group").items()},
        "categories": {name: _told(members) for name, members in _by(rows, "category").items() if name},
    }


def _by(rows: Sequence[Row], key: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.get(key) or ""].append(row)
    return dict(sorted(found.items()))


def _told(rows: Sequence[Row]) -> dict[str, Any]:
    """What can be told of any rows."""
    return {
        "count": len(rows),
        "recordings": len({row["recording"] for row in rows}),
        "right": interval([right(row) for row in rows], rows),
        "unparsed": sum(bool(row.get("unparsed")) for row in rows),
        "declined": sum(bool(row.get("declined")) for row in rows),
        "failed": sum(row["outcome"] == "failed" for row in rows),
    }


def _group(name: str, rows: Sequence[Row]) -> dict[str, Any]:
    """Rows of one kind of truth, with the errors of those that could be read and what is special to the kind."""
    told = _told(rows) | {"errors": _errors(rows)}
    special = _SPECIAL.get(name)
    scored = [row for row in rows if "truth" in row]
    return told | (special(scored) if special and scored else {})


def _errors(rows: Sequence[Row]) -> dict[str, Any]:
    found = {}
    for name in ERRORS:
        told = [row for row in rows if name in row.get("score", {})]
        if told:
            values = [float(row["score"][name]) for row in told]
            found[name] = {"median": interval(values, told, median), "mean": interval(values, told)}
    return found


# ---------------------------------------------------------------- what is special to a kind


def _choices(rows: Sequence[Row]) -> dict[str, Any]:
    said = [row["parsed"] for row in rows]
    truth, sizes = [row["truth"]["right"] for row in rows], [len(row["truth"]["options"]) for row in rows]
    scores = choice_scores(said, truth, sizes, [row["recording"] for row in rows])
    return {"chance": scores.chance}


def _yes_no(rows: Sequence[Row]) -> dict[str, Any]:
    scores = yes_no_scores([row["parsed"] for row in rows], [row["truth"]["yes"] for row in rows])
    return {"yes_no": plain(scores)}


def _spans(rows: Sequence[Row]) -> dict[str, Any]:
    """Unanswered questions have an IoU of 0 here."""
    ious = np.array([row["score"].get("iou", 0.0) for row in rows])
    return {"miou": float(ious.mean()), "recall": {f"{least:g}": float((ious >= least).mean()) for least in THRESHOLDS}}


def _transcripts(rows: Sequence[Row]) -> dict[str, Any]:
    """Word errors over all; an answer that says nothing lacks every word."""
    try:
        errors = word_errors([row["truth"]["accepted"][0] for row in rows], [row["parsed"] or "" for row in rows])
    except InputError as error:
        return {"words": {"error": str(error)}}
    return {"words": {"wer": errors.wer, "cer": errors.cer}}


_SPECIAL: dict[str, Callable[[Sequence[Row]], dict[str, Any]]] = {
    "choice": _choices, "yes or no": _yes_no, "span": _spans, "transcript": _transcripts,
}  # fmt: skip


# ---------------------------------------------------------------- confidence


CONFIDENCE_BINS = 10


def calibration(rows: Sequence[Row]) -> dict[str, Any] | None:
    """How often answers of a confidence are right, and the expected calibration error; None without confidences."""
    told = [row for row in rows if row["confidence"] is not None and row["parsed"] is not None]
    if not told:
        return None
    confidence = np.array([row["confidence"] for row in told])
    hits = np.array([right(row) for row in told])
    place = np.minimum((confidence * CONFIDENCE_BINS).astype(int), CONFIDENCE_BINS - 1)
    bins = [
        {
            "confidence": float(confidence[inside].mean()),
            "right": float(hits[inside].mean()),
            "count": int(inside.sum()),
        }
        for number in range(CONFIDENCE_BINS)
        for inside in [place == number]
        if inside.any()
    ]
    gap = sum(one["count"] * abs(one["confidence"] - one["right"]) for one in bins) / len(told)
    return {"bins": bins, "expected_error": gap, "count": len(told)}


# ---------------------------------------------------------------- facts


FACTS = {"t60_s": "T60, s", "snr_db": "SNR, dB", "distance_m": "distance, m", "azimuth_deg": "azimuth, °"}
OCTANT_EDGES = tuple(-180.0 + 45.0 * step for step in range(9))
PARTS = 4


def breakdown(rows: Sequence[Row]) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """For every fact and kind of question, right answers and the main error in parts of equal size (of azimuth 45°)."""
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for fact in FACTS:
        for group, members in _by([row for row in rows if fact in row.get("facts", {})], "group").items():
            if parts := _parts(fact, members):
                found.setdefault(fact, {})[group] = parts
    return found


def _parts(fact: str, rows: Sequence[Row]) -> list[dict[str, Any]]:
    values = np.array([float(row["facts"][fact]) for row in rows])
    edges = (
        np.array(OCTANT_EDGES)
        if fact == "azimuth_deg"
        else np.unique(np.quantile(values, np.linspace(0, 1, PARTS + 1)))
    )
    if len(edges) < 2:
        return []
    place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    parts = []
    for number in range(len(edges) - 1):
        inside = [row for row, where in zip(rows, place, strict=True) if where == number]
        if inside:
            errors = [error for row in inside if (error := error_of(row)) is not None]
            parts.append(
                {
                    "low": float(edges[number]),
                    "high": float(edges[number + 1]),
                    "count": len(inside),
                    "right": interval([right(row) for row in inside], inside),
                    "median_error": float(np.median(errors)) if errors else None,
                }
            )
    return parts


# ---------------------------------------------------------------- confusion


MOST_WORDS = 12
"""Options of a confusion table; with more of them none is made."""
UNREAD = "unread"


def confusion(rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """Counts of what was said (columns) for what is right (rows), by category, where its options are few words."""
    found: dict[str, dict[str, Any]] = {}
    told = [row for row in rows if row.get("group") in ("choice", "yes or no") and "truth" in row]
    for category, members in _by(told, "category").items():
        pairs = [_said(row) for row in members]
        words = sorted({word for pair in pairs for word in pair if word != UNREAD})
        if 2 <= len(words) <= MOST_WORDS:
            columns = [*words, UNREAD]
            table = [[pairs.count((due, said)) for said in columns] for due in words]
            found[category or "all"] = {"rows": words, "columns": columns, "counts": table}
    return found


def _said(row: Row) -> tuple[str, str]:
    truth, said = row["truth"], row["parsed"]
    if row["group"] == "yes or no":
        return _yes(truth["yes"]), UNREAD if said is None else _yes(said)
    return truth["options"][truth["right"]], UNREAD if said is None else truth["options"][said]


def _yes(value: bool) -> str:
    return "yes" if value else "no"
