"""Questions about sounds that move: which, which way, from where to where."""

from __future__ import annotations

from spatial_lalm.audio import wording
from spatial_lalm.audio.conventions import wrap_degrees
from spatial_lalm.simulation.questions.answer import Draft
from spatial_lalm.simulation.questions.checks import motion as judges
from spatial_lalm.simulation.questions.kind import DraftedKind
from spatial_lalm.simulation.questions.view import HIGHEST_DEG, MOVES_RATIO, OCTANT_MARGIN_DEG, STILL_RATIO, View
from spatial_lalm.simulation.questions.wordings import called, sentence, subject

ASIDE, NOT_ASIDE = 0.5, 0.15  # along the left-right axis, of a unit vector
UP_DEG, NOT_UP_DEG = 20.0, 8.0
WAYS = {
    "aside": ("from right to left", "from left to right"),
    "range": ("away from me", "towards me"),
    "height": ("upwards", "downwards"),
}


def still_receiver(view: View) -> bool:
    """Whether motion means that the source moves: a receiver that turns makes everything move."""
    return not view.scene.receiver_track


def only_mover(view: View) -> int | None:
    """The only event that moves while all others clearly stay, of two or more."""
    movers = [index for index in view.order if view.motion[index]]
    clear = still_receiver(view) and None not in view.motion.values() and len(view.order) > 1
    return movers[0] if clear and len(movers) == 1 else None


def _sign(change: float, moves: float, still: float) -> int | None:
    """1 or -1 for a clear change, 0 for none, None between."""
    if abs(change) >= moves:
        return 1 if change > 0 else -1
    return 0 if abs(change) <= still else None


def changes(view: View, index: int) -> dict[str, int | None]:
    """How an event's place changes from start to end along each of ``WAYS`` that the channels tell."""
    (_, low, near), (_, high, far) = view.events[index].trajectory[0], view.events[index].trajectory[-1]
    aside = view.vector(index, -1)[1] - view.vector(index)[1]
    ratio = far / near
    found = {
        "aside": _sign(aside, ASIDE, NOT_ASIDE),
        "range": _sign(ratio - 1, MOVES_RATIO - 1, STILL_RATIO - 1)
        if ratio >= 1
        else _sign(1 - 1 / ratio, MOVES_RATIO - 1, STILL_RATIO - 1),
        "height": _sign(high - low, UP_DEG, NOT_UP_DEG),
    }
    return {way: change for way, change in found.items() if way != "height" or view.rank == 3}


def way_text(way: str, change: int) -> str:
    """The words for a change along a way."""
    return WAYS[way][0 if change > 0 else 1]


def moving_ways(view: View, index: int) -> list[str] | None:
    """Every way in which an event moves; None where one is not clear, or it goes there and back."""
    found = changes(view, index)
    if None in found.values() or not view.motion[index]:
        return None
    return [way_text(way, change) for way, change in found.items() if change] or None


def moves_or_still(view: View) -> list[Draft]:
    """Whether a sound moves; both must occur, or its class would tell."""
    if not still_receiver(view):
        return []
    return [
        Draft(
            {"x": name},
            f"{subject(name, 'moves')}." if moving else f"{subject(name, 'stays')} in place.",
            (index,),
            name.label,
            claim="yes" if moving else "no",
        )
        for index, name in view.names.items()
        if (moving := view.motion[index]) is not None
    ]


def which_way(view: View) -> list[Draft]:
    """Which ways a sound moves."""
    return [
        Draft(
            {"x": name},
            f"{subject(name, 'moves')} {wording.list_text(ways).replace(' me', ' you')}.",
            (index,),
            name.label,
        )
        for index, name in view.names.items()
        if still_receiver(view) and (ways := moving_ways(view, index))
    ]


def who_moves(view: View) -> list[Draft]:
    """Which sound moves, if only one does."""
    mover = only_mover(view)
    if mover is None or mover not in view.names:
        return []
    return [Draft({}, sentence(called(view.names[mover])), (mover,))]


def end_octant(view: View, index: int, step: int) -> str | None:
    """The octant at the start (0) or the end (-1) of a path, away from the octant's edges."""
    azimuth, elevation, _ = view.events[index].trajectory[step]
    off = abs(float(wrap_degrees(azimuth - 45.0 * round(azimuth / 45.0))))
    clear = abs(elevation) <= HIGHEST_DEG and off <= 22.5 - OCTANT_MARGIN_DEG
    return wording.azimuth_words(azimuth) if clear else None


def _end(view: View, step: int, verb: str) -> list[Draft]:
    return [
        Draft({"x": name}, f"{subject(name, verb)} at the {words}.", (index,), name.label)
        for index, name in view.names.items()
        if still_receiver(view) and view.motion[index] and (words := end_octant(view, index, step))
    ]


KINDS = (
    DraftedKind("moves_or_still", "motion", moves_or_still, judges.moves_or_still, "planar", balanced=True),
    DraftedKind("which_way", "motion", which_way, judges.which_way, "planar"),
    DraftedKind("who_moves", "motion", who_moves, judges.who_moves, "planar"),
    DraftedKind("move_start", "motion", lambda view: _end(view, 0, "starts"), judges.move_start, "planar"),
    DraftedKind("move_end", "motion", lambda view: _end(view, -1, "ends"), judges.move_end, "planar"),
)
