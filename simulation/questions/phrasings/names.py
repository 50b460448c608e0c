"""Names that people give to sounds in their questions."""

from __future__ import annotations

ALIASES: dict[str, tuple[str, ...]] = {
    "speech": (
        "the speech",
        "the voice",
        "the talker",
        "the speaker",
        "the person talking",
        "the person speaking",
        "someone talking",
        "the human voice",
        "the talking",
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

THINGS: dict[str, tuple[str, ...]] = {
    "speech": ("the talker", "the speaker", "the person talking", "the person speaking"),
    "baby_cry": ("the baby", "the crying baby", "the infant"),
    "chainsaw": ("the chainsaw", "the saw"),
    "clock_tick": ("the clock", "the ticking clock"),
    "dog_bark": ("the dog", "the barking dog"),
    "helicopter": ("the helicopter", "the chopper"),
    "person_sneeze": ("the person sneezing",),
    "rooster": ("the rooster",),
}
"""Names of ``ALIASES`` that mean what makes the sound: it has a colour, an age and a weight, which a sound has not."""
