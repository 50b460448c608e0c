"""Multiple choice: four options in random order, one of them right.

Options never differ in style, and each could be the right one: the four directions that are 90 degrees apart, the four
words for a size, or four sounds that are all there. So nothing but the sound tells which it is.
"""

from __future__ import annotations

import itertools

from spatial_lalm.audio import wording
from spatial_lalm.audio.wording import OCTANTS
from spatial_lalm.simulation.questions import motion, places, rooms, talkers, times
from spatial_lalm.simulation.questions.answer import LETTERS, Draft, Name
from spatial_lalm.simulation.questions.checks import choice as judges
from spatial_lalm.simulation.questions.kind import DraftedKind, Drafts, Judge
from spatial_lalm.simulation.questions.view import TIME_MARGIN_S, View
from spatial_lalm.simulation.questions.wordings import called

RANGES: tuple[tuple[float, str], ...] = (
    (1.0, "less than 1 m"),
    (2.0, "from 1 m to 2 m"),
    (4.0, "from 2 m to 4 m"),
    (float("inf"), "more than 4 m"),
)
ANGLES: tuple[tuple[float, str], ...] = (
    (40.0, "less than 40°"),
    (80.0, "from 40° to 80°"),
    (120.0, "from 80° to 120°"),
    (181.0, "more than 120°"),
)
ANGLE_MARGIN_DEG = 6.0
PARTS = ("the first quarter", "the second quarter", "the third quarter", "the last quarter")
FOUR = len(LETTERS)


def _others(right: str, every: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(text for text in every if text != right)


def _word(slots: dict[str, str | Name], right: str, every: tuple[str, ...], evidence: tuple[int, ...] = ()) -> Draft:
    """A choice among fixed texts."""
    label = next((value.label for value in slots.values() if isinstance(value, Name)), None)
    return Draft(slots, right, evidence, label, claim=right, wrong=_others(right, every))


def quadrants(right: str) -> tuple[str, ...]:
    """The four octants 90 degrees apart of which one is given."""
    return OCTANTS[OCTANTS.index(right) % 2 :: 2]


def choose_octant(view: View) -> list[Draft]:
    """In which of four directions a sound is."""
    found = ((index, name, view.octant(index)) for index, name in view.still.items())
    return [_word({"x": name}, words, quadrants(words), (index,)) for index, name, words in found if words]


def choose_range(view: View) -> list[Draft]:
    """In which range of distances a sound is."""
    found = []
    for index, name in view.still.items():
        metres = view.events[index].distance_m
        if rooms.clear_of(metres, tuple(end for end, _ in RANGES[:-1])):
            right = next(text for end, text in RANGES if metres < end)
            found.append(_word({"x": name}, right, tuple(text for _, text in RANGES), (index,)))
    return found


def choose_angle(view: View) -> list[Draft]:
    """In which range the angle between two sounds lies."""
    found = []
    for a, b, x, y in places.pairs(view.still):
        angle = view.angle(a, b)
        if all(abs(angle - end) >= ANGLE_MARGIN_DEG for end, _ in ANGLES):
            right = next(text for end, text in ANGLES if angle < end)
            found.append(_word({"x": x, "y": y}, right, tuple(text for _, text in ANGLES), (a, b)))
    return found


def choose_reverberation(view: View) -> list[Draft]:
    """How reverberant the room is in a word."""
    words = (*(word for _, word in wording.REVERBERATION), wording.MOST_REVERBERANT)
    return [_word({}, draft.claim, words) for draft in rooms.reverberation_word(view)]


def choose_size(view: View) -> list[Draft]:
    """How large the room is in a word."""
    words = (*(word for _, word in wording.SIZES), wording.LARGEST)
    return [_word({}, draft.claim, words) for draft in rooms.size_word(view)]


def choose_count(view: View) -> list[Draft]:
    """How many kinds of sound there are, of one to four."""
    number = len(view.of_class)
    return [_word({}, str(number), tuple("1234"), view.order)] if 1 <= number <= FOUR else []


def choose_talkers(view: View) -> list[Draft]:
    """How many people talk, of one to four."""
    number = view.speakers
    talk = tuple(index for _, index in view.turns)
    return [_word({}, str(number), tuple("1234"), talk)] if 1 <= number <= FOUR else []


def choose_part(view: View) -> list[Draft]:
    """In which quarter of the recording a sound starts."""
    quarter_s = view.scene.duration_s / FOUR
    found = []
    for index, name in view.names.items():
        onset_s = view.events[index].onset_s
        if all(abs(onset_s - edge * quarter_s) >= TIME_MARGIN_S for edge in (1, 2, 3)) and onset_s < FOUR * quarter_s:
            found.append(_word({"x": name}, PARTS[int(onset_s / quarter_s)], PARTS, (index,)))
    return found


TWO_WAYS = tuple(f"{aside} and {away}" for aside in motion.WAYS["aside"] for away in motion.WAYS["range"])


def choose_way(view: View) -> list[Draft]:
    """In which of four ways a sound moves that moves both aside and in distance.

    Left to right mirrors right to left, and every path that comes nearer goes away when walked back. The single ways
    would not do as options: in most recipes many more sounds change their distance alone than their side alone.
    """
    found = []
    for index, name in view.names.items() if motion.still_receiver(view) else ():
        change = motion.changes(view, index)
        if view.motion[index] and change["aside"] and change["range"]:
            ways = " and ".join(motion.way_text(way, change[way] or 0) for way in ("aside", "range"))
            found.append(_word({"x": name}, ways, TWO_WAYS, (index,)))
    return found


def choose_speaker_place(view: View) -> list[Draft]:
    """In which of four directions a speaker is."""
    own = talkers.own_turns(view)
    return [
        _word({"who": talkers.speaker(number)}, words, quadrants(words), tuple(members))
        for number, members in own.items()
        if len(own) > 1 and (words := talkers.speaker_octant(view, members))
    ]


# ---------------------------------------------------------------- which of the sounds


def _which(view: View, found: list[Draft]) -> list[Draft]:
    """The drafts whose answer is one sound, as a choice among sounds that are all there."""
    if len(view.single) < len(view.events):
        return []
    every = {index: called(view.names[index]) for index in view.order}
    return [
        Draft(one.slots, right, (index,), claim=right, topic=rank, wrong=_others(right, tuple(every.values())))
        for one in found
        for index in one.evidence[:1]
        for right in [every[index]]
        for rank in [str(one.slots.get("rank", ""))]
    ]


def choose_on_side(view: View) -> list[Draft]:
    """Which of four sounds is on a side, alone."""
    alone = [draft for draft in places.on_side(view) if len(draft.evidence) == 1]
    return _which(view, alone)


def choose_order(view: View) -> list[Draft]:
    """In which of four orders three sounds start."""
    if len(view.order) != 3:
        return []
    return [
        Draft({}, times.order_text(names), one.evidence, wrong=_others(times.order_text(names), every))
        for one in times.order(view)
        for names in [[view.names[index] for index in view.order]]
        for every in [tuple(times.order_text(list(order)) for order in itertools.permutations(names))]
    ]


def _kind(name: str, book: str, drafts: Drafts, judge: Judge, needs: wording.Spatial = "none") -> DraftedKind:
    return DraftedKind(name, "choice", drafts, judge, needs, choice=True, books=(book,))


KINDS = (
    _kind("choose_octant", "octant", choose_octant, judges.octant, "planar"),
    _kind("choose_range", "how_near", choose_range, judges.choose_range),
    _kind("choose_angle", "angle_between", choose_angle, judges.choose_angle, "full"),
    _kind("choose_reverberation", "reverberation_word", choose_reverberation, judges.reverberation),
    _kind("choose_size", "size_word", choose_size, judges.size),
    _kind("choose_count", "count_classes", choose_count, judges.choose_count),
    _kind("choose_talkers", "count_talkers", choose_talkers, judges.choose_talkers),
    _kind("choose_part", "which_part", choose_part, judges.choose_part),
    _kind("choose_way", "which_way", choose_way, judges.way, "planar"),
    _kind("choose_speaker_place", "speaker_place", choose_speaker_place, judges.speaker_place, "planar"),
    _kind("choose_extreme", "extreme", lambda view: _which(view, times.extreme(view)), judges.extreme),
    _kind("choose_longest", "longest", lambda view: _which(view, times.longest(view)), judges.longest),
    _kind("choose_nearest", "nearest", lambda view: _which(view, places.nearest(view)), judges.nearest),
    _kind("choose_mover", "who_moves", lambda view: _which(view, motion.who_moves(view)), judges.who_moves, "planar"),
    _kind("choose_on_side", "one_on_side", choose_on_side, judges.choose_on_side, "lateral"),
    _kind("choose_order", "order", choose_order, judges.order),
)
