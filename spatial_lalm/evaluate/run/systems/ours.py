"""Our model: asked in its own words, a recording heard once for all its questions; long ones are analysed first."""

from __future__ import annotations

import fcntl
import hashlib
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spatial_lalm.audio.recording import Recording
from spatial_lalm.evaluate.benchmark import Item, Tracks
from spatial_lalm.evaluate.run.responses import Reading, Response, part_of
from spatial_lalm.evaluate.run.told import READOUT, confidence, read_answer
from spatial_lalm.model.loading import SHIPPED, Samples, SpatialLalm, load_model
from spatial_lalm.model.question import read_question

if TYPE_CHECKING:
    from torch import Tensor

    from spatial_lalm.model.answers import Answer
    from spatial_lalm.model.hearing import Heard

REMEMBERED = 4
"""Sound fields whose hearing is kept: as many as questions go back and forth between."""
ANSWERS = 4096
"""Answers that are kept for when the same question comes again, as it does under controls of the options."""


@dataclass(frozen=True)
class Remembering(SpatialLalm):
    """A model that hears equal sound fields once: hearing is most of the time that a question takes."""

    _memory: OrderedDict[bytes, tuple[Heard, Tensor, list[float]]] = field(default_factory=OrderedDict)

    def _listen(
        self, signals: Samples, quality: Samples | None, offset_s: float = 0.0
    ) -> tuple[Heard, Tensor, list[float]]:
        key = hashlib.blake2b(signals.tobytes(), digest_size=16)
        key.update(b"" if quality is None else quality.tobytes())
        key.update(f"{signals.shape}{offset_s}".encode())
        if key.digest() not in self._memory:
            self._memory[key.digest()] = super()._listen(signals, quality, offset_s)
            if len(self._memory) > REMEMBERED:
                self._memory.popitem(last=False)
        return self._memory[key.digest()]


@lru_cache(maxsize=1)
def loaded(source: str | None) -> Remembering:
    """The model of a folder (None: the shipped one), once a process."""
    model = load_model(source)
    return Remembering(**{own.name: getattr(model, own.name) for own in fields(model)})


@lru_cache(maxsize=1)
def answered(source: str | None) -> OrderedDict[Hashable, Answer]:
    """What the model has answered about sounds as their files have them, the latest ``ANSWERS``, in this process."""
    return OrderedDict()


@dataclass(frozen=True)
class Ours:
    """The model in a folder; ``heard`` is where analyses of long recordings are kept between runs."""

    source: str | None
    digest: str
    heard: Path
    hears: bool = True

    @property
    def name(self) -> str:
        """As answers call it."""
        return f"spatial-lalm {Path(self.source or SHIPPED).name}"

    def describe(self) -> dict[str, Any]:
        """Where it is from does not matter, what it is does."""
        return {"kind": "spatial-lalm", "model_sha256": self.digest, "asked": "the question alone", "readout": READOUT}

    def answer(self, item: Item, recordings: Sequence[Recording]) -> Response:
        """Ask about the first recording; ``evidence`` says which others were not heard."""
        model, recording = loaded(self.source), recordings[0]
        if isinstance(item.truth, Tracks):
            from spatial_lalm.evaluate.run.tracks import rows_of
            from spatial_lalm.model.recorded import Recorded

            rows = rows_of(Recorded.open(self._analysed(model, recording, *part_of(item, recording))), item)
            return Response(rows, reading=Reading(rows))
        answer = self._remembered(model, recording, item)
        reading = read_answer(answer, item, part_of(item, recording))
        told = answer.to_dict()
        evidence = {key: told[key] for key in ("evidence", "room", "assumed")}
        if len(recordings) > 1:
            evidence["not_heard"] = [other.name for other in recordings[1:]]
        return Response(answer.text, item.question, reading, confidence(answer, read_question(item.question)), evidence)

    def _remembered(self, model: SpatialLalm, recording: Recording, item: Item) -> Answer:
        """The answer, asked for once if the sound is that of the file: a control's has none."""
        if recording.path is None:
            return self._ask(model, recording, item)
        known = answered(self.source)
        key = (item.audio[0], item.format, item.array, item.start_s, item.end_s, item.question)
        if key not in known:
            known[key] = self._ask(model, recording, item)
            if len(known) > ANSWERS:
                known.popitem(last=False)
        return known[key]

    def _ask(self, model: SpatialLalm, recording: Recording, item: Item) -> Answer:
        start_s, end_s = part_of(item, recording)
        if end_s - start_s <= model.model.config.max_seconds + 0.1:
            return model.ask(recording, item.question, start_s, None if item.end_s is None else end_s)
        from spatial_lalm.model.recorded import Recorded

        return Recorded.open(self._analysed(model, recording, start_s, end_s)).ask(item.question, lambda: model)

    def _analysed(self, model: SpatialLalm, recording: Recording, start_s: float, end_s: float) -> Path:
        """The analysis of a long part, made once by whichever worker comes first."""
        from spatial_lalm.model.analysis import analyse, plan_analysis

        plan = plan_analysis(model, recording, start_s=start_s, end_s=end_s)
        self.heard.mkdir(parents=True, exist_ok=True)
        out = self.heard / f"{plan.digest[:16]}.h5"
        with (self.heard / f"{plan.digest[:16]}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not out.exists():
                analyse(plan, out)
        return out
