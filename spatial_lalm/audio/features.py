"""Log-mel spectrum and mel-band spatial covariance of first-order ambisonics: what the encoder hears with.

The real part of the covariance of W, Y, Z, X in a mel band holds the active intensity (W with Y, Z, X), the energies
and how they spread over directions; divided by the energy it is free of the signal's level. A rotation of the sound
field acts on it as ``R C R^T``, so training rotates features instead of audio.

Legend: B batch, C = 4 ambisonic channels, P = 10 channel pairs, T frames (50 Hz), F = 64 mel bands.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

RATE = 16_000
WINDOW = 640
HOP = 320
FRAME_RATE = RATE / HOP
BANDS = 64
PAIRS: tuple[tuple[int, int], ...] = tuple((i, j) for i in range(4) for j in range(i, 4))
INPUT_MAPS = 1 + 9 + 3
"""Maps of ``network_input``: log-mel of W, nine covariances relative to the energy, the quality of Y, Z and X."""
_FLOOR = 1e-10


@lru_cache
def mel_filters(bands: int = BANDS, window: int = WINDOW, rate: int = RATE) -> Tensor:
    """Triangular HTK-mel filters ``(bins, bands)`` from 0 Hz to half the rate, each summing to one."""

    def mel(hertz: Tensor) -> Tensor:
        return 2595.0 * torch.log10(1.0 + hertz / 700.0)

    bins = mel(torch.linspace(0, rate / 2, window // 2 + 1))
    edges = torch.linspace(0, float(mel(torch.tensor(rate / 2))), bands + 2)
    width = edges[1] - edges[0]
    filters = (1 - (bins[:, None] - edges[None, 1:-1]).abs() / width).clamp_min(0)
    return filters / filters.sum(0, keepdim=True)


def spatial_covariance(signals_BCT: Tensor) -> tuple[Tensor, Tensor]:
    """Log energy ``(B, T, F)`` (natural, of the trace) and relative covariance ``(B, P, T, F)`` of FOA at 16 kHz.

    ``signals_BCT`` is ``(B, 4, samples)`` in ACN/SN3D; frames are ``samples // HOP``, centred on ``(t + 1/2) HOP``.
    Pairs follow ``PAIRS``. A plane wave from direction d has W-Y, W-Z, W-X of d / 2, its trace is normalised to one.
    """
    batch, channels, samples = signals_BCT.shape
    padded = torch.nn.functional.pad(signals_BCT, ((WINDOW - HOP) // 2, (WINDOW - HOP) // 2))
    window = torch.hann_window(WINDOW, device=signals_BCT.device)
    spectrum = torch.stft(
        padded.reshape(batch * channels, -1), WINDOW, HOP, window=window, center=False, return_complex=True
    ).reshape(batch, channels, WINDOW // 2 + 1, samples // HOP)
    real, imag = spectrum.real, spectrum.imag
    filters = mel_filters().to(signals_BCT.device)
    pairs = torch.stack([real[:, i] * real[:, j] + imag[:, i] * imag[:, j] for i, j in PAIRS], dim=1)
    covariance = pairs.transpose(2, 3) @ filters
    energy = _trace(covariance) + _FLOOR
    return energy.log(), covariance / energy[:, None]


def _trace(pairs_BPTF: Tensor) -> Tensor:
    """Sum ``(B, T, F)`` over the pairs of a channel with itself."""
    w, y, z, x = (pairs_BPTF[:, p] for p, (i, j) in enumerate(PAIRS) if i == j)
    return w + y + z + x


def pair_rotation(rotation_B33: Tensor) -> Tensor:
    """Matrices ``(B, P, P)`` that act on covariance pairs as rotations or reflections ``(B, 3, 3)`` act on directions.

    The rotation is of x, y, z; ambisonic channels 1 to 3 are y, z, x.
    """
    axes = [1, 2, 0]
    turn = torch.zeros(len(rotation_B33), 4, 4, dtype=rotation_B33.dtype, device=rotation_B33.device)
    turn[:, 0, 0] = 1
    turn[:, 1:, 1:] = rotation_B33[:, axes][:, :, axes]
    rows = []
    for i, j in PAIRS:
        outer = turn[:, i, :, None] * turn[:, j, None, :]
        rows.append(torch.stack([outer[:, k, m] + (outer[:, m, k] if k != m else 0) for k, m in PAIRS], dim=1))
    return torch.stack(rows, dim=1)


def network_input(log_energy_BTF: Tensor, covariance_BPTF: Tensor, quality_BCF: Tensor) -> Tensor:
    """The encoder's input ``(B, INPUT_MAPS, T, F)``.

    ``quality_BCF`` in [0, 1] says how far each ambisonic channel can be trusted in each band. Distrusted channels fade
    out of the covariance, which is then relative to the energy that is left, so an array that is blind in a band looks
    like ideal ambisonics with that channel dropped.
    """
    trust = torch.stack([quality_BCF[:, i] * quality_BCF[:, j] for i, j in PAIRS], dim=1)[:, :, None]
    faded = covariance_BPTF * trust
    energy = _trace(faded) + 1e-6
    log_w = log_energy_BTF + (covariance_BPTF[:, 0] + 1e-6).log()
    loudness = log_w.amax(dim=(1, 2), keepdim=True)
    log_mel = (torch.maximum(log_w, loudness - 16.0) - loudness) / 4.0 + 1.5
    constant = quality_BCF[:, 1:, None].expand(-1, -1, log_w.shape[1], -1)
    return torch.cat([log_mel[:, None], 2 * faded[:, 1:] / energy[:, None], constant], dim=1)
