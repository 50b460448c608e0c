"""Which part of a long recording is read for a question: trained memory against simpler ways of the same budget.

Recordings are laid of simulated scenes that the model's own encoder heard (``train/memory_data.py``); what holds the
evidence is known. Every way may read ``BUDGET`` tokens, times included; told is the share of a question's evidence
segments that is read (of as many as there is room for).
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from budgets import AT_ONCE_S, random_rows, uniform_rows
from numpy.typing import NDArray

from spatial_lalm.audio.scene import CLASSES
from spatial_lalm.memory.reader import BUDGET, Detection, Groups, Sizes, choose, cosines, detected
from spatial_lalm.memory.segments import SegmentSummary
from spatial_lalm.model.grounding import SURE
from spatial_lalm.model.loading import SpatialLalm
from spatial_lalm.model.modeling import new_memory
from spatial_lalm.train import language_stage
from spatial_lalm.train.config import LanguageStage, MemoryData, MemoryStage, SceneData
from spatial_lalm.train.memory_data import LongRecording, Takes, hear_takes
from spatial_lalm.train.memory_questions import EvidenceQuestion, LongEvent, is_at
from spatial_lalm.train.memory_stage import Batches, MemoryBatch

Floats = NDArray[np.floating[Any]]
WAYS = ("memory", "keys alone", "index alone", "memory, surest only", "index, surest only", "mean keys", "uniform",
        "random", "no memory")  # fmt: skip
KINDS = ("sound", "side", "count", "order", "between", "room")
SEED = 77


@dataclass(frozen=True)
class Case:
    """One question about one recording: what is known of it."""

    recording: LongRecording
    asked: EvidenceQuestion
    question_K: Floats
    mean_S: Floats  # cosines of untrained mean keys
    segments: Groups
    chapters: Groups
    rng: np.random.Generator


def takes_for(model: SpatialLalm, scenes: int, folder: Path) -> Takes:
    """Takes of scenes that no training has seen, of the package's own sounds."""
    data = SceneData(scenes=1, validation=scenes, seed=SEED, duration_s=(4.0, 8.0), counts=(0.05, 0.37, 0.33, 0.25),
                     event_s=(0.8, 6.0), t60_s=(0.1, 1.5))  # fmt: skip
    order = model.processor.order
    language_stage.prepare(LanguageStage(data=data), order, None, folder / "scenes", 2, None)
    hear_takes(model.model, folder / "scenes" / "validation", folder / "takes", 1)
    return Takes.open(folder / "takes", model.model)


def right(asked: EvidenceQuestion, recording: LongRecording) -> list[Detection]:
    """Detections that a question asks for: of its class, in its place."""
    if asked.label is None:
        return []
    rows = recording.found[recording.found[:, 1] == CLASSES.index(asked.label)]
    found = []
    for _, _, start_s, end_s, confidence, azimuth, elevation in rows.tolist():
        event = LongEvent(asked.label, start_s, end_s, azimuth, np.nan_to_num(elevation), 1.0, "", 0, "full")
        if asked.place is None or np.isnan(azimuth) or is_at(asked.place, event):
            found.append(Detection(start_s, end_s, confidence))
    return found


def read_by(way: str, case: Case) -> Sequence[int]:
    """Rows of segments that a way reads, the best first."""
    sizes, segments = Sizes(), case.segments
    none = Groups(np.zeros(0), np.zeros(0))
    most = BUDGET // sizes.segment
    detections = right(case.asked, case.recording)
    if way.endswith("surest only"):
        detections = [one for one in detections if one.confidence >= SURE]
    if way.startswith(("memory", "keys")):
        detections = [] if way == "keys alone" else detections
        ranks = (cosines(case.question_K, g.keys, len(g)) + detected(g, detections) for g in (segments, case.chapters))
        return choose(segments, case.chapters, *ranks).ranked
    if way.startswith("index"):
        return choose(segments, none, detected(segments, detections), np.zeros(0)).ranked
    if way == "mean keys":
        return choose(segments, none, case.mean_S, np.zeros(0)).ranked
    if way == "uniform":
        return uniform_rows(len(segments), most)
    if way == "random":
        return random_rows(len(segments), most, case.rng)
    last = round(AT_ONCE_S / (segments.end_s[0] - segments.start_s[0]))
    return list(range(len(segments)))[-last:]


def recall(rows: Sequence[int], holds_S: NDArray[np.bool_], unclear_S: NDArray[np.bool_], most: int) -> float:
    """Share of the evidence among the first ``most`` rows read, of as much as these can hold."""
    read = [row for row in rows if not unclear_S[row]][:most]
    return float(holds_S[read].sum() / min(int(holds_S.sum()), most))


@torch.inference_mode()
def cases_of(model: SpatialLalm, batch: MemoryBatch, rng: np.random.Generator) -> list[Case]:
    """The questions of a batch with keys, untrained ones too."""
    memory = model.model.memory
    assert memory is not None
    made = memory.hierarchy(batch.tokens, batch.starts)
    keys = [one.double().numpy() for one in memory.keys(made.segments, made.chapters)]
    words = model.model.get_input_embeddings()(batch.words)
    asked_NK = memory.question(words, batch.mask).double().numpy()
    plain_NE = ((words * batch.mask[..., None]).sum(1) / batch.mask.sum(1, keepdim=True)).double().numpy()
    cases = []
    per_segment = memory.config.segment_windows
    window_s = float(batch.recordings[0].starts_s[1])
    for b, (recording, questions) in enumerate(zip(batch.recordings, batch.questions, strict=True)):
        levels = []
        for level, size in ((keys[0][b], per_segment), (keys[1][b], per_segment * memory.config.chapter_segments)):
            starts = np.arange(len(level)) * size * window_s
            levels.append(
                Groups(starts, np.minimum(starts + size * window_s, len(recording.starts_s) * window_s), level)
            )
        mean_SE = _mean_keys(model, recording, per_segment)
        for n, asked in enumerate(questions):
            at = b * len(questions) + n
            plain = plain_NE[at] / np.linalg.norm(plain_NE[at])
            cases.append(Case(recording, asked, asked_NK[at], mean_SE @ plain, levels[0], levels[1], rng))
    return cases


def _mean_keys(model: SpatialLalm, recording: LongRecording, size: int) -> Floats:
    """Unit means over segments of the tokens as the language model reads them ``(S, E)``."""
    summary = SegmentSummary(torch.from_numpy(recording.hidden), torch.from_numpy(recording.numbers))
    windows = model.model.multi_modal_projector(summary)
    rows = [windows[first : first + size].flatten(0, 1).mean(0) for first in range(0, len(windows), size)]
    means: Floats = torch.nn.functional.normalize(torch.stack(rows), dim=-1).double().numpy()
    return means


def retrieval(model: SpatialLalm, minutes: Sequence[float], scenes: int, recordings: int, questions: int) -> None:
    """Print the share of evidence that is read, by length and way, and by kind at the longest."""
    trained = model.model.memory is not None
    if not trained:
        print(f"{model.name} has no trained memory: the ways that need its keys are left out\n")
        model.model.memory = new_memory(model.model.config)
    ways = [way for way in WAYS if trained or not way.startswith(("memory", "keys"))]
    assert model.model.memory is not None
    stage = MemoryStage(data=MemoryData(questions=questions))
    told: dict[tuple[float, str], list[float]] = defaultdict(list)
    by_kind: dict[tuple[str, str], list[float]] = defaultdict(list)
    absent: list[bool] = []
    with tempfile.TemporaryDirectory() as name:
        batches = Batches(stage, takes_for(model, scenes, Path(name)), model, model.model.memory)
        rng = np.random.default_rng(SEED)
        for length in minutes:
            for _ in range(recordings):
                batch = batches.draw(rng, 1, round(length * 60 / batches.takes.window_s), "held_out")
                for n, case in enumerate(cases_of(model, batch, rng)):
                    holds, unclear = (marks[0][0, n].numpy() for marks in (batch.holds, batch.unclear))
                    if not holds.any():
                        best = cosines(case.question_K, case.segments.keys, len(case.segments)).max()
                        absent += [bool(best <= model.model.memory.nothing[0].item())] * (case.asked.kind == "absent")
                        continue
                    for way in ways:
                        share = recall(read_by(way, case), holds, unclear, BUDGET // Sizes().segment)
                        told[length, way].append(share)
                        by_kind[case.asked.kind, way].append(share)
    _print_table("minutes", [f"{length:g}" for length in minutes], ways, lambda row, way: told[minutes[row], way])
    kinds = [kind for kind in KINDS if (kind, ways[0]) in by_kind]
    _print_table("kind", kinds, ways, lambda row, way: by_kind[kinds[row], way])
    if trained and absent:
        print(f"never heard, and known so by the keys: {np.mean(absent):.0%} of {len(absent)}\n")


def _print_table(head: str, rows: Sequence[str], ways: Sequence[str], of: Callable[[int, str], list[float]]) -> None:
    print(f"| {head} | questions | {' | '.join(ways)} |\n|{'---|' * (2 + len(ways))}")
    for number, row in enumerate(rows):
        shares = " | ".join(f"{100 * np.mean(of(number, way)):.0f}" for way in ways)
        print(f"| {row} | {len(of(number, ways[0]))} | {shares} |", flush=True)
    print()
