"""The lowest level of the memory: a segment of frames becomes one room token, one token a track and some time slices.

The tokens are object-centred: a track's token holds what was pooled over the frames in which that track sounds, with
its direction, distance and times written as harmonics, so that a small language model can read numbers off them. Their
count follows from the length alone (2.5 tokens a second for 4 s segments), never from what was heard.

Legend: B segments, T frames (10 Hz), H hidden size, K tracks, L classes, Q tokens, N number features.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as nnf

FRAME_RATE = 10.0
_TIME_PERIODS_S = tuple(0.8 * 2**k for k in range(8))  # 0.8 to 102.4 s
_ANGLE_MULTIPLES = (1, 2, 4, 8, 16)
_LOG_PERIODS = tuple(0.15 * 2**k for k in range(7))  # of natural logarithms: 16 % to a factor of 15,000


@dataclass(frozen=True)
class SegmentSummary:
    """Tokens of segments before projection.

    ``hidden (B, Q, H)`` pooled frames and ``numbers (B, Q, N)`` readings; tokens are the room, K tracks, time slices.
    """

    hidden: Tensor
    numbers: Tensor


def summary_size(tracks: int, classes: int, room_outputs: int) -> int:
    """Width N of ``SegmentSummary.numbers``."""
    track = 2 * 2 * len(_ANGLE_MULTIPLES) + 1 + 2 * len(_LOG_PERIODS) + classes + 2 + 2 * 2 * len(_TIME_PERIODS_S)
    room = room_outputs * (2 + 2 * len(_LOG_PERIODS))
    return _shared_size() + max(track, room, tracks)


def _shared_size() -> int:
    """Numbers that every token carries: the time of its segment's start and the quality of Y, Z, X."""
    return 2 * len(_TIME_PERIODS_S) + 3


def harmonics(values: Tensor, periods: tuple[float, ...]) -> Tensor:
    """Sines and cosines ``(..., 2 * periods)`` of values ``(...)`` at several periods: coarse to fine digits."""
    phase = values[..., None] * (2 * math.pi / torch.tensor(periods, device=values.device))
    return torch.cat([phase.sin(), phase.cos()], dim=-1)


def pool_tracks(activity_BTK: Tensor, values_BTKN: Tensor) -> Tensor:
    """Mean of ``values`` over the frames in which a track sounds, weighted by its activity (logits): ``(B, K, N)``."""
    weight = activity_BTK.sigmoid() ** 2 + 1e-4  # squared, so that doubtful frames count little
    return torch.einsum("btk,btkn->bkn", weight / weight.sum(1, keepdim=True), values_BTKN)


def summarise(
    hidden_BTH: Tensor,
    activity_BTK: Tensor,
    direction_BTK3: Tensor,
    log_distance_BTK: Tensor,
    label_BTKL: Tensor,
    room_BR: Tensor,
    room_scale_BR: Tensor,
    start_B: Tensor,
    quality_B3: Tensor,
    slices: int,
) -> SegmentSummary:
    """Summarise segments of encoder output (see ``model.encoder.EncoderOutput`` for the meaning of the tensors).

    ``start_B`` is the time of each segment's start in seconds, ``quality_B3`` the mean quality of Y, Z and X.
    """
    tracks = activity_BTK.shape[2]
    weight_BTK = activity_BTK.sigmoid() ** 2 + 1e-4
    hidden_BKH = torch.einsum("btk,bth->bkh", weight_BTK / weight_BTK.sum(1, keepdim=True), hidden_BTH)
    hidden_BSH = nnf.adaptive_avg_pool1d(hidden_BTH.transpose(1, 2), slices).transpose(1, 2)
    hidden = torch.cat([hidden_BTH.mean(1, keepdim=True), hidden_BKH, hidden_BSH], dim=1)
    parts = [
        _room_numbers(room_BR, room_scale_BR)[:, None],
        _track_numbers(activity_BTK, direction_BTK3, log_distance_BTK, label_BTKL, start_B),
        nnf.adaptive_avg_pool1d(activity_BTK.sigmoid().transpose(1, 2), slices).transpose(1, 2),
    ]
    width = summary_size(tracks, label_BTKL.shape[-1], room_BR.shape[-1]) - _shared_size()
    own = torch.cat([nnf.pad(part, (0, width - part.shape[-1])) for part in parts], dim=1)
    shared = torch.cat([harmonics(start_B, _TIME_PERIODS_S), quality_B3], dim=-1)
    return SegmentSummary(hidden, torch.cat([shared[:, None].expand(-1, own.shape[1], -1), own], dim=-1))


def _room_numbers(room_BR: Tensor, scale_BR: Tensor) -> Tensor:
    """The room's estimates, their logarithmic scales and their harmonics, ``(B, R * (2 + 2 * periods))``."""
    return torch.cat([room_BR, scale_BR.log(), harmonics(room_BR, _LOG_PERIODS).flatten(1)], dim=-1)


def _track_numbers(
    activity_BTK: Tensor, direction_BTK3: Tensor, log_distance_BTK: Tensor, label_BTKL: Tensor, start_B: Tensor
) -> Tensor:
    """Direction, distance, class, presence and times of every track, ``(B, K, N)``."""
    direction = nnf.normalize(pool_tracks(activity_BTK, direction_BTK3), dim=-1, eps=1e-4)
    azimuth = torch.atan2(direction[..., 1], direction[..., 0])
    elevation = torch.asin(direction[..., 2].clamp(-1, 1))
    circles = tuple(2 * math.pi / m for m in _ANGLE_MULTIPLES)
    log_distance = pool_tracks(activity_BTK, log_distance_BTK[..., None])[..., 0]
    probability = activity_BTK.sigmoid()
    onset, offset = (start_B[:, None] + t for t in active_span(probability))
    return torch.cat(
        [
            harmonics(azimuth, circles),
            harmonics(elevation, circles),
            log_distance[..., None],
            harmonics(log_distance, _LOG_PERIODS),
            pool_tracks(activity_BTK, label_BTKL).softmax(-1),
            torch.stack([probability.amax(1), probability.mean(1)], dim=-1),
            harmonics(onset, _TIME_PERIODS_S),
            harmonics(offset, _TIME_PERIODS_S),
        ],
        dim=-1,
    )


def active_span(probability_BTK: Tensor, threshold: float = 0.5) -> tuple[Tensor, Tensor]:
    """First and last moment, in seconds from the segment's start, at which a track sounds: two ``(B, K)``.

    The whole segment where it never does, so that the reading stays in range; presence says how much to believe.
    """
    frames = probability_BTK.shape[1]
    sounding = probability_BTK > threshold
    index = torch.arange(frames, device=probability_BTK.device)[None, :, None]
    first = torch.where(sounding, index, frames).amin(1)
    last = torch.where(sounding, index + 1, 0).amax(1)
    silent = ~sounding.any(1)
    return first.masked_fill(silent, 0) / FRAME_RATE, last.masked_fill(silent, frames) / FRAME_RATE


@dataclass(frozen=True)
class TrackReadings:
    """What the track tokens of windows say.

    ``azimuth_deg`` and ``elevation_deg (B, K)``, ``classes (B, K, L)`` (shares) and ``presence (B, K)`` (most of it).
    """

    azimuth_deg: Tensor
    elevation_deg: Tensor
    classes: Tensor
    presence: Tensor


def track_readings(numbers_BQN: Tensor, tracks: int, classes: int) -> TrackReadings:
    """Numbers read back from ``SegmentSummary.numbers``, or from means of them over windows."""
    circle = len(_ANGLE_MULTIPLES)
    sizes = [circle] * 4 + [1 + 2 * len(_LOG_PERIODS), classes, 1]
    own_BKN = numbers_BQN[:, 1 : 1 + tracks, _shared_size() :]
    parts = own_BKN[..., : sum(sizes)].split(sizes, dim=-1)
    (sine_az, cosine_az, sine_el, cosine_el), shares, presence = parts[:4], parts[5], parts[6]
    azimuth, elevation = (
        torch.atan2(sine[..., 0], cosine[..., 0]).rad2deg()
        for sine, cosine in ((sine_az, cosine_az), (sine_el, cosine_el))
    )
    return TrackReadings(azimuth, elevation, shares, presence[..., 0])


def shifted(numbers_BQN: Tensor, later_s_B: Tensor, tracks: int, classes: int) -> Tensor:
    """``SegmentSummary.numbers`` of the same segments, heard so many seconds later."""
    digits = 2 * len(_TIME_PERIODS_S)
    before = _shared_size() + 2 * 2 * len(_ANGLE_MULTIPLES) + 1 + 2 * len(_LOG_PERIODS) + classes + 2
    moved = numbers_BQN.clone()
    moved[..., :digits] = _turned(numbers_BQN[..., :digits], later_s_B)
    for first in (before, before + digits):  # onset and offset
        moved[:, 1 : 1 + tracks, first : first + digits] = _turned(
            numbers_BQN[:, 1 : 1 + tracks, first : first + digits], later_s_B
        )
    return moved


def _turned(digits_BQN: Tensor, later_s_B: Tensor) -> Tensor:
    """Harmonics of times, of times that are later."""
    sine, cosine = digits_BQN.chunk(2, dim=-1)
    by_sine, by_cosine = harmonics(later_s_B, _TIME_PERIODS_S)[:, None].chunk(2, dim=-1)
    return torch.cat([sine * by_cosine + cosine * by_sine, cosine * by_cosine - sine * by_sine], dim=-1)
