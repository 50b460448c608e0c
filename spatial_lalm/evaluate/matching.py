"""Who is who: predictions matched with references so that the sum of their errors is least."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spatial_lalm.audio.conventions import angle_between
from spatial_lalm.errors import InputError

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Matches:
    """Rows of the reference and of the prediction that belong together, ``(M,)`` each, and their costs ``(M,)``."""

    references: Ints
    predictions: Ints
    costs: Floats


def match(costs: Floats, gate: float = np.inf) -> Matches:
    """One-to-one assignment of least total cost in ``(references, predictions)`` (Munkres, 1957).

    Pairs above ``gate`` are never matched: as many pairs as possible within the gate are made, at least total cost.
    """
    if not costs.size:
        none = np.zeros(0, dtype=np.int64)
        return Matches(none, none, np.zeros(0))
    if costs.size == 1:
        rows = columns = np.zeros(1, dtype=np.int64)
    else:
        from scipy.optimize import linear_sum_assignment

        allowed = costs <= gate
        far = 1.0 + costs[allowed].sum() if allowed.any() else 1.0
        rows, columns = linear_sum_assignment(np.where(allowed, costs, far))
    found = costs[rows, columns]
    return Matches(rows[found <= gate], columns[found <= gate], found[found <= gate])


def angles_between_all(references: ArrayLike, predictions: ArrayLike) -> Floats:
    """Great-circle angles in degrees ``(R, P)`` between vectors ``(R, 3)`` and ``(P, 3)``."""
    a, b = (np.asarray(side, dtype=float).reshape(-1, 3) for side in (references, predictions))
    return angle_between(a[:, None], b[None])


@dataclass(frozen=True)
class MatchedAngles:
    """Angles in degrees of matched directions ``(M,)``, and how many references and predictions were left over."""

    errors: Floats
    missed: int
    spurious: int

    def mean(self, miss_deg: float = 90.0) -> float:
        """Mean angle where every missed reference counts as ``miss_deg`` off (90: the mean of guessing).

        NaN where there is no reference.
        """
        counted = [*self.errors, *[miss_deg] * self.missed]
        return float(np.mean(counted)) if counted else float("nan")


def matched_angles(references: ArrayLike, predictions: ArrayLike, gate_deg: float = 180.0) -> MatchedAngles:
    """Match directions ``(R, 3)`` and ``(P, 3)`` of any length but zero so that the sum of angles is least.

    ``InputError``: another shape, NaN, a zero vector, a gate outside (0, 180].
    """
    if not 0 < gate_deg <= 180:
        raise InputError(f"gate {gate_deg}: must lie above 0 and at most at 180 degrees")
    sides = [_vectors(name, side) for name, side in (("reference", references), ("predicted", predictions))]
    found = match(angles_between_all(*sides), gate_deg)
    return MatchedAngles(found.costs, len(sides[0]) - len(found.costs), len(sides[1]) - len(found.costs))


def _vectors(name: str, side: ArrayLike) -> Floats:
    data = np.asarray(side, dtype=float)
    if data.size == 0:
        return np.zeros((0, 3))
    if data.ndim != 2 or data.shape[1] != 3:
        raise InputError(f"{name} directions of shape {data.shape}: give (items, 3) vectors x, y, z")
    if not np.isfinite(data).all() or not np.linalg.norm(data, axis=1).all():
        raise InputError(f"{name} directions hold NaN or a zero vector: leave out what points nowhere")
    return data
