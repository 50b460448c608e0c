"""Can answers be guessed without listening? Accuracy of a constant and of a bag of words, for every kind of question.

Usage: python benchmarks/guessing.py [--scenes 6000] [--quick] [--measure] [--json FILE]

Random scene graphs (``scene_graphs.py``, no sound) are asked about, thinned by the balance that is shipped; with
``--measure`` that is first measured anew, on other scenes of the same sort, and written to its place. A naive Bayes
classifier over hashed words and pairs of neighbouring words of the question or the options learns on half of the scenes
and guesses the other half; so does the best constant. Yes or no and multiple choice are scored by their claim or
letter, numbers within a tolerance (15 degrees, a quarter of a distance, a decay time or a duration, 1 s of a time,
2 dB, 10 %), everything else word by word. A second table says how well the words alone tell questions that are declined
from answered ones. Prints Markdown.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scene_graphs import SHARES, random_scene

from spatial_lalm.audio.wording import Spatial
from spatial_lalm.simulation.questions import FAMILIES, REGISTRY, Balance, QuestionAnswer, Questions, ask_many
from spatial_lalm.simulation.questions.balance import SHIPPED
from spatial_lalm.simulation.questions.kind import DraftedKind
from spatial_lalm.simulation.questions.view import View

Floats = NDArray[np.floating[Any]]
QUICK_SCENES = 500
PER_SCENE = 40
RARE = 0.1  # questions a scene
MORE_SCENES = 4
GUESSED = tuple(kind for family, kinds in FAMILIES.items() if family not in ("basic", "unanswerable") for kind in kinds)
HASHED = 2**13
FEW_ANSWERS = 8
LIMITS = {"yes_no": 0.55, "choice": 0.30}
SAID_TOO = {"false_ordinal": re.compile(r"\bthe (second|third) (?!sound)")}
"""What answered questions must say, too, to be set beside declined ones that always say it."""
SPATIALS: tuple[Spatial, ...] = ("full", "planar", "lateral", "none")
"""Tried in this order: what can be declined of all channels is asked of them."""
FEWEST = 40
"""A kind with fewer questions is reported with its number alone."""


def _within(share: float) -> Callable[[float, float], bool]:
    return lambda said, true: abs(said - true) <= share * abs(true)


def _by(amount: float) -> Callable[[float, float], bool]:
    return lambda said, true: abs(said - true) <= amount


def _turn(said: float, true: float) -> bool:
    return abs((said - true + 180) % 360 - 180) <= 15


TOLERANCES: dict[str, Callable[[float, float], bool]] = {
    **dict.fromkeys(("azimuth", "elevation", "angle_between"), _turn),
    **dict.fromkeys(("distance", "far_of", "duration", "edt", "edt_of", "t60", "t60_band"), _within(0.25)),
    **dict.fromkeys(("onset", "offset", "mover_when"), _by(1.0)),
    **dict.fromkeys(("drr_of", "c50_of"), _by(2.0)),
    **dict.fromkeys(("d50", "d50_of"), _by(10.0)),
}
"""Kinds whose answer is one number, the last in its sentence, with what counts as right."""


@dataclass(frozen=True)
class Row:
    """How well a kind is guessed; ``chance`` is that of an even guess among the answers where there are few."""

    family: str
    kind: str
    questions: int
    chance: float | None
    constant: float | None
    words: float | None
    half_width: float | None  # of the 95 % interval of the larger one

    @property
    def surely(self) -> float:
        """Lower end of the interval of the better guess; 0 where there are too few questions."""
        return max(self.constant or 0.0, self.words or 0.0) - (self.half_width or 0.0)


def asked_about(scenes: int, seed: int, balance: Balance | None = None) -> Iterator[QuestionAnswer]:
    """Questions about random scenes, of all kinds that fit."""
    for number in range(scenes):
        rng = np.random.default_rng([seed, number])
        yield from agreed(ask_many(random_scene(rng), rng, PER_SCENE, kinds=GUESSED, balance=balance, shares=SHARES))


def asked_of(kinds: Sequence[str], scenes: int, seed: int, balance: Balance | None = None) -> Iterator[QuestionAnswer]:
    """One question of each of some kinds about every scene that it fits."""
    for number in range(scenes if kinds else 0):
        rng = np.random.default_rng([seed, number])
        scene = random_scene(rng)
        for kind in kinds:
            yield from agreed(ask_many(scene, rng, 1, kinds=[kind], balance=balance, shares=SHARES))


def agreed(found: Questions) -> tuple[QuestionAnswer, ...]:
    """The questions, none of which may have failed its check."""
    if found.disagreed:
        raise SystemExit(f"{found.disagreed} answers fail their check")
    return found.kept


def asked_by_kind(scenes: int, seed: int, balance: Balance | None) -> dict[str, list[QuestionAnswer]]:
    """Questions of every kind; those that fit few scenes are asked about more of them."""
    by_kind: dict[str, list[QuestionAnswer]] = {kind: [] for kind in GUESSED}
    for qa in asked_about(scenes, seed, balance):
        by_kind[qa.kind].append(qa)
    rare = [kind for kind, asked in by_kind.items() if len(asked) < RARE * scenes]
    by_kind |= {kind: [] for kind in rare}
    for qa in asked_of(rare, MORE_SCENES * scenes, seed + 1, balance):
        by_kind[qa.kind].append(qa)
    return by_kind


SUBJECT = re.compile(r"^The .*?(?= (?:is|are|comes?|moves?|stays?|starts?|ends?|lasts?) )")


def target(qa: QuestionAnswer) -> str:
    """What has to be guessed: a letter, or the answer without the sound that the question names."""
    return qa.answer_letter or SUBJECT.sub("", qa.answer)


def number(text: str) -> float:
    """The last number of an answer."""
    return float(re.findall(r"-?\d+(?:\.\d+)?", text)[-1])


def bag(text: str) -> NDArray[np.int64]:
    """Hashed words of a text, pairs of neighbours included."""
    words = re.findall(r"[a-z0-9.°]+", text.lower())
    return np.array(sorted({zlib.crc32(token.encode()) % HASHED for token in words + _pairs(words)}), dtype=np.int64)


def _pairs(words: list[str]) -> list[str]:
    return [f"{a} {b}" for a, b in itertools.pairwise(words)]


class NaiveBayes:
    """Multinomial over hashed words, counts smoothed by one."""

    def __init__(self, bags: Sequence[NDArray[np.int64]], answers: Sequence[str]) -> None:
        """Count the words of every answer's bags."""
        self.names = sorted(set(answers))
        counts: Floats = np.ones((len(self.names), HASHED))
        for one, answer in zip(bags, answers, strict=True):
            counts[self.names.index(answer), one] += 1
        self.prior: Floats = np.log([answers.count(name) for name in self.names])
        self.likely: Floats = np.log(counts / counts.sum(1, keepdims=True))

    def scores(self, one: NDArray[np.int64]) -> Floats:
        """Log probability of every name, up to a constant."""
        found: Floats = self.prior + self.likely[:, one].sum(1)
        return found

    def guess(self, one: NDArray[np.int64]) -> str:
        """The likeliest name."""
        return self.names[int(np.argmax(self.scores(one)))]


def guess_by_words(train: Sequence[QuestionAnswer], test: Sequence[QuestionAnswer]) -> list[str]:
    """Answers of the test questions by their words; of a multiple choice the option whose words are mostly right."""
    if not train[0].options:
        model = NaiveBayes([bag(qa.question) for qa in train], [target(qa) for qa in train])
        return [model.guess(bag(qa.question)) for qa in test]
    pairs = [(option, qa.answer.endswith(f": {option}")) for qa in train for option in qa.options]
    model = NaiveBayes([bag(option) for option, _ in pairs], ["right" if right else "wrong" for _, right in pairs])
    found = []
    for qa in test:
        scores = [model.scores(bag(option)) for option in qa.options]
        found.append("ABCD"[int(np.argmax([right - wrong for right, wrong in scores]))])
    return found


def _right(kind: str, said: str, true: str) -> bool:
    if kind in TOLERANCES:
        return TOLERANCES[kind](number(said), number(true))
    return said == true


def _best_constant(kind: str, answers: Sequence[str]) -> str:
    """The answer that is right most often."""
    counts = Counter(answers)
    if kind not in TOLERANCES:
        return counts.most_common(1)[0][0]
    candidates = [text for text, _ in counts.most_common(200)]
    return max(candidates, key=lambda said: sum(_right(kind, said, true) for true in answers[:1000]))


def judge(family: str, kind: str, questions: Sequence[QuestionAnswer]) -> Row:
    """Train on the questions of a kind about the first half of the scenes, guess those about the second half."""
    if len(questions) < FEWEST:
        return Row(family, kind, len(questions), None, None, None, None)
    train, test = questions[: len(questions) // 2], questions[len(questions) // 2 :]
    answers, truth = [target(qa) for qa in train], [target(qa) for qa in test]
    constant = _best_constant(kind, answers)
    guessed = guess_by_words(train, test)
    accuracy = [
        float(np.mean([_right(kind, said, true) for said, true in zip(guesses, truth, strict=True)]))
        for guesses in ([constant] * len(truth), guessed)
    ]
    different = len(set(answers))
    chance = 1 / different if different <= FEW_ANSWERS else None
    half_width = 1.96 * float(np.sqrt(max(share * (1 - share) for share in accuracy) / len(test)))
    return Row(family, kind, len(questions), chance, accuracy[0], accuracy[1], half_width)


def answered_alike(name: str) -> tuple[str, ...]:
    """Kinds that are answered and share a phrasebook with one that declines."""
    books = {kind: set(one.books or (kind,)) for kind, one in REGISTRY.items() if isinstance(one, DraftedKind)}
    same = (kind for kind in GUESSED if kind in books and books[kind] & books[name])
    return tuple(kind for kind in same if kind not in FAMILIES["choice"])  # options give away that one is right


def declined(scenes: int, seed: int) -> list[Row]:
    """Of every kind that declines, how well a bag of words tells it from as many questions that are answered."""
    rows = []
    for name in FAMILIES["unanswerable"]:
        asked: dict[bool, list[QuestionAnswer]] = {True: [], False: []}
        alike = answered_alike(name)
        for number in range(scenes):
            rng = np.random.default_rng([seed, number])
            scene = random_scene(rng)
            spatial = next((one for one in SPATIALS if REGISTRY[name].fits(View(scene, one))), None)
            asked[True] += agreed(ask_many(scene, rng, 1, spatial, kinds=[name], shares=SHARES)) if spatial else ()
            answered = agreed(ask_many(scene, rng, 1, kinds=alike or GUESSED, shares=SHARES))
            asked[False] += [qa for qa in answered if name not in SAID_TOO or SAID_TOO[name].search(qa.question)]
        against = "same words" if alike else "by nature"
        rows.append(_told_apart(f"declined, {against}", name, list(zip(asked[True], asked[False], strict=False))))
    return rows


def _told_apart(family: str, kind: str, pairs: Sequence[tuple[QuestionAnswer, QuestionAnswer]]) -> Row:
    """Learn on the first half of pairs, tell the members of the others apart."""
    bags = [(bag(qa.question), str(qa.declined)) for two in pairs for qa in two]
    half = len(pairs) // 2 * 2
    model = NaiveBayes([one for one, _ in bags[:half]], [truth for _, truth in bags[:half]])
    right = float(np.mean([model.guess(one) == truth for one, truth in bags[half:]]))
    half_width = 1.96 * float(np.sqrt(right * (1 - right) / (len(bags) - half)))
    return Row(family, kind, len(bags), 0.5, 0.5, right, half_width)


def table(rows: Sequence[Row]) -> str:
    """A Markdown table."""
    lines = [
        "| family | kind | questions | chance | best constant | bag of words | ± |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        values = (row.chance, row.constant, row.words, row.half_width)
        cells = ["" if value is None else f"{100 * value:.1f} %" for value in values]
        lines.append(f"| {row.family} | {row.kind} | {row.questions} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Make, balance, guess, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=6000)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SCENES} scenes, below a minute")
    parser.add_argument("--measure", action="store_true", help=f"measure the balance anew and write {SHIPPED.name}")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    scenes = QUICK_SCENES if options.quick else options.scenes
    if options.measure:
        asked = asked_by_kind(scenes, 1, None)
        Balance.measure(itertools.chain.from_iterable(asked.values())).save(SHIPPED)
        Balance.shipped.cache_clear()
    by_kind = asked_by_kind(scenes, 3, Balance.shipped())
    rows = [judge(family, kind, by_kind[kind]) for family in FAMILIES for kind in FAMILIES[family] if kind in GUESSED]
    print(table(rows))
    over = [row.kind for row in rows if row.surely > LIMITS.get(row.family, 1.0)]
    print(f"\nSurely (95 %) above {LIMITS}: {', '.join(over) or 'none'}")
    rows += (declines := declined(scenes // 4, 5))
    print(f"\nIs it to be declined? By nature: it asks what no recording tells.\n\n{table(declines)}")
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
