"""Questions whose right answer is to decline: what is not there, what sound does not tell, what the channels lack.

Their wordings are those of questions that can be answered, so that only the recording tells that these cannot.
"""

from __future__ import annotations

from spatial_lalm.audio import telling, wording
from spatial_lalm.simulation.questions.answer import Draft, Name
from spatial_lalm.simulation.questions.checks import unanswerable as judges
from spatial_lalm.simulation.questions.kind import DraftedKind, Drafts, Judge
from spatial_lalm.simulation.questions.phrasings.names import THINGS
from spatial_lalm.simulation.questions.view import View
from spatial_lalm.simulation.questions.wordings import called, times_heard
from spatial_lalm.simulation.questions.yes_no import absent_labels

ONE_SOUND = ("octant", "distance", "onset", "offset", "duration", "left_or_right", "moves_or_still", "which_way")
TWO_SOUNDS = ("which_nearer", "which_first", "which_side", "angle_between", "relation")
RANKS = {"which_nearer": "nearer", "which_first": "first", "which_side": "left"}
OF_DIRECTION = ("octant", "azimuth", "elevation", "left_or_right", "front_or_back")
OF_HEIGHT = ("elevation", "height")
OF_ROOMS = ("t60", "edt", "t60_band")
NO_ROOM = "This was recorded outdoors, so there is no room."
NO_REVERBERATION = "This was recorded outdoors, so there is no reverberation to measure."


def absent_sound(view: View) -> list[Draft]:
    """A sound that is not there."""
    return [
        Draft({"x": Name(label)}, telling.absence(label), label=label, book=book)
        for label in absent_labels(view)
        for book in ONE_SOUND
    ]


def absent_pair(view: View) -> list[Draft]:
    """Two sounds of which one is not there."""
    found = []
    for index, label in view.single.items():
        for absent in absent_labels(view):
            for book in TWO_SOUNDS:
                first, second = Name(label), Name(absent)
                rank: dict[str, str | Name] = {"rank": RANKS[book]} if book in RANKS else {}
                for x, y in ((first, second), (second, first)):
                    slots: dict[str, str | Name] = {"x": x, "y": y, **rank}
                    found.append(Draft(slots, telling.absence(absent), (index,), absent, book=book))
    return found


def false_ordinal(view: View) -> list[Draft]:
    """The second of a sound that is heard once, or the third of one heard twice."""
    found = []
    for label, members in view.of_class.items():
        if len(members) < 3 and view.in_turn(members):
            name = Name(label, len(members) + 1)
            text = f"I hear {called(Name(label))} only {times_heard(len(members))}."
            found += [Draft({"x": name}, text, tuple(members), label, book=book) for book in ONE_SOUND]
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
    bands = {"t60_band": {"band": "1000"}}
    return [Draft(bands.get(book, {}), NO_REVERBERATION, book=book) for book in OF_ROOMS]


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
