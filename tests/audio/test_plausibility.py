"""Wrong readings are doubted in one line that names a better one; right readings are not, in rooms and in noise."""

from functools import cache

import numpy as np
import pytest

from spatial_lalm.audio.arrays import MicrophoneArray
from spatial_lalm.audio.conventions import Convention, convert, spherical_harmonics, unit_vector
from spatial_lalm.audio.presets import preset
from spatial_lalm.audio.recording import Recording
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.recipe import still_scenes
from spatial_lalm.simulation.sampling import render_scene

RATE = 16_000
CONVENTIONS: tuple[Convention, ...] = ("ambix", "n3d", "fuma")
SCENES = [(0.1, 5.0, 1), (0.4, 30.0, 2), (1.0, 10.0, 3), (2.5, 5.0, 4), (2.5, 40.0, 5), (0.3, 20.0, 6)]
"""T60 in seconds, SNR in dB, seed."""


@cache
def scene(t60_s: float, snr_db: float, seed: int) -> np.ndarray:
    recipe = still_scenes(4.0, (t60_s, 1.01 * t60_s), (snr_db, snr_db + 0.1), (0.0, 0.6, 0.4))
    return render_scene(recipe, SourceLibrary.builtin(espeak=False), seed)[0]


@cache
def waves(name: str = "", seed: int = 0) -> np.ndarray:
    """Forty bursts of noise from everywhere, as AmbiX or as an array's microphones hear them, with self noise."""
    rng = np.random.default_rng(seed)
    directions = unit_vector(rng.uniform(-180, 180, 40), np.degrees(np.arcsin(rng.uniform(-1, 1, 40))))
    size = 2 * RATE
    spectra = np.stack([np.fft.rfft(np.roll(np.pad(rng.normal(size=2000), (0, size - 2000)), 3000 + 500 * n))
                        for n in range(40)])  # fmt: skip
    if name:
        manifold = preset(name).manifold(np.fft.rfftfreq(size, 1 / RATE), directions)
        heard = np.einsum("fmd,df->mf", manifold, spectra)
    else:
        heard = spherical_harmonics(1, directions).T @ spectra
    signals = 0.02 * np.fft.irfft(heard, size)
    return (signals + 0.003 * rng.normal(size=signals.shape)).astype(np.float32)


def doubts(samples: np.ndarray, format: str | None = None, array: str | None = None) -> list[str]:
    recording = Recording.from_array(samples, RATE, format, array)
    recording.ambisonics()
    found = [line for line in recording.assumed if "doubtful" in line]
    assert all("\n" not in line and len(line) < 250 for line in found)
    return found


# ---------------------------------------------------------------- ambisonics


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("room", SCENES)
def test_right_readings_are_not_doubted(room: tuple[float, float, int], convention: Convention) -> None:
    assert doubts(convert(scene(*room), "ambix", convention), convention) == []


@pytest.mark.parametrize(("true", "read"), [("n3d", "ambix"), ("fuma", "ambix"), ("ambix", "n3d"), ("ambix", "fuma")])
def test_another_convention_is_named(true: Convention, read: Convention) -> None:
    (line,) = doubts(convert(waves(), "ambix", true), read)
    assert line.startswith(f"format: {read} order 1 is doubtful: ")
    assert line.endswith(f"it behaves like {true}: try --format {true}")


def test_the_dipoles_of_third_order_tell() -> None:
    signals = np.zeros((16, waves().shape[1]), np.float32)
    signals[:4] = convert(waves(), "ambix", "n3d")
    (line,) = doubts(signals)
    assert line.endswith("try --format n3d")


@pytest.mark.parametrize("direction", [(0, 0), (90, 0), (45, 35.26), (0, 90)])
def test_a_plane_wave_alone_is_not_doubted(direction: tuple[float, float]) -> None:
    signal = np.random.default_rng(1).normal(size=2 * RATE) * np.hanning(2 * RATE)
    assert doubts(spherical_harmonics(1, unit_vector(*direction)[None]).T * signal) == []


def test_steady_self_noise_is_not_taken_for_n3d() -> None:
    assert doubts(np.random.default_rng(2).normal(size=(4, 3 * RATE))) == []


@pytest.mark.parametrize("name", ["tetrahedral", "starss_mic", "respeaker4", "linear4"])
def test_microphones_read_as_ambix(name: str) -> None:
    (line,) = doubts(waves(name))
    assert line.endswith("name it with --array")


def test_a_silent_omni_channel() -> None:
    signals = waves().copy()
    signals[0] = 0
    (line,) = doubts(signals)
    assert "the omni channel, the first, is silent" in line
    recording = Recording.from_array(signals, RATE, "ambix")
    recording.ambisonics()
    assert recording.doubt is not None
    assert recording.doubt.deaf


@pytest.mark.parametrize(("channels", "array"), [((0, 0), None), ((0,), "circle6"), ((0,), None)])
def test_channels_that_carry_no_direction(channels: tuple[int, ...], array: str | None) -> None:
    """Two ears alike, one live microphone of six, and ambisonics with nothing but its omni channel."""
    signals = waves()[list(channels)]
    if len(channels) == 1:
        signals = np.pad(signals, ((0, 5 if array else 3), (0, 0)))
    recording = Recording.from_array(signals, RATE, array=array)
    recording.ambisonics()
    assert recording.doubt is not None
    assert recording.doubt.flat
    assert "times" not in str(recording.doubt)


def test_absurd_ratios_are_told_in_plain_words() -> None:
    signals = waves().copy()
    signals[0] *= 1e-3
    (line,) = doubts(signals, "ambix")
    assert "more than 50 times the energy" in line


@pytest.mark.parametrize("samples", [np.zeros((4, RATE)), np.ones((4, 100)), np.zeros((6, RATE)), np.ones((1, RATE))])
def test_what_says_nothing_is_not_doubted(samples: np.ndarray) -> None:
    assert doubts(samples, array="circle6" if len(samples) == 6 else None) == []


# ---------------------------------------------------------------- arrays

ARRAYS = ["tetrahedral", "starss_mic", "respeaker4", "linear4", "respeaker7", "circle6", "circle8", "glasses", "em32"]


@pytest.mark.parametrize("name", [*ARRAYS, "binaural"])
def test_the_right_array_is_not_doubted(name: str) -> None:
    gains = 10 ** (np.random.default_rng(3).normal(0, 1, (len(waves(name)), 1)) / 20)  # 1 dB apart
    assert (
        doubts(gains * waves(name), "binaural" if name == "binaural" else None, None if name == "binaural" else name)
        == []
    )


@pytest.mark.parametrize("name", ["tetrahedral", "starss_mic", "respeaker4", "linear4"])
def test_ambix_read_as_an_array(name: str) -> None:
    (line,) = doubts(waves(), array=name)
    assert line.startswith(f"format: array {name} is doubtful: ")
    assert line.endswith("it behaves like ambix: try --format ambix")


@pytest.mark.parametrize("name", ["circle6", "em32"])
def test_dead_and_copied_microphones(name: str) -> None:
    signals = waves(name).copy()
    signals[3] = 0
    assert "channel 4 is silent" in doubts(signals, array=name)[0]
    signals[3] = signals[1]
    assert "channels 2 and 4 are the same" in doubts(signals, array=name)[0]


def test_doubts_are_those_of_the_part_asked_about() -> None:
    wrong = convert(waves(), "ambix", "n3d")
    recording = Recording.from_array(np.concatenate([wrong, waves()], axis=1), RATE)
    recording.ambisonics(0.0, 2.0)
    assert len(recording.assumed) == 2
    recording.ambisonics(2.0, 4.0)
    assert recording.assumed == ("format: ambix order 1 (4 channels, none was named)",)


def test_an_array_that_hears_everything_has_no_leakage() -> None:
    from spatial_lalm.audio.plausibility import leakage

    look = unit_vector([45, -45, 135, -135], [35.26, -35.26, -35.26, 35.26])
    assert leakage(waves(), MicrophoneArray("outward", 0.01 * look, None, np.full(4, 0.5), look)) is None
