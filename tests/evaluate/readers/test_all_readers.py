"""Every reader: its sample is read whole, and each way to break it is one problem with file, row and rule."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spatial_lalm.audio.recording import Recording
from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.benchmark import Loaded
from spatial_lalm.evaluate.readers import READERS

Make = Callable[[str], Any]
EVERY = pytest.mark.parametrize("name", READERS)


def load(name: str, sample: Any) -> Loaded:
    return READERS[name].read(sample.folder, sample.split)


def only_problem(name: str, sample: Any, kind: str, words: str) -> None:
    """One problem, which names the table or the sound, and nothing of the other two recordings or rows is lost."""
    whole = sample.items // 3
    found = load(name, sample)
    assert len(found.problems) == 1, [str(one) for one in found.problems]
    problem = found.problems[0]
    assert problem.kind == kind
    assert Path(problem.path).name in (sample.table.name, sample.sound.name)
    assert re.search(words, str(problem)), str(problem)
    assert "\n" not in str(problem)
    assert len(found.items) >= sample.items - whole - 1


@EVERY
def test_a_sample_is_read_whole_and_its_recordings_open(name: str, sample: Make) -> None:
    made = sample(name)
    found = load(name, made)
    assert found.problems == ()
    assert len(found.items) == made.items
    assert len({item.name for item in found.items}) == made.items
    for item in found.items:
        assert item.question
        assert Recording.open(item.audio[0], item.format, item.array).duration_s > 0
    assert [item.name for item in load(name, made).items] == [item.name for item in found.items]


@EVERY
def test_an_empty_table_says_so(name: str, sample: Make) -> None:
    made = sample(name)
    made.table.write_text("")
    lone = made.table.suffix in (".csv", ".txt", ".rttm") or name == "dcase2026"  # a table a recording
    found = load(name, made)
    # That of 2025 has a header, which an empty file lacks.
    assert [problem.kind for problem in found.problems] == ["malformed" if name == "dcase2025" else "empty"]
    assert found.problems[0].row == 1
    assert len(found.items) == (made.items * 2 // 3 if lone else 0)


@EVERY
def test_a_missing_column_is_named_with_its_row(name: str, sample: Make) -> None:
    made = sample(name)
    text = made.table.read_text()
    if made.column:
        lines = made.table.suffix == ".jsonl"
        rows = [json.loads(line) for line in text.splitlines()] if lines else json.loads(text)
        listed = rows if isinstance(rows, list) else next(iter(rows.values()))
        del listed[1][made.column]
        made.table.write_text("".join(json.dumps(row) + "\n" for row in rows) if lines else json.dumps(rows))
        only_problem(name, made, "malformed", f"row 2: lacks .*{made.column}")
    else:
        separator = {".csv": ",", ".txt": "\t", ".rttm": " "}[made.table.suffix]
        first, *others = text.splitlines()
        made.table.write_text("\n".join([first.rpartition(separator)[0].rpartition(separator)[0], *others]) + "\n")
        only_problem(name, made, "malformed", r"row \d: .*(columns|lacks|give SPEAKER)")


@EVERY
def test_an_identity_may_come_once(name: str, sample: Make) -> None:
    made = sample(name)
    text = made.table.read_text()
    if made.table.suffix == ".json":
        rows = json.loads(text)
        listed = rows if isinstance(rows, list) else next(iter(rows.values()))
        listed.append(listed[0])
        made.table.write_text(json.dumps(rows))
    elif name == "locata":  # its identities are the times, in a file of their own
        required = made.table.with_name("required_time.txt")
        header, first, _, *others = required.read_text().splitlines()
        required.write_text("\n".join([header, first, first, *others]) + "\n")
        (problem,) = load(name, made).problems
        assert re.search("required_time.txt, row 3: time .* came in row 2 already", str(problem))
        return
    else:
        made.table.write_text(text + text.splitlines()[-1] + "\n")
    only_problem(name, made, "malformed", r"came in row \d already")


@EVERY
def test_a_wrong_unit_or_answer_is_refused(name: str, sample: Make) -> None:
    made = sample(name)
    made.wrong()
    only_problem(name, made, "malformed", made.rule)


@EVERY
def test_a_sound_that_was_cut_is_told_by_its_header(name: str, sample: Make) -> None:
    made = sample(name)
    made.sound.write_bytes(made.sound.read_bytes()[:-4000])
    found = load(name, made)
    assert found.problems
    assert {problem.kind for problem in found.problems} == {"malformed"}
    assert "truncated" in str(found.problems[0])
    assert str(made.sound) in str(found.problems[0])


@EVERY
def test_an_absent_sound_is_a_problem_of_its_row(name: str, sample: Make) -> None:
    made = sample(name)
    made.sound.unlink()
    found = load(name, made)
    assert {problem.kind for problem in found.problems} == {"missing"}
    assert made.sound.stem.removesuffix("_A") in str(found.problems[0])
    assert made.items - len(found.items) == made.items // 3 or name == "spatial-sound-qa"


@EVERY
def test_what_is_not_there_at_all_is_one_line(name: str, sample: Make, tmp_path: Path) -> None:
    reader = READERS[name]
    with pytest.raises(InputError, match=r"is no folder|holds no items"):
        reader.read(tmp_path / "nowhere", reader.splits[0])
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match=r"holds no|has no"):
        reader.read(empty, reader.splits[0])
    made = sample(name)
    with pytest.raises(InputError, match=r"split 'bogus' is unknown; choose|bogus: holds no items"):
        reader.read(made.folder, "bogus")


def test_readers_tell_their_names_and_layouts() -> None:
    for name, reader in READERS.items():
        assert reader.name == name
        assert reader.layout
        assert reader.splits
    guide = (Path(__file__).parents[3] / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert [name for name in READERS if f"`{name}`" not in guide] == []
