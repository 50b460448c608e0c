"""Voices: the network of ``model.voices`` and what its embeddings say, learned from single talkers' read speech.

``python -m spatial_lalm.train.voice_stage SOURCES.csv OUT`` trains on the speech of the list's split ``train`` whose
speaker is known and writes ``OUT/model.safetensors``; a killed run goes on. Nothing is rendered: rooms are put on mel
power (``voice_augmentation``), afresh for every batch. Speech that is played faster or slower counts as other speakers.

Then, the network as it is: linear discriminants over clips of these speakers (Fisher) make the space in which voices
are compared; how far voices are apart in it, and the errors of an embedding, are those that make log-likelihood ratios
cost least (Cllr; Brümmer & du Preez, Computer Speech & Language 20, 2006) between speakers held back from training.

Legend: S speakers, B clips, T frames, F mel bands, D embedding, K kept dimensions.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.linalg
import scipy.optimize
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as nnf

from spatial_lalm.audio.features import RATE, spatial_features
from spatial_lalm.errors import InputError
from spatial_lalm.model.talkers import log_ratio
from spatial_lalm.model.voices import EMBEDDING, KEPT, Voice, VoiceNet
from spatial_lalm.simulation.source_files import decode, read_list
from spatial_lalm.train.config import Optimisation
from spatial_lalm.train.loop import fit
from spatial_lalm.train.voice_augmentation import in_rooms, played

Floats = NDArray[np.floating[Any]]
Spoken = dict[str, Floats]
"""Log mel power ``(T, F)`` by speaker."""

PLAN = Optimisation(steps=1200, batch=64, learning_rate=2e-3, weight_decay=0.05, warm_up=60, clip=5.0,
                    checkpoint_every=200, bfloat16=False)  # fmt: skip
SPEEDS = (0.87, 1.0, 1.15)
HELD_BACK = 25
"""Speakers, the last by name, that the errors are told by."""
LEAD, SHORTEST, LONGEST = 20, 40, 180
"""Frames before a clip that its late field comes from, and of a clip."""
SCALE, MARGIN = 24.0, 0.2
"""Of the angular softmax; the margin grows over the first third of the steps."""
TAKES = 12
"""Clips of every speaker that the space and its errors are fitted to."""
LEAST = 0.05
"""Errors are never told to be less: few speakers tell them."""
SHRINKAGE = 0.5
"""Share of their mean that the within-speaker variances are drawn up by."""


def spoken_by(sources: Path, split: str) -> Spoken:
    """What each speaker of a list says; ``InputError`` where there are too few to learn from."""
    found: dict[str, list[Floats]] = {}
    for entry in read_list(sources, split):
        if entry.label == "speech" and entry.speaker and entry.rate >= RATE:  # less is half a voice
            found.setdefault(entry.speaker, []).append(dry_spectrum(decode(entry, RATE)))
    spoken = {name: np.concatenate(found[name]) for name in sorted(found)}
    spoken = {name: said for name, said in spoken.items() if len(said) >= LONGEST + LEAD}
    if len(spoken) < 2 * HELD_BACK:
        raise InputError(
            f"{sources}: {len(spoken)} speakers of split {split!r} say 4 s or more; {2 * HELD_BACK} are needed"
        )
    return spoken


def dry_spectrum(samples: NDArray[np.float32]) -> Floats:
    """Log mel power ``(T, F)`` of dry speech of unit power."""
    field = np.zeros((4, len(samples)), np.float32)
    field[0] = samples / np.sqrt(np.mean(samples**2) + 1e-12)
    return np.asarray(spatial_features(torch.from_numpy(field)[None])[0, 0].numpy())


class Trainee(nn.Module):
    """The network with what only training needs: normalised statistics and embeddings, and a direction per speaker."""

    def __init__(self, speakers: int) -> None:
        super().__init__()
        self.net = VoiceNet()
        self.pooled_norm = nn.BatchNorm1d(2 * self.net.width)
        self.embedding_norm = nn.BatchNorm1d(EMBEDDING, affine=False)
        self.speakers = nn.Parameter(0.1 * torch.randn(speakers, EMBEDDING))

    def forward(self, spectrum_BTF: Tensor) -> Tensor:
        """Cosines ``(B, S)`` between clips and speakers."""
        sums = self.net.sums(spectrum_BTF, torch.ones(spectrum_BTF.shape[:2]))
        embedding = self.embedding_norm(self.net.readout(self.pooled_norm(self.net.pooled(sums))))
        return nnf.normalize(embedding) @ nnf.normalize(self.speakers).T

    @torch.no_grad()
    def folded(self) -> VoiceNet:
        """The network with both normalisations in its readout."""
        before, after, readout = self.pooled_norm, self.embedding_norm, self.net.readout
        moments = before.running_mean, before.running_var, after.running_mean, after.running_var
        mean, variance, embedding_mean, embedding_variance = (torch.as_tensor(moment) for moment in moments)
        gain = before.weight / (variance + before.eps).sqrt()
        spread = (embedding_variance + after.eps).sqrt()
        shifted = readout.weight @ (before.bias - mean * gain) + readout.bias - embedding_mean
        readout.weight.copy_(readout.weight * gain / spread[:, None])
        readout.bias.copy_(shifted / spread)
        return self.net.eval()


def angular_loss(cosines_BS: Tensor, speaker_B: Tensor, margin: float) -> Tensor:
    """Cross-entropy whose right angle must be smaller by ``margin`` radians (ArcFace)."""
    right = cosines_BS.gather(1, speaker_B[:, None]).clamp(-1 + 1e-6, 1 - 1e-6)
    held = (right.acos() + margin).clamp(max=np.pi).cos()
    return nnf.cross_entropy(SCALE * cosines_BS.scatter(1, speaker_B[:, None], held), speaker_B)


def clips(rng: np.random.Generator, said: Sequence[Floats], frames: int, one_room: bool = False) -> Tensor:
    """A clip in a room of each of some talkers, log mel power ``(B, frames, F)``."""
    starts = [int(rng.integers(len(spectrum) - frames - LEAD + 1)) for spectrum in said]
    power = np.exp(np.stack([s[a : a + frames + LEAD] for s, a in zip(said, starts, strict=True)]).astype(np.float64))
    heard = in_rooms(rng, power, power[rng.permutation(len(power))], one_room)
    return torch.from_numpy(np.log(heard[:, LEAD:] + 1e-9)).float()


def train_voices(sources: Path, folder: Path, plan: Optimisation = PLAN) -> VoiceNet:
    """Train on a list's speech, with exact resume from ``folder``, and write ``folder/model.safetensors``."""
    spoken = spoken_by(sources, "train")
    names = list(spoken)
    learned, held_back = names[:-HELD_BACK], names[-HELD_BACK:]
    said = [played(spoken[name], speed) for name in learned for speed in SPEEDS]
    long_enough = [number for number, one in enumerate(said) if len(one) >= LONGEST + LEAD]
    torch.manual_seed(plan.seed)
    trainee = Trainee(len(said))

    def step_function(step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        rng = np.random.default_rng(generator.initial_seed())
        chosen = rng.choice(long_enough, plan.batch)
        speaker = torch.from_numpy(chosen)
        cosines = trainee(clips(rng, [said[number] for number in chosen], int(rng.integers(SHORTEST, LONGEST))))
        loss = angular_loss(cosines, speaker, MARGIN * min(1.0, 3 * step / plan.steps))
        return loss, {"right": float((cosines.argmax(1) == speaker).float().mean())}

    fit(trainee, plan, step_function, folder, progress=_tell)
    net = trainee.folded()
    fit_space(net, [spoken[name] for name in learned])
    fit_errors(net, [spoken[name] for name in held_back])
    weights = {name: v.half() if v.is_floating_point() else v for name, v in net.state_dict().items()}
    save_file({name: values.contiguous() for name, values in weights.items()}, folder / "model.safetensors")
    return net


@torch.inference_mode()
def _heard(
    net: VoiceNet, rng: np.random.Generator, said: Sequence[Floats], one_room: bool = False
) -> tuple[Floats, Floats]:
    """A clip of every speaker: directions of what is read of it ``(S, D)``, and seconds that it weighs ``(S,)``."""
    heard = clips(rng, said, int(rng.integers(SHORTEST, LONGEST)), one_room)
    sums = net.sums(heard, torch.ones(heard.shape[:2]))
    directions = nnf.normalize(net.readout(net.pooled(sums)))
    return directions.double().numpy(), sums[:, 0].double().numpy()


def fit_space(net: VoiceNet, said: Sequence[Floats]) -> None:
    """The dimensions in which voices differ most for how much they vary, scaled so that they vary by one."""
    rng = np.random.default_rng(1)
    takes = np.stack([_heard(net, rng, said)[0] for _ in range(TAKES)])
    mean = takes.mean((0, 1))
    off = (takes - takes.mean(0)).reshape(-1, takes.shape[-1])
    within = off.T @ off / len(off)
    within += SHRINKAGE * np.trace(within) / len(within) * np.eye(len(within))
    variances, axes = scipy.linalg.eigh(np.cov(takes.mean(0).T), within)
    kept = np.ascontiguousarray(axes[:, ::-1][:, :KEPT].T)
    with torch.no_grad():
        net.project.weight.copy_(torch.from_numpy(kept))
        net.project.bias.copy_(torch.from_numpy(-kept @ mean))
        net.between.copy_(torch.from_numpy(variances[::-1][:KEPT].copy()))


def fit_errors(net: VoiceNet, said: Sequence[Floats]) -> None:
    """How far voices are apart, and the errors of their embeddings, by speakers that the network never heard."""
    rng = np.random.default_rng(2)
    rooms = []
    for _ in range(TAKES):  # two clips of everybody in one room
        takes = [_heard(net, rng, said, one_room=True) for _ in range(2)]
        rooms.append([(net.project(torch.from_numpy(d).float()).detach().double().numpy(), s) for d, s in takes])
    between = net.between.double().numpy()

    def cost(logarithms: Floats) -> float:
        scale, again, second = np.maximum(np.exp(logarithms), LEAST)
        return float(np.mean([_cllr(one, other, scale * between, again, second) for one, other in rooms]))

    best = scipy.optimize.minimize(cost, np.log([1.0, 0.5, 0.5]), method="Nelder-Mead", options={"maxiter": 120}).x
    scale, *errors = np.maximum(np.exp(best), LEAST).tolist()
    with torch.no_grad():
        net.between.mul_(scale)
        net.errors.copy_(torch.tensor(errors))


def _cllr(
    one: tuple[Floats, Floats], other: tuple[Floats, Floats], between: Floats, again: float, second: float
) -> float:
    """Mean cost in bits of the ratios between all of one take and all of the other; 1 where they tell nothing."""
    variances, others = (again + second / seconds for _, seconds in (one, other))
    ratios = np.stack([log_ratio(one[0], variances, Voice(x, float(v)), between)
                       for x, v in zip(other[0], others, strict=True)])  # fmt: skip
    same = np.eye(len(ratios), dtype=bool)
    cost = np.logaddexp(0, -ratios[same]).mean() + np.logaddexp(0, ratios[~same]).mean()
    return float(cost / 2 / np.log(2))


def _tell(done: int, steps: int) -> None:
    if done % 100 == 0 or done == steps:
        print(f"{done} of {steps} steps", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train from the command line."""
    parser = argparse.ArgumentParser(prog="python -m spatial_lalm.train.voice_stage", description="Train voices.")
    parser.add_argument(
        "sources", type=Path, metavar="SOURCES.csv", help="list with the columns file,class,split,speaker"
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="folder of checkpoints and model.safetensors")
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    try:
        train_voices(args.sources, args.out)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(args.out / "model.safetensors")
    return 0


if __name__ == "__main__":
    sys.exit(main())
