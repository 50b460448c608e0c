"""Designs on disk: used when whole, passed over when not, never an error."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from spatial_lalm.audio import encoding, encoding_cache
from spatial_lalm.audio.arrays import MicrophoneArray
from spatial_lalm.audio.encoding import encoder_filters, fibonacci_grid, kept_filters
from spatial_lalm.audio.measured import MeasuredResponses
from spatial_lalm.audio.presets import preset


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of our own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    kept_filters.cache_clear()
    return tmp_path / "spatial-lalm" / "encoders"


def measured_array(gain: float = 1.0) -> MicrophoneArray:
    """Two microphones 10 cm apart, measured from 60 directions: pulses that arrive early or late."""
    directions = np.asarray(fibonacci_grid(60), dtype=np.float64)
    samples = np.arange(128)
    arrival = 40 - 16_000 * 0.05 / 343 * directions[:, 1:2] * np.array([1.0, -1.0])
    impulses = gain * np.sinc(samples - arrival[..., None])
    return MicrophoneArray(
        "measured",
        np.array([[0, 0.05, 0], [0, -0.05, 0]]),
        measured=MeasuredResponses(directions, impulses.astype(np.float32), 16_000, 40.0),
    )


def designs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of arrays that are designed from now on."""
    seen: list[str] = []
    design = encoding._designed
    monkeypatch.setattr(encoding, "_designed", lambda array, *rest: (seen.append(array.name), design(array, *rest))[1])
    return seen


def again(array: MicrophoneArray, order: int = 1) -> encoding.EncodingFilters:
    """As a new process would design it."""
    kept_filters.cache_clear()
    return encoder_filters(array, order)


def test_a_measured_design_is_made_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = designs(monkeypatch)
    first, second = again(measured_array()), again(measured_array())
    assert len(seen) == 1
    np.testing.assert_array_equal(first.fir, second.fir)
    np.testing.assert_array_equal(first.quality, second.quality)
    assert first.delay == second.delay
    assert not second.fir.flags.writeable
    assert [path.suffix for path in cache.iterdir()] == [".npz"]


def test_other_acoustics_orders_and_rates_are_other_designs(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = designs(monkeypatch)
    again(measured_array())
    again(measured_array(0.5))
    again(measured_array(), 0)
    encoder_filters(measured_array(), 1, 24_000)
    assert len(seen) == 4


def test_quick_designs_stay_off_the_disk(cache: Path) -> None:
    again(preset("circle6"))
    assert not cache.exists()


def damaged(content: bytes) -> list[bytes]:
    """Cut short, empty, no archive, one byte flipped in the filters, a pickle, far too large."""
    flipped = bytearray(content)
    flipped[len(content) // 3] ^= 0x10
    return [
        content[:-200],
        b"",
        b"not an archive",
        bytes(flipped),
        b"cos\nsystem\n(S'false'\ntR.",
        content + bytes(10**6),
    ]


@pytest.mark.parametrize("which", range(6))
def test_a_damaged_file_is_designed_anew_and_replaced(cache: Path, which: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = again(measured_array())
    path = next(cache.iterdir())
    content = path.read_bytes()
    path.write_bytes(damaged(content)[which])
    seen = designs(monkeypatch)
    np.testing.assert_array_equal(again(measured_array()).fir, expected.fir)
    assert len(seen) == 1
    assert path.read_bytes() == content


def test_a_design_under_another_name_is_not_believed(cache: Path) -> None:
    again(measured_array())
    path = next(cache.iterdir())
    path.rename(path.with_name("0" * 64 + ".npz"))
    taps = encoding.taps_at(16_000)
    assert encoding_cache.load("0" * 64, (4, 2, taps), (4, 64)) is None
    assert encoding_cache.load(path.stem, (4, 2, taps), (4, 64)) is None


def test_a_folder_that_cannot_be_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert np.isfinite(again(measured_array()).fir).all()
    assert blocked.read_text() == "in the way"


def test_the_longest_unused_make_room(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding_cache, "MOST_FILES", 2)
    one = np.ones((1, 1, 4), dtype=np.float32)
    for age, key in enumerate(("a", "b", "c")):
        encoding_cache.store(key, one, one[0])
        os.utime(cache / f"{key}.npz", (1000 + age, 1000 + age))
    encoding_cache.load("b", (1, 1, 4), (1, 4))  # used just now
    encoding_cache.store("d", one, one[0])
    assert sorted(path.name for path in cache.iterdir()) == ["b.npz", "d.npz"]


def test_relative_cache_homes_are_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As the XDG specification says."""
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert encoding_cache.folder() == tmp_path / ".cache" / "spatial-lalm" / "encoders"
