"""What scenes are drawn from: every range, share and probability, with its unit and its distribution."""

from __future__ import annotations

from dataclasses import dataclass, field

from spatial_lalm.errors import InputError
from spatial_lalm.settings import check, setting

Pair = tuple[float, float]
MOST_SOURCES = 5
ENGINES = ("images", "all-images", "pyroomacoustics")
"""Ours with a diffuse late field, ours with image sources to the end, and pyroomacoustics with ray tracing."""


@dataclass(frozen=True)
class RoomRecipe:
    """Rooms from closets to churches, and open air."""

    t60_s: Pair = setting(
        (0.1, 1.5),
        "reverberation time of labels, all bands together; engines other than images meet it on average only",
        "s",
        "log-uniform",
        least=0.05,
        most=8,
    )
    dwellings_m3: Pair = setting((12.0, 400.0), "volume of rooms to live and work in", "m3", "log-uniform", least=2)
    volume_m3: Pair = setting((5.0, 20_000.0), "volume of all other rooms", "m3", "log-uniform", least=2)
    dwelling_share: float = setting(
        0.65, "share of rooms to live and work in, of those drawn before absorption must fit", least=0, most=1
    )
    outdoors_share: float = setting(0.05, "share of scenes in open air, half with hard ground", least=0, most=1)
    wall_spread: float = setting(
        0.4, "standard deviation of a wall's ln absorption around the mean", drawn="normal", least=0, most=2
    )
    tilt: Pair = setting((-0.25, 0.35), "growth of absorption with frequency, exponent", drawn="uniform")
    scattering: Pair = setting(
        (0.5, 1.0), "how far the late field has lost its direction", drawn="uniform", least=0, most=1
    )
    polygon_share: float = setting(
        0.0,
        "share of rooms over an L, a trapezoid or an irregular floor; needs engine pyroomacoustics",
        least=0,
        most=1,
    )


@dataclass(frozen=True)
class SourceRecipe:
    """What sounds, where, when and how it moves."""

    counts: tuple[float, ...] = setting(
        (0.04, 0.40, 0.28, 0.16, 0.08, 0.04), "weight of 0, 1, 2, ... sources in a window"
    )
    window_s: float = setting(60.0, "longer scenes are sequences of windows of this length", unit="s", least=1)
    event_s: Pair = setting(
        (0.8, 8.0),
        "longest excerpt of a sound; turns of a conversation have 0.8 to 5 s",
        unit="s",
        drawn="log-uniform",
        least=0.05,
    )
    most_at_once: int = setting(5, "sounds that may overlap; at 1 turns do not either, and nothing crosses", least=1)
    level_spread_db: float = setting(
        6.0,
        "levels at the receiver lie within +- this, of talkers within +- 3",
        unit="dB",
        drawn="uniform",
        least=0,
        most=60,
    )
    varispeed: float = setting(0.0, "sounds play faster or slower by up to this fraction", least=0, most=0.9)
    colour_db: float = setting(0.0, "sounds are tilted by up to +- this", unit="dB/octave", drawn="uniform")
    nearest_m: float = setting(0.5, "least distance from the receiver", unit="m", least=0.1)
    separation_deg: float = setting(
        12.0, "least angle between sources where they begin", unit="degrees", least=0, most=180
    )
    drr_db: Pair = setting(
        (-60.0, 60.0), "direct-to-reverberant ratio that distances in rooms aim at, where sources begin", unit="dB"
    )
    directed_share: float = setting(
        0.5, "share of sources that radiate to a side; above 0 all talkers of a conversation do", least=0, most=1
    )
    moving_share: float = setting(0.25, "share of sources that move; talkers of a conversation stay", least=0, most=1)
    speed_m_s: Pair = setting(
        (0.3, 1.8), "speed of moving sources", unit="m/s", drawn="log-uniform", least=0.01, most=50
    )
    crossing_share: float = setting(0.3, "share of pairs of moving sources that cross, at any speed", least=0, most=1)
    conversation_share: float = setting(0.15, "share of windows with a conversation of 2 to 4", least=0, most=1)
    gap_s: float = setting(0.2, "mean gap between turns; below 0 they overlap", unit="s")
    gap_spread_s: float = setting(0.45, "deviation of the gaps", unit="s", drawn="normal", least=0)


@dataclass(frozen=True)
class BackgroundRecipe:
    """Everything that is no event: ambience and the microphones' own noise."""

    snr_db: Pair = setting(
        (5.0, 40.0), "typical source over the background, in W", unit="dB", drawn="uniform", least=-100, most=200
    )
    diffuse_tilt: Pair = setting((0.0, 1.2), "fall of the ambience with frequency, exponent", drawn="uniform")
    own_db: Pair = setting((-30.0, -5.0), "own noise of ideal channels under the ambience", unit="dB", drawn="uniform")
    own_tilt: Pair = setting((0.0, 0.8), "fall of own noise with frequency, exponent", drawn="uniform")
    directional_share: float = setting(
        0.2, "share of scenes with a steady noise from one place, of those whose receiver stays", least=0, most=1
    )
    directional_db: Pair = setting((-10.0, 5.0), "its level over the ambience", unit="dB", drawn="uniform")
    unsteady_share: float = setting(0.3, "share of scenes whose ambience swells and fades", least=0, most=1)
    swing_db: Pair = setting((3.0, 12.0), "how far it swells and fades", unit="dB", drawn="uniform", least=0, most=60)


@dataclass(frozen=True)
class ReceiverRecipe:
    """How far real microphones differ from their data sheet, and how they are carried."""

    height_m: Pair = setting(
        (0.6, 2.0), "height over the floor, as far up as the room goes", unit="m", drawn="uniform", least=0.1
    )
    gain_db: float = setting(0.5, "deviation of a capsule's gain", unit="dB", drawn="normal", least=0)
    delay_us: float = setting(5.0, "deviation of a capsule's delay", unit="us", drawn="normal", least=0)
    position_m: float = setting(0.0005, "deviation of a capsule's position, an axis", unit="m", drawn="normal", least=0)
    noise_floor_db: Pair = setting((-90.0, -65.0), "own noise of capsules", unit="dB re full scale", drawn="uniform")
    turning_share: float = setting(0.05, "share of scenes in which the receiver turns", least=0, most=1)
    turn_deg_s: Pair = setting((10.0, 60.0), "speed of turning", unit="degrees/s", drawn="log-uniform", least=0.1)
    carried_share: float = setting(0.03, "share of scenes in which the receiver is carried", least=0, most=1)


@dataclass(frozen=True)
class SceneRecipe:
    """Scenes of one kind; every draw is uniform unless its field says otherwise."""

    duration_s: float = setting(10.0, "length of a scene", unit="s")
    rate: int = setting(16_000, "sample rate", unit="Hz", least=8_000, most=48_000)
    receiver: str = setting("foa", "foa, hoa2, hoa3, binaural, random, an array's name, or a JSON or SOFA file")
    engine: str = setting("images", "images, all-images or pyroomacoustics")
    questions: int = setting(
        0, "at most so many questions with answers about every scene, in its JSON", least=0, most=200
    )
    phrasings: str = setting("train", "wordings of the questions: train or held_out")
    level_db: Pair = setting(
        (-38.0, -14.0),
        "RMS of the mixture in W; in scenes over 60 s that of a typical source, at most -26",
        unit="dB re full scale",
        drawn="uniform",
        least=-100,
        most=0,
    )
    rooms: RoomRecipe = field(default_factory=RoomRecipe)
    sources: SourceRecipe = field(default_factory=SourceRecipe)
    background: BackgroundRecipe = field(default_factory=BackgroundRecipe)
    receivers: ReceiverRecipe = field(default_factory=ReceiverRecipe)

    def __post_init__(self) -> None:
        """Refuse what no scene can be drawn from; ``InputError`` names the field."""
        counts = self.sources.counts
        for part in (self, self.rooms, self.sources, self.background, self.receivers):
            check(part)
        if not counts or min(counts) < 0 or sum(counts) <= 0 or len(counts) > MOST_SOURCES + 1:
            raise InputError(
                f"sources.counts {list(counts)}: give weights of 0 to {MOST_SOURCES} sources, none negative, not all 0"
            )
        if self.phrasings not in ("train", "held_out"):
            raise InputError(f"phrasings {self.phrasings!r}: choose train or held_out")
        if self.engine not in ENGINES:
            raise InputError(f"engine {self.engine!r}: choose {', '.join(ENGINES)}")


def still_scenes(
    duration_s: float = 10.0,
    t60_s: Pair = (0.1, 1.5),
    snr_db: Pair = (5.0, 40.0),
    counts: tuple[float, ...] = (0.04, 0.46, 0.30, 0.20),
    event_s: Pair = (0.8, 8.0),
    varispeed: float = 0.0,
    colour_db: float = 0.0,
    receiver: str = "foa",
) -> SceneRecipe:
    """Rooms in which nothing moves: a few omni sources of one event each over a plain ambience."""
    return SceneRecipe(
        duration_s=duration_s,
        receiver=receiver,
        rooms=RoomRecipe(t60_s=t60_s, outdoors_share=0.0),
        sources=SourceRecipe(
            counts=counts,
            event_s=event_s,
            varispeed=varispeed,
            colour_db=colour_db,
            directed_share=0.0,
            moving_share=0.0,
            conversation_share=0.0,
        ),
        background=BackgroundRecipe(snr_db=snr_db, directional_share=0.0, unsteady_share=0.0),
        receivers=ReceiverRecipe(turning_share=0.0, carried_share=0.0),
    )
