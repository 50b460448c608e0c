"""The figures of a report as PNG bytes."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from spatial_lalm.evaluate.run.scoring import main_error
from spatial_lalm.evaluate.run.summary import FACTS

LABELS = {"angle_error_deg": "angle, °", "ratio_error": "ratio error", "log2_error": "octaves", "abs_error": "error",
          "iou": "IoU"}  # fmt: skip


def facts_figure(fact: str, groups: Mapping[str, Sequence[Mapping[str, Any]]]) -> bytes:
    """Share of right answers, and the median error of kinds that have one, against a fact."""
    figure = _figure(8.4, 3.2)
    shares, errors = figure.subplots(1, 2)
    for group, parts in groups.items():
        middle = [(part["low"] + part["high"]) / 2 for part in parts]
        value = [part["right"]["value"] for part in parts]
        spread = [
            [part["right"]["value"] - part["right"]["low"] for part in parts],
            [part["right"]["high"] - part["right"]["value"] for part in parts],
        ]
        line = shares.errorbar(middle, value, yerr=[[max(0.0, one) for one in side] for side in spread],
                               marker="o", capsize=3, label=group)  # fmt: skip
        told = [
            (x, part["median_error"]) for x, part in zip(middle, parts, strict=True) if part["median_error"] is not None
        ]
        if told:
            errors.plot(*zip(*told, strict=True), marker="o", color=line[0].get_color(),
                        label=f"{group} ({LABELS.get(main_error(group) or '', '')})")  # fmt: skip
    shares.set(xlabel=FACTS[fact], ylabel="share right", ylim=(-0.05, 1.05))
    errors.set(xlabel=FACTS[fact], ylabel="median error")
    shares.legend(fontsize=7)
    if errors.lines:
        errors.legend(fontsize=7)
    return _png(figure)


def calibration_figure(found: Mapping[str, Any]) -> bytes:
    """How often answers of a confidence are right."""
    figure = _figure(4.2, 3.6)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.7", linestyle="--")
    bins = found["bins"]
    axes.plot([one["confidence"] for one in bins], [one["right"] for one in bins], marker="o")
    for one in bins:
        axes.annotate(str(one["count"]), (one["confidence"], one["right"]), fontsize=7, xytext=(3, 3),
                      textcoords="offset points")  # fmt: skip
    axes.set(xlabel="confidence told", ylabel="share right", xlim=(0, 1), ylim=(-0.05, 1.05))
    return _png(figure)


def confusion_figure(found: Mapping[str, Any]) -> bytes:
    """What was said for what is right."""
    rows, columns, counts = found["rows"], found["columns"], found["counts"]
    figure = _figure(2.4 + 0.5 * len(columns), 1.8 + 0.4 * len(rows))
    axes = figure.subplots()
    axes.imshow(counts, cmap="Blues", aspect="auto")
    axes.set_xticks(range(len(columns)), columns, rotation=60, ha="right", fontsize=7)
    axes.set_yticks(range(len(rows)), rows, fontsize=7)
    most = max(map(max, counts))
    for y, line in enumerate(counts):
        for x, count in enumerate(line):
            axes.text(x, y, str(count), ha="center", va="center", fontsize=7, color="w" if count > most / 2 else "k")
    axes.set(xlabel="said", ylabel="right")
    return _png(figure)


def _figure(width: float, height: float) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return buffer.getvalue()
