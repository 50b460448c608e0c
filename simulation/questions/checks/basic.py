"""Derive an answer's words and numbers again from the scene, by other means than the code that wrote it.

Answers are taken apart by regular expressions; directions are compared as vectors and tables of words, counts by
sampling time. Nothing of ``audio.wording`` but the table of names is used.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from spatial_lalm.audio.scene import CLASSES, Scene, SourceEvent
from spatial_lalm.audio.wording import NAMES
from spatial_lalm.simulation.questions.checks.basic_places import NUMBER, Key, read_spot, true_spot
from spatial_lalm.simulation.questions.checks.oracle import covered
from spatial_lalm.simulation.questions.checks.rooms import of_one_source, open_air, size_m3, t60_s
from spatial_lalm.simulation.questions.checks.voices import ITEM, several_talkers, speakers, times_fit
from spatial_lalm.simulation.questions.phrasings import ALIASES, GENERIC_ALL, GENERIC_ONE

if TYPE_CHECKING:
    from spatial_lalm.simulation.questions.answer import QuestionAnswer

_TAILS = {
    "planar": "; height cannot be told from these channels.",
    "lateral": "; front or back and height cannot be told from these channels.",
}


def _name(label: str, article: bool) -> str:
    bare, countable, _ = NAMES.get(label, (label.replace("_", " "), False, False))
    return f"a {bare}" if article and countable else bare


def _asked(scene: Scene, label: str | None) -> list[SourceEvent]:
    events = sorted(scene.events, key=lambda event: event.onset_s)
    return [event for event in events if label is None or event.label == label]


# ---------------------------------------------------------------- kinds


def _located(scene: Scene, qa: QuestionAnswer) -> bool:
    """The kinds ``where``, ``planar``, ``lateral`` and ``how_far``."""
    events = _asked(scene, qa.label)
    tail = _TAILS.get(qa.kind, ".")
    if not events:
        return qa.label is None and qa.answer == "I hear no distinct sound."
    if not qa.answer.endswith(tail):
        return False
    if len(speakers(events)) > 1 and qa.label == "speech":
        return several_talkers(qa.kind, qa.answer.removesuffix(tail), events)
    body = qa.answer.removesuffix(tail)
    groups: dict[tuple[str, Key], list[SourceEvent]] = {}
    for event in events:
        groups.setdefault((event.label, true_spot(qa.kind, event)), []).append(event)
    if len(groups) == 1:
        ((label, key),) = groups
        prefix = f"The {_name(label, False)} "
        return body.startswith(prefix) and read_spot(qa.kind, body.removeprefix(prefix)) == key
    return _listed_by_class(qa.kind, body, groups) if qa.label is None else _listed_by_time(qa.kind, body, groups)


def _listed_by_class(kind: str, body: str, groups: dict[tuple[str, Key], list[SourceEvent]]) -> bool:
    items = body.removeprefix("I hear ").split("; ")
    more = items[-1] == "other sounds"
    items = items[: len(items) - more]
    if more != (len(groups) > 3) or len(items) != min(len(groups), 3) or not body.startswith("I hear "):
        return False
    for item, (label, key) in zip(items, groups, strict=False):
        prefix = f"{_name(label, True)} "
        if not item.startswith(prefix) or read_spot(kind, item.removeprefix(prefix)) != key:
            return False
    return True


def _listed_by_time(kind: str, body: str, groups: dict[tuple[str, Key], list[SourceEvent]]) -> bool:
    unit = "at (\\d+) distances" if kind == "how_far" else "from (\\d+) places"
    head = re.match(rf"I hear it {unit}(, the first 3)?: ", body)
    if not head or int(head[1]) != len(groups) or bool(head[2]) != (len(groups) > 3):
        return False
    items = body[head.end() :].split("; ")
    if len(items) != min(len(groups), 3):
        return False
    for item, ((_, key), events) in zip(items, groups.items(), strict=False):
        parts = ITEM.fullmatch(item)
        if not parts or not times_fit(parts["times"], events, 2):
            return False
        if read_spot(kind, parts["spot"]) != key:
            return False
    return True


def _when(scene: Scene, qa: QuestionAnswer) -> bool:
    events = _asked(scene, qa.label)
    if not events:
        return qa.label is None and qa.answer == "I hear no distinct sound."
    if len(speakers(events)) > 1 and qa.label == "speech":
        return qa.answer.endswith(".") and several_talkers(qa.kind, qa.answer[:-1], events)
    labels = sorted({event.label for event in events}, key=lambda label: [e.label for e in events].index(label))
    items = qa.answer.removesuffix(".").removeprefix("I hear ").split("; ")
    if (items[-1] == "other sounds") != (len(labels) > 3) or len(items) != min(len(labels), 4):
        return False
    for item, label in zip(items, labels[:3], strict=False):
        name = f"the {_name(label, False)}" if len(labels) == 1 else _name(label, True)
        limit = 4 if len(labels) == 1 else 2
        own = [event for event in events if event.label == label]
        if not item.startswith(f"{name} ") or not times_fit(item.removeprefix(f"{name} "), own, limit):
            return False
    return qa.answer.startswith("I hear ") and qa.answer.endswith(".")


def _what(scene: Scene, qa: QuestionAnswer) -> bool:
    found = re.fullmatch(r"I hear (.+)\.", qa.answer)
    told = re.split(r", | and ", found[1]) if found else []
    truth = list(dict.fromkeys(_name(event.label, True) for event in _asked(scene, None)))
    return told == (truth or ["no distinct sound"])


def _count(scene: Scene, qa: QuestionAnswer) -> bool:
    at_once = re.search(r"\b(same time|at once|overlap|together)\b", qa.question.lower())
    if not at_once:
        events = scene.events
        again = sum(any(_same_source(event, earlier) for earlier in events[:i]) for i, event in enumerate(events))
        found = re.fullmatch(r"There (?:is|are) (\d+) sound sources? in all\.", qa.answer)
        return found is not None and int(found[1]) == len(events) - again
    found = re.fullmatch(r"At most (\d+) sounds? (?:is|are) heard at the same time\.", qa.answer)
    last = max((round(event.onset_s * 10) + len(event.active) for event in scene.events), default=0)
    most = max((sum(_sounds(event, frame) for event in scene.events) for frame in range(last)), default=0)
    return found is not None and int(found[1]) == most


def _same_source(a: SourceEvent, b: SourceEvent) -> bool:
    return a.label == b.label and a.speaker == b.speaker and a.trajectory[0] == b.trajectory[0]


def _sounds(event: SourceEvent, frame: int) -> bool:
    step = frame - round(event.onset_s * 10)
    return 0 <= step < len(event.active) and event.active[step]


def _number(pattern: str, text: str) -> float:
    """The one number of an answer; NaN, which equals nothing, for another sentence."""
    found = re.fullmatch(pattern, text)
    return float(found[1]) if found else math.nan


def _acoustics(scene: Scene, qa: QuestionAnswer) -> bool:
    if qa.kind == "reverberation":
        told = _number(r"The reverberation time T60 is (\d+\.\d\d) s\.", qa.answer)
        return abs(told - t60_s(scene)) <= 0.005 + 1e-9
    name, field = ("direct-to-reverberant ratio", "drr_db") if qa.kind == "drr" else ("clarity C50", "c50_db")
    told = _number(rf"The {name} is {NUMBER} dB\.", qa.answer)
    return not open_air(scene) and abs(told - of_one_source(scene, field)) <= 0.5 + 1e-9


def _room_size(scene: Scene, qa: QuestionAnswer) -> bool:
    found = re.fullmatch(r"The room is ([a-z -]+), with a volume of about (\d+(?:\.\d+)?) m³\.", qa.answer)
    if not found:
        return False
    volume, told = size_m3(scene), float(found[2])
    unit = 10.0 ** (math.floor(math.log10(volume)) - 1)
    ends = {"small": (0, 40), "medium-sized": (40, 120), "large": (120, 400), "very large": (400, math.inf)}
    low, high = ends.get(found[1], (1, 0))
    rounded = told == float(f"{told:.1e}") and abs(told - volume) <= unit / 2 * (1 + 1e-9)
    return rounded and low <= told < high


def _absent(scene: Scene, qa: QuestionAnswer) -> bool:
    heard = {event.label for event in scene.events}
    if qa.label is None or qa.label not in CLASSES or qa.label in heard or covered(scene, qa.label):
        return False
    return qa.answer == f"I hear no {_name(qa.label, False)} in this recording."


def _mono_direction(scene: Scene, qa: QuestionAnswer) -> bool:
    found = re.fullmatch(r"A mono recording .+ so I cannot tell where the (.+?) comes? from\.", qa.answer)
    told = _name(qa.label, False) if qa.label else "sounds"
    return found is not None and found[1] == told and bool(_asked(scene, qa.label))


def _off_topic(_: Scene, qa: QuestionAnswer) -> bool:
    sentences = qa.answer.split(". ")
    return len(sentences) == 2 and sentences[0] == "I cannot tell that from the sound" and qa.label is None


_CHECKS: dict[str, Callable[[Scene, QuestionAnswer], bool]] = {
    **dict.fromkeys(("where", "planar", "lateral", "how_far"), _located),
    "when": _when,
    "what": _what,
    "count": _count,
    **dict.fromkeys(("reverberation", "drr", "clarity"), _acoustics),
    "room_size": _room_size,
    "absent": _absent,
    "mono_direction": _mono_direction,
    "off_topic": _off_topic,
}
_NAMED = ("where", "planar", "lateral", "how_far", "when", "absent", "mono_direction")


def _question_names(scene: Scene, qa: QuestionAnswer) -> bool:
    """Whether the question names the label that the answer is about, or all sounds where it is about none."""
    if qa.kind not in _NAMED:
        return True
    if qa.label is None:
        names: tuple[str, ...] = GENERIC_ALL
    else:
        names = ALIASES.get(qa.label, (f"the {_name(qa.label, False)}",))
        names += GENERIC_ONE if len(scene.events) == 1 and qa.kind != "absent" else ()
    return any(re.search(rf"\b{re.escape(name.lower())}\b", qa.question.lower()) for name in names)


def check(scene: Scene, qa: QuestionAnswer) -> bool:
    """Whether an answer is true of its scene: every number, every word and whether it declines.

    A question about direction is judged by its kind: ``where`` for channels that tell everything, ``planar``,
    ``lateral`` and ``mono_direction`` for those that tell less. An unknown kind is never true.
    """
    if qa.kind not in _CHECKS or not _question_names(scene, qa):
        return False
    nothing_to_place = qa.kind in ("where", "how_far", "when") and not scene.events
    declines = nothing_to_place or qa.kind in ("absent", "mono_direction", "off_topic")
    return qa.declined == declines and _CHECKS[qa.kind](scene, qa)
