"""How far from the truth a number may be and still count as right."""

from __future__ import annotations

import math

from spatial_lalm.evaluate import metrics

RIGHT_DEG = 20.0
"""A direction within this is right, as in the challenges of sound event localisation."""
RIGHT_RATIO = 0.25
"""A distance or dimension is right within this share of the truth."""
RIGHT_WITHIN = {"time": 0.5, "t60": 0.1, "drr": 2.0, "c50": 2.0, "count": 0.0}
"""Seconds, seconds (or 20 %, whichever is more), dB, dB, none."""
T60_SHARE = 0.2
RIGHT_OCTAVES = 0.5
"""A volume is right within this many octaves."""


def near_enough(quantity: str, value: float, truth: float) -> bool:
    """Whether a value of a quantity (see ``benchmark.Number``) is right for a truth."""
    if quantity in ("volume", "distance", "dimension"):
        if value <= 0 or truth <= 0:
            return False
        if quantity == "volume":
            return bool(metrics.log2_errors([value], [truth])[0] <= RIGHT_OCTAVES)
        return bool(metrics.ratio_errors([value], [truth])[0] <= RIGHT_RATIO)
    allowed = RIGHT_WITHIN[quantity]
    return abs(value - truth) <= (max(allowed, T60_SHARE * truth) if quantity == "t60" else allowed)


def middle(low: float, high: float, quantity: str) -> float | None:
    """What a range such as ``2 to 3 m`` is worth: its middle, if both of its ends would be right were that the truth.

    A wider range says nothing of one value. ``quantity`` ``azimuth`` is for angles in degrees.
    """
    centre = (low + high) / 2
    if quantity == "azimuth":
        return centre if high - low <= 2 * RIGHT_DEG else None
    near = quantity != "count" and all(near_enough(quantity, end, centre) for end in (low, high))
    return centre if near and math.isfinite(centre) else None
