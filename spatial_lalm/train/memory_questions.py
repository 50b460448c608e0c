"""Questions about long recordings whose evidence is known: needles, counts, order, sides, talkers, rooms, absence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from spatial_lalm.audio.scene import CLASSES
from spatial_lalm.audio.wording import (
    OCTANTS,
    SIDES,
    Spatial,
    azimuth_words,
    on_side,
    reverberation_words,
    spoken_name,
)
from spatial_lalm.simulation.questions import phrasings
from spatial_lalm.simulation.questions.phrasings import Split
from spatial_lalm.simulation.questions.wordings import ORDINALS, SIDE_PHRASES

# Phrasings by kind, the last one held out: {x} a name with "the", {bare} without, {y} another one.
_BOOKS: dict[str, tuple[str, ...]] = {
    "order": ("when is the {nth} {bare}", "where does the {nth} {bare} come from", "when did the {nth} {bare} begin",
              "how far away is the {nth} {bare}", "at what time do we get the {nth} {bare}"),
    "count": ("how many times do you hear {x}", "how often does {x} sound", "how many times is there {x}",
              "for how long do you hear {x} in total", "how many occurrences of {x} are there"),
    "between": ("what did you hear between {x} and {y}", "what happens between {x} and {y}",
                "which sounds come after {x} and before {y}", "what is in between {x} and {y}"),
    "which_room": ("in which room do you hear {x}", "in which of the rooms is {x}", "which room is {x} in",
                   "what room does {x} sound in"),
    "room": ("what do you hear in the {word} room", "which sounds are in the {word} room",
             "what is there in the {word} room", "name what sounds in the {word} room"),
    "side": ("is there {bare} {side}", "do you hear {x} {side}", "when do you hear {x} {side}",
             "how often do you hear {x} {side}", "how far is {x} {side}", "does {x} {side} sound again"),
}  # fmt: skip
_WEIGHTS = {"sound": 0.3, "absent": 0.15, "side": 0.2, "order": 0.1, "count": 0.1, "between": 0.05,
            "which_room": 0.05, "room": 0.05}  # fmt: skip
EVIDENCE_KINDS = tuple(_WEIGHTS)
_LAST = "last"


@dataclass(frozen=True)
class LongEvent:
    """One sound of a long recording: times in s from its start, where it comes from, whose it is, in which room."""

    label: str
    start_s: float
    end_s: float
    azimuth_deg: float
    elevation_deg: float
    distance_m: float
    source: str
    room: int
    spatial: Spatial


@dataclass(frozen=True)
class EvidenceQuestion:
    """A question, the events that hold its evidence, those that may or may not, and the room that it is about.

    ``label`` is the class asked about, ``book`` the kind of canonical answer where there is one, ``place`` a side or an
    eighth. Neither events nor a room: what is asked was never heard.
    """

    kind: str
    text: str
    events: tuple[int, ...] = ()
    unclear: tuple[int, ...] = ()
    room: int | None = None
    label: str | None = None
    book: str | None = None
    place: str | None = None


class Asker:
    """Draws questions about a long recording's events and the T60 of its rooms in s."""

    def __init__(
        self, events: Sequence[LongEvent], t60_s: Sequence[float], rng: np.random.Generator, split: Split = "train"
    ) -> None:
        self.events, self.t60_s, self.rng, self.split = events, t60_s, rng, split
        self.labels = sorted({event.label for event in events})
        self.makers: dict[str, Callable[[], EvidenceQuestion | None]] = {
            "sound": self._sound, "absent": self._absent, "side": self._side, "order": self._order,
            "count": self._about_all, "between": self._between, "which_room": self._in_which_room, "room": self._room,
        }  # fmt: skip

    def ask(self, kind: str | None = None) -> EvidenceQuestion:
        """A question, of one kind if that fits the recording; else of any that does."""
        kinds = [kind] if kind else []
        while True:
            drawn = kinds.pop() if kinds else str(self.rng.choice(EVIDENCE_KINDS, p=list(_WEIGHTS.values())))
            asked = self.makers[drawn]()
            if asked is not None:
                return asked

    def _pick(self, items: Sequence[str]) -> str:
        return items[int(self.rng.integers(len(items)))]

    def _text(self, book: str, **slots: str) -> str:
        phrases = _BOOKS[book]
        phrase = phrases[-1] if self.split == "held_out" else self._pick(phrases[:-1])
        return self._dressed(phrase.format(**slots))

    def _dressed(self, text: str) -> str:
        tidy = self.rng.random() < 0.7
        return phrasings.finish(f"{text}?", capital=bool(tidy), punctuation=bool(tidy))

    def _about(self, label: str) -> tuple[str, str]:
        """A question about a class in the words of the basic kinds, and which of them."""
        book = self._pick(("where", "when", "how_far"))
        text = phrasings.fill(self._pick(phrasings.templates(book, self.split)), self._alias(label))
        return phrasings.finish(text, capital=bool(self.rng.random() < 0.7), punctuation=True), book

    def _alias(self, label: str) -> str:
        names = phrasings.ALIASES.get(label, (spoken_name(label, "the"),))
        return self._pick([name for name in names if name != "the noise"])

    def _of(self, label: str) -> tuple[int, ...]:
        return tuple(index for index, event in enumerate(self.events) if event.label == label)

    def _sound(self) -> EvidenceQuestion | None:
        if not self.labels:
            return None
        label = self._pick(self.labels)
        text, book = self._about(label)
        return EvidenceQuestion("sound", text, self._of(label), label=label, book=book)

    def _absent(self) -> EvidenceQuestion | None:
        similar = {b for pair in phrasings.CONFUSABLE for a, b in (pair, pair[::-1]) if a in self.labels}
        absent = [label for label in CLASSES if label not in self.labels and label not in similar]
        if not absent:
            return None
        label = self._pick(absent)
        book = self._pick(("about", "count", "which_room"))
        text = self._about(label)[0] if book == "about" else self._text(book, x=self._alias(label))
        return EvidenceQuestion("absent", text, label=label, book="absent")

    def _side(self) -> EvidenceQuestion | None:
        """A class on a side or in an eighth; where all its sounds are heard with their directions."""
        known = [label for label in self.labels if all(self.events[i].spatial == "full" for i in self._of(label))]
        if not known:
            return None
        label = self._pick(known)
        one = self.events[int(self.rng.choice(self._of(label)))]
        sides = [side for side in SIDES if on_side(side, one.azimuth_deg, one.elevation_deg)]
        place = self._pick([*sides, azimuth_words(one.azimuth_deg)])
        if self.rng.random() < 0.2:
            place = self._pick((*SIDES, *OCTANTS))
        there = tuple(i for i in self._of(label) if is_at(place, self.events[i]))
        words = SIDE_PHRASES.get(place, f"at the {place}")
        text = self._text("side", x=self._alias(label), bare=spoken_name(label, "a"), side=words)
        return EvidenceQuestion("side", text, there, label=label, place=place)

    def _order(self) -> EvidenceQuestion | None:
        """The first, second or last of a class; the others of it are no evidence against it."""
        if not self.labels:
            return None
        label = self._pick(self.labels)
        every = sorted(self._of(label), key=lambda i: self.events[i].start_s)
        nth = self._pick((*ORDINALS[: min(2, len(every))], _LAST))
        right = every[-1] if nth == _LAST else every[ORDINALS.index(nth)]
        text = self._text("order", nth=nth, bare=spoken_name(label))
        return EvidenceQuestion("order", text, (right,), tuple(i for i in every if i != right), label=label)

    def _about_all(self) -> EvidenceQuestion | None:
        return self._with_all("count")

    def _in_which_room(self) -> EvidenceQuestion | None:
        return self._with_all("which_room") if len(self.t60_s) > 1 else None

    def _with_all(self, kind: str) -> EvidenceQuestion | None:
        if not self.labels:
            return None
        label = self._pick(self.labels)
        return EvidenceQuestion(kind, self._text(kind, x=self._alias(label)), self._of(label), label=label)

    def _between(self) -> EvidenceQuestion | None:
        """Both sounds are evidence; what is between them cannot be known by its content."""
        if len(self.labels) < 2:
            return None
        first, second = self.rng.choice(self.labels, 2, replace=False).tolist()
        both = self._of(first) + self._of(second)
        low, high = (edge(self.events[i].start_s for i in both) for edge in (min, max))
        others = (i for i, event in enumerate(self.events) if i not in both and low <= event.start_s <= high)
        text = self._text("between", x=self._alias(first), y=self._alias(second))
        return EvidenceQuestion("between", text, both, tuple(others))

    def _room(self) -> EvidenceQuestion | None:
        """A room by how reverberant it is, where no other room is alike."""
        words = [reverberation_words(t60) for t60 in self.t60_s]
        single = [number for number, word in enumerate(words) if words.count(word) == 1]
        if len(words) < 2 or not single:
            return None
        room = int(self.rng.choice(single))
        return EvidenceQuestion("room", self._text("room", word=words[room]), room=room)


def is_at(place: str, event: LongEvent) -> bool:
    """Whether an event is on a side of ``SIDES`` or in one of the ``OCTANTS``."""
    if place in SIDES:
        return on_side(place, event.azimuth_deg, event.elevation_deg)
    return azimuth_words(event.azimuth_deg) == place
