from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatial_lalm.audio.conventions import wrap_degrees
from spatial_lalm.audio.scene import CLASSES
from spatial_lalm.audio.wording import (
    NAMES,
    OCTANTS,
    azimuth_words,
    direction_words,
    elevation_words,
    is_plural,
    lateral_words,
    list_text,
    place_text,
    reverberation_words,
    room_text,
    size_words,
    spans,
    spoken_name,
    times_text,
    two_digits,
    whole_decibels,
    whole_degrees,
)
from spatial_lalm.errors import InputError

AZIMUTHS = st.floats(-180, 180, exclude_min=True)


@pytest.mark.parametrize(("number", "words"), list(enumerate(OCTANTS)))
def test_octants_are_45_degrees_wide_about_their_centre(number: int, words: str) -> None:
    for offset in (-22.5, -22.4, 0.0, 22.4):
        assert azimuth_words(float(wrap_degrees(45.0 * number + offset))) == words
    assert azimuth_words(float(wrap_degrees(45.0 * number + 22.5))) == OCTANTS[(number + 1) % 8]
    assert azimuth_words(float(wrap_degrees(45.0 * number - 22.6))) == OCTANTS[(number - 1) % 8]


@given(AZIMUTHS)
def test_a_turn_by_90_degrees_turns_the_words(azimuth: float) -> None:
    turned = float(wrap_degrees(whole_degrees(azimuth) + 90))
    turns = {"front": "left", "left": "back", "back": "right", "right": "front"}
    words = azimuth_words(whole_degrees(azimuth)).split()
    assert set(azimuth_words(turned).split()) == {turns[word] for word in words}


@given(AZIMUTHS, st.floats(-90, 90))
def test_a_mirror_swaps_left_and_right(azimuth: float, elevation: float) -> None:
    swap = {"left": "right", "right": "left", "middle": "middle"}
    assert lateral_words(-azimuth, elevation) == swap[lateral_words(azimuth, elevation)]


@given(AZIMUTHS, st.floats(-90, 90))
def test_words_and_numbers_of_a_place_agree(azimuth: float, elevation: float) -> None:
    found = re.fullmatch(r"(?:the )?(.+): azimuth (-?\d+)°, elevation (-?\d+)°", place_text(azimuth, elevation))
    assert found is not None
    assert -180 < int(found[2]) <= 180
    assert found[1] == direction_words(int(found[2]), int(found[3]))


@pytest.mark.parametrize(
    ("elevation", "words"),
    [
        (0, ""),
        (9, ""),
        (10, "slightly above"),
        (30, "slightly above"),
        (31, "above"),
        (-10, "slightly below"),
        (-31, "below"),
    ],
)
def test_elevation_words(elevation: float, words: str) -> None:
    assert elevation_words(elevation) == words


@pytest.mark.parametrize(
    ("azimuth", "elevation", "text"),
    [
        (43.2, 14.6, "the front left, slightly above: azimuth 43°, elevation 15°"),
        (-112.0, 5.0, "the right: azimuth -112°, elevation 5°"),
        (-113.0, 5.0, "the back right: azimuth -113°, elevation 5°"),
        (-179.7, -0.2, "the back: azimuth 180°, elevation 0°"),
        (43.0, 71.0, "directly above: azimuth 43°, elevation 71°"),
        (43.0, -90.0, "directly below: azimuth 43°, elevation -90°"),
        (43.0, 70.0, "the front left, above: azimuth 43°, elevation 70°"),
    ],
)
def test_place(azimuth: float, elevation: float, text: str) -> None:
    assert place_text(azimuth, elevation) == text


def test_place_says_no_more_than_the_channels_tell() -> None:
    assert place_text(43.2, 80.0, "planar") == "the front left: azimuth 43°"
    assert place_text(80.0, 0.0, "lateral") == place_text(100.0, 10.0, "lateral") == "the left"
    assert place_text(-90.0, 80.0, "lateral") == "the middle"
    with pytest.raises(InputError, match="no direction"):
        place_text(43.2, 0.0, "none")


def test_every_class_has_a_name() -> None:
    assert set(NAMES) == set(CLASSES)
    assert spoken_name("dog_bark", "a") == "a dog bark"
    assert spoken_name("rain", "a") == "rain"
    assert spoken_name("rain", "the") == "the rain"
    assert spoken_name("door_slam", "a") == "door slam"
    assert [label for label in CLASSES if is_plural(label)] == ["sea_waves"]


def test_lists() -> None:
    assert [list_text(list("abc")[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]


def test_times_merge_what_touches_and_stop_at_the_limit() -> None:
    assert spans([(5.0, 6.0), (1.0, 2.04), (2.0, 3.0)]) == [(1.0, 3.0), (5.0, 6.0)]
    assert times_text([(2.31, 4.12)]) == "from 2.3 s to 4.1 s"
    many = [(float(i), i + 0.5) for i in range(5)]
    assert times_text(many, 2) == "from 0.0 s to 0.5 s and from 1.0 s to 1.5 s and later again"
    assert "later" not in times_text(many, 5)


@pytest.mark.parametrize(
    ("volume", "text"), [(0.849, "0.85"), (8.53, "8.5"), (9.96, "10"), (84.6, "85"), (1234.0, "1200"), (99.6, "100")]
)
def test_two_digits(volume: float, text: str) -> None:
    assert two_digits(volume) == text


def test_room_sizes() -> None:
    assert [size_words(v) for v in (39.9, 40, 119, 120, 399, 400)] == [
        "small",
        "medium-sized",
        "medium-sized",
        "large",
        "large",
        "very large",
    ]
    assert room_text(39.7) == "medium-sized, with a volume of about 40 m³"
    with pytest.raises(InputError, match="must be positive"):
        room_text(float("nan"))


def test_reverberation_in_words() -> None:
    assert [reverberation_words(t60) for t60 in (0.29, 0.3, 0.69, 0.7, 1.49, 1.5)] == [
        "dry",
        "moderately reverberant",
        "moderately reverberant",
        "reverberant",
        "reverberant",
        "very reverberant",
    ]


def test_rounding_halves() -> None:
    assert [whole_degrees(a) for a in (22.5, -22.5, -179.5, 179.5, -179.6)] == [23, -22, -179, 180, 180]
    assert [whole_decibels(level) for level in (-0.4, 2.5, -2.5)] == [0, 3, -2]
