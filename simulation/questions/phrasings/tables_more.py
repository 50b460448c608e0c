"""Phrasebooks of motion, talkers, rooms, yes and no, and of what cannot be answered; see ``tables`` for the gaps."""

from __future__ import annotations

from spatial_lalm.simulation.questions.phrasings.basic import Phrasebook
from spatial_lalm.simulation.questions.phrasings.tables import book

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
        "{x}, which way does it move | describe how {x} moves | what is the motion of {x} | where to does {x} move",
    ),
    "who_moves": book(
        "which sound moves | what is moving | which of the sounds moves | which source is on the move",
        "which sound moves | what is moving",
        "name the sound that moves | of all the sounds, which moves | what does not stay in place | "
        "which sound changes its place",
    ),
    "move_start": book(
        "where does {x} start to move | from where does {x} move | where does the path of {x} begin | "
        "in which direction is {x} when it sets in",
        "where {x} starts to move | where the path of {x} begins",
        "{x}, where is it at first | what is the starting point of {x} | at the start, where is {x} | "
        "from which place does {x} move off",
    ),
    "move_end": book(
        "where does {x} end up | to where does {x} move | where does the path of {x} end | "
        "in which direction is {x} when it ends",
        "where {x} ends up | where the path of {x} ends",
        "{x}, where is it at last | what is the end point of {x} | at the end, where is {x} | "
        "at which place does {x} arrive",
    ),
}

TALKERS: dict[str, Phrasebook] = {
    "count_talkers": book(
        "how many people talk | how many talkers are there | how many different voices do you hear | "
        "what is the number of talkers",
        "how many people talk | the number of talkers",
        "count the talkers | how many persons take part in the talk | how many different people speak | "
        "by how many people is there speech",
    ),
    "turns": book(
        "who speaks when | who talks when and in which turns | what are the turns of the talkers | "
        "when does each speaker talk",
        "who speaks when | the turns of the talkers",
        "list the turns of the speakers | in which turns do they talk | how do the talkers take turns | "
        "give the times at which each person talks",
    ),
    "who_where": book(
        "who speaks from where | from where does each talker speak | where is each speaker | where are the talkers",
        "who speaks from where | where each speaker is",
        "list the speakers with their places | which talker is where | how are the speakers placed | "
        "give the place of each talker",
    ),
    "speaker_place": book(
        "where is {who} | from where does {who} speak | in which direction is {who} | "
        "from which direction does {who} talk",
        "where {who} is | in which direction {who} is",
        "which way is {who} | {who}, where is that | whereabouts is {who} | what is the direction of {who}",
    ),
    "speaker_times": book(
        "when does {who} speak | at what times does {who} talk | when is {who} heard | "
        "from when to when does {who} speak",
        "when {who} speaks | the times of {who}",
        "list the turns of {who} | {who}, when do they talk | during which seconds does {who} speak | "
        "give the times of {who}",
    ),
    "first_talker_place": book(
        "where is the person who speaks {rank} | from where does the {rank} turn come | "
        "where is the talker who speaks {rank} | in which direction is whoever talks {rank}",
        "where the person is who speaks {rank} | from where the {rank} turn comes",
        "whoever speaks {rank}, where are they | which way is the {rank} person to speak | "
        "what is the direction of the {rank} turn | whereabouts is the one who talks {rank}",
    ),
    "last_speaker": book(
        "which speaker has the last word | who speaks last, by number of first turn | which speaker talks last | "
        "whose is the last turn",
        "which speaker talks last | whose the last turn is",
        "which speaker takes the final turn | at the end, which speaker talks | who of the speakers comes last | "
        "name the speaker of the last turn",
    ),
    "most_speaker": book(
        "which speaker talks most | which speaker talks the longest in all | who speaks for the longest time | "
        "who of the speakers talks most",
        "which speaker talks most | who speaks for the longest time",
        "by total time, which speaker talks most | name the speaker with the most talk | "
        "which speaker holds the floor longest | who has the largest share of the talk",
    ),
    "count_turns": book(
        "how many turns does {who} take | how many times does {who} speak | how often does {who} talk | "
        "what is the number of turns of {who}",
        "how many turns {who} takes | the number of turns of {who}",
        "count the turns of {who} | {who}, how many turns | how frequently does {who} take the floor | "
        "on how many occasions does {who} talk",
    ),
}

ROOMS: dict[str, Phrasebook] = {
    "edt": book(
        "what is the early decay time | what is the EDT | how long is the early decay time | "
        "what EDT does the room have",
        "the early decay time | the EDT of the room",
        "which early decay time do you hear | how large is the EDT | in seconds, what is the EDT | "
        "find the early decay time",
    ),
    "d50": book(
        "what is the definition D50 | what is the D50 | how high is the D50 | what D50 does the room have",
        "the definition D50 | the D50 of the room",
        "which definition D50 do you hear | how large is the D50 | in per cent, what is the D50 | find the D50",
    ),
    "t60": book(
        "what is the T60 here | how many seconds is the T60 | how long is the reverberation time here | "
        "what T60 do you measure",
        "the T60 here | how many seconds the T60 is",
        "in seconds, what is the T60 | which T60 do you find | the reverberation time, how long is it | "
        "for how many seconds does it reverberate",
    ),
    "size_word": book(
        "in a word, how big is the room | how would you call the size of the room in words | "
        "what size of room is this | "
        "how big does the room sound",
        "how big the room sounds | what size of room this is",
        "in words, how large is the room | describe the size of the room in a word | which size of room do you hear | "
        "judging by ear, how big is the room",
    ),
    "t60_band": book(
        "what is the T60 at {band} Hz | what is the reverberation time at {band} Hz | "
        "how long is the T60 at {band} Hz | "
        "at {band} Hz, what is the reverberation time",
        "the T60 at {band} Hz | the reverberation time at {band} Hz",
        "which T60 does the room have at {band} Hz | in the octave of {band} Hz, what is the T60 | "
        "how long does the room reverberate at {band} Hz | find the T60 at {band} Hz",
    ),
    "reverberation_word": book(
        "in a word, how reverberant is it | how would you call the reverberation in words | "
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
    "drr_of": book(
        "what is the direct-to-reverberant ratio of {x} | what is the DRR of {x} | how high is the DRR of {x} | "
        "which DRR does {x} have",
        "the direct-to-reverberant ratio of {x} | the DRR of {x}",
        "{x}, what DRR does it have | in decibels, what is the DRR of {x} | for {x}, how large is the DRR | "
        "find the DRR of {x}",
    ),
    "c50_of": book(
        "what is the clarity of {x} | what is the C50 of {x} | how high is the C50 of {x} | which C50 does {x} have",
        "the clarity of {x} | the C50 of {x}",
        "{x}, what C50 does it have | in decibels, what is the C50 of {x} | for {x}, how large is the C50 | "
        "find the C50 of {x}",
    ),
    "which_drr": book(
        "which has the {rank} direct-to-reverberant ratio, {x} or {y} | which has the {rank} DRR, {x} or {y} | "
        "of {x} and {y}, which has the {rank} DRR | whose DRR is {rank}, that of {x} or that of {y}",
        "which has the {rank} DRR, {x} or {y} | which of {x} and {y} has the {rank} DRR",
        "{x} or {y}, which one has the {rank} DRR | comparing {x} with {y}, which DRR is {rank} | "
        "between {x} and {y}, where is the DRR {rank} | by DRR, which is {rank}, {x} or {y}",
    ),
}

YES_NO: dict[str, Phrasebook] = {
    "is_there": book(
        "is there {a} | do you hear {a} | can you hear {a} | is {a} in the recording",
        "whether there is {a} | whether you hear {a}",
        "is {a} to be heard | does the recording have {a} in it | have you heard {a} | among the sounds, is there {a}",
    ),
    "is_on_side": book(
        "is {x} {side} | does {x} sound {side} | do I have {x} {side} | is {x} somewhere {side}",
        "whether {x} is {side} | whether {x} sounds {side}",
        "{x}, is it {side} | would I find {x} {side} | am I right that {x} is {side} | could {x} be {side}",
    ),
    "is_within": book(
        "is {x} {rank} than {d} metres | is {x} {rank} than {d} metres away | "
        "by distance, is {x} {rank} than {d} metres | "
        "does {x} sound {rank} than {d} metres",
        "whether {x} is {rank} than {d} metres | whether {x} is {rank} than {d} metres away",
        "{x}, is it {rank} than {d} metres | am I right that {x} is {rank} than {d} metres | "
        "could {x} be {rank} than {d} metres | measured in metres, is {x} {rank} than {d} metres",
    ),
    "is_nearer": book(
        "is {x} {rank} than {y} | is {x} {rank} to me than {y} | compared with {y}, is {x} {rank} | "
        "does {x} sound {rank} than {y}",
        "whether {x} is {rank} than {y} | whether {x} sounds {rank} than {y}",
        "{x}, is it {rank} than {y} | am I right that {x} is {rank} than {y} | could {x} be {rank} than {y} | "
        "in distance, is {x} {rank} than {y}",
    ),
    "is_left_of": book(
        "is {x} to the {rank} of {y} | is {x} further {rank} than {y} | does {x} sound to the {rank} of {y} | "
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
        "{x} and {y}, are they on the same side | do I have {x} and {y} on one side | "
        "am I right that {x} and {y} are on the same side | could {x} and {y} be on the same side",
    ),
    "do_overlap": book(
        "do {x} and {y} overlap | do {x} and {y} sound at the same time | is {x} heard together with {y} | "
        "is there a time when {x} and {y} sound together",
        "whether {x} and {y} overlap | whether {x} and {y} sound at the same time",
        "{x} and {y}, do they overlap | is there an overlap of {x} and {y} | am I right that {x} and {y} overlap | "
        "could {x} and {y} be heard at once",
    ),
    "is_before": book(
        "does {x} start {rank} {y} | does {x} begin {rank} {y} does | in time, does {x} come {rank} {y} | "
        "is the start of {x} {rank} that of {y}",
        "whether {x} starts {rank} {y} | whether {x} begins {rank} {y} does",
        "{x}, does it start {rank} {y} | am I right that {x} starts {rank} {y} | could {x} have started {rank} {y} | "
        "did {x} set in {rank} {y}",
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
        "does {x} move {way} | is {x} moving {way} | does {x} go {way} | is it {way} that {x} moves",
        "whether {x} moves {way} | whether {x} is moving {way}",
        "{x}, does it move {way} | am I right that {x} moves {way} | could {x} be moving {way} | "
        "is the path of {x} {way}",
    ),
    "is_outdoors": book(
        "was this recorded {side} | is this {side} | are we {side} | does it sound as if it was {side}",
        "whether this was recorded {side} | whether this is {side}",
        "am I right that this is {side} | could this be {side} | was the microphone {side} | "
        "is it a recording made {side}",
    ),
    "t60_above": book(
        "is the T60 {rank} than {t} seconds | is the reverberation time {rank} than {t} seconds | "
        "does the room reverberate for {rank} than {t} seconds | is the reverberation {rank} than {t} seconds",
        "whether the T60 is {rank} than {t} seconds | whether the reverberation time is {rank} than {t} seconds",
        "am I right that the T60 is {rank} than {t} seconds | could the T60 be {rank} than {t} seconds | "
        "measured as T60, is it {rank} than {t} seconds | is the decay time T60 {rank} than {t} seconds",
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
        "are there more than {n} sounds | do you hear more than {n} sounds | "
        "does the recording have more than {n} sounds | "
        "is the number of sounds more than {n}",
        "whether there are more than {n} sounds | whether you hear more than {n} sounds",
        "am I right that there are more than {n} sounds | could there be more than {n} sounds | "
        "have you counted more than {n} sounds | is it more than {n} sounds that there are",
    ),
    "extreme_on_side": book(
        "is the sound that starts {rank} {side} | can the sound that starts {rank} be found {side} | "
        "do I have the sound that starts {rank} {side} | is what starts {rank} {side}",
        "whether the sound that starts {rank} is {side} | whether what starts {rank} is {side}",
        "the sound that starts {rank}, is it {side} | am I right that the sound that starts {rank} is {side} | "
        "could the sound that comes {rank} be {side} | would I find the sound that begins {rank} {side}",
    ),
}

CHOICE: dict[str, Phrasebook] = {
    "how_near": book(
        "how near is {x} to me | how close is {x} to the microphone | how far from me is {x} | "
        "at what range do I have {x}",
        "how near {x} is to me | how far from me {x} is",
        "what range is {x} at | {x}, how near is it | within which distance is {x} | how close by is {x}",
    ),
    "which_part": book(
        "in which part of the recording does {x} start | in which quarter does {x} start | "
        "which part of the recording does {x} start in | in which quarter of the recording does {x} begin",
        "in which part of the recording {x} starts | in which quarter {x} begins",
        "{x}, in which quarter does it start | which quarter holds the start of {x} | "
        "early or late, in which part does {x} begin | when the recording is cut in four, in which part does {x} start",
    ),
    "one_on_side": book(
        "which one of these is {side} | which of these sounds do you hear {side} | which of these is the one {side} | "
        "one of these is {side}, which",
        "which one of these is {side} | which of these sounds you hear {side}",
        "of these, which one do I have {side} | name the one of these that is {side} | "
        "{side}, which one of these is it | "
        "only one of these is {side}, which is it",
    ),
}

UNANSWERABLE: dict[str, Phrasebook] = {
    "identity": book(
        "who is {x} | what is the name of {x} | is {x} a famous person | do I know {x} | "
        "whose voice is it, that of {x}",
        "who {x} is | the name of {x}",
        "what is {x} called | which person is {x} | can you identify {x} by name | is {x} someone from the news",
    ),
    "visual": book(
        "what does {x} look like | what colour is {x} | what is {x} wearing | is {x} tall or short | "
        "is {x} in the light",
        "what {x} looks like | what colour {x} has",
        "describe the looks of {x} | which shape does {x} have | is {x} pretty | what shade of colour does {x} have",
    ),
    "unheard": book(
        "why is {x} here | what will {x} do next | what was {x} doing yesterday | how old is {x} | what does {x} weigh",
        "why {x} is here | how old {x} is",
        "for what reason is {x} here | what did {x} do last week | in which year did {x} begin to exist | "
        "how much would {x} cost to buy",
    ),
}
