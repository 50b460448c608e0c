"""A convolutional recurrent network beside our encoder: same scenes, same loss, same steps, about the same size.

Usage: python benchmarks/crnn.py RUN [--out DIR]

RUN is the folder of ``spatial-lalm train``: its scenes for the encoder and the trained encoder are read. The network
is that of the DCASE baselines (SELDnet; Adavanne et al., 2019): three convolutions over log-mel and active intensity,
two bidirectional GRUs and two layers of self-attention, with our heads. Prints errors on the validation scenes, one
view each, and the CPU time that either takes.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from spatial_lalm.app.allocation import keep_freed_memory
from spatial_lalm.app.progress import Progress
from spatial_lalm.errors import InputError
from spatial_lalm.model.configuration import SpatialEncoderConfig
from spatial_lalm.model.encoder import STEP, EncoderOutput, SceneHeads, SpatialEncoder
from spatial_lalm.train.config import load_recipe
from spatial_lalm.train.data import FeatureSet
from spatial_lalm.train.encoder_stage import train_encoder, validate

CLASSIC_MAPS = 4
"""Of ``network_input``: log-mel of W and the active intensity."""
FILTERS = 96
"""Chosen for about our number of parameters."""
SHOWN = (
    ("angle_median", "one still source, median °"), ("angle_mean", "one still source, mean °"),
    ("two_median", "two sources, median °"), ("moving_median", "movers, median °"),
    ("array_median", "arrays, median °"),
    ("count_right", "number of sources, share right"), ("class_right", "class, share right"),
    ("distance_ratio", "distance, ratio error"), ("t60_s", "T60, s"), ("drr_db", "DRR, dB"), ("c50_db", "C50, dB"),
    ("volume_log2", "volume, octaves"),
)  # fmt: skip


class Crnn(nn.Module):
    """``(B, input_maps, T, F)`` to an ``EncoderOutput`` as our encoder's."""

    def __init__(self, config: SpatialEncoderConfig) -> None:
        super().__init__()
        size = config.hidden_size
        layers: list[nn.Module] = []
        for maps, pool in ((CLASSIC_MAPS, (STEP, 4)), (FILTERS, (1, 4)), (FILTERS, (1, 2))):
            convolution = nn.Conv2d(maps, FILTERS, 3, padding=1)
            layers += [convolution, nn.BatchNorm2d(FILTERS), nn.ReLU(), nn.MaxPool2d(pool), nn.Dropout(0.05)]
        self.stem = nn.Sequential(*layers)
        self.gru = nn.GRU(FILTERS * config.bands // 32, size, 2, batch_first=True, bidirectional=True, dropout=0.05)
        self.attention = nn.ModuleList(nn.MultiheadAttention(size, 8, dropout=0.05, batch_first=True) for _ in range(2))
        self.norms = nn.ModuleList(nn.LayerNorm(size) for _ in range(2))
        self.heads = SceneHeads(config)

    def forward(self, input_features: Tensor) -> EncoderOutput:
        """See ``SpatialEncoder.forward``."""
        maps_BSTF = self.stem(input_features[:, :CLASSIC_MAPS].contiguous(memory_format=torch.channels_last))
        both, _ = self.gru(maps_BSTF.transpose(1, 2).flatten(2))
        forth, back = both.chunk(2, dim=-1)
        hidden_BTH = forth.tanh() * back.tanh()
        for attention, norm in zip(self.attention, self.norms, strict=True):
            hidden_BTH = norm(hidden_BTH + attention(hidden_BTH, hidden_BTH, hidden_BTH, need_weights=False)[0])
        output: EncoderOutput = self.heads(hidden_BTH)
        return output


def millions(network: nn.Module) -> float:
    """Parameters of what hears, the head for ranging left out."""
    return sum(p.numel() for name, p in network.named_parameters() if not name.startswith("range_head")) / 1e6


def seconds_a_clip(network: nn.Module, config: SpatialEncoderConfig) -> float:
    """Of four seconds, heard from one side."""
    maps = torch.zeros(8, config.input_maps, 200, config.bands)
    with torch.inference_mode():
        network(maps)
        began = time.process_time()
        for _ in range(3):
            network(maps)
    return (time.process_time() - began) / 24


def main() -> None:
    """Train, validate, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("--recipe", default="arrays", help="the recipe of the run (default: arrays)")
    parser.add_argument("--out", type=Path, help="folder of the checkpoint (default: RUN/crnn); the same resumes it")
    args = parser.parse_args()
    scenes, trained = args.run / "scenes" / "encoder", args.run / "encoder" / "model"
    if not (trained / "config.json").is_file():
        raise InputError(f"{args.run}: holds no trained encoder; run spatial-lalm train first")
    keep_freed_memory()
    stage = load_recipe(args.recipe).encoder
    with Progress("steps") as progress:
        crnn = train_encoder(stage, scenes, args.out or args.run / "crnn", progress, Crnn)
    ours = SpatialEncoder.from_pretrained(trained, use_safetensors=True).eval()
    held_out = FeatureSet.open(scenes / "validation")
    reports = [validate(network, held_out) for network in (ours, crnn)]
    print("| | ours | CRNN |\n|---|---|---|")
    print(f"| parameters, millions | {millions(ours):.2f} | {millions(crnn):.2f} |")
    took = [seconds_a_clip(network, ours.config) for network in (ours, crnn)]
    print(f"| CPU time of four seconds, ours = 1 | 1 | {took[1] / took[0]:.2f} |")
    for name, words in SHOWN:
        print(f"| {words} | {reports[0][name]:.3g} | {reports[1][name]:.3g} |")


if __name__ == "__main__":
    main()
