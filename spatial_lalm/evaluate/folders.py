"""Scoring folders of predictions against folders of references: one report for every benchmark that has files.

=============== ============================================== =====================================================
benchmark       files, of the same names on both sides         scores
=============== ============================================== =====================================================
dcase2022..2025 ``.csv``, see ``seld_tables``                  ``macro/...`` and ``micro/...``, see ``seld``
rttm            ``.rttm``                                      ``DER``, ``missed``, ``false_alarm``, ``confusion``
events          ``.txt``, rows ``onset<TAB>offset<TAB>label``  ``F1``, ``precision``, ``recall``
transcripts     ``.txt``, the words said                       ``WER``, ``MER``, ``WIL``, ``CER``
choices         ``.json`` or ``.jsonl``, see ``items``         ``accuracy``, ``chance``, ``unparsed`` (share)
=============== ============================================== =====================================================
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.choices import PARSER
from spatial_lalm.evaluate.diarisation import DiarisationError, Turn, diarisation_error, read_rttm
from spatial_lalm.evaluate.events import Event, Tally, event_scores, read_events, segment_scores
from spatial_lalm.evaluate.files import FileProblem, Paired, pair_folders, read_text
from spatial_lalm.evaluate.items import read_answers, read_questions, score_items
from spatial_lalm.evaluate.metrics import Interval, bootstrap_interval
from spatial_lalm.evaluate.seld import AVERAGES, PROTOCOLS, SeldScorer
from spatial_lalm.evaluate.seld_tables import UNITS, Coordinates, SeldReader, SeldTable, Unit
from spatial_lalm.evaluate.transcripts import word_errors

T = TypeVar("T")
Scores = dict[str, dict[str, float]]
COLLAR_S = {"rttm": 0.0, "events": 0.2}
"""Default collars of the benchmarks that have one."""


@dataclass(frozen=True)
class FolderOptions:
    """How folders are scored; None is the benchmark's own."""

    official: bool = False
    reference_unit: Unit | None = None
    prediction_unit: Unit | None = None
    coordinates: Coordinates = "polar"
    collar_s: float | None = None
    intervals: bool = False


@dataclass(frozen=True)
class FolderReport:
    """Scores by way of counting and key, of every class likewise, intervals of the first way, and every problem."""

    benchmark: str
    official: bool
    recordings: int
    scores: Scores
    problems: tuple[FileProblem, ...] = ()
    classes: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    intervals: dict[str, Interval] = field(default_factory=dict)
    parser: str = ""

    def document(self) -> dict[str, Any]:
        """The report as JSON values: what is undefined is null."""
        problems = [{"file": p.path, "row": p.row, "rule": p.rule, "kind": p.kind} for p in self.problems]
        counts = Paired[Any]((), self.problems).counts
        told = {
            "benchmark": self.benchmark,
            "official": self.official,
            "recordings": self.recordings,
            "scores": self.scores,
            "intervals": {key: asdict(interval) for key, interval in self.intervals.items()},
            "classes": self.classes,
            "problems": counts,
            "problem_list": problems,
        }
        plain: dict[str, Any] = _plain(told | ({"parser": self.parser} if self.parser else {}))
        return plain


def _plain(value: Any) -> Any:
    """NaN and infinity as None, numpy's numbers as Python's."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(one) for one in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return value


def score_folders(
    benchmark: str, reference: Path, predictions: Path, options: FolderOptions = FolderOptions()
) -> FolderReport:
    """Score a folder; whoever calls decides whether ``problems`` are to be borne.

    What could not be read counts against the prediction (see ``pair_folders``) and stands in ``problems``.

    Raises:
        InputError: an unknown benchmark, an option that it does not have, a folder without files, nothing to score.
    """
    if benchmark not in BENCHMARKS:
        raise InputError(f"benchmark {benchmark} is unknown; known are {', '.join(BENCHMARKS)}")
    _refuse_idle_options(benchmark, options)
    return BENCHMARKS[benchmark](benchmark, reference, predictions, options)


def _refuse_idle_options(benchmark: str, options: FolderOptions) -> None:
    seld = benchmark in PROTOCOLS
    idle = {
        "official": options.official and benchmark in COLLAR_S,
        "reference unit": options.reference_unit is not None and benchmark not in UNITS,
        "prediction unit": options.prediction_unit is not None and benchmark not in UNITS,
        "coordinates": options.coordinates != "polar" and not (seld and benchmark != "dcase2025"),
        "collar": options.collar_s is not None and benchmark not in COLLAR_S,
        "intervals": options.intervals and not (seld or benchmark == "choices"),
    }
    for name, given in idle.items():
        if given:
            raise InputError(f"{name}: {benchmark} has no such variant; leave it out")


def _left(paired: Paired[T], problems: Iterable[FileProblem] = ()) -> Paired[T]:
    """What can be scored; ``InputError`` where nothing can."""
    found = (*paired.problems, *problems)
    if not paired.pairs:
        raise InputError(f"nothing can be scored: {found[0]}")
    return Paired(paired.pairs, found)


def _told(read: Callable[[Path], T]) -> Callable[[Path], T]:
    """A reader of references that refuses empty ones."""

    def read_told(path: Path) -> T:
        found = read(path)
        if not found:
            raise FileProblem(
                path, "the reference is empty: whether nothing was there or it broke off, none can tell", 1, "empty"
            )
        return found

    return read_told


# ---------------------------------------------------------------- benchmarks


def _score_seld(benchmark: str, reference: Path, predictions: Path, options: FolderOptions) -> FolderReport:
    readers = (
        SeldReader(benchmark, True, options.reference_unit),
        SeldReader(benchmark, False, options.prediction_unit, options.coordinates),
    )
    paired = _left(pair_folders(reference, predictions, ".csv", *readers, SeldTable.empty()))
    scores: Scores = {}
    classes: dict[str, dict[str, list[Any]]] = {}
    intervals: dict[str, Interval] = {}
    for name in PROTOCOLS[benchmark]:
        scorer = SeldScorer(paired.pairs, benchmark, name, options.official)
        for average in AVERAGES:
            found = scorer.scores(average)
            scores[f"{average}/{name}"] = found.values
            if found.by_class:
                classes[f"{average}/{name}"] = {key: row.tolist() for key, row in found.by_class.items()}
        if options.intervals and not intervals:
            intervals = scorer.intervals()
    return FolderReport(benchmark, options.official, len(paired.pairs), scores, paired.problems, classes, intervals)


def _score_rttm(benchmark: str, reference: Path, predictions: Path, options: FolderOptions) -> FolderReport:
    nothing: dict[str, tuple[Turn, ...]] = {}
    paired = pair_folders(reference, predictions, ".rttm", _told(read_rttm), read_rttm, nothing)
    strangers = [
        FileProblem(predictions / pair.name, f"recording {name} is not in the reference", kind="unexpected")
        for pair in paired.pairs
        for name in pair.prediction.keys() - pair.reference.keys()
        if pair.reference
    ]
    paired = _left(paired, strangers)
    collar = COLLAR_S["rttm"] if options.collar_s is None else options.collar_s
    sides = [
        (pair.reference.get(name, ()), pair.prediction.get(name, ()))
        for pair in paired.pairs
        for name in sorted(pair.reference or pair.prediction)
    ]
    total = sum((diarisation_error(*side, collar) for side in sides), DiarisationError(0.0, 0.0, 0.0, 0.0))
    if not total.speech_s:
        raise InputError(f"{reference}: no speech is left to be scored")
    parts = {"missed": total.missed_s, "false_alarm": total.false_alarm_s, "confusion": total.confusion_s}
    scores = {"DER": total.rate} | {key: seconds / total.speech_s for key, seconds in parts.items()}
    return FolderReport(benchmark, False, len(sides), {"all": scores}, paired.problems)


def _score_events(benchmark: str, reference: Path, predictions: Path, options: FolderOptions) -> FolderReport:
    nothing: tuple[Event, ...] = ()
    paired = _left(pair_folders(reference, predictions, ".txt", _told(read_events), read_events, nothing))
    collar = COLLAR_S["events"] if options.collar_s is None else options.collar_s
    sides = [(pair.reference, pair.prediction) for pair in paired.pairs]
    scores: Scores = {}
    classes: dict[str, dict[str, list[Any]]] = {}
    for name, found in (("event", event_scores(sides, collar)), ("segment", segment_scores(sides))):
        scores[f"micro/{name}"] = _tally(found.micro)
        scores[f"macro/{name}"] = {"F1": found.macro_f1}
        classes[f"macro/{name}"] = {label: [tally.f1] for label, tally in found.by_class.items()}
    return FolderReport(benchmark, False, len(paired.pairs), scores, paired.problems, classes)


def _tally(tally: Tally) -> dict[str, float]:
    return {"F1": tally.f1, "precision": tally.precision, "recall": tally.recall}


def _score_transcripts(benchmark: str, reference: Path, predictions: Path, options: FolderOptions) -> FolderReport:
    def read(path: Path) -> str:
        return read_text(path).strip()

    paired = _left(pair_folders(reference, predictions, ".txt", _told(read), read, ""))
    told = [pair for pair in paired.pairs if pair.reference]
    errors = word_errors([pair.reference for pair in told], [pair.prediction for pair in told], options.official)
    scores = {"WER": errors.wer, "MER": errors.mer, "WIL": errors.wil, "CER": errors.cer}
    return FolderReport(benchmark, options.official, len(told), {"all": scores}, paired.problems)


def _score_choices(benchmark: str, reference: Path, predictions: Path, options: FolderOptions) -> FolderReport:
    nothing: Mapping[str, Any] = {}
    paired = pair_folders(reference, predictions, ".json*", _told(read_questions), read_answers, nothing)
    told = [score_items(predictions / p.name, p.reference, p.prediction, options.official) for p in paired.pairs]
    # A file that is missing as a whole is one problem, not one for each of its questions.
    items = [p for pair, (_, found) in zip(paired.pairs, told, strict=True) if pair.prediction for p in found]
    paired = _left(paired, items)
    scored = [one for found, _ in told for one in found]
    right = [float(one.right) for one in scored]
    scores = {
        "accuracy": float(np.mean(right)),
        "chance": float(np.mean([1 / one.options for one in scored])),
        "unparsed": float(np.mean([one.choice is None for one in scored])),
    }
    intervals = {"accuracy": bootstrap_interval(right)} if options.intervals else {}
    return FolderReport(
        benchmark, options.official, len(scored), {"all": scores}, paired.problems, intervals=intervals, parser=PARSER
    )


BENCHMARKS: dict[str, Callable[[str, Path, Path, FolderOptions], FolderReport]] = {
    **dict.fromkeys(PROTOCOLS, _score_seld),
    "rttm": _score_rttm,
    "events": _score_events,
    "transcripts": _score_transcripts,
    "choices": _score_choices,
}
