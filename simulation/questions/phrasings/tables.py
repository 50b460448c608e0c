"""Phrasebooks of the kinds beyond the basic ones: rows of direct questions, indirect clauses, and held-out questions.

Gaps: ``{x}``, ``{y}`` sounds; ``{a}`` a class with its article, ``{name}`` without; ``{side}``, ``{way}`` phrases of
place and motion; ``{n}`` a number, ``{t}`` seconds, ``{d}`` metres, ``{v}`` cubic metres, ``{band}`` hertz; ``{rank}``
one of two opposite words, such as first and last; ``{who}`` a numbered speaker.
"""

from __future__ import annotations

from spatial_lalm.simulation.questions.phrasings.basic import Phrasebook


def book(questions: str, clauses: str, held_out: str) -> Phrasebook:
    """A phrasebook from rows that are parted by ``|``."""
    rows = [tuple(text.strip() for text in part.split("|")) for part in (questions, clauses, held_out)]
    return Phrasebook(rows[0], rows[1], (), (), rows[2])


PLACES: dict[str, Phrasebook] = {
    "octant": book(
        "in which of the eight directions is {x} | in words, where is {x} | roughly where is {x} | "
        "in which octant is {x}",
        "in which of the eight directions {x} is | roughly where {x} is",
        "in plain words, which way is {x} | which octant is {x} in | in rough terms, where is {x} | "
        "which of the eight directions fits {x}",
    ),
    "azimuth": book(
        "what is the azimuth of {x} | at which azimuth is {x} | at what horizontal angle is {x} | "
        "how many degrees from the front is {x} in azimuth",
        "the azimuth of {x} | at which azimuth {x} is",
        "which azimuth does {x} have | {x}, at what azimuth | in the horizontal plane, at which angle is {x} | "
        "what azimuth does {x} come from",
    ),
    "elevation": book(
        "what is the elevation of {x} | at which elevation is {x} | at what vertical angle is {x} | "
        "how many degrees above or below the horizon is {x}",
        "the elevation of {x} | at which elevation {x} is",
        "which elevation does {x} have | {x}, at what elevation | at which angle above the horizon is {x} | "
        "what elevation does {x} come from",
    ),
    "distance": book(
        "what is the distance of {x} in metres | how many metres off is {x} | at how many metres is {x} | "
        "what distance away is {x}",
        "the distance of {x} in metres | at how many metres {x} is",
        "how many metres lie between me and {x} | in metres, what is the distance of {x} | "
        "which distance does {x} have | at which range is {x}",
    ),
    "left_or_right": book(
        "is {x} to my left or to my right | which side is {x} on, left or right | left or right, where is {x} | "
        "does {x} come from the left or from the right",
        "whether {x} is to my left or to my right | on which side {x} is, left or right",
        "is it left or right that {x} comes from | {x}, is it left or right | from my left or my right, where is {x} | "
        "should I turn left or right to face {x}",
    ),
    "front_or_back": book(
        "is {x} in front of me or behind me | front or back, where is {x} | does {x} come from ahead or from behind | "
        "is {x} ahead or behind",
        "whether {x} is in front of me or behind me | whether {x} is ahead or behind",
        "{x}, is it in front or behind | is it from the front or the back that {x} comes | "
        "do I have {x} before me or at my back | must I turn around to face {x}, or is it ahead",
    ),
    "height": book(
        "is {x} above me or below me | up or down, where is {x} | does {x} come from above or from below | "
        "is {x} higher or lower than my ears",
        "whether {x} is above me or below me | whether {x} is higher or lower than my ears",
        "{x}, is it above or below | is it from above or below that {x} comes | should I look up or down to face {x} | "
        "is {x} over or under me",
    ),
    "on_side": book(
        "which sounds are {side} | what is {side} | what can be heard {side} | what sounds {side}",
        "which sounds are {side} | what can be heard {side}",
        "name the sounds {side} | is there anything {side}, and what | what do I have {side} | "
        "{side}, what is sounding",
    ),
    "which_side": book(
        "which is further to the {rank}, {x} or {y} | which of the two is on the {rank}, {x} or {y} | "
        "what is further {rank}, {x} or {y} | of {x} and {y}, which is further to the {rank}",
        "which is further to the {rank}, {x} or {y} | which of {x} and {y} is further {rank}",
        "{x} or {y}, which one is more to the {rank} | comparing {x} with {y}, which lies further {rank} | "
        "between {x} and {y}, which is to the {rank} | who is more to the {rank}, {x} or {y}",
    ),
    "relation": book(
        "is {x} to the left or to the right of {y} | on which side of {y} is {x} | "
        "seen from me, is {x} left or right of {y} | on what side of {y} does {x} sound",
        "whether {x} is to the left or to the right of {y} | on which side of {y} {x} is",
        "relative to {y}, is {x} left or right | left or right of {y}, where is {x} | "
        "compared with {y}, on which side is {x} | which side of {y} does {x} come from",
    ),
    "which_higher": book(
        "which is {rank}, {x} or {y} | which of the two sounds is {rank} in elevation, {x} or {y} | "
        "of {x} and {y}, which has the {rank} elevation | what is at a {rank} place, {x} or {y}",
        "which is {rank}, {x} or {y} | which of {x} and {y} has the {rank} elevation",
        "{x} or {y}, which one is {rank} | comparing {x} with {y}, which sits {rank} | "
        "between {x} and {y}, which is {rank} | by elevation, which is {rank}, {x} or {y}",
    ),
    "which_nearer": book(
        "which is {rank}, {x} or {y} | which is {rank} from me, {x} or {y} | of {x} and {y}, which is {rank} | "
        "what is {rank} in distance, {x} or {y}",
        "which is {rank}, {x} or {y} | which of {x} and {y} is {rank}",
        "{x} or {y}, which one is {rank} | comparing {x} with {y}, which is {rank} | "
        "by distance, which is {rank}, {x} or "
        "{y} | between {x} and {y}, which is {rank}",
    ),
    "which_in_front": book(
        "which is {side}, {x} or {y} | of {x} and {y}, which one is {side} | which do I have {side}, {x} or {y} | "
        "what sounds {side}, {x} or {y}",
        "which is {side}, {x} or {y} | which of {x} and {y} is {side}",
        "{x} or {y}, which one is {side} | between {x} and {y}, which is {side} | "
        "comparing {x} with {y}, which is {side} | "
        "who is {side}, {x} or {y}",
    ),
    "nearest": book(
        "which sound is {rank} | what is {rank} to me | which of all the sounds is {rank} | which source is {rank}",
        "which sound is {rank} | which of all the sounds is {rank}",
        "of everything here, what is {rank} | among all the sounds, which is {rank} | name the sound that is {rank} | "
        "by distance, which sound is {rank}",
    ),
    "angle_between": book(
        "what is the angle between {x} and {y} | how many degrees are {x} and {y} apart | "
        "how far apart in angle are {x} and {y} | by how many degrees do {x} and {y} differ in direction",
        "the angle between {x} and {y} | how many degrees {x} and {y} are apart",
        "which angle do {x} and {y} make | in degrees, how far is {x} from {y} | "
        "from {x} to {y}, how large is the angle | "
        "what angular distance is there between {x} and {y}",
    ),
    "what_place": book(
        "what comes from the {place} | which sound comes from the {place} | what is there at the {place} | "
        "what makes the sound at the {place}",
        "what comes from the {place} | which sound comes from the {place}",
        "at the {place}, what is sounding | name the sound at the {place} | which source is at the {place} | "
        "the sound at the {place}, what is it",
    ),
}

TIMES: dict[str, Phrasebook] = {
    "onset": book(
        "when does {x} start | when does {x} begin | at which second does {x} set in | at what time does {x} start",
        "when {x} starts | at which second {x} begins",
        "what is the start time of {x} | from which second on is {x} there | {x}, when does it start | "
        "how many seconds in does {x} begin",
    ),
    "offset": book(
        "when does {x} end | when does {x} stop | at which second is {x} over | at what time does {x} end",
        "when {x} ends | at which second {x} stops",
        "what is the end time of {x} | until which second is {x} there | {x}, when does it end | "
        "how many seconds in does {x} stop",
    ),
    "duration": book(
        "how long does {x} last | how long is {x} | what is the duration of {x} | for how many seconds does {x} go on",
        "how long {x} lasts | the duration of {x}",
        "{x}, how long is it | which duration does {x} have | how many seconds long is {x} | "
        "from start to end, how long does {x} take",
    ),
    "which_first": book(
        "which starts {rank}, {x} or {y} | what comes {rank}, {x} or {y} | of {x} and {y}, which starts {rank} | "
        "which of the two begins {rank}, {x} or {y}",
        "which starts {rank}, {x} or {y} | which of {x} and {y} begins {rank}",
        "{x} or {y}, which one starts {rank} | between {x} and {y}, which sets in {rank} | "
        "in time, what is {rank}, {x} or "
        "{y} | who starts {rank}, {x} or {y}",
    ),
    "extreme": book(
        "which sound starts {rank} | what starts {rank} | which sound comes {rank} | what is the {rank} sound to begin",
        "which sound starts {rank} | which sound comes {rank}",
        "in time, which sound is the {rank} to start | name the sound that starts {rank} | what sets in {rank} | "
        "of all the sounds, which begins {rank}",
    ),
    "next": book(
        "which sound starts next after {x} has started | what comes right after {x} | what starts next after {x} | "
        "which sound follows {x}",
        "which sound follows {x} | what starts next after {x}",
        "once {x} has begun, what begins next | {x} starts and then what | name the sound that follows {x} | "
        "after {x}, which sound is the next to start",
    ),
    "previous": book(
        "which sound starts last before {x} starts | what comes right before {x} | what starts just before {x} | "
        "which sound precedes {x}",
        "which sound precedes {x} | what starts just before {x}",
        "before {x} begins, what began last | which start comes right before that of {x} | "
        "name the sound that precedes {x} | "
        "ahead of {x} in time, which sound is the closest to start",
    ),
    "longest": book(
        "which sound is the {rank} | which sound lasts the {rank} | what is the {rank} sound in time | "
        "which event has the {rank} duration",
        "which sound is the {rank} | which sound lasts the {rank}",
        "by duration, which sound is the {rank} | name the sound that lasts the {rank} | "
        "of all the sounds, which is the "
        "{rank} | what goes on for the {rank} time",
    ),
    "order": book(
        "in which order do the sounds start | what is the order of the sounds | in what order do the sounds begin | "
        "how do the sounds follow each other",
        "in which order the sounds start | the order of the sounds",
        "list the sounds in the order they start | from first to last, which sounds start | "
        "what is the sequence of the "
        "sounds | sort the sounds by their start",
    ),
    "count_sources": book(
        "how many sources of {name} are there | how many different sources of {name} do you hear | "
        "from how many sources does {name} come | what is the number of sources of {name}",
        "how many sources of {name} there are | the number of sources of {name}",
        "count the sources of {name} | {name}, how many sources of it | "
        "of {name}, how many separate sources are there | "
        "how many distinct sources make the sound of {name}",
    ),
    "count_events": book(
        "how many times do you hear {name} | how often does {name} occur | how many events of {name} are there | "
        "how many times does {name} start",
        "how many times you hear {name} | how often {name} occurs",
        "count the events of {name} | {name}, how many times | on how many occasions is there {name} | "
        "how frequently can {name} be heard in all",
    ),
    "count_classes": book(
        "how many kinds of sound are there | how many different kinds of sound do you hear | "
        "how many classes of sound are there | what is the number of different kinds of sound",
        "how many kinds of sound there are | the number of different kinds of sound",
        "count the kinds of sound | how many distinct types of sound can be heard | of how many kinds are the sounds | "
        "into how many classes do the sounds fall",
    ),
    "count_at": book(
        "how many sounds are there at {t} seconds | how many sounds do you hear at {t} seconds | "
        "at {t} seconds, how many sounds are active | how many sources sound at {t} seconds",
        "how many sounds are active at {t} seconds | how many sounds you hear at {t} seconds",
        "count the sounds at {t} seconds | {t} seconds in, how many sounds are on | at the time {t} seconds, how many "
        "sounds are there | when the clock says {t} seconds, how many sounds are heard",
    ),
    "sounds_at": book(
        "what do you hear at {t} seconds | which sounds are on at {t} seconds | what is sounding at {t} seconds | "
        "at {t} seconds, what can be heard",
        "what you hear at {t} seconds | which sounds are on at {t} seconds",
        "name the sounds at {t} seconds | {t} seconds in, what is on | what is active at the time {t} seconds | "
        "when the clock says {t} seconds, what is heard",
    ),
    "count_side": book(
        "how many sounds are {side} | how many sounds do you hear {side} | what is the number of sounds {side} | "
        "{side}, how many sounds are there",
        "how many sounds are {side} | the number of sounds {side}",
        "count the sounds {side} | how many of the sounds are {side} | {side}, what number of sounds do I have | "
        "of all the sounds, how many are {side}",
    ),
}

HOPS: dict[str, Phrasebook] = {
    "after_on_side": book(
        "what sounded {side} after {x} | what started {side} after {x} | which sound came {side} after {x} | "
        "after {x}, what started {side}",
        "what started {side} after {x} | which sound came {side} after {x}",
        "once {x} had started, what started {side} | name the sound that started {side} after {x} | "
        "{side}, what began after {x} | later than {x}, what could be heard to start {side}",
    ),
    "far_of": book(
        "how far away is the sound that starts {rank} | what is the distance of the sound that starts {rank} | "
        "how far is the sound that comes {rank} | at what distance is the sound that starts {rank}",
        "how far away the sound that starts {rank} is | the distance of the sound that starts {rank}",
        "the sound that starts {rank}, how far is it | how many metres off is the sound that comes {rank} | "
        "which distance does the sound that starts {rank} have | how distant is the sound that begins {rank}",
    ),
    "place_of": book(
        "where is the sound that starts {rank} | from where does the sound come that starts {rank} | "
        "in which direction is the sound that starts {rank} | "
        "from which direction does the sound come that starts {rank}",
        "where the sound is that starts {rank} | in which direction the sound is that starts {rank}",
        "the sound that starts {rank}, where is it | which way is the sound that comes {rank} | "
        "whereabouts is the sound that begins {rank} | what is the direction of the sound that starts {rank}",
    ),
    "nearest_on_side": book(
        "which of the sounds {side} is {rank} | of the sounds {side}, which is {rank} | "
        "what is {rank} among the sounds {side} | which sound {side} is the {rank} one",
        "which of the sounds {side} is {rank} | what is {rank} among the sounds {side}",
        "{side}, which sound is {rank} | looking only {side}, what is {rank} | name the {rank} of the sounds {side} | "
        "among all that is {side}, which is {rank}",
    ),
    "while": book(
        "what else can be heard while {x} is on | which sounds overlap with {x} | what is heard during {x} | "
        "which other sounds are there during {x}",
        "what else can be heard while {x} is on | which sounds overlap with {x}",
        "during {x}, what else is there | name the sounds that overlap with {x} | "
        "as long as {x} is on, what else sounds | "
        "together with {x}, what is heard",
    ),
    "place_after": book(
        "where is the sound that starts next after {x} | from where does the sound come that follows {x} | "
        "in which direction is the sound that follows {x} | where is what starts next after {x}",
        "where the sound is that follows {x} | in which direction the sound is that starts next after {x}",
        "the sound that follows {x}, where is it | which way is the sound that starts after {x} | "
        "whereabouts is the next sound after {x} | what is the direction of the sound right after {x}",
    ),
    "mover_when": book(
        "when does the moving sound start | at which second does the sound that moves begin | "
        "when does the sound start that moves | at what time does the moving sound set in",
        "when the moving sound starts | at which second the sound that moves begins",
        "the sound that moves, when does it start | what is the start time of the moving sound | "
        "how many seconds in does the moving sound begin | from which second on is the moving sound there",
    ),
}
