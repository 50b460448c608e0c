"""Real binaural room responses with a known distance, convolved with unseen talkers: the report's binaural part.

Nothing of it is shipped. Folders (any may be absent):

``surrey_brirs/UniS_Room_A_BRIR_16k.sofa``: University of Surrey, room A (Hummersone, 2010), Cortex head and torso, 37
loudspeakers 1.5 m away from -90 to 90 degrees in its front, T60 0.32 s, DRR 6.09 dB, C50 16.5 dB as published. The
azimuths in the file run clockwise although SOFA says counter-clockwise (at "90" the right ear leads by 0.7 ms), so
they are negated here.

``bbc_brirs/``: BBC R&D listening room (Pike & Romanov, AES 142, 2017), Neumann KU100, 32 loudspeakers all around and
above, time-aligned to 2 m; azimuths in the file names are positive to the left. T60, DRR and C50 are measured on the
response of the nearer ear like our labels (T20).

Legend: T samples at 16 kHz.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from clips import SEED, Clip, Samples
from real_material import CLIP_S, RATE, SNR_DB

from spatial_lalm.audio.conventions import unit_vector
from spatial_lalm.audio.recording import Recording
from spatial_lalm.audio.resampling import resample
from spatial_lalm.simulation.acoustics import measure
from spatial_lalm.simulation.library import SourceLibrary

SURREY = {"distance_m": 1.5, "t60_s": 0.32, "drr_db": 6.09, "c50_db": 16.5}
"""Room A as published with the responses."""


@dataclass(frozen=True)
class BinauralResponse:
    """Responses ``ears (2, T)`` at 16 kHz to a loudspeaker, its direction, and what is known about the room."""

    name: str
    ears: Samples
    azimuth_deg: float
    elevation_deg: float
    known: dict[str, float]  # fields of ``Clip``


def binaural_responses(audio: Path) -> list[BinauralResponse]:
    """Every response whose file is there."""
    surrey, bbc = audio / "surrey_brirs" / "UniS_Room_A_BRIR_16k.sofa", audio / "bbc_brirs"
    found = list(surrey_room(surrey)) if surrey.is_file() else []
    return found + (list(bbc_room(bbc)) if (bbc / "ground_truth.json").is_file() else [])


def surrey_room(path: Path) -> Iterator[BinauralResponse]:
    """Room A: 37 directions on the front half of the horizon."""
    import h5py

    with h5py.File(path) as sofa:
        responses, places = sofa["Data.IR"][:], sofa["SourcePosition"][:]
        rate = round(float(sofa["Data.SamplingRate"][0]))
    for ears, (clockwise, elevation, _) in zip(responses, places, strict=True):
        azimuth = (180.0 - float(clockwise)) % 360.0 - 180.0
        ears = resample(ears.astype(np.float32), rate)
        yield BinauralResponse("Surrey, room A", ears, azimuth, float(elevation), SURREY)


def bbc_room(folder: Path) -> Iterator[BinauralResponse]:
    """The listening room: 32 loudspeakers."""
    import soundfile

    truth = json.loads((folder / "ground_truth.json").read_text(encoding="utf-8"))
    for source in truth["sources"]:
        samples, rate = soundfile.read(str(folder / source["file"]), dtype="float32", always_2d=True)
        ears = resample(np.ascontiguousarray(samples.T), rate)
        nearer = ears[int(np.argmax(np.sum(ears**2, axis=1)))]
        room = measure(nearer, int(np.argmax(np.abs(nearer))), RATE)
        known = {"distance_m": truth["distance_m"], "t60_s": room.t60_s, "drr_db": room.drr_db, "c50_db": room.c50_db}
        yield BinauralResponse(
            "BBC listening room", ears, source["azimuth_deg"], source["elevation_deg_nominal"], known
        )


def binaural_clips(responses: list[BinauralResponse], takes: int, sources: SourceLibrary) -> Iterator[Clip]:
    """``takes`` clips of 4 s a response with unseen speech; noise that the ears share nothing of lies 30 dB below."""
    rng = np.random.default_rng([SEED, 2])
    for number in range(takes * len(responses)):
        response = responses[number % len(responses)]
        dry = sources.draw(rng, round(CLIP_S * RATE), RATE, "speech")
        recording = Recording.from_array(_recorded(dry.samples, response.ears, rng), RATE, format="binaural")
        signals, quality = recording.ambisonics()
        direction = unit_vector(response.azimuth_deg, response.elevation_deg)
        yield Clip(signals, quality, direction, "speech", dry.speaker or f"take {number}", **response.known)


def _recorded(dry: Samples, ears: Samples, rng: np.random.Generator) -> Samples:
    from scipy.signal import oaconvolve

    length = round(CLIP_S * RATE)
    wet = oaconvolve(dry[None], ears, axes=1)[:, :length]
    wet = np.pad(wet, ((0, 0), (0, length - wet.shape[1])))
    wet *= 0.05 / np.sqrt(np.mean(wet**2))
    noise = 0.05 * 10 ** (-SNR_DB / 20) * rng.standard_normal(wet.shape)
    return (wet + noise).astype(np.float32)
