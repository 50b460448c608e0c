"""The door: formats, refusals, reading in blocks, and the way to ambisonics at 16 kHz."""

import os
import re
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial_lalm.audio.containers import identify
from spatial_lalm.audio.conventions import convert, spherical_harmonics, unit_vector
from spatial_lalm.audio.encoding import encode
from spatial_lalm.audio.formats import ChannelFormat, parse_format
from spatial_lalm.audio.presets import preset
from spatial_lalm.audio.recording import Recording
from spatial_lalm.errors import InputError

CONTAINERS = ["WAV", "WAVEX", "RF64", "W64", "FLAC", "OGG", "CAF", "AIFF", "AU", "MP3"]


def tone(frequency: float, rate: int, seconds: float) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)


def sound(channels: int, frames: int = 4000, seed: int = 0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).normal(size=(channels, frames)).astype(np.float32)


def write(path: Path, channels: int = 4, frames: int = 4000, rate: int = 16_000, **options: str) -> Path:
    soundfile.write(path, sound(channels, frames).T, rate, **options)
    return path


def refusal(path: Path, **options: str) -> str:
    """The one line with which opening and reading a file is refused; it names the file."""
    with pytest.raises(InputError) as refused:
        Recording.open(path, **options).read()
    message = str(refused.value)
    assert "\n" not in message
    assert path.name in message
    return message


# ---------------------------------------------------------------- formats


@pytest.mark.parametrize(
    ("channels", "words"),
    [
        (1, "format: mono (1 channel, none was named)"),
        (2, "format: binaural (2 channels, none was named)"),
        (4, "format: ambix order 1 (4 channels, none was named)"),
        (9, "format: ambix order 2 (9 channels, none was named)"),
        (16, "format: ambix order 3 (16 channels, none was named)"),
    ],
)
def test_defaults_are_stated(channels: int, words: str) -> None:
    chosen, assumed = parse_format(None, None, channels)
    assert assumed == [words]
    assert chosen.channels == channels


@pytest.mark.parametrize(
    ("name", "channels", "expected"),
    [
        ("ambix", 4, ChannelFormat("ambisonics", 1)),
        ("AmbiX", 16, ChannelFormat("ambisonics", 3)),
        ("foa", 4, ChannelFormat("ambisonics", 1)),
        ("hoa2", 9, ChannelFormat("ambisonics", 2)),
        ("hoa3", 16, ChannelFormat("ambisonics", 3)),
        ("n3d", 9, ChannelFormat("ambisonics", 2, "n3d")),
        ("fuma", 4, ChannelFormat("ambisonics", 1, "fuma")),
        ("binaural", 2, ChannelFormat("binaural")),
        ("mono", 1, ChannelFormat("mono")),
    ],
)
def test_named_formats(name: str, channels: int, expected: ChannelFormat) -> None:
    assert parse_format(name, None, channels) == (expected, [])


def test_arrays_by_name_and_by_file(tmp_path: Path) -> None:
    preset("circle6").save(tmp_path / "mine.json")
    by_name, assumed = parse_format(None, "circle6", 6)
    by_file, _ = parse_format(None, str(tmp_path / "mine.json"), 6)
    assert by_name == by_file == ChannelFormat("array", array=preset("circle6"))
    assert assumed == []
    assert by_name.channels == 6


@pytest.mark.parametrize(
    ("name", "array", "channels", "words"),
    [
        ("ambix", "em32", 32, "both given"),
        ("foa", None, 9, "format foa has 4 channels, but there are 9"),
        ("hoa2", None, 4, "format hoa2 has 9 channels, but there are 4"),
        ("ambix", None, 5, "4, 9 or 16 channels (order 1 to 3), but there are 5"),
        ("n3d", None, 25, "but there are 25"),
        ("fuma", None, 9, "format fuma has 4 channels"),
        ("mono", None, 2, "format mono has 1 channel, but there are 2"),
        ("binaural", None, 1, "format binaural has 2 channels"),
        ("ambisonic", None, 4, "'ambisonic' is not known: choose ambix, foa"),
        ("em32", None, 32, "use --array em32"),
        (None, "em32", 4, "array em32 has 32 microphones, but there are 4 channels"),
        (None, "em64", 64, "'em64' is not known"),
        (None, None, 3, "3 channels have no default meaning"),
        (None, None, 6, "(known with 6: respeaker6, circle6)"),
        (None, None, 25, "25 channels have no default meaning"),
    ],
)
def test_impossible_formats_are_refused(name: str | None, array: str | None, channels: int, words: str) -> None:
    with pytest.raises(InputError, match=re.escape(words)) as refused:
        parse_format(name, array, channels)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "quad"},
        {"kind": "array"},
        {"kind": "mono", "array": preset("em32")},
        {"kind": "mono", "order": 1},
        {"kind": "ambisonics", "order": 4},
        {"kind": "ambisonics", "order": 0},
        {"kind": "ambisonics", "order": 2, "convention": "fuma"},
    ],
)
def test_contradictory_formats_cannot_be_made(wrong: dict) -> None:
    with pytest.raises(InputError):
        ChannelFormat(**wrong)


# ---------------------------------------------------------------- containers


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_is_read_whole(container: str, tmp_path: Path) -> None:
    path = tmp_path / "sound.any"
    write(path, channels=2, frames=30_011, rate=44_100, format=container)
    recording = Recording.open(path)
    assert (recording.rate, recording.channels, recording.frames) == (44_100, 2, 30_011)
    assert recording.duration_s == 30_011 / 44_100
    read = recording.read()
    assert read.shape == (2, 30_011)
    assert read.dtype == np.float32
    written = sound(2, 30_011)
    if container in ("OGG", "MP3"):  # lossy: the same channels at the same time, not the same samples
        correlation = np.corrcoef(written, read)[:2, 2:]
        assert correlation.diagonal().min() > 0.55
        assert np.abs(correlation[[0, 1], [1, 0]]).max() < 0.45
    else:
        np.testing.assert_allclose(read, written, atol=1e-4)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("share", [0.3, 0.95])
def test_truncated_files_are_refused(container: str, share: float, tmp_path: Path) -> None:
    path = write(tmp_path / "half.any", channels=2, frames=60_000, rate=44_100, format=container)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    assert re.search("truncated|damaged", refusal(path))


@settings(max_examples=200)
@given(st.binary(max_size=64))
def test_identify_never_fails(head: bytes) -> None:
    assert identify(head[:16]) in {None, *CONTAINERS}


def test_wav_of_unknown_length_is_read(tmp_path: Path) -> None:
    """Programs that write into a pipe leave 0xFFFFFFFF for the length; that is no truncation."""
    path = write(tmp_path / "piped.wav", channels=1, frames=1000)
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = struct.pack("<I", 0xFFFFFFFF)
    path.write_bytes(content)
    assert Recording.open(path).frames == 1000


def test_odd_chunks_before_the_sound_are_stepped_over(tmp_path: Path) -> None:
    path = write(tmp_path / "tagged.wav", channels=1, frames=1000)
    content = path.read_bytes()
    at = content.index(b"data")
    path.write_bytes(content[:at] + b"note" + struct.pack("<I", 3) + b"abc\0" + content[at:])
    assert Recording.open(path).read().shape == (1, 1000)
    path.write_bytes(path.read_bytes()[:-10])
    assert "10 bytes are missing" in refusal(path)


# ---------------------------------------------------------------- refusals


def test_missing_folder_and_special_files_are_refused(tmp_path: Path) -> None:
    folder, pipe = tmp_path / "folder.wav", tmp_path / "pipe.wav"
    folder.mkdir()
    os.mkfifo(pipe)
    assert "no such file" in refusal(tmp_path / "none.wav")
    assert "folder" in refusal(folder)
    assert "no regular file" in refusal(pipe)


@pytest.mark.parametrize(
    "content",
    [
        b"hello, this is a text file\n",
        b"%PDF-1.7 and so on....",
        b"RIFF\x10\0\0\0AVI LIST....",
        b"\0" * 64,
        b"OggT" * 9,
    ],
)
def test_what_is_not_sound_is_refused_before_the_decoder(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "fake.wav"
    path.write_bytes(content)
    assert "not a sound file" in refusal(path)


@pytest.mark.parametrize(
    "content", [b"fLaC" + b"\xff" * 60, b"RIFF\x10\0\0\0WAVE", b"ID3" + b"\0" * 99, b".snd" + b"\1" * 9]
)
def test_broken_headers_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.flac"
    path.write_bytes(content)
    assert refusal(path)


def test_empty_files_and_empty_recordings_are_refused(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.wav"
    nothing.touch()
    assert "empty (0 bytes)" in refusal(nothing)
    assert "empty (0 samples)" in refusal(write(tmp_path / "zero.wav", frames=0))


@pytest.mark.parametrize("rate", [7_999, 192_001, 2**31 - 1])
def test_impossible_rates_are_refused(rate: int, tmp_path: Path) -> None:
    assert f"{rate} Hz" in refusal(write(tmp_path / "rate.wav", rate=rate))


def test_too_many_channels_are_refused(tmp_path: Path) -> None:
    assert "65 channels" in refusal(write(tmp_path / "many.wav", channels=65, frames=10))


@pytest.mark.parametrize(("value", "word"), [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf"), (1e30, "1e+30")])
def test_values_that_are_no_sound_are_refused_wherever_they_are(value: float, word: str, tmp_path: Path) -> None:
    path, samples = tmp_path / "nan.wav", sound(4, 40_000)
    samples[2, 32_000] = value
    soundfile.write(path, samples.T, 16_000, subtype="FLOAT")
    assert f"channel 3 holds {word} at 2.000 s" in refusal(path)
    with pytest.raises(InputError, match="channel 3"):
        Recording.open(path).ambisonics()
    with pytest.raises(InputError, match="channel 3"):
        Recording.from_array(samples, 16_000)
    assert Recording.open(path).read(0.0, 1.5).shape == (4, 24_000)


def test_file_that_unpacks_to_gigabytes_is_refused_by_its_header(tmp_path: Path) -> None:
    path = write(tmp_path / "bomb.flac", channels=2, frames=1000, rate=48_000)
    content = bytearray(path.read_bytes())
    content[21] |= 0x0F  # the 36-bit count of samples in the first metadata block
    content[22:26] = b"\xff" * 4
    path.write_bytes(content)
    assert "over the cap of 8 GiB" in refusal(path)


def test_reading_too_much_at_once_names_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = Recording.open(write(tmp_path / "long.wav", frames=20_000))
    monkeypatch.setattr("spatial_lalm.audio.recording.MAX_IN_MEMORY", 100_000)
    with pytest.raises(InputError, match=r"long\.wav.*use blocks\(\)"):
        recording.read()
    with pytest.raises(InputError, match=r"long\.wav.*use ambisonic_blocks\(\)"):
        recording.ambisonics()
    assert sum(block.shape[1] for block in recording.blocks(0.1)) == 20_000


@pytest.mark.parametrize("options", [{"format": "hoa2"}, {"array": "em32"}, {"format": "foa", "array": "em32"}])
def test_formats_that_do_not_fit_the_file_name_it(options: dict[str, str], tmp_path: Path) -> None:
    assert refusal(write(tmp_path / "four.wav"), **options)


@pytest.mark.parametrize(
    ("start", "end"), [(-0.1, 0.1), (0.1, 0.1), (0.2, 0.1), (0.0, 0.26), (0.3, None), (np.nan, 0.1)]
)
def test_ranges_outside_the_file_are_refused(start: float, end: float | None, tmp_path: Path) -> None:
    recording = Recording.open(write(tmp_path / "quarter.wav"))
    for read in (recording.read, recording.ambisonics, lambda a, b: recording.blocks(0.1, a, b)):
        with pytest.raises(InputError, match=r"quarter\.wav"):
            read(start, end)


def test_file_changed_after_opening_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "sound.wav")
    recording = Recording.open(path)
    write(path, rate=44_100)
    with pytest.raises(InputError, match="has changed"):
        recording.read()


def test_names_with_line_breaks_stay_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        Recording.open(tmp_path / "two\nlines.wav")
    assert "two?lines.wav" in str(refused.value)


@pytest.mark.parametrize("samples", [np.zeros(10), np.zeros((4, 0)), np.zeros((0, 4)), np.zeros((65, 4))])
def test_arrays_that_are_no_recording_are_refused(samples: np.ndarray) -> None:
    with pytest.raises(InputError):
        Recording.from_array(samples, 16_000)


# ---------------------------------------------------------------- reading


def test_opening_reads_no_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "lazy.wav")
    monkeypatch.setattr(soundfile.SoundFile, "read", lambda *_, **__: pytest.fail("samples were read"))
    recording = Recording.open(path)
    assert recording.assumed == ("format: ambix order 1 (4 channels, none was named)",)
    assert (recording.path, recording.frames, recording.format.order) == (path, 4000, 1)


@pytest.mark.parametrize("block_s", [0.001, 0.0333, 0.1, 0.25, 99.0])
def test_blocks_make_up_the_whole(block_s: float, tmp_path: Path) -> None:
    recording = Recording.open(write(tmp_path / "sound.flac", rate=22_050))
    whole = recording.read()
    np.testing.assert_array_equal(np.concatenate(list(recording.blocks(block_s)), axis=1), whole)
    part = np.concatenate(list(recording.blocks(block_s, 0.05, 0.15)), axis=1)
    np.testing.assert_array_equal(part, whole[:, round(0.05 * 22_050) : round(0.15 * 22_050)])
    np.testing.assert_array_equal(recording.read(0.05, 0.15), part)


@pytest.mark.parametrize("block_s", [0.0, -1.0, np.nan, np.inf, 1e-9])
def test_impossible_blocks_are_refused(block_s: float) -> None:
    with pytest.raises(InputError, match="block length"):
        Recording.from_array(sound(1), 16_000).blocks(block_s)


def test_memory_and_file_are_the_same_recording(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    samples = sound(4, 9000)
    soundfile.write(path, samples.T, 24_000, subtype="FLOAT")
    from_file, in_memory = Recording.open(path, "n3d"), Recording.from_array(samples, 24_000, "n3d")
    np.testing.assert_array_equal(from_file.read(), in_memory.read())
    np.testing.assert_array_equal(from_file.ambisonics()[0], in_memory.ambisonics()[0])
    assert in_memory.path is None


def test_samples_in_memory_are_a_copy() -> None:
    samples = sound(1)
    recording = Recording.from_array(samples, 16_000)
    recording.read()[:] = 7
    np.testing.assert_array_equal(recording.read(), sound(1))


# ---------------------------------------------------------------- ambisonics


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000])
def test_resampling_keeps_length_tone_and_phase(rate: int) -> None:
    recording = Recording.from_array(tone(1000, rate, 1.03)[None], rate)
    signals, _ = recording.ambisonics()
    assert signals.shape == (4, round(1.03 * 16_000))
    middle = slice(1600, -1600)
    np.testing.assert_allclose(signals[0, middle], tone(1000, 16_000, 1.03)[middle], atol=1e-3)


def test_resampling_removes_what_would_fold_back() -> None:
    signals, _ = Recording.from_array(tone(11_000, 48_000, 0.5)[None], 48_000).ambisonics()
    assert np.abs(signals[0, 800:-800]).max() < 1e-3


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 48_000, 44_056])
@pytest.mark.parametrize("kind", ["foa", "binaural"])
def test_parts_equal_the_whole(rate: int, kind: str) -> None:
    recording = Recording.from_array(sound(4 if kind == "foa" else 2, 2 * rate + 123), rate, kind)
    whole, _ = recording.ambisonics()
    blocks = np.concatenate(list(recording.ambisonic_blocks(0.31)), axis=1)
    np.testing.assert_allclose(blocks, whole, atol=1e-5)
    part, _ = recording.ambisonics(0.75, 1.5)
    np.testing.assert_allclose(part, whole[:, 12_000:24_000], atol=1e-5)


@pytest.mark.parametrize("frames", [1, 2, 100])
def test_the_shortest_recordings_pass(frames: int) -> None:
    for rate in (8_000, 16_000, 192_000):
        signals, _ = Recording.from_array(sound(2, frames), rate).ambisonics()
        assert signals.shape == (4, max(1, round(frames * 16_000 / rate)))
        assert np.isfinite(signals).all()


@pytest.mark.parametrize("convention", ["ambix", "n3d", "fuma"])
def test_conventions_meet_at_the_door(convention: str) -> None:
    wave = spherical_harmonics(1, unit_vector(50.0, 20.0))[:, None] * tone(500, 16_000, 0.2)
    recording = Recording.from_array(convert(wave, "ambix", convention), 16_000, convention)
    signals, quality = recording.ambisonics()
    np.testing.assert_allclose(signals, wave, atol=1e-6)
    np.testing.assert_array_equal(quality, np.ones((4, 64)))


@pytest.mark.parametrize(("stored", "asked"), [(3, 1), (2, 2), (1, 2), (1, 3), (3, 2)])
def test_orders_are_cut_or_filled_with_silence(stored: int, asked: int) -> None:
    samples = sound((stored + 1) ** 2)
    signals, quality = Recording.from_array(samples, 16_000).ambisonics(order=asked)
    shared = (min(stored, asked) + 1) ** 2
    assert signals.shape == ((asked + 1) ** 2, 4000)
    np.testing.assert_allclose(signals[:shared], samples[:shared], atol=1e-6)
    np.testing.assert_array_equal(signals[shared:], 0)
    np.testing.assert_array_equal(quality.min(axis=1), np.arange((asked + 1) ** 2) < shared)


def test_mono_is_omni_alone() -> None:
    signals, quality = Recording.from_array(sound(1), 16_000).ambisonics()
    np.testing.assert_array_equal(signals[:1], sound(1))
    np.testing.assert_array_equal(signals[1:], 0)
    np.testing.assert_array_equal(quality.mean(axis=1), [1, 0, 0, 0])


def test_binaural_goes_through_the_head() -> None:
    samples = sound(2)
    signals, quality = Recording.from_array(samples, 16_000, "binaural").ambisonics()
    expected, mask = encode(samples, preset("binaural"), levelled=True)
    np.testing.assert_allclose(signals, expected, atol=1e-5)
    np.testing.assert_array_equal(quality, mask)
    assert quality[[2, 3]].max() < 0.02


def test_swapping_the_ears_swaps_left_and_right() -> None:
    samples = sound(2)
    signals, swapped = (Recording.from_array(s, 16_000).ambisonics()[0] for s in (samples, samples[::-1]))
    np.testing.assert_allclose(swapped[:2], signals[:2] * [[1], [-1]], atol=2e-3)


def test_arrays_go_through_their_encoder() -> None:
    samples = sound(6, 5000)
    recording = Recording.from_array(samples, 16_000, array="circle6")
    signals, quality = recording.ambisonics()
    expected, mask = encode(samples, preset("circle6"), levelled=True)
    np.testing.assert_allclose(signals, expected, atol=1e-5)
    np.testing.assert_array_equal(quality, mask)
    assert recording.assumed == ()


def test_bands_beyond_the_sample_rate_are_not_trusted() -> None:
    """8 kHz sampling holds nothing above 4 kHz, whatever the array."""
    _, quality = Recording.from_array(sound(4), 8_000).ambisonics()
    assert quality[0, 0] == 1
    assert quality[0, -1] == 0
    assert 0.5 < quality[0].mean() < 0.8


@pytest.mark.parametrize("order", [0, 4])
def test_orders_beyond_three_are_refused(order: int) -> None:
    with pytest.raises(InputError, match=f"order {order}"):
        Recording.from_array(sound(4), 16_000).ambisonics(order=order)


def test_higher_orders_say_what_to_do() -> None:
    with pytest.raises(InputError, match="order 4: orders above 3 are not read: keep the first 16 channels"):
        Recording.from_array(np.ones((25, 100)), 16_000)


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_a_truncated_flac_says_how_far_it_can_be_read(rate: int, tmp_path: Path) -> None:
    path = tmp_path / "cut.flac"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.05, (4 * rate, 4)), rate)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=r"can be read up to 1\.\d+ s of 4\.00 s") as refused:
        Recording.open(path).ambisonics()
    found = re.search(r"--end (\d\.\d)", str(refused.value))
    assert found is not None
    assert Recording.open(path).ambisonics(0.0, float(found[1]))[0].any()


@pytest.mark.parametrize("path", [123, None, b"field.wav"])
def test_what_is_no_path_is_refused(path: object) -> None:
    with pytest.raises(InputError, match="is no path"):
        Recording.open(path)  # type: ignore[arg-type]


def test_a_start_beyond_the_end_is_told_plainly() -> None:
    with pytest.raises(InputError, match=r"start 20 s lies beyond its end: it runs from 0 to 1\.000 s"):
        Recording.from_array(np.ones((4, 16_000)), 16_000).read(20.0)
