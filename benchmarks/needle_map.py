"""What became of needles: by length, depth and way, as tables and as a heat map.

Of every needle three things are told. **Read**: some of its time was read. **Found**: what was read holds a believed
event of its class that overlaps it. **Right**: asked in words, the answer's text to "When do you hear it?" tells a time
that begins within two seconds of the needle, and the answer to "Where is it?" has for its first evidence the needle,
within 20 degrees. So false alarms of the class elsewhere cost nothing in *found*, and much in *right*. The errors of
time (of the beginning) and of direction are those of needles that were found.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from budgets import Budget, Held
from needles import DEPTHS, Needle

from spatial_lalm.audio.conventions import angle_between, unit_vector
from spatial_lalm.audio.scene import SourceEvent
from spatial_lalm.audio.wording import spoken_name
from spatial_lalm.model.answers import Evidence
from spatial_lalm.model.loading import SpatialLalm
from spatial_lalm.model.recorded import Recorded
from spatial_lalm.sealing import whole_or_absent

NEAR_S = 2.0
RIGHT_DEG = 20.0
CLIP = "10-s clip"
_TOLD = re.compile(r"\b(?:from|at) (\d+):(\d\d):(\d\d)\b")


@dataclass(frozen=True)
class Outcome:
    """What became of one needle by one way; errors are NaN where it was not found."""

    minutes: float
    depth: float
    label: str
    way: str
    read: bool
    found: bool
    right: bool
    time_error_s: float
    angle_error_deg: float


def outcomes(budget: Budget, needle: Needle, minutes: float, seed: int) -> list[Outcome]:
    """What becomes of a needle by every way."""
    label = needle.event.label
    question = when_question(label)
    found = []
    for number, way in enumerate(budget.ways):
        held = budget.holds(way, label, question, np.random.default_rng((seed, number)))
        model = budget.model if way in ("index", "memory", "keys") else None
        found.append(outcome(budget.recorded, held, needle, minutes, way, model))
    return found


def outcome(
    recorded: Recorded, held: Held, needle: Needle, minutes: float, way: str, model: SpatialLalm | None = None,
    later_s: float = 0.0,
) -> Outcome:  # fmt: skip
    """What becomes of a needle that begins ``later_s`` earlier in this recording than its labels say.

    ``model`` is asked which doubtful events to believe, where it has a trained memory.
    """
    event = replace(needle.event, onset_s=needle.event.onset_s - later_s, offset_s=needle.event.offset_s - later_s)
    view = replace(recorded, events=held.events)
    loaded = None if model is None else lambda: model
    when = view.ask(when_question(event.label), loaded)
    where = view.ask(f"Where is {spoken_name(event.label, 'the')}?", loaded)
    believed = [one.evidence for one in view.spoken] + list(when.evidence)
    there = {one for one in believed if one.label == event.label and _overlap(one, event)}
    read = any(low < event.offset_s and high > event.onset_s for low, high in held.spans)
    if not there:
        return Outcome(minutes, needle.depth, event.label, way, read, False, False, np.nan, np.nan)
    time_error = abs(min(one.start_s for one in there) - event.onset_s)
    placed = bool(where.evidence) and _overlap(where.evidence[0], event)
    right = told_near(when.text, event.onset_s) and placed and _angle(where.evidence[:1], event) <= RIGHT_DEG
    return Outcome(minutes, needle.depth, event.label, way, read, True, right, time_error, _angle(tuple(there), event))


def when_question(label: str) -> str:
    """The question that the keys are asked, too."""
    return f"When do you hear {spoken_name(label, 'the')}?"


def told_near(text: str, onset_s: float) -> bool:
    """Whether a text tells a time, in whole seconds rounded down, from which something sounds near an onset."""
    told = (3600 * int(h) + 60 * int(m) + int(s) for h, m, s in _TOLD.findall(text))
    return any(abs(seconds + 0.5 - onset_s) <= NEAR_S for seconds in told)


def _overlap(one: Evidence, event: SourceEvent) -> bool:
    return one.start_s < event.offset_s and one.end_s > event.onset_s


def _angle(there: Sequence[Evidence], event: SourceEvent) -> float:
    """Degrees between the mean direction of some evidence, by its length, and an event; NaN where it tells none."""
    if any(one.azimuth_deg is None for one in there):
        return np.nan
    vectors = [(one.end_s - one.start_s) * unit_vector(one.azimuth_deg, one.elevation_deg or 0.0) for one in there]
    return float(angle_between(np.sum(vectors, axis=0), unit_vector(event.azimuth_deg, event.elevation_deg)))


# ---------------------------------------------------------------- tables


def print_tables(found: Sequence[Outcome]) -> None:
    """By way and length, by depth, beside the clips, and by class."""
    lengths = sorted({one.minutes for one in found})
    ways = [way for way in dict.fromkeys(one.way for one in found) if way != CLIP]
    columns = ("way", "minutes", "needles", "read, %", "found, %", "right, %", "time error, s", "angle, °")
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for way in (*ways, CLIP):
        for minutes in lengths:
            rows = [one for one in found if (one.way, one.minutes) == (way, minutes)]
            print(f"| {way} | {minutes:g} | {len(rows)} | {_shares(rows)} | {_errors(rows)} |")
    print(f"\n{ways[0]}: found, % / right, % by depth\n")
    print(f"| minutes | {' | '.join(f'{100 * depth:.0f} %' for depth in DEPTHS)} |\n|{'---|' * (1 + len(DEPTHS))}")
    for minutes in lengths:
        cells = [_cell([o for o in found if (o.way, o.minutes, o.depth) == (ways[0], minutes, d)]) for d in DEPTHS]
        print(f"| {minutes:g} | {' | '.join(cells)} |")
    print()
    for minutes in lengths:
        print(_beside_clips([one for one in found if one.minutes == minutes], ways[0]))
    labels = sorted({one.label for one in found})
    print(f"\n| found, % | {' | '.join(labels)} |\n|{'---|' * (1 + len(labels))}")
    for way in (ways[0], CLIP):
        kept = [[one.found for one in found if (one.way, one.label) == (way, label)] for label in labels]
        print(f"| {way} | {' | '.join(f'{100 * _share(shares):.0f}' for shares in kept)} |")
    print(flush=True)


def _shares(rows: Sequence[Outcome]) -> str:
    return " | ".join(
        f"{100 * np.mean([getattr(one, name) for one in rows]):.0f}" for name in ("read", "found", "right")
    )


def _errors(rows: Iterable[Outcome]) -> str:
    """Medians over what was found."""
    there = [one for one in rows if one.found]
    times = [one.time_error_s for one in there]
    angles = [one.angle_error_deg for one in there if np.isfinite(one.angle_error_deg)]
    return f"{np.median(times):.2f} | {np.median(angles):.1f}" if angles else f"{np.median(times or [np.nan]):.2f} | -"


def _cell(rows: Sequence[Outcome]) -> str:
    shares = [f"{100 * np.mean([getattr(one, name) for one in rows]):.0f}" for name in ("found", "right") if rows]
    return " / ".join(shares) or "-"


def _beside_clips(rows: Sequence[Outcome], way: str) -> str:
    """The same needles in the recording and in their clips: pairs that were found in both."""
    whole, clips = ([one for one in rows if one.way == which] for which in (way, CLIP))
    pairs = [(a, b) for a, b in zip(whole, clips, strict=True) if a.found and b.found]
    kept = sum(a.found for a, b in zip(whole, clips, strict=True) if b.found)
    told = f"{whole[0].minutes:g} min: of {sum(b.found for b in clips)} needles found in their clips {kept} are found"
    for name, unit in (("time_error_s", "s"), ("angle_error_deg", "°")):
        errors = np.array([[getattr(one, name) for one in pair] for pair in pairs]).reshape(-1, 2)
        if len(errors):
            (own, clip), (own_mean, clip_mean) = np.median(errors, axis=0), errors.mean(0)
            told += f"; {own:.2f} {unit} for {clip:.2f} {unit} (means {own_mean:.2f} for {clip_mean:.2f})"
    return told


# ---------------------------------------------------------------- heat map


def draw_map(found: Sequence[Outcome], path: Path, title: str) -> None:
    """Write the shares found and answered rightly, by way, length and depth, as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lengths = sorted({one.minutes for one in found})
    ways = list(dict.fromkeys(one.way for one in found))
    sheet = Figure((11.0, 0.7 + len(ways) * (0.45 + 0.24 * len(lengths))), layout="constrained")
    FigureCanvasAgg(sheet)
    sheet.suptitle(title)
    measures: tuple[tuple[str, Callable[[Outcome], bool]], ...] = (
        ("found", lambda one: one.found),
        ("answered rightly", lambda one: one.right),
    )
    panels = sheet.subplots(len(ways), 2, sharex=True, sharey=True, squeeze=False)
    for row, way in enumerate(ways):
        for column, (name, of) in enumerate(measures):
            shares = [
                [
                    _share([of(o) for o in found if (o.way, o.minutes, o.depth) == (way, minutes, depth)])
                    for depth in DEPTHS
                ]
                for minutes in lengths
            ]
            panel = panels[row, column]
            image = panel.imshow(shares, vmin=0, vmax=1, cmap="RdYlGn", aspect="auto")
            for (y, x), share in np.ndenumerate(np.array(shares)):
                if np.isfinite(share):
                    panel.text(x, y, f"{100 * share:.0f}", ha="center", va="center", fontsize=7)
            panel.set_title(f"{way}: {name}", fontsize=9)
            panel.set_yticks(range(len(lengths)), [f"{minutes:g} min" for minutes in lengths], fontsize=8)
            panel.set_xticks(range(len(DEPTHS)), [f"{100 * depth:.0f}" for depth in DEPTHS], fontsize=8)
    for panel in panels[-1]:
        panel.set_xlabel("depth, %")
    sheet.colorbar(image, ax=panels, label="share of needles", shrink=0.4)
    picture = io.BytesIO()
    sheet.savefig(picture, format="png", dpi=100, metadata={"Software": None})
    with whole_or_absent(path) as temporary:
        temporary.write_bytes(picture.getvalue())


def _share(values: Sequence[bool]) -> float:
    return float(np.mean(values)) if values else np.nan
