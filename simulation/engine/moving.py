"""Sources and receivers on the move: a continuous direct sound, cross-faded reflections, one late field.

The direct sound is read from the dry signal through a delay that changes with every sample, so it has its Doppler shift
and no comb; its direction is told anew at every knot and cross-faded between them. Reflections are rendered at the same
knots and cross-faded. The late field does not depend on where in the room the two are, so one serves the whole way.

Legend: H knots, B octave bands, R rows of the receiver, T samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spatial_lalm.audio.arrays import SPEED_OF_SOUND
from spatial_lalm.audio.conventions import harmonic_terms
from spatial_lalm.simulation.engine.images import Images, image_sources
from spatial_lalm.simulation.engine.paths import Path
from spatial_lalm.simulation.engine.render import (
    band_split,
    early_size,
    fade_out,
    hear_images,
    late_part,
    received,
)

if TYPE_CHECKING:
    from spatial_lalm.simulation.receivers import Receiver

Floats = NDArray[np.floating[Any]]

STEP_S = 0.05
"""Time between knots: at 1 m/s a reflection's way changes by at most 10 cm in between."""
DIRECTION_TAPS = 512
"""Length of the responses by which a receiver tells directions; they are centred, so that nothing is cut."""
FINER = 4
MOVING_IMAGES_S = 0.05
"""Reflections are exact for this long after the direct sound; shorter than for what stands still, there being many."""
KNOTS_AT_ONCE = 16


def knot_count(samples: int, rate: int) -> int:
    """Knots that a dry signal needs: one every ``STEP_S`` from its first sample to beyond its last."""
    return int(np.ceil(samples / (STEP_S * rate))) + 1


def render_moving(
    dry: NDArray[np.float32],
    paths: Sequence[Path],
    receiver: Receiver,
    rate: int = 16_000,
    device: str | torch.device = "cpu",
) -> NDArray[np.float32]:
    """What a receiver hears of ``dry (T,)`` while source or receiver move along ``paths``, one for each knot.

    All paths share room, pattern and seed. Everything but the late field, one response, is computed on ``device``,
    which needs float64. Returns the receiver's rows ``(R, T + tail)``, an array's capsules after one
    of W. Raises ``ValueError`` for a wrong number of knots.
    """
    if len(paths) != knot_count(len(dry), rate):
        raise ValueError(f"{len(paths)} knots for {len(dry)} samples: {knot_count(len(dry), rate)} are needed")
    seam_s = max(path.direct_s for path in paths) + MOVING_IMAGES_S
    where = torch.device(device)
    reflections, direct = _early(paths, seam_s, receiver, rate, where)
    late, start = late_part(paths[0], seam_s, receiver, rate)
    late, sound = late.to(where), torch.from_numpy(dry).to(where)
    step = round(STEP_S * rate)
    wet = late.new_zeros(len(late), len(dry) + start + max(late.shape[1], reflections.shape[2]))
    _add(wet, faded_convolution(sound, reflections, step), 0)
    _add(wet, _convolution(sound, late), start)
    filters, lead = _direction_filters(direct, receiver, rate)
    _add(wet, faded_convolution(_delayed(sound, direct, rate), filters, step), -lead)
    return wet.cpu().numpy()


def _early(
    paths: Sequence[Path], seam_s: float, receiver: Receiver, rate: int, device: torch.device
) -> tuple[Tensor, Images]:
    """Reflections ``(H, R, taps)`` up to the seam, and the direct sound, of every knot; some knots at a time.

    A small room has thousands of images for each.
    """
    reflections, direct = [], []
    for start in range(0, len(paths), KNOTS_AT_ONCE):
        group = paths[start : start + KNOTS_AT_ONCE]
        images = image_sources(group, np.full(len(group), seam_s * SPEED_OF_SOUND), device)
        fade_out(images, np.full(len(group), seam_s))
        size = early_size(seam_s, rate)
        reflections.append(hear_images(images.only(~images.direct), len(group), receiver, size, rate))
        arrived = images.only(images.direct)
        direct.append(replace(arrived, owner=arrived.owner + start))
    return torch.cat(reflections), Images.joined(direct)


def _add(total: Tensor, part: Tensor, place: int) -> None:
    """Add ``part (R, t)`` into ``total (R, T)`` from a sample on, which may lie before the first."""
    part = part[:, max(0, -place) :][:, : total.shape[1] - max(0, place)]
    total[:, max(0, place) : max(0, place) + part.shape[1]] += part


def _convolution(signal: Tensor, response: Tensor) -> Tensor:
    """``(t,)`` with ``(R, taps)``, whole."""
    import scipy.fft

    length = len(signal) + response.shape[1] - 1
    size = scipy.fft.next_fast_len(length, real=True)
    spectrum = torch.fft.rfft(signal, size) * torch.fft.rfft(response, size)
    whole: Tensor = torch.fft.irfft(spectrum, size)[:, :length]
    return whole


def faded_convolution(signal: Tensor, responses: Tensor, step: int) -> Tensor:
    """``(t,)`` with responses ``(H, R, taps)`` that hold at samples 0, step, 2 step, …, cross-faded linearly.

    The signal is cut into triangular pieces around the knots, each goes through its own response: no clicks, and a
    response that stays the same gives the plain convolution. The last one holds on.
    """
    knots, rows, taps = responses.shape
    ramp = torch.arange(step, device=signal.device) / step
    triangle = torch.cat([ramp, 1 - ramp])
    knots = max(knots, int(np.ceil(len(signal) / step)) + 1)
    responses = torch.cat([responses, responses[-1:].expand(knots - len(responses), -1, -1)])
    padded = torch.nn.functional.pad(signal, (step, knots * step - len(signal)))
    pieces = padded.unfold(0, 2 * step, step) * triangle  # (H, 2 step)
    size = 2 ** int(np.ceil(np.log2(2 * step + taps)))
    out = signal.new_zeros(rows, (knots + 1) * step + size)
    for start in range(0, knots, 32):
        part = slice(start, start + 32)
        spectrum = torch.fft.rfft(pieces[part], size)[:, None] * torch.fft.rfft(responses[part], size)
        for number, piece in enumerate(torch.fft.irfft(spectrum, size), start=start):
            out[:, number * step : number * step + size] += piece
    return out[:, step:]


def _delayed(signal: Tensor, direct: Images, rate: int) -> Tensor:
    """The dry signal as it arrives ``(t,)``: delayed and weakened by a way that changes all the time."""
    knots = len(direct.distance)
    step = round(STEP_S * rate)
    longest = int(np.ceil(float(direct.distance.max()) * rate / SPEED_OF_SOUND))
    heard = band_split(signal, rate)
    moment = torch.arange(heard.shape[1] + longest + 1, dtype=torch.float64, device=signal.device)
    delay = direct.distance.double() * (rate / SPEED_OF_SOUND)
    arrival = torch.arange(knots, dtype=torch.float64, device=signal.device) * step + delay
    sent = np.interp(moment.cpu().numpy(), arrival.cpu().numpy(), np.arange(knots) * step * 1.0)
    when = torch.from_numpy(sent).to(signal.device)
    when += (moment - arrival[-1]).clamp(min=0) + (moment - arrival[0]).clamp(max=0)
    amplitude = _between(direct.amplitude, when / step)  # (t, B)
    return (_read(heard, when) * amplitude.T).sum(dim=0)


def _between(values: Tensor, position: Tensor) -> Tensor:
    """Rows of ``values (H, B)`` at fractional positions ``(t,)``, linearly."""
    low = position.floor().clamp(0, len(values) - 2).long()
    share = (position - low).clamp(0, 1)[:, None].float()
    return values[low] * (1 - share) + values[low + 1] * share


def _read(signals: Tensor, times: Tensor) -> Tensor:
    """Signals ``(B, T)`` at fractional samples ``(t,)``, silent outside: cubic Lagrange on a four times finer grid."""
    samples = signals.shape[1]
    spectrum = torch.fft.rfft(torch.nn.functional.pad(signals, (64, 64)))
    size = samples + 128
    finer = torch.fft.irfft(spectrum, FINER * size) * FINER
    place = (times + 64) * FINER
    inside = (times > -32) & (times < samples + 32)
    low = place.floor().clamp(1, FINER * size - 3).long()
    x = (place - low).float()
    out = signals.new_zeros(len(signals), len(times))
    for offset in (-1, 0, 1, 2):
        weight = torch.ones_like(x)
        for other in (-1, 0, 1, 2):
            if other != offset:
                weight = weight * (x - other) / (offset - other)
        out += finer[:, low + offset] * weight
    return out * inside


def _direction_filters(direct: Images, receiver: Receiver, rate: int) -> tuple[Tensor, int]:
    """How the receiver hears the direct sound at every knot ``(H, R, taps)``, and the tap at time zero."""
    harmonics = torch.stack(harmonic_terms(receiver.order, *direct.direction.unbind(1)), dim=1)[:, :, None]
    if receiver.array is None:
        return harmonics, 0
    flat = harmonics.to(torch.complex64).expand(-1, -1, DIRECTION_TAPS // 2 + 1)
    impulse = torch.fft.irfft(received(flat, receiver, rate), DIRECTION_TAPS)
    return impulse.roll(DIRECTION_TAPS // 2, dims=-1), DIRECTION_TAPS // 2
