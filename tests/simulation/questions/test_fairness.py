"""Yes and no are balanced, letters uniform, options of one style, and claims equally frequent after thinning."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spatial_lalm.audio.scene import Scene
from spatial_lalm.simulation.questions import FAMILIES, REGISTRY, Balance, QuestionAnswer, ask_many
from spatial_lalm.simulation.questions.kind import DraftedKind
from spatial_lalm.simulation.questions.view import View


def draws(scenes: list[Scene], family: str, each: int) -> list[QuestionAnswer]:
    found = []
    for number, scene in enumerate(scenes):
        rng, view = np.random.default_rng(number), View(scene)
        for kind in FAMILIES[family]:
            if REGISTRY[kind].fits(view):
                found += [REGISTRY[kind].make(view, rng, "train") for _ in range(each)]
    return found


@pytest.fixture(scope="module")
def yes_no(scenes: list[Scene]) -> list[QuestionAnswer]:
    return draws(scenes[:120], "yes_no", 4)


def test_yes_and_no_are_balanced_in_every_kind(yes_no: list[QuestionAnswer]) -> None:
    for kind in FAMILIES["yes_no"]:
        answers = [qa.answer for qa in yes_no if qa.kind == kind]
        assert set(answers) == {"Yes.", "No."}
        spread = 3.3 * 0.5 / np.sqrt(len(answers))  # three in a thousand kinds would fail by chance
        assert abs(answers.count("Yes.") / len(answers) - 0.5) < spread, kind
    assert abs(sum(qa.answer == "Yes." for qa in yes_no) / len(yes_no) - 0.5) < 0.03


def test_a_kind_that_could_only_be_answered_yes_is_not_asked(scenes: list[Scene]) -> None:
    for scene in scenes[:60]:
        if len({event.label for event in scene.events}) == 1:
            assert not REGISTRY["do_overlap"].fits(View(scene))
        if all(len(event.trajectory) == 1 for event in scene.events):
            assert not REGISTRY["is_moving"].fits(View(scene))


def test_letters_are_uniform_and_every_option_can_be_right(scenes: list[Scene]) -> None:
    asked = draws(scenes, "choice", 3)
    letters = Counter(qa.answer_letter for qa in asked)
    assert set(letters) == set("ABCD")
    assert max(abs(count / len(asked) - 0.25) for count in letters.values()) < 0.025
    for qa in asked:
        assert len(set(qa.options)) == 4
        assert qa.options["ABCD".index(qa.answer_letter)] == qa.answer[3:]
    octants = [qa for qa in asked if qa.kind == "choose_octant"]
    assert {frozenset(qa.options) for qa in octants} == {
        frozenset({"front", "left", "back", "right"}),
        frozenset({"front left", "back left", "back right", "front right"}),
    }


def test_claims_are_equally_frequent_after_thinning(yes_no: list[QuestionAnswer]) -> None:
    outside = Counter(qa.claim for qa in yes_no if qa.kind == "is_outdoors" and qa.topic == "outdoors")
    assert outside["no"] > 3 * outside["yes"]
    many = [replace(qa) for qa in yes_no if qa.kind == "is_outdoors" for _ in range(50)]
    balance, rng = Balance.measure(many), np.random.default_rng(0)
    left = Counter((qa.topic, qa.claim) for qa in many if balance.keeps(qa, rng))
    for topic in {topic for topic, _ in left}:
        assert left[topic, "yes"] == pytest.approx(left[topic, "no"], rel=0.5), topic
    total = Counter(claim for qa in many if balance.keeps(qa, rng) for claim in [qa.claim])
    assert total["yes"] / total.total() == pytest.approx(0.5, abs=0.04)


def test_an_option_is_right_no_more_often_than_others_that_are_offered() -> None:
    rng = np.random.default_rng(0)
    names, often = [f"sound {number}" for number in range(8)], np.array([8, 4, 4, 2, 2, 1, 1, 1])
    asked = []
    for _ in range(8000):
        options = rng.choice(8, 4, replace=False, p=often / often.sum())
        right = options[int(rng.choice(4, p=often[options] / often[options].sum()))]
        texts = tuple(names[option] for option in options)
        asked.append(QuestionAnswer("choose_longest", "?", "", False, None, options=texts, claim=names[right]))
    balance = Balance.measure(asked)
    kept = [qa for qa in asked if balance.keeps(qa, rng)]
    assert len(kept) > 800
    for name in names:
        chances = sum(name in qa.options for qa in kept)
        assert sum(qa.claim == name for qa in kept) / chances == pytest.approx(0.25, abs=0.06), name


@pytest.mark.parametrize("number", [1, 6])
def test_what_the_balance_drops_does_not_come_back(scenes: list[Scene], number: int) -> None:
    """Every scene that could only say "indoors" would else say so after a few more draws."""
    balance = Balance({("indoors_or_outdoors", "", "indoors"): 0.2})
    kept: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for seed, scene in enumerate(scenes):
        for counts, thinning in ((kept, balance), (whole, None)):
            rng = np.random.default_rng(seed)
            found = ask_many(scene, rng, number, kinds=["indoors_or_outdoors"], balance=thinning)
            counts.update(qa.claim for qa in found.kept)
    assert kept["indoors"] / whole["indoors"] == pytest.approx(0.2, abs=0.08)
    assert kept["outdoors"] == whole["outdoors"] > 20


def test_every_way_is_as_likely_by_symmetry(scenes: list[Scene]) -> None:
    """A scene mirrored, walked backwards, or both has one of the other three options as its answer each."""

    def changed(scene: Scene, mirror: int, step: int) -> Scene:
        events = tuple(
            replace(event, trajectory=tuple((mirror * a, e, far) for a, e, far in event.trajectory[::step]))
            for event in scene.events
        )
        return replace(scene, events=events)

    kind = REGISTRY["choose_way"]
    assert isinstance(kind, DraftedKind)
    tried = 0
    for scene in scenes:
        every = [kind.possible(View(changed(scene, mirror, step))) for mirror in (1, -1) for step in (1, -1)]
        for drafts in zip(*every, strict=True):
            tried += 1
            assert len({draft.answer for draft in drafts}) == 4
            assert all({draft.answer, *draft.wrong} == {one.answer for one in drafts} for draft in drafts)
    assert tried > 30


def test_balance_waits_for_no_rare_word_but_always_for_yes_and_no() -> None:
    def asked(claim: str, kind: str = "size_word") -> QuestionAnswer:
        return QuestionAnswer(kind, "?", "", False, None, claim=claim)

    words = [asked("small")] * 60 + [asked("large")] * 39 + [asked("very large")]
    keep = Balance.measure(words).keep
    assert keep["size_word", "", "small"] == pytest.approx(39 / 60)
    assert keep["size_word", "", "very large"] == 1.0
    keep = Balance.measure([asked("yes", "is_there")] * 9).keep
    assert keep == {("is_there", "", "yes"): 0.0}
    assert Balance().keeps(asked("small"), np.random.default_rng(0))


def test_the_shipped_balance_is_read_and_written_alike(tmp_path: Path) -> None:
    shipped = Balance.shipped()
    assert len(shipped.keep) > 100
    assert all(0 <= share < 1 for share in shipped.keep.values())
    shipped.save(tmp_path / "again.json")
    assert Balance.load(tmp_path / "again.json") == shipped
    assert {kind for kind, _, _ in shipped.keep} <= set(REGISTRY)
