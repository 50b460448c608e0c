"""Distance and volume from the early response around each heard sound, after the encoder has told when and where it is.

The encoder's frames see 40 ms at a time and know the reverberation well but the first reflections hardly; those tell
the volume, and with it the distance. So every event is listened to once more, at the resolution of a sample.

Legend: E events, B sounds, N context numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from spatial_lalm.audio.conventions import unit_vector
from spatial_lalm.audio.early import ARRIVALS, LAGS, MAPS, early_response
from spatial_lalm.audio.features import BANDS, RATE
from spatial_lalm.model.answers import Estimate, Evidence, RoomEstimate
from spatial_lalm.model.hearing import Heard

Samples = NDArray[np.float32]
Floats = NDArray[np.floating[Any]]

CONTEXT = 25
"""Numbers beside the early response: ten of the room (ln T60, six octaves' ln T60, ln volume, DRR / 10 dB, C50 /
10 dB), the logarithms of their uncertainties, the quality of Y, Z and X, ln distance, elevation in radians."""
ROOM = 20
"""Numbers of the room, the first ones."""
TIMES, VOLUME, CLARITY, DISTANCE = slice(0, 7), 7, 9, 23
"""Where some of them stand."""
_ORDER = [0, 1, 2, 3, 4, 5, 6, 9, 7, 8]
"""Outputs of the encoder's room head in the order of the context: the volume before DRR and C50."""
TAIL_S = 0.2
"""Seconds after an event that are listened to with it."""


class Ranges(NamedTuple):
    """Per sound ``(B,)``: ln distance (m), ln volume (m3) and the expected error of the latter (Laplace scale)."""

    log_distance: Tensor
    log_volume: Tensor
    volume_scale: Tensor


class RangeHead(nn.Module):
    """Convolutions over the lags of the early response, then a perceptron with what the encoder knows already."""

    def __init__(self, width: int, arrivals: bool = False) -> None:
        super().__init__()
        self.arrivals = arrivals
        widths = (MAPS + arrivals * ARRIVALS, width, width, 2 * width, 2 * width)
        strides = (1, 2, 2, 2)
        layers: list[nn.Module] = []
        for maps_in, maps_out, stride in zip(widths, widths[1:], strides, strict=False):
            layers += [
                nn.Conv1d(maps_in, maps_out, 5, stride, padding=2, bias=False), nn.BatchNorm1d(maps_out), nn.GELU()
            ]  # fmt: skip
        steps = -(-LAGS // math.prod(strides))
        self.lags = nn.Sequential(*layers, nn.Flatten(), nn.Linear(2 * width * steps, 3 * width))
        self.scaling = nn.BatchNorm1d(CONTEXT, affine=False)
        self.readout = nn.Sequential(
            nn.Dropout(0.3), nn.Linear(3 * width + CONTEXT, 4 * width), nn.GELU(),
            nn.Dropout(0.2), nn.Linear(4 * width, 4 * width), nn.GELU(),
            nn.Linear(4 * width, 3),
        )  # fmt: skip

    def forward(self, early: Tensor, context: Tensor) -> Ranges:
        """From ``early (B, MAPS (+ ARRIVALS), LAGS)`` of ``audio.early`` and ``context (B, N)`` of ``sounds_of``."""
        known = self.scaling(context).clamp(-5, 5)
        read = self.readout(torch.cat([self.lags(early), known], dim=1))
        return Ranges(read[:, 0] + 1.0, read[:, 1] + 4.5, (read[:, 2] - 0.5).clamp(-4, 2).exp())


def sounds_of(
    events: Sequence[Evidence],
    room: RoomEstimate,
    signals: Samples,
    quality: Samples,
    offset_s: float = 0.0,
    arrivals: bool = False,
) -> tuple[Tensor, Tensor]:
    """What ``RangeHead`` reads of events: early responses (see ``audio.early``) and contexts ``(E, N)``.

    ``signals (4, T)`` is AmbiX at 16 kHz and starts at ``offset_s``, ``quality`` is ``(4, bands)``.
    """
    trust = torch.tensor(np.asarray(quality, np.float32))[None]
    shared = np.concatenate([_room_numbers(room), np.asarray(quality)[1:].mean(axis=1)])
    early, contexts = [], []
    for event in events:
        first, last = (round((moment - offset_s) * RATE) for moment in (event.start_s, event.end_s + TAIL_S))
        sound = torch.from_numpy(np.ascontiguousarray(signals[:, max(0, first) : last]))[None]
        elevation = event.elevation_deg or 0.0
        towards = np.zeros(3) if event.azimuth_deg is None else unit_vector(event.azimuth_deg, elevation)
        # One by one: events differ in length, and a single sound's spectra stay in the cache.
        early.append(early_response(sound, torch.from_numpy(towards).float()[None], trust, arrivals)[0])
        contexts.append([*shared, math.log(event.distance_m), math.radians(elevation)])
    return torch.stack(early), torch.tensor(np.array(contexts), dtype=torch.float32)


def _room_numbers(room: RoomEstimate) -> Floats:
    """``(20,)``: the encoder's room outputs and the logarithms of their scales, as before they were put in units."""
    ratios = (room.t60_s, *room.t60_bands_s, room.volume_m3)
    decibels = (room.drr_db, room.c50_db)
    values = [*(math.log(r.value) for r in ratios), *(d.value / 10 for d in decibels)]
    scales = [*(math.log1p(r.uncertainty / r.value) for r in ratios), *(d.uncertainty / 10 for d in decibels)]
    return np.array([*values, *np.log(np.maximum(scales, 1e-3))])


def room_numbers(room_S10: Tensor, scale_S10: Tensor) -> Tensor:
    """The context's numbers of the room ``(S, 20)`` from the outputs of the encoder's room head."""
    scale = scale_S10.clamp(min=1e-3)
    scale = torch.cat([scale[:, :7].clamp(max=2.0), scale[:, 7:9], scale[:, 9:].clamp(max=2.0)], dim=1)  # as estimates
    return torch.cat([room_S10[:, _ORDER], scale[:, _ORDER].log()], dim=1)


@torch.inference_mode()
def listen_again(
    head: RangeHead, heard: Heard, signals: Samples, quality: Samples | None, offset_s: float = 0.0
) -> Heard:
    """The scene with its distances and its room's volume told by ``head``; signals as for ``sounds_of``."""
    if not heard.events:
        return heard
    trust = np.ones((4, BANDS), np.float32) if quality is None else quality
    ranges = head(*sounds_of(heard.events, heard.room, signals, trust, offset_s, head.arrivals))
    distances = ranges.log_distance.exp().tolist()
    events = tuple(replace(e, distance_m=d) for e, d in zip(heard.events, distances, strict=True))
    # Sounds of one room share their errors, so many of them make the volume no surer than their mean.
    weight = 1 / ranges.volume_scale**2
    volume = math.exp(float((weight * ranges.log_volume).sum() / weight.sum()))
    scale = float((weight * ranges.volume_scale).sum() / weight.sum())
    return replace(
        heard, events=events, room=replace(heard.room, volume_m3=Estimate(volume, volume * math.expm1(min(scale, 2.0))))
    )
