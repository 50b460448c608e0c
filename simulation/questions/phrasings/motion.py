"""Phrasebooks of motion; gaps are listed in ``reading``."""

from __future__ import annotations

from spatial_lalm.simulation.questions.phrasings.building import Phrasebook, book

MOTION: dict[str, Phrasebook] = {
    "moves_or_still": book(
        "is {x} moving or still | does {x} move or stay in place | moving or still, what is {x} | "
        "does {x} stay where it is or does it move",
        "whether {x} is moving or still | whether {x} moves or stays in place",
        "{x}, is it moving or still | would you call {x} moving or still | does {x} travel or rest | "
        "is {x} on the move or at rest",
    ),
    "which_way": book(
        "which way does {x} move | how does {x} move | in which way is {x} moving | in what direction does {x} move",
        "which way {x} moves | how {x} moves",
        "{x}, which way does it move | describe how {x} moves | what is the motion of {x} | where does {x} move to",
    ),
    "who_moves": book(
        "which sound moves | what is moving | which of the sounds moves | which source is on the move",
        "which sound moves | what is moving",
        "name the sound that moves | of all the sounds, which moves | what does not stay in place | "
        "which sound changes its place",
    ),
    "move_start": book(
        "where does {x} start to move | where does {x} move from | where does the path of {x} begin | "
        "in which direction is {x} when it starts",
        "where {x} starts to move | where the path of {x} begins",
        "{x}, where is it at first | what is the starting point of {x} | at the start, where is {x} | "
        "from which place does {x} move off",
    ),
    "move_end": book(
        "where does {x} end up | where does {x} stop moving | where does the path of {x} end | "
        "in which direction is {x} when it ends",
        "where {x} ends up | where the path of {x} ends",
        "{x}, where is it in the end | what is the end point of {x} | at the end, where is {x} | "
        "at which place does {x} arrive",
    ),
}
