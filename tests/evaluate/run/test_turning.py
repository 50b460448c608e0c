"""Controls: what becomes of questions, truths and sounds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spatial_lalm.audio.conventions import spherical_harmonics, unit_vector
from spatial_lalm.audio.recording import Recording
from spatial_lalm.evaluate.baselines import intensity_direction
from spatial_lalm.evaluate.benchmark import Choice, Decline, Direction, Item, Truth, YesNo
from spatial_lalm.evaluate.run.controls import BY_NAME, CONTROLS, altered, applies
from spatial_lalm.evaluate.run.turning import mirrored, options_rotated, swapped, turned

SIDES = ("front", "left", "back", "right")
FIELD = (
    spherical_harmonics(2, unit_vector(30.0, 10.0)[None]).T * np.random.default_rng(0).normal(0, 0.1, 8000)
).astype(np.float32)


def item(truth: Truth, question: str = "Where is it?") -> Item:
    return Item("i", (Path("a.wav"),), question, truth, "r")


def test_a_mirrored_direction() -> None:
    found = mirrored(item(Direction(30.0, 10.0)))
    assert found is not None
    assert found.truth == Direction(-30.0, 10.0)


def test_the_right_option_becomes_the_other_side() -> None:
    found = mirrored(item(Choice(SIDES, 1)))
    assert found is not None
    assert found.truth == Choice(SIDES, 3)
    alone = mirrored(item(Choice(("far left", "front"), 0)))
    assert alone is not None
    assert alone.truth == Choice(("far right", "front"), 0)
    assert mirrored(item(Choice(("a dog", "a cat"), 0))) is None


def test_a_question_of_sides_is_swapped_with_its_options() -> None:
    found = mirrored(item(YesNo(True), "Is it on the left?"))
    assert found is not None
    assert (found.question, found.truth) == ("Is it on the right?", YesNo(True))
    assert mirrored(item(YesNo(True), "Is it far?")) is None
    both = mirrored(item(Choice(("Left ear", "right ear"), 0), "Which is left?"))
    assert both is not None
    assert both.truth == Choice(("Right ear", "left ear"), 0)
    assert swapped(swapped("Left or right")) == "Left or right"


def test_a_turned_field() -> None:
    direction, choice = turned(item(Direction(135.0, 5.0)), 90.0), turned(item(Choice(SIDES, 3)), 90.0)
    assert direction is not None
    assert choice is not None
    assert direction.truth == Direction(-135.0, 5.0)
    assert choice.truth == Choice(SIDES, 0)
    assert turned(item(Choice(("left", "a dog"), 0)), 90.0) is None
    assert turned(item(YesNo(True), "Is it on the left?"), 90.0) is None


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_rotated_options_keep_the_right_one(steps: int) -> None:
    found = options_rotated(item(Choice(SIDES, 1)), steps)
    assert found is not None
    assert isinstance(found.truth, Choice)
    assert found.truth.options[found.truth.right] == "left"
    assert sorted(found.truth.options) == sorted(SIDES)
    assert options_rotated(item(Choice(SIDES, 1)), 4) is None


def changed(name: str, recording: Recording) -> Recording:
    found = altered(BY_NAME[name], item(Direction(30.0, 10.0)), [recording])
    assert found is not None
    return found[1][0]


@pytest.mark.parametrize(("name", "azimuth"), [("left and right swapped", -30.0), ("field turned by 90\u00b0", 120.0)])
def test_sound_follows(name: str, azimuth: float) -> None:
    recording = changed(name, Recording.from_array(FIELD, 16_000))
    assert intensity_direction(recording.read()[:4]) == pytest.approx((azimuth, 10.0), abs=0.1)


@pytest.mark.parametrize("form", ["n3d", "fuma"])
def test_other_conventions_come_out_as_ambix(form: str) -> None:
    signals = FIELD[:4] if form == "fuma" else FIELD
    out = changed("field turned by 90\u00b0", Recording.from_array(signals, 16_000, form))
    assert out.format.convention == "ambix"


def test_channels_zeroed_and_mono() -> None:
    recording = Recording.from_array(FIELD, 16_000)
    zeroed, mono = changed("spatial channels zeroed", recording).read(), changed("mono", recording)
    assert np.array_equal(zeroed[0], FIELD[0])
    assert not zeroed[1:].any()
    assert mono.format.kind == "mono"
    assert np.array_equal(mono.read()[0], FIELD[0])
    ears = changed("left and right swapped", Recording.from_array(FIELD[:2], 16_000, "binaural"))
    assert np.array_equal(ears.read(), FIELD[1::-1])


def test_noise_has_the_level_that_it_says() -> None:
    recording = Recording.from_array(FIELD, 16_000)
    noise = changed("noise at 10 dB", recording).read() - FIELD
    power = np.square(noise, dtype=float).mean(1)
    assert 10 * np.log10(np.square(FIELD[0], dtype=float).mean() / power[0]) == pytest.approx(10.0, abs=0.3)
    assert power[1:4] / power[0] == pytest.approx(1 / 3, rel=0.1)
    assert np.array_equal(changed("noise at 10 dB", recording).read() - FIELD, noise)


def test_an_array_is_mirrored_where_it_is_its_own_mirror_image() -> None:
    signals = np.arange(4.0)[:, None] * np.ones((4, 100), np.float32) / 10
    recording = Recording.from_array(signals.astype(np.float32), 16_000, array="tetrahedral")
    assert altered(BY_NAME["left and right swapped"], item(Direction(0.0)), [recording]) is None
    ring = Recording.from_array(np.resize(signals, (6, 100)).astype(np.float32), 16_000, array="circle6")
    heard = changed("left and right swapped", ring)
    positions = ring.format.array.positions  # type: ignore[union-attr]
    for channel, place in enumerate(positions):
        twin = int(np.linalg.norm(positions - place * [1, -1, 1], axis=1).argmin())
        assert np.array_equal(heard.read()[channel], ring.read()[twin])


def test_what_cannot_be_altered() -> None:
    mono = Recording.from_array(FIELD[:1], 16_000)
    for name in ("spatial channels zeroed", "mono", "field turned by 90\u00b0"):
        assert altered(BY_NAME[name], item(Direction(0.0)), [mono]) is None
    deaf = [control.name for control in CONTROLS if applies(control, item(Choice(SIDES, 0)), False)]
    assert deaf == [f"options moved by {steps}" for steps in (1, 2, 3)]


def test_only_the_answered_part_counts(items: tuple[Any, ...]) -> None:
    one = replace(items[0], start_s=0.2, end_s=0.8)
    found = altered(BY_NAME["mono"], one, [Recording.open(one.audio[0])])
    assert found is not None
    assert (found[0].start_s, found[0].end_s, found[1][0].duration_s) == (0.2, 0.8, 1.0)
    assert altered(BY_NAME["mono"], item(Decline()), [Recording.open(one.audio[0])]) is not None
