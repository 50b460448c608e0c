"""Second derivation of answers about talkers."""

from __future__ import annotations

import re

from spatial_lalm.audio.scene import Scene
from spatial_lalm.simulation.questions.checks import oracle
from spatial_lalm.simulation.questions.kind import Asked

_SPAN = r"from (\d+\.\d) s to (\d+\.\d) s"


def lettered(scene: Scene) -> dict[str, list[int]]:
    """Turns of each speaker, lettered by who is heard first: always the earliest turn of whoever has no letter yet."""
    talk = [n for n, event in enumerate(scene.events) if event.label == "speech"]
    names: list[str | None] = []
    while left := [n for n in talk if scene.events[n].speaker not in names]:
        names.append(scene.events[min(left, key=lambda n: scene.events[n].onset_s)].speaker)
    letters = {who: chr(ord("A") + place) for place, who in enumerate(names)}
    found: dict[str, list[int]] = {letter: [] for letter in letters.values()}
    for n in sorted(talk, key=lambda n: scene.events[n].onset_s):
        found[letters[scene.events[n].speaker]].append(n)
    return found


def who(asked: Asked) -> list[int]:
    """Turns of the speaker whom the question names."""
    found = re.fullmatch(r"speaker ([a-d])", asked.slots["who"])
    return lettered(asked.scene).get(found[1].upper(), []) if found else []


def _everybody(scene: Scene) -> set[int]:
    return {n for n, event in enumerate(scene.events) if event.label == "speech"}


def count_talkers(asked: Asked) -> set[int] | None:
    """Judge ``There are 2 talkers.``."""
    told = oracle.number(r"There (?:is|are) (\d+) talkers?\.", asked.answer)
    return _everybody(asked.scene) if told == len(lettered(asked.scene)) else None


def spans_fit(asked: Asked, told: list[tuple[str, str]], truth: list[int]) -> bool:
    """Whether spans told are those of events, to half a tenth of a second."""
    events = [asked.scene.events[n] for n in truth]
    return len(told) == len(events) and all(
        abs(float(start) - e.onset_s) <= 0.05 + 1e-6 and abs(float(end) - e.offset_s) <= 0.05 + 1e-6
        for (start, end), e in zip(told, events, strict=True)
    )


def turns(asked: Asked) -> set[int] | None:
    """Judge ``Speaker A from 0.0 s to 2.0 s; speaker B from 2.3 s to 4.0 s.``."""
    if not re.fullmatch(rf"Speaker [A-D] {_SPAN}(; speaker [A-D] {_SPAN})*\.", asked.answer):
        return None
    by_speaker = lettered(asked.scene)
    owner = {n: letter for letter, members in by_speaker.items() for n in members}
    truth = sorted(owner, key=lambda n: asked.scene.events[n].onset_s)
    letters = re.findall(r"peaker ([A-D])", asked.answer)
    fits = letters == [owner[n] for n in truth] and spans_fit(asked, re.findall(_SPAN, asked.answer), truth)
    return set(truth) if fits else None


def who_where(asked: Asked) -> set[int] | None:
    """Judge ``Speaker A: front; speaker B: left.``."""
    if not re.fullmatch(r"Speaker [A-D]: [a-z ]+(; speaker [A-D]: [a-z ]+)*\.", asked.answer):
        return None
    told = dict(re.findall(r"peaker ([A-D]): ([a-z ]+)", asked.answer))
    truth = lettered(asked.scene)
    fits = list(told) == list(truth) and all(
        oracle.octant_fits(asked.scene.events[n], told[letter]) for letter, members in truth.items() for n in members
    )
    return _everybody(asked.scene) if fits else None


def speaker_place(asked: Asked) -> set[int] | None:
    """Judge ``Speaker B is at the left.``."""
    members = who(asked)
    found = re.fullmatch(r"Speaker ([A-D]) is at the ([a-z ]+)\.", asked.answer)
    if not found or not members or asked.slots["who"] != f"speaker {found[1].lower()}":
        return None
    return set(members) if all(oracle.octant_fits(asked.scene.events[n], found[2]) for n in members) else None


def who_at(asked: Asked) -> set[int] | None:
    """``Speaker B.``, the only one who ever talks from an octant."""
    place = asked.slots["place"]
    there = [
        members
        for members in lettered(asked.scene).values()
        if any(oracle.octant_fits(asked.scene.events[n], place) for n in members)
    ]
    told = _told_speaker(asked)
    return set(told) if told and there == [told] else None


def speaker_place_option(asked: Asked) -> set[int] | None:
    """``left``, in a multiple choice."""
    members = who(asked)
    fits = bool(members) and all(oracle.octant_fits(asked.scene.events[n], asked.answer) for n in members)
    return set(members) if fits else None


def speaker_times(asked: Asked) -> set[int] | None:
    """Judge ``From 0.0 s to 2.0 s, from 3.0 s to 3.5 s and from 4.0 s to 5.0 s.``."""
    members = who(asked)
    whole = re.fullmatch(rf"F{_SPAN[1:]}((, {_SPAN})* and {_SPAN})?\.", asked.answer)
    told = re.findall(_SPAN, asked.answer.replace("From", "from"))
    return set(members) if whole and members and spans_fit(asked, told, members) else None


def first_talker_place(asked: Asked) -> set[int] | None:
    """Judge ``It is at the left.``."""
    talk = sorted(_everybody(asked.scene), key=lambda n: asked.scene.events[n].onset_s)
    found = re.fullmatch(r"It is at the ([a-z ]+)\.", asked.answer)
    if not found or not talk or asked.slots["rank"] not in ("first", "last"):
        return None
    index = talk[0] if asked.slots["rank"] == "first" else talk[-1]
    return {index} if oracle.octant_fits(asked.scene.events[index], found[1]) else None


def _told_speaker(asked: Asked) -> list[int]:
    found = re.fullmatch(r"Speaker ([A-D])\.", asked.answer)
    return lettered(asked.scene).get(found[1], []) if found else []


def last_speaker(asked: Asked) -> set[int] | None:
    """``Speaker B.``, who starts the last turn."""
    members = _told_speaker(asked)
    starts = {n: asked.scene.events[n].onset_s for n in _everybody(asked.scene)}
    latest = [n for n in members if starts[n] == max(starts.values())]
    return set(latest) or None


def most_speaker(asked: Asked) -> set[int] | None:
    """``Speaker B.``, whose turns are the longest together."""
    members = _told_speaker(asked)
    events = asked.scene.events
    totals = {
        letter: sum(events[n].offset_s - events[n].onset_s for n in turns)
        for letter, turns in lettered(asked.scene).items()
    }
    right = members and asked.answer == f"Speaker {max(totals, key=lambda letter: totals[letter])}."
    return set(members) if right else None


def count_turns(asked: Asked) -> set[int] | None:
    """Judge ``2 turns.``."""
    members = who(asked)
    return set(members) if members and oracle.number(r"(\d+) turns?\.", asked.answer) == len(members) else None
