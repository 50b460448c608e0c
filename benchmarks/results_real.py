"""Real material for ``results.py``: the clips of ``hearing.py``, heard by the model and by every baseline that can.

What a response gave is kept in a file as soon as it is heard, so that a killed run goes on there. Its name holds all
that it depends on (weights, code, clips), as answers of another model say nothing about this one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from binaural_material import BinauralResponse, binaural_clips, binaural_responses
from clips import Clip, open_sources
from hearing import CONSTANT, REAL_RULES, Estimates, response_line
from real_material import CLIP_S, SNR_DB, YAWS_DEG, real_clips, real_responses
from results_plan import QUICK_EVERY
from scoring import EVERYTHING, LATERAL, Estimator, Guess, Row, best_constant, model_estimators, score, table

from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.decay import blind_t60
from spatial_lalm.evaluate.steered import steered_direction
from spatial_lalm.sealing import whole_or_absent

NO_DECAY_S = 1e-6
BINAURAL_TAKES = 1
"""Clips a binaural response."""


# ---------------------------------------------------------------- who listens


def music(clip: Clip) -> Guess:
    """MUSIC on first-order ambisonics."""
    try:
        return Guess(*steered_direction(clip.signals, "music"))
    except InputError:
        return Guess()


def free_decays(clip: Clip) -> Guess:
    """The cascade's T60; where nothing decays freely it says next to nothing, an error as large as the truth."""
    return Guess(t60_s=float(np.nan_to_num(blind_t60(clip.signals[0]), nan=NO_DECAY_S)))


FIELD: dict[str, tuple[Estimator, frozenset[str]]] = {
    "MUSIC (classical, the cascade's)": (music, frozenset({"direction"})),
    "free decays (classical, the cascade's)": (free_decays, frozenset({"t60"})),
}
EARS = {name: one for name, one in FIELD.items() if "direction" not in one[1]}


def listeners(model: Any, ears: bool) -> dict[str, tuple[Estimator, frozenset[str]]]:
    """The model with and without its spatial channels, and the classical estimates that the channels allow."""
    known = model_estimators(model)
    if not ears:
        return known | FIELD
    return {name: (estimate, LATERAL) for name, (estimate, tells) in known.items() if tells == EVERYTHING} | EARS


class Listening(Estimates):
    """Guesses of these listeners."""

    def __init__(self, model: Any, ears: bool) -> None:
        super().__init__(model)
        self.estimators = listeners(model, ears)
        self.guesses = {name: [] for name in self.estimators}


# ---------------------------------------------------------------- what is heard


@dataclass(frozen=True)
class Material:
    """Clips of one response or room; ``line`` is what is known of it."""

    name: str
    kind: str  # "room", "anechoic" or "ears"
    clips: Callable[[], Iterator[Clip]]
    count: int
    line: str = ""


@dataclass(frozen=True)
class Heard:
    """Clips without their samples, and what every listener says about each."""

    material: Material
    clips: list[Clip]
    guesses: dict[str, list[Guess]]
    digest: str  # SHA-256 of all samples


def materials(audio: Path, count: int, quick: bool) -> list[Material]:
    """All that the folder holds: ``count`` clips of every ambisonic response, and one of every binaural one."""
    sources = open_sources(audio).files
    assert sources is not None
    found = [
        Material(
            one.name,
            "anechoic" if one.acoustics is None else "room",
            partial(real_clips, one, count, sources),
            count,
            response_line(one),
        )
        for one in real_responses(audio)
    ]
    rooms: dict[str, list[BinauralResponse]] = {}
    for response in binaural_responses(audio)[:: QUICK_EVERY if quick else 1]:
        rooms.setdefault(response.name, []).append(response)
    return found + [
        Material(name, "ears", partial(binaural_clips, room, BINAURAL_TAKES, sources), BINAURAL_TAKES * len(room))
        for name, room in rooms.items()
    ]


def hear(material: Material, model: Any, folder: Path, depends: str) -> Heard:
    """What everybody says; read from its file where it was heard before. ``depends``: weights and code."""
    first = hashlib.sha256(next(material.clips()).signals.tobytes()).hexdigest()
    key = hashlib.sha256(f"{material.name}/{material.count}/{depends}/{first}".encode()).hexdigest()[:16]
    path = folder / f"{key}.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        listening = Listening(model, material.kind == "ears")
        listening.hear(material.clips(), material.count, material.name)
        with whole_or_absent(path) as temporary:
            temporary.write_text(json.dumps(_to_json(listening)) + "\n", encoding="utf-8")
    return _from_json(material, json.loads(path.read_text(encoding="utf-8")))


SILENT = {"signals": np.zeros((4, 0)).tolist(), "quality": np.zeros((4, 0)).tolist()}
"""What is kept of a clip's samples: nothing."""


def _to_json(listening: Listening) -> dict[str, Any]:
    """Plain values; NaN stays NaN, as Python's JSON has it."""
    clips = [asdict(clip) | SILENT | {"direction": clip.direction.tolist()} for clip in listening.clips]
    guesses = {name: [asdict(guess) for guess in told] for name, told in listening.guesses.items()}
    return {"clips": clips, "guesses": guesses, "digest": listening.digest.hexdigest()}


def _from_json(material: Material, told: dict[str, Any]) -> Heard:
    clips = [Clip(**(one | {name: np.array(one[name]) for name in (*SILENT, "direction")})) for one in told["clips"]]
    guesses = {name: [Guess(**one) for one in listed] for name, listed in told["guesses"].items()}
    return Heard(material, clips, guesses, told["digest"])


# ---------------------------------------------------------------- tables


def heard_table(heard: Sequence[Heard]) -> str:
    """One table over the clips of several materials of one kind, with the constant that fits them best."""
    clips = [clip for one in heard for clip in one.clips]
    ears = heard[0].material.kind == "ears"
    tells = {name: tells for name, (_, tells) in listeners(None, ears).items()}
    every = LATERAL if ears else EVERYTHING
    rows = [
        Row(name, [guess for one in heard for guess in one.guesses[name]], tells.get(name, every))
        for name in heard[0].guesses
    ]
    scores = score(clips, [*rows, Row(CONSTANT, [best_constant(clips)] * len(clips), every)])
    told = {name: row for name, row in scores.intervals.items() if row}
    return f"{len(clips)} clips.\n\n" + (table(replace(scores, intervals=told)) if told else "Too few for figures.")


TITLES = {
    "room": "Real rooms",
    "anechoic": "Real arrays in an anechoic room",
    "ears": "Two ears in real rooms",
}


def sections(heard: Sequence[Heard]) -> Iterator[str]:
    """The Markdown of all responses."""
    for kind, title in TITLES.items():
        members = [one for one in heard if one.material.kind == kind]
        if kind == "ears":
            for one in members:
                yield f"### {title}: {one.material.name}\n\n{heard_table([one])}"
        elif members:
            lines = "\n".join(one.material.line for one in members)
            yield f"### {title}\n\n{lines}\n\n{heard_table(members)}"
    yaws = ", ".join(f"{yaw:.0f}°" for yaw in YAWS_DEG)
    yield "Ambisonic responses: t" + REAL_RULES.format(yaws=yaws, seconds=CLIP_S, snr=SNR_DB)[1:]
