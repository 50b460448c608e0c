"""How well two stretches of speech are told to be of one voice, by their length: equal error rates.

``python benchmarks/voice_errors.py --audio DIR`` (``--quick``: one room). The held-out LibriSpeech talkers, one file
each, cut into stretches; all pairs are compared by ``model.talkers``. Clean, and in rooms (``conversations.Seats``: T60
0.2 to 0.7 s, 1 to 1.8 m, 25 dB above diffuse noise) through a beam towards the talker, all pairs of one room, half of
each talker's recording from another seat.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from conversations import RATE, SNR_DB, Floats, Samples, Seats, held_out_files, read

from spatial_lalm.audio.features import FRAME_RATE, spatial_features
from spatial_lalm.model.talkers import log_ratio
from spatial_lalm.model.voices import VoiceNet, beam_spectrum, load_voices
from spatial_lalm.simulation.excerpts import levelled

SECONDS = (1.0, 2.0, 3.0, 5.0)


def equal_error_rate(scores: Floats, same: Floats) -> float:
    """Where as many of the same are refused as others are taken."""
    order = np.argsort(-scores, kind="stable")
    refused, taken = 1 - np.cumsum(same[order]) / same.sum(), np.cumsum(~same[order]) / (~same).sum()
    nearest = int(np.abs(refused - taken).argmin())
    return float(refused[nearest] + taken[nearest]) / 2


def clean(said: dict[str, Samples]) -> Iterator[tuple[str, torch.Tensor]]:
    """Spectra ``(T, F)`` of the recordings as they are."""
    for name, samples in said.items():
        field = np.concatenate([samples[None], np.zeros((3, len(samples)), np.float32)])
        yield name, spatial_features(torch.from_numpy(field)[None])[0, 0]


def in_a_room(rng: np.random.Generator, said: dict[str, Samples]) -> Iterator[tuple[str, torch.Tensor]]:
    """Spectra of beams towards the talkers in one room, each talker's halves from two seats."""
    seats = Seats(rng, 8)
    for name, samples in said.items():
        pair = rng.choice(8, 2, replace=False)
        for half, seat in zip(np.array_split(samples, 2), pair.tolist(), strict=True):
            field = seats.sent(half, seat)[0][:, : len(half)]
            noise = rng.normal(0, 10 ** (-SNR_DB / 20), field.shape) / np.sqrt([[1], [3], [3], [3]])
            heard = torch.from_numpy((field + np.std(field[0]) * noise).astype(np.float32))
            maps = spatial_features(heard[None])[0]
            yield name, beam_spectrum(maps, seats.directions[seat], np.ones((4, maps.shape[-1])))


def compared(net: VoiceNet, spoken: list[tuple[str, torch.Tensor]], seconds: float) -> tuple[Floats, Floats]:
    """Ratios of all pairs of stretches of a length, and whether they are of one talker."""
    frames = round(seconds * FRAME_RATE)
    cuts = [(name, part) for name, spectrum in spoken for part in spectrum.split(frames) if len(part) == frames]
    with torch.inference_mode():
        sums = net.sums(torch.stack([part for _, part in cuts]), torch.ones(len(cuts), frames)).double().numpy()
    voices = [net.voice(one) for one in sums]
    embeddings, variances = np.stack([v.embedding for v in voices]), np.array([v.variance for v in voices])
    ratios = np.stack([log_ratio(embeddings, variances, voice, net.variances) for voice in voices])
    names = np.array([name for name, _ in cuts])
    upper = np.triu_indices(len(cuts), 1)
    return ratios[upper], (names[:, None] == names)[upper]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", type=Path, required=True, metavar="DIR", help="folder of corpora")
    parser.add_argument("--voices", type=Path, help="a file of voices (default: the shipped one)")
    parser.add_argument("--quick", action="store_true", help="one room")
    args = parser.parse_args()
    net = load_voices(args.voices) if args.voices else load_voices()
    if net is None or not (args.audio / "librispeech").is_dir():
        parser.error(f"no voices to measure, or no folder librispeech in {args.audio}")
    said = {name: levelled(read(path), RATE) for name, path in held_out_files(args.audio).items()}
    rooms = [list(in_a_room(np.random.default_rng(seed), said)) for seed in range(1 if args.quick else 4)]
    dry = list(clean(said))
    print(f"{len(said)} talkers\n\n| seconds | clean, % | in rooms, % | pairs of one talker |\n|---|---|---|---|")
    for seconds in SECONDS:
        alone = compared(net, dry, seconds)
        together = [np.concatenate(parts) for parts in zip(*(compared(net, r, seconds) for r in rooms), strict=True)]
        print(f"| {seconds:g} | {100 * equal_error_rate(*alone):.1f} | {100 * equal_error_rate(*together):.1f} "
              f"| {int(alone[1].sum())} / {int(together[1].sum())} |")  # fmt: skip


if __name__ == "__main__":
    main()
