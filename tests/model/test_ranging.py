"""Listening again to single events: what the head reads, and what it may change."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from spatial_lalm.audio.early import LAGS, MAPS
from spatial_lalm.model.answers import Estimate, Evidence, RoomEstimate
from spatial_lalm.model.hearing import Heard, room_of
from spatial_lalm.model.ranging import CONTEXT, RangeHead, _room_numbers, listen_again, sounds_of

RNG = np.random.default_rng(0)
SIGNALS = RNG.normal(0, 0.1, (4, 40_000)).astype(np.float32)
QUALITY = np.ones((4, 64), np.float32)
EVENT = Evidence(0.5, 2.0, "speech", 40.0, 10.0, 2.0, 0.9)


def one_room(values: np.ndarray, scales: np.ndarray) -> RoomEstimate:
    return room_of(values[None], scales[None])


@pytest.fixture
def room() -> RoomEstimate:
    return one_room(RNG.normal(0, 1, 10), RNG.uniform(0.1, 0.5, 10))


@pytest.fixture
def head() -> RangeHead:
    torch.manual_seed(0)
    return RangeHead(4).eval()


def test_room_numbers_are_the_encoders_outputs() -> None:
    values, scales = RNG.normal(0, 1, 10), RNG.uniform(0.05, 1.5, 10)
    numbers = _room_numbers(one_room(values, scales))
    order = [*range(7), 9, 7, 8]  # ratios first, then decibels
    np.testing.assert_allclose(numbers[:10], values[order])
    np.testing.assert_allclose(numbers[10:], np.log(scales[order]))


def test_every_event_is_read_at_its_own_time(room: RoomEstimate) -> None:
    later = Evidence(1.6, 2.2, "dog_bark", None, None, 5.0, 0.5)
    early, context = sounds_of([EVENT, later], room, SIGNALS, QUALITY)
    assert early.shape == (2, MAPS, LAGS)
    assert context.shape == (2, CONTEXT)
    assert context[0, -2:].tolist() == pytest.approx([math.log(2), math.radians(10)])
    shifted, _ = sounds_of([Evidence(1.5, 3.0, "speech", 40.0, 10.0, 2.0, 0.9)], room, SIGNALS, QUALITY, offset_s=1.0)
    torch.testing.assert_close(shifted[0], early[0])
    assert not torch.allclose(early[0], early[1])


def test_only_distances_and_volume_change(head: RangeHead, room: RoomEstimate) -> None:
    heard = Heard((EVENT, Evidence(0.0, 0.9, "rain", -90.0, 0.0, 4.0, 0.6)), room, "full")
    again = listen_again(head, heard, SIGNALS, None)
    for before, after in zip(heard.events, again.events, strict=True):
        assert after.distance_m != before.distance_m
        assert after == Evidence(**{**vars(before), "distance_m": after.distance_m})
    assert again.room.volume_m3 != room.volume_m3
    assert again.room == RoomEstimate(**{**vars(room), "volume_m3": again.room.volume_m3})


def test_volume_weighs_events_by_their_precision(room: RoomEstimate) -> None:
    class Told(RangeHead):
        def forward(self, early: torch.Tensor, context: torch.Tensor):  # type: ignore[no-untyped-def]
            from spatial_lalm.model.ranging import Ranges

            return Ranges(torch.zeros(2), torch.tensor([3.0, 6.0]), torch.tensor([0.1, 0.2]))

    heard = Heard((EVENT, EVENT), room, "full")
    volume = listen_again(Told(4), heard, SIGNALS, QUALITY).room.volume_m3
    assert volume.value == pytest.approx(math.exp(0.8 * 3 + 0.2 * 6))
    assert volume.uncertainty == pytest.approx(volume.value * math.expm1(0.8 * 0.1 + 0.2 * 0.2))


def test_silence_stays_as_it_was_heard(head: RangeHead, room: RoomEstimate) -> None:
    heard = Heard((), room, "full")
    assert listen_again(head, heard, SIGNALS, None) is heard
    assert isinstance(heard.room.volume_m3, Estimate)
