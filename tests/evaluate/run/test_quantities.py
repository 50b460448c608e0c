"""Numbers in free text."""

from __future__ import annotations

import pytest

from spatial_lalm.evaluate.run import quantities


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("azimuth 30, elevation -10", (30.0, -10.0)),
        ("The talker is at azimuth: \u221245\u00b0.", (-45.0, None)),
        ("30 degrees to the right", (-30.0, None)),
        ("about 120\u00b0 left", (120.0, None)),
        ("(30, -10)", (30.0, -10.0)),
        ("270", (-90.0, None)),
        ("at 3 o'clock", (-90.0, None)),
        ("It comes from the front left.", (45.0, None)),
        ("behind you", (180.0, None)),
        ("behind, to the right", (-135.0, None)),
        ("directly above", (0.0, 90.0)),
        ("left or right, I am not sure", None),
        ("azimuth 30 or azimuth 60", None),
        ("azimuth 900", None),
        ("a dog", None),
        ("elevation 20 degrees", None),
    ],
)
def test_directions(text: str, due: tuple[float, float | None] | None) -> None:
    found = quantities.direction(text)
    assert found == (None if due is None else (pytest.approx(due[0]), due[1]))


@pytest.mark.parametrize(
    ("text", "quantity", "due"),
    [
        ("The talker is 2.5 m away (about 8 feet).", "distance", 2.5),
        ("250 cm", "distance", 2.5),
        ("ten feet: 10 ft", "distance", 3.048),
        ("2,5 metres", "distance", 2.5),
        ("1 m or 2 m", "distance", None),
        ("3", "distance", 3.0),
        ("far", "distance", None),
        ("T60 is 0.55 s", "t60", 0.55),
        ("550 ms", "t60", 0.55),
        ("at 01:02:03", "time", 3723.0),
        ("at 1:30", "time", 90.0),
        ("after 2 minutes", "time", 120.0),
        ("-3 dB", "drr", -3.0),
        ("about 1,200 m\u00b3", "volume", 1200.0),
        ("85 cubic metres", "volume", 85.0),
        ("There are two sounds.", "count", 2.0),
        ("2", "count", 2.0),
        ("2.5", "count", None),
        ("two or three", "count", None),
    ],
)
def test_amounts(text: str, quantity: str, due: float | None) -> None:
    assert quantities.amount(text, quantity) == (None if due is None else pytest.approx(due))


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("from 1.5 s to 3 s", ((1.5, 3.0),)),
        ("0:05-0:10", ((5.0, 10.0),)),
        ("[2.0, 4.5]", ((2.0, 4.5),)),
        ("between 1 and 2 seconds and from 00:01:00 to 00:01:30", ((1.0, 2.0), (60.0, 90.0))),
        ("from 3 s to 1 s", ()),
        ("at 3 s", ()),
    ],
)
def test_spans(text: str, due: tuple[tuple[float, float], ...]) -> None:
    assert quantities.spans_s(text) == due


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("less than 1 m", (-float("inf"), 1.0)),
        ("from 1 m to 2 m", (1.0, 2.0)),
        ("more than 4 m", (4.0, float("inf"))),
        ("2 m", (2.0, 2.0)),
        ("near", None),
    ],
)
def test_bounds_of_options(text: str, due: tuple[float, float] | None) -> None:
    assert quantities.bounds(text, "distance") == due


@pytest.mark.parametrize("azimuth", range(-179, 181, 7))
def test_octants_are_read_as_they_are_written(azimuth: int) -> None:
    read = quantities.words_azimuth(quantities.octant_text(azimuth))
    assert read is not None
    assert abs((read - azimuth + 180) % 360 - 180) <= 22.5
