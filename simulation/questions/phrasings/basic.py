"""Phrasings of the basic kinds.

Placeholders: ``{x}`` the sound asked about, ``{is}`` is/are, ``{does}`` does/do, ``{s}`` the verb's ending.
"""

from __future__ import annotations

from functools import cache

from spatial_lalm.simulation.questions.phrasings.building import Phrasebook, Split, combine
from spatial_lalm.simulation.questions.phrasings.names import PLURALS
from spatial_lalm.simulation.questions.phrasings.off_topic import off_topic

BOOKS: dict[str, Phrasebook] = {
    "where": Phrasebook(
        questions=(
            "where {is} {x}",
            "where {does} {x} come from",
            "from where {does} {x} come",
            "which direction {does} {x} come from",
            "what is the direction of {x}",
            "from which side {does} {x} come",
            "where do you hear {x}",
            "at which azimuth and elevation {is} {x}",
        ),
        clauses=("where {x} {is}", "where {x} come{s} from", "which direction {x} come{s} from"),
        commands=("locate {x}", "find {x}", "give the direction of {x}", "point to {x}", "localise {x}"),
        nouns=("direction of {x}", "the azimuth and elevation of {x}", "the location of {x}"),
        held_out=(
            "whereabouts {is} {x}",
            "in what direction {is} {x} from here",
            "from what angle {does} {x} reach me",
            "on which side {is} {x}",
            "which way should I turn to face {x}",
            "describe where to find {x}",
            "what are the azimuth and the elevation of {x}",
            "could you work out the direction of {x}",
            "let me know where you hear {x}",
            "{x}, from which direction",
        ),
    ),
    "how_far": Phrasebook(
        questions=(
            "how far {is} {x}",
            "how far away {is} {x}",
            "at what distance {is} {x}",
            "what is the distance to {x}",
            "how many metres away {is} {x}",
            "how close {is} {x}",
            "how near {is} {x}",
        ),
        clauses=("how far away {x} {is}", "how far {x} {is}", "the distance to {x}", "how close {x} {is}"),
        commands=("estimate the distance to {x}", "give the distance of {x}", "measure how far {x} {is}"),
        nouns=("distance to {x}", "the distance of {x} in metres"),
        held_out=(
            "how distant {is} {x}",
            "how many metres {is} {x} from the microphone",
            "what distance {is} {x} at",
            "how far off {is} {x}",
            "let me know how far away {x} {is}",
            "how many metres are there to {x}",
            "{x}, how far",
            "work out the distance to {x}",
            "how near to me {is} {x}",
        ),
    ),
    "what": Phrasebook(
        questions=(
            "what do you hear",
            "what can you hear",
            "what sounds are there",
            "which sounds do you hear",
            "what is there to hear",
            "which sounds are in the recording",
            "what is sounding",
            "what kinds of sound are there",
        ),
        clauses=("what you hear", "which sounds there are", "what sounds you hear", "what is in the recording"),
        commands=("list the sounds", "name the sounds you hear", "identify the sounds", "describe what you hear"),
        nouns=("the list of sounds", "all sounds in the recording"),
        held_out=(
            "what is going on in this recording",
            "what have you heard",
            "which kinds of sound can you hear",
            "what can be heard here",
            "name everything you hear",
            "what are the sounds in this recording",
            "let me know which sounds you hear",
            "what does the recording contain",
            "give me a list of what you hear",
        ),
    ),
    "when": Phrasebook(
        questions=(
            "when {is} {x} heard",
            "when do you hear {x}",
            "when {does} {x} start and end",
            "at what time {does} {x} sound",
            "from when to when do you hear {x}",
            "when {does} {x} occur",
            "during which time {is} {x} heard",
        ),
        clauses=("when {x} {is} heard", "when {x} start{s} and end{s}", "when you hear {x}", "when {x} occur{s}"),
        commands=("give the times of {x}", "list the times of {x}", "mark when {x} {is} heard"),
        nouns=("start and end of {x}", "the times of {x}"),
        held_out=(
            "at which times can you hear {x}",
            "when {does} {x} begin and when {does} {x} end",
            "between which seconds {is} {x} heard",
            "when exactly {is} {x} heard",
            "let me know when you hear {x}",
            "what are the times of {x}",
            "{x}, from when to when",
            "at what second {does} {x} start and stop",
            "find the times of {x}",
        ),
    ),
    "count_at_once": Phrasebook(
        questions=(
            "how many sounds are there at the same time at most",
            "how many sounds are heard at once at most",
            "at most how many sounds overlap",
            "what is the largest number of sounds at the same time",
            "how many sounds sound together at most",
            "how many sources are active at the same time at most",
        ),
        clauses=(
            "how many sounds are heard at the same time at most",
            "how many sounds overlap at most",
            "how many sources sound at once at most",
        ),
        commands=("count the sounds that are heard at the same time", "count the sounds that overlap"),
        nouns=("the largest number of sounds at once", "number of sounds at the same time"),
        held_out=(
            "what is the greatest number of sounds heard at once",
            "up to how many sounds overlap",
            "how many sounds can be heard at the same time",
            "what is the most sounds you hear together",
            "how many sources overlap at most",
            "let me know how many sounds overlap at most",
            "at most how many sources sound at the same time",
            "find the largest number of sounds that overlap",
        ),
    ),
    "count_in_all": Phrasebook(
        questions=(
            "how many sound sources are there",
            "how many sources are there in all",
            "how many sources do you hear in the whole recording",
            "how many different sources are there",
            "what is the total number of sources",
            "how many sounds are there in all",
        ),
        clauses=("how many sound sources there are", "how many sources there are in all", "the number of sources"),
        commands=("count the sound sources", "count all the sources", "give the number of sound sources"),
        nouns=("number of sound sources", "the total number of sound sources"),
        held_out=(
            "how many sources of sound are there",
            "how many sources can you hear in total",
            "what is the number of sound sources in this recording",
            "how many things make a sound in all",
            "let me know how many sources there are",
            "altogether, how many sources do you hear",
            "find the total number of sources",
            "in the whole recording, how many sources are there",
        ),
    ),
    "reverberation": Phrasebook(
        questions=(
            "what is the reverberation time",
            "how reverberant is the room",
            "how long is the reverberation",
            "what is the T60",
            "what is the RT60 of the room",
            "how much reverberation is there",
            "how long does the sound take to die away",
        ),
        clauses=("the reverberation time", "how reverberant the room is", "how long the reverberation is", "the T60"),
        commands=("estimate the reverberation time", "give the T60 of the room", "measure the reverberation"),
        nouns=("reverberation time", "T60 of this room", "the reverb time"),
        held_out=(
            "how long does the room reverberate",
            "how much reverb is there in the room",
            "what T60 does the room have",
            "is the room very reverberant",
            "let me know the reverberation time of the room",
            "how long does it take for the sound to die away in the room",
            "find the T60",
            "what reverberation time do you hear",
        ),
    ),
    "drr": Phrasebook(
        questions=(
            "what is the direct-to-reverberant ratio",
            "how strong is the direct sound against the reverberation",
            "what is the DRR",
            "how many decibels is the direct sound above the reverberation",
            "what is the ratio of direct to reverberant sound",
        ),
        clauses=("the direct-to-reverberant ratio", "how strong the direct sound is", "the DRR", "the DRR in dB"),
        commands=("estimate the DRR", "give the direct-to-reverberant ratio", "measure the DRR in dB"),
        nouns=("direct-to-reverberant ratio", "DRR of the recording"),
        held_out=(
            "what DRR does the recording have",
            "how large is the direct-to-reverberant ratio",
            "what is the DRR in decibels",
            "find the direct-to-reverberant ratio",
            "let me know the DRR",
            "how much direct sound is there against the reverberant sound",
            "what is the direct sound's level against the reverberation",
            "work out the ratio of direct to reverberant sound",
        ),
    ),
    "clarity": Phrasebook(
        questions=(
            "what is the clarity",
            "what is the C50",
            "how clear is the sound in this room",
            "how high is the clarity C50",
            "what is the speech clarity of the room",
        ),
        clauses=("the clarity C50", "how clear the sound is", "the C50 of the room", "the clarity in dB"),
        commands=("estimate the clarity", "give the C50", "measure the clarity C50"),
        nouns=("clarity of the room", "C50 of the recording", "the clarity index C50"),
        held_out=(
            "what C50 does the room have",
            "how large is the C50",
            "what is the clarity in decibels",
            "find the clarity of the room",
            "let me know the C50",
            "how good is the clarity",
            "work out the clarity C50",
            "what clarity does the recording have",
        ),
    ),
    "room_size": Phrasebook(
        questions=(
            "how big is the room",
            "how large is the room",
            "what is the volume of the room",
            "is the room small or large",
            "what size is the room",
            "how many cubic metres does the room have",
            "in how large a room was this recorded",
        ),
        clauses=("how big the room is", "how large the room is", "the volume of the room", "the size of the room"),
        commands=("estimate the room volume", "give the size of the room", "describe the size of the room"),
        nouns=("room size", "volume of the room", "the room's volume in cubic metres"),
        held_out=(
            "what is the room's size",
            "is it a small room or a large room",
            "what volume does the room have",
            "how much space is there in the room",
            "let me know how big the room is",
            "find the volume of the room in cubic metres",
            "was this recorded in a big room",
            "how many cubic metres is the room",
        ),
    ),
}


@cache
def templates(book: str, split: Split) -> tuple[str, ...]:
    """Every phrasing of a book (a key of ``BOOKS`` or ``off_topic``), some twice to be drawn more often."""
    if book == "off_topic":
        return tuple(f"{text}?" for text in off_topic(split))
    return combine(BOOKS[book], split, audible=book in ("where", "how_far", "what", "when"))


def fill(template: str, subject: str) -> str:
    """Put a subject into a template with verbs that agree with it."""
    plural = subject in PLURALS
    verbs = {"is": "are", "does": "do", "s": ""} if plural else {"is": "is", "does": "does", "s": "s"}
    return template.format(x=subject, **verbs)
