"""AudioMarathon: ten tasks on recordings of minutes, a folder a task; eight tables, deepfakes, transcripts.

The tables are found by name anywhere in the folder (or in a subfolder called as the split), the audio below the table's
folder. Answers are letters or words, options four columns, a list or an object by letter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.benchmark import Choice, Item, Loaded, Reader, Words
from spatial_lalm.evaluate.files import FileProblem, read_text
from spatial_lalm.evaluate.readers.choice_tables import ChoiceTable, read_choices
from spatial_lalm.evaluate.readers.gathering import SOUNDS, Gathering, check_split
from spatial_lalm.evaluate.readers.rows import Row

_COLUMNS = ChoiceTable(
    (),
    identity=("uniq_id", "id", "path"),
    audio=("path",),
    options=("choice_a", "choice_b", "choice_c", "choice_d", "choice_e"),
    answer=("answer_gt",),
    category=("task_name", "task_type", "dataset_name"),
    under=("tasks", "data"),
    letters=True,
)
TABLES = {
    "race": replace(
        _COLUMNS,
        tables=("race_benchmark.json",),
        identity=("audio_path", "question"),  # several questions an article, and none has an identity of its own
        joined=True,
        audio=("audio_path",),
        options=("options",),
        answer=("answer",),
    ),
    "slue": replace(_COLUMNS, tables=("merged_audio_data.json",)),
    "scenes": replace(_COLUMNS, tables=("acoustic_scene_task_meta.json",)),
    "emotion": replace(_COLUMNS, tables=("audio_emotion_dataset.json",)),
    "gender": replace(_COLUMNS, tables=("gender_id_task_meta.json",)),
    "age": replace(_COLUMNS, tables=("age_classification_task_meta.json",)),
    "genre": replace(_COLUMNS, tables=("music_genre_classification_meta.json",)),
    "events": replace(_COLUMNS, tables=("desed_sound_event_detection_task.json",), options=("choices",)),
}
SPLITS = (*TABLES, "deepfake", "transcripts")
FAKE = "Is this recording completely authentic, or does it contain artificially synthesised segments?"
AUTHENTIC = ("real", "fake")


def read(folder: Path, split: str) -> Loaded:
    """Gather a task."""
    gathered = Gathering(folder)
    check_split(split, SPLITS)
    if split == "deepfake":
        _deepfakes(gathered)
    elif split == "transcripts":
        _transcripts(gathered)
    else:
        _questions(gathered, TABLES[split])
    return gathered.loaded()


def _questions(gathered: Gathering, layout: ChoiceTable) -> None:
    name = layout.tables[0]
    found = sorted(gathered.folder.rglob(name))
    if not found:
        raise InputError(f"{gathered.folder}: holds no {name}; see docs/benchmarks.md for the layout")
    table = found[0]
    inside = str(table.parent.relative_to(gathered.folder))
    read_choices(gathered, replace(layout, roots=(inside, f"{inside}/wav")), table)


def _deepfakes(gathered: Gathering) -> None:
    """``real/`` and ``fake/`` with sounds: there is no table, the folder is the answer."""
    for right, kind in enumerate(AUTHENTIC):
        folders = [path for path in sorted(gathered.folder.rglob(kind)) if path.is_dir()]
        if not folders:
            raise InputError(f"{gathered.folder}: holds no folder {kind}; deepfakes lie in real/ and fake/")
        paths = [path for path in sorted(folders[0].iterdir()) if path.suffix in SOUNDS]
        if not paths:
            gathered.note(FileProblem(folders[0], "holds no sound", kind="empty"))
        for path in paths:
            row = Row(path, 1, {})
            with gathered.noting():
                gathered.header(row, path)
                name = gathered.name(row, f"{kind}/{path.stem}")
                gathered.add(Item(name, (path,), FAKE, Choice(AUTHENTIC, right), name, "deepfake"))


def _transcripts(gathered: Gathering) -> None:
    """LibriSpeech-long: ``*.flac`` beside ``NAME.txt``, or lines ``NAME words`` in ``*.trans.txt``."""
    paths = sorted(gathered.folder.rglob("*.flac"))
    if not paths:
        raise InputError(f"{gathered.folder}: holds no .flac; transcripts lie beside theirs")
    spoken = {folder: dict(_spoken(folder)) for folder in {path.parent for path in paths}}
    for path in paths:
        row = Row(path, 1, {})
        with gathered.noting():
            words = spoken[path.parent].get(path.stem)
            if words is None:
                raise row.problem(f"has no transcript: neither {path.stem}.txt nor a line in *.trans.txt", "missing")
            if not words:
                raise row.problem(f"the transcript of {path.stem} is empty", "empty")
            gathered.header(row, path)
            name = gathered.name(row, str(path.relative_to(gathered.folder).with_suffix("")))
            gathered.add(Item(name, (path,), "What is said?", Words((words,), transcript=True), name, "transcripts"))


def _spoken(folder: Path) -> Iterator[tuple[str, str]]:
    """Names and words of a folder; files of one recording count more than lists."""
    for path in sorted(folder.glob("*.trans.txt")):
        for line in read_text(path).splitlines():
            name, _, words = line.partition(" ")
            yield name, words.strip()
    for path in sorted(folder.glob("*.txt")):
        if not path.name.endswith(".trans.txt"):
            yield path.stem, read_text(path).strip()


AUDIO_MARATHON = Reader(
    "audio-marathon", SPLITS, "a folder a task: its JSON table with the audio below it; real/ and fake/; *.flac", read
)
