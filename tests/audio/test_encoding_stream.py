"""Encoding in blocks equals encoding at once, at any rate; what flush leaves behind does not matter."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial_lalm.audio.encoding import EncodingFilters, encode, encoder_filters, taps_at
from spatial_lalm.audio.encoding_stream import EncodingStream
from spatial_lalm.audio.presets import preset
from spatial_lalm.errors import InputError

ARRAY = preset("respeaker4")


def noise(samples: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(4, samples)).astype(np.float32)


def streamed(stream: EncodingStream, signals: np.ndarray, sizes: list[int]) -> np.ndarray:
    """The signals in blocks of these sizes, over and over."""
    parts, start, turn = [], 0, 0
    while start < signals.shape[1]:
        stop = start + sizes[turn % len(sizes)]
        parts.append(stream.push(signals[:, start:stop]))
        start, turn = stop, turn + 1
    return np.concatenate([*parts, stream.flush()], axis=1)


@settings(max_examples=12)
@given(
    samples=st.integers(0, 40_000),
    sizes=st.lists(st.integers(1, 9000), min_size=1, max_size=5).filter(lambda sizes: sum(sizes) > 60),
    seed=st.integers(0, 99),
)
def test_blocks_equal_the_whole(samples: int, sizes: list[int], seed: int) -> None:
    signals = noise(samples, seed)
    whole, _ = encode(signals, ARRAY)
    found = streamed(EncodingStream(encoder_filters(ARRAY)), signals, sizes)
    assert found.shape == whole.shape
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, whole, atol=2e-6 * max(1.0, float(np.abs(whole).max(initial=0))))


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_other_rates_stream_too(rate: int) -> None:
    signals = noise(3 * rate, 0)
    whole, _ = encode(signals, ARRAY, 1, rate)
    found = streamed(EncodingStream(encoder_filters(ARRAY, 1, rate)), signals, [1000, 17, 30_000])
    np.testing.assert_allclose(found, whole, atol=2e-6 * float(np.abs(whole).max()))


def test_a_stream_can_be_used_again() -> None:
    stream = EncodingStream(encoder_filters(ARRAY))
    first, second = noise(9000, 1), noise(5000, 2)
    streamed(stream, first, [4000])
    np.testing.assert_array_equal(
        streamed(stream, second, [700]), streamed(EncodingStream(encoder_filters(ARRAY)), second, [700])
    )


def test_output_comes_at_most_a_segment_late_and_in_flat_memory() -> None:
    stream = EncodingStream(encoder_filters(ARRAY))
    received = given_out = 0
    for _ in range(400):
        received += 1600
        given_out += stream.push(noise(1600, 0)).shape[1]
        assert 0 <= received - given_out <= 8 * 1024
    assert stream._buffer.shape[1] < 70_000


def test_an_impulse_comes_out_where_it_went_in() -> None:
    """The identity as filters: the delay is taken off exactly, at the borders of segments too."""
    fir = np.zeros((1, 1, 64), dtype=np.float32)
    fir[0, 0, 32] = 1
    filters = EncodingFilters(fir, np.ones((1, 64), dtype=np.float32), 32)
    signal = np.zeros((1, 3000), dtype=np.float32)
    signal[0, [0, 448, 449, 1000, 2999]] = [1, 2, 3, 4, 5]
    np.testing.assert_allclose(streamed(EncodingStream(filters), signal, [100, 1]), signal, atol=1e-6)


def test_blocks_of_other_rows_are_refused() -> None:
    with pytest.raises(InputError, match=r"shape \(3, 10\) .* 4 rows"):
        EncodingStream(encoder_filters(ARRAY)).push(np.zeros((3, 10), dtype=np.float32))


def test_filters_are_as_long_in_time_at_every_rate() -> None:
    assert [taps_at(rate) for rate in (8_000, 16_000, 48_000, 192_000)] == [512, 1024, 3072, 12_288]
    assert taps_at(44_100) % 2 == 0
    assert encoder_filters(ARRAY, 1, 48_000).fir.shape == (4, 4, 3072)


@pytest.mark.parametrize("rate", [7_999, 192_001])
def test_rates_beyond_are_refused(rate: int) -> None:
    with pytest.raises(InputError, match=f"sample rate {rate} Hz is not supported: encode at 8000 to 192000 Hz"):
        encoder_filters(ARRAY, 1, rate)
