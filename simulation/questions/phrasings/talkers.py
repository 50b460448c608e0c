"""Phrasebooks of talkers and their turns; ``{who}`` is a lettered speaker; gaps are listed in ``reading``."""

from __future__ import annotations

from spatial_lalm.simulation.questions.phrasings.building import Phrasebook, book

TALKERS: dict[str, Phrasebook] = {
    "count_talkers": book(
        "how many people talk | how many talkers are there | how many different voices do you hear | "
        "what is the number of talkers",
        "how many people talk | the number of talkers",
        "count the talkers | how many people take part in the conversation | how many different people speak | "
        "how many people do the talking",
    ),
    "turns": book(
        "who speaks when | who talks when and in which turns | what are the turns of the talkers | "
        "when does each speaker talk",
        "who speaks when | the turns of the talkers",
        "list the turns of the speakers | in which turns do they talk | how do the talkers take turns | "
        "give the times at which each person talks",
    ),
    "who_where": book(
        "who speaks from where | where does each talker speak from | where is each speaker | where are the talkers",
        "who speaks from where | where each speaker is",
        "list the speakers with their places | which talker is where | how are the speakers placed | "
        "give the place of each talker",
    ),
    "speaker_place": book(
        "where is {who} | where does {who} speak from | in which direction is {who} | "
        "from which direction does {who} talk",
        "where {who} is | in which direction {who} is",
        "which way is {who} | {who}, where are they | whereabouts is {who} | what is the direction of {who}",
    ),
    "who_at": book(
        "who is at the {place} | which speaker is at the {place} | who is it that talks from the {place} | "
        "which of the speakers is at the {place}",
        "who is at the {place} | which speaker talks from the {place}",
        "at the {place}, who is it | who is the person at the {place} | which speaker would I face at the {place} | "
        "name the speaker at the {place}",
    ),
    "speaker_times": book(
        "when does {who} speak | at what times does {who} talk | when is {who} heard | "
        "from when to when does {who} speak",
        "when {who} speaks | the times of {who}",
        "list the turns of {who} | {who}, when do they talk | during which seconds does {who} speak | "
        "give the times of {who}",
    ),
    "first_talker_place": book(
        "where is the person who speaks {rank} | where does the {rank} turn come from | "
        "where is the talker who speaks {rank} | in which direction is whoever talks {rank}",
        "where the person who speaks {rank} is | where the {rank} turn comes from",
        "whoever speaks {rank}, where are they | which way is the {rank} person to speak | "
        "what is the direction of the {rank} turn | whereabouts is the one who talks {rank}",
    ),
    "last_speaker": book(
        "which speaker has the last word | which of the speakers talks last | which speaker talks last | "
        "whose is the last turn",
        "which speaker talks last | whose the last turn is",
        "which speaker takes the final turn | at the end, which speaker talks | which of the speakers comes last | "
        "name the speaker of the last turn",
    ),
    "most_speaker": book(
        "which speaker talks most | which speaker talks the longest in all | who speaks for the longest time | "
        "which of the speakers talks most",
        "which speaker talks most | who speaks for the longest time",
        "by total time, which speaker talks most | name the speaker who talks most | "
        "which speaker holds the floor longest | who has the largest share of the conversation",
    ),
    "count_turns": book(
        "how many turns does {who} take | how many times does {who} speak | how often does {who} talk | "
        "what is the number of turns of {who}",
        "how many turns {who} takes | the number of turns of {who}",
        "count the turns of {who} | {who}, how many turns | how frequently does {who} take the floor | "
        "on how many occasions does {who} talk",
    ),
}
