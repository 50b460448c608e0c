"""Microphone arrays: their files, their presets, and what physics says they hear."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spatial_lalm.audio.arrays import SPEED_OF_SOUND, MicrophoneArray
from spatial_lalm.audio.conventions import angle_between, rotation_matrix, unit_vector
from spatial_lalm.audio.encoding import fibonacci_grid
from spatial_lalm.audio.measured import MeasuredResponses
from spatial_lalm.audio.presets import preset, preset_names
from spatial_lalm.errors import InputError

PAIR = [[0.0, 0.05, 0.0], [0.0, -0.05, 0.0]]
MICROPHONES = {
    **{"tetrahedral": 4, "em32": 32, "zylia": 19, "starss_mic": 4, "respeaker4": 4, "respeaker6": 6, "respeaker7": 7},
    **{"circle6": 6, "circle8": 8, "linear4": 4, "glasses": 5, "binaural": 2},
}


def frequency_for(kr: float, radius: float) -> float:
    return kr * SPEED_OF_SOUND / (2 * np.pi * radius)


# ---------------------------------------------------------------- presets


def test_every_preset_has_its_microphones() -> None:
    assert {name: preset(name).microphones for name in preset_names()} == MICROPHONES


def test_unknown_preset_lists_the_known() -> None:
    with pytest.raises(InputError, match="'em23' is not known: choose tetrahedral, em32") as refused:
        preset("em23")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["em32", "zylia", "tetrahedral"])
def test_spherical_presets_surround_the_centre(name: str) -> None:
    """No two capsules closer than the densest packing of the maker, and their sum nearly vanishes."""
    array = preset(name)
    radius = np.linalg.norm(array.positions, axis=1)
    np.testing.assert_allclose(radius, radius[0], rtol=1e-9)
    apart = angle_between(array.positions[:, None], array.positions[None])
    assert apart[~np.eye(array.microphones, dtype=bool)].min() > 35
    assert np.linalg.norm(array.positions.mean(axis=0)) < radius[0] / 15


def test_zylia_is_a_dodecahedron_without_its_lowest_corner() -> None:
    """Every corner of a dodecahedron has three neighbours at 41.8 degrees; three of them lost one."""
    positions = preset("zylia").positions
    neighbours = (np.abs(angle_between(positions[:, None], positions[None]) - 41.81) < 1.5).sum(axis=1)
    assert sorted(neighbours) == [2, 2, 2] + [3] * 16


def test_binaural_has_left_before_right() -> None:
    np.testing.assert_allclose(preset("binaural").positions, [[0, 0.0875, 0], [0, -0.0875, 0]], atol=1e-12)


# ---------------------------------------------------------------- content


def test_digest_follows_the_acoustics_and_not_the_name() -> None:
    one, same = MicrophoneArray("one", np.array(PAIR)), MicrophoneArray("two", np.array(PAIR))
    other = MicrophoneArray("one", np.array(PAIR) * 1.001)
    assert one == same
    assert hash(one) == hash(same)
    assert one.digest == same.digest
    assert len(one.digest) == 64
    assert one != other
    assert len({one, same, other}) == 2


def test_arrays_cannot_be_changed_behind_their_digest() -> None:
    given = np.array(PAIR)
    array = MicrophoneArray("pair", given)
    given[0, 0] = 1.0
    assert array.positions[0, 0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        array.positions[0, 0] = 1.0


@pytest.mark.parametrize("name", preset_names())
def test_files_give_back_the_same_array(name: str, tmp_path: Path) -> None:
    preset(name).save(tmp_path / "array.json")
    loaded = MicrophoneArray.load(tmp_path / "array.json")
    assert loaded == preset(name)
    assert loaded.name == name


def test_one_number_of_directivity_serves_all() -> None:
    content = {"name": "pair", "positions_m": PAIR, "directivity": 0.5, "look": [[0, 2, 0], [0, -1, 0]]}
    array = MicrophoneArray.from_dict(content)
    np.testing.assert_array_equal(array.directivity, [0.5, 0.5])
    np.testing.assert_array_equal(array.look, [[0, 1, 0], [0, -1, 0]])


BAD_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "name is ''"),
    ({"name": 3}, "name is 3"),
    ({"name": "a\nb"}, "name is"),
    ({"positions_m": []}, "positions_m has shape"),
    ({"positions_m": [[0, 0]]}, "positions_m has shape"),
    ({"positions_m": [[0, 0, 0], [0, 0]]}, "positions_m must hold finite numbers"),
    ({"positions_m": [["a", 0, 0]]}, "positions_m must hold finite numbers"),
    ({"positions_m": [[float("nan"), 0, 0]]}, "positions_m must hold finite numbers"),
    ({"positions_m": [[42.0, 0, 0], [-42.0, 0, 0]]}, "millimetres"),
    ({"positions_m": [[0, 0, 0.001 * i] for i in range(65)]}, "1 to 64 microphones"),
    ({"rigid_radius_m": "4 cm"}, "rigid_radius_m is '4 cm'"),
    ({"rigid_radius_m": True}, "rigid_radius_m is True"),
    ({"rigid_radius_m": -0.04}, "rigid_radius_m is -0.04"),
    ({"rigid_radius_m": float("inf")}, "rigid_radius_m is inf"),
    ({"rigid_radius_m": 0.2}, "inside the sphere"),
    ({"rigid_radius_m": 0.05, "directivity": 0.5, "look": PAIR}, "rigid sphere"),
    ({"directivity": [1, 1, 1]}, "directivity has shape"),
    ({"directivity": 1.5}, "between 0"),
    ({"directivity": 0.5}, "look is missing"),
    ({"directivity": 0.5, "look": [[1, 0, 0]]}, "look must be 2 directions"),
    ({"directivity": 0.5, "look": [[1, 0, 0], [0, 0, 0]]}, "none of them zero"),
    ({"positions": PAIR}, "'positions' is unknown"),
    ({"positions_m": [[0, 0, 0]] * 4}, "microphones 1 and 2 coincide"),
    ({"positions_m": [*PAIR, [0.0, 0.05, 0.00009]]}, "microphones 1 and 3 coincide"),
    ({"positions_m": [[0, 0, 0]] * 2, "directivity": 0.5, "look": [[1, 0, 0], [2, 0, 0]]}, "1 and 2 coincide"),
]


def test_coincident_capsules_that_look_elsewhere_are_an_array() -> None:
    """A pair of cardioids in one place (XY), or an omni with figures of eight, tells directions by level."""
    for alpha, look in ((0.5, [[1, 1, 0], [1, -1, 0]]), ([1, 0], [[1, 0, 0], [1, 0, 0]])):
        content = {"name": "XY", "positions_m": [[0, 0, 0]] * 2, "directivity": alpha, "look": look}
        assert MicrophoneArray.from_dict(content).microphones == 2
    apart = {"name": "close", "positions_m": [[0, 0, 0], [0, 0, 0.00011]]}
    assert MicrophoneArray.from_dict(apart).microphones == 2


@pytest.mark.parametrize(("change", "words"), BAD_FIELDS)
def test_each_malformed_field_is_named(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"name": "mine", "positions_m": PAIR, **change}))
    with pytest.raises(InputError) as refused:
        MicrophoneArray.load(path)
    message = str(refused.value)
    assert words in message
    assert "mine.json" in message
    assert "\n" not in message


@pytest.mark.parametrize("text", ["{", "[]", "3", '{"name": "x"}', "\x00\xff", "[" * 100_000])
def test_files_that_hold_no_array_are_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=r"broken\.json"):
        MicrophoneArray.load(path)


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such array file"):
        MicrophoneArray.load(tmp_path / "none.json")
    with pytest.raises(InputError, match="cannot be read"):
        MicrophoneArray.load(tmp_path)


# ---------------------------------------------------------------- manifold


def test_the_nearer_microphone_hears_earlier() -> None:
    """e^{jwt}: hearing earlier by tau is the factor e^{+jw tau}; the left one leads for a source at the left."""
    response = MicrophoneArray("pair", np.array(PAIR)).manifold(500.0, [[0.0, 1.0, 0.0]])[0, :, 0]
    lead = np.angle(response[0] / response[1]) / (2 * np.pi * 500)
    assert lead == pytest.approx(0.1 / SPEED_OF_SOUND)


def test_directivity_scales_the_response() -> None:
    look = np.array([[1.0, 0, 0], [1.0, 0, 0], [1.0, 0, 0]])
    array = MicrophoneArray("three", np.zeros((3, 3)), None, np.array([1.0, 0.5, 0.0]), look)
    response = array.manifold(1000.0, unit_vector(np.array([0.0, 90.0, 180.0]), 0.0))[0]
    np.testing.assert_allclose(response, [[1, 1, 1], [1, 0.5, 0], [1, 0, -1]], atol=1e-12)


@pytest.mark.parametrize("name", preset_names())
def test_shapes_and_silence_at_zero_frequency(name: str) -> None:
    """At 0 Hz every position is the centre: the response is the directivity alone."""
    directions = fibonacci_grid(50)
    response = preset(name).manifold([0.0, 1000.0], directions)
    assert response.shape == (2, preset(name).microphones, 50)
    assert np.isfinite(response).all()
    if preset(name).look is None:
        np.testing.assert_allclose(response[0], 1, atol=1e-3)


def test_small_rigid_sphere_has_one_and_a_half_times_the_slope() -> None:
    """For small kr the pressure on a rigid sphere is 1 + j 3/2 kr cos(gamma); in the free field 1 + j kr cos(gamma)."""
    kr, radius = 0.01, 0.05
    directions = fibonacci_grid(200)
    rigid = MicrophoneArray("one", np.array([[0.0, 0.0, radius]]), radius)
    response = rigid.manifold(frequency_for(kr, radius), directions)[0, 0]
    np.testing.assert_allclose(response.real, 1, atol=5e-4)
    np.testing.assert_allclose(response.imag, 1.5 * kr * directions[:, 2], atol=5e-4 * kr)


def test_rigid_sphere_doubles_the_pressure_at_high_frequency() -> None:
    """A wall doubles the pressure; the sphere does so where it faces the source and kr is large."""
    radius = 0.0875
    rigid = MicrophoneArray("one", np.array([[0.0, 0.0, radius]]), radius)
    facing = np.abs(rigid.manifold(frequency_for(40.0, radius), [[0.0, 0, 1], [0, 0, -1]])[0, 0])
    assert facing[0] == pytest.approx(2, rel=0.02)
    assert facing[1] < 1


def test_far_from_a_small_sphere_is_the_free_field() -> None:
    positions = np.array([[0.3, 0.0, 0.0], [0.0, -0.3, 0.1]])
    directions = fibonacci_grid(100)
    around = MicrophoneArray("around", positions, 0.002).manifold([200.0, 2000.0, 4000.0], directions)
    free = MicrophoneArray("free", positions).manifold([200.0, 2000.0, 4000.0], directions)
    np.testing.assert_allclose(around, free, atol=0.01)


def test_no_flow_through_the_rigid_surface() -> None:
    """The pressure has no slope along the radius at the surface: that is what rigid means."""
    radius, step = 0.05, 1e-6
    at, above = (
        MicrophoneArray("one", distance * unit_vector(20.0, 30.0)[None], radius).manifold(
            [300.0, 3000.0, 7000.0], fibonacci_grid(60)
        )[:, 0]
        for distance in (radius, radius + step)
    )
    slope = np.abs(above - at) / step
    wavenumber = 2 * np.pi * np.array([300.0, 3000.0, 7000.0]) / SPEED_OF_SOUND
    assert (slope.max(axis=1) < 1e-2 * wavenumber).all()


@pytest.mark.parametrize("name", ["em32", "glasses", "circle6"])
def test_turning_array_and_source_together_changes_nothing(name: str) -> None:
    array, turn = preset(name), rotation_matrix(50, 20, -70)
    turned = MicrophoneArray("turned", array.positions @ turn.T, array.rigid_radius_m)
    directions = fibonacci_grid(40)
    np.testing.assert_allclose(
        turned.manifold([500.0, 4000.0], directions @ turn.T), array.manifold([500.0, 4000.0], directions), atol=1e-9
    )


# ---------------------------------------------------------------- measured responses


def measured_pair(late: int = 0) -> MicrophoneArray:
    """Two capsules of which each hears an impulse from anywhere, the second ``late`` samples later."""
    impulses = np.zeros((20, 2, 16), dtype=np.float32)
    impulses[:, 0, 4] = impulses[:, 1, 4 + late] = 1.0
    responses = MeasuredResponses(np.asarray(fibonacci_grid(20)), impulses, 16_000, 4.0)
    return MicrophoneArray("measured", np.zeros((2, 3)), measured=responses)


def test_measured_responses_decide_what_is_heard_and_who_is_equal() -> None:
    response = measured_pair(late=2).manifold(1000.0, [[1.0, 0, 0]])[0, :, 0]
    np.testing.assert_allclose(response, [1, np.exp(-2j * np.pi * 1000 * 2 / 16_000)], atol=1e-3)
    assert measured_pair(2) == measured_pair(2)
    assert len({measured_pair(0), measured_pair(2), measured_pair(2)}) == 2
    assert measured_pair().measured is not None
    with pytest.raises(ValueError, match="read-only"):
        measured_pair().measured.impulses[0, 0, 0] = 1.0  # type: ignore[union-attr]


def test_measured_responses_are_no_json(tmp_path: Path) -> None:
    array = measured_pair()
    content = array.to_dict()
    assert content["measured"] == array.measured.digest  # type: ignore[union-attr]
    with pytest.raises(InputError, match="keep its SOFA file"):
        array.save(tmp_path / "array.json")
    with pytest.raises(InputError, match="give the array's SOFA file"):
        MicrophoneArray.from_dict(content)
    assert "measured" not in preset("em32").to_dict()


def test_measured_responses_need_a_position_each() -> None:
    with pytest.raises(InputError, match="2 measured responses for 3 positions_m"):
        MicrophoneArray("three", np.zeros((3, 3)), measured=measured_pair().measured)
