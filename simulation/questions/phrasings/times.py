"""Phrasebooks of times, order and counts; gaps are listed in ``reading``."""

from __future__ import annotations

from spatial_lalm.simulation.questions.phrasings.building import Phrasebook, book

TIMES: dict[str, Phrasebook] = {
    "onset": book(
        "when does {x} start | when does {x} begin | in which second does {x} start | at what time does {x} start",
        "when {x} starts | in which second {x} begins",
        "what is the start time of {x} | from which second on do you hear {x} | {x}, when does it start | "
        "how many seconds in does {x} begin",
    ),
    "offset": book(
        "when does {x} end | when does {x} stop | in which second is {x} over | at what time does {x} end",
        "when {x} ends | in which second {x} stops",
        "what is the end time of {x} | until which second do you hear {x} | {x}, when does it end | "
        "how many seconds in does {x} stop",
    ),
    "duration": book(
        "how long does {x} last | how long is {x} | what is the duration of {x} | for how many seconds does {x} go on",
        "how long {x} lasts | the duration of {x}",
        "{x}, how long is it | what duration does {x} have | how many seconds long is {x} | "
        "from start to end, how long does {x} take",
    ),
    "which_first": book(
        "which starts {rank}, {x} or {y} | which comes {rank}, {x} or {y} | of {x} and {y}, which starts {rank} | "
        "which of the two begins {rank}, {x} or {y}",
        "which starts {rank}, {x} or {y} | which of {x} and {y} begins {rank}",
        "{x} or {y}, which one starts {rank} | between {x} and {y}, which comes {rank} | "
        "in time, which is {rank}, {x} or {y} | which one begins {rank}, {x} or {y}",
    ),
    "extreme": book(
        "which sound starts {rank} | what starts {rank} | which sound comes {rank} | what is the {rank} sound to begin",
        "which sound starts {rank} | which sound comes {rank}",
        "in time, which sound is the {rank} to start | name the sound that starts {rank} | "
        "what is {rank} to be heard | of all the sounds, which begins {rank}",
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
        "before {x} begins, what began last | which sound was the last to start before {x} | "
        "name the sound that precedes {x} | "
        "ahead of {x} in time, which sound is the closest to start",
    ),
    "longest": book(
        "which sound is the {rank} | which sound lasts for the {rank} time | what is the {rank} sound | "
        "which sound has the {rank} duration",
        "which sound is the {rank} | which sound lasts for the {rank} time",
        "by duration, which sound is the {rank} | name the {rank} sound in time | "
        "of all the sounds, which is the "
        "{rank} | what goes on for the {rank} span of time",
    ),
    "order": book(
        "in which order do the sounds start | what is the order of the sounds | in what order do the sounds begin | "
        "how do the sounds follow one another",
        "in which order the sounds start | the order of the sounds",
        "list the sounds in the order they start | from first to last, which sounds start | "
        "what is the sequence of the "
        "sounds | sort the sounds by their start",
    ),
    "count_sources": book(
        "how many sources do you hear {x} from | from how many different sources do you hear {x} | "
        "how many sources make up {x} | what is the number of sources that make up {x}",
        "how many sources you hear {x} from | how many sources make up {x}",
        "count the sources that make up {x} | {x}, from how many sources do you hear that | "
        "how many separate sources do you hear {x} from | how many distinct sources are behind {x}",
    ),
    "count_events": book(
        "how many times do you hear {x} | how often do you hear {x} | how many times can {x} be heard | "
        "how often can {x} be heard",
        "how many times you hear {x} | how often {x} can be heard",
        "count how often you hear {x} | {x}, how many times | on how many occasions do you hear {x} | "
        "how frequently can {x} be heard in all",
    ),
    "count_classes": book(
        "how many kinds of sound are there | how many different kinds of sound do you hear | "
        "how many classes of sound are there | what is the number of different kinds of sound",
        "how many kinds of sound there are | the number of different kinds of sound",
        "count the kinds of sound | how many distinct types of sound can be heard | of how many kinds are the sounds | "
        "how many classes do the sounds fall into",
    ),
    "count_at": book(
        "how many sounds are there at {t} seconds | how many sounds do you hear at {t} seconds | "
        "at {t} seconds, how many sounds are active | how many sources sound at {t} seconds",
        "how many sounds are active at {t} seconds | how many sounds you hear at {t} seconds",
        "count the sounds at {t} seconds | {t} seconds in, how many sounds are on | at the {t}-second mark, how many "
        "sounds are there | when {t} seconds have passed, how many sounds are heard",
    ),
    "sounds_at": book(
        "what do you hear at {t} seconds | which sounds are on at {t} seconds | what is sounding at {t} seconds | "
        "at {t} seconds, what can be heard",
        "what you hear at {t} seconds | which sounds are on at {t} seconds",
        "name the sounds at {t} seconds | {t} seconds in, what is on | what is active at the {t}-second mark | "
        "when {t} seconds have passed, what is heard",
    ),
    "count_side": book(
        "how many sounds are {side} | how many sounds do you hear {side} | what is the number of sounds {side} | "
        "{side}, how many sounds are there",
        "how many sounds are {side} | the number of sounds {side}",
        "count the sounds {side} | how many of the sounds are {side} | {side}, what number of sounds is there | "
        "of all the sounds, how many are {side}",
    ),
}
