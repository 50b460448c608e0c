"""Tables of questions whose answers have many forms: SO-Bench, and long-audio QA as LongAudioBench has it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spatial_lalm.evaluate.benchmark import Direction, Item, Loaded, Number, Reader, Span
from spatial_lalm.evaluate.readers import truths
from spatial_lalm.evaluate.readers.gathering import Gathering, check_split
from spatial_lalm.evaluate.readers.rows import Row

SO_SPLITS = ("test", "val", "train")
LONG_SPLITS = ("test", "dev")


def read_so_bench(folder: Path, split: str) -> Loaded:
    """Gather ``qa/SPLIT.jsonl``; truths are ``canonical_answer`` by its form, or places of the only source."""
    gathered = Gathering(folder)
    table = gathered.table(f"qa/{check_split(split, SO_SPLITS)}.jsonl")
    gathered.each(table, lambda row: [_so_item(gathered, row)])
    return gathered.loaded()


def _so_item(gathered: Gathering, row: Row) -> Item:
    name = gathered.name(row, row.text("qa_id"))
    question, task = row.text("question"), row.label("task_type", "task_name")
    sources = row.values.get("source_refs") or []
    if not isinstance(sources, Sequence) or not all(isinstance(one, dict) for one in sources):
        raise row.problem("source_refs must be a list of objects")
    truth = _of_source(row, task, sources) or truths.free(row, row.get("canonical_answer", "answer"), task)
    audio = gathered.sound(row, row.text("audio_path"), gathered.folder, gathered.folder / "audio")
    recording = str(row.values.get("audio_id") or audio.relative_to(gathered.folder))
    return Item(name, (audio,), question, truth, recording, task, "foa", facts=_facts(row, sources))


def _of_source(row: Row, task: str, sources: Sequence[dict[str, Any]]) -> Direction | Number | None:
    """Where the only source is, for tasks whose canonical answer is its direction or distance in words or numbers."""
    words = task.lower()
    if len(sources) != 1 or isinstance(row.values.get("canonical_answer"), dict | list | bool):
        return None
    if "dist" in words and "comp" not in words:
        return truths.number(row, "distance", sources[0].get("distance_m"))
    if any(word in words for word in ("doa", "direction", "azimuth", "localization", "localisation")):
        return truths.direction(row, sources[0].get("azimuth_deg"), sources[0].get("elevation_deg"))
    return None


def _facts(row: Row, sources: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Numbers of the only source, and how many there are; each is checked for its unit."""
    for source in sources:
        if source.get("distance_m") is not None:
            truths.number(row, "distance", source["distance_m"])
        if source.get("azimuth_deg") is not None:
            truths.direction(row, source["azimuth_deg"], source.get("elevation_deg"))
    only = sources[0] if len(sources) == 1 else {}
    return truths.facts(
        sources=len(sources) or None,
        azimuth_deg=only.get("azimuth_deg"),
        elevation_deg=only.get("elevation_deg"),
        distance_m=only.get("distance_m"),
    )


def read_long_audio(folder: Path, split: str) -> Loaded:
    """Gather ``SPLIT`` as JSON, lines or a table: questions on minutes to hours, answers of any form."""
    gathered = Gathering(folder)
    table = gathered.one_table(check_split(split, LONG_SPLITS), f"qa/{split}")
    gathered.each(table, lambda row: [_long_item(gathered, row)], ("data", "annotations", "questions"))
    return gathered.loaded()


def _long_item(gathered: Gathering, row: Row) -> Item:
    name = gathered.name(row, row.text("id", "question_id", "qa_id", "uniq_id"))
    question, task = row.text("question"), row.label("task", "category", "task_name")
    options = row.values.get("choices") or row.values.get("options")
    answer = row.values.get("spans") or row.get("answer")
    truth = truths.free(row, answer, f"{task} {question}", options)
    named = row.text("audio", "audio_path", "path")
    audio = gathered.sound(row, named, gathered.folder, gathered.folder / "audio")
    start, end = (_moment(row, key) for key in ("start_s", "end_s"))
    heard = [part[1] for part in truth.parts_s] if isinstance(truth, Span) else []
    gathered.within(row, audio, max([start or 0.0, end or 0.0, *heard]))
    return Item(name, (audio,), question, truth, str(audio.relative_to(gathered.folder)), task,
                start_s=start or 0.0, end_s=end)  # fmt: skip


def _moment(row: Row, key: str) -> float | None:
    return None if row.values.get(key) is None else row.amount(0.0, truths.LONGEST_S, "s", key)


SO_BENCH = Reader("so-bench", SO_SPLITS, "qa/SPLIT.jsonl beside the audio that audio_path names; FOA", read_so_bench)
LONG_AUDIO = Reader(
    "long-audio-qa", LONG_SPLITS, "SPLIT.jsonl, .json, .csv, .tsv or .parquet beside audio/; mono", read_long_audio
)
