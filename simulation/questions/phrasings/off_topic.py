"""Questions that no sound can answer."""

from __future__ import annotations

from spatial_lalm.simulation.questions.phrasings.building import Split

_SUBJECTS = (
    "the talker",
    "the voice",
    "the dog",
    "the baby",
    "the clock",
    "the helicopter",
    "the chainsaw",
    "the rooster",
)
_ABOUT: dict[Split, tuple[str, ...]] = {
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
_GENERAL: dict[Split, tuple[str, ...]] = {
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


def off_topic(split: Split) -> tuple[str, ...]:
    """Every question that no sound answers, without its mark; some twice to be drawn more often."""
    about = (text.replace("{x}", subject) for text in _ABOUT[split] for subject in _SUBJECTS)
    general = _GENERAL[split]
    return (*general, *general, *about)  # twice, or the eighty sentences about a subject would drown them
