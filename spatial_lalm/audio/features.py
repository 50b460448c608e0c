"""Log-mel spectrum and mel-band spatial moments of ambisonics: what the encoder hears with.

First order gives the real part of the covariance of W, Y, Z, X in a mel band: the active intensity (W with Y, Z, X),
the energies and how they spread over directions. Second order adds the moments of degree 3 and 4 of the power over
direction: a plane wave from d has Y_3m(d) and Y_4m(d) there, a diffuse field zeros. All is divided by the first-order
energy, so it is free of the signal's level. A rotation of the sound field acts on the maps by a matrix, so training
rotates features instead of audio.

Legend: B batch, C = 4 or 9 ambisonic channels, P = 10 channel pairs, S = 10 or 26 spatial maps, T frames (50 Hz),
F = 64 mel bands.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from spatial_lalm.audio.conventions import harmonic_terms

RATE = 16_000
WINDOW = 640
HOP = 320
FRAME_RATE = RATE / HOP
BANDS = 64
PAIRS: tuple[tuple[int, int], ...] = tuple((i, j) for i in range(4) for j in range(i, 4))
DEGREES = (3, 4)
"""Degrees of the moments that second order adds."""
_SECOND_PAIRS = (
    tuple((i, j) for i in range(1, 4) for j in range(4, 9)),
    tuple((i, j) for i in range(4, 9) for j in range(i, 9)),
)
"""Channel pairs whose products hold the moments of each degree."""
SPATIAL_MAPS = {1: len(PAIRS), 2: len(PAIRS) + sum(2 * degree + 1 for degree in DEGREES)}
"""Spatial maps by ambisonic order."""
INPUT_MAPS = {1: 1 + 9 + 3, 2: 1 + 9 + 3 + 16 + 1}
"""Maps of ``network_input`` by order: log-mel of W, nine covariances relative to the energy, the quality of Y, Z and X;
then the moments of second order and its quality."""
HARDLY = 0.1
"""Trust in a channel over that in the best one from which it is listened to, fully from three times as much on."""
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


# ---------------------------------------------------------------- from sound to maps


def spatial_features(signals_BCT: Tensor, order: int = 1) -> Tensor:
    """Log energy and spatial maps stacked, ``(B, 1 + S, T, F)``, of ambisonics ``(B, 4 or 9, samples)`` at 16 kHz.

    With ``order=2`` the maps of second order are zero where the signals have only four channels.
    """
    energy, covariance = spatial_covariance(signals_BCT[:, :4])
    maps = [energy[:, None], covariance]
    if order == 2:
        moments = (
            higher_moments(signals_BCT, energy)
            if signals_BCT.shape[1] >= 9
            else covariance.new_zeros(len(covariance), SPATIAL_MAPS[2] - len(PAIRS), *covariance.shape[2:])
        )
        maps.append(moments)
    return torch.cat(maps, dim=1)


def spatial_covariance(signals_BCT: Tensor) -> tuple[Tensor, Tensor]:
    """Log energy ``(B, T, F)`` (natural, of the trace) and relative covariance ``(B, P, T, F)`` of FOA at 16 kHz.

    ``signals_BCT`` is ``(B, 4, samples)`` in ACN/SN3D; frames are ``samples // HOP``, centred on ``(t + 1/2) HOP``.
    Pairs follow ``PAIRS``. A plane wave from direction d has W-Y, W-Z, W-X of d / 2, its trace is normalised to one.
    """
    spectrum = _spectrum(signals_BCT)
    covariance = _products(spectrum, PAIRS).transpose(2, 3) @ mel_filters().to(signals_BCT.device)
    energy = _trace(covariance) + _FLOOR
    return energy.log(), covariance / energy[:, None]


def higher_moments(signals_BCT: Tensor, log_energy_BTF: Tensor) -> Tensor:
    """Moments of degree 3 and 4 of the power over direction, ``(B, 7 + 9, T, F)``, over the first-order energy."""
    spectrum = _spectrum(signals_BCT[:, :9])
    moments = torch.cat(
        [
            torch.einsum("dp,bpft->bdft", _projection(degree).to(spectrum.device), _products(spectrum, pairs))
            for degree, pairs in zip(DEGREES, _SECOND_PAIRS, strict=True)
        ],
        dim=1,
    )
    return moments.transpose(2, 3) @ mel_filters().to(signals_BCT.device) / log_energy_BTF.exp()[:, None]


def _spectrum(signals_BCT: Tensor) -> Tensor:
    """Complex short-time spectrum ``(B, C, bins, T)``."""
    batch, channels, samples = signals_BCT.shape
    padded = torch.nn.functional.pad(signals_BCT, ((WINDOW - HOP) // 2, (WINDOW - HOP) // 2))
    window = torch.hann_window(WINDOW, device=signals_BCT.device)
    return torch.stft(
        padded.reshape(batch * channels, -1), WINDOW, HOP, window=window, center=False, return_complex=True
    ).reshape(batch, channels, WINDOW // 2 + 1, samples // HOP)


def _products(spectrum: Tensor, pairs: tuple[tuple[int, int], ...]) -> Tensor:
    """Real parts of the cross-spectra of channel pairs, ``(B, pairs, bins, T)``."""
    real, imag = spectrum.real, spectrum.imag
    return torch.stack([real[:, i] * real[:, j] + imag[:, i] * imag[:, j] for i, j in pairs], dim=1)


def _trace(pairs_BPTF: Tensor) -> Tensor:
    """Sum ``(B, T, F)`` over the pairs of a channel with itself."""
    w, y, z, x = (pairs_BPTF[:, p] for p, (i, j) in enumerate(PAIRS) if i == j)
    return w + y + z + x


@lru_cache
def _sphere() -> Tensor:
    """Directions ``(D, 3)`` without symmetry, for fits that are exact."""
    directions = torch.randn(96, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.normalize(directions, dim=-1)


def _degree(degree: int, directions: Tensor) -> Tensor:
    """Harmonics of one degree ``(..., 2 degree + 1)`` of unit vectors ``(..., 3)``."""
    terms = harmonic_terms(degree, *directions.unbind(-1))[degree**2 :]
    return torch.stack(terms, dim=-1)


@lru_cache
def _projection(degree: int) -> Tensor:
    """Matrix from the products of a degree's channel pairs to the moments ``(2 degree + 1, pairs)``.

    Of all that give a plane wave its harmonics the one of least norm, which therefore commutes with rotations.
    """
    channels = torch.stack(harmonic_terms(2, *_sphere().unbind(-1)), dim=-1)
    pairs = _SECOND_PAIRS[DEGREES.index(degree)]
    products = torch.stack([channels[:, i] * channels[:, j] for i, j in pairs], dim=-1)
    projection: Tensor = torch.linalg.pinv(products, rtol=1e-9) @ _degree(degree, _sphere())
    return projection.T.float()


# ---------------------------------------------------------------- rotations


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


def map_rotation(rotation_B33: Tensor, order: int = 1) -> Tensor:
    """Matrices ``(B, S, S)`` that turn the spatial maps of an order, as ``pair_rotation`` turns those of the first."""
    pairs = pair_rotation(rotation_B33)
    if order == 1:
        return pairs
    turned = pairs.new_zeros(len(pairs), SPATIAL_MAPS[2], SPATIAL_MAPS[2])
    turned[:, : len(PAIRS), : len(PAIRS)] = pairs
    start = len(PAIRS)
    sphere = _sphere().to(rotation_B33.device)
    for degree in DEGREES:
        inverse = torch.linalg.pinv(_degree(degree, sphere))
        there = _degree(degree, sphere @ rotation_B33.double().transpose(1, 2))
        stop = start + 2 * degree + 1
        turned[:, start:stop, start:stop] = (inverse @ there).transpose(1, 2).to(pairs.dtype)
        start = stop
    return turned


# ---------------------------------------------------------------- what the network reads


def order_of_maps(spatial_maps: int) -> int:
    """The ambisonic order whose features have so many spatial maps."""
    return {maps: order for order, maps in SPATIAL_MAPS.items()}[spatial_maps]


def network_input(log_energy_BTF: Tensor, maps_BSTF: Tensor, quality_BCF: Tensor) -> Tensor:
    """The encoder's input ``(B, INPUT_MAPS, T, F)`` for spatial maps of first or second order.

    ``quality_BCF`` in [0, 1] says how far each ambisonic channel can be trusted in each band. Distrusted channels fade
    out of the covariance, which is then relative to the energy that is left, so an array that is blind in a band looks
    like ideal ambisonics with that channel dropped. Four channels of quality say that there is no second order.
    """
    heard = _fading(quality_BCF)
    trust = torch.stack([heard[:, i] * heard[:, j] for i, j in PAIRS], dim=1)[:, :, None]
    faded = maps_BSTF[:, : len(PAIRS)] * trust
    energy = _trace(faded) + 1e-6
    log_w = log_energy_BTF + (maps_BSTF[:, 0] + 1e-6).log()
    loudness = log_w.amax(dim=(1, 2), keepdim=True)
    log_mel = (torch.maximum(log_w, loudness - 16.0) - loudness) / 4.0 + 1.5
    constant = quality_BCF[:, 1:4, None].expand(-1, -1, log_w.shape[1], -1)
    first = torch.cat([log_mel[:, None], 2 * faded[:, 1:] / energy[:, None], constant], dim=1)
    if maps_BSTF.shape[1] == len(PAIRS):
        return first
    return torch.cat([first, _second_input(maps_BSTF[:, len(PAIRS) :], quality_BCF, energy)], dim=1)


def _fading(quality_BCF: Tensor) -> Tensor:
    """How much of W, Y, Z, X is listened to, ``(B, 4, F)``: those with a part of the best one's trust as much as it.

    Faded by its own trust each, a direction would be drawn towards the axis that is trusted most; those with less than
    ``HARDLY`` of the best one's still fade out.
    """
    directional = quality_BCF[:, 1:4]
    best = directional.amax(1, keepdim=True)
    share = directional / best.clamp_min(1e-6)
    return torch.cat([quality_BCF[:, :1], best * ((share - HARDLY) / (2 * HARDLY)).clamp(0, 1)], dim=1)


def _second_input(moments_BSTF: Tensor, quality_BCF: Tensor, energy_BTF: Tensor) -> Tensor:
    """Moments of second order, faded by how far it can be trusted, and that trust ``(B, 16 + 1, T, F)``."""
    first = quality_BCF[:, 1:4].mean(1)
    second = quality_BCF[:, 4:].mean(1) if quality_BCF.shape[1] > 4 else torch.zeros_like(first)
    trust = torch.stack([first * second] * 7 + [second * second] * 9, dim=1)[:, :, None]
    relative = 2 * moments_BSTF * trust / energy_BTF[:, None]
    return torch.cat([relative.clamp(-4, 4), second[:, None, None].expand(-1, 1, energy_BTF.shape[1], -1)], dim=1)
