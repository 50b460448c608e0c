"""Stage 5, remembering: the memory's levels and keys, on long recordings laid of scenes that the frozen encoder heard.

The keys learn from evidence (InfoNCE: the segments and chapters that hold what a question asks for against the others),
and now and then the frozen language model answers from what would be read, so that chapters and the recording come to
mean something to it. Recordings begin at any time of a day, so every phase of the long harmonics is met in training.

Legend: B recordings, W windows, S segments, C chapters, N questions a recording, L words, F features.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spatial_lalm.errors import InputError
from spatial_lalm.memory.hierarchy import Remembered
from spatial_lalm.memory.questions import Memory, evidence_loss, similarity
from spatial_lalm.model.loading import SpatialLalm
from spatial_lalm.model.modeling import SpatialLalmForConditionalGeneration, new_memory
from spatial_lalm.simulation.questions.phrasings import Split
from spatial_lalm.train.config import MemoryStage
from spatial_lalm.train.loop import fit
from spatial_lalm.train.memory_answers import answer_loss
from spatial_lalm.train.memory_data import LongRecording, Takes, hear_takes
from spatial_lalm.train.memory_questions import Asker, EvidenceQuestion, LongEvent

Progress = Callable[[int, int], None]
Mask = NDArray[np.bool_]

CYCLE_S = 102.4
"""Longest period of a window's own harmonics: a start moved by whole cycles leaves them as they are."""
LONGEST_DAY_S = 27 * 3600.0
CLEAR_S = 0.5
"""A group that holds so much of an event, or half of it, holds evidence; one that holds less may or may not."""
VALIDATION_WINDOWS = (30, 90, 360)


def prepare(
    stage: MemoryStage,
    model: SpatialLalmForConditionalGeneration,
    scenes: Path,
    folder: Path,
    progress: Progress | None,
) -> None:
    """Hear the rendered scenes of ``scenes/validation`` and ``scenes/train`` into ``folder/...``."""
    hear_takes(model, scenes / "validation", folder / "validation", 1, None)
    hear_takes(model, scenes / "train", folder / "train", stage.data.takes, progress)


@dataclass(frozen=True)
class MemoryBatch:
    """Recordings of one length with their questions.

    ``tokens (B, W, Q, F)``, ``starts (B, W)``; ``words (B * N, L)`` token ids and their ``mask``; which groups hold
    evidence and which may: ``holds`` and ``unclear`` for segments ``(B, N, S)`` and chapters ``(B, N, C)``.
    """

    recordings: tuple[LongRecording, ...]
    questions: tuple[tuple[EvidenceQuestion, ...], ...]
    tokens: Tensor
    starts: Tensor
    words: Tensor
    mask: Tensor
    holds: tuple[Tensor, Tensor]
    unclear: tuple[Tensor, Tensor]


class Batches:
    """Makes batches of takes."""

    def __init__(self, stage: MemoryStage, takes: Takes, lalm: SpatialLalm, memory: Memory) -> None:
        if not takes.takes:
            raise InputError("no scene is as long as a window: give the language stage scenes of 4 s and more")
        self.stage, self.takes, self.lalm, self.config = stage, takes, lalm, memory.config

    def draw(
        self, rng: np.random.Generator, batch: int, windows: int | None = None, split: Split = "train",
        kind: str | None = None,
    ) -> MemoryBatch:  # fmt: skip
        """A batch of recordings of one length (drawn where None) and questions (of one ``kind`` where they fit)."""
        length = windows or int(rng.choice(self.stage.data.windows))
        recordings = tuple(self.takes.draw(rng, length, self.stage.data.rooms) for _ in range(batch))
        askers = [Asker(recording.events, recording.t60_s, rng, split) for recording in recordings]
        questions = tuple(tuple(asker.ask(kind) for _ in range(self.stage.data.questions)) for asker in askers)
        tokens = [np.concatenate([recording.hidden, recording.numbers], axis=-1) for recording in recordings]
        starts = np.stack([recording.starts_s for recording in recordings])
        latest = max(1, int((LONGEST_DAY_S - starts[0, -1]) / CYCLE_S))
        starts = starts + CYCLE_S * rng.integers(0, latest, (batch, 1))
        words, mask = encoded(self.lalm, [asked.text for one in questions for asked in one])
        sizes = self.config.segment_windows, self.config.segment_windows * self.config.chapter_segments
        marks = [[evidence_marks(r, q, size, self.takes.window_s) for r, q in zip(recordings, questions, strict=True)]
                 for size in sizes]  # fmt: skip
        holds, unclear = (
            tuple(torch.from_numpy(np.stack([one[which] for one in level])) for level in marks) for which in (0, 1)
        )
        return MemoryBatch(
            recordings, questions, torch.from_numpy(np.stack(tokens)), torch.from_numpy(starts).float(), words, mask,
            (holds[0], holds[1]), (unclear[0], unclear[1]),
        )  # fmt: skip


def encoded(lalm: SpatialLalm, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Token ids of questions ``(N, L)``, padded on the right, and where they are words."""
    rows = [lalm.processor.tokenizer.encode(text) for text in texts]
    longest = max(map(len, rows))
    ids = torch.full((len(rows), longest), int(lalm.processor.tokenizer.pad_token_id))
    mask = torch.zeros(len(rows), longest, dtype=torch.bool)
    for row, tokens in enumerate(rows):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        mask[row, : len(tokens)] = True
    return ids, mask


def evidence_marks(
    recording: LongRecording, questions: Sequence[EvidenceQuestion], size: int, window_s: float
) -> tuple[Mask, Mask]:
    """Which groups of ``size`` windows hold evidence of each question, and which may: two ``(N, groups)``."""
    groups = -(-len(recording.starts_s) // size)
    starts = np.arange(groups) * size * window_s
    ends = np.minimum(starts + size * window_s, len(recording.starts_s) * window_s)
    sure, touched = (np.zeros((len(recording.events), groups), bool) for _ in range(2))
    for number, event in enumerate(recording.events):
        shared = np.minimum(event.end_s, ends) - np.maximum(event.start_s, starts)
        sure[number] = shared >= _clear_s(event) - 1e-6
        touched[number] = shared > 0
    holds, unclear = (np.zeros((len(questions), groups), bool) for _ in range(2))
    for row, asked in enumerate(questions):
        if asked.room is not None:
            there = [recording.room[group * size : (group + 1) * size] == asked.room for group in range(groups)]
            holds[row], unclear[row] = ([bool(f(t)) for t in there] for f in (np.all, np.any))
        for events, marks in ((asked.events, sure), (asked.events, touched), (asked.unclear, touched)):
            target = holds if marks is sure else unclear
            target[row] |= marks[list(events)].any(0) if events else False
    return holds, unclear & ~holds


def _clear_s(event: LongEvent) -> float:
    return min(CLEAR_S, (event.end_s - event.start_s) / 2)


def keyed(memory: Memory, model: SpatialLalmForConditionalGeneration, batch: MemoryBatch) -> tuple[
    Remembered, tuple[Tensor, Tensor]
]:  # fmt: skip
    """What is remembered of a batch, and how well segments ``(B, N, S)`` and chapters ``(B, N, C)`` fit questions."""
    remembered = memory.hierarchy(batch.tokens, batch.starts)
    with torch.no_grad():
        embeddings = model.get_input_embeddings()(batch.words)
    asked = memory.question(embeddings, batch.mask).unflatten(0, (len(batch.tokens), -1))
    segments, chapters = memory.keys(remembered.segments, remembered.chapters)
    return remembered, (similarity(asked, segments), similarity(asked, chapters))


def train_memory(
    stage: MemoryStage, lalm: SpatialLalm, data_folder: Path, folder: Path, progress: Progress | None = None
) -> Memory:
    """Give a model a memory and fit it, everything else frozen; exact resume from ``folder``."""
    plan, model = stage.optimisation, lalm.model
    torch.manual_seed(plan.seed)
    model.config.memory_config = dict(stage.model)
    memory = model.memory = new_memory(model.config)
    model.requires_grad_(False)
    memory.requires_grad_(True)
    seen, held_out = (
        Batches(stage, Takes.open(data_folder / split, model), lalm, memory) for split in ("train", "validation")
    )

    def step_function(step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        rng = np.random.default_rng([plan.seed, step])
        batch = seen.draw(rng, plan.batch)
        remembered, scores = keyed(memory, model, batch)
        losses = [
            evidence_loss(score, holds, unclear, nothing, memory.scale)
            for score, holds, unclear, nothing in zip(scores, batch.holds, batch.unclear, memory.nothing, strict=True)
        ]
        report = {"segments": float(losses[0].detach()), "chapters": float(losses[1].detach())}
        loss = losses[0] + 0.5 * losses[1]
        if stage.answer_every and step % stage.answer_every == 0:
            answers = answer_loss(
                lalm, memory, batch.recordings, batch.questions, remembered, scores, batch.holds, stage.answers,
                stage.read_tokens, rng,
            )  # fmt: skip
            report["answers"] = float(answers.detach())
            loss = loss + 0.5 * answers
        return loss, report

    @torch.inference_mode()
    def validate() -> dict[str, float]:
        rng = np.random.default_rng(0)
        report: dict[str, float] = {}
        for windows in VALIDATION_WINDOWS:
            batch = held_out.draw(rng, 4, windows, "held_out")
            _, (scores, _) = keyed(memory, model, batch)
            report |= {f"{name}_{windows}": value for name, value in retrieval(scores, batch, memory).items()}
        return report

    fit(memory, plan, step_function, folder, validate, progress)
    model.eval()
    return memory


def retrieval(scores: Tensor, batch: MemoryBatch, memory: Memory, most: int = 5) -> dict[str, Any]:
    """Share of evidence among the best ``most`` segments (of as many as it can be), and of absences that are known."""
    holds, unclear = batch.holds[0], batch.unclear[0]
    best = scores.masked_fill(unclear, -torch.inf).topk(min(most, scores.shape[-1]), dim=-1).indices
    found, asked = holds.gather(-1, best).sum(-1), holds.any(-1)
    share = (found / holds.sum(-1).clamp(1, most))[asked].mean()
    absent = ~asked & ~unclear.any(-1)
    over = scores.amax(-1) > memory.nothing[0]
    return {f"recall@{most}": float(share), "present": float(over[asked].float().mean()),
            "absent": float((~over)[absent].float().mean()) if absent.any() else None}  # fmt: skip
