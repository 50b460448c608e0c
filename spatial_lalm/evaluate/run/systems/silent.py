"""Systems whose answers are settled beforehand: blind baselines, and files of predictions."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spatial_lalm.audio.recording import Recording
from spatial_lalm.evaluate.benchmark import Item
from spatial_lalm.evaluate.files import FileProblem
from spatial_lalm.evaluate.items import read_answers
from spatial_lalm.evaluate.run.blind import BLIND
from spatial_lalm.evaluate.run.prompts import prompt_of
from spatial_lalm.evaluate.run.responses import Reading, Response


@dataclass(frozen=True)
class Blind:
    """A baseline that does not listen; ``readings`` by the names of items."""

    name: str
    readings: Mapping[str, Reading]
    hears: bool = False

    @classmethod
    def of(cls, name: str, items: Sequence[Item]) -> Blind:
        """One of ``BLIND``, fitted on the items."""
        return cls(name, BLIND[name](items))

    def describe(self) -> dict[str, Any]:
        """Its kind says it all."""
        return {"kind": self.name}

    def answer(self, item: Item, recordings: Sequence[Recording]) -> Response:
        """What was settled."""
        return Response("", reading=self.readings[item.name])


@dataclass(frozen=True)
class Predictions:
    """Answers of any other system, from a file as of ``evaluate.items``."""

    path: Path
    digest: str
    texts: Mapping[str, str]
    hears: bool = False

    @classmethod
    def open(cls, path: Path) -> Predictions:
        """Read a file; ``FileProblem`` for one that breaks a rule."""
        texts = read_answers(path)
        return cls(path, hashlib.sha256(path.read_bytes()).hexdigest(), texts)

    @property
    def name(self) -> str:
        """The file's."""
        return f"predictions {self.path.name}"

    def describe(self) -> dict[str, Any]:
        """By its content."""
        return {"kind": "predictions", "file": self.path.name, "sha256": self.digest}

    def problems(self, items: Sequence[Item], known: Collection[str]) -> list[FileProblem]:
        """Items without an answer, and answers to none of the ``known`` names of the split."""
        missing = [
            FileProblem(self.path, f"lacks an answer to {item.name}", kind="missing")
            for item in items
            if item.name not in self.texts
        ]
        return missing + [
            FileProblem(self.path, f"answers {name}, which is no item of the split", kind="unexpected")
            for name in self.texts
            if name not in known
        ]

    def answer(self, item: Item, recordings: Sequence[Recording]) -> Response:
        """The text of the file; an item that it lacks is unread."""
        return Response(self.texts.get(item.name, ""), prompt_of(item))
