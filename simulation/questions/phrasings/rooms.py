"""Phrasebooks of rooms; gaps are listed in ``reading``."""

from __future__ import annotations

from spatial_lalm.simulation.questions.phrasings.building import Phrasebook, book

ROOMS: dict[str, Phrasebook] = {
    "edt": book(
        "what is the early decay time | what is the EDT | how long is the early decay time | "
        "what EDT does the room have",
        "the early decay time | the EDT of the room",
        "what early decay time do you hear | how long is the EDT | in seconds, what is the EDT | "
        "find the early decay time",
    ),
    "d50": book(
        "what is the definition D50 | what is the D50 | how high is the D50 | what D50 does the room have",
        "the definition D50 | the D50 of the room",
        "what definition D50 do you hear | how large is the D50 | in per cent, what is the D50 | find the D50",
    ),
    "t60": book(
        "what is the T60 here | how many seconds is the T60 | how long is the reverberation time here | "
        "what T60 do you measure",
        "the T60 here | how many seconds the T60 is",
        "in seconds, what is the T60 | what T60 do you find | the reverberation time, how long is it | "
        "for how many seconds does it reverberate",
    ),
    "size_word": book(
        "in a word, how big is the room | what would you call the size of the room | "
        "what size of room is this | "
        "how big does the room sound | how big would the room look",
        "how big the room sounds | what size of room this is",
        "in words, how large is the room | describe the size of the room in a word | what size of room do you hear | "
        "judging by ear, how big is the room",
    ),
    "t60_band": book(
        "what is the T60 at {band} Hz | what is the reverberation time at {band} Hz | "
        "how long is the T60 at {band} Hz | "
        "at {band} Hz, what is the reverberation time",
        "the T60 at {band} Hz | the reverberation time at {band} Hz",
        "what T60 does the room have at {band} Hz | in the octave of {band} Hz, what is the T60 | "
        "how long does the room reverberate at {band} Hz | find the T60 at {band} Hz",
    ),
    "reverberation_word": book(
        "in a word, how reverberant is it | what would you call the reverberation | "
        "is it dry or reverberant here | how dry or reverberant does it sound",
        "how dry or reverberant it sounds | whether it is dry or reverberant here",
        "in words, how much reverberation is there | how echoing is it here, in a word | "
        "describe the reverberation in words | would you call it dry or reverberant",
    ),
    "indoors_or_outdoors": book(
        "was this recorded indoors or outdoors | is this indoors or outdoors | are we indoors or outdoors | "
        "indoors or outdoors, where was this recorded",
        "whether this was recorded indoors or outdoors | whether this is indoors or outdoors",
        "in a room or in the open, where was this recorded | is it an indoor or an outdoor recording | "
        "does this sound like indoors or outdoors | inside or outside, where was the microphone",
    ),
    "edt_of": book(
        "what is the early decay time of {x} | what is the EDT of {x} | how long is the EDT of {x} | "
        "what EDT does {x} have",
        "the early decay time of {x} | the EDT of {x}",
        "{x}, what EDT does it have | in seconds, what is the EDT of {x} | for {x}, how long is the EDT | "
        "find the EDT of {x}",
    ),
    "d50_of": book(
        "what is the definition D50 of {x} | what is the D50 of {x} | how high is the D50 of {x} | "
        "what D50 does {x} have",
        "the definition D50 of {x} | the D50 of {x}",
        "{x}, what D50 does it have | in per cent, what is the D50 of {x} | for {x}, how large is the D50 | "
        "find the D50 of {x}",
    ),
    "drr_of": book(
        "what is the direct-to-reverberant ratio of {x} | what is the DRR of {x} | how high is the DRR of {x} | "
        "what DRR does {x} have",
        "the direct-to-reverberant ratio of {x} | the DRR of {x}",
        "{x}, what DRR does it have | in decibels, what is the DRR of {x} | for {x}, how large is the DRR | "
        "find the DRR of {x}",
    ),
    "c50_of": book(
        "what is the clarity of {x} | what is the C50 of {x} | how high is the C50 of {x} | what C50 does {x} have",
        "the clarity of {x} | the C50 of {x}",
        "{x}, what C50 does it have | in decibels, what is the C50 of {x} | for {x}, how large is the C50 | "
        "find the C50 of {x}",
    ),
    "which_drr": book(
        "which has the {rank} direct-to-reverberant ratio, {x} or {y} | which has the {rank} DRR, {x} or {y} | "
        "of {x} and {y}, which has the {rank} DRR | whose DRR is {rank}, that of {x} or that of {y}",
        "which has the {rank} DRR, {x} or {y} | which of {x} and {y} has the {rank} DRR",
        "{x} or {y}, which one has the {rank} DRR | comparing {x} with {y}, which DRR is {rank} | "
        "between {x} and {y}, which one has the {rank} DRR | in DRR, which is {rank}, {x} or {y}",
    ),
}
