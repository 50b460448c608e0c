"""Ways to answer from at most 600 tokens of a long recording, and what of its events each of them still holds.

All ways start from the same analysis: the same encoder heard the same windows once. They differ in what is read:

- ``index``: the product, ``ask`` on an analysed file: the events of the whole recording, no tokens at all.
- ``memory``: the segments (12 s, 38 tokens with their time) that the reader's rule ranks first: cosine of question and
  trained key plus confidence of a detected event of the class asked for; without trained keys the detections alone.
- ``keys``: the same by trained keys alone, where there are any.
- ``uniform``, ``random``: as many segments, evenly spread or drawn.
- ``mean pooling``: all windows, but as many neighbours averaged into one as it takes (18 tokens each with its time).
  The numbers of the track tokens are read back from the means; the group in which the class is likeliest counts as a
  detection, however unlikely: this way is told that the sound is there.
- ``captions``: the answers to "What do you hear?" for every 30 s, as text and without lengths of sounds; of these as
  many as are 600 tokens of the model's own tokenizer, first those that name the class asked for, then the others.
- ``captions with places``: a caption is a list of the classes and, for each, the first direction that the answer to
  "Where is it?" tells.
- ``no memory``: what is heard at once, the last 30 s.

What is read becomes events again (those heard in the segments read, cut to them; a caption's as long as the caption),
and the same grammar answers from these alone, so the ways differ in nothing but what they read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch

from spatial_lalm.audio.scene import CLASSES
from spatial_lalm.audio.wording import spoken_name
from spatial_lalm.memory.reader import BUDGET, Groups, read
from spatial_lalm.memory.segments import TrackReadings, track_readings
from spatial_lalm.memory.store import MemoryFile
from spatial_lalm.model.answers import Evidence
from spatial_lalm.model.hearing import FRAME_S
from spatial_lalm.model.loading import SpatialLalm
from spatial_lalm.model.recorded import Recorded, RecordedEvent
from spatial_lalm.model.recorded_memory import detections_of, groups, question_vector, sizes_of, wrote
from spatial_lalm.model.recorded_words import clock

INDEX, CAPTIONS, PLACED = "index", "captions", "captions with places"
WAYS = (INDEX, "memory", "keys", "uniform", "random", "mean pooling", CAPTIONS, PLACED, "no memory")
CAPTION_S = AT_ONCE_S = 30.0
LEAST_S = 0.2
"""An event of which less was read is not held."""
_PLACE = re.compile(r"azimuth (-?\d+)°, elevation (-?\d+)°")
Spans = list[tuple[float, float]]


@dataclass(frozen=True)
class Held:
    """What a way holds for a question: the times that it read (s), and the events in what it read."""

    spans: Spans
    events: tuple[RecordedEvent, ...]


@dataclass(frozen=True)
class Caption:
    """What is said of a part of a recording, and the tokens of that text."""

    start_s: float
    end_s: float
    text: str
    tokens: int


class Budget:
    """All ways to read one analysed recording."""

    def __init__(self, recorded: Recorded, model: SpatialLalm, tokens: int = BUDGET) -> None:
        """``model`` must be the one that heard the recording (ValueError)."""
        if not wrote(recorded, model):
            raise ValueError(f"{recorded.path} was not written by {model.name}")
        self.recorded, self.model, self.tokens = recorded, model, tokens
        self._captions: dict[str, list[Caption]] = {}

    @property
    def ways(self) -> tuple[str, ...]:
        """Those that there are: without a trained memory nothing is sought by keys."""
        return tuple(way for way in WAYS if way != "keys" or self.recorded.has_keys)

    def holds(self, way: str, label: str, question: str, rng: np.random.Generator) -> Held:
        """What a way holds for a question about a class; ``rng`` draws what is drawn."""
        if way == INDEX:
            return Held([self._whole], self.recorded.events)
        if way == "mean pooling":
            return Held([self._whole], (self._likeliest(label),))
        if way in (CAPTIONS, PLACED):
            return self._held_by_captions(way, label)
        if way == "no memory":
            last = [(max(self.recorded.start_s, self.recorded.end_s - AT_ONCE_S), self.recorded.end_s)]
            return Held(last, events_within(self.recorded.events, last))
        rows = self._rows(way, label, question, rng)
        spans = joined([(self._segments.start_s[row], self._segments.end_s[row]) for row in sorted(rows)])
        return Held(spans, events_within(self.recorded.events, spans))

    @property
    def _whole(self) -> tuple[float, float]:
        return self.recorded.start_s, self.recorded.end_s

    # ---------------------------------------------------------------- segments

    @cached_property
    def _segments(self) -> Groups:
        if self.recorded.has_keys:
            with MemoryFile(self.recorded.path) as file:
                return groups(file, "segments")
        length = sizes_of(self.model).segment_windows * float(self.recorded.notes["window_s"])
        starts = np.arange(self.recorded.start_s, self.recorded.end_s, length)
        return Groups(starts, np.minimum(starts + length, self.recorded.end_s))

    @cached_property
    def _chapters(self) -> Groups:
        if not self.recorded.has_keys:
            return Groups(np.zeros(0), np.zeros(0))
        with MemoryFile(self.recorded.path) as file:
            return groups(file, "chapters")

    def _rows(self, way: str, label: str, question: str, rng: np.random.Generator) -> Sequence[int]:
        sizes = sizes_of(self.model)
        count, most = len(self._segments), self.tokens // sizes.segment
        if way == "uniform":
            return uniform_rows(count, most)
        if way == "random":
            return random_rows(count, most, rng)
        asked = question_vector(self.model, question) if self.recorded.has_keys else None
        alike = [event for event in self.recorded.events if event.label == label] if way == "memory" else []
        return read(self._segments, self._chapters, asked, detections_of(alike), self.tokens, sizes).segments

    # ---------------------------------------------------------------- captions

    def captions(self, way: str) -> list[Caption]:
        """The captions of all parts of a recording."""
        if way not in self._captions:
            self._captions[way] = [
                self._caption(way, start) for start in np.arange(*self._whole, CAPTION_S).tolist()
            ]  # fmt: skip
        return self._captions[way]

    def _caption(self, way: str, start_s: float) -> Caption:
        end_s = min(start_s + CAPTION_S, self.recorded.end_s)
        times = f"between {clock(start_s)} and {clock(end_s)}"
        told = re.sub(r" \(.*?\)", "", self.recorded.ask(f"What do you hear {times}?").text.replace(f" {times}", ""))
        if way == PLACED:
            told = "; ".join(
                self._placed(label, times) for label in self.recorded.notes["classes"] if names(told, label)
            )
        text = f"{clock(start_s)} {told}"
        return Caption(start_s, end_s, text, len(self.model.processor.tokenizer.encode(text)))

    def _placed(self, label: str, times: str) -> str:
        """A class and the first place that is told for it."""
        place = _PLACE.search(self.recorded.ask(f"Where is {spoken_name(label, 'the')} {times}?").text)
        return spoken_name(label) if place is None else f"{spoken_name(label)} {place[0]}"

    def _held_by_captions(self, way: str, label: str) -> Held:
        ranked = sorted(self.captions(way), key=lambda one: (not names(one.text, label), one.start_s))
        kept: list[Caption] = []
        for caption in ranked:
            if sum(one.tokens for one in kept) + caption.tokens > self.tokens:
                break
            kept.append(caption)
        kept.sort(key=lambda one: one.start_s)
        events = tuple(event for one in kept for event in captioned(one, label))
        return Held([(one.start_s, one.end_s) for one in kept], events)

    # ---------------------------------------------------------------- mean pooling

    @cached_property
    def _pooled(self) -> tuple[TrackReadings, Spans]:
        """The track tokens' numbers, averaged over groups of neighbouring windows, and the groups' times."""
        with MemoryFile(self.recorded.path) as file:
            starts, numbers = file.table("windows/start_s"), torch.from_numpy(file.table("windows/numbers")).float()
        audio, sizes = self.model.model.config.audio_config, sizes_of(self.model)
        size = -(-len(starts) // (self.tokens // (sizes.window + sizes.marker)))
        means = torch.stack([group.mean(0) for group in numbers.split(size)])
        edges = [*starts[::size].tolist(), self.recorded.end_s]
        return track_readings(means, audio.tracks, len(audio.classes)), list(pairwise(edges))

    def _likeliest(self, label: str) -> RecordedEvent:
        pooled, spans = self._pooled
        shares = pooled.presence * pooled.classes[..., self.recorded.notes["classes"].index(label)]
        group, track = divmod(int(shares.argmax()), shares.shape[1])
        azimuth, elevation = (float(angle[group, track]) for angle in (pooled.azimuth_deg, pooled.elevation_deg))
        return event_of(label, spans[group], azimuth, elevation)


# ---------------------------------------------------------------- which segments are read


def uniform_rows(count: int, most: int) -> list[int]:
    """Rows that are spread evenly, at most ``most`` of them."""
    rows: list[int] = np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(int)).tolist()
    return rows


def random_rows(count: int, most: int, rng: np.random.Generator) -> list[int]:
    """Rows that are drawn."""
    rows: list[int] = rng.permutation(count)[:most].tolist()
    return rows


# ---------------------------------------------------------------- events of what is read


def joined(spans: Spans) -> Spans:
    """Times in order, those that touch as one."""
    found: Spans = []
    for start, end in spans:
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((float(start), float(end)))
    return found


def events_within(events: Sequence[RecordedEvent], spans: Spans) -> tuple[RecordedEvent, ...]:
    """What of some events sounds within times, cut to them."""
    kept = []
    for event in events:
        for low, high in spans:
            start, end = max(event.evidence.start_s, low), min(event.evidence.end_s, high)
            if end - start >= LEAST_S:
                first = round((start - event.evidence.start_s) / FRAME_S)
                path = event.path[first : first + max(1, round((end - start) / FRAME_S))]
                kept.append(replace(event, evidence=replace(event.evidence, start_s=start, end_s=end), path=path))
    return tuple(kept)


def event_of(label: str, span_s: tuple[float, float], azimuth: float | None, elevation: float | None) -> RecordedEvent:
    """An event of which no more is known than a class, a time and perhaps a direction."""
    evidence = Evidence(*span_s, label, azimuth, elevation, 1.0, 1.0)
    return RecordedEvent(evidence, 0, 0, 0.0, np.zeros((0, 3)))


def names(text: str, label: str) -> bool:
    """Whether a text names a class; "modulated noise" is no "noise"."""
    name = spoken_name(label)
    for longer in map(spoken_name, CLASSES):
        text = text.replace(longer, "") if name in longer and name != longer else text
    return re.search(rf"\b{re.escape(name)}\b", text) is not None


def captioned(caption: Caption, label: str) -> list[RecordedEvent]:
    """What a caption tells of a class: an event as long as the caption is, and its place where that is told."""
    clause = next((clause for clause in caption.text.split(";") if names(clause, label)), None)
    if clause is None:
        return []
    place = _PLACE.search(clause)
    azimuth, elevation = (None, None) if place is None else (float(angle) for angle in place.groups())
    return [event_of(label, (caption.start_s, caption.end_s), azimuth, elevation)]
