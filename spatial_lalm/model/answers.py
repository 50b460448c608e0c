"""What a question gets back: a sentence, the evidence behind it, the room, and what was taken for granted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

Place = tuple[float, float, float | None]
"""Where a sound is when: seconds from the start of the recording, azimuth and elevation (None: not told) in degrees."""


@dataclass(frozen=True)
class Evidence:
    """One heard event.

    Angles are None where the channels cannot tell them; ``side`` (left, middle or right: within 22.5 degrees of the
    median plane) is there wherever the channels tell that much. ``confidence`` is in [0, 1]. ``trajectory`` is there
    only of an event that moves: its places about every half second, from its first to its last; its ``azimuth_deg``
    and ``elevation_deg`` are then those of its mean direction.
    """

    start_s: float
    end_s: float
    label: str
    azimuth_deg: float | None
    elevation_deg: float | None
    distance_m: float
    confidence: float
    side: str | None = None
    trajectory: tuple[Place, ...] | None = None


@dataclass(frozen=True)
class Estimate:
    """A value and its uncertainty: the error that the model expects of itself on average, in the value's unit."""

    value: float
    uncertainty: float


@dataclass(frozen=True)
class RoomEstimate:
    """Room properties; ``t60_bands_s`` are the octave bands 125 Hz to 4 kHz."""

    t60_s: Estimate
    t60_bands_s: tuple[Estimate, ...]
    drr_db: Estimate
    c50_db: Estimate
    volume_m3: Estimate


@dataclass(frozen=True)
class Answer:
    """An answer to a question about a recording.

    ``evidence`` has the most relevant event first, of the seconds that the question names; ``room`` is None where
    nothing was heard to know it by; ``abstained`` says that the audio cannot tell, or that the question was not
    understood; ``assumed`` lists what was taken for granted (format, array, ...). ``to_dict`` is the JSON of the
    command line.
    """

    text: str
    evidence: tuple[Evidence, ...]
    room: RoomEstimate | None
    abstained: bool
    assumed: tuple[str, ...]
    model: str

    def to_dict(self) -> dict[str, Any]:
        """Plain objects with the names above, numbers rounded to what they are worth; no trajectory of what stays."""
        rounded = _rounded(asdict(self))
        assert isinstance(rounded, dict)
        for event in rounded["evidence"]:
            if event["trajectory"] is None:
                del event["trajectory"]
        return rounded


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
