"""Questions that are answered by yes or no, equally often: the answer is drawn first, then a question that has it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from spatial_lalm.audio import wording
from spatial_lalm.simulation.questions import motion, places, rooms, times, wordings
from spatial_lalm.simulation.questions.absent import present
from spatial_lalm.simulation.questions.answer import Draft, Name
from spatial_lalm.simulation.questions.checks import yes_no as judges
from spatial_lalm.simulation.questions.kind import DraftedKind, Drafts, Judge
from spatial_lalm.simulation.questions.view import DISTANCE_RATIO, NOISES, View
from spatial_lalm.simulation.questions.wordings import SIDE_PHRASES

DISTANCES_M = (0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0)
T60S = (0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0)
VOLUMES_M3 = (15, 30, 60, 120, 250, 500, 1000, 2000, 5000)
FARTHEST_THRESHOLD = 4.0  # a threshold farther off would be no question
Slots = dict[str, str | Name]


def draft(truth: bool, slots: Slots, evidence: tuple[int, ...] = (), topic: str = "", book: str = "") -> Draft:
    """A question whose answer is yes or no."""
    claim = "yes" if truth else "no"
    label = next((value.label for value in slots.values() if isinstance(value, Name)), None)
    return Draft(slots, f"{claim.capitalize()}.", evidence, label, claim, topic, book=book)


def is_there(view: View) -> list[Draft]:
    """Whether a class sounds: absent ones are drawn so that classes are balanced, but for those that noise hides."""
    heard = [
        replace(draft(True, {"a": wording.spoken_name(label, "a")}, tuple(members), _noise(label)), weight=weight)
        for label, weight in present(view.of_class, view.shares).items()
        for members in [view.of_class[label]]
    ]
    return heard + [
        replace(draft(False, {"a": wording.spoken_name(label, "a")}, (), _noise(label)), weight=weight)
        for label, weight in view.absent.items()
    ]


def _noise(label: str) -> str:
    """The topic of a class whose absence is rarely certain."""
    return label if label in NOISES else ""


def is_on_side(view: View) -> list[Draft]:
    """Whether a sound is on a side."""
    return [
        draft(inside, {"x": name, "side": SIDE_PHRASES[side]}, (index,), side)
        for index, name in view.still.items()
        for side in view.sides
        if (inside := view.side(index, side)) is not None
    ]


def _thresholds(value: float, steps: Iterable[float], words: tuple[str, str]) -> Iterator[tuple[bool, str, float]]:
    """Thresholds clear of a value, each with the word for above and for below it."""
    for step in steps:
        ratio = max(value / step, step / value)
        if DISTANCE_RATIO <= ratio <= FARTHEST_THRESHOLD:
            yield value > step, words[0], step
            yield value < step, words[1], step


def is_within(view: View) -> list[Draft]:
    """Whether a sound is nearer or farther than so many metres."""
    return [
        draft(truth, {"x": name, "rank": word, "d": wordings.amount(metres, "metre")}, (index,), f"{word} {metres:g}")
        for index, name in view.still.items()
        for truth, word, metres in _thresholds(view.events[index].distance_m, DISTANCES_M, ("farther", "nearer"))
    ]


def t60_above(view: View) -> list[Draft]:
    """Whether the reverberation time is longer or shorter than so many seconds."""
    t60 = rooms.reverberation_s(view)
    found = _thresholds(t60, T60S, ("longer", "shorter")) if t60 else ()
    return [
        draft(truth, {"rank": word, "s": wordings.amount(step, "second")}, (), f"{word} {step:g}")
        for truth, word, step in found
    ]


def volume_above(view: View) -> list[Draft]:
    """Whether the room is larger or smaller than so many cubic metres."""
    volume = rooms.volume_m3(view)
    found = _thresholds(volume, VOLUMES_M3, ("larger", "smaller")) if volume else ()
    return [draft(truth, {"rank": word, "v": f"{step:g}"}, (), f"{word} {step:g}") for truth, word, step in found]


# ---------------------------------------------------------------- two sounds


def _compared(view: View, relation: str) -> list[Draft]:
    _, positive, negative = places.RELATIONS[relation]
    return [
        draft(truth == (rank == positive), {"x": x, "y": y, "rank": rank}, (a, b))
        for a, b, x, y, truth in places.compared(view, relation)
        for rank in (positive, negative)
    ]


def is_before(view: View) -> list[Draft]:
    """Whether a sound starts before or after another."""
    return [
        draft(truth == (rank == "before"), {"x": x, "y": y, "rank": rank}, (a, b))
        for a, b, x, y in places.pairs(view.names)
        if (truth := times.before(view, a, b)) is not None
        for rank in ("before", "after")
    ]


def is_longer(view: View) -> list[Draft]:
    """Whether a sound lasts longer or shorter than another."""
    return [
        draft(truth == (rank == "longer"), {"x": x, "y": y, "rank": rank}, (a, b))
        for a, b, x, y in places.pairs(view.names)
        if (truth := times.longer(view, a, b)) is not None
        for rank in ("longer", "shorter")
    ]


def same_side(view: View) -> list[Draft]:
    """Whether two sounds are both left or both right; a scene must have both cases."""
    side = {
        index: "left" if view.side(index, "left") else "right" if view.side(index, "right") else ""
        for index in view.still
    }
    return [
        draft(side[a] == side[b], {"x": x, "y": y}, (a, b))
        for a, b, x, y in places.pairs(view.still)
        if side[a] and side[b]
    ]


def do_overlap(view: View) -> list[Draft]:
    """Whether two sounds are heard at the same time; a scene must have both cases."""
    return [
        draft(both, {"x": x, "y": y}, (a, b))
        for a, b, x, y in places.pairs(view.names)
        if (both := view.overlap(a, b)) is not None
    ]


# ---------------------------------------------------------------- motion, the whole scene


def is_moving(view: View) -> list[Draft]:
    """Whether a sound moves; a scene must have both cases."""
    return [
        draft(moving, {"x": name}, (index,))
        for index, name in view.names.items()
        if motion.still_receiver(view) and (moving := view.motion[index]) is not None
    ]


def moves_way(view: View) -> list[Draft]:
    """Whether a sound moves in a way, or in the opposite one."""
    return [
        draft(text == motion.way_text(way, change), {"x": name, "way": text}, (index,), text)
        for index, name in view.names.items()
        if motion.still_receiver(view) and view.motion[index]
        for way, change in motion.changes(view, index).items()
        if change
        for text in motion.WAYS[way]
    ]


def is_outdoors(view: View) -> list[Draft]:
    """Whether the recording was made outdoors, or indoors."""
    outside = view.scene.room.outdoors
    return [
        draft(outside == (side == "outdoors"), {"side": side}, (), side)
        for side in ("indoors", "outdoors")
        if view.events
    ]


def any_interrupts(view: View) -> list[Draft]:
    """Whether talkers talk at the same time, or wait for each other."""
    if view.interrupted is None:
        return []
    talk = tuple(index for _, index in view.turns)
    books = {"any_interrupts": view.interrupted, "none_interrupts": not view.interrupted}
    return [draft(truth, {}, talk, book, book) for book, truth in books.items()]


def more_than(view: View) -> list[Draft]:
    """Whether there are more than so many sounds, every event another source."""
    number = len(view.order)
    if len({times.source_of(view, index) for index in view.order}) < number:
        return []
    return [
        draft(number > than, {"n": wordings.counted(than, "sound")}, view.order, str(than))
        for than in range(max(1, number - 2), number + 2)
    ]


def extreme_on_side(view: View) -> list[Draft]:
    """Whether the first or the last sound is on a side."""
    return [
        draft(inside, {"rank": rank, "side": SIDE_PHRASES[side]}, (index,), side)
        for rank, index in times.ends_of(view)
        for side in view.sides
        if (inside := view.side(index, side)) is not None
    ]


def _kind(name: str, drafts: Drafts, judge: Judge, needs: wording.Spatial = "none") -> DraftedKind:
    books = ("any_interrupts", "none_interrupts") if name == "any_interrupts" else (name,)
    return DraftedKind(name, "yes_no", drafts, judge, needs, balanced=True, books=books)


KINDS = (
    _kind("is_there", is_there, judges.is_there),
    _kind("is_on_side", is_on_side, judges.is_on_side, "lateral"),
    _kind("is_within", is_within, judges.is_within),
    _kind("is_nearer", lambda view: _compared(view, "nearer"), judges.compared),
    _kind("is_left_of", lambda view: _compared(view, "side"), judges.compared, "lateral"),
    _kind("is_higher", lambda view: _compared(view, "higher"), judges.compared, "full"),
    _kind("same_side", same_side, judges.same_side, "lateral"),
    _kind("do_overlap", do_overlap, judges.do_overlap),
    _kind("is_before", is_before, judges.compared),
    _kind("is_longer", is_longer, judges.compared),
    _kind("is_moving", is_moving, judges.is_moving, "planar"),
    _kind("moves_way", moves_way, judges.moves_way, "planar"),
    _kind("is_outdoors", is_outdoors, judges.is_outdoors),
    _kind("t60_above", t60_above, judges.t60_above),
    _kind("volume_above", volume_above, judges.volume_above),
    _kind("any_interrupts", any_interrupts, judges.any_interrupts),
    _kind("more_than", more_than, judges.more_than),
    _kind("extreme_on_side", extreme_on_side, judges.extreme_on_side, "lateral"),
)
