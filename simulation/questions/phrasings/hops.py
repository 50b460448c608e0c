"""Phrasebooks of questions that take two steps; gaps are listed in ``reading``."""

from __future__ import annotations

from spatial_lalm.simulation.questions.phrasings.building import Phrasebook, book

HOPS: dict[str, Phrasebook] = {
    "after_on_side": book(
        "what started {side} after {x} | which sound started {side} after {x} | what began {side} after {x} | "
        "after {x}, what started {side}",
        "what started {side} after {x} | which sound started {side} after {x}",
        "once {x} had started, what started {side} | name the sound that started {side} after {x} | "
        "{side}, what began after {x} | later than {x}, what could be heard to start {side}",
    ),
    "far_of": book(
        "how far away is the sound that starts {rank} | what is the distance to the sound that starts {rank} | "
        "how far is the sound that comes {rank} | at what distance is the sound that starts {rank}",
        "how far away the sound that starts {rank} is | the distance to the sound that starts {rank}",
        "the sound that starts {rank}, how far is it | how many metres off is the sound that comes {rank} | "
        "what is the range of the sound that starts {rank} | how distant is the sound that begins {rank}",
    ),
    "place_of": book(
        "where is the sound that starts {rank} | where does the sound that starts {rank} come from | "
        "in which direction is the sound that starts {rank} | "
        "which direction does the sound that starts {rank} come from",
        "where the sound that starts {rank} is | in which direction the sound that starts {rank} is",
        "the sound that starts {rank}, where is it | which way is the sound that comes {rank} | "
        "whereabouts is the sound that begins {rank} | what is the direction of the sound that starts {rank}",
    ),
    "nearest_on_side": book(
        "which of the sounds {side} is {rank} | of the sounds {side}, which is {rank} | "
        "what is {rank} among the sounds {side} | which sound {side} is the {rank} one",
        "which of the sounds {side} is {rank} | what is {rank} among the sounds {side}",
        "{side}, which sound is {rank} | of those {side}, which one is {rank} | name the {rank} of the sounds {side} | "
        "among all that is {side}, which is {rank}",
    ),
    "while": book(
        "what else can be heard while {x} is on | which sounds overlap with {x} | what else is heard during {x} | "
        "which other sounds are there during {x}",
        "what else can be heard while {x} is on | which sounds overlap with {x}",
        "during {x}, what else is there | name the sounds that overlap with {x} | "
        "as long as {x} is on, what else is heard | "
        "together with {x}, what is heard",
    ),
    "place_after": book(
        "where is the sound that starts next after {x} | where does the sound that follows {x} come from | "
        "in which direction is the sound that follows {x} | where is what starts next after {x}",
        "where the sound that follows {x} is | in which direction the sound that starts next after {x} is",
        "the sound that follows {x}, where is it | which way is the sound that starts after {x} | "
        "whereabouts is the next sound after {x} | what is the direction of the sound right after {x}",
    ),
    "mover_when": book(
        "when does the moving sound start | in which second does the sound that moves begin | "
        "when does the sound that moves start | at what time does the moving sound begin",
        "when the moving sound starts | in which second the sound that moves begins",
        "the sound that moves, when does it start | what is the start time of the moving sound | "
        "how many seconds in does the moving sound begin | from which second on is the moving sound heard",
    ),
}
