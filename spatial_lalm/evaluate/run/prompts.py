"""How models that are not ours are asked: the question, its options, and the form that an answer should have."""

from __future__ import annotations

from spatial_lalm.evaluate.benchmark import Choice, Decline, Direction, Item, Number, Span, Tracks, Truth, Words, YesNo

PROMPT = "prompt-1"
"""Version of the words below; it goes into every report."""
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_UNITS = {"distance": "metres", "dimension": "metres", "time": "seconds", "t60": "seconds", "drr": "dB", "c50": "dB",
          "volume": "cubic metres"}  # fmt: skip
AXES = "azimuth counter-clockwise from the front (left is 90, right is -90)"


def prompt_of(item: Item) -> str:
    """The whole text that goes with the audio."""
    lines = [item.question.strip()]
    if isinstance(item.truth, Choice):
        lines += [f"({LETTERS[index]}) {text}" for index, text in enumerate(item.truth.options)]
    if item.start_s or item.end_s is not None:
        end = "to the end" if item.end_s is None else f"to {item.end_s:g} s"
        lines.insert(0, f"The audio is the part from {item.start_s:g} s {end} of a longer recording.")
    return "\n".join([*lines, _form(item.truth)])


def _form(truth: Truth) -> str:
    """What the answer should look like; a question that cannot be answered is asked as the others are."""
    match truth:
        case Choice():
            return "Answer with the letter of the right option only."
        case YesNo():
            return "Answer with yes or no only."
        case Direction():
            return f"Answer in degrees as: azimuth A, elevation E; {AXES}, elevation upwards."
        case Number(quantity="count"):
            return "Answer with a whole number only."
        case Number(quantity=quantity):
            return f"Answer with one number in {_UNITS[quantity]}."
        case Span():
            return "Answer in seconds as: from S to E."
        case Words(transcript=True):
            return "Answer with the words that are said and nothing else."
        case Words():
            return "Answer in one or a few words."
        case Tracks(protocol=protocol):
            return f"Answer with the rows of a {protocol} file and nothing else."
        case Decline():
            return "Answer in one sentence."
