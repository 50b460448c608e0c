"""How well the model hears: direction, distance, room and class on held-out simulated and on real material.

Usage: python benchmarks/hearing.py [--audio DIR] [--model DIR] [--scenes 500] [--only PART] [--quick] [--json FILE]

DIR holds the corpora that ``list_sources.py`` names and, for the real parts, ``spherical_array_irs`` and
``ambisonic_recordings_no_gt`` (``real_material.py``), ``surrey_brirs`` and ``bbc_brirs`` (``binaural_material.py``).
Without it only generated sounds are used and the real parts are left out. Prints Markdown; ``--json`` keeps every
number with its interval.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shlex
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from binaural_material import binaural_clips, binaural_responses
from clips import SETS, Clip, open_sources
from field import field_lines, field_table
from real_material import CLIP_S, SNR_DB, YAWS_DEG, RealResponse, real_clips, real_responses, unlabelled_recordings
from scoring import COLUMNS, EVERYTHING, LATERAL, Guess, Row, Scores, best_constant, model_estimators, score, table
from words import ask_all, words_table

from spatial_lalm import load_model
from spatial_lalm.app.progress import Progress
from spatial_lalm.audio.conventions import angles
from spatial_lalm.errors import InputError
from spatial_lalm.model.loading import SHIPPED

PARTS = ("simulated", "field", "real", "binaural")
BINAURAL_TAKES = 2
"""Clips a binaural response."""
QUICK_SCENES, QUICK_REAL, QUICK_ASKED = 24, 8, 5
REAL_CLIPS = 48
"""Clips a real response: six sounds at each of eight yaws."""
ASKED = 100
CONSTANT = "best constant (chance)"


class Estimates:
    """Guesses of every estimator for clips that are made, heard and let go one by one."""

    def __init__(self, model: Any) -> None:
        """``model`` may be None: then the classical estimate stands alone."""
        self.estimators = model_estimators(model)
        self.clips: list[Clip] = []
        self.guesses: dict[str, list[Guess]] = {name: [] for name in self.estimators}
        self.digest = hashlib.sha256()

    def hear(self, clips: Iterable[Clip], total: int, label: str, keep: int = 0) -> None:
        """Let every estimator hear every clip; the samples of the first ``keep`` are kept."""
        with Progress(label) as progress:
            for number, clip in enumerate(clips):
                progress(number, total)
                for name, (estimate, _) in self.estimators.items():
                    self.guesses[name].append(estimate(clip))
                self.digest.update(clip.signals.tobytes())
                heard = clip if len(self.clips) < keep else replace(clip, signals=np.zeros((4, 0), np.float32))
                self.clips.append(heard)
            progress(total, total)

    def rows(self, prefix: str = "") -> list[Row]:
        """One row an estimator."""
        return [Row(prefix + name, self.guesses[name], tells) for name, (_, tells) in self.estimators.items()]


# ---------------------------------------------------------------- parts of the report


def simulated_part(
    model: Any, args: argparse.Namespace, results: dict[str, Any]
) -> Iterator[tuple[str, Estimates, Scores]]:
    """The three simulated sets, one after the other."""
    sources = open_sources(args.audio)
    results["sources"] = sources.words
    for which in SETS:
        library = sources.everything if which.name == "classes" else sources.speech
        estimates = Estimates(model)
        estimates.hear(which.clips(args.scenes, library), args.scenes, f"set {which.name}", keep=_asked(args))
        constant = Row(CONSTANT, [best_constant(estimates.clips)] * len(estimates.clips), EVERYTHING)
        yield which.title, estimates, score(estimates.clips, [*estimates.rows(), constant])


def real_part(model: Any, args: argparse.Namespace) -> list[tuple[RealResponse, Estimates]]:
    """What every estimator says about every real response."""
    files = open_sources(args.audio).files
    assert files is not None
    count = QUICK_REAL if args.quick else REAL_CLIPS
    heard = []
    for response in real_responses(args.audio):
        estimates = Estimates(model)
        estimates.hear(real_clips(response, count, files), count, response.name)
        heard.append((response, estimates))
    return heard


def binaural_part(model: Any, args: argparse.Namespace) -> Iterator[tuple[str, Estimates, Scores]]:
    """Two ears in two real rooms: what the model says, with and without a difference between the ears."""
    files = open_sources(args.audio).files
    assert files is not None
    responses = binaural_responses(args.audio)
    for name in dict.fromkeys(response.name for response in responses):
        room = [response for response in responses if response.name == name]
        takes = 1 if args.quick else BINAURAL_TAKES
        estimates = Estimates(model)
        estimates.hear(binaural_clips(room, takes, files), takes * len(room), name)
        rows = [replace(row, tells=LATERAL) for row in estimates.rows() if "label" in row.tells]
        yield f"Real binaural: {name}", estimates, score(estimates.clips, rows)


def together(model: Any, parts: Iterable[Estimates]) -> Estimates:
    """Several sets as one."""
    whole = Estimates(model)
    for part in parts:
        whole.clips += part.clips
        whole.digest.update(part.digest.digest())
        for name, guesses in part.guesses.items():
            whole.guesses[name] += guesses
    return whole


def response_line(response: RealResponse) -> str:
    """What is known about a response."""
    azimuth, elevation = (float(angle) for angle in angles(response.direction))
    room = "anechoic"
    if response.acoustics is not None:
        known = response.acoustics
        room = f"T60 {known.t60_s:.2f} s, DRR {known.drr_db:.1f} dB, C50 {known.c50_db:.1f} dB"
    place = f"azimuth {azimuth:.0f}°, elevation {elevation:.0f}° ({response.reference})"
    distance = "" if np.isnan(response.distance_m) else f", {response.distance_m:g} m"
    return f"- {response.name}: {place}{distance}; {room}"


def unlabelled_lines(model: Any, audio: Path) -> Iterator[str]:
    """What the model says about recordings that nobody labelled."""
    for name, recording in unlabelled_recordings(audio):
        for question in ("What can you hear, and where?", "What is the reverberation time?"):
            yield f"- {name}, {recording.duration_s:.1f} s. {question} *{model.ask(recording, question).text}*"


def misses_line(scores: Scores) -> str:
    """How many clips each listener heard no event in."""
    listeners = {name: count for name, count in scores.misses.items() if name != CONSTANT}
    if not listeners:
        return ""
    told = "; ".join(f"{name} {count}" for name, count in listeners.items())
    return f"Clips in which no event was heard (of {scores.clips}): {told}.\n"


# ---------------------------------------------------------------- provenance


def provenance(args: argparse.Namespace, seconds: float) -> dict[str, Any]:
    """Machine, date, command line and model of a run."""
    return {
        "machine": f"{_processor()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d"),
        "command": shlex.join(["python", *sys.argv]),
        "seconds": round(seconds),
        "model_sha256": None if args.no_model else folder_digest(args.model or SHIPPED),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def folder_digest(folder: Path) -> str | None:
    """SHA-256 over the names and contents of a folder's files; None when it is no folder (a name on a hub)."""
    if not folder.is_dir():
        return None
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(str(path.relative_to(folder)).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def footer(results: dict[str, Any]) -> str:
    """What stands below the tables."""
    run = results["run"]
    data = hashlib.sha256("".join(s["data_sha256"] for s in results["sets"].values()).encode()).hexdigest()
    return (
        f"{run['machine']}; {run['date']}; {run['seconds']} s; `{run['command']}`; "
        f"data {data[:12]}; model {(run['model_sha256'] or 'none')[:12]}."
    )


# ---------------------------------------------------------------- the report


RULES = (
    "Brackets: 95 % bootstrap intervals, drawn by talker (by clip where there is none). The most salient event counts; "
    "a clip without an event, or an event without a direction, counts as 90° off, a missing distance as a ratio error "
    "of 1, a missing label as wrong. *Spatial channels zeroed*: Y, Z and X silent and marked as void, so the model "
    "declines to give directions; *not told so*: silent, but marked as trusted. *Best constant*: the one answer that "
    "fits the set best, in each quantity; on real material that of set (c)."
)

REAL_RULES = (
    "Turned about the vertical by {yaws} in turn; clips of {seconds:g} s, three of four speech, others ESC-10; "
    "white noise at {snr:g} dB SNR. A direction known from the *direct sound* is that of its intensity vector, so it "
    "shares the microphone's own errors, and the classical estimate shares them with it."
)


def report(model: Any, args: argparse.Namespace) -> dict[str, Any]:
    """Print everything as it is found; the same as numbers."""
    results: dict[str, Any] = {"sets": {}}
    began = time.monotonic()
    print("# Hearing\n\n" + RULES + "\n")
    constant = Guess()
    if args.only in (None, "simulated"):
        for title, estimates, scores in simulated_part(model, args, results):
            _print_set(f"Simulated {title}", scores, results, estimates)
            constant = best_constant(estimates.clips)
            if model is not None and len(results["sets"]) == 1:
                _print_words(model, estimates.clips[: _asked(args)], results)
        print(f"Dry sounds: {results['sources']}.\n")
    if model is not None and args.only in (None, "field"):
        _print_field(model, args, results)
    if args.audio is not None and args.only in (None, "real"):
        _print_real(model, args, constant, results)
    if args.audio is not None and model is not None and args.only in (None, "binaural"):
        for title, estimates, scores in binaural_part(model, args):
            _print_set(title, scores, results, estimates)
    results["run"] = provenance(args, time.monotonic() - began)
    print(footer(results))
    return results


def _asked(args: argparse.Namespace) -> int:
    return QUICK_ASKED if args.quick else min(ASKED, args.scenes)


def _print_set(title: str, scores: Scores, results: dict[str, Any], estimates: Estimates) -> None:
    print(f"## {title} ({scores.clips} clips)\n\n{table(scores)}\n\n{misses_line(scores)}", flush=True)
    results["sets"][title] = asdict(scores) | {"data_sha256": estimates.digest.hexdigest()}


def _print_words(model: Any, clips: list[Clip], results: dict[str, Any]) -> None:
    with Progress("clips asked about") as progress:
        spoken = ask_all(model, clips, progress)
    print(f"### Answers in words ({len(clips)} clips of the set above)\n\n{words_table(spoken)}\n", flush=True)
    results["words"] = {
        s.question.quantity: {"median": asdict(s.median), "mean": asdict(s.mean), "unread": s.unread} for s in spoken
    }


def _print_field(model: Any, args: argparse.Namespace, results: dict[str, Any]) -> None:
    """Two at once, movers, numbers of sources, arrays."""
    with Progress("field") as progress:
        lines = list(
            field_lines(model, args.scenes, open_sources(args.audio), lambda _, number: progress(number, args.scenes))
        )
    print("## Two at once, movers, how many, other arrays\n")
    print(field_table(lines) + "\n")
    results["field"] = [asdict(line) for line in lines]


def _print_real(model: Any, args: argparse.Namespace, constant: Guess, results: dict[str, Any]) -> None:
    heard = real_part(model, args)
    if not heard:
        print(f"No measured responses in {args.audio}: the real part is left out.\n")
        return
    for title, in_room in (("Real rooms", True), ("Real arrays in an anechoic room", False)):
        whole = together(model, [e for response, e in heard if (response.acoustics is not None) == in_room])
        if whole.clips:
            # The constant is that of set (c); there is none where the simulated sets were left out.
            known = [] if constant == Guess() else [Row(CONSTANT, [constant] * len(whole.clips), EVERYTHING)]
            _print_set(title, score(whole.clips, [*whole.rows(), *known]), results, whole)
    single = Scores({}, {}, 0)
    for response, estimates in heard:
        scores = score(estimates.clips, estimates.rows())
        single.intervals.update({f"{response.name}: {name}": row for name, row in scores.intervals.items()})
        results["sets"][f"Real: {response.name}"] = asdict(scores) | {"data_sha256": estimates.digest.hexdigest()}
    yaws = ", ".join(f"{yaw:.0f}°" for yaw in YAWS_DEG)
    print("### Each real response\n\n" + "\n".join(response_line(response) for response, _ in heard) + "\n")
    print(REAL_RULES.format(yaws=yaws, seconds=CLIP_S, snr=SNR_DB) + "\n")
    print(table(single, [column for column in COLUMNS if not column.key.startswith("class")]) + "\n", flush=True)
    if model is not None:
        print("### Recordings without labels\n\n" + "\n".join(unlabelled_lines(model, args.audio)) + "\n")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--audio", type=Path, help="folder of public corpora and measured responses")
    parser.add_argument("--model", type=Path, help="folder of a trained model (default: the shipped one)")
    parser.add_argument("--no-model", action="store_true", help="the classical estimate and the constants alone")
    parser.add_argument("--scenes", type=int, default=500, help="clips of each simulated set (default 500)")
    parser.add_argument("--only", choices=PARTS, help="one part of the report instead of all")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SCENES} clips of each set: a trial, no result")
    parser.add_argument("--json", type=Path, help="write every number there")
    args = parser.parse_args()
    if args.only in ("real", "binaural") and args.audio is None:
        parser.error(f"--only {args.only}: needs --audio DIR with measured responses")
    if args.scenes < 1:
        parser.error(f"--scenes {args.scenes}: at least 1 is needed")
    args.scenes = min(args.scenes, QUICK_SCENES) if args.quick else args.scenes
    return args


def main() -> int:
    """Print the report; 2 after a mistake of the user."""
    args = arguments()
    try:
        results = report(None if args.no_model else load_model(args.model), args)
    except InputError as error:
        print(f"hearing.py: error: {error}", file=sys.stderr)
        return 2
    if args.json is not None:
        args.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
