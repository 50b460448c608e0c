"""How each kind of folder is scored: what is read, which metric, and under which names its values stand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.choices import PARSER
from spatial_lalm.evaluate.diarisation import DiarisationError, Turn, diarisation_error, read_rttm
from spatial_lalm.evaluate.events import Event, Tally, event_scores, read_events, segment_scores
from spatial_lalm.evaluate.files import FileProblem, Pair, Paired, pair_folders, read_text
from spatial_lalm.evaluate.folder_report import FolderOptions, FolderReport, Scores
from spatial_lalm.evaluate.items import read_answers, read_questions, score_items
from spatial_lalm.evaluate.metrics import Interval, bootstrap_interval
from spatial_lalm.evaluate.rooms import read_rooms, room_agreement
from spatial_lalm.evaluate.seld import AVERAGES, PROTOCOLS, SeldScorer
from spatial_lalm.evaluate.seld_tables import SeldReader, SeldTable
from spatial_lalm.evaluate.tracking import mean_scores, moments_of, track_scores
from spatial_lalm.evaluate.transcripts import word_errors

T = TypeVar("T")
Room = Mapping[str, float]
COLLAR_S = {"rttm": 0.0, "events": 0.2}
"""Default collars of the benchmarks that have one."""
FRAME_S = 0.1
RESAMPLES, FEWEST_RESAMPLES = 1000, 100


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


def score_seld(benchmark: str, reference: Path, predictions: Path, options: FolderOptions) -> FolderReport:
    """Sound event localisation and detection, every way of counting of the challenge."""
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


def score_energy_maps(benchmark: str, reference: Path, predictions: Path, options: FolderOptions) -> FolderReport:
    """Maps of energy by source and frame, over all recordings together."""
    from spatial_lalm.evaluate.energy_fields import EnergyScorer
    from spatial_lalm.evaluate.readers.energy_maps import EnergyMap, read_maps

    nothing: list[EnergyMap] = []
    readers = (_told(lambda path: list(read_maps(path))), lambda path: list(read_maps(path, scored=True)))
    paired = _left(pair_folders(reference, predictions, ".json", *readers, nothing))
    scorer = EnergyScorer(options.official)
    for pair in paired.pairs:
        scorer.add(pair.reference, pair.prediction)
    classes = {"macro": {str(name): [value] for name, value in scorer.by_class().items()}}
    scores = {"macro": scorer.scores()}
    return FolderReport(benchmark, options.official, len(paired.pairs), scores, paired.problems, classes)


def score_locations(benchmark: str, reference: Path, predictions: Path, options: FolderOptions) -> FolderReport:
    """Location-sensitive detection over all recordings together."""
    from spatial_lalm.evaluate.location import Detections, Sounding, detections
    from spatial_lalm.evaluate.readers.l3das import soundings

    nothing: list[Sounding] = []

    def read(path: Path) -> list[Sounding]:
        return soundings(path, benchmark)

    def read_prediction(path: Path) -> list[Sounding]:
        return soundings(path, benchmark) if read_text(path).strip() else []

    paired = _left(pair_folders(reference, predictions, ".csv", read, read_prediction, nothing))
    counts = (detections(pair.reference, pair.prediction, options.official) for pair in paired.pairs)
    scores = {"all": sum(counts, Detections()).scores()}
    return FolderReport(benchmark, options.official, len(paired.pairs), scores, paired.problems)


def score_rttm(benchmark: str, reference: Path, predictions: Path, options: FolderOptions) -> FolderReport:
    """Diarisation error of all recordings together."""
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


def score_events(benchmark: str, reference: Path, predictions: Path, options: FolderOptions) -> FolderReport:
    """Event-based and segment-based scores (segments of a second)."""
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


def score_transcripts(benchmark: str, reference: Path, predictions: Path, options: FolderOptions) -> FolderReport:
    """Word and character error rates of all recordings together."""

    def read(path: Path) -> str:
        return read_text(path).strip()

    paired = _left(pair_folders(reference, predictions, ".txt", _told(read), read, ""))
    told = [pair for pair in paired.pairs if pair.reference]
    errors = word_errors([pair.reference for pair in told], [pair.prediction for pair in told], options.official)
    scores = {"WER": errors.wer, "MER": errors.mer, "WIL": errors.wil, "CER": errors.cer}
    return FolderReport(benchmark, options.official, len(told), {"all": scores}, paired.problems)


def score_choices(benchmark: str, reference: Path, predictions: Path, options: FolderOptions) -> FolderReport:
    """Multiple choice over all files together."""
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


def score_tracking(benchmark: str, reference: Path, predictions: Path, options: FolderOptions) -> FolderReport:
    """Tracks of class and source, the mean over recordings."""
    readers = (SeldReader(benchmark, True), SeldReader(benchmark, False, coordinates=options.coordinates))
    paired = _left(pair_folders(reference, predictions, ".csv", *readers, SeldTable.empty()))
    found = []
    for pair in paired.pairs:
        frames = 1 + max(int(table.frames.max(initial=0)) for table in (pair.reference, pair.prediction))
        truth, said = (moments_of(table, frames) for table in (pair.reference, pair.prediction))
        found.append(track_scores(truth, said, FRAME_S, official=options.official))
    scores = {"all": mean_scores(found)}
    return FolderReport(benchmark, options.official, len(found), scores, paired.problems)


def score_rooms(benchmark: str, reference: Path, predictions: Path, options: FolderOptions) -> FolderReport:
    """Room properties over all recordings for which there is an estimate; those without are problems."""
    nothing: Mapping[str, Room] = {}
    paired = pair_folders(reference, predictions, ".csv", _told(read_rooms), read_rooms, nothing)
    problems = [problem for pair in paired.pairs for problem in _unmatched_rooms(pair, predictions / pair.name)]
    paired = _left(paired, problems)
    rooms = [
        (truth, pair.prediction[name])
        for pair in paired.pairs
        for name, truth in pair.reference.items()
        if truth.keys() <= pair.prediction.get(name, {}).keys()
    ]
    if not rooms:
        raise InputError(f"nothing can be scored: {paired.problems[0]}")
    if len({frozenset(truth) for truth, _ in rooms}) > 1:
        raise InputError(f"{reference}: its files have different columns; give each the same")
    said, due = ({name: [side[i][name] for side in rooms] for name in rooms[0][0]} for i in (1, 0))
    found = room_agreement(said, due, resamples=RESAMPLES if options.intervals else FEWEST_RESAMPLES)
    scores = {
        name: {"bias": one.bias, "MAE": one.mae.value, "median": one.median, "MSE": one.mse, "rho": one.rho.value}
        for name, one in found.items()
    }
    intervals = {f"{name} MAE": one.mae for name, one in found.items()} if options.intervals else {}
    return FolderReport(benchmark, False, len(rooms), scores, paired.problems, intervals=intervals)


def _unmatched_rooms(pair: Pair[Mapping[str, Room]], path: Path) -> list[FileProblem]:
    """Recordings of one file that only one side knows, and columns that the prediction at ``path`` lacks."""
    truth, said = pair.reference, pair.prediction
    if not truth or not said:
        return []
    columns = sorted(set().union(*truth.values()) - set().union(*said.values()))
    if columns:
        return [FileProblem(path, f"the header lacks {', '.join(columns)}", 1)]
    missing = [FileProblem(path, f"lacks an estimate for {name}", kind="missing") for name in truth if name not in said]
    extra = [name for name in said if name not in truth]
    return missing + [
        FileProblem(path, f"estimates {name}, which is no recording", kind="unexpected") for name in extra
    ]
