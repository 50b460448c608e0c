"""Numbers in free text."""

from __future__ import annotations

import numpy as np
import pytest

from spatial_lalm.evaluate.run import quantities


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
        ("It barks once.", "count", 1),
        ("twice", "count", 2),
        ("three times", "count", 3),
        ("a couple of sounds", "count", 2),
        ("All at once, two sounds", "count", 2),
        ("There are two: the first one is a dog, the other one a cat", "count", 2),
        ("There are 3 sounds:\n1. dog\n2. cat\n3. car", "count", 3),
        ("There are no sounds.", "count", 0),
        ("None", "count", 0),
        ("I hear nothing", "count", 0),
        ("No one speaks", "count", 0),
        ("There is no way to tell", "count", None),
        ("There are 2 sounds, at 30\u00b0 and -20\u00b0, starting at 1.5 s", "count", 2),
        ("Speaker 1 and speaker 2: two talkers", "count", 2),
        ("several", "count", None),
        ("2-3", "count", None),
        ("two metres", "distance", 2),
        ("two and a half metres", "distance", 2.5),
        ("half a metre", "distance", 0.5),
        ("30 degrees to the left", "distance", None),
        ("azimuth 30", "distance", None),
        ("There are 3 sources", "distance", None),
        ("3 m/s", "distance", None),
        ("3 inches", "distance", 0.0762),
        ("6 yards", "distance", 5.4864),
        ("1 minute 30 seconds", "time", 90),
        ("1 h 2 min 3 s", "time", 3723),
        ("2 hours 5 minutes", "time", 7500),
        ("1m30s", "time", 90),
        ("half a second", "time", 0.5),
        ("0.5 s \u00b1 0.1 s", "t60", 0.5),
        ("RT60 = 0.5", "t60", 0.5),
        ("minus 3 dB", "drr", -3),
        ("1,200.5 m3", "volume", 1200.5),
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
        ("It starts at 2 s and ends at 5.5 s.", ((2, 5.5),)),
        ('{"start": 2.0, "end": 5.0}', ((2, 5),)),
        ("from 1 to 2 minutes", ((60, 120),)),
        ("from 1 min 5 s to 2 min", ((65, 120),)),
        ("begins at 2 s and lasts for 3 s", ((2, 5),)),
        ("500 ms to 1500 ms", ((0.5, 1.5),)),
        ("The dog starts at 00:02 and stops at 00:05", ((2, 5),)),
        ("1.0s \u2013 2.5s, 4.0s \u2013 5.0s", ((1, 2.5), (4, 5))),
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


@pytest.mark.parametrize(
    ("text", "quantity", "due"),
    [
        ("2-3 m", "distance", 2.5),
        ("between 2 and 3 metres", "distance", 2.5),
        ("2 to 3 metres away", "distance", 2.5),
        ("200\u2013250 cm", "distance", 2.25),
        ("between 1 and 3 m", "distance", None),
        ("0.4-0.6 s", "t60", 0.5),
        ("0.2 to 1.2 s", "t60", None),
        ("between 3 and 4 s", "time", 3.5),
        ("from 2 s to 2.8 s", "time", None),
        ("-3 to -1 dB", "drr", -2),
        ("-6 to -1 dB", "drr", None),
        ("100-150 m\u00b3", "volume", 125),
        ("between 2 and 3", "count", None),
    ],
)
def test_a_range_is_its_middle_where_both_ends_would_be_right(text: str, quantity: str, due: float | None) -> None:
    assert quantities.amount(text, quantity) == (None if due is None else pytest.approx(due))


@pytest.mark.parametrize("text", ["more than 3 m", "at least two", "within 2 m", "> 3 m", "under about 3 s"])
def test_bounds_are_no_amounts(text: str) -> None:
    assert quantities.is_bound(text)


@pytest.mark.parametrize("text", ["just over 3 m", "3 m", "slightly more than 3 m", "over there, 3 m away"])
def test_amounts_are_no_bounds(text: str) -> None:
    assert not quantities.is_bound(text)


def test_written_amounts_are_read_back() -> None:
    """Values in every unit and frame, against the value that was written."""
    rng = np.random.default_rng(0)
    for quantity, unit, worth in (("distance", "m", 1.0), ("distance", "cm", 0.01), ("distance", "feet", 0.3048),
                                  ("t60", "ms", 1e-3), ("time", "minutes", 60.0), ("drr", "dB", 1.0),
                                  ("volume", "cubic metres", 1.0)):  # fmt: skip
        for frame in (
            "{} {}",
            "It is about {} {}.",
            "**{} {}** (approximately)",
            "At azimuth 30\u00b0, {} {}.",
            "~{} {}",
        ):
            value = round(float(rng.uniform(0.1, 90.0)), 1)
            said = quantities.amount(frame.format(value, unit), quantity)
            assert said == pytest.approx(value * worth), (quantity, unit, frame)


def test_written_clock_times_are_read_back() -> None:
    rng = np.random.default_rng(1)
    for second in rng.integers(0, 20_000, 50):
        hours, rest = divmod(int(second), 3600)
        forms = [f"{hours}:{rest // 60:02d}:{rest % 60:02d}", f"{hours} h {rest // 60} min {rest % 60} s"]
        assert [quantities.amount(f"at {form}", "time") for form in forms] == [second, second]
