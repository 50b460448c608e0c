"""How questions and answers read: numbers with their nouns, talkers kept apart, levels told of one source."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from spatial_lalm.audio.scene import CLASSES, Scene, SourceEvent
from spatial_lalm.audio.wording import NAMES, Spatial
from spatial_lalm.simulation.questions import FAMILIES, REGISTRY, QuestionAnswer, ask_about, check, fitting_kinds
from spatial_lalm.simulation.questions.kind import DraftedKind
from spatial_lalm.simulation.questions.phrasings.names import ALIASES, THINGS
from spatial_lalm.simulation.questions.view import View
from spatial_lalm.simulation.questions.wordings import amount, counted, it_is, there_are, times_heard

Make = Callable[..., SourceEvent]
Build = Callable[..., Scene]
COUNTABLE = "|".join(name for name, countable, _ in NAMES.values() if countable)
CLUMSY = (
    r"\b0 (sound|kind|source|turn|talker|time)",
    r"(?<![.\d])1 (metres|seconds|sounds|times|sources|kinds|turns|talkers)\b",
    r"\b(?!1\b)\d+ (metre|second|sound|time|source|turn|talker)\b(?! mark)",
    r"\ba [aeiou]",
    r"\bthe the\b|\bof of\b",
    r"\bsomeone (talking|sneezing)\b",
    r"\b(is|comes|moves|starts|does) (the )?sea waves\b",
    r"(?<!of )\bthe sea waves (is|comes|moves|starts|lasts)\b",
    r"\bit is sea waves\b",
    rf"\b(hear|is|of|does|precedes|follows) ({COUNTABLE})\b",
    r"\b(nearer|farther|nearest|farthest) to me\b",
    r"\b(lasts the|set in|sets in)\b",
    r"  | ,|\.\.|\?\?",
)


def everything(scenes: list[Scene], spatial: Spatial = "full") -> list[QuestionAnswer]:
    found = []
    for number, scene in enumerate(scenes):
        rng, view = np.random.default_rng(number), View(scene, spatial)
        for name, kind in REGISTRY.items():
            if name not in FAMILIES["basic"] and kind.fits(view):
                found.append(kind.make(view, rng, "held_out" if number % 2 else "train"))
    return found


@pytest.fixture(scope="module")
def asked(scenes: list[Scene]) -> list[QuestionAnswer]:
    return everything(scenes[:100])


def test_nothing_reads_clumsily(asked: list[QuestionAnswer]) -> None:
    assert len(asked) > 3000
    clumsy = re.compile("|".join(CLUMSY), re.IGNORECASE)
    for qa in asked:
        for text in (qa.question, qa.answer):
            assert not clumsy.search(re.sub(r"[Ss]peaker [A-Da-d]", "she", text)), qa


def test_commands_end_with_a_full_stop(asked: list[QuestionAnswer]) -> None:
    for qa in asked:
        text = qa.question.partition(" (A) ")[0]
        if re.match(r"(name|list|count|describe|find|give|sort|say|tell|please)\b", text, re.IGNORECASE):
            assert not text.endswith("?"), text


def test_small_numbers() -> None:
    assert [there_are(number, "sound") for number in range(3)] == [
        "There are no sounds",
        "There is 1 sound",
        "There are 2 sounds",
    ]
    assert [times_heard(number) for number in (1, 2, 3)] == ["once", "twice", "3 times"]
    assert (counted(1, "turn"), amount(1.0, "metre"), amount(1.5, "metre")) == ("1 turn", "1 metre", "1.5 metres")
    assert [it_is(label) for label in ("dog_bark", "rain", "sea_waves")] == [
        "It is a dog bark.",
        "It is rain.",
        "It is the sound of the sea waves.",
    ]


def test_only_things_have_a_look_an_age_or_a_name(asked: list[QuestionAnswer]) -> None:
    assert set(THINGS) < set(CLASSES)
    assert all(set(names) <= set(ALIASES[label]) for label, names in THINGS.items())
    named = {thing for names in THINGS.values() for thing in names}
    beyond = [qa for qa in asked if qa.kind in ("identity", "visual", "unheard")]
    assert len(beyond) > 100
    assert all(any(thing in qa.question.lower() for thing in named) for qa in beyond)


# ---------------------------------------------------------------- several talkers


def told(scene: Scene, kind: str, spatial: Spatial = "full") -> set[str]:
    """Answers about speech."""
    rng = np.random.default_rng(0)
    asked = [ask_about(scene, rng, spatial, kinds=[kind]) for _ in range(30)]
    assert all(check(scene, qa) for qa in asked)
    return {qa.answer for qa in asked if qa.label == "speech"}


@pytest.fixture
def talk(event: Make, scene_of: Build) -> Scene:
    """Anna at the front left, who moves nearer to the right side for her last turn, and Ben at the right."""
    return scene_of(
        event("speech", 0.5, 2.0, (45, 0, 1.5), speaker="anna"),
        event("speech", 2.5, 5.0, (-90, 0, 2.0), speaker="ben"),
        event("speech", 6.0, 7.0, (45, 0, 1.5), speaker="anna"),
        event("speech", 8.0, 9.0, (-60, 0, 1.0), speaker="anna"),
    )


def test_talkers_are_kept_apart(talk: Scene) -> None:
    one = "one from the front left: azimuth 45°, elevation 0°, from 0.5 s to 2.0 s and from 6.0 s to 7.0 s"
    nearer = "from the front right: azimuth -60°, elevation 0°, from 8.0 s to 9.0 s"
    other = "another from the right: azimuth -90°, elevation 0°, from 2.5 s to 5.0 s"
    assert told(talk, "where") == {f"I hear 2 talkers: {one}, and {nearer}; {other}."}
    first = "one from 0.5 s to 2.0 s and from 6.0 s to 7.0 s and later again"
    assert told(talk, "when") == {f"I hear 2 talkers: {first}; another from 2.5 s to 5.0 s."}
    far = "one 1.5 m away, from 0.5 s to 2.0 s and from 6.0 s to 7.0 s, and 1.0 m away, from 8.0 s to 9.0 s"
    assert told(talk, "how_far") == {f"I hear 2 talkers: {far}; another 2.0 m away, from 2.5 s to 5.0 s."}
    assert all(text.endswith("; height cannot be told from these channels.") for text in told(talk, "where", "planar"))


def test_one_talker_is_one(talk: Scene) -> None:
    alone = replace(talk, events=tuple(event for event in talk.events if event.speaker == "anna"))
    nameless = replace(talk, events=tuple(replace(event, speaker=None) for event in talk.events))
    for scene in (alone, nameless):
        assert not any("talker" in text for kind in ("where", "when", "how_far") for text in told(scene, kind))


def test_merged_or_mixed_up_talkers_are_found_out(talk: Scene) -> None:
    rng = np.random.default_rng(0)
    qa = next(qa for qa in (ask_about(talk, rng, kinds=["where"]) for _ in range(40)) if qa.label == "speech")
    merged = replace(talk, events=tuple(replace(event, speaker="anna") for event in talk.events))
    assert not check(merged, qa)
    for old, new in (("2 talkers", "3 talkers"), ("another", "one"), ("one from", "another from"), (", and from", ";")):
        assert old in qa.answer
        assert not check(talk, replace(qa, answer=qa.answer.replace(old, new, 1)))
    assert not check(talk, replace(qa, answer=re.sub(r"; another.*", ".", qa.answer)))


def test_many_talkers_with_many_places_are_cut_short(event: Make, scene_of: Build) -> None:
    places = [(azimuth, 0, 2.0) for azimuth in (0, 90, 180)]
    rounds = [
        event("speech", start + 0.7 * n, start + 0.7 * n + 0.3, place, speaker=f"talker {n}")
        for start, place in zip((0.0, 3.0, 6.0), places, strict=True)
        for n in range(4)
    ]
    (text,) = told(scene_of(*rounds), "where")
    assert text.startswith("I hear 4 talkers: one from the front: ")
    assert text.count("; another ") == 2
    assert text.count(", and later elsewhere") == 3
    assert text.endswith("; others.")


def test_who_is_at_a_place(talk: Scene) -> None:
    kind = REGISTRY["who_at"]
    assert isinstance(kind, DraftedKind)
    assert not kind.possible(View(talk))  # Anna is at two places
    seated = replace(talk, events=talk.events[:3])
    drafts = kind.possible(View(seated))
    assert {(draft.slots["place"], draft.answer) for draft in drafts} == {
        ("front left", "Speaker A."),
        ("right", "Speaker B."),
    }


# ---------------------------------------------------------------- levels and decays

RATIOS = {"drr", "clarity", "edt", "d50"}
OWN = {"drr_of", "c50_of", "edt_of", "d50_of"}


def test_what_belongs_to_one_source_is_asked_of_one(event: Make, scene_of: Build) -> None:
    dog, again = (event("dog_bark", start, start + 1, (90, 0, 2.0), drr_db=2.0) for start in (1.0, 4.0))
    rain = event("rain", 6.0, 9.0, (0, 0, 4.0), drr_db=-4.0)
    assert set(fitting_kinds(scene_of(dog), family="all")) >= RATIOS
    assert set(fitting_kinds(scene_of(dog, again), family="all")) >= RATIOS
    several = fitting_kinds(scene_of(dog, rain), family="all")
    assert not RATIOS & set(several)
    assert {"t60", "reverberation", "drr_of", "c50_of"} <= set(several)
    qa = ask_about(scene_of(dog, rain), np.random.default_rng(0), kinds=["drr_of"])
    levels = {"dog_bark": "2", "rain": "-4"}
    assert qa.answer == f"The direct-to-reverberant ratio is {levels[str(qa.label)]} dB."
    alone = ask_about(scene_of(dog), np.random.default_rng(0), kinds=["drr"])
    assert check(scene_of(dog), alone)
    assert not check(scene_of(dog, rain), alone)


def test_the_check_of_a_ratio_reads_the_sources_own_response(event: Make, scene_of: Build) -> None:
    scene = scene_of(event("dog_bark", 1.0, 2.0, (90, 0, 2.0), drr_db=2.0))
    own = scene.events[0].acoustics
    assert own is not None
    other = replace(own, drr_db=9.0, c50_db=20.0, edt_s=0.9, d50=0.2)
    for kind in RATIOS | OWN:
        qa = ask_about(scene, np.random.default_rng(0), kinds=[kind])
        assert check(scene, qa), kind
        assert not check(replace(scene, events=(replace(scene.events[0], acoustics=other),)), qa)


def test_an_unmeasured_t60_is_never_asked_about(scenes: list[Scene]) -> None:
    nan = math.nan
    asking = {"reverberation", "t60", "t60_band", "t60_above", "reverberation_word", "choose_reverberation"}
    seen: set[str] = set()
    for scene in scenes[:16]:
        seen |= asking & set(fitting_kinds(scene, family="all"))
        assert scene.acoustics is not None
        dead = replace(scene, acoustics=replace(scene.acoustics, t60_s=nan, t60_bands_s=(nan,) * 6))
        fitting = set(fitting_kinds(dead, family="all"))
        assert not asking & fitting
        assert ("t60_outdoors" in fitting) == scene.room.outdoors
        for qa in everything([dead]):
            assert check(dead, qa)
            assert "nan" not in qa.answer
    assert seen == asking


def test_a_band_without_a_decay_is_left_out(event: Make, scene_of: Build) -> None:
    scene = scene_of(event("dog_bark", 1.0, 2.0, (90, 0, 2.0)))
    assert scene.acoustics is not None
    bands = (math.nan, *scene.acoustics.t60_bands_s[1:])
    kind = REGISTRY["t60_band"]
    assert isinstance(kind, DraftedKind)
    drafts = kind.possible(View(replace(scene, acoustics=replace(scene.acoustics, t60_bands_s=bands))))
    assert {draft.slots["band"] for draft in drafts} == {"250", "500", "1000", "2000", "4000"}
