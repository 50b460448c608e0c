"""Responses of many paths at once: exact images up to a mixing time, then the late field, into any receiver.

Legend: P paths, N images, B octave bands, C columns (a harmonic in a band), K harmonics, M channels, F bins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spatial_lalm.audio.arrays import SPEED_OF_SOUND
from spatial_lalm.audio.conventions import harmonic_terms
from spatial_lalm.simulation.acoustics import octave_masks
from spatial_lalm.simulation.engine.decay import SEAM_S, Decay, decay_of, high_pass_response, mixing_time
from spatial_lalm.simulation.engine.images import Images, image_sources
from spatial_lalm.simulation.engine.late import ambisonic_late, array_late
from spatial_lalm.simulation.engine.paths import Path
from spatial_lalm.simulation.engine.spreading import pulse_spectra

if TYPE_CHECKING:
    from spatial_lalm.simulation.receivers import Receiver

Floats = NDArray[np.floating[Any]]

BEFORE_S = 0.005
"""End of the period in which nothing can arrive, within ``RINGING_S``."""
RINGING_S = 0.05
"""Room after the last image for the high-pass and the receiver to ring."""
TOP_SHARE = 0.93
"""Share of the spectrum that is flat; the rest falls off, so that fractional delays ring shortly."""
GRID_VALUES = 8_000_000
"""Values of the spreading grid at a time (32 MB)."""


@dataclass(frozen=True)
class Response:
    """An impulse response.

    ``taps (channels, T)`` of the receiver, what an omni microphone in its place hears, ``omni (T,)``, the sample
    (fractional) at which the direct sound arrives there, and what it alone is of that, ``direct (T,)``.
    """

    taps: NDArray[np.float32]
    omni: NDArray[np.float32]
    direct_sample: float
    direct: NDArray[np.float32]


def render_responses(
    paths: Sequence[Path],
    receiver: Receiver,
    rate: int = 16_000,
    full: bool = False,
    device: str | torch.device = "cpu",
) -> list[Response]:
    """Responses of ``paths`` into one kind of receiver.

    The amplitude is 1 / distance; the direct sound arrives at distance / c, with no further latency. ``full`` renders
    images to the end and no diffuse field (the image-source model as published: exact, slow, and metallic).
    """
    where = torch.device(device)
    seam = np.array([mixing_time(path) for path in paths])
    decay = decay_of(paths, seam - SEAM_S)
    early, direct = _early(paths, receiver, rate, decay.end_s if full else seam, full, where)
    ends = [round(end_s * rate) + round(RINGING_S * rate) for end_s in decay.end_s]
    if full:
        return [response_of(path, early[i], direct[i], ends[i], rate, receiver) for i, path in enumerate(paths)]
    late = _late(paths, decay, receiver, rate, where)
    return [
        response_of(path, _joined(early[i], late[i], decay, i, rate), direct[i], ends[i], rate, receiver)
        for i, path in enumerate(paths)
    ]


def _late(paths: Sequence[Path], decay: Decay, receiver: Receiver, rate: int, device: torch.device) -> Tensor:
    """Late fields ``(P, R, T)`` that fade in from the start of the decay on."""
    if receiver.array is None:
        late = ambisonic_late(paths, decay, receiver.order, rate, device)
    else:
        late = array_late(receiver, paths, decay, rate, device)
    return late * torch.sin(torch.pi / 2 * (torch.arange(late.shape[2], device=device) / (SEAM_S * rate)).clamp(max=1))


def late_part(path: Path, seam_s: float, receiver: Receiver, rate: int) -> tuple[Tensor, int]:
    """The late field ``(R, T)`` of a path whose images go at ``seam_s``, and the sample at which it begins."""
    decay = decay_of([path], np.array([seam_s - SEAM_S]))
    return _late([path], decay, receiver, rate, torch.device("cpu"))[0], round((seam_s - SEAM_S) * rate)


def _joined(early: Tensor, late: Tensor, decay: Decay, row: int, rate: int) -> Tensor:
    """Early and late part ``(R, T)`` of one path on one time axis."""
    start = round(decay.seam_s[row] * rate)
    samples = round(decay.end_s[row] * rate)
    whole = early.new_zeros(early.shape[0], max(samples + round(RINGING_S * rate), early.shape[1]))
    whole[:, : early.shape[1]] = early
    count = min(late.shape[1], samples - start)  # a batch is rendered as long as its longest
    whole[:, start : start + count] += late[:, :count]
    return whole


def response_of(path: Path, rows: Tensor, direct: Tensor, samples: int, rate: int, receiver: Receiver) -> Response:
    """Rows ``(R, T)`` and their direct sound ``(t,)`` to a response of so many samples.

    An array's first row is the omni microphone beside its capsules.
    """
    values = rows[:, :samples].cpu().numpy()
    taps, omni = values if receiver.array is None else values[1:], np.ascontiguousarray(values[0])
    alone = np.zeros_like(omni)
    alone[: len(direct)] = direct[: len(omni)].cpu().numpy()
    return Response(np.ascontiguousarray(taps), omni, path.direct_s * rate, alone)


# ---------------------------------------------------------------- early part


def _early(
    paths: Sequence[Path], receiver: Receiver, rate: int, until_s: Floats, full: bool, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Image sources as heard, ``(P, R, T)``, and the direct sound in W alone ``(P, T)``.

    The R rows are the receiver's channels, an array's after one of W.
    """
    images = image_sources(paths, until_s * SPEED_OF_SOUND, device)
    if not full:
        fade_out(images, until_s)
    size = early_size(float(until_s.max()), rate)
    return hear_images(images, len(paths), receiver, size, rate), direct_sound(images, size, rate)


def early_size(until_s: float, rate: int) -> int:
    """Samples of a period that holds images up to ``until_s`` seconds and their ringing; a power of two."""
    return int(2 ** np.ceil(np.log2((until_s + RINGING_S) * rate)))


def fade_out(images: Images, until_s: Floats) -> None:
    """Let images go, in place, as the late field comes in, but never the direct sound."""
    end = torch.as_tensor(until_s, dtype=torch.float32, device=images.owner.device)[images.owner]
    left = (end - images.distance / SPEED_OF_SOUND) / SEAM_S
    images.amplitude.mul_(torch.sin(torch.pi / 2 * left.clamp(0.0, 1.0))[:, None])


def hear_images(images: Images, paths: int, receiver: Receiver, size: int, rate: int) -> Tensor:
    """Image sources of ``paths`` paths as a receiver hears them, ``(P, R, size)``, an array's rows after one of W."""
    columns = _columns(receiver.degrees)
    step = max(1, GRID_VALUES // (2 * size * len(columns)))
    starts = range(0, paths, step)
    return torch.cat(
        [_hear(images, range(start, min(start + step, paths)), receiver, columns, size, rate) for start in starts]
    )


def direct_sound(images: Images, size: int, rate: int) -> Tensor:
    """The direct sounds among images as W hears them, ``(P, size)``: one pulse each, by its exact spectrum."""
    direct = images.only(images.direct)
    filters = _band_filters(size, rate, direct.distance.device)
    turns = torch.arange(filters.shape[1], device=filters.device, dtype=torch.float64) / size
    phase = -2 * torch.pi * (direct.distance.double()[:, None] * (rate / SPEED_OF_SOUND) * turns).remainder(1.0).float()
    spectra = (direct.amplitude.to(filters.dtype) @ filters) * torch.polar(torch.ones_like(phase), phase)
    heard: Tensor = torch.fft.irfft(spectra, size)
    heard[:, size - round(BEFORE_S * rate) :] = 0.0
    return heard


def _columns(degrees: tuple[int, ...]) -> NDArray[np.int64]:
    """Pairs of harmonic and band ``(C, 2)``: in every band the harmonics up to its degree."""
    return np.array([(k, band) for band, degree in enumerate(degrees) for k in range((degree + 1) ** 2)])


def _hear(images: Images, rows: range, receiver: Receiver, columns: NDArray[np.int64], size: int, rate: int) -> Tensor:
    mine = images.only((images.owner >= rows.start) & (images.owner < rows.stop))
    harmonics = torch.stack(harmonic_terms(receiver.order, *mine.direction.unbind(1)), dim=1)
    harmonic, band = torch.as_tensor(columns.T, device=harmonics.device)
    weights = harmonics[:, harmonic] * mine.amplitude[:, band]
    times = mine.distance * (rate / SPEED_OF_SOUND)
    spectra = pulse_spectra(times, weights, mine.owner - rows.start, len(rows), size)
    spectra *= _band_filters(size, rate, spectra.device)[band]
    mixed = spectra.new_zeros(len(rows), harmonics.shape[1], spectra.shape[2]).index_add_(1, harmonic, spectra)
    heard: Tensor = torch.fft.irfft(received(mixed, receiver, rate), size)
    # What rings before time zero, of sources at the receiver, has come round to the period's end.
    heard[..., size - round(BEFORE_S * rate) :] = 0.0
    return heard


def received(harmonics: Tensor, receiver: Receiver, rate: int) -> Tensor:
    """Spectra ``(P, R, F)`` of a receiver's rows from spectra ``(P, K, F)`` of the sound field's harmonics."""
    response = receiver.response(harmonics.shape[2], rate)
    if response is None:
        return harmonics
    heard = torch.einsum("mkf,pkf->pmf", torch.tensor(response, device=harmonics.device), harmonics)
    return torch.cat([harmonics[:, :1], heard], dim=1)


@lru_cache(maxsize=16)
def _band_filters(size: int, rate: int, device: torch.device) -> Tensor:
    """Octave bands that add up to one, with the high-pass and the fall-off at the top, ``(B, F)`` complex."""
    hertz = np.linspace(0, rate / 2, size // 2 + 1)
    shares = octave_masks(len(hertz), rate) ** 2
    top = np.clip((1 - hertz / (rate / 2)) / (1 - TOP_SHARE), 0, 1)
    filters = shares * high_pass_response(hertz) * np.sin(np.pi / 2 * top) ** 2
    return torch.as_tensor(filters, dtype=torch.complex64, device=device)


def band_split(signal: Tensor, rate: int) -> Tensor:
    """A dry signal ``(T,)`` in octave bands ``(B, T + ringing)`` that add up to what images carry of it."""
    samples = len(signal) + round(RINGING_S * rate)
    size = int(2 ** np.ceil(np.log2(samples)))  # few sizes, as the filters of each are kept
    spectrum = torch.fft.rfft(signal, size) * _band_filters(size, rate, signal.device)
    bands: Tensor = torch.fft.irfft(spectrum, size)[:, :samples]
    return bands
