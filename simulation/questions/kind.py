"""The protocol of a kind of question, and the kinds that are made of drafts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np

from spatial_lalm.audio.scene import Scene
from spatial_lalm.audio.wording import Spatial
from spatial_lalm.simulation.questions import phrasings, wordings
from spatial_lalm.simulation.questions.answer import LETTERS, Draft, Name, QuestionAnswer
from spatial_lalm.simulation.questions.phrasings import Split
from spatial_lalm.simulation.questions.view import RANKS, View

Item = TypeVar("Item")


class Kind(Protocol):
    """A kind of question: it knows which scenes it fits, makes questions, and judges answers."""

    @property
    def name(self) -> str:
        """What ``QuestionAnswer.kind`` says."""

    @property
    def family(self) -> str:
        """The group of kinds that it is selected with."""

    def fits(self, view: View) -> bool:
        """Whether a question of this kind can be asked."""

    def make(self, view: View, rng: np.random.Generator, split: Split) -> QuestionAnswer:
        """Draw a question about a scene that it fits."""

    def check(self, scene: Scene, qa: QuestionAnswer) -> bool:
        """Whether an answer is true, derived by other means than ``make``."""


@dataclass(frozen=True)
class Asked:
    """An answer to be judged: ``slots`` as read from a question of ``book``, ``answer`` without its letter."""

    scene: Scene
    book: str
    slots: Mapping[str, str]
    answer: str
    label: str | None


Judge = Callable[[Asked], set[int] | None]
"""The events that a true answer rests on, None for one that is not true."""
Drafts = Callable[[View], list[Draft]]


def pick(rng: np.random.Generator, items: Sequence[Item]) -> Item:
    """One of the items, all equally likely."""
    return items[int(rng.integers(len(items)))]


def drawn(rng: np.random.Generator, drafts: Sequence[Draft]) -> Draft:
    """One of the drafts by their weights."""
    weights = np.array([draft.weight for draft in drafts])
    return drafts[int(rng.choice(len(drafts), p=weights / weights.sum()))]


@dataclass(frozen=True)
class DraftedKind:
    """A kind that lists every question it could ask of a scene, and draws one.

    Attributes:
        name: the kind.
        family: its family.
        drafts: every question that could be asked.
        judge: the independent check.
        needs: the least that the channels must tell of direction.
        most: the most that they may tell, for questions that must be declined.
        balanced: the claim (yes or no) is drawn first, and a scene must allow every one of them.
        choice: the answer becomes one of four options.
        books: phrasebooks; the first is used where a draft names none.
    """

    name: str
    family: str
    drafts: Drafts
    judge: Judge
    needs: Spatial = "none"
    most: Spatial = "full"
    balanced: bool = False
    choice: bool = False
    declines: bool = False
    books: tuple[str, ...] = ()

    def possible(self, view: View) -> list[Draft]:
        """Every question that can be asked of a scene; none where a sound is too faint to be sure of."""
        if self.name not in view.found:
            view.found[self.name] = self._possible(view)
        return view.found[self.name]

    def _possible(self, view: View) -> list[Draft]:
        if not RANKS[self.needs] <= view.rank <= RANKS[self.most] or not view.clear:
            return []
        found = self.drafts(view)
        if self.choice:
            found = [draft for draft in found if len(draft.wrong) >= len(LETTERS) - 1]
        if self.balanced and {draft.claim for draft in found} != {"yes", "no"}:
            return []
        return found

    def fits(self, view: View) -> bool:
        """Whether a question of this kind can be asked."""
        return bool(self.possible(view))

    def make(self, view: View, rng: np.random.Generator, split: Split) -> QuestionAnswer:
        """Draw a question about a scene that it fits."""
        found = self.possible(view)
        if self.balanced:
            claim = pick(rng, ("yes", "no"))
            found = [draft for draft in found if draft.claim == claim]
        return self._worded(drawn(rng, found), rng, split)

    def _worded(self, draft: Draft, rng: np.random.Generator, split: Split) -> QuestionAnswer:
        book = draft.book or (self.books or (self.name,))[0]
        filled = {
            gap: wordings.spoken(value, rng) if isinstance(value, Name) else value for gap, value in draft.slots.items()
        }
        text = pick(rng, phrasings.sentences(book, split)).format(**filled)
        style = rng.random()
        question = phrasings.finish(text, capital=bool(style < 0.7), punctuation=bool(style < 0.6 or style > 0.85))
        answer, options, letter = _options(draft, rng) if self.choice else (draft.answer, (), "")
        if self.choice:
            question = with_options(question, options)
        return QuestionAnswer(
            kind=self.name,
            question=question,
            answer=answer,
            declined=self.declines,
            label=draft.label,
            options=options,
            answer_letter=letter,
            evidence=tuple(dict.fromkeys(draft.evidence)),
            family=self.family,
            topic=draft.topic,
            claim=draft.claim,
        )

    def check(self, scene: Scene, qa: QuestionAnswer) -> bool:
        """Whether an answer is true and alone so among its options, and rests on just the events that it names."""
        if qa.declined != self.declines or qa.family != self.family or bool(qa.options) != self.choice:
            return False
        text = qa.question
        if self.choice:
            text = qa.question.partition(" (A) ")[0]
            if qa.answer_letter not in tuple(LETTERS) or qa.question != with_options(text, qa.options):
                return False
            if qa.answer != f"{qa.answer_letter}: {qa.options[LETTERS.index(qa.answer_letter)]}":
                return False
        answer = qa.answer.removeprefix(f"{qa.answer_letter}: ") if self.choice else qa.answer
        return any(
            self._true(Asked(scene, book, slots, answer, qa.label), qa)
            for book in self.books or (self.name,)
            for slots in phrasings.read(book, text)
        )

    def _true(self, asked: Asked, qa: QuestionAnswer) -> bool:
        others = [option for option in qa.options if option != asked.answer]
        if self.choice and len(others) != len(LETTERS) - 1:
            return False
        if any(self.judge(replace(asked, answer=option)) is not None for option in others):
            return False
        return self.judge(asked) == set(qa.evidence)


def _options(draft: Draft, rng: np.random.Generator) -> tuple[str, tuple[str, ...], str]:
    """The answer, four options in random order, and the letter of the right one."""
    wrong = rng.permutation(len(draft.wrong))[: len(LETTERS) - 1]
    texts = [draft.answer, *(draft.wrong[index] for index in wrong)]
    options = tuple(texts[index] for index in rng.permutation(len(texts)))
    letter = LETTERS[options.index(draft.answer)]
    return f"{letter}: {draft.answer}", options, letter


def with_options(question: str, options: Sequence[str]) -> str:
    """A question followed by its options: ``Where is it? (A) left (B) right (C) front (D) back``."""
    return " ".join([question, *(f"({letter}) {text}" for letter, text in zip(LETTERS, options, strict=True))])
