"""``spatial-lalm encode``: what is written, what is refused, and what is said of broken channels."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from spatial_lalm.app import cli, encode_steps
from spatial_lalm.audio import ambisonic_file
from spatial_lalm.audio.arrays import MicrophoneArray
from spatial_lalm.audio.channel_health import without_capsules
from spatial_lalm.audio.conventions import spherical_harmonics, unit_vector
from spatial_lalm.audio.encoding import encode, encoder_filters, fibonacci_grid, mel_centres
from spatial_lalm.audio.measured import MeasuredResponses
from spatial_lalm.audio.presets import preset
from spatial_lalm.audio.soundfiles import read_header
from spatial_lalm.simulation.diffuse import array_bank

DIRECTION = unit_vector(50.0, 20.0)


def plane_wave(name: str, rate: int = 16_000, seconds: float = 1.5) -> np.ndarray:
    """What an array records (M, T) of noise from 500 to 3000 Hz."""
    samples = round(rate * seconds)
    spectrum = np.fft.rfft(np.random.default_rng(0).normal(size=samples))
    frequencies = np.fft.rfftfreq(samples, 1 / rate)
    inside = (frequencies > 500) & (frequencies < 3000)
    response = np.zeros((preset(name).microphones, len(frequencies)), dtype=complex)
    response[:, inside] = preset(name).manifold(frequencies[inside], DIRECTION)[:, :, 0].T
    signals = np.fft.irfft(response * spectrum, samples)
    return (0.1 * signals / signals.std()).astype(np.float32)


def write(path: Path, signals: np.ndarray, rate: int = 16_000) -> Path:
    soundfile.write(path, signals.T, rate, "FLOAT")
    return path


def read(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="float32", always_2d=True)[0].T


def run(*words: object) -> int:
    return cli.main(["encode", *map(str, words)])


def summary(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    """The JSON of a run that works."""
    assert run(*words, "--json") == 0
    return json.loads(capsys.readouterr().out)


def refusal(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """The one line of a run that does not."""
    assert run(*words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    return shown.err.removeprefix("spatial-lalm: error: ").rstrip("\n")


# ---------------------------------------------------------------- what is written


@pytest.mark.parametrize(("rate", "order"), [(16_000, 1), (48_000, 2)])
def test_the_file_is_what_the_library_encodes(
    rate: int, order: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signals, out = plane_wave("zylia", rate), tmp_path / "out.wav"
    assert run(write(tmp_path / "in.wav", signals, rate), out, "--array", "zylia", "--order", order) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert f"out.wav: AmbiX order {order} ({(order + 1) ** 2} channels, ACN/SN3D) at {rate} Hz" in shown.out
    expected, quality = encode(signals, preset("zylia"), order, rate)
    np.testing.assert_allclose(read(out), expected, atol=1e-6)
    mask = json.loads((tmp_path / "out.wav.json").read_text())
    np.testing.assert_allclose(mask["quality"], quality, atol=1e-4)
    np.testing.assert_allclose(mask["bands_hz"], mel_centres(rate=rate), atol=0.01)
    assert (mask["convention"], mask["order"], mask["rate"]) == ("AmbiX ACN/SN3D", order, rate)
    assert (mask["array"], mask["array_hash"]) == ("zylia", preset("zylia").digest)


@pytest.mark.parametrize(
    ("name", "encoding", "expected"),
    [
        ("a.wav", None, ("WAV", "FLOAT")),
        ("b.wav", "pcm24", ("WAV", "PCM_24")),
        ("c.FLAC", None, ("FLAC", "PCM_24")),
    ],
)
def test_files_say_their_convention(
    name: str, encoding: str | None, expected: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write(tmp_path / "in.wav", plane_wave("tetrahedral"))
    flags = ["--encoding", encoding] if encoding else []
    assert run(source, tmp_path / name, "--array", "tetrahedral", *flags) == 0
    with soundfile.SoundFile(tmp_path / name) as file:
        assert (file.format, file.subtype) == expected
        assert file.title == "AmbiX ACN/SN3D order 1"
        assert "ACN order with SN3D weights" in file.comment
    np.testing.assert_allclose(
        read(tmp_path / name), encode(plane_wave("tetrahedral"), preset("tetrahedral"))[0], atol=1e-6
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["in.wav", name, f"{name}.json"])


def test_long_files_become_rf64(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ambisonic_file, "WAV_BYTES", 1000)
    source = write(tmp_path / "in.wav", plane_wave("tetrahedral"))
    assert run(source, tmp_path / "out.wav", "--array", "tetrahedral") == 0
    with soundfile.SoundFile(tmp_path / "out.wav") as file:
        assert (file.format, file.title) == ("RF64", "AmbiX ACN/SN3D order 1")
    assert read_header(tmp_path / "out.wav").frames == 24_000


def test_another_rate_is_the_same_field(tmp_path: Path) -> None:
    source = write(tmp_path / "in.wav", plane_wave("starss_mic", 48_000), 48_000)
    assert run(source, tmp_path / "out.wav", "--array", "starss_mic", "--rate", 16_000) == 0
    found = read(tmp_path / "out.wav")
    assert found.shape == (4, 24_000)
    expected = encode(plane_wave("starss_mic", 48_000), preset("starss_mic"), 1, 48_000)[0][:, ::3]
    inner = slice(2000, -2000)
    assert np.linalg.norm((found - expected)[:, inner]) < 0.01 * np.linalg.norm(expected[:, inner])


def test_a_higher_rate_is_trusted_as_far_as_the_recording_goes(tmp_path: Path) -> None:
    source = write(tmp_path / "in.wav", plane_wave("em32"))
    assert run(source, tmp_path / "out.wav", "--array", "em32", "--rate", 44_100) == 0
    mask = json.loads((tmp_path / "out.wav.json").read_text())
    bands, quality = np.array(mask["bands_hz"]), np.array(mask["quality"])
    assert (quality[:, bands > 8000] == 0).all()
    assert quality[0, (bands > 500) & (bands < 7000)].min() > 0.9
    assert read(tmp_path / "out.wav").shape == (4, round(1.5 * 44_100))


def test_a_plane_wave_comes_back(tmp_path: Path) -> None:
    source = write(tmp_path / "in.wav", plane_wave("em32"))
    assert run(source, tmp_path / "out.wav", "--array", "em32", "--order", 2) == 0
    found = read(tmp_path / "out.wav")[:, 2000:-2000]
    gains = found @ found[0] / (found[0] @ found[0])
    np.testing.assert_allclose(gains, spherical_harmonics(2, DIRECTION), atol=0.05)


def test_memory_does_not_grow_with_the_recording(tmp_path: Path) -> None:
    plan = encode_steps.Plan.of(preset("respeaker4"), (), 1, 8000, 8000)
    peaks = []
    for seconds in (15, 60):
        signals = np.random.default_rng(0).normal(size=(4, 8000 * seconds)).astype(np.float32)
        path = write(tmp_path / f"{seconds}.wav", signals, 8000)
        header = read_header(path)
        del signals
        tracemalloc.start()
        total = sum(block.shape[1] for block in encode_steps.encoded_blocks(path, header, plan, lambda _: None))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert total == 8000 * seconds
    assert peaks[1] < 1.1 * peaks[0]


# ---------------------------------------------------------------- broken channels


def test_broken_channels_are_told_and_the_rest_is_encoded_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signals = plane_wave("em32")
    signals[4] = 0
    signals[10] = signals[9]
    signals[20] = np.clip(30 * signals[20], -1, 1)
    out = tmp_path / "out.wav"
    found = summary(capsys, write(tmp_path / "in.wav", signals), out, "--array", "em32", "--order", 2)
    assert found["left_out"] == [5, 10, 11]
    assert found["dead"] == {"5": 1.0}
    assert found["copies"] == [[10, 11]]
    assert set(found["clipped"]) == {"21"}
    assert "channel 5 is silent" in found["warnings"]
    assert "encoded without channels 5, 10, 11: the fit is over the other microphones" in found["warnings"]
    rest = without_capsules(preset("em32"), [5, 10, 11])
    expected, quality = encode(np.delete(signals, [4, 9, 10], axis=0), rest, 2)
    np.testing.assert_allclose(read(out), expected, atol=1e-5)
    mask = json.loads((tmp_path / "out.wav.json").read_text())
    np.testing.assert_allclose(mask["quality"], quality, atol=1e-4)
    assert (mask["left_out"], mask["array_hash"]) == ([5, 10, 11], rest.digest)


def test_copies_stay_where_too_few_others_remain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    signals = plane_wave("tetrahedral")
    signals[1] = signals[0]
    found = summary(capsys, write(tmp_path / "in.wav", signals), tmp_path / "out.wav", "--array", "tetrahedral")
    assert found["left_out"] == []
    assert "channels 1 and 2 are the same" in found["warnings"]


def test_too_many_dead_for_the_order_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    signals = plane_wave("zylia")
    signals[:5] = 0
    line = refusal(capsys, write(tmp_path / "in.wav", signals), tmp_path / "out.wav", "--array", "zylia", "--order", 3)
    assert line == "order 3 needs 16 microphones: array zylia has 19, of which 14 work: choose --order 2"
    assert not (tmp_path / "out.wav").exists()


def test_swapped_channels_are_doubted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    signals = plane_wave("em32")[np.random.default_rng(0).permutation(32)]
    found = summary(capsys, write(tmp_path / "in.wav", signals), tmp_path / "out.wav", "--array", "em32")
    assert any(
        "em32 is doubtful" in note and "check the array's name, its channel order" in note for note in found["warnings"]
    )


def test_samples_that_pcm_cuts_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write(tmp_path / "in.wav", 20 * plane_wave("tetrahedral"))
    cut = summary(capsys, source, tmp_path / "a.flac", "--array", "tetrahedral")
    kept = summary(capsys, source, tmp_path / "a.wav", "--array", "tetrahedral")
    assert cut["peak"] == kept["peak"] > 1
    assert any("samples are beyond full scale and cut off" in note for note in cut["warnings"])
    assert not any("cut off" in note for note in kept["warnings"])
    assert np.abs(read(tmp_path / "a.wav")).max() == pytest.approx(kept["peak"], rel=1e-5)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("circle6", "height cannot be heard by array circle6: its microphones lie in one plane: channel Z void"),
        ("binaural", "height and front and back cannot be heard by array binaural: channels Z, X void"),
    ],
)
def test_what_an_array_cannot_hear_is_said(
    name: str, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(write(tmp_path / "in.wav", plane_wave(name)), tmp_path / "out.wav", "--array", name) == 0
    assert capsys.readouterr().err == f"warning: {line}, as the mask says\n"
    quality = np.array(json.loads((tmp_path / "out.wav.json").read_text())["quality"])
    assert quality[2].max() < 0.02
    assert quality[1].max() > 0.9


def test_measured_responses_say_what_was_assumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two microphones 10 cm apart, measured from all around at 16 kHz, on a recording at 48 kHz."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    directions = np.asarray(fibonacci_grid(60), dtype=np.float64)
    arrival = 40 - 16_000 * 0.05 / 343 * directions[:, 1:2] * np.array([1.0, -1.0])
    impulses = np.sinc(np.arange(128) - arrival[..., None]).astype(np.float32)
    measured = MeasuredResponses(directions, impulses, 16_000, 40.0, ("time zero: guessed",))
    array = MicrophoneArray("pair", np.array([[0, 0.05, 0], [0, -0.05, 0]]), measured=measured)
    monkeypatch.setattr(MicrophoneArray, "load", classmethod(lambda cls, path: array))
    noise = 0.1 * np.random.default_rng(0).normal(size=(2, 24_000)).astype(np.float32)
    found = summary(capsys, write(tmp_path / "in.wav", noise, 48_000), tmp_path / "out.wav", "--array", "pair.sofa")
    assert found["assumed"] == ["array: time zero: guessed"]
    assert "array pair is known up to 8 kHz: above, the channels are silent" in found["warnings"]
    mask = json.loads((tmp_path / "out.wav.json").read_text())
    bands, quality = np.array(mask["bands_hz"]), np.array(mask["quality"])
    assert (quality[:, bands > 8000] == 0).all()
    assert quality[0, (bands > 200) & (bands < 800)].min() > 0.9
    spectrum = np.abs(np.fft.rfft(read(tmp_path / "out.wav")[0]))
    frequencies = np.fft.rfftfreq(24_000, 1 / 48_000)
    assert spectrum[frequencies > 9000].max() < 0.03 * spectrum[(frequencies > 500) & (frequencies < 2000)].mean()


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--array", "zylia"], "in.wav: array zylia has 19 microphones, but there are 4 channels"),
        ([], "which microphones recorded it: name the array with --array NAME, FILE.json or FILE.sofa (known with 4"),
        (
            ["--array", "tetrahedral", "--order", "2"],
            "order 2 needs 9 microphones: array tetrahedral has 4: choose --order 1",
        ),
        (["--array", "tetrahedral", "--rate", "7000"], "--rate 7000: must be within 8000 and 192000 Hz"),
        (["--array", "tetrahedral", "--calibrate", "a.json"], "--calibrate estimates the array from IN; leave one"),
        (["--array", "nothing"], "array 'nothing' is not known: choose tetrahedral"),
        (["--array", "absent.json"], "absent.json: no such array file"),
    ],
)
def test_mistakes_are_one_line(flags: list[str], line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write(tmp_path / "in.wav", plane_wave("tetrahedral", seconds=0.2))
    assert line in refusal(capsys, source, tmp_path / "out.wav", *flags)
    assert [path.name for path in tmp_path.iterdir()] == ["in.wav"]


@pytest.mark.parametrize(
    ("out", "order", "line"),
    [
        ("out.mp3", 1, "the ending says the format: name it .wav or .flac"),
        ("out.flac", 2, "FLAC holds 8 channels, order 2 has 9: name it .wav"),
        ("there/out.wav", 1, "there is no folder"),
        ("in.wav", 1, "this is the recording itself"),
        ("folder.wav", 1, "this is a folder"),
    ],
)
def test_names_that_cannot_be_written(
    out: str, order: int, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write(tmp_path / "in.wav", plane_wave("tetrahedral", seconds=0.2))
    (tmp_path / "folder.wav").mkdir()
    assert line in refusal(capsys, source, tmp_path / out, "--array", "zylia", "--order", order, "--force")


@pytest.mark.parametrize("there", ["out.wav", "out.wav.json"])
def test_files_that_exist_are_kept_unless_forced(
    there: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write(tmp_path / "in.wav", plane_wave("tetrahedral", seconds=0.2))
    (tmp_path / there).write_text("precious")
    line = refusal(capsys, source, tmp_path / "out.wav", "--array", "tetrahedral")
    assert line == f"{tmp_path / there}: the file exists: name another, or write over it with --force"
    assert (tmp_path / there).read_text() == "precious"
    assert run(source, tmp_path / "out.wav", "--array", "tetrahedral", "--force") == 0
    assert read(tmp_path / "out.wav").shape == (4, 3200)


def test_out_and_in_must_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "OUT, the file to write, is missing" in refusal(capsys, "in.wav", "--array", "em32")
    assert "absent.wav: no such file" in refusal(
        capsys, tmp_path / "absent.wav", tmp_path / "out.wav", "--array", "em32"
    )


def test_one_microphone_has_no_direction(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    MicrophoneArray("one", np.zeros((1, 3))).save(tmp_path / "one.json")
    source = write(tmp_path / "in.wav", plane_wave("tetrahedral", seconds=0.2)[:1])
    line = refusal(capsys, source, tmp_path / "out.wav", "--array", tmp_path / "one.json")
    assert line == "order 1 needs more than one microphone: array one has 1"


def test_a_writer_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As on a full disk, half way through."""
    source = write(tmp_path / "in.wav", plane_wave("tetrahedral", seconds=3.0))

    def fail(self: ambisonic_file.AmbisonicWriter, signals: np.ndarray) -> None:
        raise OSError(28, "No space left on device", "out.wav")

    monkeypatch.setattr(ambisonic_file.AmbisonicWriter, "write", fail)
    assert run(source, tmp_path / "out.wav", "--array", "tetrahedral") == 1
    assert capsys.readouterr().err == "spatial-lalm: error: out.wav: No space left on device\n"
    assert [path.name for path in tmp_path.iterdir()] == ["in.wav"]


# ---------------------------------------------------------------- calibration


def noise_file(path: Path, name: str) -> Path:
    return write(path, 0.1 * array_bank(preset(name), 12, 16_000).sum(axis=0)[1:])


def test_a_calibrated_array_is_written_and_encodes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = noise_file(tmp_path / "noise.wav", "respeaker4")
    array_file = tmp_path / "mine.json"
    found = summary(capsys, source, tmp_path / "out.wav", "--calibrate", array_file)
    told = found["calibration"]
    assert (told["microphones"], told["dimensions"], told["confidence"]) == (4, 2, "good")
    assert told["error_cm"] < 0.1
    array = MicrophoneArray.load(array_file)
    assert array.name == "mine"
    apart = [np.linalg.norm(each[:, None] - each, axis=2) for each in (array.positions, preset("respeaker4").positions)]
    np.testing.assert_allclose(apart[0], apart[1], atol=1e-3)
    assert found["array_hash"] == array.digest
    np.testing.assert_array_equal(encoder_filters(array).quality.shape, (4, 64))


def test_a_calibration_says_what_stays_open(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = noise_file(tmp_path / "noise.wav", "linear4")
    assert run(source, "--calibrate", tmp_path / "line.json") == 0
    shown = capsys.readouterr().out
    assert "4 microphones on a line, confidence good: positions within 0.0" in shown
    assert "the turn of the array and its mirror image are not known" in shown
    assert "would not be noticed" in shown


def test_what_is_no_diffuse_noise_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write(tmp_path / "in.wav", plane_wave("circle6", seconds=5.0))
    line = refusal(capsys, source, "--calibrate", tmp_path / "a.json")
    assert line.startswith(f"{source}: ")
    assert "not diffuse" in line
    assert not (tmp_path / "a.json").exists()
