"""The language model's part in training the memory: it stays as it is, and answers from what would be read.

Legend: B recordings, N questions of each, S segments, C chapters.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from spatial_lalm.audio.scene import Room, Scene, SourceEvent
from spatial_lalm.audio.telling import absence, tell
from spatial_lalm.memory.hierarchy import Remembered
from spatial_lalm.memory.questions import Memory
from spatial_lalm.memory.reader import Groups, Reading, Sizes, choose
from spatial_lalm.memory.segments import FRAME_RATE
from spatial_lalm.model.loading import SpatialLalm
from spatial_lalm.model.reading import Part, chapter_part, laid_out, recording_part, windows_part
from spatial_lalm.simulation.questions import QuestionAnswer
from spatial_lalm.train.language_stage import Collator
from spatial_lalm.train.memory_data import LongRecording
from spatial_lalm.train.memory_questions import EvidenceQuestion, LongEvent

EVIDENCE_FIRST = 10.0
"""Added to the score of what holds evidence, so that an answer is learned from what tells it."""


def answer_loss(
    lalm: SpatialLalm,
    memory: Memory,
    recordings: tuple[LongRecording, ...],
    questions: tuple[tuple[EvidenceQuestion, ...], ...],
    remembered: Remembered,
    scores: tuple[Tensor, Tensor],
    holds: tuple[Tensor, Tensor],
    answers: int,
    budget: int,
    rng: np.random.Generator,
) -> Tensor:
    """Cross-entropy of canonical answers to some of the questions, each read within a budget; 0 where none has one.

    ``scores`` and ``holds`` are those of segments ``(B, N, S)`` and chapters ``(B, N, C)``.
    """
    fitting = [(b, n) for b, asked in enumerate(questions) for n, one in enumerate(asked) if one.book]
    if not fitting:
        return remembered.segments.sum() * 0
    chosen = [fitting[i] for i in rng.permutation(len(fitting))[:answers]]
    collate = Collator(lalm.processor, 1)
    rows, audio = [], []
    for b, n in chosen:
        ranks = [(score[b, n] + EVIDENCE_FIRST * hold[b, n]).detach().numpy() for score, hold in
                 zip(scores, holds, strict=True)]  # fmt: skip
        prompt, tokens = laid_out(_parts(lalm, memory, recordings[b], remembered, b, ranks, budget))
        rows.append(collate.tokens(prompt, _answered(questions[b][n], recordings[b])))
        audio.append(tokens)
    ids, mask, labels = collate.pad(rows)
    embeddings = lalm.model.insert_audio(ids, torch.cat(audio))
    loss: Tensor = lalm.model(inputs_embeds=embeddings, attention_mask=mask, labels=labels).loss
    return loss


def _parts(
    lalm: SpatialLalm,
    memory: Memory,
    recording: LongRecording,
    remembered: Remembered,
    row: int,
    ranks: list[np.ndarray],
    budget: int,
) -> list[Part]:
    """What is read of one recording of the batch."""
    config, model = memory.config, lalm.model
    audio = model.config.audio_config
    sizes = Sizes(config.recording_tokens, config.chapter_tokens, audio.window_tokens,
                  segment_windows=config.segment_windows)  # fmt: skip
    window_s, windows = audio.segment_frames / FRAME_RATE, len(recording.starts_s)
    per_chapter = config.segment_windows * config.chapter_segments
    segments, chapters = (_groups(windows, size, window_s) for size in (config.segment_windows, per_chapter))
    reading: Reading = choose(segments, chapters, ranks[0], ranks[1], budget, sizes)
    parts = [recording_part(model, remembered.state.recording[row])]
    parts += [chapter_part(model, float(chapters.start_s[c]), remembered.chapters[row, c]) for c in reading.chapters]
    for segment in reading.segments:
        own = slice(segment * config.segment_windows, (segment + 1) * config.segment_windows)
        tokens = (torch.from_numpy(values[own]) for values in (recording.hidden, recording.numbers))
        with torch.no_grad():
            parts.append(windows_part(model, float(segments.start_s[segment]), *tokens))
    return parts


def _groups(windows: int, size: int, window_s: float) -> Groups:
    starts = np.arange(0, windows, size) * window_s
    return Groups(starts, np.minimum(starts + size * window_s, windows * window_s))


def _answered(asked: EvidenceQuestion, recording: LongRecording) -> QuestionAnswer:
    """The question with its canonical answer."""
    if asked.book == "absent" or asked.label is None:
        return QuestionAnswer("absent", asked.text, absence(asked.label or ""), True, asked.label)
    assert asked.book is not None
    events = [recording.events[i] for i in asked.events]
    spatial = events[0].spatial
    kind = "mono_direction" if asked.book == "where" and spatial == "none" else asked.book
    told = tell(_scene(events), kind, asked.label, spatial)
    return QuestionAnswer(kind, asked.text, told, kind == "mono_direction", asked.label)


def _scene(events: list[LongEvent]) -> Scene:
    """The events as a scene graph, so that one grammar tells them; its room is told of by nobody."""
    sources = []
    for event in events:
        place = (event.azimuth_deg, event.elevation_deg, event.distance_m)
        sources.append(SourceEvent(event.label, event.start_s, event.end_s, (place,), (True,), speaker=event.source))
    return Scene(
        events[-1].end_s, 16_000, 1, Room((5.0, 4.0, 3.0), (0.2,) * 6), (2.0, 2.0, 1.5), tuple(sources), None, 0.0, 0
    )
