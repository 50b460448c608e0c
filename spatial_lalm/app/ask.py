"""``spatial-lalm ask``: a question about a recording, answered in a sentence or as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from spatial_lalm.errors import InputError

if TYPE_CHECKING:
    from spatial_lalm.model.answers import Answer
    from spatial_lalm.model.loading import SpatialLalm


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to its parser."""
    parser.add_argument("recording", metavar="RECORDING", help="a sound file of any length, or what analyze made of it")
    parser.add_argument("question", metavar="QUESTION", help='such as "Where is the speaker?"')
    parser.add_argument(
        "--format",
        metavar="NAME",
        help="ambix, foa, hoa2, hoa3, n3d, fuma, binaural or mono (default: by the number of channels)",
    )
    parser.add_argument("--array", metavar="NAME|FILE", help="the microphone array: a preset or a JSON file")
    parser.add_argument("--model", metavar="DIR|ID", help="a trained model (default: the shipped one)")
    parser.add_argument("--start", type=float, default=0.0, metavar="S", help="hear from this second on (default: 0)")
    parser.add_argument("--end", type=float, metavar="S", help="hear up to this second (default: the end)")
    parser.add_argument("--json", action="store_true", help="print the whole answer as a JSON object")


def run(args: argparse.Namespace) -> int:
    """Open, listen, answer; the assumptions go to stderr so that stdout holds the answer alone."""
    from spatial_lalm.memory.store import looks_like_memory

    answer = _from_memory(args) if looks_like_memory(args.recording) else _from_sound(args)
    if args.json:
        print(json.dumps(answer.to_dict(), indent=2, allow_nan=False))
        return 0
    for note in answer.assumed:
        print(f"assumed: {note}", file=sys.stderr)
    print(answer.text)
    return 0


def _from_memory(args: argparse.Namespace) -> Answer:
    """The answer from a file that ``analyze`` wrote; the model is loaded only where the question is open."""
    for flag, value, default in (
        ("format", args.format, None), ("array", args.array, None), ("start", args.start, 0.0), ("end", args.end, None)
    ):  # fmt: skip
        if value != default:
            way = "name the time in the question" if flag in ("start", "end") else "that was settled by analyze"
            raise InputError(f"--{flag} {value}: {args.recording} is an analysed recording: {way}")
    from spatial_lalm.model.recorded import Recorded

    return Recorded.open(args.recording).ask(args.question, lambda: _model(args))


def _from_sound(args: argparse.Namespace) -> Answer:
    """The answer about a sound file; one longer than the model hears at once shows how far it is."""
    from spatial_lalm.app.progress import Progress
    from spatial_lalm.audio.recording import Recording

    recording = Recording.open(args.recording, format=args.format, array=args.array)
    with Progress("heard", seconds=True) as progress:
        return _model(args).ask(recording, args.question, args.start, args.end, progress)


def _model(args: argparse.Namespace) -> SpatialLalm:
    from spatial_lalm.model.loading import load_model

    return load_model(args.model)
