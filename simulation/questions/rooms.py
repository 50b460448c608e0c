"""Questions about the room and what it does to one sound; outdoors there is neither reverberation time nor size.

DRR, C50, D50 and EDT belong to one source's response. They are asked of a named sound, or of the scene where all of it
comes from one source. A T60 that could not be measured (nothing lies behind the direct sound) is never asked about.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from spatial_lalm.audio import wording
from spatial_lalm.audio.scene import OCTAVES_HZ, Acoustics
from spatial_lalm.simulation.acoustics import RATIO_LIMIT_DB
from spatial_lalm.simulation.questions.answer import Draft
from spatial_lalm.simulation.questions.checks import rooms as judges
from spatial_lalm.simulation.questions.kind import DraftedKind
from spatial_lalm.simulation.questions.places import pairs
from spatial_lalm.simulation.questions.view import View, one_source
from spatial_lalm.simulation.questions.wordings import called, sentence

EDGE_RATIO = 1.1  # what lies nearer to the edge between two words is not asked about
DRR_MARGIN_DB = 3.0


def reverberation_s(view: View) -> float | None:
    """The T60 of a room that sounds make heard; None outdoors and where it was not measured."""
    measured = view.scene.acoustics
    known = measured is not None and view.events and not view.scene.room.outdoors
    return measured.t60_s if known and measured and math.isfinite(measured.t60_s) else None


def volume_m3(view: View) -> float | None:
    """The volume of a room that sounds make heard; None outdoors."""
    return view.scene.room.volume_m3 if view.events and not view.scene.room.outdoors else None


def clear_of(value: float, edges: tuple[float, ...]) -> bool:
    """Whether a value is clear of every edge between two words."""
    return all(not 1 / EDGE_RATIO < value / edge < EDGE_RATIO for edge in edges)


def t60(view: View) -> list[Draft]:
    """The broadband reverberation time."""
    measured_s = reverberation_s(view)
    return [] if measured_s is None else [Draft({}, f"The reverberation time is {measured_s:.2f} s.")]


def edt(view: View) -> list[Draft]:
    """The early decay time, which depends on where the source is: asked of the scene where there is one source."""
    measured = view.scene.acoustics
    return [Draft({}, text) for text in edt_text(view, measured)] if one_source(view.scene) else []


def edt_text(view: View, measured: Acoustics | None) -> list[str]:
    """The early decay time that was measured, in a sentence; nothing outdoors."""
    if measured is None or not told(view, measured.edt_s):
        return []
    return [f"The early decay time is {measured.edt_s:.2f} s."]


def d50(view: View) -> list[Draft]:
    """The definition in per cent, which depends on where the source is: see ``edt``."""
    return [Draft({}, text) for text in d50_text(view, view.scene.acoustics)] if one_source(view.scene) else []


def d50_text(view: View, measured: Acoustics | None) -> list[str]:
    """The definition that was measured, in a sentence; nothing outdoors."""
    if measured is None or not told(view, measured.d50):
        return []
    return [f"The definition D50 is {math.floor(100 * measured.d50 + 0.5)} %."]


def told(view: View, value: float) -> bool:
    """Whether a quantity of reverberation can be told: it was measured, in a room.

    Over bare ground there is a DRR, that of one echo, but a question about reverberant sound would claim a room.
    """
    return math.isfinite(value) and not view.scene.room.outdoors


def t60_band(view: View) -> list[Draft]:
    """The reverberation time of an octave band."""
    if view.scene.acoustics is None or reverberation_s(view) is None:
        return []
    bands = zip(OCTAVES_HZ, view.scene.acoustics.t60_bands_s, strict=True)
    return [
        Draft({"band": f"{hertz:.0f}"}, f"The reverberation time at {hertz:.0f} Hz is {measured_s:.2f} s.")
        for hertz, measured_s in bands
        if math.isfinite(measured_s)
    ]


def reverberation_word(view: View) -> list[Draft]:
    """How reverberant it is in a word."""
    measured_s = reverberation_s(view)
    if measured_s is None or not clear_of(measured_s, tuple(edge for edge, _ in wording.REVERBERATION)):
        return []
    word = wording.reverberation_words(measured_s)
    return [Draft({}, f"It is {word}.", claim=word)]


def size_word(view: View) -> list[Draft]:
    """How large the room is in a word."""
    volume = volume_m3(view)
    if volume is None or not clear_of(volume, tuple(edge for edge, _ in wording.SIZES)):
        return []
    word = wording.size_words(volume)
    return [Draft({}, f"It is {word}.", claim=word)]


def indoors_or_outdoors(view: View) -> list[Draft]:
    """Whether there is a room."""
    place = "outdoors" if view.scene.room.outdoors else "indoors"
    return [Draft({}, f"It was recorded {place}.", claim=place)] if view.events else []


def _level_of(view: View, name: str, field: str) -> list[Draft]:
    levels = {i: getattr(view.events[i].acoustics, field) for i in view.names if view.events[i].acoustics}
    return [
        Draft({"x": view.names[i]}, f"The {name} is {wording.whole_decibels(level)} dB.", (i,), view.names[i].label)
        for i, level in levels.items()
        if told(view, level) and abs(level) < RATIO_LIMIT_DB
    ]


def _told_of(view: View, texts: Callable[[Acoustics | None], list[str]]) -> list[Draft]:
    return [
        Draft({"x": name}, text, (index,), name.label)
        for index, name in view.names.items()
        for text in texts(view.events[index].acoustics)
    ]


def which_drr(view: View) -> list[Draft]:
    """Which of two sounds is the more direct."""
    known = {i: a.drr_db for i in view.names if (a := view.events[i].acoustics) and told(view, a.drr_db)}
    return [
        Draft(
            {"x": x, "y": y, "rank": rank},
            sentence(called(x if (known[a] > known[b]) == (rank == "higher") else y)),
            (a, b),
        )
        for a, b, x, y in pairs({i: view.names[i] for i in known})
        for rank in ("higher", "lower")
        if abs(known[a] - known[b]) >= DRR_MARGIN_DB
    ]


KINDS = (
    DraftedKind("t60", "room", t60, judges.t60),
    DraftedKind("edt", "room", edt, judges.edt),
    DraftedKind("d50", "room", d50, judges.d50),
    DraftedKind("t60_band", "room", t60_band, judges.t60_band),
    DraftedKind("reverberation_word", "room", reverberation_word, judges.reverberation_word),
    DraftedKind("size_word", "room", size_word, judges.size_word),
    DraftedKind("indoors_or_outdoors", "room", indoors_or_outdoors, judges.indoors_or_outdoors),
    DraftedKind("drr_of", "room", lambda view: _level_of(view, "direct-to-reverberant ratio", "drr_db"), judges.drr_of),
    DraftedKind("c50_of", "room", lambda view: _level_of(view, "clarity C50", "c50_db"), judges.c50_of),
    DraftedKind("edt_of", "room", lambda view: _told_of(view, partial(edt_text, view)), judges.edt_of),
    DraftedKind("d50_of", "room", lambda view: _told_of(view, partial(d50_text, view)), judges.d50_of),
    DraftedKind("which_drr", "room", which_drr, judges.which_drr),
)
