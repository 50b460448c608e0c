"""Random arrays: plausible, varied, renderable, and the same for the same draw."""

from collections import Counter

import numpy as np
import pytest

from spatial_lalm.audio.arrays import MicrophoneArray
from spatial_lalm.simulation.array_sampling import FAMILIES, LEAST_APART_M, sample_array
from spatial_lalm.simulation.receivers import HIGHEST_DEGREE, array_receiver


@pytest.fixture(scope="module")
def arrays() -> list[MicrophoneArray]:
    rng = np.random.default_rng(0)
    return [sample_array(rng) for _ in range(400)]


def family(array: MicrophoneArray) -> str:
    return array.name.rstrip("0123456789")


def test_families_have_their_shares(arrays: list[MicrophoneArray]) -> None:
    counts = Counter(family(array) for array in arrays)
    total = sum(share for share, _ in FAMILIES.values())
    assert total == pytest.approx(1)
    for name, (share, _) in FAMILIES.items():
        spread = np.sqrt(share * (1 - share) / len(arrays))
        assert counts[name] / len(arrays) == pytest.approx(share, abs=4 * spread)


def test_capsules_are_few_enough_and_far_enough_apart(arrays: list[MicrophoneArray]) -> None:
    for array in arrays:
        assert 3 <= array.microphones <= 32, array.name
        assert array.name == f"{family(array)}{array.microphones}"
        apart = np.linalg.norm(array.positions[:, None] - array.positions, axis=-1)
        assert apart[~np.eye(array.microphones, dtype=bool)].min() > LEAST_APART_M - 1e-9, array.name
        reach = np.linalg.norm(array.positions, axis=1).max()
        assert 0.0099 < reach < 0.1016, array.name
    assert sum(array.microphones > 16 for array in arrays) > 10


def test_cardioids_look_outwards(arrays: list[MicrophoneArray]) -> None:
    directional = [array for array in arrays if array.look is not None]
    assert 0.08 < len(directional) / len(arrays) < 0.35
    for array in directional:
        assert array.look is not None
        outwards = array.positions - array.positions.mean(axis=0)
        off_centre = np.linalg.norm(outwards, axis=1) > 1e-3
        assert (np.sum(outwards * array.look, axis=1)[off_centre] > 0).all()


def test_heads_and_rigid_spheres_are_rigid(arrays: list[MicrophoneArray]) -> None:
    for array in arrays:
        assert (array.rigid_radius_m is not None) == (family(array) in ("head", "rigid_sphere")), array.name


def test_arrays_differ_and_can_all_be_rendered(arrays: list[MicrophoneArray]) -> None:
    assert len(set(arrays)) == len(arrays)
    for array in arrays[:60]:
        assert array_receiver(array).order <= HIGHEST_DEGREE


def test_the_same_draw_makes_the_same_array() -> None:
    one, same, other = (sample_array(np.random.default_rng(seed)) for seed in (7, 7, 8))
    assert one == same
    assert one != other
