"""``spatial-lalm ask``: a question about a recording, answered in a sentence or as JSON."""

from __future__ import annotations

import argparse
import json
import sys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to its parser."""
    parser.add_argument("recording", metavar="RECORDING", help="a sound file with any number of channels")
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
    from spatial_lalm.audio.recording import Recording

    recording = Recording.open(args.recording, format=args.format, array=args.array)

    from spatial_lalm.model.loading import load_model

    answer = load_model(args.model).ask(recording, args.question, args.start, args.end)
    if args.json:
        print(json.dumps(answer.to_dict(), indent=2, allow_nan=False))
        return 0
    for note in answer.assumed:
        print(f"assumed: {note}", file=sys.stderr)
    print(answer.text)
    return 0
