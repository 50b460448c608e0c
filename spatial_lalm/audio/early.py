"""The early response of a room, heard blindly: what arrives in the first 50 ms after the direct sound, and from where.

A beam towards a source stands in for its dry sound. The cross-spectrum of another signal with the beam, over the beam's
power, is the least-squares filter from one to the other (Welch's estimate of a transfer function); its impulse response
shows the reflections that the beam's sound is followed by. Their times and density tell how large the room is, and with
the reverberation how far the source: the critical distance grows with the square root of the volume.

Legend: B sounds, C = 4 ambisonic channels, S = 4 signals made of them, F mel bands (of a quality) or frequency bins,
L lags.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as nnf

from spatial_lalm.audio.features import RATE, mel_filters

WINDOW = 4096
HOP = 1024
BEFORE, AFTER = 80, 800
"""Samples of lag before the direct sound (what is there is the estimate's own noise) and after it."""
BIN = 4
"""Samples of lag averaged into one: 0.25 ms."""
LAGS = (BEFORE + AFTER) // BIN
MAPS = 5
"""Maps of ``early_response``: the four signals and the cepstrum of W."""
ARRIVALS = 3
"""Maps that ``arrivals`` adds: where the sound of each lag comes from."""
BAND_HZ = (100.0, 7500.0)
_FLOOR = 1e-5
_REGULAR = 0.01


def source_axes(direction_B3: Tensor) -> Tensor:
    """Axes ``(B, 3, 3)`` seen from the source's direction: towards it, level across it, upwards across it.

    A zero direction (not known) has zero axes.
    """
    up = torch.tensor([0.0, 0.0, 1.0]).expand_as(direction_B3)
    level = nnf.normalize(torch.linalg.cross(up, direction_B3), dim=-1, eps=1e-4)
    return torch.stack([direction_B3, level, torch.linalg.cross(direction_B3, level)], dim=-2)


def early_response(signals_BCT: Tensor, direction_B3: Tensor, quality_BCF: Tensor, arrivals: bool = False) -> Tensor:
    """Maps of the early response around sources in unit directions ``(B, 3)`` (zero: not known).

    ``signals_BCT`` is first-order AmbiX (ACN/SN3D) at 16 kHz, silence appended to sounds of unequal length changes
    nothing; ``quality_BCF`` fades channels out where they cannot be trusted. ``(B, MAPS, LAGS)``: four maps are log
    energies relative to the direct sound, of W, the cardioid away from the source, the level and the upward dipole
    across it; the fifth is the cepstrum of W, where a reflection is a peak at its delay.

    ``arrivals`` adds ``ARRIVALS`` maps: the direction of each lag's sound, as cosines to the source, to its
    side (either one: a mirrored room is as large) and to what is above it. The floor's reflection comes from below, the
    more so the nearer the source.
    """
    spectra_BFCC = cross_spectra(signals_BCT, quality_BCF)
    towards, level, upwards = source_axes(direction_B3)[:, :, [1, 2, 0]].unbind(1)  # of channels Y Z X
    only_w = towards.new_zeros(len(towards), 1), towards.new_ones(len(towards), 1)
    beam = torch.cat([only_w[1], towards], dim=1)
    signals_BSC = torch.stack(
        [torch.cat(parts, dim=1) for parts in (
            (only_w[1], 0 * towards), (only_w[1], -towards), (only_w[0], level), (only_w[0], upwards),
        )], dim=1,
    )  # fmt: skip
    with_beam_BFC = torch.einsum("bfij,bj->bfi", spectra_BFCC, beam.to(spectra_BFCC.dtype))
    power = torch.einsum("bfi,bi->bf", with_beam_BFC.real, beam).clamp_min(0)
    power = power + _REGULAR * power.mean(-1, keepdim=True) + 1e-20
    crossed = torch.einsum("bsi,bfi->bsf", signals_BSC.to(spectra_BFCC.dtype), with_beam_BFC)
    response_BSL = _lags(torch.fft.irfft(crossed / power[:, None] * _band()))
    energy = response_BSL.square()
    direct = energy[..., :1, BEFORE - 8 : BEFORE + 8].amax(-1, keepdim=True) + 1e-12
    relative = (energy / direct).unflatten(-1, (LAGS, BIN)).mean(-1)
    own = spectra_BFCC[..., 0, 0].real
    cepstrum = _lags(torch.fft.irfft((own + 1e-3 * own.mean(-1, keepdim=True) + 1e-20).log()))
    peaks = cepstrum.abs().unflatten(-1, (LAGS, BIN)).amax(-1)
    maps = [(relative + _FLOOR).log() / 3 + 2, 10 * peaks[:, None]]
    return torch.cat([*maps, _arrivals(response_BSL)] if arrivals else maps, dim=1)


def _arrivals(response_BSL: Tensor) -> Tensor:
    """Cosines ``(B, 3, LAGS)`` between each lag's sound and the source, its side and what is above it.

    The beam hears a reflection too, at (1 + c) / 2 of its amplitude a where c is its cosine to the source, and takes
    that much of W and of the dipole towards the source away. Away from the source a (1 - c) is left of it, across the
    source a r with c^2 + r^2 = 1: the stereographic projection, which gives its direction in closed form.
    """
    _, away, level, upwards = (part.unflatten(-1, (LAGS, BIN)) for part in response_BSL.unbind(1))

    def smooth(products: Tensor) -> Tensor:
        return nnf.avg_pool1d(products.sum(-1), 3, 1, 1)

    behind, across = smooth(away.square()), smooth(level.square() + upwards.square())
    whole = behind + across + 1e-9
    return torch.stack(
        [(across - behind) / whole, 2 * smooth(away * level).abs() / whole, 2 * smooth(away * upwards) / whole], dim=1
    )


def cross_spectra(signals_BCT: Tensor, quality_BCF: Tensor) -> Tensor:
    """Cross-spectral matrices ``(B, WINDOW // 2 + 1, C, C)`` of whole sounds, channels faded by their quality."""
    batch, channels, _ = signals_BCT.shape
    loudest = signals_BCT[:, 0].abs().amax(-1).clamp_min(1e-9)[:, None, None]
    padded = nnf.pad(signals_BCT / loudest, (WINDOW // 2, WINDOW // 2 + HOP)).flatten(0, 1)
    spectrum = torch.stft(padded, WINDOW, HOP, window=torch.hann_window(WINDOW), center=False, return_complex=True)
    spectrum_BFCT = spectrum.unflatten(0, (batch, channels)).transpose(1, 2).contiguous()
    share = mel_filters(quality_BCF.shape[-1], WINDOW)
    fade = (quality_BCF @ (share / share.sum(1, keepdim=True).clamp_min(1e-9)).T).transpose(1, 2)
    matrices: Tensor = spectrum_BFCT @ spectrum_BFCT.mH
    return matrices * (fade[..., :, None] * fade[..., None, :])


def _band() -> Tensor:
    hertz = torch.fft.rfftfreq(WINDOW, 1 / RATE)
    gain: Tensor = ((hertz - BAND_HZ[0]) / 100).clamp(0, 1) * ((BAND_HZ[1] - hertz) / 500).clamp(0, 1)
    return gain


def _lags(response: Tensor) -> Tensor:
    """Lags from ``-BEFORE`` to ``AFTER`` samples of periodic responses ``(..., WINDOW)``."""
    return torch.cat([response[..., -BEFORE:], response[..., :AFTER]], dim=-1)
