"""Questions about talkers and their turns; speakers are lettered in the order of their first turn."""

from __future__ import annotations

from collections.abc import Iterable

from spatial_lalm.audio import wording
from spatial_lalm.simulation.questions.answer import LETTERS, Draft
from spatial_lalm.simulation.questions.checks import talkers as judges
from spatial_lalm.simulation.questions.kind import DraftedKind
from spatial_lalm.simulation.questions.times import lasts_s
from spatial_lalm.simulation.questions.view import View
from spatial_lalm.simulation.questions.wordings import counted, sentence, there_are

MOST_TURNS = 6
MORE_TALK_RATIO, MORE_TALK_S = 1.25, 0.5


def speaker(number: int) -> str:
    """What a speaker is called: ``speaker A`` has the first turn, ``speaker B`` is the next new voice."""
    return f"speaker {LETTERS[number]}"


def own_turns(view: View) -> dict[int, list[int]]:
    """Events of each speaker, by number; empty where the turns are not clear or the letters do not reach."""
    found: dict[int, list[int]] = {}
    for number, index in view.turns if view.speakers <= len(LETTERS) else ():
        found.setdefault(number, []).append(index)
    return found


def _talk(view: View) -> tuple[int, ...]:
    return tuple(index for _, index in view.turns)


def count_talkers(view: View) -> list[Draft]:
    """How many people talk."""
    number = view.speakers
    return [Draft({}, f"{there_are(number, 'talker')}.", _talk(view), claim=str(number))] if number else []


def _span(view: View, index: int) -> str:
    return f"from {view.events[index].onset_s:.1f} s to {view.events[index].offset_s:.1f} s"


def turns(view: View) -> list[Draft]:
    """Who speaks when, turn by turn."""
    if not own_turns(view) or not 2 <= len(view.turns) <= MOST_TURNS:
        return []
    parts = [f"{speaker(number)} {_span(view, index)}" for number, index in view.turns]
    return [Draft({}, sentence("; ".join(parts)), _talk(view))]


def speaker_octant(view: View, members: Iterable[int]) -> str | None:
    """The octant that a speaker talks from, if it is the same in every turn."""
    octants = {view.octant(index) for index in members}
    return octants.pop() if len(octants) == 1 else None


def who_where(view: View) -> list[Draft]:
    """Where every speaker is."""
    octants = {number: speaker_octant(view, members) for number, members in own_turns(view).items()}
    if len(octants) < 2 or None in octants.values():
        return []
    return [Draft({}, sentence("; ".join(f"{speaker(n)}: {words}" for n, words in octants.items())), _talk(view))]


def speaker_place(view: View) -> list[Draft]:
    """Where one of several speakers is."""
    own = own_turns(view)
    return [
        Draft({"who": speaker(number)}, f"Speaker {LETTERS[number]} is at the {words}.", tuple(members))
        for number, members in own.items()
        if len(own) > 1 and (words := speaker_octant(view, members))
    ]


def who_at(view: View) -> list[Draft]:
    """Which speaker is in a direction; all must stay in one each."""
    octants = {number: speaker_octant(view, members) for number, members in own_turns(view).items()}
    if len(octants) < 2 or None in octants.values():
        return []
    return [
        Draft({"place": words}, sentence(speaker(number)), tuple(own_turns(view)[number]), claim=speaker(number))
        for number, words in octants.items()
        if words and list(octants.values()).count(words) == 1
    ]


def speaker_times(view: View) -> list[Draft]:
    """When one of several speakers talks."""
    own = own_turns(view)
    return [
        Draft({"who": speaker(number)}, sentence(wording.list_text(spans)), tuple(members))
        for number, members in own.items()
        for spans in [[_span(view, index) for index in members]]
        if len(own) > 1 and len(members) <= MOST_TURNS
    ]


def first_talker_place(view: View) -> list[Draft]:
    """Where the first or the last turn comes from."""
    return [
        Draft({"rank": rank}, f"It is at the {words}.", (view.turns[step][1],))
        for rank, step in (("first", 0), ("last", -1))
        if view.speakers > 1 and (words := view.octant(view.turns[step][1]))
    ]


def last_speaker(view: View) -> list[Draft]:
    """Which speaker has the last turn."""
    if len(own_turns(view)) < 2:
        return []
    number, index = view.turns[-1]
    return [Draft({}, sentence(speaker(number)), (index,), claim=speaker(number))]


def most_speaker(view: View) -> list[Draft]:
    """Which speaker talks most in all."""
    own = own_turns(view)
    totals = sorted(((sum(lasts_s(view, i) for i in members), n) for n, members in own.items()), reverse=True)
    if len(totals) < 2:
        return []
    (most, number), (other, _) = totals[:2]
    clear = most >= MORE_TALK_RATIO * other and most - other >= MORE_TALK_S
    return [Draft({}, sentence(speaker(number)), tuple(own[number]), claim=speaker(number))] if clear else []


def count_turns(view: View) -> list[Draft]:
    """How many turns one of several speakers takes."""
    own = own_turns(view)
    return [
        Draft({"who": speaker(number)}, f"{counted(len(members), 'turn')}.", tuple(members), claim=str(len(members)))
        for number, members in own.items()
        if len(own) > 1
    ]


KINDS = (
    DraftedKind("count_talkers", "talker", count_talkers, judges.count_talkers),
    DraftedKind("turns", "talker", turns, judges.turns),
    DraftedKind("who_where", "talker", who_where, judges.who_where, "planar"),
    DraftedKind("speaker_place", "talker", speaker_place, judges.speaker_place, "planar"),
    DraftedKind("who_at", "talker", who_at, judges.who_at, "planar"),
    DraftedKind("speaker_times", "talker", speaker_times, judges.speaker_times),
    DraftedKind("first_talker_place", "talker", first_talker_place, judges.first_talker_place, "planar"),
    DraftedKind("last_speaker", "talker", last_speaker, judges.last_speaker),
    DraftedKind("most_speaker", "talker", most_speaker, judges.most_speaker),
    DraftedKind("count_turns", "talker", count_turns, judges.count_turns),
)
