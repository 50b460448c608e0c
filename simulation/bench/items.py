"""Items of spatial-bench: questions about a scene with their truths and facts, one plain object each.

Their keys are those of ``items.jsonl`` (docs/benchmarks.md); paths are relative to the folder of the subset.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from spatial_lalm.audio.scene import Scene, SourceEvent
from spatial_lalm.audio.wording import Spatial
from spatial_lalm.simulation.bench.recipe import Subset
from spatial_lalm.simulation.bench.truths import Truth, askable, truth_of
from spatial_lalm.simulation.library import SourceLibrary
from spatial_lalm.simulation.questions import Balance, QuestionAnswer, Shares, ask_many
from spatial_lalm.simulation.questions.view import RANKS

Item = dict[str, Any]
SCARCE = 2
"""Most questions of scarce kinds about a scene: they are all about the few scenes that have many different sounds."""
QUESTION_STREAM = 17
"""Sets the draws of questions off from those of the scene, which have its seed, too."""


@dataclass(frozen=True)
class Heard:
    """One recording of a scene: its file and what the file's channels are."""

    receiver: str
    audio: str
    channels: int
    spatial: Spatial
    format: str | None = None
    array: str | None = None


@dataclass(frozen=True)
class Posed:
    """A question that can be scored."""

    qa: QuestionAnswer
    truth: Truth


def pose(subset: Subset, scene: Scene, library: SourceLibrary, heard: list[Heard]) -> list[Posed]:
    """Questions about a scene that all of its recordings can answer, in wordings that training never has."""
    spatial = min((one.spatial for one in heard), key=RANKS.__getitem__)
    shares = Shares(library.shares(), subset.scene.sources.conversation_share)
    rng = np.random.default_rng((scene.seed, QUESTION_STREAM))
    groups = (
        (subset.families, subset.kinds, subset.questions),
        (subset.beside_families, subset.beside_kinds, subset.questions),
        ((), subset.scarce_kinds, min(SCARCE, len(subset.scarce_kinds))),
    )
    kept: dict[str, Posed] = {}
    for families, kinds, number in groups:
        if wanted := askable(families, kinds):
            for one in _asked(scene, rng, number, spatial, wanted, shares):
                kept.setdefault(one.qa.question, one)
    return list(kept.values())


def _asked(
    scene: Scene, rng: np.random.Generator, number: int, spatial: Spatial, kinds: tuple[str, ...], shares: Shares
) -> list[Posed]:
    """Up to ``number`` questions; twice as many are drawn, for some of a kind cannot be scored."""
    asked = ask_many(scene, rng, 2 * number, spatial, "held_out", kinds, balance=Balance.shipped(), shares=shares)
    posed = [Posed(qa, truth) for qa in asked.kept if (truth := truth_of(scene, qa)) is not None]
    return posed[:number]


def items_of(name: str, number: int, scene: Scene, posed: list[Posed], heard: Heard, together: bool) -> list[Item]:
    """The items of one recording; what recordings of one scene share is ``recording`` and the fact ``scene``."""
    base = f"{name}/{PurePosixPath(heard.audio).stem.replace('_', '/')}"
    return [
        {
            "name": f"{base}/{place:02d}-{one.qa.kind}",
            "audio": heard.audio,
            "question": one.qa.question.partition(" (A) ")[0] if one.qa.options else one.qa.question,
            "truth": one.truth,
            "recording": f"{name}/{number:04d}",
            "category": f"{name}/{heard.receiver}" if together else name,
            **({"format": heard.format} if heard.format else {}),
            **({"array": heard.array} if heard.array else {}),
            "facts": facts(number, scene, one.qa, heard),
        }
        for place, one in enumerate(posed)
    ]


def asked_event(scene: Scene, qa: QuestionAnswer) -> SourceEvent | None:
    """The one event that a question is about, None where there are several or none."""
    if qa.evidence:
        return scene.events[qa.evidence[0]] if len(qa.evidence) == 1 else None
    about = [event for event in scene.events if qa.label in (None, event.label)]
    return about[0] if len(about) == 1 else None


def facts(number: int, scene: Scene, qa: QuestionAnswer, heard: Heard) -> dict[str, float]:
    """Finite numbers to break scores down by; those of a single sound where the question is about one."""
    found = {
        "scene": number,
        "channels": heard.channels,
        "duration_s": scene.duration_s,
        "events": len(scene.events),
        "sources": len({(event.label, event.speaker, event.trajectory[0]) for event in scene.events}),
        "snr_db": scene.snr_db,
        "outdoors": float(scene.room.outdoors),
        "volume_m3": scene.room.volume_m3,
        "t60_s": scene.acoustics.t60_s if scene.acoustics else math.nan,
    }
    if (event := asked_event(scene, qa)) is not None:
        found |= {
            "azimuth_deg": event.azimuth_deg,
            "elevation_deg": event.elevation_deg,
            "distance_m": event.distance_m,
            "onset_s": event.onset_s,
            "drr_db": event.acoustics.drr_db if event.acoustics else math.nan,
            "direct_snr_db": math.nan if event.direct_snr_db is None else event.direct_snr_db,
        }
    return {key: float(value) for key, value in found.items() if math.isfinite(value)}
