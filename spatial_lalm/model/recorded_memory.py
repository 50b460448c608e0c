"""What the trained memory of a recorded file is asked: which segments a question points to, and what is read for it.

The keys in the file can only be compared with questions by the model that wrote them; another one, or one without a
memory, leaves the index of detected events to decide alone.

Legend: K width of keys, Q tokens, D width of the memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spatial_lalm.memory.reader import Detection, Groups, Sizes, cosines, read, scores
from spatial_lalm.memory.store import MemoryFile
from spatial_lalm.model.recorded import RecordedEvent

if TYPE_CHECKING:
    from spatial_lalm.model.loading import SpatialLalm
    from spatial_lalm.model.recorded import Recorded
    from spatial_lalm.model.recorded_scope import Limited

Floats = NDArray[np.floating[Any]]

MOST_POINTED = 10
"""Segments that a question points to at most."""
MOST_WINDOWS = 7
"""Windows that are read where there is no trained memory: as many as the language model was trained on."""


def wrote(recorded: Recorded, heard_by: SpatialLalm) -> bool:
    """Whether a model is the one that heard the file: another one cannot read its tokens and keys."""
    from spatial_lalm.model.analysis import model_digest

    return model_digest(heard_by) == str(recorded.notes["model"]["sha256"])


def question_vector(heard_by: SpatialLalm, question: str) -> Floats:
    """A question in the space of the keys ``(K,)``."""
    import torch

    memory = heard_by.model.memory
    assert memory is not None
    words = torch.tensor([heard_by.processor.tokenizer.encode(question)])
    with torch.inference_mode():
        embeddings = heard_by.model.get_input_embeddings()(words)
        vector: Floats = memory.question(embeddings, torch.ones_like(words, dtype=torch.bool))[0].double().numpy()
    return vector


def groups(file: MemoryFile, level: str) -> Groups:
    """The segments or chapters of a file."""
    tables = (file.table(f"{level}/{name}") for name in ("start_s", "end_s", "keys"))
    return Groups(*tables)


def sizes_of(heard_by: SpatialLalm) -> Sizes:
    """What a model's parts of a recording are in tokens; of one without a memory those of the reader."""
    memory, window = heard_by.model.memory, heard_by.model.config.audio_config.window_tokens
    if memory is None:
        return Sizes(window=window)
    config = memory.config
    return Sizes(config.recording_tokens, config.chapter_tokens, window, segment_windows=config.segment_windows)


def detections_of(events: Sequence[RecordedEvent]) -> list[Detection]:
    """Events as the reader's rule takes them."""
    return [Detection(e.evidence.start_s, e.evidence.end_s, e.evidence.confidence) for e in events]


def weaker(
    recorded: Recorded, question: str, doubtful: Sequence[RecordedEvent], heard_by: SpatialLalm
) -> tuple[RecordedEvent, ...]:
    """Those of some doubtful events that sound in segments which the question points to.

    A segment is pointed to where its cosine is above what the memory learned for things that were never heard, and it
    is among the best by the reader's rule.
    """
    memory = heard_by.model.memory
    if memory is None or not wrote(recorded, heard_by):
        return ()
    with MemoryFile(recorded.path) as file:
        segments = groups(file, "segments")
    vector = question_vector(heard_by, question)
    above = cosines(vector, segments.keys, len(segments)) > memory.nothing[0].item()
    order = np.argsort(-scores(segments, vector, detections_of(doubtful)), kind="stable")
    best = [row for row in order.tolist() if above[row]][:MOST_POINTED]
    spans = [(segments.start_s[row], segments.end_s[row]) for row in best]
    return tuple(e for e in doubtful if any(e.evidence.start_s < b and e.evidence.end_s > a for a, b in spans))


def said(recorded: Recorded, question: str, limits: Limited, heard_by: SpatialLalm) -> str:
    """What the language model says of what is read for a question; nothing where it did not hear the file."""
    if not wrote(recorded, heard_by):
        return ""
    if recorded.has_keys and heard_by.model.memory is not None:
        return _said_of_reading(recorded, question, limits, heard_by)
    return _said_of_windows(recorded, question, limits, heard_by)


def _said_of_reading(recorded: Recorded, question: str, limits: Limited, heard_by: SpatialLalm) -> str:
    """From the summaries of the recording and the best chapters and from the best segments, with their times."""
    import torch

    from spatial_lalm.model.reading import chapter_part, laid_out, recording_part, windows_part

    model, sizes = heard_by.model, sizes_of(heard_by)
    config = model.memory.config  # type: ignore[union-attr]
    with MemoryFile(recorded.path) as file, torch.inference_mode():
        segments, chapters = groups(file, "segments"), groups(file, "chapters")
        reading = read(segments, chapters, question_vector(heard_by, question), [], config.read_tokens, sizes,
                       (limits.start_s, limits.end_s))  # fmt: skip
        tokens = {name: torch.from_numpy(file.table(name)).float() for name in ("recording/tokens", "chapters/tokens")}
        windows = {name: file.table(f"windows/{name}") for name in ("start_s", "hidden", "numbers")}
        parts = [recording_part(model, tokens["recording/tokens"])]
        parts += [
            chapter_part(model, float(chapters.start_s[c]), tokens["chapters/tokens"][c]) for c in reading.chapters
        ]
        for row in reading.segments:
            own = slice(row * config.segment_windows, (row + 1) * config.segment_windows)
            hidden, numbers = (torch.from_numpy(windows[name][own]).float() for name in ("hidden", "numbers"))
            parts.append(windows_part(model, float(segments.start_s[row]), hidden, numbers))
        prompt, audio_tokens = laid_out(parts)
    return heard_by.say(question, audio_tokens, prompt)


def _said_of_windows(recorded: Recorded, question: str, limits: Limited, heard_by: SpatialLalm) -> str:
    """From the windows in which most sounds."""
    import torch

    from spatial_lalm.memory.segments import SegmentSummary

    with MemoryFile(recorded.path) as file:
        group = "windows" if file.version > 1 else "segments"
        starts = file.table(f"{group}/start_s")
        length = float(recorded.notes["window_s"])
        sound = [
            sum(max(0.0, min(e.evidence.end_s, s + length) - max(e.evidence.start_s, s)) for e in limits.events)
            for s in starts.tolist()
        ]
        rows = sorted(sorted(range(len(starts)), key=lambda row: -sound[row])[:MOST_WINDOWS])
        tokens = [torch.from_numpy(file.table(f"{group}/{name}")[rows]).float() for name in ("hidden", "numbers")]
    with torch.inference_mode():
        audio = heard_by.model.multi_modal_projector(SegmentSummary(*tokens)).flatten(0, 1)
    return heard_by.say(question, audio, heard_by.processor.audio_prompt([float(starts[row]) for row in rows]))
