"""What a run of ``results.py`` does: its sizes, and the processor time that they take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spatial_lalm.evaluate.run.identity import folder_digest
from spatial_lalm.model.loading import SHIPPED
from spatial_lalm.simulation.bench.recipe import SPLITS as BENCH_SPLITS
from spatial_lalm.simulation.bench.recipe import BenchSplit, load_bench


@dataclass(frozen=True)
class Size:
    """Scenes of a subset, and how many of its items go through the controls too."""

    scenes: int
    controlled: int

    def times(self, scale: float, most: int) -> Size:
        """This size made larger or smaller, controls with it; never more scenes than there are."""
        scenes = min(most, max(1, round(scale * self.scenes)))
        return Size(scenes, round(self.controlled * scenes / self.scenes))


SIZES = {
    "single": Size(32, 40),
    "overlapping": Size(32, 16),
    "moving": Size(32, 16),
    "rooms": Size(32, 16),
    "arrays": Size(6, 0),
    "long": Size(5, 0),
    "talkers": Size(32, 16),
    "relations": Size(32, 16),
    "multi-hop": Size(32, 16),
    "unanswerable": Size(32, 16),
}
QUICK = {name: Size(1, 2 if name == "single" else 0) for name in SIZES}
QUICK_QUESTIONS, QUICK_ARRAYS = 2, ("foa", "tetrahedral")
COSTS_S = {
    "single": 1.3, "overlapping": 1.7, "moving": 1.7, "rooms": 1.0, "arrays": 16.0, "long": 42.0, "talkers": 2.4,
    "relations": 1.7, "multi-hop": 2.1, "unanswerable": 1.4,
}  # fmt: skip
"""Seconds of one core (EPYC, 2026-11-28) for a scene: rendered, and what is asked of it answered by every system."""
CONTROL_S = 1.1
"""For an item under all controls, by every system."""
START_S, REAL_S, EARS_S = 30.0, 4.0, 28.0
"""Loading and tables; a clip of every ambisonic response; all binaural clips."""
REAL = "real"
REAL_CLIPS, QUICK_REAL = 16, 1
"""Clips of an ambisonic response: two sounds at each of eight yaws."""
QUICK_EVERY = 12
"""Of binaural responses a quick run hears only one in so many."""
SPLITS = (*SIZES, REAL)


@dataclass(frozen=True)
class Wanted:
    """A run: where, of what, by which model (None: the shipped one)."""

    audio: Path
    out: Path
    splits: tuple[str, ...] = SPLITS
    model: Path | None = None
    workers: int = 1
    dev: bool = False
    quick: bool = False
    scale: float = 1.0  # of the sizes of RESULTS.md

    @property
    def split(self) -> BenchSplit:
        """Of spatial-bench."""
        return "dev" if self.dev else "test"

    @property
    def sizes(self) -> Mapping[str, Size]:
        """Sizes of the wanted subsets."""
        if self.quick:
            return {name: size for name, size in QUICK.items() if name in self.splits}
        most = {name: subset.scenes[BENCH_SPLITS.index(self.split)] for name, subset in load_bench().subsets.items()}
        return {name: size.times(self.scale, most[name]) for name, size in SIZES.items() if name in self.splits}

    @property
    def real_clips(self) -> int:
        """Clips of every ambisonic response."""
        return QUICK_REAL if self.quick else max(1, round(self.scale * REAL_CLIPS))

    @property
    def whole(self) -> bool:
        """Whether this is the run that RESULTS.md is made of."""
        return not self.quick and not self.dev and set(self.splits) == set(SPLITS)

    @property
    def model_folder(self) -> Path:
        """Where the weights are."""
        return SHIPPED if self.model is None else self.model

    @property
    def model_digest(self) -> str:
        """SHA-256 of them."""
        return folder_digest(self.model_folder)

    def folder(self, name: str) -> Path:
        """The folder of a subset's scenes: one for every number of them, as it cannot grow."""
        return self.out / "scenes" / f"{name}-{'quick' if self.quick else self.sizes[name].scenes}"

    @property
    def command(self) -> str:
        """What was typed, without the paths of a machine."""
        words = ["python benchmarks/results.py --audio DIR --out FOLDER"]
        words += ["--model MODEL"] if self.model else []
        words += [f"--splits {' '.join(self.splits)}"] if set(self.splits) != set(SPLITS) else []
        words += [f"--scale {self.scale:g}"] if self.scale != 1.0 else []
        words += [flag for flag, given in (("--dev", self.dev), ("--quick", self.quick)) if given]
        return " ".join(words)

    @property
    def processor_s(self) -> float:
        """Seconds of one core that it takes if nothing is done yet, by what a scene, a control and a clip took once."""
        bench = sum(COSTS_S[name] * size.scenes + CONTROL_S * size.controlled for name, size in self.sizes.items())
        real = REAL_S * self.real_clips + EARS_S / (QUICK_EVERY if self.quick else 1) if REAL in self.splits else 0.0
        return START_S + bench + real

    @property
    def expected(self) -> str:
        """How long it takes, in words."""
        if self.quick:
            return "about a minute: a trial"
        minutes = self.processor_s / 60
        return f"about {minutes:.1f} minutes of processor time, less what lies in {self.out} already"
