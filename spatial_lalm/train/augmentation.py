"""What a batch of features goes through before the encoder sees it: rotations, blind channels and bands, colour, noise.

Legend: B batch, C ambisonic channels, S spatial maps (``audio.features``), T frames (50 Hz), F mel bands.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from spatial_lalm.audio.features import PAIRS, map_rotation, network_input, order_of_maps
from spatial_lalm.model.views import axis_views, turned_quality

FULL_SHARE = 0.7
"""Share of clips that keep all of first order; the others lose height, or all but left-right, or all, or bands."""
SECOND_SHARE = 0.4
"""Share of clips of second order that keep it, at least in some bands; only those that keep all of the first do."""


def random_rotations(batch: int, generator: torch.Generator) -> Tensor:
    """Uniform rotations and reflections ``(B, 3, 3)`` of the sphere (QR of Gaussian matrices, Mezzadri 2007)."""
    q, r = torch.linalg.qr(torch.randn(batch, 3, 3, generator=generator))
    rotation: Tensor = q * torch.sign(torch.diagonal(r, dim1=1, dim2=2))[:, None]
    return rotation


def random_quality(batch: int, bands: int, generator: torch.Generator, order: int = 1) -> Tensor:
    """Quality masks ``(B, 4 or 9, F)`` of receivers that hear less than their order everywhere.

    Seventy of a hundred have an ideal first order; the rest are a planar array (no Z), a pair (Y only), mono (W only),
    or an array that is blind below one band and above another. Second order, where it is there at all, begins at a band
    of its own.
    """
    quality = torch.ones(batch, 4, bands)
    kind = torch.rand(batch, generator=generator)
    low, high = torch.rand(2, batch, 1, generator=generator)
    band = torch.arange(bands) / bands
    ramp = ((band - 0.35 * low) * 12).clamp(0, 1) * ((0.55 + 0.5 * high - band) * 12).clamp(0, 1)
    limited = kind >= FULL_SHARE + 0.18
    quality[limited, 1:] = ramp[limited, None]
    planar = (kind >= FULL_SHARE) & (kind < FULL_SHARE + 0.06)
    pair = (kind >= FULL_SHARE + 0.06) & (kind < FULL_SHARE + 0.11)
    mono = (kind >= FULL_SHARE + 0.11) & (kind < FULL_SHARE + 0.18)
    quality[planar, 2] = 0
    quality[pair, 2:] = 0
    quality[mono, 1:] = 0
    if order == 1:
        return quality
    first, blind = torch.rand(2, batch, generator=generator)
    begins = torch.where(blind[:, None] < 0.3, 0.0, 0.6 * first[:, None])
    second = ((band - begins) * 12 + (begins == 0)).clamp(0, 1)
    second[(kind >= FULL_SHARE * SECOND_SHARE)] = 0
    return torch.cat([quality, second[:, None].expand(-1, 5, -1)], dim=1)


@dataclass(frozen=True)
class Degraded:
    """Features of another take.

    ``energy (B, T, F)``, ``maps (B, S, T, F)``, ``quality (B, 4 or 9, F)`` and the ``rotation (B, 3, 3)`` that the
    sound field went through.
    """

    energy: Tensor
    maps: Tensor
    quality: Tensor
    rotation: Tensor


def degrade(features_BMTF: Tensor, generator: torch.Generator, quality_BCF: Tensor | None = None) -> Degraded:
    """Turn, colour and dirty features that stack the log energy and the spatial maps (``audio.features``).

    Ideal sound fields are turned anyhow and get a random quality. Where the first order of ``quality_BCF`` is not one
    everywhere, an array has heard the scene: what it does not hear stays with its axes, so only turns that permute
    those are drawn.
    """
    batch, bands, order = features_BMTF.shape[0], features_BMTF.shape[-1], order_of_maps(features_BMTF.shape[1] - 1)
    rotation = random_rotations(batch, generator)
    quality = random_quality(batch, bands, generator, order)
    if quality_BCF is not None:
        encoded = (quality_BCF[:, :4] < 1).flatten(1).any(1)
        views = axis_views(16)[torch.randint(16, (batch,), generator=generator)]
        rotation = torch.where(encoded[:, None, None], views, rotation)
        quality = torch.where(encoded[:, None, None], turned_quality(quality_BCF, views), quality * quality_BCF)
    turned = torch.einsum("bqp,bptf->bqtf", map_rotation(rotation, order), features_BMTF[:, 1:])
    colour = torch.randn(batch, 1, 2, generator=generator) @ _smooth_shapes(bands)
    energy, turned = _add_noise(features_BMTF[:, 0] + colour, turned, generator)
    return Degraded(energy, turned, quality, rotation)


def augment(
    features_BMTF: Tensor, direction: Tensor, generator: torch.Generator, quality_BCF: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Network input ``(B, maps, T, F)`` and turned directions ``(B, ..., 3)`` for training the encoder."""
    take = degrade(features_BMTF, generator, quality_BCF)
    maps = network_input(take.energy, take.maps, take.quality)
    maps[:, 0] = _hide_stripes(maps[:, 0], generator)
    return maps, torch.einsum("bij,b...j->b...i", take.rotation, direction)


def _smooth_shapes(bands: int) -> Tensor:
    """Two slow curves over the bands ``(2, F)``: another microphone, another talker's effort."""
    position = torch.linspace(0, 1, bands)
    return 0.6 * torch.stack([torch.cos(torch.pi * position), torch.cos(2 * torch.pi * position)])


def _add_noise(energy: Tensor, maps: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Add isotropic noise 35 to 75 dB below the loudest bin.

    Its mean covariance is diag(1, 1/3, 1/3, 1/3) / 2, and it has no moments of higher degree.
    """
    level = energy.amax((1, 2), keepdim=True) - 8.0 - 9.2 * torch.rand(len(energy), 1, 1, generator=generator)
    share = torch.sigmoid(level - energy)[:, None]  # of the noise in the sum
    isotropic = torch.zeros(maps.shape[1])
    isotropic[: len(PAIRS)] = torch.tensor([(0.5 if i == 0 else 1 / 6) if i == j else 0.0 for i, j in PAIRS])
    mixed = maps * (1 - share) + isotropic[None, :, None, None] * share
    return torch.logaddexp(energy, level), mixed


def _hide_stripes(log_mel_BTF: Tensor, generator: torch.Generator, widest: int = 8) -> Tensor:
    """SpecAugment (Park et al., 2019) on the spectrum alone: a stripe of bands set to the mean; place stays visible."""
    batch, bands = log_mel_BTF.shape[0], log_mel_BTF.shape[2]
    start = torch.randint(0, bands, (batch, 1), generator=generator)
    width = torch.randint(0, widest + 1, (batch, 1), generator=generator)
    band = torch.arange(bands)
    hidden = (band >= start) & (band < start + width)
    return torch.where(hidden[:, None], log_mel_BTF.mean((1, 2), keepdim=True), log_mel_BTF)
