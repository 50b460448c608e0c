"""What one task of a run makes: a scene's files in some layout, or a shard of scenes, unless they lie there already.

Everything depends on the task's number alone, so tasks run on any worker of any machine (``workers``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from spatial_lalm.audio.scene import Scene
from spatial_lalm.audio.wording import Spatial
from spatial_lalm.simulation.dialects import Dialect
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.questions import Balance, Shares, ask_many
from spatial_lalm.simulation.recipe import SceneRecipe
from spatial_lalm.simulation.sampling import render_blocks
from spatial_lalm.simulation.shard_writer import ShardWriter
from spatial_lalm.simulation.takes import Samples, Take
from spatial_lalm.simulation.workers import tell
from spatial_lalm.simulation.writer import finished_scene, scene_paths, write_take


@dataclass(frozen=True)
class Sealed:
    """What one task left in the folder.

    SHA-256 by path, the numbers of its scenes and the length of each, in how many of them a setting of the recipe is
    not kept, by name, and how many were made now.
    """

    sums: dict[str, str]
    scenes: range
    lengths_s: tuple[float, ...]
    not_kept: Mapping[str, int]
    rendered: int

    @classmethod
    def of_scene(cls, number: int, sums: dict[str, str], description: Mapping[str, Any], rendered: int) -> Sealed:
        """One scene, by its JSON."""
        unkept = Counter(description.get("not_kept", ()))
        return cls(sums, range(number, number + 1), (description["duration_s"],), unkept, rendered)


@dataclass(frozen=True)
class SoFar:
    """News of a task: seconds of scene ``number`` that are rendered."""

    number: int
    seconds: float


class Source(Protocol):
    """Where scenes come from; picklable, and every scene depends on its number alone."""

    @property
    def classes(self) -> Sequence[str]:
        """The class list of the scenes."""

    def seed(self, number: int) -> int:
        """The seed of a scene."""

    def take(self, number: int, folder: Path) -> Take:
        """A scene; one too long for the memory waits in an unnamed file in ``folder``."""


@dataclass(frozen=True)
class Rendered:
    """Scenes that are rendered from a recipe."""

    recipe: SceneRecipe
    library: SourceLibrary
    run_seed: int

    @property
    def classes(self) -> Sequence[str]:
        """The class list of the scenes."""
        return self.library.classes

    def seed(self, number: int) -> int:
        """The seed of a scene."""
        return scene_seed(self.run_seed, number)

    def take(self, number: int, folder: Path) -> Take:
        """A scene, rendered now, which tells how far it is after every block (``SoFar``)."""
        labels, blocks = render_blocks(self.recipe, self.library, self.seed(number))

        def extra(scene: Scene) -> dict[str, Any]:
            asked = questions_about(self.recipe, scene, self.library)
            return ({"questions": asked} if asked else {}) | ({"not_kept": labels.not_kept} if labels.not_kept else {})

        return Take.record(_told(blocks, number, self.recipe.rate), labels, folder, extra=extra)


def questions_about(recipe: SceneRecipe, scene: Scene, library: SourceLibrary) -> list[dict[str, Any]]:
    """Up to ``recipe.questions`` questions and answers about a scene; evidence are numbers of its events.

    ``library`` is what its sounds were drawn from: absent ones are of its classes, too. What the balance of claims
    drops is not made up for, see ``questions.ask_many``.
    """
    if not recipe.questions:
        return []
    asked = ask_many(
        scene,
        np.random.default_rng((scene.seed, 5)),
        recipe.questions,
        scene_spatial(scene),
        recipe.phrasings,  # type: ignore[arg-type]  # checked by the recipe
        balance=Balance.shipped(),
        shares=Shares(library.shares(), recipe.sources.conversation_share),
    )
    return [asdict(one) for one in asked.kept]


def _told(blocks: Iterator[Samples], number: int, rate: int) -> Iterator[Samples]:
    """The blocks of a scene, each of which is told of."""
    samples = 0
    for block in blocks:
        samples += block.shape[1]
        yield block
        tell(SoFar(number, samples / rate))


def scene_spatial(scene: Scene) -> Spatial:
    """What a scene's channels can tell of direction: capsules in a line left from right, in a plane no height."""
    if scene.array is None:
        return "full"
    extents = np.linalg.matrix_rank(np.array(scene.array["positions_m"]), tol=1e-3)
    kinds: tuple[Spatial, ...] = ("none", "lateral", "planar", "full")
    return kinds[int(extents)]


def scene_seed(seed: int, number: int) -> int:
    """The seed of a scene from the run's seed and its number; below 2**53, so that any JSON reader keeps it whole."""
    return int(np.random.SeedSequence((seed, number)).generate_state(1, np.uint64)[0] >> np.uint64(11))


# ---------------------------------------------------------------- tasks


@dataclass(frozen=True)
class SceneFiles:
    """Makes the files of scene ``number`` of layout ``files``."""

    folder: Path
    source: Source

    def make(self, number: int) -> Sealed:
        """The scene, unless it lies whole in the folder."""
        name = f"scene_{number:06d}"
        found = finished_scene(self.folder, scene_paths(name)[2], self.source.seed(number))
        if found is not None:
            return Sealed.of_scene(number, *found, 0)
        with self.source.take(number, self.folder) as take:
            sums = write_take(self.folder, name, take, self.source.classes)
            return Sealed.of_scene(number, sums, {"duration_s": take.scene.duration_s, **take.extra}, 1)


@dataclass(frozen=True)
class DialectFiles:
    """Makes the files of scene ``number`` in the layout of a benchmark."""

    folder: Path
    source: Source
    dialect: Dialect

    def make(self, number: int) -> Sealed:
        """The scene, unless it lies whole in the folder."""
        found = finished_scene(self.folder, self.dialect.scene_path(number), self.source.seed(number))
        if found is not None:
            return Sealed.of_scene(number, *found, 0)
        with self.source.take(number, self.folder) as take:
            sums = self.dialect.write(self.folder, number, take, self.source.classes)
            return Sealed.of_scene(number, sums, {"duration_s": take.scene.duration_s, **take.extra}, 1)


@dataclass(frozen=True)
class Shards:
    """Makes shard ``number``, which holds ``size`` scenes, the last one fewer."""

    folder: Path
    source: Source
    writer: ShardWriter
    size: int
    scenes: int

    def make(self, number: int) -> Sealed:
        """The shard, unless it lies sealed in the folder."""
        scenes = range(number * self.size, min((number + 1) * self.size, self.scenes))
        found = self.writer.finished(self.folder, number, scenes)
        if found is not None:
            return Sealed(found[0], scenes, *found[1:], 0)
        sums, lengths_s, not_kept = self.writer.write(self.folder, number, scenes, self.source)
        return Sealed(sums, scenes, lengths_s, not_kept, len(scenes))
