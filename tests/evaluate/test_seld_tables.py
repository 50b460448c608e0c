"""The CSV dialects, and one line for every file that breaks their rules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spatial_lalm.audio.conventions import unit_vector
from spatial_lalm.evaluate.files import FileProblem
from spatial_lalm.evaluate.seld_tables import Coordinates, SeldReader, SeldTable, Unit

HEADER = "frame,class,source,azimuth,distance,onscreen\n"


def read(
    folder: Path,
    text: str,
    benchmark: str = "dcase2024",
    reference: bool = True,
    unit: Unit | None = None,
    coordinates: Coordinates = "polar",
) -> SeldTable:
    path = folder / "fold4_room1_mix001.csv"
    path.write_text(text)
    return SeldReader(benchmark, reference, unit, coordinates)(path)


def test_columns_and_units_of_each_benchmark(tmp_path: Path) -> None:
    found = read(tmp_path, "3,7,1,90,30,234\n4,7,1,-180,-90,50\n")
    assert [found.frames.tolist(), found.classes.tolist(), found.sources.tolist()] == [[3, 4], [7, 7], [1, 1]]
    np.testing.assert_allclose(found.directions, unit_vector([90, -180], [30, -90]))
    assert found.distances.tolist() == [2.34, 0.5]
    assert found.onscreen.tolist() == [-1, -1]
    assert read(tmp_path, "0,0,0,9,3,2.34\n", reference=False).distances.tolist() == [2.34]
    stereo = read(tmp_path, HEADER + "0,0,0,-90,234,1\n", "dcase2025", reference=False)
    np.testing.assert_allclose(stereo.directions, [[0, -1, 0]], atol=1e-15)
    assert (stereo.distances.tolist(), stereo.onscreen.tolist()) == ([2.34], [1])


@pytest.mark.parametrize("benchmark", ["dcase2022", "dcase2023"])
@pytest.mark.parametrize("row", ["0,0,0,90,0", "0,0,0,90,0,234"])
def test_distances_are_not_read_where_they_are_not_scored(tmp_path: Path, benchmark: str, row: str) -> None:
    found = read(tmp_path, row + "\n", benchmark)
    assert np.isnan(found.distances).all()
    np.testing.assert_allclose(found.directions, [[0, 1, 0]], atol=1e-15)


def test_vectors_of_any_length_are_directions(tmp_path: Path) -> None:
    found = read(tmp_path, "0,0,0,0,0.5,0,2.0\n", reference=False)
    assert (found.directions.tolist(), found.distances.tolist()) == ([[0, 1, 0]], [2])
    six = read(tmp_path, "0,0,0,0,0,-3\n", "dcase2022", reference=False, coordinates="cartesian")
    assert six.directions.tolist() == [[0, 0, -1]]


def test_an_empty_prediction_is_silence_and_so_is_a_header_alone(tmp_path: Path) -> None:
    assert len(read(tmp_path, "", reference=False)) == 0
    assert len(read(tmp_path, HEADER, "dcase2025")) == 0


def test_a_unit_that_is_told_is_believed(tmp_path: Path) -> None:
    assert read(tmp_path, "0,0,0,9,3,2.5\n", unit="cm").distances.tolist() == [0.025]
    assert read(tmp_path, "0,0,0,9,3,2.5\n", unit="m").distances.tolist() == [2.5]


GOOD = "0,1,0,90,30,200\n"
MALFORMED = {
    "missing column": (GOOD + "1,1,0,90,30\n", "row 2: 5 columns where 6 are due"),
    "no distance": ("0,1,0,90,30\n", "row 1: 5 columns without a distance, which dcase2024 scores"),
    "too few": ("0,1,0\n", "row 1: 3 columns: give 5"),
    "empty": ("", "row 1: the reference is empty"),
    "blank line": (GOOD + "\n" + GOOD, "row 2: 0 columns"),
    "words": (GOOD + "1,1,0,north,30,200\n", "row 2: azimuth 'north' is no finite number"),
    "nan": ("0,1,0,nan,30,200\n", "row 1: azimuth 'nan' is no finite number"),
    "half a frame": ("0.5,1,0,90,30,200\n", "row 1: frame 0.5 is no whole number"),
    "negative class": ("0,-1,0,90,30,200\n", "row 1: class -1 is no whole number"),
    "a frame after days": ("9000000,1,0,90,30,200\n", "row 1: frame 9e.06 lies outside 0 to 864000"),
    "azimuth": ("0,1,0,400,30,200\n", "row 1: azimuth 400 lies outside -180 to 360"),
    "elevation": (GOOD + "1,1,0,90,91,200\n", "row 2: elevation 91 lies outside -90 to 90"),
    "no distance at all": ("0,1,0,90,30,0\n", "row 1: a distance of zero or less"),
    "metres for centimetres": ("0,1,0,90,30,2\n", "row 1: a median distance of 2 cm: give --reference-unit m"),
    "duplicated id": (GOOD + "1,1,0,9,3,200\n" + GOOD, r"row 3: frame, class and source \(0, 1, 0\) came in row 1"),
}


@pytest.mark.parametrize(("text", "words"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_reference_is_one_line_with_file_row_and_rule(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(FileProblem, match=f"fold4_room1_mix001.csv, {words}") as refused:
        read(tmp_path, text)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0,0,0,9,200,1\n", "row 1: the header lacks frame, class"),
        ("frame,class,source,azimuth,distance\n", "row 1: the header lacks onscreen"),
        ("frame,class,source,distance,azimuth,onscreen\n", "row 1: the header is frame"),
        ("", "row 1: the header lacks"),
        (HEADER + "0,0,0,9,200\n", "row 2: 5 columns where 6 are due"),
        (HEADER + "0,0,0,9,200,2\n", "row 2: onscreen 2 lies outside 0 to 1"),
    ],
)
def test_headers_of_2025(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(FileProblem, match=words):
        read(tmp_path, text, "dcase2025")


def test_predictions_in_centimetres_are_refused_where_metres_are_due(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="median distance of 200 m: give --prediction-unit cm"):
        read(tmp_path, GOOD, reference=False)


def test_predictions_may_name_a_source_twice(tmp_path: Path) -> None:
    assert len(read(tmp_path, "0,1,0,90,30,2\n0,1,0,10,30,2\n", reference=False)) == 2


def test_vectors_that_point_nowhere_and_bytes_that_are_no_text(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="row 2: x, y, z are zero"):
        read(tmp_path, "0,0,0,0,1,0,2\n1,0,0,0,0,0,2\n", reference=False)
    path = tmp_path / "b.csv"
    path.write_bytes(b"0,0,\xff")
    with pytest.raises(FileProblem, match="byte 4 is no UTF-8"):
        SeldReader("dcase2023", True)(path)
