"""The scene graph: everything that a label or a question says follows from these plain objects."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any

FRAME_S = 0.1
"""Step of trajectories and activity in seconds (the STARSS grid)."""

OCTAVES_HZ: tuple[float, ...] = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0)
"""Octave bands of room acoustics; the lowest and the highest take all that lies beyond."""

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
class Acoustics:
    """Room-acoustic quantities measured on one rendered response (ISO 3382-1), see ``simulation.acoustics``.

    Quantities that could not be measured are NaN; in open air all but the DRR over ground whose echo stands apart.
    """

    t60_s: float
    t60_bands_s: tuple[float, ...]  # octave bands OCTAVES_HZ
    drr_db: float
    c50_db: float
    edt_s: float = math.nan
    edt_bands_s: tuple[float, ...] = (math.nan,) * len(OCTAVES_HZ)
    d50: float = math.nan  # share of the energy within 50 ms of the direct sound, 0 to 1

    @classmethod
    def from_json(cls, content: dict[str, Any] | None) -> Acoustics | None:
        """The quantities that ``asdict`` wrote, null as NaN; None stays None."""
        if content is None:
            return None
        return cls(**{name: _numbers(value) for name, value in content.items()})


def _numbers(value: Any) -> Any:
    """JSON's null as NaN and its lists as tuples."""
    if isinstance(value, list | tuple):
        return tuple(_numbers(item) for item in value)
    return math.nan if value is None else value


@dataclass(frozen=True)
class SourceEvent:
    """One sound from one place.

    ``trajectory`` holds (azimuth in degrees, elevation in degrees, distance in metres) as the receiver hears it for
    every 100 ms from ``onset_s``, or a single entry for a source that stays where it is. ``active`` says for every
    100 ms from ``onset_s`` whether the dry signal sounds. Times are seconds from the start of the scene and include the
    travel time of sound. ``speaker`` is who talks, where that is known.
    """

    label: str
    onset_s: float
    offset_s: float
    trajectory: tuple[tuple[float, float, float], ...]
    active: tuple[bool, ...]
    text: str = ""
    speaker: str | None = None
    acoustics: Acoustics | None = None  # of this source's own response, at its onset
    direct_snr_db: float | None = None  # direct sound over the background while it sounds, in W

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

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> SourceEvent:
        """The event that ``asdict`` wrote."""
        return cls(
            **content
            | {
                "trajectory": tuple((float(a), float(e), float(d)) for a, e, d in content["trajectory"]),
                "active": tuple(bool(a) for a in content["active"]),
                "acoustics": Acoustics.from_json(content.get("acoustics")),
            }
        )


Wall = float | tuple[float, ...]
FIELD_M = (160.0, 160.0, 80.0)
"""Size of the box that stands for open air; it means nothing, and no file holds it."""
Corners = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Room:
    """A shoebox: dimensions (x, y, z) in metres and energy absorption of the six walls x0 x1 y0 y1 z0 z1.

    With ``corners_m``, (x, y) in metres counter-clockwise, an upright room over a floor of that outline: side k runs
    from corner k to the next, ``absorption`` is that of the sides, the floor and the ceiling, and ``dimensions_m`` are
    those of the bounding box, which begins at the origin.

    A wall's absorption is a number at 1 kHz, which grows with frequency as ``(f / 1 kHz) ** tilt`` (soft furnishing has
    a positive tilt, thin panels a negative one), or one number an octave band of ``OCTAVES_HZ``. ``scattering`` (0 to
    1) is how far reflections lose their direction: it draws the decay of the late field from the image lattice's, which
    depends on direction, to the mean one. Open air is a box whose walls but the floor take everything in.
    """

    dimensions_m: tuple[float, float, float]
    absorption: tuple[Wall, ...]
    tilt: float = 0.0
    scattering: float = 0.0
    corners_m: Corners = ()

    @classmethod
    def open_air(cls, ground: Wall = 1.0, tilt: float = 0.0) -> Room:
        """No walls, over ground that absorbs so much, 1 where there is none."""
        return cls(FIELD_M, (1.0, 1.0, 1.0, 1.0, ground, 1.0), tilt)

    @property
    def wall_bands(self) -> tuple[tuple[float, ...], ...]:
        """Energy absorption of every wall, in the order of ``absorption``, in every octave band; within 0.005 and 1."""
        return tuple(
            tuple(
                min(max(value, 0.005), 1.0)
                for value in (
                    wall
                    if isinstance(wall, tuple)
                    else [1.0 if wall >= 1 else wall * (hertz / 1000.0) ** self.tilt for hertz in OCTAVES_HZ]
                )
            )
            for wall in self.absorption
        )

    @property
    def outdoors(self) -> bool:
        """Whether nothing but the ground can reflect."""
        return all(min(bands) >= 1.0 for bands in (*self.wall_bands[:-2], self.wall_bands[-1]))

    @property
    def floor_m2(self) -> float:
        """Area of the floor in square metres (of a polygon by the shoelace formula)."""
        if not self.corners_m:
            return self.dimensions_m[0] * self.dimensions_m[1]
        return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in _sides(self.corners_m)) / 2

    @property
    def wall_areas_m2(self) -> tuple[float, ...]:
        """Area of every wall in square metres, in the order of ``absorption``."""
        width, depth, height = self.dimensions_m
        floor = self.floor_m2
        if not self.corners_m:
            return (depth * height, depth * height, width * height, width * height, floor, floor)
        return (*(math.dist(start, end) * height for start, end in _sides(self.corners_m)), floor, floor)

    @property
    def enclosed_m3(self) -> float:
        """Volume between the walls in cubic metres, whether they reflect or not."""
        return self.floor_m2 * self.dimensions_m[2]

    @property
    def volume_m3(self) -> float:
        """Volume in cubic metres; infinite outdoors."""
        return math.inf if self.outdoors else self.enclosed_m3

    @property
    def surface_m2(self) -> float:
        """Wall surface in square metres."""
        return sum(self.wall_areas_m2)

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary; of open air there is the ground alone."""
        if self.outdoors and not self.corners_m:
            return {"outdoors": True, "ground_absorption": self.absorption[4], "tilt": self.tilt}
        return asdict(self) | {"outdoors": self.outdoors}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Room:
        """The room that ``to_json`` wrote; older files hold a box also of open air."""
        if "dimensions_m" not in content:
            return cls.open_air(_numbers(content["ground_absorption"]), content["tilt"])
        width, depth, height = content["dimensions_m"]
        corners = tuple((float(x), float(y)) for x, y in content.get("corners_m", ()))
        scattering = content.get("scattering", 0.0)
        return cls((width, depth, height), _numbers(content["absorption"]), content["tilt"], scattering, corners)


def _sides(corners: Corners) -> zip[tuple[tuple[float, float], tuple[float, float]]]:
    """Every corner with the next, the last with the first."""
    return zip(corners, (*corners[1:], corners[0]), strict=True)


@dataclass(frozen=True)
class Ambience:
    """The noise behind all sounds of a scene; ``Scene.snr_db`` is a typical source's level over it, in W.

    It comes from all around (``kind`` diffuse), or there is also a steady noise from one place (directional), whose
    direction and distance are None in older files; ``directional_db`` is its level over the rest.
    ``steady``, or it swells and fades by up to ``swing_db``.
    """

    kind: str = "diffuse"
    steady: bool = True
    swing_db: float = 0.0
    azimuth_deg: float | None = None
    elevation_deg: float | None = None
    distance_m: float | None = None
    directional_db: float | None = None

    def __str__(self) -> str:
        return self.kind if self.steady else f"{self.kind}, unsteady"

    @classmethod
    def from_json(cls, content: dict[str, Any] | str) -> Ambience:
        """What ``asdict`` wrote, or the words of an older file."""
        if isinstance(content, str):
            return cls("directional" if "directional" in content else "diffuse", "unsteady" not in content)
        return cls(**{one.name: content[one.name] for one in fields(cls) if one.name in content})


Pose = tuple[float, float, float, float, float, float]
"""Position x, y, z in metres and yaw, pitch, roll in degrees (``conventions.rotation_matrix``)."""


@dataclass(frozen=True)
class Scene:
    """A rendered scene: where the receiver stood, what sounded, and what the room did to it.

    ``acoustics`` is the mean over the sources of what was measured on their responses (of one that moves, at its
    onset), None in a scene without a sound. ``seed`` makes the scene again.
    Directions in the events are relative to the receiver, wherever it looks at that moment. In open air only heights
    mean anything of where it stands.
    """

    duration_s: float
    rate: int
    order: int  # ambisonic order; 0 where the channels are the capsules of ``array``
    room: Room
    receiver_m: tuple[float, float, float]
    events: tuple[SourceEvent, ...]
    acoustics: Acoustics | None
    snr_db: float
    seed: int
    convention: str = field(default="ambix")  # ambix, or array for raw capsules
    array: dict[str, Any] | None = None  # nominal geometry (``MicrophoneArray.to_dict``) of raw capsules
    receiver_track: tuple[Pose, ...] = ()  # every 100 ms; empty where the receiver stands still and looks along x
    background: Ambience = field(default_factory=Ambience)

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary for the JSON file beside the audio."""
        return asdict(self) | {"room": self.room.to_json(), "volume_m3": self.room.volume_m3}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Scene:
        """The scene that ``to_json`` wrote; what else a file holds is ignored."""
        own = {field.name: content[field.name] for field in fields(cls) if field.name in content}
        return cls(
            **own
            | {
                "room": Room.from_json(content["room"]),
                "receiver_m": tuple(content["receiver_m"]),
                "events": tuple(SourceEvent.from_json(event) for event in content["events"]),
                "acoustics": Acoustics.from_json(content["acoustics"]),
                "background": Ambience.from_json(content.get("background", "diffuse")),
                "receiver_track": tuple(tuple(pose) for pose in content.get("receiver_track", ())),
            }
        )
