"""Phrasebooks of questions that are answered by yes or no; gaps are listed in ``reading``."""

from __future__ import annotations

from spatial_lalm.simulation.questions.phrasings.building import Phrasebook, book

YES_NO: dict[str, Phrasebook] = {
    "is_there": book(
        "do you hear {a} | can you hear {a} | is there any sound of {a} | is the sound of {a} in the recording",
        "whether {a} can be heard | whether the recording contains {a}",
        "would you say you hear {a} | does the recording have {a} in it | have you heard {a} | "
        "among the sounds, do you find {a}",
    ),
    "is_on_side": book(
        "is {x} {side} | do you hear {x} {side} | can {x} be heard {side} | is {x} somewhere {side}",
        "whether {x} is {side} | whether {x} can be heard {side}",
        "{x}, is it {side} | would I find {x} {side} | am I right that {x} is {side} | could {x} be {side}",
    ),
    "is_within": book(
        "is {x} {rank} than {d} | is {x} {rank} than {d} away | "
        "by distance, is {x} {rank} than {d} | "
        "does {x} sound {rank} than {d}",
        "whether {x} is {rank} than {d} | whether {x} is {rank} than {d} away",
        "{x}, is it {rank} than {d} | am I right that {x} is {rank} than {d} | "
        "could {x} be {rank} than {d} | measured in metres, is {x} {rank} than {d}",
    ),
    "is_nearer": book(
        "is {x} {rank} than {y} | is {x} {rank} than {y} is | compared with {y}, is {x} {rank} | "
        "does {x} sound {rank} than {y}",
        "whether {x} is {rank} than {y} | whether {x} sounds {rank} than {y}",
        "{x}, is it {rank} than {y} | am I right that {x} is {rank} than {y} | could {x} be {rank} than {y} | "
        "in distance, is {x} {rank} than {y}",
    ),
    "is_left_of": book(
        "is {x} to the {rank} of {y} | is {x} further {rank} than {y} | do you hear {x} to the {rank} of {y} | "
        "as seen from me, is {x} {rank} of {y}",
        "whether {x} is to the {rank} of {y} | whether {x} is further {rank} than {y}",
        "{x}, is it to the {rank} of {y} | am I right that {x} is {rank} of {y} | could {x} be to the {rank} of {y} | "
        "compared with {y}, is {x} to the {rank}",
    ),
    "is_higher": book(
        "is {x} at a {rank} elevation than {y} | is {x} {rank} in elevation than {y} | "
        "is the elevation of {x} {rank} than that of {y} | compared with {y}, is {x} {rank} in elevation",
        "whether {x} is {rank} in elevation than {y} | whether the elevation of {x} is {rank} than that of {y}",
        "{x}, is it {rank} in elevation than {y} | am I right that {x} is at a {rank} elevation than {y} | "
        "could {x} be {rank} in elevation than {y} | looking up and down, is {x} {rank} than {y}",
    ),
    "same_side": book(
        "are {x} and {y} on the same side | do {x} and {y} come from the same side | "
        "left or right, are {x} and {y} on one side | is {x} on the same side as {y}",
        "whether {x} and {y} are on the same side | whether {x} is on the same side as {y}",
        "{x} and {y}, are they on the same side | would I find {x} and {y} on one side | "
        "am I right that {x} and {y} are on the same side | could {x} and {y} be on the same side",
    ),
    "do_overlap": book(
        "do {x} and {y} overlap | are {x} and {y} heard at the same time | is {x} heard together with {y} | "
        "is there a time when {x} and {y} are heard together",
        "whether {x} and {y} overlap | whether {x} and {y} are heard at the same time",
        "{x} and {y}, do they overlap | is there an overlap of {x} and {y} | am I right that {x} and {y} overlap | "
        "could {x} and {y} be heard at once",
    ),
    "is_before": book(
        "does {x} start {rank} {y} | does {x} begin {rank} {y} does | in time, does {x} come {rank} {y} | "
        "is the start of {x} {rank} that of {y}",
        "whether {x} starts {rank} {y} | whether {x} begins {rank} {y} does",
        "{x}, does it start {rank} {y} | am I right that {x} starts {rank} {y} | could {x} have started {rank} {y} | "
        "did {x} start {rank} {y}",
    ),
    "is_longer": book(
        "is {x} {rank} in duration than {y} | is {x} {rank} than {y} in time | is {x} a {rank} sound than {y} | "
        "is the duration of {x} {rank} than that of {y}",
        "whether {x} is {rank} in duration than {y} | whether the duration of {x} is {rank} than that of {y}",
        "{x}, is it {rank} in time than {y} | am I right that {x} is {rank} in duration than {y} | "
        "could {x} be {rank} in duration than {y} | from start to end, is {x} {rank} than {y}",
    ),
    "is_moving": book(
        "does {x} move | is {x} moving | is {x} on the move | does {x} change its place",
        "whether {x} moves | whether {x} is moving",
        "{x}, does it move | am I right that {x} moves | could {x} be moving | does the place of {x} change",
    ),
    "moves_way": book(
        "does {x} move {way} | is {x} moving {way} | does {x} go {way} | is {way} the way that {x} moves",
        "whether {x} moves {way} | whether {x} is moving {way}",
        "{x}, does it move {way} | am I right that {x} moves {way} | could {x} be moving {way} | "
        "does the path of {x} lead {way}",
    ),
    "is_outdoors": book(
        "was this recorded {side} | is this {side} | are we {side} | does it sound as if it was {side}",
        "whether this was recorded {side} | whether this is {side}",
        "am I right that this is {side} | could this be {side} | was the microphone {side} | "
        "is it a recording that was made {side}",
    ),
    "t60_above": book(
        "is the T60 {rank} than {s} | is the reverberation time {rank} than {s} | "
        "does the room reverberate for {rank} than {s} | is the reverberation {rank} than {s}",
        "whether the T60 is {rank} than {s} | whether the reverberation time is {rank} than {s}",
        "am I right that the T60 is {rank} than {s} | could the T60 be {rank} than {s} | "
        "measured as T60, is it {rank} than {s} | is the decay time T60 {rank} than {s}",
    ),
    "volume_above": book(
        "is the room {rank} than {v} cubic metres | is the volume of the room {rank} than {v} cubic metres | "
        "does the room have a volume {rank} than {v} cubic metres | is the volume {rank} than {v} cubic metres",
        "whether the room is {rank} than {v} cubic metres | whether the volume is {rank} than {v} cubic metres",
        "am I right that the room is {rank} than {v} cubic metres | could the room be {rank} than {v} cubic metres | "
        "by volume, is the room {rank} than {v} cubic metres | would you say the room is {rank} than {v} cubic metres",
    ),
    "any_interrupts": book(
        "do two people ever talk at the same time | does anybody interrupt | does anyone talk over another | "
        "is there any overlap between the talkers",
        "whether anybody interrupts | whether two people ever talk at the same time",
        "am I right that somebody interrupts | could there be two people talking at once | "
        "is anybody talking over somebody else | do the voices ever overlap",
    ),
    "none_interrupts": book(
        "do the talkers wait for each other | does everybody let the others finish | do the turns never overlap | "
        "do people talk only one at a time",
        "whether the talkers wait for each other | whether people talk only one at a time",
        "am I right that nobody interrupts | are the turns free of any overlap | is it always one voice at a time | "
        "does each talker wait for the end of the turn before",
    ),
    "more_than": book(
        "are there more than {n} | do you hear more than {n} | "
        "does the recording have more than {n} | "
        "is the number of sounds more than {n}",
        "whether there are more than {n} | whether you hear more than {n}",
        "am I right that there are more than {n} | could there be more than {n} | "
        "have you counted more than {n} | is it more than {n} that there are",
    ),
    "extreme_on_side": book(
        "is the sound that starts {rank} {side} | can the sound that starts {rank} be found {side} | "
        "do you hear the sound that starts {rank} {side} | is what starts {rank} {side}",
        "whether the sound that starts {rank} is {side} | whether what starts {rank} is {side}",
        "the sound that starts {rank}, is it {side} | am I right that the sound that starts {rank} is {side} | "
        "could the sound that comes {rank} be {side} | would I find the sound that begins {rank} {side}",
    ),
}
