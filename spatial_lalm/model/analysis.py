"""Analysing a recording of any length: part by part into sealed files, and all of them into one memory file.

A part is a minute: fifteen windows, heard as one batch on one thread, so that a part's file depends on nothing but the
sound and the plan (model, format, views). Several parts are heard at a time while the next is read. A run that is
killed leaves the parts that are sealed; the next one hears the others. The timeline and the rooms are made of the parts
as they lie on the disk, so a run that was interrupted gives the very bytes of one that was not.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from spatial_lalm import __version__
from spatial_lalm.audio.features import RATE
from spatial_lalm.audio.plausibility import LONGEST_S
from spatial_lalm.audio.recording import Recording
from spatial_lalm.audio.resampling import resampled_length
from spatial_lalm.errors import InputError
from spatial_lalm.memory.store import MemoryFile, write_memory
from spatial_lalm.model.hearing import spatial_kind
from spatial_lalm.model.memory_tables import merged_tables, part_tables
from spatial_lalm.model.processing import FRAME, SHORTEST_S
from spatial_lalm.model.remembering import remembered_tables
from spatial_lalm.model.streaming import Window, WindowStream, hear_windows, windows_in

if TYPE_CHECKING:
    from spatial_lalm.model.answers import Answer
    from spatial_lalm.model.loading import SpatialLalm

Samples = NDArray[np.float32]
Progress = Callable[[float, float], object]

PART_WINDOWS = 15
BLOCK_S = 10.0
"""Seconds read at once; parts begin at whole blocks, so that resampling meets the same pieces wherever a run begins."""
VIEWS = 4
"""Views that hearing is averaged over (half the cost of the eight for single questions)."""


@dataclass(frozen=True)
class Plan:
    """All that an analysis depends on: what is heard, by what, and how.

    ``notes`` are the provenance that the memory file keeps; their digest tells parts of other plans apart.
    """

    recording: Recording
    heard_by: SpatialLalm
    views: int
    start_s: float
    end_s: float
    quality: Samples
    notes: dict[str, Any]

    @property
    def digest(self) -> str:
        """SHA-256 of the notes."""
        return hashlib.sha256(json.dumps(self.notes, sort_keys=True).encode()).hexdigest()

    @property
    def samples(self) -> int:
        """Samples at 16 kHz, rounded as ``Recording.ambisonic_blocks`` rounds them."""
        return max(1, self._sample(self.end_s) - self._sample(self.start_s))

    def _sample(self, moment_s: float) -> int:
        if moment_s >= self.recording.duration_s:
            return resampled_length(self.recording.frames, self.recording.rate)
        return round(round(moment_s * self.recording.rate) * RATE / self.recording.rate)


def plan_analysis(
    heard_by: SpatialLalm, recording: Recording, views: int = VIEWS, start_s: float = 0.0, end_s: float | None = None
) -> Plan:
    """Look at the recording's first half minute and settle what is heard, and what is assumed.

    ``InputError`` for a part that is not in the recording or shorter than half a second.
    """
    end = recording.duration_s if end_s is None else end_s
    if 0 < end - start_s < SHORTEST_S:
        raise InputError(
            f"{recording.name}: {end - start_s:.2g} s are to be heard; at least {SHORTEST_S:g} s are needed"
        )
    recording.blocks(BLOCK_S, start_s, end_s)  # refuses what is no part of the recording
    recording.ambisonics(start_s, end if end - start_s <= LONGEST_S else start_s + LONGEST_S)  # for its doubts
    order, doubt = heard_by.order_read(recording), recording.doubt
    quality = recording.quality(order)
    if doubt is not None and doubt.flat:
        quality[1:] = 0.0
    array = recording.format.array
    notes = {
        "generator": f"spatial-lalm {__version__}",
        "audio": {
            "name": recording.path.name if recording.path else "samples in memory",
            "sha256": recording_digest(recording),
            "rate": recording.rate,
            "channels": recording.channels,
            "frames": recording.frames,
            "duration_s": recording.duration_s,
        },
        "format": str(recording.format),
        "array": None if array is None else {"name": array.name, "sha256": array.digest},
        "assumed": list(recording.assumed),
        "doubt": None if doubt is None else asdict(doubt),
        "spatial": spatial_kind(quality[:4]),
        "order": order,
        "model": {"name": heard_by.name, "sha256": model_digest(heard_by)},
        "voices": None if heard_by.voices is None else {"sha256": heard_by.voices.digest},
        "classes": list(heard_by.model.config.audio_config.classes),
        "views": views,
        "start_s": start_s,
        "end_s": end,
        "window_s": heard_by.processor.window_frames * FRAME / RATE,
        "torch": torch.__version__.split("+")[0],
    }
    return Plan(recording, heard_by, views, start_s, end, quality, notes)


def recording_digest(recording: Recording) -> str:
    """SHA-256 of a recording's file, or of its samples in memory."""
    if recording.path is None:
        total = hashlib.sha256()
        for block in recording.blocks():
            total.update(block.tobytes())
        return total.hexdigest()
    with recording.path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def model_digest(heard_by: SpatialLalm) -> str:
    """SHA-256 over what a model hears with: its classes, the length of its windows, its memory and its weights."""
    audio = heard_by.model.config.audio_config
    total = hashlib.sha256(json.dumps([list(audio.classes), audio.segment_frames]).encode())
    if (sizes := heard_by.model.config.memory_config) is not None:
        total.update(json.dumps(sizes, sort_keys=True).encode())
    for name, weights in sorted(heard_by.model.state_dict().items()):
        total.update(name.encode())
        total.update(weights.reshape(-1).view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


def analyse(plan: Plan, out: Path, workers: int = 2, progress: Progress = lambda done, total: None) -> None:
    """Hear all of a plan and seal the memory file ``out``; parts of an earlier run with the same plan are kept.

    Args:
        plan: what is heard.
        out: the file; parts lie in the folder ``out`` + ``.parts`` until it is sealed.
        workers: threads that hear; they change no byte.
        progress: told seconds of sound, done and in all.
    """
    folder = out.with_name(out.name + ".parts")
    folder.mkdir(exist_ok=True)
    windows = windows_in(plan.samples, plan.heard_by.processor.window_frames)
    parts = range(-(-windows // PART_WINDOWS))
    missing = [part for part in parts if not _is_sealed(_part_path(folder, part), plan.digest)]
    part_s = PART_WINDOWS * plan.notes["window_s"]
    length_s = plan.samples / RATE
    done = [len(parts) - len(missing)]

    def tell() -> None:
        progress(min(done[0] * part_s, length_s), length_s)

    def finished() -> None:
        done[0] += 1
        tell()

    tell()
    _hear_parts(plan, folder, missing, len(parts), workers, finished)
    tables = merged_tables([_part_path(folder, part) for part in parts], plan.notes, plan.heard_by.voices)
    if (memory := plan.heard_by.model.memory) is not None:
        starts_s, hidden, numbers = (tables[f"windows/{name}"] for name in ("start_s", "hidden", "numbers"))
        tables |= remembered_tables(memory, starts_s, hidden, numbers, plan.notes["window_s"])
    write_memory(out, tables, plan.notes | {"plan": plan.digest})
    shutil.rmtree(folder)


def _part_path(folder: Path, part: int) -> Path:
    return folder / f"part_{part:05d}.h5"


def _is_sealed(path: Path, digest: str) -> bool:
    """Whether a part of this plan lies whole in the folder."""
    if not path.exists():
        return False
    try:
        with MemoryFile(path) as file:
            file.check()
            return bool(file.notes["plan"] == digest)
    except (InputError, KeyError):
        return False


def _hear_parts(
    plan: Plan, folder: Path, missing: list[int], parts: int, workers: int, finished: Callable[[], None]
) -> None:
    """Hear the missing parts, a few at a time, each sealed as soon as it is heard."""
    threads = torch.get_num_threads()
    running: deque[Future[None]] = deque()
    pool = ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,))
    try:
        for part, windows in _read_parts(plan, missing, parts):
            running.append(pool.submit(_hear_part, plan, _part_path(folder, part), windows))
            while len(running) > workers:
                running.popleft().result()
                finished()
        while running:
            running.popleft().result()
            finished()
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)


def _hear_part(plan: Plan, path: Path, windows: list[Window]) -> None:
    heard = hear_windows(plan.heard_by, windows, plan.quality, plan.views, plan.start_s)
    write_memory(path, part_tables(heard), {"plan": plan.digest})


def _read_parts(plan: Plan, missing: list[int], parts: int) -> Iterator[tuple[int, list[Window]]]:
    """The windows of the missing parts, one part after the other."""
    for _, run in groupby(enumerate(missing), key=lambda item: item[1] - item[0]):
        numbers = [part for _, part in run]
        yield from _read_run(plan, numbers[0], numbers[-1], parts)


def _read_run(plan: Plan, first: int, last: int, parts: int) -> Iterator[tuple[int, list[Window]]]:
    """Windows of parts ``first`` to ``last``: read from a block earlier on, for the windows reach back and ahead."""
    frames = plan.heard_by.processor.window_frames
    part_s = PART_WINDOWS * frames * FRAME / RATE
    begins_s = max(0.0, first * part_s - BLOCK_S)
    to_the_end = last == parts - 1
    end_s = plan.end_s if to_the_end else min(plan.end_s, plan.start_s + (last + 1) * part_s + BLOCK_S)
    stream = WindowStream(frames, round(begins_s * RATE), first * PART_WINDOWS)
    part, waiting = first, []
    for block in _blocks(plan, plan.start_s + begins_s, end_s):
        waiting += stream.push(block)
        while part <= last and len(waiting) >= PART_WINDOWS:
            yield part, waiting[:PART_WINDOWS]
            part, waiting = part + 1, waiting[PART_WINDOWS:]
    if to_the_end:
        waiting += stream.flush()
        while waiting:
            yield part, waiting[:PART_WINDOWS]
            part, waiting = part + 1, waiting[PART_WINDOWS:]


def _blocks(plan: Plan, start_s: float, end_s: float | None) -> Iterator[Samples]:
    return plan.recording.ambisonic_blocks(BLOCK_S, start_s, end_s, int(plan.notes["order"]))


def ask_long(
    heard_by: SpatialLalm,
    recording: Recording,
    question: str,
    start_s: float = 0.0,
    end_s: float | None = None,
    progress: Progress = lambda done, total: None,
) -> Answer:
    """Analyse a recording of any length, answer one question from it, and keep nothing."""
    from spatial_lalm.model.loading import one_question
    from spatial_lalm.model.recorded import Recorded

    one_question(question)  # refused before anything is heard
    plan = plan_analysis(heard_by, recording, start_s=start_s, end_s=end_s)
    with tempfile.TemporaryDirectory(prefix="spatial_lalm_") as folder:
        out = Path(folder) / "heard.h5"
        analyse(plan, out, progress=progress)
        return Recorded.open(out).ask(question, lambda: heard_by)
