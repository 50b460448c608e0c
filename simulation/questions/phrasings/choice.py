"""Phrasebooks of multiple choices that no other kind has; gaps are listed in ``reading``."""

from __future__ import annotations

from spatial_lalm.simulation.questions.phrasings.building import Phrasebook, book

CHOICE: dict[str, Phrasebook] = {
    "how_near": book(
        "how near is {x} to me | how close is {x} to the microphone | how far from me is {x} | "
        "at what range do I hear {x}",
        "how near {x} is to me | how far from me {x} is",
        "what range is {x} at | {x}, how near is it | within what distance is {x} | how close by is {x}",
    ),
    "which_part": book(
        "in which part of the recording does {x} start | in which quarter does {x} start | "
        "which part of the recording does {x} start in | in which quarter of the recording does {x} begin",
        "in which part of the recording {x} starts | in which quarter {x} begins",
        "{x}, in which quarter does it start | which quarter has the start of {x} in it | "
        "early or late, in which part does {x} begin | when the recording is cut in four, in which part does {x} start",
    ),
    "one_on_side": book(
        "which one of these is {side} | which of these sounds do you hear {side} | which of these is the one {side} | "
        "one of these is {side}, which",
        "which one of these is {side} | which of these sounds you hear {side}",
        "of these, which one can be heard {side} | name the one of these that is {side} | "
        "{side}, which one of these is it | "
        "only one of these is {side}, which is it",
    ),
}
