"""What one reading is worth against its truth: errors, and whether it is right, wrong or declined."""

from __future__ import annotations

from typing import Any

from spatial_lalm.audio.conventions import unit_vector
from spatial_lalm.evaluate import metrics
from spatial_lalm.evaluate.benchmark import Choice, Decline, Direction, Number, Span, Tracks, Truth, Words, YesNo
from spatial_lalm.evaluate.choices import official_match
from spatial_lalm.evaluate.grounding import set_iou
from spatial_lalm.evaluate.honesty import Outcome
from spatial_lalm.evaluate.run.parsing import bare_words
from spatial_lalm.evaluate.run.responses import Reading
from spatial_lalm.evaluate.run.tolerances import RIGHT_DEG, near_enough

RIGHT_IOU = 0.5
Score = dict[str, float]


def score(truth: Truth, reading: Reading, text: str, official: bool = False) -> tuple[Outcome, Score]:
    """Outcome and errors of a reading; an answer that could not be read is wrong and has no errors.

    ``text`` is the whole answer, for the ``official`` string match of choices. Tracks are scored over all recordings
    and come out as right where they could be read.
    """
    if isinstance(truth, Decline):
        return ("right" if reading.declined else "wrong"), {}
    if official and isinstance(truth, Choice):
        return ("right" if official_match(truth.options[truth.right], text, truth.options) else "wrong"), {}
    if reading.declined:
        return "declined", {}
    if reading.value is None:
        return "wrong", {}
    right, errors = _scored(truth, reading.value)
    return ("right" if right else "wrong"), errors


def _scored(truth: Truth, value: Any) -> tuple[bool, Score]:
    match truth:
        case Choice(right=right):
            return value == right, {}
        case YesNo(yes=yes):
            return value is yes, {}
        case Direction():
            return _direction(truth, value)
        case Number():
            return _number(truth, float(value))
        case Span(parts_s=parts):
            iou = set_iou([(start, end) for start, end in value], parts)
            return iou >= RIGHT_IOU, {"iou": iou}
        case Words(accepted=accepted, transcript=True):
            return bare_words(value) == bare_words(accepted[0]), {}
        case Words(accepted=accepted):
            return bare_words(value) in {bare_words(one) for one in accepted}, {}
        case _:
            return True, {}


def _direction(truth: Direction, value: Any) -> tuple[bool, Score]:
    """Great-circle and azimuth error; a height that is not told is taken as level, and told nowhere as right."""
    azimuth, elevation = value
    errors = {"azimuth_error_deg": float(metrics.azimuth_errors([azimuth], [truth.azimuth_deg])[0])}
    if truth.elevation_deg is None:
        return errors["azimuth_error_deg"] <= RIGHT_DEG, errors
    said = unit_vector(azimuth, elevation or 0.0)
    angle = metrics.angular_errors(said[None], unit_vector(truth.azimuth_deg, truth.elevation_deg)[None])[0]
    return bool(angle <= RIGHT_DEG), {"angle_error_deg": float(angle), **errors}


def _number(truth: Number, value: float) -> tuple[bool, Score]:
    errors = {"abs_error": abs(value - truth.value)}
    if value > 0 and truth.value > 0:
        if truth.quantity == "volume":
            errors["log2_error"] = float(metrics.log2_errors([value], [truth.value])[0])
        elif truth.quantity in ("distance", "dimension"):
            errors["ratio_error"] = float(metrics.ratio_errors([value], [truth.value])[0])
    return near_enough(truth.quantity, value, truth.value), errors


def group_of(truth: Truth) -> str:
    """The kind of truth that scores are told by."""
    match truth:
        case Number(quantity=quantity):
            return quantity
        case Tracks(protocol=protocol):
            return f"tracks {protocol}"
        case Words(transcript=True):
            return "transcript"
        case _:
            return {Choice: "choice", YesNo: "yes or no", Direction: "direction", Span: "span", Words: "words",
                    Decline: "decline"}[type(truth)]  # fmt: skip


def main_error(group: str) -> str | None:
    """The error that a group's answers are ranked by, None where only right or wrong counts."""
    return {"direction": "angle_error_deg", "distance": "ratio_error", "dimension": "ratio_error",
            "volume": "log2_error", "time": "abs_error", "t60": "abs_error", "drr": "abs_error", "c50": "abs_error",
            "count": "abs_error", "span": "iou"}.get(group)  # fmt: skip
