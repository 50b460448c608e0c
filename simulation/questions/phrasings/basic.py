"""How people ask: tables of phrasings for every kind of question, with a held-out set that training never sees.

Placeholders: ``{x}`` the sound asked about, ``{is}`` is/are, ``{does}`` does/do, ``{s}`` the verb's ending.
Everything is stored without a capital and without final punctuation; ``templates`` combines, ``finish`` dresses.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

Split = Literal["train", "held_out"]

OPENERS = ("", "", "so, ", "hey, ", "okay, ", "in this recording, ", "listen: ")
LEADS = (
    "tell me ",
    "please tell me ",
    "please say ",
    "say ",
    "I want to know ",
    "I would like to know ",
    "can you tell me ",
    "could you tell me ",
    "do you know ",
    "can you hear ",
)
COMMAND_OPENERS = ("", "please ", "now ", "for this recording, ")


@dataclass(frozen=True)
class Phrasebook:
    """Building blocks of one kind: direct questions, indirect clauses, commands, noun phrases; held-out sentences."""

    questions: tuple[str, ...]
    clauses: tuple[str, ...]
    commands: tuple[str, ...]
    nouns: tuple[str, ...]
    held_out: tuple[str, ...]


# ---------------------------------------------------------------- names that people give to sounds

ALIASES: dict[str, tuple[str, ...]] = {
    "speech": (
        "the speech",
        "the voice",
        "the talker",
        "the speaker",
        "the person talking",
        "the person speaking",
        "someone talking",
        "the man speaking",
        "the woman speaking",
    ),
    "music": ("the music", "the song", "the tune", "the melody", "the music playing"),
    "baby_cry": ("the baby", "the crying baby", "the baby crying", "the crying", "the infant"),
    "chainsaw": ("the chainsaw", "the chain saw", "the saw", "the sawing"),
    "clock_tick": ("the clock", "the ticking", "the ticking clock", "the clock ticking"),
    "dog_bark": ("the dog", "the barking", "the dog bark", "the barking dog", "the dog barking"),
    "fire_crackling": ("the fire", "the crackling", "the crackling fire", "the fire crackling", "the fireplace"),
    "helicopter": ("the helicopter", "the chopper", "the rotor", "the helicopter flying"),
    "person_sneeze": ("the sneeze", "the sneezing", "the person sneezing", "someone sneezing"),
    "rain": ("the rain", "the rainfall", "the falling rain", "the sound of rain"),
    "rooster": ("the rooster", "the crowing", "the rooster crowing", "the cock"),
    "sea_waves": ("the sea", "the surf", "the ocean", "the sound of the sea waves", "the sound of the waves"),
    "noise": ("the noise", "the hiss", "the hissing", "the static", "the steady noise"),
    "tone": ("the tone", "the beep", "the pure tone", "the steady tone"),
    "chirp": ("the chirp", "the sweep", "the frequency sweep", "the chirping"),
    "click": ("the click", "the clicking", "the clicking sound"),
    "modulated_noise": ("the modulated noise", "the pulsing noise", "the fluctuating noise", "the throbbing noise"),
}

GENERIC_ONE = ("the sound", "it", "the source", "the noise", "the sound source")
"""Names that fit any sound where there is only one."""

GENERIC_ALL = (
    "the sound",
    "each sound",
    "every source",
    "everything you hear",
    "the sounds",
    "all the sounds",
    "the sources",
    "the sound sources",
)
PLURALS = frozenset(GENERIC_ALL[4:])

CONFUSABLE = (("noise", "modulated_noise"), ("tone", "chirp"), ("click", "clock_tick"))
"""Pairs that a listener may call by each other's name: neither is asked about as absent where the other sounds."""

# ---------------------------------------------------------------- kinds

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

# ---------------------------------------------------------------- questions that are declined

OFF_TOPIC_SUBJECTS = (
    "the talker",
    "the voice",
    "the dog",
    "the baby",
    "the clock",
    "the helicopter",
    "the chainsaw",
    "the rooster",
)
OFF_TOPIC_ABOUT: dict[Split, tuple[str, ...]] = {
    "train": (
        "what colour is {x}",
        "how old is {x}",
        "how much does {x} cost",
        "what is the name of {x}",
        "who owns {x}",
        "how heavy is {x}",
        "what does {x} look like",
        "where was {x} born",
        "what is {x} thinking about",
        "which brand is {x}",
    ),
    "held_out": ("how tall is {x}", "what is the price of {x}", "who is the owner of {x}", "is {x} round or square"),
}
OFF_TOPIC_GENERAL: dict[Split, tuple[str, ...]] = {
    "train": (
        "what is the weather like",
        "will it snow tomorrow",
        "how warm is it outside",
        "who is the president",
        "who is the king of Spain",
        "what is the capital of France",
        "what is my name",
        "what is your name",
        "how old are you",
        "what day is it today",
        "what is the date",
        "which year was this recorded",
        "who made this recording",
        "what colour are the walls",
        "what colour is the door",
        "how much does a loaf of bread cost",
        "what is the price of gold",
        "which team won the football match",
        "what is two plus two",
        "how do I bake a cake",
        "write a poem",
        "tell me a joke",
        "translate this into German",
        "what is the meaning of life",
        "which microphone was used",
        "what is the temperature in the room",
        "is the light on",
        "how many windows does the room have",
        "what is on the table",
        "who painted the picture on the wall",
        "which city is this",
        "which country was this recorded in",
        "what is the address of the house",
        "what is the phone number",
        "what is for dinner",
        "what should I wear today",
        "how tall is the Eiffel Tower",
        "how many people live in Berlin",
        "what is the best film",
        "can you book a flight",
        "what is the traffic like",
        "how much money do I have",
        "who wrote Hamlet",
        "what does it smell like",
        "what is the password",
    ),
    "held_out": (
        "is it sunny outside",
        "who is the prime minister",
        "what is the capital of Italy",
        "how much does a car cost",
        "what is the name of the street",
        "what colour is the floor",
        "how do I cook rice",
        "write a letter to my boss",
        "what is ten minus three",
        "which month is it",
        "can you order a pizza",
        "what is on the wall",
        "who won the election",
        "how many chairs does the room have",
        "is there a carpet on the floor",
    ),
}


# ---------------------------------------------------------------- combining


def _off_topic(split: Split) -> tuple[str, ...]:
    about = (text.replace("{x}", subject) for text in OFF_TOPIC_ABOUT[split] for subject in OFF_TOPIC_SUBJECTS)
    general = OFF_TOPIC_GENERAL[split]
    return (*general, *general, *about)  # twice, or the eighty sentences about a subject would drown them


@cache
def templates(book: str, split: Split) -> tuple[str, ...]:
    """Every phrasing of a book (a key of ``BOOKS`` or ``off_topic``), some twice to be drawn more often."""
    if book == "off_topic":
        return tuple(f"{text}?" for text in _off_topic(split))
    return combine(BOOKS[book], split, audible=book in ("where", "how_far", "what", "when"))


def combine(parts: Phrasebook, split: Split, audible: bool = False) -> tuple[str, ...]:
    """Every phrasing of a book's building blocks; only what is ``audible`` is asked with "can you hear ..."."""
    if split == "held_out":
        return tuple(f"{text}?" for text in parts.held_out)
    direct = [f"{opener}{text}?" for opener in OPENERS for text in parts.questions]
    leads = [lead for lead in LEADS if "hear" not in lead or audible]
    indirect = [f"{lead}{text}{'?' if ' you ' in lead else '.'}" for lead in leads for text in parts.clauses]
    commands = [f"{opener}{text}." for opener in COMMAND_OPENERS for text in parts.commands]
    return (*direct, *indirect, *commands, *(f"{text}{end}" for text in parts.nouns for end in "?."))


def fill(template: str, subject: str) -> str:
    """Put a subject into a template with verbs that agree with it."""
    plural = subject in PLURALS
    verbs = {"is": "are", "does": "do", "s": ""} if plural else {"is": "is", "does": "does", "s": "s"}
    return template.format(x=subject, **verbs)


def finish(text: str, capital: bool, punctuation: bool) -> str:
    """Dress a sentence: a capital first letter or all in lower case, with or without its final mark."""
    text = text if punctuation else text.rstrip("?.")
    return text[0].upper() + text[1:] if capital else text.lower()
