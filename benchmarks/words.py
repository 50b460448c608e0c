"""Answers in words, read back as numbers: what the language model says against what is true."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from clips import Clip, Floats
from scoring import MISS_DEG

from spatial_lalm.audio.conventions import unit_vector
from spatial_lalm.audio.formats import parse_format
from spatial_lalm.audio.recording import Recording
from spatial_lalm.audio.wording import spoken_name
from spatial_lalm.evaluate.metrics import (
    Interval,
    absolute_errors,
    angular_errors,
    bootstrap_interval,
    mean,
    median,
    ratio_errors,
)

RATE = 16_000
AZIMUTH, ELEVATION = re.compile(r"azimuth (-?\d+)°"), re.compile(r"elevation (-?\d+)°")
DISTANCE, T60 = re.compile(r"(\d+(?:\.\d+)?) m\b"), re.compile(r"(\d+(?:\.\d+)?) s\b")


@dataclass(frozen=True)
class Question:
    """A question, how to read a number from its answer (None: cannot be read), and the error of that number."""

    text: str
    quantity: str
    unit: str
    read: Callable[[str], Any]
    error: Callable[[Any, Clip], float]
    miss: float | None  # what an answer that cannot be read counts as; None: it is only counted

    def ask(self, model: Any, clip: Clip) -> str:
        """The model's answer about a clip."""
        recording = Recording.from_array(clip.signals, RATE, format=parse_format("foa", None, 4)[0])
        return str(model.ask(recording, self.text.format(x=spoken_name(clip.label))).text)


def read_direction(text: str) -> tuple[int, int] | None:
    """Azimuth and elevation in whole degrees, or None unless both are there."""
    azimuth, elevation = AZIMUTH.search(text), ELEVATION.search(text)
    if not (azimuth and elevation):
        return None
    return int(azimuth[1]), int(elevation[1])


def read_number(pattern: re.Pattern[str]) -> Callable[[str], float | None]:
    """A reader of the first number that a pattern finds."""

    def read(text: str) -> float | None:
        found = pattern.search(text)
        return float(found[1]) if found and float(found[1]) > 0 else None

    return read


QUESTIONS = (
    Question(
        "Where is the {x}?",
        "angle",
        "°",
        read_direction,
        lambda said, clip: float(angular_errors(unit_vector(*said)[None], clip.direction[None])[0]),
        MISS_DEG,
    ),
    Question(
        "How far away is the {x}?",
        "distance",
        "ratio error",
        read_number(DISTANCE),
        lambda said, clip: float(ratio_errors([said], [clip.distance_m])[0]),
        1.0,
    ),
    Question(
        "What is the reverberation time?",
        "T60",
        "s",
        read_number(T60),
        lambda said, clip: float(absolute_errors([said], [clip.t60_s])[0]),
        None,
    ),
)


@dataclass(frozen=True)
class Spoken:
    """Errors of the answers to one question; ``unread`` answers held no number, ``example`` is the first answer."""

    question: Question
    median: Interval
    mean: Interval
    unread: int
    example: str


def ask_all(model: Any, clips: Sequence[Clip], progress: Callable[[int, int], None]) -> list[Spoken]:
    """Every question about every clip."""
    answers: dict[str, list[str]] = {question.text: [] for question in QUESTIONS}
    for number, clip in enumerate(clips):
        progress(number, len(clips))
        for question in QUESTIONS:
            answers[question.text].append(question.ask(model, clip))
    progress(len(clips), len(clips))
    spoken = (_judged(question, answers[question.text], clips) for question in QUESTIONS)
    return [result for result in spoken if result is not None]


def _judged(question: Question, answers: list[str], clips: Sequence[Clip]) -> Spoken | None:
    """None where no answer can be scored."""
    errors: list[float] = []
    sources: list[str] = []
    unread = 0
    for answer, clip in zip(answers, clips, strict=True):
        said = question.read(answer)
        unread += said is None
        error = question.miss if said is None else question.error(said, clip)
        if error is not None:
            errors.append(error)
            sources.append(clip.source)
    if not errors:
        return None
    values: Floats = np.array(errors)
    intervals = (bootstrap_interval(values, statistic, sources) for statistic in (median, mean))
    return Spoken(question, *intervals, unread, answers[0])


def words_table(results: Sequence[Spoken]) -> str:
    """A Markdown table of the errors of answers."""
    lines = ["| question | error of | median | mean | answers | unread | first answer |", "|---" * 7 + "|"]
    for result in results:
        cells = [f"{i.value:.2f} [{i.low:.2f}, {i.high:.2f}]" for i in (result.median, result.mean)]
        asked = result.question.text.format(x="…")
        what = f"{result.question.quantity}, {result.question.unit}"
        count = str(result.mean.count + (result.unread if result.question.miss is None else 0))
        lines.append("| " + " | ".join([asked, what, *cells, count, str(result.unread), result.example]) + " |")
    return "\n".join(lines)
