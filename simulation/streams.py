"""Scenes for training: torch ``Dataset``s that read shards or render on the fly; workers do not change the order.

Both yield ``{"samples": Tensor (channels, n) float32, "scene": Scene, "questions": list}``, with the questions that
the recipe asks for; ``collate_scenes`` makes batches of them::

    scenes = SceneShards("shards")
    order = SceneOrder(scenes.sizes, seed=1, start=done)
    loader = DataLoader(scenes, batch_size=32, sampler=order, num_workers=8, collate_fn=collate_scenes)

    scenes = OnTheFlyScenes(recipe, library, seed=1, start=done, chunk=32)
    loader = DataLoader(scenes, batch_size=32, num_workers=8, collate_fn=collate_scenes)

``done`` scenes (batches times their size) were trained on before an interruption; what follows is what would have
followed.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, IterableDataset, Sampler, get_worker_info

from spatial_lalm.audio.scene import Scene
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.impossible import refuse_impossible
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.recipe import SceneRecipe
from spatial_lalm.simulation.sampling import render_scene
from spatial_lalm.simulation.scene_tasks import questions_about, scene_seed
from spatial_lalm.simulation.shards import ShardReader
from spatial_lalm.simulation.workers import one_thread
from spatial_lalm.simulation.writer import described_scene

Item = dict[str, Any]
Render = Callable[[SceneRecipe, SourceLibrary, int], tuple[Any, Scene]]


class SceneShards(Dataset[Item]):
    """The scenes of a folder of shards, by index.

    It goes to workers by fork or spawn, each of which opens its own handles.

    Args:
        folder: Shards, as ``make_scenes`` with layout ``hdf5`` writes them; ``InputError`` for anything else.
        excerpt_s: Seconds from a scene's start to read; the whole scene if not given.
    """

    def __init__(self, folder: str | Path, excerpt_s: float | None = None) -> None:
        self.reader = ShardReader(folder)
        self.stop = None if excerpt_s is None else round(excerpt_s * self.reader.rate)

    @property
    def sizes(self) -> Sequence[int]:
        """Scenes of every shard."""
        return self.reader.sizes

    def __len__(self) -> int:
        return len(self.reader)

    def __getitem__(self, index: int) -> Item:
        """A scene: its samples, 1 being full scale, and its labels."""
        samples = torch.from_numpy(self.reader.audio(index, 0, self.stop))
        description = self.reader.description(index)
        return {
            "samples": samples,
            "scene": described_scene(description),
            "questions": description.get("questions", []),
        }


class SceneOrder(Sampler[int]):
    """Indices of scenes in shards, shuffled by a seed, without end or for one epoch, from any position on.

    Shards are taken in random order, ``window`` at a time, and the scenes of a window in random order, so that few
    files are open at once. The order is made in the main process: it is the same for any number of workers. In
    data-parallel training rank r of ``world`` takes every ``world``-th scene from the r-th on.

    Args:
        sizes: Scenes of every shard.
        seed: Decides the order, together with the epoch.
        start: Scenes that this rank has had since the first epoch; the position to go on from.
        epochs: How often all scenes come; None: without end.
        window: Shards that are mixed.
        rank: This process in data-parallel training.
        world: How many there are. Scenes left over at the end of an epoch are dropped, so that all have as many.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        seed: int = 0,
        start: int = 0,
        epochs: int | None = 1,
        window: int = 8,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        if sum(sizes) < world:
            raise InputError(f"{sum(sizes)} scenes for {world} ranks: give at least one to each")
        self.sizes, self.seed, self.start, self.epochs = list(sizes), seed, start, epochs
        self.window, self.rank, self.world = window, rank, world

    @property
    def epoch_length(self) -> int:
        """Scenes of an epoch and rank."""
        return sum(self.sizes) // self.world

    def __len__(self) -> int:
        if self.epochs is None:
            raise TypeError("an order without end has no length")
        return max(0, self.epochs * self.epoch_length - self.start)

    def __iter__(self) -> Iterator[int]:
        epoch, skipped = divmod(self.start, self.epoch_length)
        while self.epochs is None or epoch < self.epochs:
            order = self.order(epoch)[self.rank :: self.world][: self.epoch_length]
            yield from order[skipped:]
            epoch, skipped = epoch + 1, 0

    def order(self, epoch: int) -> list[int]:
        """All indices in the order of an epoch."""
        rng = np.random.default_rng((self.seed, epoch))
        first = np.concatenate([[0], np.cumsum(self.sizes)])
        shards = rng.permutation(len(self.sizes))
        order: list[int] = []
        for begin in range(0, len(shards), self.window):
            mixed = [np.arange(first[s], first[s + 1]) for s in shards[begin : begin + self.window]]
            order += rng.permutation(np.concatenate(mixed)).tolist()
        return order

    def state_dict(self, done: int) -> dict[str, int]:
        """The position after ``done`` scenes that were trained on since this object was made.

        Only the training loop knows ``done``: workers read ahead of it.
        """
        return {"seed": self.seed, "start": self.start + done}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on from a position; ``InputError`` if it belongs to another order."""
        if state["seed"] != self.seed:
            raise InputError(f"position of seed {state['seed']} in an order of seed {self.seed}: use the same seed")
        self.start = state["start"]


class OnTheFlyScenes(IterableDataset[Item]):
    """Scenes ``start``, ``start + 1``, ... of a run, rendered when they are asked for.

    Scene ``number`` is that of ``make_scenes`` with the same recipe, library and seed. Of W workers, number w renders
    the chunks w, w + W, w + 2 W, ... of ``chunk`` scenes. A ``DataLoader`` asks its workers in turn for a batch each,
    so with ``chunk`` equal to its ``batch_size`` the scenes come in the order of their numbers for any number of
    workers. A scene is rendered on one thread of torch, so that its bytes depend neither on workers nor on threads.

    Args:
        recipe: What scenes are drawn from; ``InputError`` where its settings contradict each other.
        library: Dry sounds.
        seed: The run's seed.
        start: First scene; the position to go on from.
        stop: Scene before which to stop; None: without end.
        chunk: Scenes that a worker renders in a row: the loader's batch size.
        render: ``f(recipe, library, seed) -> (samples (channels, n) as an array or a tensor on any device, scene)``,
            for example ``functools.partial(render_scene, device="cuda")`` in a loader without workers.
    """

    def __init__(
        self,
        recipe: SceneRecipe,
        library: SourceLibrary,
        seed: int = 0,
        start: int = 0,
        stop: int | None = None,
        chunk: int = 1,
        render: Render = render_scene,
    ) -> None:
        refuse_impossible(recipe, library.labels)
        self.recipe, self.library, self.seed = recipe, library, seed
        self.start, self.stop, self.chunk, self.render = start, stop, chunk, render

    def __iter__(self) -> Iterator[Item]:
        for number in self.numbers():
            with one_thread():
                samples, scene = self.render(self.recipe, self.library, scene_seed(self.seed, number))
            asked = questions_about(self.recipe, scene, self.library)
            yield {"samples": torch.as_tensor(samples), "scene": scene, "questions": asked}

    def numbers(self) -> Iterator[int]:
        """Numbers of the scenes that this worker renders."""
        info = get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        for turn in itertools.count(worker, workers):
            first = self.start + turn * self.chunk
            for number in range(first, first + self.chunk):
                if self.stop is not None and number >= self.stop:
                    return
                yield number


def collate_scenes(items: Iterable[Item]) -> Item:
    """A batch of scenes.

    Returns:
        ``samples (B, channels, T)`` with silence after the end of shorter ones, ``lengths (B,)`` in samples, and the
        lists ``scenes`` and ``questions``. ``InputError`` for scenes of different numbers of channels.
    """
    items = list(items)
    channels = sorted({item["samples"].shape[0] for item in items})
    if len(channels) > 1:
        raise InputError(f"scenes of {channels} channels in one batch; encode them to one format first")
    lengths = torch.tensor([item["samples"].shape[1] for item in items])
    samples = items[0]["samples"].new_zeros(len(items), channels[0], int(lengths.max()))
    for row, item in zip(samples, items, strict=True):
        row[:, : item["samples"].shape[1]] = item["samples"]
    scenes, questions = ([item[name] for item in items] for name in ("scene", "questions"))
    return {"samples": samples, "lengths": lengths, "scenes": scenes, "questions": questions}
