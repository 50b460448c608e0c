"""Measured responses: SOFA files that tests write from an analytic head, their traps, and their interpolation."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from spatial_lalm.audio.arrays import MicrophoneArray
from spatial_lalm.audio.conventions import angles, rotation_matrix, unit_vector
from spatial_lalm.audio.encoding import encode, fibonacci_grid
from spatial_lalm.audio.formats import parse_format
from spatial_lalm.audio.measured import MeasuredResponses
from spatial_lalm.audio.presets import preset
from spatial_lalm.audio.sofa import read_sofa
from spatial_lalm.errors import InputError

RATE = 48_000
SAMPLES = 256
HEAD = preset("binaural")
SPREAD = np.asarray(fibonacci_grid(300))
HERTZ = np.array([250.0, 500.0, 1000.0, 2000.0, 4000.0])


def responses(array: MicrophoneArray, directions: np.ndarray, late: float | np.ndarray = 40.0) -> np.ndarray:
    """Impulse responses (D, M, SAMPLES) at RATE of what an array hears, ``late`` samples after their start."""
    hertz = np.fft.rfftfreq(SAMPLES, 1 / RATE)
    fade = np.clip((12_000 - hertz) / 4000, 0, 1)
    delay = np.exp(-2j * np.pi * hertz[:, None] * np.atleast_1d(late) / RATE)[:, None]
    spectra = array.manifold(np.minimum(hertz, 12_000), directions) * fade[:, None, None] * delay
    return np.fft.irfft(spectra, SAMPLES, axis=0).transpose(2, 1, 0)


def write(path: Path, impulses: np.ndarray, directions: np.ndarray, sign: float = 1.0, **changes: Any) -> Path:
    """A SOFA file as programs write it; ``changes`` replace datasets by name (None leaves one out)."""
    azimuth, elevation = angles(directions)
    content: dict[str, Any] = {
        "Data.IR": impulses,
        "Data.SamplingRate": np.array([float(RATE)]),
        "Data.Delay": np.zeros((1, impulses.shape[1])),
        "SourcePosition": np.stack([sign * azimuth % 360, elevation, np.full_like(azimuth, 1.5)], axis=1),
        "ListenerPosition": np.zeros((1, 3)),
        "ListenerView": np.array([[1.0, 0, 0]]),
        "ListenerUp": np.array([[0.0, 0, 1]]),
        "ReceiverPosition": np.array([[0.0, 0.09, 0], [0, -0.09, 0]])[:, :, None],
    } | {name.replace("_", "."): value for name, value in changes.items()}
    with h5py.File(path, "w") as file:
        file.attrs["DataType"] = "FIR"
        for name, values in content.items():
            if values is not None:
                file[name] = values
        if "SourcePosition" in file:
            file["SourcePosition"].attrs.update(Type="spherical", Units="degree, degree, metre")
    return path


def error_db(found: MicrophoneArray, truth: MicrophoneArray, directions: np.ndarray = SPREAD) -> np.ndarray:
    """Error over truth in dB by frequency (F,); the level and 25 us of time zero, which no file tells, are fitted."""
    one, other = found.manifold(HERTZ, directions), truth.manifold(HERTZ, directions)
    one = one * (np.sum(np.abs(one * other)) / np.sum(np.abs(one) ** 2))
    errors = []
    for late in np.arange(-25e-6, 26e-6, 1e-6):
        moved = one * np.exp(-2j * np.pi * HERTZ * late)[:, None, None]
        errors.append(np.mean(np.abs(moved - other) ** 2, axis=(1, 2)) / np.mean(np.abs(other) ** 2, axis=(1, 2)))
    return 10 * np.log10(min(errors, key=np.sum))


def turned(array: MicrophoneArray, turn: np.ndarray) -> MicrophoneArray:
    return MicrophoneArray("turned", array.positions @ turn.T, array.rigid_radius_m)


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> MicrophoneArray:
    path = write(tmp_path_factory.mktemp("sofa") / "head.sofa", responses(HEAD, SPREAD), SPREAD)
    return MicrophoneArray.load(path)


# ---------------------------------------------------------------- reading


def test_a_file_gives_back_the_head_between_its_directions(head: MicrophoneArray) -> None:
    """Written at 48 kHz, 40 samples late, from 300 directions; read at 16 kHz and asked for 701 others."""
    assert head.name == "head"
    assert head.microphones == 2
    assert head.measured is not None
    assert head.measured.rate == 16_000
    assert not any("clockwise" in note or "extrapolated" in note for note in head.measured.notes)
    assert (error_db(head, HEAD, fibonacci_grid(701)) < [-28, -28, -28, -28, -22]).all()


def test_time_zero_is_the_arrival_at_the_centre(head: MicrophoneArray) -> None:
    """The nearer ear hears early, the farther one late."""
    assert head.measured is not None
    ahead = head.measured.delays(unit_vector(90.0, 0.0)[None])[0] - head.measured.zero
    path = 0.0875 / 343 * 16_000
    assert ahead[0] == pytest.approx(-path, abs=1.0)
    assert ahead[1] == pytest.approx(path * np.pi / 2, abs=1.0)


def test_time_zero_of_an_open_array_is_exact(tmp_path: Path) -> None:
    array = preset("respeaker4")
    path = write(tmp_path / "x.sofa", responses(array, SPREAD), SPREAD, ReceiverPosition=array.positions)
    both = read_sofa(path).manifold(1000.0, SPREAD) * array.manifold(1000.0, SPREAD).conj()
    assert abs(np.angle(both.sum())) < 2 * np.pi * 1000 * 2e-6


def test_level_is_unit_power_in_the_middle(head: MicrophoneArray) -> None:
    assert np.mean(np.abs(head.manifold(np.linspace(250, 1000, 20), SPREAD)) ** 2) == pytest.approx(1, abs=0.05)


def test_an_azimuth_that_runs_clockwise_is_mended_and_told(tmp_path: Path) -> None:
    mended = read_sofa(write(tmp_path / "x.sofa", responses(HEAD, SPREAD), SPREAD, sign=-1.0))
    assert mended.measured is not None
    assert any("clockwise" in note for note in mended.measured.notes)
    assert (error_db(mended, HEAD) < -20).all()


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_four_receivers_are_checked_by_their_positions(sign: float, tmp_path: Path) -> None:
    array = preset("respeaker4")
    impulses = responses(array, SPREAD)
    path = write(tmp_path / "four.sofa", impulses, SPREAD, sign, ReceiverPosition=array.positions)
    found = read_sofa(path)
    assert found.measured is not None
    assert any("clockwise" in note for note in found.measured.notes) == (sign < 0)
    assert (error_db(found, array) < -20).all()


def test_ears_without_positions_are_left_and_right(tmp_path: Path) -> None:
    path = write(tmp_path / "x.sofa", responses(HEAD, SPREAD), SPREAD, -1.0, ReceiverPosition=None)
    assert (error_db(read_sofa(path), HEAD) < -20).all()


def test_listener_that_looks_elsewhere_turns_the_directions(tmp_path: Path) -> None:
    """The file's sources stand in the room, our directions are the listener's."""
    turn = rotation_matrix(70.0)
    path = write(
        tmp_path / "x.sofa", responses(HEAD, SPREAD), SPREAD @ turn.T, ListenerView=turn[:, 0][None], ListenerUp=None
    )
    assert (error_db(read_sofa(path), HEAD) < -20).all()


def test_one_loudspeaker_and_a_turning_listener(tmp_path: Path) -> None:
    """As on a turntable: the source stays in front, the view and up of the listener change."""
    level = np.asarray(unit_vector(np.arange(0, 360, 10.0), 0.0))
    view = level * [1.0, -1.0, 1.0]
    path = write(
        tmp_path / "x.sofa",
        responses(HEAD, level),
        level,
        SourcePosition=np.array([[0.0, 0, 1.5]]),
        ListenerView=view,
    )
    assert (error_db(read_sofa(path), HEAD, level) < -25).all()


def test_delays_kept_apart_are_put_back(tmp_path: Path) -> None:
    late = np.random.default_rng(0).uniform(0, 30, len(SPREAD))
    impulses = responses(HEAD, SPREAD, 60.0 - late)
    path = write(tmp_path / "x.sofa", impulses, SPREAD, Data_Delay=np.stack([late, late], axis=1))
    found = read_sofa(path)
    assert found.measured is not None
    assert not any("timing" in note for note in found.measured.notes)
    assert (error_db(found, HEAD) < -20).all()


def test_measurements_that_start_apart_are_aligned_and_told(tmp_path: Path) -> None:
    late = np.random.default_rng(0).normal(40, 2.5, len(SPREAD))  # 52 us
    found = read_sofa(write(tmp_path / "x.sofa", responses(HEAD, SPREAD, late), SPREAD))
    assert found.measured is not None
    assert any(note.startswith("timing: measurements start 5") for note in found.measured.notes)
    assert (error_db(found, HEAD)[:4] < [-28, -23, -18, -12]).all()  # as they are, -4 dB at 2 kHz


def test_the_farthest_of_sources_in_one_direction_is_taken(tmp_path: Path) -> None:
    both = np.concatenate([SPREAD, SPREAD])
    near = responses(HEAD, SPREAD) * np.random.default_rng(0).normal(size=(300, 1, 1))
    impulses = np.concatenate([near, responses(HEAD, SPREAD)])
    azimuth, elevation = angles(both)
    places = np.stack([azimuth, elevation, np.repeat([0.3, 1.5], 300)], axis=1)
    found = read_sofa(write(tmp_path / "x.sofa", impulses, both, SourcePosition=places))
    assert found.measured is not None
    assert len(found.measured.directions) == 300
    assert (error_db(found, HEAD) < -20).all()


def test_gaps_are_told_and_stay_quiet(tmp_path: Path) -> None:
    """Nothing was measured below: what is made up there is no louder than the loudest that was measured."""
    above = SPREAD[SPREAD[:, 2] > -0.3]
    found = read_sofa(write(tmp_path / "x.sofa", responses(HEAD, above), above))
    assert found.measured is not None
    assert any("extrapolated" in note for note in found.measured.notes)
    hertz = np.linspace(200, 7500, 30)
    below = np.abs(found.manifold(hertz, SPREAD[SPREAD[:, 2] < -0.3])).max()
    assert below < 1.3 * np.abs(found.manifold(hertz, above)).max()


def test_array_option_takes_sofa_files_and_tells_what_was_assumed(tmp_path: Path) -> None:
    path = write(tmp_path / "HEAD.SOFA", responses(HEAD, SPREAD), SPREAD, sign=-1.0)
    chosen, notes = parse_format(None, str(path), 2)
    assert str(chosen) == "array HEAD"
    assert any(note.startswith("array: azimuth: runs clockwise") for note in notes)
    with pytest.raises(InputError, match="2 microphones, but there are 4 channels"):
        parse_format(None, str(path), 4)


def test_recordings_of_a_measured_array_are_encoded(head: MicrophoneArray) -> None:
    """A wave from the left, as the analytic head hears it, comes out as the analytic encoder has it."""
    noise = np.random.default_rng(0).normal(size=4096)
    left = HEAD.manifold(np.fft.rfftfreq(4096, 1 / 16_000), [[0.0, 1, 0]])[..., 0].T
    signals = np.fft.irfft(left * np.fft.rfft(noise), 4096).astype(np.float32)
    found, wanted = (encode(signals, array, 1)[0] for array in (head, HEAD))
    sideways = [np.mean(one[0] * one[1]) / np.mean(one[0] ** 2) for one in (found, wanted)]
    assert sideways[0] == pytest.approx(sideways[1], rel=0.2)
    assert sideways[1] > 0.05


# ---------------------------------------------------------------- interpolation


def test_measured_directions_are_met_exactly(head: MicrophoneArray) -> None:
    assert head.measured is not None
    impulses, zero = head.measured.impulses[:20], head.measured.zero
    time = (np.arange(impulses.shape[2]) - zero) / 16_000
    exact = np.einsum("dmn,nf->fmd", impulses, np.exp(-2j * np.pi * time[:, None] * HERTZ))
    np.testing.assert_allclose(head.manifold(HERTZ, SPREAD[:20]), exact, atol=5e-3)


def test_weights_add_up_to_one_and_few_directions_suffice() -> None:
    corners = np.concatenate([np.eye(3), -np.eye(3)])
    impulses = np.zeros((6, 1, 32), dtype=np.float32)
    impulses[:, 0, 8] = 1.0
    alike = MeasuredResponses(corners, impulses, 16_000, 8.0)
    np.testing.assert_allclose(alike.manifold(HERTZ, SPREAD), 1, atol=1e-3)
    np.testing.assert_allclose(alike.weights(SPREAD).sum(axis=1), 1, atol=1e-9)


def test_nothing_is_heard_above_half_the_rate(head: MicrophoneArray) -> None:
    assert not head.manifold(9000.0, SPREAD[:3]).any()


# ---------------------------------------------------------------- refusals

Change = Callable[[h5py.File], None]


def replaced(name: str, values: Any) -> Change:
    def change(file: h5py.File) -> None:
        del file[name]
        if values is not None:
            file[name] = values

    return change


def elsewhere(file: h5py.File) -> None:
    del file["Data.IR"]
    file["Data.IR"] = h5py.ExternalLink("/tmp/other.h5", "secret")


def in_a_raw_file(file: h5py.File) -> None:
    del file["Data.SamplingRate"]
    file.create_dataset("Data.SamplingRate", (1,), "f8", external=[("/etc/hostname", 0, 8)])


def as_spherical_text(file: h5py.File) -> None:
    file["SourcePosition"].attrs["Type"] = "polar"


GOOD = np.random.default_rng(0).normal(size=(8, 2, 64))
BAD: list[tuple[Change, str]] = [
    (replaced("Data.IR", None), "no impulse responses (Data.IR) in data of type fir"),
    (replaced("Data.IR", GOOD[:, :, None]), "Data.IR has shape (8, 2, 1, 64)"),
    (replaced("Data.IR", GOOD * np.nan), "Data.IR holds values that are not finite"),
    (replaced("Data.IR", GOOD * 0), "all zero"),
    (replaced("Data.IR", np.ones((8, 65, 4))), "65 receivers: at most 64"),
    (replaced("Data.IR", np.array([b"text"])), "Data.IR of 1 values"),
    (replaced("Data.IR", np.ones((8, 0, 4))), "Data.IR has shape (8, 0, 4)"),
    (replaced("Data.SamplingRate", None), "Data.SamplingRate is missing"),
    (replaced("Data.SamplingRate", [0.0]), "between 4000 and 384000 Hz"),
    (replaced("Data.Delay", np.ones((3, 2))), "Data.Delay has shape (3, 2)"),
    (replaced("Data.Delay", [[0.0, 1e9]]), "Data.Delay differs by 1e+09 samples"),
    (replaced("SourcePosition", None), "SourcePosition is missing"),
    (replaced("SourcePosition", np.ones((5, 3))), "SourcePosition has shape (5, 3)"),
    (replaced("SourcePosition", np.zeros((8, 3))), "no direction"),
    (replaced("SourcePosition", np.ones((1, 3))), "1 different source directions: at least 4"),
    (replaced("ReceiverPosition", np.ones((3, 3))), "ReceiverPosition has shape (3, 3)"),
    (replaced("ReceiverPosition", 90 * np.ones((2, 3))), "millimetres"),
    (replaced("ListenerView", [[0.0, 0, 1]]), "at right angles"),
    (as_spherical_text, "SourcePosition is of type 'polar'"),
    (elsewhere, "Data.IR is no dataset of the file itself"),
    (in_a_raw_file, "Data.SamplingRate lies in another file"),
]


@pytest.mark.parametrize(("change", "words"), BAD)
def test_malformed_files_are_refused_in_one_line(change: Change, words: str, tmp_path: Path) -> None:
    path = write(tmp_path / "bad.sofa", GOOD, np.asarray(fibonacci_grid(8)))
    with h5py.File(path, "a") as file:
        change(file)
    with pytest.raises(InputError) as refused:
        MicrophoneArray.load(path)
    message = str(refused.value)
    assert message.startswith(f"{path}: ")
    assert words in message
    assert "\n" not in message


@pytest.mark.parametrize("content", [b"", b"RIFF....WAVE", b"\x89HDF\r\n\x1a\n" + bytes(100)])
def test_files_that_are_no_hdf5_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "no.sofa"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"no\.sofa: this is no readable SOFA \(HDF5\) file") as refused:
        read_sofa(path)
    assert "\n" not in str(refused.value)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.sofa: no such SOFA file"):
        read_sofa(tmp_path / "none.sofa")


def test_responses_of_a_room_are_refused(tmp_path: Path) -> None:
    reverberant = np.random.default_rng(0).normal(size=(8, 2, 24_000)) * np.exp(-np.arange(24_000) / 6000)
    path = write(tmp_path / "room.sofa", reverberant, np.asarray(fibonacci_grid(8)))
    with pytest.raises(InputError, match="these are a room's responses; give free-field responses"):
        read_sofa(path)


def test_simulate_tells_what_was_assumed_of_a_measured_receiver(tmp_path: Path) -> None:
    from spatial_lalm.app.simulate import _assumed

    upper = SPREAD[SPREAD[:, 2] > 0.3]
    path = write(tmp_path / "upper.sofa", responses(HEAD, upper), upper)
    assert any("away from any measured one are extrapolated" in line for line in _assumed(str(path)))
    assert _assumed("foa") == []
