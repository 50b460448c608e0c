"""Directions in free text."""

from __future__ import annotations

import numpy as np
import pytest

from spatial_lalm.audio.wording import azimuth_words
from spatial_lalm.evaluate.run.bearings import direction, words_azimuth


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("azimuth 30, elevation -10", (30, -10)),
        ("The talker is at azimuth: \u221245\xb0.", (-45, None)),
        ("30 degrees to the right", (-30, None)),
        ("about 120\xb0 left", (120, None)),
        ("(30, -10)", (30, -10)),
        ("270", (-90, None)),
        ("at 3 o'clock", (-90, None)),
        ("It comes from the front left.", (45, None)),
        ("behind you", (180, None)),
        ("behind, to the right", (-135, None)),
        ("directly above", (0, 90)),
        ("left or right, I am not sure", None),
        ("azimuth 30 or azimuth 60", None),
        ("azimuth 900", None),
        ("a dog", None),
        ("elevation 20 degrees", None),
        ("azimuth unknown, elevation 10", None),
        ("It is on the right at about 90 degrees.", (-90, None)),
        ("azimuth 45\xb0 (front right)", (-45, None)),
        ("azimuth 315\xb0 (front right)", (-45, None)),
        ("azimuth -30\xb0 (to the right)", (-30, None)),
        ("azimuth -30\xb0 (to the left)", None),
        ("azimuth 150 (in front)", None),
        ("It's right in front of you.", (0, None)),
        ("right behind you", (180, None)),
        ("It's not on the left, it is on the right", (-90, None)),
        ("not from the left", None),
        ("in front", (0, None)),
        ("In front of you, slightly to the left", (45, None)),
        ("between 30 and 60 degrees", (45, None)),
        ("30-60 degrees to the left", (45, None)),
        ("between 0 and 90 degrees", None),
        ("from 30 to 60 degrees", None),
        ("azimuth between 30 and 40, elevation 10", (35, 10)),
        ("30\xb0 clockwise", (-30, None)),
        ("azimuth 30 degrees counter-clockwise", (30, None)),
        ("three o'clock", (-90, None)),
        ("between 2 and 3 o'clock", (-75, None)),
        ("at your 10 o'clock", (60, None)),
        ("0.5236 rad", (30, None)),
        ('{"azimuth": 30, "elevation": -10}', (30, -10)),
        ("azimuth_deg: 30\nelevation_deg: 5", (30, 5)),
        ("azimuth angle of approximately 30 degrees", (30, None)),
        ("Azimuth = 30, Elevation = 10", (30, 10)),
        ("minus 30 degrees", (-30, None)),
        ("behind you, 30 degrees to the left", None),
        ("from left to right", None),
        ("The speech comes from the front left, slightly above: azimuth 56\xb0, elevation 14\xb0.", (56, 14)),
        ("90\xb0 left, 0\xb0 elevation", (90, None)),
        ("azimuth 30\xb0. It later moves to the right.", (30, None)),
        ("(30\xb0, 10\xb0)", (30, 10)),
        ("45 degrees to your right-hand side", (-45, None)),
        ("The sound is 2 m away", None),
        ("azimuth 10 (right)", (-10, None)),
    ],
)
def test_directions(text: str, due: tuple[float, float | None] | None) -> None:
    found = direction(text)
    assert found == (None if due is None else (pytest.approx(due[0], abs=0.01), due[1]))


@pytest.mark.parametrize("azimuth", range(-179, 181, 7))
def test_octants_are_read_as_they_are_written(azimuth: int) -> None:
    read = words_azimuth(azimuth_words(azimuth))
    assert read is not None
    assert abs((read - azimuth + 180) % 360 - 180) <= 22.5


def test_written_directions_are_read_back() -> None:
    """Every azimuth in every form, against the angle that was written."""
    rng = np.random.default_rng(0)
    for azimuth in rng.integers(-179, 180, 60):
        side = "left" if azimuth > 0 else "right"
        forms = [f"azimuth {azimuth}, elevation 5", f"({azimuth}\u00b0, 5\u00b0)", f"azimuth: {azimuth % 360} degrees",
                 f"The {azimuth_words(int(azimuth))}: azimuth {azimuth}\u00b0"]  # fmt: skip
        if azimuth:
            forms += [f"{abs(azimuth)} degrees to the {side}", f"on the {side}, at {abs(azimuth)}\u00b0"]
        for form in forms:
            found = direction(form)
            assert found is not None, form
            assert abs((found[0] - azimuth + 180) % 360 - 180) < 1e-6, form
