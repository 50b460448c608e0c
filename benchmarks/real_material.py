"""Real measured responses as first-order ambisonics, with what is known about them, from a folder of public corpora.

Nothing of it is shipped. Folders (any may be absent):

``spherical_array_irs/``: SOFiA tutorial measurements in the anechoic chamber of TH Koeln (Bernschuetz et al., 2011),
MATLAB files with the position of every microphone. A4: open sphere of cardioids, one loudspeaker at 180 degrees, 4 m.
A3: rigid sphere, four loudspeakers at 45, 15, -15 and -45 degrees, 2.5 m, 16 ms apart in this order (found by a
plane-wave decomposition of each arrival), so each is cut out as a response of its own. A2 has the four at once and is
left out. Our encoder takes 64 microphones: 64 of 86 and of 110 are kept, spread evenly.

``ambisonic_recordings_no_gt/``: responses of real rooms whose loudspeaker position is not documented. Their reference
direction is the intensity vector of the *direct sound alone* (200 to 2000 Hz, 1 ms before to 2.5 ms after the peak).
``gewandhaus``: concert hall, first order, ACN with N3D weights (the Y, Z, X of its late, diffuse part have 0.35 of the
power of W after N3D is taken off, where 1/3 is due). ``room_1_bf``: FuMa (after conversion the direct sound is a plane
wave to three digits, and lies exactly on the horizon: it may be a computed response). ``frl_7ch``: open array of six
microphones on a sphere of 4.8 cm and one in its centre. T60, DRR and C50 are measured on W like our labels (T20).

Legend: C = 4 ambisonic channels, M microphones, T samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from clips import ESC10, SEED, TRUSTED, Clip, Floats, Samples

from spatial_lalm.audio.arrays import MAX_MICROPHONES, MicrophoneArray
from spatial_lalm.audio.conventions import convert, rotate, rotation_matrix, unit_vector
from spatial_lalm.audio.encoding import encode
from spatial_lalm.audio.recording import Recording
from spatial_lalm.audio.resampling import resample
from spatial_lalm.audio.scene import Acoustics
from spatial_lalm.simulation.acoustics import DIRECT_WINDOW_S, measure
from spatial_lalm.simulation.library import SourceLibrary

RATE = 16_000
CLIP_S = 4.0
SNR_DB = 30.0
YAWS_DEG = (0.0, 45.0, 90.0, 135.0, 180.0, -135.0, -90.0, -45.0)
"""Every response is heard turned about the vertical by each of these in turn: one room gives eight directions."""
SPEECH_SHARE = 0.75
DIRECT_BAND_HZ = (200.0, 2000.0)
PADDING_S = 0.05
"""Silence put around array responses: the encoder's filters need it."""
A3_WAVES = ((60, 45.0), (767, 15.0), (1473, -15.0), (2180, -45.0))
"""Arrival at the array's centre in samples at 44.1 kHz, and azimuth of the loudspeaker."""
A3_WINDOW = (-50, 640)


@dataclass(frozen=True)
class RealResponse:
    """``taps (4, T)`` AmbiX at 16 kHz of a sound from ``direction (3,)``; ``acoustics`` is None in an anechoic room."""

    name: str
    taps: Samples
    quality: Samples
    direction: Floats
    reference: str  # where the direction is known from
    distance_m: float = float("nan")
    acoustics: Acoustics | None = None


def real_responses(audio: Path) -> list[RealResponse]:
    """Every response whose file is there."""
    arrays, rooms = audio / "spherical_array_irs", audio / "ambisonic_recordings_no_gt"
    readers = (
        (arrays / "SOFiA_A4_struct.mat", open_sphere),
        (arrays / "SOFiA_A3_struct.mat", rigid_sphere),
        (rooms / "gewandhaus" / "IR_Gewandhaus_SH1.wav", gewandhaus),
        (rooms / "jsambisonics" / "room_1_bf.wav", room_1),
        (rooms / "frl_7ch" / "ExampleRoom_S1_R1_FRL10cm.wav", frl_room),
    )
    return [response for path, read in readers if path.is_file() for response in read(path)]


# ---------------------------------------------------------------- spherical arrays


def open_sphere(path: Path) -> Iterator[RealResponse]:
    """A4: cardioids that look outwards on a sphere of 25 cm; one loudspeaker behind."""
    fields = _sofia(path)
    kept, outwards = _capsules(fields["azimuth"], fields["colatitude"])
    array = MicrophoneArray("SOFiA A4", outwards * float(fields["radius"]), None, np.array(0.5), outwards)
    taps, quality = _encoded(np.asarray(fields["irChOne"]).T[kept], float(fields["fs"]), array)
    yield RealResponse("A4, open sphere", taps, quality, unit_vector(180, 0), "loudspeaker position", 4.0)


def rigid_sphere(path: Path) -> Iterator[RealResponse]:
    """A3: omnidirectional microphones on a rigid sphere of 8.75 cm; four loudspeakers one after the other."""
    fields = _sofia(path)
    kept, outwards = _capsules(fields["azimuth"], fields["elevation"])  # the file's elevation is a colatitude
    array = MicrophoneArray("SOFiA A3", outwards * float(fields["radius"]), float(fields["radius"]))
    signals = np.asarray(fields["irChOne"]).T[kept]
    for arrival, azimuth in A3_WAVES:
        wave = signals[:, max(0, arrival + A3_WINDOW[0]) : arrival + A3_WINDOW[1]]
        taps, quality = _encoded(wave * _ends(wave.shape[1]), float(fields["fs"]), array)
        direction = unit_vector(azimuth, 0)
        yield RealResponse(f"A3, rigid sphere, {azimuth:.0f}°", taps, quality, direction, "loudspeaker position", 2.5)


def _sofia(path: Path) -> dict[str, Any]:
    """Fields of a miro file, which keeps them in one structure (A2, A3) or at the top (A4)."""
    from scipy.io import loadmat

    content = loadmat(path, squeeze_me=True, struct_as_record=False)
    inner = content.get(path.stem)
    return content if inner is None else {name: getattr(inner, name) for name in inner._fieldnames}


def _capsules(azimuth: Floats, colatitude: Floats) -> tuple[list[int], Floats]:
    """Indices of at most 64 microphones spread evenly (each farthest from those before), and their unit vectors."""
    outwards = unit_vector(np.degrees(azimuth), 90 - np.degrees(colatitude))
    kept = [0]
    while len(kept) < min(MAX_MICROPHONES, len(outwards)):
        kept.append(int(np.argmin((outwards @ outwards[kept].T).max(axis=1))))
    return kept, outwards[kept]


def _encoded(signals: Floats, rate: float, array: MicrophoneArray) -> tuple[Samples, Samples]:
    """Microphone responses ``(M, T)`` as AmbiX ``(4, T)`` at 16 kHz."""
    silence = round(PADDING_S * rate)
    padded = np.pad(signals.astype(np.float32), ((0, 0), (silence, silence)))
    return encode(resample(padded, round(rate)), array, levelled=True)


def _ends(samples: int, fade: int = 20) -> Floats:
    """Window ``(samples,)`` that is one but for short ends."""
    rise = np.sin(np.pi / 2 * (np.arange(fade) + 0.5) / fade) ** 2
    return np.concatenate([rise, np.ones(samples - 2 * fade), rise[::-1]])


# ---------------------------------------------------------------- rooms


def gewandhaus(path: Path) -> Iterator[RealResponse]:
    """A concert hall with a first-order microphone."""
    yield _room("Gewandhaus, concert hall", convert(_read(path), "n3d", "ambix"), TRUSTED)


def room_1(path: Path) -> Iterator[RealResponse]:
    """A room in B-format."""
    yield _room("room_1, B-format", convert(_read(path), "fuma", "ambix"), TRUSTED)


def frl_room(path: Path) -> Iterator[RealResponse]:
    """A room with an open array of seven microphones."""
    slant = np.sqrt(0.5)
    ring = [(0, -slant, slant), (0, slant, slant), (0, -slant, -slant), (0, slant, -slant)]
    positions = 0.048 * np.array([(1, 0, 0), (-1, 0, 0), *ring, (0, 0, 0)])
    yield _room("FRL room, 7 microphones", *encode(_read(path), MicrophoneArray("FRL 10 cm", positions), levelled=True))


def _read(path: Path) -> Samples:
    """All channels of a file, ``(channels, T)`` at 16 kHz, as they are."""
    import soundfile

    samples, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    return resample(np.ascontiguousarray(samples.T), rate)


def _room(name: str, taps: Samples, quality: Samples) -> RealResponse:
    peak = int(np.argmax(np.abs(taps[0])))
    direction = direct_direction(taps, peak)
    return RealResponse(name, taps, quality, direction, "direct sound", acoustics=measure(taps[0], peak, RATE))


def direct_direction(taps: Floats, peak: int) -> Floats:
    """Unit vector ``(3,)`` of the intensity of the direct sound of a response ``(4, T)`` alone."""
    start, stop = (peak + round(second * RATE) for second in DIRECT_WINDOW_S)
    spectrum = np.fft.rfft(taps[:, max(0, start) : stop], 1024)
    frequencies = np.fft.rfftfreq(1024, 1 / RATE)
    w, y, z, x = spectrum[:, (frequencies >= DIRECT_BAND_HZ[0]) & (frequencies <= DIRECT_BAND_HZ[1])]
    vector = np.real(np.conj(w) * np.stack([x, y, z])).sum(axis=1)
    return vector / np.linalg.norm(vector)


# ---------------------------------------------------------------- clips


def real_clips(response: RealResponse, count: int, sources: SourceLibrary) -> Iterator[Clip]:
    """Clips of 4 s: the response turned by each yaw in turn, convolved with unseen speech (3 of 4) or ESC-10 sounds.

    White noise of equal power in the four channels lies 30 dB below W.
    """
    others = sorted(ESC10 & sources.labels)
    rng = np.random.default_rng([SEED, *response.name.encode()])
    for number in range(count):
        label = "speech" if not others or rng.random() < SPEECH_SHARE else str(rng.choice(others))
        dry = sources.draw(rng, round(CLIP_S * RATE), RATE, label)
        turn = rotation_matrix(YAWS_DEG[number % len(YAWS_DEG)])
        yield Clip(
            signals=_recorded(dry.samples, rotate(response.taps, turn), rng),
            quality=_turned_quality(response.quality),
            direction=turn @ response.direction,
            label=label,
            source=dry.speaker or f"{response.name} {number}",
            distance_m=response.distance_m,
            **_room_truth(response.acoustics),
        )


def _recorded(dry: Samples, taps: Samples, rng: np.random.Generator) -> Samples:
    from scipy.signal import oaconvolve

    length = round(CLIP_S * RATE)
    wet = oaconvolve(dry[None], taps, axes=1)[:, :length]
    wet = np.pad(wet, ((0, 0), (0, length - wet.shape[1])))
    wet *= 0.05 / np.sqrt(np.mean(wet[0] ** 2))
    noise = 0.05 * 10 ** (-SNR_DB / 20) * rng.standard_normal(wet.shape)
    return (wet + noise).astype(np.float32)


def _turned_quality(quality: Samples) -> Samples:
    """Turning mixes Y and X, so both are only as good as the worse."""
    level = np.minimum(quality[1], quality[3])
    return np.stack([quality[0], level, quality[2], level])


def _room_truth(acoustics: Acoustics | None) -> dict[str, float]:
    if acoustics is None:
        return {}
    return {"t60_s": acoustics.t60_s, "drr_db": acoustics.drr_db, "c50_db": acoustics.c50_db}


# ---------------------------------------------------------------- recordings without labels


def unlabelled_recordings(audio: Path) -> Iterator[tuple[str, Recording]]:
    """Real ambisonic recordings that nobody labelled, at most ten seconds each, for a plausibility check by eye."""
    import soundfile

    samples, rooms = audio / "ambisonic_array_samples", audio / "ambisonic_recordings_no_gt" / "jsambisonics"
    files = (
        ("STARSS23 excerpt", samples / "starss23_foa_5s" / "clip.wav", "foa"),
        ("JSAmbisonics BF_rec1", rooms / "BF_rec1.ogg", "fuma"),
        ("JSAmbisonics HOA3_rec1, first order of it", rooms / "HOA3_rec1_01-08ch.ogg", "n3d"),
    )
    for name, path, convention in files:
        if path.is_file():
            audio_samples, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
            yield name, Recording.from_array(audio_samples[: 10 * rate, :4].T, rate, format=convention)
