"""Who speaks when and from where: talkers by voice and direction, beside direction alone and one talker for all.

``python benchmarks/diarisation.py --audio DIR`` (``--quick``: below a minute). DIR holds any of librispeech/ (needed),
ami_meetings/ and long_audiobook/; see ``conversations.py`` for the scenes. Everything is analysed as ``spatial-lalm
analyze`` does. Printed for each kind of scene:

- diarisation error rate, collar 0.25 s, overlapping speech scored (``evaluate.diarisation``), by each way of telling
  talkers apart, and its parts that do not depend on that: missed and invented speech;
- how many talkers were heard, of how many;
- the angle between where a turn was heard and where it came from, and how late its beginning was heard, medians.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from conversations import RATE, Scene, SeatedTurn, audiobook, conversation, held_out_talkers, meeting

from spatial_lalm.audio.conventions import angle_between, unit_vector
from spatial_lalm.audio.recording import Recording
from spatial_lalm.evaluate.diarisation import DiarisationError, Turn, diarisation_error
from spatial_lalm.model.analysis import VIEWS, analyse, plan_analysis
from spatial_lalm.model.loading import SpatialLalm, load_model
from spatial_lalm.model.recorded import Recorded, RecordedEvent

COLLAR_S = 0.25
WAYS = ("voice and direction", "direction alone", "one talker")
PEAK = 0.5


@dataclass(frozen=True)
class Scored:
    """What became of a scene: errors by the ways, talkers heard and there, and for every turn heard where and when."""

    kind: str
    errors: tuple[DiarisationError, ...]
    heard: int
    there: int
    angles_deg: list[float]
    late_s: list[float]


def analysed(model: SpatialLalm, scene: Scene, folder: Path, views: int) -> Recorded:
    """The scene as ``analyze`` hears it."""
    path, out = folder / "scene.wav", folder / "scene.h5"
    out.unlink(missing_ok=True)
    soundfile.write(path, PEAK * scene.signals.T / np.abs(scene.signals).max(), RATE, subtype="PCM_16")
    analyse(plan_analysis(model, Recording.open(path, format="ambix"), views), out)
    return Recorded.open(out)


def scored(kind: str, scene: Scene, recorded: Recorded) -> Scored:
    """Compare what was heard with the truth."""
    speech = [event for event in recorded.spoken if event.label == "speech"]
    reference = [seated.turn for seated in scene.turns]
    names = [[str(e.talker) for e in speech], [str(e.source) for e in speech], ["one"] * len(speech)]
    errors = tuple(
        diarisation_error(reference, [_turn(e, name) for e, name in zip(speech, way, strict=True)], COLLAR_S)
        for way in names
    )
    found = [(seated, match) for seated in scene.turns if (match := _longest(seated, speech)) is not None]
    return Scored(
        kind, errors, len(set(names[0])), len({turn.speaker for turn in reference}),
        [_angle_deg(seated, event) for seated, event in found],
        [late for seated, event in found if abs(late := event.evidence.start_s - seated.turn.start_s) < 1.0],
    )  # fmt: skip


def _turn(event: RecordedEvent, speaker: str) -> Turn:
    return Turn(speaker, event.evidence.start_s, event.evidence.end_s)


def _longest(seated: SeatedTurn, speech: Sequence[RecordedEvent]) -> RecordedEvent | None:
    """The event that shares most time with a turn."""
    turn = seated.turn
    shared = [min(turn.end_s, e.evidence.end_s) - max(turn.start_s, e.evidence.start_s) for e in speech]
    return speech[int(np.argmax(shared))] if shared and max(shared) > 0 else None


def _angle_deg(seated: SeatedTurn, event: RecordedEvent) -> float:
    """Between a turn's direction and the event's way during the turn."""
    first = max(0, round(10 * (seated.turn.start_s - event.evidence.start_s)))
    way = event.path[first : max(first + 1, round(10 * (seated.turn.end_s - event.evidence.start_s)))]
    way = way if len(way) else event.path[-1:]
    mean = unit_vector(way[:, 0].astype(float), way[:, 1].astype(float)).mean(0)
    return float(angle_between(mean, seated.direction))


# ---------------------------------------------------------------- scenes


def scenes(audio: Path, quick: bool, minutes: float, repeats: int, poem_s: float) -> Iterator[tuple[str, Scene]]:
    """Every scene with its kind."""
    voices = held_out_talkers(audio)
    for moves in (False, True):
        for talkers in (2, 3) if quick else (2, 3, 4):
            for repeat in range(repeats):
                rng = np.random.default_rng((talkers, moves, repeat))
                yield "conversations" + ", seats change" * moves, conversation(rng, voices, talkers, minutes, moves)
    if (meetings := audio / "ami_meetings").is_dir():
        for number, path in enumerate(sorted(meetings.glob("*.flac"))[: 1 if quick else None]):
            yield "AMI meetings", meeting(np.random.default_rng(number), path)
    if (book := audio / "long_audiobook").is_dir():
        rng = np.random.default_rng(7)
        for scene in audiobook(rng, book, voices, range(1 if quick else 17), poem_s):
            yield "audiobook, interrupted", scene


def table(results: Iterable[Scored]) -> str:
    """A row for each kind of scene."""
    kinds: dict[str, list[Scored]] = {}
    for result in results:
        kinds.setdefault(result.kind, []).append(result)
    lines = [
        f"| scenes | speech, min | DER, %: {' | '.join(WAYS)} | missed, % | invented, % | talkers heard / there "
        "| angle, ° | onset, s |",
        "|" + "---|" * 10,
    ]
    for kind, rows in kinds.items():
        errors = [sum((row.errors[way] for row in rows[1:]), rows[0].errors[way]) for way in range(len(WAYS))]
        speech = errors[0].speech_s
        rates = " | ".join(f"{100 * error.rate:.1f}" for error in errors)
        heard, there = sum(row.heard for row in rows), sum(row.there for row in rows)
        angle = np.median([angle for row in rows for angle in row.angles_deg])
        late = np.median([late for row in rows for late in row.late_s])
        lines.append(
            f"| {kind} ({len(rows)}) | {speech / 60:.1f} | {rates} | {100 * errors[0].missed_s / speech:.1f} "
            f"| {100 * errors[0].false_alarm_s / speech:.1f} | {heard} / {there} | {angle:.1f} | {late:+.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", type=Path, required=True, metavar="DIR", help="folder of corpora")
    parser.add_argument("--quick", action="store_true", help="a scene of each kind, of half a minute")
    parser.add_argument("--minutes", type=float, default=4.0, help="length of a conversation (default: 4)")
    parser.add_argument("--repeats", type=int, default=3, help="conversations of each kind (default: 3)")
    parser.add_argument("--poem", type=float, default=300.0, metavar="S", help="most seconds of a poem (default: 300)")
    parser.add_argument("--model", metavar="DIR", help="default: the shipped one")
    parser.add_argument("--verbose", action="store_true", help="a line for each scene too")
    parser.add_argument("--views", type=int, default=VIEWS, help=f"views (default: {VIEWS})")
    args = parser.parse_args()
    if not (args.audio / "librispeech").is_dir():
        parser.error(f"--audio {args.audio}: no folder librispeech in it; its held-out speakers are the talkers")
    size = (0.5, 1, 15.0) if args.quick else (args.minutes, args.repeats, args.poem)
    model, results = load_model(args.model), []
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        for kind, scene in scenes(args.audio, args.quick, *size):
            results.append(scored(kind, scene, analysed(model, scene, Path(folder), args.views)))
            if args.verbose:
                rates = ", ".join(f"{100 * error.rate:.1f}" for error in results[-1].errors)
                print(f"{kind}: {scene.name}, DER {rates} %", flush=True)
    print(table(results))
    print(f"\n{time.process_time() - began:.0f} CPU s; talkers by voice: {model.voices is not None}")


if __name__ == "__main__":
    main()
