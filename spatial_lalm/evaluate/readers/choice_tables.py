"""Multiple choice from one table: where the files lie and what their columns are called, as data.

========== ====================================================== =====================================================
benchmark  table                                                  columns: identity, audio, options, answer
========== ====================================================== =====================================================
mmau       ``mmau-test-mini.json`` (v05.15.25)                    id, audio_id, choices, answer (words)
mmau-pro   ``test.parquet``, ``.jsonl`` or ``.json``              id, audio_path (list), choices, answer (words)
mmar       ``MMAR-meta.json`` or ``.jsonl``                       id, audio_path, choices, answer (words)
mmsu       ``question/mmsu.jsonl``                                id, audio_path, choice_a …, answer_gt (words)
star-bench ``meta_info/*.json``                                   id, audio_paths, options, answer (words)
twnm       ``test`` or ``benchmark`` as JSON, lines or CSV        sample_id, audio_path, option_a …, answer_letter
========== ====================================================== =====================================================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import permutations
from pathlib import Path
from typing import Any

from spatial_lalm.evaluate.benchmark import Choice, Item, Loaded, Reader, Words
from spatial_lalm.evaluate.readers import truths
from spatial_lalm.evaluate.readers.gathering import Gathering, check_split
from spatial_lalm.evaluate.readers.rows import Row

Order = Callable[[Row], tuple[Sequence[int], str]]


@dataclass(frozen=True)
class ChoiceTable:
    """A table of multiple choice and what its columns are called; of several names the first that a row has counts.

    ``tables`` relative to the folder, without a suffix where several kinds will do; ``identity`` is with ``joined`` all
    its columns; ``options`` one column of lists, or the columns of the single options; ``letters``: answers are
    letters; ``also`` a second column with the answer in words, which must agree; ``opens``: questions without options
    are answered in free words; ``order`` gives the order in which the clips of a row are heard, and the answer then.
    """

    tables: tuple[str, ...]
    identity: tuple[str, ...] = ("id",)
    audio: tuple[str, ...] = ("audio_path",)
    question: tuple[str, ...] = ("question",)
    options: tuple[str, ...] = ("choices",)
    answer: tuple[str, ...] = ("answer",)
    category: tuple[str, ...] = ("category",)
    under: tuple[str, ...] = ("data",)
    roots: tuple[str, ...] = ("",)
    joined: bool = False
    letters: bool = False
    also: str | None = None
    opens: bool = False
    order: Order | None = None
    format: str | None = None


def read_choices(gathered: Gathering, layout: ChoiceTable, table: Path | None = None) -> None:
    """Gather the questions of a table, by default the first of the layout's that is there."""
    if table is None:
        whole = [name for name in layout.tables if Path(name).suffix]
        stems = [name for name in layout.tables if not Path(name).suffix]
        table = gathered.one_table(*stems) if stems else gathered.table(*whole)
    roots = [*(gathered.folder / root for root in layout.roots), table.parent]
    gathered.each(table, lambda row: [_item(gathered, layout, row, roots)], layout.under)


def _item(gathered: Gathering, layout: ChoiceTable, row: Row, roots: Sequence[Path]) -> Item:
    identity = [row.text(name) for name in layout.identity] if layout.joined else [row.text(*layout.identity)]
    name = gathered.name(row, "/".join(identity))
    question = row.text(*layout.question)
    clips, answer = _clips(layout, row)
    truth = _truth(layout, row, answer)
    audio = tuple(gathered.sound(row, clip, *roots) for clip in clips)
    category = row.label(*layout.category)
    return Item(name, audio, question, truth, str(audio[0].relative_to(gathered.folder)), category, layout.format)


def _clips(layout: ChoiceTable, row: Row) -> tuple[list[str], str | None]:
    """Names of the clips as they are heard, and the answer if it follows from their order."""
    told = row.get(*layout.audio)
    clips = [told] if isinstance(told, str) else told
    if not isinstance(clips, list) or not clips or not all(isinstance(one, str) and one.strip() for one in clips):
        raise row.problem(f"{' or '.join(layout.audio)} must name a file or a list of files")
    if layout.order is None:
        return clips, None
    order, answer = layout.order(row)
    if len(clips) != len(order):
        raise row.problem(f"{len(clips)} clips where {len(order)} are due")
    return [clips[place] for place in order], answer


def _truth(layout: ChoiceTable, row: Row, answer: str | None) -> Choice | Words:
    options = _options(layout, row)
    if layout.opens and not options:
        return Words((row.text(*layout.answer),))
    found = truths.choice(row, options, answer or row.text(*layout.answer), layout.letters)
    if layout.also and row.values.get(layout.also) is not None:
        other = truths.choice(row, options, row.text(layout.also))
        if other.options[other.right] != found.options[found.right]:
            by_letter, by_words = (one.options[one.right] for one in (found, other))
            raise row.problem(f"the answer is {by_letter!r} by its letter and {by_words!r} by its words")
    return found


def _options(layout: ChoiceTable, row: Row) -> Any:
    if len(layout.options) > 1:
        lacks = [name for name in layout.options[:2] if name not in row.values]
        if lacks:
            raise row.problem(f"lacks {', '.join(lacks)}")
        return [row.values.get(name) for name in layout.options]
    return row.values.get(layout.options[0]) if layout.opens else row.get(*layout.options)


# ---------------------------------------------------------------- the benchmarks

_LETTERED = tuple(f"choice_{letter}" for letter in "abcde")
MMAU = ChoiceTable(("mmau-test-mini.json",), audio=("audio_id",), category=("task", "category"))
MMAU_PRO = ChoiceTable(("test.jsonl", "test.json", "mmau-pro.json", "test.parquet"), roots=("", "data"), opens=True)
MMAR = ChoiceTable(("MMAR-meta.json", "MMAR-meta.jsonl"), category=("modality", "category"))
MMSU = ChoiceTable(
    ("question/mmsu.jsonl", "mmsu.jsonl"),
    options=_LETTERED[:4],
    answer=("answer_gt",),
    category=("category", "sub-category"),
    roots=("", "audio"),
)
TWNM = ChoiceTable(
    ("test", "benchmark", "twnm"),
    identity=("sample_id",),
    audio=("audio_path", "audio", "wav", "path"),
    options=("option_a", "option_b", "option_c", "option_d"),
    answer=("answer_letter",),
    also="answer_text",
    category=("level", "task"),
    roots=("", "audio"),
    letters=True,
    format="foa",
)

CLIPS = 3
"""Clips of a temporal question of STAR-Bench; its options are their orders, as ``clip 2 -> clip 1 -> clip 3``."""
TEMPORAL_TASKS = ("OSM", "ISSE", "TAO", "DSS", "ETC")


def shuffled(row: Row) -> tuple[Sequence[int], str]:
    """The order in which a temporal question's clips are heard, and the right answer then.

    The files name the clips in their true order and hold no answer. As in the official code with its seed of 42, the
    orders go round by the number of the question and by its task (``…_TASK_NUMBER``).
    """
    *_, task, number = ("", *row.text("id").split("_"))
    if task not in TEMPORAL_TASKS or not number.isdigit():
        raise row.problem(f"id {row.text('id')} must end in a task of {', '.join(TEMPORAL_TASKS)} and a number")
    orders = list(permutations(range(CLIPS)))
    order = orders[(int(number) + TEMPORAL_TASKS.index(task)) % len(orders)]
    return order, " -> ".join(f"clip {1 + order.index(clip)}" for clip in range(CLIPS))


def _star(*stems: str, format: str | None = None, order: Order | None = None) -> ChoiceTable:
    tables = tuple(f"meta_info/{stem}.json" for stem in stems)
    category = ("category", "sub-category")
    return ChoiceTable(
        tables, audio=("audio_paths",), options=("options",), category=category, order=order, format=format
    )


STAR_BENCH = {
    "spatial": _star("holistic_reasoning_spatial", format="binaural"),
    "temporal": _star("holistic_reasoning_temporal", order=shuffled),
    "perception": _star("foundation_perception", "foundation_perception_total"),
    "perception-spatial": _star("foundation_perception_spatial", format="binaural"),
    "perception-nonspatial": _star("foundation_perception_nonspatial"),
}


def _read(layouts: dict[str, ChoiceTable], folder: Path, split: str) -> Loaded:
    gathered = Gathering(folder)
    read_choices(gathered, layouts[check_split(split, tuple(layouts))])
    return gathered.loaded()


def _reader(name: str, layouts: dict[str, ChoiceTable], layout: str) -> Reader:
    return Reader(name, tuple(layouts), layout, partial(_read, layouts))


CHOICE_READERS = (
    _reader("mmau", {"test-mini": MMAU}, "mmau-test-mini.json beside test-mini-audios/"),
    _reader("mmau-pro", {"test": MMAU_PRO}, "test.parquet (pyarrow) or test.jsonl beside data/ with the audio"),
    _reader("mmar", {"test": MMAR}, "MMAR-meta.json beside audio/"),
    _reader("mmsu", {"test": MMSU}, "question/mmsu.jsonl beside audio/"),
    _reader("star-bench", STAR_BENCH, "meta_info/*.json beside starbench_audios/"),
    _reader("twnm", {"test": TWNM}, "test.jsonl, .json, .csv or .parquet beside audio/; first-order ambisonics"),
)
