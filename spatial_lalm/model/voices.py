"""Voices: from what was heard of a talker to numbers that tell one from another.

A talker's sound is listened to through a beam: the power, in every mel band, that first-order channels have in the
direction of a stretch of speech follows from the features that the encoder hears with, so no sound is needed. A small
time-delay network (x-vectors; Snyder et al., ICASSP 2018) reads it, and what it leaves are sums over frames: stretches
of one event add up, however many there are. The sums become an embedding, trained with additive angular margins
(ArcFace; Deng et al., CVPR 2019) to tell speakers apart in rooms (``train.voice_stage``). Whether two embeddings are
one voice is asked of a two-covariance model (a PLDA with full rank), see ``model.talkers``.

Legend: B stretches, T frames (50 Hz), F = 64 mel bands, C ambisonic channels, H width of the network, V = 1 + 2 H sums,
D width of an embedding.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as nnf

from spatial_lalm.audio.features import BANDS, FRAME_RATE, PAIRS
from spatial_lalm.errors import InputError
from spatial_lalm.model.hearing import FRAME_S, ON, Stretch

Floats = NDArray[np.floating[Any]]

SHIPPED = Path(__file__).parent.parent / "weights" / "voices" / "model.safetensors"
WIDTH, EMBEDDING, KEPT = 128, 64, 32
STRIDE = 2
PER_FRAME = round(FRAME_RATE * FRAME_S)
"""Frames of features in one of 100 ms."""
DEEPEST, SPREAD = 12.0, 3.0
"""Nepers under a stretch's loudest moment and band at which sound ends, and by which levels are scaled."""
BESIDE = 0.3
"""Weight of moments in which another talker is heard too: a beam of first order keeps little of that out."""
SHORTEST_S = 0.05
"""Voices are never told from less: keeps the variance of nothing finite."""
_BEAM = 3.0
"""Of a first-order beam of the highest directivity: W and three times the figure of eight, of a fourth of the sum."""


@dataclass(frozen=True)
class Voice:
    """What is known of a talker: an embedding ``(D,)`` and its error's variance, the same in every dimension."""

    embedding: Floats
    variance: float


def beam_spectrum(features_MTF: Tensor, direction: Floats, quality_CF: Floats) -> Tensor:
    """Natural log-mel power ``(T, F)`` of the beam towards ``direction (3,)``, 1 for a plane wave from there.

    ``features_MTF`` stacks log energy and the spatial maps (``audio.features``). Bands in which a channel cannot be
    trusted are heard with a wider beam, and those with W alone by W.
    """
    unit = np.asarray(direction, np.float64) / max(float(np.linalg.norm(direction)), 1e-9)
    eights = _BEAM * np.asarray(quality_CF, np.float64)[1:4] * unit[[1, 2, 0], None]
    gains = np.concatenate([np.ones((1, BANDS)), eights]) / (1 + (eights * unit[[1, 2, 0], None]).sum(0))
    pairs = np.stack([gains[i] * gains[j] * (1 if i == j else 2) for i, j in PAIRS])
    power = torch.einsum("ptf,pf->tf", features_MTF[1 : 1 + len(PAIRS)], torch.from_numpy(pairs).float())
    return features_MTF[0] + power.clamp_min(1e-5).log()


class VoiceNet(nn.Module):
    """Time-delay layers over a beam's spectrum, sums over its frames, and an embedding of the sums.

    An embedding is the direction of what is read from the sums, in the space (``project``) in which voices are normal
    with variances ``between (D,)``; ``errors`` are the variances of what differs when a voice is heard again, and of
    one second of it.
    """

    between: Tensor
    errors: Tensor

    def __init__(self, width: int = WIDTH, embedding: int = EMBEDDING, kept: int = KEPT) -> None:
        super().__init__()
        self.width, self.sums_width = width, 1 + 2 * width
        layers: list[nn.Module] = []
        for maps, kernel, stride, dilation in (
            (BANDS, 5, STRIDE, 1),
            (width, 3, 1, 1),
            (width, 3, 1, 2),
            (width, 1, 1, 1),
        ):
            reach = (kernel - 1) // 2 * dilation
            layers += [nn.Conv1d(maps, width, kernel, stride, reach, dilation, bias=False),
                       nn.BatchNorm1d(width), nn.ReLU()]  # fmt: skip
        self.layers = nn.Sequential(*layers)
        self.gate = nn.Conv1d(width, 1, 1)
        self.readout = nn.Linear(2 * width, embedding)
        self.project = nn.Linear(embedding, kept)
        self.register_buffer("between", torch.ones(kept))
        self.register_buffer("errors", torch.ones(2))

    def sums(self, spectrum_BTF: Tensor, active_BT: Tensor) -> Tensor:
        """``(B, V)``: of the frames that are ``active`` (0 to 1) the weights, weighted values and their squares.

        The weights add up to the seconds from which a voice can be told.
        """
        active = active_BT[..., None]
        loudest = spectrum_BTF.masked_fill(active <= 0, -torch.inf).amax((1, 2), keepdim=True)
        level = torch.maximum(spectrum_BTF, loudest - DEEPEST)
        mean = (level * active).sum((1, 2), keepdim=True) / (BANDS * active.sum((1, 2), keepdim=True)).clamp_min(1e-6)
        frames = self.layers(((level - mean) / SPREAD).transpose(1, 2))
        weights = torch.sigmoid(self.gate(frames)) * active_BT[:, None, ::STRIDE] * (STRIDE / FRAME_RATE)
        return torch.cat([weights.sum(2), (weights * frames).sum(2), (weights * frames**2).sum(2)], dim=1)

    def pooled(self, sums_BV: Tensor) -> Tensor:
        """Mean and deviation over frames ``(B, 2 H)``."""
        mean, square = (sums_BV[:, 1:] / sums_BV[:, :1].clamp_min(1e-3)).split(self.width, dim=1)
        return torch.cat([mean, (square - mean**2).clamp_min(1e-6).sqrt()], dim=1)

    def forward(self, sums_BV: Tensor) -> Tensor:
        """Embeddings ``(B, D)``."""
        embedding: Tensor = self.project(nnf.normalize(self.readout(self.pooled(sums_BV))))
        return embedding

    @torch.inference_mode()
    def voice(self, sums_V: Floats) -> Voice:
        """The voice of one or more stretches, whose sums are added up."""
        embedding = self(torch.from_numpy(np.asarray(sums_V, np.float32))[None])[0].double().numpy()
        again, second = self.errors.tolist()
        return Voice(embedding, again + second / max(float(sums_V[0]), SHORTEST_S))

    @property
    def variances(self) -> Floats:
        """How voices vary, ``(D,)``."""
        variances: Floats = self.between.double().numpy()
        return variances

    @property
    def digest(self) -> str:
        """SHA-256 of the weights."""
        total = hashlib.sha256()
        for name, weights in sorted(self.state_dict().items()):
            total.update(name.encode())
            total.update(weights.contiguous().numpy().tobytes())
        return total.hexdigest()


def voice_sums(
    net: VoiceNet, features_WMTF: Tensor, quality_CF: Floats, spoken: Sequence[tuple[int, float, Stretch]]
) -> Floats:
    """Sums ``(B, V)`` of stretches of speech, each with the row of its window and the second at which that begins.

    What sounds beside another stretch of speech counts less.
    """
    if not spoken:
        return np.zeros((0, net.sums_width))
    frames = features_WMTF.shape[2]
    active = np.zeros((len(spoken), frames // PER_FRAME))
    for number, (_, start_s, stretch) in enumerate(spoken):
        heard = np.round((stretch.path[:, 0] - start_s) / FRAME_S).astype(int)
        active[number, heard[stretch.path[:, 5] > ON]] = 1.0
    rows = np.array([row for row, _, _ in spoken])
    beside = np.array([active[rows == row].sum(0) for row in rows]) > 1
    active[beside] *= BESIDE
    return np.stack([
        _sums_of(net, features_WMTF[row], stretch, quality_CF, own)
        for (row, _, stretch), own in zip(spoken, active, strict=True)
    ])  # fmt: skip


@torch.inference_mode()
def _sums_of(net: VoiceNet, features_MTF: Tensor, stretch: Stretch, quality_CF: Floats, active: Floats) -> Floats:
    """Sums ``(V,)`` of one stretch, of which nothing beyond its ends is looked at, as in training."""
    heard = np.flatnonzero(active)
    span = slice(heard[0], heard[-1] + 1)
    frames = slice(PER_FRAME * span.start, PER_FRAME * span.stop)
    beam = beam_spectrum(features_MTF[:, frames], stretch.direction, quality_CF)
    mask = torch.from_numpy(np.repeat(active[span], PER_FRAME)).float()
    sums: Floats = net.sums(beam[None], mask[None])[0].double().numpy()
    return sums


def load_voices(path: Path = SHIPPED) -> VoiceNet | None:
    """The shipped voices, or those of a file; None where there is no file. ``InputError`` for a broken one."""
    if not path.is_file():
        return None
    try:
        weights = load_file(path)
        net = VoiceNet(len(weights["gate.weight"][0]), *weights["project.weight"].shape[::-1])
        net.load_state_dict({name: values.float() if values.is_floating_point() else values
                             for name, values in weights.items()})  # fmt: skip
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(
            f"{path}: cannot be loaded as voices ({reason}); install the package again, or remove the file to tell "
            "talkers apart by direction alone"
        ) from None
    return net.eval()
