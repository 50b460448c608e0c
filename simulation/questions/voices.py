"""Answers about several talkers: ``I hear 2 talkers: one ...; another ...``, where the labels know who talks.

``telling.tell`` speaks of a class as of one source, which it is for all that a recording tells. A scene knows its
speakers, so an answer about their speech keeps them apart; all else is told by ``telling``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from spatial_lalm.audio import telling, wording
from spatial_lalm.audio.scene import Scene, SourceEvent
from spatial_lalm.audio.wording import Spatial

KINDS = ("where", "planar", "lateral", "how_far", "when")
MOST_TALKERS = 3
SPOTS_EACH, TIMES_EACH = 2, 2


def tell(scene: Scene, kind: str, label: str | None = None, spatial: Spatial = "full") -> str:
    """The canonical sentence of a kind, as ``telling.tell`` has it but where several speakers are asked about."""
    talkers = by_speaker([event for event in scene.events if event.label == label == "speech"])
    if kind not in KINDS or len(talkers) < 2:
        return telling.tell(scene, kind, label, spatial)
    parts = [_talker(scene, events, kind, spatial) for events in talkers[:MOST_TALKERS]]
    listed = [f"one {parts[0]}", *(f"another {part}" for part in parts[1:])]
    if len(talkers) > MOST_TALKERS:
        listed.append("others")
    tail = f"; {wording.LIMITS[spatial]}" if kind not in ("how_far", "when") and spatial in wording.LIMITS else ""
    return f"I hear {len(talkers)} talkers: {'; '.join(listed)}{tail}."


def by_speaker(events: Sequence[SourceEvent]) -> list[list[SourceEvent]]:
    """Events of each speaker in the order of their first turns; empty unless every event has one."""
    if not all(event.speaker for event in events):
        return []
    found: dict[str | None, list[SourceEvent]] = {}
    for event in sorted(events, key=lambda event: event.onset_s):
        found.setdefault(event.speaker, []).append(event)
    return list(found.values())


def _times(events: Sequence[SourceEvent]) -> str:
    return wording.times_text([(event.onset_s, event.offset_s) for event in events], TIMES_EACH)


def _talker(scene: Scene, events: Sequence[SourceEvent], kind: str, spatial: Spatial) -> str:
    """What is told of one talker: times, or spots with their times."""
    if kind == "when":
        return _times(events)
    spots: dict[str, list[SourceEvent]] = {}
    for event in events:
        spots.setdefault(_spot(scene, event, kind, spatial), []).append(event)
    parts = [f"{spot}, {_times(members)}" for spot, members in list(spots.items())[:SPOTS_EACH]]
    return ", and ".join(parts + ["later elsewhere"] * (len(spots) > SPOTS_EACH))


def _spot(scene: Scene, event: SourceEvent, kind: str, spatial: Spatial) -> str:
    """Where one event is, as a list has it: the sentence about it alone without its subject and what it cannot tell."""
    alone = telling.tell(replace(scene, events=(event,)), kind, event.label, spatial)
    predicate = alone.removesuffix(".").partition(";")[0].split(" ", 2)[2]
    return predicate.replace("moves from", "moving from").removeprefix("comes ").removeprefix("is ")
