"""Second derivation of answers about times, order and counts."""

from __future__ import annotations

import re

from spatial_lalm.audio.scene import SourceEvent
from spatial_lalm.simulation.questions.checks import oracle
from spatial_lalm.simulation.questions.checks.places import extreme as best_of
from spatial_lalm.simulation.questions.checks.places import heard, subject, which
from spatial_lalm.simulation.questions.kind import Asked

HALF_TENTH = 0.05 + 1e-6


def _second(asked: Asked, verb: str, pattern: str, truth_s: list[float]) -> set[int] | None:
    index = subject(asked, verb)
    told = oracle.number(pattern, asked.answer)
    return {index} if index is not None and abs(truth_s[index] - told) <= HALF_TENTH else None


def onset(asked: Asked) -> set[int] | None:
    """Judge ``The dog bark starts at 1.2 s.``."""
    times = [event.onset_s for event in asked.scene.events]
    return _second(asked, "starts?", r"The .+ starts? at (\d+\.\d) s\.", times)


def offset(asked: Asked) -> set[int] | None:
    """Judge ``The dog bark ends at 1.2 s.``."""
    times = [event.offset_s for event in asked.scene.events]
    return _second(asked, "ends?", r"The .+ ends? at (\d+\.\d) s\.", times)


def duration(asked: Asked) -> set[int] | None:
    """Judge ``The dog bark lasts 1.2 s.``."""
    times = [event.offset_s - event.onset_s for event in asked.scene.events]
    return _second(asked, "lasts?", r"The .+ lasts? (\d+\.\d) s\.", times)


def which_first(asked: Asked) -> set[int] | None:
    """The one of two that starts first or second."""
    return which(asked, "first", "second")


def extreme(asked: Asked) -> set[int] | None:
    """The one that starts before or after all others."""
    return best_of(asked, range(len(asked.scene.events)), ("first", "last"))


def longest(asked: Asked) -> set[int] | None:
    """The one that lasts longer or shorter than all others."""
    return best_of(asked, range(len(asked.scene.events)), ("longest", "shortest"))


def beside(asked: Asked, later: bool) -> tuple[int, int] | None:
    """The event that gap ``x`` names and the one whose start is the closest after or before."""
    index = oracle.one(asked.scene, asked.slots["x"])
    if index is None:
        return None
    start = asked.scene.events[index].onset_s
    waits = [(event.onset_s - start) * (1 if later else -1) for event in asked.scene.events]
    ahead = [n for n, wait in enumerate(waits) if n != index and wait > 0]
    return (index, min(ahead, key=lambda n: waits[n])) if ahead else None


def _beside(asked: Asked, later: bool) -> set[int] | None:
    found = beside(asked, later)
    told = re.fullmatch(r"It is (.+)\.", asked.answer)
    if not found or not told:
        return None
    return set(found) if oracle.named(asked.scene, told[1]) == {asked.scene.events[found[1]].label} else None


def following(asked: Asked) -> set[int] | None:
    """``It is a dog bark.``, the next to start."""
    return _beside(asked, True)


def preceding(asked: Asked) -> set[int] | None:
    """``It is a dog bark.``, the last to start before."""
    return _beside(asked, False)


def order(asked: Asked) -> set[int] | None:
    """``First the dog bark, then the rain.``: every next one starts later, and none is left out."""
    body = asked.answer.removesuffix(".")
    if not body.lower().startswith("first the "):
        return None
    told = [oracle.one(asked.scene, part) for part in body[6:].split(", then ")]
    known = [index for index in told if index is not None]
    starts = [asked.scene.events[index].onset_s for index in known]
    every = sorted(known) == list(range(len(asked.scene.events)))
    return set(known) if every and len(known) == len(told) and starts == sorted(starts) else None


# ---------------------------------------------------------------- counts


def _same(a: SourceEvent, b: SourceEvent) -> bool:
    return (a.label, a.speaker) == (b.label, b.speaker) and a.trajectory[0] == b.trajectory[0]


def _sources(events: list[SourceEvent]) -> int:
    return sum(not any(_same(event, earlier) for earlier in events[:n]) for n, event in enumerate(events))


def count_sources(asked: Asked) -> set[int] | None:
    """Judge ``I hear it from 2 sources.``."""
    label = oracle.label_of(asked.scene, asked.slots["x"])
    members = oracle.members(asked.scene, label)
    told = oracle.number(rf"I hear {_pronoun(label)} from (\d+) sources?\.", asked.answer)
    return set(members) if told == _sources([asked.scene.events[n] for n in members]) else None


def _pronoun(label: str | None) -> str:
    return "them" if label == "sea_waves" else "it"


def count_events(asked: Asked) -> set[int] | None:
    """Judge ``I hear it twice.`` or ``I hear it 3 times.``."""
    label = oracle.label_of(asked.scene, asked.slots["x"])
    members = oracle.members(asked.scene, label)
    words = {1: "once", 2: "twice"}.get(len(members), f"{len(members)} times")
    return set(members) if members and asked.answer == f"I hear {_pronoun(label)} {words}." else None


def count_classes(asked: Asked) -> set[int] | None:
    """Judge ``There are 3 kinds of sound.``."""
    kinds = len({event.label for event in asked.scene.events})
    told = oracle.how_many(r"There (?:is|are) (\d+) kinds? of sound\.", asked.answer)
    return set(range(len(asked.scene.events))) if told == kinds else None


def _at(asked: Asked) -> set[int] | None:
    if not re.fullmatch(r"\d+\.\d", asked.slots["t"]):
        return None
    time_s = float(asked.slots["t"])
    return {n for n, event in enumerate(asked.scene.events) if oracle.on_at(event, time_s)}


def count_at(asked: Asked) -> set[int] | None:
    """Judge ``There are 2 sounds at that time.``."""
    there = _at(asked)
    told = oracle.how_many(r"There (?:is|are) (\d+) sounds? at that time\.", asked.answer)
    return there if there is not None and told == len(there) else None


def sounds_at(asked: Asked) -> set[int] | None:
    """Judge ``I hear rain.``."""
    there = _at(asked)
    return None if there is None else heard(asked, there, "I hear nothing.")


def count_side(asked: Asked) -> set[int] | None:
    """Judge ``There are 2 sounds there.``."""
    side = asked.slots["side"]
    there = {n for n, event in enumerate(asked.scene.events) if side in oracle.SIDES and oracle.is_on(event, side)}
    told = oracle.how_many(r"There (?:is|are) (\d+) sounds? there\.", asked.answer)
    return there if side in oracle.SIDES and told == len(there) else None
