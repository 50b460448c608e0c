"""Question files of multiple choice and the answers to them, matched by their identity.

Both are JSON lists of objects, or one object a line. A question has ``id``, ``choices`` and ``answer`` (the right
choice in its words; MMAU, MMAR and STAR-Bench have more keys, which are not read), an answer ``id`` and its words in
``prediction`` or, as MMAU has it, ``model_output``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.choices import choice_index, official_match, parse_choice
from spatial_lalm.evaluate.files import FileProblem, read_text, refuse_duplicates


@dataclass(frozen=True)
class Question:
    """A question's choices and the index of the right one; ``answer`` is that in its words."""

    choices: tuple[str, ...]
    answer: str
    right: int


@dataclass(frozen=True)
class Scored:
    """A question that was scored: what was read of the answer (None: nothing), and whether it is right."""

    choice: int | None
    right: bool
    options: int


def read_questions(path: Path) -> dict[str, Question]:
    """Questions by identity.

    Raises:
        FileProblem: no JSON, an object that lacks a key, an identity twice, an answer that is none of the choices.
    """
    questions = {}
    for row, one in _objects(path, ("id", "choices", "answer")):
        choices, answer = one["choices"], one["answer"]
        if not isinstance(choices, list) or not all(isinstance(text, str) for text in [*choices, answer]):
            raise FileProblem(path, "choices must be a list of texts and answer one of them", row)
        try:
            questions[str(one["id"])] = Question(tuple(choices), answer, choice_index(answer, choices))
        except InputError as error:
            raise FileProblem(path, str(error), row) from error
    return questions


def read_answers(path: Path) -> dict[str, str]:
    """What was answered by identity of the question; ``FileProblem`` as in ``read_questions``."""
    answers = {}
    for row, one in _objects(path, ("id",)):
        texts = [one[key] for key in ("prediction", "model_output") if key in one]
        if len(texts) != 1 or not isinstance(texts[0], str):
            raise FileProblem(path, "needs the answer as text in prediction or model_output, one of the two", row)
        answers[str(one["id"])] = texts[0]
    return answers


def _objects(path: Path, keys: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Row (of a list: place from 1) and object, all of them checked before the first is given."""
    text = read_text(path)
    try:
        listed = json.loads(text) if text.lstrip().startswith("[") else None
    except json.JSONDecodeError as error:
        raise FileProblem(path, f"is no JSON: {error.msg}", error.lineno) from error
    rows = list(enumerate(listed, 1)) if listed is not None else list(_lines(path, text))
    for row, one in rows:
        lacks = [key for key in keys if not isinstance(one, dict) or key not in one]
        if lacks:
            raise FileProblem(path, f"lacks {', '.join(lacks)}", row)
    refuse_duplicates(path, "id", (str(one["id"]) for _, one in rows))
    return iter(rows)


def _lines(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    for row, line in enumerate(text.splitlines(), 1):
        try:
            yield row, json.loads(line)
        except json.JSONDecodeError as error:
            raise FileProblem(path, f"is no JSON: {error.msg}", row) from error


def score_items(
    path: Path, questions: Mapping[str, Question], answers: Mapping[str, str], official: bool = False
) -> tuple[list[Scored], list[FileProblem]]:
    """Score every question of a file; ``path`` is that of the answers, named in the problems.

    A question without an answer is wrong and a problem, and so is an answer without a question, which counts nowhere.
    ``official`` matches words as MMAU does; what the parser reads is then told only for the count of the unread.
    """
    problems = [
        FileProblem(path, f"lacks an answer to {name}", kind="missing") for name in questions if name not in answers
    ]
    problems += [
        FileProblem(path, f"answers {name}, which is no question", kind="unexpected")
        for name in answers
        if name not in questions
    ]
    scored = []
    for name, question in questions.items():
        text = answers.get(name, "")
        choice = parse_choice(text, question.choices)
        right = official_match(question.answer, text, question.choices) if official else choice == question.right
        scored.append(Scored(choice, right, len(question.choices)))
    return scored, problems
