"""Sentences about one talker among several, told apart by direction: A speaks first, B is the next from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from spatial_lalm.audio import telling
from spatial_lalm.audio.scene import Scene, SourceEvent
from spatial_lalm.audio.wording import Spatial
from spatial_lalm.model.plain_answers import Told, event_times, on_the_side
from spatial_lalm.model.talker_question import TalkerAsked

LETTERS = "ABCDEFGH"


def tell_talker(scene: Scene, asked: TalkerAsked, side: str | None, spatial: Spatial) -> Told:
    """The answer about a talker of a scene that has speech."""
    talkers = talkers_of(scene)
    if asked.ask in ("interrupt", "wait"):
        return _interruption(talkers, asked.ask == "wait")
    if asked.nth is not None:
        if not -len(talkers) <= asked.nth < len(talkers):
            return f"I hear only {_talkers(len(talkers))}, told apart by direction.", True
        place = asked.nth % len(talkers)
        return _of_one(scene, asked, place, talkers[place], spatial)
    if len(talkers) == 1 and asked.ask != "who_there":
        return f"I hear only one talker, {event_times(talkers[0])}.", False
    return _which(scene, asked, talkers, side)


def talkers_of(scene: Scene) -> list[list[SourceEvent]]:
    """Stretches of speech of every talker, in the order in which they first speak."""
    found: dict[str | None, list[SourceEvent]] = {}
    for event in sorted(scene.events, key=lambda event: event.onset_s):
        if event.label == "speech":
            found.setdefault(event.speaker, []).append(event)
    return list(found.values())[: len(LETTERS)]


def _talkers(count: int) -> str:
    return "one talker" if count == 1 else f"{count} talkers"


def _of_one(scene: Scene, asked: TalkerAsked, place: int, turns: Sequence[SourceEvent], spatial: Spatial) -> Told:
    """Where, how far, when or how often one talker speaks."""
    name = f"Speaker {LETTERS[place]}"
    if asked.ask == "turns":
        return f"{name} has {len(turns)} turn{'' if len(turns) == 1 else 's'}, {event_times(turns)}.", False
    if asked.ask == "when":
        spans = [f"from {turn.onset_s:.1f} s to {turn.offset_s:.1f} s" for turn in turns]
        return f"{name} speaks {' and '.join(spans)}.", False
    if spatial == "none":
        return telling.tell(scene, "mono_direction", "speech"), True
    told = telling.tell(replace(scene, events=tuple(turns)), asked.ask, "speech", spatial)
    return f"{name}: {told if told.startswith('I ') else told[0].lower() + told[1:]}", False


def _which(scene: Scene, asked: TalkerAsked, talkers: Sequence[Sequence[SourceEvent]], side: str | None) -> Told:
    """Which talker speaks first, last, most or from a side."""
    if asked.ask == "who_there":
        there = {event.speaker for event in on_the_side(scene, side or "").events if event.label == "speech"}
        names = [f"Speaker {LETTERS[place]}" for place, turns in enumerate(talkers) if turns[0].speaker in there]
        return (f"{' and '.join(names)}." if names else "I hear no talker there."), False
    if asked.ask == "who_most":
        totals = [sum(turn.offset_s - turn.onset_s for turn in turns) for turns in talkers]
        best = max(range(len(talkers)), key=totals.__getitem__)
        return f"Speaker {LETTERS[best]} talks most, {totals[best]:.1f} s in all.", False
    ends = [turns[0].onset_s if asked.ask == "who_first" else turns[-1].onset_s for turns in talkers]
    best = (min if asked.ask == "who_first" else max)(range(len(talkers)), key=ends.__getitem__)
    order = "first" if asked.ask == "who_first" else "last"
    return f"Speaker {LETTERS[best]} speaks {order}, from {ends[best]:.1f} s on.", False


def _interruption(talkers: Sequence[Sequence[SourceEvent]], waits: bool) -> Told:
    """Whether two talkers ever speak at the same time, or (``waits``) never do."""
    turns = [(place, turn) for place, own in enumerate(talkers) for turn in own]
    common = [
        (max(one.onset_s, other.onset_s), min(one.offset_s, other.offset_s))
        for first, one in turns
        for second, other in turns
        if first < second and min(one.offset_s, other.offset_s) - max(one.onset_s, other.onset_s) > 0.1
    ]
    holds = not common if waits else bool(common)
    start, end = min(common, default=(0.0, 0.0))
    told = f"two talk at once from {start:.1f} s to {end:.1f} s" if common else "no two talk at the same time"
    return f"{'Yes' if holds else 'No'}: {told}.", False
