"""Rendered features: the same bytes for any number of workers, sealed parts that are kept, targets of the scene."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from spatial_lalm.audio.conventions import unit_vector
from spatial_lalm.audio.features import spatial_covariance
from spatial_lalm.audio.scene import CLASSES, Scene
from spatial_lalm.errors import InputError
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.recipe import still_scenes
from spatial_lalm.simulation.sampling import render_scene
from spatial_lalm.train import data
from spatial_lalm.train.data import FeatureSet, room_targets, scene_targets

LIBRARY = SourceLibrary.builtin(espeak=False)
RECIPE = still_scenes(1.0, t60_s=(0.1, 0.3), counts=(0.0, 0.5, 0.5))
LONGER = replace(RECIPE, duration_s=1.5)
render_features = partial(data.render_features, part=2)


def digests(folder: Path) -> dict[str, str]:
    files = sorted(folder.glob("part_*/*.npy"))
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rendered")
    render_features([RECIPE, LONGER], LIBRARY, 5, 3, folder, workers=1)
    return folder


@pytest.fixture
def rendered(original: Path, tmp_path: Path) -> Path:
    """Five scenes in three parts, the second part longer."""
    return Path(shutil.copytree(original, tmp_path / "one"))


# ---------------------------------------------------------------- rendering


def test_two_workers_write_the_same_bytes(rendered: Path, tmp_path: Path) -> None:
    render_features([RECIPE, LONGER], LIBRARY, 5, 3, tmp_path / "two", workers=2)
    assert digests(tmp_path / "two") == digests(rendered)
    assert len(digests(rendered)) == 3 * 9


def test_another_seed_is_another_set(rendered: Path, tmp_path: Path) -> None:
    render_features([RECIPE, LONGER], LIBRARY, 5, 4, tmp_path / "other", workers=1)
    first, other = digests(rendered), digests(tmp_path / "other")
    assert first.keys() == other.keys()
    assert all(first[name] != other[name] for name in first if name.endswith(("features.npy", "scene.npy")))


def test_sealed_parts_are_kept_and_the_others_made(rendered: Path) -> None:
    before = digests(rendered)
    kept = rendered / "part_0000000" / "seed.npy"
    untouched = kept.stat().st_mtime_ns
    second = rendered / "part_0000002"
    killed = second.with_suffix(".part")
    second.rename(killed)  # as if the writer had been killed before the rename
    (killed / "features.npy").write_bytes(b"half")
    assert len(FeatureSet.open(rendered)) == 3
    seen: list[tuple[int, int]] = []
    render_features([RECIPE, LONGER], LIBRARY, 5, 3, rendered, 1, lambda done, total: seen.append((done, total)))
    assert digests(rendered) == before
    assert kept.stat().st_mtime_ns == untouched
    assert not killed.exists()
    assert seen == [(5, 5)]


def test_a_scene_that_fails_stops_the_rendering_and_leaves_no_part(tmp_path: Path) -> None:
    recipe = still_scenes(1.0, counts=(0.0, 1.0))
    impossible = replace(recipe, sources=replace(recipe.sources, nearest_m=500.0))
    with pytest.raises(InputError, match="no place"):
        render_features([impossible], LIBRARY, 2, 3, tmp_path, workers=1)
    assert len(FeatureSet.open(tmp_path)) == 0


def test_a_part_is_on_the_disk_before_it_is_sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file, then their folder, then the rename, then the folder of the rename."""
    done: list[str] = []
    sync, replace_ = data.sync, os.replace
    monkeypatch.setattr(data, "sync", lambda path: done.append(path.name) or sync(path))
    monkeypatch.setattr(os, "replace", lambda old, new: done.append("sealed") or replace_(old, new))
    part = tmp_path / "part_0000000"
    data._render_and_seal(data.render_part, RECIPE, LIBRARY, [30_000_000], part)
    assert done[-3:] == ["part_0000000.part", "sealed", tmp_path.name]
    assert sorted(done[:-3]) == sorted(file.name for file in part.iterdir())


# ---------------------------------------------------------------- reading


def test_features_are_those_of_the_scene_with_its_seed(rendered: Path) -> None:
    samples, scene = render_scene(RECIPE, LIBRARY, 30_000_001)
    energy, covariance = spatial_covariance(torch.from_numpy(samples[None]))
    expected = torch.cat([energy[:, None], covariance], dim=1)[0].half().numpy()
    row = FeatureSet.open(rendered).batch(np.array([1]))
    np.testing.assert_array_equal(row["features"][0], expected)
    assert row["seed"].tolist() == [30_000_001]
    for name, value in scene_targets(scene, 10).items():
        np.testing.assert_array_equal(row[name][0], value)


def test_set_counts_and_tells_its_scenes_in_order(rendered: Path) -> None:
    scenes = FeatureSet.open(rendered)
    assert len(scenes) == 5
    assert [scene.seed for scene in scenes.scenes()] == [30_000_000 + i for i in range(5)]
    assert [scene.duration_s for scene in scenes.scenes()] == [1.0, 1.0, 1.5, 1.5, 1.0]


def test_batches_take_scenes_from_any_part(tmp_path: Path) -> None:
    render_features([RECIPE], LIBRARY, 5, 3, tmp_path, workers=1)
    batch = FeatureSet.open(tmp_path).batch(np.array([4, 0, 3]))
    assert batch["seed"].tolist() == [30_000_004, 30_000_000, 30_000_003]
    assert batch["features"].shape == (3, 11, 50, 64)


def test_scenes_of_one_length_come_together(rendered: Path) -> None:
    scenes = FeatureSet.open(rendered)
    lengths = set()
    for seed in range(8):
        features, graphs = scenes.same_length(np.random.default_rng(seed), 2)
        assert len({graph.duration_s for graph in graphs}) == 1
        assert features.shape == (len(graphs), 11, round(50 * graphs[0].duration_s), 64)
        lengths.add(features.shape[2])
    assert lengths == {50, 75}


def test_a_part_of_fewer_scenes_is_taken_whole(rendered: Path) -> None:
    sizes = {len(FeatureSet.open(rendered).same_length(np.random.default_rng(seed), 9)[1]) for seed in range(12)}
    assert sizes == {1, 2}


# ---------------------------------------------------------------- targets


def test_targets_follow_the_labels(scene: Scene) -> None:
    targets = scene_targets(scene, 40)
    assert targets["active"].shape == (3, 40)
    assert np.flatnonzero(targets["active"][0]).tolist() == list(range(5, 25))
    assert np.flatnonzero(targets["active"][1]).tolist() == list(range(10, 30))
    assert not targets["active"][2].any()
    assert targets["label"].tolist() == [CLASSES.index("speech"), CLASSES.index("dog_bark"), -1]
    np.testing.assert_allclose(targets["direction"][1], [unit_vector(-120, 0)] * 40, atol=1e-6)
    np.testing.assert_allclose(targets["log_distance"][:, 0], np.log([1.5, 2.5, 1.0]), atol=1e-6)


def test_targets_of_a_mover_follow_its_way(scene: Scene) -> None:
    way = tuple((float(10 * i), 0.0, 1.0 + 0.1 * i) for i in range(20))
    moved = replace(scene, events=(replace(scene.events[0], trajectory=way),))
    targets = scene_targets(moved, 40)
    first = round(scene.events[0].onset_s * 10)
    np.testing.assert_allclose(targets["direction"][0, first + 7], unit_vector(70, 0), atol=1e-6)
    np.testing.assert_allclose(targets["direction"][0, first + 30 :], [unit_vector(190, 0)] * (10 - first), atol=1e-6)
    np.testing.assert_allclose(targets["log_distance"][0, :first], 0.0, atol=1e-6)


def test_activity_beyond_the_end_is_cut(scene: Scene) -> None:
    assert scene_targets(scene, 12)["active"].sum(1).tolist() == [7, 2, 0]


def test_room_targets_are_logarithms_and_tens_of_decibels(scene: Scene) -> None:
    expected = [*np.log([0.4] * 7), 0.3, 0.8, np.log(60.0)]
    np.testing.assert_allclose(room_targets(scene), expected, rtol=1e-6)


def test_room_that_nothing_sounds_in_is_unknown(scene: Scene) -> None:
    assert np.isnan(room_targets(replace(scene, acoustics=None))).all()
