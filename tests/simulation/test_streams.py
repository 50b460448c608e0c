"""Scenes for training: the order is the seed's, whatever the workers, and goes on from any position."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from spatial_lalm.audio.scene import Room, Scene
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.dataset import make_scenes
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.recipe import SceneRecipe
from spatial_lalm.simulation.sampling import render_scene
from spatial_lalm.simulation.scene_tasks import scene_seed
from spatial_lalm.simulation.streams import OnTheFlyScenes, SceneOrder, SceneShards, collate_scenes

LIBRARY = SourceLibrary.builtin(espeak=False)
RECIPE = SceneRecipe(duration_s=1.0)


def quick(recipe: SceneRecipe, library: SourceLibrary, seed: int) -> tuple[np.ndarray, Scene]:
    """A scene that tells its seed and costs nothing."""
    room = Room((5.0, 4.0, 3.0), (0.3,) * 6)
    return np.zeros((4, 100 + seed % 7), np.float32), Scene(1.0, 16_000, 1, room, (1.0, 2.0, 1.5), (), None, 20.0, seed)


def on_the_fly(workers: int, batch: int = 3, start: int = 0, stop: int | None = 20) -> list[int]:
    """Seeds in the order in which a loader gives them."""
    scenes = OnTheFlyScenes(RECIPE, LIBRARY, 5, start, stop, chunk=batch, render=quick)
    loader = DataLoader(
        scenes,
        batch_size=batch,
        num_workers=workers,
        collate_fn=collate_scenes,
        multiprocessing_context=context(workers),
    )
    return [scene.seed for part in loader for scene in part["scenes"]]


def context(workers: int) -> str | None:
    return "fork" if workers else None


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streams") / "shards"
    make_scenes(folder, RECIPE, LIBRARY, 7, seed=3, layout="hdf5", shard_scenes=2)
    return folder


# ---------------------------------------------------------------- on the fly


@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_numbers_come_in_order_for_any_number_of_workers(workers: int) -> None:
    assert on_the_fly(workers) == [scene_seed(5, number) for number in range(20)]


@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")
def test_rendering_goes_on_from_any_position() -> None:
    assert on_the_fly(2, start=6) == on_the_fly(0)[6:]
    assert on_the_fly(0, start=20) == []


@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")
def test_neither_workers_nor_threads_change_a_byte_of_a_scene() -> None:
    """Against a scene that was rendered on two threads, whose sums would come in another order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        scenes = OnTheFlyScenes(RECIPE, LIBRARY, seed=3, stop=4)
        loaders = [
            DataLoader(scenes, batch_size=None, num_workers=workers, multiprocessing_context=context(workers))
            for workers in (0, 2)
        ]
        here, there = ([item["samples"].numpy().tobytes() for item in loader] for loader in loaders)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert here == there


def test_workers_render_every_number_once_whatever_the_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    numbers = []
    for worker in range(3):
        info = SimpleNamespace(id=worker, num_workers=3)
        monkeypatch.setattr("spatial_lalm.simulation.streams.get_worker_info", lambda info=info: info)
        numbers += list(OnTheFlyScenes(RECIPE, LIBRARY, start=4, stop=21, chunk=5).numbers())
    assert sorted(numbers) == list(range(4, 21))


def test_scenes_without_end_are_those_of_the_folder(tmp_path: Path, shards: Path) -> None:
    endless = OnTheFlyScenes(RECIPE, LIBRARY, seed=3)
    with SceneShards(shards).reader as reader:
        for number, item in enumerate(itertools.islice(endless, 3)):
            assert item["scene"].seed == reader.scene(number).seed
            assert np.abs(item["samples"].numpy() - reader.audio(number)).max() < 0.51 / 32768


# ---------------------------------------------------------------- shards


def test_items_are_the_rendered_scenes(shards: Path) -> None:
    scenes = SceneShards(shards)
    assert len(scenes) == 7
    assert scenes.sizes == [2, 2, 2, 1]
    samples, scene = render_scene(RECIPE, LIBRARY, scene_seed(3, 4))
    assert scenes[4]["scene"].events == scene.events
    assert scenes[4]["samples"].dtype == torch.float32
    assert np.abs(scenes[4]["samples"].numpy() - samples).max() < 0.51 / 32768
    assert SceneShards(shards, excerpt_s=0.25)[4]["samples"].shape == (4, 4000)


@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")
@pytest.mark.parametrize("workers", [1, 2])
def test_workers_change_neither_order_nor_sound(shards: Path, workers: int) -> None:
    """The loader's own handles are open already when its workers are forked."""
    scenes = SceneShards(shards)
    order = SceneOrder(scenes.sizes, seed=1, window=2)
    here = [scenes[index] for index in order]
    loader = DataLoader(
        scenes, batch_size=2, sampler=order, num_workers=workers, collate_fn=list, multiprocessing_context="fork"
    )
    there = [item for batch in loader for item in batch]
    assert [item["scene"].seed for item in there] == [item["scene"].seed for item in here]
    assert all(torch.equal(a["samples"], b["samples"]) for a, b in zip(here, there, strict=True))


def test_every_scene_comes_once_an_epoch_and_epochs_differ() -> None:
    order = SceneOrder([3, 0, 5, 2, 7], seed=4, epochs=3, window=2)
    numbers = list(order)
    assert len(numbers) == len(order) == 51
    epochs = [numbers[start : start + 17] for start in (0, 17, 34)]
    assert all(sorted(epoch) == list(range(17)) for epoch in epochs)
    assert epochs[0] != epochs[1]
    assert numbers == list(SceneOrder([3, 0, 5, 2, 7], seed=4, epochs=3, window=2))
    assert numbers != list(SceneOrder([3, 0, 5, 2, 7], seed=5, epochs=3, window=2))


def test_order_stays_within_a_window_of_shards() -> None:
    """Ten shards of ten, two at a time: any twenty in a row from a multiple of twenty lie in two shards."""
    numbers = np.array(list(SceneOrder([10] * 10, seed=1, window=2)))
    for start in range(0, 100, 20):
        assert len(set(numbers[start : start + 20] // 10)) == 2
    assert any(np.diff(numbers[:20] // 10) != 0)


@pytest.mark.parametrize("done", [0, 1, 16, 17, 18, 40])
def test_order_goes_on_exactly(done: int) -> None:
    whole = SceneOrder([5, 5, 7], seed=2, epochs=3)
    rest = SceneOrder([5, 5, 7], seed=2, epochs=3)
    rest.load_state_dict(whole.state_dict(done))
    assert list(rest) == list(whole)[done:]
    assert rest.state_dict(2)["start"] == done + 2
    endless = SceneOrder([5, 5, 7], seed=2, start=done, epochs=None)
    assert list(itertools.islice(endless, 5)) == list(SceneOrder([5, 5, 7], seed=2, epochs=9))[done : done + 5]


def test_ranks_share_the_scenes_evenly() -> None:
    ranks = [list(SceneOrder([5, 5, 7], seed=2, rank=rank, world=4)) for rank in range(4)]
    assert [len(rank) for rank in ranks] == [4] * 4
    assert max(Counter(itertools.chain(*ranks)).values()) == 1


def test_orders_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InputError, match="2 scenes for 3 ranks"):
        SceneOrder([2], world=3)
    with pytest.raises(InputError, match="position of seed 1 in an order of seed 2"):
        SceneOrder([2], seed=2).load_state_dict({"seed": 1, "start": 0})
    with pytest.raises(TypeError, match="no length"):
        len(SceneOrder([2], epochs=None))


# ---------------------------------------------------------------- batches


def test_batch_is_padded_with_silence() -> None:
    _, scene = quick(RECIPE, LIBRARY, 0)
    items = [{"samples": torch.ones(4, length), "scene": scene, "questions": [length]} for length in (5, 9)]
    batch = collate_scenes(items)
    assert batch["samples"].shape == (2, 4, 9)
    assert batch["lengths"].tolist() == [5, 9]
    assert batch["samples"][0].sum(0).tolist() == [4.0] * 5 + [0.0] * 4
    assert batch["scenes"] == [scene, scene]
    assert batch["questions"] == [[5], [9]]
    items[0]["samples"] = torch.ones(9, 5)
    with pytest.raises(InputError, match=r"scenes of \[4, 9\] channels in one batch"):
        collate_scenes(items)


def test_scenes_on_the_fly_are_asked_about() -> None:
    asked = next(iter(OnTheFlyScenes(replace(RECIPE, questions=4), LIBRARY, seed=3)))
    silent = next(iter(OnTheFlyScenes(RECIPE, LIBRARY, seed=3)))
    assert silent["questions"] == []
    assert 0 < len(asked["questions"]) <= 4
    assert {"question", "answer"} <= set(asked["questions"][0])
