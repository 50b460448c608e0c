"""Directions, times and sizes in words: pure functions shared by training answers and by the program's own answers.

Angles follow ``conventions``: azimuth counter-clockwise from the front, elevation upwards, degrees. Words are always
chosen from the *rounded* numbers that stand beside them, so a sentence never contradicts itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Literal

from spatial_lalm.audio.conventions import wrap_degrees
from spatial_lalm.errors import InputError

Spatial = Literal["full", "planar", "lateral", "none"]
"""What the channels tell of direction: everything, no elevation, only left or right (binaural, linear), nothing."""

OCTANTS = ("front", "front left", "left", "back left", "back", "back right", "right", "front right")
LATERAL_MIDDLE_DEG = 22.5
LIMITS = {
    "planar": "height cannot be told from these channels",
    "lateral": "front or back and height cannot be told from these channels",
}
"""What an answer about direction adds for channels that tell only a part of it."""

# Label -> (bare name, stands with "a", plural).
NAMES: dict[str, tuple[str, bool, bool]] = {
    "speech": ("speech", False, False),
    "music": ("music", False, False),
    "baby_cry": ("baby crying", True, False),
    "chainsaw": ("chainsaw", True, False),
    "clock_tick": ("ticking clock", True, False),
    "dog_bark": ("dog bark", True, False),
    "fire_crackling": ("fire crackling", False, False),
    "helicopter": ("helicopter", True, False),
    "person_sneeze": ("person sneezing", True, False),
    "rain": ("rain", False, False),
    "rooster": ("rooster", True, False),
    "sea_waves": ("sea waves", False, True),
    "noise": ("noise", False, False),
    "tone": ("tone", True, False),
    "chirp": ("chirp", True, False),
    "click": ("click", True, False),
    "modulated_noise": ("modulated noise", False, False),
}

# Label -> the words that can mean no other of our sounds. "Noise" alone may mean any sound, so it is none of them.
CALLED: dict[str, str] = {
    "person_sneeze": r"sneez\w*",
    "baby_cry": r"bab(y|ies)|infant|crying|cries",
    "modulated_noise": r"(modulated|pulsing|fluctuating|throbbing) noise",
    "noise": r"hiss(ing)?|static|(steady|white|pink) noise",
    "clock_tick": r"clock|tick(s|ing)?",
    "music": r"music|song|tune|melody",
    "chainsaw": r"chain ?saw|saw|sawing",
    "dog_bark": r"dogs?|bark(s|ing)?",
    "fire_crackling": r"fire|fireplace|crackl\w+",
    "helicopter": r"helicopter|chopper|rotor",
    "rain": r"rain(ing|fall)?",
    "rooster": r"rooster|cock|crowing",
    "sea_waves": r"sea|surf|ocean|waves",
    "tone": r"tone|beep(s|ing)?",
    "chirp": r"chirp(s|ing)?|sweep",
    "click": r"click(s|ing)?",
    "speech": r"speech|voices?|talk(s|er|ers|ing)?|speak(s|er|ers|ing)?|person|people|persons|man|men|woman|women|"
    r"somebody|someone|anyone|anybody|human|conversation|narrator|guy|boy|girl|lady",
}
SIDES: dict[str, str] = {
    "left": r"\b(from|on|to|at) (the|my|our|your)( \w+)? left\b|\bfrom left\b|\bleft side\b",
    "right": r"\b(from|on|to|at) (the|my|our|your)( \w+)? right\b|\bfrom right\b|\bright side\b",
    "back": r"\bbehind\b|\b(from|at|in) the (back|rear)\b",
    "front": r"\bin front\b|\b(from|at|in) the front\b|\bahead\b",
    "above": r"\babove\b|\boverhead\b",
    "below": r"\bbelow\b|\bunderneath\b|\bbeneath\b",
}
"""Sides of the listener and how questions speak of them."""

# Upper ends in cubic metres (exclusive) of the words for a room's size: a bathroom, a living room, a classroom.
SIZES: tuple[tuple[float, str], ...] = ((40.0, "small"), (120.0, "medium-sized"), (400.0, "large"))
LARGEST = "very large"
# Upper ends in seconds (exclusive) of the words for a T60: a studio, a living room, a hall.
REVERBERATION: tuple[tuple[float, str], ...] = (
    (0.3, "dry"),
    (0.7, "moderately reverberant"),
    (1.5, "reverberant"),
)
MOST_REVERBERANT = "very reverberant"


# ---------------------------------------------------------------- names


def spoken_name(label: str, article: Literal["", "a", "the"] = "") -> str:
    """Name of a sound class in a sentence: ``dog bark``, ``a dog bark`` or ``the dog bark``; mass nouns take no "a".

    A label outside our classes is spoken with its underscores as spaces and without "a".
    """
    bare, countable, _ = NAMES.get(label, (label.replace("_", " "), False, False))
    if article == "the" or (article == "a" and countable):
        return f"{article} {bare}"
    return bare


def called(text: str) -> tuple[str, ...]:
    """The classes that a lower-case text names by a word of ``CALLED``, in the order of their first mention."""
    found = {label: re.search(rf"\b({words})\b", text) for label, words in CALLED.items()}
    places = {label: match.start() for label, match in found.items() if match}
    if "person_sneeze" in places:
        places.pop("speech", None)  # a person sneezing is no talker
    return tuple(sorted(places, key=lambda label: places[label]))


def is_plural(label: str) -> bool:
    """Whether the spoken name takes a plural verb ("the sea waves come from ...")."""
    return label in NAMES and NAMES[label][2]


def list_text(names: Sequence[str]) -> str:
    """Join names as in ``a, b and c``; empty for no names."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else list(names))


# ---------------------------------------------------------------- directions


def whole_degrees(angle_deg: float) -> int:
    """Round an angle in degrees to the nearest whole one in (-180, 180], halves towards the counter-clockwise side."""
    return int(wrap_degrees(math.floor(angle_deg + 0.5)))


def azimuth_words(azimuth_deg: float) -> str:
    """The octant of an azimuth in degrees: ``front``, ``front left``, ... each 45 degrees wide about its centre.

    An edge belongs to the octant on its counter-clockwise side: 22.5 is ``front left``, -22.5 is ``front``.
    """
    return OCTANTS[math.floor((azimuth_deg + 22.5) / 45.0) % 8]


def elevation_words(elevation_deg: float) -> str:
    """``above`` from more than 30 degrees, ``slightly above`` from 10 to 30, empty within 10, likewise ``below``."""
    if abs(elevation_deg) < 10:
        return ""
    side = "above" if elevation_deg > 0 else "below"
    return side if abs(elevation_deg) > 30 else f"slightly {side}"


def direction_words(azimuth_deg: float, elevation_deg: float) -> str:
    """Words for a direction in degrees: ``front left, slightly above``; ``directly above`` beyond 70 degrees."""
    if abs(elevation_deg) > 70:
        return f"directly {elevation_words(elevation_deg)}"
    height = elevation_words(elevation_deg)
    return azimuth_words(azimuth_deg) + (f", {height}" if height else "")


def lateral_words(azimuth_deg: float, elevation_deg: float) -> str:
    """``left``, ``right`` or ``middle``: what a left-right axis alone tells of a direction in degrees.

    The angle from the median plane, arcsin(sin azimuth cos elevation), counts as ``middle`` up to 22.5 degrees.
    """
    sideways = math.sin(math.radians(azimuth_deg)) * math.cos(math.radians(elevation_deg))
    lateral_deg = math.degrees(math.asin(sideways))
    if abs(lateral_deg) <= LATERAL_MIDDLE_DEG:
        return "middle"
    return "left" if lateral_deg > 0 else "right"


def place_text(azimuth_deg: float, elevation_deg: float, spatial: Spatial = "full") -> str:
    """A direction in words and whole degrees: ``the front left, slightly above: azimuth 43°, elevation 15°``.

    ``planar`` leaves the elevation out, ``lateral`` says only ``the left``, ``the middle`` or ``the right``.

    Raises:
        InputError: for ``none``, because such a recording carries no direction.
    """
    if spatial == "none":
        raise InputError("spatial 'none' has no direction to put into words: use full, planar or lateral")
    if spatial == "lateral":
        return f"the {lateral_words(azimuth_deg, elevation_deg)}"
    azimuth, elevation = whole_degrees(azimuth_deg), whole_degrees(elevation_deg)
    if spatial == "planar":
        return f"the {azimuth_words(azimuth)}: azimuth {azimuth}°"
    words = direction_words(azimuth, elevation)
    article = "" if words.startswith("directly") else "the "
    return f"{article}{words}: azimuth {azimuth}°, elevation {elevation}°"


def on_side(side: str, azimuth_deg: float, elevation_deg: float) -> bool:
    """Whether a direction lies on a side of ``SIDES``: within 60 degrees of its middle, or 20 above or below.

    Directly above or below (beyond 70 degrees) is on no side of the horizon.
    """
    if side in ("above", "below"):
        return elevation_deg > 20 if side == "above" else elevation_deg < -20
    centre = {"front": 0.0, "left": 90.0, "back": 180.0, "right": -90.0}[side]
    return abs(elevation_deg) <= 70 and abs(float(wrap_degrees(azimuth_deg - centre))) <= 60


# ---------------------------------------------------------------- times and sizes


def spans(intervals_s: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Intervals in seconds, rounded to 0.1 s, in time order, with those that touch or overlap made one."""
    merged: list[tuple[float, float]] = []
    for start, end in sorted((round(start, 1), round(end, 1)) for start, end in intervals_s):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def times_text(intervals_s: Iterable[tuple[float, float]], limit: int = 4) -> str:
    """Intervals in words: ``from 2.3 s to 4.1 s and from 5.0 s to 6.0 s``; ``and later again`` beyond the limit."""
    merged = spans(intervals_s)
    parts = [f"from {start:.1f} s to {end:.1f} s" for start, end in merged[:limit]]
    return " and ".join(parts + ["later again"] * (len(merged) > limit))


def two_digits(value: float) -> str:
    """A positive number with two significant digits and no exponent: ``8.5``, ``85``, ``1200``."""
    rounded = float(f"{value:.1e}")
    return f"{rounded:.0f}" if rounded >= 10 else f"{rounded:.{1 - math.floor(math.log10(rounded))}f}"


def size_words(volume_m3: float) -> str:
    """Word for a room's volume in cubic metres: small (< 40), medium-sized (< 120), large (< 400) or very large."""
    return next((word for end, word in SIZES if volume_m3 < end), LARGEST)


def reverberation_words(t60_s: float) -> str:
    """Words for a T60 in seconds: dry (< 0.3), moderately reverberant (< 0.7), reverberant (< 1.5) or very so."""
    return next((words for end, words in REVERBERATION if t60_s < end), MOST_REVERBERANT)


def room_text(volume_m3: float) -> str:
    """A room's size in words: ``medium-sized, with a volume of about 85 m³``.

    Raises:
        InputError: unless the volume is a positive, finite number.
    """
    if not 0 < volume_m3 < math.inf:
        raise InputError(f"room volume {volume_m3} m³ cannot be put into words: it must be positive and finite")
    spoken = two_digits(volume_m3)
    return f"{size_words(float(spoken))}, with a volume of about {spoken} m³"


def whole_decibels(level_db: float) -> int:
    """Round a level in dB to the nearest whole number, halves upwards."""
    return math.floor(level_db + 0.5)
