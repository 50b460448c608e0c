"""Second derivation of times in the basic answers, and of what they say about several talkers."""

from __future__ import annotations

import re

from spatial_lalm.audio.scene import SourceEvent
from spatial_lalm.simulation.questions.checks.basic_places import Key, read_spot, true_spot

_SPAN = re.compile(r"from (\d+\.\d) s to (\d+\.\d) s")
_SPANS = re.compile(rf"{_SPAN.pattern}( and {_SPAN.pattern})*( and later again)?")
ITEM = re.compile(r"(?P<spot>.*?), (?P<times>from \d+\.\d s to .*)")


def times_fit(text: str, events: list[SourceEvent], limit: int) -> bool:
    """Whether the times told are the tenths of a second that the events cover, the first ``limit`` spans of them."""
    told = [(float(a), float(b)) for a, b in _SPAN.findall(text)]
    truth: list[list[float]] = []
    for start, end in sorted((round(event.onset_s, 1), round(event.offset_s, 1)) for event in events):
        if truth and truth[-1][1] >= start:
            truth[-1][1] = max(truth[-1][1], end)
        else:
            truth.append([start, end])
    more = text.endswith(" and later again")
    right = told == [tuple(span) for span in truth[:limit]] and more == (len(truth) > limit)
    return right and _SPANS.fullmatch(text) is not None


def speakers(events: list[SourceEvent]) -> list[str]:
    """Who talks, by first turn; nobody where one of the events names no speaker."""
    known = [event.speaker for event in sorted(events, key=lambda event: event.onset_s)]
    return list(dict.fromkeys(str(name) for name in known)) if known and None not in known else []


def several_talkers(kind: str, body: str, events: list[SourceEvent]) -> bool:
    """Judge ``I hear 2 talkers: one from the left, from 0.1 s to 2.0 s; another ...``, without its tail."""
    names = speakers(events)
    head, _, rest = body.partition(": ")
    items = rest.split("; ")
    if head != f"I hear {len(names)} talkers" or len(items) != min(len(names), 4):
        return False
    if len(names) > 3 and items.pop() != "others":
        return False
    firsts = ["one "] + ["another "] * 2
    return all(
        item.startswith(first)
        and _talker(kind, item.removeprefix(first), [event for event in events if event.speaker == name])
        for item, first, name in zip(items, firsts, names, strict=False)
    )


def _talker(kind: str, text: str, own: list[SourceEvent]) -> bool:
    if kind == "when":
        return times_fit(text, own, 2)
    at: dict[Key, list[SourceEvent]] = {}
    for event in sorted(own, key=lambda event: event.onset_s):
        at.setdefault(true_spot(kind, event), []).append(event)
    parts = text.split(", and ")
    if len(at) > 2 and parts.pop() != "later elsewhere":
        return False
    read = [ITEM.fullmatch(part) for part in parts]
    return len(parts) == min(len(at), 2) and all(
        found is not None and read_spot(kind, found["spot"]) == key and times_fit(found["times"], members, 2)
        for found, (key, members) in zip(read, at.items(), strict=False)
    )
