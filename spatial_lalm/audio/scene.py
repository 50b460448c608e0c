"""The scene graph: everything that a label or a question says follows from these plain objects."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

FRAME_S = 0.1
"""Step of trajectories and activity in seconds (the STARSS grid)."""

CLASSES: tuple[str, ...] = (
    "speech",
    "music",
    "baby_cry",
    "chainsaw",
    "clock_tick",
    "dog_bark",
    "fire_crackling",
    "helicopter",
    "person_sneeze",
    "rain",
    "rooster",
    "sea_waves",
    "noise",
    "tone",
    "chirp",
    "click",
    "modulated_noise",
)
"""Sound classes that the shipped model knows; a class number in our CSV files is an index into this tuple."""


@dataclass(frozen=True)
class SourceEvent:
    """One sound from one place.

    ``trajectory`` holds (azimuth in degrees, elevation in degrees, distance in metres) for every 100 ms from
    ``onset_s``, or a single entry for a source that stands still. ``active`` says for every 100 ms from ``onset_s``
    whether the dry signal sounds. Times are seconds from the start of the scene and include the travel time of sound.
    """

    label: str
    onset_s: float
    offset_s: float
    trajectory: tuple[tuple[float, float, float], ...]
    active: tuple[bool, ...]
    text: str = ""
    speaker: str | None = None

    @property
    def azimuth_deg(self) -> float:
        """Azimuth at the onset."""
        return self.trajectory[0][0]

    @property
    def elevation_deg(self) -> float:
        """Elevation at the onset."""
        return self.trajectory[0][1]

    @property
    def distance_m(self) -> float:
        """Distance at the onset."""
        return self.trajectory[0][2]


@dataclass(frozen=True)
class Acoustics:
    """Room-acoustic quantities measured on one rendered response (ISO 3382-1), see ``simulation.acoustics``."""

    t60_s: float
    t60_bands_s: tuple[float, ...]  # octave bands 125, 250, 500, 1000, 2000, 4000 Hz
    drr_db: float
    c50_db: float


@dataclass(frozen=True)
class Room:
    """A shoebox: dimensions (x, y, z) in metres, energy absorption of the six walls (x0 x1 y0 y1 z0 z1) at 1 kHz.

    Absorption grows with frequency as ``(f / 1 kHz) ** tilt``: soft furnishing has a positive tilt, thin panels a
    negative one.
    """

    dimensions_m: tuple[float, float, float]
    absorption: tuple[float, float, float, float, float, float]
    tilt: float = 0.0

    @property
    def volume_m3(self) -> float:
        """Volume in cubic metres."""
        width, depth, height = self.dimensions_m
        return width * depth * height

    @property
    def surface_m2(self) -> float:
        """Wall surface in square metres."""
        width, depth, height = self.dimensions_m
        return 2 * (width * depth + width * height + depth * height)


@dataclass(frozen=True)
class Scene:
    """A rendered scene: where the receiver stood, what sounded, and what the room did to it.

    ``acoustics`` is the mean over the sources of what was measured on their responses. ``seed`` makes the scene again.
    """

    duration_s: float
    rate: int
    order: int
    room: Room
    receiver_m: tuple[float, float, float]
    events: tuple[SourceEvent, ...]
    acoustics: Acoustics | None
    snr_db: float
    seed: int
    convention: str = field(default="ambix")

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary for the JSON file beside the audio."""
        return asdict(self) | {"volume_m3": self.room.volume_m3}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Scene:
        """The scene that ``to_json`` wrote; what else a file holds is ignored."""
        room, acoustics = content["room"], content["acoustics"]
        events = [
            SourceEvent(
                **{
                    **event,
                    "trajectory": tuple((float(a), float(e), float(d)) for a, e, d in event["trajectory"]),
                    "active": tuple(bool(a) for a in event["active"]),
                }
            )
            for event in content["events"]
        ]
        own = {field.name: content[field.name] for field in fields(cls)}
        return cls(
            **own
            | {
                "room": Room(tuple(room["dimensions_m"]), tuple(room["absorption"]), room["tilt"]),
                "receiver_m": tuple(content["receiver_m"]),
                "events": tuple(events),
                "acoustics": acoustics and Acoustics(**acoustics | {"t60_bands_s": tuple(acoustics["t60_bands_s"])}),
            }
        )
