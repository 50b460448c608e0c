"""Items survive JSON, and what is wrong in a line is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.benchmark import (
    Choice,
    Decline,
    Direction,
    Item,
    Number,
    Span,
    Tracks,
    Truth,
    Words,
    YesNo,
)
from spatial_lalm.evaluate.item_json import item_from_json, item_to_json

ROOT = Path("/data/bench")
TRUTHS: list[Truth] = [
    Choice(("left", "right"), 1),
    YesNo(False),
    Direction(-90.0),
    Direction(0.0, 12.5),
    Number("t60", 0.45),
    Span(((0.0, 1.5), (3.0, 4.0))),
    Words(("a dog", "dog")),
    Words(("good morning",), transcript=True),
    Decline(),
    Tracks(ROOT / "labels" / "a.csv", "dcase2024"),
]


@pytest.mark.parametrize("truth", TRUTHS)
def test_items_survive_json(truth: Truth) -> None:
    plain = Item("a", (ROOT / "a.wav",), "Where?", truth, "a")
    full = Item("b", (ROOT / "b" / "1.wav", Path("/elsewhere/2.wav")), "Where?", truth, "room 1", "moving", "ambix",
                str(ROOT / "arrays" / "mine.json"), 1.5, 2.5, {"snr_db": 0.0, "t60_s": 0.4})  # fmt: skip
    for item in (plain, full):
        text = json.dumps(item_to_json(item, ROOT))
        assert item_from_json(json.loads(text), ROOT) == item
    assert item_to_json(full, ROOT)["audio"] == ["b/1.wav", "/elsewhere/2.wav"]
    assert item_to_json(full, ROOT)["array"] == "arrays/mine.json"
    assert item_to_json(plain, ROOT).keys() == {"name", "audio", "question", "truth", "recording"}


def test_a_preset_stays_a_name() -> None:
    values = {"name": "a", "audio": "a.wav", "question": "?", "truth": {"type": "decline"}, "array": "em32"}
    assert item_from_json(values, ROOT).array == "em32"
    assert item_from_json(values, ROOT).recording == "a"


GOOD: dict[str, Any] = {"name": "a", "audio": "a.wav", "question": "Where?", "truth": {"type": "yes_no", "yes": True}}
BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"name": None}, "name must be a text"),
    ({"question": "  "}, "question must be a text with words"),
    ({"audio": []}, "audio must be a path or a list"),
    ({"audio": "../a.wav"}, "audio ../a.wav leads out"),
    ({"azimuth": 3}, "field azimuth is unknown"),
    ({"start_s": 2, "end_s": 1}, "0 <= start_s < end_s"),
    ({"start_s": "2"}, "start_s '2' must be a finite number"),
    ({"facts": {"snr_db": "loud"}}, "snr_db 'loud' must be a finite number"),
    ({"facts": [1]}, "facts must be an object"),
    ({"truth": None}, "lacks truth"),
    ({"truth": {"type": "guess"}}, "truth type 'guess' is unknown: choose choice"),
    ({"truth": {"type": "yes_no", "yes": 1}}, "yes must be true or false"),
    ({"truth": {"type": "choice", "options": ["a"], "right": 0}}, "options must be a list of 2"),
    (
        {"truth": {"type": "choice", "options": ["a", "b"], "right": 2}},
        "right 2 must be the place of an option, 0 to 1",
    ),
    ({"truth": {"type": "direction", "azimuth_deg": 270}}, "azimuth_deg 270 lies outside -180 to 180"),
    ({"truth": {"type": "direction", "azimuth_deg": 0, "elevation_deg": 100}}, "elevation_deg 100 lies outside"),
    ({"truth": {"type": "number", "quantity": "t60", "value": 450}}, "value 450 lies outside 0 to 30: .* another unit"),
    ({"truth": {"type": "number", "quantity": "weight", "value": 1}}, "quantity 'weight' is unknown"),
    ({"truth": {"type": "number", "quantity": "count"}}, "lacks value"),
    ({"truth": {"type": "span", "parts_s": []}}, "parts_s must be a list"),
    ({"truth": {"type": "span", "parts_s": [[2, 1]]}}, r"parts_s \[2, 1\] must be 0 <= start <= end"),
    ({"truth": {"type": "span", "parts_s": [[1]]}}, r"parts_s \[1\] must be \[start, end\]"),
    ({"truth": {"type": "words", "accepted": []}}, "accepted must be a list of 1"),
    ({"truth": {"type": "tracks", "table": "a.csv"}}, "lacks protocol"),
]


@pytest.mark.parametrize(("change", "words"), BROKEN)
def test_what_is_wrong_is_named(change: dict[str, Any], words: str) -> None:
    assert item_from_json(GOOD, ROOT).truth == YesNo(True)
    with pytest.raises(InputError, match=words) as refused:
        item_from_json(GOOD | change, ROOT)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("key", ["name", "audio", "question", "truth"])
def test_a_field_that_is_left_out_is_named(key: str) -> None:
    values = {name: value for name, value in GOOD.items() if name != key}
    with pytest.raises(InputError, match=f"lacks {key}|{key} must be"):
        item_from_json(values, ROOT)
