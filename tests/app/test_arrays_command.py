"""``spatial-lalm arrays``: the list, arrays as JSON that reads back, and the plot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spatial_lalm.app import cli
from spatial_lalm.app.arrays import IDEAL, figure
from spatial_lalm.audio.arrays import MicrophoneArray
from spatial_lalm.audio.conventions import acn_orders
from spatial_lalm.audio.encoding import encoding_quality
from spatial_lalm.audio.presets import preset, preset_names


def listed(capsys: pytest.CaptureFixture[str]) -> dict[str, dict]:
    assert cli.main(["arrays", "--json"]) == 0
    return {row["name"]: row for row in json.loads(capsys.readouterr().out)}


def test_the_list_names_every_preset_and_the_ideal(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["arrays"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["NAME", *preset_names(), *IDEAL]
    assert max(map(len, lines)) <= 140


def test_the_list_says_what_arrays_hear(capsys: pytest.CaptureFixture[str]) -> None:
    rows = listed(capsys)
    assert set(rows) == set(preset_names())
    assert {name: rows[name]["microphones"] for name in rows} == {name: preset(name).microphones for name in rows}
    assert {name: rows[name]["hears"] for name in ("em32", "tetrahedral", "circle8", "linear4", "binaural")} == {
        "em32": "all round",
        "tetrahedral": "all round",
        "circle8": "azimuth",
        "linear4": "left-right",
        "binaural": "left-right",
    }
    assert {name: rows[name]["order"] for name in ("em32", "zylia", "starss_mic", "binaural")} == {
        "em32": 3,
        "zylia": 3,
        "starss_mic": 1,
        "binaural": 1,
    }
    assert (rows["em32"]["rigid"], rows["em32"]["radius_cm"]) == (True, 4.2)
    low, high = rows["em32"]["band_hz"]
    assert low < 150
    assert 5000 < high < 12_000


@pytest.mark.parametrize("name", preset_names())
def test_an_array_reads_back_identical(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["arrays", name]) == 0
    path = tmp_path / "array.json"
    path.write_text(capsys.readouterr().out)
    again = MicrophoneArray.load(path)
    assert again == preset(name)
    assert again.name == name
    assert cli.main(["arrays", str(path)]) == 0
    assert capsys.readouterr().out == path.read_text()


def test_the_plot_is_a_picture_of_the_mask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mask.png"
    assert cli.main(["arrays", "circle6", "--plot", str(path), "--rate", "16000"]) == 0
    assert path.read_bytes().startswith(b"\x89PNG")
    assert "quality mask of array circle6" in capsys.readouterr().out
    assert cli.main(["arrays", "circle6", "--plot", str(path)]) == 2
    assert "the file exists" in capsys.readouterr().err
    drawn = figure(preset("circle6"), 1, 16_000)
    quality = encoding_quality(preset("circle6"), 1, 16_000)
    above, below = drawn.axes[:2]
    for degree, line in enumerate(above.lines):
        assert line.get_ydata().tolist() == quality[acn_orders(1) == degree].mean(axis=0).tolist()
    assert below.collections[0].get_array().tolist() == quality.tolist()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["foa"], "foa is ideal ambisonics, which has no capsules"),
        (["nothing"], "array 'nothing' is not known: choose tetrahedral"),
        (["absent.sofa"], "absent.sofa: no such SOFA file"),
        (["em32", "--plot", "mask.pdf"], "the plot is a PNG: name it .png"),
        (["em32", "--plot", "there/mask.png"], "there is no folder there"),
        (["tetrahedral", "--plot", "mask.png", "--order", "2"], "array tetrahedral has 4: choose --order 1"),
        (["--plot", "mask.png"], "name the array to plot"),
    ],
)
def test_mistakes_are_one_line(words: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["arrays", *words]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert line in shown.err
    assert shown.err.count("\n") == 1
