"""Answers that the wording cannot give away: questions are thinned until every claim is equally frequent in its topic.

A kind that draws yes or no first is balanced as a whole, yet "Is there speech?" would mostly be right with yes where
most scenes hold speech. How often a claim is made within a topic depends on the scenes, so it is measured on some of
them; after that every question is kept or dropped by its own draw, and shards stay independent of each other.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from spatial_lalm.simulation.questions.answer import QuestionAnswer

YES_NO = frozenset({"yes", "no"})
RARE = 0.03
"""A claim that is rarer than this is kept whole and not waited for, but for yes and no."""

ROUNDS, LEAST = 60, 0.02
SHIPPED = Path(__file__).with_name("balance.json")
"""Measured by ``benchmarks/guessing.py --measure``, which says on what."""


@dataclass(frozen=True)
class Balance:
    """Shares of questions to keep by kind, topic and claim; what is not listed is kept."""

    keep: Mapping[tuple[str, str, str], float] = field(default_factory=dict)

    @classmethod
    def measure(cls, asked: Iterable[QuestionAnswer]) -> Balance:
        """Shares that make claims equally frequent, from questions about a few thousand scenes of the same recipe.

        Of a multiple choice, every option is made as often the right one as its number of options says.
        """
        groups: dict[tuple[str, str], list[QuestionAnswer]] = {}
        for qa in asked:
            if qa.claim:
                groups.setdefault((qa.kind, qa.topic), []).append(qa)
        return cls(
            {
                (*group, claim): share
                for group, members in groups.items()
                for claim, share in (_option_shares if members[0].options else _claim_shares)(members)
            }
        )

    @classmethod
    @cache
    def shipped(cls) -> Balance:
        """The balance that written scenes are asked with; of their usual distribution, so near for others."""
        return cls.load(SHIPPED)

    @classmethod
    def load(cls, path: Path) -> Balance:
        """The balance that ``save`` wrote."""
        rows = json.loads(path.read_text(encoding="utf-8"))
        return cls({(kind, topic, claim): share for kind, topic, claim, share in rows})

    def save(self, path: Path) -> None:
        """Write rows of kind, topic, claim and share, one a line; what is kept whole is left out."""
        rows = sorted([*key, round(share, 4)] for key, share in self.keep.items() if share < 1)
        lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")

    def keeps(self, qa: QuestionAnswer, rng: np.random.Generator) -> bool:
        """Draw whether a question stays."""
        return bool(rng.random() < self.keep.get((qa.kind, qa.topic, qa.claim), 1.0))


def _claim_shares(asked: list[QuestionAnswer]) -> list[tuple[str, float]]:
    """How much to keep of each claim so that all become as frequent as the rarest that counts."""
    counts = Counter(qa.claim for qa in asked)
    if set(counts) <= YES_NO:
        rarest = min(counts["yes"], counts["no"])
    else:
        rarest = min(count for count in counts.values() if count >= RARE * counts.total())
    return [(claim, min(1.0, rarest / count)) for claim, count in counts.items() if count]


def _option_shares(asked: list[QuestionAnswer]) -> list[tuple[str, float]]:
    """How much to keep of each right option so that none is right more often than others where it is offered.

    Shares are scaled by wanted over actual frequency until they stay; common ones are thinned, none is raised above 1.
    """
    names = sorted({option for qa in asked for option in qa.options})
    offered = np.array([[names.index(option) for option in qa.options] for qa in asked])
    right = np.array([names.index(qa.claim) for qa in asked])
    share = np.ones(len(names))
    for _ in range(ROUNDS):
        kept = share[right]
        hits = np.bincount(right, kept, len(names))
        chances = np.bincount(offered.ravel(), np.repeat(kept, offered.shape[1]), len(names))
        share *= np.clip(chances / offered.shape[1] / np.maximum(hits, 1e-9), 0.5, 2.0)
        share = np.clip(share / share.max(), LEAST, 1.0)
    return [(names[place], float(share[place])) for place in np.unique(right)]
