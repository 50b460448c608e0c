"""Questions whose right answer is to decline: what is not there, what sound does not tell, what the channels lack.

Their wordings are those of questions that can be answered, so that only the recording tells that these cannot.
"""

from __future__ import annotations

from dataclasses import replace

from spatial_lalm.audio import telling, wording
from spatial_lalm.audio.scene import OCTAVES_HZ
from spatial_lalm.simulation.questions import motion, places, times
from spatial_lalm.simulation.questions.answer import Draft, Name
from spatial_lalm.simulation.questions.checks import unanswerable as judges
from spatial_lalm.simulation.questions.kind import DraftedKind, Drafts, Judge
from spatial_lalm.simulation.questions.phrasings.names import THINGS
from spatial_lalm.simulation.questions.view import View
from spatial_lalm.simulation.questions.wordings import called, times_heard

ONE_SOUND = ("octant", "distance", "onset", "offset", "duration", "left_or_right", "moves_or_still", "which_way")
TWO_SOUNDS = ("which_nearer", "which_first", "which_side", "angle_between", "relation")
ANSWERED = {kind.name: kind for module in (places, times, motion) for kind in module.KINDS}
LEAST_SHARE = 0.01
"""Of classes that are not in the list of shares."""
RANKS = {"which_nearer": "nearer", "which_first": "first", "which_side": "left"}
OF_DIRECTION = ("octant", "azimuth", "elevation", "left_or_right", "front_or_back")
OF_HEIGHT = ("elevation", "height")
OF_ROOMS = ("t60", "edt", "t60_band")
NO_ROOM = "This was recorded outdoors, so there is no room."
NO_REVERBERATION = "This was recorded outdoors, so there is no reverberation to measure."


def _answered(view: View, books: tuple[str, ...]) -> list[Draft]:
    """Questions of some kinds that the scene answers, every kind with the same weight, as they are drawn.

    What is declined is made like them, with another sound in the place of one: nothing else tells the two apart.
    """
    found = []
    for book in books:
        drafts = ANSWERED[book].possible(view)
        found += [replace(draft, book=book, weight=1 / len(drafts)) for draft in drafts]
    return found


def absent_sound(view: View) -> list[Draft]:
    """A sound that is not there."""
    alike = _answered(view, ONE_SOUND) or [Draft({"x": Name("")}, "", book=book) for book in ONE_SOUND]
    ways: dict[tuple[str, int | None], float] = {}
    for draft in alike:
        way = draft.book, _name(draft, "x").ordinal
        ways[way] = ways.get(way, 0.0) + draft.weight
    return [
        Draft({"x": Name(label, ordinal)}, telling.absence(label), label=label, book=book, weight=own * weight)
        for label, own in view.absent.items()
        for (book, ordinal), weight in ways.items()
    ]


def _name(draft: Draft, gap: str) -> Name:
    name = draft.slots[gap]
    assert isinstance(name, Name), "sounds are what is asked about here"
    return name


def absent_pair(view: View) -> list[Draft]:
    """Two sounds of which one is not there."""
    places = {name: index for index, name in view.names.items()}
    found = []
    for draft in _answered(view, TWO_SOUNDS) or _pairs_of_one(view):
        for gap, other in (("x", "y"), ("y", "x")):
            kept = _name(draft, other)
            for label, own in view.absent.items():
                slots = {**draft.slots, gap: Name(label, _name(draft, gap).ordinal)}
                evidence, weight = (places[kept],), own * draft.weight
                found.append(Draft(slots, telling.absence(label), evidence, label, book=draft.book, weight=weight))
    return found


def _pairs_of_one(view: View) -> list[Draft]:
    """Where a scene has no two sounds to ask about: each of its sounds with whatever takes the other's place."""
    return [
        Draft({"x": name, "y": name, **({"rank": RANKS[book]} if book in RANKS else {})}, "", book=book)
        for name in view.names.values()
        if name.ordinal is None
        for book in TWO_SOUNDS
    ]


def false_ordinal(view: View) -> list[Draft]:
    """The second of a sound that is heard once, or the third of one heard twice.

    Weighted by how often a class is drawn: that is how often one comes again.
    """
    books = dict.fromkeys(draft.book for draft in _answered(view, ONE_SOUND)) or ONE_SOUND
    found = []
    for label, members in view.of_class.items():
        if len(members) < 3 and view.in_turn(members):
            name = Name(label, len(members) + 1)
            text = f"I hear {called(Name(label))} only {times_heard(len(members))}."
            weight = 1.0 if view.shares is None else max(view.shares.of(label), LEAST_SHARE)
            found += [Draft({"x": name}, text, tuple(members), label, book=book, weight=weight) for book in books]
    return found


def _beyond_sound(view: View) -> list[Draft]:
    """What a sound does not tell of its source."""
    return [
        Draft({"x": thing}, telling.CANNOT, label=label) for label in view.of_class for thing in THINGS.get(label, ())
    ]


def identity(view: View) -> list[Draft]:
    """Who a talker is."""
    return [draft for draft in _beyond_sound(view) if draft.label == "speech"]


def direction_in_mono(view: View) -> list[Draft]:
    """A direction that one channel does not carry."""
    return [
        Draft({"x": name}, telling.tell(view.scene, "mono_direction", name.label), (), name.label, book=book)
        for name in view.names.values()
        for book in OF_DIRECTION
    ]


def height_in_planar(view: View) -> list[Draft]:
    """A height that channels in a plane do not carry."""
    text = f"{wording.LIMITS['planar'].capitalize()}."
    return [Draft({"x": name}, text, (), name.label, book=book) for name in view.names.values() for book in OF_HEIGHT]


def front_in_lateral(view: View) -> list[Draft]:
    """Front or back, which a left-right axis does not tell."""
    text = f"{wording.LIMITS['lateral'].capitalize()}."
    return [Draft({"x": name}, text, (), name.label, book="front_or_back") for name in view.names.values()]


def t60_outdoors(view: View) -> list[Draft]:
    """A reverberation time where there is no room."""
    if not view.scene.room.outdoors or not view.events:
        return []
    bands = [
        Draft({"band": f"{hertz:g}"}, NO_REVERBERATION, book="t60_band", weight=1 / len(OCTAVES_HZ))
        for hertz in OCTAVES_HZ
    ]
    return [*(Draft({}, NO_REVERBERATION, book=book) for book in OF_ROOMS if book != "t60_band"), *bands]


def size_outdoors(view: View) -> list[Draft]:
    """The size of a room where there is none."""
    return [Draft({}, NO_ROOM, book="size_word")] if view.scene.room.outdoors and view.events else []


def _kind(
    name: str,
    drafts: Drafts,
    judge: Judge,
    books: tuple[str, ...],
    needs: wording.Spatial = "none",
    most: wording.Spatial = "full",
) -> DraftedKind:
    return DraftedKind(name, "unanswerable", drafts, judge, needs, most, declines=True, books=books)


KINDS = (
    _kind("absent_sound", absent_sound, judges.absent, ONE_SOUND),
    _kind("absent_pair", absent_pair, judges.absent_pair, TWO_SOUNDS),
    _kind("false_ordinal", false_ordinal, judges.false_ordinal, ONE_SOUND),
    _kind("identity", identity, judges.beyond_sound, ("identity",)),
    _kind("visual", _beyond_sound, judges.beyond_sound, ("visual",)),
    _kind("unheard", _beyond_sound, judges.beyond_sound, ("unheard",)),
    _kind("direction_in_mono", direction_in_mono, judges.direction_in_mono, OF_DIRECTION, "none", "none"),
    _kind("height_in_planar", height_in_planar, judges.height_in_planar, OF_HEIGHT, "lateral", "planar"),
    _kind("front_in_lateral", front_in_lateral, judges.front_in_lateral, ("front_or_back",), "lateral", "lateral"),
    _kind("t60_outdoors", t60_outdoors, judges.t60_outdoors, OF_ROOMS),
    _kind("size_outdoors", size_outdoors, judges.size_outdoors, ("size_word",)),
)
